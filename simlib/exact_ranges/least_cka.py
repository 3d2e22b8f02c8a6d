"""The least CKA for an NBS, which is also the most NBS for a CKA: one curve, followed by its water
level.

Shares l_1 >= ... >= l_p of the variance. A best Y is of one of two kinds (proved: prop-least-cka of
the book page "Exact score ranges"). First kind: all PCs of Y but one or two copy those of X with
too little variance, the smaller root of a cubic; the rest of Y's variance sits in one large
direction (the spike). As the water level w rises from 0, the spike moves from outside of X into PC
p, turns from there into PC p - 1, and so on up to PC 1. Second kind: PCs 1..k have too little
variance, the others too much (`least_cka_second_kind`). `best_points` takes the better one. Status:
that there is nothing but these kinds is proved; that the curve holds all Y of the first kind, and
the search finds the best of the second, is a conjecture with numerical support
(tests/test_exact_ranges.py). Every point is attained by a Y, so that the least CKA can't lie above
it.
"""

import warnings
from collections.abc import Callable
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
from simlib.exact_ranges.least_cka_second_kind import TURNED, copies, second_kind

__all__ = ["Points", "best_points", "curve", "curve_scores", "factor", "spike", "top_level"]

LEAST, MOST = 1e-30, 1e6  # water levels between which the curve lies
PLACES = 65  # of a first look along a stretch of the curve
MISS = 1e-9  # how far a point may stay from the level asked
NEARLY = 1e-8  # 1 - pull / 2w where the last turn, or Y = X, is taken as reached


class Points(NamedTuple):
    """One value a level: the scores, water level and pull, k (0: first kind) and case of the
    second kind.
    """

    nbs: Array
    cka: Array
    water: Array
    pull: Array
    k: Array
    case: Array


def best_points(shares: Float[Array, " p"], levels: Float[Array, " e"], given: int) -> Points:
    """The Y with the least CKA where NBS is `levels`, or the most NBS where CKA is, all in (0, 1).

    The better one of both kinds at each level. NaN, with a RuntimeWarning, where neither takes the
    level within 1e-9: none is known.
    """
    water, pull = curve(shares, levels, given)
    nbs, cka = curve_scores(shares, water, pull)
    none = np.zeros(len(levels))
    best = np.stack([nbs, cka, water, pull, none, none])
    best[:, ~(np.abs(best[given] - levels) <= MISS)] = np.nan
    if len(shares) > 1:
        first = np.nan_to_num(best[1 - given], nan=1 - given)  # any of the second kind is better
        second = second_kind(shares, levels, given, first)
        best = np.where(np.isnan(second[given]), best, second)
    missed = np.isnan(best[given])
    if missed.any():
        warnings.warn(f"no Y found at the levels {levels[missed]}", RuntimeWarning, stacklevel=2)
    return Points(*best)


def spike(
    shares: Float[Array, " p"], water: Float[Array, " e"], pull: Float[Array, " e"]
) -> tuple[Array, Array, Array]:
    """x for each PC, (e, p), 0 for those in the spike if it is no PC of its own; the number of the
    spike and of its first PC (from 0), each (e,).

    Spike 0 lies outside of X and in PC p, 1 is PC p, 2 turns from PC p to p - 1, 3 is PC p - 1, ...
    """
    p, e = len(shares), np.arange(len(water))
    starts, ends = turn_of(shares[:-1], shares[1:], water[:, None])
    turns = np.stack([starts, ends], axis=2)[:, ::-1].reshape(len(e), 2 * (p - 1))
    changes = np.hstack([np.sqrt(shares[-1] * water)[:, None], turns])
    number = (pull[:, None] / 2 > changes).sum(axis=1)
    first = p - 1 - number // 2
    x = small_root(shares, water[:, None], pull[:, None])
    pair = number % 2 == 0
    x[e, first] = np.where(pair, 0, large_root(shares[first], water, pull))
    x[e[pair], np.minimum(first + 1, p - 1)[pair]] = 0
    return x, number, first


def _sums(shares: Array, water: Array, pull: Array) -> Array:
    """T, F, s and N^2 at water levels and pulls, (4, e)."""
    x, number, first = spike(shares, water, pull)
    beside = np.append(shares, 0)[first + 1]
    pair = turned_sums(water, pull, shares[first] * beside)
    return sums_of(shares, x) + (number % 2 == 0) * pair


def curve_scores(
    shares: Float[Array, " p"], water: Float[Array, " e"], pull: Float[Array, " e"]
) -> Float[Array, "2 e"]:
    """NBS and CKA of the Y at these water levels and pulls: s = N^2 on the curve."""
    return scores_of(_sums(shares, water, pull), float(np.linalg.norm(shares)))


