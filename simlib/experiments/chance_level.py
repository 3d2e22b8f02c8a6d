"""Scores of independent noise: what the numbers of samples and neurons alone are worth."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from simlib import calibration, measures, validation
from simlib.experiments import settings, store
from simlib.experiments.claims import values


def _noise(measure: str, samples: int, neurons: int, seed: int) -> pd.DataFrame:
    """Score of two independent Gaussian matrices of one size. A task of `noise_scores`."""
    rng = np.random.default_rng([seed, samples, neurons])
    X, Y = rng.standard_normal((2, samples, neurons))
    row = {"measure": measure, "samples": samples, "neurons": neurons, "seed": seed}
    return pd.DataFrame([{**row, "score": measures.score(measure, X, Y)}])


def noise_scores(
    names: Sequence[str],
    samples: int,
    neurons: Sequence[int],
    *,
    seeds: Sequence[int] = (0,),
    quick: bool = False,
    jobs: int | str = 1,
) -> pd.DataFrame:
    """Scores of independent standard Gaussian X and Y, a row a measure, number of neurons and seed.

    Columns measure, samples, neurons, seed, score, settings, surrogate (never: it stands in for
    nothing).
    """
    for name in names:
        if name not in measures.MEASURES:
            raise validation.unknown_name("measure", name, measures.MEASURES)
    tasks = [
        {"measure": name, "samples": int(samples), "neurons": int(p), "seed": int(seed)}
        for name in names
        for p in neurons
        for seed in seeds
    ]
    table = pd.concat(store.run(_noise, tasks, jobs), ignore_index=True)
    return table.assign(settings=settings.label(quick), surrogate=False)


def noise_values(table: pd.DataFrame) -> pd.DataFrame:
    """What noise scores beside its closed form, from the table of `noise_scores`; nothing for
    measures that are not in it.
    """
    means = table.groupby(["measure", "neurons"])["score"].mean()
    samples, rows = int(table["samples"].iloc[0]), []
    if "cka" in means:
        cka = means["cka"]
        off = np.abs(cka - cka.index / (cka.index + samples)).max()
        rows.append(("CKA of noise has a closed form", "noise", f"{samples} samples", off))
        wide = cka[cka.index >= 10 * samples]
        if len(wide):
            run = f"{wide.index.min()} neurons or more"
            rows.append(("CKA of noise comes near 1", "noise", run, wide.min()))
    if "cka-debiased" in means:
        largest = means["cka-debiased"].abs().max()
        rows.append(("debiased CKA of noise is 0", "noise", f"{samples} samples", largest))
    return values(rows)


def ceilings(
    names: Sequence[str],
    *,
    samples: int = 200,
    neurons: int = 30,
    repeats: int = 10,
    noise: float = 2.5,
    seed: int = 0,
) -> pd.DataFrame:
    """What noise allows where the signal is known, a row a measure.

    The signal is Gaussian with PC variances that fall as 1 / rank, its variance 1; the noise is
    white, of standard deviation `noise`. Columns measure, half against half, estimate, low, high,
    signal (its own score with the mean of all repeats).
    """
    rng = np.random.default_rng(seed)
    variances = 1 / np.arange(1.0, neurons + 1)
    rotation = np.linalg.qr(rng.standard_normal((neurons, neurons)))[0]
    scales = np.sqrt(variances * neurons / variances.sum())
    signal = rng.standard_normal((samples, neurons)) * scales @ rotation
    data = signal + noise * rng.standard_normal((repeats, samples, neurons))
    rows = []
    for name in names:
        found = calibration.noise_ceiling(name, data, seed=seed)
        own = measures.score(name, data.mean(0), signal)
        rows.append((name, found.mean, found.estimate, found.low, found.high, own))
    columns = ["measure", "half against half", "estimate", "low", "high", "signal"]
    return pd.DataFrame(rows, columns=columns)


def ceiling_values(table: pd.DataFrame) -> pd.DataFrame:
    """By how much the signal's score exceeds half against half, and leaves the interval, from the
    table of `ceilings`.
    """
    over = (table["signal"] - table["half against half"]).min()
    outside = np.maximum(table["low"] - table["signal"], table["signal"] - table["high"]).max()
    data = "simulated repeats"
    return values(
        [
            ("the signal scores above half against half", data, "all measures", over),
            ("the interval holds the signal's score", data, "all measures", outside),
        ]
    )
