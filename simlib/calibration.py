"""What a score is worth: beside chance on the same data, and beside what noise allows."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from simlib import repeats as repeated
from simlib import validation
from simlib.linalg import explained_by_ridge, participation_ratio, principal_components
from simlib.measures import MEASURES, Measure, Name, measure, score, shuffles
from simlib.threads import on_free_cores

__all__ = [
    "Ceiling",
    "chance_corrected",
    "compare",
    "expected_by_chance",
    "noise_ceiling",
    "permutation_null",
]

ROUNDING = 1e-6  # scores that differ by no more, as a share of their scale, are equal
NULLS = ("trials", "trials-and-time")
ORDERS = 2**22  # places of samples in shuffled orders that are held at once
SPLITS, SIMULATIONS = 3, 60  # pairs of halves of a simulation; simulations
LEAST_AGREEMENT = 0.2  # correlation of halves below which nothing is said of the signal
UNDEFINED = (ValueError, TypeError, ArithmeticError, RuntimeError)


@on_free_cores
def permutation_null(
    name: Name, X, Y, *, permutations: int = 100, null: str = "trials", seed: int = 0
) -> np.ndarray:
    """Scores of X against Y with its trials shuffled: what no correspondence scores.

    "trials": whole trials change places (samples, for two axes); the time bins of a trial stay
    together, since they are not independent. Whatever the trials share stays in the score: two
    recordings with the same time course in every trial score high, and so does their null. It holds
    where trials are exchangeable, and is exact. "trials-and-time" breaks a shared time course, too:
    trials change places and all are shifted in time together, by the same random number of bins;
    what leaves at one end comes back mirrored. That holds for time courses that are stationary and
    much longer than their memory. Of 100 unrelated recordings with
    smooth courses 4 to 8% had p <= 0.05 by CKA and angular Procrustes with 20 bins or more, 10 to
    13% with 10; by linear regression 13% with 20: where bins are few take its chance level, not
    its p. What differs between trials alone is tested exactly by "trials" without the course,
    on `X - X.mean(1, keepdims=True)` and the same of Y.

    Args:
        name: id, bound measure or callable.
        X, Y: (samples, neurons) or (time, trial, neuron), with the same samples.
        permutations: how many, 1 or more.
        null: "trials" or "trials-and-time".
        seed: of the shuffles.

    Returns:
        An array (permutations,), computed in float64.

    Raises:
        ValueError: for fewer than 2 trials, "trials-and-time" without a time axis, and inputs that
            can't be scored.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> sl.calibration.permutation_null("cka", X, X, permutations=3).shape
        (3,)
    """
    bound = measure(name)
    X, Y = _shuffleable(X, Y, permutations, null, bool(bound.params.get("precomputed")))
    return _null(bound, X, Y, permutations, null, seed, {})


def _null(
    bound: Measure,
    X: np.ndarray,
    Y: np.ndarray,
    permutations: int,
    null: str,
    seed: int,
    known: dict[str, np.ndarray],
) -> np.ndarray:
    """What `permutation_null` gives; `known` are the nulls of measures that others depend on."""
    if bound.of:
        base, function = bound.of
        if base not in known:
            known[base] = _null(MEASURES[base], X, Y, permutations, null, seed, known)
        return function(torch.from_numpy(known[base])).numpy()
    if null == "trials" and bound.shuffled:
        scores = _of_orders(bound, X, Y, permutations, seed)
        if scores is not None:
            return scores
    rng, precomputed = np.random.default_rng(seed), bool(bound.params.get("precomputed"))
    draws = (_shuffled(Y, null, rng, precomputed) for _ in range(permutations))
    return np.array([score(bound, X, shuffled) for shuffled in draws])


def _of_orders(
    bound: Measure, X: np.ndarray, Y: np.ndarray, permutations: int, seed: int
) -> np.ndarray | None:
    """The null of shuffled trials with what belongs to a side computed once; None where there is no
    such way.
    """
    first = _shuffled(
        Y, "trials", np.random.default_rng(seed), bool(bound.params.get("precomputed"))
    )
    score(bound, X, first)  # refuses what can't be scored
    trials = Y.shape[-2]
    X, Y = (torch.from_numpy(validation.flat(values)) for values in (X, Y))
    scores = bound.shuffled(X, Y, **bound.params)
    if scores is None:
        return None
    rng, found, at_once = np.random.default_rng(seed), [], max(1, ORDERS // len(Y))
    firsts = np.arange(0, len(Y), trials)[:, None]  # samples are (time, trial)
    for start in range(0, permutations, at_once):
        count = min(at_once, permutations - start)
        orders = np.array([(firsts + rng.permutation(trials)).ravel() for _ in range(count)])
        found.append(scores(torch.from_numpy(orders)).numpy())
    found = np.concatenate(found)
    return found if np.isfinite(found).all() else None


def _shuffled(Y: np.ndarray, null: str, rng: np.random.Generator, precomputed: bool) -> np.ndarray:
    order = rng.permutation(Y.shape[-2])
    Y = Y[order][:, order] if precomputed else Y[..., order, :]
    if null == "trials":
        return Y
    there_and_back = np.concatenate([Y, Y[::-1]])
    return np.roll(there_and_back, rng.integers(len(there_and_back)), axis=0)[: len(Y)]


def _shuffleable(
    X, Y, permutations: int, null: str, precomputed: bool
) -> tuple[np.ndarray, np.ndarray]:
    validation.at_least("permutations", permutations, 1)
    validation.known("null", null, NULLS)
    X, Y = validation.pair(X, Y, precomputed=precomputed)
    if Y.shape[-2] < 2:
        raise ValueError(
            "there is one trial, and the null shuffles trials; pass (samples, neurons) if its "
            "time bins are independent"
        )
    if null != "trials" and (Y.ndim == 2 or len(Y) < 2):
        raise ValueError(
            f"the null {null!r} shifts time bins; pass (time, trial, neuron) with 2 bins or more, "
            f"got {Y.shape}"
        )
    return X, Y


@on_free_cores
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
    penalty = bound.params.get("penalty", 0.0)
    forms = {
        "cka": lambda: np.sqrt(participation_ratio(X) * participation_ratio(Y)) / free,
        "ensd": lambda: participation_ratio(X) * participation_ratio(Y) / free,
        "linreg": lambda: len(principal_components(Y)[1]) / free,
        "ridge": lambda: explained_by_ridge(principal_components(Y)[1], penalty).sum() / free,
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


def chance_corrected(score: float, chance: float) -> float:
    """(score - chance) / (1 - chance): 0 at chance, 1 at a perfect score, as for a kappa.

    Args:
        score, chance: of a measure that is at most 1.

    Returns:
        A float, at most 1.

    Raises:
        ValueError: for a chance of 1, within rounding, or more.

    Example:
        >>> import simlib as sl
        >>> round(sl.calibration.chance_corrected(0.8, chance=0.6), 3)
        0.5
    """
    if not 1 - chance > ROUNDING:
        raise ValueError(f"chance lies below the maximum 1, by more than rounding; got {chance}")
    return (score - chance) / (1 - chance)


class Ceiling(NamedTuple):
    """What noise allows: the score of half against half, and that of the noise-free signal.

    Attributes:
        mean, spread: of the score of half against half over random halves, in the measure's unit;
            spread is the standard deviation.
        estimate, low, high: score of the noise-free signal with the mean of all repeats, and its
            95% interval; NaN where the repeats don't tell.
        note: why they don't.

    Example:
        >>> import simlib as sl
        >>> sl.calibration.Ceiling(mean=0.9, spread=0.1).mean
        0.9
    """

    mean: float
    spread: float
    estimate: float = np.nan
    low: float = np.nan
    high: float = np.nan
    note: str = ""


@on_free_cores
def noise_ceiling(name: Name, repeats, *, splits: int = 20, seed: int = 0) -> Ceiling:
    """What noise allows a model: a lower bound, and the estimated score of the signal itself.

    The bound is the score between means of random halves of each trial's repeats (`mean`). A model
    that is the signal scores higher with the mean of all repeats: that holds less noise, and the
    model none. Only where neurons are many against samples can half against half score higher,
    since there noise explains noise: linear regression of n <= p gives 1.

    The `estimate` is of that higher score, by indirect inference. Recordings are simulated from
    signals and noise like those of the data; over them the score of their signal with the mean is
    regressed on the score of their halves and on how well these correlate, and read off at the
    data's own. The residuals give the interval. It assumes that noise is independent from trial to
    trial, and that the noise covariance of neurons is the same for all but its size. The page on
    your own data says how often the interval covered. Sources: Gourieroux et al. 1993 (indirect
    inference); Beaumont et al. 2002 (regression).

    Args:
        name: id, bound measure or callable. A regression measure predicts one half from the other,
            and the mean from the signal.
        repeats: (repeat, samples, neuron) or (repeat, time, trial, neuron), 2 repeats or more of
            each trial; a repeat that a trial lacks is NaN in all its bins and neurons.
        splits: random halves to average over.
        seed: of halves and simulations.

    Returns:
        A Ceiling. Its estimate is NaN, with a note, where halves correlate by less than 0.2, and
        where the measure scores all halves the same.

    Raises:
        ValueError: for fewer than 2 repeats of a trial and values that can't be scored.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> round(sl.calibration.noise_ceiling("nbs", [X, X]).estimate, 3)
        1.0
    """
    validation.at_least("splits", splits, 1)
    (found,) = _ceilings([measure(name)], repeated.array(repeats), splits, seed)
    if isinstance(found, Exception):
        raise found
    return found


def _ceilings(
    bounds: Sequence[Measure], repeats: np.ndarray, splits: int, seed: int
) -> list[Ceiling | Exception]:
    """A ceiling for each measure, or why it has none, from the same simulations."""
    rng = np.random.default_rng(seed)
    pairs = [repeated.halves(repeats, rng) for _ in range(max(splits, SPLITS))]
    seen = repeated.agreement(pairs[:SPLITS])
    halves = [_attempt(_half_scores, bound, pairs) for bound in bounds]
    agreements, simulated = [], [[] for _ in bounds]
    if seen >= LEAST_AGREEMENT:
        for simulation in repeated.simulations(repeats, SIMULATIONS, SPLITS, rng):
            agreements.append(repeated.agreement(simulation.halves))
            for bound, rows in zip(bounds, simulated, strict=True):
                rows.append(_attempt(_simulated_scores, bound, simulation))
    return [
        half if isinstance(half, Exception) else _ceiling(*each, half, splits, seen, agreements)
        for half, *each in zip(halves, bounds, simulated, strict=True)
    ]


def _attempt(function: Callable, *values):
    """What the function returns, or the error of a measure that is not defined on these values."""
    try:
        return function(*values)
    except UNDEFINED as error:
        return error


def _half_scores(bound: Measure, pairs: list) -> list[float]:
    if bound.params.get("precomputed"):
        raise ValueError("a noise ceiling needs repeats of responses, not of their dissimilarities")
    return [score(bound, *pair) for pair in pairs]


def _simulated_scores(bound: Measure, made: repeated.Simulation) -> tuple[float, float]:
    """Score of half against half, and of the signal with the mean of all repeats."""
    return float(np.mean(_half_scores(bound, made.halves))), score(bound, made.mean, made.signal)


def _ceiling(
    bound: Measure,
    simulated: list,
    halves: list[float],
    splits: int,
    seen: float,
    agreements: list[float],
) -> Ceiling:
    found = Ceiling(float(np.mean(halves[:splits])), float(np.std(halves[:splits])))
    failures = [str(row) for row in simulated if isinstance(row, Exception)]
    if seen < LEAST_AGREEMENT:
        note = f"halves of the repeats correlate by {seen:.2f}, less than {LEAST_AGREEMENT}"
        return found._replace(note=f"{note}: too noisy to tell what the signal would score")
    if failures:
        return found._replace(note=f"no estimate of the ceiling: {failures[0]}")
    half, own = np.transpose(simulated)
    values, level = _comparable(bound, [*half, *halves])
    if seen < 1 - ROUNDING and np.ptp(values) <= level:
        note = "half against half scores the same whatever the noise"
        return found._replace(note=f"{note}: saturated, it says nothing of the signal's score")
    observed = np.mean(halves[:SPLITS]), seen
    offsets = np.stack([half, agreements], 1) - observed
    design = np.column_stack([np.ones(len(own)), offsets / np.maximum(offsets.std(0), 1e-12)])
    coefficients = np.linalg.lstsq(design, own, rcond=None)[0]
    left = np.square(own - design @ coefficients).sum() / (len(own) - design.shape[1])
    spread = np.sqrt(left * (1 + np.linalg.pinv(design.T @ design)[0, 0]))
    ends = coefficients[0] + np.array([0, -2.0, 2.0]) * spread  # t of 57 degrees of freedom
    return found._replace(
        **dict(zip(("estimate", "low", "high"), np.clip(ends, *bound.range).tolist(), strict=True))
    )


def _comparable(bound: Measure, scores: Sequence[float]) -> tuple[np.ndarray, float]:
    """Scores in a unit in which rounding is even, and up to which difference they are equal there.

    Distances are squared: an angle of 0 is only computed to the root of rounding.
    """
    ends = np.array([*scores, *bound.range])
    ends = np.sign(ends) * ends**2 if bound.direction < 0 else ends
    values, (low, high) = ends[:-2], ends[-2:]
    return values, ROUNDING * (high - low if np.isfinite(high - low) else np.abs(values).max())


@on_free_cores
def compare(
    X,
    Y,
    names: Sequence[Name] | None = None,
    *,
    repeats=None,
    permutations: int = 100,
    null: str = "trials",
    seed: int = 0,
) -> pd.DataFrame:
    """Every measure of two datasets of your own beside what chance gives on them, a row a measure.

    Args:
        X, Y: (samples, neurons) or (time, trial, neuron), with the same samples; regression
            measures predict X from Y. Labels along trial say which is which, as for `score`.
        names: ids or bound measures; all of MEASURES if None.
        repeats: of X, for the ceiling (`calibration.noise_ceiling`); X is their mean.
        permutations, null, seed: as for `calibration.permutation_null`.

    Returns:
        A table with columns measure, title, score, direction (+1: grows with similarity; -1: a
            distance), low and high (the measure's range), chance and chance_spread (mean and
            standard deviation of the null), corrected (`calibration.chance_corrected`, for
            scores of at most 1), z (distance from chance in its standard deviations, positive where
            more similar), p (share of the null at least as similar, ties within rounding and the
            data's own order counted among it, so never 0), ceiling_bound (score of half against
            half of the repeats), ceiling with ceiling_low and ceiling_high (estimated score of the
            noise-free signal, and its 95% interval) and note. A measure that saturates, where
            data and null all score the same, has a p of 1 and neither corrected nor z; one that
            isn't defined on these data has NaN throughout. The note says why.

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
    listed = validation.names(names, "names") if names is not None else MEASURES
    bounds = [measure(name) for name in listed]
    precomputed = all(bound.params.get("precomputed") for bound in bounds)
    labelled = X
    X, Y = _shuffleable(X, Y, permutations, null, precomputed)
    ceilings = [{"note": ""}] * len(bounds)
    if repeats is not None:
        repeats = np.asarray(repeated.in_one_order(repeats, labelled), dtype=np.float64)
        if repeats.shape[1:] != X.shape:
            needed = f"(repeat, {', '.join(map(str, X.shape))})"
            raise ValueError(f"repeats needs the shape {needed}; got {repeats.shape}")
        found = _ceilings(bounds, repeated.array(repeats), 20, seed)
        ceilings = [each if isinstance(each, Exception) else _columns(each) for each in found]
    rows, known = [], {}
    with shuffles.shared():  # from the last on: PWCCA leaves what CCA needs
        scored = [
            _attempt(_beside_chance, bound, X, Y, permutations, null, seed, known)
            for bound in reversed(bounds)
        ]
    for bound, *parts in zip(bounds, reversed(scored), ceilings, strict=True):
        row = {
            "measure": bound.id,
            "title": bound.title,
            "direction": bound.direction,
            "low": bound.range[0],
            "high": bound.range[1],
        }
        for k, part in enumerate(parts):
            if isinstance(part, Exception):  # the others have their rows
                parts[k] = {"note": str(part) or type(part).__name__}
        notes = dict.fromkeys(part["note"] for part in parts if part["note"])
        rows.append(row | parts[0] | parts[1] | {"note": "; ".join(notes)})
    columns = (
        "measure title score direction low high chance chance_spread corrected z p ceiling_bound "
        "ceiling ceiling_low ceiling_high note"
    )
    return pd.DataFrame(rows).reindex(columns=columns.split())


