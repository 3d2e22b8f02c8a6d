"""The scorecard: published numbers beside reproduced ones, each difference read against the spread
of our runs.

The rule, fixed before any of the numbers was looked at: a difference D between the published value
and the mean of our runs is "inside" if D <= max(2 S, 0.02), "near" if D <= max(4 S, 0.05), "off"
otherwise. S is the standard deviation over our seeds (divisor k - 1). Where D summarises many
points (the root mean square over a curve, the median over PCs), S is the same summary of the
points' standard deviations. Differences in the number of steps are relative to the published
number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from simlib import datasets as data_sets
from simlib.components import explained_variance
from simlib.datasets.paper import PUBLISHED_TABLES, published_captures, published_curves
from simlib.decoding import score_at_accuracy
from simlib.experiments import settings
from simlib.experiments.ascents import ascents
from simlib.experiments.reasons import known_reason
from simlib.experiments.summaries import _on_grid

__all__ = [
    "decoding_curves",
    "off_rows",
    "published_levels",
    "reference_levels",
    "scorecard",
    "scorecard_captures",
    "scorecard_runs",
    "scorecard_table",
    "verdict",
]

QUICK_DATASETS = ("freemanziemba2013", "siegel2015")
QUICK_MEASURES = ("procrustes-angular-score", "cka")
QUICK_SEEDS = 2
INSIDE, NEAR = (2, 0.02), (4, 0.05)  # standard deviations, absolute
WIDTH = 0.01  # of the common score grid
FACTS = ["title", "settings", "surrogate", "data_hash"]


def scorecard_runs(
    datasets: Sequence[str],
    measures: Sequence[str],
    *,
    seeds: Sequence[int],
    steps: int = 1000,
    quick: bool = False,
    jobs: int = 1,
    device: str = "cpu",
) -> pd.DataFrame:
    """The ascents behind the scorecard: the table of `experiments.ascents`.

    A quick run keeps two small datasets, two measures and two seeds, but the full size of the data:
    that is what was published.
    """
    if quick:
        small = [
            name for name in datasets if str(name).removeprefix("surrogate-") in QUICK_DATASETS
        ]
        datasets = small or list(datasets)[:1]
        measures = [name for name in measures if name in QUICK_MEASURES] or list(measures)[:1]
        seeds = list(seeds)[:QUICK_SEEDS]
    table = ascents(datasets, measures, seeds=seeds, steps=steps, jobs=jobs, device=device)
    return table.assign(settings=settings.label(quick))


def decoding_curves(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of the main variable, a row a snapshot of a run: mean over folds. Columns dataset,
    measure, seed, step, score, value, steps, title, settings, surrogate, data_hash.
    """
    accuracy = table[table["quantity"] == "accuracy"]
    runs = accuracy.groupby(["dataset", "measure", "seed", "step"], sort=False)
    first = {column: (column, "first") for column in ["score", "steps", *FACTS]}
    return runs.agg(value=("value", "mean"), **first).reset_index()


def authors_capture(scores: np.ndarray, r2: np.ndarray) -> np.ndarray:
    """Score to capture each PC as in the published tables, (p,): NaN where never.

    The score interpolated linearly over the snapshots sorted by R^2, read at (R^2 at the start + 1)
    / 2. It is `components.score_to_capture` for a rising curve; one that falls back gives another
    number.
    """
    found = np.full(r2.shape[1], np.nan)
    for pc, curve in enumerate(r2.T):
        midpoint, order = (curve[0] + 1) / 2, np.argsort(curve, kind="stable")
        if curve.max() >= midpoint:
            found[pc] = np.interp(midpoint, curve[order], scores[order])
    return found


