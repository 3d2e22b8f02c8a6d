"""Laws of the experiments: what is finished is kept and found again; tables say what they are."""

import numpy as np
import pandas as pd
import pytest

import simlib as sl
from simlib import cache, experiments
from simlib.components import left_singular_vectors
from simlib.decoding import score_at_accuracy
from simlib.experiments import settings, store, summaries
from simlib.experiments.ascents import RECORD


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
    monkeypatch.setattr(cache, "code", lambda file: {"simlib/linalg.py": "other code"})
    assert store.fingerprint(table_of, {"value": 1}) != plain


def test_progress_is_written_where_asked(results, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_PROGRESS", str(tmp_path / "progress"))
    store.run(table_of, [{"value": k} for k in range(2)])
    lines = (tmp_path / "progress").read_text().splitlines()
    assert [line.split()[:2] for line in lines] == [["0", "2"], ["1", "2"], ["2", "2"]]


TINY = "surrogate-siegel2015"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Two measures, two seeds on the quick surrogate."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMLIB_RESULTS", str(tmp_path_factory.mktemp("results")))
        options = {"seeds": [0, 1], "steps": 60, "quick": True}
        table = experiments.ascents([TINY], ["cka", "procrustes-angular-score"], **options)
        return table, experiments.references([TINY], quick=True)


def test_tables_are_tidy_and_say_what_they_are(tiny):
    table, references = tiny
    assert set(table["settings"]) == {"quick"} and table["surrogate"].all()
    assert table["data_hash"].nunique() == 1 and "surrogate" in table["title"].iloc[0]
    assert pd.api.types.is_integer_dtype(table["pc"])
    assert set(table["quantity"]) == {"accuracy", "captured variance"}
    assert references["chance"].iloc[0] == 0.5 and len(references) == 5


def test_a_row_of_the_table_is_what_its_snapshot_gives(tiny):
    table, _ = tiny
    data = sl.datasets.load(TINY, **settings.load_options(TINY, True))
    run = table[(table["measure"] == "cka") & (table["seed"] == 1)]
    step = int(run["step"].max())
    Y = sl.maximize("cka", data, seed=1, steps=60).Y
    last = run[run["step"] == step]
    assert last["score"].iloc[0] == pytest.approx(sl.score("cka", data, Y), abs=1e-5)
    accuracy = last[last["quantity"] == "accuracy"]["value"].mean()
    assert accuracy == pytest.approx(sl.decoding_accuracy(Y, data["context"].values), abs=1e-3)
    r2 = last[last["quantity"] == "captured variance"].sort_values("pc")["value"]
    np.testing.assert_allclose(r2, sl.captured_variance(data, Y), atol=1e-3)


@pytest.mark.parametrize("measure", ["cka", "nbs", "procrustes-angular-score", "ridge-cv"])
def test_snapshots_where_the_score_moved_draw_the_curves_of_every_step(measure):
    """Scores at which PCs are captured and at which decoding crosses: within 0.002 of those from
    every step.
    """
    data = sl.datasets.load(TINY, **settings.load_options(TINY, True))
    labels, vectors = data[data.attrs["main_variable"]].values, left_singular_vectors(data)
    rows = []
    sl.maximize(
        measure,
        data,
        observers=[
            lambda step, score, Y: rows.append(
                (
                    score,
                    sl.captured_variance(data, Y, vectors=vectors),
                    sl.decoding_accuracy(Y, labels),
                )
            )
        ],
    )
    scores, captured, accuracy = (np.array(column) for column in zip(*rows, strict=True))
    taken = [0]
    for k, score in enumerate(scores):
        if abs(score - scores[taken[-1]]) >= RECORD or k == len(scores) - 1:
            taken.append(k)
    assert len(taken) < 0.7 * len(scores)
    every, few = (sl.score_to_capture(scores[k], captured[k]) for k in (slice(None), taken))
    np.testing.assert_allclose(few, every, atol=2e-3)
    target = sl.decoding_accuracy(data, labels)
    every, few = (
        score_at_accuracy(scores[k], accuracy[k], 0.5, target) for k in (slice(None), taken)
    )
    assert few == pytest.approx(every, abs=2e-3, nan_ok=True)


def test_crossings_and_capture_have_a_row_a_run(tiny):
    table, references = tiny
    crossings = experiments.crossings(table, references)
    assert len(crossings) == 4 and (crossings["target"].nunique() == 1)
    assert experiments.crossing_table(crossings).columns.tolist() == [
        "cka",
        "procrustes-angular-score",
    ]
    capture = experiments.capture_scores(table, quick=True)
    assert len(capture) == 4 * 40 and capture["score"].dropna().between(-1, 1).all()


