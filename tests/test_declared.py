"""What a recording declares of its trials is used: labels by name, and its fold groups."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import simlib as sl
from simlib.decoding import Decoders, fold_accuracies
from simlib.experiments import runner


def drifting(runs=30, repeats=8, neurons=20):
    """Labels that are constant in a run, and responses that tell runs apart and nothing else."""
    rng = np.random.default_rng(0)
    run = np.repeat(np.arange(runs), repeats)
    label = rng.permutation(np.arange(runs) % 3)[run]
    X = rng.normal(size=(runs, neurons))[run] + 0.3 * rng.normal(size=(len(run), neurons))
    data = xr.DataArray(
        X,
        dims=("trial", "neuron"),
        coords={"target": ("trial", np.array(list("abc"))[label]), "run": ("trial", run)},
    )
    return sl.datasets.load(data, groups="run", task_variables=["target"])


def test_declared_groups_apply_however_the_labels_are_given():
    data = drifting()
    groups, values = data["run"].values, data["target"].values
    grouped = sl.decoding_accuracy(data.values, values, groups=groups)
    leaking = sl.decoding_accuracy(data.values, values)
    assert leaking > 0.8 and grouped < 0.5
    series = pd.Series(values)
    for labels in ("target", values, values.tolist(), data["target"], series, torch.as_tensor(0)):
        if isinstance(labels, torch.Tensor):
            labels = torch.from_numpy(np.unique(values, return_inverse=True)[1])
        assert sl.decoding_accuracy(data, labels) == grouped
    assert sl.decoding_accuracy(data.values, values, groups=data["run"]) == grouped
    assert sl.decoding_accuracy(data, "target", groups="run") == grouped
    right = fold_accuracies(data, "target")
    np.testing.assert_array_equal(right, fold_accuracies(data.values, values, groups=groups))
    assert sl.decoding_accuracy(data.assign_attrs(groups=""), "target") == leaking
    other = np.arange(len(values))
    assert sl.decoding_accuracy(data, "target", groups=other) > 0.8  # what is given goes first


def test_decoders_take_names_or_the_whole_recording():
    data = drifting()
    expected = Decoders({"target": data["target"].values}, groups=data["run"].values)(data.values)
    for variables, Y in ((data, data.values), ({"target": "target"}, data), (data, data)):
        found = Decoders(variables)(Y)
        assert list(found) == ["target"]
        np.testing.assert_array_equal(found["target"], expected["target"])
    with pytest.raises(ValueError, match="no task variables"):
        Decoders(data.assign_attrs(task_variables="[]"))


def test_decoders_follow_labels_that_change_with_Y():
    data = drifting().assign_coords(trial_id=("trial", np.arange(240)))
    order = np.random.default_rng(1).permutation(240)
    decoders = Decoders({"target": "target"})
    decoders(data)
    second = decoders(data.isel(trial=order))["target"].mean()
    assert second == Decoders({"target": "target"})(data.isel(trial=order))["target"].mean()
    with pytest.warns(UserWarning, match="order of Y"):
        assert Decoders(data)(data.isel(trial=order))["target"].mean() == second


def test_decoders_follow_groups_that_change_with_Y():
    data = drifting()
    values = data["target"].values
    decoders = Decoders({"target": values})
    found = [decoders(Y)["target"].mean() for Y in (data, data.assign_attrs(groups=""), data)]
    assert found[0] == found[2] == sl.decoding_accuracy(data, values) < found[1]


def test_labels_are_matched_to_the_trials_where_both_say_which_is_which():
    rng = np.random.default_rng(0)
    label = np.arange(60) % 2
    table = pd.DataFrame(rng.normal(size=(60, 4)) + 3 * label[:, None]).set_axis(
        [f"t{k}" for k in range(60)]
    )
    labels = pd.Series(label, index=table.index)
    assert sl.decoding_accuracy(table, labels) > 0.9
    with pytest.warns(UserWarning, match="trials of labels"):
        assert sl.decoding_accuracy(table, labels.sample(frac=1, random_state=0)) > 0.9
    with pytest.raises(ValueError, match="labels") as caught:
        sl.decoding_accuracy(table, labels.set_axis([f"s{k}" for k in range(60)]))
    assert "labels.reset_index(drop=True)" in str(caught.value)
    named = table.set_axis(pd.Index(np.where(label, "go", "stop"), name="side"))
    assert sl.decoding_accuracy(named, "side") > 0.9


def test_what_is_not_there_is_named():
    data = drifting()
    with pytest.raises(ValueError, match="nearest: 'target'"):
        sl.decoding_accuracy(data, "targte")
    with pytest.raises(ValueError, match="'run'"):
        sl.decoding_accuracy(data, "target", groups="runs")
    with pytest.raises(ValueError, match=r"'target'.*no labels along its trials"):
        sl.decoding_accuracy(data.values, "target")
    with pytest.raises(ValueError, match=r"declares the fold groups 'run'.*assign_attrs"):
        sl.decoding_accuracy(data.drop_vars("run"), "target")
    assert sl.decoding_accuracy(data.drop_vars("run").assign_attrs(groups=""), "target") > 0


@pytest.mark.parametrize("nothing", [np.nan, None, pd.NA, pd.NaT])
def test_missing_labels_are_counted_and_placed(nothing):
    data = drifting()
    labels = data["target"].values.astype(object)
    labels[[3, 7, 50, 51, 52, 53, 54, 60]] = nothing
    with pytest.raises(ValueError, match=r"8 missing values, the first at trial 3 \(then 7, 50"):
        sl.decoding_accuracy(data, labels)
    with pytest.raises(ValueError, match="and 2 more"):
        sl.decoding_accuracy(data.assign_coords(side=("trial", labels)), "side")


def test_the_groups_of_a_recording_are_those_that_the_experiments_use():
    """The reference accuracies of a stored run, and the plain function on the recording."""
    data = drifting()
    rows = runner._Accuracies(data, ["target"]).rows(data.values)
    at = rows[rows["quantity"] == "accuracy"].set_index("scale")["value"]
    for scale in ("common", "recorded"):
        assert at[scale] == sl.decoding_accuracy(data, "target", scale=scale)


def test_groups_of_mixed_kinds_apply_and_missing_ones_are_counted():
    data = drifting()
    mixed = [f"run {k}" if k % 2 else int(k) for k in data["run"].values]
    of_text = sl.decoding_accuracy(data.values, data["target"].values, groups=list(map(str, mixed)))
    assert sl.decoding_accuracy(data, "target", groups=np.array(mixed, dtype=object)) < 0.5
    assert of_text < 0.5
    mixed[3] = None
    with pytest.raises(ValueError, match="groups has 1 missing values, the first at trial 3"):
        sl.decoding_accuracy(data, "target", groups=np.array(mixed, dtype=object))


def test_advice_on_folds_is_never_the_call_that_failed():
    with pytest.raises(ValueError, match=r"Merge or drop those classes$"):
        sl.decoding_accuracy(np.eye(5), list("aabbc"), folds=2)
    with pytest.raises(ValueError, match=r"or use folds=2$"):
        sl.decoding_accuracy(np.eye(5), list("aabbb"), folds=3)


@pytest.mark.parametrize("name", ["ridge-cv", "procrustes-cv"])
def test_the_grouped_scheme_of_a_measure_takes_the_declared_groups(name):
    data = drifting()
    Y = data.values[..., :15] + np.random.default_rng(1).normal(size=(1, 240, 15))
    grouped = sl.score(name, data, Y, scheme="grouped")
    assert grouped == sl.score(name, data.values, Y, scheme="grouped", groups=data["run"].values)
    other = np.arange(240) % 8
    assert sl.score(name, data, Y, scheme="grouped", groups=other) != grouped
    bins = sl.datasets.load(xr.concat([data[0], -data[0]], "time"), groups="run")
    assert np.isfinite(sl.score(name, bins, np.concatenate([Y] * 2), scheme="grouped"))
    with pytest.raises(ValueError, match="needs `groups`"):
        sl.score(name, data.values, Y, scheme="grouped")
