"""Files of many layouts give the same recording; gaps, continuous labels and unclear layouts need a
word.
"""

import json
import os
import tracemalloc
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr

import simlib as sl
from simlib import datasets

RECORDINGS = (
    Path(os.environ.get("SIMLIB_SHARED", Path(__file__).parents[2] / "shared")) / "recordings"
)
SEQUENCES = RECORDINGS / "v1_sequences" / "ay5_u002_image_sequences.mat"
FINGERS = RECORDINGS / "finger7t" / "data_recipe_finger7T.mat"
REACHING = RECORDINGS / "m1_reaching" / "mihi_demo.mat"
AVERAGES = RECORDINGS / "hatsopoulos2007" / "condition_averages.npz"
TIME, TRIALS, NEURONS = 4, 20, 6


def present(path):
    return pytest.mark.skipif(not path.is_file(), reason=f"{path.name} is not on this machine")


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((TIME, TRIALS, NEURONS))


@pytest.fixture
def target():
    return np.repeat([1, 2], TRIALS // 2)


def steps(data):
    return [step["step"] for step in json.loads(data.attrs["processing"]).get("steps", [])]


def write_mat73(path, **arrays):
    """A MATLAB 7.3 file: HDF5 with reversed axes and the class of every array."""
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            item = file.create_dataset(name, data=np.atleast_2d(value).T)
            item.attrs["MATLAB_class"] = np.bytes_("double")
    return path


def long_table(X, target):
    rows = [
        {
            "trial": f"t{c}",
            "time": 0.05 * t,
            "neuron": f"n{i}",
            "value": X[t, c, i],
            "target": target[c],
            "area": "ab"[i % 2],
        }
        for t, c, i in product(*map(range, X.shape))
    ]
    shuffled = pd.DataFrame(rows).sample(frac=1, random_state=0)
    return shuffled.sort_values(["trial", "neuron"], key=lambda names: names.str[1:].astype(int))


# -- One recording, many layouts


def test_every_format_gives_the_same_recording(tmp_path, X, target):
    np.savez(tmp_path / "a.npz", X=X, target=target)
    np.save(tmp_path / "b.npy", X)
    pd.DataFrame({"target": target}).to_csv(tmp_path / "labels.csv", index=False)
    pd.DataFrame({"target": target}).to_parquet(tmp_path / "labels.parquet")
    scipy.io.savemat(tmp_path / "c.mat", {"X": X, "target": target})
    scipy.io.savemat(tmp_path / "d.mat", {"data": {"rates": X.T, "tgt": target}})
    write_mat73(tmp_path / "e.mat", rates=np.moveaxis(X, 1, 0), tgt=target)
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["X"], file["target"], file["session/day"] = X, target, "monday"
    array = xr.DataArray(
        X, dims=("bin", "presentation", "unit"), coords={"target": ("presentation", target)}
    )
    array.to_dataset(name="rates").assign(other=("bin", np.zeros(TIME))).to_netcdf(
        tmp_path / "g.nc", engine="h5netcdf"
    )
    side = array.drop_vars("target").to_dataset(name="rates").assign(tgt=("presentation", target))
    side.assign(block=("presentation", np.arange(TRIALS) % 3)).to_netcdf(
        tmp_path / "j.nc", engine="h5netcdf"
    )
    side.rename(tgt="target", bin="time", presentation="trial", unit="neuron").to_zarr(
        tmp_path / "k.zarr"
    )
    table = long_table(X, target)
    table.to_parquet(tmp_path / "h.parquet")
    table.rename(columns={"trial": "n", "value": "rate"}).to_csv(tmp_path / "i.csv")

    names = {"bin": "time", "presentation": "trial", "unit": "neuron"}
    loaded = [
        datasets.load(tmp_path / "a.npz"),
        datasets.load(
            tmp_path / "a.npz",
            values="X",
            dims=("time", "trial", "neuron"),
            labels={"target": "target"},
        ),
        datasets.load(tmp_path / "b.npy", labels=tmp_path / "labels.csv"),
        datasets.load(tmp_path / "b.npy", labels=pd.DataFrame({"target": target})),
        datasets.load(tmp_path / "b.npy", labels={"target": target}),
        datasets.load(
            tmp_path / "b.npy", labels=tmp_path / "labels.parquet", dims=("time", "trial", "neuron")
        ),
        datasets.load(tmp_path / "c.mat"),
        datasets.load(
            tmp_path / "d.mat",
            values="data.rates",
            dims=("neuron", "trial", "time"),
            labels={"target": "data.tgt"},
        ),
        datasets.load(
            tmp_path / "e.mat",
            values="rates",
            dims=("trial", "time", "neuron"),
            labels={"target": "tgt"},
        ),
        datasets.load(tmp_path / "f.h5"),
        datasets.load(tmp_path / "g.nc", values="rates", dims=names),
        datasets.load(tmp_path / "j.nc", values="rates", dims=names, labels={"target": "tgt"}),
        datasets.load(
            tmp_path / "j.nc",
            values="rates",
            dims=names,
            labels={"target": target},
            task_variables=["target"],
        ),
        datasets.load(tmp_path / "k.zarr"),
        datasets.load(array, dims=("time", "trial", "neuron")),
        datasets.load(tmp_path / "h.parquet"),
        datasets.load(table),
    ]
    assert [datasets.data_hash(data) for data in loaded] == [datasets.data_hash(loaded[0])] * len(
        loaded
    )
    text = datasets.load(tmp_path / "i.csv", columns={"trial": "n", "value": "rate"})
    xr.testing.assert_allclose(text.drop_vars(text.coords), loaded[0].drop_vars(loaded[0].coords))
    assert text["area"].dims == ("neuron",) and text["unit"].values[:2].tolist() == ["n0", "n1"]
    assert datasets.task_variables(text) == ["target"]


def test_axes_with_other_names_are_conditions(tmp_path):
    rates = np.random.default_rng(0).standard_normal((2, 3, TIME, NEURONS, 5))
    scipy.io.savemat(
        tmp_path / "cells.mat",
        {"rates": rates, "names": np.array(["cat", "dog", "cow"], dtype=object)},
    )
    dims = ("zoom", "animal", "time", "neuron", "repeat")
    labels = {"animal": "names", "zoom": ["near", "far"]}
    data = datasets.load(tmp_path / "cells.mat", values="rates", dims=dims, labels=labels)
    assert data.shape == (TIME, 30, NEURONS) and datasets.task_variables(data) == ["zoom", "animal"]
    for trial in (0, 13, 29):
        zoom, animal, repeat = np.unravel_index(trial, (2, 3, 5))
        np.testing.assert_array_equal(data.values[:, trial], rates[zoom, animal, :, :, repeat])
        assert data["animal"].values[trial] == ["cat", "dog", "cow"][animal]
        assert data["zoom"].values[trial] == ["near", "far"][zoom]
    means = datasets.processing.condition_averages(data)
    assert means.shape == (TIME, 6, NEURONS) and means.attrs["sample_kind"] == "averages"
    np.testing.assert_allclose(
        means.values, np.moveaxis(rates.mean(-1), 2, 0).reshape(TIME, 6, NEURONS)
    )


@pytest.mark.parametrize("version", [5, 7.3])
def test_unclear_layouts_are_shown_with_the_call_that_reads_them(tmp_path, X, target, version):
    path = tmp_path / "session.mat"
    arrays = {"rates": X[0], "tgt": target, "velocity": np.zeros((TRIALS, 2))}
    if version == 5:
        scipy.io.savemat(path, {name: np.atleast_2d(value) for name, value in arrays.items()})
    else:
        write_mat73(path, **arrays)
    with pytest.raises(ValueError) as error:
        datasets.load(path)
    text = str(error.value)
    assert "rates (20, 6)" in text and "tgt (1, 20)" in text and "velocity (20, 2)" in text
    call = "load('session.mat', values='rates', dims=('trial', 'neuron'), labels={'tgt': 'tgt'})"
    assert call in text
    data = eval(call, {"load": lambda name, **options: datasets.load(tmp_path / name, **options)})
    assert data.shape == (1, TRIALS, NEURONS) and datasets.task_variables(data) == ["tgt"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"values": "rate"}, ["unknown array 'rate'", "'rates'", "holds rates"]),
        (
            {"values": "rates", "dims": ("trial",)},
            ["dims=('trial',) does not name its axes", "values='rates'"],
        ),
        ({"values": "rates", "dims": ("time", "neuron")}, ["one axis is trial"]),
        ({"values": "rates", "labels": {"target": "tg"}}, ["unknown array 'tg'", "'tgt'"]),
        (
            {"values": "rates", "labels": {"target": "velocity"}},
            ["needs one value a trial", "(20, 2)"],
        ),
        ({"values": "rates", "columns": {"trial": "n"}}, ["columns= is for .csv, .tsv, .parquet"]),
        ({"values": "rates", "select": {"trials": 3}}, ["unknown axis to select from 'trials'"]),
    ],
)
def test_mappings_that_do_not_fit_are_said(tmp_path, X, target, options, words):
    scipy.io.savemat(
        tmp_path / "m.mat", {"rates": X[0], "tgt": target, "velocity": np.zeros((TRIALS, 2))}
    )
    with pytest.raises(ValueError) as error:
        datasets.load(tmp_path / "m.mat", **options)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize(
    "axes", [("trial", "time", "neuron"), ("time", "trial", "neuron"), ("neuron", "time", "trial")]
)
def test_the_suggested_call_finds_the_axis_of_the_labels(tmp_path, X, target, axes):
    order = [("time", "trial", "neuron").index(axis) for axis in axes]
    np.savez(tmp_path / "s.npz", rates=X.transpose(order), tgt=target)
    call = f"load('s.npz', values='rates', dims={axes}, labels={{'tgt': 'tgt'}})"
    with pytest.raises(ValueError) as error:
        datasets.load(tmp_path / "s.npz")
    assert call in str(error.value)
    if axes[1] != "trial":  # the usual order does not fit the labels: the same call helps
        with pytest.raises(ValueError) as error:
            datasets.load(tmp_path / "s.npz", values="rates", labels={"tgt": "tgt"})
        assert call in str(error.value)
    data = datasets.load(tmp_path / "s.npz", values="rates", dims=axes, labels={"tgt": "tgt"})
    np.testing.assert_array_equal(data.values, X)


