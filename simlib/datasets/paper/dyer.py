"""Dyer 2017: motor cortex while a monkey reaches to four targets, from the demo
file of the authors' decoder.

It is none of the paper's recordings. It is small, and anyone with a network can have it.
"""

import os
from pathlib import Path

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets import processing
from simlib.datasets.arrays import recording
from simlib.datasets.own import mat_contents, runs
from simlib.datasets.paper.downloads import SOURCES, locate

ARRAYS = ("Ytr", "Yte")


def dyer2017(
    *, path: str | os.PathLike | None = None, array: str = "Ytr", drop_silent: bool = False
) -> xr.DataArray:
    """Units of primary motor cortex during reaches to four targets, (1, time bin, unit), smoothed
    rates in the file's unit.

    The file's rows are consecutive time bins of reaches, about nine a reach, and each counts as a
    sample: bins of one reach are much alike. A run of rows of one target counts as a reach (two to
    one target in a row as one), and folds keep its bins together (coordinate `reach`). The label is
    `target`. The repository that holds the file states no licence: everyone downloads a copy of
    their own.

    Args:
        path: the file (MATLAB 5) or its folder; without it, the file is looked for in the folder
            `dyer2017` of SIMLIB_DATA or the cache folder, and downloaded if it is not there.
        array: "Ytr" or "Yte", the two sets of rows in the file; their units are not the same.
        drop_silent: leave out the units that never change, 16 of the 174 of "Ytr". No score of the
            paper's figures depends on them, but an ascent starts from noise in as many units as
            there are here.

    Raises:
        FileNotFoundError: when there is nothing to read.
        ValueError: for another array, or a file of another layout.

    Source: Dyer et al. 2017, doi:10.1038/s41551-017-0169-7.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.load("dyer2017").shape  # doctest: +SKIP
        (1, 623, 174)
        >>> sl.datasets.load("dyer2017", path="no.mat")
        Traceback (most recent call last):
        FileNotFoundError: dyer2017 needs its original file, and no.mat does not exist. ...
    """
    validation.known("array", array, ARRAYS)
    place = locate("dyer2017", path, ".mat")
    rates, target = _rows(place, array)
    data = recording(
        rates,
        {"target": target.astype(np.int64), "reach": runs(target)},
        name="dyer2017",
        title="Dyer 2017",
        source=SOURCES["dyer2017"].url,
        licence="not stated: download a copy of your own, pass none on",
        citation="Dyer et al. 2017, doi:10.1038/s41551-017-0169-7",
        task_variables=["target"],
        main_variable="target",
        sample_kind="time bins",
        groups="reach",
        processing={"array": array, "reaches": int(runs(target)[-1]) + 1},
    )
    data = data.assign_coords(region=("neuron", np.full(data.sizes["neuron"], "M1")))
    return processing.drop_silent(data) if drop_silent else data


def _rows(place: Path, array: str) -> tuple[np.ndarray, np.ndarray]:
    """Rates (row, unit) and the target of each row; raises ValueError for another layout."""
    held, labels = mat_contents(place), array.replace("Y", "T")
    lacking = [name for name in (array, labels) if name not in held]
    if lacking:
        raise ValueError(
            f"{place.name} is not the demo file of Dyer 2017: it lacks {' and '.join(lacking)}; it "
            f"holds {', '.join(list(held)[:12]) or 'nothing'}"
        )
    rates, target = held[array].read(), held[labels].read().ravel()
    if rates.ndim != 2 or len(rates) != len(target):
        raise ValueError(
            f"{place.name} needs rates {array} (row, unit) and one target a row in {labels}; got "
            f"the shapes {rates.shape} and {held[labels].shape}"
        )
    return rates, target
