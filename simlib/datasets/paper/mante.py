"""Mante 2013: the original unit files, from a folder or straight from the archive, as condition
averages.

One MATLAB file a unit: a struct `unit` with `response` (trials x 1 ms bins, spike counts), `time`
(s) and `task_variable`. Files are read one after another and only their averages are kept.
"""

import io
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import scipy
import xarray as xr

from simlib.datasets.arrays import recording
from simlib.datasets.made import mante_design
from simlib.datasets.paper.downloads import SOURCES, locate
from simlib.datasets.paper.stored import stored
from simlib.datasets.processing import group_means

URL = SOURCES["mante2013"].url
MONKEYS = {"A": "PFC data 1", "F": "PFC data 2"}  # the archive's folders
WEAK, STRONG = 0.10, 0.35  # coherences below WEAK are weak (.03-.08), from STRONG on strong (.5)
NEEDED = ("stim_dir", "stim_col2dir", "context", "correct")


def mante2013(
    *,
    path: str | os.PathLike | None = None,
    monkey: str = "A",
    correct_only: bool = True,
    bin_ms: float = 50,
) -> xr.DataArray:
    """Prefrontal units of Mante et al. 2013 in the 72 conditions, (time, 72, unit), in spikes/ms.

    A condition is context x motion coherence (six, by rank within the unit) x colour coherence
    (six). The labels context, choice, motion and colour are decoded; the coherence ranks (-3 to 3)
    are coordinates that are not. Units without a trial in one of the conditions are left out and
    counted (attribute `units_dropped`).

    Args:
        path: the archive, or a folder that holds it or its .mat files at any depth; without it, the
            folder `mante2013` of SIMLIB_DATA or the cache folder, where the archive is downloaded
            to if it is not there.
        monkey: "A" or "F"; in a folder laid out like the archive only its files are read.
        correct_only: then the choice follows from the condition; otherwise error trials are
            averaged in, and `choice` is the correct one.
        bin_ms: time is averaged over so much; samples that fill no bin are dropped.

    Raises:
        FileNotFoundError: when there is nothing to read.
        ValueError: for a file of another layout or damaged (naming it), or when no unit has all
            conditions.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.load("mante2013").shape  # doctest: +SKIP
        (15, 72, 727)
        >>> sl.datasets.load("mante2013", path="no/such/folder")
        Traceback (most recent call last):
        FileNotFoundError: mante2013 needs its original file, and no/such/folder does not exist. ...
    """
    if monkey not in MONKEYS:
        raise ValueError(f"Mante 2013 recorded the monkeys 'A' and 'F'; got monkey={monkey!r}")
    return stored(
        "mante2013",
        locate("mante2013", path, ".mat", several=True),
        _averaged_units,
        monkey=monkey,
        correct_only=correct_only,
        bin_ms=bin_ms,
    )


def _averaged_units(place: Path, monkey: str, correct_only: bool, bin_ms: float) -> xr.DataArray:
    """The units of one monkey as a recording: files are read one after another."""
    averages, names, dropped, times = [], [], [], np.array([])
    for name, read in _unit_files(place, monkey):
        unit = _read_unit(read, name)
        mean, times = _unit_averages(unit, name, correct_only, bin_ms)
        if averages and len(mean) != len(averages[0]):
            raise ValueError(
                f"{name} has {len(mean)} time bins where the files before it have "
                f"{len(averages[0])}"
            )
        if np.isnan(mean).any():
            dropped.append(_short(name))
        else:
            averages.append(mean)
            names.append(_short(name))
    if not averages:
        raise ValueError(
            f"none of the {len(dropped)} units has a trial in each of the 72 conditions; "
            "with correct_only=False error trials count too"
        )
    return (
        recording(
            np.stack(averages, axis=-1),
            mante_design(),
            name="mante2013",
            title="Mante 2013",
            source=URL,
            citation="Mante et al. 2013, doi:10.1038/nature12742",
            task_variables=["context", "choice", "motion", "colour"],
            main_variable="context",
            sample_kind="averages",
            processing={
                "monkey": monkey,
                "correct_only": correct_only,
                "bin_ms": bin_ms,
                "unit": "spikes/ms",
                "units_read": len(names) + len(dropped),
                "units_dropped": dropped,
            },
            time=times,
        )
        .assign_coords(unit=("neuron", np.array(names)))
        .assign_attrs(units_dropped=len(dropped))
    )


def _unit_files(place: Path, monkey: str) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """(path of a unit file, function that reads its bytes), in the order of the file names."""
    files = place.rglob("*.mat") if place.is_dir() else [place] if place.suffix == ".mat" else []
    root = place if place.is_dir() else place.parent
    loose = {file.relative_to(root).as_posix(): file.read_bytes for file in files}
    archives = [] if loose else sorted(place.rglob("*.zip")) if place.is_dir() else [place]
    chosen = _of_monkey(loose, monkey)
    for name in chosen:
        yield name, loose[name]
    for archive in archives:
        if not zipfile.is_zipfile(archive):
            raise ValueError(
                f"{archive} is not a zip archive, or was cut short; download it again from {URL}"
            )
        with zipfile.ZipFile(archive) as opened:
            inside = _of_monkey(opened.namelist(), monkey)
            chosen += inside
            for name in inside:
                yield name, lambda name=name: opened.read(name)
    if not chosen:
        raise FileNotFoundError(
            f"{place} holds no unit files (.mat) of monkey {monkey}, nor an archive with any; the "
            f"original is at {URL}"
        )


