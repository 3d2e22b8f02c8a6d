"""The supplement: ridge penalties, a Gaussian of the same spectrum, folds, starts and
optimisers.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from simlib.plots.style import NEVER, by_measure, reference_lines, short_title

__all__ = [
    "accuracy_by_penalty",
    "accuracy_of_variable",
    "capture_against_gaussian",
    "capture_by_variant",
    "crossings_against_penalty",
    "score_against_setting",
    "score_against_smoothness",
]

SCHEMES = {
    "random": ("random samples", "#D55E00"),
    "contiguous": ("contiguous runs", "#E69F00"),
    "condition": ("whole trials", "#0072B2"),
}
RANGE = ("pi", 100)  # from the least to the greatest


def accuracy_by_penalty(accuracy: pd.DataFrame, references: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracy of one task variable against score, a shade a penalty and a line a seed.

    `accuracy` is the table of `experiments.curves.accuracies` with `penalty`, `references` that of
    `experiments.references`, both for that variable.
    """
    shown = accuracy.sort_values(["penalty", "step"])
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.9, shown["penalty"].nunique()))
    look = {"hue": shown["penalty"].map("{:g}".format), "palette": list(shades), "lw": 1.3}
    runs = {"units": "seed", "estimator": None, "sort": False}
    sns.lineplot(shown, x="score", y="value", ax=ax, **look, **runs)
    reference_lines(references, ax)
    ax.set(
        xlim=(0, 1.02),
        xlabel="ridge score",
        ylabel="decoding accuracy",
        title=references["variable"].iloc[0],
    )
    return ax


def crossings_against_penalty(crossings: pd.DataFrame, ax: Axes) -> Axes:
    """The score at which each variable is decodable against the penalty: median and range over
    runs, "never" on top.

    `crossings` is the table of `experiments.curves.crossings` with `penalty`, of one dataset.
    """
    count = crossings["variable"].nunique()
    sns.pointplot(
        crossings.fillna({"score": NEVER}),
        x="penalty",
        y="score",
        hue="variable",
        markers=list("osD^vPX*" * count)[:count],
        dodge=0.1 * (count > 1),  # beside each other, so that equal values show
        native_scale=True,
        log_scale=(True, False),
        estimator="median",
        errorbar=RANGE,
        capsize=0.1,
        err_kws={"lw": 1.3},
        ms=6,
        lw=1.3,
        ax=ax,
    )
    ax.axhline(NEVER, color="#999999", lw=0.7, ls=":")
    bottom = min(0.9, np.floor(crossings["score"].min() * 10) / 10)
    ticks = np.arange(10 * bottom, 10.5) / 10
    ax.set_yticks([*ticks, NEVER], [*map("{:.1f}".format, ticks), "never"])
    ax.set(ylim=(bottom, NEVER + 0.03), xlabel="ridge penalty", ylabel="score at which decodable")
    ax.legend(title="task variable", loc="lower left")
    return ax


