"""Recordings of your own: the file types that `load` reads, and the ones that `save` writes."""

import json
import math
import os
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from io import BufferedIOBase
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS
from simlib.datasets.own import foreign, limits
from simlib.datasets.own.axes import renamed, selected, stacked
from simlib.datasets.own.facts import NEURONS, OF_TIMES, says
from simlib.datasets.own.hdf5 import check_hdf5
from simlib.datasets.own.intake import from_xarray, leave_out
from simlib.datasets.own.layouts import ABOUT_THE_FILE, along_trial, assemble
from simlib.datasets.own.limits import check_size
from simlib.datasets.own.matlab import Held, hdf5_contents, mat_contents
from simlib.datasets.own.nwb import read_nwb
from simlib.datasets.own.parts import NOTES, first_bytes
from simlib.datasets.own.process import apart
from simlib.datasets.own.readings import Reading, Unclear
from simlib.datasets.own.stores import check_store
from simlib.datasets.own.tables import from_table, in_order, label_columns, read_table
from simlib.datasets.own.unwritten import (
    stored_of,
    with_places,
    without_unwritten,
    without_unwritten_labels,
)

SAVED = (".nc", ".zarr", ".npz")
ARRAYS = (".npz", ".npy", ".mat", ".h5", ".hdf5")
TABLES = (".csv", ".tsv", ".parquet")
SUFFIXES = (".nc", ".zarr", *ARRAYS, *TABLES, ".nwb")
# The options that say how a file is laid out, and the file types that take them.
TAKES = {
    "values": (".nc", ".zarr", ".npz", ".mat", ".h5", ".hdf5"),
    "dims": (".nc", ".zarr", *ARRAYS),
    "labels": SUFFIXES,
    "columns": TABLES,
    "spikes": (".nwb",),
}
TRIED, SEVERAL = 6, 3  # readings that are tried where a layout is unclear, and shown
FILL = "fill value that nothing declares"  # attribute
WAY_OUT = (
    "save it with numpy.savez('recording.npz', X=X, target=labels), X being (time, trial, neuron) "
    "or (trial, neuron) and labels one a trial"
)
OBJECTS = (
    "Python objects are never loaded, since unpickling runs code: save numbers, or strings with "
    "numpy.array(labels, dtype=str), after leaving out the trials whose label is missing"
)


