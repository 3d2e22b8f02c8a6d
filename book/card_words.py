"""A card and the words on it: numbers with their intervals, pictures, reasons."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib import pyplot as plt

from simlib import experiments
from simlib.measures import Measure


class Card(NamedTuple):
    """One measure's card: its name as given, its record, where it goes, how much is run and
    drawn.
    """

    name: str
    record: Measure
    out: Path
    quick: bool
    full: bool
    jobs: int

    @property
    def path(self) -> Path:
        return self.out / f"{self.record.id}.md"


def escaped(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return re.sub(r"([\\`*_{}\[\]<>|$#~])", r"\\\1", text)


def plain(text: object) -> str:
    """Anything as text on one line that Markdown leaves as it is."""
    return escaped(" ".join(str(text).split()))


def prose(text: str) -> str:
    """Text of a docstring: plain, but for the code between backticks."""
    parts = re.split(r"(`[^`]+`)", " ".join(text.split()))
    return "".join(part if k % 2 else escaped(part) for k, part in enumerate(parts))


def shown(value: float) -> str:
    """Two or three digits that count, with a true minus sign; what is below 5e-7 is rounding: 0."""
    if not math.isfinite(value):
        return "undefined"
    if abs(value) < 5e-7:
        return "0"
    text = (
        f"{value:.0f}"
        if abs(value) >= 100
        else f"{value:.2f}"
        if abs(value) >= 0.095
        else f"{value:.2g}"
    )
    return text.replace("-", "−")


def interval(found: dict, of: str = "") -> str:
    """An estimate with its interval: `0.51 (0.50 to 0.52 over 5 seeds)`, or without saying over
    what.
    """
    if not found["count"]:
        return "none found"
    over = f" over {int(found['count'])} {of}" if of else ""
    return f"{shown(found['mean'])} ({shown(found['low'])} to {shown(found['high'])}{over})"


def figure(card: Card, part: str, drawn: plt.Figure, alt: str, caption: str) -> str:
    """Save the picture and return the directive that shows it."""
    name = f"{card.record.id}-{part}.png"
    drawn.savefig(card.out / name, dpi=110)
    plt.close(drawn)
    return f"```{{figure}} {name}\n:alt: {plain(alt)}\n\n{caption}\n```\n"


def undefined(rows: pd.DataFrame, where: pd.Series) -> str:
    """Where a measure has no value, and the first reason it gave."""
    if not where.any():
        return ""
    first = plain(rows.loc[where, "note"].iloc[0]).rstrip(".")
    count = f"all {len(rows)}" if where.all() else f"{int(where.sum())} of {len(rows)}"
    return f"Undefined in {count} cases; the first reason given: {first}."


def reason(error: experiments.TaskError) -> str:
    """Why the last of the failed tasks failed, without its arguments."""
    return str(error).splitlines()[-1].split("}: ", 1)[-1]


def why_not(card: Card) -> str:
    """Why this measure can't be climbed, "" if it can."""
    if card.record.direction < 0:
        return "This is a distance; ascents and joint ranges are drawn for scores. Ask for the card of its score."
    return "" if card.record.differentiable else "It has no gradient to climb."
