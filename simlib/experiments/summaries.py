"""Tables of ascents, boiled down to what a figure shows: curves with bands, crossings, capture
scores.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from simlib import datasets
from simlib.components import explained_variance, score_to_capture
from simlib.decoding import score_at_accuracy
from simlib.experiments import settings

__all__ = ["accuracy_curves", "capture_scores", "component_curves", "crossing_table", "crossings"]

FACTS = ["title", "settings", "surrogate"]


def _on_grid(run: pd.DataFrame, grid: np.ndarray) -> np.ndarray:
    """`value` of one run at the grid's scores, NaN outside its range; where the score falls back,
    its first pass.
    """
    run = run.sort_values("step")
    highest = np.maximum.accumulate(run["score"].to_numpy())
    rising = np.r_[True, np.diff(highest) > 0]
    return np.interp(
        grid, highest[rising], run["value"].to_numpy()[rising], left=np.nan, right=np.nan
    )


def _curves(rows: pd.DataFrame, keys: list[str], runs: list[str], width: float) -> pd.DataFrame:
    """Mean and standard deviation over `runs` of `value` against score, on a grid of this width."""
    curves = []
    for key, group in rows.groupby(keys, sort=False):
        grid = (
            np.arange(
                np.floor(group["score"].min() / width), np.ceil(group["score"].max() / width) + 1
            )
            * width
        )
        values = np.array([_on_grid(run, grid) for _, run in group.groupby(runs)])
        known = np.isfinite(values).any(0)
        mean, spread = np.nanmean(values[:, known], axis=0), np.nanstd(values[:, known], axis=0)
        curves.append(
            pd.DataFrame(
                {
                    **dict(zip(keys, key, strict=True)),
                    "score": grid[known],
                    "mean": mean,
                    "spread": spread,
                    "low": mean - spread,
                    "high": mean + spread,
                    **group[FACTS].iloc[0].to_dict(),
                }
            )
        )
    return pd.concat(curves, ignore_index=True)


def accuracy_curves(table: pd.DataFrame, width: float = 0.01) -> pd.DataFrame:
    """Decoding accuracy against score: each fold and seed interpolated on a grid of `width`, then
    averaged.

    Columns dataset, measure, score, mean, spread (standard deviation over folds and seeds), low,
    high, title, settings, surrogate.
    """
    accuracy = table[table["quantity"] == "accuracy"]
    return _curves(accuracy, ["dataset", "measure"], ["seed", "fold"], width)


def component_curves(table: pd.DataFrame, pcs: list[int], width: float = 0.01) -> pd.DataFrame:
    """R^2 of some PCs (ranks from 1) against score: each seed interpolated on a grid of `width`,
    then averaged.

    Columns dataset, measure, pc, score, mean, spread (standard deviation over seeds; 0 for one
    seed), low, high, title, settings, surrogate.
    """
    rows = table[(table["quantity"] == "captured variance") & table["pc"].isin(pcs)]
    return _curves(rows, ["dataset", "measure", "pc"], ["seed"], width)


def crossing_table(crossings: pd.DataFrame) -> pd.DataFrame:
    """Crossings as a reader's table: a row a dataset, a column a measure, the mean over seeds or
    "never".
    """
    means = crossings.groupby(["title", "measure"], sort=False)["score"].agg(
        lambda scores: scores.mean(skipna=False)
    )
    wide = means.unstack("measure")[list(dict.fromkeys(crossings["measure"]))]
    return wide.map(lambda value: "never" if np.isnan(value) else f"{value:.2f}").rename_axis(
        None, axis=1
    )


def crossings(table: pd.DataFrame, references: pd.DataFrame, share: float = 0.9) -> pd.DataFrame:
    """The score at which accuracy reaches chance + share (reference - chance); a row a curve.

    Columns dataset, title, measure, seed, score (NaN: never), target, final_score, settings,
    surrogate.
    """
    accuracy = table[table["quantity"] == "accuracy"]
    means = (
        accuracy.groupby(["dataset", "measure", "seed", "step"], sort=False, observed=True)
        .agg(score=("score", "first"), value=("value", "mean"))
        .reset_index()
    )
    level = references.groupby("dataset")[["accuracy", "chance"]].mean()
    facts = accuracy.groupby("dataset")[["title", "settings", "surrogate"]].first()
    rows = []
    for (dataset, measure, seed), curve in means.groupby(
        ["dataset", "measure", "seed"], sort=False
    ):
        reference, floor = level.loc[dataset, ["accuracy", "chance"]]
        curve = curve.sort_values("step")
        rows.append(
            {
                "dataset": dataset,
                "measure": measure,
                "seed": seed,
                "score": score_at_accuracy(curve["score"], curve["value"], floor, reference, share),
                "target": floor + share * (reference - floor),
                "final_score": curve["score"].iloc[-1],
                **facts.loc[dataset].to_dict(),
            }
        )
    return pd.DataFrame(rows)


def capture_scores(table: pd.DataFrame, *, quick: bool = False) -> pd.DataFrame:
    """The score at which each PC is captured, a row a dataset, measure, seed and PC.

    Columns dataset, title, measure, seed, pc (from 1), explained_variance (ratio), score (NaN:
    never), settings, surrogate.
    """
    captured = table[table["quantity"] == "captured variance"]
    rows = []
    for dataset, of_dataset in captured.groupby("dataset", sort=False):
        data = datasets.load(dataset, **settings.load_options(dataset, quick))
        ratios = explained_variance(data.values)
        for (measure, seed), run in of_dataset.groupby(["measure", "seed"], sort=False):
            r2 = run.pivot(index="step", columns="pc", values="value").sort_index()
            scores = run.groupby("step")["score"].first().loc[r2.index]
            rows.append(
                pd.DataFrame(
                    {
                        "dataset": dataset,
                        "title": run["title"].iloc[0],
                        "measure": measure,
                        "seed": seed,
                        "pc": r2.columns.to_numpy(),
                        "explained_variance": ratios,
                        "score": score_to_capture(scores, r2.to_numpy()),
                        "settings": run["settings"].iloc[0],
                        "surrogate": run["surrogate"].iloc[0],
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)
