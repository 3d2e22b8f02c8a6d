"""Laws of the joint ranges of datasets: stored descents, what they allow, the exact ranges beside
them.
"""

import numpy as np
import pandas as pd
import pytest
from test_claims import holding

import simlib as sl
from simlib import exact_ranges
from simlib.datasets.made import variance_ratios
from simlib.experiments import joint_score_ranges as ranges

ANGULAR = "procrustes-angular-score"


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))
    return tmp_path


def test_joint_ranges_of_datasets(results):
    pairs = [("cka", ANGULAR), ("linreg", ANGULAR)]
    options = {"points": 2, "seeds": [0, 1], "steps": 60}
    descents = ranges.joint_ranges(["toy-2d"], pairs, **options)
    ends = ranges.end_points(descents)
    assert len(ends) == 2 * 2 * 4
    assert {"title", "settings", "surrogate", "data_hash"} <= set(ends)
    direct = sl.joint_range("cka", ANGULAR, sl.datasets.load("toy-2d"), points=2, steps=60, seed=1)
    here = ends[(ends["measure"] == "cka") & (ends["seed"] == 1)]
    np.testing.assert_array_equal(here[["score_a", "score_b"]], direct[["score_a", "score_b"]])
    limits = ranges.allowed_scores(descents)
    assert len(limits) == 4 and (limits["seeds"] == 2).all()

    files = sorted(results.rglob("*.parquet"))
    before = [file.stat().st_mtime_ns for file in files]
    assert len(files) == 16
    pd.testing.assert_frame_equal(ranges.joint_ranges(["toy-2d"], pairs, **options), descents)
    assert [file.stat().st_mtime_ns for file in sorted(results.rglob("*.parquet"))] == before


def test_a_changed_file_is_computed_anew(results, tmp_path):
    path = tmp_path / "mine.npz"
    for scale in (1, 2):
        np.savez(path, X=scale * np.random.default_rng(scale).standard_normal((12, 3)))
        ranges.joint_ranges([str(path)], [("cka", "nbs")], points=2, steps=3)
    assert len(list(results.rglob("*.parquet"))) == 8


def test_what_the_regions_say_can_fail():
    descents = ranges.joint_ranges(["hierarchy"], [("linreg", ANGULAR)], points=2, steps=100)
    verdict = holding(ranges.range_values(ranges.end_points(descents)))
    assert len(verdict) == 2 and all(verdict.values())
    bound = {"linear regression and NBS keep to their bound": True}
    assert holding(ranges.bound_values(descents)) == bound
    swapped = descents.assign(score_a=descents["score_b"] ** 4, score_b=descents["score_a"])
    assert not all(holding(ranges.range_values(ranges.end_points(swapped))).values())
    assert not any(holding(ranges.bound_values(swapped)).values())
    other = descents.assign(measure="rsa")
    assert ranges.range_values(ranges.end_points(other)).empty and ranges.bound_values(other).empty


def test_regions_that_do_not_come_that_far_show_nothing_that_is_left_open():
    descents = ranges.joint_ranges(["hierarchy"], [("linreg", ANGULAR)], points=2, steps=3)
    found = ranges.range_values(descents)
    assert found["claim"].tolist() == ["angular Procrustes implies linear regression"]
    assert found["value"].item() == pytest.approx(np.cos(0.05 * np.pi) ** 2)  # the exact range's


@pytest.mark.slow
def test_what_is_read_off_is_exact_or_was_reached_by_a_y():
    pairs = [("cka", ANGULAR), ("linreg", ANGULAR), ("cka", "nbs"), ("ridge-cv", ANGULAR)]
    descents = ranges.joint_ranges(["toy-2d"], pairs, points=3, seeds=[0, 1], steps=80)
    table = ranges.allowed_scores(descents)
    assert len(table) == 2 * len(pairs)
    data = sl.datasets.load("toy-2d").values.reshape(-1, 2)
    variances = np.linalg.svd(data - data.mean(0), compute_uv=False) ** 2
    for row in table.itertuples():
        straight = ((descents["measure"] == row.given) & (descents["against"] == row.other)).any()
        ids, sides = ((row.given, row.other), "ab") if straight else ((row.other, row.given), "ba")
        pair = descents[(descents["measure"] == ids[0]) & (descents["against"] == ids[1])]
        there = pair[pair[f"score_{sides[0]}"] >= 0.9][f"score_{sides[1]}"]
        assert (row.lowest, row.highest) == (there.min(), there.max())
        if "ridge" in row.given + row.other:
            assert np.isnan(row.bound) and row.status == ""
            continue
        least = exact_ranges.score_range(variances, row.given, 0.9, row.other)[0]
        assert row.bound == pytest.approx(float(least)) and row.status in ("proved", "conjecture")
        assert row.lowest >= row.bound - 1e-5 and row.room
    swapped = ranges.allowed_scores(
        descents.assign(score_a=descents["score_b"], score_b=descents["score_a"])
    )
    assert (swapped["lowest"] < swapped["bound"] - 0.01).any()  # it could have been wrong


