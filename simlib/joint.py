"""Which pairs of scores can one Y have? Two measures driven at once towards targets round the unit
square.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from numpy import ndarray as Array

from simlib import validation
from simlib.measures import Measure, measure
from simlib.optimize import climb, start_from_noise

__all__ = ["allowed", "approach", "edge_targets", "joint_range", "score_measure"]

Name = str | Measure | Callable


def edge_targets(points: int = 6) -> Float[Array, "targets 2"]:
    """Targets (a, b) on the edges of the unit square, `points` a side, each corner once: 4 (points
    - 1) of them.

    In order round the square from (0, 0): along b = 0, a = 1, b = 1 and a = 0. Raises ValueError
    for fewer than 2 points.
    """
    if points < 2:
        raise ValueError(
            f"points is the number of targets on a side, corners included, 2 or more; got {points}"
        )
    up = np.linspace(0, 1, points)[:-1]
    zero, one, down = np.zeros_like(up), np.ones_like(up), 1 - up
    sides = [(up, zero), (one, up), (down, one), (zero, down)]
    return np.concatenate([np.stack(side, axis=1) for side in sides])


def score_measure(name: Name) -> Measure:
    """The measure, refused if it is a distance: targets lie between scores of 0 and 1."""
    bound = measure(name)
    if bound.direction < 0:
        raise ValueError(
            f"{bound.id!r} is a distance; joint ranges are drawn between scores of 0 and 1. "
            "Take a score instead, such as 'procrustes-angular-score' or 'nbs'"
        )
    return bound


class _Stall:
    """Says when to stop: the distance is within `tolerance`, or its least hasn't fallen for
    `patience` scores.
    """

    def __init__(self, tolerance: float, patience: int):
        self.tolerance, self.patience = tolerance, patience
        self.level, self.waited = np.inf, 0

    def __call__(self, distance: float) -> bool:
        improved = distance < self.level - self.tolerance
        self.level, self.waited = (distance, 0) if improved else (self.level, self.waited + 1)
        return distance < self.tolerance or self.waited >= self.patience


def approach(
    name_a: Name,
    name_b: Name,
    X,
    target: tuple[float, float],
    *,
    seed: int = 0,
    steps: int = 1000,
    lr: float = 0.1,
    tolerance: float = 1e-3,
    patience: int = 100,
    power: int = 1,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> pd.DataFrame:
    """The way of Y's two scores towards one target: a row for each Y scored, (step, score_a,
    score_b, distance).

    Adam lowers |score_a - target_a| + |score_b - target_b|, the distance, from Gaussian noise of
    X's shape; with `power` 2 it lowers the sum of their squares, which lands farther away. It ends
    when the distance is below `tolerance` ("reached"), when the least distance hasn't fallen by
    more than `tolerance` for `patience` steps ("stalled"), or after `steps` scores ("steps");
    `stopped` says which ("not finite": a measure or its gradient failed there). Constant columns:
    target_a, target_b, stopped. Raises ValueError for distances and inputs that can't be scored.
    """
    if steps < 1 or patience < 1 or not tolerance > 0:
        raise ValueError(
            f"steps and patience need to be 1 or more, tolerance above 0; got {steps}, {patience} "
            f"and {tolerance}"
        )
    if power not in (1, 2):
        raise ValueError(f"power is 1 (absolute differences) or 2 (squares); got {power}")
    bounds = score_measure(name_a), score_measure(name_b)
    values = validation.flat(validation.array(X, "X"))
    fixed = torch.as_tensor(values, dtype=dtype, device=device)
    for bound in bounds:
        bound.room(fixed, values.shape[1], dtype)
    towards = [bound.towards(fixed) for bound in bounds]
    visited: list[tuple[float, float]] = []
    goal = np.array(target, float)
    stall = _Stall(tolerance, patience)

    def closeness(Y: torch.Tensor) -> torch.Tensor:
        scores = [function(Y) for function in towards]
        visited.append(tuple(float(score.detach()) for score in scores))
        return -sum(
            (score - aim).abs() ** power for score, aim in zip(scores, goal.tolist(), strict=True)
        )

    def done(climbed: float) -> bool:
        return stall(float(np.abs(visited[-1] - goal).sum()))

    start = start_from_noise(values.shape, seed, dtype, device)
    result = climb(closeness, start, steps=steps, lr=lr, done=done)
    scores = np.array(visited[: len(result.scores)])
    distance = np.abs(scores - goal).sum(1)
    stopped = (
        result.stopped
        if result.stopped != "reached"
        else "reached"
        if distance[-1] < tolerance
        else "stalled"
    )
    return pd.DataFrame(
        {
            "target_a": goal[0],
            "target_b": goal[1],
            "step": np.arange(len(scores)),
            "score_a": scores[:, 0],
            "score_b": scores[:, 1],
            "distance": distance,
            "stopped": stopped,
        }
    )


def end_point(way: pd.DataFrame) -> dict:
    """The row of `joint_range` that a way ends in: its point nearest to the target."""
    nearest = way.loc[way["distance"].idxmin()]
    columns = ("target_a", "target_b", "score_a", "score_b")
    return {
        **{c: float(nearest[c]) for c in columns},
        "steps": len(way),
        "stopped": way["stopped"].iloc[0],
    }


def joint_range(
    name_a: Name,
    name_b: Name,
    X,
    *,
    points: int = 6,
    seed: int = 0,
    steps: int = 1000,
    lr: float = 0.1,
    tolerance: float = 1e-3,
    patience: int = 100,
    visited: bool = False,
    device: str | torch.device = "cpu",
) -> pd.DataFrame:
    """How near Y can come, with two scores at once, to targets round the edges of the unit square.

    One row a target, in order round the square (`edge_targets`), with columns target_a, target_b,
    score_a, score_b, steps, stopped. The scores are those of the best Y on the way: Adam at a fixed
    learning rate goes on trembling, so its last Y is no better than its best. Joined in this order
    the end points bound the reachable region. Every target starts from the same noise; see
    `approach` for how one ends. `visited=True` gives all points instead, a row a step, with column
    step in place of steps.

    Names are ids, bound measures or callables that grow with similarity; a score that can't reach
    its target ends where it stalls. X is (samples, neurons) or (time, trial, neuron). Raises
    ValueError for distances, for fewer than 2 points and for inputs that can't be scored. Source:
    Cloos et al. 2024, figure 7.
    """
    options = {
        "seed": seed,
        "steps": steps,
        "lr": lr,
        "tolerance": tolerance,
        "patience": patience,
        "device": device,
    }
    ways = [
        approach(name_a, name_b, X, tuple(target), **options) for target in edge_targets(points)
    ]
    if visited:
        return pd.concat(ways, ignore_index=True)
    return pd.DataFrame([end_point(way) for way in ways])


def _cut(region: Float[Array, "points 2"], axis: int, level: float) -> Float[Array, "kept 2"]:
    """The corners, with crossings added, of the part of a closed polygon where coordinate `axis` >=
    level.
    """
    kept = []
    for here, there in zip(region, np.roll(region, -1, axis=0), strict=True):
        if here[axis] >= level:
            kept.append(here)
        if (here[axis] >= level) != (there[axis] >= level):
            part = (level - here[axis]) / (there[axis] - here[axis])
            kept.append(here + part * (there - here))
    return np.array(kept).reshape(-1, 2)


def allowed(ends: pd.DataFrame, level: float = 0.9) -> dict[str, float]:
    """What a score of at least `level` on one measure allows on the other, read off the region's
    outline.

    `ends` is a table of `joint_range`. Keys: lowest_b, highest_b (given score_a >= level),
    lowest_a, highest_a (given score_b >= level); NaN where the region doesn't come that far.
    Between end points the outline is taken as straight.
    """
    region = ends[["score_a", "score_b"]].to_numpy(float)
    found = {}
    for given, other in ((0, "b"), (1, "a")):
        values = _cut(region, given, level)[:, 1 - given]
        found[f"lowest_{other}"] = float(values.min()) if len(values) else float("nan")
        found[f"highest_{other}"] = float(values.max()) if len(values) else float("nan")
    return found
