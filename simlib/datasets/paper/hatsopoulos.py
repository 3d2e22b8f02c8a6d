"""Hatsopoulos 2007: motor cortex while a monkey reaches to eight targets, from the original session
file.
"""

import os
import re
from pathlib import Path

import numpy as np
import xarray as xr

from simlib.datasets.made import REACH_TARGETS
from simlib.datasets.own import Held, mat_contents
from simlib.datasets.paper.downloads import locate
from simlib.datasets.paper.stored import stored
from simlib.datasets.processing import bin_spikes, condition_averages


def hatsopoulos2007(
    *,
    path: str | os.PathLike | None = None,
    bin_ms: float = 50,
    start_ms: float = 0,
    stop_ms: float = 500,
    smooth_ms: float = 25,
    average: bool = False,
) -> xr.DataArray:
    """Units of primary motor cortex during reaches to eight targets, (time, trial, unit), in spikes
    per bin.

    Single trials; the label is `target`. Units without a spike in the file are left out. Read are
    `spikes` (cell array channels x units, or of channels with cell arrays of units; spike times in
    s) and `stmv_cell` (one cell a target: movement onsets in s).

    Args:
        path: the session file (MATLAB 7.3) or its folder; without it, the file is looked for in the
            folder `hatsopoulos2007` of SIMLIB_DATA or the cache folder, and downloaded if it is not
            there.
        bin_ms, start_ms, stop_ms: bins of `bin_ms` from `start_ms` to `stop_ms` after movement
            onset.
        smooth_ms: standard deviation of a Gaussian over time; 0 for none.
        average: one average a target.

    Raises:
        FileNotFoundError: when there is nothing to read.
        ValueError: for a file of another layout.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.load("hatsopoulos2007").shape  # doctest: +SKIP
        (10, 395, 141)
        >>> sl.datasets.load("hatsopoulos2007", path="no.mat")
        Traceback (most recent call last):
        FileNotFoundError: hatsopoulos2007 needs its original file, and no.mat does not exist. ...
    """
    return stored(
        "hatsopoulos2007",
        locate("hatsopoulos2007", path, ".mat"),
        _session,
        bin_ms=bin_ms,
        start_ms=start_ms,
        stop_ms=stop_ms,
        smooth_ms=smooth_ms,
        average=average,
    )


def _session(
    place: Path, bin_ms: float, start_ms: float, stop_ms: float, smooth_ms: float, average: bool
) -> xr.DataArray:
    """The session file as a recording."""
    held = mat_contents(place)
    spikes, units = _unit_spikes(held, place.name)
    onsets = _target_onsets(held, place.name)
    data = bin_spikes(
        spikes,
        np.concatenate(onsets),
        {"target": np.repeat(REACH_TARGETS, [len(times) for times in onsets])},
        start=start_ms / 1000,
        stop=stop_ms / 1000,
        width=bin_ms / 1000,
        smooth=smooth_ms / 1000,
        name="hatsopoulos2007",
        title="Hatsopoulos 2007",
        source="Dryad, doi:10.5061/dryad.xsj3tx9cm",
        licence="CC0 1.0",
        citation="Hatsopoulos et al. 2007; Suresh et al. 2020, doi:10.7554/eLife.58848",
        task_variables=["target"],
        main_variable="target",
        processing={"aligned_to": "movement onset"},
    ).assign_coords(unit=("neuron", np.array(units)), region=("neuron", np.full(len(units), "M1")))
    return condition_averages(data, ["target"]) if average else data


def _unit_spikes(held: dict[str, Held], name: str) -> tuple[list[np.ndarray], list[str]]:
    """Spike times (s) of every unit that fired, in the file's order, and the units' names."""
    cells = {key: value for key, value in held.items() if re.match(r"spikes(\[\d+\])+$", key)}
    if not cells:
        raise ValueError(
            f"{name} is no session file of Hatsopoulos 2007: it has no cell array `spikes` of "
            "spike times in "
            f"seconds; it holds {', '.join(list(held)[:12]) or 'nothing'}"
        )
    fired = {key: value for key, value in cells.items() if np.prod(value.shape) > 0}
    return [value.read().ravel().astype(float) for value in fired.values()], list(fired)


def _target_onsets(held: dict[str, Held], name: str) -> list[np.ndarray]:
    """Movement onsets (s) of each of the eight targets."""
    cells = [held.get(f"stmv_cell[{k}]") for k in range(len(REACH_TARGETS))]
    onsets = [cell.read().ravel() for cell in cells if cell]
    more = f"stmv_cell[{len(REACH_TARGETS)}]" in held
    if len(onsets) != len(REACH_TARGETS) or more or min(map(len, onsets), default=0) == 0:
        raise ValueError(
            f"{name} needs `stmv_cell`, a cell array with the movement onsets (s) of each of the "
            f"{len(REACH_TARGETS)} "
            f"targets; found {len(onsets)}{' or more' if more else ''} cells, with "
            f"{[len(times) for times in onsets]} onsets"
        )
    return onsets
