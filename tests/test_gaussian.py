"""Matrices with the spectrum of a dataset and random time courses, of any tails."""

import numpy as np
import pytest

from simlib import datasets, score
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
