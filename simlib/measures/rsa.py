"""RSA: compare two matrices of distances between samples."""

import numpy as np
import scipy
import torch
from jaxtyping import Float
from numpy import ndarray as Array
from torch import Tensor

from simlib import validation
from simlib.linalg import (
    centre,
    centred_columns,
    centred_unit,
    cosine,
    rounded_to_single,
    safe_root,
    square_sum,
)
from simlib.measures import shuffles


def squared_distances(X: Float[Tensor, "n p"]) -> Float[Tensor, "n n"]:
    """Squared Euclidean distance of each pair of samples, X divided by a power of two.

    The one that brings the largest entry of the centred X into [0.5, 1).

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.measures.rsa.squared_distances(X)[0]
        tensor([0.0000, 1.0000, 0.2500, 1.2500])
    """
    X = centred_unit(X)
    squares = X.square().sum(1)
    return squares[:, None] + squares[None, :] - 2 * X @ X.T


def _euclidean_distances(X: Tensor) -> Tensor:
    square = squared_distances(X)
    return safe_root(square, 8 * torch.finfo(X.dtype).eps * square.detach().max())


def _cosine_distances(X: Tensor) -> Tensor:
    largest = X.detach().abs().amax(1, keepdim=True)
    rows = X / torch.where(largest > 0, largest, 1)
    squares = rows.square().sum(1, keepdim=True)
    there = (squares > 0).to(X.dtype)
    rows = centre(rows / torch.where(squares > 0, squares, 1).sqrt())
    halves = rows.square().sum(1, keepdim=True) / 2
    # |u - v|^2 / 2 for unit rows: 1 - cosine would lose the digits of nearly parallel ones.
    return halves + halves.T - rows @ rows.T + (1 - (there + there.T) / 2)


def _correlation_distances(X: Tensor) -> Tensor:
    return _cosine_distances(X - X.mean(1, keepdim=True))


def _pearson(a: Tensor, b: Tensor) -> Tensor:
    return cosine(a - a.mean(), b - b.mean())


# -- Ranks


def _from_differences(rows: Float[Array, "n p"]) -> Float[Array, " pairs"]:
    """Euclidean distance of each pair of rows, exact to its own rounding: no large sums cancel.

    Squares of what is far smaller than the largest number would underflow: they are taken larger.
    """
    rows = np.ldexp(rows, -np.frexp(np.abs(rows).max())[1])
    distances = scipy.spatial.distance.pdist(rows)
    small = distances < 2.0**-450
    if small.any():
        distances[small] = np.ldexp(scipy.spatial.distance.pdist(np.ldexp(rows, 500))[small], -500)
    return distances


def _chords(rows: Float[Array, "n p"]) -> Float[Array, " pairs"]:
    """sqrt(2 (1 - cosine)) of each pair of rows: the distance of their points on the unit sphere.

    A row of zeros is at a right angle to every other.
    """
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows = rows / np.where(largest > 0, largest, 1)
    sizes = np.linalg.norm(rows, axis=1, keepdims=True)
    none = sizes[:, 0] == 0
    first, second = np.triu_indices(len(rows), 1)
    chords = _from_differences(rows / np.where(none[:, None], 1, sizes))
    return np.where(none[first] | none[second], np.sqrt(2), chords)


def _ranks(values: Float[Array, " k"], rounding: Float[Array, " k"]) -> Float[Array, " k"]:
    """Ranks from 1 up. Values no farther apart than the `rounding` of the larger are tied and share
    their mean rank.
    """
    order = values.argsort()
    ordered = values[order]
    group = (np.diff(ordered, prepend=ordered[:1]) > rounding[order]).cumsum()
    count = np.bincount(group)
    ranks = np.empty(len(values))
    ranks[order] = (count.cumsum() - (count - 1) / 2)[group]
    return ranks


