"""The scorecard: its rule, the authors' conventions, and that it works with and without the
published tables.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pooch
import pytest

from simlib import components, experiments
from simlib.experiments import paper_claims, paper_values, scorecard_claims
from simlib.experiments.published import CAPTURES, CURVES, PUBLISHED_TABLES

module = experiments.comparison
reader = sys.modules["simlib.experiments.published"]
NAMES = [f"surrogate-{name}" if name != "hierarchy" else name for name in PUBLISHED_TABLES]
SIEGEL = "surrogate-siegel2015"
HEADLINE = {  # first snapshot at 90% of the way, CKA and angular Procrustes; no interpolation
    "mante2013": (0.953, 0.480),
    "siegel2015": (np.nan, 0.771),
    "hatsopoulos2007": (0.961, 0.742),
    "majajhong2015": (np.nan, 0.787),
    "freemanziemba2013": (0.439, 0.429),
}

needs_tables = pytest.mark.skipif(
    experiments.published_folder() is None,
    reason="the published tables are not on this machine: run `make scorecard`",
)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without the published tables."""
    monkeypatch.setenv("SIMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SIMLIB_SHARED", str(tmp_path / "shared"))
    return tmp_path / "data" / "published"


def made_up(dataset: str = SIEGEL, seeds: int = 3) -> pd.DataFrame:
    """A table of ascents of CKA and angular Procrustes in which all is known: accuracy and R^2 of 4
    PCs.
    """
    rows = []
    for measure, power in (("cka", 8.0), ("procrustes-angular-score", 1.0)):
        for seed in range(seeds):
            for step, score in enumerate(np.linspace(0.1, 1.0, 10)):
                facts = {
                    "dataset": dataset,
                    "measure": measure,
                    "seed": seed,
                    "step": step,
                    "score": score,
                }
                accuracy = 0.5 + 0.4 * score**power + 0.001 * seed
                rows += [
                    {**facts, "quantity": "accuracy", "fold": f, "pc": -1, "value": accuracy}
                    for f in range(2)
                ]
                rows += [
                    {
                        **facts,
                        "quantity": "captured variance",
                        "fold": -1,
                        "pc": pc,
                        "value": score ** (power * pc),
                    }
                    for pc in range(1, 5)
                ]
    facts = {
        "steps": 10,
        "title": "Siegel",
        "settings": "quick",
        "surrogate": True,
        "data_hash": "0",
    }
    return pd.DataFrame(rows).assign(**facts)


REFERENCES = pd.DataFrame({"dataset": [SIEGEL], "accuracy": [0.9], "chance": [0.5]})


@pytest.fixture
def four_pcs(monkeypatch):
    """The made-up ascents have 4 PCs; their dataset is not loaded."""
    monkeypatch.setattr(module.data_sets, "load", lambda *_: pd.DataFrame(np.eye(6)[:, :4]))


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


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.6, 0.7, 0.8, 0.9, np.nan], 0.8),
        ([0.6, 0.7, np.nan, np.nan, np.nan], np.nan),
        ([0.6, np.nan], np.nan),
        ([0.6, 0.8], 0.7),
        ([np.nan], np.nan),
    ],
)
def test_one_seed_that_never_crosses_does_not_speak_for_all(scores, expected):
    np.testing.assert_allclose(scorecard_claims._middle(pd.Series(scores)), expected)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.5, 0.8], True),
        ([0.7, 0.8], False),
        ([0.7, np.nan], True),
        ([np.nan, np.nan], False),
    ],
)
def test_scores_that_nothing_reaches_do_not_differ(scores, expected):
    assert scorecard_claims._differ(pd.Series(scores)) is expected


def test_too_few_common_pcs_are_said_and_not_asserted():
    rows = [
        {
            "dataset": SIEGEL,
            "measure": "cka",
            "quantity": "steps",
            "reproduced": 30,
            "difference": 0.1,
        }
    ]
    correlation, steps = scorecard_claims._comparisons(pd.DataFrame(rows))
    assert (
        "too few PCs" in correlation["evidence"]
        and not correlation["holds"]
        and not correlation["asserted"]
    )
    assert steps["holds"] and steps["asserted"]


# -- The paper's claims, seed by seed


def crossings_of(
    scores: dict[str, float], dataset: str = "surrogate-x", seed: int = 0
) -> pd.DataFrame:
    rows = [
        {"dataset": dataset, "seed": seed, "measure": name, "score": score, "final_score": 0.992}
        for name, score in scores.items()
    ]
    return pd.DataFrame(rows)


