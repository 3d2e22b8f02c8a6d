"""Nulls from what belongs to each side, beside their plain twin: one score after the other."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import simlib as sl
from simlib.measures import MEASURES, cca, regression, shapes, shuffles

QUICK = [id for id, record in MEASURES.items() if record.shuffled or record.of]
BOUND = {
    "rsa of ranks": sl.measure("rsa", comparison="spearman"),
    "rsa, cosine": sl.measure("rsa", comparison="cosine"),
    "rsa of cosines": sl.measure("rsa", distance="cosine"),
    "rsa of correlations": sl.measure("rsa", distance="correlation"),
    "rsa, euclidean": sl.measure("rsa", distance="euclidean", comparison="spearman"),
    "rsa, kendall": sl.measure("rsa", comparison="kendall"),
    "narrow kernel": sl.measure("cka-rbf", bandwidth=0.3),
    "ridge, weak": sl.measure("ridge", penalty=1e-3),
    "ridge without penalty": sl.measure("ridge", penalty=0),
    "ridge of both sides": sl.measure("ridge", symmetric=True),
    "ridge, cosine": sl.measure("ridge", comparison="cosine"),
    "ridge, folds": sl.measure("ridge", folds=3),
    "svcca, half": sl.measure("svcca", explained=0.5),
    "whitened": sl.measure("cca-regularised", whitening=1.0, penalty=0.1),
    "cv, three folds": sl.measure("procrustes-cv-score", folds=3),
    "cv, random folds": sl.measure("procrustes-cv", folds=2, scheme="random", seed=1),
    "cv, conditions": sl.measure("procrustes-cv", folds=3, scheme="condition"),
    "cv, no groups": sl.measure("procrustes-cv", scheme="grouped"),
    "ridge, random folds": sl.measure("ridge-cv", penalty=1, scheme="random"),
    "ridge, conditions": sl.measure("ridge-cv", folds=3, scheme="condition"),
    "ridge, folds and cosine": sl.measure("ridge-cv", folds=8, comparison="cosine"),
    "ridge, folds without penalty": sl.measure("ridge-cv", penalty=0),
    "ridge, folds of both sides": sl.measure("ridge-cv", symmetric=True),
}
ALL = {id: MEASURES[id] for id in QUICK} | BOUND


def sides(kind: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    shapes = {
        "wide": ((12, 40), 30),
        "crowded": ((24, 14), 13),
        "time": ((3, 9, 6), 5),
        "long": ((90, 3), 2),
    }
    shape, q = shapes.get(kind, ((24, 6), 9))
    X = rng.standard_normal(shape)
    Y = np.tanh(X @ rng.standard_normal((shape[-1], q))) + rng.standard_normal((*shape[:-1], q))
    if kind == "far from 0":
        return X + 1e6, Y - 3e5
    if kind == "small":
        return 1e-9 * X, 1e7 * Y
    if kind == "single precision":
        return X.astype(np.float32), (Y + 20).astype(np.float32)
    if kind == "low rank":  # and a constant neuron
        return X @ np.ones((6, 4)) + X[:, :4], np.hstack([Y[:, :3], Y[:, :3], np.ones((24, 1))])
    return X, Y


KINDS = [
    *(
        "plain",
        "wide",
        "crowded",
        "time",
        "long",
        "far from 0",
        "small",
        "single precision",
        "low rank",
    ),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ALL)
def test_a_null_is_that_of_one_score_after_the_other(name, kind):
    bound, (X, Y) = ALL[name], sides(kind)
    plain = replace(bound, shuffled=None, of=None)
    try:
        slow = sl.calibration.permutation_null(plain, X, Y, permutations=4, seed=3)
    except ValueError as refused:
        with pytest.raises(ValueError) as error:
            sl.calibration.permutation_null(bound, X, Y, permutations=4, seed=3)
        assert str(error.value) == str(refused)
        return
    quick = sl.calibration.permutation_null(bound, X, Y, permutations=4, seed=3)
    scale = max(1, np.abs(slow).max())
    np.testing.assert_allclose(quick, slow, rtol=0, atol=1e-10 * scale)


def test_a_null_of_given_distances_shuffles_rows_with_columns():
    points = np.random.default_rng(0).standard_normal((2, 9, 4))
    X, Y = (np.linalg.norm(side[:, None] - side, axis=-1) for side in points)
    for comparison in ("pearson", "spearman", "cosine", "kendall"):
        bound = sl.measure("rsa", precomputed=True, comparison=comparison)
        plain = replace(bound, shuffled=None)
        quick, slow = (
            sl.calibration.permutation_null(one, X, Y, permutations=6) for one in (bound, plain)
        )
        np.testing.assert_allclose(quick, slow, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", [id for id in QUICK if MEASURES[id].of])
def test_a_measure_that_depends_on_another_is_that_function_of_it(name):
    base, function = MEASURES[name].of
    assert not MEASURES[base].of
    for kind in KINDS:
        X, Y = sides(kind)
        value = function(torch.tensor(sl.score(base, X, Y), dtype=torch.float64))
        assert float(value) == pytest.approx(sl.score(name, X, Y), abs=1e-10)


def test_a_measure_with_other_parameters_depends_on_none():
    assert MEASURES["procrustes-cv-score"].of and not BOUND["cv, three folds"].of


@pytest.mark.parametrize("null", ["trials", "trials-and-time"])
def test_compare_takes_the_nulls_of_each_measure(null):
    X, Y = sides("time")
    table = sl.compare(X, Y, permutations=5, null=null).set_index("measure")
    for name in MEASURES:
        plain = replace(MEASURES[name], shuffled=None, of=None)
        alone = sl.calibration.permutation_null(plain, X, Y, permutations=5, null=null)
        assert table.loc[name, ["chance", "chance_spread"]].tolist() == pytest.approx(
            [alone.mean(), alone.std()], abs=1e-10
        )


def test_what_measures_share_is_computed_once_for_the_same_sides_and_orders():
    calls, X, orders = [], torch.eye(3), torch.tensor([[0, 1, 2], [1, 0, 2]])

    def asked(X, orders, *about):
        def scores(orders):
            calls.append(len(orders))
            return orders.sum(1) * X[0, 0]

        return shuffles.once(scores, "sums", X, *about)(orders)

    with shuffles.shared():
        first = asked(X, orders)
        assert asked(X.clone(), orders.clone()) is first and len(calls) == 1
        for others in ((2 * X, orders), (X.double(), orders), (X, orders[:1]), (X, orders, 0.5)):
            asked(*others)
        assert len(calls) == 5
    asked(X, orders)
    assert len(calls) == 6  # nothing is kept


def test_comparisons_of_one_fit_share_it(monkeypatch):
    rng = np.random.default_rng(2)
    X, Y = (rng.standard_normal((20, 6)) for _ in "XY")
    calls = []
    for module, name in ((regression, "_held_out_fits"), (shapes, "_quick_overlap")):
        plain = getattr(module, name)

        def counted(*args, plain=plain, name=name):
            calls.append(name)
            return plain(*args)

        monkeypatch.setattr(module, name, counted)
    names = ["ridge-cv", "ridge-cv-median", "procrustes-cv", "procrustes-cv-euclidean"]
    sl.compare(X, Y, names, permutations=7)
    # Of the median: the data's own, and the first order. R^2 of a fixed X needs no predictions.
    scores_too = 2
    assert calls.count("_held_out_fits") == 7 + scores_too
    assert calls.count("_quick_overlap") == 5 * 7


CONDITIONS = [1e-2, 1e-3, 1e-4, 4e-5, 1e-5, 1e-8, 1e-13, 0.0]


def spread(shape: tuple[int, int], least: float) -> tuple[torch.Tensor, ...]:
    """A matrix whose least singular values are this share of the largest, and its triple."""
    generator = torch.Generator().manual_seed(3)
    U, s, Vh = torch.linalg.svd(
        torch.randn(shape, generator=generator, dtype=torch.float64), full_matrices=False
    )
    s[-3:] = s[0] * least * torch.tensor([2.0, 1.5, 1.0])
    return (U * s) @ Vh, U, s, Vh


@pytest.mark.parametrize("least", CONDITIONS)
@pytest.mark.parametrize("shape", [(30, 30), (30, 20), (20, 30)])
def test_gram_matrices_give_what_singular_values_give_or_nothing(shape, least):
    M, U, s, Vh = spread(shape, least)
    assert float(shuffles._norm(M)) == pytest.approx(float(s.sum()), rel=1e-11)
    values, vectors = cca._left_singular_vectors(M)
    torch.testing.assert_close(values, s, rtol=0, atol=1e-10 * float(s[0]))
    sure = len(s) if least > 1e-4 else len(s) - 3  # the directions of the others are rounding
    eye = torch.eye(sure, dtype=torch.float64)
    both = (vectors.T @ U).abs()[:sure, :sure]
    torch.testing.assert_close(both, eye, rtol=0, atol=1e-9)
    D = spread(shape, 0.01)[0].roll(1, 0)
    quick, plain = shapes._quick_overlap(M, D), shapes._overlap(M, D, share=1e-15)
    assert (quick is not None) == (least > shapes.LEAST)
    if quick is not None:
        assert abs(float(quick - plain)) < 1e-10 * float(D.norm())
        assert abs(float(quick - (U @ Vh * D).sum())) < 1e-10 * float(D.norm())


def test_threads_change_no_null(monkeypatch):
    monkeypatch.setattr(shuffles, "LARGE", 0)
    X, Y = sides("plain")
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            nulls = [sl.calibration.permutation_null(n, X, Y, permutations=9) for n in QUICK]
            found.append(np.array(nulls))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=0, atol=1e-12)


def test_what_fails_in_a_thread_fails_and_leaves_the_threads_as_they_were():
    def refuse(order):
        raise ValueError("not defined")

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with pytest.raises(ValueError, match="not defined"):
            shuffles.each(refuse, shuffles.LARGE)(torch.zeros((4, 3), dtype=torch.int64))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_products_are_the_same_by_either_way(monkeypatch):
    rng = np.random.default_rng(1)
    X, Y = (torch.from_numpy(rng.standard_normal((20, k))) for k in (40, 30))
    orders = torch.from_numpy(np.array([rng.permutation(20) for _ in range(7)]))
    expected = torch.stack([(X.T @ Y[order]).square().sum() for order in orders])
    for wide, room, rows in ((0, 1, 2**17), (0, 1, 60), (10**9, 2**22, 1), (10**9, 1, 1)):
        monkeypatch.setattr(shuffles, "ROWS", rows)
        monkeypatch.setattr(shuffles, "WIDE", wide)
        monkeypatch.setattr(shuffles, "ROOM", room)
        torch.testing.assert_close(shuffles.energies(X, Y)(orders), expected)


def test_orders_held_at_once_change_nothing(monkeypatch):
    X, Y = sides("time")
    whole = sl.calibration.permutation_null("cka", X, Y, permutations=9)
    monkeypatch.setattr(sl.calibration, "ORDERS", 4 * 27)
    np.testing.assert_array_equal(
        sl.calibration.permutation_null("cka", X, Y, permutations=9), whole
    )


def test_what_is_not_defined_is_refused_as_by_the_score():
    X = np.eye(6)  # all distances are the same
    with pytest.raises(ValueError, match="nothing to compare"):
        sl.calibration.permutation_null("rsa", X, np.eye(6), permutations=3)
    with pytest.raises(ValueError, match="4 or more samples"):
        sl.calibration.permutation_null("cka-debiased", X[:3], X[:3], permutations=3)
