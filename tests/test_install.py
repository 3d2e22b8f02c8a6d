"""Set-up: each file by its hash, what was cut off again, and no more than is asked for."""

import hashlib
import importlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDED = {"cuda": ["filelock", "nvidia-cublas==13.1; sys_platform == 'linux'"], "cpu": ["filelock"]}


@pytest.fixture
def install(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book"))
    module = importlib.import_module("install")
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    return module


@pytest.fixture
def runs(install, monkeypatch):
    """The commands that would run, with the lines of their requirements; `runs.fail`: how many of
    them fail first.
    """

    class Runs(list):
        fail = 0

    found = Runs()

    def run(command, **_):
        files = [word.partition("=")[2] for word in command if word.startswith("--requirement=")]
        lines = [line for file in files for line in Path(file).read_text().splitlines()]
        found.append((command, [line.split(" ")[0] for line in lines if line[0] != " "]))
        found.fail -= 1
        return subprocess.CompletedProcess(command, int(found.fail >= 0))

    monkeypatch.setattr(install.subprocess, "run", run)
    return found


@pytest.mark.parametrize("part", ["book", "test"])
@pytest.mark.parametrize("build", NEEDED)
def test_a_part_is_installed_by_hashes_and_cuda_only_with_its_torch(
    install, runs, monkeypatch, part, build
):
    monkeypatch.setattr(install.importlib.metadata, "requires", lambda _: NEEDED[build])
    assert install.main([part]) == 0
    *packages, project = runs
    assert all("--require-hashes" in command and "--no-deps" in command for command, _ in packages)
    (pip,), (torch,), rest = (lines for _, lines in packages)
    assert pip.startswith("pip==") and torch.startswith("torch==") and torch.endswith("+cpu")
    names = {line.partition("==")[0] for line in rest}
    assert ("pytest" in names) == (part == "test")
    assert any(name.startswith("nvidia") for name in names) == (build == "cuda")
    assert not {"torch", "pip"} & names and {"numpy", "jupyter-book"} <= names
    assert {"--no-deps", "--no-build-isolation", "--editable"} <= set(project[0])


def test_without_a_cpu_build_the_default_one_is_taken(install, runs, monkeypatch):
    monkeypatch.setattr(install.importlib.metadata, "requires", lambda _: [])
    run = install.subprocess.run

    def without(command, **options):
        done = run(command, **options)
        done.returncode = int(any(line.endswith("+cpu") for line in runs[-1][1]))
        return done

    monkeypatch.setattr(install.subprocess, "run", without)
    assert install.main(["book"]) == 0
    builds = [line for _, lines in runs for line in lines if line.startswith("torch==")]
    assert [build.endswith("+cpu") for build in builds] == [True, False]


def test_the_index_of_torch_is_for_torch_alone(install, runs, monkeypatch):
    monkeypatch.setenv("TORCH_INDEX", "https://example.org/a b")
    monkeypatch.setattr(install.importlib.metadata, "requires", lambda _: [])
    install.main(["book"])
    asked = [lines for command, lines in runs if "--index-url=https://example.org/a b" in command]
    assert len(asked) == 1 and asked[0][0].startswith("torch==")


def test_what_was_cut_off_is_tried_again(install, runs):
    runs.fail = install.TRIES - 1
    assert install.install("x") and len(runs) == install.TRIES


def test_what_keeps_failing_is_said_in_words(install, runs, monkeypatch):
    runs.fail = 100
    with pytest.raises(SystemExit, match=r"could not be installed.*run the same command again"):
        install.install("x")
    assert len(runs) == install.TRIES
    monkeypatch.setenv("TORCH_INDEX", "https://example.org")
    with pytest.raises(SystemExit, match="make lock TORCH_INDEX"):
        install.install("x")


def test_uv_is_used_where_it_is(install, runs, monkeypatch):
    install.install("x")
    monkeypatch.setattr(install.shutil, "which", lambda _: "/usr/bin/uv")
    install.install("x")
    first, second = (command for command, _ in runs)
    assert first[:4] == [sys.executable, "-m", "pip", "install"]
    assert second[:5] == ["uv", "pip", "install", "--python", sys.executable]


def wheel(folder: Path) -> str:
    """A package of one empty module; its hash."""
    path = folder / "oddity-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("oddity.py", "")
        place = "oddity-1.dist-info"
        file.writestr(f"{place}/METADATA", "Metadata-Version: 2.1\nName: oddity\nVersion: 1\n")
        file.writestr(
            f"{place}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{place}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_of_another_hash_is_refused(install, tmp_path):
    known = wheel(tmp_path)
    options = ("--dry-run", "--no-index", f"--find-links={tmp_path}")

    def works(digest: str) -> bool:
        block = f"oddity==1 \\\n    --hash=sha256:{digest}"
        return install.install_with_hashes([block], *options, tries=0)

    assert works(known)
    assert not works("0" * 64)
    (tmp_path / "oddity-1-py3-none-any.whl").write_bytes(b"another file")
    assert not works(known)
