"""Offsets and units cost no digits: an ascent scores its own Y, or an error says why not."""

import numpy as np
import pandas as pd
import pytest
import torch

import simlib as sl
from simlib import joint, linalg, optimize

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 5)) * [2, 1.5, 1, 0.7, 0.5]
START = RNG.standard_normal((24, 5))
OFFSETS = {
    "90": 90.0,
    "1e9": 1e9,
    "mixed": np.array([0.0, 1e3, -1e6, 1e8, 1e9]),
}


def own_cka(X, Y):
    X, Y = X - X.mean(0), Y - Y.mean(0)
    own = [(Z.T @ Z).square().sum() for Z in (X, Y)]
    return (X.T @ Y).square().sum() / (own[0] * own[1]).sqrt()


CLIMBABLE = {name: record for name, record in sl.MEASURES.items() if record.differentiable} | {
    "rsa, euclidean": sl.measure("rsa", distance="euclidean"),
    "rsa, cosine": sl.measure("rsa", distance="cosine"),
    "rsa, correlation": sl.measure("rsa", distance="correlation"),
    "ridge, both ways": sl.measure("ridge", symmetric=True),
    "a bare function": own_cka,
}


def constant(Z):
    return np.column_stack([Z, np.full(len(Z), 1e9)])


def keeps_its_score(name, X, ascent):
    """Within 1e-5, for distances in the units of X of X's own size."""
    bound = sl.measure(name)
    units = bound.range[1] == np.inf and bound.direction < 0
    size = np.linalg.norm(X - X.mean(0)) if units else 1.0
    assert sl.score(name, X, ascent.Y) == pytest.approx(ascent.scores[-1], abs=1e-5 * size)


@pytest.mark.parametrize("offset", OFFSETS.values(), ids=OFFSETS)
@pytest.mark.parametrize("name", CLIMBABLE.values(), ids=CLIMBABLE)
def test_an_ascent_scores_its_own_y_at_any_offset(name, offset):
    options = {"steps": 5, "lr": 0.05, "stop": None}
    keeps_its_score(name, X + offset, sl.maximize(name, X + offset, **options))
    for reference in (X, X + offset):
        ascent = sl.maximize(name, reference, start=START + offset, **options)
        keeps_its_score(name, reference, ascent)


@pytest.mark.parametrize("name", CLIMBABLE.values(), ids=CLIMBABLE)
def test_one_constant_neuron_far_from_0_changes_no_score_of_an_ascent(name):
    options = {"steps": 5, "lr": 0.05, "stop": None}
    keeps_its_score(name, constant(X), sl.maximize(name, constant(X), **options))
    for reference in (X, constant(X)):
        ascent = sl.maximize(name, reference, start=constant(START), **options)
        keeps_its_score(name, reference, ascent)
        assert abs(ascent.Y[:, -1] - 1e9).max() < 10


@pytest.mark.parametrize("name", CLIMBABLE.values(), ids=CLIMBABLE)
def test_many_seeds_score_their_own_y(name):
    for Z in (X + 1e8, constant(X)):
        for ascent in sl.maximize_many(name, Z, seeds=[0, 1], steps=3, stop=None):
            keeps_its_score(name, Z, ascent)


@pytest.mark.parametrize("name", CLIMBABLE.values(), ids=CLIMBABLE)
@pytest.mark.parametrize("offset", OFFSETS.values(), ids=OFFSETS)
def test_scores_do_not_depend_on_offsets_that_do_not_matter(name, offset):
    record, bare = sl.measure(name), name is own_cka
    for A, B in ((X, START), (START, X)):
        exact = sl.score(name, A, B)
        if bare or "translation" in record.invariances_of("X"):
            assert sl.score(name, A + offset, B) == pytest.approx(exact, abs=1e-5)
        if bare or "translation" in record.invariances_of("Y"):
            assert sl.score(name, A, B + offset) == pytest.approx(exact, abs=1e-5)


