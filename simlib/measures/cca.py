"""Measures that whiten the sides before they rotate: CCA, its regularised forms, SVCCA, PWCCA."""

import torch
from jaxtyping import Float
from torch import Tensor

from simlib import validation
from simlib.linalg import (
    angular_score,
    arccos,
    centred_columns,
    centred_unit,
    compact_svd,
    nuclear_norm,
    rounding,
    spectral_map,
    square_sum,
)
from simlib.measures import shuffles


def _whitened(X: Tensor, explained: float = 1.0) -> tuple[Tensor, int]:
    """UV' of the centred X = USV' over the fewest PCs that explain this share; and their number."""

    def values(s: Tensor) -> tuple[Tensor, Tensor]:
        before = s.square().cumsum(0) - s.square()
        kept = before < (explained - 1e-12) * square_sum(s) if explained < 1 else torch.ones_like(s)
        return kept.to(s.dtype), torch.zeros_like(s)

    columns = centred_unit(X) if explained < 1 else centred_columns(X)
    whitened = spectral_map(columns, values, rounding(X))
    return whitened, round(float(square_sum(whitened.detach())))


def cca(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Mean canonical correlation, in [0, 1].

    ||Q_X' Q_Y||_* / min(r_X, r_Y), with orthonormal bases of the centred columns and their ranks r
    (p and q where the columns are independent): the mean over as many correlations as there are.
    Zero-padding the narrower side, as some do, would average in zeros. 1 as soon as either side
    spans the samples (r = n - 1). Symmetric; unchanged by translation and any invertible linear map
    of either side. The gradient is that of changes that leave the ranks as they are. Source:
    Hotelling 1936; Raghu et al. 2017 for the mean.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.cca.cca(X, X[:, :1])), 3)
        1.0
    """
    (wx, rank_x), (wy, rank_y) = _whitened(X), _whitened(Y)
    return nuclear_norm(wx.T @ wy) / min(rank_x, rank_y)


def cca_shuffled(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> shuffles.Scores:
    """cca(X, Y) with the samples of Y in each order: each side is whitened once.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.cca.cca_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [1, 0, 2, 3]])).round(decimals=3)
        tensor([1., 0.])
    """
    return svcca_shuffled(X, Y, explained=1.0)


def cca_angular(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Angular CCA distance in radians, in [0, pi/2]: arccos of the mean canonical correlation.

    Symmetric; invariances as `cca`. Source: Williams et al. 2021.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.cca.cca_angular(X, X[:, :1])), 3)
        0.0
    """
    return arccos(cca(X, Y))


