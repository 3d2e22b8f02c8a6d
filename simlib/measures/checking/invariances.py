"""Checks of symmetry and invariance: what can be done to one side without changing the value."""

from collections.abc import Callable

import torch
from torch import Tensor

from simlib.measures.checking.bench import NEURONS, Bench, Check, Finding
from simlib.measures.record import INVARIANCES

# What is done to Z, and why it matters whether the value stays.
TRANSFORMS: dict[str, tuple[Callable[[Bench, Tensor], Tensor], str]] = {
    "translation": (
        lambda bench, Z: Z + torch.arange(1, NEURONS + 1, dtype=Z.dtype),
        "Baseline rates differ between recordings; a measure that centres is blind to them.",
    ),
    "isotropic scale": (
        lambda bench, Z: 3 * Z,
        "Spikes per second or per bin: without this invariance units are part of the score.",
    ),
    "permutation": (
        lambda bench, Z: Z[:, bench.noise(NEURONS, draw=70).argsort()],
        "The order in which neurons were numbered carries no meaning.",
    ),
    "rotation": (
        lambda bench, Z: Z @ bench.rotation(NEURONS),
        "Tells whether single neurons count or only the geometry of all of them.",
    ),
    "invertible linear map": (
        lambda bench, Z: (
            Z @ (bench.rotation(NEURONS) * torch.linspace(0.3, 3, NEURONS, dtype=Z.dtype))
        ),
        "A measure with this invariance is blind to which directions have much variance.",
    ),
    "neuron duplication": (
        lambda bench, Z: torch.cat([Z, Z], 1),
        "Tells whether recording every neuron twice, or twice as many alike, moves the score.",
    ),
}


def transformed(bench: Bench, kind: str, Z: Tensor) -> Tensor:
    """Z after the transform of this name, drawn from the bench's seed."""
    return TRANSFORMS[kind][0](bench, Z)


def _mirrored(bench: Bench) -> Finding:
    axis = bench.noise(NEURONS, 1, draw=71)
    axis = axis / axis.norm()
    return bench.same(bench.X, bench.Y - 2 * (bench.Y @ axis) @ axis.T)


def _moved(bench: Bench, kind: str, side: str) -> Finding:
    if side == "X":
        return bench.same(transformed(bench, kind, bench.X), bench.Y)
    return bench.same(bench.X, transformed(bench, kind, bench.Y))


def _check(kind: str, side: str) -> Check:
    return Check(
        f"{kind} of {side}",
        TRANSFORMS[kind][1],
        lambda bench: _moved(bench, kind, side),
        lambda record: kind in record.invariances_of(side),
    )


SYMMETRIES = (
    Check(
        "symmetric",
        "Where X and Y can't be swapped, say which of them is the reference.",
        lambda bench: bench.same(bench.Y, bench.X),
        lambda record: record.symmetric,
    ),
    *(_check(kind, side) for side in ("Y", "X") for kind in INVARIANCES),
    Check(
        "reflection of Y",
        "A mirror image has the same geometry; only a proper rotation differs.",
        _mirrored,
        lambda record: "rotation" in record.invariances,
    ),
)
