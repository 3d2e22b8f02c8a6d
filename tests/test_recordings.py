"""The readers of the paper's other recordings, on files of the original layouts written here, and
the downloads.
"""

import hashlib
import http.server
import io
import json
import os
import threading
from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pytest
import scipy.io
import xarray as xr

from simlib import datasets
from simlib.datasets import paper
from simlib.datasets.paper import SOURCES, Source, recordings

SHARED = Path(os.environ.get("SIMLIB_SHARED", Path(__file__).parents[2] / "shared"))
AVERAGES = SHARED / "recordings" / "hatsopoulos2007" / "condition_averages.npz"


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """A cache folder of this test's own, and no network."""
    monkeypatch.setenv("SIMLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SIMLIB_OFFLINE", "1")
    monkeypatch.delenv("SIMLIB_DATA", raising=False)


# -- Hatsopoulos 2007


def write_session(path, spikes, onsets, nested=False):
    """A session file as MATLAB 7.3 writes it: cells are references, empty ones hold their size.

    `spikes` is a list of channels, each a list of units (spike times in s); `onsets` one array a
    target.
    """
    with h5py.File(path, "w") as file:
        store = file.create_group("#refs#")

        def put(values):
            values = np.asarray(values, dtype=float).reshape(1, -1)
            if values.size:
                item = store.create_dataset(f"c{len(store)}", data=values)
            else:
                item = store.create_dataset(f"c{len(store)}", data=np.zeros(2, dtype=np.uint64))
                item.attrs["MATLAB_empty"] = np.uint8(1)
            item.attrs["MATLAB_class"] = np.bytes_("double")
            return item.ref

        def cell(name, refs, where=file):
            item = where.create_dataset(name, data=np.array(refs, dtype=h5py.ref_dtype))
            item.attrs["MATLAB_class"] = np.bytes_("cell")
            return item.ref

        units = max(map(len, spikes))
        if nested:
            channels = [
                cell(f"n{k}", [[put(unit)] for unit in channel], store)
                for k, channel in enumerate(spikes)
            ]
            cell("spikes", [channels])
        else:  # channels x units in MATLAB is (units, channels) in HDF5
            table = [
                [put(channel[unit] if unit < len(channel) else []) for channel in spikes]
                for unit in range(units)
            ]
            cell("spikes", table)
        cell("stmv_cell", [[put(times)] for times in onsets])
        for name in ("x", "y", "th1", "th2"):
            item = file.create_dataset(name, data=np.zeros((2, 10)))
            item.attrs["MATLAB_class"] = np.bytes_("double")
    return path


def session(rng, trials=6, channels=3):
    """Onsets of 8 targets, 2 s apart in random order, and Poisson spikes of up to two units a
    channel.
    """
    times = 1.0 + 2.0 * rng.permutation(8 * trials) + 0.013 * rng.random(8 * trials)
    onsets = np.sort(times.reshape(8, trials), axis=1)
    spikes = [
        [np.sort(rng.uniform(0, 100, 800)) for _ in range(1 + k % 2)] for k in range(channels)
    ]
    return spikes, onsets


@pytest.mark.parametrize("nested", [False, True])
def test_spikes_are_counted_as_in_a_plain_loop(tmp_path, nested):
    spikes, onsets = session(np.random.default_rng(0))
    path = write_session(tmp_path / "session.mat", spikes, onsets, nested)
    data = datasets.load("hatsopoulos2007", path=path, smooth_ms=0)
    assert data.shape == (10, 48, 4)
    by_name = dict(zip(data["unit"].values, range(4), strict=True))
    names = ["spikes[0][0]", "spikes[1][0]", "spikes[1][1]", "spikes[2][0]"]
    names = (
        names if nested else ["spikes[0]", "spikes[1]", "spikes[4]", "spikes[2]"]
    )  # column by column
    flat = [unit for channel in spikes for unit in channel]
    for trial, onset in enumerate(onsets.ravel()):
        for name, times in zip(names, flat, strict=True):
            expected = np.histogram(times, onset + 0.05 * np.arange(11))[0]
            np.testing.assert_array_equal(data.values[:, trial, by_name[name]], expected)
    assert datasets.labels(data)[[0, 6, 47]].tolist() == ["0 deg", "45 deg", "315 deg"]
    np.testing.assert_allclose(data["time"].values[[0, -1]], [0.025, 0.475])


