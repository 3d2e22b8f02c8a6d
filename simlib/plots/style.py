"""One look for all figures: the same colour and marker mean the same measure everywhere."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simlib.measures import MEASURES

__all__ = [
    "COLOURS",
    "MARKERS",
    "badge",
    "colour",
    "legend",
    "marker",
    "panels",
    "reference_lines",
    "short_title",
    "use",
]

# Okabe & Ito's palette, told apart by colour-blind readers; markers tell them apart in grey print.
COLOURS = {
    "procrustes-angular-score": "#0072B2",
    "nbs": "#56B4E9",
    "cka-angular-score": "#E69F00",
    "cka": "#D55E00",
    "ridge-cv": "#009E73",
    "linreg": "#CC79A7",
}
MARKERS = {
    "procrustes-angular-score": "o",
    "nbs": "s",
    "cka-angular-score": "^",
    "cka": "D",
    "ridge-cv": "v",
    "linreg": "P",
}
TITLES = {
    "procrustes-angular-score": "Angular Procrustes",
    "nbs": "NBS",
    "cka-angular-score": "Angular CKA",
    "cka": "CKA",
    "ridge-cv": "Ridge CV (penalty 100)",
    "linreg": "Linear regression",
}
LEGEND_HEIGHT = 0.75  # inches, of a row below the panels
OTHERS = ("#000000", "#7F7F7F", "#8C6D31", "#5254A3", "#843C39", "#637939")


def use() -> None:
    """Set matplotlib's defaults for the book: readable at half a page, no frame, vector-like
    resolution.
    """
    mpl.rcParams.update(
        {
            "figure.dpi": 110,
            "savefig.bbox": "tight",
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 10.5,
            "axes.titlelocation": "left",
            "legend.frameon": False,
            "lines.linewidth": 1.6,
            "figure.constrained_layout.use": True,
        }
    )


def colour(measure: str) -> str:
    """The colour of a measure id, the same in every figure; measures without their own share six
    others.
    """
    return COLOURS.get(measure) or OTHERS[sum(map(ord, measure)) % len(OTHERS)]


def marker(measure: str) -> str:
    """The marker of a measure id, the same in every figure."""
    return MARKERS.get(measure, "X")


def short_title(measure: str) -> str:
    """The name of a measure in legends; what the catalogue doesn't know stands for itself."""
    return TITLES.get(measure) or (MEASURES[measure].title if measure in MEASURES else measure)


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
        figure.supxlabel(
            text[0].upper() + text[1:] + ".", fontsize=8, style="italic", color="#555555"
        )


def reference_lines(ax: Axes, reference: float, chance: float, right: float) -> None:
    """Dashed: the accuracy on X itself; dotted: chance. Both named, with room for the upper name
    below the title.
    """
    ax.axhline(reference, color="black", ls="--", lw=1)
    ax.axhline(chance, color="black", ls=":", lw=1)
    back = {"fc": "white", "ec": "none", "pad": 0.5, "alpha": 0.8}
    box = {"textcoords": "offset points", "fontsize": 8, "bbox": back}
    ax.annotate("$X$ itself", (0.0, reference), xytext=(3, 4), **box)
    ax.annotate("chance", (right, chance), xytext=(-3, 4), ha="right", **box)
    low, high = ax.get_ylim()
    ax.set_ylim(low, max(high, reference + 0.12 * (reference - low)))


def panels(
    count: int, columns: int = 3, width: float = 3.4, height: float = 3.0, place: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` axes in rows of at most `columns`, and (`place`) an empty one for the
    legend, the last.

    The legend's place is the first free cell of the grid; a full grid gets a low row for it below
    all columns. Width and height of a panel in inches.
    """
    columns = min(columns, count + place)
    rows = -(-count // columns)
    low = place and rows * columns == count
    heights = [height] * rows + [LEGEND_HEIGHT] * low
    figure = plt.figure(figsize=(width * columns, sum(heights)))
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    axes = [figure.add_subplot(grid[divmod(k, columns)]) for k in range(count)]
    if place:
        axes.append(figure.add_subplot(grid[-1, :] if low else grid[divmod(count, columns)]))
        axes[-1].axis("off")
    return figure, axes


def legend(source: Axes, ax: Axes, title: str = "maximised measure") -> None:
    """The legend of the lines in `source`, drawn in the empty axes `ax`; in columns where it lies
    below all panels.
    """
    columns = len(ax.get_subplotspec().colspan)
    options = {"ncols": columns + 1, "columnspacing": 1.5} if columns > 1 else {}
    options |= {"loc": "center", "title": title, "fontsize": 10, "markerscale": 1.8}
    ax.legend(*source.get_legend_handles_labels(), **options)
