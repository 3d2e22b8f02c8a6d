"""What a file holds as a tree of values, and each array in it by a dotted name.

A struct's field is `struct.field`, an element of a cell array or of an array of structs `cell[0]`.
What all elements have is one array too, whose first axis is the elements: `D[:].data` holds every
`D[k].data`.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from simlib.datasets.own.limits import check_size


class Held(NamedTuple):
    """An array in a file: its shape, and the function that reads it.

    `reason` says why it can't be read, and what to do; `read` then raises ValueError with it.
    `within` is the name that holds it together with its likes: "D[:].data" for "D[0].data".
    Of elements of which some are shorter along one axis, filled up with NaN, `least` is the shape
    without what was filled up, and `note` says so.
    """

    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]
    numeric: bool = True
    reason: str = ""
    within: str = ""
    least: tuple[int, ...] = ()
    note: str = ""


class Part(NamedTuple):
    """An array as a reader finds it: `fetch` reads it from the opened file (version 7.3) or from
    memory, `itemsize` bytes an element. `parts` are the elements of a cell array that is one array
    of numbers or strings.
    """

    shape: tuple[int, ...] = ()
    fetch: Callable[[h5py.File | None], np.ndarray] | None = None
    kind: str = "number"  # or complex, text, other
    empty: bool = False
    reason: str = ""
    parts: tuple["Part", ...] = ()
    least: tuple[int, ...] = ()
    note: str = ""
    itemsize: int = 1


# A value of a file: an array, a struct (its fields), or a cell array or array of structs.
Node = Part | dict | list

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
NOTES = "never_written"  # attribute of a recording: JSON, name of an array -> what it lacks
DEEPEST = 50  # levels of structs and cells


def unreadable(reason: str, shape: tuple[int, ...] = ()) -> Part:
    """A value that can't be read: why, and what to do."""
    return Part(shape, kind="other", reason=reason)


def first_bytes(path: Path) -> str:
    """What a file seems to be, from its first bytes."""
    with open(path, "rb") as file:
        first = file.read(60)
    for mark, kind in FIRST_BYTES.items():
        if first.startswith(mark):
            return f"it is {kind}"
    if first.startswith(b"MATLAB"):
        return f"it begins as a {first[:10].decode(errors='replace')} file does"
    if first and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in first):
        return f"it is text, {first.decode()!r}"
    return f"it starts with the bytes {first[:12]!r}" if first else "it is empty"


# -- Names


def named(path: Path, nodes: Mapping[str, Node], opened: Callable) -> dict[str, Held]:
    """The arrays in the values of a file by dotted name, those of many elements before them."""
    entries = [entry for name, node in nodes.items() for entry in _entries(name, (name,), node)]
    names = {name for name, _, _ in entries}
    held = {}
    for name, together, part in entries:
        while name in held:  # of two that are called alike, such as a.b and b in a
            name += "'"
        together = (*together, "[:]") if part.parts else together
        while together and "".join(together) not in names:
            together = together[:-1]
        held[name] = Held(
            part.shape,
            partial(_read, path, opened, name, part),
            part.kind == "number" and not part.reason,
            part.reason,
            "" if "".join(together) == name else "".join(together),
            part.least,
            part.note,
        )
    return held


def _read(path: Path, opened: Callable, name: str, part: Part) -> np.ndarray:
    """The values of an array; raises ValueError where they can't be read."""
    what = f"{name[:200]} of {path.name}"
    if part.reason:
        raise ValueError(f"{what} can't be read: it is {part.reason}")
    check_size(name, path, part.shape, part.itemsize)
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
                "all as many before saving, or load one of them"
            )
            yield f"{name}[:]", (*together, "[:]"), unreadable(reason, shape)
    elif kinds == {Part}:
        yield name, together, _joined(nodes, shape)
    else:
        names = {Part: "an array", dict: "a struct", list: "a cell", type(None): "nothing"}
        found = " or ".join(sorted(names[kind] for kind in kinds))
        reason = f"{found} in {len(nodes)} elements: save one kind, or load one of them"
        yield name, together, unreadable(reason, shape)


