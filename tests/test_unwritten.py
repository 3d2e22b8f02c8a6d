"""What was never written is missing, not 0: chunks of HDF5, MATLAB 7.3, NWB, netCDF and Zarr."""

import json
import warnings

import h5netcdf
import h5py
import numpy as np
import pytest
import xarray as xr
import zarr

from simlib import datasets
from simlib.datasets.own import unwritten

COUNTS = np.random.default_rng(0).poisson(1.0, (10, 60, 8))
RATES = np.random.default_rng(1).standard_normal((10, 60, 8))
TARGET = np.tile([1, 2], 30)
DIMS = ("time", "trial", "neuron")
THIRD = r"X has 1600 of 4800 values.*X: 1 of its 3 chunks never written; finish writing"


def hdf5(path, name, values, chunks, end=None):
    """A dataset that is written up to the trial `end` alone."""
    with h5py.File(path, "a") as file:
        matlab = path.suffix == ".mat"
        values = values.T if matlab else values
        item = file.create_dataset(
            name, values.shape, values.dtype, chunks=chunks and (chunks[::-1] if matlab else chunks)
        )
        axis = (values.ndim - 1) // 2 if values.shape != (1, 60) else 1
        part = (*[slice(None)] * axis, slice(0, end))
        if end != 0:
            item[part] = values[part]
        if matlab:
            item.attrs["MATLAB_class"] = np.bytes_("double")


def netcdf(path, name, values, chunks, end=None, dims=DIMS, **options):
    with h5netcdf.File(path, "a") as file:
        for dim, size in zip(dims, values.shape, strict=True):
            if dim not in file.dimensions:
                file.dimensions[dim] = size
        item = file.create_variable(name, dims, values.dtype, chunks=chunks, **options)
        part = (slice(None), slice(0, end)) if values.ndim > 1 else slice(0, end)
        if end != 0:
            item[part] = values[part]


def store(path, name, values, chunks, end=None, dims=DIMS, fill=0, form=3, **options):
    group = zarr.open_group(path, mode="a", zarr_format=form)
    named = {} if form == 2 else {"dimension_names": dims}
    item = group.create_array(
        name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=chunks,
        fill_value=fill,
        **named,
        **options,
    )
    if form == 2:
        item.attrs["_ARRAY_DIMENSIONS"] = list(dims)
    part = (slice(None), slice(0, end)) if values.ndim > 1 else slice(0, end)
    if end != 0:
        item[part] = values[part]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # format 3 has no standard for it yet
        zarr.consolidate_metadata(path)
    return path


def written(path, X=COUNTS, end=None, label_end=None, labels=TARGET, chunks=(10, 20, 8), **options):
    """A recording with a label `target`, written up to these trials, in the format of the path."""
    if path.suffix in (".h5", ".mat"):
        hdf5(path, "X", X.astype(float) if path.suffix == ".mat" else X, chunks, end)
        matlab = path.suffix == ".mat"
        hdf5(
            path, "target", labels[:, None] if matlab else labels, (20, 1)[: 1 + matlab], label_end
        )
        return path
    put = netcdf if path.suffix == ".nc" else store
    put(path, "X", X, chunks, end, **options)
    form = {"form": options["form"]} if "form" in options else {}
    put(path, "target", labels, (20,), label_end, dims=("trial",), **form)
    return path


@pytest.fixture(params=["a.h5", "a.mat", "a.nc", "v2.zarr", "v3.zarr"])
def place(request, tmp_path):
    return tmp_path / request.param


def options(place):
    return {"form": int(place.stem[1])} if place.suffix == ".zarr" else {}


# -- Every format


def test_a_recording_that_is_whole_is_read_without_a_word(place):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = datasets.load(written(place, **options(place)))
    np.testing.assert_array_equal(data.values, COUNTS)


@pytest.mark.parametrize("X", [COUNTS, RATES], ids=["counts", "rates"])
def test_values_that_were_never_written_are_missing(place, X):
    written(place, X, end=40, **options(place))
    with pytest.raises(ValueError, match=THIRD) as error:
        datasets.load(place)
    assert "missing='drop-trials' leaves 40 of 60 trials" in str(error.value)
    for ways in ({"missing": "drop-trials"}, {"select": {"trial": slice(0, 40)}}):
        data = datasets.load(place, **ways)
        np.testing.assert_array_equal(data.values, X[:, :40])
        assert unwritten.NOTES not in data.attrs


def test_where_nothing_was_written_nothing_is_read(place):
    written(place, end=0, **options(place))
    with pytest.raises(ValueError, match=r"3 (of its 3 )?chunks .*never written"):
        datasets.load(place)


