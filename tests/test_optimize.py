"""Laws of the ascent: reference trajectories, pairing of scores and snapshots, stopping, bad
input.
"""

import json

import numpy as np
import pytest
import torch

import simlib as sl
from simlib.optimize import OPTIMISERS, start_from_noise

X = np.random.default_rng(0).standard_normal((4, 10, 6)) @ np.diag([3, 2, 1, 0.5, 0.3, 0.1])


def test_sixty_steps_follow_the_reference(oracles):
    start = np.load(oracles / "open_trajectories.npz")
    for name, scores in json.loads((oracles / "open_trajectories.json").read_text()).items():
        run = sl.maximize(name, start["X"], start=start["Y0"], steps=60, stop=None)
        # The first score is listed twice; entry k is the score before step k.
        np.testing.assert_allclose(run.scores, scores[1:61], atol=1e-4, err_msg=name)


def test_a_recorded_score_belongs_to_the_recorded_snapshot():
    seen = []

    def check(step, score, Y):
        assert Y.shape == X.shape and not Y.requires_grad
        seen.append((step, score, sl.score("nbs", X, Y)))

    run = sl.maximize("nbs", X, seed=1, steps=30, stop=None, observers=[check])
    steps, scores, again = zip(*seen, strict=True)
    assert steps == tuple(range(30)) and len(run.scores) == 30
    np.testing.assert_array_equal(scores, run.scores)
    np.testing.assert_allclose(scores, again, atol=1e-6)
    assert sl.score("nbs", X, run.Y) == pytest.approx(run.scores[-1], abs=1e-6)
    assert run.Y.shape == X.shape


@pytest.mark.parametrize("name", ["cka", "procrustes-angular-score", "linreg", "ridge-cv", "rsa"])
def test_the_ascent_climbs_and_stops_once_reached(name):
    run = sl.maximize(name, X, seed=0)
    assert run.stopped == "reached" and run.scores[-1] > 0.99 and (run.scores[:-1] <= 0.99).all()


def test_same_seed_same_bits_and_another_seed_another_start():
    runs = [sl.maximize("cka", X, seed=seed, steps=5) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0].Y, runs[1].Y)
    assert not np.array_equal(runs[0].Y, runs[2].Y)


def test_recording_every_kth_step_or_by_movement_of_the_score():
    every, moved = [], []
    sl.maximize(
        "cka", X, steps=20, stop=None, record=5, observers=[lambda k, s, Y: every.append(k)]
    )
    run = sl.maximize(
        "cka", X, steps=60, record=0.05, observers=[lambda k, s, Y: moved.append((k, s))]
    )
    assert every == [0, 5, 10, 15]
    assert moved[0][0] == 0 and moved[-1][1] == run.scores[-1]
    gaps = np.abs(np.diff([score for _, score in moved]))
    assert (gaps[:-1] >= 0.05).all() and len(moved) < len(run.scores)


def test_distances_are_minimised():
    run = sl.maximize("procrustes-euclidean", X, steps=400, lr=0.05, stop=0.9)
    assert run.stopped == "reached" and run.scores[-1] <= 0.1 * run.scores[0]


def test_any_callable_and_any_number_of_neurons():
    start = np.random.default_rng(2).standard_normal((4, 10, 3))
    run = sl.maximize(lambda A, B: sl.measure("cka")(A, B) ** 2, X, start=start, steps=10)
    assert run.Y.shape == start.shape and run.scores[-1] > run.scores[0]


def test_a_measure_that_breaks_ends_the_ascent_with_what_was_found():
    calls = []

    def breaks(A, B):
        calls.append(1)
        return sl.measure("cka")(A, B) * (float("nan") if len(calls) > 3 else 1.0)

    seen = []
    run = sl.maximize(
        breaks, X, steps=10, record=0.9, observers=[lambda step, score, Y: seen.append(score)]
    )
    assert seen == [run.scores[0], run.scores[-1]]
    assert run.stopped == "not finite" and len(run.scores) == 3
    assert sl.score("cka", X, run.Y) == pytest.approx(run.scores[-1], abs=1e-6)


@pytest.mark.unchecked
def test_an_observer_cannot_change_the_ascent():
    with pytest.raises(ValueError, match="changed Y in place"):
        sl.maximize("cka", X, steps=3, observers=[lambda step, score, Y: Y.zero_()])
    with pytest.raises(TypeError, match=r"observers=\[f\]"):
        sl.maximize("cka", X, steps=3, observers=print)


