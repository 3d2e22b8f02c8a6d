"""MATLAB files, version 4, 5 and 7.3, and plain HDF5: what they hold, by dotted names, read when
asked for.

A struct's field is `struct.field`, an element of a cell array or of an array of structs `cell[0]`.
What the elements have in common is one array too: `D[:].data` holds every `D[k].data`, elements
first. Axes are in MATLAB's order for all versions; plain HDF5 files keep the order in which they
are stored.
"""

import os
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import scipy.io
import scipy.sparse


class Held(NamedTuple):
    """An array in a file: its shape, and the function that reads it.

    `reason` says why it can't be read, and what to do; `read` then raises ValueError with it.
    `within` is the name that holds it together with its likes: "D[:].data" for "D[0].data".
    """

    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]
    numeric: bool = True
    reason: str = ""
    within: str = ""


class Part(NamedTuple):
    """An array as a reader finds it: `fetch` reads it from the opened file (version 7.3) or from
    memory. `parts` are the elements of a cell array that is one array of numbers or strings.
    """

    shape: tuple[int, ...] = ()
    fetch: Callable[[h5py.File | None], np.ndarray] | None = None
    kind: str = "number"  # or complex, text, other
    empty: bool = False
    reason: str = ""
    parts: tuple["Part", ...] = ()


# A value of a file: an array, a struct (its fields), or a cell array or array of structs.
Node = Part | dict | list

NUMBERS = {
    "double",
    "single",
    "logical",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}
PLAIN = NUMBERS | {"", "char", "cell", "struct", "canonical empty"}
WAYS = {  # classes that files hold in a form of MATLAB's own -> what to save instead
    "string": "cellstr(x)",
    "categorical": "cellstr(x)",
    "table": "table2struct(x, 'ToScalar', true)",
    "timetable": "table2struct(timetable2table(x), 'ToScalar', true)",
    "datetime": "posixtime(x)",
    "duration": "seconds(x)",
    "containers.Map": "keys(x) and values(x)",
    "dictionary": "keys(x) and values(x)",
    "function_handle": "func2str(x)",
}
FIRST_BYTES = {
    b"\x89HDF": "HDF5",
    b"PK\x03\x04": "a zip archive (.npz, .zip, .xlsx)",
    b"\x93NUMPY": "NumPy's .npy",
    b"CDF": "netCDF",
    b"\x1f\x8b": "compressed by gzip",
    b"%PDF": "a PDF",
}
DEEPEST = 50  # levels of structs and cells
MCOS = 17  # the class of version 5 that holds strings, tables and other objects


def mat_contents(path: Path) -> dict[str, Held]:
    """Every array of a .mat file, by dotted name.

    Raises ValueError, naming the file, when it is damaged or no MATLAB file.
    """
    if h5py.is_hdf5(path):
        return hdf5_contents(path)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            content = _loaded(path, mat_dtype=True)
        # the true types lose imaginary parts, stored ones lose logicals
        dropped = any(issubclass(one.category, np.exceptions.ComplexWarning) for one in caught)
        stored = _loaded(path, mat_dtype=False) if dropped else content
        nodes = {name: _node5(value, stored[name], 0) for name, value in content.items()}
        nodes |= {name: _foreign(kind) for name, kind in _objects5(path)}
    except Exception as error:  # zlib, struct, header: a damaged file fails in many ways
        raise ValueError(
            f"{path.name} can't be read as a MATLAB file: {_first_bytes(path)} "
            f"({str(error)[:300]}); copy or save it again"
        ) from error
    return _named(path, nodes, nullcontext)


def hdf5_contents(path: Path) -> dict[str, Held]:
    """Every dataset of an HDF5 file, MATLAB 7.3's among them, by dotted name.

    Raises ValueError, naming the file, when it is damaged or of another type.
    """
    try:
        with h5py.File(path, "r") as file:
            root = h5py.h5o.get_info(file.id)
            items = {name: item for name, item in _items(file).items() if name[:1] != "#"}
            nodes = {name: _node73(item, (root.fileno, root.addr)) for name, item in items.items()}
    except Exception as error:  # damage shows as OSError, KeyError, RuntimeError, ...
        raise ValueError(
            f"{path.name} can't be read as HDF5: {_first_bytes(path)} ({str(error)[:300]}); copy "
            "or save it again"
        ) from error
    return _named(path, nodes, partial(h5py.File, path, "r"))


