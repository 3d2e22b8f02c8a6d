"""Checks at the edges: units, offsets, silent and repeated neurons, few samples or neurons."""

from collections.abc import Callable
from contextlib import suppress
from math import isfinite

import torch
from torch import Tensor

from simlib.measures.checking.bench import (
    NEURONS,
    SAMPLES,
    Bench,
    Check,
    Finding,
)


def _related(bench: Bench, samples: int, p: int, q: int) -> tuple[Tensor, Tensor]:
    X = bench.noise(samples, p, draw=81)
    return X, 0.5 * X @ bench.noise(p, q, draw=82) + bench.noise(samples, q, draw=83)


def pairs(bench: Bench) -> dict[str, tuple[Tensor, Tensor]]:
    """Pairs of data sets at the edge of what can be compared, by name."""
    X, Y = bench.X, bench.Y
    constant = Y.index_fill(1, torch.tensor([1]), 3)
    return {
        "constant unit": (X, constant),
        "constant unit in X": (constant, Y),
        "repeated unit": (X, torch.cat([Y[:, :-1], Y[:, :1]], 1)),
        "low rank": (X, Y[:, :2] @ bench.noise(2, NEURONS, draw=80)),
        "repeated samples": (torch.cat([X[:20], X[:20]]), torch.cat([Y[:20], Y[:20]])),
        "neurons in other units": (X, Y * torch.logspace(-6, 6, NEURONS, dtype=Y.dtype)),
        "fewer neurons in Y": _related(bench, SAMPLES, NEURONS, 4),
        "more neurons in Y": _related(bench, SAMPLES, NEURONS, 9),
        "one neuron in X": _related(bench, SAMPLES, 1, NEURONS),
        "one neuron in Y": _related(bench, SAMPLES, NEURONS, 1),
        "two samples": _related(bench, 2, 3, 3),
        "neurons outnumber samples": _related(bench, 8, 12, 12),
        "neurons together outnumber samples": _related(bench, 10, 6, 6),
    }


def _has_a_value(bench: Bench, name: str) -> Finding:
    value = bench.number(*pairs(bench)[name])
    (low, high), slack = bench.record.range, bench.slack(value)
    inside = low - slack <= value <= high + slack
    return Finding(isfinite(value) and inside, f"{value:.4g}")


def _in_words(bench: Bench) -> Finding:
    unclear = []
    for name, (X, Y) in pairs(bench).items():
        try:
            value = bench.number(X, Y)
        except Exception as error:
            # Subclasses, as numpy's LinAlgError, are errors of the algorithm and no refusals, which
            # say at least what was found and what is needed: in 4 words or more.
            if type(error) not in (ValueError, TypeError) or len(str(error).split()) < 4:
                unclear.append(f"{name}: {type(error).__name__}")
            continue
        if not isfinite(value):
            unclear.append(f"{name}: {value}")
    clear = "each has a value or is refused by a ValueError in words"
    return Finding(not unclear, "; ".join(unclear) or clear)


def _low_rank_in_single(bench: Bench) -> Finding:
    X, Y = pairs(bench)["low rank"]
    exact, rounded = bench.number(X, Y), bench.number(X.float(), Y.float())
    near = abs(rounded - exact) < bench.slack(exact, 1e-3)  # what float32 may cost there
    return Finding(near, f"{rounded:.4g}, in float64 {exact:.4g}")


def _unstretched(bench: Bench) -> Finding:
    """Who can't compare 6 neurons with 4 can't compare them with 1, unless by broadcasting."""
    with suppress(Exception):  # what the measure says there is another check's
        bench.number(bench.X, bench.Y[:, :4])
        return Finding(None, "unequal numbers of neurons have a value")
    try:
        value = bench.number(bench.X, bench.Y[:, :1])
    except Exception:
        return Finding(True, "one neuron has no value either")
    return Finding(False, f"4 neurons of Y have no value, 1 has {value:.4g}")


def _as_near(
    bench: Bench,
    near: Callable[[Tensor], Tensor],
    far: Callable[[Tensor], Tensor],
    tolerance: float | None = None,
) -> Finding:
    """After a large change: the same value where a small one leaves it, else a finite one."""
    if bench.same(near(bench.X), near(bench.Y)).holds:
        return bench.same(far(bench.X), far(bench.Y), tolerance)
    value = bench.number(far(bench.X), far(bench.Y))
    return Finding(isfinite(value), f"{value:.4g}")


