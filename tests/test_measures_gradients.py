"""Gradients of every differentiable measure: equal to finite differences, finite at the edges,
uphill.
"""

import numpy as np
import pytest
import torch

import simlib as sl

pytestmark = pytest.mark.unchecked  # finite differences make very many small calls

VARIANTS = [
    sl.measure("rsa", distance="euclidean", comparison="cosine"),
    sl.measure("rsa", distance="cosine"),
    sl.measure("rsa", distance="correlation"),
    sl.measure("cca-regularised", whitening=1.0, penalty=0.1),
    sl.measure("ridge-cv", penalty=1, scheme="random", comparison="cosine", symmetric=True),
    sl.measure("ridge", penalty=0),
]
RECORDS = {
    record.id: record for record in [*sl.MEASURES.values(), *VARIANTS] if record.differentiable
}
each_record = pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)


def gaussians(n, p, q, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    Y = rng.standard_normal((n, q)) + 0.5 * X @ rng.standard_normal((p, q))
    return torch.from_numpy(X), torch.from_numpy(Y)


def agrees(record, X, Y):
    Y = Y.clone().requires_grad_(True)
    return torch.autograd.gradcheck(lambda Z: record(X, Z), (Y,), eps=1e-6, atol=1e-5)


CASES = {
    "samples outnumber neurons": (30, 5, 5),
    "fewer samples than neurons": (8, 12, 12),
    "fewer neurons in Y": (30, 7, 4),
    "more neurons in Y": (30, 4, 7),
    "one neuron": (12, 1, 1),
}


@pytest.mark.parametrize("case", CASES)
@each_record
def test_gradients_agree_with_finite_differences(record, case):
    X, Y = gaussians(*CASES[case])
    if record.params.get("distance") == "correlation" and X.shape[1] == 1:
        pytest.skip("a sample of one neuron has no correlation distance")
    assert agrees(record, X, Y)
    X.requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda Z: record(Z, Y), (X,), eps=1e-6, atol=1e-4, fast_mode=True
    )


@each_record
def test_repeated_singular_values_leave_the_gradient_exact(record):
    """Y and X'Y each have one singular value six times over; the score is below its maximum."""
    basis = torch.linalg.qr(gaussians(30, 13, 1)[0] - gaussians(30, 13, 1)[0].mean(0))[0]
    basis = torch.linalg.qr(basis - basis.mean(0))[0]
    X, Y = 3 * basis[:, :6], 2 * (0.8 * basis[:, :6] + 0.6 * basis[:, 6:12])
    if record.id == "pwcca":
        Z = Y.clone().requires_grad_(True)
        record(X, Z).backward()
        assert torch.isfinite(Z.grad).all()
        return
    assert agrees(record, X, Y)


SMOOTH = {
    "cka",
    "cka-angular",
    "cka-angular-score",
    "cka-debiased",
    "cka-lange",
    "cka-rbf",
    "ensd",
    "rsa",
    "ridge",
    "ridge-cv",
}


@pytest.mark.parametrize("edge", ["low rank", "zero column", "wide and low rank"])
@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_smooth_measures_stay_exact_where_rank_is_lost(name, edge):
    X, Y = gaussians(*((8, 12, 12) if edge.startswith("wide") else (30, 5, 5)))
    if edge == "zero column":
        Y[:, 0] = 0
    else:
        Y = Y[:, :2] @ gaussians(2, Y.shape[1], 1)[0]
    assert agrees(RECORDS[name], X, Y)


@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize("shape", [(12, 4, 5), (8, 4, 9)], ids=str)
def test_ridge_with_a_tiny_penalty_stays_exact(shape, folds):
    """By the singular values of Y, whose gradient divides by differences that are never taken."""
    X, Y = gaussians(*shape)
    assert agrees(sl.measure("ridge-cv", penalty=1e-10, folds=folds), X, Y)
    low_rank = 1e4 * Y[:, :2] @ gaussians(2, Y.shape[1], 1)[0]
    assert agrees(sl.measure("ridge-cv", penalty=0.1, folds=folds), X, low_rank)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@each_record
def test_gradients_are_finite_at_the_edges(record, dtype):
    X = gaussians(20, 6, 6)[0].to(dtype)
    low_rank = X[:, :2] @ torch.ones(2, 6, dtype=dtype)
    repeated = torch.linalg.qr(X - X.mean(0))[0]
    silent = X.clone()
    silent[:, 0] = 0
    constant = X.clone()
    constant[:, 1] = 3
    again = torch.cat([X[:10], X[:10]])
    wide = gaussians(5, 9, 9)[0].to(dtype)
    pairs = {
        "Y = X": (X, X),
        "Y = X, scaled": (X, 1e-6 * X),
        "low rank Y": (X, low_rank),
        "low rank X": (low_rank, X),
        "both of low rank": (low_rank, low_rank),
        "repeated singular values": (repeated, repeated),
        "zero column in Y": (X, silent),
        "zero column in X": (silent, X),
        "constant column": (X, constant),
        "repeated samples": (again, again),
        "fewer samples than neurons": (wide, wide),
    }
    for case, (left, right) in pairs.items():
        Y = right.clone().requires_grad_(True)
        value = record(left, Y)
        value.backward()
        assert torch.isfinite(value) and torch.isfinite(Y.grad).all(), case
        assert value.dtype == dtype and Y.grad.dtype == dtype, case


@each_record
def test_a_small_step_along_the_gradient_climbs(record):
    X, Y = (Z.float() for Z in gaussians(40, 10, 10))
    Y.requires_grad_(True)
    before = record.direction * record(X, Y)
    before.backward()
    assert record.direction * record(X, Y.detach() + 1e-2 * Y.grad / Y.grad.norm()) > before


@each_record
def test_float32_scores_stay_near_float64(record):
    X, Y = gaussians(200, 60, 60)
    X = X * torch.logspace(0, -3, 60, dtype=X.dtype)
    single = float(record(X.float(), Y.float()))
    assert single == pytest.approx(sl.score(record, X, Y), abs=2e-5, rel=1e-5)


DEGENERATE = {
    "two samples": (2, 3, 3),
    "three samples": (3, 4, 4),
    "one neuron each": (20, 1, 1),
    "one neuron against many": (20, 1, 30),
    "many neurons against one": (20, 30, 1),
}


@pytest.mark.parametrize("case", DEGENERATE)
@each_record
def test_a_degenerate_input_is_scored_in_range_or_refused_with_a_reason(record, case):
    X, Y = gaussians(*DEGENERATE[case])
    try:
        value = sl.score(record, X, Y)
    except ValueError as error:
        assert len(str(error)) > 30
        return
    assert record.range[0] - 1e-9 <= value <= record.range[1] + 1e-9


@each_record
def test_a_nearly_dependent_neuron_does_not_break_a_score(record):
    """A column that is another one plus noise far below or near rounding: a value in range, and a
    finite gradient.
    """
    X, Y = gaussians(30, 6, 6)
    for noise in (1e-6, 1e-12, 1e-15):
        Z = torch.cat([Y, Y[:, :1] + noise * X[:, :1]], 1).requires_grad_(True)
        value = record(X, Z)
        value.backward()
        assert record.range[0] - 1e-9 <= float(value.detach()) <= record.range[1] + 1e-9
        assert torch.isfinite(Z.grad).all()
