"""Which samples are held out together: the fold schemes of the cross-validated measures."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

SCHEMES = ("contiguous", "random", "condition", "grouped")
Labels = Sequence | np.ndarray | Tensor | None


def contiguous_blocks(n: int, folds: int) -> list[slice]:
    """`folds` runs of consecutive samples that cover n; the first n % folds are one longer.

    Example:
        >>> import simlib as sl
        >>> sl.measures.folds.contiguous_blocks(7, folds=2)
        [slice(0, 4, None), slice(4, 7, None)]
    """
    edges = np.cumsum([0] + [n // folds + (k < n % folds) for k in range(folds)])
    return [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def _whole_groups(groups: np.ndarray, folds: int, what: str) -> list[Tensor]:
    """Folds of whole groups, groups in their order of appearance dealt into contiguous runs."""
    _, first, place = np.unique(groups, return_index=True, return_inverse=True)
    order, count = np.argsort(np.argsort(first))[place], len(first)
    if folds > count:
        raise ValueError(f"{folds} folds of whole {what} need at least as many {what}; got {count}")
    return [
        torch.from_numpy(np.flatnonzero((order >= b.start) & (order < b.stop)))
        for b in contiguous_blocks(count, folds)
    ]


def held_out_blocks(
    n: int,
    folds: int,
    scheme: str = "contiguous",
    *,
    seed: int = 0,
    groups: Labels = None,
    conditions: int = 0,
) -> list[slice | Tensor]:
    """The samples that each fold holds out, each of the n once.

    `scheme`: "contiguous", runs of consecutive samples (time bins of one trial end up on both sides
    where a run ends within them); "random", shuffled from `seed`; "condition", whole trials or
    conditions, with all their time bins, for n = time x `conditions` samples in that order (`score`
    takes the number from a (time, trial, neuron) array); "grouped", whole groups, `groups` naming
    that of each sample. The schemes give different scores on the same data: where neighbouring
    samples are alike, "random" is the most lenient. Raises ValueError for another scheme, for
    groups that don't fit and for folds that the samples don't fill.

    Example:
        >>> import simlib as sl
        >>> blocks = sl.measures.folds.held_out_blocks(6, 3, "condition", conditions=3)
        >>> [held_out.tolist() for held_out in blocks]
        [[0, 3], [1, 4], [2, 5]]
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme is one of {', '.join(map(repr, SCHEMES))}; got {scheme!r}")
    if not 2 <= folds <= n:
        raise ValueError(f"folds is from 2 to the {n} samples; got {folds}")
    if scheme == "contiguous":
        return contiguous_blocks(n, folds)
    if scheme == "random":
        order = torch.randperm(n, generator=torch.Generator("cpu").manual_seed(seed), device="cpu")
        return [order[block].sort().values for block in contiguous_blocks(n, folds)]
    if scheme == "condition":
        if conditions < 1 or n % conditions:
            raise ValueError(
                f"scheme 'condition' needs `conditions`, a divisor of the {n} samples; "
                f"got {conditions}"
            )
        return _whole_groups(np.arange(n) % conditions, folds, "conditions")
    labels = np.asarray(groups if groups is not None else [])
    if labels.shape != (n,):
        raise ValueError(
            f"scheme 'grouped' needs `groups`, one label for each of the {n} samples; "
            f"got an array of shape {labels.shape}"
        )
    return _whole_groups(labels, folds, "groups")


def split(X: Tensor, test: slice | Tensor) -> tuple[Tensor, Tensor]:
    """Training and held-out rows of X, both less the mean of the training rows.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> train, test = sl.measures.folds.split(X, slice(0, 2))
        >>> train.tolist(), test.tolist()
        ([[-1.0, 0.0], [1.0, 0.0]], [[-1.0, -1.0], [1.0, -1.0]])
    """
    train = torch.ones(len(X), dtype=torch.bool, device=X.device)
    train[test] = False
    mean = X[train].mean(0)
    return X[train] - mean, X[test] - mean
