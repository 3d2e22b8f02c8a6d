"""Principal components (PCs) of X: how much of each one Y has learned, and at which score."""

from __future__ import annotations

import numpy as np
import torch

from simlib import validation
from simlib.linalg import (
    centred_columns,
    explained_variance_ratio,
    onto_columns,
    orthonormal_basis,
    principal_components,
)

__all__ = ["captured_variance", "explained_variance", "left_singular_vectors", "score_to_capture"]


def _tensor(values, name: str) -> torch.Tensor:
    return torch.from_numpy(validation.flat(validation.array(values, name)))


def left_singular_vectors(X) -> torch.Tensor:
    """u_i of the centred X as columns, (samples, rank), largest variance first: compute once, use
    often.
    """
    return principal_components(_tensor(X, "X"))[0]


def explained_variance(X) -> np.ndarray:
    """Explained-variance ratio of each PC of X, (p,): lambda_i / sum lambda_j, zeros beyond the
    rank.
    """
    X = _tensor(X, "X")
    ratios = explained_variance_ratio(X).numpy()
    return np.pad(ratios, (0, X.shape[1] - len(ratios)))


def captured_variance(X, Y, *, vectors: torch.Tensor | None = None) -> np.ndarray:
    """R^2 of each PC of X predicted linearly from Y, (p,), each in [0, 1].

    R^2_i = ||Q'u_i||^2 with u_i the left singular vectors of the centred X and Q an orthonormal
    basis of the centred Y's columns. PCs beyond the rank of X have no direction: NaN. X and Y are
    (samples, neurons) or (time, trial, neuron). `vectors` (from `left_singular_vectors(X)`, in
    single precision where Y is) saves the decomposition of X when many Y are compared with one X.
    Source: Cloos et al. 2024, figures 2, 4 and 5.
    """
    if vectors is None:
        X, Y = validation.pair(X, Y)
        vectors = left_singular_vectors(X)
    captured = np.full(np.shape(X)[-1], np.nan)
    captured[: vectors.shape[1]] = _explained(vectors, _samples(Y, len(vectors))).clamp(0, 1)
    return captured


def _samples(Y, n: int) -> torch.Tensor:
    """Y as (n, neurons); a tensor of floats keeps its precision."""
    if not (
        isinstance(Y, torch.Tensor) and Y.is_floating_point() and bool(torch.isfinite(Y.sum()))
    ):
        Y = _tensor(Y, "Y")
    if len(flat := validation.flat(Y)) != n:
        raise ValueError(
            f"X and Y need the same samples in the same order; got {n} and {len(flat)}"
        )
    return flat.detach().cpu()


def _explained(vectors: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
    """||Q'u||^2 of each column u of `vectors`, Q an orthonormal basis of the columns of the centred
    Y.
    """
    mean = Y.mean(0)
    found = onto_columns(
        Y - mean, vectors, 8 * torch.finfo(Y.dtype).eps * len(Y) ** 0.5 * mean.abs()
    )
    if found is None:
        found = orthonormal_basis(centred_columns(Y.double())).T @ vectors.double()
    return found.square().sum(0).double()


def score_to_capture(scores, r2) -> np.ndarray:
    """The score at which each PC is captured, (p,): where its R^2 first crosses (R^2 at the start +
    1) / 2.

    `scores` (snapshots,) and `r2` (snapshots, p) are in the order of the ascent. Linear
    interpolation between the snapshots around the first crossing; scores[0] where R^2 starts at 1,
    NaN where the midpoint is never reached. Source: Cloos et al. 2024, figures 4 and 5.
    """
    scores, r2 = np.asarray(scores, float), np.asarray(r2, float)
    if r2.ndim != 2 or len(r2) != len(scores):
        raise ValueError(
            f"r2 needs the shape (snapshots, PCs) with {len(scores)} snapshots; got {r2.shape}"
        )
    midpoint = (r2[0] + 1) / 2
    above = r2 >= midpoint
    result = np.full(r2.shape[1], np.nan)
    for pc in np.flatnonzero(above.any(0)):
        k = int(np.argmax(above[:, pc]))
        if k == 0:
            result[pc] = scores[0]
            continue
        part = (midpoint[pc] - r2[k - 1, pc]) / (r2[k, pc] - r2[k - 1, pc])
        result[pc] = scores[k - 1] + part * (scores[k] - scores[k - 1])
    return result
