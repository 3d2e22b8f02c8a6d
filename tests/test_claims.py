"""One ruler: every claim is a bound on a number, can fail, and says how often it holds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_curves import RISING, captures_of

from simlib.experiments import claims, curves, evidence

ROOT = Path(__file__).resolve().parent.parent
EARLY = "procrustes-angular-score"


def crossings_of(
    scores: dict[str, float], dataset: str = "surrogate-x", seed: int = 0
) -> pd.DataFrame:
    rows = [{"measure": name, "score": score} for name, score in scores.items()]
    return pd.DataFrame(rows).assign(dataset=dataset, seed=seed, final_score=0.992)


def holding(values: pd.DataFrame) -> dict[str, bool]:
    """Claim -> whether it holds in all runs."""
    return claims.judge(values).groupby("claim", sort=False)["holds"].all().to_dict()


# -- The table of claims


def test_every_claim_has_a_bound_and_a_page():
    pages = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    for claim in claims.CLAIMS.values():
        assert np.isfinite(claim.least) or np.isfinite(claim.most)
        assert claim.page in pages
    sentences = [claim.sentence for claim in claims.CLAIMS.values()]
    assert len(set(sentences)) == len(sentences)


def test_every_claim_is_made_by_some_page():
    """No row that nothing computes: its key, or the end of it, stands in a module or notebook."""
    modules = (ROOT / "simlib" / "experiments").glob("*.py")
    places = [*modules, *(ROOT / "notebooks").glob("*.ipynb")]
    text = "".join(p.read_text() for p in places if p.name != "claims.py")
    for name in claims.CLAIMS:
        parts = ("CKA ", "linear regression ", "angular Procrustes implies ", "toy: ")
        parts += ("one scale: CKA ", "one scale: ")
        ends = [name, *(name.removeprefix(part) for part in parts)]
        assert any(end in text for end in ends), name


def test_the_overview_has_every_claim_of_the_paper_and_says_how_often_it_holds():
    runs = [crossings_of({EARLY: 0.5, "cka": s}, seed=k) for k, s in enumerate((0.8, 0.9))]
    table = claims.overview(evidence.decoding_values(pd.concat(runs))).set_index("claim")
    papers = [claim for claim in claims.CLAIMS.values() if claim.figure]
    assert len(table) == len(papers) + len(claims.UNTESTED) and table.index.is_unique
    late = table.loc[claims.CLAIMS["CKA decodes late"].sentence]
    assert late["holds"] == "in 1 of 2 runs"
    assert late["evidence"] == "surrogate-x 0.80 to 0.90 (2 runs, does not hold in 1 of them)"
    assert table.loc[claims.CLAIMS["no score for all measures"].sentence, "holds"] == "yes"
    assert (table["holds"] == "not tested").sum() == len(table) - 4
    assert (table["evidence"] != "").all()


def test_a_verdict_is_that_of_all_runs_of_a_dataset():
    rows = [
        ("CKA decodes late", "surrogate-mante2013", seed, s) for seed, s in ((0, 0.9), (1, 0.8))
    ]
    rows += [("CKA decodes late", "surrogate-siegel2015", 0, np.inf)]
    table = claims.verdicts(claims.values(rows)).set_index("dataset")
    assert table["holds"].to_dict() == {"surrogate-mante2013": False, "surrogate-siegel2015": True}
    assert table.loc["surrogate-siegel2015", "evidence"] == "never (1 run)"
    assert table["asserted"].all() and "at least 0.85" in table["bound"].iloc[0]
    told = claims.overview(claims.values(rows)).set_index("claim")["evidence"]
    row = told.loc[claims.CLAIMS["CKA decodes late"].sentence]
    assert "Siegel 2015 (surrogate) never (1 run)" in row, "a stand-in is named as one"


@pytest.mark.parametrize(
    ("claim", "dataset", "asserted"),
    [
        ("CKA decodes late", "surrogate-mante2013", True),
        ("CKA decodes late", "surrogate-freemanziemba2013", False),
        ("CKA decodes late", "/data/my_recording.nc", False),
        ("CKA decodes late", "my_recording.nc", False),
        ("no Y leaves the exact range", "/data/my_recording.nc", True),
        ("capture is reproduced", "surrogate-siegel2015", True),
        ("capture is reproduced", "surrogate-mante2013", False),
    ],
)
def test_who_a_claim_is_asserted_for(claim, dataset, asserted):
    row = claims.values([(claim, dataset, 0, 0.4)])
    assert claims.judge(row)["asserted"].item() is asserted


def test_a_number_that_is_missing_is_no_evidence():
    row = claims.values([("CKA decodes late", "surrogate-x", 0, np.nan)])
    assert not claims.judge(row)["holds"].any()


def test_a_claim_that_is_not_in_the_table_is_refused():
    with pytest.raises(KeyError, match="CKA is nice"):
        claims.judge(claims.values([("CKA is nice", "surrogate-x", 0, 1.0)]))


# -- Numbers of decoding


def test_decoding_counts_never_as_later_than_any():
    one = {EARLY: 0.5, "cka": np.nan, "linreg": 0.9}
    three = pd.concat([crossings_of(one, f"surrogate-{k}") for k in range(3)])
    table = evidence.decoding_values(three)
    values = table[table["dataset"] == "surrogate-0"].set_index("claim")["value"]
    never = ("CKA decodes late", "CKA later than angular Procrustes", "no score for all measures")
    assert (values[list(never)] == np.inf).all()
    assert values["linear regression decodes late"] == 0.9
    assert values["linear regression later than angular Procrustes"] == pytest.approx(0.4)
    assert table.loc[table["claim"] == "no score for all datasets", "value"].tolist() == [0]
    neither = holding(evidence.decoding_values(crossings_of({EARLY: np.nan, "cka": np.nan})))
    assert not neither["CKA later than angular Procrustes"]
    assert not neither["no score for all measures"]


@pytest.mark.parametrize(("cka", "holds"), [(0.9, True), (0.61, False), (np.nan, True)])
def test_the_claims_of_decoding_fail_where_the_numbers_say_otherwise(cka, holds):
    crossings = crossings_of({EARLY: 0.6, "cka": cka, "linreg": 0.97})
    verdict = holding(evidence.decoding_values(crossings, crossings))
    assert verdict["CKA decodes late"] == holds
    assert verdict["CKA later than angular Procrustes"] == holds
    assert verdict["CKA later halfway"] == holds
    assert verdict["reaches the end"]


def test_scores_that_differ_little_are_no_evidence_against_one_score():
    verdict = holding(evidence.decoding_values(crossings_of({EARLY: 0.9, "cka": 0.95})))
    assert not verdict["no score for all measures"]


# -- Numbers of capture


def two_measures(early: np.ndarray, late: np.ndarray) -> pd.DataFrame:
    parts = [captures_of({"paper": s}) for s in (early, late)]
    names = (EARLY, "cka")
    return pd.concat([part.assign(measure=name) for part, name in zip(parts, names, strict=True)])


def test_the_claims_of_capture_hold_where_they_should_and_can_fail():
    early = np.linspace(0.3, 0.6, 20)
    late = np.r_[0.35, 0.6, np.linspace(0.91, 0.99, 10), np.full(8, np.nan)]
    good = two_measures(early, late)
    verdict = holding(evidence.capture_values(good))
    assert verdict.pop("CKA learns late") and all(verdict.values()) and len(verdict) == 3
    swapped = two_measures(np.linspace(0.95, 0.2, 20), np.linspace(0.9, 0.1, 20))
    verdict = holding(evidence.capture_values(swapped))
    assert verdict.pop("no PC far ahead") and len(verdict) == 2 and not any(verdict.values())


def test_captured_pcs_far_beyond_a_gap_are_seen():
    scattered = np.full(60, np.nan)
    scattered[::6] = np.linspace(0.2, 0.9, 10)
    table = captures_of({"paper": scattered})
    verdict = holding(evidence.capture_values(table))
    assert verdict["large PCs first"] and not verdict["no PC far ahead"]


def toy_curves(late: float, early: float) -> pd.DataFrame:
    """PC 1 as the score; PC 2 at `late` (CKA) and `early` (the other) at a score of 0.9."""
    scores, rows = np.linspace(0, 1, 21), []
    for measure, r2 in (("cka", late), (EARLY, early)):
        for pc, values in ((1, scores), (2, np.minimum(scores * r2 / 0.9, 1))):
            part = pd.DataFrame({"score": scores, "value": values, "pc": pc, "measure": measure})
            rows += [part.assign(seed=seed) for seed in range(3)]
    return pd.concat(rows, ignore_index=True)


def test_the_claims_about_the_toy_can_fail():
    assert holding(evidence.toy_values(toy_curves(0.1, 0.8))) == {
        "toy: PC 1 follows CKA": True,
        "toy: PC 2 waits for CKA": True,
        "toy: PC 2 is there for angular Procrustes": True,
    }
    fails = holding(evidence.toy_values(toy_curves(0.5, 0.5)))
    assert list(fails.values()) == [True, False, False]
    short = toy_curves(0.1, 0.8).query("score < 0.8")
    assert len(evidence.toy_values(short)) == 1


# -- Numbers of the supplement


@pytest.mark.parametrize(("shift", "holds"), [(0.0, True), (0.05, False)])
def test_the_gaussian_claim_fails_where_scores_differ(shift, holds):
    table = captures_of({"X": RISING, "Gaussian": RISING + shift})
    assert holding(evidence.gaussian_values(table, base="X")) == {
        "Gaussian correlates": True,
        "Gaussian differs little": holds,
        "large PCs first, in the Gaussian": True,
    }


def test_too_few_pcs_are_no_evidence_about_the_gaussian():
    few = np.r_[RISING[:3], np.full(17, np.nan)]
    values = evidence.gaussian_values(captures_of({"X": few, "Gaussian": few}), base="X")
    assert set(values["claim"]) == {"Gaussian differs little"}


def test_the_order_claims_fail_where_the_order_is_lost():
    lost = captures_of({"as in the paper": RISING, "other": RISING[::-1]})
    assert holding(evidence.start_values(lost)) == {"large PCs first, any start": False}
    kept = captures_of({"as in the paper": RISING, "other": RISING + 0.05})
    assert holding(evidence.start_values(kept)) == {"large PCs first, any start": True}
    filled = captures_of({"as many neurons": RISING}).assign(start=1.0)
    assert holding(evidence.start_values(filled)) == {"as many neurons as samples": False}
    empty = captures_of({"as many neurons": np.full(20, np.nan)}).assign(start=1.0)
    assert holding(evidence.start_values(empty)) == {"as many neurons as samples": True}


@pytest.mark.parametrize(
    ("weak", "strong", "variable", "crossing"),
    [(np.nan, 0.7, True, True), (0.95, 0.95, False, False), (0.9, np.nan, False, False)],
)
def test_the_penalty_claim_fails_where_nothing_moves(weak, strong, variable, crossing):
    rows = [
        {"measure": f"ridge-cv--folds-5--penalty-{penalty}", "score": score}
        for penalty, score in ((1, weak), (10000, strong))
    ]
    table = pd.DataFrame(rows).assign(dataset="x", seed=0, variable="choice")
    captures = captures_of({"paper": RISING})
    values = evidence.penalty_values(curves.with_penalty(table), captures)
    assert values["value"].dtype == float
    verdict = holding(values)
    assert verdict == {
        "a variable moves with the penalty": variable,
        "ridge penalty moves the crossing": crossing,
        "large PCs first, any penalty": True,
    }