def test_decoding_values_count_never_as_later_than_any():
    found = paper_values.decoding_values(
        pd.concat(
            [
                crossings_of(
                    {"procrustes-angular-score": 0.5, "cka": np.nan, "linreg": 0.9},
                    f"surrogate-{k}",
                )
                for k in range(3)
            ]
        )
    )
    values = found[found["dataset"] == "surrogate-0"].set_index("claim")["value"]
    assert values["cka decodes late"] == values["angular Procrustes decodes early"] == np.inf
    assert values["no score for all measures"] == np.inf and values["linreg decodes late"] == 0.9
    assert found.loc[found["claim"] == "no score for all datasets", "value"].tolist() == [0]
    neither = paper_values.decoding_values(
        crossings_of({"procrustes-angular-score": np.nan, "cka": np.nan})
    )
    judged = paper_claims.judged_values(neither).set_index("claim")["holds"]
    assert (
        not judged["angular Procrustes decodes early"] and not judged["no score for all measures"]
    )
    close = paper_values.decoding_values(
        crossings_of({"procrustes-angular-score": 0.9, "cka": 0.95})
    )
    assert close.set_index("claim")["value"]["no score for all measures"] == pytest.approx(0.05)


def test_the_table_has_every_claim_and_says_how_often_it_holds():
    two = pd.concat(
        [
            crossings_of({"procrustes-angular-score": 0.5, "cka": score}, seed=seed)
            for seed, score in enumerate((0.8, 0.9))
        ]
    )
    table = paper_claims.paper_table(paper_values.decoding_values(two)).set_index("claim")
    assert (
        len(table) == len(paper_claims.CLAIMS) + len(paper_claims.UNTESTED)
        and table.index.is_unique
    )
    late = table.loc[paper_claims.CLAIMS["cka decodes late"].sentence]
    assert late["holds"] == "in 1 of 2 runs"
    assert late["evidence"] == "x 0.80 to 0.90 (2 runs, does not hold in 1 of them)"
    assert table.loc[paper_claims.CLAIMS["no score for all measures"].sentence, "holds"] == "yes"
    assert (table["holds"] == "not tested").sum() == len(table) - 4 and (
        table["evidence"] != ""
    ).all()


def test_a_number_that_is_missing_is_no_evidence():
    row = paper_values.value_table([("cka decodes late", "surrogate-x", 0, np.nan)])
    assert not paper_claims.judged_values(row)["holds"].any()
    freeman = paper_values.value_table(
        [("cka decodes late", "surrogate-freemanziemba2013", 0, 0.4)]
    )
    assert not paper_claims.judged_values(freeman)["asserted"].any()


