"""Laws of where things are computed: all of it on the device that is asked for, with the numbers of
the CPU; the polar factor of a GPU beside its plain twin.
"""

import warnings

import numpy as np
import pytest
import torch
from test_fast_paths import CONDITIONS, SHAPES, problem
from test_measures_laws import each_record, gaussians

import simlib as sl
from simlib import components, decoding, experiments, joint, linalg, validation
from simlib.experiments import runner

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
SINGLE, DOUBLE = torch.float32, torch.float64
# Copies from a GPU that a step takes: the scores, and for each further one a number or a flag by
# which the way to solve is chosen.
COPIES = {
    "cka": 1,
    "cka-angular-score": 1,
    "nbs": 2,
    "procrustes-angular-score": 2,
    "linreg": 3,
    "ridge-cv": 2,
}


def polar_by_singular_values(M):
    U, _, Vh = torch.linalg.svd(M, full_matrices=False)
    return U @ Vh


def with_singular_values(s, p, q, seed=0):
    generator = torch.Generator().manual_seed(seed)
    left, right = (
        torch.linalg.qr(torch.randn(size, len(s), generator=generator, dtype=DOUBLE))[0]
        for size in (p, q)
    )
    return (left * s) @ right.T, left @ right.T


@pytest.mark.parametrize("sizes", [(30, 30), (50, 30), (30, 70)])
@pytest.mark.parametrize("condition", [1, 1e2, 1e4, 1e6, 1e7])
def test_the_polar_factor_is_that_of_the_decomposition(sizes, condition):
    s = torch.from_numpy(np.geomspace(1, 1 / condition, 30))
    M, polar = with_singular_values(s, *sizes)
    found = linalg.polar_factor(M)
    # Squares are formed, so the weakest directions are off by about eps condition^2.
    bound = 1e-12 + 1e-15 * condition**1.5
    assert float((found - polar).norm()) < bound * 30
    assert float((found * M).sum()) == pytest.approx(float(s.sum()), rel=1e-12)
    torch.testing.assert_close(linalg.polar_factor(1e9 * M), found, atol=1e-5, rtol=0)


@pytest.mark.parametrize("sizes", [(30, 30), (50, 30), (30, 70)])
def test_directions_that_are_none_have_no_place_in_the_polar_factor(sizes):
    s = torch.from_numpy(np.geomspace(1, 1e-3, 20))
    M, polar = with_singular_values(s, *sizes)
    torch.testing.assert_close(linalg.polar_factor(M), polar, atol=1e-5, rtol=0)


def test_what_is_neither_kept_nor_dropped_is_left_to_the_decomposition():
    s = torch.tensor([1.0, 0.5, 1e-12], dtype=DOUBLE)
    M, _ = with_singular_values(s, 9, 5)
    assert linalg.polar_factor(M) is None
    assert linalg.polar_factor(M * float("nan")) is None
    assert linalg.polar_factor(torch.zeros(4, 3)) is None


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_of_the_nuclear_norm_is_that_of_the_decomposition(shape, condition, dtype):
    X, Y = (linalg.centre(torch.from_numpy(Z).to(dtype)) for Z in problem(shape, condition))
    if len(X) < min(X.shape[1], Y.shape[1]):  # as in `measures.shapes`
        X, Y = (Z.double() @ torch.linalg.qr(Z.double().T)[0] for Z in (X, Y))
        X, Y = X.to(dtype), Y.to(dtype)
    M = X.T @ Y
    found = linalg.polar_factor(M)
    if found is None:
        assert condition > 1e3  # left to the decomposition
        return
    X, exact = X.double(), X.double() @ polar_by_singular_values(M.double())

    def off(polar):
        return float((X @ polar.double() - exact).norm() / exact.norm())

    # The decomposition of X'Y in single precision is off itself where Y is nearly singular.
    assert off(found) < max(1e-3, 0.5 * off(polar_by_singular_values(M)))


@each_record
def test_a_measure_makes_nothing_elsewhere_than_its_inputs_are(record):
    """Whatever is made without saying where has no data here."""
    sides = [torch.from_numpy(Z) for Z in gaussians(40, 6, 5)]
    if record.params.get("precomputed"):
        sides = [torch.cdist(Z, Z) for Z in sides]
    with torch.device("meta"):
        X, Y = (Z.clone().requires_grad_(record.differentiable) for Z in sides)
        value = record(X, Y)
        if record.differentiable:
            value.backward()
            assert torch.isfinite(Y.grad).all()
        several = record.towards(sides[0])(sides[1])
    for found in (value.detach(), several):
        torch.testing.assert_close(found, record(*sides))


