"""Measures that predict X from Y: linear regression and ridge, cross-validated or not."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from simlib import validation
from simlib.linalg import (
    arccos,
    centre,
    centred_columns,
    centred_unit,
    compact_svd,
    explained_by_ridge,
    inverse_gram,
    inverse_of,
    principal_components,
    rounding,
    spans_samples,
    spectral_map,
    square_sum,
)
from simlib.measures import shuffles
from simlib.measures.folds import Labels, held_out_blocks, split


class _ExplainedEnergy(torch.autograd.Function):
    """||YB||_F^2, B = Y^+ X the least-squares coefficients of X on Y.

    YB = Z C by thin factors: Z = Y and C = (Y'Y)^-1 Y'X where `inverse` has it, else Z = U and C =
    U'X of Y = USV', over singular values above this share. B itself, neurons x neurons, would be
    the largest product where neurons are more than samples.
    """

    @staticmethod
    def forward(ctx, X, Y, inverse, share):
        if inverse is None:
            Z, s, Vh = compact_svd(Y, share)
            C, back = Z.T @ X, Vh / s[:, None]
        else:
            Z, C, back = Y, inverse @ (Y.T @ X), None
        fitted = Z @ C
        ctx.save_for_backward(X, fitted, C, back)
        return square_sum(fitted)

    @staticmethod
    def backward(ctx, grad):
        X, fitted, C, back = ctx.saved_tensors
        grad_x = 2 * grad * fitted if ctx.needs_input_grad[0] else None
        grad_y = None
        if ctx.needs_input_grad[1]:
            grad_y = 2 * grad * ((X - fitted) @ C.T)
            grad_y = grad_y if back is None else grad_y @ back
        return grad_x, grad_y, None, None


def linear_regression(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Linear-regression R^2 of X predicted from Y, in [0, 1].

    ||Q'X||_F^2 / ||X||_F^2 of the centred columns, Q an orthonormal basis of Y's column space (of
    its numerical rank: a rank-deficient Y explains no more than it spans, and rounding, that of
    float32 where Y was in float32, is no direction: `linalg.rounding`). 1 whenever Y's columns span
    the samples (q >= n - 1). Not symmetric; unchanged by any invertible linear map of Y, by
    rotation and isotropic scale of X, and by translation of either. Source: Kornblith et al. 2019,
    section 3.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.regression.linear_regression(X, X[:, :1])), 3)
        0.8
    """
    for dtype in (Y.dtype, torch.float64):
        target, columns = centred_unit(X.to(dtype)), centred_columns(Y.to(dtype))
        if spans_samples(columns):  # 1, which autograd can follow to both
            return ((columns * 0).sum() + square_sum(target) / square_sum(target)).to(Y.dtype)
        inverse = inverse_gram(columns)
        if inverse is not None:
            break
    share = rounding(Y) if inverse is None else 0.0
    explained = _ExplainedEnergy.apply(target, columns, inverse, share)
    return (explained / square_sum(target)).to(Y.dtype)


def linear_regression_shuffled(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> shuffles.Scores:
    """linear_regression(X, Y) with the samples of Y in each order: one basis of Y serves all.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.regression.linear_regression_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [0, 2, 1, 3]])).round(decimals=3)
        tensor([0.8000, 0.2000])
    """
    target, columns = centred_unit(X), centred_columns(Y)
    share = 0.0 if inverse_gram(columns) is not None else rounding(Y)
    explained = shuffles.energies(target, compact_svd(columns, share)[0])
    return lambda orders: explained(orders) / square_sum(target)


def linear_regression_angular(
    X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]
) -> Float[Tensor, ""]:
    """Angular linear-regression distance arccos(R^2) in radians, in [0, pi/2].

    R^2 is not a cosine (its root is one): the arc cosine only stretches the scale near 1. Exactly 0
    where Y's columns span the samples. Invariances as `linear_regression`. Source: Cloos et al.
    2025.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.regression.linear_regression_angular(X, X[:, :1])), 3)
        0.644
    """
    return arccos(linear_regression(X, Y))


def _pearson_median(target: Tensor, predicted: Tensor) -> Tensor:
    """The median over columns of Pearson's r; a column without variance counts as 0."""
    target, predicted = centre(target), centre(predicted)
    squares = target.square().sum(0), predicted.square().sum(0)
    varies = (squares[0] > 0) & (squares[1] > 0)
    norm, norm_predicted = (torch.where(varies, square, 1).sqrt() for square in squares)
    r = (target * predicted).sum(0) / norm / norm_predicted
    return torch.where(varies, r, 0).quantile(0.5)


def _r2(target: Tensor, predicted: Tensor) -> Tensor:
    return 1 - square_sum(target - predicted) / square_sum(target)


def _cosine(target: Tensor, predicted: Tensor) -> Tensor:
    return (target * predicted).sum() / square_sum(target).sqrt() / square_sum(predicted).sqrt()


COMPARISONS = {"r2": _r2, "cosine": _cosine, "pearson-median": _pearson_median}


# Share of ||Y'Y||_F that the penalty needs for normal equations to keep their digits, and where the
# fit all but interpolates: with fewer than 1.1 samples to train on for each neuron.
ENOUGH = {torch.float32: (1e-4, 1e-2), torch.float64: (1e-9, 1e-6)}


def _enough(gram: Tensor, penalty: float, interpolates: bool) -> bool:
    """Whether the penalty alone makes (gram + penalty I)^-1 safe in this precision."""
    return penalty > 0 and penalty >= ENOUGH[gram.dtype][interpolates] * float(gram.detach().norm())


def _ridged(gram: Tensor, penalty: float) -> Tensor:
    return gram + penalty * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)


