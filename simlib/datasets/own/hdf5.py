"""HDF5 files, MATLAB 7.3's among them: what they hold, by dotted names, read when asked for.

Axes are in MATLAB's order where MATLAB wrote them; plain HDF5 files keep the order in which they
are stored.
"""

import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from simlib.datasets.own.limits import check_kind, check_size
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
from simlib.datasets.own.unwritten import note_of, numbers, why_unwritten, written

NUMBERS = {
    "double",
    "single",
    "logical",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}
PLAIN = NUMBERS | {"", "char", "cell", "struct", "canonical empty"}
OWN = ("#refs#", "#subsystem#")  # groups of MATLAB's own, reached by references
COMPLEX = ("real", "imag")
OFTEN = 100  # times that a group is listed, under as many names


class Walk(NamedTuple):
    """The way to a group or dataset: the file's number, how often each group was listed, and the
    addresses of those that hold it.
    """

    file: int
    visits: Counter
    above: tuple[int, ...]


def hdf5_contents(path: Path) -> dict[str, Held]:
    """Every dataset of an HDF5 file, MATLAB 7.3's among them, by dotted name.

    Raises ValueError, naming the file, when it is damaged or of another type.
    """
    try:
        with h5py.File(path, "r") as file:
            root = h5py.h5o.get_info(file.id)
            items = {name: item for name, item in _items(file).items() if name not in OWN}
            walk = Walk(root.fileno, Counter(), (root.addr,))
            nodes = {name: _node(item, walk) for name, item in items.items()}
    except Exception as error:  # damage shows as OSError, KeyError, RuntimeError, ...
        raise ValueError(_damaged(path, error)) from error
    return named(path, nodes, partial(h5py.File, path, "r"))


def _damaged(path: Path, error: Exception) -> str:
    return (
        f"{path.name} can't be read as HDF5: {first_bytes(path)} ({str(error)[:300]}); copy "
        "or save it again"
    )


def _attribute(item: h5py.HLObject, name: str):
    """An attribute of a group or dataset, None where it has none."""
    return item.attrs[name] if h5py.h5a.exists(item.id, name.encode()) else None


def _class_of(item: h5py.HLObject) -> str:
    """MATLAB's class of a group or dataset; nothing for plain HDF5."""
    value = np.ravel(_attribute(item, "MATLAB_class") or "")[0]
    return value.decode() if isinstance(value, bytes) else str(value)


def _items(group: h5py.Group) -> dict[str, h5py.Group | h5py.Dataset | Part]:
    """What a group holds, by name; of a link that leads nowhere, the reason."""
    items = {}
    for name in group:
        try:
            outside = _outside(group, name)
            item = unreadable(outside) if outside else group[name]
        except (KeyError, OSError, RuntimeError):
            link = group.get(name, getlink=True)
            target = " ".join(getattr(link, part, "") for part in ("filename", "path")).strip()
            reason = f"a link to {target[:200] or 'an object'} that isn't there, or is damaged"
            item = unreadable(reason)
        if not isinstance(item, h5py.Datatype):
            text = name if isinstance(name, str) else name.decode(errors="backslashreplace")
            items[text] = item
    return items


def _outside(group: h5py.Group, name: str | bytes, steps: int = 0) -> str:
    """Where a link leads out of its file, or its links never end: why it isn't followed."""
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        where = Path(group.file.filename).parent / link.filename
        if not where.exists():
            return f"a link to {link.filename[:150]} {link.path[:50]} that isn't there"
        return f"a link into {str(where)[-200:]}: load that file"
    if not isinstance(link, h5py.SoftLink):
        return ""
    if steps > DEEPEST:
        return "a link that leads to itself"
    here = group.file["/"] if link.path.startswith("/") else group
    for part in filter(None, link.path.split("/")):
        outside = "" if part == "." else _outside(here, part, steps + 1)
        if outside:
            return outside
        here = here[part]
    return ""


def _elsewhere(item: h5py.Dataset) -> str:
    """Where a dataset takes its values from other files than those beside it: why it isn't read."""
    if item.external:
        where = str(item.external[0][0])[-200:]
        return f"kept in another file, {where}: save it with its values inside"
    if not item.is_virtual:
        return ""
    folder = Path(os.path.abspath(item.file.filename)).parent
    for source in item.virtual_sources():
        if source.file_name == ".":
            continue
        place = Path(os.path.normpath(folder / source.file_name))
        if not place.is_relative_to(folder):
            return f"a view of another folder, {source.file_name[-200:]}: save its values"
        if place.exists():
            check_kind(place)
            with h5py.File(place, "r") as file:
                outside = _outside(file, source.dset_name) or _elsewhere(file[source.dset_name])
            if outside:
                return f"a view of what is {outside}"
    return ""


