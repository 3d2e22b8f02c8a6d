"""Processed recordings, kept in the cache folder under a hash of all they were made from."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import xarray as xr

from simlib import cache
from simlib.datasets.folders import cache_folder
from simlib.datasets.own import apart


def stored(
    name: str, place: Path, make: Callable[..., xr.DataArray], **settings: object
) -> xr.DataArray:
    """`make(place, **settings)`, read from the cache folder when it was made before. It is made in
    another process, of limited memory and time: it parses a file that was downloaded.

    It is made anew when the settings change, the content of the raw file or folder, the versions of
    packages or the code that `make` can see (`cache.code`); also when the stored file is damaged.
    Raises ValueError, and keeps nothing, where one of these changes meanwhile.
    """

    def place_of_it() -> Path:
        key = cache.digest([settings, cache.checksums(place), cache.depends_on(make)])
        return cache_folder() / "processed" / f"{name}-{key[:24]}.nc"

    return cache.kept(
        place_of_it,
        lambda path: xr.load_dataarray(path, engine="h5netcdf").rename("response"),
        partial(apart, make, place, **settings),
        lambda data, draft: data.to_netcdf(draft, engine="h5netcdf"),
    )
