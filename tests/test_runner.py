"""Ascents behind the figures: what a row says, what a variant changes, what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch

import simlib as sl
from simlib import experiments
from simlib.components import left_singular_vectors
from simlib.decoding import score_at_accuracy
from simlib.experiments import (
    chance_level,
    curves,
    joint_score_ranges,
    runner,
    settings,
    store,
    theory_sensitivity,
)

TINY = "surrogate-siegel2015"
SMALLER = {"trials": 24, "neurons": 12}


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Two measures, two seeds on the quick surrogate."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMLIB_RESULTS", str(tmp_path_factory.mktemp("results")))
        options = {"seeds": [0, 1], "steps": 60, "quick": True}
        table = experiments.ascents([TINY], ["cka", "procrustes-angular-score"], **options)
        return table, experiments.references([TINY], seeds=[0, 1], quick=True)


def test_tables_are_tidy_and_say_what_they_are(tiny):
    table, references = tiny
    assert set(table["settings"]) == {"quick"} and table["surrogate"].all()
    assert (table.groupby("seed")["data_hash"].nunique() == 1).all()
    assert table["data_hash"].nunique() == 2 and "surrogate" in table["title"].iloc[0]
    assert pd.api.types.is_integer_dtype(table["pc"]) and set(table["variant"]) == {"paper"}
    assert set(table["quantity"]) == {"accuracy", "captured variance"}
    assert references["chance"].iloc[0] == 0.5 and len(references) == 4  # runs x scales
    assert set(references["data_hash"]) == set(table["data_hash"])


def test_a_row_of_the_table_is_what_its_snapshot_gives(tiny):
    table, _ = tiny
    data = sl.datasets.load(TINY, seed=1, **settings.load_options(TINY, True))
    run = table[(table["measure"] == "cka") & (table["seed"] == 1)]
    step = int(run["step"].max())
    Y = sl.maximize("cka", data, seed=1, steps=60).Y
    last = run[run["step"] == step]
    assert last["score"].iloc[0] == pytest.approx(sl.score("cka", data, Y), abs=1e-5)
    for scale in ("recorded", "common"):
        accuracy = last[last["scale"] == scale]["value"].item()
        expected = sl.decoding_accuracy(Y, data["context"].values, scale=scale)
        assert accuracy == pytest.approx(expected, abs=1e-3)
    r2 = last[last["quantity"] == "captured variance"].sort_values("pc")
    np.testing.assert_allclose(r2["value"], sl.captured_variance(data, Y), atol=1e-3)
    ratios = sl.components.explained_variance(data)
    np.testing.assert_allclose(r2["explained_variance"], ratios)


@pytest.mark.parametrize("measure", ["cka", "nbs", "procrustes-angular-score", "ridge-cv"])
def test_snapshots_where_the_score_moved_draw_the_curves_of_every_step(measure):
    """Scores at which PCs are captured and at which decoding crosses: within 0.002 and 0.006 of
    those from every step.
    """
    data = sl.datasets.load(TINY, **settings.load_options(TINY, True))
    labels, vectors = data[data.attrs["main_variable"]].values, left_singular_vectors(data)
    rows = []

    def observe(step, score, Y):
        r2 = sl.captured_variance(data, Y, vectors=vectors)
        rows.append((score, r2, sl.decoding_accuracy(Y, labels, scale="recorded")))

    sl.maximize(measure, data, observers=[observe])
    scores, captured, accuracy = (np.array(column) for column in zip(*rows, strict=True))
    taken = [0]
    for k, score in enumerate(scores):
        if abs(score - scores[taken[-1]]) >= runner.RECORD or k == len(scores) - 1:
            taken.append(k)
    assert len(taken) < 0.7 * len(scores)
    decoded = taken[:1]
    for k in taken:
        if scores[k] > runner.FINE_FROM or abs(scores[k] - scores[decoded[-1]]) >= runner.DECODED:
            decoded.append(k)
    every, few = (sl.score_to_capture(scores[k], captured[k]) for k in (slice(None), taken))
    np.testing.assert_allclose(few, every, atol=2e-3)
    target = sl.decoding_accuracy(data, labels, scale="recorded")
    every, few = (
        score_at_accuracy(scores[k], accuracy[k], 0.5, target) for k in (slice(None), decoded)
    )
    assert few == pytest.approx(every, abs=6e-3, nan_ok=True)


def test_the_seeds_of_small_data_climb_as_they_would_alone():
    together = experiments.ascents(["toy-2d"], ["cka"], seeds=[0, 1], steps=20)
    alone = experiments.ascents(["toy-2d"], ["cka"], seeds=[1], steps=20)
    both = together[together["seed"] == 1].reset_index(drop=True)
    np.testing.assert_allclose(both[["score", "value"]], alone[["score", "value"]], atol=1e-5)


def test_a_variant_changes_what_it_says_and_the_paper_is_maximize():
    variants = experiments.start_variants([1, 10], ["adam", "sgd"], [1, 0.5])
    assert list(variants) == ["as in the paper", "start times 10", "SGD", "0.5 times the neurons"]
    options = {"steps": 4, "variables": ["response"], "quick": True}
    table = experiments.ascents({TINY: SMALLER}, ["cka"], variants, **options)
    final = table.groupby("variant", sort=False)["score"].last()
    assert final.nunique() == 4
    data = sl.datasets.load(TINY, **SMALLER, variables=["response"])
    expected = sl.maximize("cka", data, seed=0, steps=4).scores[-1]
    assert final["as in the paper"] == pytest.approx(expected, abs=1e-6)
    assert set(table.loc[table["quantity"] == "accuracy", "name"]) == {"response"}
    start = curves.captures(table).groupby("variant")["start"].mean()
    assert start["0.5 times the neurons"] < start["as in the paper"]


def test_a_seed_draws_the_start_and_the_data_together():
    options = {"steps": 3, "snapshots": False}
    both = experiments.ascents({TINY: SMALLER}, ["cka"], seeds=[0, 1], **options)
    one = sl.datasets.load(TINY, **SMALLER, seed=1)
    expected = sl.maximize("cka", one, seed=1, steps=3).scores
    np.testing.assert_allclose(both[both["seed"] == 1]["score"], expected)
    # A seed among the options keeps the draw; what isn't drawn has starts alone.
    fixed = experiments.ascents({TINY: SMALLER | {"seed": 0}}, ["cka"], seeds=[0, 1], **options)
    toy = experiments.ascents(["toy-2d"], ["cka"], seeds=[0, 1], **options)
    for table in (fixed, toy):
        assert table["data_hash"].nunique() == 1 and table.groupby("seed")["score"].last().nunique()
    assert both["data_hash"].nunique() == 2


def test_costly_pairs_run_from_the_first_seed_only():
    few = {TINY: ["nbs"]}
    table = experiments.ascents({TINY: SMALLER}, ["cka", "nbs"], seeds=range(4), steps=2, few=few)
    assert table.groupby("measure")["seed"].nunique().to_dict() == {"cka": 4, "nbs": 1}


def test_unequal_classes_are_decoded_with_balanced_accuracy_too(tmp_path):
    rng = np.random.default_rng(0)
    hit = np.arange(60) % 6 == 0
    X = rng.standard_normal((1, 60, 5)) + 2 * hit[:, None]
    np.savez(tmp_path / "mine.npz", X=X, hit=hit.astype(int))
    references = experiments.references([str(tmp_path / "mine.npz")])
    assert references.groupby("quantity")["chance"].first().round(3).to_dict() == {
        "accuracy": 0.833,
        "balanced accuracy": 0.5,
    }
    table = experiments.ascents([str(tmp_path / "mine.npz")], ["cka"], steps=5)
    first = table[(table["step"] == 0) & (table["scale"] == "common")]
    assert set(first["quantity"]) == {"accuracy", "balanced accuracy"}


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_the_learning_rate_is_that_of_maximize(optimiser):
    variants = {"paper's": {"optimiser": optimiser}, "small": {"optimiser": optimiser, "lr": 0.01}}
    table = experiments.ascents(["toy-2d"], ["cka"], variants, steps=4, snapshots=False)
    data = sl.datasets.load("toy-2d")
    for name, rate in {"paper's": 0.1, "small": 0.01}.items():
        scores = table.loc[table["variant"] == name, "score"]
        expected = sl.maximize("cka", data, steps=4, lr=rate, optimiser=optimiser).scores
        np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_another_target_is_the_gaussian_and_says_that_it_is_none_of_the_data():
    variants = {"X": {}, "Gaussian": {"tails": "gaussian", "draw": 3}}
    table = experiments.ascents({"hierarchy": {}}, ["cka"], variants, steps=3, snapshots=False)
    of_x, of_gaussian = (table[table["variant"] == name] for name in variants)
    assert not of_x["surrogate"].any() and of_gaussian["surrogate"].all()
    data = sl.datasets.load("hierarchy")
    matched = sl.datasets.made.spectrum_matched(data, 3)
    np.testing.assert_allclose(of_gaussian["score"], sl.maximize("cka", matched, steps=3).scores)


def test_a_measure_of_ones_own_is_climbed_from_its_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import simlib as sl\n\ndef half(X, Y):\n    return sl.measure('cka')(X, Y) / 2\n"
    )
    own = experiments.ascents(["toy-2d"], [f"{path}:half"], steps=3)
    assert set(own["measure"]) == {"half"}
    cka = experiments.ascents(["toy-2d"], ["cka"], steps=3)
    assert own["score"].iloc[0] == pytest.approx(cka["score"].iloc[0] / 2, abs=1e-6)


def test_wrong_names_are_refused_before_anything_runs(results):
    for options, message in (
        ((["toy-2d"], ["ckaa"]), "unknown measure 'ckaa'"),
        ((["toy-2d"], ["procrustes-euclidean"]), "is a distance"),
        ((["toy-3d"], ["cka"]), "unknown dataset 'toy-3d'"),
        (([], ["cka"]), "datasets is empty"),
        (("toy-2d", []), "measures is empty"),
    ):
        with pytest.raises(ValueError, match=message):
            experiments.ascents(*options, steps=2)
    with pytest.raises(ValueError, match=r"toy-2d can't be decoded by 'choice'.*at least 5 trials"):
        experiments.references("toy-2d")
    assert not results.exists()


@pytest.mark.unchecked
def test_bound_measures_are_accepted_and_callables_are_not():
    table = experiments.ascents(["toy-2d"], [sl.measure("ridge-cv", penalty=10)], steps=3)
    assert set(table["measure"]) == {"ridge-cv--folds-5--penalty-10"}
    with pytest.raises(ValueError, match=r"use sl\.maximize"):
        experiments.ascents(["toy-2d"], [lambda A, B: B.sum()], steps=3)


def test_quick_runs_are_smaller_and_never_served_as_papers(monkeypatch):
    monkeypatch.setenv("SIMLIB_QUICK", "1")
    assert settings.is_quick(False)
    monkeypatch.setenv("SIMLIB_QUICK", "0")
    assert not settings.is_quick(False) and settings.is_quick(True)
    names, five = ["surrogate-mante2013", "my.npz"], list(sl.datasets.made.SURROGATES)
    assert settings.quick_datasets(names, True) == names
    assert settings.quick_datasets(five, False) == five
    assert settings.quick_datasets(five, True) == list(settings.QUICK_SURROGATES)
    assert settings.load_options("my.npz", True) == {} == settings.load_options(TINY, False)
    assert settings.load_options("surrogate-mante2013", True) == {}
    assert settings.load_options(TINY, True) != {}


# -- The rotation of samples


INVARIANT = ("cka", "cka-angular-score", "nbs", "procrustes-angular-score", "linreg")


def largest_difference(measure: str, optimiser: str, samples: int = 40, neurons: int = 8) -> float:
    """Between the scores of an ascent and of the same ascent after a rotation of the samples, over
    10 steps.
    """
    rng = np.random.default_rng(0)
    X, start = rng.standard_normal((2, samples, neurons))
    Q = sl.datasets.made.rotation_of_samples(samples, seed=1)
    options = {"optimiser": optimiser, "steps": 10, "stop": 1.0, "dtype": torch.float64}
    scores = sl.maximize(measure, X, start=start, **options).scores
    rotated = sl.maximize(measure, Q @ X, start=Q @ start, **options).scores
    assert scores[0] == pytest.approx(rotated[0], abs=1e-12) or measure not in INVARIANT
    return np.abs(scores - rotated).max()


@pytest.mark.parametrize("measure", INVARIANT)
def test_plain_steps_depend_on_no_rotation_of_the_samples_and_adams_do(measure):
    assert largest_difference(measure, "sgd") < 1e-9
    assert largest_difference(measure, "adam") > 1e-3


@pytest.mark.parametrize("measure", ["ridge-cv", "rsa-euclidean-corr"])
def test_measures_tied_to_single_samples_depend_on_it_with_any_steps(measure):
    assert largest_difference(measure, "sgd") > 1e-3


# -- Every parameter has an effect


class Recorded(Exception):
    """Raised in the place of a run, with what would have run."""


CALLS = {
    "ascents": (
        lambda **o: experiments.ascents(**{"datasets": ["toy-2d"], "measures": ["cka"]} | o),
        {
            "datasets": [TINY],
            "measures": ["nbs"],
            "variants": {"x": {"scale": 2.0}},
            "seeds": [3],
            "steps": 7,
            "variables": ["choice"],
            "snapshots": False,
            "spacing": 0.2,
            "scales": ["common"],
            "quick": True,
            "jobs": 2,
            "device": "cuda",
        },
    ),
    "joint_ranges": (
        lambda **o: joint_score_ranges.joint_ranges(
            **{"datasets": ["toy-2d"], "pairs": [("cka", "nbs")]} | o
        ),
        {
            "datasets": ["hierarchy"],
            "pairs": [("linreg", "nbs")],
            "points": 3,
            "seeds": [3],
            "steps": 7,
            "power": 2,
            "jobs": 2,
        },
    ),
    "replacements": (
        lambda **o: theory_sensitivity.replacements(
            **{"datasets": [TINY], "measures": ["cka"]} | o
        ),
        {
            "datasets": ["surrogate-freemanziemba2013"],
            "measures": ["nbs"],
            "seeds": [3],
            "quick": True,
            "jobs": 2,
        },
    ),
    "noise_scores": (
        lambda **o: chance_level.noise_scores(
            **{"names": ["cka"], "samples": 5, "neurons": [3]} | o
        ),
        {"names": ["nbs"], "samples": 6, "neurons": [4], "seeds": [3], "jobs": 2},
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_parameter_changes_what_runs(name, monkeypatch):
    call, changes = CALLS[name]

    def record(function, tasks, jobs=1, costs=None):
        raise Recorded(repr((list(tasks), jobs)))

    monkeypatch.setattr(store, "run", record)

    def what_runs(**options):
        with pytest.raises(Recorded) as stopped:
            call(**options)
        return str(stopped.value)

    plain = what_runs()
    assert plain == what_runs()
    for parameter, value in changes.items():
        assert what_runs(**{parameter: value}) != plain, f"{parameter} has no effect"
