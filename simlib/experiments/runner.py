"""Ascents from noise towards a dataset, with decoding and PC capture measured along the way.

The one place that runs them: the paper's, its variants (another target, optimiser or start) and
those of a measure of one's own.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch
import xarray as xr

from simlib import datasets as data_sets
from simlib import validation
from simlib.components import (
    captured_variance,
    explained_variance,
    held_out_variance,
    left_singular_vectors,
)
from simlib.decoding import SCALES, Decoders, accuracy, chance, split, unequal
from simlib.experiments import settings, store
from simlib.experiments.store import Source
from simlib.joint import score_measure
from simlib.measures import MEASURES, Measure, own
from simlib.optimize import (
    LARGEST_BATCHED,
    maximize,
    maximize_many,
    start_from_noise,
)

FOLDS = 5
RECORD = 0.01  # a snapshot whenever the score has moved by this much
QUICK_RECORD = 0.05
# Decoding costs most, and accuracy moves slowly at first: up to a score of FINE_FROM only those
# snapshots are decoded that have moved by DECODED.
DECODED, FINE_FROM = 0.04, 0.85
THINNED = 24_000  # numbers in X that tell how many steps an ascent takes
# Relative length of an ascent: only the order of tasks and the estimate of time depend on it.
LENGTH = {"ridge-cv": 4, "linreg": 2, "cka-angular-score": 1.5}
# What a variant may change, with the paper's choice. `tails`: X becomes a matrix of its spectrum
# whose time courses have these tails, drawn from the seed `draw` (None: the seed of the start).
# `rotated`: the samples of X and of the start are rotated together. `scale`: the start's standard
# deviation. `share`: neurons of Y, as a share of X's. `double`: float64. `lr`: Adam's learning rate
# (SGD's is in proportion to it and to the start's sum of squares).
PAPER = {
    "tails": "",
    "draw": None,
    "rotated": False,
    "optimiser": "adam",
    "lr": 0.1,
    "scale": 1.0,
    "share": 1.0,
    "double": False,
}
OPTIMISER_NAMES = {"adam": "Adam", "sgd": "SGD", "lbfgs": "L-BFGS"}
TEXT = ["dataset", "measure", "stopped", "title", "settings", "data_hash"]
TEXT += ["quantity", "name", "scale"]


def start_variants(
    scales: Sequence[float], optimisers: Sequence[str], shares: Sequence[float]
) -> dict[str, dict]:
    """The variants of the supplement on starts: the paper's first, then one thing changed at a
    time.
    """
    return {
        "as in the paper": {},
        **{f"start times {s:g}": {"scale": s} for s in scales if s != 1},
        **{
            OPTIMISER_NAMES[name]: {"optimiser": name, "double": True}
            for name in optimisers
            if name != "adam"
        },
        **{f"{q:g} times the neurons": {"share": q} for q in shares if q != 1},
    }


def _target(data: xr.DataArray, variant: dict, seed: int) -> np.ndarray:
    """X of an ascent: the data's values, or a matrix that shares their spectrum."""
    X = data.values
    if variant["tails"]:
        draw = seed if variant["draw"] is None else variant["draw"]
        X = data_sets.made.spectrum_matched(data, draw, variant["tails"])
    return data_sets.made.rotated(X, seed) if variant["rotated"] else X


def _start(X: np.ndarray, variant: dict, seed: int) -> torch.Tensor:
    """Noise in X's layout, as the variant scales, widens and rotates it."""
    neurons = max(1, round(variant["share"] * X.shape[-1]))
    noise = variant["scale"] * start_from_noise((*X.shape[:-1], neurons), seed)
    return (
        torch.from_numpy(data_sets.made.rotated(noise.numpy(), seed))
        if variant["rotated"]
        else noise
    )


def _is_decoded(score: float, last: float) -> bool:
    """Whether a snapshot is decoded, where the one decoded last had the score `last`."""
    return score > FINE_FROM or abs(score - last) >= DECODED


