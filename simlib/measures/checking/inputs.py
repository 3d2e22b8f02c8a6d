"""Checks of the input: layouts, containers and dtypes that mean the same; bad input refused."""

import numpy as np
import torch
import xarray as xr

from simlib import measures
from simlib.measures.checking.bench import (
    NEURONS,
    SAMPLES,
    Bench,
    Check,
    Finding,
)


def _unwritten(bench: Bench) -> Finding:
    X, Y = bench.X.clone(), bench.Y.clone()
    bench.record(X, Y)
    sides = {"X": (X, bench.X), "Y": (Y, bench.Y)}
    written = " and ".join(name for name, (Z, kept) in sides.items() if not torch.equal(Z, kept))
    return Finding(not written, f"wrote into {written}" if written else "both as they were")


def _as_it_stands(bench: Bench, X: torch.Tensor, Y: torch.Tensor) -> Finding:
    """The number of X and Y in the memory they have: `Bench.value` would hand over fresh copies."""
    return bench.unchanged(float(bench.record(X, Y).detach()))


def _strided(bench: Bench) -> Finding:
    def view(Z: torch.Tensor) -> torch.Tensor:
        larger = torch.full((2 * SAMPLES, 2 * NEURONS), 7.0, dtype=Z.dtype)
        larger[::2, ::2] = Z
        return larger[::2, ::2]

    return _as_it_stands(bench, view(bench.X), view(bench.Y))


def _scored(bench: Bench, X, Y) -> Finding:
    return bench.unchanged(measures.score(bench.record, X, Y))


def _read_only(bench: Bench) -> Finding:
    X, Y = bench.X.numpy().copy(), bench.Y.numpy().copy()
    for Z in (X, Y):
        Z.flags.writeable = False
    scored = _scored(bench, X, Y)
    kept = np.array_equal(X, bench.X.numpy()) and np.array_equal(Y, bench.Y.numpy())
    return scored if kept else Finding(False, "read-only arrays were written into")


def _layouts(bench: Bench) -> Finding:
    if bench.record.params.get("scheme") == "condition":
        return Finding(None, "folds by condition take the conditions from the third axis")
    shape = (5, SAMPLES // 5, NEURONS)
    return _scored(bench, *(Z.numpy().reshape(shape) for Z in (bench.X, bench.Y)))


def _containers(bench: Bench) -> Finding:
    named = xr.DataArray(bench.X.numpy().T, dims=("neuron", "trial"))
    findings = [_scored(bench, named, bench.Y), _scored(bench, bench.X.numpy(), bench.Y.numpy())]
    return min(findings, key=lambda one: one.holds)  # the first that fails


def _counts(bench: Bench) -> Finding:
    X, Y = ((4 * Z).round() for Z in (bench.X, bench.Y))
    counts = measures.score(bench.record, X.int().numpy(), Y.int().numpy())
    change = abs(counts - bench.number(X, Y))
    return Finding(change < bench.slack(bench.plain), f"changes by {change:.1e}")


def _refused(bench: Bench, Y: torch.Tensor, says: str) -> Finding:
    """Whether `score` raises ValueError with these words for a spoilt Y."""
    try:
        value = measures.score(bench.record, bench.X, Y)
    except ValueError as error:
        return Finding(says in str(error), f"refused: {str(error).splitlines()[0]}")
    return Finding(False, f"scored as {value:.4g}")


def _refused_with(bench: Bench, value: float) -> Finding:
    Y = bench.Y.clone()
    Y[3, 2] = value
    return _refused(bench, Y, "sample 3, neuron 2")


INPUTS = (
    Check(
        "inputs left alone",
        "A measure that writes into its input spoils the user's data.",
        _unwritten,
    ),
    Check(
        "Fortran order",
        "Transposed arrays and files of MATLAB come column by column.",
        lambda bench: _as_it_stands(bench, bench.X.T.contiguous().T, bench.Y.T.contiguous().T),
    ),
    Check("strided views", "A slice of a larger recording is not contiguous.", _strided),
    Check("read-only arrays", "Memory-mapped and shared arrays can't be written.", _read_only),
    Check(
        "time, trial, neuron",
        "Three axes are flattened to samples: the same data, the same score.",
        _layouts,
    ),
    Check("numpy, torch, xarray", "The container of the numbers is no part of them.", _containers),
    Check("integer counts", "Spike counts are integers.", _counts),
    Check(
        "constant Y refused",
        "Without variance there is nothing to compare; the wrong array was loaded.",
        lambda bench: _refused(bench, torch.zeros_like(bench.Y), "constant"),
    ),
    Check(
        "NaN refused",
        "A gap in the data has to be named with its place, never passed on or filled.",
        lambda bench: _refused_with(bench, torch.nan),
    ),
    Check(
        "infinity refused",
        "A division by zero upstream has to be named with its place.",
        lambda bench: _refused_with(bench, torch.inf),
    ),
    Check(
        "lost sample refused",
        "Rows that can't be paired must not be cut to fit.",
        lambda bench: _refused(bench, bench.Y[:-1], "same samples"),
    ),
    Check(
        "one axis refused",
        "A vector could be one neuron or one sample.",
        lambda bench: _refused(bench, bench.Y[:, 0], "shape"),
    ),
)
