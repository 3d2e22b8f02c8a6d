"""How many threads a computation has whose numbers must be found again."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

__all__ = ["THREADS", "task_threads"]

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
