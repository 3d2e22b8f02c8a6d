"""Recordings of your own: netCDF and Zarr DataArrays, .npz archives, and arrays in memory."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from simlib import checks
from simlib.datasets.arrays import DIMS, three_axes, usable

__all__ = ["from_xarray", "read", "runs", "save"]

SUFFIXES = (".nc", ".zarr", ".npz")
NOT_DECODED = ("session", "day", "repeat", "repetition", "run", "index")  # nor names ending in id
WAY_OUT = (
    "save it with numpy.savez('recording.npz', X=X, target=labels), X being (time, trial, neuron) or "
    "(trial, neuron) and labels one a trial"
)


def read(path: str | os.PathLike, **options) -> xr.DataArray:
    """A recording from a .nc, .zarr or .npz file; `options` are those of `from_xarray`.

    netCDF and Zarr hold a DataArray (or a Dataset with a single one) with the dimensions trial, neuron and
    perhaps time, in any order. `.npz` holds `X`, (time, trial, neuron) or (trial, neuron), and arrays with
    one value a trial; an array `groups` says which trials stay in one fold, `time` is in seconds, and
    single strings or numbers (`main_variable`, `name`, ...) become attributes. Nothing is unpickled.

    Raises FileNotFoundError, or ValueError for another file type, a damaged file, and what `from_xarray`
    refuses.
    """
    path = Path(path)
    if not path.exists():
        beside = [file.name for file in path.parent.glob("*")] if path.parent.is_dir() else []
        near = checks.nearest_names(path.name, beside)
        raise FileNotFoundError(
            f"there is no recording at {path}" + (f"; nearest beside it: {', '.join(near)}" if near else "")
        )
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path.name} is none of {', '.join(SUFFIXES)}, which load reads; {WAY_OUT}")
    data = read_npz(path) if path.suffix == ".npz" else read_xarray(path)
    data.attrs = {"name": path.stem, "source": f"file {path.name}", **data.attrs}
    return from_xarray(data, **options)


def read_npz(path: Path) -> xr.DataArray:
    """The arrays of an .npz file as a DataArray, labels as coordinates along trial."""
    if not (path.is_file() and zipfile.is_zipfile(path)):
        raise ValueError(f"{path.name} is no .npz file, or was cut short; {WAY_OUT}")
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: array_of(file, key, path) for key in file.files}
    if "X" not in arrays:
        held = ", ".join(f"{key} {value.shape}" for key, value in arrays.items()) or "nothing"
        raise ValueError(f"{path.name} has no array X; it holds {held}. The recording's array is called X: {WAY_OUT}")
    data = xr.DataArray(three_axes(arrays.pop("X")), dims=DIMS)
    for key, value in arrays.items():
        if value.ndim == 0:
            data.attrs[key] = value.item()
        elif key == "time" and value.shape == (data.sizes["time"],):
            data = data.assign_coords(time=("time", value))
        else:
            labels = checks.label_array(value, data, f"the array {key!r} of {path.name}")
            data = data.assign_coords({key: ("trial", labels)})
    return data


def array_of(file: np.lib.npyio.NpzFile, key: str, path: Path) -> np.ndarray:
    """One array of an .npz file; raises ValueError for Python objects and damaged bytes."""
    try:
        return file[key]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"the array {key!r} of {path.name} can't be read ({error}). Python objects are never loaded, "
            "since unpickling runs code: save numbers, or strings with numpy.array(labels, dtype=str)"
        ) from error


def read_xarray(path: Path) -> xr.DataArray:
    """The DataArray in a netCDF file or Zarr store."""
    engine = "zarr" if path.suffix == ".zarr" else None
    try:
        with xr.open_dataset(path, engine=engine) as opened:
            dataset = opened.load()
    except Exception as error:  # every engine fails in its own way
        raise ValueError(f"{path.name} can't be read as {path.suffix[1:]} ({error}); save it again") from error
    fitting = [name for name, array in dataset.data_vars.items() if {"trial", "neuron"} <= set(array.dims)]
    if len(fitting) != 1:
        held = ", ".join(f"{name} {array.dims}" for name, array in dataset.data_vars.items()) or "no variables"
        raise ValueError(
            f"{path.name} needs exactly one variable with the dimensions trial and neuron (and perhaps "
            f"time); it holds {held}. Pass the one you mean: load(xarray.open_dataset(path)[name].rename(old=new))"
        )
    return dataset[fitting[0]]


def from_xarray(
    data: xr.DataArray,
    *,
    task_variables: Sequence[str] | None = None,
    main_variable: str | None = None,
    groups: str | None = None,
) -> xr.DataArray:
    """A DataArray as a recording: checked, (time, trial, neuron), with every attribute that recordings have.

    Its dimensions are called trial, neuron and perhaps time, in any order. The coordinates along trial are
    labels. Values that need no conversion are not copied. Decoded are those that `task_variables` (argument
    or attribute) names; without it, strings, integers and booleans with two classes or more, but not
    `groups`, ids, sessions or repeats. A class needs at least as many trials as there are folds (5).
    `main_variable` is the first of them unless named; `groups` names the coordinate whose trials stay in
    one fold ("" for none), by default `groups` where there is one.

    Raises ValueError for other dimensions, values that are not finite, neurons that are all constant,
    labels that are missing or continuous, and names that are not there.
    """
    data = on_axes(data)
    along_trial = [str(name) for name, coord in data.coords.items() if coord.dims == ("trial",) and name != "trial"]
    if groups is None:
        groups = data.attrs.get("groups", "groups" if "groups" in along_trial else "")
    named = named_variables(data) if task_variables is None else list(task_variables)
    for name in [*(named or []), *([groups] if groups else [])]:
        if name not in along_trial:
            raise checks.unknown_name("trial coordinate", name, along_trial, "Labels and groups lie along trial.")
    decoded = [name for name in along_trial if name != groups and is_label(data[name])] if named is None else named
    for name in [*decoded, *([groups] if groups else [])]:
        values = checks.label_array(plain(data[name].values), data, name)
        data = data.assign_coords({name: ("trial", as_classes(values, name) if name in decoded else values)})
    main = data.attrs.get("main_variable", "") if main_variable is None else main_variable
    if main_variable is None and task_variables is not None and main not in decoded:
        main = ""
    if main and main not in decoded:
        raise checks.unknown_name("main variable", main, decoded, "It is one of the decoded labels.")
    data.attrs = completed(data.attrs, decoded, main or (decoded[0] if decoded else ""), groups)
    return data


def on_axes(data: xr.DataArray) -> xr.DataArray:
    """As (time, trial, neuron) of finite numbers, checked, without coordinates of other dimensions."""
    if not {"trial", "neuron"} <= set(data.dims) <= set(DIMS):
        raise ValueError(
            "a recording has the dimensions trial, neuron and perhaps time; got "
            f"{', '.join(map(str, data.dims))}. Name them with data.rename(old='trial', ...)"
        )
    data = data.reset_index([name for name in data.dims if isinstance(data.indexes.get(name), pd.MultiIndex)])
    data = data if "time" in data.dims else data.drop_vars("time", errors="ignore").expand_dims("time")
    data = data.transpose(*DIMS)
    values = three_axes(data.values)
    usable(values)
    data = data.drop_vars([name for name, coord in data.coords.items() if len(coord.dims) != 1])
    return data.copy(data=values)


def named_variables(data: xr.DataArray) -> list[str] | None:
    """Names in the attribute task_variables (JSON list, list, or separated by commas); None without it."""
    value = data.attrs.get("task_variables")
    if value is None:
        return None
    if isinstance(value, str):
        value = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
    return [str(name).strip() for name in value if str(name).strip()]


def is_label(coordinate: xr.DataArray) -> bool:
    """Whether a coordinate that nobody named is decoded; raises ValueError when it is continuous."""
    name, values = str(coordinate.name).lower(), plain(coordinate.values)
    if values.dtype.kind not in "biufU" or name in NOT_DECODED or name.endswith("id"):
        return False
    if values.dtype.kind == "f" and not np.array_equal(values, values.round()):
        raise ValueError(
            f"the label {coordinate.name!r} is continuous (for instance {values[0]:g}), and classes are what "
            "is decoded. Bin it (numpy.digitize(values, edges)), or say which labels to decode: "
            "task_variables=['target'], as an option of load or an attribute of the data"
        )
    return 2 <= len(np.unique(values)) < len(values)


def as_classes(values: np.ndarray, name: str) -> np.ndarray:
    """Labels as a classifier takes them: whole numbers as integers, other numbers as strings."""
    if values.dtype.kind not in "biufU":
        raise ValueError(f"the label {name!r} has values of type {values.dtype}; strings or integers are decoded")
    if len(np.unique(values)) < 2:
        raise ValueError(f"the label {name!r} has a single class, {values[0]!r}: there is nothing to decode")
    if values.dtype.kind != "f":
        return values
    whole = np.array_equal(values, values.round())
    return values.astype(np.int64) if whole else np.array([f"{value:g}" for value in values])


def plain(values: np.ndarray) -> np.ndarray:
    """Strings of any kind as fixed-width strings, other values as they are."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8")
    if values.dtype.kind == "T" or (values.dtype.kind == "O" and all(isinstance(value, str) for value in values)):
        return values.astype(str)
    return values


