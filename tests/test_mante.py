"""The reader of Mante 2013's unit files: on files of that layout written here, and on originals
where present.
"""

import os
import tracemalloc
import zipfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import scipy.io

from simlib import datasets
from simlib.datasets.paper import mante

SHARED = Path(os.environ.get("SIMLIB_SHARED", Path(__file__).parents[2] / "shared"))
ORIGINALS = SHARED / "recordings" / "mante2013"
originals = pytest.mark.skipif(
    not ORIGINALS.is_dir(), reason="the original unit files are not on this machine"
)


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """A cache folder of this test's own, and no network."""
    monkeypatch.setenv("SIMLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("SIMLIB_OFFLINE", "1")


RANKS = (-3, -2, -1, 1, 2, 3)


def task(motion_levels=(0.05, 0.15, 0.5), colour_levels=(0.04, 0.14, 0.5), repeats=2, errors=1):
    """Trials of the full design: `repeats` correct ones and `errors` wrong ones per condition, in
    random order.
    """
    rows = [
        (
            np.sign(m) * motion_levels[abs(m) - 1],
            np.sign(c) * colour_levels[abs(c) - 1],
            context,
            k < repeats,
        )
        for context in (1, -1)
        for m in RANKS
        for c in RANKS
        for k in range(repeats + errors)
    ]
    order = np.random.default_rng(0).permutation(len(rows))
    motion, colour, context, correct = (
        np.array(column, dtype=float)[order] for column in zip(*rows, strict=True)
    )
    return {"stim_dir": motion, "stim_col2dir": colour, "context": context, "correct": correct}


def write_unit(path, variables, response=None, seed=0):
    """A unit file of the original layout."""
    rng = np.random.default_rng(seed)
    trials = len(variables["context"])
    response = (rng.random((trials, 751)) < 0.02).astype(np.uint8) if response is None else response
    unit = {"response": response, "time": 0.1 + np.arange(751) / 1000, "task_variable": variables}
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"unit": unit})
    return response


def test_averages_are_those_of_a_plain_loop(tmp_path):
    variables = task()
    response = write_unit(tmp_path / "deep" / "er" / "ar01_Vstim_100_850_ms.mat", variables)
    data = datasets.load("mante2013", path=tmp_path)
    assert data.shape == (15, 72, 1)
    motion, colour = (
        mante._coherence_rank(variables["stim_dir"]),
        mante._coherence_rank(variables["stim_col2dir"]),
    )
    for place in range(72):
        context = 1 if str(data["context"].values[place]) == "motion" else -1
        trials = [
            i
            for i in range(len(response))
            if variables["correct"][i]
            and variables["context"][i] == context
            and motion[i] == data["motion_coherence_rank"].values[place]
            and colour[i] == data["colour_coherence_rank"].values[place]
        ]
        assert len(trials) == 2
        for time in range(15):
            expected = response[trials, 50 * time : 50 * (time + 1)].mean()
            assert data.values[time, place, 0] == pytest.approx(expected)
    np.testing.assert_allclose(data["time"].values[:2], [0.1245 + 0.0005, 0.1745 + 0.0005])
    assert data["unit"].values.tolist() == ["ar01"]


def test_levels_are_ranked_within_the_unit_and_the_variable():
    values = np.array([0.5, -0.17, 0.06, -0.06, 0.17, 0.0])
    assert mante._coherence_rank(values) == [3, -2, 1, -1, 2, 0]
    assert mante._coherence_rank(np.array([0.03, 0.12, -0.5])) == [1, 2, -3]
    mixed = np.array([0.06, 0.08, 0.17, -0.2, 0.5, -0.08])  # two sessions' levels in one file
    assert mante._coherence_rank(mixed) == [1, 1, 2, -2, 3, -1]


def test_units_that_lack_a_condition_are_left_out_and_counted(tmp_path):
    full = task()
    write_unit(tmp_path / "ar01.mat", full, seed=1)
    lacking = {key: value.copy() for key, value in full.items()}
    empty = (full["stim_dir"] == 0.5) & (full["stim_col2dir"] == -0.04) & (full["context"] == 1)
    lacking["correct"][empty] = 0
    write_unit(tmp_path / "ar02.mat", lacking, seed=2)
    data = datasets.load("mante2013", path=tmp_path)
    assert data.sizes["neuron"] == 1 and data.attrs["units_dropped"] == 1
    assert "ar02" in data.attrs["processing"]
    assert datasets.load("mante2013", path=tmp_path, correct_only=False).sizes["neuron"] == 2
    (tmp_path / "ar01.mat").unlink()
    with pytest.raises(ValueError, match="none of the 1 units"):
        datasets.load("mante2013", path=tmp_path)


def test_bins_average_whole_samples_and_drop_the_rest(tmp_path):
    write_unit(tmp_path / "ar01.mat", task())
    fine, coarse = (datasets.load("mante2013", path=tmp_path, bin_ms=width) for width in (25, 100))
    assert (fine.sizes["time"], coarse.sizes["time"]) == (30, 7)
    np.testing.assert_allclose(fine.values[:28].reshape(7, 4, 72, 1).mean(1), coarse.values)
    with pytest.raises(ValueError, match="bin_ms=2000 does not fit"):
        datasets.load("mante2013", path=tmp_path, bin_ms=2000)


