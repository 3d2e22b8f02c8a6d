"""Datasets: toys and surrogates made by code, the paper's recordings, and files of your own.

`load` returns an xarray.DataArray (time, trial, neuron) with the task variables as coordinates along trial.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import xarray as xr

from simlib import checks
from simlib.datasets.describe import describe, spectrum
from simlib.datasets.recording import DIMS, data_hash, fold_groups, labels, recording, task_variables
from simlib.datasets.spectra import participation_ratio
from simlib.datasets.surrogates import surrogate
from simlib.datasets.toys import hierarchy, toy_2d

__all__ = [
    "DATASETS",
    "DIMS",
    "Dataset",
    "data_hash",
    "describe",
    "fold_groups",
    "labels",
    "load",
    "names",
    "participation_ratio",
    "recording",
    "spectrum",
    "task_variables",
]


class Dataset(NamedTuple):
    """A dataset that has a name: what it is, in one line, and the function that makes or reads it."""

    description: str
    loader: Callable[..., xr.DataArray]


DATASETS: dict[str, Dataset] = {
    "toy-2d": Dataset("six curved trajectories in a plane: 3 coherences x 2 choices", toy_2d),
    "hierarchy": Dataset(
        "binary features inherited down a tree: 100 leaves, 10 categories, 50 features", hierarchy
    ),
    "surrogate-mante2013": Dataset(
        "synthetic stand-in for Mante 2013: prefrontal cortex, context-dependent decisions",
        partial(surrogate, "surrogate-mante2013"),
    ),
    "surrogate-siegel2015": Dataset(
        "synthetic stand-in for Siegel 2015: frontal eye field, motion and colour categorisation",
        partial(surrogate, "surrogate-siegel2015"),
    ),
    "surrogate-hatsopoulos2007": Dataset(
        "synthetic stand-in for Hatsopoulos 2007: motor cortex, reaching to 8 targets",
        partial(surrogate, "surrogate-hatsopoulos2007"),
    ),
    "surrogate-majajhong2015": Dataset(
        "synthetic stand-in for MajajHong 2015: inferior temporal cortex, objects of 8 categories",
        partial(surrogate, "surrogate-majajhong2015"),
    ),
    "surrogate-freemanziemba2013": Dataset(
        "synthetic stand-in for FreemanZiemba 2013: V1 and V2, texture against noise",
        partial(surrogate, "surrogate-freemanziemba2013"),
    ),
}


def names() -> list[str]:
    """Ids of the datasets that `load` knows by name; DATASETS[id].description says what each is."""
    return list(DATASETS)


def load(dataset: str | os.PathLike | xr.DataArray, **options) -> xr.DataArray:
    """A dataset as an xarray.DataArray (time, trial, neuron).

    `dataset` is an id of `names()`, the path of a recording, or a DataArray, which is checked and
    completed. `options` go to the loader of that dataset: `load("surrogate-mante2013", trials=24)`.

    Raises ValueError for an unknown id or option (naming the nearest), and whatever the loader refuses.
    """
    if not isinstance(dataset, str) or dataset not in DATASETS:
        raise checks.unknown_name("dataset", str(dataset), DATASETS)
    loader = DATASETS[dataset].loader
    known = [name for name, p in inspect.signature(loader).parameters.items() if p.kind is p.KEYWORD_ONLY]
    for option in options:
        if option not in known:
            raise checks.unknown_name(f"option of {dataset}", option, known)
    return loader(**options)