def _first_bytes(path: Path) -> str:
    """What a file seems to be, from its first bytes."""
    with open(path, "rb") as file:
        first = file.read(60)
    for mark, kind in FIRST_BYTES.items():
        if first.startswith(mark):
            return f"it is {kind}"
    if first.startswith(b"MATLAB"):
        return f"it begins as a {first[:10].decode()} file does"
    if first and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in first):
        return f"it is text, {first.decode()!r}"
    return f"it starts with the bytes {first[:12]!r}" if first else "it is empty"


# -- Names


def _named(path: Path, nodes: Mapping[str, Node], opened: Callable) -> dict[str, Held]:
    """The arrays in the values of a file by dotted name, those of many elements before them."""
    entries = [entry for name, node in nodes.items() for entry in _entries(name, (name,), node)]
    names = {name for name, _, _ in entries}
    held = {}
    for name, together, part in entries:
        together = (*together, "[:]") if part.parts else together
        while together and "".join(together) not in names:
            together = together[:-1]
        held[name] = Held(
            part.shape,
            partial(_read, path, opened, name, part),
            part.kind == "number" and not part.reason,
            part.reason,
            "" if "".join(together) == name else "".join(together),
        )
    return held


def _read(path: Path, opened: Callable, name: str, part: Part) -> np.ndarray:
    """The values of an array; raises ValueError where they can't be read."""
    what = f"{name[:200]} of {path.name}"
    if part.reason:
        raise ValueError(f"{what} can't be read: it is {part.reason}")
    try:
        with opened() as file:
            return part.fetch(file).reshape(part.shape)
    except MemoryError as error:
        raise ValueError(f"{what}, of shape {part.shape}, is too large: {error}") from error
    except Exception as error:  # damage shows as OSError, KeyError, RuntimeError, ...
        raise ValueError(
            f"{what} can't be read ({str(error)[:300]}); copy or save the file again"
        ) from error


def _entries(
    name: str, together: tuple[str, ...], node: Node
) -> Iterator[tuple[str, tuple[str, ...], Part]]:
    """The arrays in a value: name, its pieces with a colon for every index, array."""
    if isinstance(node, Part):
        yield name, together, node
        if node.kind != "text":
            for place, part in enumerate(node.parts):
                yield f"{name}[{place}]", (*together, "[:]"), part
    elif isinstance(node, dict):
        for field, inner in node.items():
            yield from _entries(f"{name}.{field}", (*together, f".{field}"), inner)
    else:
        places = "[:]" if len(node) > 1 else "[0]"
        if len(node) > 1:
            yield from _stacked(f"{name}[:]", (*together, "[:]"), node, (len(node),))
        for place, inner in enumerate(node):
            yield from _entries(f"{name}[{place}]", (*together, places), inner)


# -- Many elements as one array


def _stacked(
    name: str, together: tuple[str, ...], nodes: list[Node | None], shape: tuple[int, ...]
) -> Iterator[tuple[str, tuple[str, ...], Part]]:
    """Values of many elements as arrays whose first axes, `shape`, are the elements."""
    if any(isinstance(node, list) for node in nodes):
        nodes = [list(node.parts) or node if isinstance(node, Part) else node for node in nodes]
    kinds = {type(node) for node in nodes}
    if kinds == {dict}:
        for field in {field: None for node in nodes for field in node}:
            inner = [node.get(field) for node in nodes]
            yield from _stacked(f"{name}.{field}", (*together, f".{field}"), inner, shape)
    elif kinds == {list}:
        lengths = {len(node) for node in nodes}
        if len(lengths) == 1:
            flat, length = [inner for node in nodes for inner in node], lengths.pop()
            ending, more = ("[:]", (length,)) if length > 1 else ("[0]", ())
            yield from _stacked(name + ending, (*together, ending), flat, shape + more)
        else:
            reason = (
                f"{len(nodes)} cells or structs of {min(lengths)} to {max(lengths)} elements: give "
                "all as many in MATLAB, or load one of them"
            )
            yield f"{name}[:]", (*together, "[:]"), Part(shape, kind="other", reason=reason)
    elif kinds == {Part}:
        yield name, together, _joined(nodes, shape)
    else:
        names = {Part: "an array", dict: "a struct", list: "a cell", type(None): "nothing"}
        found = " or ".join(sorted(names[kind] for kind in kinds))
        reason = f"{found} in {len(nodes)} elements: save one kind, or load one of them"
        yield name, together, Part(shape, kind="other", reason=reason)


