"""Arrays in a file as a recording: which one it is, what its axes are, and which arrays are its
labels.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS
from simlib.datasets.own.matlab import Held
from simlib.datasets.own.tables import in_order

SELECT = "select={'time': slice(0, 10), 'neuron': [0, 4]}"
COLUMN = re.compile(r"(.*)\[:, ?(\d+)\]")
USUAL = {2: ("trial", "neuron"), 3: DIMS}
# Words in the name of an array that say what its places are, whatever axis they fit.
OF_NEURONS = ("neuron", "unit", "cell", "channel", "electrode", "region", "area", "depth", "layer")
NAMES = ("label", "labels", "name", "names")  # of neurons, where no two are the same
OF_TIMES = ("time", "times", "t", "bin", "bins", "time_bins", "timestamps")
ABOUT_THE_FILE = ("read_as", "left_out", "axes_guessed")  # what was read, not what is written


class Reading(NamedTuple):
    """One way to read a file, as options of `load`."""

    values: str
    dims: tuple
    labels: dict[str, str]
    select: dict[str, slice] | None = None


class Unclear(ValueError):
    """A layout that nothing declares: what was found, and the readings that come into question."""

    def __init__(self, found: str, readings: Sequence[Reading] = ()):
        super().__init__(found)
        self.readings = list(readings)


def assemble(
    held: Mapping[str, Held],
    name: str,
    values: str | None = None,
    dims: Sequence | None = None,
    labels: Mapping[str, object] | None = None,
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

    Raises Unclear where several readings, or none, come into question.
    """
    if isinstance(dims, Mapping):
        raise ValueError(f"the axes of {name} have no names yet: name all in order, dims=(...)")
    main, declared = _main(held, name, values), _declared(held)
    shape = held[main].shape
    beside = _beside(held, main)
    facts = _facts(beside, main)
    asked = facts if labels is None else _named_facts(facts, labels)
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
            _readings(held, main, facts),
        )
    data = xr.DataArray(np.asarray(held[main].read()).reshape(shape), dims=[a for a, _ in axes])
    given = {key: _values(held, value, name) for key, value in (labels or {}).items()}
    used = {main, "task_variables", *map(_array, (labels or {}).values())}
    if labels is None:
        plain = [
            key for key in (*facts, *_grids(beside, data, axes)) if key not in (declared or {})
        ]
        found = {_short(key, plain): key for key in plain} | (declared or {})
        given = {key: _values(beside, value, name) for key, value in found.items()}
        used |= {*plain, *(declared or {})}
    left_out = _left_out(beside, used, named=labels is not None)
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
            raise Unclear(str(error), _readings(held, main, facts)) from error
    data.attrs |= _scalars(beside, main)
    sizes = ", ".join(
        f"{axis} {size}" if axis == role else f"{axis} {size} (part of {role})"
        for (axis, role), size in zip(axes, shape, strict=True)
    )
    if declared is None:
        data.attrs["read_as"] = f"{main} {held[main].shape} of {name}, read as {sizes}"
        if held[main].note:
            data.attrs["read_as"] += f" ({held[main].note})"
    if left_out:
        data.attrs["left_out"] = json.dumps(left_out)
    if dims is None and declared is None and not _told(asked, shape):
        data.attrs["axes_guessed"] = 1
    return data


# -- Which array, and what its axes are


def _main(held: Mapping[str, Held], name: str, values: str | None) -> str:
    """The name of the recording's array; raises Unclear where nothing says which it is."""
    main = "X" if values is None else values
    if values is not None and main not in held:
        raise _unknown(main, held, name)
    if main in held and held[main].reason:
        raise ValueError(f"{main} of {name} can't be read: {held[main].reason}")
    if main in held:
        return main
    tables = [key for key in _shown(held) if _is_table(held[key]) and _kind(key) != "time"]
    tables.sort(key=lambda key: -_count(held[key]))
    unlike = tables and held[tables[0]].within  # one of many of unequal shapes
    why = f"; {unlike}: {held[unlike].reason}" if unlike else ""
    if not tables:
        why = "; this needs another file: none of these is a table of numbers"
    largest = [key for key in tables if 2 * _count(held[key]) >= _count(held[tables[0]])]
    readings = [one for key in largest[:2] for one in _read_beside(held, key)[:2]]
    raise Unclear(
        f"{name} has no array X; it holds {contents(held)}. Say which array is the recording, what "
        f"its axes are, and which arrays are labels{why}",
        [one for one in readings if one.labels or not unlike],
    )


