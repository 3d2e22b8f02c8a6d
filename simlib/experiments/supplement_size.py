"""What moves with the numbers of trials and neurons, and with the learning rate, and what stays."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from simlib.experiments.claims import values
from simlib.experiments.curves import FACTS, RUN, capture_order, captures, crossings, deciding
from simlib.experiments.runner import ascents, references
from simlib.experiments.store import Source

FIRST = 10  # PCs whose capture is summed up
EARLY, LATE = "procrustes-angular-score", "cka"


def sizes(trials: Sequence[int], neurons: Sequence[int]) -> list[dict[str, int]]:
    """Options of a surrogate: each number of trials with the most neurons, then each number of
    neurons with the most trials.

    Example:
        >>> [tuple(size.values()) for size in sizes([48, 96], [35, 70])]
        [(48, 70), (96, 70), (96, 35)]
    """
    pairs = [(n, max(neurons)) for n in trials] + [(max(trials), p) for p in neurons]
    return [{"trials": n, "neurons": p} for n, p in dict.fromkeys(pairs)]


def size_runs(
    dataset: str,
    measures: Sequence[str],
    trials: Sequence[int],
    neurons: Sequence[int],
    *,
    seeds: Sequence[int] = (0,),
    quick: bool = False,
    **options,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Crossings and captures of ascents towards a surrogate of several `sizes`.

    The tables of `curves.crossings`, with a column `reference` (accuracy on the data), and of
    `curves.captures`; both with columns trials, neurons and samples (time bins x trials), and the
    size as the variant. `options` go to `runner.ascents`.
    """
    crossed, captured = [], []
    for size in sizes(trials, neurons):
        name = f"{size['trials']} trials, {size['neurons']} neurons"
        runs = {"seeds": seeds, "quick": quick}
        table = ascents(
            {dataset: size}, measures, {name: {}}, scales=["recorded"], **runs, **options
        )
        levels = deciding(references({dataset: size}, **runs), "recorded")
        size |= {"samples": size["trials"] * Source(dataset, size).load().sizes["time"]}
        reference = levels["accuracy"].mean()
        crossed.append(crossings(table, levels).assign(reference=reference, **size))
        captured.append(captures(table).assign(**size))
    return pd.concat(crossed, ignore_index=True), pd.concat(captured, ignore_index=True)


def first_captures(captures: pd.DataFrame, count: int = FIRST) -> pd.DataFrame:
    """The median of the scores that capture the first `count` PCs, a row a run; never is later than
    any.

    Columns dataset, measure, variant, seed, score (NaN: half of them never), those of
    `curves.captures` that a run has one of, trials and neurons where there are.
    """
    first = captures[captures["pc"] <= count]
    first = first.assign(score=first["score"].fillna(np.inf))
    kept = [name for name in ("trials", "neurons", *FACTS) if name in first]
    groups = first.groupby(RUN, sort=False)
    table = groups.agg(score=("score", "median"), **{name: (name, "first") for name in kept})
    return table.replace({"score": {np.inf: np.nan}}).reset_index()


def _by_measure(table: pd.DataFrame) -> pd.DataFrame:
    """Scores, a row a dataset, variant and seed, a column a measure; never is infinite."""
    keys = ["dataset", "variant", "seed"]
    return table.pivot(index=keys, columns="measure", values="score").fillna(np.inf)


def _gaps(claim: str, table: pd.DataFrame) -> list[tuple]:
    """How much later CKA is than angular Procrustes: minus infinity where the latter never is."""
    wide = _by_measure(table)
    if not {EARLY, LATE} <= set(wide):
        return []
    gaps = np.where(np.isfinite(wide[EARLY]), wide[LATE] - wide[EARLY], -np.inf)
    return [
        (claim, dataset, f"{variant}, {seed}", gap)
        for (dataset, variant, seed), gap in zip(wide.index, gaps, strict=True)
    ]


def _orders(claim: str, captures: pd.DataFrame) -> list[tuple]:
    """The order of PCs in each run."""
    return [
        (claim, run.dataset, f"{run.measure}, {run.variant}, {run.seed}", run.order)
        for run in capture_order(captures).itertuples()
    ]


def size_values(crossings: pd.DataFrame, captures: pd.DataFrame) -> pd.DataFrame:
    """What stays at every size, and what moves: from the tables of `size_runs`."""
    rows = [
        *_gaps("CKA decodes later, any size", crossings),
        *_gaps("CKA captures later, any size", first_captures(captures)),
        *_orders("large PCs first, any size", captures),
    ]
    most = crossings[crossings["trials"] == crossings["trials"].max()]
    for (dataset, measure, seed), run in most.groupby(["dataset", "measure", "seed"], sort=False):
        scores = run.set_index("neurons")["score"].sort_index().fillna(np.inf)
        if measure == EARLY and len(scores) > 1:
            moved = scores.iloc[0] - scores.iloc[-1]
            rows.append(("more neurons, decodable earlier", dataset, seed, moved))
    for (dataset, size, seed), run in captures.groupby(["dataset", "variant", "seed"], sort=False):
        expected = run["neurons"].iloc[0] / (run["samples"].iloc[0] - 1)
        apart = abs(run["start"].mean() - expected)
        rows.append(("noise predicts p / (n - 1)", dataset, f"{size}, {seed}", apart))
    return values(rows)


def rate_values(crossings: pd.DataFrame, captures: pd.DataFrame) -> pd.DataFrame:
    """What stays at every learning rate, and what moves: tables whose variants are the rates, from
    the smallest to the largest.
    """
    first = first_captures(captures)
    rows = [
        *_gaps("CKA decodes later, any learning rate", crossings),
        *_gaps("CKA captures later, any learning rate", first),
        *_orders("large PCs first, any learning rate", captures),
    ]
    moves = {
        LATE: "smaller steps, later captures by CKA",
        EARLY: "angular Procrustes hardly depends on the learning rate",
    }
    first = first[first["measure"].isin(moves)]
    for (dataset, measure, seed), run in first.groupby(["dataset", "measure", "seed"], sort=False):
        scores = run["score"].fillna(np.inf).to_numpy()
        moved = scores[0] - scores[-1]
        rows.append((moves[measure], dataset, seed, moved if measure == LATE else abs(moved)))
    return values(rows)


def _ends(scores: pd.Series) -> str:
    """`0.71 to 0.73`, `0.98 to never` where a run ends before, or one number for all runs."""
    words = [f"{score:.2f}" for score in (scores.min(), scores.max(skipna=False))]
    words = ["never" if word == "nan" else word for word in words]
    return " to ".join(dict.fromkeys(words))


def size_table(crossings: pd.DataFrame, captures: pd.DataFrame) -> pd.DataFrame:
    """For reading: a row a size and measure, scores from the lowest to the highest over seeds."""
    keys = ["trials", "neurons", "measure"]
    grouped = (table.groupby(keys, sort=False) for table in (crossings, first_captures(captures)))
    decodable, captured = (groups["score"].agg(_ends) for groups in grouped)
    accuracy = crossings.groupby(keys, sort=False)["reference"].mean().map("{:.2f}".format)
    start = captures.groupby(keys, sort=False)["start"].mean().map("{:.2f}".format)
    columns = {
        "accuracy on the data": accuracy,
        "decodable at": decodable,
        "first ten PCs at": captured,
        "R^2 of noise": start,
    }
    return pd.DataFrame(columns).reset_index()
