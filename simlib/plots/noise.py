"""Scores of independent noise against the number of neurons."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simlib.plots.style import colour, marker, short_title

__all__ = ["noise_against_neurons"]


def noise_against_neurons(table: pd.DataFrame, ax: Axes) -> Axes:
    """Mean score of noise (with its standard deviation) against neurons per sample, one line a
    measure.

    `table` is that of `experiments.noise_scores`.
    """
    samples = int(table["samples"].iloc[0])
    for measure, rows in table.groupby("measure", sort=False):
        curve = rows.groupby("neurons")["score"].agg(["mean", "std"]).fillna(0.0)
        ax.errorbar(
            curve.index,
            curve["mean"],
            curve["std"],
            color=colour(measure),
            marker=marker(measure),
            ms=5,
            label=short_title(measure),
            capsize=2,
        )
    ax.axvline(samples, color="black", ls=":", lw=1)
    ax.annotate(
        f"{samples} samples", (samples, 1.02), xytext=(4, 0), textcoords="offset points", fontsize=8
    )
    ax.axhline(0, color="black", lw=0.5)
    low = (
        min(-0.08, float(np.floor(table["score"].min() * 10) / 10))
        if table["score"].min() > -1
        else -1.0
    )
    ax.set(
        xscale="log",
        ylim=(low, 1.08),
        xlabel="neurons on either side",
        ylabel="score of independent noise",
    )
    return ax
