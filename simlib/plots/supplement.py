"""The supplement: penalties, a Gaussian of the same spectrum, fold schemes, starts and
optimisers.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simlib.plots.style import colour, marker, reference_lines, short_title

__all__ = [
    "accuracy_by_penalty",
    "capture_against_gaussian",
    "capture_by_variant",
    "crossings_against_penalty",
    "score_against_smoothness",
]

# Lines that are no measures.
LINES = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#0072B2", "#8C6D31", "#7F7F7F")
SHAPES = ("o", "s", "D", "^", "v", "P", "X", "*")
NEVER = 1.04  # where what is never reached is drawn
SCHEMES = {"random": "#D55E00", "contiguous": "#E69F00", "condition": "#0072B2"}
SCHEME_NAMES = {
    "random": "random samples",
    "contiguous": "contiguous runs",
    "condition": "whole trials",
}


def _shades(count: int) -> list:
    return [mpl.colormaps["viridis"](x) for x in np.linspace(0, 0.9, count)]


def accuracy_by_penalty(accuracy: pd.DataFrame, reference: pd.Series, ax: Axes) -> Axes:
    """Accuracy of one task variable against score, a shade a penalty and a line a seed.

    `accuracy` holds the "accuracy" rows of one variable of `experiments.variant_runs`, with
    `penalty`; `reference` the row of `experiments.variable_references` for it.
    """
    penalties = sorted(accuracy["penalty"].unique())
    for penalty, shade in zip(penalties, _shades(len(penalties)), strict=True):
        for k, (_, run) in enumerate(accuracy[accuracy["penalty"] == penalty].groupby("seed")):
            run = run.sort_values("step")
            ax.plot(
                run["score"], run["value"], color=shade, lw=1.3, label=None if k else f"{penalty:g}"
            )
    reference_lines(ax, reference["accuracy"], reference["chance"], 1.02)
    ax.set(
        xlim=(0, 1.02),
        xlabel="ridge score",
        ylabel="decoding accuracy",
        title=reference["variable"],
    )
    return ax


def crossings_against_penalty(crossings: pd.DataFrame, ax: Axes) -> Axes:
    """The score at which each variable is decodable against the penalty: mean and range over seeds,
    "never" on top.

    `crossings` is the table of `experiments.variable_crossings` with `penalty`, of one dataset.
    """
    ax.axhline(NEVER, color="#999999", lw=0.7, ls=":")
    for k, (variable, rows) in enumerate(crossings.groupby("variable", sort=False)):
        seen = rows.assign(score=rows["score"].fillna(NEVER)).groupby("penalty")["score"]
        middle, low, high = seen.mean(), seen.min(), seen.max()
        look = {
            "color": LINES[k % len(LINES)],
            "marker": SHAPES[k],
            "ms": 6,
            "capsize": 2,
            "lw": 1.3,
        }
        x = middle.index * 1.06 ** (k - 1.5)  # beside each other, so that equal values show
        ax.errorbar(x, middle, [middle - low, high - middle], label=variable, **look)
    bottom = min(0.9, np.floor(crossings["score"].min() * 10) / 10)
    ticks = [tick for tick in np.arange(0, 1.01, 0.1) if tick >= bottom]
    ax.set_yticks([*ticks, NEVER], [*(f"{tick:.1f}" for tick in ticks), "never"])
    ax.set(
        xscale="log", ylim=(bottom, 1.07), xlabel="ridge penalty", ylabel="score at which decodable"
    )
    ax.legend(title="task variable", loc="lower left")
    return ax


def capture_against_gaussian(captures: pd.DataFrame, base: str, ax: Axes) -> Axes:
    """Score to capture each PC of a Gaussian of the same spectrum against that of X (variant
    `base`), one dataset.

    `captures` is the table of `experiments.variant_captures`. PCs that one of the two never
    captures are left out.
    """
    ax.plot([0, 1], [0, 1], color="#999999", lw=0.8)
    for measure, group in captures.groupby("measure", sort=False):
        label = short_title(measure)
        for _, run in group.groupby("seed"):
            wide = run.pivot(index="pc", columns="variant", values="score")
            for variant in [name for name in wide if name != base]:
                ax.plot(
                    wide[base],
                    wide[variant],
                    marker(measure),
                    color=colour(measure),
                    ms=3.5,
                    mew=0,
                    alpha=0.6,
                    label=label,
                )
                label = None
    ax.set(
        xlim=(0, 1.02),
        ylim=(0, 1.02),
        xlabel="score to capture a PC of $X$",
        ylabel="of the Gaussian",
        title=captures["title"].iloc[0],
        aspect="equal",
    )
    return ax


def score_against_smoothness(table: pd.DataFrame, ax: Axes) -> Axes:
    """Ridge score under each fold scheme against the smoothness of the responses: mean and range
    over seeds.

    `table` holds the rows of `experiments.fold_scores` of one content.
    """
    for k, (scheme, shade) in enumerate(SCHEMES.items()):
        scores = table[table["scheme"] == scheme].groupby("length")["score"]
        middle, low, high = scores.mean(), scores.min(), scores.max()
        ax.plot(
            middle.index, middle, SHAPES[k] + "-", color=shade, ms=5, label=SCHEME_NAMES[scheme]
        )
        ax.fill_between(middle.index, low, high, color=shade, alpha=0.2, lw=0)
    ax.axhline(0, color="black", lw=0.5)
    ax.set(
        xlabel="smoothness of responses (time bins)",
        ylabel="ridge $R^2$, cross-validated",
        title=f"$Y$ holds {table['content'].iloc[0].replace('X', '$X$')}",
    )
    return ax


def capture_by_variant(captures: pd.DataFrame, ax: Axes) -> Axes:
    """Score to capture each PC against its rank, a line a variant (first seed), of one dataset and
    measure.

    `captures` is the table of `experiments.variant_captures`; the first variant is drawn boldest,
    one whose start predicts every PC as points without a line.
    """
    shown = captures[captures["seed"] == captures["seed"].iloc[0]]
    for k, (variant, run) in enumerate(shown.groupby("variant", sort=False)):
        known = run.dropna(subset="score").sort_values("pc")
        look = (
            {"color": "black", "lw": 2.4}
            if k == 0
            else {"color": LINES[(k - 1) % len(LINES)], "lw": 1.2}
        )
        if run["start"].mean() > 0.99:  # nothing left to learn: no order, and no line
            look |= {"lw": 0, "alpha": 0.4}
        ax.plot(
            known["pc"],
            known["score"],
            marker=SHAPES[k % len(SHAPES)],
            ms=2.5,
            label=variant,
            **look,
        )
    ax.set(
        xscale="log",
        ylim=(0, 1.02),
        xlabel="rank of the PC (1: most variance)",
        ylabel="score to capture the PC",
        title=f"{captures['title'].iloc[0]}\n{short_title(captures['measure'].iloc[0])}",
    )
    return ax
