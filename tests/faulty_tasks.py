"""Tasks that cause faults, for tests/test_faults.py and tests/test_cluster.py, and a program that
runs them: python tests/faulty_tasks.py JOBS SECONDS.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from simlib.experiments import store

COUNT = 8


def _trace(value: int) -> None:
    """A line for each task that starts, in the file that the environment names."""
    with open(os.environ["TRACE"], "a") as file:
        file.write(f"{value}\n")


def started(trace: Path) -> list[int]:
    return [int(line) for line in trace.read_text().split()] if trace.exists() else []


def sums(value: int, rows: int = 3, fault: str = "", at: int = -1) -> pd.DataFrame:
    """Sums whose last digits depend on how many threads share them; the task `at` has a fault."""
    _trace(value)
    flag = Path(f"{os.environ['TRACE']} {fault}")
    if value == at and fault == "raises":
        raise ZeroDivisionError("x" * 5000)
    if value == at and (fault == "dies" or (fault == "dies once" and not flag.exists())):
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if value == at and fault == "deletes" and not flag.exists():
        flag.touch()
        shutil.rmtree(store.results_folder(), ignore_errors=True)  # others may write there
    time.sleep(float(os.environ.get("SECONDS_OF_A_TASK", 0)))
    numbers = torch.randn(rows, 200_003, generator=torch.Generator().manual_seed(value))
    table = pd.DataFrame({"sum": numbers.sum(1), "product": (numbers @ numbers.T)[0]})
    if value == at and fault == "long":  # more than the disk of the test holds
        table = pd.DataFrame({"sum": np.random.default_rng(0).random(200_000)})
    return table.assign(threads=torch.get_num_threads())


def tasks(**fault) -> list[dict]:
    return [{"value": value, **fault} for value in range(COUNT)]


if __name__ == "__main__":
    from faulty_tasks import sums as task  # by this module's name, as the tests call it

    os.environ["SECONDS_OF_A_TASK"] = sys.argv[2]
    store.run(task, tasks(), int(sys.argv[1]))
