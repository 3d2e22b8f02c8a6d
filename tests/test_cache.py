"""Laws of what is kept: it depends on all that can change it and on nothing else, and a file that
is not whole is never used.
"""

import ast
import dis
import hashlib
import importlib
import importlib.metadata
import os
import re
import runpy
import shutil
import stat
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import CodeType, ModuleType

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import simlib
from simlib import cache, datasets
from simlib.experiments import store

PACKAGE = Path(simlib.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
NAMES = {name: str(path.relative_to(PACKAGE.parent)) for name, path in MODULES.items()}
KEEPS = re.compile(r"\b(store\.run|stored|weights)\(")
# Modules that make what is kept: tasks, processed recordings, trained networks.
MAKERS = [name for name, path in MODULES.items() if KEEPS.search(path.read_text())]


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("SIMLIB_CACHE", str(tmp_path / "cache"))


# -- Code


def imported(code: CodeType) -> set[str]:
    """Modules of simlib that bytecode imports: of `from P import n` the module P.n, else P."""
    found, steps = set(), list(dis.get_instructions(code))
    for before, step in pairwise(steps):
        if step.opname == "IMPORT_NAME" and step.argval.split(".")[0] == "simlib":
            names = [f"{step.argval}.{name}" for name in before.argval or ()]
            found |= {name if name in MODULES else step.argval for name in names}
            found |= set() if names else {"simlib", step.argval}
    return found.union(*(imported(one) for one in code.co_consts if isinstance(one, CodeType)))


@pytest.fixture(scope="module")
def visible() -> dict[str, set[str]]:
    """All modules that each module can see, from its bytecode."""
    direct = {
        name: imported(compile(path.read_text(), path, "exec")) for name, path in MODULES.items()
    }
    found = {name: {name} for name in MODULES}
    while True:
        wider = {
            name: set().union(seen, *(direct[one] for one in seen)) for name, seen in found.items()
        }
        if wider == found:
            return found
        found = wider


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The folder of a copy of simlib."""
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree(PACKAGE, root / "simlib", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def keys(root: Path, names=MAKERS) -> dict[str, str]:
    return {name: cache.digest(cache.code(root / NAMES[name], root)) for name in names}


def test_makers_are_found():
    functions = (datasets.paper.mante2013, datasets.made.rnn_context, simlib.experiments.ascents)
    assert {function.__module__ for function in functions} <= set(MAKERS)


def test_a_constant_changes_what_can_see_it_and_nothing_else(copy, visible):
    before = keys(copy)
    for name, label in NAMES.items():
        text = (copy / label).read_text()
        (copy / label).write_text(f"{text}\nADDED = 1\n")
        changed = {one for one, key in keys(copy).items() if key != before[one]}
        (copy / label).write_text(text)
        assert changed == {one for one in MAKERS if name in visible[one]}, name
    assert keys(copy) == before


def test_docstrings_comments_and_layout_change_nothing(copy):
    before = keys(copy, MODULES)
    texts = {label: (copy / label).read_text() for label in NAMES.values()}
    for label, text in texts.items():
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
                node
            ):
                node.body[0] = ast.Expr(ast.Constant("Another text."))
        (copy / label).write_text(f"# A comment\n{ast.unparse(ast.fix_missing_locations(tree))}\n")
    after = keys(copy, MODULES)
    for label, text in texts.items():
        (copy / label).write_text(text)
    assert after == before


def test_a_value_in_the_code_counts(tmp_path):
    """Whatever isn't a docstring: a constant, a default, a name, an order."""
    texts = ["a = 1", "a = 2", "a = 1.0", "b = 1", "a = '1'", "def f(x=1): 'y'", "def f(x=2): 'y'"]
    texts += ["def f(x): return 'y'", "def f(x): return 'z'", "def f(x): x()", "a = 1; b = 2"]
    texts += ["b = 2; a = 1", "import json", "from json import loads", "a = 1 #\n1 +"]
    found = {tuple(cache.code(tmp_path / "a.py", text=text).values()) for text in texts}
    assert len(found) == len(texts)


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_what_a_module_holds_when_it_runs_is_what_it_can_see(name):
    """What its names stand for, and attributes like `spectra` of `datasets.spectra`."""
    held = vars(importlib.import_module(name))
    seen = cache.code(MODULES[name])
    used = [value for key, value in held.items() if not key.startswith("__")]
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if isinstance(held.get(node.value.id), ModuleType):
                used.append(getattr(held[node.value.id], node.attr, None))
    for value in used:
        home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
        if home in MODULES and not home.startswith(
            f"{name}."
        ):  # a package holds what others import
            assert NAMES[home] in seen, value


@pytest.mark.parametrize(
    "name", [name for name, path in MODULES.items() if path.stem == "__init__"]
)
def test_a_face_gives_no_name_of_a_module_to_something_else(name):
    """`from simlib.P import n` is followed to the module n, so n has to come from there."""
    face = importlib.import_module(name)
    for child in MODULES:
        if child.rpartition(".")[0] == name and not child.endswith("__main__"):
            value = getattr(face, child.rpartition(".")[2], None)
            assert isinstance(value, ModuleType | None) or value.__module__ == child


def test_no_module_sees_the_whole_of_simlib(copy):
    for name, path in MODULES.items():
        assert name == "simlib" or "simlib/__init__.py" not in cache.code(path), name
    assert set(cache.code(MODULES["simlib"])) >= {NAMES[name] for name in MAKERS[:1]}
    for text in (
        "import simlib",
        "import simlib as sl",
        "import simlib.linalg",
        "from simlib import score",
    ):
        assert "simlib/plots/__init__.py" in cache.code(Path("a.py"), text=text), text
    for text in ("import simlib.linalg as la", "def f():\n    from simlib import linalg"):
        assert list(cache.code(Path("a.py"), text=text)) == ["a.py", "simlib/linalg.py"], text
    label = NAMES["simlib.measures.rsa"]
    assert list(cache.code(copy / label, copy, "import cca  # a package of that name")) == [label]


def test_a_file_of_the_users_own_counts_with_its_neighbours(tmp_path):
    (tmp_path / "mine.py").write_text("import near, numpy\nfrom tools.deep import f\n")
    (tmp_path / "near.py").write_text("from simlib import linalg\n")
    (tmp_path / "far.py").write_text("a = 1\n")
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("")
    (tmp_path / "tools" / "deep.py").write_text("from . import level\nfrom .scale import x\n")
    (tmp_path / "tools" / "level.py").write_text("import near\n")
    (tmp_path / "tools" / "scale.py").write_text("x = 1\n")
    names = ["mine.py", "near.py", "tools/deep.py", "tools/level.py", "tools/scale.py"]
    assert sorted(cache.code(tmp_path / "mine.py")) == sorted([*names, "simlib/linalg.py"])
    found = cache.code(tmp_path / "mine.py", text="can't be parsed")
    assert {"simlib/__init__.py", "simlib/plots/style.py"} <= set(found)


def test_code_edited_while_python_runs_is_refused(monkeypatch):
    path = MODULES["simlib.linalg"]
    before = cache.code(path, running=True)
    text = path.read_bytes()
    monkeypatch.setitem(cache.LOADED, path.as_posix(), text + b"\n# a comment")
    assert cache.code(path, running=True) == before == cache.code(path)
    monkeypatch.setitem(cache.LOADED, path.as_posix(), text + b"\nADDED = 1")
    with pytest.raises(ValueError, match=r"linalg\.py was edited after.*restart Python.*again"):
        cache.code(path, running=True)
    assert cache.code(path) == before, "what the files say"


# -- Whole files


def flipped(content: bytes) -> bytes:
    """One bit in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def stored_task(value: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"value": [value], "run": [len(RUNS)], "half": [value / 2]})


RUNS: list[str] = []


def kept_result() -> float:
    RUNS.append("result")
    return store.run(stored_task, [{"value": 3}])[0]["run"].iloc[0]


def kept_recording(raw: Path | None = None) -> float:
    RUNS.append("recording")
    values = np.full((2, 3, 4), len(RUNS), dtype=float)

    def make(place: Path, bin_ms: int) -> xr.DataArray:
        return xr.DataArray(values, dims=("time", "trial", "neuron"), name="response")

    return float(stored("made", raw or Path(__file__), make, bin_ms=5).values[0, 0, 0])


def kept_network() -> float:
    RUNS.append("network")
    return float(
        weights("net", {"units": 3}, lambda: {"w": torch.full((3,), float(len(RUNS)))})["w"][0]
    )


stored = sys.modules[datasets.paper.mante2013.__module__].stored
weights = sys.modules[datasets.made.rnn_context.__module__].weights
each_kind = pytest.mark.parametrize("kept", [kept_result, kept_recording, kept_network])


def files(tmp_path: Path, pattern: str = "*-*.*") -> list[Path]:
    return [
        path for path in tmp_path.rglob(pattern) if path.is_file() and path.suffix != ".damaged"
    ]


@each_kind
@pytest.mark.parametrize("damage", [flipped, lambda whole: whole[:-9], lambda whole: b""])
def test_a_damaged_file_is_set_aside_and_made_again(kept, damage, tmp_path):
    first = kept()
    assert kept() == first
    (file,) = files(tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.warns(UserWarning, match="its checksum differs.*set aside as"):
        second = kept()
    assert second != first and kept() == second
    assert len(files(tmp_path)) == 1 and len(list(tmp_path.rglob("*.damaged"))) == 1


@each_kind
def test_each_bit_and_the_length_of_a_file_are_checked(kept, tmp_path):
    kept()
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    place = file.with_name(file.name.rpartition("-")[0] + file.suffix)
    for k in range(0, len(whole), max(1, len(whole) // 50)):
        file.write_bytes(whole[:k] + bytes([whole[k] ^ 4]) + whole[k + 1 :])
        with pytest.warns(UserWarning, match="checksum"):
            assert cache.read(place, Path.read_bytes) is None
        file.write_bytes(whole[:k])
        with pytest.warns(UserWarning, match="checksum"):
            assert cache.read(place, Path.read_bytes) is None
    file.write_bytes(whole)
    assert cache.read(place, Path.read_bytes) == whole


def test_a_whole_file_that_a_reader_refuses_is_set_aside(tmp_path):
    place = tmp_path / "a.parquet"
    cache.write(place, lambda draft: draft.write_bytes(b"no table"), checked=True)
    with pytest.warns(UserWarning, match="set aside"):
        assert cache.read(place, pd.read_parquet) is None
    assert cache.read(place, pd.read_parquet) is None


@each_kind
@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_the_mode_of_a_file_is_the_users(kept, mask, mode, tmp_path):
    before = os.umask(mask)
    try:
        kept()
    finally:
        os.umask(before)
    (file,) = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == mode


@each_kind
def test_another_version_is_another_result(kept, monkeypatch):
    first, installed = kept(), importlib.metadata.version
    for package in ("numpy", "torch", "scipy", "scikit-learn"):
        with monkeypatch.context() as patch:
            patch.setattr(
                importlib.metadata,
                "version",
                lambda name, one=package: installed(name) + "9" * (name == one),
            )
            assert kept() != first, package
    assert kept() == first


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    place = tmp_path / "a.txt"
    cache.write(place, lambda draft: draft.write_text("old"))

    def half(draft: Path) -> None:
        draft.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cache.write(place, half)
    assert place.read_text() == "old" and list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("moment", ["before it is saved", "after it was saved", "when read back"])
@pytest.mark.parametrize("checked", [False, True])
def test_a_folder_deleted_while_a_file_is_written_is_made_again(
    moment, checked, tmp_path, monkeypatch
):
    place, times = tmp_path / "results" / "sums" / "a.txt", []

    def delete(when: str) -> None:
        if when == moment and not times:
            times.append(when)
            shutil.rmtree(tmp_path / "results")

    def save(draft: Path) -> None:
        delete("before it is saved")
        draft.write_text("whole")
        delete("after it was saved")

    draft_of = cache._checked
    monkeypatch.setattr(cache, "_checked", lambda *at: delete("when read back") or draft_of(*at))
    assert cache.write(place, save, checked).read_text() == "whole"
    assert len(times) == (checked or moment != "when read back")
    assert [path.suffix for path in place.parent.iterdir()] == [".txt"]


def test_drafts_of_killed_runs_go(tmp_path):
    script = (
        f"import os, pathlib, sys\nsys.path.insert(0, {str(PACKAGE)!r})\nimport cache\n"
        f"place = pathlib.Path({str(tmp_path)!r}) / 'a.txt'\n"
        "cache.write(place, lambda draft: (draft.write_text('half'), os._exit(9)))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    (left,) = tmp_path.iterdir()
    assert left.name.startswith("a.txt.") and left.suffix == ".part"
    of_a_running_process = left.with_name(f"b.{cache.MACHINE}.{os.getppid()}.12345678.part")
    elsewhere = left.with_name("b.0000000.1.12345678.part")
    for draft in (of_a_running_process, elsewhere):
        draft.write_text("half")
    cache.write(tmp_path / "b.txt", lambda path: path.write_text("b"))
    assert not left.exists() and of_a_running_process.exists() and elsewhere.exists()
    os.utime(elsewhere, (time.time() - 90000,) * 2)
    of_a_running_process.unlink()
    cache.write(tmp_path / "b.txt", lambda path: path.write_text("b"))
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


def test_of_two_files_for_one_place_one_stays(tmp_path):
    place = tmp_path / "a.txt"
    texts = [str(k) for k in range(6)]
    for text in texts:
        cache.write(place, lambda draft, text=text: draft.write_text(text), checked=True)
        (file,) = tmp_path.iterdir()
    first = min(texts, key=lambda text: hashlib.sha256(text.encode()).hexdigest())
    assert cache.read(place, Path.read_text) == first == file.read_text()


def test_a_replaced_raw_file_of_the_same_size_and_time_counts(tmp_path):
    raw = tmp_path / "raw" / "unit.mat"
    raw.parent.mkdir()
    raw.write_bytes(b"one")
    for place in (raw, raw.parent):
        raw.write_bytes(b"one")
        first, times = kept_recording(place), raw.stat()
        assert kept_recording(place) == first
        raw.write_bytes(b"two")
        os.utime(raw, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert raw.stat().st_mtime_ns == times.st_mtime_ns
        assert kept_recording(place) != first
        os.utime(raw, (1, 1))
        raw.write_bytes(b"one")
        assert kept_recording(place) == first, "time stamps play no part"


def test_a_recording_of_mante_depends_on_the_design(copy):
    reader = datasets.paper.mante2013.__module__
    design = sys.modules[reader].mante_design.__module__
    text = (copy / NAMES[design]).read_text()
    before = keys(copy, [reader])
    (copy / NAMES[design]).write_text(
        text.replace("ranks = (-3, -2, -1, 1, 2, 3)", "ranks = (-2, -1, 1, 2)")
    )
    assert keys(copy, [reader]) != before
    (copy / NAMES[design]).write_text(text)
    assert keys(copy, [reader]) == before
    make = sys.modules[reader]._averaged_units
    assert NAMES[design] in cache.depends_on(make)["module"]


# -- Tasks


def loaded(source: store.Source, scale: float = 1) -> pd.DataFrame:
    return pd.DataFrame({"neurons": [source.load().sizes["neuron"]]})


def test_a_source_counts_with_what_it_loads(tmp_path, monkeypatch):
    path = tmp_path / "mine.npz"
    X = np.random.default_rng(0).standard_normal((3, 20, 6))
    np.savez(path, X=X)
    toy = store.Source("toy-2d", {})
    mine, other = store.Source(str(path), {}), store.Source("surrogate-siegel2015", {"neurons": 8})
    tables = store.run(loaded, [{"source": one} for one in (toy, mine, other)], jobs=1)
    assert [table["neurons"].iloc[0] for table in tables] == [2, 6, 8]
    task = {"source": mine}
    first = store.fingerprint(loaded, task)
    assert first == store.fingerprint(loaded, {"source": store.Source(str(path), {})})
    fewer = {"source": other._replace(options={"neurons": 9})}
    assert len({first, *(store.fingerprint(loaded, {"source": one}) for one in (toy, other))}) == 3
    assert store.fingerprint(loaded, fewer) != store.fingerprint(loaded, {"source": other})
    nested = [{"sources": [{"a": mine}]}]
    within = store.fingerprint(loaded, nested[0])
    np.savez(path, X=X + 1)
    assert store.fingerprint(loaded, task) != first
    assert store.fingerprint(loaded, nested[0]) != within


def test_each_source_is_loaded_once_in_a_run(monkeypatch):
    counted, load = [], datasets.load
    monkeypatch.setattr(datasets, "data_hash", lambda data: counted.append(data) or "0")
    sources = [store.Source("toy-2d", {}), store.Source("hierarchy", {})]
    tasks = [{"source": one, "scale": scale} for one in sources for scale in (1, 2, 3)]
    store.run(loaded, tasks)
    assert len(counted) == 2 + len(tasks), "once for the keys, once by each task"
    store.run(loaded, tasks)
    assert len(counted) == 4 + len(tasks) and load is datasets.load


@pytest.mark.parametrize(
    "value", [{1, 2}, np.arange(2), np.int64(3), Path("a"), len, 1j, [{"deep": {3}}]], ids=str
)
def test_an_argument_that_json_cannot_hold_is_refused(value, tmp_path):
    with pytest.raises(
        TypeError, match=r"stored_task can't be stored by its argument value \(.*text"
    ):
        store.run(stored_task, [{"value": value}])
    assert not (tmp_path / "results").exists()


def test_a_function_without_a_file_is_refused():
    function = eval("lambda: 0", {"__name__": "nowhere"})
    with pytest.raises(ValueError, match=r"is in no file.*move it into a module"):
        store.fingerprint(function, {})


def test_a_measure_of_the_users_own_counts_with_its_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("import near\ndef score(X, Y): return near.level\n")
    Path("near.py").write_text("level = 1\n")
    tasks = ({"measure": "mine.py:score"}, {"measures": ["cka", f"{tmp_path}/mine.py:score"]})
    before = [store.fingerprint(loaded, task) for task in tasks]
    Path("near.py").write_text("level = 1  # of what\n")
    assert [store.fingerprint(loaded, task) for task in tasks] == before
    Path("near.py").write_text("level = 2\n")
    after = [store.fingerprint(loaded, task) for task in tasks]
    assert not set(before) & set(after)


# -- What changed


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A module with a task, its neighbour and a recording; stored once."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "work_near.py").write_text("level = 1\n")
    (tmp_path / "work_tasks.py").write_text(
        "import pandas as pd\nimport work_near\n"
        "def count(source, measure, seed=0):\n"
        "    return pd.DataFrame({'n': [source.load().sizes['neuron'] + work_near.level]})\n"
    )
    (tmp_path / "mine.py").write_text("def score(X, Y): return 1\n")
    np.savez(tmp_path / "data.npz", X=np.random.default_rng(0).standard_normal((3, 20, 6)))
    yield tmp_path
    for name in ("work_near", "work_tasks"):
        sys.modules.pop(name, None)


def store_two(work: Path) -> None:
    count = importlib.import_module("work_tasks").count
    source = store.Source(str(work / "data.npz"), {})
    tasks = [{"source": source, "measure": f"{work}/mine.py:score", "seed": k} for k in (0, 1)]
    assert [int(table["n"].iloc[0]) for table in store.run(count, tasks)] == [7, 7]


def test_why_names_what_changed(work, monkeypatch):
    store_two(work)
    assert store.why("count") == "2 stored, up to date"
    (work / "work_near.py").write_text('"""Text."""\nlevel = 1\n')
    assert store.why("count") == "2 stored, up to date"
    (work / "work_near.py").write_text("level = 2\n")
    assert store.why("count") == "2 stored, changed module work_near.py"
    (work / "work_near.py").write_text("level = 1\n")
    (work / "mine.py").write_text("def score(X, Y): return 2\n")
    assert store.why("count") == f"2 stored, changed {work}/mine.py:score mine.py"
    np.savez(work / "data.npz", X=np.ones((3, 20, 6)) * np.arange(6) + np.arange(20)[:, None])
    installed = importlib.metadata.version
    with monkeypatch.context() as patch:
        patch.setattr(
            importlib.metadata, "version", lambda name: "9" if name == "torch" else installed(name)
        )
        said = store.why("count")
    for part in (
        f'data ["{work}/data.npz", {{}}]',
        "version torch",
        "-> 9",
        "mine.py:score mine.py",
    ):
        assert part in said
    (work / "data.npz").unlink()
    assert "2 stored, changed data: " in store.why("count")


def test_why_names_functions_and_arguments(work):
    store_two(work)
    module = sys.modules["work_tasks"]
    count, module.count = module.count, lambda source, measure: None
    assert (
        store.why("count")
        == "2 stored, changed argument: got an unexpected keyword argument 'seed'"
    )
    module.count = lambda source, measure, seed, device: None
    assert (
        store.why("_count") == "2 stored, changed argument: missing a required argument: 'device'"
    )
    del module.count
    assert "changed function: module 'work_tasks' has no attribute 'count'" in store.why("count")
    module.count = count
    assert store.why("count") == "2 stored, up to date"


def test_why_in_a_terminal(tmp_path, work, monkeypatch, capsys):
    store_two(work)
    (tmp_path / "results" / "count" / "old.parquet").write_bytes(b"")
    monkeypatch.setattr(sys, "argv", ["experiments", "why", "count"])
    runpy.run_module("simlib", run_name="__main__")
    assert capsys.readouterr().out.splitlines() == [
        "2 stored, up to date",
        "1 stored, unreadable, or without a record of what they depend on",
    ]
    with pytest.raises(ValueError, match=r"no results of _coutn in .*; stored are those of: count"):
        store.why("_coutn")
