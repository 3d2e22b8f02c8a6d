"""Published against reproduced: curves over curves, and the grid of verdicts."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from simlib.plots.screens import SMALL
from simlib.plots.style import by_measure, short_title

__all__ = [
    "accuracy_over_published",
    "capture_over_published",
    "scores_by_tails",
    "verdict_grid",
    "verdict_legend",
]

# From light to dark, so that they differ in grey print as well.
VERDICTS = {"inside": "#D6EAF5", "near": "#F0C36D", "off": "#B5480C"}
# Rows of the grid: the published RSA is a second run of CKA.
ROWS = {"rsa-correlation-corr": "RSA (= CKA)", "ridge-lambda100-r2#5folds_cv": "ridge-cv"}
# Tails from heavy to light, in name and shade.
TAILS = {
    "t3": ("Student's $t$, 3 degrees of freedom", "#D55E00"),
    "gaussian": ("Gaussian", "#E69F00"),
    "uniform": ("uniform", "#56B4E9"),
    "signs": ("signs, $\\pm 1$", "#0B4F7D"),
}
# A line a run, in the order of its steps.
RUNS = {"estimator": None, "sort": False}


def _published(table: pd.DataFrame, ours: pd.DataFrame, ax: Axes, x: str, y: str) -> None:
    """Published curves of the measures in `ours`: dashed, one name for all of them."""
    shown = table[table["measure"].isin(ours["measure"])].groupby("published_measure", sort=False)
    for k, (_, run) in enumerate(shown):
        ax.plot(run[x], run[y], "k--", lw=1, zorder=4, label=None if k else "published")


def capture_over_published(captures: pd.DataFrame, published: pd.DataFrame, ax: Axes) -> Axes:
    """Score that captures a PC against its explained-variance ratio: published (dashed) over ours,
    one dataset.

    `captures` is the table of `experiments.curves.captures` (a marker a seed), `published` that of
    `datasets.paper.published_captures`.
    """
    axes = {"x": "explained_variance", "y": "score"}
    by_measure(sns.scatterplot, captures, ax, **axes, s=10, lw=0, alpha=0.5)
    _published(published, captures, ax, **axes)
    ax.set(
        xscale="log",
        ylim=(min(0.0, captures["score"].min()), 1.03),
        xlabel="explained-variance ratio of the PC",
        ylabel="score to capture the PC",
        title=captures["title"].iloc[0],
    )
    return ax


def accuracy_over_published(accuracy: pd.DataFrame, published: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracy of the main variable against score: published (dashed) over ours, a line a seed, one
    dataset.

    `accuracy` is the table of `experiments.curves.accuracies`, `published` that of
    `datasets.paper.published_curves`.
    """
    axes = {"x": "score", "y": "value"}
    look = {"style": None, "units": "seed", "lw": 2.4, "alpha": 0.5, **RUNS}
    by_measure(sns.lineplot, accuracy.sort_values("step"), ax, **axes, **look)
    _published(published, accuracy, ax, **axes)
    ax.set(
        xlim=(0, 1.02),
        xlabel="similarity score",
        ylabel="decoding accuracy",
        title=accuracy["title"].iloc[0],
    )
    return ax


def scores_by_tails(runs: pd.DataFrame, published: pd.DataFrame, ax: Axes) -> Axes:
    """Score (logit axis) against step (from 1, log axis) for each distribution of time courses;
    published dashed.

    `runs` is the table of `experiments.tails.tail_runs` (a line a seed), `published` that of
    `datasets.paper.published_curves`, of one dataset and measure.
    """
    ours, theirs = (table.assign(step=table["step"] + 1) for table in (runs, published))
    names = runs["tails"].map(lambda tails: TAILS[tails][0])
    look = {"hue": names, "palette": dict(TAILS.values()), "lw": 1.2, "alpha": 0.8}
    sns.lineplot(ours, x="step", y="score", units="seed", ax=ax, **RUNS, **look)
    _published(theirs, ours, ax, x="step", y="score")
    low = min(0.05, runs["score"].min())
    ax.set(
        xscale="log",
        yscale="logit",
        ylim=(low, 0.992),
        xlabel="step (the start is 1)",
        ylabel=f"{short_title(runs['measure'].iloc[0])} score",
        title=runs["title"].iloc[0],
    )
    ticks = [step for step in (1, 3, 10, 30, 100, 300, 1000) if step <= ours["step"].max()]
    ax.set_xticks(ticks, map(str, ticks))
    levels = [level for level in (0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99) if level >= low]
    ax.set_yticks(levels, map(str, levels))
    ax.minorticks_off()
    return ax


def verdict_grid(card: pd.DataFrame, ax: Axes) -> Axes:
    """Difference and verdict of each measure (rows) and quantity (columns) on one dataset.

    `card` is the table of `experiments.published_vs_reproduced.scorecard` for that dataset;
    quantities without a verdict are left out. Without rows, or without verdicts, the axes say so.
    """
    judged = card[card["verdict"] != ""]
    if judged.empty:
        found = "No verdict" if len(card) else "No published tables on this machine"
        ax.text(0, 0.5, f"{found}: nothing could be compared.")
        ax.axis("off")
        return ax
    words = judged["difference"].map(lambda value: "never" if np.isnan(value) else f"{value:+.3f}")
    cells = judged.assign(words=words, shade=judged["verdict"].map(list(VERDICTS).index))
    wide = cells.pivot(index="measure", columns="quantity", values=["shade", "words"])
    measures, quantities = (list(judged[name].unique()) for name in ("measure", "quantity"))
    wide = wide.loc[measures]
    sns.heatmap(
        wide["shade"][quantities].astype(float),
        annot=wide["words"][quantities],
        fmt="",
        annot_kws={"size": SMALL},
        cmap=list(VERDICTS.values()),
        vmin=0,
        vmax=len(VERDICTS) - 1,
        cbar=False,
        linewidths=3,
        xticklabels=[name.replace(", ", ",\n").replace(" ", "\n", 1) for name in quantities],
        yticklabels=[short_title(ROWS.get(name, name)) for name in measures],
        ax=ax,
    )
    ax.tick_params(length=0, labelrotation=0)
    ax.set(title=card["title"].iloc[0], xlabel="", ylabel="")
    return ax


def verdict_legend(source: Axes, ax: Axes) -> None:
    """What the shades of `verdict_grid` in `source` mean, drawn in the empty axes `ax`."""
    if source.collections:
        patches = [Patch(color=shade, label=word) for word, shade in VERDICTS.items()]
        title = "difference, read against the run-to-run spread"
        ax.legend(handles=patches, loc="center", ncols=3, title=title)
