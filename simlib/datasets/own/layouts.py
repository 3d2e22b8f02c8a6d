"""Arrays in a file as a recording: which one it is, what its axes are, and which arrays are its
labels.
"""

import json
import re
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS
from simlib.datasets.own.axes import parsed, sized, stacked
from simlib.datasets.own.facts import (
    Fact,
    beside_array,
    declared_in,
    evidence,
    facts_of,
    is_line,
    is_table,
    kind_of,
    repeats,
    short,
)
from simlib.datasets.own.parts import NOTES, Held
from simlib.datasets.own.readings import USUAL, Unclear, read_beside, readings
from simlib.datasets.own.tables import in_order

COLUMN = re.compile(r"(.*)\[:, ?(\d+)\]")
ABOUT_THE_FILE = (
    "read_as",
    "left_out",
    "axes_guessed",
    NOTES,
)  # what was read, not what is written


def assemble(
    held: Mapping[str, Held],
    name: str,
    values: str | None = None,
    dims: Sequence | Mapping | None = None,
    labels: Mapping[str, object] | None = None,
    added: Mapping[str, object] | None = None,
) -> xr.DataArray:
    """The array `values` of a file called `name` as a DataArray, the others as coordinates of its
    axes.

    `dims` names the axes in order: trial, neuron, time, and any others, which become conditions
    along trial; ("neuron", "channel", "y", "x") stands for three axes that are merged into neuron.
    By default they are (time, trial, neuron) or (trial, neuron), where the labels don't contradict.
    Axes of length 1 need no name. Without neuron there is one neuron.

    `labels` are coordinate -> name of an array in the file ("info[:, 0]": a column of it), or
    values: one a trial, or one for each place of an axis of conditions, ("condition", "name") where
    several fit. By default every array with one value a place of an axis is a coordinate, but not
    those of another element or group that holds an array of the same name. What is none is listed
    with its reason in the attribute `left_out` (JSON); `read_as` says what the axes were taken for.
    `added` are labels that the array is given afterwards: they, too, tell which axis is trial.

    Raises Unclear where several readings, or none, come into question.
    """
    if isinstance(dims, Mapping):
        raise ValueError(f"the axes of {name} have no names yet: name all in order, dims=(...)")
    outside = _facts_of_values({**(labels or {}), **(added or {})})
    main, declared = _main(held, name, values, outside), declared_in(held)
    shape = held[main].shape
    beside = beside_array(held, main)
    facts = facts_of(beside, main)
    asked = (facts if labels is None else _named_facts(facts, labels)) | outside
    facts_told = {key: fact for key, fact in facts.items() if fact.of or labels is None} | asked
    axes = (
        parsed(dims)
        if dims is not None
        else _usual(held, main, name, asked, saved=declared is not None)
    )
    if len(axes) != len(shape):
        shape = tuple(size for size in shape if size > 1)
    if len(axes) != len(shape) or len({axis for axis, _ in axes}) != len(axes):
        raise Unclear(
            f"{main} of {name} has the shape {held[main].shape}, and dims={dims!r} does not name "
            "its axes one by one",
            readings(held, main, facts_told),
        )
    data = xr.DataArray(np.asarray(held[main].read()).reshape(shape), dims=[a for a, _ in axes])
    given = {key: _values(held, value, name) for key, value in (labels or {}).items()}
    used = {main, "task_variables", *map(_array, (labels or {}).values())}
    if labels is None:
        plain = [
            key
            for key in (*facts, *_grids(beside, main, data, axes))
            if key not in (declared or {})
        ]
        found = {short(key, plain): key for key in plain} | (declared or {})
        given = {key: _values(beside, value, name) for key, value in found.items()}
        used |= {*plain, *(declared or {})}
    trials = int(np.prod([data.sizes[axis] for axis, role in axes if role == "trial"]))
    left_out = _left_out(beside, used, trials, named=labels is not None)
    before, after = _placed(data, axes, given, left_out if labels is None else None, name)
    if labels is None and "groups" in left_out:
        raise ValueError(
            f"groups of {name} names the trials that stay in one fold, one value a trial: "
            f"{left_out['groups']}. Save them so, or name the labels without them, labels={{...}}"
        )
    data = stacked(data.assign_coords(before), axes)
    for key, column in after.items():
        try:
            data = data.assign_coords({key: along_trial(column, data, f"{key!r} of {name}")})
        except ValueError as error:
            raise Unclear(str(error), readings(held, main, facts_told)) from error
    data.attrs |= _scalars(beside, main)
    sizes = ", ".join(
        f"{axis} {size}" if axis == role else f"{axis} {size} (part of {role})"
        for (axis, role), size in zip(axes, shape, strict=True)
    )
    if declared is None:
        data.attrs["read_as"] = f"{main} {held[main].shape} of {name}, read as {sizes}"
        if held[main].note:
            data.attrs["read_as"] += f" ({held[main].note})"
    notes = {key: one.note for key, one in held.items() if key in used and one.note}
    if notes:
        data.attrs[NOTES] = json.dumps(notes)
    if left_out:
        data.attrs["left_out"] = json.dumps(left_out)
    if dims is None and declared is None and not _told(asked, shape):
        data.attrs["axes_guessed"] = 1
    return data


