"""The picture of the page "How fast, and how far it reaches": drawn with the book, from the tables
that `make bench` left, so that both show the same numbers.
"""

import textwrap

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from simlib import plots
from simlib.measures import MEASURES


def svg(ratios: pd.DataFrame, sizes: pd.DataFrame) -> str:
    """The picture of these tables; of the same ones the same text."""
    with matplotlib.rc_context({"svg.hashsalt": "speed"}):
        return plots.svg(picture(ratios, sizes))


def picture(ratios: pd.DataFrame, sizes: pd.DataFrame) -> plt.Figure:
    """Above: how many times faster each piece of work is; below: how a step's time grows with
    samples and neurons.
    """
    plots.use()
    figure, axes = plt.subplot_mosaic(
        [["ratios"] * 2, ["shapes"] * 2, ["samples", "neurons"], ["measures"] * 2],
        figsize=(plots.WIDE, 11),
        height_ratios=(7, 0.8, 3.4, 0.6),
    )
    _ratios(axes["ratios"], ratios[ratios["against"] == "authors' route"])
    for along in ("samples", "neurons"):
        ax = axes[along]
        for measure, group in sizes[sizes["along"] == along].groupby("measure", sort=False):
            ax.plot(
                group[along],
                group["seconds"],
                marker=plots.marker(measure),
                color=plots.colour(measure),
                label=plots.short_title(measure),
            )
        fixed = sizes.loc[
            sizes["along"] == along, "neurons" if along == "samples" else "samples"
        ].iloc[0]
        ax.set(
            xscale="log",
            yscale="log",
            xlabel=f"number of {along}",
            ylabel="seconds a step",
            title=f"{fixed} {'neurons' if along == 'samples' else 'samples'}",
        )
    for key in ("shapes", "measures"):
        axes[key].axis("off")
    plots.legend(axes["samples"], axes["measures"], title="measure")
    shapes = axes["ratios"].get_legend_handles_labels()
    axes["shapes"].legend(*shapes, title="shape of", loc="center", ncols=2)
    return figure


def _ratios(ax: plt.Axes, table: pd.DataFrame) -> None:
    shapes = list(dict.fromkeys(table["shape"].str.split().str[0]))
    works = list(dict.fromkeys(table["work"]))[::-1]
    markers = dict(zip(shapes, "osD^vP", strict=False))
    for k, shape in enumerate(shapes):
        group = table[table["shape"].str.split().str[0] == shape]
        height = np.array([works.index(work) for work in group["work"]]) + 0.13 * (
            len(shapes) / 2 - k
        )
        middle, least, greatest = (group[c].to_numpy() for c in ("ratio", "least", "greatest"))
        ax.errorbar(
            middle,
            height,
            xerr=[middle - least, greatest - middle],
            fmt=markers[shape],
            ms=5,
            lw=1,
            color=f"C{k}",
            label=shape,
        )
    ax.axvline(1, color="#999999", lw=1)
    for between in range(1, len(works)):
        ax.axhline(between - 0.5, color="#e5e5e5", lw=0.8)
    ax.set(
        xscale="log",
        yticks=range(len(works)),
        yticklabels=map(_words, works),
        ylim=(-0.5, len(works) - 0.5),
        xlabel="times as fast",
    )


def _words(work: str) -> str:
    """A piece of work with the measure's name for its id, in short lines."""
    *said, last = work.split()
    return textwrap.fill(
        " ".join([*said, plots.short_title(last) if last in MEASURES else last]), 22
    )
