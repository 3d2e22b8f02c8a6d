"""The axes of a recording: named in order, merged into trials and neurons, a part of them read."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS

SELECT = "select={'time': slice(0, 10), 'neuron': [0, 4]}"


def parsed(dims: Sequence) -> list[tuple[str, str]]:
    """(axis, what it is part of) of each axis that `dims` names: time, trial or neuron.

    Raises ValueError for what names no axes.

    >>> parsed(("image", ("neuron", "y", "x")))
    [('image', 'trial'), ('y', 'neuron'), ('x', 'neuron')]
    """
    dims = (dims,) if isinstance(dims, str) else dims
    if not isinstance(dims, Sequence) or any(one is None or np.ndim(one) > 1 for one in dims):
        raise ValueError(
            f"dims={dims!r}: it names the axes in order, dims=('trial', 'time', 'neuron'), and "
            "('neuron', 'channel', 'y', 'x') are three that are merged into neuron"
        )
    axes = []
    for one in dims:
        if np.ndim(one) == 0:
            one = str(one)
            axes.append((one, one if one in ("time", "neuron") else "trial"))
        else:
            role, *parts = map(str, one)
            validation.known("axis to merge into", role, DIMS)
            if not parts:
                raise ValueError(
                    f"dims={tuple(dims)!r}: {one!r} merges nothing; name the axes after what they "
                    "are merged into, ('neuron', 'channel', 'y', 'x')"
                )
            axes += [(part, role) for part in parts]
    return axes


def named_axes(data: xr.DataArray, dims: Sequence | Mapping | None) -> xr.DataArray:
    """The array with its axes named by `dims`, as `assemble` takes them, or old name -> new name;
    those with other names than time, trial and neuron are conditions along trial.

    Nothing changes without `dims`. Raises ValueError for names that are not there.
    """
    return data if dims is None else stacked(*renamed(data, dims))


def renamed(
    data: xr.DataArray, dims: Sequence | Mapping
) -> tuple[xr.DataArray, list[tuple[str, str]]]:
    """The array with its axes called by their new names, and what each is part of."""
    if isinstance(dims, Mapping):
        for old in dims:
            validation.known("dimension", old, list(map(str, data.dims)))
        new = [str(dims.get(dim, dim)) for dim in data.dims]
        merged = [new.count(name) > 1 for name in new]
        axes = [
            (str(old), name) if several else parsed([name])[0]
            for old, name, several in zip(data.dims, new, merged, strict=True)
        ]
    else:
        axes = parsed(dims)
    names = [axis for axis, _ in axes]
    if len(names) != data.ndim or len(set(names)) != len(names):
        raise ValueError(
            f"dims={dims!r} does not fit an array with the dimensions "
            f"{', '.join(map(str, data.dims))} and shape {data.shape}; name all of them in order, "
            "or as old name -> new name"
        )
    changed = {old: new for old, new in zip(data.dims, names, strict=True) if old != new}
    return data.rename(changed), axes


def stacked(data: xr.DataArray, axes: Sequence[tuple[str, str]]) -> xr.DataArray:
    """The array with the axes of trial, and of neuron, merged into one each; one neuron where no
    axis is.

    Raises ValueError without an axis of trials.
    """
    parts = {role: [axis for axis, of in axes if of == role] for role in DIMS}
    if not parts["trial"]:
        raise ValueError(
            f"dims name {', '.join(axis for axis, _ in axes)}: one axis is trial, or a condition. "
            "Where the samples are consecutive time bins, they are the trials: "
            "dims=('trial', 'neuron')"
        )
    for role, names in parts.items():
        if names and names != [role]:
            index = data.stack(merged_axis=names).reset_index("merged_axis")
            data = index.drop_vars(role, errors="ignore").rename(merged_axis=role)
    return data if parts["neuron"] else data.expand_dims("neuron", -1)


def selected(data: xr.DataArray, select: Mapping[str, object] | None) -> xr.DataArray:
    """The places of each axis that `select` names (slice, list of places or one place); nothing
    else is read.

    Raises ValueError for an axis or a place that is not there.
    """
    if not isinstance(select or {}, Mapping):
        raise ValueError(f"select={select!r}: it says which places of which axis, {SELECT}")
    chosen = {}
    for dim, place in (select or {}).items():
        validation.known("axis to select from", dim, list(map(str, data.dims)), SELECT)
        size = data.sizes[dim]
        try:
            chosen[dim] = np.atleast_1d(np.arange(size)[place])
        except (IndexError, TypeError, ValueError):
            chosen[dim] = np.empty(0)
        if chosen[dim].ndim != 1 or not chosen[dim].size:
            raise ValueError(
                f"select={{{dim!r}: {str(place)[:200]}}} are no places of {dim}, which are whole "
                f"numbers from 0 to {size - 1}: {SELECT}"
            )
        chosen[dim] = place if isinstance(place, slice) else chosen[dim]
    return data.isel(chosen)


def sized(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{axis} {size}" for axis, size in sizes.items())