def test_the_default_smooths_with_25_ms_and_bends_no_ends(tmp_path):
    spikes, onsets = session(np.random.default_rng(1))
    path = write_session(tmp_path / "session.mat", spikes, onsets)
    smooth = datasets.load("hatsopoulos2007", path=tmp_path)
    wide = datasets.load("hatsopoulos2007", path=path, smooth_ms=0, start_ms=-100, stop_ms=600)
    kernel = np.exp(-0.5 * (np.arange(-2, 3) * 50 / 25) ** 2)
    kernel /= kernel.sum()
    expected = sum(weight * wide.values[k : k + 10] for k, weight in enumerate(kernel))
    np.testing.assert_allclose(smooth.values, expected, atol=1e-12)
    assert "0.025" in smooth.attrs["processing"] and "movement onset" in smooth.attrs["processing"]
    average = datasets.load("hatsopoulos2007", path=path, average=True)
    assert average.shape == (10, 8, 4) and average.attrs["sample_kind"] == "averages"
    np.testing.assert_allclose(average.values[:, 0], smooth.values[:, :6].mean(1))


@pytest.mark.parametrize(
    ("stop", "words"), [(480, "don't fill the window"), (-50, "don't fill the window")]
)
def test_windows_are_whole_bins(tmp_path, stop, words):
    path = write_session(tmp_path / "session.mat", *session(np.random.default_rng(1)))
    with pytest.raises(ValueError, match=words):
        datasets.load("hatsopoulos2007", path=path, stop_ms=stop)


def test_other_layouts_are_named(tmp_path):
    spikes, onsets = session(np.random.default_rng(1))
    with pytest.raises(ValueError, match=r"few\.mat needs `stmv_cell`.*8 targets; found 7 cells"):
        datasets.load(
            "hatsopoulos2007", path=write_session(tmp_path / "few.mat", spikes, onsets[:7])
        )
    with h5py.File(tmp_path / "other.mat", "w") as file:
        file["rates"] = np.zeros((3, 4))
    with pytest.raises(ValueError, match=r"other\.mat is no session file.*it holds rates"):
        datasets.load("hatsopoulos2007", path=tmp_path / "other.mat")
    with pytest.raises(FileNotFoundError, match=r"holds 2 \.mat files"):
        datasets.load("hatsopoulos2007", path=tmp_path)


@pytest.mark.skipif(not AVERAGES.is_file(), reason="the condition averages are not on this machine")
def test_the_processing_gives_back_the_real_condition_averages(tmp_path):
    """Spikes drawn at the recorded rates, written as a session file, read and averaged: the rates
    again.
    """
    with np.load(AVERAGES) as file:
        rates, times = file["firing_rate"][::4], file["time_ms"]  # Hz, (unit, time, target)
    rng, trials = np.random.default_rng(0), 50
    onsets = 2.0 * np.arange(8 * trials).reshape(8, trials) + 1.0
    grid = np.arange(-0.8, 0.4, 0.001)
    spikes = []
    for unit in rates:
        found = []
        for target in range(8):
            p = np.interp(1000 * grid, times, unit[:, target]) * 0.001
            trial, step = np.nonzero(rng.random((trials, len(grid))) < p)
            found.append(onsets[target, trial] + grid[step] + 0.001 * rng.random(len(step)))
        spikes.append([np.concatenate(found)])
    path = write_session(tmp_path / "session.mat", spikes, onsets)
    settings = {"start_ms": -700, "stop_ms": 300, "average": True}
    data = datasets.load("hatsopoulos2007", path=path, **settings)
    expected = np.stack(
        [rates[:, (times >= t) & (times < t + 50)].mean(1) for t in range(-700, 300, 50)]
    )
    found = data.values.transpose(0, 2, 1) / 0.05  # spikes per bin as Hz, (time, unit, target)
    error = np.sqrt(np.mean((found - expected) ** 2))
    poisson = np.sqrt(expected.mean() / 0.05 / trials)
    assert error < 1.1 * poisson
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.98
    late = np.roll(expected, 1, axis=0)  # an alignment 50 ms off would show
    assert np.sqrt(np.mean((found - late)[1:] ** 2)) > 1.2 * error