def test_what_is_made_elsewhere_is_seen():
    X = torch.ones(3, 3)
    with torch.device("meta"), pytest.raises((RuntimeError, AssertionError)):
        torch.testing.assert_close(X + torch.eye(3), 1 + X.triu().tril())


def recording(trials=40, neurons=12, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(trials) % 2
    X = rng.standard_normal((3, trials, neurons)) * np.geomspace(3, 0.3, neurons)
    X[..., :2] += 2.0 * labels[:, None]
    return X, labels


def everywhere(X, Y, labels, device):
    """What each public function that takes a device gives."""
    ascent = {"steps": 15, "stop": None, "device": device}
    decoders = decoding.Decoders({"two": labels, "four": np.arange(len(labels)) % 4}, device=device)
    return {
        "score": [sl.score(name, X, Y, device=device) for name in COPIES],
        "captured": sl.captured_variance(X, Y, device=device),
        "vectors": components.left_singular_vectors(X, device=device).cpu().square(),
        "held out": components.held_out_variance(X, Y, device=device),
        "accuracy": sl.decoding_accuracy(Y, labels, device=device),
        "folds": decoding.fold_accuracies(Y, labels, device=device, tol=1e-5),
        "decoders": [decoders(Z)[name] for Z in (X, Y) for name in ("two", "four")],
        "ascents": [sl.maximize(name, X, **ascent).scores for name in COPIES],
        "from a start": sl.maximize("nbs", X, start=Y + 1e6, **ascent).Y - 1e6,
        "precise": sl.maximize("nbs", X, dtype=DOUBLE, **ascent).Y,
        "many": [a.scores for a in sl.maximize_many("cka", X[0], seeds=(0, 1), **ascent)],
        "many in turn": [a.scores for a in sl.maximize_many("cka", X, seeds=(0, 1), **ascent)],
        "joint": joint.approach("cka", "ridge", X, (1, 0), steps=10, device=device)["distance"],
        "range": sl.joint_range("cka", "nbs", X, points=2, steps=5, device=device)["score_a"],
    }


def test_nothing_is_made_elsewhere_than_asked_for():
    X, labels = recording()
    Y = X + np.random.default_rng(1).standard_normal(X.shape)
    plain = everywhere(X, Y, labels, "cpu")
    with torch.device("meta"):
        found = everywhere(X, Y, labels, "cpu")
    for name, numbers in plain.items():
        np.testing.assert_array_equal(np.asarray(found[name]), np.asarray(numbers), err_msg=name)


def test_a_device_that_is_not_there_is_named_by_all_that_take_one():
    X, labels = recording()
    for call in (
        lambda device: sl.score("cka", X, X, device=device),
        lambda device: sl.captured_variance(X, X, device=device),
        lambda device: components.held_out_variance(X, X, device=device),
        lambda device: components.left_singular_vectors(X, device=device),
        lambda device: sl.decoding_accuracy(X, labels, device=device),
        lambda device: decoding.fold_accuracies(X, labels, device=device),
        lambda device: decoding.Decoders({"two": labels}, device=device),
    ):
        for device in ("meta", "gpu"):
            with pytest.raises(ValueError, match=f"device='{device}' can't be used.*device='cpu'"):
                call(device)


def on(device, Z, differentiable=True):
    """A copy there, with a gradient."""
    return Z.detach().clone().to(device).requires_grad_(differentiable)


@needs_gpu
def test_a_gpu_gives_the_numbers_of_the_cpu(monkeypatch):
    monkeypatch.setattr(decoding, "WORTH_A_GPU", 0)
    X, labels = recording()
    Y = X + np.random.default_rng(1).standard_normal(X.shape)
    here, there = (everywhere(X, Y, labels, device) for device in ("cpu", "cuda"))
    for name, numbers in here.items():
        exact = name in ("score", "captured", "vectors", "held out", "decoders", "folds")
        tolerance = 1e-8 if exact else 2e-2 if name == "from a start" else 1e-3
        np.testing.assert_allclose(
            np.asarray(there[name], float), np.asarray(numbers, float), atol=tolerance, err_msg=name
        )


@needs_gpu
@each_record
def test_a_measure_has_the_same_value_and_gradient_on_a_gpu(record):
    for n, p, q in ((40, 6, 5), (25, 40, 30)):
        sides = [torch.from_numpy(Z) for Z in gaussians(n, p, q)]
        if record.params.get("precomputed"):
            sides = [torch.cdist(Z, Z) for Z in sides]
        found = []
        for device in ("cpu", "cuda"):
            X, Y = (on(device, Z, record.differentiable) for Z in sides)
            value = record(X, Y)
            assert value.device.type == device
            if record.differentiable:
                value.backward()
            found.append((value.detach().cpu(), None if Y.grad is None else Y.grad.cpu()))
        (value, gradient), (value_there, gradient_there) = found
        torch.testing.assert_close(value_there, value, rtol=1e-8, atol=1e-8)
        if gradient is not None:
            off = (gradient_there - gradient).norm()
            assert off <= 1e-6 * gradient.norm() + 1e-9, (n, float(off))


@needs_gpu
@pytest.mark.parametrize("name", ["nbs", "procrustes-angular-score"])
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_of_rotations_on_a_gpu_are_those_of_the_decomposition(shape, condition, name):
    X, Y = (torch.from_numpy(Z) for Z in problem(shape, condition))
    gradients = []
    for device, dtype in (("cpu", DOUBLE), ("cuda", SINGLE)):
        side = on(device, Y.to(dtype))
        sl.measure(name).towards(X.to(device, dtype))(side).backward()
        gradients.append(side.grad.double().cpu())
    exact, found = gradients
    # Single precision loses the weakest directions of a Y that is nearly singular, on either device
    # others of them.
    single = on("cpu", Y.float())
    sl.measure(name).towards(X.float())(single).backward()
    off, own = ((Z.double() - exact).norm() / exact.norm() for Z in (found, single.grad))
    assert float(off) < (1e-3 if condition < 1e6 else max(1e-3, 3 * float(own)))


@needs_gpu
@pytest.mark.parametrize("name", COPIES)
def test_a_step_copies_no_more_than_its_score_and_flags_from_a_gpu(name):
    X = recording()[0]

    def copies(steps):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                sl.maximize(name, X, steps=steps, stop=None, device="cuda")
            finally:
                torch.cuda.set_sync_debug_mode("default")
        return len([one for one in seen if "synchronizing" in str(one.message)])

    copies(3)
    assert copies(13) - copies(3) == 10 * COPIES[name]


@needs_gpu
@pytest.mark.parametrize("worth", [0, 10**9])
def test_ascents_and_what_is_measured_along_them_are_those_of_the_cpu(monkeypatch, worth):
    monkeypatch.setattr(decoding, "WORTH_A_GPU", worth)
    options = {"steps": 60, "quick": True}
    tables = [
        runner._ascent(
            experiments.store.Source("surrogate-siegel2015", {"seed": 0}),
            measure="cka",
            seeds=[0],
            variant=runner.PAPER,
            variables=["context"],
            scales=["common"],
            record=0.05,
            device=device,
            **options,
        )
        for device in ("cpu", "cuda")
    ]
    here, there = (table[["step", "quantity", "pc", "value"]] for table in tables)
    assert (here.iloc[:, :3] == there.iloc[:, :3]).all(axis=None)
    np.testing.assert_allclose(there["value"], here["value"], atol=0.02)


@needs_gpu
def test_processes_share_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))
    table = experiments.ascents(
        ["surrogate-siegel2015"],
        ["cka", "nbs"],
        seeds=(0, 1),
        steps=30,
        quick=True,
        jobs=2,
        device="cuda",
    )
    assert len(table.groupby(["measure", "seed"])) == 4 and table["value"].notna().all()


