"""The scorecard: published numbers beside reproduced ones, each difference read against the spread
of our runs.

The rule, fixed before any of the numbers was looked at: a difference D between the published value
and the mean of our runs is "inside" if D <= max(2 S, 0.02), "near" if D <= max(4 S, 0.05), "off"
otherwise. S is the standard deviation over our seeds (divisor k - 1). Where D summarises many
points (the root mean square over a curve, the median over PCs), S is the same summary of the
points' standard deviations. Differences in the number of steps are relative to the published
number.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from simlib.datasets import paper
from simlib.experiments import curves, settings
from simlib.experiments.claims import values
from simlib.experiments.evidence import capture_values, decoding_values
from simlib.experiments.runner import ascents

__all__ = [
    "authors_capture",
    "off_rows",
    "published_runs",
    "published_values",
    "scorecard",
    "scorecard_runs",
    "scorecard_table",
    "scorecard_values",
    "verdict",
]

QUICK_DATASETS = ("freemanziemba2013", "siegel2015")
QUICK_MEASURES = ("procrustes-angular-score", "cka")
QUICK_SEEDS = 2
COMPARED = ("procrustes-angular-score", "nbs", "cka")
INSIDE, NEAR = (2, 0.02), (4, 0.05)  # standard deviations, absolute
WIDTH = 0.01  # of the common score grid
FACTS = ["title", "settings", "surrogate", "data_hash"]

# Why the two differ, where it is known: (dataset, measure, quantity), measure None for any.
SURROGATE = "surrogate"  # those surrogates that have no line of their own
PLACE = "where the task lies among the surrogate's PCs is a construction"
TAILS = (
    "tails of the PCs' time courses, which no spectrum fixes: with uniform ones the steps come "
    "near (next section)"
)
UNFIT = "; but on the way the scores fit neither uniform nor Gaussian ones"
TWICE = "the two published runs of it differ by as much"
DRAW = "the authors' tree is another draw, of another spectrum"
REASONS = {
    ("surrogate-freemanziemba2013", None, "crossing"): (
        "ill-conditioned: some curves run along the target, and the published reference itself "
        "wanders from .55 to .64"
    ),
    ("surrogate-freemanziemba2013", None, "accuracy curve"): (
        "270 samples: the published decoding is itself noisy"
    ),
    ("surrogate-siegel2015", None, "initial score"): (
        "the number of conditions is not published (41 to 48; 42 here)"
    ),
    (SURROGATE, None, "crossing"): PLACE,
    (SURROGATE, None, "accuracy curve"): PLACE,
    ("surrogate-mante2013", "cka", "steps"): TAILS,
    ("surrogate-mante2013", "cka-angular-score", "steps"): TAILS,
    ("surrogate-siegel2015", "cka-angular-score", "steps"): TAILS,
    ("surrogate-hatsopoulos2007", "cka", "steps"): TWICE,
    ("surrogate-hatsopoulos2007", "cka-angular-score", "steps"): TAILS,
    ("surrogate-majajhong2015", "cka", "steps"): TWICE,
    ("surrogate-freemanziemba2013", "cka", "steps"): TAILS + UNFIT,
    ("surrogate-freemanziemba2013", "cka-angular-score", "steps"): TAILS + UNFIT,
    (SURROGATE, "ridge-cv", "steps"): (
        "a flat end, where small differences of score are many steps; partly open"
    ),
    ("hierarchy", None, "steps"): DRAW,
    ("hierarchy", None, "initial score"): DRAW,
}


def known_reason(dataset: str, measure: str, quantity: str) -> str:
    """The first line of REASONS that fits this row of the scorecard; "" where none does."""
    quantity = "crossing" if "crossing" in quantity else quantity
    places = [dataset, *([SURROGATE] if dataset.startswith("surrogate-") else [])]
    keys = [(place, which, quantity) for place in places for which in (measure, None)]
    return next((REASONS[key] for key in keys if key in REASONS), "")


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
    """The ascents behind the scorecard: the table of `runner.ascents`.

    A quick run keeps two small datasets, two measures and two seeds, but the full size of the data:
    that is what was published.
    """
    if quick:
        small = [n for n in datasets if str(n).removeprefix("surrogate-") in QUICK_DATASETS]
        datasets = small or list(datasets)[:1]
        measures = [name for name in measures if name in QUICK_MEASURES] or list(measures)[:1]
        seeds = list(seeds)[:QUICK_SEEDS]
    table = ascents(datasets, measures, seeds=seeds, steps=steps, jobs=jobs, device=device)
    return table.assign(settings=settings.label(quick))


def authors_capture(scores: np.ndarray, r2: np.ndarray) -> np.ndarray:
    """Score to capture each PC as in the published tables, (p,): NaN where never.

    The score interpolated linearly over the snapshots sorted by R^2, read at (R^2 at the start + 1)
    / 2. It is `components.score_to_capture` for a rising curve; one that falls back gives another
    number.
    """
    captured = np.full(r2.shape[1], np.nan)
    for pc, curve in enumerate(r2.T):
        midpoint, order = (curve[0] + 1) / 2, np.argsort(curve, kind="stable")
        if curve.max() >= midpoint:
            captured[pc] = np.interp(midpoint, curve[order], scores[order])
    return captured


def published_runs(names: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What is published of these datasets in the shape of our own tables: curves as in `ascents`,
    captures as in `curves.captures`, and references.

    The seed of a published run is its measure's published id: the tables hold CKA twice. No rows
    where no published table is found.
    """
    known = {n: paper.PUBLISHED_TABLES.get(n.removeprefix("surrogate-")) for n in names}
    levels = [(name, e.variable, e.reference, e.chance) for name, e in known.items() if e]
    levels = pd.DataFrame(levels, columns=["dataset", "variable", "accuracy", "chance"])
    facts = {"variant": "published", "settings": "published", "surrogate": False, "data_hash": ""}
    runs, captured = (
        table.assign(seed=table["published_measure"], title=table["dataset"], **facts)
        for table in (paper.published_curves(names), paper.published_captures(names))
    )
    captured = captured.assign(start=np.nan, final_score=np.nan)  # not published
    variables = runs["dataset"].map(levels.set_index("dataset")["variable"])
    runs = runs.assign(quantity="accuracy", name=variables, fold=0, pc=-1)
    length = runs.groupby(["dataset", "seed"])["step"].transform("size")
    return runs.assign(steps=length), captured, levels