def _ties(bench: Bench) -> Finding:
    """Zeros and ones: the order of neurons matters to them no more than to other data."""
    X, Y = (bench.X > 0).to(bench.X.dtype), (bench.Y > 1).to(bench.Y.dtype)
    value, order = bench.number(X, Y), bench.noise(NEURONS, draw=86).argsort()
    if not bench.same(bench.X[:, order], bench.Y[:, order]).holds:
        return Finding(isfinite(value), f"{value:.4g}")
    change = abs(bench.number(X[:, order], Y[:, order]) - value)
    evidence = f"{value:.4g}, changes by {change:.1e} with the order of neurons"
    return Finding(change < bench.slack(value), evidence)


def _unsaturated(bench: Bench) -> Finding:
    X, Y = bench.noise(8, 12, draw=84), bench.noise(8, 12, draw=85)
    own, stranger = bench.number(X, X), bench.number(X, Y)
    lead = bench.record.direction * (own - stranger)
    return Finding(lead > 1e-3, f"{own:.4g} for X itself, {stranger:.4g} for noise")


def _scored(name: str, reason: str, everyone: bool = False) -> Check:
    """`everyone`: a bare function, too, has to give a value there."""
    return Check(
        name,
        reason,
        lambda bench: _has_a_value(bench, name),
        None if everyone else lambda record: True,
    )


EDGES = (
    Check(
        "scale 1e-12",
        "Currents in amperes are tiny; squares and fourth powers must not underflow.",
        lambda bench: _as_near(bench, lambda Z: 3 * Z, lambda Z: 1e-12 * Z),
    ),
    Check(
        "scale 1e12",
        "Raw units can be huge; squares and fourth powers must not overflow.",
        lambda bench: _as_near(bench, lambda Z: 3 * Z, lambda Z: 1e12 * Z),
    ),
    Check(
        "scale 1e12, float32",
        "float32 overflows at 3e38, so the fourth power of 1e12 is out of reach.",
        lambda bench: _as_near(bench, lambda Z: 3 * Z, lambda Z: 1e12 * Z.float(), 1e-4),
    ),
    Check(
        "offset 1e6",
        "Raw fluorescence lies far from zero; centring must not lose what varies.",
        lambda bench: _as_near(bench, lambda Z: Z + 1, lambda Z: Z + 1e6),
    ),
    Check(
        "zeros and ones",
        "Binary features tie many distances; rounding must not break the ties.",
        _ties,
    ),
    _scored(
        "constant unit", "Silent neurons are common; one of them must not undo the score.", True
    ),
    _scored("constant unit in X", "The reference has silent neurons, too.", True),
    _scored("repeated unit", "A unit sorted twice makes Y rank-deficient.", True),
    _scored("low rank", "Models and smoothed data often span few dimensions.", True),
    Check(
        "low rank, float32",
        "Rounding to float32 must not lend Y the rank it lacks.",
        _low_rank_in_single,
    ),
    _scored("repeated samples", "Repeated stimuli can have identical rows.", True),
    _scored(
        "neurons in other units",
        "Mixed units differ by orders of magnitude without any loss of rank.",
        True,
    ),
    _scored("fewer neurons in Y", "Models and brains seldom have the same number of units."),
    _scored("more neurons in Y", "Models and brains seldom have the same number of units."),
    _scored("one neuron in X", "A single neuron can be the reference."),
    _scored("one neuron in Y", "A single model unit can be compared."),
    Check(
        "one neuron isn't stretched",
        "Broadcasting compares one neuron with each of X's without a word.",
        _unstretched,
    ),
    _scored("two samples", "Two conditions are the least that can be compared."),
    _scored(
        "neurons outnumber samples", "A few conditions and hundreds of neurons are the usual case."
    ),
    _scored(
        "neurons together outnumber samples",
        "Two recordings then share directions whatever they hold.",
    ),
    Check(
        "tells noise from X",
        "With more neurons than samples some measures give noise a perfect score.",
        _unsaturated,
        lambda record: True,
    ),
    Check(
        "refusals in words",
        "What can't be scored is refused by a ValueError that says why, not by a NaN "
        "or an error of linear algebra.",
        _in_words,
    ),
)
