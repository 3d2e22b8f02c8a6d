"""Which principal components (PCs) an ascent makes grow in Y, and what it captures of them."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray as Array

from simlib.theory.spectrum import checked


def growth_cka(variances) -> Float[Array, " p"]:
    """How fast CKA's ascent makes PC i grow in Y, relative to the largest PC, in (0, 1].

    lambda_i / lambda_1: in the basis U the gradient of ||X'Y||_F^2 is 2 lambda_i times row i of
    U'Y: what is there grows by a factor, and the factor is set by the variance.

    Example:
        >>> import simlib as sl
        >>> sl.theory.growth_cka([4, 1]).round(3)
        array([1.  , 0.25])
    """
    values = checked(variances)
    return values / values.max()


def growth_nbs(variances) -> Float[Array, " p"]:
    """How fast NBS's ascent makes PC i grow in Y, relative to the largest PC, in (0, 1].

    s_i / s_1: in the basis U the gradient of ||X'Y||_* has rows of length s_i (for X'Y of full
    rank), whatever Y is.

    Example:
        >>> import simlib as sl
        >>> sl.theory.growth_nbs([4, 1]).round(3)
        array([1. , 0.5])
    """
    return np.sqrt(growth_cka(variances))


# id of the measure -> growth of the PCs; an angular score has a multiple of its cosine's gradient
GROWTH = {
    "cka": growth_cka,
    "cka-angular-score": growth_cka,
    "nbs": growth_nbs,
    "procrustes-angular-score": growth_nbs,
}


def growth_of_capture(variances, directions: int) -> Float[Array, " p"]:
    """How fast R^2 of PC i from Y rises at a Gaussian start, relative to the largest PC, at most 1.

    (lambda_i - m) / (lambda_1 - m), m = sum lambda_j / `directions` the mean variance over all
    directions, n - 1 for n samples. Exact in expectation for the gradient flows of linear
    regression's R^2 and of CKA from Gaussian Y, whatever its number of columns: a PC below the mean
    variance is unlearned at first. Raises ValueError unless there are more directions than PCs.

    Example:
        >>> import simlib as sl
        >>> sl.theory.growth_of_capture([4, 1], directions=10).round(3)
        array([1.   , 0.143])
    """
    values = checked(variances)
    if not directions > len(values):
        raise ValueError(
            f"directions needs to be more than the {len(values)} PCs; got {directions}"
        )
    mean = values.sum() / directions
    return (values - mean) / (values.max() - mean)


def learning_order(variances) -> Int[Array, " p"]:
    """The place of each PC in the order of learning, 1 for the first: largest variance first.

    The same for CKA, NBS, their angular scores and linear regression: `growth_cka`, `growth_nbs`
    and `growth_of_capture` all rise with the variance. Equal variances keep their order.

    Example:
        >>> import simlib as sl
        >>> sl.theory.learning_order([1, 4, 2])
        array([3, 1, 2])
    """
    order = np.empty(len(checked(variances)), dtype=np.int64)
    order[np.argsort(-growth_cka(variances), kind="stable")] = np.arange(1, len(order) + 1)
    return order


def captured_by_cka_flow(
    variances, start: Float[Array, "directions q"], time: float
) -> Float[Array, " p"]:
    """R^2 of each PC from Y along the gradient flow of CKA, each in [0, 1]: ||Q'e_i||^2.

    Q is an orthonormal basis of the columns of exp(time diag(lambda)) W, W = `start` the
    coordinates of the first Y: a row for each PC, in the order of `variances`, then one for each
    direction outside of X, where lambda is 0. CKA's flow passes through these spans and no others;
    `time` >= 0 is its own clock, the integral of 2 / (||X'X||_F ||Y'Y||_F). Angular CKA takes the
    same path at another pace. Raises ValueError for fewer rows than PCs or a negative time.

    Example:
        >>> import numpy as np, simlib as sl
        >>> start = np.ones((3, 1))
        >>> [sl.theory.captured_by_cka_flow([4, 1], start, time).round(2) for time in (0, 1)]
        [array([0.33, 0.33]), array([1., 0.])]
    """
    values, start = checked(variances), np.asarray(start, dtype=np.float64)
    if start.ndim != 2 or len(start) < len(values) or not time >= 0:
        raise ValueError(
            f"start needs a row for each of the {len(values)} PCs, and time to be 0 or more; got "
            f"shape {start.shape} and time {time}"
        )
    rates = np.concatenate([values, np.zeros(len(start) - len(values))])
    basis = np.linalg.qr(np.exp(time * (rates - values.max()))[:, None] * start)[0]
    return np.square(basis[: len(values)]).sum(1)
