"""What tables of ascents say: curves against score, crossings, scores that capture PCs.

Every function takes the table of `ascents` (or published runs in its shape). A run is what is left
when dataset, measure, variant and seed are given.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from simlib.components import score_to_capture
from simlib.decoding import score_at_accuracy
from simlib.measures import measure

RUN = ["dataset", "measure", "variant", "seed"]
FACTS = ["title", "settings", "surrogate", "data_hash"]
FEWEST = 5  # PCs below which no correlation is taken


def at_scores(run: pd.DataFrame, grid: np.ndarray) -> np.ndarray:
    """`value` of one run at the grid's scores, NaN outside its range; where the score falls back,
    its first pass.
    """
    run = run.sort_values("step")
    highest = np.maximum.accumulate(run["score"].to_numpy())
    rising = np.r_[True, np.diff(highest) > 0]
    values = run["value"].to_numpy()[rising]
    return np.interp(grid, highest[rising], values, left=np.nan, right=np.nan)


def _on_grid(rows: pd.DataFrame, keys: list[str], width: float) -> pd.DataFrame:
    """`value` of each run (a group of `keys`) interpolated on a grid of scores of this width, the
    same for all runs of a dataset and measure.
    """
    curves = []
    for key, run in rows.groupby(keys, sort=False):
        ends = run["score"].min() / width, run["score"].max() / width
        grid = np.arange(np.floor(ends[0]), np.ceil(ends[1]) + 1) * width
        values = at_scores(run, grid)
        facts = dict(zip(keys, key, strict=True)) | run[FACTS].iloc[0].to_dict()
        curves.append(pd.DataFrame({"score": grid, "value": values}).assign(**facts))
    return pd.concat(curves, ignore_index=True).dropna(subset="value")


def accuracy_curves(table: pd.DataFrame, width: float = 0.01) -> pd.DataFrame:
    """Decoding accuracy against score, each fold of each run on a grid of scores of this `width`.

    Columns dataset, measure, variant, seed, name (of the variable), fold, score, value, title,
    settings, surrogate, data_hash; a band over folds and seeds is the spread of `value` at a score.
    """
    return _on_grid(table[table["quantity"] == "accuracy"], [*RUN, "name", "fold"], width)


def component_curves(table: pd.DataFrame, pcs: Sequence[int], width: float = 0.01) -> pd.DataFrame:
    """R^2 of some PCs (ranks from 1) against score, each run on a grid of scores of this `width`.

    Columns as for `accuracy_curves`, with pc in the place of name and fold.
    """
    rows = table[(table["quantity"] == "captured variance") & table["pc"].isin(pcs)]
    return _on_grid(rows, [*RUN, "pc"], width)


def accuracies(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of each variable at each snapshot, mean over folds.

    Columns dataset, measure, variant, seed, name, step, score, value, steps, title, settings,
    surrogate, data_hash.
    """
    rows = table[table["quantity"] == "accuracy"].groupby([*RUN, "name", "step"], sort=False)
    first = {column: (column, "first") for column in ["score", "steps", *FACTS]}
    return rows.agg(value=("value", "mean"), **first).reset_index()


def crossings(table: pd.DataFrame, references: pd.DataFrame, share: float = 0.9) -> pd.DataFrame:
    """The score at which accuracy first reaches chance + share (reference - chance), a row a run
    and variable.

    Columns dataset, measure, variant, seed, variable, score (NaN: never), target, final_score,
    title, settings, surrogate, data_hash. `references` is the table of that name.
    """
    levels = references.groupby(["dataset", "variable"])[["chance", "accuracy"]].mean()
    rows = []
    for key, run in accuracies(table).groupby([*RUN, "name"], sort=False):
        run = run.sort_values("step")
        floor, reference = levels.loc[key[0], key[-1]]
        score = score_at_accuracy(run["score"], run["value"], floor, reference, share)
        target, end = floor + share * (reference - floor), run["score"].iloc[-1]
        rows.append((*key, score, target, end, *run[FACTS].iloc[0]))
    columns = [*RUN, "variable", "score", "target", "final_score", *FACTS]
    return pd.DataFrame(rows, columns=columns)


