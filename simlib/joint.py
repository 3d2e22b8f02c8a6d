"""Which pairs of scores can one Y have? Two measures driven at once towards targets.

A descent is the way of Y's two scores to one target, a point on the edge of the unit square.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from numpy import ndarray as Array

from simlib import validation
from simlib.measures import Measure, Name, measure
from simlib.optimize import climb, fixed_side, precision, start_from_noise
from simlib.threads import on_free_cores

__all__ = ["allowed", "approach", "edge_targets", "end_points", "joint_range", "score_measure"]

SCALES = 1e6  # by how much the scale of Y may rise or fall on the way
# Scales of the noise that descents start from, where scores depend on it. From the first alone
# descents to low ridge scores and high others are stuck where the score crosses 0, for large noise
# is worse than no prediction; from the second alone those to high ridge scores see no slope.
STARTS = (1.0, 1e-3)


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


def _with_scale(
    noise: Float[torch.Tensor, "n p"], scale: float
) -> tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
    """Y as a function of its entries and, last, the logarithm of its scale, which is bounded; the
    parameters that start at this scale.
    """
    most = float(np.log(SCALES))

    def drawn(parameters: torch.Tensor) -> torch.Tensor:
        size = (most * torch.tanh(parameters[-1] / most)).exp()
        return size * parameters[:-1].reshape(noise.shape)

    last = most * np.arctanh(np.log(scale) / most)
    return drawn, torch.cat([noise.flatten(), noise.new_full((1,), float(last))])


class _Stall:
    """When to stop: the distance is within `tolerance`, or for `patience` scores none was less."""

    def __init__(self, tolerance: float, patience: int):
        self.tolerance, self.patience = tolerance, patience
        self.level, self.waited = np.inf, 0

    def __call__(self, distance: float) -> bool:
        improved = distance < self.level - self.tolerance
        self.level, self.waited = (distance, 0) if improved else (self.level, self.waited + 1)
        return distance < self.tolerance or self.waited >= self.patience


@on_free_cores
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
    shape. Where one of the two scores changes with the scale of Y (its record says so; of a
    function of the caller's own nothing is known), Y is a matrix times a scale, and the logarithm
    of the scale is a parameter like any entry: what another scale of Y would score belongs to the
    region. There are two descents then, from the noise and from a thousandth of it, one below the
    other in the table. The scale stays between 1e-6 and 1e6.

    Args:
        name_a, name_b: ids, bound measures or callables that grow with similarity.
        X: (samples, neurons) or (time, trial, neuron).
        target: (target_a, target_b).
        seed: of the noise.
        steps: scores at most, of each descent.
        lr: learning rate.
        tolerance: the descent ends below this distance ("reached"),
        patience: or when the least distance hasn't fallen by more than `tolerance` for so many
            steps ("stalled").
        power: 2 lowers the sum of the squared differences, which lands farther away.
        dtype, device: where and how precisely the descent is computed; float32 becomes float64
            where `optimize.precision` needs it.

    Returns:
        A table with columns step (from 0 in each descent), score_a, score_b, distance and, the same
            in each row of a descent, target_a, target_b and stopped: "reached", "stalled", "steps"
            or "not finite" (a measure or its gradient failed there).

    Raises:
        ValueError: for distances, for inputs that can't be scored, and for a dtype or device that
            can't be used.

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
    reference = validation.array(X)
    working = precision(bounds, reference, None, dtype, device)
    towards = []
    for bound in bounds:
        fixed = fixed_side(bound, reference, working, device)
        bound.room(fixed, fixed.shape[1], working, device)
        towards.append(bound.towards(fixed))
    noise = start_from_noise(fixed.shape, seed, dtype, device).to(working)
    starts = [(lambda Y: Y, noise)]
    if any("isotropic scale" not in bound.invariances for bound in bounds):
        starts = [_with_scale(noise, scale) for scale in STARTS]
    options = {"steps": steps, "lr": lr}
    stalls = [_Stall(tolerance, patience) for _ in starts]
    descents = [
        _descent(towards, drawn, start, np.array(target, float), stall, power, options)
        for (drawn, start), stall in zip(starts, stalls, strict=True)
    ]
    return pd.concat(descents, ignore_index=True)


def _descent(
    towards: Sequence[Callable[[torch.Tensor], torch.Tensor]],
    drawn: Callable[[torch.Tensor], torch.Tensor],
    start: torch.Tensor,
    goal: Float[Array, " 2"],
    stall: _Stall,
    power: int,
    options: dict,
) -> pd.DataFrame:
    """One descent from `start`, of parameters from which Y is `drawn`: a table of `approach`."""
    visited: list[list[float]] = []

    def closeness(parameters: torch.Tensor) -> torch.Tensor:
        Y = drawn(parameters)
        scores = [function(Y) for function in towards]
        visited.append(torch.stack(scores).tolist())  # both in one copy
        return -sum(
            (score - aim).abs() ** power for score, aim in zip(scores, goal.tolist(), strict=True)
        )

    def done(climbed: list[float]) -> bool:
        return stall(float(np.abs(visited[-1] - goal).sum()))

    result = climb(closeness, start, done=done, **options)
    scores = np.array(visited[: len(result.scores)])
    distance = np.abs(scores - goal).sum(1)
    stalled = result.stopped == "reached" and distance[-1] >= stall.tolerance
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


def end_points(descents: pd.DataFrame, keep: Sequence[str] = ()) -> pd.DataFrame:
    """The point nearest to each target, a row a target, in the order of the table.

    Args:
        descents: tables of `joint.approach`, one below the other.
        keep: further columns that tell descents apart, or belong to them.

    Returns:
        A table with columns `keep`, target_a, target_b, score_a, score_b, steps, stopped.

    Example:
        >>> import simlib as sl
        >>> descent = sl.joint.approach("cka", "nbs", [[0, 0], [2, 0], [0, 1]], (1, 1), steps=5)
        >>> ends = sl.joint.end_points(descent)
        >>> len(ends), bool(ends["score_a"].iloc[0] == descent["score_a"].max())
        (1, True)
    """
    groups = descents.groupby([*keep, "target_a", "target_b"], sort=False, dropna=False)
    nearest = descents.loc[groups["distance"].idxmin()].assign(steps=groups.size().to_numpy())
    columns = ["target_a", "target_b", "score_a", "score_b", "steps", "stopped"]
    return nearest[[*keep, *columns]].reset_index(drop=True)


@on_free_cores
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
    end points outline what the descents reached, not what can be reached at most: straight lines
    between them may leave the region where its border bends inwards. Every target starts from the
    same noise. Y has any scale: where a score depends on it, the descents change it, too, and a
    target is approached from two scales (`joint.approach`).

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
    targets = edge_targets(points).tolist()
    descents = [approach(name_a, name_b, X, target, **options) for target in targets]
    way = pd.concat(descents, ignore_index=True)
    return way if visited else end_points(way)


def allowed(points: pd.DataFrame, level: float = 0.9) -> dict[str, float]:
    """What was reached on one measure by a Y that scored at least `level` on the other.

    Each number is the score of a Y that was visited. So more is allowed, not less: no Y is known to
    be left out. What no Y reaches, `simlib.exact_ranges` says for some pairs.

    Args:
        points: a table of `joint_range`, best with `visited`: every row is a Y.
        level: in [0, 1].

    Returns:
        lowest_b and highest_b (of the Y with score_a >= level), lowest_a and highest_a (of those
            with score_b >= level); NaN where none comes that far.

    Example:
        >>> import pandas as pd, simlib as sl
        >>> points = pd.DataFrame({"score_a": [0, 0.9, 1], "score_b": [0, 0.5, 1]})
        >>> sl.joint.allowed(points, level=0.8)
        {'lowest_b': 0.5, 'highest_b': 1.0, 'lowest_a': 1.0, 'highest_a': 1.0}
    """
    limits = {}
    for given, other in ("ab", "ba"):
        scores = points.loc[points[f"score_{given}"] >= level, f"score_{other}"]
        limits |= {f"lowest_{other}": float(scores.min()), f"highest_{other}": float(scores.max())}
    return limits