def cca_angular_score(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Angular CCA, in [0, 1]: 1 - (2/pi) arccos of the mean canonical correlation.

    Invariances as `cca`. Source: Williams et al. 2021.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.cca.cca_angular_score(X, X[:, :1])), 3)
        1.0
    """
    return angular_score(cca(X, Y))


def cca_regularised(
    X: Float[Tensor, "n p"],
    Y: Float[Tensor, "n q"],
    *,
    whitening: float = 0.5,
    penalty: float = 0.0,
) -> Float[Tensor, ""]:
    """From NBS towards CCA: the NBS of partly whitened sides, in [0, 1].

    Each side, scaled to ||X||_F = 1, becomes X (X'X + penalty I)^(-whitening/2): its singular
    values s turn into s / (s^2 + penalty)^(whitening/2). `whitening` 0 is NBS, 1 with `penalty` 0
    the sum of the canonical correlations over sqrt(r_X r_Y): `cca` where both ranks r are equal,
    else `cca` times sqrt(min / max) of the ranks, below 1 even where one side lies in the other's
    span. A large penalty leads back to NBS. The penalty counts in shares of the
    total variance. Symmetric; unchanged by translation, rotation and isotropic scale. Raises
    ValueError for a whitening outside [0, 1] and a negative penalty. Source: Vinod 1976 for the
    penalty; Williams et al. 2021 for whitening as a parameter (theirs mixes X with its whitened
    self, this one takes a power, so that no unit of X enters).

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.cca.cca_regularised(X, X[:, :1])), 3)
        0.816
    """
    wx, wy = _partly_whitened(X, Y, whitening, penalty)
    return nuclear_norm(wx.T @ wy) / (square_sum(wx) * square_sum(wy)).sqrt()


def _partly_whitened(
    X: Tensor, Y: Tensor, whitening: float, penalty: float
) -> tuple[Tensor, Tensor]:
    if not 0 <= whitening <= 1:
        raise ValueError(f"whitening is from 0 (NBS) to 1 (whitened sides); got {whitening}")
    validation.at_least("penalty", penalty, 0)

    def values(s: Tensor) -> tuple[Tensor, Tensor]:
        ridge = s.square() + penalty
        g = s * ridge ** (-whitening / 2)
        return g, g / s - whitening * s * g / ridge

    sides = [(centred_unit(Z), rounding(Z)) for Z in (X, Y)]
    wx, wy = (spectral_map(Z / square_sum(Z).sqrt(), values, share) for Z, share in sides)
    return wx, wy


def cca_regularised_shuffled(
    X: Float[Tensor, "n p"],
    Y: Float[Tensor, "n q"],
    *,
    whitening: float = 0.5,
    penalty: float = 0.0,
) -> shuffles.Scores:
    """cca_regularised(X, Y) with the samples of Y in each order, as `cca_shuffled`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.cca.cca_regularised_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [1, 0, 2, 3]])).round(decimals=3)
        tensor([0.8160, 0.0000])
    """
    wx, wy = _partly_whitened(X, Y, whitening, penalty)
    shared, norms = shuffles.nuclear_norms(wx, wy), (square_sum(wx) * square_sum(wy)).sqrt()
    return lambda orders: shared(orders) / norms


def svcca(
    X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"], *, explained: float = 0.99
) -> Float[Tensor, ""]:
    """Singular-vector CCA (SVCCA), in [0, 1]: mean canonical correlation of the leading PCs.

    Each side keeps the fewest PCs that explain `explained` of its variance, then `cca`. The number
    kept jumps as the data change, and the score with it; between jumps it is smooth. Symmetric;
    unchanged by translation, rotation and isotropic scale. Raises ValueError for a share outside
    (0, 1]. Source: Raghu et al. 2017.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.cca.svcca(X, X[:, :1])), 3)
        1.0
    """
    if not 0 < explained <= 1:
        raise ValueError(
            f"explained is a share of variance, more than 0 and at most 1; got {explained}"
        )
    (wx, kept_x), (wy, kept_y) = _whitened(X, explained), _whitened(Y, explained)
    return nuclear_norm(wx.T @ wy) / min(kept_x, kept_y)


def svcca_shuffled(
    X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"], *, explained: float = 0.99
) -> shuffles.Scores:
    """svcca(X, Y) with the samples of Y in each order, as `cca_shuffled`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.cca.svcca_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [1, 0, 2, 3]])).round(decimals=3)
        tensor([1., 0.])
    """
    x, y = _basis(X, explained), _basis(Y, explained)
    shared = shuffles.nuclear_norms(x, y)
    return lambda orders: shared(orders) / min(x.shape[1], y.shape[1])


def _basis(X: Tensor, explained: float = 1.0) -> Tensor:
    """U of `_whitened`, a column a PC."""
    return compact_svd(_whitened(X, explained)[0], share=0.5)[0]


def _singular_triples(M: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The first singular values and left singular vectors of M; the gradient leaves ties alone.

    First-order perturbation theory around the SVD: no vector turns towards one of the same singular
    value.
    """
    with torch.no_grad():
        U, s, Vh = torch.linalg.svd(M, full_matrices=False)
        U, s, Vh = U[:, :rank], s[:rank], Vh[:rank]
        gap, least = s.square() - s.square()[:, None], _tie(M.dtype)
        turning = torch.where(gap.abs() < least, 0, 1 / gap)
        inverse = torch.where(s > least, 1 / s, 0)
    change = (M - M.detach()) @ Vh.T
    inner = U.T @ change
    turned = turning * (inner * s + s[:, None] * inner.T)
    return s + inner.diagonal(), U + U @ turned + (change - U @ inner) * inverse


