"""What is computed once and kept: what it depends on, whole files, checksums.

A result depends on its settings, its data, the versions of the packages that compute it, and code:
the module of its function and all that this module imports, without docstrings and comments.
"""

import ast
import hashlib
import importlib.metadata
import json
import os
import secrets
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

__all__ = ["checksums", "code", "depends_on", "digest", "kept", "read", "write"]

ROOT = Path(__file__).resolve().parents[1]  # the folder that holds simlib
# What Python will run: the sources as they were when simlib was imported.
LOADED = {path.as_posix(): path.read_bytes() for path in ROOT.glob("simlib/**/*.py")}
PACKAGES = ("numpy", "torch", "scipy", "scikit-learn")
T = TypeVar("T")


# -- What a result depends on


def digest(value: object) -> str:
    """sha256 (hex) of what JSON can hold; the order of keys doesn't count.

    >>> digest({"seed": 0, "steps": 9}) == digest({"steps": 9, "seed": 0})
    True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def depends_on(function: Callable) -> dict[str, dict[str, str]]:
    """What every result of a function depends on: versions of packages, code of modules.

    Raises ValueError for a function that is in no file.

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
        "module": code(Path(file)),
    }


def code(file: Path, root: Path = ROOT, text: str | None = None) -> dict[str, str]:
    """Digest of each module that a file can see: its own and those it imports, and so on.

    Followed are the modules of simlib (below `root`) and, for a file outside of simlib, those found
    beside it. `text` stands for the file's content where that isn't Python (a notebook's cells).
    `from simlib.P import n` leads to the module n of P, or to P itself, never to the packages
    around it; `import simlib` leads to all of simlib. A digest is of the syntax: docstrings,
    comments and layout don't count. A module that was edited after simlib was imported has a digest
    of this process's own, since nobody can say which of the two will run.

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
        if _parsed(LOADED.get(path, source))[0] != found[path]:
            warnings.warn(f"{path} was edited: restart Python to run the new code", stacklevel=2)
            found[path] += f" in process {os.getpid()}"
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
    return {path.relative_to(place.parent).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- Files


def write(place: Path, save: Callable[[Path], object], checked: bool = False) -> Path:
    """Write a file whole or not at all: `save` writes a draft beside it, which takes its place.

    With `checked` the file's name carries its checksum, for `read`. Returns the file's path.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write(folder / "a.txt", lambda draft: draft.write_text("whole")).name
    'a.txt'
    >>> write(folder / "a.txt", lambda draft: draft.write_text("whole"), checked=True).name
    'a-5d57...txt'
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    for old in place.parent.glob("*.part"):
        with suppress(OSError):  # of another process that is just done
            if time.time() - old.stat().st_mtime > 86400:  # a day: left by a run that was killed
                old.unlink()
    draft = place.with_name(f"{place.name}.{secrets.token_hex(4)}.part")
    try:
        save(draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        return draft.replace(_checked(place, draft) if checked else place)
    finally:
        draft.unlink(missing_ok=True)


def read(place: Path, load: Callable[[Path], T]) -> T | None:
    """What `load` reads of the file that `write` left for `place`; None where there is none.

    A file that doesn't fit its checksum or can't be read is set aside, with a warning.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "a.txt"
    >>> file = write(place, lambda draft: draft.write_text("whole"), checked=True)
    >>> read(place, Path.read_text)
    'whole'
    """
    for path in sorted(place.parent.glob(f"{place.stem}-*{place.suffix}")):
        try:
            if path != _checked(place, path):
                raise ValueError("its checksum differs")
            return load(path)
        except Exception as error:  # whatever a reader makes of a damaged file
            aside = path.with_name(f"{path.name}.damaged")
            warnings.warn(
                f"{path} can't be used ({error}): set aside as {aside.name}", stacklevel=2
            )
            with suppress(OSError):
                path.replace(aside)
    return None


def kept(
    place: Path, load: Callable[[Path], T], make: Callable[[], T], save: Callable[[T, Path], object]
) -> T:
    """What is kept for `place`, else what `make` gives, kept from now on.

    A folder that can't be written (a full disk, a folder of someone else's) costs time, not the
    result.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "a.txt"
    >>> for text in ("first", "second"):
    ...     kept(place, Path.read_text, lambda: text, lambda text, draft: draft.write_text(text))
    'first'
    'first'
    """
    found = read(place, load)
    if found is None:
        found = make()
        try:
            write(place, lambda draft: save(found, draft), checked=True)
        except OSError as error:
            warnings.warn(f"{place.name} can't be kept ({error})", stacklevel=2)
    return found


def _checked(place: Path, path: Path) -> Path:
    """The name that says the checksum of what is at `path`."""
    return place.with_name(f"{place.stem}-{_sha256(path)[:16]}{place.suffix}")
