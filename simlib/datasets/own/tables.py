"""Tables: recordings with one row a value (trial, time, neuron, value), and labels with one row a
trial.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from simlib.datasets.arrays import DIMS

ROLES = ("trial", "time", "neuron", "value")


def read_table(path: str | os.PathLike) -> pd.DataFrame:
    """A .csv or .parquet file as a table; raises ValueError, naming the file, when it can't be
    read.
    """
    path = Path(path)
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"there is no table at {path}") from error
    except Exception as error:  # parsers of both formats fail in many ways
        raise ValueError(
            f"{path.name} can't be read as a table ({error}); save it as .csv or .parquet"
        ) from error


def label_columns(table: str | os.PathLike | pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns of a table of labels, one row a trial."""
    frame = table if isinstance(table, pd.DataFrame) else read_table(table)
    return {str(name): _plain(frame[name]) for name in frame.columns if not _is_row_number(name)}


def _is_row_number(column: object) -> bool:
    """Whether a column is the index that pandas wrote into a .csv file."""
    return str(column).startswith("Unnamed: ")


def from_long_table(
    frame: pd.DataFrame, columns: Mapping[str, str] | None = None, name: str = "table"
) -> xr.DataArray:
    """A table with one row a value as a DataArray (time, trial, neuron); what has no row is NaN.

    Without a column of times there is one time bin. Any other column that is constant within each
    trial is a label, within each neuron a fact of the neuron, and within each time of a trial a
    label that varies over time. Trials and neurons keep the order in which they come, times are
    sorted.

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
        >>> from_long_table(table, {"neuron": "unit"}).values.tolist()
        [[[0.5], [2.0]]]
    """
    called = {**{role: role for role in ROLES}, **(columns or {})}
    needed = {"trial", "neuron", "value", *(columns or {})}
    if any(role not in ROLES or called[role] not in frame.columns for role in needed):
        raise ValueError(
            f"{name} has the columns {', '.join(map(str, frame.columns))}, and a recording needs "
            "trial, neuron, value and perhaps time. Say which is which: "
            "columns={'trial': 'trial_number', 'neuron': 'unit', 'value': 'rate'}"
        )
    timed = called["time"] in frame.columns
    keys = {
        role: frame[called[role]] for role in ("trial", "time", "neuron") if role != "time" or timed
    }
    empty = [called[role] for role, key in keys.items() if key.isna().any()]
    if empty:
        raise ValueError(
            f"{name} has rows without {', '.join(empty)}; every value belongs to a trial and a "
            "neuron"
        )
    codes, found = {"time": np.zeros(len(frame), dtype=int)}, {}
    for role, key in keys.items():
        codes[role], found[role] = pd.factorize(key, sort=role == "time")
    places = pd.MultiIndex.from_arrays([codes[dim] for dim in DIMS], names=DIMS)
    twice = places.duplicated()
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        what = ", ".join(f"{called[role]} {key.iloc[row]}" for role, key in keys.items())
        raise ValueError(
            f"{name} has {int(twice.sum())} values more than once, the first for {what}; keep or "
            "average one"
        )
    if frame[called["value"]].dtype.kind not in "biuf":
        raise ValueError(
            f"the column {called['value']!r} of {name} holds {frame[called['value']].dtype}, not "
            "numbers"
        )
    data = pd.Series(frame[called["value"]].to_numpy(float), places).to_xarray().drop_vars(DIMS)
    coords = {
        "trial_id": ("trial", _plain(pd.Series(found["trial"]))),
        "unit": ("neuron", _plain(pd.Series(found["neuron"]))),
    }
    if timed and pd.Series(found["time"]).dtype.kind in "iuf":
        coords["time"] = ("time", np.asarray(found["time"], dtype=float))
    facts = {
        str(column): _fact(frame[column], codes, data.shape, name)
        for column in frame.columns
        if column not in called.values() and not _is_row_number(column)
    }
    return data.assign_coords(coords | facts)


def _fact(
    column: pd.Series, codes: Mapping[str, np.ndarray], shape: tuple[int, ...], name: str
) -> tuple:
    """A column as a coordinate of the axis within whose places it is constant."""
    values = _plain(column)
    for dims in (("trial",), ("neuron",), ("time", "trial")):
        sizes = tuple(shape[DIMS.index(dim)] for dim in dims)
        place = np.ravel_multi_index(tuple(codes[dim] for dim in dims), sizes)
        known, first = np.unique(place, return_index=True)
        filled = np.empty(int(np.prod(sizes)), dtype=values.dtype)
        filled[known] = values[first]
        if (filled[place] == values).all() and len(known) == len(filled):
            return dims, filled.reshape(sizes)
    raise ValueError(
        f"the column {str(column.name)!r} of {name} is constant neither within trials nor within "
        "neurons (or not known for all): drop it, or give one value a trial"
    )


def _plain(column: pd.Series) -> np.ndarray:
    """A column as numbers or fixed-width strings; categories as what they stand for."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    values = column.to_numpy()
    if values.dtype.kind in "biuf":
        return values
    return values.astype(object if column.isna().any() else str)
