"""A measure of the user's own, named `path.py:function` so that another process finds it again."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from dataclasses import replace
from pathlib import Path

from simlib import validation
from simlib.measures import MEASURES, Measure, measure

__all__ = ["digest", "resolve"]


def _place(name: str) -> tuple[Path, str]:
    """The file and the function's name; refuses what names no file and no function."""
    path, colon, function = name.rpartition(":")
    if not colon or not path:
        if name.endswith(".py"):
            raise ValueError(f"which function of {name}? Name it after a colon: {name}:my_score")
        raise validation.unknown_name(
            "measure", name, MEASURES, "A measure of your own is path.py:function"
        )
    if not function:
        raise ValueError(f"which function of {path}? Name it after the colon: {path}:my_score")
    if not Path(path).is_file():
        meant = f"; {path}.py:{function}?" if Path(f"{path}.py").is_file() else ""
        raise ValueError(f"no such file: {path} (looked in {Path.cwd()}){meant}")
    return Path(path), function


def digest(name: str) -> str:
    """Hash of what a name stands for: the content of its file, "" for a measure of the
    catalogue.
    """
    if name in MEASURES:
        return ""
    return hashlib.sha256(_place(name)[0].read_bytes()).hexdigest()[:24]


def _load(path: Path):
    """The file as a module; its neighbours can be imported by it, as when it is run."""
    spec = importlib.util.spec_from_file_location(f"_own_{path.stem}", path)
    if spec is None:
        raise ValueError(f"{path} isn't a Python file: its name needs to end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's code does
        raise ValueError(f"{path} can't be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module


def resolve(name: str) -> Measure:
    """The measure of an id, or of `path.py:function`: a function of two tensors, or a `Measure`.

    A function counts as a score that grows with similarity; a `Measure` says itself what it is. Its
    id is its name with hyphens, `-own` added where the catalogue has that id. Raises ValueError for
    an unknown id, and where the file, the function in it or a callable is missing, or the file
    can't be imported.
    """
    if name in MEASURES:
        return MEASURES[name]
    path, attribute = _place(name)
    module = _load(path)
    if not hasattr(module, attribute):
        known = [
            key
            for key, value in vars(module).items()
            if callable(value) and not key.startswith("_")
        ]
        raise validation.unknown_name(f"function of {path}:", attribute, known)
    found = getattr(module, attribute)
    if not callable(found):
        raise ValueError(
            f"{name} is {type(found).__name__}, not a function; a measure takes X and Y, tensors "
            "of (samples, "
            "neurons), and returns a 0-d tensor"
        )
    record = (
        found
        if isinstance(found, Measure)
        else replace(measure(found), title=attribute.replace("_", " ").strip())
    )
    slug = re.sub(r"[^a-z0-9]+", "-", attribute.lower()).strip("-") or "own"
    return replace(record, id=f"{slug}-own" if slug in MEASURES else slug)