def test_curves_are_the_mean_and_spread_of_the_runs_at_each_score():
    runs = []
    for seed, lift in ((0, 0.0), (1, 0.2)):
        score = np.array([0.0, 0.5, 0.4, 1.0])  # falls back once: only the first pass counts
        runs.append(
            pd.DataFrame(
                {
                    "dataset": "A",
                    "measure": "cka",
                    "seed": seed,
                    "fold": 0,
                    "step": range(4),
                    "score": score,
                    "pc": -1,
                    "quantity": "accuracy",
                    "value": score + lift,
                    "title": "A",
                    "settings": "paper",
                    "surrogate": False,
                }
            )
        )
    curves = summaries.accuracy_curves(pd.concat(runs), width=0.25)
    np.testing.assert_allclose(curves["score"], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(curves["mean"], curves["score"] + 0.1)
    np.testing.assert_allclose(curves["high"] - curves["low"], 0.2)


def test_never_is_told_from_a_number():
    crossings = pd.DataFrame(
        {
            "title": "A",
            "measure": ["cka", "cka", "nbs"],
            "seed": [0, 1, 0],
            "score": [0.5, np.nan, 0.25],
        }
    )
    assert experiments.crossing_table(crossings).to_dict("list") == {
        "cka": ["never"],
        "nbs": ["0.25"],
    }


def test_claims_fail_where_the_numbers_say_otherwise():
    def crossing(dataset, cka):
        return pd.DataFrame(
            {
                "dataset": dataset,
                "measure": ["cka", "linreg", "procrustes-angular-score"],
                "seed": 0,
                "score": [cka, 0.97, 0.6],
                "surrogate": True,
            }
        )

    holds = experiments.claims_about_crossings(crossing("surrogate-mante2013", 0.9))
    fails = experiments.claims_about_crossings(crossing("surrogate-mante2013", 0.61))
    assert holds["holds"].all() and holds["asserted"].all()
    assert not fails["holds"].all()
    reported = experiments.claims_about_crossings(crossing("surrogate-freemanziemba2013", 0.61))
    assert not reported["asserted"].any()
    own = crossing("/some/recording.npz", 0.61).assign(surrogate=False)
    assert not experiments.claims_about_crossings(own)["asserted"].any()
    never = experiments.claims_about_crossings(crossing("surrogate-mante2013", np.nan))
    assert never["holds"].all()


def test_quick_runs_are_smaller_and_never_served_as_papers(monkeypatch):
    monkeypatch.setenv("SIMLIB_QUICK", "1")
    assert settings.is_quick(False)
    monkeypatch.setenv("SIMLIB_QUICK", "0")
    assert not settings.is_quick(False) and settings.is_quick(True)
    names, five = ["surrogate-mante2013", "my.npz"], list(sl.datasets.surrogates.SURROGATES)
    assert (
        settings.quick_datasets(names, True) == names
        and settings.quick_datasets(five, False) == five
    )
    assert settings.quick_datasets(five, True) == list(settings.QUICK_SURROGATES)
    assert settings.load_options("my.npz", True) == {} == settings.load_options(TINY, False)
    assert (
        settings.load_options("surrogate-mante2013", True)
        == {}
        != settings.load_options(TINY, True)
    )


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


def test_bound_measures_are_accepted_and_callables_are_not():
    table = experiments.ascents(["toy-2d"], [sl.measure("ridge-cv", penalty=10)], steps=3)
    assert set(table["measure"]) == {"ridge-cv--folds-5--penalty-10"}
    with pytest.raises(ValueError, match=r"use sl\.maximize"):
        experiments.ascents(["toy-2d"], [lambda A, B: B.sum()], steps=3)


def test_a_measure_that_one_seed_never_brings_there_counts_as_never():
    crossings = pd.DataFrame(
        {
            "dataset": "surrogate-mante2013",
            "measure": ["cka", "cka", "procrustes-angular-score"],
            "seed": [0, 1, 0],
            "score": [0.5, np.nan, 0.6],
            "surrogate": True,
        }
    )
    first = experiments.claims_about_crossings(crossings).iloc[0]
    assert first["holds"] and "CKA never" in first["evidence"]


def test_the_estimate_of_ranges_counts_descents():
    data = sl.datasets.load("toy-2d")
    text = experiments.estimate_ranges(data, ["cka", "nbs"], "linreg", [0], 4, 10, 1)
    assert "24 descents of up to 10 steps, 1 at once" in text and "GB of memory" in text


def test_the_estimate_counts_what_will_run():
    data = sl.datasets.load(TINY, trials=40, neurons=10)
    text = experiments.estimate(data, ["cka", "nbs"], [0, 1], 50, 2)
    assert (
        "4 ascents of up to 50 steps (measures: 2, seeds: 2), 2 at once" in text
        and "GB of memory" in text
    )


class Recorded(Exception):
    """Raised in the place of a run, with what would have run."""


@pytest.mark.parametrize(
    "call, changes",
    [
        (
            lambda **o: experiments.ascents(**{"datasets": ["toy-2d"], "measures": ["cka"]} | o),
            {
                "datasets": [TINY],
                "measures": ["nbs"],
                "seeds": [3],
                "steps": 7,
                "quick": True,
                "jobs": 2,
                "device": "cuda",
            },
        ),
        (
            lambda **o: experiments.joint_ranges(
                **{"datasets": ["toy-2d"], "pairs": [("cka", "nbs")]} | o
            ),
            {
                "datasets": ["hierarchy"],
                "pairs": [("linreg", "nbs")],
                "points": 3,
                "seeds": [3],
                "steps": 7,
                "jobs": 2,
            },
        ),
        (
            lambda **o: experiments.replacements(**{"datasets": [TINY], "measures": ["cka"]} | o),
            {
                "datasets": ["surrogate-freemanziemba2013"],
                "measures": ["nbs"],
                "seeds": [3],
                "jobs": 2,
            },
        ),
        (
            lambda **o: experiments.noise_scores(
                **{"names": ["cka"], "samples": 5, "neurons": [3]} | o
            ),
            {"names": ["nbs"], "samples": 6, "neurons": [4], "seeds": [3], "jobs": 2},
        ),
    ],
    ids=["ascents", "joint_ranges", "replacements", "noise_scores"],
)
def test_each_parameter_changes_what_runs(call, changes, monkeypatch):
    def record(function, tasks, jobs=1, costs=None):
        raise Recorded(repr((list(tasks), jobs)))

    monkeypatch.setattr(store, "run", record)

    def what_runs(**options):
        with pytest.raises(Recorded) as found:
            call(**options)
        return str(found.value)

    plain = what_runs()
    assert plain == what_runs()
    for name, value in changes.items():
        assert what_runs(**{name: value}) != plain, f"{name} has no effect"
