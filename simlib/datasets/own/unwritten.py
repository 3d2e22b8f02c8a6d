"""What was never written: chunks of HDF5 and netCDF files and Zarr stores that are not there, for
which a reader gives the fill value, mostly 0.

HDF5, and netCDF in it, keeps every chunk that was written: one that is absent has no data. Zarr
leaves out chunks that hold nothing but the fill value, so that there zeros that were written look
like what never was: `_not_by_chance` and `_no_zeros` say which is taken for which.
"""

import json
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import h5py
import numpy as np
import xarray as xr

from simlib.datasets.own.parts import NOTES

if TYPE_CHECKING:  # it takes an eighth of a second in each process that starts
    import zarr

LEAST = 10  # values of a chunk, fewer of which may all be 0 in data that are mostly not
RARE = 1e-6  # chance below which values that all are 0 count as never written
PLACE = "place in the file along "  # coordinates that go through a selection with the values
NOT_THERE = 2**64 - 1  # in the index of a shard
# What netCDF writes where a variable that declares no `_FillValue` was not; values of one or two
# bytes may be it and data.
NETCDF_FILLS = {
    "f4": 15 * 2.0**119,
    "f8": 15 * 2.0**119,
    "i4": -(2**31) + 1,
    "u4": 2**32 - 1,
    "i8": -(2**63) + 2,
    "u8": 2**64 - 2,
}