@pytest.mark.parametrize("end", [40, 0])
def test_labels_that_were_never_written_are_missing(place, end):
    written(place, label_end=end, **options(place))
    with pytest.raises(ValueError) as error:
        datasets.load(place, task_variables=["target"])
    message = str(error.value)
    assert f"{(60 - end) // 20} of its 3 chunks never written" in message
    if end:
        assert "label 'target' is missing in 20 of 60 trials, the first at trial 40" in message


def test_errors_are_short_however_much_is_lacking(tmp_path):
    path = tmp_path / "a.h5"
    for k in range(20):
        hdf5(path, f"label_{'x' * 90}{k}", TARGET, (20,), 40)
    hdf5(path, "X", COUNTS, (10, 20, 8), 40)
    with pytest.raises(ValueError, match="never written") as error:
        datasets.load(path)
    assert len(str(error.value)) <= 1500


# -- HDF5


def test_a_dataset_in_one_piece_without_storage_was_never_written(tmp_path):
    for name in ("a.h5", "a.mat"):
        with pytest.raises(ValueError, match="1 of its 1 chunks never written"):
            datasets.load(written(tmp_path / name, chunks=None, end=0))


def test_what_was_allocated_before_it_was_written_is_taken_as_it_is(tmp_path):
    """HDF5 says nothing then: the limit of what can be known."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        space, kind = h5py.h5s.create_simple((60, 8)), h5py.h5t.NATIVE_DOUBLE
        h5py.h5d.create(file.id, b"early", kind, space, plan)
        assert unwritten.in_hdf5(file["early"]) is None
        for name, shape in (("scalar", ()), ("empty", (0, 8)), ("grown", (60, 8))):
            item = file.create_dataset(
                name, shape, "f8", chunks=shape and (20, 8), maxshape=shape and (None, 8)
            )
            assert (unwritten.in_hdf5(item) is None) == (name == "empty")


@pytest.mark.parametrize("fill", [-1.0, np.nan])
def test_whatever_the_fill_value_is(tmp_path, fill):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("X", COUNTS.shape, "f8", chunks=(10, 20, 8), fillvalue=fill)[:, :40] = (
            1.5
        )
        file["X"][:, :40] = COUNTS[:, :40]
        file["target"] = TARGET
    with pytest.raises(ValueError, match=THIRD):
        datasets.load(tmp_path / "a.h5")


def test_text_that_was_never_written_is_left_out_with_the_reason(tmp_path):
    path, words = tmp_path / "a.h5", np.tile(np.array(["go", "no"], object), 30)
    with h5py.File(path, "w") as file:
        file["X"], file["target"] = COUNTS, TARGET
        item = file.create_dataset("cue", (60,), h5py.string_dtype(), chunks=(20,))
        item[:40] = words[:40]
        pairs = file.create_dataset("pairs", (60,), [("side", "i4"), ("size", "f8")], chunks=(20,))
        pairs[:40] = np.ones(40, pairs.dtype)
    told = json.loads(datasets.load(path).attrs["left_out"])
    for name in ("cue", "pairs"):
        assert "1 of its 3 chunks never written" in told[name]
    with pytest.raises(ValueError, match="1 of its 3 chunks never written"):
        datasets.load(path, labels={"cue": "cue"})


def test_a_view_is_as_whole_as_what_it_shows(tmp_path):
    def view(name, item, upto):
        layout = h5py.VirtualLayout(COUNTS.shape, COUNTS.dtype)
        layout[:, :upto] = h5py.VirtualSource(item)[:, :upto]
        with h5py.File(tmp_path / name, "w") as file:
            file.create_virtual_dataset("X", layout)
            file["target"] = TARGET
        return tmp_path / name

    for end, upto, words in (
        (None, 40, "without a source for 1600 of 4800"),
        (40, 60, "1 of its 3"),
    ):
        part = tmp_path / f"part{end}.h5"
        hdf5(part, "X", COUNTS, (10, 20, 8), end)
        with h5py.File(part) as file, pytest.raises(ValueError, match=words):
            datasets.load(view(f"view{end}.h5", file["X"], upto), values="X")
    with h5py.File(tmp_path / "partNone.h5") as file:
        whole = view("whole.h5", file["X"], 60)
    with h5py.File(whole) as file:
        assert unwritten.why_unwritten(file["X"]) == ""


def test_times_that_were_never_written_are_left_out(tmp_path):
    for path in (tmp_path / "a.h5", tmp_path / "v3.zarr"):
        written(path)
        times = np.arange(10) * 0.05
        if path.suffix == ".h5":
            hdf5(path, "time", times, (5,), 5)
        else:
            store(path, "time", times, (5,), 5, dims=("time",), fill=0.0)
        data = datasets.load(path)
        assert "time" not in data.coords
        assert json.loads(data.attrs["left_out"])["time"] == "5 of 10 times are missing"


# -- netCDF


def test_a_variable_that_is_shorter_than_its_dimension_ends_there(tmp_path):
    with h5netcdf.File(tmp_path / "a.nc", "w") as file:
        file.dimensions = {"time": 10, "trial": None, "neuron": 8}
        file.resize_dimension("trial", 40)
        file.create_variable("X", DIMS, "i8", chunks=(10, 20, 8))[...] = COUNTS[:, :40]
        file.resize_dimension("trial", 60)
    with pytest.raises(ValueError, match=r"1600 of 4800 .*never written"):
        datasets.load(tmp_path / "a.nc")


@pytest.mark.parametrize("kind", ["f4", "f8", "i4", "i8"])
@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_what_netcdf_fills_up_with_is_missing_unless_declared(tmp_path, kind, engine):
    if (kind, engine) == ("i8", "scipy"):
        return  # the classic format has no such numbers
    X, labels = COUNTS.astype(kind), TARGET.astype("i4")
    X[:, 40:], labels[50:] = unwritten.NETCDF_FILLS[kind], unwritten.NETCDF_FILLS["i4"]
    data = xr.DataArray(X, dims=DIMS, coords={"target": ("trial", labels)}, name="X")
    plain = {"X": {"_FillValue": None}}
    data.to_netcdf(tmp_path / "a.nc", engine=engine, encoding=plain)
    with pytest.raises(ValueError, match=r"1600 of its 4800 values are .*never written") as error:
        datasets.load(tmp_path / "a.nc")
    assert "label 'target' is missing in 10 of 60 trials" in str(error.value)
    other = {"X": {"_FillValue": np.array(-1, kind)}}
    data.drop_vars("target").to_netcdf(tmp_path / "b.nc", engine=engine, encoding=other)
    np.testing.assert_array_equal(datasets.load(tmp_path / "b.nc").values, X)


# -- Zarr


@pytest.mark.parametrize(("end", "count"), [(40, "2 of its 6"), (30, "3 of its 6")])
@pytest.mark.parametrize("shards", [(10, 20, 8), (10, 60, 8)])
def test_inner_chunks_of_shards_are_counted(tmp_path, shards, end, count):
    path = written(tmp_path / "a.zarr", end=end, chunks=(10, 10, 8), shards=shards)
    with pytest.raises(ValueError, match=f"X: {count} chunks never written"):
        datasets.load(path)


def test_another_fill_value_than_0_is_no_number_either(tmp_path):
    path = written(tmp_path / "a.zarr", end=40, fill=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=THIRD):
            datasets.load(path)


def test_a_part_of_time_or_of_neurons_is_found_where_zeros_are_no_chance(tmp_path):
    early = store(tmp_path / "time.zarr", "X", COUNTS, (5, 20, 8), 0)
    zarr.open_group(early)["X"][:5] = COUNTS[:5]
    late = np.where((np.arange(60) >= 40)[:, None] & (np.arange(8) >= 4), 0.0, RATES)
    some = store(tmp_path / "some.zarr", "X", late, (10, 20, 4), fill=0.0)
    for path, count in ((early, "3 of its 6"), (some, "1 of its 6")):
        with pytest.raises(ValueError, match=f"{count} chunks never written"):
            datasets.load(path)


def silent_neuron():
    return np.where(np.arange(8) == 7, 0, COUNTS), (10, 60, 1), 600


def silent_trial():
    return np.where(np.arange(60)[:, None] == 20, 0, COUNTS), (10, 1, 8), 80


def half_silent_unit():
    return np.where((np.arange(60)[:, None] < 40) | (np.arange(8) < 7), COUNTS, 0), (10, 20, 1), 200


def sparse():
    X = np.random.default_rng(2).poisson(0.02, COUNTS.shape)
    blocks = X.reshape(2, 5, 12, 5, 4, 2).sum(axis=(1, 3, 5))
    return X, (5, 5, 2), 50 * int((blocks == 0).sum())


@pytest.mark.parametrize("case", [silent_neuron, silent_trial, half_silent_unit, sparse])
def test_zeros_that_may_be_data_are_read_with_a_warning_that_counts_them(tmp_path, case):
    X, chunks, count = case()
    path = written(tmp_path / "a.zarr", X, chunks=chunks)
    with pytest.warns(UserWarning, match=f"{count} values of X in a.zarr .*chunks") as said:
        data = datasets.load(path)
    np.testing.assert_array_equal(data.values, X)
    assert sum("fill value" in str(one.message) for one in said) == 1


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_chunks_lost_at_random_are_not_taken_for_data_nor_data_for_lost(tmp_path, share):
    """Of counts in blocks of trials, whatever the rate."""
    X = np.random.default_rng(3).poisson(share, (10, 60, 8))
    path = written(tmp_path / "a.zarr", X, chunks=(10, 15, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(datasets.load(path).values, X)
    (path / "X" / "c" / "0" / "2" / "0").unlink()
    with pytest.raises(ValueError, match="1 of its 4 chunks never written"):
        datasets.load(path)


def drawn(rng):
    """Counts or rates of units and trials that differ, some silent for a while or trials that end
    early, in chunks of any shape, and what a store that keeps no zeros holds of them.
    """
    shape = tuple(int(rng.choice(sizes)) for sizes in ([1, 10, 20], [20, 60, 200], [1, 3, 8, 40]))
    rate = rng.choice([0.01, 0.05, 0.2, 1, 4]) * rng.lognormal(0, 1, shape[2])
    X = rng.poisson(rate * rng.gamma(2, 0.5, (shape[1], 1)), shape).astype(float)
    kind = rng.integers(4)
    if kind == 1:
        X += rng.standard_normal(shape)
    elif kind == 2:
        X[:, shape[1] // 2 :, 0] = 0
    elif kind == 3:
        X[np.arange(shape[0])[:, None] >= rng.integers(1, shape[0] + 1, shape[1])] = 0
    return X, tuple(int(rng.integers(1, size + 1)) for size in shape)


def kept(X, chunks):
    """The values as they come from such a store, NaN where they are taken for never written."""
    counts = tuple(-(-size // chunk) for size, chunk in zip(X.shape, chunks, strict=True))
    padded = np.pad(X, [(0, n * c - s) for n, c, s in zip(counts, chunks, X.shape, strict=True)])
    blocks = padded.reshape([size for pair in zip(counts, chunks, strict=True) for size in pair])
    there = np.argwhere((blocks != 0).any(axis=(1, 3, 5)))
    stored = unwritten.Stored(there, counts, chunks, X.shape, zeros_too=False)
    data = unwritten.with_places(xr.DataArray(X, dims=DIMS, name="X"))
    return unwritten.without_unwritten(data, stored, ["neuron"], "a.zarr").values


@pytest.mark.filterwarnings("ignore:.*read as its fill value")
def test_no_store_that_is_whole_is_refused_and_most_that_were_cut_are():
    """Of 500 stores each; what is cut of sparse counts or few trials is read with a warning."""
    rng, found = np.random.default_rng(4), []
    for _ in range(500):
        X, chunks = drawn(rng)
        if X.any():
            np.testing.assert_array_equal(kept(X, chunks), X)
        half = chunks[1] * max(1, X.shape[1] // chunks[1] // 2)
        X[:, half:] = 0
        dense = X[:, :half].any(axis=(0, 2)).all() and X.shape[1] - half >= 8 and half >= 8
        if dense and X.shape[2] > 1:
            found.append(np.isnan(kept(X, chunks)[:, half:]).all())
    assert len(found) > 100 and np.mean(found) > 0.9


@pytest.mark.parametrize(
    ("labels", "lost"),
    [
        (np.tile([1, 2], 30), True),
        (np.tile([0, 1], 30), False),
        (np.repeat([0, 1, 2], 20), False),
        (np.repeat([2, 1, 0], 20), False),
        (np.repeat([1, 0, 2], 20), False),
    ],
    ids=["no zeros", "zeros", "sorted", "sorted downwards", "between"],
)
def test_labels_of_a_store_are_zeros_only_where_they_may_be(tmp_path, labels, lost):
    zeros = np.flatnonzero(labels.reshape(3, 20).any(axis=1) == 0)
    path = written(tmp_path / "a.zarr", labels=labels, label_end=None if len(zeros) else 40)
    if lost:
        with pytest.raises(ValueError, match="'target' is missing in 20 of 60 trials"):
            datasets.load(path)
    else:
        with pytest.warns(UserWarning, match="20 values of target in a.zarr"):
            found = datasets.labels(datasets.load(path))
        assert found[40:].tolist() == ([0] * 20 if not len(zeros) else labels[40:].tolist())


def test_saved_recordings_keep_their_zeros(tmp_path):
    X = xr.DataArray(COUNTS, dims=DIMS, coords={"target": ("trial", np.repeat([0, 1], 30))})
    X = X.assign_coords(block=("trial", np.zeros(60, int)))
    X[:, 20:] = 0
    datasets.save(X, tmp_path / "a.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = datasets.load(tmp_path / "a.zarr")
    np.testing.assert_array_equal(data.values, X)
    assert not data["block"].values.any()
