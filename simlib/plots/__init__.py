"""Tidy tables to axes. A plot never computes, saves or shows; it draws on `ax` and returns it."""

from simlib.plots.style import badge, colour, use

__all__ = ["badge", "colour", "use"]
