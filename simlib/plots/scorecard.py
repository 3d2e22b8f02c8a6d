"""Published against reproduced: curves over curves, and the grid of verdicts."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from simlib.plots.style import colour, marker, short_title

__all__ = [
    "accuracy_over_published",
    "capture_over_published",
    "claims_against_bounds",
    "scores_by_tails",
    "verdict_grid",
    "verdict_legend",
]

# From light to dark, so that they differ in grey print as well.
VERDICTS = {"inside": "#D6EAF5", "near": "#F0C36D", "off": "#B5480C"}
HOLDS, FAILS = "#0072B2", "#B5480C"
# Tails from heavy to light, as shades and names.
TAILS = {
    "t3": ("#D55E00", "Student's $t$, 3 degrees of freedom"),
    "gaussian": ("#E69F00", "Gaussian"),
    "uniform": ("#56B4E9", "uniform"),
    "signs": ("#0B4F7D", "signs, $\\pm 1$"),
}
PUBLISHED = {"color": "black", "lw": 1, "ls": "--", "zorder": 4}


def capture_over_published(captures: pd.DataFrame, published: pd.DataFrame, ax: Axes) -> Axes:
    """Score to capture a PC against its explained-variance ratio: published (dashed) over ours, one
    dataset.

    `captures` is the table of `experiments.scorecard_captures` (a marker a seed), `published` that
    of `datasets.paper.published_captures`.
    """
    for measure, points in captures.groupby("measure", sort=False):
        ax.plot(
            points["explained_variance"],
            points["score"],
            marker(measure),
            color=colour(measure),
            ms=3,
            mew=0,
            alpha=0.5,
            label=short_title(measure),
            ls="none",
        )
    shown = published[published["measure"].isin(set(captures["measure"]))]
    for k, (_, curve) in enumerate(shown.groupby("published_measure", sort=False)):
        ax.plot(
            curve["explained_variance"],
            curve["score"],
            **PUBLISHED,
            label=None if k else "published",
        )
    ax.set(
        xscale="log",
        ylim=(min(0.0, captures["score"].min()), 1.03),
        xlabel="explained-variance ratio of the PC",
        ylabel="score to capture the PC",
        title=captures["title"].iloc[0],
    )
    return ax


def accuracy_over_published(curves: pd.DataFrame, published: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracy of the main variable against score: published (dashed) over ours, a line a seed, one
    dataset.

    `curves` is the table of `experiments.decoding_curves`, `published` that of
    `datasets.paper.published_curves`.
    """
    for measure, runs in curves.groupby("measure", sort=False):
        for k, (_, run) in enumerate(runs.groupby("seed")):
            run = run.sort_values("step")
            label = None if k else short_title(measure)
            ax.plot(
                run["score"], run["value"], color=colour(measure), lw=2.4, alpha=0.5, label=label
            )
    shown = published[published["measure"].isin(set(curves["measure"]))]
    for k, (_, curve) in enumerate(shown.groupby("published_measure", sort=False)):
        ax.plot(curve["score"], curve["value"], **PUBLISHED, label=None if k else "published")
    ax.set(
        xlim=(0, 1.02),
        xlabel="similarity score",
        ylabel="decoding accuracy",
        title=curves["title"].iloc[0],
    )
    return ax


def scores_by_tails(runs: pd.DataFrame, published: pd.DataFrame, ax: Axes) -> Axes:
    """Score (logit axis) against step (from 1, log axis) for each distribution of time courses;
    published dashed.

    `runs` is the table of `experiments.tail_runs` (a line a seed), `published` that of
    `datasets.paper.published_curves`, of one dataset and measure.
    """
    for tails, group in runs.groupby("tails", sort=False):
        shade, name = TAILS[tails]
        for k, (_, run) in enumerate(group.groupby("seed")):
            ax.plot(
                run["step"] + 1,
                run["score"],
                color=shade,
                lw=1.2,
                alpha=0.8,
                label=None if k else name,
            )
    for k, (_, run) in enumerate(published.groupby("published_measure", sort=False)):
        ax.plot(run["step"] + 1, run["score"], **PUBLISHED, label=None if k else "published")
    low = min(0.05, runs["score"].min())
    ax.set(
        xscale="log",
        yscale="logit",
        ylim=(low, 0.992),
        xlabel="step (the start is 1)",
        ylabel=f"{short_title(runs['measure'].iloc[0])} score",
        title=runs["title"].iloc[0],
    )
    ticks = [step for step in (1, 3, 10, 30, 100, 300, 1000) if step <= runs["step"].max() + 1]
    ax.set_xticks(ticks, map(str, ticks))
    levels = [level for level in (0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99) if level >= low]
    ax.set_yticks(levels, map(str, levels))
    ax.minorticks_off()
    return ax


