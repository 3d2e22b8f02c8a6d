"""What every card of a measure shows: checks, sensitivity to PC variance, chance.

A measure is named by an id of the catalogue or by `path.py:function`, a file of the user's own.
Every part is a stored task (`store.run`), which depends on the content of that file. A measure that
fails somewhere has NaN there and says why in `note`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from simlib import calibration, datasets, linalg, theory
from simlib.experiments import store
from simlib.experiments.own_measure import digest, resolve
from simlib.experiments.replacement import new_direction, spread_ranks
from simlib.measures import score
from simlib.measures.checking import check_measure

__all__ = [
    "CardSettings",
    "card_settings",
    "chance_cells",
    "chance_draws",
    "check_tables",
    "exponents",
    "reference_losses",
    "replaced_losses",
    "spread",
]

RECORDING, SAMPLES, NEURONS = "siegel2015", 120, 24
REFERENCES = ("cka", "nbs", "procrustes-angular-score")
CLOSED = ("cka", "ensd", "linreg")
NO_LOSS = 1e-9  # below this a loss is rounding


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
        return CardSettings(5, 20, (20, 50), (5, 10, 20, 50, 100), 2, 100, 2, 5)
    return CardSettings(20, 40, (20, 50, 100), (5, 10, 20, 50, 100, 200), 3, 300, 4, 15)


def attempt(function: Callable[[], float]) -> tuple[float, str]:
    """The value and "", or NaN and why there is none."""
    try:
        return float(function()), ""
    except (
        Exception
    ) as error:  # a measure of the user's own may fail in any way: that is the finding
        return float("nan"), (str(error).splitlines() or [type(error).__name__])[0]


def each(function: Callable, names: Sequence[str], jobs: int, **arguments) -> pd.DataFrame:
    tasks = [{"measure": name, "digest": digest(name), **arguments} for name in names]
    return pd.concat(store.run(function, tasks, jobs), ignore_index=True)


# -- Checks


def _checks(measure: str, digest: str) -> pd.DataFrame:
    bound = resolve(measure)
    try:
        table = check_measure(bound)
    except Exception as error:  # no 0-d tensor comes back, say
        table = pd.DataFrame({"note": [f"{type(error).__name__}: {error}"]})
    return table.assign(measure=bound.id)


def check_tables(names: Sequence[str], *, jobs: int = 1) -> pd.DataFrame:
    """`check_measure` of each measure, with a column measure; one row with a `note` where it can't
    be run.
    """
    return each(_checks, names, jobs)


# -- Sensitivity to PC variance


def _variances() -> np.ndarray:
    """lambda_i of the toy: the published spectrum's first PCs, at a mean square of 1 a sample and
    neuron.
    """
    ratios = datasets.made.variance_ratios(RECORDING)[:NEURONS]
    return ratios / ratios.sum() * SAMPLES * NEURONS


def toy(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """X with exactly that spectrum and random directions, its left singular vectors, and a
    direction outside of X.
    """
    generator = torch.Generator().manual_seed(seed)
    U = torch.linalg.qr(
        linalg.centre(torch.randn(SAMPLES, NEURONS, generator=generator, dtype=torch.float64))
    )[0]
    V = torch.linalg.qr(torch.randn(NEURONS, NEURONS, generator=generator, dtype=torch.float64))[0]
    return (U * torch.from_numpy(_variances()).sqrt()) @ V.T, U, new_direction(U, seed)


def _replaced_losses(measure: str, digest: str, seeds: int) -> pd.DataFrame:
    bound, variances, rows = resolve(measure), _variances(), []
    equation = theory.REPLACED.get(bound.id)
    expected = equation(variances) if equation else np.full(NEURONS, np.nan)
    for seed in range(seeds):
        X, U, w = toy(seed)
        own, why = attempt(lambda X=X: score(bound, X, X))
        for pc in spread_ranks(NEURONS):
            u = U[:, pc - 1]
            Y = X + torch.outer(w - u, u @ X)
            value, note = attempt(lambda X=X, Y=Y: score(bound, X, Y))
            rows.append(
                {
                    "seed": seed,
                    "pc": pc,
                    "explained_variance": variances[pc - 1] / variances.sum(),
                    "own": own,
                    "score": value,
                    "loss": bound.direction * (own - value),
                    "theory": expected[pc - 1],
                    "note": why or note,
                }
            )
    return pd.DataFrame(rows).assign(measure=bound.id)


def replaced_losses(names: Sequence[str], *, quick: bool = False, jobs: int = 1) -> pd.DataFrame:
    """What each measure loses when PC i of X is replaced by noise, a row a measure, seed and PC.

    X has the first 24 PCs of Siegel 2015's published spectrum in 120 samples (twice the neurons
    still leave room outside), random directions drawn from the seed. Columns seed, pc (from 1),
    explained_variance (ratio), own (value at Y = X), score, loss (own - score; of a distance its
    growth), theory (the score, NaN without an equation), note, measure.
    """
    return each(_replaced_losses, names, jobs, seeds=card_settings(quick).seeds)


def reference_losses() -> pd.DataFrame:
    """Losses by the theory of three references on the same X: columns measure, explained_variance,
    loss.
    """
    variances = _variances()
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "measure": name,
                    "explained_variance": variances / variances.sum(),
                    "loss": 1 - theory.REPLACED[name](variances),
                }
            )
            for name in REFERENCES
        ],
        ignore_index=True,
    )


def slope(x, y) -> float:
    """The exponent k of y ~ x^k, by least squares on logarithms."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def exponents(losses: pd.DataFrame) -> dict:
    """Exponent k of loss ~ variance^k of one measure: least squares on logarithms, over the
    positive losses.

    Keys mean, low, high (least and greatest over seeds), seeds, flat (share of losses that aren't
    positive). NaN where fewer than 3 PCs cost anything.
    """
    slopes = []
    for _, run in losses[losses["loss"] > NO_LOSS].groupby("seed"):
        if len(run) >= 3:
            slopes.append(slope(run["explained_variance"], run["loss"]))
    return spread(slopes) | {"flat": float((losses["loss"] <= NO_LOSS).mean())}


