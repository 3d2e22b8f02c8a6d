"""Datasets: `load` gives each as an xarray.DataArray (time, trial, neuron), task variables as
coordinates along trial.

Three wings hold where they come from: `made` by code, the recordings of the `paper`, files of your
`own`. `processing` holds the steps between what was recorded and what is scored.
"""

from simlib.datasets import made, own, paper, processing
from simlib.datasets.arrays import (
    data_hash,
    few_samples,
    fills_samples,
    labels,
    recording,
)
from simlib.datasets.catalogue import DATASETS, is_drawn, load, names
from simlib.datasets.own import runs, save
from simlib.datasets.paper import download
from simlib.datasets.summary import describe, spectrum
from simlib.datasets.targeted import project, targeted_axes
from simlib.trials import fold_groups, task_variables

__all__ = [
    "DATASETS",
    "data_hash",
    "describe",
    "download",
    "few_samples",
    "fills_samples",
    "fold_groups",
    "is_drawn",
    "labels",
    "load",
    "made",
    "names",
    "own",
    "paper",
    "processing",
    "project",
    "recording",
    "runs",
    "save",
    "spectrum",
    "targeted_axes",
    "task_variables",
]
