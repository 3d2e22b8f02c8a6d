"""Checks of the value: what comes back, its best, its direction, and that nothing else enters."""

import numpy as np
import torch

from simlib.measures.checking.bench import (
    NEURONS,
    SAMPLES,
    Bench,
    Check,
    Finding,
)
from simlib.measures.checking.surroundings import disturb, restored, snapshot


def _keeps(bench: Bench, dtype: torch.dtype) -> Finding:
    value = bench.value(bench.X.to(dtype), bench.Y.to(dtype))
    return Finding(value.dtype == dtype, f"returns {value.dtype}".replace("torch.", ""))


def _draws(bench: Bench) -> list[float]:
    """Numbers of relatives and strangers of X."""
    strangers = [bench.noise(SAMPLES, NEURONS, draw=10 + k) for k in range(5)]
    relatives = [bench.X, -bench.X, 10 * bench.X, bench.X + 1, bench.X**3, bench.Y]
    return [bench.number(bench.X, Y) for Y in strangers + relatives]


def _finite(bench: Bench) -> Finding:
    numbers = _draws(bench)
    evidence = f"{min(numbers):.4g} to {max(numbers):.4g} over {len(numbers)}"
    return Finding(bool(np.isfinite(numbers).all()), evidence)


def _in_range(bench: Bench) -> Finding:
    low, high = bench.record.range
    if low == -np.inf and high == np.inf:
        return Finding(None, "no range declared")
    numbers = _draws(bench)
    least, most = min(numbers), max(numbers)
    inside = low - bench.tolerance <= least and most <= high + bench.tolerance
    return Finding(inside, f"{least:.4g} to {most:.4g}, declared {low:.4g} to {high:.4g}")


def _own_value(bench: Bench) -> Finding:
    declared = bench.record.own
    if declared is None:
        return Finding(None, "no value of X with itself declared")
    own = bench.number(bench.X, bench.X)
    return Finding(abs(own - declared) < bench.tolerance, f"{own:.6g}, declared {declared:g}")


def _nothing_beats_x(bench: Bench) -> Finding:
    X = bench.X - bench.X.mean(0)
    U, s, Vh = torch.linalg.svd(X, full_matrices=False)
    others = {
        "Y": bench.Y,
        "10 X": 10 * X,
        "X / 10": X / 10,
        "flatter X": (U * s.sqrt()) @ Vh,
        "X + noise": X + 0.1 * bench.Y,
    }
    own = bench.similarity(bench.X, bench.X)
    best = max(others, key=lambda name: bench.similarity(bench.X, others[name]))
    lead = own - bench.similarity(bench.X, others[best])
    return Finding(lead > -bench.slack(own), f"X leads the best other, {best}, by {lead:.3g}")


def _falls_with_noise(bench: Bench) -> Finding:
    levels = (0.1, 0.4, 1.0, 3.0)
    noise = [bench.noise(SAMPLES, NEURONS, draw=20 + k) for k in range(4)]
    means = [
        np.mean([bench.similarity(bench.X, bench.X + level * e) for e in noise]) for level in levels
    ]
    shown = ", ".join(f"{bench.record.direction * mean:.3g}" for mean in means)
    falls = bool((np.diff(means) < 0).all())
    return Finding(falls, f"{shown} at noise of {', '.join(map(str, levels))}")


def _copy_beats_noise(bench: Bench) -> Finding:
    copy = bench.similarity(bench.X, bench.X + 0.3 * bench.noise(SAMPLES, NEURONS, draw=30))
    strangers = [bench.noise(SAMPLES, NEURONS, draw=31 + k) for k in range(5)]
    best, sign = max(bench.similarity(bench.X, Y) for Y in strangers), bench.record.direction
    evidence = f"{sign * copy:.4g} for a copy, {sign * best:.4g} for the best of 5 strangers"
    return Finding(copy > best, evidence)


def _order(bench: Bench, draw: int) -> torch.Tensor:
    return bench.noise(SAMPLES, draw=draw).argsort()


def _unpaired(bench: Bench) -> Finding:
    near = bench.X + 0.3 * bench.noise(SAMPLES, NEURONS, draw=30)
    paired = bench.similarity(bench.X, near)
    shuffled = max(bench.similarity(bench.X, near[_order(bench, 40 + k)]) for k in range(5))
    lost, sign = paired - shuffled > bench.slack(paired), bench.record.direction
    evidence = f"{sign * paired:.4g} paired, {sign * shuffled:.4g} for the best of 5 shuffles"
    return Finding(lost, evidence)


