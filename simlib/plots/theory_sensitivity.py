"""Theory as lines, simulation as dots: what scores do when one principal component (PC) changes."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from simlib.plots.style import by_measure

__all__ = ["change_against_amount", "growth_against_variance", "replacement_against_variance"]

CHANGES = {
    "rotate": ("PC 1 rotated", "angle (degrees)"),
    "rescale": ("PC 1 rescaled", "factor on its standard deviation"),
    "keep": ("First PCs kept", "number of PCs kept"),
}


def _lines_and_dots(table: pd.DataFrame, x: str, y: str, ax: Axes) -> None:
    by_measure(sns.lineplot, table, ax, x=x, y="theory", errorbar=None, zorder=2, legend=False)
    by_measure(sns.scatterplot, table, ax, x=x, y=y, s=36, zorder=3)


def replacement_against_variance(table: pd.DataFrame, ax: Axes) -> Axes:
    """Score after one PC is replaced against its explained-variance ratio (log axis), for one
    dataset.

    `table` is from `experiments.theory_sensitivity.replacements`.
    """
    _lines_and_dots(table, "explained_variance", "score", ax)
    ax.set(
        xscale="log",
        xlim=(3e-4, max(0.5, 1.5 * table["explained_variance"].max())),
        ylim=(0, 1.04),
        xlabel="explained-variance ratio of the PC replaced",
        ylabel="score after replacing it",
        title=table["title"].iloc[0],
    )
    return ax


def change_against_amount(table: pd.DataFrame, ax: Axes) -> Axes:
    """Score against the amount of one change (rotate, rescale or keep).

    `table` is from `experiments.theory_sensitivity.changes`, for one change.
    """
    change = table["change"].iloc[0]
    title, label = CHANGES[change]
    _lines_and_dots(table, "amount", "score", ax)
    ax.set(ylim=(0, 1.04), xlabel=label, ylabel="score", title=f"{table['title'].iloc[0]}\n{title}")
    if change == "keep":
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
    if change == "rotate":
        ax.set_xticks([0, 45, 90, 135, 180])
    return ax


def growth_against_variance(table: pd.DataFrame, ax: Axes) -> Axes:
    """Growth of each PC relative to the first against its explained-variance ratio, both on log
    axes.

    `table` is from `experiments.theory_sensitivity.gradient_rows`, for one dataset.
    """
    shown = table[table["pc"].isin({round(1.25**k) for k in range(40)})]
    _lines_and_dots(shown, "explained_variance", "growth", ax)
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="explained-variance ratio of the PC",
        ylabel="growth relative to PC 1",
        title=table["title"].iloc[0],
    )
    return ax
