"""Steps between what was recorded and what is scored, each noted in the recording's
`processing`.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import scipy
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS, recording, silent, trial_coordinates
from simlib.trials import is_bookkeeping, task_variables

__all__ = [
    "bin_label",
    "bin_spikes",
    "condition_averages",
    "drop_silent",
    "group_means",
    "noted",
    "soft_normalise",
]


def noted(data: xr.DataArray, step: str, **settings) -> xr.DataArray:
    """The recording with one more entry in the list `steps` of its `processing`."""
    done = json.loads(data.attrs.get("processing", "{}"))
    done["steps"] = [*done.get("steps", []), {"step": step, **settings}]
    return data.assign_attrs(processing=json.dumps(done, sort_keys=True))


def spike_counts(spikes: Sequence, edges: np.ndarray, rounding: float = 0.0) -> np.ndarray:
    """Spikes of each neuron between neighbouring edges, (bins, trials, neurons), float64.

    `spikes` holds one array of spike times a neuron (s), in any order; `edges` is (trials, bins +
    1), in s. A spike on an edge counts in the bin that begins there, and so does one that lies
    before it by no more than `rounding`, in s, a millionth of a bin (edges added up are rounded)
    and what the precision of its time leaves open.
    Raises ValueError for times that are not finite, and for times too coarse for the bins.
    """
    counts = np.empty((edges.shape[1] - 1, len(edges), len(spikes)))
    narrowest = np.diff(edges, axis=1).min()
    for neuron, times in enumerate(spikes):
        times = np.sort(_times(times).ravel())
        if not np.isfinite(times).all():
            raise ValueError(
                f"the spike times of neuron {neuron} hold NaN or infinity; remove those entries"
            )
        near = max(rounding, 1e-6 * narrowest, precision(times))
        if near > narrowest / 10:
            raise ValueError(
                f"the times are known to {near:.2g} s (around {np.abs(times).max():g} s, neuron "
                f"{neuron}, as numbers of little precision are): too coarse for bins of "
                f"{narrowest:g} s. Take wider bins, or save the times in float64"
            )
        times = times.astype(float)
        counts[..., neuron] = np.diff(np.searchsorted(times, edges - near), axis=1).T
    return counts


def _times(values) -> np.ndarray:
    """As floating-point numbers, in the precision in which they come."""
    times = np.asarray(values)
    return times if times.dtype.kind == "f" else times.astype(float)


def precision(times: np.ndarray) -> float:
    """How far numbers next to the largest of some times lie apart in the type they were saved in,
    in s.

    Numbers that all fit float32, and are not those of a clock of 1024 Hz, were once saved in it.
    """
    if not times.size:
        return 0.0
    largest = np.abs(times).max()
    short = (times.astype(np.float32) == times).all() and (times * 1024 % 1 != 0).any()
    return float(max(np.spacing(largest), np.spacing(np.float32(largest)) if short else 0.0))


def bin_edges(
    onsets: np.ndarray, start: float, width: float, places: np.ndarray
) -> tuple[np.ndarray, float]:
    """Edges of the bins, (trials, edges), `places` counted in bins from `start`, and what rounding
    of their sums leaves open: 16 eps of the largest time in them, in s.
    """
    edges = onsets.astype(float)[:, None] + start + width * places
    largest = np.abs(onsets).max() + abs(start) + np.abs(width * places).max()
    return edges, max(16 * np.finfo(float).eps * float(largest), precision(onsets))


def bin_spikes(
    spikes: Sequence,
    onsets: Sequence[float] | np.ndarray,
    labels: Mapping[str, Sequence | np.ndarray] | None = None,
    *,
    start: float = 0.0,
    stop: float = 0.5,
    width: float = 0.05,
    smooth: float = 0.0,
    **facts,
) -> xr.DataArray:
    """Spike times as spikes per bin, aligned to an event of each trial: a recording (time, trial,
    neuron).

    A spike on an edge counts in the bin that begins there, whatever the rounding of the times: up
    to 16 eps of the largest time (1e-11 s in a session of an hour) or a millionth of a bin may lie
    between them, or the precision of times that were saved in float32.

    Args:
        spikes: one array of spike times a neuron, in s.
        onsets: the event of each trial, (trial,), in s on the same clock.
        labels: coordinates along trial.
        start, stop, width: bins of `width` reach from `start` to `stop` after the event, in s.
        smooth: standard deviation of a Gaussian over the bins, in s; bins beyond the window are
            counted for it, so that the ends are not bent.
        facts: name, title, source, ... of `recording`.

    Raises:
        ValueError: for a window that is no whole number of bins, for times or onsets that are not
            finite or too coarse for the bins, and when no spike lies in any window.

    Example:
        >>> import numpy as np, simlib as sl
        >>> spikes = [np.array([0.12, 1.31, 1.33]), np.array([0.4, 1.05])]
        >>> bins = {"start": 0.0, "stop": 0.4, "width": 0.2}
        >>> X = sl.datasets.processing.bin_spikes(spikes, [0.0, 1.0], {"hit": [0, 1]}, **bins)
        >>> X.sel(trial=1).values.tolist()  # (time, neuron)
        [[0.0, 1.0], [2.0, 0.0]]
    """
    onsets = _times(onsets)
    bins, pad = bins_of_window(start, stop, width, smooth)
    if onsets.ndim != 1 or len(onsets) == 0 or not np.isfinite(onsets).all():
        raise ValueError(
            f"onsets needs one finite time a trial, in seconds; got shape {onsets.shape} with "
            f"{int((~np.isfinite(onsets)).sum())} that are NaN or infinite. Leave out the trials "
            "without the event"
        )
    values = spike_counts(spikes, *bin_edges(onsets, start, width, np.arange(-pad, bins + pad + 1)))
    if not values.any():
        raise ValueError(_no_spikes(spikes, onsets, start, stop))
    if smooth:
        values = scipy.ndimage.gaussian_filter1d(values, smooth / width, axis=0, truncate=4.0)[
            pad : pad + bins
        ]
    facts = {
        "name": "spikes",
        "title": "Binned spikes",
        "source": "spike times",
        "citation": "",
        **facts,
    }
    return noted(
        recording(
            values, labels, time=start + width * (np.arange(bins) + 0.5), constant=True, **facts
        ),
        "bin_spikes",
        start_s=start,
        stop_s=stop,
        width_s=width,
        smooth_s=smooth,
        unit="spikes per bin",
    )


def bins_of_window(start: float, stop: float, width: float, smooth: float) -> tuple[int, int]:
    """How many bins fill a window, and how many more on each side a Gaussian over them reaches.

    Raises ValueError for a window that is no whole number of bins.
    """
    bins = round((stop - start) / width) if width > 0 else 0
    if bins < 1 or abs(bins * width - (stop - start)) > 1e-6 or smooth < 0:
        raise ValueError(
            f"bins of width {width:g} s don't fill the window from {start:g} to {stop:g} s, or "
            f"smooth={smooth:g} is "
            "negative; the window is a whole number of bins, for instance start=0, stop=0.5, "
            "width=0.05"
        )
    return bins, int(np.ceil(4 * smooth / width))


def _no_spikes(spikes: Sequence, onsets: np.ndarray, start: float, stop: float) -> str:
    """What to say when every window is empty: where spikes and windows lie."""
    times = np.concatenate([np.asarray(times, dtype=float).ravel() for times in spikes] or [[]])
    lie = f"reach from {times.min():g} to {times.max():g} s" if len(times) else "are none"
    return (
        f"no spike lies in any of the {len(onsets)} windows: they reach from "
        f"{onsets.min() + start:g} to {onsets.max() + stop:g} s, and the {len(times)} spike times "
        f"of {len(spikes)} neurons {lie}. Spikes and events need one clock, in seconds"
    )


def condition_averages(data: xr.DataArray, by: str | Sequence[str] | None = None) -> xr.DataArray:
    """Averages over the trials of each condition, (time, condition, neuron), missing values left
    out.

    Conditions come in the order of their first trials. The coordinate `averaged_trials` counts the
    trials of each that have any value: padding doesn't count. Where neurons or times lack some of
    these, their averages are over fewer; the note in `processing` has the fewest. A neuron without
    any trial in a condition stays NaN there. Groups of folds are dropped: averages have none.

    Args:
        data: (time, trial, neuron).
        by: trial coordinates whose combinations are the conditions, or one. By default the task
            variables, where the recording declares some; else all that are not repeats, sessions,
            ids or fold groups, nor number the trials, nor are continuous.

    Raises:
        ValueError: for a coordinate that is not there, or when nothing says what a condition is.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.load("hierarchy")
        >>> means = sl.datasets.processing.condition_averages(X, by=["category"])
        >>> means.shape, means["averaged_trials"].values[:3].tolist()
        ((1, 10, 50), [10, 10, 10])
    """
    by = by if by is None else validation.names(by, "by")
    along = trial_coordinates(data, by or ())
    by = _conditions(data, along) if by is None else by
    if not by:
        raise ValueError(
            "nothing says what a condition is: name coordinates along trial, by=[...]; there are "
            f"{validation.listed(map(repr, along)) or 'none'}"
        )
    data = data.transpose(*DIMS)
    conditions = pd.DataFrame({name: data[name].values for name in by})
    member = conditions.groupby(list(by), sort=False, dropna=False).ngroup().to_numpy()
    first = np.unique(member, return_index=True)[1]
    there = np.isfinite(data)
    counted = np.bincount(member, weights=there.any(("time", "neuron")).values).astype(int)
    rows = pd.DataFrame(there.transpose("trial", ...).values.reshape(len(member), -1))
    fewest = rows.groupby(member).sum().to_numpy().min()
    others = [key for key, coord in data.coords.items() if "trial" in coord.dims and key not in by]
    averages = (
        data.isel(trial=first)
        .drop_vars(others)
        .copy(data=group_means(data.where(there).values.swapaxes(0, 1), member).swapaxes(0, 1))
        .assign_coords(averaged_trials=("trial", counted))
        .assign_attrs(sample_kind="averages", groups="")
    )
    if "task_variables" in data.attrs:
        kept = [name for name in task_variables(data) if name in by]
        main = data.attrs.get("main_variable", "")
        main = main if main in kept else next(iter(kept), "")
        averages.attrs |= {"task_variables": json.dumps(kept), "main_variable": main}
    return noted(
        averages,
        "condition_averages",
        by=list(by),
        trials=data.sizes["trial"],
        fewest_averaged=int(fewest),
    )


def _conditions(data: xr.DataArray, along: list[str]) -> list[str]:
    """The trial coordinates that say what a condition is, as `condition_averages` describes."""
    declared = [name for name in task_variables(data) if name in along]
    return declared or [
        name
        for name in along
        if not is_bookkeeping(name)
        and name != data.attrs.get("groups", "")
        and not _differs_by_trial(data[name].values)
    ]


def _differs_by_trial(values: np.ndarray) -> bool:
    """Whether numbers are another in every trial, or continuous: fractions of which most come
    once.
    """
    if values.dtype.kind not in "iuf":
        return False
    values = values[np.isfinite(values)]
    distinct = len(np.unique(values))
    fractions = values.dtype.kind == "f" and not np.array_equal(values, values.round())
    return 1 < len(values) <= distinct or (fractions and 2 * distinct > len(values))


def group_means(values: np.ndarray, member: np.ndarray | pd.Categorical) -> np.ndarray:
    """Means over the rows of each group, (groups, ...), float64, NaN left out; groups come sorted.

    `values` are (rows, ...), `member` the group of each row; rows whose group is missing don't
    count, and a category without rows is NaN.

    >>> import numpy as np
    >>> group_means(np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 1])).tolist()
    [[1.0], [3.0]]
    """
    rows = pd.DataFrame(values.reshape(len(values), -1).astype(float, copy=False))
    means = rows.groupby(member, observed=False).mean().to_numpy()
    return means.reshape(-1, *values.shape[1:])


def soft_normalise(data: xr.DataArray, constant: float = 5.0) -> xr.DataArray:
    """Each neuron divided by its range over time and trials plus `constant`, in the data's unit.

    Strong neurons come to a range near 1, weak ones stay smaller. Source: Churchland et al. 2012,
    methods (constant 5 spikes/s: rescale it with the unit). Raises ValueError for a negative
    constant.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.processing.soft_normalise(sl.datasets.load("hierarchy"), constant=1.0)
        >>> float(X.max())
        0.5
    """
    if constant < 0:
        raise ValueError(
            f"soft_normalise needs a constant of 0 or more, in the data's unit; got {constant:g}"
        )
    scale = data.max(("time", "trial")) - data.min(("time", "trial")) + constant
    normalised = (data / scale.where(scale > 0, 1.0)).transpose(*DIMS).assign_attrs(data.attrs)
    return noted(normalised, "soft_normalise", constant=constant)


def drop_silent(data: xr.DataArray) -> xr.DataArray:
    """The recording without the neurons that never change.

    Raises ValueError when none would be left.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.load("hierarchy")
        >>> X[..., 7] = 1.0
        >>> sl.datasets.processing.drop_silent(X).sizes["neuron"]
        49
    """
    constant = silent(data.transpose(*DIMS).values)
    if constant.all():
        raise ValueError(
            f"all {len(constant)} neurons are constant over time and trials: none would be left"
        )
    return noted(data.isel(neuron=~constant), "drop_silent", dropped=int(constant.sum()))


def bin_label(data: xr.DataArray, name: str, edges: Sequence[float] | int) -> xr.DataArray:
    """A continuous label as classes: intervals between edges, or equally filled parts.

    The classes are strings, "below 0.5", "0.5 to 2", "2 or more" (an edge belongs to the class
    above it). A label that varies over time, (time, trial), is averaged over time first.

    Args:
        data: (time, trial, neuron).
        name: a coordinate of numbers along trial.
        edges: inner edges, increasing, or the number of parts.

    Raises:
        ValueError: for a coordinate that is not there, is no number or missing in a trial, for
            edges that do not increase, and for fewer than two classes.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.load("hierarchy").assign_coords(speed=("trial", range(100)))
        >>> X = sl.datasets.processing.bin_label(X, "speed", [20, 50])
        >>> X["speed"].values[[0, 20, 99]].tolist()
        ['below 20', '20 to 50', '50 or more']
    """
    numeric = [
        str(key)
        for key, coord in data.coords.items()
        if "trial" in coord.dims and coord.dtype.kind in "biuf"
    ]
    validation.known("continuous label", name, numeric, "Labels to bin are numbers along trial.")
    over_time = "time" in data[name].dims
    values = (data[name].mean("time") if over_time else data[name]).values.astype(float)
    validation.label_array(values, data.transpose(..., "neuron").values, name)
    cuts = (
        np.unique(np.quantile(values, np.arange(1, edges) / edges))
        if isinstance(edges, int | np.integer)
        else np.asarray(edges, dtype=float)
    )
    if cuts.ndim != 1 or len(cuts) < 1 or (np.diff(cuts) <= 0).any():
        raise ValueError(
            f"bins of {name!r} need increasing inner edges, or a number of parts from 2 on; got "
            f"{edges!r}"
        )
    inner = [f"{low:g} to {high:g}" for low, high in pairwise(cuts)]
    names = np.array([f"below {cuts[0]:g}", *inner, f"{cuts[-1]:g} or more"])
    classes = names[np.digitize(values, cuts)]
    if len(np.unique(classes)) < 2:
        raise ValueError(
            f"the edges {cuts.tolist()} put all values of {name!r}, {values.min():g} to "
            f"{values.max():g}, in one class"
        )
    return noted(
        data.drop_vars(name).assign_coords({name: ("trial", classes)}),
        "bin_label",
        label=name,
        edges=cuts.tolist(),
        averaged_over_time=over_time,
    )
