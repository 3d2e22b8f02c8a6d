"""Measures that compare two samples x samples kernel matrices: CKA and its relatives."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from simlib.linalg import angular_score, arccos, centre, centred_unit, cosine, square_sum
from simlib.measures import shuffles
from simlib.measures.rsa import squared_distances


def _gram_products(X: Tensor, Y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """<K_X, K_Y>, ||K_X||^2, ||K_Y||^2 of the centred Gram matrices, by the smaller products."""
    X, Y = centred_unit(X), centred_unit(Y)
    n, p, q = *X.shape, Y.shape[1]
    if n < p and n < q:
        K, L = X @ X.T, Y @ Y.T
        return (K * L).sum(), square_sum(K), square_sum(L)
    own_x, own_y = (square_sum(Z @ Z.T if n < Z.shape[1] else Z.T @ Z) for Z in (X, Y))
    return square_sum(X.T @ Y), own_x, own_y


def cka(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Linear centred kernel alignment (CKA), in [0, 1].

    ||X'Y||_F^2 / (||X'X||_F ||Y'Y||_F) of the centred columns: the cosine of the two Gram matrices.
    Symmetric; unchanged by translation, rotation and isotropic scale of either side. Source:
    Kornblith et al. 2019, section 3.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.kernels.cka(X, X[:, :1])), 3)
        0.97
    """
    cross, own_x, own_y = _gram_products(X, Y)
    return cross / (own_x * own_y).sqrt()


def cka_shuffled(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> shuffles.Scores:
    """cka(X, Y) with the samples of Y in each order, as `shuffles.energies`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> sl.measures.kernels.cka_shuffled(X, X)(torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]]))
        tensor([1., 1.])
    """
    shared, own = _products_shuffled(X, Y)
    return lambda orders: shared(orders) / own.sqrt()


def _products_shuffled(X: Tensor, Y: Tensor) -> tuple[shuffles.Scores, Tensor]:
    """<K_X, K_Y> with the samples of Y in each order, and ||K_X||^2 ||K_Y||^2."""
    _, own_x, own_y = _gram_products(X, Y)
    return shuffles.energies(centred_unit(X), centred_unit(Y)), own_x * own_y


class _Alignment(torch.autograd.Function):
    """CKA of Y with a fixed X, both centred: from X or, where that is None, its Gram matrix K."""

    @staticmethod
    def forward(ctx, Y, X, K, norm):
        shared, own = (K, Y @ Y.T) if X is None else (X.T @ Y, Y.T @ Y)
        cross, square = (K * own).sum() if X is None else square_sum(shared), square_sum(own)
        norms = norm * square.sqrt()
        ctx.save_for_backward(Y, X, shared, own, cross / square, 2 / norms)
        return cross / norms

    @staticmethod
    def backward(ctx, grad):
        Y, X, shared, own, share, scale = ctx.saved_tensors
        if X is None:
            slope = (shared - share * own) @ Y
        elif X.is_cuda:  # `alpha` would be copied to the host
            slope = X @ shared - Y @ (share * own)
        else:
            slope = torch.addmm(X @ shared, Y, own, alpha=-float(share))
        return grad * scale * slope, None, None, None


def cka_towards(X: Float[Tensor, "n p"]) -> Callable[[Float[Tensor, "n q"]], Float[Tensor, ""]]:
    """Y -> cka(X, Y), with what belongs to X computed once: for many Y, and gradients in Y alone.

    A score and its gradient take two products of n x n x q where samples are fewer than the neurons
    of both sides together, else two of n x p x q and two of n x q x q.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> similarity = sl.measures.kernels.cka_towards(X)
        >>> [round(float(similarity(Y)), 3) for Y in (X, X[:, :1])]
        [1.0, 0.97]
    """
    n, p = X.shape
    X = centred_unit(X)
    K = X @ X.T if n < 2 * p else None
    norm = square_sum(K if K is not None else X.T @ X).sqrt()

    def towards(Y: Tensor) -> Tensor:
        by_samples = K is not None and n < p + Y.shape[1]
        return _Alignment.apply(centred_unit(Y), None if by_samples else X, K, norm)

    return towards


def cka_angular(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Angular CKA distance arccos(CKA) in radians, in [0, pi/2]. Invariances as `cka`.

    The angle between the two Gram matrices. Source: Williams et al. 2021.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.kernels.cka_angular(X, X[:, :1])), 3)
        0.245
    """
    return arccos(cka(X, Y))


def cka_angular_score(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Angular CKA, in [0, 1]: 1 - (2/pi) arccos(CKA).

    One minus the angle between the two Gram matrices in units of a right angle. Invariances as
    `cka`. Source: Williams et al. 2021; Cloos et al. 2025.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.kernels.cka_angular_score(X, X[:, :1])), 3)
        0.844
    """
    return angular_score(cka(X, Y))


