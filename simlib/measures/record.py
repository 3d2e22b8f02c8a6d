"""The record of a measure: its function, what is known of it, and its parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch

from simlib import validation

__all__ = ["INVARIANCES", "SHAPE", "Elsewhere", "Measure", "bound_from"]

# What can be done to one side without changing the value.
INVARIANCES = (
    "translation",
    "isotropic scale",
    "permutation",
    "rotation",
    "invertible linear map",
    "neuron duplication",
)
# Those of most measures: neither units, nor origin, nor axes, nor seeing each neuron twice matter.
SHAPE = frozenset(INVARIANCES) - {"invertible linear map"}


@dataclass(frozen=True)
class Elsewhere:
    """What another package calls a measure, and how its number turns into this one's."""

    package: str
    name: str
    conversion: str = "the same number"


@dataclass(frozen=True)
class Measure:
    """One measure: its function of two (samples, neurons) tensors and what is known of it.

    Attributes: `id` (a slug), `title` (its name in figures), `function`, `range` (lowest, highest
    value), `source`, `direction` (+1: grows with similarity; -1: a distance), `symmetric`,
    `invariances` of Y (names from INVARIANCES: what leaves the value as it is), `invariances_of_x`
    (None: the same as those of Y), `own` (the value of X with itself, the best there is; None: it
    depends on X, and others may score better), `differentiable` (almost everywhere, with finite
    gradients at the edges), `aliases` (other ids that mean the same), `elsewhere` (its names in
    other packages), `params` (keyword arguments bound to the function), `base` (the record that it
    was bound from), `shared` (a function of X that gives the measure as a function of Y, with what
    belongs to X computed once) and `pairs_of_samples` (whether it always holds matrices of samples
    x samples: memory grows with their square). Calling the record calls the function.
    """

    id: str
    title: str
    function: Callable
    range: tuple[float, float]
    source: str
    direction: int = 1
    symmetric: bool = True
    invariances: frozenset[str] = SHAPE
    invariances_of_x: frozenset[str] | None = None
    own: float | None = 1.0
    differentiable: bool = True
    aliases: tuple[str, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)
    base: Measure | None = None
    shared: Callable | None = None
    pairs_of_samples: bool = False

    def __call__(self, X: torch.Tensor, Y: torch.Tensor):
        """A 0-d tensor; of a caller's own function whatever it returns."""
        if (
            not self.differentiable
            and torch.is_grad_enabled()
            and (X.requires_grad or Y.requires_grad)
        ):
            raise ValueError(
                f"{self.title} depends on ranks: it has no gradient to climb; choose another "
                "comparison"
            )
        return self.function(X, Y, **self.params)

    def towards(self, X: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        """The measure as a function of Y, for many Y and one X, with gradients in Y alone."""
        return self.shared(X) if self.shared else lambda Y: self(X, Y)

    def memory(
        self, samples: int, neurons_x: int, neurons_y: int, dtype: torch.dtype = torch.float64
    ) -> float:
        """About how many bytes one score takes: 6 copies of both sides and 8 of the largest square
        matrix.
        """
        neurons = neurons_x + neurons_y
        side = samples if self.pairs_of_samples else min(samples, neurons)
        return (6.0 * samples * neurons + 8.0 * side**2) * dtype.itemsize

    def room(self, X, Y_neurons: int, dtype: torch.dtype = torch.float64) -> None:
        """Refuse what this machine's memory doesn't hold: X is (samples, neurons)."""
        n, p = X.shape
        validation.memory(
            self.memory(n, p, Y_neurons, dtype),
            f"{self.title} of {n} samples, {p} and {Y_neurons} neurons",
        )

    def invariances_of(self, side: str) -> frozenset[str]:
        """The invariances of side "X" or "Y"."""
        return (
            self.invariances
            if side == "Y" or self.invariances_of_x is None
            else self.invariances_of_x
        )

    def bind(self, **params) -> Measure:
        """The same measure with keyword arguments of its function fixed; its id says which.

        What a parameter changes of the record (CONSEQUENCES) is changed with it.
        """
        if not params:
            return self
        signature = inspect.signature(self.function).parameters.values()
        known = {
            option.name: option.default
            for option in signature
            if option.kind is option.KEYWORD_ONLY
        }
        for name in params:
            if not known:
                raise ValueError(
                    f"measure {self.id!r} takes no parameters; got {name}={params[name]!r}"
                )
            if name not in known:
                raise validation.unknown_name(f"parameter of measure {self.id!r}:", name, known)
        base = self.base or self
        settings = {**self.params, **params}
        changed = {
            k: v for k, v in sorted(settings.items()) if k in base.params or not _same(v, known[k])
        }
        if changed == dict(base.params):
            return base
        record = replace(base, params=settings)
        for name in [name for name in CONSEQUENCES if name in settings]:
            for value, consequence in CONSEQUENCES[name]:
                if _same(settings[name], value) and not _same(
                    base.params.get(name, known[name]), value
                ):
                    record = replace(record, **consequence(record))
        detail = ", ".join(f"{k}={_word(v)}" for k, v in changed.items())
        slug = "--".join(
            [
                base.id,
                *(
                    re.sub(r"[^a-z0-9]+", "-", f"{k} {_word(v)}".lower()).strip("-")
                    for k, v in changed.items()
                ),
            ]
        )
        return replace(
            record, id=slug, title=f"{base.title} ({detail})", base=base, aliases=(), elsewhere=()
        )


def _same(a: object, b: object) -> bool:
    return a is b or (
        isinstance(a, str | int | float) and isinstance(b, str | int | float) and a == b
    )


def _word(value: object) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.12f}".rstrip("0").rstrip(".") if isinstance(value, int | float) else "given"


