"""Siegel 2015: not public. The layout in which a user who has the recording provides it."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS, recording
from simlib.datasets.folders import data_folder
from simlib.datasets.paper.netcdf import in_regions, open_array
from simlib.datasets.paper.stored import stored

REGIONS = ("FEF", "V4", "IT", "MT", "LIP", "PFC")
LABELS = ("context", "response", "direction", "colour")
LAYOUT = (
    "a netCDF file with one array with the dimensions time, trial and neuron: firing rates (Hz) "
    "of units averaged over "
    "the trials of a condition, 0 to 500 ms after stimulus onset in bins of 50 ms; coordinates "
    "along trial: "
    f"{', '.join(LABELS)} (strings or integers); along neuron: region ({', '.join(REGIONS)}); "
    "along time: seconds"
)


def siegel2015(
    *,
    path: str | os.PathLike | None = None,
    region: str | Sequence[str] = "FEF",
    variance: float = 0.99,
) -> xr.DataArray:
    """Conditions of the motion and colour categorisation task, (time, condition, PC), in Hz.

    The units of `region` are replaced by their first principal components over time and conditions.
    Labels: `context` (main), `response`, `direction` and `colour`; numbers with more than two
    values become above or below the median (1 and -1).

    The recording is not public. The layout of a file: netCDF with one array (time, trial, neuron),
    rates averaged over the trials of a condition, 0 to 500 ms after stimulus onset in bins of 50
    ms; along trial the labels, along neuron `region`, along time seconds.

    Args:
        path: a file of one's own, or its folder; without it, the folder `siegel2015` of SIMLIB_DATA
            or the cache folder.
        region: one or several of REGIONS.
        variance: share of it that the components hold, in (0, 1]; 1 keeps all units as they are.

    Raises:
        FileNotFoundError: that gives this layout, when there is no file.
        ValueError: for another layout.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.load("siegel2015", path="mine.nc")
        Traceback (most recent call last):
        FileNotFoundError: siegel2015 is not public, so it can't be downloaded, and ...
    """
    place = Path(path) if path is not None else data_folder() / "siegel2015"
    files = [place] if place.is_file() else sorted(place.glob("*.nc")) if place.is_dir() else []
    if len(files) != 1:
        found = "are several files" if files else "is no file"
        raise FileNotFoundError(
            f"siegel2015 is not public, so it can't be downloaded, and there {found} at {place}. "
            "If you have the "
            f"recording, save it as {LAYOUT}; then pass path='that_file.nc', or put it into the "
            "folder siegel2015 "
            "of the folder that SIMLIB_DATA names. Otherwise there is surrogate-siegel2015, of "
            "its spectrum and design"
        )
    if not 0 < variance <= 1:
        raise ValueError(
            f"variance is the share that the kept components hold, in (0, 1]; got {variance}"
        )
    regions = validation.names(region, "region")
    return stored("siegel2015", files[0], _conditions, region=regions, variance=variance)


def _conditions(place: Path, region: list[str], variance: float) -> xr.DataArray:
    """The file's conditions as a recording."""
    with open_array(place, DIMS, f"has another layout: needed is {LAYOUT}") as data:
        lacking = [name for name in (*LABELS, "region") if name not in data.coords]
        if lacking:
            raise ValueError(
                f"{place.name} has another layout: it lacks the coordinates {', '.join(lacking)}. "
                f"Needed is {LAYOUT}"
            )
        data = data.transpose(*DIMS).isel(neuron=in_regions(region, data["region"])).load()
    values = data.values.astype(np.float64)
    validation.finite(values)
    return recording(
        values if variance == 1 else _components(values, variance),
        {name: _binary(data[name].values) for name in LABELS},
        name="siegel2015",
        title="Siegel 2015",
        source=f"file {place.name}, provided by the user",
        citation="Siegel et al. 2015, doi:10.1126/science.aab0551",
        task_variables=list(LABELS),
        main_variable="context",
        sample_kind="averages",
        processing={
            "region": region,
            "variance": variance,
            "units": values.shape[2],
            "unit": "Hz",
        },
        time=data["time"].values if "time" in data.coords else None,
    )


def _components(values: np.ndarray, variance: float) -> np.ndarray:
    """Scores of the first principal components that together hold `variance`, (time, trial, PC)."""
    X = values.reshape(-1, values.shape[2])
    U, s, _ = np.linalg.svd(X - X.mean(0), full_matrices=False)
    count = int(np.searchsorted(np.cumsum(s**2) / (s**2).sum(), variance - 1e-12)) + 1
    return (U * s)[:, :count].reshape(*values.shape[:2], -1)


def _binary(labels: np.ndarray) -> np.ndarray:
    """Numbers with more than two values as 1 above their median value and -1 below; others as they
    are.
    """
    levels = np.unique(labels)
    if labels.dtype.kind not in "iuf" or len(levels) <= 2:
        return labels.astype(str) if labels.dtype.kind in "OSU" else labels
    return np.where(labels < np.median(levels), -1, 1)
