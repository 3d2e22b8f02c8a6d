"""Tables: recordings with one row a value or one row a trial, and labels with one row a trial."""

import fnmatch
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS
from simlib.datasets.own.facts import NEURONS, says
from simlib.datasets.own.limits import check_kind, check_size

ROLES = ("trial", "time", "neuron", "value")
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
EXACT = 2**53  # from here on not every whole number has a float of its own
SHORT = ("", "n", "u", "c", "ch", "elec")  # of columns of neurons, "ch3", "3", as words for them


def read_table(path: str | os.PathLike) -> pd.DataFrame:
    """A .csv, .tsv or .parquet file as a table; raises ValueError, naming the file, when it can't
    be read.

    Text is UTF-8, separated by what its first line is separated by outside of quotes; with
    semicolons the decimal mark may be a comma. Blanks around names and values don't count. "None"
    and "NA" are words in a column of words, and missing in one of numbers. A column of numbers is
    one of words where two of its texts differ and are one number ("01" and "1"), or a number is too
    large to be told from its neighbours; `from_table` takes times and values as numbers all the
    same.
    """
    path = Path(path).expanduser()
    try:
        check_kind(path)
        if path.suffix.lower() == ".parquet":
            return _read_parquet(path)
        return _read_text(path)
    except FileNotFoundError as error:
        hint = "" if path.suffix else f"; an array of the file is labels={{{path.name!r}: ...}}"
        raise FileNotFoundError(f"there is no table at {path}{hint}") from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"the text of {path.name} is not UTF-8 ({error.reason} at byte {error.start}); save it "
            f"so, or read it in its own encoding and load the table: "
            f"pandas.read_csv({path.name!r}, encoding='latin-1')"
        ) from error
    except Exception as error:  # parsers of both formats fail in many ways
        if type(error) is ValueError and path.name in str(error):
            raise
        raise ValueError(
            f"{path.name} can't be read as a table ({str(error)[:500]}); save it as .csv or "
            ".parquet"
        ) from error


def _read_parquet(path: Path) -> pd.DataFrame:
    held = pq.read_metadata(path)
    check_size("the table", path, (held.num_rows, held.num_columns), 8)
    return pd.read_parquet(path, engine="pyarrow", page_checksum_verification=True)


def _read_text(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig") as file:
        lines = filter(str.strip, file)
        first = next(lines, "")
        told = re.fullmatch(r"sep=(.)\s*", first)  # a line of Excel's own
        first = next(lines, "") if told else first
    plain = re.sub(r'"[^"]*"', "", first)
    mark = max(SEPARATORS, key=plain.count)
    mark = mark if mark in plain else "\t"  # a single column, in which a comma is a decimal mark
    options = {"sep": mark, "skipinitialspace": True, "encoding": "utf-8-sig"}
    options["skiprows"] = 1 if told else 0
    names = pd.read_csv(path, header=None, nrows=1, dtype=str, **options).iloc[0].dropna()
    names = names.str.strip()
    twice = names[names.duplicated()]
    if len(twice):  # pandas would rename the second one
        raise ValueError(_twice(path.name, twice.iloc[0]))
    frame = pd.read_csv(path, low_memory=False, keep_default_na=False, na_values=[""], **options)
    if frame.index.nlevels > 1:
        raise ValueError(
            f"{path.name} has rows of more values than its first line has names, separated by "
            f"{SEPARATORS[mark]}; the first line is {first.strip()[:200]!r}"
        )
    raw = frame.columns
    decimal = "." if mark == "," else ","
    frame = frame.apply(lambda column: _numbers(column, decimal))
    doubtful = [name for name in raw if _may_merge(frame[name])]
    if doubtful:
        if isinstance(frame.index, pd.RangeIndex):
            options["usecols"] = doubtful
        texts = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], **options)
        for name in doubtful:
            frame[name] = _told_apart(frame[name], texts[name].str.strip())
    frame.columns = [str(name).strip() for name in raw]
    frame.attrs["decimal"] = decimal
    return frame


def _may_merge(column: pd.Series) -> bool:
    """Whether a column holds numbers that may be ids or classes: whole, or often the same."""
    if column.dtype.kind not in "iuf":
        return False
    known = column.dropna()
    return bool((known % 1 == 0).all()) or 2 * known.nunique() <= len(known)