def _complete(runs: pd.DataFrame) -> pd.DataFrame:
    """Published runs as whole ones, all measures to a seed: one with each of the runs of CKA."""
    other = runs[runs["measure"] != "cka"]
    of_cka = runs[runs["measure"] == "cka"].groupby("seed", sort=False)
    whole = [pd.concat([other, one]).assign(seed=name) for name, one in of_cka]
    return pd.concat(whole or [other], ignore_index=True)


def verdict(difference: float, spread: float) -> str:
    """ "inside", "near" or "off" by the rule of this module; "" without a difference."""
    if np.isnan(difference):
        return ""
    for word, (deviations, least) in (("inside", INSIDE), ("near", NEAR)):
        if abs(difference) <= max(deviations * spread, least):
            return word
    return "off"


def _spread(runs: np.ndarray) -> np.ndarray:
    """Standard deviation over the seeds (rows), divisor k - 1; 0 for one seed."""
    return runs.std(0, ddof=1) if len(runs) > 1 else np.zeros(runs.shape[1:])


def _row(quantity: str, difference: float, spread: float, **numbers) -> dict:
    """One row of the card, judged."""
    judged = {"difference": difference, "spread": spread, "verdict": verdict(difference, spread)}
    return {"quantity": quantity, **numbers, **judged}


def _number(quantity: str, theirs: float, ours: Sequence[float], relative: bool = False) -> dict:
    """One row of the card for a plain number, where NaN means never."""
    ours = np.asarray(ours, float)
    reached = ours[np.isfinite(ours)]
    mean = reached.mean() if len(reached) else np.nan
    spread = float(_spread(reached)) if len(reached) else np.nan
    unit = theirs if relative else 1.0
    row = _row(quantity, (mean - theirs) / unit, spread / unit, published=theirs, reproduced=mean)
    if "crossing" in quantity:
        same = np.isnan(ours) == np.isnan(theirs)
        if not same.any():
            row["verdict"] = "off"
        elif not same.all():
            row["verdict"] = "near" if row["verdict"] in ("inside", "") else row["verdict"]
        elif np.isnan(theirs):
            row["verdict"] = "inside"
    return row


def _root_mean_square(quantity: str, theirs: np.ndarray, ours: np.ndarray) -> dict:
    """One row of the card for a curve (points,) and those of our runs (runs, points)."""
    if not theirs.size:  # runs that ended before the latest of them starts
        return _row(quantity, np.nan, np.nan)
    difference = np.sqrt(np.mean((ours.mean(0) - theirs) ** 2))
    return _row(quantity, difference, np.sqrt(np.mean(_spread(ours) ** 2)))


