"""The card of a measure of one's own: what it is blind to, and whether it can be climbed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from simlib import measures

__all__ = ["check_measure"]

SAMPLES, NEURONS = 40, 6


def _rotation(generator: torch.Generator) -> Tensor:
    return torch.linalg.qr(torch.randn(NEURONS, NEURONS, generator=generator, dtype=torch.float64))[0]


def _transforms(generator: torch.Generator) -> dict[str, Callable[[Tensor], Tensor]]:
    turn = _rotation(generator)
    stretch = turn * torch.linspace(0.3, 3, NEURONS, dtype=torch.float64)
    order = torch.randperm(NEURONS, generator=generator)
    return {
        "translation": lambda Y: Y + torch.arange(NEURONS, dtype=Y.dtype),
        "isotropic scale": lambda Y: 3 * Y,
        "permutation of neurons": lambda Y: Y[:, order],
        "rotation": lambda Y: Y @ turn,
        "invertible linear map": lambda Y: Y @ stretch,
        "each neuron twice": lambda Y: torch.cat([Y, Y], 1),
    }


def _slope_error(bound: measures.Measure, X: Tensor, Y: Tensor, generator: torch.Generator) -> float:
    """Relative difference of the gradient from a central difference along one random direction."""
    Y = Y.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(bound(X, Y), Y)
    direction = torch.randn(Y.shape, generator=generator, dtype=Y.dtype)
    with torch.no_grad():
        difference = (bound(X, Y + 1e-5 * direction) - bound(X, Y - 1e-5 * direction)) / 2e-5
    along = (gradient * direction).sum()
    return float((along - difference).abs() / difference.abs().clamp_min(1e-12))


def _unchanged(bound: measures.Measure, X: Tensor, Y: Tensor, value: Tensor, tolerance: float) -> tuple[bool, str]:
    """Whether X and Y still have this value, and by how much it changes or why it can't be computed."""
    try:
        change = float((bound(X, Y) - value).abs())
    except Exception as error:  # a measure of the user's own may fail in any way: that is the finding
        return False, f"fails: {error}"
    return change < tolerance, f"changes by {change:.1e}"


def _tracked(bound: measures.Measure, X: Tensor, Y: Tensor) -> bool:
    """Whether autograd can follow the value back to Y."""
    try:
        return bound(X, Y.clone().requires_grad_(True)).requires_grad
    except Exception:  # through numpy, say
        return False


def check_measure(function: Callable | str, *, seed: int = 0, tolerance: float = 1e-6) -> pd.DataFrame:
    """The card of a measure, a row a property: columns property, holds, evidence.

    `function` takes two float64 tensors (samples, neurons) and returns a 0-d tensor (or is an id). Tried on
    random data (40 samples, 6 neurons): invariance of the value to maps of Y, symmetry, X being most similar
    to itself, and the gradient: there, finite at Y = X, and equal to finite differences. A property holds
    where the value changes by less than `tolerance`; where the function fails (on unequal numbers of neurons,
    say) it doesn't, and the evidence is the error. Raises TypeError where the function doesn't return a
    0-d tensor.
    """
    bound = measures.measure(function)
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(SAMPLES, NEURONS, generator=generator, dtype=torch.float64)
    Y = 0.5 * X @ _rotation(generator) + torch.randn(SAMPLES, NEURONS, generator=generator, dtype=torch.float64)
    value = bound(X, Y)
    if not isinstance(value, Tensor) or value.ndim:
        raise TypeError(f"a measure returns a 0-d tensor; {bound.title} returned {type(value).__name__}")
    rows = [
        (f"unchanged by {kind} of Y", *_unchanged(bound, X, transform(Y), value, tolerance))
        for kind, transform in _transforms(generator).items()
    ]
    rows.append(("symmetric", *_unchanged(bound, Y, X, value, tolerance)))
    own = float(bound(X, X))
    rows.append(("X is most similar to itself", bound.direction * (own - float(value)) > 0,
                 f"{own:.4g} against {float(value):.4g} for another"))
    tracked = _tracked(bound, X, Y)
    error = _slope_error(bound, X, Y, generator) if tracked else np.inf
    rows.append(("differentiable", error < 1e-4, f"relative error of the slope {error:.1e}"))
    if tracked:
        same = X.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(bound(X, same), same)
        finite = bool(torch.isfinite(gradient).all())
        rows.append(("finite gradient at Y = X", finite, f"largest entry {float(gradient.abs().max()):.1e}"))
    return pd.DataFrame(rows, columns=["property", "holds", "evidence"])
