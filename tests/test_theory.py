"""Each equation of simlib.theory against a matrix built for it, the published numbers, and its refusals."""

import numpy as np
import pytest
import torch

import simlib as sl
from simlib import experiments, theory
from simlib.datasets.spectra import SPECTRA, variance_ratios

SPECTRA_TRIED = {
    "random": np.sort(np.random.default_rng(0).exponential(size=7))[::-1],
    "flat": np.ones(5),
    "steep": 10.0 ** -np.arange(6),
    "one PC": np.array([3.0]),
}
# Largest PC replaced: CKA, NBS, angular Procrustes (Cloos et al. 2024, figure 6).
PUBLISHED = {
    "mante2013": (0.345, 0.791, 0.580),
    "siegel2015": (0.303, 0.690, 0.485),
    "hatsopoulos2007": (0.397, 0.840, 0.635),
    "majajhong2015": (0.580, 0.839, 0.634),
    "freemanziemba2013": (0.414, 0.807, 0.597),
}


def build(variances, seed=0, n=30):
    """Centred U (n, p), s, V and a unit vector w orthogonal to U and to the constant."""
    rng = np.random.default_rng(seed)
    p = len(variances)
    Z = rng.standard_normal((n, p + 1))
    basis = np.linalg.qr(Z - Z.mean(0))[0]
    V = np.linalg.qr(rng.standard_normal((p, p)))[0]
    return basis[:, :p], np.sqrt(variances), V, basis[:, p]


def changed(variances, i, vector=None, scale=1.0):
    """X, and X with u_i replaced by `vector` and s_i scaled."""
    U, s, V, _ = build(variances)
    W, t = U.copy(), s.copy()
    W[:, i] = U[:, i] if vector is None else vector
    t[i] *= scale
    return (U * s) @ V.T, (W * t) @ V.T


def ridge_by_hand(X, Y, penalty):
    X, Y = X - X.mean(0), Y - Y.mean(0)
    B = np.linalg.solve(Y.T @ Y + penalty * np.eye(Y.shape[1]), Y.T @ X)
    return 1 - ((X - Y @ B) ** 2).sum() / (X**2).sum()


@pytest.mark.parametrize("name", SPECTRA_TRIED)
@pytest.mark.parametrize("measure", [m for m in theory.REPLACED if m != "ridge"])
def test_replaced(measure, name):
    variances = SPECTRA_TRIED[name]
    w = build(variances)[3]
    expected = theory.REPLACED[measure](variances)
    assert expected.shape == variances.shape
    for i in range(len(variances)):
        assert abs(sl.score(measure, *changed(variances, i, w)) - expected[i]) < 1e-10


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("name", SPECTRA_TRIED)
def test_replaced_ridge(name, penalty):
    variances = SPECTRA_TRIED[name]
    w = build(variances)[3]
    for i, expected in enumerate(theory.replaced_ridge(variances, penalty)):
        X, Y = changed(variances, i, w)
        assert abs(ridge_by_hand(X, Y, penalty) - expected) < 1e-10
        assert abs(sl.score("ridge", X, Y, penalty=penalty) - expected) < 1e-10
    np.testing.assert_allclose(theory.replaced_ridge(variances, 0), theory.replaced_linear_regression(variances))


@pytest.mark.parametrize("name", SPECTRA_TRIED)
def test_rotated(name):
    variances = SPECTRA_TRIED[name]
    U, _, _, w = build(variances)
    angles = np.linspace(-1, 4, 7)
    cka, nbs = theory.rotated_cka(variances, angles), theory.rotated_nbs(variances, angles)
    assert cka.shape == nbs.shape == (7, len(variances))
    for k, angle in enumerate(angles):
        for i in range(len(variances)):
            X, Y = changed(variances, i, np.cos(angle) * U[:, i] + np.sin(angle) * w)
            assert abs(sl.score("cka", X, Y) - cka[k, i]) < 1e-10
            assert abs(sl.score("nbs", X, Y) - nbs[k, i]) < 1e-10


@pytest.mark.parametrize("name", ["random", "flat", "steep"])
def test_rescaled(name):
    variances = SPECTRA_TRIED[name]
    scales = np.array([-2, 0, 0.3, 1, 7.0])
    cka, nbs = theory.rescaled_cka(variances, scales), theory.rescaled_nbs(variances, scales)
    for k, scale in enumerate(scales):
        for i in range(len(variances)):
            X, Y = changed(variances, i, scale=scale)
            assert abs(sl.score("cka", X, Y) - cka[k, i]) < 1e-10
            assert abs(sl.score("nbs", X, Y) - nbs[k, i]) < 1e-10


@pytest.mark.parametrize("name", SPECTRA_TRIED)
@pytest.mark.parametrize(
    "measure, equation",
    [("cka", theory.kept_cka), ("nbs", theory.kept_nbs), ("linreg", theory.kept_linear_regression)],
)
def test_kept(measure, equation, name):
    variances = SPECTRA_TRIED[name]
    U, s, V, _ = build(variances)
    for k, expected in enumerate(equation(variances), start=1):
        assert abs(sl.score(measure, (U * s) @ V.T, U[:, :k] * s[:k]) - expected) < 1e-10


