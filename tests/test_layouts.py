"""Every reader ends in the recording that was meant, or in one clear paragraph: 300 odd layouts for
each format, and the laws of single options.
"""

import json
import re
import warnings
from functools import partial
from itertools import product

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr as zarr_store
from layout_grammar import (
    drawn,
    hdf5,
    long_table,
    mat5,
    mat73,
    netcdf,
    npz,
    nwb,
    wide_table,
    zarr,
)

from simlib import datasets

LAYOUTS = 300
BY_ORDER = ("npz", "mat5", "mat73", "hdf5")  # whose axes have no names


def csv(path, case, table=long_table, **options):
    return table(path, case, write=lambda frame: frame.to_csv(path, index=False, **options))


def parquet(path, case, table=long_table):
    return table(path, case, write=lambda frame: frame.to_parquet(path))


FORMATS = {
    "npz": (".npz", npz),
    "mat5": (".mat", mat5),
    "mat73": (".mat", mat73),
    "hdf5": (".h5", hdf5),
    "netcdf": (".nc", netcdf),
    "zarr": (".zarr", zarr),
    "long csv": (".csv", csv),
    "long tsv": (".tsv", partial(csv, sep="\t")),
    "long parquet": (".parquet", parquet),
    "wide csv": (".csv", partial(csv, table=wide_table, sep=";", decimal=",")),
    "wide parquet": (".parquet", partial(parquet, table=wide_table)),
}


def suggested(text):
    """The calls that an error shows."""
    return re.findall(r"^.*?(load\(.*\))$", text, re.MULTILINE)


def run(call, folder):
    def load(name, **options):
        return datasets.load(folder / name, **options)

    return eval(call, {"load": load})


def options_of(kind, case, called):
    if not case.options:
        return {}
    if kind in ("netcdf", "zarr"):
        return {"dims": {f"my_{axis}": axis for axis in case.axes}, "values": "response"}
    if kind.startswith("long"):
        return {"columns": {"trial": "n", "value": "rate"}}
    if kind.startswith("wide"):
        return {"columns": {"neuron": "unit*"}}
    labels = {name: called(held) for name, held in case.options["labels"].items()}
    return {**case.options, "values": called(case.main), "labels": labels}


def same_classes(found, meant):
    """Whether two labels part the trials alike."""
    codes = [
        np.unique(np.asarray(one).astype(str), return_inverse=True)[1] for one in (found, meant)
    ]
    pairs = {*zip(*(one.tolist() for one in codes), strict=True)}
    return len(pairs) == len(set(codes[0].tolist())) == len(set(codes[1].tolist()))


def check_loaded(data, case, kind, called):
    """As meant, unless nothing in the file says what its axes are, and that is said."""
    assert not case.bad, case.bad
    if case.options or case.usual or case.labels or kind not in BY_ORDER:
        np.testing.assert_allclose(data.values, case.X, atol=1e-6)
        for name, meant in case.labels.items():
            assert same_classes(data[label_name(data, name)].values, meant)
    else:
        assert data.attrs["axes_guessed"] and "read as" in datasets.describe(data)
    left_out = json.loads(data.attrs.get("left_out", "{}"))
    known = {*map(str, data.coords), *left_out, *data.attrs}
    if kind in BY_ORDER:
        asked = {*options_of(kind, case, called).get("labels", {}).values()}
        lost = {called(key) for key in case.held} - known - {called(case.main), *asked}
        assert not lost, lost


def label_name(data, name):
    return next(key for key in data.coords if str(key).replace("_", ".").split(".")[-1] == name)


def check_refused(error, case, path, kind):
    """One paragraph that names the file, short, with calls that do read it."""
    text = str(error)
    assert len(text) <= 1500 and (path.name in text or "label" in text or "X has" in text), text
    for call in suggested(text):
        assert run(call, path.parent).size
    plain = case.usual and (case.main == "X" or kind not in BY_ORDER)
    alright = not case.bad and (case.options or plain) and "rt" not in case.held
    assert not alright, text


