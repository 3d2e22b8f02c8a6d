"""Y of the second kind, which may have the least CKA for an NBS too: kappa > 2w in prop-least-cka
of the book page.

Shares l_1 >= ... >= l_p of the variance, water level w, pull = kappa, ratio = pull / 2w > 1. For a
k with l_{k+1} < w / 2 < l_k PCs 1..k of X are copied with too little variance and all others with
too much: x, the root of the variance, is the smaller root of a cubic. One thing may differ
(`variant`): PC k is the larger root, or PC k + 1 is, or these two are turned into each other.
Nothing is outside of X.

What solves w T = pull F / 2 are curves in the plane of (w, ratio), four families for each k. They
are followed as contour lines over a grid, so that a curve smaller than a cell of the grid is missed
(see the page's conjecture). Any point that is returned is attained by a Y, whatever the grid.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.exact_ranges.equations import cubic_roots, find_root

__all__ = ["PLAIN", "TURNED", "LowerPoint", "second_levels", "second_roots"]

PLAIN, FIRST_LARGE, SECOND_LARGE, TURNED = range(4)
NEAR_ONE = (
    1e-6  # ratios closer to 1 than this are Y = X within rounding, or a turn that lower.py has
)
GAP = 1e-4  # neighbours with shares closer than this, relative to their size, count as equal
EDGE = 9.0  # the water level in a gap is a logistic function of -EDGE to EDGE
STEPS = np.array([-0.3, -0.1, -0.03, -0.01, 0, 0.01, 0.03, 0.1, 0.3])  # of v around its corner
FAR = 1e9  # a ratio beyond any
SMALL = 60  # up to this p every gap is searched on the fine grid
ENTRIES = 2_000_000  # of an array handled at once
KEPT = 8  # pieces of contour lines a level that are solved exactly
# below the fold of a cubic the ratio is 1 + (1 - y^2) (fold - 1), down to nearly 1; a turn's range
# is cut evenly
FOLDED = np.concatenate([np.linspace(0, 0.95, 18), np.sqrt(1 - np.geomspace(0.08, 1e-5, 10))])
EVEN = np.linspace(0, 1, 24)


class LowerPoint(NamedTuple):
    """A Y of least CKA a level, (e,): its scores, water level and pull, k (0: first kind) and
    variant of the second.
    """

    nbs: Array
    cka: Array
    water: Array
    pull: Array
    k: Array
    variant: Array


class _Pieces(NamedTuple):
    """Contour pieces across a cell of the grid, (e,) each: k, variant, ends and bounds of the cell
    as (2, 2, e).

    `ends[i]` is the place (v, y) of end i, `cell[i]` the lowest and the highest place.
    """

    k: Array
    variant: Array
    ends: Array
    cell: Array

    def at(self, which: Array) -> _Pieces:
        return _Pieces(
            self.k[which], self.variant[which], self.ends[..., which], self.cell[..., which]
        )


def _fold(share: Array, water: Array) -> Array:
    """The ratio above which the cubic of a PC has no positive root: sqrt(((w + l) / 3)^3 4 / (w^2
    l)).
    """
    with np.errstate(divide="ignore"):
        return np.sqrt(4 * ((water + share) / 3) ** 3 / (water**2 * share))


def _place(shares: Array, k: Array, turned: Array, v: Array, y: Array) -> tuple[Array, Array]:
    """(w, ratio) at places v, y of the grid, (e,); NaN as ratio where a pair of this trace can't be
    turned.
    """
    p = len(shares)
    upper, lower = shares[k - 1], shares[k]
    product = upper * lower
    least = np.where(turned, np.sqrt(product), lower)
    water = 2 * np.exp(np.log(least) + np.log(upper / least) / (1 + np.exp(-v)))
    half = np.maximum(water / 2, np.sqrt(product))
    large = half + np.sqrt(np.maximum(half**2 - product, 0))
    other = product / large
    before, after = np.where(turned, k - 2, k - 1), np.where(turned, k + 1, k)
    top = np.minimum(
        np.where(before >= 0, _fold(shares[np.maximum(before, 0)], water), FAR),
        np.where(after < p, _fold(shares[np.minimum(after, p - 1)], water), FAR),
    )
    first = np.maximum(1 + NEAR_ONE, (np.sqrt(lower * large) + np.sqrt(upper * other)) / water)
    last = np.minimum(top, (np.sqrt(upper * large) + np.sqrt(lower * other)) / water)
    inner = np.where(last > first, first + y * (last - first), np.nan)
    return water, np.where(turned, inner, 1 + (1 - y**2) * (top - 1))


def _corner(shares: Array, k: Array) -> Array:
    """v where the cubics of PCs k and k + 1 have their folds at the same ratio, the largest one of
    the gap.
    """
    upper, lower = shares[k - 1], shares[k]
    size = np.cbrt(upper / lower)
    part = np.log((upper - size * lower) / (size - 1) / (2 * lower)) / np.log(upper / lower)
    return np.log(part / (1 - part))


def second_roots(
    shares: Float[Array, " p"], water: Array, pull: Array, k: Array, variant: Array
) -> Float[Array, "e p"]:
    """x for each PC, 0 for the two of a turned pair; water, pull, k and variant are (e,)."""
    large, x = cubic_roots(shares, water[:, None], pull[:, None])
    e = np.arange(len(k))
    x[e, k - 1] = np.where(variant == FIRST_LARGE, large[e, k - 1], x[e, k - 1])
    x[e, k] = np.where(variant == SECOND_LARGE, large[e, k], x[e, k])
    turned = variant == TURNED
    x[e[turned], k[turned] - 1] = x[e[turned], k[turned]] = 0
    return x


def _sums(shares: Array, water: Array, pull: Array, k: Array, variant: Array) -> Array:
    """T, F, s and N^2 as (4, e), in blocks of points."""
    out = np.empty((4, len(k)))
    for some in np.array_split(np.arange(len(k)), -(-len(k) * len(shares) // ENTRIES) or 1):
        x = second_roots(shares, water[some], pull[some], k[some], variant[some])
        m = np.sqrt(shares) * x
        out[:, some] = [(x**2).sum(1), m.sum(1), (m**2).sum(1), (x**4).sum(1)]
    product = 2 * shares[k - 1] * shares[k]
    return out + (variant == TURNED) * np.stack(
        [water, pull / 2, pull**2 / 4 - product, water**2 - product]
    )


def _balance(shares: Array, k: Array, variant: Array, v: Array, y: Array) -> Array:
    """T - ratio F at places of the grid, NaN outside of a family."""
    water, ratio = _place(shares, k, variant == TURNED, v, y)
    safe = np.where(np.isnan(ratio), 1, ratio)
    T, F, _, _ = _sums(shares, water, 2 * safe * water, k, variant)
    return np.where(np.isnan(ratio), np.nan, T - safe * F)


def _scores(
    shares: Array, k: Array, variant: Array, v: Array, y: Array
) -> tuple[Array, Array, Array]:
    """(NBS, CKA) as (2, e), water and pull at places of the grid."""
    water, ratio = _place(shares, k, variant == TURNED, v, y)
    pull = 2 * ratio * water
    T, F, s, square = _sums(shares, water, pull, k, variant)
    return np.stack([F / np.sqrt(T), s / (np.linalg.norm(shares) * np.sqrt(square))]), water, pull


def _gaps(shares: Array) -> Array:
    """The k with PC k + 1 clearly smaller than PC k where a family may have a solution."""
    k = np.flatnonzero(shares[:-1] > shares[1:] * (1 + GAP)) + 1
    if len(shares) <= SMALL:
        return k
    found = k <= 3
    middle = _corner(shares, k)[:, None, None]
    v, y = np.broadcast_arrays(
        middle + np.array([[-4.0], [-1], [0], [1], [4]]), np.array([0.0, 0.3, 0.97])
    )
    for variant in range(4):
        many = np.repeat(k, v[0].size)
        value = _balance(shares, many, np.full(many.shape, variant), v.ravel(), y.ravel()).reshape(
            len(k), -1
        )
        with np.errstate(invalid="ignore"):
            found |= (value > 0).any(axis=1) & (value < 0).any(axis=1)
    return k[found]


def _contours(shares: Array, k: int, variant: int) -> list[_Pieces]:
    """The pieces of contour lines of one family, the ends not solved yet: those of the cell's edges
    are given as 0.
    """
    corner = _corner(shares, np.array([k]))
    v = np.unique(np.concatenate([corner + STEPS, np.linspace(-EDGE, EDGE, 40)]))
    y = EVEN if variant == TURNED else FOLDED
    every = np.stack(np.meshgrid(v, y, indexing="ij")).reshape(2, -1)
    same = np.full(every.shape[1], k)
    value = _balance(shares, same, np.full(same.shape, variant), *every).reshape(len(v), len(y))
    known, sign = np.isfinite(value), value > 0
    across = known[:-1] & known[1:] & (sign[:-1] != sign[1:])  # along v
    along = known[:, :-1] & known[:, 1:] & (sign[:, :-1] != sign[:, 1:])  # along y
    cut = np.stack(
        [along[:-1], across[:, :-1], along[1:], across[:, 1:]]
    )  # left, low, right, high side
    pieces = []
    for sides in ((0, 1), (1, 2), (2, 3), (0, 3), (0, 2), (1, 3)):
        i, j = np.nonzero(
            cut[sides[0]] & cut[sides[1]] & ((cut.sum(axis=0) == 2) | (sides in ((0, 1), (2, 3))))
        )
        cell = np.array([[v[i], y[j]], [v[i + 1], y[j + 1]]])
        # each end lies on one side: from its first corner to its second
        start = np.stack([cell[[int(side == 2), int(side == 3)], [0, 1]] for side in sides])
        stop = np.stack([cell[[int(side != 0), int(side != 1)], [0, 1]] for side in sides])
        pieces.append((_Pieces(np.full(len(i), k), np.full(len(i), variant), start, cell), stop))
    return pieces


@lru_cache(maxsize=4)
def _pieces(spectrum: tuple[float, ...]) -> _Pieces:
    """All pieces of contour lines of all families: those of one spectrum serve every level of
    either score.
    """
    shares = np.array(spectrum)
    found = [
        one
        for k in _gaps(shares)
        for variant in range(4)
        for one in _contours(shares, int(k), variant)
    ]
    if not found:
        return _Pieces(np.zeros(0, int), np.zeros(0, int), np.zeros((2, 2, 0)), np.zeros((2, 2, 0)))
    pieces = _Pieces(
        *(np.concatenate(part, axis=-1) for part in zip(*(one for one, _ in found), strict=True))
    )
    stop = np.concatenate([last for _, last in found], axis=-1)
    ends = [_on_line(shares, pieces.k, pieces.variant, pieces.ends[i], stop[i]) for i in range(2)]
    return pieces._replace(ends=np.stack(ends))


def _on_line(shares: Array, k: Array, variant: Array, start: Array, stop: Array) -> Array:
    """The place between two, (2, e) each, where T = ratio F; where the signs agree, the better
    end.
    """

    def value(part: Array) -> Array:
        return _balance(shares, k, variant, *(start + part * (stop - start)))

    part = find_root(value, np.zeros(len(k)), np.ones(len(k)))
    lost = np.isnan(part)
    if lost.any():
        first, last = np.abs(value(np.zeros(len(k)))), np.abs(value(np.ones(len(k))))
        part = np.where(lost, (last < first).astype(float), part)
    return start + part * (stop - start)


def _across(shares: Array, pieces: _Pieces, part: Array) -> Array:
    """The place, (2, e), on each contour piece, between its ends by `part` of the straight line
    between them.

    On the normal to that line, from one side of the cell to the other: these lie on different sides
    of the contour.
    """
    size = pieces.cell[1] - pieces.cell[0]
    one, two = (pieces.ends - pieces.cell[0]) / size
    middle = one + part * (two - one)
    normal = np.stack([two[1] - one[1], one[0] - two[0]])
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.stack(
            [-middle / normal, (1 - middle) / normal]
        )  # where the normal leaves the cell
    high = np.nanmin(np.where(reach.max(axis=0) >= 0, reach.max(axis=0), 0), axis=0)
    low = np.nanmax(np.where(reach.min(axis=0) <= 0, reach.min(axis=0), 0), axis=0)
    high, low = (np.where(np.isfinite(limit), limit, 0) for limit in (high, low))
    sides = (
        pieces.cell[0] + size * np.clip(middle + limit * normal, 0, 1) for limit in (low, high)
    )
    return _on_line(shares, pieces.k, pieces.variant, *sides)


def second_levels(
    shares: Float[Array, " p"], levels: Float[Array, " e"], column: int, held: Float[Array, " e"]
) -> LowerPoint:
    """The best Y of the second kind where NBS (column 0) or CKA (column 1) takes the values
    `levels`.

    `held` is the other score of the best Y so far: only what has less CKA, or more NBS, is
    returned, else NaN for both scores.
    """
    size = len(levels)
    none = np.full(size, np.nan)
    best = LowerPoint(
        none, none.copy(), none.copy(), none.copy(), np.zeros(size, int), np.zeros(size, int)
    )
    pieces = _pieces(tuple(shares))
    if not (len(pieces.k) and size):
        return best
    ends = np.stack([_scores(shares, pieces.k, pieces.variant, *end)[0] for end in pieces.ends])
    (one, two), (other_one, other_two) = ends[:, column], ends[:, 1 - column]
    sign = 1 if column else -1  # more is better, or less
    sought, piece = np.nonzero(
        (np.minimum(one, two) <= levels[:, None]) & (levels[:, None] <= np.maximum(one, two))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.nan_to_num((levels[sought] - one[piece]) / (two[piece] - one[piece]), nan=0.5)
    between = other_one[piece] + part * (other_two[piece] - other_one[piece])
    hope = sign * (between - held[sought]) + 0.3 * np.abs(other_two[piece] - other_one[piece])
    order = np.lexsort((-sign * between, sought))
    order = order[hope[order] > 1e-13]
    rank = np.arange(len(order)) - np.searchsorted(sought[order], sought[order])
    order = order[rank < KEPT]
    if not order.size:
        return best
    tried, wanted = pieces.at(piece[order]), levels[sought[order]]

    def miss(part: Array) -> Array:
        return (
            _scores(shares, tried.k, tried.variant, *_across(shares, tried, part))[0][column]
            - wanted
        )

    part = find_root(miss, np.zeros(len(order)), np.ones(len(order)))
    place = _across(shares, tried, np.where(np.isnan(part), 0.5, part))
    found, water, pull = _scores(shares, tried.k, tried.variant, *place)
    good = ~np.isnan(part) & (np.abs(found[column] - wanted) < 1e-11)
    good &= sign * (found[1 - column] - held[sought[order]]) > 0
    for i in np.flatnonzero(good)[np.argsort(sign * found[1 - column][good])]:  # the best one last
        values = (*found[:, i], water[i], pull[i], tried.k[i], tried.variant[i])
        for array, value in zip(best, values, strict=True):
            array[sought[order[i]]] = value
    return best
