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


# Forms that RDMs come in, each of responses Z.
FORMS = {
    "a stack": lambda Z: np.stack([rdm(Z)] * 3),
    "a tensor": lambda Z: torch.from_numpy(rdm(Z)),
    "half precision": lambda Z: rdm(Z).astype("f2"),
    "one triangle": lambda Z: np.triu(rdm(Z)),
    "the other triangle": lambda Z: np.tril(rdm(Z)),
    "three digits": lambda Z: np.round(rdm(Z), 3),
    "nearly symmetric": lambda Z: rdm(Z) * (1 + 1e-5 * np.random.default_rng(0).random((30, 30))),
    "float32 about a far mean": lambda Z: torch.cdist(*[torch.from_numpy(Z + 100).float()] * 2),
    "ranks": lambda Z: squareform(np.argsort(np.argsort(pdist(Z))) + 1.0),
    "categories": lambda Z: (np.arange(30) % 3 != np.arange(30)[:, None] % 3).astype(float),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_dissimilarities_are_known_in_any_form(form):
    with pytest.raises(ValueError, match="looks like a dissimilarity matrix") as caught:
        sl.score("cka", form(sides()[0]), sides()[1])
    assert len(str(caught.value)) < 1500
    reversed_neurons = np.asarray(form(sides()[0]), dtype=float)[..., ::-1]
    assert str(caught.value).endswith("X[..., ::-1]")
    assert validation.responses(reversed_neurons).shape == reversed_neurons.shape


def test_vectors_of_pairs_and_empty_diagonals():
    A, B = sides()
    for values in (pdist(A), pdist(A).tolist()):
        with pytest.raises(ValueError, match=r"dissimilarities of 30 samples.*squareform\(X\)"):
            sl.score("cka", values, B)
    with pytest.raises(ValueError, match=r"x\[:, None\]$"):
        sl.score("cka", np.arange(434.0), B)
    empty = [rdm(Z) + np.diag(np.full(30, np.nan)) for Z in (A, B)]
    assert sl.score(GIVEN, *empty) == sl.score(GIVEN, rdm(A), rdm(B))
    with pytest.raises(ValueError, match="stack pass one, or their mean"):
        sl.score(GIVEN, np.stack([rdm(A)] * 2), np.stack([rdm(B)] * 2))
    with pytest.raises(ValueError, match="ceiling needs repeats of responses"):
        sl.calibration.noise_ceiling(GIVEN, [rdm(A), rdm(B)])


def test_dissimilarities_below_0_are_told_as_such():
    A, B = sides()
    below = rdm(A) - 1.01 * np.quantile(pdist(A), 0.1) * (1 - np.eye(30))
    with pytest.warns(UserWarning, match=r"dissimilarities.*some of which are negative.*precomp"):
        sl.score("cka", below, B)


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
        one_hot = np.eye(20)[::-1].copy()
        for X in (square, spikes, hollow, almost, one_hot, np.eye(20), np.diag(np.arange(20.0))):
            assert sl.score("cka", X, square) > 0
            validation.responses(torch.from_numpy(X)[None])
        validation.responses(rdm(sides()[0])[:, :-1])
        validation.responses(np.stack([rdm(sides()[0]), rng.standard_normal((30, 30))]))
        assert sl.score("cka", [[0.0, 1], [1, 0]], [[0.0, 1], [1, 0]]) == pytest.approx(1)