def _solved(A: Tensor, B: Tensor) -> Tensor:
    """A^-1 B of an A that the penalty keeps from being singular: whether it was (`_ex`, as for the
    Cholesky factors below) would be copied from a GPU.
    """
    return torch.linalg.solve_ex(A, B).result


# Of each part of the samples what comparing target and prediction gives, kept instead of these;
# None: digits lost.
Fits = list[Tensor] | None
Compare = Callable[[Tensor, Tensor], Tensor]


def _fit_all(X: Tensor, Y: Tensor, penalty: float, compare: Compare) -> Fits:
    """The fit to all samples: by Y'Y, or with more neurons than samples by YY', the smaller."""
    X, Y = centre(X), centre(Y)
    wide = Y.shape[1] > len(Y)
    gram = Y @ Y.T if wide else Y.T @ Y
    ridged = _ridged(gram, penalty)
    if not _enough(gram, penalty, interpolates=wide) and (wide or inverse_of(ridged) is None):
        return None
    if wide:
        return [compare(X, X - penalty * _solved(ridged, X))]
    return [compare(X, Y @ _solved(ridged, Y.T @ X))]


def _interpolates(n: int, q: int, held: list[Tensor]) -> bool:
    """Whether some fold trains on so few samples that the fit all but interpolates them."""
    return n - max(map(len, held)) - 1 < 1.1 * q


def _hat_fits(
    X: Tensor, Y: Tensor, blocks: list[slice | Tensor], penalty: float, compare: Compare
) -> Fits:
    """Predictions of each held-out block from one fit: residuals E_k = (I - H_kk)^-1 (X - HX)_k.

    H = 11'/n + Y (Y'Y + aI)^-1 Y' of the centred Y: the block form of leave-one-out, exact because
    the intercept is not penalised. For blocks smaller than Y has neurons.
    """
    hat = _hat_matrix(Y, blocks, penalty)
    return None if hat is None else _held_out_fits(centre(X), hat, blocks, compare)


def _hat_matrix(Y: Tensor, blocks: list[slice | Tensor], penalty: float) -> Tensor | None:
    """H of `_hat_fits`; None where digits would be lost."""
    Y = centre(Y)
    side, L = _factored(Y, blocks, penalty)
    if L is None:
        return None
    if len(L) == Y.shape[1]:
        half = torch.linalg.solve_triangular(L, Y.T, upper=False)
        hat = half.T @ half
    else:
        hat = torch.cholesky_solve(side, L)
    return hat + 1 / len(Y)


def _factored(
    Y: Tensor, blocks: list[slice | Tensor], penalty: float
) -> tuple[Tensor, Tensor | None]:
    """Y'Y, or YY' if that is smaller, and its Cholesky factor with the penalty; None where digits
    would be lost.
    """
    n, q = Y.shape
    side = Y.T @ Y if q <= n else Y @ Y.T
    enough = _enough(side, penalty, _interpolates(n, q, [Y[block] for block in blocks]))
    return side, torch.linalg.cholesky_ex(_ridged(side, penalty)).L if enough else None


