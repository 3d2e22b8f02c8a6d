"""What recordings say of their trials: labels, fold groups, and which trial is which."""

import json
import warnings
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

__all__ = [
    "coordinates",
    "decoded",
    "fold_groups",
    "is_bookkeeping",
    "listed",
    "order",
    "task_variables",
]

NOT_DECODED = (
    "session",
    "day",
    "repeat",
    "repetition",
    "run",
    "index",
    "averaged_trials",
)  # nor names ending in id


def is_bookkeeping(name: str) -> bool:
    """Whether a trial coordinate counts trials instead of saying what they were: sessions, repeats,
    ids.

    Example:
        >>> from simlib import trials
        >>> trials.is_bookkeeping("session"), trials.is_bookkeeping("choice")
        (True, False)
    """
    return name.lower() in NOT_DECODED or name.lower().endswith("id")


def task_variables(data) -> list[str]:
    """Names of the trial coordinates that are decoded, possibly none.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.task_variables(sl.datasets.load("toy-2d"))
        ['choice', 'coherence']
    """
    return json.loads(getattr(data, "attrs", {}).get("task_variables", "[]"))


def fold_groups(data) -> np.ndarray | None:
    """Group of each trial, (trial,): trials of a group stay in one fold. None when trials are
    independent, and for plain arrays, which declare nothing.

    Raises:
        ValueError: for declared groups that are no coordinate along trial.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.load("toy-2d")
        >>> sl.datasets.fold_groups(X) is None
        True
        >>> sl.datasets.fold_groups(X.assign_attrs(groups="coherence")).tolist()[:3]
        ['weak', 'middle', 'strong']
    """
    name = getattr(data, "attrs", {}).get("groups", "")
    if not name:
        return None
    along = coordinates(data)
    if name not in along:
        raise ValueError(
            f"the recording declares the fold groups {name!r}, and has no such coordinate along "
            f"trial (it has {listed(map(repr, along), 5) or 'none'}); add it, or declare that "
            "there are none: data.assign_attrs(groups='')"
        )
    return along[name]


def listed(names: Iterable, most: int = 12, width: int = 60) -> str:
    """Names separated by commas, the first `most` of them where there are more, each cut at `width`
    characters.

    Example:
        >>> from simlib import trials
        >>> trials.listed(["a", "b", "c", "d"], most=2)
        'a, b and 2 more'
    """
    names = [str(name)[:width] for name in names]
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def decoded(values: np.ndarray) -> np.ndarray:
    """Bytes as the text they stand for (UTF-8); other values as they are. Raises ValueError for
    bytes of another encoding.

    Example:
        >>> import numpy as np
        >>> from simlib import trials
        >>> trials.decoded(np.array([b"left", b"right"])).tolist()
        ['left', 'right']
    """
    if values.dtype.kind != "S":
        return values
    try:
        return np.char.decode(values, "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"labels are bytes that are no text in UTF-8, such as {error.object[:60]!r}: decode "
            "them before, numpy.char.decode(labels, 'latin-1')"
        ) from error


# -- Labels along the trials


def _is_table(values) -> bool:
    return hasattr(values, "iloc") and hasattr(values, "index")


def _is_named(values) -> bool:
    return hasattr(values, "coords") and hasattr(values, "dims")


def coordinates(values) -> dict[str, np.ndarray]:
    """Labels of the trials by name, (trial,) each: those of an xarray.DataArray along trial, and
    the named levels of the index of a pandas table. Other arrays have none.

    Example:
        >>> import simlib as sl
        >>> list(sl.trials.coordinates(sl.datasets.load("toy-2d")))
        ['choice', 'coherence']
    """
    if _is_named(values):
        named = values.coords.items()
        return {str(k): c.values for k, c in named if c.dims == ("trial",) and k != "trial"}
    if _is_table(values):
        index = values.index
        return {
            str(name): np.asarray(index.get_level_values(level))
            for level, name in enumerate(index.names)
            if name is not None
        }
    return {}


def _index(values) -> pd.Index | None:
    """What numbers or names the trials one by one: the index of a table, the coordinate `trial`."""
    if _is_table(values):
        return values.index
    return values.indexes.get("trial") if hasattr(values, "indexes") else None


