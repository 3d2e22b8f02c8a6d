"""Y of the second kind, which may have the least CKA for an NBS too: kappa > 2w in prop-least-cka
of the book page.

Shares l_1 >= ... >= l_p of the variance, water level w, pull = kappa, ratio = pull / 2w > 1. For a
k with l_{k+1} < w / 2 < l_k PCs 1..k of X are copied with too little variance and all others with
too much: x, the root of the variance, is the smaller root of a cubic. One thing may differ
(`case`): PC k is the larger root, or PC k + 1 is, or these two are turned into each other. Nothing
is outside of X.

What solves w T = pull F / 2 are curves in the plane of (w, ratio), four families for each k. They
are followed as contour lines over a grid of (v, y), so that a curve smaller than a cell of the grid
is missed (see the page's conjecture): v says where w lies in the gap between two shares, y where
the ratio lies in its range. Any point that is returned is attained by a Y, whatever the grid.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.exact_ranges.equations import (
    CKA,
    find_root,
    large_root,
    scores_of,
    small_root,
    sums_of,
    turn_of,
    turned_sums,
)

__all__ = ["TURNED", "copies", "second_kind"]

CASES = PLAIN, FIRST_LARGE, SECOND_LARGE, TURNED = range(4)
# ratios closer to 1 than this are Y = X within rounding, or a turn that least_cka has
NEAR_ONE = 1e-6
GAP = 1e-4  # neighbours with shares closer than this, relative to their size, count as equal
FAR = 1e9  # a ratio beyond any
FEW_PCS = 60  # up to so many PCs every gap is searched on the fine grid
ENTRIES = 2_000_000  # of an array handled at once
KEPT = 8  # segments a level that are solved exactly
MISS = 1e-11  # how far a point may stay from the level asked
# The grid: v evenly and around its corner; y such that the ratio comes down to nearly 1 below the
# fold of a cubic, and evenly over the range of a turn.
EVEN_V = np.linspace(-9, 9, 40)
AROUND = np.array([-0.3, -0.1, -0.03, -0.01, 0, 0.01, 0.03, 0.1, 0.3])
FOLDED_Y = np.concatenate([np.linspace(0, 0.95, 18), np.sqrt(1 - np.geomspace(0.08, 1e-5, 10))])
TURNED_Y = np.linspace(0, 1, 24)
# A first look at many PCs: v around its corner, y.
FIRST_V, FIRST_Y = np.array([[-4.0], [-1], [0], [1], [4]]), np.array([0.0, 0.3, 0.97])
# The sides of a cell (low v, low y, high v, high y) by the ends of each: 0 low or 1 high in (v, y).
SIDES = np.array([[[0, 0], [0, 1]], [[0, 0], [1, 0]], [[1, 0], [1, 1]], [[0, 1], [1, 1]]])
# Two sides that a contour line crosses; where it crosses all four, two lines are cut off corners.
CORNERS = ((0, 1), (2, 3))
CROSSED = (*CORNERS, (1, 2), (0, 3), (0, 2), (1, 3))


class _Segments(NamedTuple):
    """Pieces of contour lines across a cell of the grid: k and case (e,), ends and bounds of the
    cell (2, 2, e).

    `ends[i]` is the place (v, y) of end i, `cell[i]` the lowest and the highest place.
    """

    k: Array
    case: Array
    ends: Array
    cell: Array

    def at(self, which: Array) -> "_Segments":
        return _Segments(*(part[..., which] for part in self))


def second_kind(
    shares: Float[Array, " p"],
    levels: Float[Array, " e"],
    given: int,
    first_kind: Float[Array, " e"],
) -> Float[Array, "6 e"]:
    """The best Y of the second kind where score number `given` takes the values `levels`.

    `first_kind` is the other score of the best Y of the first kind: only what has less CKA, or more
    NBS, is returned (its scores, water level, pull, k and case), else NaN.
    """
    sign = 1 if given == CKA else -1  # more NBS is better, or less CKA
    segments = _segments(tuple(shares))
    level, which = _promising(shares, segments, levels, given, sign, first_kind)
    segments, wanted = segments.at(which), levels[level]

    def miss(part: Array, e: Array) -> Array:
        some = segments.at(e)
        place = _on_contour(shares, some, part)
        return _points(shares, some.k, some.case, *place)[given] - wanted[e]

    ends = np.zeros(len(which)), np.ones(len(which))
    part = find_root(miss, *ends, np.arange(len(which)))
    place = _on_contour(shares, segments, np.nan_to_num(part, nan=0.5))
    points = _points(shares, segments.k, segments.case, *place)
    gain = sign * (points[1 - given] - first_kind[level])
    reached = ~np.isnan(part) & (np.abs(points[given] - wanted) < MISS)
    better = np.flatnonzero(reached & (gain > 0))
    better = better[np.lexsort((-gain[better], level[better]))]
    at, first = np.unique(level[better], return_index=True)
    best = np.full((6, len(levels)), np.nan)
    best[:, at] = np.stack([*points, segments.k, segments.case])[:, better[first]]
    return best


def copies(
    shares: Float[Array, " p"], water: Array, pull: Array, k: Array, case: Array
) -> Float[Array, "e p"]:
    """x for each PC, 0 for the two of a turned pair; water, pull, k and case are (e,)."""
    x = small_root(shares, water[:, None], pull[:, None])
    e = np.arange(len(k))
    for pc, large_here in ((k - 1, FIRST_LARGE), (k, SECOND_LARGE)):
        large = large_root(shares[pc], water, pull)
        x[e, pc] = np.select([case == large_here, case == TURNED], [large, 0], x[e, pc])
    return x


def _promising(
    shares: Array,
    segments: _Segments,
    levels: Array,
    given: int,
    sign: int,
    first_kind: Array,
) -> tuple[Array, Array]:
    """Numbers of levels and of segments, (e,) each: for each level the KEPT best segments, the
    other score taken as linear along them, if that comes near the first kind's.
    """
    ends = [_points(shares, segments.k, segments.case, *end)[:2] for end in segments.ends]
    start, stop = (end[given] for end in ends)
    other, last = (sign * end[1 - given] for end in ends)
    change, sought = last - other, levels[:, None]
    level, which = np.nonzero((sought - start) * (sought - stop) <= 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (levels[level] - start[which]) / (stop - start)[which]
    between = other[which] + np.nan_to_num(part, nan=0.5) * change[which]
    near = between + 0.3 * np.abs(change[which]) > sign * first_kind[level] + 1e-13
    level, which, between = level[near], which[near], between[near]
    order = np.lexsort((-between, level))
    level, which = level[order], which[order]
    rank = np.arange(len(level)) - np.searchsorted(level, level)
    return level[rank < KEPT], which[rank < KEPT]


@lru_cache(maxsize=4)
def _segments(spectrum: tuple[float, ...]) -> _Segments:
    """The segments of all families: those of one spectrum serve every level of either score."""
    shares = np.array(spectrum)
    gaps = _gaps(shares)
    even = np.tile(EVEN_V, (len(gaps), 1))
    v = np.sort(np.hstack([_corner(shares, gaps)[:, None] + AROUND, even]), axis=1)
    segments, stops = [], []
    for case in CASES:
        y = TURNED_Y if case == TURNED else FOLDED_Y
        value = _balance(shares, gaps[:, None, None], case, v[:, :, None], y)
        for sides in CROSSED:
            gap, i, j = np.nonzero(_crosses(value, sides))
            cell = np.array([[v[gap, i], y[j]], [v[gap, i + 1], y[j + 1]]])
            start, stop = (
                np.stack([cell[SIDES[side, end], [0, 1]] for side in sides]) for end in (0, 1)
            )
            segments.append(_Segments(gaps[gap], np.full(len(gap), case), start, cell))
            stops.append(stop)
    start = _Segments(*(np.concatenate(parts, axis=-1) for parts in zip(*segments, strict=True)))
    stop = np.concatenate(stops, axis=-1)
    ends = [_solved(shares, start.k, start.case, start.ends[i], stop[i]) for i in (0, 1)]
    return start._replace(ends=np.stack(ends))


def _crosses(value: Array, sides: tuple[int, int]) -> Array:
    """In which cells a contour line enters and leaves through two `sides`, (gaps, v, y)."""
    known, positive = np.isfinite(value), value > 0
    low_v = known[:, :, :-1] & known[:, :, 1:] & (positive[:, :, :-1] != positive[:, :, 1:])
    low_y = known[:, :-1] & known[:, 1:] & (positive[:, :-1] != positive[:, 1:])
    cut = np.stack([low_v[:, :-1], low_y[:, :, :-1], low_v[:, 1:], low_y[:, :, 1:]])
    once = (cut.sum(axis=0) == 2) | (sides in CORNERS)
    return cut[sides[0]] & cut[sides[1]] & once


def _gaps(shares: Array) -> Array:
    """The k with PC k + 1 clearly smaller than PC k where a family may have a solution."""
    k = np.flatnonzero(shares[:-1] > shares[1:] * (1 + GAP)) + 1
    if len(shares) <= FEW_PCS:
        return k
    v = _corner(shares, k)[:, None, None, None] + FIRST_V
    value = _balance(shares, k[:, None, None, None], np.arange(4)[:, None, None], v, FIRST_Y)
    both = (value > 0).any(axis=(2, 3)) & (value < 0).any(axis=(2, 3))
    return k[both.any(axis=1) | (k <= 3)]


def _corner(shares: Array, k: Array) -> Array:
    """v where the cubics of PCs k and k + 1 have their folds at the same ratio, the largest one of
    the gap.
    """
    upper, lower = shares[k - 1], shares[k]
    size = np.cbrt(upper / lower)
    part = np.log((upper - size * lower) / (size - 1) / (2 * lower)) / np.log(upper / lower)
    return np.log(part / (1 - part))


def _fold(share: Array, water: Array) -> Array:
    """The ratio above which the cubic of a PC has no positive root: sqrt(((w + l) / 3)^3 4 / (w^2
    l)); FAR for a share of 0.
    """
    safe = np.where(share > 0, share, 1)
    return np.where(share > 0, np.sqrt(4 * ((water + safe) / 3) ** 3 / (water**2 * safe)), FAR)


def _place(shares: Array, k: Array, turned: Array, v: Array, y: Array) -> tuple[Array, Array]:
    """(w, ratio) at places v, y of the grid, (e,); NaN as ratio where a pair of this trace can't be
    turned.
    """
    upper, lower = shares[k - 1], shares[k]
    least = np.where(turned, np.sqrt(upper * lower), lower)
    water = 2 * np.exp(np.log(least) + np.log(upper / least) / (1 + np.exp(-v)))
    beside = np.pad(shares, 1)  # the PCs that aren't turned, next to k and k + 1
    top = np.minimum(_fold(beside[k - turned], water), _fold(beside[k + 1 + turned], water))
    start, end = (pull / water for pull in turn_of(upper, lower, water))
    start, end = np.maximum(1 + NEAR_ONE, start), np.minimum(top, end)
    turning = np.where(end > start, start + y * (end - start), np.nan)
    return water, np.where(turned, turning, 1 + (1 - y**2) * (top - 1))


def _sums(shares: Array, water: Array, pull: Array, k: Array, case: Array) -> Array:
    """T, F, s and N^2 as (4, e), in blocks of points."""
    sums = (case == TURNED) * turned_sums(water, pull, shares[k - 1] * shares[k])
    for e in np.array_split(np.arange(len(k)), -(-len(k) * len(shares) // ENTRIES) or 1):
        sums[:, e] += sums_of(shares, copies(shares, water[e], pull[e], k[e], case[e]))
    return sums


def _balance(shares: Array, k: Array, case: Array | int, v: Array, y: Array) -> Array:
    """T - ratio F at places of the grid, all of which are broadcast; NaN outside of a family."""
    every = np.broadcast_arrays(k, case, v, y)
    k, case, v, y = (values.ravel() for values in every)
    water, ratio = _place(shares, k, case == TURNED, v, y)
    T, F, _, _ = _sums(shares, water, 2 * ratio * water, k, case)
    return (T - ratio * F).reshape(every[0].shape)


def _points(shares: Array, k: Array, case: Array, v: Array, y: Array) -> Array:
    """NBS, CKA, water level and pull at places of the grid, (4, e)."""
    water, ratio = _place(shares, k, case == TURNED, v, y)
    pull = 2 * ratio * water
    scores = scores_of(_sums(shares, water, pull, k, case), float(np.linalg.norm(shares)))
    return np.stack([*scores, water, pull])


def _solved(shares: Array, k: Array, case: Array, start: Array, stop: Array) -> Array:
    """The place between two, (2, e) each, where T = ratio F; where the signs agree, the better
    end.
    """

    def value(part: Array, k: Array, case: Array, *ends: Array) -> Array:
        start, stop = np.stack(ends[:2]), np.stack(ends[2:])
        return _balance(shares, k, case, *(start + part * (stop - start)))

    none, whole, rest = np.zeros(len(k)), np.ones(len(k)), (k, case, *start, *stop)
    part = find_root(value, none, whole, *rest)
    if np.isnan(part).any():
        better = np.abs(value(whole, *rest)) < np.abs(value(none, *rest))
        part = np.where(np.isnan(part), better, part)
    return start + part * (stop - start)


def _on_contour(shares: Array, segments: _Segments, part: Array) -> Array:
    """The place, (2, e), on each segment's contour line, at `part` of the straight line between its
    ends.

    On the normal to that line, from one side of the cell to the other: these lie on different sides
    of the contour.
    """
    size = segments.cell[1] - segments.cell[0]
    start, stop = (segments.ends - segments.cell[0]) / size
    middle = start + part * (stop - start)
    normal = np.stack([stop[1] - start[1], start[0] - stop[0]])
    with np.errstate(divide="ignore", invalid="ignore"):
        leaves = np.stack([-middle / normal, (1 - middle) / normal])
    low = np.fmin(leaves.min(axis=0), 0).max(axis=0)
    high = np.fmax(leaves.max(axis=0), 0).min(axis=0)
    reach = np.nan_to_num(np.stack([low, high]), neginf=0, posinf=0)
    sides = segments.cell[0] + size * np.clip(middle + reach[:, None] * normal, 0, 1)
    return _solved(shares, segments.k, segments.case, *sides)
