"""Recordings of your own: the file types that `load` reads, and the ones that `save` writes."""

import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS, three_axes
from simlib.datasets.own.intake import from_xarray
from simlib.datasets.own.layouts import along_trial, assemble, named_axes, selected
from simlib.datasets.own.matlab import Held, hdf5_contents, mat_contents
from simlib.datasets.own.nwb import read_nwb
from simlib.datasets.own.tables import from_long_table, label_columns, read_table

SAVED = (".nc", ".zarr", ".npz")
SUFFIXES = (*SAVED, ".npy", ".mat", ".h5", ".hdf5", ".csv", ".parquet", ".nwb")
# The options that say how a file is laid out, and the file types that take them.
TAKES = {
    "values": (".nc", ".zarr", ".npz", ".mat", ".h5", ".hdf5"),
    "dims": (".nc", ".zarr", ".npz", ".npy", ".mat", ".h5", ".hdf5"),
    "labels": (".nc", ".zarr", ".npz", ".npy", ".mat", ".h5", ".hdf5", ".csv", ".parquet", ".nwb"),
    "columns": (".csv", ".parquet"),
    "spikes": (".nwb",),
}
WAY_OUT = (
    "save it with numpy.savez('recording.npz', X=X, target=labels), X being (time, trial, neuron) "
    "or "
    "(trial, neuron) and labels one a trial"
)


def read(
    path: str | os.PathLike,
    *,
    values: str | None = None,
    dims: Sequence[str] | Mapping[str, str] | None = None,
    labels: Mapping[str, object] | str | os.PathLike | pd.DataFrame | None = None,
    columns: Mapping[str, str] | None = None,
    spikes: Mapping[str, object] | None = None,
    select: Mapping[str, object] | None = None,
    bins: Mapping[str, Sequence[float] | int] | None = None,
    missing: str | Sequence[str] = "refuse",
    task_variables: Sequence[str] | None = None,
    main_variable: str | None = None,
    groups: str | None = None,
) -> xr.DataArray:
    """A recording from a file of one's own, (time, trial, neuron). Nothing is unpickled.

    `.nc`, `.zarr`
        a DataArray (or a Dataset with a single one) with the dimensions trial, neuron and perhaps
        time, in any order. Only what is used is read.
    `.npz`, `.mat` (5 and 7.3), `.h5`
        `X`, (time, trial, neuron) or (trial, neuron), and arrays with one value a trial; an array
        `groups` says which trials stay in one fold, `time` is in seconds, and single strings or
        numbers (`main_variable`, `name`, ...) of an .npz file become attributes.
    `.npy`
        the array alone; `labels` is a table (.csv, .parquet or pandas) with one row a trial.
    `.csv`, `.parquet`
        a long table with the columns trial, time, neuron and value (see `from_long_table`).
    `.nwb`
        sorted units and a table of trials (see `read_nwb`).

    Where the layout is another one, it is said by the first six options; the others are those of
    `from_xarray`.

    Args:
        values: the array in the file ("struct.field", "cell[0]").
        dims: its axes in order; names other than time, trial and neuron are conditions.
        labels: label -> array of the file, or values; or a table with one row a trial.
        columns: what a table calls trial, time, neuron and value.
        spikes: which bins of an .nwb file to count.
        select: the part to read: {"time": slice(0, 10), "neuron": [0, 4]}.

    Raises:
        FileNotFoundError: when nothing is there.
        ValueError: for another file type, a damaged file, an unclear layout (showing what the file
            holds, and the call that would read it), and what `from_xarray` refuses.

    Example:
        >>> from tempfile import mkdtemp
        >>> import numpy as np, simlib as sl
        >>> path = f"{mkdtemp()}/mine.npz"
        >>> np.savez(path, rates=np.random.default_rng(0).random((8, 3)), tgt=[0, 1] * 4)
        >>> layout = {"values": "rates", "dims": ("trial", "neuron"), "labels": {"target": "tgt"}}
        >>> X = sl.datasets.load(path, **layout)
        >>> X.shape, sl.datasets.task_variables(X)
        ((1, 8, 3), ['target'])
    """
    path = Path(path)
    _check_path(
        path,
        {"values": values, "dims": dims, "labels": labels, "columns": columns, "spikes": spikes},
    )
    table = {} if labels is None or isinstance(labels, Mapping) else label_columns(labels)
    mapped = labels if isinstance(labels, Mapping) else None
    if path.suffix in (".nc", ".zarr"):
        inside = {key: value for key, value in (mapped or {}).items() if isinstance(value, str)}
        mapped = {key: value for key, value in (mapped or {}).items() if key not in inside}
        data = _read_xarray(path, values, dims, select, inside)
    elif path.suffix == ".npz" and values is None and dims is None and mapped is None:
        data = _read_npz(path)
    elif path.suffix in (".csv", ".parquet"):
        data = from_long_table(read_table(path), columns, path.name)
    elif path.suffix == ".nwb":
        data = read_nwb(path, spikes)
    else:
        data = assemble(_contents(path), path.name, values, dims, mapped)
        mapped = {}
    for name, column in (table or mapped or {}).items():
        found = along_trial(np.asarray(column), data, f"the label {name!r} for {path.name}")
        data = data.assign_coords({name: found})
    data = data if path.suffix in (".nc", ".zarr") else selected(data, select)
    data.attrs = {"name": path.stem, "source": f"file {path.name}", **data.attrs}
    return from_xarray(
        data,
        bins=bins,
        missing=missing,
        task_variables=task_variables,
        main_variable=main_variable,
        groups=groups,
    )