def _joined(parts: list[Part], shape: tuple[int, ...]) -> Part:
    """Arrays of one shape as one array. Beside single numbers an empty array is NaN, beside single
    strings ''.
    """
    reasons = [part.reason for part in parts if part.reason]
    if reasons:
        some = "" if len(reasons) == len(parts) else f"in {len(reasons)} of {len(parts)} elements "
        return Part(shape, kind="other", reason=some + reasons[0])
    filled = [part for part in parts if not part.empty]
    filled = filled or [part for part in parts if part.kind == "text"] or parts
    kinds = {part.kind for part in filled}
    if kinds == {"number", "complex"}:
        kinds = {"complex"}
    if len(kinds) > 1:
        found = " and ".join(sorted(kinds))
        reason = f"of mixed kinds ({found}): save one kind, or load one of them"
        return Part(shape, kind="other", reason=reason)
    kind = kinds.pop()
    inner = {_inner(part.shape) for part in filled}
    if len(filled) < len(parts) and inner != {()}:
        inner |= {_inner(part.shape) for part in parts}
    if len(inner) > 1:
        sizes = sorted({part.shape for part in parts}, key=lambda size: (np.prod(size), size))
        reason = (
            f"{len(parts)} arrays of unequal shape, from {sizes[0]} to {sizes[-1]}: cut or pad "
            "them to one length in MATLAB, or load one of them"
        )
        return Part(shape, kind="other", reason=reason)
    whole = shape + inner.pop()
    return Part(whole, partial(_fetch_all, parts, kind, whole), kind)


def _inner(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of an element: none of a single value, one of a row or a column."""
    longer = tuple(size for size in shape if size != 1)
    return longer if len(longer) < 2 else shape


def _fetch_all(
    parts: list[Part], kind: str, shape: tuple[int, ...], file: h5py.File | None
) -> np.ndarray:
    fill = np.array("" if kind == "text" else np.nan)
    single = int(np.prod(shape)) == len(parts)
    values = [fill if part.empty and single else part.fetch(file).ravel() for part in parts]
    return np.stack([value.reshape(-1) for value in values]).reshape(shape)


def _cell(nodes: list[Node]) -> Node:
    """The elements of a cell array; single numbers or single strings are one array."""
    if len(nodes) and all(isinstance(node, Part) and not node.parts for node in nodes):
        whole = _joined(nodes, (len(nodes),))
        filled = not all(node.empty and node.kind != "text" for node in nodes)
        if whole.fetch and whole.shape == (len(nodes),) and filled:
            return whole._replace(parts=tuple(nodes))
    return nodes


def _foreign(kind: str) -> Part:
    """What a file holds in a form of MATLAB's own, known by its class alone."""
    way = WAYS.get(kind, "its numbers, or struct(x)")
    return Part(kind="other", reason=f"a MATLAB {kind[:60] or 'object'}: save {way} as a variable")


def _empty(shape: tuple[int, ...], kind: str) -> Part:
    """An array without values; a text of no letters is one string, ''."""
    if kind == "text":
        return Part((1,), lambda _: np.array([""]), "text", True)
    if 0 not in shape:
        return Part(shape, kind="other", reason=f"said to be empty, with the shape {shape}")
    return Part(shape, lambda _: np.empty(shape), kind, True)


def _rows(letters: np.ndarray) -> np.ndarray:
    """The rows of a matrix of letters as strings, trailing blanks cut."""
    rows = np.moveaxis(letters, 1, -1).reshape(-1, letters.shape[1])
    return np.array(["".join(row).rstrip(" \0") for row in rows])


def _native(values: np.ndarray) -> np.ndarray:
    """Values in this machine's order of bytes."""
    return values.astype(values.dtype.newbyteorder("="), copy=False)


# -- Version 5


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


def _objects5(path: Path) -> Iterator[tuple[str, str]]:
    """Name and class of the variables of a version 5 file that hold strings, tables and other
    objects, which scipy doesn't name.
    """
    with open(path, "rb") as file:
        header = file.read(128)
        order = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}.get(header[124:128])
        while order and len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            element = tag + file.read(min(size, 1024))
            file.seek(max(size - 1024, 0), os.SEEK_CUR)
            if kind == 15:  # compressed
                element = zlib.decompressobj().decompress(element[8:], 1024)
            if len(element) > 48 and struct.unpack_from(f"{order}I", element, 16)[0] & 255 == MCOS:
                name, place = _text5(element, 24, order)
                _, place = _text5(element, place, order)
                yield name, _text5(element, place, order)[0]


