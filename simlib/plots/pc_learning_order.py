"""Which principal components (PCs) are learned along an ascent, and when."""

from collections.abc import Sequence

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm
from matplotlib.ticker import LogFormatterSciNotation

from simlib.plots.style import NEVER, by_measure, colour, short_title

__all__ = [
    "capture_against_variance",
    "components_against_score",
    "rank_colours",
    "toy_components",
]

MOST = 40  # PCs drawn as lines
RANKS = {"norm": LogNorm(1, MOST), "cmap": "viridis_r"}
BELOW = {"location": "bottom", "aspect": 40, "shrink": 0.8}
AXES = {"xlim": (0, 1.02), "xlabel": "similarity score"}


def components_against_score(table: pd.DataFrame, ax: Axes) -> Axes:
    """R^2 of each of the first 40 PCs against score during one ascent, coloured by rank (log
    scale); those left out aren't drawn.

    `table` holds the rows of `experiments.curves.component_rows` for one dataset, measure and seed;
    where variance is held out, the axis says so.
    """
    left_out = table.get("left_out", pd.Series(False, table.index))
    sns.lineplot(
        table[(table["pc"] <= MOST) & ~left_out].sort_values("step"),
        x="score",
        y="value",
        hue="pc",
        hue_norm=RANKS["norm"],
        palette=RANKS["cmap"],
        units="pc",
        estimator=None,
        sort=False,
        lw=1,
        legend=False,
        ax=ax,
    )
    held_out = "quantity" in table and (table["quantity"] == "held-out variance").all()
    label = "held-out $R^2$ of the PC" if held_out else "$R^2$ of the PC"
    ax.set(**AXES, ylabel=label, ylim=(0, 1.02), title=short_title(table["measure"].iloc[0]))
    if table["step"].nunique() == 1:
        words = f"no ascent:\nnoise scores {table['score'].iloc[0]:.2f}"
        ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center")
    return ax


def rank_colours(axes: Axes | Sequence[Axes]) -> Colorbar:
    """Colour bar of `components_against_score` below these axes, or this one: PC rank from 1 (most
    variance).
    """
    axes = [axes] if isinstance(axes, Axes) else list(axes)
    bar = axes[0].figure.colorbar(ScalarMappable(**RANKS), ax=axes, **BELOW)
    bar.set_ticks([1, 3, 10, 30], labels=["1", "3", "10", "30"])
    bar.minorticks_off()
    bar.set_label("rank of the PC (1: most variance)")
    return bar


def capture_against_variance(captures: pd.DataFrame, ax: Axes) -> Axes:
    """Score that captures a PC against its explained-variance ratio (log axis), one dataset.

    `captures` is the table of `experiments.curves.captures`; PCs that are never captured are ticks
    above 1, those that are left out aren't drawn.
    """
    points = {"x": "explained_variance", "y": "score", "s": 14, "lw": 0, "alpha": 0.8}
    by_measure(sns.scatterplot, captures, ax, **points)
    left_out = captures.get("left_out", pd.Series(False, captures.index))
    never = captures[captures["score"].isna() & ~left_out]
    ticks = {"c": never["measure"].map(colour), "marker": "|", "s": 16, "lw": 1, "alpha": 0.5}
    ax.scatter(never["explained_variance"], [NEVER] * len(never), **ticks)
    ax.set(
        xscale="log",
        ylim=(0, NEVER + 0.03),
        xlabel="explained-variance ratio of the PC",
        ylabel="score to capture the PC",
        title=captures["title"].iloc[0],
    )
    # Names between the powers of ten only where there is room for them.
    ax.xaxis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(0.6, 0.3)))
    return ax


def toy_components(curves: pd.DataFrame, ax: Axes) -> Axes:
    """R^2 of PC 1 and PC 2 against score for one measure on the toy: mean and standard deviation
    (divisor k - 1) over random starts.

    `curves` is the table of `experiments.curves.component_curves` for that measure.
    """
    measure, pcs = curves["measure"].iloc[0], curves["pc"].map("PC {}".format)
    band = {"errorbar": "sd", "err_kws": {"lw": 0, "alpha": 0.18}, "color": colour(measure)}
    sns.lineplot(curves, x="score", y="value", style=pcs, ax=ax, **band)
    ax.set(**AXES, ylabel="$R^2$ of the PC", ylim=(0, 1.05), title=short_title(measure))
    ax.legend(loc="upper left")
    return ax
