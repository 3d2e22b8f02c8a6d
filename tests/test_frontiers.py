"""Exact score ranges: the ends are attained, nothing crosses them, descents come close, closed forms and slopes."""

import re
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

import simlib as sl
from simlib import frontiers, joint
from simlib.datasets.spectra import SPECTRA, variance_ratios
from simlib.frontiers import lower, roots, upper

SPECTRA_TRIED = {
    "inverse": 1 / np.arange(1, 6),
    "flat": np.ones(4),
    "steep": 1 / np.arange(1, 7) ** 2,
    "uneven": np.array([1, 0.9, 0.3, 0.1, 0.09, 0.001]),
    "two": np.array([2.0, 1.0]),
    "one": np.ones(1),
}
each_spectrum = pytest.mark.parametrize("variances", SPECTRA_TRIED.values(), ids=SPECTRA_TRIED)
LEVELS = np.array([0.02, 0.2, 0.4, 0.524, 0.6, 0.74, 0.9, 0.99])


def data(variances, n=40, seed=0):
    """X with these variances, centred, (n, p)."""
    rng = np.random.default_rng(seed)
    p = len(variances)
    Z = rng.standard_normal((n, p))
    U = np.linalg.qr(Z - Z.mean(0))[0]
    return (U * np.sqrt(variances)) @ np.linalg.qr(rng.standard_normal((p, p)))[0]


def scores(X, Y):
    return sl.score("nbs", X, Y), sl.score("cka", X, Y)


@each_spectrum
def test_witnesses_attain_both_ends(variances):
    X = data(variances)
    columns = len(variances) + 2
    for level in LEVELS:
        least, most = frontiers.cka_range_given_nbs(variances, level, columns)
        for end, cka in (("least-cka", least), ("most-cka", most)):
            assert scores(X, frontiers.witness(X, end, nbs=level, columns=columns)) == pytest.approx(
                (level, float(cka)), abs=1e-8
            )
        least, most = frontiers.nbs_range_given_cka(variances, level)
        for end, nbs in (("most-cka", least), ("least-cka", most)):
            Y = frontiers.witness(X, end, cka=level)
            assert Y.shape == X.shape
            assert scores(X, Y) == pytest.approx((float(nbs), level), abs=1e-8)


@each_spectrum
def test_ends_rise_and_invert_each_other(variances):
    levels = np.linspace(0, 1, 60)
    for ends, back in (
        (frontiers.cka_range_given_nbs(variances, levels), frontiers.nbs_range_given_cka),
        (frontiers.nbs_range_given_cka(variances, levels), frontiers.cka_range_given_nbs),
    ):
        assert (ends[0] <= ends[1] + 1e-12).all()
        for end in ends:
            assert (np.diff(end) > 0).all() and end[0] == 0 and end[-1] == 1
        np.testing.assert_allclose(back(variances, ends[0])[1], levels, atol=1e-7)
        np.testing.assert_allclose(back(variances, ends[1])[0], levels, atol=1e-7)


def test_any_unit_any_order():
    variances = SPECTRA_TRIED["uneven"]
    np.testing.assert_allclose(
        frontiers.nbs_range_given_cka(7 * variances[::-1], LEVELS), frontiers.nbs_range_given_cka(variances, LEVELS)
    )


@each_spectrum
def test_random_pairs_lie_inside(variances):
    """Y of all kinds: noise, X with its PCs rescaled, turned and mixed with noise, of few columns."""
    rng = np.random.default_rng(1)
    X = data(variances)
    p = len(variances)
    pairs = []
    for _ in range(150):
        mix = np.diag(np.exp(rng.normal(size=p) * rng.choice([0.1, 1, 2])))
        turned = mix @ np.linalg.qr(np.eye(p) + rng.choice([0, 0.3, 3]) * rng.standard_normal((p, p)))[0]
        spike = np.outer(rng.standard_normal(40), rng.standard_normal(p)) * rng.choice([0, 0.1, 1])
        Y = X @ turned + rng.choice([0, 0.01, 0.1, 1]) * rng.standard_normal((40, p)) / 6 + spike
        pairs.append(scores(X, Y))
    nbs, cka = np.array(pairs).T.clip(0, 1)
    least, most = frontiers.cka_range_given_nbs(variances, nbs)
    assert (cka >= least - 1e-9).all() and (cka <= most + 1e-9).all()


