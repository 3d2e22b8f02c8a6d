"""The scorecard: published numbers beside reproduced ones, each difference read against the spread
of our runs.

The rule, fixed before any of the numbers was looked at: a difference D between the published value
and the mean of our runs is "inside" if D <= max(2 S, 0.02), "near" if D <= max(4 S, 0.05), "off"
otherwise. S is the standard deviation over our seeds (divisor k - 1). Where D summarises many
points (the root mean square over a curve, the median over PCs), S is the same summary of the
points' standard deviations. Differences in the number of steps are relative to the published
number.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from simlib.datasets import made, paper
from simlib.experiments import curves, settings
from simlib.experiments.claims import values
from simlib.experiments.evidence import capture_values, decoding_values
from simlib.experiments.explorables import LEVELS
from simlib.experiments.runner import ascents
from simlib.measures import MEASURES

# The rule: a verdict's largest difference in standard deviations, and the least that it allows.
RULE = {"inside": (2, 0.02), "near": (4, 0.05)}
WIDTH = 0.01  # of the common score grid
SHOWN_PCS, DIGITS = 20, 7  # of the explorer: principal components, and places after the point

TAILS = (
    "tails of the PCs' time courses, which no spectrum fixes: with uniform ones the steps come "
    "near (next section)"
)
# Why the two differ, where it is known: a regular expression for "dataset measure quantity", and
# the reason; the first that fits counts.
REASONS = {
    "surrogate-freemanziemba2013 .* .*crossing.*": (
        "ill-conditioned: some curves run along the target, and the published reference itself "
        "wanders from .55 to .64"
    ),
    "surrogate-freemanziemba2013 .* accuracy curve": (
        "270 samples: the published decoding is itself noisy"
    ),
    "surrogate-siegel2015 .* initial score": (
        "the number of conditions is not published (41 to 48; 42 here)"
    ),
    "surrogate-.* .* (.*crossing.*|accuracy curve)": (
        "where the task lies among the surrogate's PCs is a construction"
    ),
    "surrogate-mante2013 cka(-angular-score)? steps": TAILS,
    "surrogate-(siegel2015|hatsopoulos2007) cka-angular-score steps": TAILS,
    "surrogate-(hatsopoulos2007|majajhong2015) cka steps": (
        "the two published runs of it differ by as much"
    ),
    "surrogate-freemanziemba2013 cka(-angular-score)? steps": (
        f"{TAILS}; but on the way the scores fit neither uniform nor Gaussian ones"
    ),
    "surrogate-.* ridge-cv steps": (
        "a flat end, where small differences of score are many steps; partly open"
    ),
    "hierarchy .* (steps|initial score)": (
        "the authors' tree is another draw, of another spectrum"
    ),
}


def known_reason(dataset: str, measure: str, quantity: str) -> str:
    """The first line of REASONS that fits this row of the scorecard; "" where none does."""
    row = f"{dataset} {measure} {quantity}"
    return next((reason for fits, reason in REASONS.items() if re.fullmatch(fits, row)), "")


def scorecard_runs(
    datasets: Sequence[str],
    measures: Sequence[str],
    *,
    seeds: Sequence[int],
    steps: int = 1000,
    quick: bool = False,
    jobs: int | str = 1,
    device: str = "cpu",
) -> pd.DataFrame:
    """The ascents behind the scorecard: the table of `runner.ascents`.

    A quick run keeps two small datasets, two measures and two seeds, but the full size of the data:
    that is what was published.
    """
    if quick:
        datasets, measures = (
            [n for n in names if str(n).removeprefix("surrogate-") in small] or list(names)[:1]
            for names, small in (
                (datasets, ("freemanziemba2013", "siegel2015")),
                (measures, ("procrustes-angular-score", "cka")),
            )
        )
        seeds = list(seeds)[:2]
    table = ascents(datasets, measures, seeds=seeds, steps=steps, jobs=jobs, device=device)
    return table.assign(settings=settings.label(quick))


def authors_capture(scores: np.ndarray, r2: np.ndarray) -> np.ndarray:
    """Score to capture each PC as in the published tables, (p,): NaN where never.

    The score interpolated linearly over the snapshots sorted by R^2, read at (R^2 at the start + 1)
    / 2. It is `components.score_to_capture` for a rising curve; one that falls back gives another
    number.
    """
    order = np.argsort(r2, axis=0, kind="stable")
    of_pcs = zip((r2[0] + 1) / 2, np.sort(r2, axis=0).T, scores[order].T, strict=True)
    return np.array([np.interp(*of_pc, right=np.nan) for of_pc in of_pcs])


def published_runs(names: Iterable[str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What is published of these datasets in the shape of our own tables: curves as in `ascents`,
    captures as in `curves.captures`, and references.

    The seed of a published run is its measure's published id: the tables hold CKA twice. No rows
    where no published table is found.
    """
    known = {name: paper.PUBLISHED_TABLES.get(name.removeprefix("surrogate-")) for name in names}
    levels = pd.DataFrame(
        [(name, e.variable, e.reference, e.chance) for name, e in known.items() if e],
        columns=["dataset", "variable", "accuracy", "chance"],
    )
    runs, captured = (
        table.assign(
            seed=table["published_measure"],
            title=table["dataset"],
            variant="published",
            settings="published",
            surrogate=False,
            data_hash="",
        )
        for table in (paper.published_curves(names), paper.published_captures(names))
    )
    runs = runs.assign(
        quantity="accuracy",
        name=runs["dataset"].map(levels.set_index("dataset")["variable"]),
        scale="recorded",
        pc=-1,
        steps=runs.groupby(["dataset", "seed"])["step"].transform("size"),
    )
    return runs, captured.assign(start=np.nan, final_score=np.nan), levels  # NaN: not published


