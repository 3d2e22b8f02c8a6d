"""Ascents from noise towards a dataset, with decoding and PC capture measured along the way."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
import xarray as xr

from simlib import datasets, validation
from simlib.components import captured_variance, left_singular_vectors
from simlib.decoding import Decoders, chance, split
from simlib.experiments import settings, store
from simlib.joint import approach, score_measure
from simlib.measures import MEASURES, Measure
from simlib.optimize import LARGEST_BATCHED, Observer, maximize, maximize_many

__all__ = ["ascents", "decodable", "estimate", "estimate_ranges", "references"]

FOLDS = 5
RECORD = 0.01  # a snapshot whenever the score has moved by this much
QUICK_RECORD = 0.03
# Relative length of an ascent: only the order of tasks and the estimate of the time left hang on
# it.
LENGTH = {"ridge-cv": 4, "linreg": 2, "cka-angular-score": 1.5}


def decodable(data: xr.DataArray) -> bool:
    """Whether the dataset has a main task variable with enough trials a class for the folds."""
    if not data.attrs["main_variable"]:
        return False
    try:
        split(*_labels(data))
    except ValueError:
        return False
    return True


def _labels(data: xr.DataArray) -> tuple[np.ndarray, int, int, np.ndarray | None]:
    """Arguments of `decoding.split` for the main variable: labels, folds, seed, groups."""
    labels = data.coords[data.attrs["main_variable"]].values
    return labels, FOLDS, 0, datasets.fold_groups(data)


def main_decoders(data: xr.DataArray) -> Decoders:
    """Decoders of the main variable, for one Y after the other."""
    labels, *options = _labels(data)
    return Decoders({data.attrs["main_variable"]: labels}, *options)


def accuracy_rows(Y, decoders: Decoders) -> pd.DataFrame:
    """Accuracy of the main variable decoded from Y, a row a fold (mean over time bins)."""
    ((name, accuracies),) = decoders(Y).items()
    return pd.DataFrame(
        {
            "quantity": "accuracy",
            "name": name,
            "fold": np.arange(FOLDS),
            "pc": -1,
            "value": accuracies.mean(1),
        }
    )


def _ascent(
    dataset: str,
    options: dict,
    data_hash: str,
    measure: str,
    seeds: list[int],
    steps: int,
    quick: bool,
    record: float,
    decode: bool,
    device: str,
) -> pd.DataFrame:
    """One ascent, or those of several seeds: a row a snapshot and quantity (accuracy of a fold, R^2
    of a PC).

    A task of `ascents`.
    """
    data = datasets.load(dataset, **options)
    X = data.values
    vectors = left_singular_vectors(X).float()
    pcs = np.arange(1, X.shape[-1] + 1)
    snapshots = {seed: [] for seed in seeds}

    def observers(seed: int) -> list[Observer]:
        decoders = main_decoders(data) if decode else None

        def observe(step: int, score: float, Y: torch.Tensor) -> None:
            r2 = captured_variance(X, Y, vectors=vectors)
            captured = {
                "quantity": "captured variance",
                "name": "",
                "fold": -1,
                "pc": pcs,
                "value": r2,
            }
            tables = [pd.DataFrame(captured), *([accuracy_rows(Y, decoders)] if decode else [])]
            snapshots[seed].append(pd.concat(tables).assign(step=step, score=score, seed=seed))

        return [observe]

    ways = maximize_many(
        measure, X, seeds=seeds, steps=steps, observers=observers, record=record, device=device
    )
    table = pd.concat(
        [
            pd.concat(snapshots[seed]).assign(steps=len(way.scores), stopped=way.stopped)
            for seed, way in zip(seeds, ways, strict=True)
        ],
        ignore_index=True,
    )
    table = table.assign(dataset=dataset, measure=measure, **settings.provenance(data, quick))
    text = ["dataset", "measure", "stopped", "title", "settings", "data_hash", "quantity", "name"]
    return table.astype(dict.fromkeys(text, "category") | {"pc": "int32", "fold": "int32"})


def _sources(names: Sequence[str], quick: bool) -> list[tuple[str, dict, xr.DataArray]]:
    found = []
    for name in map(str, names):
        options = settings.load_options(name, quick)
        found.append((name, options, datasets.load(name, **options)))
    return found


def score_id(name: str | Measure) -> str:
    """The id under which results are stored; refuses what is unknown, and distances: axes are of
    scores.
    """
    bound = score_measure(name)
    if isinstance(name, str):
        return name
    if bound.id not in MEASURES:
        raise ValueError(
            f"results are stored by a measure's id, and {bound.id!r} has none; use sl.maximize "
            "for it"
        )
    return bound.id


def text_again(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """One table of many, with categories back as text so that every column joins."""
    plain = []
    for table in tables:
        coded = [c for c in table.columns if isinstance(table[c].dtype, pd.CategoricalDtype)]
        plain.append(table.astype(dict.fromkeys(coded, object)))
    return pd.concat(plain, ignore_index=True)


def ascents(
    datasets: Sequence[str],
    measures: Sequence[str],
    *,
    seeds: Sequence[int] = (0,),
    steps: int = 1000,
    quick: bool = False,
    jobs: int = 1,
    device: str = "cpu",
) -> pd.DataFrame:
    """Maximise each measure from each seed on each dataset, measuring what Y has learned on the
    way.

    Tidy: one row per snapshot and quantity, with columns dataset, measure, seed, step, score,
    quantity, name, fold, pc (from 1), value, steps, stopped, title, settings, surrogate, data_hash.
    `quantity` is "captured variance" (R^2 of PC `pc`) or, where the dataset has labels, "accuracy"
    (of its main variable, in cross-validation fold `fold`, mean over time bins). A snapshot is
    taken when the score has moved by 0.01 (0.03 in a quick run). Finished ascents are stored and
    found again (`store.run`); `jobs` of them run at once, the seeds of small data in one batch
    (`optimize.maximize_many`).
    """
    datasets, seeds = validation.names(datasets, "datasets"), validation.names(seeds, "seeds")
    measures = [score_id(name) for name in validation.names(measures, "measures")]
    tasks = []
    for name, options, data in _sources(datasets, quick):
        times, trials, neurons = data.shape
        cost = (data.size * min(neurons, times * trials)) ** 0.5
        shared = {
            "dataset": name,
            "options": options,
            "data_hash": settings.provenance(data, quick)["data_hash"],
            "steps": int(steps),
            "quick": bool(quick),
            "decode": decodable(data),
            "device": device,
            "record": QUICK_RECORD if quick else RECORD,
        }
        # Small data: all seeds in one batch.
        batches = (
            [[int(seed)] for seed in seeds]
            if data.size > LARGEST_BATCHED
            else [[int(seed) for seed in seeds]]
        )
        tasks += [
            (
                cost * len(batch) * LENGTH.get(measure, 1),
                {**shared, "measure": measure, "seeds": batch},
            )
            for measure in measures
            for batch in batches
        ]
    costs, arguments = zip(*tasks, strict=True)
    return text_again(store.run(_ascent, arguments, jobs, costs))


def references(datasets: Sequence[str], *, quick: bool = False) -> pd.DataFrame:
    """Decoding accuracy on each dataset itself, and chance: a row a fold.

    Columns dataset, title, variable, fold, accuracy, chance, settings, surrogate, data_hash. Same
    folds as in `ascents`. Raises ValueError for a dataset without labels, or with too few trials of
    a class.
    """
    tables = []
    for name, _, data in _sources(validation.names(datasets, "datasets"), quick):
        if not data.attrs["main_variable"]:
            raise ValueError(
                f"{name} has no labels: without task variables there is nothing to decode"
            )
        try:
            split(*_labels(data))
        except ValueError as error:
            raise ValueError(
                f"{name} can't be decoded by {data.attrs['main_variable']!r}: {error}"
            ) from error
        rows = accuracy_rows(data.values, main_decoders(data)).rename(
            columns={"value": "accuracy", "name": "variable"}
        )
        labels = _labels(data)[0]
        tables.append(
            rows[["variable", "fold", "accuracy"]].assign(
                dataset=name, chance=chance(labels), **settings.provenance(data, quick)
            )
        )
    return pd.concat(tables, ignore_index=True)


def estimate(
    data: xr.DataArray, names: Sequence[str], seeds: Sequence[int], steps: int, jobs: int
) -> str:
    """What a run of `ascents` on this dataset will take: time from a trial of each part, and
    memory.

    Three steps of each measure, one PC capture and one decoding are timed on the data itself. The
    number of steps isn't known beforehand: the estimate gives the most (`steps`) and a typical
    ascent (a fifth).
    """
    X = data.values
    maximize(names[0], X, steps=1)
    start = time.perf_counter()
    for name in names:
        maximize(name, X, steps=3, stop=None)
    step_seconds = (time.perf_counter() - start) / (3 * len(names))
    start = time.perf_counter()
    captured_variance(X, X)
    if decodable(data):
        accuracy_rows(X, main_decoders(data))
    snapshot_seconds = time.perf_counter() - start
    ascents_count = len(names) * len(seeds)
    snapshots = min(steps, round(1 / RECORD))
    most = ascents_count * (steps * step_seconds + snapshots * snapshot_seconds) / jobs
    typical = (
        ascents_count
        * (steps / 5 * step_seconds + min(steps / 5, snapshots) * snapshot_seconds)
        / jobs
    )
    n, p = X.shape[0] * X.shape[1], X.shape[2]
    megabytes = (
        jobs * (8 * (8 * n * p + 4 * min(n, p) ** 2) + 60 * snapshots * p) / 1e6 + 300 * jobs
    )
    return (
        f"{ascents_count} ascents of up to {steps} steps (measures: {len(names)}, seeds: "
        f"{len(seeds)}), "
        f"{jobs} at once: {_minutes(typical)}, at most {_minutes(most)}; about "
        f"{megabytes / 1000:.1f} GB of memory"
    )


def _minutes(seconds: float) -> str:
    return "under a minute" if seconds < 60 else f"about {seconds / 60:.0f} min"


def estimate_ranges(
    data: xr.DataArray,
    names: Sequence[str],
    against: str,
    seeds: Sequence[int],
    points: int,
    steps: int,
    jobs: int,
) -> str:
    """What a run of `joint_ranges` on this dataset will take, from three steps towards a target for
    each pair.
    """
    X = data.values
    seconds = []
    for name in names:
        approach(name, against, X, (0.0, 1.0), steps=1)
        start = time.perf_counter()
        approach(name, against, X, (0.0, 1.0), steps=3)
        seconds.append((time.perf_counter() - start) / 3)
    descents = 4 * (points - 1) * len(seeds)
    most = descents * steps * sum(seconds) / jobs
    n, p = X.shape[0] * X.shape[1], X.shape[2]
    gigabytes = jobs * (8 * (8 * n * p + 6 * min(n, p) ** 2) / 1e9 + 0.3)
    return (
        f"{descents * len(names)} descents of up to {steps} steps, {jobs} at once: "
        f"{_minutes(most / 3)}, at most "
        f"{_minutes(most)}; about {gigabytes:.1f} GB of memory"
    )
