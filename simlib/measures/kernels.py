"""Measures that compare two samples x samples matrices: CKA, its relatives, and RSA."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from simlib.linalg import arccos, centre, square_sum

__all__ = ["cka", "cka_angular_score", "ensd", "rsa"]


def _gram_products(X: Tensor, Y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """<K_X, K_Y>, ||K_X||^2 and ||K_Y||^2 of the centred linear Gram matrices, by the smaller products."""
    X, Y = centre(X), centre(Y)
    n, p, q = *X.shape, Y.shape[1]
    if n < p and n < q:
        K, L = X @ X.T, Y @ Y.T
        return (K * L).sum(), square_sum(K), square_sum(L)
    return square_sum(X.T @ Y), square_sum(X.T @ X), square_sum(Y.T @ Y)


def cka(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Linear centred kernel alignment (CKA), in [0, 1].

    ||X'Y||_F^2 / (||X'X||_F ||Y'Y||_F) of the centred columns: the cosine of the two Gram matrices.
    Symmetric; unchanged by translation, rotation and isotropic scale of either side.
    Source: Kornblith et al. 2019, section 3.
    """
    cross, own_x, own_y = _gram_products(X, Y)
    return cross / (own_x * own_y).sqrt()


def cka_angular_score(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Angular CKA, in [0, 1]: 1 - (2/pi) arccos(CKA).

    One minus the angle between the two Gram matrices in units of a right angle. Invariances as `cka`.
    Source: Williams et al. 2021; Cloos et al. 2024.
    """
    return 1 - arccos(cka(X, Y)) * (2 / math.pi)


def ensd(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Effective number of shared dimensions (ENSD), from 0 up to the smaller participation ratio's order.

    ||X'Y||_F^2 tr(X'X) tr(Y'Y) / (||X'X||_F^2 ||Y'Y||_F^2) of the centred columns; of X with itself it is
    X's participation ratio. Symmetric; invariances as `cka`.
    Source: Giaffar et al. 2023.
    """
    cross, own_x, own_y = _gram_products(X, Y)
    return cross * square_sum(centre(X)) * square_sum(centre(Y)) / (own_x * own_y)


def _squared_distances(X: Tensor) -> Tensor:
    X = centre(X)
    squares = X.square().sum(1)
    return squares[:, None] + squares[None, :] - 2 * X @ X.T


def _correlation_distances(X: Tensor) -> Tensor:
    rows = X - X.mean(1, keepdim=True)
    rows = rows / rows.square().sum(1, keepdim=True).clamp_min(torch.finfo(X.dtype).tiny).sqrt()
    return 1 - rows @ rows.T


def _pearson(a: Tensor, b: Tensor) -> Tensor:
    return _cosine(a - a.mean(), b - b.mean())


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum() / (a.square().sum() * b.square().sum()).sqrt()


DISTANCES = {"squared-euclidean": _squared_distances, "correlation": _correlation_distances}
COMPARISONS = {"pearson": _pearson, "cosine": _cosine}


def rsa(
    X: Float[Tensor, "n p"],
    Y: Float[Tensor, "n q"],
    *,
    distance: str = "squared-euclidean",
    comparison: str = "pearson",
) -> Float[Tensor, ""]:
    """Representational similarity analysis (RSA), in [-1, 1].

    The upper triangles of the two samples x samples distance matrices, compared. `distance` is
    "squared-euclidean" or "correlation" (one minus the Pearson correlation of two samples over neurons);
    `comparison` is "pearson" or "cosine". Symmetric. Squared Euclidean distances are unchanged by
    translation and rotation, and their comparison by isotropic scale; correlation distances by an isotropic
    scale and by one number added to all neurons of a sample.
    Raises KeyError on another distance or comparison. Source: Kriegeskorte et al. 2008.
    """
    above = torch.triu_indices(X.shape[0], X.shape[0], 1, device=X.device).unbind()
    return COMPARISONS[comparison](DISTANCES[distance](X)[above], DISTANCES[distance](Y)[above])
