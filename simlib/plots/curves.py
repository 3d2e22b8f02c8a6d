"""Curves along an ascent: accuracy against score, PCs against score, score to capture against
variance.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simlib.plots.style import colour, marker, reference_lines, short_title

__all__ = [
    "accuracy_against_score",
    "capture_against_variance",
    "components_against_score",
    "toy_components",
]


def accuracy_against_score(
    curves: pd.DataFrame, crossings: pd.DataFrame, references: pd.DataFrame, ax: Axes
) -> Axes:
    """Accuracy against score for each measure on one dataset, with bands, reference, chance and
    dots.

    The tables are those of `experiments.accuracy_curves`, `crossings` and `references` for that
    dataset.
    """
    for measure, curve in curves.groupby("measure", sort=False):
        curve = curve.sort_values("score")
        ax.plot(curve["score"], curve["mean"], color=colour(measure), zorder=3)
        ax.plot(
            [],
            [],
            marker(measure) + "-",
            color=colour(measure),
            mec="white",
            ms=7,
            label=short_title(measure),
        )
        ax.fill_between(
            curve["score"], curve["low"], curve["high"], color=colour(measure), alpha=0.15, lw=0
        )
    for measure, dots in crossings.groupby("measure", sort=False):
        look = {"color": colour(measure), "mec": "white", "ms": 7, "zorder": 4}
        ax.plot(dots["score"], dots["target"], marker(measure), **look)
    reference_lines(ax, references["accuracy"].mean(), references["chance"].mean(), 1.02)
    ax.set(
        xlim=(0, 1.02),
        xlabel="similarity score",
        ylabel="decoding accuracy",
        title=f"{curves['title'].iloc[0]}: {references['variable'].iloc[0].replace('_', ' ')}",
    )
    return ax


def components_against_score(table: pd.DataFrame, ax: Axes, most: int = 40) -> Axes:
    """R^2 of each PC against score during one ascent; the first `most` PCs, coloured by rank (log
    scale).

    `table` holds the "captured variance" rows of one dataset, measure and seed.
    """
    shown = table[table["pc"] <= most]
    norm = mpl.colors.LogNorm(1, max(2, int(shown["pc"].max())))
    shades = mpl.colormaps["viridis_r"]
    for pc, curve in shown.groupby("pc"):
        curve = curve.sort_values("step")
        ax.plot(curve["score"], curve["value"], color=shades(norm(pc)), lw=1)
    ax.set(
        xlim=(0, 1.02),
        ylim=(0, 1.02),
        xlabel="similarity score",
        ylabel="$R^2$ of the PC",
        title=short_title(table["measure"].iloc[0]),
    )
    return ax


def rank_colours(
    ax: Axes, most: int = 40, beside: list[Axes] | None = None
) -> mpl.colorbar.Colorbar:
    """Colour bar of `components_against_score`: PC rank from 1 (most variance) to `most`."""
    mappable = mpl.cm.ScalarMappable(mpl.colors.LogNorm(1, most), "viridis_r")
    ticks = [rank for rank in (1, 3, 10, 30, 100) if rank <= most]
    bar = ax.figure.colorbar(mappable, ax=beside if beside is not None else ax, ticks=ticks)
    bar.ax.set_yticklabels([str(rank) for rank in ticks])
    bar.ax.minorticks_off()
    bar.set_label("rank of the PC (1: most variance)")
    return bar


def capture_against_variance(capture: pd.DataFrame, ax: Axes) -> Axes:
    """Score needed to capture a PC against its explained-variance ratio (log axis), one dataset.

    `capture` is the table of `experiments.capture_scores`; PCs that are never captured are ticks
    above 1.
    """
    for measure, points in capture.groupby("measure", sort=False):
        reached = points["score"].notna()
        ax.plot(
            points["explained_variance"][reached],
            points["score"][reached],
            marker(measure),
            ms=3.5,
            color=colour(measure),
            alpha=0.8,
            mew=0,
            label=short_title(measure),
        )
        never = points["explained_variance"][~reached]
        ax.plot(never, np.full(len(never), 1.03), "|", color=colour(measure), ms=4, alpha=0.5)
    ax.set(
        xscale="log",
        ylim=(0, 1.06),
        xlabel="explained-variance ratio of the PC",
        ylabel="score to capture the PC",
        title=capture["title"].iloc[0],
    )
    return ax


def toy_components(curves: pd.DataFrame, ax: Axes) -> Axes:
    """R^2 of PC 1 and PC 2 against score, mean and spread over random starts, for one measure on
    the toy.

    `curves` is the table of `experiments.component_curves` for that measure.
    """
    for (pc, curve), style in zip(curves.groupby("pc"), ("-", "--"), strict=False):
        line = {"color": colour(curve["measure"].iloc[0]), "ls": style}
        ax.plot(curve["score"], curve["mean"], label=f"PC {pc}", **line)
        ax.fill_between(
            curve["score"], curve["low"], curve["high"], color=line["color"], alpha=0.18, lw=0
        )
    ax.set(
        xlim=(0, 1.02),
        ylim=(0, 1.05),
        xlabel="similarity score",
        ylabel="$R^2$ of the PC",
        title=short_title(curves["measure"].iloc[0]),
    )
    ax.legend(loc="upper left")
    return ax