@pytest.mark.parametrize("name", SPECTRA_TRIED)
def test_growth_is_the_gradient_in_the_basis_of_pcs(name):
    variances = SPECTRA_TRIED[name]
    U, s, V, _ = (torch.from_numpy(np.ascontiguousarray(part)) for part in build(variances))
    X = (U * s) @ V.T
    Y = torch.randn(30, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    (squared,) = torch.autograd.grad((X.T @ Y).square().sum(), Y)
    factors = (U.T @ squared) / (U.T @ Y.detach())
    assert (factors - 2 * s[:, None].square()).abs().max() < 1e-10 * float(s.max()) ** 2
    (nuclear,) = torch.autograd.grad(torch.linalg.svdvals(X.T @ Y).sum(), Y)
    assert ((U.T @ nuclear).norm(dim=1) - s).abs().max() < 1e-10
    np.testing.assert_allclose(theory.growth_cka(variances), variances / variances.max())
    np.testing.assert_allclose(theory.growth_nbs(variances), np.sqrt(variances / variances.max()))


def test_bounds_hold_over_random_pairs():
    rng = np.random.default_rng(0)
    for _ in range(300):
        n, p, q = rng.integers(3, 12, 3)
        X = rng.standard_normal((n, p)) * rng.exponential(size=p) ** 3
        Y = X[:, :1] @ rng.standard_normal((1, q)) * rng.exponential() + rng.standard_normal((n, q))
        ranks = [np.linalg.matrix_rank(Z - Z.mean(0)) for Z in (X, Y)]
        low, high = theory.nbs_bounds(sl.score("cka", X, Y), *ranks)
        assert low - 1e-12 <= sl.score("nbs", X, Y) <= high + 1e-12


def test_bounds_are_met():
    """One shared PC of r: the upper bound for rank 1, the lower bound for flat spectra and Y = X."""
    U = build(np.ones(4))[0]
    x, mixed = U[:, :1], (U[:, :1] + U[:, 1:2])
    assert abs(theory.nbs_bounds(sl.score("cka", x, mixed), 1, 1)[1] - sl.score("nbs", x, mixed)) < 1e-12
    one_of_four = theory.nbs_bounds(sl.score("cka", U, x), 4, 1)
    assert abs(one_of_four[1] - np.sqrt(0.5)) < 1e-12
    assert abs(one_of_four[0] - sl.score("nbs", U, x)) < 1e-12


@pytest.mark.parametrize("name", SPECTRA)
def test_published_numbers(name):
    variances = variance_ratios(name)
    for measure, value in zip(("cka", "nbs", "procrustes-angular-score"), PUBLISHED[name], strict=True):
        assert abs(theory.REPLACED[measure](variances)[0] - value) <= 0.0015


def test_shape_of_the_loss():
    """Quadratic, linear and a square root of the PC's share, when the share is small."""
    share = 1e-4
    variances = np.array([share, 1 - share])
    assert 1 - theory.replaced_nbs(variances)[0] == pytest.approx(share)
    assert 1 - theory.replaced_cka(variances)[0] == pytest.approx(share**2, rel=1e-3)
    assert 1 - theory.replaced_procrustes_angular_score(variances)[0] == pytest.approx(
        2 / np.pi * np.sqrt(2 * share), rel=1e-4
    )


@pytest.mark.parametrize("equation", [*theory.REPLACED.values(), theory.kept_cka, theory.kept_nbs, theory.growth_nbs])
@pytest.mark.parametrize(
    "variances, words",
    [([1.0, 0.0], "0 at PC 2"), ([1.0, -2.0], "-2 at PC 2"), ([np.nan], "nan at PC 1"), ([[1.0]], r"shape \(1, 1\)"),
     ([], "one value a PC")],
)  # fmt: skip
def test_refused(equation, variances, words):
    with pytest.raises(ValueError, match=words):
        equation(variances)


def test_refused_numbers():
    with pytest.raises(ValueError, match="penalty needs to be 0 or more"):
        theory.replaced_ridge([1.0], -1)
    with pytest.raises(ValueError, match=r"CKA lies in \[0, 1\]"):
        theory.nbs_bounds(1.2, 3, 3)


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))


def test_replacements(results):
    table = experiments.replacements(["hierarchy"], ["cka", "nbs", "ridge"], seeds=[0, 1])
    assert (table["score"] - table["theory"]).abs().max() < 1e-10
    assert set(table["seed"]) == {0, 1} and table["pc"].min() == 1 and table["pc"].max() == 50
    assert not table["surrogate"].any() and (table["settings"] == "paper").all()
    claims = experiments.claims_about_replacement(table)
    assert claims["holds"].all()
    wrong = experiments.claims_about_replacement(table.assign(score=table["score"] + 1e-3))
    assert not wrong["holds"].all()


def test_replacements_refused(results, tmp_path):
    with pytest.raises(ValueError, match="no equation for 'rsa'"):
        experiments.replacements(["hierarchy"], ["rsa"])
    full = tmp_path / "wide.npz"
    np.savez(full, X=np.random.default_rng(0).standard_normal((8, 20)))
    with pytest.raises(experiments.TaskError, match="no room to replace a principal component: 8 samples leave 7"):
        experiments.replacements([str(full)], ["cka"])


def test_changes_and_gradients_match_the_theory():
    table = experiments.changes("hierarchy", pc=2)
    assert set(table["change"]) == {"rotate", "rescale", "keep"}
    assert (table["score"] - table["theory"]).abs().max() < 1e-10
    rows = experiments.gradient_rows("hierarchy")
    assert (rows["growth"] - rows["theory"]).abs().max() < 1e-9


def test_largest_pcs_knows_the_paper_s_recordings_only():
    table = experiments.largest_pcs(["surrogate-siegel2015", "hierarchy", "mante2013"])
    assert set(table["dataset"]) == {"siegel2015", "mante2013"} and len(table) == 6
