"""Laws of stored results: what is finished is kept and found again."""

import pandas as pd
import pytest

from simlib import cache
from simlib.experiments import store


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


def table_of(value: int, fail: bool = False) -> pd.DataFrame:
    """A task that leaves a trace of having run."""
    if fail:
        raise ZeroDivisionError(f"task {value}")
    with open(store.results_folder().parent / "trace", "a") as file:
        file.write("x")
    return pd.DataFrame({"value": [value]})


def bare_table(value: int) -> pd.DataFrame:
    """A task for other processes, whose environment is as old as they are."""
    return pd.DataFrame({"value": [value]})


def traces(results) -> int:
    path = results.parent / "trace"
    return len(path.read_text()) if path.exists() else 0


def test_finished_tasks_are_found_again(results):
    tasks = [{"value": k} for k in range(3)]
    first = store.run(table_of, tasks)
    again = store.run(table_of, [*tasks, {"value": 7}])
    assert [int(t["value"].iloc[0]) for t in again] == [0, 1, 2, 7] and len(first) == 3
    assert traces(results) == 4


def test_one_failure_keeps_the_other_results(results):
    with pytest.raises(
        store.TaskError, match=r"1 of 3 tasks failed.*\n.*ZeroDivisionError: task 1"
    ):
        store.run(table_of, [{"value": 0}, {"value": 1, "fail": True}, {"value": 2}])
    assert traces(results) == 2
    store.run(table_of, [{"value": 0}, {"value": 2}])
    assert traces(results) == 2
    assert not list(results.rglob("*.part"))


def test_processes_in_parallel_give_the_same_tables(results):
    tasks = [{"value": k} for k in range(4)]
    tables = store.run(bare_table, tasks, jobs=2)
    assert [int(t["value"].iloc[0]) for t in tables] == [0, 1, 2, 3]


def test_a_result_depends_on_the_arguments_and_the_code(monkeypatch):
    plain = store.fingerprint(table_of, {"value": 1})
    assert (
        plain
        == store.fingerprint(table_of, {"value": 1})
        != store.fingerprint(table_of, {"value": 2})
    )
    other = {"simlib/linalg.py": "other code"}
    monkeypatch.setattr(cache, "code", lambda file, running: other)
    assert store.fingerprint(table_of, {"value": 1}) != plain


def test_progress_is_written_where_asked(results, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_PROGRESS", str(tmp_path / "progress"))
    store.run(table_of, [{"value": k} for k in range(2)])
    lines = (tmp_path / "progress").read_text().splitlines()
    assert [line.split()[:2] for line in lines] == [["0", "2"], ["1", "2"], ["2", "2"]]
