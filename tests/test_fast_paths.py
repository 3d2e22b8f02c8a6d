"""Every fast route beside its plain twin: float64 singular values, one fit after the other,
autograd alone.
"""

import math
from functools import partial

import numpy as np
import pytest
import torch

import simlib as sl
from simlib import linalg
from simlib.components import captured_variance, left_singular_vectors
from simlib.measures import folds as splits
from simlib.measures import regression

SHAPES = {
    "tall": (120, 12, 12),
    "square": (40, 40, 40),
    "wide": (20, 60, 60),
    "few samples": (60, 40, 50),
    "narrow Y": (80, 30, 7),
    "wide Y": (50, 20, 45),
    "edge": (75, 60, 60),
}
CONDITIONS = (1, 1e2, 1e6)


def problem(shape, condition, seed=0):
    """X with a decaying spectrum, Y part X and part noise, its columns mixed to this condition
    number.
    """
    n, p, q = SHAPES[shape]
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * np.logspace(0, -2, p)
    Y = 0.7 * X @ rng.standard_normal((p, q)) / math.sqrt(p) + rng.standard_normal((n, q))
    U, s, Vh = np.linalg.svd(Y - Y.mean(0), full_matrices=False)
    return X, (U * np.geomspace(1, 1 / condition, len(s))) @ Vh


def centred(Z):
    return Z - Z.mean(0, keepdim=True)


def plain_cka(X, Y):
    K, L = (centred(Z) @ centred(Z).T for Z in (X, Y))
    return (K * L).sum() / (K.norm() * L.norm())


def plain_nbs(X, Y):
    return torch.linalg.svdvals(centred(X).T @ centred(Y)).sum() / (
        centred(X).norm() * centred(Y).norm()
    )


def plain_angular_procrustes(X, Y):
    return 1 - torch.arccos(plain_nbs(X, Y)) * 2 / math.pi


def plain_linear_regression(X, Y):
    """By the singular values of Y, its columns in units of their own, above what float32 rounds."""
    X, Y = centred(X), linalg.centred_columns(Y)
    U, s, _ = torch.linalg.svd(Y.detach(), full_matrices=False)
    rounding = max(Y.shape) * torch.finfo(torch.float32).eps
    U = U[:, s > s[0] * rounding]
    B = torch.linalg.pinv(Y.detach(), rtol=rounding) @ X
    # d|PX|^2 = 2 tr((X - YB)' dY B), the envelope theorem of least squares.
    value = (U.T @ X).square().sum()
    return (value + 2 * ((X - Y.detach() @ B) * ((Y - Y.detach()) @ B)).sum()) / X.square().sum()


def plain_ridge(X, Y, penalty=100.0, folds=5):
    scores = []
    for block in splits.contiguous_blocks(len(X), folds):
        rest = torch.ones(len(X), dtype=torch.bool)
        rest[block] = False
        mean_x, mean_y = X[rest].mean(0), Y[rest].mean(0)
        Z = Y[rest] - mean_y
        B = torch.linalg.solve(
            Z.T @ Z + penalty * torch.eye(Y.shape[1], dtype=Y.dtype), Z.T @ (X[rest] - mean_x)
        )
        target = X[block] - mean_x
        scores.append(1 - (target - (Y[block] - mean_y) @ B).square().sum() / target.square().sum())
    return torch.stack(scores).mean()


PLAIN = {
    "cka": plain_cka,
    "nbs": plain_nbs,
    "procrustes-angular-score": plain_angular_procrustes,
    "linreg": plain_linear_regression,
    "ridge-cv": plain_ridge,
}


def value_and_gradient(function, Y):
    Y = Y.clone().requires_grad_(True)
    value = function(Y)
    value.backward()
    return float(value.detach()), Y.grad.double()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("lost", [0, 1, 3])
@pytest.mark.parametrize("q", [29, 30, 31, 90])
def test_columns_span_the_samples_where_no_direction_is_missing(q, lost, dtype):
    """30 samples: with all 29 directions R^2 is 1 and has no gradient; of Y that lacks some it is
    what these leave, however many its columns.
    """
    draw = torch.Generator().manual_seed(q)
    X, mix = (torch.randn(size, generator=draw, dtype=torch.float64) for size in ((30, 8), (29, q)))
    basis = torch.linalg.qr(centred(torch.randn(30, 29, generator=draw, dtype=torch.float64)))[0]
    Y = (basis[:, : 29 - lost] @ mix[: 29 - lost]).to(dtype)
    assert linalg.spans_samples(centred(Y)) == (lost == 0)
    value, gradient = value_and_gradient(lambda Y: regression.linear_regression(X.to(dtype), Y), Y)
    left = (basis[:, : 29 - lost].T @ centred(X)).square().sum() / centred(X).square().sum()
    assert value == pytest.approx(float(left), abs=1e-5 if dtype == torch.float32 else 1e-12)
    assert lost or bool((gradient == 0).all())


