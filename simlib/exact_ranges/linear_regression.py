"""Ranges of pairs with the R^2 of linear regression of X on Y, in closed form. Status: proved, for
any q.

R^2 depends only on the directions Y spans: with mu_1 >= ... >= mu_q the eigenvalues of X's
covariance within that span (X's variance is 1), R^2 is their sum, and mu_i <= l_i, the shares of
X's PCs (0 beyond the p-th). L_k = l_1 + ... + l_k.
"""

import numpy as np
from numpy import ndarray as Array

from simlib.exact_ranges.equations import Levels, columns_of, levels_of, normalised

__all__ = [
    "cka_range_given_linear_regression",
    "linear_regression_range_given_cka",
    "linear_regression_range_given_nbs",
    "nbs_range_given_linear_regression",
]

ROUNDING = 1e-12  # by how much a level may exceed the most that q columns reach


def _setting(variances, level, columns: int | None) -> tuple[Array, Levels, float, float, float]:
    """Shares, levels, L_{q-1}, L_q and |l|."""
    shares, levels = normalised(variances), levels_of(level)
    q = columns_of(columns, len(shares), fewest=1)
    return shares, levels, shares[: q - 1].sum(), shares[:q].sum(), np.linalg.norm(shares)


def _where(reached, *ends) -> tuple:
    """Both ends, NaN where no Y reaches the level."""
    return tuple(np.where(reached, end, np.nan) for end in ends)


def nbs_range_given_linear_regression(
    variances, linear_regression, columns: int | None = None
) -> tuple[Levels, Levels]:
    """Lowest and highest NBS at an R^2 = r, in [0, 1]: sqrt(max(r - L_{q-1}, 0)) and sqrt(r).

    Proved, for 0 <= r <= L_q. For q > 1 and r > 0 the low end is approached, not attained: one
    direction takes nearly all of Y's variance. For q = 1 both ends are sqrt(r).

    Args:
        variances: (p,) of X's PCs, in any unit and order.
        linear_regression: R^2, a number or an array, in [0, 1].
        columns: q of Y; p unless given.

    Returns:
        The lowest and the highest NBS, each in the shape of `linear_regression`; NaN for r > L_q,
        which no Y reaches.

    Raises:
        ValueError: scores outside [0, 1], no column, variances that are no spectrum.

    Example:
        >>> import simlib as sl
        >>> low, high = sl.exact_ranges.nbs_range_given_linear_regression([4, 2, 1], 0.9)
        >>> print(f"{low:.3f} to {high:.3f}")
        0.207 to 0.949
    """
    _, levels, before, most, _ = _setting(variances, linear_regression, columns)
    low = np.sqrt(np.maximum(levels - before, 0))
    return _where(levels <= most + ROUNDING, low, np.sqrt(levels))


def cka_range_given_linear_regression(
    variances, linear_regression, columns: int | None = None
) -> tuple[Levels, Levels]:
    """Lowest and highest CKA at an R^2 = r, in [0, 1]: max(r - L_{q-1}, 0) / |l|, and PCs filled in
    order.

    Proved. The high end is sqrt(l_1^2 + ... + l_{k-1}^2 + (r - L_{k-1})^2) / |l| for
    L_{k-1} <= r <= L_k, k <= q; the low end is approached, as in
    `nbs_range_given_linear_regression`.

    Args:
        variances, columns: as there.
        linear_regression: a number or an array, in [0, 1].

    Returns:
        The lowest and the highest CKA, each in the shape of `linear_regression`; NaN as there.

    Raises:
        ValueError: as there.

    Example:
        >>> import simlib as sl
        >>> low, high = sl.exact_ranges.cka_range_given_linear_regression([4, 2, 1], 0.9)
        >>> print(f"{low:.3f} to {high:.3f}")
        0.065 to 0.978
    """
    shares, levels, before, most, norm = _setting(variances, linear_regression, columns)
    filled = np.clip(levels[..., None] - (shares.cumsum() - shares), 0, shares)
    low, high = np.maximum(levels - before, 0), np.sqrt((filled**2).sum(axis=-1))
    return _where(levels <= most + ROUNDING, low / norm, high / norm)


def linear_regression_range_given_nbs(
    variances, nbs, columns: int | None = None
) -> tuple[Levels, Levels]:
    """Lowest and highest R^2 at an NBS of f > 0, in [0, 1]: f^2 and min(f^2 + L_{q-1}, L_q).

    Proved: the inverses of `nbs_range_given_linear_regression`. The low end is attained, the high
    one approached where it is below L_q. At an NBS of 0, and there alone, R^2 is 0.

    Args:
        variances, columns: as there.
        nbs: a number or an array, in [0, 1].

    Returns:
        The lowest and the highest R^2, each in the shape of `nbs`; NaN for f^2 > L_q.

    Raises:
        ValueError: as there.

    Example:
        >>> import simlib as sl
        >>> low, high = sl.exact_ranges.linear_regression_range_given_nbs([4, 2, 1], 0.9)
        >>> print(f"{low:.3f} to {high:.3f}")
        0.810 to 1.000
    """
    _, levels, before, most, _ = _setting(variances, nbs, columns)
    low = levels**2
    high = np.where(levels > ROUNDING, np.minimum(low + before, most), 0)
    return _where(low <= most + ROUNDING, low, high)


def linear_regression_range_given_cka(
    variances, cka, columns: int | None = None
) -> tuple[Levels, Levels]:
    """Lowest and highest R^2 at a CKA of c > 0, in [0, 1]: PCs filled in order, and
    min(c |l| + L_{q-1}, L_q).

    Proved: the inverses of `cka_range_given_linear_regression`; 0 at a CKA of 0, as in
    `linear_regression_range_given_nbs`.

    Args:
        variances, columns: as there.
        cka: a number or an array, in [0, 1].

    Returns:
        The lowest and the highest R^2, each in the shape of `cka`; NaN for c
        beyond that of the first q PCs.

    Raises:
        ValueError: as there.

    Example:
        >>> import simlib as sl
        >>> low, high = sl.exact_ranges.linear_regression_range_given_cka([4, 2, 1], 0.9)
        >>> print(f"{low:.3f} to {high:.3f}")
        0.715 to 1.000
    """
    shares, levels, before, most, norm = _setting(variances, cka, columns)
    q = len(shares) if columns is None else columns
    squares = (shares[:q] ** 2).cumsum()
    wanted = (levels * norm) ** 2
    full = np.searchsorted(squares[:-1], wanted - 1e-15)  # PCs filled before the last one
    last = np.sqrt(np.maximum(wanted - np.append(0, squares)[full], 0))
    low = np.append(0, shares.cumsum())[full] + last
    high = np.where(levels > ROUNDING, np.minimum(levels * norm + before, most), 0)
    return _where(wanted <= squares[-1] + ROUNDING, np.minimum(low, high), high)
