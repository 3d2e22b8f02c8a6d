"""Many calls at once: in this process, in others of this machine, or on a Dask cluster.

Whoever makes the calls gets their outcomes one by one and stores them, so workers need no folder in
common with it. Processes of this machine are ours and not a library's pool, since those end as a
whole when one process dies, and outlive a parent that was killed. On a cluster `distributed` is
used directly: joblib's Dask backend hides which call was lost with which worker, sends data with
every call, and gives up all calls when one worker is lost.
"""

import pickle
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import cloudpickle

from simlib import worker
from simlib.threads import task_threads

TRIES = 2  # a call whose process dies is made once more
PATIENCE = 10  # seconds in which a scheduler must answer


class Fault(NamedTuple):
    """Why a call has no result; `ends`: further calls would share its fate, so none is made."""

    text: str
    ends: bool = False


class Refused(Exception):
    """Raised by a call where none should run: its worker isn't what the caller takes it for."""


def checked(jobs: int | str) -> int | str:
    """A number of processes, 1 or more, or where the scheduler of a cluster is found.

    Raises ValueError for anything else, and for a scheduler file that doesn't exist.

    >>> checked("4"), checked("tcp://127.0.0.1:8786")
    (4, 'tcp://127.0.0.1:8786')
    """
    text = str(jobs)
    if text.isdecimal() and int(text) > 0:
        return int(text)
    if "://" in text or Path(text).is_file():
        return text
    raise ValueError(
        f"jobs = {text[:200]!r} is neither a number of processes (1 or more) nor the address of a "
        "Dask scheduler (tcp://host:8786) nor a scheduler file that exists"
    )


def workers(jobs: int | str) -> int:
    """How many tasks run at once: `jobs` itself, or the workers that a cluster has now.

    >>> workers(2)
    2
    """
    jobs = checked(jobs)
    if isinstance(jobs, int):
        return jobs
    with _client(jobs) as client:
        return max(1, len(client.scheduler_info(n_workers=-1)["workers"]))


def outcomes(
    work: Callable,
    calls: Mapping[str, tuple[tuple, Sequence[str]]],
    jobs: int | str,
    data: Mapping[str, Callable[[], object]],
) -> Iterator[tuple[str, object | Fault]]:
    """The result of each call, or its `Fault`, under its name and as soon as it is there.

    A call is its arguments and names of `data`. Here it is work(*arguments, {}), and loads what it
    needs; on a cluster the data are loaded once, sent to the scheduler once, from where workers
    fetch what they need and keep it, and the last argument holds them by name. Calls start in the
    order given. Ended early, no call is left running on this machine.
    """
    jobs = checked(jobs)
    if isinstance(jobs, str):
        return _on_cluster(work, calls, jobs, data)
    alone = {name: (*arguments, {}) for name, (arguments, _) in calls.items()}
    return _here(work, alone) if min(jobs, len(calls)) < 2 else _beside(work, alone, jobs)


def _attempt(work: Callable, *arguments) -> object | Fault:
    try:
        with task_threads():
            return work(*arguments)
    except Refused as error:
        return Fault(str(error), ends=True)
    except Exception as error:  # one call's fault must not lose the others' work
        return Fault(f"{type(error).__name__}: {error}")


def _here(work: Callable, calls: Mapping[str, tuple]) -> Iterator[tuple[str, object | Fault]]:
    for name, arguments in calls.items():
        yield name, _attempt(work, *arguments)


# -- Processes of this machine


def _beside(
    work: Callable, calls: Mapping[str, tuple], jobs: int
) -> Iterator[tuple[str, object | Fault]]:
    busy, ended = set(), threading.Event()

    def ask(arguments: tuple) -> object | Fault:
        """A process makes the call; where it dies, another."""
        call, how = cloudpickle.dumps((_attempt, work, *arguments)), "before its call"
        for _ in range(TRIES):
            one = worker.idle() or worker.Worker()
            busy.add(one)
            try:
                if ended.is_set():
                    break
                outcome = one(call)
                worker.IDLE.append(one)
                return outcome
            except worker.Failed as error:
                worker.IDLE.append(one)
                return Fault(str(error))
            except worker.Ended as error:
                how = error
            finally:
                busy.discard(one)
        return Fault(f"the process that ran it died {TRIES} times, last {how}")

    threads = futures.ThreadPoolExecutor(min(jobs, len(calls)))
    try:
        asked = {threads.submit(ask, arguments): name for name, arguments in calls.items()}
        for one in futures.as_completed(asked):
            yield asked.pop(one), one.result()
    finally:
        ended.set()
        threads.shutdown(wait=False, cancel_futures=True)
        for one in list(busy):
            one.end()
        threads.shutdown()


# -- A Dask cluster


def _client(address: str):
    """A client of the scheduler at an address or named by a file."""
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(
            f"jobs = {address!r} is a Dask scheduler, and Dask is not installed: install simlib "
            "with its extra `cluster`, pip install '.[cluster]' in its folder"
        ) from error
    where = {"address": address} if "://" in address else {"scheduler_file": address}
    try:
        return Client(**where, timeout=PATIENCE, set_as_default=False, name="simlib")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no Dask scheduler answers at {address} within {PATIENCE} s ({error}): start one "
            "(`dask scheduler`), or give jobs the address that it prints"
        ) from error


def _on_cluster(
    work: Callable,
    calls: Mapping[str, tuple[tuple, Sequence[str]]],
    address: str,
    data: Mapping[str, Callable[[], object]],
) -> Iterator[tuple[str, object | Fault]]:
    client = _client(address)
    import dask
    from distributed import as_completed

    if not client.scheduler_info(n_workers=-1)["workers"]:
        warnings.warn(
            f"the scheduler at {address} has no workers yet: waiting for them (`dask worker "
            f"{address} --nthreads 1`)",
            stacklevel=3,
        )
    # Data are the results of calls that the scheduler keeps: lost with a worker, they are made
    # again. It needs nothing but bytes for that. The warning is of graphs sent more than once.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1PB"}):
        held = {
            name: client.submit(pickle.loads, pickle.dumps(load())) for name, load in data.items()
        }
    try:
        asked = {}
        for place, (name, (arguments, needed)) in enumerate(calls.items()):
            given = {one: held[one] for one in needed}
            call = cloudpickle.dumps((work, *arguments))
            options = {"key": f"simlib-{name}", "priority": -place}
            asked[client.submit(_there, call, given, **options)] = name
        for one in as_completed(list(asked), loop=client.loop):
            name = asked.pop(one)
            outcome = Fault(f"the scheduler at {address} was lost", ends=True)
            with suppress(OSError):  # lost between the news of a result and the result
                if one.status == "finished":
                    outcome = one.result()
                elif one.status == "error":
                    outcome = Fault(str(one.exception()))
            yield name, outcome
    finally:
        client.cancel([*asked, *held.values()]) if client.status == "running" else None
        client.close(timeout=1)


def _there(call: bytes, given: dict[str, object]) -> object | Fault:
    """A call on a worker of a cluster."""
    from distributed import get_worker

    worker = get_worker()
    if worker.state.nthreads > 1:
        return Fault(
            f"the worker at {worker.address} has {worker.state.nthreads} threads, which would "
            "share torch's and NumPy's settings: start workers with --nthreads 1",
            ends=True,
        )
    outcome = _attempt(*pickle.loads(call), given)
    if isinstance(outcome, Fault):
        return outcome._replace(text=f"{outcome.text} (on the worker at {worker.address})")
    return outcome