def _count(value: Held) -> float:
    return float(np.prod(value.shape, dtype=float))


def _read_beside(held: Mapping[str, Held], main: str) -> list[Reading]:
    return _readings(held, main, _facts(_beside(held, main), main))


def _unknown(array: str, held: Mapping[str, Held], name: str) -> ValueError:
    return validation.unknown_name("array", array, _shown(held), f"{name} holds {contents(held)}")


def _is_table(value: Held) -> bool:
    return value.numeric and not value.reason and sum(size > 1 for size in value.shape) > 1


def _shown(held: Mapping[str, Held]) -> list[str]:
    """The names that a listing shows: of arrays that are one, that one; of others the first."""
    firsts = {value.within: key for key, value in reversed(held.items()) if value.within}
    alone = {key for whole, key in firsts.items() if held[whole].reason}
    return [key for key, value in held.items() if not value.within or key in alone]


def _beside(held: Mapping[str, Held], main: str) -> dict[str, Held]:
    """The recording's array and those that may say something of it; those that belong to another
    array of the same name, or can't be read, with that as their reason.
    """
    group, _, last = main.rpartition(".")
    tables = [key for key in held if key != main and _is_table(held[key])]
    split = [key.rpartition(".") for key in tables]
    likes = [f"{other}." for other, _, name in split if name == last and other]
    likes = [other for other in likes if not f"{group}.".startswith(other)]
    beside = {}
    for key, value in held.items():
        inside = bool(group) and key.startswith(f"{group}.")
        if (
            key != main
            and value.within
            and (
                not inside or value.within.startswith(f"{group}.")  # one of many beside the array
            )
        ):
            continue
        others = [other for other in likes if key.startswith(other) and not inside]
        if others and not value.reason:
            value = value._replace(reason=f"belongs to {others[0]}{last}, another array")
        elif _is_line(value):
            try:
                found = np.asarray(value.read())
                value = value._replace(read=lambda found=found: found)
            except ValueError as error:
                value = value._replace(reason=str(error))
        beside[key] = value._replace(within="")
    return beside if _declared(held) is None else _without(beside, "coordinates")


def _without(held: Mapping[str, Held], key: str) -> dict[str, Held]:
    return {name: value for name, value in held.items() if name != key}


def _is_line(value: Held) -> bool:
    """Whether an array has a single axis along which there are several values."""
    length = max(value.shape, default=0)
    return not value.reason and length > 1 and length == np.prod(value.shape)


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


class _Fact(NamedTuple):
    """An array with one axis: how long it is, whether values repeat, and what its name says."""

    length: int
    repeats: bool
    of: str


def _facts(held: Mapping[str, Held], main: str) -> dict[str, _Fact]:
    """The arrays with a single axis, which may be coordinates of the recording's, and the times of
    each trial, an array of two.
    """
    facts = {}
    for key, value in held.items():
        if key not in (main, "task_variables") and _is_line(value):
            values = value.read()
            of = _kind(key)
            if not of and _last(key) in NAMES and np.asarray(values).dtype.kind in "US":
                of = "" if _repeats(values) else "neuron"
            facts[key] = _Fact(max(value.shape), _repeats(values), of)
        elif _is_table(value) and len(value.shape) == 2 and _last(key) in OF_TIMES:
            facts[key] = _Fact(value.shape[1], False, "time")
    return facts


def _last(key: str) -> str:
    return key.rpartition(".")[2].lower().removesuffix("[:]")


def _kind(key: str) -> str:
    """What the places of an array are by its name: "time", "neuron" or ""."""
    if any(word in _last(key) for word in OF_NEURONS):
        return "neuron"
    return "time" if _last(key) in OF_TIMES else ""


def _named_facts(facts: Mapping[str, _Fact], labels: Mapping[str, object]) -> dict[str, _Fact]:
    """The arrays that `labels` names."""
    names = [value for value in labels.values() if isinstance(value, str)]
    return {key: facts[key]._replace(of="") for key in names if key in facts}


def _repeats(values: np.ndarray) -> bool:
    """Whether values come more than once and are no measured quantity: classes do."""
    values = np.asarray(values).ravel()
    if values.dtype.kind in "fc":
        known = values[np.isfinite(values)]
        if not np.array_equal(known, known.round()):
            return False
    return len(np.unique(values)) < len(values)