@pytest.mark.unchecked
def test_numpy_numbers_are_numbers():
    run = sl.maximize("cka", X, seed=np.int64(3), steps=np.int64(4), record=np.float32(0.1))
    np.testing.assert_array_equal(run.scores, sl.maximize("cka", X, seed=3, steps=4).scores)


def test_a_score_without_an_upper_end_stops_near_that_of_x_with_itself():
    run = sl.maximize("ensd", X, steps=300)
    assert run.scores[-1] > 0.99 * sl.score("ensd", X, X) or run.stopped == "steps"
    assert run.scores[-1] > 1.5


@pytest.mark.parametrize(
    "function, found",
    [
        (lambda A, B: 1.0, "got float"),
        (lambda A, B: B.sum(0), "shape"),
        (lambda A, B: A.sum(), "without a gradient"),
    ],
)
def test_what_is_no_measure_is_named(function, found):
    with pytest.raises(TypeError, match=f"can't be climbed.*{found}"):
        sl.maximize(function, X, steps=3)


def test_a_measure_that_is_never_finite_is_refused():
    with pytest.raises(ValueError, match="first score is nan"):
        sl.maximize(lambda A, B: (A.sum() + B.sum()) * float("nan"), X, steps=10)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"steps": 0}, "steps needs to be 1 or more"),
        ({"record": 0}, "record is every k-th step"),
        ({"start": np.zeros((4, 10, 6))}, "Y is constant"),
        ({"start": np.eye(54).reshape(-1)[: 4 * 9 * 6].reshape(4, 9, 6)}, "same samples"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        sl.maximize("cka", X, **options)


def test_float32_ascends_like_float64():
    single, double = (
        sl.maximize("cka", X, steps=40, stop=None, dtype=t) for t in (torch.float32, torch.float64)
    )
    again = sl.maximize(
        "cka",
        X,
        start=sl.optimize.start_from_noise(X.shape, 0).numpy(),
        steps=40,
        stop=None,
        dtype=torch.float64,
    )
    np.testing.assert_allclose(single.scores, again.scores, atol=1e-4)
    assert double.Y.dtype == np.float64


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_gpu_climbs_the_same_way():
    for name in ("cka", "nbs", "procrustes-angular-score", "linreg", "ridge-cv"):
        here, there = (
            sl.maximize(name, X, steps=20, stop=None, device=d).scores for d in ("cpu", "cuda")
        )
        np.testing.assert_allclose(here, there, atol=1e-3)
    ways = [sl.joint.approach("cka", "nbs", X, (1, 1), steps=20, device=d) for d in ("cpu", "cuda")]
    np.testing.assert_allclose(ways[0]["distance"], ways[1]["distance"], atol=1e-3)


def little(seed=0):
    return np.random.default_rng(seed).standard_normal((12, 3)) * [2, 1, 0.4]


def same_ways(one: list, other: list, tolerance: float = 1e-9) -> None:
    assert [way.stopped for way in one] == [way.stopped for way in other]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.scores, b.scores, atol=tolerance)
        np.testing.assert_allclose(a.Y, b.Y, atol=1e3 * tolerance)


@pytest.mark.parametrize("name", sl.MEASURES)
def test_many_seeds_climb_as_each_would_alone(name):
    options = {"steps": 12, "dtype": torch.float64}
    try:
        alone = [sl.maximize(name, little(), seed=seed, **options) for seed in (3, 0, 8)]
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error)):
            sl.maximize_many(name, little(), seeds=(3, 0, 8), **options)
        return
    same_ways(sl.maximize_many(name, little(), seeds=(3, 0, 8), **options), alone)


def test_seeds_stop_each_at_its_own_step_and_are_observed_as_alone():
    seen = {seed: [] for seed in range(6)}

    def observers(seed):
        return [lambda step, score, Y: seen[seed].append((step, score, Y.shape, float(Y.norm())))]

    options = {"stop": 0.9, "steps": 200, "record": 0.05, "dtype": torch.float64}
    X = little().reshape(4, 3, 3)
    together = sl.maximize_many("nbs", X, seeds=seen, observers=observers, **options)
    assert len({len(way.scores) for way in together}) > 1
    seen_together, seen = seen, {seed: [] for seed in range(6)}
    same_ways(
        together, [sl.maximize("nbs", X, seed=k, observers=observers(k), **options) for k in seen]
    )
    for seed, rows in seen.items():
        assert [row[0] for row in rows] == [row[0] for row in seen_together[seed]]
        for one, other in zip(rows, seen_together[seed], strict=True):
            assert one[2] == other[2] == (4, 3, 3) and one[1::2] == pytest.approx(
                other[1::2], abs=1e-6
            )


