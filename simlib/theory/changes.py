"""Scores of X with itself after a change of its principal components (PCs).

Replaced: u_i becomes a unit vector orthogonal to all of U and to the constant, at the same
variance. Rotated: u_i turns towards such a vector. Rescaled: s_i becomes a s_i. Kept: only the
first k PCs are left. Ridge is scored where it was fitted (no folds).
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.theory.spectrum import angular, checked, penalty_of_ridge, shares, squared_shares


def _along_pcs(amount) -> Array:
    """A number or an array of amounts of change, with a last axis for the PCs."""
    return np.asarray(amount, dtype=np.float64)[..., None]


def _ridge_loss(variances, penalty: float) -> Float[Array, " p"]:
    """lambda_j (a / (lambda_j + a))^2: what shrinkage loses of each PC that Y has."""
    values = checked(variances)
    return values * (penalty_of_ridge(penalty) / (values + penalty)) ** 2


def _ridge_r2(variances, penalty: float, own_loss: Array) -> Float[Array, "*amounts p"]:
    """1 - (own_loss of the changed PC + shrinkage of the others) / sum lambda."""
    loss = _ridge_loss(variances, penalty)
    return 1 - (own_loss + loss.sum() - loss) / checked(variances).sum()


# -- One PC replaced


def replaced_cka(variances) -> Float[Array, " p"]:
    """CKA with X after PC i is replaced by noise, in [0, 1]: 1 - lambda_i^2 / sum lambda_j^2.

    The loss is quadratic in the variance: a share f costs f^2 times the participation ratio.

    Example:
        >>> import simlib as sl
        >>> sl.theory.replaced_cka([4, 1]).round(3)
        array([0.059, 0.941])
    """
    return 1 - squared_shares(variances)


def replaced_cka_angular_score(variances) -> Float[Array, " p"]:
    """Angular CKA with X after PC i is replaced, in [0, 1].

    1 - (2/pi) arccos(1 - lambda_i^2 / sum lambda_j^2).

    Example:
        >>> import simlib as sl
        >>> sl.theory.replaced_cka_angular_score([4, 1]).round(3)
        array([0.037, 0.781])
    """
    return angular(replaced_cka(variances))


def replaced_nbs(variances) -> Float[Array, " p"]:
    """NBS with X after PC i is replaced, in [0, 1]: 1 - lambda_i / sum lambda_j.

    The loss is linear in the variance.

    Example:
        >>> import simlib as sl
        >>> sl.theory.replaced_nbs([4, 1]).round(3)
        array([0.2, 0.8])
    """
    return 1 - shares(variances)


def replaced_procrustes_angular_score(variances) -> Float[Array, " p"]:
    """Angular Procrustes with X after PC i is replaced, in [0, 1].

    1 - (2/pi) arccos(1 - lambda_i / sum lambda_j). Steep at 0: for a small share f of the variance
    the loss is about (2/pi) sqrt(2 f).

    Example:
        >>> import simlib as sl
        >>> sl.theory.replaced_procrustes_angular_score([4, 1]).round(3)
        array([0.128, 0.59 ])
    """
    return angular(replaced_nbs(variances))


def replaced_linear_regression(variances) -> Float[Array, " p"]:
    """Linear-regression R^2 of X from Y after PC i is replaced, in [0, 1].

    1 - lambda_i / sum lambda_j. Needs a direction outside of X to put in its place: n - 1 > p.

    Example:
        >>> import simlib as sl
        >>> sl.theory.replaced_linear_regression([4, 1]).round(3)
        array([0.2, 0.8])
    """
    return 1 - shares(variances)


def replaced_ridge(variances, penalty: float = 100.0) -> Float[Array, " p"]:
    """Ridge R^2 of X from Y after PC i is replaced, in [0, 1].

    1 - [lambda_i + sum_{j != i} lambda_j (a / (lambda_j + a))^2] / sum lambda_j with the penalty a,
    in the unit of lambda: the shrinkage of what is left adds to the loss of PC i. Raises ValueError
    for a < 0.

    Example:
        >>> import simlib as sl
        >>> sl.theory.replaced_ridge([4, 1], penalty=1).round(3)
        array([0.15 , 0.768])
    """
    return _ridge_r2(variances, penalty, checked(variances))


# -- One PC rotated


def rotated_cka(variances, angle) -> Float[Array, "*angles p"]:
    """CKA with X after u_i is turned by `angle` (radians) towards a new direction, in [0, 1].

    1 - (lambda_i^2 / sum lambda_j^2) sin^2(angle). `angle` is a number or an array: the PCs are the
    last axis.

    Example:
        >>> import simlib as sl
        >>> sl.theory.rotated_cka([4, 1], angle=0.5).round(3)
        array([0.784, 0.986])
    """
    return 1 - squared_shares(variances) * np.sin(_along_pcs(angle)) ** 2


def rotated_cka_angular_score(variances, angle) -> Float[Array, "*angles p"]:
    """Angular CKA after u_i is turned, in [0, 1].

    1 - (2/pi) arccos(1 - (lambda_i^2 / sum lambda_j^2) sin^2(angle)).

    Example:
        >>> import simlib as sl
        >>> sl.theory.rotated_cka_angular_score([4, 1], angle=0.5).round(3)
        array([0.573, 0.895])
    """
    return angular(rotated_cka(variances, angle))


def rotated_nbs(variances, angle) -> Float[Array, "*angles p"]:
    """NBS with X after u_i is turned by `angle` (radians) towards a new direction, in [0, 1].

    1 - (lambda_i / sum lambda_j) (1 - |cos(angle)|).

    Example:
        >>> import simlib as sl
        >>> sl.theory.rotated_nbs([4, 1], angle=0.5).round(3)
        array([0.902, 0.976])
    """
    return 1 - shares(variances) * (1 - np.abs(np.cos(_along_pcs(angle))))


def rotated_procrustes_angular_score(variances, angle) -> Float[Array, "*angles p"]:
    """Angular Procrustes after u_i is turned, in [0, 1].

    1 - (2/pi) arccos(1 - (lambda_i / sum lambda_j) (1 - |cos(angle)|)).

    Example:
        >>> import simlib as sl
        >>> sl.theory.rotated_procrustes_angular_score([4, 1], angle=0.5).round(3)
        array([0.716, 0.859])
    """
    return angular(rotated_nbs(variances, angle))


def rotated_linear_regression(variances, angle) -> Float[Array, "*angles p"]:
    """Linear-regression R^2 of X from Y after u_i is turned by `angle` (radians), in [0, 1].

    1 - (lambda_i / sum lambda_j) sin^2(angle).

    Example:
        >>> import simlib as sl
        >>> sl.theory.rotated_linear_regression([4, 1], angle=0.5).round(3)
        array([0.816, 0.954])
    """
    return 1 - shares(variances) * np.sin(_along_pcs(angle)) ** 2


def rotated_ridge(variances, angle, penalty: float = 100.0) -> Float[Array, "*angles p"]:
    """Ridge R^2 of X from Y after u_i is turned by `angle` (radians), in [0, 1].

    1 - [lambda_i (sin^2 + cos^2 (a / (lambda_i + a))^2) + sum_{j != i} lambda_j (a / (lambda_j +
    a))^2] / sum lambda_j with the penalty a. Raises ValueError for a < 0.

    Example:
        >>> import simlib as sl
        >>> sl.theory.rotated_ridge([4, 1], angle=0.5, penalty=1).round(3)
        array([0.741, 0.884])
    """
    values, kept = checked(variances), np.cos(_along_pcs(angle)) ** 2
    return _ridge_r2(values, penalty, (1 - kept) * values + kept * _ridge_loss(values, penalty))


# -- One PC rescaled


def rescaled_cka(variances, scale) -> Float[Array, "*scales p"]:
    """CKA with X after s_i becomes a s_i (a = `scale`), in [0, 1].

    (L + a^2 lambda_i^2) / sqrt(sum lambda_j^2 (L + a^4 lambda_i^2)), L = sum_{j != i} lambda_j^2.

    Example:
        >>> import simlib as sl
        >>> sl.theory.rescaled_cka([4, 1], scale=0.5).round(3)
        array([0.857, 0.983])
    """
    share, square = squared_shares(variances), _along_pcs(scale) ** 2
    return (1 - share + square * share) / np.sqrt(1 - share + square**2 * share)


def rescaled_cka_angular_score(variances, scale) -> Float[Array, "*scales p"]:
    """Angular CKA after s_i becomes a s_i, in [0, 1]: 1 - (2/pi) arccos of `rescaled_cka`.

    Example:
        >>> import simlib as sl
        >>> sl.theory.rescaled_cka_angular_score([4, 1], scale=0.5).round(3)
        array([0.656, 0.884])
    """
    return angular(rescaled_cka(variances, scale))


def rescaled_nbs(variances, scale) -> Float[Array, "*scales p"]:
    """NBS with X after s_i becomes a s_i (a = `scale`), in [0, 1].

    (L + |a| lambda_i) / sqrt(sum lambda_j (L + a^2 lambda_i)), L = sum_{j != i} lambda_j.

    Example:
        >>> import simlib as sl
        >>> sl.theory.rescaled_nbs([4, 1], scale=0.5).round(3)
        array([0.949, 0.976])
    """
    share, size = shares(variances), np.abs(_along_pcs(scale))
    return (1 - share + size * share) / np.sqrt(1 - share + size**2 * share)


def rescaled_procrustes_angular_score(variances, scale) -> Float[Array, "*scales p"]:
    """Angular Procrustes after s_i becomes a s_i, in [0, 1]: 1 - (2/pi) arccos of `rescaled_nbs`.

    Example:
        >>> import simlib as sl
        >>> sl.theory.rescaled_procrustes_angular_score([4, 1], scale=0.5).round(3)
        array([0.795, 0.861])
    """
    return angular(rescaled_nbs(variances, scale))


def rescaled_linear_regression(variances, scale) -> Float[Array, "*scales p"]:
    """Linear-regression R^2 of X from Y after s_i becomes a s_i (a = `scale`), in [0, 1].

    1, and 1 - lambda_i / sum lambda_j at a = 0. It depends on the span of Y only: a PC counts,
    however small it is made.

    Example:
        >>> import simlib as sl
        >>> sl.theory.rescaled_linear_regression([4, 1], scale=0.5).round(3)
        array([1., 1.])
    """
    return 1 - shares(variances) * (_along_pcs(scale) == 0)


def rescaled_ridge(variances, scale, penalty: float = 100.0) -> Float[Array, "*scales p"]:
    """Ridge R^2 of X from Y after s_i becomes b s_i (b = `scale`), in [0, 1].

    1 - [lambda_i (a / (b^2 lambda_i + a))^2 + sum_{j != i} lambda_j (a / (lambda_j + a))^2] / sum
    lambda_j with the penalty a (the fraction is 1 at a = b = 0). What is scaled up is shrunk less.
    Raises ValueError for a < 0.

    Example:
        >>> import simlib as sl
        >>> sl.theory.rescaled_ridge([4, 1], scale=0.5, penalty=1).round(3)
        array([0.75, 0.84])
    """
    values = checked(variances)
    size = _along_pcs(scale) ** 2 * values + penalty_of_ridge(penalty)
    shrunk = np.where(size > 0, penalty / np.where(size > 0, size, 1), 1)
    return _ridge_r2(values, penalty, values * shrunk**2)


# -- Only the first PCs kept


def kept_cka(variances) -> Float[Array, " p"]:
    """CKA with X when only the first k PCs are kept, k = 1 ... p, in [0, 1].

    sqrt(sum_{j <= k} lambda_j^2 / sum lambda_j^2). "First" as `variances` are ordered. One PC can
    give a CKA near 1.

    Example:
        >>> import simlib as sl
        >>> sl.theory.kept_cka([4, 1]).round(3)
        array([0.97, 1.  ])
    """
    return np.sqrt(squared_shares(variances).cumsum())


def kept_cka_angular_score(variances) -> Float[Array, " p"]:
    """Angular CKA when only the first k PCs are kept: 1 - (2/pi) arccos of `kept_cka`.

    Example:
        >>> import simlib as sl
        >>> sl.theory.kept_cka_angular_score([4, 1]).round(3)
        array([0.844, 1.   ])
    """
    return angular(kept_cka(variances))


def kept_nbs(variances) -> Float[Array, " p"]:
    """NBS with X when only the first k PCs are kept, k = 1 ... p, in [0, 1].

    sqrt(sum_{j <= k} lambda_j / sum lambda_j).

    Example:
        >>> import simlib as sl
        >>> sl.theory.kept_nbs([4, 1]).round(3)
        array([0.894, 1.   ])
    """
    return np.sqrt(shares(variances).cumsum())


def kept_procrustes_angular_score(variances) -> Float[Array, " p"]:
    """Angular Procrustes when only the first k PCs are kept: 1 - (2/pi) arccos of `kept_nbs`.

    Example:
        >>> import simlib as sl
        >>> sl.theory.kept_procrustes_angular_score([4, 1]).round(3)
        array([0.705, 1.   ])
    """
    return angular(kept_nbs(variances))


def kept_linear_regression(variances) -> Float[Array, " p"]:
    """Linear-regression R^2 of X from its first k PCs, k = 1 ... p, in [0, 1].

    sum_{j <= k} lambda_j / sum lambda_j.

    Example:
        >>> import simlib as sl
        >>> sl.theory.kept_linear_regression([4, 1]).round(3)
        array([0.8, 1. ])
    """
    return shares(variances).cumsum()


def kept_ridge(variances, penalty: float = 100.0) -> Float[Array, " p"]:
    """Ridge R^2 of X from its first k PCs, k = 1 ... p.

    sum_{j <= k} lambda_j (1 - (a / (lambda_j + a))^2) / sum lambda_j with the penalty a. Raises
    ValueError for a < 0.

    Example:
        >>> import simlib as sl
        >>> sl.theory.kept_ridge([4, 1], penalty=1).round(3)
        array([0.768, 0.918])
    """
    values = checked(variances)
    return (values - _ridge_loss(values, penalty)).cumsum() / values.sum()


# id of the measure -> its score after each change
REPLACED = {
    "cka": replaced_cka,
    "cka-angular-score": replaced_cka_angular_score,
    "nbs": replaced_nbs,
    "procrustes-angular-score": replaced_procrustes_angular_score,
    "linreg": replaced_linear_regression,
    "ridge": replaced_ridge,
}
ROTATED = {
    "cka": rotated_cka,
    "cka-angular-score": rotated_cka_angular_score,
    "nbs": rotated_nbs,
    "procrustes-angular-score": rotated_procrustes_angular_score,
    "linreg": rotated_linear_regression,
    "ridge": rotated_ridge,
}
RESCALED = {
    "cka": rescaled_cka,
    "cka-angular-score": rescaled_cka_angular_score,
    "nbs": rescaled_nbs,
    "procrustes-angular-score": rescaled_procrustes_angular_score,
    "linreg": rescaled_linear_regression,
    "ridge": rescaled_ridge,
}
KEPT = {
    "cka": kept_cka,
    "cka-angular-score": kept_cka_angular_score,
    "nbs": kept_nbs,
    "procrustes-angular-score": kept_procrustes_angular_score,
    "linreg": kept_linear_regression,
    "ridge": kept_ridge,
}
