"""What the choice of folds does to a regression score: smooth responses, scored under each
scheme.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from simlib import datasets, measures
from simlib.datasets.made import smooth
from simlib.experiments import settings, store
from simlib.experiments.claims import claim_table
from simlib.optimize import maximize

__all__ = ["FOLD_SCHEMES", "claims_about_folds", "fold_scores", "fold_transfer"]

FOLD_SCHEMES = ("condition", "contiguous", "random")
CONTENTS = ("nothing of X", "half of X")
FOLDS = 5


def smooth_responses(
    spread: np.ndarray, times: int, trials: int, length: float, seed: Sequence[int]
) -> np.ndarray:
    """Gaussian responses (time, trial, neuron) whose PCs have about these standard deviations.

    Each PC of each trial follows its own Gaussian process over time, with a squared-exponential
    covariance of `length` bins (0: independent bins).
    """
    rng = np.random.default_rng(seed)
    shape = (trials, len(spread))
    courses = smooth(rng, times, shape, length) if length else rng.standard_normal((times, *shape))
    rotation = np.linalg.qr(rng.standard_normal((len(spread), len(spread))))[0]
    return courses * spread @ rotation.T


def _fold_scores(
    dataset: str,
    options: dict,
    data_hash: str,
    length: float,
    penalty: float,
    seed: int,
    quick: bool,
) -> pd.DataFrame:
    """R^2 under each scheme of smooth responses predicted from unrelated and from related ones."""
    data = datasets.load(dataset, **options)
    times, trials, neurons = data.shape
    flat = data.values.reshape(-1, neurons)
    spread = np.linalg.svd(flat - flat.mean(0), compute_uv=False)
    spread = spread / np.sqrt(np.mean(spread**2))
    X, other = (smooth_responses(spread, times, trials, length, [seed, side]) for side in range(2))
    rows = []
    for content, Y in zip(CONTENTS, (other, (X + other) / np.sqrt(2)), strict=True):
        for scheme in FOLD_SCHEMES:
            measure = measures.measure("ridge-cv", penalty=penalty, scheme=scheme, folds=FOLDS)
            score = measures.score(measure, X, Y)
            rows.append({"content": content, "scheme": scheme, "score": score})
    return pd.DataFrame(rows).assign(
        dataset=dataset,
        length=length,
        penalty=penalty,
        seed=seed,
        surrogate=True,
        settings=settings.label(quick),
        title=data.attrs["title"],
    )


def fold_scores(
    dataset: str,
    lengths: Sequence[float],
    *,
    penalties: Sequence[float] = (100.0,),
    seeds: Sequence[int] = (0,),
    quick: bool = False,
    jobs: int = 1,
) -> pd.DataFrame:
    """Cross-validated ridge R^2 of the same X and Y under three fold schemes, against how smooth
    they are in time.

    X and Y are Gaussian, of the dataset's shape and spectrum (mean square 1), with smooth time
    courses of each trial's own. `content`: Y is drawn independently ("nothing of X"), or is the
    mean of X and such a draw ("half of X"). Columns dataset, title, content, scheme, length (time
    bins), penalty, seed, score, settings, surrogate.
    """
    options = settings.load_options(dataset, quick)
    data = datasets.load(dataset, **options)
    shared = {
        "dataset": dataset,
        "options": options,
        "quick": bool(quick),
        "data_hash": settings.provenance(data, quick)["data_hash"],
    }
    tasks = [
        {**shared, "length": float(length), "penalty": float(penalty), "seed": int(seed)}
        for length in lengths
        for penalty in penalties
        for seed in seeds
    ]
    return pd.concat(store.run(_fold_scores, tasks, jobs), ignore_index=True)


def _fold_transfer(
    dataset: str,
    options: dict,
    data_hash: str,
    climbed: str,
    seed: int,
    steps: int,
    stop: float,
    quick: bool,
) -> pd.DataFrame:
    """The Y that one scheme's score was climbed to, scored under every scheme."""
    data = datasets.load(dataset, **options)
    bound = {
        scheme: measures.measure(
            "ridge-cv",
            scheme=scheme,
            folds=FOLDS,
            **({"conditions": data.shape[1]} if scheme == "condition" else {}),
        )
        for scheme in FOLD_SCHEMES
    }
    Y = maximize(bound[climbed], data.values, seed=seed, steps=steps, stop=stop).Y
    rows = [
        {"scored": scheme, "score": measures.score(bound[scheme], data.values, Y)}
        for scheme in FOLD_SCHEMES
    ]
    return pd.DataFrame(rows).assign(
        dataset=dataset,
        climbed=climbed,
        seed=seed,
        settings=settings.label(quick),
        surrogate=bool(data.attrs["surrogate"]),
        title=data.attrs["title"],
    )


