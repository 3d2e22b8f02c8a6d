"""Targeted dimensionality reduction: the directions in which a population encodes each task
variable.

Source: Mante et al. 2013, supplementary information, section 6.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from simlib.datasets.arrays import DIMS, trial_coordinates

__all__ = ["MANTE_VARIABLES", "TargetedAxes", "project", "targeted_axes"]

MANTE_VARIABLES = ("choice", "motion_coherence_rank", "colour_coherence_rank", "context")


class TargetedAxes(NamedTuple):
    """Directions of task variables in the space of neurons."""

    variables: tuple[str, ...]
    axes: np.ndarray  # (neurons, variables), orthonormal
    times: np.ndarray  # (variables,), the time bin at which each variable is encoded most strongly
    mean: np.ndarray  # (neurons,), of the responses
    scale: np.ndarray  # (neurons,), standard deviation of the responses, 1 for silent neurons


def targeted_axes(
    data: xr.DataArray, variables: Sequence[str] = MANTE_VARIABLES, components: int = 12
) -> TargetedAxes:
    """Orthonormal regression axes of task variables, one a variable, from condition averages or
    trials.

    Each neuron's z-scored response at each time bin is regressed on the variables (numbers, or two
    classes as -1 and 1, scaled to unit range, and a constant). The coefficients are projected onto
    the first principal components of the responses; a variable's axis is its coefficient vector at
    the time bin at which it is longest; the axes are made orthogonal in the order of `variables`
    (QR), and point to where the variable grows.

    Args:
        data: (time, trial, neuron).
        variables: coordinates along trial.
        components: number of principal components kept.

    Raises:
        ValueError: for variables that are not there, have more than two classes without being
            numbers, or can't be told apart by the trials.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.load("surrogate-mante2013", neurons=40)
        >>> axes = sl.datasets.targeted_axes(X, ["context", "motion_coherence_rank"])
        >>> axes.variables, axes.axes.shape
        (('context', 'motion_coherence_rank'), (40, 2))
    """
    trial_coordinates(data, variables)
    values = data.transpose(*DIMS).values.astype(np.float64)
    mean, scale = values.mean((0, 1)), values.std((0, 1))
    scale = np.where(scale > 0, scale, 1.0)
    Z = (values - mean) / scale
    design = np.column_stack(
        [np.ones(Z.shape[1]), *(numbers(data[name].values, name) for name in variables)]
    )
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError(
            f"the variables {', '.join(variables)} can't be told apart by these {Z.shape[1]} "
            "trials: some is constant, "
            "or follows from the others; leave it out"
        )
    # (time, variables, neurons), without the constant's
    coefficients = np.einsum("vc,tcn->tvn", np.linalg.pinv(design)[1:], Z)
    flat = Z.reshape(-1, Z.shape[2])
    V = np.linalg.svd(flat - flat.mean(0), full_matrices=False)[2][:components]
    coefficients = coefficients @ V.T @ V
    times = np.linalg.norm(coefficients, axis=2).argmax(0)
    Q, R = np.linalg.qr(coefficients[times, np.arange(len(times))].T)
    return TargetedAxes(tuple(variables), Q * np.sign(np.diag(R)), times, mean, scale)


def project(data: xr.DataArray, targeted: TargetedAxes) -> xr.DataArray:
    """The responses along each targeted axis, (time, trial, variable), in units of z-scored
    responses.

    Raises:
        ValueError: when the data have other neurons than the axes.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.load("surrogate-mante2013", neurons=40)
        >>> along = sl.datasets.project(X, sl.datasets.targeted_axes(X, ["context"]))
        >>> along.dims, along.shape
        (('time', 'trial', 'variable'), (15, 72, 1))
    """
    if data.sizes["neuron"] != len(targeted.mean):
        raise ValueError(
            f"the axes are those of {len(targeted.mean)} neurons; the data have "
            f"{data.sizes['neuron']}"
        )
    values = (data.transpose(*DIMS).values - targeted.mean) / targeted.scale @ targeted.axes
    kept = {name: coord for name, coord in data.coords.items() if "neuron" not in coord.dims}
    return xr.DataArray(
        values,
        dims=("time", "trial", "variable"),
        coords={**kept, "variable": list(targeted.variables)},
        attrs=dict(data.attrs),
    )


def numbers(labels: np.ndarray, name: str) -> np.ndarray:
    """A variable as numbers with the largest absolute value 1; two classes as -1 and 1, in sorted
    order.
    """
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) == 2:
        return 2.0 * codes - 1
    if labels.dtype.kind not in "iuf":
        raise ValueError(
            f"{name!r} has {len(classes)} classes, not numbers; an axis needs numbers or two "
            "classes"
        )
    return labels / np.abs(labels).max()