def test_observers_see_the_y_that_has_the_score():
    seen = []
    for name in (own_cka, "cka", CLIMBABLE["rsa, cosine"]):
        observe = lambda step, score, Y, name=name: seen.append(  # noqa: E731
            abs(score - sl.score(name, X + 1e8, Y))
        )
        sl.maximize(name, X + 1e8, start=START + 1e9, steps=5, observers=[observe])
    assert len(seen) == 15 and max(seen) < 1e-5


def test_a_bare_function_gets_both_sides_as_they_are():
    seen = []

    def product(A, B):
        seen.append((A.dtype, B.dtype, float(A.mean()), float(B.detach().mean())))
        return (A * B).mean()

    sl.maximize(product, X, steps=1)
    sl.maximize(product, X + 1e8, start=START + 1e6, steps=1)
    near, far = seen
    assert near[:2] == (torch.float32,) * 2 and near[2] == pytest.approx(X.mean(), abs=1e-6)
    assert far[:2] == (torch.float64,) * 2
    assert far[2:] == pytest.approx((X.mean() + 1e8, START.mean() + 1e6), abs=1e-6)


def test_what_needs_double_precision_starts_from_the_same_noise():
    plain, far = (sl.maximize(own_cka, Z, steps=20, stop=None) for Z in (X, X + 1e6))
    assert plain.Y.dtype == np.float32 and far.Y.dtype == np.float64
    np.testing.assert_allclose(far.scores, plain.scores, atol=1e-4)


@pytest.mark.parametrize("other", [own_cka, "nbs", CLIMBABLE["rsa, correlation"]])
def test_each_measure_of_a_joint_range_gets_the_offset_it_needs(other):
    plain, moved = (joint.approach("cka", other, Z, (1, 1), steps=15) for Z in (X, X + 1e8))
    for score in ("score_a", "score_b"):
        np.testing.assert_allclose(moved[score], plain[score], atol=1e-4)
    truth = joint.approach("cka", "cka", constant(X), (1, 1), steps=15)
    found = joint.approach("cka", own_cka, constant(X), (1, 1), steps=15)
    # Of a bare function nothing is known: there is a second descent, from another scale.
    np.testing.assert_allclose(found["score_b"][:15], truth["score_a"], atol=1e-4)


# -- Cosines of nearly parallel samples


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e4, 1e7, 1e9])
def test_cosine_distances_keep_their_digits(offset):
    """Against the same from differences in extended precision."""
    distances = []
    for Z in (X + offset, START + offset):
        rows = Z.astype(np.longdouble)
        rows = rows / np.sqrt((rows**2).sum(1, keepdims=True))
        between = ((rows[:, None] - rows[None]) ** 2).sum(2) / 2
        distances.append(between[np.triu_indices(len(Z), 1)])
    a, b = (values - values.mean() for values in distances)
    expected = float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
    cosines = sl.measure("rsa", distance="cosine")
    assert sl.score(cosines, X + offset, START + offset) == pytest.approx(expected, abs=1e-6)


def test_parallel_samples_have_no_cosine_distances_but_for_rounding():
    rays = np.arange(1.0, 25)[:, None] * np.array([0.1, 0.7, 0.3])
    with pytest.raises(ValueError, match="but for rounding"):
        sl.score(sl.measure("rsa", distance="cosine"), rays, X)


# -- Captures of what was saved in single precision


@pytest.mark.parametrize("offset", [0.0, 90.0, 1e4, 1e6])
@pytest.mark.parametrize("function", [sl.captured_variance, sl.components.held_out_variance])
def test_captures_by_given_vectors_are_those_of_the_same_numbers(function, offset):
    Y = torch.from_numpy(START + offset).float()
    vectors = sl.components.left_singular_vectors(X).float()
    expected = function(X, Y.double().numpy())
    np.testing.assert_allclose(function(X, Y, vectors=vectors), expected, atol=1e-5)
    far = torch.from_numpy(constant(START)).float()
    expected = function(X, START.astype("f4"))
    np.testing.assert_allclose(function(X, far, vectors=vectors), expected, atol=1e-5)


# -- What holds no signal is refused


