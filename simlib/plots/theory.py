"""Theory as lines, simulation as dots: what scores do when one principal component (PC) changes."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from simlib.plots.style import colour, marker, short_title

__all__ = ["change_against_amount", "growth_against_variance", "replacement_against_variance"]

CHANGES = {
    "rotate": ("PC 1 rotated", "angle (degrees)"),
    "rescale": ("PC 1 rescaled", "factor on its standard deviation"),
    "keep": ("First PCs kept", "number of PCs kept"),
}


def _lines_and_dots(table: pd.DataFrame, x: str, y: str, ax: Axes) -> None:
    for measure, rows in table.groupby("measure", sort=False):
        rows = rows.sort_values(x)
        ax.plot(rows[x], rows["theory"], color=colour(measure), zorder=2)
        look = {"color": colour(measure), "ms": 6, "mec": "white", "mew": 0.6, "zorder": 3}
        ax.plot(rows[x], rows[y], marker(measure), label=short_title(measure), **look)


def replacement_against_variance(table: pd.DataFrame, ax: Axes) -> Axes:
    """Score after one PC is replaced against its explained-variance ratio (log axis), for one
    dataset.

    `table` is from `experiments.replacements`.
    """
    _lines_and_dots(table, "explained_variance", "score", ax)
    ax.set(
        xscale="log",
        ylim=(0, 1.04),
        xlabel="explained-variance ratio of the PC replaced",
        ylabel="score after replacing it",
        title=table["title"].iloc[0],
    )
    ax.set_xlim(3e-4, max(0.5, 1.5 * table["explained_variance"].max()))
    return ax


def change_against_amount(table: pd.DataFrame, ax: Axes) -> Axes:
    """Score against the amount of one change (rotate, rescale or keep); `table` is from
    `experiments.changes`.
    """
    title, label = CHANGES[table["change"].iloc[0]]
    _lines_and_dots(table, "amount", "score", ax)
    ax.set(ylim=(0, 1.04), xlabel=label, ylabel="score", title=f"{table['title'].iloc[0]}\n{title}")
    if table["change"].iloc[0] == "keep":
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
    if table["change"].iloc[0] == "rotate":
        ax.set_xticks([0, 45, 90, 135, 180])
    return ax


def growth_against_variance(table: pd.DataFrame, ax: Axes) -> Axes:
    """Growth of each PC relative to the first against its explained-variance ratio, both on log
    axes.

    `table` is from `experiments.gradient_rows`, for one dataset.
    """
    shown = table[table["pc"].isin(sorted({round(1.25**k) for k in range(40)}))]
    _lines_and_dots(shown, "explained_variance", "growth", ax)
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="explained-variance ratio of the PC",
        ylabel="growth relative to PC 1",
        title=table["title"].iloc[0],
    )
    return ax
