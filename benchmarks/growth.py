"""How time and memory of a step grow with samples and neurons, each size in a process of its own.

    python benchmarks/growth.py

Seconds are the median of three steps (score, gradient, update), memory the greatest the process
held beyond what it held before X was made. The three largest sizes along each are measured again
beside a process that keeps half of the cores busy.
"""

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from busy import other_work

MEASURES = ("cka", "nbs", "linreg", "ridge-cv")
SAMPLES = (100, 300, 1000, 3000, 10_000, 30_000, 100_000)
NEURONS = (10, 30, 100, 300, 1000, 2000, 4000)
LARGEST = (100_000, 1000)


def peak() -> float:
    """Most memory this process has held, in kB; on Linux ru_maxrss would count the process it was
    forked from.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return float(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def one(measure: str, n: int, p: int, steps: int) -> dict:
    """Seconds a step and peak memory (MB) of an ascent of `steps` steps on Gaussian data. Run in a
    fresh process.
    """
    import torch

    import simlib as sl

    sl.maximize(measure, np.random.default_rng(0).standard_normal((20, 3)), steps=2)
    before = peak()
    X = torch.randn(n, p, generator=torch.Generator().manual_seed(0)).numpy()
    times = []

    def tick(step, score, Y):
        times.append(time.perf_counter())

    sl.maximize(measure, X, steps=steps, stop=None, observers=[tick])
    return {"seconds": float(np.median(np.diff(times))), "MB": (peak() - before) / 1024}


def measured(measure: str, n: int, p: int, steps: int = 4) -> dict:
    arguments = json.dumps([measure, n, p, steps])
    done = subprocess.run(
        [sys.executable, __file__, arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{arguments}: {done.stderr.strip().splitlines()[-1]}")
    return {
        "measure": measure,
        "samples": n,
        "neurons": p,
        "steps": steps,
        **json.loads(done.stdout),
    }


def along(measure: str, of: str, sizes: Sequence[tuple[int, int]]) -> list[dict]:
    """A row a size, (samples, neurons); the last three also beside other work ("beside", s)."""
    rows = [{"along": of, **measured(measure, *size)} for size in sizes]
    with other_work():
        for row, size in zip(rows[-3:], sizes[-3:], strict=True):
            row["beside"] = measured(measure, *size)["seconds"]
    return rows


def table() -> pd.DataFrame:
    found = []
    for measure in MEASURES:
        found += along(measure, "samples", [(n, 100) for n in SAMPLES])
        found += along(measure, "neurons", [(2000, p) for p in NEURONS])
        found += [
            {"along": "steps", **measured(measure, 2000, 100, steps)} for steps in (10, 100, 400)
        ]
        found.append({"along": "largest", **measured(measure, *LARGEST)})
    return pd.DataFrame(found)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(one(*json.loads(sys.argv[1]))))
    else:
        print(table().round(4).to_string(index=False))