@pytest.mark.parametrize("kind", FORMATS)
def test_odd_layouts_are_read_as_meant_or_refused(tmp_path, kind):
    suffix, write = FORMATS[kind]
    loaded, failures = 0, []
    for seed in range(LAYOUTS):
        case = drawn(seed)
        path = tmp_path / f"odd{seed}{suffix}"
        try:
            called, bad = write(path, case)
            case = case._replace(bad=bad)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                data = datasets.load(path, **options_of(kind, case, called))
            check_loaded(data, case, kind, called)
            loaded += 1
        except ValueError as error:
            try:
                check_refused(error, case, path, kind)
            except Exception as problem:
                failures.append((seed, f"{type(problem).__name__}: {problem}"[:600]))
        except Exception as problem:
            failures.append((seed, f"{type(problem).__name__}: {problem}"[:600]))
    assert not failures, f"{len(failures)}: {failures[:4]}"
    assert loaded > LAYOUTS / 5


def test_odd_nwb_files_are_read_as_meant_or_refused(tmp_path):
    for seed in range(LAYOUTS):
        path = tmp_path / f"odd{seed}.nwb"
        session = nwb(path, seed)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                data = datasets.load(path, **session.options)
        except ValueError as error:
            assert session.bad and path.name in str(error) and len(str(error)) <= 1500, (
                seed,
                error,
            )
            for call in suggested(str(error)):
                assert session.bad not in ("no window",) or run(call, tmp_path).size
            continue
        assert not session.bad, seed
        np.testing.assert_array_equal(data.values, session.counts, err_msg=str(seed))
        for name, meant in session.labels.items():
            assert same_classes(data[name].values, meant), (seed, name)
        left_out = json.loads(data.attrs.get("left_out", "{}"))
        with h5py.File(path) as file:
            lost = (
                {*file["units"]} - {*map(str, data.coords)} - {"spike_times", "spike_times_index"}
            )
            assert all(f"units/{name}" in left_out for name in lost - {"id"}), (seed, lost)


def test_odd_arrays_alone_are_read_as_meant_or_refused(tmp_path):
    for seed in range(LAYOUTS):
        case, path = drawn(seed), tmp_path / f"odd{seed}.npy"
        np.save(path, case.held[case.main])
        options = {"dims": case.axes, "labels": case.labels} if case.options else {}
        try:
            data = datasets.load(path, **options)
        except ValueError as error:
            check_refused(error, case._replace(usual=False), path, "npy")
            continue
        assert not case.bad, seed
        if case.options or case.usual:
            np.testing.assert_allclose(data.values, case.X, atol=1e-6)
        else:
            assert data.attrs["axes_guessed"] and "read as" in datasets.describe(data)


# -- Axes


@pytest.fixture
def recording(tmp_path):
    """Responses (time, trial, neuron), a label, and the folder to write to."""
    X = np.random.default_rng(0).standard_normal((10, 60, 8))
    return X, np.tile([0, 1], 30), tmp_path


@pytest.mark.parametrize("order", [(2, 0, 1), (0, 2, 1), (1, 0, 2), (1, 2, 0)])
@pytest.mark.parametrize("kind", ["npz", "mat5", "hdf5"])
def test_labels_that_fit_another_axis_refuse_with_every_reading(recording, kind, order):
    X, choice, folder = recording
    suffix, write = FORMATS[kind]
    path = folder / f"odd{suffix}"
    case = drawn(0)._replace(held={"X": X.transpose(order), "choice": choice})
    write(path, case)
    with pytest.raises(ValueError, match="choice has 60 values") as error:
        datasets.load(path)
    calls = suggested(str(error.value))
    read = [run(call, folder) for call in calls]
    assert 2 <= len(calls) <= 3 and len({data.shape for data in read}) == len(read)
    meant = [data for data in read if data.shape == X.shape]
    np.testing.assert_array_equal(meant[0], X)
    assert datasets.labels(meant[0]).tolist() == choice.tolist()


