"""Neurodata Without Borders (NWB): sorted units and trials, read through HDF5 without further
packages.

Read are `units` (spike_times with its index) and `intervals/trials`, as NWB 2 lays them out.
"""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.processing import bin_spikes, noted


def read_nwb(path: Path, spikes: Mapping[str, object] | None) -> xr.DataArray:
    """Spikes per bin around an event of each trial, (time, trial, unit), labels from the table of
    trials.

    `spikes` says which bins: `align` (a column of times, default start_time), `start`, `stop` and
    `width` in s from there, `smooth` as in `bin_spikes`. Trials without the event are left out and
    counted.

    Raises ValueError that shows what the file holds, and the call that would read it.
    """
    try:
        with h5py.File(path, "r") as file:
            units, trials = _table(file.get("units")), _table(file.get("intervals/trials"))
            sorted_units = {"spike_times", "spike_times_index"} <= set(file.get("units", ()))
            times = (
                np.split(
                    file["units/spike_times"][()], file["units/spike_times_index"][:-1].astype(int)
                )
                if sorted_units
                else []
            )
    except OSError as error:
        raise ValueError(
            f"{path.name} can't be read as NWB ({error}); copy or save it again"
        ) from error
    moments = [
        name
        for name, values in trials.items()
        if name.endswith("_time") and values.dtype.kind == "f"
    ]
    if not sorted_units or not moments:
        lacking = "a table of trials with their times" if sorted_units else "units with spike_times"
        raise ValueError(
            f"{path.name} has no {lacking}; those NWB files are read that have sorted units and "
            "trials"
        )
    given = {"align": "start_time", **(spikes or {})}
    needed = {"start", "stop", "width"}
    if not needed <= set(given) <= needed | {"align", "smooth"}:
        raise ValueError(
            f"{path.name} holds {len(times)} units and {len(trials[moments[0]])} trials with the "
            f"times {', '.join(moments)}. Say which bins to count, in seconds: load({path.name!r}, "
            "spikes={'align': 'start_time', 'start': 0, 'stop': 0.5, 'width': 0.05})"
        )
    align = given.pop("align")
    validation.known("time of a trial", str(align), moments)
    there = np.isfinite(trials[align])
    labels = {
        name: values[there]
        for name, values in trials.items()
        if not name.endswith("_time")
        and name != "id"
        and (values.dtype.kind != "f" or np.isfinite(values[there]).all())
    }
    data = bin_spikes(
        times,
        trials[align][there],
        labels,
        **given,
        name=path.stem,
        title=path.stem,
        source=f"file {path.name}",
    )
    data = data.assign_coords(
        {name: ("neuron", values) for name, values in units.items() if len(values) == len(times)}
    )
    data.attrs = {
        name: value
        for name, value in data.attrs.items()
        if name not in ("task_variables", "main_variable")  # not chosen yet
    }
    return noted(data, "read_nwb", align=align, trials_without=int((~there).sum()))


def _table(group) -> dict[str, np.ndarray]:
    """The columns of a table with one value a row."""
    columns = {
        name: item.asstr()[()].astype(str) if h5py.check_string_dtype(item.dtype) else item[()]
        for name, item in (group or {}).items()
        if isinstance(item, h5py.Dataset)
        and item.ndim == 1
        and f"{name}_index" not in group
        and not name.endswith("_index")
    }
    return {name: values for name, values in columns.items() if values.dtype.kind in "biufU"}