def capture_against_gaussian(captures: pd.DataFrame, base: str, ax: Axes) -> Axes:
    """Score that captures each PC of a Gaussian of the same spectrum against that of X (variant
    `base`), one dataset.

    `captures` is the table of `experiments.curves.captures`. PCs that one of the two never captures
    are left out.
    """
    of_x, keys = captures["variant"] == base, ["dataset", "measure", "seed", "pc"]
    pairs = captures[~of_x].merge(captures[of_x], on=keys, suffixes=("", " of X"))
    ax.plot([0, 1], [0, 1], color="#999999", lw=0.8)
    points = {"x": "score of X", "y": "score", "s": 14, "lw": 0, "alpha": 0.6}
    by_measure(sns.scatterplot, pairs, ax, **points)
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

    `table` holds the rows of `experiments.supplement_folds.fold_scores` of one content.
    """
    names, shades = table["scheme"].map(lambda scheme: SCHEMES[scheme][0]), dict(SCHEMES.values())
    look = {"hue": names, "style": names, "palette": shades, "markers": ["o", "s", "D"]}
    look |= {"hue_order": list(shades), "style_order": list(shades), "dashes": False}
    look |= {"errorbar": RANGE, "err_kws": {"lw": 0}, "ms": 7}
    sns.lineplot(table, x="length", y="score", ax=ax, **look)
    ax.axhline(0, color="black", lw=0.5)
    ax.set(
        xlabel="smoothness of responses (time bins)",
        ylabel="ridge $R^2$, cross-validated",
        title=f"$Y$ holds {table['content'].iloc[0].replace('X', '$X$')}",
    )
    return ax


def accuracy_of_variable(
    accuracy: pd.DataFrame, published: pd.DataFrame, references: pd.DataFrame, ax: Axes
) -> Axes:
    """Accuracy of one task variable against score, a line a seed in the measure's colour; dashed:
    published, in the same colours.

    `accuracy` is the table of `experiments.curves.accuracies`, `published` that of
    `datasets.paper.published_variables` and `references` that of `experiments.references`, each for
    that variable.
    """
    runs = {"x": "score", "y": "value", "style": None, "estimator": None, "sort": False}
    look = {"units": "seed", "lw": 2.2, "alpha": 0.45}
    by_measure(sns.lineplot, accuracy.sort_values("step"), ax, **runs, **look)
    shown = published[published["measure"].isin(accuracy["measure"])]
    if len(shown):
        dashed = {"units": "published_measure", "ls": "--", "lw": 1.2, "legend": False}
        by_measure(sns.lineplot, shown, ax, **runs, **dashed)
        ax.plot([], [], "--", color="#555555", lw=1.2, label="published")
    reference_lines(references, ax)
    ax.set(
        xlim=(0, 1.02),
        xlabel="similarity score",
        ylabel="decoding accuracy",
        title=references["variable"].iloc[0],
    )
    return ax


def score_against_setting(table: pd.DataFrame, setting: str, ax: Axes) -> Axes:
    """A score of each measure against a number that was varied, `setting` (a column, logarithmic
    axis): median and range over seeds, "never" on top.

    `table` has columns measure, seed, score (NaN: never) and the setting.
    """
    shown = table.fillna({"score": NEVER})
    look = {"estimator": "median", "errorbar": RANGE, "err_style": "bars", "markevery": 1}
    by_measure(sns.lineplot, shown, ax, x=setting, y="score", ms=7, **look, err_kws={"capsize": 3})
    ax.axhline(NEVER, color="#999999", lw=0.7, ls=":")
    values, ticks = sorted(shown[setting].unique()), np.arange(6) / 5
    ax.set_xscale("log")
    ax.set_xticks(values, [f"{value:g}" for value in values])
    ax.minorticks_off()
    ax.set_yticks([*ticks, NEVER], [*map("{:.1f}".format, ticks[:-1]), "", "never"])
    ax.set(ylim=(0, NEVER + 0.04), xlabel=setting)
    return ax


def capture_by_variant(captures: pd.DataFrame, ax: Axes) -> Axes:
    """Score that captures each PC against its rank, a line a variant (first seed), of one dataset
    and measure; the first variant is drawn boldest.

    `captures` is the table of `experiments.curves.captures`.
    """
    shown = captures[captures["seed"] == captures["seed"].iloc[0]]
    others = shown["variant"].nunique() - 1
    look = {"palette": ["black", *sns.color_palette(n_colors=others)], "ms": 3, "mew": 0}
    look |= {"sizes": [2.4] + [1.2] * others, "markers": True, "dashes": False}
    variants = dict.fromkeys(("hue", "size", "style"), "variant")
    sns.lineplot(shown, x="pc", y="score", ax=ax, **variants, **look)
    ax.set(
        xscale="log",
        ylim=(0, 1.02),
        xlabel="rank of the PC (1: most variance)",
        ylabel="score to capture the PC",
        title=f"{captures['title'].iloc[0]}\n{short_title(captures['measure'].iloc[0])}",
    )
    return ax