@pytest.mark.parametrize("name", ["inverse", "flat", "uneven"])
def test_descents_never_cross(name):
    """Descents towards points of the frontier, and of another seed towards points beyond it."""
    variances = SPECTRA_TRIED[name]
    X = data(variances, n=24)
    for cka in (0.3, 0.8):
        for nbs, beyond in zip(frontiers.nbs_range_given_cka(variances, cka), (-0.1, 0.1), strict=True):
            for seed, goal in enumerate((float(nbs), float(nbs) + beyond)):
                way = joint.approach("nbs", "cka", X, (goal, cka), seed=seed, steps=400, lr=0.02, dtype=torch.float64)
                least, most = frontiers.cka_range_given_nbs(variances, way["score_a"].clip(0, 1).to_numpy())
                assert (way["score_b"] >= least - 1e-9).all() and (way["score_b"] <= most + 1e-9).all()
                assert seed or way["distance"].min() < 0.03


def climb_to(shares, level, sign, columns, seed):
    """The best CKA (sign 1 most, -1 least) at NBS `level` over all coordinates of Y, (p + columns, columns).

    By gradients of both scores with NBS held (sequential quadratic programming), which gets nearer than a descent
    that trembles; returns it with the error in NBS.
    """
    p, norm = len(shares), np.sqrt((shares**2).sum())
    start = np.random.default_rng(seed).standard_normal((p + columns, columns)).ravel() * 0.3

    def both(flat):
        W = torch.tensor(flat.reshape(p + columns, columns), requires_grad=True)
        M = torch.tensor(np.sqrt(shares))[:, None] * W[:p]
        cka = M.square().sum() / (norm * torch.linalg.matrix_norm(W.T @ W))
        nbs = torch.linalg.svdvals(M).sum() / torch.linalg.matrix_norm(W)
        return W, cka, nbs

    def value(flat, which, factor):
        found = both(flat)
        found[which].backward()
        return factor * found[which].item(), factor * found[0].grad.numpy().ravel()

    bound = {
        "type": "eq",
        "fun": lambda flat: value(flat, 2, 1)[0] - level,
        "jac": lambda flat: value(flat, 2, 1)[1],
    }
    result = minimize(lambda flat: value(flat, 1, -sign), start, jac=True, constraints=[bound], method="SLSQP",
                      options={"maxiter": 300, "ftol": 1e-12})  # fmt: skip
    return -sign * result.fun, abs(value(result.x, 2, 1)[0] - level)


@pytest.mark.parametrize("name", ["inverse", "flat", "uneven"])
def test_optimised_matrices_reach_the_frontier(name):
    shares = roots.normalised(SPECTRA_TRIED[name][:4])
    for level in (0.35, 0.8):
        least, most = map(float, frontiers.cka_range_given_nbs(shares, level))
        for sign, end in ((1, most), (-1, least)):
            tried = [climb_to(shares, level, sign, len(shares), seed) for seed in range(4)]
            kept = [sign * cka for cka, off in tried if off < 1e-7]
            assert max(kept) == pytest.approx(sign * end, abs=1e-4) and max(kept) <= sign * end + 1e-6


@each_spectrum
def test_closed_start(variances):
    shares = roots.normalised(variances)
    q = len(shares) + 1
    nbs = np.sqrt(shares[0] / q) * np.array([0.2, 0.7, 1])
    most = frontiers.cka_range_given_nbs(variances, nbs, q)[1]
    np.testing.assert_allclose(most, nbs**2 * np.sqrt(q) / np.linalg.norm(shares), rtol=1e-12)


@pytest.mark.parametrize("name", ["inverse", "flat", "steep", "uneven", "two"])
def test_slope_where_y_is_x(name):
    """dNBS / dCKA of the curve of least CKA at (1, 1): |l|^2 / (4 max((l_1 + l_2) / 2, e)), e an eigenvalue."""
    shares = roots.normalised(SPECTRA_TRIED[name])
    square = (shares**2).sum()
    matrix = np.diag(shares) - np.outer(shares**1.5, shares**1.5) / square
    rest = np.linalg.qr(np.column_stack([np.sqrt(shares), np.eye(len(shares))[:, 1:]]))[0][:, 1:]
    e = np.linalg.eigvalsh(rest.T @ matrix @ rest)[-1]
    assert lower.top_level(shares) == pytest.approx(2 * max((shares[0] + shares[1]) / 2, e), rel=1e-9)
    step = 1e-6
    nbs = frontiers.nbs_range_given_cka(shares, 1 - step)[1]
    assert (1 - nbs) / step == pytest.approx(square / (2 * lower.top_level(shares)), rel=5e-3)


