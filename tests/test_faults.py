"""Faults, each caused: the same command afterwards ends in the same tables and computes what is
missing.
"""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import faulty_tasks
import nbformat
import pandas as pd
import psutil
import pytest
import torch
from faulty_tasks import COUNT, started, sums

from simlib import cache
from simlib.experiments import jobs, store
from simlib.threads import THREADS

ROOT = Path(__file__).resolve().parent.parent
# By hand, with more kills: SIMLIB_KILLS=50 python -m pytest tests/test_faults.py -k random
KILLS = range(int(os.environ.get("SIMLIB_KILLS", 2)))
LONGEST = 10  # seconds in which children end after their parent


@pytest.fixture(autouse=True)
def trace(tmp_path, monkeypatch):
    """Results in a folder of their own, and a file that says which tasks started."""
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'tests'}")
    return tmp_path / "trace"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[pd.DataFrame]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("undisturbed")
        patch.setenv("SIMLIB_RESULTS", str(folder / "results"))
        patch.setenv("TRACE", str(folder / "trace"))
        return store.run(sums, faulty_tasks.tasks())


def stored() -> int:
    return len(list(store.results_folder().rglob("*.parquet")))


def ends_well(trace: Path, undisturbed: list, number: int = 2, **fault) -> bool:
    """Whether the same command ends in the same tables, bit for bit, and computes what isn't
    stored.
    """
    before, missing = len(started(trace)), COUNT - stored()
    tables = store.run(sums, faulty_tasks.tasks(**fault), number)
    for table, expected in zip(tables, undisturbed, strict=True):
        pd.testing.assert_frame_equal(table, expected, check_exact=True)
    again = len(started(trace)) - before
    assert again == missing, f"{missing} were missing, {again} were computed"
    return stored() == COUNT


def children(process: int) -> list[psutil.Process]:
    return psutil.Process(process).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    """Whether all of them end in time; those left are ended here."""
    _, left = psutil.wait_procs(processes, timeout=LONGEST)
    left = [one for one in left if one.status() != psutil.STATUS_ZOMBIE]
    for one in left:
        one.kill()
    return not left


def until(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def begun(trace: Path, seconds: float = 0.3) -> subprocess.Popen:
    """The program, once its first task has started."""
    command = [sys.executable, ROOT / "tests" / "faulty_tasks.py", "2", str(seconds)]
    program = subprocess.Popen(command, stderr=subprocess.PIPE)
    until(lambda: started(trace) or program.poll() is not None)
    assert program.poll() is None, program.stderr.read()
    return program


# -- Killed


@pytest.mark.parametrize("seed", KILLS)
def test_the_parent_is_killed_at_a_random_moment(seed, trace, undisturbed):
    program = begun(trace)
    workers = children(program.pid)
    time.sleep(1.5 * random.Random(seed).random())
    program.kill()
    program.communicate()
    assert workers and gone(workers)
    assert ends_well(trace, undisturbed)


def test_children_in_a_long_task_end_with_their_parent(trace):
    program = begun(trace, seconds=600)
    workers = children(program.pid)
    program.kill()
    program.communicate()
    assert len(workers) == 2 and gone(workers)


@pytest.mark.parametrize("seed", KILLS)
def test_a_worker_killed_at_a_random_moment_is_replaced(seed, trace, undisturbed, monkeypatch):
    monkeypatch.setenv("SECONDS_OF_A_TASK", "0.2")
    drawn = random.Random(seed)

    def kill():
        until(lambda: len(started(trace)) > drawn.randrange(5))
        time.sleep(0.2 * drawn.random())
        victim = drawn.choice(children(os.getpid()))
        victim.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    tables = store.run(sums, faulty_tasks.tasks(), 2)
    killer.join()
    for table, expected in zip(tables, undisturbed, strict=True):
        pd.testing.assert_frame_equal(table, expected, check_exact=True)
    assert len(started(trace)) <= COUNT + 1 and stored() == COUNT
    assert ends_well(trace, undisturbed)


def test_a_task_whose_worker_dies_is_made_once_more(trace):
    store.run(sums, faulty_tasks.tasks(fault="dies once", at=3), 2)
    assert sorted(started(trace)) == [0, 1, 2, 3, 3, 4, 5, 6, 7]


def test_a_task_that_kills_every_worker_is_reported_by_name_beside_the_others(trace):
    with pytest.raises(store.TaskError, match=r"1 of 8 tasks failed; 7 of 8.*\n.*'value': 3.*died"):
        store.run(sums, faulty_tasks.tasks(fault="dies", at=3), 2)
    assert started(trace).count(3) == jobs.TRIES and stored() == COUNT - 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_run_is_stopped(number, trace, undisturbed):
    program = begun(trace)
    workers = children(program.pid)
    program.send_signal(number)
    program.communicate(timeout=LONGEST)
    assert program.returncode == -number and gone(workers)
    assert ends_well(trace, undisturbed)


def test_all_processes_get_the_signal_of_a_terminal(trace, undisturbed):
    """Control-C goes to a whole group of processes: only the parent speaks."""
    command = [sys.executable, ROOT / "tests" / "faulty_tasks.py", "2", "0.3"]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True, text=True)
    until(lambda: started(trace))
    workers = children(program.pid)
    os.killpg(program.pid, signal.SIGINT)
    _, said = program.communicate(timeout=LONGEST)
    assert said.count("Traceback") == 1 and said.rstrip().endswith("KeyboardInterrupt")
    assert gone(workers) and ends_well(trace, undisturbed)


