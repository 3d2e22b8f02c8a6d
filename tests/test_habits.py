"""Files as people have them: read as meant, or refused with the way out; nothing is lost."""

import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr

import simlib as sl
from simlib import datasets

TIMES, TRIALS, NEURONS = 5, 12, 4
X = np.random.default_rng(0).poisson(3.0, (TIMES, TRIALS, NEURONS)).astype(float)
CHOICE = np.tile(["left", "right"], TRIALS // 2)
OTHER = np.repeat(["up", "down"], TRIALS // 2)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(data: xr.DataArray, values: np.ndarray = X, **labels) -> None:
    """The recording is this one, with these labels, each one decoded."""
    np.testing.assert_array_equal(data.values, values)
    assert sorted(datasets.task_variables(data)) == sorted(labels)
    for name, expected in labels.items():
        assert data[name].values.tolist() == list(expected), name
    assert datasets.describe(data)


def refused(words: str, *args, **options) -> str:
    with pytest.raises(ValueError, match=words) as error:
        datasets.load(*args, **options)
    assert len(str(error.value)) <= 1500
    return str(error.value)


def called(message: str) -> list[xr.DataArray]:
    """What the calls in a message read."""
    calls = re.findall(r"load\(.*\)", message)
    return [eval(one, {"load": datasets.load, "slice": slice}) for one in calls]


# -- Tables of text

WIDE = pd.DataFrame(X[0], columns=[f"unit{k}" for k in range(NEURONS)]).assign(choice=CHOICE)
LONG = pd.DataFrame(
    {
        "trial": np.repeat(np.arange(TRIALS), NEURONS),
        "neuron": np.tile(np.arange(NEURONS), TRIALS),
        "value": X[0].ravel(),
        "choice": np.repeat(CHOICE, NEURONS),
    }
)
ROLES = ["trial", "neuron", "value"]
WRITTEN = {
    "plain": WIDE.to_csv(index=False),
    "row numbers": WIDE.to_csv(),
    "quoted, with names of rows": WIDE.set_axis(map(str, range(1, TRIALS + 1))).to_csv(quoting=2),
    "semicolons, decimal commas": WIDE.to_csv(index=False, sep=";", decimal=","),
    "a mark of byte order": "\ufeff" + WIDE.to_csv(index=False),
    "a line of Excel's": "sep=;\n" + WIDE.to_csv(index=False, sep=";"),
    "empty lines first": "\n\n" + WIDE.to_csv(index=False),
    "blanks after commas": WIDE.to_csv(index=False).replace(",", ", "),
    "quoted names": WIDE.to_csv(index=False).replace("choice", '"choice"', 1),
    "numbered labels beside": WIDE.assign(cond1=1, cond2=2).to_csv(index=False),
    "names are numbers": WIDE.set_axis([3, 7, 20, 41, "choice"], axis=1).to_csv(index=False),
    "long": LONG.to_csv(index=False),
    "long, capitals": LONG.rename(columns={one: one.upper() for one in ROLES}).to_csv(index=False),
    "long, blanks": LONG.rename(columns=lambda name: f" {name} ").to_csv(index=False),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_tables_of_text_are_read_however_they_are_written(tmp_path, kind):
    (tmp_path / "a.csv").write_text(WRITTEN[kind], encoding="utf-8")
    read(datasets.load("a.csv"), X[:1], choice=CHOICE)


REFUSED = {
    "latin-1": (WIDE.replace({"left": "été"}).to_csv(index=False), r"not UTF-8.*encoding="),
    "no names": (WIDE.to_csv(index=False, header=False), "first line, which holds numbers"),
    "no names, no labels": (
        WIDE.drop(columns="choice").to_csv(index=False, header=False),
        "first line, which holds numbers",
    ),
    "two columns of one name": (
        WIDE.to_csv(index=False).replace("unit1", "unit0"),
        "several columns called 'unit0'",
    ),
    "a mark for what is missing": (
        WIDE.astype({"unit1": object}).replace({"unit1": {X[0, 0, 1]: "-"}}).to_csv(index=False),
        r"'unit1' of a.csv holds '-' in \d+ rows, not numbers",
    ),
    "separated by blanks": (WIDE.to_csv(index=False, sep=" "), "by one of commas, semicolons"),
    "rows longer than names": ("a,b\n" + "1,2,3,4\n" * 6, "more values than its first line"),
    "numbered labels alone": (
        WIDE.set_axis(["stim1", "stim2", "a", "b", "choice"], axis=1).to_csv(index=False),
        r"where every neuron has a column, columns=",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_table_that_would_lose_rows_or_neurons_is_refused(tmp_path, kind):
    """Values taken for names, a neuron taken for a label, labels taken for neurons."""
    text, words = REFUSED[kind]
    (tmp_path / "a.csv").write_bytes(text.encode("latin-1" if kind == "latin-1" else "utf-8"))
    refused(words, "a.csv")


def test_odd_columns_are_read_or_named():
    table = WIDE.assign(
        part=pd.Categorical([1, 2] * (TRIALS // 2)),
        made=[{"a": 1}] * TRIALS,
        both=[[1, 2]] * TRIALS,
    )
    data = datasets.load(table)
    read(data, X[:1], choice=CHOICE, part=[1, 2] * (TRIALS // 2))
    assert datasets.arrays.left_out(data).keys() == {"made", "both"}
    gaps = table.assign(part=pd.Categorical([1, 2, np.nan, 1] * (TRIALS // 4)))
    refused(f"'part' is missing in {TRIALS // 4} of {TRIALS}", gaps)


# -- Labels


@pytest.mark.parametrize("name", ["trial", "time", "neuron"])
@pytest.mark.parametrize("way", ["array", "netcdf", "npz", "table", "values"])
def test_a_label_called_like_an_axis_stays_a_label(name, way):
    if way in ("array", "netcdf"):
        if name != "trial":
            pytest.skip("no array of xarray has such a label")
        data = xr.DataArray(X, dims=("time", "trial", "neuron"), coords={"trial": CHOICE})
        if way == "netcdf":
            data.to_netcdf("a.nc")
        data = datasets.load("a.nc" if way == "netcdf" else data)
    else:
        np.savez("a.npz", X=X, **({name: CHOICE} if way == "npz" else {}))
        np.save("a.npy", X)
        labels = {"npz": None, "table": pd.DataFrame({name: CHOICE}), "values": {name: CHOICE}}[way]
        path = "a.npy" if way == "table" else "a.npz"
        data = datasets.load(path, dims=("time", "trial", "neuron"), labels=labels)
    read(data, **{f"{name}_label": CHOICE})


def test_labels_that_are_not_decoded_are_named_with_the_reason():
    labels = {
        "choice": CHOICE,
        "one": ["a"] * TRIALS,
        "each": np.arange(TRIALS) * 2,
        "when": pd.date_range("2020", periods=TRIALS),
        "numbers": np.array([1, 2] * (TRIALS // 2), dtype=object),
        "animal": ((), "M1"),
    }
    coords = {k: v if isinstance(v, tuple) else ("trial", v) for k, v in labels.items()}
    data = datasets.load(xr.DataArray(X, dims=("time", "trial", "neuron"), coords=coords))
    read(data, choice=CHOICE, numbers=[1, 2] * (TRIALS // 2))
    assert datasets.arrays.left_out(data) == {
        "one": "not decoded: a single class, a",
        "each": "not decoded: another value in each trial",
        "when": f"not decoded: values of type {data['when'].dtype}",
        "animal": "one value for all, M1",
    }


def test_advice_names_labels_that_are_there():
    np.savez("a.npz", X=X, choice=CHOICE, rt=np.linspace(0.1, 0.9, TRIALS))
    assert "task_variables=['choice']" in refused("'rt' is continuous", "a.npz")
    read(datasets.load("a.npz", task_variables=["choice"]), choice=CHOICE)
    read(datasets.load("a.npz", task_variables="choice"), choice=CHOICE)


def test_labels_of_a_table_come_in_its_order_or_are_refused():
    np.save("a.npy", X[0])
    table = pd.DataFrame({"choice": CHOICE})
    shuffled = table.sample(frac=1, random_state=0)
    for labels in (shuffled, {"choice": shuffled["choice"]}):
        refused("rows of labels are numbered", "a.npy", labels=labels)
    read(datasets.load("a.npy", labels=shuffled.sort_index()), X[:1], choice=CHOICE)
    read(datasets.load("a.npy", labels=table.set_index("choice")), X[:1], choice=CHOICE)


def test_a_column_of_an_array_is_a_label():
    info = np.c_[np.tile([1.0, 2.0], TRIALS // 2), np.arange(TRIALS)]
    np.savez("a.npz", X=X, info=info)
    data = datasets.load("a.npz")
    assert "'info[:, 0]'" in datasets.arrays.left_out(data)["info"]
    named = datasets.load("a.npz", labels={"condition": "info[:, 0]"})
    read(named, condition=info[:, 0])
    refused("no 'info", "a.npz", labels={"condition": "info[:, 2]"})


def test_bytes_are_text_or_refused():
    np.savez("a.npz", X=X, choice=np.char.encode(np.char.replace(CHOICE, "left", "été"), "utf-8"))
    read(datasets.load("a.npz"), choice=np.char.replace(CHOICE, "left", "été"))
    np.savez("b.npz", X=X, choice=np.char.encode(np.char.replace(CHOICE, "left", "été"), "latin-1"))
    refused("no text in UTF-8", "b.npz")


def test_an_array_that_cannot_be_read_harms_no_other():
    with h5py.File("a.h5", "w") as file:
        file["X"], file["ok"] = X, np.tile([0, 1], TRIALS // 2)
        text = np.array(["\xe9".encode("latin-1")] * TRIALS, dtype=object)
        file.create_dataset("odd", data=text, dtype=h5py.string_dtype())
    data = datasets.load("a.h5")
    read(data, ok=np.tile([0, 1], TRIALS // 2))
    assert "can't be read" in datasets.arrays.left_out(data)["odd"]


# -- Names that the library has a use for


def test_names_of_our_own_are_the_users_too():
    np.savez(
        "a.npz",
        X=X,
        choice=CHOICE,
        other=OTHER,
        coordinates=np.zeros((NEURONS, 2)),
        left_out="nobody",
        processing="binned at 10 ms",
        task_variables=["choice"],
    )
    data = datasets.load("a.npz")
    read(data, choice=CHOICE)
    assert "note binned at 10 ms" in datasets.describe(data)
    np.savez("b.npz", X=X, choice=CHOICE, other=OTHER, task_variables=["other", "choice"])
    assert datasets.task_variables(datasets.load("b.npz")) == ["other", "choice"]
    array = xr.DataArray(X, dims=("time", "trial", "neuron"), coords={"choice": ("trial", CHOICE)})
    for attrs in ({"processing": "by hand"}, {"left_out": "x"}, {"task_variables": "choice"}):
        read(datasets.load(array.assign_attrs(attrs)), choice=CHOICE)
    refused("no JSON list", array.assign_attrs(task_variables="[choice"))


def test_groups_that_do_not_fit_are_refused():
    np.savez("a.npz", X=X, choice=CHOICE, groups=np.arange(7))
    refused("groups of a.npz.*7 values fit none", "a.npz")
    read(datasets.load("a.npz", labels={"choice": "choice"}), choice=CHOICE)


# -- Axes


def test_names_of_neurons_are_no_labels_where_lengths_are_equal():
    areas = np.resize(["V1", "V2"], TRIALS)
    values = np.random.default_rng(0).random((TRIALS, TRIALS))
    np.savez("a.npz", X=values, choice=CHOICE, area=areas)
    data = datasets.load("a.npz")
    read(data, values[None], choice=CHOICE)
    assert data["area"].dims == ("neuron",)
    np.savez("b.npz", X=X, cancelled=CHOICE, player=OTHER)  # words with "cell" and "layer" in them
    read(datasets.load("b.npz"), cancelled=CHOICE, player=OTHER)


def test_times_are_in_seconds_whatever_they_are_written_in():
    ways = [
        pd.date_range("2020", periods=TIMES, freq="10ms"),
        pd.timedelta_range("0s", periods=TIMES, freq="10ms"),
        np.arange(TIMES) * 0.01,
    ]
    for times in ways:
        data = xr.DataArray(X, dims=("time", "trial", "neuron"), coords={"time": times})
        np.testing.assert_allclose(datasets.load(data).time, np.arange(TIMES) * 0.01)
        long = data.assign_coords(trial=range(TRIALS), neuron=range(NEURONS))
        table = long.to_dataframe(name="value").reset_index()
        np.testing.assert_allclose(datasets.load(table).time, np.arange(TIMES) * 0.01)
    words = ["pre", "cue", "delay", "go", "post"]
    np.savez("a.npz", X=X, choice=CHOICE, time=words)
    data = datasets.load("a.npz")
    read(data, choice=CHOICE)
    assert data["time_label"].values.tolist() == words
    table = long.assign_coords(time=words).to_dataframe(name="value").reset_index()
    assert datasets.load(table)["time_label"].values.tolist() == words


def test_axes_of_a_netcdf_file_are_known_by_names_that_speak():
    for dims in (("Time", "Trial", "Neuron"), ("t", "presentation", "neuroid")):
        data = xr.DataArray(X, dims=dims, coords={"choice": (dims[1], CHOICE)})
        data.to_netcdf("a.nc")
        (found,) = called(refused("needs exactly one variable", "a.nc"))
        read(found, choice=CHOICE)


# -- Trials of unequal length, sessions


def trials_of(kind: str, shapes) -> tuple[dict, list]:
    """A file in the layout of a toolbox with one array a trial, and its arrays."""
    rng = np.random.default_rng(0)
    arrays = [rng.random(shape) for shape in shapes]
    if kind == "DataHigh":
        D = np.empty((1, len(arrays)), dtype=[("data", "O"), ("condition", "O")])
        for k, one in enumerate(arrays):
            D[0, k] = one, CHOICE[k]
        return {"D": D}, arrays
    cells, times = np.empty((1, len(arrays)), object), np.empty((1, len(arrays)), object)
    names = np.array([f"chan{k}" for k in range(NEURONS)], dtype=object)
    for k, one in enumerate(arrays):
        cells[0, k], times[0, k] = one, np.arange(one.shape[1]) / 100
    info = np.c_[np.arange(len(arrays)) % 2 + 1.0, np.arange(len(arrays))]
    return {"data": {"trial": cells, "time": times, "label": names, "trialinfo": info}}, arrays


@pytest.mark.parametrize("kind", ["DataHigh", "FieldTrip"])
def test_trials_of_unequal_length_end_in_nan_and_the_way_out_works(kind):
    lengths = [6 + k % 3 for k in range(TRIALS)]
    content, arrays = trials_of(kind, [(NEURONS, length) for length in lengths])
    scipy.io.savemat("a.mat", content)
    common = np.array([one[:, :6] for one in arrays]).transpose(2, 0, 1)
    (found,) = called(refused("no array X", "a.mat"))
    read(found, common, **({"condition": CHOICE} if kind == "DataHigh" else {}))
    values, labels = (
        ("D[:].data", {"condition": "D[:].condition"})
        if kind == "DataHigh"
        else ("data.trial[:]", {"condition": "data.trialinfo[:, 0]"})
    )
    said = {"values": values, "dims": ("trial", "neuron", "time"), "labels": labels}
    message = refused("that are NaN", "a.mat", **said)
    assert "select={'time': slice(0, 6)}" in message
    cut = datasets.load("a.mat", **said, select={"time": slice(0, 6)})
    np.testing.assert_array_equal(cut.values, common)
    assert datasets.task_variables(cut) == ["condition"]
    assert f"{TRIALS} arrays of 6 to 8: NaN where they have ended" in datasets.describe(cut)
    long = datasets.load("a.mat", **said, missing="drop-trials")
    assert dict(long.sizes) == {"time": 8, "trial": TRIALS // 3, "neuron": NEURONS}


def test_trials_of_fieldtrip_have_known_axes():
    content, arrays = trials_of("FieldTrip", [(NEURONS, 6)] * TRIALS)
    scipy.io.savemat("a.mat", content)
    (found,) = called(refused("no array X", "a.mat"))
    read(found, np.array(arrays).transpose(2, 0, 1))
    np.testing.assert_allclose(found.time, np.arange(6) / 100)
    assert found["data.label"].dims == ("neuron",)


def test_labels_are_those_beside_the_array():
    """Of two sessions in one file each has its own."""
    with h5py.File("a.h5", "w") as file:
        for name, labels in (("one", CHOICE), ("two", OTHER)):
            file[f"{name}/X"] = X
            file.create_dataset(
                f"{name}/choice", data=labels.astype(object), dtype=h5py.string_dtype()
            )
    sessions = np.empty((1, 2), dtype=[("X", "O"), ("choice", "O")])
    sessions[0, 0] = X, CHOICE.astype(object)
    sessions[0, 1] = X[:, 1:], OTHER[1:].astype(object)
    scipy.io.savemat("a.mat", {"S": sessions})
    for path, first, second, rest in (("a.h5", "one", "two", 0), ("a.mat", "S[0]", "S[1]", 1)):
        own = datasets.load(path, values=f"{first}.X")
        assert [own[name].values.tolist() for name in datasets.task_variables(own)] == [
            CHOICE.tolist()
        ]
        other = datasets.load(path, values=f"{second}.X", dims=("time", "trial", "neuron"))
        assert [other[name].values.tolist() for name in datasets.task_variables(other)] == [
            OTHER[rest:].tolist()
        ]
        found = called(refused("no array X", path))
        assert found and all(len(datasets.task_variables(one)) == 1 for one in found)


# -- Dissimilarities


def test_dissimilarities_are_never_taken_for_responses():
    rng = np.random.default_rng(0)
    points = rng.random((3, TRIALS, 2))
    rdms = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
    np.savez("a.npz", X=rdms)
    refused("dissimilarity matrix", "a.npz")
    np.savez("b.npz", RDM=rdms[0], condition=CHOICE)
    assert "Perhaps" not in refused("dissimilarity matrix", "b.npz")
    with pytest.raises(ValueError, match="dissimilarity matrix"):
        sl.score("cka", rdms, rdms)
    with pytest.raises(ValueError, match="no dissimilarity matrix"):
        sl.score(sl.measure("rsa", precomputed=True), rdms, rdms)


# -- Options


ODD = [
    {"select": {"trial": [1, 99]}},
    {"select": {"time": 0.1}},
    {"select": {"trial": "left"}},
    {"select": {"trial": slice("a", "b")}},
    {"select": {"neuron": []}},
    {"missing": {"drop-trials": "yes"}},
    {"missing": {"drop-trials": None}},
    {"dims": "trial"},
    {"dims": ("time", None, "neuron")},
    {"dims": {"old": "trial"}},
]


@pytest.mark.parametrize("options", ODD, ids=str)
def test_odd_options_are_refused(options):
    np.savez("a.npz", X=X, choice=CHOICE)
    refused("names? |no places of|policy is followed", "a.npz", **options)


WRONG_TYPES = """
import numpy as np
from simlib import datasets

np.savez("a.npz", X=np.random.rand(12, 4), choice=[0, 1] * 6)
for option in ({"select": ["trial"]}, {"groups": [1, 2]}, {"bins": 3}, {"task_variables": 3},
               {"values": 3}, {"dims": 3}, {"labels": [0, 1] * 6}):
    try:
        datasets.load("a.npz", **option)
        print("no error", option)
    except (ValueError, TypeError) as error:
        told = next(iter(option)) in str(error) or "unknown array 3" in str(error)
        print(*[] if told else [error])
assert datasets.task_variables(datasets.load("a.npz", labels={3: [0, 1] * 6})) == ["3"]
"""


def test_options_of_a_wrong_type_are_refused():
    """In a process of its own, in which nothing checks the types of arguments."""
    root = Path(sl.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", WRONG_TYPES],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert not run.returncode, run.stderr
    assert not run.stdout.strip()


def test_places_are_selected_by_number_or_mask():
    np.savez("a.npz", X=X, choice=CHOICE)
    left = datasets.load("a.npz", select={"trial": CHOICE == "left", "time": -1})
    np.testing.assert_array_equal(left.values, X[-1:, ::2])


# -- Files


def test_a_fill_value_that_nothing_explains_is_questioned():
    data = xr.DataArray(X.astype("i4"), dims=("time", "trial", "neuron"), name="X")
    data[0, 0, 0] = -1
    data.encoding["_FillValue"] = -1
    data.to_zarr("a.zarr", zarr_format=2)
    with pytest.warns(UserWarning, match="1 values of X in a.zarr are -1, its fill value"):
        assert datasets.load("a.zarr").values[0, 0, 0] == -1


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_what_a_file_packs_into_whole_numbers_harms_nothing_after_it(suffix):
    data = xr.DataArray(
        X, dims=("time", "trial", "neuron"), coords={"choice": ("trial", CHOICE)}, name="response"
    )
    data.encoding = {"dtype": "i2", "scale_factor": 0.5, "_FillValue": -9}
    write = {".nc": data.to_netcdf, ".zarr": data.to_zarr}[suffix]
    write(f"a{suffix}", **({"zarr_format": 2} if suffix == ".zarr" else {}))
    loaded = datasets.load(f"a{suffix}")
    read(loaded, choice=CHOICE)
    means = datasets.processing.condition_averages(loaded)
    for ending in (".nc", ".zarr", ".npz"):
        for one in (means, loaded.copy(data=X / 7)):
            datasets.save(one, f"b{ending}")
            np.testing.assert_array_equal(datasets.load(f"b{ending}").values, one.values)


def test_a_packed_file_is_named_and_a_large_folder_is_not_searched(tmp_path):
    WIDE.to_csv("a.csv.gz")
    refused("a.csv.gz is packed", "a.csv.gz")
    deep = tmp_path / "a" / "b" / "c" / "d"
    deep.mkdir(parents=True)
    np.save(deep / "iscell.npy", X[0])
    refused("is a folder", tmp_path / "a")
    refused("a folder of suite2p", tmp_path / "a" / "b" / "c")


def test_a_single_number_is_no_recording():
    np.savez("a.npz", X=np.array(3.0), choice=CHOICE)
    refused("got 0 axes", "a.npz")
