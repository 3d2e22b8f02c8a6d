"""Many tasks in parallel, each result stored when it is finished and found again later."""

import errno
import functools
import importlib
import inspect
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow
import xarray as xr
from pyarrow import parquet

from simlib import cache, datasets
from simlib.experiments import jobs as executors
from simlib.experiments import machine

# Keys of a stored table's metadata: what the result depends on, on what it was made.
PARTS, SETUP = b"depends on", b"made on"
HANDED: dict[str, xr.DataArray] = {}  # data that came with the task, by the source's name
SHOWN, LONGEST = 3, 320  # failures that an error names, and characters of each


class TaskError(RuntimeError):
    """One or more tasks failed; what the others found is stored and will not be computed again."""


class Source(NamedTuple):
    """A dataset as an argument of a task: the task's result depends on the content of what it
    loads. In a task that runs, `expected` is the digest that the result's key has for it.
    """

    dataset: str
    options: dict
    expected: str = ""

    def load(self) -> xr.DataArray:
        """The data; raises ValueError where they aren't those that the task's key is of."""
        handed = HANDED.get(self.name)
        data = datasets.load(self.dataset, **self.options) if handed is None else handed.copy()
        if self.expected and _content(data) != self.expected:
            raise ValueError(
                f"{Path(self.dataset).name} changed while the tasks ran, so this one's result is "
                "not stored: run the same again"
            )
        return data

    @property
    def name(self) -> str:
        """What it is called among all that a result depends on."""
        return json.dumps([self.dataset, self.options], sort_keys=True)


def _content(data: xr.DataArray) -> str:
    """Digest of all that a task can use of a dataset: what `datasets.data_hash` counts, and with it
    the precision, every coordinate and what is said of it.
    """
    said = ("title", "surrogate", "main_variable", "groups", "sample_kind")
    coordinates = {
        str(name): [list(map(str, coord.dims)), list(map(str, coord.values.ravel().tolist()))]
        for name, coord in data.coords.items()
    }
    facts = {name: str(data.attrs.get(name, "")) for name in said}
    return cache.digest([datasets.data_hash(data), data.dtype.str, coordinates, facts])


def results_folder() -> Path:
    """Where finished tasks are kept: `SIMLIB_RESULTS`, else `results` in the current folder."""
    return Path(os.environ.get("SIMLIB_RESULTS", "results"))


# -- What a result depends on


def fingerprint(function: Callable, task: dict) -> str:
    """Hash of all that a result depends on.

    That is the function, its arguments, the content of the sources and of the Python files among
    them (`path.py:function`, a measure of the user's own), the versions of packages and the code
    that the function can see (`cache.depends_on`). Raises TypeError for an argument that JSON can't
    hold, ValueError for code that was edited after it was imported.
    """
    return _key(_parts(function, task, {}))


def _key(parts: dict) -> str:
    return cache.digest(parts)[:24]


