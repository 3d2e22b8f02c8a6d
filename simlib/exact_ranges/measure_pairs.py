"""One door to all exact ranges: what a score on one measure, by its id, leaves open on another."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray as Array

from simlib.exact_ranges.cka_and_nbs import (
    angular,
    cka_range_given_nbs,
    from_angular,
    nbs_range_given_cka,
)
from simlib.exact_ranges.equations import levels_of
from simlib.exact_ranges.linear_regression import (
    cka_range_given_linear_regression,
    linear_regression_range_given_cka,
    linear_regression_range_given_nbs,
    nbs_range_given_linear_regression,
)

__all__ = ["RANGES", "STATUS", "has_range", "plain", "score_range"]

# measure -> the one it is a rising function of
ANGULAR = {"procrustes-angular-score": "nbs", "cka-angular-score": "cka"}
# (given, other) -> the function that knows the range
RANGES = {
    ("nbs", "cka"): cka_range_given_nbs,
    ("cka", "nbs"): nbs_range_given_cka,
    ("linreg", "nbs"): nbs_range_given_linear_regression,
    ("nbs", "linreg"): linear_regression_range_given_nbs,
    ("linreg", "cka"): cka_range_given_linear_regression,
    ("cka", "linreg"): linear_regression_range_given_cka,
}
# (given, other) -> what is known of the low and of the high end
STATUS = {pair: ("proved", "proved") for pair in RANGES} | {
    ("nbs", "cka"): ("conjecture", "proved"),
    ("cka", "nbs"): ("proved", "conjecture"),
}


def plain(measure: str) -> str:
    """The measure that an angular one is a rising function of; any other stands for itself."""
    return ANGULAR.get(measure, measure)


def has_range(given: str, other: str) -> bool:
    """Whether the exact range of `other` at a score of `given` is known."""
    return (plain(given), plain(other)) in RANGES


def score_range(
    variances, given: str, level, other: str, columns: int | None = None
) -> tuple[Float[Array, "*levels"], Float[Array, "*levels"]]:
    """Lowest and highest score on `other` of a Y that scores `level` on `given`, both ids of
    measures.

    `variances` (p,) of X's PCs in any unit, `level` a number or an array in [0, 1], `columns` = q
    of Y. The pairs of CKA, NBS and linear-regression R^2, and of their angular forms; `STATUS` says
    which ends are proved. Raises ValueError for other pairs and for scores outside [0, 1].
    """
    pair = plain(given), plain(other)
    if pair not in RANGES:
        raise ValueError(
            f"no exact range of {other!r} given {given!r} is known; known are the pairs of 'cka', "
            "'nbs', 'linreg' "
            "and the angular forms of the first two"
        )
    levels = levels_of(level)
    levels = from_angular(levels) if given in ANGULAR else levels
    low, high = RANGES[pair](variances, np.clip(levels, 0, 1), columns)
    return (angular(low), angular(high)) if other in ANGULAR else (low, high)
