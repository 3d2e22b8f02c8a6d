"""A DataArray as a recording: named axes, labels that can be decoded, no value missing, every
attribute.
"""

import json
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS, three_axes, trial_coordinates, usable
from simlib.datasets.own.gaps import without_gaps
from simlib.datasets.own.layouts import named_axes
from simlib.datasets.own.tables import from_table
from simlib.datasets.processing import bin_label, is_bookkeeping


def from_xarray(
    data: xr.DataArray | pd.DataFrame,
    *,
    columns: Mapping[str, object] | None = None,
    dims: Sequence | Mapping[str, str] | None = None,
    bins: Mapping[str, Sequence[float] | int] | None = None,
    missing: str | Sequence[str] | Mapping[str, object] = "refuse",
    task_variables: Sequence[str] | None = None,
    main_variable: str | None = None,
    groups: str | None = None,
) -> xr.DataArray:
    """A DataArray or table as a recording: checked, (time, trial, neuron), with every
    attribute that recordings have.

    Its dimensions are called trial, neuron and perhaps time, in any order; the coordinates along
    trial are labels. Values that need no conversion are not copied.

    Args:
        columns: what a table calls trial, time, neuron and value (see `from_table`).
        dims: names of all dimensions in order, or old -> new; those with other names become
            conditions along trial, ("neuron", "channel", "y", "x") merges three into neuron.
        bins: continuous label -> inner edges, or a number of equally filled parts (see
            `bin_label`).
        missing: what becomes of values that are NaN or infinite, and of trials without a label:
            "refuse", "drop-trials", "drop-neurons", "drop-empty-trials", "drop-empty-neurons",
            "drop-unlabelled", "average" (over the repeats of each condition that have the value);
            several in turn, or policy -> share of missing values that is allowed.
        task_variables: labels to decode; by default those that the attribute names, else strings,
            integers and booleans with two classes or more, but not `groups`, ids, sessions or
            repeats. A class needs at least as many trials as there are folds (5).
        main_variable: the first of them unless named.
        groups: the coordinate whose trials stay in one fold ("" for none), by default `groups`
            where there is one.

    Raises:
        ValueError: for other dimensions, values that are missing, neurons that are all constant,
            labels that are missing, continuous or vary over time, and names that are not there.

    Example:
        >>> import pandas as pd
        >>> rows = {"trial": [1, 1, 2, 2], "neuron": ["a", "b"] * 2, "value": [0.0, 1.0, 2.0, 5.0]}
        >>> from_xarray(pd.DataFrame(rows)).values.tolist()
        [[[0.0, 1.0], [2.0, 5.0]]]
    """
    if isinstance(data, pd.DataFrame):
        data = from_table(data, columns)
    elif columns is not None:
        raise ValueError("columns= says what a table calls its columns; got an xarray.DataArray")
    data = _on_axes(named_axes(data, dims))
    for name, edges in (bins or {}).items():
        data = bin_label(data, name, edges)
    named = _named_variables(data) if task_variables is None else list(task_variables)
    data = _without_varying(data, named)
    if groups is None:
        along = trial_coordinates(data)
        groups = data.attrs.get("groups", "groups" if "groups" in along else "")
    grouping = [groups] if groups else []
    trial_coordinates(data, [*(named or []), *grouping], _not_there(data))
    if "task_variables" in data.attrs:
        data = data.assign_attrs(task_variables=json.dumps(_named_variables(data)))
    data = without_gaps(data, missing, _decoded(data, named, groups))
    usable(data.values)
    decoded = _decoded(data, named, groups)
    for name in [*decoded, *grouping]:
        if name in data.coords:
            values = _label(data, name)
            data = data.assign_coords(
                {name: ("trial", _as_classes(values, name) if name in decoded else values)}
            )
    groups = groups if groups in data.coords else ""  # averages have none
    main = data.attrs.get("main_variable", "") if main_variable is None else main_variable
    if not main or (main_variable is None and task_variables is not None and main not in decoded):
        main = decoded[0] if decoded else ""
    else:
        validation.known("main variable", main, decoded, "It is one of the decoded labels.")
    data.attrs = _completed(data.attrs, decoded, main, groups)
    return data


def _decoded(data: xr.DataArray, named: list[str] | None, groups: str) -> list[str]:
    """The labels that are decoded: those named, else all that are classes."""
    if named is not None:
        return named
    return [name for name in trial_coordinates(data) if name != groups and _is_label(data[name])]


def _not_there(data: xr.DataArray) -> str:
    """What to know where a label or group is not there."""
    left_out = json.loads(data.attrs.get("left_out", "{}"))
    told = validation.listed(
        (f"{name} ({why})" for name, why in left_out.items()), most=5, width=160
    )
    return "Labels and groups lie along trial." + (f" Left out: {told}." if told else "")


def _label(data: xr.DataArray, name: str) -> np.ndarray:
    """A label, one a trial; warns where it has a word for a missing value as a class."""
    values = _plain(data[name].values)
    words, counts = np.unique(values[validation.looks_missing(values)], return_counts=True)
    for word, count in zip(words.tolist(), counts.tolist(), strict=True):
        warnings.warn(
            f"{count} of {len(values)} trials have {word!r} as their {name!r}, which counts as a "
            "class: where it stands for a missing value, leave those trials out",
            stacklevel=4,
        )
    return validation.label_array(values, data, name)