def cka_angular_score_towards(
    X: Float[Tensor, "n p"],
) -> Callable[[Float[Tensor, "n q"]], Float[Tensor, ""]]:
    """Y -> cka_angular_score(X, Y), as `cka_towards`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> similarity = sl.measures.kernels.cka_angular_score_towards(X)
        >>> [round(float(similarity(Y)), 3) for Y in (X, X[:, :1])]
        [1.0, 0.844]
    """
    towards = cka_towards(X)
    return lambda Y: angular_score(towards(Y))


def _without_diagonal(K: Tensor) -> Tensor:
    return K - torch.diag(K.diagonal())


def _hollow_gram(X: Tensor) -> Tensor:
    """Linear Gram matrix of the centred X, its diagonal 0. Refuses fewer than 4 samples."""
    if len(X) < 4:
        raise ValueError(f"a debiased CKA needs 4 or more samples; got {len(X)}")
    X = centred_unit(X)
    return _without_diagonal(X @ X.T)


def _u_centred(X: Tensor) -> Tensor:
    """Hollow Gram matrix, centred so that each row sums to 0 without its diagonal."""
    K, n = _hollow_gram(X), len(X)
    means = K.sum(1) / (n - 2)
    return _without_diagonal(K - means[:, None] - means + means.sum() / (n - 1))


