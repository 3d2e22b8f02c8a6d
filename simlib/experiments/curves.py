"""What tables of ascents say: curves against score, crossings, scores that capture PCs.

Every function takes the table of `ascents` (or published runs in its shape). A run is what is left
when dataset, measure, variant and seed are given.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
import scipy

from simlib.components import score_to_capture
from simlib.decoding import score_at_accuracy
from simlib.measures import measure

RUN = ["dataset", "measure", "variant", "seed"]
FACTS = ["title", "settings", "surrogate", "data_hash"]
FEWEST = 5  # PCs below which no correlation is taken
# Held-out R^2 of X itself below which a PC isn't told from noise: from 24 samples on noise exceeds
# it in one PC of 15 at most (fewer samples, more).
LOWEST_CEILING = 0.2
# Why a run's number says nothing (`note`).
AT_CHANCE = "X itself is at chance: nothing to cross"
AT_THE_END = "noise scores 0.99 or more: nothing to climb"
HELD_OUT = "neurons fill the samples: any Y predicts every PC, only held-out R^2 is left"
END = 0.99  # score at which an ascent stops


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


def deciding(table: pd.DataFrame, scale: str) -> pd.DataFrame:
    """The rows of accuracy that decide, at this scale (`decoding.SCALES`): balanced accuracy for
    variables that have it, whose classes are unequal; accuracy for the others.
    """
    rows = table[(table["scale"] == scale) & table["quantity"].str.endswith("accuracy")]
    variable = "variable" if "variable" in rows else "name"
    plain = rows["quantity"] == "accuracy"
    uneven = rows.loc[~plain, ["dataset", variable]].drop_duplicates()
    replaced = pd.MultiIndex.from_frame(rows[["dataset", variable]]).isin(uneven.values.tolist())
    return rows[~(plain & replaced)]


def accuracy_curves(
    table: pd.DataFrame, width: float = 0.01, scale: str = "recorded"
) -> pd.DataFrame:
    """Decoding accuracy against score, each run on a grid of scores of this `width`.

    Columns dataset, measure, variant, seed, name (of the variable), scale, quantity ("accuracy" or
    "balanced accuracy": `deciding`), score, value, title, settings, surrogate, data_hash; a band
    over runs is the spread of `value` at a score.
    """
    return _on_grid(deciding(table, scale), [*RUN, "name", "scale", "quantity"], width)


def component_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that hold R^2 of PCs, with its `ceiling`: 1 for captured variance, X's own where
    variance is held out; and whether the PC is `left_out`, since a ceiling of 0.2 or less can't be
    told from noise.
    """
    rows = table[table["quantity"].isin(["captured variance", "held-out variance"])]
    rows = rows.assign(ceiling=rows["ceiling"].fillna(1.0) if "ceiling" in rows else 1.0)
    return rows.assign(left_out=rows["ceiling"] <= LOWEST_CEILING)


def component_curves(table: pd.DataFrame, pcs: Sequence[int], width: float = 0.01) -> pd.DataFrame:
    """R^2 of some PCs (ranks from 1) against score, each run on a grid of scores of this `width`.

    Columns as for `accuracy_curves`, with pc in the place of name, scale and quantity.
    """
    rows = component_rows(table)
    return _on_grid(rows[rows["pc"].isin(pcs)], [*RUN, "pc"], width)


def accuracies(table: pd.DataFrame, scale: str = "recorded") -> pd.DataFrame:
    """The rows of `ascents` that hold the deciding accuracy of each variable at each snapshot, at
    this scale of Y.
    """
    columns = [*RUN, "name", "step", "score", "value", "steps", *FACTS]
    return deciding(table, scale)[columns].reset_index(drop=True)


def levels(references: pd.DataFrame, scale: str = "recorded") -> pd.DataFrame:
    """Chance, accuracy on the data and `clear` (whether that is more than guessing gives), by
    dataset, variable and, where there are draws, seed.
    """
    if "scale" in references:
        references = deciding(references, scale)
    keys = [key for key in ("dataset", "variable", "seed") if key in references]
    guessed = references["guessed" if "guessed" in references else "chance"]
    known = references.assign(guessed=guessed).groupby(keys)
    known = known[["chance", "accuracy", "guessed"]].mean()
    return known.assign(clear=known["accuracy"] > known["guessed"]).drop(columns="guessed")