def _deterministic(bench: Bench) -> Finding:
    numbers = {bench.number(bench.X, bench.Y) for _ in range(3)}
    return Finding(len(numbers) == 1, f"{len(numbers)} value(s) in 3 calls")


def _memoryless(bench: Bench) -> Finding:
    others = [bench.Y, 3 * bench.Y + 1, bench.noise(SAMPLES, NEURONS, draw=60), bench.X]
    forth = [bench.number(bench.X, Y) for Y in others]
    back = [bench.number(bench.X, Y) for Y in reversed(others)][::-1]
    worst = max(abs(a - b) for a, b in zip(forth, back, strict=True))
    return Finding(forth == back, f"{len(others)} data sets, forth and back, differ by {worst:.1e}")


def _mapped(bench: Bench) -> Finding:
    Ys = torch.stack([bench.Y, 2 * bench.Y, bench.noise(SAMPLES, NEURONS, draw=61)])
    one_by_one = torch.stack([bench.value(bench.X, Y) for Y in Ys])
    try:
        together = torch.func.vmap(lambda Y: bench.record(bench.X.clone(), Y))(Ys)
    except Exception:  # values decide what is computed, or a step has no batched form
        return Finding(None, "torch.func.vmap can't follow it: score data sets one by one")
    worst = float((one_by_one - together).abs().max())
    return Finding(worst < bench.slack(float(one_by_one.abs().max())), f"differ by {worst:.1e}")


def _surroundings_kept(bench: Bench) -> Finding:
    with restored():
        disturb()
        before = snapshot()
        bench.number(bench.X, bench.Y)
        after = snapshot()
    changed = [name for name in before if before[name] != after[name]]
    return Finding(not changed, f"changed: {', '.join(changed)}" if changed else "nothing changed")


VALUES = (
    Check(
        "0-d tensor",
        "score, compare and maximize take a single number.",
        lambda bench: Finding(True, f"a 0-d tensor, {bench.plain:.4g}"),
    ),
    Check(
        "keeps float64",
        "score promises float64; a detour through float32 costs nine digits.",
        lambda bench: _keeps(bench, torch.float64),
    ),
    Check(
        "keeps float32",
        "maximize runs in float32 and can't mix precisions.",
        lambda bench: _keeps(bench, torch.float32),
    ),
    Check(
        "float32 agrees",
        "An ascent in float32 and a score in float64 have to mean the same.",
        lambda bench: bench.same(bench.X.float(), bench.Y.float(), tolerance=1e-4),
    ),
    Check("finite", "A NaN on ordinary data ends every run.", _finite),
    Check("in range", "Axes, thresholds and joint ranges rely on the declared range.", _in_range),
    Check("own value", "What a perfect match scores is where every threshold starts.", _own_value),
    Check(
        "nothing beats X",
        "If another dataset scores better than X itself, climbing leads away from X.",
        _nothing_beats_x,
        lambda record: True if record.own is not None else None,
    ),
    Check(
        "noise lowers it",
        "A score falls as noise grows; a distance rises: otherwise its sign is wrong.",
        _falls_with_noise,
    ),
    Check(
        "copy beats noise",
        "A noisy copy of X is more like X than independent noise is.",
        _copy_beats_noise,
    ),
    Check(
        "pairing matters", "Rows are paired: with one side shuffled the match is gone.", _unpaired
    ),
    Check(
        "order of samples",
        "Samples have no order of their own, so reordering both sides alike must not matter.",
        lambda bench: bench.same(bench.X[_order(bench, 50)], bench.Y[_order(bench, 50)]),
    ),
    Check(
        "deterministic",
        "The same input gives the same bits, or results can't be reproduced.",
        _deterministic,
    ),
    Check(
        "no memory",
        "A batch is a loop: a score may not depend on what was scored before.",
        _memoryless,
    ),
    Check(
        "vmap equals loop", "Many data sets at once have to score as they do one by one.", _mapped
    ),
    Check(
        "surroundings kept",
        "A measure that reseeds or resets something global changes other results.",
        _surroundings_kept,
    ),
)
