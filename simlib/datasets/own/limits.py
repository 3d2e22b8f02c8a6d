"""What reading a file may take: memory and time, and the sizes that a file says it has.

A file of a few bytes can say that it holds terabytes. So sizes are held against what may be read
before any memory is taken: half of what the machine has available, since values are held twice
while they are handed over, and no more than `RATIO` times what the file takes on disk, which data
seldom exceed, beyond the first `SMALL` bytes. SIMLIB_READ_GB is another limit, in the place of
both, and SIMLIB_READ_SECONDS one of time.
"""

import math
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

SMALL = 2**30  # bytes
RATIO = 500
LOOKED_AT = 2**24  # bytes; what is smaller is worth no look at memory and disk
SECONDS, SECONDS_PER_MB = 120, 1  # a slow network gives some MB a second
LEAST = 4 * 2**30  # of address space, of which threads and libraries reserve more than they use


def _said(variable: str) -> float | None:
    """A limit of the user's, a number above 0; None without one."""
    text = os.environ.get(variable, "").strip()
    try:
        number = float(text) if text else None
    except ValueError:
        number = math.nan
    if number is not None and not 0 < number < math.inf:
        raise ValueError(f"{variable}={text[:100]!r} needs a number above 0")
    return number


def size_on_disk(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*"))


def seconds(path: Path) -> float:
    """How long reading a file may take: `SECONDS`, and `SECONDS_PER_MB` for each MB of it."""
    return _said("SIMLIB_READ_SECONDS") or SECONDS + SECONDS_PER_MB * size_on_disk(path) / 1e6


def readable(taken: float) -> tuple[float, str]:
    """How many bytes may be read of data that take so many on disk, and where that is from."""
    asked = _said("SIMLIB_READ_GB")
    if asked:
        return asked * 1e9, "SIMLIB_READ_GB"
    memory, packed = psutil.virtual_memory().available / 2, max(SMALL, RATIO * taken)
    if memory < packed:
        return memory, "half of the memory that is available"
    return packed, f"{RATIO} times the {taken / 1e6:.3g} MB that it takes, or {SMALL / 1e9:.2g} GB"


def check_size(
    what: str,
    of: Path | str,
    shape: Sequence[int],
    itemsize: int,
    way: str = "save a part of it",
    taken: float = math.inf,
) -> None:
    """Refuse an array that is too large to read: `what` it is, `of` which file, `way` what to do.

    A path is asked for the bytes that it takes, which are `taken` otherwise.
    """
    size = math.prod(map(int, shape)) * max(itemsize, 1)
    if size <= LOOKED_AT:
        return
    path = of if isinstance(of, Path) else None
    limit, reason = readable(taken if path is None else size_on_disk(path))
    if size > limit:
        sizes = ", ".join(str(int(one)) for one in list(shape)[:12])
        raise ValueError(
            f"{what[:200]} of {of if path is None else path.name} is said to have the shape "
            f"({sizes}), {size / 1e9:.4g} GB, and at most {limit / 1e9:.3g} GB are read ({reason})."
            f" Where this is a mistake or damage, save it again; where it is meant, {way}, or set "
            "SIMLIB_READ_GB to the GB that may be read"
        )


def check_kind(path: Path) -> None:
    """Refuse what is neither a file nor a folder: opening a pipe waits without an end."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        kinds = {stat.S_ISFIFO: "pipe", stat.S_ISSOCK: "socket"}
        kind = next((kind for test, kind in kinds.items() if test(mode)), "device")
        raise ValueError(
            f"{path.name} is a {kind}, not a file: write what comes from it into a file, and load "
            "that"
        )


@contextmanager
def limited_memory() -> Iterator[None]:
    """This process with no more memory than it has now and the machine has available, on Linux."""
    if sys.platform != "linux":
        yield
        return
    import resource

    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    asked = (_said("SIMLIB_READ_GB") or 0) * 2e9
    more = max(LEAST, int(asked), psutil.virtual_memory().available)
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = held + more
    limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, most))
