"""Checks of the gradient: correct, finite at the edges, and blind where the value is."""

from collections.abc import Callable

import torch
from torch import Tensor

from simlib.measures.checking.bench import Bench, Check, Finding, finding, not_applicable
from simlib.measures.checking.edges import pairs
from simlib.measures.checking.invariances import transformed

STEP, SLOPE, DIRECTIONS = 1e-5, 1e-4, 3
EXPLODED = 1e6  # times the usual size
SINGLE = 1e-2  # relative; float32 gradients are for climbing, not for digits


def _exists(bench: Bench) -> Finding:
    if bench.tracked:
        largest = float(bench.gradient(bench.X, bench.Y).abs().max())
        return finding(largest > 0, f"largest entry {largest:.1e}")
    value = bench.value(bench.X, bench.Y.clone().requires_grad_(True))
    return finding(value.requires_grad, "the value isn't connected to Y")


def _finite_differences(bench: Bench) -> Finding:
    gradient, errors = bench.gradient(bench.X, bench.Y), []
    for k in range(DIRECTIONS):
        direction = bench.noise(*bench.Y.shape, draw=90 + k)
        ends = (bench.Y + STEP * direction, bench.Y - STEP * direction)
        ahead, behind = (bench.number(bench.X, Y) for Y in ends)
        errors.append(abs(float((gradient * direction).sum()) - (ahead - behind) / (2 * STEP)))
    worst = max(errors) / max(float(gradient.norm()), 1e-12)
    return finding(worst < SLOPE, f"{DIRECTIONS} directions, relative error {worst:.1e}")


def _finite_differences_of_x(bench: Bench) -> Finding:
    X = bench.X.clone().requires_grad_(True)
    value = bench.value(X, bench.Y)
    if not value.requires_grad:
        return not_applicable("no gradient with respect to X")
    (gradient,) = torch.autograd.grad(value, X)
    direction = bench.noise(*X.shape, draw=93)
    ahead, behind = (bench.number(bench.X + step * direction, bench.Y) for step in (STEP, -STEP))
    error = abs(float((gradient * direction).sum()) - (ahead - behind) / (2 * STEP))
    error /= max(float(gradient.norm()), 1e-12)
    return finding(error < SLOPE, f"relative error {error:.1e}")


def _finite_at(place: Callable[[Bench], tuple[Tensor, Tensor]]) -> Callable[[Bench], Finding]:
    """Finite, and not merely because rounding kept a division by zero from happening."""

    def run(bench: Bench) -> Finding:
        largest = float(bench.gradient(*place(bench)).abs().max())
        usual = float(bench.gradient(bench.X, bench.Y).abs().max())
        return finding(
            largest < EXPLODED * max(1.0, usual),
            f"largest entry {largest:.1e}, elsewhere {usual:.1e}",
        )

    return run


def _single(bench: Bench) -> Finding:
    exact = bench.gradient(bench.X, bench.Y)
    rounded = bench.gradient(bench.X.float(), bench.Y.float())
    error = float((rounded.double() - exact).norm() / exact.norm())
    return finding(error < SINGLE, f"relative difference {error:.1e}")


def _blind(kind: str, along: Callable[[Bench, Tensor], float]) -> Callable[[Bench], Finding]:
    """Where the value is unchanged by a transform of Y, the gradient has nothing along it."""

    def run(bench: Bench) -> Finding:
        if bench.same(bench.X, transformed(bench, kind, bench.Y)).outcome != "holds":
            return not_applicable(f"the value changes with {kind} of Y")
        gradient = bench.gradient(bench.X, bench.Y)
        share = along(bench, gradient) / max(float(gradient.norm() * bench.Y.norm()), 1e-12)
        return finding(share < bench.tolerance, f"share {share:.1e} of the gradient")

    return run


def _along_rotation(bench: Bench, gradient: Tensor) -> float:
    turn = bench.Y.T @ gradient
    return float((turn - turn.T).norm())


def _gradient(name: str, reason: str, run: Callable[[Bench], Finding]) -> Check:
    """A check of measures whose value autograd can follow back to Y."""

    def if_tracked(bench: Bench) -> Finding:
        return run(bench) if bench.tracked else not_applicable("no gradient")

    return Check(name, reason, if_tracked)


GRADIENTS = (
    Check(
        "gradient exists",
        "maximize and joint_range climb it.",
        _exists,
        lambda record: record.differentiable,
    ),
    _gradient("finite differences", "A wrong gradient climbs something else.", _finite_differences),
    _gradient(
        "finite differences of X",
        "Fitting the reference side, as in alignment, climbs this one.",
        _finite_differences_of_x,
    ),
    _gradient(
        "gradient at Y = X",
        "Ascents end here; arccos and norms have infinite slopes at their ends.",
        _finite_at(lambda bench: (bench.X, bench.X)),
    ),
    _gradient(
        "gradient at low rank",
        "Derivatives of singular vectors divide by differences that are zero here.",
        _finite_at(lambda bench: pairs(bench)["low rank"]),
    ),
    _gradient(
        "gradient at a constant unit",
        "Dividing by a neuron's standard deviation gives NaN here.",
        _finite_at(lambda bench: pairs(bench)["constant unit"]),
    ),
    _gradient(
        "gradient at repeated samples",
        "Square roots of distances have infinite slopes at distance zero.",
        _finite_at(lambda bench: pairs(bench)["repeated samples"]),
    ),
    _gradient("gradient in float32", "maximize runs in float32.", _single),
    _gradient(
        "finite in float32",
        "Near X a float32 cosine rounds to more than 1.",
        _finite_at(lambda bench: (bench.X.float(), bench.X.float())),
    ),
    _gradient(
        "blind to scale",
        "Where scale doesn't matter no step may be spent on it.",
        _blind("isotropic scale", lambda bench, gradient: float((gradient * bench.Y).sum().abs())),
    ),
    _gradient(
        "blind to translation",
        "Where the mean doesn't matter no step may be spent on it.",
        _blind("translation", lambda bench, gradient: float(gradient.sum(0).abs().max())),
    ),
    _gradient(
        "blind to rotation",
        "Where axes don't matter no step may be spent on turning them.",
        _blind("rotation", _along_rotation),
    ),
    _gradient(
        "same value when tracked",
        "The score that is climbed is the score that is reported.",
        lambda bench: bench.unchanged(bench.number(bench.X, bench.Y.clone().requires_grad_(True))),
    ),
)
