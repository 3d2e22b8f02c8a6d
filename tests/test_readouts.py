"""Scores as averages over decoding tasks: each proposition of the page, by identities and by tasks
that are drawn.
"""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from test_theory import build

import simlib as sl
from simlib import theory
from simlib.datasets.made import variance_ratios

PAGE = (Path(__file__).parent.parent / "book" / "decoding_reading.md").read_text()
PENALTIES = (0.0, 0.3, 5.0, np.inf)
each_penalty = pytest.mark.parametrize("penalty", PENALTIES)


def related(seed=0, n=24, p=4, q=6, rank=None):
    """X and a Y that shares part of it, both with means that aren't 0; Y of lower rank if asked."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * np.arange(p, 0, -1) + 3
    Y = X @ rng.standard_normal((p, q)) / 4 + rng.standard_normal((n, q))
    return X, Y if rank is None else Y[:, :rank] @ rng.standard_normal((rank, q))


def predicting(X, penalty):
    """G of the ridge readout, by the normal equations; its limit times the penalty at infinity."""
    X = X - X.mean(0)
    if np.isinf(penalty):
        return X @ X.T
    return X @ np.linalg.pinv(X.T @ X + penalty * np.eye(X.shape[1])) @ X.T


@each_penalty
def test_a_readout_is_the_ridge_fit(penalty):
    X, _ = related()
    z = np.random.default_rng(1).standard_normal((24, 3)) + 2
    np.testing.assert_allclose(
        theory.readout(X, z, penalty), predicting(X, penalty) @ (z - z.mean(0)), atol=1e-10
    )
    np.testing.assert_allclose(
        theory.readout(X, z[:, 0], penalty), theory.readout(X, z, penalty)[:, :1]
    )
    large = 1e9
    np.testing.assert_allclose(
        large * theory.readout(X, z, large), theory.readout(X, z, np.inf), rtol=1e-5, atol=1e-6
    )


def drawn(X, Y, penalty, tasks=40_000):
    """Predictions of Gaussian tasks from both sides."""
    z = np.random.default_rng(2).standard_normal((len(X), tasks))
    return theory.readout(X, z, penalty), theory.readout(Y, z, penalty)


def near(samples, expected):
    """The mean lies within four standard errors, which are small."""
    error = samples.std() / len(samples) ** 0.5
    assert abs(samples.mean() - expected) < 4 * error + 1e-12
    assert error < 0.02 * abs(samples).mean() + 1e-12


@each_penalty
def test_alignment_is_the_average_over_drawn_tasks(penalty):
    X, Y = related()
    (a, b), (G, H) = drawn(X, Y, penalty), (predicting(Z, penalty) for Z in (X, Y))
    near((a * b).sum(0), np.trace(G @ H))
    near((a * a).sum(0), np.square(G).sum())
    ratio = np.trace(G @ H) / np.linalg.norm(G) / np.linalg.norm(H)
    assert theory.readout_alignment(X, Y, penalty) == pytest.approx(ratio, abs=1e-10)


@each_penalty
def test_alignment_over_all_balanced_labels(penalty):
    X, Y = related(n=8, p=3, q=2)
    labels = np.array([z for z in itertools.product((-1, 1), repeat=8) if sum(z) == 0]).T
    a, b = (theory.readout(Z, labels, penalty) for Z in (X, Y))
    exact = (a * b).sum() / np.sqrt(np.square(a).sum() * np.square(b).sum())
    assert theory.readout_alignment(X, Y, penalty) == pytest.approx(exact, abs=1e-10)


def shrunk(X, penalty):
    """U diag(sqrt(g)) V', with g = lambda / (lambda + penalty), 0 where lambda is rounding."""
    U, s, Vh = np.linalg.svd(X - X.mean(0), full_matrices=False)
    U, s, V = (part[..., s > 1e-12 * s[0]] for part in (U, s, Vh.T))
    return (U * (s if np.isinf(penalty) else s / np.sqrt(s**2 + penalty))) @ V.T


