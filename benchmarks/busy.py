"""The same work on a quiet machine and beside a process that keeps half of the cores busy.

    python benchmarks/busy.py [--shapes mante ...] [--repeats 3]

Times of each work quiet, and the ratios busy / quiet: with as many threads as cores are free
(`simlib.threads`), and with as many as torch has. The three alternate in one process. What is timed
goes on until it has lasted a second, so that the looks at the machine are in it.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from unittest import mock

import numpy as np
import pandas as pd
import torch
from steps import SHAPES, Following, ascended, asked, seconds, snapshots, step

import simlib as sl
from simlib import threads
from simlib.components import captured_variance, left_singular_vectors

MEASURES = ("cka", "cka-angular-score", "nbs", "procrustes-angular-score", "linreg", "ridge-cv")
LASTS = 1.0  # seconds
SMALL, STEPS = ("siegel", "freeman"), 200  # of the ascents whose paths are compared


@contextmanager
def other_work() -> Iterator[None]:
    """Half of the cores are busy."""
    spinning = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(spinning) for _ in range(max(1, torch.get_num_threads() // 2))]
    try:
        time.sleep(2 * threads.LOOK)
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()


def all_threads() -> AbstractContextManager:
    """As many threads as torch has, whatever else runs."""
    return mock.patch.object(threads._load, "others", lambda: 0.0)


def typical(call: Callable) -> float:
    """Seconds of one call: the median of those that fit into `LASTS`."""
    call()
    times = []
    while sum(times) < LASTS:
        times.append(seconds(call))
    return float(np.median(times))


def compared(call: Callable, repeats: int) -> dict:
    """Milliseconds quiet, and the ratios of rounds: median, least and greatest."""
    ours, rounds = threads.on_free_cores(call), []
    for _ in range(repeats):
        quiet = typical(ours)
        with other_work():
            free = typical(ours)
            with all_threads():
                everything = typical(ours)
        rounds.append((quiet, free / quiet, everything / quiet))
    quiet, free, everything = np.array(rounds).T
    return {
        "ms": 1e3 * np.median(quiet),
        "ratio": np.median(free),
        "least": free.min(),
        "greatest": free.max(),
        "all threads": np.median(everything),
    }


def works(name: str) -> Iterator[tuple[str, Callable]]:
    data = sl.datasets.load(SHAPES[name])
    values, labels = data.values, data[data.attrs["main_variable"]].values
    X = torch.from_numpy(values.reshape(-1, values.shape[-1])).float()
    for measure in MEASURES:
        Y = ascended(measure, values).reshape(X.shape)
        yield f"step of {measure}", step(sl.measure(measure).towards(X), Y)
    path, vectors = snapshots("cka", values), left_singular_vectors(values).float()
    yield "PC capture", lambda: captured_variance(values, path[-1], vectors=vectors)
    yield "decoding of three snapshots", Following({"": labels}, path).whole


def calls() -> Iterator[tuple[str, Callable]]:
    """Whole calls, of Gaussian data."""
    X, Z = np.random.default_rng(0).standard_normal((2, 500, 200))
    yield "compare, 5 permutations", lambda: sl.compare(X, X + Z, permutations=5)
    small = X[:100, :20]
    yield "joint_range", lambda: sl.joint_range("cka", "nbs", small, points=3, steps=30)


def table(names=SHAPES, repeats: int = 3) -> pd.DataFrame:
    work = {name: works(name) for name in names} | {"Gaussian": calls()}
    return pd.DataFrame(
        {"shape": name, "work": said, **compared(call, repeats)}
        for name, some in work.items()
        for said, call in some
    )


def paths() -> pd.DataFrame:
    """How far the scores of two ascents from the same start part, with one thread and with all."""
    found, most = [], torch.get_num_threads()
    for name in SMALL:
        values = sl.datasets.load(SHAPES[name]).values
        for measure in MEASURES:
            scores = []
            for number in (1, most):
                torch.set_num_threads(number)
                with all_threads():
                    scores.append(sl.maximize(measure, values, steps=STEPS, stop=None).scores)
            parted = np.abs(np.subtract(*scores)).max()
            found.append({"shape": name, "measure": measure, "steps": STEPS, "differ": parted})
    return pd.DataFrame(found)


def main() -> None:
    options = asked(__doc__, repeats=3)
    print(f"{torch.get_num_threads()} threads; ratio = busy / quiet")
    print(table(options.shapes, options.repeats).round(2).to_string(index=False))
    print(paths().to_string(index=False))


if __name__ == "__main__":
    main()
