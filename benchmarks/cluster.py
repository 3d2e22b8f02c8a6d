"""What a task costs beside its own work, here and on a Dask cluster, and what a large sweep would:
the tables of the page "Beyond one machine", `book/speed/cluster*.csv`, with the machine named.

    python benchmarks/cluster.py

Minutes on two cores; the cluster is a scheduler and two workers on this machine.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bench
import numpy as np
import pandas as pd
import psutil

import simlib as sl
from simlib import experiments

TASKS = 200
MEASURES = ["cka", "nbs", "procrustes-angular-score", "linreg", "ridge-cv", "rsa"]
# The sweep: what each model's layer is compared to, and their sizes.
MODELS, LAYERS, RECORDINGS = 100, 20, 50
SAMPLES, UNITS, NEURONS = 1000, 500, 100
WORKERS = (2, 100)


def nothing(place: int, seconds: float = 0.0) -> pd.DataFrame:
    """A task that only fills a table as large as a task of the sweep does."""
    time.sleep(seconds)
    rows = LAYERS * len(MEASURES)
    names = {"model": "model", "recording": "recording", "measure": "measure"}
    return pd.DataFrame({"layer": np.arange(rows), **names, "score": np.full(rows, float(place))})


def memory(place: int) -> pd.DataFrame:
    """A task that says how much memory a worker takes that has imported simlib."""
    return pd.DataFrame({"GB": [psutil.Process().memory_info().rss / 1e9]})


def timed(jobs: int | str, count: int) -> tuple[float, float, float]:
    """Seconds of wall clock and of this process for each of so many tasks, and bytes of one's
    table.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIMLIB_RESULTS"] = folder
        experiments.run(nothing, [{"place": -1 - k} for k in range(4)], jobs)  # what starts once
        before = time.perf_counter(), time.process_time()
        experiments.run(nothing, [{"place": k} for k in range(count)], jobs)
        after = time.perf_counter(), time.process_time()
        sizes = [path.stat().st_size for path in Path(folder).rglob("*.parquet")]
    wall, own = ((b - a) / count for a, b in zip(before, after, strict=True))
    return wall, own, float(np.mean(sizes))


def overheads(address: str) -> pd.DataFrame:
    """A row a way to run tasks: what one costs beside its work."""
    ways = {
        "in this process": 1,
        "2 processes of this machine": 2,
        "2 workers of a cluster": address,
    }
    rows = []
    for way, jobs in ways.items():
        start = time.perf_counter()
        wall, own, size = timed(jobs, TASKS)
        started = max(0.0, time.perf_counter() - start - TASKS * wall)
        rows.append((way, started, 1e3 * wall, 1e3 * own, size))
    return pd.DataFrame(rows, columns=["way", "start_s", "wall_ms", "client_ms", "bytes"])


def scores() -> pd.DataFrame:
    """Processor time of one score of a layer and a recording, one thread."""
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((SAMPLES, NEURONS)), rng.standard_normal((SAMPLES, UNITS))
    rows = []
    with experiments.task_threads():
        for name in MEASURES:
            sl.score(name, X, Y)
            seconds = []
            for _ in range(3):
                start = time.process_time()
                sl.score(name, X, Y)
                seconds.append(time.process_time() - start)
            rows.append((name, min(seconds)))
    return pd.DataFrame(rows, columns=["measure", "seconds"])


def sweep(costs: pd.DataFrame, ways: pd.DataFrame, held: float) -> pd.DataFrame:
    """What the whole sweep takes, a task being a model and a recording: computing shared by the
    workers, unless the client, which stores every result, takes longer.
    """
    work = MODELS * LAYERS * RECORDINGS * costs["seconds"].sum()
    tasks = MODELS * RECORDINGS
    each, size = ways["wall_ms"].iloc[-1], ways["bytes"].iloc[-1]
    client = ways["wall_ms"].iloc[0]  # in one process: asking, computing nothing, storing
    layer, recording = (8e-9 * SAMPLES * n for n in (UNITS, NEURONS))
    rows = []
    for workers in WORKERS:
        computing = (work + tasks * each / 1e3) / workers
        hours = max(computing, tasks * client / 1e3) / 3600
        worker = held + LAYERS * layer + recording
        data = MODELS * LAYERS * layer + RECORDINGS * recording
        rows.append((workers, work / 3600, hours, worker, data, tasks * size / 1e9, tasks))
    head = ["workers", "cpu_h", "hours", "worker_GB", "data_GB", "disk_GB", "tasks"]
    return pd.DataFrame(rows, columns=head)


def started(folder: Path) -> tuple[str, list[subprocess.Popen]]:
    """A scheduler and two workers; the scheduler's address."""
    file, processes = folder / "scheduler.json", []
    paths = [str(Path(__file__).parent), str(bench.OUT.parent.parent)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    for program, options in [
        ("dask_scheduler", ["--port", "0"]),
        *2 * [("dask_worker", ["--nthreads", "1"])],
    ]:
        command = [sys.executable, "-m", f"distributed.cli.{program}", "--no-dashboard"]
        command += ["--host", "127.0.0.1", "--scheduler-file", str(file), *options]
        output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        processes.append(subprocess.Popen(command, env=environment, cwd=folder, **output))
        while not file.exists():
            time.sleep(0.1)
    return json.loads(file.read_text())["address"], processes


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        address, processes = started(Path(folder))
        try:
            while experiments.workers(address) < 2:
                time.sleep(0.5)
            ways = overheads(address)
            os.environ["SIMLIB_RESULTS"] = folder
            held = experiments.run(memory, [{"place": 0}], address)[0]["GB"].item()
        finally:
            for process in processes[::-1]:
                process.terminate()
                process.wait()
    costs = scores()
    for name, table in {
        "cluster": ways,
        "cluster_scores": costs,
        "cluster_sweep": sweep(costs, ways, held),
    }.items():
        table.to_csv(bench.OUT / f"{name}.csv", index=False, float_format="%.4g")
        print(f"{name}\n{table.to_string(index=False)}\n")
    text = f"{bench.machine()}, {os.cpu_count()} cores, {platform.system()}"
    load = os.getloadavg()[1]
    (bench.OUT / "cluster_machine.txt").write_text(f"{text}; load of the machine {load:.1f}\n")


if __name__ == "__main__":
    from cluster import main as run  # tasks have this module's name, for workers too

    run()