def _parts(function: Callable, task: dict, known: dict, running: bool = True) -> dict:
    """All that a result depends on, by kind and name, with the code that this process is `running`
    or that of the files; `known` keeps what was found before, of functions and data.
    """
    if function not in known:
        known[function] = cache.depends_on(function, running)
    parts = {
        "function": {"name": f"{function.__module__}:{function.__qualname__}"},
        "argument": task,
        "data": {},
        **known[function],
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
                if leaf.name not in known:
                    known[leaf.name] = _content(leaf.load())
                parts["data"][leaf.name] = known[leaf.name]
            elif isinstance(leaf, str) and (file := Path(leaf.rpartition(":")[0])).suffix == ".py":
                parts[leaf] = cache.code(file, running=running) if file.is_file() else {}
    return parts


def _leaves(value: object) -> list[object]:
    """What lists and dictionaries hold, however deep."""
    if isinstance(value, Source) or not isinstance(value, dict | list | tuple):
        return [value]
    held = value.values() if isinstance(value, dict) else value
    return [leaf for one in held for leaf in _leaves(one)]


def _with_sources(value: object, data: dict[str, str], expected: bool) -> object:
    """The argument of a task, as it is stored or not, with its sources: those that are named in
    `data`, with their digest there where it is `expected`.
    """
    if isinstance(value, dict):
        return {key: _with_sources(one, data, expected) for key, one in value.items()}
    if not isinstance(value, list | tuple):
        return value
    if len(value) == len(Source._fields) and isinstance(value[1], dict):
        source = Source(*value[:2])
        if source.name in data:
            return source._replace(expected=data[source.name] if expected else "")
    return getattr(value, "_make", type(value))(_with_sources(one, data, expected) for one in value)


def compute(function: Callable, task: dict, parts: dict) -> pd.DataFrame:
    """function(**task), of the very data and code that are named in `parts`; raises ValueError
    where one of them changed meanwhile.
    """
    table = function(**_with_sources(task, parts["data"], expected=True))
    now = _parts(function, task, dict(parts["data"]))
    if changed := _differing(parts, now):
        raise ValueError(
            f"{changed} changed while the task ran, so its result is not stored: run the same again"
        )
    return table


def why(name: str) -> str:
    """What has changed since the results of the task function `name` were stored: a line a reason.

    Raises ValueError where nothing of that name is stored.
    """
    folder, known = results_folder() / name.strip("_"), {}
    found = Counter(_changes(path, known) for path in folder.glob("*.parquet"))
    if not found:
        others = ", ".join(sorted(path.name for path in folder.parent.glob("*/"))) or "none"
        raise ValueError(f"no results of {name} in {folder.parent}; stored are those of: {others}")
    return "\n".join(f"{count} stored, {text}" for text, count in found.most_common())


def recorded(path: Path | str) -> dict:
    """What a stored table depends on and what it was made on, by kind: function, argument (with the
    seed), data and module (digests), and what `setup` says: version, blas, threads, commit, time.

    Raises ValueError for a file without that record.

    Example:
        >>> from simlib import experiments
        >>> experiments.recorded("of_another.parquet")
        Traceback (most recent call last):
        ValueError: of_another.parquet has no record of what it was made from
    """
    try:
        metadata = parquet.read_schema(path).metadata
        return {**json.loads(metadata[SETUP]), **json.loads(metadata[PARTS])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{Path(path).name} has no record of what it was made from") from error


def recalled(path: Path, known: dict, running: bool) -> tuple[Callable, dict, dict]:
    """Function and arguments of a stored result, and all that it would depend on now.

    Raises ImportError, AttributeError, TypeError or ValueError where these are no more.
    """
    old = recorded(path)
    module, _, attribute = old["function"]["name"].partition(":")
    function = getattr(importlib.import_module(module), attribute)
    task = _with_sources(old["argument"], old["data"], expected=False)
    inspect.signature(function).bind(**task)
    return function, task, _parts(function, task, known, running)


def is_current(path: Path, known: dict) -> bool:
    """Whether `run` would find this stored result."""
    try:
        return _key(recalled(path, known, running=True)[2]) == path.stem.rpartition("-")[0]
    except (ImportError, AttributeError, TypeError, ValueError, OSError):
        return False


def _changes(path: Path, known: dict) -> str:
    """What differs between all that a stored result was made from and what it would be now."""
    try:
        old = recorded(path)
    except ValueError:
        return "unreadable, or without a record of what they depend on"
    try:
        _, _, new = recalled(path, known, running=False)
    except (ImportError, AttributeError) as error:
        return f"changed function: {error}"
    except TypeError as error:
        return f"changed argument: {error}"
    except (OSError, ValueError) as error:
        return f"changed data: {error}"
    changes = _differing(old, new)
    return f"changed {changes}" if changes else "up to date"


def _differing(old: dict, new: dict) -> str:
    """What differs between two records of what a result depends on, by kind and name."""
    changes = []
    for kind in [kind for kind in new if kind != "argument"]:
        before, now = old.get(kind, {}), new[kind]
        names = [
            f"{name} {before.get(name)} -> {now[name]}"
            if kind == "version" and name in now
            else name
            for name in sorted({*before, *now})
            if before.get(name) != now.get(name)
        ]
        if names:
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            changes.append(f"{kind} {', '.join(names[:4])}{more}")
    return "; ".join(changes)


# -- Running


def _save(table: pd.DataFrame, parts: dict, setup: dict, draft: Path) -> None:
    """Parquet, with all that the result depends on and was made on in the file's metadata."""
    arrow = pyarrow.Table.from_pandas(table)
    records = {PARTS: json.dumps(parts).encode(), SETUP: json.dumps(setup).encode()}
    metadata = arrow.schema.metadata | records
    parquet.write_table(arrow.replace_schema_metadata(metadata), draft)


def _progress(done: float, total: float, label: str) -> None:
    if os.environ.get("SIMLIB_PROGRESS"):
        with open(os.environ["SIMLIB_PROGRESS"], "a") as file:
            file.write(f"{done:.0f} {total:.0f} {label}\n")


def _table(function: Callable, task: dict, parts: dict, handed: dict) -> tuple[pd.DataFrame, dict]:
    """The table of one task, where the code and the versions are those of its key, and on what it
    was made.
    """
    if differing := _differing(parts, _parts(function, task, dict(parts["data"]))):
        raise executors.Refused(
            f"a worker has other code or packages than the process that asked it: {differing}; "
            "nothing of it is kept. Restart both with the same ones"
        )
    HANDED.clear()
    HANDED.update(handed)
    return compute(function, task, parts), machine.setup()


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


def _keep(path: Path, table: pd.DataFrame, parts: dict, setup: dict) -> pd.DataFrame:
    """Store a table; what a later run will read of it."""
    for _ in range(cache.TRIES):
        cache.write(path, functools.partial(_save, table, parts, setup), checked=True)
        kept = cache.read(path, pd.read_parquet)
        if kept is not None:
            return kept
    raise FileNotFoundError(errno.ENOENT, f"{path.parent} was changed meanwhile")


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
    known = {}
    parts = [_parts(function, task, known) for task in tasks]
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
        for name, expected in one["data"].items():
            sources[name] = Source(*json.loads(name), expected).load
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
                    table, setup = outcome
                    tables[path] = _keep(path, table, made_from, setup)
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
