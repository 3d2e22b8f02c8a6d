"""Laws of the measures, generated from their records: invariances, symmetry, the best value; and
identities.
"""

import math

import numpy as np
import pytest
import torch

import simlib as sl
from simlib.measures import INVARIANCES, rsa
from simlib.measures import folds as splits

BOUND = [
    *(sl.measure("rsa", distance=d, comparison=c) for d in rsa.DISTANCES for c in rsa.COMPARISONS),
    *(sl.measure("ridge-cv", scheme=scheme) for scheme in ("random",)),
    *(
        sl.measure(name, penalty=penalty, comparison=comparison, symmetric=symmetric)
        for name in ("ridge", "ridge-cv")
        for penalty in (0, 10)
        for comparison in ("r2", "cosine", "pearson-median")
        for symmetric in (False, True)
    ),
    sl.measure("cka-rbf", bandwidth=0.4),
    sl.measure("cca-regularised", whitening=1.0),
    sl.measure("cca-regularised", whitening=1.0, penalty=0.1),
    sl.measure("svcca", explained=0.7),
    sl.measure("procrustes-cv", scheme="random", folds=3),
]
RECORDS = {record.id: record for record in [*sl.MEASURES.values(), *BOUND]}
each_record = pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)


def gaussians(n, p, q, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * np.linspace(2, 0.5, p)
    Y = rng.standard_normal((n, q)) + 0.5 * X @ rng.standard_normal((p, q))
    return X, Y


def rotation(p, seed=1):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((p, p)))[0]


TRANSFORMS = {
    "translation": lambda Z: Z + np.arange(Z.shape[1]),
    "isotropic scale": lambda Z: 3.0 * Z,
    "permutation": lambda Z: Z[:, np.random.default_rng(2).permutation(Z.shape[1])],
    "rotation": lambda Z: Z @ rotation(Z.shape[1]),
    "invertible linear map": lambda Z: Z @ (rotation(Z.shape[1]) * np.linspace(0.3, 3, Z.shape[1])),
    "neuron duplication": lambda Z: np.hstack([Z, Z]),
}


@pytest.mark.parametrize("side", ["X", "Y"])
@each_record
def test_invariances_hold_where_claimed_and_fail_where_not(record, side):
    assert set(TRANSFORMS) == set(INVARIANCES)
    for shape in ((60, 8, 8), (60, 8, 5), (20, 30, 25)):
        X, Y = gaussians(*shape)
        plain = sl.score(record, X, Y)
        for kind, transform in TRANSFORMS.items():
            turned = (
                sl.score(record, transform(X), Y)
                if side == "X"
                else sl.score(record, X, transform(Y))
            )
            if kind == "invertible linear map" and "folds" in record.params and shape[0] < shape[2]:
                continue  # the fit is no longer unique: least norm depends on the axes
            if kind in record.invariances_of(side):
                assert turned == pytest.approx(plain, abs=1e-8), (kind, shape)
            elif shape == (60, 8, 5):
                assert abs(turned - plain) > 1e-6, (
                    f"unchanged by {kind} of {side}, which its record doesn't claim"
                )


@pytest.mark.parametrize("scale", [1e-100, 1e-12, 1e12, 1e100])
def test_units_do_not_matter_where_scale_does_not(scale):
    X, Y = gaussians(30, 6, 5)
    for record in RECORDS.values():
        if "isotropic scale" in record.invariances and "isotropic scale" in record.invariances_of(
            "X"
        ):
            assert sl.score(record, scale * X, scale * Y) == pytest.approx(
                sl.score(record, X, Y), abs=1e-8
            ), record.id
    single = [torch.from_numpy(Z).float() for Z in (X, Y)]
    for name in (
        "cka",
        "cka-debiased",
        "cka-rbf",
        "rsa",
        "nbs",
        "cca",
        "svcca",
        "soft-matching",
        "linreg",
    ):
        unit = np.clip(scale, 1e-30, 1e30)
        value = sl.measure(name)(*(unit * Z for Z in single))
        assert float(value) == pytest.approx(sl.score(name, X, Y), abs=2e-5), name


@pytest.mark.parametrize("name", ["cca", "linreg", "soft-matching"])
def test_neurons_in_very_different_units_keep_their_place_in_float32(name):
    X, Y = gaussians(30, 6, 5)
    units = np.geomspace(1e-6, 1e6, 5)
    value = sl.measure(name)(torch.from_numpy(X).float(), torch.from_numpy(Y * units).float())
    assert float(value) == pytest.approx(sl.score(name, X, Y), abs=1e-5)
    with_constant = np.hstack([X, np.full((30, 1), 0.1)])
    assert sl.score("cca", with_constant, Y) == pytest.approx(sl.score("cca", X, Y), abs=1e-12)


