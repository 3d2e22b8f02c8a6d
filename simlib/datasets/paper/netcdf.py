"""What the readers of netCDF files share: the one array of a file, and the units of a region."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.own import check_hdf5, refuse_unwritten


@contextmanager
def open_array(place: Path, dims: Sequence[str], needed: str) -> Iterator[xr.DataArray]:
    """The one array of a file that has these dimensions, not yet read; `needed` says them in words.

    Coordinates are all variables of the file along one of the dimensions. Raises ValueError, naming
    the file, when it is damaged, was not written to its end or holds another number of such arrays.
    """
    if h5py.is_hdf5(place):
        check_hdf5(place)
    try:
        opened = xr.open_dataset(place)
    except Exception as error:  # every engine fails in its own way
        raise ValueError(
            f"{place.name} can't be read as netCDF ({error}); fetch it anew"
        ) from error
    with opened:
        arrays = [array for array in opened.data_vars.values() if set(array.dims) == set(dims)]
        if len(arrays) != 1:
            held = [f"{name} {array.dims}" for name, array in opened.data_vars.items()]
            raise ValueError(f"{place.name} {needed}; it holds {', '.join(held) or 'no arrays'}")
        along = {
            name: coord
            for name, coord in opened.variables.items()
            if len(coord.dims) == 1 and coord.dims[0] in dims
        }
        found = arrays[0].reset_coords(drop=True).assign_coords(along)
        refuse_unwritten(place, found)
        yield found


def in_regions(regions: Sequence[str], found: xr.DataArray) -> np.ndarray:
    """Places of the units that lie in one of the regions; raises ValueError for one without any."""
    where = found.values.astype(str)
    for region in regions:
        validation.known("region", region, np.unique(where).tolist())
    return np.flatnonzero(np.isin(where, regions))
