"""What the number of steps hangs on besides the spectrum: rotated samples, tails, and what is said
of them.
"""

import numpy as np
import pandas as pd
import pytest
import torch

from simlib import datasets, experiments
from simlib.experiments import comparison, reasons, supplement, tails
from simlib.experiments.reasons import known_reason

FREEMAN = "surrogate-freemanziemba2013"
INVARIANT = ("cka", "cka-angular-score", "nbs", "procrustes-angular-score", "linreg")


# -- The law


def largest_difference(measure: str, optimiser: str, samples: int = 40, neurons: int = 8) -> float:
    """Between the scores of an ascent and of the same ascent after a rotation of the samples, over
    10 steps.
    """
    rng = np.random.default_rng(0)
    X, start = rng.standard_normal((2, samples, neurons))
    Q = tails.rotation_of_samples(samples, seed=1)
    scores = supplement.ascend(measure, X, torch.from_numpy(start), optimiser, steps=10, stop=1.0)
    rotated = supplement.ascend(
        measure, Q @ X, torch.from_numpy(Q @ start), optimiser, steps=10, stop=1.0
    )
    assert scores[0] == pytest.approx(rotated[0], abs=1e-12) or measure not in INVARIANT
    return np.abs(scores - rotated).max()


def test_the_rotation_is_orthogonal_and_keeps_the_constant():
    Q = tails.rotation_of_samples(20, seed=3)
    np.testing.assert_allclose(Q @ Q.T, np.eye(20), atol=1e-12)
    np.testing.assert_allclose(Q @ np.ones(20), np.ones(20), atol=1e-12)
    assert np.abs(Q - np.eye(20)).max() > 0.5 and not np.allclose(
        Q, tails.rotation_of_samples(20, seed=4)
    )


@pytest.mark.parametrize("measure", INVARIANT)
def test_gradient_steps_feel_no_rotation_of_the_samples_and_adams_do(measure):
    assert largest_difference(measure, "sgd") < 1e-9
    assert largest_difference(measure, "adam") > 1e-3


@pytest.mark.parametrize("measure", ["ridge-cv", "rsa-euclidean-corr"])
def test_measures_tied_to_single_samples_feel_it_with_any_steps(measure):
    assert largest_difference(measure, "sgd") > 1e-3


# -- Tails at one spectrum


@pytest.fixture(scope="module")
def freeman():
    return datasets.load(FREEMAN)


@pytest.mark.parametrize("kind", supplement.TAILS)
def test_tails_leave_spectrum_and_mean(freeman, kind):
    made = supplement.spectrum_matched(freeman, seed=2, tails=kind)
    X, Z = (values.reshape(-1, values.shape[-1]) for values in (freeman.values, made))
    spectrum = np.linalg.svd(X - X.mean(0), compute_uv=False)
    np.testing.assert_allclose(
        np.linalg.svd(Z, compute_uv=False), spectrum, atol=1e-9 * spectrum[0]
    )
    np.testing.assert_allclose(Z.mean(0), 0, atol=1e-12)


def test_the_first_pcs_keep_their_tails(freeman):
    sizes = []
    for kind in supplement.TAILS:
        made = supplement.spectrum_matched(freeman, seed=0, tails=kind)
        first = np.linalg.svd(made.reshape(-1, made.shape[-1]), full_matrices=False)[0][:, 0]
        sizes.append(np.abs(first).mean() / np.sqrt((first**2).mean()))
    assert sizes == sorted(sizes) and sizes[-1] > 0.99


@pytest.mark.parametrize(
    ("kind", "cosine"),
    [("t3", 2 / np.pi), ("gaussian", (2 / np.pi) ** 0.5), ("uniform", 0.75**0.5), ("signs", 1)],
)
def test_the_sign_of_a_gradient_points_along_it_the_more_the_lighter_its_tails(kind, cosine):
    g = supplement.TAILS[kind](np.random.default_rng(0), 1_000_000)
    assert np.sign(g) @ g / np.linalg.norm(np.sign(g)) / np.linalg.norm(g) == pytest.approx(
        cosine, abs=0.02
    )


def test_unknown_tails_are_refused(freeman):
    with pytest.raises(ValueError, match="uniform"):
        supplement.spectrum_matched(freeman, tails="unifrom")


def test_the_ascents_are_stored_a_row_a_step(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))
    runs = experiments.tail_runs(
        [FREEMAN], ["cka"], ["gaussian", "signs"], seeds=[0], steps=7, quick=True
    )
    assert runs.groupby("tails")["step"].apply(list).tolist() == [list(range(7))] * 2
    assert set(runs["settings"]) == {"quick"} and runs["surrogate"].all()
    last = runs[runs["step"] == tails.EARLY].set_index("tails")["score"]
    assert last["gaussian"] < last["signs"]
    assert len(list((tmp_path / "tails").glob("*.parquet"))) == 2
    rotated = experiments.rotated_ascents(FREEMAN, ["cka"], steps=5)
    assert rotated.groupby("optimiser").size().tolist() == [5, 5]


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


