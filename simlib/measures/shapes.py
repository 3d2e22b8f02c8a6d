"""Measures that rotate one side onto the other: NBS and Procrustes."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from simlib.linalg import (
    angular_score,
    arccos,
    centre,
    centred_unit,
    nuclear_norm,
    safe_root,
    spectral_map,
    square_sum,
)
from simlib.measures import shuffles
from simlib.measures.folds import Labels, held_out_blocks, split


def _narrow(X: Tensor) -> Tensor:
    """X; where neurons are more than samples, rotated into n columns."""
    return X @ torch.linalg.qr(X.detach().T)[0] if X.shape[0] < X.shape[1] else X


def _cross_nuclear_norm(X: Tensor, Y: Tensor) -> Tensor:
    """||X'Y||_* of centred sides."""
    return nuclear_norm(_narrow(X).T @ _narrow(Y))


def nbs(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Normalised Bures similarity (NBS), in [0, 1].

    ||X'Y||_* / (||X||_F ||Y||_F) of the centred columns: the fidelity of the two Gram matrices, and
    the cosine left after the best rotation of Y onto X. Fewer columns count as padded with zeros.
    Symmetric; unchanged by translation, rotation and isotropic scale of either side. Source: Tang
    et al. 2020; Harvey, Larsen & Williams 2023.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.shapes.nbs(X, X[:, :1])), 3)
        0.894
    """
    return nbs_towards(X)(Y)


def nbs_towards(X: Float[Tensor, "n p"]) -> Callable[[Float[Tensor, "n q"]], Float[Tensor, ""]]:
    """Y -> nbs(X, Y), with X centred and measured once: for many Y.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> similarity = sl.measures.shapes.nbs_towards(X)
        >>> [round(float(similarity(Y)), 3) for Y in (X, X[:, :1])]
        [1.0, 0.894]
    """
    X = centred_unit(X)
    norm = square_sum(X)

    def towards(Y: Tensor) -> Tensor:
        Y = centred_unit(Y)
        return _cross_nuclear_norm(X, Y) / (norm * square_sum(Y)).sqrt()

    return towards


def nbs_shuffled(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> shuffles.Scores:
    """nbs(X, Y) with the samples of Y in each order, as `shuffles.nuclear_norms`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.shapes.nbs_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [0, 2, 1, 3]])).round(decimals=3)
        tensor([0.8940, 0.4470])
    """
    X, Y = centred_unit(X), centred_unit(Y)
    shared = shuffles.nuclear_norms(_narrow(X), _narrow(Y))
    norms = (square_sum(X) * square_sum(Y)).sqrt()
    return lambda orders: shared(orders) / norms


def nbs_squared(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """NBS^2, in [0, 1]. Invariances as `nbs`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.shapes.nbs_squared(X, X[:, :1])), 3)
        0.8
    """
    return nbs(X, Y).square()


def procrustes_angular(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Angular Procrustes distance arccos(NBS) in radians, in [0, pi/2]. Invariances as `nbs`.

    Source: Williams et al. 2021, eq. 6.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.shapes.procrustes_angular(X, X[:, :1])), 3)
        0.464
    """
    return arccos(nbs(X, Y))


def procrustes_angular_score(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Angular Procrustes score, in [0, 1]: 1 - (2/pi) arccos(NBS).

    Steep where NBS is near 1: there it is sensitive to small principal components, too. Invariances
    as `nbs`. Source: Williams et al. 2021; Cloos et al. 2025.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.shapes.procrustes_angular_score(X, X[:, :1])), 3)
        0.705
    """
    return procrustes_angular_score_towards(X)(Y)


def procrustes_angular_score_towards(
    X: Float[Tensor, "n p"],
) -> Callable[[Float[Tensor, "n q"]], Float[Tensor, ""]]:
    """Y -> procrustes_angular_score(X, Y), as `nbs_towards`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> similarity = sl.measures.shapes.procrustes_angular_score_towards(X)
        >>> [round(float(similarity(Y)), 3) for Y in (X, X[:, :1])]
        [1.0, 0.705]
    """
    towards = nbs_towards(X)
    return lambda Y: angular_score(towards(Y))


def procrustes_euclidean(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Procrustes distance, from 0 up: the least ||X - YQ||_F over rotations and reflections Q.

    The root of ||X||^2 + ||Y||^2 - 2 ||X'Y||_* of the centred columns, in the units of X; not
    normalised. Symmetric; unchanged by translation and rotation, not by scale. Source: Schonemann
    1966; Williams et al. 2021.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.shapes.procrustes_euclidean(X, X[:, :1])), 3)
        1.0
    """
    X, Y = centre(X), centre(Y)
    return safe_root(square_sum(X) + square_sum(Y) - 2 * _cross_nuclear_norm(X, Y))


