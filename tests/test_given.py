"""What is given to make and to notebooks: it reaches no shell, and odd values are refused in words
before anything runs.
"""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS = {
    "steps": 1000,
    "seeds": [0, 1],
    "measures": ["cka", "nbs"],
    "dataset": "surrogate-siegel2015",
    "quick": False,
    "jobs": 2,
    "device": "cpu",
    "optimisers": ["adam", "sgd"],
    "scales": [0.1, 1],
    "penalties": [1, 10],
    "recordings": ["dyer2017"],
    "few": {"surrogate-mante2013": ["ridge-cv"]},
}


@pytest.fixture
def given(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book"))
    return importlib.import_module("given")


@pytest.mark.parametrize(
    "key, text, value",
    [
        ("steps", "3", 3),
        ("seeds", "3", [3]),
        ("seeds", "4,5", [4, 5]),
        ("seeds", "[1, 2, 3]", [1, 2, 3]),
        ("measures", "cka,nbs", ["cka", "nbs"]),
        ("measures", "[cka, 'nbs']", ["cka", "nbs"]),
        ("measures", "my files/é.py:f", ["my files/é.py:f"]),
        ("quick", "true", True),
        ("quick", "True", True),
        ("quick", "no", False),
        ("jobs", "4", 4),
        ("jobs", "tcp://scheduler:8786", "tcp://scheduler:8786"),
        ("device", "cuda:0", "cuda:0"),
        ("scales", "1e-3,2", [1e-3, 2]),
        ("penalties", "0,10", [0, 10]),
        ("recordings", "[]", []),
        ("few", "{'a': ['b']}", {"a": ["b"]}),
    ],
)
def test_values_are_read_as_the_kind_of_the_default(given, key, text, value):
    read = given.value(key, text, DEFAULTS[key])
    assert read == value and type(read) is type(value)


ODD = {
    "steps": [
        "",
        "1,000",
        "1e400",
        "1e3",
        "nan",
        "-1",
        "0",
        "010",
        "٣",
        "True",
        "1 000",
        "9" * 5000,
    ],
    "seeds": ["-1", "0,,1", "0,1,", ",", "1,1", "[]", "[[1]]", "1.5", "[1", "0x1"],
    "measures": ["cka,cka", "'", '"cka', "a\nb", "cka,,nbs", "m" * 9000, "[[cka]]", "{1: 2}"],
    "dataset": ["", "''", "a\x00b"],
    "quick": ["maybe", "2", "", "truee"],
    "jobs": ["0", "-3", "2.5", "many", "$(nproc)"],
    "device": ["gpu", "cuda:x", "CUDA", ""],
    "optimisers": ["newton", "adam,adam"],
    "scales": ["0", "nan", "inf", "-1", "1e400", "1_0"],
    "penalties": ["-1", "1e400", "ten"],
    "recordings": ["", ","],
    "few": ["1", "{", "(" * 3000, "{'a': 1}", "{'a': [1]}", "__import__('os')"],
}


@pytest.mark.parametrize("key, text", [(key, text) for key in ODD for text in ODD[key]])
def test_odd_values_are_refused_with_what_is_allowed(given, key, text):
    with pytest.raises(ValueError, match=f"^parameter '{key}': found .*; allowed: ") as said:
        given.value(key, text, DEFAULTS[key])
    assert len(str(said.value)) < 400 and repr(text)[:20] in str(said.value)


# -- What runs: the environment's Python is a stub that shows what it gets

PAYLOADS = [
    "$(touch {0})",
    "$(shell touch {0})",
    "`touch {0}`",
    "; touch {0} ;",
    "' ; touch {0} ; '",
    '" ; touch {0} ; "',
    "a\ntouch {0}\n",
    "x && touch {0} #",
    "$$(touch {0})",
    "-x | touch {0}",
    "\\'; touch {0} #",
]
USED = {
    "NAME": "figure NAME=x",
    "PARAMS": "figure NAME=x",
    "DATA": "figure NAME=x",
    "JOBS": "figure NAME=x",
    "QUICK": "figure NAME=x",
    "FULL": "figure NAME=x",
    "MEASURE": "card",
    "REV": "bench-compare",
    "SEED": "verify",
    "SHARE": "verify",
    "FAST": "test",
    "PORT": "serve",
    "PYTHON": "serve",
    "TORCH_INDEX": "setup",
    "UPGRADE": "lock PYTHON={python}",
    "VENV": "figure NAME=x",
}


@pytest.fixture
def desk(tmp_path) -> Path:
    """An environment whose Python prints its arguments, one a line."""
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nfor one in "$@"; do printf "<%s>\\n" "$one"; done\n')
    python.chmod(0o755)
    for stamp in (".installed", ".installed-test"):
        (tmp_path / "venv" / stamp).touch()
    return tmp_path


def make(desk: Path, *words: str, stamps: bool = True, **more) -> subprocess.CompletedProcess:
    venv = f"{desk}/venv"
    old = ["-o", f"{venv}/.installed", "-o", f"{venv}/.installed-test"] if stamps else []
    command = ["make", "--no-print-directory", f"VENV={venv}", *old, *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, env=os.environ | more
    )


@pytest.mark.parametrize("way", ["argument", "environment"])
@pytest.mark.parametrize("name", USED)
def test_nothing_that_is_given_to_make_runs(desk, name, way):
    target = USED[name].format(python=desk / "venv/bin/python").split()
    for payload in PAYLOADS:
        given = payload.format(desk / "ran")
        words = [word for word in target if not word.startswith(f"{name}=")]
        words, more = (
            ([*words, f"{name}={given}"], {}) if way == "argument" else (words, {name: given})
        )
        make(desk, *words, stamps=name != "TORCH_INDEX", **more)
        assert not (desk / "ran").exists(), payload


@pytest.mark.parametrize(
    "name", ["NAME", "PARAMS", "DATA", "JOBS", "MEASURE", "REV", "SEED", "PORT"]
)
def test_what_is_given_arrives_as_it_is(desk, name):
    target = USED[name].split()
    words = [word for word in target if not word.startswith(f"{name}=")]
    for payload in PAYLOADS:
        given = payload.format(desk / "ran")
        said = make(desk, *words, f"{name}={given}")
        assert f"{given}>" in said.stdout and said.returncode == 0


@pytest.mark.parametrize("folder", ["a b", "a'", 'a"', "a;b", "$(x)", "`x`", "a\n", "", "-x", "@x"])
def test_a_folder_that_cannot_be_the_environment_is_refused_in_words(desk, folder):
    refused = make(desk, f"VENV={folder}", "setup")
    assert refused.returncode == 2 and "VENV is the folder of the environment" in refused.stderr


def test_a_python_that_is_not_there_is_refused_in_words(tmp_path):
    refused = make(tmp_path, "PYTHON=no such python", "setup", stamps=False)
    assert refused.returncode == 2 and "PYTHON names no program" in refused.stdout + refused.stderr


def test_parameters_are_split_as_a_shell_would(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book"))
    execute = importlib.import_module("execute")
    options = execute.parse(["--params=-p a=1 -p b='x y' --force", "--", "first"])
    assert options.parameters == [("a", "1"), ("b", "x y")]
    assert options.force and options.names == ["first"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "params, said",
    [
        ("-p seeds", "expected KEY=VALUE, got 'seeds'"),
        ("-p seeds='1", "PARAMS can't be read"),
        ("-p seed=1", "unknown parameter 'seed'; nearest: 'seeds'"),
        ("-p =1", "unknown parameter ''"),
        ("-p seeds=1 -p seeds=2", "given twice"),
        ("-p seeds=1,,2", "parameter 'seeds': found '1,,2'"),
        ("-p measures=CKA", "unknown measure 'CKA'"),
        ("-p dataset=../x", "../x"),
        ("-p " + "k" * 9000 + "=1", "unknown parameter"),
    ],
)
def test_odd_parameters_are_refused_before_anything_runs(params, said, tmp_path):
    page = "chance_level"
    command = [sys.executable, "book/execute.py", f"--out={tmp_path}", f"--params={params}", page]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert refused.returncode == 2 and said in refused.stderr and not list(tmp_path.iterdir())
    assert "Traceback" not in refused.stderr and len(refused.stderr) < 2500