class _Snapshots:
    """The observer of an ascent: rows of what Y has learned, a table a snapshot."""

    def __init__(
        self,
        data: xr.DataArray,
        X: np.ndarray,
        variables: Sequence[str],
        scales: Sequence[str],
        device: str = "cpu",
    ):
        self.tables, self.decoded = [], -np.inf
        vectors = left_singular_vectors(X, device=device).float()
        ranks = np.arange(1, X.shape[-1] + 1)
        self.pcs = {"pc": ranks, "explained_variance": explained_variance(X)}
        self.kind = {"quantity": "captured variance", "name": "", "scale": ""}
        self.r2 = partial(captured_variance, X, vectors=vectors)
        if data_sets.fills_samples(data):
            self.kind["quantity"] = "held-out variance"
            groups = data_sets.fold_groups(data)
            self.r2 = partial(held_out_variance, X, groups=groups, vectors=vectors)
            self.pcs["ceiling"] = self.r2(X)
            self.pcs = {name: column[: vectors.shape[1]] for name, column in self.pcs.items()}
        self.decoders = _Accuracies(data, variables, scales, device)

    def __call__(self, step: int, score: float, Y: torch.Tensor) -> None:
        r2 = self.r2(Y)[: len(self.pcs["pc"])]
        parts = [pd.DataFrame({**self.kind, "value": r2, **self.pcs})]
        if _is_decoded(score, self.decoded):
            parts.append(self.decoders.rows(Y))
            self.decoded = score
        self.tables.append(pd.concat(parts).assign(step=step, score=score))


class _Accuracies:
    """Accuracy of variables decoded from one Y after the other, at each scale, on the same folds.

    Balanced accuracy stands beside it for variables of unequal classes.
    """

    def __init__(
        self,
        data: xr.DataArray,
        variables: Sequence[str],
        scales: Sequence[str] = SCALES,
        device: str = "cpu",
    ):
        self.labels = {name: data.coords[name].values for name in variables}
        options = {"groups": data_sets.fold_groups(data), "device": device}
        self.at = {scale: Decoders(self.labels, FOLDS, scale=scale, **options) for scale in scales}

    def rows(self, Y) -> pd.DataFrame:
        """Columns quantity, name, scale, value, pc; no rows without variables."""
        rows = []
        for scale, decoders in self.at.items() if self.labels else ():
            for name, right in decoders(Y).items():
                labels = self.labels[name]
                rows.append(("accuracy", name, scale, accuracy(right, labels)))
                if unequal(labels):
                    value = accuracy(right, labels, balanced=True)
                    rows.append(("balanced accuracy", name, scale, value))
        return pd.DataFrame(rows, columns=["quantity", "name", "scale", "value"]).assign(pc=-1)


def _ascent(
    source: Source,
    measure: str,
    seeds: list[int],
    variant: dict,
    variables: list[str],
    scales: list[str],
    record: float | None,
    steps: int,
    quick: bool,
    device: str,
) -> pd.DataFrame:
    """One ascent, or those of several seeds: a row a snapshot and quantity; without `record` a row
    a step, the score alone. A task of `ascents`.
    """
    data, bound = source.load(), own.resolve(measure)
    X = _target(data, variant, seeds[0])
    observers = {
        seed: [] if record is None else [_Snapshots(data, X, variables, scales, device)]
        for seed in seeds
    }
    options = {"steps": steps, "record": record or 1, "device": device}
    if len(seeds) > 1:
        climbs = maximize_many(bound, X, seeds=seeds, observers=observers.get, **options)
    else:
        options |= {"optimiser": variant["optimiser"], "observers": observers[seeds[0]]}
        options |= {"lr": variant["lr"]}
        options["dtype"] = torch.float64 if variant["double"] else torch.float32
        climbs = [maximize(bound, X, start=_start(X, variant, seeds[0]), **options)]
    tables = []
    for seed, climb in zip(seeds, climbs, strict=True):
        of_steps = {"step": np.arange(len(climb.scores)), "score": climb.scores, "pc": -1}
        alone = pd.DataFrame(of_steps | {"quantity": "score", "name": "", "scale": ""})
        rows = alone if record is None else pd.concat(observers[seed][0].tables)
        tables.append(rows.assign(seed=seed, steps=len(climb.scores), stopped=climb.stopped))
    facts = settings.provenance(data, quick) | {"dataset": source.dataset}
    facts["surrogate"] |= bool(variant["tails"])
    facts["measure"] = measure if measure in MEASURES else bound.id
    types = dict.fromkeys(TEXT, "category") | {"pc": "int32"}
    return pd.concat(tables, ignore_index=True).assign(**facts).astype(types)