@pytest.mark.parametrize(("kind", "holds"), [("uniform", True), ("gaussian", False)])
def test_the_claims_hold_where_they_should_and_can_fail(kind, holds):
    runs = made_up()
    claims = tails.claims_about_tails(runs, published_like(runs, kind), ROTATED)
    assert claims["asserted"].all() and claims.loc[claims["where"] == "reproduced", "holds"].all()
    assert claims.loc[claims["where"] == "both", "holds"].tolist() == [holds]


def test_the_order_of_tails_can_fail():
    backwards = made_up(
        speed=dict(zip(SPEED, list(SPEED.values())[::-1], strict=True)),
        length=dict.fromkeys(LENGTH, 12),
    )
    swapped = ROTATED.assign(rotated=ROTATED["rotated"].to_numpy()[::-1])
    assert not tails.claims_about_tails(backwards, experiments.published_curves([]), swapped)[
        "holds"
    ].any()


def test_without_published_runs_nothing_is_said_of_them():
    runs = made_up()
    none = experiments.published_curves([])
    claims = tails.claims_about_tails(runs, none, ROTATED)
    assert set(claims["where"]) == {"reproduced"} and len(claims) == 4
    table = experiments.tail_table(runs, none)
    assert table["published steps"].tolist() == [""] and table["distance, gaussian"].tolist() == [
        ""
    ]
    assert table["steps, gaussian"].tolist() == ["12"]


def test_ascents_cut_short_are_not_judged():
    claims = tails.claims_about_tails(
        made_up().query("step < 3"), experiments.published_curves([]), ROTATED
    )
    assert set(claims["dataset"]) == {"x"}


def test_distance_and_steps_are_those_of_the_runs():
    runs = made_up()
    distances = tails.tail_distances(runs, published_like(runs, "signs")).set_index(
        ["tails", "seed"]
    )["distance"]
    assert distances["signs", 0] == 0 and distances["signs", 2] == pytest.approx(
        0.002 * (19 / 20) ** 0.5
    )
    table = experiments.tail_table(runs, published_like(runs, "signs"))
    assert table["published steps"].tolist() == ["20"] and table["distance, signs"].tolist() == [
        "0.0010"
    ]


# -- The scorecard's column and its reasons


def snapshots(scores: np.ndarray, steps) -> pd.DataFrame:
    return pd.DataFrame({"step": steps, "score": np.asarray(scores)[list(steps)], "value": 0.5})


def test_score_by_step_compares_at_the_same_step():
    line = np.linspace(0.1, 0.9, 41)
    published = snapshots(line, range(41))
    recorded = [snapshots(line + 0.03, [0, 10, 25, 40]), snapshots(line + 0.03, [0, 5, 40])]
    row = comparison._step_row(published, recorded)
    assert row["difference"] == pytest.approx(0.03) and row["spread"] == pytest.approx(0, abs=1e-12)
    assert row["verdict"] == "near"
    assert comparison._step_row(published, [snapshots(line, [0, 7])])[
        "difference"
    ] == pytest.approx(0)
    assert comparison._step_row(published.iloc[:4], recorded)["difference"] == pytest.approx(0.03)
    late = [
        snapshots(np.r_[0.1, line], range(42))
    ]  # one step behind is another score at the same step
    assert comparison._step_row(published, late)["difference"] == pytest.approx(0.02, abs=1e-3)


def test_reasons_are_given_where_they_were_found():
    assert "uniform" in known_reason("surrogate-mante2013", "cka-angular-score", "steps")
    assert known_reason("surrogate-mante2013", "procrustes-angular-score", "steps") == ""
    assert known_reason("mante2013", "cka", "steps") == ""  # the recording has its own time courses
    assert "construction" in known_reason("surrogate-majajhong2015", "cka", "90% crossing")
    assert "ill-conditioned" in known_reason(FREEMAN, "cka", "crossing, same target")
    assert "another draw" in known_reason("hierarchy", "cka", "steps")
    assert not [reason for reason in reasons.REASONS.values() if "unexplained" in reason]


def test_tails_of_recorded_units_are_told_where_they_lie(monkeypatch, tmp_path):
    monkeypatch.setenv("SIMLIB_SHARED", str(tmp_path))
    assert experiments.recorded_tails().empty
    data = datasets.load("toy-2d")
    monkeypatch.setattr(tails, "recordings_at_hand", lambda: {"mante2013": {}})
    monkeypatch.setattr(tails.data_sets, "load", lambda name: data)
    found = experiments.recorded_tails(2)
    flat = data.values.reshape(-1, 2)
    left = np.linalg.svd(flat - flat.mean(0), full_matrices=False)[0]
    np.testing.assert_allclose(found["kurtosis"], (left**4).mean(0) / (left**2).mean(0) ** 2 - 3)
    assert found["units"].tolist() == [2, 2]
