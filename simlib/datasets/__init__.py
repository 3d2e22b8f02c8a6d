"""Datasets: toys and surrogates made by code, trained models, the paper's recordings, and files of
your own.

`load` returns an xarray.DataArray (time, trial, neuron) with the task variables as coordinates
along trial.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS, data_hash, fold_groups, labels, recording, task_variables
from simlib.datasets.brainscore import freemanziemba2013, majajhong2015
from simlib.datasets.cnn import cnn_digits
from simlib.datasets.downloads import download
from simlib.datasets.files import from_xarray, read, runs, save
from simlib.datasets.hatsopoulos import hatsopoulos2007
from simlib.datasets.mante import mante2013
from simlib.datasets.processing import (
    bin_label,
    bin_spikes,
    condition_averages,
    drop_silent,
    soft_normalise,
)
from simlib.datasets.rnn import rnn_context
from simlib.datasets.siegel import siegel2015
from simlib.datasets.spectra import participation_ratio
from simlib.datasets.summary import describe, spectrum
from simlib.datasets.surrogates import surrogate
from simlib.datasets.tables import from_long_table
from simlib.datasets.targeted import MANTE_VARIABLES, TargetedAxes, project, targeted_axes
from simlib.datasets.toys import hierarchy, toy_2d

__all__ = [
    "DATASETS",
    "DIMS",
    "MANTE_VARIABLES",
    "Dataset",
    "TargetedAxes",
    "bin_label",
    "bin_spikes",
    "condition_averages",
    "data_hash",
    "describe",
    "download",
    "drop_silent",
    "fold_groups",
    "labels",
    "load",
    "names",
    "participation_ratio",
    "project",
    "recording",
    "runs",
    "save",
    "soft_normalise",
    "spectrum",
    "targeted_axes",
    "task_variables",
]


class Dataset(NamedTuple):
    """A dataset that has a name: what it is, in one line, and the function that makes or reads
    it.
    """

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
    "rnn-context": Dataset(
        "a recurrent network that makes context-dependent decisions, in the 72 conditions of "
        "Mante 2013",
        rnn_context,
    ),
    "cnn-digits": Dataset(
        "a convolutional network that reads handwritten digits, one layer of it (layer=...)",
        cnn_digits,
    ),
    "mante2013": Dataset(
        "Mante 2013, the recording: prefrontal units in 72 conditions; downloaded, or path=...",
        mante2013,
    ),
    "siegel2015": Dataset(
        "Siegel 2015, the recording: frontal eye field and other areas; not public: path=... of "
        "yours",
        siegel2015,
    ),
    "hatsopoulos2007": Dataset(
        "Hatsopoulos 2007, the recording: motor cortex, single reaches to 8 targets; downloaded, "
        "or path=...",
        hatsopoulos2007,
    ),
    "majajhong2015": Dataset(
        "MajajHong 2015, the recording: inferior temporal cortex, 8 categories; downloaded, or "
        "path=...",
        majajhong2015,
    ),
    "freemanziemba2013": Dataset(
        "FreemanZiemba 2013, the recording: V1 and V2, texture or noise; downloaded, or path=...",
        freemanziemba2013,
    ),
}


class Names(list):
    """Ids of datasets: a list, which shows what each is, one line each."""

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:<{width}}  {DATASETS[name].description}" for name in self)


def names() -> list[str]:
    """Ids of the datasets that `load` knows by name, a list that shows itself with one line
    each.
    """
    return Names(DATASETS)


def load(dataset: str | os.PathLike | xr.DataArray | pd.DataFrame, **options) -> xr.DataArray:
    """A dataset as an xarray.DataArray (time, trial, neuron).

    `dataset` is an id of `names()`, the path of a recording, or a DataArray or long table (pandas),
    which is checked and completed. `options` go to the loader of that dataset:
    `load("surrogate-mante2013", trials=24)`; those of files are the ones of `files.read`, those of
    arrays and tables the ones of `intake.from_xarray`.

    Raises ValueError for an unknown id or option (naming the nearest), and whatever the loader
    refuses.
    """
    if isinstance(dataset, str) and dataset in DATASETS:
        loader = takes = DATASETS[dataset].loader
    elif isinstance(dataset, xr.DataArray):
        loader, takes = partial(from_xarray, dataset), from_xarray
    elif is_path(dataset):
        loader, takes = partial(read, dataset), read
    elif isinstance(dataset, pd.DataFrame):
        loader, takes = partial(from_frame, dataset), from_frame
    elif isinstance(dataset, str):
        hint = "A recording of your own is a path that ends in .npz, .nc, .mat, ..., or an xarray.DataArray"
        raise validation.unknown_name("dataset", dataset, DATASETS, hint)
    else:
        raise TypeError(
            "load takes a dataset's id, a path or an xarray.DataArray; got "
            f"{type(dataset).__name__}. For "
            "an array: xarray.DataArray(X, dims=('time', 'trial', 'neuron'), coords={'target': "
            "('trial', labels)})"
        )
    accepted = [takes, from_xarray] if takes is from_frame else [takes]
    parameters = [
        p for function in accepted for p in inspect.signature(function).parameters.values()
    ]
    known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    for option in options:
        if option not in known:
            raise validation.unknown_name("dataset option", option, known)
    return loader(**options)


def from_frame(
    frame: pd.DataFrame, *, columns: dict[str, str] | None = None, **options
) -> xr.DataArray:
    """A long table in memory as a recording; options as in `from_long_table` and `from_xarray`."""
    return from_xarray(from_long_table(frame, columns), **options)


def is_path(dataset: object) -> bool:
    """Whether `load` reads a file: a Path, text with a suffix or folder in it, or what exists."""
    if isinstance(dataset, os.PathLike):
        return True
    return isinstance(dataset, str) and (
        bool(Path(dataset).suffix) or os.sep in dataset or Path(dataset).exists()
    )


from simlib.datasets import made
