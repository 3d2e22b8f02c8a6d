"""Soft matching: neurons against neurons, by optimal transport."""

import numpy as np
import scipy
import torch
from jaxtyping import Float
from torch import Tensor

from simlib.linalg import centred_columns
from simlib.measures import shuffles


def _unit_columns(X: Tensor) -> Tensor:
    X = centred_columns(X)
    squares = X.square().sum(0)
    return X / torch.where(squares > 0, squares, 1).sqrt()


def _best_plan(gain: np.ndarray) -> np.ndarray:
    """The transport plan of most gain: rows sum to 1/p, columns to 1/q."""
    p, q = gain.shape
    if p == q:
        columns = scipy.optimize.linear_sum_assignment(gain, maximize=True)[1]
        return np.eye(p)[columns] / p
    rows = scipy.sparse.kron(scipy.sparse.eye_array(p), np.ones((1, q)))
    columns = scipy.sparse.kron(np.ones((1, p)), scipy.sparse.eye_array(q))
    sums, totals = scipy.sparse.vstack([rows, columns]), np.repeat([1 / p, 1 / q], [p, q])
    result = scipy.optimize.linprog(-gain.ravel(), A_eq=sums.tocsr(), b_eq=totals)
    if result.x is None:
        raise ValueError(f"no best matching of {p} and {q} neurons was found: {result.message}")
    return result.x.reshape(p, q)


def soft_matching(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Soft-matching correlation of neurons, in [-1, 1].

    max_P sum_ij P_ij corr(x_i, y_j) over transport plans P >= 0 whose rows sum to 1/p and columns
    to 1/q: each neuron of X shares its weight among neurons of Y. For p = q the mean correlation of
    the best one-to-one matching. Neurons that don't vary correlate with none, so that X with itself
    scores their share less than 1. Symmetric; unchanged by translation, positive scale of single
    neurons and permutation, not by rotation. The gradient holds the plan (smooth but where the best
    plan changes). An assignment for p = q; else a linear programme of p q unknowns, seconds for
    some hundreds of neurons. Source: Khosla & Williams 2024.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.matching.soft_matching(X, X[:, :1])), 3)
        0.5
    """
    return _matched(_unit_columns(X).T @ _unit_columns(Y))


def _matched(correlations: Tensor) -> Tensor:
    plan = _best_plan(correlations.detach().double().cpu().numpy())
    return (torch.from_numpy(plan).to(correlations) * correlations).sum()


def soft_matching_shuffled(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> shuffles.Scores:
    """soft_matching(X, Y) with the samples of Y in each order.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.matching.soft_matching_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [1, 0, 2, 3]])).round(decimals=3)
        tensor([0.5000, 0.0000])
    """
    x, y = _unit_columns(X), _unit_columns(Y)
    operations = x.numel() * y.shape[1]
    return shuffles.each(lambda order: _matched(x.T @ y.index_select(0, order)), operations)
