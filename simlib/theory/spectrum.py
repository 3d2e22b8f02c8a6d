"""What the equations share: a spectrum that is checked, shares of it, the angular score."""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray as Array

from simlib import validation
from simlib.linalg import angular_score


def checked(variances) -> Float[Array, " p"]:
    """The variances as float64, refused where they are not a spectrum."""
    values = np.asarray(variances, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"variances needs one value a PC, shape (p,); got shape {values.shape}")
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"variances needs positive finite numbers; got {values[place]:g} at PC {place + 1}. "
            "Drop the PCs beyond the rank: they have no variance to keep, replace or score"
        )
    return values


def shares(variances) -> Float[Array, " p"]:
    """lambda_i / sum lambda_j, the explained-variance ratios."""
    values = checked(variances)
    return values / values.sum()


def squared_shares(variances) -> Float[Array, " p"]:
    """lambda_i^2 / sum lambda_j^2."""
    return shares(np.square(checked(variances)))


def angular(score: Array | float) -> Array:
    """1 - (2/pi) arccos(score), as in the measures.

    Example:
        >>> from simlib import exact_ranges
        >>> round(float(exact_ranges.angular(0.5)), 3)
        0.333
    """
    return angular_score(torch.from_numpy(np.asarray(score, dtype=np.float64))).numpy()


def penalty_of_ridge(penalty: float) -> float:
    validation.at_least("penalty", penalty, 0)
    return float(penalty)