def _text5(raw: bytes, place: int, order: str) -> tuple[str, int]:
    """A short text of a version 5 file, and the place after it."""
    kind, size = struct.unpack_from(f"{order}II", raw, place)
    if kind >> 16:  # at most four letters stand in the place of the size
        return raw[place + 4 : place + 4 + (kind >> 16)].decode(), place + 8
    return raw[place + 8 : place + 8 + size].decode(), place + 8 + (size + 7) // 8 * 8


def _node5(value, stored, depth: int) -> Node:
    """A value of a version 5 file; `stored` is the same in the types of the file's bytes."""
    if depth > DEEPEST:
        return Part(kind="other", reason=f"nested more than {DEEPEST} deep: save it flat")
    if isinstance(value, str):  # scipy's word for a variable that it can't read
        return Part(kind="other", reason=f"damaged ({value[:200]}): save the file again")
    if isinstance(value, scipy.io.matlab.MatlabFunction):
        return _foreign("function_handle")
    if isinstance(value, scipy.io.matlab.MatlabOpaque):
        return _foreign(value.ravel()[0]["s2"].decode())
    if isinstance(value, scipy.io.matlab.MatlabObject):
        return _foreign(value.classname)
    if hasattr(value, "_fieldnames"):
        fields = {
            field: _node5(getattr(value, field), getattr(stored, field), depth + 1)
            for field in value._fieldnames
        }
        return fields or Part(kind="other", reason="a struct without fields")
    if scipy.sparse.issparse(value):
        kind = "complex" if value.dtype.kind == "c" else "number"
        true = value if value.dtype.kind in "bc" else value.astype(float)
        return Part(value.shape, lambda _: true.toarray(), kind, 0 in value.shape)
    array = np.asarray(value)
    if array.dtype.kind == "U":
        if array.size == 0:
            return _empty(array.shape, "text")
        rows = _rows(array)
        return Part(rows.shape, lambda _: rows, "text")
    if array.dtype.kind == "V":
        return _foreign("")
    if array.dtype.kind != "O":
        complete = np.asarray(stored)
        array = _native(complete if complete.dtype.kind == "c" else array)
        kind = "complex" if array.dtype.kind == "c" else "number"
        return Part(array.shape, lambda _: array, kind, array.size == 0)
    if array.size == 0:
        return _empty(array.shape, "other")
    pairs = zip(array.ravel(order="F"), np.asarray(stored).ravel(order="F"), strict=True)
    nodes = [_node5(item, twin, depth + 1) for item, twin in pairs]
    if hasattr(array.ravel()[0], "_fieldnames"):
        return nodes[0] if len(nodes) == 1 else nodes
    return _cell(nodes)


# -- Version 7.3 and plain HDF5


def _attribute(item: h5py.HLObject, name: str):
    """An attribute of a group or dataset, None where it has none."""
    return item.attrs[name] if h5py.h5a.exists(item.id, name.encode()) else None


def _class_of(item: h5py.HLObject) -> str:
    """MATLAB's class of a group or dataset; nothing for plain HDF5."""
    value = _attribute(item, "MATLAB_class")
    return value.decode() if isinstance(value, bytes) else str(value or "")


def _items(group: h5py.Group) -> dict[str, h5py.Group | h5py.Dataset | Part]:
    """What a group holds, by name; of a link that leads nowhere, the reason."""
    items = {}
    for name in group:
        try:
            item = group[name]
        except (KeyError, OSError, RuntimeError):
            link = group.get(name, getlink=True)
            target = " ".join(getattr(link, part, "") for part in ("filename", "path")).strip()
            reason = f"a link to {target[:200] or 'an object'} that isn't there, or is damaged"
            item = Part(kind="other", reason=reason)
        if not isinstance(item, h5py.Datatype):
            items[name] = item
    return items


