"""Scores of independent noise, and what is claimed of them."""

import pandas as pd
import pytest
from test_claims import holding

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


def test_measures_that_are_not_there_are_no_evidence():
    row = {"measure": "nbs", "samples": 30, "neurons": 5, "seed": 0, "score": 0.4}
    assert chance_level.noise_values(pd.DataFrame([row])).empty


def test_an_unknown_measure_is_named():
    with pytest.raises(ValueError, match="unknown measure 'ckaa'"):
        chance_level.noise_scores(["ckaa"], 30, [5])


def test_what_noise_allows_is_judged_on_the_known_signal():
    table = chance_level.ceilings(["cka", "linreg"], samples=80, neurons=8, seed=1)
    verdict = holding(chance_level.ceiling_values(table))
    assert all(verdict.values()) and len(verdict) == 2
    off = holding(chance_level.ceiling_values(table.assign(signal=table["half against half"])))
    assert not any(off.values())
