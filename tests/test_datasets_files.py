"""Recordings of one's own: what loads, what is decoded, what is refused and how that is said."""

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import xarray as xr
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score

from simlib import datasets, experiments

SHARED = Path(os.environ.get("SIMLIB_SHARED", Path(__file__).parents[2] / "shared"))
REACHING = SHARED / "recordings" / "m1_reaching" / "mihi_demo.mat"
TIME, TRIALS, NEURONS = 4, 20, 6


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((TIME, TRIALS, NEURONS))


@pytest.fixture
def target():
    return np.repeat(["left", "right"], TRIALS // 2)


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "mine.npz", **arrays)
    return tmp_path / "mine.npz"


def test_npz_and_netcdf_and_array_are_the_same_recording(tmp_path, X, target):
    array = xr.DataArray(X, dims=("time", "trial", "neuron"), coords={"target": ("trial", target)})
    array.transpose("neuron", "time", "trial").to_netcdf(tmp_path / "mine.nc", engine="h5netcdf")
    array.transpose("trial", "neuron", "time").to_dataset(name="rates").to_zarr(
        tmp_path / "mine.zarr"
    )
    hashes = {
        datasets.data_hash(datasets.load(source))
        for source in (
            saved(tmp_path, X=X, target=target),
            tmp_path / "mine.nc",
            tmp_path / "mine.zarr",
            array,
        )
    }
    assert len(hashes) == 1
    data = datasets.load(str(tmp_path / "mine.npz"))
    assert data.dims == ("time", "trial", "neuron") and data.attrs["name"] == "mine"
    assert datasets.task_variables(data) == ["target"] and data.attrs["main_variable"] == "target"
    assert datasets.labels(data).tolist() == target.tolist()


def test_two_axes_are_trials_in_one_bin(tmp_path, X, target):
    assert datasets.load(saved(tmp_path, X=X[0], target=target)).shape == (1, TRIALS, NEURONS)
    assert datasets.load(xr.DataArray(X[0].T, dims=("neuron", "trial"))).shape == (
        1,
        TRIALS,
        NEURONS,
    )


def test_integers_and_other_byte_orders_become_floats(X):
    for values, expected in [
        (X.round().astype(int), "f8"),
        (X.astype(">f8"), "f8"),
        (X.astype("f4"), "f4"),
    ]:
        data = datasets.load(xr.DataArray(values, dims=("time", "trial", "neuron")))
        assert data.dtype == np.dtype(expected) and data.dtype.isnative
        np.testing.assert_array_equal(data.values, values)


def test_recordings_without_labels_load_and_say_so(tmp_path, X):
    data = datasets.load(saved(tmp_path, X=X))
    assert datasets.task_variables(data) == [] and data.attrs["main_variable"] == ""
    assert "No labels" in datasets.describe(data)
    with pytest.raises(ValueError, match="no labels"):
        datasets.labels(data)


