"""Laws of what is measured along the ascent: decoding, PC capture, and linear algebra under
both.
"""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import simlib as sl
from simlib import decoding, linalg, logistic
from simlib.decoding import (
    Decoders,
    accuracy,
    chance,
    score_at_accuracy,
    split,
    unequal,
)
from simlib.logistic import fit

fold_accuracies = partial(decoding.fold_accuracies, scale="recorded")


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def following(labels, **options):
    """Accuracies (folds, times) of one Y after the other, by decoders that remember the last."""
    decoders, folds = Decoders({"": labels}, scale="recorded", **options), split(labels)

    def decode(Y):
        right = decoders(Y)[""]
        return np.array([right[test].mean(0) for _, test in folds])

    return decode


LABELS = np.repeat([0, 1, 2], 20)
Y = draw(3, 60, 90, seed=1) + 0.25 * np.eye(3)[LABELS] @ draw(3, 90, seed=2)


def scikit_learns(responses, labels, folds=5, **options):
    """(folds, times) accuracies of fits one by one, tightly converged unless the options say
    otherwise.
    """
    options = {"max_iter": 20_000, "tol": 1e-9} | options
    found = np.empty((folds, len(responses)))
    for fold, (train, test) in enumerate(split(labels, folds)):
        for time, trials in enumerate(responses - responses.mean(1, keepdims=True)):
            decoder = LogisticRegression(C=1.0, **options).fit(trials[train], labels[train])
            found[fold, time] = decoder.score(trials[test], labels[test])
    return found


@pytest.mark.parametrize("classes", [2, 3, 8])
@pytest.mark.parametrize(
    "trials, neurons, scale", [(60, 90, 1), (60, 7, 1), (90, 30, 1e-2), (60, 20, 30), (60, 5, 9)]
)
def test_fits_at_once_are_scikit_learns_one_by_one(trials, neurons, scale, classes):
    labels = np.minimum(np.arange(trials) % (classes + 1), classes - 1)  # uneven classes
    centres = draw(classes, neurons, seed=8)[labels]
    responses = scale * (draw(4, trials, neurons, seed=7) + 0.5 * centres + 2)
    slow = scikit_learns(responses, labels)
    np.testing.assert_allclose(fold_accuracies(responses, labels, tol=1e-6), slow)
    # At the default tolerance near ties may go the other way: here at most one trial of all.
    assert abs(fold_accuracies(responses, labels) - slow).sum() <= 5 / trials + 1e-9


@pytest.mark.parametrize(
    "scale, trials, neurons", [(1e-3, 90, 30), (1, 60, 90), (30, 60, 20), (1e2, 60, 5)]
)
def test_two_classes_at_once_are_newtons_one_by_one(scale, trials, neurons):
    labels = (np.arange(trials) % 3 == 0).astype(int)
    responses = scale * (
        draw(4, trials, neurons, seed=7) + 0.3 * labels[:, None] * draw(neurons, seed=8) + 2
    )
    slow = scikit_learns(responses, labels, solver="newton-cholesky", tol=1e-13)
    assert slow.shape == (5, 4)
    np.testing.assert_allclose(fold_accuracies(responses, labels, tol=1e-5), slow)
    assert abs(fold_accuracies(responses, labels) - slow).sum() <= 5 / trials + 1e-9  # one trial


def test_the_default_tolerance_is_nearer_the_optimum_than_scikit_learns():
    labels = np.arange(240) % 8
    responses = 1.3 * draw(4, 240, 100, seed=3) + 0.2 * draw(8, 100, seed=4)[labels]
    tight = scikit_learns(responses, labels)
    loose = scikit_learns(responses, labels, max_iter=200, tol=1e-4)
    assert abs(fold_accuracies(responses, labels) - tight).sum() < abs(loose - tight).sum()
    ours = sl.decoding_accuracy(responses, labels, scale="recorded")
    assert ours == pytest.approx(loose.mean(), abs=0.01)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("scale", [1e-2, 20, 100])
