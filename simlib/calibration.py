"""What a score is worth: beside chance on the same data, and beside what noise allows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from simlib import validation
from simlib.linalg import centre, participation_ratio, principal_components
from simlib.measures import MEASURES, Measure, Name, measure, score

__all__ = [
    "Ceiling",
    "chance_corrected",
    "compare",
    "expected_by_chance",
    "noise_ceiling",
    "permutation_null",
]


def permutation_null(name: Name, X, Y, *, permutations: int = 100, seed: int = 0) -> np.ndarray:
    """Scores of X against Y with its trials shuffled: what no correspondence scores.

    Whole trials change places (samples, for two axes); the time bins of a trial stay together,
    since they are not independent.

    Args:
        name: id, bound measure or callable.
        X, Y: (samples, neurons) or (time, trial, neuron), with the same samples.
        permutations: how many, 1 or more.
        seed: of the shuffles.

    Returns:
        An array (permutations,), computed in float64.

    Raises:
        ValueError: for fewer than 2 trials and inputs that can't be scored.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> sl.calibration.permutation_null("cka", X, X, permutations=3).shape
        (3,)
    """
    bound = measure(name)
    X, Y = _shuffleable(X, Y, permutations)
    rng = np.random.default_rng(seed)
    return np.array(
        [score(bound, X, Y[..., rng.permutation(Y.shape[-2]), :]) for _ in range(permutations)]
    )


def _shuffleable(X, Y, permutations: int) -> tuple[np.ndarray, np.ndarray]:
    validation.at_least("permutations", permutations, 1)
    X, Y = validation.pair(X, Y)
    if Y.shape[-2] < 2:
        raise ValueError(
            "there is one trial, and the null shuffles trials; pass (samples, neurons) if its "
            "time bins are independent"
        )
    return X, Y


def expected_by_chance(name: Name, X, Y) -> float:
    """Mean score over all permutations of Y's samples, in closed form and exact.

    Averaged over permutations the centred Gram matrix of Y is tr(K_Y) / (n - 1) times the centring
    matrix. Hence CKA gives sqrt(PR_X PR_Y) / (n - 1) with the participation ratios PR, ENSD PR_X
    PR_Y / (n - 1), the R^2 of linear regression rank(Y) / (n - 1), and that of ridge regression (no
    folds) the mean over the n - 1 directions of 1 - (a / (l_j + a))^2 with the eigenvalues l_j of
    K_Y and the penalty a. Debiased CKA and RSA (Pearson correlation of squared distances) give 0.
    For samples that are exchangeable; where trials hold several time bins use `permutation_null`,
    with no data at hand `simlib.theory.CHANCE`.

    Args:
        name: "cka", "ensd", "linreg", "ridge", "cka-debiased" or "rsa".
        X, Y: (samples, neurons) or (time, trial, neuron), with the same samples.

    Returns:
        A float.

    Raises:
        ValueError: for another measure and for inputs that can't be scored.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> round(sl.calibration.expected_by_chance("cka", X, [[0], [2], [0], [2]]), 3)
        0.404
    """
    X, Y = (torch.from_numpy(validation.flat(values)) for values in validation.pair(X, Y))
    free = len(X) - 1
    bound = measure(name)
    forms = {
        "cka": lambda: np.sqrt(participation_ratio(X) * participation_ratio(Y)) / free,
        "ensd": lambda: participation_ratio(X) * participation_ratio(Y) / free,
        "linreg": lambda: int(torch.linalg.matrix_rank(centre(Y))) / free,
        "ridge": lambda: _explained_by_ridge(Y, bound.params["penalty"]).sum() / free,
        "cka-debiased": lambda: 0.0,
        "rsa": lambda: 0.0,
    }
    penalty_only = bound.id.startswith("ridge--") and set(bound.params) == {"penalty", "folds"}
    known = "ridge" if penalty_only and not bound.params["folds"] else bound.id
    if known not in forms:
        raise ValueError(
            f"no closed form for {bound.id!r}, only for {', '.join(forms)}; use permutation_null"
        )
    return float(forms[known]())


def _explained_by_ridge(Y: torch.Tensor, penalty: float) -> torch.Tensor:
    """1 - (a / (l_j + a))^2 of each PC of Y: what a unit vector along it is explained."""
    return 1 - (penalty / (principal_components(centre(Y))[1].square() + penalty)) ** 2


def chance_corrected(score: float, chance: float) -> float:
    """(score - chance) / (1 - chance): 0 at chance, 1 at a perfect score, as for a kappa.

    Args:
        score, chance: of a measure that is at most 1.

    Returns:
        A float, at most 1.

    Raises:
        ValueError: for a chance of 1 or more.

    Example:
        >>> import simlib as sl
        >>> round(sl.calibration.chance_corrected(0.8, chance=0.6), 3)
        0.5
    """
    if not chance < 1:
        raise ValueError(f"chance lies below the maximum 1; got {chance}")
    return (score - chance) / (1 - chance)


class Ceiling(NamedTuple):
    """Score of a recording with its own repeat, over random halves.

    Attributes:
        mean, spread: in the measure's unit; spread is the standard deviation.

    Example:
        >>> import simlib as sl
        >>> sl.calibration.Ceiling(mean=0.9, spread=0.1).mean
        0.9
    """

    mean: float
    spread: float


def noise_ceiling(name: Name, repeats, *, splits: int = 20, seed: int = 0) -> Ceiling:
    """What the best model can expect: the score between averages of random halves of the repeats.

    Halves hold half the data: averages of all repeats are less noisy, so this is a lower bound of
    the ceiling for them. For a regression measure one half predicts the other.

    Args:
        name: id, bound measure or callable.
        repeats: (repeat, samples, neuron) or (repeat, time, trial, neuron), 2 repeats or more.
        splits: random halves to average over.
        seed: of the halves.

    Returns:
        A Ceiling.

    Raises:
        ValueError: for fewer than 2 repeats and values that can't be scored.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> round(sl.calibration.noise_ceiling("nbs", [X, X]).mean, 3)
        1.0
    """
    repeats = np.asarray(repeats, dtype=np.float64)
    validation.at_least("splits", splits, 1)
    if repeats.ndim not in (3, 4) or len(repeats) < 2:
        raise ValueError(
            "repeats needs the shape (repeat, samples, neuron) or (repeat, time, trial, neuron) "
            f"with 2 repeats or more; got {repeats.shape}"
        )
    rng, bound, half = np.random.default_rng(seed), measure(name), len(repeats) // 2
    orders = [rng.permutation(len(repeats)) for _ in range(splits)]
    halves = (repeats[[order[:half], order[half : 2 * half]]].mean(1) for order in orders)
    scores = [score(bound, *pair) for pair in halves]
    return Ceiling(float(np.mean(scores)), float(np.std(scores)))


def compare(
    X,
    Y,
    names: Sequence[Name] | None = None,
    *,
    repeats=None,
    permutations: int = 100,
    seed: int = 0,
) -> pd.DataFrame:
    """Every measure of two datasets of your own beside what chance gives on them, a row a measure.

    Args:
        X, Y: (samples, neurons) or (time, trial, neuron), with the same samples; regression
            measures predict X from Y.
        names: ids or bound measures; all of MEASURES if None.
        repeats: of X, for the ceiling (`calibration.noise_ceiling`).
        permutations, seed: as for `calibration.permutation_null`.

    Returns:
        A table with columns measure, title, score, direction (+1: grows with similarity; -1: a
            distance), low and high (the measure's range), chance and chance_spread (mean and
            standard deviation of the permutations), corrected (`calibration.chance_corrected`, for
            scores of at most 1), z (distance from chance in its standard deviations, positive where
            more similar), p (share of permutations at least as similar, the data's own order
            counted among them, so never 0), ceiling (NaN without repeats) and note. A measure that
            isn't defined on these data has NaN throughout and says why in note.

    Raises:
        ValueError: for X and Y that can't be scored, for repeats of another shape and an unknown
            id.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> sl.compare(X, [[0], [2], [0], [2]], ["cka", "linreg"])[["measure", "score"]].round(2)
          measure  score
        0     cka   0.97
        1  linreg   0.80
    """
    X, Y = _shuffleable(X, Y, permutations)
    if repeats is not None:
        repeats = np.asarray(repeats, dtype=np.float64)
        if repeats.shape[1:] != X.shape:
            needed = f"(repeat, {', '.join(map(str, X.shape))})"
            raise ValueError(f"repeats needs the shape {needed}; got {repeats.shape}")
        validation.finite(repeats, "repeats")
    rows = []
    for name in validation.names(names, "names") if names is not None else MEASURES:
        bound = measure(name)
        row = {
            "measure": bound.id,
            "title": bound.title,
            "direction": bound.direction,
            "low": bound.range[0],
            "high": bound.range[1],
            "note": "",
        }
        try:
            row |= _beside_chance(bound, X, Y, repeats, permutations, seed)
        except (ValueError, TypeError, ArithmeticError, RuntimeError) as error:
            row["note"] = str(error) or type(error).__name__  # the others have their rows
        rows.append(row)
    columns = (
        "measure title score direction low high chance chance_spread corrected z p ceiling note"
    )
    return pd.DataFrame(rows).reindex(columns=columns.split())


def _beside_chance(bound: Measure, X, Y, repeats, permutations: int, seed: int) -> dict:
    value = score(bound, X, Y)
    null = permutation_null(bound, X, Y, permutations=permutations, seed=seed)
    chance, spread = null.mean(), null.std()
    as_similar = (bound.direction * (null - value) >= 0).sum()
    correctable = bound.direction > 0 and bound.range[1] == 1 and chance < 1
    return {
        "score": value,
        "chance": chance,
        "chance_spread": spread,
        "corrected": chance_corrected(value, chance) if correctable else np.nan,
        "z": bound.direction * (value - chance) / spread if spread > 1e-12 else np.nan,
        "p": (1 + as_similar) / (1 + permutations),
        "ceiling": noise_ceiling(bound, repeats, seed=seed).mean if repeats is not None else np.nan,
    }
