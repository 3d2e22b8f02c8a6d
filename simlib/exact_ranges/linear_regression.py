"""Ranges of pairs with the R^2 of linear regression of X on Y, in closed form. Status: proved, for
any q.

R^2 hears only which directions Y spans: with mu_1 >= ... >= mu_q the eigenvalues of X's covariance
within that span (X's variance is 1), R^2 is their sum, and mu_i <= l_i, the shares of X's PCs (0
beyond the p-th). L_k = l_1 + ... + l_k.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.exact_ranges.equations import levels_of, normalised

__all__ = [
    "cka_range_given_linear_regression",
    "linear_regression_range_given_cka",
    "linear_regression_range_given_nbs",
    "nbs_range_given_linear_regression",
]


def _setting(variances, level, columns: int | None) -> tuple[Array, Array, int, float]:
    """Shares, levels, number of columns and |l|."""
    shares = normalised(variances)
    levels = levels_of(level)
    q = len(shares) if columns is None else columns
    if q < 1:
        raise ValueError(f"columns is the number of Y's columns, 1 or more; got {columns}")
    return shares, levels, q, float(np.sqrt((shares**2).sum()))


def _greedy(shares: Array, levels: Array) -> Array:
    """sqrt of the largest sum of squares of mu_i <= l_i that sum to the levels: full PCs first."""
    before = np.concatenate([[0.0], shares.cumsum()])[:-1]
    filled = np.clip(levels[..., None] - before, 0, shares)
    return np.sqrt((filled**2).sum(axis=-1))


def nbs_range_given_linear_regression(
    variances, linear_regression, columns: int | None = None
) -> tuple[Float[Array, "*levels"], Float[Array, "*levels"]]:
    """Lowest and highest NBS at an R^2 = r: sqrt(max(r - L_{q-1}, 0)) and sqrt(r). Proved.

    `variances` (p,) of X's PCs in any unit; `columns` = q of Y, p unless given. The low end is
    approached, not attained, for q > 1: one direction takes nearly all of Y's variance. NaN for r >
    L_q, which no Y reaches. Raises ValueError for scores outside [0, 1].
    """
    shares, levels, q, _ = _setting(variances, linear_regression, columns)
    reached = levels <= shares[:q].sum() + 1e-12
    low = np.sqrt(np.maximum(levels - shares[: q - 1].sum(), 0))
    return np.where(reached, low, np.nan), np.where(reached, np.sqrt(levels), np.nan)


def cka_range_given_linear_regression(
    variances, linear_regression, columns: int | None = None
) -> tuple[Float[Array, "*levels"], Float[Array, "*levels"]]:
    """Lowest and highest CKA at an R^2 = r: max(r - L_{q-1}, 0) / |l|, and PCs filled greedily.
    Proved.

    The high end is sqrt(l_1^2 + ... + l_{k-1}^2 + (r - L_{k-1})^2) / |l| for L_{k-1} <= r <= L_k;
    the low end is approached for q > 1. Arguments and errors as for
    `nbs_range_given_linear_regression`.
    """
    shares, levels, q, norm = _setting(variances, linear_regression, columns)
    reached = levels <= shares[:q].sum() + 1e-12
    low = np.maximum(levels - shares[: q - 1].sum(), 0) / norm
    high = _greedy(shares, levels) / norm
    return np.where(reached, low, np.nan), np.where(reached, high, np.nan)


def linear_regression_range_given_nbs(
    variances, nbs, columns: int | None = None
) -> tuple[Float[Array, "*levels"], Float[Array, "*levels"]]:
    """Lowest and highest R^2 at an NBS of f: f^2 and min(f^2 + L_{q-1}, L_q), the inverses of both
    ends. Proved.

    NaN for f^2 > L_q. Arguments and errors as for `nbs_range_given_linear_regression`.
    """
    shares, levels, q, _ = _setting(variances, nbs, columns)
    most = shares[:q].sum()
    reached = levels**2 <= most + 1e-12
    high = np.minimum(levels**2 + shares[: q - 1].sum(), most)
    return np.where(reached, levels**2, np.nan), np.where(reached, high, np.nan)


def linear_regression_range_given_cka(
    variances, cka, columns: int | None = None
) -> tuple[Float[Array, "*levels"], Float[Array, "*levels"]]:
    """Lowest and highest R^2 at a CKA of c: the inverse of greedy filling, and min(c |l| + L_{q-1},
    L_q). Proved.

    NaN where c is beyond the first q PCs. Arguments and errors as for
    `nbs_range_given_linear_regression`.
    """
    shares, levels, q, norm = _setting(variances, cka, columns)
    squares = (shares[:q] ** 2).cumsum()
    wanted = (levels * norm) ** 2
    reached = wanted <= squares[-1] + 1e-12
    full = np.minimum(
        (squares[:, None] < wanted.ravel() - 1e-15).sum(axis=0), len(squares) - 1
    ).reshape(wanted.shape)
    before = np.concatenate([[0.0], squares])[full]
    low = np.concatenate([[0.0], shares.cumsum()])[full] + np.sqrt(np.maximum(wanted - before, 0))
    high = np.minimum(levels * norm + shares[: q - 1].sum(), shares[:q].sum())
    return np.where(reached, np.minimum(low, high), np.nan), np.where(reached, high, np.nan)
