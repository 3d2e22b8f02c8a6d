"""When each task variable can be decoded: on the surrogate, and in the published ascents."""

import numpy as np
import pandas as pd

from simlib.datasets import made
from simlib.experiments.claims import values
from simlib.experiments.curves import crossings

EARLY, LATE, LINEAR = "procrustes-angular-score", "cka", "linreg"
LATER = {
    LATE: "CKA decodes each variable later",
    LINEAR: "linear regression decodes each variable later",
}
MISSED = ("motion", "colour")  # late in the published ascents, early on the surrogate; seen first


def published_variable_crossings(published: pd.DataFrame, chance: float = 0.5) -> pd.DataFrame:
    """The score at 90% of the way from chance to the accuracy at the end of the published ascent of
    angular Procrustes, where Y is nearest to the recording.

    `published` is the table of `datasets.paper.published_variables`, `chance` that of its
    variables. The table of `curves.crossings`; CKA was published twice and has two rows a variable.
    """
    facts = {"settings": "published", "surrogate": False, "data_hash": "", "steps": 0}
    runs = published.assign(quantity="accuracy", scale="recorded", variant="published", **facts)
    runs = runs.assign(title=runs["dataset"], seed=runs["published_measure"])
    ends = runs[runs["measure"] == EARLY].sort_values("step").groupby(["dataset", "name"])
    levels = ends["value"].last().rename("accuracy").reset_index()
    levels = levels.rename(columns={"name": "variable"}).assign(chance=chance)
    return crossings(runs, levels).assign(seed=0)


def _scores(crossings: pd.DataFrame) -> pd.DataFrame:
    """Scores, a row a dataset, seed and variable, a column a measure: the first of several runs;
    never is infinite.
    """
    keys = ["dataset", "seed", "variable", "measure"]
    scores = crossings.assign(score=crossings["score"].fillna(np.inf))
    return scores.groupby(keys, sort=False)["score"].min().unstack("measure")


def _later_values(scores: pd.DataFrame) -> list[tuple]:
    """How much later than with angular Procrustes each variable can be decoded."""
    rows = []
    for measure, claim in LATER.items():
        if {measure, EARLY} <= set(scores):
            gaps = (scores[measure] - scores[EARLY]).where(np.isfinite(scores[EARLY]), -np.inf)
            rows += [(claim, d, f"{variable}, {s}", gap) for (d, s, variable), gap in gaps.items()]
    return rows


def _wait_values(scores: pd.DataFrame) -> list[tuple]:
    """How much longer CKA keeps waiting for the surrogate's variables of late PCs than angular
    Procrustes does.
    """
    rows = []
    for (dataset, seed), run in scores.groupby(["dataset", "seed"], sort=False):
        signals = made.SURROGATES[dataset].signals if dataset in made.SURROGATES else {}
        run = run.droplevel(["dataset", "seed"])
        late = [name for name in run.index if name in signals and signals[name].first_pc > 1]
        first = [name for name in run.index if name in signals and signals[name].first_pc == 1]
        if late and first and {LATE, EARLY} <= set(run):
            waits = run.loc[late].min() - run.loc[first].max()
            wait = waits[LATE] - waits[EARLY]
            rows.append(("CKA waits for late PCs", dataset, f"{', '.join(late)}, {seed}", wait))
    return rows


def variable_values(crossings: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """When each variable can be decoded, by run and as published, and how much later CKA has motion
    and colour as published.

    `crossings` is the table of that name, `published` that of `published_variable_crossings`, of
    the same datasets. Nothing is said of published runs where there are none.
    """
    ours, theirs = _scores(crossings), _scores(published)
    tables = [
        values(_later_values(ours) + _wait_values(ours)),
        values(_later_values(theirs), "published"),
    ]
    missed = []
    for (dataset, _, variable), late in theirs.get(LATE, pd.Series(dtype=float)).items():
        if variable in MISSED:
            reached = ours.xs((dataset, variable), level=("dataset", "variable"))[LATE]
            run = f"{variable}, latest of our runs"
            missed.append(("the surrogate misses the course", dataset, run, late - reached.max()))
    return pd.concat([*tables, values(missed, "both")], ignore_index=True)
