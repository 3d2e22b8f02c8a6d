"""Laws of executing the notebooks: what is done stays done, what failed never reaches the book."""

import importlib
import importlib.util
import json
import os
import platform
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow
NAMES = ("first", "second")
RUN = """
import pathlib, sys
sys.path.insert(0, {book!r})
import execute
execute.ROOT = pathlib.Path({root!r})
execute.SOURCE = pathlib.Path({source!r})
execute.NOTEBOOKS = dict.fromkeys({names!r}, (1, 1))
execute.TAKES_DATA = {{"first", "second"}}
execute.NEEDS_LABELS = {{"first"}}
sys.exit(execute.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def execute():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("execute", ROOT / "book" / "execute.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["execute"] = module
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "book"))
        spec.loader.exec_module(module)
        yield module
    del sys.modules["execute"]


@pytest.fixture
def desk(tmp_path):
    """A small project: a library of one file and two tiny notebooks, each appending a line to `log`
    when it runs.
    """
    (tmp_path / "nb").mkdir()
    (tmp_path / "simlib").mkdir()
    (tmp_path / "simlib" / "linalg.py").write_text("a = 1")
    (tmp_path / "constraints.txt").write_text("numpy==2.0")
    for name in NAMES:
        write(tmp_path, name)
    return tmp_path


def write(
    desk: Path, name: str, last: str = "print(len(seeds))", measures: str = '["cka", "nbs"]'
) -> None:
    new = nbformat.v4
    parameters = (
        f'datasets = ["toy-2d"]\nmeasures = {measures}\nseeds = [0, 1]\n'
        "steps = 3\nquick = False\njobs = 1"
    )
    cells = [
        new.new_markdown_cell(f"# The {name}"),
        new.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        new.new_code_cell(f"open({str(desk / 'log')!r}, 'a').write('{name}\\n');"),
        new.new_code_cell(last),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new.new_notebook(cells=cells, metadata=kernel), desk / "nb" / f"{name}.ipynb")


def command(desk: Path, *options: str) -> list[str]:
    script = RUN.format(
        book=str(ROOT / "book"), root=str(desk), source=str(desk / "nb"), names=NAMES
    )
    return [sys.executable, "-c", script, "--out", str(desk / "figures"), *options]


def environment(**more: str) -> dict:
    return {key: value for key, value in os.environ.items() if key != "SIMLIB_QUICK"} | more


def run(desk: Path, *options: str, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(desk, *options),
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=300,
    )


def ran(desk: Path) -> list[str]:
    """Which notebooks have run since the last call."""
    log = desk / "log"
    names = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return names


def outputs(desk: Path, name: str) -> str:
    cells = nbformat.read(desk / "figures" / f"{name}.ipynb", as_version=4).cells
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))


def test_a_second_run_executes_nothing(desk):
    assert run(desk).returncode == 0
    assert ran(desk) == ["first", "second"]
    assert outputs(desk, "first") == "2\n"
    again = run(desk)
    assert again.returncode == 0
    assert ran(desk) == []
    assert "first: up to date" in again.stdout
    assert run(desk, "--jobs", "2").returncode == 0
    assert ran(desk) == [], "the number of processes changes no result"
    assert run(desk, "first", "-p", "seeds=[1, 2, 3]").returncode == 0
    assert ran(desk) == ["first"]
    assert outputs(desk, "first") == "3\n"
    assert run(desk, "first", "--quick").returncode == 0
    assert ran(desk) == ["first"]
    assert run(desk, "first", SIMLIB_QUICK="1").returncode == 0
    assert ran(desk) == [], "SIMLIB_QUICK=1 means the same as --quick"


def test_a_failed_notebook_is_named_and_never_shown(desk):
    assert run(desk).returncode == 0
    write(desk, "first", last="\n# too high\nscore = 1.5\nassert score <= 1, 'a score above 1'")
    failed = run(desk)
    assert failed.returncode == 1
    assert "FAILED first, cell 4:" in failed.stderr
    assert "score = 1.5" in failed.stderr
    assert "AssertionError: a score above 1" in failed.stderr
    assert not list((desk / "figures").glob("first.*"))
    assert (desk / "_failed" / "first.ipynb").exists()
    assert outputs(desk, "second") == "2\n"
    ran(desk)
    assert run(desk).returncode == 1, "a failure is not done"
    assert ran(desk) == ["first"]
    write(desk, "first")
    assert run(desk).returncode == 0
    assert outputs(desk, "first") == "2\n"


def test_a_failure_does_not_stop_the_others(desk):
    write(desk, "first", last="1 / 0")
    failed = run(desk)
    assert failed.returncode == 1
    assert "ZeroDivisionError: division by zero" in failed.stderr
    assert ran(desk) == ["first", "second"]
    assert outputs(desk, "second") == "2\n"


def test_a_kernel_that_dies_is_a_failure_with_its_cell(desk):
    write(desk, "first", last="import os\nprint('still here')\nos._exit(1)")
    failed = run(desk)
    assert failed.returncode == 1
    assert "FAILED first, cell 4:" in failed.stderr
    assert "os._exit(1)" in failed.stderr
    kept = nbformat.read(desk / "_failed" / "first.ipynb", as_version=4).cells
    assert kept[-1].source.endswith("os._exit(1)"), "what it did until then is there"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_is_finished_survives_an_interruption(desk, stop):
    write(desk, "second", last="import time\ntime.sleep(400)")
    process = subprocess.Popen(
        command(desk), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 100
    while "second" not in ((desk / "log").read_text() if (desk / "log").exists() else ""):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    process.send_signal(stop)
    assert process.wait(150) != 0  # long before the cell would end
    assert outputs(desk, "first") == "2\n"
    assert not list((desk / "figures").glob("second.*"))
    ran(desk)
    write(desk, "second")
    assert run(desk).returncode == 0
    assert ran(desk) == ["second"]


def test_one_kernel_serves_one_after_the_other_and_keeps_no_name(desk):
    write(desk, "first", last="import os\nmine = 3\nprint(os.getpid())")
    write(desk, "second", last="import os\nprint(os.getpid())\nassert 'mine' not in globals()")
    assert run(desk).returncode == 0
    assert outputs(desk, "first") == outputs(desk, "second")


def test_what_failed_in_a_used_kernel_is_tried_in_a_new_one(desk):
    """Here the first spoils the kernel for the second; what fails there as well is a failure."""
    write(desk, "first", last="import math\nmath.pi = 3")
    write(desk, "second", last="import math\nassert math.pi > 3\nprint(math.pi)")
    assert run(desk).returncode == 0
    assert outputs(desk, "second").startswith("3.14")
    assert ran(desk) == ["first", "second", "second"]
    write(desk, "first", last="print(1)")
    write(desk, "second", last="1 / 0")
    failed = run(desk)
    assert failed.returncode == 1 and failed.stderr.count("ZeroDivisionError") == 1
    assert outputs(desk, "first") == "1\n"


def test_quick_notebooks_side_by_side_share_out_the_processes(execute):
    one = execute.Task("first", Path("first.ipynb"), {"quick": True, "jobs": 4}, "")
    assert [execute.shared(one, count).parameters["jobs"] for count in (1, 2, 8)] == [4, 2, 1]
    for other in ({"jobs": 4}, {"quick": True, "jobs": "tcp://there:8786"}, {"quick": True}):
        assert execute.shared(one._replace(parameters=other), 2).parameters == other


def test_two_notebooks_run_side_by_side(desk):
    """Each waits for the other to begin, which one after the other would never end."""
    for mine, other in (NAMES, NAMES[::-1]):
        began = (
            f"import pathlib, time\nhere = pathlib.Path({str(desk)!r})\n(here / '{mine}').touch()"
        )
        waits = f"while not (here / '{other}').exists():\n    time.sleep(0.05)"
        write(desk, mine, last=f"{began}\n{waits}\nprint('met')")
    assert run(desk, "--jobs", "2").returncode == 0
    assert [outputs(desk, name) for name in NAMES] == ["met\n"] * 2
    assert not list((desk / "_failed").glob("*")), "nothing is left of how far they were"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_all_that_run_side_by_side(desk, stop):
    for name in NAMES:
        says = f"pathlib.Path({str(desk / name)!r}).write_text(str(os.getpid()))"
        write(desk, name, last=f"import os, pathlib, time\n{says}\ntime.sleep(400)")
    process = subprocess.Popen(
        command(desk, "--jobs", "2"),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 100
    while not all((desk / name).exists() and (desk / name).read_text() for name in NAMES):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    process.send_signal(stop)
    assert process.wait(60) in (130, 143)
    for name in NAMES:
        with pytest.raises(ProcessLookupError):
            os.kill(int((desk / name).read_text()), 0)
    assert not list((desk / "figures").glob("*"))


def test_who_reads_the_results_of_another_waits_for_it(execute, monkeypatch):
    tasks = [execute.Task(name, ROOT, {}, "") for name in ("a", "b", "c", "d")]
    monkeypatch.setattr(execute, "AFTER", {"b": ("a",), "c": ("a", "elsewhere")})
    queue, given = execute.Queue(tasks), []
    a, d = queue.next(None), queue.next(None)
    assert (a.name, d.name) == ("a", "d"), "b and c wait for a"
    waiting = threading.Thread(target=lambda: given.append(queue.next(d)))
    waiting.start()
    assert not given
    assert queue.next(a).name in "bc"
    waiting.join(10)
    assert given[0].name in "bc"
    assert queue.next(given[0]) is None
    queue = execute.Queue(tasks[1:])
    assert queue.next(None).name == "b", "a is up to date and not among them"
    queue.close()
    assert queue.next(None) is None


def test_an_interruption_that_is_lost_is_raised_again(desk):
    """What runs swallows the first one, as a library's callback may."""
    swallowing = (
        "def run(*_):\n    for attempt in range(2):\n        try:\n            print('going', "
        "flush=True)\n"
        "            time.sleep(100)\n        except KeyboardInterrupt:\n"
        "            if attempt:\n                raise\n"
        "execute.run, execute.AGAIN = run, 1\n"
    )
    *python, script, flag, out = command(desk)
    script = script.replace("sys.exit(", f"import time\n{swallowing}sys.exit(")
    process = subprocess.Popen(
        [*python, script, flag, out], env=environment(), stdout=subprocess.PIPE, text=True
    )
    while "going" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130


