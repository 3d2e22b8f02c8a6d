"""Mante 2013: the original unit files, from a folder or straight from the archive, as condition
averages.

One MATLAB file a unit: a struct `unit` with `response` (trials x 1 ms bins, spike counts), `time`
(s) and `task_variable`. Files are read one after another and only their averages are kept.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import scipy.io
import xarray as xr

from simlib.datasets.arrays import recording
from simlib.datasets.designs import mante_design
from simlib.datasets.downloads import SOURCES, data_folder, download, way_out
from simlib.datasets.stored import stored

__all__ = ["MONKEYS", "URL", "mante2013"]

URL = SOURCES["mante2013"].url
MONKEYS = {"A": "PFC data 1", "F": "PFC data 2"}  # the archive's folders
WEAK, STRONG = 0.10, 0.35  # coherences below WEAK are weak (.03-.08), from STRONG on strong (.5)
NEEDED = ("stim_dir", "stim_col2dir", "context", "correct")


class Unit(NamedTuple):
    """What one file says about one unit."""

    response: np.ndarray  # (trials, samples), spikes a sample
    step: float  # s between samples
    start: float  # s, the first sample's place
    motion: np.ndarray  # (trials,), signed coherence towards the targets
    colour: np.ndarray  # (trials,), the same for colour
    context: np.ndarray  # (trials,), 1 where motion counts and -1 where colour does
    correct: np.ndarray  # (trials,), bool


def mante2013(
    *,
    path: str | os.PathLike | None = None,
    monkey: str = "A",
    correct_only: bool = True,
    bin_ms: float = 50,
) -> xr.DataArray:
    """Prefrontal units of Mante et al. 2013 in the 72 conditions, (time, 72, unit), in spikes/ms.

    A condition is context x motion coherence (six, by rank within the unit) x colour coherence
    (six). With `correct_only` the choice follows from it; otherwise error trials are averaged in,
    and `choice` is the correct one. Time is averaged over `bin_ms`; samples that fill no bin are
    dropped. Units without a trial in one of the conditions are left out and counted (attribute
    `units_dropped`). The labels choice, motion and colour are signs; the coherence ranks (-3 to 3)
    are coordinates that are not decoded.

    `path` is the archive, or a folder that holds it or its .mat files at any depth; without it, the
    folder `mante2013` of SIMLIB_DATA or the cache folder, where the archive is downloaded to if it
    is not there. In a folder laid out like the archive only the files of the one `monkey` ("A" or
    "F") are read.

    Raises FileNotFoundError when there is nothing to read, and ValueError for a file of another
    layout or damaged (naming it), or when no unit has all conditions.
    """
    if monkey not in MONKEYS:
        raise ValueError(f"Mante 2013 recorded the monkeys 'A' and 'F'; got monkey={monkey!r}")
    place = find(path)
    settings = {"monkey": monkey, "correct_only": correct_only, "bin_ms": bin_ms}
    return stored("mante2013", settings, [place], lambda: averaged_units(place, **settings))


def averaged_units(place: Path, monkey: str, correct_only: bool, bin_ms: float) -> xr.DataArray:
    """The units of one monkey as a recording: files are read one after another."""
    averages, names, dropped, times = [], [], [], np.array([])
    for name, read in unit_files(place, monkey):
        unit = read_unit(read, name)
        mean, times = condition_averages(unit, name, correct_only, bin_ms)
        if averages and len(mean) != len(averages[0]):
            raise ValueError(
                f"{name} has {len(mean)} time bins where the files before it have "
                f"{len(averages[0])}"
            )
        if np.isnan(mean).any():
            dropped.append(short(name))
        else:
            averages.append(mean)
            names.append(short(name))
    if not averages:
        raise ValueError(
            f"none of the {len(dropped)} units has a trial in each of the 72 conditions; "
            "with correct_only=False error trials count too"
        )
    data = recording(
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
    data.attrs["units_dropped"] = len(dropped)
    return data.assign_coords(unit=("neuron", np.array(names)))


def find(path: str | os.PathLike | None) -> Path:
    """The folder or archive to read, downloaded if need be; raises FileNotFoundError that says what
    to do.
    """
    place = Path(path) if path is not None else data_folder() / "mante2013"
    if place.is_file() or (place.is_dir() and (path is not None or any(place.rglob("*.mat")))):
        return place
    if path is None:
        return download("mante2013")
    raise FileNotFoundError(
        f"mante2013 needs the original files, and {place} does not exist. {way_out('mante2013')}"
    )


def unit_files(place: Path, monkey: str) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """(path of a unit file, function that reads its bytes), in the order of the file names."""
    if place.is_dir():
        loose = {
            file.relative_to(place).as_posix(): file.read_bytes for file in place.rglob("*.mat")
        }
        archives = [] if loose else sorted(place.rglob("*.zip"))
    else:
        loose, archives = (
            ({place.name: place.read_bytes}, []) if place.suffix == ".mat" else ({}, [place])
        )
    chosen = of_monkey(loose, monkey)
    for name in chosen:
        yield name, loose[name]
    for archive in archives:
        if not zipfile.is_zipfile(archive):
            raise ValueError(
                f"{archive} is not a zip archive, or was cut short; download it again from {URL}"
            )
        with zipfile.ZipFile(archive) as opened:
            inside = of_monkey(opened.namelist(), monkey)
            chosen += inside
            for name in inside:
                yield name, lambda name=name: opened.read(name)
    if not chosen:
        raise FileNotFoundError(
            f"{place} holds no unit files (.mat) of monkey {monkey}, nor an archive with any; the "
            f"original is at {URL}"
        )


def of_monkey(names: Iterable[str], monkey: str) -> list[str]:
    """The unit files among `names`, sorted; of one monkey where the archive's folder names are
    there.
    """
    names = [PurePosixPath(name) for name in names if name.endswith(".mat")]
    names = [
        name for name in names if not name.name.startswith(".") and "__MACOSX" not in name.parts
    ]
    if any(folder in name.parts for name in names for folder in MONKEYS.values()):
        names = [name for name in names if MONKEYS[monkey] in name.parts]
    return [str(name) for name in sorted(names, key=lambda name: name.name)]


def short(name: str) -> str:
    """The unit's name: its file's, up to the alignment that the name ends in."""
    return PurePosixPath(name).stem.split("_Vstim")[0]


def read_unit(read: Callable[[], bytes], name: str) -> Unit:
    """One unit file, checked. Raises ValueError that names the file and what was found in it."""
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
    variables = [np.atleast_1d(getattr(task, field)).astype(float) for field in NEEDED]
    if (
        len(time) < 2
        or response.shape[1] != len(time)
        or any(len(values) != len(response) for values in variables)
    ):
        raise ValueError(
            f"{name}: response is {response.shape} (trials x samples), but there are {len(time)} "
            "times and "
            f"{', '.join(f'{len(values)} {field}' for field, values in zip(NEEDED, variables, strict=True))}"
        )
    if not np.isfinite(response).all():
        trial, sample = np.argwhere(~np.isfinite(response))[0]
        raise ValueError(
            f"{name}: response is NaN or infinite, first at trial {trial}, sample {sample}"
        )
    motion, colour, context, correct = variables
    return Unit(
        response, float(np.diff(time).mean()), float(time[0]), motion, colour, context, correct == 1
    )


def condition_averages(
    unit: Unit, name: str, correct_only: bool, bin_ms: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean spikes/ms of each condition in the design's order, (time, 72), NaN without trials; bin
    centres.
    """
    width = round(bin_ms / 1000 / unit.step)
    bins = unit.response.shape[1] // max(width, 1)
    if width < 1 or bins < 1:
        raise ValueError(
            f"bin_ms={bin_ms} does not fit {name}: samples are {1000 * unit.step:g} ms apart and "
            f"last {1000 * unit.step * unit.response.shape[1]:g} ms"
        )
    binned = unit.response[:, : bins * width].reshape(-1, bins, width).mean(-1) / (1000 * unit.step)
    condition = condition_index(unit)
    condition[unit.correct == 0] = np.where(correct_only, -1, condition[unit.correct == 0])
    member = condition == np.arange(72)[:, None]
    counts = member.sum(1)
    means = (member.astype(float) @ binned) / np.where(counts, counts, np.nan)[:, None]
    return means.T, unit.start + unit.step * width * (np.arange(bins) + 0.5)


def condition_index(unit: Unit) -> np.ndarray:
    """Which of the 72 conditions each trial is, (trials,); -1 for trials outside the design (no
    evidence).
    """
    ranks = {rank: place for place, rank in enumerate((-3, -2, -1, 1, 2, 3))}
    places = {key: 6 * ranks[key[0]] + ranks[key[1]] for key in product(ranks, ranks)}
    pairs = zip(coherence_rank(unit.motion), coherence_rank(unit.colour), strict=True)
    index = np.array([places.get(pair, -1) for pair in pairs])
    valid = (index >= 0) & np.isin(unit.context, (-1, 1))
    return np.where(valid, index + 36 * (unit.context == -1), -1)


def coherence_rank(values: np.ndarray) -> list[int]:
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
