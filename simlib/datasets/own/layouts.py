"""Arrays in a file as a recording: which one it is, what its axes are, and which arrays are its
labels.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS
from simlib.datasets.own.matlab import Held

USUAL = {2: ("trial", "neuron"), 3: DIMS}
# Words in the name of an array that say what its places are, whatever axis they fit.
OF_NEURONS = ("neuron", "unit", "cell", "channel", "electrode", "region", "area", "depth", "layer")
OF_TIMES = ("time", "times", "t", "bin", "bins", "time_bins", "timestamps")


class Reading(NamedTuple):
    """One way to read a file, as options of `load`."""

    values: str
    dims: tuple
    labels: dict[str, str]


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

    `labels` are coordinate -> name of an array in the file, or values: one a trial, or one for each
    place of an axis of conditions, ("condition", "name") where several fit. By default every array
    with one value a place of an axis is a coordinate. What is none is listed with its reason in the
    attribute `left_out` (JSON); `read_as` says what the axes were taken for.

    Raises Unclear where several readings, or none, come into question.
    """
    main = _main(held, name, values)
    shape = held[main].shape
    facts = _facts(held, main)
    asked = facts if labels is None else _named_facts(facts, labels)
    axes = _usual(held, main, name, asked) if dims is None else parsed(dims)
    if len(axes) != len(shape):
        shape = tuple(size for size in shape if size > 1)
    if len(axes) != len(shape) or len({axis for axis, _ in axes}) != len(axes):
        raise Unclear(
            f"{main} of {name} has the shape {held[main].shape}, and dims={tuple(dims)!r} does not "
            "name its axes one by one",
            _readings(held, main, facts),
        )
    data = xr.DataArray(np.asarray(held[main].read()).reshape(shape), dims=[a for a, _ in axes])
    given = {key: _values(held, value, name) for key, value in (labels or {}).items()}
    if labels is None:
        declared = _declared(held)
        over_time = _over_time(held, data, axes)
        plain = [key for key in (*facts, *over_time) if key not in {main, *declared}]
        found = {_short(key, plain): key for key in plain} | declared
        given = {key: _values(held, value, name) for key, value in found.items()}
    left_out = _left_out(held, main, labels, given)
    before, after = _placed(data, axes, given, left_out if labels is None else None, name)
    data = stacked(data.assign_coords(before), axes)
    for key, column in after.items():
        try:
            data = data.assign_coords({key: along_trial(column, data, f"{key!r} of {name}")})
        except ValueError as error:
            raise Unclear(str(error), _readings(held, main, facts)) from error
    data.attrs |= _scalars(held, main)
    sizes = ", ".join(
        f"{axis} {size}" if axis == role else f"{axis} {size} (part of {role})"
        for (axis, role), size in zip(axes, shape, strict=True)
    )
    if "coordinates" not in held:
        data.attrs["read_as"] = f"{main} {held[main].shape} of {name}, read as {sizes}"
    if left_out:
        data.attrs["left_out"] = json.dumps(left_out)
    if dims is None and "coordinates" not in held and not _told(asked, shape):
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
    tables = sorted(_shown(held), key=lambda key: -np.prod(held[key].shape, dtype=float))
    tables = [key for key in tables if _is_table(held[key])]
    unlike = tables and held[tables[0]].within  # one of many of unequal shapes
    why = f"; {unlike}: {held[unlike].reason}" if unlike else ""
    if not tables:
        why = "; this needs another file: none of these is a table of numbers"
    raise Unclear(
        f"{name} has no array X; it holds {contents(held)}. Say which array is the recording, what "
        f"its axes are, and which arrays are labels{why}",
        []
        if unlike
        else [one for key in tables[:2] for one in _readings(held, key, _facts(held, key))[:2]],
    )


def _unknown(array: str, held: Mapping[str, Held], name: str) -> ValueError:
    return validation.unknown_name("array", array, _shown(held), f"{name} holds {contents(held)}")


def _is_table(value: Held) -> bool:
    return value.numeric and not value.reason and sum(size > 1 for size in value.shape) > 1


def _shown(held: Mapping[str, Held]) -> list[str]:
    """The names that a listing shows: of arrays that are one, that one; of others the first."""
    firsts = {value.within: key for key, value in reversed(held.items()) if value.within}
    alone = {key for whole, key in firsts.items() if held[whole].reason}
    return [key for key, value in held.items() if not value.within or key in alone]


def parsed(dims: Sequence) -> list[tuple[str, str]]:
    """(axis, what it is part of) of each axis that `dims` names: time, trial or neuron.

    >>> parsed(("image", ("neuron", "y", "x")))
    [('image', 'trial'), ('y', 'neuron'), ('x', 'neuron')]
    """
    axes = []
    for one in dims:
        if isinstance(one, str):
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
    """The arrays with a single axis, which may be coordinates of the recording's."""
    facts = {}
    for key, value in held.items():
        length = max(value.shape, default=0)
        plain = not value.reason and not value.within and key not in (main, "coordinates")
        if plain and length > 1 and length == np.prod(value.shape):
            words = key.rpartition(".")[2].lower()
            of = "time" if words in OF_TIMES else ""
            of = "neuron" if any(word in words for word in OF_NEURONS) else of
            facts[key] = _Fact(length, _repeats(value.read()), of)
    return facts


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
    return len(np.unique(values.astype(str))) < len(values)


