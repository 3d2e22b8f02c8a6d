"""Figure 3 in words, and what the surrogates were given: crossings against where a construction
puts the task among the PCs.
"""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from simlib import datasets as data_sets
from simlib.decoding import decoding_accuracy
from simlib.experiments import curves, settings, store
from simlib.experiments.runner import ascents, references
from simlib.experiments.store import Source
from simlib.measures import MEASURES

FIRST_PCS, EXPONENTS = (1, 3, 10, 30), (0.0, 0.75, 1.5)
# Trials of a placement where decoding costs most; the spectrum stays.
PLACED = {"surrogate-hatsopoulos2007": {"trials": 200}, "surrogate-majajhong2015": {"trials": 800}}
SHARES = 0.01, 100.0  # of PC `first_pc`, between which the one that keeps the reference is sought
HALVINGS = 7  # the share to within 4%
SPACING = 0.05  # between snapshots: crossings are interpolated

SCALE_WORDS = {"recorded": "In the recorded unit", "common": "With X and Y at one scale"}
ENOUGH = 0.9  # of the way: what counts as decodable as from X
APART = 0.02  # accuracies at the two scales that differ by more are told


def scales_of(datasets: Sequence[str]) -> list[str]:
    """`decoding.SCALES` with the one that leads first: the recorded unit for datasets that have a
    name, as in the paper; one scale where there is a file of one's own, whose unit may be any.
    """
    named = all(name in data_sets.names() for name in datasets)
    return ["recorded", "common"] if named else ["common", "recorded"]


def distance_in_words(
    shares: pd.DataFrame,
    crossings: pd.DataFrame,
    scale: str = "recorded",
    measure: str = "cka",
    score: float = 0.9,
) -> str:
    """How far the task is from as decodable as in X at this score, a Markdown item a dataset.

    Tables of `curves.shares` at that score and `curves.crossings`, both at that scale; numbers are
    median and range over runs.
    """
    items, title = [], MEASURES[measure].title
    for name, of_data in shares[shares["measure"] == measure].groupby("title", sort=False):
        mine = crossings[(crossings["title"] == name) & (crossings["measure"] == measure)]
        told, mine = (rows[curves.notes(rows) == ""] for rows in (of_data, mine))
        reached, missed = mine.dropna(subset="score"), mine[mine["score"].isna()]
        words = f"- {name}:"
        if len(told):
            way = curves.over_runs(told["share"])
            words += f" at a {title} of {score:g} $Y$ has gone {way} of the way from chance to"
            words += " the accuracy on $X$."
        if why := curves.why_not(of_data):
            words += f" {why[0].upper()}{why[1:]}."
        if len(reached):
            words += f" 90% of the way is gone at {curves.over_runs(reached['score'])}"
            words += f" in {len(reached)} of {len(mine)} runs." * (len(missed) > 0)
            words += "." * (len(missed) == 0)
        if len(missed):
            words += " The others end at" if len(reached) else " No run goes 90% of it: they end at"
            words += f" {curves.over_runs(missed['furthest'])}, at the furthest."
        items.append(words)
    return f"{SCALE_WORDS[scale]}:\n\n" + "\n".join(items)


def furthest_behind(shares: pd.DataFrame, measure: str = "cka") -> str:
    """The dataset whose task is furthest from decodable at this score (table of `curves.shares`):
    lowest median of the runs that can be told; the first dataset where none can.
    """
    middles = _middles(shares, measure, "dataset")
    return middles.idxmin() if len(middles) else shares["dataset"].iloc[0]


