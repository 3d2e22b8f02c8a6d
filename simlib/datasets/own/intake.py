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
from simlib.datasets.arrays import DIMS, left_out, three_axes, trial_coordinates, usable
from simlib.datasets.own.axes import named_axes
from simlib.datasets.own.gaps import without_gaps
from simlib.datasets.own.parts import NOTES
from simlib.datasets.own.tables import from_table
from simlib.datasets.processing import bin_label, is_bookkeeping
from simlib.trials import decoded


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
    _check_options(bins, task_variables, groups)
    data = _on_axes(named_axes(data, dims))
    data = data.assign_attrs(processing=_processing(data.attrs.get("processing", "{}")))
    for name, edges in (bins or {}).items():
        data = bin_label(data, name, edges)
    named = _named_variables(
        data.attrs.get("task_variables") if task_variables is None else task_variables
    )
    data = _without_varying(data, named)
    if groups is None:
        along = trial_coordinates(data)
        groups = data.attrs.get("groups", "groups" if "groups" in along else "")
    grouping = [groups] if groups else []
    trial_coordinates(data, [*(named or []), *grouping], _not_there(data))
    if "task_variables" in data.attrs:
        data = data.assign_attrs(
            task_variables=json.dumps(_named_variables(data.attrs["task_variables"]))
        )
    data = without_gaps(data, missing, _decoded(data, named, groups)[0])
    usable(data.values)
    classes, reasons = _decoded(data, named, groups)
    data = leave_out(data, reasons)
    data = _with_classes(data, classes, grouping)
    groups = groups if groups in data.coords else ""  # averages have none
    main = data.attrs.get("main_variable", "") if main_variable is None else main_variable
    if not main or (main_variable is None and task_variables is not None and main not in classes):
        main = classes[0] if classes else ""
    else:
        validation.known("main variable", main, classes, "It is one of the decoded labels.")
    data.attrs = _completed(data.attrs, classes, main, groups)
    return data


def _with_classes(
    data: xr.DataArray, classes: Sequence[str], grouping: Sequence[str]
) -> xr.DataArray:
    """The labels as a classifier takes them, the fold groups checked."""
    for name in [*classes, *grouping]:
        if name in data.coords:
            values = _label(data, name)
            data = data.assign_coords(
                {name: ("trial", _as_classes(values, name) if name in classes else values)}
            )
    return data


def _check_options(bins: object, task_variables: object, groups: object) -> None:
    if not isinstance(bins or {}, Mapping):
        raise ValueError(f"bins={bins!r}: it says which label, bins={{'velocity': [-1, 1]}}")
    if groups is not None and not isinstance(groups, str):
        raise ValueError(
            "groups= is the name of a label, groups='block'; values come in by labels={'block': "
            f"values}}; got {type(groups).__name__}"
        )
    if task_variables is not None and not hasattr(task_variables, "__iter__"):
        raise ValueError(
            "task_variables= are names of labels, task_variables=['choice']; got "
            f"{type(task_variables).__name__}"
        )


def _processing(value: object) -> str:
    """The attribute `processing`, a JSON object; what is none is a note in one."""
    try:
        if isinstance(json.loads(value), dict):
            return value
    except (TypeError, ValueError):
        pass
    return json.dumps({"note": str(value)})


def _decoded(
    data: xr.DataArray, named: list[str] | None, groups: str
) -> tuple[list[str], dict[str, str]]:
    """The labels that are decoded: those named, else all that are classes; and why others are not.

    Raises ValueError where nobody named any and one is continuous.
    """
    if named is not None:
        return named, {}
    kinds = {name: _kind(data[name]) for name in trial_coordinates(data) if name != groups}
    decoded = [name for name, kind in kinds.items() if kind == "classes"]
    continuous = [name for name, kind in kinds.items() if kind == "continuous"]
    if continuous:
        name, values = continuous[0], _plain(data[continuous[0]].values)
        raise ValueError(
            f"the label {name!r} is continuous (for instance "
            f"{values[~validation.missing_labels(values)][0]:g}), and classes are what is decoded. "
            f"Bin it (bins={{{name!r}: [edge, ...]}}, or numpy.digitize(values, edges)), or say "
            f"which labels to decode: task_variables={decoded[:5]}, as an option of load or an "
            "attribute of the data"
        )
    known = ("classes", "counts trials")
    return decoded, {
        name: f"not decoded: {kind}" for name, kind in kinds.items() if kind not in known
    }