# -- Brain-Score assemblies


def write_assembly(path, bins=1, repeats=3, images=12, starts=None, labels=None, newer=True):
    """A small assembly; returns its values as (presentation, neuroid, time_bin) and the image of
    each presentation.
    """
    rng = np.random.default_rng(0)
    image = rng.permutation(np.repeat(np.arange(images), repeats))
    values = rng.standard_normal((len(image), 6, bins)).astype("f4")
    labels = labels or {"category_name": image % 4, "object_name": image % 6}
    starts = 70 + 100 * np.arange(bins) if starts is None else starts
    coords = {
        ("stimulus_id" if newer else "image_id"): ("presentation", [f"im{k:02d}" for k in image]),
        "repetition": ("presentation", np.arange(len(image))),
        "neuroid_id": ("neuroid", [f"n{k}" for k in range(6)]),
        "region": ("neuroid", ["IT", "V4", "IT", "IT", "V4", "IT"]),
        "time_bin_start": ("time_bin", starts),
        "time_bin_end": ("time_bin", starts + (100 if bins == 1 else 1)),
    }
    coords |= {
        name: ("presentation", [f"{name[0]}{k}" for k in value]) for name, value in labels.items()
    }
    array = xr.DataArray(values, dims=("presentation", "neuroid", "time_bin"), coords=coords)
    array.to_dataset(name="dicarlo.test.public").to_netcdf(path, engine="h5netcdf")
    return values, image


@pytest.mark.parametrize("newer", [True, False])
def test_repetitions_of_an_image_are_averaged(tmp_path, newer):
    values, image = write_assembly(tmp_path / "assembly.nc", newer=newer)
    data = datasets.load("majajhong2015", path=tmp_path / "assembly.nc")
    assert data.shape == (1, 12, 4) and data["region"].values.tolist() == ["IT"] * 4
    for k in range(12):
        np.testing.assert_allclose(
            data.values[0, k], values[image == k][:, [0, 2, 3, 5], 0].mean(0), rtol=1e-6
        )
    assert data["category"].values.tolist() == [f"c{k % 4}" for k in range(12)]
    assert (
        datasets.task_variables(data) == ["category", "object"]
        and data.attrs["main_variable"] == "category"
    )
    assert json.loads(data.attrs["processing"])["repeats_mean"] == 3
    np.testing.assert_allclose(data["time"], [0.12])
    both = datasets.load("majajhong2015", path=tmp_path / "assembly.nc", region=["IT", "V4"])
    assert both.sizes["neuron"] == 6
    single = datasets.load(
        "majajhong2015", path=tmp_path / "assembly.nc", region="V4", average=False
    )
    assert (
        single.shape == (1, 36, 2) and single.attrs["groups"] == "image_id"
    )  # repeats stay in one fold
    with pytest.raises(ValueError, match=r"unknown region 'LIP'"):
        datasets.load("majajhong2015", path=tmp_path / "assembly.nc", region="LIP")


