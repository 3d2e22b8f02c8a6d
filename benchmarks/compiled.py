"""A step of the ascent under torch.compile: how many times faster, and how long the first call
compiles.

python benchmarks/compiled.py
"""

import os

os.environ.setdefault(
    "TORCHINDUCTOR_COMPILE_THREADS", "1"
)  # its pool of compilers would run on beside the timings
os.environ.setdefault(
    "TORCHINDUCTOR_FORCE_DISABLE_CACHES", "1"
)  # the first call as on a new machine

import logging

import pandas as pd
import torch
from steps import alternate, seconds, step

import simlib as sl

logging.getLogger("torch._dynamo").setLevel(logging.ERROR)  # what it leaves to plain torch

SIZES = ((12, 2), (270, 205), (1080, 727))
MEASURES = ("cka", "procrustes-angular-score", "linreg")


def row(measure: str, n: int, p: int, repeats: int) -> dict:
    X, Y = torch.randn(2, n, p, generator=torch.Generator().manual_seed(0))
    towards = sl.measure(measure).towards(X)
    plain, ours = step(towards, Y), step(torch.compile(towards, dynamic=False), Y)
    first = seconds(ours)
    return {
        "samples": n,
        "neurons": p,
        "measure": measure,
        **alternate(plain, ours, repeats),
        "first call (s)": first,
    }


def table(repeats: int = 15) -> pd.DataFrame:
    return pd.DataFrame([row(measure, *size, repeats) for size in SIZES for measure in MEASURES])


if __name__ == "__main__":
    print(table().round(2).to_string(index=False))
