"""Each equation of simlib.theory against a matrix built for it, the published numbers, and its
refusals.
"""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

import simlib as sl
from simlib import theory
from simlib.datasets.made import SPECTRA, variance_ratios
from simlib.linalg import participation_ratio

SPECTRA_TRIED = {
    "random": np.sort(np.random.default_rng(0).exponential(size=7))[::-1],
    "flat": np.ones(5),
    "steep": 10.0 ** -np.arange(6),
    "one PC": np.array([3.0]),
}
# Largest PC replaced: CKA, NBS, angular Procrustes (Cloos et al. 2025, figure 6).
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


def agrees(measure, X, Y, expected, **options):
    """The score is the expected one within 1e-9; an angle near 0 by its cosine: arccos magnifies
    rounding.
    """
    found = sl.score(measure, X, Y, **options)
    if measure.endswith("angular-score") and expected > 0.999:
        found, expected = np.sin(np.pi / 2 * np.array([found, expected]))
    assert abs(found - expected) < 1e-9


each_measure = pytest.mark.parametrize("measure", theory.REPLACED)
each_spectrum = pytest.mark.parametrize("name", SPECTRA_TRIED)


def test_every_change_has_an_equation_for_every_measure():
    six = {"cka", "cka-angular-score", "nbs", "procrustes-angular-score", "linreg", "ridge"}
    assert (
        six
        == set(theory.REPLACED)
        == set(theory.ROTATED)
        == set(theory.RESCALED)
        == set(theory.KEPT)
    )


def options_of(measure):
    """Ridge at penalties far below, among and far above the variances tried."""
    return [{"penalty": a} for a in (0.01, 1.0, 100.0)] if measure == "ridge" else [{}]


@each_spectrum
@each_measure
def test_replaced(measure, name):
    variances = SPECTRA_TRIED[name]
    w = build(variances)[3]
    for options in options_of(measure):
        expected = theory.REPLACED[measure](variances, **options)
        assert expected.shape == variances.shape
        for i in range(len(variances)):
            agrees(measure, *changed(variances, i, w), expected[i], **options)


@each_spectrum
def test_replaced_by_any_time_course(name):
    """CKA exactly, also to first order in the overlaps; NBS loses no more than to an orthogonal
    one.
    """
    variances = SPECTRA_TRIED[name]
    U, rng = build(variances)[0], np.random.default_rng(1)
    length = np.square(variances).sum()
    for _ in range(3):
        vector = rng.standard_normal(30)
        vector -= vector.mean()
        vector /= np.linalg.norm(vector)
        overlaps = U.T @ vector
        for i, (value, own) in enumerate(zip(variances, overlaps, strict=True)):
            shared = value * (variances @ overlaps**2 - value * own**2)
            kept = length - value**2 * (1 - own**2) + shared
            X, Y = changed(variances, i, vector)
            agrees("cka", X, Y, kept / np.sqrt(length * (length + 2 * shared)))
            least = 1 - value / variances.sum() * (1 - abs(own))
            assert sl.score("nbs", X, Y) > least - 1e-12
            near = np.cos(0.01) * build(variances)[3] + np.sin(0.01) * vector
            near /= np.linalg.norm(near)
            overlap = U.T @ near
            share = (
                overlap[i] ** 2
                + value * (variances @ overlap**2 - value * overlap[i] ** 2) / length
            )
            loss = 1 - sl.score("cka", *changed(variances, i, near))
            assert loss == pytest.approx(value**2 / length * (1 - share), rel=1e-5, abs=1e-13)


@each_spectrum
@each_measure
def test_rotated(measure, name):
    variances = SPECTRA_TRIED[name]
    U, _, _, w = build(variances)
    angles = np.append(np.linspace(-1, 4, 7), 0)
    for options in options_of(measure):
        expected = theory.ROTATED[measure](variances, angles, **options)
        assert expected.shape == (8, len(variances))
        for k, angle in enumerate(angles):
            for i in range(len(variances)):
                X, Y = changed(variances, i, np.cos(angle) * U[:, i] + np.sin(angle) * w)
                agrees(measure, X, Y, expected[k, i], **options)


