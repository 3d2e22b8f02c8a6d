"""The scorecard: its rule, the authors' conventions, and that it works with and without the
published tables.
"""

import numpy as np
import pandas as pd
import pytest
from test_claims import holding

from simlib import components
from simlib.datasets import paper
from simlib.experiments import claims, curves
from simlib.experiments import published_vs_reproduced as module

NAMES = [f"surrogate-{name}" if name != "hierarchy" else name for name in paper.PUBLISHED_TABLES]
SIEGEL, FREEMAN = "surrogate-siegel2015", "surrogate-freemanziemba2013"

needs_tables = pytest.mark.skipif(
    paper.published_folder() is None,
    reason="the published tables are not on this machine: run `make scorecard`",
)
FACTS = {"title": "Siegel", "settings": "quick", "surrogate": True, "data_hash": "0"}


def made_up(dataset: str = SIEGEL, seeds: int = 3) -> pd.DataFrame:
    """A table of ascents of CKA and angular Procrustes in which all is known: accuracy and R^2 of 4
    PCs.
    """
    parts, scores = [], np.linspace(0.1, 1.0, 10)
    variable = paper.PUBLISHED_TABLES[dataset.removeprefix("surrogate-")].variable
    for measure, power in (("cka", 8.0), ("procrustes-angular-score", 1.0)):
        for seed in range(seeds):
            run = pd.DataFrame({"step": range(10), "score": scores, "scale": "", "pc": -1})
            run = run.assign(dataset=dataset, measure=measure, seed=seed, variant="paper", name="")
            accuracy = run.assign(quantity="accuracy", name=variable, scale="recorded")
            accuracy["value"] = 0.5 + 0.4 * scores**power + 0.001 * seed
            parts.append(accuracy)
            captured = run.assign(quantity="captured variance")
            parts += [
                captured.assign(pc=pc, value=scores ** (power * pc), explained_variance=0.25)
                for pc in range(1, 5)
            ]
    return pd.concat(parts, ignore_index=True).assign(steps=10, **FACTS)


def references_of(*names: str, accuracy: float = 0.9) -> pd.DataFrame:
    rows = [
        {
            "dataset": name,
            "variable": paper.PUBLISHED_TABLES[name.removeprefix("surrogate-")].variable,
        }
        for name in names
    ]
    return pd.DataFrame(rows).assign(accuracy=accuracy, chance=0.5)


# -- The rule and the conventions


@pytest.mark.parametrize(
    ("difference", "spread", "word"),
    [
        (0.019, 0, "inside"),
        (-0.021, 0, "near"),
        (0.051, 0, "off"),
        (0.1, 0.051, "inside"),
        (-0.1, 0.03, "near"),
        (0.2, 0.049, "off"),
        (np.nan, 0.1, ""),
    ],
)
def test_the_rule(difference, spread, word):
    assert module.verdict(difference, spread) == word


def test_the_authors_capture_is_the_first_crossing_of_a_rising_curve_only():
    scores = np.linspace(0, 1, 21)
    rising = np.column_stack([scores, scores**2, scores * 0.4])
    ours = components.score_to_capture(scores, rising)
    np.testing.assert_allclose(module.authors_capture(scores, rising), ours)
    assert np.isnan(ours[2])
    falling = np.array([[0.0], [0.6], [0.2], [1.0]])
    assert components.score_to_capture([0, 0.2, 0.3, 0.5], falling)[0] == pytest.approx(
        0.2 * 0.5 / 0.6
    )
    sorted_by_r2 = 0.3 + (0.5 - 0.2) / (0.6 - 0.2) * (
        0.2 - 0.3
    )  # between R^2 = .2 (score .3) and .6 (score .2)
    assert module.authors_capture(np.array([0, 0.2, 0.3, 0.5]), falling)[0] == pytest.approx(
        sorted_by_r2
    )


@pytest.mark.parametrize(
    ("published", "ours", "word"),
    [
        (np.nan, [np.nan, np.nan], "inside"),
        (0.9, [np.nan, np.nan], "off"),
        (np.nan, [0.9, 0.9], "off"),
        (0.9, [0.9, np.nan], "near"),
        (0.5, [0.9, np.nan], "off"),
        (np.nan, [0.9, np.nan], "near"),
    ],
)
def test_a_crossing_that_is_never_made_is_judged_too(published, ours, word):
    assert module._number("90% crossing", published, ours)["verdict"] == word


# -- What five seeds can bring

CURVE = pd.DataFrame({"step": [0, 1, 2], "score": [0.1, 0.5, 0.95], "value": [0.5, 0.6, 0.9]})


def test_seeds_that_agree_to_the_last_digit_are_judged_by_the_floor():
    row = module._number("initial score", 0.51, [0.5] * 5)
    assert row["spread"] == 0 and row["verdict"] == "inside"
    assert module._number("initial score", 0.6, [0.5] * 5)["verdict"] == "off"
    assert module._curve_row(CURVE, [CURVE] * 5)["verdict"] == "inside"


