"""Many tasks in parallel, each result stored when it is finished and found again later."""

import errno
import functools
import importlib
import inspect
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow
import xarray as xr
from pyarrow import parquet

from simlib import cache, datasets
from simlib.experiments import jobs as executors

PARTS = b"depends on"  # the key of a stored table's metadata
HANDED: dict[str, xr.DataArray] = {}  # data that came with the task, by source
SHOWN, LONGEST = 3, 320  # failures that an error names, and characters of each


class TaskError(RuntimeError):
    """One or more tasks failed; what the others found is stored and will not be computed again."""


class Source(NamedTuple):
    """A dataset as an argument of a task: the task's result depends on the content of what it
    loads.
    """

    dataset: str
    options: dict

    def load(self) -> xr.DataArray:
        if self.name in HANDED:
            return HANDED[self.name].copy()
        return datasets.load(self.dataset, **self.options)

    @property
    def name(self) -> str:
        """What tells it from other sources."""
        return json.dumps(self, sort_keys=True)


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
                if leaf.name not in hashes:
                    hashes[leaf.name] = datasets.data_hash(leaf.load())
                parts["data"][leaf.name] = hashes[leaf.name]
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


def _table(function: Callable, task: dict, parts: dict, handed: dict) -> pd.DataFrame:
    """The table of one task, where the code and the versions are those of its key."""
    here = {
        **cache.depends_on(function),
        **{name: cache.code(Path(name.rpartition(":")[0])) for name in parts if ".py:" in name},
    }
    differ = {
        f"{kind} {name}"
        for kind, now in here.items()
        for name in {*now, *parts[kind]}
        if now.get(name) != parts[kind].get(name)
    }
    if differ:
        raise executors.Refused(
            f"a worker has other code or packages than the process that asked it: {_few(differ)}; "
            "nothing of it is kept. Restart both with the same ones"
        )
    HANDED.clear()
    HANDED.update(handed)
    return function(**task)


def _few(names: Collection[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(sorted(names)[:SHOWN]) + more


def _refuse_unwritable(folder: Path) -> None:
    """Say before the first task what would be said after the last."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        raise ValueError(
            f"results can't be kept in {folder} ({error.strerror}): nothing was started. Make that "
            "folder writable, or name another one: SIMLIB_RESULTS=folder"
        ) from error


def _keep(path: Path, table: pd.DataFrame, parts: dict) -> pd.DataFrame:
    """Store a table; what a later run will read of it."""
    cache.write(path, functools.partial(_save, table, parts), checked=True)
    kept = cache.read(path, pd.read_parquet)
    if kept is None:
        raise FileNotFoundError(errno.ENOENT, f"{path.parent} was changed meanwhile")
    return kept


def run(
    function: Callable[..., pd.DataFrame],
    tasks: Sequence[dict],
    jobs: int | str = 1,
    costs: Sequence[float] | None = None,
) -> list[pd.DataFrame]:
    """Tables of function(**task) for each task, in their order.

    A task whose result is stored is not run again (`fingerprint`, `why`); each new result is stored
    as soon as it is there (`results_folder`, Parquet), so an interrupted run goes on where it
    stopped. `jobs` of them run at once, in as many processes, or on the Dask cluster whose
    scheduler's address or file it names (`jobs.outcomes`); a task has the same number of threads
    everywhere, so that its numbers don't depend on `jobs`. Tasks are started in the given order, or
    with `costs` (one a task, in any unit) the dearest first; progress is counted in costs. The
    arguments of a task must be what JSON can hold, or a `Source`.

    Raises:
        ValueError: before the first task, for a folder that can't be written and for a scheduler
            that doesn't answer.
        TaskError: after all tasks have ended, if some failed; at once where a result can't be
            stored, a worker runs other code, or the cluster is lost. What was found is kept.
    """
    jobs, folder = executors.checked(jobs), results_folder() / function.__name__.strip("_")
    depends_on, hashes = functools.cache(cache.depends_on), {}
    parts = [_parts(function, task, depends_on, hashes) for task in tasks]
    paths = [folder / f"{_key(one)}.parquet" for one in parts]
    price = dict(zip(paths, costs if costs is not None else [1] * len(tasks), strict=True))
    tables = {path: cache.read(path, pd.read_parquet) for path in price}
    missing = {
        path: (task, one)
        for path, task, one in zip(paths, tasks, parts, strict=True)
        if tables[path] is None
    }
    if missing:
        _refuse_unwritable(folder)
    total, left, failures, stopped = sum(price.values()), sum(map(price.get, missing)), [], ""
    _progress(total - left, total, function.__name__)
    calls, sources = {}, {}
    for path in sorted(missing, key=price.get, reverse=True):
        task, one = missing[path]
        calls[path.stem] = (function, task, one), list(one["data"])
        sources |= {name: Source(*json.loads(name)).load for name in one["data"]}
    with closing(executors.outcomes(_table, calls, jobs, sources)) as outcomes:
        for name, outcome in outcomes:
            path = folder / f"{name}.parquet"
            left -= price[path]
            task, made_from = missing[path]
            label = ", ".join(
                value.dataset if isinstance(value, Source) else value
                for key, value in task.items()
                if isinstance(value, Source) or key in ("dataset", "measure", "against")
            )
            _progress(total - left, total, label or function.__name__)
            if isinstance(outcome, executors.Fault):
                failures.append(f"{str(task)[: LONGEST // 2]}: {outcome.text}"[:LONGEST])
                stopped = outcome.text if outcome.ends else ""
            else:
                try:
                    tables[path] = _keep(path, outcome, made_from)
                except OSError as error:
                    stopped = f"a result can't be stored ({error})"
            if stopped:
                break
    kept = f"{sum(t is not None for t in tables.values())} of {len(tables)} results are kept in "
    kept += f"{folder}; the same command computes only the others"
    if stopped:
        raise TaskError(f"{stopped[:LONGEST]}.\nThe run was stopped: {kept}.")
    if failures:
        more = f"\nand {len(failures) - SHOWN} more" if len(failures) > SHOWN else ""
        raise TaskError(
            f"{len(failures)} of {len(tasks)} tasks failed; {kept}.\n"
            + "\n".join(failures[:SHOWN])
            + more
        )
    return [tables[path] for path in paths]
