"""How many threads a computation has whose numbers must be found again."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

__all__ = ["THREADS", "side_by_side", "task_threads"]

# Of every stored task and of every dataset that is made, wherever it runs. Sums depend on how many
# threads share them, so the number must not depend on how many tasks are left, on how many run at
# once or on the machine.
THREADS = 1


@contextmanager
def task_threads() -> Iterator[None]:
    """The number of threads that every task has (`THREADS`), in torch, NumPy, SciPy and
    scikit-learn.

    >>> with task_threads():
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        with threadpool_limits(THREADS):
            yield
    finally:
        torch.set_num_threads(before)


def side_by_side(function: Callable, items: Sequence) -> list:
    """The function of each item, in their order: as many at once as torch has threads, each with
    one of its own. For small matrices, whose decompositions hardly share out among threads, and
    wait for each other where the machine has other work.

    >>> side_by_side(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    workers = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if workers == 1 or len(items) == 1:
            return [function(item) for item in items]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(function, items))
    finally:
        torch.set_num_threads(workers)
