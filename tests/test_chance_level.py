"""Scores of independent noise, and what is claimed of them."""

import numpy as np
import pandas as pd
import pytest
from test_claims import holding

import simlib as sl
from simlib.experiments import chance_level


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))


def test_noise_scores_what_its_numbers_of_samples_and_neurons_are_worth():
    table = chance_level.noise_scores(["cka", "cka-debiased"], 30, [5, 400], seeds=range(5))
    assert len(table) == 20 and not table["surrogate"].any()
    verdict = holding(chance_level.noise_values(table))
    assert all(verdict.values()) and len(verdict) == 3
    off = chance_level.noise_values(table.assign(score=table["score"] + 0.1))
    assert not holding(off)["CKA of noise has a closed form"]
    assert not holding(off)["debiased CKA of noise is 0"]


def test_as_many_neurons_as_samples_are_not_enough_for_a_cka_near_1():
    """Half at p = n; nothing is said of many neurons where no table has ten times as many."""
    table = chance_level.noise_scores(["cka"], 30, [30, 60, 270], seeds=range(5))
    means = table.groupby("neurons")["score"].mean()
    assert abs(means[30] - 0.5) < 0.03 and abs(means[60] - 2 / 3) < 0.03
    assert "CKA of noise comes near 1" not in holding(chance_level.noise_values(table))
    low = table.assign(neurons=table["neurons"] + 270)
    assert not holding(chance_level.noise_values(low))["CKA of noise comes near 1"]


def test_measures_that_are_not_there_are_no_evidence():
    row = {"measure": "nbs", "samples": 30, "neurons": 5, "seed": 0, "score": 0.4}
    assert chance_level.noise_values(pd.DataFrame([row])).empty


def test_an_unknown_measure_is_named():
    with pytest.raises(ValueError, match="unknown measure 'ckaa'"):
        chance_level.noise_scores(["ckaa"], 30, [5])


@pytest.mark.parametrize("measure", ["cka", "nbs", "linreg"])
def test_a_model_without_noise_can_exceed_the_ceiling_of_halves(measure):
    """The page's word on the ceiling: one as noisy as half the repeats reaches it, no more."""
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((200, 3)) @ rng.standard_normal((3, 5))
    repeats = signal + 2 * rng.standard_normal((8, 200, 5))
    ceiling = sl.calibration.noise_ceiling(measure, repeats)
    noisy = signal + rng.standard_normal((200, 5))  # as noisy as the mean of four repeats
    halves = [repeats[:4].mean(0), repeats[4:].mean(0)]
    assert min(sl.score(measure, half, signal) for half in halves) > ceiling.mean + 0.03
    assert max(sl.score(measure, half, noisy) for half in halves) < ceiling.mean + 0.03


def test_what_noise_allows_is_judged_on_the_known_signal():
    table = chance_level.ceilings(["cka", "linreg"], samples=80, neurons=8, seed=1)
    verdict = holding(chance_level.ceiling_values(table))
    assert all(verdict.values()) and len(verdict) == 2
    off = holding(chance_level.ceiling_values(table.assign(signal=table["half against half"])))
    assert not any(off.values())
