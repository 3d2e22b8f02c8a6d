"""Settings that all tests share, the examples in docstrings included."""

import functools
import hashlib
import http.server
import importlib
import io
import os
import socket
import sys
import tarfile
import threading
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
from beartype import BeartypeConf, FrozenDict, beartype

ROOT = Path(__file__).resolve().parent

# Before anything imports simlib: what its signatures say of types and shapes is checked at each
# call; numpy's numbers count as Python's. Other processes, as of notebooks and joblib, run without,
# and so do the packages whose hints don't hold yet.
NUMBERS = {bool: bool | np.bool_, int: int | np.integer, float: float | int | np.number}
checked = beartype(conf=BeartypeConf(hint_overrides=FrozenDict(NUMBERS)))
UNCHECKED = set()
PARTS = {path.stem for path in (ROOT / "simlib").iterdir()} - UNCHECKED
jaxtyping.install_import_hook([f"simlib.{part}" for part in PARTS], "conftest.checked")

# Notebooks that nbval executes read this; their stored outputs are the quick ones.
os.environ.setdefault("SIMLIB_QUICK", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(os.environ.get("SIMLIB_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def oracles() -> Path:
    """Folder of the reference values, which are not part of this repository."""
    folder = SHARED / "oracles"
    if not folder.exists():
        pytest.skip(
            f"reference values not found at {folder}; set SIMLIB_SHARED to the folder that holds "
            "them"
        )
    return folder


@pytest.fixture(autouse=True)
def unchecked(request):
    """No checks where a test asks for none, nor in slow ones: a check takes 0.1 ms, and many steps
    on small data would take ten times as long.
    """
    marks = {mark.name for mark in request.node.iter_markers()}
    jaxtyping.config.update("jaxtyping_disable", not marks.isdisjoint({"slow", "unchecked"}))


def refuse(*_):
    raise OSError("an example in a docstring asks for the network")


@pytest.fixture(autouse=True)
def example_alone(request, tmp_path_factory, monkeypatch):
    """Examples in docstrings run without a network, in a folder that is thrown away."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.chdir(tmp_path_factory.mktemp("example"))
        monkeypatch.setenv("SIMLIB_OFFLINE", "1")
        monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def book(monkeypatch):
    """Modules of the book, by name."""
    monkeypatch.syspath_prepend(ROOT / "book")
    return importlib.import_module


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    """A notebook's kernel, which starts here, finds what the book's runs have stored: of the same
    code on the same data, or it is made anew.
    """
    with pytest.MonkeyPatch.context() as patch:
        if item.path.suffix == ".ipynb" and "SIMLIB_RESULTS" not in os.environ:
            patch.setenv("SIMLIB_RESULTS", str(ROOT / "results"))
        return (yield)


# -- The built book in a browser: one browser and one server a process, whatever files it runs


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def server():
    """The address of the book, served on this machine."""
    from built_book import HTML

    handler = functools.partial(Quiet, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(scope="session")
def browser():
    from built_book import chromium

    with chromium.launched() as running:
        yield running


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, whose version and checksum stand in tests/axe-core.sha256."""
    digest, name = (ROOT / "tests" / "axe-core.sha256").read_text().split()
    path = Path(os.environ.get("AXE_CORE", Path(sys.prefix) / name))
    if not path.exists():
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(f"no accessibility checker at {path}: run `make checker` (needs npm)")
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest, f"{path} is not what it should be"
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        return package.extractfile("package/axe.min.js").read().decode()
