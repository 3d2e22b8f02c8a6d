"""Many tasks in parallel, each result stored when it is finished and found again later."""

import functools
import importlib
import inspect
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import joblib
import pandas as pd
import pyarrow
import torch
import xarray as xr
from pyarrow import parquet

from simlib import cache, datasets

PARTS = b"depends on"  # the key of a stored table's metadata


class TaskError(RuntimeError):
    """One or more tasks failed; what the others found is stored and will not be computed again."""


class Source(NamedTuple):
    """A dataset as an argument of a task: the task's result depends on the content of what it
    loads.
    """

    dataset: str
    options: dict

    def load(self) -> xr.DataArray:
        return datasets.load(self.dataset, **self.options)


def results_folder() -> Path:
    """Where finished tasks are kept: `SIMLIB_RESULTS`, else `results` in the current folder."""
    return Path(os.environ.get("SIMLIB_RESULTS", "results"))


# -- What a result depends on


def fingerprint(function: Callable, task: dict) -> str:
    """Hash of all that a result depends on.

    That is the function, its arguments, the content of the sources and of the Python files among
    them (`path.py:function`, a measure of the user's own), the versions of packages and the code
    that the function can see (`cache.depends_on`). Raises TypeError for an argument that JSON can't
    hold.
    """
    return _key(_parts(function, task, cache.depends_on, {}))


def _key(parts: dict) -> str:
    return cache.digest(parts)[:24]


def _parts(function: Callable, task: dict, depends_on: Callable, hashes: dict[str, str]) -> dict:
    """All that a result depends on, by kind and name; `hashes` keeps those of data already
    loaded.
    """
    parts = {
        "function": {"name": f"{function.__module__}:{function.__qualname__}"},
        "argument": task,
        "data": {},
        **depends_on(function),
    }
    for argument, value in task.items():
        try:
            json.dumps(value)
        except TypeError as error:
            raise TypeError(
                f"{function.__name__} can't be stored by its argument {argument} ({error}); a task "
                "takes text, numbers, True, False, None, lists and dictionaries of these, and "
                "sources"
            ) from error
        for leaf in _leaves(value):
            if isinstance(leaf, Source):
                source = json.dumps(leaf, sort_keys=True)
                if source not in hashes:
                    hashes[source] = datasets.data_hash(leaf.load())
                parts["data"][source] = hashes[source]
            elif isinstance(leaf, str) and (file := Path(leaf.rpartition(":")[0])).suffix == ".py":
                parts[leaf] = cache.code(file) if file.is_file() else {}
    return parts


def _leaves(value: object) -> list[object]:
    """What lists and dictionaries hold, however deep."""
    if isinstance(value, Source) or not isinstance(value, dict | list | tuple):
        return [value]
    held = value.values() if isinstance(value, dict) else value
    return [leaf for one in held for leaf in _leaves(one)]


def why(name: str) -> str:
    """What has changed since the results of the task function `name` were stored: a line a reason.

    Raises ValueError where nothing of that name is stored.
    """
    folder, depends_on, hashes = (
        results_folder() / name.strip("_"),
        functools.cache(cache.depends_on),
        {},
    )
    found = Counter(_changes(path, depends_on, hashes) for path in folder.glob("*.parquet"))
    if not found:
        known = ", ".join(sorted(path.name for path in folder.parent.glob("*/"))) or "none"
        raise ValueError(f"no results of {name} in {folder.parent}; stored are those of: {known}")
    return "\n".join(f"{count} stored, {text}" for text, count in found.most_common())