def leave_out(data: xr.DataArray, reasons: Mapping[str, str]) -> xr.DataArray:
    """The array with these names and reasons added to its attribute `left_out`."""
    if not reasons:
        return data
    before = json.loads(data.attrs.get("left_out", "{}"))
    return data.assign_attrs(left_out=json.dumps(before | dict(reasons)))


def _on_axes(data: xr.DataArray) -> xr.DataArray:
    """As (time, trial, neuron) of finite numbers, checked, without coordinates of other
    dimensions.
    """
    data = data.squeeze([d for d in data.dims if d not in DIMS and data.sizes[d] == 1], drop=True)
    if not {"trial", "neuron"} <= set(data.dims) <= set(DIMS):
        raise ValueError(
            "a recording has the dimensions trial, neuron and perhaps time; got "
            f"{validation.listed(data.dims)}. Name them with data.rename(old='trial', ...), or "
            "all in order with dims=(...), where other names are conditions"
        )
    data = data.reset_index(
        [name for name in data.dims if isinstance(data.indexes.get(name), pd.MultiIndex)]
    )
    data = (
        data if "time" in data.dims else data.drop_vars("time", errors="ignore").expand_dims("time")
    )
    data = data.transpose(*DIMS)
    others = [
        name
        for name, coord in data.coords.items()
        if len(coord.dims) != 1 and set(coord.dims) != {"time", "trial"}
    ]
    reasons = {
        str(name): f"dimensions {data[name].dims}, not one value a trial"
        for name in others
        if data[name].dims
    }
    data = data.drop_vars(others).copy(data=three_axes(data.values))
    return leave_out(data, reasons)


def _without_varying(data: xr.DataArray, named: list[str] | None) -> xr.DataArray:
    """Without the coordinates that vary over time; raises ValueError when one would have to be
    decoded.
    """
    varying = [str(name) for name, coord in data.coords.items() if len(coord.dims) == 2]
    asked = [name for name in varying if named is None or name in named]
    if asked:
        raise ValueError(
            f"the label {asked[0]!r} varies over time within a trial, and one class a trial is "
            "decoded. Bin its "
            f"average over time (bins={{{asked[0]!r}: [edge, ...]}}), save time bins as trials "
            "with the trial as fold "
            "group, or say which labels to decode: task_variables=['target']"
        )
    reasons = dict.fromkeys(varying, "varies over time within a trial, and is not asked for")
    return leave_out(data.drop_vars(varying), reasons)


def _named_variables(data: xr.DataArray) -> list[str] | None:
    """Names in the attribute task_variables (JSON list, list, or separated by commas); None without
    it.
    """
    value = data.attrs.get("task_variables")
    if value is None:
        return None
    if isinstance(value, str):
        value = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
    return [str(name).strip() for name in value if str(name).strip()]


def _is_label(coordinate: xr.DataArray) -> bool:
    """Whether a coordinate that nobody named is decoded; raises ValueError when it is
    continuous.
    """
    name, values = str(coordinate.name).lower(), _plain(coordinate.values)
    if is_bookkeeping(name):
        return False
    values = values[~validation.missing_labels(values)]
    values = values.astype(str) if values.dtype.kind == "O" else values
    if values.dtype.kind not in "biufU" or not len(values):
        return False
    if values.dtype.kind == "f" and not np.array_equal(values, values.round()):
        raise ValueError(
            f"the label {coordinate.name!r} is continuous (for instance {values[0]:g}), and "
            "classes are what "
            f"is decoded. Bin it (bins={{{coordinate.name!r}: [edge, ...]}}, or "
            "numpy.digitize(values, edges)), or say "
            "which labels to decode: task_variables=['target'], as an option of load or an "
            "attribute of the data"
        )
    return 2 <= len(np.unique(values)) < len(values)


def _as_classes(values: np.ndarray, name: str) -> np.ndarray:
    """Labels as a classifier takes them: whole numbers as integers, other numbers as strings."""
    if values.dtype.kind not in "biufU":
        raise ValueError(
            f"the label {name!r} has values of type {values.dtype}; strings or integers are decoded"
        )
    if len(np.unique(values)) < 2:
        raise ValueError(
            f"the label {name!r} has a single class, {values[0]!r}: there is nothing to decode"
        )
    if values.dtype.kind != "f":
        return values
    whole = np.array_equal(values, values.round())
    return values.astype(np.int64) if whole else np.array([f"{value:g}" for value in values])


def _plain(values: np.ndarray) -> np.ndarray:
    """Strings of any kind as fixed-width strings, other values as they are."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8")
    if values.dtype.kind == "T" or (
        values.dtype.kind == "O" and all(isinstance(value, str) for value in values)
    ):
        return values.astype(str)
    return values


def _completed(attrs: dict, decoded: list[str], main: str, groups: str) -> dict:
    """Attributes that survive a netCDF file, with those that every recording has."""
    plain = {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in attrs.items()
    }
    kept = {
        key: int(value) if isinstance(value, bool) else value
        for key, value in plain.items()
        if isinstance(value, str | int | float)
    }
    name = str(kept.get("name", "recording"))
    return {
        "name": name,
        "title": name,
        "source": "an array in memory",
        "licence": "not stated",
        "citation": "",
        "surrogate": 0,
        "sample_kind": "trials",
        "processing": "{}",
        **kept,
        "task_variables": json.dumps(decoded),
        "main_variable": main,
        "groups": groups,
    }
