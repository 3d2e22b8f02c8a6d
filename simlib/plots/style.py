"""One look for all figures: the same colour and marker mean the same measure everywhere."""

import sys
from collections.abc import Callable

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simlib.measures import MEASURES
from simlib.plots.screens import SMALL, WIDE, note, svg

__all__ = [
    "NEVER",
    "badge",
    "by_measure",
    "colour",
    "legend",
    "marker",
    "panels",
    "reference_lines",
    "short_title",
    "use",
]

# Title, colour and marker of a measure. The colours are Okabe & Ito's, told apart by colour-blind
# readers; the markers tell them apart in grey print.
LOOKS = {
    "procrustes-angular-score": ("Angular Procrustes", "#0072B2", "o"),
    "nbs": ("NBS", "#56B4E9", "s"),
    "cka-angular-score": ("Angular CKA", "#E69F00", "^"),
    "cka": ("CKA", "#D55E00", "D"),
    "ridge-cv": ("Ridge CV (penalty 100)", "#009E73", "v"),
    "linreg": ("Linear regression", "#CC79A7", "P"),
}
OTHERS = ("#000000", "#7F7F7F", "#8C6D31", "#5254A3", "#843C39", "#637939")
NEVER = 1.04  # on an axis of scores, where what is never reached is drawn
LEGEND_HEIGHT = 0.75  # inches, of a row below the panels
RC = {
    "figure.dpi": 96,
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "patch.force_edgecolor": False,
}


def use() -> None:
    """Set seaborn's theme and matplotlib's defaults for the book; in a notebook, show figures as
    `svg`.
    """
    colours = [colour for _, colour, _ in LOOKS.values()]
    sns.set_theme("paper", "ticks", colours, font="DejaVu Sans", font_scale=1.0, rc=RC)
    python = sys.modules.get("IPython")
    if python and (shell := python.get_ipython()):
        plt.switch_backend(plt.get_backend())  # which sets formats of its own when first loaded
        formats = shell.display_formatter.formatters
        formats["image/png"].pop(Figure, None)
        formats["image/svg+xml"].for_type(Figure, svg)


def colour(measure: str) -> str:
    """The colour of a measure id, the same in every figure; measures without their own share six
    others.
    """
    _, own, _ = LOOKS.get(measure, ("", OTHERS[sum(map(ord, measure)) % len(OTHERS)], ""))
    return own


def marker(measure: str) -> str:
    """The marker of a measure id, the same in every figure."""
    return LOOKS[measure][2] if measure in LOOKS else "X"


def short_title(measure: str) -> str:
    """The name of a measure in legends; what the catalogue doesn't know stands for itself."""
    known = MEASURES[measure].title if measure in MEASURES else measure
    return LOOKS[measure][0] if measure in LOOKS else known


def by_measure(draw: Callable[..., Axes], table: pd.DataFrame, ax: Axes, **options) -> Axes:
    """Draw with seaborn's `lineplot` or `scatterplot`, the rows of each measure in its colour and
    marker.

    Curves show their marker in the legend alone, unless `markevery` says otherwise; with `style`
    None there is none. `options` go to seaborn.
    """
    titles = table["measure"].map(short_title)
    named = dict(zip(titles, table["measure"], strict=True)).items()
    looks = {"hue": titles, "palette": {title: colour(name) for title, name in named}}
    looks |= {"style": titles, "markers": {title: marker(name) for title, name in named}}
    curves = {"dashes": False, "markevery": []} if draw is sns.lineplot else {}
    return draw(table, ax=ax, **looks | curves | options)


def badge(figure: Figure, table: pd.DataFrame) -> None:
    """Write under a figure what its numbers are not: recorded data, the paper's settings.

    `table` has the columns `surrogate` and `settings`; nothing is written for recordings at full
    settings.
    """
    notes = []
    if table["surrogate"].any():
        notes.append(
            "surrogate data: synthetic, matched to each recording's variance spectrum and design"
        )
    if (table["settings"] == "quick").any():
        notes.append("quick settings: smaller and fewer runs than the paper's")
    if notes:
        text = "; ".join(notes)
        note(figure, text[0].upper() + text[1:] + ".", figure.get_figwidth())


def reference_lines(references: pd.DataFrame, ax: Axes) -> None:
    """Dashed: the accuracy on X itself; dotted: chance. Both named, with room for the upper name
    below the title and for the lower one above the axis.

    `references` is the table of `experiments.references` for one variable: lines are at the means.
    """
    for column, name, dashes, x, place in (
        ("chance", "chance", ":", 1, {"xytext": (-3, -4), "ha": "right", "va": "top"}),
        ("accuracy", "$X$ itself", "--", 0, {"xytext": (3, 4), "ha": "left"}),
    ):
        level = references[column].mean()
        ax.axhline(level, color="black", ls=dashes, lw=1)
        ax.annotate(
            name,
            (x, level),
            xycoords=ax.get_yaxis_transform(),
            textcoords="offset points",
            **place,
            fontsize=SMALL,
            bbox={"fc": "white", "ec": "none", "pad": 0.5, "alpha": 0.8},
        )
    (low, high), levels = ax.get_ylim(), references[["chance", "accuracy"]].mean()
    room = 0.12 * (max(high, *levels) - min(low, *levels))
    ax.set_ylim(min(low, levels["chance"] - room), max(high, levels["accuracy"] + room))


def panels(
    count: int, columns: int = 2, width: float = WIDE, height: float = 2.8, place: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` axes in rows of at most `columns`, and (`place`) an empty one for the
    legend, the last.

    The legend's place is the first free cell of the grid; a full grid gets a low row for it below
    all columns. Width of the figure and height of a panel in inches.
    """
    columns = min(columns, count + place)
    rows = -(-count // columns)
    low = place and rows * columns == count
    heights = [height] * rows + [LEGEND_HEIGHT] * low
    figure = plt.figure(figsize=(width, sum(heights)))
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    axes = [figure.add_subplot(grid[divmod(k, columns)]) for k in range(count)]
    if place:
        axes.append(figure.add_subplot(grid[-1, :] if low else grid[divmod(count, columns)]))
        axes[-1].axis("off")
    return figure, axes


def legend(source: Axes, ax: Axes, title: str = "maximised measure") -> None:
    """One legend for all panels of a figure, of the lines in `source`: drawn in the empty axes
    `ax`, in three columns where it lies below them.
    """
    place = ax.get_subplotspec()
    below = len(place.colspan) == place.get_gridspec().ncols
    options = {"ncols": 3, "columnspacing": 1.5} if below else {}
    options |= {"loc": "center", "title": title, "markerscale": 1.8}
    for panel in [panel for panel in ax.figure.axes if panel.get_legend()]:
        panel.get_legend().remove()
    ax.legend(*source.get_legend_handles_labels(), **options)