def completed(attrs: dict, decoded: list[str], main: str, groups: str) -> dict:
    """Attributes that survive a netCDF file, with those that every recording has."""
    kept = {key: value.item() if isinstance(value, np.generic) else value for key, value in attrs.items()}
    kept = {key: int(value) if isinstance(value, bool) else value for key, value in kept.items()}
    kept = {key: value for key, value in kept.items() if isinstance(value, str | int | float)}
    name = str(kept.get("name", "recording"))
    return {
        "name": name,
        "title": name,
        "source": "an array in memory",
        "licence": "not stated",
        "citation": "",
        "surrogate": 0,
        "sample_kind": "trials",
        "processing": "{}",
        **kept,
        "task_variables": json.dumps(decoded),
        "main_variable": main,
        "groups": groups,
    }


def save(data: xr.DataArray, path: str | os.PathLike) -> None:
    """Write a recording to a .nc, .zarr or .npz file that `load` gives back: values, labels, attributes.

    In an .npz file the coordinate of the fold groups is called `groups`. Raises ValueError for another
    suffix.
    """
    path = Path(path)
    if path.suffix == ".nc":
        data.rename("response").to_netcdf(path, engine="h5netcdf")
    elif path.suffix == ".zarr":
        data.rename("response").to_zarr(path, mode="w", zarr_format=2)  # 3 has no strings of fixed width yet
    elif path.suffix == ".npz":
        along = {name: coord.values for name, coord in data.coords.items() if coord.dims in {("trial",), ("time",)}}
        attrs = dict(data.attrs)
        groups = attrs.pop("groups", "")
        if groups:
            along["groups"] = along.pop(groups)
        np.savez(path, X=data.transpose(*DIMS).values, **along, **attrs)
    else:
        raise ValueError(f"{path.name} is none of {', '.join(SUFFIXES)}, which save writes")


def runs(labels: Sequence) -> np.ndarray:
    """Index of the run of equal consecutive labels that each row is in, (rows,), from 0.

    Where rows are consecutive time bins and a label lasts for one reach, stimulus or block, this is the
    fold group: neighbouring bins resemble each other, and folds that part them would leak. Two reaches to
    one target in a row count as one run, which is safe for folds.
    """
    values = np.asarray(labels)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"runs needs labels along one axis; got an array of shape {values.shape}")
    return np.concatenate([[0], np.cumsum(values[1:] != values[:-1])])