def bound_from(slug: str, records: Mapping[str, Measure]) -> Measure | None:
    """The bound record that goes by this id (`ridge-cv--folds-5--penalty-10`), None where it names
    none.
    """
    base, *parts = slug.split("--")
    if base not in records or not parts:
        return None
    pairs = (part.partition("-") for part in parts)
    return records[base].bind(**{key: _value(text) for key, _, text in pairs})


def _value(text: str) -> str | float | int:
    """A parameter's value as it stands in an id, where a decimal point is a hyphen."""
    for kind in (int, float):
        try:
            return kind(text.replace("-", ".", 1))
        except ValueError:
            continue
    return text


def _less(*names: str) -> Callable[[Measure], dict]:
    return lambda record: {"invariances": record.invariances - set(names)}


def _both_ways(record: Measure) -> dict:
    shared = record.invariances & record.invariances_of("X")
    return {"symmetric": True, "invariances": shared, "invariances_of_x": None}


# Parameter -> (value, what it changes of the record), in the order in which they are applied.
CONSEQUENCES: dict[str, tuple[tuple[object, Callable[[Measure], dict]], ...]] = {
    # Of cross-validated regression as long as training samples outnumber neurons.
    "penalty": (
        (0, lambda record: {} if record.symmetric else {"invariances": frozenset(INVARIANCES)}),
    ),
    "whitening": (
        (
            1,
            lambda record: (
                {} if record.params.get("penalty") else {"invariances": frozenset(INVARIANCES)}
            ),
        ),
    ),
    "distance": (
        ("correlation", _less("translation", "rotation")),
        ("cosine", _less("translation")),
    ),
    "comparison": (
        ("spearman", lambda record: {"differentiable": False}),
        ("kendall", lambda record: {"differentiable": False}),
        ("cosine", lambda record: {"range": (max(record.range[0], -1), 1)}),
        (
            "pearson-median",
            lambda record: {
                "range": (-1, 1),
                "invariances_of_x": record.invariances_of("X") - {"rotation"},
            },
        ),
    ),
    "symmetric": ((True, _both_ways),),
}
