"""Ascents frame by frame, as the book's player shows them: where Y lies in the plane of X's first
two principal components (PCs), how well a variable is decoded from it, and R^2 by PC.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray as Array

from simlib import datasets as data_sets
from simlib.components import captured_variance, explained_variance
from simlib.decoding import chance, decoding_accuracy
from simlib.experiments import store
from simlib.optimize import maximize

MEASURES = ("cka", "nbs", "procrustes-angular-score", "ridge", "linreg")
# dataset -> the variable that is decoded, and in how many folds
SHOWN = {
    "toy-2d": ("choice", 3),
    "hierarchy": ("branch", 5),
    "surrogate-freemanziemba2013": ("texture_type", 5),
}
ASCENT = {"seed": 0, "steps": 3000, "lr": 0.02, "stop": 0.99, "record": 0.02}
PCS, TRIALS, TIMES = 16, 60, 10  # as many are shown at most


class Target(NamedTuple):
    """What Y climbs towards: X in its plane (trial, time, PC) with X's largest extent as 1, the
    number of each trial's class, the classes, X's accuracy, that of chance, and shares of variance.
    """

    points: Float[Array, "trial time 2"]
    group: Int[Array, " trial"]
    classes: list[str]
    variable: str
    title: str
    accuracy: float
    chance: float
    shares: Float[Array, " pc"]


def _shown(times: int, trials: int) -> tuple[Array, Array]:
    """The time bins (of two the last alone) and the trials that are shown."""
    bins = np.unique(np.linspace(0, times - 1, TIMES).round().astype(int))
    kept = np.unique(np.linspace(0, trials - 1, TRIALS).round().astype(int))
    return bins if times > 2 else bins[-1:], kept


def _drawn(places: Float[Array, "time trial 2"]) -> Float[Array, "kept bins 2"]:
    bins, kept = _shown(*places.shape[:2])
    return places[bins][:, kept].swapaxes(0, 1)


def _plane(X: Array) -> tuple[Array, Array, float]:
    """X centred as (samples, neurons), the directions of its first two PCs, its largest extent in
    their plane.
    """
    flat = X.reshape(-1, X.shape[-1])
    flat = flat - flat.mean(0)
    directions = np.linalg.svd(flat, full_matrices=False)[2][:2].T
    directions = directions * np.sign(directions.sum(0))
    return flat, directions, float(np.abs(flat @ directions).max())


def onto(Y: Array, X: Array) -> Float[Array, "time trial 2"]:
    """Y centred, turned to lie on X as well as it can, at X's size (root mean square), in the plane
    of X's first two PCs; X's largest extent there is 1.
    """
    flat, directions, extent = _plane(X)
    y = Y.reshape(flat.shape)
    y = y - y.mean(0)
    U, _, Vt = np.linalg.svd(y.T @ flat)
    size = np.linalg.norm(flat) / np.linalg.norm(y)
    return (y @ U @ (Vt @ directions) * size / extent).reshape(*X.shape[:-1], 2)


def target(dataset: str) -> Target:
    """What the player needs to know of X."""
    data, (variable, folds) = data_sets.load(dataset), SHOWN[dataset]
    X, labels = data.values, data.coords[variable].values
    classes, group = np.unique(labels, return_inverse=True)
    return Target(
        points=_drawn(onto(X, X)),
        group=group[_shown(*X.shape[:2])[1]],
        classes=[str(one) for one in classes],
        variable=variable.replace("_", " "),
        title=str(data.attrs["title"]),
        accuracy=float(decoding_accuracy(X, labels, folds=folds)),
        chance=float(chance(labels)),
        shares=explained_variance(X)[:PCS],
    )


def _frames(dataset: str, measure: str) -> pd.DataFrame:
    """One ascent, seed 0. A task of `frames`."""
    data, (variable, folds) = data_sets.load(dataset), SHOWN[dataset]
    X, labels, tables = data.values, data.coords[variable].values, []

    def observe(step, score, Y):
        y = np.asarray(Y, dtype=np.float64).reshape(X.shape)
        found = {
            "accuracy": [decoding_accuracy(y, labels, folds=folds)],
            "r2": captured_variance(X, y)[:PCS],
            "point": _drawn(onto(y, X)).ravel(),
        }
        for quantity, values in found.items():
            table = pd.DataFrame({"quantity": quantity, "value": np.asarray(values, float)})
            tables.append(table.assign(step=step, score=float(score)))

    maximize(measure, X, observers=[observe], **ASCENT)
    return pd.concat(tables, ignore_index=True).assign(dataset=dataset, measure=measure)


def frames(
    datasets: Sequence[str] = tuple(SHOWN),
    measures: Sequence[str] = MEASURES,
    jobs: int | str = 1,
) -> pd.DataFrame:
    """Frames of an ascent for each dataset and measure, whenever the score has moved by 0.02.

    Columns dataset, measure, step, score, quantity ("accuracy", "r2" by PC, "point": x and y
    of each trial's time bins as in `Target`), value. Ascents are stored tasks (`store.run`).
    """
    tasks = [{"dataset": one, "measure": other} for one in datasets for other in measures]
    return pd.concat(store.run(_frames, tasks, jobs), ignore_index=True)