@pytest.mark.parametrize("name", ["random", "flat", "steep"])
@each_measure
def test_rescaled(measure, name):
    variances = SPECTRA_TRIED[name]
    scales = np.array([-2, 0, 0.3, 1, 7.0])
    for options in options_of(measure):
        expected = theory.RESCALED[measure](variances, scales, **options)
        assert expected.shape == (5, len(variances))
        for k, scale in enumerate(scales):
            for i in range(len(variances)):
                agrees(measure, *changed(variances, i, scale=scale), expected[k, i], **options)


@each_spectrum
@each_measure
def test_kept(measure, name):
    variances = SPECTRA_TRIED[name]
    U, s, V, _ = build(variances)
    for options in options_of(measure):
        for k, expected in enumerate(theory.KEPT[measure](variances, **options), start=1):
            agrees(measure, (U * s) @ V.T, U[:, :k] * s[:k], expected, **options)


@each_spectrum
def test_ridge_of_every_change_by_hand(name):
    """Against normal equations written out here, and at no penalty against linear regression."""
    variances = SPECTRA_TRIED[name]
    U, s, V, w = build(variances)
    turned = np.cos(0.7) * U[:, 0] + np.sin(0.7) * w
    for penalty in (0.01, 1.0, 100.0):
        pairs = {
            theory.replaced_ridge(variances, penalty)[0]: changed(variances, 0, w),
            theory.rotated_ridge(variances, 0.7, penalty)[0]: changed(variances, 0, turned),
            theory.rescaled_ridge(variances, 0.3, penalty)[0]: changed(variances, 0, scale=0.3),
            theory.kept_ridge(variances, penalty)[0]: ((U * s) @ V.T, U[:, :1] * s[:1]),
        }
        for expected, pair in pairs.items():
            assert abs(ridge_by_hand(*pair, penalty) - expected) < 1e-10
    amounts = np.array([0, 0.7, np.pi / 2])
    for ridge, linear, amount in (
        (theory.replaced_ridge, theory.replaced_linear_regression, ()),
        (theory.rotated_ridge, theory.rotated_linear_regression, (amounts,)),
        (theory.rescaled_ridge, theory.rescaled_linear_regression, (amounts,)),
        (theory.kept_ridge, theory.kept_linear_regression, ()),
    ):
        np.testing.assert_allclose(
            ridge(variances, *amount, penalty=0), linear(variances, *amount), atol=1e-12
        )


def test_what_rescaling_tells_the_regressions():
    """Linear regression ignores it, down to 1e-3; ridge is more sensitive to a PC the larger it
    is made.
    """
    variances = SPECTRA_TRIED["random"]
    assert (theory.rescaled_linear_regression(variances, [1e-3, 0.5, 3]) == 1).all()
    for i in range(len(variances)):
        assert sl.score("linreg", *changed(variances, i, scale=1e-3)) == pytest.approx(1, abs=1e-9)
    rising = theory.rescaled_ridge(variances, [0, 0.5, 1, 3, 100.0], penalty=1.0)
    assert (np.diff(rising, axis=0) > 0).all()


@pytest.mark.parametrize("name", SPECTRA_TRIED)
def test_growth_is_the_gradient_in_the_basis_of_pcs(name):
    variances = SPECTRA_TRIED[name]
    U, s, V, _ = (torch.from_numpy(np.ascontiguousarray(part)) for part in build(variances))
    X = (U * s) @ V.T
    Y = torch.randn(
        30, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True
    )
    (squared,) = torch.autograd.grad((X.T @ Y).square().sum(), Y)
    factors = (U.T @ squared) / (U.T @ Y.detach())
    assert (factors - 2 * s[:, None].square()).abs().max() < 1e-10 * float(s.max()) ** 2
    (nuclear,) = torch.autograd.grad(torch.linalg.svdvals(X.T @ Y).sum(), Y)
    assert ((U.T @ nuclear).norm(dim=1) - s).abs().max() < 1e-10
    np.testing.assert_allclose(theory.growth_cka(variances), variances / variances.max())
    np.testing.assert_allclose(theory.growth_nbs(variances), np.sqrt(variances / variances.max()))