def answer_in_words(shares: pd.DataFrame, score: float = 0.9) -> str:
    """Does a high score mean that the task can be decoded? Two sentences from a table of
    `curves.shares` at this score: CKA's, and what angular Procrustes has there.
    """
    found = {}
    for measure in ("cka", "procrustes-angular-score"):
        middles = _middles(shares, measure, "title")
        if len(middles):
            found[measure] = middles.sort_values()
    if "cka" not in found:
        return f"No run of CKA tells how far the task can be decoded at a score of {score:g}."
    ends, runs = _from_to(found["cka"], names=True), shares.groupby("dataset")["seed"].nunique()
    answer = "Not by itself" if found["cka"].min() < ENOUGH else "In these runs it does"
    words = f"{answer}. When noise has climbed to a CKA of {score:g}, decoding the task from it has"
    words += f" gone {ends} of the way from chance to the accuracy on the data itself"
    words += f" (medians of {runs.max()} runs)" if runs.max() > 1 else ""
    if "procrustes-angular-score" in found:
        other = _from_to(found["procrustes-angular-score"])
        words += f"; at an angular Procrustes score of {score:g} it has gone {other}"
    return f"{words}."


def _middles(shares: pd.DataFrame, measure: str, by: str) -> pd.Series:
    """Median share of the runs of a measure that can be told, by dataset or title."""
    told = shares[(shares["measure"] == measure) & (curves.notes(shares) == "")]
    return told.dropna(subset="share").groupby(by, sort=False)["share"].median()


def _from_to(shares: pd.Series, names: bool = False) -> str:
    """Lowest to highest of sorted shares by title: `0.11 (Siegel 2015, surrogate) to 0.99`."""
    told = [
        f"{share:.2f}" + f" ({title.replace(' (surrogate)', ', surrogate')})" * names
        for title, share in shares.items()
    ]
    return told[0] if told[0] == told[-1] else f"{told[0]} to {told[-1]}"


def shares_in_words(shares: pd.DataFrame, measure: str = "cka") -> str:
    """The shares of the way at one score of this measure in one line: `Mante 2013 0.57 (0.50 to
    0.71), ...`, median and range over runs; the table is that of `curves.shares`.
    """
    rows = shares[shares["measure"] == measure].groupby("title", sort=False)
    parts = [f"{t.removesuffix(' (surrogate)')} {curves.in_words(s, 'share')}" for t, s in rows]
    return ", ".join(parts) + "."


def scales_in_words(references: pd.DataFrame) -> str:
    """Which accuracies on X hang on its unit, a Markdown item a variable.

    `references` is the table of `runner.references`.
    """
    items = []
    for (title, variable), rows in references.groupby(["title", "variable"], sort=False):
        at = {s: curves.deciding(rows, s)["accuracy"].mean() for s in ("recorded", "common")}
        if abs(at["recorded"] - at["common"]) > APART:
            items.append(
                f"- {title}: {variable.replace('_', ' ')} is decoded from $X$ with an accuracy of "
                f"{at['recorded']:.2f} in the recorded unit and of {at['common']:.2f} at one scale."
            )
    return "\n".join(items) or f"- No accuracy on $X$ differs by more than {APART} between the two."


def exception_in_words(crossings: dict[str, pd.DataFrame]) -> str:
    """Freeman 2013, the paper's exception, beside its surrogate in this run: Markdown, "" where the
    surrogate, CKA or angular Procrustes is not in it.

    `crossings` has a table of `curves.crossings` for each scale.
    """
    found = []
    for scale, table in crossings.items():
        mine = table[table["dataset"] == "surrogate-freemanziemba2013"].groupby("measure")["score"]
        if {"cka", "procrustes-angular-score"} <= set(mine.groups):
            late, early = (
                curves.over_runs(mine.get_group(name))
                for name in ("cka", "procrustes-angular-score")
            )
            found.append(f"{SCALE_WORDS[scale]} its surrogate has {late} and {early}.")
    first = "In the paper CKA and angular Procrustes cross at nearly the same score on Freeman 2013"
    return " ".join([f"{first}, .44 and .43.", *found]) if found else ""