def _evidence(facts: Mapping[str, _Fact]) -> list[str]:
    """The arrays that say which axis is trial: classes, or where there are none all that is not of
    times or neurons by its name.
    """
    plain = [key for key, fact in facts.items() if not fact.of]
    return [key for key in plain if facts[key].repeats] or plain


def _usual(
    held: Mapping[str, Held], main: str, name: str, facts: Mapping[str, _Fact], saved: bool
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
            _readings(held, main, facts),
        )
    usual = USUAL[len(shape)]
    sizes = dict(zip(usual, shape, strict=True))
    fitting = [key for key in _evidence(facts) if facts[key].length in shape]
    strange = [
        key
        for key, fact in facts.items()
        if fact.of in sizes and fact.length in shape and fact.length != sizes[fact.of]
    ]
    if saved or not (fitting or strange):
        lost = [key for key in _evidence(facts) if facts[key].repeats]
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
            _readings(held, main, facts),
        )
    return [(axis, axis) for axis in usual]


def _told(facts: Mapping[str, _Fact], shape: tuple[int, ...]) -> bool:
    """Whether labels say which axis is trial: they have as many values as this axis alone."""
    fits = [key for key in _evidence(facts) if facts[key].length == shape[-2]]
    return bool(fits) and shape.count(shape[-2]) == 1


def _readings(held: Mapping[str, Held], main: str, facts: Mapping[str, _Fact]) -> list[Reading]:
    """Ways to read an array that fit the arrays beside it, the likeliest first."""
    if main not in held:
        return []
    sizes = [size for size in held[main].shape if size > 1 or len(held[main].shape) < 3]
    if len(sizes) < 2:
        return [Reading(main, ("trial",), {})] if len(sizes) == 1 and sizes[0] > 1 else []
    found = []
    for place, size in enumerate(sizes):
        fits = [key for key in _evidence(facts) if facts[key].length == size]
        classes = {_short(key, facts): key for key in fits if facts[key].repeats}
        if classes or (fits and len(sizes) < 4):
            found += [Reading(main, dims, classes) for dims in _orders(sizes, place, facts)]
    usual = USUAL.get(len(sizes))
    if usual and usual not in [reading.dims for reading in found]:
        found.append(Reading(main, usual, {}))
    elements = "[:]" in main  # the first axis is they, and no time
    if len(found) == bool(usual) and len(sizes) < 4:  # nothing tells which axis is trial
        known = _known_places(sizes, facts)
        open_places = [place for place in range(len(sizes)) if place not in known]
        trial = open_places[:1] if elements else open_places[:-1][-1:]
        dims = _orders(sizes, (trial or [0])[0], facts)
        found = [Reading(main, one, {}) for one in dims] if elements or not usual else found
    found = [one for one in found if not (elements and one.dims[0] == "time")]
    pairs = zip(held[main].shape, held[main].least, strict=False)
    shorter = [place for place, (size, least) in enumerate(pairs) if size != least]
    if not shorter:
        return found
    place, least = shorter[0], held[main].least[shorter[0]]
    return [  # what all elements have of the axis that is shorter in some
        one._replace(select={one.dims[place]: slice(0, least)})
        for one in found
        if len(one.dims) == len(held[main].shape) and one.dims[place] in ("time", "trial")
    ]


def _orders(sizes: Sequence[int], trial: int, facts: Mapping[str, _Fact]) -> list[tuple]:
    """The orders of axes in which this one is trial, those first that fit what else is known."""
    rest = [place for place in range(len(sizes)) if place != trial]
    known = {place: of for place, of in _known_places(sizes, facts).items() if place != trial}
    if len(sizes) == 2:
        other = known.get(rest[0])
        roles = [other] if other else ["neuron", "time"]  # the latter of one neuron
        return [_ordered({trial: "trial", rest[0]: role}) for role in roles]
    if len(sizes) == 3:
        orders = [
            {trial: "trial", rest[0]: first, rest[1]: second}
            for first, second in (("time", "neuron"), ("neuron", "time"))
        ]
        fitting = [o for o in orders if all(o[place] == of for place, of in known.items())]
        return [_ordered(order) for order in fitting or orders]
    neurons = [place for place, of in known.items() if of == "neuron"]
    conditions = {place: f"condition_{place}" for place in rest}
    if neurons:
        return [_ordered({trial: "trial", **conditions, neurons[0]: "neuron"})]
    before = [f"axis_{place}" for place in rest if place < trial]
    after = [f"axis_{place}" for place in rest if place > trial]
    merged = [("neuron", *names) for names in (before, after) if names]
    return [
        (*merged[: bool(before)], "trial", *merged[bool(before) :]),
        _ordered({trial: "trial", **conditions, rest[-1]: "neuron"}),
    ]