def _check_path(path: Path, layout: Mapping[str, object]) -> None:
    """Refuse what is not there, file types that nothing reads, and options that a file type does
    not have.
    """
    if not path.exists():
        beside = [file.name for file in path.parent.glob("*")] if path.parent.is_dir() else []
        near = validation.nearest_names(path.name, beside)
        raise FileNotFoundError(
            f"there is no recording at {path}"
            + (f"; nearest beside it: {', '.join(near)}" if near else "")
        )
    if path.suffix not in SUFFIXES:
        raise ValueError(
            f"{path.name} is none of {', '.join(SUFFIXES)}, which load reads; {WAY_OUT}"
        )
    for option, value in layout.items():
        if value is not None and path.suffix not in TAKES[option]:
            raise ValueError(
                f"{option}= is for {', '.join(TAKES[option])} files; {path.name} is none of them"
            )


def _contents(path: Path) -> dict[str, Held]:
    """The arrays of an .npz, .npy, .mat or HDF5 file by name, read when asked for; an .npy file's
    is X.
    """
    if path.suffix == ".mat":
        return mat_contents(path)
    if path.suffix in (".h5", ".hdf5"):
        return hdf5_contents(path)
    return {
        key: Held(value.shape, partial(np.asarray, value), value.dtype.kind in "biuf")
        for key, value in _numpy_arrays(path).items()
    }