def test_groups_ids_and_sessions_are_not_decoded(tmp_path, X, target):
    path = saved(
        tmp_path,
        X=X,
        target=target,
        hit=np.arange(TRIALS) % 2 == 0,
        block=np.repeat([1.0, 2.0], TRIALS // 2),  # whole numbers, as MATLAB stores labels
        groups=np.arange(TRIALS) // 2,
        image_id=np.arange(TRIALS) % 5,
        session=np.arange(TRIALS) % 3,
        order=np.arange(TRIALS),
        constant=np.zeros(TRIALS, dtype=int),
        time=np.arange(TIME) * 0.05,
        main_variable="hit",
        title="My recording",
    )
    data = datasets.load(path)
    assert datasets.task_variables(data) == ["target", "hit", "block"]
    assert data["block"].dtype.kind == "i"
    assert data.attrs["main_variable"] == "hit" and data.attrs["title"] == "My recording"
    assert datasets.fold_groups(data).tolist() == (np.arange(TRIALS) // 2).tolist()
    np.testing.assert_allclose(data["time"], np.arange(TIME) * 0.05)
    chosen = datasets.load(
        path, task_variables=["session"], main_variable="session", groups="order"
    )
    assert datasets.task_variables(chosen) == ["session"] and chosen.attrs["groups"] == "order"
    assert datasets.load(path, task_variables=["target"]).attrs["main_variable"] == "target"
    assert datasets.fold_groups(datasets.load(path, groups="")) is None


def test_continuous_labels_need_a_word(tmp_path, X, target):
    velocity = np.linspace(0, 1, TRIALS)
    path = saved(tmp_path, X=X, target=target, velocity=velocity)
    with pytest.raises(ValueError, match=r"'velocity' is continuous.*digitize.*task_variables"):
        datasets.load(path)
    assert datasets.task_variables(datasets.load(path, task_variables=["target"])) == ["target"]
    levels = np.resize([0.1, 0.25], TRIALS)
    data = datasets.load(saved(tmp_path, X=X, level=levels), task_variables=["level"])
    assert sorted(set(datasets.labels(data).tolist())) == ["0.1", "0.25"]


def test_silent_neurons_stay_and_are_reported(X):
    X[..., 2] = 1.5
    data = datasets.load(xr.DataArray(X, dims=("time", "trial", "neuron")))
    assert data.sizes["neuron"] == NEURONS
    assert "1 of 6 neurons never change" in datasets.describe(data)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X": np.ones((4, 20, 6))}, ["all 6 neurons are constant"]),
        ({"X": np.full((4, 20, 6), np.nan)}, ["480 of 480 values", "time 0, trial 0, neuron 0"]),
        ({"X": np.zeros(5)}, ["got 1 axes, shape (5,)"]),
        ({"X": np.zeros((4, 0, 6))}, ["at least one time bin, trial and neuron"]),
        ({"X": np.array(["a", "b"])}, ["real numbers"]),
        ({"rates": np.ones((4, 20, 6))}, ["no array X", "rates (4, 20, 6)"]),
        (
            {"X": np.eye(20)[None], "target": np.zeros(7)},
            ["'target' of mine.npz", "got 7 labels for 20 trials"],
        ),
        (
            {"X": np.zeros((20, 4, 6)), "target": np.arange(20) % 2},
            ["target has 20 values", "Say what the axes are"],
        ),
        (
            {"X": np.eye(20)[:, :6], "hit": np.resize([0, 1, np.nan], 20)},
            ["'hit' is missing in 6 of 20 trials", "trial 2", "drop-unlabelled"],
        ),
        ({"X": np.eye(20)[None], "main_variable": "hand"}, ["unknown main variable 'hand'"]),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, arrays, words):
    with pytest.raises(ValueError) as error:
        datasets.load(saved(tmp_path, **arrays))
    assert all(word in str(error.value) for word in words), error.value


def test_objects_are_never_unpickled(tmp_path, X):
    np.savez(tmp_path / "mine.npz", X=X, target=np.array(["a", None] * 10, dtype=object))
    with pytest.raises(ValueError, match=r"'target' of mine\.npz.*never loaded"):
        datasets.load(tmp_path / "mine.npz")


def test_missing_foreign_and_damaged_files(tmp_path, X):
    saved(tmp_path, X=X)
    with pytest.raises(FileNotFoundError, match=r"nearest beside it: mine\.npz"):
        datasets.load(tmp_path / "mined.npz")
    with pytest.raises(FileNotFoundError, match="there is no recording"):
        datasets.load("nowhere/at/all.nc")
    for name, words in [
        ("mine.xyz", "none of .nc, .zarr, .npz"),
        ("mine.xls", "spreadsheet"),
        ("mine.nc", "can't be read"),
        ("m.npz", "no .npz file"),
    ]:
        (tmp_path / name).write_bytes(b"something else")
        with pytest.raises(ValueError, match=words):
            datasets.load(tmp_path / name)


def test_dimensions_are_told_by_name(tmp_path, X):
    with pytest.raises(ValueError, match=r"got time, presentation, neuroid.*rename"):
        datasets.load(xr.DataArray(X, dims=("time", "presentation", "neuroid")))
    two = xr.Dataset({name: (("trial", "neuron"), X[0]) for name in ("rates", "counts")})
    two.to_netcdf(tmp_path / "two.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match=r"exactly one variable.*rates.*counts"):
        datasets.load(tmp_path / "two.nc")


def test_names_that_are_not_there_suggest_the_nearest(tmp_path, X, target):
    path = saved(tmp_path, X=X, target=target)
    for option in (
        {"task_variables": ["targets"]},
        {"groups": "targe"},
        {"main_variable": "tarpet"},
    ):
        with pytest.raises(ValueError, match="nearest: 'target'"):
            datasets.load(path, **option)
    with pytest.raises(ValueError, match=r"unknown dataset option 'group'.*'groups'"):
        datasets.load(path, group="target")


def test_the_array_passed_in_is_left_as_it_was(X, target):
    array = xr.DataArray(
        X.copy(), dims=("time", "trial", "neuron"), coords={"target": ("trial", target)}
    )
    data = datasets.load(array)
    assert data.attrs and array.attrs == {}
    np.testing.assert_array_equal(array.values, X)


def test_labels_may_be_levels_of_one_index(X, target):
    array = xr.DataArray(X, dims=("time", "trial", "neuron"))
    array = array.assign_coords(target=("trial", target), object_id=("trial", np.arange(TRIALS)))
    data = datasets.load(array.set_index(trial=["target", "object_id"]))
    assert datasets.task_variables(data) == ["target"]


def test_attributes_become_strings_and_numbers(X, tmp_path):
    attrs = {
        "anaesthetised": np.True_,
        "rate": np.float32(0.5),
        "history": ["a", "b"],
        "lab": "ours",
    }
    data = datasets.load(xr.DataArray(X, dims=("time", "trial", "neuron"), attrs=attrs))
    kept = {key: data.attrs.get(key) for key in attrs}
    assert kept == {"anaesthetised": 1, "rate": 0.5, "history": None, "lab": "ours"}
    datasets.save(data, tmp_path / "out.nc")
    assert datasets.load(tmp_path / "out.nc").attrs == data.attrs


def test_loading_twice_changes_nothing(X, target):
    once = datasets.load(
        xr.DataArray(X, dims=("time", "trial", "neuron"), coords={"target": ("trial", target)})
    )
    xr.testing.assert_identical(datasets.load(once), once)


def test_saving_keeps_groups(tmp_path, X, target):
    array = xr.DataArray(X, dims=("time", "trial", "neuron"), coords={"target": ("trial", target)})
    data = datasets.load(
        array.assign_coords(reach=("trial", np.arange(TRIALS) // 2)), groups="reach"
    )
    for suffix in (".nc", ".zarr", ".npz"):
        datasets.save(data, tmp_path / f"out{suffix}")
        assert datasets.data_hash(datasets.load(tmp_path / f"out{suffix}")) == datasets.data_hash(
            data
        )
    with pytest.raises(ValueError, match="which save writes"):
        datasets.save(data, tmp_path / "out.csv")


def test_runs_number_stretches_of_equal_labels():
    assert datasets.runs(["a", "a", "b", "a", "a", "a"]).tolist() == [0, 0, 1, 2, 2, 2]
    labels = np.random.default_rng(0).integers(0, 3, 200)
    index = datasets.runs(labels)
    changes = labels[1:] != labels[:-1]
    np.testing.assert_array_equal(np.diff(index), changes)
    with pytest.raises(ValueError, match="one axis"):
        datasets.runs(np.zeros((3, 2)))


@pytest.mark.skipif(not REACHING.is_file(), reason="the reaching recording is not on this machine")
def test_a_reaching_recording_in_a_few_lines(tmp_path):
    content = scipy.io.loadmat(REACHING)
    target = content["Ttr"].ravel()
    np.savez(
        tmp_path / "reaching.npz", X=content["Ytr"], target=target, groups=datasets.runs(target)
    )
    data = datasets.load(tmp_path / "reaching.npz")
    assert data.shape == (1, 623, 174) and datasets.task_variables(data) == ["target"]
    groups = datasets.fold_groups(data)
    assert len(np.unique(groups)) == 73
    text = datasets.describe(data)
    assert (
        "16 of 174 neurons never change" in text and "73 groups" in text and "chance 0.284" in text
    )

    def accuracy(folds):
        splits = list(folds.split(data.values[0], target, groups))
        return cross_val_score(
            LogisticRegression(max_iter=1000), data.values[0], target, cv=splits
        ).mean()

    grouped = accuracy(StratifiedGroupKFold(5, shuffle=True, random_state=0))
    leaking = accuracy(StratifiedKFold(5, shuffle=True, random_state=0))
    assert 0.75 < grouped < leaking - 0.02  # neighbouring bins of a reach resemble each other


def test_a_page_of_ones_own_recording_says_what_was_read(tmp_path):
    X = np.random.default_rng(0).standard_normal((20, 4))
    path = tmp_path / "a <b> *c* $d$.npz"
    np.savez(path, X=X, choice=np.arange(20) % 2, position=X[:, :2])
    said = experiments.own_note(["hierarchy", str(path)])
    assert experiments.own_note(["hierarchy", "toy-2d"]) == ""
    lines = datasets.describe(datasets.load(path)).splitlines()
    items = [line for line in said.splitlines() if line.startswith("- ")]
    assert len(items) == len(lines) and "read as trial 20, neuron 4" in said
    assert any(item.startswith("- Left out: position") for item in items)
    assert not {"<", "*c*", str(tmp_path)} & {part for item in items for part in item.split()}