def procrustes_euclidean_shuffled(
    X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]
) -> shuffles.Scores:
    """procrustes_euclidean(X, Y) with the samples of Y in each order, as `nbs_shuffled`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.shapes.procrustes_euclidean_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [0, 2, 1, 3]])).round(decimals=3)
        tensor([1.0000, 2.2360])
    """
    square_x, square_y = square_sum(centre(X)), square_sum(centre(Y))
    similarity, norms = nbs_shuffled(X, Y), (square_x * square_y).sqrt()
    return lambda orders: safe_root(square_x + square_y - 2 * norms * similarity(orders))


def _fold_distance(X: Tensor, Y: Tensor, test: slice | Tensor, comparison: str) -> Tensor:
    (train_x, test_x), (train_y, test_y) = split(X, test), split(Y, test)
    polar = spectral_map(train_y.T @ train_x, lambda s: (torch.ones_like(s), torch.zeros_like(s)))
    overlap = (test_x * (test_y @ polar)).sum()
    return _distance(overlap, square_sum(test_x), square_sum(test_y), comparison)


def _distance(overlap: Tensor, square_x: Tensor, square_y: Tensor, comparison: str) -> Tensor:
    if comparison == "euclidean":
        return safe_root(square_x + square_y - 2 * overlap)
    cosine = overlap / square_x.sqrt() / square_y.sqrt()
    return arccos(cosine) if comparison == "angular" else angular_score(cosine)


def procrustes_cv(
    X: Float[Tensor, "n p"],
    Y: Float[Tensor, "n q"],
    *,
    comparison: str = "angular",
    folds: int = 5,
    scheme: str = "contiguous",
    seed: int = 0,
    groups: Labels = None,
    conditions: int = 0,
) -> Float[Tensor, ""]:
    """Procrustes on held-out samples: the mean over folds after a rotation fitted on the others.

    The rotation Q of Y onto X is the polar factor of Y'X on training samples centred by their
    means. On held-out samples centred by the same means `comparison` takes "angular": arccos of <X,
    YQ> / (||X||_F ||Y||_F), in radians, in [0, pi]; "angular-score": 1 - (2/pi) of that angle, in
    [-1, 1]; "euclidean": the root of ||X||^2 + ||Y||^2 - 2 <X, YQ>, from 0 up. What training never
    showed of either side (fewer samples than neurons) has no place under the rotation: it keeps its
    norm and overlaps with nothing, so that X with itself reaches angle 0 only where training
    samples span its neurons. Folds as in `held_out_blocks`. Symmetric; unchanged by translation and
    rotation, the angles also by isotropic scale. Raises ValueError for another comparison and for
    folds that the samples don't fill. Source: Williams et al. 2021; Cloos et al. 2025 for the
    folds.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.shapes.procrustes_cv(X, 3 * X, folds=2)), 3)
        1.047
    """
    if comparison not in ("angular", "angular-score", "euclidean"):
        raise ValueError(
            f"comparison is 'angular', 'angular-score' or 'euclidean'; got {comparison!r}"
        )
    blocks = held_out_blocks(len(X), folds, scheme, seed=seed, groups=groups, conditions=conditions)
    return torch.stack([_fold_distance(X, Y, test, comparison) for test in blocks]).mean()


