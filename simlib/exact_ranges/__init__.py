"""Exact ranges: what one score leaves open about another, for a given spectrum of X, found without
a descent.

X's variance is shared among its principal components (PCs) as l_1 >= ... >= l_p, their sum 1. For
each value of one score these functions give the least and the most of another over all Y with q
columns. Which ends are proved and which rest on a search is said in each docstring; the book page
"Exact score ranges" has the proofs.

Example:
    >>> from simlib.exact_ranges import STATUS, angular, from_angular
    >>> STATUS["nbs", "cka"]  # of the lowest and of the highest CKA at an NBS
    ('conjecture', 'proved')
    >>> print(f"{angular(from_angular(0.9)):.3f}")  # one undoes the other
    0.900
"""

from simlib.exact_ranges.cka_and_nbs import (
    cka_range_given_nbs,
    from_angular,
    nbs_bounds_given_cka,
    nbs_range_given_cka,
    witness,
)
from simlib.exact_ranges.linear_regression import (
    cka_range_given_linear_regression,
    linear_regression_range_given_cka,
    linear_regression_range_given_nbs,
    nbs_range_given_linear_regression,
)
from simlib.exact_ranges.measure_pairs import STATUS, has_range, plain, score_range
from simlib.exact_ranges.rounding import directed
from simlib.theory.spectrum import angular

__all__ = [
    "STATUS",
    "angular",
    "cka_range_given_linear_regression",
    "cka_range_given_nbs",
    "directed",
    "from_angular",
    "has_range",
    "linear_regression_range_given_cka",
    "linear_regression_range_given_nbs",
    "nbs_bounds_given_cka",
    "nbs_range_given_cka",
    "nbs_range_given_linear_regression",
    "plain",
    "score_range",
    "witness",
]