def _of_monkey(names: Iterable[str], monkey: str) -> list[str]:
    """The unit files among `names`, sorted; of one monkey where the archive's folder names are
    there.
    """
    units = [
        unit
        for unit in map(PurePosixPath, names)
        if unit.suffix == ".mat" and unit.name[0] != "." and "__MACOSX" not in unit.parts
    ]
    if any(folder in unit.parts for unit in units for folder in MONKEYS.values()):
        units = [unit for unit in units if MONKEYS[monkey] in unit.parts]
    return [str(unit) for unit in sorted(units, key=lambda unit: unit.name)]


def _short(name: str) -> str:
    """The unit's name: its file's, up to the alignment that the name ends in."""
    return PurePosixPath(name).stem.split("_Vstim")[0]


def _read_unit(read: Callable[[], bytes], name: str) -> xr.DataArray:
    """Spikes a sample of one unit, (trial, time), with the task's NEEDED along trial, checked.

    Raises ValueError that names the file and what was found in it.
    """
    try:
        content = scipy.io.loadmat(io.BytesIO(read()), squeeze_me=True, struct_as_record=False)
    except Exception as error:  # a damaged file fails in many ways: zlib, struct, header, HDF5
        raise ValueError(
            f"{name} can't be read as a MATLAB v5 file ({error}); it is damaged or of another "
            "version. "
            f"Copy it anew from the archive, {URL}"
        ) from error
    unit = content.get("unit")
    task = getattr(unit, "task_variable", None)
    missing = [field for field in ("response", "time") if not hasattr(unit, field)]
    missing += [f"task_variable.{field}" for field in NEEDED if not hasattr(task, field)]
    if missing:
        held = ", ".join(key for key in content if not key.startswith("__")) or "nothing"
        raise ValueError(
            f"{name} is no unit file of Mante 2013: it holds {held}, and in the struct `unit` "
            "there is no "
            f"{', '.join(missing)}"
        )
    response, time = np.atleast_2d(unit.response), np.atleast_1d(unit.time).astype(float)
    variables = {field: np.atleast_1d(getattr(task, field)).astype(float) for field in NEEDED}
    if (
        len(time) < 2
        or response.shape[1] != len(time)
        or any(len(values) != len(response) for values in variables.values())
    ):
        counts = ", ".join(f"{len(values)} {field}" for field, values in variables.items())
        raise ValueError(
            f"{name}: response is {response.shape} (trials x samples), but there are {len(time)} "
            f"times and {counts}"
        )
    if not np.isfinite(response).all():
        trial, sample = np.argwhere(~np.isfinite(response))[0]
        raise ValueError(
            f"{name}: response is NaN or infinite, first at trial {trial}, sample {sample}"
        )
    along = {field: ("trial", values) for field, values in variables.items()}
    return xr.DataArray(response, dims=("trial", "time"), coords={"time": time, **along})


def _unit_averages(
    unit: xr.DataArray, name: str, correct_only: bool, bin_ms: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean spikes/ms of each condition in the design's order, (time, 72), NaN without trials; bin
    centres.
    """
    step = float(unit["time"].diff("time").mean())  # s
    width = round(bin_ms / 1000 / step)
    if not 1 <= width <= unit.sizes["time"]:
        raise ValueError(
            f"bin_ms={bin_ms} does not fit {name}: samples are {1000 * step:g} ms apart and "
            f"last {1000 * step * unit.sizes['time']:g} ms"
        )
    binned = unit.coarsen(time=width, boundary="trim").mean() / (1000 * step)
    counted = (unit["correct"].values == 1) | (not correct_only)
    condition = pd.Categorical.from_codes(np.where(counted, _condition_index(unit), -1), range(72))
    return group_means(binned.values, condition).T, binned["time"].values + step / 2


def _condition_index(unit: xr.DataArray) -> np.ndarray:
    """Which of the 72 conditions each trial is, (trials,); -1 for trials outside the design (no
    evidence).
    """
    design = mante_design()
    ranks = ("motion_coherence_rank", "colour_coherence_rank")
    known = pd.MultiIndex.from_arrays([design["context"], *(design[rank] for rank in ranks)])
    context = unit["context"].to_series().map({1: "motion", -1: "colour"}).fillna("")
    motion, colour = (_coherence_rank(unit[key].values) for key in ("stim_dir", "stim_col2dir"))
    return known.get_indexer(pd.MultiIndex.from_arrays([context, motion, colour]))


def _coherence_rank(values: np.ndarray) -> list[int]:
    """Signed strength of coherences, -3 to 3, 0 for none.

    Levels differ by session, and motion's from colour's: three absolute levels are ranked; any
    other number is split into weak, middle and strong at fixed values.
    """
    size = np.abs(values).round(6)
    levels = np.unique(size[size > 0])
    rank = (
        np.searchsorted(levels, size) + 1
        if len(levels) == 3
        else 1 + (size >= WEAK) + (size >= STRONG)
    )
    return np.where(size > 0, np.sign(values) * rank, 0).astype(int).tolist()
