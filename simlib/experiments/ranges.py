"""Joint score ranges of many pairs and datasets: one stored task a target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from simlib import datasets as data_sets
from simlib import joint, theory
from simlib.experiments import settings, store
from simlib.experiments.claims import claim_table, of_the_paper

__all__ = ["allowed_scores", "claims_about_ranges", "end_points", "joint_ranges"]

REGION = ["dataset", "measure", "against", "seed"]
FACTS = ["title", "settings", "surrogate", "data_hash"]
LEVEL = 0.9
AGAINST = "procrustes-angular-score"
# measure -> its name, the angular Procrustes it allows, what angular Procrustes implies for it, its
# bound on NBS
CLAIMS = {
    "cka": ("CKA", 0.6, 0.75, "CKA / p <= NBS^2 <= p CKA"),
    "linreg": ("linear-regression R^2", 0.4, 0.85, "NBS^2 <= R^2"),
}


def _approach(
    dataset: str,
    options: dict,
    data_hash: str,
    measure: str,
    against: str,
    target: list[float],
    seed: int,
    steps: int,
    quick: bool,
    power: int,
) -> pd.DataFrame:
    """The way to one target. A task of `joint_ranges`; `data_hash` makes a changed file a new
    task.
    """
    data = data_sets.load(dataset, **options)
    way = joint.approach(measure, against, data, tuple(target), seed=seed, steps=steps, power=power)
    region = {"dataset": dataset, "measure": measure, "against": against, "seed": seed}
    return way.assign(**region, neurons=data.sizes["neuron"], **settings.provenance(data, quick))


def joint_ranges(
    datasets: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    *,
    points: int = 6,
    seeds: Sequence[int] = (0,),
    steps: int = 1000,
    power: int = 1,
    quick: bool = False,
    jobs: int = 1,
) -> pd.DataFrame:
    """The ways of Y's two scores to targets round the unit square, for each dataset and pair of
    measures.

    `pairs` are (measure, against) ids, `points` the targets on a side; `power` as for
    `joint.approach`. Tidy: a row for each Y scored, with columns dataset, measure, against, seed,
    target_a, target_b, step, score_a (of `measure`), score_b (of `against`), distance, stopped,
    neurons, title, settings, surrogate, data_hash; targets in order round the square. Finished
    targets are stored and found again (`store.run`); `jobs` of them run at once.
    """
    for pair in pairs:
        for name in pair:
            joint.score_measure(name)
    tasks = []
    for dataset in map(str, datasets):
        options = settings.load_options(dataset, quick)
        data_hash = settings.provenance(data_sets.load(dataset, **options), quick)["data_hash"]
        source = {
            "dataset": dataset,
            "options": options,
            "data_hash": data_hash,
            "quick": bool(quick),
        }
        tasks += [
            {
                **source,
                "measure": measure,
                "against": against,
                "target": target.tolist(),
                "seed": int(seed),
                "steps": int(steps),
                "power": int(power),
            }
            for measure, against in pairs
            for seed in seeds
            for target in joint.edge_targets(points)
        ]
    return pd.concat(store.run(_approach, tasks, jobs), ignore_index=True)


def end_points(ways: pd.DataFrame) -> pd.DataFrame:
    """The point of each way nearest to its target, in order round the square: the outline of the
    region.

    Columns of `joint.joint_range`, with dataset, measure, against, seed, title, settings,
    surrogate, data_hash.
    """
    groups = ways.groupby([*REGION, "target_a", "target_b"], sort=False)
    return pd.DataFrame(
        [{**way[[*REGION, *FACTS]].iloc[0].to_dict(), **joint.end_point(way)} for _, way in groups]
    )


def allowed_scores(ends: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """What a score of at least `level` on one measure allows on the other, a row a region and
    direction.

    Columns dataset, title, given, at_least, other, lowest, highest (means over seeds), seeds,
    settings, surrogate; NaN where the region doesn't come that far. `ends` is a table of
    `end_points`.
    """
    rows = []
    for (dataset, measure, against, _), region in ends.groupby(REGION, sort=False):
        found = joint.allowed(region, level)
        for given, other, side in ((measure, against, "b"), (against, measure, "a")):
            rows.append(
                {
                    "dataset": dataset,
                    "title": region["title"].iloc[0],
                    "given": given,
                    "at_least": level,
                    "other": other,
                    "lowest": found[f"lowest_{side}"],
                    "highest": found[f"highest_{side}"],
                    "settings": region["settings"].iloc[0],
                    "surrogate": region["surrogate"].iloc[0],
                }
            )
    keys = ["dataset", "title", "given", "at_least", "other", "settings", "surrogate"]
    grouped = pd.DataFrame(rows).groupby(keys, sort=False)
    return grouped.agg(
        lowest=("lowest", "mean"), highest=("highest", "mean"), seeds=("lowest", "size")
    ).reset_index()


def _outside_bounds(ways: pd.DataFrame, measure: str) -> float:
    """By how much the visited points break the bounds between `measure` and angular Procrustes at
    most.
    """
    nbs = np.cos((1 - ways["score_b"]) * np.pi / 2)
    if measure == "linreg":
        return float((nbs**2 - ways["score_a"]).max())
    rank = int(ways["neurons"].iloc[0])
    low, high = theory.nbs_bounds(ways["score_a"].clip(0, 1), rank, rank)
    return float(np.maximum(low - nbs, nbs - high).max())


def claims_about_ranges(limits: pd.DataFrame, ways: pd.DataFrame) -> pd.DataFrame:
    """What the regions say (figure 7), a row a dataset and claim.

    `limits` is the table of `allowed_scores`, `ways` that of `joint_ranges`. Pairs other than CKA
    or linear regression with angular Procrustes make no claim. The bounds are theorems and asserted
    for all data, the other claims for the paper's, where the descents came as far as the level.
    """
    rows = []
    lowest = limits.set_index(["dataset", "given", "other"])["lowest"]
    pairs = ways[(ways["against"] == AGAINST) & ways["measure"].isin(CLAIMS)]
    for (dataset, measure), group in pairs.groupby(["dataset", "measure"], sort=False):
        title, allows, implies, bound = CLAIMS[measure]
        up, down = lowest[dataset, measure, AGAINST], lowest[dataset, AGAINST, measure]
        outside = _outside_bounds(group, measure)
        papers = of_the_paper(dataset, bool(group["surrogate"].iloc[0]))
        statements = [
            (
                f"{title} of {LEVEL} allows an angular Procrustes score below {allows}",
                f"lowest {up:.2f}",
                up < allows,
                papers and up == up,
            ),
            (
                f"an angular Procrustes score of {LEVEL} implies {title} above {implies}",
                f"lowest {down:.2f}",
                down > implies,
                papers and down == down,
            ),
            (f"every Y on the way obeys {bound}", f"{len(group)} points", outside < 1e-3, True),
        ]
        rows += [
            {
                "dataset": dataset,
                "claim": claim,
                "evidence": evidence,
                "holds": bool(holds),
                "asserted": asserted,
            }
            for claim, evidence, holds, asserted in statements
        ]
    return claim_table(rows)
