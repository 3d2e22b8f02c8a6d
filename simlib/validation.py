"""Everything that can be wrong with an input, said once: what was found and what to do."""

import difflib
import warnings
from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd
import psutil
import scipy
import torch

from simlib import linalg, trials
from simlib.trials import listed

__all__ = [
    "array",
    "at_least",
    "device",
    "dissimilarities",
    "finite",
    "flat",
    "is_dissimilarities",
    "known",
    "label_array",
    "labels",
    "listed",
    "looks_missing",
    "majority_share",
    "memory",
    "missing_labels",
    "names",
    "nearest_names",
    "pair",
    "refuse_dissimilarities",
    "responses",
    "unknown_name",
]

# What a missing value becomes when it is saved as text.
SAY_MISSING = {"", "nan", "-nan", "none", "nat", "na", "n/a", "#n/a", "<na>", "null"}


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


def _of_table(table: pd.DataFrame, name: str) -> np.ndarray:
    """The numbers of a table, (rows, columns); ValueError where columns hold something else."""
    kinds = [(str(column), kind) for column, kind in table.dtypes.items()]
    other = [column for column, kind in kinds if not pd.api.types.is_numeric_dtype(kind)]
    if other:
        without = f"{name}.drop(columns={other!r})"
        if len(without) > 200 or any(column not in table for column in other):
            without = f"{name}.select_dtypes(('number', 'bool'))"
        raise ValueError(
            f"{name} has {len(other)} of {len(kinds)} columns that are no numbers: "
            f"{listed(map(repr, other), 5)}. Without them: {without}; if they hold numbers as "
            "text or objects, turn them into numbers with pandas.to_numeric"
        )
    memory(8.0 * table.size, f"{name} as an array")
    for place, (_, kind) in enumerate(kinds):
        if pd.api.types.is_integer_dtype(kind):
            _whole(table.iloc[:, place].dropna(), name)
    return table.to_numpy(dtype=np.float64, na_value=np.nan)


WHOLE = 2**53  # float64 holds every whole number up to this


def _whole(values, name: str) -> None:
    """Refuse whole numbers that float64 would round."""
    worst = max((int(values.min()), int(values.max())), key=abs) if values.size else 0
    if abs(worst) > WHOLE:
        raise ValueError(
            f"{name} has whole numbers beyond 2^53, such as {worst}, which float64 would round; "
            "take each neuron's least value away while they are whole numbers"
        )


def _as_numpy(values, name: str):
    """What holds numbers under names, on a device or sparse, as the array it stands for."""
    if hasattr(values, "dims") and hasattr(values, "transpose"):
        return _by_names(values, name)
    if hasattr(values, "detach"):
        return _from_tensor(values, name)
    if isinstance(values, pd.DataFrame):
        return _of_table(values, name)
    if scipy.sparse.issparse(values):
        memory(float(np.prod(values.shape)) * values.dtype.itemsize, f"{name} as a dense array")
        return values.toarray()
    return values


def responses(values, name: str = "X") -> np.ndarray:
    """Responses as a float64 array, (samples, neurons) or (time, trial, neuron), finite.

    Takes numpy arrays, torch tensors, xarray.DataArrays, which are transposed by dimension names,
    pandas tables and scipy's sparse arrays. Raises TypeError for values that are not numbers,
    ValueError for columns of a table that aren't, another shape or other dimension names, for no
    neurons or fewer than 2 samples, for NaN or infinity, for whole numbers beyond 2^53, and for a
    matrix of dissimilarities. Warns of other matrices that compare samples with each other.

    Example:
        >>> from simlib import validation
        >>> validation.responses([[0, 1], [2, 3]]).dtype
        dtype('float64')
    """
    values = _numbers(values, name)
    refuse_dissimilarities(values, name)
    return values