# -- Notebooks and make

RUN = """
import pathlib, sys
sys.path.insert(0, {book!r})
import execute
execute.SOURCE = pathlib.Path({source!r})
execute.NOTEBOOKS = {{"faults": (1, 1)}}
sys.exit(execute.main(["--out", {out!r}, *sys.argv[1:]]))
"""


@pytest.fixture
def desk(tmp_path) -> Path:
    """A notebook that runs the tasks, and an environment whose Python executes that one."""
    cells = [
        nbformat.v4.new_code_cell("jobs = 2\nquick = False", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(
            "import faulty_tasks\nfrom simlib.experiments import store\n"
            "store.run(faulty_tasks.sums, faulty_tasks.tasks(), jobs)"
        ),
    ]
    source = tmp_path / "notebooks"
    source.mkdir()
    names = {"name": "python3", "display_name": "Python 3", "language": "python"}
    kernel = {"kernelspec": names, "language_info": {"name": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, source / "faults.ipynb")
    program = RUN.format(book=str(ROOT / "book"), source=str(source), out=str(tmp_path / "out"))
    (tmp_path / "run.py").write_text(program)
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nshift\nexec {sys.executable} {tmp_path}/run.py "$@"\n')
    python.chmod(0o755)
    return tmp_path


def make(desk: Path) -> list[str]:
    """The command that executes the notebook, by the project's own Makefile."""
    venv = f"{desk}/venv"
    return ["make", "figure", "NAME=faults", "JOBS=2", f"VENV={venv}", "-o", f"{venv}/.installed"]


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["kernel", "make", "execute"])
@pytest.mark.parametrize("seed", KILLS)
def test_a_part_of_make_is_killed_at_a_random_moment(
    victim, seed, desk, trace, undisturbed, monkeypatch
):
    monkeypatch.setenv("SECONDS_OF_A_TASK", "0.5")
    command = make(desk)
    program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    until(lambda: started(trace) or program.poll() is not None)
    assert program.poll() is None, program.stdout.read()
    time.sleep(2 * random.Random(seed).random())
    below = children(program.pid)
    words = {"kernel": "ipykernel_launcher", "execute": "run.py"}.get(victim, "make figure")
    ours = [psutil.Process(program.pid), *below]
    (hit,) = [one for one in ours if words in " ".join(one.cmdline()[:3])]
    hit.kill()
    assert gone(below)
    program.communicate()
    assert program.returncode != 0 and not (desk / "out" / "faults.ipynb").exists()
    before, missing = len(started(trace)), COUNT - stored()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert len(started(trace)) - before == missing
    assert (desk / "out" / "faults.ipynb").exists() and ends_well(trace, undisturbed)


# -- Disks and folders

LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from faulty_tasks import sums, tasks
from simlib.experiments import store
store.run(sums, tasks(fault="long", at=2), 2)
"""


def test_no_room_for_a_result_stops_the_run(trace, monkeypatch):
    """Nothing further is computed that couldn't be kept."""
    monkeypatch.setenv("SECONDS_OF_A_TASK", "1")
    command = [sys.executable, "-c", LIMITED]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 1 and "a result can't be stored" in ended.stderr
    assert "File too large" in ended.stderr
    assert f"{stored()} of 8 results are kept" in ended.stderr and stored() >= 1
    before, missing = started(trace), COUNT - stored()
    assert len(before) < COUNT
    assert not list(store.results_folder().rglob("*.part"))
    store.run(sums, faulty_tasks.tasks(fault="long", at=2), 2)  # there is room now
    assert len(started(trace)) == len(before) + missing and stored() == COUNT


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="mounts a small disk")
def test_a_full_disk_stops_the_run(trace, undisturbed, tmp_path):
    disk = tmp_path / "results"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20k", "none", disk]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine mounts no disk")
    try:
        with pytest.raises(store.TaskError, match="a result can't be stored"):
            store.run(sums, faulty_tasks.tasks(), 2)
        assert 0 < stored() < COUNT and len(started(trace)) < COUNT
        grow = ["mount", "-o", "remount,size=2m", disk]
        subprocess.run(grow, check=True)
        assert ends_well(trace, undisturbed)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_folder_that_cannot_be_written_is_named_before_the_first_task(trace, undisturbed):
    store.results_folder().write_text("a file in its place")
    with pytest.raises(ValueError, match=r"nothing was started.*SIMLIB_RESULTS=folder"):
        store.run(sums, faulty_tasks.tasks(), 2)
    assert not started(trace)
    store.results_folder().unlink()
    assert ends_well(trace, undisturbed)


