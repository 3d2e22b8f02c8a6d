"""Every sentence of the paper that says how much, as a bound on numbers of `paper_values`; and what
isn't tested.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = ["CLAIMS", "UNTESTED", "Claim", "judged_values", "paper_table"]


class Claim(NamedTuple):
    """A claim about a number: at least `least`, at most `most`. `asserted_not` names datasets that
    only report.
    """

    sentence: str
    number: str  # what the value is
    figure: str  # of the paper
    page: str  # of this book
    least: float = -np.inf
    most: float = np.inf
    asserted_not: tuple[str, ...] = ()


FREEMAN = ("freemanziemba2013",)  # the odd one out, in the paper too
DECODING, ORDER, THEORY = "score_vs_decodability", "pc_learning_order", "theory_sensitivity"
RANGES, RIDGE, GAUSSIAN = "joint_score_ranges", "supplement_ridge_strength", "supplement_gaussian"
BEFORE = "score at 90% of the way from chance to the accuracy on the data"
CLAIMS: dict[str, Claim] = {
    "reaches the end": Claim(
        "The gradient takes noise to a score of 0.99 within 1000 steps",
        "lowest last score",
        "1",
        DECODING,
        0.99,
    ),
    "cka decodes late": Claim(
        "CKA is near 1 while the task still can't be decoded as well as from the data",
        BEFORE,
        "3",
        DECODING,
        0.85,
        asserted_not=FREEMAN,
    ),
    "linreg decodes late": Claim(
        "Linear regression is near 1 while the task still can't be decoded as well as from the "
        "data",
        BEFORE,
        "3",
        DECODING,
        0.85,
        asserted_not=FREEMAN,
    ),
    "angular Procrustes decodes early": Claim(
        "With angular Procrustes the task is decodable at a lower score than with CKA",
        "CKA minus angular Procrustes, both at 90% of the way",
        "3",
        DECODING,
        0.05,
        asserted_not=FREEMAN,
    ),
    "no score for all measures": Claim(
        "No one score is good for all measures",
        "largest difference of the scores at 90% (never: one of them isn't reached)",
        "3",
        DECODING,
        0.1,
        asserted_not=FREEMAN,
    ),
    "no score for all datasets": Claim(
        "No one score is good for all datasets",
        "largest difference of angular Procrustes at 90%",
        "3",
        DECODING,
        0.2,
    ),
    "Freeman 2013 is the odd one out": Claim(
        "On Freeman 2013 CKA and angular Procrustes cross at nearly the same score",
        "difference",
        "3",
        "published_vs_reproduced",
        most=0.05,
        asserted_not=FREEMAN,
    ),
    "procrustes-angular-score learns large PCs first": Claim(
        "Angular Procrustes learns the PCs of highest variance first",
        "Spearman correlation of rank and score",
        "2, 4, 5",
        ORDER,
        0.9,
    ),
    "cka learns large PCs first": Claim(
        "CKA learns the PCs of highest variance first",
        "Spearman correlation of rank and score",
        "2, 4, 5",
        ORDER,
        0.9,
    ),
    "CKA learns late": Claim(
        "CKA needs a score of about 0.9 for what angular Procrustes has learned at 0.4 to 0.5",
        "median CKA score of those PCs",
        "4, 5",
        ORDER,
        0.85,
    ),
    "cka loses to the power of 2": Claim(
        "CKA depends on the variance of a PC quadratically",
        "fitted power minus 2, absolute",
        "6",
        THEORY,
        most=0.01,
    ),
    "nbs loses to the power of 1": Claim(
        "NBS depends on the variance of a PC linearly",
        "fitted power minus 1, absolute",
        "6",
        THEORY,
        most=0.01,
    ),
    "procrustes-angular-score implies cka": Claim(
        "A high angular Procrustes score implies a high CKA score",
        "lowest CKA at 0.9",
        "7",
        RANGES,
        0.75,
    ),
    "cka doesn't imply procrustes-angular-score": Claim(
        "A high CKA score doesn't imply a high angular Procrustes score",
        "lowest angular Procrustes at 0.9",
        "7",
        RANGES,
        most=0.6,
    ),
    "procrustes-angular-score implies linreg": Claim(
        "A high angular Procrustes score implies a high linear-regression score",
        "lowest R^2 at 0.9",
        "7",
        RANGES,
        0.85,
    ),
    "linreg doesn't imply procrustes-angular-score": Claim(
        "A high linear-regression score doesn't imply a high angular Procrustes score",
        "lowest angular Procrustes at 0.9",
        "7",
        RANGES,
        most=0.4,
    ),
    "absolute distance lands closer": Claim(
        "Descending the absolute distance lands closer to the target than the squared one",
        "distance left, absolute over squared",
        "7",
        RANGES,
        most=1.0,
    ),
    "ridge penalty moves the crossing": Claim(
        "A stronger ridge penalty makes variables decodable at a lower score",
        "penalty 1 minus 10000, mean over variables",
        "supplement",
        RIDGE,
        0.03,
    ),
    "Gaussian correlates": Claim(
        "A Gaussian of the same spectrum has the same order of PCs",
        "correlation of the scores that capture them",
        "supplement",
        GAUSSIAN,
        0.9,
    ),
    "Gaussian differs little": Claim(
        "A Gaussian of the same spectrum has the same scores",
        "median difference of the scores that capture PCs",
        "supplement",
        GAUSSIAN,
        most=0.03,
    ),
    "toy: PC 1 follows CKA": Claim(
        "In the toy PC 1 rises linearly with CKA",
        "R^2 of PC 1 minus score, largest",
        "2",
        ORDER,
        most=0.1,
    ),
    "toy: PC 2 waits for CKA": Claim(
        "In the toy PC 2 isn't captured before CKA is close to 1",
        "R^2 of PC 2 at a score of 0.9",
        "2",
        ORDER,
        most=0.5,
    ),
    "toy: PC 2 is there for angular Procrustes": Claim(
        "In the toy angular Procrustes has captured PC 2 by then",
        "R^2 of PC 2 at a score of 0.9",
        "2",
        ORDER,
        0.5,
    ),
}
# What the paper shows and no test here covers: the sentence, its figure, why.
UNTESTED = (
    (
        "The accuracies and scores on all five recordings",
        "3, 4, 5",
        "the recordings are not part of this project (Siegel 2015 is not public), and each "
        "published run is a single one; "
        "published_vs_reproduced compares it with surrogates",
    ),
    (
        "Y looks more and more like the toy's trajectory",
        "1",
        "a picture without a number; pc_learning_order shows it",
    ),
    (
        "Pairs of measures are independent, coupled or asymmetric",
        "7",
        "a sketch of three shapes; the asymmetric one is tested above, no pair of measures here "
        "is independent",
    ),
)


def judged_values(values: pd.DataFrame) -> pd.DataFrame:
    """The values in the order of CLAIMS, with columns sentence, least, most (bounds), holds (NaN
    doesn't), asserted.

    Raises ValueError for a claim that isn't in CLAIMS.
    """
    values = values.sort_values(
        "claim", key=lambda names: [list(CLAIMS).index(name) for name in names], kind="stable"
    )
    claims = [CLAIMS[name] for name in values["claim"]]
    least, most = ([getattr(claim, end) for claim in claims] for end in ("least", "most"))
    asserted = [
        not any(name in dataset for name in claim.asserted_not)
        for claim, dataset in zip(claims, values["dataset"], strict=True)
    ]
    values = values.assign(sentence=[claim.sentence for claim in claims], least=least, most=most)
    return values.assign(
        holds=values["value"].between(values["least"], values["most"]), asserted=asserted
    )


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "never" if value > 0 else "unknown"
    return f"{value:.2f}" if abs(value) >= 0.02 or value == 0 else f"{value:.1g}"


def _evidence(values: pd.DataFrame) -> str:
    """Lowest to highest value over the runs, dataset by dataset."""
    parts = []
    for dataset, runs in values.groupby("dataset", sort=False):
        low, high = map(_number, (runs["value"].min(), runs["value"].max()))
        numbers = low if low == high else f"{low} to {high}"
        failing = (
            ""
            if runs["holds"].all()
            else ", does not hold in "
            + ("any" if not runs["holds"].any() else f"{(~runs['holds']).sum()} of them")
        )
        runs_word = "run" if len(runs) == 1 else "runs"
        parts.append(
            f"{dataset.removeprefix('surrogate-')} {numbers} ({len(runs)} {runs_word}{failing})"
        )
    return "; ".join(parts)


def paper_table(values: pd.DataFrame) -> pd.DataFrame:
    """Claim by claim: columns claim, figure (of the paper), page, bound, evidence, holds.

    holds is "yes", "no" or in how many of the runs; "not tested" where there is no number, with the
    reason as the evidence.
    """
    judged, rows = judged_values(values), []
    for name, claim in CLAIMS.items():
        found = judged[judged["claim"] == name]
        end = f"at least {claim.least}" if np.isfinite(claim.least) else f"at most {claim.most}"
        holding = int(found["holds"].sum())
        words = {0: "no", len(found): "yes"}.get(holding, f"in {holding} of {len(found)} runs")
        missing = found.empty
        rows.append(
            {
                "claim": claim.sentence,
                "figure": claim.figure,
                "page": claim.page,
                "bound": f"{claim.number}: {end}",
                "evidence": "no numbers: this run has no such measures or data"
                if missing
                else _evidence(found),
                "holds": "not tested" if missing else words,
            }
        )
    rows += [
        {
            "claim": sentence,
            "figure": figure,
            "page": "",
            "bound": "",
            "evidence": reason,
            "holds": "not tested",
        }
        for sentence, figure, reason in UNTESTED
    ]
    return pd.DataFrame(rows)