def _curve_row(theirs: pd.DataFrame, runs: list[pd.DataFrame]) -> dict:
    """Difference of accuracy curves on the score grid that all of them cover."""
    start = max(run["score"].min() for run in [theirs, *runs])
    grid = np.arange(np.ceil(start / WIDTH), 0.99 / WIDTH + 0.5) * WIDTH
    levels = np.array([curves.at_scores(run, grid) for run in [theirs, *runs]])
    levels = levels[:, np.isfinite(levels).all(0)]
    return _root_mean_square("accuracy curve", levels[0], levels[1:])


def _step_row(theirs: pd.DataFrame, runs: list[pd.DataFrame]) -> dict:
    """Difference of scores over the steps that all runs have; ours are interpolated linearly."""
    scores = theirs.sort_values("step")["score"].to_numpy()
    steps = np.arange(min(len(scores), *(run["step"].max() + 1 for run in runs)))
    ours = np.array([np.interp(steps, run["step"], run["score"]) for run in runs])
    return _root_mean_square("score by step", scores[steps], ours)


def _capture_rows(theirs: pd.DataFrame, ours: pd.DataFrame) -> list[dict]:
    """Thresholds over the PCs that the published run and all of ours reach; how many PCs each
    reaches.

    No rows where one side has no table of PCs: that isn't the same as reaching none.
    """
    if theirs.empty or ours.empty:
        return []
    runs = ours.pivot(index="seed", columns="pc", values="score")
    scores = theirs.set_index("pc")["score"].reindex(runs.columns).to_numpy()
    runs, rows = runs.to_numpy(), []
    both = np.isfinite(scores) & np.isfinite(runs).all(0)
    if both.sum() > 2:
        means = runs[:, both].mean(0)
        difference, spread = np.abs(means - scores[both]), _spread(runs[:, both])
        for name, share in (("median", 50), ("95th percentile", 95)):
            ends = (np.percentile(part, share) for part in (difference, spread))
            rows.append(_row(f"capture, {name}", *ends))
        constant = np.ptp(means) == 0 or np.ptp(scores[both]) == 0
        correlation = np.nan if constant else np.corrcoef(means, scores[both])[0, 1]
        rows.append({"quantity": "capture, correlation", "reproduced": correlation})
    reached = np.isfinite(runs)
    rows.append(_number("PCs reached", np.isfinite(scores).mean(), reached.mean(1)))
    agreed = (reached.mean(0) >= 0.5) == np.isfinite(scores)
    return [*rows, {"quantity": "PCs agreed on", "reproduced": agreed.mean()}]


def _select(table: pd.DataFrame, **where) -> pd.DataFrame:
    """The rows in which these columns have these values."""
    return table[(table[list(where)] == list(where.values())).all(axis=1)]


