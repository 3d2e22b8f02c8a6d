"""Foreign bytes are parsed in a process of their own, with limited memory and time: what damages
it, or keeps it busy without an end, damages nothing here.
"""

import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cloudpickle

from simlib import validation, worker
from simlib.datasets.own import limits
from simlib.threads import task_threads

PACKAGE = str(Path(__file__).parents[2])
PASSED = {"ValueError": ValueError, "FileNotFoundError": FileNotFoundError}
PASSED["Dissimilarities"] = validation.Dissimilarities


class Warned(NamedTuple):
    """A warning as it was raised in another process."""

    text: str
    category: type[Warning]
    file: str
    line: int
    module: str


def apart(function: Callable, path: Path, /, *arguments: object, **options: object) -> object:
    """What function(path, *arguments, **options) gives, called in a process of its own.

    That process is kept for the next call. Warnings are raised here. Raises the ValueErrors and
    FileNotFoundErrors of the function as they are, and ValueError that names the file for all else
    that can happen: another error, a crash, too much memory, no end (`limits.seconds`).
    """
    call = cloudpickle.dumps((_answer, function, path, arguments, options))
    limits.check_kind(path)
    seconds, reader = limits.seconds(path), worker.idle()
    if reader is None:
        reader = worker.Worker()
        reader(cloudpickle.dumps((_ready,)))  # imports take seconds, which are not the file's
    try:
        result, error, warned = reader(call, seconds)
    except worker.Ended as ended:
        raise ValueError(_lost(path, f"the process that read it ended {ended}")) from None
    except MemoryError:
        raise ValueError(_lost(path, "what it holds leaves no memory")) from None
    except worker.Failed as failed:
        result, error, warned = None, ("ValueError", _lost(path, str(failed))), []
    worker.IDLE.append(reader)
    for one in warned:
        _warn(one)
    if error:
        raise PASSED[error[0]](error[1])
    return result


def _lost(path: Path, why: str) -> str:
    return (
        f"{path.name} can't be read: {why[:600]}. It is damaged, or too large: copy or save it "
        "again; a reading that is slow or large, and is meant, has its limits in "
        "SIMLIB_READ_SECONDS and SIMLIB_READ_GB"
    )


def _warn(one: Warned) -> None:
    """Raise a warning here: simlib's own where the caller of simlib is, others where they were."""
    if not one.file.startswith(PACKAGE) or one.category is not UserWarning:
        warnings.warn_explicit(one.text, one.category, one.file, one.line, one.module)
        return
    frame, level = sys._getframe(), 1
    while frame.f_back and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(one.text, one.category, stacklevel=level)


# -- In the other process


def _ready() -> None:
    """What takes time when a process starts is over."""


def _answer(
    function: Callable, path: Path, arguments: tuple, options: dict
) -> tuple[object, tuple[str, str] | None, list[Warned]]:
    """The result of a call, or its error (kind and text), and its warnings."""
    result, error = None, None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with limits.limited_memory(), task_threads():
                result = function(path, *arguments, **options)
        except Exception as raised:  # parsers of damaged bytes fail in every way
            error = _told(raised, path)
    return result, error, list(map(_warned, caught))


def _told(error: Exception, path: Path) -> tuple[str, str]:
    """Kind and text of an error; what nobody meant to raise is one that names the file."""
    if isinstance(error, validation.Dissimilarities):
        return "Dissimilarities", str(error)
    if isinstance(error, ValueError):
        return "ValueError", str(error)
    if type(error) is FileNotFoundError and error.errno is None:  # in words of our own
        return "FileNotFoundError", str(error)
    places = [one for one in traceback.extract_tb(error.__traceback__)]
    inside = [one for one in places if one.filename.startswith(PACKAGE)] or places
    where = f"{Path(inside[-1].filename).name}, line {inside[-1].lineno}"
    if isinstance(error, MemoryError):
        why = f"it needs more memory than there is ({str(error)[:200] or where})"
    else:
        why = f"{type(error).__name__}: {str(error)[:300]} ({where})"
    return "ValueError", _lost(path, why)


def _warned(one: warnings.WarningMessage) -> Warned:
    names = {getattr(module, "__file__", None): name for name, module in sys.modules.items()}
    module = names.get(one.filename, Path(one.filename).stem)
    return Warned(str(one.message), one.category, one.filename, one.lineno, module)