def _joined(parts: list[Part], shape: tuple[int, ...]) -> Part:
    """Arrays of one shape as one array. Beside single numbers an empty array is NaN, beside single
    strings ''; tables of numbers of which some are shorter along one axis end in NaN there.
    """
    reasons = [part.reason for part in parts if part.reason]
    if reasons:
        some = "" if len(reasons) == len(parts) else f"in {len(reasons)} of {len(parts)} elements "
        return unreadable(some + reasons[0], shape)
    filled = [part for part in parts if not part.empty]
    filled = filled or [part for part in parts if part.kind == "text"] or parts
    kinds = {part.kind for part in filled}
    if kinds == {"number", "complex"}:
        kinds = {"complex"}
    if len(kinds) > 1:
        found = " and ".join(sorted(kinds))
        reason = f"of mixed kinds ({found}): save one kind, or load one of them"
        return unreadable(reason, shape)
    kind = kinds.pop()
    inner = {_inner(part.shape) for part in filled}
    if inner != {()} and len({part.shape for part in parts}) > 1:
        sizes = {part.shape for part in parts}
        if kind == "number" and {len(size) for size in sizes} == {2}:
            for axis in (0, 1):
                equal = {size[1 - axis] for size in sizes}
                if len(equal) == 1 and equal.pop() > 1:
                    return _padded(parts, shape, axis)
        sizes = sorted({part.shape for part in parts}, key=lambda size: (np.prod(size), size))
        reason = (
            f"{len(parts)} arrays of unequal shape, from {sizes[0]} to {sizes[-1]}: cut or pad "
            "them to one shape before saving, or load one of them"
        )
        return unreadable(reason, shape)
    whole = shape + inner.pop()
    notes = [part.note for part in parts if part.note]
    note = f"in {len(notes)} of {len(parts)} elements {notes[0]}" if notes else ""
    itemsize = max(part.itemsize for part in filled)
    fetch = partial(_fetch_all, parts, kind, whole)
    return Part(whole, fetch, kind, note=note, itemsize=itemsize)


def _padded(parts: list[Part], shape: tuple[int, ...], axis: int) -> Part:
    """Tables that differ in length along one axis as one array, NaN where they have ended."""
    longest, least = (
        shape + tuple(map(function, *(part.shape for part in parts))) for function in (max, min)
    )
    note = (
        f"{len(parts)} arrays of {least[len(shape) + axis]} to {longest[len(shape) + axis]}: NaN "
        "where they have ended"
    )
    fetch = partial(_fetch_padded, parts, longest)
    return Part(longest, fetch, "number", least=least, note=note, itemsize=8)


def _fetch_padded(parts: list[Part], shape: tuple[int, ...], file: h5py.File | None) -> np.ndarray:
    whole = np.full((len(parts), *shape[-2:]), np.nan)
    for place, part in enumerate(parts):
        rows, columns = part.shape
        whole[place, :rows, :columns] = part.fetch(file).reshape(part.shape)
    return whole.reshape(shape)


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


def cell(nodes: list[Node]) -> Node:
    """The elements of a cell array; single numbers or single strings are one array."""
    if len(nodes) and all(isinstance(node, Part) and not node.parts for node in nodes):
        whole = _joined(nodes, (len(nodes),))
        filled = not all(node.empty and node.kind != "text" for node in nodes)
        if whole.fetch and whole.shape == (len(nodes),) and filled:
            return whole._replace(parts=tuple(nodes))
    return nodes


def foreign(kind: str) -> Part:
    """What a file holds in a form of MATLAB's own, known by its class alone."""
    what = "string array" if kind == "string" else kind[:60] or "object"
    return unreadable(
        f"a MATLAB {what}: save {WAYS.get(kind, 'its numbers, or struct(x)')} instead"
    )


def empty(shape: tuple[int, ...], kind: str) -> Part:
    """An array without values; a text of no letters is one string, ''."""
    if kind == "text":
        return Part((1,), lambda _: np.array([""]), "text", True)
    if 0 not in shape:
        return unreadable(f"said to be empty, with the shape {shape}")
    return Part(shape, lambda _: np.empty(shape), kind, True)


def native(values: np.ndarray) -> np.ndarray:
    """Values in this machine's order of bytes."""
    return values.astype(values.dtype.newbyteorder("="), copy=False)
