"""The original files of recordings: where they are on this machine, or how they get there.

Raw files live in the folder that SIMLIB_DATA names, one folder a recording, else in the cache
folder. What was downloaded is made read-only, and its sha256 is written beside it: a file
that doesn't fit that is set aside and fetched anew.
"""

import json
import os
import warnings
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pooch

from simlib import cache
from simlib.datasets.folders import data_folder
from simlib.datasets.made import SURROGATES
from simlib.datasets.paper.contents import check_content
from simlib.datasets.paper.transfer import transfer


class Source(NamedTuple):
    """Where a recording's original file comes from."""

    url: str
    file: str  # its name here
    known_hash: str | None  # as pooch takes it, "sha1:..."; None where no hash is known
    needs: tuple[str, ...] = ()  # arrays, or folders of an archive, that tell it where none is


SUFFIXES = (".mat", ".nc", ".zip")  # of original files
DAD = "https://raw.githubusercontent.com/KordingLab/DAD/2f2059798cf599df5839a704682a18958811e13b"
SOURCES: dict[str, Source] = {
    "mante2013": Source(
        "https://www.ini.uzh.ch/dam/jcr:ca4213cf-1692-4c3d-8aeb-d4c5081d2fd1/PFC%20data.zip",
        "PFC data.zip",
        None,
        ("PFC data 1", "PFC data 2"),
    ),
    "hatsopoulos2007": Source(
        "https://datadryad.org/stash/downloads/file_stream/397190",
        "hatsopoulos2007.mat",
        None,
        ("spikes", "stmv_cell"),
    ),
    "majajhong2015": Source(
        "https://brainio-brainscore.s3.amazonaws.com/assy_dicarlo_MajajHong2015_public.nc",
        "assy_dicarlo_MajajHong2015_public.nc",
        "sha1:13d28ca0ce88ee550b54db3004374ae19096e9b9",
    ),
    "freemanziemba2013": Source(
        "https://s3.amazonaws.com/brainio.contrib/assy_movshon_FreemanZiemba2013_public.nc",
        "assy_movshon_FreemanZiemba2013_public.nc",
        "sha1:761c08f796db4e342555cdb60eef23a4f19ead43",
    ),
    "dyer2017": Source(
        f"{DAD}/data/demo/mihi_demo.mat",
        "mihi_demo.mat",
        "sha256:907bc78863d9488ef352eaad8af8296bc28484d5a49591309b1c8576c6009f8c",
    ),
}


def is_here(name: str) -> bool:
    """Whether an original file lies in the recording's folder."""
    return any(path.suffix in SUFFIXES for path in (data_folder() / name).rglob("*"))


def locate(name: str, path: str | os.PathLike | None, suffix: str, several: bool = False) -> Path:
    """The one original file of the recording `name`, downloaded if need be.

    `path` is the file or its folder; without it, the folder `name` of SIMLIB_DATA or the cache
    folder. A recording of `several` files is its folder.

    Raises FileNotFoundError that says where to get the file and put it, also for a folder with
    several files of that suffix where one is wanted.
    """
    place = Path(path) if path is not None else data_folder() / name
    if place.is_file():
        return place
    found = sorted(place.rglob(f"*{suffix}")) if place.is_dir() else []
    files = [file for file in found if path is not None or is_as_downloaded(file)]
    if several and place.is_dir() and (path is not None or files):
        return place
    if len(files) == 1:
        return files[0]
    if files:
        raise FileNotFoundError(
            f"{place} holds {len(files)} {suffix} files; pass the one you mean as path=..."
        )
    if path is None and name in SOURCES:
        return download(name)
    raise FileNotFoundError(
        f"{name} needs its original file, and {place} "
        f"{'holds none' if place.exists() else 'does not exist'}. {_way_out(name)}"
    )


