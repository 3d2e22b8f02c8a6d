"""Many tasks in parallel, each result stored when it is finished and found again later."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import joblib
import pandas as pd
import torch
import xarray as xr

from simlib import datasets

__all__ = ["TaskError", "fingerprint", "results_folder", "run"]


class Source(NamedTuple):
    """A dataset by its name or path, and the options of its loader."""

    dataset: str
    options: dict

    def load(self) -> xr.DataArray:
        return datasets.load(self.dataset, **self.options)


class TaskError(RuntimeError):
    """One or more tasks failed; what the others found is stored and will not be computed again."""


def results_folder() -> Path:
    """Where finished tasks are kept: `SIMLIB_RESULTS`, else `results` in the current folder."""
    return Path(os.environ.get("SIMLIB_RESULTS", "results"))


@cache
def _source() -> str:
    """Digest of the code that computes results (all of simlib but the plots)."""
    root = Path(__file__).parents[1]
    files = sorted(
        path for path in root.rglob("*.py") if "plots" not in path.relative_to(root).parts
    )
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def fingerprint(function: Callable, task: dict) -> str:
    """Hash of what a result depends on: the function, its arguments and simlib's own code."""
    identity = [function.__module__, function.__qualname__, task, _source()]
    text = json.dumps(identity, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _write(table: pd.DataFrame, path: Path) -> None:
    """Write beside the target, then rename: a killed process leaves no half a table under the final
    name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    try:
        table.to_parquet(name)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _progress(done: float, total: float, label: str) -> None:
    if os.environ.get("SIMLIB_PROGRESS"):
        with open(os.environ["SIMLIB_PROGRESS"], "a") as file:
            file.write(f"{done:.0f} {total:.0f} {label}\n")


def _finish(function: Callable, task: dict, path: Path, threads: int) -> tuple[Path, str]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        _write(function(**task), path)
    except Exception as error:  # one task's fault must not lose the others' work
        return path, f"{type(error).__name__}: {error}"
    finally:
        torch.set_num_threads(before)
    return path, ""


def run(
    function: Callable[..., pd.DataFrame],
    tasks: Sequence[dict],
    jobs: int = 1,
    costs: Sequence[float] | None = None,
) -> list[pd.DataFrame]:
    """Tables of function(**task) for each task, in their order.

    A task whose result is stored is not run again; each new result is stored as soon as it is there
    (`results_folder`, Parquet), so an interrupted run goes on where it stopped. `jobs` processes
    share the machine's threads. Tasks are started in the given order, or with `costs` (one a task,
    in any unit) the dearest first; progress is counted in costs. The arguments of a task must be
    what JSON can hold. Raises TaskError after all tasks have ended if one of them failed.
    """
    folder = results_folder() / function.__name__.strip("_")
    paths = [folder / f"{fingerprint(function, task)}.parquet" for task in tasks]
    price = dict(zip(paths, costs if costs is not None else [1] * len(tasks), strict=True))
    order = sorted(zip(paths, tasks, strict=True), key=lambda item: -price[item[0]])
    missing = {path: task for path, task in order if not path.exists()}
    threads = max(1, torch.get_num_threads() // max(1, min(jobs, len(missing))))
    total, left, failures = sum(price.values()), sum(price[path] for path in missing), []
    _progress(total - left, total, function.__name__)
    parallel = joblib.Parallel(n_jobs=min(jobs, len(missing)) or 1, return_as="generator_unordered")
    finish = joblib.delayed(_finish)
    for path, error in parallel(
        finish(function, task, path, threads) for path, task in missing.items()
    ):
        left -= price[path]
        label = ", ".join(
            missing[path][key] for key in ("dataset", "measure", "against") if key in missing[path]
        )
        _progress(total - left, total, label or function.__name__)
        if error:
            failures.append(f"{missing[path]}: {error}")
    if failures:
        raise TaskError(
            f"{len(failures)} of {len(tasks)} tasks failed; the other results are kept in "
            f"{folder}.\n" + "\n".join(failures)
        )
    return [pd.read_parquet(path) for path in paths]
