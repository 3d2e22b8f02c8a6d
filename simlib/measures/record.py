"""The record of a measure: its function, what is known of it, and its parameters."""

import inspect
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

import torch

from simlib import validation

# The source of a bare function's record: nothing else is known of it.
CALLERS_OWN = "the caller's own"
# What can be done to one side without changing the value.
INVARIANCES = (
    "translation",
    "isotropic scale",
    "permutation",
    "rotation",
    "invertible linear map",
    "neuron duplication",
)
# Those of most measures: units, origin, axes and recording each neuron twice don't matter.
SHAPE = frozenset(INVARIANCES) - {"invertible linear map"}


@dataclass(frozen=True)
class Elsewhere:
    """What another package calls a measure, and how its number turns into this one's.

    Example:
        >>> import simlib as sl
        >>> sl.MEASURES["cka"].elsewhere[1].package
        'ckatorch'
    """

    package: str
    name: str
    conversion: str = "the same number"


@dataclass(frozen=True)
class Measure:
    """One measure: its function of two (samples, neurons) tensors and what is known of it.

    Calling the record calls the function.

    Attributes:
        id: a slug.
        title: its name in figures.
        function: of two tensors (samples, neurons), returns a 0-d tensor.
        range: lowest and highest value.
        source: where it was published.
        direction: +1 grows with similarity, -1 is a distance.
        symmetric: whether X and Y can change places.
        invariances: of Y, names from INVARIANCES: what leaves the value as it is.
        invariances_of_x: None where they are those of Y.
        own: the value of X with itself, the best there is; None where it depends on X, and others
            may score better.
        differentiable: almost everywhere, with finite gradients at the edges.
        aliases: other ids that mean the same.
        elsewhere: its names in other packages.
        params: keyword arguments bound to the function.
        base: the record that it was bound from.
        shared: a function of X that gives the measure as a function of Y, with what belongs to X
            computed once.
        shuffled: a function of X, Y and the parameters that gives the scores of X against Y with
            its samples in each of many orders, with what belongs to a side computed once; it gives
            None for parameters with which there is no such way (`measures.shuffles`).
        of: the id of another measure, and the function of its values that gives this one's.
        pairs_of_samples: whether it always holds matrices of samples x samples: memory grows with
            their square.

    Example:
        >>> import simlib as sl
        >>> record = sl.MEASURES["ridge-cv"]
        >>> record.title, record.range, record.symmetric
        ('Ridge regression CV', (-inf, 1), False)
        >>> sorted(record.invariances)
        ['permutation', 'rotation', 'translation']
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
    base: "Measure | None" = None
    shared: Callable | None = None
    shuffled: Callable | None = None
    of: tuple[str, Callable] | None = None
    pairs_of_samples: bool = False

    def __call__(self, X: torch.Tensor, Y: torch.Tensor):
        """A 0-d tensor; of a caller's own function whatever it returns."""
        tracked = torch.is_grad_enabled() and (X.requires_grad or Y.requires_grad)
        if tracked:
            self.climbable()
        return self.function(X, Y, **self.params)

    def climbable(self) -> None:
        """Refuse an ascent of a measure without a gradient in responses."""
        if not self.differentiable:
            raise ValueError(
                f"{self.title} has no gradient to climb: it depends on ranks, or on distances that "
                "are given instead of responses; choose another comparison, or responses"
            )

    def towards(self, X: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        """The measure as a function of Y, for many Y and one X, with gradients in Y alone."""
        return self.shared(X) if self.shared else lambda Y: self(X, Y)

    def memory(
        self, samples: int, neurons_x: int, neurons_y: int, dtype: torch.dtype = torch.float64
    ) -> float:
        """About how many bytes one score takes.

        6 copies of both sides and 8 of the largest square matrix.
        """
        neurons = neurons_x + neurons_y
        side = samples if self.pairs_of_samples else min(samples, neurons)
        return (6.0 * samples * neurons + 8.0 * side**2) * dtype.itemsize

    def room(
        self,
        X,
        Y_neurons: int,
        dtype: torch.dtype = torch.float64,
        device: str | torch.device = "cpu",
    ) -> None:
        """Refuse what the memory of the device doesn't hold: X is (samples, neurons)."""
        n, p = X.shape
        validation.memory(
            self.memory(n, p, Y_neurons, dtype),
            f"{self.title} of {n} samples, {p} and {Y_neurons} neurons",
            device,
        )

    def invariances_of(self, side: str) -> frozenset[str]:
        """The invariances of side "X" or "Y"."""
        other = side == "X" and self.invariances_of_x is not None
        return self.invariances_of_x if other else self.invariances

    def bind(self, **params) -> "Measure":
        """The same measure with keyword arguments of its function fixed; its id says which.

        What a parameter changes of the record (CONSEQUENCES) is changed with it.
        """
        if not params:
            return self
        options = inspect.signature(self.function).parameters.values()
        defaults = {o.name: o.default for o in options if o.kind is o.KEYWORD_ONLY}
        for name, value in params.items():
            if not defaults:
                raise ValueError(f"measure {self.id!r} takes no parameters; got {name}={value!r}")
            validation.known(f"parameter of measure {self.id!r}:", name, defaults)
        base = self.base or self
        settings, before = {**self.params, **params}, {**defaults, **base.params}
        changed = {
            name: value
            for name, value in sorted(settings.items())
            if name in base.params or not _same(value, defaults[name])
        }
        if changed == dict(base.params):
            return base
        record = replace(base, params=settings)
        for name, value, consequence in CONSEQUENCES:
            if _same(settings.get(name), value) and not _same(before.get(name), value):
                record = replace(record, **consequence(record))
        words = {name: _word(value) for name, value in changed.items()}
        parts = [
            re.sub(r"[^a-z0-9]+", "-", f"{k} {v}".lower()).strip("-") for k, v in words.items()
        ]
        detail = ", ".join(f"{k}={v}" for k, v in words.items())
        return replace(
            record,
            id="--".join([base.id, *parts]),
            title=f"{base.title} ({detail})",
            base=base,
            of=None,
            aliases=(),
            elsewhere=(),
        )


def _same(a: object, b: object) -> bool:
    plain = str | int | float
    return a is b or (isinstance(a, plain) and isinstance(b, plain) and a == b)


def _word(value: object) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.12f}".rstrip("0").rstrip(".") if isinstance(value, int | float) else "given"


