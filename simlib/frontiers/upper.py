"""The most CKA for an NBS, which is also the least NBS for a CKA.

Y copies the time courses of the first k PCs of X, at variances y_i of its own; at most one more PC is copied in
part; all directions that aren't full copies have the same variance w (the water level), outside of X but for the
copied part. Status: that the best Y looks like this is proved, for any number q of Y's columns (book page "Exact
score ranges"). For each k one cubic a PC and one scalar equation are left; the best over k is searched: a coarse
table of all k, then the most promising ones exactly. Every point is attained by a Y.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.frontiers.roots import cubic_roots, find_root

__all__ = ["UpperPoint", "upper_factor", "upper_levels"]

# A piece of the frontier with k full copies is followed by the angle of PC k's cubic, 0 where Y is the first k PCs of
# X (no fold is in the way of an angle); one with PC k + 1 copied in part by the water level, over its highest.
ANGLES = np.concatenate([np.geomspace(1e-9, 0.1, 10), np.linspace(0.2, 2.9, 28)])
LEVELS = np.concatenate([[1e-12], np.geomspace(1e-5, 0.5, 12), np.linspace(0.6, 0.98, 8), [1 - 1e-9]])
KEPT = 4  # candidates a level that are solved exactly


class UpperPoint(NamedTuple):
    """One value a level: NBS, CKA, the number k of full copies, whether PC k + 1 is copied in part, w, pull, angle.

    The angle is NaN with a partial copy, pull and angle are NaN where only PC 1 is copied.
    """

    nbs: Array
    cka: Array
    full: Array
    partial: Array
    water: Array
    pull: Array
    angle: Array


def _last_copy(shares: Array, k: Array, water: Array, angle: Array) -> tuple[Array, Array]:
    """sqrt(y_k) and the pull, each (e,), at an angle of PC k's cubic: both of its positive roots, one after another."""
    size = np.sqrt((water + shares[k - 1]) / 3)
    return 2 * size * np.cos((np.pi / 2 + angle) / 3), 4 * size**3 * np.sin(angle) / np.sqrt(shares[k - 1])


def _copies(shares: Array, k: Array, water: Array, pull: Array, last: Array) -> Array:
    """sqrt(y_i) of the full copies, (e, largest k), 0 beyond each k; `last` is that of PC k, NaN for the cubic's."""
    columns = np.arange(int(k.max()))
    large = cubic_roots(shares[: len(columns)], water[:, None], pull[:, None])[0] * (columns < k[:, None])
    return np.where((columns == k[:, None] - 1) & ~np.isnan(last)[:, None], last[:, None], large)


def _sums(shares: Array, q: int, k: Array, water: Array, pull: Array, last: Array) -> tuple[Array, ...]:
    """T, F, s and N^2 of Y, each (e,), with k full copies (0 < k < q) and `water` in the other q - k directions.

    Where `last` is NaN PC k + 1 is copied in part, at the variance pull^2 / (4 l_{k+1}).
    """
    x = _copies(shares, k, water, pull, last)
    m = np.sqrt(shares[: x.shape[1]]) * x
    part = np.isnan(last) * pull / 2
    return (
        (x**2).sum(axis=1) + (q - k) * water,
        m.sum(axis=1) + part,
        (m**2).sum(axis=1) + part**2,
        (x**4).sum(axis=1) + (q - k) * water**2,
    )


def _balance(shares: Array, q: int, k: Array, water: Array, pull: Array, last: Array) -> Array:
    """w T - pull F / 2, which is 0 where the scale of Y is stationary too."""
    T, F, _, _ = _sums(shares, q, k, water, pull, last)
    return water * T - pull * F / 2


def _solve_full(shares: Array, q: int, k: Array, angle: Array) -> tuple[Array, Array, Array]:
    """(water, pull, sqrt(y_k)) at angles of PC k, NaN where there is no such Y."""

    def at(log: Array) -> Array:
        water = np.exp(log)
        last, pull = _last_copy(shares, k, water, angle)
        return _balance(shares, q, k, water, pull, last) / water

    low = np.log(1e-14 * shares[k - 1])
    water = np.exp(find_root(at, low, np.log(2 * shares[k - 1])))
    last, pull = _last_copy(shares, k, water, angle)
    return water, pull, last


