"""One door to all exact ranges: what a score on one measure, by its id, leaves open on another."""

from simlib.exact_ranges.cka_and_nbs import cka_range_given_nbs, from_angular, nbs_range_given_cka
from simlib.exact_ranges.equations import Levels, levels_of
from simlib.exact_ranges.linear_regression import (
    cka_range_given_linear_regression,
    linear_regression_range_given_cka,
    linear_regression_range_given_nbs,
    nbs_range_given_linear_regression,
)
from simlib.theory.spectrum import angular

__all__ = ["STATUS", "has_range", "plain", "score_range"]

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
# (given, other) -> what is known of the low and of the high end. Beyond 48 PCs the proved ends of
# (CKA, NBS) rest on a search over the number of copies, too (conj-search in the book).
STATUS = {pair: ("proved", "proved") for pair in RANGES} | {
    ("nbs", "cka"): ("conjecture", "proved"),
    ("cka", "nbs"): ("proved", "conjecture"),
}


def plain(measure: str) -> str:
    """The measure that an angular one is a rising function of; any other stands for itself.

    Args:
        measure: id of a measure.

    Returns:
        The id of the plain one, as the keys of `STATUS` have it.

    Example:
        >>> import simlib as sl
        >>> sl.exact_ranges.plain("procrustes-angular-score"), sl.exact_ranges.plain("cka")
        ('nbs', 'cka')
    """
    return ANGULAR.get(measure, measure)


def has_range(given: str, other: str) -> bool:
    """Whether the exact range of `other` at a score of `given` is known.

    Args:
        given, other: ids of measures.

    Returns:
        True for the pairs that `score_range` takes.

    Example:
        >>> import simlib as sl
        >>> sl.exact_ranges.has_range("cka", "procrustes-angular-score")
        True
        >>> sl.exact_ranges.has_range("cka", "ridge-cv")
        False
    """
    return (plain(given), plain(other)) in RANGES


def score_range(
    variances, given: str, level, other: str, columns: int | None = None
) -> tuple[Levels, Levels]:
    """Lowest and highest score on `other`, in [0, 1], of a Y that scores `level` on `given`.

    `STATUS` says which ends are proved. Neither falls as `level` rises: the lowest is that of all Y
    that score `level` or more.

    Args:
        variances: (p,) of X's PCs, in any unit and order.
        given, other: ids of measures, a pair of CKA, NBS and linear-regression R^2, or of the
            angular forms of the first two.
        level: a number or an array, in [0, 1].
        columns: q of Y; p unless given.

    Returns:
        The lowest and the highest score, each in the shape of `level`; NaN where no Y has it.

    Raises:
        ValueError: other pairs, scores outside [0, 1], too few columns, variances that are no
            spectrum.

    Example:
        >>> import simlib as sl
        >>> angular_procrustes = "procrustes-angular-score"
        >>> low, high = sl.exact_ranges.score_range([4, 2, 1], "cka", 0.9, angular_procrustes)
        >>> print(f"{low:.3f} to {high:.3f}")
        0.595 to 0.858
    """
    pair = plain(given), plain(other)
    if pair not in RANGES:
        raise ValueError(
            f"no exact range of {other!r} given {given!r} is known; known are the pairs of 'cka', "
            "'nbs', 'linreg' and the angular forms of the first two"
        )
    levels = levels_of(level)
    levels = from_angular(levels) if given in ANGULAR else levels
    low, high = RANGES[pair](variances, levels.clip(0, 1), columns)
    return (angular(low), angular(high)) if other in ANGULAR else (low, high)