def fold_transfer(
    dataset: str,
    *,
    seeds: Sequence[int] = (0,),
    steps: int = 1000,
    stop: float = 0.9,
    quick: bool = False,
    jobs: int = 1,
) -> pd.DataFrame:
    """Noise that climbed the ridge score of one scheme to `stop`, scored under each: a row a pair
    of schemes and seed.

    Columns dataset, title, climbed, scored, seed, score, settings, surrogate.
    """
    options = settings.load_options(dataset, quick)
    data_hash = settings.provenance(datasets.load(dataset, **options), quick)["data_hash"]
    shared = {
        "dataset": dataset,
        "options": options,
        "quick": bool(quick),
        "data_hash": data_hash,
        "steps": int(steps),
        "stop": stop,
    }
    tasks = [
        {**shared, "climbed": scheme, "seed": int(seed)}
        for scheme in FOLD_SCHEMES
        for seed in seeds
    ]
    return pd.concat(store.run(_fold_transfer, tasks, jobs), ignore_index=True)


def _range(scores: pd.Series) -> str:
    return (
        f"{scores.min():.2f} to {scores.max():.2f}"
        if np.ptp(scores) >= 0.005
        else f"{scores.min():.2f}"
    )


def claims_about_folds(table: pd.DataFrame, transfer: pd.DataFrame) -> pd.DataFrame:
    """Random folds reward responses that share nothing but smoothness; what was climbed, all
    schemes recognise.

    `table` is that of `fold_scores`, `transfer` that of `fold_transfer`.
    """
    smoothest = table[table["length"] == table["length"].max()]
    unrelated = smoothest[smoothest["content"] == CONTENTS[0]]
    unrelated = unrelated.pivot(index=["penalty", "seed"], columns="scheme", values="score")
    runs = table[table["length"] == 0].groupby(["content", "penalty", "seed"])["score"]
    spread = float((runs.max() - runs.min()).max())
    length = f"{smoothest['length'].iloc[0]:g} bins"
    wide = transfer.pivot_table(index=["climbed", "seed"], columns="scored", values="score")
    own = pd.Series([row[climbed] for (climbed, _), row in wide.iterrows()], index=wide.index)
    gap = float((own - wide.min(axis=1)).max())
    statements = [
        (
            f"unrelated responses, smooth over {length}, predict X with random folds: R^2 above "
            "0.1",
            _range(unrelated["random"]),
            unrelated["random"].min() > 0.1,
        ),
        (
            "folds of whole trials are not fooled: R^2 below 0",
            _range(unrelated["condition"]),
            unrelated["condition"].max() < 0,
        ),
        (
            "contiguous folds lie between the two, seed by seed",
            _range(unrelated["contiguous"]),
            unrelated["contiguous"].between(unrelated["condition"], unrelated["random"]).all(),
        ),
        (
            "where time bins are independent the schemes agree within 0.05",
            f"at most {spread:.3f} apart",
            spread < 0.05,
        ),
        (
            "each scheme scores what has climbed it highest, the others at most 0.1 less",
            f"at most {gap:.2f} less",
            gap < 0.1 and (own >= wide.max(axis=1)).all(),
        ),
    ]
    dataset = table["dataset"].iloc[0]
    return claim_table(
        [
            {
                "dataset": dataset,
                "claim": claim,
                "evidence": evidence,
                "holds": bool(holds),
                "asserted": True,
            }
            for claim, evidence, holds in statements
        ]
    )
