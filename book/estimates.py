"""What a page will take on a recording of the reader's own: parts of its runs are tried on it."""

from collections.abc import Callable, Sequence

import xarray as xr

import simlib as sl

SNAPSHOTS = 100  # of an ascent, at most: one whenever the score has moved by 0.01
# Steps of a descent to a target, in the middle: it ends once 100 steps brought nothing.
DESCENT = 250
# Seconds of what isn't run on the recording: kernel, imports, figures; the toy; exact ranges.
ELSE = {"score_vs_decodability": 10, "pc_learning_order": 25, "joint_score_ranges": 20}
WORKER = 5  # seconds until a further process has started


def seconds_of(work: Callable[[], object]) -> float:
    start = sl.experiments.now()
    work()
    return float((sl.experiments.now() - start).min())


def duration(seconds: float) -> str:
    """`about 3 min`, or `under a minute`."""
    return "under a minute" if seconds < 60 else f"about {seconds / 60:.0f} min"


def together(tasks: Sequence[float], jobs: int) -> float:
    """Seconds until all tasks are done, `jobs` at once."""
    return max(sum(tasks) / jobs, *tasks) + (WORKER if jobs > 1 else 0)


def ascents(
    data: xr.DataArray,
    measures: Sequence[str],
    seeds: Sequence[int],
    steps: int,
    quick: bool = False,
    jobs: int | str = 1,
    loading: float = 0.0,
) -> tuple[float, str]:
    """Seconds of `experiments.ascents` on this dataset, and what is run, in words; `loading` is
    what reading the recording takes.
    """
    jobs = sl.experiments.workers(jobs)
    with sl.experiments.task_threads():
        each = sl.experiments.ascent_seconds(data, measures, steps=steps, quick=quick)
    tasks = [seconds + loading for seconds in each for _ in seeds]
    n, p = data.shape[0] * data.shape[1], data.shape[2]
    gigabytes = (8 * (8 * n * p + 4 * min(n, p) ** 2) + 60 * min(steps, SNAPSHOTS) * p) / 1e9 + 0.3
    said = (
        f"{len(tasks)} ascents of up to {steps} steps (measures: {len(measures)}, seeds: "
        f"{len(seeds)}), {jobs} at once, about {jobs * gigabytes:.1f} GB of memory"
    )
    return together(tasks, jobs), said


def joint_ranges(
    data: xr.DataArray,
    measures: Sequence[str],
    against: str,
    seeds: Sequence[int],
    points: int,
    steps: int,
    jobs: int | str = 1,
    loading: float = 0.0,
) -> tuple[float, str]:
    """Seconds of joint ranges of this dataset, from some steps towards a target a pair, and what is
    run, in words.
    """
    jobs = sl.experiments.workers(jobs)
    descents, tasks = 4 * (points - 1) * len(seeds), []
    for measure in measures:
        pair = measure, against, data.values, (0.0, 1.0)
        sl.joint.approach(*pair, steps=1)  # pays for what later calls find
        with sl.experiments.task_threads():
            few, more = (
                min(seconds_of(lambda n=n, on=pair: sl.joint.approach(*on, steps=n)) for _ in "ab")
                for n in (1, 9)
            )
        step = max(0.0, more - few) / 8
        tasks += [min(steps, DESCENT) * step + loading] * descents
    n, p = data.shape[0] * data.shape[1], data.shape[2]
    gigabytes = jobs * (8 * (8 * n * p + 6 * min(n, p) ** 2) / 1e9 + 0.3)
    said = (
        f"{len(tasks)} descents of up to {steps} steps, {jobs} at once, about {gigabytes:.1f} GB "
        "of memory"
    )
    return together(tasks, jobs), said