def _score_name(name: str | Measure) -> str:
    """What an ascent is stored under: an id or `path.py:function`. Refuses what is unknown, and
    distances: axes are of scores.
    """
    bound = score_measure(own.resolve(name) if isinstance(name, str) else name)
    if not isinstance(name, str) and bound.id not in MEASURES:
        raise ValueError(
            f"results are stored by a measure's id, and {bound.id!r} has none; "
            "use sl.maximize for it"
        )
    return name if isinstance(name, str) else bound.id


def _sources(
    names: Sequence[str] | Mapping[str, dict],
    variables: Sequence[str] | None,
    seed: int,
    quick: bool,
) -> list[Source]:
    """Each dataset with its loader's options; what is drawn at random is drawn from this seed, and
    a surrogate is made to carry the variables named.
    """
    if not isinstance(names, Mapping):
        names = dict.fromkeys(map(str, validation.names(names, "datasets")))
    sources = []
    for name, options in names.items():
        options = settings.load_options(name, quick) if options is None else dict(options)
        if data_sets.is_drawn(name):
            options = {"seed": seed} | options
        if variables and name.startswith("surrogate-"):
            options["variables"] = list(variables)
        sources.append(Source(name, options))
    return sources


def _main_variable(data: xr.DataArray) -> list[str]:
    return [data.attrs["main_variable"]] if decodable(data) else []


def ascents(
    datasets: Sequence[str] | Mapping[str, dict],
    measures: Sequence[str | Measure],
    variants: Mapping[str, dict] | None = None,
    *,
    seeds: Sequence[int] = (0,),
    steps: int = 1000,
    variables: Sequence[str] | None = None,
    scales: Sequence[str] = SCALES,
    snapshots: bool = True,
    spacing: float | None = None,
    few: Mapping[str, Sequence[str]] = MappingProxyType({}),
    quick: bool = False,
    jobs: int | str = 1,
    device: str = "cpu",
) -> pd.DataFrame:
    """Maximise each measure from each seed on each dataset, measuring what Y has learned on the
    way.

    A run is a seed: it draws the start, and with it the data where these are drawn at random
    (surrogates, the tree, networks), unless their options name a seed.

    Args:
        datasets: names, or a mapping of names to their loader's options.
        measures: ids of scores, bound measures, or `path.py:function`.
        variants: label -> what differs from the paper (keys of `PAPER`); one, "paper", if None.
        variables: task variables to decode; the main one, where it can be decoded, if None.
        scales: of Y and of the data, at which the variables are decoded.
        snapshots: whether decoding and PC capture are measured, decoding up to a score of 0.85 at
            every 0.04 only. Without, every step has a row with its score.
        spacing: how far the score moves from one snapshot to the next; 0.01 (0.05 in a quick run)
            if None.
        few: dataset -> measures that run from the first seed only, since a run takes minutes.

    Returns:
        A tidy table, a row a snapshot and quantity: dataset, measure, variant, seed, step, score,
        quantity, name, scale, pc (from 1; -1: none), explained_variance (ratio), value, steps,
        stopped, title, settings, surrogate, data_hash. `quantity` is "captured variance" (R^2 of PC
        `pc`), "accuracy" (of the variable `name`, mean over trials and time bins), where its
        classes are unequal also "balanced accuracy", or "score". Where neurons fill the samples
        (`datasets.fills_samples`), "held-out variance" (`components.held_out_variance`) takes the
        place of captured variance up to the rank of X, with X's own in a column `ceiling`. `scale`
        says how Y is scaled for the decoder (`decoding.SCALES`). Finished ascents are stored and
        found again (`store.run`); `jobs` of them run at once, the seeds of small data in one batch
        (`optimize.maximize_many`).

    Raises:
        ValueError: for unknown names, distances and empty lists, before anything runs.
        TaskError: where some ascents failed, after all have ended.
    """
    measures = [_score_name(name) for name in validation.names(measures, "measures")]
    seeds = [int(seed) for seed in validation.names(seeds, "seeds")]
    drawn = [_sources(datasets, variables, seed, quick) for seed in seeds]
    spacing = spacing or (QUICK_RECORD if quick else RECORD)
    record = spacing if snapshots else None
    tasks, costs, labels = [], [], []
    for sources in zip(*drawn, strict=True):
        data = sources[0].load()
        decoded = _main_variable(data) if variables is None else list(variables)
        shared = {"variables": decoded if snapshots else [], "record": record}
        shared |= {
            "scales": list(validation.names(scales, "scales")),
            "steps": int(steps),
            "quick": bool(quick),
            "device": device,
        }
        times, trials, neurons = data.shape
        cost = (data.size * min(neurons, times * trials)) ** 0.5
        same = all(source == sources[0] for source in sources)
        for label, differs in (variants or {"paper": {}}).items():
            together = same and data.size <= LARGEST_BATCHED and not differs and snapshots
            runs = list(zip(sources, ([seed] for seed in seeds), strict=True))
            batches = [(sources[0], seeds)] if together else runs
            for measure in measures:
                slow = measure in few.get(sources[0].dataset, ())
                ascent = {**shared, "measure": measure, "variant": PAPER | differs}
                for source, batch in batches[:1] if slow else batches:
                    tasks.append({**ascent, "source": source, "seeds": batch})
                    costs.append(cost * len(batch) * LENGTH.get(measure, 1))
                    labels.append(label)
    tables = zip(store.run(_ascent, tasks, jobs, costs), labels, strict=True)
    table = pd.concat([t.assign(variant=label) for t, label in tables], ignore_index=True)
    return table.astype(dict.fromkeys(TEXT, object))


