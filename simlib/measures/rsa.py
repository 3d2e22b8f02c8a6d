"""RSA: compare two matrices of distances between samples."""

import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from simlib import validation
from simlib.linalg import centred_unit, cosine, safe_root


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
    rows = rows / torch.where(squares > 0, squares, 1).sqrt()
    return 1 - rows @ rows.T


def _correlation_distances(X: Tensor) -> Tensor:
    if X.shape[1] < 3:
        raise ValueError(
            "correlation distances need 3 or more neurons, since 2 only give -1 or 1; "
            f"got {X.shape[1]}"
        )
    return _cosine_distances(X - X.mean(1, keepdim=True))


def _pearson(a: Tensor, b: Tensor) -> Tensor:
    return cosine(a - a.mean(), b - b.mean())


def _ranks(a: Tensor) -> Tensor:
    """Ranks from 1 up. Values that differ by rounding only are tied and share their mean rank."""
    values, order = a.sort()
    rounding = 64 * torch.finfo(a.dtype).eps * values.abs().max()
    group = (values.diff(prepend=values[:1]) > rounding).cumsum(0)
    count = group.bincount()
    mean = count.cumsum(0) - (count - 1) / 2
    return mean.to(a.dtype)[group][order.argsort()]


def _spearman(a: Tensor, b: Tensor) -> Tensor:
    return _pearson(_ranks(a.detach()), _ranks(b.detach()))


def _kendall(a: Tensor, b: Tensor) -> Tensor:
    a, b = _ranks(a.detach()), _ranks(b.detach())
    return a.new_tensor(stats.kendalltau(a.cpu(), b.cpu()).statistic)


DISTANCES = {
    "squared-euclidean": squared_distances,
    "euclidean": _euclidean_distances,
    "correlation": _correlation_distances,
    "cosine": _cosine_distances,
}
COMPARISONS = {"pearson": _pearson, "spearman": _spearman, "cosine": cosine, "kendall": _kendall}
# In float32 rounding would tie what is apart: there are too many pairs.
RANKS = ("spearman", "kendall")


def _refuse_rounding(values: Tensor, side: str, distance: str, comparison: str) -> None:
    """Refuse distances that differ, from 0 (for a cosine) or from each other, by rounding only."""
    values = values.detach()
    same, least = ("0", 0) if comparison == "cosine" else ("the same", values.min())
    spread = values.max() - least
    if spread <= 64 * torch.finfo(values.dtype).eps * max(1.0, float(values.abs().max())):
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
) -> Float[Tensor, ""]:
    """Representational similarity analysis (RSA), in [-1, 1].

    The upper triangles of the two samples x samples distance matrices, compared. `distance`:
    "squared-euclidean", "euclidean", "cosine" (one minus the cosine of two samples, columns not
    centred) or "correlation" (the same of rows centred over neurons). `comparison`: "pearson",
    "cosine", "spearman" (ties share their mean rank) or "kendall" (tau-b); the last two depend on
    ranks alone, in which distances that differ by rounding only are tied (computed in float64), and
    carry no gradient. Symmetric. Euclidean distances, squared or not, are unchanged by translation
    and rotation, and their comparison by isotropic scale; cosine distances by rotation and scale;
    correlation distances by scale, permutation and one number added to all neurons of a sample. A
    sample whose neurons are all equal (zero, for "cosine") counts as uncorrelated with every other.
    Raises ValueError on another distance or comparison, for fewer than 3 samples (2 have a single
    distance), for correlations over fewer than 3 neurons, and where all distances of a side are the
    same but for rounding, as those of one-hot samples (for "cosine", where all are 0). Source:
    Kriegeskorte et al. 2008.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.rsa.rsa(X, X[:, :1])), 3)
        0.971
    """
    validation.known("distance of RSA", distance, DISTANCES)
    validation.known("comparison of RSA", comparison, COMPARISONS)
    if len(X) < 3:
        raise ValueError(
            f"RSA needs 3 or more samples, since 2 have a single distance; got {len(X)}"
        )
    above = torch.triu_indices(X.shape[0], X.shape[0], 1, device=X.device).unbind()
    sides = (Z.double() if comparison in RANKS else Z for Z in (X, Y))
    a, b = (DISTANCES[distance](Z)[above] for Z in sides)
    for values, side in ((a, "X"), (b, "Y")):
        _refuse_rounding(values, side, distance, comparison)
    return COMPARISONS[comparison](a, b).to(X.dtype)
