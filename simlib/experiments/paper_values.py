"""The numbers behind the paper's claims, seed by seed: one row a claim, dataset and run.

Every function takes a table of `simlib.experiments` and returns columns claim (a key of
`paper_claims.CLAIMS`), dataset, run, value. A score that is never reached is infinite: later than
any.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from simlib import joint
from simlib.decoding import score_at_accuracy
from simlib.experiments.measure_card import slope
from simlib.experiments.published import PUBLISHED_TABLES, published_curves
from simlib.experiments.summaries import component_curves
from simlib.experiments.supplement_claims import FEWEST, capture_differences

__all__ = [
    "capture_values",
    "decoding_values",
    "distance_values",
    "gaussian_values",
    "penalty_values",
    "published_values",
    "range_values",
    "theory_values",
    "toy_values",
    "value_table",
]

EARLY, LATE = "procrustes-angular-score", "cka"
LEVEL, END = 0.9, 0.99
SEVERAL = 3  # fewest datasets that "all datasets" is tried on


def value_table(rows: list[tuple]) -> pd.DataFrame:
    """(claim, dataset, run, value) as a table."""
    return pd.DataFrame(rows, columns=["claim", "dataset", "run", "value"])


def _differ_by(reached: pd.Series) -> float:
    """By how much the latest score exceeds the first: infinite where some are never reached, NaN
    where none is.
    """
    return reached.max() - reached.min() if np.isfinite(reached.min()) else np.nan


def decoding_values(crossings: pd.DataFrame) -> pd.DataFrame:
    """Scores at which the variable is decodable (figure 3), from the table of `crossings`."""
    rows, final = [], crossings.groupby(["dataset", "seed"])["final_score"].min()
    wide = crossings.pivot(index=["dataset", "seed"], columns="measure", values="score").fillna(
        np.inf
    )
    for (dataset, seed), reached in wide.iterrows():
        rows.append(("reaches the end", dataset, seed, final[dataset, seed]))
        rows += [
            (f"{name} decodes late", dataset, seed, reached[name])
            for name in (LATE, "linreg")
            if name in reached
        ]
        if {EARLY, LATE} <= set(reached.index):
            gap = reached[LATE] - reached[EARLY] if np.isfinite(reached[EARLY]) else -np.inf
            rows.append(("angular Procrustes decodes early", dataset, seed, gap))
        if len(reached) > 1:
            rows.append(("no score for all measures", dataset, seed, _differ_by(reached)))
    if EARLY in wide and wide.index.unique("dataset").size >= SEVERAL:
        spread = wide[EARLY].groupby("seed").agg(_differ_by)
        rows += [
            ("no score for all datasets", "all", seed, value) for seed, value in spread.items()
        ]
    return value_table(rows)


def capture_values(captures: pd.DataFrame) -> pd.DataFrame:
    """Order and scores of captured PCs (figures 4, 5), from a table like that of
    `capture_scores`.
    """
    rows, known = [], captures[captures["explained_variance"] > 0]
    for (dataset, seed), run in known.groupby(["dataset", "seed"], sort=False):
        wide = run.pivot(index="pc", columns="measure", values="score")
        for name in [name for name in (EARLY, LATE) if name in wide]:
            reached = wide[name].dropna()
            if len(reached) >= FEWEST:
                order = spearmanr(reached.index, reached).statistic
                rows.append((f"{name} learns large PCs first", dataset, seed, order))
        late = wide.loc[wide[EARLY].between(0.4, 0.5), LATE] if {EARLY, LATE} <= set(wide) else []
        if len(late) >= FEWEST:
            rows.append(("CKA learns late", dataset, seed, late.fillna(np.inf).median()))
    return value_table(rows)


def theory_values(replacements: pd.DataFrame) -> pd.DataFrame:
    """Power of a PC's variance that the loss of score follows when it is replaced (figure 6), off
    from theory's.
    """
    rows = []
    for (dataset, measure, seed), run in replacements.groupby(
        ["dataset", "measure", "seed"], sort=False
    ):
        power = {"cka": 2, "nbs": 1}.get(measure)
        if power:
            loss = 1 - run["score"]
            seen = loss > 1e-10  # below, the rounding of the score is all there is
            found = slope(run.loc[seen, "explained_variance"], loss[seen])
            rows.append(
                (f"{measure} loses to the power of {power}", dataset, seed, abs(found - power))
            )
    return value_table(rows)


def range_values(ends: pd.DataFrame) -> pd.DataFrame:
    """What 0.9 on one measure leaves to the other (figure 7), from the table of `end_points`."""
    rows, keys = [], ["dataset", "measure", "against", "seed"]
    for (dataset, measure, against, seed), region in ends.groupby(keys, sort=False):
        if against == EARLY:
            found = joint.allowed(region, LEVEL)
            rows.append((f"{against} implies {measure}", dataset, seed, found["lowest_a"]))
            rows.append((f"{measure} doesn't imply {against}", dataset, seed, found["lowest_b"]))
    return value_table(rows)


def distance_values(ways: pd.DataFrame, squared: pd.DataFrame) -> pd.DataFrame:
    """Mean distance |s1 - a| + |s2 - b| left by descents of it, over that left by descents of the
    squares.

    Tables of `experiments.joint_ranges`, `squared` with power 2; both with the same targets and
    seeds.
    """
    run = ["dataset", "seed", "measure", "against"]
    left = [
        table.groupby([*run, "target_a", "target_b"])["distance"].min().groupby(run).mean()
        for table in (ways, squared)
    ]
    ratios = (left[0] / left[1]).dropna()
    return value_table(
        [
            ("absolute distance lands closer", dataset, seed, ratio)
            for (dataset, seed, *_), ratio in ratios.items()
        ]
    )


def penalty_values(crossings: pd.DataFrame) -> pd.DataFrame:
    """By how much the strongest penalty makes variables decodable earlier than the weakest; see
    `with_penalty`.
    """
    known = crossings.assign(score=crossings["score"].fillna(END))
    rows = []
    for (dataset, seed), run in known.groupby(["dataset", "seed"], sort=False):
        by = run.groupby("penalty")["score"].mean()
        rows.append(
            (
                "ridge penalty moves the crossing",
                dataset,
                seed,
                by[by.index.min()] - by[by.index.max()],
            )
        )
    return value_table(rows)


def gaussian_values(captures: pd.DataFrame, base: str) -> pd.DataFrame:
    """How far capture scores of a Gaussian of the same spectrum are from those of the data; see
    `variant_captures`.
    """
    rows = []
    for found in capture_differences(captures, base).itertuples():
        run = f"{found.measure}, {found.variant}, {found.seed}"
        rows.append(("Gaussian correlates", found.dataset, run, found.correlation))
        rows.append(("Gaussian differs little", found.dataset, run, found.difference))
    return value_table(rows).dropna()  # too few PCs for a correlation: no evidence either way


def toy_values(toy: pd.DataFrame) -> pd.DataFrame:
    """R^2 of the toy's two PCs along the ascents (figure 2), from `ascents` of toy-2d."""
    rows = []
    for seed, run in toy.groupby("seed", sort=False):
        pc = dict(list(component_curves(run, [1, 2]).groupby(["measure", "pc"])))
        line = pc[LATE, 1]
        rows.append(
            ("toy: PC 1 follows CKA", "toy-2d", seed, (line["mean"] - line["score"]).abs().max())
        )
        for name, words in (
            (LATE, "toy: PC 2 waits for CKA"),
            (EARLY, "toy: PC 2 is there for angular Procrustes"),
        ):
            curve = pc[name, 2]
            rows.append((words, "toy-2d", seed, np.interp(LEVEL, curve["score"], curve["mean"])))
    return value_table(rows)


def published_values() -> pd.DataFrame:
    """How near CKA and angular Procrustes cross on the published Freeman 2013; no rows without the
    tables.
    """
    name, rows = "freemanziemba2013", []
    entry, reached = PUBLISHED_TABLES[name], {}
    for key, run in published_curves([name]).groupby(["measure", "published_measure"], sort=False):
        reached[key] = score_at_accuracy(run["score"], run["value"], entry.chance, entry.reference)
    for (measure, published), score in reached.items():
        if measure == LATE:
            rows.append(
                (
                    "Freeman 2013 is the odd one out",
                    f"{name}, published",
                    published,
                    abs(score - reached[EARLY, EARLY]),
                )
            )
    return value_table(rows)