@needs_gpu
def test_what_a_gpu_does_not_hold_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 1000))
    X = recording()[0]
    for call in (
        lambda: sl.score("cka", X, X, device="cuda"),
        lambda: sl.maximize("cka", X, device="cuda"),
        lambda: joint.approach("cka", "nbs", X, (1, 1), device="cuda"),
    ):
        with pytest.raises(ValueError, match=r"GB of memory and this GPU has 1e-06 GB"):
            call()


def test_memory_is_that_of_the_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5e8, 1e9))
    validation.memory(1e9, "this score", "cuda")
    with pytest.raises(ValueError, match=r"this score needs about 2 GB.* this GPU has 1 GB"):
        validation.memory(2e9, "this score", "cuda")


def test_an_ascent_ends_with_what_was_finite():
    """The gradient is looked at a step later, in the copy of the next score."""

    def breaks(X, Y):
        total = (X * Y).sum()
        return total + torch.where(total > 0, 0.0 * (total - total.detach()).abs().sqrt(), 0.0)

    X = np.random.default_rng(0).standard_normal((10, 3))
    seen = []
    ascent = sl.maximize(
        breaks, X, steps=200, stop=None, observers=[lambda *state: seen.append(state[:2])]
    )
    assert ascent.stopped == "not finite" and len(ascent.scores) < 200
    assert np.isfinite(ascent.scores).all() and np.isfinite(ascent.Y).all()
    assert seen == list(enumerate(ascent.scores))
    assert sl.score(breaks, X, ascent.Y) == pytest.approx(ascent.scores[-1], rel=1e-5)
