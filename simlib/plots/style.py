"""One look for all figures: the same colour and marker mean the same measure everywhere."""

from __future__ import annotations

import matplotlib as mpl

__all__ = ["COLOURS", "MARKERS", "badge", "colour", "use"]

# Okabe & Ito's palette, told apart by colour-blind readers, with line styles' job done by markers in grey print.
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
OTHERS = ("#000000", "#7F7F7F", "#8C6D31", "#5254A3", "#843C39", "#637939")


def use() -> None:
    """Set matplotlib's defaults for the book: readable at half a page, no frame, vector-like resolution."""
    mpl.rcParams.update({
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
    })


def colour(measure: str) -> str:
    """The colour of a measure id, the same in every figure."""
    base = measure.split("--")[0]
    if base in COLOURS:
        return COLOURS[base]
    return OTHERS[sum(map(ord, measure)) % len(OTHERS)]


def badge(figure, table) -> None:
    """Write under a figure what its numbers are not: surrogate data, quick settings."""
    notes = []
    if bool(table["surrogate"].any()):
        notes.append("surrogate data: synthetic, matched to the recording's spectrum and design")
    if (table["settings"] == "quick").any():
        notes.append("quick settings: smaller runs than the paper's")
    if notes:
        figure.text(0.005, -0.01, "; ".join(notes).capitalize() + ".", ha="left", va="top", fontsize=8, style="italic", color="#555555")