@pytest.mark.parametrize("kind", ["array", "tensor", "table"])
def test_whole_numbers_that_float64_rounds_are_refused(kind):
    counts = np.array([[0, 1], [1, 5], [2, 3], [3, 0]], dtype=np.int64)
    wrap = {"array": np.asarray, "tensor": torch.from_numpy, "table": pd.DataFrame}[kind]
    for call in (lambda Z: sl.score("cka", X[:4], Z), lambda Z: sl.maximize("cka", Z, steps=1)):
        with pytest.raises(
            ValueError, match=r"whole numbers beyond 2\^53, such as 4611686018427387"
        ):
            call(wrap(counts + 2**62))
    with pytest.raises(ValueError, match=r"such as -9007199254741012"):
        sl.score("cka", X[:4], wrap(counts - 2**53 - 20))
    plain = sl.score("cka", X[:4], counts)
    assert sl.score("cka", X[:4], wrap(counts + 2**40)) == pytest.approx(plain, abs=1e-5)


def test_unsigned_numbers_beyond_2_to_53_are_refused_and_their_differences_taken():
    counts = np.arange(12, dtype=np.uint64).reshape(4, 3) ** 2 + np.uint64(2**63 + 1)
    with pytest.raises(ValueError, match=r"Y has whole numbers beyond 2\^53.*least value away"):
        sl.score("cka", X[:4], counts)
    found = sl.score("cka", X[:4], counts - counts.min(0))
    assert found == pytest.approx(sl.score("cka", X[:4], np.arange(12).reshape(4, 3) ** 2.0))


@pytest.mark.parametrize("offset", [1e9, 0.1, -3e20])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_rounding_noise_on_a_constant_is_no_signal(offset, dtype):
    noise = np.random.default_rng(1).integers(-2, 3, X.shape)
    Y = (np.full(X.shape, offset, dtype) + noise * np.spacing(np.array(offset, dtype))).astype(
        dtype
    )
    assert np.ptp(Y, axis=0).min() > 0
    if dtype == "f4" and offset != 0.1:  # whole numbers in float32 are exact as far as one can see
        return
    for call in (
        lambda: sl.score("cka", X, Y),
        lambda: sl.maximize("cka", Y, steps=1),
        lambda: sl.captured_variance(X, Y),
        lambda: sl.compare(X, Y, ["cka"]),
        lambda: sl.joint_range("cka", "nbs", Y, points=2, steps=1),
    ):
        with pytest.raises(ValueError, match=r"is constant.*by more than rounding"):
            call()


def test_the_rule_for_constant_neurons_is_the_one_of_whitened_measures():
    Z = torch.from_numpy(np.column_stack([X, 1e9 + 1e-7 * (X[:, 0] > 0), np.full(24, 3.0)]))
    assert linalg.varies(Z).tolist() == [True] * 5 + [False] * 2
    assert (linalg.centred_columns(Z)[:, 5:] == 0).all()


# -- Units


@pytest.mark.parametrize("name", CLIMBABLE.values(), ids=CLIMBABLE)
@pytest.mark.parametrize("unit", [1e40, 1e-40])
def test_units_out_of_single_precision_climb(name, unit):
    options = {"steps": 4, "stop": None}
    sides = [(unit * X, None), (X, unit * START), (unit * X, unit * START)]
    for reference, start in sides[: 2 if name is own_cka else 3]:
        ascent = sl.maximize(name, reference, start=start, **options)
        keeps_its_score(name, reference, ascent)
    record = sl.measure(name)
    if "isotropic scale" in record.invariances_of("X"):
        plain, scaled = (sl.maximize(name, Z, **options).scores for Z in (X, unit * X))
        np.testing.assert_allclose(scaled, plain, atol=1e-4)


