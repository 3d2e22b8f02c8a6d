"""Principal components (PCs) of X: how much of each one Y has learned, and at which score."""

import numpy as np
import torch

from simlib import trials, validation
from simlib.linalg import (
    centre,
    centred_columns,
    explained_variance_ratio,
    onto_columns,
    orthonormal_basis,
    principal_components,
    rounding,
)

__all__ = [
    "captured_variance",
    "explained_variance",
    "first_crossing",
    "left_singular_vectors",
    "score_to_capture",
]


def _tensor(values, name: str) -> torch.Tensor:
    return torch.from_numpy(validation.flat(validation.array(values, name)))


def left_singular_vectors(X) -> torch.Tensor:
    """Left singular vectors u_i of the centred X: computed once, used for many Y.

    Args:
        X: (samples, neurons) or (time, trial, neuron).

    Returns:
        A float64 tensor (samples, rank), a column for each PC, largest variance first.

    Raises:
        ValueError: for an X that can't be scored.

    Example:
        >>> import simlib as sl
        >>> sl.components.left_singular_vectors([[0, 0], [2, 0], [0, 1], [2, 1]]).abs()
        tensor([[0.5000, 0.5000],
                [0.5000, 0.5000],
                [0.5000, 0.5000],
                [0.5000, 0.5000]], dtype=torch.float64)
    """
    return principal_components(_tensor(X, "X"))[0]


def explained_variance(X) -> np.ndarray:
    """Explained-variance ratio lambda_i / sum lambda_j of each PC of X, in [0, 1].

    Args:
        X: (samples, neurons) or (time, trial, neuron).

    Returns:
        An array (p,), largest first, with zeros beyond the rank.

    Raises:
        ValueError: for an X that can't be scored.

    Example:
        >>> import simlib as sl
        >>> sl.components.explained_variance([[0, 0], [2, 0], [0, 1], [2, 1]]).round(3)
        array([0.8, 0.2])
    """
    X = _tensor(X, "X")
    ratios = explained_variance_ratio(X).numpy()
    return np.pad(ratios, (0, X.shape[1] - len(ratios)))


def captured_variance(X, Y, *, vectors: torch.Tensor | None = None) -> np.ndarray:
    """R^2 of each PC of X predicted linearly from Y, in [0, 1].

    R^2_i = ||Q'u_i||^2 with u_i the left singular vectors of the centred X and Q an orthonormal
    basis of the centred Y's columns.

    Args:
        X, Y: (samples, neurons) or (time, trial, neuron), with the same samples.
        vectors: `left_singular_vectors(X)`, in single precision where Y is, to spare the
            decomposition of X when many Y are compared with it.

    Returns:
        An array (p,), the PC of largest variance first; NaN beyond the rank of X.

    Raises:
        ValueError: for inputs that can't be scored.

    Source: Cloos et al. 2025, figures 2, 4 and 5.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> sl.captured_variance(X, [[0], [2], [0], [2]]).round(3)
        array([1., 0.])
    """
    if vectors is None:
        X, Y = validation.pair(X, Y)
        vectors = left_singular_vectors(X)
    elif (order := trials.order(X, Y)) is not None:
        Y = validation.array(Y, "Y")[..., order, :]
    captured = np.full(np.shape(X)[-1], np.nan)
    captured[: vectors.shape[1]] = _explained(vectors, _samples(Y, len(vectors))).clamp(0, 1)
    return captured


def _samples(Y, n: int) -> torch.Tensor:
    """Y as (n, neurons); a tensor of finite floats keeps its precision."""
    floats = isinstance(Y, torch.Tensor) and Y.is_floating_point()
    flat = validation.flat(Y) if floats and torch.isfinite(Y.sum()) else _tensor(Y, "Y")
    if len(flat) != n:
        raise ValueError(
            f"X and Y need the same samples in the same order; got {n} and {len(flat)}"
        )
    return flat.detach().cpu()


def _explained(vectors: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
    """||Q'u||^2 of each column u of `vectors`, Q an orthonormal basis of Y's centred columns."""
    mean = Y.mean(0)
    shortest = 8 * torch.finfo(Y.dtype).eps * len(Y) ** 0.5 * mean.abs()
    share = rounding(Y) if Y.dtype == torch.float64 else 0.0  # in float32 its eps is enough
    # Centred twice, since the first mean is rounded at its own size.
    projected = onto_columns(centre(Y - mean), vectors, shortest, share)
    if projected is None:
        Y = Y.double()
        projected = orthonormal_basis(centred_columns(Y), rounding(Y)).T @ vectors.double()
    return projected.square().sum(0).double()


def first_crossing(scores, values, level: float) -> float:
    """The score at which `values` first reach `level`, in the unit of `scores`.

    Args:
        scores, values: (snapshots,), in the order of the ascent.
        level: where to cross; linear between the snapshots around the first crossing.

    Returns:
        A float: scores[0] if the first value is there already, NaN if none gets there.

    Example:
        >>> import simlib as sl
        >>> round(sl.components.first_crossing([0.2, 0.4, 0.8], [0.1, 0.5, 0.9], 0.7), 3)
        0.6
    """
    scores, values = np.asarray(scores, float), np.asarray(values, float)
    above = np.flatnonzero(values >= level)
    if len(above) == 0:
        return float("nan")
    k = above[0]
    if k == 0:
        return float(scores[0])
    part = (level - values[k - 1]) / (values[k] - values[k - 1])
    return float(scores[k - 1] + part * (scores[k] - scores[k - 1]))


def score_to_capture(scores, r2) -> np.ndarray:
    """The score at which R^2 of each PC first crosses (R^2 at the start + 1) / 2: its capture.

    Args:
        scores: (snapshots,), in the order of the ascent.
        r2: (snapshots, p), the `captured_variance` of each snapshot.

    Returns:
        An array (p,) by `first_crossing`: scores[0] where R^2 starts at 1, NaN where the midpoint
        is never reached.

    Raises:
        ValueError: for an r2 of another shape.

    Source: Cloos et al. 2025, figures 4 and 5.

    Example:
        >>> import simlib as sl
        >>> sl.score_to_capture([0.2, 0.4, 0.8], [[0, 0], [0.5, 0.1], [1, 0.2]])
        array([0.4, nan])
    """
    scores, r2 = np.asarray(scores, float), np.asarray(r2, float)
    if r2.ndim != 2 or len(r2) != len(scores):
        raise ValueError(
            f"r2 needs the shape (snapshots, PCs) with {len(scores)} snapshots; got {r2.shape}"
        )
    return np.array([first_crossing(scores, of_pc, (of_pc[0] + 1) / 2) for of_pc in r2.T])
