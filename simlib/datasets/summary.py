"""A recording in words and numbers."""

import json

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import (
    DIMS,
    few_samples,
    fills_samples,
    fold_groups,
    labels,
    left_out,
    silent,
    task_variables,
)

__all__ = ["describe", "spectrum"]


def spectrum(data: xr.DataArray) -> np.ndarray:
    """Variances of the principal components over time x trial, (rank,), largest first, in squared
    data units.

    They sum to the variance (mean square of the centred values) of all neurons together.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.spectrum(sl.datasets.load("toy-2d")).round(3).tolist()
        [0.134, 0.024]
    """
    X = validation.flat(data.transpose(*DIMS).values.astype(np.float64))
    X = X - X.mean(0)
    gram = X @ X.T if X.shape[0] < X.shape[1] else X.T @ X
    return np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0) / len(X)


def describe(data: xr.DataArray) -> str:
    """What a recording holds, as text: shape, labels with counts and chance, groups, participation
    ratio, the first explained-variance ratios, silent neurons, source; a surrogate says so in the
    second line.

    Example:
        >>> import simlib as sl
        >>> print(sl.datasets.describe(sl.datasets.load("hierarchy")))
        Hierarchy: 1 time bin x 100 trials x 50 neurons (trials)
        category (main): 10 classes, chance 0.100: node 0 (10), node 1 (10), ...
        Variance: participation ratio ...; first principal components ...
        Processing: branches [2, 5, 10], features 50, resampling 0.2, seed 0.
        Source: synthetic: made by code.
    """
    attrs = data.attrs
    time_bins, trials, neurons = data.transpose(*DIMS).shape
    plural = "" if time_bins == 1 else "s"
    lines = [
        f"{attrs['title']}: {time_bins} time bin{plural} x {trials} trials x {neurons} neurons "
        f"({attrs['sample_kind']})",
        *(["A surrogate: synthetic data, not a recording."] if attrs["surrogate"] else []),
        *(
            [label_line(data, name) for name in task_variables(data)]
            or ["No labels: figures that decode a task variable need one."]
        ),
    ]
    lines += _as_read(data)
    groups = fold_groups(data)
    if groups is not None:
        lines.append(
            f"Folds keep together the {len(set(groups.tolist()))} groups of {attrs['groups']!r}."
        )
    variances = spectrum(data)
    shares = variances / variances.sum()
    top = ", ".join(f"{share:.1%}" for share in shares[:5])
    lines.append(
        f"Variance: participation ratio {1 / (shares**2).sum():.1f}; first principal components "
        f"{top}."
    )
    lines += [few_samples(data)] if fills_samples(data) else []
    constant = silent(data.transpose(*DIMS).values).sum()
    if constant:
        lines.append(
            f"{constant} of {neurons} neurons never change: they carry no variance and stay in."
        )
    processing = json.loads(attrs["processing"])
    if processing:
        lines.append(
            "Processing: " + ", ".join(f"{key} {value}" for key, value in processing.items()) + "."
        )
    return "\n".join([*lines, f"Source: {attrs['source']}."])


def _as_read(data: xr.DataArray) -> list[str]:
    """How a file without named axes was read, and what else it holds."""
    lines, attrs = [], data.attrs
    if "read_as" in attrs:
        note = "" if not attrs.get("axes_guessed") else " (its own order: dims= names another)"
        lines.append(f"Axes: {attrs['read_as']}{note}.")
    if left_out(data):
        told = (f"{name} ({why})" for name, why in left_out(data).items())
        lines.append(f"Left out: {validation.listed(told, width=160)}.")
    return lines


def label_line(data: xr.DataArray, name: str) -> str:
    """One task variable: its classes with counts, and the accuracy of always guessing one of
    them.
    """
    values = labels(data, name)
    classes, counts = np.unique(values, return_counts=True)
    listed = ", ".join(
        f"{value} ({count})" for value, count in zip(classes[:12], counts[:12], strict=True)
    )
    more = f", and {len(classes) - 12} more" if len(classes) > 12 else ""
    main = " (main)" if name == data.attrs["main_variable"] else ""
    few = (
        ""
        if counts.min() >= 5
        else f" The smallest class has {counts.min()} trials: too few for 5 folds."
    )
    chance = validation.majority_share(values)
    return f"{name}{main}: {len(classes)} classes, chance {chance:.3f}: {listed}{more}.{few}"