def _numbers(values, name: str) -> np.ndarray:
    """`responses`, whatever they say of each other."""
    values = _as_numpy(values, name)
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
    if values.dtype.kind in "iu" and values.dtype.itemsize > 4:
        _whole(values, name)
    values = values.astype(np.float64)
    if values.ndim not in (2, 3):
        hint = "; for one neuron use x[:, None]" if values.ndim == 1 else ""
        if values.ndim == 1 and (n := _samples_of_pairs(len(values))):
            hint += (
                f". If these are the dissimilarities of {n} samples (an RDM's upper triangle): "
                "sl.score(sl.measure('rsa', precomputed=True), ...) of "
                f"scipy.spatial.distance.squareform({name})"
            )
        raise ValueError(
            f"{name} needs the shape (samples, neurons) or (time, trial, neuron); got shape "
            f"{values.shape}{hint}"
        )
    if 0 in values.shape or np.prod(values.shape[:-1]) < 2:
        raise ValueError(f"{name} needs at least 2 samples and 1 neuron; got shape {values.shape}")
    finite(values, name)
    return values


# -- Matrices that compare samples with each other

ROUNDED = 1e-6  # share of the largest entry that counts as rounding, in float32, too
ROUNDED_RDM = 1e-3  # the same of an RDM, whose zeros may be roots of rounding, or of few digits


