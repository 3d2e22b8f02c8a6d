"""Similarity measures: one family a file, one literal table of them, and `score`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from simlib import validation
from simlib.measures.catalogue import MEASURES
from simlib.measures.record import CALLERS_OWN, Measure

__all__ = ["MEASURES", "Measure", "measure", "score"]


def measure(name: str | Measure | Callable, **params) -> Measure:
    """The record of a measure with its parameters bound: `measure("ridge-cv", penalty=10,
    folds=5)`.

    `name` is an id, a published id, a record, or any callable of two (samples, neurons) tensors
    that grows with similarity. Raises ValueError for an unknown id or parameter, with the nearest
    names.
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


def score(name: str | Measure | Callable, X, Y, **params) -> float:
    """The similarity of two sets of responses to the same samples, as a float computed in float64.

    `name` is an id of `MEASURES` (or a published id, a bound measure, a callable on tensors); X and
    Y are numpy arrays, tensors or xarray.DataArrays, (samples, neurons) or (time, trial, neuron),
    with the same samples in the same order. Regression measures predict X from Y. `params` go to
    the measure, such as `penalty` and `folds` of "ridge-cv"; the fold scheme "condition" takes the
    number of trials from the array. Raises ValueError where an input can't be scored or this
    machine's memory can't hold it, and says why.
    """
    bound = measure(name, **params)
    X, Y = validation.pair(X, Y)
    if bound.params.get("scheme") == "condition" and not bound.params.get("conditions"):
        bound = bound.bind(conditions=X.shape[-2])
    X, Y = validation.flat(X), validation.flat(Y)
    bound.room(X, Y.shape[1])
    try:
        value = float(bound(torch.from_numpy(X), torch.from_numpy(Y)))
    except torch.linalg.LinAlgError as error:
        largest = " and ".join(f"{np.abs(Z).max():.3g}" for Z in (X, Y))
        raise ValueError(
            f"{bound.title} can't be computed on these two, whose largest values are {largest}; "
            f"bring both to a common unit ({str(error).splitlines()[0]})"
        ) from error
    if not np.isfinite(value):
        raise ValueError(f"{bound.title} of X and Y is {value}: it is not defined on them")
    return value
