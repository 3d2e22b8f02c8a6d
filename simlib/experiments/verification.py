"""Stored results computed once more, and compared."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow

from simlib import cache
from simlib.experiments import machine, store
from simlib.threads import task_threads

# On another set-up: numbers agree within this share of the largest of their column. With other
# vector instructions in torch and BLAS, ascents of 200 steps differed by up to 1e-4 of it.
TOLERANCE = 1e-3
MEASURED = ("seconds",)  # columns of what a clock says


def verify(share: float = 0.1, seed: int = 0) -> tuple[str, bool]:
    """Whether stored results are found again: what was compared, in words, and the verdict.

    A random `share` of the stored results that `run` would find (one at least) is computed once
    more. Tables are the same bit for bit where versions, BLAS,
    threads and processor are those of the first time (`machine.DECIDES`); elsewhere numbers agree
    within `TOLERANCE` of the largest of their column; a table with other rows differs. Nothing is
    written. Raises ValueError where no result is stored, or for a share outside of (0, 1].
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is how much is computed again, in (0, 1]; got {share}")
    files, known = sorted(store.results_folder().glob("*/*.parquet")), {}
    current = [path for path in files if store.is_current(path, known)]
    if not current:
        raise ValueError(
            f"nothing to verify: of {len(files)} results in {store.results_folder()} none is of "
            "this code and these data; make figures first, with the same SIMLIB_RESULTS"
        )
    count = max(1, round(share * len(current)))
    chosen = np.random.default_rng(seed).permutation(len(current))[:count]
    lines, equal, near = [], 0, 0
    for path in [current[k] for k in sorted(chosen)]:
        try:
            found = compared(path, known)
        except Exception as error:  # whatever the task raises is a finding
            found = f"could not be computed again: {type(error).__name__}: {error}"[:500]
        equal, near = equal + (found == "equal"), near + (found == "near")
        if found not in ("equal", "near"):
            lines.append(f"DIFFERS {path.parent.name}/{path.name}: {found}")
    said = (
        f"{count} of {len(current)} stored results were computed again (seed {seed}); "
        f"{len(files) - len(current)} more are of other code or data. {equal} are the same bit "
        f"for bit, {near} on another set-up within {TOLERANCE:g} of the largest number of their "
        f"column, {len(lines)} differ."
    )
    return "\n".join([said, *lines]), not lines


def compared(path: Path, known: dict) -> str:
    """ "equal", "near" (on another set-up), or what differs between a stored result and the same
    computed now.
    """
    record, place = store.recorded(path), path.with_name(path.stem.rpartition("-")[0] + ".parquet")
    first = cache.read(place, pd.read_parquet)
    if first is None:
        return "its file was damaged"
    function, task, parts = store.recalled(path, known, running=True)
    with task_threads():
        made, setup = store.compute(function, task, parts), machine.setup()
    again = pyarrow.Table.from_pandas(made).to_pandas()  # as it is read from a file
    same = all(record[name] == setup[name] for name in machine.DECIDES)
    said = differing(first, again, 0 if same else TOLERANCE)
    if said:
        task = ", ".join(f"{key}={value}" for key, value in record["argument"].items())
        return f"{said}, in the task {task}"[:1000]
    return "equal" if same or not differing(first, again, 0) else "near"


def differing(first: pd.DataFrame, again: pd.DataFrame, tolerance: float) -> str:
    """The first column in which two tables differ, with both values; "" where there is none.

    Tables are compared by content, bit for bit at the tolerance 0.

    >>> differing(pd.DataFrame({"a": [1.0, 2.0]}), pd.DataFrame({"a": [1.0, 2.5]}), 0)
    'column a, row 1: 2.0 stored, 2.5 now'
    """
    if list(first.columns) != list(again.columns) or len(first) != len(again):
        shapes = [
            f"{len(one)} rows of {', '.join(map(str, one.columns))}" for one in (first, again)
        ]
        return f"{shapes[0]} stored, {shapes[1]} now"
    for name in [name for name in first if name not in MEASURED]:
        a, b = first[name].to_numpy(), again[name].to_numpy()
        if a.dtype != b.dtype:
            return f"column {name}: {a.dtype} stored, {b.dtype} now"
        if a.dtype.kind == "f" and tolerance:
            bound = tolerance * np.nanmax(np.abs(a), initial=0)
            apart = ~(np.isclose(a, b, rtol=0, atol=bound, equal_nan=True))
        elif a.dtype.kind == "f":
            bits = f"u{a.itemsize}"
            apart = np.ascontiguousarray(a).view(bits) != np.ascontiguousarray(b).view(bits)
        else:
            apart = (a != b) & ~(pd.isna(a) & pd.isna(b))
        if apart.any():
            row = int(np.flatnonzero(apart)[0])
            before, now = (one[row : row + 1].tolist()[0] for one in (a, b))
            return f"column {name}, row {row}: {before!r} stored, {now!r} now"
    return ""
