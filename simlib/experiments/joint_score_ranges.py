"""Joint score ranges of many pairs and datasets: descents towards targets, one stored task a
target, and the exact ranges beside them.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from simlib import datasets as data_sets
from simlib import exact_ranges, joint, linalg, theory, validation
from simlib.experiments import settings, store
from simlib.experiments.claims import values
from simlib.experiments.store import Source
from simlib.measures import MEASURES

REGION = ["dataset", "measure", "against", "seed"]
FACTS = ["title", "settings", "surrogate", "data_hash"]
LEVEL = 0.9
AGAINST = "procrustes-angular-score"
NAMES = {"cka": "CKA", "linreg": "linear regression"}
ALIKE = 1e-3  # scores of all Y visited that differ by less
NEAREST = 40  # visited points a region that are compared with ranges of their own
IMPLIED = [
    (given, other)
    for pair in (
        ("cka", AGAINST),
        ("cka", "nbs"),
        ("linreg", AGAINST),
        ("linreg", "nbs"),
        ("linreg", "cka"),
    )
    for given, other in (pair, pair[::-1])
]


def _descent(
    source: Source,
    measure: str,
    against: str,
    target: list[float],
    seed: int,
    steps: int,
    quick: bool,
    power: int,
) -> pd.DataFrame:
    """The descent towards one target. A task of `joint_ranges`."""
    data = source.load()
    options = {"seed": seed, "steps": steps, "power": power}
    points = joint.approach(measure, against, data, tuple(target), **options)
    region = {"dataset": source.dataset, "measure": measure, "against": against, "seed": seed}
    facts = {"neurons": data.sizes["neuron"], **settings.provenance(data, quick)}
    return points.assign(**region, **facts)


def joint_ranges(
    datasets: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    *,
    points: int = 6,
    seeds: Sequence[int] = (0,),
    steps: int = 1000,
    power: int = 1,
    quick: bool = False,
    jobs: int | str = 1,
) -> pd.DataFrame:
    """Descents of Y's two scores to targets round the unit square, for each dataset and pair of
    measures.

    `pairs` are (measure, against) ids, `points` the targets on a side; `power` as for
    `joint.approach`. Tidy: a row for each Y scored, with columns dataset, measure, against, seed,
    target_a, target_b, step, score_a (of `measure`), score_b (of `against`), distance, stopped,
    neurons, title, settings, surrogate, data_hash; targets in order round the square. Finished
    targets are stored and found again (`store.run`); `jobs` of them run at once.
    """
    for name in [name for pair in pairs for name in pair]:
        joint.score_measure(name)
    shared = {"steps": int(steps), "quick": bool(quick), "power": int(power)}
    tasks = [
        {"source": source, "measure": measure, "against": against, "seed": int(seed)}
        | {"target": target.tolist(), **shared}
        for source in [settings.source(dataset, quick) for dataset in datasets]
        for measure, against in pairs
        for seed in seeds
        for target in joint.edge_targets(points)
    ]
    return pd.concat(store.run(_descent, tasks, jobs), ignore_index=True)


def _variances(dataset: str, quick: bool) -> tuple[np.ndarray, int, int]:
    """Variances of a dataset's principal components, number of its neurons, directions left outside
    of it.
    """
    data = settings.source(dataset, quick).load()
    X = torch.as_tensor(validation.flat(validation.array(data, "X")), dtype=torch.float64)
    sizes = linalg.principal_components(X)[1].numpy()
    return sizes**2, X.shape[1], X.shape[0] - 1 - len(sizes)


def _is_quick(points: pd.DataFrame) -> bool:
    return bool((points["settings"] == "quick").any())


def end_points(descents: pd.DataFrame) -> pd.DataFrame:
    """The point of each descent nearest to its target, in order round the square: the outline of
    what was reached.

    Columns of `joint.joint_range`, with dataset, measure, against, seed, title, settings,
    surrogate, data_hash.
    """
    return joint.end_points(descents, [*REGION, *FACTS])


def _least(
    given: str, level: float, other: str, spectrum: tuple[np.ndarray, int, int]
) -> tuple[float, str]:
    """The least `other` of any Y that scores `level` or more on `given`, and what is known of it;
    NaN and "" where nothing is.

    The least rises with the level (prop-rising-ends), so that it is that at the level itself.
    """
    if not exact_ranges.has_range(given, other):
        return np.nan, ""
    variances, neurons, _ = spectrum
    lowest, _ = exact_ranges.score_range(variances, given, level, other, neurons)
    status = exact_ranges.STATUS[exact_ranges.plain(given), exact_ranges.plain(other)]
    return float(lowest), status[0]


def allowed_scores(descents: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """What a score of at least `level` on one measure leaves to the other, a row a dataset, pair
    and direction.

    Columns dataset, title, settings, surrogate, given, at_least, other, seeds; lowest and highest,
    each the score of a Y that was visited (of all seeds; NaN where none comes that far): others may
    lie beyond. bound: no Y scores less, from the exact range (NaN where it isn't known), with its
    status and room as in `exact_outlines`. `descents` is the table of `joint_ranges`.
    """
    rows, keys = [], ["dataset", "title", "settings", "surrogate"]
    for facts, points in descents.groupby(keys, sort=False, dropna=False):
        spectrum = _variances(facts[0], facts[2] == "quick")
        room = spectrum[2] >= spectrum[1]
        for (measure, against), pair in points.groupby(["measure", "against"], sort=False):
            limits, seeds = joint.allowed(pair, level), pair["seed"].nunique()
            for given, other, side in ((measure, against, "b"), (against, measure, "a")):
                reached = limits[f"lowest_{side}"], limits[f"highest_{side}"]
                least = _least(given, level, other, spectrum)
                rows.append((*facts, given, level, other, seeds, *reached, *least, room))
    columns = ["given", "at_least", "other", "seeds", "lowest", "highest", "bound", "status"]
    return pd.DataFrame(rows, columns=[*keys, *columns, "room"])


def range_values(descents: pd.DataFrame) -> pd.DataFrame:
    """What 0.9 on one measure leaves to the other (figure 7), for CKA and linear regression against
    angular Procrustes.

    What is implied is the least of the exact range and of all Y visited; that nothing is implied
    shows a Y that was visited (no row where none comes that far). A measure that scores every Y
    visited alike, as linear regression does where neurons fill the samples, tests nothing.
    `descents` is the table of `joint_ranges`, or one of `end_points`.
    """
    rows = []
    for (dataset, measure, against), points in descents.groupby(REGION[:-1], sort=False):
        if against != AGAINST or measure not in NAMES:
            continue
        name, spectrum = NAMES[measure], _variances(dataset, _is_quick(points))
        least, _ = _least(against, LEVEL, measure, spectrum)
        for seed, region in points.groupby("seed", sort=False):
            limits = joint.allowed(region, LEVEL)
            alike = np.ptp(region["score_a"]) < ALIKE
            why = f"{name} is {region['score_a'].iloc[0]:.2f} for every Y here" if alike else ""
            implied = np.fmin(least, limits["lowest_a"])
            rows.append((f"angular Procrustes implies {name}", dataset, seed, implied, why))
            reached = limits["lowest_b"]
            rows.append((f"{name} doesn't imply angular Procrustes", dataset, seed, reached, why))
    table = values(rows)
    return table[table["value"].notna() | (table["untested"] != "")]


def bound_values(descents: pd.DataFrame) -> pd.DataFrame:
    """By how much the visited points break the bounds on NBS at most, from the table of
    `joint_ranges`.
    """
    rows, pairs = [], descents[descents["against"] == AGAINST]
    for (dataset, measure), points in pairs.groupby(["dataset", "measure"], sort=False):
        nbs, score = np.cos((1 - points["score_b"]) * np.pi / 2), points["score_a"]
        run = f"{len(points)} points"
        if measure == "linreg":
            broken = float((nbs**2 - score).max())
            rows.append(("linear regression and NBS keep to their bound", dataset, run, broken))
        elif measure == "cka":
            rank = int(points["neurons"].iloc[0])
            low, high = theory.nbs_bounds(score.clip(0, 1), rank, rank)
            broken = float(np.maximum(low - nbs, nbs - high).max())
            rows.append(("CKA and NBS keep to their bounds", dataset, run, broken))
    return values(rows)


def distance_values(descents: pd.DataFrame, squared: pd.DataFrame) -> pd.DataFrame:
    """Mean distance |s1 - a| + |s2 - b| left by descents of it, over that left by descents of the
    squares.

    Tables of `joint_ranges`, `squared` with power 2; both with the same targets and seeds.
    """
    run = ["dataset", "seed", "measure", "against"]
    left = [
        table.groupby([*run, "target_a", "target_b"])["distance"].min().groupby(run).mean()
        for table in (descents, squared)
    ]
    ratios = (left[0] / left[1]).dropna().items()
    return values([("absolute distance lands closer", *key[:2], ratio) for key, ratio in ratios])


# -- Exact ranges


def exact_outlines(
    datasets: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    *,
    quick: bool = False,
    levels: int = 101,
) -> pd.DataFrame:
    """The exact ranges of the scores of `joint_ranges`, from each dataset's variances: a row a
    level and end.

    Columns dataset, measure, against, end ("lowest", "highest" score of `measure`), score_a,
    score_b (the level of `against`), status ("proved", "conjecture"), room (whether X's samples
    leave a direction outside of X for each neuron; without, the range is an outer bound). Pairs
    whose range isn't known have no rows.
    """
    columns = ["dataset", "measure", "against", "end", "score_a", "score_b", "status", "room"]
    grid, tables = np.linspace(0, 1, levels), [pd.DataFrame(columns=columns)]
    for dataset in map(str, datasets):
        variances, neurons, outside = _variances(dataset, quick)
        for measure, against in pairs:
            if not exact_ranges.has_range(against, measure):
                continue
            ends = exact_ranges.score_range(variances, against, grid, measure, neurons)
            status = exact_ranges.STATUS[exact_ranges.plain(against), exact_ranges.plain(measure)]
            region = {"dataset": dataset, "measure": measure, "against": against}
            for name, scores, known in zip(("lowest", "highest"), ends, status, strict=True):
                line = pd.DataFrame({"score_a": scores, "score_b": grid}).assign(**region)
                tables.append(line.assign(end=name, status=known, room=outside >= neurons))
    return pd.concat(tables[1:] or tables, ignore_index=True)[columns]


def _beyond(points: pd.DataFrame, low: pd.DataFrame, high: pd.DataFrame, quick: bool) -> float:
    """By how much visited points lie beyond the exact range at most, below 0 where all are inside.

    The points nearest to the range's ends, by interpolation, are compared with the range at their
    own level.
    """
    dataset, measure, against = points[["dataset", "measure", "against"]].iloc[0]
    a, b = points["score_a"].to_numpy(float), points["score_b"].clip(1e-6, 1).to_numpy(float)
    below = np.interp(b, low["score_b"], low["score_a"]) - a
    above = a - np.interp(b, high["score_b"], high["score_a"])
    nearest = np.argsort(-np.maximum(below, above))[:NEAREST]
    variances, neurons, _ = _variances(dataset, quick)
    least, most = exact_ranges.score_range(variances, against, b[nearest], measure, neurons)
    return float(np.maximum(least - a[nearest], a[nearest] - most).max())


def _covered(ends: pd.DataFrame, low: pd.DataFrame, high: pd.DataFrame) -> float:
    """Share of the exact range that lies within the outline of a region, straight between its end
    points.
    """
    level, least = low[["score_b", "score_a"]].to_numpy().T
    most = high["score_a"].to_numpy()
    here = ends[["score_a", "score_b"]].to_numpy(float)
    there = np.roll(here, -1, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (level[:, None] - here[:, 1]) / (there[:, 1] - here[:, 1])
        crossing = here[:, 0] + part * (there[:, 0] - here[:, 0])
    a = np.where((part >= 0) & (part <= 1), crossing, np.nan)
    left, right = np.fmin.reduce(a, axis=1), np.fmax.reduce(a, axis=1)
    inside = np.nan_to_num(np.minimum(right, most) - np.maximum(left, least)).clip(0)
    return float(np.trapezoid(inside, level) / np.trapezoid(most - least, level))


def coverage(descents: pd.DataFrame, exact: pd.DataFrame) -> pd.DataFrame:
    """Do the descents keep to the exact ranges, and how much of them do they reach? A row a dataset
    and pair.

    `descents` is the table of `joint_ranges`, `exact` that of `exact_outlines`. Columns dataset,
    measure, against, points (visited), covered (share of the exact range within the outline),
    beyond (by how much the worst point lies outside; below 0: inside).
    """
    rows, keys = [], ["dataset", "measure", "against"]
    for key, curves in exact.groupby(keys, sort=False):
        low, high = (curves[curves["end"] == end] for end in ("lowest", "highest"))
        points = descents[(descents[keys] == list(key)).all(axis=1)]
        regions = [ends for _, ends in end_points(points).groupby("seed")]
        covered = np.mean([_covered(region, low, high) for region in regions])
        beyond = _beyond(points, low, high, _is_quick(points))
        rows.append((*key, len(points), covered, beyond))
    return pd.DataFrame(rows, columns=[*keys, "points", "covered", "beyond"])


def exact_values(coverage: pd.DataFrame) -> pd.DataFrame:
    """Whether the descents leave the exact ranges, from the table of `coverage`."""
    titles = {name: record.title for name, record in MEASURES.items()}
    pairs = coverage["measure"].map(titles) + " and " + coverage["against"].map(titles)
    columns = zip(coverage["dataset"], pairs, coverage["beyond"], strict=True)
    return values([("no Y leaves the exact range", *column) for column in columns])


def _implied(dataset: str, level: float) -> pd.DataFrame:
    """What `level` on one measure implies on the others, for one spectrum. A task of
    `implied_scores`.
    """
    variances, rows = data_sets.made.variance_ratios(dataset), []
    plain = {pair: tuple(map(exact_ranges.plain, pair)) for pair in IMPLIED}
    for known, status in exact_ranges.STATUS.items():
        pairs = [pair for pair in IMPLIED if plain[pair] == known]
        levels = [
            level if given == known[0] else exact_ranges.from_angular(level) for given, _ in pairs
        ]
        # One search for all pairs.
        ends = np.array(exact_ranges.score_range(variances, known[0], levels, known[1]))
        for (given, other), end in zip(pairs, ends.T, strict=True):
            low, high = map(float, end if other == known[1] else exact_ranges.angular(end))
            rows.append((dataset, given, level, other, low, 1.0, high, *status))
    columns = ["dataset", "given", "at_least", "other", "lowest", "highest", "highest_at"]
    return pd.DataFrame(rows, columns=[*columns, "lowest_status", "highest_at_status"])


def implied_scores(
    names: Sequence[str] | None = None, level: float = LEVEL, jobs: int | str = 1
) -> pd.DataFrame:
    """What a score of `level` or more implies on another measure, for published spectra (all if
    None): a row a spectrum and pair.

    Columns dataset, given, at_least, other, lowest, highest (1: Y = X), highest_at (at exactly
    `level`), and the status of the two ends at the level. Y has as many columns as X has PCs, and X
    samples enough. Spectra are stored tasks (`store.run`), `jobs` at once.
    """
    names = list(data_sets.made.SPECTRA) if names is None else names
    tasks = [{"dataset": str(name), "level": float(level)} for name in names]
    return pd.concat(store.run(_implied, tasks, jobs), ignore_index=True)