def test_every_claim_is_bounded_on_one_side_and_has_a_page():
    pages = {
        path.stem for path in (Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb")
    }
    for claim in paper_claims.CLAIMS.values():
        assert np.isfinite(claim.least) != np.isfinite(claim.most) and claim.page in pages


def test_losses_to_another_power_are_seen():
    variance = np.array([0.5, 0.3, 0.2])
    table = pd.DataFrame(
        {"dataset": "x", "measure": "cka", "seed": 0, "explained_variance": variance}
    )
    (square,) = paper_values.theory_values(table.assign(score=1 - variance**2))["value"]
    (linear,) = paper_values.theory_values(table.assign(score=1 - variance))["value"]
    assert square == pytest.approx(0, abs=1e-12) and linear == pytest.approx(1)


@needs_tables
def test_the_odd_one_out_hangs_on_the_published_run():
    found = paper_values.published_values().set_index("run")["value"]
    np.testing.assert_allclose(found[["cka", "rsa-correlation-corr"]], [0.04, 0.18], atol=0.006)


# -- Without the tables


def test_without_the_tables_all_works_and_says_so(nowhere, four_pcs, monkeypatch):
    monkeypatch.setattr(
        reader, "__file__", str(nowhere / "a" / "b" / "c.py")
    )  # no folder beside this checkout
    assert experiments.published_folder() is None
    assert "not on this machine" in experiments.published_note()
    assert experiments.published_curves(NAMES).empty and experiments.published_captures(NAMES).empty
    table = made_up()
    captures = experiments.scorecard_captures(table)
    card = experiments.scorecard(table, captures, REFERENCES)
    assert (
        card.empty and experiments.scorecard_table(card).empty and experiments.off_rows(card).empty
    )
    claims = experiments.claims_about_scorecard(table, captures, REFERENCES, card)
    assert set(claims["where"]) == {"reproduced"} and claims["holds"].any()


def test_a_refused_download_says_what_to_do(nowhere, monkeypatch):
    monkeypatch.setattr(reader, "published_folder", lambda: None)
    monkeypatch.setenv("SIMLIB_OFFLINE", "1")
    with pytest.raises(
        FileNotFoundError, match=r"SIMLIB_OFFLINE.*nacloos/diffscore-site at commit f7285477a4"
    ):
        experiments.download_published()


def test_a_failed_download_says_what_to_do(nowhere, monkeypatch):
    monkeypatch.setattr(reader, "published_folder", lambda: None)
    monkeypatch.delenv("SIMLIB_OFFLINE", raising=False)
    monkeypatch.setattr(
        pooch.Pooch, "fetch", lambda *_, **__: (_ for _ in ()).throw(OSError("no network"))
    )
    with pytest.raises(FileNotFoundError, match=r"could not be downloaded.*no network.*put it at"):
        experiments.download_published()


def test_an_interrupted_download_goes_on(nowhere, monkeypatch):
    first, *others = reader._known_hashes()
    (nowhere / first).parent.mkdir(parents=True)
    (nowhere / first).touch()
    asked = []
    monkeypatch.delenv("SIMLIB_OFFLINE", raising=False)
    monkeypatch.setattr(pooch.Pooch, "fetch", lambda self, path: asked.append(path))
    assert experiments.download_published() == nowhere
    assert set(asked) >= set(others)


def test_a_changed_file_is_refused(nowhere):
    folder = nowhere / PUBLISHED_TABLES["siegel2015"].folder
    folder.mkdir(parents=True)
    for name in (CAPTURES, CURVES):
        (folder / name).write_text("score,measure\n0,cka\n")
    assert experiments.published_folder() == nowhere
    with pytest.raises(ValueError, match="is not the file published at commit"):
        experiments.published_curves([SIEGEL])


# -- With the tables


@needs_tables
def test_the_tables_are_read_whole():
    curves, captures = experiments.published_curves(NAMES), experiments.published_captures(NAMES)
    assert set(curves["dataset"]) == set(NAMES) == set(captures["dataset"])
    runs = curves.groupby(["dataset", "published_measure"])
    assert len(runs) == 6 * 7 - 1  # the tree has no linear regression
    assert (runs["step"].min() == 0).all() and (runs["score"].last() > 0.99).all()
    ratios = captures.groupby(["dataset", "published_measure"])["explained_variance"].sum()
    np.testing.assert_allclose(ratios, 1, atol=1e-6)


@needs_tables
@pytest.mark.parametrize("name", HEADLINE)
def test_the_published_crossings_are_those_of_the_headline(name):
    entry, curves = PUBLISHED_TABLES[name], experiments.published_curves([name])
    target = entry.chance + 0.9 * (entry.reference - entry.chance)
    for measure, expected in zip(("cka", "procrustes-angular-score"), HEADLINE[name], strict=True):
        curve = curves[(curves["published_measure"] == measure) & (curves["value"] >= target)]
        found = curve["score"].iloc[0] if len(curve) else np.nan
        np.testing.assert_allclose(found, expected, atol=6e-4)


@needs_tables
def test_published_against_itself_is_inside_everywhere(four_pcs):
    """The published run in the place of ours: no difference, and the two runs of CKA near each
    other.
    """
    curves = experiments.published_curves([SIEGEL]).query("published_measure == 'cka'")
    facts = {
        "fold": 0,
        "pc": -1,
        "quantity": "accuracy",
        "seed": 0,
        "steps": len(curves),
        "title": "Siegel",
        "settings": "paper",
        "surrogate": True,
        "data_hash": "0",
    }
    captures = (
        experiments.published_captures([SIEGEL]).query("published_measure == 'cka'").assign(seed=0)
    )
    references = pd.DataFrame({"dataset": [SIEGEL], "accuracy": [0.865], "chance": [0.5]})
    card = experiments.scorecard(curves.assign(**facts), captures, references)
    itself = card[card["measure"] == "cka"]
    assert set(itself.loc[itself["verdict"] != "", "verdict"]) == {"inside"}
    np.testing.assert_allclose(itself["difference"].dropna(), 0, atol=1e-12)
    numbers = itself.set_index("quantity")["reproduced"]
    assert numbers["capture, correlation"] == pytest.approx(1) and numbers["PCs agreed on"] == 1
    again = card[card["measure"] == "rsa-correlation-corr"].set_index("quantity")
    assert again.loc["capture, median", "difference"] < 0.02


@needs_tables
def test_the_card_has_all_quantities_and_a_reason_only_where_they_differ(four_pcs):
    table = made_up()
    card = experiments.scorecard(table, experiments.scorecard_captures(table), REFERENCES)
    assert set(card["measure"]) == {"cka", "rsa-correlation-corr", "procrustes-angular-score"}
    assert card.groupby("measure").size().nunique() == 1
    assert (card.loc[card["reason"] != "", "verdict"].isin(["near", "off"])).all()
    shown = experiments.scorecard_table(card)
    assert len(shown) == 3 and {"steps", "PCs agreed on"} <= set(shown.columns)
    assert set(experiments.off_rows(card)["quantity"]) >= {"steps"}  # ten made-up steps


@needs_tables
def test_the_papers_claims_hold_on_the_published_tables(four_pcs):
    tables = [made_up(name) for name in NAMES]
    references = pd.concat([REFERENCES.assign(dataset=name) for name in NAMES])
    table = pd.concat(tables)
    captures = experiments.scorecard_captures(table)
    card = experiments.scorecard(table, captures, references)
    claims = experiments.claims_about_scorecard(table, captures, references, card)
    published = claims[claims["where"] == "published"]
    assert published.loc[published["asserted"], "holds"].all()
    four = published[published["claim"].str.startswith("halfway") & published["asserted"]]
    assert len(four) == 4
    freeman = published["dataset"].str.contains("freeman") & published["claim"].str.startswith(
        "halfway"
    )
    overview = experiments.claims_overview(claims)
    assert len(overview) == len(claims.groupby(["claim", "where"])) and "4 of 6" in set(
        overview["holds"]
    )
    assert (
        not published.loc[freeman, "holds"].any() and not published.loc[freeman, "asserted"].any()
    )
