"""Scores of X against many orders of Y's samples: what belongs to a side is computed once.

An order is a row of (orders, n) indices: the samples of Y as X's meet them.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from simlib.linalg import nuclear_norm, square_sum

# One value an order.
Scores = Callable[[Int[Tensor, "orders n"]], Float[Tensor, " orders"]]
ROOM = 2**22  # numbers held at once
WIDE = 75  # products of a pair of neurons a sample that take as long as one lookup in a matrix


def overlaps(A: Float[Tensor, "n n"], B: Float[Tensor, "n n"]) -> Scores:
    """<A, B> with the rows and columns of B in each order: n^2 operations an order.

    Example:
        >>> import simlib as sl, torch
        >>> A = torch.tensor([[1.0, 2.0], [2.0, 5.0]])
        >>> sl.measures.shuffles.overlaps(A, A)(torch.tensor([[0, 1], [1, 0]]))
        tensor([34., 18.])
    """
    return lambda orders: torch.stack([(A * B[order][:, order]).sum() for order in orders])


def cosines(A: Float[Tensor, "n n"], B: Float[Tensor, "n n"]) -> Scores:
    """<A, B> / (||A|| ||B||) with the rows and columns of B in each order.

    Example:
        >>> import simlib as sl, torch
        >>> A = torch.tensor([[1.0, 2.0], [2.0, 5.0]])
        >>> sl.measures.shuffles.cosines(A, A)(torch.tensor([[0, 1], [1, 0]])).round(decimals=3)
        tensor([1.0000, 0.5290])
    """
    shared, norms = overlaps(A, B), (square_sum(A) * square_sum(B)).sqrt()
    return lambda orders: shared(orders) / norms


def energies(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Scores:
    """||X'Y||_F^2 with the rows of Y in each order: n p q operations an order, or n^2 lookups where
    these are quicker and take no more than about twice the room of X and Y.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.measures.shuffles.energies(X, X)(torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]]))
        tensor([76., 12.])
    """
    n, p, q = *X.shape, Y.shape[1]
    if p * q > WIDE * n and n <= 2 * (p + q):
        return overlaps(X @ X.T, Y @ Y.T)
    at_once = max(1, ROOM // (n * q))
    return lambda orders: torch.cat(
        [(X.T @ Y[some]).square().sum((1, 2)) for some in orders.split(at_once)]
    )


def hollow(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"], weight: float = 1.0) -> Scores:
    """<K, L> - weight sum_i K_ii L_ii of K = XX' and L = YY', the rows of Y in each order: of a
    weight of 1 the product of the two without their diagonals, in the time of `energies`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.measures.shuffles.hollow(X, X)(torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]]))
        tensor([34.,  2.])
    """
    full, x, y = energies(X, Y), X.square().sum(1), Y.square().sum(1)
    return lambda orders: full(orders) - weight * (y[orders] @ x)


def nuclear_norms(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Scores:
    """||X'Y||_* with the rows of Y in each order.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.measures.shuffles.nuclear_norms(X, X)(torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]]))
        tensor([10.0000,  ...])
    """
    return lambda orders: torch.stack([nuclear_norm(X.T @ Y[order]) for order in orders])
