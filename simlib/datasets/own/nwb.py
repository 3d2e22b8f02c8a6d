"""Neurodata Without Borders (NWB): sorted units and trials, read through HDF5 without further
packages.

Read are `units` (spike_times with its index, obs_intervals), one table of `intervals`, and
`intervals/invalid_times`, as NWB 2 lays them out.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS
from simlib.datasets.own.clocks import check_clocks, meeting, within
from simlib.datasets.own.hdf5 import check_hdf5
from simlib.datasets.own.limits import check_size
from simlib.datasets.own.unwritten import why_unwritten, written
from simlib.datasets.processing import bin_edges, bin_spikes, bins_of_window, noted, precision

WINDOW = ("start", "stop", "width")
OPTIONS = (*WINDOW, "smooth", "align", "trials", "unit", "trials_unit", "check")
SECONDS = {"s": 1.0, "ms": 1e-3}
USED = ("spike_times", "obs_intervals")
SERIES = ("acquisition", "processing", "analysis", "stimulus", "intervals", "units")


def read_nwb(path: Path, spikes: Mapping[str, object] | None) -> xr.DataArray:
    """Spikes per bin around an event of each trial, (time, trial, unit), labels from the table of
    trials.

    `spikes` says which bins: `align` (a column of times, default start_time), `start`, `stop` and
    `width` in s from there, `smooth` as in `bin_spikes`; `trials` names another table of
    `intervals`. Trials without the event are left out and counted. `unit` and `trials_unit` say
    what the times of spikes and trials are in: "s", "ms", or how many seconds one unit is. Times
    that can't be right are refused (`check_clocks`), unless `check` is False.

    A bin is NaN where it isn't wholly within the unit's `obs_intervals`, or meets
    `invalid_times`; with `smooth` also where that holds for a bin that its Gaussian reaches, 4
    standard deviations away. Columns that are no labels are named, with the reason, in the
    attribute `left_out` (JSON).

    Raises ValueError that shows what the file holds, and the call that would read it; also for
    spikes, intervals, indices and trials of which a part was never written, or that are not equally
    long.
    """
    if not isinstance(spikes or {}, Mapping):
        raise ValueError(f"spikes={spikes!r}: it says which bins, {{'start': 0, 'stop': 0.5, ...}}")
    try:
        with h5py.File(path, "r") as file:
            check_hdf5(path, ("units", "intervals"))
            return _read(file, path, dict(spikes or {}))
    except OSError as error:
        raise ValueError(
            f"{path.name} can't be read as NWB ({error}); copy or save it again"
        ) from error


def _read(file: h5py.File, path: Path, options: dict) -> xr.DataArray:
    for option, value in options.items():
        validation.known("option of spikes=", option, OPTIONS)
        if option in (*WINDOW, "smooth") and not isinstance(value, int | float | np.number):
            raise ValueError(f"spikes={{{option!r}: {value!r}}}: it is a number of seconds")
    tables, which = _tables(file), str(options.get("trials", "trials"))
    if "spike_times" not in file.get("units", ()) or not tables:
        raise ValueError(_unlike(file, path.name))
    if which not in tables:
        raise ValueError(
            f"{path.name} has no intervals/{which}; there are {_named(tables)}. Any of them can be "
            f"the table of trials: spikes={{..., 'trials': {next(iter(tables))!r}}}"
        )
    times = _spike_times(file["units"], path.name)
    _check_rows(tables[which], path.name, ("id", "start_time", "stop_time"))
    for column in filter(None, (_dataset(tables[which], name) for name in tables[which])):
        written(column)
    trials, left_out = _columns(tables[which], which)
    events = _events(trials)
    if not events:
        raise ValueError(
            f"intervals/{which} of {path.name} has no column of times; there are {_named(tables)}"
        )
    if not set(WINDOW) <= set(options):
        held = f"{len(times)} units and {len(trials[events[0]])} {which}"
        raise ValueError(_which_bins(path.name, held, which, tables, events))
    align = str(options.get("align", "start_time"))
    there = _with_event(trials, align, f"{which} of {path.name}")
    trials = {name: values[there] for name, values in trials.items()}
    data = _counted(file, times, trials, {**options, "align": align}, path)
    units, lost = _columns(file["units"], "units", len(times))
    moments = {align, *(name for name in events if name.endswith("_time"))}
    labels = {name: values for name, values in trials.items() if name not in moments}
    data = data.assign_coords(_coordinates(which, labels, units))
    left_out |= lost | {
        f"{which}/{name}": "a time of the trials, no label; align can name it"
        for name in sorted(moments - {align})
    }
    data.attrs |= {"left_out": json.dumps(left_out)} if left_out else {}
    for chosen in ("task_variables", "main_variable"):  # not yet
        del data.attrs[chosen]
    return noted(
        data,
        "read_nwb",
        trials=which,
        align=align,
        trials_without=int((~there).sum()),
        unobserved_values=int(np.isnan(data.values).sum()),
        units_not_always_observed=int(np.isnan(data.values).any(axis=(0, 1)).sum()),
        **{name: options[name] for name in ("unit", "trials_unit", "check") if name in options},
    )


def _with_event(trials: Mapping[str, np.ndarray], align: str, what: str) -> np.ndarray:
    """Which trials have the time that bins are aligned to; raises ValueError when none has."""
    validation.known("time of a trial", align, [*_events(trials), *({"id"} & set(trials))])
    there = np.isfinite(trials[align])
    if not there.any():
        raise ValueError(f"none of the {len(there)} {what} has a time in {align!r}")
    return there


def _counted(
    file: h5py.File,
    times: list[np.ndarray],
    trials: Mapping[str, np.ndarray],
    options: dict,
    path: Path,
) -> xr.DataArray:
    """Spikes per bin around the event of each trial, NaN where they were not observed."""
    unit, clock = options.get("unit", "s"), options.get("trials_unit", "s")
    times = [_in_seconds(one, unit) for one in times]
    onsets = _in_seconds(trials[options["align"]], clock)
    watched = _obs_intervals(file["units"], unit, len(times), path.name)
    if options.get("check", True):
        begin = _in_seconds(trials["start_time"], clock) if "start_time" in trials else onsets
        begin = np.where(np.isfinite(begin), begin, onsets)
        end = _in_seconds(trials["stop_time"], clock) if "stop_time" in trials else begin
        check_clocks(times, begin, np.fmax(begin, end), watched, path.name)
    window = {name: options[name] for name in (*WINDOW, "smooth") if name in options}
    bins = (window["stop"] - window["start"]) / window["width"] if window["width"] else 0
    if bins > 0:
        sizes = (round(min(bins, 1e15)), len(onsets), len(times))
        way = "count in wider bins (spikes={..., 'width': ...}) or fewer of them"
        check_size("the bins that spikes= asks for", path.name, sizes, 8, way)
    facts = {"name": path.stem, "title": path.stem, "source": f"file {path.name}"}
    data = bin_spikes(times, onsets, **window, **facts)
    seen = _seen(watched, _invalid(file, clock, path.name), onsets, window, path.name)
    return data.copy(data=np.where(seen, data.values, np.nan))


# -- Tables


def _tables(file: h5py.File) -> dict[str, h5py.Group]:
    """The tables of intervals by name, `trials` first."""
    groups = {
        name: item
        for name, item in file.get("intervals", {}).items()
        if isinstance(item, h5py.Group) and name != "invalid_times"
    }
    return dict(sorted(groups.items(), key=lambda entry: entry[0] != "trials"))


def _dataset(group: h5py.Group, name: str) -> h5py.Dataset | None:
    item = group.get(name)
    return item if isinstance(item, h5py.Dataset) and item.shape else None


def _check_rows(group: h5py.Group, name: str, columns: tuple[str, ...]) -> None:
    """Refuse a table whose columns are not equally long, as where writing was cut off."""
    found = {column: _dataset(group, column) for column in columns}
    rows = {column: len(item) for column, item in found.items() if item is not None}
    if len(set(rows.values())) > 1:
        told = ", ".join(f"{count} of {column}" for column, count in rows.items())
        raise ValueError(
            f"{group.name[1:200]} of {name} has rows that are not all there: {told}. Write it "
            "again, a value of each a row"
        )


def _columns(
    group: h5py.Group, table: str, rows: int | None = None
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The columns with one number or text a row, and why the others are none ("table/column" ->
    reason).
    """
    if rows is None:
        first = next((group[name] for name in ("start_time", "id") if name in group), None)
        rows = None if first is None else first.size
    columns, left_out = {}, {}
    for name in group:
        part_of = name.removesuffix("_index")
        if name in USED or (name != part_of and part_of in group):
            continue
        values = _values(group, name, group.get(name), rows)
        if isinstance(values, str):
            left_out[f"{table}/{name}"] = values
        else:
            columns[name] = values
    return columns, left_out


