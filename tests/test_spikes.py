"""Spikes fall into the bin in which they are, whatever the rounding of the times; averages say over
how many trials they are.
"""

import json
from fractions import Fraction

import numpy as np
import pytest
import xarray as xr

from simlib import datasets
from simlib.datasets import processing

bin_spikes = datasets.processing.bin_spikes


def exact_counts(ticks, clock, onsets, start, width, bins):
    """Counts by rational numbers: a spike on an edge is in the bin that begins there."""
    counts = np.zeros((bins, len(onsets)))
    for trial, onset in enumerate(onsets):
        for tick in ticks:
            place = (Fraction(int(tick), clock) - onset - start) / width
            if 0 <= place < bins:
                counts[int(place), trial] += 1
    return counts


def test_a_spike_each_millisecond_is_one_in_each_bin():
    data = bin_spikes([np.arange(500) / 1000] * 2, [0.0, 0.0], stop=0.5, width=0.001)
    assert (data.values == 1).all() and data.shape == (500, 2, 2)
    late = 0.137 + 2.0 * np.arange(8)
    data = bin_spikes([np.arange(20000) / 1000] * 2, late, stop=0.5, width=0.05)
    assert (data.values == 50).all()


@pytest.mark.parametrize("clock", [1000, 30000, 24414, 1024])
@pytest.mark.parametrize("begin", [0, 137, 86_400_137, -5_000])
@pytest.mark.parametrize(("start", "width"), [("-1/10", "1/1000"), ("0", "1/30"), ("1/5", "1/20")])
def test_counts_are_those_of_exact_numbers(clock, begin, start, width):
    """Onsets 0.137 + 2k s and the like, up to a day; edges on ticks of the clock and between."""
    start, width, bins = Fraction(start), Fraction(width), 6
    onsets = [Fraction(begin, 1000) + Fraction(2117 * k, 1000) for k in range(4)]
    ticks = np.concatenate(
        [
            int((onset + start) * clock)
            + np.arange(-3, int(width * bins * clock) + 4, 1 + clock // 999)
            for onset in onsets
        ]
    )
    exact = exact_counts(ticks, clock, onsets, start, width, bins)
    for spikes in (ticks / clock, ticks * (1 / clock)):
        data = bin_spikes(
            [spikes],
            [float(onset) for onset in onsets],
            start=float(start),
            stop=float(start + bins * width),
            width=float(width),
        )
        np.testing.assert_array_equal(data.values[..., 0], exact)


@pytest.mark.parametrize("kept", [np.float32, np.float64])
def test_times_saved_in_float32_are_counted_as_precisely_as_they_are(kept):
    """Also where they are float64 by now."""
    spikes = (np.arange(100_000, 102_000) / 1000).astype(np.float32).astype(kept)
    data = bin_spikes([spikes, spikes], [100.0, 101.0], stop=0.5, width=0.001)
    assert (data.values == 1).all()
    late = (np.arange(5_000_000, 5_002_000) / 1000).astype(np.float32).astype(kept)
    with pytest.raises(ValueError, match=r"known to 0\.00049 s.*too coarse for bins of 0\.001 s"):
        bin_spikes([late], [5000.0, 5001.0], stop=0.5, width=0.001)
    assert (bin_spikes([late], [5000.0, 5001.0], stop=0.5, width=0.05).values == 50).all()


def test_a_spike_truly_before_an_edge_stays_there():
    """One tick of a fast clock (1 MHz) before the edge, after a day."""
    onset = 86_400.0
    data = bin_spikes(
        [[onset + 0.05 - 1e-6, onset + 0.05]], [onset, onset + 1], stop=0.1, width=0.05
    )
    assert data.values[:, 0, 0].tolist() == [1, 1]


def test_windows_without_spikes_show_both_clocks():
    with pytest.raises(
        ValueError, match=r"3 windows: they reach from 99\.9 to 102\.5 s.*0\.2 to 3 s"
    ):
        bin_spikes([[0.2, 3.0], []], [100.0, 101.0, 102.0], start=-0.1, width=0.1)
    with pytest.raises(ValueError, match="the 0 spike times of 2 neurons are none"):
        bin_spikes([[], []], [100.0, 101.0])


# -- Averages


def padded(**coordinates):
    """Two conditions of 3 and 5 repeats, padded to 6 by NaN, (time, trial, neuron)."""
    X = np.random.default_rng(0).standard_normal((2, 12, 3))
    X[:, [3, 4, 5, 11]] = np.nan
    X[0, 7, 1] = np.nan
    coordinates = {"side": np.repeat(["left", "right"], 6), **coordinates}
    return xr.DataArray(
        X,
        dims=("time", "trial", "neuron"),
        coords={name: ("trial", values) for name, values in coordinates.items()},
    )


def note(data):
    return json.loads(data.attrs["processing"])["steps"][-1]


def test_padding_is_not_averaged_nor_counted():
    data = padded()
    means = datasets.processing.condition_averages(data)
    assert means["averaged_trials"].values.tolist() == [3, 5]
    assert note(means)["fewest_averaged"] == 3 and note(means)["trials"] == 12
    np.testing.assert_allclose(means.values[:, 0], data.values[:, :3].mean(1))
    lacking = data.copy(data=np.where(np.arange(12)[:, None] == [0, 1, 2], np.nan, data.values))
    assert note(datasets.processing.condition_averages(lacking))["fewest_averaged"] == 2
    empty = data.where(data["side"] == "left")
    means = datasets.processing.condition_averages(empty, ["side"])
    assert means["averaged_trials"].values.tolist() == [3, 0]
    assert np.isnan(means.values[:, 1]).all() and note(means)["fewest_averaged"] == 0


def test_conditions_are_what_the_recording_declares_or_what_comes_again():
    rng = np.random.default_rng(1)
    data = padded(
        number=np.arange(12)[::-1],
        rt=rng.uniform(0.2, 0.9, 12),
        coherence=np.tile([0.032, 0.128, 0.512], 4),
        session=np.repeat([1, 2], 6),
    )
    averages = datasets.processing.condition_averages
    assert note(averages(data))["by"] == ["side", "coherence"]
    assert averages(data).sizes["trial"] == 6
    declared = data.assign_attrs(task_variables='["side"]', main_variable="side")
    assert note(averages(declared))["by"] == ["side"]
    assert averages(declared, ["rt"]).sizes["trial"] == 12
    with pytest.raises(ValueError, match=r"nothing says what a condition is.*'number', 'rt'"):
        averages(data.drop_vars(["side", "coherence"]))
    lacking = data.assign_coords(rt=("trial", np.r_[np.nan, data["rt"].values[1:]]))
    assert note(averages(lacking))["by"] == ["side", "coherence"]


def test_what_rounding_leaves_open_is_far_less_than_a_tick_of_a_clock():
    _, near = processing.bin_edges(np.array([86_400.0]), -1.0, 0.05, np.arange(20))
    assert 0 < near < 1e-9


@pytest.mark.parametrize("width", [0.001, 0.01, 0.025, 1 / 30])
def test_edges_that_were_added_up_hold_the_spikes_that_lie_on_them(width):
    spikes = np.arange(500) * width
    for edges in (np.cumsum([0, *[width] * 500]), np.linspace(0, 500 * width, 501)):
        counts = processing.spike_counts([spikes], edges[None])
        assert (counts == 1).all()
