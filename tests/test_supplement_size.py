"""Sizes and learning rates: what is run, and that its claims can fail."""

import numpy as np
import pandas as pd
import pytest
from test_claims import holding
from test_curves import RISING, captures_of

from simlib import experiments
from simlib.experiments import curves, supplement_size

EARLY = "procrustes-angular-score"


def runs(cka=0.3, neurons=(35, 70), early=(0.9, 0.7), late=np.nan):
    """Crossings and captures of two sizes: CKA's captures exceed those of the other by `cka`."""
    crossings, captures = [], []
    for p, score in zip(neurons, early, strict=True):
        size = {"trials": 48, "neurons": p, "samples": 481}
        name = f"48 trials, {p} neurons"
        for measure, shift, at in ((EARLY, 0.0, score), ("cka", cka, late)):
            captured = captures_of({name: RISING + shift}).assign(measure=measure, **size)
            captures.append(captured.assign(start=p / 480))
            run = {"dataset": "x", "measure": measure, "variant": name, "seed": 0, "score": at}
            crossings.append(run | size)
    return pd.DataFrame(crossings), pd.concat(captures, ignore_index=True)


def test_each_number_is_varied_with_the_other_at_its_largest():
    sizes = [tuple(one.values()) for one in supplement_size.sizes([10, 20], [4, 8])]
    assert sizes == [(10, 8), (20, 8), (20, 4)]


def test_a_median_over_pcs_that_are_never_captured_is_never():
    captures = captures_of({"a": RISING[:10], "b": np.r_[RISING[:4], [np.nan] * 6]})
    first = supplement_size.first_captures(captures).set_index("variant")["score"]
    assert first["a"] == pytest.approx(np.median(RISING[:10])) and np.isnan(first["b"])


def test_the_claims_of_size_hold_where_they_should():
    verdict = holding(supplement_size.size_values(*runs()))
    assert len(verdict) == 5 and all(verdict.values())


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        ({"late": 0.7}, "CKA decodes later, any size"),
        ({"early": (np.nan, 0.7)}, "CKA decodes later, any size"),
        ({"cka": 0.05}, "CKA captures later, any size"),
        ({"early": (0.7, 0.7)}, "more neurons, decodable earlier"),
    ],
)
def test_the_claims_of_size_can_fail(change, claim):
    assert not holding(supplement_size.size_values(*runs(**change)))[claim]


def test_the_other_claims_of_size_can_fail():
    crossings, captures = runs()
    backwards = captures.assign(score=-captures["score"])
    assert not holding(supplement_size.size_values(crossings, backwards))[
        "large PCs first, any size"
    ]
    started = captures.assign(start=0.5)
    assert not holding(supplement_size.size_values(crossings, started))[
        "noise predicts p / (n - 1)"
    ]


@pytest.mark.parametrize(
    ("moves", "holds"),
    [((0.2, 0.0), (True, True)), ((0.0, 0.0), (False, True)), ((0.2, 0.1), (True, False))],
)
def test_the_claims_of_the_learning_rate_can_fail(moves, holds):
    """`moves`: by how much CKA's and angular Procrustes's captures are later at the small rate."""
    captures, crossings = [], []
    for measure, base, move in zip(("cka", EARLY), (0.5, 0.0), moves, strict=True):
        of_rates = {"0.01": RISING + base + move, "0.3": RISING + base}
        captures.append(captures_of(of_rates).assign(measure=measure))
        run = {"dataset": "x", "measure": measure, "seed": 0, "score": 0.5 + base}
        crossings += [run | {"variant": rate} for rate in of_rates]
    values = supplement_size.rate_values(pd.DataFrame(crossings), pd.concat(captures))
    verdict = holding(values)
    names = (
        "smaller steps, later captures by CKA",
        "angular Procrustes hardly depends on the learning rate",
    )
    assert tuple(verdict.pop(name) for name in names) == holds
    assert len(verdict) == 3 and all(verdict.values())


def test_a_surrogate_of_several_sizes_is_climbed(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))
    crossings, captures = supplement_size.size_runs(
        "surrogate-hatsopoulos2007", [EARLY], [48], [5, 8], seeds=[0], steps=3, quick=True
    )
    assert crossings["neurons"].tolist() == [8, 5] and set(crossings["samples"]) == {480}
    assert captures.groupby("neurons")["pc"].max().to_dict() == {5: 5, 8: 8}
    table = supplement_size.size_table(crossings, captures)
    assert table["decodable at"].tolist() == ["never", "never"] and len(table) == 2


def test_on_a_small_surrogate_the_learning_rate_hardly_moves_captures(tmp_path, monkeypatch):
    """What the page on starts says of 64 trials and 40 neurons."""
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))
    small = {"surrogate-siegel2015": {"trials": 64, "neurons": 40}}
    rates = {"0.01": {"lr": 0.01}, "0.3": {"lr": 0.3}}
    table = experiments.ascents(small, ["cka"], rates, variables=[])
    scores = supplement_size.first_captures(curves.captures(table))["score"]
    assert scores.max() - scores.min() < 0.05
