"""Joint score ranges: the targets, what bounds every point, repeatability, refusals, the table for
many pairs.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

import simlib as sl
from simlib import joint, theory

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


def test_allowed_are_scores_of_points_that_come_that_far():
    rng = np.random.default_rng(0)
    points = pd.DataFrame(rng.random((200, 2)), columns=["score_a", "score_b"])
    for level in (0, 0.5, 0.9):
        found = joint.allowed(points, level)
        for given, other in ("ab", "ba"):
            there = points[points[f"score_{given}"] >= level][f"score_{other}"]
            for end in ("lowest", "highest"):
                assert (there == found[f"{end}_{other}"]).any()
            assert there.between(found[f"lowest_{other}"], found[f"highest_{other}"]).all()
    assert all(np.isnan(value) for value in joint.allowed(points * 0.5, 0.9).values())


def test_allowed_draws_no_line_between_points():
    """An outline straight from (0, 0.8) to (1, 1) would allow 0.98 at 0.9: no Y was there."""
    ends = pd.DataFrame({"score_a": [0, 0.85, 1.0], "score_b": [0, 0.2, 1.0]})
    assert joint.allowed(ends) == {"lowest_b": 1, "highest_b": 1, "lowest_a": 1, "highest_a": 1}


# -- The scale of Y


def own_with_scale(X, Y):
    """Grows with similarity and, up to X's size, with Y's."""
    return (X * Y).sum() / X.square().sum().clamp_min((X * Y).sum().abs())


@pytest.mark.parametrize(
    "name",
    [
        "ridge",
        "ridge-cv",
        *(sl.measure("ridge-cv", penalty=penalty) for penalty in (1, 10000)),
        own_with_scale,
    ],
    ids=lambda name: getattr(name, "id", getattr(name, "__name__", name)),
)
@pytest.mark.parametrize("blind", [ANGULAR, "cka"])
def test_another_scale_of_y_belongs_to_the_region(X, name, blind):
    """Y = cX scores 1 on a measure blind to scale at any c: what it scores on the other, however
    small c is, the descents reach.
    """
    measure = joint.score_measure(name)
    points = sl.joint_range(name, blind, X, points=2, steps=400, visited=True)
    assert (points.groupby(["target_a", "target_b"])["step"].value_counts() <= 2).all()
    lowest = joint.allowed(points)["lowest_a"]
    smallest = min(sl.score(measure, X, c * X) for c in np.geomspace(1e-4, 1, 9))
    assert sl.score(blind, X, 1e-4 * X) == pytest.approx(1, abs=1e-6)
    assert lowest < smallest + 0.02


@pytest.mark.parametrize("pair", [("cka", ANGULAR), ("linreg", "nbs"), ("svcca", "cka")])
def test_pairs_blind_to_scale_descend_over_the_entries_alone(X, pair, monkeypatch):
    first = sl.joint_range(*pair, X, points=2, steps=10)
    monkeypatch.setattr(joint, "_with_scale", None)  # would fail if it were called
    pd.testing.assert_frame_equal(sl.joint_range(*pair, X, points=2, steps=10), first)


def test_the_scale_stays_within_what_floats_hold():
    noise = torch.ones(3, 2)
    for scale in joint.STARTS:
        drawn, parameters = joint._with_scale(noise, scale)
        torch.testing.assert_close(drawn(parameters), scale * noise)
    for logarithm in (-1e4, 1e4):
        parameters[-1] = logarithm
        size = float(drawn(parameters).max())
        assert size == pytest.approx(joint.SCALES ** np.sign(logarithm), rel=1e-3)


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))
    return tmp_path


def test_exact_range_is_drawn_over_a_region(ends):
    exact = pd.DataFrame(
        {
            "end": ["lowest"] * 2 + ["highest"] * 2,
            "score_a": [0, 1, 0.5, 1],
            "score_b": [0, 1, 0, 1],
            "status": ["conjecture"] * 2 + ["proved"] * 2,
        }
    )
    ax = sl.plots.exact_range(exact, Figure().subplots())
    assert ax.get_legend_handles_labels()[1] == ["exact range (conjecture)", "exact range (proved)"]
    assert ax.lines[0].get_linestyle() == "--" and ax.lines[1].get_linestyle() == "-"
    assert not sl.plots.exact_range(exact[:0], Figure().subplots()).lines
