"""Simulated changes of a dataset agree with the theory, and the claims made of them can fail."""

import numpy as np
import pandas as pd
import pytest
from test_claims import holding

from simlib import experiments
from simlib.experiments import theory_sensitivity as sensitivity


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))


def test_replacements_cost_what_the_theory_says():
    names = ["cka", "nbs", "procrustes-angular-score", "ridge"]
    table = sensitivity.replacements(["hierarchy"], names, seeds=[0, 1])
    assert (table["score"] - table["theory"]).abs().max() < 1e-10
    assert set(table["seed"]) == {0, 1} and table["pc"].min() == 1 and table["pc"].max() == 50
    assert not table["surrogate"].any() and (table["settings"] == "paper").all()
    verdict = holding(sensitivity.theory_values(table))
    assert all(verdict.values()) and len(verdict) == 5
    wrong = sensitivity.theory_values(table.assign(score=table["score"] + 1e-3))
    assert not holding(wrong)["simulation agrees with theory"]
    swapped = table.assign(measure=table["measure"].replace({"cka": "nbs", "nbs": "cka"}))
    assert not holding(sensitivity.theory_values(swapped))["CKA loses less than NBS"]


def test_losses_to_another_power_are_seen():
    variance = np.array([0.5, 0.3, 0.2])
    facts = {"dataset": "x", "measure": "cka", "seed": 0, "pc": [1, 2, 3], "theory": 0.0}
    table = pd.DataFrame({**facts, "explained_variance": variance})
    for score, off in ((1 - variance**2, 0), (1 - variance, 1)):
        values = sensitivity.theory_values(table.assign(score=score)).set_index("claim")["value"]
        assert values["CKA loses to the power of 2"] == pytest.approx(off, abs=1e-12)


def test_random_replacements_are_near_the_equations_and_no_identity():
    """CKA stays quadratic; NBS loses less, by a share that the identity doesn't have."""
    names = ["cka", "nbs", "procrustes-angular-score"]
    options = {"seeds": [0, 1], "replacement": "random"}
    data = ["hierarchy", "surrogate-siegel2015", "surrogate-freemanziemba2013"]
    table = sensitivity.replacements(data, names, **options)
    assert set(table["replacement"]) == {"random"}
    apart = (table["score"] - table["theory"]).abs().groupby(table["measure"]).max()
    assert (apart > 1e-3).all()
    verdict = holding(sensitivity.random_values(table))
    assert all(verdict.values()) and len(verdict) == 4
    losses = sensitivity.random_losses(table).set_index(["dataset", "measure"])
    assert losses.loc[("surrogate-freemanziemba2013", "nbs"), "least"] < 0.7
    assert losses.loc[("surrogate-freemanziemba2013", "cka"), "least"] > 0.95
    raised = sensitivity.random_values(table.assign(score=table["score"] - 0.1))
    assert not any(holding(raised).values())


def test_replacements_refused(tmp_path):
    with pytest.raises(ValueError, match="unknown replacement 'rotated'"):
        sensitivity.replacements(["hierarchy"], ["cka"], replacement="rotated")
    with pytest.raises(ValueError, match="no equation for 'rsa'"):
        sensitivity.replacements(["hierarchy"], ["rsa"])
    full = tmp_path / "wide.npz"
    np.savez(full, X=np.random.default_rng(0).standard_normal((8, 20)))
    no_room = "no room to replace a principal component: 8 samples leave 7"
    with pytest.raises(experiments.TaskError, match=no_room):
        sensitivity.replacements([str(full)], ["cka"])
    table = sensitivity.replacements([str(full)], ["cka"], replacement="random")
    assert len(table) == 7, "a random one needs no room"


def test_changes_and_gradients_match_the_theory():
    changes, growth = sensitivity.changes("hierarchy", pc=2), sensitivity.gradient_rows("hierarchy")
    assert set(changes["change"]) == {"rotate", "rescale", "keep"}
    assert (changes["score"] - changes["theory"]).abs().max() < 1e-10
    assert (growth["growth"] - growth["theory"]).abs().max() < 1e-9
    verdict = holding(sensitivity.change_values(changes, growth))
    assert all(verdict.values()) and len(verdict) == 3
    nbs = changes["measure"] == "nbs"
    beyond = changes.assign(score=changes["score"].where(~nbs, 2.0))
    wrong = sensitivity.change_values(beyond, growth.assign(growth=2 * growth["growth"]))
    assert not any(holding(wrong).values())


def test_largest_pcs_knows_the_paper_s_recordings_only():
    table = sensitivity.largest_pcs(["surrogate-siegel2015", "hierarchy", "mante2013"])
    assert set(table["dataset"]) == {"siegel2015", "mante2013"} and len(table) == 6
