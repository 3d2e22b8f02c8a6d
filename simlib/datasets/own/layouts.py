"""Arrays in a file as a recording: which one it is, what its axes are, and which arrays are its
labels.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS
from simlib.datasets.own.matlab import Held

USUAL = {2: ("trial", "neuron"), 3: DIMS}
# (number of axes, the one that has as many places as labels have values) -> axes of a recording
GUESSES = {
    (2, 0): ("trial", "neuron"),
    (2, 1): ("neuron", "trial"),
    (3, 0): ("trial", "time", "neuron"),
    (3, 1): DIMS,
    (3, 2): ("neuron", "time", "trial"),
}
SHOWN = 24  # arrays that an error lists


def assemble(
    held: Mapping[str, Held],
    name: str,
    values: str | None = None,
    dims: Sequence[str] | None = None,
    labels: Mapping[str, object] | None = None,
) -> xr.DataArray:
    """The array `values` of a file called `name` as a DataArray, its labels as coordinates along
    trial.

    `dims` names the axes in order: trial, neuron, time, and any others, which become conditions
    along trial; by default (time, trial, neuron) or (trial, neuron). Axes of length 1 need no name.
    `labels` are coordinate -> name of an array in the file, or values: one a trial, or one for each
    place of the axis of that name. Without `values` the array is `X`, and every other array with
    one value a trial is a label.

    Raises ValueError that shows what the file holds, and the call that would read it.
    """
    if values is None and "X" not in held:
        raise ValueError(
            f"{name} has no array X; it holds {_contents(held)}. Say which array is the recording, "
            f"what its axes are, and which arrays are labels; perhaps {_suggestion(name, held)}"
        )
    main = "X" if values is None else values
    validation.known("array", main, held, f"{name} holds {_contents(held)}")
    array = np.asarray(held[main].read())
    dims = tuple(dims) if dims is not None else USUAL.get(array.ndim, ())
    if len(dims) != array.ndim:
        array = array.squeeze()
        dims = dims or USUAL.get(array.ndim, ())
    if len(dims) != array.ndim or len(set(dims)) != len(dims):
        raise ValueError(
            f"{main} of {name} has the shape {held[main].shape}, and dims={dims!r} does not name "
            f"its axes one by one; perhaps {_suggestion(name, held, main)}"
        )
    data = xr.DataArray(array, dims=dims)
    if labels is None:
        every = _fitting(held, data.sizes.get("trial", 0)) if values is None else []
        labels = {key: key for key in every if key != main}
    inside = {key: value for key, value in labels.items() if key in dims and key not in DIMS}
    data = data.assign_coords(
        {key: (key, _column(held, value, name)) for key, value in inside.items()}
    )
    data = named_axes(data, dims)
    for key, value in labels.items():
        if key not in inside:
            found = _column(held, value, name)
            try:
                data = data.assign_coords(
                    {key: along_trial(found, data, f"the array {key!r} of {name}")}
                )
            except ValueError as error:
                raise ValueError(f"{error}; perhaps {_suggestion(name, held, main)}") from error
    return data


def along_trial(found: np.ndarray, data: xr.DataArray, what: str) -> tuple:
    """A label as a coordinate: one a trial, or one a time bin and trial."""
    if (
        found.ndim == 2
        and data.sizes.get("time", 1) > 1
        and found.shape == (data.sizes["time"], data.sizes["trial"])
    ):
        return ("time", "trial"), found
    dims = [dim for dim in DIMS if dim in data.dims]
    return "trial", validation.label_array(found, data.transpose(*dims).values, what)


def named_axes(data: xr.DataArray, dims: Sequence[str] | Mapping[str, str] | None) -> xr.DataArray:
    """The array with its axes renamed by `dims`; those with other names than time, trial, neuron
    stacked as trials.

    Nothing changes without `dims`. Raises ValueError for names that are not there, and when no axis
    is neuron.
    """
    if dims is None:
        return data
    renamed = dict(dims) if isinstance(dims, Mapping) else dict(zip(data.dims, dims, strict=False))
    unknown = [name for name in renamed if name not in data.dims]
    if unknown or (not isinstance(dims, Mapping) and len(dims) != data.ndim):
        raise ValueError(
            f"dims={dims!r} does not fit an array with the dimensions "
            f"{', '.join(map(str, data.dims))} and shape "
            f"{data.shape}; name all of them in order, or as old name -> new name"
        )
    data = data.rename({old: new for old, new in renamed.items() if old != new})
    extra = [dim for dim in data.dims if dim not in ("time", "neuron")]
    if "neuron" not in data.dims or not extra:
        raise ValueError(
            "one axis is neuron and another trial, or a condition; dims name "
            f"{', '.join(map(str, data.dims))}"
        )
    if extra == ["trial"]:
        return data
    stacked = data.stack(sample=extra).reset_index("sample").rename(sample="row")
    return stacked.drop_vars("trial", errors="ignore").rename(row="trial")


def selected(data: xr.DataArray, select: Mapping[str, object] | None) -> xr.DataArray:
    """The places of each axis that `select` names (slice, list of places or one place); nothing
    else is read.

    Raises ValueError for an axis that is not there.
    """
    for dim in select or {}:
        validation.known("axis to select from", dim, list(map(str, data.dims)))
    return data.isel(
        {
            dim: [int(place)] if np.ndim(place) == 0 and not isinstance(place, slice) else place
            for dim, place in (select or {}).items()
        }
    )


def _column(held: Mapping[str, Held], value: object, name: str) -> np.ndarray:
    """A label's values: an array of the file where `value` is its name, without axes of length
    1.
    """
    if isinstance(value, str):
        validation.known("array", value, held, f"{name} holds {_contents(held)}")
        value = held[value].read()
    found = np.asarray(value)
    return found.reshape(-1) if found.ndim > 1 and found.size == max(found.shape) else found


def _fitting(held: Mapping[str, Held], trials: int) -> list[str]:
    """Names of the arrays with one value a trial."""
    return [
        key
        for key, value in held.items()
        if trials > 1 and max(value.shape, default=0) == np.prod(value.shape) == trials
    ]


def _contents(held: Mapping[str, Held]) -> str:
    """The arrays with their shapes, the first ones where there are many."""
    listed = [f"{key} {value.shape}" for key, value in list(held.items())[:SHOWN]]
    more = len(held) - len(listed)
    return (", ".join(listed) or "nothing") + (f" and {more} more" if more > 0 else "")


def _suggestion(name: str, held: Mapping[str, Held], values: str | None = None) -> str:
    """A call that would read the file, guessed from the shapes: the largest array, and what fits
    its trials.
    """
    tables = {
        key: value
        for key, value in held.items()
        if value.numeric and sum(size > 1 for size in value.shape) > 1
    }
    values = values or max(tables, key=lambda key: np.prod(tables[key].shape), default=None)
    if values is None:
        return "another file: none of these is a table of numbers"
    shape = held[values].shape
    others = {key: value for key, value in held.items() if key != values}
    counts = [len(_fitting(others, size)) for size in shape]
    place = counts.index(max(counts, default=0)) if any(counts) else max(len(shape) - 2, 0)
    conditions = (f"condition_{k}" for k in range(len(shape) - 2))
    axes = GUESSES.get((len(shape), place), (*conditions, "trial", "neuron"))
    fits = _fitting(others, shape[axes.index("trial")]) if len(axes) == len(shape) else []
    given = f", labels={{'label': {fits[0]!r}}}" if fits else ""
    return f"load({name!r}, values={values!r}, dims={axes!r}{given})"