def _values(group: h5py.Group, name: str, item: object, rows: int | None) -> np.ndarray | str:
    """The values of a column, or why it is no column of labels."""
    if not isinstance(item, h5py.Dataset) or item.shape is None:
        return "no table column"
    if f"{name}_index" in group:
        return "several values a row"
    if item.ndim != 1:
        return f"{item.ndim} axes, {item.shape}"
    if item.dtype.names:
        return "several fields a row"
    region = item.attrs.get("neurodata_type", "") in ("DynamicTableRegion", b"DynamicTableRegion")
    if h5py.check_ref_dtype(item.dtype) is not None or region:
        return "refers to other tables or series"
    if rows is not None and len(item) != rows:
        return f"{len(item)} values for {rows} rows"
    if why_unwritten(item):
        return why_unwritten(item)
    if h5py.check_string_dtype(item.dtype):
        try:
            return item.asstr()[()].astype(str)
        except UnicodeDecodeError:
            return "text that is not UTF-8"
    return item[()] if item.dtype.kind in "biuf" else f"values of type {item.dtype}"


def _events(trials: Mapping[str, np.ndarray]) -> list[str]:
    """Names of the numbers of a trial that its bins can be aligned to, times first."""
    numbers = [name for name, values in trials.items() if values.dtype.kind in "iuf"]
    return sorted(set(numbers) - {"id"}, key=lambda name: (not name.endswith("_time"), name))


