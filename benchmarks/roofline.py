"""Share of the machine's peak that one step of each measure reaches: the time its matrix products
would take alone.

    python benchmarks/roofline.py [--shapes mante ...]

The peak is that of a square product (1024 x 1024) on this machine in this run. Bound: the
floating-point operations of the products that the formula needs, in the precision they are done in,
over that peak. Eigenvalues, factorisations and passes over Y are not products: what they take is
what is lost. Both also beside a process that keeps half of the cores busy.
"""

import argparse
from contextlib import nullcontext

import numpy as np
import pandas as pd
import torch
from busy import other_work
from steps import SHAPES, ascended, seconds, step

import simlib as sl
from simlib.threads import on_free_cores

LOST = {
    "cka": "passes over Y and over the Gram matrices, which are bound by memory",
    "nbs": "the singular values and vectors of X'Y",
    "procrustes-angular-score": "the singular values and vectors of X'Y",
    "linreg": "the Cholesky factor and its inverse",
    "ridge-cv": "one system of equations a fold, and autograd's second pass",
}


def best(call, repeats: int = 7) -> np.ndarray:
    """Least seconds of a call, on the quiet machine and beside other work."""
    call, found = on_free_cores(call), []
    for beside in (nullcontext(), other_work()):
        with beside:
            call()
            found.append(min(seconds(call) for _ in range(repeats)))
    return np.array(found)


def peak(dtype: torch.dtype, size: int = 1024) -> np.ndarray:
    """Floating-point operations a second of a square matrix product, quiet and beside other
    work.
    """
    A = torch.randn(size, size, dtype=dtype, generator=torch.Generator().manual_seed(0))
    return 2 * size**3 / best(lambda: A @ A, 15)


def products(measure: str, n: int, p: int) -> dict[torch.dtype, float]:
    """Operations of the matrix products in a score and its gradient, q = p, by precision."""
    across, square = 2 * n * p * p, 2 * p**3
    single = torch.float32
    if measure == "cka":
        return {single: min(2 * 2 * n * n * p, 4 * across) if n < 2 * p else 4 * across}
    if measure in ("nbs", "procrustes-angular-score"):
        return {single: 2 * across + square}
    if measure == "linreg":
        return {single: 4 * across + 2 * square}
    folds = 5
    if (
        n // folds > p
    ):  # a Gram matrix, a product with X and a prediction a fold, each with two in the gradient
        return {single: 9 * across + folds * 3 * square}
    return {single: 3 * 3 * 2 * n * n * p}


def table(names, repeats: int = 7) -> pd.DataFrame:
    peaks = {torch.float32: peak(torch.float32)}
    found = []
    for name in names:
        values = sl.datasets.load(SHAPES[name]).values
        X = torch.from_numpy(values.reshape(-1, values.shape[-1])).float()
        for measure, reason in LOST.items():
            Y = ascended(measure, values).reshape(X.shape)
            took = best(step(sl.measure(measure).towards(X), Y), repeats)
            bound = sum(work / peaks[dtype] for dtype, work in products(measure, *X.shape).items())
            found.append(
                {
                    "shape": name,
                    "measure": measure,
                    "ms": 1e3 * took[0],
                    "products alone (ms)": 1e3 * bound[0],
                    "share": bound[0] / took[0],
                    "beside (ms)": 1e3 * took[1],
                    "share beside": bound[1] / took[1],
                    "the rest": reason,
                }
            )
    return pd.DataFrame(found).assign(
        **{f"peak {str(d)[6:]} (GF/s)": peaks[d][0] / 1e9 for d in peaks}
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shapes", choices=SHAPES, nargs="*", default=["mante"])
    options = parser.parse_args()
    print(table(options.shapes).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
