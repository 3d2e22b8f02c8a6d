"""The numbers of claims beside their bounds."""

import textwrap

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from simlib.plots.published_vs_reproduced import VERDICTS
from simlib.plots.screens import SMALL
from simlib.plots.style import NEVER

__all__ = ["claims_against_bounds"]

HOLDS, FAILS = "holds", "does not hold"
LOOK = {"palette": {HOLDS: "#0072B2", FAILS: VERDICTS["off"]}, "markers": {HOLDS: "o", FAILS: "X"}}
ORDER = {"hue_order": (HOLDS, FAILS), "style_order": (HOLDS, FAILS)}
LEFT, RIGHT = -0.02, 1.02  # beyond these a bound leaves room for what lies outside the axis


def claims_against_bounds(judged: pd.DataFrame, ax: Axes) -> Axes:
    """Each claim's numbers (a marker a dataset and run) on the side of its bound where it holds
    (shaded), or not.

    `judged` is the table of `experiments.claims.judge`, with columns sentence, value, least, most
    and holds. Numbers far above 1, and scores never reached, stand at the right end; those far
    below 0 at the left end.
    """
    bounds = judged.groupby("sentence", sort=False)[["least", "most"]].first()
    least, most = bounds["least"].clip(-1, RIGHT), bounds["most"].clip(LEFT, 2)
    shade = {"color": VERDICTS["inside"], "label": "where the claim holds"}
    ax.barh(bounds.index, most - least, left=least, **shade)
    numbers = judged.assign(value=judged["value"].clip(1 - NEVER, NEVER))
    held = judged["holds"].map({True: HOLDS, False: FAILS})
    look = {"hue": held, "style": held, "s": 30, "alpha": 0.9, "zorder": 3, **LOOK, **ORDER}
    sns.scatterplot(numbers, x="value", y="sentence", ax=ax, **look)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1, NEVER], ["0", "0.25", "0.5", "0.75", "1", "\nnever"])
    ax.set(xlim=(-0.08, 1.08), xlabel="the claim's number", ylabel="")
    ax.margins(y=0.01)
    ax.set_yticks(range(len(bounds)), [textwrap.fill(words, 42) for words in bounds.index])
    ax.tick_params(axis="y", length=0, labelsize=SMALL)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    return ax
