"""The least CKA for an NBS, which is also the most NBS for a CKA: one curve, followed by its water level.

Shares l_1 >= ... >= l_p of the variance. All PCs of Y but one or two copy those of X with too little variance, the
smaller root of a cubic; the rest of Y's variance sits in one large direction (the spike). As the water level w rises
from 0, the spike moves from outside of X into PC p, turns from there into PC p - 1, and so on up to PC 1.
Status: sketch. That Y needs one direction outside of X at most is proved; that the chain of spikes below leaves
out no better Y is a conjecture with numerical support (tests/test_frontiers.py, book page "Exact score ranges").
Every point of the curve is attained by a Y, so that the least CKA can't lie above it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.frontiers.roots import cubic_roots, find_root

__all__ = ["lower_factor", "lower_levels", "lower_point", "top_level"]

LEAST = 1e-30


class Sums(NamedTuple):
    """For each point: T the variance of Y, F and s the sums of m and m^2, square = N^2, state of the spike."""

    T: Array
    F: Array
    s: Array
    square: Array
    state: Array


def _turns(shares: Array, water: Array) -> Array:
    """Where the spike changes, as values of pull / 2 in rising order, (e, 2p - 1).

    Outside of X up to the first, in PC p up to the second, turning from p to p - 1 up to the third, ...
    A pair that shares the trace w and the determinant l_i l_j has the eigenvalues `large`, `other`.
    """
    upper, lower = shares[:-1], shares[1:]
    product = upper * lower
    half = np.maximum(water[:, None] / 2, np.sqrt(product))
    large = half + np.sqrt(np.maximum(half**2 - product, 0))
    other = product / large
    starts = np.sqrt(lower * large) + np.sqrt(upper * other)
    ends = np.sqrt(upper * large) + np.sqrt(lower * other)
    pairs = np.stack([starts[:, ::-1], ends[:, ::-1]], axis=2).reshape(len(water), -1)
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


def lower_point(shares: Float[Array, " p"], water: Float[Array, " e"], pull: Float[Array, " e"]) -> tuple[Array, Array]:
    """(NBS, CKA) of the Y at these water levels and pulls, each (e,): s = N^2 on the curve."""
    sums = _sums(shares, water, pull)
    norm = np.sqrt((shares**2).sum())
    return sums.F / np.sqrt(sums.T), sums.s / (norm * np.sqrt(sums.square))


def _balance(shares: Array, water: Array, pull: Array) -> Array:
    """w T - pull F / 2, which is 0 where the scale of Y is stationary too. Y = X, pull = 2 w is a root for any w."""
    sums = _sums(shares, water, pull)
    return sums.T * water - pull * sums.F / 2


def pull_at(shares: Float[Array, " p"], water: Float[Array, " e"]) -> Float[Array, " e"]:
    """The pull at each water level: the root below 2 w."""
    return find_root(lambda pull: _balance(shares, water, pull), water * 1e-12, 2 * water * (1 - 1e-10))


def water_at(shares: Float[Array, " p"], ratio: Float[Array, " e"], least: float) -> Float[Array, " e"]:
    """The water level, `least` or above, at each ratio pull / 2w below 1."""
    low = np.full(ratio.shape, np.log(least))

    def balance(log: Array) -> Array:
        water = np.exp(log)
        return _balance(shares, water, 2 * ratio * water) / water

    return np.exp(find_root(balance, low, low + np.log(8)))


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
    """The water level from which on the spike turns between PCs 2 and 1 while all other PCs are copied exactly.

    w = a_1 + a_2 with a_1 = l_1 t, a_2 = l_2 / t and l_1 l_2 (t + 1 / t) = a_1^2 + a_2^2.
    """
    first, second = shares[:2]

    def start(t: Array) -> Array:
        return first * second * (t + 1 / t) - (first * t) ** 2 - (second / t) ** 2

    t = find_root(start, np.array([np.sqrt(second / first)]), np.ones(1))[0]
    return float(first * t + second / t)


def lower_levels(shares: Float[Array, " p"], levels: Float[Array, " e"], column: int) -> tuple[Array, Array]:
    """(water, pull) where NBS (column 0) or CKA (column 1) takes the values `levels`, all in (0, 1).

    Three stretches: by water level, by the ratio pull / 2w (the water level may fall again near Y = X), and
    the last turn, at ratio 1.
    """
    top = top_level(shares)
    if len(shares) == 1:
        water = levels if column else levels**2
        return water, 2 * water
    last = top == shares[0] + shares[1] and shares[0] > shares[1]
    split = top / 4
    pull_split = pull_at(shares, np.array([split]))
    at_split = lower_point(shares, np.array([split]), pull_split)[column][0]
    turn = _last_turn(shares) if last else top
    at_turn = lower_point(shares, np.array([turn]), np.array([2 * turn]))[column][0] if last else 1.0
    water, pull = np.full(levels.shape, top), np.full(levels.shape, 2 * top)

    some = levels <= at_split
    if some.any():

        def miss(log: Array) -> Array:
            level = np.exp(log)
            return lower_point(shares, level, pull_at(shares, level))[column] - levels[some]

        size = np.ones(some.sum())
        water[some] = np.exp(find_root(miss, size * np.log(LEAST), size * np.log(split)))
        pull[some] = pull_at(shares, water[some])
    some = (levels > at_split) & (levels < at_turn)
    if some.any():

        def miss_ratio(short: Array) -> Array:
            ratio = 1 - np.exp(short)
            level = water_at(shares, ratio, split * 0.99)
            return lower_point(shares, level, 2 * ratio * level)[column] - levels[some]

        size = np.ones(some.sum())
        short = find_root(miss_ratio, size * np.log(1e-10), size * np.log(1 - pull_split / (2 * split)))
        ratio = np.where(np.isnan(short), 1.0, 1 - np.exp(short))
        level = water_at(shares, np.minimum(ratio, 1 - 1e-10), split * 0.99)
        water[some] = np.where(np.isnan(short), turn, level)
        pull[some] = 2 * ratio * water[some]
    some = levels >= at_turn
    if some.any():

        def miss_turn(level: Array) -> Array:
            return lower_point(shares, level, 2 * level)[column] - levels[some]

        size = np.ones(some.sum())
        water[some] = find_root(miss_turn, size * turn, size * top)
        pull[some] = 2 * water[some]
    return water, pull


def lower_factor(shares: Float[Array, " p"], water: float, pull: float) -> Float[Array, "p_plus_1 p"]:
    """Y in coordinates, for one point of the curve: rows for the PCs of X and one direction outside of X."""
    level, pull = np.array([water]), np.array([pull])
    p = len(shares)
    factor = np.zeros((p + 1, p))
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
        product = shares[i] * shares[i + 1]
        first = (pull[0] ** 2 / 4 - 2 * product - shares[i + 1] * water) / (shares[i] - shares[i + 1])
        across = np.sqrt(max(first * (water - first) - product, 0))
        values, vectors = np.linalg.eigh([[first, across], [across, water - first]])
        factor[i : i + 2, i : i + 2] = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return factor