def test_separable_classes_in_any_unit_are_decoded_at_the_optimum(scale, classes):
    # More neurons than trials, in units of their own: the loss is nearly 0 long before the widest
    # margin is found.
    labels = np.arange(40) % classes
    responses = scale * (draw(3, 40, 60, seed=5) + 0.4 * draw(classes, 60, seed=6)[labels])
    np.testing.assert_allclose(fold_accuracies(responses, labels), scikit_learns(responses, labels))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scale", [1e-30, 1e30, 1e160])
def test_numbers_out_of_range_are_refused_in_their_unit(scale, classes):
    with pytest.raises(ValueError, match="take another unit, or scale='common'"):
        fold_accuracies(scale * draw(2, 30, 5, seed=1), np.arange(30) % classes)


@pytest.mark.parametrize(
    "name", ["surrogate-hatsopoulos2007", "surrogate-majajhong2015", "surrogate-siegel2015"]
)
def test_fewer_than_one_in_a_thousand_trials_along_an_ascent_hang_on_the_tolerance(name):
    data = sl.datasets.load(name)
    labels, snapshots = data[data.attrs["main_variable"]].values, []
    sl.maximize(
        "cka",
        data.values,
        steps=20,
        stop=None,
        observers=[lambda *state: snapshots.append(state[2].clone())],
    )
    Y = snapshots[-1]
    loose, tight = fold_accuracies(Y, labels), fold_accuracies(Y, labels, tol=1e-6)
    follow = following(labels)
    *_, followed = (follow(snapshot) for snapshot in snapshots[-3:])
    assert abs(loose - tight).mean() < 1e-3 and abs(followed - tight).mean() < 1e-3
    if name == "surrogate-hatsopoulos2007":  # as the errata page says
        stopped = scikit_learns(Y, labels, max_iter=200, tol=1e-4)
        assert 1e-3 < abs(stopped - tight).mean() < 1e-2


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("tol, off", [(1e-9, 1e-5), (3e-4, 1e-2)])
def test_odds_of_the_batch_are_those_at_the_optimum(classes, tol, off):
    responses, labels = draw(2, 40, 12, seed=9), np.arange(40) % classes
    train = torch.from_numpy(np.arange(40) % 5 != np.arange(5)[:, None]).T
    codes = torch.from_numpy(labels)[:, None].expand(-1, 5)
    odds = fit(torch.from_numpy(responses), codes, train, classes, tol=tol).values
    assert odds.dtype == (torch.float32 if tol > 1e-4 else torch.float64)
    for time, trials in enumerate(responses):
        for fold in range(5):
            used = train[:, fold].numpy()
            decoder = LogisticRegression(C=1.0, max_iter=20000, tol=1e-12).fit(
                trials[used], labels[used]
            )
            expected = decoder.decision_function(trials).reshape(40, -1).T
            np.testing.assert_allclose(odds[time, fold], expected, atol=off)


def test_bins_that_do_not_fit_at_once_are_decoded_in_parts(monkeypatch):
    labels = np.arange(45) % 3
    whole = fold_accuracies(draw(7, 45, 10, seed=11), labels)
    monkeypatch.setattr("simlib.decoding.AT_ONCE", 2 * 45 * 5 * 3)
    np.testing.assert_array_equal(fold_accuracies(draw(7, 45, 10, seed=11), labels), whole)


