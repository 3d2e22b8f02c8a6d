"""The most CKA for an NBS, which is also the least NBS for a CKA.

Y copies the time courses of the first k PCs of X, at variances y_i of its own; at most one more PC
is copied in part; all directions that aren't full copies have the same variance w (the water
level), outside of X but for the copied part. Status: that the best Y looks like this is proved, for
any number q of Y's columns (book page "Exact score ranges"). For each k one cubic a PC and one
scalar equation are left; the best over k is searched: a coarse table of all k, or of some k and
then of those between the best ones; then the most promising ones exactly. Every point is attained
by a Y.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.exact_ranges.equations import find_root
from simlib.exact_ranges.most_cka_pieces import (
    UpperPoint,
    along,
    full_copies,
    highest_water,
    last_copy,
    one_copy,
)

__all__ = ["upper_factor", "upper_levels"]

# A piece of the curve with k full copies is followed by the angle of PC k's cubic, 0 where Y is
# the first k PCs of X (no fold is in the way of an angle); one with PC k + 1 copied in part by the
# water level, over its highest. The places run from most to least like X's first PCs; a piece with
# a partial copy is worth having where the scores rise.
ANGLES = np.concatenate([np.geomspace(1e-9, 0.1, 10), np.linspace(0.2, 2.9, 28)])
LEVELS = np.concatenate(
    [[1e-12], np.geomspace(1e-5, 0.5, 12), np.linspace(0.6, 0.98, 8), [1 - 1e-9]]
)[::-1]
KEPT = 4  # candidates a level that are solved exactly
EVERY = 48  # up to this k all are tabulated, beyond it each a ninth more than the one before
BETWEEN = 7  # numbers k tried at once between the best tabulated one and its neighbours
PLACES = 6  # places tried for each
ROUNDS = 8  # of such trials at most
BELOW = 1e-9  # by how much a level is lowered, relatively, where pieces meet


def _tabulated(most: int, every: int) -> Array:
    """The numbers k of full copies in the coarse table, 1 to `most`."""
    if most <= every:
        return np.arange(1, most + 1)
    sparse = np.geomspace(every, most, 2 + int(9 * np.log(most / every)))
    return np.unique(np.concatenate([np.arange(1, every + 1), sparse.round()])).astype(int)


def _hermite(ends: Array, values: Array, slopes: Array, at: Array) -> Array:
    """Cubic interpolation between two `ends`, each argument but `at` (2, e)."""
    size = ends[1] - ends[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (at - ends[0]) / size
        bend = ((1 - t) * slopes[0] - t * slopes[1]) * size * t * (1 - t)
        blend = t * t * (3 - 2 * t)
        return (1 - blend) * values[0] + blend * values[1] + bend


def _crossing(scores: Array, slope: Array, levels: Array, column: int) -> tuple[Array, Array]:
    """How good each of e pieces is at its level, -inf where it isn't there, and the place before
    the crossing, (e,).

    `scores` (2, e, places) and d log CKA / d NBS along the pieces. Given CKA, NBS is interpolated
    over arccos CKA: over CKA its slope grows without bounds towards 1.
    """
    nbs, cka = scores
    if column == 0:
        given, other, rate = nbs, cka, slope * cka
    else:
        turn = np.arccos(np.minimum(cka, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            given, other, rate = -turn, nbs, np.sin(turn) / (slope * cka)
        levels = -np.arccos(levels)
    miss = given - levels[:, None]
    crosses = (miss[:, :-1] >= 0) & (miss[:, 1:] <= 0)
    cell = crosses.argmax(axis=1)
    e = np.arange(len(levels))
    given, other, rate = (np.stack([a[e, cell], a[e, cell + 1]]) for a in (given, other, rate))
    value = _hermite(given, other, rate, levels)
    return np.where(
        crosses[e, cell] & np.isfinite(value), value if column == 0 else -value, -np.inf
    ), cell


class _Setting(NamedTuple):
    """What is searched: for each level the best k, with or without a partial copy."""

    shares: Array
    norm: float
    q: int
    levels: Array
    column: int
    partial: bool

    def points(self, k: Array, steps: Array) -> tuple[Array, Array, Array]:
        """(NBS, CKA), d log CKA / d NBS and the place at `steps`, (e, places): positions in ANGLES
        or LEVELS.
        """
        grid = LEVELS if self.partial else ANGLES
        place = np.interp(steps, np.arange(len(grid)), grid)
        if self.partial:
            counts, where = np.unique(k, return_inverse=True)
            place = (
                place * highest_water(self.shares, self.q, counts)[where.reshape(k.shape)][:, None]
            )
        every = np.broadcast_to(k[:, None], place.shape).ravel()
        scores, slope, _, _ = along(
            self.shares, self.norm, self.q, every, self.partial, place.ravel()
        )
        return scores.reshape(2, *place.shape), slope.reshape(place.shape), place


def _tried(setting: _Setting, k: Array, steps: Array) -> tuple[Array, Array]:
    """(how good, k, place before, place after) and the steps before and after, for one k and
    `steps` a level.
    """
    scores, slope, place = setting.points(k, steps)
    good, cell = _crossing(scores, slope, setting.levels, setting.column)
    e = np.arange(len(good))
    return np.stack([good, k, place[e, cell], place[e, cell + 1]]), np.stack(
        [steps[e, cell], steps[e, cell + 1]]
    )


def _table(setting: _Setting, counts: Array) -> tuple[Array, Array]:
    """The same for all k in `counts`, each (:, e, k); all levels share the points of one k."""
    size = len(setting.levels)
    steps = np.arange(len(LEVELS if setting.partial else ANGLES), dtype=float)[None]
    rows, cells = [], []
    for k in counts:
        scores, slope, place = setting.points(np.array([k]), steps)
        shape = (size, steps.size)
        good, cell = _crossing(
            np.broadcast_to(scores, (2, *shape)),
            np.broadcast_to(slope, shape),
            setting.levels,
            setting.column,
        )
        rows.append(np.stack([good, np.full(size, float(k)), place[0, cell], place[0, cell + 1]]))
        cells.append(np.stack([cell, cell + 1]))
    return np.stack(rows, axis=2), np.stack(cells, axis=2)


def _around(values: Array, best: Array) -> Array:
    """The columns best - 1, best and best + 1 (at the edge, the edge) of (e, columns) as (3, e)."""
    near = np.clip(best + np.array([[-1], [0], [1]]), 0, values.shape[1] - 1)
    return values[np.arange(len(best)), near]


def _least_k(setting: _Setting) -> Array:
    """The smallest k that comes as far as each level: that of the first k PCs alone, one less with
    a partial copy.
    """
    shares, norm = setting.shares, setting.norm
    kept = np.sqrt((shares**2).cumsum()) / norm if setting.column else np.sqrt(shares.cumsum())
    return np.clip(
        np.searchsorted(kept, setting.levels) + 1 - setting.partial,
        1,
        len(shares) - setting.partial,
    )


def _refined(setting: _Setting, rows: Array, cells: Array) -> list[Array]:
    """More rows, (4, e, trials): each level's best k is sought between the neighbours of the best
    one so far.
    """
    found, size = [], len(setting.levels)
    grid = np.arange(len(LEVELS if setting.partial else ANGLES), dtype=float)
    least, here = _least_k(setting), np.arange(size)
    while True:
        some = np.isfinite(rows[0]).any(axis=1)
        first_k = (rows[1] < least[here][:, None]).sum(axis=1).clip(max=rows.shape[2] - 1)
        best = np.where(some, rows[0].argmax(axis=1), first_k)
        low, _, high = _around(rows[1], best)
        low = np.clip(least[here], low, high)
        known = np.isfinite(_around(rows[0], best)).all(axis=0)
        wide = high - low > np.where(known, 2, 0)
        if not wide.any() or len(found) > ROUNDS:
            return found
        rows, cells, best, low, high, known = (
            rows[:, wide],
            cells[:, wide],
            best[wide],
            low[wide],
            high[wide],
            known[wide],
        )
        here = here[wide]
        trial = np.linspace(low, high, BETWEEN + 2, axis=1).round()
        first = _around(cells[0], best).min(axis=0) - 0.5
        last = _around(cells[1], best).max(axis=0) + 0.5
        short = np.linspace(first.clip(0), last.clip(max=grid[-1]), PLACES, axis=1)
        rows, cells = (
            np.full((4, len(here), BETWEEN + 2), -np.inf),
            np.zeros((2, len(here), BETWEEN + 2)),
        )
        for group, steps in ((known, short[known]), (~known, np.tile(grid, ((~known).sum(), 1)))):
            if group.any():
                many = setting._replace(levels=np.repeat(setting.levels[here[group]], BETWEEN + 2))
                new = _tried(
                    many, trial[group].ravel().astype(int), np.repeat(steps, BETWEEN + 2, axis=0)
                )
                rows[:, group], cells[:, group] = (
                    part.reshape(len(part), -1, BETWEEN + 2) for part in new
                )
        every = np.full((4, size, BETWEEN + 2), [[[-np.inf]], [[2]], [[1.0]], [[2.0]]])
        every[:, here] = rows
        found.append(every)


def _candidates(setting: _Setting, every: int) -> Array:
    """For each level the KEPT best k: how good, k and the bracket of the place, (4, e, KEPT)."""
    size, p = len(setting.levels), len(setting.shares)
    found = [np.full((4, size, 1), [[[-np.inf]], [[2]], [[1.0]], [[2.0]]])]
    counts = _tabulated(min(setting.q - 1, p), every)
    counts = (
        counts[counts < p] if setting.partial else counts[counts > 1]
    )  # k = 1 in full: one_copy
    if counts.size:
        rows, cells = _table(setting, counts)
        found.append(rows)
        if counts[-1] > every:
            found += _refined(setting, rows, cells)
    table = np.concatenate(found, axis=2)
    table = np.take_along_axis(table, np.lexsort((-table[0], table[1]))[None], axis=2)
    table[0, :, 1:][
        table[1, :, 1:] == table[1, :, :-1]
    ] = -np.inf  # the same k again, from another round
    order = np.argsort(-table[0], axis=1)[:, :KEPT]
    return np.take_along_axis(table, order[None], axis=2)


def upper_levels(
    shares: Float[Array, " p"], levels: Float[Array, " e"], column: int, q: int, every: int = EVERY
) -> UpperPoint:
    """The end of the range where NBS (column 0) or CKA (column 1) takes the values `levels`, all in (0, 1).

    `q` is the number of Y's columns; all k up to `every` are tabulated. NaN where no Y of q columns
    comes that far.
    """
    found = _searched(shares, levels, column, q, every)
    joints = np.flatnonzero(np.isnan(found.nbs))
    if (
        joints.size
    ):  # where two pieces meet, rounding may leave the level to neither: one just below
        below = _searched(shares, levels[joints] * (1 - BELOW), column, q, every)
        found = UpperPoint(*(_placed(a, joints, b) for a, b in zip(found, below, strict=True)))
    return found


def _searched(shares: Array, levels: Array, column: int, q: int, every: int) -> UpperPoint:
    norm = float(np.sqrt((shares**2).sum()))
    shares = shares[:q]
    found = one_copy(shares, norm, q, levels, column)
    for partial in (False, True):
        table = _candidates(_Setting(shares, norm, q, levels, column, partial), every)
        for rank in range(table.shape[2]):
            good, k, first, second = table[:, :, rank]
            some = np.flatnonzero(np.isfinite(good))
            if some.size:
                count = k[some].astype(int)
                new = _exactly(
                    shares, norm, q, count, partial, first[some], second[some], levels[some], column
                )
                found = _better(found, new, some, column)
    return found


def _exactly(
    shares: Array,
    norm: float,
    q: int,
    k: Array,
    partial: bool,
    first: Array,
    second: Array,
    levels: Array,
    column: int,
) -> UpperPoint:
    """The points of pieces whose score number `column` takes the values `levels`, between two
    places.
    """

    def miss(place: Array) -> Array:
        return along(shares, norm, q, k, partial, place)[0][column] - levels

    place = find_root(miss, first, second)
    (nbs, cka), _, water, pull = along(
        shares, norm, q, k, partial, np.where(np.isnan(place), first, place)
    )
    angle = np.full(place.shape, np.nan) if partial else place
    lost = np.isnan(place) | ~(
        np.abs((nbs, cka)[column] - levels) < 1e-10
    )  # a jump, not a crossing
    return UpperPoint(
        np.where(lost, np.nan, nbs),
        np.where(lost, np.nan, cka),
        k,
        np.full(k.shape, partial),
        water,
        pull,
        angle,
    )


def _better(held: UpperPoint, new: UpperPoint, some: Array, column: int) -> UpperPoint:
    """`held`, with the points of `new` at the places `some` where those are further out."""
    old, other = held[1 - column][some], new[1 - column]
    further = ~np.isnan(other) & (np.isnan(old) | ((other > old) if column == 0 else (other < old)))
    return UpperPoint(
        *(_placed(a, some[further], b[further]) for a, b in zip(held, new, strict=True))
    )


def _placed(values: Array, where: Array, new: Array) -> Array:
    changed = np.array(values)
    changed[where] = new
    return changed


def upper_factor(
    shares: Float[Array, " p"], q: int, point: UpperPoint, e: int
) -> Float[Array, "rows q"]:
    """Y in coordinates, for level e of `point`: rows for the PCs of X and q directions outside of
    X.
    """
    p, full, water = len(shares), int(point.full[e]), float(point.water[e])
    variance, copied = np.full(q, water), np.zeros(q)
    if np.isnan(point.pull[e]):
        variance[:full] = 1 - (q - 1) * water
        if not full:
            copied[0] = point.nbs[e] ** 2 / shares[0]
    else:
        at = slice(e, e + 1)
        k, level, pull, angle = point.full[at], point.water[at], point.pull[at], point.angle[at]
        variance[:full] = (
            full_copies(shares, k, level, pull, last_copy(shares, k, level, angle)[0])[0] ** 2
        )
        if point.partial[e]:
            copied[full] = point.pull[e] ** 2 / (4 * shares[full])
    copied[:full] = variance[:full]
    factor = np.zeros((p + q, q))
    both = min(p, q)
    factor[:both, :both] = np.diag(np.sqrt(copied[:both]))
    factor[p:] = np.diag(np.sqrt(np.maximum(variance - copied, 0)))
    return factor