def verdict_grid(card: pd.DataFrame, ax: Axes) -> Axes:
    """Difference and verdict of each measure (rows) and quantity (columns) on one dataset.

    `card` is the table of `experiments.scorecard` for that dataset; quantities without a verdict
    are left out. Without rows, or without verdicts, the axes say so.
    """
    if not (card["verdict"] != "").any():
        ax.axis("off")
        found = (
            "No verdict: nothing was reached that"
            if len(card)
            else "No published tables on this machine: nothing"
        )
        ax.text(0, 0.5, f"{found} could be compared.")
        return ax
    judged = card[card["quantity"].isin(card.loc[card["verdict"] != "", "quantity"])]
    quantities, measures = (
        list(dict.fromkeys(judged["quantity"])),
        list(dict.fromkeys(judged["measure"])),
    )
    for row in judged[judged["verdict"] != ""].itertuples():
        x, y = quantities.index(row.quantity), measures.index(row.measure)
        ax.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, color=VERDICTS[row.verdict], lw=0))
        text = f"{row.difference:+.3f}" if row.difference == row.difference else "never"
        ax.text(
            x,
            y,
            text,
            ha="center",
            va="center",
            fontsize=8,
            color="white" if row.verdict == "off" else "black",
        )
    ax.set(
        xlim=(-0.5, len(quantities) - 0.5),
        ylim=(len(measures) - 0.5, -0.5),
        title=card["title"].iloc[0],
        yticks=range(len(measures)),
        yticklabels=map(_row_title, measures),
    )
    ax.set_xticks(
        range(len(quantities)),
        [words.replace(", ", ",\n").replace(" ", "\n", 1) for words in quantities],
        fontsize=8,
    )
    ax.tick_params(length=0)
    return ax


def _row_title(measure: str) -> str:
    """A measure's name in the grid; the published RSA is a second run of CKA."""
    named = {
        "rsa-correlation-corr": "RSA (= CKA)",
        "ridge-lambda100-r2#5folds_cv": short_title("ridge-cv"),
    }
    return named.get(measure) or short_title(measure)


def verdict_legend(source: Axes, ax: Axes) -> None:
    """What the shades of `verdict_grid` in `source` mean, drawn in the empty axes `ax`."""
    if source.patches:
        patches = [Patch(color=shade, label=word) for word, shade in VERDICTS.items()]
        ax.legend(
            handles=patches,
            loc="center",
            ncols=3,
            title="difference, read against the run-to-run spread",
        )


def claims_against_bounds(judged: pd.DataFrame, ax: Axes) -> Axes:
    """Each claim's numbers (a marker a dataset and run) on the side of its bound where it holds
    (shaded), or not.

    `judged` is the table of `experiments.judged_values`. Numbers above 1.05, and scores never
    reached, stand at the right end; those below -0.1 at the left end.
    """
    sentences = list(dict.fromkeys(judged["sentence"]))
    rows, at = judged["sentence"].map(sentences.index), judged["value"].clip(-0.08, 1.08)
    for y, sentence in enumerate(sentences):
        bounds = (
            judged.loc[judged["sentence"] == sentence, ["least", "most"]].iloc[0].clip(-0.12, 1.12)
        )
        ax.barh(
            y,
            bounds["most"] - bounds["least"],
            left=bounds["least"],
            height=0.8,
            color=VERDICTS["inside"],
        )
    for held, shade, shape, label in (
        (True, HOLDS, "o", "holds"),
        (False, FAILS, "X", "does not hold"),
    ):
        one = judged["holds"] == held
        ax.plot(
            at[one],
            rows[one],
            shape,
            color=shade,
            ms=5,
            mec="white",
            mew=0.5,
            alpha=0.9,
            label=label,
            ls="none",
        )
    ax.set(xlim=(-0.12, 1.12), ylim=(len(sentences) - 0.4, -0.6), xlabel="the claim's number")
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1, 1.08], ["0", "0.25", "0.5", "0.75", "1", "\nnever"])
    ax.set_yticks(range(len(sentences)), sentences, fontsize=8)
    ax.tick_params(axis="y", length=0)
    ax.bar(0, 0, color=VERDICTS["inside"], label="where the claim holds")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    return ax