def _changes(path: Path, depends_on: Callable, hashes: dict[str, str]) -> str:
    """What differs between all that a stored result was made from and what it would be now."""
    try:
        old = json.loads(parquet.read_schema(path).metadata[PARTS])
    except (OSError, ValueError, KeyError, TypeError):
        return "unreadable, or without a record of what they depend on"
    task, sources = old["argument"], [Source(*json.loads(source)) for source in old["data"]]
    module, _, attribute = old["function"]["name"].partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute)
        inspect.signature(function).bind(**task)
        new = _parts(function, task | {"sources": sources}, depends_on, hashes)
    except (ImportError, AttributeError) as error:
        return f"changed function: {error}"
    except TypeError as error:
        return f"changed argument: {error}"
    except (OSError, ValueError) as error:
        return f"changed data: {error}"
    changes = []
    for kind in [kind for kind in new if kind != "argument"]:
        before, now = old.get(kind, {}), new[kind]
        names = [
            f"{name} {before.get(name)} -> {now[name]}" if kind == "version" else name
            for name in sorted({*before, *now})
            if before.get(name) != now.get(name)
        ]
        if names:
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            changes.append(f"{kind} {', '.join(names[:4])}{more}")
    return "changed " + "; ".join(changes) if changes else "up to date"


# -- Running


def _save(table: pd.DataFrame, parts: dict, draft: Path) -> None:
    """Parquet, with all that the result depends on in the file's metadata."""
    arrow = pyarrow.Table.from_pandas(table)
    metadata = arrow.schema.metadata | {PARTS: json.dumps(parts).encode()}
    parquet.write_table(arrow.replace_schema_metadata(metadata), draft)


def _progress(done: float, total: float, label: str) -> None:
    if os.environ.get("SIMLIB_PROGRESS"):
        with open(os.environ["SIMLIB_PROGRESS"], "a") as file:
            file.write(f"{done:.0f} {total:.0f} {label}\n")


def _finish(
    function: Callable, task: dict, parts: dict, path: Path, threads: int
) -> tuple[Path, str]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        cache.write(path, functools.partial(_save, function(**task), parts), checked=True)
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

    A task whose result is stored is not run again (`fingerprint`, `why`); each new result is stored
    as soon as it is there (`results_folder`, Parquet), so an interrupted run goes on where it
    stopped. `jobs` processes share the machine's threads. Tasks are started in the given order, or
    with `costs` (one a task, in any unit) the dearest first; progress is counted in costs. The
    arguments of a task must be what JSON can hold, or a `Source`. Raises TaskError after all tasks
    have ended if one of them failed.
    """
    folder, depends_on, hashes = (
        results_folder() / function.__name__.strip("_"),
        functools.cache(cache.depends_on),
        {},
    )
    parts = [_parts(function, task, depends_on, hashes) for task in tasks]
    paths = [folder / f"{_key(one)}.parquet" for one in parts]
    price = dict(zip(paths, costs if costs is not None else [1] * len(tasks), strict=True))
    tables = {path: cache.read(path, pd.read_parquet) for path in price}
    missing = {
        path: (task, one)
        for path, task, one in zip(paths, tasks, parts, strict=True)
        if tables[path] is None
    }
    threads = max(1, torch.get_num_threads() // max(1, min(jobs, len(missing))))
    total, left, failures = sum(price.values()), sum(price[path] for path in missing), []
    _progress(total - left, total, function.__name__)
    parallel = joblib.Parallel(n_jobs=min(jobs, len(missing)) or 1, return_as="generator_unordered")
    for path, error in parallel(
        joblib.delayed(_finish)(function, *missing[path], path, threads)
        for path in sorted(missing, key=price.get, reverse=True)
    ):
        left -= price[path]
        task, _ = missing[path]
        label = ", ".join(
            one.dataset if isinstance(one, Source) else one
            for key, one in task.items()
            if isinstance(one, Source) or key in ("dataset", "measure", "against")
        )
        _progress(total - left, total, label or function.__name__)
        if error:
            failures.append(f"{task}: {error}")
        else:
            tables[path] = cache.read(path, pd.read_parquet)
    if failures:
        raise TaskError(
            f"{len(failures)} of {len(tasks)} tasks failed; the other results are kept in "
            f"{folder}.\n" + "\n".join(failures)
        )
    return [tables[path] for path in paths]
