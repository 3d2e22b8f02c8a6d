"""Matrices Y that copy the time courses of X's first principal components (PCs): scores, and where
they are stationary.

Y copies PCs 1..k in full, at variances y_i of its own, perhaps one more in part, and has the same
variance w (the water level) in all other directions. A piece of the curve of most CKA has one k,
with or without a partial copy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy import ndarray as Array

from simlib.exact_ranges.equations import find_root, large_root

__all__ = ["UpperPoint", "along", "full_copies", "highest_water", "last_copy", "one_copy"]

BLOCK = 64  # points handled at once


class UpperPoint(NamedTuple):
    """One value a level: NBS, CKA, the number k of full copies, whether PC k + 1 is copied in part,
    w, pull, angle.

    The angle is NaN with a partial copy, pull and angle are NaN where only PC 1 is copied.
    """

    nbs: Array
    cka: Array
    full: Array
    partial: Array
    water: Array
    pull: Array
    angle: Array


def last_copy(shares: Array, k: Array, water: Array, angle: Array) -> tuple[Array, Array]:
    """sqrt(y_k) and the pull, each (e,), at an angle of PC k's cubic: both of its positive roots,
    one after another.
    """
    size = np.sqrt((water + shares[k - 1]) / 3)
    return 2 * size * np.cos((np.pi / 2 + angle) / 3), 4 * size**3 * np.sin(angle) / np.sqrt(
        shares[k - 1]
    )


def full_copies(shares: Array, k: Array, water: Array, pull: Array, last: Array) -> Array:
    """sqrt(y_i) of the full copies, (e, largest k), 0 beyond each k; `last` is that of PC k, NaN
    for the cubic's.
    """
    columns = np.arange(int(k.max()))
    large = large_root(shares[: len(columns)], water[:, None], pull[:, None]) * (
        columns < k[:, None]
    )
    return np.where((columns == k[:, None] - 1) & ~np.isnan(last)[:, None], last[:, None], large)


def _sums(
    shares: Array, q: int, k: Array, water: Array, pull: Array, last: Array
) -> tuple[Array, ...]:
    """T, F, s and N^2 of Y, each (e,), with k full copies (0 < k < q) and `water` in the other q -
    k directions.

    Where `last` is NaN PC k + 1 is copied in part, at the variance pull^2 / (4 l_{k+1}).
    """
    x = full_copies(shares, k, water, pull, last)
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
        last, pull = last_copy(shares, k, water, angle)
        return _balance(shares, q, k, water, pull, last) / water

    low = np.log(1e-14 * shares[k - 1])
    water = np.exp(find_root(at, low, np.log(2 * shares[k - 1])))
    last, pull = last_copy(shares, k, water, angle)
    return water, pull, last


def _solve_partial(shares: Array, q: int, k: Array, water: Array) -> tuple[Array, Array, Array]:
    """(water, pull, NaN) at water levels, PC k + 1 copied in part; NaN where there is no such Y."""
    last = np.full(water.shape, np.nan)
    limit = 2 * np.sqrt(shares[k] * water)
    pull = find_root(lambda pull: _balance(shares, q, k, water, pull, last), 1e-12 * limit, limit)
    return water, pull, last


def highest_water(shares: Array, q: int, k: Array) -> Array:
    """The water level, one for each k, at which the partial copy of PC k + 1 becomes a full one."""
    last = np.full(k.shape, np.nan)

    def at_limit(log: Array) -> Array:
        water = np.exp(log)
        return _balance(shares, q, k, water, 2 * np.sqrt(shares[k] * water), last) / water

    low = np.full(k.shape, np.log(1e-12 * shares[0]))
    return np.exp(find_root(at_limit, low, np.full(k.shape, np.log(8 * shares[0]))))


def along(
    shares: Array, norm: float, q: int, k: Array, partial: bool, place: Array
) -> tuple[Array, ...]:
    """((NBS, CKA) as (2, e), d log CKA / d NBS, water, pull) at angles, or at water levels with a
    partial copy.

    In blocks of similar k: a block handles as many PCs as its largest k.
    """
    order = np.argsort(k, kind="stable")
    parts = [
        _block(shares, norm, q, k[some], partial, place[some])
        for some in np.array_split(order, -(-k.size // BLOCK))
    ]
    back = np.argsort(order)
    return tuple(np.concatenate(part, axis=-1)[..., back] for part in zip(*parts, strict=True))


def _block(
    shares: Array, norm: float, q: int, k: Array, partial: bool, place: Array
) -> tuple[Array, ...]:
    water, pull, last = (_solve_partial if partial else _solve_full)(shares, q, k, place)
    lost = np.isnan(water) | np.isnan(pull)
    safe_water, safe_pull = np.where(lost, 1.0, water), np.where(lost, 0.0, pull)
    T, F, s, square = _sums(shares, q, k, safe_water, safe_pull, last)
    scores = np.stack([F / np.sqrt(T), s / (norm * np.sqrt(square))])
    return np.where(lost, np.nan, scores), safe_pull * np.sqrt(T) / s, water, pull


def one_copy(shares: Array, norm: float, q: int, levels: Array, column: int) -> UpperPoint:
    """One PC copied, in part or in full, in closed form; NaN where it doesn't come that far.

    CKA = f^2 sqrt(q) / |l| while f^2 <= l_1 / q; then l_1 y / (|l| sqrt(y^2 + (1 - y)^2 / (q -
    1))), f^2 = l_1 y.
    """
    first = shares[0]
    if column == 0:
        squared = levels**2
    else:
        small = levels * norm / np.sqrt(q)
        inverse = np.maximum((first / (levels * norm)) ** 2 - 1, 0)
        y = 1 / (1 + np.sqrt((q - 1) * inverse))
        squared = np.where(
            small <= first / q, small, np.where(levels * norm <= first, first * y, np.nan)
        )
    squared = np.where(squared <= first, squared, np.nan)
    y = np.maximum(squared / first, 1 / q)
    size = np.sqrt(y**2 + (1 - y) ** 2 / max(q - 1, 1))
    full = (squared > first / q).astype(int)
    none = np.full(levels.shape, np.nan)
    rest = np.where(full, (1 - y) / max(q - 1, 1), 1 / q)
    return UpperPoint(np.sqrt(squared), squared / (norm * size), full, full == 0, rest, none, none)