def _symmetric(matrix: np.ndarray, rounded: float = ROUNDED) -> float:
    """The largest entry of a symmetric matrix of 3 samples or more; 0 for any other array."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 3:
        return 0.0
    largest = np.abs(matrix).max()
    return float(largest) if np.abs(matrix - matrix.T).max() <= rounded * largest else 0.0


def _samples_of_pairs(pairs: int) -> int:
    """How many samples, 3 or more, have so many pairs; 0 where no number has."""
    n = int((1 + np.sqrt(1 + 8 * pairs)) / 2)
    return n if n > 2 and n * (n - 1) == 2 * pairs else 0


def is_dissimilarities(values: np.ndarray) -> bool:
    """Whether a matrix could be one of dissimilarities, or a stack of them: symmetric, not
    negative, its diagonal 0 or below all else.

    Not where each sample differs from one other at most, as no distances do: one-hot responses.

    Example:
        >>> import numpy as np
        >>> from simlib import validation
        >>> validation.is_dissimilarities(np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]]))
        True
    """
    if values.ndim == 3:
        return len(values) > 0 and all(map(is_dissimilarities, values))
    largest = _symmetric(values, ROUNDED_RDM)
    if not largest or values.min() < -ROUNDED * largest:
        return False
    diagonal, others = np.diagonal(values).max(), values[~np.eye(len(values), dtype=bool)]
    nearest = diagonal <= ROUNDED_RDM * largest or diagonal < others.min()
    return bool(nearest and np.count_nonzero(values > ROUNDED_RDM * largest, axis=1).max() > 1)


class Dissimilarities(ValueError):
    """Matrices of dissimilarities where responses belong."""


def refuse_dissimilarities(values: np.ndarray, name: str = "X") -> None:
    """Refuse a matrix of dissimilarities given as responses, a stack of them or its one triangle;
    warn of one of similarities.

    Example:
        >>> import numpy as np
        >>> from simlib import validation
        >>> validation.refuse_dissimilarities(np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]]))
        Traceback (most recent call last):
        simlib.validation.Dissimilarities: X looks like a dissimilarity matrix (RDM): 3 x 3, ...
    """
    square = values.ndim == 2 and values.shape[0] == values.shape[1]
    triangle = square and not (np.tril(values).any() and np.triu(values).any())
    both = values + values.T if triangle else values
    if is_dissimilarities(both):
        n, stacked = values.shape[-1], values.ndim == 3 and len(values) > 1
        form = "one triangle of" if triangle else f"a stack of {len(values)}," if stacked else ""
        raise Dissimilarities(
            f"{name} looks like a dissimilarity matrix (RDM): {form + ' ' if form else ''}"
            f"{n} x {n}, symmetric, 0 on the diagonal (or least there), never negative. Responses "
            "are (samples, neurons). To compare two RDMs: sl.score(sl.measure('rsa', "
            f"precomputed=True), RDM_X, RDM_Y){', both triangles filled' * triangle}"
            f"{', one of the stack or their mean' * stacked}; anything else needs the responses "
            f"that it was made of. If these are responses, the order of neurons says nothing: "
            f"{name}[..., ::-1]"
        )
    matrix = values[0] if values.ndim == 3 and len(values) == 1 else values
    if not _symmetric(matrix):
        return
    diagonal, n = np.diagonal(matrix), len(matrix)
    if np.count_nonzero(matrix, axis=1).max() <= 1:
        return
    largest = np.abs(matrix).max()
    gram = np.linalg.eigvalsh(matrix / largest)[0] >= -ROUNDED * n
    if gram or np.ptp(diagonal) <= ROUNDED * largest:
        kind = "similarities between samples (symmetric, such as a Gram or correlation matrix)"
        instead = "pass the responses that it was made of"
        if gram:
            instead += (
                f", or responses with the same Gram matrix: values, vectors = "
                f"numpy.linalg.eigh({name}); vectors * values.clip(0) ** 0.5"
            )
        elif not diagonal.any():
            kind = "dissimilarities (symmetric, 0 on the diagonal) some of which are negative"
            instead += ", or compare two such by sl.measure('rsa', precomputed=True)"
        warnings.warn(
            f"{name} is read as responses, {n} samples x {n} neurons, and looks like a matrix of "
            f"{kind}: if it is one, {instead}",
            UserWarning,
            stacklevel=5,
        )


def dissimilarities(values, name: str = "X") -> np.ndarray:
    """A matrix of dissimilarities (RDM), samples x samples, as a float64 array.

    Symmetric with a diagonal of 0, both up to rounding, or of NaN; unbiased ones may be negative.
    Raises ValueError for anything else, such as the vector of its upper triangle.

    Example:
        >>> from simlib import validation
        >>> validation.dissimilarities([[0, 1, 2], [1, 0, 3], [2, 3, 0]]).shape
        (3, 3)
    """
    given = _as_numpy(values, name)
    if np.ndim(given) == 1:
        raise ValueError(
            f"{name} is a vector of {len(given)} values; precomputed=True takes a square matrix, "
            f"samples x samples: scipy.spatial.distance.squareform({name})"
        )
    shape = np.shape(given)
    if len(shape) == 2 and shape[0] == shape[1] and np.asarray(given).dtype.kind == "f":
        empty = np.isnan(np.diagonal(given)).all()
        given = np.where(np.eye(len(given), dtype=bool), 0, given) if empty else given
    matrix = _numbers(given, name)
    matrix = matrix[0] if matrix.ndim == 3 and len(matrix) == 1 else matrix
    if (
        matrix.ndim != 2
        or not is_dissimilarities(np.abs(matrix))
        or not _symmetric(matrix, ROUNDED_RDM)
    ):
        stack = "; of a stack pass one, or their mean" if matrix.ndim == 3 else ""
        raise ValueError(
            f"{name} is no dissimilarity matrix (RDM), samples x samples, symmetric with a "
            f"diagonal of 0, for 3 samples or more: it has the shape {matrix.shape}{stack}. "
            "Without precomputed=True RSA makes the matrices itself, from responses"
        )
    return matrix


# -- One side and two


def array(values, name: str = "X") -> np.ndarray:
    """`responses` that are not constant: ValueError where no neuron varies over the samples by more
    than rounding (`linalg.varies`).

    Example:
        >>> from simlib import validation
        >>> validation.array([[0, 1], [2, 3]]).shape
        (2, 2)
    """
    values = responses(values, name)
    if not linalg.varies(torch.from_numpy(flat(values))).any():
        rounding = "" if np.all(np.ptp(flat(values), axis=0) == 0) else " by more than rounding"
        raise ValueError(
            f"{name} is constant: none of its {values.shape[-1]} neurons varies over samples"
            f"{rounding}, so there is no variance to compare; check that the right array was loaded"
            f"{', and that no offset was added before it was saved' if rounding else ''}"
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


def pair(X, Y, *, precomputed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Both sides as checked float64 arrays with the same samples; `precomputed` ones are matrices
    of dissimilarities, samples x samples.

    Where both say which trial is which (xarray coordinates, the index of pandas tables), the trials
    of Y come in X's order, or are refused (`trials.order`).

    Example:
        >>> from simlib import validation
        >>> X, Y = validation.pair([[0, 1], [2, 3]], [[4], [5]])
        >>> X.shape, Y.shape
        ((2, 2), (2, 1))
    """
    order, common = trials.order(X, Y), trials.common_trials(X, Y)
    checked = dissimilarities if precomputed else array
    X, Y = checked(X, "X"), checked(Y, "Y")
    if X.shape[:-1] != Y.shape[:-1]:
        rows = X.ndim == Y.ndim == 2
        got = f"{len(X)} and {len(Y)} rows" if rows else f"shapes {X.shape} and {Y.shape}"
        raise ValueError(
            f"X and Y need the same samples in the same order; got {got}. Arrays are "
            f"(samples, neurons) or (time, trial, neuron); only the neurons may differ in number"
            f"{common}"
        )
    if order is not None:
        Y = Y[order][:, order] if precomputed else Y[..., order, :]
    return X, Y