def _numpy_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, or X of an .npy file; raises ValueError when it is none, or
    damaged.
    """
    if path.suffix == ".npy":
        try:
            return {"X": np.load(path, allow_pickle=False)}
        except (ValueError, OSError, EOFError) as error:
            raise ValueError(f"{path.name} can't be read as .npy ({error}); {WAY_OUT}") from error
    if not (path.is_file() and zipfile.is_zipfile(path)):
        raise ValueError(f"{path.name} is no .npz file, or was cut short; {WAY_OUT}")
    with np.load(path, allow_pickle=False) as file:
        return {key: _array_of(file, key, path) for key in file.files}


def _read_npz(path: Path) -> xr.DataArray:
    """The arrays of an .npz file as a DataArray, labels as coordinates along trial."""
    arrays = _numpy_arrays(path)
    if "X" not in arrays:
        return assemble(_contents(path), path.name)  # says what the file holds
    data = xr.DataArray(three_axes(arrays.pop("X")), dims=DIMS)
    for key, value in arrays.items():
        if value.ndim == 0:
            data.attrs[key] = value.item()
        elif key == "time" and value.shape == (data.sizes["time"],):
            data = data.assign_coords(time=("time", value))
        else:
            data = data.assign_coords(
                {key: along_trial(value, data, f"the array {key!r} of {path.name}")}
            )
    return data


def _array_of(file: np.lib.npyio.NpzFile, key: str, path: Path) -> np.ndarray:
    """One array of an .npz file; raises ValueError for Python objects and damaged bytes."""
    try:
        return file[key]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"the array {key!r} of {path.name} can't be read ({error}). Python objects are never "
            "loaded, "
            "since unpickling runs code: save numbers, or strings with numpy.array(labels, "
            "dtype=str)"
        ) from error


def _read_xarray(
    path: Path,
    values: str | None,
    dims: Sequence[str] | Mapping[str, str] | None,
    select: Mapping[str, object] | None,
    named: Mapping[str, str],
) -> xr.DataArray:
    """The DataArray in a netCDF file or Zarr store: of its axes and values only what `select` asks
    for.

    Other variables of the file with one axis of it are its coordinates; `named` are labels and the
    variables that hold them, and then no other variable is a label.
    """
    try:
        opened = xr.open_dataset(path, engine="zarr" if path.suffix == ".zarr" else None)
    except Exception as error:  # every engine fails in its own way
        raise ValueError(
            f"{path.name} can't be read as {path.suffix[1:]} ({error}); save it again"
        ) from error
    with opened:
        arrays = opened.data_vars
        held = ", ".join(f"{name} {array.dims}" for name, array in arrays.items()) or "no variables"
        if values is not None:
            validation.known("variable", values, arrays, f"{path.name} holds {held}")
        fitting = [
            name
            for name, array in arrays.items()
            if name == values
            or (values is None and (dims is not None or {"trial", "neuron"} <= set(array.dims)))
        ]
        if len(fitting) != 1:
            raise ValueError(
                f"{path.name} needs exactly one variable with the dimensions trial and neuron "
                "(and perhaps time); it "
                f"holds {held}. Say which one, and what its axes are: load({path.name!r}, "
                "values='name', "
                "dims={'its_name': 'trial'})"
            )
        facts = [name for name, array in arrays.items() if array.ndim == 1 and name not in fitting]
        data = opened.set_coords(facts)[fitting[0]]
        for label, name in named.items():
            validation.known("variable", name, data.coords, f"{path.name} holds {held}")
            data = data.assign_coords({label: data.coords[name].variable})
        data = data.drop_vars(
            [name for name in facts if named and name not in named and name in data.coords]
        )
        new = dims if isinstance(dims, Mapping) else dict(zip(data.dims, dims or (), strict=False))
        data = data.rename({dim: new[dim] for dim in data.dims if new.get(dim, dim) != dim})
        data = selected(data, select).load()
        return named_axes(data, None if dims is None else tuple(map(str, data.dims)))


def save(data: xr.DataArray, path: str | os.PathLike) -> None:
    """Write a recording to a .nc, .zarr or .npz file that `load` gives back: values, labels,
    attributes.

    In an .npz file the coordinate of the fold groups is called `groups`. Raises ValueError for
    another suffix.

    Example:
        >>> from tempfile import mkdtemp
        >>> import simlib as sl
        >>> X, path = sl.datasets.load("toy-2d"), f"{mkdtemp()}/toy.nc"
        >>> sl.datasets.save(X, path)
        >>> sl.datasets.load(path).identical(X)
        True
    """
    path = Path(path)
    if path.suffix == ".nc":
        data.rename("response").to_netcdf(path, engine="h5netcdf")
    elif path.suffix == ".zarr":
        # format 3 has no strings of fixed width yet
        data.rename("response").to_zarr(path, mode="w", zarr_format=2)
    elif path.suffix == ".npz":
        along = {
            name: coord.values
            for name, coord in data.coords.items()
            if coord.dims in {("trial",), ("time",)}
        }
        attrs = dict(data.attrs)
        groups = attrs.pop("groups", "")
        if groups:
            along["groups"] = along.pop(groups)
        np.savez(path, X=data.transpose(*DIMS).values, **along, **attrs)
    else:
        raise ValueError(f"{path.name} is none of {', '.join(SAVED)}, which save writes")


def runs(labels: Sequence | np.ndarray) -> np.ndarray:
    """Index of the run of equal consecutive labels that each row is in, (rows,), from 0.

    Where rows are consecutive time bins and a label lasts for one reach, stimulus or block, this is
    the fold group: neighbouring bins resemble each other, and folds that part them would leak. Two
    reaches to one target in a row count as one run, which is safe for folds.

    Raises ValueError for labels that are not along one axis.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.runs(["up", "up", "down", "up"]).tolist()
        [0, 0, 1, 2]
    """
    values = np.asarray(labels)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"runs needs labels along one axis; got an array of shape {values.shape}")
    return np.concatenate([[0], np.cumsum(values[1:] != values[:-1])])
