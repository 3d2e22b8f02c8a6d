"""Labels along the trials of both sides say which trial is which: mended or refused."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import simlib as sl
from simlib.trials import order


def labelled(values, dims=("trial", "neuron"), index=None, **labels):
    coords = {name: ("trial", np.asarray(of_trials)) for name, of_trials in labels.items()}
    if index is not None:
        coords["trial"] = index
    return xr.DataArray(values, dims=dims, coords=coords)


def responses(trials=24, neurons=6, seed=0):
    return np.random.default_rng(seed).standard_normal((trials, neurons))


NAMES = np.array([f"im{k}" for k in range(24)])
SHUFFLE = np.random.default_rng(5).permutation(24)
# One label or several, of any kind, that tell every trial apart.
UNIQUE = {
    "text": {"stimulus": NAMES},
    "bytes": {"stimulus": NAMES.astype("S")},
    "whole numbers": {"frame": np.arange(24) * 3},
    "whole floats": {"frame": np.arange(24.0)},
    "levels of a float": {"contrast": np.linspace(0.1, 0.9, 24)},
    "objects": {"stimulus": NAMES.astype(object)},
    "two labels": {"object": np.repeat(np.arange(6), 4), "position": np.tile(list("abcd"), 6)},
    "an id": {"stimulus_id": NAMES},
    "a label and an id": {"category": np.repeat(list("abcd"), 6), "image_id": NAMES},
    "a label and an index": {"category": np.repeat(list("abcd"), 6), "index": np.arange(24)},
    "dates": {"shown": np.arange(24).astype("datetime64[s]")},
}


@pytest.mark.parametrize("labels", UNIQUE.values(), ids=UNIQUE)
def test_trials_told_apart_are_put_in_order_and_it_is_said(labels):
    labels = dict(labels)
    index = labels.pop("index", None)
    X = labelled(responses(), index=index, **labels)
    Y = labelled(responses(seed=1) + responses(), index=index, **labels)
    shuffled = Y.isel(trial=SHUFFLE)
    with pytest.warns(UserWarning, match="were put into the order of X by"):
        assert sl.score("linreg", X, shuffled) == sl.score("linreg", X, Y)
    with pytest.warns(UserWarning, match="order of X"):
        captured = sl.captured_variance(X, shuffled)
    np.testing.assert_array_equal(captured, sl.captured_variance(X, Y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sl.score("cka", X, Y)
        sl.score("cka", X, shuffled.values)  # plain numbers say nothing
        sl.score("cka", X, torch.from_numpy(shuffled.values))


def test_every_function_of_two_sides_has_the_rule():
    X = labelled(responses(), stimulus=NAMES)
    Y = labelled(responses() + responses(seed=1), stimulus=NAMES)
    shuffled = Y.isel(trial=SHUFFLE)
    functions = {
        "compare": lambda Y: sl.compare(X, Y, ["cka"], permutations=5)["score"].item(),
        "null": lambda Y: sl.calibration.permutation_null("cka", X, Y, permutations=3).tolist(),
        "ridge chance": lambda Y: sl.calibration.expected_by_chance("cka", X, Y),
        "start": lambda Y: sl.maximize("cka", X, start=Y, steps=3).Y.tolist(),
        "ceiling": lambda Y: sl.calibration.noise_ceiling("cka", [X, Y]).mean,
        "vectors": lambda Y: sl.captured_variance(
            X, Y, vectors=sl.components.left_singular_vectors(X)
        ).tolist(),
        "held out": lambda Y: sl.components.held_out_variance(X, Y).tolist(),
        "held out, vectors": lambda Y: sl.components.held_out_variance(
            X, Y, vectors=sl.components.left_singular_vectors(X)
        ).tolist(),
    }
    for name, function in functions.items():
        with pytest.warns(UserWarning, match="other order|another order"):
            found = function(shuffled)
        assert found == function(Y), name


def test_repeats_for_the_ceiling_are_put_in_the_order_of_X():
    signal = responses(neurons=10)
    X = labelled(signal, stimulus=NAMES)
    repeats = [labelled(signal + 0.5 * responses(24, 10, seed=s), stimulus=NAMES) for s in (3, 4)]
    expected = sl.compare(X, X, ["cka"], repeats=repeats, permutations=2)
    mixed = [repeats[0], repeats[1].isel(trial=SHUFFLE)]
    with pytest.warns(UserWarning, match="order of X"):
        found = sl.compare(X, X, ["cka"], repeats=mixed, permutations=2)
    pd.testing.assert_frame_equal(found, expected)
    stacked = xr.concat(repeats, "repeat").isel(trial=SHUFFLE)
    with pytest.warns(UserWarning, match="order of X"):
        found = sl.compare(X, X, ["cka"], repeats=stacked, permutations=2)
    pd.testing.assert_frame_equal(found, expected)


def test_repeats_of_conditions_in_another_order_are_refused_with_ways_out_that_work():
    cond = np.repeat(list("abcdef"), 4)
    X, Y = (
        labelled(responses(seed=s), cond=cond).isel(trial=o)
        for s, o in ((0, slice(None)), (1, SHUFFLE))
    )
    with pytest.raises(ValueError, match="doesn't say which trial is which") as caught:
        sl.score("cka", X, Y)
    assert len(str(caught.value)) < 1500
    for call in (
        "condition_averages(sl.datasets.load(X), by=['cond'])",
        "X.sortby(['cond'])",
        "Y.drop_vars('cond')",
    ):
        assert call in str(caught.value)
    averaged = [
        sl.datasets.processing.condition_averages(sl.datasets.load(Z), by=["cond"]) for Z in (X, Y)
    ]
    with pytest.warns(UserWarning, match="'cond'"):
        assert 0 <= sl.score("cka", *averaged) <= 1
    assert sl.score("cka", X.sortby(["cond"]), Y.sortby(["cond"])) > 0
    assert sl.score("cka", X, Y.drop_vars("cond")) == sl.score("cka", X.values, Y.values)


def test_different_trials_are_refused_with_ways_out_that_work():
    X = labelled(responses(), stimulus=NAMES)
    Y = labelled(responses(seed=1), stimulus=np.roll([f"im{k}" for k in range(1, 25)], 3))
    with pytest.raises(ValueError, match="'stimulus' is 'im0' in X and 'im22' in Y") as caught:
        sl.score("cka", X, Y)
    text = str(caught.value)
    assert "X.isel(trial=np.isin(X['stimulus'], Y['stimulus']))" in text
    common = [Z.isel(trial=np.isin(Z["stimulus"], W["stimulus"])) for Z, W in ((X, Y), (Y, X))]
    with pytest.warns(UserWarning, match="stimulus"):
        assert sl.score("cka", *common) > 0
    assert sl.score("cka", X, Y.drop_vars("stimulus")) > 0
    Y = labelled(responses(), choice=np.arange(24) % 3 == 0)
    with pytest.raises(ValueError, match="different labels"):  # the same values, not as often
        sl.score("cka", labelled(responses(), choice=np.arange(24) % 2 == 0), Y)


def test_what_is_no_statement_is_not_compared():
    X = labelled(
        responses(),
        cond=np.repeat(list("abcd"), 6),
        rt=np.random.default_rng(0).random(24),
        session=np.arange(24),
        trial_id=np.arange(24),
        index=np.arange(24),
    )
    Y = labelled(
        responses(seed=1),
        cond=np.repeat(list("abcd"), 6),
        rt=np.random.default_rng(1).random(24),
        session=np.arange(24) + 5,
        trial_id=SHUFFLE,
        index=np.arange(100, 124),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sl.score("cka", X, Y) == sl.score("cka", X.values, Y.values)
        # Nor are labels that only one side has, and single precision is the same label.
        assert sl.score("cka", X, labelled(responses(), other=NAMES)) > 0
        low = np.repeat(np.array([0.1, 0.3], "f4"), 12)
        first, second = (
            labelled(responses(), c=low),
            labelled(responses(), c=low.astype(float).round(7)),
        )
        assert order(first, second) is None


STIMULI = {"unique": NAMES, "four": np.tile(list("abcd"), 6)}


@pytest.mark.parametrize("stimulus", STIMULI.values(), ids=STIMULI)
def test_sessions_with_choices_times_and_numbers_of_their_own_are_matched_by_the_stimulus(stimulus):
    rng = np.random.default_rng(0)

    def session(seed, animal):
        return labelled(
            responses(seed=seed),
            index=np.arange(24) + 100 * seed,
            stimulus=stimulus,
            choice=rng.integers(0, 2, 24),
            rt_ms=rng.integers(200, 900, 24),
            trial_id=rng.integers(0, 999, 24),
            animal=[animal] * 24,
        )

    X, Y = session(1, "A"), session(2, "B")
    with pytest.warns(UserWarning, match="differ in 'choice'.*correspond by 'stimulus'") as told:
        assert sl.score("cka", X, Y) == sl.score("cka", X.values, Y.values)
    assert len(told) == 1
    if stimulus is NAMES:
        with pytest.warns(UserWarning, match="order of X by 'stimulus'"):
            assert sl.score("cka", X, Y.isel(trial=SHUFFLE)) == sl.score("cka", X.values, Y.values)
    else:
        with pytest.raises(ValueError, match="'stimulus' doesn't say which trial is which"):
            sl.score("cka", X, Y.isel(trial=SHUFFLE))
    with pytest.raises(ValueError, match="'image' is 'im0'"):  # tells apart more than the stimulus
        other = Y.assign_coords(image=("trial", np.char.add("x", NAMES)))
        sl.score("cka", X.assign_coords(image=("trial", NAMES)), other)


def test_time_bins_in_another_order_are_refused_and_other_times_are_told():
    values = np.random.default_rng(0).standard_normal((5, 24, 6))
    X = labelled(values, ("time", "trial", "neuron")).assign_coords(time=np.arange(5) / 10)
    with pytest.raises(ValueError, match=r"same times in another order.*Y.sel\(time=X.time\)"):
        sl.score("cka", X, X[::-1])
    assert sl.score("cka", X, X[::-1].sel(time=X.time)) == pytest.approx(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for times in (X.time * 1000, X.time + 1e-12):  # another unit, and rounding
            assert sl.score("cka", X, X.assign_coords(time=times.values)) == pytest.approx(1)
    with pytest.warns(UserWarning, match="0 to 0.4 and 0.3 to 0.7"):
        sl.score("cka", X, X.assign_coords(time=X.time.values + 0.3))


def test_conditions_that_one_side_lacks_are_named_with_a_way_out_that_works():
    cond = np.repeat(list("abcdef"), 4)
    X = sl.datasets.load(labelled(responses(), cond=cond))
    Y = X.isel(trial=np.flatnonzero(cond != "c")[::-1])
    X, Y = (sl.datasets.processing.condition_averages(Z, by="cond") for Z in (X, Y))
    with pytest.raises(ValueError, match=r"one side alone.*'cond' 'c'") as caught:
        sl.score("cka", X, Y)
    assert "X.isel(trial=np.isin(X['cond'], Y['cond'])) and Y likewise" in str(caught.value)
    with pytest.warns(UserWarning, match="order of X by 'cond'"):
        same = sl.score("cka", X.isel(trial=np.isin(X["cond"], Y["cond"])), Y)
    assert same == pytest.approx(1)
    table, other = (pd.DataFrame(responses(n), index=NAMES[:n]) for n in (24, 20))
    with pytest.raises(ValueError, match=r"one side alone.*'im20', 'im21'") as caught:
        sl.score("cka", table, other)
    assert "X.loc[X.index.isin(Y.index)]" in str(caught.value)


def test_declared_task_variables_are_those_compared():
    X = labelled(responses(), cond=np.repeat(list("abcd"), 6), block=np.arange(24) // 4)
    Y = X.assign_coords(block=("trial", np.arange(24) // 3))
    with pytest.raises(ValueError, match="'block'"):
        order(X, Y)
    X, Y = (Z.assign_attrs(task_variables='["cond"]') for Z in (X, Y))
    assert order(X, Y) is None


def test_missing_labels_are_equal_and_other_numbers_of_trials_are_a_matter_of_shape():
    label = np.where(np.arange(24) % 5, np.arange(24) // 8, np.nan)
    assert order(labelled(responses(), c=label), labelled(responses(), c=label.copy())) is None
    with pytest.raises(ValueError, match="same samples"):
        sl.score("cka", labelled(responses(), c=label), labelled(responses(20), c=label[:20]))


# -- Tables


def test_tables_are_matched_by_their_index():
    X = pd.DataFrame(responses(), index=NAMES)
    with pytest.warns(UserWarning, match="by the index"):
        assert sl.score("cka", X, X.sample(frac=1, random_state=0)) == pytest.approx(1)
    plain = X.reset_index(drop=True)
    with pytest.warns(UserWarning, match="by the index"):
        assert sl.score("cka", plain, plain.sample(frac=1, random_state=0)) == pytest.approx(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sl.score("cka", X, plain) == pytest.approx(1)  # counting rows says nothing
        assert sl.score("cka", plain, plain.set_index(plain.index + 100)) == pytest.approx(1)
    other = X.set_index(np.where(np.arange(24) % 5, NAMES, "another"))
    with pytest.raises(ValueError, match="reset_index") as caught:
        sl.score("cka", X, other)
    assert "X.loc[X.index.isin(Y.index)]" in str(caught.value)
    assert sl.score("cka", X, other.reset_index(drop=True)) == pytest.approx(1)


def test_tables_of_several_levels_and_of_repeats():
    levels = pd.MultiIndex.from_product([list("abcd"), range(6)], names=["stimulus", "repeat"])
    X = pd.DataFrame(responses(), index=levels)
    with pytest.warns(UserWarning, match="order of X"):
        assert sl.score("cka", X, X.iloc[SHUFFLE]) == pytest.approx(1)
    X = X.droplevel("repeat")
    with pytest.raises(ValueError, match="which trial is which") as caught:
        sl.score("cka", X, X.iloc[SHUFFLE])
    assert "X.groupby(level=['stimulus']).mean()" in str(caught.value) and "X.sort_index()" in str(
        caught.value
    )
    means = [Z.groupby(level=["stimulus"]).mean() for Z in (X, X.iloc[SHUFFLE])]
    assert sl.score("cka", *means) == pytest.approx(1)
    stacked = labelled(responses(), index=levels)
    with pytest.warns(UserWarning, match="order of X"):
        assert sl.score("cka", stacked, stacked.isel(trial=SHUFFLE)) == pytest.approx(1)


def test_tables_and_arrays_are_matched_by_an_index_without_a_name_and_by_swapped_levels():
    table = pd.DataFrame(responses(), index=NAMES)
    Y = labelled(responses()[SHUFFLE], stimulus=NAMES[SHUFFLE])
    for pair in ((table, Y), (Y, table)):
        with pytest.warns(UserWarning, match="by 'stimulus'"):
            assert sl.score("cka", *pair) == pytest.approx(1)
    levels = pd.MultiIndex.from_product([list("abcd"), range(6)], names=["stimulus", "repeat"])
    X, mixed = table.set_axis(levels), table.set_axis(levels).iloc[SHUFFLE]
    with pytest.warns(UserWarning, match="'stimulus' and 'repeat'"):
        assert sl.score("cka", X, mixed.swaplevel()) == pytest.approx(1)


def test_given_dissimilarities_are_put_in_order_on_both_axes():
    A, B = responses(12), responses(12, seed=1)
    tables = [
        pd.DataFrame(((Z[:, None] - Z[None]) ** 2).sum(-1), NAMES[:12], NAMES[:12]) for Z in (A, B)
    ]
    mixed = np.random.default_rng(0).permutation(12)
    given = sl.measure("rsa", precomputed=True)
    with pytest.warns(UserWarning, match="by the index"):
        found = sl.score(given, tables[0], tables[1].iloc[mixed, mixed])
    assert found == pytest.approx(sl.score("rsa", A, B), abs=1e-12)


# -- Tables and sparse arrays as responses


def test_text_columns_are_named_with_the_call_that_drops_them():
    X = pd.DataFrame(responses()).add_prefix("unit").assign(choice="left", area="V1")
    with pytest.raises(ValueError, match="2 of 8 columns that are no numbers") as caught:
        sl.score("cka", X, X)
    assert "X.drop(columns=['choice', 'area'])" in str(caught.value)
    assert sl.score("cka", X.drop(columns=["choice", "area"]), responses()) == pytest.approx(1)
    many = pd.DataFrame({f"label number {k}": ["a", "b", "c"] for k in range(300)}).assign(unit=1.0)
    with pytest.raises(ValueError, match=r"select_dtypes\(\('number', 'bool'\)\)") as caught:
        sl.score("cka", many, many)
    assert len(str(caught.value)) < 1500
    assert list(many.select_dtypes(("number", "bool"))) == ["unit"]


def test_sparse_arrays_and_tables_are_taken():
    import scipy.sparse

    X, Y = np.random.default_rng(0).poisson(0.4, (2, 30, 5)).astype(float)
    expected = sl.score("cka", X, Y)
    for kind in (scipy.sparse.csr_matrix, scipy.sparse.csc_array, scipy.sparse.coo_array):
        assert sl.score("cka", kind(X), kind(Y)) == expected
    table = pd.DataFrame(X).astype(pd.SparseDtype(float, 0.0))
    assert sl.score("cka", table, Y) == expected
    assert sl.score("cka", pd.DataFrame(X).astype("Int64"), Y) == expected
    huge = scipy.sparse.csr_array((10**7, 10**7))
    with pytest.raises(ValueError, match="memory"):
        sl.score("cka", huge, huge)
    gap = pd.DataFrame(X).astype("Int64")
    gap.iloc[2, 3] = pd.NA
    with pytest.raises(ValueError, match="sample 2, neuron 3"):
        sl.score("cka", gap, Y)