def _way_out(name: str) -> str:
    """What to do where a recording can't be fetched."""
    double = f"surrogate-{name}"
    instead = f". Without it there is {double}, of the same spectrum and design"
    return (
        f"Where there is a network, `make data NAME={name}` fetches it. Or download "
        f"{SOURCES[name].url} by other means and put it into {data_folder() / name} (the "
        f"environment variable SIMLIB_DATA names another folder than {data_folder()}), or pass it "
        f"as path=...{instead if double in SURROGATES else ''}"
    )


def download(name: str) -> Path:
    """Fetch a recording's original file into its folder, and return it; what is there already is
    kept.

    Goes on where an attempt was cut short if the file is still the same, shows a progress bar, and
    checks the hash where one is published, else the content: the type, the checksums of an archive,
    what the recording needs of it. URL, size and sha256 are recorded beside the file; a later
    download of another content is said in a warning. SIMLIB_OFFLINE=1 forbids it.

    Raises:
        FileNotFoundError: saying what to do, when it can't be fetched or is not the published file.
        ValueError: for a name without a public file.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.download("mante2013")  # doctest: +SKIP
        PosixPath('.../mante2013/PFC data.zip')
        >>> sl.datasets.download("siegel2015")
        Traceback (most recent call last):
        ValueError: siegel2015 has no public file to download; those that have: mante2013, ...
    """
    if name not in SOURCES:
        raise ValueError(
            f"{name} has no public file to download; those that have: {', '.join(SOURCES)}"
        )
    source, folder = SOURCES[name], data_folder() / name
    target = folder / source.file
    if target.exists() and is_as_downloaded(target):
        return target
    keeper = pooch.create(
        folder,
        base_url="",
        registry={source.file: source.known_hash},
        urls={source.file: source.url},
    )
    before = _recorded(target)
    check = partial(check_content, name=source.file, needs=source.needs)
    fetch(keeper, name, _way_out(name), **({} if source.known_hash else {"check": check}))
    record = {
        "url": source.url,
        "bytes": target.stat().st_size,
        "sha256": pooch.file_hash(str(target)),
        "published_hash": source.known_hash or "none",
    }
    if before not in ("", record["sha256"]):
        warnings.warn(
            f"{source.url} gives another file than before, of sha256 {record['sha256'][:16]}... "
            f"and not {before[:16]}...: results from it may differ",
            stacklevel=2,
        )
    text = json.dumps(record, indent=1) + "\n"
    cache.write(target.with_name(f"{target.name}.json"), lambda draft: draft.write_text(text))
    return target


def _recorded(path: Path) -> str:
    """The sha256 of a file when it was downloaded; "" where none is recorded. A record that can't
    be read is set aside.
    """
    record = path.with_name(f"{path.name}.json")
    if not record.is_file():
        return ""
    try:
        return str(json.loads(record.read_text())["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        cache.set_aside(record, f"{type(error).__name__}")
        return ""


def is_as_downloaded(path: Path) -> bool:
    """Whether a file is the one that was downloaded, where that is recorded; else it is set aside,
    as is a record that can't be read.
    """
    known = _recorded(path)
    if known in ("", cache.sha256(path)):
        return True
    cache.set_aside(path, f"it is not the file that was downloaded, of sha256 {known[:16]}...")
    return False


def fetch(keeper: pooch.Pooch, what: str, way_out: str, **options) -> None:
    """Download the files of `keeper`, with the options of `transfer`; raises FileNotFoundError that
    says what to do if it can't.
    """
    if os.environ.get("SIMLIB_OFFLINE", "0") not in ("", "0"):
        raise FileNotFoundError(
            f"{what} could not be found here, and SIMLIB_OFFLINE forbids downloads. {way_out}"
        )
    try:
        for file in keeper.registry_files:
            keeper.fetch(file, downloader=partial(transfer, **options))
            if (path := Path(keeper.path) / file).is_file():
                path.chmod(0o444 & ~_umask())
    except (OSError, ValueError) as error:  # no network, no such file, no room; another hash
        raise FileNotFoundError(f"{what} could not be downloaded ({error}). {way_out}") from error


def _umask() -> int:
    """What the user's files are not to be; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
