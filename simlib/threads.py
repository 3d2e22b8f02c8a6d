"""How many threads a computation has.

Of a stored task always the same number, so that its numbers are found again. Elsewhere as many as
cores are free: threads that share a matrix product wait for the last of them, awake, so that one
other busy process makes a step several times slower (`benchmarks/busy.py`).
"""

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

import psutil
import torch
from threadpoolctl import threadpool_limits

__all__ = ["THREADS", "look", "on_free_cores", "side_by_side", "task_threads"]

# Of every stored task and of every dataset that is made, wherever it runs. Sums depend on how many
# threads share them, so the number must not depend on how many tasks are left, on how many run at
# once or on the machine.
THREADS = 1
LOOK = 0.2  # seconds between two looks at what else the machine does
# The most threads that the computation under way may have; 0: none is.
_most = ContextVar("most threads", default=0)


@contextmanager
def task_threads() -> Iterator[None]:
    """The number of threads that every task has (`THREADS`), in torch, NumPy, SciPy and
    scikit-learn.

    >>> with task_threads():
    ...     torch.get_num_threads()
    1
    """
    before, most = torch.get_num_threads(), _most.set(THREADS)
    torch.set_num_threads(THREADS)
    try:
        with threadpool_limits(THREADS):
            yield
    finally:
        _most.reset(most)
        torch.set_num_threads(before)


def on_free_cores(function: Callable) -> Callable:
    """The function with no more of torch's threads than cores are free while it runs.

    Before and after it torch has the number it had, which is the most; nothing happens where that
    is 1. Each call looks again at what else the machine does, also one within another.

    >>> on_free_cores(torch.get_num_threads)() <= torch.get_num_threads()
    True
    """

    @functools.wraps(function)
    def considerate(*args, **kwargs):
        if _most.get():
            look()
            return function(*args, **kwargs)
        most = torch.get_num_threads()
        token = _most.set(most)
        try:
            look()
            return function(*args, **kwargs)
        finally:
            _most.reset(token)
            torch.set_num_threads(most)

    return considerate


def look() -> None:
    """Give the computation under way as many threads as cores are free now: costs a microsecond,
    or a tenth of a millisecond where the last look is older than `LOOK`.

    >>> look()
    """
    most = _most.get()
    if most > 1:
        free = int(psutil.cpu_count() - _load.others() + 0.5)
        threads = min(most, max(1, free))
        if threads != torch.get_num_threads():
            torch.set_num_threads(threads)


class _Load:
    """How many cores other processes kept busy between the last two looks."""

    def __init__(self):
        self.seen, self.busy = self._now(), 0.0

    @staticmethod
    def _now() -> tuple[float, float]:
        """The time, and the processor seconds that all but this process have used until then."""
        try:
            times = psutil.cpu_times()
            used = times.user + times.system + getattr(times, "nice", 0)
        except OSError:  # where the system doesn't tell, the machine counts as quiet
            used = 0.0
        return time.monotonic(), used - time.process_time()

    def others(self) -> float:
        if time.monotonic() - self.seen[0] >= LOOK:
            (before, used), self.seen = self.seen, self._now()
            self.busy = (self.seen[1] - used) / (self.seen[0] - before)
        return self.busy


_load = _Load()


def side_by_side(function: Callable, items: Sequence) -> list:
    """The function of each item, in their order: as many at once as torch has threads, each with
    one of its own. For small matrices, whose decompositions hardly share out among threads, and
    wait for each other where the machine has other work.

    >>> side_by_side(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    look()
    workers = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if workers == 1 or len(items) == 1:
            return [function(item) for item in items]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(function, items))
    finally:
        torch.set_num_threads(workers)
