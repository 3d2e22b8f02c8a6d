"""What a score is worth: the level that chance reaches on the same data, and the table of all measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch

from simlib import checks
from simlib.measures import MEASURES, Measure, measure

__all__ = ["compare", "permutation_null"]


def permutation_null(
    name: str | Measure | Callable, X, Y, *, permutations: int = 100, seed: int = 0
) -> np.ndarray:
    """Scores of X against Y with its trials shuffled, (permutations,): what no correspondence scores.

    Whole trials change places (samples, for two axes); the time bins of a trial stay together, since they
    are not independent. X and Y as in `score`; computed in float64. Raises ValueError for fewer than one
    permutation and for inputs that can't be scored.
    """
    if permutations < 1:
        raise ValueError(f"permutations needs to be 1 or more; got {permutations}")
    bound = measure(name)
    X, Y = checks.pair(X, Y)
    rng = np.random.default_rng(seed)
    fixed = torch.from_numpy(checks.flat(X))
    null = []
    for _ in range(permutations):
        shuffled = Y[..., rng.permutation(Y.shape[-2]), :]
        null.append(float(bound(fixed, torch.from_numpy(checks.flat(shuffled)))))
    return np.array(null)


def compare(
    X, Y, names: Sequence[str | Measure] | None = None, *, permutations: int = 100, seed: int = 0
) -> pd.DataFrame:
    """Every measure of two datasets of your own beside what chance gives on them, a row a measure.

    X and Y hold the same samples, as in `score`; regression measures predict X from Y. Columns: `measure`,
    `title`, `score`, `direction` (+1: grows with similarity; -1: a distance), `low` and `high` (the
    measure's range), `chance` (mean of `permutation_null`), `z` (distance from chance in standard deviations
    of the null, positive where more similar), `p` (share of permutations at least as similar, with the data's
    own order counted among them, so never 0).
    """
    rows = []
    for name in names if names is not None else MEASURES:
        bound = measure(name)
        left, right = checks.pair(X, Y)
        value = float(bound(torch.from_numpy(checks.flat(left)), torch.from_numpy(checks.flat(right))))
        null = permutation_null(bound, X, Y, permutations=permutations, seed=seed)
        spread = null.std()
        gain = bound.direction * (value - null.mean())
        as_similar = (bound.direction * (null - value) >= 0).sum()
        rows.append({
            "measure": bound.id, "title": bound.title, "score": value, "direction": bound.direction,
            "low": bound.range[0], "high": bound.range[1], "chance": null.mean(),
            "z": gain / spread if spread > 0 else np.nan,
            "p": (1 + as_similar) / (1 + permutations),
        })
    return pd.DataFrame(rows)
