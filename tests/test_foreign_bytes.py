"""Files of others: nothing in one is executed, none is larger than it can be, none leads elsewhere,
and whatever happens to the process that reads one is an error here.
"""

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io
import scipy.sparse
import xarray as xr
from damage import FORMATS, TARGET, X, recording
from test_matlab import write_73
from test_nwb import WINDOW
from test_nwb import write as write_nwb

from simlib import datasets, worker
from simlib.datasets.own import apart, files, limits

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 1500
FILES = [name for name in FORMATS if not name.startswith("zarr")]
STORES = ["zarr2", "zarr3"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"1234")
    return path


def made(name: str, folder: Path) -> tuple[Path, dict]:
    """A whole file of a format, and the options that it is loaded with."""
    file, write, options = FORMATS[name]
    write(folder / file)
    return folder / file, options


def refused(path: Path, match: str, **options) -> str:
    with pytest.raises(ValueError, match=match) as caught:
        datasets.load(path, **options)
    said = str(caught.value)
    assert path.name in said and len(said) <= LONGEST
    return said


# -- The process


def crash(path):
    os.kill(os.getpid(), signal.SIGSEGV)


def forever(path):
    while True:
        pass


def exhaust(path):
    return np.ones(10**13)


FATES = {
    "a crash": (lambda path: crash(path), "signal 11"),
    "no end": (lambda path: forever(path), "after more than 1 s"),
    "memory": (lambda path: exhaust(path), "more memory than there is"),
    "an exit": (lambda path: sys.exit(3), "SystemExit: 3"),
    "no exception of ours": (lambda path: {}["lost"], "KeyError: 'lost'"),
    "a file that isn't there": (lambda path: open(f"{path}x"), "FileNotFoundError: "),
    "no result": (lambda path: threading.Lock(), "TypeError"),
}


@pytest.mark.parametrize("fate", FATES)
def test_whatever_ends_the_process_is_one_error(fate, file, monkeypatch):
    monkeypatch.setenv("SIMLIB_READ_SECONDS", "1")
    function, words = FATES[fate]
    with pytest.raises(ValueError, match=words) as caught:
        apart(function, file)
    assert type(caught.value) is ValueError and "a.bin can't be read" in str(caught.value)
    assert len(str(caught.value)) <= LONGEST
    assert apart(lambda path: path.read_bytes(), file) == b"1234"


@pytest.mark.parametrize("error", [ValueError("one, two"), FileNotFoundError("no such table")])
def test_errors_that_are_meant_arrive_as_they_are(error, file):
    def fail(path):
        raise error

    with pytest.raises(type(error)) as caught:
        apart(fail, file)
    assert type(caught.value) is type(error) and str(caught.value) == str(error)


def test_the_process_is_kept_and_one_that_was_lost_is_replaced(file):
    first = apart(lambda path: os.getpid(), file)
    assert first != os.getpid() and apart(lambda path: os.getpid(), file) == first
    os.kill(first, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(first)], timeout=10)
    assert apart(lambda path: os.getpid(), file) != first


def test_values_come_back_bit_for_bit_and_can_be_written(file):
    sent = {
        "f": np.asfortranarray(X),
        "strided": X[:, ::2],
        "big": np.arange(3, dtype=">i4"),
        "words": np.array(["a", "größer"]),
        "nan": np.array([np.nan, -0.0]),
        "empty": np.empty((0, 3)),
    }
    got = apart(lambda path: sent, file)
    for name, values in sent.items():
        assert got[name].dtype == values.dtype and got[name].flags.writeable
        assert got[name].tobytes() == values.tobytes()


def test_warnings_are_raised_here(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, X=X, target=["none", *["a", "b", "c"] * 2, "b"])
    with pytest.warns(UserWarning, match="'none'"):
        datasets.load(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="'none'"):
            datasets.load(path)


def test_files_are_read_in_the_folder_and_environment_of_the_call(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", X=X, target=TARGET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIMLIB_TOLD", "so")
    assert datasets.load("a.npz").shape == X.shape
    assert apart(lambda path: os.environ["SIMLIB_TOLD"], Path("a.npz")) == "so"