def _known_places(sizes: Sequence[int], facts: Mapping[str, _Fact]) -> dict[int, str]:
    """The axes that arrays of neurons or times, by their names, fit: what each is."""
    return {
        place: of
        for of in ("time", "neuron")
        for place, size in enumerate(sizes)
        if any(fact.of == of and fact.length == size for fact in facts.values())
    }


def _ordered(roles: Mapping[int, object]) -> tuple:
    return tuple(roles[place] for place in sorted(roles))


def _grids(
    held: Mapping[str, Held], data: xr.DataArray, axes: Sequence[tuple[str, str]]
) -> list[str]:
    """The arrays with one value a time bin and trial, or one for each place of all conditions."""
    of_trial = tuple(data.sizes[axis] for axis, role in axes if role == "trial")
    shapes = (
        {(data.sizes["time"], int(np.prod(of_trial)))} if data.sizes.get("time", 1) > 1 else set()
    )
    shapes |= {of_trial} if len(of_trial) > 1 else set()
    return [key for key, value in held.items() if value.shape in shapes and not value.reason]


def _short(key: str, among: Iterable[str]) -> str:
    """The last part of a dotted name, where no other array has it."""
    last = key.rpartition(".")[2]
    alone = sum(other.rpartition(".")[2] == last for other in among) == 1
    return last if alone and "[" in key.removesuffix(last) else key


# -- What else the file holds


def _declared(held: Mapping[str, Held]) -> dict[str, tuple] | None:
    """The coordinates whose axes a file written by `save` declares: name -> (axes, array); None for
    another file.
    """
    one = held.get("coordinates")
    if one is None or one.numeric or one.reason or np.prod(one.shape) != 1:
        return None
    try:
        told = json.loads(str(np.asarray(one.read()).item()))
        return {key: (tuple(axes), key) for key, axes in told.items() if key in held}
    except (ValueError, AttributeError, TypeError):  # a text of the user's own
        return None


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
                    f"fit the axes {place}; the axes are {_sized(sizes)}"
                )
            before[key] = (place, column)
        elif key in fits:
            before[key] = (key, column)
        elif left_out is not None and _kind(key) in fits:
            before[key] = (_kind(key), column)
        elif left_out is not None and _kind(key) == "time" and _same_times(column, sizes):
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
            why = f"fit {' and '.join(fits)}" if fits else f"fit none of the axes {_sized(sizes)}"
            what = f"{len(column)} values" if column.ndim == 1 else f"shape {column.shape}:"
            left_out[key] = f"{what} {why}"
    return before, after


def _same_times(column: np.ndarray, sizes: Mapping[str, int]) -> bool:
    """Whether an array holds the times of all trials, and they are the same."""
    fits = column.ndim == 2 and column.shape[1] == sizes.get("time")
    return fits and bool((column == column[:1]).all())


def _sized(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{axis} {size}" for axis, size in sizes.items())


def _array(label: object) -> str:
    """The name of the array that a label is, or a column of; "" for values."""
    one = label[1] if isinstance(label, tuple) and len(label) == 2 else label
    return COLUMN.sub(r"\1", one) if isinstance(one, str) else ""


def _left_out(held: Mapping[str, Held], used: set[str], named: bool) -> dict[str, str]:
    """What else the file holds and is no coordinate, with the reason."""
    reasons = {}
    for key, value in held.items():
        if key in used:
            continue
        if value.reason:
            reasons[key] = value.reason
        elif named and _is_line(value):
            reasons[key] = "not named in labels="
        elif len(value.shape) > 1 and np.prod(value.shape) > max(value.shape):
            reasons[key] = f"shape {value.shape}, not one value a trial"
            if len(value.shape) == 2 and value.shape[1] < 20:
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
        and (np.prod(value.shape) == 1 or (key == "task_variables" and _is_line(value)))
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
    listed = sorted(_shown(held), key=lambda key: not _is_table(held[key]))
    shown = [f"{key} {held[key].shape}" for key in listed]
    return validation.listed(shown) or "nothing"


# -- Axes


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