def test_distances_are_refused():
    with pytest.raises(ValueError, match="is a distance"):
        ranges.joint_ranges(["hierarchy"], [("cka", "procrustes-angular")])


def test_distances_left_are_compared_target_by_target():
    facts = {"dataset": "x", "seed": 0, "measure": "cka", "against": "nbs", "target_b": 0.0}
    table = pd.DataFrame({"target_a": [0.0, 0.0, 1.0], "distance": [0.4, 0.2, 0.1]}).assign(**facts)
    values = ranges.distance_values(table, table.assign(distance=2 * table["distance"]))
    assert values["value"].tolist() == [0.5]


@pytest.mark.slow
def test_exact_outlines_bound_the_descents():
    pairs = [
        ("cka", ANGULAR),
        ("linreg", ANGULAR),
        ("cka", "nbs"),
        ("linreg", "cka"),
        ("ridge-cv", ANGULAR),
    ]
    exact = ranges.exact_outlines(["hierarchy"], pairs, levels=21)
    assert len(exact) == 4 * 2 * 21
    assert not exact["room"].any()  # 100 samples leave 49 directions for 50 neurons
    assert set(exact[exact["status"] == "conjecture"]["end"]) == {"lowest"}
    descents = ranges.joint_ranges(["hierarchy"], pairs, points=2, steps=60)
    inside = ranges.coverage(descents, exact)
    assert len(inside) == 4 and holding(ranges.exact_values(inside)) == {
        "no Y leaves the exact range": True
    }
    assert inside["covered"].between(0.1, 1).all()
    swapped = descents.assign(score_a=descents["score_b"], score_b=descents["score_a"])
    wrong = ranges.coverage(swapped, exact)
    assert (wrong["beyond"] > 0.01).all()
    assert not any(holding(ranges.exact_values(wrong)).values())
    assert ranges.exact_outlines(["hierarchy"], pairs[-1:]).empty
    assert ranges.exact_values(ranges.coverage(descents, exact[:0])).empty


def test_exact_outlines_know_the_data():
    """Toy: two PCs of known variances, so that the range is that of the spectrum."""
    data = sl.datasets.load("toy-2d").values.reshape(-1, 2)
    variances = np.linalg.svd(data - data.mean(0), compute_uv=False) ** 2
    exact = ranges.exact_outlines(["toy-2d"], [("cka", "nbs")], levels=5)
    assert exact["room"].all()
    ends = exact_ranges.cka_range_given_nbs(variances, np.linspace(0, 1, 5))
    for end, values in zip(("lowest", "highest"), ends, strict=True):
        np.testing.assert_allclose(exact[exact["end"] == end]["score_a"], values, atol=1e-12)


def test_implied_scores_are_read_off_the_exact_ranges():
    table = ranges.implied_scores(["siegel2015"], 0.8).set_index(["given", "other"])
    assert (
        len(table) == 10
        and (table["lowest"] <= table["highest_at"]).all()
        and (table["highest"] == 1).all()
    )
    low, high = exact_ranges.nbs_range_given_cka(variance_ratios("siegel2015"), 0.8)
    assert table.loc[("cka", ANGULAR), "lowest"] == pytest.approx(
        1 - 2 / np.pi * np.arccos(float(low))
    )
    assert table.loc[("cka", "nbs"), "highest_at"] == pytest.approx(float(high))
    assert table.loc[("cka", "nbs"), "lowest_status"] == "proved"
    assert table.loc[("nbs", "cka"), "lowest_status"] == "conjecture"
