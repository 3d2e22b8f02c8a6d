"""What the number of steps depends on besides the spectrum: the tails of time courses, and what is
said of them.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from test_claims import holding

from simlib import datasets, maximize, measures, optimize
from simlib.datasets import paper
from simlib.experiments import claims, tails

FREEMAN = "surrogate-freemanziemba2013"


def test_the_ascents_are_stored_a_row_a_step(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))
    kinds = ["gaussian", "signs"]
    runs = tails.tail_runs([FREEMAN], ["cka"], kinds, seeds=[0], steps=7, quick=True)
    assert runs.groupby("tails")["step"].apply(list).tolist() == [list(range(7))] * 2
    assert set(runs["settings"]) == {"quick"} and runs["surrogate"].all()
    last = runs[runs["step"] == tails.EARLY].set_index("tails")["score"]
    assert last["gaussian"] < last["signs"]
    assert len(list(tmp_path.rglob("*.parquet"))) == 2
    rotated = tails.rotated_ascents(FREEMAN, ["cka"], steps=5)
    assert rotated.groupby("optimiser").size().to_dict() == {"adam": 5, "sgd": 5}
    apart = (rotated["score"] - rotated["rotated"]).abs().groupby(rotated["optimiser"]).max()
    assert apart["sgd"] < 1e-9 < 1e-4 < apart["adam"]


def entries(kind: str) -> float:
    """Mean absolute value over root mean square of a million entries with these tails."""
    sample = datasets.made.TAILS[kind](np.random.default_rng(0), 10**6)
    return float(np.abs(sample).mean() / np.sqrt(np.square(sample).mean()))


def test_the_first_step_has_the_cosines_of_gradients_not_of_single_entries(tmp_path, monkeypatch):
    """What the page says of entries; what it shows of gradients is another set of numbers."""
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))
    alone = [entries(kind) for kind in datasets.made.TAILS]
    np.testing.assert_allclose(alone, [0.64, 0.80, 0.87, 1], atol=0.01)
    page = (
        Path(__file__).parent.parent / "notebooks" / "published_vs_reproduced.ipynb"
    ).read_text()
    assert ".64, .80, .87 and 1" in page and "tails.first_steps(" in page
    names = ["surrogate-siegel2015", FREEMAN]
    table = tails.first_steps(names, seeds=[0, 1])
    means = table.groupby("tails", sort=False)["cosine"].mean()
    np.testing.assert_allclose(means, [0.65, 0.73, 0.76, 0.79], atol=0.02)
    by_run = table.pivot(index=["dataset", "seed"], columns="tails", values="cosine")
    assert (by_run[list(datasets.made.TAILS)].diff(axis=1).iloc[:, 1:] > 0).all(axis=None)


def test_the_first_step_is_adam_s(tmp_path, monkeypatch):
    """The rise of the score along the step that the ascent takes gives its cosine with the
    gradient.
    """
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))
    seen, h = [], 1e-4
    X = datasets.made.spectrum_matched(datasets.load(FREEMAN), 0, "signs")
    maximize(
        "cka",
        X,
        start=optimize.start_from_noise(X.shape, 0),
        steps=2,
        dtype=torch.float64,
        observers=[lambda step, score, Y: seen.append(Y.reshape(-1, X.shape[-1]).clone())],
    )
    X = torch.from_numpy(X.reshape(-1, X.shape[-1]))
    start, step = seen[0], (seen[1] - seen[0]) / 0.1
    up, down = (float(measures.MEASURES["cka"](X, start + sign * h * step)) for sign in (1, -1))
    Y = start.requires_grad_(True)
    (gradient,) = torch.autograd.grad(measures.MEASURES["cka"](X, Y), Y)
    found = (up - down) / (2 * h) / float(step.norm() * gradient.norm())
    expected = tails.first_steps([FREEMAN], tails=["signs"])["cosine"].item()
    assert found == pytest.approx(expected, abs=5e-3)  # Adam's epsilon shrinks small entries


# -- What is said of it

SPEED = {"t3": 0.1, "gaussian": 0.2, "uniform": 0.3, "signs": 0.4}
LENGTH = {"t3": 30, "gaussian": 12, "uniform": 16, "signs": 20}


def made_up(dataset: str = "surrogate-mante2013", speed=SPEED, length=LENGTH) -> pd.DataFrame:
    """Runs whose scores rise at a known speed, and pass 0.99 at a known step."""
    rows = []
    for kind, rate in speed.items():
        for seed in range(3):
            scores = 0.9 - 0.9 * np.exp(-rate * np.arange(length[kind])) + 0.001 * seed
            scores[-1] = 0.995
            rows.append(
                pd.DataFrame(
                    {"tails": kind, "seed": seed, "step": range(len(scores)), "score": scores}
                )
            )
    facts = {"title": "X", "settings": "quick", "surrogate": True, "data_hash": "0"}
    return pd.concat(rows, ignore_index=True).assign(dataset=dataset, measure="cka", **facts)


def published_like(runs: pd.DataFrame, kind: str) -> pd.DataFrame:
    one = runs[(runs["tails"] == kind) & (runs["seed"] == 0)]
    return one[["dataset", "measure", "step", "score"]].assign(published_measure="cka", value=0.5)


ROTATED = pd.DataFrame(
    {
        "dataset": "x",
        "measure": "cka",
        "optimiser": ["sgd", "adam"],
        "score": 0.5,
        "rotated": [0.5, 0.6],
    }
)


def test_distance_and_steps_are_those_of_the_runs():
    runs = made_up()
    distances = tails.tail_distances(runs, published_like(runs, "signs")).set_index(
        ["tails", "seed"]
    )["distance"]
    assert distances["signs", 0] == 0 and distances["signs", 2] == pytest.approx(
        0.002 * (19 / 20) ** 0.5
    )
    table = tails.tail_table(runs, published_like(runs, "signs"))
    assert table["published steps"].tolist() == ["20"] and table["distance, signs"].tolist() == [
        "0.0010"
    ]


@pytest.mark.parametrize(("kind", "holds"), [("uniform", True), ("gaussian", False)])
def test_the_claims_hold_where_they_should_and_can_fail(kind, holds):
    runs = made_up()
    values = tails.tail_values(runs, published_like(runs, kind), ROTATED)
    assert claims.judge(values)["asserted"].all()
    ours = values["where"] == "reproduced"
    assert all(holding(values[ours]).values()) and len(holding(values[ours])) == 4
    assert holding(values[~ours]) == {"published scores fit these tails": holds}


def test_the_order_of_tails_can_fail():
    backwards = dict(zip(SPEED, list(SPEED.values())[::-1], strict=True))
    runs = made_up(speed=backwards, length=dict.fromkeys(LENGTH, 12))
    swapped = ROTATED.assign(rotated=ROTATED["rotated"].to_numpy()[::-1])
    values = tails.tail_values(runs, paper.published_curves([]), swapped)
    assert not any(holding(values).values())


def test_without_published_runs_nothing_is_said_of_them():
    runs, none = made_up(), paper.published_curves([])
    assert set(tails.tail_values(runs, none, ROTATED)["where"]) == {"reproduced"}
    (row,) = tails.tail_table(runs, none).to_dict("records")
    assert row["published steps"] == "" and row["distance, gaussian"] == ""
    assert row["steps, gaussian"] == "12"


def test_ascents_cut_short_are_not_judged():
    short = made_up().query("step < 3")
    values = tails.tail_values(short, paper.published_curves([]), ROTATED)
    assert set(values["dataset"]) == {"x"}


def test_tails_of_recorded_units_are_told_where_they_lie(monkeypatch, tmp_path):
    monkeypatch.setenv("SIMLIB_DATA", str(tmp_path))
    assert tails.recorded_tails(["mante2013"]).empty
    data = datasets.load("toy-2d")
    monkeypatch.setattr(tails.paper, "at_hand", list)
    monkeypatch.setattr(datasets, "load", lambda name, **options: data)
    table = tails.recorded_tails(["mante2013"], 2)
    flat = data.values.reshape(-1, 2)
    left = np.linalg.svd(flat - flat.mean(0), full_matrices=False)[0]
    np.testing.assert_allclose(table["kurtosis"], (left**4).mean(0) / (left**2).mean(0) ** 2 - 3)
    assert table["units"].tolist() == [2, 2]