def _runs_and_levels(table: pd.DataFrame, references: pd.DataFrame, scale: str) -> Iterator[tuple]:
    """(key, run, chance, accuracy on the data) of each run and variable; an accuracy that can't be
    told from guessing is NaN: there is no way to go.
    """
    known = levels(references, scale)
    for key, run in accuracies(table, scale).groupby([*RUN, "name"], sort=False):
        of_run = dict(zip([*RUN, "variable"], key, strict=True))
        level = known.loc[tuple(of_run[name] for name in known.index.names)]
        reference = level["accuracy"] if level["clear"] else np.nan
        yield key, run.sort_values("step"), level["chance"], reference


def crossings(
    table: pd.DataFrame, references: pd.DataFrame, share: float = 0.9, scale: str = "recorded"
) -> pd.DataFrame:
    """The score at which accuracy first reaches chance + share (reference - chance), a row a run
    and variable.

    Columns dataset, measure, variant, seed, variable, score (NaN: never), target, furthest (the
    largest share of the way at any snapshot), first_score, final_score, note (why there is nothing
    to cross: accuracy on the data can't be told from guessing, `runner.beyond_guessing`, or the run
    ends where it starts; else ""), title, settings, surrogate, data_hash. `references` is the table
    of that name; where both have several draws of a dataset, each run is held against its own.
    `scale`: of what is decoded (`decoding.SCALES`).
    """
    rows = []
    for key, run, floor, reference in _runs_and_levels(table, references, scale):
        score = score_at_accuracy(run["score"], run["value"], floor, reference, share)
        target, ends = floor + share * (reference - floor), run["score"].iloc[[0, -1]]
        furthest = (run["value"].max() - floor) / (reference - floor)
        note = AT_CHANCE if np.isnan(reference) else AT_THE_END if ends.iloc[0] >= END else ""
        rows.append((*key, score, target, furthest, *ends, note, *run[FACTS].iloc[0]))
    columns = ["score", "target", "furthest", "first_score", "final_score", "note"]
    return pd.DataFrame(rows, columns=[*RUN, "variable", *columns, *FACTS])


def shares(
    table: pd.DataFrame, references: pd.DataFrame, score: float = 0.9, scale: str = "recorded"
) -> pd.DataFrame:
    """How far accuracy has come from chance (0) to that on the data (1) at a score, a row a run and
    variable.

    Columns dataset, measure, variant, seed, variable, share (NaN where the run ends below), note
    (why there is none: as for `crossings`, or the run starts above), title, settings, surrogate,
    data_hash. Arguments as for `crossings`.
    """
    rows = []
    for key, run, floor, reference in _runs_and_levels(table, references, scale):
        (value,) = at_scores(run, np.array([score]))
        above = f"noise scores more than {score:g}" if run["score"].iloc[0] > score else ""
        note = AT_CHANCE if np.isnan(reference) else above
        rows.append((*key, (value - floor) / (reference - floor), note, *run[FACTS].iloc[0]))
    return pd.DataFrame(rows, columns=[*RUN, "variable", "share", "note", *FACTS])


def over_runs(numbers) -> str:
    """Median and range over runs in words: `0.85 (0.80 to 0.93)`, `never in 2 of 5, else 0.87
    (0.80 to 0.93)`.

    NaN is never: later than any. A single run is its number.
    """
    numbers = np.asarray(numbers, dtype=float)
    reached = np.sort(numbers[~np.isnan(numbers)])
    missed = len(numbers) - len(reached)
    if not len(reached):
        return f"never in {missed} of {missed}"
    words = f"{np.median(reached):.2f}"
    words += f" ({reached[0]:.2f} to {reached[-1]:.2f})" if len(reached) > 1 else ""
    return f"never in {missed} of {len(numbers)}, else {words}" if missed else words


def notes(rows: pd.DataFrame) -> pd.Series:
    """`note` of rows of `crossings` or `shares`: why their number says nothing, "" where it does
    (and where the table has no notes).
    """
    return rows["note"] if "note" in rows else pd.Series("", rows.index)


def in_words(rows: pd.DataFrame, column: str) -> str:
    """Rows of `crossings` or `shares` of one measure in words: `over_runs` of a column, and why
    some runs have no number.
    """
    told = rows.loc[notes(rows) == "", column]
    return "; ".join(filter(None, [over_runs(told) if len(told) else "", why_not(rows)]))


def why_not(rows: pd.DataFrame) -> str:
    """The `notes` of rows of `crossings` or `shares`, with how many runs they are about where these
    are not all.
    """
    counts = notes(rows).value_counts(sort=False).drop("", errors="ignore").items()
    return "; ".join(
        note + f" ({count} of {len(rows)} runs)" * (count < len(rows)) for note, count in counts
    )


