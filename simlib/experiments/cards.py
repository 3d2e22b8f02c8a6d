"""What a measure's card shows: checks, sensitivity to PC variance, chance, joint range, decodability and cost.

A measure is named by an id of the catalogue or by `path.py:function`, a file of the user's own. Every part is a
stored task (`store.run`), which depends on the content of that file. A measure that fails somewhere has NaN
there and says why in `note`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from simlib import calibration, datasets, joint, linalg, theory
from simlib.decoding import fold_accuracies
from simlib.experiments import settings, store, summaries
from simlib.experiments.ascents import FOLDS, QUICK_RECORD, ascents, references
from simlib.experiments.own_measure import digest, resolve
from simlib.experiments.replacement import new_direction, spread_ranks
from simlib.measures import MEASURES, Measure, score
from simlib.measures.card import check_measure
from simlib.optimize import maximize

__all__ = [
    "AGAINST", "CardSettings", "card_settings", "chance_cells", "chance_draws", "check_tables", "cost_exponents",
    "cost_seconds", "decodability", "exponents", "reference_losses", "regions", "replaced_losses",
    "spread",
]  # fmt: skip

RECORDING, SAMPLES, NEURONS = "siegel2015", 120, 24
DATASET = "surrogate-siegel2015"
REFERENCES = ("cka", "nbs", "procrustes-angular-score")
CLOSED = ("cka", "ensd", "linreg")
AGAINST = ("cka", "procrustes-angular-score")
NO_LOSS = 1e-9  # below this a loss is rounding
COST_SAMPLES, COST_NEURONS = (250, 500, 1000, 2000), (25, 50, 100, 200)
COST_FIXED = {"samples": 1000, "neurons": 100}


class CardSettings(NamedTuple):
    """How much of each part is run: seeds and draws set the intervals, sizes the axes."""

    seeds: int
    draws: int
    chance_samples: tuple[int, ...]
    chance_neurons: tuple[int, ...]
    range_seeds: int
    range_steps: int
    ascent_seeds: int
    repeats: int


def card_settings(quick: bool) -> CardSettings:
    """The settings of a card, smaller in a quick run."""
    if quick:
        return CardSettings(5, 10, (20, 50), (5, 10, 20, 50, 100), 2, 100, 2, 5)
    return CardSettings(20, 40, (20, 50, 100), (5, 10, 20, 50, 100, 200), 3, 300, 4, 15)


def _attempt(function: Callable[[], float]) -> tuple[float, str]:
    """The value and "", or NaN and why there is none."""
    try:
        return float(function()), ""
    except Exception as error:  # a measure of the user's own may fail in any way: that is the finding
        return float("nan"), (str(error).splitlines() or [type(error).__name__])[0]


def _each(function: Callable, names: Sequence[str], jobs: int, **arguments) -> pd.DataFrame:
    tasks = [{"measure": name, "digest": digest(name), **arguments} for name in names]
    return pd.concat(store.run(function, tasks, jobs), ignore_index=True)


# -- Checks ------------------------------------------------------------------------------------------


def _checks(measure: str, digest: str) -> pd.DataFrame:
    bound = resolve(measure)
    try:
        table = check_measure(bound)
    except Exception as error:  # no 0-d tensor comes back, say
        table = pd.DataFrame({"note": [f"{type(error).__name__}: {error}"]})
    return table.rename(columns={"property": "check", "holds": "ok"}).assign(measure=bound.id)


def check_tables(names: Sequence[str], *, jobs: int = 1) -> pd.DataFrame:
    """`check_measure` of each measure, with a column measure; one row with a `note` where it can't be run."""
    return _each(_checks, names, jobs)


# -- Sensitivity to PC variance ------------------------------------------------------------------------


def _variances() -> np.ndarray:
    """lambda_i of the toy: the published spectrum's first PCs, at a mean square of 1 a sample and neuron."""
    ratios = datasets.spectra.variance_ratios(RECORDING)[:NEURONS]
    return ratios / ratios.sum() * SAMPLES * NEURONS