def cka_debiased(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Debiased linear CKA, in [-1, 1]: about 0 for independent X and Y of any number of neurons.

    HSIC(X, Y) / sqrt(HSIC(X, X) HSIC(Y, Y)) with the unbiased HSIC of Song et al.; equal to the
    cosine of the U-centred Gram matrices. Each HSIC is unbiased, their ratio nearly so. Symmetric;
    invariances as `cka`. Raises ValueError for fewer than 4 samples. Source: Song et al. 2012, eq.
    5; Szekely & Rizzo 2014 for U-centring; Nguyen et al. 2021 for its use in CKA.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.kernels.cka_debiased(X, X[:, :1])), 3)
        0.971
    """
    return cosine(_u_centred(X), _u_centred(Y))


def cka_lange(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """CKA debiased as by Lange et al., in [-1, 1]: near 0 for independent X and Y of few neurons.

    The cosine of the two centred Gram matrices over pairs of different samples: their diagonals,
    which carry most of the bias, are left out. Centring spreads some of it over the other entries,
    so that independent Gaussian X and Y of p neurons score about p / (p + n^2): 0 while p is far
    below n^2, unlike `cka_debiased`, which centres without the diagonal. Symmetric; invariances as
    `cka`. Raises ValueError for fewer than 4 samples. Source: Lange et al. 2023.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.kernels.cka_lange(X, X[:, :1])), 3)
        0.968
    """
    return cosine(_hollow_gram(X), _hollow_gram(Y))


def _rbf_kernel(X: Tensor, bandwidth: float) -> Tensor:
    squares = squared_distances(X)
    above = torch.triu_indices(len(X), len(X), 1, device=X.device).unbind()
    median = squares[above].median()
    if not median > 0:
        raise ValueError(
            "half of the pairs of samples are the same: the median distance, unit of the "
            "bandwidth, is 0"
        )
    kernel = torch.exp(-squares.clamp_min(0) / (2 * bandwidth**2 * median))
    return centre(centre(kernel).T)


def cka_rbf(
    X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"], *, bandwidth: float = 1.0
) -> Float[Tensor, ""]:
    """CKA of Gaussian (RBF) kernels, in [0, 1].

    The cosine of the centred kernels exp(-d^2 / (2 sigma^2)), d the Euclidean distance of two
    samples and sigma = `bandwidth` times the median of d over pairs of samples (the lower median,
    each side its own). A wide bandwidth gives linear CKA. Symmetric; unchanged by translation,
    rotation and isotropic scale. Raises ValueError for a bandwidth of 0 or less and where the
    median distance is 0. Source: Kornblith et al. 2019, section 3.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.kernels.cka_rbf(X, X[:, :1])), 3)
        0.967
    """
    if not bandwidth > 0:
        raise ValueError(f"bandwidth needs to be more than 0; got {bandwidth}")
    return cosine(_rbf_kernel(X, bandwidth), _rbf_kernel(Y, bandwidth))


def ensd(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
    """Effective number of shared dimensions (ENSD), from 0 up.

    ||X'Y||_F^2 tr(X'X) tr(Y'Y) / (||X'X||_F^2 ||Y'Y||_F^2) of the centred columns; of X with itself
    it is X's participation ratio. Symmetric; invariances as `cka`. Source: Giaffar et al. 2023.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> round(float(sl.measures.kernels.ensd(X, X[:, :1])), 3)
        1.176
    """
    cross, own_x, own_y = _gram_products(X, Y)
    return cross * square_sum(centred_unit(X)) * square_sum(centred_unit(Y)) / (own_x * own_y)


def ensd_shuffled(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> shuffles.Scores:
    """ensd(X, Y) with the samples of Y in each order, as `cka_shuffled`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.kernels.ensd_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [0, 2, 1, 3]])).round(decimals=3)
        tensor([1.1760, 0.2940])
    """
    shared, own = _products_shuffled(X, Y)
    squares = square_sum(centred_unit(X)) * square_sum(centred_unit(Y))
    return lambda orders: shared(orders) * squares / own


def cka_debiased_shuffled(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> shuffles.Scores:
    """cka_debiased(X, Y) with the samples of Y in each order, as `shuffles.hollow`.

    The product of U-centred Gram matrices is <K, L> - n/(n - 2) sum K_ii L_ii + tr K tr L / ((n -
    1)(n - 2)) of the centred ones, K and L, whose rows sum to 0.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.kernels.cka_debiased_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [0, 2, 1, 3]])).round(decimals=3)
        tensor([ 0.9710, -0.2770])
    """
    norms, n = (square_sum(_u_centred(X)) * square_sum(_u_centred(Y))).sqrt(), len(X)
    X, Y = centred_unit(X), centred_unit(Y)
    shared = shuffles.hollow(X, Y, n / (n - 2))
    rest = square_sum(X) * square_sum(Y) / ((n - 1) * (n - 2))
    return lambda orders: (shared(orders) + rest) / norms


def cka_lange_shuffled(X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> shuffles.Scores:
    """cka_lange(X, Y) with the samples of Y in each order, as `shuffles.hollow`.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.kernels.cka_lange_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [0, 2, 1, 3]])).round(decimals=3)
        tensor([ 0.9680, -0.0880])
    """
    norms = (square_sum(_hollow_gram(X)) * square_sum(_hollow_gram(Y))).sqrt()
    shared = shuffles.hollow(centred_unit(X), centred_unit(Y))
    return lambda orders: shared(orders) / norms


def cka_rbf_shuffled(
    X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"], *, bandwidth: float = 1.0
) -> shuffles.Scores:
    """cka_rbf(X, Y) with the samples of Y in each order: both kernels are computed once.

    Example:
        >>> import simlib as sl, torch
        >>> X = torch.tensor([[0.0, 0], [2, 0], [0, 1], [2, 1]])
        >>> scores = sl.measures.kernels.cka_rbf_shuffled(X, X[:, :1])
        >>> scores(torch.tensor([[0, 1, 2, 3], [0, 2, 1, 3]])).round(decimals=3)
        tensor([0.9670, 0.2470])
    """
    return shuffles.cosines(_rbf_kernel(X, bandwidth), _rbf_kernel(Y, bandwidth))