def _on_curve(
    shares: Array, place: Array, known: tuple[Array, Array] | None = None
) -> tuple[Array, Array]:
    """(water, ratio = pull / 2w) where the curve meets 1 - ratio = sqrt(w) exp(-place), place (e,).

    On the curve w T = pull F / 2: the scale of Y is stationary too (Y = X, ratio 1, is a root for
    any w). Both w and ratio rise along most of the curve, and where one falls it does so slowly:
    each such line meets it once. Between w = 0 and ratio = 0 w T - pull F / 2 changes its sign for
    certain; between the logarithms of w at the neighbours among `known` places it mostly does.
    """

    def state(log: Array, place: Array) -> tuple[Array, Array]:
        return np.exp(log), -np.expm1(np.minimum(log / 2 - place, 0))

    def balance(log: Array, place: Array) -> Array:
        water, ratio = state(log, place)
        T, F, _, _ = _sums(shares, water, 2 * ratio * water)
        return (T - ratio * F) / water

    def between(place: Array) -> tuple[Array, Array]:
        low, high = (np.minimum(2 * place, np.log(end)) for end in (LEAST, MOST))
        return low - 10, high

    if known is None:
        return state(find_root(balance, *between(place), place), place)
    places, logs = known
    after = np.clip(np.searchsorted(places, place), 1, len(places) - 1)
    log = find_root(balance, logs[after - 1], logs[after], place)
    astray = np.isnan(log)
    if astray.any():
        log[astray] = find_root(balance, *between(place[astray]), place[astray])
    return state(log, place)


def top_level(shares: Float[Array, " p"]) -> float:
    """The water level at which the curve ends in Y = X, for p > 1: max(l_1 + l_2, 2 e).

    e, the root in [l_2, l_1] of sum_i l_i^2 / (l_i - e) = 0, is the top eigenvalue of
    diag(l) - l^{3/2} l^{3/2}' / |l|^2 among the directions orthogonal to sqrt(l).
    """
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


def _stretches(shares: Array) -> list[tuple[Callable, float, float]]:
    """The curve of the first kind in order, as functions place -> (water, pull) with the first and
    the last place: up to a ratio pull / 2w of nearly 1, a short straight line in (w, ratio) from
    there to ratio 1, and the last turn, at ratio 1, if there is one.
    """
    top = top_level(shares)
    turns = bool(top == shares[0] + shares[1] and shares[0] > shares[1])
    turn = _last_turn(shares) if turns else top
    first, last = 0.5 * np.log(LEAST), 0.5 * np.log(turn) - np.log(NEARLY)
    places = np.linspace(first, last, PLACES)
    (*_, end), (*_, ratio_end) = known = _on_curve(shares, places)
    logs = np.log(known[0])

    def before(place: Array) -> tuple[Array, Array]:
        water, ratio = _on_curve(shares, place, (places, logs))
        return water, 2 * ratio * water

    def line(part: Array) -> tuple[Array, Array]:
        water = end + part * (turn - end)
        return water, 2 * water * (ratio_end + part * (1 - ratio_end))

    def turning(part: Array) -> tuple[Array, Array]:
        water = turn + part * (top - turn)
        return water, 2 * water

    return [(before, first, last), (line, 0.0, 1.0), (turning, 0.0, 1.0)][: 2 + turns]


def curve(
    shares: Float[Array, " p"], levels: Float[Array, " e"], given: int
) -> tuple[Array, Array]:
    """(water, pull) on the curve of the first kind where score number `given` is `levels`, all in
    (0, 1).

    NaN where no point takes the level (none is known).
    """
    if len(shares) == 1:
        water = levels if given == CKA else levels**2
        return water, 2 * water
    points = np.full((2, len(levels)), np.nan)
    stretches = _stretches(shares)
    for number, (stretch, first, last) in enumerate(stretches, 1):
        places = np.linspace(first, last, PLACES)
        scores = curve_scores(shares, *stretch(places))[given]
        end = 1.0 if number == len(stretches) else scores[-1]
        sought = np.isnan(points[0]) & (levels <= end)

        def miss(place: Array, levels: Array, stretch: Callable = stretch) -> Array:
            return curve_scores(shares, *stretch(place))[given] - levels

        beyond = scores >= levels[sought, None]
        after = np.where(beyond.any(axis=1), beyond.argmax(axis=1), PLACES - 1).clip(1)
        ends = places[after - 1], places[after]
        points[:, sought] = stretch(find_root(miss, *ends, levels[sought]))
    return points[0], points[1]


def factor(shares: Float[Array, " p"], point: Points) -> Float[Array, "p_plus_1 p"]:
    """Y in coordinates, for `Points` of one level: rows for the PCs of X and one direction outside
    of X.
    """
    p, k, case = len(shares), point.k.astype(int), point.case.astype(int)
    if k[0]:
        x = copies(shares, point.water, point.pull, k, case)
        first, pair = int(k[0]) - 1, case[0] == TURNED
    else:
        x, number, first = spike(shares, point.water, point.pull)
        first, pair = int(first[0]), number[0] % 2 == 0
    Y = np.zeros((p + 1, p))
    Y[:p] = np.diag(x[0])
    water, pull = float(point.water[0]), float(point.pull[0])
    if pair and first == p - 1:
        copied = pull**2 / (4 * shares[-1])
        Y[p - 1 :, p - 1] = np.sqrt(copied), np.sqrt(water - copied)
    elif pair:
        Y[first : first + 2, first : first + 2] = _turned(shares[first : first + 2], water, pull)
    return Y


def _turned(pair: Array, water: float, pull: float) -> Array:
    """The columns of a turned pair of PCs in their coordinates, (2, 2): trace w, the determinant
    l_i l_j.
    """
    product = pair[0] * pair[1]
    first = (pull**2 / 4 - 2 * product - pair[1] * water) / (pair[0] - pair[1])
    across = np.sqrt(max(first * (water - first) - product, 0))
    values, vectors = np.linalg.eigh([[first, across], [across, water - first]])
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