def _told_apart(numbers: pd.Series, texts: pd.Series) -> pd.Series:
    """A column of numbers, or of their texts where more of these differ."""
    texts = texts.where(numbers.notna().to_numpy())
    large = numbers.dtype.kind == "f" and (numbers.abs() >= EXACT).any()
    return texts if large or texts.nunique() > numbers.nunique() else numbers


def _numbers(column: pd.Series, decimal: str) -> pd.Series:
    """A column of text as numbers, where all that is no number is a word for a missing one."""
    if column.dtype.kind in "biuf":
        return column
    words = column.astype(object).where(~validation.looks_missing(column.to_numpy(object)))
    known = words.dropna().astype(str)
    known = known.str.replace(decimal, ".", regex=False)
    numbers = pd.to_numeric(known, errors="coerce")
    if known.empty or numbers.isna().any():
        return column
    return numbers.reindex(column.index)


def label_columns(table: str | os.PathLike | pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns of a table of labels, one row a trial, and what its index says.

    Raises ValueError for a table whose rows are numbered in another order than they come in.
    """
    if not isinstance(table, str | os.PathLike | pd.DataFrame):
        raise TypeError(
            "labels= is a mapping, label -> values (one a trial) or the name of an array of the "
            "file, or a table or its path, one row a trial; got "
            f"{type(table).__name__}: labels={{'target': values}}"
        )
    if isinstance(table, pd.DataFrame):
        frame = with_index(table, "the table of labels")
        in_order(table, "labels")
    else:
        frame = read_table(table)
    return {str(name): _plain(frame[name]) for name in frame.columns if not _is_row_number(name)}


def in_order(values: object, name: str) -> None:
    """Refuse a pandas object whose index counts its rows in another order than they come in."""
    index = getattr(values, "index", None)
    if not isinstance(index, pd.Index) or index.nlevels > 1 or index.dtype.kind not in "iu":
        return
    if not index.is_monotonic_increasing and set(index) == set(range(len(index))):
        raise ValueError(
            f"the rows of {name} are numbered {validation.listed(index, most=4)}: bring them into "
            f"the order of the trials, {name}.sort_index(), or say that they are in it, "
            f"{name}.reset_index(drop=True)"
        )


def with_index(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """A table with what its index says as columns: labels, trials, times; not the numbers of rows.

    Raises ValueError for columns of several levels, and for two of one name.
    """
    if frame.columns.nlevels > 1:
        raise ValueError(
            f"{name} has columns of {frame.columns.nlevels} levels; give each one name, "
            "frame.columns = ['_'.join(map(str, names)) for names in frame.columns]"
        )
    numbered = frame.index.nlevels == 1 and frame.index.dtype.kind in "iu"
    if frame.index.names != [None] or not numbered:
        names = [one or f"label{k or ''}" for k, one in enumerate(frame.index.names)]
        frame = frame.reset_index(names=names)
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise ValueError(_twice(name, twice[0]))
    return frame


def _twice(name: str, column: object) -> str:
    return f"{name} has several columns called {column!r}; rename or drop them"


def _is_row_number(column: object) -> bool:
    """Whether a column is the index that pandas wrote into a .csv file."""
    return str(column).startswith("Unnamed: ")


def from_table(
    frame: pd.DataFrame, columns: Mapping[str, object] | None = None, name: str = "table"
) -> xr.DataArray:
    """A table as a DataArray (time, trial, neuron); what has no row is NaN.

    One row a value, with columns of trial, neuron, value and perhaps time; or one row a trial (or a
    time of a trial), with a column a neuron: those that `columns` names, {"neuron": "unit*"} or a
    list, or those that are called so and numbered: unit0, unit1, ..., cell_1, ch3, or 0, 1, ....

    Without a column of times there is one time bin. Any other column that is constant within each
    trial is a label, within each neuron a fact of the neuron, and within each time of a trial a
    label that varies over time; what is none is left out, and the attribute `left_out` says why.
    Trials and neurons keep the order in which they come, times are sorted; times that differ by
    rounding are one.

    Args:
        frame: the table.
        columns: what it calls trial, time, neuron and value.
        name: what an error calls it.

    Raises:
        ValueError: for columns that are missing or fit none of these, and for two rows of one
            value.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"trial": [1, 2], "unit": ["a", "a"], "value": [0.5, 2.0]})
        >>> from_table(table, {"neuron": "unit"}).values.tolist()
        [[[0.5], [2.0]]]
        >>> wide = pd.DataFrame({"unit0": [1.0, 2.0], "unit1": [0.0, 5.0], "hit": [0, 1]})
        >>> from_table(wide).values.tolist()
        [[[1.0, 0.0], [2.0, 5.0]]]
    """
    if frame.empty:
        raise ValueError(f"{name} has no rows or no columns: a recording has one row a value")
    decimal = frame.attrs.get("decimal")  # of a file of text
    frame = with_index(frame, name)
    plain = {str(one).strip().lower(): one for one in reversed(list(frame.columns))}
    plain |= {one: one for one in frame.columns}
    called = {role: plain[role] for role in ROLES if role in plain} | dict(columns or {})
    units = _units(frame, called)
    if decimal:
        measured = {*units, called.get("value"), called.get("time")} & {*frame.columns}
        frame = frame.assign(**{one: _numbers(frame[one], decimal) for one in measured})
    if units:
        return _from_wide(frame, called, units, name)
    return _from_long(frame, called, name)


def _units(frame: pd.DataFrame, called: Mapping[str, object]) -> list:
    """The columns that are neurons: named so, or all of one name with numbers; none in a table with
    one row a value.
    """
    asked = called.get("neuron")
    if asked in frame.columns if isinstance(asked, str) else False:
        return []
    names = list(frame.columns)
    if isinstance(asked, str):
        return [column for column in names if fnmatch.fnmatchcase(str(column), asked)]
    if asked is not None:
        return list(asked)
    if "value" in called:
        return []
    found = list(_of_neurons(frame).values())
    return found[0] if len(found) == 1 else []


def _of_neurons(frame: pd.DataFrame) -> dict[str, list]:
    """Columns that are called as neurons are, with a number at the end, by what comes before it;
    names that are numbers alone count where they go up, as values in a first line don't.
    """
    stems: dict[str, list] = {}
    for column in frame.columns:
        found = re.fullmatch(r"(.*?)[\W_]*\d+", str(column))
        if found:
            stems.setdefault(found[1].lower(), []).append(column)
    numbers = [int(re.sub(r"\D", "", str(column))) for column in stems.get("", [])]
    if (np.diff(numbers) <= 0).any():
        del stems[""]
    return {
        stem: columns
        for stem, columns in stems.items()
        if len(columns) > 1 and (stem in SHORT or says(stem, NEURONS))
    }


def _from_wide(
    frame: pd.DataFrame, called: Mapping[str, object], units: Sequence, name: str
) -> xr.DataArray:
    """A table with a column a neuron."""
    lost = [column for column in units if column not in frame.columns]
    text = [column for column in units if not lost and frame[column].dtype.kind not in "biuf"]
    if lost:
        raise ValueError(
            f"{name} has no columns called {validation.listed(lost)}; it has "
            f"{validation.listed(frame.columns)}"
        )
    if text:
        raise ValueError(_not_numbers(frame[text[0]], name))
    keys = {role: called[role] for role in ("trial", "time") if role in called}
    for column in keys.values():
        validation.known(f"column of {name}", column, list(frame.columns))
    if "time" in keys and "trial" not in keys:
        raise ValueError(
            f"{name} has a column of times, {keys['time']!r}, and none that says which trial a row "
            f"belongs to: name it, columns={{'trial': ...}}, or where every row is a trial leave "
            "the times out"
        )
    trials = pd.Series(np.arange(len(frame))) if "trial" not in keys else frame[keys["trial"]]
    codes, found = _places({"trial": trials} | _times(frame, keys), name)
    shape = codes["time"].max() + 1, codes["trial"].max() + 1, len(units)
    _check_grid(frame, shape, name)
    values = np.full(shape, np.nan)
    _refuse_twice(codes, found, ("time", "trial"), name)
    values[codes["time"], codes["trial"]] = frame[list(units)].to_numpy(float)
    data = xr.DataArray(values, dims=DIMS, coords={"unit": ("neuron", list(map(str, units)))})
    read_as = f"{name}, read as a row a trial and a column a neuron"
    others = [column for column in frame.columns if column not in (*units, *keys.values())]
    return _completed(data, frame[others], codes, found, "trial" in keys, name, read_as)


def _from_long(frame: pd.DataFrame, called: Mapping[str, object], name: str) -> xr.DataArray:
    """A table with one row a value."""
    needed = {"trial", "neuron", "value", *called}
    if any(role not in ROLES or called.get(role) not in frame.columns for role in needed):
        raise ValueError(
            f"{name} has the columns {validation.listed(frame.columns)}, and a recording needs "
            "trial, neuron, value and perhaps time. Say which is which, with your names: "
            "columns={'trial': 'trial_number', 'neuron': 'unit', 'value': 'rate'}; or, where every "
            f"neuron has a column, {_wildcards(frame)}"
        )
    keys = {"trial": frame[called["trial"]], "neuron": frame[called["neuron"]]}
    codes, found = _places(keys | _times(frame, called), name)
    _refuse_twice(codes, found, DIMS, name)
    column = frame[called["value"]]
    if column.dtype.kind not in "biuf":
        raise ValueError(_not_numbers(column, name))
    shape = [codes[dim].max() + 1 for dim in DIMS]
    _check_grid(frame, shape, name)
    values = np.full(shape, np.nan)
    values[tuple(codes[dim] for dim in DIMS)] = column.to_numpy(float)
    data = xr.DataArray(values, dims=DIMS)
    data = data.assign_coords(unit=("neuron", _plain(pd.Series(found["neuron"]))))
    others = frame[[one for one in frame.columns if one not in called.values()]]
    read_as = f"{name}, read as a row a value"
    return _completed(data, others, codes, found, True, name, read_as)


def _check_grid(frame: pd.DataFrame, shape: Sequence[int], name: str) -> None:
    """Refuse a table whose times, trials and neurons make far more places than it has values."""
    way = "save it as trials of the same times and neurons"
    taken = int(frame.memory_usage().sum())
    check_size("the grid of times, trials and neurons", name, shape, 8, way, taken)


def _wildcards(frame: pd.DataFrame) -> str:
    """How to name the columns of neurons, with those that the table has; what hides them."""
    if len(frame.columns) == 1:
        known = ", ".join(SEPARATORS.values())
        return f"separate the names in the first line by one of {known}: it is one column now"
    numbers = [re.fullmatch(r"[-+.\deE]*\d[-+.\deE]*", str(one)) for one in frame.columns]
    if sum(map(bool, numbers)) > len(frame.columns) / 2:
        return (
            "name it in the first line, which holds numbers now (pandas.read_csv(path, "
            "header=None) makes names), or list all columns: columns={'neuron': [...]}"
        )
    begin = [re.sub(r"\d+$", "", str(columns[0])) for columns in _of_neurons(frame).values()]
    ways = [f"columns={{'neuron': {one + '*'!r}}}" for one in (begin[:3] or ["unit"])]
    return " or ".join([*ways, "a list of their names"])


def _not_numbers(column: pd.Series, name: str) -> str:
    """What is wrong with a column that needs to hold numbers."""
    bad = column[pd.to_numeric(column, errors="coerce").isna() & column.notna()]
    found = f"{str(bad.iloc[0])[:60]!r} in {len(bad)} rows" if len(bad) else str(column.dtype)
    return (
        f"the column {str(column.name)[:200]!r} of {name} holds {found}, not numbers; write a "
        "missing one as NA or leave it empty"
    )


def _times(frame: pd.DataFrame, called: Mapping[str, object]) -> dict[str, pd.Series]:
    """The column of times, in s, those that differ by rounding made equal; text as it comes."""
    if "time" not in called:
        return {}
    times = frame[called["time"]]
    if times.dtype.kind in "mM":
        times = (times - (times.min() if times.dtype.kind == "M" else pd.Timedelta(0))).dt
        times = times.total_seconds().rename(called["time"])
    if times.dtype.kind != "f":
        return {"time": times}
    ordered = np.unique(times.dropna())
    step = np.diff(ordered)
    size = np.abs(ordered).max(initial=0)
    rounding = 1e-6 * np.median(step[step > 1e-6 * size]) if (step > 1e-6 * size).any() else 0
    starts = ordered[np.r_[True, step > max(rounding, 8 * np.finfo(float).eps * size)]]
    places = np.searchsorted(starts, times.fillna(0), side="right") - 1
    return {"time": pd.Series(starts[places.clip(0)]).where(times.notna().to_numpy())}


def _places(keys: Mapping[str, pd.Series], name: str) -> tuple[dict, dict]:
    """The place of every row along each axis, and what is found there."""
    empty = [str(key.name or role) for role, key in keys.items() if key.isna().any()]
    if empty:
        raise ValueError(
            f"{name} has rows without {', '.join(empty)}; every value belongs to a trial and a "
            "neuron"
        )
    codes, found = {"time": np.zeros(len(next(iter(keys.values()))), dtype=int)}, {}
    for role, key in keys.items():
        codes[role], found[role] = pd.factorize(
            key, sort=key.dtype.kind in "biuf" and role == "time"
        )
    return codes, found


def _refuse_twice(codes: Mapping, found: Mapping, dims: Sequence[str], name: str) -> None:
    places = pd.MultiIndex.from_arrays([codes[dim] for dim in dims])
    twice = places.duplicated()
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        what = ", ".join(
            f"{role} {found[role][codes[role][row]]}" for role in ROLES if role in found
        )
        raise ValueError(
            f"{name} has {int(twice.sum())} values more than once, the first for {what}; keep or "
            "average one"
        )


def _completed(
    data: xr.DataArray,
    others: pd.DataFrame,
    codes: Mapping[str, np.ndarray],
    found: Mapping[str, object],
    numbered: bool,
    name: str,
    read_as: str,
) -> xr.DataArray:
    """The recording with the other columns as coordinates."""
    if numbered:
        data = data.assign_coords(trial_id=("trial", _plain(pd.Series(found["trial"]))))
    if "time" in found:
        times = _plain(pd.Series(found["time"]))
        numbers = times.dtype.kind in "iuf"
        times = ("time", times.astype(float) if numbers else times)
        data = data.assign_coords({"time" if numbers else "time_label": times})
    left_out = {}
    for column in others.columns:
        if not _is_row_number(column):
            fact = _fact(others[column], codes, data.shape)
            if isinstance(fact, str):
                left_out[str(column)] = fact
            else:
                data = data.assign_coords({str(column): fact})
    sizes = ", ".join(f"{dim} {size}" for dim, size in data.sizes.items())
    data.attrs["read_as"] = f"{read_as}: {sizes}"
    if left_out:
        data.attrs["left_out"] = json.dumps(left_out)
    return data


def _fact(
    column: pd.Series, codes: Mapping[str, np.ndarray], shape: tuple[int, ...]
) -> tuple | str:
    """A column as a coordinate of the axis in whose places it is constant, or why it is none."""
    try:
        classes, kinds = pd.factorize(column, use_na_sentinel=False)
    except TypeError:  # lists, dicts
        return "values that are neither numbers nor words"
    values = _plain(pd.Series(kinds, dtype=column.dtype))
    for dims in (("trial",), ("neuron",), ("time", "trial")):
        if any(dim not in codes for dim in dims):
            continue
        sizes = tuple(shape[DIMS.index(dim)] for dim in dims)
        place = np.ravel_multi_index(tuple(codes[dim] for dim in dims), sizes)
        known, first = np.unique(place, return_index=True)
        filled = np.zeros(int(np.prod(sizes)), dtype=int)
        filled[known] = classes[first]
        if (filled[place] == classes).all() and len(known) == len(filled):
            return dims, values[filled].reshape(sizes)
    return "constant neither within trials nor within neurons"


def _plain(column: pd.Series) -> np.ndarray:
    """A column as numbers or fixed-width strings; categories as what they stand for. Strings among
    which some are missing stay objects.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(
            column.tolist(), dtype=None if column.isna().any() else column.cat.categories.dtype
        )
    if column.dtype.kind in "biuf" and not isinstance(column.dtype, np.dtype):
        kind = column.dtype.numpy_dtype
        if column.isna().any():
            exact = kind.kind in "bf" or (column.dropna().abs() < EXACT).all()
            kind = float if exact else object
        column = column.astype(kind)
    values = column.to_numpy()
    if values.dtype.kind in "biuf":
        return values
    return values.astype(object if column.isna().any() else str)
