"""Tidy tables to axes. A plot never computes, saves or shows; it draws on `ax` and returns it."""

from simlib.plots.curves import (
    accuracy_against_score,
    capture_against_variance,
    components_against_score,
    rank_colours,
    toy_components,
)
from simlib.plots.style import badge, colour, marker, short_title, use

__all__ = [
    "accuracy_against_score", "badge", "capture_against_variance", "colour", "components_against_score",
    "marker", "rank_colours", "short_title", "toy_components", "use",
]