@each_penalty
def test_alignment_is_cka_of_the_shrunk_sides(penalty):
    X, Y = related()
    found = sl.score("cka", shrunk(X, penalty), shrunk(Y, penalty))
    assert theory.readout_alignment(X, Y, penalty) == pytest.approx(found, abs=1e-10)
    assert theory.readout_alignment(X, X, penalty) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("rank", [None, 2])
def test_ends_of_the_penalty(rank):
    X, Y = related(rank=rank)
    assert theory.readout_alignment(X, Y, np.inf) == pytest.approx(sl.score("cka", X, Y), abs=1e-10)
    Q, P = (theory.readout(Z, np.eye(24), 0.0) for Z in (X, Y))
    squared = np.linalg.eigvalsh(Q @ P @ Q)
    squared = np.clip(np.sort(squared)[::-1][: min(4, rank or 6)], 0, 1)
    found = theory.readout_alignment(X, Y)
    assert found == pytest.approx(squared.sum() / np.sqrt(4 * (rank or 6)), abs=1e-10)
    assert squared.mean() < np.sqrt(squared).mean() == pytest.approx(sl.score("cca", X, Y))


def test_regression_is_the_average_over_tasks_linear_in_x():
    X, Y = related()
    X = X - X.mean(0)
    weights = np.random.default_rng(3).standard_normal((4, 40_000))
    tasks = X @ weights
    for measure, penalty in (("linreg", 0.0), ("ridge", 5.0)):
        options = {"penalty": penalty} if penalty else {}
        left = np.square(X - theory.readout(Y, X, penalty)).sum() / np.square(X).sum()
        assert sl.score(measure, X, Y, **options) == pytest.approx(1 - left, abs=1e-10)
        near(np.square(tasks - theory.readout(Y, tasks, penalty)).sum(0), left * np.square(X).sum())
    z = np.random.default_rng(4).standard_normal((24, 40_000))
    near(np.square(theory.readout(Y, z)).sum(0), 6)
    near(np.square(z - z.mean(0)).sum(0), 23)


@each_penalty
def test_distance_is_the_average_over_drawn_tasks(penalty):
    X, Y = related()
    a, b = drawn(X, Y, penalty)
    near(np.square(a - b).sum(0), theory.readout_distance(X, Y, penalty) ** 2)
    exact = np.linalg.norm(predicting(X, penalty) - predicting(Y, penalty))
    assert theory.readout_distance(X, Y, penalty) == pytest.approx(exact, rel=1e-10)


def test_procrustes_bounds_the_distance():
    """For pairs near and far, of many ranks; each single task keeps to the upper bound, too."""
    rng = np.random.default_rng(5)
    tightest = [np.inf, np.inf]
    for _ in range(300):
        n, p, q = rng.integers(3, 12, 3)
        X = rng.standard_normal((n, p)) * rng.exponential(size=p) ** 2
        Y = X[:, :1] @ rng.standard_normal((1, q)) + rng.exponential() * rng.standard_normal((n, q))
        if p == q:
            Y = X + 0.1 * Y
        penalty = PENALTIES[rng.integers(4)]
        low, high = theory.readout_distance_bounds(X, Y, penalty)
        found = theory.readout_distance(X, Y, penalty)
        rounding = 1e-7 * np.linalg.norm(
            predicting(X, penalty)
        )  # the root of a difference of equals
        assert low - rounding <= found <= high + rounding
        d = sl.score("procrustes-euclidean", shrunk(X, penalty), shrunk(Y, penalty))
        ranks = [np.linalg.matrix_rank(Z - Z.mean(0)) for Z in (X, Y)]
        assert low == pytest.approx(d**2 / np.sqrt(sum(ranks)), rel=1e-6, abs=1e-9)
        z = rng.standard_normal((n, 20))
        apart = np.linalg.norm(
            theory.readout(X, z, penalty) - theory.readout(Y, z, penalty), axis=0
        )
        assert (apart <= high * np.linalg.norm(z, axis=0) + 1e-9).all()
        if found > 1e-6:
            tightest = np.minimum(tightest, (found / low, high / found))
    assert (tightest < 2.5).all(), "neither bound is idle"