def bound_from(slug: str, records: Mapping[str, Measure]) -> Measure | None:
    """The bound record of this id (`ridge-cv--folds-5--penalty-10`), None where there is none.

    Example:
        >>> import simlib as sl
        >>> sl.measures.record.bound_from("ridge-cv--penalty-10", sl.MEASURES).title
        'Ridge regression CV (folds=5, penalty=10)'
    """
    base, *parts = slug.split("--")
    if base not in records or not parts:
        return None
    pairs = (part.partition("-") for part in parts)
    return records[base].bind(**{key: _value(text) for key, _, text in pairs})


def _value(text: str) -> str | float | int:
    """A parameter's value as it stands in an id, where a decimal point is a hyphen."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text.replace("-", ".", 1))
    return text


def _less(*names: str) -> Callable[[Measure], dict]:
    return lambda record: {"invariances": record.invariances - set(names)}


def _both_ways(record: Measure) -> dict:
    shared = record.invariances & record.invariances_of("X")
    return {"symmetric": True, "invariances": shared, "invariances_of_x": None}


def _linear(record: Measure) -> dict:
    return {"invariances": frozenset(INVARIANCES)}


def _of_neurons(record: Measure) -> dict:
    return {"range": (-1, 1), "invariances_of_x": record.invariances_of("X") - {"rotation"}}


# Parameter, value, what this value changes of the record; in the order in which they are applied.
CONSEQUENCES: tuple[tuple[str, object, Callable[[Measure], dict]], ...] = (
    # Of cross-validated regression as long as training samples outnumber neurons.
    ("penalty", 0, lambda record: {} if record.symmetric else _linear(record)),
    ("whitening", 1, lambda record: {} if record.params.get("penalty") else _linear(record)),
    ("distance", "correlation", _less("translation", "rotation")),
    ("distance", "cosine", _less("translation")),
    (
        "precomputed",
        True,
        lambda record: {"invariances": frozenset({"isotropic scale"}), "differentiable": False},
    ),
    ("comparison", "spearman", lambda record: {"differentiable": False}),
    ("comparison", "kendall", lambda record: {"differentiable": False}),
    ("comparison", "cosine", lambda record: {"range": (max(record.range[0], -1), 1)}),
    ("comparison", "pearson-median", _of_neurons),
    ("symmetric", True, _both_ways),
)