def _ranked_distances(X: Tensor, distance: str) -> Float[Tensor, " pairs"]:
    """Ranks of the distances of all pairs of samples, ties being equal to their own rounding.

    Of Euclidean ones that is a share of the distance itself, however large others are; of cosines a
    share of 1, the length of the rows compared.
    """
    X = X.detach().double()
    share = (4 + X.shape[1] ** 0.5) * np.finfo(float).eps
    if "euclidean" in distance:
        distances = _from_differences(X.cpu().numpy())
        rounding = share * distances
    else:  # centred twice: the first mean may be large and rounded
        rows = centre(centred_columns(X.T)).T if distance == "correlation" else X
        distances = _chords(rows.cpu().numpy())
        rounding = np.full(len(distances), share)
    return torch.from_numpy(_ranks(distances, rounding)).to(X.device)


def _above(matrix: Float[Tensor, "n n"]) -> Float[Tensor, " pairs"]:
    return matrix[torch.triu_indices(*matrix.shape, 1, device=matrix.device).unbind()]


def _given_distances(matrix: Tensor, side: str, comparison: str) -> Float[Tensor, " pairs"]:
    """The upper triangle of a distance matrix, or its ranks: tied within 8 roundings."""
    values = _above(torch.from_numpy(validation.dissimilarities(matrix, side)).to(matrix.device))
    if comparison not in RANKS:
        return values / values.abs().max()
    values = values.cpu().numpy()
    single = matrix.dtype == torch.float32 or rounded_to_single(matrix)
    share = 8 * float(np.finfo(np.float32 if single else float).eps)
    return torch.from_numpy(_ranks(values, share * np.abs(values))).to(matrix.device)


def _kendall(a: Tensor, b: Tensor) -> Tensor:
    return a.new_tensor(scipy.stats.kendalltau(a.cpu(), b.cpu()).statistic)


DISTANCES = {
    "squared-euclidean": squared_distances,
    "euclidean": _euclidean_distances,
    "correlation": _correlation_distances,
    "cosine": _cosine_distances,
}
# Of distances or, for RANKS, of their ranks.
COMPARISONS = {"pearson": _pearson, "spearman": _pearson, "cosine": cosine, "kendall": _kendall}
RANKS = ("spearman", "kendall")
UNIT_ROWS = ("correlation", "cosine")


def _refuse_rounding(values: Tensor, side: str, distance: str, comparison: str) -> None:
    """Refuse distances that differ, from 0 (for a cosine) or from each other, by rounding only.

    Rounding of those between unit rows is a share of the distance itself, not of its square.
    """
    values = values.detach()
    same, least = ("0", 0) if comparison == "cosine" else ("the same", values.min())
    spread, largest = values.max() - least, float(values.abs().max())
    squares_of_unit_rows = distance in UNIT_ROWS and comparison not in RANKS
    size = largest**0.5 if squares_of_unit_rows else max(1.0, largest)
    if spread <= 64 * torch.finfo(values.dtype).eps * size:
        raise ValueError(
            f"all {distance} distances between samples of {side} are {same}, but for rounding: "
            "RSA has nothing to compare; take another distance"
        )


def rsa(
    X: Float[Tensor, "n p"],
    Y: Float[Tensor, "n q"],
    *,
    distance: str = "squared-euclidean",
    comparison: str = "pearson",
    precomputed: bool = False,
) -> Float[Tensor, ""]:
    """Representational similarity analysis (RSA), in [-1, 1].

    The upper triangles of the two samples x samples distance matrices, compared. `distance`:
    "squared-euclidean", "euclidean", "cosine" (one minus the cosine of two samples, columns not
    centred) or "correlation" (the same of rows centred over neurons). `comparison`: "pearson",
    "cosine", "spearman" (ties share their mean rank) or "kendall" (tau-b); the last two depend on
    ranks alone and carry no gradient. Tied are distances, computed from differences in float64,
    that differ by no more than their own rounding. Symmetric. Euclidean distances, squared or not,
    are unchanged by translation and rotation, and their comparison by isotropic scale; cosine
    distances by rotation and scale; correlation distances by scale, permutation and one number
    added to all neurons of a sample. A sample whose neurons are all equal (zero, for "cosine")
    counts as uncorrelated with every other. `precomputed`: X and Y are themselves distance matrices
    (RDMs), samples x samples, whose upper triangles are compared in the same way; `distance` is not
    used, and an ascent is not possible. Raises ValueError on another distance or comparison,
    for fewer than 3 samples (2 have a single distance), for correlations over fewer than 3 neurons,
    and where all distances of a side are the same but for rounding, as those of one-hot samples
    (for "cosine", where all are 0). Source: Kriegeskorte et al. 2008.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.rsa.rsa(X, X[:, :1])), 3)
        0.971
    """
    validation.known("distance of RSA", distance, DISTANCES)
    validation.known("comparison of RSA", comparison, COMPARISONS)
    compared = _compared(X, Y, distance, comparison, precomputed)
    return COMPARISONS[comparison](*compared).to(X.dtype)