def _tie(dtype: torch.dtype) -> float:
    return torch.finfo(dtype).eps ** 0.75


def _tied(correlations: Tensor, candidates: int) -> int:
    """How many of X's `candidates` canonical variables depend on an arbitrary choice of basis.

    Within a tie of correlations any rotation of the variables is as good. A correlation of 0 is
    tied with all directions of X that have no partner in Y.
    """
    ties = int((-correlations.diff() < _tie(correlations.dtype)).sum())
    lost = int((correlations < _tie(correlations.dtype)).sum())
    free = lost + candidates - len(correlations) if lost else 0
    return free if free > 1 else ties and ties + 1


def pwcca(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Projection-weighted CCA (PWCCA), in [0, 1].

    The mean of the canonical correlations rho_i, each weighted by sum_j |h_i' x_j|: how much of X's
    neurons its canonical variable h_i accounts for. Not symmetric: the weights are X's. Unchanged
    by any invertible linear map of Y; in X by permutation and isotropic scale only, since the
    absolute values refer to single neurons. Where all correlations are equal, as where either side
    spans the samples, the weights don't matter; the gradient is then that of the mean correlation.
    Raises ValueError where only some correlations are tied, as where the two sides' neurons
    together outnumber the samples, and where some are 0 and X has other directions without a
    partner: a sum of absolute values changes with the basis of the tie, and the data don't choose
    one. Source: Morcos, Raghu & Bengio 2018, eq. 7.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.cca.pwcca(X, X[:, :1])), 3)
        1.0
    """
    (wx, rank_x), (wy, rank_y) = _whitened(X), _whitened(Y)
    correlations, directions = _singular_triples(wx.T @ wy, min(rank_x, rank_y))
    return _weighted(correlations, directions, wx.T @ centred_unit(X), X.shape[1])


def _weighted(correlations: Tensor, directions: Tensor, own: Tensor, candidates: int) -> Tensor:
    """Their mean, weighted by X's neurons: `own` is what these are along a basis of X."""
    known = correlations.detach()
    if known[0] - known[-1] < _tie(known.dtype):
        return correlations.mean()
    tied = _tied(known, candidates)
    if tied:
        raise ValueError(
            f"{tied} canonical correlations are tied, so that their weights in PWCCA are not "
            "defined (X and Y share directions exactly, or have some that are orthogonal, or their "
            "neurons together outnumber the samples); use 'cca', or fewer principal components of "
            "each side"
        )
    weights = (directions.T @ own).abs().sum(1)
    return (weights * correlations).sum() / weights.sum()


APART = 1e-8  # squares of singular values, as a share of the largest


def _left_singular_vectors(M: Tensor) -> tuple[Tensor, Tensor]:
    """Singular values of M, largest first, and the left singular vectors: from the smaller Gram
    matrix where all squares are apart, from each other and from 0.
    """
    tall = M.shape[0] > M.shape[1]
    squares, V = torch.linalg.eigh(M.T @ M if tall else M @ M.T)
    if squares.diff(prepend=squares.new_zeros(1)).min() > APART * squares[-1]:
        s = squares.sqrt()
        return s.flip(0), (M @ V / s if tall else V).flip(1)
    U, s, _ = torch.linalg.svd(M, full_matrices=False)
    return s, U


def pwcca_shuffled(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> shuffles.Scores:
    """pwcca(X, Y) with the samples of Y in each order, as `cca_shuffled`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.cca.pwcca_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [1, 0, 2, 3]])).round(decimals=3)
        tensor([1., 0.])
    """
    x, y = _basis(X), _basis(Y)
    own = x.T @ centred_unit(X)

    def score(order: Tensor) -> Tensor:
        correlations, directions = _left_singular_vectors(x.T @ y.index_select(0, order))
        weighted = _weighted(correlations, directions, own, X.shape[1])
        return torch.stack([weighted, correlations.sum()])

    def scores(orders: Tensor) -> Tensor:
        weighted, sums = shuffles.each(score, x.numel() * y.shape[1])(orders).unbind(1)
        shuffles.nuclear_norms(x, y, known=sums)(orders)  # `cca` needs these
        return weighted

    return scores
