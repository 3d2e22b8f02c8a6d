"""Whether what came is the file that was meant, where no hash of it is published."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from simlib import validation
from simlib.datasets.own import first_bytes, mat_contents

HDF5 = b"\x89HDF"
FIRST = {".zip": (b"PK\x03\x04",), ".mat": (b"MATLAB", HDF5), ".nc": (b"CDF", HDF5)}


def check_content(path: Path, name: str, needs: Sequence[str]) -> None:
    """Refuse a file that is not of the type of `name`, is damaged, or lacks one of the arrays, or
    folders of an archive, that the recording `needs`.

    Archives are tested with their checksums. Raises ValueError that says what was found.
    """
    suffix = Path(name).suffix
    came = f"what came, {path.stat().st_size} bytes, is no {suffix} file"
    with path.open("rb") as file:
        first = file.read(8)
    if not first.startswith(FIRST[suffix]):
        raise ValueError(f"{came}: {first_bytes(path)}")
    try:
        held = _names(path, suffix)
    except Exception as error:  # a damaged file fails in many ways
        raise ValueError(f"{came} that can be read ({str(error)[:300]})") from error
    lacking = [need for need in needs if need not in held]
    if lacking:
        raise ValueError(
            f"{came} of this recording: it lacks {', '.join(lacking)} and holds "
            f"{validation.listed(sorted(held), most=5) or 'nothing'}"
        )


def _names(path: Path, suffix: str) -> set[str]:
    """The arrays of a file, or the folders of an archive, by name; raises for a damaged one."""
    if suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged:
                raise ValueError(f"{damaged} doesn't fit its checksum")
            return {part for name in archive.namelist() for part in Path(name).parts[:-1]}
    if suffix == ".mat":
        return {name.partition("[")[0].partition(".")[0] for name in mat_contents(path)}
    with xr.open_dataset(path) as opened:
        return set(map(str, opened.variables))