def now() -> np.ndarray:
    """Seconds on the wall's and on the processor's clock. The lesser of their differences is what
    work takes, however busy the machine is.
    """
    return np.array([time.perf_counter(), time.process_time()])


class _Over(Exception):
    """The time of a trial is over."""


def ascent_seconds(
    data: xr.DataArray,
    measures: Sequence[str],
    *,
    steps: int = 1000,
    quick: bool = False,
    trial: float = 1.0,
) -> list[float]:
    """Seconds that one ascent of `ascents` of each measure takes on this dataset, snapshots and
    all.

    The steps of `trial` seconds are run. Where they don't reach the end, the number of steps is
    that of an ascent towards a thinned X, which is about as long. Snapshots are timed on mixtures
    of X and noise. Raises ValueError as `optimize.maximize` does.
    """
    record = QUICK_RECORD if quick else RECORD
    capture, decoding = _snapshot_seconds(data, trial)
    costs = {"nothing": 0.0, "capture": capture, "decoding": capture + decoding}
    totals = []
    for measure in measures:
        scores, step = _tried(own.resolve(measure), data.values, steps, trial)
        totals.append(sum(step + costs[kind] for kind in _kinds(scores, record)))
    return totals


def _tried(bound: Measure, X: np.ndarray, steps: int, trial: float) -> tuple[list[float], float]:
    """Scores of an ascent, and the seconds of a step."""
    scores, moments = [], []

    def watch(step: int, score: float, Y: torch.Tensor) -> None:
        scores.append(score)
        moments.append(now())
        if step > 2 and (moments[-1] - moments[1]).min() > trial:
            raise _Over

    try:
        maximize(bound, X, steps=steps, observers=[watch])
    except _Over:
        scores = maximize(bound, _thinned(X), steps=steps).scores
    if len(moments) < 3:
        return list(scores), 0.0
    # The first step pays for what later ones find.
    return list(scores), float(np.median(np.diff(moments, axis=0).min(1)[1:]))


def _snapshot_seconds(data: xr.DataArray, trial: float) -> tuple[float, float]:
    """Seconds of a snapshot's PC capture and of its decoding, which begins where the last ended."""
    snapshots = _Snapshots(data, data.values, _main_variable(data), SCALES)
    X = torch.as_tensor(data.values / data.values.std(), dtype=torch.float32)
    noise, took = start_from_noise(X.shape, 0), []
    for share in (0.5, 0.9, 0.2):  # of X in Y: decoding takes longest where the noise wins
        for near, score in ((0.0, 1.0), (0.03, 1.0), (0.0, 0.0), (0.0, 0.0)):
            Y, before = (share + near) * X + (1 - share - near) * noise, now()
            snapshots(0, score, Y)
            took.append((now() - before).min())
        if sum(took) > trial:
            break
    _, both, _, capture = np.reshape(took, (-1, 4)).mean(0)
    return float(capture), float(max(0.0, both - capture))