@each_record
def test_symmetry_holds_where_claimed_and_fails_where_not(record):
    X, Y = gaussians(50, 9, 6)
    same = abs(sl.score(record, X, Y) - sl.score(record, Y, X)) < 1e-8
    assert same == record.symmetric


def others(X):
    """Things to compare X with: itself in other scales, parts of it, relatives and strangers."""
    rng = np.random.default_rng(3)
    n, p = X.shape
    yield from (
        X,
        -X,
        10 * X,
        0.1 * X,
        X[:, :2],
        X**3,
        np.hstack([X, X**2]),
        X @ rotation(p),
        X + 1,
    )
    for noise in (0.1, 1.0):
        yield X + noise * rng.standard_normal((n, p))
    yield rng.standard_normal((n, p))
    yield rng.standard_normal((n, p))[:, :1]


@each_record
def test_values_lie_in_the_range_and_nothing_beats_x_itself(record):
    for shape in ((60, 8, 8), (9, 12, 12)):
        X = gaussians(*shape)[0]
        own = sl.score(record, X, X)
        seen = record.own is not None and not ("folds" in record.params and shape[0] < shape[1])
        if seen:
            assert own == pytest.approx(record.own, abs=1e-5)
        for Y in others(X):
            if Y.shape[1] < 3 and record.params.get("distance") == "correlation":
                continue
            if (
                record.id == "pwcca"
                and np.linalg.matrix_rank(np.hstack([X, Y])) < X.shape[1] + Y.shape[1]
            ):
                continue  # X and Y share directions: see the test of ties
            value = sl.score(record, X, Y)
            low, high = record.range
            assert low - 1e-9 <= value <= high + 1e-9
            if seen:
                assert record.direction * (own - value) > -1e-5


@pytest.mark.parametrize("name", ["ensd", "ridge", "ridge-cv"])
def test_where_the_record_names_no_best_value_another_dataset_beats_x(name):
    X = gaussians(60, 8, 8)[0]
    own = sl.score(name, X, X)
    U, s, Vt = np.linalg.svd(X - X.mean(0), full_matrices=False)
    assert max(sl.score(name, X, 10 * X), sl.score(name, X, (U * np.sqrt(s)) @ Vt)) > own


def test_angular_forms():
    for shape in ((40, 12, 7), (40, 7, 12), (10, 20, 20)):
        X, Y = gaussians(*shape)
        for plain, distance, grown in (
            ("cka", "cka-angular", "cka-angular-score"),
            ("nbs", "procrustes-angular", "procrustes-angular-score"),
            ("cca", "cca-angular", "cca-angular-score"),
            ("linreg", "linreg-angular", None),
        ):
            angle = sl.score(distance, X, Y)
            assert math.cos(angle) == pytest.approx(sl.score(plain, X, Y), abs=1e-12)
            assert grown is None or sl.score(grown, X, Y) == pytest.approx(
                1 - 2 / math.pi * angle, abs=1e-12
            )
        both = [sl.score(name, X, Y) for name in ("procrustes-cv", "procrustes-cv-score")]
        assert both[1] == pytest.approx(1 - 2 / math.pi * both[0], abs=1e-12)


def test_nbs_is_what_procrustes_leaves_of_unit_shapes():
    X, Y = gaussians(40, 12, 7)
    unit = [(Z - Z.mean(0)) / np.linalg.norm(Z - Z.mean(0)) for Z in (X, Y)]
    assert sl.score("nbs", X, Y) == pytest.approx(
        1 - sl.score("procrustes-euclidean", *unit) ** 2 / 2
    )
    assert sl.score("nbs-squared", X, Y) == pytest.approx(sl.score("nbs", X, Y) ** 2)
    assert sl.score("ensd", X, X) == pytest.approx(
        sl.linalg.participation_ratio(torch.from_numpy(X))
    )


@pytest.mark.parametrize("seed", range(10))
def test_nbs_lies_between_its_bounds_by_cka(seed):
    p, q = np.random.default_rng(seed).integers(1, 12, 2)
    X, Y = gaussians(40, p, q, seed)
    cka, nbs = sl.score("cka", X, Y), sl.score("nbs", X, Y)
    assert cka / math.sqrt(p * q) - 1e-12 <= nbs**2 <= min(p, q) * cka + 1e-12