def test_a_read_only_folder_is_named_before_the_first_task(trace, monkeypatch):
    def refuse(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(store.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ValueError, match=r"Read-only file system.*nothing was started"):
        store.run(sums, faulty_tasks.tasks(), 2)
    assert not started(trace)


def test_what_is_stored_is_read_from_a_folder_that_cannot_be_written(trace, monkeypatch):
    store.run(sums, faulty_tasks.tasks())
    monkeypatch.setattr(store, "_refuse_unwritable", lambda folder: pytest.fail("nothing to write"))
    assert len(store.run(sums, faulty_tasks.tasks())) == COUNT


@pytest.mark.parametrize("number", [1, 2])
def test_the_folder_is_deleted_in_mid_run(number, trace, undisturbed):
    """That run ends well all the same; what was deleted is computed by the next one."""
    fault = {"fault": "deletes", "at": 4}
    tables = store.run(sums, faulty_tasks.tasks(**fault), number)
    for table, expected in zip(tables, undisturbed, strict=True):
        pd.testing.assert_frame_equal(table, expected, check_exact=True)
    assert 0 < stored() < COUNT
    assert ends_well(trace, undisturbed, number, **fault)


def test_a_result_deleted_as_soon_as_it_is_stored_is_stored_again(trace, undisturbed, monkeypatch):
    read, deleted = cache.read, []

    def delete_first(path, load):
        if started(trace) and not deleted:
            deleted.append(path)
            shutil.rmtree(path.parent)
        return read(path, load)

    monkeypatch.setattr(cache, "read", delete_first)
    assert ends_well(trace, undisturbed) and deleted


def test_a_result_deleted_at_once_is_no_empty_table(trace, monkeypatch):
    read = cache.read
    monkeypatch.setattr(
        cache, "read", lambda path, load: None if started(trace) else read(path, load)
    )
    with pytest.raises(store.TaskError, match="was changed meanwhile"):
        store.run(sums, faulty_tasks.tasks())


# -- Raised


@pytest.mark.parametrize("number", [1, 2])
def test_a_task_that_raises_is_reported_beside_the_others(number, trace):
    with pytest.raises(store.TaskError, match=r"'value': 3.*ZeroDivisionError") as raised:
        store.run(sums, faulty_tasks.tasks(fault="raises", at=3), number)
    assert len(str(raised.value)) <= 1500 and stored() == COUNT - 1


def test_many_failures_are_said_in_few_words(trace):
    tasks = [{"value": k, "fault": "raises", "at": k} for k in range(COUNT)]
    with pytest.raises(store.TaskError, match=r"8 of 8 tasks failed.*\n(.*\n)+and 5 more") as said:
        store.run(sums, tasks)
    assert len(str(said.value)) <= 1500


def test_a_worker_with_other_code_keeps_nothing(trace, monkeypatch):
    depends_on = cache.depends_on
    monkeypatch.setattr(
        cache, "depends_on", lambda *of: depends_on(*of) | {"module": {"a.py": "old"}}
    )
    with pytest.raises(
        store.TaskError, match=r"other code or packages.*: module .*\n.*0 of 8 results"
    ):
        store.run(sums, faulty_tasks.tasks(), 2)
    assert not started(trace) and not stored()


# -- Threads


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize("order", ["given", "turned"])
def test_tables_depend_on_no_number_of_workers_nor_order_nor_interruption(
    number, order, trace, undisturbed
):
    """The rule is one number of threads for every task, whatever this process has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        tasks = faulty_tasks.tasks()
        store.run(sums, tasks[:3], number)
        costs = range(COUNT) if order == "turned" else None
        tables = store.run(sums, tasks, number, costs)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    for table, expected in zip(tables, undisturbed, strict=True):
        pd.testing.assert_frame_equal(table, expected, check_exact=True)
        assert set(table["threads"]) == {THREADS}
    assert len(started(trace)) == COUNT