def procrustes_cv_shuffled(
    X: Float[Tensor, "n p"],
    Y: Float[Tensor, "n q"],
    *,
    comparison: str = "angular",
    folds: int = 5,
    scheme: str = "contiguous",
    seed: int = 0,
    groups: Labels = None,
    conditions: int = 0,
) -> shuffles.Scores | None:
    """procrustes_cv(X, Y) with the samples of Y in each order: n p q operations for the products of
    all folds, and the polar factor of each, of min(n, p) x min(n, q). None for folds of conditions
    whose number is not given.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.shapes.procrustes_cv_shuffled(X, 3 * X, folds=2)
        >>> scores(torch.tensor([[0, 1, 2, 3], [0, 2, 1, 3]])).round(decimals=3)
        tensor([1.0470, 1.3980])
    """
    if scheme == "condition" and not conditions:
        return None
    blocks = held_out_blocks(len(X), folds, scheme, seed=seed, groups=groups, conditions=conditions)
    shared = _held_out_overlaps(X, Y, blocks)
    square_x = torch.stack([square_sum(split(X, block)[1]) for block in blocks])

    def scores(orders: Tensor) -> Tensor:
        overlap, square_y = shared(orders).unbind(-1)
        return _distance(overlap, square_x, square_y, comparison).mean(1)

    return scores


def _overlap(M: Tensor, D: Tensor, share: float) -> Tensor:
    """<Q, D>, Q the polar factor of M over the singular values above this share."""
    U, s, Vh = torch.linalg.svd(M, full_matrices=False)
    rank = int((s > s[0] * share).sum())
    return (U[:, :rank].T @ D * Vh[:rank]).sum()


# Shares of the largest singular value: above LOW columns are orthogonal to the last digits, and
# above LEAST so nearly that their products' squares don't count.
LOW, LEAST = 1 / 8, 3e-5


def _quick_overlap(M: Tensor, D: Tensor) -> Tensor | None:
    """The same of an M of full rank by the eigenvectors V of M'M; None where digits are lost.

    The columns of MV, of lengths s and scaled to 1, have the products B'B = I + F with F_ij up to
    eps max(s)^2 / (s_i s_j). To first order in F the polar factor is B (I - G) V' with G_ij =
    F_ij s_i / (s_i + s_j): B (I - G) is orthogonal, and its product with MV symmetric.
    """
    if M.shape[0] < M.shape[1]:
        M, D = M.T, D.T
    V = torch.linalg.eigh(M.T @ M)[1]
    B = M @ V
    s = torch.linalg.vector_norm(B, dim=0)
    if not s.min() > LEAST * s.max():
        return None
    B, turned = B / s, D @ V
    low = s < LOW * s.max()
    few, s = B[:, low], s[low]
    F = (few.T @ few).fill_diagonal_(0)
    skewed = few.T @ turned[:, low] * F / (1 + s / s[:, None])
    return (B * turned).sum() - skewed.sum()


def _held_out_overlaps(X: Tensor, Y: Tensor, blocks: list[slice | Tensor]) -> shuffles.Scores:
    """<x, yQ> and ||y||^2 of each fold's held-out samples, Q from the others, as
    (orders, folds, 2).

    With X and Y centred by all n samples and s, t the sums of the m held out, the others have the
    means -s / (n - m) and -t / (n - m).
    """
    share = max(X.shape[1], Y.shape[1]) * torch.finfo(X.dtype).eps
    x, y = _narrow(centre(X)), _narrow(centre(Y))
    own = [x[block] for block in blocks]

    def fold(held_x: Tensor, held_y: Tensor, cross: Tensor, others: Tensor) -> Tensor:
        left, m, t = len(x) - len(held_x), len(held_x), held_y.sum(0)
        sums = torch.outer(t, held_x.sum(0)) / left
        trained, tested = others - sums, cross + (2 + m / left) * sums
        full = left > min(trained.shape)
        overlap = _quick_overlap(trained, tested) if full else None
        if overlap is None:
            overlap = _overlap(trained, tested, share)
        return torch.stack([overlap, square_sum(held_y + t / left)])

    def score(order: Tensor) -> Tensor:
        moved = y.index_select(0, order)
        held = [moved[block] for block in blocks]
        crosses = [held_y.T @ held_x for held_x, held_y in zip(own, held, strict=True)]
        total = sum(crosses)
        parts = zip(own, held, crosses, strict=True)
        return torch.stack([fold(a, b, cross, total - cross) for a, b, cross in parts])

    scores = shuffles.each(score, x.numel() * y.shape[1])
    return shuffles.once(scores, "held-out overlaps", X, Y, *blocks)
