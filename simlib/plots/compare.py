"""Two datasets, all measures: each score beside chance and ceiling."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from simlib.plots.style import COLOURS

__all__ = ["scores_beside_chance"]


def scores_beside_chance(table: pd.DataFrame, ax: Axes) -> Axes:
    """Score (dot), chance with two standard deviations (grey bar) and ceiling (tick) of each
    measure.

    `table` is that of `calibration.compare`; measures that are not scores of at most 1 are left
    out, since they have another axis.
    """
    shown = table[(table["direction"] > 0) & (table["high"] == 1) & table["score"].notna()][::-1]
    for place, row in enumerate(shown.itertuples()):
        ax.barh(
            place,
            4 * row.chance_spread,
            left=row.chance - 2 * row.chance_spread,
            height=0.5,
            color="#BBBBBB",
        )
        ax.plot([row.chance] * 2, [place - 0.25, place + 0.25], color="#777777", lw=1)
        ax.plot(row.score, place, "o", color=COLOURS.get(row.measure, "#333333"), zorder=3)
        if row.ceiling == row.ceiling:
            ax.plot(row.ceiling, place, "|", color="black", ms=14)
    ax.set(yticks=range(len(shown)), yticklabels=shown["title"], xlabel="score")
    ax.set_xlim(min(-0.05, ax.get_xlim()[0]), 1.03)
    ax.axvline(0, color="black", lw=0.5)
    return ax