@pytest.mark.parametrize("kind", ["npz", "mat5", "hdf5"])
def test_times_and_neurons_are_known_by_name_and_length(recording, kind):
    X, choice, folder = recording
    suffix, write = FORMATS[kind]
    beside = {"choice": choice, "t": np.arange(10) / 20, "unit_id": np.arange(8) + 3}
    write(folder / f"a{suffix}", drawn(0)._replace(held={"X": X, **beside}))
    data = datasets.load(folder / f"a{suffix}")
    assert data["t"].dims == ("time",) and data["unit_id"].dims == ("neuron",)
    write(folder / f"b{suffix}", drawn(0)._replace(held={"X": X.transpose(1, 2, 0), **beside}))
    with pytest.raises(ValueError) as error:
        datasets.load(folder / f"b{suffix}")
    assert "('trial', 'neuron', 'time')" in suggested(str(error.value))[0]
    np.testing.assert_array_equal(run(suggested(str(error.value))[0], folder), X)
    regions = {"choice": np.arange(60), "region": np.repeat(["V1", "V2"], 4)}
    write(folder / f"c{suffix}", drawn(0)._replace(held={"X": X.swapaxes(1, 2), **regions}))
    with pytest.raises(ValueError, match="region has 8 values"):
        datasets.load(folder / f"c{suffix}")


def test_axes_merge_into_neurons_and_into_trials(recording):
    _, label, folder = recording
    X = np.random.default_rng(1).standard_normal((60, 6, 4, 3))
    np.savez(folder / "conv.npz", conv1=X, label=label)
    options = {"values": "conv1", "dims": ("trial", ("neuron", "channel", "y", "x"))}
    data = datasets.load(folder / "conv.npz", **options)
    np.testing.assert_array_equal(data.values[0], X.reshape(60, -1))
    assert data["channel"].values[[0, 12, 71]].tolist() == [0, 1, 5]
    assert datasets.labels(data).tolist() == label.tolist()
    split = datasets.load(
        folder / "conv.npz",
        values="conv1",
        dims=("trial", ("neuron", "c"), "time", ("neuron", "x")),
    )
    np.testing.assert_array_equal(split.values, X.transpose(2, 0, 1, 3).reshape(4, 60, 18))
    trials = datasets.load(
        folder / "conv.npz", values="conv1", dims=(("trial", "image", "channel"), "time", "neuron")
    )
    np.testing.assert_array_equal(trials.values, X.reshape(360, 4, 3).swapaxes(0, 1))
    assert trials["label"].values.tolist() == np.repeat(label, 6).tolist()
    array = xr.DataArray(X, dims=("image", "channel", "y", "x"))
    merged = {"image": "trial", "channel": "neuron", "y": "neuron", "x": "neuron"}
    for dims in (merged, ("trial", ("neuron", "channel", "y", "x"))):
        np.testing.assert_array_equal(datasets.load(array, dims=dims), data)
    with pytest.raises(ValueError, match="unknown axis to merge into 'neurons'"):
        datasets.load(array, dims=("trial", ("neurons", "channel", "y", "x")))
    with pytest.raises(ValueError, match="one axis is trial"):
        datasets.load(array[0, 0], dims=("time", "neuron"))


def test_readings_are_shown_whatever_form_the_labels_have(recording):
    X, choice, folder = recording
    np.save(folder / "a.npy", X.transpose(1, 0, 2)[:, None])
    np.savez(folder / "a.npz", rates=X.transpose(1, 0, 2))
    table = pd.DataFrame({"choice": choice, **{f"more{k}": choice for k in range(9)}})
    table.to_csv(folder / "labels.csv", index=False)
    for labels in (table, {"choice": choice}, folder / "labels.csv"):
        with pytest.raises(ValueError) as error:
            datasets.load(folder / "a.npz", labels=labels)
        calls = suggested(str(error.value))
        assert calls and "ambiguous" not in str(error.value)
        assert all(run(call, folder).size for call in calls if "PosixPath" not in call)


