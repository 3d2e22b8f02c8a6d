"""Principal components (PCs) of X: how much of each one Y has learned, and at which score."""

import numpy as np
import torch

from simlib import trials, validation
from simlib.linalg import (
    centre,
    centred_columns,
    centred_unit,
    explained_variance_ratio,
    far_from_zero,
    onto_columns,
    orthonormal_basis,
    principal_components,
    rounding,
)
from simlib.threads import on_free_cores

PRECISIONS = (torch.float32, torch.float64)
PENALTY = 0.1  # of `held_out_variance`, in units of Y's mean square of a sample

__all__ = [
    "captured_variance",
    "explained_variance",
    "first_crossing",
    "held_out_variance",
    "left_singular_vectors",
    "score_to_capture",
]


def _tensor(values, name: str) -> torch.Tensor:
    return torch.from_numpy(validation.flat(validation.array(values, name)))


@on_free_cores
def left_singular_vectors(X, *, device: str | torch.device = "cpu") -> torch.Tensor:
    """Left singular vectors u_i of the centred X: computed once, used for many Y.

    Args:
        X: (samples, neurons) or (time, trial, neuron).
        device: where torch computes, such as "cuda", and where they lie.

    Returns:
        A float64 tensor (samples, rank), a column for each PC, largest variance first.

    Raises:
        ValueError: for an X that can't be scored and for a device that can't be used.

    Example:
        >>> import simlib as sl
        >>> sl.components.left_singular_vectors([[0, 0], [2, 0], [0, 1], [2, 1]]).abs()
        tensor([[0.5000, 0.5000],
                [0.5000, 0.5000],
                [0.5000, 0.5000],
                [0.5000, 0.5000]], dtype=torch.float64)
    """
    where = validation.device(device)
    return principal_components(_tensor(X, "X").to(where))[0]


def explained_variance(X) -> np.ndarray:
    """Explained-variance ratio lambda_i / sum lambda_j of each PC of X, in [0, 1].

    Args:
        X: (samples, neurons) or (time, trial, neuron).

    Returns:
        An array (p,), largest first, with zeros beyond the rank.

    Raises:
        ValueError: for an X that can't be scored.

    Example:
        >>> import simlib as sl
        >>> sl.components.explained_variance([[0, 0], [2, 0], [0, 1], [2, 1]]).round(3)
        array([0.8, 0.2])
    """
    X = _tensor(X, "X")
    ratios = explained_variance_ratio(X).numpy()
    return np.pad(ratios, (0, X.shape[1] - len(ratios)))


@on_free_cores
def captured_variance(
    X, Y, *, vectors: torch.Tensor | None = None, device: str | torch.device = "cpu"
) -> np.ndarray:
    """R^2 of each PC of X predicted linearly from Y, in [0, 1].

    R^2_i = ||Q'u_i||^2 with u_i the left singular vectors of the centred X and Q an orthonormal
    basis of the centred Y's columns.

    Args:
        X, Y: (samples, neurons) or (time, trial, neuron), with the same samples.
        vectors: `left_singular_vectors(X)`, in single precision where Y is, to spare the
            decomposition of X when many Y are compared with it. Computed where they lie.
        device: where torch computes if vectors are not given, such as "cuda".

    Returns:
        An array (p,), the PC of largest variance first; NaN beyond the rank of X.

    Raises:
        ValueError: for inputs that can't be scored, for vectors in half precision and for a device
            that can't be used.

    Source: Cloos et al. 2025, figures 2, 4 and 5.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> sl.captured_variance(X, [[0], [2], [0], [2]]).round(3)
        array([1., 0.])
    """
    neurons = X.sizes["neuron"] if hasattr(X, "sizes") else np.shape(X)[-1]
    Y, vectors = _matched(X, Y, vectors, device)
    captured = np.full(neurons, np.nan)
    found = _explained(vectors, _samples(Y, vectors)).clamp(0, 1)
    captured[: vectors.shape[1]] = found.cpu().numpy()
    return captured


