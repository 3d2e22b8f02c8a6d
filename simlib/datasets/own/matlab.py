"""MATLAB files, version 5 and 7.3, and plain HDF5: what they hold, by dotted names, read when asked
for.

A struct's field is `struct.field`, an element of a cell array `cell[0]`. Axes are in MATLAB's order
for both versions; plain HDF5 files keep the order in which they are stored.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import scipy.io


class Held(NamedTuple):
    """An array in a file: its shape, and the function that reads it."""

    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]
    numeric: bool = True
    reason: str = ""
    within: str = ""


def mat_contents(path: Path) -> dict[str, Held]:
    """Every array of a .mat file, by dotted name.

    Raises ValueError, naming the file, when it is damaged or no MATLAB file.
    """
    if h5py.is_hdf5(path):
        return hdf5_contents(path)
    try:
        content = scipy.io.loadmat(path, struct_as_record=False, chars_as_strings=True)
    except Exception as error:  # zlib, struct, header: a damaged file fails in many ways
        raise ValueError(
            f"{path.name} can't be read as a MATLAB file ({error}); copy or save it again"
        ) from error
    return {
        key: held
        for name, value in content.items()
        if not name.startswith("__")
        for key, held in _flattened(name, value)
    }


def _flattened(name: str, value) -> Iterator[tuple[str, Held]]:
    """The arrays in a value of a version 5 file."""
    if hasattr(value, "_fieldnames"):
        for field in value._fieldnames:
            yield from _flattened(f"{name}.{field}", getattr(value, field))
        return
    array = np.asarray(value)
    if array.dtype.kind != "O":
        yield name, Held(array.shape, partial(np.asarray, array), array.dtype.kind in "biuf")
        return
    items = list(array.ravel(order="F"))
    texts = [
        item
        for item in items
        if isinstance(item, np.ndarray) and item.dtype.kind == "U" and item.size == 1
    ]
    if items and len(texts) == len(items):
        yield name, Held((len(items),), partial(np.array, [text.item() for text in texts]), False)
    elif len(items) == 1 and hasattr(items[0], "_fieldnames"):
        yield from _flattened(name, items[0])
    else:
        for place, item in enumerate(items):
            yield from _flattened(f"{name}[{place}]", item)


def hdf5_contents(path: Path) -> dict[str, Held]:
    """Every dataset of an HDF5 file, MATLAB 7.3's among them, by dotted name.

    Raises ValueError, naming the file, when it is damaged or of another type.
    """
    try:
        with h5py.File(path, "r") as file:
            return {
                key: held
                for name, item in file.items()
                if not name.startswith("#")
                for key, held in _walk(path, file, name, item)
            }
    except OSError as error:
        raise ValueError(
            f"{path.name} can't be read as HDF5 ({error}); copy or save it again"
        ) from error


def _walk(path: Path, file: h5py.File, name: str, item) -> Iterator[tuple[str, Held]]:
    """The arrays in a group or dataset of an HDF5 file."""
    kind = _class_of(item)
    if isinstance(item, h5py.Group):
        for field, inner in item.items():
            yield from _walk(path, file, f"{name}.{field}", inner)
    elif h5py.check_ref_dtype(item.dtype) is not None:  # cells, or a field of an array of structs
        # in HDF5's order, which is MATLAB's column order
        targets = [file[ref] if ref else None for ref in item[()].ravel()]
        if targets and all(one is not None and _class_of(one) == "char" for one in targets):
            read = partial(_read_texts, path, [target.name for target in targets])
            yield name, Held((len(targets),), read, False)
        else:
            for place, target in enumerate(targets):
                if target is not None:
                    yield from _walk(path, file, f"{name}[{place}]", target)
    elif kind == "char":
        yield name, Held((1,), partial(_read_texts, path, [item.name]), False)
    elif item.attrs.get("MATLAB_empty", 0):
        yield name, Held((0, 0), partial(np.empty, (0, 0)))
    elif item.shape is not None and item.dtype.names is None:
        read = partial(_read_numbers, path, item.name, bool(kind))
        shape = item.shape[::-1] if kind else item.shape
        yield name, Held(shape, read, item.dtype.kind in "biuf")


def _class_of(item) -> str:
    """MATLAB's class of a dataset; nothing for plain HDF5."""
    value = item.attrs.get("MATLAB_class", b"")
    return value.decode() if isinstance(value, bytes) else str(value)


def _read_numbers(path: Path, name: str, reverse: bool) -> np.ndarray:
    with h5py.File(path, "r") as file:
        item = file[name]
        text = h5py.check_string_dtype(item.dtype)
        values = np.asarray(item.asstr()[()] if text else item[()])
    values = values.astype(str) if values.dtype.kind == "O" else values
    return values.T if reverse else values


def _read_texts(path: Path, names: list[str]) -> np.ndarray:
    with h5py.File(path, "r") as file:
        return np.array([_text_of(file[name]) for name in names])


def _text_of(item: h5py.Dataset) -> str:
    if item.attrs.get("MATLAB_empty", 0):
        return ""
    return "".join(chr(code) for code in item[()].ravel(order="C" if item.shape[-1] != 1 else "F"))
