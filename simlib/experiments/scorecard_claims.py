"""The paper's claims on the published and on the reproduced numbers, and that the two agree."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simlib.datasets.paper import published_captures, published_curves
from simlib.decoding import score_at_accuracy
from simlib.experiments.claims import claim_table, claims_about_capture
from simlib.experiments.comparison import decoding_curves, published_levels, reference_levels

__all__ = ["claims_about_scorecard", "claims_overview"]

EARLY, LATE = "procrustes-angular-score", "cka"
MARGIN, HIGH = 0.15, 0.85
# The datasets for which the paper's claims about decoding are asserted: Freeman 2013 is its odd one
# out.
FOUR = ("mante2013", "siegel2015", "hatsopoulos2007", "majajhong2015")
FIVE = (*FOUR, "freemanziemba2013")
COMPARED = (EARLY, "nbs", LATE)
COMPARISON_ASSERTED = ("siegel2015", "freemanziemba2013")


def _word(score: float) -> str:
    return "never" if np.isnan(score) else f"{score:.2f}"


def _middle(scores: pd.Series) -> float:
    """Median over runs, a score that is never reached being later than any; NaN where that is the
    median.
    """
    middle = np.median(scores.fillna(np.inf))
    return float(middle) if np.isfinite(middle) else np.nan


def _crossings(
    curves: pd.DataFrame, levels: dict[str, tuple[float, float]], share: float
) -> pd.DataFrame:
    """Median over runs of the score at this share of the way from chance to the reference, datasets
    by measures.
    """
    rows = []
    for (dataset, measure, _), run in curves.groupby(["dataset", "measure", "seed"], sort=False):
        run = run.sort_values("step")
        score = score_at_accuracy(run["score"], run["value"], *levels[dataset], share)
        rows.append({"dataset": dataset, "measure": measure, "score": score})
    if not rows:
        return pd.DataFrame()
    runs = pd.DataFrame(rows).groupby(["dataset", "measure"], sort=False)
    return runs["score"].agg(_middle).unstack("measure")


def _decoding_claims(curves: pd.DataFrame, levels: dict[str, tuple[float, float]]) -> list[dict]:
    """What the curves of accuracy against score say; a score that is never reached counts as later
    than any.
    """
    half, crossings, rows = _crossings(curves, levels, 0.5), _crossings(curves, levels, 0.9), []
    for dataset, reached in crossings.iterrows():
        statements = []
        if {EARLY, LATE} <= set(reached.index):
            early, late = half.loc[dataset, [EARLY, LATE]]
            statements.append(
                (
                    f"halfway to the reference accuracy CKA exceeds angular Procrustes by {MARGIN}",
                    f"CKA {_word(late)}, angular Procrustes {_word(early)}",
                    np.isfinite(early) and not late - early <= MARGIN,
                )
            )
        for measure, name in ((LATE, "CKA"), ("linreg", "linear regression")):
            if measure in reached:
                statements.append(
                    (
                        f"{name} is above {HIGH} before the variable can be decoded (90% of the "
                        "way)",
                        _word(reached[measure]),
                        not reached[measure] <= HIGH,
                    )
                )
        if len(reached) > 1:
            statements.append(
                (
                    "no one score is good for all measures: those at 90% differ by more than 0.2",
                    ", ".join(f"{measure} {_word(score)}" for measure, score in reached.items()),
                    _differ(reached),
                )
            )
        asserted = dataset.removeprefix("surrogate-") in FOUR
        rows += [
            {
                "dataset": dataset,
                "claim": claim,
                "evidence": evidence,
                "holds": bool(holds),
                "asserted": asserted,
            }
            for claim, evidence, holds in statements
        ]
    if EARLY in crossings and len(crossings) > 1:
        over = crossings[EARLY]
        rows.append(
            {
                "dataset": "all",
                "holds": _differ(over),
                "asserted": True,
                "claim": "no one angular Procrustes score is good for all datasets: they differ "
                "by more than 0.2",
                "evidence": ", ".join(
                    f"{dataset} {_word(score)}" for dataset, score in over.items()
                ),
            }
        )
    return rows


def _differ(scores: pd.Series) -> bool:
    """Whether some score is reached, and another never or more than 0.2 later."""
    never = scores.isna()
    return bool((never.any() and not never.all()) or scores.max() - scores.min() > 0.2)


def _order_claims(captures: pd.DataFrame) -> list[dict]:
    rows = claims_about_capture(captures).to_dict("records")
    for dataset, group in captures.groupby("dataset", sort=False):
        means = group.groupby(["pc", "measure"])["score"].agg(_middle).unstack("measure")
        if not {EARLY, LATE} <= set(means):
            continue
        late = means.loc[means[EARLY].between(0.4, 0.5), LATE].fillna(np.inf)
        if len(late) < 5:
            continue
        middle = late.median()
        rows.append(
            {
                "dataset": dataset,
                "claim": "what angular Procrustes learns at 0.4 to 0.5, CKA learns above 0.9",
                "evidence": f"{len(late)} PCs, median CKA "
                f"{_word(middle if np.isfinite(middle) else np.nan)}",
                "holds": bool(middle > 0.9),
                "asserted": True,
            }
        )
    return [
        {**row, "asserted": row["asserted"] and row["dataset"].removeprefix("surrogate-") in FIVE}
        for row in rows
    ]


def _comparisons(card: pd.DataFrame) -> list[dict]:
    rows = []
    for (dataset, measure), group in card[card["measure"].isin(COMPARED)].groupby(
        ["dataset", "measure"], sort=False
    ):
        found = group.set_index("quantity")
        r, steps = (
            found["reproduced"].get("capture, correlation", np.nan),
            found["difference"]["steps"],
        )
        correlation = (
            f"{r:.3f}"
            if np.isfinite(r)
            else "too few PCs that the published run and all of ours reach"
        )
        for claim, evidence, holds, known in (
            (
                f"{measure}: reproduced capture scores correlate with the published above 0.9",
                correlation,
                r > 0.9,
                np.isfinite(r),
            ),
            (
                f"{measure}: number of steps within 30% of the published",
                f"{steps:+.0%}",
                abs(steps) < 0.3,
                True,
            ),
        ):
            asserted = dataset.removeprefix("surrogate-") in COMPARISON_ASSERTED
            rows.append(
                {
                    "dataset": dataset,
                    "claim": claim,
                    "evidence": evidence,
                    "holds": bool(holds),
                    "asserted": bool(asserted and known),
                }
            )
    return rows


def claims_about_scorecard(
    table: pd.DataFrame, captures: pd.DataFrame, references: pd.DataFrame, card: pd.DataFrame
) -> pd.DataFrame:
    """The paper's claims on the published and on the reproduced numbers, and that the two agree.

    `table` is that of `scorecard_runs`. Columns where ("published", "reproduced", "both"), then
    those of `claims.claim_table`. Claims about decoding are asserted for four datasets; Freeman
    2013, the paper's odd one out, and the tree are reported. Nothing is said where no published
    table is found, but of our runs.
    """
    names = list(dict.fromkeys(table["dataset"]))
    titles = table.groupby("dataset")["title"].first()
    runs = {"published_measure": "seed"}  # the two published runs of CKA count as two runs
    their_curves = published_curves(names).rename(columns=runs)
    their_captures = published_captures(names).rename(columns=runs)
    their_captures = their_captures.assign(
        title=their_captures["dataset"].map(titles), surrogate=False
    )
    theirs, ours = (
        (their_curves, published_levels(names)),
        (decoding_curves(table), reference_levels(references)),
    )
    parts = {
        "published": _decoding_claims(*theirs) + _order_claims(their_captures),
        "reproduced": _decoding_claims(*ours) + _order_claims(captures),
        "both": _comparisons(card),
    }
    return pd.concat(
        [claim_table(rows).assign(where=where) for where, rows in parts.items()], ignore_index=True
    )


def claims_overview(claims: pd.DataFrame) -> pd.DataFrame:
    """The table of `claims_about_scorecard` for reading: a row a claim and source, the datasets
    side by side.

    Columns claim, where, evidence, holds ("yes", "no", or on how many of the datasets).
    """
    rows = []
    for (claim, where), group in claims.groupby(["claim", "where"], sort=False):
        evidence = [
            f"{row.dataset.removeprefix('surrogate-')}: "
            f"{row.evidence}{'' if row.holds else ' (does not hold)'}"
            for row in group.itertuples()
        ]
        holding, total = int(group["holds"].sum()), len(group)
        word = {0: "no", total: "yes"}.get(holding, f"{holding} of {total}")
        rows.append(
            {"claim": claim, "where": where, "evidence": "; ".join(evidence), "holds": word}
        )
    return pd.DataFrame(rows)
