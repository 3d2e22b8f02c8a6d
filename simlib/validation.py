"""Everything that can be wrong with an input, said once: what was found and what to do."""

import difflib
from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd
import psutil

__all__ = [
    "array",
    "at_least",
    "finite",
    "flat",
    "known",
    "label_array",
    "listed",
    "looks_missing",
    "majority_share",
    "memory",
    "missing_labels",
    "names",
    "nearest_names",
    "pair",
    "responses",
    "unknown_name",
]

# What a missing value becomes when it is saved as text.
SAY_MISSING = {"", "nan", "none", "nat", "na", "n/a", "<na>", "null"}


def listed(names: Iterable[str], most: int = 12, width: int = 60) -> str:
    """Names separated by commas, the first `most` of them where there are more, each cut at `width`
    characters.

    Example:
        >>> from simlib import validation
        >>> validation.listed(["a", "b", "c", "d"], most=2)
        'a, b and 2 more'
    """
    names = [str(name)[:width] for name in names]
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def nearest_names(name: str, names: Iterable[str]) -> list[str]:
    """The three names closest in spelling to `name`, nearest first.

    Example:
        >>> from simlib import validation
        >>> validation.nearest_names("ckaa", ["cka", "nbs", "cca"])
        ['cka', 'cca']
    """
    return difflib.get_close_matches(str(name).lower(), list(names), n=3, cutoff=0.4)


def unknown_name(kind: str, name: str, names: Iterable[str], hint: str = "") -> ValueError:
    """The error for a `kind` ("measure", "dataset", ...) that does not exist, with near names.

    Example:
        >>> from simlib import validation
        >>> validation.unknown_name("measure", "ckaa", ["cka", "nbs"])
        ValueError("unknown measure 'ckaa'; nearest: 'cka'")
    """
    names = list(names)
    near = nearest_names(name, names)
    found = f"{'nearest' if near else 'known'}: {listed(map(repr, near or names))}"
    return ValueError(f"unknown {kind} {name!r}; {found}{'. ' + hint if hint else ''}")


def known(kind: str, name: str, names: Collection[str], hint: str = "") -> None:
    """Refuse a name that is not among `names`, as `unknown_name` says it.

    Example:
        >>> from simlib import validation
        >>> validation.known("measure", "ckaa", ["cka", "nbs"])
        Traceback (most recent call last):
        ValueError: unknown measure 'ckaa'; nearest: 'cka'
    """
    if name not in names:
        raise unknown_name(kind, name, names, hint)


def names(values, what: str) -> list:
    """A list of names; one name alone is a list of one. Raises ValueError for an empty list.

    Example:
        >>> from simlib import validation
        >>> validation.names("cka", "measures")
        ['cka']
    """
    one = isinstance(values, str) or not hasattr(values, "__iter__")
    listed = [values] if one else list(values)
    if not listed:
        raise ValueError(f"{what} is empty: name at least one")
    return listed


def at_least(name: str, value: float, least: int) -> None:
    """Refuse a number that is less than it needs to be, or NaN.

    Example:
        >>> from simlib import validation
        >>> validation.at_least("folds", 1, 2)
        Traceback (most recent call last):
        ValueError: folds needs to be 2 or more; got 1
    """
    if not value >= least:
        raise ValueError(f"{name} needs to be {least} or more; got {value}")


def majority_share(labels) -> float:
    """Share of the commonest class, in (0, 1]: the accuracy of always guessing it.

    1/k for k classes of one size.

    Example:
        >>> from simlib import validation
        >>> validation.majority_share(["left", "left", "right", "left"])
        0.75
    """
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    return float(counts.max() / counts.sum())