def _not_there(data: xr.DataArray) -> str:
    """What to know where a label or group is not there."""
    told = validation.listed(
        (f"{name} ({why})" for name, why in left_out(data).items()), most=5, width=160
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
    return data.assign_attrs(left_out=json.dumps(left_out(data) | dict(reasons)))


def _on_axes(data: xr.DataArray) -> xr.DataArray:
    """As (time, trial, neuron) of finite numbers, checked, without coordinates of other
    dimensions.
    """
    data = data.drop_encoding()  # of the file that they came from: whole numbers, a scale
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
    data = _called_apart(data)
    data = data if "time" in data.dims else data.expand_dims("time")
    data = data.transpose(*DIMS)
    others = [
        name
        for name, coord in data.coords.items()
        if len(coord.dims) != 1 and set(coord.dims) != {"time", "trial"}
    ]
    reasons = {
        str(name): f"dimensions {data[name].dims}, not one value a trial"
        if data[name].dims
        else f"one value for all, {str(data[name].values)[:60]}"
        for name in others
    }
    data = data.drop_vars(others).copy(data=three_axes(data.values))
    return leave_out(data, reasons)


def _called_apart(data: xr.DataArray) -> xr.DataArray:
    """Times in s, and labels that are called like an axis under a name of their own: those along
    another one, classes along trial, and words along time.
    """
    data = data.drop_vars([name for name in DIMS if name in data.coords and not data[name].dims])
    for name in [name for name in DIMS if name in data.coords]:
        coord = data.coords[name]
        kind = coord.dtype.kind
        own = coord.dims == (name,)
        if own and name == "time" and kind in "mM":
            zero = coord.values[0] if kind == "M" else np.timedelta64(0, "ns")
            data = data.assign_coords(time=(coord.values - zero) / np.timedelta64(1, "s"))
            data = _without_lost_times(data)
        elif own and name == "time" and kind == "f":
            data = _without_lost_times(data)
        elif (
            not own
            or (name == "time" and kind not in "biuf")
            or (name == "trial" and not coord.to_index().is_unique)
        ):
            values = (coord.dims, coord.values)
            data = data.drop_vars(name).assign_coords({f"{name}_label": values})
    return data.rename({name: str(name) for name in data.coords if not isinstance(name, str)})


def _without_lost_times(data: xr.DataArray) -> xr.DataArray:
    """The array without its times where some are missing: bins then keep their order alone."""
    lost = int(np.isnan(data["time"].values).sum())
    reason = f"{lost} of {data.sizes['time']} times are missing"
    return leave_out(data.drop_vars("time"), {"time": reason}) if lost else data


def _without_varying(data: xr.DataArray, named: list[str] | None) -> xr.DataArray:
    """Without the coordinates that vary over time; raises ValueError when one would have to be
    decoded.
    """
    varying = [str(name) for name, coord in data.coords.items() if len(coord.dims) == 2]
    asked = [name for name in varying if named is None or name in named]
    if asked:
        others = [name for name in trial_coordinates(data) if _kind(data[name]) == "classes"]
        raise ValueError(
            f"the label {asked[0]!r} varies over time within a trial, and one class a trial is "
            f"decoded. Bin its average over time (bins={{{asked[0]!r}: [edge, ...]}}), save time "
            "bins as trials with the trial as fold group, or say which labels to decode: "
            f"task_variables={others[:5]}"
        )
    reasons = dict.fromkeys(varying, "varies over time within a trial, and is not asked for")
    return leave_out(data.drop_vars(varying), reasons)


def _named_variables(value: object) -> list[str] | None:
    """Names of labels (JSON list, list, or separated by commas); None without any."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
        except ValueError as error:
            raise ValueError(
                f"task_variables {value[:200]!r} is no JSON list of names; separate names by commas"
            ) from error
    names = np.ravel(np.asarray(value, dtype=object)).tolist()
    return [str(name).strip() for name in names if str(name).strip()]


def _kind(coordinate: xr.DataArray) -> str:
    """What a coordinate along trial holds: "classes", which are decoded without a word, what is
    "continuous", what "counts trials", or something else, in words.
    """
    if is_bookkeeping(str(coordinate.name)):
        return "counts trials"
    values = _plain(coordinate.values)
    values = values[~validation.missing_labels(values)]
    values = values.astype(str) if values.dtype.kind == "O" else values
    if not len(values):
        return "all missing"
    if values.dtype.kind not in "biufU":
        return f"values of type {values.dtype}"
    if values.dtype.kind == "f" and not np.array_equal(values, values.round()):
        return "continuous"
    classes = len(np.unique(values))
    if classes < 2:
        return f"a single class, {str(values[0])[:60]}"
    return "classes" if classes < len(values) else "another value in each trial"


def _as_classes(values: np.ndarray, name: str) -> np.ndarray:
    """Labels as a classifier takes them: whole numbers as integers, other numbers as strings."""
    if values.dtype.kind not in "biufU":
        raise ValueError(
            f"the label {name!r} has values of type {values.dtype}, and strings or integers are "
            "decoded: numpy.array(values, dtype=str) makes strings of them"
        )
    if len(np.unique(values)) < 2:
        raise ValueError(
            f"the label {name!r} has a single class, {values[0]!r}: there is nothing to decode"
        )
    if values.dtype.kind != "f":
        return values
    if np.array_equal(values, values.round()) and (np.abs(values) < 2**63).all():
        return values.astype(np.int64)
    short = np.array([f"{value:g}" for value in values])
    return short if len({*short}) == len({*values.tolist()}) else values.astype(str)


def _plain(values: np.ndarray) -> np.ndarray:
    """Strings of any kind as fixed-width strings, objects as the numbers or words that they are;
    among which some are missing stay objects.
    """
    values = decoded(values)
    if values.dtype.kind == "T":
        values = values.astype(object)
    if values.dtype.kind != "O" or validation.missing_labels(values).any():
        return values
    kinds = {type(value) for value in values.tolist()}
    if all(issubclass(kind, str) for kind in kinds):
        return values.astype(str)
    numbers = np.array(values.tolist()) if all(map(_is_number, kinds)) else values
    return numbers if numbers.dtype.kind in "biuf" else values


def _is_number(kind: type) -> bool:
    return issubclass(kind, bool | int | float | np.number | np.bool_)


def _completed(attrs: dict, decoded: list[str], main: str, groups: str) -> dict:
    """Attributes that survive a netCDF file, with those that every recording has."""
    plain = {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in attrs.items()
    }
    kept = {
        key: int(value) if isinstance(value, bool) else value
        for key, value in plain.items()
        if isinstance(value, str | int | float) and key != NOTES
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
