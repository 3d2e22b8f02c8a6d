"""Centring, bases, the nuclear norm and a safe arccos: what every measure shares."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = [
    "angular_score",
    "arccos",
    "centre",
    "centred_columns",
    "centred_unit",
    "compact_svd",
    "cosine",
    "direction_outside",
    "explained_by_ridge",
    "explained_variance_ratio",
    "far_from_zero",
    "inverse_gram",
    "inverse_of",
    "nuclear_norm",
    "onto_columns",
    "orthonormal_basis",
    "participation_ratio",
    "polar_factor",
    "principal_components",
    "rounded_to_single",
    "rounding",
    "safe_root",
    "spans_samples",
    "spectral_map",
    "square_sum",
    "varies",
]


def centre(X: Float[Tensor, "n p"]) -> Float[Tensor, "n p"]:
    """X with the mean of each column taken away.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.linalg.centre(X)[1]
        tensor([ 1.0000, -0.5000])
    """
    return X - X.mean(0, keepdim=True)


def centred_unit(X: Float[Tensor, "n p"]) -> Float[Tensor, "n p"]:
    """X centred, times the power of two that brings its largest entry into [0.5, 1).

    Exact: it only keeps products of very small or large data from under- and overflow. For measures
    that don't depend on the scale, whose gradient it leaves as it is.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.linalg.centred_unit(1000 * X)[1]
        tensor([ 0.9766, -0.4883])
    """
    X = centre(X)
    largest = X.detach().abs().max()
    return X * torch.ldexp(torch.ones_like(largest), -torch.frexp(largest).exponent)


def _varies(X: Tensor, mean: Tensor, largest: Tensor) -> Tensor:
    digits = torch.float32 if rounded_to_single(X) else X.dtype
    return ~(largest <= 8 * torch.finfo(digits).eps * (largest + mean.abs()))


@torch.no_grad()
def varies(X: Float[Tensor, "n p"]) -> Bool[Tensor, " p"]:
    """Which columns vary by more than rounding: 8 eps, of float32 where X was `rounded_to_single`,
    of the column's mean and largest deviation.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[1e9, 1e9], [1e9 + 1e-7, 1e9 + 1]], dtype=torch.float64)
        >>> sl.linalg.varies(X)
        tensor([False,  True])
    """
    mean = X.mean(0)
    return _varies(X, mean, (X - mean).abs().amax(0))


FAR = 100  # deviations from 0: beyond, float32 keeps less than 5 digits of what varies


@torch.no_grad()
def far_from_zero(X: Float[Tensor, "n p"]) -> bool:
    """Whether the mean of a column is more than 100 times its standard deviation.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> [sl.linalg.far_from_zero(Z) for Z in (X, X + 30, X + 300)]
        [False, False, True]
    """
    mean = X.mean(0)
    return bool((mean.abs() > FAR * (X - mean).square().mean(0).sqrt()).any())


def centred_columns(X: Float[Tensor, "n p"]) -> Float[Tensor, "n p"]:
    """X centred, each column times the power of two that brings its largest entry into [0.5, 1).

    A column that doesn't vary by more than rounding (`varies`) becomes 0. For measures that don't
    depend on the scale of single columns: neurons in other units don't count as a lost rank.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.linalg.centred_columns(X)[1]
        tensor([ 0.5000, -0.5000])
    """
    mean = X.mean(0, keepdim=True)
    centred = X - mean
    largest = centred.detach().abs().amax(0)
    counts = _varies(X, mean.detach()[0], largest).to(X.dtype)
    return centred * torch.ldexp(counts, -torch.frexp(largest).exponent)


def square_sum(X: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """||X||_F^2, the sum of squares.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.linalg.square_sum(X)
        tensor(10.)
    """
    return X.square().sum()


def cosine(a: Float[Tensor, "*shape"], b: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """<a, b> / (||a|| ||b||), all axes taken as one, in [-1, 1].

    Example:
        >>> import simlib as sl, torch
        >>> sl.linalg.cosine(torch.tensor([1.0, 0, 1]), torch.tensor([1.0, 1, 0]))
        tensor(0.5000)
    """
    return (a * b).sum() / (square_sum(a) * square_sum(b)).sqrt()


def arccos(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Arc cosine in radians of x clipped to [-1, 1], with gradient 0 at or beyond an end.

    The convention of all angular measures: `*-angular` is a distance in radians, from 0;
    `*-angular-score` is 1 - (2/pi) of it, 1 for angle 0 and 0 for a right angle. A cosine within 16
    eps of an end counts as the end, where only rounding differs: angles below 8e-8 (float64; 2e-3
    in float32) are 0. The slope of arccos is infinite at 1; there the measures that use it are at
    their maximum, where 0 is a valid choice of ascent direction.

    Example:
        >>> import simlib as sl, torch
        >>> sl.linalg.arccos(torch.tensor([1.5, 0.0, -1.0]))
        tensor([0.0000, 1.5708, 3.1416])
    """
    inside = x.abs() < 1 - 16 * torch.finfo(x.dtype).eps
    safe = torch.where(inside, x, 0)
    end = torch.arccos(x.detach().clamp(-1, 1).round())
    return torch.where(inside, torch.arccos(safe), end)


