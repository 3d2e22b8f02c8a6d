"""Scores of unrelated data, and scores beside what unrelated data would score."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from simlib.plots.screens import SMALL
from simlib.plots.style import LOOKS, by_measure, colour

__all__ = ["noise_against_neurons", "scores_beside_chance"]


def noise_against_neurons(table: pd.DataFrame, ax: Axes) -> Axes:
    """Mean score of independent noise (bars: standard deviation over seeds) against neurons, a line
    a measure.

    `table` is that of `experiments.chance_level.noise_scores`.
    """
    bars = {"errorbar": "sd", "err_style": "bars", "err_kws": {"capsize": 2}, "markevery": 1}
    by_measure(sns.lineplot, table, ax, x="neurons", y="score", ms=7, mew=0.5, **bars)
    samples = int(table["samples"].iloc[0])
    ax.axvline(samples, color="black", ls=":", lw=1)
    ax.annotate(
        f"{samples} samples",
        (samples, 1.02),
        xytext=(4, 0),
        textcoords="offset points",
        fontsize=SMALL,
    )
    ax.axhline(0, color="black", lw=0.5)
    ax.set(
        xscale="log",
        ylim=(np.clip(np.floor(table["score"].min() * 10) / 10, -1, -0.08), 1.08),
        xlabel="neurons on either side",
        ylabel="score of independent noise",
    )
    return ax


def scores_beside_chance(table: pd.DataFrame, ax: Axes) -> Axes:
    """Score (dot), chance with two standard deviations (grey bar) and estimated ceiling (tick) of
    each measure.

    `table` is that of `calibration.compare`; measures that are not scores of at most 1 are left
    out, since they have another axis.
    """
    shown = table[(table["direction"] > 0) & (table["high"] == 1) & table["score"].notna()][::-1]
    y, spread = np.arange(len(shown)), shown["chance_spread"]
    ax.barh(y, 4 * spread, 0.5, left=shown["chance"] - 2 * spread, color="#BBBBBB")
    ax.vlines(shown["chance"], y - 0.25, y + 0.25, color="#777777", lw=1)
    shades = [colour(name) if name in LOOKS else "#333333" for name in shown["measure"]]
    ax.scatter(shown["score"], y, c=shades, s=36, zorder=3)
    ax.scatter(shown["ceiling"], y, c="black", marker="|", s=200)
    ax.axvline(0, color="black", lw=0.5)
    left = min(-0.05, ax.get_xlim()[0])
    ax.set(xlim=(left, 1.03), yticks=y, yticklabels=shown["title"], xlabel="score")
    return ax