def finite(values: np.ndarray, name: str = "X") -> None:
    """Refuse NaN and infinity, naming how many there are and where the first one is.

    Example:
        >>> import numpy as np
        >>> from simlib import validation
        >>> validation.finite(np.array([[0, np.nan], [1, 2]]))
        Traceback (most recent call last):
        ValueError: X has 1 of 4 values that are NaN or infinite, the first at sample 0, neuron 1...
    """
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    named = {2: ("sample", "neuron"), 3: ("time", "trial", "neuron")}
    axes = named.get(values.ndim, [f"axis {i}" for i in range(values.ndim)])
    where = ", ".join(f"{axis} {i}" for axis, i in zip(axes, np.argwhere(bad)[0], strict=True))
    raise ValueError(
        f"{name} has {int(bad.sum())} of {bad.size} values that are NaN or infinite, the first at "
        f"{where}; drop those neurons or trials, or fill them in, before scoring: nothing is "
        "repaired in silence"
    )


def _from_tensor(values, name: str) -> np.ndarray:
    if "sparse" in str(values.layout):
        raise TypeError(f"{name} is a sparse tensor; pass {name}.to_dense()")
    values = values.detach().cpu()
    # In double precision, since numpy has no bfloat16.
    return (values.double() if values.is_floating_point() else values).numpy()


def _by_names(values, name: str) -> np.ndarray:
    """The values of an xarray.DataArray, its axes in the order (time, trial, neuron)."""
    order = [dim for dim in ("time", "trial", "neuron") if dim in values.dims]
    if len(order) < len(values.dims) or "neuron" not in order:
        raise ValueError(
            f"{name} has the dimensions {', '.join(map(str, values.dims))}; known are time, trial "
            "and neuron. Name them with data.rename(old='neuron', ...), or pass data.values as "
            "(samples, neurons)"
        )
    return values.transpose(*order).values


def responses(values, name: str = "X") -> np.ndarray:
    """Responses as a float64 array, (samples, neurons) or (time, trial, neuron), finite.

    Takes numpy arrays, torch tensors and xarray.DataArrays; the latter are transposed by dimension
    names. Raises TypeError for values that are not numbers, ValueError for another shape or other
    dimension names, for no neurons or fewer than 2 samples, and for NaN or infinity.

    Example:
        >>> from simlib import validation
        >>> validation.responses([[0, 1], [2, 3]]).dtype
        dtype('float64')
    """
    if hasattr(values, "dims") and hasattr(values, "transpose"):
        values = _by_names(values, name)
    elif hasattr(values, "detach"):
        values = _from_tensor(values, name)
    if np.ma.is_masked(values):
        raise ValueError(
            f"{name} has {np.ma.count_masked(values)} masked values; drop or fill them in before "
            "scoring"
        )
    try:
        values = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} needs rows of the same length; {error}") from error
    if values.dtype.kind not in "fiub":
        objects = values.dtype.kind == "O"
        hint = "; .astype(float) turns them into numbers if they are" if objects else ""
        raise TypeError(f"{name} needs real numbers; got an array of dtype {values.dtype}{hint}")
    values = values.astype(np.float64)
    if values.ndim not in (2, 3):
        hint = "; for one neuron use x[:, None]" if values.ndim == 1 else ""
        raise ValueError(
            f"{name} needs the shape (samples, neurons) or (time, trial, neuron); got shape "
            f"{values.shape}{hint}"
        )
    if 0 in values.shape or np.prod(values.shape[:-1]) < 2:
        raise ValueError(f"{name} needs at least 2 samples and 1 neuron; got shape {values.shape}")
    finite(values, name)
    return values


def array(values, name: str = "X") -> np.ndarray:
    """`responses` that are not constant: ValueError where no neuron varies over the samples.

    Example:
        >>> from simlib import validation
        >>> validation.array([[0, 1], [2, 3]]).shape
        (2, 2)
    """
    values = responses(values, name)
    if np.all(np.ptp(flat(values), axis=0) == 0):
        raise ValueError(
            f"{name} is constant: none of its {values.shape[-1]} neurons varies over samples, "
            "so there is no variance to compare; check that the right array was loaded"
        )
    return values


def flat(values):
    """(time, trial, neuron) as (time x trial, neuron), an array or tensor; two axes as they are.

    Example:
        >>> import numpy as np
        >>> from simlib import validation
        >>> validation.flat(np.zeros((5, 8, 3))).shape
        (40, 3)
    """
    return values.reshape(-1, values.shape[-1])