def _held_out_fits(X: Tensor, hat: Tensor, blocks: list[slice | Tensor], compare: Compare) -> Fits:
    residual, fits = X - hat @ X, []
    for b in blocks:
        x, own = X[b], hat[b][:, b]
        target = x + x.sum(0) / (len(X) - len(x))
        eye = torch.eye(len(x), dtype=X.dtype, device=X.device)
        fits.append(compare(target, target - _solved(eye - own, residual[b])))
    return fits


class _HeldOutR2(torch.autograd.Function):
    """Mean of the R^2 of `_hat_fits`, of a fixed X and Y, both centred, and the factor L of Y. Only
    the blocks H_kk of H are formed, and the gradient in Y takes about half the products.

    With B = Y A^-1, A = LL' = Y'Y + aI, a change of H changes the value by <dH, M>: M is, in the
    rows of each block, F_k X' less F_k E_k' in its columns, F_k = 2 (I - H_kk)^-1 E_k / (folds
    ||X_k||^2). The gradient is (I - YB')(M + M')B.
    """

    @staticmethod
    def forward(ctx, Y, X, L, blocks, penalty):
        if len(L) == Y.shape[1]:
            B = torch.cholesky_solve(Y.T, L).T
            residual = X - B @ (Y.T @ X)
        else:
            B, residual = torch.cholesky_solve(Y, L), penalty * torch.cholesky_solve(X, L)
        errors, factors, shares, sizes = [], [], [], []
        for b in blocks:
            own = -(B[b] @ Y[b].T) - 1 / len(X)
            own.diagonal().add_(1)
            factors.append(torch.linalg.cholesky_ex(own).L)
            errors.append(torch.cholesky_solve(residual[b], factors[-1]))
            sizes.append(square_sum(X[b] + X[b].sum(0) / (len(X) - len(own))))
            shares.append(square_sum(errors[-1]) / sizes[-1])
        ctx.blocks, ctx.sizes = blocks, sizes
        ctx.save_for_backward(Y, X, B, *errors, *factors)
        return 1 - torch.stack(shares).mean()

    @staticmethod
    def backward(ctx, grad):
        Y, X, B, *rest = ctx.saved_tensors
        folds, F = len(ctx.blocks), torch.empty_like(X)
        errors, factors = rest[:folds], rest[folds:]
        for b, size, error, factor in zip(ctx.blocks, ctx.sizes, errors, factors, strict=True):
            F[b] = torch.cholesky_solve(error, factor) * (2 / (folds * size))
        M = F @ X.T
        for b, error in zip(ctx.blocks, errors, strict=True):
            M[_crossed(b)] -= F[b] @ error.T
        slope = (M + M.T) @ B
        return grad * (slope - Y @ (B.T @ slope)), None, None, None, None


def _held_out_r2(X: Tensor, Y: Tensor, blocks: list[slice | Tensor], penalty: float) -> Fits:
    """The mean of `_hat_fits` with R^2, as the only one."""
    X, Y = centre(X), centre(Y)
    _, L = _factored(Y.detach(), blocks, penalty)
    return None if L is None else [_HeldOutR2.apply(Y, X, L, blocks, penalty)]


def _crossed(block: slice | Tensor) -> tuple:
    """The rows and columns of a block of samples."""
    return (block, block) if isinstance(block, slice) else (block[:, None], block)