def _node73(item: h5py.Group | h5py.Dataset | Part, above: tuple[int, ...]) -> Node:
    """A group or dataset; `above` are the file's number and the addresses of what holds it."""
    if isinstance(item, Part):
        return item
    try:
        info = h5py.h5o.get_info(item.id)
        if info.fileno != above[0]:
            place = item.file.filename[-200:]
            return Part(kind="other", reason=f"a link into {place}: load that file")
        if info.addr in above[1:]:
            return Part(kind="other", reason="a link back to a group that holds it")
        if len(above) > DEEPEST:
            return Part(kind="other", reason=f"nested more than {DEEPEST} deep: save it flat")
        above, kind = (*above, info.addr), _class_of(item)
        if kind not in PLAIN or (kind and _attribute(item, "MATLAB_object_decode")):
            return _foreign(kind)
        return (_group if isinstance(item, h5py.Group) else _dataset)(item, kind, above)
    except Exception as error:  # damage shows as OSError, KeyError, RuntimeError, ...
        return Part(kind="other", reason=f"damaged ({str(error)[:200]}): save the file again")


def _group(group: h5py.Group, kind: str, above: tuple[int, ...]) -> Node:
    """A struct, an array of structs, a sparse matrix, or a plain group."""
    items = _items(group)
    if h5py.h5a.exists(group.id, b"MATLAB_sparse"):
        shape = (int(group.attrs["MATLAB_sparse"]), group["jc"].size - 1)
        kinds = "complex" if "data" in items and group["data"].dtype.names else "number"
        fetch = partial(_fetch_sparse, group.ref, shape, kind == "logical")
        return Part(shape, fetch, kinds, 0 in shape)
    if kind == "struct" and all(map(_is_column, items.values())):
        columns = {name: _targets(column, above) for name, column in items.items()}
        counts = set(map(len, columns.values()))
        if len(counts) == 1:
            nodes = [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]
            return nodes[0] if len(nodes) == 1 else nodes
    fields = {name: _node73(item, above) for name, item in items.items()}
    return fields or Part(kind="other", reason="a struct or group without fields")


def _is_column(item: h5py.Group | h5py.Dataset | Part) -> bool:
    """Whether it holds references to one field of every struct of an array of structs."""
    if not isinstance(item, h5py.Dataset) or item.shape is None or item.size == 0:
        return False
    return h5py.check_ref_dtype(item.dtype) is h5py.Reference and not _class_of(item)


def _targets(item: h5py.Dataset, above: tuple[int, ...]) -> list[Node]:
    """What references lead to; HDF5's order is MATLAB's column order."""
    nodes = []
    file = item.file
    for reference in item[()].ravel():
        try:
            nodes.append(_node73(file[reference], above))
        except (ValueError, KeyError, OSError, RuntimeError):
            nodes.append(Part(kind="other", reason="a reference that leads nowhere"))
    return nodes


def _dataset(item: h5py.Dataset, kind: str, above: tuple[int, ...]) -> Node:
    """A dataset: numbers, text, or references to the elements of a cell array."""
    dtype = item.dtype
    text = kind == "char" or h5py.check_string_dtype(dtype) is not None
    if _attribute(item, "MATLAB_empty"):
        shape = tuple(int(size) for size in item[()].ravel())
        return _empty(shape, "text" if text else "number" if kind in NUMBERS else "other")
    if item.shape is None:
        return _empty((0,), "number")
    reference = h5py.check_ref_dtype(dtype)
    if reference is h5py.RegionReference:
        return Part(item.shape, kind="other", reason="references to regions: save the values")
    missing = _missing(item)
    if missing:
        return Part(_shape(item, kind), kind="other", reason=missing)
    if reference:
        return _cell(_targets(item, above)) if item.size else _empty(item.shape[::-1], "other")
    if kind == "char":
        return _letters(item)
    lengths = h5py.check_vlen_dtype(dtype)
    if isinstance(lengths, np.dtype) and lengths.kind in set("biuf"):
        return _cell([_vector(value) for value in item[()].ravel()])
    names = set(dtype.names or ())
    if names and names != {"real", "imag"}:
        columns = {name: (dtype[name].base, item.shape + dtype[name].shape) for name in names}
        return {
            name: _values(item, kind, *column, name) for name, column in sorted(columns.items())
        }
    return _values(item, kind, dtype, _shape(item, kind), None)


def _shape(item: h5py.Dataset, kind: str) -> tuple[int, ...]:
    return item.shape[::-1] if kind else item.shape


def _vector(values: np.ndarray) -> Part:
    """One element of a dataset whose elements have lengths of their own."""
    return Part(values.shape, lambda _: values, "number", values.size == 0)


