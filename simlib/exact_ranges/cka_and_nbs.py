"""Ranges of (CKA, NBS) and of their angular forms, and matrices Y at their ends."""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray as Array

from simlib import validation
from simlib.exact_ranges import least_cka, most_cka
from simlib.exact_ranges.equations import CKA, NBS, Levels, columns_of, levels_of, normalised
from simlib.linalg import principal_components

__all__ = [
    "cka_range_given_nbs",
    "from_angular",
    "nbs_bounds_given_cka",
    "nbs_range_given_cka",
    "witness",
]

ENDS = 1e-9  # levels nearer to 0 or 1 than this are 0 or 1


def from_angular(score):
    """NBS from angular Procrustes, CKA from angular CKA: cos((1 - score) pi / 2), in [0, 1].

    Args:
        score: a number or an array, in [0, 1].

    Returns:
        float64, in the shape of `score`.

    Example:
        >>> import simlib as sl
        >>> print(sl.exact_ranges.from_angular([0, 0.5, 1]).round(3))
        [0.    0.707 1.   ]
    """
    return np.cos((1 - np.asarray(score, dtype=np.float64)) * np.pi / 2)


def _range(variances, level, columns: int | None, given: int) -> tuple[Levels, Levels]:
    """The least and the most of the other score where score number `given` is `level`."""
    shares = normalised(variances)
    q = columns_of(columns, len(shares), fewest=len(shares))
    levels = np.atleast_1d(levels_of(level))
    inner = (levels > ENDS) & (levels < 1 - ENDS)
    ends = np.round([levels, levels])  # on the curves of least and of most CKA
    if inner.any():
        least = least_cka.best_points(shares, levels[inner], given)
        most = most_cka.best_points(shares, levels[inner], given, q)
        ends[:, inner] = least[1 - given], most[1 - given]
    low, high = ends if given == NBS else ends[::-1]
    if (low > high + ENDS).any():
        raise ArithmeticError(
            f"the least and the most of the other score cross at {levels[low > high + ENDS]}"
        )
    crossed = low > high  # by rounding, where the range is one point
    low, high = np.where(crossed, [high, low], [low, high])
    return low.reshape(np.shape(level)), high.reshape(np.shape(level))


def cka_range_given_nbs(variances, nbs, columns: int | None = None) -> tuple[Levels, Levels]:
    """Lowest and highest CKA of a Y whose NBS with X is `nbs`, in [0, 1]; all between occur.

    Both rise strictly with NBS, so that the lowest is that of all Y with this NBS or more. The
    highest is proved (with more than 48 PCs, that the search over the number of copies finds the
    best one is a conjecture). The lowest is attained by a Y; the shape of the best
    Y is proved, that the search over that shape finds the best one is a conjecture. Exact for
    n - 1 >= p + q samples; with fewer the range may be smaller.

    Args:
        variances: (p,) of X's PCs, in any unit and order.
        nbs: a number or an array, in [0, 1].
        columns: q >= p of Y; p unless given.

    Returns:
        The lowest and the highest CKA, each in the shape of `nbs`; NaN, with a RuntimeWarning,
        where no Y was found (no such level is known).

    Raises:
        ValueError: scores outside [0, 1], fewer columns than PCs, variances that are no spectrum.

    Example:
        >>> import simlib as sl
        >>> low, high = sl.exact_ranges.cka_range_given_nbs([4, 2, 1], 0.9)
        >>> print(f"{low:.3f} to {high:.3f}")
        0.666 to 0.973
    """
    return _range(variances, nbs, columns, NBS)


def nbs_range_given_cka(variances, cka, columns: int | None = None) -> tuple[Levels, Levels]:
    """Lowest and highest NBS of a Y whose CKA with X is `cka`, in [0, 1]; all between occur.

    The ends of `cka_range_given_nbs`, inverted: the lowest is proved, the highest rests on the
    same search.

    Args:
        variances, columns: as there.
        cka: a number or an array, in [0, 1].

    Returns:
        The lowest and the highest NBS, each in the shape of `cka`; NaN as there.

    Raises:
        ValueError: as there.

    Example:
        >>> import simlib as sl
        >>> low, high = sl.exact_ranges.nbs_range_given_cka([4, 2, 1], [0.5, 0.9])
        >>> print(low.round(3), high.round(3))
        [0.435 0.805] [0.828 0.975]
    """
    return _range(variances, cka, columns, CKA)