def _compared(
    X: Tensor, Y: Tensor, distance: str, comparison: str, precomputed: bool
) -> tuple[Float[Tensor, " pairs"], Float[Tensor, " pairs"]]:
    """The distances of both sides, or their ranks."""
    if precomputed:
        a, b = (_given_distances(Z, side, comparison) for Z, side in ((X, "X"), (Y, "Y")))
        for values, side in ((a, "X"), (b, "Y")):
            _refuse_rounding(values, side, "given", comparison)
        return a, b
    if len(X) < 3:
        raise ValueError(
            f"RSA needs 3 or more samples, since 2 have a single distance; got {len(X)}"
        )
    fewest = min(X.shape[1], Y.shape[1])
    if distance == "correlation" and fewest < 3:
        raise ValueError(
            f"correlation distances need 3 or more neurons, since 2 only give -1 or 1; got {fewest}"
        )
    if comparison in RANKS:
        a, b = (_ranked_distances(Z, distance) for Z in (X, Y))
    else:
        a, b = (_above(DISTANCES[distance](Z)) for Z in (X, Y))
    for values, side in ((a, "X"), (b, "Y")):
        _refuse_rounding(values, side, distance, comparison)
    return a, b


def rsa_shuffled(
    X: Float[Tensor, "n p"],
    Y: Float[Tensor, "n q"],
    *,
    distance: str = "squared-euclidean",
    comparison: str = "pearson",
    precomputed: bool = False,
) -> shuffles.Scores | None:
    """rsa(X, Y) with the samples of Y in each order: distances and ranks are computed once.

    None for Kendall's tau, which is no cosine.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.rsa.rsa_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [0, 2, 1, 3]])).round(decimals=3)
        tensor([ 0.9710, -0.2770])
    """
    if comparison == "kendall":
        return None
    sides = _compared(X, Y, distance, comparison, precomputed)
    if comparison != "cosine":
        sides = [values - values.mean() for values in sides]
    if (distance, comparison, precomputed) == ("squared-euclidean", "pearson", False):
        return _correlated(centred_unit(X), centred_unit(Y), *sides)
    return shuffles.cosines(*(_matrix(values, len(X)) for values in sides))


def _correlated(X: Tensor, Y: Tensor, a: Tensor, b: Tensor) -> shuffles.Scores:
    """Pearson correlation of squared distances, with the samples of Y in each order.

    A squared distance is K_ii + K_jj - 2 K_ij, and the rows of K = XX' sum to 0: over pairs the
    product of two is n sum_i K_ii L_ii + tr K tr L + 2 <K, L>, and that of their means n^2 tr K
    tr L / (n (n - 1) / 2). `a` and `b` are the distances above the diagonal less their means.
    """
    n, norms = len(X), (square_sum(a) * square_sum(b)).sqrt()
    shared = shuffles.hollow(X, Y, -n / 2)
    rest = square_sum(X) * square_sum(Y) * (1 - 2 * n / (n - 1))
    return lambda orders: (2 * shared(orders) + rest) / norms


def _matrix(above: Float[Tensor, " pairs"], n: int) -> Float[Tensor, "n n"]:
    """The symmetric matrix of these values above its diagonal, which is 0."""
    matrix = above.new_zeros(n, n)
    matrix[torch.triu_indices(n, n, 1, device=above.device).unbind()] = above
    return matrix + matrix.T