def _solve_partial(shares: Array, q: int, k: Array, water: Array) -> tuple[Array, Array, Array]:
    """(water, pull, NaN) at water levels, PC k + 1 copied in part; NaN where there is no such Y."""
    last = np.full(water.shape, np.nan)
    limit = 2 * np.sqrt(shares[k] * water)
    pull = find_root(lambda pull: _balance(shares, q, k, water, pull, last), 1e-12 * limit, limit)
    return water, pull, last


def _highest_water(shares: Array, q: int, k: Array) -> Array:
    """The water level, one for each k, at which the partial copy of PC k + 1 becomes a full one."""
    last = np.full(k.shape, np.nan)

    def at_limit(log: Array) -> Array:
        water = np.exp(log)
        return _balance(shares, q, k, water, 2 * np.sqrt(shares[k] * water), last) / water

    low = np.full(k.shape, np.log(1e-12 * shares[0]))
    return np.exp(find_root(at_limit, low, np.full(k.shape, np.log(8 * shares[0]))))


def _along(shares: Array, norm: float, q: int, k: Array, partial: bool, place: Array) -> tuple[Array, ...]:
    """((NBS, CKA) as (2, e), d log CKA / d NBS, water, pull) at angles, or at water levels with a partial copy."""
    water, pull, last = (_solve_partial if partial else _solve_full)(shares, q, k, place)
    lost = np.isnan(water) | np.isnan(pull)
    safe_water, safe_pull = np.where(lost, 1.0, water), np.where(lost, 0.0, pull)
    T, F, s, square = _sums(shares, q, k, safe_water, safe_pull, last)
    scores = np.stack([F / np.sqrt(T), s / (norm * np.sqrt(square))])
    return np.where(lost, np.nan, scores), safe_pull * np.sqrt(T) / s, water, pull


def _one_copy(shares: Array, norm: float, q: int, levels: Array, column: int) -> UpperPoint:
    """One PC copied, in part or in full, in closed form; NaN where it doesn't come that far.

    CKA = f^2 sqrt(q) / |l| while f^2 <= l_1 / q; then l_1 y / (|l| sqrt(y^2 + (1 - y)^2 / (q - 1))), f^2 = l_1 y.
    """
    first = shares[0]
    if column == 0:
        squared = levels**2
    else:
        small = levels * norm / np.sqrt(q)
        inverse = np.maximum((first / (levels * norm)) ** 2 - 1, 0)
        y = 1 / (1 + np.sqrt((q - 1) * inverse))
        squared = np.where(small <= first / q, small, np.where(levels * norm <= first, first * y, np.nan))
    squared = np.where(squared <= first, squared, np.nan)
    y = np.maximum(squared / first, 1 / q)
    size = np.sqrt(y**2 + (1 - y) ** 2 / max(q - 1, 1))
    full = (squared > first / q).astype(int)
    none = np.full(levels.shape, np.nan)
    rest = np.where(full, (1 - y) / max(q - 1, 1), 1 / q)
    return UpperPoint(np.sqrt(squared), squared / (norm * size), full, full == 0, rest, none, none)


def _pieces(shares: Array, q: int) -> Iterator[tuple[int, bool, Array]]:
    """(k, partial, places along it) of every piece with one full copy or more, from most to least like X's first PCs.

    The places of a piece with a partial copy run the other way: it is worth having where the scores rise.
    """
    counts = np.arange(1, min(q - 1, len(shares)) + 1)
    for k in counts[1:]:
        yield int(k), False, ANGLES
    counts = counts[counts < len(shares)]
    if counts.size:
        for k, highest in zip(counts, _highest_water(shares, q, counts), strict=True):
            if not np.isnan(highest):
                yield int(k), True, LEVELS[::-1] * highest