def test_rsa_on_centred_squared_distances_is_cka():
    X, Y = gaussians(25, 6, 9)

    def centred_distances(Z):
        D = ((Z[:, None] - Z[None]) ** 2).sum(-1)
        return D - D.mean(0) - D.mean(1)[:, None] + D.mean()

    a, b = centred_distances(X), centred_distances(Y)
    assert (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b) == pytest.approx(
        sl.score("cka", X, Y)
    )


def test_debiased_cka_is_the_ratio_of_songs_hsic():
    X, Y = gaussians(14, 6, 9)

    def hsic(A, B):
        n, ones = len(A), np.ones(len(A))
        K, L = (Z @ Z.T for Z in (A, B))
        np.fill_diagonal(K, 0)
        np.fill_diagonal(L, 0)
        cross = (ones @ K @ ones) * (ones @ L @ ones) / ((n - 1) * (n - 2)) - 2 / (
            n - 2
        ) * ones @ K @ L @ ones
        return (np.trace(K @ L) + cross) / (n * (n - 3))

    expected = hsic(X, Y) / np.sqrt(hsic(X, X) * hsic(Y, Y))
    assert sl.score("cka-debiased", X, Y) == pytest.approx(expected, abs=1e-12)
    K, L = (Z @ Z.T for Z in (X - X.mean(0), Y - Y.mean(0)))
    a, b = K[np.triu_indices(14, 1)], L[np.triu_indices(14, 1)]
    expected = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert sl.score("cka-lange", X, Y) == pytest.approx(expected, abs=1e-12)


def test_independence_scores_about_zero_where_debiased_and_high_where_not():
    values = {name: [] for name in ("cka", "cka-debiased", "cka-lange", "rsa", "nbs")}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X, Y = rng.standard_normal((2, 30, 300))
        for name, found in values.items():
            found.append(sl.score(name, X, Y))
    mean = {name: np.mean(found) for name, found in values.items()}
    error = {name: np.std(found) / 10 for name, found in values.items()}
    assert (
        abs(mean["cka-debiased"]) < 4 * error["cka-debiased"] and abs(mean["cka-debiased"]) < 0.005
    )
    assert mean["cka-lange"] == pytest.approx(300 / (300 + 30**2), abs=0.05)
    assert mean["cka"] > 0.85 and mean["nbs"] > 0.9


def test_the_ends_of_regularised_cca():
    X, Y = gaussians(60, 8, 8)
    assert sl.score("cca-regularised", X, Y, whitening=0.0) == pytest.approx(
        sl.score("nbs", X, Y), abs=1e-12
    )
    assert sl.score("cca-regularised", X, Y, whitening=1.0) == pytest.approx(
        sl.score("cca", X, Y), abs=1e-12
    )
    far = sl.score("cca-regularised", X, Y, whitening=1.0, penalty=1e9)
    assert far == pytest.approx(sl.score("nbs", X, Y), abs=1e-8)
    assert sl.score("svcca", X, Y, explained=1.0) == pytest.approx(sl.score("cca", X, Y), abs=1e-12)


def test_cca_is_the_mean_over_as_many_correlations_as_there_are():
    X, Y = gaussians(60, 8, 5)
    bases = [np.linalg.qr(Z - Z.mean(0))[0] for Z in (X, Y)]
    correlations = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    assert len(correlations) == 5
    assert sl.score("cca", X, Y) == pytest.approx(correlations.mean(), abs=1e-12)
    assert sl.score("linreg", bases[0], Y) == pytest.approx((correlations**2).sum() / 8, abs=1e-12)
    low_rank = Y[:, :3] @ np.random.default_rng(0).standard_normal((3, 5))
    assert sl.score("cca", X, low_rank) == pytest.approx(sl.score("cca", X, Y[:, :3]), abs=1e-9)
    assert correlations.min() < sl.score("pwcca", X, Y) < correlations.max()


def test_svcca_is_cca_of_the_leading_components():
    X, Y = gaussians(60, 8, 6)
    leading = []
    for Z in (X, Y):
        U, s, _ = np.linalg.svd(Z - Z.mean(0), full_matrices=False)
        leading.append(U[:, : np.searchsorted(np.cumsum(s**2) / np.sum(s**2), 0.9) + 1])
    assert leading[0].shape[1] < 8
    assert sl.score("svcca", X, Y, explained=0.9) == pytest.approx(
        sl.score("cca", *leading), abs=1e-12
    )


