"""No result is stored of code or data that its key doesn't name: edited modules in processes of
their own, recordings replaced in the middle of a run.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import simlib
from simlib.datasets.made import training
from simlib.datasets.paper import stored as processed
from simlib.experiments import store

PACKAGE = Path(simlib.__file__).parent
OLD, NEW = "level = 1.0\n", "level = 2.0\n"
# The part of simlib that a task of this test can see: the real cache and store, and a level.
TASK = """
import pandas as pd
from simlib import linalg
import near

def value(k, path="", text=""):
    if path:
        open(path, "w").write(text)
    return pd.DataFrame({"v": [near.level + 10 * linalg.EDITED + 100 * k]})
"""
RUN = """
import json, pathlib, sys
from tasks import value
from simlib.experiments import store
for path, text in json.loads(sys.argv[1]):
    pathlib.Path(path).write_text(text)
try:
    tables = store.run(value, [{"k": k, **json.loads(sys.argv[2])} for k in range(2)], jobs=1)
    print([float(table["v"].iloc[0]) for table in tables])
except (ValueError, store.TaskError) as error:
    print("REFUSED", error)
"""


@pytest.fixture
def desk(tmp_path):
    """A copy of simlib whose linalg has a constant more, a task that sees it and a neighbour."""
    shutil.copytree(PACKAGE, tmp_path / "simlib", ignore=shutil.ignore_patterns("__pycache__"))
    set_level(tmp_path, "1")
    (tmp_path / "near.py").write_text(OLD)
    (tmp_path / "tasks.py").write_text(TASK)
    return tmp_path


def linalg(desk: Path) -> Path:
    return desk / "simlib" / "linalg.py"


def to_edit(desk: Path, name: str) -> tuple[Path, str]:
    """A file of the desk, in its first state, and the text that it will be edited to."""
    new = {"near.py": NEW, "linalg.py": set_level(desk, "3")}[name]
    set_level(desk, "1")
    return {"near.py": desk / "near.py", "linalg.py": linalg(desk)}[name], new


def set_level(desk: Path, level: str) -> str:
    """The text of linalg with this constant, written."""
    text = (PACKAGE / "linalg.py").read_text() + f"\n\nEDITED = {level}\n"
    linalg(desk).write_text(text)
    return text


def run(desk: Path, edits=(), **task: str) -> str:
    """What a process prints that imports all, then makes these edits, then runs two tasks."""
    environment = os.environ | {"PYTHONPATH": str(desk), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["SIMLIB_RESULTS"] = str(desk / "results")
    call = [sys.executable, "-c", RUN, json.dumps(list(edits)), json.dumps(task)]
    done = subprocess.run(
        call, cwd=desk, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def stored(desk: Path) -> int:
    return len(list(desk.rglob("results/*/*.parquet")))


@pytest.mark.slow
@pytest.mark.parametrize("edited", ["linalg.py", "near.py"])
def test_import_edit_run_stores_nothing(desk, edited):
    path, new = to_edit(desk, edited)
    said = run(desk, [(str(path), new)])
    assert said.startswith("REFUSED") and f"{edited} was edited" in said and "restart" in said
    assert stored(desk) == 0
    assert run(desk) == {"near.py": "[12.0, 112.0]", "linalg.py": "[31.0, 131.0]"}[edited]
    set_level(desk, "1")
    (desk / "near.py").write_text(OLD)
    assert run(desk) == "[11.0, 111.0]" and stored(desk) == 4


@pytest.mark.slow
@pytest.mark.parametrize("edited", ["linalg.py", "near.py"])
def test_what_is_edited_while_a_task_runs_stores_nothing(desk, edited):
    path, new = to_edit(desk, edited)
    said = run(desk, path=str(path), text=new)
    assert said.startswith("REFUSED 2 of 2 tasks failed") and f"{edited} was edited" in said
    assert stored(desk) == 0
    second = {"near.py": "[12.0, 112.0]", "linalg.py": "[31.0, 131.0]"}[edited]
    assert run(desk, path=str(path), text=new) == second, "the same again: what it writes is there"


def measured(source: store.Source, replaced: str = "") -> pd.DataFrame:
    """A task that may replace the recording before it loads it."""
    if replaced:
        save(Path(source.dataset), replaced)
    return pd.DataFrame({"sum": [float(source.load().values.sum())]})


def save(path: Path, kind: str) -> None:
    rng = np.random.default_rng({"first": 0, "second": 1}.get(kind, 0))
    X, image = rng.standard_normal((3, 20, 6)), np.arange(20) % 7
    if kind == "another coordinate":
        image = image[::-1]
    np.savez(path, X=X, target=np.arange(20) % 2, image_id=image)


@pytest.fixture
def mine(tmp_path, monkeypatch) -> store.Source:
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("SIMLIB_CACHE", str(tmp_path / "cache"))
    save(tmp_path / "mine.npz", "first")
    return store.Source(str(tmp_path / "mine.npz"), {})


@pytest.mark.parametrize("replaced", ["second", "another coordinate"])
def test_a_recording_that_is_replaced_in_a_run_is_not_mixed_in(mine, replaced, tmp_path):
    tasks = [{"source": mine}, {"source": mine, "replaced": replaced}]
    with pytest.raises(store.TaskError, match=r"1 of 2 tasks failed(.|\n)*mine\.npz changed"):
        store.run(measured, tasks)
    assert stored(tmp_path) == 1, "what ended before"
    of_second = store.run(measured, tasks[:1])[0]["sum"].iloc[0]
    assert stored(tmp_path) == 2
    save(tmp_path / "mine.npz", "first")
    of_first = store.run(measured, tasks[:1])[0]["sum"].iloc[0]
    assert stored(tmp_path) == 2 and (of_first == of_second) == (replaced != "second")


def test_a_coordinate_that_is_no_label_counts(mine, tmp_path):
    before = store.fingerprint(measured, {"source": mine})
    save(tmp_path / "mine.npz", "another coordinate")
    assert store.fingerprint(measured, {"source": mine}) != before


def test_nested_sources_are_compared_and_types_stay(mine):
    """Lists stay lists and tuples tuples, whatever is found in them."""
    task = {"a": ({"b": [mine, 1]}, "x"), "c": [1, {"d": 2}], "e": mine}
    data = {mine.name: "digest"}
    expected = mine._replace(expected="digest")
    held = store._with_sources(task, data, expected=True)
    assert held == {"a": ({"b": [expected, 1]}, "x"), "c": [1, {"d": 2}], "e": expected}
    back = store._with_sources(json.loads(json.dumps(held)), data, expected=False)
    assert back["e"] == mine == back["a"][0]["b"][0] and isinstance(back["e"], store.Source)


def test_a_raw_file_that_is_replaced_while_it_is_read_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_CACHE", str(tmp_path / "cache"))
    raw = tmp_path / "raw.bin"
    raw.write_bytes(b"a")
    swapped = tmp_path / "swapped"

    def make(place: Path) -> xr.DataArray:
        if not swapped.exists():  # once
            swapped.touch()
            place.write_bytes(b"z")
        value = float(place.read_bytes()[0])
        return xr.DataArray(np.full((1, 1, 1), value), dims=("time", "trial", "neuron"))

    with pytest.raises(ValueError, match=r"changed while it was made.*run the same again"):
        processed.stored("made", raw, make)
    assert not list(tmp_path.rglob("*.nc"))
    for content in (b"a", b"z"):
        raw.write_bytes(content)
        assert processed.stored("made", raw, make).values.item() == content[0]


def test_weights_of_code_that_was_edited_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "trainer.py").write_text("def train():\n    return {}\n")
    spec = importlib.util.spec_from_file_location("trainer", tmp_path / "trainer.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "trainer", module)
    spec.loader.exec_module(module)
    train = module.train

    def edits():
        (tmp_path / "trainer.py").write_text("def train():\n    return {1: 2}\n")
        return train()

    edits.__module__ = "trainer"
    with pytest.raises(ValueError, match=r"changed while it was made|was edited"):
        training.weights("net", {}, edits)
    assert not list(tmp_path.rglob("*.npz"))
