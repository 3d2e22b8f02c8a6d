"""The benchmarks measure what they say: the plain implementations give simlib's numbers, and the
page its tables.
"""

import importlib
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import torch

import simlib as sl
from simlib.components import captured_variance, left_singular_vectors

ROOT = Path(__file__).resolve().parent.parent
X, Y = (
    torch.randn(40, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for seed in (0, 1)
)
LABELS = np.arange(40) % 2


@pytest.fixture(scope="module")
def benchmarks():
    names = ("plain", "steps", "roofline", "growth", "compare", "together", "busy", "gpu")
    return {name: importlib.import_module(name) for name in names}


@pytest.mark.parametrize(
    "measure", ["cka", "nbs", "procrustes-angular-score", "linreg", "ridge-cv"]
)
def test_both_yardsticks_compute_the_measure_and_its_gradient(benchmarks, measure):
    start = Y.clone().requires_grad_(True)
    value = sl.measure(measure)(X, start)
    value.backward()
    for table in (benchmarks["plain"].AUTHORS, benchmarks["plain"].DIRECT):
        plain = Y.clone().requires_grad_(True)
        slow = table[measure](X, plain)
        slow.backward()
        assert float(slow.detach()) == pytest.approx(float(value.detach()), abs=1e-9)
        torch.testing.assert_close(plain.grad, start.grad, rtol=1e-6, atol=1e-9)


def test_both_yardsticks_compute_capture_and_decoding(benchmarks):
    plain = benchmarks["plain"]
    ours = captured_variance(X, Y)
    np.testing.assert_allclose(plain.svd_capture(X, Y), ours, atol=1e-9)
    np.testing.assert_allclose(plain.cached_capture(left_singular_vectors(X), Y), ours, atol=1e-9)
    bins = Y.reshape(1, 40, 9).numpy()
    ours = sl.decoding_accuracy(bins, LABELS, scale="recorded")
    for decode in (plain.loop_accuracy, plain.parallel_accuracy):
        with joblib.parallel_config(backend="threading"):
            assert decode(bins, LABELS) == pytest.approx(
                ours, abs=0.026
            )  # one trial of 40, at the default tolerance


def test_ratios_are_of_pairs_and_the_slower_side_is_above_one(benchmarks, monkeypatch):
    steps = benchmarks["steps"]
    monkeypatch.setattr(steps, "seconds", lambda call: call())
    row = steps.alternate(lambda: 0.6, lambda: 0.2, repeats=3)
    assert row == pytest.approx({"ms": 200, "ratio": 3, "least": 3, "greatest": 3})


@pytest.mark.slow
def test_growth_is_measured_in_a_process_of_its_own(benchmarks):
    row = benchmarks["growth"].measured("cka", 200, 10, steps=3)
    assert row["seconds"] > 0 and row["MB"] >= 0 and row["samples"] == 200
    with pytest.raises(RuntimeError, match="unknown measure"):
        benchmarks["growth"].measured("ckaa", 20, 3)


def test_a_batch_and_a_loop_of_ascents_are_told_apart(benchmarks, monkeypatch):
    calls, ended = [], sl.Trajectory([1.0], Y.numpy(), "steps")
    monkeypatch.setattr(sl.optimize, "climb_together", lambda *a, **k: calls.append("batch") or [])
    monkeypatch.setattr(sl.optimize, "climb", lambda *a, **k: calls.append("one") or ended)
    threads = torch.get_num_threads()
    benchmarks["together"].climb("nbs", X.numpy(), range(3), 10**6)
    assert calls == ["batch"]
    benchmarks["together"].climb("nbs", X.numpy(), range(3), 0)
    torch.set_num_threads(threads)
    assert calls == ["batch", "one", "one", "one"]


def test_all_threads_are_had_at_every_step_whatever_else_runs(benchmarks, monkeypatch):
    monkeypatch.setattr(sl.threads._load, "others", lambda: 64.0)
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)
    look = [lambda *_: seen.append(torch.get_num_threads())]
    try:
        sl.maximize("cka", X, steps=2, stop=None, observers=look)
        with benchmarks["busy"].all_threads():
            sl.maximize("cka", X, steps=2, stop=None, observers=look)
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 1, 2, 2]


def test_products_of_a_step_are_counted_by_the_smaller_gram_matrix(benchmarks):
    count = benchmarks["roofline"].products
    assert sum(count("cka", 100, 400).values()) < sum(count("cka", 400, 400).values())
    assert count("cka", 10**5, 100)[torch.float32] == 8 * 10**5 * 100**2


def test_the_picture_of_speed_shows_the_numbers_of_the_tables(book):
    steps, growth = (book("prepare").measured(name) for name in ("steps", "growth"))
    drawn = book("speed_picture")
    ratios, samples, neurons = (
        next(ax for ax in drawn.picture(steps, growth).axes if ax.get_xlabel() == label)
        for label in ("times as fast", "number of samples", "number of neurons")
    )
    places = [x for bars in ratios.containers for x in bars.lines[0].get_xdata()]
    authors = steps.loc[steps["against"] == "authors' route", "ratio"]
    assert sorted(places) == sorted(authors)
    for along, ax in (("samples", samples), ("neurons", neurons)):
        rows = growth[growth["along"] == along]
        assert len(ax.lines) == rows["measure"].nunique()
        points = [point for line in ax.lines for point in zip(*line.get_data(), strict=True)]
        assert sorted(points) == sorted(zip(rows[along], rows["seconds"], strict=True))
    assert drawn.svg(steps, growth) == drawn.svg(steps, growth), "else the page is built each time"
    assert not list((ROOT / "book" / "speed").glob("*.svg")), "a stored picture is soon out of date"


def test_the_page_on_speed_shows_the_tables_of_the_last_run(book):
    tables = book("prepare").speed_tables()
    steps = pd.read_csv(ROOT / "book" / "speed" / "steps.csv")
    assert {"mante", "hatsopoulos", "majaj", "siegel", "freeman"} == set(
        steps["shape"].str.split().str[0]
    )
    assert tables["steps"].count("\n") == 2 + len(steps[["shape", "work"]].drop_duplicates())
    assert "threads" in tables["machine"] and "100000" in tables["largest"]
    growth = pd.read_csv(ROOT / "book" / "speed" / "growth.csv")
    largest = growth[growth["along"] == "largest"].set_index("measure")["MB"]
    assert (largest[["cka", "nbs", "linreg", "ridge-cv"]] < 8 * 1024).all()
    wide = growth[(growth["along"] == "neurons") & (growth["measure"] == "linreg")]
    wide = wide.set_index("neurons")["seconds"]
    assert wide[1000] < wide[4000] < wide[2000], "as the page says"
    along_steps = growth[growth["along"] == "steps"].groupby("measure")["MB"]
    assert (along_steps.max() - along_steps.min() < 50).all(), "memory grew with the steps"


@pytest.mark.slow
def test_work_for_a_gpu_runs_on_any_device(benchmarks):
    works = dict(benchmarks["gpu"].works("freeman"))
    assert len(works) == 11
    for work in works.values():
        work("cpu")()
    slow, fast = benchmarks["gpu"].polar(X.numpy()[None], "cpu")
    torch.testing.assert_close(fast().float(), slow(), atol=1e-3, rtol=0)