def read(
    path: str | os.PathLike,
    *,
    values: str | None = None,
    dims: Sequence | Mapping[str, str] | None = None,
    labels: Mapping[str, object] | str | os.PathLike | pd.DataFrame | None = None,
    columns: Mapping[str, object] | None = None,
    spikes: Mapping[str, object] | None = None,
    select: Mapping[str, object] | None = None,
    bins: Mapping[str, Sequence[float] | int] | None = None,
    missing: str | Sequence[str] | Mapping[str, object] = "refuse",
    task_variables: Sequence[str] | None = None,
    main_variable: str | None = None,
    groups: str | None = None,
) -> xr.DataArray:
    """A recording from a file of one's own, (time, trial, neuron). Nothing in it is executed.

    `.nc`, `.zarr`
        a DataArray (or a Dataset with a single one) with the dimensions trial, neuron and perhaps
        time, in any order. Only what is used is read.
    `.npz`, `.mat` (5 and 7.3), `.h5`
        `X`, (time, trial, neuron) or (trial, neuron), and arrays with one value a trial, a time bin
        or a neuron; an array `groups` says which trials stay in one fold, `time` is in seconds, and
        single strings or numbers (`main_variable`, `name`, ...) become attributes.
    `.npy`
        the array alone; `labels` is a table (.csv, .tsv, .parquet or pandas), one row a trial.
    `.csv`, `.tsv`, `.parquet`
        one row a value, with the columns trial, time, neuron and value, or one row a trial, with a
        column a neuron (see `from_table`).
    `.nwb`
        sorted units and a table of trials (see `read_nwb`).

    What was never written is missing, whatever number the format gives for it: chunks of HDF5 and
    netCDF that are not there; of Zarr, which keeps no chunk of zeros alone, those that can't be
    zeros by chance, and others are read as 0, with a warning (see `unwritten`). Labels and ids of a
    text file that differ as text stay apart, also where they are one number.

    Where the layout is another one, it is said by the first six options; the others are those of
    `from_xarray`. A file is read in another process, of limited memory and time (`limits`). The
    attribute `read_as` tells what the axes of a file without names were taken
    for, `left_out` (JSON) what else it holds, with the reasons; `describe` shows both.

    Args:
        values: the array in the file ("struct.field", "cell[0]"; "D[:].data" stacks the same field
            of many, tables that are shorter along one axis filled up with NaN).
        dims: its axes in order, or of files that name them old -> new; names other than time,
            trial and neuron are conditions, and ("neuron", "channel", "y", "x") stands for three
            axes that are merged into neuron. Without neuron there is one.
        labels: label -> array of the file, or values, one a trial or a place of one axis of
            conditions; or a table with one row a trial. By default all arrays that fit.
        columns: what a table calls trial, time, neuron and value; of one column a neuron,
            {"neuron": "unit*"} or a list.
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
    path = Path(path).expanduser()
    layout = {"values": values, "dims": dims, "labels": labels, "columns": columns}
    options = {"bins": bins, "missing": missing, "task_variables": task_variables}
    options |= {"main_variable": main_variable, "groups": groups}
    layout |= {"spikes": spikes}
    _check_path(path, layout)
    if not isinstance(labels, type(None) | Mapping | str | os.PathLike | pd.DataFrame):
        label_columns(labels)  # refuses it
    return apart(_read_or_say, path, select=select, options=options, **layout)


def _read_or_say(path: Path, **asked: object) -> xr.DataArray:
    """What `read` does in a process of its own; of an unclear layout, its error says the calls that
    would read it.
    """
    try:
        return _read(path, **asked)
    except Unclear as unclear:
        readings = _tried(unclear, path, asked)
        raise ValueError(f"{unclear}{readings}") from unclear
    except ValueError as error:
        if path.name in str(error):
            raise
        raise ValueError(f"{path.name}: {error}") from error


def _read(path, *, values, dims, labels, columns, spikes, select, options) -> xr.DataArray:
    """What `read` does, with Unclear as the error where the layout is."""
    suffix = _suffix(path)
    table = {} if labels is None or isinstance(labels, Mapping) else label_columns(labels)
    mapped = {str(key): one for key, one in labels.items()} if isinstance(labels, Mapping) else None
    if suffix in (".nc", ".zarr"):
        inside = {key: value for key, value in (mapped or {}).items() if isinstance(value, str)}
        mapped = {key: value for key, value in (mapped or {}).items() if key not in inside}
        data = _read_xarray(path, values, dims, select, inside)
    elif suffix in TABLES:
        data = from_table(read_table(path), columns, path.name)
    elif suffix == ".nwb":
        data = read_nwb(path, spikes)
    else:
        data = assemble(_contents(path), path.name, values, dims, mapped, table)
        mapped = {}
    for name, column in (table or mapped or {}).items():
        in_order(column, "labels")
        found = along_trial(np.asarray(column), data, f"the label {name!r} for {path.name}")
        data = data.assign_coords({str(name): found})
    data = data if suffix in (".nc", ".zarr") else selected(data, select)
    data.attrs = {"name": path.stem, "source": f"file {path.name}", **data.attrs}
    return from_xarray(data, **options)


def _tried(unclear: Unclear, path: Path, asked: Mapping[str, object]) -> str:
    """The calls that read a file of unclear layout: only those that do, each was tried."""
    calls, failures = [], []
    for reading in unclear.readings[:TRIED]:
        given = {**asked, "dims": reading.dims}
        if _suffix(path) != ".npy":
            given["values"] = reading.values
        if asked["labels"] is None and reading.labels:
            given["labels"] = reading.labels
        if asked["select"] is None:
            given["select"] = reading.select
        try:
            _read(path, **given)
            calls.append(_call(path, given))
        except validation.Dissimilarities as error:
            return f". {error}"
        except ValueError as error:
            if str(error) != str(unclear):
                failures.append(f"dims={reading.dims!r} fails: {str(error)[:400]}")
    if calls:
        given = asked["labels"] is not None and "labels=" not in calls[0]
        kept = ", with your labels=," if given else ""
        return f". Perhaps{kept} " + "\nor ".join(calls[:SEVERAL])
    return f". {failures[0]}" if failures else ""


def _call(path: Path, given: Mapping[str, object]) -> str:
    """The call of `load` with these options, as text."""
    told = {key: value for key, value in given.items() if key != "options"} | given["options"]
    told = {key: value for key, value in told.items() if value is not None}
    if isinstance(told["missing"], str) and told["missing"] == "refuse":
        del told["missing"]
    said = [f"{key}={value!r}" for key, value in told.items() if len(repr(value)) < 200]
    return f"load({path.name!r}, {', '.join(said)})"


def _suffix(path: Path) -> str:
    """The file type: the suffix in small letters; a Zarr store may have none."""
    store = any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zmetadata"))
    return ".zarr" if store else path.suffix.lower()


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
    limits.check_kind(path)
    suffix = _suffix(path)
    if suffix not in SUFFIXES or (path.is_dir() and suffix != ".zarr"):
        raise ValueError(
            foreign.refusal(path)
            or f"{path.name} is none of {', '.join(SUFFIXES)}, which load reads; {WAY_OUT}"
        )
    for option, value in layout.items():
        if value is not None and suffix not in TAKES[option]:
            raise ValueError(
                f"{option}= is for {', '.join(TAKES[option])} files; {path.name} is none of them"
            )


def _contents(path: Path) -> dict[str, Held]:
    """The arrays of an .npz, .npy, .mat or HDF5 file by name, read when asked for; an .npy file's
    is X.
    """
    suffix = _suffix(path)
    if suffix == ".mat":
        return mat_contents(path)
    if suffix in (".h5", ".hdf5"):
        return hdf5_contents(path)
    if suffix == ".npy":
        try:
            with path.open("rb") as file:
                _check_header(file, path.stat().st_size, "the array", path)
            values = np.load(path, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise ValueError(f"{path.name} can't be read as .npy ({error}); {WAY_OUT}") from error
        return {"X": _held(values)}
    if not (path.is_file() and zipfile.is_zipfile(path)):
        raise ValueError(f"{path.name} is no .npz file, or was cut short; {WAY_OUT}")
    _check_members(path)
    with np.load(path, allow_pickle=False) as file:
        return {key: _held(_array_of(file, key, path)) for key in file.files}


def _check_members(path: Path) -> None:
    """Refuse an .npz file that unpacks to more than may be read, or whose arrays are not as large
    as they say.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
            whole = (sum(member.file_size for member in members),)
            check_size("all that is packed", path, whole, 1)
            if sum(member.compress_size for member in members) > path.stat().st_size:
                raise ValueError("its arrays lie over each other")
            for member in members:
                with packed.open(member) as file:
                    what = f"the array {member.filename.removesuffix('.npy')!r}"
                    _check_header(file, member.file_size, what, path)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ValueError(
            f"{path.name} can't be read as .npz ({str(error)[:300]}); copy or save it again"
        ) from error