def crossing_table(crossings: pd.DataFrame) -> pd.DataFrame:
    """Crossings as a reader's table: a row a dataset, a column a measure, the mean over seeds or
    "never".
    """
    groups = crossings.groupby(["title", "measure"], sort=False)["score"]
    means = groups.agg(lambda scores: scores.mean(skipna=False))
    wide = means.unstack("measure")[list(dict.fromkeys(crossings["measure"]))]
    words = wide.map(lambda value: "never" if np.isnan(value) else f"{value:.2f}")
    return words.rename_axis(None, axis=1)


def captures(
    table: pd.DataFrame, score_of: Callable[..., np.ndarray] = score_to_capture
) -> pd.DataFrame:
    """The score at which each PC is captured, a row a run and PC.

    Columns dataset, measure, variant, seed, pc (from 1), explained_variance (ratio), start (R^2
    before the first step), score (NaN: never), final_score, title, settings, surrogate, data_hash.
    `score_of(scores, r2)` reads it off the snapshots: at the first crossing of the midpoint.
    """
    tables = []
    for key, run in table[table["quantity"] == "captured variance"].groupby(RUN, sort=False):
        r2 = run.pivot(index="step", columns="pc", values="value").sort_index()
        scores = run.groupby("step")["score"].first().loc[r2.index].to_numpy()
        pcs = run.groupby("pc")[["explained_variance", *FACTS]].first().loc[r2.columns]
        pcs = pcs.assign(start=r2.iloc[0], score=score_of(scores, r2.to_numpy()))
        of_run = dict(zip(RUN, key, strict=True), final_score=scores[-1])
        tables.append(pcs.reset_index().assign(**of_run))
    return pd.concat(tables, ignore_index=True)


def capture_order(captures: pd.DataFrame) -> pd.DataFrame:
    """In which order PCs are captured, a row a run.

    Columns dataset, measure, variant, seed, order (Spearman correlation of rank and score over the
    PCs that are captured; NaN for fewer than five, or one score for all), captured (number of PCs),
    last (rank of the last one captured), start (mean R^2 before the first step), final_score.
    """
    columns = ["order", "captured", "last", "start", "final_score"]
    rows = []
    for key, run in captures[captures["explained_variance"] > 0].groupby(RUN, sort=False):
        reached = run.dropna(subset="score")
        enough = len(reached) >= FEWEST and reached["score"].nunique() > 1
        order = spearmanr(reached["pc"], reached["score"]).statistic if enough else np.nan
        last, (start, end) = reached["pc"].max(), run[["start", "final_score"]].mean()
        rows.append((*key, order, len(reached), last, start, end))
    return pd.DataFrame(rows, columns=[*RUN, *columns])


def capture_differences(captures: pd.DataFrame, base: str) -> pd.DataFrame:
    """Each variant's capture scores beside those of the variant `base` from the same seed, over the
    PCs both capture.

    Columns dataset, variant, measure, seed, correlation, difference (median of the absolute
    difference of scores).
    """
    rows, keys = [], ["dataset", "measure", "seed"]
    for key, group in captures.groupby(keys, sort=False):
        wide = group.pivot(index="pc", columns="variant", values="score")
        for variant in [name for name in dict.fromkeys(group["variant"]) if name != base]:
            both = wide[[base, variant]].dropna()
            enough = len(both) >= FEWEST and (both.nunique() > 1).all()
            correlation = np.corrcoef(both.T)[0, 1] if enough else np.nan
            apart = (both[base] - both[variant]).abs().median()
            rows.append((*key, variant, correlation, apart))
    return pd.DataFrame(rows, columns=[*keys, "variant", "correlation", "difference"])


def with_penalty(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `penalty`, read from its ridge measures."""
    penalties = {name: float(measure(name).params["penalty"]) for name in table["measure"].unique()}
    return table.assign(penalty=table["measure"].map(penalties))


def power_law(x, y) -> float:
    """The exponent k of y ~ x^k, by least squares on logarithms."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
