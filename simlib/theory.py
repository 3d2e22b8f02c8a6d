"""What scores do when one principal component (PC) of X changes: one function per equation.

X = U S V' of the centred columns (n samples, p PCs), lambda_i = s_i^2 the variance of PC i. Every function
takes `variances`, the lambda_i as (p,), in any unit and order (ridge needs those of the data: its penalty has
a unit), and returns one value for each PC, or for each number k of PCs, as float64.
Written out in the notebook `theory_sensitivity`; source of all: Cloos et al. 2024, figure 6, where no other is named.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

__all__ = [
    "REPLACED",
    "growth_cka",
    "growth_nbs",
    "kept_cka",
    "kept_linear_regression",
    "kept_nbs",
    "nbs_bounds",
    "replaced_cka",
    "replaced_cka_angular_score",
    "replaced_linear_regression",
    "replaced_nbs",
    "replaced_procrustes_angular_score",
    "replaced_ridge",
    "rescaled_cka",
    "rescaled_nbs",
    "rotated_cka",
    "rotated_nbs",
]


def _spectrum(variances) -> Float[Array, " p"]:
    """The variances as float64, refused where they are not a spectrum."""
    values = np.asarray(variances, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"variances needs one value a PC, shape (p,); got shape {values.shape}")
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"variances needs positive finite numbers; got {values[place]:g} at PC {place + 1}. "
            "Drop the PCs beyond the rank: nothing can replace a PC that has no variance"
        )
    return values


def _shares(variances) -> Float[Array, " p"]:
    """lambda_i / sum lambda_j, the explained-variance ratios."""
    values = _spectrum(variances)
    return values / values.sum()


def _squared_shares(variances) -> Float[Array, " p"]:
    """lambda_i^2 / sum lambda_j^2."""
    return _shares(np.square(_spectrum(variances)))


def _angular(score: Array) -> Array:
    """1 - (2/pi) arccos(score)."""
    return 1 - 2 / np.pi * np.arccos(np.clip(score, -1, 1))


def replaced_cka(variances) -> Float[Array, " p"]:
    """CKA with X after PC i is replaced by noise, in [0, 1]: 1 - lambda_i^2 / sum lambda_j^2.

    Replaced: u_i becomes a unit vector orthogonal to all of U and to the constant, at the same variance.
    The loss is quadratic in the variance: small PCs cost next to nothing.
    """
    return 1 - _squared_shares(variances)


def replaced_cka_angular_score(variances) -> Float[Array, " p"]:
    """Angular CKA with X after PC i is replaced, in [0, 1]: 1 - (2/pi) arccos(1 - lambda_i^2 / sum lambda_j^2)."""
    return _angular(replaced_cka(variances))


def replaced_nbs(variances) -> Float[Array, " p"]:
    """NBS with X after PC i is replaced, in [0, 1]: 1 - lambda_i / sum lambda_j.

    The loss is linear in the variance.
    """
    return 1 - _shares(variances)


def replaced_procrustes_angular_score(variances) -> Float[Array, " p"]:
    """Angular Procrustes with X after PC i is replaced, in [0, 1]: 1 - (2/pi) arccos(1 - lambda_i / sum lambda_j).

    Steep at 0: for a small share f of the variance the loss is about (2/pi) sqrt(2 f).
    """
    return _angular(replaced_nbs(variances))


def replaced_linear_regression(variances) -> Float[Array, " p"]:
    """Linear-regression R^2 of X from Y after PC i is replaced, in [0, 1]: 1 - lambda_i / sum lambda_j.

    Needs a direction outside of X to put in its place: n - 1 > p.
    """
    return 1 - _shares(variances)


def replaced_ridge(variances, penalty: float = 100.0) -> Float[Array, " p"]:
    """Ridge R^2 (scored where fitted) of X from Y after PC i is replaced, in [0, 1].

    1 - [lambda_i + sum_{j != i} lambda_j (a / (lambda_j + a))^2] / sum lambda_j with the penalty a, in the
    unit of lambda: the shrinkage of what is left adds to the loss of PC i. Raises ValueError for a < 0.
    """
    if not penalty >= 0:
        raise ValueError(f"penalty needs to be 0 or more; got {penalty}")
    values = _spectrum(variances)
    left = values * (penalty / (values + penalty)) ** 2
    return 1 - (values + left.sum() - left) / values.sum()


def rotated_cka(variances, angle) -> Float[Array, "*angles p"]:
    """CKA with X after u_i is turned by `angle` (radians) towards a new direction, in [0, 1].

    1 - (lambda_i^2 / sum lambda_j^2) sin^2(angle). `angle` is a number or an array: the PCs are the last axis.
    """
    return 1 - _squared_shares(variances) * np.sin(np.asarray(angle, float))[..., None] ** 2


def rotated_nbs(variances, angle) -> Float[Array, "*angles p"]:
    """NBS with X after u_i is turned by `angle` (radians) towards a new direction, in [0, 1].

    1 - (lambda_i / sum lambda_j) (1 - |cos(angle)|).
    """
    return 1 - _shares(variances) * (1 - np.abs(np.cos(np.asarray(angle, float))))[..., None]


def rescaled_cka(variances, scale) -> Float[Array, "*scales p"]:
    """CKA with X after s_i becomes a s_i (a = `scale`), in [0, 1].

    (L + a^2 lambda_i^2) / sqrt(sum lambda_j^2 (L + a^4 lambda_i^2)), L = sum_{j != i} lambda_j^2.
    """
    share, square = _squared_shares(variances), np.square(np.asarray(scale, float))[..., None]
    return (1 - share + square * share) / np.sqrt(1 - share + square**2 * share)


def rescaled_nbs(variances, scale) -> Float[Array, "*scales p"]:
    """NBS with X after s_i becomes a s_i (a = `scale`), in [0, 1].

    (L + |a| lambda_i) / sqrt(sum lambda_j (L + a^2 lambda_i)), L = sum_{j != i} lambda_j.
    """
    share, size = _shares(variances), np.abs(np.asarray(scale, float))[..., None]
    return (1 - share + size * share) / np.sqrt(1 - share + size**2 * share)


def kept_cka(variances) -> Float[Array, " p"]:
    """CKA with X when only the first k PCs are kept, k = 1 ... p: sqrt(sum_{j <= k} lambda_j^2 / sum lambda_j^2).

    "First" as `variances` are ordered. One PC can give a CKA near 1.
    """
    return np.sqrt(_squared_shares(variances).cumsum())


def kept_nbs(variances) -> Float[Array, " p"]:
    """NBS with X when only the first k PCs are kept, k = 1 ... p: sqrt(sum_{j <= k} lambda_j / sum lambda_j)."""
    return np.sqrt(_shares(variances).cumsum())


def kept_linear_regression(variances) -> Float[Array, " p"]:
    """Linear-regression R^2 of X from its first k PCs, k = 1 ... p: sum_{j <= k} lambda_j / sum lambda_j."""
    return _shares(variances).cumsum()


def growth_cka(variances) -> Float[Array, " p"]:
    """How fast CKA's ascent makes PC i grow in Y, relative to the largest PC, in (0, 1]: lambda_i / lambda_1.

    In the basis U the gradient of ||X'Y||_F^2 is 2 lambda_i times row i of U'Y: what is there grows by a
    factor, and the factor is set by the variance.
    """
    values = _spectrum(variances)
    return values / values.max()


def growth_nbs(variances) -> Float[Array, " p"]:
    """How fast NBS's ascent makes PC i grow in Y, relative to the largest PC, in (0, 1]: s_i / s_1.

    In the basis U the gradient of ||X'Y||_* has rows of length s_i (for X'Y of full rank), whatever Y is.
    """
    return np.sqrt(growth_cka(variances))


def nbs_bounds(cka, rank_x: int, rank_y: int) -> tuple[Array, Array]:
    """The lowest and the highest NBS that a CKA allows, both in [0, 1].

    CKA / sqrt(r_X r_Y) <= NBS^2 <= min(r_X, r_Y) CKA, with the ranks r of the two sides (of the
    centred columns). Norms of X'Y bound each other, ||.||_F <= ||.||_* <= sqrt(r) ||.||_F, and so do those
    of either side's covariance. Raises ValueError for a CKA outside [0, 1] or a rank below 1.
    """
    values = np.asarray(cka, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all() or min(rank_x, rank_y) < 1:
        raise ValueError(f"CKA lies in [0, 1] and ranks are 1 or more; got {cka} with ranks {rank_x} and {rank_y}")
    low = np.sqrt(values / np.sqrt(rank_x * rank_y))
    return low, np.minimum(1, np.sqrt(min(rank_x, rank_y) * values))


# id of the measure -> its score after PC i is replaced
REPLACED = {
    "cka": replaced_cka,
    "cka-angular-score": replaced_cka_angular_score,
    "nbs": replaced_nbs,
    "procrustes-angular-score": replaced_procrustes_angular_score,
    "linreg": replaced_linear_regression,
    "ridge": replaced_ridge,
}
