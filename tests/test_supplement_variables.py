"""When task variables can be decoded: published ascents read like our own, claims that can fail."""

import numpy as np
import pandas as pd
import pytest
from test_claims import holding

from simlib.datasets import paper
from simlib.experiments import supplement_variables

MANTE, EARLY = "surrogate-mante2013", "procrustes-angular-score"
OURS = {
    "context": {EARLY: 0.41, "cka": 0.97, "linreg": np.nan},
    "choice": {EARLY: 0.37, "cka": 0.45, "linreg": 0.98},
    "motion": {EARLY: 0.38, "cka": 0.45, "linreg": np.nan},
}


def crossings_of(scores, **facts):
    rows = [
        {"dataset": MANTE, "seed": 0, "variable": variable, "measure": measure, "score": score}
        for variable, of_measures in scores.items()
        for measure, score in of_measures.items()
    ]
    return pd.DataFrame(rows).assign(**facts)


def of(changes):
    """OURS with other scores of some variables and measures."""
    return {name: scores | changes.get(name, {}) for name, scores in OURS.items()}


NONE = supplement_variables.published_variable_crossings(paper.published_variables(["toy-2d"]))


def test_without_published_tables_only_our_runs_are_judged():
    values = supplement_variables.variable_values(crossings_of(OURS), NONE)
    verdict = holding(values)
    assert set(values["where"]) == {"reproduced"} and len(verdict) == 3 and all(verdict.values())


def test_the_course_that_the_surrogate_misses_is_measured_on_the_later_side():
    published = crossings_of({"motion": {EARLY: 0.7, "cka": 0.98}})
    twice = pd.concat([published, published.assign(score=0.9)])
    values = supplement_variables.variable_values(crossings_of(OURS), twice)
    (missed,) = values.loc[values["claim"] == "the surrogate misses the course", "value"]
    assert missed == pytest.approx(0.9 - 0.45)  # the earlier of two published runs of CKA


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"choice": {"cka": 0.37}}, "CKA decodes each variable later"),
        ({"choice": {EARLY: np.nan}}, "linear regression decodes each variable later"),
        ({"motion": {"cka": 0.8}}, "CKA waits for late PCs"),
        ({"context": {EARLY: 0.9}}, "CKA waits for late PCs"),
    ],
)
def test_the_claims_can_fail(changes, claim):
    values = supplement_variables.variable_values(crossings_of(of(changes)), NONE)
    assert not holding(values)[claim]


def test_a_published_variable_is_reached_at_ninety_percent_of_the_way_to_the_end():
    steps = np.arange(11)
    rows = pd.DataFrame({"step": steps, "score": steps / 10, "value": 0.5 + 0.4 * steps / 10})
    rows = rows.assign(dataset=MANTE, name="motion", measure=EARLY, published_measure=EARLY)
    low = rows.assign(value=0.5 + rows["score"] / 10, measure="cka", published_measure="cka")
    crossed = supplement_variables.published_variable_crossings(pd.concat([rows, low]))
    scores = crossed.set_index("measure")["score"]
    assert scores[EARLY] == pytest.approx(0.9) and np.isnan(scores["cka"])
