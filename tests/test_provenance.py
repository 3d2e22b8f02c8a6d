"""Laws of what a stored result says of its making, and of computing it once more."""

import json
import os
import platform
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet

from simlib import experiments
from simlib.experiments import machine, store, verification
from simlib.threads import THREADS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


def drawn(source: store.Source, seed: int, measure: str = "cka") -> pd.DataFrame:
    """A task with numbers, text, gaps and a column of measured time."""
    rng, data = np.random.default_rng(seed), source.load()
    values = np.append(rng.standard_normal(5) * data.sizes["neuron"], np.nan)
    table = pd.DataFrame({"value": values, "name": ["a", "b", None] * 2, "n": np.arange(6)})
    return table.astype({"name": "category"}).assign(seconds=os.times().elapsed)


def tasks(count: int = 20) -> list[dict]:
    return [{"source": store.Source("toy-2d", {}), "seed": k} for k in range(count)]


def rewritten(path: Path, table: pd.DataFrame, **setup) -> None:
    """Another table, or another set-up, in the place of a stored one, with a right checksum."""
    parts = {kind: value for kind, value in store.recorded(path).items()}
    place = path.with_name(path.stem.rpartition("-")[0] + ".parquet")
    old = parquet.read_table(path)
    made = json.loads(old.schema.metadata[store.SETUP]) | setup
    path.unlink()

    def save(draft: Path) -> None:
        new = pyarrow.Table.from_pandas(table)
        records = {store.PARTS: old.schema.metadata[store.PARTS]}
        records[store.SETUP] = json.dumps(made).encode()
        parquet.write_table(new.replace_schema_metadata(new.schema.metadata | records), draft)

    store.cache.write(place, save, checked=True)
    assert parts["argument"]


def files(results: Path) -> list[Path]:
    return sorted(results.rglob("*.parquet"))