def test_threads_read_at_the_same_time(tmp_path):
    path, _ = made("npz", tmp_path)
    expected, found = datasets.load(path), []
    threads = [threading.Thread(target=lambda: found.append(datasets.load(path))) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 3 and all(one.identical(expected) for one in found)


@pytest.fixture
def interruptible():
    """Also where what began the tests ignores interruptions, as a shell does behind `&`."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupted_read_answers_no_later_one(file, interruptible):
    def interrupt():
        os.kill(os.getpid(), signal.SIGINT)

    apart(lambda path: None, file)
    timer = threading.Timer(0.3, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        apart(lambda path: time.sleep(3) or "late", file)
    assert apart(lambda path: "next", file) == "next"


PROGRAM = """
import warnings
import numpy as np, simlib as sl
target = ["none", "a", "b", "a", "b", "a"]
np.savez("a.npz", X=np.random.default_rng(0).random((2, 6, 3)), target=target)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(sl.datasets.load("a.npz").shape, [one.filename for one in caught])
"""


@pytest.mark.parametrize("how", ["-c", "-"])
def test_it_needs_no_main_module_and_warns_where_it_was_called(how, tmp_path):
    """As in a notebook, a text of Python, or what comes from a pipe."""
    command = [sys.executable, *(["-c", PROGRAM] if how == "-c" else ["-"])]
    told = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    told |= {"input": PROGRAM} if how == "-" else {}
    ran = subprocess.run(command, capture_output=True, text=True, **told)
    place = "<string>" if how == "-c" else "<stdin>"
    assert ran.stdout == f"(2, 6, 3) ['{place}']\n", ran.stderr


STUCK = """
import time, pathlib
from simlib.datasets.own import apart
pathlib.Path("a.bin").write_bytes(b"1")
apart(lambda path: [pathlib.Path("begun").touch(), time.sleep(100)], pathlib.Path("a.bin"))
"""


def test_the_process_ends_with_its_parent(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", STUCK], cwd=tmp_path, env=environment)
    while not (tmp_path / "begun").exists():
        assert parent.poll() is None
        time.sleep(0.1)
    children = psutil.Process(parent.pid).children()
    parent.kill()
    parent.wait()
    assert children and not psutil.wait_procs(children, timeout=10)[1]


def test_a_process_ends_itself_where_its_parent_cannot_end_it(monkeypatch):
    """Code that never gives way keeps the thread from running that looks for the parent."""
    monkeypatch.setattr(worker, "GRACE", 0)
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    code += "import importlib.util as u; s = u.spec_from_file_location('w', sys.path[0] + "
    code += "'/simlib/worker.py'); w = u.module_from_spec(s); s.loader.exec_module(w)\n"
    code += "w.GRACE = 0; w._alarm(0.2)\nwhile True: pass"
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGALRM


# -- Nothing is executed


class Payload:
    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return Path.touch, (self.place,)


ZARR2 = {"zarr_format": 2, "shape": [8], "chunks": [8], "dtype": "|O", "order": "C"}
ZARR2 |= {"compressor": None, "fill_value": None}


def with_payload(store: Path, codec: str, place: str) -> Path:
    """A Zarr store of format 2 or 3 that names a codec for an array `side`, whose chunk is a
    pickle that makes a file when it is read.
    """
    bytes_ = pickle.dumps(Payload(place))
    if (store / ".zgroup").is_file():
        array = {**ZARR2, "filters": [{"id": codec}]}
        (store / "side" / ".zarray").write_text(json.dumps(array))
        (store / "side" / "0").write_bytes(bytes_)
        whole = json.loads((store / ".zmetadata").read_text())
        whole["metadata"]["side/.zarray"] = array
        (store / ".zmetadata").write_text(json.dumps(whole))
    else:
        array = json.loads((store / "target" / "zarr.json").read_text())
        inner = [{"name": f"numcodecs.{codec}", "configuration": {"id": codec}}]
        array["codecs"] = [
            {
                "name": "sharding_indexed",
                "configuration": {"chunk_shape": [8], "codecs": inner, "index_codecs": []},
            }
        ]
        (store / "target" / "zarr.json").write_text(json.dumps(array))
    return store


@pytest.mark.parametrize("codec", ["pickle", "json2", "msgpack2", "of_my_own"])
@pytest.mark.parametrize("name", STORES)
def test_codecs_that_may_run_code_are_refused_by_name(name, codec, tmp_path):
    path, _ = made(name, tmp_path)
    payload = tmp_path / "ran"
    with_payload(path, codec, payload)
    said = refused(path, f"codec {codec}, which .* load never does")
    assert "save numbers or strings" in said and not payload.exists()
    assert pickle.loads(pickle.dumps(Payload(payload))) is None and payload.exists()


@pytest.mark.parametrize("place", ["alone", "consolidated"])
def test_codecs_are_looked_for_in_all_metadata(place, tmp_path):
    path, _ = made("zarr2", tmp_path)
    array = {**ZARR2, "filters": [{"id": "pickle"}]}
    if place == "alone":
        (path / "side" / ".zarray").write_text(json.dumps(array))
    else:
        whole = json.loads((path / ".zmetadata").read_text())
        whole["metadata"]["side/.zarray"] = array
        (path / ".zmetadata").write_text(json.dumps(whole))
    refused(path, "codec pickle")


@pytest.mark.parametrize("name", STORES)
def test_consolidated_metadata_that_differ_from_an_arrays_own_are_refused(name, tmp_path):
    path, _ = made(name, tmp_path)
    end = ".zarray" if name == "zarr2" else "zarr.json"
    array = json.loads((path / "target" / end).read_text())
    (path / "target" / end).write_text(json.dumps({**array, "shape": [6]}))
    refused(path, "says of 'target' in its consolidated metadata something else")


def test_names_that_lead_out_of_a_store_are_refused(tmp_path):
    path, _ = made("zarr2", tmp_path)
    whole = json.loads((path / ".zmetadata").read_text())
    whole["metadata"]["../other/.zarray"] = whole["metadata"]["target/.zarray"]
    (path / ".zmetadata").write_text(json.dumps(whole))
    refused(path, "'../other', which leads out of the store")


@pytest.mark.parametrize("codec", ["zstd", "gzip", "zlib", "lz4", "bz2", "lzma", "blosc"])
def test_codecs_of_numbers_are_read(codec, tmp_path):
    numcodecs = pytest.importorskip("numcodecs")
    chosen = numcodecs.get_codec({"id": codec})
    data, path = recording().rename("response"), tmp_path / "a.zarr"
    filters = [numcodecs.Delta(dtype="f8")]
    data.to_zarr(path, zarr_format=2, encoding={"response": {"compressors": chosen}})
    np.testing.assert_array_equal(datasets.load(path), data)
    more = tmp_path / "b.zarr"
    kept = {"response": {"compressors": chosen, "filters": filters}}
    data.to_zarr(more, zarr_format=2, encoding=kept)
    np.testing.assert_allclose(datasets.load(more), data, atol=1e-12)


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_pickles_in_arrays_are_refused(name, tmp_path):
    path, payload = tmp_path / name, tmp_path / "ran"
    values = np.array([Payload(payload)], dtype=object)
    np.save(path, values) if name == "a.npy" else np.savez(path, X=X, target=values)
    refused(path, "Object arrays cannot be loaded|never loaded|allow_pickle")
    assert not payload.exists()


# -- Sizes


def header(shape, kind="<f8") -> bytes:
    """The first bytes of an .npy file of any shape."""
    text = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def huge_npy(path):
    path.write_bytes(header((10**4, 10**4, 10**4)) + bytes(1000))


def huge_npz(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("X.npy", header((10**4, 10**4, 10**4)) + bytes(1000))


def zeros_npz(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("X.npy", header((2000, 1000, 100)) + bytes(10**6))
        file.filelist[0].file_size = 128 + 16 * 10**8


def huge_hdf5(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("X", (10**5, 8, 10**6), "f8", chunks=(1, 8, 100))[0, :, :100] = 1
        file["target"] = TARGET


def huge_labels(path):
    with h5py.File(path, "w") as file:
        file["X"] = X
        file.create_dataset("target", (10**12,), "f8", chunks=(1000,))


def huge_netcdf(path):
    with h5py.File(path, "w") as file:
        shape = {"time": 10**4, "trial": 10**5, "neuron": 10**3}
        whole = file.create_dataset("response", tuple(shape.values()), "f8", chunks=(1, 100, 100))
        for place, (name, size) in enumerate(shape.items()):
            file[name] = np.zeros(size)
            file[name].make_scale(name)
            whole.dims[place].attach_scale(file[name])


def huge_coordinate(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("time", (10**12,), "f8", chunks=(1000,)).make_scale("time")


def huge_sparse_5(path):
    scipy.io.savemat(path, {"X": scipy.sparse.csc_array((10**9, 8))})


def huge_sparse_73(path):
    write_73(path, X=scipy.sparse.csc_array(np.eye(8)), target=TARGET.astype(float))
    with h5py.File(path, "a") as file:
        file["X"].attrs["MATLAB_sparse"] = np.uint64(10**12)


def huge_zarr(path):
    datasets.save(recording(), path)
    for name in (".zmetadata", "response/.zarray"):
        whole = json.loads((path / name).read_text())
        array = whole["metadata"]["response/.zarray"] if name == ".zmetadata" else whole
        array |= {"shape": [3, 8, 10**10], "chunks": [3, 8, 100]}
        (path / name).write_text(json.dumps(whole))


def huge_chunk(path):
    datasets.save(recording(), path)
    for name in (".zmetadata", "response/.zarray"):
        whole = json.loads((path / name).read_text())
        array = whole["metadata"]["response/.zarray"] if name == ".zmetadata" else whole
        array["chunks"] = [10**4, 10**4, 10**4]
        (path / name).write_text(json.dumps(whole))


def multiplied(path):
    rows = np.arange(3000)
    frame = pd.DataFrame({"trial": rows, "time": rows, "neuron": rows, "value": 1.0})
    frame.to_csv(path, index=False)


def repeated(path):
    """Rows that are all alike take no place."""
    rows = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10**7, "i4")), ["a"])
    table = pa.table({name: rows for name in ("trial", "neuron", "target", "value")})
    with pq.ParquetWriter(path, table.schema) as file:
        for _ in range(5):
            file.write_table(table)


FLAT = {"values": "X", "dims": ("trial", "neuron")}
HUGE = {
    "npy": ("a.npy", huge_npy, {}, r"the array .*\(10000, 10000, 10000\), 8000 GB"),
    "npz": ("a.npz", huge_npz, {}, r"'X' .*\(10000, 10000, 10000\), 8000 GB"),
    "zeros in npz": ("a.npz", zeros_npz, {}, r"all that is packed .* 1.6 GB"),
    "hdf5": ("a.h5", huge_hdf5, {}, r"X .*\(100000, 8, 1000000\), 6400 GB"),
    "labels": ("a.h5", huge_labels, {"labels": {"target": "target"}, "values": "X"}, r"target"),
    "netcdf": ("a.nc", huge_netcdf, {}, r"response .*\(10000, 100000, 1000\), 8000 GB"),
    "coordinate": ("a.nc", huge_coordinate, {}, r"time .*\(1000000000000\), 8000 GB"),
    "sparse 5": ("a.mat", huge_sparse_5, FLAT, r"X .*\(1000000000, 8\), 64 GB"),
    "sparse 7.3": ("a.mat", huge_sparse_73, {"values": "X"}, r"X .*\(1000000000000, 8\)"),
    "zarr": ("a.zarr", huge_zarr, {}, r"response .*\(3, 8, 10000000000\), 1920 GB"),
    "chunk": ("a.zarr", huge_chunk, {}, r"a chunk of the array 'response' .* 8000 GB"),
    "csv": ("a.csv", multiplied, {}, r"grid .*\(3000, 3000, 3000\), 216 GB"),
    "parquet": ("a.parquet", repeated, {}, r"the table .*\(50000000, 4\), 1.6 GB"),
    "nwb": ("a.nwb", write_nwb, {"spikes": {**WINDOW, "width": 1e-9}}, r"bins .*1000000000, 40, 3"),
}


@pytest.mark.parametrize("kind", HUGE)
def test_sizes_that_cannot_be_are_refused_before_memory_is_taken(kind, tmp_path):
    name, write, options, words = HUGE[kind]
    write(tmp_path / name)
    said = refused(tmp_path / name, words, **options)
    if kind != "labels":
        assert "at most" in said and "SIMLIB_READ_GB" in said


def test_the_limit_is_said_and_can_be_set(tmp_path, monkeypatch):
    path, options = made("netcdf4", tmp_path)
    monkeypatch.setattr(limits, "LOOKED_AT", 0)
    for value in ("0", "-1", "much", "inf", "nan"):
        monkeypatch.setenv("SIMLIB_READ_GB", value)
        with pytest.raises(ValueError, match=r"SIMLIB_READ_GB=.* needs a number above 0"):
            limits.check_size("it", path, (10,), 8)
    monkeypatch.setenv("SIMLIB_READ_GB", "1e-7")
    with pytest.raises(ValueError, match=r"8e-07 GB, and at most 1e-07 GB .*SIMLIB_READ_GB"):
        limits.check_size("it", path, (100,), 8)
    limits.check_size("it", path, (10,), 8)
    monkeypatch.delenv("SIMLIB_READ_GB")
    limits.check_size("it", path, (limits.SMALL,), 1)
    with pytest.raises(ValueError, match="500 times the"):
        limits.check_size("it", path, (limits.SMALL + 1,), 1)
    assert datasets.load(path, **options).shape == X.shape


def test_time_grows_with_the_size_of_a_file(tmp_path):
    path = tmp_path / "a.bin"
    with path.open("wb") as file:
        file.truncate(50 * 10**6)
    assert limits.seconds(path) == limits.SECONDS + 50 * limits.SECONDS_PER_MB
    assert limits.seconds(tmp_path) == limits.seconds(path)


@pytest.mark.parametrize("kind", ["longer", "shorter"])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_arrays_are_as_large_as_they_say(name, kind, tmp_path):
    raw = header((3, 8, 4)) + (bytes(8 * 96 + 8) if kind == "longer" else bytes(8 * 96 - 8))
    if name == "a.npy":
        (tmp_path / name).write_bytes(raw)
    else:
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            file.writestr("X.npy", raw)
    refused(tmp_path / name, "768 bytes, and (760|776) follow")


def test_archives_whose_members_lie_over_each_other_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("X.npy", header((3, 8, 4)) + bytes(768))
        file.filelist += [file.filelist[0]] * 20
        file._didModify = True
    refused(path, "over each other|can't be read")


# -- Links


@pytest.mark.parametrize("name", FORMATS)
def test_a_link_to_a_file_is_the_file(name, tmp_path):
    path, options = made(name, tmp_path)
    link = tmp_path / f"link{path.suffix}"
    link.symlink_to(path.name)
    found, expected = datasets.load(link, **options), datasets.load(path, **options)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("suffix", sorted({FORMATS[name][0][1:] for name in FORMATS}))
def test_pipes_sockets_and_devices_are_refused_unopened(suffix, tmp_path):
    pipe = tmp_path / f"pipe{suffix}"
    os.mkfifo(pipe)
    refused(pipe, "is a pipe, not a file")
    device = tmp_path / f"device{suffix}"
    device.symlink_to("/dev/zero")
    refused(device, "is a device, not a file")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / f"s{suffix}"))
        refused(tmp_path / f"s{suffix}", "is a socket, not a file")
    if suffix != ".zarr":
        (tmp_path / f"folder{suffix}").mkdir()
        refused(tmp_path / f"folder{suffix}", "is a folder")


def test_a_table_of_labels_is_no_pipe(tmp_path):
    path, _ = made("npz", tmp_path)
    os.mkfifo(tmp_path / "labels.csv")
    with pytest.raises(ValueError, match=r"labels\.csv is a pipe, not a file"):
        datasets.load(path, labels=tmp_path / "labels.csv")


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("kind", ["file", "folder", "pipe"])
def test_what_leads_out_of_a_store_is_refused(name, kind, tmp_path):
    path, _ = made(name, tmp_path)
    inside, outside = path / "target", tmp_path / "outside"
    if kind == "folder":
        inside.rename(outside)
        inside.symlink_to(outside)
        refused(path, "target in a.zarr is a link out of the store")
    elif kind == "file":
        (inside / "more").symlink_to("/etc/passwd")
        refused(path, "is a link out of the store, to /etc/passwd")
    else:
        os.mkfifo(inside / "0.0")
        refused(path, "is a pipe, a socket or a device")


def other_file(folder: Path) -> Path:
    """A file beside, of the values that belong to the recording."""
    with h5py.File(folder / "other.h5", "w") as file:
        file["X"] = X
        file["target"] = TARGET
    return folder / "other.h5"


@pytest.mark.parametrize("target", ["file", "pipe"])
@pytest.mark.parametrize("way", ["link", "link of a link"])
@pytest.mark.parametrize("suffix", [".h5", ".mat", ".nc"])
def test_links_into_other_files_are_never_followed(suffix, way, target, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_READ_SECONDS", "5")
    other = other_file(tmp_path)
    if target == "pipe":
        other.unlink()
        os.mkfifo(other)
    path = tmp_path / f"a{suffix}"
    with h5py.File(path, "w") as file:
        file["target"] = TARGET
        file["away"] = h5py.ExternalLink(str(other), "/")
        direct = h5py.ExternalLink(str(other), "/X")
        file["X"] = direct if way == "link" else h5py.SoftLink("/away/X")
    said = refused(path, "a link into .*other.h5: load that file")
    assert "ended" not in said


def test_nwb_columns_in_other_files_are_never_read(tmp_path):
    path = write_nwb(tmp_path / "a.nwb")
    with h5py.File(path, "a") as file, h5py.File(tmp_path / "other.h5", "w") as other:
        file.copy("units/spike_times", other)
        del file["units/spike_times"]
        file["units/spike_times"] = h5py.ExternalLink("other.h5", "/spike_times")
    refused(path, "units/spike_times of a.nwb isn't read: it is a link into", spikes=WINDOW)


@pytest.mark.parametrize("suffix", [".h5", ".mat", ".nc"])
def test_values_kept_in_other_files_are_never_read(suffix, tmp_path):
    (tmp_path / "raw").write_bytes(X.tobytes())
    path = tmp_path / f"a{suffix}"
    with h5py.File(path, "w") as file:
        raw = [(str(tmp_path / "raw"), 0, X.nbytes)]
        file.create_dataset("X", X.shape, "f8", external=raw)
        file["target"] = TARGET
    refused(path, "kept in another file, .*raw")


@pytest.mark.parametrize("way", ["above", "absolute", "linked", "raw"])
def test_views_of_what_lies_elsewhere_are_never_read(way, tmp_path):
    """A view of files beside it is read (test_matlab): where those lead on, it isn't."""
    inner = tmp_path / "inner"
    inner.mkdir()
    other = other_file(tmp_path)
    (tmp_path / "raw").write_bytes(X.tobytes())
    with h5py.File(inner / "beside.h5", "w") as file:
        file["linked"] = h5py.ExternalLink(str(other), "/X")
        file.create_dataset("raw", X.shape, "f8", external=[(str(tmp_path / "raw"), 0, X.nbytes)])
    source = {"above": ("../other.h5", "X"), "absolute": (str(other), "X")}
    layout = h5py.VirtualLayout(X.shape, "f8")
    layout[:] = h5py.VirtualSource(*source.get(way, ("beside.h5", way)), X.shape)
    with h5py.File(inner / "a.h5", "w") as file:
        file.create_virtual_dataset("X", layout)
        file["target"] = TARGET
    refused(inner / "a.h5", "a view of (another folder|what is (a link into|kept in another file))")


@pytest.mark.parametrize("suffix", [".h5", ".mat", ".nc"])
def test_links_that_go_round_end(suffix, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_READ_SECONDS", "20")
    path = tmp_path / f"a{suffix}"
    with h5py.File(path, "w") as file:
        file["X"] = h5py.SoftLink("/Y")
        file["Y"] = h5py.SoftLink("/X")
        file["up/again"] = file["/"]
    refused(path, "leads to itself|needs exactly one|holds|array")


def test_a_recording_is_the_same_as_in_this_process(tmp_path):
    """Values, labels and attributes, of every format."""

    nothing = dict.fromkeys(("values", "dims", "labels", "columns", "spikes", "select"))
    none = {"bins": None, "missing": "refuse", "task_variables": None, "main_variable": None}
    for name in FORMATS:
        folder = tmp_path / name
        folder.mkdir()
        path, options = made(name, folder)
        here = files._read_or_say(path, **{**nothing, **options}, options={**none, "groups": None})
        there = datasets.load(path, **options)
        assert isinstance(there, xr.DataArray) and there.identical(here), name
        assert there.dtype == here.dtype and there.values.tobytes() == here.values.tobytes()
        assert {key: one.dtype for key, one in there.coords.items()} == {
            key: one.dtype for key, one in here.coords.items()
        }