# -- Which array, and what its axes are


def _main(
    held: Mapping[str, Held], name: str, values: str | None, outside: Mapping[str, Fact]
) -> str:
    """The name of the recording's array; raises Unclear where nothing says which it is."""
    main = "X" if values is None else values
    if values is not None and main not in held:
        raise _unknown(main, held, name)
    if main in held and held[main].reason:
        raise ValueError(f"{main} of {name} can't be read: {held[main].reason}")
    if main in held:
        return main
    tables = [key for key in _shown(held) if is_table(held[key]) and kind_of(key) != "time"]
    tables.sort(key=lambda key: -_count(held[key]))
    unlike = tables and held[tables[0]].within  # one of many of unequal shapes
    why = f"; {unlike}: {held[unlike].reason}" if unlike else ""
    if not tables:
        why = "; this needs another file: none of these is a table of numbers"
    largest = [key for key in tables if 2 * _count(held[key]) >= _count(held[tables[0]])]
    readings = [one for key in largest[:2] for one in read_beside(held, key, outside)[:2]]
    raise Unclear(
        f"{name} has no array X; it holds {contents(held)}. Say which array is the recording, what "
        f"its axes are, and which arrays are labels{why}",
        [one for one in readings if one.labels or not unlike],
    )


def _count(value: Held) -> float:
    return float(np.prod(value.shape, dtype=float))


def _unknown(array: str, held: Mapping[str, Held], name: str) -> ValueError:
    return validation.unknown_name("array", array, _shown(held), f"{name} holds {contents(held)}")


def _shown(held: Mapping[str, Held]) -> list[str]:
    """The names that a listing shows: of arrays that are one, that one; of others the first."""
    firsts = {value.within: key for key, value in reversed(held.items()) if value.within}
    alone = {key for whole, key in firsts.items() if held[whole].reason}
    return [key for key, value in held.items() if not value.within or key in alone]


def _named_facts(facts: Mapping[str, Fact], labels: Mapping[str, object]) -> dict[str, Fact]:
    """The arrays that `labels` names."""
    names = [value for value in labels.values() if isinstance(value, str)]
    return {key: facts[key]._replace(of="") for key in names if key in facts}


def _facts_of_values(labels: Mapping[str, object]) -> dict[str, Fact]:
    """What labels that are given as values say of the axes."""
    columns = {key: one for key, one in labels.items() if not isinstance(one, str | tuple)}
    lines = {key: np.asarray(one) for key, one in columns.items() if np.ndim(one) == 1}
    return {key: Fact(len(one), repeats(one), "") for key, one in lines.items()}