def test_nbs_implies_cka():
    rng = np.random.default_rng(6)
    least = np.inf
    for _ in range(300):
        n, p = rng.integers(4, 12, 2)
        X = rng.standard_normal((n, p)) * rng.exponential(size=p)
        Y = X + rng.exponential() * 0.2 * rng.standard_normal((n, p))
        spectra = [np.linalg.svd(Z - Z.mean(0), compute_uv=False) ** 2 for Z in (X, Y)]
        spectra = [values[values > 1e-12 * values[0]] for values in spectra]
        bound = theory.lowest_cka(min(1.0, sl.score("nbs", X, Y)), *spectra)
        found = sl.score("cka", X, Y)
        assert bound <= found + 1e-12
        least = min(least, (1 - bound) / (1 - found))
    assert least < 2.5, "the bound isn't idle"


@each_penalty
def test_a_task_that_the_average_hides(penalty):
    variances = np.array([5.0, 2, 1, 0.5])
    U, s, V, w = build(variances)
    X = (U * s) @ V.T
    for i, expected in enumerate(theory.replaced_readout_alignment(variances, penalty)):
        W = U.copy()
        W[:, i] = w
        Y = (W * s) @ V.T
        assert theory.readout_alignment(X, Y, penalty) == pytest.approx(expected, abs=1e-10)
        gain = variances[i] if np.isinf(penalty) else variances[i] / (variances[i] + penalty)
        a, b = (theory.readout(Z, U[:, i], penalty).ravel() for Z in (X, Y))
        np.testing.assert_allclose(a, gain * U[:, i], atol=1e-12)
        np.testing.assert_allclose(b, 0, atol=1e-12)
        z = (U[:, i] + w) / 2**0.5
        a, b = (theory.readout(Z, z, penalty).ravel() for Z in (X, Y))
        assert abs(a @ b) < 1e-12
        assert a @ z == pytest.approx(b @ z) == pytest.approx(gain / 2)
    if np.isinf(penalty):
        np.testing.assert_allclose(
            theory.replaced_readout_alignment(variances, penalty), theory.replaced_cka(variances)
        )


# -- The numbers of the page


def test_the_table_of_the_page_is_computed():
    shares = variance_ratios("siegel2015")
    rows = re.findall(r"^\| (\d+) \| (\.\d+) \| (\.\d+) \| (\.\d+) \| (\.\d+) \| 0 \|$", PAGE, re.M)
    assert len(rows) == 5 and f"({len(shares)} PCs)" in PAGE
    for rank, *numbers in rows:
        i = int(rank) - 1
        alignments = (
            theory.replaced_readout_alignment(shares, a)[i] for a in (np.inf, shares[9], 0)
        )
        expected = [shares[i], *alignments]
        np.testing.assert_allclose(list(map(float, numbers)), expected, atol=5.1e-4)


def test_random_tasks_fare_as_the_page_says():
    said = re.search(
        r"among (\d+) (\d+) Gaussian ones.*?median of (\.\d+).*?below \.5 for (\d+)%", PAGE, re.S
    )
    shares = variance_ratios("siegel2015")
    U, s, _, w = build(shares, n=462)
    W = U.copy()
    W[:, 2] = w
    tasks = np.random.default_rng(0).standard_normal((462, int(said[1] + said[2])))
    a, b = (theory.readout(Z * s, tasks, np.inf) for Z in (U, W))
    cosines = (a * b).sum(0) / np.linalg.norm(a, axis=0) / np.linalg.norm(b, axis=0)
    assert np.median(cosines) == pytest.approx(float(said[3]), abs=0.006)
    assert np.mean(cosines < 0.5) == pytest.approx(int(said[4]) / 100, abs=0.006)


def test_readouts_refused():
    X, Y = related()
    with pytest.raises(ValueError, match="penalty needs to be 0 or more"):
        theory.readout_alignment(X, Y, -1)
    with pytest.raises(ValueError, match="a number for each of the 24 samples; got 5"):
        theory.readout(X, np.ones(5))
    with pytest.raises(ValueError, match="same samples in the same order"):
        theory.readout_distance(X, Y[:-1])
    with pytest.raises(ValueError, match=r"NBS lies in \[0, 1\]; got 1.2"):
        theory.lowest_cka(1.2, [1.0], [1.0])