@each_spectrum
def test_gradients_of_angular_scores(name):
    U, s, V, _ = (
        torch.from_numpy(np.ascontiguousarray(part)) for part in build(SPECTRA_TRIED[name])
    )
    X = (U * s) @ V.T
    Y = torch.randn(
        30, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True
    )
    for angular, cosine in (("cka-angular-score", "cka"), ("procrustes-angular-score", "nbs")):
        ours, theirs = (torch.autograd.grad(sl.measure(m)(X, Y), Y)[0] for m in (angular, cosine))
        factor = ours.norm() / theirs.norm()
        assert (ours - factor * theirs).abs().max() < 1e-10
        assert theory.GROWTH[angular] is theory.GROWTH[cosine]


def gaussian(p, n, seed=0):
    """X with variances proportional to 1/i, a mean square of 1 an entry, and those variances."""
    variances = 1 / np.arange(1, p + 1)
    variances *= n * p / variances.sum()
    U, s, V, _ = build(variances, seed, n)
    return (U * s) @ V.T, variances


@pytest.mark.slow
def test_cka_flow_captures_what_the_theory_says():
    """Small plain gradient steps, their time added up: ||X'X||_F ||Y'Y||_F is that of the Y at
    hand.
    """
    X, variances = gaussian(6, 25)
    U = np.linalg.svd(X, full_matrices=False)[0]
    rest = np.linalg.svd(np.column_stack([U, np.ones(25)]))[0][:, 7:]
    X, Y = (
        torch.from_numpy(X),
        torch.randn(25, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2)),
    )
    Y = Y - Y.mean(0)
    start, time = np.column_stack([U, rest]).T @ Y.numpy(), 0.0
    for step in range(6000):
        Y.requires_grad_(True)
        (gradient,) = torch.autograd.grad(sl.measure("cka")(X, Y), Y)
        Y, own = (
            Y.detach(),
            torch.linalg.matrix_norm(X.T @ X) * torch.linalg.matrix_norm(Y.detach().T @ Y.detach()),
        )
        Y, time = Y + 0.2 * gradient, time + 0.2 * 2 / float(own)
        if step in (0, 500, 2000, 5999):
            found = sl.captured_variance(X.numpy(), Y.numpy())
            np.testing.assert_allclose(
                theory.captured_by_cka_flow(variances, start, time), found, atol=2e-3
            )
    assert found[0] > 0.99 and found.min() < 0.5


def halfway_products(neurons):
    """tau lambda_i where R^2 of PC i is halfway from its start to 1, for two Gaussian starts; inf
    for never: 15 PCs of variances 1/i, 119 directions.
    """
    variances, times = 1 / np.arange(1, 16), np.geomspace(0.01, 3000, 2000)
    for seed in range(2):
        start = np.random.default_rng(seed).standard_normal((119, neurons))
        first = theory.captured_by_cka_flow(variances, start, 0)
        path = np.array([theory.captured_by_cka_flow(variances, start, t) for t in times])
        passed = path >= (1 + first) / 2
        yield np.where(passed.any(0), times[passed.argmax(0)], np.inf) * variances