def pair(X, Y) -> tuple[np.ndarray, np.ndarray]:
    """Both sides as checked float64 arrays with the same samples.

    Example:
        >>> from simlib import validation
        >>> X, Y = validation.pair([[0, 1], [2, 3]], [[4], [5]])
        >>> X.shape, Y.shape
        ((2, 2), (2, 1))
    """
    X, Y = array(X, "X"), array(Y, "Y")
    if X.shape[:-1] != Y.shape[:-1]:
        rows = X.ndim == Y.ndim == 2
        got = f"{len(X)} and {len(Y)} rows" if rows else f"shapes {X.shape} and {Y.shape}"
        raise ValueError(
            f"X and Y need the same samples in the same order; got {got}. Arrays are "
            "(samples, neurons) or (time, trial, neuron); only the neurons may differ in number"
        )
    return X, Y


def memory(needed: float, what: str) -> None:
    """Refuse work of `needed` bytes on a machine with less memory, before it starts to swap.

    Example:
        >>> from simlib import validation
        >>> validation.memory(1e18, "this score")
        Traceback (most recent call last):
        ValueError: this score needs about 1e+09 GB of memory and this machine has ...
    """
    available = psutil.virtual_memory().total
    if needed > available:
        raise ValueError(
            f"{what} needs about {needed / 1e9:.3g} GB of memory and this machine has "
            f"{available / 1e9:.3g} GB: take fewer samples or neurons, such as the leading "
            "principal components of each side"
        )


def label_array(labels, X, name: str = "labels", *, gaps: bool = False) -> np.ndarray:
    """Labels as a 1-D array, one a trial of X (trial, neuron) or (time, trial, neuron).

    `gaps`: some may be missing.

    Example:
        >>> import numpy as np
        >>> from simlib import validation
        >>> validation.label_array(["left", "right"], np.zeros((5, 2, 3))).tolist()
        ['left', 'right']
    """
    values = np.asarray(labels)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8")
    trials = X.shape[-2]
    if values.ndim != 1:
        raise ValueError(
            f"{name} needs one value a trial ({trials},); got an array of shape {values.shape}"
        )
    if len(values) != trials:
        hint = (
            "; they fit axis 0, and arrays are (time, trial, neuron): say which axis is which, "
            "xarray.DataArray(X, dims=('trial', 'time', 'neuron')) or ('trial', 'neuron', 'time')"
            if X.ndim == 3 and len(values) == X.shape[0]
            else ""
        )
        raise ValueError(
            f"{name} needs one value a trial: got {len(values)} labels for {trials} trials "
            f"of an array of shape {X.shape}{hint}"
        )
    missing = np.flatnonzero(missing_labels(values))
    if len(missing) and not gaps:
        raise ValueError(
            f"{name} has {len(missing)} missing values, the first at trial {missing[0]}; drop "
            "those trials"
        )
    return values


def missing_labels(values) -> np.ndarray:
    """Which labels are missing, bool, in the shape of `values`: NaN, None, NaT and pandas' NA.

    Texts are never missing, whatever they say (`looks_missing`).

    Example:
        >>> from simlib import validation
        >>> validation.missing_labels(["left", None, float("nan"), "nan", ""]).tolist()
        [False, True, True, False, False]
    """
    values = values if hasattr(values, "dtype") else np.array(values, dtype=object)
    return np.asarray(pd.isna(np.asarray(values)))


def looks_missing(values) -> np.ndarray:
    """Which labels are texts that say that a value is missing, bool: "nan", "None", "NaT", "NA",
    "null", or nothing at all.

    Example:
        >>> from simlib import validation
        >>> validation.looks_missing(["left", "nan", "", "Nancy"]).tolist()
        [False, True, True, False]
    """
    values = np.asarray(values)
    words = [
        isinstance(value, str) and value.strip().lower() in SAY_MISSING
        for value in values.ravel().tolist()
    ]
    return np.array(words, dtype=bool).reshape(values.shape)
