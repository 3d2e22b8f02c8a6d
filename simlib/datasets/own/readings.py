"""Ways to read an array whose axes nothing declares, as options of `load`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simlib.datasets.arrays import DIMS
from simlib.datasets.own.facts import Fact, beside_array, evidence, facts_of, short
from simlib.datasets.own.parts import Held

USUAL = {2: ("trial", "neuron"), 3: DIMS}  # the order of axes that needs no word


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


def read_beside(held: Mapping[str, Held], main: str, outside: Mapping[str, Fact]) -> list[Reading]:
    """Ways to read an array that fit what is beside it, and labels from `outside` of the file."""
    return readings(held, main, facts_of(beside_array(held, main), main) | outside)


def readings(held: Mapping[str, Held], main: str, facts: Mapping[str, Fact]) -> list[Reading]:
    """Ways to read an array that fit the arrays beside it, the likeliest first."""
    if main not in held:
        return []
    sizes = [size for size in held[main].shape if size > 1 or len(held[main].shape) < 3]
    if len(sizes) < 2:
        return [Reading(main, ("trial",), {})] if len(sizes) == 1 and sizes[0] > 1 else []
    found = []
    for place, size in enumerate(sizes):
        fits = [key for key in evidence(facts) if facts[key].length == size]
        classes = {short(key, facts): key for key in fits if facts[key].repeats and key in held}
        if any(facts[key].repeats for key in fits) or (fits and len(sizes) < 4):
            found += [Reading(main, dims, classes) for dims in _orders(sizes, place, facts)]
    elements = "[:]" in main  # the first axis is they, and no time
    if elements and not found and len(sizes) < 4:
        known = _known_places(sizes, facts)
        trial = next((place for place in range(len(sizes)) if place not in known), 0)
        found = [Reading(main, dims, {}) for dims in _orders(sizes, trial, facts)]
    usual = USUAL.get(len(sizes))
    if usual and usual not in [reading.dims for reading in found]:
        found.append(Reading(main, usual, {}))
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


def _orders(sizes: Sequence[int], trial: int, facts: Mapping[str, Fact]) -> list[tuple]:
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


def _known_places(sizes: Sequence[int], facts: Mapping[str, Fact]) -> dict[int, str]:
    """The axes that arrays of neurons or times, by their names, fit: what each is."""
    return {
        place: of
        for of in ("time", "neuron")
        for place, size in enumerate(sizes)
        if any(fact.of == of and fact.length == size for fact in facts.values())
    }


def _ordered(roles: Mapping[int, object]) -> tuple:
    return tuple(roles[place] for place in sorted(roles))
