"""What the arrays beside a recording's say of it: which axis their places are, and whether they are
labels.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from simlib.datasets.own.parts import Held

# Beginnings of words that name neurons, and in the name of an array what its places are, whatever
# axis they fit.
NEURONS = ("neuron", "neuroid", "unit", "cell", "channel", "electrode", "roi", "voxel", "site")
OF_NEURONS = (*NEURONS, "region", "area", "depth", "layer")
NAMES = ("label", "labels", "name", "names")  # of neurons, where no two are the same
OF_TIMES = ("time", "times", "t", "bin", "bins", "time_bins", "timestamps")


def beside_array(held: Mapping[str, Held], main: str) -> dict[str, Held]:
    """The recording's array and those that may say something of it; those that belong to another
    array of the same name, or can't be read, with that as their reason.
    """
    group, _, last = main.rpartition(".")
    tables = [key for key in held if key != main and is_table(held[key])]
    split = [key.rpartition(".") for key in tables]
    likes = [f"{other}." for other, _, name in split if name == last and other]
    likes = [other for other in likes if not f"{group}.".startswith(other)]
    beside = {}
    for key, value in held.items():
        inside = bool(group) and key.startswith(f"{group}.")
        one_of_many = value.within and (not inside or value.within.startswith(f"{group}."))
        if one_of_many and key != main:
            continue
        others = [other for other in likes if key.startswith(other) and not inside]
        if others and not value.reason:
            value = value._replace(reason=f"belongs to {others[0]}{last}, another array")
        elif is_line(value):
            try:
                found = np.asarray(value.read())
                value = value._replace(read=lambda found=found: found)
            except ValueError as error:
                value = value._replace(reason=str(error))
        beside[key] = value._replace(within="")
    if declared_in(held) is not None:
        del beside["coordinates"]
    return beside


def is_line(value: Held) -> bool:
    """Whether an array has a single axis along which there are several values."""
    length = max(value.shape, default=0)
    return not value.reason and length > 1 and length == np.prod(value.shape)


class Fact(NamedTuple):
    """An array with one axis: how long it is, whether values repeat, and what its name says."""

    length: int
    repeats: bool
    of: str


def facts_of(held: Mapping[str, Held], main: str) -> dict[str, Fact]:
    """The arrays with a single axis, which may be coordinates of the recording's, and the times of
    each trial, an array of two.
    """
    facts = {}
    for key, value in held.items():
        if key not in (main, "task_variables") and is_line(value):
            values = value.read()
            of = kind_of(key)
            if not of and _last(key).lower() in NAMES and np.asarray(values).dtype.kind in "US":
                of = "" if repeats(values) else "neuron"
            facts[key] = Fact(max(value.shape), repeats(values), of)
        elif is_table(value) and len(value.shape) == 2 and kind_of(key) == "time":
            facts[key] = Fact(value.shape[1], False, "time")
    return facts


def _last(key: str) -> str:
    return key.rpartition(".")[2].removesuffix("[:]")


def says(name: str, beginnings: tuple[str, ...]) -> bool:
    """Whether a word in a name begins so.

    >>> says("brainArea", ("area",)), says("cell_type", ("cell",)), says("cancelled", ("cell",))
    (True, True, False)
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return any(word.startswith(beginnings) for word in re.findall("[a-z]+", apart))


def kind_of(key: str) -> str:
    """What the places of an array are by its name: "time", "neuron" or ""."""
    if says(_last(key), OF_NEURONS):
        return "neuron"
    return "time" if _last(key).lower() in OF_TIMES else ""


def repeats(values: np.ndarray) -> bool:
    """Whether values come more than once and are no measured quantity: classes do."""
    values = np.asarray(values).ravel()
    if values.dtype.kind in "fc":
        known = values[np.isfinite(values)]
        if not np.array_equal(known, known.round()):
            return False
    return len(np.unique(values)) < len(values)


def evidence(facts: Mapping[str, Fact]) -> list[str]:
    """The arrays that say which axis is trial: classes, or where there are none all that is not of
    times or neurons by its name.
    """
    plain = [key for key, fact in facts.items() if not fact.of]
    return [key for key in plain if facts[key].repeats] or plain


def declared_in(held: Mapping[str, Held]) -> dict[str, tuple] | None:
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


def is_table(value: Held) -> bool:
    return value.numeric and not value.reason and sum(size > 1 for size in value.shape) > 1


def short(key: str, among: Iterable[str]) -> str:
    """The last part of a dotted name, where no other array has it."""
    last = key.rpartition(".")[2]
    alone = sum(other.rpartition(".")[2] == last for other in among) == 1
    return last if alone and "[" in key.removesuffix(last) else key