def scorecard_captures(table: pd.DataFrame) -> pd.DataFrame:
    """Score to capture each PC by the authors' convention, a row a dataset, measure, seed and PC.

    The columns of `experiments.capture_scores`, which reads the first crossing instead.
    """
    rows, captured = [], table[table["quantity"] == "captured variance"]
    for dataset, of_dataset in captured.groupby("dataset", sort=False):
        ratios = explained_variance(data_sets.load(dataset).values)
        for (measure, seed), run in of_dataset.groupby(["measure", "seed"], sort=False):
            r2 = run.pivot(index="step", columns="pc", values="value").sort_index()
            scores = run.groupby("step")["score"].first().loc[r2.index].to_numpy()
            rows.append(
                pd.DataFrame(
                    {
                        "dataset": dataset,
                        "measure": measure,
                        "seed": seed,
                        "pc": r2.columns.to_numpy(),
                        "explained_variance": ratios,
                        "score": authors_capture(scores, r2.to_numpy()),
                        **run[FACTS].iloc[0].to_dict(),
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


def verdict(difference: float, spread: float) -> str:
    """ "inside", "near" or "off" by the rule of this module; "" without a difference."""
    if np.isnan(difference):
        return ""
    for word, (deviations, least) in (("inside", INSIDE), ("near", NEAR)):
        if abs(difference) <= max(deviations * spread, least):
            return word
    return "off"


def _spread(values: np.ndarray) -> np.ndarray:
    """Standard deviation over the seeds (rows), divisor k - 1; 0 for one seed."""
    return values.std(0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1:])


def _number(quantity: str, published: float, ours: Sequence[float], relative: bool = False) -> dict:
    """One row of the card for a plain number, where NaN means never."""
    ours = np.asarray(ours, float)
    reached = ours[np.isfinite(ours)]
    row = {
        "quantity": quantity,
        "published": published,
        "reproduced": reached.mean() if len(reached) else np.nan,
        "spread": float(_spread(reached)) if len(reached) else np.nan,
    }
    difference, scale = row["reproduced"] - published, published if relative else 1.0
    row |= {"difference": difference / scale, "spread": row["spread"] / scale}
    row["verdict"] = verdict(row["difference"], row["spread"])
    if "crossing" in quantity:
        same = np.isnan(ours) == np.isnan(published)
        if not same.any():
            row["verdict"] = "off"
        elif not same.all():
            row["verdict"] = "near" if row["verdict"] in ("inside", "") else row["verdict"]
        elif np.isnan(published):
            row["verdict"] = "inside"
    return row


def _curve_row(published: pd.DataFrame, runs: list[pd.DataFrame]) -> dict:
    """Root-mean-square difference of accuracy curves on the score grid that all of them cover."""
    start = max(run["score"].min() for run in [published, *runs])
    grid = np.arange(np.ceil(start / WIDTH), 0.99 / WIDTH + 0.5) * WIDTH
    values = np.array([_on_grid(run, grid) for run in [published, *runs]])
    values = values[:, np.isfinite(values).all(0)]
    if not values.size:  # runs that ended before the latest of them starts
        return {"quantity": "accuracy curve", "difference": np.nan, "spread": np.nan, "verdict": ""}
    difference = np.sqrt(np.mean((values[1:].mean(0) - values[0]) ** 2))
    spread = np.sqrt(np.mean(_spread(values[1:]) ** 2))
    return {
        "quantity": "accuracy curve",
        "difference": difference,
        "spread": spread,
        "verdict": verdict(difference, spread),
    }


def _step_row(published: pd.DataFrame, runs: list[pd.DataFrame]) -> dict:
    """Root-mean-square difference of the scores over the steps that all runs have; ours are
    interpolated linearly.
    """
    theirs = published.sort_values("step")["score"].to_numpy()
    steps = np.arange(min(len(theirs), *(run["step"].max() + 1 for run in runs)))
    ours = np.array([np.interp(steps, run["step"], run["score"]) for run in runs])
    difference = np.sqrt(np.mean((ours.mean(0) - theirs[steps]) ** 2))
    spread = np.sqrt(np.mean(_spread(ours) ** 2))
    return {
        "quantity": "score by step",
        "difference": difference,
        "spread": spread,
        "verdict": verdict(difference, spread),
    }


def _capture_rows(published: pd.DataFrame, ours: pd.DataFrame) -> list[dict]:
    """Thresholds over the PCs that the published run and all of ours reach; how many PCs each
    reaches.

    No rows where one side has no table of PCs: that isn't the same as reaching none.
    """
    if published.empty or ours.empty:
        return []
    runs = ours.pivot(index="seed", columns="pc", values="score")
    theirs = published.set_index("pc")["score"].reindex(runs.columns).to_numpy()
    values = runs.to_numpy()
    both = np.isfinite(theirs) & np.isfinite(values).all(0)
    rows = []
    if both.sum() > 2:
        difference, spread = (
            np.abs(values[:, both].mean(0) - theirs[both]),
            _spread(values[:, both]),
        )
        for quantity, share in (("capture, median", 50), ("capture, 95th percentile", 95)):
            row = {
                "difference": np.percentile(difference, share),
                "spread": np.percentile(spread, share),
            }
            rows.append({"quantity": quantity, **row, "verdict": verdict(**row)})
        means = values[:, both].mean(0)
        constant = np.ptp(means) == 0 or np.ptp(theirs[both]) == 0
        correlation = np.nan if constant else np.corrcoef(means, theirs[both])[0, 1]
        rows.append({"quantity": "capture, correlation", "reproduced": correlation})
    reached = np.isfinite(values)
    rows.append(_number("PCs reached", np.isfinite(theirs).mean(), reached.mean(1)))
    agreed = (reached.mean(0) >= 0.5) == np.isfinite(theirs)
    return [*rows, {"quantity": "PCs agreed on", "reproduced": agreed.mean()}]


def reference_levels(references: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """(chance, reference accuracy) of each dataset, from the table of `experiments.references`."""
    if references.empty:
        return {}
    means = references.groupby("dataset")[["chance", "accuracy"]].mean()
    return {str(dataset): (row["chance"], row["accuracy"]) for dataset, row in means.iterrows()}


def published_levels(names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """(chance, reference accuracy) of each dataset as published."""
    entries = {name: PUBLISHED_TABLES.get(str(name).removeprefix("surrogate-")) for name in names}
    return {str(name): (entry.chance, entry.reference) for name, entry in entries.items() if entry}


def _decoding_rows(
    theirs: pd.DataFrame, runs: list[pd.DataFrame], their_level, level
) -> list[dict]:
    """Reference accuracy, accuracy curve and where it crosses."""
    published = score_at_accuracy(theirs["score"], theirs["value"], *their_level)
    rows = [
        {**_number("reference accuracy", their_level[1], [level[1]]), "verdict": ""},
        _curve_row(theirs, runs),
    ]
    for quantity, goal in (("90% crossing", level), ("crossing, same target", their_level)):
        ours = [score_at_accuracy(run["score"], run["value"], *goal) for run in runs]
        rows.append(_number(quantity, published, ours))
    return rows


def scorecard(
    table: pd.DataFrame, captures: pd.DataFrame, references: pd.DataFrame
) -> pd.DataFrame:
    """Published against reproduced: a row a dataset, published measure and quantity.

    `table`, `captures` and `references` are those of `scorecard_runs`, `scorecard_captures` and
    `experiments.references`. Columns dataset, measure (the published id), quantity, published,
    reproduced (mean over seeds), spread, difference, verdict, reason, seeds, title, settings,
    surrogate, data_hash. Quantities: "initial score"; "steps"; "score by step" (root mean square
    over the steps that all have, ours interpolated between snapshots); "accuracy curve" (root mean
    square over a common score grid); "90% crossing" (first crossing, interpolated linearly, of
    chance + 0.9 (reference - chance), each side with its own reference) and "crossing, same target"
    (both with the published one); "capture, median" and "capture, 95th percentile" (of the absolute
    difference over the PCs that both reach); "PCs reached" (share of all PCs). Without a verdict:
    "reference accuracy", "capture, correlation" and "PCs agreed on" (share of PCs with the same
    outcome, reached or not, in the published run and in most of ours). No rows where no published
    table is found.
    """
    curves, rows = decoding_curves(table), []
    names = list(dict.fromkeys(table["dataset"]))
    their_curves, their_captures = published_curves(names), published_captures(names)
    their_levels, our_levels = published_levels(names), reference_levels(references)
    for (dataset, published_measure), theirs in their_curves.groupby(
        ["dataset", "published_measure"], sort=False
    ):
        measure = theirs["measure"].iloc[0]
        ours = curves[(curves["dataset"] == dataset) & (curves["measure"] == measure)]
        if ours.empty:
            continue
        runs = [run.sort_values("step") for _, run in ours.groupby("seed")]
        found = [
            _number(
                "initial score", theirs["score"].iloc[0], [run["score"].iloc[0] for run in runs]
            ),
            _number("steps", len(theirs), [run["steps"].iloc[0] for run in runs], relative=True),
            _step_row(theirs, runs),
            *_decoding_rows(theirs, runs, their_levels[dataset], our_levels[dataset]),
        ]
        same = (their_captures["dataset"] == dataset) & (
            their_captures["published_measure"] == published_measure
        )
        mine = (captures["dataset"] == dataset) & (captures["measure"] == measure)
        found += _capture_rows(their_captures[same], captures[mine])
        facts = {"seeds": len(runs), **ours[FACTS].iloc[0].to_dict()}
        for row in found:
            reason = (
                known_reason(dataset, measure, row["quantity"])
                if row.get("verdict") in ("near", "off")
                else ""
            )
            rows.append(
                {"dataset": dataset, "measure": published_measure, **row, "reason": reason, **facts}
            )
    columns = [
        "dataset",
        "measure",
        "quantity",
        "published",
        "reproduced",
        "spread",
        "difference",
        "verdict",
        "reason",
        "seeds",
        *FACTS,
    ]
    card = pd.DataFrame(rows, columns=columns)
    return card.assign(verdict=card["verdict"].fillna(""))


def scorecard_table(card: pd.DataFrame) -> pd.DataFrame:
    """The card for reading: a row a dataset and measure, a column a quantity; the difference and
    its verdict.

    Columns without a verdict show the number itself.
    """

    def words(row) -> str:
        if not row["verdict"]:
            return f"{row['reproduced']:.3f}" if np.isfinite(row["reproduced"]) else ""
        return (
            f"{row['difference']:+.3f} {row['verdict']}"
            if np.isfinite(row["difference"])
            else row["verdict"]
        )

    if card.empty:
        return pd.DataFrame()
    shown = card.assign(text=card.apply(words, axis=1))
    wide = shown.pivot_table(
        index=["title", "measure"], columns="quantity", values="text", aggfunc="first", sort=False
    )
    return (
        wide[list(dict.fromkeys(card["quantity"]))]
        .fillna("")
        .rename_axis(None, axis=1)
        .reset_index()
    )


def off_rows(card: pd.DataFrame) -> pd.DataFrame:
    """What is off, with its numbers and, where it is known, the reason."""
    columns = ["title", "measure", "quantity", "published", "reproduced", "reason"]
    return card.loc[card["verdict"] == "off", columns].reset_index(drop=True)
