"""Laws of what is read from tables of ascents: curves, crossings, scores that capture PCs."""

import numpy as np
import pandas as pd
import pytest

import simlib as sl
from simlib.experiments import curves

FACTS = {"title": "A", "settings": "paper", "surrogate": False, "data_hash": "0", "steps": 10}


def run_of(scores, values, seed=0, dataset="A", measure="cka", **more) -> pd.DataFrame:
    """Accuracies of one run at the recorded scale; `more` replaces columns."""
    table = pd.DataFrame({"step": range(len(scores)), "score": scores, "value": values})
    keys = {"dataset": dataset, "measure": measure, "variant": "paper", "seed": seed}
    kind = {"quantity": "accuracy", "name": "choice", "scale": "recorded", "pc": -1}
    return table.assign(**kind | keys | FACTS | more)


def references(reference=0.9, chance=0.5, dataset="A") -> pd.DataFrame:
    row = {"dataset": dataset, "variable": "choice", "accuracy": reference, "chance": chance}
    return pd.DataFrame([row])


def test_curves_hold_every_run_at_the_same_scores():
    score = np.array([0.0, 0.5, 0.4, 1.0])  # falls back once: only the first pass counts
    runs = [run_of(score, score + lift, seed) for seed, lift in ((0, 0.0), (1, 0.2))]
    table = curves.accuracy_curves(pd.concat(runs), width=0.25)
    wide = table.pivot(index="score", columns="seed", values="value")
    np.testing.assert_allclose(wide.index, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(wide[0], wide.index)
    np.testing.assert_allclose(wide[1] - wide[0], 0.2)


def test_a_run_is_not_continued_beyond_its_scores():
    table = curves.accuracy_curves(run_of([0.12, 0.58], [0.5, 0.6]), width=0.1)
    np.testing.assert_allclose(table["score"], [0.2, 0.3, 0.4, 0.5])


def test_a_crossing_is_where_90_percent_of_the_way_is_gone():
    scores = np.linspace(0, 1, 11)
    table = run_of(scores, 0.5 + 0.4 * scores)
    (row,) = curves.crossings(table, references()).to_dict("records")
    assert row["target"] == pytest.approx(0.86) and row["score"] == pytest.approx(0.9)
    assert row["furthest"] == pytest.approx(1) and row["final_score"] == 1
    assert row["variable"] == "choice"
    assert curves.crossings(table, references(), share=0.5)["score"].item() == pytest.approx(0.5)
    never = curves.crossings(table, references(reference=1.5))
    assert np.isnan(never["score"].item()) and never["furthest"].item() == pytest.approx(0.4)
    assert curves.shares(table, references(), 0.75)["share"].item() == pytest.approx(0.75)
    assert np.isnan(curves.shares(table[:-1], references(), 0.95)["share"].item())


def test_each_run_is_held_against_its_own_draw_of_the_data():
    scores = np.linspace(0, 1, 11)
    table = pd.concat([run_of(scores, 0.5 + 0.4 * scores, seed) for seed in (0, 1)])
    drawn = pd.concat([references(r).assign(seed=s) for s, r in enumerate((0.9, 0.7))])
    found = curves.crossings(table, drawn).set_index("seed")["score"]
    assert found[0] == pytest.approx(0.9) and found[1] == pytest.approx(0.45)


def test_each_scale_has_its_own_curve_and_reference():
    scores = np.linspace(0, 1, 11)
    runs = {"recorded": 0.5 + 0.4 * scores, "common": 0.5 + 0.4 * scores**2}
    table = pd.concat([run_of(scores, values, scale=scale) for scale, values in runs.items()])
    both = [references(r).assign(scale=s) for s, r in (("recorded", 0.9), ("common", 0.8))]
    levels = pd.concat(both).assign(quantity="accuracy")
    for scale, expected in (("recorded", 0.9), ("common", np.sqrt(0.675))):
        (found,) = curves.crossings(table, levels, scale=scale)["score"]
        assert found == pytest.approx(expected, abs=2e-3)
        assert set(curves.accuracy_curves(table, scale=scale)["scale"]) == {scale}


def test_balanced_accuracy_decides_where_it_is():
    scores = np.linspace(0, 1, 11)
    plain, balanced = 0.9 + 0.05 * scores, 0.5 + 0.4 * scores
    table = pd.concat(
        [
            run_of(scores, plain),
            run_of(scores, balanced, quantity="balanced accuracy"),
            run_of(scores, balanced, dataset="B"),
        ]
    )
    levels = pd.concat(
        [
            references(0.95, 0.9).assign(quantity="accuracy"),
            references(0.9, 0.5).assign(quantity="balanced accuracy"),
            references(0.9, 0.5, dataset="B").assign(quantity="accuracy"),
        ]
    ).assign(scale="recorded")
    found = curves.crossings(table, levels)
    assert len(found) == 2 and found["target"].tolist() == pytest.approx([0.86, 0.86])
    drawn = curves.accuracy_curves(table).groupby("dataset")["quantity"].unique()
    assert drawn["A"].tolist() == ["balanced accuracy"] and drawn["B"].tolist() == ["accuracy"]


def test_runs_are_summed_up_by_median_and_range_and_never_is_counted():
    assert curves.over_runs([0.5]) == "0.50"
    assert curves.over_runs([0.9, 0.5, 0.6]) == "0.60 (0.50 to 0.90)"
    assert curves.over_runs([0.5, np.nan, 0.7]) == "never in 1 of 3, else 0.60 (0.50 to 0.70)"
    assert curves.over_runs([np.nan, np.nan]) == "never in 2 of 2"
    table = pd.DataFrame({"title": "A", "measure": ["cka", "cka", "nbs"], "seed": [0, 1, 0]})
    words = curves.crossing_table(table.assign(score=[0.5, np.nan, 0.25]))
    assert words.to_dict("list") == {"cka": ["never in 1 of 2, else 0.50"], "nbs": ["0.25; 1 runs"]}


def test_no_relabelling_of_the_score_changes_what_is_decoded_by_captured_pcs():
    scores = np.linspace(0, 1, 11)
    r2 = np.column_stack([scores, scores**2, scores**8])
    runs = []
    for measure, label in (("nbs", scores), ("cka", 1 - (1 - scores) ** 3)):
        parts = run_of(label, 0.5 + 0.4 * scores, measure=measure), captured(r2, label)
        runs.append(pd.concat(parts).assign(measure=measure, variant="paper"))
    found = curves.accuracy_by_capture(pd.concat(runs), references())
    of = {name: run.reset_index(drop=True) for name, run in found.groupby("measure")}
    assert not np.allclose(of["nbs"]["score"], of["cka"]["score"])
    columns = ["captured", "share"]
    pd.testing.assert_frame_equal(of["nbs"][columns], of["cka"][columns])
    assert of["nbs"]["captured"].tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3]
    np.testing.assert_allclose(of["nbs"]["share"], scores)