def test_long_tables_are_checked(X, target):
    table = long_table(X, target)
    with pytest.raises(ValueError, match=r"has the columns n, time.*columns=\{'trial'"):
        datasets.load(table.rename(columns={"trial": "n"}))
    with pytest.raises(
        ValueError, match=r"1 values more than once, the first for trial t\d+, time .*, neuron n\d"
    ):
        datasets.load(pd.concat([table, table[:1]]))
    with pytest.raises(ValueError, match=r"1 of 480 values \(0.2%\) that are NaN"):
        datasets.load(table[1:])
    noisy = datasets.load(table.assign(noise=np.arange(len(table))))
    assert "noise (constant neither within trials nor" in datasets.describe(noisy)
    with pytest.raises(ValueError, match=r"'value' of table holds .*, not numbers"):
        datasets.load(table.assign(value="high"))
    one_bin = table[table["time"] == 0].drop(columns="time")
    assert datasets.load(one_bin).shape == (1, TRIALS, NEURONS)


def test_damaged_files_are_named(tmp_path):
    np.save(tmp_path / "good.npy", np.eye(4))
    with pytest.raises(FileNotFoundError, match="there is no table at nowhere"):
        datasets.load(tmp_path / "good.npy", labels="nowhere.csv")
    scipy.io.savemat(tmp_path / "empty.mat", {})
    with pytest.raises(ValueError, match=r"it holds nothing.*another file"):
        datasets.load(tmp_path / "empty.mat")
    for suffix in (".mat", ".h5", ".npy", ".parquet", ".nwb"):
        path = tmp_path / f"bad{suffix}"
        path.write_bytes(b"\x00 not this \xff" * 40)
        with pytest.raises(ValueError, match=rf"bad\{suffix} can't be read"):
            datasets.load(path)