def test_freemans_fine_bins_are_averaged(tmp_path):
    image = write_assembly(tmp_path / "probe.nc", bins=1)[1]
    labels = {"texture_type": image % 2, "texture_family": image // 2}
    values, image = write_assembly(
        tmp_path / "fine.nc", bins=32, starts=np.arange(32), labels=labels
    )
    data = datasets.load(
        "freemanziemba2013", path=tmp_path / "fine.nc", region=["IT", "V4"], bin_ms=15
    )
    assert data.shape == (2, 12, 6) and datasets.task_variables(data) == ["texture_type"]
    for k in range(12):
        mean = values[image == k].mean(0)  # (neuroid, time)
        np.testing.assert_allclose(data.values[0, k], mean[:, :15].mean(1), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(data.values[1, k], mean[:, 15:30].mean(1), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(data["time"], [0.0075, 0.0225])
    with pytest.raises(ValueError, match="bin_ms=150 does not fit"):
        datasets.load("freemanziemba2013", path=tmp_path / "fine.nc", region="IT")


def test_what_is_no_assembly_is_named(tmp_path):
    xr.DataArray(np.zeros((2, 3)), dims=("a", "b"), name="rates").to_netcdf(
        tmp_path / "no.nc", engine="h5netcdf"
    )
    with pytest.raises(ValueError, match=r"no\.nc is no Brain-Score assembly.*rates"):
        datasets.load("majajhong2015", path=tmp_path)
    (tmp_path / "no.nc").write_bytes(b"cut")
    with pytest.raises(ValueError, match=r"no\.nc can't be read as netCDF"):
        datasets.load("majajhong2015", path=tmp_path)
    write_assembly(tmp_path / "no.nc", labels={"object_name": np.arange(36)})
    with pytest.raises(ValueError, match=r"lacks the coordinates category_name"):
        datasets.load("majajhong2015", path=tmp_path)
    write_assembly(tmp_path / "no.nc", labels={"category_name": np.arange(36)})
    with pytest.raises(ValueError, match=r"differ in category"):
        datasets.load("majajhong2015", path=tmp_path)


# -- Siegel 2015


def write_siegel(path, labels=None, dims=("time", "trial", "neuron")):
    rng = np.random.default_rng(0)
    values = 5 * rng.standard_normal((11, 24, 9)) * np.array([4, 3, 2, 1, 0.1, 0.1, 0.1, 2, 2])
    labels = labels or {
        "context": np.tile(["motion", "colour"], 12),
        "response": np.tile([-1, 1, 1, -1], 6),
        "direction": np.tile([30, 60, 120, 150], 6),
        "colour": np.arange(24) % 6,
    }
    coords = {name: ("trial", value) for name, value in labels.items()}
    coords |= {
        "region": ("neuron", ["FEF"] * 7 + ["V4"] * 2),
        "time": ("time", 0.025 + 0.05 * np.arange(11)),
    }
    array = xr.DataArray(
        values, dims=("time", "trial", "neuron"), coords=coords, name="rates"
    ).transpose(*dims)
    array.to_netcdf(path, engine="h5netcdf")
    return values


def test_siegel_keeps_the_components_that_hold_99_percent(tmp_path):
    values = write_siegel(tmp_path / "mine.nc", dims=("neuron", "trial", "time"))
    data = datasets.load("siegel2015", path=tmp_path)
    X = values[..., :7].reshape(-1, 7)
    squares = np.linalg.svd(X - X.mean(0), compute_uv=False) ** 2
    kept = data.sizes["neuron"]
    assert kept < 7 and squares[:kept].sum() >= 0.99 * squares.sum() > squares[: kept - 1].sum()
    np.testing.assert_allclose(datasets.spectrum(data), squares[:kept] / len(X))
    assert datasets.task_variables(data) == ["context", "response", "direction", "colour"]
    assert data["direction"].values[:4].tolist() == [-1, -1, 1, 1]
    assert data["colour"].values[:6].tolist() == [-1, -1, -1, 1, 1, 1]
    raw = datasets.load("siegel2015", path=tmp_path, region=["FEF", "V4"], variance=1)
    np.testing.assert_allclose(raw.values, values)


def test_siegel_of_a_file_that_was_not_written_to_its_end_is_refused(tmp_path):
    write_siegel(tmp_path / "whole.nc")
    whole = xr.load_dataset(tmp_path / "whole.nc")
    whole.drop_vars("rates").to_netcdf(tmp_path / "cut.nc", engine="h5netcdf")
    with h5netcdf.File(tmp_path / "cut.nc", "a") as file:
        item = file.create_variable("rates", ("time", "trial", "neuron"), "f8", chunks=(11, 8, 9))
        item[:, :8] = whole["rates"].values[:, :8]
    with pytest.raises(ValueError, match=r"rates of cut\.nc .*2 of its 3 chunks never written"):
        datasets.load("siegel2015", path=tmp_path / "cut.nc")


def test_siegel_without_a_file_says_how_to_provide_one(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"not public.*netCDF.*context, response, direction.*SIMLIB_DATA"
    ):
        datasets.load("siegel2015")
    write_siegel(tmp_path / "bare.nc", labels={"context": np.arange(24) % 2})
    with pytest.raises(
        ValueError, match=r"bare\.nc has another layout: it lacks.*response, direction, colour"
    ):
        datasets.load("siegel2015", path=tmp_path)


# -- Dyer 2017

REACHING = SHARED / "recordings" / "m1_reaching" / "mihi_demo.mat"


def write_reaches(path, lengths=(3, 2, 4), targets=(5, 3, 5), **instead):
    """A file of the demo's layout: bins of reaches one below the other, the last unit silent."""
    rng = np.random.default_rng(0)
    target = np.repeat(np.array(targets, dtype=np.uint8), lengths)[:, None]
    held = {"Ytr": rng.random((len(target), 4)) * [1, 1, 1, 0], "Ttr": target}
    held |= {"Yte": rng.random((5, 2)), "Tte": target[:5], "Xtr": rng.random((len(target), 2))}
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {name: value for name, value in (held | instead).items() if value is not None}
    scipy.io.savemat(path, content)
    return held


def test_dyer_keeps_the_bins_of_a_reach_together(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_DATA", str(tmp_path / "data"))
    assert paper.at_hand() == []
    held = write_reaches(tmp_path / "data" / "dyer2017" / "put here by hand.mat")
    assert paper.at_hand() == ["dyer2017"] and paper.at_hand(["mante2013"]) == []
    data = datasets.load("dyer2017")
    np.testing.assert_array_equal(data.values[0], held["Ytr"])
    assert datasets.labels(data).tolist() == [5] * 3 + [3] * 2 + [5] * 4
    assert datasets.fold_groups(data).tolist() == [0] * 3 + [1] * 2 + [2] * 4
    assert json.loads(data.attrs["processing"]) == {"array": "Ytr", "reaches": 3}
    fewer = datasets.load("dyer2017", drop_silent=True)
    np.testing.assert_array_equal(fewer.values[0], held["Ytr"][:, :3])
    assert json.loads(fewer.attrs["processing"])["steps"][0]["dropped"] == 1
    assert data.attrs["sample_kind"] == "time bins" and not data.attrs["surrogate"]
    assert data.attrs["licence"].startswith("not stated")
    assert datasets.load("dyer2017", array="Yte").shape == (1, 5, 2)


@pytest.mark.parametrize(
    ("instead", "words"),
    [
        ({"Ttr": None}, r"not the demo file of Dyer 2017: it lacks Ttr; it holds .*Ytr"),
        ({"Ytr": None, "Ttr": None}, "lacks Ytr and Ttr"),
        (
            {"Ttr": np.ones((7, 1))},
            r"one target a row in Ttr; got the shapes \(9, 4\) and \(7, 1\)",
        ),
    ],
)
def test_dyer_of_another_layout_is_refused(tmp_path, instead, words):
    write_reaches(tmp_path / "other.mat", **instead)
    with pytest.raises(ValueError, match=words):
        datasets.load("dyer2017", path=tmp_path)


@pytest.mark.skipif(not REACHING.is_file(), reason="the reaching recording is not on this machine")
def test_dyer_is_the_file_of_the_source():
    known = SOURCES["dyer2017"].known_hash
    assert known == "sha256:" + hashlib.sha256(REACHING.read_bytes()).hexdigest()
    data = datasets.load("dyer2017", path=REACHING)
    assert data.shape == (1, 623, 174) and len(np.unique(datasets.fold_groups(data))) == 73
    assert np.unique(datasets.labels(data), return_counts=True)[1].tolist() == [177, 161, 150, 135]
    assert datasets.load("dyer2017", path=REACHING, drop_silent=True).sizes["neuron"] == 158
    assert datasets.load("dyer2017", path=REACHING, array="Yte").shape == (1, 803, 187)


def test_a_page_says_how_little_the_recordings_are(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_DATA", str(tmp_path))
    note = paper.recordings_note(["mante2013", "dyer2017"])
    assert "nothing is shown" in note and "`make data NAME=dyer2017`" in note
    (tmp_path / "dyer2017").mkdir()
    (tmp_path / "dyer2017" / "0123456789abcdef.part").write_bytes(b"half a download")
    assert paper.recordings_note(["mante2013", "dyer2017"]) == note
    write_reaches(tmp_path / "dyer2017" / "mihi_demo.mat")
    note = paper.recordings_note(["mante2013", "dyer2017"])
    for words in ("4 units", "one monkey", "one session", "3 reaches", "2 targets", "9 smoothed"):
        assert words in note
    assert "That is little" in note and "mante2013" not in note


def test_each_recording_at_hand_has_words_that_its_sizes_fill():
    sizes = {"neuron": 9, "trial": 8, "reach": 7, "target": 6}
    assert {*SOURCES, "siegel2015"} == set(recordings.RECORDINGS)
    for name, (loader, words) in recordings.RECORDINGS.items():
        assert loader is datasets.DATASETS[name].loader and "9" in words.format(**sizes)


# -- Downloads and the cache


def a_mat_file() -> bytes:
    raw = io.BytesIO()
    scipy.io.savemat(raw, {"x": np.arange(1200.0)})
    return raw.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one file; breaks off in the middle as often as `breaks` says, and goes on where it is
    asked to.
    """

    body = a_mat_file()
    breaks = 0
    ranges: list = []  # noqa: RUF012

    def do_GET(self):
        begin = int((self.headers.get("Range") or "bytes=0-").split("=")[1].rstrip("-"))
        Handler.ranges.append(begin)
        if self.path != "/file.bin":
            self.send_error(404)
            return
        part = self.body[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", '"one"')
        if begin:
            size = len(self.body)
            self.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
        self.end_headers()
        if Handler.breaks:
            Handler.breaks -= 1
            part = part[: len(part) // 2]
        self.wfile.write(part)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    """The address of a server on this machine."""
    monkeypatch.delenv("SIMLIB_OFFLINE")
    Handler.breaks, Handler.ranges = 0, []
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


def test_a_download_goes_on_where_it_was_cut_short_and_is_recorded(server, monkeypatch, tmp_path):
    monkeypatch.setitem(SOURCES, "hatsopoulos2007", Source(f"{server}/file.bin", "raw.mat", None))
    Handler.breaks = 2
    path = datasets.download("hatsopoulos2007")
    assert path == tmp_path / "cache" / "hatsopoulos2007" / "raw.mat"
    assert path.read_bytes() == Handler.body
    half = len(Handler.body) // 2
    assert Handler.ranges == [0, half, half + (len(Handler.body) - half) // 2]
    record = json.loads(path.with_name("raw.mat.json").read_text())
    assert record["sha256"] == hashlib.sha256(Handler.body).hexdigest()
    assert record["published_hash"] == "none" and record["bytes"] == len(Handler.body)
    assert path.stat().st_mode & 0o222 == 0  # raw files are never altered
    datasets.download("hatsopoulos2007")
    assert len(Handler.ranges) == 3  # fetched once
    assert sorted(file.name for file in path.parent.iterdir()) == ["raw.mat", "raw.mat.json"]
    path.chmod(0o644)
    path.write_bytes(Handler.body[:-1] + b"?")
    with pytest.warns(UserWarning, match="not the file that was downloaded.*set aside"):
        assert datasets.download("hatsopoulos2007").read_bytes() == Handler.body
    path.with_name("raw.mat.json").write_text('{"sha2')
    with pytest.warns(UserWarning, match=r"raw\.mat\.json can't be used.*set aside"):
        assert datasets.download("hatsopoulos2007").read_bytes() == Handler.body


def test_another_file_than_the_published_one_is_refused(server, monkeypatch, tmp_path):
    right = "sha1:" + hashlib.sha1(Handler.body).hexdigest()
    monkeypatch.setitem(
        SOURCES, "majajhong2015", Source(f"{server}/file.bin", "a.nc", right[:-2] + "00")
    )
    with pytest.raises(
        FileNotFoundError, match=r"majajhong2015 could not be downloaded.*put it into"
    ):
        datasets.load("majajhong2015")
    assert not (tmp_path / "cache" / "majajhong2015" / "a.nc").exists()
    monkeypatch.setitem(SOURCES, "majajhong2015", Source(f"{server}/file.bin", "a.nc", right))
    monkeypatch.setenv("SIMLIB_DATA", str(tmp_path / "recordings"))
    assert datasets.download("majajhong2015") == tmp_path / "recordings" / "majajhong2015" / "a.nc"


@pytest.mark.parametrize("name", SOURCES)
def test_offline_the_message_gives_url_and_folder(name, tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        datasets.load(name)
    for words in (
        SOURCES[name].url,
        str(tmp_path / "cache" / name),
        "SIMLIB_DATA",
        "path=",
        f"make data NAME={name}",
    ):
        assert words in str(error.value)
    double = f"surrogate-{name}"
    assert (double in str(error.value)) == (double in datasets.names())


def test_a_missing_file_on_the_server_is_said(server, monkeypatch):
    monkeypatch.setitem(SOURCES, "mante2013", Source(f"{server}/gone.zip", "gone.zip", None))
    with pytest.raises(FileNotFoundError, match=r"mante2013 could not be downloaded.*404"):
        datasets.load("mante2013")
    assert len(Handler.ranges) == 1  # asking again won't help
    with pytest.raises(ValueError, match="siegel2015 has no public file"):
        datasets.download("siegel2015")


def test_processed_recordings_are_kept_under_all_they_depend_on(tmp_path):
    spikes, onsets = session(np.random.default_rng(1))
    path = write_session(tmp_path / "session.mat", spikes, onsets)
    first = datasets.load("hatsopoulos2007", path=path)
    (kept,) = (tmp_path / "cache" / "processed").iterdir()
    stamp = kept.stat().st_mtime_ns
    again = datasets.load("hatsopoulos2007", path=path)
    xr.testing.assert_identical(again, first)
    assert kept.stat().st_mtime_ns == stamp
    assert datasets.load("hatsopoulos2007", path=path, bin_ms=100).sizes["time"] == 5
    write_session(path, [*spikes, spikes[0]], onsets)  # another raw file in its place
    assert datasets.load("hatsopoulos2007", path=path).sizes["neuron"] == 5
    assert len(list(kept.parent.iterdir())) == 3
    for file in kept.parent.iterdir():
        file.write_bytes(b"cut short")
    assert datasets.load("hatsopoulos2007", path=path).sizes["neuron"] == 5


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch):
    path = write_session(tmp_path / "session.mat", *session(np.random.default_rng(1)))
    (tmp_path / "blocked").write_text("a file where the folder would be")
    monkeypatch.setenv("SIMLIB_CACHE", str(tmp_path / "blocked"))
    assert datasets.load("hatsopoulos2007", path=path).sizes["neuron"] == 4