def _evidence(facts: Mapping[str, _Fact]) -> list[str]:
    """The arrays that say which axis is trial: classes, or where there are none all that is not of
    times or neurons by its name.
    """
    plain = [key for key, fact in facts.items() if not fact.of]
    return [key for key in plain if facts[key].repeats] or plain


def _usual(
    held: Mapping[str, Held], main: str, name: str, facts: Mapping[str, _Fact]
) -> list[tuple[str, str]]:
    """The axes (time, trial, neuron) or (trial, neuron); raises Unclear where the labels fit
    another reading.
    """
    shape = held[main].shape
    if len(shape) > 3:
        shape = tuple(size for size in shape if size > 1)
    if len(shape) not in USUAL and shape:
        found = f"got {len(shape)} axes, shape {held[main].shape}"
        raise Unclear(
            f"{main} of {name} needs its axes named: a recording is (time, trial, neuron), or "
            f"(trial, neuron) for one time bin; {found}",
            _readings(held, main, facts),
        )
    usual = USUAL.get(len(shape), ())
    sizes = dict(zip(usual, shape, strict=True))
    fitting = [key for key in _evidence(facts) if facts[key].length in shape]
    strange = [
        key
        for key, fact in facts.items()
        if fact.of in sizes and fact.length in shape and fact.length != sizes[fact.of]
    ]
    if "coordinates" in held or not (fitting or strange):
        lost = [key for key in _evidence(facts) if facts[key].repeats]
        if lost and "coordinates" not in held:
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
    evidence = _evidence(facts)
    found = []
    for place, size in enumerate(sizes):
        fits = [key for key in evidence if facts[key].length == size]
        classes = {_short(key, facts): key for key in fits if facts[key].repeats}
        if fits:
            found += [Reading(main, dims, classes) for dims in _orders(sizes, place, facts)]
    usual = USUAL.get(len(sizes))
    if usual and usual not in [reading.dims for reading in found]:
        found.append(Reading(main, usual, {}))
    if found:
        return found
    known = _known_places(sizes, facts)
    trial = [place for place in range(len(sizes) - 1) if place not in known][-1:] or [0]
    return [Reading(main, dims, {}) for dims in _orders(sizes, trial[0], facts)]


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


def _over_time(
    held: Mapping[str, Held], data: xr.DataArray, axes: Sequence[tuple[str, str]]
) -> list[str]:
    """The arrays with one value a time bin and trial."""
    times = data.sizes.get("time", 1)
    trials = int(np.prod([data.sizes[axis] for axis, role in axes if role == "trial"]))
    return [
        key
        for key, value in held.items()
        if times > 1 and value.shape == (times, trials) and not (value.reason or value.within)
    ]


def _short(key: str, among: Iterable[str]) -> str:
    """The last part of a dotted name, where no other array has it."""
    last = key.rpartition(".")[2]
    alone = sum(other.rpartition(".")[2] == last for other in among) == 1
    return last if alone and "[:]" in key else key


# -- What else the file holds


def _declared(held: Mapping[str, Held]) -> dict[str, tuple]:
    """The coordinates whose axes a file written by `save` declares: name -> (axes, array)."""
    if "coordinates" not in held:
        return {}
    told = json.loads(str(np.asarray(held["coordinates"].read()).item()))
    return {key: (tuple(axes), key) for key, axes in told.items() if key in held}


def _values(held: Mapping[str, Held], value: object, name: str) -> object:
    """A label's values, without axes of length 1; (axes, values) where axes are named."""
    if isinstance(value, tuple) and len(value) == 2:
        axes = (value[0],) if isinstance(value[0], str) else tuple(value[0])
        return axes, _values(held, value[1], name)
    if isinstance(value, str):
        if value not in held:
            raise _unknown(value, held, name)
        if held[value].reason:
            raise ValueError(f"{value} of {name} can't be read: {held[value].reason}")
        value = held[value].read()
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
        elif key in sizes and key in fits:
            before[key] = (key, column.astype(float) if key == "time" else column)
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
            left_out[key] = f"{len(column)} values {why}"
    return before, after


def _sized(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{axis} {size}" for axis, size in sizes.items())


def _left_out(
    held: Mapping[str, Held], main: str, labels: Mapping | None, given: Mapping[str, object]
) -> dict[str, str]:
    """What else the file holds and is no coordinate, with the reason."""
    used = {main, "coordinates", *given}
    for value in (labels or {}).values():
        one = value[1] if isinstance(value, tuple) and len(value) == 2 else value
        used |= {one} if isinstance(one, str) else set()
    reasons = {}
    for key, value in held.items():
        if key in used or value.within:
            continue
        if value.reason:
            reasons[key] = value.reason
        elif labels is not None and max(value.shape, default=0) == np.prod(value.shape) > 1:
            reasons[key] = "not named in labels="
        elif len(value.shape) > 1 and np.prod(value.shape) > max(value.shape):
            reasons[key] = f"shape {value.shape}, not one value a trial"
    return reasons


def _scalars(held: Mapping[str, Held], main: str) -> dict:
    """Single numbers and strings: attributes, such as main_variable and name."""
    return {
        key: np.asarray(value.read()).reshape(-1)[0].item()
        for key, value in held.items()
        if key not in (main, "coordinates")
        and not value.reason
        and not value.within
        and np.prod(value.shape) == 1
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