class Stored(NamedTuple):
    """Which chunks of an array are stored, (chunks, axes), of how many along each axis; the shapes
    of a chunk and of the array in the file, and whether chunks of zeros would be stored, too.
    """

    there: np.ndarray
    counts: tuple[int, ...]
    chunks: tuple[int, ...]
    shape: tuple[int, ...]
    zeros_too: bool = True

    @property
    def lacks(self) -> str:
        """How many chunks were never written, or how much of an axis."""
        total = math.prod(self.counts)
        count = f"{total - len(self.there)} of its {total} chunks"
        return count if len(self.there) < total else f"all of it beyond the shape {self.shape}"

    def absent(self, places: Sequence[np.ndarray]) -> np.ndarray:
        """Which values, at these places along each axis, are not stored."""
        grid = np.zeros(self.counts, dtype=bool)
        grid[tuple(self.there.T)] = True
        chunks = [
            np.minimum(along // size, count - 1)
            for along, size, count in zip(places, self.chunks, self.counts, strict=True)
        ]
        there = grid[np.ix_(*chunks)]
        for axis, (along, size) in enumerate(zip(places, self.shape, strict=True)):
            there &= np.expand_dims(along < size, [k for k in range(there.ndim) if k != axis])
        return ~there


def _whole(shape: tuple[int, ...], chunks: tuple[int, ...]) -> tuple[int, ...]:
    """How many chunks there are along each axis."""
    return tuple(-(-size // chunk) for size, chunk in zip(shape, chunks, strict=True))


# -- HDF5


def in_hdf5(item: h5py.Dataset) -> Stored | None:
    """What is stored of a dataset in chunks or in one piece; None where that is all, or can't be
    told: of one that was allocated before it was written, or lies in the header.
    """
    if not item.size:
        return None
    plan = item.id.get_create_plist()
    if plan.get_layout() == h5py.h5d.CONTIGUOUS:
        if plan.get_external_count() or item.id.get_storage_size():
            return None
        nothing = np.empty((0, item.ndim), dtype=int)
        return Stored(nothing, (1,) * item.ndim, item.shape, item.shape)
    if plan.get_layout() != h5py.h5d.CHUNKED:
        return None
    counts = _whole(item.shape, item.chunks)
    if item.id.get_num_chunks() == math.prod(counts):
        return None
    offsets: list[tuple[int, ...]] = []

    def note(chunk: h5py.h5d.StoreInfo) -> None:  # what it returns would end the iteration
        offsets.append(chunk.chunk_offset)

    item.id.chunk_iter(note)
    there = np.array(offsets, dtype=int).reshape(-1, item.ndim) // item.chunks
    return Stored(there, counts, item.chunks, item.shape)


def why_unwritten(item: h5py.Dataset, may_lack: bool = False) -> str:
    """Why a dataset can't be read: some of it was never written, or with `may_lack` all of it; ""
    where it can.
    """
    if item.is_virtual:
        return _why_no_view(item)
    stored = in_hdf5(item)
    if stored is None or (may_lack and len(stored.there)):
        return ""
    return f"unfinished: {_said(stored)}"


def _said(stored: Stored) -> str:
    zeros = "write out what is 0" + ("" if stored.zeros_too else " (write_empty_chunks=True)")
    return f"{stored.lacks} never written; finish writing, or {zeros}"


def _why_no_view(item: h5py.Dataset) -> str:
    """Why a view of other datasets has no value in some places; "" where it has."""
    folder, count = Path(item.file.filename).parent, 0
    for place, name, source, _ in item.virtual_sources():
        count += place.get_select_npoints()
        with nullcontext(item.file) if name == "." else h5py.File(folder / name, "r") as file:
            reason = why_unwritten(file[source])
        if reason:
            return f"a view of {source[:100]}, which is {reason}"
    lacking = item.size - count
    return f"a view without a source for {lacking} of {item.size} values" if lacking > 0 else ""


def note_of(item: h5py.Dataset) -> str:
    """What to know of a dataset of numbers of which a part was never written; "" for others."""
    stored = None if item.is_virtual else in_hdf5(item)
    return f"{_said(stored)}; NaN there" if stored else ""


def numbers(item: h5py.Dataset) -> np.ndarray:
    """The values of a dataset of numbers, NaN where they were never written."""
    values, stored = np.asarray(item[()]), None if item.is_virtual else in_hdf5(item)
    if stored is None:
        return values
    return np.where(stored.absent([np.arange(size) for size in item.shape]), np.nan, values)


def written(item: h5py.Dataset) -> h5py.Dataset:
    """A dataset; raises ValueError where not all of it was written."""
    reason = why_unwritten(item)
    if reason:
        raise ValueError(f"{item.name[1:200]} of {Path(item.file.filename).name} is {reason}")
    return item


# -- Zarr


def in_zarr(array: "zarr.Array") -> Stored | None:
    """Which chunks of an array in a folder are stored, of shards those inside; None for all."""
    if not array.ndim or not array.size:
        return None
    folder = Path(array.store_path.store.root) / array.path
    counts, inside = _whole(array.shape, array.chunks), (1,) * array.ndim
    if array.shards:
        inside = _whole(array.shards, array.chunks)
    there = [np.empty((0, array.ndim), dtype=int)]
    for file in folder.rglob("*"):
        at = _place(file.relative_to(folder).as_posix(), array)
        if at is not None:
            held = _inside(file, array, inside) if array.shards else np.zeros((1, array.ndim), int)
            there.append(np.array(at) * inside + held)
    found = np.concatenate(there)
    found = found[(found < counts).all(axis=1)]
    whole = len(found) == math.prod(counts)
    return None if whole else Stored(found, counts, array.chunks, array.shape, zeros_too=False)


def _place(name: str, array: "zarr.Array") -> tuple[int, ...] | None:
    """Which chunk or shard a file holds: "0.1", "0/1", "c/0/1" or "c.0.1"; None for other files."""
    parts = name.replace(".", "/").removeprefix("c/").split("/")
    if len(parts) != array.ndim or not all(map(str.isdecimal, parts)):
        return None
    at = tuple(map(int, parts))
    counts = _whole(array.shape, array.shards or array.chunks)
    return at if all(k < count for k, count in zip(at, counts, strict=True)) else None


def _inside(file: Path, array: "zarr.Array", counts: tuple[int, ...]) -> np.ndarray:
    """Which inner chunks a shard holds, (chunks, axes), by its index: start and length of each, 8
    bytes each, and a checksum of 4; all where the index is of another kind.
    """
    codec, size = array.metadata.codecs[0], 16 * math.prod(counts)
    kinds = [type(one).__name__ for one in getattr(codec, "index_codecs", ())]
    if file.stat().st_size < size + 4:  # damaged, which reading it will say
        return np.empty((0, array.ndim), dtype=int)
    if kinds != ["BytesCodec", "Crc32cCodec"]:
        return np.argwhere(np.ones(counts, dtype=bool))
    with file.open("rb") as opened:
        if codec.index_location.value == "end":
            opened.seek(-size - 4, os.SEEK_END)
        order = {"little": "<u8", "big": ">u8"}[codec.index_codecs[0].endian.value]
        index = np.frombuffer(opened.read(size), order).reshape(*counts, 2)
    return np.argwhere((index != NOT_THERE).any(axis=-1))


# -- What xarray opened


def stored_of(path: Path, data: xr.DataArray) -> dict[str, Stored]:
    """Of an array of a netCDF file or Zarr store, and of each of its coordinates, what is stored,
    by name; without those of which all is. Raises ValueError for a damaged file.
    """
    shapes = {str(data.name): data.shape}
    shapes |= {str(name): label.shape for name, label in data.coords.items()}
    try:
        found = _in_store(path, shapes) if path.is_dir() else _in_netcdf(path, shapes)
    except Exception as error:  # damage shows in many ways
        raise ValueError(
            f"which chunks {path.name} holds can't be read ({str(error)[:200]}); save it again"
        ) from error
    return {name: stored for name, stored in found.items() if stored is not None}


def _in_store(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Stored | None]:
    import zarr

    group = zarr.open_group(path, mode="r")
    return {name: in_zarr(group[name]) for name in shapes if name in group}


def _in_netcdf(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Stored | None]:
    """What is stored of each variable, which may be shorter than its dimensions have grown since;
    nothing is known of netCDF's classic format.
    """
    found: dict[str, Stored | None] = {}
    if not h5py.is_hdf5(path):
        return found
    with h5py.File(path, "r") as file:
        for name, shape in shapes.items():
            item = file.get(f"_nc4_non_coord_{name}", file.get(name))
            if isinstance(item, h5py.Dataset):
                found[name] = in_hdf5(item)
                if found[name] is None and item.size and item.shape != shape:
                    one = (1,) * item.ndim
                    there = np.zeros((1, item.ndim), dtype=int)
                    found[name] = Stored(there, one, item.shape, item.shape)
    return found


def with_places(data: xr.DataArray) -> xr.DataArray:
    """The array with a coordinate along each axis that says where in the file its values are."""
    return data.assign_coords(
        {f"{PLACE}{axis}": (dim, np.arange(data.sizes[dim])) for axis, dim in enumerate(data.dims)}
    )


def without_unwritten(
    data: xr.DataArray, stored: Stored | None, neurons: Sequence[str], file: str
) -> xr.DataArray:
    """The values of an array `with_places`, NaN where they were never written, with a note; of a
    Zarr store where that is certain, else with a warning.

    Raises ValueError where none was.
    """
    places = [data.coords[f"{PLACE}{axis}"] for axis in range(data.ndim)]
    data = _default_fill(data.drop_vars([place.name for place in places]))
    if stored is None:
        return data
    if not len(stored.there):
        known = "" if stored.zeros_too else ", or it is 0 everywhere"
        raise ValueError(
            f"none of the {math.prod(stored.counts)} chunks of {data.name} in {file} is stored: "
            f"it was never written{known}. Write it again"
        )
    dims = [place.dims[0] for place in places]
    absent = xr.DataArray(stored.absent([place.values for place in places]), dims=dims)
    missing = absent & data.notnull()
    if missing.any() and not stored.zeros_too:
        sure = absent & _not_by_chance(data, absent, neurons, math.prod(stored.chunks))
        _question(int((missing & ~sure).sum()), stored, f"{data.name} in {file}")
        missing &= sure
    return _blank(data, missing, _said(stored))


def without_unwritten_labels(
    data: xr.DataArray, stored: Mapping[str, Stored], file: str
) -> xr.DataArray:
    """The array, its coordinates missing where they were never written, with a note."""
    for name in sorted(map(str, data.coords)):
        label = data.coords[name].reset_coords(drop=True)
        if label.ndim == 1:
            label = _default_fill(label)
        if name in stored:
            label = _label(label, stored[name], file)
        if NOTES in label.attrs:
            data = _noted(data.assign_coords({name: label.variable}), label.attrs[NOTES])
    return data


def _label(label: xr.DataArray, stored: Stored, file: str) -> xr.DataArray:
    absent = xr.DataArray(stored.absent([np.arange(n) for n in label.shape]), dims=label.dims)
    missing = absent & label.notnull()
    if not missing.any() or _no_zeros(label.values, absent.values, stored):
        return _blank(label, missing, _said(stored))
    _question(int(missing.sum()), stored, f"{label.name} in {file}")
    return label


def _blank(data: xr.DataArray, missing: xr.DataArray, note: str) -> xr.DataArray:
    """The array without these values, and with a note of it if there are any."""
    if not missing.any():
        return data
    data = data.astype(float) if data.dtype.kind in "biu" else data
    return _noted(data.where(~missing), json.dumps({str(data.name): note}))


def _noted(data: xr.DataArray, notes: str) -> xr.DataArray:
    """The array with these notes, JSON of names and texts, added to its attribute NOTES."""
    known = json.loads(data.attrs.get(NOTES, "{}"))
    return data.assign_attrs({NOTES: json.dumps(known | json.loads(notes))})


def _default_fill(data: xr.DataArray) -> xr.DataArray:
    """The values, NaN where they are what netCDF fills up a variable with that declares nothing."""
    told = data.encoding
    kind = np.dtype(told.get("dtype", data.dtype)).str[1:]
    if kind not in NETCDF_FILLS or {"_FillValue", "missing_value", "chunks"} & {*told}:
        return data
    fill = np.dtype(kind).type(NETCDF_FILLS[kind])
    filled = data == fill * told.get("scale_factor", 1) + told.get("add_offset", 0)
    count = f"{int(filled.sum())} of its {filled.size} values are {fill:g}"
    return _blank(data, filled, f"{count}, which netCDF gives to what was never written")


def refuse_unwritten(path: Path, data: xr.DataArray) -> None:
    """Raise ValueError where an array of a netCDF file, or a coordinate of it, has parts that were
    never written.
    """
    for name, stored in stored_of(path, data).items():
        raise ValueError(f"{name} of {path.name} is unfinished: {_said(stored)}")


# -- Zeros, or never written


def _not_by_chance(
    data: xr.DataArray, absent: xr.DataArray, neurons: Sequence[str], size: int
) -> xr.DataArray:
    """Which values of chunks, of this `size`, that a Zarr store lacks were never written, as that
    many times the fill value (0) doesn't come by chance.

    Where values are no whole numbers and none is 0: all, but those of a neuron without any chunk,
    which may be silent. Else runs of trials, or of times of all trials, that lack every one of two
    neurons or more: if the share of silent trials elsewhere, to the power of those in the run, or
    the share of silent trials beside those times, to the power of the trials, is below RARE, by the
    places that a run may begin at. Whatever else is absent counts as silent there.
    """
    trials = [dim for dim in data.dims if dim not in (*neurons, "time")]
    order = [*trials, *(dim for dim in ("time",) if dim in data.dims), *neurons]
    shape = (math.prod(data.sizes[dim] for dim in trials), data.sizes.get("time", 1), -1)
    values, lost = (one.transpose(*order).values.reshape(shape) for one in (data, absent))
    there, zero = values[~lost], values[lost][0]
    if size >= LEAST and not (there == zero).any() and (there % 1 != 0).any():
        found = lost & ~lost.all(axis=(0, 1))
    elif values.shape[2] > 1:
        found, silent = np.zeros_like(lost), (values == zero).all(axis=2)
        gone = lost.all(axis=2)
        found[_runs(gone.all(axis=1), silent.all(axis=1))] = True
        found[:, _runs(gone.all(axis=0), silent)] = True
    else:
        found = np.zeros_like(lost)
    coords = [data.sizes[dim] for dim in order]
    return xr.DataArray(found.reshape(coords), dims=order).transpose(*data.dims)


def _runs(gone: np.ndarray, silent: np.ndarray) -> np.ndarray:
    """Which of the places that are gone come in runs that aren't silent by chance: of trials that
    are silent or not, or (trial, time) of times.
    """
    found, count = np.zeros_like(gone), len(gone)
    edges = np.flatnonzero(np.diff(np.r_[False, gone, False]))
    runs = sorted(zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[0] - run[1])
    for first, last in runs:
        if silent.ndim == 1:
            others = np.delete(silent & ~found, np.r_[first:last])
            share, power = (others.sum() + 1) / (len(others) - found.sum() + 1), last - first
        else:
            beside = [place for place in (first - 1, last) if 0 <= place < count]
            near = max((silent[:, place].sum() for place in beside), default=len(silent))
            share, power = (near + 1) / (len(silent) + 1), len(silent)
        if count * share**power < RARE:
            found[first:last] = True
    return found


def _no_zeros(values: np.ndarray, absent: np.ndarray, stored: Stored) -> bool:
    """Whether the part that a label lacks was never written: all of it, text, its end where the
    others are classes that take turns, none of them 0, or some of what never repeats, as times.
    """
    if stored.zeros_too or values.dtype.kind not in "biuf":
        return True
    if not len(stored.there) or values.size == 1:
        return values.size > 1
    values, absent = values.ravel(), absent.ravel()
    there, first = values[~absent], int(absent.argmax())
    classes = np.unique(there)
    if len(classes) == len(there):
        return len(there) > 1 and int(np.count_nonzero(absent)) > 1
    take_turns = np.count_nonzero(np.diff(there)) >= len(classes) > 1
    return bool(take_turns and absent[first:].all() and values[first] not in classes)


def _question(count: int, stored: Stored, what: str) -> None:
    """Warn of values that are read as zeros, which may never have been written."""
    if count:
        warnings.warn(
            f"{count} values of {what} are read as its fill value, since the store lacks "
            f"{stored.lacks}: Zarr keeps none that hold only that, and a store that was cut off "
            "lacks some, too. Written with write_empty_chunks=True (to_zarr) they are told apart",
            stacklevel=3,
        )
