"""Every dataset that has a name, and `load`, which gives these and whatever else is a recording."""

import inspect
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import xarray as xr

from simlib import validation
from simlib.datasets import folders, made, own, paper
from simlib.threads import task_threads

__all__ = ["DATASETS", "Dataset", "is_drawn", "load", "names"]


class Dataset(NamedTuple):
    """A dataset that has a name: what it is, in one line, and what makes or reads it."""

    description: str
    loader: Callable[..., xr.DataArray]


DATASETS: dict[str, Dataset] = {
    "toy-2d": Dataset("six curved trajectories in a plane: 3 coherences x 2 choices", made.toy_2d),
    "hierarchy": Dataset(
        "binary features inherited down a tree: 100 leaves, 10 categories, 50 features",
        made.hierarchy,
    ),
    **{
        name: Dataset(
            f"synthetic stand-in for {facts.label}: {facts.content}", partial(made.surrogate, name)
        )
        for name, facts in made.SURROGATES.items()
    },
    "rnn-context": Dataset(
        "a recurrent network that makes context-dependent decisions, in the 72 conditions of "
        "Mante 2013",
        made.rnn_context,
    ),
    "cnn-digits": Dataset(
        "a convolutional network that reads handwritten digits, one layer of it (layer=...)",
        made.cnn_digits,
    ),
    "mante2013": Dataset(
        "Mante 2013, the recording: prefrontal units in 72 conditions; downloaded, or path=...",
        paper.mante2013,
    ),
    "siegel2015": Dataset(
        "Siegel 2015, the recording: frontal eye field and other areas; not public: path=... of "
        "yours",
        paper.siegel2015,
    ),
    "hatsopoulos2007": Dataset(
        "Hatsopoulos 2007, the recording: motor cortex, single reaches to 8 targets; downloaded, "
        "or path=...",
        paper.hatsopoulos2007,
    ),
    "majajhong2015": Dataset(
        "MajajHong 2015, the recording: inferior temporal cortex, 8 categories; downloaded, or "
        "path=...",
        paper.majajhong2015,
    ),
    "freemanziemba2013": Dataset(
        "FreemanZiemba 2013, the recording: V1 and V2, texture or noise; downloaded, or path=...",
        paper.freemanziemba2013,
    ),
    "dyer2017": Dataset(
        "Dyer 2017, a recording beyond the paper: motor cortex, time bins of about 73 "
        "reaches to 4 targets; downloaded (0.1 MB), or path=...",
        paper.dyer2017,
    ),
}


LONGEST = 1500  # characters of an error, whatever the file holds


class Names(list):
    """Ids of datasets: a list, which shows what each is, one line each."""

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:<{width}}  {DATASETS[name].description}" for name in self)


def names() -> list[str]:
    """Ids of the datasets that `load` knows by name, a list that shows itself with one line each.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.names()[:2]
        ['toy-2d', 'hierarchy']
        >>> sl.datasets.names()
        toy-2d                       six curved trajectories in a plane: 3 coherences x 2 choices
        ...
    """
    return Names(DATASETS)


def load(dataset: str | os.PathLike | xr.DataArray | pd.DataFrame, **options) -> xr.DataArray:
    """A dataset as an xarray.DataArray (time, trial, neuron), task variables along trial.

    Args:
        dataset: an id of `names()`, the path of a recording, or a DataArray or long table (pandas),
            which is checked and completed.
        options: those of the loader of that id, by keyword; of `own.read` for files, of
            `own.from_xarray` for arrays and tables.

    Raises:
        ValueError: for an unknown id or option (naming the nearest), and what the loader refuses.
        TypeError: for anything else, with the call that turns an array into a DataArray.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.load("surrogate-mante2013", trials=24)
        >>> dict(X.sizes), sl.datasets.task_variables(X)
        ({'time': 15, 'trial': 24, 'neuron': 727}, ['context'])
        >>> import numpy as np, xarray as xr
        >>> labels = {"hit": ("trial", [0, 0, 1, 1])}
        >>> mine = xr.DataArray(np.eye(4), dims=("trial", "neuron"), coords=labels)
        >>> sl.datasets.load(mine).shape
        (1, 4, 4)
    """
    if isinstance(dataset, str) and dataset in DATASETS:
        loader = DATASETS[dataset].loader
    elif isinstance(dataset, xr.DataArray | pd.DataFrame):
        loader = partial(own.from_xarray, dataset)
    elif is_path(dataset):
        loader = partial(own.read, folders.recording_file(dataset))
    elif isinstance(dataset, str):
        raise validation.unknown_name(
            "dataset",
            dataset,
            DATASETS,
            "A recording of your own is a path that ends in .npz, .nc, .mat, ..., or an "
            "xarray.DataArray",
        )
    else:
        raise TypeError(
            "load takes a dataset's id, a path or an xarray.DataArray; got "
            f"{type(dataset).__name__}. For an array: xarray.DataArray(X, dims=('time', 'trial', "
            "'neuron'), coords={'target': ('trial', labels)})"
        )
    parameters = inspect.signature(loader).parameters.values()
    known = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
    for option in options:
        validation.known("dataset option", option, known)
    try:
        with task_threads():  # the same bits on every machine of a kind
            return loader(**options)
    except ValueError as error:
        if len(str(error)) <= LONGEST:
            raise
        raise ValueError(f"{str(error)[: LONGEST - 300]} ... {str(error)[-290:]}") from error


def is_drawn(dataset: object) -> bool:
    """Whether a dataset is drawn at random: its loader takes a seed.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.is_drawn("hierarchy"), sl.datasets.is_drawn("toy-2d")
        (True, False)
    """
    known = isinstance(dataset, str) and dataset in DATASETS
    return known and "seed" in inspect.signature(DATASETS[dataset].loader).parameters


def is_path(dataset: object) -> bool:
    """Whether `load` reads a file: a Path, text with a suffix or folder in it, or what exists."""
    return isinstance(dataset, os.PathLike) or (
        isinstance(dataset, str)
        and (
            bool(Path(dataset).suffix)
            or os.sep in dataset
            or folders.recording_file(dataset).exists()
        )
    )