def _matched(X, Y, vectors: torch.Tensor | None, device: str | torch.device):
    """Y with its trials in X's order, and the left singular vectors of X."""
    if vectors is None:
        X, Y = validation.pair(X, Y)
        return Y, left_singular_vectors(X, device=device)
    if getattr(vectors, "dtype", None) not in PRECISIONS:
        got = vectors.dtype if isinstance(vectors, torch.Tensor) else type(vectors).__name__
        raise ValueError(
            "vectors is the tensor left_singular_vectors(X), in torch.float32 or torch.float64; "
            f"got {got}"
        )
    order = trials.order(X, Y)
    return (Y if order is None else validation.array(Y, "Y")[..., order, :]), vectors


def _samples(Y, vectors: torch.Tensor) -> torch.Tensor:
    """Y as (samples, neurons), where the vectors lie; a tensor of finite numbers in one of
    PRECISIONS keeps its own.
    """
    floats, n = isinstance(Y, torch.Tensor) and Y.dtype in PRECISIONS, len(vectors)
    flat = validation.flat(Y) if floats and torch.isfinite(Y.sum()) else _tensor(Y, "Y")
    if len(flat) != n:
        raise ValueError(
            f"X and Y need the same samples in the same order; got {n} and {len(flat)}"
        )
    return flat.detach().to(vectors.device)