def crossing_table(crossings: pd.DataFrame, column: str = "score") -> pd.DataFrame:
    """A reader's table of crossings (or `shares`, by their column): a row a dataset, a column a
    measure, each cell `in_words`; where a measure has fewer runs than others, their number.
    """
    groups = crossings.groupby(["title", "measure"], sort=False)
    words, runs = groups[list(crossings)].apply(in_words, column), groups.size()
    fewer = runs < runs.max()
    words[fewer] += "; " + runs[fewer].astype(str) + " runs"
    wide = words.unstack("measure")[list(dict.fromkeys(crossings["measure"]))]
    return wide.rename_axis(None, axis=1)


def accuracy_by_capture(
    table: pd.DataFrame, references: pd.DataFrame, scale: str = "recorded"
) -> pd.DataFrame:
    """How far accuracy has come by the number of PCs that Y has captured, a row a run and snapshot:
    no relabelling of the score changes it.

    Columns dataset, measure, variant, seed, score, captured (PCs whose R^2 is beyond the midpoint
    between start and ceiling, as in `captures`), share (of the way from chance to the data's
    accuracy), note (as for `crossings`, and where variance is held out), title, settings,
    surrogate, data_hash.
    """
    r2 = component_rows(table)
    first = r2["step"] == r2.groupby(RUN)["step"].transform("min")
    starts = r2[first].rename(columns={"value": "start"})[[*RUN, "pc", "start"]]
    r2 = r2.merge(starts, on=[*RUN, "pc"])
    beyond = r2["value"] >= (r2["start"] + r2["ceiling"]) / 2
    beyond = r2.assign(captured=beyond & ~r2["left_out"])
    held_out = set(r2.loc[r2["quantity"] == "held-out variance", "dataset"])
    counts = beyond.groupby([*RUN, "step"], sort=False)["captured"].sum()
    parts = []
    for key, run, floor, reference in _runs_and_levels(table, references, scale):
        note = AT_CHANCE if np.isnan(reference) else HELD_OUT if key[0] in held_out else ""
        way = run.assign(share=(run["value"] - floor) / (reference - floor), note=note)
        parts.append(way.join(counts.loc[key[:-1]], on="step"))
    columns = [*RUN, "score", "captured", "share", "note", *FACTS]
    return pd.concat(parts, ignore_index=True)[columns]


def captures(
    table: pd.DataFrame, score_of: Callable[..., np.ndarray] = score_to_capture
) -> pd.DataFrame:
    """The score at which each PC is captured, a row a run and PC.

    Columns dataset, measure, variant, seed, pc (from 1), explained_variance (ratio), ceiling, start
    (R^2 before the first step), score (NaN: never), left_out, final_score, title, settings,
    surrogate, data_hash. `score_of(scores, r2)` reads it off the snapshots: at the first crossing
    of the midpoint between start and 1. Where variance is held out, it is that between start and
    the ceiling, X's own R^2; a PC that is left out has no score, nor have those of a run that
    starts at the end.
    """
    tables, rows = [], component_rows(table)
    for key, run in rows.groupby(RUN, sort=False):
        r2 = run.pivot(index="step", columns="pc", values="value").sort_index()
        scores = run.groupby("step")["score"].first().loc[r2.index].to_numpy()
        facts = ["explained_variance", "ceiling", "left_out", *FACTS]
        pcs = run.groupby("pc")[facts].first().loc[r2.columns]
        held_out = run["quantity"].iloc[0] == "held-out variance"
        read = partial(score_to_capture, ceilings=pcs["ceiling"]) if held_out else score_of
        pcs = pcs.assign(start=r2.iloc[0], score=read(scores, r2.to_numpy()))
        pcs["left_out"] |= bool(scores[0] >= END)  # there is no ascent
        pcs.loc[pcs["left_out"], "score"] = np.nan
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
    left_out = captures.get("left_out", pd.Series(False, captures.index))
    kept = captures[(captures["explained_variance"] > 0) & ~left_out]
    for key, run in kept.groupby(RUN, sort=False):
        reached = run.dropna(subset="score")
        enough = len(reached) >= FEWEST and reached["score"].nunique() > 1
        order = (
            scipy.stats.spearmanr(reached["pc"], reached["score"]).statistic if enough else np.nan
        )
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
