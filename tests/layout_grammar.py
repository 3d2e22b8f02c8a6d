"""Odd layouts of files, drawn from a grammar that knows what was meant: for tests/test_layouts.py.

A case is a recording (time, trial, neuron) with labels along trial, facts of neurons, and a way to
lay them out: axes in any order or merged, arrays nested, named and padded in many ways, things
beside them that are no labels.
"""

from itertools import pairwise
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd
import scipy.io
import xarray as xr

DIMS = ("time", "trial", "neuron")
WORDS = np.array(["left", "right", "none", "été", "go "])
SIZES = (3, 4, 5, 6, 7, 9, 12)


class Case(NamedTuple):
    """What was meant, what was written, and what may be said of it."""

    X: np.ndarray  # (time, trial, neuron), as meant
    labels: dict  # name -> (trial,), as meant
    held: dict  # name in the file -> array, as written
    options: dict  # the options that say it all, or none
    axes: tuple  # of the main array as written
    main: str
    usual: bool  # in the order that needs no word
    bad: str  # what is wrong on purpose, "" for nothing


def drawn(seed: int) -> Case:
    """A layout for the formats that hold named arrays (.npz, .mat, .h5)."""
    rng = np.random.default_rng(seed)
    time, neurons = rng.choice(SIZES, 2, replace=False)
    trials = int(rng.choice([8, 10, 11, 20]))
    one_bin, one_neuron = rng.random() < 0.35, rng.random() < 0.12
    X = rng.standard_normal((1 if one_bin else time, trials, 1 if one_neuron else neurons))
    bad = str(rng.choice(["", "", "", "", "nan", "inf", "text", "complex", "empty", "constant"]))
    written = {"time": X.shape[0], "trial": trials, "neuron": X.shape[2]}
    axes = ["time", "trial", "neuron"] if not one_bin else ["trial", "neuron"]
    usual = rng.random() < 0.5
    if not usual:
        axes = [axes[k] for k in rng.permutation(len(axes))]
    if one_neuron and rng.random() < 0.6:
        axes.remove("neuron")
    dims = [dim for dim in ("time", "trial", "neuron") if dim in axes]
    array = X.reshape([written[dim] for dim in dims])
    array = array.transpose([dims.index(axis) for axis in axes])
    usual = axes == (["time", "trial", "neuron"] if len(axes) == 3 else ["trial", "neuron"])
    if rng.random() < 0.2 and 1 not in array.shape:  # an axis of length 1, which needs no name
        array = array[..., None] if rng.random() < 0.5 else array[None]
        usual = False
    main = str(rng.choice(["X", "X", "X", "rates", "data.rates", "Ytr"]))
    labels, held = _labels(rng, trials), {}
    kinds = {"f8": float, "f4": np.float32, ">f8": ">f8", "i2": np.int16, "u1": np.uint8}
    kind = str(rng.choice(list(kinds)))
    whole = kind in ("i2", "u1")
    X = (X * 20).round().clip(0 if kind == "u1" else -100, 100) if whole else X
    array = (array * 20).round().clip(0 if kind == "u1" else -100, 100) if whole else array
    array, X = array.astype(kinds[kind]), X.astype(kinds[kind]).astype(float)
    bad = "" if bad in ("nan", "inf") and whole else bad
    array = _spoilt(rng, array, bad)
    held[main] = array
    shape = (-1, 1) if rng.random() < 0.2 else (1, -1) if rng.random() < 0.2 else (-1,)
    prefix = str(rng.choice(["", "", "info.", "meta.trials."]))
    for name, values in labels.items():
        held[prefix + name] = values.reshape(shape)
    if rng.random() < 0.3 and "neuron" in axes:
        held["unit_id"] = np.arange(X.shape[2]) + 100
    if rng.random() < 0.2 and "time" in axes:
        held["time"] = np.arange(X.shape[0]) * 0.05
    if rng.random() < 0.3:
        held["fs"] = np.array(1000.0)
    if rng.random() < 0.25:
        held["position"] = rng.standard_normal((trials, 2))
    if rng.random() < 0.2:
        held["rt"] = rng.uniform(0.2, 0.9, trials)
    order = list(held)
    rng.shuffle(order)
    options = {}
    if rng.random() < 0.5:
        named = {name: prefix + name for name in labels}
        options = {"values": main, "dims": tuple(axes), "labels": named}
    return Case(
        X, labels, {key: held[key] for key in order}, options, tuple(axes), main, usual, bad
    )


def _labels(rng: np.random.Generator, trials: int) -> dict:
    """None to three labels, each with at least two classes, none of which is a class of its own."""
    classes = np.resize(np.arange(int(rng.integers(2, 4))), trials)
    made = {
        "choice": classes,
        "stimulus": WORDS[rng.permutation(classes) % 5],
        "context": rng.permutation(classes).astype(float) + 1,
        "hit": rng.permutation(classes) > 0,
    }
    names = rng.choice(list(made), int(rng.integers(0, 4)), replace=False)
    return {str(name): made[name] for name in names}