@pytest.mark.parametrize("unit", [1e40, 1e-40])
def test_units_change_no_number_without_units(unit):
    for function in (sl.captured_variance, sl.components.held_out_variance):
        np.testing.assert_allclose(function(unit * X, unit * START), function(X, START), atol=1e-9)
    names = ["cka", "nbs", "linreg", "rsa", "soft-matching"]
    plain, scaled = (sl.compare(u * X, u * START, names, permutations=5) for u in (1, unit))
    np.testing.assert_allclose(plain[["score", "p"]], scaled[["score", "p"]], atol=1e-9)
    ends = [sl.joint_range("cka", "nbs", u * X, points=2, steps=10) for u in (1, unit)]
    np.testing.assert_allclose(ends[0]["score_b"], ends[1]["score_b"], atol=1e-4)
    labels = np.arange(24) % 2
    responses = X + labels[:, None]
    assert sl.decoding_accuracy(responses, labels) == sl.decoding_accuracy(unit * responses, labels)
    with pytest.raises(ValueError, match="take another unit, or scale='common'"):
        sl.decoding_accuracy(unit * responses, labels, scale="recorded")


# -- Precisions and devices


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_counts_as_the_numbers_it_holds(half):
    A, B = (torch.from_numpy(Z).to(half) for Z in (X, START))
    exact = A.double().numpy(), B.double().numpy()
    for name in ("cka", "linreg", "ridge-cv"):
        assert sl.score(name, A, B) == sl.score(name, *exact)
    ascents = [sl.maximize("cka", *pair[:1], start=pair[1], steps=3) for pair in ((A, B), exact)]
    np.testing.assert_array_equal(ascents[0].scores, ascents[1].scores)
    vectors = sl.components.left_singular_vectors(X)
    for function in (sl.captured_variance, sl.components.held_out_variance):
        found = function(X, B, vectors=vectors)
        np.testing.assert_allclose(found, function(X, exact[1]), atol=1e-6)
        with pytest.raises(ValueError, match=r"in torch.float32 or torch.float64; got torch\."):
            function(X, START, vectors=vectors.to(half))
    for call in (
        lambda: sl.maximize("cka", X, dtype=half),
        lambda: sl.maximize_many("cka", X, seeds=[0, 1], dtype=half),
        lambda: joint.approach("cka", "nbs", X, (1, 1), dtype=half),
    ):
        with pytest.raises(ValueError, match=r"dtype is torch.float32 or torch.float64; got"):
            call()


@pytest.mark.parametrize("device", ["meta", "gpu", "cuda"])
def test_a_device_that_is_not_there_is_named(device):
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("a GPU is there")
    for call in (
        lambda: sl.maximize("cka", X, device=device),
        lambda: sl.maximize("cka", X, start=START, device=device),
        lambda: sl.maximize_many("cka", X, seeds=[0, 1], device=device),
        lambda: sl.joint_range("cka", "nbs", X, device=device),
    ):
        with pytest.raises(ValueError, match=f"device='{device}' can't be used.*device='cpu'"):
            call()


def test_only_what_needs_it_is_computed_in_double_precision():
    cosines, cka = CLIMBABLE["rsa, cosine"], sl.MEASURES["cka"]
    single, double = torch.float32, torch.float64
    for bounds, reference, start, needed in (
        ([cka], X + 1e9, START + 1e9, single),
        ([cosines], X, START, single),
        ([cosines], X + 1e4, None, double),
        ([cosines], X, START + 1e4, double),
        ([cka, cosines], X + 1e4, None, double),
        ([cka], 1e9 * X, None, double),
        ([cka], X, 1e-9 * START, double),
    ):
        assert optimize.precision(bounds, reference, start) == needed
    assert optimize.precision([cka], X, dtype=double) == double


@pytest.mark.parametrize("neurons", [3, 9, 10, 40])
def test_what_centring_leaves_of_an_offset_is_no_principal_component(neurons):
    values = np.random.default_rng(2).standard_normal((10, neurons))
    for offset in (0, 1e3, 1e8, 1e12):
        vectors, sizes = linalg.principal_components(torch.from_numpy(values + offset))
        assert len(sizes) == min(neurons, 9)
        assert abs(float(vectors.sum(0).abs().max())) < 1e-9
        assert sl.calibration.expected_by_chance("linreg", values, values + offset) <= 1
        captured = sl.captured_variance(values + offset, values)
        assert np.isfinite(captured).sum() == min(neurons, 9)