def test_pwcca_refuses_partly_tied_correlations():
    X, Y = gaussians(60, 8, 5)
    with pytest.raises(ValueError, match="2 canonical correlations are tied"):
        sl.score("pwcca", X, np.hstack([X[:, :2], Y]))
    with pytest.raises(ValueError, match="together outnumber the samples"):
        sl.score("pwcca", *gaussians(20, 12, 11))
    assert sl.score("pwcca", X, X) == pytest.approx(1)


def test_a_wide_kernel_makes_rbf_cka_linear():
    X, Y = gaussians(30, 6, 9)
    assert sl.score("cka-rbf", X, Y, bandwidth=300.0) == pytest.approx(
        sl.score("cka", X, Y), abs=1e-4
    )
    narrow, one = (sl.score("cka-rbf", X, Y, bandwidth=b) for b in (0.2, 1.0))
    assert abs(narrow - one) > 0.01


def test_soft_matching_finds_permuted_neurons_and_shares_of_them():
    X, Y = gaussians(40, 7, 7)
    assert sl.score("soft-matching", X, X[:, ::-1] * np.arange(1, 8)) == pytest.approx(1)
    assert sl.score("soft-matching", X, np.hstack([X, X, X])) == pytest.approx(1)
    doubled = sl.score("soft-matching", X, np.hstack([Y, Y]))
    assert doubled == pytest.approx(sl.score("soft-matching", X, Y), abs=1e-9)
    with_silent = np.hstack([X, np.ones((40, 1))])
    assert sl.score("soft-matching", with_silent, with_silent) == pytest.approx(7 / 8)


def test_ridge_without_penalty_is_linear_regression():
    for shape in ((40, 6, 9), (10, 6, 25)):
        X, Y = gaussians(*shape)
        assert sl.score("ridge", X, Y, penalty=0) == pytest.approx(
            sl.score("linreg", X, Y), abs=1e-9
        )


def test_symmetric_regression_is_the_mean_of_both_directions():
    X, Y = gaussians(40, 6, 9)
    both = (sl.score("ridge-cv", X, Y) + sl.score("ridge-cv", Y, X)) / 2
    assert sl.score("ridge-cv", X, Y, symmetric=True) == pytest.approx(both, abs=1e-12)


def test_held_out_procrustes_finds_a_rotation_and_uses_the_others_to_find_it():
    X, Y = gaussians(60, 8, 8)
    turned = X @ rotation(8) + 5
    assert sl.score("procrustes-cv", X, turned) == pytest.approx(0, abs=1e-7)
    assert sl.score("procrustes-cv-euclidean", X, turned) == pytest.approx(0, abs=1e-6)
    assert sl.score("procrustes-cv", X, Y) > sl.score("procrustes-angular", X, Y)


# -- Folds


@pytest.mark.parametrize("scheme", splits.SCHEMES)
def test_folds_hold_out_each_sample_once(scheme):
    n, groups = 24, np.repeat(list("cabdbe"), 4)
    blocks = splits.held_out_blocks(n, 4, scheme, groups=groups, conditions=8)
    held_out = [np.arange(n)[block] for block in blocks]
    assert sorted(np.concatenate(held_out)) == list(range(n))
    assert min(map(len, held_out)) >= 4
    if scheme == "grouped":
        assert all(
            not set(groups[a]) & set(groups[b]) for a in held_out for b in held_out if a is not b
        )
    if scheme == "condition":
        assert all(len(set(a % 8)) * 3 == len(a) for a in held_out)


def test_random_folds_repeat_with_their_seed():
    X, Y = gaussians(40, 6, 9)
    values = [sl.score("ridge-cv", X, Y, scheme="random", seed=seed) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_folds_by_condition_keep_the_time_bins_of_a_trial_together():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2, 4, 10, 5)) + rng.standard_normal((2, 1, 10, 5))
    grouped = sl.score(
        "ridge-cv", X, Y, scheme="grouped", groups=np.tile(np.arange(10), 4), penalty=1
    )
    assert sl.score("ridge-cv", X, Y, scheme="condition", penalty=1) == pytest.approx(
        grouped, abs=1e-12
    )
    noise = rng.standard_normal(X.shape) * 0.1
    lenient = sl.score("ridge-cv", X, X[..., :3] + noise[..., :3], scheme="random", penalty=1)
    assert lenient > sl.score(
        "ridge-cv", X, X[..., :3] + noise[..., :3], scheme="condition", penalty=1
    )