def test_without_an_axis_of_neurons_there_is_one(recording):
    X, choice, folder = recording
    np.savez(folder / "one.npz", raster=X[..., 0], choice=choice)
    data = datasets.load(folder / "one.npz", values="raster", dims=("time", "trial"))
    np.testing.assert_array_equal(data.values, X[..., :1])


def test_labels_lie_along_the_axis_of_conditions_that_they_fit(recording):
    folder = recording[2]
    rates = np.random.default_rng(2).standard_normal((21, 18, 5, 7))
    objects, place = np.repeat(np.arange(7), 3), np.tile(np.arange(3), 7)
    np.savez(folder / "p.npz", rates=rates, object=objects, place=place)
    options = {"values": "rates", "dims": ("cond", "repeat", "time", "neuron")}
    for labels in (None, {"object": "object", "place": "place"}, {"object": ("cond", "object")}):
        data = datasets.load(folder / "p.npz", **options, labels=labels)
        assert data["object"].values.tolist() == np.repeat(objects, 18).tolist()
    np.savez(folder / "q.npz", rates=rates[:18], object=np.arange(18) % 3)
    with pytest.raises(ValueError, match=r"fit cond and repeat: name the axis"):
        datasets.load(folder / "q.npz", **options, labels={"object": "object"})
    data = datasets.load(folder / "q.npz", **options, labels={"object": ("repeat", "object")})
    assert data["object"].values.tolist() == np.tile(np.arange(18) % 3, 18).tolist()
    with pytest.raises(ValueError, match="does not fit the axes"):
        datasets.load(folder / "p.npz", **options, labels={"object": ("repeat", "object")})


# -- What else a file holds


def test_what_is_left_out_is_told_with_its_reason(recording):
    X, choice, folder = recording
    held = {"X": X, "choice": choice, "position": np.zeros((60, 2)), "params": np.arange(5)}
    np.savez(folder / "a.npz", **held)
    data = datasets.load(folder / "a.npz")
    text = datasets.describe(data)
    assert "X (10, 60, 8) of a.npz, read as time 10, trial 60, neuron 8" in text
    assert "position (shape (60, 2), not one value a trial; a column of it is named" in text
    assert "params (5 values" in text
    asked = datasets.load(folder / "a.npz", labels={"choice": "choice"})
    assert "params (not named in labels=)" in datasets.describe(asked)
    np.savez(folder / "b.npz", X=X, choice=choice[:-1])
    with pytest.raises(ValueError, match=r"'choice' of b\.npz.*got 59 labels for 60 trials"):
        datasets.load(folder / "b.npz")
    assert datasets.load(folder / "b.npz", labels={}).shape == X.shape


def test_facts_of_neurons_and_times_survive_every_file(recording):
    X, choice, folder = recording
    coords = {
        "choice": ("trial", choice),
        "region": ("neuron", np.repeat(["V1", "V2"], 4)),
        "time": ("time", np.arange(10) * 0.05),
    }
    square = X[:, :8]  # as many trials as neurons: lengths don't tell which fact is whose
    array = xr.DataArray(square, dims=("time", "trial", "neuron"))
    data = datasets.load(array.assign_coords(coords | {"choice": ("trial", choice[:8])}))
    for suffix in (".npz", ".nc", ".zarr"):
        datasets.save(data, folder / f"out{suffix}")
        back = datasets.load(folder / f"out{suffix}")
        xr.testing.assert_equal(back, data)
        assert datasets.data_hash(back) == datasets.data_hash(data)


def test_a_missing_label_harms_only_where_it_is_decoded(recording):
    X, choice, folder = recording
    gaps = {"coded": np.where(np.arange(60) % 20 == 7, np.nan, choice), "choice": choice}
    gaps["rt"] = np.where(np.arange(60) % 6, 0.4 + choice / 7, np.nan)
    np.savez(folder / "a.npz", X=X, **gaps)
    array = xr.DataArray(X, dims=("time", "trial", "neuron"))
    array = array.assign_coords({key: ("trial", value) for key, value in gaps.items()})
    array.to_netcdf(folder / "a.nc", engine="h5netcdf")
    for source in (folder / "a.npz", folder / "a.nc", array):
        assert datasets.load(source, task_variables=["choice"]).shape == X.shape
        with pytest.raises(ValueError, match=r"'coded' is missing in 3 of 60 trials.* trial 7"):
            datasets.load(source, task_variables=["coded"])
        known = datasets.load(source, task_variables=["coded"], missing="drop-unlabelled")
        assert known.sizes["trial"] == 57 and datasets.task_variables(known) == ["coded"]


