"""Reachable regions of two scores, and a sketch of the kinds of region there are."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes

from simlib.plots.style import colour, short_title

__all__ = ["exact_range", "kinds_of_pair", "region"]

GUIDE = 0.9
# Outlines of the sketch, as corners in order: title, what the two scores say about each other,
# corners.
SKETCHES = (
    ("Independent", "one score says nothing\nabout the other", [(0, 0), (1, 0), (1, 1), (0, 1)]),
    (
        "Coupled",
        "either one, when high,\nimplies the other",
        [
            (0, 0),
            (0.25, 0.1),
            (0.55, 0.32),
            (0.82, 0.62),
            (1, 1),
            (0.75, 0.9),
            (0.45, 0.68),
            (0.18, 0.38),
        ],
    ),
    (
        "Asymmetric",
        "high B implies high A,\nhigh A leaves B open",
        [(0, 0), (0.5, 0.02), (0.88, 0.08), (0.96, 0.4), (1, 1), (0.62, 0.72), (0.3, 0.45)],
    ),
)


def _square(ax: Axes) -> None:
    ax.axvline(GUIDE, color="#999999", ls=":", lw=1)
    ax.axhline(GUIDE, color="#999999", ls=":", lw=1)
    ax.plot([0, 1, 1, 0, 0], [0, 0, 1, 1, 0], color="#CCCCCC", lw=0.8, zorder=0)
    ticks = [0, 0.5, 1]
    ax.set(xlim=(-0.06, 1.09), ylim=(-0.06, 1.09), aspect="equal", xticks=ticks, yticks=ticks)


def region(ends: pd.DataFrame, limits: pd.DataFrame, ax: Axes) -> Axes:
    """The region of two scores that Y can reach, for one dataset and pair: one outline a seed.

    `ends` (in order round the square) is from `experiments.end_points`: dots, each joined to its
    target, a cross on the square's edge, by a thin line. `limits` is from
    `experiments.allowed_scores` for the same region: the thick bar at the top spans the horizontal
    scores that 0.9 or more on the vertical one allows, the bar at the right the other way round.
    """
    measure, against = ends["measure"].iloc[0], ends["against"].iloc[0]
    shade = colour(measure)
    _square(ax)
    for k, (_, seed) in enumerate(ends.groupby("seed", sort=False)):
        a, b = seed["score_a"].tolist(), seed["score_b"].tolist()
        ax.fill(a, b, color=shade, alpha=0.25, lw=0)
        ax.plot([*a, a[0]], [*b, b[0]], color=shade, lw=1.4)
        ax.plot(a, b, "o", color=shade, ms=3.5, label=None if k else "end of a descent")
        for x, y, goal_x, goal_y in zip(a, b, seed["target_a"], seed["target_b"], strict=True):
            ax.plot([x, goal_x], [y, goal_y], color="#BBBBBB", lw=0.6, zorder=0)
    ax.plot(
        ends["target_a"], ends["target_b"], "x", color="#AAAAAA", ms=4, mew=0.9, label="its target"
    )
    bar = {"color": "black", "lw": 4, "solid_capstyle": "butt"}
    for k, (_, row) in enumerate(limits.iterrows()):
        span = [row["lowest"], row["highest"]]
        place = ([1.06, 1.06], span) if row["given"] == measure else (span, [1.06, 1.06])
        ax.plot(
            *place, **bar, label=None if k else f"allowed by {GUIDE} or more on the other score"
        )
    ax.set(xlabel=short_title(measure), ylabel=short_title(against), title=ends["title"].iloc[0])
    return ax


def exact_range(exact: pd.DataFrame, ax: Axes) -> Axes:
    """The ends of the exact range over a `region`: full lines where they are proved, dashed where
    conjectured.

    `exact` is from `experiments.exact_ranges.exact_outlines`, for the region's dataset and pair; no
    rows, no lines.
    """
    for status, curves in exact.groupby("status", sort=False):
        line = {"color": "black", "lw": 1.2, "ls": "-" if status == "proved" else (0, (4, 2))}
        for k, (_, curve) in enumerate(curves.groupby("end", sort=False)):
            ax.plot(
                curve["score_a"],
                curve["score_b"],
                **line,
                label=None if k else f"exact range ({status})",
            )
    for _, level in exact.groupby("score_b"):
        if level["score_b"].iloc[0] in (0, 1):  # the range is closed at its bottom and top
            ax.plot(level["score_a"], level["score_b"], color="black", lw=1.2)
    return ax


def kinds_of_pair(axes: Iterable[Axes]) -> Iterable[Axes]:
    """A sketch, drawn by hand, of three kinds of region: independent, coupled and asymmetric
    measures.
    """
    for ax, (title, words, corners) in zip(axes, SKETCHES, strict=True):
        _square(ax)
        a, b = zip(*corners, strict=True)
        ax.fill(a, b, color="#666666", alpha=0.25, lw=0)
        ax.plot([*a, a[0]], [*b, b[0]], color="#666666", lw=1.4)
        ax.set(xlabel="score A", ylabel="score B", title=f"{title}: {words}")
    return axes
