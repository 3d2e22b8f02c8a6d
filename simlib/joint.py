"""Which pairs of scores can one Y have? Two measures driven at once towards targets.

A descent is the way of Y's two scores to one target, a point on the edge of the unit square.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from numpy import ndarray as Array

from simlib import validation
from simlib.measures import Measure, Name, measure
from simlib.optimize import climb, start_from_noise

__all__ = ["allowed", "approach", "edge_targets", "joint_range", "score_measure"]


def edge_targets(points: int = 6) -> Float[Array, "targets 2"]:
    """Targets (a, b) on the edges of the unit square, in order round it from (0, 0).

    Args:
        points: targets on a side, corners included, 2 or more.

    Returns:
        An array (4 (points - 1), 2): along b = 0, a = 1, b = 1 and a = 0.

    Raises:
        ValueError: for fewer than 2 points.

    Example:
        >>> import simlib as sl
        >>> sl.joint.edge_targets(2).tolist()
        [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
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
    """The measure, refused if it is a distance: targets lie between scores of 0 and 1.

    Args:
        name: id, bound measure or callable.

    Returns:
        A Measure.

    Raises:
        ValueError: for a distance or an unknown id.

    Example:
        >>> import simlib as sl
        >>> sl.joint.score_measure("cka").title
        'CKA'
    """
    bound = measure(name)
    if bound.direction < 0:
        raise ValueError(
            f"{bound.id!r} is a distance; joint ranges are drawn between scores of 0 and 1. "
            "Take a score instead, such as 'procrustes-angular-score' or 'nbs'"
        )
    return bound


class _Stall:
    """When to stop: the distance is within `tolerance`, or for `patience` scores none was less."""

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
    target: Sequence[float],
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
    """The descent of Y's two scores to one target: a row for each Y scored.

    Adam lowers the distance |score_a - target_a| + |score_b - target_b| from Gaussian noise of X's
    shape.

    Args:
        name_a, name_b: ids, bound measures or callables that grow with similarity.
        X: (samples, neurons) or (time, trial, neuron).
        target: (target_a, target_b).
        seed: of the noise.
        steps: scores at most.
        lr: learning rate.
        tolerance: the descent ends below this distance ("reached"),
        patience: or when the least distance hasn't fallen by more than `tolerance` for so many
            steps ("stalled").
        power: 2 lowers the sum of the squared differences, which lands farther away.
        dtype, device: where and how precisely the descent is computed.

    Returns:
        A table with columns step, score_a, score_b, distance and, the same in each row, target_a,
            target_b and stopped: "reached", "stalled", "steps" or "not finite" (a measure or its
            gradient failed there).

    Raises:
        ValueError: for distances and for inputs that can't be scored.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> descent = sl.joint.approach("cka", "nbs", X, (1, 1), steps=5)
        >>> len(descent), descent["stopped"].iloc[0]
        (5, 'steps')
    """
    if steps < 1 or patience < 1 or not tolerance > 0:
        raise ValueError(
            f"steps and patience need to be 1 or more, tolerance above 0; got {steps}, {patience} "
            f"and {tolerance}"
        )
    if power not in (1, 2):
        raise ValueError(f"power is 1 (absolute differences) or 2 (squares); got {power}")
    bounds = score_measure(name_a), score_measure(name_b)
    fixed = torch.as_tensor(validation.flat(validation.array(X)), dtype=dtype, device=device)
    for bound in bounds:
        bound.room(fixed, fixed.shape[1], dtype)
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

    result = climb(
        closeness,
        start_from_noise(fixed.shape, seed, dtype, device),
        steps=steps,
        lr=lr,
        done=lambda climbed: stall(float(np.abs(visited[-1] - goal).sum())),
    )
    scores = np.array(visited[: len(result.scores)])
    distance = np.abs(scores - goal).sum(1)
    stalled = result.stopped == "reached" and distance[-1] >= tolerance
    return pd.DataFrame(
        {
            "target_a": goal[0],
            "target_b": goal[1],
            "step": np.arange(len(scores)),
            "score_a": scores[:, 0],
            "score_b": scores[:, 1],
            "distance": distance,
            "stopped": "stalled" if stalled else result.stopped,
        }
    )


def end_point(descent: pd.DataFrame) -> dict:
    """The row of `joint_range` that a descent gives: its point nearest to the target."""
    columns = ["target_a", "target_b", "score_a", "score_b"]
    nearest = descent.loc[descent["distance"].idxmin(), columns].astype(float).to_dict()
    return {**nearest, "steps": len(descent), "stopped": descent["stopped"].iloc[0]}


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

    The scores are those of the best Y of each descent (`joint.approach`): Adam at a fixed learning
    rate keeps moving about it, so the last Y is no better than the best. Joined in this order the
    end points bound the reachable region. Every target starts from the same noise.

    Args:
        name_a, name_b: ids, bound measures or callables that grow with similarity.
        X: (samples, neurons) or (time, trial, neuron).
        points: targets on a side, corners included.
        visited: all points of the descents instead, a row a step.
        seed, steps, lr, tolerance, patience, device: as for `joint.approach`.

    Returns:
        A table, a row a target in order round the square, with columns target_a, target_b, score_a,
            score_b, steps, stopped; if `visited` that of `joint.approach`.

    Raises:
        ValueError: for distances, fewer than 2 points and inputs that can't be scored.

    Source: Cloos et al. 2025, figure 7.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> ends = sl.joint_range("cka", "nbs", X, points=2, steps=20)
        >>> len(ends), bool(ends["score_a"].between(0, 1).all())
        (4, True)
    """
    options = {
        "seed": seed,
        "steps": steps,
        "lr": lr,
        "tolerance": tolerance,
        "patience": patience,
        "device": device,
    }
    descents = [approach(name_a, name_b, X, tuple(t), **options) for t in edge_targets(points)]
    if visited:
        return pd.concat(descents, ignore_index=True)
    return pd.DataFrame([end_point(descent) for descent in descents])


def _cut(region: Float[Array, "points 2"], axis: int, level: float) -> Float[Array, "kept 2"]:
    """Corners of the part of a closed polygon where coordinate `axis` is at least `level`."""
    kept = []
    for here, there in zip(region, np.roll(region, -1, axis=0), strict=True):
        if here[axis] >= level:
            kept.append(here)
        if (here[axis] >= level) != (there[axis] >= level):
            part = (level - here[axis]) / (there[axis] - here[axis])
            kept.append(here + part * (there - here))
    return np.array(kept).reshape(-1, 2)


def allowed(ends: pd.DataFrame, level: float = 0.9) -> dict[str, float]:
    """What a score of at least `level` on one measure allows on the other.

    Read off the region's outline, taken as straight between end points.

    Args:
        ends: a table of `joint_range`.
        level: in [0, 1].

    Returns:
        lowest_b and highest_b (given score_a >= level), lowest_a and highest_a (given score_b >=
            level); NaN where the region doesn't come that far.

    Example:
        >>> import pandas as pd, simlib as sl
        >>> ends = pd.DataFrame({"score_a": [0, 1, 1], "score_b": [0, 0.5, 1]})
        >>> {name: round(value, 2) for name, value in sl.joint.allowed(ends, level=0.8).items()}
        {'lowest_b': 0.4, 'highest_b': 1.0, 'lowest_a': 0.8, 'highest_a': 1.0}
    """
    region = ends[["score_a", "score_b"]].to_numpy(float)
    limits = {}
    for given, other in ((0, "b"), (1, "a")):
        values = _cut(region, given, level)[:, 1 - given]
        limits |= {
            f"lowest_{other}": float(min(values, default=np.nan)),
            f"highest_{other}": float(max(values, default=np.nan)),
        }
    return limits
