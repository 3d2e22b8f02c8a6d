"""What is computed once and kept: what it depends on, whole files, checksums.

A result depends on its settings, its data, the versions of the packages that compute it, and code:
the module of its function and all that this module imports, without docstrings and comments.
"""

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
import secrets
import sys
import sysconfig
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TypeVar

__all__ = [
    "checksums",
    "code",
    "depends_on",
    "digest",
    "kept",
    "read",
    "set_aside",
    "sha256",
    "write",
]

ROOT = Path(__file__).resolve().parents[1]  # the folder that holds simlib
# What Python runs: sources as they were when simlib, or a module of the user's, was imported.
LOADED = {path.as_posix(): path.read_bytes() for path in ROOT.glob("simlib/**/*.py")}
STARTED = time.time()
INSTALLED = tuple(sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib"))
# Which machine a draft is of, without its name.
MACHINE = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
TRIES = 3  # a file whose folder is deleted meanwhile is written anew
PACKAGES = ("numpy", "torch", "scipy", "scikit-learn")
T = TypeVar("T")


# -- What a result depends on


def digest(value: object) -> str:
    """sha256 (hex) of what JSON can hold; the order of keys doesn't count.

    >>> digest({"seed": 0, "steps": 9}) == digest({"steps": 9, "seed": 0})
    True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def depends_on(function: Callable, running: bool = True) -> dict[str, dict[str, str]]:
    """What every result of a function depends on: versions of packages, code of modules.

    Raises ValueError for a function that is in no file, and as `code` does.

    >>> {kind: list(names) for kind, names in depends_on(digest).items()}
    {'version': ['numpy', 'torch', 'scipy', 'scikit-learn'], 'module': ['simlib/cache.py']}
    """
    file = getattr(sys.modules.get(function.__module__), "__file__", None)
    if file is None:
        raise ValueError(
            f"{function.__qualname__} is in no file, so the code it depends on can't be read; "
            "move it into a module"
        )
    return {
        "version": {name: importlib.metadata.version(name) for name in PACKAGES},
        "module": code(Path(file), running=running),
    }


def code(
    file: Path, root: Path = ROOT, text: str | None = None, running: bool = False
) -> dict[str, str]:
    """Digest of each module that a file can see: its own and those it imports, and so on.

    Followed are the modules of simlib (below `root`) and, for a file outside of simlib, those found
    beside it. `text` stands for the file's content where that isn't Python (a notebook's cells).
    `from simlib.P import n` leads to the module n of P, or to P itself, never to the packages
    around it; `import simlib` leads to all of simlib. A digest is of the syntax: docstrings,
    comments and layout don't count.

    With `running`, raises ValueError for a module that was edited after this process had imported
    it: its results are not those of the file.

    >>> list(code(ROOT / "simlib" / "datasets" / "made" / "designs.py"))
    ['simlib/datasets/made/designs.py']
    >>> "simlib/linalg.py" in code(Path("my_measure.py"), text="from simlib import linalg")
    True
    """
    root, file = root.resolve(), file.resolve()
    package, find = f"{root}/simlib/", cache(_file)
    found, todo = {}, {file.as_posix()}
    while todo:
        path = todo.pop()
        source = Path(path).read_bytes() if text is None or found else text.encode()
        found[path], imports = _parsed(source)
        if running and _parsed(_held(path, source))[0] != found[path]:
            raise ValueError(
                f"{Path(path).name} was edited after Python had imported it, so nothing is stored: "
                "restart Python (a notebook's kernel) and run the same again"
            )
        for level, module, name in imports:
            if module.partition(".")[0] == "simlib":
                todo.add(find(root, module, name))
            elif not path.startswith(package):  # a file of the user's, which finds its neighbours
                folder = Path(path).parents[level - 1] if level else file.parent
                todo.add(find(folder, module, name))
        todo -= {None, *found}
    return {
        os.path.relpath(path, root if path.startswith(package) else file.parent): found[path]
        for path in sorted(found)
    }


class _Noted:
    """What asks for the place of a module first: notes the source of the user's own ones."""

    @staticmethod
    def find_spec(name, path=None, target=None) -> None:
        spec = PathFinder.find_spec(name, path, target)
        if spec and str(spec.origin).endswith(".py") and not spec.origin.startswith(INSTALLED):
            with suppress(OSError):  # the import itself will say it
                file = os.path.realpath(spec.origin)
                if not file.startswith(f"{ROOT}/simlib/"):
                    LOADED[file] = Path(file).read_bytes()


sys.meta_path.insert(0, _Noted)


def _held(path: str, source: bytes) -> bytes:
    """What Python holds of a file that now has this content; b"" where it is younger than an import
    that wasn't noted, since that was before this module's.
    """
    if path not in LOADED and os.stat(path).st_mtime > STARTED and _is_imported(path):
        return b""
    return LOADED.get(path, source)


def _is_imported(path: str) -> bool:
    """Whether a module of this file has been imported."""
    files = [getattr(module, "__dict__", {}).get("__file__") for module in [*sys.modules.values()]]
    name = os.path.basename(path)
    return any(f and os.path.basename(f) == name and os.path.realpath(f) == path for f in files)


@cache
def _parsed(source: bytes) -> tuple[str, set[tuple[int, str, str]]]:
    """Digest of the syntax without docstrings, and what is imported: level, module, name."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # it may import anything
        return hashlib.sha256(source).hexdigest(), {(0, "simlib", "")}
    imports = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imports |= {(node.level, node.module or "", alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                first = len(parts) if alias.asname else 1  # `import a.b` binds a, which sees all
                imports |= {(0, ".".join(parts[:k]), "") for k in range(first, len(parts) + 1)}
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [
                one
                for one in node.body
                if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
            ]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16], imports


def _file(folder: Path, module: str, name: str) -> str | None:
    """The file of the module `name` in `module`, else of `module` itself, else None."""
    base = "/".join([str(folder), *module.split(".")]).rstrip("/")
    ends = [f"/{name}/__init__.py", f"/{name}.py"] if name else []
    ends += ["/__init__.py", ".py"]
    return next((base + end for end in ends if os.path.isfile(base + end)), None)


def checksums(place: Path) -> dict[str, str]:
    """sha256 (hex) of a file, or of each file below a folder, by path from the folder around it.

    It takes about 0.1 s for 100 MB.

    >>> checksums(Path("no such folder"))
    {}
    """
    files = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
    return {path.relative_to(place.parent).as_posix(): sha256(path) for path in files}


def sha256(path: Path) -> str:
    """sha256 (hex) of a file's content.

    >>> sha256(ROOT / "simlib" / "cache.py") == sha256(Path(__file__))
    True
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- Files


def write(place: Path, save: Callable[[Path], object], checked: bool = False) -> Path:
    """Write a file whole or not at all: `save` writes a draft beside it, which takes its place.

    With `checked` the file's name carries its checksum, for `read`. Returns the file's path. Where
    the folder is deleted meanwhile, it is made again.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write(folder / "a.txt", lambda draft: draft.write_text("whole")).name
    'a.txt'
    >>> write(folder / "a.txt", lambda draft: draft.write_text("whole"), checked=True).name
    'a-5d57...txt'
    """
    for _ in range(TRIES - 1):
        with suppress(FileNotFoundError):
            return _written(place, save, checked)
    return _written(place, save, checked)


def _written(place: Path, save: Callable[[Path], object], checked: bool) -> Path:
    """What `write` does, once."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for old in place.parent.glob("*.part"):
        with suppress(OSError):  # of another process that is just done
            if _is_left(old):
                old.unlink()
    draft = place.with_name(f"{place.name}.{MACHINE}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        save(draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        written = draft.replace(_checked(place, draft) if checked else place)
    finally:
        draft.unlink(missing_ok=True)
    for later in _files(place)[1:] if checked else ():  # of another process: the first one counts
        later.unlink(missing_ok=True)
    return written


def _is_left(draft: Path) -> bool:
    """Whether the process that wrote a draft was killed: it is no more or, on another machine (with
    which this one shares the folder), has not written for a day.
    """
    machine, process = ["", "", *draft.name.split(".")][-4:-2]
    if machine == MACHINE and os.name == "posix":
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # of another user
            return False
    return time.time() - draft.stat().st_mtime > 86400


def _files(place: Path) -> list[Path]:
    """What was written for `place` with its checksum in its name."""
    return sorted(place.parent.glob(f"{place.stem}-{'[0-9a-f]' * 16}{place.suffix}"))


def set_aside(path: Path, reason: object) -> None:
    """Rename a file that can't be used, so that it is made anew, and warn of it.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with warnings.catch_warnings(record=True) as said:
    ...     set_aside(write(path, lambda draft: draft.write_text("half")), "it is cut short")
    >>> print(said[-1].message)
    a.txt can't be used (it is cut short): set aside as a.txt.damaged
    """
    aside = path.with_name(f"{path.name}.damaged")
    warnings.warn(f"{path.name} can't be used ({reason}): set aside as {aside.name}", stacklevel=3)
    with suppress(OSError):
        path.replace(aside)


def read(place: Path, load: Callable[[Path], T]) -> T | None:
    """What `load` reads of the file that `write` left for `place`; None where there is none.

    A file that doesn't fit its checksum or can't be read is set aside, with a warning.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "a.txt"
    >>> file = write(place, lambda draft: draft.write_text("whole"), checked=True)
    >>> read(place, Path.read_text)
    'whole'
    """
    for path in _files(place):
        try:
            if path != _checked(place, path):
                raise ValueError("its checksum differs")
            return load(path)
        except FileNotFoundError:  # another process has just put one in its place
            continue
        except Exception as error:  # whatever a reader makes of a damaged file
            set_aside(path, error)
    return None


def kept(
    place: Callable[[], Path],
    load: Callable[[Path], T],
    make: Callable[[], T],
    save: Callable[[T, Path], object],
) -> T:
    """What is kept for `place()`, else what `make` gives, kept from now on.

    The place names all that the result depends on, so it is asked for once more when the result is
    there: raises ValueError, and keeps nothing, where that has changed meanwhile. A folder that
    can't be written (a full disk, a folder of someone else's) costs time, not the result.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "a.txt"
    >>> for text in ("first", "second"):
    ...     save = lambda text, draft: draft.write_text(text)
    ...     kept(lambda: place, Path.read_text, lambda: text, save)
    'first'
    'first'
    """
    asked = place()
    found = read(asked, load)
    if found is None:
        found = make()
        if place() != asked:
            raise ValueError(
                f"what {asked.name} is made from changed while it was made, so nothing is kept: "
                "run the same again"
            )
        try:
            write(asked, lambda draft: save(found, draft), checked=True)
        except OSError as error:
            reason = error.strerror or type(error).__name__  # without the folder
            warnings.warn(f"{asked.name} can't be kept ({reason})", stacklevel=2)
    return found


def _checked(place: Path, path: Path) -> Path:
    """The name that says the checksum of what is at `path`."""
    return place.with_name(f"{place.stem}-{sha256(path)[:16]}{place.suffix}")
