"""Measures that rotate one side onto the other: NBS and Procrustes."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from simlib.linalg import arccos, centre, nuclear_norm, square_sum

__all__ = ["nbs", "nbs_squared", "procrustes_angular", "procrustes_angular_score", "procrustes_euclidean"]


def _cross_nuclear_norm(X: Tensor, Y: Tensor) -> Tensor:
    """||X'Y||_* of centred sides; a side with more neurons than samples is first rotated into n columns."""
    X, Y = (Z @ torch.linalg.qr(Z.detach().T)[0] if Z.shape[0] < Z.shape[1] else Z for Z in (X, Y))
    return nuclear_norm(X.T @ Y)


def nbs(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Normalised Bures similarity (NBS), in [0, 1].

    ||X'Y||_* / (||X||_F ||Y||_F) of the centred columns: the fidelity of the two Gram matrices, and the
    cosine left after the best rotation of Y onto X. Fewer columns count as padded with zeros.
    Symmetric; unchanged by translation, rotation and isotropic scale of either side.
    Source: Tang, Maheswaranathan & Singer 2020; Harvey, Larsen & Williams 2023.
    """
    X, Y = centre(X), centre(Y)
    return _cross_nuclear_norm(X, Y) / (square_sum(X) * square_sum(Y)).sqrt()


def nbs_squared(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """NBS^2, in [0, 1]. Invariances as `nbs`."""
    return nbs(X, Y).square()


def procrustes_angular(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Angular Procrustes distance arccos(NBS) in radians, in [0, pi/2]. Invariances as `nbs`.

    Source: Williams et al. 2021, eq. 6.
    """
    return arccos(nbs(X, Y))


def procrustes_angular_score(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Angular Procrustes score, in [0, 1]: 1 - (2/pi) arccos(NBS).

    Steep where NBS is near 1: it hears what the largest principal components drown out elsewhere.
    Invariances as `nbs`. Source: Williams et al. 2021; Cloos et al. 2024.
    """
    return 1 - procrustes_angular(X, Y) * (2 / math.pi)


def procrustes_euclidean(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Procrustes distance, from 0 up: the least ||X - YQ||_F over rotations and reflections Q.

    The root of ||X||^2 + ||Y||^2 - 2 ||X'Y||_* of the centred columns, in the units of X; not normalised.
    Symmetric; unchanged by translation and rotation, not by scale.
    Source: Schonemann 1966; Williams et al. 2021.
    """
    X, Y = centre(X), centre(Y)
    square = square_sum(X) + square_sum(Y) - 2 * _cross_nuclear_norm(X, Y)
    apart = square > 0
    return torch.where(apart, torch.where(apart, square, torch.ones_like(square)).sqrt(), torch.zeros_like(square))
