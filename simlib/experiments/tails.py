"""What moves the number of steps where the spectrum is the same: the tails of the PCs' time
courses.

CKA and most other measures don't change when the samples of X and Y are rotated together, and a
Gaussian start looks alike in any axes. Adam moves each entry of Y by itself, so the ascent feels
the axes all the same: how a PC's time course is spread over the samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from scipy.stats import kurtosis

from simlib import datasets as data_sets
from simlib import validation
from simlib.components import left_singular_vectors
from simlib.experiments import settings, store
from simlib.experiments.ascents import score_id, text_again
from simlib.experiments.claims import claim_table
from simlib.experiments.supplement import ascend
from simlib.optimize import maximize, start_from_noise

__all__ = [
    "claims_about_tails",
    "recorded_tails",
    "rotated_ascents",
    "rotation_of_samples",
    "tail_distances",
    "tail_runs",
    "tail_table",
]

EARLY = 5  # the step at which early scores are compared
# The tails that the published ascents fit best, of these two; seen first, asserted since.
FITTING = {
    "mante2013": ("uniform", "gaussian"),
    "siegel2015": ("uniform", "gaussian"),
    "majajhong2015": ("gaussian", "uniform"),
}
EQUAL, APART = 1e-8, 1e-3  # largest differences of score: of rounding, of another ascent
FACTS = ["title", "settings", "surrogate", "data_hash"]


def _tails(
    dataset: str,
    options: dict,
    data_hash: str,
    measure: str,
    tails: str,
    seed: int,
    steps: int,
    quick: bool,
    device: str,
) -> pd.DataFrame:
    """One ascent of `tail_runs`: a row a step."""
    data = data_sets.load(dataset, **options)
    X = data_sets.made.spectrum_matched(data, seed, tails)
    scores = maximize(measure, X, seed=seed, steps=steps, device=device).scores
    facts = {**settings.provenance(data, quick), "surrogate": True}
    return pd.DataFrame({"step": np.arange(len(scores)), "score": scores}).assign(
        dataset=dataset, measure=measure, tails=tails, seed=seed, **facts
    )


def tail_runs(
    datasets: Sequence[str],
    measures: Sequence[str],
    tails: Sequence[str] = tuple(data_sets.made.TAILS),
    *,
    seeds: Sequence[int] = (0,),
    steps: int = 1000,
    quick: bool = False,
    jobs: int = 1,
    device: str = "cpu",
) -> pd.DataFrame:
    """Ascents towards matrices with each dataset's size and spectrum, and PC time courses of each
    of `tails` (`datasets.made.TAILS`).

    A seed draws both the matrix and the start. Tidy: a row a step, with columns dataset, measure,
    tails, seed, step (from 0), score, title, settings, surrogate, data_hash. The data keep their
    size in a quick run: that is what was published. Finished ascents are stored and found again.
    Raises ValueError for names that are not known.
    """
    measures = [score_id(name) for name in validation.names(measures, "measures")]
    tasks, costs = [], []
    for name in map(str, validation.names(datasets, "datasets")):
        data = data_sets.load(name)
        shared = {
            "dataset": name,
            "options": {},
            "data_hash": settings.provenance(data, quick)["data_hash"],
            "steps": int(steps),
            "quick": bool(quick),
            "device": device,
        }
        new = [
            {**shared, "measure": measure, "tails": kind, "seed": int(seed)}
            for measure in measures
            for kind in validation.names(tails, "tails")
            for seed in seeds
        ]
        tasks, costs = tasks + new, costs + [data.size] * len(new)
    return text_again(store.run(_tails, tasks, jobs, costs))


def rotation_of_samples(n: int, seed: int = 0) -> np.ndarray:
    """A random orthogonal matrix, (n, n), that leaves the constant vector as it is: centred columns
    stay so.
    """
    rng = np.random.default_rng([seed, n])
    basis = np.linalg.qr(np.column_stack([np.ones(n), rng.standard_normal((n, n - 1))]))[0][:, 1:]
    turned = np.linalg.qr(rng.standard_normal((n - 1, n - 1)))[0]
    return basis @ turned @ basis.T + 1 / n


def _rotated(
    dataset: str, data_hash: str, measure: str, optimiser: str, seed: int, steps: int, quick: bool
) -> pd.DataFrame:
    """Two ascents of `rotated_ascents`: a row a step that both have."""
    data = data_sets.load(dataset)
    X = data.values.reshape(-1, data.shape[-1])
    start = start_from_noise(X.shape, seed).double()
    Q = rotation_of_samples(len(X), seed)
    scores = ascend(measure, X, start, optimiser, steps=steps)
    rotated = ascend(measure, Q @ X, torch.from_numpy(Q) @ start, optimiser, steps=steps)
    common = min(len(scores), len(rotated))
    return pd.DataFrame(
        {
            "dataset": dataset,
            "measure": measure,
            "optimiser": optimiser,
            "seed": seed,
            "step": np.arange(common),
            "score": scores[:common],
            "rotated": rotated[:common],
            **settings.provenance(data, quick),
        }
    )


def rotated_ascents(
    dataset: str,
    measures: Sequence[str],
    optimisers: Sequence[str] = ("sgd", "adam"),
    *,
    seeds: Sequence[int] = (0,),
    steps: int = 40,
    quick: bool = False,
    jobs: int = 1,
) -> pd.DataFrame:
    """Ascents from Y0 towards X (`score`), and from Q Y0 towards Q X (`rotated`), Q from
    `rotation_of_samples`.

    Columns dataset, measure, optimiser (OPTIMISERS of the supplement), seed, step, score, rotated,
    title, settings, surrogate, data_hash; float64. The dataset keeps its size; Q holds samples^2
    numbers.
    """
    data_hash = settings.provenance(data_sets.load(dataset), quick)["data_hash"]
    tasks = [
        {
            "dataset": dataset,
            "data_hash": data_hash,
            "measure": score_id(measure),
            "optimiser": optimiser,
            "seed": int(seed),
            "steps": int(steps),
            "quick": bool(quick),
        }
        for measure in measures
        for optimiser in optimisers
        for seed in seeds
    ]
    return text_again(store.run(_rotated, tasks, jobs))


def tail_distances(runs: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """How far each run lies from each published one: a row a dataset, published measure, tails and
    seed.

    `runs` and `published` are the tables of `tail_runs` and `paper.published_curves`. Columns
    dataset, measure, published_measure, tails, seed, distance (root mean square of the scores'
    difference over the steps both have). No rows for datasets without published runs.
    """
    rows, keys = [], ["dataset", "published_measure"]
    for (dataset, name), theirs in published.groupby(keys, sort=False):
        measure, scores = theirs["measure"].iloc[0], theirs.sort_values("step")["score"].to_numpy()
        ours = runs[(runs["dataset"] == dataset) & (runs["measure"] == measure)]
        for (tails, seed), run in ours.groupby(["tails", "seed"], sort=False):
            found = run.sort_values("step")["score"].to_numpy()
            common = min(len(found), len(scores))
            distance = float(np.sqrt(np.mean((found[:common] - scores[:common]) ** 2)))
            rows.append(
                {
                    "dataset": dataset,
                    "measure": measure,
                    "published_measure": name,
                    "tails": tails,
                    "seed": seed,
                    "distance": distance,
                }
            )
    columns = ["dataset", "measure", "published_measure", "tails", "seed", "distance"]
    return pd.DataFrame(rows, columns=columns)


def recorded_tails(count: int = 3) -> pd.DataFrame:
    """Excess kurtosis of the first PCs' time courses in the units of Mante 2013 on this machine.

    Columns pc (from 1), kurtosis (uniform -1.2, Gaussian 0, signs -2), units; no rows where there
    are no recordings.
    """
    options = data_sets.paper.recordings_at_hand().get("mante2013")
    if options is None:
        return pd.DataFrame(columns=["pc", "kurtosis", "units"])
    data = data_sets.load("mante2013", **options)
    courses = left_singular_vectors(data.values)[:, :count].numpy()
    return pd.DataFrame(
        {"pc": np.arange(count) + 1, "kurtosis": kurtosis(courses), "units": data.sizes["neuron"]}
    )


def _lengths(runs: pd.DataFrame) -> pd.DataFrame:
    """Scores of each run: columns dataset, measure, tails, seed, steps; runs that ended before 0.99
    have NaN.
    """
    ends = runs.groupby(["dataset", "measure", "tails", "seed"], sort=False)["score"].agg(
        ["size", "last"]
    )
    return ends["size"].where(ends["last"] > 0.99).rename("steps").reset_index()


def _range(values: pd.Series) -> str:
    if values.isna().any():
        return "not reached"
    low, high = int(values.min()), int(values.max())
    return f"{low}" if low == high else f"{low} to {high}"


def tail_table(runs: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """For reading: steps to a score of 0.99, published and for each of the tails, and the distances
    of the scores.

    A row a dataset and measure; both published runs of CKA count. `last 0.002` is the number of
    steps that the published run takes from 0.988 to 0.99. Columns about published runs are empty
    where there are none.
    """
    distances, lengths, rows = tail_distances(runs, published), _lengths(runs), []
    for (dataset, measure), group in lengths.groupby(["dataset", "measure"], sort=False):
        same = (published["dataset"] == dataset) & (published["measure"] == measure)
        theirs = published[same].groupby("published_measure")["score"]
        flat = theirs.agg(lambda scores: int(scores.between(0.988, 0.99).sum()))
        near = distances[(distances["dataset"] == dataset) & (distances["measure"] == measure)]
        means = near.groupby("tails")["distance"].mean()
        kinds = list(dict.fromkeys(group["tails"]))
        rows.append(
            {
                "dataset": dataset.removeprefix("surrogate-"),
                "measure": measure,
                "published steps": _range(theirs.size()) if same.any() else "",
                "last 0.002": _range(flat) if same.any() else "",
                **{
                    f"steps, {kind}": _range(group.loc[group["tails"] == kind, "steps"])
                    for kind in kinds
                },
                **{
                    f"distance, {kind}": f"{means[kind]:.4f}" if kind in means else ""
                    for kind in kinds
                },
            }
        )
    return pd.DataFrame(rows)


def _order_claims(group: pd.DataFrame, lengths: pd.DataFrame, name: str) -> list[dict]:
    """One dataset and measure: lighter tails climb faster at first, and need more steps to the end
    than Gaussian.
    """
    rows, kinds = [], [kind for kind in data_sets.made.TAILS if kind in set(group["tails"])]
    early = group[group["step"] == EARLY].pivot(index="seed", columns="tails", values="score")
    if len(kinds) > 1 and set(kinds) <= set(early) and early.notna().all(axis=None):
        rows.append(
            {
                "claim": f"{name}: lighter tails climb faster at first: score at step {EARLY} "
                f"{' < '.join(kinds)}",
                "evidence": ", ".join(
                    f"{kind} {early[kind].min():.3f} to {early[kind].max():.3f}" for kind in kinds
                ),
                "holds": bool((early[kinds].diff(axis=1).iloc[:, 1:] > 0).all(axis=None)),
            }
        )
    kinds = [kind for kind in kinds if kind != "t3"]
    steps = lengths.pivot(index="seed", columns="tails", values="steps")[kinds]
    if len(kinds) > 1 and steps.notna().all(axis=None):
        rows.append(
            {
                "claim": f"{name}: lighter tails than Gaussian take more steps in all, on "
                f"average: {' < '.join(kinds)}",
                "evidence": ", ".join(f"{kind} {_range(steps[kind])}" for kind in kinds),
                "holds": bool((steps.mean().diff().iloc[1:] > 0).all()),
            }
        )
    return rows


def _fit_claims(distances: pd.DataFrame) -> list[dict]:
    """Which of uniform and Gaussian tails the published scores are nearer to, for the datasets in
    FITTING.
    """
    rows = []
    for (dataset, measure), group in distances.groupby(["dataset", "measure"], sort=False):
        name = dataset.removeprefix("surrogate-")
        near, far = FITTING.get(name, ("uniform", "gaussian"))
        found = {kind: group.loc[group["tails"] == kind, "distance"] for kind in (near, far)}
        if found[near].empty or found[far].empty:
            continue
        rows.append(
            {
                "dataset": dataset,
                "asserted": name in FITTING,
                "holds": bool(found[near].max() < found[far].min()),
                "claim": f"{measure}: the published scores, step by step, lie nearer to ours with "
                f"{near} than with {far} "
                "time courses",
                "evidence": ", ".join(
                    f"{kind} {values.min():.4f} to {values.max():.4f}"
                    for kind, values in found.items()
                ),
            }
        )
    return rows


def _rotation_claims(rotated: pd.DataFrame) -> list[dict]:
    """SGD doesn't feel the axes of the samples, Adam does."""
    rows = []
    for (dataset, measure, optimiser), run in rotated.groupby(
        ["dataset", "measure", "optimiser"], sort=False
    ):
        largest = float((run["score"] - run["rotated"]).abs().max())
        per_entry = optimiser == "adam"
        words = (
            f"other scores (by more than {APART:g})"
            if per_entry
            else "the same scores (to rounding)"
        )
        rows.append(
            {
                "dataset": dataset,
                "asserted": True,
                "holds": largest > APART if per_entry else largest < EQUAL,
                "claim": f"{measure}, {optimiser}: rotated samples give {words}",
                "evidence": f"largest difference {largest:.1g}",
            }
        )
    return rows


def claims_about_tails(
    runs: pd.DataFrame, published: pd.DataFrame, rotated: pd.DataFrame
) -> pd.DataFrame:
    """The tails move the ascent, the published runs fit some better than others, and plain gradient
    steps feel none.

    Tables of `tail_runs`, `datasets.paper.published_curves` and `rotated_ascents`. Columns of
    `claims.claim_table`, and where: "reproduced", or "both" for claims that compare with published
    runs. Claims about scores hold if they do at every seed and for every published run, those about
    steps on average over the seeds. Nothing is said of published runs where there are none.
    """
    lengths, rows = _lengths(runs), []
    for (dataset, measure), group in runs.groupby(["dataset", "measure"], sort=False):
        same = (lengths["dataset"] == dataset) & (lengths["measure"] == measure)
        found = _order_claims(group, lengths[same], measure)
        rows += [
            {"dataset": dataset, "asserted": dataset.startswith("surrogate-"), **row}
            for row in found
        ]
    parts = {
        "reproduced": rows + _rotation_claims(rotated),
        "both": _fit_claims(tail_distances(runs, published)),
    }
    tables = [claim_table(found).assign(where=where) for where, found in parts.items() if found]
    return pd.concat(tables, ignore_index=True)
