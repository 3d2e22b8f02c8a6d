"""Measures that predict X from Y: linear regression and ridge, with and without cross-validation."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from simlib.linalg import centre, orthonormal_basis, square_sum

__all__ = ["linear_regression", "regression"]


class _ExplainedEnergy(torch.autograd.Function):
    """||Q'X||_F^2, Q an orthonormal basis of Y's columns."""

    @staticmethod
    def forward(ctx, X, Y):
        Q = orthonormal_basis(Y).to(X.dtype)
        coordinates = Q.T @ X
        ctx.save_for_backward(X, Y, Q, coordinates)
        return square_sum(coordinates)

    @staticmethod
    def backward(ctx, grad):
        X, Y, Q, coordinates = ctx.saved_tensors
        # Y = QR; the residual of X on Y, times the coefficients (R^+ Q'X)'.
        residual = X - Q @ coordinates
        grad_y = None
        if ctx.needs_input_grad[1]:
            R = (Q.T @ Y).double()
            coefficients = torch.linalg.pinv(R) @ coordinates.double()
            grad_y = 2 * grad * (residual @ coefficients.to(X.dtype).T)
        return 2 * grad * (Q @ coordinates) if ctx.needs_input_grad[0] else None, grad_y


def linear_regression(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Linear-regression R^2 of X predicted from Y, in [0, 1].

    ||Q'X||_F^2 / ||X||_F^2 of the centred columns, Q an orthonormal basis of Y's column space (of its
    numerical rank: a rank-deficient Y explains no more than it spans). 1 whenever Y's columns span the
    samples (q >= n - 1). Not symmetric; unchanged by any invertible linear map of Y, by rotation and
    isotropic scale of X, and by translation of either. Source: Kornblith et al. 2019, section 3.
    """
    X, Y = centre(X), centre(Y)
    return _ExplainedEnergy.apply(X, Y) / square_sum(X)


def _coefficients(X: Tensor, Y: Tensor, penalty: float) -> Tensor:
    """B = (Y'Y + penalty I)^-1 Y'X, by the smaller of Y'Y and YY'; least norm where penalty is 0."""
    n, q = Y.shape
    if penalty == 0:
        return torch.linalg.pinv(Y) @ X
    if q <= n:
        return torch.linalg.solve(Y.T @ Y + penalty * torch.eye(q, dtype=Y.dtype, device=Y.device), Y.T @ X)
    return Y.T @ torch.linalg.solve(Y @ Y.T + penalty * torch.eye(n, dtype=Y.dtype, device=Y.device), X)


def _compare(target: Tensor, predicted: Tensor, comparison: str) -> Tensor:
    if comparison == "r2":
        return 1 - square_sum(target - predicted) / square_sum(target)
    return (target * predicted).sum() / (square_sum(target) * square_sum(predicted)).sqrt()


def _fit_and_compare(X: Tensor, Y: Tensor, test: slice | None, penalty: float, comparison: str) -> Tensor:
    train = torch.ones(len(X), dtype=torch.bool, device=X.device)
    if test is not None:
        train[test] = False
    mean_x, mean_y = X[train].mean(0), Y[train].mean(0)
    B = _coefficients(X[train] - mean_x, Y[train] - mean_y, penalty)
    held_out = slice(None) if test is None else test
    return _compare(X[held_out] - mean_x, (Y[held_out] - mean_y) @ B, comparison)


def _held_out_errors(X: Tensor, Y: Tensor, blocks: list[slice], penalty: float) -> list[Tensor]:
    """Ridge residuals of each held-out block from one fit: E_k = (I - H_kk)^-1 (X - HX)_k.

    H = 11'/n + Y (Y'Y + aI)^-1 Y' of the centred Y: the block form of leave-one-out, exact because the
    intercept is not penalised.
    """
    n, q = Y.shape
    Y = centre(Y)
    side = Y.T @ Y if q <= n else Y @ Y.T
    L = torch.linalg.cholesky(side + penalty * torch.eye(len(side), dtype=Y.dtype, device=Y.device))
    half = torch.linalg.solve_triangular(L, Y.T if q <= n else side, upper=False)
    if q <= n:
        hat = half.T @ half
    else:
        hat = torch.cholesky_solve(side, L)
    hat = hat + 1 / n
    residual = X - hat @ X
    eye = torch.eye(n, dtype=Y.dtype, device=Y.device)
    return [torch.linalg.solve(eye[b, b] - hat[b, b], residual[b]) for b in blocks]


def contiguous_blocks(n: int, folds: int) -> list[slice]:
    """`folds` runs of consecutive samples that cover n of them; the first n % folds are one longer."""
    edges = np.cumsum([0] + [n // folds + (k < n % folds) for k in range(folds)])
    return [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def _one_way(X: Tensor, Y: Tensor, penalty: float, folds: int, comparison: str) -> Tensor:
    if folds == 0:
        return _fit_and_compare(X, Y, None, penalty, comparison)
    blocks = contiguous_blocks(len(X), folds)
    if penalty == 0 or len(X) // folds > Y.shape[1]:
        scores = [_fit_and_compare(X, Y, block, penalty, comparison) for block in blocks]
        return torch.stack(scores).mean()
    total, n = X.sum(0), len(X)
    scores = []
    for block, error in zip(blocks, _held_out_errors(X, Y, blocks, penalty), strict=True):
        held_out = X[block]
        target = held_out - (total - held_out.sum(0)) / (n - len(held_out))
        scores.append(_compare(target, target - error, comparison))
    return torch.stack(scores).mean()


def regression(
    X: Float[Tensor, "n p"],
    Y: Float[Tensor, "n q"],
    *,
    penalty: float = 100.0,
    folds: int = 5,
    comparison: str = "r2",
    symmetric: bool = False,
) -> Float[Tensor, ""]:
    """Ridge regression of X on Y, scored on held-out samples; at most 1, with no lower bound for R^2.

    `folds` contiguous blocks of samples are held out in turn (0: scored where fitted). The fit is
    B = (Y'Y + penalty I)^-1 Y'X on training rows centred by their means (least norm where penalty is 0).
    `comparison` "r2" is 1 - ||X - YB||_F^2 / ||X||_F^2 on held-out rows centred by the training means;
    "cosine" is the cosine of prediction and target there, the authors' "pearsonr". `symmetric` averages both
    directions. Not symmetric otherwise; unchanged by rotation and translation of either side and by scale of
    X; the penalty acts on the scale of Y.
    Raises ValueError for a negative penalty, another comparison or folds that the samples don't fill.
    Source: Hoerl & Kennard 1970; Cloos et al. 2024 for the settings.
    """
    if penalty < 0:
        raise ValueError(f"penalty needs to be 0 or more; got {penalty}")
    if comparison not in ("r2", "cosine"):
        raise ValueError(f"comparison is 'r2' or 'cosine'; got {comparison!r}")
    if folds and not 2 <= folds <= len(X):
        raise ValueError(f"folds is 0 (no cross-validation) or from 2 to the {len(X)} samples; got {folds}")
    forward = _one_way(X, Y, penalty, folds, comparison)
    if not symmetric:
        return forward
    return (forward + _one_way(Y, X, penalty, folds, comparison)) / 2