def _usual(
    held: Mapping[str, Held], main: str, name: str, facts: Mapping[str, Fact], saved: bool
) -> list[tuple[str, str]]:
    """The axes (time, trial, neuron) or (trial, neuron); raises Unclear where the labels fit
    another reading.
    """
    shape = held[main].shape
    if len(shape) > 3:
        shape = tuple(size for size in shape if size > 1)
    if len(shape) not in USUAL:
        found = f"got {len(shape)} axes, shape {held[main].shape}"
        if len(shape) > 3:
            found += (
                "; for instance dims=('image', ('neuron', 'channel', 'y', 'x')), or ('image', "
                "'repeat', 'time', 'neuron'), in its own order"
            )
        raise Unclear(
            f"{main} of {name} needs its axes named: a recording is (time, trial, neuron), or "
            f"(trial, neuron) for one time bin; {found}",
            readings(held, main, facts),
        )
    usual = USUAL[len(shape)]
    sizes = dict(zip(usual, shape, strict=True))
    fitting = [key for key in evidence(facts) if facts[key].length in shape]
    strange = [
        key
        for key, fact in facts.items()
        if fact.of in sizes and fact.length in shape and fact.length != sizes[fact.of]
    ]
    if saved or not (fitting or strange):
        lost = [key for key in evidence(facts) if facts[key].repeats]
        if lost and not saved:
            raise ValueError(
                f"{lost[0]!r} of {name} needs one value a trial: got {facts[lost[0]].length} "
                f"labels for {sizes['trial']} trials of {main} {shape}; where they are no labels, "
                "labels={} reads the file without any"
            )
        return [(axis, axis) for axis in usual]
    if strange or not any(facts[key].length == sizes["trial"] for key in fitting):
        said = [f"{key} has {facts[key].length} values" for key in (strange or fitting)[:3]]
        raise Unclear(
            f"{main} of {name} has the shape {shape}, and {', '.join(said)}: that does not fit "
            f"({', '.join(usual)}), the order that needs no word. Say what the axes are",
            readings(held, main, facts),
        )
    return [(axis, axis) for axis in usual]


def _told(facts: Mapping[str, Fact], shape: tuple[int, ...]) -> bool:
    """Whether labels say which axis is trial: they have as many values as this axis alone."""
    fits = [key for key in evidence(facts) if facts[key].length == shape[-2]]
    return bool(fits) and shape.count(shape[-2]) == 1


def _grids(
    held: Mapping[str, Held], main: str, data: xr.DataArray, axes: Sequence[tuple[str, str]]
) -> list[str]:
    """The other arrays with one value a time bin and trial, or a place of all conditions."""
    of_trial = tuple(data.sizes[axis] for axis, role in axes if role == "trial")
    shapes = (
        {(data.sizes["time"], int(np.prod(of_trial)))} if data.sizes.get("time", 1) > 1 else set()
    )
    shapes |= {of_trial} if len(of_trial) > 1 else set()
    fits = [key for key, value in held.items() if value.shape in shapes and not value.reason]
    return [key for key in fits if key != main]


# -- What else the file holds


def _values(held: Mapping[str, Held], value: object, name: str) -> object:
    """A label's values, without axes of length 1; (axes, values) where axes are named."""
    if isinstance(value, tuple) and len(value) == 2:
        axes = (value[0],) if isinstance(value[0], str) else tuple(value[0])
        return axes, _values(held, value[1], name)
    if isinstance(value, str):
        column = COLUMN.fullmatch(value)
        whole = column[1] if column and value not in held else value
        if whole not in held:
            raise _unknown(whole, held, name)
        if held[whole].reason:
            raise ValueError(f"{whole} of {name} can't be read: {held[whole].reason}")
        value = np.asarray(held[whole].read())
        if column and whole == column[1] and value.ndim == 2:
            if int(column[2]) >= value.shape[1]:
                raise ValueError(f"{whole} of {name} has the shape {value.shape}: no {column[0]!r}")
            value = value[:, int(column[2])]
    in_order(value, "labels")
    found = np.asarray(value)
    return found.reshape(-1) if found.ndim > 1 and found.size == max(found.shape) else found