@each_spectrum
def test_curve_of_least_cka_beats_every_family(variances):
    """Spikes in any PC or outside of X through any PC, not only the chain's neighbours, at random water levels."""
    shares = roots.normalised(variances)
    rng = np.random.default_rng(2)
    norm = np.linalg.norm(shares)
    water = np.exp(rng.uniform(-6, 0.3, 400))
    pull = 2 * water * rng.uniform(0.01, 1, 400)
    large, small = roots.cubic_roots(shares, water[:, None], pull[:, None])
    for i in range(len(shares)):
        for spike in (large[:, i], None):
            x = small.copy()
            outside = np.zeros(400) if spike is not None else water
            x[:, i] = spike if spike is not None else np.minimum(pull / (2 * np.sqrt(shares[i])), np.sqrt(water))
            y = x**2
            y[:, i] = np.maximum(y[:, i], outside)
            m = np.sqrt(shares) * x
            nbs = m.sum(1) / np.sqrt(y.sum(1))
            cka = (m**2).sum(1) / (norm * np.sqrt((y**2).sum(1)))
            least = frontiers.cka_range_given_nbs(shares, nbs.clip(0, 1))[0]
            assert (cka >= least - 1e-9).all()


@pytest.mark.parametrize("column", [0, 1], ids=["nbs", "cka"])
@pytest.mark.parametrize("name", ["plateaus", "jumps", "random"])
def test_the_thinned_search_finds_what_the_search_of_every_k_finds(name, column):
    shares = roots.normalised({
        "plateaus": np.repeat([1, 0.1, 0.03, 0.001], [3, 30, 20, 20]),
        "jumps": np.repeat([1, 0.5, 0.01], [40, 10, 20]),
        "random": np.exp(2 * np.random.default_rng(0).standard_normal(70)),
    }[name])  # fmt: skip
    levels = np.array([0.3, 0.6, 0.8, 0.9, 0.97, 0.999, 0.999999])
    fast, plain = (upper.upper_levels(shares, levels, column, len(shares), every) for every in (4, 99))
    assert not np.isnan(plain[1 - column]).any()
    np.testing.assert_allclose(fast[1 - column], plain[1 - column], rtol=1e-9)


def test_all_pcs_of_the_largest_recording():
    """50 levels at 727 PCs in under a minute: far more than it takes."""
    start = time.process_time()
    least, most = frontiers.cka_range_given_nbs(variance_ratios("mante2013"), np.linspace(0, 1, 50))
    assert time.process_time() - start < 60
    assert (np.diff(least) > 0).all() and (np.diff(most) > 0).all() and (least <= most).all()


def test_fewer_columns_than_pcs():
    """Most CKA with q < p: the same form, with the first q PCs."""
    shares = roots.normalised(SPECTRA_TRIED["inverse"])
    X = data(shares)
    Y = frontiers.witness(X, "most-cka", nbs=0.7, columns=3)
    assert Y.shape == (40, 3) and sl.score("nbs", X, Y) == pytest.approx(0.7, abs=1e-8)
    most = float(upper.upper_levels(shares, np.array([0.7]), 0, 3).cka[0])
    assert sl.score("cka", X, Y) == pytest.approx(most, abs=1e-8)
    tried = [climb_to(shares, 0.7, 1, 3, seed) for seed in range(3)]
    assert max(cka for cka, off in tried if off < 1e-7) == pytest.approx(most, abs=1e-4)


@each_spectrum
def test_bounds_with_participation_ratios(variances):
    X = data(variances)
    rng = np.random.default_rng(3)
    for scale in (0.01, 0.1, 1):
        Y = X + scale * rng.standard_normal(X.shape)
        nbs, cka = scores(X, Y)
        spectrum = np.linalg.svd(Y - Y.mean(0), compute_uv=False) ** 2
        low, high = frontiers.nbs_bounds_given_cka(variances, spectrum, cka)
        assert low - 1e-12 <= nbs <= high + 1e-12


