"""The one type every dataset has: a DataArray (time, trial, neuron) that knows what is decoded from
it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import xarray as xr

from simlib import trials, validation
from simlib.trials import fold_groups, task_variables

__all__ = [
    "DIMS",
    "data_hash",
    "few_samples",
    "fills_samples",
    "labels",
    "left_out",
    "recording",
    "silent",
    "trial_coordinates",
]

DIMS = ("time", "trial", "neuron")


def recording(
    values: np.ndarray,
    coordinates: Mapping[str, Sequence | np.ndarray] | None = None,
    *,
    name: str,
    title: str,
    source: str,
    citation: str,
    licence: str = "not stated",
    surrogate: bool = False,
    task_variables: Sequence[str] = (),
    main_variable: str = "",
    sample_kind: str = "trials",
    groups: str = "",
    processing: Mapping | None = None,
    time: np.ndarray | None = None,
    constant: bool = False,
) -> xr.DataArray:
    """A checked recording, (time, trial, neuron), with every attribute that recordings have.

    Args:
        values: (time, trial, neuron), or (trial, neuron) for a single time bin.
        coordinates: name -> one value a trial.
        name, title, source, citation, licence: whose data these are; `surrogate`: or whose double.
        task_variables: the coordinates to decode; `main_variable` is what a figure shows first.
        sample_kind: what a sample along trial is: "trials", "averages" or "time bins".
        groups: the coordinate whose trials stay in one fold.
        processing: settings and counts, kept as a JSON string, so that all survives a netCDF file.
        time: bin centres in s.
        constant: whether nothing needs to vary.

    Raises:
        ValueError: for a wrong number of axes, values that are not finite, neurons that are all
            constant, and coordinates of the wrong length.

    Example:
        >>> import numpy as np, simlib as sl
        >>> facts = {"name": "mine", "title": "Mine", "source": "made up", "citation": ""}
        >>> X = sl.datasets.recording(np.array([[0.0, 1.0], [1.0, 3.0]]), {"hit": [0, 1]}, **facts)
        >>> X.dims, X.shape
        (('time', 'trial', 'neuron'), (1, 2, 2))
    """
    values = three_axes(values)
    if constant:
        validation.finite(values)
    else:
        usable(values)
    coords = {
        key: ("trial", validation.label_array(value, values, key))
        for key, value in (coordinates or {}).items()
    }
    if time is not None:
        coords["time"] = ("time", np.asarray(time, dtype=float))
    attrs = {
        "name": name,
        "title": title,
        "source": source,
        "licence": licence,
        "citation": citation,
        "surrogate": int(surrogate),
        "task_variables": json.dumps(list(task_variables)),
        "main_variable": main_variable,
        "sample_kind": sample_kind,
        "groups": groups,
        "processing": json.dumps(dict(processing or {}), sort_keys=True),
    }
    return xr.DataArray(values, dims=DIMS, coords=coords, name="response", attrs=attrs)


def three_axes(values: np.ndarray) -> np.ndarray:
    """Numbers as (time, trial, neuron); two axes are trials in a single time bin.

    Raises ValueError on another number of axes, an empty axis, or values that are not real numbers.
    """
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"a recording holds real numbers; got values of type {values.dtype}")
    if values.ndim not in (2, 3):
        raise ValueError(
            "a recording is (time, trial, neuron), or (trial, neuron) for one time bin; got "
            f"{values.ndim} axes, shape {values.shape}"
        )
    if 0 in values.shape:
        raise ValueError(
            f"a recording has at least one time bin, trial and neuron; got shape {values.shape}"
        )
    values = values if values.ndim == 3 else values[None]
    # other types, and numbers in the byte order of another machine, are of no use to torch
    return np.asarray(
        values, dtype=np.float32 if values.dtype.newbyteorder("=") == np.float32 else np.float64
    )


def usable(values: np.ndarray) -> None:
    """Refuse values that are not finite, and recordings in which nothing varies."""
    validation.finite(values)
    if values.shape[0] * values.shape[1] < 2:
        raise ValueError(
            "a recording needs at least 2 samples (time bins x trials); got the shape "
            f"{values.shape}"
        )
    if silent(values).all():
        raise ValueError(
            f"all {values.shape[2]} neurons are constant over time and trials: a similarity score "
            "compares "
            "variations, and there are none. Check that the right array was saved, and that its "
            "values were "
            "not rounded or normalised away"
        )
    validation.refuse_dissimilarities(values)


def silent(values: np.ndarray) -> np.ndarray:
    """Which neurons of (time, trial, neuron) never change, (neuron,), bool."""
    return (values == values[:1, :1]).all(axis=(0, 1))


def fills_samples(data: xr.DataArray) -> bool:
    """Whether neurons are as many as samples less one, or more: the columns of any responses of
    this shape then span all that samples can do.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.fills_samples(sl.datasets.load("hierarchy"))
        False
    """
    return data.sizes["neuron"] >= data.size // data.sizes["neuron"] - 1


def few_samples(data: xr.DataArray) -> str:
    """What it means that neurons fill the samples (`fills_samples`), in a sentence; "" where they
    don't.

    Example:
        >>> import simlib as sl
        >>> layer = sl.datasets.load("hierarchy")[:, :40]
        >>> print(sl.datasets.few_samples(layer))
        With 50 neurons and 40 samples any responses fit any other without error: linear...
    """
    if not fills_samples(data):
        return ""
    neurons = data.sizes["neuron"]
    return (
        f"With {neurons} neurons and {data.size // neurons} samples any responses fit any other "
        "without error: linear regression, CCA and the R^2 of every principal component are 1 for "
        "noise, too."
    )


def trial_coordinates(data: xr.DataArray, named: Iterable[str] = (), hint: str = "") -> list[str]:
    """Names of the coordinates along trial; raises ValueError for a `named` one that is none."""
    along = list(trials.coordinates(data))
    for name in named:
        validation.known("trial coordinate", name, along, hint)
    return along


def left_out(data: xr.DataArray) -> dict[str, str]:
    """What a file held beside the recording and is no label, name -> reason.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.arrays.left_out(sl.datasets.load("toy-2d"))
        {}
    """
    try:
        return dict(json.loads(data.attrs.get("left_out", "{}")))
    except (TypeError, ValueError):  # an attribute of another origin
        return {}


def labels(data: xr.DataArray, variable: str = "") -> np.ndarray:
    """Labels of a task variable, one a trial, (trial,); the main variable when none is named.

    Raises:
        ValueError: for a variable that the recording does not decode, or when it has no labels.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.labels(sl.datasets.load("toy-2d")).tolist()
        ['left', 'left', 'left', 'right', 'right', 'right']
    """
    known = task_variables(data)
    variable = variable or data.attrs.get("main_variable", "")
    if not known:
        raise ValueError(
            f"{data.attrs.get('name', 'this recording')} has no labels, so nothing can be decoded "
            "from it"
        )
    validation.known("task variable", variable, known)
    return data[variable].values


def data_hash(data: xr.DataArray) -> str:
    """sha256 (hex) of what results depend on: the values, the labels that are decoded, the fold
    groups.

    Titles and sources don't count, nor does the precision in which equal values are stored.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.load("hierarchy")
        >>> sl.datasets.data_hash(X.assign_attrs(title="another")) == sl.datasets.data_hash(X)
        True
        >>> sl.datasets.data_hash(2 * X) == sl.datasets.data_hash(X)
        False
    """
    values = data.transpose(*DIMS).values
    digest = hashlib.sha256(json.dumps(values.shape).encode())
    for part in values:  # one time bin at a time, so that the float64 copy stays small
        digest.update(np.ascontiguousarray(part, dtype="<f8").tobytes())
    counted = [(name, data[name].values) for name in sorted(task_variables(data))]
    groups = fold_groups(data)
    for kind, column in counted if groups is None else [*counted, ("groups", groups)]:
        digest.update(json.dumps([kind, list(map(str, column.tolist()))]).encode())
    return digest.hexdigest()
