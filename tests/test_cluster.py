"""Runs on a Dask cluster: the tables are those of this machine alone, and what is lost with a
worker or the scheduler is computed again.
"""

import importlib
import os
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import faulty_tasks
import pandas as pd
import psutil
import pytest
from faulty_tasks import COUNT, started, sums

from simlib import datasets
from simlib.experiments import jobs, settings, store

ROOT = Path(__file__).resolve().parent.parent
SURROGATE = "surrogate-siegel2015"


def powers(source: store.Source, power: int) -> pd.DataFrame:
    """A task with data, and where they came from."""
    mean = float((source.load() ** power).mean())
    return pd.DataFrame({"mean": [mean], "handed": [source.name in store.HANDED]})


class Cluster:
    """A scheduler and workers, each a process of this machine, in a folder of their own."""

    def __init__(self, folder: Path, workers: int):
        self.file, self.folder, self.processes = folder / "scheduler.json", folder, []
        settings = {"ALLOWED_FAILURES": "1", "WORKER_SATURATION": "1.0"}
        self.env = {f"DASK_DISTRIBUTED__SCHEDULER__{k}": v for k, v in settings.items()}
        self.env |= {
            **os.environ,
            "SECONDS_OF_A_TASK": "0.4",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        }
        self.scheduler = self.start("dask_scheduler", "--port", "0", "--host", "127.0.0.1")
        end = time.monotonic() + 60
        while not self.file.exists():
            assert time.monotonic() < end
            time.sleep(0.1)
        for _ in range(workers):
            self.worker()

    def start(self, program: str, *options: str) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.{program}", "--no-dashboard"]
        command += ["--scheduler-file", str(self.file), *options]
        with open(self.folder / f"log{len(self.processes)}", "w") as log:
            output = {"stdout": log, "stderr": subprocess.STDOUT}
            process = subprocess.Popen(command, env=self.env, cwd=self.folder, **output)
        self.processes.append(process)
        return process

    def worker(self, threads: int = 1) -> subprocess.Popen:
        return self.start("dask_worker", "--nthreads", str(threads), "--host", "127.0.0.1")

    def ready(self, workers: int) -> str:
        """The address, once so many workers have joined."""
        with jobs._client(str(self.file)) as client:
            client.wait_for_workers(workers, timeout=120)
            return client.scheduler.address

    def end(self) -> None:
        alive = [psutil.Process(p.pid) for p in self.processes if p.poll() is None]
        below = [child for one in alive for child in one.children(recursive=True)]
        for one in [*alive, *below]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        for process in self.processes:
            process.wait()


@pytest.fixture(autouse=True)
def trace(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("TRACE", str(tmp_path / "trace"))
    return tmp_path / "trace"


@pytest.fixture
def cluster(tmp_path, trace):
    running = Cluster(tmp_path, 4)
    yield running
    running.end()


def serial(tmp_path, monkeypatch, function, tasks) -> list[pd.DataFrame]:
    with monkeypatch.context() as patch:
        patch.setenv("SIMLIB_RESULTS", str(tmp_path / "serial"))
        patch.setenv("TRACE", str(tmp_path / "serial trace"))
        return store.run(function, tasks)


def same(tables, expected) -> bool:
    for one, other in zip(tables, expected, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    return True


# -- A real cluster


@pytest.mark.slow
def test_tables_are_those_of_one_machine_and_nothing_is_computed_twice(
    cluster, trace, tmp_path, monkeypatch
):
    address = cluster.ready(4)
    tasks = faulty_tasks.tasks()
    assert same(store.run(sums, tasks, address), serial(tmp_path, monkeypatch, sums, tasks))
    store.run(sums, tasks, str(cluster.file))
    store.run(sums, tasks, 2)
    assert len(started(trace)) == COUNT
    assert jobs.workers(address) == 4


@pytest.mark.slow
def test_an_ascent_is_that_of_one_machine(cluster, tmp_path, monkeypatch):
    """Bit for bit, data included: they come from here."""
    from simlib import experiments

    call = {"measures": ["cka", "nbs"], "seeds": [0, 1], "steps": 30, "quick": True}
    there = experiments.ascents([SURROGATE], **call, jobs=cluster.ready(4))
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "serial"))
    pd.testing.assert_frame_equal(there, experiments.ascents([SURROGATE], **call), check_exact=True)


@pytest.mark.slow
def test_data_come_from_here_and_a_worker_is_killed_in_mid_sweep(
    cluster, trace, tmp_path, monkeypatch
):
    address = cluster.ready(4)
    sources = [store.Source(SURROGATE, settings.QUICK_SIZE | {"seed": k}) for k in range(3)]
    tables = store.run(
        powers, [{"source": s, "power": p} for s in sources for p in (2, 3)], address
    )
    assert all(table["handed"].all() for table in tables)
    loaded = [float((datasets.load(SURROGATE, **s.options) ** 3).mean()) for s in sources]
    assert [table["mean"].item() for table in tables[1::2]] == loaded
    tasks = faulty_tasks.tasks()

    def kill():
        while len(started(trace)) < 3:
            time.sleep(0.05)
        victim = random.Random(0).choice(cluster.processes[1:])
        nanny = psutil.Process(victim.pid)
        max(nanny.children(), key=lambda one: one.memory_info().rss).kill()

    killer = threading.Thread(target=kill)
    killer.start()
    tables = store.run(sums, tasks, address)
    killer.join()
    assert same(tables, serial(tmp_path, monkeypatch, sums, tasks))


