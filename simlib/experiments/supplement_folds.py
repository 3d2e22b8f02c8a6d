"""What the choice of folds does to a regression score: smooth responses, scored under each
scheme.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from simlib import measures
from simlib.datasets.made import smooth_responses
from simlib.experiments import settings, store
from simlib.experiments.claims import values
from simlib.experiments.store import Source
from simlib.optimize import maximize

FOLD_SCHEMES = ("condition", "contiguous", "random")
CONTENTS = ("nothing of X", "half of X")


def _measures(trials: int, **options) -> dict[str, measures.Measure]:
    """Cross-validated ridge regression under each scheme, for data of so many trials."""
    return {
        scheme: measures.measure("ridge-cv", scheme=scheme, folds=5, conditions=trials, **options)
        for scheme in FOLD_SCHEMES
    }


def _fold_scores(
    source: Source, length: float, penalty: float, seed: int, quick: bool
) -> pd.DataFrame:
    """R^2 under each scheme of smooth responses predicted from unrelated and from related ones."""
    data = source.load()
    times, trials, neurons = data.shape
    flat = data.values.reshape(-1, neurons)
    spread = np.linalg.svd(flat - flat.mean(0), compute_uv=False)
    spread = spread / np.sqrt(np.mean(spread**2))
    X, other = (smooth_responses(spread, times, trials, length, [seed, side]) for side in range(2))
    rows = [
        {"content": content, "scheme": scheme, "score": measures.score(measure, X, Y)}
        for content, Y in zip(CONTENTS, (other, (X + other) / np.sqrt(2)), strict=True)
        for scheme, measure in _measures(trials, penalty=penalty).items()
    ]
    facts = settings.provenance(data, quick) | {"surrogate": True}
    return pd.DataFrame(rows).assign(
        dataset=source.dataset, length=length, penalty=penalty, seed=seed, **facts
    )


def fold_scores(
    dataset: str,
    lengths: Sequence[float],
    *,
    penalties: Sequence[float] = (100.0,),
    seeds: Sequence[int] = (0,),
    quick: bool = False,
    jobs: int | str = 1,
) -> pd.DataFrame:
    """Cross-validated ridge R^2 of the same X and Y under three fold schemes, against how smooth
    they are in time.

    X and Y are Gaussian, of the dataset's shape and spectrum (mean square 1), with smooth time
    courses of each trial's own. `content`: Y is drawn independently ("nothing of X"), or is the
    mean of X and such a draw ("half of X"). Columns dataset, title, content, scheme, length (time
    bins), penalty, seed, score, settings, surrogate.
    """
    tasks = [
        {
            "source": settings.source(dataset, quick),
            "length": float(length),
            "penalty": float(penalty),
            "seed": int(seed),
            "quick": bool(quick),
        }
        for length in lengths
        for penalty in penalties
        for seed in seeds
    ]
    return pd.concat(store.run(_fold_scores, tasks, jobs), ignore_index=True)


def _fold_transfer(
    source: Source, climbed: str, seed: int, steps: int, stop: float, quick: bool
) -> pd.DataFrame:
    """The Y that one scheme's score was climbed to, scored under every scheme."""
    data = source.load()
    bound = _measures(data.shape[1])
    Y = maximize(bound[climbed], data.values, seed=seed, steps=steps, stop=stop).Y
    scores = [measures.score(measure, data.values, Y) for measure in bound.values()]
    return pd.DataFrame({"scored": list(bound), "score": scores}).assign(
        dataset=source.dataset, climbed=climbed, seed=seed, **settings.provenance(data, quick)
    )


def fold_transfer(
    dataset: str,
    *,
    seeds: Sequence[int] = (0,),
    steps: int = 1000,
    stop: float = 0.9,
    quick: bool = False,
    jobs: int | str = 1,
) -> pd.DataFrame:
    """Noise that climbed the ridge score of one scheme to `stop`, scored under each: a row a pair
    of schemes and seed.

    Columns dataset, title, climbed, scored, seed, score, settings, surrogate.
    """
    tasks = [
        {
            "source": settings.source(dataset, quick),
            "climbed": scheme,
            "seed": int(seed),
            "steps": int(steps),
            "stop": stop,
            "quick": bool(quick),
        }
        for scheme in FOLD_SCHEMES
        for seed in seeds
    ]
    return pd.concat(store.run(_fold_transfer, tasks, jobs), ignore_index=True)


def fold_values(table: pd.DataFrame, transfer: pd.DataFrame) -> pd.DataFrame:
    """Random folds reward responses that share nothing but smoothness; what was climbed, all
    schemes recognise. Tables of `fold_scores` and `fold_transfer`.
    """
    dataset, rows, keys = table["dataset"].iloc[0], [], ["penalty", "seed"]
    unrelated = table[table["content"] == CONTENTS[0]]
    smoothest = unrelated[unrelated["length"] == unrelated["length"].max()]
    for run, score in smoothest.pivot(index=keys, columns="scheme", values="score").iterrows():
        between = score[["condition", "contiguous", "random"]].diff().min()
        rows += [
            ("random folds are fooled", dataset, run, score["random"]),
            ("folds of whole trials are not fooled", dataset, run, score["condition"]),
            ("contiguous folds lie between", dataset, run, between),
        ]
    independent = table[table["length"] == 0].groupby(["content", *keys])["score"]
    apart = independent.max() - independent.min()
    rows += [("schemes agree on independent bins", dataset, *one) for one in apart.items()]
    wide = transfer.pivot_table(index=["climbed", "seed"], columns="scored", values="score")
    for run, score in wide.iterrows():
        rows += [
            ("other schemes follow", dataset, run, score[run[0]] - score.min()),
            ("its own scheme leads", dataset, run, score.max() - score[run[0]]),
        ]
    return values(rows)
