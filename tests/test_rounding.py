"""Rounding of the data's own precision is no signal: ranks of float32 data, and large offsets."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression

import simlib as sl
from simlib import linalg


def explained(X, Y):
    fitted = LinearRegression().fit(Y, X).predict(Y)
    return 1 - ((X - fitted) ** 2).sum() / ((X - X.mean(0)) ** 2).sum()


def softmax(n, k, dtype, temperature=1.0, seed=0):
    logits = temperature * np.random.default_rng(seed).standard_normal((n, k)).astype(dtype)
    return torch.softmax(torch.from_numpy(logits), 1).numpy()


SIZES = [(40, 3), (240, 24), (240, 150), (2000, 10), (1500, 300)]


@pytest.mark.parametrize("n, k", SIZES)
@pytest.mark.parametrize("temperature", [0.1, 1, 4])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_outputs_that_add_up_to_1_have_one_predictor_less(n, k, temperature, dtype):
    """In either precision, in a tensor as in an array: the same as without the last column."""
    Y = softmax(n, k, dtype, temperature)
    X = np.random.default_rng(1).standard_normal((n, 3))
    free = Y[:, :-1].astype(np.float64)
    assert sl.score("linreg", X, Y) == pytest.approx(explained(X, free), abs=1e-6)
    if temperature >= 1:  # scikit-learn cuts the rank of float32 numbers, too; further off its own
        # float32 loses digits to the offset
        assert sl.score("linreg", X, Y) == pytest.approx(explained(X.astype(dtype), Y), abs=1e-4)
    for name in ("cca", "linreg-angular", "cca-angular"):
        assert sl.score(name, X, Y) == pytest.approx(sl.score(name, X, free), abs=1e-6), name
    unpenalised = sl.measure("ridge-cv", penalty=0)
    expected = sl.score(unpenalised, X, free)
    assert sl.score(unpenalised, X, Y) == pytest.approx(expected, abs=1e-5 * max(1, -expected))
    captured = sl.captured_variance(X, free)
    vectors = sl.components.left_singular_vectors(X)
    for given in (Y, Y.astype("f8"), torch.from_numpy(Y)):
        np.testing.assert_allclose(sl.captured_variance(X, given), captured, atol=1e-5)
        found = sl.captured_variance(X, given, vectors=vectors)
        np.testing.assert_allclose(found, captured, atol=1e-5)
    assert np.isnan(sl.captured_variance(Y, X)[-1])  # a PC of rounding is none
    assert sl.calibration.expected_by_chance("linreg", X, Y) == (k - 1) / (n - 1)


def test_a_constant_neuron_is_no_predictor_whatever_its_last_digit():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((60, 4)), rng.standard_normal((60, 5)).astype("f4")
    constant = np.float32(0.1) + np.spacing(np.float32(0.1)) * rng.integers(-1, 2, 60)
    with_it = np.column_stack([Y, constant.astype("f4")])
    assert sl.score("linreg", X, with_it) == pytest.approx(sl.score("linreg", X, Y), abs=1e-12)
    assert sl.score("linreg", X, with_it.astype("f8")) == sl.score("linreg", X, with_it)


def hidden_in(ratio, n=240, q=20):
    """Y with a direction of this relative size that alone predicts X."""
    rng = np.random.default_rng(0)
    U = np.linalg.qr(rng.standard_normal((n, q + 1)) - 0.0)[0]
    U -= U.mean(0)
    sizes = np.ones(q)
    sizes[-1] = ratio
    Y = (U[:, :q] * sizes) @ np.linalg.qr(rng.standard_normal((q, q)))[0].T
    return U[:, [q - 1]], Y


@pytest.mark.parametrize("ratio", [1e-3, 1e-5, 1e-7, 1e-9])
def test_little_variance_of_float64_counts(ratio):
    X, Y = hidden_in(ratio)
    assert sl.score("linreg", X, Y) > 0.99
    assert sl.score("cca", X, Y) > 0.99
    assert sl.captured_variance(X, Y)[0] > 0.99
    assert not linalg.rounded_to_single(torch.from_numpy(Y))


@pytest.mark.parametrize("ratio", [1e-2, 1e-3, 1e-4])
def test_little_variance_of_float32_counts_where_it_stands_out_of_rounding(ratio):
    X, Y = hidden_in(ratio)
    assert sl.score("linreg", X, Y.astype("f4")) > 0.99
    assert sl.score("cca", X, Y.astype("f4")) > 0.99
    assert sl.captured_variance(X, Y.astype("f4"))[0] > 0.99


def test_what_was_in_float32_is_told_by_its_digits():
    rng = np.random.default_rng(0)
    normal = torch.from_numpy(rng.standard_normal((50, 4)))
    counts = torch.from_numpy(rng.poisson(1e6, (50, 4)).astype(float))
    assert linalg.rounded_to_single(normal.float().double())
    assert not linalg.rounded_to_single(normal.float())
    few = torch.from_numpy(rng.poisson(20, (50, 4)) / 8)
    for exact in (normal, counts, few, counts * 2.0**30 + 1, torch.zeros(3, 2).double()):
        assert not linalg.rounded_to_single(exact)


def test_whole_numbers_keep_their_ranks():
    counts = np.random.default_rng(0).integers(10**6, 2 * 10**6, (100, 5)).astype("f4")
    near = np.column_stack([counts, counts[:, 0] + (np.arange(100) == 3)]).astype("f4")
    X = (np.arange(100) == 3).astype(float)[:, None]
    assert sl.score("linreg", X, near) == pytest.approx(1)


# -- Offsets


@pytest.mark.parametrize(
    "name", ["cka", "procrustes-angular-score", "linreg", "cca", "rsa", "ridge"]
)
def test_an_offset_of_X_changes_no_ascent(name):
    X = np.random.default_rng(0).standard_normal((40, 6))
    options = {"seed": 0, "steps": 40, "stop": None}
    plain = sl.maximize(name, X, **options)
    assert plain.scores[-1] == pytest.approx(sl.score(name, X, plain.Y), abs=2e-6)
    for offset in (10.0, 1e8, -1e12, 1e8 * np.arange(6)):
        moved = sl.maximize(name, X + offset, **options)
        digits = np.abs(offset).max() * 1e-16  # of X itself
        np.testing.assert_allclose(moved.scores, plain.scores, atol=1e-4 + 100 * digits)
        score = sl.score(name, X + offset, moved.Y)
        assert score == pytest.approx(moved.scores[-1], abs=2e-6 + 10 * digits)
    many = sl.maximize_many(name, X + 1e8, seeds=[0, 1], steps=40, stop=None)
    np.testing.assert_allclose(many[0].scores, plain.scores, atol=1e-4)


def test_a_start_far_from_0_comes_back_where_it_was():
    rng = np.random.default_rng(0)
    X, start = rng.standard_normal((40, 6)) + 1e8, rng.standard_normal((40, 6)) + 1e9
    seen = []
    ascent = sl.maximize(
        "cka", X, start=start, steps=30, observers=[lambda step, score, Y: seen.append(Y.clone())]
    )
    np.testing.assert_allclose(seen[0], start, atol=1e-6)
    np.testing.assert_array_equal(seen[-1], ascent.Y)
    assert ascent.Y.dtype == np.float64 and abs(ascent.Y.mean() - 1e9) < 10
    assert sl.score("cka", X, ascent.Y) == pytest.approx(ascent.scores[-1], abs=2e-6)
    near = sl.maximize("cka", X, start=start - 1e9, steps=30)
    np.testing.assert_allclose(ascent.scores, near.scores, atol=1e-4)
    assert near.Y.dtype == np.float32


def test_a_measure_that_depends_on_the_offset_gets_it():
    X = np.abs(np.random.default_rng(0).standard_normal((20, 5))) + 3
    cosines = sl.measure("rsa", distance="cosine")
    ascent = sl.maximize(cosines, X, steps=5, start=X + 1)
    assert ascent.scores[0] == pytest.approx(sl.score(cosines, X, X + 1), abs=1e-4)
    sums = []
    own = lambda X, Y: sums.append(float(X.sum())) or (X * Y).sum()  # noqa: E731
    sl.maximize(own, X, steps=1)
    assert sums[0] == pytest.approx(X.sum(), rel=1e-6)


def test_joint_ranges_and_captures_do_not_depend_on_the_offset():
    X = np.random.default_rng(0).standard_normal((20, 4))
    plain, moved = (sl.joint.approach("cka", "nbs", Z, (1, 1), steps=20) for Z in (X, X + 1e8))
    np.testing.assert_allclose(moved["score_a"], plain["score_a"], atol=1e-4)
    Y = np.random.default_rng(1).standard_normal((20, 4)).astype("f4") + np.float32(1e4)
    exact = sl.captured_variance(X, Y.astype("f8"))
    vectors = sl.components.left_singular_vectors(X).float()
    found = sl.captured_variance(X, torch.from_numpy(Y), vectors=vectors)
    np.testing.assert_allclose(found, exact, atol=1e-5)
    labels = np.arange(20) % 2
    shifted = X + 4.0 * labels[:, None]
    assert sl.decoding_accuracy(shifted, labels) == sl.decoding_accuracy(shifted + 1e8, labels)
