"""Ranges of (CKA, NBS) and of their angular forms, and matrices Y at their ends."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray as Array

from simlib import validation
from simlib.exact_ranges.equations import levels_of, normalised
from simlib.exact_ranges.least_cka import lower_end, lower_factor
from simlib.exact_ranges.most_cka import upper_factor, upper_levels
from simlib.linalg import principal_components
from simlib.theory.spectrum import angular

__all__ = [
    "angular",
    "cka_range_given_nbs",
    "from_angular",
    "nbs_bounds_given_cka",
    "nbs_range_given_cka",
    "witness",
]

ENDS = 1e-9  # levels nearer to 0 or 1 than this are 0 or 1


def from_angular(score):
    """cos((1 - score) pi / 2): NBS from angular Procrustes, CKA from angular CKA."""
    return np.cos((1 - np.asarray(score, dtype=np.float64)) * np.pi / 2)


def _range(variances, level, columns: int | None, column: int) -> tuple[Array, Array]:
    """The least and the most of the other score where score number `column` (0 NBS, 1 CKA) is
    `level`.
    """
    shares = normalised(variances)
    q = len(shares) if columns is None else columns
    if q < len(shares):
        raise ValueError(
            f"the least CKA is known for Y of at least {len(shares)} columns, X's PCs; got "
            f"{columns}"
        )
    levels = np.atleast_1d(levels_of(level))
    lower, upper = np.round(levels), np.round(levels)  # the curves of least and of most CKA
    inner = (levels > ENDS) & (levels < 1 - ENDS)
    if inner.any():
        lower[inner] = lower_end(shares, levels[inner], column)[1 - column]
        upper[inner] = upper_levels(shares, levels[inner], column, q)[1 - column]
    least, most = (upper, lower) if column else (lower, upper)
    if (least > most + ENDS).any():
        raise ArithmeticError(
            f"the least and the most of the other score cross at {levels[least > most + ENDS]}"
        )
    crossed = least > most  # by rounding, where the range is one point
    least, most = np.where(crossed, most, least), np.where(crossed, least, most)
    return least.reshape(np.shape(level)), most.reshape(np.shape(level))


def cka_range_given_nbs(
    variances, nbs, columns: int | None = None
) -> tuple[Float[Array, "*levels"], Float[Array, "*levels"]]:
    """Lowest and highest CKA of a Y whose NBS with X is `nbs`; both rise with it, and all between
    occur.

    `variances` (p,) of X's PCs in any unit, `nbs` a number or an array in [0, 1], `columns` = q >=
    p of Y (p unless given). The highest is proved. The lowest is attained by a Y; the shape of the
    best Y is proved, that the search over that shape finds the best one is a conjecture (see
    `simlib.exact_ranges.least_cka`). Exact for n - 1 >= p + q samples; with fewer the range may be
    smaller. For the angular scores use `angular` and `from_angular`. Raises ValueError for scores
    outside [0, 1] and for fewer columns than PCs. A level at which no Y was found is NaN, with a
    RuntimeWarning; none is known.
    """
    return _range(variances, nbs, columns, 0)


def nbs_range_given_cka(
    variances, cka, columns: int | None = None
) -> tuple[Float[Array, "*levels"], Float[Array, "*levels"]]:
    """Lowest and highest NBS of a Y whose CKA with X is `cka`: the ends of `cka_range_given_nbs`,
    inverted.

    The lowest is proved, the highest is attained by a Y and rests on the same search. Arguments and
    errors as there.
    """
    return _range(variances, cka, columns, 1)


def nbs_bounds_given_cka(variances, variances_y, cka) -> tuple[Array, Array]:
    """Bounds on NBS for given spectra of both sides: CKA / sqrt(P) <= NBS^2 <= p CKA / sqrt(P).
    Proved.

    P is the product of the participation ratios (tr K)^2 / |K|_F^2 and p the smaller number of PCs.
    Sharper than `simlib.theory.nbs_bounds`, which knows the ranks alone.
    """
    x, y = normalised(variances), normalised(variances_y)
    squared = np.asarray(cka, dtype=np.float64) * np.sqrt((x**2).sum() * (y**2).sum())
    return np.sqrt(squared), np.minimum(1, np.sqrt(min(len(x), len(y)) * squared))


def witness(
    X, end: str, *, cka: float | None = None, nbs: float | None = None, columns: int | None = None
) -> Float[Array, "n q"]:
    """A Y, centred, that attains an end of the (CKA, NBS) region: `end` is "most-cka" or
    "least-cka".

    One of `cka` and `nbs`, in (0, 1), says where along it. `columns` = q of Y (default, the PCs of
    X). "most-cka" uses a direction outside of X for each column that isn't a full copy of a PC,
    "least-cka" one at most. Raises ValueError where X's samples leave fewer directions than that,
    or no such Y exists.
    """
    if end not in ("most-cka", "least-cka") or (cka is None) == (nbs is None):
        raise ValueError(
            f"end is 'most-cka' or 'least-cka', with one of cka and nbs; got {end!r}, {cka}, {nbs}"
        )
    values = torch.as_tensor(validation.flat(validation.array(X, "X")), dtype=torch.float64)
    basis, sizes = (part.numpy() for part in principal_components(values))
    shares = normalised(sizes**2)
    p, column = len(shares), int(nbs is None)
    q = p if columns is None else columns
    level = np.array([nbs if cka is None else cka], dtype=np.float64)
    if not (ENDS < level[0] < 1 - ENDS):
        raise ValueError(f"the level lies in (0, 1); got {level[0]:g}")
    if end == "least-cka":
        if q < p:
            raise ValueError(
                f"the least CKA is known for Y of at least {p} columns, X's PCs; got {columns}"
            )
        found = lower_end(shares, level, column)
        if np.isnan(found.nbs[0]):
            raise ValueError(f"no Y was found at {level[0]:g}")
        factor = np.pad(
            lower_factor(shares, *(value[0] for value in found[2:])), ((0, 0), (0, q - p))
        )
    else:
        point = upper_levels(shares, level, column, q)
        if np.isnan(point.nbs[0]):
            raise ValueError(f"no Y of {q} columns reaches {level[0]:g}")
        factor = upper_factor(shares, q, point, 0)
    used = np.concatenate([np.ones(p, bool), np.abs(factor[p:]).max(axis=1) > 0])
    outside = int(used[p:].sum())
    room = len(values) - 1 - p
    if outside > room:
        raise ValueError(
            f"this Y needs {outside} directions outside of X; {len(values)} samples leave {room}"
        )
    full = np.linalg.qr(np.hstack([np.ones((len(values), 1)), basis]), mode="complete")[0]
    return np.hstack([basis, full[:, p + 1 : p + 1 + outside]]) @ factor[used]