def nbs_bounds_given_cka(variances, variances_y, cka) -> tuple[Levels, Levels]:
    """Bounds on NBS for given spectra of both sides: CKA / sqrt(P) <= NBS^2 <= p CKA / sqrt(P).
    Proved.

    P is the product of the participation ratios (tr K)^2 / |K|_F^2 and p the smaller number of PCs.
    Sharper than `simlib.theory.nbs_bounds`, which knows the ranks alone.

    Args:
        variances, variances_y: (p,) and (q,) of the PCs of X and of Y, in any unit and order.
        cka: a number or an array, in [0, 1].

    Returns:
        The lower and the upper bound, each in the shape of `cka`.

    Raises:
        ValueError: variances that are no spectrum.

    Example:
        >>> import simlib as sl
        >>> low, high = sl.exact_ranges.nbs_bounds_given_cka([4, 2, 1], [3, 3, 1], 0.8)
        >>> print(f"{low:.3f} to {high:.3f}")
        0.571 to 0.989
    """
    x, y = normalised(variances), normalised(variances_y)
    squared = np.asarray(cka, dtype=np.float64) * np.sqrt((x**2).sum() * (y**2).sum())
    return np.sqrt(squared), np.minimum(1, np.sqrt(min(len(x), len(y)) * squared))


def witness(
    X, end: str, *, cka: float | None = None, nbs: float | None = None, columns: int | None = None
) -> Float[Array, "n q"]:
    """A Y, centred, that attains an end of the (CKA, NBS) region.

    "most-cka" takes a direction outside of X for each column that isn't a full copy of a PC,
    "least-cka" one at most.

    Args:
        X: (samples, neurons) or (time, trial, neuron).
        end: "most-cka" (the least NBS) or "least-cka" (the most NBS).
        cka, nbs: one of them, in (0, 1), says where along that end.
        columns: q of Y; the number of X's PCs unless given.

    Returns:
        Y, (samples, q).

    Raises:
        ValueError: no such Y exists, or X's samples leave fewer directions than it needs.

    Example:
        >>> import numpy as np, simlib as sl
        >>> X = np.random.default_rng(0).standard_normal((40, 3))
        >>> Y = sl.exact_ranges.witness(X, "most-cka", nbs=0.6)
        >>> print(f"NBS {sl.score('nbs', X, Y):.3f}, CKA {sl.score('cka', X, Y):.3f}")
        NBS 0.600, CKA 0.781
    """
    if end not in ("most-cka", "least-cka") or (cka is None) == (nbs is None):
        raise ValueError(
            f"end is 'most-cka' or 'least-cka', with one of cka and nbs; got {end!r}, {cka}, {nbs}"
        )
    values = torch.as_tensor(validation.flat(validation.array(X, "X")), dtype=torch.float64)
    basis, sizes = (part.numpy() for part in principal_components(values))
    shares = normalised(sizes**2)
    p, (given, level) = len(shares), (NBS, nbs) if cka is None else (CKA, cka)
    if not (ENDS < level < 1 - ENDS):
        raise ValueError(f"the level lies in (0, 1); got {level:g}")
    levels = np.array([level], dtype=np.float64)
    if end == "least-cka":
        q = columns_of(columns, p, fewest=p)
        point = least_cka.best_points(shares, levels, given)
    else:
        q = columns_of(columns, p, fewest=1)
        point = most_cka.best_points(shares, levels, given, q)
    if np.isnan(point.nbs[0]):
        raise ValueError(f"no Y of {q} columns is known to reach {level:g}")
    if end == "least-cka":
        factor = np.pad(least_cka.factor(shares, point), ((0, 0), (0, q - p)))
    else:
        factor = most_cka.factor(shares, q, point)
    outside = factor[p:][np.abs(factor[p:]).max(axis=1) > 0]
    room = len(values) - 1 - p
    if len(outside) > room:
        raise ValueError(
            f"this Y needs {len(outside)} directions outside of X; {len(values)} samples leave "
            f"{room}"
        )
    known = np.hstack([np.ones((len(values), 1)), basis])
    new = np.linalg.qr(known, mode="complete")[0][:, p + 1 : p + 1 + len(outside)]
    return basis @ factor[:p] + new @ outside
