"""Where files are kept: what simlib makes, and the original recordings."""

import os
import warnings
from pathlib import Path

# pooch brings tqdm's notebook variant, which warns where widgets aren't installed
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pooch

__all__ = ["cache_folder", "data_folder", "recording_file", "shared_folder"]


def cache_folder() -> Path:
    """Folder of what simlib makes: SIMLIB_CACHE, or the system's folder for caches."""
    return Path(os.environ.get("SIMLIB_CACHE") or pooch.os_cache("simlib"))


def data_folder() -> Path:
    """Folder of the original recordings: SIMLIB_DATA, or the cache folder."""
    return Path(os.environ.get("SIMLIB_DATA") or cache_folder())


def recording_file(path: str | os.PathLike) -> Path:
    """Where a recording of the user's own lies: the file SIMLIB_RECORDING where `path` is its bare
    name, else `path`. So a page made for a file names it and no folder of this machine.
    """
    named = Path(os.environ.get("SIMLIB_RECORDING", ""))
    return named if str(path) == named.name else Path(path)


def shared_folder() -> Path:
    """Folder of files that are not part of this project: SIMLIB_SHARED, or `shared` beside this
    checkout.
    """
    return Path(os.environ.get("SIMLIB_SHARED") or Path(__file__).resolve().parents[3] / "shared")
