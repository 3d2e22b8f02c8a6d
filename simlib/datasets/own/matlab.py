"""MATLAB files of the versions 4, 5 and 7.3: what they hold, by dotted names, read when asked for.

Axes are in MATLAB's order for all versions, and one content gives the same names, shapes and values
in each.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from io import BufferedIOBase
from pathlib import Path

import h5py
import numpy as np
import scipy

from simlib.datasets.own.hdf5 import hdf5_contents
from simlib.datasets.own.limits import readable
from simlib.datasets.own.parts import (
    DEEPEST,
    Held,
    Node,
    Part,
    cell,
    empty,
    first_bytes,
    foreign,
    named,
    native,
    unreadable,
)

__all__ = ["Held", "hdf5_contents", "mat_contents"]

PIECE = 2**20  # bytes that are unpacked at once
MCOS = 17  # the class of version 5 that holds strings, tables and other objects


def mat_contents(path: Path) -> dict[str, Held]:
    """Every array of a .mat file, by dotted name.

    Raises ValueError, naming the file, when it is damaged or no MATLAB file.
    """
    if h5py.is_hdf5(path):
        return hdf5_contents(path)
    try:
        objects = {name: foreign(kind) for name, kind in _objects(path)}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            content = _loaded(path, mat_dtype=True)
        # the true types lose imaginary parts, stored ones lose logicals
        dropped = any(issubclass(one.category, np.exceptions.ComplexWarning) for one in caught)
        stored = _loaded(path, mat_dtype=False) if dropped else content
        nodes = {name: _node(value, stored[name], 0) for name, value in content.items()}
        nodes |= objects
    except Exception as error:  # zlib, struct, header: a damaged file fails in many ways
        raise ValueError(
            f"{path.name} can't be read as a MATLAB file: {first_bytes(path)} "
            f"({str(error)[:300]}); copy it again, or save it with '-v7.3'"
        ) from error
    return named(path, nodes, nullcontext)


def _loaded(path: Path, mat_dtype: bool) -> dict[str, object]:
    """The variables of a version 4 or 5 file; raises what scipy raises."""
    options = {"struct_as_record": False, "chars_as_strings": False, "mat_dtype": mat_dtype}
    version = scipy.io.matlab.matfile_version(path)[0]
    if version == 1:  # two bytes a letter, in the file's order of bytes
        with open(path, "rb") as file:
            order = "le" if file.read(128)[126:] == b"IM" else "be"
        options["uint16_codec"] = f"utf-16-{order}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scipy.io.matlab.MatReadWarning)
        content = scipy.io.loadmat(path, **options)
    content = {
        name: value
        for name, value in content.items()
        if not name.startswith("__") and not isinstance(value, scipy.io.matlab.MatlabOpaque)
    }
    if version == 0 and not all(map(str.isidentifier, content)):
        raise ValueError("its names are no names of variables")
    return content


def _objects(path: Path) -> Iterator[tuple[str, str]]:
    """Name and class of the variables of a version 5 file that hold strings, tables and other
    objects, which scipy doesn't name. Raises ValueError for compressed bytes that are too many, cut
    or damaged: scipy looks at no checksum.
    """
    limit, held = readable(path.stat().st_size)[0], 0
    with open(path, "rb") as file:
        header = file.read(128)
        order = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}.get(header[124:128])
        while order and len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            begin = file.tell()
            element = tag + file.read(min(size, 1024))
            if kind == 15:  # compressed
                file.seek(begin)
                element, length = _unpacked(file, size, limit - held)
                held += length
            file.seek(begin + size)
            if len(element) > 48 and struct.unpack_from(f"{order}I", element, 16)[0] & 255 == MCOS:
                name, place = _text(element, 24, order)
                _, place = _text(element, place, order)
                yield name, _text(element, place, order)[0]


def _unpacked(file: BufferedIOBase, size: int, limit: float) -> tuple[bytes, int]:
    """The first bytes of a compressed element, and how many it is."""
    unpacking, begin, length = zlib.decompressobj(), b"", 0
    while not unpacking.eof:
        raw = unpacking.unconsumed_tail or file.read(min(size, PIECE))
        size -= 0 if unpacking.unconsumed_tail else len(raw)
        piece = unpacking.decompress(raw, PIECE)
        begin, length = begin or piece[:1024], length + len(piece)
        if length > limit:
            raise ValueError(
                f"unpacked, it is larger than the {limit / 1e9:.3g} GB that are read: set "
                "SIMLIB_READ_GB to the GB that may be"
            )
        if not raw and not piece:
            raise ValueError("its compressed values are cut short")
    return begin, length


def _text(raw: bytes, place: int, order: str) -> tuple[str, int]:
    """A short text of a version 5 file, and the place after it."""
    kind, size = struct.unpack_from(f"{order}II", raw, place)
    if kind >> 16:  # at most four letters stand in the place of the size
        return raw[place + 4 : place + 4 + (kind >> 16)].decode(), place + 8
    return raw[place + 8 : place + 8 + size].decode(), place + 8 + (size + 7) // 8 * 8


def _node(value, stored, depth: int) -> Node:
    """A value of a version 5 file; `stored` is the same in the types of the file's bytes."""
    if depth > DEEPEST:
        return unreadable(f"nested more than {DEEPEST} deep: save it flat")
    if isinstance(value, str):  # scipy's word for a variable that it can't read
        return unreadable(f"damaged ({value[:200]}): save the file again")
    if isinstance(value, scipy.io.matlab.MatlabFunction):
        return foreign("function_handle")
    if isinstance(value, scipy.io.matlab.MatlabOpaque):
        return foreign(value.ravel()[0]["s2"].decode())
    if isinstance(value, scipy.io.matlab.MatlabObject):
        return foreign(value.classname)
    if hasattr(value, "_fieldnames"):
        fields = {
            field: _node(getattr(value, field), getattr(stored, field), depth + 1)
            for field in value._fieldnames
        }
        return fields or unreadable("a struct without fields")
    if scipy.sparse.issparse(value):
        kind = "complex" if value.dtype.kind == "c" else "number"
        true = value if value.dtype.kind in "bc" else value.astype(float)
        itemsize = true.dtype.itemsize
        return Part(
            value.shape, lambda _: true.toarray(), kind, 0 in value.shape, itemsize=itemsize
        )
    array = np.asarray(value)
    if array.dtype.kind == "U":
        if array.size == 0:
            return empty(array.shape, "text")
        rows = _rows(array)
        return Part(rows.shape, lambda _: rows, "text")
    if array.dtype.kind == "V":
        return foreign("")
    if array.dtype.kind != "O":
        complete = np.asarray(stored)
        array = native(complete if complete.dtype.kind == "c" else array)
        kind = "complex" if array.dtype.kind == "c" else "number"
        return Part(array.shape, lambda _: array, kind, array.size == 0)
    if array.size == 0:
        return empty(array.shape, "other")
    pairs = zip(array.ravel(order="F"), np.asarray(stored).ravel(order="F"), strict=True)
    nodes = [_node(item, twin, depth + 1) for item, twin in pairs]
    if hasattr(array.ravel()[0], "_fieldnames"):
        return nodes[0] if len(nodes) == 1 else nodes
    return cell(nodes)


def _rows(letters: np.ndarray) -> np.ndarray:
    """The rows of a matrix of letters as strings, trailing blanks cut."""
    rows = np.moveaxis(letters, 1, -1).reshape(-1, letters.shape[1])
    return np.array(["".join(row).rstrip(" \0") for row in rows])
