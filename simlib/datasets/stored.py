"""Processed recordings, kept in the cache folder under a hash of all they were made from."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import xarray as xr

from simlib.datasets.folders import cache_folder

__all__ = ["replace_file", "stored"]

SHARED_CODE = ("arrays.py", "processing.py", "own/matlab.py")  # what every reader goes through


def stored(
    name: str, settings: Mapping, raw: Iterable[Path], make: Callable[[], xr.DataArray], code: str
) -> xr.DataArray:
    """What `make` gives, read from the cache folder when it was made before.

    The key covers the settings, the raw files (path, size, time of change) and the source files
    that make it (`code` and the shared ones): a change of any of them makes the recording anew. A
    stored file that can't be read is replaced.
    """
    key = fingerprint(name, settings, raw, code)
    place = cache_folder() / "processed" / f"{name}-{key[:24]}.nc"
    if place.exists():
        try:
            return xr.load_dataarray(place, engine="h5netcdf").rename("response")
        except (OSError, ValueError, KeyError):  # cut short by a full disk, say: made anew below
            pass
    data = make()
    replace_file(place, lambda path: data.to_netcdf(path, engine="h5netcdf"))
    return data


def fingerprint(name: str, settings: Mapping, raw: Iterable[Path], code: str) -> str:
    """sha256 (hex) of all that a processed recording depends on."""
    files = [
        file for place in raw for file in ([place] if place.is_file() else sorted(place.rglob("*")))
    ]
    stats = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    digest = hashlib.sha256(json.dumps([name, dict(settings), stats], sort_keys=True).encode())
    for source in [Path(code), *(Path(__file__).parent / shared for shared in SHARED_CODE)]:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def replace_file(place: Path, write: Callable[[str], object]) -> None:
    """Write a file whole or not at all: to a neighbour first, which then takes its place.

    A cache that can't be written (a full disk, a folder of someone else's) costs time, not the
    result.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            draft = os.path.join(folder, place.name)
            write(draft)
            os.replace(draft, place)
    except OSError:
        return
