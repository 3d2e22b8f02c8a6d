"""Many two-class logistic regressions at once: all folds and variables of all time bins in one batch."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = ["decision_values"]

MEMORY = 8  # pairs of steps and changes of gradient that L-BFGS keeps
STEPS = 300


def _coordinates(Y: Float[Tensor, "bins n p"]) -> tuple[Float[Tensor, "bins n r"], Float[Tensor, "bins r"]]:
    """The trials of each bin in the principal axes of that bin, r = min(n, p) of them, and the variance along each.

    A penalty on the length of the weights doesn't see a rotation; in these axes the curvature is nearly diagonal.
    """
    Y = Y - Y.mean(1, keepdim=True)
    if Y.shape[1] <= Y.shape[2]:
        squares, U = torch.linalg.eigh(Y @ Y.mT)
        return U * squares.clamp_min(0).sqrt()[:, None], squares.clamp_min(0)
    squares, V = torch.linalg.eigh(Y.mT @ Y)
    return Y @ V, squares.clamp_min(0)


class _Problem:
    """Penalised negative log-likelihood of every bin (b) and fit (f); weights are (b, r + 1, f), the last row free."""

    def __init__(self, Y: Tensor, positive: Tensor, train: Tensor):
        Z, squares = _coordinates(Y)
        bins, n, r = Z.shape
        self.Z = torch.cat([Z, Z.new_ones(bins, n, 1)], 2)
        self.train, self.positive = train.to(Z.dtype), positive.to(Z.dtype)
        self.penalty = torch.cat([Z.new_ones(r), Z.new_zeros(1)])[:, None]
        self.count = self.train.sum(0)
        share = self.count / n
        self.spread = torch.cat([squares[..., None] * share, (Z.new_ones(bins, 1, 1) * self.count)], 1)

    def loss(self, weights: Tensor, values: Tensor) -> Tensor:
        misfit = (torch.nn.functional.softplus(values) - self.positive * values) * self.train
        return misfit.sum(1) + (self.penalty * weights.square()).sum(1) / 2

    def gradient(self, weights: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient, and the inverse of a diagonal stand-in for the curvature."""
        likely = torch.sigmoid(values)
        mean_curvature = (likely * (1 - likely) * self.train).sum(1, keepdim=True) / self.count
        gradient = self.Z.mT @ ((likely - self.positive) * self.train) + self.penalty * weights
        return gradient, 1 / (mean_curvature * self.spread + self.penalty).clamp_min(1e-12)


def _direction(gradient: Tensor, inverse: Tensor, pairs: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """The step of L-BFGS (two loops over the kept pairs), from `inverse` as the first guess."""
    q, shares = -gradient, []
    for step, change, scale in reversed(pairs):
        shares.append((step * q).sum(1, keepdim=True).mul_(scale))
        q.addcmul_(shares[-1], change, value=-1)
    q *= inverse
    for (step, change, scale), share in zip(pairs, reversed(shares), strict=True):
        q.addcmul_(share.addcmul_(scale, (change * q).sum(1, keepdim=True), value=-1), step)
    return q


def decision_values(
    Y: Float[Tensor, "bins n p"], positive: Bool[Tensor, "n fits"], train: Bool[Tensor, "n fits"], *, tol: float = 1e-5
) -> Float[Tensor, "bins n fits"] | None:
    """Log odds that each trial is `positive`, by the decoder of each bin fitted to the trials that are `train`.

    A column of `positive` and `train` is one fit: a fold of one variable.

    Minimises sum log(1 + exp(-z (w'y + b))) + |w|^2 / 2 over training trials (z = +-1), as scikit-learn's
    LogisticRegression with C = 1 does, until the loss lies within about `tol`^2 of its minimum, relatively, so that
    the odds are off by about `tol`: by the squared gradient over a diagonal curvature in the principal axes of each
    bin. L-BFGS from that curvature, all bins and fits at once. None where 300 steps don't get there: left to a more
    patient solver.
    """
    problem = _Problem(Y, positive, train)
    weights = problem.Z.new_zeros(len(Y), problem.Z.shape[2], train.shape[1])
    values = problem.Z @ weights
    loss, (gradient, inverse) = problem.loss(weights, values), problem.gradient(weights, values)
    pairs: list[tuple[Tensor, Tensor, Tensor]] = []
    for _ in range(STEPS):
        if bool(((gradient.square() * inverse).sum(1) <= tol**2 * loss).all()):
            return values
        direction = _direction(gradient, inverse, pairs)
        ahead, slope = problem.Z @ direction, (gradient * direction).sum(1)
        length = torch.ones_like(loss)
        for _ in range(30):
            step = length[:, None] * direction
            here = values + length[:, None] * ahead
            reached = problem.loss(weights + step, here)
            short = reached <= loss + 1e-4 * length * slope + 1e-13 * loss.abs()
            if bool(short.all()):
                break
            length = torch.where(short, length, length / 2)
        weights, values, loss, before = weights + step, here, reached, gradient
        gradient, inverse = problem.gradient(weights, values)
        change = gradient - before
        along = (step * change).sum(1, keepdim=True)
        pairs = [*pairs, (step, change, torch.where(along > 0, 1 / along, 0.0))][-MEMORY:]
    return None
