"""What moves the number of steps where the spectrum is the same: the tails of the PCs' time
courses.

CKA and most other measures don't change when the samples of X and Y are rotated together, and a
Gaussian start looks alike in any axes. Adam moves each entry of Y by itself, so the ascent depends
on the axes all the same: how a PC's time course is spread over the samples.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy
import torch

from simlib import measures, validation
from simlib.components import left_singular_vectors
from simlib.datasets import made, paper
from simlib.datasets.made import TAILS
from simlib.experiments import store
from simlib.experiments.claims import values
from simlib.experiments.runner import ascents
from simlib.experiments.store import Source
from simlib.linalg import cosine
from simlib.optimize import start_from_noise

EARLY = 5  # the step at which early scores are compared
# The tails that the published ascents fit best, of these two; seen first, asserted since.
FITTING = {
    "mante2013": ("uniform", "gaussian"),
    "siegel2015": ("uniform", "gaussian"),
    "majajhong2015": ("gaussian", "uniform"),
}


def tail_runs(
    datasets: Sequence[str],
    measures: Sequence[str],
    tails: Sequence[str] = tuple(TAILS),
    **options,
) -> pd.DataFrame:
    """Ascents towards matrices with each dataset's size and spectrum, and PC time courses of each
    of `tails` (TAILS).

    A seed draws both the matrix and the start. A row a step: the table of `runner.ascents` without
    snapshots, its variants the tails; `options` are passed on. The data keep their size in a quick
    run: that is what was published.
    """
    whole = {name: {} for name in validation.names(datasets, "datasets")}
    variants = {kind: {"tails": kind} for kind in validation.names(tails, "tails")}
    table = ascents(whole, measures, variants, snapshots=False, **options)
    return table.rename(columns={"variant": "tails"})


def rotated_ascents(
    dataset: str,
    measures: Sequence[str],
    optimisers: Sequence[str] = ("sgd", "adam"),
    *,
    steps: int = 40,
    **options,
) -> pd.DataFrame:
    """Ascents from Y0 towards X (`score`), and from Q Y0 towards Q X (`rotated`), Q a rotation of
    the samples that keeps the constant.

    Columns dataset, measure, optimiser, seed, step, score, rotated, for the steps that both have;
    float64. The dataset keeps its size; Q holds samples^2 numbers. `options` go to
    `runner.ascents`.
    """
    keys = ["dataset", "measure", "optimiser", "seed", "step"]
    original, rotated = (
        ascents(
            {dataset: {}},
            measures,
            {kind: {"optimiser": kind, "double": True, "rotated": turned} for kind in optimisers},
            snapshots=False,
            steps=steps,
            **options,
        ).rename(columns={"variant": "optimiser"})[[*keys, "score"]]
        for turned in (False, True)
    )
    return original.merge(rotated.rename(columns={"score": "rotated"}), on=keys)


def _first_step(source: Source, measure: str, tails: str, seed: int) -> pd.DataFrame:
    """Cosine of the gradient and its sign at the start of one ascent. A task of `first_steps`."""
    X = made.spectrum_matched(source.load(), seed, tails)
    X, start = (torch.from_numpy(validation.flat(X)), start_from_noise(X.shape, seed).double())
    Y = validation.flat(start).requires_grad_(True)
    (gradient,) = torch.autograd.grad(measures.measure(measure)(X, Y), Y)
    row = {"dataset": source.dataset, "measure": measure, "tails": tails, "seed": seed}
    return pd.DataFrame([{**row, "cosine": float(cosine(gradient, gradient.sign()))}])


def first_steps(
    datasets: Sequence[str],
    measure: str = "cka",
    tails: Sequence[str] = tuple(TAILS),
    *,
    seeds: Sequence[int] = (0,),
    jobs: int | str = 1,
) -> pd.DataFrame:
    """Cosine of the gradient at the start and Adam's first step, which has its signs, in [0, 1].

    Targets, starts and sizes as in `tail_runs`, float64. A row a dataset, tails and seed: columns
    dataset, measure, tails, seed, cosine.
    """
    tasks = [
        {"source": Source(name, {}), "measure": measure, "tails": kind, "seed": int(seed)}
        for name in validation.names(datasets, "datasets")
        for kind in validation.names(tails, "tails")
        for seed in seeds
    ]
    return pd.concat(store.run(_first_step, tasks, jobs), ignore_index=True)


def tail_distances(runs: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """How far each run lies from each published one: a row a dataset, published measure, tails and
    seed.

    `runs` and `published` are the tables of `tail_runs` and `experiments.published_curves`. Columns
    dataset, measure, published_measure, tails, seed, distance (root mean square of the scores'
    difference over the steps both have). No rows for datasets without published runs.
    """
    both = published.merge(runs, on=["dataset", "measure", "step"], suffixes=("_published", ""))
    keys = ["dataset", "measure", "published_measure", "tails", "seed"]
    squares = both.assign(distance=(both["score"] - both["score_published"]) ** 2)
    return squares.groupby(keys, sort=False)["distance"].mean().pow(0.5).reset_index()


def recorded_tails(recordings: Sequence[str], count: int = 3) -> pd.DataFrame:
    """Excess kurtosis of the first PCs' time courses in those of the named recordings that are on
    this machine.

    Columns dataset, pc (from 1), kurtosis (uniform -1.2, Gaussian 0, signs -2), units; no rows
    where there are none.
    """
    parts = [pd.DataFrame(columns=["dataset", "pc", "kurtosis", "units"])]
    for name in paper.at_hand(recordings):
        data = Source(name, {}).load()
        courses = left_singular_vectors(data.values)[:, :count].numpy()
        part = {
            "dataset": name,
            "pc": np.arange(count) + 1,
            "kurtosis": scipy.stats.kurtosis(courses),
        }
        parts.append(pd.DataFrame(part | {"units": data.sizes["neuron"]}))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _lengths(runs: pd.DataFrame) -> pd.DataFrame:
    """Scores of each run: columns dataset, measure, tails, seed, steps; runs that ended before 0.99
    have NaN.
    """
    ends = runs.groupby(["dataset", "measure", "tails", "seed"], sort=False)["score"].agg(
        ["size", "last"]
    )
    return ends["size"].where(ends["last"] > 0.99).rename("steps").reset_index()


def _range(counts: pd.Series) -> str:
    """`low to high`, or the one number that all are; "" for no runs."""
    if counts.isna().any():
        return "not reached"
    ends = dict.fromkeys([counts.min(), counts.max()]) if len(counts) else ()
    return " to ".join(f"{count:.0f}" for count in ends)


def tail_table(runs: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """For reading: steps to a score of 0.99, published and for each of the tails, and the distances
    of the scores.

    A row a dataset and measure; both published runs of CKA count. `last 0.002` is the number of
    steps that the published run takes from 0.988 to 0.99. Columns about published runs are empty
    where there are none.
    """
    distances, keys, rows = tail_distances(runs, published), ["dataset", "measure"], []
    for key, group in _lengths(runs).groupby(keys, sort=False):
        theirs, near = (t[t[keys].eq(list(key)).all(axis=1)] for t in (published, distances))
        scores = theirs.groupby("published_measure")["score"]
        means = near.groupby("tails")["distance"].mean().map("{:.4f}".format)
        steps = group.groupby("tails", sort=False)["steps"].agg(_range)
        rows.append(
            {
                "dataset": key[0],
                "measure": key[1],
                "published steps": _range(scores.size()),
                "last 0.002": _range(scores.agg(lambda run: run.between(0.988, 0.99).sum())),
                **steps.add_prefix("steps, "),
                **means.reindex(steps.index, fill_value="").add_prefix("distance, "),
            }
        )
    return pd.DataFrame(rows)


def _order_values(runs: pd.DataFrame) -> list[tuple]:
    """Lighter tails climb faster at first, and need more steps to the end than Gaussian ones."""
    rows = []
    for (dataset, measure), group in runs.groupby(["dataset", "measure"], sort=False):
        kinds = [kind for kind in TAILS if kind in set(group["tails"])]
        early = group[group["step"] == EARLY]
        early = early.pivot(index="seed", columns="tails", values="score").reindex(columns=kinds)
        if len(kinds) > 1 and early.notna().all(axis=None):
            run = f"{measure}, {' < '.join(kinds)}"
            gains = early.diff(axis=1).iloc[:, 1:].min(axis=1)
            rows += [("lighter tails climb faster", dataset, run, gain) for gain in gains]
        kinds = [kind for kind in kinds if kind != "t3"]
        steps = _lengths(group).pivot(index="seed", columns="tails", values="steps")[kinds]
        if len(kinds) > 1 and steps.notna().all(axis=None):
            run = f"{measure}, {' < '.join(kinds)}"
            more = steps.mean().diff().iloc[1:].min()
            rows.append(("lighter tails take more steps", dataset, run, more))
    return rows


def _fit_values(distances: pd.DataFrame) -> list[tuple]:
    """Which of uniform and Gaussian tails the published scores are nearer to."""
    rows = []
    for (dataset, measure), group in distances.groupby(["dataset", "measure"], sort=False):
        near, far = FITTING.get(dataset.removeprefix("surrogate-"), ("uniform", "gaussian"))
        of_kind = group.groupby("tails")["distance"].agg(["min", "max"])
        if {near, far} <= set(of_kind.index):
            margin = of_kind["min"][far] - of_kind["max"][near]
            rows.append(("published scores fit these tails", dataset, measure, margin))
    return rows


def _rotation_values(rotated: pd.DataFrame) -> list[tuple]:
    """Plain gradient steps ignore the axes of the samples, Adam doesn't."""
    claims = {"sgd": "plain steps ignore the axes", "adam": "Adam depends on the axes"}
    apart = (rotated["score"] - rotated["rotated"]).abs()
    largest = apart.groupby([rotated[key] for key in ("optimiser", "dataset", "measure")]).max()
    return [
        (claims[optimiser], dataset, measure, value)
        for (optimiser, dataset, measure), value in largest.items()
    ]


def tail_values(runs: pd.DataFrame, published: pd.DataFrame, rotated: pd.DataFrame) -> pd.DataFrame:
    """The tails move the ascent, the published runs fit some better than others, and plain gradient
    steps depend on none.

    Tables of `tail_runs`, `published_curves` and `rotated_ascents`. Scores are compared at every
    seed and for every published run, steps on average over the seeds. Nothing is said of published
    runs where there are none, nor of ascents cut short.
    """
    parts = [
        values(_order_values(runs) + _rotation_values(rotated)),
        values(_fit_values(tail_distances(runs, published)), "both"),
    ]
    return pd.concat(parts, ignore_index=True)