def _check_header(file: BufferedIOBase, size: int, what: str, path: Path) -> None:
    """Refuse an .npy file of `size` bytes that isn't as large as its first bytes say."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0
    read = read if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:  # refused where it is read
        return
    check_size(what, path, shape, dtype.itemsize)
    needed, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    if needed != there:
        raise ValueError(
            f"{what} of {path.name} says it has the shape {shape} of {dtype}, {needed} bytes, and "
            f"{there} follow; copy or save it again"
        )


def _held(values: np.ndarray) -> Held:
    reason = (
        "" if values.dtype.names is None else "columns of different kinds: save them one by one"
    )
    return Held(values.shape, partial(np.asarray, values), values.dtype.kind in "biuf", reason)


def _array_of(file: np.lib.npyio.NpzFile, key: str, path: Path) -> np.ndarray:
    """One array of an .npz file; raises ValueError for Python objects and damaged bytes."""
    try:
        return file[key]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"the array {key!r} of {path.name} can't be read ({error}). {OBJECTS}"
        ) from error


def _read_xarray(
    path: Path,
    values: str | None,
    dims: Sequence | Mapping[str, str] | None,
    select: Mapping[str, object] | None,
    named: Mapping[str, str],
) -> xr.DataArray:
    """The DataArray in a netCDF file or Zarr store: of its axes and values only what `select` asks
    for.

    Other variables of the file with one axis of it are its coordinates; `named` are labels and the
    variables that hold them, and then no other variable is a label.
    """
    if _suffix(path) == ".zarr":
        check_store(path)
    elif h5py.is_hdf5(path):
        check_hdf5(path)
    try:
        opened = _opened(path)
    except Exception as error:  # every engine fails in its own way
        found = f": {first_bytes(path)}" if path.is_file() else ""
        raise ValueError(
            f"{path.name} can't be read as {_suffix(path)[1:]}{found} ({str(error)[:150]}); save "
            "it again"
        ) from error
    with opened:
        arrays = opened.data_vars
        shown = (f"{name} {array.dims}" for name, array in arrays.items())
        held = validation.listed(shown, most=8, width=100)
        if values is not None:
            validation.known("variable", values, arrays, f"{path.name} holds {held}")
        fitting = [
            name
            for name, array in arrays.items()
            if name == values
            or (values is None and (dims is not None or {"trial", "neuron"} <= set(array.dims)))
        ]
        if len(fitting) != 1:
            raise Unclear(
                f"{path.name} needs exactly one variable with the dimensions trial and neuron "
                f"(and perhaps time); it holds {held or 'no variables'}. Say which one, and what "
                "its axes are, by values='its_name' and dims={'its_axis': 'trial', ...}, where "
                "names other than time, trial and neuron are conditions",
                _named_readings(arrays, fitting),
            )
        facts = [name for name, array in arrays.items() if array.ndim == 1 and name not in fitting]
        data = opened.set_coords(facts)[fitting[0]]
        data.attrs.pop(NOTES, None)
        _check_labels(data, path)
        stored = stored_of(path, data)
        data = without_unwritten_labels(data, stored, path.name)
        for label, name in named.items():
            validation.known("variable", name, data.coords, f"{path.name} holds {held}")
            data = data.assign_coords({label: data.coords[name].variable})
        unnamed = [name for name in facts if named and name not in named and name in data.coords]
        reasons = dict.fromkeys(unnamed, "not named in labels=")
        for name, array in arrays.items():
            if name not in (data.name, *facts):
                reasons[str(name)] = f"dimensions {array.dims}, not one value a trial"
        data, names = data.drop_vars(unnamed), {} if dims is None else dims
        _check_values(renamed(data, names)[0], select, path)
        data, axes = renamed(with_places(data), names)
        data, neurons = selected(data, select).load(), [axis for axis, of in axes if of == "neuron"]
        data = without_unwritten(data, stored.get(str(data.name)), neurons, path.name)
        data = _question_fill(data, path.name)
        data = data if dims is None else stacked(data, axes)
        return leave_out(data, reasons)


def _check_labels(data: xr.DataArray, path: Path) -> None:
    """Refuse coordinates that are too large to read: they are read whole."""
    for name, label in data.coords.items():
        check_size(f"the variable {name}", path, label.shape, label.dtype.itemsize)


def _check_values(data: xr.DataArray, select: Mapping[str, object] | None, path: Path) -> None:
    """Refuse values that are too large to read, and axes too long to number."""
    way, read = "read a part of it with select={...}", selected(data, select)
    check_size(f"the variable {data.name}", path, read.shape, read.dtype.itemsize, way)
    for dim, size in data.sizes.items():
        check_size(f"the axis {dim}", path, (size,), 8)


def _named_readings(arrays: Mapping[str, xr.DataArray], fitting: Sequence[str]) -> list[Reading]:
    """Ways to read the largest variables, their axes known by names that speak."""
    readings = []
    for name in sorted(fitting or arrays, key=lambda name: -arrays[name].size)[:SEVERAL]:
        dims = [_role(str(dim)) for dim in arrays[name].dims]
        if len(dims) > 1 and dims.count("neuron") == 1 and len(set(dims)) == len(dims):
            readings.append(Reading(str(name), tuple(dims), {}))
    return readings


def _role(dim: str) -> str:
    """What an axis is by its name; its name where that says nothing."""
    if says(dim, NEURONS):
        return "neuron"
    word = dim.lower()
    if word in OF_TIMES:
        return "time"
    return "trial" if word in ("trial", "trials", "presentation", "epoch", "epochs") else dim


def _opened(path: Path) -> xr.Dataset:
    """A netCDF file or Zarr store, opened; values are missing only where it says so.

    A Zarr array has a fill value always, 0 unless another is chosen: it stands for chunks that were
    never written, and is no mark of what is missing. One other than 0 is kept as the attribute
    `FILL`, to be asked for (`_question_fill`).
    """
    if _suffix(path) != ".zarr":
        return xr.open_dataset(path)
    import zarr

    raw = xr.open_dataset(path, engine="zarr", mask_and_scale=False)
    group = zarr.open_group(path, mode="r")
    for name, variable in raw.variables.items():
        if "_FillValue" not in group[name].attrs:
            fill = variable.attrs.pop("_FillValue", 0)
            if fill and variable.ndim > 1:
                variable.attrs[FILL] = fill
    return xr.decode_cf(raw)


def _question_fill(data: xr.DataArray, name: str) -> xr.DataArray:
    """The array; warns where its values hold a fill value and nothing says what it stands for."""
    fill = data.attrs.get(FILL)
    times = int((data == fill).sum()) if fill is not None else 0
    if times:
        warnings.warn(
            f"{times} values of {data.name} in {name} are {fill}, its fill value: they are read as "
            "numbers. Where they stand for missing ones, give it the attribute "
            f"'_FillValue': {fill}",
            stacklevel=2,
        )
    return data.drop_attrs(deep=False).assign_attrs(
        {key: value for key, value in data.attrs.items() if key != FILL}
    )


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
    path, data = Path(path).expanduser(), data.drop_encoding()
    if path.suffix == ".nc":
        data.rename("response").to_netcdf(path, engine="h5netcdf")
    elif path.suffix == ".zarr":
        # format 3 has no strings of fixed width yet
        data.rename("response").to_zarr(path, mode="w", zarr_format=2, write_empty_chunks=True)
    elif path.suffix == ".npz":
        attrs = {key: value for key, value in data.attrs.items() if key not in ABOUT_THE_FILE}
        called = {attrs.pop("groups", ""): "groups"}
        coords = {
            called.get(name, str(name)): coord
            for name, coord in data.coords.items()
            if coord.dims and coord.dtype.kind in "biufU"
        }
        arrays = {key: coord.values for key, coord in coords.items()}
        declared = json.dumps({key: coord.dims for key, coord in coords.items()})
        X = data.transpose(*DIMS).values
        np.savez(path, X=X, **arrays, **attrs, coordinates=declared)
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