def captured(r2: np.ndarray, scores: np.ndarray, variant="X", seed=0) -> pd.DataFrame:
    """R^2 (snapshots, PCs) of one run as a table of ascents."""
    steps, pcs = r2.shape
    table = pd.DataFrame({"step": np.repeat(range(steps), pcs), "score": np.repeat(scores, pcs)})
    table = table.assign(pc=np.tile(range(1, pcs + 1), steps), value=r2.ravel())
    table["explained_variance"] = 1 / table["pc"]
    keys = {"dataset": "A", "measure": "cka", "variant": variant, "seed": seed}
    return table.assign(quantity="captured variance", name="", scale="", **keys, **FACTS)


def test_captures_are_those_of_each_run():
    scores = np.linspace(0, 1, 21)
    r2 = np.column_stack([scores, scores**2, scores * 0.4])
    table = pd.concat([captured(r2, scores), captured(r2**2, scores, seed=1)])
    found = curves.captures(table.sample(frac=1, random_state=0))
    for seed, power in ((0, 1), (1, 2)):
        run = found[found["seed"] == seed].sort_values("pc")
        np.testing.assert_allclose(run["score"], sl.score_to_capture(scores, r2**power))
        np.testing.assert_allclose(run["explained_variance"], [1, 1 / 2, 1 / 3])
        assert (run["start"] == 0).all() and (run["final_score"] == 1).all()
    last = curves.captures(table, score_of=lambda scores, r2: np.full(r2.shape[1], scores[-1]))
    assert (last["score"] == 1).all()


def captures_of(scores: dict[str, np.ndarray]) -> pd.DataFrame:
    """Capture scores of 20 PCs in two or more variants."""
    rows = [
        {"variant": variant, "pc": pc + 1, "score": value}
        for variant, values in scores.items()
        for pc, value in enumerate(values)
    ]
    facts = {"dataset": "x", "measure": "cka", "seed": 0, "explained_variance": 0.05}
    facts |= {"start": 0.1, "final_score": 0.99}
    return pd.DataFrame(rows).assign(**facts, **FACTS)


RISING = np.linspace(0.2, 0.9, 20)


def test_order_is_the_correlation_of_rank_and_score_over_captured_pcs():
    few = np.r_[RISING[:4], np.full(16, np.nan)]
    gap = np.r_[RISING[:9], np.nan, RISING[9], np.full(9, np.nan)]
    table = captures_of({"up": RISING, "down": RISING[::-1], "few": few, "gap": gap})
    orders = curves.capture_order(table).set_index("variant")
    assert orders["order"].dropna().round(9).to_dict() == {"up": 1, "down": -1, "gap": 1}
    assert orders["captured"].to_dict() == {"up": 20, "down": 20, "few": 4, "gap": 10}
    assert orders.loc["gap", "last"] == 11


def test_variants_are_compared_over_what_both_capture():
    other = np.r_[RISING[:10] + 0.05, np.full(10, np.nan)]
    (row,) = curves.capture_differences(captures_of({"X": RISING, "G": other}), "X").to_dict(
        "records"
    )
    assert row["variant"] == "G" and row["difference"] == pytest.approx(0.05)
    assert row["correlation"] == pytest.approx(1)


def test_penalties_are_read_from_the_measures():
    names = ["ridge-cv--folds-5--penalty-1", "ridge-cv--folds-5--penalty-10000"]
    table = curves.with_penalty(pd.DataFrame({"measure": names}))
    assert table["penalty"].tolist() == [1, 10000]


def test_a_power_law_is_found_again():
    x = np.array([0.1, 0.3, 2.0])
    assert curves.power_law(x, 5 * x**1.5) == pytest.approx(1.5)
