"""Time of one step of the ascent, one PC capture and one decoding, against plain implementations.

    python benchmarks/steps.py [--shape mante|hatsopoulos|majaj|freeman] [--repeats 5]

The two sides alternate in one process; the table gives the median of the ratios plain / simlib, with the least and the
greatest. Absolute times depend on the machine, the ratios less so.
"""

import argparse
import time

import numpy as np
import pandas as pd
import plain
import torch

import simlib as sl
from simlib.components import captured_variance, left_singular_vectors

SHAPES = {
    "mante": "surrogate-mante2013",
    "hatsopoulos": "surrogate-hatsopoulos2007",
    "majaj": "surrogate-majajhong2015",
    "freeman": "surrogate-freemanziemba2013",
}


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def alternate(plain_call, our_call, repeats):
    """Seconds of ours (median), and the ratios plain / ours of each pair of runs."""
    plain_call(), our_call()
    pairs = np.array([(seconds(plain_call), seconds(our_call)) for _ in range(repeats)])
    return np.median(pairs[:, 1]), pairs[:, 0] / pairs[:, 1]


def step(measure, X, Y):
    def call():
        start = Y.clone().requires_grad_(True)
        measure(X, start).backward()

    return call


def rows(name, repeats):
    data = sl.datasets.load(SHAPES[name])
    values = data.values
    X = torch.from_numpy(values.reshape(-1, values.shape[-1])).float()
    Y = sl.maximize("nbs", values, steps=12).Y
    flat = torch.from_numpy(Y.reshape(X.shape))
    for yardstick, table in (("authors' route", plain.AUTHORS), ("direct formula", plain.DIRECT)):
        for measure, function in table.items():
            if yardstick == "authors' route" and measure == "nbs" and len(X) > 2000:
                repeats_here = 1  # the SVD of two large Gram matrices: minutes
            else:
                repeats_here = repeats
            ours, ratio = alternate(step(function, X, flat), step(sl.measure(measure), X, flat), repeats_here)
            yield name, f"step of {measure}", yardstick, ours, ratio
    vectors = left_singular_vectors(values)
    ours, ratio = alternate(
        lambda: plain.svd_capture(X, flat),
        lambda: captured_variance(values, torch.from_numpy(Y), vectors=vectors),
        repeats,
    )
    yield name, "PC capture", "authors' route", ours, ratio
    labels = data[data.attrs["main_variable"]].values
    ours, ratio = alternate(
        lambda: plain.loop_accuracy(Y, labels), lambda: sl.decoding_accuracy(Y, labels), max(1, repeats // 2)
    )
    yield name, "decoding, one variable", "authors' route", ours, ratio


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, nargs="*", default=["mante", "freeman"])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    found = [
        {"shape": shape, "work": work, "against": against, "ours (ms)": 1e3 * ours, "ratio": np.median(ratio),
         "least": ratio.min(), "greatest": ratio.max()}
        for name in options.shape
        for shape, work, against, ours, ratio in rows(name, options.repeats)
    ]  # fmt: skip
    print(f"{torch.get_num_threads()} threads, float32 ascent")
    print(pd.DataFrame(found).round(1).to_string(index=False))


if __name__ == "__main__":
    main()