# -- Size


def test_of_a_large_netcdf_only_what_is_used_is_read(tmp_path):
    """5 GB on paper: chunks that were never written take no room on disk."""
    path = tmp_path / "large.nc"
    with h5py.File(path, "w") as file:
        for name, size in {"time": 100, "trial": 10_000, "neuron": 640}.items():
            file.create_dataset(name, data=np.arange(size, dtype="f8")).make_scale(name)
        rates = file.create_dataset(
            "rates", (100, 10_000, 640), dtype="f8", chunks=(10, 50, 64), fillvalue=np.nan
        )
        for axis, name in enumerate(("time", "trial", "neuron")):
            rates.dims[axis].attach_scale(file[name])
        rates[:10, :50] = np.random.default_rng(0).standard_normal((10, 50, 640))
    tracemalloc.start()
    data = datasets.load(path, select={"time": slice(0, 10), "trial": range(50)})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.shape == (10, 50, 640) and np.isfinite(data.values).all()
    assert peak < 60e6


def test_select_takes_parts_of_every_format(tmp_path, X, target):
    np.savez(tmp_path / "a.npz", X=X, target=target)
    datasets.save(datasets.load(tmp_path / "a.npz"), tmp_path / "a.nc")
    for name in ("a.npz", "a.nc"):
        part = datasets.load(
            tmp_path / name, select={"time": 1, "trial": slice(5, 15), "neuron": [0, 4]}
        )
        np.testing.assert_array_equal(part.values, X[1:2, 5:15][..., [0, 4]])
        assert part["target"].values.tolist() == target[5:15].tolist()


