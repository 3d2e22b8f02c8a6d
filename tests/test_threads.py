"""As many threads as cores are free: never more than torch has, and nothing is left changed."""

from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

import simlib as sl
from simlib import threads

MOST = 4
X, Y = np.random.default_rng(0).standard_normal((2, 30, 4))


@pytest.fixture
def machine(monkeypatch):
    """Four cores, and a process of as many threads: sets how many cores others use."""
    before = torch.get_num_threads()
    torch.set_num_threads(MOST)
    monkeypatch.setattr(psutil, "cpu_count", lambda: MOST)
    yield lambda busy: monkeypatch.setattr(threads._load, "others", lambda: busy)
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("busy", "expected"),
    [(0, 4), (0.4, 4), (0.6, 3), (1, 3), (2, 2), (3, 1), (4, 1), (64, 1), (-0.3, 4)],
)
def test_a_computation_has_as_many_threads_as_cores_are_free(machine, busy, expected):
    machine(busy)
    assert threads.on_free_cores(torch.get_num_threads)() == expected
    assert torch.get_num_threads() == MOST


def test_never_more_threads_than_torch_had(machine):
    machine(0)
    torch.set_num_threads(2)
    assert threads.on_free_cores(torch.get_num_threads)() == 2
    torch.set_num_threads(1)
    assert threads.on_free_cores(torch.get_num_threads)() == 1


def test_the_number_follows_the_machine_within_one_computation(machine):
    seen = []

    def work():
        for busy in (0, 3, 1):
            machine(busy)
            threads.look()
            seen.append(torch.get_num_threads())
            threads.on_free_cores(lambda: seen.append(torch.get_num_threads()))()

    machine(0)
    threads.on_free_cores(work)()
    assert seen == [4, 4, 1, 1, 3, 3]
    assert torch.get_num_threads() == MOST


def test_a_task_keeps_its_number_of_threads_whatever_else_runs(machine):
    machine(0)

    @threads.on_free_cores
    def work():
        with threads.task_threads():
            inside = threads.on_free_cores(torch.get_num_threads)()
            threads.look()
            return inside, torch.get_num_threads()

    assert work() == (threads.THREADS,) * 2
    with threads.task_threads():
        sl.score("cka", X, Y)
        assert torch.get_num_threads() == threads.THREADS
    assert torch.get_num_threads() == MOST


def test_an_error_leaves_the_number_as_it_was(machine):
    machine(3)
    with pytest.raises(ValueError, match="rows"):
        sl.score("cka", X, Y[:-1])
    assert torch.get_num_threads() == MOST


def test_looking_outside_of_a_computation_changes_nothing(machine):
    machine(3)
    threads.look()
    assert torch.get_num_threads() == MOST


CALLS = {
    "score": lambda seen: sl.score(seen, X, Y),
    "maximize": lambda seen: sl.maximize(seen, X, steps=2, stop=None),
    "maximize_many": lambda seen: sl.maximize_many(seen, X, seeds=[0, 1], steps=2, stop=None),
    "joint_range": lambda seen: sl.joint_range(seen, "cka", X, points=2, steps=2),
    "compare": lambda seen: sl.compare(X, Y, [seen], permutations=2),
    "permutation_null": lambda seen: sl.calibration.permutation_null(seen, X, Y, permutations=2),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_calls_of_a_user_leave_busy_cores_alone(machine, name):
    machine(3)
    seen = []

    def similarity(x, y):
        seen.append(torch.get_num_threads())
        return (x * y).sum() / (x.norm() * y.norm())

    CALLS[name](similarity)
    assert seen and set(seen) == {1}
    assert torch.get_num_threads() == MOST


@pytest.mark.parametrize(
    ("ours", "all_used", "expected"),
    [(2.0, 2.0, 0), (0.0, 2.0, 1), (1.0, 4.0, 1.5), (4.0, 4.0, 0), (0.0, 0.0, 0)],
)
def test_the_load_is_what_others_used_since_the_last_look(monkeypatch, ours, all_used, expected):
    """Seconds of this process and of all, in two seconds; of a moment there is no new number."""
    clock = {"now": 10.0, "ours": 3.0, "user": 20.0}
    times = SimpleNamespace(monotonic=lambda: clock["now"], process_time=lambda: clock["ours"])
    monkeypatch.setattr(threads, "time", times)
    used = SimpleNamespace  # half of it in the system, and idle time counts for nothing
    monkeypatch.setattr(
        psutil,
        "cpu_times",
        lambda: used(user=clock["user"] / 2, system=clock["user"] / 2, nice=0.0, idle=99.0),
    )
    watch = threads._Load()
    clock["now"] += threads.LOOK / 2
    clock["user"] += 1.0
    assert watch.others() == 0
    clock.update(now=12.0, ours=3.0 + ours, user=20.0 + all_used)
    assert watch.others() == pytest.approx(expected)


def test_where_the_system_tells_no_load_the_machine_counts_as_quiet(monkeypatch):
    def unknown():
        raise PermissionError("no /proc")

    monkeypatch.setattr(psutil, "cpu_times", unknown)
    watch = threads._Load()
    watch.seen = (watch.seen[0] - 1, watch.seen[1])
    assert watch.others() <= 0