def test_an_unknown_name_is_an_error_with_the_nearest(desk):
    unknown = run(desk, "-p", "seed=3")
    assert unknown.returncode == 2
    assert "unknown parameter 'seed'; nearest: 'seeds'" in unknown.stderr
    unknown = run(desk, "frist")
    assert unknown.returncode == 2
    assert "unknown notebook 'frist'; nearest: 'first'" in unknown.stderr
    assert ran(desk) == []


def test_the_kernel_is_the_one_of_this_environment(desk):
    write(desk, "first", last="import sys; print(sys.prefix)")
    assert run(desk, "first", JUPYTER_PATH=str(desk)).returncode == 0
    assert outputs(desk, "first").strip() == sys.prefix


def test_the_hash_follows_what_a_notebook_shows(desk, execute, monkeypatch):
    monkeypatch.setattr(execute, "ROOT", desk)
    source = desk / "nb" / "first.ipynb"
    data = desk / "recording.npz"
    data.write_bytes(b"one")

    def value(**parameters):
        return execute.fingerprint(source, parameters)

    before, with_data = value(), value(datasets=[str(data)])
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[3].outputs = [nbformat.v4.new_output("stream", text="2\n")]
    notebook.cells[3].execution_count = 7
    notebook.metadata["papermill"] = {"duration": 3}
    nbformat.write(notebook, source)
    assert value() == before, "stored outputs and metadata don't count"
    os.utime(source, (1, 1))
    assert value() == before, "nor do time stamps"
    assert value(jobs=7) == before
    assert value(seeds=3) != before
    data.write_bytes(b"two")
    assert value(datasets=[str(data)]) != with_data
    notebook.cells[3].metadata["mystnb"] = {"figure": {"caption": "new"}}
    nbformat.write(notebook, source)
    captioned = value()
    assert captioned != before
    notebook.cells[3].source += " "
    nbformat.write(notebook, source)
    assert value() not in (before, captioned)