def _explained(vectors: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
    """||Q'u||^2 of each column u of `vectors`, Q an orthonormal basis of Y's centred columns."""
    Y = Y.double() if far_from_zero(Y) else Y
    mean = Y.mean(0)
    shortest = 8 * torch.finfo(Y.dtype).eps * len(Y) ** 0.5 * mean.abs()
    share = rounding(Y) if Y.dtype == torch.float64 else 0.0  # in float32 its eps is enough
    # Centred twice, since the first mean is rounded at its own size.
    projected = onto_columns(centre(Y - mean), vectors, shortest, share)
    if projected is None:
        Y = _tensor(Y, "Y").to(vectors.device)
        projected = orthonormal_basis(centred_columns(Y), rounding(Y)).T @ vectors.double()
    return projected.square().sum(0).double()


@on_free_cores
def held_out_variance(
    X,
    Y,
    *,
    groups=None,
    vectors: torch.Tensor | None = None,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """R^2 of each PC of X predicted from Y on trials that the fit has not seen, in [0, 1].

    With as many neurons as samples any Y fits any PC (`captured_variance` is 1): what is left to
    ask is what the fit says of other trials. 1 - sum (u - f)^2 / sum (u - m)^2, clipped at 0: u a
    left singular vector of the centred X, f its ridge fit and m its mean, both from all other
    groups. Held out are whole groups, one after the other; a trial with all its time bins where no
    groups are given; a fifth of the time bins in a row where there is one trial (group) only. The
    penalty is 0.1 of the mean square of Y's centred samples, so that rotation, scale and
    translation of Y change nothing. Matrices of samples x samples are held.

    Args:
        X, Y: (samples, neurons) or (time, trial, neuron), with the same samples.
        groups: (trials,); (samples,) for two axes.
        vectors, device: as for `captured_variance`.

    Returns:
        An array (p,), the PC of largest variance first; NaN beyond the rank of X. X's own is the
        ceiling: a PC that X itself doesn't predict can't be predicted from Y either.

    Raises:
        ValueError: as for `captured_variance`, and for groups that don't fit.

    Source: residuals of left-out samples in closed form as in Golub et al. 1979, here of several
        samples at a time.

    Example:
        >>> import numpy as np, simlib as sl
        >>> X, noise = np.random.default_rng(0).normal(size=(2, 20, 40))
        >>> X[:, 0] *= 100
        >>> for Y in (X, noise):
        ...     print(sl.captured_variance(X, Y)[0].round(2), end=" ")
        ...     print(sl.components.held_out_variance(X, Y)[0].round(2))
        1.0 1.0
        1.0 0.0
    """
    shape = validation.responses(X, "X").shape
    Y, vectors = _matched(X, Y, vectors, device)
    held_out, n, U = _held_out(shape, groups), len(vectors), vectors.double()
    Y = centred_unit(_samples(Y, vectors).double())
    gram = Y @ Y.T
    penalty = PENALTY * float(gram.trace()) / n or 1.0
    # Residuals are left @ U of the ridge fit and U of the mean; those of a fit without some samples
    # follow from their block of what takes U there.
    one = torch.eye(n, dtype=torch.float64, device=U.device)
    left = penalty * torch.cholesky_inverse(torch.linalg.cholesky(gram + penalty * one)) - 1 / n
    errors = [
        sum(torch.linalg.solve(M[k][:, k], residuals[k]).square().sum(0) for k in held_out)
        for M, residuals in ((left, left @ U), (one - 1 / n, U))
    ]
    predicted = np.full(shape[-1], np.nan)
    predicted[: U.shape[1]] = (1 - errors[0] / errors[1]).clamp(0, 1).cpu().numpy()
    return predicted


def _held_out(shape: tuple[int, ...], groups) -> list[torch.Tensor]:
    """The samples of (..., trial, neuron), time x trial in a row, that are held out together."""
    trials = (
        np.arange(shape[-2])
        if groups is None
        else validation.label_array(groups, np.empty(shape), "groups")
    )
    units = np.tile(np.unique(trials, return_inverse=True)[1], int(np.prod(shape[:-2])))
    if units.max() == 0:
        units = np.arange(len(units)) * min(5, len(units)) // len(units)
    return [torch.from_numpy(np.flatnonzero(units == k)) for k in range(units.max() + 1)]


def first_crossing(scores, values, level: float) -> float:
    """The score at which `values` first reach `level`, in the unit of `scores`.

    Args:
        scores, values: (snapshots,), in the order of the ascent.
        level: where to cross; linear between the snapshots around the first crossing.

    Returns:
        A float: scores[0] if the first value is there already, NaN if none gets there.

    Example:
        >>> import simlib as sl
        >>> round(sl.components.first_crossing([0.2, 0.4, 0.8], [0.1, 0.5, 0.9], 0.7), 3)
        0.6
    """
    scores, values = np.asarray(scores, float), np.asarray(values, float)
    above = np.flatnonzero(values >= level)
    if len(above) == 0:
        return float("nan")
    k = above[0]
    if k == 0:
        return float(scores[0])
    part = (level - values[k - 1]) / (values[k] - values[k - 1])
    return float(scores[k - 1] + part * (scores[k] - scores[k - 1]))


def score_to_capture(scores, r2, ceilings=1.0) -> np.ndarray:
    """The score at which R^2 of each PC first crosses (R^2 at the start + 1) / 2: its capture.

    Args:
        scores: (snapshots,), in the order of the ascent.
        r2: (snapshots, p), the `captured_variance` of each snapshot.
        ceilings: what takes the place of 1; (p,) for `held_out_variance`: that of X itself.

    Returns:
        An array (p,) by `first_crossing`: scores[0] where R^2 starts at 1, NaN where the midpoint
        is never reached.

    Raises:
        ValueError: for an r2 of another shape.

    Source: Cloos et al. 2025, figures 4 and 5.

    Example:
        >>> import simlib as sl
        >>> sl.score_to_capture([0.2, 0.4, 0.8], [[0, 0], [0.5, 0.1], [1, 0.2]])
        array([0.4, nan])
    """
    scores, r2 = np.asarray(scores, float), np.asarray(r2, float)
    if r2.ndim != 2 or len(r2) != len(scores):
        raise ValueError(
            f"r2 needs the shape (snapshots, PCs) with {len(scores)} snapshots; got {r2.shape}"
        )
    levels = (r2[:1] + np.asarray(ceilings, float)) / 2
    return np.array([first_crossing(scores, *pc) for pc in zip(r2.T, levels.ravel(), strict=True)])
