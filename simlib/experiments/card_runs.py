"""What a card shows of some measures: decodability, joint range and cost. See `cards` for how a
measure is named.
"""

from __future__ import annotations

import time

import pandas as pd
import torch

from simlib import datasets, joint
from simlib.experiments import settings, store, summaries
from simlib.experiments.ascents import (
    QUICK_RECORD,
    accuracy_rows,
    ascents,
    main_decoders,
    references,
)
from simlib.experiments.cards import (
    NEURONS,
    SAMPLES,
    attempt,
    card_settings,
    each,
    slope,
    spread,
    toy,
)
from simlib.experiments.own_measure import digest, resolve
from simlib.measures import MEASURES, Measure
from simlib.optimize import maximize

__all__ = ["AGAINST", "cost_exponents", "cost_seconds", "decodability", "regions"]

DATASET = "surrogate-siegel2015"
AGAINST = ("cka", "procrustes-angular-score")
COST_SAMPLES, COST_NEURONS = (250, 500, 1000, 2000), (25, 50, 100, 200)
COST_FIXED = {"samples": 1000, "neurons": 100}


# -- Decodability


def _own_ascent(measure: str, digest: str, seed: int) -> pd.DataFrame:
    """The accuracy rows of `experiments.ascents` for a measure that has no id there."""
    bound, data = resolve(measure), datasets.load(DATASET, **settings.load_options(DATASET, True))
    snapshots, decoders = [], main_decoders(data)

    def observe(step: int, score: float, Y: torch.Tensor) -> None:
        snapshots.append(accuracy_rows(Y, decoders).assign(step=step, score=score))

    maximize(bound, data.values, seed=seed, observers=[observe], record=QUICK_RECORD)
    return pd.concat(snapshots, ignore_index=True).assign(
        dataset=DATASET, measure=bound.id, seed=seed, **settings.provenance(data, True)
    )


def decodability(name: str, *, quick: bool = False, jobs: int = 1) -> dict[str, pd.DataFrame]:
    """Decoding along ascents on the small surrogate of Siegel 2015: tables curves, crossings and
    references.

    The tables are those of `experiments.accuracy_curves`, `crossings` and `references`; seed 0 of a
    catalogue's measure is the quick run of the notebook on decodability. Raises TaskError where the
    measure can't be climbed.
    """
    seeds = list(range(card_settings(quick).ascent_seeds))
    if name in MEASURES:
        table = ascents([DATASET], [name], seeds=seeds, quick=True, jobs=jobs)
    else:
        tasks = [{"measure": name, "digest": digest(name), "seed": seed} for seed in seeds]
        table = pd.concat(store.run(_own_ascent, tasks, jobs), ignore_index=True)
    known = references([DATASET], quick=True)
    curves, crossings = summaries.accuracy_curves(table, 0.02), summaries.crossings(table, known)
    return {"curves": curves, "crossings": crossings, "references": known}


# -- Joint range


def _region(measure: str, digest: str, against: str, seed: int, steps: int) -> pd.DataFrame:
    bound = resolve(measure)
    ends = joint.joint_range(bound, against, toy(0)[0], points=4, seed=seed, steps=steps)
    title = f"{SAMPLES} samples of {NEURONS} neurons"
    return ends.assign(measure=bound.id, against=against, seed=seed, title=title, dataset="toy")


def regions(name: str, *, quick: bool = False, jobs: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Joint ranges against CKA and angular Procrustes (but itself), on the toy of
    `replaced_losses`.

    Returns the end points, with columns of `joint.joint_range` and measure, against, seed, title,
    dataset; and what 0.9 on one score allows on the other, a row a pair, direction and bound:
    given, other, bound ("lowest", "highest"), mean, low, high (over seeds), count. Raises TaskError
    where the measure can't be climbed.
    """
    chosen, own = card_settings(quick), resolve(name).id
    tasks = [
        {
            "measure": name,
            "digest": digest(name),
            "against": against,
            "seed": seed,
            "steps": chosen.range_steps,
        }
        for against in AGAINST
        if against != own
        for seed in range(chosen.range_seeds)
    ]
    ends = pd.concat(store.run(_region, tasks, jobs), ignore_index=True)
    rows = []
    for against, pair in ends.groupby("against", sort=False):
        found = pd.DataFrame([joint.allowed(one) for _, one in pair.groupby("seed")])
        for given, other, side in ((own, against, "b"), (against, own, "a")):
            rows += [
                {
                    "given": given,
                    "other": other,
                    "against": against,
                    "bound": bound,
                    **spread(found[f"{bound}_{side}"]),
                }
                for bound in ("lowest", "highest")
            ]
    return ends, pd.DataFrame(rows)


# -- Cost


def _timed(bound: Measure, X: torch.Tensor, Y: torch.Tensor) -> float:
    Y = Y.clone().requires_grad_(bound.differentiable)
    start = time.perf_counter()
    value = bound(X, Y)
    if bound.differentiable:
        torch.autograd.grad(value, Y)
    return time.perf_counter() - start


def _cost_seconds(measure: str, digest: str, repeats: int) -> pd.DataFrame:
    bound, rows = resolve(measure), []
    sizes = [(n, COST_FIXED["neurons"], "samples") for n in COST_SAMPLES]
    sizes += [(COST_FIXED["samples"], p, "neurons") for p in COST_NEURONS]
    for n, p, varied in sizes:
        generator = torch.Generator().manual_seed(0)
        X, Y = torch.randn(2, n, p, generator=generator)
        attempt(
            lambda X=X, Y=Y: _timed(bound, X, Y)
        )  # the first call pays for what later ones find
        for repeat in range(repeats):
            seconds, note = attempt(lambda X=X, Y=Y: _timed(bound, X, Y))
            rows.append(
                {
                    "varied": varied,
                    "samples": n,
                    "neurons": p,
                    "repeat": repeat,
                    "seconds": seconds,
                    "note": note,
                }
            )
    return pd.DataFrame(rows).assign(measure=bound.id, gradient=bound.differentiable)


def cost_seconds(name: str, *, quick: bool = False) -> pd.DataFrame:
    """Seconds of one score and its gradient in float32, on the machine at hand, a row a repeat.

    Columns varied ("samples" at 100 neurons or "neurons" at 1000 samples), samples, neurons,
    repeat, seconds, note, measure, gradient (False: the value alone, of measures without one).
    Never in parallel: that would be timed, too.
    """
    return each(_cost_seconds, [name], 1, repeats=card_settings(quick).repeats)


def cost_exponents(seconds: pd.DataFrame) -> pd.DataFrame:
    """Exponent of seconds ~ size^k, a row a size varied: varied, mean, low, high (over repeats),
    count.
    """
    rows = []
    for varied, part in seconds.dropna(subset="seconds").groupby("varied", sort=False):
        slopes = [
            slope(run[varied], run["seconds"]) for _, run in part.groupby("repeat") if len(run) >= 3
        ]
        rows.append({"varied": varied, **spread(slopes)})
    return pd.DataFrame(rows)
