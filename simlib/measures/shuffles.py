"""Scores of X against many orders of Y's samples: what belongs to a side is computed once.

An order is a row of (orders, n) indices: the samples of Y as X's meet them.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from simlib.linalg import nuclear_norm, square_sum
from simlib.threads import side_by_side

# One value an order, or several.
Scores = Callable[[Int[Tensor, "orders n"]], Float[Tensor, "orders ..."]]
LOST = 1e-12  # share of a sum of singular values
LARGE = 5e6  # operations an order from which on threads pay: Python waits for itself below
PIECES = 4  # of the orders, for each thread
ROOM = 2**22  # numbers held at once
ROWS = 2**17  # numbers of the rows of a kernel taken at once, which the cache holds
WIDE = 40  # products of a pair of neurons a sample that take as long as one lookup in a matrix

_KNOWN: ContextVar[dict | None] = ContextVar("known", default=None)


@contextmanager
def shared() -> Iterator[None]:
    """While it lasts, what several measures need of the same sides and orders is computed once.

    Example:
        >>> import simlib as sl, torch
        >>> order = torch.tensor([[0, 1, 2]])
        >>> with sl.measures.shuffles.shared():
        ...     noise = [sl.measures.shuffles.once(torch.rand_like, "noise") for _ in range(2)]
        ...     noise[0](order * 1.0).equal(noise[1](order * 1.0))
        True
    """
    token = _KNOWN.set({})
    try:
        yield
    finally:
        _KNOWN.reset(token)


def once(scores: Scores, *about: Tensor | str | float | slice) -> Scores:
    """The scores, found again within `shared` for the same orders and the same that they are
    `about`: their name, sides and parameters.

    Example:
        >>> import simlib as sl, torch
        >>> sl.measures.shuffles.once(lambda orders: orders.sum(1), "sums")(torch.eye(2))
        tensor([1., 1.])
    """

    def kept(orders: Tensor) -> Tensor:
        known = _KNOWN.get()
        if known is None:
            return scores(orders)
        key = tuple(map(_mark, (orders, *about)))
        if key not in known:
            known[key] = scores(orders)
        return known[key]

    return kept


def _mark(thing: Tensor | str | float | slice) -> tuple:
    """The same for the same numbers, and small."""
    if not isinstance(thing, Tensor):
        return (repr(thing),)
    return *thing.shape, thing.dtype, hashlib.sha256(thing.contiguous().numpy()).digest()


def sharing() -> bool:
    """Whether this is within `shared`.

    Example:
        >>> import simlib as sl
        >>> sl.measures.shuffles.sharing()
        False
    """
    return _KNOWN.get() is not None


def each(score: Callable[[Int[Tensor, " n"]], Tensor], operations: float = 0) -> Scores:
    """The score of each order by itself; side by side in torch's threads where it takes many
    operations.

    Example:
        >>> import simlib as sl, torch
        >>> sl.measures.shuffles.each(lambda order: order[0])(torch.tensor([[0, 1], [1, 0]]))
        tensor([0, 1])
    """

    def scores(orders: Tensor) -> Tensor:
        pieces = PIECES * torch.get_num_threads() if operations >= LARGE else 1
        pieces = orders.tensor_split(min(len(orders), pieces))
        return torch.cat(side_by_side(lambda some: torch.stack([*map(score, some)]), pieces))

    return scores


def moved(
    K: Float[Tensor, "n n"], rows: Int[Tensor, " m"], columns: Int[Tensor, " n"]
) -> Float[Tensor, "m n"]:
    """These rows and columns of K. Four times as fast as by indices in brackets.

    Example:
        >>> import simlib as sl, torch
        >>> K = torch.tensor([[1.0, 2.0], [2.0, 5.0]])
        >>> sl.measures.shuffles.moved(K, torch.tensor([1]), torch.tensor([1, 0]))
        tensor([[5., 2.]])
    """
    return K.index_select(0, rows).gather(1, columns.expand(len(rows), -1))


def overlaps(A: Float[Tensor, "n n"], B: Float[Tensor, "n n"]) -> Scores:
    """<A, B> with the rows and columns of B in each order: n^2 lookups an order.

    Example:
        >>> import simlib as sl, torch
        >>> A = torch.tensor([[1.0, 2.0], [2.0, 5.0]])
        >>> sl.measures.shuffles.overlaps(A, A)(torch.tensor([[0, 1], [1, 0]]))
        tensor([34., 18.])
    """
    at_once = max(1, ROWS // len(A))

    def score(order: Tensor) -> Tensor:
        rows = zip(A.split(at_once), order.split(at_once), strict=True)
        return sum((own * moved(B, some, order)).sum() for own, some in rows)

    return each(score, WIDE * A.numel())


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
        return once(overlaps(X @ X.T, Y @ Y.T), "energies", X, Y)
    at_once = max(1, ROOM // (n * q))

    def batch(some: Tensor) -> Tensor:
        return (X.T @ Y.index_select(0, some.ravel()).view(-1, n, q)).square().sum((1, 2))

    def scores(orders: Tensor) -> Tensor:
        return torch.cat(side_by_side(batch, orders.split(at_once)))

    return once(scores, "energies", X, Y)


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


def _norm(M: Tensor) -> Tensor:
    """||M||_* by the eigenvalues of the smaller Gram matrix where these keep its digits."""
    squares = torch.linalg.eigvalsh(M.T @ M if M.shape[0] > M.shape[1] else M @ M.T)
    s = squares.clamp_min(0).sqrt()
    missed = 4 * torch.finfo(M.dtype).eps * squares[-1] * s.reciprocal().sum()
    return s.sum() if missed < LOST * s.sum() else nuclear_norm(M)


def nuclear_norms(
    X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"], known: Float[Tensor, " orders"] | None = None
) -> Scores:
    """||X'Y||_* with the rows of Y in each order; where they are `known`, these, for others to
    share.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.measures.shuffles.nuclear_norms(X, X)(torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]]))
        tensor([10.0000,  ...])
    """
    computed = each(lambda order: _norm(X.T @ Y.index_select(0, order)), X.numel() * Y.shape[1])
    return once(computed if known is None else lambda _: known, "nuclear norms", X, Y)
