"""Zarr stores, looked at before Zarr opens them: nothing in one is executed, nor leads out of it.

The metadata of an array name the codecs that its chunks went through, and Zarr would make any that
is registered, `pickle` among them. They are read here as JSON, and only codecs that turn bytes into
numbers and strings pass.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from simlib import validation
from simlib.datasets.own.limits import check_size

CODECS = set(
    "adler32 astype bitround blosc bytes bz2 categorize crc32 crc32c delta endian fixedscaleoffset "
    "fletcher32 gzip jenkins_lookup3 lz4 lzma packbits pcodec quantize sharding_indexed shuffle "
    "transpose vlen-array vlen-bytes vlen-utf8 zfpy zlib zstd".split()
)
METADATA = (".zarray", ".zgroup", ".zattrs", ".zmetadata", "zarr.json")
LISTS = ("codecs", "index_codecs", "filters", "compressor", "compressors", "storage_transformers")


def check_store(path: Path) -> None:
    """Refuse a store with links out of it, with codecs that may run code or that nobody knows, with
    consolidated metadata that differ from those of its arrays, or of a size that can't be.
    """
    alone, together = {}, {}
    for file in _files(path):
        if file.name in METADATA:
            place = file.parent.relative_to(path).as_posix()
            found = _json(file, path)
            for name, array in _arrays(file.name, found):
                inside = _inside(place, name or "", path)
                if array is not None:
                    (alone if name is None else together)[inside] = array
    for name, array in {**together, **alone}.items():
        kept = alone.get(name, array)
        for one in (kept, together.get(name, kept)):
            _check_array(name, one, path)
        if _described(together.get(name, kept)) != _described(kept):
            raise ValueError(
                f"{path.name} says of {name!r} in its consolidated metadata something else than in "
                "the array's own: write them again with zarr.consolidate_metadata(path)"
            )


def _files(path: Path) -> Iterator[Path]:
    """All files of a store; refuses links that lead out of it, and what is no file."""
    root = path.resolve()
    for folder, folders, names in os.walk(path):
        for name in (*folders, *names):
            file = Path(folder, name)
            mode = file.lstat().st_mode
            if stat.S_ISLNK(mode):
                if not file.resolve().is_relative_to(root):
                    raise ValueError(
                        f"{file.relative_to(path)} in {path.name} is a link out of the store, to "
                        f"{str(os.readlink(file))[-200:]}: put a copy in its place"
                    )
            elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise ValueError(
                    f"{file.relative_to(path)} in {path.name} is a pipe, a socket or a device, and "
                    "a store holds files"
                )
        yield from (Path(folder, name) for name in names)


def _json(file: Path, path: Path) -> dict:
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, OSError, RecursionError) as error:
        raise ValueError(
            f"{file.relative_to(path)} in {path.name} can't be read as JSON ({str(error)[:150]}); "
            "copy or save the store again"
        ) from error
    if not isinstance(found, dict):
        raise ValueError(f"{file.relative_to(path)} in {path.name} holds no metadata of Zarr")
    return found


def _arrays(kind: str, found: dict) -> Iterator[tuple[str | None, dict | None]]:
    """What a file of metadata describes: itself, an array (None), or what is below it by name, of
    an array what it is.
    """
    if kind == ".zarray" or found.get("node_type") == "array":
        yield None, found
    whole = found if kind == ".zmetadata" else found.get("consolidated_metadata") or {}
    listed = whole.get("metadata", {}) if isinstance(whole, Mapping) else {}
    for name, array in listed.items() if isinstance(listed, Mapping) else ():
        name, _, end = name.rpartition("/") if kind == ".zmetadata" else (name, "", "zarr.json")
        is_array = end == ".zarray" or (end == "zarr.json" and "shape" in array)
        yield name, array if is_array else None


def _inside(place: str, name: str, path: Path) -> str:
    """The place of an array in its store; refuses names that lead out of it."""
    if {"..", "."} & {*name.split("/")} or name.startswith("/") or "\\" in name:
        raise ValueError(
            f"{path.name} names an array {name[:200]!r}, which leads out of the store: write its "
            "metadata again with zarr.consolidate_metadata(path)"
        )
    return "/".join(part for part in (*place.split("/"), *name.split("/")) if part not in ("", "."))


def _check_array(name: str, array: dict, path: Path) -> None:
    unknown = sorted(set(_codecs(array)) - CODECS)
    if unknown:
        what = "runs code" if "pickle" in unknown else "may hold more than numbers and strings"
        raise ValueError(
            f"the array {name[:200]!r} of {path.name} went through the codec "
            f"{validation.listed(unknown, most=5, width=60)}, which {what} when it is read: load "
            "never does. In a program that trusts it, save numbers or strings with blosc, zstd or "
            "gzip"
        )
    if "shape" not in array:
        return
    shape = array["shape"]
    grid = array.get("chunk_grid") or {}
    chunks = array.get("chunks") or grid.get("configuration", {}).get("chunk_shape", [])
    itemsize = _itemsize(array.get("dtype", array.get("data_type")))
    if len(shape) < 2:  # those along axes are read when the store is opened
        check_size(f"the array {name!r}", path, shape, itemsize)
    check_size(f"a chunk of the array {name!r}", path, chunks, itemsize)


def _codecs(value: object, inside: bool = False) -> Iterator[str]:
    """Names of the codecs in the metadata of an array, also of those within others."""
    if isinstance(value, list):
        for one in value:
            yield from _codecs(one, inside)
    elif isinstance(value, Mapping):
        if inside:
            called = str(value.get("id", value.get("name", "of no name"))).lower()
            yield called.removeprefix("numcodecs.")
            value = value.get("configuration", {})
        for key, one in value.items() if isinstance(value, Mapping) else ():
            if key in LISTS:
                yield from _codecs(one, True)
    elif inside and value is not None:
        yield str(value).lower()


def _itemsize(dtype: object) -> int:
    if isinstance(dtype, Mapping):  # of Zarr's own, as text of a fixed length
        length = (dtype.get("configuration") or {}).get("length_bytes")
        return length if isinstance(length, int) else 8
    try:
        return np.dtype(dtype).itemsize or 1
    except (TypeError, ValueError):  # a list of fields, or a name of Zarr's own
        return 8


def _described(array: dict) -> dict:
    """What decides how an array's bytes are read."""
    return {key: value for key, value in array.items() if key != "attributes"}