def spread(values: Sequence[float]) -> dict:
    """Keys mean, low, high (least and greatest value) and count, over the finite values; NaN for
    none.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if not len(values):
        return {"mean": np.nan, "low": np.nan, "high": np.nan, "count": 0}
    return {"mean": values.mean(), "low": values.min(), "high": values.max(), "count": len(values)}


# -- Chance


def _chance_draws(
    measure: str, digest: str, samples: Sequence[int], neurons: Sequence[int], draws: int
) -> pd.DataFrame:
    bound, rows = resolve(measure), []
    for n in samples:
        for p in neurons:
            for draw in range(draws):
                X, Y = np.random.default_rng([draw, n, p]).standard_normal((2, n, p))
                value, note = attempt(lambda X=X, Y=Y: score(bound, X, Y))
                closed = (
                    calibration.expected_by_chance(bound.id, X, Y) if bound.id in CLOSED else np.nan
                )
                rows.append(
                    {
                        "samples": n,
                        "neurons": p,
                        "draw": draw,
                        "score": value,
                        "closed_form": closed,
                        "note": note,
                    }
                )
    return pd.DataFrame(rows).assign(measure=bound.id)


def chance_draws(names: Sequence[str], *, quick: bool = False, jobs: int = 1) -> pd.DataFrame:
    """Scores of independent standard Gaussian X and Y of n samples and p neurons each, a row a
    draw.

    Columns samples, neurons, draw, score (NaN where undefined), closed_form (mean over all
    permutations of the samples; CKA, ENSD and linear regression, else NaN), note, measure.
    """
    chosen = card_settings(quick)
    sizes = {"samples": list(chosen.chance_samples), "neurons": list(chosen.chance_neurons)}
    return each(_chance_draws, names, jobs, draws=chosen.draws, **sizes)


def chance_cells(draws: pd.DataFrame) -> pd.DataFrame:
    """One measure's draws, a row a size: mean, low and high (least and greatest draw), count,
    closed_form, note.
    """
    rows = []
    for (n, p), cell in draws.groupby(["samples", "neurons"]):
        rows.append(
            {
                "samples": n,
                "neurons": p,
                **spread(cell["score"]),
                "closed_form": cell["closed_form"].mean(),
                "note": cell["note"].max(),
            }
        )
    return pd.DataFrame(rows)