def _columns(ceiling: Ceiling) -> dict[str, float | str]:
    return {
        "ceiling_bound": ceiling.mean,
        "ceiling": ceiling.estimate,
        "ceiling_low": ceiling.low,
        "ceiling_high": ceiling.high,
        "note": ceiling.note,
    }


def _beside_chance(
    bound: Measure, X, Y, permutations: int, null: str, seed: int, known: dict
) -> dict[str, float | str]:
    value = score(bound, X, Y)
    scores = _null(bound, X, Y, permutations, null, seed, known)
    chance, spread = scores.mean(), scores.std()
    (own, *others), level = _comparable(bound, [value, *scores])
    constant = np.ptp(others) <= level
    saturated = constant and abs(own - np.mean(others)) <= level
    correctable = bound.direction > 0 and bound.range[1] == 1 and 1 - chance > ROUNDING
    note = f"saturated: with its trials shuffled Y scores the same, {value:.6g}"
    return {
        "score": value,
        "chance": chance,
        "chance_spread": spread,
        "corrected": chance_corrected(value, chance) if correctable and not saturated else np.nan,
        "z": np.nan if constant else bound.direction * (value - chance) / spread,
        "p": (1 + (bound.direction * (np.array(others) - own) >= -level).sum())
        / (1 + permutations),
        "note": note if saturated else "",
    }