def test_little_room_makes_the_range_smaller():
    """With n - 1 = p there is nothing outside of X: the most CKA isn't attained, and nothing is beyond it."""
    variances = SPECTRA_TRIED["inverse"]
    X = data(variances, n=6)
    with pytest.raises(ValueError, match="needs 4 directions outside of X; 6 samples leave 0"):
        frontiers.witness(X, "most-cka", nbs=0.6)
    Y = frontiers.witness(X, "least-cka", nbs=0.9)  # no direction outside of X is needed here
    assert scores(X, Y) == pytest.approx((0.9, float(frontiers.cka_range_given_nbs(variances, 0.9)[0])), abs=1e-8)
    most = float(frontiers.cka_range_given_nbs(variances, 0.6)[1])
    target = (0.6, most)
    ways = [joint.approach("nbs", "cka", X, target, seed=seed, steps=600, lr=0.02) for seed in range(2)]
    assert min(way["distance"].min() for way in ways) > 0.01


# -- R^2 ------------------------------------------------------------------------------------------


def test_linear_regression_ranges():
    variances = SPECTRA_TRIED["inverse"]
    shares = roots.normalised(variances)
    X = data(variances)
    rng = np.random.default_rng(4)
    for columns in (1, 3, 5, 7):
        for _ in range(60):
            Y = X @ rng.standard_normal((5, columns)) + rng.choice([0, 0.1, 1]) * rng.standard_normal((40, columns))
            Y = Y * np.exp(3 * rng.standard_normal(columns))
            r, nbs, cka = (sl.score(measure, X, Y) for measure in ("linreg", "nbs", "cka"))
            for pair, value in (
                (frontiers.nbs_range_given_linear_regression(variances, r, columns), nbs),
                (frontiers.cka_range_given_linear_regression(variances, r, columns), cka),
                (frontiers.linear_regression_range_given_nbs(variances, nbs, columns), r),
                (frontiers.linear_regression_range_given_cka(variances, cka, columns), r),
            ):
                assert pair[0] - 1e-9 <= value <= pair[1] + 1e-9
    assert np.isnan(frontiers.nbs_range_given_linear_regression(shares, 0.9, 2)[0])


@pytest.mark.parametrize("r", [0.2, 0.7, 0.95])
def test_linear_regression_ends_are_attained_or_approached(r):
    shares = roots.normalised(SPECTRA_TRIED["inverse"])
    X = data(shares)
    U = np.linalg.svd(X, full_matrices=False)[0]
    new = np.linalg.qr(np.column_stack([np.ones(40), U, np.random.default_rng(5).standard_normal(40)]))[0][:, -1]
    filled = np.clip(r - np.concatenate([[0], shares.cumsum()[:-1]]), 0, shares)
    kept = filled > 0
    turn = np.sqrt(filled / shares)
    Y = (U * turn + new[:, None] * np.sqrt(1 - turn**2))[:, kept]
    for measure, weight in (("nbs", np.sqrt(filled)), ("cka", np.sqrt(filled))):
        made = Y * weight[kept]
        found = getattr(frontiers, f"{measure}_range_given_linear_regression")(shares, r)[1]
        assert sl.score("linreg", X, made) == pytest.approx(r, abs=1e-8)
        assert sl.score(measure, X, made) == pytest.approx(float(found), abs=1e-8)
    if r > shares[:4].sum():
        last = (r - shares[:4].sum()) / shares[4]
        flat = np.column_stack([1e-5 * U[:, :4], np.sqrt(last) * U[:, 4] + np.sqrt(1 - last) * new])
        for measure in ("nbs", "cka"):
            low = getattr(frontiers, f"{measure}_range_given_linear_regression")(shares, r)[0]
            assert sl.score("linreg", X, flat) == pytest.approx(r, abs=1e-6)
            assert low < sl.score(measure, X, flat) < low + 1e-4


