"""Checks of the gradient: correct, finite at the edges, and blind where the value is."""

from collections.abc import Callable

import torch
from torch import Tensor

from simlib.measures.checking.bench import Bench, Check, Finding
from simlib.measures.checking.edges import pairs
from simlib.measures.checking.invariances import transformed

STEP, SLOPE = 1e-5, 1e-4


def _exists(bench: Bench) -> Finding:
    value = bench.value(bench.X, bench.Y.clone().requires_grad_(True))
    if not value.requires_grad:
        return Finding(False, "the value isn't connected to Y")
    largest = float(bench.gradient(bench.X, bench.Y).abs().max())
    return Finding(largest > 0, f"largest entry {largest:.1e}")


def _error(gradient: Tensor, direction: Tensor, number: Callable[[Tensor], float]) -> float:
    """How far the gradient is off the slope of `number`, a function of steps, in one direction."""
    slope = (number(STEP * direction) - number(-STEP * direction)) / (2 * STEP)
    return abs(float((gradient * direction).sum()) - slope) / max(float(gradient.norm()), 1e-12)


def _finite_differences(bench: Bench) -> Finding:
    gradient = bench.gradient(bench.X, bench.Y)
    directions = [bench.noise(*bench.Y.shape, draw=90 + k) for k in range(3)]
    worst = max(
        _error(gradient, direction, lambda step: bench.number(bench.X, bench.Y + step))
        for direction in directions
    )
    return Finding(worst < SLOPE, f"{len(directions)} directions, relative error {worst:.1e}")


def _finite_differences_of_x(bench: Bench) -> Finding:
    X = bench.X.clone().requires_grad_(True)
    value = bench.value(X, bench.Y)
    if not value.requires_grad:
        return Finding(None, "no gradient with respect to X")
    (gradient,) = torch.autograd.grad(value, X)
    direction = bench.noise(*X.shape, draw=93)
    error = _error(gradient, direction, lambda step: bench.number(bench.X + step, bench.Y))
    return Finding(error < SLOPE, f"relative error {error:.1e}")


def _finite_at(bench: Bench, X: Tensor, Y: Tensor) -> Finding:
    """Finite, and not merely because rounding kept a division by zero from happening."""
    largest, usual = (
        float(bench.gradient(*pair).abs().max()) for pair in ((X, Y), (bench.X, bench.Y))
    )
    finite = largest < 1e6 * max(1.0, usual)
    return Finding(finite, f"largest entry {largest:.1e}, elsewhere {usual:.1e}")


def _single(bench: Bench) -> Finding:
    exact = bench.gradient(bench.X, bench.Y)
    rounded = bench.gradient(bench.X.float(), bench.Y.float())
    error = float((rounded.double() - exact).norm() / exact.norm())
    # float32 gradients are for climbing, not for digits.
    return Finding(error < 1e-2, f"relative difference {error:.1e}")


def _blind(bench: Bench, kind: str, along: Callable[[Tensor], Tensor]) -> Finding:
    """Where the value is unchanged by a transform of Y, the gradient has nothing along it."""
    if not bench.same(bench.X, transformed(bench, kind, bench.Y)).holds:
        return Finding(None, f"the value changes with {kind} of Y")
    gradient = bench.gradient(bench.X, bench.Y)
    share = float(along(gradient)) / max(float(gradient.norm() * bench.Y.norm()), 1e-12)
    return Finding(share < bench.tolerance, f"share {share:.1e} of the gradient")


def _skew(M: Tensor) -> Tensor:
    return M - M.T


def _gradient(name: str, reason: str, run: Callable[[Bench], Finding]) -> Check:
    """A check of measures whose value autograd can follow back to Y."""
    return Check(
        name,
        reason,
        lambda bench: run(bench) if bench.tracked else Finding(None, "no gradient"),
    )


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
        lambda bench: _finite_at(bench, bench.X, bench.X),
    ),
    _gradient(
        "gradient at low rank",
        "Derivatives of singular vectors divide by differences that are zero here.",
        lambda bench: _finite_at(bench, *pairs(bench)["low rank"]),
    ),
    _gradient(
        "gradient at a constant unit",
        "Dividing by a neuron's standard deviation gives NaN here.",
        lambda bench: _finite_at(bench, *pairs(bench)["constant unit"]),
    ),
    _gradient(
        "gradient at repeated samples",
        "Square roots of distances have infinite slopes at distance zero.",
        lambda bench: _finite_at(bench, *pairs(bench)["repeated samples"]),
    ),
    _gradient("gradient in float32", "maximize runs in float32.", _single),
    _gradient(
        "finite in float32",
        "Near X a float32 cosine rounds to more than 1.",
        lambda bench: _finite_at(bench, bench.X.float(), bench.X.float()),
    ),
    _gradient(
        "blind to scale",
        "Where scale doesn't matter no step may be spent on it.",
        lambda bench: _blind(bench, "isotropic scale", lambda slope: (slope * bench.Y).sum().abs()),
    ),
    _gradient(
        "blind to translation",
        "Where the mean doesn't matter no step may be spent on it.",
        lambda bench: _blind(bench, "translation", lambda slope: slope.sum(0).abs().max()),
    ),
    _gradient(
        "blind to rotation",
        "Where axes don't matter no step may be spent on turning them.",
        lambda bench: _blind(bench, "rotation", lambda slope: _skew(bench.Y.T @ slope).norm()),
    ),
    _gradient(
        "same value when tracked",
        "The score that is climbed is the score that is reported.",
        lambda bench: bench.unchanged(bench.number(bench.X, bench.Y.clone().requires_grad_(True))),
    ),
)
