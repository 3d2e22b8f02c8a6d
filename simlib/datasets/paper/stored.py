"""Processed recordings, kept in the cache folder under a hash of all they were made from."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import xarray as xr

from simlib import cache
from simlib.datasets.folders import cache_folder


def stored(
    name: str, settings: Mapping, raw: Iterable[Path], make: Callable[[], xr.DataArray]
) -> xr.DataArray:
    """What `make` gives, read from the cache folder when it was made before.

    It is made anew when the settings change, the content of the raw files, the versions of packages
    or the code that `make` can see (`cache.code`); also when the stored file is damaged.
    """
    files = [cache.checksums(place) for place in raw]
    key = cache.digest([dict(settings), files, cache.depends_on(make)])
    return cache.kept(
        cache_folder() / "processed" / f"{name}-{key[:24]}.nc",
        lambda path: xr.load_dataarray(path, engine="h5netcdf").rename("response"),
        make,
        lambda data, draft: data.to_netcdf(draft, engine="h5netcdf"),
    )