def _which_bins(
    name: str, held: str, which: str, tables: Mapping[str, h5py.Group], events: list[str]
) -> str:
    """What to say when the bins to count are not said: the events there are, and a call."""
    others = {key: table for key, table in tables.items() if key != which}
    more = f" Other tables of intervals: {_named(others)}." if others else ""
    taken = "" if which == "trials" else f"'trials': {which!r}, "
    usual = "start_time" if "start_time" in events else events[0]
    times = [event for event in events if event.endswith("_time")] or events
    return (
        f"{name} holds {held} with the times {validation.listed(times)}.{more} Say which bins to "
        f"count around one of these times, in seconds: load({name!r}, spikes={{{taken}'align': "
        f"{usual!r}, 'start': 0, 'stop': 0.5, 'width': 0.05}})"
    )


def _coordinates(
    table: str, labels: Mapping[str, np.ndarray], units: Mapping[str, np.ndarray]
) -> dict[str, tuple]:
    """Columns as coordinates along trial and neuron; one called like an axis, or like a label, gets
    the name of its table before its own.
    """
    along = {
        "trial_id" if name == "id" and "trial_id" not in labels else name: values
        for name, values in labels.items()
    }
    along = {f"{table}_{key}" if key in DIMS else key: values for key, values in along.items()}
    facts = {
        f"units_{key}" if key in (*DIMS, *along) else key: values for key, values in units.items()
    }
    return {key: ("trial", values) for key, values in along.items()} | {
        key: ("neuron", values) for key, values in facts.items()
    }


def _named(tables: Mapping[str, h5py.Group]) -> str:
    """Tables with their columns, for an error."""
    return validation.listed(
        (
            f"{name} ({', '.join(column for column in table if not column.endswith('_index'))})"
            for name, table in tables.items()
        ),
        most=6,
    )


def _unlike(file: h5py.File, name: str) -> str:
    """What to say of a file without sorted units or trials: what is there, and what to do."""
    lacks = (
        "table of trials with their times"
        if "spike_times" in file.get("units", ())
        else "units with spike_times"
    )
    held = []

    def series(place: str, item) -> None:
        if isinstance(item, h5py.Dataset) and place.startswith(SERIES) and item.ndim:
            held.append(f"{place.removesuffix('/data')} {item.shape}")

    file.visititems(series)
    return (
        f"{name} has no {lacks}; it holds {validation.listed(held) or 'no series'}.\n"
        "Of NWB files those with sorted units and trials are read. Cut other series into trials "
        "and save them: numpy.savez('recording.npz', X=X, target=labels), X being (time, trial, "
        "neuron)"
    )


# -- Units


def _spike_times(units: h5py.Group, name: str) -> list[np.ndarray]:
    """One array of times a unit; raises ValueError for an index that doesn't fit."""
    if "spike_times_index_index" in units:
        raise ValueError(
            f"{name} holds lists of lists of spike times (spike_times_index_index), as of spikes "
            "cut into trials; one list a unit is read, on the clock of the session"
        )
    times = np.atleast_1d(written(units["spike_times"])[()])
    if times.ndim != 1 or times.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} has spike_times of type {times.dtype} and shape {times.shape}; one list of "
            "numbers is read, with spike_times_index"
        )
    ends = _ends(units, "spike_times", len(times), name)
    if len(ends) != len(units.get("id", ends)):
        raise ValueError(
            f"spike_times_index of {name} ends {len(ends)} units and id names {len(units['id'])}: "
            "the table of units is not all there; write it again"
        )
    return np.split(times, ends[:-1])


