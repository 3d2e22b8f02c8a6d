"""Scores of shuffled trials: what belongs to a side computed once, beside one score after another.

    python benchmarks/nulls.py

Milliseconds of an order of the trials, with all threads. At the first size the loop over
`simlib.score` takes its turn; the other two say how the time grows with samples and neurons. The
last row is `simlib.compare` of all measures, which share what they can.
"""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
from steps import REST, seconds

import simlib as sl

SIZES = {"ms": (500, 200), "twice the samples": (1000, 200), "half the neurons": (500, 100)}
ORDERS, LOOP = 100, 4  # orders of a run by either way
MEASURES = [id for id, record in sl.MEASURES.items() if record.shuffled and not record.of]
PERMUTATIONS = 1000, 200, 200  # of the comparison of each size


def sides(n: int, p: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((n, p)) for _ in "XY"]


def ms(bound: sl.measures.Measure, X: np.ndarray, Y: np.ndarray, orders: int) -> float:
    time.sleep(REST)
    call = sl.calibration.permutation_null
    return 1e3 * seconds(lambda: call(bound, X, Y, permutations=orders)) / orders


def row(measure: str, repeats: int) -> dict:
    record = sl.measure(measure)
    data = {name: sides(*size) for name, size in SIZES.items()}
    loop, first = replace(record, shuffled=None), data["ms"]
    pairs = [(ms(loop, *first, LOOP), ms(record, *first, ORDERS)) for _ in range(repeats + 1)]
    theirs, ours = np.array(pairs[1:]).T  # the first pair warms up
    ratios = theirs / ours
    return {
        "measure": measure,
        "ms": np.median(ours),
        "ratio": np.median(ratios),
        "least": ratios.min(),
        "greatest": ratios.max(),
        **{name: ms(record, *data[name], ORDERS) for name in list(SIZES)[1:]},
    }


def compared(size: tuple[int, int], permutations: int) -> float:
    """Milliseconds of a permutation of all measures together."""
    X, Y = sides(*size)
    return 1e3 * seconds(lambda: sl.compare(X, Y, permutations=permutations)) / permutations


def table(repeats: int = 5) -> pd.DataFrame:
    whole = map(compared, SIZES.values(), PERMUTATIONS)
    last = {"measure": "all", **dict(zip(SIZES, whole, strict=True))}
    return pd.DataFrame([*(row(measure, repeats) for measure in MEASURES), last])


if __name__ == "__main__":
    print(table().round(2).to_string(index=False))