def test_a_stored_table_says_what_it_was_made_of_and_on(results):
    experiments.run(drawn, tasks(1))
    (path,) = files(results)
    made = experiments.recorded(path)
    assert made["argument"]["seed"] == 0 and list(made["data"]) == ['["toy-2d", {}]']
    assert set(made["version"]) == {"numpy", "torch", "scipy", "scikit-learn"}
    assert made["python"] == platform.python_version()
    assert made["threads"] == made["blas_threads"] == THREADS
    assert made["blas"] and made["cores"] == os.cpu_count()
    assert re.fullmatch(r"unknown|[0-9a-f]{12,}( \(edited\))?", made["commit"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", made["time"])
    said = json.dumps(machine.setup())
    for private in (platform.node(), str(Path.home()), str(ROOT), str(results.parent)):
        assert private not in said
    pd.testing.assert_frame_equal(pd.read_parquet(path), store.run(drawn, tasks(1))[0])


def test_the_time_of_making_changes_no_result_and_no_key(results):
    first = experiments.run(drawn, tasks(1))[0]
    (path,) = files(results)
    rewritten(path, first, time="2020-01-01T00:00:00+00:00", commit="unknown")
    again = experiments.run(drawn, tasks(1))[0]
    pd.testing.assert_frame_equal(first, again)
    assert len(files(results)) == 1 and files(results)[0] != path


def test_a_file_without_a_record_is_named(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(ValueError, match=r"^other\.parquet has no record"):
        experiments.recorded(tmp_path / "other.parquet")


def test_the_commit_says_whether_files_were_edited(tmp_path):
    def git(*words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        call = ["git", "-C", str(tmp_path), *identity, *words]
        return subprocess.run(call, check=True, capture_output=True, text=True).stdout

    assert machine.commit.__wrapped__(tmp_path) == "unknown"
    git("init", "-q")
    (tmp_path / "a.txt").write_text("a")
    git("add", "a.txt")
    git("commit", "-qm", "a")
    head = git("rev-parse", "HEAD").strip()
    assert machine.commit.__wrapped__(tmp_path) == head[:12]
    (tmp_path / "a.txt").write_text("b")
    assert machine.commit.__wrapped__(tmp_path) == f"{head[:12]} (edited)"
    (tmp_path / "inside").mkdir()
    assert machine.commit.__wrapped__(tmp_path / "inside") == "unknown", "of a folder around it"


# -- Computed once more


def test_what_is_stored_is_found_again_bit_for_bit(results):
    experiments.run(drawn, tasks())
    before = {path: path.read_bytes() for path in files(results)}
    said, good = experiments.verify()
    assert good and said.startswith("2 of 20 stored results were computed again (seed 0)")
    assert "2 are the same bit for bit, 0 on another set-up" in said
    assert {path: path.read_bytes() for path in files(results)} == before, "nothing is written"


def test_a_changed_number_is_named_with_task_column_and_both(results):
    (first,) = experiments.run(drawn, tasks(1))
    value = first["value"].iloc[1]
    first.loc[1, "value"] = np.nextafter(value, 9.0)
    rewritten(files(results)[0], first)
    said, good = experiments.verify(1.0)
    assert not good and "1 differ." in said
    for part in ("DIFFERS drawn/", "column value, row 1", repr(float(value)), "seed=0"):
        assert part in said


def test_on_another_set_up_numbers_agree_within_the_tolerance(results):
    tables = experiments.run(drawn, tasks(3))
    scale = np.nanmax(np.abs(tables[0]["value"]))
    found = {}
    for share, processor in ((0.5, "other"), (2.0, "other"), (0.5, machine.processor())):
        for path in files(results):
            table = tables[store.recorded(path)["argument"]["seed"]].copy()
            if store.recorded(path)["argument"]["seed"] == 0:
                table.loc[0, "value"] += share * verification.TOLERANCE * scale
            rewritten(path, table, processor=processor)
        found[share, processor] = experiments.verify(1.0)
    said, good = found[0.5, "other"]
    assert good and "2 are the same bit for bit, 1 on another set-up within 0.001" in said
    assert not found[2.0, "other"][1] and not found[0.5, machine.processor()][1]


def test_only_what_is_of_this_code_and_data_is_computed_again(results, monkeypatch):
    experiments.run(drawn, tasks(3))
    installed = machine.importlib.metadata.version
    with monkeypatch.context() as patch:
        patch.setattr(machine.importlib.metadata, "version", lambda name: installed(name) + "9")
        with pytest.raises(ValueError, match=r"of 3 results in .* none is of this code"):
            experiments.verify()
        experiments.run(drawn, tasks(1))
        assert "1 of 1 stored results" in experiments.verify()[0]
    said, good = experiments.verify(1.0)
    assert good and "3 of 3 stored" in said and "1 more are of other code or data" in said


def test_the_choice_follows_the_seed_and_the_share():
    experiments.run(drawn, tasks())
    counts = [experiments.verify(share)[0].split()[0] for share in (0.01, 0.25, 1)]
    assert counts == ["1", "5", "20"]
    with pytest.raises(ValueError, match=r"in \(0, 1\]; got 0"):
        experiments.verify(0)


@pytest.mark.parametrize(("spoil", "status"), [(False, 0), (True, 1)])
def test_verify_in_a_terminal(results, monkeypatch, capsys, spoil, status):
    (table,) = experiments.run(drawn, tasks(1))
    if spoil:
        rewritten(files(results)[0], table.assign(n=7))
    monkeypatch.setattr(sys, "argv", ["simlib", "verify", "--share", "1", "--seed", "3"])
    try:
        runpy.run_module("simlib", run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = ended.code
    assert code == status and "(seed 3)" in capsys.readouterr().out


def test_make_hands_on_the_seed_and_the_share(tmp_path):
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$SIMLIB_RESULTS $@"\nexit 1\n')
    python.chmod(0o755)
    stamp = tmp_path / ".installed"
    stamp.touch()
    call = ["make", "-s", "-o", str(stamp), f"VENV={tmp_path}", "verify", "SEED=4", "SHARE=0.5"]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0, "a mismatch fails"
    assert done.stdout.strip().endswith("-m simlib verify --share=0.5 --seed=4")


def test_a_page_does_not_name_the_machines_that_its_tasks_ran_on():
    line = experiments.how_made({}, {"jobs": "tcp://10.0.0.1:8786", "seeds": [4]})
    assert "seeds = [4]" in line and "tcp" not in line and "jobs" not in line
