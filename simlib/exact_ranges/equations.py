"""What both ends of the ranges solve: one cubic for each principal component (PC), and one scalar equation
for each level.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.theory.spectrum import shares as shares_of

__all__ = ["cubic_roots", "find_root", "large_root", "levels_of", "normalised"]

STEPS = 80
ROUNDING = 1e-9


def normalised(variances) -> Float[Array, " p"]:
    """The variances as decreasing float64 shares of their sum, refused where they are not a
    spectrum.
    """
    return np.sort(shares_of(variances))[::-1]


def levels_of(score) -> Float[Array, "*levels"]:
    """The scores as float64, refused outside [0, 1]; rounding beyond it, as a computed score may
    have, is cut off.
    """
    levels = np.asarray(score, dtype=np.float64)
    if not ((levels >= -ROUNDING) & (levels <= 1 + ROUNDING)).all():
        raise ValueError(f"scores lie in [0, 1]; got {score}")
    return levels.clip(0, 1)


def cubic_roots(
    shares: Float[Array, "*#e p"], water: Float[Array, "*#e 1"], pull: Float[Array, "*#e 1"]
) -> tuple[Array, Array]:
    """The larger and the smaller positive root x of x^3 - (w + l) x + pull sqrt(l) / 2 = 0, each
    (*e, p).

    l a share of the variance, w the water level, pull the multiplier of F. Viete's cosines; the
    smaller root from the product of the three, free of cancellation. Beyond the fold, where no
    positive root is left, both are the double root.
    """
    size, bend, angle = _viete(shares, water, pull)
    large = 2 * size * np.cos(angle)
    negative = 2 * size * np.cos(angle + 2 * np.pi / 3)
    return large, np.minimum(bend / (large * -negative), size)


def large_root(
    shares: Float[Array, "*#e p"], water: Float[Array, "*#e 1"], pull: Float[Array, "*#e 1"]
) -> Array:
    """The larger root of `cubic_roots` alone, at half the cost."""
    size, _, angle = _viete(shares, water, pull)
    return 2 * size * np.cos(angle)


def _viete(shares: Array, water: Array, pull: Array) -> tuple[Array, Array, Array]:
    """Size, last coefficient and angle of the cubic in Viete's form."""
    size = np.sqrt((water + shares) / 3)
    bend = pull * np.sqrt(shares) / 2
    return size, bend, np.arccos(np.clip(-bend / (2 * size**3), -1, 1)) / 3


def find_root(
    function: Callable[[Array], Array], low: Float[Array, " e"], high: Float[Array, " e"]
) -> Float[Array, " e"]:
    """A root in each bracket [low, high], NaN where the ends don't have opposite signs.

    Chandrupatla's method for all brackets at once: inverse quadratic steps where they are safe,
    else halves. Source: Chandrupatla 1997, Advances in Engineering Software 28.
    """
    a, b = np.array(high, float), np.array(low, float)
    at_a, at_b = function(a), function(b)
    bad = ~(np.sign(at_a) * np.sign(at_b) <= 0)
    c, at_c = a.copy(), at_a.copy()
    part = np.full(a.shape, 0.5)
    for _ in range(STEPS):
        trial = a + part * (b - a)
        at_trial = function(trial)
        same = np.sign(at_trial) == np.sign(at_a)
        c, at_c = np.where(same, a, b), np.where(same, at_a, at_b)
        b, at_b = np.where(same, b, a), np.where(same, at_b, at_a)
        a, at_a = trial, at_trial
        best = np.where(np.abs(at_a) < np.abs(at_b), a, b)
        width = np.abs(b - a)
        least = 4e-16 * np.abs(best) + 1e-300
        if np.all(bad | (width <= 2 * least) | (at_a == 0)):
            break
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            x, y = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
            safe = (y**2 < x) & ((1 - y) ** 2 < 1 - x)
            step = at_a / (at_b - at_a) * at_c / (at_b - at_c) + (c - a) / (b - a) * at_a / (
                at_c - at_a
            ) * at_b / (at_c - at_b)
            edge = np.minimum(0.5, least / width)
        part = np.where(safe & np.isfinite(step), step, 0.5)
        part = np.clip(part, edge, 1 - edge)
        part = np.where((at_a == 0) | ~np.isfinite(part), 0.0, part)
    return np.where(bad, np.nan, best)
