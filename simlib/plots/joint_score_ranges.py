"""Reachable regions of two scores, and a sketch of the kinds of region there are."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes

from simlib.plots.style import colour, short_title

__all__ = ["exact_range", "kinds_of_pair", "region"]

GUIDE = 0.9
# The sketch: title, what the two scores say about each other, corners of the outline in order.
SKETCHES = (
    (
        "Independent",
        "one score says nothing\nabout the other",
        ((0, 1, 1, 0), (0, 0, 1, 1)),
    ),
    (
        "Coupled",
        "either one, when high,\nimplies the other",
        ((0, 0.25, 0.55, 0.82, 1, 0.75, 0.45, 0.18), (0, 0.1, 0.32, 0.62, 1, 0.9, 0.68, 0.38)),
    ),
    (
        "Asymmetric",
        "high B implies high A,\nhigh A leaves B open",
        ((0, 0.5, 0.88, 0.96, 1, 0.62, 0.3), (0, 0.02, 0.08, 0.4, 1, 0.72, 0.45)),
    ),
)


def _square(ax: Axes) -> None:
    ax.axvline(GUIDE, color="#999999", ls=":", lw=1)
    ax.axhline(GUIDE, color="#999999", ls=":", lw=1)
    ax.plot([0, 1, 1, 0, 0], [0, 0, 1, 1, 0], color="#CCCCCC", lw=0.8, zorder=0)
    ends, ticks = (-0.06, 1.09), [0, 0.5, 1]
    ax.set(xlim=ends, ylim=ends, aspect="equal", xticks=ticks, yticks=ticks)


def region(ends: pd.DataFrame, limits: pd.DataFrame, ax: Axes) -> Axes:
    """The region of two scores that descents reached, for one dataset and pair: one outline a seed.

    `ends` (in order round the square) is from `experiments.joint_score_ranges.end_points`: dots,
    each joined to its target, a cross on the square's edge, by a thin line. `limits` is from
    `experiments.joint_score_ranges.allowed_scores` for the same region: the thick bar at the top
    spans the horizontal scores of the Y visited that have 0.9 or more on the vertical one, the bar
    at the right the other way round.
    """
    measure, against = ends["measure"].iloc[0], ends["against"].iloc[0]
    shade = colour(measure)
    _square(ax)
    for _, seed in ends.groupby("seed", sort=False):
        ax.fill(seed["score_a"], seed["score_b"], fc=(shade, 0.25), ec=shade, lw=1.4)
    ax.plot(ends["score_a"], ends["score_b"], "o", color=shade, ms=3.5, label="end of a descent")
    ways = (ends[[f"score_{side}", f"target_{side}"]].T for side in "ab")
    ax.plot(*ways, color="#BBBBBB", lw=0.6, zorder=0)
    crosses = {"color": "#AAAAAA", "ms": 4, "mew": 0.9, "label": "its target"}
    ax.plot(ends["target_a"], ends["target_b"], "x", **crosses)
    label = f"reached with {GUIDE} or more on the other score"
    for given, lowest, highest in limits[["given", "lowest", "highest"]].itertuples(index=False):
        bar = ([1.06, 1.06], [lowest, highest])[:: 1 if given == measure else -1]
        ax.plot(*bar, color="black", lw=4, solid_capstyle="butt", label=label)
        label = None
    ax.set(
        xlabel=short_title(measure),
        ylabel=short_title(against),
        title=ends["title"].iloc[0].replace(" (", "\n("),
    )
    return ax


def exact_range(exact: pd.DataFrame, ax: Axes) -> Axes:
    """The ends of the exact range over a `region`: full lines where they are proved, dashed where
    conjectured.

    `exact` is from `experiments.joint_score_ranges.exact_outlines`, for the region's dataset and
    pair; no rows, no lines.
    """
    line = {"color": "black", "lw": 1.2}
    for status, curves in exact.groupby("status", sort=False):
        label, dashes = f"exact range ({status})", "-" if status == "proved" else (0, (4, 2))
        for _, curve in curves.groupby("end", sort=False):
            ax.plot(curve["score_a"], curve["score_b"], ls=dashes, label=label, **line)
            label = None
    for _, level in exact[exact["score_b"].isin([0, 1])].groupby("score_b"):
        ax.plot(level["score_a"], level["score_b"], **line)  # the range is closed there
    return ax


def kinds_of_pair(axes: Iterable[Axes]) -> Iterable[Axes]:
    """A sketch, drawn by hand, of three kinds of region: independent, coupled and asymmetric
    measures.
    """
    for ax, (title, words, corners) in zip(axes, SKETCHES, strict=True):
        _square(ax)
        ax.fill(*corners, fc=("#666666", 0.25), ec="#666666", lw=1.4)
        ax.set(xlabel="score A", ylabel="score B", title=f"{title}:\n{words}")
    return axes