def _kinds(scores: Sequence[float], record: float) -> list[str]:
    """What is done at each step of an ascent with these scores: "nothing", "capture", or
    "decoding", too.
    """
    kinds, recorded, decoded = [], -np.inf, -np.inf
    for score in scores:
        kinds.append("nothing")
        if abs(score - recorded) >= record:
            recorded, kinds[-1] = score, "capture"
            if _is_decoded(score, decoded):
                decoded, kinds[-1] = score, "decoding"
    return kinds


def _thinned(X: np.ndarray) -> np.ndarray:
    """Some samples and some neurons of X, in proportion, (samples, neurons)."""
    X = validation.flat(X)
    share, rng = min(1.0, (THINNED / X.size) ** 0.5), np.random.default_rng(0)
    rows, columns = (
        np.sort(rng.permutation(size)[: max(round(share * size), 40)]) for size in X.shape
    )
    return X[np.ix_(rows, columns)]


def decodable(data: xr.DataArray) -> bool:
    """Whether the dataset has a main task variable with enough trials a class for the folds."""
    return bool(data.attrs["main_variable"]) and not _undecodable(data, data.attrs["main_variable"])


def _undecodable(data: xr.DataArray, variable: str) -> str:
    """Why a task variable can't be decoded, "" if it can."""
    try:
        split(data.coords[variable].values, FOLDS, groups=data_sets.fold_groups(data))
        return ""
    except ValueError as error:
        return str(error)


def beyond_guessing(labels, groups=None, *, balanced: bool = False) -> float:
    """What an accuracy has to exceed to be told from guessing: chance and two standard errors of a
    guesser over the trials.

    Trials of one group and class count once.

    >>> round(beyond_guessing(["left", "right"] * 50), 3)
    0.6
    >>> round(beyond_guessing(["left", "right"] * 50, groups=np.arange(100) // 4), 3)
    0.641
    """
    groups = np.arange(len(labels)) if groups is None else groups
    counted = pd.DataFrame({"label": labels, "group": groups}).drop_duplicates()
    counts, level = counted["label"].value_counts(), chance(labels, balanced=balanced)
    trials = len(counts) ** 2 / (1 / counts).sum() if balanced else len(counted)
    return float(level + 2 * np.sqrt(level * (1 - level) / trials))


def references(
    datasets: Sequence[str] | Mapping[str, dict],
    variables: Sequence[str] | None = None,
    *,
    seeds: Sequence[int] = (0,),
    quick: bool = False,
) -> pd.DataFrame:
    """Decoding accuracy on each dataset itself, and chance: a row a variable, run and scale.

    Columns dataset, title, variable, seed, scale, quantity ("accuracy", and where classes are
    unequal "balanced accuracy"), accuracy, chance, guessed (the most that guessing plausibly gives:
    `beyond_guessing`), settings, surrogate, data_hash. Arguments, folds
    and scales as in `ascents`. Raises ValueError for a dataset without labels, or with too few
    trials of a class.
    """
    tables, known = [], {}
    for seed in validation.names(seeds, "seeds"):
        for source in _sources(datasets, variables, int(seed), quick):
            if repr(source) not in known:
                known[repr(source)] = _reference(source, variables, quick)
            tables.append(known[repr(source)].assign(seed=int(seed)))
    return pd.concat(tables, ignore_index=True)


def _reference(source: Source, variables: Sequence[str] | None, quick: bool) -> pd.DataFrame:
    data = source.load()
    if not (variables or data.attrs["main_variable"]):
        raise ValueError(
            f"{source.dataset} has no labels: without task variables there is nothing to decode"
        )
    variables = list(variables or [data.attrs["main_variable"]])
    for variable in variables:
        if reason := _undecodable(data, variable):
            raise ValueError(f"{source.dataset} can't be decoded by {variable!r}: {reason}")
    rows = _Accuracies(data, variables).rows(data.values)
    kinds = [
        (data.coords[n].values, q == "balanced accuracy")
        for n, q in rows[["name", "quantity"]].values
    ]
    groups = data_sets.fold_groups(data)
    rows["chance"] = [chance(labels, balanced=balanced) for labels, balanced in kinds]
    rows["guessed"] = [
        beyond_guessing(labels, groups, balanced=balanced) for labels, balanced in kinds
    ]
    rows = rows.rename(columns={"value": "accuracy", "name": "variable"}).drop(columns="pc")
    return rows.assign(dataset=source.dataset, **settings.provenance(data, quick))
