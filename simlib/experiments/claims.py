"""The paper's claims as statements about tables: each with its evidence, and whether it holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

__all__ = [
    "claim_table",
    "claims_about_capture",
    "claims_about_crossings",
    "claims_about_toy",
    "of_the_paper",
]

# Freeman 2013 is the odd one out in the paper: CKA and angular Procrustes cross at nearly the same
# score.
REPORTED_ONLY = ("freemanziemba2013",)
MARGIN = 0.05


def claim_table(rows: list[dict]) -> pd.DataFrame:
    """Claims as a table: dataset, claim, evidence, holds, asserted.

    `asserted` says whether the paper makes the claim for this dataset (its own recordings and their
    surrogates, but for the exception it reports); for a recording of one's own the outcome is only
    reported.
    """
    return pd.DataFrame(rows, columns=["dataset", "claim", "evidence", "holds", "asserted"])


def of_the_paper(dataset: str, surrogate: bool) -> bool:
    """Whether this is one of the paper's datasets, or a surrogate, and not a file of the reader's
    own.
    """
    return surrogate or not ("/" in dataset or "." in dataset)


def _over_seeds(group: pd.DataFrame, key: str) -> pd.Series:
    """Mean score over seeds; NaN (never) where one seed never gets there."""
    return group.groupby(key, sort=False)["score"].agg(lambda scores: scores.mean(skipna=False))


def _word(score: float) -> str:
    return "never" if np.isnan(score) else f"{score:.2f}"


def claims_about_crossings(crossings: pd.DataFrame) -> pd.DataFrame:
    """What the scores at which a variable becomes decodable say (figure 3), a row a dataset and
    claim.

    `crossings` is the table of `experiments.crossings` with CKA, linear regression and angular
    Procrustes among its measures. A measure that never gets there counts as later than any score.
    """
    rows = []
    for dataset, group in crossings.groupby("dataset", sort=False):
        reached = _over_seeds(group, "measure")
        asserted = of_the_paper(dataset, bool(group["surrogate"].iloc[0]))
        asserted &= not any(name in dataset for name in REPORTED_ONLY)
        early = reached.get("procrustes-angular-score", np.nan)
        for measure, name in (("cka", "CKA"), ("linreg", "linear regression")):
            if measure not in reached or "procrustes-angular-score" not in reached:
                continue
            late = reached[measure]
            rows.append(
                {
                    "dataset": dataset,
                    "claim": f"{name} needs a score higher by {MARGIN} than angular Procrustes to "
                    "decode the variable",
                    "evidence": f"{name} {_word(late)}, angular Procrustes {_word(early)}",
                    "holds": not np.isnan(early) and (np.isnan(late) or late - early > MARGIN),
                    "asserted": asserted,
                }
            )
        known = reached.dropna()
        if len(reached) > 1:
            rows.append(
                {
                    "dataset": dataset,
                    "claim": "no one score is good for all measures: they differ by more than 0.2",
                    "evidence": f"from {known.min():.2f} to "
                    f"{'never' if len(known) < len(reached) else _word(known.max())}",
                    "holds": len(known) < len(reached) or known.max() - known.min() > 0.2,
                    "asserted": asserted,
                }
            )
    return claim_table(rows)


def _mean_scores(group: pd.DataFrame, measure: str) -> pd.Series:
    """Score to capture each PC, mean over seeds; NaN where a seed never captures it."""
    return _over_seeds(
        group[(group["measure"] == measure) & (group["explained_variance"] > 0)], "pc"
    )


def claims_about_capture(capture: pd.DataFrame) -> pd.DataFrame:
    """What the order in which PCs are captured says (figures 4 and 5), a row a dataset and claim.

    `capture` is the table of `experiments.capture_scores` with CKA and angular Procrustes among its
    measures. The order is the Spearman correlation of rank and score over the PCs that are
    captured.
    """
    rows = []
    for dataset, group in capture.groupby("dataset", sort=False):
        asserted = of_the_paper(dataset, bool(group["surrogate"].iloc[0]))
        scores = {m: _mean_scores(group, m) for m in ("procrustes-angular-score", "cka")}
        for measure, score in scores.items():
            reached = score.dropna()
            if len(reached) < 5:
                continue
            order = spearmanr(reached.index, reached.to_numpy()).statistic
            rows.append(
                {
                    "dataset": dataset,
                    "claim": f"{measure}: PCs are captured from the largest variance down",
                    "evidence": f"Spearman correlation of rank and score {order:.2f} over the "
                    f"{len(reached)} of "
                    f"{len(score)} PCs that are captured, the last of rank {reached.index.max()}",
                    "holds": order > 0.9 and reached.index.max() < 1.5 * len(reached) + 5,
                    "asserted": asserted,
                }
            )
        late, early = scores["cka"].fillna(np.inf), scores["procrustes-angular-score"].dropna()
        early = early[early.index > 2]
        if len(late) and len(early):
            share = float((late[early.index] > early).mean())
            rows.append(
                {
                    "dataset": dataset,
                    "claim": "CKA needs a higher score than angular Procrustes for the same PC",
                    "evidence": f"true of {share:.0%} of the {len(early)} PCs after the second "
                    "that the latter captures",
                    "holds": share > 0.9,
                    "asserted": asserted,
                }
            )
    return claim_table(rows)


def _at(curve: pd.DataFrame, score: float) -> float:
    curve = curve.sort_values("score")
    return float(np.interp(score, curve["score"], curve["mean"], right=np.nan))


def claims_about_toy(curves: pd.DataFrame) -> pd.DataFrame:
    """What the toy's two PCs say (figure 2): `curves` is `experiments.component_curves` of toy-2d,
    PCs 1 and 2.

    Asserted where the ascents came to a score of 0.9, not where they were cut short.
    """
    pc = {key: group for key, group in curves.groupby(["measure", "pc"])}
    line = pc["cka", 1]
    off_line = float((line["mean"] - line["score"]).abs().max())
    late, early = _at(pc["cka", 2], 0.9), _at(pc["procrustes-angular-score", 2], 0.9)
    statements = [
        (
            "CKA: R^2 of PC 1 equals the score, within 0.1",
            f"at most {off_line:.2f} off",
            off_line < 0.1,
        ),
        ("CKA: PC 2 is below R^2 = 0.3 at a score of 0.9", f"{late:.2f}", late < 0.3),
        (
            "Angular Procrustes: PC 2 is above R^2 = 0.6 at a score of 0.9",
            f"{early:.2f}",
            early > 0.6,
        ),
    ]
    asserted = not np.isnan(late + early)
    return claim_table(
        [
            {
                "dataset": "toy-2d",
                "claim": claim,
                "evidence": evidence,
                "holds": holds,
                "asserted": asserted,
            }
            for claim, evidence, holds in statements
        ]
    )
