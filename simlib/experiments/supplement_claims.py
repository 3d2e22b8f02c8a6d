"""The supplement's claims: what the penalty, the spectrum, the start and the optimiser change, and
what they don't.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from simlib.experiments.claims import claim_table, of_the_paper
from simlib.measures import measure

__all__ = [
    "capture_differences",
    "capture_order",
    "claims_about_gaussian",
    "claims_about_penalty",
    "claims_about_starts",
    "with_penalty",
]

ORDER = 0.9  # least Spearman correlation of a PC's rank and the score that captures it
SAME, APART = (
    0.9,
    0.03,
)  # least correlation of two sets of capture scores, largest median difference
MOVED = 0.03
FILLED = 0.99  # mean R^2 at the start from which Y's columns leave nothing of the samples
FEWEST = 5  # PCs below which no correlation is taken


def with_penalty(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `penalty`, read from its ridge measures."""
    penalties = {name: float(measure(name).params["penalty"]) for name in table["measure"].unique()}
    return table.assign(penalty=table["measure"].map(penalties))


def _words(values: pd.Series) -> str:
    """Lowest and highest of some scores; "never" for those that were not reached."""
    known = values.dropna()
    if known.empty:
        return "never"
    text = (
        f"{known.min():.2f}"
        if known.max() - known.min() < 0.005
        else f"{known.min():.2f} to {known.max():.2f}"
    )
    return f"{text} or never" if len(known) < len(values) else text


def capture_order(captures: pd.DataFrame) -> pd.DataFrame:
    """Spearman correlation of a PC's rank and the score that captures it, a row a run.

    Columns dataset, variant, measure, seed, order (NaN with fewer than five PCs captured), captured
    (number of PCs), start (mean R^2 before the first step), reached (last score).
    """
    rows, keys = [], ["dataset", "variant", "measure", "seed"]
    for key, run in captures[captures["explained_variance"] > 0].groupby(keys, sort=False):
        known = run.dropna(subset="score")
        enough = len(known) >= FEWEST and known["score"].nunique() > 1
        order = spearmanr(known["pc"], known["score"]).statistic if enough else np.nan
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "order": order,
                "captured": len(known),
                "start": run["start"].mean(),
                "reached": run["reached"].iloc[0],
            }
        )
    return pd.DataFrame(rows)


def capture_differences(captures: pd.DataFrame, base: str) -> pd.DataFrame:
    """Each variant's capture scores beside those of the variant `base` from the same seed, over the
    PCs both capture.

    Columns dataset, variant, measure, seed, common (number of PCs), correlation, difference (median
    of the absolute difference of scores), counts (PCs captured by base, by the variant).
    """
    rows = []
    for (dataset, measure_id, seed), group in captures.groupby(
        ["dataset", "measure", "seed"], sort=False
    ):
        wide = group.pivot(index="pc", columns="variant", values="score")
        for variant in [name for name in dict.fromkeys(group["variant"]) if name != base]:
            both = wide[[base, variant]].dropna()
            enough = len(both) >= FEWEST and (both.nunique() > 1).all()
            rows.append(
                {
                    "dataset": dataset,
                    "variant": variant,
                    "measure": measure_id,
                    "seed": seed,
                    "common": len(both),
                    "correlation": np.corrcoef(both.T)[0, 1] if enough else np.nan,
                    "difference": (both[base] - both[variant]).abs().median(),
                    "counts": f"{wide[base].notna().sum()}, {wide[variant].notna().sum()}",
                }
            )
    return pd.DataFrame(rows)


def claims_about_gaussian(captures: pd.DataFrame, base: str) -> pd.DataFrame:
    """A Gaussian of the same spectrum gives the same capture scores as X (variant `base`), a row a
    dataset, measure.
    """
    differences, orders, rows = capture_differences(captures, base), capture_order(captures), []
    surrogate = captures.groupby("dataset")["surrogate"].first()
    for (dataset, name), group in differences.groupby(["dataset", "measure"], sort=False):
        low, apart = group["correlation"].min(), group["difference"].max()
        asserted = of_the_paper(dataset, bool(surrogate[dataset]))
        rows.append(
            {
                "dataset": dataset,
                "asserted": asserted,
                "claim": f"{name}: a Gaussian of the same spectrum gives the same score to "
                "capture each PC: correlation "
                f"above {SAME}, median difference below {APART}",
                "evidence": f"correlation at least {low:.3f}, difference at most {apart:.3f}; PCs "
                "captured (X, Gaussian): " + "; ".join(group["counts"]),
                "holds": bool(low > SAME and apart < APART),
            }
        )
        order = orders.loc[(orders["dataset"] == dataset) & (orders["measure"] == name), "order"]
        rows.append(
            {
                "dataset": dataset,
                "asserted": asserted,
                "claim": f"{name}: PCs are captured from the largest variance down, in X and in "
                "the Gaussian",
                "evidence": f"Spearman correlation of rank and score {_words(order)}",
                "holds": bool(order.min() > ORDER),
            }
        )
    return claim_table(rows)


