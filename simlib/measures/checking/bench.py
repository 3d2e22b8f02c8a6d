"""What every check works with: one measure on two small random matrices, and what it finds."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from simlib.measures.record import Measure

SAMPLES, NEURONS = 40, 6


class Finding(NamedTuple):
    """What one check found: whether the law holds, and the numbers or the error behind it.

    `holds` is None where the law says nothing about this measure.
    """

    holds: bool | None
    evidence: str


class Check(NamedTuple):
    """One law of a measure: its name, why it matters, how it is checked; `about` is its table's.

    `declared` says what a record claims of it: True (it holds), False (it doesn't) or None
    (nothing); a bare function claims nothing, so there either outcome is fine. Without it every
    measure has to keep this law.
    """

    name: str
    reason: str
    run: Callable[["Bench"], Finding]
    declared: Callable[[Measure], bool | None] | None = None
    about: str = ""


@dataclass(frozen=True)
class Bench:
    """A measure and its trial data: X and a related Y, (40, 6) each, float64.

    Their PCs differ in variance.
    """

    record: Measure
    tolerance: float
    seed: int

    @cached_property
    def X(self) -> Float[Tensor, "40 6"]:
        return self.noise(SAMPLES, NEURONS) * torch.linspace(2, 0.5, NEURONS, dtype=torch.float64)

    @cached_property
    def Y(self) -> Float[Tensor, "40 6"]:
        return 0.5 * self.X @ self.rotation(NEURONS) + self.noise(SAMPLES, NEURONS, draw=1)

    def noise(self, *shape: int, draw: int = 0) -> Tensor:
        """Independent standard Gaussians; another `draw`, other numbers."""
        generator = torch.Generator().manual_seed(1000 * self.seed + draw)
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def rotation(self, size: int) -> Float[Tensor, "p p"]:
        """A random orthogonal matrix."""
        return torch.linalg.qr(self.noise(size, size, draw=100))[0]

    def value(self, X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, ""]:
        """The measure on copies of X and Y. Raises TypeError for anything but a 0-d tensor."""
        result = self.record(X.clone(), Y.clone())
        self.refuse(result)
        return result

    def refuse(self, result: object) -> None:
        """TypeError for anything but a 0-d tensor."""
        if isinstance(result, Tensor) and not result.ndim:
            return
        shape = f" of shape {tuple(result.shape)}" if hasattr(result, "shape") else ""
        numbers = isinstance(result, float | int) or shape == " of shape ()"
        hint = "; wrap it as torch.tensor(value), which has no gradient to climb" if numbers else ""
        raise TypeError(
            f"a measure returns a 0-d tensor; {self.record.title} returned "
            f"{type(result).__name__}{shape}{hint}"
        )

    def number(self, X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> float:
        """The value as a float, whether or not it carries a gradient."""
        return float(self.value(X, Y).detach())

    def similarity(self, X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> float:
        """The number with the sign that makes it grow with similarity."""
        return self.record.direction * self.number(X, Y)

    @cached_property
    def plain(self) -> float:
        """The number of the trial pair itself."""
        return self.number(self.X, self.Y)

    def slack(self, value: float, tolerance: float | None = None) -> float:
        """How far two numbers of this size may lie apart and still count as the same."""
        return (self.tolerance if tolerance is None else tolerance) * max(1.0, abs(value))

    def same(self, X: Tensor, Y: Tensor, tolerance: float | None = None) -> Finding:
        """Whether this pair has the number of the trial pair."""
        return self.unchanged(self.number(X, Y), tolerance)

    def unchanged(self, number: float, tolerance: float | None = None) -> Finding:
        """Whether this number is that of the trial pair."""
        change = abs(number - self.plain)
        return Finding(change < self.slack(self.plain, tolerance), f"changes by {change:.1e}")

    def gradient(self, X: Float[Tensor, "n p"], Y: Float[Tensor, "n q"]) -> Float[Tensor, "n q"]:
        """d value / dY."""
        Y = Y.clone().requires_grad_(True)
        return torch.autograd.grad(self.value(X, Y), Y)[0]

    @cached_property
    def tracked(self) -> bool:
        """Whether autograd can follow the value of the trial pair back to Y."""
        with suppress(Exception):  # through numpy, say, or refused by a measure of ranks
            return self.value(self.X, self.Y.clone().requires_grad_(True)).requires_grad
        return False
