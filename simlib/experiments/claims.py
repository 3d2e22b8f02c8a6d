"""The paper's claims as statements about tables: each with its evidence, and whether it holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

__all__ = ["claim_table", "claims_about_capture", "claims_about_crossings", "claims_about_toy"]

# Freeman 2013 is the odd one out in the paper: CKA and angular Procrustes cross at nearly the same score.
REPORTED_ONLY = ("freemanziemba2013",)
MARGIN = 0.05


def claim_table(rows: list[dict]) -> pd.DataFrame:
    """Claims as a table: dataset, claim, evidence, holds, asserted.

    `asserted` says whether the paper makes the claim for this dataset (its own recordings and their
    surrogates, but for the exception it reports); for a recording of one's own the outcome is only reported.
    """
    return pd.DataFrame(rows, columns=["dataset", "claim", "evidence", "holds", "asserted"])


def _asserted(dataset: str, surrogate: bool) -> bool:
    own = not surrogate and ("/" in dataset or "." in dataset)
    return not own and not any(name in dataset for name in REPORTED_ONLY)


def _word(score: float) -> str:
    return "never" if np.isnan(score) else f"{score:.2f}"


def claims_about_crossings(crossings: pd.DataFrame) -> pd.DataFrame:
    """What the scores at which a variable becomes decodable say (figure 3), a row a dataset and claim.

    `crossings` is the table of `experiments.crossings` with CKA, linear regression and angular Procrustes
    among its measures. A measure that never gets there counts as later than any score.
    """
    rows = []
    for dataset, group in crossings.groupby("dataset", sort=False):
        reached = group.groupby("measure")["score"].mean()
        asserted = _asserted(dataset, bool(group["surrogate"].iloc[0]))
        early = reached.get("procrustes-angular-score", np.nan)
        for measure, name in (("cka", "CKA"), ("linreg", "linear regression")):
            if measure not in reached or "procrustes-angular-score" not in reached:
                continue
            late = reached[measure]
            rows.append({
                "dataset": dataset,
                "claim": f"{name} needs a score higher by {MARGIN} than angular Procrustes to decode the variable",
                "evidence": f"{name} {_word(late)}, angular Procrustes {_word(early)}",
                "holds": not np.isnan(early) and (np.isnan(late) or late - early > MARGIN),
                "asserted": asserted,
            })
        known = reached.dropna()
        if len(reached) > 1:
            rows.append({
                "dataset": dataset,
                "claim": "no one score is good for all measures: they differ by more than 0.2",
                "evidence": f"from {known.min():.2f} to {'never' if len(known) < len(reached) else _word(known.max())}",
                "holds": len(known) < len(reached) or known.max() - known.min() > 0.2,
                "asserted": asserted,
            })
    return claim_table(rows)


def claims_about_capture(capture: pd.DataFrame) -> pd.DataFrame:
    """What the order in which PCs are captured says (figures 4 and 5), a row a dataset and claim.

    `capture` is the table of `experiments.capture_scores`. The order is the Spearman correlation of a PC's
    rank with the score to capture it, a PC that is never captured counting as captured last.
    """
    rows = []
    for dataset, group in capture.groupby("dataset", sort=False):
        asserted = _asserted(dataset, bool(group["surrogate"].iloc[0]))
        group = group[group["explained_variance"] > 0]
        for measure in ("procrustes-angular-score", "cka"):
            runs = group[(group["measure"] == measure)]
            if runs.empty:
                continue
            mean = runs.groupby("pc")["score"].agg(lambda s: s.fillna(1.01).mean())
            order = spearmanr(mean.index, mean.to_numpy()).statistic
            rows.append({
                "dataset": dataset, "claim": f"{measure}: PCs are captured from the largest variance down",
                "evidence": f"Spearman correlation of rank and score {order:.2f}",
                "holds": order > 0.9, "asserted": asserted,
            })
        late, early = (
            group[group["measure"] == m].groupby("pc")["score"].agg(lambda s: s.fillna(1.01).mean())
            for m in ("cka", "procrustes-angular-score")
        )
        if len(late) and len(early):
            beyond = late.index > 2
            share = float((late[beyond].to_numpy() > early[beyond].to_numpy()).mean())
            rows.append({
                "dataset": dataset, "claim": "CKA needs a higher score than angular Procrustes for the same PC",
                "evidence": f"true of {share:.0%} of the PCs after the second",
                "holds": share > 0.9, "asserted": asserted,
            })
    return claim_table(rows)


def _at(curve: pd.DataFrame, score: float) -> float:
    curve = curve.sort_values("score")
    return float(np.interp(score, curve["score"], curve["mean"]))


def claims_about_toy(curves: pd.DataFrame) -> pd.DataFrame:
    """What the toy's two PCs say (figure 2): `curves` is `experiments.component_curves` of toy-2d, PCs 1 and 2."""
    pc = {key: group for key, group in curves.groupby(["measure", "pc"])}
    line = pc["cka", 1]
    off_line = float((line["mean"] - line["score"]).abs().max())
    late, early = _at(pc["cka", 2], 0.9), _at(pc["procrustes-angular-score", 2], 0.9)
    statements = [
        ("CKA: R^2 of PC 1 equals the score, within 0.1", f"at most {off_line:.2f} off", off_line < 0.1),
        ("CKA: PC 2 is below R^2 = 0.3 at a score of 0.9", f"{late:.2f}", late < 0.3),
        ("Angular Procrustes: PC 2 is above R^2 = 0.6 at a score of 0.9", f"{early:.2f}", early > 0.6),
    ]
    return claim_table([
        {"dataset": "toy-2d", "claim": claim, "evidence": evidence, "holds": holds, "asserted": True}
        for claim, evidence, holds in statements
    ])
