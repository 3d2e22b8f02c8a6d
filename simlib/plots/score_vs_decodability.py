"""How well the task can be decoded along an ascent."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from simlib.plots.style import by_measure, reference_lines

__all__ = ["accuracy_against_score"]


def accuracy_against_score(
    curves: pd.DataFrame, crossings: pd.DataFrame, references: pd.DataFrame, ax: Axes
) -> Axes:
    """Decoding accuracy against score for each measure on one dataset; dots: 90% of the way.

    `curves`, `crossings` and `references` are the tables of `experiments.curves.accuracy_curves`,
    `experiments.curves.crossings` and `experiments.references` for that dataset. A line is the mean
    over folds and seeds, its band the standard deviation (divisor k - 1).
    """
    band = {"errorbar": "sd", "err_kws": {"lw": 0, "alpha": 0.15}}
    by_measure(sns.lineplot, curves, ax, x="score", y="value", ms=7, **band)
    dots = {"s": 50, "zorder": 4, "legend": False}
    by_measure(sns.scatterplot, crossings, ax, x="score", y="target", **dots)
    reference_lines(references, ax)
    ax.set(
        xlim=(0, 1.02),
        xlabel="similarity score",
        ylabel="decoding accuracy",
        title=f"{curves['title'].iloc[0]}: {references['variable'].iloc[0].replace('_', ' ')}",
    )
    return ax