def constructions(datasets: Sequence[str], quick: bool = False) -> pd.DataFrame:
    """What each surrogate among the datasets was given, a row each: which PC is the first to carry
    the task, which share of its variance, and how that share falls with rank.
    """
    rows = []
    for name in [name for name in datasets if name in data_sets.made.SURROGATES]:
        data = settings.source(name, quick).load()
        given, variable = json.loads(data.attrs["processing"]), data.attrs["main_variable"]
        facts = given["first_pc"], given["shares"][variable], given["exponent"]
        rows.append((data.attrs["title"], variable, *facts))
    return pd.DataFrame(rows, columns=["dataset", "variable", "first PC", "share", "exponent"])


def _calibrated(source: Source, target: float) -> pd.DataFrame:
    """The share at which the main variable of a surrogate with these options is decoded with this
    accuracy, or as near as it gets: columns share, accuracy. A task of `placements`.
    """

    def accuracy(share: float) -> float:
        data = Source(source.dataset, source.options | {"share": share}).load()
        return decoding_accuracy(data, data_sets.labels(data), scale="recorded")

    low, high = np.log(SHARES)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if accuracy(np.exp(middle)) < target else (low, middle)
    share = float(np.exp((low + high) / 2))
    return pd.DataFrame({"share": [share], "accuracy": [accuracy(share)]})


def placements(
    datasets: Sequence[str],
    measures: Sequence[str],
    *,
    seeds: Sequence[int],
    steps: int = 1000,
    quick: bool = False,
    jobs: int | str = 1,
) -> pd.DataFrame:
    """Crossings of surrogates that carry the same task in other PCs, at the recorded scale.

    One thing changes at a time, the first PC that carries the task or the exponent by which its
    share falls with rank; the share itself is set so that the accuracy on the surrogate stays what
    it is as shipped, to within what 4% of the share make. Spectrum, scale and design stay; two
    surrogates have fewer trials (`PLACED`), since decoding costs most there.

    Returns:
        A row a run: the columns of `curves.crossings` and varied ("first_pc" or "exponent"),
        first_pc, exponent, shipped (whether this is the surrogate as it is shipped), reference
        (accuracy on the surrogate). Datasets that aren't surrogates have no rows.

    Raises:
        TaskError: where some runs failed, after all have ended.
    """
    chosen = [name for name in datasets if name in data_sets.made.SURROGATES]
    shared = {"quick": quick}
    sizes = {name: settings.load_options(name, quick) or PLACED.get(name, {}) for name in chosen}
    known = references(sizes, seeds=seeds, **shared) if chosen else pd.DataFrame()
    grids = {"first_pc": FIRST_PCS, "exponent": EXPONENTS}
    grid = [(varied, value, int(s)) for varied in grids for value in grids[varied] for s in seeds]
    places, tasks = [], []
    for varied, value, seed in grid if chosen else ():
        for name, size in sizes.items():
            given = json.loads(data_sets.load(name, **size).attrs["processing"])
            given = {key: given[key] for key in grids}
            facts = {"varied": varied, "shipped": value == given[varied]}
            options = size | given | {varied: value, "seed": seed}
            level = curves.levels(known)["accuracy"].xs((name, seed), level=("dataset", "seed"))
            places.append({"dataset": name, **facts, **{key: options[key] for key in grids}})
            tasks.append({"source": Source(name, options), "target": float(level.item())})
    fits = pd.concat([pd.DataFrame(), *store.run(_calibrated, tasks, jobs)], ignore_index=True)
    tables = []
    for first in range(0, len(places), max(1, len(chosen))):
        rows = range(first, first + len(chosen))
        runs = {
            places[k]["dataset"]: tasks[k]["source"].options | {"share": float(fits["share"][k])}
            for k in rows
        }
        of_place = pd.DataFrame([places[k] | {"reference": fits["accuracy"][k]} for k in rows])
        options = {**shared, "seeds": [tasks[first]["source"].options["seed"]]}
        table = ascents(
            runs, measures, steps=steps, scales=["recorded"], spacing=SPACING, jobs=jobs, **options
        )
        reached = curves.crossings(table, references(runs, **options))
        tables.append(reached.merge(of_place, on="dataset"))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
