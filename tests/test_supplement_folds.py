"""What the choice of folds does to a regression score."""

import re
from pathlib import Path

import pytest
from test_claims import holding

from simlib.experiments import supplement_folds as folds

SIEGEL = "surrogate-siegel2015"


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))


def test_random_folds_are_fooled_and_whole_trials_are_not():
    table = folds.fold_scores(SIEGEL, [0, 4], seeds=[0], quick=True)
    transfer = folds.fold_transfer(SIEGEL, quick=True, steps=40, stop=0.5)
    verdict = holding(folds.fold_values(table, transfer))
    assert all(verdict.values()) and len(verdict) == 6
    swapped = {"random": "condition", "condition": "random"}
    flipped = table.assign(scheme=table["scheme"].replace(swapped))
    other = transfer.assign(climbed=transfer["climbed"].replace(swapped))
    verdict = holding(folds.fold_values(flipped, other))
    assert verdict["schemes agree on independent bins"] and not verdict["its own scheme leads"]
    for claim in ("random folds are fooled", "folds of whole trials are not fooled"):
        assert not verdict[claim]
    assert not verdict["contiguous folds lie between"]


@pytest.mark.slow
def test_the_page_of_measures_says_what_contiguous_folds_give_to_unrelated_responses():
    page = (Path(__file__).parent.parent / "book" / "measures.md").read_text()
    said = re.search(
        r"an \$R\^2\$ of ([\d.]+) \(([\d.]+) with random folds, −([\d.]+) with whole trials", page
    )
    table = folds.fold_scores("surrogate-siegel2015", [4], seeds=[0, 1, 2])
    means = table[table["content"] == folds.CONTENTS[0]].groupby("scheme")["score"].mean()
    found = [means["contiguous"], means["random"], -means["condition"]]
    assert [float(number) for number in said.groups()] == pytest.approx(found, abs=0.006)
