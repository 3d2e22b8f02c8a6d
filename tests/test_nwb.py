"""NWB files: what wasn't observed is missing, times on another clock are refused, and every column
is a coordinate or named.
"""

import json
import warnings

import h5py
import numpy as np
import pytest

from simlib import datasets
from simlib.datasets.own import nwb

TRIALS, LENGTH = 40, 1.0
WINDOW = {"start": 0, "stop": 1, "width": 0.25}
TEXT = h5py.string_dtype()


def rng_spikes(rng, until, rate=10.0):
    return np.sort(rng.uniform(0, until, int(rate * until)))


def write(path, spikes=None, intervals=None, trials=None, table="trials", **units):
    """An NWB file with a trial every 2 s, two classes of stimuli, and three units by default."""
    rng = np.random.default_rng(0)
    if spikes is None:
        spikes = [rng_spikes(rng, 2.0 * TRIALS) for _ in range(3)]
    with h5py.File(path, "w") as file:
        group = file.create_group("units")
        group["spike_times"] = np.concatenate(spikes)
        group["spike_times_index"] = np.cumsum([len(times) for times in spikes])
        group["id"] = 10 + np.arange(len(spikes))
        if intervals is not None:
            group["obs_intervals"] = np.concatenate(intervals)
            group["obs_intervals_index"] = np.cumsum([len(own) for own in intervals])
        for name, values in units.items():
            group[name] = values
        group = file.create_group(f"intervals/{table}")
        columns = {
            "id": np.arange(TRIALS),
            "start_time": 2.0 * np.arange(TRIALS),
            "stop_time": 2.0 * np.arange(TRIALS) + LENGTH,
            "stim": np.tile(np.array(["left", "right"], dtype=TEXT), TRIALS // 2),
            **(trials or {}),
        }
        for name, values in columns.items():
            group[name] = values
    return path


def read(path, **options):
    return nwb.read_nwb(path, {**WINDOW, **options})


def note(data):
    return json.loads(data.attrs["processing"])["steps"][-1]


def left_out(data):
    return json.loads(data.attrs["left_out"])


# -- What was observed


def test_bins_outside_of_the_observed_intervals_are_missing(tmp_path):
    """The second unit is lost at 40.3 s, in a bin of trial 20; the third comes and goes."""
    rng = np.random.default_rng(1)
    spikes = [rng_spikes(rng, 80) for _ in range(3)]
    intervals = [[[0.0, 80.0]], [[0.0, 40.3]], [[10.0, 14.5], [0.0, 4.0], [14.5, 16.25]]]
    path = write(tmp_path / "a.nwb", spikes, intervals)
    data, plain = read(path), read(write(tmp_path / "b.nwb", spikes))
    for place in np.ndindex(data.shape):
        time, trial, unit = place
        low = 2.0 * trial + 0.25 * time
        inside = any(
            start <= low and low + 0.25 <= stop
            for start, stop in [[[0, 80]], [[0, 40.3]], [[0, 4], [10, 16.25]]][unit]
        )
        assert data.values[place] == plain.values[place] if inside else np.isnan(data.values[place])
    assert note(data)["unobserved_values"] == np.isnan(data.values).sum() > 0
    assert note(data)["units_not_always_observed"] == 2 and not np.isnan(plain.values).any()
    with pytest.raises(ValueError, match=r"values .* that are NaN.*missing="):
        datasets.load(path, spikes=WINDOW)
    assert datasets.load(path, spikes=WINDOW, missing="drop-neurons").sizes["neuron"] == 1
    assert datasets.load(path, spikes=WINDOW, missing="drop-trials").shape == (4, 5, 3)


def test_smoothing_asks_for_all_that_it_reaches(tmp_path):
    path = write(tmp_path / "a.nwb", intervals=[[[0, 80]], [[0, 41]], [[40, 80]]])
    data = read(path, smooth=0.1)  # reaches two bins of 0.25 s to each side
    assert np.isnan(data.values[:, 20, 1]).tolist() == [False, False, True, True]
    assert np.isnan(data.values[:, 20, 2]).tolist() == [True, True, False, False]
    assert np.isnan(data.values[:, :, 0]).sum() == 2  # the first bins, before 0 s


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rounding_at_the_ends_of_intervals_loses_no_bin(tmp_path, kind):
    begin = 0.1 + 2.1 * np.arange(TRIALS)
    trials = {"start_time": begin, "stop_time": begin + 1}
    own = np.stack([begin, begin + 0.1 * 10], axis=1)
    path = write(tmp_path / "a.nwb", intervals=[own.astype(kind)] * 3, trials=trials)
    assert not np.isnan(read(path, width=0.1).values).any()
    touching = np.stack([begin[0] + 0.1 * np.arange(900), begin[0] + 0.1 * np.arange(1, 901)], 1)
    path = write(tmp_path / "b.nwb", intervals=[touching.astype(kind)] * 3, trials=trials)
    assert not np.isnan(read(path).values).any()


def test_invalid_times_are_missing_for_all(tmp_path):
    path = write(tmp_path / "a.nwb")
    with h5py.File(path, "a") as file:
        table = file.create_group("intervals/invalid_times")
        table["start_time"], table["stop_time"] = [8.25, 20.6], [8.5, 20.7]
    missing = np.isnan(read(path).values)
    assert missing.all(axis=2).sum() == missing.any(axis=2).sum() == 2
    assert missing[1, 4].all() and missing[2, 10].all()
    start = 2000 * np.arange(TRIALS)
    path = write(tmp_path / "b.nwb", trials={"start_time": start, "stop_time": start + 1000})
    with h5py.File(path, "a") as file:
        table = file.create_group("intervals/invalid_times")
        table["start_time"], table["stop_time"] = [8250, 20600], [8500, 20700]
    np.testing.assert_array_equal(np.isnan(read(path, trials_unit="ms").values), missing)


@pytest.mark.parametrize(
    ("intervals", "words"),
    [
        ([[[0, 80]], [[50, 40]], [[0, 80]]], "stops before starts"),
        ([[[0, 80]], [[0, 80]]], "3 units and obs_intervals of 2"),
        ([[[800, 900]]] * 3, r"no bin .* obs_intervals, which reach from 800 to 900 s.*from 0 to"),
    ],
)
def test_intervals_that_do_not_fit_are_refused(tmp_path, intervals, words):
    with pytest.raises(ValueError, match=words):
        read(write(tmp_path / "a.nwb", intervals=intervals))


def test_a_unit_without_intervals_was_never_observed(tmp_path):
    intervals = [np.array([[0, 80.0]]), np.empty((0, 2)), np.array([[0, 80.0]])]
    data = read(write(tmp_path / "a.nwb", intervals=intervals))
    assert np.isnan(data.values).all(axis=(0, 1)).tolist() == [False, True, False]


# -- Clocks


def seconds():
    rng = np.random.default_rng(2)
    return [rng_spikes(rng, 80, rate) for rate in (0.8, 3, 40)]


def test_milliseconds_and_samples_are_refused_and_read_when_said(tmp_path):
    right = read(write(tmp_path / "s.nwb", seconds()))
    for name, factor, said in (("ms", 1000, "'unit': 'ms'}"), ("kHz", 30000, "1 / 30000")):
        path = write(tmp_path / f"{name}.nwb", [factor * times for times in seconds()])
        with pytest.raises(ValueError) as error:
            read(path)
        assert said in str(error.value) and "no seconds" in str(error.value)
        unit = "ms" if name == "ms" else 1 / 30000
        data = read(path, unit=unit)
        np.testing.assert_array_equal(data.values, right.values)
        assert note(data)["unit"] == unit
    whole = [np.round(1000 * times).astype(np.int64) for times in seconds()]
    exact = read(write(tmp_path / "j.nwb", [times / 1000 for times in whole]))
    np.testing.assert_array_equal(
        read(write(tmp_path / "i.nwb", whole), unit="ms").values, exact.values
    )
    with pytest.raises(ValueError, match="unit='m'"):
        read(tmp_path / "ms.nwb", unit="m")


def test_trials_in_milliseconds_are_refused_and_read_when_said(tmp_path):
    right = read(write(tmp_path / "s.nwb", seconds()))
    start = 2000 * np.arange(TRIALS)
    trials = {"start_time": start, "stop_time": start + 1000}
    with pytest.raises(ValueError, match=r"look like milliseconds.*'trials_unit': 'ms'"):
        read(write(tmp_path / "t.nwb", seconds(), trials=trials))
    np.testing.assert_array_equal(read(tmp_path / "t.nwb", trials_unit="ms").values, right.values)
    both = write(tmp_path / "b.nwb", [1000 * times for times in seconds()], trials=trials)
    with pytest.raises(ValueError, match=r"'unit': 'ms', 'trials_unit': 'ms'"):
        read(both)
    np.testing.assert_array_equal(read(both, unit="ms", trials_unit="ms").values, right.values)


@pytest.mark.parametrize("before", [0.0, 0.5])
def test_times_from_the_start_of_each_trial_are_refused(tmp_path, before):
    rng = np.random.default_rng(3)
    spikes = [
        np.concatenate([np.sort(rng.uniform(-before, 3, 8)) for _ in range(TRIALS)])
        for _ in range(2)
    ]
    path = write(tmp_path / "a.nwb", spikes)
    with pytest.raises(ValueError, match=r"38 of 40 trials lie where no unit has.*start of each"):
        read(path)
    assert not read(path, check=False).values[:, 2:].any()


def test_few_trials_are_enough_to_tell(tmp_path):
    """Four trials, and spikes that count from the start of each."""
    trials = {name: np.arange(4) for name in ("id", "stim")}
    trials |= {"start_time": 2.0 * np.arange(4), "stop_time": 2.0 * np.arange(4) + 1}
    spikes = np.random.default_rng(4).uniform(0, 1, 60)
    with pytest.raises(ValueError, match="3 of 4 trials lie where no unit has a spike"):
        read(write(tmp_path / "a.nwb", [spikes], trials=trials))


def test_odd_times_are_questioned_and_right_ones_are_not(tmp_path):
    early = [np.r_[-3.0, -1.0, times] for times in seconds()]
    with pytest.warns(UserWarning, match="6 of .* spike times .* are negative, from -3 s"):
        read(write(tmp_path / "a.nwb", early))
    mixed = [np.r_[times[::2], times[1::2]] for times in seconds()]
    with pytest.warns(
        UserWarning, match="3 of 3 units .* go down in places, first those of unit 0"
    ):
        data = read(write(tmp_path / "b.nwb", mixed))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        right = read(write(tmp_path / "c.nwb", seconds()))
        read(tmp_path / "a.nwb", check=False)
    np.testing.assert_array_equal(data.values, right.values)


def test_a_recording_lost_early_is_told_by_its_intervals(tmp_path):
    """Spikes in the first tenth of the trials only: refused, unless the units say so."""
    spikes = [times[times < 8] for times in seconds()]
    with pytest.raises(ValueError, match=r"36 of 40 trials.*'check': False"):
        read(write(tmp_path / "a.nwb", spikes))
    assert read(tmp_path / "a.nwb", check=False).values.sum() > 0
    data = read(write(tmp_path / "b.nwb", spikes, [[[0.0, 8.0]]] * 3))
    assert np.isnan(data.values[:, 4:]).all() and not np.isnan(data.values[:, :4]).any()


def test_windows_without_a_spike_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no spike lies in any of the 40 windows"):
        read(write(tmp_path / "a.nwb", [2 * np.arange(40) + 1.5]))


# -- Tables


def test_another_table_can_be_taken_for_the_trials(tmp_path):
    path = write(tmp_path / "a.nwb", table="stimulus_presentations")
    with pytest.raises(
        ValueError,
        match=r"no intervals/trials; there are stimulus_presentations \(id, start_time, stim, "
        r"stop_time\).*'trials': 'stimulus_presentations'",
    ):
        datasets.load(path, spikes=WINDOW)
    data = datasets.load(path, spikes={**WINDOW, "trials": "stimulus_presentations"})
    assert datasets.task_variables(data) == ["stim"]
    with h5py.File(path, "a") as file:
        file.copy("intervals/stimulus_presentations", "intervals/trials")
    with pytest.raises(ValueError, match=r"40 trials.*Other tables of intervals: stimulus_pres"):
        datasets.load(path)
    with pytest.raises(ValueError) as error:
        datasets.load(path, spikes={"trials": "stimulus_presentations"})
    call = str(error.value).partition("load(")[2]
    assert "'trials': 'stimulus_presentations', 'align': 'start_time'" in call
    with pytest.raises(ValueError, match="unknown option of spikes= 'trial'; nearest: 'trials'"):
        read(path, trial="epochs")


def test_an_event_needs_no_name_of_a_time(tmp_path):
    path = write(tmp_path / "a.nwb", trials={"onset": 2 * np.arange(TRIALS)})
    right = read(path)
    with h5py.File(path, "a") as file:
        del file["intervals/trials/start_time"], file["intervals/trials/stop_time"]
    np.testing.assert_array_equal(read(path, align="onset").values, right.values)
    with pytest.raises(ValueError, match=r"40 trials with the times onset\..*'align': 'onset'"):
        nwb.read_nwb(path, None)
    with pytest.raises(ValueError, match="unknown time of a trial 'start_time'"):
        read(path)
    with h5py.File(path, "a") as file:
        del file["intervals/trials/id"], file["intervals/trials/onset"]
    with pytest.raises(ValueError, match=r"trials of a\.nwb has no column of times"):
        read(path)


def test_every_column_is_a_coordinate_or_named(tmp_path):
    n = TRIALS
    ragged = {"tags": np.repeat(np.array(["a"], dtype=TEXT), n), "tags_index": np.arange(1, n + 1)}
    trials = {
        "choice": np.where(np.arange(n) % 7 == 3, np.nan, np.arange(n) % 2),
        "word": np.array(["", "None", "nan", "x"] * (n // 4), dtype=TEXT),
        "bytes": np.array([b"go", b"no"] * (n // 2)),
        "hit": np.arange(n) % 3 == 0,
        "small": (np.arange(n) % 4).astype(np.uint8),
        "time": np.arange(n) % 5,
        "trial": np.arange(n),
        "go_time": 2.0 * np.arange(n) + 0.1,
        "cue": 2.0 * np.arange(n) + 0.2,
        "frames": np.zeros((n, 3)),
        "fields": np.zeros(n, dtype=[("first", "i4"), ("count", "i4")]),
        "short": np.arange(5),
        **ragged,
    }
    path = write(
        tmp_path / "a.nwb",
        trials=trials,
        location=np.array(["V1", "V2", "V1"], dtype=TEXT),
        stim=np.array([0.5, np.nan, 0.1]),
        waveform_mean=np.zeros((3, 30)),
        electrodes=np.arange(6),
        electrodes_index=[2, 4, 6],
    )
    with h5py.File(path, "a") as file:
        table = file["intervals/trials"]
        table["series"] = np.array([file["units"].ref] * n, dtype=h5py.ref_dtype)
        table["region"] = np.arange(n) % 2
        table["region"].attrs["neurodata_type"] = "DynamicTableRegion"
        table["latin"] = np.array([b"\xe9"] * n)
    data = read(path)
    along = {name for name, coord in data.coords.items() if coord.dims == ("trial",)}
    words = {"stim", "choice", "word", "bytes", "hit", "small", "cue", "trial_id"}
    assert along == words | {"trials_time", "trials_trial"}
    np.testing.assert_array_equal(data["choice"].values, trials["choice"])
    assert data["word"].values[:4].tolist() == ["", "None", "nan", "x"]
    assert data["bytes"].values[:2].tolist() == ["go", "no"]
    assert data["hit"].dtype == bool and data["small"].values[:5].tolist() == [0, 1, 2, 3, 0]
    assert data["location"].values.tolist() == ["V1", "V2", "V1"] and "units_stim" in data.coords
    assert data["id"].values.tolist() == [10, 11, 12] and data["time"].dims == ("time",)
    reasons = left_out(data)
    assert reasons == {
        "trials/latin": "text that is not UTF-8",
        "trials/frames": "2 axes, (40, 3)",
        "trials/fields": "several fields a row",
        "trials/short": "5 values for 40 rows",
        "trials/tags": "several values a row",
        "trials/series": "refers to other tables or series",
        "trials/region": "refers to other tables or series",
        "trials/go_time": "a time of the trials, no label; align can name it",
        "trials/stop_time": "a time of the trials, no label; align can name it",
        "units/waveform_mean": "2 axes, (3, 30)",
        "units/electrodes": "several values a row",
    }
    cue = read(path, align="cue", start=-0.2, stop=0.8)
    np.testing.assert_array_equal(cue.values, data.values)
    assert "cue" not in cue.coords
    loaded = datasets.load(path, spikes=WINDOW, task_variables=["stim", "hit"])
    datasets.save(loaded, tmp_path / "a.nc")
    assert left_out(datasets.load(tmp_path / "a.nc")) == reasons


def test_trials_without_the_event_are_left_out_with_their_labels(tmp_path):
    go = np.where(np.arange(TRIALS) % 5, 2.0 * np.arange(TRIALS), np.nan)
    data = read(write(tmp_path / "a.nwb", trials={"go_time": go}), align="go_time")
    assert data.sizes["trial"] == 32 and note(data)["trials_without"] == 8
    assert data["trial_id"].values.tolist() == [k for k in range(TRIALS) if k % 5]
    with pytest.raises(ValueError, match="none of the 40 trials"):
        read(write(tmp_path / "b.nwb", trials={"go_time": go * np.nan}), align="go_time")


# -- Units


def test_corners_of_the_index(tmp_path):
    spikes = [np.empty(0), np.array([0.1, 2.6]), np.empty(0), np.array([4.1, 40.0])]
    path = write(tmp_path / "a.nwb", spikes)
    with h5py.File(path, "a") as file:
        del file["units/id"]
    data = read(path)
    assert data.values.sum(axis=(0, 1)).tolist() == [0, 2, 0, 2] and "id" not in data.coords
    one = write(tmp_path / "b.nwb", [seconds()[2]])
    with h5py.File(one, "a") as file:
        del file["units/spike_times_index"]
    assert read(one).sizes["neuron"] == 1
    many = [seconds()[2][k::3] for k in range(3)]
    short = write(tmp_path / "c.nwb", many)
    with h5py.File(short, "a") as file:
        ends = file["units/spike_times_index"][()]
        del file["units/spike_times_index"]
        file["units/spike_times_index"] = ends.astype(np.uint8)  # ends after 255 start again
    with pytest.raises(
        ValueError, match=r"spike_times_index of c\.nwb needs to grow.*large enough"
    ):
        read(short)
    with h5py.File(short, "a") as file:
        file["units/spike_times_index"][...] = 3  # counts in place of ends
    with pytest.raises(ValueError, match=r"number of spike_times.*numpy\.cumsum"):
        read(short)
    with h5py.File(short, "a") as file:
        file["units/spike_times_index_index"] = np.array([2, 3])
    with pytest.raises(ValueError, match="lists of lists"):
        read(short)
    with h5py.File(short, "a") as file:
        del file["units/spike_times_index_index"], file["units/spike_times_index"]
    with pytest.raises(ValueError, match="spike_times without spike_times_index"):
        read(short)


def cut(path, place, rows, chunk=1):
    """Writes a dataset anew, and of it the first rows alone."""
    with h5py.File(path, "a") as file:
        values, kind = file[place][()], file[place].dtype
        del file[place]
        chunks = (chunk, *values.shape[1:]) if chunk else None
        item = file.create_dataset(place, values.shape, kind, chunks=chunks)
        if rows:
            item[:rows] = values[:rows]


@pytest.mark.parametrize(
    ("place", "rows", "chunk"),
    [
        ("units/spike_times", 900, 300),
        ("units/spike_times", 0, 300),
        ("units/spike_times", 0, None),
        ("units/spike_times_index", 2, 1),
        ("units/obs_intervals", 1, 1),
        ("units/obs_intervals_index", 0, None),
        ("intervals/trials/id", 20, 10),
        ("intervals/trials/start_time", 20, 10),
        ("intervals/trials/stim", 20, 10),
        ("intervals/invalid_times/stop_time", 1, 1),
    ],
)
def test_what_was_never_written_is_refused_by_name(tmp_path, place, rows, chunk):
    path = write(tmp_path / "a.nwb", intervals=[np.array([[0, 80.0]])] * 3)
    with h5py.File(path, "a") as file:
        table = file.create_group("intervals/invalid_times")
        table["start_time"], table["stop_time"] = [8.25, 20.6], [8.5, 20.7]
    cut(path, place, rows, chunk)
    with pytest.raises(ValueError, match=rf"{place} of a\.nwb is unfinished: .*never written"):
        read(path)


def test_a_fact_of_units_that_was_never_written_is_left_out(tmp_path):
    path = write(tmp_path / "a.nwb", quality=np.arange(3.0))
    cut(path, "units/quality", 2)
    assert "1 of its 3 chunks never written" in left_out(read(path))["units/quality"]


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ([800, 400, 2400], "needs to grow to the number of spike_times, 2400"),
        ([-5, 1600, 2400], "needs to grow"),
        ([800, 1600, 2300], "the last being 2300"),
        ([800, 1600, 2500], "the last being 2500"),
        ([800, 2400], "ends 2 units and id names 3"),
        ([800, 1600, 2400, 2400], "ends 4 units and id names 3"),
        ([800.5, 1600, 2400], r"whole numbers along one axis.*float64, of shape \(3,\)"),
        ([[800], [1600], [2400]], r"whole numbers along one axis.*of shape \(3, 1\)"),
        ([b"a", b"b", b"c"], "whole numbers along one axis"),
    ],
)
def test_an_index_that_is_not_all_there_is_refused(tmp_path, index, words):
    path = write(tmp_path / "a.nwb", [rng_spikes(np.random.default_rng(k), 80) for k in range(3)])
    with h5py.File(path, "a") as file:
        del file["units/spike_times_index"]
        file["units/spike_times_index"] = np.array(index)
    with pytest.raises(ValueError, match=words):
        read(path)


@pytest.mark.parametrize("column", ["id", "start_time", "stop_time"])
def test_a_table_of_trials_with_a_column_cut_off_is_refused(tmp_path, column):
    path = write(tmp_path / "a.nwb")
    with h5py.File(path, "a") as file:
        values = file[f"intervals/trials/{column}"][:30]
        del file[f"intervals/trials/{column}"]
        file[f"intervals/trials/{column}"] = values
    with pytest.raises(ValueError, match=rf"intervals/trials of a\.nwb has rows.*30 of {column}"):
        read(path)


def test_invalid_times_have_two_ends_each(tmp_path):
    for stops, words in (([8.5], "2 of start_time, 1 of stop_time"), (None, "start_time alone")):
        path = write(tmp_path / f"{words[0]}.nwb")
        with h5py.File(path, "a") as file:
            table = file.create_group("intervals/invalid_times")
            table["start_time"] = [8.25, 20.6]
            if stops:
                table["stop_time"] = stops
        with pytest.raises(ValueError, match=words):
            read(path)


def test_an_index_of_uint8_counts_up_to_255(tmp_path):
    path = write(tmp_path / "a.nwb", [seconds()[1][:120], seconds()[1][120:230]])
    right = read(path)
    with h5py.File(path, "a") as file:
        ends = file["units/spike_times_index"][()].astype(np.uint8)
        del file["units/spike_times_index"]
        file["units/spike_times_index"] = ends
    np.testing.assert_array_equal(read(path).values, right.values)


def test_spike_times_that_are_not_finite_are_refused(tmp_path):
    with pytest.raises(ValueError, match="neuron 1 hold NaN"):
        read(write(tmp_path / "a.nwb", [seconds()[0], np.r_[seconds()[1], np.nan]]))


def test_other_contents_are_shown(tmp_path):
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        file["processing/ophys/DfOverF/RoiResponseSeries/data"] = np.zeros((50, 8))
        file["acquisition/lick/data"] = np.zeros(50)
        for k in range(300):
            file[f"stimulus/presentation/movie{k}/data"] = np.zeros(3)
    with pytest.raises(ValueError) as error:
        datasets.load(tmp_path / "a.nwb", spikes=WINDOW)
    first, second = str(error.value).split("\n")
    assert "no units with spike_times" in first and "acquisition/lick (50,)" in first
    assert "RoiResponseSeries (50, 8)" in first and "more" in first and "numpy.savez" in second
    assert len(str(error.value)) <= 1500
    with h5py.File(tmp_path / "b.nwb", "w") as file:
        file["units/spike_times"], file["units/spike_times_index"] = [0.1], [1]
    with pytest.raises(ValueError, match=r"no table of trials with their times; it holds units/sp"):
        datasets.load(tmp_path / "b.nwb", spikes=WINDOW)
    with h5py.File(tmp_path / "c.nwb", "w"):
        pass
    with pytest.raises(ValueError, match="it holds no series"):
        datasets.load(tmp_path / "c.nwb")
    (tmp_path / "d.nwb").write_text("no HDF5")
    with pytest.raises(ValueError, match=r"d\.nwb can't be read as NWB"):
        datasets.load(tmp_path / "d.nwb")
