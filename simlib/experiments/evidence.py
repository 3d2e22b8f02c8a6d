"""The numbers that show what the book claims of ascents, run by run.

Every function takes tables of `curves` and returns the table of `claims.values`. A score that is
never reached is infinite: later than any.
"""

import numpy as np
import pandas as pd

from simlib.experiments.claims import LATE as NEAR_1
from simlib.experiments.claims import values
from simlib.experiments.curves import (
    FEWEST,
    HELD_OUT,
    capture_differences,
    capture_order,
    notes,
)
from simlib.measures import MEASURES

EARLY, LATE, LINEAR = "procrustes-angular-score", "cka", "linreg"
NAMES = {LATE: "CKA", LINEAR: "linear regression"}
# Of two measures on the same kind of axis the one that is sensitive to few PCs comes first.
ALIKE = {"CKA later than NBS": (LATE, "nbs")}
ALIKE["angular CKA later than angular Procrustes"] = "cka-angular-score", EARLY
RELABELLED = ("nbs", EARLY), (LATE, "cka-angular-score")
COUNTS = 5, 10, 20, 40, 80  # of captured PCs, at which two measures are compared
LEVEL, END = 0.9, 0.99
SEVERAL = 3  # fewest datasets that "all datasets" is tried on
FILLED = 0.99  # mean R^2 at the start from which Y's columns leave nothing of the samples


def _gap(later: pd.Series, earlier: pd.Series) -> pd.Series:
    """How much later the one is reached; minus infinity where the earlier never is. Runs that have
    both.
    """
    both = pd.DataFrame({"later": later, "earlier": earlier}).dropna()
    gap = both["later"] - both["earlier"]
    return gap.where(np.isfinite(both["earlier"]), -np.inf)


def _spread(reached: pd.Series) -> float:
    """By how much the latest score exceeds the first: infinite where some are never reached, NaN
    where none is.
    """
    return reached.max() - reached.min() if np.isfinite(reached.min()) else np.nan


def _wide(crossings: pd.DataFrame) -> pd.DataFrame:
    """Scores of crossings, a row a dataset and seed, a column a measure; never is infinite, NaN
    what wasn't run.
    """
    known = crossings.fillna({"score": np.inf})
    return known.pivot(index=["dataset", "seed"], columns="measure", values="score")


def _reasons(crossings: pd.DataFrame) -> pd.DataFrame:
    """Why a crossing is no evidence, in the layout of `_wide`: "" where it is one.

    A measure that noise scores highly crosses late in any case.
    """
    why, start = notes(crossings), crossings.get("first_score", pd.Series(0.0, crossings.index))
    titles = crossings["measure"].map(
        lambda name: MEASURES[name].title if name in MEASURES else name
    )
    high = titles + " of noise is " + start.map("{:.2f}".format) + " from the start"
    why = why.where((why != "") | (start < NEAR_1), high)
    table = crossings.assign(why=why)
    return table.pivot(index=["dataset", "seed"], columns="measure", values="why").fillna("")


def decoding_values(crossings: pd.DataFrame, halfway: pd.DataFrame | None = None) -> pd.DataFrame:
    """When the task can be decoded (figure 3), from tables of `crossings`, at 90% of the way and at
    half of it.
    """
    wide, why = _wide(crossings), _reasons(crossings)
    found, needed = {}, {}
    for measure in [name for name in (LATE, LINEAR) if name in wide]:
        needed[f"{NAMES[measure]} decodes late"] = [measure]
        found[f"{NAMES[measure]} decodes late"] = wide[measure].dropna()
    gaps = {f"{NAMES[m]} later than angular Procrustes": (m, EARLY) for m in (LATE, LINEAR)}
    for claim, pair in (gaps | ALIKE).items():
        if set(pair) <= set(wide):
            needed[claim], found[claim] = list(pair), _gap(wide[pair[0]], wide[pair[1]])
    if halfway is not None and {EARLY, LATE} <= set(half := _wide(halfway)):
        needed["CKA later halfway"] = [LATE, EARLY]
        found["CKA later halfway"] = _gap(half[LATE], half[EARLY])
    ends = crossings.groupby(["dataset", "seed"])["final_score"].min()
    rows = [("reaches the end", *run, value) for run, value in ends.items()]
    rows += [
        (claim, *run, value, next(filter(None, why.loc[run, needed[claim]]), ""))
        for claim in found
        for run, value in found[claim].items()
    ]
    tested = wide.where(why == "")
    if wide.shape[1] > 1:
        for run, scores in tested.iterrows():
            reason = next(filter(None, why.loc[run]), "") if scores.count() < 2 else ""
            rows.append(("no score for all measures", *run, _spread(scores), reason))
    if wide.index.unique("dataset").size >= SEVERAL:
        if EARLY in wide:
            apart = tested[EARLY].groupby("seed").agg(_spread)
            rows += [("no score for all datasets", "all", *run) for run in apart.items()]
        for measure, scores in tested.items():
            of_datasets = scores.dropna().groupby("dataset")
            first, last = of_datasets.max().min(), of_datasets.min().max()
            apart = last - first if np.isfinite(first) else np.nan
            rows.append(("datasets differ, whatever the label", "all", measure, apart))
    return values(rows)