@pytest.mark.parametrize("word", ["nan", ""])
def test_words_that_look_missing_are_questioned(recording, word):
    X, choice, folder = recording
    words = np.where(np.arange(60) < 6, word, np.where(choice, "left", "right"))
    np.savez(folder / "a.npz", X=X, choice=words)
    with pytest.warns(UserWarning, match=f"6 of 60 trials have '{word}' as their 'choice'"):
        data = datasets.load(folder / "a.npz")
    assert datasets.labels(data).tolist() == words.tolist()


def test_a_fill_value_is_missing_only_where_the_store_says_so(recording):
    _, choice, folder = recording
    counts = np.random.default_rng(3).poisson(1.0, (60, 8)).astype("i4")
    for fill, declared in product((0, 1, 7), (False, True)):
        path = folder / f"f{fill}{declared}.zarr"
        group = zarr_store.open_group(path, mode="w", zarr_format=2)
        for name, values, dims in (
            ("X", counts, ["trial", "neuron"]),
            ("choice", choice, ["trial"]),
        ):
            made = group.create_array(name, shape=values.shape, dtype=values.dtype, fill_value=fill)
            made[...] = values
            made.attrs["_ARRAY_DIMENSIONS"] = dims
        if declared:
            group["X"].attrs["_FillValue"] = fill
        zarr_store.consolidate_metadata(path)
        if declared and (counts == fill).any():
            with pytest.raises(ValueError, match=rf"{(counts == fill).sum()} of 480 values"):
                datasets.load(path)
        else:
            np.testing.assert_array_equal(datasets.load(path).values[0], counts)
            assert datasets.labels(datasets.load(path)).tolist() == choice.tolist()


# -- Tables


def test_words_for_missing_values_are_words_among_words(recording):
    X, _, folder = recording
    stimulus = np.resize(["None", "NA", "left"], 60)
    table = pd.DataFrame(X[0], columns=[f"unit{k}" for k in range(8)]).assign(stimulus=stimulus)
    table.to_csv(folder / "wide.csv", index=False)
    np.save(folder / "a.npy", X[0])
    table[["stimulus"]].to_csv(folder / "labels.csv", index=False)
    long = table.assign(trial=np.arange(60)).melt(["trial", "stimulus"], var_name="neuron")
    long.to_csv(folder / "long.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for read in (
            datasets.load(folder / "wide.csv"),
            datasets.load(folder / "a.npy", labels=folder / "labels.csv"),
            datasets.load(folder / "long.csv"),
        ):
            assert datasets.labels(read, "stimulus").tolist() == stimulus.tolist()
            np.testing.assert_allclose(read.values[0], X[0])
    table.loc[3, "unit2"] = np.nan
    for word in ("", "NA", "NaN", "None"):
        table.to_csv(folder / "gap.csv", index=False, na_rep=word)
        with pytest.raises(ValueError, match=r"1 of 480 values.*trial 3, neuron 2"):
            datasets.load(folder / "gap.csv")


def test_numbered_columns_that_are_no_neurons_are_not_taken_for_them():
    frame = pd.DataFrame(np.random.default_rng(0).random((20, 6)))
    for stems in (["t"] * 6, ["bin"] * 6, ["unit", "unit", "unit", "cell", "cell", "cell"]):
        named = frame.set_axis([f"{stem}{k}" for k, stem in enumerate(stems)], axis=1)
        with pytest.raises(ValueError, match=r"columns=\{'neuron': 'unit\*'\}"):
            datasets.load(named)
        data = datasets.load(named, columns={"neuron": list(named.columns)})
        np.testing.assert_array_equal(data.values[0], frame)