def check_hdf5(path: Path, within: Sequence[str] = ()) -> None:
    """Refuse an HDF5 file that leads into others, or holds arrays along one axis that are too large
    to read; only what lies `within` some of its groups counts, if any are named.
    """
    try:
        _check_links(path, within)
    except ValueError:
        raise
    except Exception as error:  # damage shows as OSError, KeyError, RuntimeError, ...
        raise ValueError(_damaged(path, error)) from error


def _check_links(path: Path, within: Sequence[str]) -> None:
    with h5py.File(path, "r") as file:
        names = []
        file.id.links.visit(lambda name: names.append(name.decode(errors="surrogateescape")))
        for name in names:
            if within and name.split("/")[0] not in within:
                continue
            above, _, last = name.rpartition("/")
            group = file[above or "/"]
            outside = _outside(group, last)
            item = None if outside else group.get(last)
            if isinstance(item, h5py.Dataset):
                outside = _elsewhere(item)
                if item.ndim < 2:
                    check_size(name, path, item.shape or (), item.dtype.itemsize)
            if outside:
                raise ValueError(f"{name[:200]} of {path.name} isn't read: it is {outside}")


def _node(item: h5py.Group | h5py.Dataset | Part, walk: Walk) -> Node:
    """A group or dataset as a value; links and references that never end are cut."""
    if isinstance(item, Part):
        return item
    try:
        info, kind = h5py.h5o.get_info(item.id), _class_of(item)
        if info.fileno != walk.file:
            return unreadable(f"a link into {item.file.filename[-200:]}: load that file")
        if info.addr in walk.above:
            return unreadable("a link back to a group that holds it")
        if len(walk.above) >= DEEPEST:
            return unreadable(f"nested more than {DEEPEST} deep: save it flat")
        if kind not in PLAIN or (kind and _attribute(item, "MATLAB_object_decode")):
            return foreign(kind)
        walk = walk._replace(above=(*walk.above, info.addr))
        if isinstance(item, h5py.Dataset):
            return _dataset(item, kind, walk)
        walk.visits[info.addr] += 1
        if walk.visits[info.addr] > OFTEN:
            return unreadable(f"a link to a group that {OFTEN} others lead to")
        return _group(item, kind, walk)
    except Exception as error:  # damage shows as OSError, KeyError, RuntimeError, ...
        return unreadable(f"damaged ({str(error)[:200]}): save the file again")


def _group(group: h5py.Group, kind: str, walk: Walk) -> Node:
    """A struct, an array of structs, a sparse matrix, or a plain group."""
    items = _items(group)
    if h5py.h5a.exists(group.id, b"MATLAB_sparse"):
        shape = (int(group.attrs["MATLAB_sparse"]), group["jc"].size - 1)
        kinds = "complex" if "data" in items and group["data"].dtype.names else "number"
        fetch = partial(_fetch_sparse, group.ref, shape, kind == "logical")
        return Part(shape, fetch, kinds, 0 in shape, itemsize=1 if kind == "logical" else 8)
    if kind == "struct" and all(map(_is_column, items.values())):
        columns = {name: _targets(column, walk) for name, column in items.items()}
        counts = set(map(len, columns.values()))
        if len(counts) == 1:
            nodes = [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]
            return nodes[0] if len(nodes) == 1 else nodes
    fields = {name: _node(item, walk) for name, item in items.items()}
    return fields or unreadable("a struct without fields" if kind else "a group without arrays")


def _is_column(item: h5py.Group | h5py.Dataset | Part) -> bool:
    """Whether it holds references to one field of every struct of an array of structs."""
    if not isinstance(item, h5py.Dataset) or item.shape is None or item.size == 0:
        return False
    return h5py.check_ref_dtype(item.dtype) is h5py.Reference and not _class_of(item)


def _targets(item: h5py.Dataset, walk: Walk, plain: bool = False) -> list[Node]:
    """What references lead to; HDF5's order is MATLAB's column order. Only MATLAB's form a tree:
    those of plain files are followed to arrays alone.
    """
    nodes = []
    file = item.file
    for reference in item[()].ravel():
        try:
            target = file[reference]
        except (ValueError, KeyError, OSError, RuntimeError):
            nodes.append(unreadable("a reference that leads nowhere"))
            continue
        if plain and (isinstance(target, h5py.Group) or h5py.check_ref_dtype(target.dtype)):
            nodes.append(unreadable(f"a reference to {target.name}: load what that holds"))
        else:
            nodes.append(_node(target, walk))
    return nodes