def _toy(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """X with exactly that spectrum and random directions, its left singular vectors, and a direction outside of X."""
    generator = torch.Generator().manual_seed(seed)
    U = torch.linalg.qr(linalg.centre(torch.randn(SAMPLES, NEURONS, generator=generator, dtype=torch.float64)))[0]
    V = torch.linalg.qr(torch.randn(NEURONS, NEURONS, generator=generator, dtype=torch.float64))[0]
    return (U * torch.from_numpy(_variances()).sqrt()) @ V.T, U, new_direction(U, seed)


def _replaced_losses(measure: str, digest: str, seeds: int) -> pd.DataFrame:
    bound, variances, rows = resolve(measure), _variances(), []
    equation = theory.REPLACED.get(bound.id)
    expected = equation(variances) if equation else np.full(NEURONS, np.nan)
    for seed in range(seeds):
        X, U, w = _toy(seed)
        own, why = _attempt(lambda X=X: score(bound, X, X))
        for pc in spread_ranks(NEURONS):
            u = U[:, pc - 1]
            Y = X + torch.outer(w - u, u @ X)
            value, note = _attempt(lambda X=X, Y=Y: score(bound, X, Y))
            rows.append({
                "seed": seed, "pc": pc, "explained_variance": variances[pc - 1] / variances.sum(), "own": own,
                "score": value, "loss": bound.direction * (own - value), "theory": expected[pc - 1],
                "note": why or note,
            })  # fmt: skip
    return pd.DataFrame(rows).assign(measure=bound.id)


def replaced_losses(names: Sequence[str], *, quick: bool = False, jobs: int = 1) -> pd.DataFrame:
    """What each measure loses when PC i of X is replaced by noise, a row a measure, seed and PC.

    X has the first 24 PCs of Siegel 2015's published spectrum in 120 samples (twice the neurons still leave
    room outside), random directions drawn from the seed. Columns seed, pc (from 1), explained_variance (ratio),
    own (value at Y = X), score, loss (own - score; of a distance its growth), theory (the score, NaN without an
    equation), note, measure.
    """
    return _each(_replaced_losses, names, jobs, seeds=card_settings(quick).seeds)


def reference_losses() -> pd.DataFrame:
    """Losses by the theory of three references on the same X: columns measure, explained_variance, loss."""
    variances = _variances()
    return pd.concat([
        pd.DataFrame({"measure": name, "explained_variance": variances / variances.sum(),
                      "loss": 1 - theory.REPLACED[name](variances)})
        for name in REFERENCES
    ], ignore_index=True)  # fmt: skip


def _slope(x, y) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def exponents(losses: pd.DataFrame) -> dict:
    """Exponent k of loss ~ variance^k of one measure: least squares on logarithms, over the positive losses.

    Keys mean, low, high (least and greatest over seeds), seeds, flat (share of losses that aren't positive).
    NaN where fewer than 3 PCs cost anything.
    """
    slopes = []
    for _, run in losses[losses["loss"] > NO_LOSS].groupby("seed"):
        if len(run) >= 3:
            slopes.append(_slope(run["explained_variance"], run["loss"]))
    return spread(slopes) | {"flat": float((losses["loss"] <= NO_LOSS).mean())}


def spread(values: Sequence[float]) -> dict:
    """Keys mean, low, high (least and greatest value) and count, over the finite values; NaN for none."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if not len(values):
        return {"mean": np.nan, "low": np.nan, "high": np.nan, "count": 0}
    return {"mean": values.mean(), "low": values.min(), "high": values.max(), "count": len(values)}


# -- Chance --------------------------------------------------------------------------------------------


def _chance_draws(
    measure: str, digest: str, samples: Sequence[int], neurons: Sequence[int], draws: int
) -> pd.DataFrame:
    bound, rows = resolve(measure), []
    for n in samples:
        for p in neurons:
            for draw in range(draws):
                X, Y = np.random.default_rng([draw, n, p]).standard_normal((2, n, p))
                value, note = _attempt(lambda X=X, Y=Y: score(bound, X, Y))
                closed = calibration.expected_by_chance(bound.id, X, Y) if bound.id in CLOSED else np.nan
                rows.append({"samples": n, "neurons": p, "draw": draw, "score": value, "closed_form": closed,
                             "note": note})  # fmt: skip
    return pd.DataFrame(rows).assign(measure=bound.id)


def chance_draws(names: Sequence[str], *, quick: bool = False, jobs: int = 1) -> pd.DataFrame:
    """Scores of independent standard Gaussian X and Y of n samples and p neurons each, a row a draw.

    Columns samples, neurons, draw, score (NaN where undefined), closed_form (mean over all permutations of the
    samples; CKA, ENSD and linear regression, else NaN), note, measure.
    """
    chosen = card_settings(quick)
    sizes = {"samples": list(chosen.chance_samples), "neurons": list(chosen.chance_neurons)}
    return _each(_chance_draws, names, jobs, draws=chosen.draws, **sizes)


def chance_cells(draws: pd.DataFrame) -> pd.DataFrame:
    """One measure's draws, a row a size: mean, low and high (least and greatest draw), count, closed_form, note."""
    rows = []
    for (n, p), cell in draws.groupby(["samples", "neurons"]):
        rows.append({"samples": n, "neurons": p, **spread(cell["score"]),
                     "closed_form": cell["closed_form"].mean(), "note": cell["note"].max()})  # fmt: skip
    return pd.DataFrame(rows)


# -- Decodability --------------------------------------------------------------------------------------


def _own_ascent(measure: str, digest: str, seed: int) -> pd.DataFrame:
    """The accuracy rows of `experiments.ascents` for a measure that has no id there."""
    bound, data = resolve(measure), datasets.load(DATASET, **settings.load_options(DATASET, True))
    labels, groups, snapshots = data.coords[data.attrs["main_variable"]].values, datasets.fold_groups(data), []

    def observe(step: int, score: float, Y: torch.Tensor) -> None:
        per_fold = fold_accuracies(Y, labels, FOLDS, 0, groups).mean(1)
        rows = {"step": step, "score": score, "fold": np.arange(FOLDS), "value": per_fold}
        snapshots.append(pd.DataFrame(rows))

    maximize(bound, data.values, seed=seed, observers=[observe], record=QUICK_RECORD)
    return pd.concat(snapshots, ignore_index=True).assign(
        quantity="accuracy", dataset=DATASET, measure=bound.id, seed=seed, **settings.provenance(data, True)
    )


def decodability(name: str, *, quick: bool = False, jobs: int = 1) -> dict[str, pd.DataFrame]:
    """Decoding along ascents on the small surrogate of Siegel 2015: tables curves, crossings and references.

    The tables are those of `experiments.accuracy_curves`, `crossings` and `references`; seed 0 of a catalogue's
    measure is the quick run of the notebook on decodability. Raises TaskError where the measure can't be climbed.
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


# -- Joint range ---------------------------------------------------------------------------------------


def _region(measure: str, digest: str, against: str, seed: int, steps: int) -> pd.DataFrame:
    bound = resolve(measure)
    ends = joint.joint_range(bound, against, _toy(0)[0], points=4, seed=seed, steps=steps)
    title = f"{SAMPLES} samples of {NEURONS} neurons"
    return ends.assign(measure=bound.id, against=against, seed=seed, title=title, dataset="toy")


def regions(name: str, *, quick: bool = False, jobs: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Joint ranges against CKA and angular Procrustes (but itself), on the toy of `replaced_losses`.

    Returns the end points, with columns of `joint.joint_range` and measure, against, seed, title, dataset; and
    what 0.9 on one score allows on the other, a row a pair, direction and bound: given, other, bound ("lowest",
    "highest"), mean, low, high (over seeds), count. Raises TaskError where the measure can't be climbed.
    """
    chosen, own = card_settings(quick), resolve(name).id
    tasks = [
        {"measure": name, "digest": digest(name), "against": against, "seed": seed, "steps": chosen.range_steps}
        for against in AGAINST if against != own for seed in range(chosen.range_seeds)
    ]
    ends = pd.concat(store.run(_region, tasks, jobs), ignore_index=True)
    rows = []
    for against, pair in ends.groupby("against", sort=False):
        found = pd.DataFrame([joint.allowed(one) for _, one in pair.groupby("seed")])
        for given, other, side in ((own, against, "b"), (against, own, "a")):
            rows += [{"given": given, "other": other, "against": against, "bound": bound,
                      **spread(found[f"{bound}_{side}"])} for bound in ("lowest", "highest")]  # fmt: skip
    return ends, pd.DataFrame(rows)


# -- Cost ----------------------------------------------------------------------------------------------


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
        _attempt(lambda X=X, Y=Y: _timed(bound, X, Y))  # the first call pays for what later ones find
        for repeat in range(repeats):
            seconds, note = _attempt(lambda X=X, Y=Y: _timed(bound, X, Y))
            rows.append({"varied": varied, "samples": n, "neurons": p, "repeat": repeat, "seconds": seconds,
                         "note": note})  # fmt: skip
    return pd.DataFrame(rows).assign(measure=bound.id, gradient=bound.differentiable)


def cost_seconds(name: str, *, quick: bool = False) -> pd.DataFrame:
    """Seconds of one score and its gradient in float32, on the machine at hand, a row a repeat.

    Columns varied ("samples" at 100 neurons or "neurons" at 1000 samples), samples, neurons, repeat, seconds, note,
    measure, gradient (False: the value alone, of measures without one). Never in parallel: that would be timed, too.
    """
    return _each(_cost_seconds, [name], 1, repeats=card_settings(quick).repeats)


def cost_exponents(seconds: pd.DataFrame) -> pd.DataFrame:
    """Exponent of seconds ~ size^k, a row a size varied: varied, mean, low, high (over repeats), count."""
    rows = []
    for varied, part in seconds.dropna(subset="seconds").groupby("varied", sort=False):
        slopes = [_slope(run[varied], run["seconds"]) for _, run in part.groupby("repeat") if len(run) >= 3]
        rows.append({"varied": varied, **spread(slopes)})
    return pd.DataFrame(rows)