def _downdated_fits(
    X: Tensor, Y: Tensor, blocks: list[slice | Tensor], penalty: float, compare: Compare
) -> Fits:
    """Predictions of each held-out block, from Gram matrices of all samples less the block's.

    With X and Y centred by all n samples and t the sum of the block's m rows, the training rows
    have the mean -t / (n - m), and their centred Gram matrix is Y'Y - Y_k'Y_k - tt' / (n - m).
    """
    X, Y = centre(X), centre(Y)
    held = [(X[block], Y[block]) for block in blocks]
    grams, crosses = [y.T @ y for _, y in held], [y.T @ x for x, y in held]
    gram, cross = sum(grams), sum(crosses)
    interpolates = _interpolates(*Y.shape, [x for x, _ in held])
    sure = _enough(gram, penalty, interpolates)
    if interpolates and not sure:
        return None
    fits = []
    for (x, y), own, shared in zip(held, grams, crosses, strict=True):
        left = len(X) - len(x)
        sum_x, sum_y = x.sum(0), y.sum(0)
        trained = _ridged(gram - own - torch.outer(sum_y, sum_y) / left, penalty)
        if not sure and inverse_of(trained, gram) is None:
            return None
        L = torch.linalg.cholesky_ex(trained).L
        B = torch.cholesky_solve(cross - shared - torch.outer(sum_y, sum_x) / left, L)
        fits.append(compare(x + sum_x / left, (y + sum_y / left) @ B))
    return fits


def _careful_fits(
    X: Tensor,
    Y: Tensor,
    blocks: list[slice | Tensor],
    penalty: float,
    share: float,
    compare: Compare,
) -> Fits:
    """Each fit by itself, through the singular values of its samples above this share.

    No digits are lost to squares; least norm where the penalty is 0.
    """

    def shrunk(s: Tensor) -> tuple[Tensor, Tensor]:
        return s / (s**2 + penalty), (penalty - s**2) / (s**2 + penalty) ** 2

    fits = []
    for block in blocks or [None]:
        (train_x, x), (train_y, y) = (
            split(Z, block) if blocks else (centre(Z), centre(Z)) for Z in (X, Y)
        )
        fits.append(compare(x, y @ (spectral_map(train_y, shrunk, share).T @ train_x)))
    return fits


def _small(Y: Tensor, blocks: list[slice | Tensor]) -> bool:
    """Whether a block has no more samples than Y has neurons."""
    return len(Y) // len(blocks) <= Y.shape[1]


def _quick_fits(
    X: Tensor, Y: Tensor, blocks: list[slice | Tensor], penalty: float, compare: Compare
) -> Fits:
    """Fits by the products that are smallest for these sizes."""
    if not blocks:
        return _fit_all(X, Y, penalty, compare)
    fits = None
    if _small(Y, blocks) and compare is _r2 and not X.requires_grad:
        fits = _held_out_r2(X, Y, blocks, penalty)
    elif _small(Y, blocks):
        fits = _hat_fits(X, Y, blocks, penalty, compare)
    return fits or _downdated_fits(X, Y, blocks, penalty, compare)


def _one_way(
    X: Tensor, Y: Tensor, penalty: float, blocks: list[slice | Tensor], compare: Compare
) -> Tensor:
    """The score of X from Y: in Y's precision if safe, else in float64, else by singular values."""
    fits = None
    for dtype in dict.fromkeys((Y.dtype, torch.float64)):
        x, y = X.to(dtype), Y.to(dtype)
        fits = fits or _quick_fits(x, y, blocks, penalty, compare)
    fits = fits or _careful_fits(x, y, blocks, penalty, rounding(Y), compare)
    return torch.stack(fits).mean(0).to(Y.dtype)


