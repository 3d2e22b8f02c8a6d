"""A measure of the user's own, named `path.py:function` so that another process finds it again."""

import re
import runpy
import sys
from dataclasses import replace
from pathlib import Path

from simlib import validation
from simlib.measures import MEASURES, Measure, measure


def _place(name: str) -> tuple[Path, str]:
    """The file and the function's name; refuses what names no file and no function."""
    path, _, function = name.rpartition(":")
    if name.endswith((".py", ":")):
        file = name.removesuffix(":")
        raise ValueError(f"which function of {file}? Name it after a colon: {file}:my_score")
    if not path:
        raise validation.unknown_name(
            "measure", name, MEASURES, "A measure of your own is path.py:function"
        )
    if not Path(path).is_file():
        meant = f"; {path}.py:{function}?" if Path(f"{path}.py").is_file() else ""
        raise ValueError(f"no such file: {path} (looked in {Path.cwd()}){meant}")
    if not path.endswith(".py"):
        raise ValueError(f"{path} isn't a Python file: its name needs to end in .py")
    return Path(path), function


def _run(path: Path) -> dict:
    """The names that the file defines; it can import its neighbours, as when it is run."""
    sys.path.insert(0, str(path.resolve().parent))
    try:
        return runpy.run_path(str(path))
    except Exception as error:  # whatever the user's code does
        raise ValueError(f"{path} can't be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)


def resolve(name: str) -> Measure:
    """The measure of an id, or of `path.py:function`: a function of two tensors, or a `Measure`.

    X and Y are (samples, neurons). A function counts as a score that grows with similarity; a
    `Measure` says itself what it is. Its id is its name with hyphens, `-own` added where the
    catalogue has that id. Raises ValueError for an unknown id, and where the file, the function in
    it or a callable is missing, or the file can't be run.

    Example:
        >>> from simlib.measures.own import resolve
        >>> resolve("nbs").title
        'NBS'
    """
    if name in MEASURES:
        return MEASURES[name]
    path, function = _place(name)
    names = _run(path)
    if function not in names:
        known = [key for key, value in names.items() if callable(value) and key[0] != "_"]
        raise validation.unknown_name(f"function of {path}:", function, known)
    found = names[function]
    if not callable(found):
        raise ValueError(
            f"{name} is {type(found).__name__}, not a function; a measure takes X and Y, tensors "
            "of (samples, neurons), and returns a 0-d tensor"
        )
    if not isinstance(found, Measure):
        found = replace(measure(found), title=function.replace("_", " ").strip())
    slug = re.sub(r"[^a-z0-9]+", "-", function.lower()).strip("-") or "own"
    return replace(found, id=f"{slug}-own" if slug in MEASURES else slug)