# -- Helpers


def test_spike_times_become_counts():
    spikes = [np.array([0.31, 0.0, 0.05, 1.01, 1.24]), np.array([])]
    data = datasets.processing.bin_spikes(
        spikes, [0.0, 1.0], {"side": ["left", "right"]}, stop=0.4, width=0.1
    )
    assert (
        data.values[..., 0].T.tolist() == [[2, 0, 0, 1], [1, 0, 1, 0]]
        and data.values[..., 1].sum() == 0
    )
    assert steps(data) == ["bin_spikes"]
    with pytest.raises(ValueError, match="neuron 1 hold NaN"):
        datasets.processing.bin_spikes([spikes[0], [np.nan]], [0.0, 1.0])
    with pytest.raises(ValueError, match="1 that are NaN"):
        datasets.processing.bin_spikes(spikes, [0.0, np.nan])


def test_helpers_are_recorded_and_survive_a_file(tmp_path, X, target):
    X[..., 2] = 1.5
    data = datasets.load(
        xr.DataArray(X, dims=("time", "trial", "neuron"), coords={"target": ("trial", target)})
    )
    done = datasets.processing.drop_silent(datasets.processing.soft_normalise(data, constant=2.0))
    assert done.sizes["neuron"] == NEURONS - 1
    extent = np.ptp(X[..., 0])
    np.testing.assert_allclose(done.values[..., 0], X[..., 0] / (extent + 2))
    done = datasets.processing.condition_averages(done)
    assert done.shape == (TIME, 2, NEURONS - 1) and done["averaged_trials"].values.tolist() == [
        10,
        10,
    ]
    assert steps(done) == ["soft_normalise", "drop_silent", "condition_averages"]
    datasets.save(done, tmp_path / "done.nc")
    back = datasets.load(tmp_path / "done.nc")
    assert back.attrs == done.attrs and datasets.data_hash(back) == datasets.data_hash(done)
    with pytest.raises(ValueError, match="none would be left"):
        datasets.processing.drop_silent(data.isel(neuron=[2]))
    with pytest.raises(ValueError, match="constant of 0 or more"):
        datasets.processing.soft_normalise(data, constant=-1)
    with pytest.raises(ValueError, match=r"unknown trial coordinate 'targe'"):
        datasets.processing.condition_averages(data, ["targe"])


# -- Values that are missing


def test_missing_values_are_refused_or_dropped_by_request(X, target):
    X[1, 3, 2] = X[2, 3, 4] = np.nan
    array = xr.DataArray(X, dims=("time", "trial", "neuron"), coords={"target": ("trial", target)})
    with pytest.raises(ValueError) as error:
        datasets.load(array)
    for words in (
        "2 of 480 values (0.4%)",
        "first at time 1, trial 3, neuron 2",
        "1 of 20 trials",
        "2 of 6 neurons",
    ):
        assert words in str(error.value)
    assert "missing='drop-neurons'" in str(error.value)
    fewer = datasets.load(array, missing="drop-neurons")
    np.testing.assert_array_equal(fewer.values, X[..., [0, 1, 3, 5]])
    assert steps(fewer) == ["drop-neurons"] and '"dropped": 2' in fewer.attrs["processing"]
    shorter = datasets.load(array, missing="drop-trials")
    assert shorter.sizes["trial"] == TRIALS - 1
    means = datasets.load(array, missing="average")
    np.testing.assert_allclose(means.values[:, 0], np.nanmean(X[:, :10], axis=1))
    with pytest.raises(ValueError, match=r"unknown policy.*'drop-trials'"):
        datasets.load(array, missing="drop-trial")
    X[0, :, 0] = np.nan
    with pytest.raises(ValueError, match="would leave no trial"):
        datasets.load(array, missing="drop-trials")


