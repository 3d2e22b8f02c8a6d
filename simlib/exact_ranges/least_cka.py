"""The least CKA for an NBS, which is also the most NBS for a CKA: one curve, followed by its water
level.

Shares l_1 >= ... >= l_p of the variance. A best Y is of one of two kinds (proved: prop-least-cka of
the book page "Exact score ranges"). First kind: all PCs of Y but one or two copy those of X with
too little variance, the smaller root of a cubic; the rest of Y's variance sits in one large
direction (the spike). As the water level w rises from 0, the spike moves from outside of X into PC
p, turns from there into PC p - 1, and so on up to PC 1. Second kind: PCs 1..k have too little
variance, the others too much (`simlib.exact_ranges.least_cka_second_kind`). `lower_end` takes the better one. Status:
that there is nothing but these kinds is proved; that the curve holds all Y of the first kind, and
the search finds the best of the second, is a conjecture with numerical support
(tests/test_exact_ranges.py). Every point is attained by a Y, so that the least CKA can't lie above it.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.exact_ranges.equations import cubic_roots, find_root
from simlib.exact_ranges.least_cka_second_kind import (
    PLAIN,
    TURNED,
    LowerPoint,
    second_levels,
    second_roots,
)

__all__ = ["lower_end", "lower_factor", "lower_levels", "lower_point", "top_level"]

LEAST, MOST = 1e-30, 1e6  # water levels between which the curve lies
MISS = 1e-9  # how far a point may stay from the level asked
NEARLY = 1e-8  # 1 - pull / 2w where the last turn, or Y = X, is taken as reached


class Sums(NamedTuple):
    """For each point: T the variance of Y, F and s the sums of m and m^2, square = N^2, state of
    the spike.
    """

    T: Array
    F: Array
    s: Array
    square: Array
    state: Array


def _turns(shares: Array, water: Array) -> Array:
    """Where the spike changes, as values of pull / 2 in rising order, (e, 2p - 1).

    Outside of X up to the first, in PC p up to the second, turning from p to p - 1 up to the third,
    ... A pair that shares the trace w and the determinant l_i l_j has the eigenvalues `large`,
    `other`.
    """
    upper, lower = shares[:-1], shares[1:]
    product = upper * lower
    half = np.maximum(water[:, None] / 2, np.sqrt(product))
    large = half + np.sqrt(np.maximum(half**2 - product, 0))
    other = product / large
    starts = np.sqrt(lower * large) + np.sqrt(upper * other)
    ends = np.sqrt(upper * large) + np.sqrt(lower * other)
    pairs = np.stack([starts[:, ::-1], ends[:, ::-1]], axis=2).reshape(len(water), 2 * len(upper))
    return np.concatenate([np.sqrt(shares[-1] * water)[:, None], pairs], axis=1)


def _sums(shares: Array, water: Array, pull: Array) -> Sums:
    """The sums over the PCs at water levels and pulls, both (e,)."""
    p = len(shares)
    large, small = cubic_roots(shares, water[:, None], pull[:, None])
    state = (pull[:, None] / 2 > _turns(shares, water)).sum(axis=1)
    place = p - 1 - (state - 1) // 2
    columns = np.arange(p)
    big = (state % 2 == 1)[:, None] & (columns == place[:, None])
    turning = ((state > 0) & (state % 2 == 0))[:, None]
    gone = (state == 0)[:, None] & (columns == p - 1)
    first = p - 1 - state // 2
    gone |= turning & ((columns == first[:, None]) | (columns == first[:, None] + 1))
    x = np.where(gone, 0, np.where(big, large, small))
    m = np.sqrt(shares) * x
    pair = np.where(turning[:, 0], shares[first] * shares[np.minimum(first + 1, p - 1)], 0)
    spike = state % 2 == 0
    return Sums(
        T=(x**2).sum(axis=1) + spike * water,
        F=m.sum(axis=1) + spike * pull / 2,
        s=(m**2).sum(axis=1) + spike * (pull**2 / 4 - 2 * pair),
        square=(x**4).sum(axis=1) + spike * (water**2 - 2 * pair),
        state=state,
    )


def lower_point(
    shares: Float[Array, " p"], water: Float[Array, " e"], pull: Float[Array, " e"]
) -> tuple[Array, Array]:
    """(NBS, CKA) of the Y at these water levels and pulls, each (e,): s = N^2 on the curve."""
    sums = _sums(shares, water, pull)
    norm = np.sqrt((shares**2).sum())
    return sums.F / np.sqrt(sums.T), sums.s / (norm * np.sqrt(sums.square))


def _balance(shares: Array, water: Array, pull: Array) -> Array:
    """w T - pull F / 2, which is 0 where the scale of Y is stationary too. Y = X, pull = 2 w is a
    root for any w.
    """
    sums = _sums(shares, water, pull)
    return sums.T * water - pull * sums.F / 2


def _on_curve(shares: Array, place: Array) -> tuple[Array, Array]:
    """(water, ratio = pull / 2w) where the curve meets 1 - ratio = sqrt(w) exp(-place), place (e,).

    Both w and ratio rise along most of the curve, and where one falls it does so slowly: each such
    line meets it once. Between w = 0 and ratio = 0 w T - pull F / 2 changes its sign for certain.
    """
    if not place.size:
        return place, place

    def ratio(log: Array) -> Array:
        return -np.expm1(np.minimum(log / 2 - place, 0))

    def balance(log: Array) -> Array:
        water = np.exp(log)
        return _balance(shares, water, 2 * ratio(log) * water) / water**2

    log = find_root(
        balance, np.minimum(2 * place, np.log(LEAST)) - 10, np.minimum(2 * place, np.log(MOST))
    )
    return np.exp(log), ratio(log)


def top_level(shares: Float[Array, " p"]) -> float:
    """The water level at which the curve ends in Y = X: max(l_1 + l_2, 2 e); l_1 for a single PC.

    e, the root in [l_2, l_1] of sum_i l_i^2 / (l_i - e) = 0, is the top eigenvalue of
    diag(l) - l^{3/2} l^{3/2}' / |l|^2 among the directions orthogonal to sqrt(l).
    """
    if len(shares) == 1:
        return float(shares[0])
    gap = shares[0] - shares[1]
    if gap <= 1e-9 * shares[0]:
        return float(2 * shares[0])

    def secular(part: Array) -> Array:
        return (shares**2 / (shares - (shares[1] + part[:, None] * gap))).sum(axis=1)

    part = find_root(secular, np.array([1e-12]), np.array([1 - 1e-12]))[0]
    return float(max(shares[0] + shares[1], 2 * (shares[1] + part * gap)))


def _last_turn(shares: Array) -> float:
    """The water level from which on the spike turns between PCs 2 and 1 while all other PCs are
    copied exactly.

    w = a_1 + a_2 with a_1 = l_1 t, a_2 = l_2 / t and l_1 l_2 (t + 1 / t) = a_1^2 + a_2^2.
    """
    first, second = shares[:2]

    def start(t: Array) -> Array:
        return first * second * (t + 1 / t) - (first * t) ** 2 - (second / t) ** 2

    t = find_root(start, np.array([np.sqrt(second / first)]), np.ones(1))[0]
    return float(first * t + second / t)


def lower_levels(
    shares: Float[Array, " p"], levels: Float[Array, " e"], column: int
) -> tuple[Array, Array]:
    """(water, pull) on the curve of the first kind, NBS (column 0) or CKA (column 1) being
    `levels`, all in (0, 1).

    Three stretches: the curve up to a ratio pull / 2w of nearly 1, a short straight line in (w,
    ratio) from there to ratio 1, and the last turn, at ratio 1. NaN where no point takes the level
    (none is known).
    """
    if len(shares) == 1:
        water = levels if column else levels**2
        return water, 2 * water
    top = top_level(shares)
    last = bool(top == shares[0] + shares[1] and shares[0] > shares[1])
    turn = _last_turn(shares) if last else top
    first, end = 0.5 * np.log(LEAST), 0.5 * np.log(turn) - np.log(NEARLY)
    water_end, ratio_end = (value[0] for value in _on_curve(shares, np.array([end])))

    def before(place: Array) -> tuple[Array, Array]:
        water, ratio = _on_curve(shares, place)
        return water, 2 * ratio * water

    def line(part: Array) -> tuple[Array, Array]:
        water = water_end + part * (turn - water_end)
        return water, 2 * water * (ratio_end + part * (1 - ratio_end))

    def turning(part: Array) -> tuple[Array, Array]:
        water = turn + part * (top - turn)
        return water, 2 * water

    water, pull = np.full(levels.shape, np.nan), np.full(levels.shape, np.nan)
    stretches = [(before, first, end), (line, 0.0, 1.0)] + [(turning, 0.0, 1.0)] * last
    for stretch, start, stop in stretches:
        some = np.flatnonzero(np.isnan(water))
        at_stop = lower_point(shares, *stretch(np.array([stop])))[column][0]
        some = some[levels[some] <= (1.0 if stretch is stretches[-1][0] else at_stop)]
        if not some.size:
            continue

        def miss(place: Array, stretch=stretch, some=some) -> Array:
            return lower_point(shares, *stretch(place))[column] - levels[some]

        place = find_root(miss, np.full(some.shape, start), np.full(some.shape, stop))
        water[some], pull[some] = stretch(place)
    return water, pull


def lower_end(shares: Float[Array, " p"], levels: Float[Array, " e"], column: int) -> LowerPoint:
    """The least CKA where NBS is `levels` (column 0), or the most NBS where CKA is (column 1), all
    in (0, 1).

    The better one of both kinds at each level. NaN, with a RuntimeWarning, where neither takes the
    level within 1e-9: none is known.
    """
    water, pull = lower_levels(shares, levels, column)
    scores = np.stack(
        lower_point(shares, np.where(np.isnan(water), 1, water), np.where(np.isnan(water), 0, pull))
    )
    missed = ~(np.abs(scores[column] - levels) <= MISS) | np.isnan(water)
    scores[:, missed] = np.nan
    none = np.zeros(levels.shape, int)
    best = LowerPoint(*scores, water, pull, none, none)
    if len(shares) > 1:
        held = np.where(missed, 0.0 if column else 1.0, scores[1 - column])
        other = second_levels(shares, levels, column, held)
        better = ~np.isnan(other.nbs)
        best = LowerPoint(
            *(np.where(better, new, old) for new, old in zip(other, best, strict=True))
        )
    if np.isnan(best.nbs).any():
        warnings.warn(
            f"no Y found at the levels {levels[np.isnan(best.nbs)]}", RuntimeWarning, stacklevel=2
        )
    return best


def lower_factor(
    shares: Float[Array, " p"], water: float, pull: float, k: int = 0, variant: int = PLAIN
) -> Float[Array, "p_plus_1 p"]:
    """Y in coordinates, for one `LowerPoint`: rows for the PCs of X and one direction outside of
    X.
    """
    level, pull = np.array([water]), np.array([pull])
    p = len(shares)
    factor = np.zeros((p + 1, p))
    if k:
        factor[:p] = np.diag(
            second_roots(shares, level, pull, np.array([k]), np.array([variant]))[0]
        )
        if variant == TURNED:
            factor[k - 1 : k + 1, k - 1 : k + 1] = _turned(shares[k - 1 : k + 1], water, pull[0])
        return factor
    large, small = (root[0] for root in cubic_roots(shares, level[:, None], pull[:, None]))
    state = int(_sums(shares, level, pull).state[0])
    x = small.copy()
    if state % 2 == 1:
        x[p - 1 - (state - 1) // 2] = large[p - 1 - (state - 1) // 2]
    factor[:p] = np.diag(x)
    if state == 0:
        copied = pull[0] ** 2 / (4 * shares[-1])
        factor[p - 1 :, p - 1] = np.sqrt(copied), np.sqrt(water - copied)
    elif state % 2 == 0:
        i = p - 1 - state // 2
        factor[i : i + 2, i : i + 2] = _turned(shares[i : i + 2], water, pull[0])
    return factor


def _turned(pair: Array, water: float, pull: float) -> Array:
    """The columns of a turned pair of PCs in their coordinates, (2, 2): trace w, the determinant
    l_i l_j.
    """
    product = pair[0] * pair[1]
    first = (pull**2 / 4 - 2 * product - pair[1] * water) / (pair[0] - pair[1])
    across = np.sqrt(max(first * (water - first) - product, 0))
    values, vectors = np.linalg.eigh([[first, across], [across, water - first]])
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