def _dataset(item: h5py.Dataset, kind: str, walk: Walk) -> Node:
    """A dataset: numbers, text, or references to the elements of a cell array."""
    dtype = item.dtype
    text = kind == "char" or h5py.check_string_dtype(dtype) is not None
    if _attribute(item, "MATLAB_empty"):
        shape = tuple(int(size) for size in item[()].ravel())
        return empty(shape, "text" if text else "number" if kind in NUMBERS else "other")
    if item.shape is None:
        return empty((0,), "number")
    reference = h5py.check_ref_dtype(dtype)
    if reference is h5py.RegionReference:
        return unreadable("references to regions: save the values", item.shape)
    plain = kind != "char" and not _enumerated(dtype) and dtype.kind in "biuf"
    missing = _elsewhere(item) or _missing(item) or why_unwritten(item, may_lack=plain)
    if missing:
        return unreadable(missing, _shape(item, kind))
    if reference or h5py.check_vlen_dtype(dtype):
        check_size(item.name, Path(item.file.filename), item.shape, dtype.itemsize)
    if reference:
        return (
            cell(_targets(item, walk, not kind))
            if item.size
            else empty(_shape(item, kind), "other")
        )
    if kind == "char":
        return _letters(item)
    lengths = h5py.check_vlen_dtype(dtype)
    if isinstance(lengths, np.dtype) and lengths.kind in set("biuf"):
        return cell([_vector(value) for value in item[()].ravel()])
    if dtype.names and dtype.names != COMPLEX:
        return {
            name: _values(item, kind, dtype[name].base, item.shape + dtype[name].shape, name)
            for name in dtype.names
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
        return empty(shape, "text")
    count = int(np.prod(shape)) // (shape[1] if len(shape) > 1 else 1)
    fetch = partial(_fetch_letters, item.ref)
    return Part((count,), fetch, "text", itemsize=2 * int(np.prod(shape)) // count)


def _values(
    item: h5py.Dataset, kind: str, dtype: np.dtype, shape: tuple[int, ...], field: str | None
) -> Part:
    """Numbers or strings of a dataset, or of one field of its rows."""
    if _enumerated(dtype) or h5py.check_string_dtype(dtype) is not None:
        kinds = "text"
    elif dtype.names == COMPLEX or dtype.kind == "c":
        kinds = "complex"
    elif dtype.kind in "biuf":
        kinds = "number"
    else:
        return unreadable(f"of the type {str(dtype)[:100]}: save numbers or strings", shape)
    fetch = partial(_fetch_values, item.ref, kind, field)
    note = note_of(item) if kinds == "number" else ""
    return Part(shape, fetch, kinds, 0 in shape, note=note, itemsize=dtype.itemsize)


def _enumerated(dtype: np.dtype) -> dict[str, int] | None:
    """The names of values that stand for words; None where they are numbers, or true and false."""
    return h5py.check_enum_dtype(dtype) if dtype.kind != "b" else None


def _fetch_sparse(
    reference: h5py.Reference, shape: tuple[int, int], logical: bool, file: h5py.File
) -> np.ndarray:
    group = file[reference]
    full = "data" in group  # MATLAB leaves it out where all is zero
    for name in ("data", "ir", "jc"):
        if name in group:
            written(group[name])
    data = _complete(group["data"][()]) if full else np.empty(0)
    rows = group["ir"][()].astype(np.int64) if full else np.empty(0, dtype=np.int64)
    columns = np.repeat(np.arange(shape[1]), np.diff(group["jc"][()].astype(np.int64)))
    if not len(rows) == len(columns) == len(data) or (rows < 0).any():
        raise ValueError("its rows, columns and values don't fit each other")
    dense = np.zeros(shape, dtype=bool if logical else data.dtype)
    dense[rows, columns] = data
    return dense


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
    values = numbers(item) if field is None else np.asarray(item[field])
    if h5py.check_string_dtype(dtype.base) is not None:
        texts = [one.decode() if isinstance(one, bytes) else str(one) for one in values.ravel()]
        return np.array([text.rstrip(" \0") for text in texts], dtype=str).reshape(values.shape)
    names = _enumerated(dtype.base)
    if names:
        known = {code: name for name, code in names.items()}
        texts = [known.get(code, str(code)) for code in values.ravel().tolist()]
        return np.array(texts, dtype=str).reshape(values.shape)
    values = native(_complete(values))
    values = values.astype(bool) if kind == "logical" and values.dtype.kind in "iu" else values
    return values.T if kind else values