def test_continuous_labels_are_binned_on_request(tmp_path, X):
    speed = np.linspace(0, 1, TRIALS)
    course = np.sin(np.arange(TIME))[:, None] + speed  # (time, trial)
    np.savez(tmp_path / "v.npz", X=X, speed=speed)
    with pytest.raises(ValueError, match=r"'speed' is continuous.*bins=\{'speed'"):
        datasets.load(tmp_path / "v.npz")
    data = datasets.load(tmp_path / "v.npz", bins={"speed": [0.25, 0.5]})
    assert sorted(set(datasets.labels(data).tolist())) == [
        "0.25 to 0.5",
        "0.5 or more",
        "below 0.25",
    ]
    assert data["speed"].values[[4, 5, 10]].tolist() == ["below 0.25", "0.25 to 0.5", "0.5 or more"]
    assert steps(data) == ["bin_label"]
    halves = datasets.load(tmp_path / "v.npz", bins={"speed": 4})
    assert np.unique(datasets.labels(halves), return_counts=True)[1].tolist() == [5] * 4
    np.savez(tmp_path / "w.npz", X=X, speed=course, side=np.arange(TRIALS) % 2)
    with pytest.raises(
        ValueError, match=r"'speed' varies over time.*bins=\{'speed'.*task_variables"
    ):
        datasets.load(tmp_path / "w.npz")
    binned = datasets.load(tmp_path / "w.npz", bins={"speed": 2})
    assert datasets.task_variables(binned) == ["side", "speed"]
    assert datasets.task_variables(datasets.load(tmp_path / "w.npz", task_variables=["side"])) == [
        "side"
    ]
    for edges, words in [([2, 1], "increasing"), (1, "increasing"), ([5.0], "in one class")]:
        with pytest.raises(ValueError, match=words):
            datasets.load(tmp_path / "v.npz", bins={"speed": edges})
    with pytest.raises(ValueError, match="unknown continuous label 'sped'"):
        datasets.load(tmp_path / "v.npz", bins={"sped": 2})


# -- NWB


def write_nwb(path):
    """Two units and four trials in the layout of NWB 2."""
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.7.0"
        units = file.create_group("units")
        units["spike_times"] = np.array([0.01, 0.12, 2.03, 3.01, 1.01, 1.02])
        units["spike_times_index"] = np.array([4, 6], dtype=np.uint8)
        units["id"] = np.arange(2)
        units["location"] = np.array(["PFC", "V1"], dtype=h5py.string_dtype())
        trials = file.create_group("intervals/trials")
        trials["start_time"], trials["stop_time"] = np.arange(4.0), np.arange(4.0) + 0.5
        trials["go_time"] = np.array([0.1, 1.1, np.nan, 3.1])
        trials["id"] = np.arange(4)
        trials["choice"] = np.array(["left", "right", "left", "right"], dtype=h5py.string_dtype())
        trials["reaction"] = np.array([0.1, np.nan, 0.3, 0.2])
    return path


def test_nwb_units_are_binned_around_an_event(tmp_path):
    path = write_nwb(tmp_path / "s.nwb")
    with pytest.raises(
        ValueError,
        match=r"2 units and 4 trials.*go_time, start_time, stop_time.*load\('s\.nwb', spikes=",
    ):
        datasets.load(path)
    window = {"start": 0, "stop": 0.2, "width": 0.1}
    data = datasets.load(path, spikes=window, task_variables=["choice"])
    assert data.shape == (2, 4, 2) and datasets.labels(data).tolist() == [
        "left",
        "right",
        "left",
        "right",
    ]
    assert data.values[..., 0].T.tolist() == [[1, 1], [0, 0], [1, 0], [1, 0]]
    assert data.values[..., 1].T.tolist() == [[0, 0], [2, 0], [0, 0], [0, 0]]
    assert data["location"].values.tolist() == ["PFC", "V1"]
    assert np.isnan(data["reaction"].values[1])
    late = datasets.load(
        path, spikes={**window, "start": -0.1, "align": "go_time"}, task_variables=["choice"]
    )
    assert late.sizes["trial"] == 3 and '"trials_without": 1' in late.attrs["processing"]
    with pytest.raises(ValueError, match="unknown time of a trial 'go'"):
        datasets.load(path, spikes={**window, "align": "go"})
    with h5py.File(path, "a") as file:
        del file["units"]
    with pytest.raises(ValueError, match="no units with spike_times"):
        datasets.load(path, spikes=window)


