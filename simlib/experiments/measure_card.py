"""What the card of a measure shows: checks, sensitivity to PC variance, chance; where it is asked
for, decodability, joint range and cost.

A measure is named by an id of the catalogue or by `path.py:function`, a file of the user's own.
Every table is of stored tasks (`store.run`), which depend on the content of that file. A measure
that fails somewhere has NaN there and says why in `note`.
"""

import time
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from itertools import product

import numpy as np
import pandas as pd
import torch

from simlib import calibration, datasets, joint, linalg, theory
from simlib.experiments import curves, settings, store
from simlib.experiments.curves import power_law
from simlib.experiments.runner import ascents, references
from simlib.experiments.theory_sensitivity import spread_ranks
from simlib.measures import Measure, own, score
from simlib.measures.checking import check_measure

RECORDING, SAMPLES, NEURONS = "siegel2015", 120, 24
REFERENCES = ("cka", "nbs", "procrustes-angular-score")
AGAINST = ("cka", "procrustes-angular-score")
CLOSED = ("cka", "ensd", "linreg")
DATASET = "surrogate-siegel2015"
NO_LOSS = 1e-9  # below this a loss is rounding
# Of the cost: what is varied, with what is held.
SIZES = {"samples": [(n, 100) for n in (250, 500, 1000, 2000)]}
SIZES["neurons"] = [(1000, p) for p in (25, 50, 100, 200)]
# (outcome, expected) of a check -> what to say of it; else the outcome itself.
NOT_RUN = "could not be run"
VERDICTS = {
    ("fails", "holds"): "fails unexpectedly",
    ("holds", "fails"): "holds though declared to fail",
    ("fails", "either"): "fails",
    ("fails", "fails"): "fails as declared",
}


# How much of each part is run: seeds and draws set the intervals, sizes the axes.
Amount = namedtuple("Amount", "seeds draws samples neurons range_seeds range_steps ascents repeats")
AMOUNTS = {
    "paper": Amount(20, 40, [20, 50, 100], [5, 10, 20, 50, 100, 200], 3, 300, 4, 15),
    "quick": Amount(5, 20, [20, 50], [5, 10, 20, 50, 100], 1, 60, 2, 5),
}


def amount(quick: bool) -> Amount:
    """How much a card runs, less in a quick run."""
    return AMOUNTS[settings.label(quick)]


def attempt(function: Callable[..., float], *arguments) -> tuple[float, str]:
    """The value and "", or NaN and why there is none."""
    try:
        return float(function(*arguments)), ""
    except Exception as error:  # a measure of the user's own may fail in any way: the finding
        return float("nan"), (str(error).splitlines() or [type(error).__name__])[0]


def stored(
    function: Callable, names: Sequence[str], jobs: int | str, *variants: dict
) -> pd.DataFrame:
    """One table of function(measure, ...) for each of the measures and variants of arguments."""
    tasks = [{"measure": name, **variant} for name in names for variant in variants]
    return pd.concat(store.run(function, tasks, jobs), ignore_index=True)


def spread(values: Iterable[float]) -> dict:
    """Keys mean, low, high (least and greatest value) and count, over the finite values; NaN for
    none.

    >>> spread([1.0, float("nan"), 3.0])
    {'mean': 2.0, 'low': 1.0, 'high': 3.0, 'count': 2}
    """
    found = pd.Series(values, dtype=float).replace([np.inf, -np.inf], np.nan)
    found = found.agg(["mean", "min", "max", "count"]).tolist()
    return dict(zip(("mean", "low", "high"), found, strict=False), count=int(found[-1]))


def slopes(table: pd.DataFrame, run: str, x: str, y: str) -> list[float]:
    """`power_law` of each run of at least 3 points; `run`, `x` and `y` name columns."""
    return [power_law(part[x], part[y]) for _, part in table.groupby(run) if len(part) >= 3]


# -- Checks


def _checks(measure: str) -> pd.DataFrame:
    bound = own.resolve(measure)
    try:
        table = check_measure(bound)
    except Exception as error:  # no 0-d tensor comes back, say
        row = {"about": "value", "check": "all", "reason": "", "expected": "holds", "ok": False}
        row |= {"outcome": NOT_RUN, "evidence": f"{type(error).__name__}: {error}"}
        table = pd.DataFrame([row])
    pairs = zip(table["outcome"], table["expected"], strict=True)
    verdicts = [VERDICTS.get(pair, pair[0]) for pair in pairs]
    return table.assign(verdict=verdicts, measure=bound.id)


def check_tables(names: Sequence[str], *, jobs: int | str = 1) -> pd.DataFrame:
    """`check_measure` of each measure, with columns measure and verdict (what came out, and whether
    that was declared); a single row, "could not be run", where that is so.
    """
    return stored(_checks, names, jobs, {})


# -- Sensitivity to PC variance


def _variances() -> np.ndarray:
    """lambda_i of the toy, (24,): the published spectrum's first PCs, at a mean square of 1 a
    sample and neuron.
    """
    ratios = datasets.made.variance_ratios(RECORDING)[:NEURONS]
    return ratios / ratios.sum() * SAMPLES * NEURONS


