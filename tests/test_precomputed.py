"""Matrices that compare samples with each other: refused as responses, taken where they belong."""

import warnings

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform

import simlib as sl
from simlib import validation

GIVEN = sl.measure("rsa", precomputed=True)


def sides(n=30, p=8, seed=0):
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((2, n, p))
    B[:, : p // 2] = A[:, : p // 2]
    return A, B


def rdm(Z, metric="sqeuclidean"):
    return squareform(pdist(Z, metric))


@pytest.mark.parametrize("comparison", ["pearson", "spearman", "cosine", "kendall"])
@pytest.mark.parametrize(
    "distance, metric",
    [
        ("squared-euclidean", "sqeuclidean"),
        ("euclidean", "euclidean"),
        ("correlation", "correlation"),
        ("cosine", "cosine"),
    ],
)
def test_given_matrices_score_as_those_that_rsa_makes(distance, metric, comparison):
    A, B = sides()
    expected = sl.score("rsa", A, B, distance=distance, comparison=comparison)
    given = sl.measure("rsa", precomputed=True, comparison=comparison)
    assert sl.score(given, rdm(A, metric), rdm(B, metric)) == pytest.approx(expected, abs=1e-9)
    single = (rdm(Z, metric).astype("f4") for Z in (A, B))
    assert sl.score(given, *single) == pytest.approx(expected, abs=1e-4)


def test_ties_of_given_matrices_are_ties_but_for_rounding():
    grid = np.random.default_rng(0).integers(0, 3, (2, 20, 4)).astype(float)
    for comparison in ("spearman", "kendall"):
        given = sl.measure("rsa", precomputed=True, comparison=comparison)
        expected = sl.score("rsa", *grid, comparison=comparison)
        assert sl.score(given, *map(rdm, grid * 0.1)) == pytest.approx(expected, abs=1e-12)


def test_the_record_says_what_was_bound():
    assert GIVEN.id == "rsa--precomputed-1" and sl.MEASURES[GIVEN.id] == GIVEN
    assert GIVEN.symmetric and not GIVEN.differentiable
    assert GIVEN.invariances == {"isotropic scale"}
    A, B = map(rdm, sides())
    assert sl.score(GIVEN, A, B) == sl.score(GIVEN, B, A) == sl.score("rsa", A, B, precomputed=True)
    assert sl.score(GIVEN, A, 7e9 * B) == pytest.approx(sl.score(GIVEN, A, B), abs=1e-12)
    published = sl.measure("rsa-euclidean-cosine", precomputed=True)
    assert sl.score(published, A, B) == pytest.approx(sl.score("rsa-euclidean-cosine", *sides()))
    with pytest.raises(ValueError, match=r"unknown parameter|takes no parameters"):
        sl.measure("cka", precomputed=True)


def test_unbiased_distances_may_be_negative():
    A, B = map(rdm, sides())
    below = A - 1.01 * A[A > 0].min()
    np.fill_diagonal(below, 0)
    assert sl.score(GIVEN, below, B) == pytest.approx(sl.score(GIVEN, A, B), abs=1e-12)


@pytest.mark.parametrize(
    "values, words",
    [
        (sides()[0], "no dissimilarity matrix"),
        (pdist(sides()[0]), r"squareform\(X\)"),
        (np.corrcoef(sides()[0]), "diagonal of 0"),
        (np.triu(rdm(sides()[0])), "symmetric"),
        (np.zeros((5, 5)), "no dissimilarity matrix"),
        (np.array([[0.0, 1], [1, 0]]), "3 samples or more"),
    ],
)
def test_what_is_no_rdm_is_refused_where_one_is_needed(values, words):
    with pytest.raises(ValueError, match=words):
        sl.score(GIVEN, values, values)


FUNCTIONS = {
    "score": lambda X: sl.score("cka", X, sides()[0]),
    "score, Y": lambda X: sl.score("rsa", sides()[0], X),
    "maximize": lambda X: sl.maximize("cka", X, steps=2),
    "captured_variance": lambda X: sl.captured_variance(sides()[0], X),
    "decoding": lambda X: sl.decoding_accuracy(X, np.arange(30) % 2),
    "compare": lambda X: sl.compare(X, X, ["cka"], permutations=2),
    "joint_range": lambda X: sl.joint_range("cka", "nbs", X, points=2, steps=2),
    "recording": lambda X: sl.datasets.recording(
        X, {}, name="a", title="A", source="b", citation=""
    ),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("metric", ["sqeuclidean", "correlation", "cityblock"])
def test_dissimilarities_are_refused_as_responses(function, metric):
    with pytest.raises(ValueError, match=r"looks like a dissimilarity matrix.*precomputed=True"):
        function(rdm(sides()[0], metric))


def test_an_ascent_and_a_shuffle_of_given_matrices():
    A, B = map(rdm, sides())
    with pytest.raises(ValueError, match="no gradient to climb"):
        sl.maximize(GIVEN, A, steps=2)
    null = sl.calibration.permutation_null(GIVEN, A, B, permutations=20)
    rng = np.random.default_rng(0)
    expected = []
    for _ in range(20):
        order = rng.permutation(len(B))
        expected.append(sl.score("rsa", sides()[0], sides()[1][order]))
    np.testing.assert_allclose(null, expected, atol=1e-12)
    table = sl.compare(A, B, [GIVEN], permutations=20)
    assert table["chance"].item() == pytest.approx(np.mean(expected))


def gram(Z):
    centred = Z - Z.mean(0)
    return centred @ centred.T


@pytest.mark.parametrize("made", [gram, lambda Z: Z @ Z.T, np.corrcoef], ids=["K", "ZZ'", "corr"])
def test_similarities_are_read_as_responses_and_the_way_out_is_right(made):
    A, B = sides()
    with pytest.warns(UserWarning, match="looks like a matrix of similarities") as told:
        sl.score("cka", made(A), B)
    assert "numpy.linalg.eigh(X); vectors * values.clip(0) ** 0.5" in str(told[0].message)
    values, vectors = np.linalg.eigh(made(A))
    same = vectors * values.clip(0) ** 0.5
    np.testing.assert_allclose(same @ same.T, made(A), atol=1e-9)
    if made is not np.corrcoef:
        assert sl.score("cka", same, B) == pytest.approx(sl.score("cka", A, B), abs=1e-9)


def test_square_responses_are_not_touched():
    rng = np.random.default_rng(0)
    square = rng.standard_normal((20, 20))
    spikes = rng.poisson(2, (20, 20)).astype(float)
    hollow = square.copy()
    np.fill_diagonal(hollow, 0)
    almost = rdm(square)
    almost[3, 4] *= 1.01
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for X in (square, spikes, hollow, almost, np.eye(20), np.diag(np.arange(1.0, 21))):
            assert sl.score("cka", X, square) > 0
            validation.responses(torch.from_numpy(X)[None])
        validation.responses(rdm(sides()[0])[:, :-1])
        validation.responses(np.stack([rdm(sides()[0]), rng.standard_normal((30, 30))]))
        assert sl.score("cka", [[0.0, 1], [1, 0]], [[0.0, 1], [1, 0]]) == pytest.approx(1)