def test_what_the_index_of_a_table_says_is_a_label():
    X, words = np.random.default_rng(0).random((20, 3)), np.resize(["left", "right"], 20)
    for index in (pd.Index(words, name="choice"), pd.Index(words)):
        data = datasets.load(pd.DataFrame(X, columns=["u1", "u2", "u3"], index=index))
        assert datasets.labels(data).tolist() == words.tolist()
    shuffled = pd.DataFrame(X, columns=["u1", "u2", "u3"]).sample(frac=1, random_state=0)
    assert datasets.task_variables(datasets.load(shuffled)) == []
    frame = pd.DataFrame(X, columns=pd.MultiIndex.from_product([["V1"], [1, 2, 3]]))
    with pytest.raises(ValueError, match="2 levels"):
        datasets.load(frame)


def test_times_that_differ_by_rounding_are_one():
    times = np.array([[0.1 * 3, 0.30000000000000004, 0.3], [0.6, 0.1 * 6, 0.2 * 3]])
    rows = [(t, "ab"[t % 2], times[k, t], t + 10.0 * k) for t in range(3) for k in range(2)]
    frame = pd.DataFrame(rows, columns=["trial", "area", "time", "value"]).assign(neuron=0)
    data = datasets.load(frame)
    assert data.shape == (2, 3, 1) and data.values[..., 0].tolist() == [[0, 1, 2], [10, 11, 12]]


# -- Files that are not read, and errors


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("layer.pt", "torch.load"),
        ("model.safetensors", "safetensors.numpy"),
        ("raw.fif", "mne"),
        ("bold.nii.gz", "NiftiMasker"),
        ("data.PKL", "runs code"),
        ("model.joblib", "runs code"),
        ("sheet.xlsx", "Save the sheet"),
        ("epochs.set", "mne"),
    ],
)
def test_foreign_files_are_named_in_two_lines(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(ValueError, match=words) as error:
        datasets.load(tmp_path / name)
    assert str(error.value).count("\n") == 1 and name in str(error.value)


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("suite2p/plane0/iscell.npy", "suite2p"),
        ("alf/spikes.times.npy", "ALF"),
        ("spike_times.npy", "Kilosort"),
        ("notes.md", "Name one of its files"),
    ],
)
def test_foreign_folders_are_named(tmp_path, inside, words):
    (tmp_path / "session" / inside).parent.mkdir(parents=True)
    (tmp_path / "session" / inside).write_bytes(b"anything")
    with pytest.raises(ValueError, match=words):
        datasets.load(tmp_path / "session")


def test_errors_are_short_whatever_the_file_holds(recording):
    X, _, folder = recording
    many = {f"a_rather_long_name_{k:05d}" * 3: X[0] for k in range(500)}
    np.savez(folder / "many.npz", **many)
    pd.DataFrame(np.zeros((3, 4000)), columns=[f"{'c' * 90}{k}x" for k in range(4000)]).to_csv(
        folder / "wide.csv", index=False
    )
    for options in (
        {"dataset": folder / "many.npz"},
        {"dataset": folder / "many.npz", "values": "rates"},
        {"dataset": folder / "wide.csv"},
        {"dataset": folder / "many.npz", "values": next(iter(many)), "labels": {"x" * 4000: "y"}},
    ):
        with pytest.raises(ValueError) as error:
            datasets.load(**options)
        assert len(str(error.value)) <= 1500


def test_the_home_folder_is_expanded(recording, monkeypatch):
    X, choice, folder = recording
    monkeypatch.setenv("HOME", str(folder))
    np.savez(folder / "here.npz", X=X[0])
    datasets.save(datasets.load("~/here.npz").drop_attrs(), "~/mine.npz")
    pd.DataFrame({"choice": choice}).to_csv(folder / "labels.csv", index=False)
    read = datasets.load("~/mine.npz", labels="~/labels.csv")
    assert read.shape == (1, 60, 8) and datasets.labels(read).tolist() == choice.tolist()