def _placed(
    data: xr.DataArray,
    axes: Sequence[tuple[str, str]],
    given: Mapping[str, object],
    left_out: dict[str, str] | None,
    name: str,
) -> tuple[dict, dict]:
    """Coordinates of single axes, and those along trial when its axes are stacked.

    What fits no axis goes into `left_out` with its reason; where that is None it is a label that
    was asked for, and `along_trial` says what is wrong with it.
    """
    sizes = dict(data.sizes)
    of_trial = [axis for axis, role in axes if role == "trial"]
    trials = int(np.prod([sizes[axis] for axis in of_trial]))
    before, after = {}, {}
    for key, found in given.items():
        declared = isinstance(found, tuple)
        place, column = found if declared else ((), found)
        fits = [axis for axis in sizes if column.shape == (sizes[axis],)]
        conditions = [axis for axis in fits if axis in of_trial]
        if declared:
            unknown = [axis for axis in place if axis not in sizes]
            if unknown or column.shape != tuple(sizes[axis] for axis in place):
                raise ValueError(
                    f"the label {key!r} for {name} has the shape {column.shape}, which does not "
                    f"fit the axes {place}; the axes are {sized(sizes)}"
                )
            before[key] = (place, column)
        elif key in fits:
            before[key] = (key, column)
        elif left_out is not None and kind_of(key) in fits:
            before[key] = (kind_of(key), column)
        elif left_out is not None and kind_of(key) == "time" and _same_times(column, sizes):
            before["time" if "time" not in given else key] = ("time", column[0])
        elif column.shape == (trials,) or column.shape == (sizes.get("time"), trials):
            after[key] = column
        elif len(conditions) == 1:
            before[key] = (conditions[0], column)
        elif column.ndim > 1 and column.shape == tuple(sizes[axis] for axis in of_trial):
            before[key] = (tuple(of_trial), column)
        elif len(conditions) > 1 and left_out is None:
            raise ValueError(
                f"the label {key!r} for {name} has {len(column)} values, which fit "
                f"{' and '.join(conditions)}: name the axis, labels={{{key!r}: "
                f"({conditions[0]!r}, values)}}"
            )
        elif left_out is None:
            after[key] = column
        elif len(fits) == 1:
            before[key] = (fits[0], column)
        else:
            why = f"fit {' and '.join(fits)}" if fits else f"fit none of the axes {sized(sizes)}"
            what = f"{len(column)} values" if column.ndim == 1 else f"shape {column.shape}:"
            left_out[key] = f"{what} {why}"
    return before, after


def _same_times(column: np.ndarray, sizes: Mapping[str, int]) -> bool:
    """Whether an array holds the times of all trials, and they are the same."""
    fits = column.ndim == 2 and column.shape[1] == sizes.get("time")
    return fits and bool((column == column[:1]).all())


def _array(label: object) -> str:
    """The name of the array that a label is, or a column of; "" for values."""
    one = label[1] if isinstance(label, tuple) and len(label) == 2 else label
    return COLUMN.sub(r"\1", one) if isinstance(one, str) else ""


def _left_out(held: Mapping[str, Held], used: set[str], trials: int, named: bool) -> dict[str, str]:
    """What else the file holds and is no coordinate, with the reason."""
    reasons = {}
    for key, value in held.items():
        if key in used:
            continue
        if value.reason:
            reasons[key] = value.reason
        elif named and is_line(value):
            reasons[key] = "not named in labels="
        elif len(value.shape) > 1 and np.prod(value.shape) > max(value.shape):
            reasons[key] = f"shape {value.shape}, not one value a trial"
            if len(value.shape) == 2 and value.shape[0] == trials:
                reasons[key] += f"; a column of it is named '{key}[:, 0]'"
    return reasons


def _scalars(held: Mapping[str, Held], main: str) -> dict:
    """Single numbers and strings: attributes, such as main_variable and name; of task_variables all
    names.
    """
    single = {
        key: np.asarray(value.read()).reshape(-1).tolist()
        for key, value in held.items()
        if key not in (main, *ABOUT_THE_FILE)
        and not value.reason
        and (np.prod(value.shape) == 1 or (key == "task_variables" and is_line(value)))
    }
    return {
        key: one[0] if len(one) == 1 else ",".join(map(str, one)) for key, one in single.items()
    }


def along_trial(found: np.ndarray, data: xr.DataArray, what: str) -> tuple:
    """A label as a coordinate: one a trial, or one a time bin and trial."""
    if (
        found.ndim == 2
        and data.sizes.get("time", 1) > 1
        and found.shape == (data.sizes["time"], data.sizes["trial"])
    ):
        return ("time", "trial"), found
    dims = [dim for dim in DIMS if dim in data.dims]
    return "trial", validation.label_array(found, data.transpose(*dims).values, what, gaps=True)


def contents(held: Mapping[str, Held]) -> str:
    """The arrays with their shapes, of many the tables of numbers and the first others."""
    listed = sorted(_shown(held), key=lambda key: not is_table(held[key]))
    shown = [f"{key} {held[key].shape}" for key in listed]
    return validation.listed(shown) or "nothing"
