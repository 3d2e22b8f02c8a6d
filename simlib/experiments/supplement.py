"""The supplement's ascents: other penalties, a Gaussian of the same spectrum, other starts and
optimisers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from simlib import datasets, measures, validation
from simlib.components import (
    captured_variance,
    explained_variance,
    left_singular_vectors,
    score_to_capture,
)
from simlib.decoding import Decoders, chance, decoding_accuracy, score_at_accuracy
from simlib.experiments import settings, store
from simlib.experiments.ascents import QUICK_RECORD, RECORD, score_id, text_again
from simlib.optimize import Recorder, maximize, start_from_noise

__all__ = [
    "OPTIMISERS",
    "ascend",
    "start_variants",
    "variable_crossings",
    "variable_references",
    "variant_captures",
    "variant_runs",
]

OPTIMISERS = {"adam": "Adam", "sgd": "SGD", "lbfgs": "L-BFGS"}
SGD_RATE = (
    0.3  # times the sum of squares of the start: a score without units has a gradient of 1 / |Y|
)
DEFAULTS = {"gaussian": None, "optimiser": "adam", "scale": 1.0, "share": 1.0}
FACTS = ["title", "settings", "surrogate", "data_hash"]


def _optimiser(name: str, Y: torch.Tensor) -> torch.optim.Optimizer:
    if name == "sgd":
        return torch.optim.SGD([Y], lr=SGD_RATE * float(Y.detach().square().sum()), maximize=True)
    if name == "lbfgs":  # minimises; one iteration a step, ended by nothing but the budget
        options = {
            "max_eval": 25,
            "tolerance_grad": 0.0,
            "tolerance_change": 0.0,
            "line_search_fn": "strong_wolfe",
        }
        return torch.optim.LBFGS([Y], max_iter=1, history_size=10, **options)
    if name == "adam":
        return torch.optim.Adam([Y], lr=0.1, maximize=True)
    raise validation.unknown_name("optimiser", name, OPTIMISERS)


def ascend(
    name: str,
    X,
    start: torch.Tensor,
    optimiser: str,
    *,
    steps: int = 1000,
    stop: float = 0.99,
    observers: Sequence[Callable[[int, float, torch.Tensor], None]] = (),
    record: int | float = 1,
) -> np.ndarray:
    """Scores of an ascent from `start` with one of OPTIMISERS, float64; ends as `maximize` does.

    SGD's learning rate is SGD_RATE times the sum of squares of the start, so that the scale of Y
    doesn't matter; L-BFGS takes one iteration, with a line search, a step. `observers` and `record`
    as in `maximize`. Raises ValueError for another optimiser.
    """
    bound = measures.measure(name)
    fixed = torch.as_tensor(validation.flat(validation.array(X, "X")), dtype=torch.float64)
    Y = start.detach().double().reshape(len(fixed), -1).clone().requires_grad_(True)
    stepper, scores = _optimiser(optimiser, Y), []
    sign, recorder = -1 if optimiser == "lbfgs" else 1, Recorder(observers, record)

    def value() -> torch.Tensor:
        stepper.zero_grad(set_to_none=True)
        found = sign * bound(fixed, Y)
        found.backward()
        return found.detach()

    for step in range(steps):
        with torch.no_grad():
            score = float(bound(fixed, Y))
        if not np.isfinite(score):
            break
        scores.append(score)
        last = score > stop or step == steps - 1
        recorder(step, score, Y.detach().reshape(start.shape), last)
        if last:
            break
        stepper.step(value)
    return np.array(scores)


def _variant(
    dataset: str,
    options: dict,
    data_hash: str,
    measure: str,
    seed: int,
    steps: int,
    quick: bool,
    record: float,
    variables: list[str],
    gaussian: int | None,
    optimiser: str,
    scale: float,
    share: float,
    device: str,
) -> pd.DataFrame:
    """One ascent of `variant_runs`: a row a snapshot and PC, or a snapshot and task variable."""
    data = datasets.load(dataset, **options)
    X = data.values if gaussian is None else datasets.made.spectrum_matched(data, gaussian)
    vectors, ratios, rows = left_singular_vectors(X).float(), explained_variance(X), []
    decoders = Decoders(
        {v: data.coords[v].values for v in variables}, groups=datasets.fold_groups(data)
    )

    def observe(step: int, score: float, Y: torch.Tensor) -> None:
        facts = {"step": step, "score": score}
        pcs = {"pc": np.arange(1, X.shape[-1] + 1), "explained_variance": ratios}
        r2 = captured_variance(X, Y, vectors=vectors)
        rows.append(
            pd.DataFrame({**facts, "quantity": "captured variance", "name": "", "value": r2, **pcs})
        )
        for variable, accuracies in decoders(Y).items():
            row = {
                **facts,
                "quantity": "accuracy",
                "name": variable,
                "value": accuracies.mean(),
                "pc": -1,
            }
            rows.append(pd.DataFrame([{**row, "explained_variance": np.nan}]))

    start = scale * start_from_noise((*X.shape[:-1], max(1, round(share * X.shape[-1]))), seed)
    if optimiser == "adam":
        options = {"observers": [observe], "record": record, "device": device}
        scores = maximize(measure, X, start=start, steps=steps, **options).scores
    else:
        scores = ascend(
            measure, X, start, optimiser, steps=steps, observers=[observe], record=record
        )
    facts = {
        **settings.provenance(data, quick),
        "surrogate": gaussian is not None or bool(data.attrs["surrogate"]),
    }
    table = pd.concat(rows, ignore_index=True)
    table = table.assign(dataset=dataset, measure=measure, seed=seed, steps=len(scores), **facts)
    text = ["dataset", "measure", "title", "settings", "data_hash", "quantity", "name"]
    return table.astype(dict.fromkeys(text, "category") | {"pc": "int32"})


def variant_runs(
    names: Sequence[str] | Mapping[str, dict],
    measures: Sequence[str],
    variants: Mapping[str, dict],
    *,
    seeds: Sequence[int] = (0,),
    steps: int = 1000,
    variables: Sequence[str] = (),
    quick: bool = False,
    jobs: int = 1,
    device: str = "cpu",
) -> pd.DataFrame:
    """Ascents under named variants of the paper's procedure, PC capture and decoding measured on
    the way.

    `variants` maps a label to what differs from the paper: `gaussian` (a seed: X becomes
    `made.spectrum_matched`), `optimiser` (OPTIMISERS), `scale` (standard deviation of the start),
    `share` (neurons of Y, as a share of X's). `names` are datasets, or map a dataset to its
    loader's options. `variables` are decoded; a surrogate is made to carry them. Tidy: a row a
    snapshot and PC or variable, columns as in `experiments.ascents` with `variant` and
    `explained_variance`. Finished ascents are stored and found again.
    """
    measures = [score_id(name) for name in validation.names(measures, "measures")]
    given = (
        names
        if isinstance(names, Mapping)
        else dict.fromkeys(validation.names(names, "datasets"), None)
    )
    tasks, labels = [], []
    for name, options in given.items():
        options = settings.load_options(name, quick) if options is None else dict(options)
        if variables and name.startswith("surrogate-"):
            options["variables"] = list(variables)
        data = datasets.load(name, **options)
        shared = {
            "dataset": name,
            "options": options,
            "data_hash": settings.provenance(data, quick)["data_hash"],
            "steps": int(steps),
            "quick": bool(quick),
            "record": QUICK_RECORD if quick else RECORD,
            "variables": list(variables),
            "device": device,
        }
        for label, differs in variants.items():
            for measure in measures:
                tasks += [
                    {**shared, **DEFAULTS, **differs, "measure": measure, "seed": int(seed)}
                    for seed in seeds
                ]
                labels += [label] * len(seeds)
    tables = [text_again([table]) for table in store.run(_variant, tasks, jobs)]
    return pd.concat(
        [t.assign(variant=label) for t, label in zip(tables, labels, strict=True)],
        ignore_index=True,
    )


def start_variants(
    scales: Sequence[float], optimisers: Sequence[str], shares: Sequence[float]
) -> dict[str, dict]:
    """The variants of the supplement on starts: the paper's first, then one thing changed at a
    time.
    """
    changed = [({"scale": s}, f"start times {s:g}") for s in scales if s != 1]
    changed += [({"optimiser": name}, OPTIMISERS[name]) for name in optimisers if name != "adam"]
    changed += [({"share": q}, f"{q:g} times the neurons") for q in shares if q != 1]
    return {"as in the paper": {}, **{label: differs for differs, label in changed}}


def variant_captures(table: pd.DataFrame) -> pd.DataFrame:
    """The score at which each PC is captured, a row a dataset, variant, measure, seed and PC.

    Columns dataset, variant, measure, seed, pc, explained_variance, start (R^2 of the PC before the
    first step), score (NaN: never), reached (the run's last score), title, settings, surrogate,
    data_hash.
    """
    rows, keys = [], ["dataset", "variant", "measure", "seed"]
    for key, run in table[table["quantity"] == "captured variance"].groupby(keys, sort=False):
        r2 = run.pivot(index="step", columns="pc", values="value").sort_index()
        scores = run.groupby("step")["score"].first().loc[r2.index]
        rows.append(
            pd.DataFrame(
                {
                    **dict(zip(keys, key, strict=True)),
                    "pc": r2.columns.to_numpy(),
                    "explained_variance": run.groupby("pc")["explained_variance"]
                    .first()
                    .loc[r2.columns]
                    .to_numpy(),
                    "start": r2.iloc[0].to_numpy(),
                    "score": score_to_capture(scores, r2.to_numpy()),
                    "reached": scores.iloc[-1],
                    **run[FACTS].iloc[0].to_dict(),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def variable_references(
    name: str, variables: Sequence[str], *, quick: bool = False
) -> pd.DataFrame:
    """Accuracy of decoding each task variable from the dataset itself: columns variable, accuracy,
    chance.
    """
    options = {
        **settings.load_options(name, quick),
        **({"variables": list(variables)} if "surrogate" in name else {}),
    }
    data = datasets.load(name, **options)
    rows = []
    for variable in variables:
        labels = data.coords[variable].values
        accuracy = decoding_accuracy(data.values, labels, groups=datasets.fold_groups(data))
        rows.append({"variable": variable, "accuracy": accuracy, "chance": chance(labels)})
    return pd.DataFrame(rows)


def variable_crossings(
    table: pd.DataFrame, references: pd.DataFrame, share: float = 0.9
) -> pd.DataFrame:
    """The score at which each variable's accuracy reaches chance + share (reference - chance).

    Columns dataset, variant, measure, seed, variable, score (NaN: never), reached (the run's last
    score).
    """
    levels, rows = references.set_index("variable"), []
    keys = ["dataset", "variant", "measure", "seed", "name"]
    for key, run in table[table["quantity"] == "accuracy"].groupby(keys, sort=False):
        level, run = levels.loc[key[-1]], run.sort_values("step")
        score = score_at_accuracy(
            run["score"], run["value"], level["chance"], level["accuracy"], share
        )
        found = dict(zip([*keys[:-1], "variable"], key, strict=True))
        rows.append({**found, "score": score, "reached": run["score"].iloc[-1]})
    return pd.DataFrame(rows)