def test_linear_regression_ranges_invert():
    shares = roots.normalised(SPECTRA_TRIED["steep"])
    r = np.linspace(0.01, 1, 30)
    for columns in (2, 6):
        reached = r[r <= shares[:columns].sum()]
        high = frontiers.cka_range_given_linear_regression(shares, reached, columns)[1]
        np.testing.assert_allclose(
            frontiers.linear_regression_range_given_cka(shares, high, columns)[0], reached, atol=1e-9
        )


# -- The recordings -------------------------------------------------------------------------------


@pytest.mark.parametrize("name, count, low, high", [("siegel2015", 20, 0.376, 0.879), ("mante2013", 12, 0.401, 0.877)])
def test_first_pcs(name, count, low, high):
    found = frontiers.angular(np.array(frontiers.nbs_range_given_cka(variance_ratios(name, count), 0.9)))
    np.testing.assert_allclose(found, (low, high), atol=1e-3)


def test_pairs_by_name():
    variances = SPECTRA_TRIED["uneven"]
    assert frontiers.has_range("cka-angular-score", "linreg") and not frontiers.has_range("cka", "cka-angular-score")
    low, high = frontiers.score_range(variances, "procrustes-angular-score", 0.9, "cka-angular-score", 8)
    cka = np.array(frontiers.cka_range_given_nbs(variances, np.cos(0.05 * np.pi), 8))
    np.testing.assert_allclose((low, high), 1 - 2 / np.pi * np.arccos(cka), atol=1e-12)
    assert frontiers.score_range(variances, "linreg", 0.7, "nbs")[1] == pytest.approx(np.sqrt(0.7))
    assert set(frontiers.STATUS["cka", "nbs"]) == {"proved", "conjecture"}


def test_angular_forms():
    X, Y = data(np.ones(3)), data(np.arange(1, 4), seed=1)
    nbs, cka = scores(X, Y)
    assert frontiers.angular(nbs) == pytest.approx(sl.score("procrustes-angular-score", X, Y), abs=1e-9)
    assert frontiers.from_angular(sl.score("cka-angular-score", X, Y)) == pytest.approx(cka, abs=1e-9)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: frontiers.nbs_range_given_cka([1, -1], 0.5), "positive finite"),
        (lambda: frontiers.nbs_range_given_cka(np.ones((2, 2)), 0.5), r"shape \(2, 2\)"),
        (lambda: frontiers.nbs_range_given_cka(np.ones(2), 1.5), "scores lie in"),
        (lambda: frontiers.nbs_range_given_cka(np.ones(3), 0.5, 2), "at least 3 columns"),
        (lambda: frontiers.nbs_range_given_linear_regression(np.ones(3), 0.5, 0), "1 or more"),
        (lambda: frontiers.score_range(np.ones(3), "cka", 0.5, "ridge-cv"), "no exact range of 'ridge-cv'"),
        (lambda: frontiers.cka_range_given_linear_regression(np.ones(3), -0.5), "scores lie in"),
        (lambda: frontiers.witness(np.eye(4), "most", cka=0.5), "most-cka"),
        (lambda: frontiers.witness(data(np.ones(3)), "most-cka", cka=1.0), "lies in"),
        (lambda: frontiers.witness(data(np.ones(3)), "most-cka", nbs=0.95, columns=2), "no Y of 2 columns"),
    ],
)
def test_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


PAGE = Path(__file__).resolve().parent.parent / "book" / "exact_ranges.md"
ROWS = re.findall(r"^\| (\w+) \d{4} \| (\d+)" + r" \| ([\d.]+)" * 4 + r" \|$", PAGE.read_text(), re.M)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_books_table_is_what_the_functions_give(row):
    (key,) = [name for name in SPECTRA if name.startswith(row[0].lower())]
    variances = variance_ratios(key)
    assert len(variances) == int(row[1])
    lowest, highest = frontiers.angular(np.array(frontiers.nbs_range_given_cka(variances, 0.9)))
    least_cka, _ = frontiers.cka_range_given_nbs(variances, frontiers.from_angular(0.9))
    least_r2, _ = frontiers.linear_regression_range_given_cka(variances, 0.9)
    np.testing.assert_allclose([float(x) for x in row[2:]], [lowest, highest, least_cka, least_r2], atol=6e-4)


def test_the_books_table_has_all_five():
    assert len(ROWS) == 5