def _complete(runs: pd.DataFrame) -> pd.DataFrame:
    """Published runs as whole ones, all measures to a seed: one with each of the runs of CKA."""
    of_cka = runs["measure"] == "cka"
    whole = [
        pd.concat([runs[~of_cka], one]).assign(seed=name)
        for name, one in runs[of_cka].groupby("seed", sort=False)
    ]
    return pd.concat(whole or [runs], ignore_index=True)


def verdict(difference: float, spread: float) -> str:
    """ "inside", "near" or "off" by the rule of this module; "" without a difference."""
    if np.isnan(difference):
        return ""
    allowed = {word: max(deviations * spread, least) for word, (deviations, least) in RULE.items()}
    return next((word for word in allowed if abs(difference) <= allowed[word]), "off")


def _spread(runs: np.ndarray) -> np.ndarray | float:
    """Standard deviation over the seeds (rows), divisor k - 1; 0 for one seed."""
    return runs.std(0, ddof=1) if len(runs) > 1 else np.zeros(runs.shape[1:])


def _row(quantity: str, difference: float, spread: float, **numbers) -> dict:
    """One row of the card, judged."""
    return {
        "quantity": quantity,
        **numbers,
        "difference": difference,
        "spread": spread,
        "verdict": verdict(difference, spread),
    }


def _number(quantity: str, theirs: float, ours: Iterable[float], unit: float = 1.0) -> dict:
    """One row of the card for a plain number, where NaN means never; the difference is in `unit`s.

    The verdict is the worse of two: on the difference, and on how many of our runs agree with the
    published one whether it is reached at all (all: "inside", none: "off").
    """
    ours = np.asarray(ours, float)
    reached = ours[np.isfinite(ours)]
    mean, spread = (reached.mean(), float(_spread(reached))) if len(reached) else (np.nan, np.nan)
    row = _row(quantity, (mean - theirs) / unit, spread / unit, published=theirs, reproduced=mean)
    agreeing = (np.isnan(ours) == np.isnan(theirs)).sum()
    agreement = {len(ours): "inside", 0: "off"}.get(agreeing, "near")
    worse = max(row["verdict"], agreement, key=["", *RULE, "off"].index)
    return {**row, "verdict": worse}


def _root_mean_square(quantity: str, theirs: np.ndarray, ours: np.ndarray) -> dict:
    """One row of the card for a curve (points,) and those of our runs (runs, points).

    No verdict without points: of runs that ended before the latest of them starts.
    """
    parts = (ours.mean(0) - theirs, _spread(ours)) if theirs.size else (np.nan, np.nan)
    return _row(quantity, *(np.sqrt(np.mean(np.square(part))) for part in parts))