def test_variables_decoded_together_are_those_decoded_alone():
    responses = draw(3, 48, 60, seed=10)
    variables = {"two": np.arange(48) % 2, "again": np.arange(48) // 24, "three": np.arange(48) % 3}
    together = Decoders(variables, seed=1)(responses)
    assert list(together) == list(variables)
    for name, labels in variables.items():
        (alone,) = Decoders({"": labels}, seed=1)(responses).values()
        assert alone.shape == (48, 3)
        np.testing.assert_array_equal(together[name], alone)


def path(trials, neurons, classes, count=5):
    """Labels, and responses (3 bins) that move from noise towards the classes, as the snapshots of
    an ascent do.
    """
    labels = np.arange(trials) % classes
    goal = 0.4 * draw(classes, neurons, seed=13)[labels]
    return labels, [
        2 * draw(3, trials, neurons, seed=12) * (1 - k / 20) + goal * (1 + k / 10)
        for k in range(count)
    ]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("trials, neurons", [(60, 90), (90, 20)])
def test_decoders_that_begin_where_the_last_ended_end_where_others_do(trials, neurons, classes):
    labels, snapshots = path(trials, neurons, classes)
    tight, loose = (following(labels, tol=tol) for tol in (1e-6, 3e-4))
    for Y in snapshots:
        alone = fold_accuracies(Y, labels, tol=1e-6)
        np.testing.assert_array_equal(tight(Y), alone)
        assert abs(loose(Y) - alone).sum() <= 5 / trials + 1e-9  # one trial of all
    # Anything may follow: other responses with the same labels, another number of bins or neurons.
    for Y in (
        30 * draw(3, trials, neurons, seed=14),
        draw(2, trials, neurons, seed=15),
        draw(trials, 5, seed=16),
    ):
        np.testing.assert_array_equal(tight(Y), fold_accuracies(Y, labels, tol=1e-6))


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("trials, neurons", [(60, 90), (90, 20)])
def test_decoders_of_neighbours_take_fewer_steps(monkeypatch, trials, neurons, classes):
    steps, gradient = [], logistic._Problem.gradient
    monkeypatch.setattr(logistic._Problem, "gradient", lambda *a: steps.append(1) or gradient(*a))

    def taken(decode, Y):
        steps.clear()
        decode(Y)
        return len(steps)

    labels, snapshots = path(trials, neurons, classes)
    cold = [taken(lambda Y: fold_accuracies(Y, labels), Y) for Y in snapshots]
    follow = following(labels)
    warm = [taken(follow, Y) for Y in snapshots]
    assert warm[0] == cold[0]
    assert sum(warm[2:]) < 0.8 * sum(cold[2:])


def test_decoders_forget_fits_that_did_not_converge(monkeypatch):
    labels, (first, second, third, *_) = path(60, 20, 3)
    follow = following(labels)
    follow(first)
    with monkeypatch.context() as patch:
        patch.setattr("simlib.logistic.STEPS", dict.fromkeys((torch.float32, torch.float64), 1))
        assert (
            abs(follow(second) - fold_accuracies(second, labels, tol=1e-6)).sum() <= 5 / 60 + 1e-9
        )
    np.testing.assert_array_equal(follow(third), fold_accuracies(third, labels))


@pytest.mark.parametrize("classes", [2, 3])
def test_fits_that_do_not_converge_go_to_the_patient_solver(monkeypatch, classes):
    monkeypatch.setattr("simlib.logistic.STEPS", dict.fromkeys((torch.float32, torch.float64), 1))
    responses, labels = 0.5 * draw(2, 40, 12, seed=11), np.arange(40) % classes
    codes, train = torch.from_numpy(labels)[:, None], torch.ones(40, 1).bool()
    assert fit(torch.from_numpy(responses), codes, train, classes) is None
    impatient = fold_accuracies(responses, labels, tol=1e-8)
    monkeypatch.undo()
    np.testing.assert_allclose(impatient, fold_accuracies(responses, labels))


def test_decoding_ignores_rotation_and_the_names_of_classes():
    turn = np.linalg.qr(draw(90, 90, seed=3))[0]
    plain = fold_accuracies(Y, LABELS, tol=1e-8)
    np.testing.assert_allclose(fold_accuracies(Y @ turn, LABELS, tol=1e-8), plain)
    names = np.array(["c", "a", "b"])[LABELS]
    assert fold_accuracies(torch.from_numpy(Y), names, tol=1e-8).mean() == pytest.approx(
        plain.mean(), abs=0.02
    )


@pytest.mark.parametrize("unit", [1e-250, 1e-6, 1e3, 1e250])
def test_the_unit_and_the_neurons_means_decide_nothing(unit):
    plain = decoding.fold_accuracies(Y, LABELS, tol=1e-8)
    assert plain.mean() > 0.6
    moved = unit * (Y + 5 * draw(90, seed=17))
    np.testing.assert_allclose(decoding.fold_accuracies(moved, LABELS, tol=1e-8), plain)
    assert sl.decoding_accuracy(moved, LABELS) == pytest.approx(sl.decoding_accuracy(Y, LABELS))


def test_the_recorded_scale_is_what_the_penalty_acts_on():
    weak, plain = (sl.decoding_accuracy(c * Y, LABELS, scale="recorded") for c in (1e-5, 1))
    assert weak < plain
    one = Y / np.sqrt(((Y - Y.mean((0, 1))) ** 2).mean())
    same = fold_accuracies(one, LABELS, tol=1e-8)
    np.testing.assert_allclose(decoding.fold_accuracies(Y, LABELS, tol=1e-8), same)
    with pytest.raises(ValueError, match="unknown scale 'recoded'; nearest: 'recorded'"):
        sl.decoding_accuracy(Y, LABELS, scale="recoded")


def test_one_scale_for_all_neurons_keeps_their_proportions():
    # A neuron that tells the classes apart beside louder ones that don't: per-neuron scaling would
    # hand it to the decoder.
    quiet = 1e-3 * np.eye(3)[LABELS]
    responses = np.hstack([quiet, draw(60, 20, seed=18)])
    assert sl.decoding_accuracy(responses, LABELS) < 0.6 < sl.decoding_accuracy(quiet, LABELS)


def test_constant_responses_decode_at_chance():
    assert sl.decoding_accuracy(np.full((30, 4), 7.0), np.arange(30) % 3) == pytest.approx(1 / 3)


def test_trials_count_once_whatever_the_sizes_of_folds():
    groups = np.repeat(np.arange(12), [30, 2, 30, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    labels = np.arange(12)[groups] % 2
    responses = draw(len(labels), 6, seed=19) + 0.8 * labels[:, None]
    (right,) = Decoders({"": labels}, groups=groups)(responses).values()
    folds = split(labels, groups=groups)
    sizes = [len(test) for _, test in folds]
    assert max(sizes) > 2 * min(sizes)
    found = sl.decoding_accuracy(responses, labels, groups=groups)
    of_folds = decoding.fold_accuracies(responses, labels, groups=groups).mean(1)
    assert found == right.mean() == pytest.approx(np.average(of_folds, weights=sizes))
    assert abs(found - of_folds.mean()) > 0.01


def test_balanced_accuracy_is_the_mean_over_classes_and_scikit_learns():
    from sklearn.metrics import balanced_accuracy_score

    labels = (np.arange(300) % 10 == 0).astype(int)  # 90 to 10
    responses = draw(300, 8, seed=20) + labels[:, None] * np.r_[2.0, np.zeros(7)]
    (right,) = Decoders({"": labels})(responses).values()
    guesses = np.where(right[:, 0], labels, 1 - labels)
    balanced = sl.decoding_accuracy(responses, labels, balanced=True)
    assert balanced == pytest.approx(balanced_accuracy_score(labels, guesses))
    plain = sl.decoding_accuracy(responses, labels)
    assert plain > chance(labels) == 0.9 and chance(labels, balanced=True) == 0.5
    assert 0.5 < balanced < plain - 0.1
    assert unequal(labels) and not unequal(LABELS) and not unequal([0, 0, 0, 1, 1])
    equal = accuracy(right[:60], LABELS), accuracy(right[:60], LABELS, balanced=True)
    assert equal[0] == pytest.approx(equal[1])  # classes of one size


def test_noise_decodes_at_chance_and_a_clean_signal_fully():
    noise = draw(8, 60, 5, seed=4)
    assert sl.decoding_accuracy(noise, LABELS) == pytest.approx(chance(LABELS), abs=0.08)
    assert sl.decoding_accuracy(10 * np.eye(3)[LABELS], LABELS) == 1


def test_folds_are_stratified_and_the_same_for_a_seed():
    folds = split(LABELS, 5, seed=2)
    for (train, test), (_, again) in zip(folds, split(LABELS, 5, seed=2), strict=True):
        assert np.bincount(LABELS[test]).tolist() == [4, 4, 4] and not set(train) & set(test)
        np.testing.assert_array_equal(test, again)
    assert any(set(a[1]) != set(b[1]) for a, b in zip(folds, split(LABELS, 5, seed=3), strict=True))


def test_groups_never_straddle_a_split_and_leakage_shows_without_them():
    groups = np.repeat(np.arange(30), 4)
    labels = np.repeat(np.arange(30) % 2, 4)
    responses = 3 * draw(30, 60, seed=5)[groups] + 0.1 * draw(120, 60, seed=6)
    for train, test in split(labels, 5, groups=groups):
        assert not set(groups[train]) & set(groups[test])
    leaking, honest = (sl.decoding_accuracy(responses, labels, groups=g) for g in (None, groups))
    assert leaking > honest + 0.2


@pytest.mark.parametrize(
    "labels, options, message",
    [
        (LABELS[:-1], {}, "one value a trial: got 59 labels for 60 trials"),
        (np.zeros(60), {}, "one class only"),
        (np.r_[np.zeros(57), np.ones(3)], {}, r"at least 5 trials.*too small: 1.0 \(3\).*folds=3"),
        (LABELS, {"folds": 1}, "folds needs to be 2 or more"),
        (LABELS, {"groups": LABELS}, "at least 5 groups"),
        (np.array([1, "a"] * 30, dtype=object), {}, "mix kinds"),
        (
            LABELS,
            {"groups": np.where(np.arange(60) == 4, np.nan, 1.0)},
            "missing values, the first at trial 4",
        ),
        (LABELS, {"groups": LABELS[:5]}, "groups needs one value a trial"),
        (
            np.where(np.arange(60) == 7, np.nan, LABELS.astype(float)),
            {},
            "missing values, the first at trial 7",
        ),
        (np.eye(60), {}, "one value a trial"),
    ],
)
def test_labels_that_cannot_be_decoded_are_named(labels, options, message):
    with pytest.raises(ValueError, match=message):
        sl.decoding_accuracy(Y, labels, **options)


def test_xarray_is_read_by_its_names():
    import xarray as xr

    square = np.tile(10 * np.eye(3)[np.arange(60) % 3], (60, 1, 1))  # as many time bins as trials
    turned = xr.DataArray(square, dims=("time", "trial", "neuron")).transpose(
        "trial", "neuron", "time"
    )
    assert sl.decoding_accuracy(turned, np.arange(60) % 3) == 1
    named = xr.DataArray(X, dims=("time", "trial", "neuron"))
    np.testing.assert_allclose(
        sl.captured_variance(named.transpose("neuron", "trial", "time"), named), 1, atol=1e-9
    )
    for other in (("neuron", "presentation"), ("sample", "unit")):
        with pytest.raises(ValueError, match=f"has the dimensions {other[0]}, {other[1]}.*rename"):
            sl.score("cka", xr.DataArray(X[0], dims=other), X[0])


@pytest.mark.parametrize("shape", [(60,), (2, 2, 60, 3), (2, 60, 0)], ids=str)
def test_responses_of_another_shape_are_named(shape):
    with pytest.raises(ValueError, match="shape"):
        sl.decoding_accuracy(np.zeros(shape), LABELS)


@pytest.mark.parametrize(
    ("given", "way"),
    [((1, 0, 2), "np.swapaxes(X, 0, 1)"), ((1, 2, 0), "np.moveaxis(X, 2, 0)")],
    ids=["trial, time, neuron", "trial, neuron, time"],
)
def test_labels_that_fit_the_time_axis_get_ways_that_give_what_was_meant(given, way):
    X = np.transpose(Y, given)
    with pytest.raises(ValueError, match="swap the first two axes") as error:
        sl.decoding_accuracy(X, LABELS)
    assert way in str(error.value)
    np.testing.assert_array_equal(eval(way, {"np": np, "X": X}), Y)


def test_the_first_crossing_is_interpolated():
    scores, accuracy = [0.1, 0.2, 0.4, 0.5], [0.5, 0.6, 0.8, 0.7]
    # chance .5, reference .7: the level is .68, between the second and third snapshot.
    assert score_at_accuracy(scores, accuracy, 0.5, 0.7) == pytest.approx(0.2 + 0.2 * 0.4)
    assert np.isnan(score_at_accuracy(scores, accuracy, 0.5, 0.99))
    assert score_at_accuracy(scores, [0.9] * 4, 0.5, 0.7) == 0.1


X = draw(4, 15, 8, seed=7) @ np.diag([5, 3, 2, 1, 0.5, 0.3, 0.2, 0.1])


def test_captured_variance_is_the_regression_r2_of_each_pc():
    other = draw(4, 15, 5, seed=8)
    flat = X.reshape(60, 8)
    U = np.linalg.svd(flat - flat.mean(0), full_matrices=False)[0]
    slow = [sl.score("linreg", U[:, [i]], other.reshape(60, 5)) for i in range(8)]
    np.testing.assert_allclose(sl.captured_variance(X, other), slow, atol=1e-10)


def test_capture_of_itself_is_full_and_of_a_part_partial():
    np.testing.assert_allclose(sl.captured_variance(X, X), 1, atol=1e-10)
    U, s = linalg.principal_components(torch.from_numpy(X.reshape(60, 8)))
    part = (U[:, :3] * s[:3]).numpy().reshape(4, 15, 3)
    np.testing.assert_allclose(sl.captured_variance(X, part), [1] * 3 + [0] * 5, atol=1e-10)


def test_capture_weighted_by_variance_is_linear_regression():
    other = draw(4, 15, 6, seed=9)
    weights = sl.components.explained_variance(X)
    assert weights.sum() == pytest.approx(1)
    assert weights @ sl.captured_variance(X, other) == pytest.approx(sl.score("linreg", X, other))


def test_pcs_beyond_the_rank_have_no_capture():
    few = draw(5, 9, seed=10)
    captured = sl.captured_variance(few, few)
    np.testing.assert_allclose(captured[:4], 1)
    assert np.isnan(captured[4:]).all() and len(captured) == 9


def test_score_to_capture_interpolates_the_first_crossing():
    scores = [0.0, 0.2, 0.6, 0.8]
    r2 = np.array(
        [[0.0, 0.2, 1.0, 0.0], [0.25, 0.3, 1.0, 0.6], [0.75, 0.4, 1.0, 0.4], [0.9, 0.5, 1.0, 0.9]]
    )
    # midpoints .5, .6, 1, .5
    captured = sl.score_to_capture(scores, r2)
    np.testing.assert_allclose(captured, [0.4, np.nan, 0.0, 0.2 * 0.5 / 0.6])
    with pytest.raises(ValueError, match="snapshots, PCs"):
        sl.score_to_capture(scores, r2[:2])


def test_the_fast_basis_spans_what_the_svd_spans():
    for columns in (np.geomspace(1, 1e-2, 7), np.geomspace(1, 1e-6, 7), np.r_[np.ones(5), 0, 0]):
        M = torch.from_numpy(draw(40, 7, seed=11) * columns)
        Q = linalg.orthonormal_basis(M)
        U, s, _ = torch.linalg.svd(M, full_matrices=False)
        U = U[:, s > 1e-12]
        assert Q.shape == U.shape
        torch.testing.assert_close(Q @ Q.T, U @ U.T, atol=1e-8, rtol=0)


def test_the_nuclear_norm_agrees_with_its_singular_values_in_both_precisions():
    for shape in ((12, 12), (20, 5), (5, 20)):
        M = torch.from_numpy(draw(*shape, seed=11) * np.geomspace(1, 1e-3, shape[1]))
        exact = torch.linalg.svdvals(M).sum()
        torch.testing.assert_close(linalg.nuclear_norm(M), exact)
        torch.testing.assert_close(
            linalg.nuclear_norm(M.float()).double(), exact, rtol=1e-6, atol=0
        )
        U, _, Vh = torch.linalg.svd(M, full_matrices=False)
        single = M.float().requires_grad_(True)
        linalg.nuclear_norm(single).backward()
        torch.testing.assert_close(single.grad.double(), U @ Vh, atol=2e-4, rtol=0)


def test_arccos_is_exact_inside_and_flat_at_the_ends():
    x = torch.tensor(
        [-1.0, -0.5, 0.0, 0.999, 1.0, 1.0 + 1e-6], dtype=torch.float64, requires_grad=True
    )
    y = linalg.arccos(x)
    torch.testing.assert_close(y[:5], torch.arccos(x[:5]))
    y.sum().backward()
    assert x.grad[0] == 0 and (x.grad[4:] == 0).all() and (x.grad[1:4] < 0).all()