def _missing(item: h5py.Dataset) -> str:
    """Why the values of a dataset aren't there: a filter, or files that it takes them from."""
    properties = item.id.get_create_plist()
    for place in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(place)
        if not h5py.h5z.filter_avail(code) and _applied(item, place):
            return (
                f"compressed by a filter (id {code}, {name.decode(errors='replace')[:60]}) that "
                "isn't installed: save it with gzip, or pip install hdf5plugin and import "
                "hdf5plugin before loading"
            )
    if item.is_virtual:
        folder = Path(item.file.filename).parent
        sources = {one.file_name for one in item.virtual_sources()} - {"."}
        absent = sorted(name for name in sources if not (folder / name).exists())
        if absent:
            return f"a view of {len(absent)} files that aren't there: {absent[0][-200:]}"
    return ""


def _applied(item: h5py.Dataset, place: int) -> bool:
    """Whether the first chunk went through a filter, which one that may fail doesn't imply."""
    if not item.id.get_num_chunks():
        return False
    return not item.id.get_chunk_info(0).filter_mask >> place & 1


def _letters(item: h5py.Dataset) -> Part:
    """Text of MATLAB, a string for each row."""
    shape = item.shape[::-1]
    if 0 in shape:
        return _empty(shape, "text")
    count = int(np.prod(shape)) // (shape[1] if len(shape) > 1 else 1)
    return Part((count,), partial(_fetch_letters, item.ref), "text")


def _values(
    item: h5py.Dataset, kind: str, dtype: np.dtype, shape: tuple[int, ...], field: str | None
) -> Part:
    """Numbers or strings of a dataset, or of one field of its rows."""
    names = h5py.check_enum_dtype(dtype) if dtype.kind != "b" else None
    if names or h5py.check_string_dtype(dtype) is not None:
        kinds = "text"
    elif dtype.names == ("real", "imag") or dtype.kind == "c":
        kinds = "complex"
    elif dtype.kind in "biuf":
        kinds = "number"
    else:
        way = "save numbers or strings"
        return Part(shape, kind="other", reason=f"of the type {str(dtype)[:100]}: {way}")
    fetch = partial(_fetch_values, item.ref, kind, field)
    return Part(shape, fetch, kinds, 0 in shape)


def _fetch_sparse(
    reference: h5py.Reference, shape: tuple[int, int], logical: bool, file: h5py.File
) -> np.ndarray:
    group = file[reference]
    data, rows = (
        (_complete(group["data"][()]), group["ir"][()]) if "data" in group else (np.empty(0), [])
    )
    index = np.asarray(rows, dtype=np.int64), group["jc"][()].astype(np.int64)
    matrix = scipy.sparse.csc_matrix((data, *index), shape)
    matrix.check_format()
    return matrix.toarray().astype(bool) if logical else matrix.toarray()


def _complete(values: np.ndarray) -> np.ndarray:
    """MATLAB's pairs of numbers as complex numbers; others as they are."""
    return values["real"] + 1j * values["imag"] if values.dtype.names else values


def _fetch_letters(reference: h5py.Reference, file: h5py.File) -> np.ndarray:
    codes = file[reference][()].T
    rows = np.moveaxis(np.atleast_2d(codes), 1, -1)
    rows = np.ascontiguousarray(rows.reshape(-1, rows.shape[-1]), dtype="<u2")
    texts = [row.tobytes().decode("utf-16-le", errors="replace") for row in rows]
    return np.array([text.rstrip(" \0") for text in texts])


def _fetch_values(
    reference: h5py.Reference, kind: str, field: str | None, file: h5py.File
) -> np.ndarray:
    item = file[reference]
    dtype = item.dtype if field is None else item.dtype[field]
    values = np.asarray(item[()] if field is None else item[field])
    if h5py.check_string_dtype(dtype.base) is not None:
        texts = [one.decode() if isinstance(one, bytes) else str(one) for one in values.ravel()]
        return np.array([text.rstrip(" \0") for text in texts], dtype=str).reshape(values.shape)
    names = h5py.check_enum_dtype(dtype.base) if values.dtype.kind != "b" else None
    if names:
        known = {code: name for name, code in names.items()}
        texts = [known.get(code, str(code)) for code in values.ravel().tolist()]
        return np.array(texts, dtype=str).reshape(values.shape)
    values = _native(_complete(values))
    values = values.astype(bool) if kind == "logical" else values
    return values.T if kind else values