def _curve_row(theirs: pd.DataFrame, runs: list[pd.DataFrame]) -> dict:
    """Difference of accuracy curves at the scores of a grid that all of them cover."""
    grid = np.arange(np.ceil(theirs["score"].min() / WIDTH), 0.99 / WIDTH + 0.5) * WIDTH
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
    runs = runs.to_numpy()
    reached, theirs_reached = np.isfinite(runs), np.isfinite(scores)
    counts = [
        _number("PCs reached", theirs_reached.mean(), reached.mean(1)),
        {
            "quantity": "PCs agreed on",
            "reproduced": np.mean((reached.mean(0) >= 0.5) == theirs_reached),
        },
    ]
    both = theirs_reached & reached.all(0)
    if both.sum() <= 2:
        return counts
    scores, means = scores[both], runs[:, both].mean(0)
    numbers = np.abs(means - scores), _spread(runs[:, both])  # differences and spreads, a PC each
    constant = np.ptp(means) == 0 or np.ptp(scores) == 0
    correlation = np.nan if constant else np.corrcoef(means, scores)[0, 1]
    return [
        _row("capture, median", *np.percentile(numbers, 50, axis=1)),
        _row("capture, 95th percentile", *np.percentile(numbers, 95, axis=1)),
        {"quantity": "capture, correlation", "reproduced": correlation},
        *counts,
    ]


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
    theirs, their_captures, their_levels = published_runs(table["dataset"].unique())
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
        *curves.FACTS,
    ]
    if theirs.empty:
        return pd.DataFrame(columns=columns)
    ours, rows = curves.accuracies(table), []
    their_crossings = curves.crossings(theirs, their_levels)
    published = table[table["dataset"].isin(their_levels["dataset"])]
    our_crossings = {
        "90% crossing": curves.crossings(table, references),
        "crossing, same target": curves.crossings(published, their_levels),
    }
    their_accuracy, our_accuracy = (
        levels.groupby("dataset")["accuracy"].mean() for levels in (their_levels, references)
    )
    theirs = theirs.merge(ours[["dataset", "measure"]].drop_duplicates())  # of what we ran
    for (dataset, measure, run), one in theirs.groupby(["dataset", "measure", "seed"], sort=False):
        same = {"dataset": dataset, "measure": measure}
        mine = _select(ours, **same)
        runs = [part.sort_values("step") for _, part in mine.groupby("seed")]
        reference = _number("reference accuracy", their_accuracy[dataset], [our_accuracy[dataset]])
        (reached,) = _select(their_crossings, **same, seed=run)["score"]
        card = [
            _number("initial score", one["score"].iloc[0], [r["score"].iloc[0] for r in runs]),
            _number("steps", len(one), [r["steps"].iloc[0] for r in runs], unit=len(one)),
            _step_row(one, runs),
            {**reference, "verdict": ""},
            _curve_row(one, runs),
            *(
                _number(name, reached, _select(crossings, **same)["score"])
                for name, crossings in our_crossings.items()
            ),
            *_capture_rows(_select(their_captures, **same, seed=run), _select(captures, **same)),
        ]
        facts = {**mine[curves.FACTS].iloc[0].to_dict(), "measure": run, "seeds": len(runs)}
        for row in card:
            differs = row.get("verdict") in ("near", "off")
            reason = known_reason(dataset, measure, row["quantity"]) if differs else ""
            rows.append({"dataset": dataset, "verdict": "", **row, "reason": reason, **facts})
    return pd.DataFrame(rows, columns=columns)


def scorecard_table(card: pd.DataFrame) -> pd.DataFrame:
    """The card for reading: a row a dataset and measure, a column a quantity; the difference and
    its verdict.

    Columns without a verdict show the number itself.
    """

    def words(row: pd.Series) -> str:
        column, form = ("difference", "+.3f") if row["verdict"] else ("reproduced", ".3f")
        number = f"{row[column]:{form}}" if np.isfinite(row[column]) else ""
        return f"{number} {row['verdict']}".strip()

    if card.empty:
        return pd.DataFrame()
    wide = card.assign(text=card.apply(words, axis=1)).pivot_table(
        "text", ["title", "measure"], "quantity", aggfunc="first", sort=False
    )
    return wide[card["quantity"].unique()].fillna("").rename_axis(None, axis=1).reset_index()