@pytest.mark.parametrize(
    "shape, penalty", [((40, 6, 30), 5.0), ((15, 6, 40), 0.5), ((40, 6, 5), 100.0)], ids=str
)
@pytest.mark.parametrize("scheme", splits.SCHEMES)
@pytest.mark.parametrize("comparison", ["r2", "cosine", "pearson-median"])
def test_fast_ridge_folds_agree_with_a_fit_per_fold(shape, penalty, comparison, scheme):
    X, Y = gaussians(*shape)
    options = {"scheme": scheme, "groups": np.arange(len(X)) // 3, "conditions": 5, "seed": 4}
    slow = []
    for test in splits.held_out_blocks(len(X), 5, **options):
        test = np.arange(len(X))[test]
        train = np.delete(np.arange(len(X)), test)
        mean_x, mean_y = X[train].mean(0), Y[train].mean(0)
        design = Y[train] - mean_y
        B = np.linalg.solve(
            design.T @ design + penalty * np.eye(Y.shape[1]), design.T @ (X[train] - mean_x)
        )
        target, predicted = X[test] - mean_x, (Y[test] - mean_y) @ B
        if comparison == "r2":
            slow.append(1 - ((target - predicted) ** 2).sum() / (target**2).sum())
        elif comparison == "cosine":
            slow.append(
                (target * predicted).sum() / np.linalg.norm(target) / np.linalg.norm(predicted)
            )
        else:
            slow.append(
                np.median(
                    [np.corrcoef(a, b)[0, 1] for a, b in zip(target.T, predicted.T, strict=True)]
                )
            )
    ours = sl.score("ridge-cv", X, Y, penalty=penalty, comparison=comparison, **options)
    assert ours == pytest.approx(np.mean(slow), abs=1e-9)


# -- Records


def test_what_a_parameter_changes_of_a_record_is_changed_with_it():
    ranks = sl.measure("rsa", comparison="spearman", distance="correlation")
    assert not ranks.differentiable and "translation" not in ranks.invariances
    assert sl.measure("linreg-r2#no_cv").invariances == frozenset(INVARIANCES)
    assert sl.measure("linreg-r2-sym#no_cv").symmetric
    assert sl.measure("rsa", comparison="pearson") is sl.MEASURES["rsa"]
    again = sl.measure("ridge-cv", penalty=10).bind(penalty=100.0)
    assert again is sl.MEASURES["ridge-cv"]


def test_records_name_real_aliases_and_sources():
    for name, record in sl.MEASURES.items():
        assert record.id == name and record.source and record.function.__doc__
        assert all(sl.measure(alias) is record for alias in record.aliases)
        assert record.symmetric <= (record.invariances_of_x is None)
        assert record.invariances <= set(INVARIANCES)
        assert "rotation" not in record.invariances or "permutation" in record.invariances


def test_a_measure_of_ranks_says_that_it_cannot_be_climbed():
    X, Y = (torch.from_numpy(Z) for Z in gaussians(12, 4, 4))
    with pytest.raises(ValueError, match="no gradient to climb"):
        sl.measure("rsa", comparison="kendall")(X, Y.requires_grad_(True))


@pytest.mark.parametrize("p, q", [(5, 5), (5, 10), (3, 12), (1, 8)])
def test_regularised_cca_ends_at_cca_for_equal_ranks_only(p, q):
    """Times sqrt(min / max) of the ranks otherwise, even for a side that lies in the other's
    span.
    """
    X, other = gaussians(60, p, q)
    inside = np.column_stack([X, other])[:, :q]
    for Y in (other, inside, inside[:, :p]):
        ranks = p, Y.shape[1]
        expected = sl.score("cca", X, Y) * np.sqrt(min(ranks) / max(ranks))
        assert sl.score("cca-regularised", X, Y, whitening=1) == pytest.approx(expected, abs=1e-10)
    assert sl.score("cca", X, inside) == pytest.approx(1)


def test_cca_is_1_once_a_side_has_n_minus_1_independent_columns():
    """n - 1, as centring takes one; with one column fewer unrelated data stay below 1."""
    X, Y = gaussians(20, 3, 25)
    for columns in range(15, 26):
        found = sl.score("cca", X, Y[:, :columns])
        assert (found > 1 - 1e-10) == (columns >= 19)


def test_the_catalogue_page_is_written_from_every_record(book):
    prepare = book("prepare")
    facts, unchanged = prepare.measures_table(), prepare.invariances_table()
    for record in sl.MEASURES.values():
        assert facts.count(f"| `{record.id}`") == 1 and f"| {record.title} | " in unchanged
        assert all(other.name in prepare.elsewhere_table() for other in record.elsewhere)
