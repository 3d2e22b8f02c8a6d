"""How often the intervals of `calibration.noise_ceiling` hold the score of the signal, where it is
known: the numbers of the page on own data.

    python benchmarks/ceilings.py

Recordings are drawn independently: three kinds of spectra, several numbers of repeats, white noise.
"""

from itertools import product

import joblib
import numpy as np
import pandas as pd

import simlib as sl

SPECTRA, REPEATS = ("flat", "power", "low"), ("2", "5", "20", "ragged")
SHOWN = ("cka", "cka-debiased", "nbs", "linreg", "ridge-cv", "rsa")
SEEDS = 24  # recordings of each spectrum, number of repeats and strength of noise
SMALL_SEEDS = 13  # the same of the small recordings, for all measures


def spectrum_of(kind: str, samples: int, neurons: int, seed: int) -> np.ndarray:
    """A signal: "flat" (neurons alike), "power" (PC variances 1 / rank) or "low" (5 dimensions)."""
    rng = np.random.default_rng([seed, 7])
    if kind == "low":
        return rng.standard_normal((samples, 5)) @ rng.standard_normal((5, neurons)) / np.sqrt(5)
    variances = np.arange(1.0, neurons + 1) ** {"flat": 0, "power": -1}[kind]
    rotation = np.linalg.qr(rng.standard_normal((neurons, neurons)))[0]
    scales = np.sqrt(variances * neurons / variances.sum())
    return rng.standard_normal((samples, neurons)) * scales @ rotation


def recorded(signal: np.ndarray, noise: float, counts: np.ndarray, seed: int) -> np.ndarray:
    """(repeat, samples, neuron): sample i has counts[i] repeats, NaN beyond."""
    rng = np.random.default_rng(seed)
    repeats = signal + noise * rng.standard_normal((counts.max(), *signal.shape))
    return np.where((np.arange(counts.max())[:, None] < counts)[..., None], repeats, np.nan)


def intervals(
    measures: tuple[str, ...], kind: str, noise: float, most: str, seed: int, size: tuple[int, int]
) -> pd.DataFrame:
    """What `noise_ceiling` says of one recording, a row a measure. Noise of 1 leaves the mean of
    the repeats a quarter of the signal's variance, noise of 2 as much as the signal has.

    Columns measure, kind, noise, repeats, half, signal (the score that an interval is to hold),
    width, holds (NaN where the repeats are too noisy for an interval).
    """
    counts = np.random.default_rng(seed).integers(2, 11, size[0])
    counts = counts if most == "ragged" else np.full(size[0], int(most))
    signal = spectrum_of(kind, *size, seed)
    repeats = recorded(signal, noise * np.sqrt(counts.mean() / 4), counts, seed)
    mean, rows = np.nanmean(repeats, 0), []
    for name in measures:
        found = sl.calibration.noise_ceiling(name, repeats, splits=3, seed=seed)
        score = sl.score(name, mean, signal)
        holds = np.nan if "too noisy" in found.note else float(found.low <= score <= found.high)
        rows.append((name, kind, noise, most, found.mean, score, found.high - found.low, holds))
    columns = ["measure", "kind", "noise", "repeats", "half", "signal", "width", "holds"]
    return pd.DataFrame(rows, columns=columns)


def many(measures, noises, repeats, seeds: int, size: tuple[int, int]) -> pd.DataFrame:
    """`intervals` of recordings that share no draw."""
    cases = list(product(SPECTRA, noises, repeats, range(seeds)))
    tables = joblib.Parallel(n_jobs=-1)(
        joblib.delayed(intervals)(measures, kind, noise, most, 1000 * place + seed, size)
        for place, (kind, noise, most, seed) in enumerate(cases)
    )
    return pd.concat(tables, ignore_index=True)


def main() -> None:
    table = many(SHOWN, (1.0, 2.0), REPEATS, SEEDS, (100, 15))
    print(f"{len(table) // len(SHOWN)} recordings of 100 x 15, half of them with more noise")
    for name, rows in table.groupby("measure", sort=False):
        less, more = (rows[rows["noise"] == noise] for noise in (1.0, 2.0))
        cells = [f"{part['holds'].mean():.0%}" for part in (less, more)]
        means = more[["half", "signal", "width"]].mean().map("{:.2f}".format)
        print(f"| {sl.MEASURES[name].title} | {' | '.join(cells)} | {', '.join(means)} |")
    print("no interval:", f"{table['holds'].isna().mean():.1%}", "of them")
    print("all:", f"{table['holds'].mean():.1%}")
    print(table.groupby(["noise", "repeats"])["holds"].mean().to_string())
    print(table[table["measure"] == "linreg"].groupby("kind")["holds"].mean().to_string())
    every = many(tuple(sl.MEASURES), (1.0,), ("2", "5", "ragged"), SMALL_SEEDS, (80, 10))
    print(f"{len(every) // len(sl.MEASURES)} recordings of 80 x 10, all measures")
    print(every.groupby("measure")["holds"].mean().sort_values().map("{:.1%}".format).to_string())


if __name__ == "__main__":
    main()
