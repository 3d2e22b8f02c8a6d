"""The pictures of a measure's card: loss against variance, chance against neurons, cost against
size, joint ranges.
"""

from collections.abc import Iterable

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from simlib.plots.joint_score_ranges import region
from simlib.plots.style import colour, marker, short_title

__all__ = [
    "chance_against_neurons",
    "cost_against_size",
    "loss_against_variance",
    "ranges_of_pairs",
]

SPAN = {"errorbar": ("pi", 100), "err_style": "bars", "err_kws": {"capsize": 2}, "ms": 5}
BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "ncols": 2}


def _sizes(ax: Axes, sizes: pd.Series) -> None:
    """A log axis with a tick for each size."""
    ax.set_xscale("log")
    ax.set_xticks(sizes.unique(), [f"{size:g}" for size in sizes.unique()])
    ax.minorticks_off()


def loss_against_variance(
    losses: pd.DataFrame, references: pd.DataFrame, ax: Axes, distance: bool = False
) -> Axes:
    """What one measure loses when a PC is replaced by noise, over reference lines, on two log axes.

    `losses` is from `measure_card.replaced_losses` for one measure: mean over seeds with the least
    and greatest; losses of 0 and below have no place on a log axis. `references` is from
    `measure_card.reference_losses`.
    """
    lines = zip(references.groupby("measure", sort=False), ("-", "--", "-."), strict=False)
    for (name, line), dash in lines:
        look = {"color": colour(name), "ls": dash, "label": f"{short_title(name)} (theory)"}
        ax.plot(line["explained_variance"], line["loss"], **look)
    measure, positive = losses["measure"].iloc[0], losses[losses["loss"] > 1e-9]
    look = {"color": "black", "ls": "", "marker": marker(measure), "zorder": 4, **SPAN}
    label = f"{short_title(measure)} (measured)"
    sns.lineplot(positive, x="explained_variance", y="loss", label=label, ax=ax, **look)
    if positive.empty:
        ax.text(0.5, 0.05, "no positive loss to draw", transform=ax.transAxes, ha="center")
    ax.set(
        xscale="log",
        yscale="log",
        ylim=(min([references["loss"].min(), *positive["loss"]]) / 2, None),
        xlabel="explained-variance ratio of the PC replaced",
        ylabel="growth of the distance" if distance else "loss of the score",
    )
    ax.legend(**BELOW)
    return ax


def chance_against_neurons(draws: pd.DataFrame, ax: Axes) -> Axes:
    """Score of independent noise against neurons, a line for each number of samples; bars span all
    draws.

    `draws` is from `measure_card.chance_draws` for one measure; dashed where there is a closed
    form.
    """
    known = draws.dropna(subset="score")
    names = "n = " + known["samples"].astype(str) + " samples"
    look = {"hue": names, "style": names, "palette": "viridis", "markers": True, "dashes": False}
    sns.lineplot(known, x="neurons", y="score", ax=ax, **look, **SPAN)
    closed = known.dropna(subset="closed_form").groupby(["neurons", "samples"])["closed_form"]
    dashes = {"color": "black", "ls": "--", "lw": 1, "zorder": 5}
    for n, line in closed.mean().unstack().items():
        ax.plot(line, label="closed form" if n == known["samples"].max() else None, **dashes)
    ax.axhline(0, color="black", lw=0.5)
    ax.set(xlabel="neurons p on either side", ylabel="value for independent noise")
    _sizes(ax, draws["neurons"])
    ax.legend(**BELOW)
    return ax


def cost_against_size(seconds: pd.DataFrame, axes: Iterable[Axes]) -> Iterable[Axes]:
    """Median time of one evaluation against samples and against neurons (two axes), bars from least
    to greatest.

    `seconds` is from `measure_card.cost_seconds` for one measure.
    """
    held = {"samples": "neurons", "neurons": "samples"}
    times = seconds.dropna(subset="seconds").assign(ms=1e3 * seconds["seconds"])
    for ax, (varied, part) in zip(axes, times.groupby("varied", sort=False), strict=False):
        look = {"color": "black", "marker": marker(part["measure"].iloc[0]), **SPAN}
        sns.lineplot(part, x=varied, y="ms", estimator="median", ax=ax, **look)
        title = f"{part[held[varied]].iloc[0]} {held[varied]}"
        ax.set(yscale="log", ylabel="time (ms)", title=title)
        _sizes(ax, part[varied])
        ax.yaxis.set_major_formatter("{x:g}")
    return axes


def ranges_of_pairs(ends: pd.DataFrame, limits: pd.DataFrame, axes: Iterable[Axes]) -> None:
    """A `region` for each measure against which one was drawn.

    `ends` is from `measure_card.regions`, `limits` from `measure_card.limits`.
    """
    for (against, pair), ax in zip(ends.groupby("against", sort=False), axes, strict=False):
        of_pair = limits[limits["against"] == against]
        region(pair, of_pair.pivot(index="given", columns="bound", values="mean").reset_index(), ax)
