"""Agreement with other packages, named by what they call a measure (`pip install .[oracles]`), and
with formulas.
"""

import itertools

import mpmath
import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial import distance as scipy_distance
from scipy.spatial import procrustes
from sklearn.cross_decomposition import CCA
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold, KFold

import simlib as sl
from simlib.measures import folds as splits
from simlib.measures import rsa

SHAPES = [(20, 6, 9), (40, 9, 9), (15, 30, 20)]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def gaussians(n, p, q, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * np.linspace(2, 0.5, p)
    return X, rng.standard_normal((n, q)) + 0.5 * X @ rng.standard_normal((p, q))


# -- scipy


def test_scipys_procrustes_disparity_is_one_minus_nbs_squared():
    X, Y = gaussians(30, 6, 6)
    assert sl.score("nbs-squared", X, Y) == pytest.approx(1 - procrustes(X, Y)[2], abs=1e-12)


@pytest.mark.parametrize(
    "ours, theirs",
    [
        ("squared-euclidean", "sqeuclidean"),
        ("euclidean", "euclidean"),
        ("correlation", "correlation"),
        ("cosine", "cosine"),
    ],
)
@each_shape
def test_rsa_agrees_with_scipys_distances_and_correlations(shape, ours, theirs):
    X, Y = gaussians(*shape)
    a, b = (scipy_distance.pdist(Z - Z.mean(0) if "euclid" in ours else Z, theirs) for Z in (X, Y))
    for comparison, expected in {
        "pearson": stats.pearsonr(a, b).statistic,
        "spearman": stats.spearmanr(a, b).statistic,
        "kendall": stats.kendalltau(a, b).statistic,
        "cosine": 1 - scipy_distance.cosine(a, b),
    }.items():
        ours_here = sl.score("rsa", X, Y, distance=ours, comparison=comparison)
        assert ours_here == pytest.approx(expected, abs=1e-9), comparison


def test_ranks_share_ties_as_scipys_do():
    values = np.random.default_rng(0).integers(0, 6, 40).astype(float)
    np.testing.assert_array_equal(rsa._ranks(values, 1e-9 * values), stats.rankdata(values))


# -- Ranks of distances, against exact arithmetic

SCIPYS = {"spearman": stats.spearmanr, "kendall": stats.kendalltau}
each_ranking = pytest.mark.parametrize("comparison", SCIPYS)
each_distance = pytest.mark.parametrize("distance", rsa.DISTANCES)


def exact_distance(x, y, distance):
    """Euclidean distance or chord of two samples to 60 digits, from the very numbers given."""
    x, y = ([mpmath.mpf(float(v)) for v in row] for row in (x, y))
    if distance == "correlation":
        x, y = ([v - mpmath.fsum(row) / len(row) for v in row] for row in (x, y))
    if "euclidean" not in distance:
        sizes = [mpmath.sqrt(mpmath.fsum(v * v for v in row)) for row in (x, y)]
        if not all(sizes):
            return mpmath.sqrt(2)
        x, y = ([v / size for v in row] for row, size in zip((x, y), sizes, strict=True))
    return mpmath.sqrt(mpmath.fsum((a - b) ** 2 for a, b in zip(x, y, strict=True)))


def exact_ranks(X, distance):
    """Distances of all pairs in order; what float64 can't tell apart is tied."""
    with mpmath.workdps(60):
        values = [exact_distance(x, y, distance) for x, y in itertools.combinations(X, 2)]
        order, rank, ranks = sorted(range(len(values)), key=values.__getitem__), 0, {}
        for one, k in zip([order[0], *order], order, strict=False):
            unit = values[k] if "euclidean" in distance else 1
            rank += values[k] - values[one] > 1e-15 * unit
            ranks[k] = rank
    return [ranks[k] for k in range(len(values))]


def one_extreme(X, size):
    X[3] += size


def extreme_column(X, size):
    X[:, 1] *= size


def shifted(X, size):
    X += size


def scaled(X, size):
    X *= size


def all_but_one_scaled(X, size):
    X[np.arange(len(X)) != 3] *= size


def duplicated(X, size):
    X[:6], X[6:9] = X[6:12], size * X[9]


def counts(X, size):
    X[:] = np.round(X) + size


CHANGES = [
    *((one_extreme, 10.0**k) for k in (3, 5, 7, 9, 12, 15, 200)),
    *((shifted, 10.0**k) for k in (3, 6, 9)),
    *((scaled, size) for size in (1e-300, 1e-160, 1e160, 1e300)),
    *((all_but_one_scaled, size) for size in (1e-280, 1e-160, 1e-9)),
    *((extreme_column, size) for size in (1e-200, 1e9)),
    *((duplicated, size) for size in (1, 3)),
    *((counts, size) for size in (0, 0.1, 1e6)),
]


@each_distance
@each_ranking
@pytest.mark.parametrize("change, size", CHANGES)
def test_rsa_of_ranks_is_that_of_exact_distances(distance, comparison, change, size):
    X, Y = gaussians(14, 4, 5)
    change(X, size)
    ours = sl.score("rsa", X, Y, distance=distance, comparison=comparison)
    ranks = (exact_ranks(Z, distance) for Z in (X, Y))
    assert ours == pytest.approx(SCIPYS[comparison](*ranks).statistic, abs=1e-9)


@each_ranking
@pytest.mark.parametrize("size", [1e3, 1e7, 1e9])
def test_rsa_of_ranks_beside_one_extreme_sample_is_scipys(comparison, size):
    X, Y = gaussians(40, 6, 4)
    X[3] += size
    expected = SCIPYS[comparison](*(scipy_distance.pdist(Z) for Z in (X, Y))).statistic
    assert sl.score("rsa", X, Y, comparison=comparison) == pytest.approx(expected, abs=1e-12)


@each_ranking
def test_turned_and_centred_counts_keep_their_ties(comparison):
    rng = np.random.default_rng(2)
    X, Y = rng.integers(0, 4, (40, 6)).astype(float), rng.standard_normal((40, 3))
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    plain, *others = (
        sl.score("rsa", Z, Y, comparison=comparison)
        for Z in (X, X - X.mean(0), X @ turn, (X - X.mean(0)) @ turn / 7)
    )
    assert others == pytest.approx([plain] * 3, abs=1e-12)


def test_a_sample_of_equal_neurons_correlates_with_none():
    """Its mean over neurons is rounded: what is left of it is no direction."""
    X, Y = gaussians(12, 7, 5)
    alike = X.copy()
    X[2], alike[2] = 0.3, 0
    for comparison in rsa.RANKS:
        found, expected = (
            sl.score("rsa", Z, Y, distance="correlation", comparison=comparison) for Z in (X, alike)
        )
        assert found == pytest.approx(expected, abs=1e-12)


# -- scikit-learn


@each_shape
@pytest.mark.parametrize("penalty", [0.5, 100.0])
def test_ridge_agrees_with_scikit_learn(shape, penalty):
    X, Y = gaussians(*shape)
    predicted = Ridge(alpha=penalty).fit(Y, X).predict(Y)
    expected = r2_score(X, predicted, multioutput="variance_weighted")
    assert sl.score("ridge", X, Y, penalty=penalty) == pytest.approx(expected, abs=1e-10)


@each_shape
def test_linear_regression_agrees_with_scikit_learn(shape):
    X, Y = gaussians(*shape)
    predicted = LinearRegression().fit(Y, X).predict(Y)
    expected = r2_score(X, predicted, multioutput="variance_weighted")
    assert sl.score("linreg", X, Y) == pytest.approx(expected, abs=1e-10)


@each_shape
def test_cross_validated_ridge_agrees_with_scikit_learn(shape):
    X, Y = gaussians(*shape)
    scores = []
    for train, test in KFold(5).split(X):
        predicted = Ridge(alpha=2.0).fit(Y[train], X[train]).predict(Y[test])
        scores.append(
            1 - ((X[test] - predicted) ** 2).sum() / ((X[test] - X[train].mean(0)) ** 2).sum()
        )
    assert sl.score("ridge-cv", X, Y, penalty=2.0) == pytest.approx(np.mean(scores), abs=1e-9)


def test_contiguous_folds_are_scikit_learns_and_groups_are_kept_whole():
    ours = [np.arange(23)[block].tolist() for block in splits.held_out_blocks(23, 5)]
    assert ours == [test.tolist() for _, test in KFold(5).split(np.zeros((23, 1)))]
    groups = np.arange(24) // 4
    found = {
        tuple(np.arange(24)[b]) for b in splits.held_out_blocks(24, 6, "grouped", groups=groups)
    }
    assert found == {
        tuple(test) for _, test in GroupKFold(6).split(np.zeros((24, 1)), groups=groups)
    }


def test_cca_agrees_with_scikit_learn():
    X, Y = gaussians(60, 5, 4)
    a, b = CCA(n_components=4, max_iter=100_000, tol=1e-14).fit_transform(X, Y)
    correlations = [np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(4)]
    assert sl.score("cca", X, Y) == pytest.approx(np.mean(correlations), abs=1e-6)


# -- rsatoolbox


def compared(X, Y, distance, method):
    pytest.importorskip("rsatoolbox")
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm, compare

    rdms = [calc_rdm(Dataset(Z), method=distance) for Z in (X, Y)]
    return compare(*rdms, method=method)[0, 0]


@pytest.mark.parametrize(
    "method, comparison",
    [("corr", "pearson"), ("cosine", "cosine"), ("spearman", "spearman"), ("tau-b", "kendall")],
)
@pytest.mark.parametrize(
    "theirs, ours", [("euclidean", "squared-euclidean"), ("correlation", "correlation")]
)
@each_shape
def test_rsa_agrees_with_rsatoolbox(shape, theirs, ours, method, comparison):
    X, Y = gaussians(*shape)
    expected = compared(X, Y, theirs, method)
    assert sl.score("rsa", X, Y, distance=ours, comparison=comparison) == pytest.approx(
        expected, abs=1e-9
    )


@each_shape
def test_rsatoolboxs_whitened_cosine_is_cka_and_its_bures_similarity_is_nbs(shape):
    X, Y = gaussians(*shape)
    assert compared(X, Y, "euclidean", "cosine_cov") == pytest.approx(
        sl.score("cka", X, Y), abs=1e-9
    )
    assert compared(X, Y, "euclidean", "bures") == pytest.approx(sl.score("nbs", X, Y), abs=1e-6)


# -- himalaya


@each_shape
def test_ridge_agrees_with_himalaya(shape):
    ridge = pytest.importorskip("himalaya.ridge")
    X, Y = gaussians(*shape)
    predicted = ridge.Ridge(alpha=3.0, fit_intercept=True).fit(Y, X).predict(Y)
    expected = 1 - ((X - predicted) ** 2).sum() / ((X - X.mean(0)) ** 2).sum()
    assert sl.score("ridge", X, Y, penalty=3.0) == pytest.approx(expected, abs=1e-6)


def test_the_median_correlation_agrees_with_himalaya():
    ridge = pytest.importorskip("himalaya.ridge")
    from himalaya.scoring import correlation_score

    X, Y = gaussians(40, 9, 6)
    medians = []
    for train, test in KFold(5).split(X):
        predicted = (
            ridge.Ridge(alpha=3.0, fit_intercept=True).fit(Y[train], X[train]).predict(Y[test])
        )
        medians.append(np.median(correlation_score(X[test], predicted)))
    assert sl.score("ridge-cv-median", X, Y, penalty=3.0) == pytest.approx(
        np.mean(medians), abs=1e-6
    )


# -- ckatorch


@each_shape
def test_cka_agrees_with_ckatorch(shape):
    core = pytest.importorskip("ckatorch.core")
    X, Y = gaussians(*shape)
    left, right = torch.from_numpy(X), torch.from_numpy(Y)
    assert sl.score("cka", X, Y) == pytest.approx(float(core.cka_base(left, right)), abs=1e-10)
    debiased = float(core.cka_base(left, right, unbiased=True))
    assert sl.score("cka-debiased", X, Y) == pytest.approx(debiased, abs=1e-10)


def test_rbf_cka_agrees_with_ckatorch_up_to_what_the_median_counts():
    """Their median counts the zero distances of samples to themselves; ours those of pairs."""
    core = pytest.importorskip("ckatorch.core")
    X = gaussians(21, 6, 6)[0]
    theirs = float(
        core.cka_base(*[torch.from_numpy(Z) for Z in (X, X**3)], kernel="rbf", threshold=0.7)
    )
    kernels = []
    for Z in (X, X**3):
        squares = scipy_distance.squareform(scipy_distance.pdist(Z, "sqeuclidean"))
        everything, pairs = (
            np.sort(squares.ravel())[220],
            np.sort(scipy_distance.squareform(squares))[104],
        )
        same = core.rbf_kernel(torch.from_numpy(Z), 0.7 * np.sqrt(pairs / everything)).numpy()
        kernels.append(same - same.mean(0) - same.mean(1)[:, None] + same.mean())
    expected = (
        (kernels[0] * kernels[1]).sum() / np.linalg.norm(kernels[0]) / np.linalg.norm(kernels[1])
    )
    assert sl.score("cka-rbf", X, X**3, bandwidth=0.7) == pytest.approx(expected, abs=1e-9)
    assert sl.score("cka-rbf", X, X**3, bandwidth=0.7) == pytest.approx(theirs, abs=0.03)


# -- POT


@each_shape
def test_soft_matching_agrees_with_pot(shape):
    ot = pytest.importorskip("ot")
    X, Y = gaussians(*shape)
    p = X.shape[1]
    correlations = np.corrcoef(X.T, Y.T)[:p, p:]
    assert sl.score("soft-matching", X, Y) == pytest.approx(
        1 - ot.emd2([], [], 1 - correlations), abs=1e-9
    )


def test_soft_matching_of_equal_widths_is_the_best_assignment_as_a_transport():
    ot = pytest.importorskip("ot")
    X, Y = gaussians(30, 12, 12)
    plan = ot.emd([], [], 1 - np.corrcoef(X.T, Y.T)[:12, 12:])
    assert sorted(np.flatnonzero(plan.ravel() > 1e-9) // 12) == list(range(12))


# -- Published formulas, written out


def netrep_distance(X, Y, alpha, angular):
    """Williams et al. 2021, eqs. 5-7, as in netrep: zero-pad, whiten partly, rotate onto each
    other, measure.
    """
    width = max(X.shape[1], Y.shape[1])
    sides = []
    for Z in (X, Y):
        Z = np.pad(Z - Z.mean(0), ((0, 0), (0, width - Z.shape[1])))
        if alpha < 1:
            variances, V = np.linalg.eigh(Z.T @ Z)
            Z = Z @ (V * (alpha + (1 - alpha) / np.sqrt(variances))) @ V.T
        sides.append(Z)
    U, _, Vh = np.linalg.svd(sides[0].T @ sides[1])
    A, B = sides[0] @ U, sides[1] @ Vh.T
    return (
        np.arccos((A * B).sum() / np.linalg.norm(A) / np.linalg.norm(B))
        if angular
        else np.linalg.norm(A - B)
    )


@each_shape
def test_procrustes_agrees_with_netreps_formula_without_whitening(shape):
    X, Y = gaussians(*shape)
    angle = netrep_distance(X, Y, 1, True)
    assert sl.score("procrustes-angular", X, Y) == pytest.approx(angle, abs=1e-9)
    assert sl.score("nbs", X, Y) == pytest.approx(np.cos(angle), abs=1e-9)
    assert sl.score("procrustes-euclidean", X, Y) == pytest.approx(
        netrep_distance(X, Y, 1, False), abs=1e-9
    )


def test_angular_cca_agrees_with_netreps_formula_of_whitened_sides_of_equal_width():
    X, Y = gaussians(40, 9, 9)
    assert sl.score("cca-angular", X, Y) == pytest.approx(netrep_distance(X, Y, 0, True), abs=1e-9)


def orthonormal(samples, count, seed=0):
    Z = np.random.default_rng(seed).standard_normal((samples, count))
    return np.linalg.qr(Z - Z.mean(0))[0]


def pwcca_by_parts(X, Y, turn=None):
    """Morcos et al. 2018, eqs. 4-7; `turn` rotates the canonical variables of X among
    themselves.
    """
    X = X - X.mean(0)
    Q = [np.linalg.qr(Z - Z.mean(0))[0] for Z in (X, Y)]
    U, rho, _ = np.linalg.svd(Q[0].T @ Q[1], full_matrices=False)
    variables = Q[0] @ U if turn is None else Q[0] @ U @ turn
    return np.average(rho, weights=np.abs(variables.T @ X).sum(1))


def test_pwcca_is_the_published_weighted_mean():
    for shape in ((40, 9, 9), (30, 6, 9), (30, 9, 6)):
        X, Y = gaussians(*shape)
        assert sl.score("pwcca", X, Y) == pytest.approx(pwcca_by_parts(X, Y), abs=1e-9)


def test_pwcca_has_a_value_wherever_ties_do_not_change_it():
    B = orthonormal(30, 12)
    X = B[:, :4] @ np.random.default_rng(1).standard_normal((4, 4))
    assert sl.score("pwcca", X, 0.6 * B[:, :4] + 0.8 * B[:, 4:8]) == pytest.approx(0.6), (
        "all tied at 0.6"
    )
    assert sl.score("pwcca", X, B[:, 8:10]) == pytest.approx(0, abs=1e-12), "all tied at 0"
    for shape in ((8, 12, 12), (8, 3, 12), (8, 12, 3)):  # one side spans the samples
        assert sl.score("pwcca", *gaussians(*shape)) == pytest.approx(1)
    one_lost = np.c_[B[:, 0] + B[:, 6], B[:, 1] + 2 * B[:, 7], B[:, 2] + 3 * B[:, 8], B[:, 9]]
    assert sl.score("pwcca", X, one_lost) == pytest.approx(pwcca_by_parts(X, one_lost)), (
        "a single 0 is no tie"
    )


def test_pwcca_is_refused_where_the_basis_of_a_tie_changes_it():
    B, turn = orthonormal(30, 12), np.eye(4)
    turn[:2, :2] = [[0.6, -0.8], [0.8, 0.6]]
    X = B[:, :4] @ np.random.default_rng(1).standard_normal((4, 4))
    Y = np.c_[B[:, :2], B[:, 2] + B[:, 4], B[:, 3] + 2 * B[:, 5]]
    assert abs(pwcca_by_parts(X, Y) - pwcca_by_parts(X, Y, turn)) > 1e-3
    with pytest.raises(ValueError, match="2 canonical correlations are tied"):
        sl.score("pwcca", X, Y)
    with pytest.raises(ValueError, match="3 canonical correlations are tied"):
        sl.score(
            "pwcca", X, np.c_[B[:, 0] + B[:, 6], B[:, 7]]
        )  # one of 0, and X has 2 more directions that Y lacks


@pytest.mark.parametrize("distance", ["squared-euclidean", "euclidean", "cosine", "correlation"])
@pytest.mark.parametrize("comparison", ["pearson", "spearman", "kendall"])
def test_rsa_refuses_distances_that_differ_by_rounding_only(distance, comparison):
    X, Y = gaussians(8, 5, 4)
    one_hot = 0.3 * np.eye(8)
    with pytest.raises(ValueError, match="distances between samples of X are the same"):
        sl.score("rsa", one_hot, Y, distance=distance, comparison=comparison)
    with pytest.raises(ValueError, match="distances between samples of Y are the same"):
        sl.score("rsa", X, one_hot, distance=distance, comparison=comparison)
    assert 0 < sl.score("rsa", one_hot, Y, distance=distance, comparison="cosine") < 1


def test_rsa_refuses_the_cosine_of_distances_that_are_zero():
    X = gaussians(8, 5, 4)[0]
    along_one_ray = np.outer(np.arange(1.0, 9), [1.0, 2, 3, 4])
    with pytest.raises(ValueError, match="distances between samples of Y are 0"):
        sl.score("rsa", X, along_one_ray, distance="cosine", comparison="cosine")