@pytest.mark.slow
def test_a_task_that_kills_workers_is_named_and_a_late_worker_joins(trace, tmp_path, monkeypatch):
    cluster = Cluster(tmp_path, 1)
    try:
        address = cluster.ready(1)
        threading.Timer(1, cluster.worker).start()  # while the first tasks run
        with pytest.raises(
            store.TaskError, match=r"1 of 8 tasks failed; 7 of 8.*\n.*'value': 3.*2"
        ):
            store.run(sums, faulty_tasks.tasks(fault="dies", at=3), address)
        cluster.ready(2)
        assert started(trace).count(3) == 2
        tasks = faulty_tasks.tasks()
        tables = store.run(sums, tasks, address)
        assert same(tables, serial(tmp_path, monkeypatch, sums, tasks))
    finally:
        cluster.end()


@pytest.mark.slow
def test_the_scheduler_is_lost_and_the_same_command_resumes(cluster, trace, tmp_path, monkeypatch):
    address, tasks = cluster.ready(4), faulty_tasks.tasks()
    last = store._keep

    def keep(*result):
        table = last(*result)
        if len(list(store.results_folder().rglob("*.parquet"))) == 3:
            cluster.scheduler.kill()
        return table

    with monkeypatch.context() as patch:
        patch.setattr(store, "_keep", keep)
        with pytest.raises(store.TaskError, match=r"was lost(.|\n)*[3-7] of 8 results are kept"):
            store.run(sums, tasks, address)
    kept = len(list(store.results_folder().rglob("*.parquet")))
    cluster.end()
    again = Cluster(tmp_path / "results", 2)
    try:
        before = len(started(trace))
        tables = store.run(sums, tasks, again.ready(2))
        assert len(started(trace)) - before == COUNT - kept
    finally:
        again.end()
    assert same(tables, serial(tmp_path, monkeypatch, sums, tasks))


@pytest.mark.slow
def test_a_worker_of_several_threads_is_refused(trace, tmp_path):
    cluster = Cluster(tmp_path, 0)
    try:
        cluster.worker(threads=2)
        with pytest.raises(store.TaskError, match="--nthreads 1"):
            store.run(sums, faulty_tasks.tasks(), cluster.ready(1))
    finally:
        cluster.end()
    assert not started(trace)


# -- Without one


def test_without_dask_the_error_names_the_extra(trace, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match="extra `cluster`"):
        store.run(sums, faulty_tasks.tasks(), "tcp://127.0.0.1:8786")
    assert not started(trace)


def test_a_scheduler_that_does_not_answer_is_named(trace, monkeypatch):
    monkeypatch.setattr(jobs, "PATIENCE", 1)
    before = time.monotonic()
    with pytest.raises(
        ValueError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9 within 1"
    ):
        store.run(sums, faulty_tasks.tasks(), "tcp://127.0.0.1:9")
    assert time.monotonic() - before < 15 and not started(trace)


@pytest.mark.parametrize("given", [0, -1, "two", "no/such/file.json", "", True])
def test_what_is_no_number_and_no_scheduler_is_refused(given, trace):
    with pytest.raises(ValueError, match="neither a number of processes"):
        store.run(sums, faulty_tasks.tasks(), given)
    assert not started(trace)


def test_the_page_says_what_the_benchmark_took(book):
    benchmark = importlib.import_module("cluster")
    text = " ".join((ROOT / "book" / "beyond_one_machine.md").read_text().split())
    tasks = benchmark.MODELS * benchmark.RECORDINGS
    scores = tasks * benchmark.LAYERS * len(benchmark.MEASURES)
    assert f"{scores:,} scores, in {tasks:,} tasks" in text
    assert f"{benchmark.SAMPLES:,} samples, a layer of {benchmark.UNITS} units" in text
    tables = book("prepare").speed_tables()
    assert all(f"`{name}`" in tables["cluster_scores"] for name in benchmark.MEASURES)
    assert tables["cluster_sweep"].count("\n") == 2 + len(benchmark.WORKERS)
    assert "2 cores" in tables["cluster_machine"]


def test_the_estimate_is_work_over_workers_until_the_client_is_the_limit():
    benchmark = importlib.import_module("cluster")
    ways = pd.DataFrame({"wall_ms": [60.0, 0.0], "bytes": [1e3, 2e4]})
    count = benchmark.MODELS * benchmark.LAYERS * benchmark.RECORDINGS
    costs = pd.DataFrame({"seconds": [0.36 / count * 1e5]})  # 10 hours in all
    hours = benchmark.sweep(costs, ways, held=0.3)["hours"]
    assert hours[0] == pytest.approx(5) and hours[1] == pytest.approx(0.1)
    costs /= 100
    client = benchmark.MODELS * benchmark.RECORDINGS * 0.060 / 3600
    assert benchmark.sweep(costs, ways, held=0.3)["hours"][1] == pytest.approx(client)