@pytest.mark.parametrize("condition", CONDITIONS, ids="condition {:g}".format)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", PLAIN)
def test_scores_and_gradients_in_float32_are_the_plain_ones_in_float64(name, shape, condition):
    """Within 1e-5 and, relative to the gradient's size, 1e-3; at condition 1e6 NBS's gradient is
    left with 3e-2.
    """
    X, Y = (torch.from_numpy(Z).float() for Z in problem(shape, condition))
    slow, slope = value_and_gradient(lambda Z: PLAIN[name](X.double(), Z), Y.double())
    fast, climb = value_and_gradient(sl.measure(name).towards(X), Y)
    assert fast == pytest.approx(slow, abs=1e-5, rel=1e-5)
    if name == "linreg" and Y.shape[1] >= len(Y) - 1:
        return  # Y spans all samples: both gradients are rounding
    rotated = name in ("nbs", "procrustes-angular-score") and condition == 1e6
    assert (climb - slope).norm() <= (3e-2 if rotated else 1e-3) * slope.norm()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["cka", "cka-angular-score"])
def test_what_is_shared_between_many_y_changes_nothing(name, shape):
    X, Y = (torch.from_numpy(Z) for Z in problem(shape, 10))
    bound = sl.measure(name)
    fast, slow = (value_and_gradient(f, Y) for f in (bound.towards(X), lambda Z: bound(X, Z)))
    assert fast[0] == pytest.approx(slow[0], abs=1e-12)
    torch.testing.assert_close(fast[1], slow[1], rtol=1e-9, atol=1e-12)


def test_a_shared_side_is_computed_once():
    X, Y = (torch.from_numpy(Z) for Z in problem("few samples", 10))
    towards = sl.measure("cka").towards(X)
    before = float(towards(Y))
    X += 100 * torch.randn(X.shape, generator=torch.Generator().manual_seed(0), dtype=X.dtype)
    assert float(towards(Y)) == before != float(sl.measure("cka").towards(X)(Y))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("condition", CONDITIONS, ids="condition {:g}".format)
@pytest.mark.parametrize("shape", SHAPES)
def test_capture_is_the_projection_on_singular_vectors(shape, condition, dtype):
    X, Y = problem(shape, condition)
    Y = torch.from_numpy(Y).to(dtype)
    vectors = left_singular_vectors(X)
    U, s, _ = torch.linalg.svd(centred(Y.double()), full_matrices=False)
    slow = (
        (U[:, s > s[0] * max(Y.shape) * torch.finfo(torch.float64).eps].T @ vectors).square().sum(0)
    )
    fast = captured_variance(X, Y, vectors=vectors)[: vectors.shape[1]]
    np.testing.assert_allclose(fast, slow, atol=1e-5 if dtype == torch.float32 else 1e-9)


def plain_r2(x, fit):
    return 1 - (x - fit).square().sum() / x.square().sum()


@pytest.mark.parametrize("scheme", ["contiguous", "random", "condition"])
@pytest.mark.parametrize("sizes", [(60, 8, 60), (60, 40, 30), (48, 12, 70), (61, 5, 61)])
def test_a_fixed_target_takes_fewer_products_to_the_same_score_and_gradient(sizes, scheme):
    n, p, q = sizes
    rng = np.random.default_rng(0)
    X, Y = (torch.from_numpy(rng.standard_normal((n, size)) + 3) for size in (p, q))
    conditions = {"conditions": n // 2 if n % 2 == 0 else n} if scheme == "condition" else {}
    bound = sl.measure("ridge-cv", penalty=20.0, scheme=scheme, **conditions)
    found = []
    for fixed in (True, False):
        start = Y.clone().requires_grad_(True)
        value = bound(X.clone().requires_grad_(not fixed), start)
        value.backward()
        found.append((value.detach(), start.grad))
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-12)
    exact, start = found[0], Y.float().requires_grad_(True)
    bound(X.float(), start).backward()
    off = (start.grad.double() - exact[1]).norm() / exact[1].norm()
    assert float(off) < 1e-3