def _spoilt(rng: np.random.Generator, array: np.ndarray, bad: str) -> np.ndarray:
    if bad in ("nan", "inf"):
        array = array.copy()
        array.flat[rng.choice(array.size, 3, replace=False)] = np.nan if bad == "nan" else np.inf
    if bad == "text":
        return array.astype(float).round(2).astype(str)
    if bad == "complex":
        return array.astype(complex) + 1j
    if bad == "empty":
        return array[:0]
    return np.ones_like(array) if bad == "constant" else array


# -- One writer a format


def npz(path, case: Case):
    np.savez(path, **{key.replace(".", "_"): value for key, value in case.held.items()})
    return lambda name: name.replace(".", "_"), case.bad


def mat5(path, case: Case):
    """Text as a matrix of letters, or a cell of words where it has two axes."""
    scipy.io.savemat(
        path,
        _nested(
            case.held,
            lambda value: (
                value.astype(object) if value.dtype.kind == "U" and value.ndim > 1 else value
            ),
        ),
    )
    return str, case.bad


def _nested(held: dict, made) -> dict:
    tree: dict = {}
    for key, value in held.items():
        *parents, last = key.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = made(np.asarray(value))
    return tree


def hdf5(path, case: Case):
    with h5py.File(path, "w") as file:
        for key, value in case.held.items():
            value = np.asarray(value)
            text = value.dtype.kind == "U"
            value = value.astype(object) if text else value
            file.create_dataset(
                key.replace(".", "/"), data=value, dtype=h5py.string_dtype() if text else None
            )
    return str, case.bad


def mat73(path, case: Case):
    """As MATLAB writes: axes reversed, two at least, text as cells of references."""
    with h5py.File(path, "w", userblock_size=512) as file:
        refs = file.create_group("#refs#")
        for key, value in case.held.items():
            value = np.asarray(value)
            value = value.reshape(-1, 1) if value.ndim < 2 else value
            name = key.replace(".", "/")
            if value.dtype.kind == "U":
                made = []
                for word in value.ravel(order="F"):
                    codes = np.array([[ord(c)] for c in word], "u2")
                    item = refs.create_dataset(f"r{len(refs)}", data=codes)
                    item.attrs["MATLAB_class"] = np.bytes_("char")
                    made.append(item.ref)
                cells = np.array(made, dtype=h5py.ref_dtype).reshape(value.T.shape)
                item = file.create_dataset(name, data=cells, dtype=h5py.ref_dtype)
                item.attrs["MATLAB_class"] = np.bytes_("cell")
            elif 0 in value.shape:
                item = file.create_dataset(name, data=np.array(value.shape, "u8"))
                item.attrs["MATLAB_class"] = np.bytes_("double")
                item.attrs["MATLAB_empty"] = np.uint8(1)
            else:
                stored = value.astype("u1") if value.dtype.kind == "b" else value
                item = file.create_dataset(name, data=stored.T)
                kind = {"b": "logical", "i": "int16", "u": "uint8"}.get(value.dtype.kind, "double")
                item.attrs["MATLAB_class"] = np.bytes_(kind)
    return str, case.bad


def netcdf(path, case: Case):
    return _xarray(path, case, lambda data: data.to_netcdf(path, engine="h5netcdf"))


def zarr(path, case: Case):
    return _xarray(path, case, lambda data: data.to_zarr(path, zarr_format=2))


def _xarray(path, case: Case, write):
    """Named axes: in any order, under other names where the options say so."""
    names = dict.fromkeys(case.axes)
    called = {axis: f"my_{axis}" if case.options else axis for axis in names}
    array = np.asarray(case.held[case.main])
    empty = case.bad == "empty"
    if empty:  # of the axes' lengths, with the places of one taken away when it is written
        array = np.ones([case.X.shape[DIMS.index(axis)] for axis in case.axes])
    dims = [called[axis] for axis in case.axes]
    extra = [f"extra_{k}" for k in range(array.ndim - len(dims))]
    dims = [*extra, *dims] if array.shape[:1] == (1,) and extra else [*dims, *extra]
    data = xr.Dataset({"response": (dims, array)})
    trial = called.get("trial", "trial")
    for name, values in case.labels.items():
        data[name] = (trial, values)
    for name in ("unit_id", "time", "rt"):
        axis = {"unit_id": "neuron", "time": "time", "rt": "trial"}[name]
        if name in case.held and axis in called:
            data[name if name != "time" else called["time"]] = (called[axis], case.held[name])
    write(data.isel({dims[0]: slice(0, 0)}) if empty else data)
    return str, case.bad