def regression(
    X: Float[Tensor, "n p"],
    Y: Float[Tensor, "n q"],
    *,
    penalty: float = 100.0,
    folds: int = 5,
    comparison: str = "r2",
    symmetric: bool = False,
    scheme: str = "contiguous",
    seed: int = 0,
    groups: Labels = None,
    conditions: int = 0,
) -> Float[Tensor, ""]:
    """Ridge regression of X on Y, scored on held-out samples; at most 1, R^2 may be negative.

    `folds` parts of the samples are held out in turn (0: scored where fitted); `scheme`, with
    `seed`, `groups` and `conditions`, says which (`held_out_blocks`): it changes the score, so name
    it with the result. The fit is B = (Y'Y + penalty I)^-1 Y'X on training rows centred by their
    means (least norm where penalty is 0), in the dual form Y'(YY' + penalty I)^-1 X where neurons
    outnumber samples. `comparison` "r2" is 1 - ||X - YB||_F^2 / ||X||_F^2 on held-out rows centred
    by the training means; "cosine" is the cosine of prediction and target there, the authors'
    "pearsonr"; "pearson-median" is Pearson's correlation of prediction and target for each neuron
    of X, its median over neurons, as Brain-Score reports it. Each is averaged over folds.
    `symmetric` averages both directions. Not symmetric otherwise; unchanged by rotation and
    translation of either side (of X not for "pearson-median") and by scale of X; the penalty acts
    on the scale of Y. With penalty 0 unchanged by invertible linear maps of Y as long as training
    samples outnumber its neurons. Raises ValueError for a negative penalty, another comparison or
    folds that the samples don't fill. Source: Hoerl & Kennard 1970; Cloos et al. 2025 for the
    settings; Schrimpf et al. 2018 for the median.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.regression.regression(X, X[:, :1], penalty=4, folds=0)), 3)
        0.6
    """
    validation.at_least("penalty", penalty, 0)
    if comparison not in COMPARISONS:
        raise ValueError(f"comparison is 'r2', 'cosine' or 'pearson-median'; got {comparison!r}")
    if folds and not 2 <= folds <= len(X):
        raise ValueError(
            f"folds is 0 (no cross-validation) or from 2 to the {len(X)} samples; got {folds}"
        )
    blocks = (
        held_out_blocks(len(X), folds, scheme, seed=seed, groups=groups, conditions=conditions)
        if folds
        else []
    )
    ways = [(X, Y), (Y, X)] if symmetric else [(X, Y)]
    compare = COMPARISONS[comparison]
    return sum(_one_way(*way, penalty, blocks, compare) for way in ways) / len(ways)


def regression_shuffled(
    X: Float[Tensor, "n p"],
    Y: Float[Tensor, "n q"],
    *,
    penalty: float = 100.0,
    folds: int = 5,
    comparison: str = "r2",
    symmetric: bool = False,
    scheme: str = "contiguous",
    seed: int = 0,
    groups: Labels = None,
    conditions: int = 0,
) -> shuffles.Scores | None:
    """regression(X, Y) with the samples of Y in each order; None without folds for all but the R^2,
    for both directions, and for folds of conditions whose number is not given.

    Without folds and with Y = U S V' it is sum_i (1 - (a / (s_i^2 + a))^2) ||u_i'X||^2 / ||X||_F^2,
    `penalty` a. With folds the hat matrix of Y serves all orders, if samples of a fold are fewer
    than neurons: n^2 lookups and n^2 p operations an order, whatever Y's neurons.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.regression.regression_shuffled(X, X[:, :1], penalty=4, folds=0)
        >>> scores(torch.tensor([[0, 1, 2, 3], [0, 2, 1, 3]])).round(decimals=3)
        tensor([0.6000, 0.1500])
    """
    if symmetric or (scheme == "condition" and not conditions):
        return None
    if folds:
        options = {"seed": seed, "groups": groups, "conditions": conditions}
        blocks = held_out_blocks(len(X), folds, scheme, **options)
        wanted = list(COMPARISONS) if shuffles.sharing() else [comparison]
        scores = _cross_validated_shuffled(X, Y, penalty, blocks, wanted)
        return lambda orders: scores(orders)[:, wanted.index(comparison)]
    if comparison != "r2":
        return None
    target, (U, s) = centre(X), principal_components(Y)
    basis = (U * explained_by_ridge(s, penalty).sqrt()).to(X.dtype)
    explained = shuffles.energies(target, basis)
    return lambda orders: explained(orders) / square_sum(target)


def _cross_validated_shuffled(
    X: Tensor, Y: Tensor, penalty: float, blocks: list[slice | Tensor], wanted: list[str]
) -> shuffles.Scores:
    """The comparisons of the same fits, a column each, with the samples of Y in each order."""

    def compare(target: Tensor, predicted: Tensor) -> Tensor:
        return torch.stack([COMPARISONS[name](target, predicted) for name in wanted])

    def score(order: Tensor) -> Tensor:
        if hat is None:
            return _one_way(X, Y.index_select(0, order), penalty, blocks, compare)
        fits = _held_out_fits(centred, shuffles.moved(hat, order, order), blocks, compare)
        return torch.stack(fits).mean(0)

    centred, hat = centre(X), _hat_matrix(Y, blocks, penalty) if _small(Y, blocks) else None
    scores = shuffles.each(score, len(X) * X.numel())
    return shuffles.once(scores, "ridge", X, Y, penalty, *wanted, *blocks)