def careful_ridge(X, Y, penalty, folds):
    """Each fit by itself, through singular values in float64."""
    blocks = splits.contiguous_blocks(len(X), folds) if folds else []
    fits = regression._careful_fits(X, Y, blocks, penalty, linalg.rounding(Y), plain_r2)
    return torch.stack(fits).mean()


@pytest.mark.parametrize("share", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-7])
@pytest.mark.parametrize("folds", [0, 5])
@pytest.mark.parametrize("shape", ["tall", "wide", "few samples", "edge", "square"])
def test_ridge_takes_squares_only_where_they_are_safe(shape, folds, share):
    """Penalties from large to far too small for normal equations, as shares of ||Y'Y||_F."""
    for condition in (1, 30, 300):
        X, Y = (torch.from_numpy(Z).float() for Z in problem(shape, condition))
        penalty = share * float((centred(Y).T @ centred(Y)).norm())
        slow, slope = value_and_gradient(
            partial(careful_ridge, X.double(), penalty=penalty, folds=folds), Y.double()
        )
        bound = sl.measure("ridge-cv", penalty=penalty, folds=folds)
        for dtype, value, gradient in ((torch.float32, 1e-5, 1e-3), (torch.float64, 1e-8, 1e-6)):
            fast, climb = value_and_gradient(bound.towards(X.to(dtype)), Y.to(dtype))
            assert fast == pytest.approx(slow, abs=value, rel=value)
            flat = (
                1e-2 / centred(Y).norm()
            )  # a fit of all samples may be exact: its gradient is rounding
            assert (climb - slope).norm() <= gradient * (slope.norm() + flat)


def test_unequal_folds_that_leave_few_samples_are_fitted_with_care():
    """Without one group of 108 of 120 samples no more rows are left than neurons; the Gram matrix
    of all is fine.
    """
    X, Y = (torch.from_numpy(Z) for Z in problem("tall", 1))
    groups = np.r_[np.zeros(108), 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    bound = sl.measure("ridge-cv", penalty=1e-6, scheme="grouped", groups=groups, folds=5)
    blocks = [torch.from_numpy(np.flatnonzero(groups == k)) for k in range(5)]
    slow = torch.stack(
        regression._careful_fits(X, Y, blocks, 1e-6, linalg.rounding(Y), plain_r2)
    ).mean()
    assert float(bound(X, Y)) == pytest.approx(float(slow), rel=1e-7)


def test_folds_that_differ_a_thousandfold_in_size_keep_their_digits():
    """Training on small rows only: their Gram matrix is what is left of a much larger one."""
    X, Y = problem("tall", 1)
    X[:24], Y[:24] = 1e3 * X[:24], 1e3 * Y[:24]
    slow = plain_ridge(torch.from_numpy(X), torch.from_numpy(Y), penalty=1.0)
    assert sl.score("ridge-cv", X, Y, penalty=1.0) == pytest.approx(float(slow), rel=1e-7)
    single = sl.measure("ridge-cv", penalty=1.0)(
        torch.from_numpy(X).float(), torch.from_numpy(Y).float()
    )
    assert float(single) == pytest.approx(float(slow), rel=1e-4)


def test_squares_are_refused_where_they_lose_digits():
    well, ill, lost = (
        torch.from_numpy(problem("tall", condition)[1]) for condition in (3, 300, 1e6)
    )
    for Y, single, double in ((well, True, True), (ill, False, True), (lost, False, False)):
        assert (linalg.inverse_gram(Y.float()) is not None) == single
        assert (linalg.inverse_gram(Y) is not None) == double
    assert linalg.inverse_gram(well[:12]) is None  # as many neurons as samples


@pytest.mark.parametrize("name", PLAIN)
def test_sixty_steps_follow_the_plain_optimiser(name):
    """torch's Adam on the plain formula, from the same noise, in float64; ours in float32."""
    X, _ = problem("tall", 1)
    start = sl.optimize.start_from_noise(X.shape, 3)
    Y = start.double().requires_grad_(True)
    optimizer = torch.optim.Adam([Y], lr=0.1, maximize=True)
    scores = []
    for _ in range(60):
        optimizer.zero_grad()
        value = PLAIN[name](torch.from_numpy(X).float().double(), Y)
        scores.append(float(value.detach()))
        value.backward()
        optimizer.step()
    ours = sl.maximize(name, X, seed=3, steps=60, stop=None)
    np.testing.assert_allclose(ours.scores, scores, atol=1e-3)
