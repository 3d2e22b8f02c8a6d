"""Matrices with the spectrum of a dataset and random time courses, of any tails."""

import numpy as np
import pytest
import torch

from simlib import datasets, linalg, score
from simlib.datasets import made

FREEMAN = "surrogate-freemanziemba2013"


@pytest.fixture(scope="module")
def freeman():
    return datasets.load(FREEMAN)


def flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])


@pytest.mark.parametrize("kind", made.TAILS)
def test_tails_leave_spectrum_and_mean(freeman, kind):
    X, Z = flat(freeman.values), flat(made.spectrum_matched(freeman, seed=2, tails=kind))
    spectrum = np.linalg.svd(X - X.mean(0), compute_uv=False)
    matched = np.linalg.svd(Z, compute_uv=False)
    np.testing.assert_allclose(matched, spectrum, atol=1e-9 * spectrum[0])
    np.testing.assert_allclose(Z.mean(0), 0, atol=1e-12)


def test_the_gaussian_shares_the_singular_values_and_nothing_else(freeman):
    one, other = (made.spectrum_matched(freeman, seed=seed) for seed in (0, 1))
    assert score("cka", freeman, one) < 0.2 and score("cka", one, other) < 0.2
    np.testing.assert_array_equal(one, made.spectrum_matched(freeman, seed=0))


def test_the_first_pcs_keep_their_tails(freeman):
    sizes = []
    for kind in made.TAILS:
        Z = flat(made.spectrum_matched(freeman, seed=0, tails=kind))
        first = np.linalg.svd(Z, full_matrices=False)[0][:, 0]
        sizes.append(np.abs(first).mean() / np.sqrt((first**2).mean()))
    assert sizes == sorted(sizes) and sizes[-1] > 0.99


@pytest.mark.parametrize(
    ("kind", "cosine"),
    [("t3", 2 / np.pi), ("gaussian", (2 / np.pi) ** 0.5), ("uniform", 0.75**0.5), ("signs", 1)],
)
def test_the_sign_of_a_gradient_points_along_it_the_more_the_lighter_its_tails(kind, cosine):
    g = made.TAILS[kind](np.random.default_rng(0), 1_000_000)
    along = np.sign(g) @ g / np.linalg.norm(np.sign(g)) / np.linalg.norm(g)
    assert along == pytest.approx(cosine, abs=0.02)


def test_unknown_tails_are_refused(freeman):
    with pytest.raises(ValueError, match="uniform"):
        made.spectrum_matched(freeman, tails="unifrom")


def test_smooth_responses_are_as_smooth_as_asked():
    responses = made.smooth_responses(np.ones(8), 12, 400, 2.0, [0])
    correlation = np.mean(responses[:-2] * responses[2:]) / np.mean(responses**2)
    assert correlation == pytest.approx(np.exp(-0.5), abs=0.03)
    bins = made.smooth_responses(np.ones(8), 12, 400, 0.0, [0])
    assert np.mean(bins[:-1] * bins[1:]) == pytest.approx(0, abs=0.03)


def test_the_rotation_is_orthogonal_and_keeps_the_constant():
    Q = made.rotation_of_samples(20, seed=3)
    np.testing.assert_allclose(Q @ Q.T, np.eye(20), atol=1e-12)
    np.testing.assert_allclose(Q @ np.ones(20), np.ones(20), atol=1e-12)
    assert np.abs(Q - np.eye(20)).max() > 0.5
    assert not np.allclose(Q, made.rotation_of_samples(20, seed=4))


def test_a_direction_outside_is_orthogonal_to_the_data_and_to_the_constant():
    U = np.linalg.qr(np.random.default_rng(0).standard_normal((12, 4)))[0]
    U = np.linalg.qr(U - U.mean(0))[0]
    w = linalg.direction_outside(torch.from_numpy(U), seed=1).numpy()
    np.testing.assert_allclose([*(U.T @ w), w.sum(), np.linalg.norm(w)], [0] * 5 + [1], atol=1e-12)