def toy(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """X (120, 24) with exactly that spectrum and random directions, its left singular vectors U of
    the same shape, and a direction outside of X, (120,).
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = [
        torch.randn(rows, NEURONS, generator=generator, dtype=torch.float64)
        for rows in (SAMPLES, NEURONS)
    ]
    U, V = (torch.linalg.qr(matrix)[0] for matrix in (linalg.centre(drawn[0]), drawn[1]))
    return (U * torch.from_numpy(_variances()).sqrt()) @ V.T, U, linalg.direction_outside(U, seed)


def _replaced_losses(measure: str, seeds: int) -> pd.DataFrame:
    bound, variances, rows = own.resolve(measure), _variances(), []
    equation = theory.REPLACED.get(bound.id)
    expected = equation(variances) if equation else np.full(NEURONS, np.nan)
    for seed in range(seeds):
        X, U, w = toy(seed)
        itself, why = attempt(score, bound, X, X)
        for pc in spread_ranks(NEURONS):
            u = U[:, pc - 1]
            value, note = attempt(score, bound, X, X + torch.outer(w - u, u @ X))
            rows.append((seed, pc, itself, value, bound.direction * (itself - value), why or note))
    table = pd.DataFrame(rows, columns=["seed", "pc", "own", "score", "loss", "note"])
    k = table["pc"] - 1
    ratios = variances / variances.sum()
    return table.assign(measure=bound.id, explained_variance=ratios[k], theory=expected[k])


def replaced_losses(
    names: Sequence[str], *, quick: bool = False, jobs: int | str = 1
) -> pd.DataFrame:
    """What each measure loses when PC i of X is replaced by noise, a row a measure, seed and PC.

    X has the first 24 PCs of Siegel 2015's published spectrum in 120 samples (twice the neurons
    still leave room outside), random directions drawn from the seed. Columns seed, pc (from 1), own
    (value at Y = X), score, loss (own - score; of a distance its growth), note, measure,
    explained_variance (ratio), theory (the score, NaN without an equation).
    """
    return stored(_replaced_losses, names, jobs, {"seeds": amount(quick).seeds})


def reference_losses() -> pd.DataFrame:
    """Losses by the theory of three references on the same X: columns measure, explained_variance,
    loss.
    """
    variances = _variances()
    lines = {name: 1 - theory.REPLACED[name](variances) for name in REFERENCES}
    table = pd.DataFrame(lines).assign(explained_variance=variances / variances.sum())
    return table.melt("explained_variance", var_name="measure", value_name="loss")


def exponents(losses: pd.DataFrame) -> dict:
    """Exponent k of loss ~ variance^k of one measure: least squares on logarithms, over the
    positive losses.

    Keys mean, low, high (least and greatest over seeds), count (of seeds), flat (share of losses
    that aren't positive). NaN where fewer than 3 PCs cost anything.

    >>> falling = pd.DataFrame({"explained_variance": [0.1, 0.2, 0.4], "loss": [1, 4, 16]})
    >>> round(exponents(falling.assign(seed=0))["mean"], 6)
    2.0
    """
    found = slopes(losses[losses["loss"] > NO_LOSS], "seed", "explained_variance", "loss")
    return spread(found) | {"flat": float((losses["loss"] <= NO_LOSS).mean())}


# -- Chance


def _chance_draws(
    measure: str, samples: Sequence[int], neurons: Sequence[int], draws: int
) -> pd.DataFrame:
    bound, rows = own.resolve(measure), []
    closed = calibration.expected_by_chance if bound.id in CLOSED else lambda *_: np.nan
    for n, p, draw in product(samples, neurons, range(draws)):
        X, Y = np.random.default_rng([draw, n, p]).standard_normal((2, n, p))
        rows.append((n, p, draw, closed(bound.id, X, Y), *attempt(score, bound, X, Y)))
    columns = ["samples", "neurons", "draw", "closed_form", "score", "note"]
    return pd.DataFrame(rows, columns=columns).assign(measure=bound.id)


def chance_draws(names: Sequence[str], *, quick: bool = False, jobs: int | str = 1) -> pd.DataFrame:
    """Scores of independent standard Gaussian X and Y of n samples and p neurons each, a row a
    draw.

    Columns samples, neurons, draw, closed_form (mean over all permutations of the samples; CKA,
    ENSD and linear regression, else NaN), score (NaN where undefined), note, measure.
    """
    run = amount(quick)
    sizes = {"samples": run.samples, "neurons": run.neurons, "draws": run.draws}
    return stored(_chance_draws, names, jobs, sizes)


def chance_cells(draws: pd.DataFrame) -> pd.DataFrame:
    """One measure's draws, a row a size: samples, neurons, mean, low and high (least and greatest
    draw), count, closed_form.
    """
    cells = draws.groupby(["samples", "neurons"])
    found = pd.DataFrame(cells["score"].apply(spread).unstack())
    return found.join(cells["closed_form"].mean()).reset_index()


# -- Decodability and joint range


def climbed(name: str, run: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """run(), or one row whose `note` says why this measure can't be climbed."""
    try:
        joint.score_measure(own.resolve(name))  # refuses a distance
        return run()
    except (ValueError, store.TaskError) as error:  # of the last task, without its arguments
        why = str(error).splitlines()[-1].split("}: ", 1)[-1]
        return pd.DataFrame({"note": [f"It can't be climbed: {why}"]})