def off_rows(card: pd.DataFrame) -> pd.DataFrame:
    """What is off, with its numbers and, where it is known, the reason."""
    off = card[card["verdict"] == "off"].reset_index(drop=True)
    return off[["title", "measure", "quantity", "published", "reproduced", "reason"]]


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
    theirs, their_captures, their_levels = published_runs(table["dataset"].unique())
    parts = [_claimed(table, captures, references)]
    if len(theirs):
        claimed = _claimed(_complete(theirs), _complete(their_captures), their_levels)
        parts.append(claimed.assign(where="published"))
    compared = card[card["measure"].isin(["procrustes-angular-score", "nbs", "cka"])]
    for claim, quantity, column in (
        ("capture is reproduced", "capture, correlation", "reproduced"),
        ("number of steps is reproduced", "steps", "difference"),
    ):
        known = _select(compared, quantity=quantity).dropna(subset=column)
        rows = known[["dataset", "measure", column]].itertuples(index=False)
        parts.append(values([(claim, *row) for row in rows], "both"))
    return pd.concat(parts, ignore_index=True)


def published_values() -> pd.DataFrame:
    """How near CKA and angular Procrustes cross on the published Freeman 2013; no rows without the
    tables.
    """
    runs, _, levels = published_runs(["freemanziemba2013"])
    if runs.empty:
        return values([])
    wide = curves.crossings(_complete(runs), levels).pivot(
        index=["dataset", "seed"], columns="measure", values="score"
    )
    apart = (wide["cka"] - wide["procrustes-angular-score"]).abs()
    rows = [("Freeman 2013 is the odd one out", *key, gap) for key, gap in apart.items()]
    return values(rows, "published")


def explorer(datasets: Sequence[str], accuracy: pd.DataFrame, captures: pd.DataFrame) -> dict:
    """What the page's explorer shows: published runs beside ours, read at each place of a slider of
    scores. Empty where no published table is found.

    `accuracy` and `captures` are the tables of `curves.accuracies` and `curves.captures`, of our
    runs. "runs": published id -> title, and id here. "datasets": pairs of id and facts: title, what
    our runs climb towards ("source"), main variable, and of each side ("published", "ours")
    "accuracy" by variable and measure (a list a run: `curves.at_scores` at `explorables.LEVELS`)
    and "captures" by measure (a list a run: the scores that capture the first 20 PCs). A measure is
    its published id on the one side, its id here on the other. Numbers are `whole` ones of the size
    "unit".
    """
    theirs, captured = paper.published_variables(datasets), paper.published_captures(datasets)
    runs = theirs[["published_measure", "measure"]].drop_duplicates().reset_index(drop=True)
    again = runs["measure"].duplicated().map({True: ", second run", False: ""})
    titles = dict(zip(accuracy["dataset"], accuracy["title"], strict=True))
    shown = []
    for dataset in theirs["dataset"].unique():
        published, ours = (
            [_select(table, dataset=dataset) for table in tables]
            for tables in ((theirs, captured), (accuracy, captures))
        )
        known = made.SURROGATES.get(dataset)
        source = "another draw" if dataset == "hierarchy" else "the recording"
        main = paper.PUBLISHED_TABLES[dataset.removeprefix("surrogate-")].variable
        facts = {
            "title": known.label if known else titles.get(dataset, dataset.capitalize()),
            "source": "its surrogate" if known else source,
            "main": _in_words(main),
            "published": _side(*published, ["published_measure"]),
            "ours": _side(*ours, ["measure", "seed"]),
        }
        shown.append([dataset, facts])
    named = {
        name: {"title": MEASURES[measure].title + more, "measure": measure}
        for name, measure, more in zip(*runs.T.values, again, strict=True)
    }
    return {"unit": 10.0**-DIGITS, "runs": named, "datasets": shown} if shown else {}


def _side(accuracy: pd.DataFrame, captures: pd.DataFrame, run: list[str]) -> dict[str, dict]:
    """The runs of one side and dataset: what is left when the columns `run` are given."""
    of_variables, of_measures = {}, {}
    for (name, measure, *_), rows in accuracy.groupby(["name", *run], sort=False):
        values = whole(curves.at_scores(rows, LEVELS))
        of_variable = of_variables.setdefault(_in_words(name), {})
        of_variable.setdefault(measure, []).append(values)
    for (measure, *_), rows in captures[captures["pc"] <= SHOWN_PCS].groupby(run, sort=False):
        scores = rows.sort_values("pc")["score"]
        of_measures.setdefault(measure, []).append(whole(scores))
    return {"accuracy": of_variables, "captures": of_measures}


def _in_words(variable: str) -> str:
    return variable.replace("_", " ")


def whole(values: Iterable[float]) -> list[int | None]:
    """Numbers in units of 1e-7, None where there is none."""
    return [None if np.isnan(value) else round(float(value) * 10**DIGITS) for value in values]
