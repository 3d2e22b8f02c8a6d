"""Joint score ranges: the targets, what bounds every point, repeatability, refusals, the table for
many pairs.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

import simlib as sl
from simlib import exact_ranges, experiments, joint, theory
from simlib.datasets.spectra import variance_ratios
from simlib.experiments import exact_ranges as exact_range_tables

ANGULAR = "procrustes-angular-score"


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return rng.standard_normal((30, 6)) / np.arange(1, 7)


@pytest.fixture(scope="module")
def ends(X):
    return sl.joint_range("cka", ANGULAR, X, points=4, steps=400)


def test_targets_go_round_the_square_once():
    np.testing.assert_allclose(
        joint.edge_targets(3),
        [(0, 0), (0.5, 0), (1, 0), (1, 0.5), (1, 1), (0.5, 1), (0, 1), (0, 0.5)],
    )
    for points in (2, 4, 6):
        targets = joint.edge_targets(points)
        assert len(targets) == 4 * (points - 1) == len({tuple(t) for t in targets.round(9)})
        assert np.isin(targets, (0, 1)).any(axis=1).all()
        steps = np.abs(np.roll(targets, -1, axis=0) - targets).sum(axis=1)
        np.testing.assert_allclose(steps, 1 / (points - 1))


def test_table(ends):
    assert list(ends) == ["target_a", "target_b", "score_a", "score_b", "steps", "stopped"]
    np.testing.assert_allclose(ends[["target_a", "target_b"]], joint.edge_targets(4))
    assert set(ends["stopped"]) <= {"reached", "stalled", "steps"}
    assert ends["steps"].between(1, 400).all()


def test_reachable_and_unreachable_corners(ends):
    far = (ends["score_a"] - ends["target_a"]).abs() + (ends["score_b"] - ends["target_b"]).abs()
    corner = ends["target_a"].isin([0, 1]) & ends["target_b"].isin([0, 1])
    same = ends["target_a"] == ends["target_b"]
    assert corner.sum() == 4 and (far[corner & same] < 0.02).all()
    assert (far[corner & ~same] > 0.2).all() and (
        ends["stopped"][corner & ~same] != "reached"
    ).all()


@pytest.mark.parametrize("measure", ["cka", "linreg"])
def test_every_point_keeps_to_the_bounds(X, measure):
    points = sl.joint_range(measure, ANGULAR, X, points=3, steps=150, visited=True)
    nbs = np.cos((1 - points["score_b"]) * np.pi / 2)
    if measure == "linreg":
        assert (nbs**2 <= points["score_a"] + 1e-5).all()
    else:
        low, high = theory.nbs_bounds(points["score_a"].clip(0, 1), 6, 6)
        assert (nbs >= low - 1e-5).all() and (nbs <= high + 1e-5).all()


def test_a_measure_with_itself_stays_on_the_diagonal(X):
    ends = sl.joint_range("cka", "cka", X, points=3, steps=200)
    np.testing.assert_array_equal(ends["score_a"], ends["score_b"])
    corners = ends.set_index(["target_a", "target_b"])["score_a"]
    assert corners[0, 0] < 0.02 and corners[1, 1] > 0.98


def test_same_seed_same_table(X):
    first, again, other = (
        sl.joint_range("cka", "nbs", X, points=2, steps=20, seed=s) for s in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_end_points_are_the_best_of_the_way(X):
    ways = sl.joint_range("cka", ANGULAR, X, points=2, steps=60, visited=True)
    ends = sl.joint_range("cka", ANGULAR, X, points=2, steps=60)
    for (_, way), (_, end) in zip(
        ways.groupby(["target_a", "target_b"], sort=False), ends.iterrows(), strict=True
    ):
        far = (way["score_a"] - way["target_a"]).abs() + (way["score_b"] - way["target_b"]).abs()
        np.testing.assert_allclose(far, way["distance"], atol=1e-6)
        best = way.loc[way["distance"].idxmin()]
        assert (end["score_a"], end["score_b"]) == (best["score_a"], best["score_b"])
        assert end["steps"] == len(way)
    starts = ways[ways["step"] == 0]
    assert starts["score_a"].nunique() == starts["score_b"].nunique() == 1


def test_scores_are_those_of_the_start(X):
    """The first row of a way scores the noise itself."""
    way = joint.approach("cka", "linreg", X, (0.5, 0.5), seed=3, steps=1, dtype=torch.float64)
    start = sl.optimize.start_from_noise(X.shape, 3, torch.float64)
    assert way["score_a"].iloc[0] == pytest.approx(sl.score("cka", X, start), abs=1e-12)
    assert way["score_b"].iloc[0] == pytest.approx(sl.score("linreg", X, start), abs=1e-12)


def test_a_way_stops_when_it_stalls(X):
    short = joint.approach("cka", ANGULAR, X, (0, 1), steps=1000, patience=5)
    long = joint.approach("cka", ANGULAR, X, (0, 1), steps=1000, patience=100)
    assert set(short["stopped"]) == {"stalled"} and len(short) < len(long) < 1000
    assert long["distance"].min() <= short["distance"].min()
    there = joint.approach("cka", ANGULAR, X, (1, 1), steps=1000, tolerance=0.1)
    assert set(there["stopped"]) == {"reached"} and there["distance"].iloc[-1] < 0.1


def test_descending_squares_measures_the_same_distance_and_lands_farther_away(X):
    left = {}
    for power in (1, 2):
        ways = [
            joint.approach("cka", ANGULAR, X, t, steps=150, power=power)
            for t in joint.edge_targets(3).tolist()
        ]
        for way in ways:
            away = (way["score_a"] - way["target_a"]).abs() + (
                way["score_b"] - way["target_b"]
            ).abs()
            np.testing.assert_allclose(way["distance"], away, atol=1e-12)
        left[power] = np.mean([way["distance"].min() for way in ways])
    assert left[1] < left[2]


def test_callables_and_three_axes(X):
    def own(X, Y):
        return 1 / (1 + (X - Y).square().mean())

    ends = sl.joint_range(
        own, sl.measure("ridge-cv", penalty=1), X.reshape(5, 6, 6), points=2, steps=5
    )
    assert len(ends) == 4 and np.isfinite(ends[["score_a", "score_b"]]).all(axis=None)


@pytest.mark.parametrize(
    "names, options, words",
    [
        (("cka", "procrustes-euclidean"), {}, "'procrustes-euclidean' is a distance"),
        (("cka", "nsb"), {}, "unknown measure 'nsb'; nearest: 'nbs'"),
        (("cka", "nbs"), {"points": 1}, "2 or more; got 1"),
        (("cka", "nbs"), {"steps": 0}, "steps and patience need to be 1 or more"),
        (("cka", "nbs"), {"tolerance": 0}, "tolerance above 0"),
        ((lambda X, Y: (X * Y).sum() / 0, "nbs"), {}, "not defined at the start"),
    ],
)
def test_refused(X, names, options, words):
    with pytest.raises(ValueError, match=words):
        sl.joint_range(*names, X, **options)


def test_refuses_bad_data(X):
    bad = X.copy()
    bad[3, 2] = np.nan
    with pytest.raises(ValueError, match="sample 3, neuron 2"):
        sl.joint_range("cka", "nbs", bad)


def test_allowed_reads_the_outline():
    triangle = pd.DataFrame({"score_a": [0, 1, 1.0], "score_b": [0, 0, 1.0]})
    found = joint.allowed(triangle, 0.9)
    assert found == pytest.approx({"lowest_b": 0, "highest_b": 1, "lowest_a": 0.9, "highest_a": 1})
    assert all(np.isnan(value) for value in joint.allowed(triangle * 0.5, 0.9).values())


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))
    return tmp_path


def test_joint_ranges_of_datasets(results):
    pairs = [("cka", ANGULAR), ("linreg", ANGULAR)]
    options = {"points": 2, "seeds": [0, 1], "steps": 60}
    ways = experiments.joint_ranges(["toy-2d"], pairs, **options)
    ends = experiments.end_points(ways)
    assert len(ends) == 2 * 2 * 4
    assert {"title", "settings", "surrogate", "data_hash"} <= set(ends)
    direct = sl.joint_range("cka", ANGULAR, sl.datasets.load("toy-2d"), points=2, steps=60, seed=1)
    here = ends[(ends["measure"] == "cka") & (ends["seed"] == 1)]
    np.testing.assert_array_equal(here[["score_a", "score_b"]], direct[["score_a", "score_b"]])
    limits = experiments.allowed_scores(ends)
    assert len(limits) == 4 and (limits["seeds"] == 2).all()
    assert (limits["lowest"] <= limits["highest"]).all()

    files = sorted(results.rglob("*.parquet"))
    before = [file.stat().st_mtime_ns for file in files]
    assert len(files) == 16
    pd.testing.assert_frame_equal(experiments.joint_ranges(["toy-2d"], pairs, **options), ways)
    assert [file.stat().st_mtime_ns for file in sorted(results.rglob("*.parquet"))] == before


def test_a_changed_file_is_computed_anew(results, tmp_path):
    path = tmp_path / "mine.npz"
    for scale in (1, 2):
        np.savez(path, X=scale * np.random.default_rng(scale).standard_normal((12, 3)))
        experiments.joint_ranges([str(path)], [("cka", "nbs")], points=2, steps=3)
    assert len(list(results.rglob("*.parquet"))) == 8


def test_claims(results):
    ways = experiments.joint_ranges(["hierarchy"], [("linreg", ANGULAR)], points=2, steps=100)
    limits = experiments.allowed_scores(experiments.end_points(ways))
    claims = experiments.claims_about_ranges(limits, ways)
    assert len(claims) == 3 and claims["asserted"].all()
    swapped = ways.assign(score_a=ways["score_b"] ** 4, score_b=ways["score_a"])
    assert not experiments.claims_about_ranges(limits, swapped)["holds"].all()
    assert experiments.claims_about_ranges(limits, ways.assign(measure="rsa")).empty
    with pytest.raises(ValueError, match="is a distance"):
        experiments.joint_ranges(["hierarchy"], [("cka", "procrustes-angular")])


def test_exact_outlines_bound_the_descents(results):
    pairs = [
        ("cka", ANGULAR),
        ("linreg", ANGULAR),
        ("cka", "nbs"),
        ("linreg", "cka"),
        ("ridge-cv", ANGULAR),
    ]
    exact = exact_range_tables.exact_outlines(["hierarchy"], pairs, levels=21)
    assert (
        len(exact) == 4 * 2 * 21 and not exact["room"].any()
    )  # 100 samples leave 49 directions for 50 neurons
    assert set(exact[exact["status"] == "conjecture"]["end"]) == {"lowest"}
    ways = experiments.joint_ranges(["hierarchy"], pairs, points=2, steps=60)
    claims = exact_range_tables.claims_about_exact_ranges(ways, exact)
    assert len(claims) == 4 and claims["holds"].all() and claims["asserted"].all()
    assert (claims["beyond"] < 1e-5).all() and claims["covered"].between(0.1, 1).all()
    swapped = ways.assign(score_a=ways["score_b"], score_b=ways["score_a"])
    wrong = exact_range_tables.claims_about_exact_ranges(swapped, exact)
    assert not wrong["holds"].any() and (wrong["beyond"] > 0.01).all()
    assert exact_range_tables.exact_outlines(["hierarchy"], pairs[-1:]).empty
    assert exact_range_tables.claims_about_exact_ranges(ways, exact[:0]).empty


def test_exact_outlines_know_the_data():
    """Toy: two PCs of known variances, so that the range is that of the spectrum."""
    data = sl.datasets.load("toy-2d").values.reshape(-1, 2)
    variances = np.linalg.svd(data - data.mean(0), compute_uv=False) ** 2
    exact = exact_range_tables.exact_outlines(["toy-2d"], [("cka", "nbs")], levels=5)
    assert exact["room"].all()
    for end, values in zip(
        ("lowest", "highest"),
        exact_ranges.cka_range_given_nbs(variances, np.linspace(0, 1, 5)),
        strict=True,
    ):
        np.testing.assert_allclose(exact.loc[exact["end"] == end, "score_a"], values, atol=1e-9)


def test_implied_scores(results):
    table = exact_range_tables.implied_scores(["siegel2015"], 0.8).set_index(["given", "other"])
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


def test_exact_range_is_drawn_over_a_region(ends):
    exact = pd.DataFrame(
        {
            "end": ["lowest"] * 2 + ["highest"] * 2,
            "score_a": [0, 1, 0.5, 1],
            "score_b": [0, 1, 0, 1],
            "status": ["conjecture"] * 2 + ["proved"] * 2,
        }
    )
    ax = sl.plots.joint.exact_range(exact, Figure().subplots())
    assert ax.get_legend_handles_labels()[1] == ["exact range (conjecture)", "exact range (proved)"]
    assert ax.lines[0].get_linestyle() == "--" and ax.lines[1].get_linestyle() == "-"
    assert not sl.plots.joint.exact_range(exact[:0], Figure().subplots()).lines