def test_curves_that_share_no_score_have_no_verdict(recwarn):
    low, high = CURVE.assign(score=[0.1, 0.2, 0.3]), CURVE.assign(score=[0.5, 0.6, 0.7])
    row = module._curve_row(low, [high, high])
    assert row["verdict"] == "" and np.isnan(row["difference"]) and not recwarn.list


def pc_tables(theirs: list[float], ours: list[list[float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Capture scores of one published run and of some seeds."""
    pcs = np.arange(1, len(theirs) + 1)
    seeds = [
        pd.DataFrame({"seed": seed, "pc": pcs, "score": scores}) for seed, scores in enumerate(ours)
    ]
    return pd.DataFrame({"pc": pcs, "score": theirs}), pd.concat(seeds)


def test_pcs_that_one_seed_misses_are_left_out_and_counted(recwarn):
    nan = np.nan
    rows = module._capture_rows(
        *pc_tables(
            [0.1, 0.2, 0.3, 0.4, nan], [[0.1, 0.2, 0.3, 0.4, nan]] * 4 + [[0.1, 0.2, 0.3, nan, nan]]
        )
    )
    found = {row["quantity"]: row for row in rows}
    assert found["capture, median"]["difference"] == pytest.approx(0)
    assert found["PCs reached"]["published"] == pytest.approx(0.8)
    assert (
        found["PCs reached"]["reproduced"] == pytest.approx(0.76)
        and found["PCs agreed on"]["reproduced"] == 1
    )
    few = module._capture_rows(*pc_tables([0.1, 0.2, nan], [[0.1, 0.2, 0.3]] * 5))
    assert [row["quantity"] for row in few] == ["PCs reached", "PCs agreed on"]
    same = module._capture_rows(*pc_tables([0.5] * 4, [[0.5] * 4] * 5))
    assert np.isnan(
        next(row["reproduced"] for row in same if row["quantity"] == "capture, correlation")
    )
    assert not recwarn.list


def test_a_missing_table_of_pcs_is_not_a_run_that_reaches_none():
    theirs, ours = pc_tables([0.1] * 4, [[0.1] * 4] * 5)
    assert module._capture_rows(theirs[:0], ours) == [] == module._capture_rows(theirs, ours[:0])


# -- The claims


def test_too_few_common_pcs_are_no_evidence():
    row = {"dataset": SIEGEL, "measure": "cka", "quantity": "steps", "difference": 0.1}
    card = pd.DataFrame([{**row, "reproduced": 30}])
    table = made_up()
    parts = table, curves.captures(table), references_of(SIEGEL), card
    values = module.scorecard_values(*parts).query("where == 'both'")
    assert values["claim"].tolist() == ["number of steps is reproduced"]
    assert claims.judge(values)["asserted"].all() and claims.judge(values)["holds"].all()
    off = module.scorecard_values(*parts[:3], card.assign(difference=-0.4))
    assert not holding(off)["number of steps is reproduced"]


def test_reasons_are_given_where_they_were_found():
    known_reason = module.known_reason
    assert "uniform" in known_reason("surrogate-mante2013", "cka-angular-score", "steps")
    assert known_reason("surrogate-mante2013", "procrustes-angular-score", "steps") == ""
    assert known_reason("mante2013", "cka", "steps") == ""  # the recording has its own time courses
    assert "construction" in known_reason("surrogate-majajhong2015", "cka", "90% crossing")
    assert "ill-conditioned" in known_reason(FREEMAN, "cka", "crossing, same target")
    assert "another draw" in known_reason("hierarchy", "cka", "steps")
    assert not [reason for reason in module.REASONS.values() if "unexplained" in reason]


def snapshots(scores: np.ndarray, steps) -> pd.DataFrame:
    return pd.DataFrame({"step": steps, "score": np.asarray(scores)[list(steps)], "value": 0.5})


def test_score_by_step_compares_at_the_same_step():
    line = np.linspace(0.1, 0.9, 41)
    published = snapshots(line, range(41))
    recorded = [snapshots(line + 0.03, [0, 10, 25, 40]), snapshots(line + 0.03, [0, 5, 40])]
    row = module._step_row(published, recorded)
    assert row["difference"] == pytest.approx(0.03) and row["spread"] == pytest.approx(0, abs=1e-12)
    assert row["verdict"] == "near"
    same = module._step_row(published, [snapshots(line, [0, 7])])
    assert same["difference"] == pytest.approx(0)
    assert module._step_row(published.iloc[:4], recorded)["difference"] == pytest.approx(0.03)
    late = [snapshots(np.r_[0.1, line], range(42))]  # one step behind is another score at each step
    assert module._step_row(published, late)["difference"] == pytest.approx(0.02, abs=1e-3)


# -- Without the tables


def test_without_the_tables_all_works_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SIMLIB_SHARED", str(tmp_path / "shared"))
    assert paper.published_folder() is None
    assert "not on this machine" in paper.published_note()
    assert paper.published_curves(NAMES).empty and paper.published_captures(NAMES).empty
    table, references = made_up(), references_of(SIEGEL)
    captures = curves.captures(table, module.authors_capture)
    card = module.scorecard(table, captures, references)
    assert card.empty and module.scorecard_table(card).empty and module.off_rows(card).empty
    values = module.scorecard_values(table, captures, references, card)
    assert set(values["where"]) == {"reproduced"} and claims.judge(values)["holds"].any()
    assert module.published_values().empty
    assert module.explorer(NAMES, curves.accuracies(table), captures) == {}


# -- With the tables


@needs_tables
def test_published_against_itself_is_inside_everywhere():
    """The published run in the place of ours: no difference, and the two runs of CKA near each
    other.
    """
    runs, captured, levels = module.published_runs([SIEGEL])
    ours, captures = (t[t["seed"] == "cka"].assign(seed=0) for t in (runs, captured))
    card = module.scorecard(ours, captures, levels)
    itself = card[card["measure"] == "cka"]
    assert set(itself.loc[itself["verdict"] != "", "verdict"]) == {"inside"}
    np.testing.assert_allclose(itself["difference"].dropna(), 0, atol=1e-12)
    numbers = itself.set_index("quantity")["reproduced"]
    assert numbers["capture, correlation"] == pytest.approx(1) and numbers["PCs agreed on"] == 1
    again = card[card["measure"] == "rsa-correlation-corr"].set_index("quantity")
    assert again.loc["capture, median", "difference"] < 0.02


@needs_tables
def test_the_card_has_all_quantities_and_a_reason_only_where_they_differ():
    table = made_up()
    captures = curves.captures(table, module.authors_capture)
    card = module.scorecard(table, captures, references_of(SIEGEL))
    assert set(card["measure"]) == {"cka", "rsa-correlation-corr", "procrustes-angular-score"}
    assert card.groupby("measure").size().nunique() == 1
    assert (card.loc[card["reason"] != "", "verdict"].isin(["near", "off"])).all()
    shown = module.scorecard_table(card)
    assert len(shown) == 3 and {"steps", "PCs agreed on"} <= set(shown.columns)
    assert set(module.off_rows(card)["quantity"]) >= {"steps"}  # ten made-up steps


@needs_tables
def test_the_explorer_has_all_published_variables_and_our_runs_of_the_main_one():
    table = made_up()
    captures = curves.captures(table, module.authors_capture)
    shown = module.explorer([SIEGEL, FREEMAN, "toy-2d"], curves.accuracies(table), captures)
    (siegel_id, siegel), (freeman_id, freeman) = shown["datasets"]
    assert (siegel_id, freeman_id) == (SIEGEL, FREEMAN) and len(shown["runs"]) == 7
    assert shown["runs"]["rsa-correlation-corr"] == {"title": "CKA, second run", "measure": "cka"}
    facts = [siegel[name] for name in ("title", "source", "main")]
    assert facts == ["Siegel 2015", "its surrogate", "context"]
    assert {*siegel["published"]["accuracy"]} == {"context", "response", "colour", "direction"}
    ours = siegel["ours"]["accuracy"]["context"]["procrustes-angular-score"]
    assert [run[50] for run in ours] == [7_000_000, 7_010_000, 7_020_000]
    assert ours[0][5] is None  # below the start
    cka = captures[(captures["measure"] == "cka") & (captures["seed"] == 0)]
    assert siegel["ours"]["captures"]["cka"][0] == module.whole(cka["score"])
    assert len(siegel["published"]["captures"]["cka"][0]) == 20
    assert freeman["ours"] == {"accuracy": {}, "captures": {}}
    assert "texture type" in freeman["published"]["accuracy"]


@needs_tables
def test_a_dataset_without_published_tables_has_no_rows_and_costs_no_others_theirs():
    table, references = made_up(), references_of(SIEGEL)
    both, levels = (
        pd.concat([t, t.assign(dataset="my_recording.nc")]) for t in (table, references)
    )
    cards = [
        module.scorecard(t, curves.captures(t, module.authors_capture), r)
        for t, r in ((table, references), (both, levels))
    ]
    pd.testing.assert_frame_equal(*cards)


@needs_tables
def test_the_papers_claims_hold_on_the_published_tables():
    table = pd.concat([made_up(name) for name in NAMES])
    captures, references = curves.captures(table), references_of(*NAMES)
    card = module.scorecard(table, captures, references)
    judged = claims.judge(module.scorecard_values(table, captures, references, card))
    theirs = judged[judged["where"] == "published"]
    failing = theirs[theirs["asserted"] & ~theirs["holds"]]
    assert failing.empty, failing.to_string()
    half = theirs[theirs["claim"] == "CKA later halfway"]
    assert half[half["asserted"]]["dataset"].nunique() == 4
    freeman = half[half["dataset"] == FREEMAN]
    assert not freeman["holds"].any() and not freeman["asserted"].any()


@needs_tables
def test_the_odd_one_out_depends_on_the_published_run():
    apart = module.published_values().set_index("run")["value"]
    np.testing.assert_allclose(apart[["cka", "rsa-correlation-corr"]], [0.04, 0.18], atol=0.006)