def common_scale_values(crossings: pd.DataFrame) -> pd.DataFrame:
    """What is left of the claims where X and Y have one scale; a table of `crossings` there."""
    rows = decoding_values(crossings)
    kept = {"CKA later than angular Procrustes", "no score for all datasets"}
    rows = rows[rows["claim"].isin(kept)]
    return rows.assign(claim="one scale: " + rows["claim"])


def relabelled_values(learned: pd.DataFrame) -> pd.DataFrame:
    """How far apart two measures that are one score relabelled are in what Y decodes by the time it
    has captured as many PCs, from the table of `curves.accuracy_by_capture`.
    """
    rows = []
    for (dataset, seed), runs in learned.groupby(["dataset", "seed"], sort=False):
        wide = {
            measure: [run.loc[run["captured"] >= count, "share"].head(1).mean() for count in COUNTS]
            for measure, run in runs.groupby("measure")
        }
        for pair in RELABELLED:
            if set(pair) <= set(wide):
                apart = np.abs(np.subtract(*(wide[name] for name in pair)))
                run, why = f"{pair[0]}, {seed}", "".join(notes(runs).unique()[:1])
                if np.isfinite(apart).any() or why:
                    middle = np.nan if why else np.nanmedian(apart)
                    rows.append(("relabelled, alike", dataset, run, middle, why))
    return values(rows)


def placement_values(placed: pd.DataFrame) -> pd.DataFrame:
    """What survives where a construction puts the task, and what it moves, from the table of
    `score_vs_decodability.placements`; no rows without surrogates.
    """
    rows = []
    for dataset, of_data in placed.groupby("dataset", sort=False) if len(placed) else ():
        middles = []
        for place, runs in of_data.groupby(["varied", "first_pc", "exponent"], sort=False):
            wide = _wide(runs)
            where = f"first PC {place[1]}, exponent {place[2]:g}"
            if {EARLY, LATE} <= set(wide):
                gaps = _gap(wide[LATE], wide[EARLY])
                rows += [
                    ("any placement: CKA later", dataset, f"{where}, {seed}", gap)
                    for (_, seed), gap in gaps.items()
                ]
            if EARLY in wide:
                middles.append(wide[EARLY].median())
        if middles:
            rows.append(
                ("placement moves the crossing", dataset, "all", _spread(pd.Series(middles)))
            )
    return values(rows)


def _orders(claim: str, orders: pd.DataFrame) -> list[tuple]:
    """One row of a claim about the order of PCs for each run."""
    return [
        (claim, row.dataset, f"{row.measure}, {row.variant}, {row.seed}", row.order)
        for row in orders.itertuples()
    ]


