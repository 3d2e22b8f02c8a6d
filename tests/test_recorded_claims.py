"""The paper's claims on the recordings that are at hand."""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from test_claims import holding

from simlib import datasets, experiments
from simlib.decoding import split
from simlib.experiments import curves, evidence

SHARED = Path(os.environ.get("SIMLIB_SHARED", Path(__file__).parents[2] / "shared")) / "recordings"
FOLDERS = {"mante2013": SHARED / "mante2013", "dyer2017": SHARED / "m1_reaching"}
RECORDINGS = {name: {"path": str(place)} for name, place in FOLDERS.items() if place.is_dir()}
REACHES = {name: options for name, options in RECORDINGS.items() if name == "dyer2017"}
needs_reaches = pytest.mark.skipif(
    not REACHES, reason="the reaching recording is not on this machine"
)


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))


@pytest.mark.skipif(not RECORDINGS, reason="no recordings on this machine")
def test_the_claims_about_capture_hold_on_recorded_data():
    targets = {"X": {}, "Gaussian": {"tails": "gaussian", "draw": 0}}
    names = ["procrustes-angular-score", "cka"]
    table = experiments.ascents(RECORDINGS, names, targets, variables=[], quick=True)
    captures = curves.captures(table)
    assert captures["dataset"].nunique() == len(RECORDINGS)
    of_x = evidence.capture_values(captures[captures["variant"] == "X"])
    for values in (of_x, evidence.gaussian_values(captures, base="X")):
        verdict = holding(values)
        assert all(verdict.values()) and len(verdict) >= 3, values.to_string()


@needs_reaches
def test_the_claims_about_decoding_hold_on_recorded_reaches():
    names = ["procrustes-angular-score", "cka", "linreg"]
    table = experiments.ascents(REACHES, names, quick=True)
    references = experiments.references(REACHES)
    # bins of a reach share a fold
    recorded = curves.deciding(references, "recorded")["accuracy"].item()
    assert recorded == pytest.approx(0.849, abs=0.005)
    crossings = curves.crossings(table, references)
    scores = crossings.set_index("measure")["score"][names]
    np.testing.assert_allclose(scores, [0.59, 0.97, 0.96], atol=0.03)
    parts = evidence.decoding_values(crossings), evidence.capture_values(curves.captures(table))
    verdict = holding(pd.concat(parts))
    assert all(verdict.values()) and len(verdict) >= 9, verdict


@needs_reaches
def test_silent_units_count_for_where_the_ascent_starts():
    """The numbers of the page on datasets: noise in 16 units more hides the task for longer."""
    names = ["procrustes-angular-score", "linreg"]
    fewer = {"dyer2017": REACHES["dyer2017"] | {"drop_silent": True}}
    table = experiments.ascents(fewer, names, quick=True)
    crossings = curves.crossings(table, experiments.references(fewer))
    scores = crossings.set_index("measure")["score"][names]
    np.testing.assert_allclose(scores, [0.52, 0.92], atol=0.03)


@needs_reaches
@pytest.mark.parametrize(
    ("patience", "accuracy"),
    [({"max_iter": 200}, 0.83), ({"max_iter": 50_000, "tol": 1e-8}, 0.849)],
)
def test_two_hundred_iterations_stop_short_on_recorded_reaches(patience, accuracy):
    ((path, options),) = REACHES.items()
    data = datasets.load(path, **options)
    target, trials = datasets.labels(data, "target"), data.values.reshape(-1, data.shape[-1])
    if patience["max_iter"] > 200:
        trials = trials - trials.mean(0)  # the bias is free, and the way to the optimum shorter
    fit, scores = LogisticRegression(C=1.0, **patience).fit, []
    for train, test in split(target, 5, 0, datasets.fold_groups(data)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores.append(fit(trials[train], target[train]).score(trials[test], target[test]))
    assert np.mean(scores) == pytest.approx(accuracy, abs=0.005)