def angular_score(cosine: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """1 - (2/pi) arccos(cosine): 1 for angle 0, 0 for a right angle, -1 for opposite directions.

    Example:
        >>> import simlib as sl, torch
        >>> sl.linalg.angular_score(torch.tensor([1.0, 0.5]))
        tensor([1.0000, 0.3333])
    """
    return 1 - arccos(cosine) * (2 / torch.pi)


def safe_root(
    square: Float[Tensor, "*shape"], rounding: Float[Tensor, ""] | float = 0.0
) -> Float[Tensor, "*shape"]:
    """Square root, with value and gradient 0 where `square` is not above `rounding`.

    Example:
        >>> import simlib as sl, torch
        >>> sl.linalg.safe_root(torch.tensor([4.0, 0.0, -1e-9]))
        tensor([2., 0., 0.])
    """
    above = square > rounding
    return torch.where(above, torch.where(above, square, 1).sqrt(), 0)


def _dynamic_weights(least: float) -> list[tuple[float, float, float]]:
    """(a, b, c) of two steps M -> M (aI + bM'M) (I + cM'M)^-1 that bring singular values of `least`
    or more nearest to 1, none beyond.
    """
    found = []
    for _ in range(2):
        d = (4 * (1 - least**2) / least**4) ** (1 / 3)
        root = (1 + d) ** 0.5
        a = root + (8 - 4 * d + 8 * (2 - least**2) / (least**2 * root)) ** 0.5 / 2
        b = (a - 1) ** 2 / 4
        c = a + b - 1
        found.append((a, b, c))
        least *= (a + b * least**2) / (1 + c * least**2)
    return found


# The least singular value that is kept, as a share of ||M||_F: in single precision the gradient has
# a place for what is nearly rounding; a smaller one costs digits of all.
LEAST = {torch.float32: 1e-10, torch.float64: 1e-8}
WEIGHTS = {dtype: _dynamic_weights(least) for dtype, least in LEAST.items()}
PRODUCTS = 6  # steps of products alone: after two steps from 1e-10 they take 0.26 to 1
MISSED = 1e-13  # share of ||M||_F that a polar factor may fail to give back of M


@torch.no_grad()
def polar_factor(M: Float[Tensor, "p q"]) -> Float[Tensor, "p q"] | None:
    """The polar factor UV' of M = USV', in float64, by products and two Cholesky factors; None
    where a singular value was neither kept nor dropped. No gradient.

    For a GPU, where decompositions take several times as long. Two steps of QDWH, the inverse of
    I + cM'M by its Cholesky factor, then steps of the quintic (15 - 10 s^2 + 3 s^4) s / 8. Singular
    values above `LEAST` end at 1, zeros at 0. Source: Nakatsukasa, Bai & Gygi 2010.

    Example:
        >>> import simlib as sl, torch
        >>> sl.linalg.polar_factor(torch.tensor([[0.0, 3], [0, 0], [-4, 0]])).round(decimals=3)
        tensor([[ 0.,  1.],
                [ 0.,  0.],
                [-1.,  0.]], dtype=torch.float64)
    """
    wide = M.shape[0] < M.shape[1]
    unit = (M.T if wide else M).double()
    unit = unit / torch.linalg.matrix_norm(unit)
    Q, one = unit, torch.eye(unit.shape[1], dtype=unit.dtype, device=unit.device)
    for a, b, c in WEIGHTS[M.dtype]:
        L = torch.linalg.cholesky_ex(torch.addmm(one, Q.T, Q, alpha=c))[0]
        J = torch.linalg.solve_triangular(L, one, upper=False)
        Q = torch.addmm(Q, Q @ J.T, J, beta=b / c, alpha=a - b / c)
    for _ in range(PRODUCTS):
        gram = Q.T @ Q
        Q = Q @ torch.addmm(one, gram, 3 * gram - 10 * one, beta=15) / 8
    missed = torch.linalg.matrix_norm(torch.addmm(unit, Q, Q.T @ unit, alpha=-1))
    if not missed < MISSED:
        return None
    return Q.T if wide else Q


def _norm_and_polar(M: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of M's singular values and its polar factor, over those that are not zero."""
    polar = polar_factor(M) if M.is_cuda else None
    if polar is not None:
        return (polar * M).sum().to(M.dtype), polar.to(M.dtype)
    U, s, Vh = torch.linalg.svd(M, full_matrices=False)
    # In float32 as in float64: small singular values are inexact there, but their directions
    # still carry weight.
    rank = int((s > s[0] * max(M.shape) * torch.finfo(torch.float64).eps).sum())
    return s.sum(), U[:, :rank] @ Vh[:rank]


class _NuclearNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, M):
        norm, polar = _norm_and_polar(M)
        ctx.save_for_backward(polar)
        return norm

    @staticmethod
    def backward(ctx, grad):
        (polar,) = ctx.saved_tensors
        return grad * polar


def nuclear_norm(M: Float[Tensor, "p q"]) -> Float[Tensor, ""]:
    """||M||_*, the sum of M's singular values.

    The gradient is the polar factor U V' over the singular values that are not zero: finite for
    repeated singular values and, as a subgradient, for low rank. Source: Watson 1992
    (characterisation of the subdifferential). On a GPU by `polar_factor`.

    Example:
        >>> import simlib as sl, torch
        >>> round(float(sl.linalg.nuclear_norm(torch.diag(torch.tensor([3.0, 4.0])))), 3)
        7.0
    """
    if not (torch.is_grad_enabled() and M.requires_grad):
        return torch.linalg.svdvals(M).sum()
    return _NuclearNorm.apply(M)


@torch.no_grad()
def rounded_to_single(X: Float[Tensor, "*shape"]) -> bool:
    """Whether float64 numbers were in float32 before: each is a float32 number, and some fill it.

    Whole numbers and short fractions, which lose nothing in float32, say nothing. Once such numbers
    were scaled or centred in float64 they can't be told from others.

    Example:
        >>> import simlib as sl, torch
        >>> thirds = torch.tensor([[1 / 3], [2 / 3], [1.0]], dtype=torch.float64)
        >>> [sl.linalg.rounded_to_single(X) for X in (thirds, thirds.float().double())]
        [False, True]
    """
    if X.dtype != torch.float64 or not bool((X[:1].float() == X[:1]).all()):
        return False
    single = X.float()
    filled = (single.view(torch.int32) & 0xFF).bool() & (single % 1 != 0)
    return bool((single == X).all() and filled.any())


@torch.no_grad()
def rounding(X: Float[Tensor, "n p"]) -> float:
    """The share of the largest singular value of the centred X up to which others are rounding.

    max(n, p) * eps of X's precision. For float64 numbers that were `rounded_to_single` 8 eps of
    float32, times the median over columns of ||x|| / ||x - mean||, since entries far from 0 are
    rounded at their own size: what rounding leaves where columns depend on each other, as outputs
    that add up to 1 do, is smaller (tests/test_rounding.py).

    Example:
        >>> import simlib as sl, torch
        >>> f"{sl.linalg.rounding(torch.ones(100, 3)):.2g}"
        '1.2e-05'
    """
    own = max(X.shape) * torch.finfo(X.dtype).eps
    if not rounded_to_single(X):
        return own
    lengths = (torch.linalg.vector_norm(Z, dim=0) for Z in (X, centre(X)))
    whole, varying = (length[X.amax(0) > X.amin(0)] for length in lengths)
    away = (whole / varying).median() if len(varying) else 1.0
    return max(own, 8 * torch.finfo(torch.float32).eps * float(away))


def compact_svd(
    X: Float[Tensor, "n p"], share: float
) -> tuple[Float[Tensor, "n r"], Float[Tensor, " r"], Float[Tensor, "r p"]]:
    """U, s and V' of X = U S V': the singular values above this share of the largest, largest
    first; r = rank. The share is the `rounding` of what was measured.

    Example:
        >>> import simlib as sl, torch
        >>> U, s, Vh = sl.linalg.compact_svd(torch.ones(2, 3), share=1e-6)
        >>> U.shape, round(float(s), 3)
        (torch.Size([2, 1]), 2.449)
    """
    U, s, Vh = torch.linalg.svd(X, full_matrices=False)
    keep = s > s[0] * share
    return U[:, keep], s[keep], Vh[keep]


class _SpectralMap(torch.autograd.Function):
    @staticmethod
    def forward(ctx, X, values, share):
        U, s, Vh = compact_svd(X.double(), rounding(X) if share is None else share)
        g, slopes = values(s)
        start = values(torch.zeros_like(s[:1]))[1]
        ctx.save_for_backward(U, s, Vh, g, slopes, torch.where(torch.isfinite(start), start, 0))
        return ((U * g) @ Vh).to(X.dtype)

    @staticmethod
    def backward(ctx, grad):
        U, s, Vh, g, slopes, start = ctx.saved_tensors
        G = grad.double()
        inner = U.T @ G @ Vh.T
        gap = s[:, None] - s
        tied = gap.abs() <= 1e-9 * s[0]
        divided = (g[:, None] - g) / torch.where(tied, 1, gap)
        even = torch.where(tied, (slopes[:, None] + slopes) / 2, divided)
        odd = (g[:, None] + g) / (s[:, None] + s)
        inside = even * (inner + inner.T) / 2 + odd * (inner - inner.T) / 2
        below, beside = G @ Vh.T - U @ inner, U.T @ G - inner @ Vh
        outside = G - U @ (U.T @ G) - below @ Vh
        ratio = g / s
        mapped = U @ (inside @ Vh + ratio[:, None] * beside) + (below * ratio) @ Vh
        return (mapped + start * outside).to(grad.dtype), None, None


def spectral_map(
    X: Float[Tensor, "n p"], values: Callable, share: float | None = None
) -> Float[Tensor, "n p"]:
    """U g(s) V' for X = U S V': X with its singular values replaced, its singular vectors kept.

    `values(s)` gives g and its slope at the singular values above `share` of the largest; those
    below are left out. The share is the `rounding` of what was measured (X's own unless said). g =
    1 gives the polar factor. The gradient holds divided differences of g,
    finite for repeated singular values; where g has no finite slope at 0, it is that of changes
    that leave the rank as it is. Computed in float64. Source: Daleckii & Krein 1965, for singular
    values by Noferini 2017.

    Example:
        >>> import simlib as sl, torch
        >>> square = lambda s: (s**2, 2 * s)
        >>> squared = sl.linalg.spectral_map(torch.diag(torch.tensor([3.0, 4.0])), square)
        >>> squared.diagonal().round(decimals=3)
        tensor([ 9., 16.])
    """
    return _SpectralMap.apply(X, values, share)


# Share of the digits that the inverse of a Gram matrix may lose in each precision.
LOST = {torch.float32: 1e-3, torch.float64: 1e-7}


@torch.no_grad()
def inverse_of(
    gram: Float[Tensor, "q q"], source: Float[Tensor, "q q"] | None = None
) -> Float[Tensor, "q q"] | None:
    """Inverse of a positive definite matrix; None where it is ill-conditioned. No gradient.

    ||S||_F ||G^-1||_F eps, which bounds the share of digits lost, may be up to 1e-3 in float32 and
    1e-7 in float64. S is the `source` whose rounding G carries where G was made by subtraction,
    else G itself.

    Example:
        >>> import simlib as sl, torch
        >>> sl.linalg.inverse_of(torch.tensor([[2.0, 1.0], [1.0, 2.0]]))
        tensor([[ 0.6667, -0.3333],
                [-0.3333,  0.6667]])
    """
    L, failed = torch.linalg.cholesky_ex(gram)
    if failed:
        return None
    inverse = torch.cholesky_inverse(L)
    size = (gram if source is None else source).norm()
    safe = size * inverse.norm() * torch.finfo(gram.dtype).eps < LOST[gram.dtype]
    return inverse if safe else None


def inverse_gram(Y: Float[Tensor, "n q"]) -> Float[Tensor, "q q"] | None:
    """(Y'Y)^-1 in Y's precision, None where it is ill-conditioned or n <= q. No gradient.

    Least-squares gradients are tested to stay within 1e-3 of float64 by the limits of `inverse_of`.
    Beyond, the caller takes float64, and then singular values.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.linalg.inverse_gram(X)
        tensor([[ 0.1667, -0.1667],
                [-0.1667,  0.6667]])
    """
    Y = Y.detach()
    return inverse_of(Y.T @ Y) if len(Y) > Y.shape[1] else None


@torch.no_grad()
def spans_samples(Y: Float[Tensor, "n q"]) -> bool:
    """Whether centred columns span all n - 1 directions of centred samples, none of them so weakly
    that `inverse_of` takes YY', which has these and the constant one, for ill-conditioned.

    Example:
        >>> import simlib as sl, torch
        >>> Y = sl.linalg.centre(torch.eye(3, 4))
        >>> [sl.linalg.spans_samples(Z) for Z in (Y, Y[:, :1])]
        [True, False]
    """
    n, q = Y.shape
    if q < n - 1:
        return False
    gram = Y @ Y.T
    return inverse_of(gram + gram.trace() / n**2) is not None


@torch.no_grad()
def onto_columns(
    Y: Float[Tensor, "n q"],
    U: Float[Tensor, "n r"],
    shortest: Float[Tensor, " q"] | float = 0.0,
    share: float = 0.0,
) -> Float[Tensor, "q r"] | None:
    """Q'U of Y = QR in Y's precision, without forming Q. No gradient.

    None for n < q, and where a column of Y is no longer than `shortest` or nearly depends on the
    others, `share` being the `rounding` of what was measured. By the reflections that make up Q or,
    where n > 8q, as R'^-1 Y'U, which is quicker. Rounding moves it by about eps times the condition
    of Y with its columns scaled to one length.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.linalg.onto_columns(X, X[:, :1]).square().sum()), 3)
        8.0
    """
    n, q = Y.shape
    if n < q:
        return None
    U = U.to(Y.dtype)
    reflections, sizes = torch.geqrf(Y)
    R = reflections[:q].triu()
    if not _independent(R, share, shortest):
        return None
    if n > 8 * q:
        return torch.linalg.solve_triangular(R.T, Y.T @ U, upper=False)
    return torch.ormqr(reflections, sizes, U, transpose=True)[:q]


def _independent(
    R: Float[Tensor, "q q"], share: float, shortest: Float[Tensor, " q"] | float = 0.0
) -> bool:
    """Whether columns of Y = QR are longer than `shortest`, and none nearly depends on the others.

    R's diagonal over the lengths of its columns bounds the condition of Y with its columns scaled
    to one length from below: down to 1e4 eps is taken (1 / 840 in float32), or 30 times the
    `share` that counts as rounding.
    """
    lengths = torch.linalg.vector_norm(R, dim=0)
    least = max(1e4 * torch.finfo(R.dtype).eps, 30 * share)
    safe = (R.diagonal().abs() > least * lengths) & (lengths > shortest)
    return bool(safe.all())


@torch.no_grad()
def orthonormal_basis(Y: Float[Tensor, "n q"], share: float | None = None) -> Float[Tensor, "n r"]:
    """Orthonormal basis, in float64, of Y's column space; r is its numerical rank. No gradient.

    By QR where no column nearly depends on the others, else the left singular vectors above `share`
    of the largest singular value: the `rounding` of what was measured (Y's own unless said).

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.linalg.orthonormal_basis(torch.cat([X, X], 1)).shape
        torch.Size([4, 2])
    """
    Y64, share = Y.double(), rounding(Y) if share is None else share
    if len(Y) >= Y.shape[1]:
        Q, R = torch.linalg.qr(Y64)
        if _independent(R, share):
            return Q
    return compact_svd(Y64, share)[0]


def principal_components(
    X: Float[Tensor, "n p"],
) -> tuple[Float[Tensor, "n r"], Float[Tensor, " r"]]:
    """Left singular vectors u_i and singular values s_i of the centred X, largest first; r = rank.

    The variance of principal component i (PC i) is lambda_i = s_i^2. Computed in float64,
    centred twice: the first mean may be large and rounded, and what it leaves is no direction.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> U, s = sl.linalg.principal_components(X)
        >>> U.shape, s.square().round(decimals=3).tolist()
        (torch.Size([4, 2]), [4.0, 1.0])
    """
    return compact_svd(centre(centre(X.double())), rounding(X))[:2]


def explained_by_ridge(s: Float[Tensor, " r"], penalty: float) -> Float[Tensor, " r"]:
    """1 - (a / (s_i^2 + a))^2, a the penalty: how much of a unit vector along principal component i
    of Y, of singular value s_i, ridge regression on Y explains, from 0 to 1.

    Example:
        >>> import simlib as sl, torch
        >>> sl.linalg.explained_by_ridge(torch.tensor([2.0, 1.0]), penalty=4.0)
        tensor([0.7500, 0.3600])
    """
    return 1 - (penalty / (s.square() + penalty)).square()


def explained_variance_ratio(X: Float[Tensor, "n p"]) -> Float[Tensor, " r"]:
    """lambda_i / sum lambda_j: each PC's share of the variance, largest first, in (0, 1].

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.linalg.explained_variance_ratio(X).round(decimals=3).tolist()
        [0.8, 0.2]
    """
    squares = principal_components(X)[1].square()
    return squares / squares.sum()


def participation_ratio(X: Float[Tensor, "n p"]) -> float:
    """(sum lambda)^2 / sum lambda^2: how many PCs share the variance, from 1 to the rank of X.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(sl.linalg.participation_ratio(X), 3)
        1.471
    """
    return float(1 / explained_variance_ratio(X).square().sum())


def direction_outside(U: Float[Tensor, "n r"], seed: int) -> Float[Tensor, " n"]:
    """A random unit vector orthogonal to the columns of U and to the constant, (n,).

    Raises ValueError where there is none: centred samples have n - 1 directions, and U may fill
    them.

    Example:
        >>> import simlib as sl, torch
        >>> U = torch.tensor([[1.0], [-1.0], [0.0], [0.0]]) / 2**0.5
        >>> w = sl.linalg.direction_outside(U, seed=0)
        >>> round(float(w.norm()), 5), abs(float(w @ U)) < 1e-6, abs(float(w.sum())) < 1e-6
        (1.0, True, True)
    """
    n, rank = U.shape
    if n - 1 <= rank:
        raise ValueError(
            f"no room to replace a principal component: {n} samples leave {n - 1} directions "
            "after centring, and X "
            f"fills {rank} of them; take more samples or fewer neurons"
        )
    w = torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=U.dtype)
    for _ in range(2):  # the second time takes away the rounding of the first
        w = w - w.mean() - U @ (U.T @ w)
        w = w / w.norm()
    return w