def capture_values(captures: pd.DataFrame) -> pd.DataFrame:
    """Order and scores of captured PCs (figures 4, 5), for CKA and angular Procrustes."""
    both = captures[captures["measure"].isin([EARLY, LATE]) & (captures["explained_variance"] > 0)]
    held_out = both.get("ceiling", pd.Series(1.0, both.index)) < 1
    few = dict.fromkeys(both["dataset"], f"fewer than {FEWEST} PCs to tell it by")
    few |= dict.fromkeys(both.loc[held_out, "dataset"], HELD_OUT)
    both = both[~held_out]
    orders = capture_order(both)
    orders = orders[orders["captured"] >= FEWEST]
    ahead = orders.assign(order=orders["last"] - 1.5 * orders["captured"])
    rows = _orders("large PCs first", orders) + _orders("no PC far ahead", ahead)
    pairs = ["large PCs first", "no PC far ahead"]
    if {EARLY, LATE} <= set(captures["measure"]):
        pairs += ["CKA needs more for the same PC", "CKA learns late"]
    for run, pcs in both.groupby(["dataset", "seed"], sort=False):
        wide = pcs.pivot(index="pc", columns="measure", values="score")
        if {EARLY, LATE} <= set(wide):
            late, early = wide[LATE].fillna(np.inf), wide[EARLY].dropna().loc[3:]
            if len(early):
                share = float((late[early.index] > early).mean())
                rows.append(("CKA needs more for the same PC", *run, share))
            middle = late[wide[EARLY].between(0.4, 0.5)]
            if len(middle) >= FEWEST:
                rows.append(("CKA learns late", *run, middle.median()))
    known = {row[:2] for row in rows}
    rows += [
        (claim, d, "all", np.nan, few[d]) for claim in pairs for d in few if (claim, d) not in known
    ]
    return values(rows)


def toy_values(curves: pd.DataFrame) -> pd.DataFrame:
    """R^2 of the toy's two PCs along the ascents (figure 2), from `component_curves` of toy-2d.

    Means over the starts; nothing for ascents that were cut short of a score of 0.9.
    """
    starts = f"{curves['seed'].nunique()} starts"
    means = curves.groupby(["measure", "pc", "score"])["value"].mean()
    line = means[LATE, 1]
    rows = [("toy: PC 1 follows CKA", "toy-2d", starts, np.abs(line - line.index).max())]
    for name, claim in (
        (LATE, "PC 2 waits for CKA"),
        (EARLY, "PC 2 is there for angular Procrustes"),
    ):
        curve = means[name, 2]
        if curve.index.max() >= LEVEL:
            r2 = np.interp(LEVEL, curve.index, curve)
            rows.append((f"toy: {claim}", "toy-2d", starts, r2))
    return values(rows)


def penalty_values(crossings: pd.DataFrame, captures: pd.DataFrame | None = None) -> pd.DataFrame:
    """How the ridge penalty moves the score at which variables can be decoded, and not the order of
    PCs; tables `with_penalty`.
    """
    rows = []
    for (dataset, seed), run in crossings.groupby(["dataset", "seed"], sort=False):
        weak, strong = run["penalty"].min(), run["penalty"].max()
        reached = run.pivot(index="variable", columns="penalty", values="score")
        for variable, scores in reached.fillna(np.inf).iterrows():
            gap = scores[weak] - scores[strong] if np.isfinite(scores[strong]) else -np.inf
            rows.append(("a variable moves with the penalty", dataset, f"{variable}, {seed}", gap))
        # The run's end stands in for never in the size of the move.
        means = reached.fillna(END).mean()
        move = means[weak] - means[strong]
        rows.append(("ridge penalty moves the crossing", dataset, seed, move))
    if captures is not None:
        rows += _orders("large PCs first, any penalty", capture_order(captures))
    return values(rows)


def gaussian_values(captures: pd.DataFrame, base: str) -> pd.DataFrame:
    """How far capture scores of a Gaussian of the same spectrum are from those of X (variant
    `base`); nothing for too few PCs.
    """
    rows = []
    for pair in capture_differences(captures, base).itertuples():
        run = f"{pair.measure}, {pair.variant}, {pair.seed}"
        rows.append(("Gaussian correlates", pair.dataset, run, pair.correlation))
        rows.append(("Gaussian differs little", pair.dataset, run, pair.difference))
    rows += _orders("large PCs first, in the Gaussian", capture_order(captures))
    return values(rows).dropna(subset="value")


def start_values(captures: pd.DataFrame) -> pd.DataFrame:
    """The order of PCs from other starts and with other optimisers.

    A start with as many independent columns as samples predicts every PC from the outset: nothing
    is left to learn, and the order is empty.
    """
    orders = capture_order(captures)
    filled = orders.groupby(["dataset", "variant"])["start"].transform("min") > FILLED
    empty = orders[filled].assign(order=lambda table: table["order"].fillna(0).abs())
    rows = _orders("large PCs first, any start", orders[~filled])
    return values(rows + _orders("as many neurons as samples", empty))
