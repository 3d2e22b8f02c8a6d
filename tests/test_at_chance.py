"""Where X itself can't be told from chance there is nothing to cross, and nothing to claim."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from test_curves import captured, run_of

import simlib as sl
from simlib import experiments, plots
from simlib.experiments import claims, curves, evidence, runner, score_vs_decodability

SCORES = np.linspace(0, 1, 11)
EARLY = "procrustes-angular-score"


def references(accuracy: float, guessed: float = 0.6, **facts) -> pd.DataFrame:
    row = {"dataset": "mine.npz", "variable": "choice", "accuracy": accuracy, "chance": 0.5}
    return pd.DataFrame([row | {"guessed": guessed} | facts])


def ascents(measures=("cka", EARLY), **facts) -> pd.DataFrame:
    values = 0.5 + 0.1 * np.sin(9 * SCORES)
    runs = [run_of(SCORES, values, dataset="mine.npz", measure=name, **facts) for name in measures]
    return pd.concat(runs, ignore_index=True)


# -- The rule


@pytest.mark.parametrize("classes, trials", [(2, 40), (8, 96), (4, 20)])
def test_guessing_passes_the_bound_about_as_often_as_two_standard_errors_are(classes, trials):
    labels = np.arange(trials) % classes
    bound, rng = runner.beyond_guessing(labels), np.random.default_rng(0)
    right = [(rng.permutation(labels) == rng.integers(classes, size=trials)) for _ in range(4000)]
    assert 0.005 < (np.mean(right, axis=1) > bound).mean() < 0.05
    assert bound == pytest.approx(
        sl.decoding.chance(labels) + 2 * np.sqrt((classes - 1) / classes**2 / trials)
    )


def test_repeats_of_a_group_are_no_further_evidence():
    labels, groups = np.repeat(["a", "b"] * 10, 5), np.repeat(np.arange(20), 5)
    assert runner.beyond_guessing(labels, groups) == pytest.approx(
        runner.beyond_guessing(["a", "b"] * 10)
    )
    # Runs that hold every class once: each trial counts.
    runs = np.repeat(np.arange(50), 2)
    assert runner.beyond_guessing(["a", "b"] * 50, runs) == pytest.approx(
        runner.beyond_guessing(["a", "b"] * 50)
    )


def test_the_bound_of_balanced_accuracy_is_that_of_its_smallest_classes():
    labels, rng = np.repeat([0, 1], [90, 10]), np.random.default_rng(1)
    bound = runner.beyond_guessing(labels, balanced=True)
    hits = rng.integers(2, size=(4000, 100)) == labels
    balanced = (hits[:, :90].mean(1) + hits[:, 90:].mean(1)) / 2
    assert bound == pytest.approx(0.5 + 2 * balanced.std(), abs=0.01)
    assert bound > runner.beyond_guessing([0, 1] * 50)


@pytest.mark.parametrize(
    "accuracy, at_chance", [(0.4, True), (0.5, True), (0.6, True), (0.61, False)]
)
def test_only_what_exceeds_guessing_can_be_crossed(accuracy, at_chance):
    table, known = ascents(), references(accuracy)
    rows = [curves.crossings(table, known), curves.shares(table, known)]
    for found in rows:
        assert (found["note"] == (curves.AT_CHANCE if at_chance else "")).all()
    assert rows[0]["target"].isna().all() == at_chance


def test_the_table_of_references_has_the_bound(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))
    labels = np.array(["a", "b"])[np.arange(20) % 2]
    noise = np.random.default_rng(0).normal(size=(1, 20, 4))
    np.savez(tmp_path / "noise.npz", X=noise, choice=labels)
    known = experiments.references([str(tmp_path / "noise.npz")])
    np.testing.assert_allclose(known["guessed"], runner.beyond_guessing(labels))


def test_no_surrogate_is_near_chance(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))
    for name in ("surrogate-siegel2015", "surrogate-mante2013"):
        for scale in ("recorded", "common"):
            known = experiments.references([name], quick=True)
            assert curves.levels(known, scale)["clear"].all(), (name, scale)


# -- What is said


def test_words_and_tables_say_that_there_is_nothing_to_cross():
    table, known = ascents(), references(0.55)
    crossings, shares = curves.crossings(table, known), curves.shares(table, known)
    cells = curves.crossing_table(crossings), curves.crossing_table(shares, "share")
    words = score_vs_decodability.distance_in_words(shares, crossings)
    lines = [cell.item() for of_table in cells for _, cell in of_table.items()]
    lines += [words, score_vs_decodability.shares_in_words(shares)]
    for line in lines:
        assert curves.AT_CHANCE in line
        assert "never" not in line and "nan" not in line and "90%" not in line


def test_runs_at_chance_are_counted_beside_those_that_are_not():
    table = pd.concat([ascents(seed=0), ascents(seed=1)])
    known = pd.concat([references(0.55, seed=0), references(0.62, seed=1)])
    cell = curves.crossing_table(curves.crossings(table, known))["cka"].item()
    assert cell.endswith(f"; {curves.AT_CHANCE} (1 of 2 runs)") and not cell.startswith("X")


def test_a_run_that_starts_above_the_score_is_told():
    table = ascents(["cka"]).assign(score=lambda rows: 0.95 + 0.04 * rows["score"])
    shares = curves.shares(table, references(0.9))
    assert curves.crossing_table(shares, "share")["cka"].item() == "noise scores more than 0.9"
    words = score_vs_decodability.distance_in_words(
        shares, curves.crossings(table, references(0.9))
    )
    assert "Noise scores more than 0.9. No run goes 90% of it" in words


def test_no_claim_is_called_true_or_false():
    table, known = ascents(), references(0.55)
    crossings = curves.crossings(table, known)
    values = [evidence.decoding_values(crossings), evidence.common_scale_values(crossings)]
    verdicts = claims.verdicts(pd.concat(values))
    judged = verdicts.set_index("claim")["holds"]
    reaches = judged.pop(claims.CLAIMS["reaches the end"].sentence)
    assert reaches in (True, False) and len(judged) == 4
    assert (judged == f"not tested: {curves.AT_CHANCE}").all()
    assert not verdicts["asserted"].any()
    assert claims.judge(pd.concat(values))["claim"].tolist() == ["reaches the end"]
    told = claims.overview(pd.concat(values)).set_index("claim")
    row = told.loc[claims.CLAIMS["CKA decodes late"].sentence]
    assert row["holds"] == "not tested" and curves.AT_CHANCE in row["evidence"]


def test_untested_runs_stand_beside_the_others():
    rows = [
        ("CKA decodes late", "mine.npz", 0, 0.9),
        ("CKA decodes late", "mine.npz", 1, 0.2, "why"),
    ]
    (row,) = claims.verdicts(claims.values(rows)).to_dict("records")
    assert bool(row["holds"]) and row["evidence"] == "0.90 (1 run); 1 run not tested: why"


def test_what_noise_scores_highly_is_no_evidence_of_a_late_crossing():
    table = ascents().assign(score=lambda rows: 0.9 + 0.09 * rows["score"])
    crossings = curves.crossings(table, references(0.9))
    verdicts = claims.verdicts(evidence.decoding_values(crossings)).set_index("claim")["holds"]
    late = verdicts[claims.CLAIMS["CKA decodes late"].sentence]
    assert late == "not tested: CKA of noise is 0.90 from the start"


def test_relabelled_measures_are_not_compared_there():
    parts = [ascents(("cka", "cka-angular-score"))]
    r2 = np.column_stack([SCORES] * 6)
    for measure in ("cka", "cka-angular-score"):
        parts.append(
            captured(r2, SCORES, variant="paper").assign(dataset="mine.npz", measure=measure)
        )
    learned = curves.accuracy_by_capture(pd.concat(parts), references(0.55))
    (row,) = claims.verdicts(evidence.relabelled_values(learned)).to_dict("records")
    assert row["holds"] == f"not tested: {curves.AT_CHANCE}"
    figure, ax = plt.subplots()
    plots.share_against_captured(learned, ax)
    assert curves.AT_CHANCE in [text.get_text() for text in ax.texts]
    plt.close(figure)


def test_the_figure_has_no_marker_and_says_why():
    table, known = ascents(), references(0.55)
    figure, ax = plt.subplots()
    drawn = curves.accuracy_curves(table), curves.crossings(table, known), known
    plots.accuracy_against_score(*drawn, ax)
    assert curves.AT_CHANCE in [text.get_text() for text in ax.texts]
    assert not [line for line in ax.lines if len(line.get_xdata()) == 1]
    plt.close(figure)


def test_too_few_components_for_an_order_are_told():
    r2 = np.column_stack([SCORES, SCORES**2, SCORES**3])
    parts = [captured(r2, SCORES).assign(measure=measure) for measure in ("cka", EARLY)]
    values = evidence.capture_values(curves.captures(pd.concat(parts)))
    verdicts = claims.verdicts(values).set_index("claim")["holds"]
    order = verdicts[claims.CLAIMS["large PCs first"].sentence]
    assert order == "not tested: fewer than 5 PCs to tell it by"