def claims_about_penalty(crossings: pd.DataFrame, captures: pd.DataFrame) -> pd.DataFrame:
    """The ridge penalty moves the score at which each variable is decodable, not the order of PCs.

    `crossings` and `captures` are those of `variable_crossings` and `variant_captures`, with
    `with_penalty`.
    """
    rows = []
    for dataset, group in crossings.groupby("dataset", sort=False):
        low, high = group["penalty"].min(), group["penalty"].max()
        drops = []
        for variable, of_variable in group.groupby("variable", sort=False):
            scores = of_variable.set_index(["penalty", "seed"])["score"]
            weak, strong = scores[low], scores[high]
            # Never is later than any score; the run's end, 0.99, stands in for it in the size of
            # the move.
            drops += list((weak.fillna(0.99) - strong.fillna(0.99)).to_numpy())
            holds = strong.notna().all() and (strong < weak.fillna(np.inf)).all()
            rows.append(
                {
                    "dataset": dataset,
                    "asserted": True,
                    "holds": bool(holds),
                    "claim": f"{variable} becomes decodable at a lower score with penalty "
                    f"{high:g} than with {low:g}",
                    "evidence": f"penalty {low:g}: {_words(weak)}; penalty {high:g}: "
                    f"{_words(strong)}",
                }
            )
        rows.append(
            {
                "dataset": dataset,
                "asserted": True,
                "holds": bool(np.mean(drops) > MOVED),
                "claim": f"the ridge penalty moves the crossing, on average by more than {MOVED}",
                "evidence": f"{np.mean(drops):.2f} lower on average, from {min(drops):.2f} to "
                f"{max(drops):.2f}",
            }
        )
    for dataset, order in capture_order(captures).groupby("dataset", sort=False)["order"]:
        rows.append(
            {
                "dataset": dataset,
                "asserted": True,
                "holds": bool(order.min() > ORDER),
                "claim": "with every penalty PCs are captured from the largest variance down",
                "evidence": f"Spearman correlation of rank and score {_words(order)}",
            }
        )
    return claim_table(rows)


def claims_about_starts(captures: pd.DataFrame, base: str) -> pd.DataFrame:
    """The order of PCs depends on neither scale nor optimiser, unless the neurons of Y are as many
    as the samples.

    A start with as many independent columns as samples predicts every PC from the outset: nothing
    is left to learn, and the order is empty.
    """
    orders, rows = capture_order(captures), []
    filled = orders.groupby(["dataset", "variant"])["start"].transform("min") > FILLED
    for (dataset, name), group in orders[~filled].groupby(["dataset", "measure"], sort=False):
        means = group.groupby("variant", sort=False)["order"].mean()
        rows.append(
            {
                "dataset": dataset,
                "asserted": True,
                "holds": bool((means > ORDER - 0.05).all() and means[base] > ORDER),
                "claim": f"{name}: PCs are captured from the largest variance down whatever the "
                "start and the optimiser",
                "evidence": "Spearman correlation of rank and score: "
                + ", ".join(f"{variant} {order:.2f}" for variant, order in means.items()),
            }
        )
    for (dataset, variant), group in orders[filled].groupby(["dataset", "variant"], sort=False):
        rows.append(
            {
                "dataset": dataset,
                "asserted": True,
                "holds": bool((group["order"].fillna(0).abs() < 0.5).all()),
                "claim": f"{variant}, as many as samples: noise predicts every PC from the start, "
                "and no order is left",
                "evidence": f"mean R^2 at the start {group['start'].min():.3f}; Spearman "
                "correlation of rank and score " + _words(group["order"]),
            }
        )
    return claim_table(rows)