def test_when_the_flow_captures_a_pc():
    """The multiplier's time is in inverse proportion to the variance, R^2's isn't; what the page
    says.
    """
    page = (Path(__file__).parent.parent / "book" / "derivations.md").read_text()
    (sentence,) = re.findall(r"For 15 PCs of variances.*?room for five", page, flags=re.S)
    said = [float(number) for number in re.findall(r"\b\d\.\d\d\b", sentence)]
    found = [np.stack(list(halfway_products(neurons))) for neurons in (30, 15)]
    ends = [end(products) for products in found for end in (np.min, np.max)]
    np.testing.assert_allclose(said, ends, atol=0.02)
    assert (np.median(found[1][:, :3]) < np.median(found[1][:, -5:])).all()
    for products in halfway_products(5):
        np.testing.assert_array_equal(np.isinf(products), np.arange(15) >= 5)


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["cka", "linreg"])
def test_growth_of_capture_is_the_mean_over_gaussian_starts(measure):
    """From gradients of many starts: those below the mean variance fall at first."""
    X, variances = gaussian(6, 12)
    U = torch.from_numpy(np.linalg.svd(X, full_matrices=False)[0])
    X, generator, rises = torch.from_numpy(X), torch.Generator().manual_seed(0), []
    for _ in range(4000):
        Y = torch.randn(12, 4, dtype=torch.float64, generator=generator)
        Y = (Y - Y.mean(0)).requires_grad_(True)
        (gradient,) = torch.autograd.grad(sl.measure(measure)(X, Y), Y)
        Q, R = torch.linalg.qr(Y.detach())
        moved = U.T @ torch.linalg.solve_triangular(
            R, gradient - Q @ (Q.T @ gradient), upper=True, left=False
        )
        rises.append(2 * (moved * (U.T @ Q)).sum(1))
    rises = torch.stack(rises)
    mean, error = rises.mean(0).numpy(), rises.std(0).numpy() / len(rises) ** 0.5
    expected = theory.growth_of_capture(variances, 11)
    assert expected[0] == 1 and expected[-1] < 0
    assert (np.abs(mean - mean[0] * expected) < 4 * (error + error[0] * np.abs(expected))).all()
    assert (error < 0.05 * mean[0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("measure", [*theory.GROWTH, "linreg"])
def test_simulated_ascents_learn_in_the_predicted_order(measure):
    """Adam's ascents, mean score to capture over three starts: Spearman correlation with the
    predicted order.
    """
    X, variances = gaussian(15, 120)
    scores = []
    for seed in range(3):
        path, captured = [], []
        sl.maximize(
            measure,
            X,
            seed=seed,
            stop=0.999,
            observers=[
                lambda step, score, Y, path=path: path.append(score),
                lambda step, score, Y, captured=captured: captured.append(
                    sl.captured_variance(X, Y)
                ),
            ],
        )
        scores.append(sl.score_to_capture(path, captured))
    found = np.mean(scores, axis=0)
    assert np.isfinite(found).all()
    assert spearmanr(theory.learning_order(variances), found).statistic > 0.9


def test_learning_order_is_by_variance():
    np.testing.assert_array_equal(theory.learning_order([1.0, 4, 2, 4]), [4, 1, 3, 2])
    for growth in (*theory.GROWTH.values(), lambda v: theory.growth_of_capture(v, 10)):
        fastest_first = np.argsort(-growth(SPECTRA_TRIED["random"][::-1].copy()))
        np.testing.assert_array_equal(
            theory.learning_order(SPECTRA_TRIED["random"][::-1])[fastest_first], range(1, 8)
        )


CHANCE_SIZES = [
    (50, 1, 1),
    (50, 2, 2),
    (50, 5, 20),
    (50, 49, 49),
    (50, 2, 400),
    (50, 400, 400),
    (100, 10, 10),
]
# The largest error of each closed form that its docstring allows (of ENSD as a share of the value).
CHANCE_ERROR = {
    "cka": 0.001,
    "cka-angular-score": 0.002,
    "ensd": 0.01,
    "nbs": 0.008,
    "procrustes-angular-score": 0.005,
    "linreg": 0,
    "ridge": 0.0015,
}


def test_every_form_of_chance_has_an_error():
    assert set(CHANCE_ERROR) == set(theory.CHANCE)


@pytest.mark.slow
@pytest.mark.parametrize("size", CHANCE_SIZES)
@pytest.mark.parametrize("measure", theory.CHANCE)
def test_chance_of_gaussian_data(measure, size):
    """The mean of simulated draws, within the docstring's error and four standard errors of that
    mean.
    """
    n, p, q = size
    rng = np.random.default_rng(0)
    draws = 10 if p * q > 10_000 else 300
    found = [
        sl.score(measure, rng.standard_normal((n, p)), rng.standard_normal((n, q)))
        for _ in range(draws)
    ]
    expected = theory.CHANCE[measure](n, p, q)
    allowed = CHANCE_ERROR[measure] * (expected if measure == "ensd" else 1)
    sampling = np.std(found) / draws**0.5
    assert abs(np.mean(found) - expected) < allowed + 4 * sampling + 1e-12
    assert sampling < 0.02 * max(1, expected)


@pytest.mark.parametrize("size", CHANCE_SIZES)
def test_chance_of_cka_and_ensd_by_participation_ratios(size):
    """E[CKA] = E[sqrt(PR_X)] E[sqrt(PR_Y)] / N and E[ENSD] = E[PR_X] E[PR_Y] / N: hardly any
    sampling noise.
    """
    n, *neurons = size
    generator = torch.Generator().manual_seed(0)
    ratios = np.array(
        [
            [
                participation_ratio(torch.randn(n, p, dtype=torch.float64, generator=generator))
                for _ in range(200)
            ]
            for p in neurons
        ]
    )
    cka, ensd = np.sqrt(ratios).mean(1).prod() / (n - 1), ratios.mean(1).prod() / (n - 1)
    assert abs(cka - theory.chance_cka(*size)) < 0.001
    assert abs(ensd / theory.chance_ensd(*size) - 1) < 0.01


def test_limits_of_chance():
    """One neuron each: exact. Few neurons among many samples: no chance. Many neurons: all scores
    are 1.
    """
    assert theory.chance_cka(50, 1, 1) == pytest.approx(1 / 49)
    assert theory.chance_cka(50, 30, 70) == pytest.approx(np.sqrt(30 * 70 / (80 * 120)), rel=1e-3)
    for form in theory.CHANCE.values():
        assert form(50, 3, 7) == pytest.approx(form(50, 7, 3)) or form in (
            theory.chance_linear_regression,
            theory.chance_ridge,
        )
    for measure in ("cka", "nbs", "linreg", "ridge"):
        assert (
            theory.CHANCE[measure](10**5, 2, 2) < 0.01
            and theory.CHANCE[measure](20, 10**5, 10**5) > 0.99
        )
    assert theory.chance_ridge(50, 3, 7, penalty=0) == 7 / 49
    for neurons in (7, 49, 90):
        almost = theory.chance_ridge(50, 3, neurons, penalty=1e-9)
        assert almost == pytest.approx(theory.chance_linear_regression(50, 3, neurons), abs=1e-5)
    assert theory.chance_nbs(50, 20, 30) == pytest.approx(
        theory.chance_nbs(50, 20, 30, points=20_000), abs=1e-4
    )


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
    """One shared PC of r: the upper bound for rank 1, the lower bound for flat spectra and Y =
    X.
    """
    U = build(np.ones(4))[0]
    x, mixed = U[:, :1], (U[:, :1] + U[:, 1:2])
    assert (
        abs(theory.nbs_bounds(sl.score("cka", x, mixed), 1, 1)[1] - sl.score("nbs", x, mixed))
        < 1e-12
    )
    one_of_four = theory.nbs_bounds(sl.score("cka", U, x), 4, 1)
    assert abs(one_of_four[1] - np.sqrt(0.5)) < 1e-12
    assert abs(one_of_four[0] - sl.score("nbs", U, x)) < 1e-12


@pytest.mark.parametrize("name", SPECTRA)
def test_published_numbers(name):
    variances = variance_ratios(name)
    for measure, value in zip(
        ("cka", "nbs", "procrustes-angular-score"), PUBLISHED[name], strict=True
    ):
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


def test_numbers_in_the_text_of_the_page():
    """What a PC of 1% costs and what the first five PCs give: for the five
    spectra.
    """
    page = Path(__file__).parent.parent / "notebooks" / "theory_sensitivity.ipynb"
    cells = nbformat.read(page, as_version=4).cells
    text = " ".join(" ".join(c.source for c in cells if c.cell_type == "markdown").split())
    spectra = {name: variance_ratios(name) for name in SPECTRA}
    ratios = [1 / np.square(shares).sum() for shares in spectra.values()]
    assert f"0.0001 times the participation ratio: {min(ratios) / 1e4:.4f} to" in text
    assert f"to {max(ratios) / 1e4:.4f} on the five spectra" in text
    other = np.array([0.01, 0.99])
    assert f"{1 - theory.replaced_procrustes_angular_score(other)[0]:.2f}" == "0.09"
    assert "costs angular Procrustes 0.09 and NBS 0.01" in text
    cka, nbs = (
        [form(s)[4] for s in spectra.values()] for form in (theory.kept_cka, theory.kept_nbs)
    )
    assert f"a CKA between {min(cka):.2f} and {max(cka):.2f}" in text
    assert f"an NBS between {min(nbs):.2f} and {max(nbs):.2f}" in text


@pytest.mark.parametrize(
    "equation", [*theory.REPLACED.values(), theory.kept_cka, theory.kept_nbs, theory.growth_nbs]
)
@pytest.mark.parametrize(
    "variances, words",
    [
        ([1.0, 0.0], "0 at PC 2"),
        ([1.0, -2.0], "-2 at PC 2"),
        ([np.nan], "nan at PC 1"),
        ([[1.0]], r"shape \(1, 1\)"),
        ([], "one value a PC"),
    ],
)
def test_refused(equation, variances, words):
    with pytest.raises(ValueError, match=words):
        equation(variances)


def test_refused_numbers():
    with pytest.raises(ValueError, match="penalty needs to be 0 or more"):
        theory.replaced_ridge([1.0], -1)
    with pytest.raises(ValueError, match=r"CKA lies in \[0, 1\]"):
        theory.nbs_bounds(1.2, 3, 3)
    with pytest.raises(ValueError, match="more than the 2 PCs; got 2"):
        theory.growth_of_capture([2.0, 1.0], 2)
    with pytest.raises(ValueError, match="a row for each of the 2 PCs"):
        theory.captured_by_cka_flow([2.0, 1.0], np.ones((1, 3)), 1.0)
    with pytest.raises(ValueError, match="2 or more samples and 1 or more neurons; got 1"):
        theory.chance_cka(1, 3, 3)


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))


def test_the_derivations_name_every_function_and_tests_that_exist():
    """Angular scores of CKA and NBS are named by their endings."""
    tests = Path(__file__).parent
    pages = [tests.parent / "book" / f"{name}.md" for name in ("derivations", "decoding_reading")]
    named = set(re.findall(r"`(\w+)`", "".join(page.read_text() for page in pages)))
    equations = {name for name in theory.__all__ if callable(getattr(theory, name))}
    changes = {name for name in equations if not name.startswith("chance_")}
    assert not equations - named - {name for name in changes if name.endswith("_angular_score")}
    written = "".join(
        (tests / f"test_{name}.py").read_text() for name in ("theory", "readouts", "calibration")
    )
    assert {name for name in named if name.startswith("test_")} <= set(
        re.findall(r"def (test_\w+)", written)
    )