def scorecard(
    table: pd.DataFrame, captures: pd.DataFrame, references: pd.DataFrame
) -> pd.DataFrame:
    """Published against reproduced: a row a dataset, published measure and quantity.

    `table`, `captures` and `references` are those of `scorecard_runs`, `curves.captures` (with
    `authors_capture`) and `runner.references`. Columns dataset, measure (the published id),
    quantity, published, reproduced (mean over seeds), spread, difference, verdict, reason, seeds,
    title, settings, surrogate, data_hash. Quantities: "initial score"; "steps"; "score by step"
    (root mean square over the steps that all have, ours interpolated between snapshots); "accuracy
    curve" (root mean square over a common score grid); "90% crossing" (first crossing, interpolated
    linearly, of chance + 0.9 (reference - chance), each side with its own reference) and "crossing,
    same target" (both with the published one); "capture, median" and "capture, 95th percentile" (of
    the absolute difference over the PCs that both reach); "PCs reached" (share of all PCs). Without
    a verdict: "reference accuracy", "capture, correlation" and "PCs agreed on" (share of PCs with
    the same outcome, reached or not, in the published run and in most of ours). No rows where no
    published table is found.
    """
    names = list(dict.fromkeys(table["dataset"]))
    theirs, their_captures, their_levels = published_runs(names)
    columns = ["published", "reproduced", "spread", "difference", "verdict", "reason", "seeds"]
    columns = ["dataset", "measure", "quantity", *columns, *FACTS]
    if theirs.empty:
        return pd.DataFrame(columns=columns)
    ours, rows = curves.accuracies(table), []
    their_crossings = curves.crossings(theirs, their_levels)
    our_crossings = {
        "90% crossing": curves.crossings(table, references),
        "crossing, same target": curves.crossings(table, their_levels),
    }
    accuracies = [t.groupby("dataset")["accuracy"].mean() for t in (their_levels, references)]
    for (dataset, measure, run), one in theirs.groupby(["dataset", "measure", "seed"], sort=False):
        same = {"dataset": dataset, "measure": measure}
        mine = _select(ours, **same)
        if mine.empty:
            continue
        runs = [part.sort_values("step") for _, part in mine.groupby("seed")]
        reference = [accuracy[dataset] for accuracy in accuracies]
        (reached,) = _select(their_crossings, **same, seed=run)["score"]
        card = [
            _number("initial score", one["score"].iloc[0], [r["score"].iloc[0] for r in runs]),
            _number("steps", len(one), [r["steps"].iloc[0] for r in runs], relative=True),
            _step_row(one, runs),
            {**_number("reference accuracy", reference[0], reference[1:]), "verdict": ""},
            _curve_row(one, runs),
            *(
                _number(name, reached, _select(crossings, **same)["score"])
                for name, crossings in our_crossings.items()
            ),
            *_capture_rows(_select(their_captures, **same, seed=run), _select(captures, **same)),
        ]
        facts = {"dataset": dataset, "measure": run, "seeds": len(runs)}
        facts |= mine[FACTS].iloc[0].to_dict()
        for row in card:
            differs = row.get("verdict") in ("near", "off")
            reason = known_reason(dataset, measure, row["quantity"]) if differs else ""
            rows.append({**row, "reason": reason, **facts})
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
        known = np.isfinite(row["difference"])
        return f"{row['difference']:+.3f} {row['verdict']}" if known else row["verdict"]

    if card.empty:
        return pd.DataFrame()
    shown, keys = card.assign(text=card.apply(words, axis=1)), ["title", "measure"]
    wide = shown.pivot_table("text", keys, "quantity", aggfunc="first", sort=False)
    quantities = list(dict.fromkeys(card["quantity"]))
    return wide[quantities].fillna("").rename_axis(None, axis=1).reset_index()


def off_rows(card: pd.DataFrame) -> pd.DataFrame:
    """What is off, with its numbers and, where it is known, the reason."""
    columns = ["title", "measure", "quantity", "published", "reproduced", "reason"]
    return card.loc[card["verdict"] == "off", columns].reset_index(drop=True)


def _claimed(table: pd.DataFrame, captures: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    """What the paper claims of decoding and capture, on one side's tables."""
    shares = [curves.crossings(table, levels, share) for share in (0.9, 0.5)]
    return pd.concat([decoding_values(*shares), capture_values(captures)], ignore_index=True)


def scorecard_values(
    table: pd.DataFrame, captures: pd.DataFrame, references: pd.DataFrame, card: pd.DataFrame
) -> pd.DataFrame:
    """The paper's claims on the published and on the reproduced numbers, and that the two agree.

    Tables as for `scorecard`. Nothing is said of published runs where there are none.
    """
    names = list(dict.fromkeys(table["dataset"]))
    theirs, their_captures, their_levels = published_runs(names)
    parts, rows = [_claimed(table, captures, references)], []
    if len(theirs):
        whole = _complete(theirs), _complete(their_captures), their_levels
        parts.append(_claimed(*whole).assign(where="published"))
    for (dataset, measure), group in card[card["measure"].isin(COMPARED)].groupby(
        ["dataset", "measure"], sort=False
    ):
        quantities = group.set_index("quantity")
        correlation = quantities["reproduced"].get("capture, correlation", np.nan)
        if np.isfinite(correlation):  # enough PCs that the published run and all of ours reach
            rows.append(("capture is reproduced", dataset, measure, correlation))
        steps = quantities.loc["steps", "difference"]
        rows.append(("number of steps is reproduced", dataset, measure, steps))
    return pd.concat([*parts, values(rows, "both")], ignore_index=True)


def published_values() -> pd.DataFrame:
    """How near CKA and angular Procrustes cross on the published Freeman 2013; no rows without the
    tables.
    """
    runs, _, levels = published_runs(["freemanziemba2013"])
    if runs.empty:
        return values([])
    wide = curves.crossings(_complete(runs), levels)
    wide = wide.pivot(index=["dataset", "seed"], columns="measure", values="score")
    apart = (wide["cka"] - wide["procrustes-angular-score"]).abs()
    claim = "Freeman 2013 is the odd one out"
    return values([(claim, *key, gap) for key, gap in apart.items()], "published")