def test_the_hash_follows_what_lies_outside_of_the_repository(desk, execute, monkeypatch):
    monkeypatch.setattr(execute, "ROOT", desk)
    monkeypatch.setenv("SIMLIB_DATA", str(desk / "raw"))
    monkeypatch.setenv("SIMLIB_SHARED", str(desk / "shared"))
    source, measure = desk / "nb" / "first.ipynb", desk / "mine.py"

    def put(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def values(last="1"):
        write(desk, "first", last=last)
        asked = (
            {},
            {"datasets": ["toy-2d", "mante2013"]},
            {"dataset": "mante2013"},
            {"recordings": ("mante2013", "dyer2017")},
            {"measures": ["cka", f"{measure}:f"]},
        )
        return [execute.fingerprint(source, {"seeds": [0]} | one) for one in asked]

    def changed(path, text, last="1"):
        before, _ = values(last), put(path, text)
        return [a != b for a, b in zip(before, values(last), strict=True)]

    raw = desk / "raw" / "mante2013" / "PFC data" / "unit.mat"
    for text in ("one", "two"):  # it appears, it changes
        assert changed(raw, text) == [False, True, True, True, False]
    os.utime(raw, (1, 1))
    size = values()
    put(raw, "owt")
    assert values()[1] != size[1], "the content counts, not size and time"
    new = desk / "raw" / "dyer2017" / "mihi_demo.mat"
    assert changed(new, "one") == [False, False, False, True, False]
    for text in ("def f(X, Y): ...", "def f(X, Y):\n    return X"):
        assert changed(measure, text) == [False, False, False, False, True]
    for place in ("raw", "shared"):
        table = desk / place / "published" / "Mante2013" / "scores.csv"
        assert not any(changed(table, "one"))
        assert all(changed(table, "two", last="paper.published_curves(datasets)"))


def test_the_hash_follows_the_library(desk, execute, monkeypatch):
    source = desk / "nb" / "first.ipynb"
    monkeypatch.setattr(execute, "ROOT", desk)
    (desk / "simlib" / "validation.py").write_text("b = 1")

    def value(last="%matplotlib inline\nfrom simlib import linalg"):
        write(desk, "first", last=last)
        return execute.fingerprint(source, {})

    first, other = value(), value("print(1)")
    (desk / "simlib" / "validation.py").write_text("b = 2")
    (desk / "simlib" / "linalg.py").write_text('"""What it is."""\na  =  1  # a constant')
    assert value() == first, "docstrings, comments and modules out of sight don't count"
    (desk / "simlib" / "linalg.py").write_text("from simlib import validation\na = 1")
    second = value()
    (desk / "simlib" / "validation.py").write_text("b = 3")
    third = value()
    assert value("print(1)") == other, "it imports nothing of simlib"
    (desk / "constraints.txt").write_text("numpy==2.1")
    assert len({first, second, third, value()}) == 4 and value("print(1)") != other


def kept(execute, desk: Path, name: str = "first") -> tuple:
    """A page that was executed, its folder and both of its files."""
    out, page = desk / "figures", nbformat.read(desk / "nb" / f"{name}.ipynb", as_version=4)
    one = execute.Task(name, desk / "nb" / f"{name}.ipynb", {"seeds": [1]}, "a")
    execute.keep(one, page, out, 1.0)
    return one, out, [out / f"{name}.ipynb", out / f"{name}.json"]


@pytest.mark.parametrize("text", ["", '{"hash": "', "{}", "[1]", '{"hash": "a"}'])
def test_half_a_record_is_not_done(desk, execute, text):
    one, out, (_, record) = kept(execute, desk)
    assert execute.is_done(one, out) and not execute.is_done(one._replace(hash="b"), out)
    record.write_text(text)
    assert not execute.is_done(one, out)


def test_a_page_or_record_that_was_changed_is_never_taken_for_done(desk, execute):
    one, out, files = kept(execute, desk)
    rng = random.Random(0)
    for file in files:
        whole = file.read_bytes()
        for _ in range(150):
            bit = rng.randrange(8 * len(whole))
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << bit % 8
            file.write_bytes(damaged)
            assert not execute.is_done(one, out) and not execute.vouched(one.name, out)
        for length in range(0, len(whole), 7):
            file.write_bytes(whole[:length])
            assert not execute.is_done(one, out) and not execute.vouched(one.name, out)
        file.write_bytes(whole)
        assert execute.is_done(one, out) and execute.vouched(one.name, out)


def test_a_damaged_page_is_executed_again(desk):
    assert run(desk).returncode == 0
    ran(desk)
    page = desk / "figures" / "first.ipynb"
    whole = page.read_text()
    page.write_text(whole.replace("2\\n", "3\\n"))
    assert outputs(desk, "first") == "3\n"
    again = run(desk)
    assert ran(desk) == ["first"] and outputs(desk, "first") == "2\n"
    assert "first: its page or record is not as it was written" in again.stdout
    assert "second: up to date" in again.stdout


EDITS = {
    "the library": ("simlib/linalg.py", "a = 2"),
    "the source": ("nb/first.ipynb", None),
    "the data": ("mine.npz", "two"),
}


@pytest.mark.parametrize("what", EDITS)
def test_a_page_is_not_kept_when_what_it_shows_changes_while_it_runs(desk, what):
    place, text = EDITS[what]
    (desk / "mine.npz").write_text("one")
    last = "from simlib import linalg\nimport pathlib\n"
    change = f"path = pathlib.Path({str(desk / place)!r})\n"
    change += f"path.write_text({text!r} or path.read_text().replace('# The', '# A'))"
    once = f"flag = pathlib.Path({str(desk / 'flag')!r})\nif not flag.exists():\n"
    once += "\n".join(f"    {line}" for line in ["flag.touch()", *change.splitlines()])
    write(desk, "first", last=last + once)
    show_a_file(desk)
    refused = run(desk, "first")
    assert refused.returncode == 1 and not list((desk / "figures").glob("first.*"))
    assert "FAILED first, after its last cell" in refused.stderr
    assert "run the same command again" in refused.stderr
    assert run(desk, "first").returncode == 0 and outputs(desk, "first") == ""
    ran(desk)
    assert run(desk, "first").returncode == 0 and ran(desk) == []


def test_a_page_is_not_kept_when_its_kernel_ran_other_code(desk):
    """As when a module was edited, imported and put back while the notebook ran."""
    held = f"seen.LOADED[{str(desk / 'simlib' / 'linalg.py')!r}] = b'a = 3'"
    write(desk, "first", last=f"import simlib\nfrom simlib import cache as seen, linalg\n{held}")
    refused = run(desk, "first")
    assert refused.returncode == 1 and not list((desk / "figures").glob("first.*"))
    assert "after its last cell" in refused.stderr and "linalg.py was edited" in refused.stderr


def show_a_file(desk: Path) -> None:
    """Let the first notebook show a file where it is on this machine."""
    source = desk / "nb" / "first.ipynb"
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[1].source += f"\nrecordings = [{str(desk / 'mine.npz')!r}]"
    nbformat.write(notebook, source)


def test_a_page_says_how_it_was_made_in_one_folded_line(desk):
    (desk / "simlib" / "linalg.py").unlink()
    (desk / "simlib").rmdir()
    table = "pd.DataFrame({'title': ['A'], 'data_hash': ['0123456789abcdef'], 'seed': 0})"
    last = f"import pandas as pd\nimport simlib.experiments\ntable = {table}"
    write(desk, "first", last=last, measures=f'["{desk}/mine.py:f"]')
    done = run(desk, "first", "-p", "seeds=4,5")
    assert done.returncode == 0, done.stderr
    page = nbformat.read(desk / "figures" / "first.ipynb", as_version=4)
    assert [cell.cell_type for cell in page.cells][-2:] == ["code", "markdown"]
    line = page.cells[-1].source
    assert line.startswith("<details") and line.count("<details") == 1 and "\n" not in line
    for part in ("A 0123456789abcdef", "seeds = [4, 5]", "mine.py:f", "numpy 2", "threads: "):
        assert part in line
    for part in ("BLAS: ", "commit: ", "time: 20", "machine: ", "cores"):
        assert part in line
    assert str(desk) not in line and platform.node() not in line
    assert "how_made" not in "".join(cell.source for cell in page.cells)


def test_progress_counts_batches_one_after_another(execute, tmp_path):
    file = tmp_path / "progress"
    assert execute.read_progress(file) == (0.0, "")
    file.write_text("1 4 mante2013 cka\n2 4 mante2013 nbs\n")
    assert execute.read_progress(file) == (0.5, "mante2013 nbs")
    file.write_text("1 4 a\n4 4 b\n1 4 second batch\nhalf a li")
    assert execute.read_progress(file) == (5 / 8, "second batch")
    known, _ = execute.read_progress(file, 1, 0.9)
    assert known == pytest.approx(0.9 + 0.1 / 4)


def test_a_recording_is_announced_and_used(desk):
    import numpy as np

    rng = np.random.default_rng(0)
    np.savez(desk / "mine.npz", X=rng.standard_normal((4, 20, 6)), target=np.arange(20) % 2)
    write(desk, "first", last="print(datasets)")
    done = run(desk, "--data", str(desk / "mine.npz"))
    assert done.returncode == 0, done.stderr
    assert "20" in done.stdout and "target" in done.stdout
    assert "first: " in done.stdout
    assert outputs(desk, "first").strip() == str(["mine.npz"])
    assert run(desk, "--data", str(desk / "mine.npz")).returncode == 0
    assert ran(desk) == ["first", "second"], "of the first call; the second found all done"


def test_only_the_pages_that_show_a_recording_are_made_for_one(desk):
    import numpy as np

    rng = np.random.default_rng(0)
    assert run(desk).returncode == 0
    ran(desk)
    write(desk, "second", last="print('changed')")
    kept = {path.name: path.read_bytes() for path in (desk / "figures").glob("second.*")}
    home = desk / "my $HOME"
    home.mkdir()
    mine = home / "a $x$ \"b\" 'c' `d` é.npz"
    np.savez(mine, X=rng.standard_normal((4, 20, 6)), target=np.arange(20) % 2)
    last = "from simlib import datasets as d\nprint(d.load(datasets[0]).shape)"
    write(desk, "first", last=last)
    options = ("--quick", "--data", f"~/{mine.name}")
    done = run_for_the_first(desk, *options, HOME=str(home))
    assert done.returncode == 0, done.stderr
    assert ran(desk) == ["first"]
    assert outputs(desk, "first") == "(4, 20, 6)\n"
    assert {path.name: path.read_bytes() for path in (desk / "figures").glob("second.*")} == kept
    shown = (desk / "figures" / "first.ipynb").read_text()
    assert str(desk) not in shown.replace(str(desk / "log"), ""), "no folder of this machine"
    before = (desk / "figures" / "first.ipynb").stat().st_mtime_ns
    assert run_for_the_first(desk, *options, HOME=str(home)).returncode == 0
    assert ran(desk) == []
    assert (desk / "figures" / "first.ipynb").stat().st_mtime_ns == before
    np.savez(mine, X=rng.standard_normal((4, 20, 6)), target=np.arange(20) % 2)
    assert run_for_the_first(desk, *options, HOME=str(home)).returncode == 0
    assert ran(desk) == ["first"], "its content counts"


def run_for_the_first(desk: Path, *options: str, **more: str) -> subprocess.CompletedProcess:
    """`run`, where only the first notebook shows a recording."""
    python, flag, script, *rest = command(desk, *options)
    script = script.replace('TAKES_DATA = {"first", "second"}', 'TAKES_DATA = {"first"}')
    return subprocess.run(
        [python, flag, script, *rest],
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=300,
    )


def test_an_unclear_recording_is_refused_before_anything_is_discarded(desk):
    import numpy as np

    assert run(desk).returncode == 0
    ran(desk)
    np.savez(desk / "mine.npz", left=np.ones((4, 20, 6)), right=np.ones((4, 20, 6)))
    refused = run(desk, "--data", str(desk / "mine.npz"))
    assert refused.returncode == 2 and "mine.npz" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert ran(desk) == []
    assert outputs(desk, "first") == "2\n" and run(desk).returncode == 0
    assert ran(desk) == [], "what was there is still current"


@pytest.mark.filterwarnings("ignore")  # zarr, of text
def test_a_recording_without_a_suffix_is_found_and_none_is_taken_for_a_dataset(
    execute, tmp_path, monkeypatch
):
    import numpy as np

    import simlib as sl

    for name in ("session1", "hierarchy"):
        data = sl.datasets.load("toy-2d")
        data.to_dataset(name="X").to_zarr(tmp_path / name)
        monkeypatch.setenv("SIMLIB_RECORDING", str(tmp_path / name))
        if name == "session1":
            np.testing.assert_array_equal(sl.datasets.load(name), data)
    with pytest.raises(ValueError, match="'hierarchy' is a dataset of the book"):
        execute.announce_data(tmp_path / "hierarchy", [], tmp_path)


def test_make_hands_a_path_on_as_it_is(tmp_path):
    """The recipes that `make book DATA=...` would run, with a shell that shows its arguments."""
    name = "a $(b) $c \"d\" 'e' `f` é.npz"
    made = tmp_path / "bin"
    made.mkdir()
    shows = '#!/bin/sh\nfor one in "$@"; do echo "<$one>"; done\n'
    for tool in ("python", "jupyter-book"):
        (made / tool).write_text(shows)
        (made / tool).chmod(0o755)
    (tmp_path / ".installed").write_text("")
    stamp = tmp_path / ".installed"
    call = ["make", "-s", "-o", str(stamp), f"VENV={tmp_path}", "book", f"DATA={name}"]
    said = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"<--data={name}>" in said
    assert "measure_cards.py" not in said, "the cards need no recording"
    said = subprocess.run(call[:-1], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "--data" not in said and "measure_cards.py" in said


def test_what_was_never_made_has_a_page_that_says_so(desk, execute, monkeypatch):
    monkeypatch.setattr(execute, "SOURCE", desk / "nb")
    (desk / "figures").mkdir()
    execute.write_note("first", "Not made.", desk / "figures")
    page = desk / "figures" / "first.ipynb"
    (cell,) = nbformat.read(page, as_version=4).cells
    assert cell.source == "# The first\n\nNot made."
    before = page.stat().st_mtime_ns
    execute.write_note("first", "Not made.", desk / "figures")
    assert page.stat().st_mtime_ns == before, "so the book doesn't build it again"
    one = execute.Task("first", desk / "nb" / "first.ipynb", {}, "a")
    assert not execute.is_done(one, desk / "figures")


def test_without_labels_the_page_says_why(desk):
    import numpy as np

    np.savez(desk / "mine.npz", X=np.random.default_rng(0).standard_normal((4, 20, 6)))
    done = run(desk, "--data", str(desk / "mine.npz"))
    assert done.returncode == 0, done.stderr
    assert ran(desk) == ["second"]
    (cell,) = nbformat.read(desk / "figures" / "first.ipynb", as_version=4).cells
    assert cell.source.startswith("# The first\n")
    assert "`mine.npz` has no labels" in cell.source
    assert run(desk).returncode == 0
    assert ran(desk) == ["first", "second"], "the next run without it makes the figure again"


def test_a_recording_that_is_not_there(desk):
    missing = run(desk, "--data", str(desk / "nowhere.npz"))
    assert missing.returncode == 2
    assert "nowhere.npz" in missing.stderr
    assert "Traceback" not in missing.stderr


def test_the_record_beside_a_figure_says_what_made_it(desk):
    assert run(desk, "first", "-p", "seeds=4,5").returncode == 0
    record = json.loads((desk / "figures" / "first.json").read_text())
    assert record["parameters"] == {"seeds": [4, 5]}
    assert len(record["hash"]) == 64


# -- Estimates


@pytest.fixture
def estimates(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book"))
    return importlib.import_module("estimates")


def test_the_estimate_counts_ascents_and_descents(estimates):
    import simlib as sl

    data = sl.datasets.load("surrogate-siegel2015", trials=40, neurons=10)
    seconds, text = estimates.ascents(data, ["cka", "nbs"], [0, 1], 50, jobs=2)
    assert "4 ascents of up to 50 steps (measures: 2, seeds: 2), 2 at once" in text
    assert "GB of memory" in text and seconds > estimates.WORKER
    toy = sl.datasets.load("toy-2d")
    seconds, text = estimates.joint_ranges(toy, ["cka", "nbs"], "linreg", [0], 4, 10, 1)
    assert "24 descents of up to 10 steps, 1 at once" in text and "GB of memory" in text
    assert 0 <= seconds < 60


def test_the_estimate_is_of_the_settings_asked_for(execute):
    seeds, points = {}, {}
    for quick in (False, True):
        for name in ("score_vs_decodability", "pc_learning_order", "joint_score_ranges"):
            one = execute.task(name, {"quick": quick})
            values = execute.shrunk(one)
            seeds[name, quick] = len(values["seeds"])
            points[quick] = values.get("points"), values["steps"]
    assert set(seeds.values()) == {5, 2, 1}
    assert all(seeds[name, False] == 5 and seeds[name, True] == 2 for name in execute.NEEDS_LABELS)
    assert points == {False: (6, 1000), True: (3, 60)}


def test_tasks_together_end_with_the_longest(estimates):
    assert estimates.together([8, 1, 1], 1) == 10
    assert estimates.together([8, 1, 1], 2) == 8 + estimates.WORKER
    assert estimates.together([4, 4, 4, 4], 2) == 8 + estimates.WORKER


@pytest.mark.parametrize(("seconds", "words"), [(59, "under a minute"), (150, "about 2 min")])
def test_durations_are_minutes(estimates, seconds, words):
    assert estimates.duration(seconds) == words


def test_what_is_quick_in_the_whole_book_runs_in_full_on_request(desk):
    first = command(desk)
    script = first[2].replace("sys.exit", "execute.ON_REQUEST = {'first'}\nsys.exit")

    def parameters(*options: str) -> dict:
        subprocess.run([*first[:2], script, *first[3:], *options], env=environment(), check=True)
        return json.loads((desk / "figures" / "first.json").read_text())["parameters"]

    assert parameters() == {"quick": True}
    assert parameters("--full") == {}
    assert parameters() == {}, "what was made in full stays so"