def test_archive_folder_and_environment_give_the_same(tmp_path, monkeypatch):
    source = tmp_path / "PFC data"
    for k, folder in enumerate(["PFC data 1", "PFC data 1", "PFC data 2"]):
        write_unit(source / folder / f"unit{k}.mat", task(), seed=k)
    archive = tmp_path / "downloads" / "mante2013" / "PFC data.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as opened:
        for file in source.rglob("*.mat"):
            opened.write(file, file.relative_to(tmp_path))
        opened.writestr("__MACOSX/PFC data/PFC data 1/._unit0.mat", b"not a unit")
    folder = datasets.load("mante2013", path=source)
    assert folder["unit"].values.tolist() == ["unit0", "unit1"]  # monkey A's folder alone
    monkeypatch.setenv("SIMLIB_DATA", str(tmp_path / "downloads"))
    for data in (datasets.load("mante2013", path=archive), datasets.load("mante2013")):
        assert datasets.data_hash(data) == datasets.data_hash(folder)
    assert datasets.load("mante2013", path=archive, monkey="F")["unit"].values.tolist() == ["unit2"]


def test_what_is_missing_says_where_to_get_it_and_put_it(tmp_path, monkeypatch):
    monkeypatch.delenv("SIMLIB_DATA", raising=False)
    with pytest.raises(FileNotFoundError) as error:
        datasets.load("mante2013")
    assert (
        mante.URL in str(error.value)
        and "SIMLIB_DATA" in str(error.value)
        and "path=" in str(error.value)
    )
    with pytest.raises(FileNotFoundError, match="does not exist"):
        datasets.load("mante2013", path=tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="holds no unit files"):
        datasets.load("mante2013", path=tmp_path)
    with pytest.raises(ValueError, match="monkeys 'A' and 'F'"):
        datasets.load("mante2013", path=tmp_path, monkey="B")


def test_damaged_files_and_other_layouts_are_named(tmp_path):
    good = tmp_path / "ar01.mat"
    write_unit(good, task())
    bad = tmp_path / "ar02.mat"
    bad.write_bytes(good.read_bytes()[:3000])
    with pytest.raises(ValueError, match=r"ar02\.mat can't be read as a MATLAB v5 file"):
        datasets.load("mante2013", path=tmp_path)
    scipy.io.savemat(bad, {"spikes": np.ones(3)})
    with pytest.raises(ValueError, match=r"ar02\.mat is no unit file.*it holds spikes.*response"):
        datasets.load("mante2013", path=tmp_path)
    response = np.zeros((len(task()["context"]), 751))
    response[4, 7] = np.nan
    write_unit(bad, task(), response=response)
    with pytest.raises(ValueError, match="trial 4, sample 7"):
        datasets.load("mante2013", path=tmp_path)
    write_unit(bad, task(), response=np.zeros((10, 751)))
    with pytest.raises(ValueError, match=r"response is \(10, 751\)"):
        datasets.load("mante2013", path=tmp_path)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(b"PK half an archive")
    with pytest.raises(ValueError, match="not a zip archive"):
        datasets.load("mante2013", path=cut)


@originals
def test_twenty_original_units_give_nineteen():
    data = datasets.load("mante2013", path=ORIGINALS)
    assert data.shape == (15, 72, 19) and data.attrs["units_dropped"] == 1
    assert "ar090330_3_a10" in data.attrs["processing"]
    assert datasets.load("mante2013", path=ORIGINALS, correct_only=False).shape == (15, 72, 20)
    scale = datasets.spectrum(data).sum() * 1080 * 727 / 19
    assert scale == pytest.approx(
        73.5, rel=0.05
    )  # the full recording's sum of squares, from figure 6


@originals
def test_a_large_archive_is_read_one_unit_at_a_time(tmp_path):
    """The full archive has about 1,000 units: a tenth of it here, in a tenth of the two minutes it
    may take.
    """
    files = sorted(ORIGINALS.rglob("*.mat"))[:3]
    archive = tmp_path / "many.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        for copy in range(33):
            for file in files:
                opened.write(file, f"PFC data/PFC data 1/{copy:02d}{file.name}")
    tracemalloc.start()
    began = perf_counter()
    data = datasets.load("mante2013", path=archive)
    seconds, peak = perf_counter() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.sizes["neuron"] == 99
    assert seconds < 12 and peak < 100e6


@originals
def test_original_units_straight_from_an_archive(tmp_path):
    files = sorted(ORIGINALS.rglob("*.mat"))[:3]
    archive = tmp_path / "few.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for file in files:
            opened.write(file, file.relative_to(ORIGINALS))
    zipped, loose = (
        datasets.load("mante2013", path=archive),
        datasets.load("mante2013", path=ORIGINALS),
    )
    np.testing.assert_array_equal(zipped.values, loose.values[..., :3])