def _hermite(ends: Array, values: Array, slopes: Array, at: Array) -> Array:
    """Cubic interpolation between two `ends`, each argument but `at` (2, e)."""
    size = ends[1] - ends[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (at - ends[0]) / size
        bend = ((1 - t) * slopes[0] - t * slopes[1]) * size * t * (1 - t)
        blend = t * t * (3 - 2 * t)
        return (1 - blend) * values[0] + blend * values[1] + bend


def _candidates(shares: Array, norm: float, q: int, levels: Array, column: int) -> Array:
    """For each level the KEPT best pieces: how good, k, partial and the bracket of the place, (5, e, KEPT)."""
    best = [np.full((5, len(levels)), [[-np.inf], [2], [0], [1.0], [2.0]])]
    e = np.arange(len(levels))
    for k, partial, places in _pieces(shares, q):
        scores, slope, _, _ = _along(shares, norm, q, np.full(places.shape, k), partial, places)
        given, other = scores[column], scores[1 - column]
        rate = slope * scores[1]
        rate = rate if column == 0 else 1 / rate
        miss = given[None] - levels[:, None]
        crosses = (miss[:, :-1] >= 0) & (miss[:, 1:] <= 0)
        cell = crosses.argmax(axis=1)
        two = np.stack([cell, cell + 1])
        value = _hermite(given[two], other[two], rate[two], levels)
        good = np.where(crosses[e, cell] & np.isfinite(value), value if column == 0 else -value, -np.inf)
        rows = [good, np.full(e.shape, k), np.full(e.shape, partial), places[cell], places[cell + 1]]
        best.append(np.stack(rows))
    table = np.stack(best, axis=2)
    order = np.argsort(-table[0], axis=1)[:, :KEPT]
    return np.take_along_axis(table, order[None], axis=2)


def upper_levels(shares: Float[Array, " p"], levels: Float[Array, " e"], column: int, q: int) -> UpperPoint:
    """The frontier where NBS (column 0) or CKA (column 1) takes the values `levels`, all in (0, 1).

    `q` is the number of Y's columns. NaN where no Y of q columns comes that far.
    """
    norm = float(np.sqrt((shares**2).sum()))
    shares = shares[:q]
    found = _one_copy(shares, norm, q, levels, column)
    table = _candidates(shares, norm, q, levels, column)
    for rank in range(table.shape[2]):
        good, k, part, first, second = table[:, :, rank]
        for partial in (False, True):
            some = np.flatnonzero(np.isfinite(good) & (part == partial))
            if some.size:
                count = k[some].astype(int)
                new = _exactly(shares, norm, q, count, partial, first[some], second[some], levels[some], column)
                found = _better(found, new, some, column)
    return found


def _exactly(
    shares: Array, norm: float, q: int, k: Array, partial: bool, first: Array, second: Array, levels: Array, column: int
) -> UpperPoint:
    """The points of pieces whose score number `column` takes the values `levels`, between two places."""

    def miss(place: Array) -> Array:
        return _along(shares, norm, q, k, partial, place)[0][column] - levels

    place = find_root(miss, first, second)
    (nbs, cka), _, water, pull = _along(shares, norm, q, k, partial, np.where(np.isnan(place), first, place))
    angle = np.full(place.shape, np.nan) if partial else place
    lost = np.isnan(place) | ~(np.abs((nbs, cka)[column] - levels) < 1e-10)  # a jump, not a crossing
    return UpperPoint(
        np.where(lost, np.nan, nbs), np.where(lost, np.nan, cka), k, np.full(k.shape, partial), water, pull, angle
    )


def _better(held: UpperPoint, new: UpperPoint, some: Array, column: int) -> UpperPoint:
    """`held`, with the points of `new` at the places `some` where those are further out."""
    old, other = held[1 - column][some], new[1 - column]
    further = ~np.isnan(other) & (np.isnan(old) | ((other > old) if column == 0 else (other < old)))
    return UpperPoint(*(_placed(a, some[further], b[further]) for a, b in zip(held, new, strict=True)))


def _placed(values: Array, where: Array, new: Array) -> Array:
    changed = np.array(values)
    changed[where] = new
    return changed


def upper_factor(shares: Float[Array, " p"], q: int, point: UpperPoint, e: int) -> Float[Array, "rows q"]:
    """Y in coordinates, for level e of `point`: rows for the PCs of X and q directions outside of X."""
    p, full, water = len(shares), int(point.full[e]), float(point.water[e])
    variance, copied = np.full(q, water), np.zeros(q)
    if np.isnan(point.pull[e]):
        variance[:full] = 1 - (q - 1) * water
        if not full:
            copied[0] = point.nbs[e] ** 2 / shares[0]
    else:
        at = slice(e, e + 1)
        k, level, pull, angle = point.full[at], point.water[at], point.pull[at], point.angle[at]
        variance[:full] = _copies(shares, k, level, pull, _last_copy(shares, k, level, angle)[0])[0] ** 2
        if point.partial[e]:
            copied[full] = point.pull[e] ** 2 / (4 * shares[full])
    copied[:full] = variance[:full]
    factor = np.zeros((p + q, q))
    both = min(p, q)
    factor[:both, :both] = np.diag(np.sqrt(copied[:both]))
    factor[p:] = np.diag(np.sqrt(np.maximum(variance - copied, 0)))
    return factor
