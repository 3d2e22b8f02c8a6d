"""The most CKA for an NBS, which is also the least NBS for a CKA.

Y copies the time courses of the first k PCs of X, at variances of its own; at most one more PC is
copied in part; all directions that aren't full copies have the same variance w (the water level),
outside of X but for the copied part. Status: that the best Y looks like this is proved, for any
number q of Y's columns (book page "Exact score ranges"). For each k one cubic a PC and one scalar
equation are left; the best over k is searched: a coarse table of all k, or of some k and then of
those between the best ones; then the most promising ones exactly. Every point is attained by a Y.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.exact_ranges.equations import CKA, NBS, find_root
from simlib.exact_ranges.most_cka_pieces import Pieces

__all__ = ["Points", "best_points", "factor"]

KEPT = 4  # candidates a level that are solved exactly
EVERY = 48  # up to this k all are tabulated, beyond it each a ninth more than the one before
TRIED = 9  # numbers k tried at once from one neighbour of the best so far to the other
BELOW = 1e-9  # by how much a level is lowered, relatively, where pieces meet
MISS = 1e-10  # how far a point may stay from the level asked; more is a jump, not a crossing


class Points(NamedTuple):
    """One value a level: the scores, the number k of full copies, whether PC k + 1 is copied in
    part (1 or 0), water level and pull (NaN where only PC 1 is copied), place along the piece.
    """

    nbs: Array
    cka: Array
    full: Array
    partial: Array
    water: Array
    pull: Array
    place: Array


def best_points(
    shares: Float[Array, " p"], levels: Float[Array, " e"], given: int, q: int
) -> Points:
    """The Y of q columns with the most CKA where NBS is `levels`, or the least NBS where CKA is.

    Levels lie in (0, 1). NaN where no Y of q columns comes that far.
    """
    points = _searched(shares, levels, given, q)
    joints = np.isnan(points[given])
    if joints.any():  # where two pieces meet rounding may leave the level to neither
        points[:, joints] = _searched(shares, levels[joints] * (1 - BELOW), given, q)
    return Points(*points)


def _searched(shares: Array, levels: Array, given: int, q: int) -> Array:
    norm = float(np.linalg.norm(shares))
    kinds = [_one_copy(shares[0], norm, q, levels, given)[:, :, None]]
    for partial in (False, True):
        pieces = Pieces(shares[:q], norm, q, partial)
        counts = _coarse(min(q - 1, len(pieces.shares)))
        # one full copy alone has a closed form, and no PC is left to be copied in part after all
        counts = counts[counts < len(pieces.shares)] if partial else counts[counts > 1]
        if counts.size:
            candidates = _candidates(pieces, levels, given, counts)
            kinds.append(_solved(pieces, levels, given, *candidates))
    points = np.concatenate(kinds, axis=2)
    gain = _gain(points[1 - given], given)
    best = np.where(np.isnan(gain), -np.inf, gain).argmax(axis=1)
    return np.take_along_axis(points, best[None, :, None], axis=2)[..., 0]


def _gain(other: Array, given: int) -> Array:
    """The other score such that more is better: the most CKA, or the least NBS."""
    return other if given == NBS else -other


def _coarse(most: int) -> Array:
    """The numbers k of full copies in the coarse table, 1 to `most`."""
    if most <= EVERY:
        return np.arange(1, most + 1)
    sparse = np.geomspace(EVERY, most, 2 + int(9 * np.log(most / EVERY)))
    return np.unique(np.concatenate([np.arange(1, EVERY + 1), sparse.round()])).astype(int)


def _candidates(
    pieces: Pieces, levels: Array, given: int, counts: Array
) -> tuple[Array, Array, Array, Array]:
    """For each level the best k, how good they are and the places around the crossing, each (e,
    KEPT).

    Each level's best k is sought between the neighbours of the best one so far.
    """
    table = _table(tuple(pieces.shares), pieces.norm, pieces.q, pieces.partial)
    crossings = np.full((3, len(levels), len(table)), -np.inf)
    least, level = _least_k(pieces, levels, given), np.arange(len(levels))
    k = np.tile(counts, (len(levels), 1))
    while True:
        _fill(table, pieces, k)
        for one in k.T:
            crossings[:, level, one] = _crossings(table[one], levels, given)
        low, high = _neighbours(k, np.take_along_axis(crossings[0], k, axis=1), least)
        if (high - low <= 2).all():
            break
        k = np.linspace(low, high, TRIED, axis=1).round().astype(int)
    k = np.argsort(-crossings[0], axis=1, kind="stable")[:, :KEPT]
    return k, *np.take_along_axis(crossings, k[None], axis=2)


def _neighbours(k: Array, good: Array, least: Array) -> tuple[Array, Array]:
    """The numbers beside the best one of those tried, `k` (e, tried), or beside the least that may
    do where none is good, each (e,).
    """
    last, level = k.shape[1] - 1, np.arange(len(k))
    first = np.minimum((k < least[:, None]).sum(axis=1), last)
    best = np.where(np.isfinite(good).any(axis=1), good.argmax(axis=1), first)
    low, high = k[level, np.maximum(best - 1, 0)], k[level, np.minimum(best + 1, last)]
    return np.clip(least, low, high), high


def _least_k(pieces: Pieces, levels: Array, given: int) -> Array:
    """The smallest k that comes as far as each level, (e,): that of the first k PCs alone, one less
    with a partial copy.
    """
    shares, norm = pieces.shares, pieces.norm
    first = np.sqrt(shares.cumsum()) if given == NBS else np.sqrt((shares**2).cumsum()) / norm
    k = np.searchsorted(first, levels) + 1 - pieces.partial
    return np.clip(k, 1, len(shares) - pieces.partial)


@lru_cache(maxsize=4)
def _table(spectrum: tuple[float, ...], norm: float, q: int, partial: bool) -> Array:
    """What `_fill` fills, (k, places, 4): that of one spectrum serves every level of either
    score.
    """
    places = len(Pieces(np.array(spectrum), norm, q, partial).grid)
    return np.full((len(spectrum) + 1, places, 4), np.nan)


def _fill(table: Array, pieces: Pieces, k: Array) -> None:
    """Place, NBS, CKA and d log CKA / d NBS along the pieces of k in `table` (k, places, 4), where
    they aren't there yet.
    """
    new = np.unique(k)
    new = new[np.isnan(table[new, 0, 0])]
    place = pieces.places(new)
    every = np.repeat(new, place.shape[1])
    table[new, :, 0] = place
    table[new, :, 1:] = pieces.points(every, place.ravel())[:3].T.reshape(*place.shape, 3)


def _crossings(rows: Array, levels: Array, given: int) -> Array:
    """How good a piece is at its level, -inf where it isn't there, and the places around the
    crossing, (3, e), from `rows` (e, places, 4) of the table.

    Given CKA, NBS is interpolated over arccos CKA: over CKA its slope grows without bounds towards
    1.
    """
    place, nbs, cka, slope = np.moveaxis(rows, -1, 0)
    known, other, rate = nbs, cka, slope * cka
    if given == CKA:
        turn = np.arccos(np.minimum(cka, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            known, other, rate = -turn, nbs, np.sin(turn) / (slope * cka)
        levels = -np.arccos(levels)
    beyond = known - levels[:, None]
    crosses = (beyond[:, :-1] >= 0) & (beyond[:, 1:] <= 0)
    cell = np.arange(len(levels)), crosses.argmax(axis=1) + np.array([[0], [1]])
    place, known, other, rate = (values[cell] for values in (place, known, other, rate))
    value = _hermite(known, other, rate, levels)
    there = crosses.any(axis=1) & np.isfinite(value)
    return np.stack([np.where(there, _gain(value, given), -np.inf), *place])


def _hermite(ends: Array, values: Array, slopes: Array, at: Array) -> Array:
    """Cubic interpolation between two `ends`, each argument but `at` (2, e)."""
    size = ends[1] - ends[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (at - ends[0]) / size
        bend = ((1 - t) * slopes[0] - t * slopes[1]) * size * t * (1 - t)
        blend = t * t * (3 - 2 * t)
        return (1 - blend) * values[0] + blend * values[1] + bend


def _solved(
    pieces: Pieces, levels: Array, given: int, k: Array, good: Array, first: Array, last: Array
) -> Array:
    """The points of the candidates at their levels, (7, e, KEPT), NaN where there is none."""
    there = np.isfinite(good)
    k, first, last = k[there], first[there], last[there]
    levels = np.broadcast_to(levels[:, None], there.shape)[there]

    def miss(place: Array, k: Array, levels: Array) -> Array:
        return pieces.points(k, place)[given] - levels

    place = find_root(miss, first, last, k, levels)
    nbs, cka, _, water, pull = pieces.points(k, place)
    partial = np.full(k.shape, float(pieces.partial))
    solved = np.stack([nbs, cka, k, partial, water, pull, place])
    points = np.full((7, *there.shape), np.nan)
    points[:, there] = np.where(np.abs(solved[given] - levels) < MISS, solved, np.nan)
    return points


def _one_copy(share: float, norm: float, q: int, levels: Array, given: int) -> Array:
    """The points where one PC is copied, in part or in full, in closed form, (7, e); NaN where it
    doesn't come that far.

    CKA = f^2 sqrt(q) / |l| while f^2 <= l_1 / q; then l_1 y / (|l| sqrt(y^2 + (1 - y)^2 / (q -
    1))), f^2 = l_1 y.
    """
    rest = max(q - 1, 1)
    squared = levels**2
    if given == CKA:
        partly = levels * norm / np.sqrt(q)
        y = 1 / (1 + np.sqrt((q - 1) * np.maximum((share / (levels * norm)) ** 2 - 1, 0)))
        fully = np.where(levels * norm <= share, share * y, np.nan)
        squared = np.where(partly <= share / q, partly, fully)
    squared = np.where(squared <= share, squared, np.nan)
    y = np.maximum(squared / share, 1 / q)
    cka = squared / (norm * np.sqrt(y**2 + (1 - y) ** 2 / rest))
    full = squared > share / q
    water = np.where(full, (1 - y) / rest, 1 / q)
    none = np.full(levels.shape, np.nan)
    return np.stack([np.sqrt(squared), cka, full, ~full, water, none, none])


def factor(shares: Float[Array, " p"], q: int, point: Points) -> Float[Array, "rows q"]:
    """Y in coordinates, for `Points` of one level: rows for the PCs of X and q directions outside
    of X.
    """
    p, k, water = len(shares), point.full.astype(int), float(point.water[0])
    full = int(k[0])
    variance, copied = np.full(q, water), np.zeros(q)
    if np.isnan(point.pull[0]):
        variance[:full] = 1 - (q - 1) * water
        copied[full:1] = point.nbs[0] ** 2 / shares[0]
    else:
        pieces = Pieces(shares[:q], 1.0, q, bool(point.partial[0]))
        variance[:full] = pieces.copies(k, point.water, point.pull, point.place)[0] ** 2
        if pieces.partial:
            copied[full] = point.pull[0] ** 2 / (4 * shares[full])
    copied[:full] = variance[:full]
    Y = np.zeros((p + q, q))
    both = min(p, q)
    Y[:both, :both] = np.diag(np.sqrt(copied[:both]))
    Y[p:] = np.diag(np.sqrt(np.maximum(variance - copied, 0)))
    return Y
