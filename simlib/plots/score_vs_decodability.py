"""How well the task can be decoded along an ascent, and what a surrogate's construction puts in."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from simlib.plots.screens import SMALL
from simlib.plots.style import NEVER, by_measure, colour, marker, reference_lines

__all__ = ["accuracy_against_score", "crossings_against_placement", "share_against_captured"]

RANGE = ("pi", 100)  # from the least to the greatest run
SCALES = {"recorded": "recorded unit", "common": "one scale for $X$ and $Y$"}
SHIPPED = "#999999"


def accuracy_against_score(
    curves: pd.DataFrame, crossings: pd.DataFrame, references: pd.DataFrame, ax: Axes
) -> Axes:
    """Decoding accuracy against score for each measure on one dataset, at one scale.

    `curves`, `crossings` and `references` are the tables of `experiments.curves.accuracy_curves`,
    `experiments.curves.crossings` and `experiments.references` for that dataset and scale. A line
    is the median over runs, its band their range. Below, a row a measure: median and range of the
    score at 90% of the way; an open marker at the right where most runs never get there. Where the
    runs of all measures have no crossing for one reason (column `note`), the reason stands there.
    """
    band = {"estimator": "median", "errorbar": RANGE, "err_kws": {"lw": 0, "alpha": 0.15}}
    by_measure(sns.lineplot, curves, ax, x="score", y="value", ms=7, **band)
    reference_lines(references, ax)
    low, high = ax.get_ylim()
    measures = list(dict.fromkeys(crossings["measure"]))
    step = 0.055 * (high - low)
    crossings, why = _with_crossing(crossings)
    ax.text(0.5, low - 1.4 * step, why, ha="center", va="top", fontsize=SMALL)
    for row, name in enumerate(measures, 1):
        if name not in set(crossings["measure"]):
            continue
        reached = crossings.loc[crossings["measure"] == name, "score"].fillna(NEVER)
        middle, y = reached.median(), low - row * step
        look = {"color": colour(name), "marker": marker(name), "ms": 5, "zorder": 4}
        ax.plot([reached.min(), reached.max()], [y, y], color=colour(name), lw=1.6)
        ax.plot(middle, y, **look, mfc="white" if middle == NEVER else colour(name))
    ax.axhline(low - 0.4 * step, color=SHIPPED, lw=0.6)
    ax.set(
        xlim=(0, NEVER + 0.03),
        ylim=(low - (len(measures) + 0.8) * step, high),
        yticks=[tick for tick in ax.get_yticks() if low <= tick <= high],
        xlabel="similarity score",
        ylabel=curves["quantity"].iloc[0].replace("accuracy", "decoding accuracy"),
        title=f"{curves['title'].iloc[0]}: {references['variable'].iloc[0].replace('_', ' ')}\n"
        f"{SCALES[curves['scale'].iloc[0]]}",
    )
    ax.set_xticks([0, 0.2, 0.4, 0.6, 0.8, NEVER], ["0", "0.2", "0.4", "0.6", "0.8", "never"])
    return ax


def _with_crossing(crossings: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows that can have a crossing; why there is none where no row can."""
    notes = crossings.get("note", pd.Series("", crossings.index))
    kept = crossings[notes == ""]
    return kept, "" if len(kept) else "\n".join(notes.unique())


def share_against_captured(table: pd.DataFrame, ax: Axes) -> Axes:
    """How far accuracy has come against the number of PCs captured, for each measure on one
    dataset; a line a run.

    `table` is that of `experiments.curves.accuracy_by_capture` for that dataset.
    """
    shown = table[table["captured"] > 0]
    runs = {"units": "seed", "estimator": None, "sort": False, "lw": 1, "alpha": 0.8}
    by_measure(sns.lineplot, shown, ax, x="captured", y="share", ms=7, **runs)
    if len(shown) and shown["share"].isna().all():
        ax.text(0.5, 0.5, "\n".join(shown["note"].unique()), transform=ax.transAxes, ha="center")
    ax.axhline(1, color="black", ls="--", lw=1)
    ax.axhline(0, color="black", ls=":", lw=1)
    ax.set(
        xscale="log",
        ylim=(-0.25, None),
        xlabel="PCs captured",
        ylabel="way to the accuracy on $X$",
        title=table["title"].iloc[0],
    )
    ends = shown["captured"].min(), shown["captured"].max()
    ticks = [k * 10**d for d in range(4) for k in (1, 2, 5) if ends[0] <= k * 10**d <= ends[1]]
    ticks = ticks or sorted({int(end) for end in ends if len(shown)})
    ax.set_xticks(ticks, list(map(str, ticks)), minor=False)
    ax.minorticks_off()
    return ax


def crossings_against_placement(placed: pd.DataFrame, varied: str, ax: Axes) -> Axes:
    """Score at 90% of the way against where the construction puts the task, on one dataset: median
    and range over runs; vertical line: as the surrogate is shipped.

    `placed` is the table of `experiments.score_vs_decodability.placements`, `varied` "first_pc" or
    "exponent".
    """
    shown = placed[placed["varied"] == varied].fillna({"score": NEVER})
    look = {"estimator": "median", "errorbar": RANGE, "err_style": "bars", "markevery": 1}
    by_measure(sns.lineplot, shown, ax, x=varied, y="score", ms=6, **look)
    ax.axhline(NEVER, color=SHIPPED, lw=0.7, ls=":")
    ax.axvline(shown.loc[shown["shipped"], varied].iloc[0], color=SHIPPED, lw=4, alpha=0.3)
    ticks = np.arange(0.2, 1.1, 0.2)
    ax.set_yticks([*ticks[:-1], NEVER], [*map("{:.1f}".format, ticks[:-1]), "never"])
    labels = {"first_pc": "first PC with the task", "exponent": "exponent of its fall with rank"}
    ax.set(
        ylim=(0.2, NEVER + 0.03),
        xlabel=labels[varied],
        ylabel="score at 90% of the way",
        title=shown["title"].iloc[0],
    )
    if varied == "first_pc":
        ax.set_xscale("log")
        values = sorted(shown[varied].unique())
        ax.set_xticks(values, list(map(str, values)), minor=False)
        ax.minorticks_off()
    return ax
