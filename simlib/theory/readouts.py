"""What similarity says of linear decoding: readouts of the same tasks from X and from Y, compared.

A task is a target z with a number for each sample. Its ridge readout from X predicts G z, with G =
X (X'X + a I)^-1 X' = U diag(g) U' and g_i = lambda_i / (lambda_i + a), in the unit of X's variances
lambda_i. An infinite penalty a stands for its limit with the predictions times a: g_i = lambda_i.
Source: Harvey, Lipshutz & Williams 2024.
"""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray as Array

from simlib import validation
from simlib.linalg import principal_components
from simlib.theory.spectrum import checked, penalty_of_ridge, shares


def _gains(variances: Array, penalty: float) -> Array:
    """g_i: by how much the readout passes on what a task has along each PC."""
    a = penalty_of_ridge(penalty)
    return variances if np.isinf(a) else variances / (variances + a)


def _prediction(values: Array, penalty: float) -> tuple[Array, Array]:
    """U and g of G = U diag(g) U', up to the rank."""
    U, s = principal_components(torch.from_numpy(validation.flat(values)))
    return U.numpy(), _gains(s.numpy() ** 2, penalty)


def _both(X, Y, penalty: float) -> tuple[Array, Array, Array]:
    """g of X, h of Y, and the cosines u_i'w_j of their PCs' time courses."""
    (U, g), (W, h) = (_prediction(side, penalty) for side in validation.pair(X, Y))
    return g, h, U.T @ W


def readout(X, targets, penalty: float = 0.0) -> Float[Array, "n tasks"]:
    """What the ridge readout of each target from X predicts: G z, a column a task.

    `targets` is (n,) or (n, tasks), X (samples, neurons) or (time, trial, neuron); both are
    centred. Raises ValueError for a negative penalty and targets of another number of samples.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> sl.theory.readout(X, [0, 1, 0, 1], penalty=4).round(2).ravel()
        array([-0.25,  0.25, -0.25,  0.25])
    """
    U, g = _prediction(validation.array(X), penalty)
    z = np.asarray(targets, dtype=np.float64).reshape(len(targets), -1)
    if len(z) != len(U):
        raise ValueError(f"targets needs a number for each of the {len(U)} samples; got {len(z)}")
    return (U * g) @ (U.T @ z)


def readout_alignment(X, Y, penalty: float = 0.0) -> float:
    """Average alignment of the readouts of random tasks from X and from Y, in [0, 1].

    tr(G_X G_Y) / (||G_X||_F ||G_Y||_F): the expected inner product of the two predictions over
    tasks with uncorrelated entries of one variance, over the root of their expected squared
    lengths. CKA at an infinite penalty; without a penalty the sum of the squared canonical
    correlations over sqrt(r_X r_Y), their mean where the ranks are equal. Raises ValueError for a
    negative penalty.

    Example:
        >>> import numpy as np, simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> Y = [[0], [2], [0], [2]]
        >>> [round(sl.theory.readout_alignment(X, Y, a), 3) for a in (0, 4, np.inf)]
        [0.707, 0.928, 0.97]
    """
    g, h, cosines = _both(X, Y, penalty)
    return float(g @ cosines**2 @ h / np.sqrt(g @ g * (h @ h)))


def readout_distance(X, Y, penalty: float = 0.0) -> float:
    """Root mean squared distance of the predictions of random tasks from X and from Y, 0 or more.

    ||G_X - G_Y||_F, the root of the expected ||G_X z - G_Y z||^2 over tasks with uncorrelated
    entries of variance 1. Exact to about 1e-8 ||G_X||_F (the root of a difference). Raises
    ValueError for a negative penalty.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> round(sl.theory.readout_distance(X, [[0], [2], [0], [2]]), 3)
        1.0
    """
    g, h, cosines = _both(X, Y, penalty)
    return float(np.sqrt(max(0.0, g @ g + h @ h - 2 * (g @ cosines**2 @ h))))


def readout_distance_bounds(X, Y, penalty: float = 0.0) -> tuple[float, float]:
    """The least and the greatest `readout_distance` that a Procrustes distance allows.

    d^2 / sqrt(r_X + r_Y) and d (sqrt(max g_X) + sqrt(max g_Y)), with d the Procrustes distance of
    the sides with their singular values replaced by sqrt(g) (at an infinite penalty, of X and Y
    themselves). Raises ValueError for a negative penalty.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> bounds = sl.theory.readout_distance_bounds(X, [[0], [2], [0], [2]])
        >>> [round(bound, 3) for bound in bounds]
        [0.577, 2.0]
    """
    g, h, cosines = _both(X, Y, penalty)
    overlap = np.linalg.norm(np.sqrt(g)[:, None] * cosines * np.sqrt(h), "nuc")
    square = max(0.0, g.sum() + h.sum() - 2 * overlap)
    largest = np.sqrt(g.max()) + np.sqrt(h.max())
    return float(square / np.sqrt(len(g) + len(h))), float(np.sqrt(square) * largest)


def lowest_cka(nbs: float, variances_x, variances_y) -> float:
    """A CKA that no Y can be below at this NBS, for the two spectra; at most 1, not always above 0.

    1 - sqrt(PR_X PR_Y) (sqrt(f_X) + sqrt(f_Y))^2 (1 - NBS), with participation ratios PR and shares
    f of the largest PC. `exact_ranges` has what is really the lowest. Raises ValueError for an NBS
    outside [0, 1].

    Example:
        >>> import simlib as sl
        >>> round(sl.theory.lowest_cka(0.99, [4, 1], [4, 1]), 3)
        0.953
    """
    if not 0 <= nbs <= 1:
        raise ValueError(f"NBS lies in [0, 1]; got {nbs}")
    f, h = shares(variances_x), shares(variances_y)
    ratios = 1 / np.sqrt((f @ f) * (h @ h))
    return float(1 - ratios * (np.sqrt(f.max()) + np.sqrt(h.max())) ** 2 * (1 - nbs))


def replaced_readout_alignment(variances, penalty: float = 0.0) -> Float[Array, " p"]:
    """`readout_alignment` of X with X after PC i is replaced, in [0, 1]: 1 - g_i^2 / sum g_j^2.

    The new time course is a unit vector outside of X, as in `replaced_cka`, which this is at an
    infinite penalty; 1 - 1/p for every PC without one. Raises ValueError for a negative penalty.

    Example:
        >>> import simlib as sl
        >>> sl.theory.replaced_readout_alignment([4, 1], penalty=1).round(3)
        array([0.281, 0.719])
    """
    g = _gains(checked(variances), penalty)
    return 1 - g**2 / (g @ g)