def _ends(units: h5py.Group, column: str, size: int, name: str) -> np.ndarray:
    """Where the values of each unit end; raises ValueError for an index that doesn't fit."""
    index = f"{column}_index"
    if index not in units:
        if len(units.get("id", [0])) != 1:
            raise ValueError(f"{name} has {column} without {index}: nothing says whose they are")
        return np.array([size])
    ends = np.atleast_1d(written(units[index])[()])
    if ends.ndim != 1 or ends.dtype.kind not in "iu":
        raise ValueError(
            f"{index} of {name} needs whole numbers along one axis, where each unit ends; got "
            f"{ends.dtype}, of shape {ends.shape}"
        )
    if not len(ends):
        raise ValueError(f"{name} has a table of units with none in it")
    ends = ends.astype(np.int64)
    if (np.diff(ends, prepend=0) < 0).any() or ends[-1] != size:
        raise ValueError(
            f"{index} of {name} needs to grow to the number of {column}, {size}; got "
            f"{validation.listed(map(str, ends.tolist()), 6)}, the last being {ends[-1]}. It holds "
            "where each unit ends, not how many it has (numpy.cumsum makes one of the other), in a "
            "type that is large enough"
        )
    return ends


def _in_seconds(times: np.ndarray, unit: object) -> np.ndarray:
    """Times in s, in the precision in which they come."""
    seconds = SECONDS.get(unit, unit) if isinstance(unit, str) else unit
    if isinstance(seconds, str | bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise ValueError(
            f"unit={unit!r}: times are in 's', 'ms', or a number of seconds, such as 1 / 30000 for "
            "samples"
        )
    times = times if times.dtype.kind == "f" else times.astype(float)
    return times if seconds == 1 else times * times.dtype.type(seconds)


def _obs_intervals(units: h5py.Group, unit: object, count: int, name: str) -> list[np.ndarray]:
    """When each unit was observed, (intervals, 2) in s; from -inf to inf where nothing says it."""
    if "obs_intervals" not in units:
        return [np.array([[-np.inf, np.inf]])] * count
    intervals = written(units["obs_intervals"])[()]
    if intervals.shape[1:] != (2,) or not (np.diff(intervals) >= 0).all():
        raise ValueError(
            f"obs_intervals of {name} needs rows of a start and a later stop, (rows, 2); got the "
            f"shape {intervals.shape}, or stops before starts"
        )
    ends = _ends(units, "obs_intervals", len(intervals), name)
    if len(ends) != count:
        raise ValueError(f"{name} has spikes of {count} units and obs_intervals of {len(ends)}")
    return np.split(_in_seconds(intervals, unit), ends[:-1])


def _invalid(file: h5py.File, unit: object, name: str) -> np.ndarray:
    """The times that are not to be analysed, (intervals, 2) in s."""
    table, ends = file.get("intervals/invalid_times", {}), ("start_time", "stop_time")
    there = [key for key in ends if key in table]
    if not there:
        return np.empty((0, 2))
    if len(there) == 1:
        raise ValueError(f"intervals/invalid_times of {name} has {there[0]} alone; save both ends")
    _check_rows(table, name, ends)
    columns = [written(table[key])[()] for key in ends]
    return _in_seconds(np.stack(columns, axis=1), unit)


def _seen(
    watched: list[np.ndarray], invalid: np.ndarray, onsets: np.ndarray, window: dict, name: str
) -> np.ndarray:
    """Which values were observed, (time, trial, unit): bins, with all that a Gaussian over them
    reaches, wholly within a unit's intervals and outside of invalid times.

    Raises ValueError when there is none.
    """
    bins, pad = bins_of_window(*(window[key] for key in WINDOW), window.get("smooth", 0.0))
    places = np.arange(-pad, bins + pad + 1)
    edges, near = bin_edges(onsets, window["start"], window["width"], places)
    low, high = edges[:, :bins], edges[:, 2 * pad + 1 :]
    valid = ~meeting(invalid, low, high, near)
    inside = [
        within(own, low, high, max(near, precision(own[np.isfinite(own)]))) for own in watched
    ]
    seen = np.stack([(one & valid).T for one in inside], axis=-1)
    if not seen.any():
        every = np.concatenate([*watched, np.empty((0, 2))])
        spanned = f"{every.min():g} to {every.max():g} s" if len(every) else "nowhere to nowhere"
        raise ValueError(
            f"no bin of {name} lies in obs_intervals, which reach from {spanned}, and outside of "
            f"invalid_times; the windows of {len(onsets)} trials reach from {low.min():g} to "
            f"{high.max():g} s"
        )
    return seen
