"""Similarity measures: one family a file, one literal table of them, and `score`."""

from collections.abc import Callable

import numpy as np
import torch

from simlib import trials, validation
from simlib.measures import shuffles
from simlib.measures.catalogue import MEASURES
from simlib.measures.published import PUBLISHED
from simlib.measures.record import CALLERS_OWN, INVARIANCES, Measure
from simlib.threads import on_free_cores

__all__ = [
    "INVARIANCES",
    "MEASURES",
    "PUBLISHED",
    "Measure",
    "Name",
    "checking",
    "measure",
    "own",
    "score",
    "shuffles",
]

# What a function of simlib takes for a measure: an id, a record or any callable of two tensors.
Name = str | Measure | Callable


def measure(name: Name, **params) -> Measure:
    """The record of a measure with its parameters bound.

    Args:
        name: an id or another name of MEASURES, a record, or any callable of two (samples, neurons)
            tensors that grows with similarity.
        params: keyword arguments of the measure, such as `penalty` and `folds` of "ridge-cv".

    Returns:
        A Measure; its id says what was bound.

    Raises:
        ValueError: for an unknown id or parameter, with the nearest names.
        TypeError: for anything but an id, a record or a callable.

    Example:
        >>> import simlib as sl
        >>> sl.measure("ridge-cv", penalty=10).id
        'ridge-cv--folds-5--penalty-10'
    """
    if isinstance(name, Measure):
        return name.bind(**params)
    if callable(name):
        title = getattr(name, "__name__", type(name).__name__).strip("<>").replace("_", "-")
        return Measure(
            title,
            title,
            name,
            (-float("inf"), float("inf")),
            CALLERS_OWN,
            symmetric=False,
            invariances=frozenset(),
            own=None,
            params=params,
        )
    if not isinstance(name, str):
        got = type(name).__name__
        raise TypeError(f"a measure is an id, a record of simlib.MEASURES or a callable; got {got}")
    return MEASURES[name].bind(**params)


@on_free_cores
def score(name: Name, X, Y, *, device: str | torch.device = "cpu", **params) -> float:
    """The similarity of two sets of responses to the same samples, computed in float64.

    Args:
        name: an id of MEASURES, a bound measure or a callable, as in `measure`.
        X, Y: numpy arrays, tensors, xarray.DataArrays or pandas tables, (samples, neurons) or
            (time, trial, neuron), with the same samples in the same order. Regression measures
            predict X from Y. Where both sides have labels along their trials (or an index), these
            say which trial is which: another order is mended, other trials are refused.
        device: where torch computes, such as "cuda".
        params: parameters of the measure. Folds of cross-validated measures are runs of samples
            unless `scheme` says otherwise: "condition" takes the number of trials from the array,
            "grouped" the fold groups that X declares.

    Returns:
        A float in the measure's range (`MEASURES[name].range`).

    Raises:
        ValueError: where X and Y can't be scored, this machine's memory can't hold it or the device
            can't be used; says why.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> Y = [[0], [2], [0], [2]]
        >>> round(sl.score("cka", X, Y), 3), round(sl.score("linreg", X, Y), 3)
        (0.97, 0.8)
    """
    bound = measure(name, **params)
    recording = X
    X, Y = validation.pair(X, Y, precomputed=bool(bound.params.get("precomputed")))
    if bound.params.get("scheme") == "condition" and not bound.params.get("conditions"):
        bound = bound.bind(conditions=X.shape[-2])
    if bound.params.get("scheme") == "grouped" and bound.params.get("groups") is None:
        declared = trials.fold_groups(recording)
        if declared is not None:
            bound = bound.bind(groups=np.tile(declared, int(np.prod(X.shape[:-2]))))
    where = validation.device(device)
    X, Y = validation.flat(X), validation.flat(Y)
    bound.room(X, Y.shape[1], device=where)
    try:
        value = float(bound(*(torch.from_numpy(Z).to(where) for Z in (X, Y))))
    except torch.linalg.LinAlgError as error:
        largest = " and ".join(f"{np.abs(Z).max():.3g}" for Z in (X, Y))
        raise ValueError(
            f"{bound.title} can't be computed on these two, whose largest values are {largest}; "
            f"bring both to a common unit ({str(error).splitlines()[0]})"
        ) from error
    if not np.isfinite(value):
        raise ValueError(f"{bound.title} of X and Y is {value}: it is not defined on them")
    return value
