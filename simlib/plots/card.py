"""The pictures of a measure's card: loss against variance, chance against neurons, cost against
size.
"""

from __future__ import annotations

from collections.abc import Iterable

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simlib.plots.style import colour, marker, short_title

__all__ = ["chance_against_neurons", "cost_against_size", "loss_against_variance"]

POINTS = {"capsize": 2, "ms": 5, "zorder": 4}
DASHES = ("-", "--", "-.")


def _errors(cells: pd.DataFrame) -> np.ndarray:
    """Distances from the centre to `low` and `high`, as `errorbar` takes them."""
    return np.abs(np.stack([cells["centre"] - cells["low"], cells["high"] - cells["centre"]]))


def _spread(groups, column: str, centre: str) -> pd.DataFrame:
    found = groups[column].agg([centre, "min", "max"])
    return found.set_axis(["centre", "low", "high"], axis=1).reset_index()


def loss_against_variance(
    losses: pd.DataFrame, references: pd.DataFrame, ax: Axes, distance: bool = False
) -> Axes:
    """What one measure loses when a PC is replaced by noise, over reference lines, on two log axes.

    `losses` is from `experiments.replaced_losses` for one measure: mean over seeds with the least
    and greatest; losses of 0 and below have no place on a log axis. `references` is from
    `experiments.reference_losses`.
    """
    for (name, line), dash in zip(references.groupby("measure", sort=False), DASHES, strict=False):
        ax.plot(
            line["explained_variance"],
            line["loss"],
            color=colour(name),
            ls=dash,
            label=f"{short_title(name)} (theory)",
        )
    measure = losses["measure"].iloc[0]
    positive = losses[losses["loss"] > 1e-9]
    if len(positive):
        cells = _spread(positive.groupby("explained_variance"), "loss", "mean")
        ax.errorbar(
            cells["explained_variance"],
            cells["centre"],
            _errors(cells),
            color="black",
            ls="none",
            marker=marker(measure),
            label=f"{short_title(measure)} (measured)",
            **POINTS,
        )
    else:
        ax.text(0.5, 0.05, "no positive loss to draw", transform=ax.transAxes, ha="center")
    low = min(references["loss"].min(), positive["loss"].min() if len(positive) else 1)
    ax.set(
        xscale="log",
        yscale="log",
        ylim=(low / 2, None),
        xlabel="explained-variance ratio of the PC replaced",
        ylabel="growth of the distance" if distance else "loss of the score",
    )
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return ax


def chance_against_neurons(cells: pd.DataFrame, ax: Axes) -> Axes:
    """Score of independent noise against neurons, a line for each number of samples; bars span all
    draws.

    `cells` is from `experiments.chance_cells`; dashed where there is a closed form.
    """
    known = cells.dropna(subset="mean")
    sizes = sorted(known["samples"].unique())
    shades = mpl.colormaps["viridis"](np.linspace(0.05, 0.8, max(1, len(sizes))))
    for n, shade, symbol in zip(sizes, shades, "osD^v", strict=False):
        line = known[known["samples"] == n].rename(columns={"mean": "centre"})
        look = {"color": shade, "marker": symbol, "label": f"n = {n} samples", **POINTS}
        ax.errorbar(line["neurons"], line["centre"], _errors(line), **look)
        if line["closed_form"].notna().any():
            ax.plot(
                line["neurons"],
                line["closed_form"],
                color="black",
                ls="--",
                lw=1,
                zorder=5,
                label="closed form" if n == sizes[-1] else None,
            )
    if not len(known):
        ax.text(0.5, 0.5, "defined at none of these sizes", transform=ax.transAxes, ha="center")
    ax.axhline(0, color="black", lw=0.5)
    ticks = sorted(cells["neurons"].unique())
    ax.set(xscale="log", xlabel="neurons p on either side", ylabel="value for independent noise")
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    if len(known):
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return ax


def cost_against_size(seconds: pd.DataFrame, axes: Iterable[Axes]) -> Iterable[Axes]:
    """Median time of one evaluation against samples and against neurons (two axes), bars from least
    to greatest.

    `seconds` is from `experiments.cost_seconds` for one measure.
    """
    held = {"samples": "neurons", "neurons": "samples"}
    for ax, (varied, part) in zip(
        axes, seconds.dropna(subset="seconds").groupby("varied", sort=False), strict=False
    ):
        cells = _spread(part.assign(ms=1e3 * part["seconds"]).groupby(varied), "ms", "median")
        look = {"color": "black", "marker": marker(part["measure"].iloc[0]), **POINTS}
        ax.errorbar(cells[varied], cells["centre"], _errors(cells), **look)
        ax.set(
            xscale="log",
            yscale="log",
            xlabel=varied,
            ylabel="time (ms)",
            title=f"{part[held[varied]].iloc[0]} {held[varied]}",
        )
        ax.set_xticks(cells[varied], [f"{size:g}" for size in cells[varied]])
        ax.minorticks_off()
        ax.yaxis.set_major_formatter("{x:g}")
    return axes