def _is_default(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and (index.start, index.step) == (0, 1)


# -- Which trial is which


def _codes(first, second) -> tuple[np.ndarray, np.ndarray]:
    """Both sides' values as whole numbers, equal where the values are; missing ones are equal."""
    first, second = np.asarray(first), np.asarray(second)
    if first.dtype.kind == second.dtype.kind == "f":  # what is 0.1 in one precision is in another
        least = min(first.dtype, second.dtype, key=lambda kind: kind.itemsize)
        first, second = first.astype(least), second.astype(least)
    both = []
    for values in (first, second):
        both += decoded(values).tolist()
    codes = pd.factorize(pd.Index(both, dtype=object, tupleize_cols=False), use_na_sentinel=False)
    return codes[0][: len(first)], codes[0][len(first) :]


def _agree(codes: tuple[np.ndarray, np.ndarray]) -> bool:
    """Whether both sides hold each value as often."""
    return np.array_equal(np.sort(codes[0]), np.sort(codes[1]))


def _is_measured(values: np.ndarray) -> bool:
    """Times, and numbers that aren't whole: such values of two recordings rarely coincide."""
    numbers = values.dtype.kind == "f"
    return values.dtype.kind in "mM" or (numbers and bool((values[values == values] % 1).any()))


def _joint(codes: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Codes of the combinations of several labels."""
    stacked = np.stack([np.concatenate(pair) for pair in codes], axis=1)
    key = np.unique(stacked, axis=0, return_inverse=True)[1].ravel()
    return key[: len(codes[0][0])], key[len(codes[0][0]) :]


def _matching(codes: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray | None:
    """Where each trial of the first side is on the second; None unless both hold each once."""
    first, second = _joint(codes) if codes else ([0, 0], [0, 0])
    if len(np.unique(first)) < len(first) or not np.array_equal(np.sort(first), np.sort(second)):
        return None
    return np.argsort(second)[first]


def order(X, Y, sides: tuple[str, str] = ("X", "Y")) -> np.ndarray | None:
    """The trials of Y in the order of X's, by the labels that both have; None where they are in it.

    Compared are labels along trial of xarray.DataArrays: the task variables that both declare, else
    all that both have; not ids, sessions, repeats and fold groups, and not measured numbers (such
    as reaction times) unless both sides hold the same ones. Of pandas tables it is the index; one
    that only counts rows from 0 says nothing, but where the other side has the same numbers in
    another order. Ids, and a `trial` coordinate, tell apart what other labels leave open; where
    the labels agree in order, another numbering of the trials is no matter. Arrays and tensors have
    no labels, and are not compared.

    Args:
        X, Y: whatever is compared.
        sides: what to call them.

    Returns:
        An array of indices, with a UserWarning, where every trial of Y has its one trial of X.

    Raises:
        ValueError: where the labels differ, and where they are in another order and don't say which
            trial is which.

    Example:
        >>> import numpy as np, simlib as sl
        >>> X = sl.datasets.load("toy-2d")
        >>> sl.trials.order(X, X) is None
        True
    """
    if not all(_is_named(side) or _is_table(side) for side in (X, Y)):
        return None
    indexes = _index(X), _index(Y)
    labels, others = coordinates(X), coordinates(Y)
    both = {name: (labels[name], others[name]) for name in labels if name in others}
    shared = {name: _codes(*pair) for name, pair in both.items() if len(pair[0]) == len(pair[1])}
    counted = _counted(X, Y, both, shared)
    ids = {name: pair for name, pair in shared.items() if name.lower().endswith("id")}
    ids = {name: pair for name, pair in ids.items() if name not in counted and _agree(pair)}
    numbers = {}
    if all(index is not None for index in indexes) and len(indexes[0]) == len(indexes[1]):
        codes = _codes(*(np.asarray(index) for index in indexes))
        if _agree(codes) or not any(map(_is_default, indexes)):
            numbers = {"trial": codes}
    known = counted | numbers
    if known and all(np.array_equal(*pair) for pair in known.values()):
        return None
    for labels in (known, known | ids, counted):
        found = _matching(list(labels.values()))
        if found is not None:
            return _said(found, list(labels), sides, X)
    in_order = counted and all(np.array_equal(*pair) for pair in counted.values())
    if not known or (in_order and indexes[0].inferred_type == "integer"):
        return None
    raise _unmatched(X, Y, known, both | {"trial": indexes}, sides)


def _counted(X, Y, both: Mapping, shared: Mapping) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The labels that say what a trial was."""
    declared = [name for name in task_variables(X) if name in task_variables(Y)]
    if any(name in shared for name in declared):
        return {name: shared[name] for name in declared if name in shared}
    grouping = {getattr(side, "attrs", {}).get("groups", "") for side in (X, Y)}
    return {
        name: codes
        for name, codes in shared.items()
        if not is_bookkeeping(name)
        and name not in grouping
        and (_agree(codes) or not any(map(_is_measured, map(np.asarray, both[name]))))
    }


def _said(found: np.ndarray, names: list[str], sides: tuple[str, str], X) -> np.ndarray | None:
    if np.array_equal(found, np.arange(len(found))):
        return None
    by = " and ".join("the index" if n == "trial" and _is_table(X) else repr(n) for n in names)
    warnings.warn(
        f"the trials of {sides[1]} are in another order than those of {sides[0]}: they were put "
        f"into the order of {sides[0]} by {by}",
        UserWarning,
        stacklevel=5,
    )
    return found


def _unmatched(X, Y, known: Mapping, values: Mapping, sides: tuple[str, str]) -> ValueError:
    """The error for labels that differ, or don't say which trial is which."""
    differ = [name for name, pair in known.items() if not _agree(pair)]
    name = (differ or [n for n, pair in known.items() if not np.array_equal(*pair)])[0]
    first, second = known[name]
    lacking = ~np.isin(first, second)
    at = int(np.flatnonzero(lacking if lacking.any() else first != second)[0])
    one, other = (repr(np.asarray(side)[at : at + 1].tolist()[0])[:60] for side in values[name])
    shown = "the index" if _is_table(Y) and name == "trial" else repr(name)
    drop = f"{sides[1]}.drop_vars({name!r})"
    if _is_table(Y):
        drop = f"{sides[1]}.reset_index(drop=True)"
    elif isinstance(_index(Y), pd.MultiIndex):
        drop = f"{sides[1]}.reset_index('trial', drop=True)"
    ways = _ways_out(X, known, name) if sides == ("X", "Y") and _is_table(X) == _is_table(Y) else []
    ways.append(f"if the trials are matched in this order all the same, drop the label: {drop}")
    same = not differ and _agree(_joint(list(known.values())))
    return ValueError(
        f"{sides[0]} and {sides[1]} hold "
        + ("the same labels in another order" if same else "trials of different labels")
        + f": at trial {at} {shown} is {one} in {sides[0]} and {other} in {sides[1]}, and "
        f"{int((first != second).sum())} of {len(first)} trials differ"
        + (f"; {shown} doesn't say which trial is which" if same else "")
        + f". Ways out: {'; or '.join(ways)}"
    )


def _ways_out(X, known: Mapping, name: str) -> list[str]:
    """What brings both sides to trials that correspond, where something does."""
    first, second = known[name]
    common = np.isin(first, second)
    if not common.all() or not np.isin(second, first).all():
        select = f"X.isel(trial=np.isin(X[{name!r}], Y[{name!r}]))"
        select = "X.loc[X.index.isin(Y.index)]" if _is_table(X) else select
        return [f"select the trials that both have, {select} and Y likewise"] * bool(common.any())
    same = all(map(_agree, known.values())) and _agree(_joint(list(known.values())))
    by = [each for each in known if each != "trial"][:6] if same else [name]
    whole = "X" if "time" in getattr(X, "dims", ()) else "sl.datasets.load(X)"
    average = f"sl.datasets.processing.condition_averages({whole}, by={by!r})"
    if _is_table(X):
        levels = list(range(X.index.nlevels)) if same or name == "trial" else name
        average = f"X.groupby(level={levels!r}).mean()"
    averaged = f"average the trials of each condition on both sides, {average}"
    ways = [averaged] if _is_table(X) or (by and by != ["trial"]) else []
    sort = "X.sort_index()" if _is_table(X) else f"X.sortby({list(known)[:6]!r})"
    return [*ways, f"sort both, {sort}"] if same else ways