def decodability(name: str, *, quick: bool = False, jobs: int | str = 1) -> dict[str, pd.DataFrame]:
    """Decoding along ascents on the small surrogate of Siegel 2015: tables curves, crossings and
    references.

    The tables are those of `curves.accuracy_curves`, `curves.crossings` and `runner.references`;
    seed 0 of a catalogue's measure is the quick run of the notebook on decodability. A measure that
    can't be climbed has crossings alone, with a `note`.
    """
    options = {"seeds": range(amount(quick).ascents), "quick": True, "jobs": jobs}
    table = climbed(name, lambda: ascents([DATASET], [name], **options))
    if "note" in table:
        return {"crossings": table}
    known = references([DATASET], seeds=options["seeds"], quick=True)
    return {
        "curves": curves.accuracy_curves(table, 0.02),
        "crossings": curves.crossings(table, known),
        "references": curves.deciding(known, "recorded"),
    }


def _region(measure: str, against: str, seed: int, steps: int) -> pd.DataFrame:
    bound = own.resolve(measure)
    options = {"points": 4, "seed": seed, "steps": steps, "visited": True}
    descents = joint.joint_range(bound, against, toy(0)[0], **options)
    title = f"{SAMPLES} samples of {NEURONS} neurons"
    facts = {"measure": bound.id, "against": against, "seed": seed, "title": title}
    return joint.end_points(descents).assign(**facts, **joint.allowed(descents))


def regions(name: str, *, quick: bool = False, jobs: int | str = 1) -> pd.DataFrame:
    """Joint ranges against CKA and angular Procrustes (but itself), on the toy of
    `replaced_losses`: the end points in order round the square.

    Columns of `joint.joint_range`, measure, against, seed, title and those of `joint.allowed` for
    all Y visited; for a measure that can't be climbed, a `note`.
    """
    run = amount(quick)
    variants = [
        {"against": against, "seed": seed, "steps": run.range_steps}
        for against in AGAINST
        if against != own.resolve(name).id
        for seed in range(run.range_seeds)
    ]
    return climbed(name, lambda: stored(_region, [name], jobs, *variants))


def limits(ends: pd.DataFrame) -> pd.DataFrame:
    """What was reached with 0.9 or more on the other score, a row a pair, direction and end.

    `ends` is a table of `regions`; no rows where that has none. Columns against, given, other,
    bound ("lowest", "highest"), mean, low, high (over seeds), count.
    """
    rows = []
    for (measure, against), pair in () if "note" in ends else ends.groupby(["measure", "against"]):
        found = pair.groupby("seed").first()
        rows += [
            {"against": against, "given": given, "other": other, "bound": bound}
            | spread(found[f"{bound}_{side}"])
            for given, other, side in ((measure, against, "b"), (against, measure, "a"))
            for bound in ("lowest", "highest")
        ]
    return pd.DataFrame(rows)


# -- Cost


def _seconds(bound: Measure, X: torch.Tensor, Y: torch.Tensor) -> float:
    Y = Y.clone().requires_grad_(bound.differentiable)
    start = time.perf_counter()
    value = bound(X, Y)
    if bound.differentiable:
        torch.autograd.grad(value, Y)
    return time.perf_counter() - start


def _cost_seconds(measure: str, repeats: int) -> pd.DataFrame:
    bound, rows = own.resolve(measure), []
    for varied, n, p in [(varied, *size) for varied, sizes in SIZES.items() for size in sizes]:
        X, Y = torch.randn(2, n, p, generator=torch.Generator().manual_seed(0))
        attempt(_seconds, bound, X, Y)  # the first call pays for what later ones find
        rows += [
            (varied, n, p, repeat, *attempt(_seconds, bound, X, Y)) for repeat in range(repeats)
        ]
    columns = ["varied", "samples", "neurons", "repeat", "seconds", "note"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(measure=bound.id, gradient=bound.differentiable)


def cost_seconds(name: str, *, quick: bool = False) -> pd.DataFrame:
    """Seconds of one score and its gradient in float32, on the machine at hand, a row a repeat.

    Columns varied ("samples" at 100 neurons or "neurons" at 1000 samples), samples, neurons,
    repeat, seconds, note, measure, gradient (False: the value alone, of measures without one).
    Never in parallel: that would be timed, too.
    """
    return stored(_cost_seconds, [name], 1, {"repeats": amount(quick).repeats})


def cost_exponents(seconds: pd.DataFrame) -> pd.DataFrame:
    """Exponent of seconds ~ size^k, a row a size varied: varied, mean, low, high (over repeats),
    count.
    """
    parts = seconds.dropna(subset="seconds").groupby("varied", sort=False)
    found = [
        {"varied": varied, **spread(slopes(part, "repeat", varied, "seconds"))}
        for varied, part in parts
    ]
    return pd.DataFrame(found)