def long_table(path, case: Case, write=None):
    """One row a value; in an order of their own, or some of them gone."""
    rng = np.random.default_rng(len(case.held))
    places = np.indices(case.X.shape).reshape(3, -1)
    values, bad = _values(case)
    trial_names = np.array([f"t{k:03d}" for k in range(case.X.shape[1])])
    table = pd.DataFrame(
        {
            "trial": trial_names[places[1]],
            "time": places[0] * 0.05,
            "neuron": places[2],
            "value": values.ravel(),
        }
    )
    for name, labels in case.labels.items():
        table[name] = labels[places[1]]
    table = table.sort_values(["trial", "neuron", "time"])
    if case.X.shape[0] == 1 and rng.random() < 0.5:
        table = table.drop(columns="time")
    if bad == "empty":
        table = table[:0]
    if case.options:
        table = table.rename(columns={"trial": "n", "value": "rate"})
    write(table)
    return str, bad


def wide_table(path, case: Case, write=None):
    """One row a trial (and time), one column a neuron."""
    time, trials, neurons = case.X.shape
    values, bad = _values(case)
    rows = values.swapaxes(0, 1).reshape(-1, neurons)
    table = pd.DataFrame(rows, columns=[f"unit{k}" for k in range(neurons)])
    if time > 1:
        table["trial"] = np.repeat(np.arange(trials), time)
        table["time"] = np.tile(np.arange(time), trials)
    for name, labels in case.labels.items():
        table[name] = np.repeat(labels, time)
    if bad == "empty":
        table = table[:0]
    write(table)
    return str, bad


def _values(case: Case) -> tuple[np.ndarray, str]:
    """The values of a table, and what is wrong with them; no table holds complex numbers."""
    bad = "" if case.bad == "complex" else case.bad
    if bad in ("nan", "inf"):
        values = case.X.copy()
        values.flat[0] = np.nan if bad == "nan" else np.inf
        return values, bad
    return {"text": np.full(case.X.shape, "high"), "constant": np.ones(case.X.shape)}.get(
        bad, case.X
    ), bad


class Session(NamedTuple):
    """An NWB file: counts and labels as meant, the options that read it, and what is wrong."""

    counts: np.ndarray  # (time, trial, unit)
    labels: dict
    options: dict
    bad: str


def nwb(path, seed: int) -> Session:
    """Sorted units and trials in NWB's layout, with odd indices, columns, tables and clocks."""
    rng = np.random.default_rng(seed)
    trials, units, bins = (
        int(rng.integers(10, 24)),
        int(rng.integers(1, 6)),
        int(rng.integers(1, 5)),
    )
    bad = str(rng.choice(["", "", "", "", "ms", "nan", "unobserved", "no trials", "no window"]))
    onsets = 2.0 * np.arange(trials) + rng.uniform(0, 0.5)
    spikes = [
        np.sort(rng.uniform(0, 2.0 * trials + 1, int(rng.integers(20, 80)))) for _ in range(units)
    ]
    edges = onsets[:, None] + 0.2 * np.arange(bins + 1)
    counts = np.array(
        [
            [[((one >= low) & (one < high)).sum() for one in spikes] for low, high in pairwise(e)]
            for e in edges
        ]
    ).swapaxes(0, 1)
    labels, table = _labels(rng, trials), str(rng.choice(["trials", "trials", "epochs"]))
    with h5py.File(path, "w") as file:
        group = file.create_group("units")
        group["spike_times"] = np.concatenate(spikes) * (1000 if bad == "ms" else 1)
        if bad == "nan":
            group["spike_times"][0] = np.nan
        ends = np.cumsum([len(one) for one in spikes])
        group.create_dataset("spike_times_index", data=ends.astype(rng.choice(["u2", "i4", "u8"])))
        if rng.random() < 0.7:
            group["id"] = np.arange(units)
        if bad == "unobserved":
            group["obs_intervals"] = np.tile([[0.0, onsets[2]]], (units, 1))
            group["obs_intervals_index"] = np.arange(units) + 1
        if rng.random() < 0.4:  # columns that are no facts: of several values, or references
            group["waveform_mean"] = np.zeros((units, 30))
            group.create_dataset(
                "electrodes", data=[file["units"].ref] * units, dtype=h5py.ref_dtype
            )
        if bad != "no trials":
            rows = file.create_group(f"intervals/{table}")
            rows["start_time"], rows["stop_time"] = onsets, onsets + 1
            if rng.random() < 0.7:
                rows["id"] = np.arange(trials)
            for name, values in labels.items():
                text = values.dtype.kind == "U"
                rows.create_dataset(
                    name,
                    data=values.astype(object) if text else values,
                    dtype=h5py.string_dtype() if text else None,
                )
            if rng.random() < 0.3:
                rows["tags"], rows["tags_index"] = np.arange(3), np.minimum(np.arange(trials), 3)
    spike_options = {} if bad == "no window" else {"start": 0, "stop": 0.2 * bins, "width": 0.2}
    if table != "trials":
        spike_options["trials"] = table
    return Session(counts, labels, {"spikes": spike_options}, bad)