def test_a_seed_that_fails_leaves_the_others_alone():
    def until_large(X, Y):
        value = (X * Y).sum()
        return torch.where(value < 4, value, torch.nan)

    options = {"steps": 30, "stop": None, "dtype": torch.float64}
    starts = [
        float(
            until_large(
                torch.from_numpy(little()), sl.optimize.start_from_noise((12, 3), k, torch.float64)
            )
        )
        for k in range(8)
    ]
    seeds = [k for k in range(8) if np.isfinite(starts[k])]
    together = sl.maximize_many(until_large, little(), seeds=seeds, **options)
    same_ways(
        together, [sl.maximize(until_large, little(), seed=seed, **options) for seed in seeds]
    )
    lengths = [len(way.scores) for way in together]
    assert {way.stopped for way in together} == {"not finite"} and min(lengths) < max(lengths)
    with pytest.raises(ValueError, match="first score"):
        sl.maximize_many(until_large, 100 * little(), seeds=range(8))


def test_a_callable_that_branches_on_its_data_climbs_one_by_one():
    def branches(X, Y):
        return (X * Y).sum() if float(Y.detach().sum()) > 0 else (X * Y).sum() / 2

    options = {"steps": 10, "stop": None, "dtype": torch.float64}
    alone = [sl.maximize(branches, little(), seed=seed, **options) for seed in (0, 1)]
    same_ways(sl.maximize_many(branches, little(), seeds=(0, 1), **options), alone)


def test_large_data_climb_one_by_one_and_no_seeds_give_nothing():
    X = np.random.default_rng(1).standard_normal((50, 40))
    alone = [sl.maximize("cka", X, seed=seed, steps=5) for seed in (0, 1)]
    for one, other in zip(sl.maximize_many("cka", X, seeds=(0, 1), steps=5), alone, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
    assert sl.maximize_many("cka", X, seeds=()) == []


# -- Optimisers


@pytest.fixture(scope="module")
def small():
    return sl.datasets.load("surrogate-siegel2015", trials=24, neurons=12).values


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_adam_moves_a_tensor_as_that_of_torch(dtype):
    """To the last bit, whatever the size of the gradients; 0 and the tensor's shape included."""
    draws = torch.Generator().manual_seed(0)
    Y = torch.randn(2, 7, 3, generator=draws, dtype=dtype)
    other = Y.clone()
    adam = OPTIMISERS["adam"](Y, 0.03)
    twin = torch.optim.Adam([other], lr=0.03, maximize=True, fused=True)
    for step in range(50):
        Y.grad = torch.randn(Y.shape, generator=draws, dtype=dtype) * 10.0 ** -(step % 7)
        Y.grad[step % 2] *= step % 3
        other.grad = Y.grad.clone()
        adam.step()
        twin.step()
        assert torch.equal(Y, other)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_climbs(small, optimiser):
    options = {"start": start_from_noise(small.shape, 0), "optimiser": optimiser}
    options["dtype"] = torch.float64
    scores = sl.maximize("cka", small, steps=60, **options).scores
    assert scores[-1] > 0.9 > 0.3 > scores[0]
    seen = []

    def observe(step, value, Y):
        seen.append((value, Y.clone()))

    sl.maximize("cka", small, steps=3, observers=[observe], **options)
    assert len(seen) == 3
    for value, Y in seen:
        assert sl.score("cka", small, Y.numpy()) == pytest.approx(value, abs=1e-9)


def test_gradient_ascent_ignores_the_scale_of_the_start(small):
    start = start_from_noise(small.shape, 0)
    options = {"optimiser": "sgd", "dtype": torch.float64, "steps": 15}
    one, ten = (sl.maximize("cka", small, start=k * start, **options).scores for k in (1.0, 10.0))
    np.testing.assert_allclose(one, ten, rtol=1e-6)


def test_an_unknown_optimiser_is_named(small):
    with pytest.raises(ValueError, match=r"optimiser.*sgdd.*sgd"):
        sl.maximize("cka", small, optimiser="sgdd", steps=2)


def test_a_distance_goes_down_with_every_optimiser(small):
    for optimiser in OPTIMISERS:
        options = {"optimiser": optimiser, "dtype": torch.float64, "steps": 5}
        distances = sl.maximize("procrustes-angular", small, **options).scores
        assert distances[-1] < distances[0]
