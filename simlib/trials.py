"""What recordings say of their trials: labels, fold groups, and which trial is which."""

import json
import re
import warnings
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

__all__ = [
    "common_trials",
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

Codes = tuple[np.ndarray, np.ndarray]


def _codes(first, second) -> Codes:
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


def _agree(codes: Codes) -> bool:
    """Whether both sides hold each value as often."""
    return np.array_equal(np.sort(codes[0]), np.sort(codes[1]))


def _levels(codes: Codes) -> int:
    """How many values the side with more of them holds."""
    return max(len(np.unique(side)) for side in codes)


def _joint(labels: Mapping[str, Codes]) -> Codes:
    """Codes of the combinations of several labels."""
    stacked = np.stack([np.concatenate(pair) for pair in labels.values()], axis=1)
    key = np.unique(stacked, axis=0, return_inverse=True)[1].ravel()
    return key[: len(key) // 2], key[len(key) // 2 :]


def _matching(labels: Mapping[str, Codes]) -> np.ndarray | None:
    """Where each trial of the first side is on the second; None unless both hold each once."""
    first, second = _joint(labels)
    if len(np.unique(first)) < len(first) or not _agree((first, second)):
        return None
    return np.argsort(second)[first]


MOMENTS = re.compile(r"(?i)(^|_)(rt|times?|latency|duration|onset|offset|start|stop)(_|$)")


def _is_measured(name: str, values: np.ndarray) -> bool:
    """Moments, and numbers that aren't whole: such values of two recordings rarely coincide."""
    numbers = values.dtype.kind in "iuf"
    whole = not numbers or not (values[values == values] % 1).any()
    return values.dtype.kind in "mM" or not whole or (numbers and bool(MOMENTS.search(name)))


def order(X, Y, sides: tuple[str, str] = ("X", "Y")) -> np.ndarray | None:
    """The trials of Y in the order of X's, by the labels that both have; None where they are in it.

    Labels along trial, of xarray.DataArrays and pandas tables alike, are of three kinds:

    - What a trial was: the task variables that both sides declare, else all but those below. These
      are matched. One that differs is refused where it tells more trials apart than those that
      agree; else it is each side's own, such as choices: it is left out, with a warning.
    - Which trial it was: the index, the coordinate `trial`, ids, sessions, repeats, fold groups.
      They tell apart what the others leave open. An index is matched where there is nothing else,
      unless one side only counts from 0.
    - Labels that are the same for all trials of a side, and moments and numbers that aren't whole,
      such as reaction times, where they differ: they say nothing of the order.

    Arrays and tensors have no labels, and are not compared. Time bins in another order are refused;
    other times, but for their unit, are warned of.

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
    _compare_times(X, Y, sides)
    values = _shared(X, Y)
    what, which, ids = _kinds(X, Y, values)
    agreeing = {name: pair for name, pair in what.items() if _agree(pair)}
    own = [name for name in what if name not in agreeing]
    told = _levels(_joint(agreeing)) if agreeing else 1
    for name in own:
        if not agreeing or _levels(what[name]) > min(told, len(what[name][0]) - 1):
            raise _unmatched(X, Y, {name: what[name]} | agreeing, values, sides)
    known = agreeing or which
    in_order = all(np.array_equal(*pair) for pair in known.values())
    finer = {} if known and in_order else ids
    for labels in (known, known | which, known | which | finer, known | finer):
        found = _matching(labels) if labels else None
        if found is not None:
            return _said(found, list(labels), own, X, sides)
    if not in_order:
        raise _unmatched(X, Y, known, values, sides)
    return _said(np.arange(0), list(known), own, X, sides)


def _shared(X, Y) -> dict[str, tuple]:
    """Labels of both sides by name; what numbers or names the trials one by one is called "trial".

    The index of a table without a name is compared with a label of the same values.
    """
    labels, others = coordinates(X), coordinates(Y)
    shared = {name: (labels[name], others[name]) for name in labels if name in others}
    indexes = _index(X), _index(Y)
    if all(index is not None and not {*index.names} <= shared.keys() for index in indexes):
        shared["trial"] = tuple(map(np.asarray, indexes))
    if _is_table(X) != _is_table(Y):
        index = indexes[0] if _is_table(X) else indexes[1]
        for name, label in (labels | others).items():
            pair = (index, label) if _is_table(X) else (label, index)
            if index.names == [None] and not _is_default(index) and _agree(_codes(*pair)):
                shared[name] = tuple(map(np.asarray, pair))
    return shared


def _kinds(X, Y, values: Mapping[str, tuple]) -> list[dict[str, Codes]]:
    """The labels of `order` by kind: what a trial was, which it was by its index, and by ids."""
    codes = {name: _codes(*pair) for name, pair in values.items() if len(pair[0]) == len(pair[1])}
    declared = {*task_variables(X)} & {*task_variables(Y)} & codes.keys()
    grouping = {getattr(side, "attrs", {}).get("groups", "") for side in (X, Y)}
    indexes = [index for index in (_index(X), _index(Y)) if index is not None]
    levels = {name for index in indexes for name in index.names if is_bookkeeping(str(name))}
    kinds = [{}, {}, {}]
    for name, pair in codes.items():
        agree = _agree(pair)
        if name == "trial" or name in levels:
            if agree or not any(map(_is_default, indexes)):
                kinds[1][name] = pair
        elif is_bookkeeping(name) or name in grouping:
            if agree:
                kinds[2][name] = pair
        elif (not declared or name in declared) and _levels(pair) > 1:
            if agree or not any(_is_measured(name, side) for side in values[name]):
                kinds[0][name] = pair
    return kinds


def _compare_times(X, Y, sides: tuple[str, str]) -> None:
    """Refuse time bins in another order; warn of other times, but for their unit."""
    if not all(_is_named(side) and "time" in side.indexes for side in (X, Y)):
        return
    first, second = (side.indexes["time"].to_numpy() for side in (X, Y))
    if first.shape != second.shape or np.array_equal(first, second):
        return
    if _agree(_codes(first, second)):
        raise ValueError(
            f"{sides[0]} and {sides[1]} hold the same times in another order; put them into one: "
            f"{sides[1]}.sel(time={sides[0]}.time)"
        )
    numbers = all(side.dtype.kind in "iuf" for side in (first, second))
    if numbers and not np.allclose(first * np.abs(second).max(), second * np.abs(first).max()):
        warnings.warn(
            f"the times of {sides[0]} and {sides[1]} differ, {first[0]:g} to {first[-1]:g} and "
            f"{second[0]:g} to {second[-1]:g}: their bins are compared one by one, as they come",
            UserWarning,
            stacklevel=5,
        )


def _said(
    found: np.ndarray, names: list[str], own: list[str], X, sides: tuple[str, str]
) -> np.ndarray | None:
    """What brings Y into order, None if nothing need be done; warns of it and of own labels."""
    by = " and ".join("the index" if n == "trial" and _is_table(X) else repr(n) for n in names)
    moved = not np.array_equal(found, np.arange(len(found)))
    said = []
    if moved:
        said.append(
            f"the trials of {sides[1]} are in another order than those of {sides[0]}: they were "
            f"put into the order of {sides[0]} by {by}"
        )
    if own:
        said.append(
            f"{sides[0]} and {sides[1]} differ in {listed(map(repr, own), 5)}: taken for each "
            "side's own, "
            f"since their trials correspond by {by}"
        )
    for text in said:
        warnings.warn(text, UserWarning, stacklevel=5)
    return found if moved else None


def common_trials(X, Y) -> str:
    """How to select the trials that both sides have where their numbers differ, in words; "" where
    no label names each trial of either side once.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.load("toy-2d")
        >>> sl.trials.common_trials(X, X[:, :4])
        ''
    """
    if not all(_is_named(side) or _is_table(side) for side in (X, Y)):
        return ""
    for name, sides_values in _shared(X, Y).items():
        first, second = _codes(*sides_values)
        once = all(len(np.unique(side)) == len(side) for side in (first, second))
        lacking = [
            value
            for values, here, there in zip(
                sides_values, (first, second), (second, first), strict=True
            )
            for value in np.asarray(values)[~np.isin(here, there)]
        ]
        if once and lacking and np.isin(first, second).any():
            return (
                f"; one side alone has the trials of {name!r} "
                f"{listed(map(repr, np.asarray(lacking).tolist()), 5)}: "
                f"{_selected(X, name)} and Y likewise"
            )
    return ""


def _selected(X, name: str) -> str:
    """The call that selects the trials of X that Y has, too."""
    if _is_table(X):
        return "X.loc[X.index.isin(Y.index)]"
    return f"X.isel(trial=np.isin(X[{name!r}], Y[{name!r}]))"


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
    same = not differ and _agree(_joint(known))
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
        select = f"select the trials that both have, {_selected(X, name)} and Y likewise"
        return [select] * bool(common.any())
    same = all(map(_agree, known.values())) and _agree(_joint(known))
    by = [*known][:6] if same else [name]
    whole = "X" if "time" in getattr(X, "dims", ()) else "sl.datasets.load(X)"
    average = f"sl.datasets.processing.condition_averages({whole}, by={by!r})"
    if _is_table(X):
        levels = list(range(X.index.nlevels)) if "trial" in by else by
        average = f"X.groupby(level={levels!r}).mean()"
    averaged = f"average the trials of each condition on both sides, {average}"
    ways = [averaged] if _is_table(X) or "trial" not in by else []
    sort = "X.sort_index()" if _is_table(X) else f"X.sortby({list(known)[:6]!r})"
    return [*ways, f"sort both, {sort}"] if same else ways
