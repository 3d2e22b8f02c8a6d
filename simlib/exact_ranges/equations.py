"""What both ends of the ranges share: a spectrum and levels at the door, the cubic of each
principal component (PC), the sums that make a score, and roots of scalar equations.

l_1 >= ... >= l_p are the shares of X's variance. Where Y copies PC i at the variance x_i^2 and
nothing else, T = sum x_i^2 is its variance, F = sum sqrt(l_i) x_i, s = sum l_i x_i^2 and
N^2 = sum x_i^4: NBS = F / sqrt(T), CKA = s / (|l| N). w is the water level, pull the multiplier
of F.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.theory.spectrum import shares as shares_of

__all__ = [
    "CKA",
    "NBS",
    "columns_of",
    "find_root",
    "large_root",
    "levels_of",
    "normalised",
    "scores_of",
    "small_root",
    "sums_of",
    "turn_of",
    "turned_sums",
]

NBS, CKA = 0, 1  # which of the two scores is given
ROUNDING = 1e-9

Levels = Array | np.float64  # a number a level; a single one for a scalar


def normalised(variances) -> Float[Array, " p"]:
    """The variances as decreasing float64 shares of their sum, refused where they are not a
    spectrum.
    """
    return np.sort(shares_of(variances))[::-1]


def levels_of(score) -> Levels:
    """The scores as float64, refused outside [0, 1]; rounding beyond it, as a computed score may
    have, is cut off.
    """
    levels = np.asarray(score, dtype=np.float64)
    if not ((levels >= -ROUNDING) & (levels <= 1 + ROUNDING)).all():
        raise ValueError(f"scores lie in [0, 1]; got {score}")
    return levels.clip(0, 1)


def columns_of(columns: int | None, p: int, fewest: int) -> int:
    """The number q of Y's columns, p unless given, refused below the `fewest` that are known."""
    q = p if columns is None else columns
    if q < fewest:
        raise ValueError(
            f"this range is known for Y of {fewest} or more columns (X has {p} PCs); got {columns}"
        )
    return q


def large_root(
    shares: Float[Array, "*#e"], water: Float[Array, "*#e"], pull: Float[Array, "*#e"]
) -> Float[Array, "*e"]:
    """The larger positive root x of x^3 - (w + l) x + pull sqrt(l) / 2 = 0, by Viete's cosines.

    Beyond the fold, where no positive root is left, the double root.
    """
    size, _, angle = _viete(shares, water, pull)
    return 2 * size * np.cos(angle)


def small_root(
    shares: Float[Array, "*#e"], water: Float[Array, "*#e"], pull: Float[Array, "*#e"]
) -> Float[Array, "*e"]:
    """The smaller positive root of the same cubic: from the product of all three, free of
    cancellation.
    """
    size, last, angle = _viete(shares, water, pull)
    others = size**2 * (1 - 2 * np.cos(2 * angle + 2 * np.pi / 3))
    return np.minimum(last / others, size)


def _viete(shares: Array, water: Array, pull: Array) -> tuple[Array, Array, Array]:
    """Size, last coefficient and angle of the cubic in Viete's form."""
    square = (water + shares) / 3
    size, last = np.sqrt(square), pull * np.sqrt(shares) / 2
    return size, last, np.arccos(np.clip(-last / (2 * size * square), -1, 1)) / 3


def sums_of(shares: Float[Array, " p"], x: Float[Array, "e p"]) -> Float[Array, "4 e"]:
    """T, F, s and N^2 of Y that copy PC i at the variance x_i^2."""
    square = x**2
    return np.stack([square.sum(1), x @ np.sqrt(shares), square @ shares, (square**2).sum(1)])


def turned_sums(
    water: Float[Array, " e"], pull: Float[Array, " e"], product: Float[Array, " e"]
) -> Float[Array, "4 e"]:
    """What two PCs turned into each other add to the sums; `product` of their shares, 0 for a PC
    turned out of X.
    """
    return np.stack([water, pull / 2, pull**2 / 4 - 2 * product, water**2 - 2 * product])


def turn_of(upper: Array, lower: Array, water: Array) -> tuple[Array, Array]:
    """pull / 2 between which two PCs, of shares `upper` >= `lower`, are turned into each other.

    Turned they have the variance w and the determinant of their shares: the variances are `large`
    and `small`.
    """
    product = upper * lower
    half = np.maximum(water / 2, np.sqrt(product))
    large = half + np.sqrt(np.maximum(half**2 - product, 0))
    small = product / large
    return (
        np.sqrt(lower * large) + np.sqrt(upper * small),
        np.sqrt(upper * large) + np.sqrt(lower * small),
    )


def scores_of(sums: Float[Array, "4 e"], norm: float) -> Float[Array, "2 e"]:
    """NBS and CKA from the sums, `norm` being |l|."""
    T, F, s, square = sums
    return np.stack([F / np.sqrt(T), s / (norm * np.sqrt(square))])


def find_root(
    function: Callable[..., Array], low: Float[Array, " e"], high: Float[Array, " e"], *args: Array
) -> Float[Array, " e"]:
    """A root of function(x, *args) in each bracket [low, high], NaN where its ends don't have
    opposite signs.

    `args` (e,) hold what a bracket needs: the function gets those that are still searched.
    """
    from scipy.optimize import elementwise  # a quarter of a second for each process

    return elementwise.find_root(function, (low, high), args=args).x
