"""Twenty ascents of small data: one after the other, in one batch, and in two processes.

    python benchmarks/together.py

Milliseconds of one step of all twenty, each process and batch with one thread. Says from which size
on processes win: `simlib.optimize.LARGEST_BATCHED`.
"""

from unittest import mock

import joblib
import numpy as np
import pandas as pd
import torch
from steps import seconds

from simlib import optimize

SIZES = ((12, 2), (30, 10), (60, 25), (100, 50), (270, 205))
MEASURES = ("cka", "nbs", "procrustes-angular-score")
RUNS, STEPS = 20, 20


def climb(measure: str, X: np.ndarray, seeds: range, limit: int) -> None:
    """All seeds, in one batch if X holds no more than `limit` numbers."""
    torch.set_num_threads(1)
    with mock.patch.object(optimize, "LARGEST_BATCHED", limit):
        optimize.maximize_many(measure, X, seeds=seeds, steps=STEPS, stop=None)


def row(measure: str, n: int, p: int, repeats: int) -> dict:
    X = np.random.default_rng(0).standard_normal((n, p))
    halves = range(RUNS // 2), range(RUNS // 2, RUNS)

    def in_processes() -> None:
        joblib.Parallel(2)(joblib.delayed(climb)(measure, X, half, 0) for half in halves)

    ways = {
        "one after the other": lambda: climb(measure, X, range(RUNS), 0),
        "one batch": lambda: climb(measure, X, range(RUNS), X.size),
        "two processes": in_processes,
    }
    for way in ways.values():
        way()
    times = {name: [seconds(way) for _ in range(repeats)] for name, way in ways.items()}
    return {
        "samples": n,
        "neurons": p,
        "measure": measure,
        **{name: 1e3 * np.median(found) / STEPS for name, found in times.items()},
    }


def table(repeats: int = 3) -> pd.DataFrame:
    threads = torch.get_num_threads()
    try:
        return pd.DataFrame(
            [row(measure, *size, repeats) for size in SIZES for measure in MEASURES]
        )
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    print(table().round(2).to_string(index=False))