def device(name: str | torch.device, dtype: torch.dtype = torch.float64) -> torch.device:
    """The device of this name, refused where it can't hold numbers of this precision.

    Example:
        >>> from simlib import validation
        >>> validation.device("cpu")
        device(type='cpu')
    """
    try:
        torch.ones(1, dtype=dtype, device=name).cpu()
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise ValueError(
            f"device={str(name)!r} can't be used on this machine in {dtype}: "
            f"{str(error).splitlines()[0][:200]}. device='cpu' works everywhere"
        ) from error
    return torch.device(name)


def memory(needed: float, what: str, device: str | torch.device = "cpu") -> None:
    """Refuse work of `needed` bytes on a machine with less memory, before it starts to swap, or on
    a GPU with less.

    Example:
        >>> from simlib import validation
        >>> validation.memory(1e18, "this score")
        Traceback (most recent call last):
        ValueError: this score needs about 1e+09 GB of memory and this machine has ...
    """
    gpu = torch.device(device).type == "cuda"
    available = torch.cuda.mem_get_info(device)[1] if gpu else psutil.virtual_memory().total
    if needed > available:
        raise ValueError(
            f"{what} needs about {needed / 1e9:.3g} GB of memory and this "
            f"{'GPU' if gpu else 'machine'} has "
            f"{available / 1e9:.3g} GB: take fewer samples or neurons, such as the leading "
            "principal components of each side"
        )


def labels(Y, given, name: str = "labels") -> np.ndarray:
    """Labels of Y's trials, (trial,): as given, or by the name of a coordinate along trial of Y.

    A coordinate or a pandas Series that says which trial is which is put into Y's order
    (`trials.order`). Raises ValueError for a name that Y doesn't have.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.load("toy-2d")
        >>> sl.validation.labels(X, "choice").tolist()
        ['left', 'left', 'left', 'right', 'right', 'right']
    """
    if isinstance(given, str):
        along = trials.coordinates(Y)
        if not along:
            raise ValueError(
                f"{name} is the name {given!r}, and Y has no labels along its trials: pass an "
                "xarray.DataArray with that coordinate, or an array with one value a trial"
            )
        known("trial coordinate", given, along)
        return along[given]
    order = trials.order(Y, given, ("Y", name))
    values = np.asarray(given)
    return values if order is None else values[order]


def label_array(labels, X, name: str = "labels", *, gaps: bool = False) -> np.ndarray:
    """Labels as a 1-D array, one a trial of X (trial, neuron) or (time, trial, neuron).

    `gaps`: some may be missing.

    Example:
        >>> import numpy as np
        >>> from simlib import validation
        >>> validation.label_array(["left", "right"], np.zeros((5, 2, 3))).tolist()
        ['left', 'right']
    """
    values = trials.decoded(np.asarray(labels))
    count = X.shape[-2]
    if values.ndim != 1:
        raise ValueError(
            f"{name} needs one value a trial ({count},); got an array of shape {values.shape}"
        )
    if len(values) != count:
        hint = (
            "; they fit axis 0, and arrays are (time, trial, neuron): of (trial, time, neuron) "
            "swap the first two axes, np.swapaxes(X, 0, 1); of (trial, neuron, time) move the last "
            "to the front, np.moveaxis(X, 2, 0)"
            if X.ndim == 3 and len(values) == X.shape[0]
            else ""
        )
        raise ValueError(
            f"{name} needs one value a trial: got {len(values)} labels for {count} trials "
            f"of an array of shape {X.shape}{hint}"
        )
    missing = np.flatnonzero(missing_labels(values)).tolist()
    if missing and not gaps:
        then = f" (then {listed(missing[1:], 5)})" if missing[1:] else ""
        raise ValueError(
            f"{name} has {len(missing)} missing values, the first at trial {missing[0]}{then}; "
            "drop those trials, from the labels and from the responses"
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