# -- Real recordings


def decoded(data, variable=""):
    labels = datasets.labels(data, variable)
    groups = datasets.fold_groups(data)
    return sl.decoding_accuracy(data, labels, groups=groups, scale="recorded")


@present(SEQUENCES)
def test_image_sequences_a_third_of_them_missing():
    options = {
        "values": "naturalStruct.sortedResponses",
        "dims": ("zoom", "category", "movie", "time", "neuron", "repeat"),
        "labels": {"category": ["natural", "synthetic", "contrast"]},
        "task_variables": ["category"],
    }
    with pytest.raises(
        ValueError, match=r"323317 of 1023000 values \(31\.6%\).*800 have nothing else"
    ):
        datasets.load(SEQUENCES, **options)
    with pytest.raises(ValueError, match="would leave no neuron"):
        datasets.load(SEQUENCES, **options, missing="drop-neurons")
    means = datasets.load(SEQUENCES, **options, missing=["average", "drop-trials"])
    assert means.shape == (11, 44, 31) and means.attrs["sample_kind"] == "averages"
    with pytest.raises(ValueError, match=r"at least 5 trials for 5 folds; too small: .*contrast"):
        decoded(means)
    trials = datasets.load(SEQUENCES, **options, missing="drop-trials")
    assert trials.shape == (11, 265, 31)
    trials = datasets.load(
        SEQUENCES, **{**options, "task_variables": ["movie"]}, missing="drop-trials"
    )
    in_time = sl.decoding.fold_accuracies(trials, datasets.labels(trials)).mean(0)
    assert (
        in_time[[0, -1]].min() > 0.35 > 0.2 > in_time[1:-1].max()
    )  # the first and last frame tell movies apart
    with pytest.raises(
        ValueError, match=r"holds .*naturalStruct\.sortedResponses \(2, 3, 10, 11, 31, 50\)"
    ):
        datasets.load(SEQUENCES)


@present(FINGERS)
def test_finger_betas_with_whole_runs_held_out():
    options = {
        "dims": ("trial", "neuron"),
        "labels": {"finger": "condVec[0]", "run": "partVec[0]"},
        "groups": "run",
    }
    data = datasets.load(FINGERS, values="Y[0]", **options)
    assert data.shape == (1, 40, 1946) and datasets.task_variables(data) == ["finger"]
    assert decoded(data) > 0.7
    with pytest.raises(ValueError, match=r"Y\[0\] \(40, 1946\)"):
        datasets.load(FINGERS)


@present(REACHING)
def test_reaching_straight_from_the_original_file():
    target = scipy.io.loadmat(REACHING)["Ttr"].ravel()
    data = datasets.load(
        REACHING,
        values="Ytr",
        labels={"target": "Ttr", "reach": datasets.runs(target)},
        groups="reach",
    )
    assert 0.7 < decoded(data) < 0.86
    assert datasets.processing.drop_silent(data).sizes["neuron"] == 174 - 16
    velocity = {"target": "Ttr", "speed": scipy.io.loadmat(REACHING)["Xtr"][:, 0]}
    with pytest.raises(ValueError, match="'speed' is continuous"):
        datasets.load(REACHING, values="Ytr", labels=velocity)
    fast = datasets.load(
        REACHING, values="Ytr", labels=velocity, bins={"speed": 3}, main_variable="speed"
    )
    assert np.unique(datasets.labels(fast), return_counts=True)[1].min() > 190


@present(AVERAGES)
def test_condition_averages_have_too_few_samples_to_decode():
    data = datasets.load(
        AVERAGES,
        values="firing_rate",
        dims=("neuron", "time", "trial"),
        labels={"target": "target_deg"},
        task_variables=["target"],
    )
    assert data.shape == (121, 8, 141)
    with pytest.raises(ValueError, match="every class needs at least 5 trials"):
        decoded(data)
    assert "too few for 5 folds" in datasets.describe(data)
