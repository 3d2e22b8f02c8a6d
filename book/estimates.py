"""What a notebook will take on a recording of the reader's own: a few steps are timed on it."""

import time
from collections.abc import Callable, Sequence

import xarray as xr

import simlib as sl

SNAPSHOTS = 100  # of an ascent: one whenever the score has moved by 0.01


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def duration(seconds: float) -> str:
    """`about 3 min`, or `under a minute`."""
    return "under a minute" if seconds < 60 else f"about {seconds / 60:.0f} min"


def ascents(
    data: xr.DataArray, measures: Sequence[str], seeds: Sequence[int], steps: int, jobs: int = 1
) -> str:
    """Time and memory of `experiments.ascents` on this dataset.

    Three steps of each measure, one PC capture and one decoding are timed. The number of steps
    isn't known beforehand: the most is `steps`, a typical ascent takes a fifth.
    """
    X = data.values
    sl.maximize(measures[0], X, steps=1)  # the first call pays for what later ones find
    each = [seconds_of(lambda m=m: sl.maximize(m, X, steps=3, stop=None)) / 3 for m in measures]
    step, snapshot = sum(each) / len(each), seconds_of(lambda: sl.captured_variance(X, X))
    if sl.experiments.decodable(data):
        variable = data.attrs["main_variable"]
        snapshot += 2 * seconds_of(lambda: sl.decoding_accuracy(data, variable))  # scales
    count, snapshots = len(measures) * len(seeds), min(steps, SNAPSHOTS)
    most = count * (steps * step + snapshots * snapshot) / jobs
    typical = count * (steps / 5 * step + min(steps / 5, snapshots) * snapshot) / jobs
    n, p = X.shape[0] * X.shape[1], X.shape[2]
    gigabytes = (8 * (8 * n * p + 4 * min(n, p) ** 2) + 60 * snapshots * p) / 1e9 + 0.3
    return (
        f"{count} ascents of up to {steps} steps (measures: {len(measures)}, seeds: {len(seeds)}), "
        f"{jobs} at once: {duration(typical)}, at most {duration(most)}; about "
        f"{jobs * gigabytes:.1f} GB of memory"
    )


def joint_ranges(
    data: xr.DataArray,
    measures: Sequence[str],
    against: str,
    seeds: Sequence[int],
    points: int,
    steps: int,
    jobs: int = 1,
) -> str:
    """Time and memory of joint ranges of this dataset, from three steps towards a target a pair."""
    X, seconds = data.values, 0.0
    for measure in measures:
        pair = measure, against, X, (0.0, 1.0)
        sl.joint.approach(*pair, steps=1)
        seconds += seconds_of(lambda pair=pair: sl.joint.approach(*pair, steps=3)) / 3
    descents = 4 * (points - 1) * len(seeds)
    most = descents * steps * seconds / jobs
    n, p = X.shape[0] * X.shape[1], X.shape[2]
    gigabytes = jobs * (8 * (8 * n * p + 6 * min(n, p) ** 2) / 1e9 + 0.3)
    return (
        f"{descents * len(measures)} descents of up to {steps} steps, {jobs} at once: "
        f"{duration(most / 3)}, at most {duration(most)}; about {gigabytes:.1f} GB of memory"
    )
