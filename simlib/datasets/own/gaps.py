"""Values that are missing: refused with their places and shares, or dealt with as asked."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS
from simlib.datasets.processing import condition_averages, noted

POLICIES = ("refuse", "drop-neurons", "drop-trials", "average")


def without_gaps(
    data: xr.DataArray, missing: str | Sequence[str] = "refuse", labels: Sequence[str] = ()
) -> xr.DataArray:
    """The recording (time, trial, neuron) without NaN and infinite values.

    `missing` is a policy, or several that are followed in turn: "drop-neurons" and "drop-trials"
    leave out those with any missing value, "average" averages the repeats of each condition over
    those that have the value (`condition_averages`). Each is noted with its counts. Raises
    ValueError for an unknown policy, when nothing is left, and when values are still missing at the
    end ("refuse": at once).
    """
    for policy in [missing] if isinstance(missing, str) else missing:
        validation.known("policy for missing values", policy, POLICIES)
        bad = ~np.isfinite(data)
        if policy == "average":
            data = condition_averages(data)
        elif policy.startswith("drop") and bad.any():
            dim = policy.removeprefix("drop-")[:-1]
            keep = ~bad.any([other for other in DIMS if other != dim]).values
            if not keep.any():
                raise ValueError(f"missing={policy!r} would leave no {dim}: {_report(bad.values)}")
            data = noted(
                data.isel({dim: keep}),
                policy,
                dropped=int((~keep).sum()),
                missing_share=float(bad.mean()),
            )
    bad = ~np.isfinite(data.values)
    if bad.any():
        raise ValueError(
            f"X has {_report(bad)}. Nothing is repaired in silence: the option "
            "missing='drop-neurons' or 'drop-trials' "
            "leaves those out, 'average' averages the repeats of each condition that have the "
            "value, and a list does "
            "one after the other, missing=['average', 'drop-trials']"
        )
    return data


def _report(bad: np.ndarray) -> str:
    """How many values are missing, where the first one is, and how many trials and neurons are
    concerned.
    """
    place = ", ".join(f"{dim} {int(i)}" for dim, i in zip(DIMS, np.argwhere(bad)[0], strict=True))
    parts = [
        f"{int(bad.sum())} of {bad.size} values ({100 * bad.mean():.1f}%) that are NaN or "
        f"infinite, first at {place}"
    ]
    for dim, others in (("trial", (0, 2)), ("neuron", (0, 1))):
        some, every = bad.any(axis=others), bad.all(axis=others)
        parts.append(
            f"{some.sum()} of {some.size} {dim}s have some, {every.sum()} have nothing else"
        )
    return "; ".join(parts)
