"""Execute the figure notebooks that are out of date, with papermill, and keep the good ones.

    python book/execute.py                                  every notebook, at the paper's settings
    python book/execute.py --quick                          the same in minutes
    python book/execute.py joint_score_ranges -p measures=cka,nbs
    python book/execute.py --data recording.npz             the pages that show a recording, for one
                                                            of your own; the others stay as they are

An executed notebook is out of date when a hash over its cells, its parameters, the code of simlib
that it can see (docstrings and comments don't count), the pinned versions and its input data
changed: files that a parameter names, the original files of recordings that one names (also those
that weren't there before) and, where it uses them, the published tables. Time stamps play no part.
The output is written to `_failed` beside the output folder and moves there only when every cell
ran, on code and data that are still those of the hash: what lies in `book/figures` is always whole
and current. The record beside a page says its checksum; a page that doesn't fit it is executed
again, and never shown. A folded line at the page's end says how it was made.

What a notebook must bring:

- one code cell tagged `parameters` with literal defaults; every parameter that can be set is named
  there;
- a figure cell carries in its metadata
  `"mystnb": {"figure": {"name": "fig-decoding", "caption": "..."}, "image": {"alt": "..."}}`:
  the caption is Markdown (with formulas), the figure gets its number from the book, the alt text is
  plain; such a cell shows one picture and nothing else (`ax = plots...`, since a bare value would
  be a second output);
- a cell tagged `nbval-check-output` prints the numbers that are stored in the notebook
  (`make store`) and compared by `make test`, at the quick settings; no other cell is stored with an
  output;
- a recording of the user's own comes as its file's name in `datasets`, found by
  `SIMLIB_RECORDING`: a page names the file and no folder;
- recordings that it shows where they are on this machine are named in the parameter `recordings`,
  which it hands to `paper.at_hand`;
- code cells that a reader may skip (imports, plots, checks) carry the tag `hide-input`: the page
  folds them;
- links to a figure of the same page use its name ({numref}`fig-decoding`); other pages link to the
  page only, since the figures change with the data they are made from.
"""

import argparse
import ast
import contextlib
import importlib.util
import inspect
import json
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Mapping
from concurrent import futures
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import given
import nbformat
import papermill
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "notebooks"


def by_file(path: str):
    """A module by its file: `from simlib import ...` takes seconds, most of them for torch."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / "simlib" / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cache, folders = by_file("cache.py"), by_file("datasets/folders.py")
worker = by_file("worker.py")
# What a kernel runs after the last cell: the digest of the code that it had imported, and the line
# of the page's end; nothing for a notebook that does without simlib.
LAST = """import sys
if "simlib" in sys.modules:
    import json, pathlib, simlib.cache as seen
    path, root = pathlib.Path({source!r}), pathlib.Path({root!r})
    said = sys.modules["simlib"].experiments.how_made(globals(), {parameters!r})
    code = seen.digest(seen.code(path, root, {python!r}, running=True))
    print(json.dumps([code, said]))
get_ipython().reset()
"""
# In the order of the book, each with the seconds that it took of a core at the paper's settings
# (those of `ON_REQUEST`: by estimate), and at the quick ones.
NOTEBOOKS = {
    "score_vs_decodability": (1390, 39),
    "pc_learning_order": (26, 10),
    "theory_sensitivity": (48, 35),
    "joint_score_ranges": (500, 56),
    "model_against_brain": (25, 7),
    "chance_level": (10, 10),
    "published_vs_reproduced": (1200, 26),
    "supplement_ridge_strength": (700, 9),
    "supplement_gaussian": (68, 4),
    "supplement_folds": (9, 3),
    "supplement_starts": (82, 13),
    "supplement_size": (350, 10),
    "supplement_variables": (62, 20),
    "claims": (530, 18),
}
# How many batches of its tasks are what part of it, where more follow.
FIRST = {"score_vs_decodability": (2, 0.8), "theory_sensitivity": (1, 0.6)}
# At the paper's settings these take many minutes to an hour: the whole book has them at the quick
# ones, unless they were executed by name (`make figure NAME=...`, `make scorecard`) or with --full.
ON_REQUEST = {"published_vs_reproduced", "claims", "supplement_ridge_strength", "supplement_size"}
# Those whose stored ascents these read: waiting for them is quicker than climbing once more.
AFTER = {
    name: ("score_vs_decodability",)
    for name in ("pc_learning_order", "published_vs_reproduced", "claims", "supplement_starts")
}
BESIDE = 2  # notebooks at most that are executed at once (`shared`)
TAKES_DATA = {"score_vs_decodability", "pc_learning_order", "joint_score_ranges"}
NEEDS_LABELS = {"score_vs_decodability"}
HOW_LABELLED = "How labels are stored: {doc}`../own_data`."
# Parameters that name what is read: datasets by name or path, measures by id or `path.py:function`.
DATA, MEASURES = ("dataset", "datasets", "recordings"), ("measure", "measures", "against")
QUIET = ["--IPKernelApp.log_level=40"]
NOTE = "note"  # what the hash of a page is of where no notebook was executed
EDITED = (
    "its source, the code of simlib or the data were changed while it ran, so the page is not "
    "kept: run the same command again"
)
JOBS = "how many processes a notebook may use, or the address or file of a Dask scheduler"
AGAIN = 30  # seconds after which an interruption is raised once more


class Task(NamedTuple):
    """One notebook to execute: its source, the parameters set in it, the hash that says whether it
    is done, and what else counts in that.
    """

    name: str
    source: Path
    parameters: dict
    hash: str
    more: Mapping = MappingProxyType({})

    def current(self) -> "Task":
        """The same with the hash of what is there now."""
        return self._replace(hash=fingerprint(self.source, {**self.parameters, **self.more}))


class Failure(NamedTuple):
    """What went wrong: the number of the cell in the source (0: none, -1: after the last), its
    first lines, the error.
    """

    name: str
    cell: int
    lines: str
    error: str


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    quick = options.quick or os.environ.get("SIMLIB_QUICK", "") not in ("", "0")
    begin()
    names = options.names
    if options.data:
        os.environ["SIMLIB_RECORDING"] = str(options.data)
        names = names or [name for name in NOTEBOOKS if name in TAKES_DATA]
    try:
        asked = assign(names, options.parameters, quick, options.jobs, options.data)
        tasks = [task(name, parameters) for name, parameters in asked.items()]
        if not names and not options.full:
            tasks = [affordable(one, options.out) for one in tasks]
        if options.data:
            skipped = announce_data(options.data, tasks, options.out)
            tasks = [one for one in tasks if one.name not in skipped]
            for name, reason in skipped.items():
                write_note(name, f"This figure was not made: {reason}. {HOW_LABELLED}", options.out)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return finish(tasks, options.out, jobs=options.jobs, force=options.force)


def begin() -> None:
    """Set what every run needs: ways to stop it, a place for results, this environment's kernel."""
    sys.stdout.reconfigure(
        line_buffering=True
    )  # what it will do comes before how far it is, also in a file
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, interrupt)
    if "MAKELEVEL" in os.environ:  # make, which may be killed
        made_by = os.getppid(), lambda: os.kill(os.getpid(), signal.SIGTERM)
        threading.Thread(target=worker.end_with, args=made_by, daemon=True).start()
    os.environ["SIMLIB_RESULTS"] = os.environ.get("SIMLIB_RESULTS", str(ROOT / "results"))
    os.environ["JUPYTER_PATH"] = str(Path(sys.prefix) / "share" / "jupyter")


def finish(
    tasks: list[Task],
    out: Path,
    *,
    jobs: int | str | None,
    force: bool = False,
    folder: Path | None = None,
) -> int:
    """Execute what is out of date, in this folder, and report; the exit status."""
    due = [one for one in tasks if force or not is_done(one, out)]
    for one in tasks:
        if one not in due:
            print(f"{one.name}: up to date")
        elif (out / f"{one.name}.ipynb").exists() and not vouched(one.name, out):
            print(f"{one.name}: its page or record is not as it was written, so it runs again")
    try:
        beside = min(jobs, BESIDE) if isinstance(jobs, int) else 1
        failures = run(due, out, folder, beside)
    except KeyboardInterrupt:
        print("interrupted; the notebooks and results finished so far are kept", file=sys.stderr)
        return 130
    finally:
        signal.alarm(0)
    for failure in failures:
        print(report(failure, out), file=sys.stderr)
    return 1 if failures else 0


def interrupt(number: int, _) -> None:
    """Stop; once more after a while, should the exception be lost in a library's callback or its
    clearing up.
    """
    signal.alarm(AGAIN)
    if number == signal.SIGTERM:
        sys.exit(143)
    raise KeyboardInterrupt


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Execute the figure notebooks that are out of date."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which ones (all: {', '.join(NOTEBOOKS)})"
    )
    parser.add_argument(
        "-p",
        dest="parameters",
        action="append",
        default=[],
        type=key_value,
        metavar="KEY=VALUE",
        help="set a parameter; lists as a,b,c",
    )
    parser.add_argument("--params", default="", help="more options in one text, as for a shell")
    parser.add_argument("--quick", action="store_true", help="smaller runs, minutes in all")
    parser.add_argument("--full", action="store_true", help="no quick settings, hours in all")
    parser.add_argument(
        "--data",
        type=lambda text: Path(text).expanduser().absolute(),
        metavar="PATH",
        help="a recording of your own (.npz, .mat, .nc, ...), for the pages that show one",
    )
    parser.add_argument("--jobs", type=processes, help=JOBS)
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "book" / "figures",
        help="where the executed notebooks go",
    )
    parser.add_argument("--force", action="store_true", help="execute also what is up to date")
    argv = sys.argv[1:] if argv is None else argv
    try:
        more = shlex.split(parser.parse_args(argv).params)
    except ValueError as error:  # of a quote without its partner
        parser.error(f"PARAMS can't be read: {error}")
    return parser.parse_args([*more, *argv])


def processes(text: str) -> int | str:
    """What `jobs` is set to: a number, or a scheduler; notebooks run in a folder of their own."""
    try:
        jobs = given.value("jobs", text, 2)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return str(Path(text).absolute()) if Path(text).is_file() else jobs


def key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {given.shown(text)}")
    return key.strip(), value


# -- What to run


def assign(
    names, pairs: list[tuple], quick: bool, jobs: int | str | None, data: Path | None
) -> dict[str, dict]:
    """The parameters to set in each notebook asked for; an unknown name is an error with the
    nearest one.
    """
    for name in names:
        if name not in NOTEBOOKS:
            raise unknown("notebook", name, NOTEBOOKS)
    names = names or list(NOTEBOOKS)
    declared = {name: defaults(SOURCE / f"{name}.ipynb") for name in names}
    known = {key for keys in declared.values() for key in keys}
    texts = dict(pairs)
    for key in texts:
        if key not in known:
            raise unknown("parameter", key[:60], sorted(known))
    if len(texts) < len(pairs):
        raise ValueError("a parameter is given twice: leave one of them out")
    asked = {}
    for name, values in declared.items():
        wanted = {k: given.value(k, text, values[k]) for k, text in texts.items() if k in values}
        for key in sorted(set(texts) - set(values)):
            print(f"{name} has no parameter {key!r}: it keeps its settings")
        if quick and "quick" in values:
            wanted["quick"] = True
        if jobs and "jobs" in values:
            wanted["jobs"] = jobs
        if data and name in TAKES_DATA:
            wanted["datasets"] = [data.name]
            if "recordings" in values:
                wanted["recordings"] = []  # only one's own
        asked[name] = wanted
    if set(texts) & {*DATA, *MEASURES}:
        for wanted in asked.values():
            check_names(wanted)
    return asked


def check_names(wanted: dict) -> None:
    """Refuse unknown measures and datasets before an earlier, good figure makes room for a new
    one.
    """
    from simlib.datasets import load, names, paper
    from simlib.measures import measure

    for name in [name for key in MEASURES for name in listed(wanted.get(key))]:
        measure(name)
    for name in [name for key in ("dataset", "datasets") for name in listed(wanted.get(key))]:
        if name not in names():
            load(name)  # says what is wrong with a path or an unknown name
    paper.at_hand(listed(wanted.get("recordings")))


def unknown(kind: str, name: str, names) -> ValueError:
    from simlib.validation import (
        unknown_name,  # only here: simlib imports torch, which takes seconds
    )

    return unknown_name(kind, name, names)


def defaults(source: Path) -> dict:
    """The parameters declared in the `parameters` cell, with their defaults (None: not a
    literal).
    """
    values = {}
    for key, parameter in papermill.inspect_notebook(str(source)).items():
        try:
            values[key] = ast.literal_eval(parameter["default"])
        except (ValueError, SyntaxError):
            values[key] = None
    return values


def listed(value) -> list:
    """The values of a parameter, one or several."""
    return list(value) if isinstance(value, (list, tuple)) else [value] if value else []


def task(name: str, parameters: dict) -> Task:
    source = SOURCE / f"{name}.ipynb"
    return Task(name, source, parameters, fingerprint(source, parameters))


def affordable(one: Task, out: Path) -> Task:
    """The notebook itself, or with quick settings where it runs in full on request only and hasn't
    yet.
    """
    if one.name not in ON_REQUEST or is_done(one, out):
        return one
    return task(one.name, {**one.parameters, "quick": True})


def fingerprint(source: Path, parameters: dict) -> str:
    """sha256 of all that decides what a notebook shows. The number of processes and stored outputs
    do not.
    """
    cells = nbformat.read(source, as_version=4).cells
    metadata = [[one.metadata.get(key) for key in ("tags", "mystnb")] for one in cells]
    python = python_of(cells)
    return cache.digest(
        [
            [[one.cell_type, one.source] for one in cells],
            metadata,
            {key: value for key, value in parameters.items() if key != "jobs"},
            cache.code(source, ROOT, python),
            cache.checksums(ROOT / "constraints.txt"),
            inputs({**defaults(source), **parameters}, python),
        ]
    )


def python_of(cells) -> str:
    """The Python of a notebook's code cells, without the lines that are IPython's."""
    lines = [line for one in cells if one.cell_type == "code" for line in one.source.splitlines()]
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def inputs(parameters: dict, python: str) -> list[dict[str, str]]:
    """Digests of what a notebook reads from outside of the repository and may find changed."""
    data, measures = (
        [name for key in keys for name in listed(parameters.get(key)) if isinstance(name, str)]
        for keys in (DATA, MEASURES)
    )
    # A path, or a recording's name: its folder.
    places = {
        place
        for name in data
        for place in (folders.recording_file(name), folders.data_folder() / name)
    }
    found = [cache.checksums(place) for place in sorted(places)]
    files = [Path(name.rpartition(":")[0]) for name in measures]
    found += [cache.code(file) for file in files if file.is_file()]
    if "published" in python:
        places = (folders.data_folder(), folders.shared_folder())
        found += [cache.checksums(place / "published") for place in places]
    return found


def is_done(one: Task, out: Path) -> bool:
    return vouched(one.name, out).get("hash") == one.hash


def vouched(name: str, out: Path) -> dict:
    """The record beside a page; empty where one of both is missing or isn't as it was written."""
    try:
        record = json.loads((out / f"{name}.json").read_text())
        whole = record.pop("record") == cache.digest(record)
        return record if whole and record["page"] == cache.sha256(out / f"{name}.ipynb") else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # none, or half of one
        return {}


# -- A recording of the user's own


def announce_data(path: Path, tasks: list[Task], out: Path) -> dict[str, str]:
    """Say what was found, what will run and for how long; return what can't run, with the
    reason.
    """
    import simlib

    if path.name in simlib.datasets.names():
        raise ValueError(f"{path.name!r} is a dataset of the book, too: rename the recording")
    import estimates  # which is found where this file runs as a program

    start = time.monotonic()
    data = simlib.datasets.load(str(path))
    loading = time.monotonic() - start
    print(simlib.datasets.describe(data))
    labels = simlib.datasets.task_variables(data)
    skipped, known, total = {}, {}, 0.0
    for one in tasks:
        if one.name in NEEDS_LABELS and not simlib.experiments.decodable(data):
            lacks = (
                "a class of its label with too few trials for five folds" if labels else "no labels"
            )
            skipped[one.name] = f"`{path.name}` has {lacks}: there is nothing to decode"
            print(f"{one.name}: skipped, {skipped[one.name]}")
        elif one.name not in TAKES_DATA:
            print(f"{one.name}: runs as usual, it needs no recording")
        elif not is_done(one, out):
            seconds, said = cost(data, one, loading, known)
            total += seconds
            print(f"{one.name}: {said}")
    if total:
        print(f"All that is to run: {estimates.duration(total)}")
    return skipped


def cost(data, one: Task, loading: float, known: dict) -> tuple[float, str]:
    """Seconds that a notebook will take on the recording, and what it runs. `known` holds the runs
    announced before, which it will find done.
    """
    import estimates

    values = shrunk(one)
    work = estimates.joint_ranges if "points" in values else estimates.ascents
    wanted = {
        name: parameter.default is parameter.empty
        for name, parameter in inspect.signature(work).parameters.items()
        if name not in ("data", "loading")
    }
    if any(values.get(name) is None for name, needed in wanted.items() if needed):
        return 0.0, "runs on it"  # a parameter is missing, or no literal
    given = {name: values[name] for name in wanted if name in values}
    key = json.dumps([work.__name__, given])
    found = key in known
    if not found:
        known[key] = work(data, **given, loading=loading)
    seconds, said = (0.0, "the same runs, found again") if found else known[key]
    seconds += estimates.ELSE.get(one.name, 0)
    return seconds, f"{said}: {estimates.duration(seconds)}"


def shrunk(one: Task) -> dict:
    """The parameters as the notebook itself changes them at the quick settings: by statements
    `... = ... if quick else ...` over parameters alone.
    """
    values = {**defaults(one.source), **one.parameters}
    for cell in nbformat.read(one.source, as_version=4).cells:
        lines = [line for line in cell.source.splitlines() if not line.startswith(("%", "!"))]
        for node in ast.parse("\n".join(lines)).body if cell.cell_type == "code" else ():
            choice = getattr(node, "value", None)
            if not isinstance(choice, ast.IfExp) or ast.unparse(choice.test) != "quick":
                continue
            names = {part.id for part in ast.walk(choice) if isinstance(part, ast.Name)}
            if names <= {*values, "min"}:
                exec(ast.unparse(node), {"min": min}, values)
    return values


def write_note(name: str, said: str, out: Path) -> None:
    """A page that says why there is no figure, in the place of a notebook that was not executed."""
    cells = nbformat.read(SOURCE / f"{name}.ipynb", as_version=4).cells
    lines = [
        line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()
    ]
    title = next((line for line in lines if line.startswith("# ")), f"# {name}")
    cell = nbformat.v4.new_markdown_cell(f"{title}\n\n{said}", id="note")
    note = nbformat.v4.new_notebook(cells=[cell])
    one = Task(name, SOURCE / f"{name}.ipynb", {}, cache.digest([NOTE, cell.source]))
    if not is_done(one, out):  # else the book would build it again
        discard(name, out)
        keep(one, note, out, 0.0)


# -- Running


def run(tasks: list[Task], out: Path, folder: Path | None = None, beside: int = 1) -> list[Failure]:
    """Execute the tasks in this folder (None: of the source), so many beside each other; a failure
    stops none of the others.
    """
    count = min(beside, len(tasks))
    queue = Queue([shared(one, count) for one in tasks])
    with Progress(tasks, failed_folder(out)) as progress:
        files = [failed_folder(out) / f"progress-{k}" for k in range(count)]
        lanes = [Lane(folder, progress, file) for file in files]
        threads = futures.ThreadPoolExecutor(max(1, len(lanes)))
        try:
            going = [threads.submit(lane.work, queue, out) for lane in lanes]
            return [failure for one in futures.as_completed(going) for failure in one.result()]
        finally:
            queue.close()
            for lane in lanes:
                lane.end()
            threads.shutdown()


def shared(one: Task, count: int) -> Task:
    """With its part of the processes, where it is quick and one of so many: starting more would
    take longer than what they do.
    """
    jobs = one.parameters.get("jobs")
    if not one.parameters.get("quick") or not isinstance(jobs, int):
        return one
    return one._replace(parameters={**one.parameters, "jobs": max(1, jobs // max(1, count))})


class Queue:
    """Tasks in their order; one that finds results of others stored waits until these are done."""

    def __init__(self, tasks: list[Task]):
        self.tasks, self.going, self.changed = list(tasks), set(), threading.Condition()

    def next(self, done: Task | None) -> Task | None:
        """The next task for who has done this one; None where there is none left."""
        with self.changed:
            self.going.discard(done and done.name)
            self.changed.notify_all()
            while self.tasks:
                unfinished = self.going | {one.name for one in self.tasks}
                for one in self.tasks:
                    if not unfinished.intersection(AFTER.get(one.name, ())):
                        self.tasks.remove(one)
                        self.going.add(one.name)
                        return one
                self.changed.wait()
            return None

    def close(self) -> None:
        """Give out no more."""
        with self.changed:
            self.tasks.clear()
            self.changed.notify_all()


class Lane:
    """Executes one notebook after the other in one kernel, where what one has imported and the
    processes that it started are there for the next, but none of its names. A failure may be the
    kernel's: where that has run others before, it is replaced and the notebook tried again.
    """

    def __init__(self, folder: Path | None, progress: "Progress", file: Path):
        self.folder, self.progress, self.file, self.kernel = folder, progress, file, None

    def work(self, queue: Queue, out: Path) -> list[Failure]:
        failures, done = [], None
        try:
            while done := queue.next(done):
                with self.progress.watch(done.name, self.file):
                    fresh = self.kernel is None
                    failure = self.execute(done, out)
                    if failure and not fresh:
                        failure = self.execute(done, out)
                failures += [failure] if failure else []
        finally:
            self.shut()
        return failures

    def execute(self, one: Task, out: Path) -> Failure | None:
        if self.kernel is None:
            self.kernel = AsyncKernelManager(kernel_name="python3")
            # Threads of several kernels would wait for each other.
            env = {"OMP_NUM_THREADS": "1", **os.environ, "SIMLIB_PROGRESS": str(self.file)}
            start = run_sync(self.kernel.start_kernel)
            start(extra_arguments=QUIET, cwd=str(self.folder or one.source.parent), env=env)
        failure = execute(one, out, self.kernel)
        if failure:
            self.shut()
        return failure

    def shut(self) -> None:
        if self.kernel:
            run_sync(self.kernel.shutdown_kernel)(now=True)
        self.kernel = None

    def end(self) -> None:
        """From another thread: what is being executed fails at once."""
        kernel = self.kernel
        if kernel and kernel.provisioner and (number := kernel.provisioner.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


def failed_folder(out: Path) -> Path:
    return out.with_name("_failed")


def discard(name: str, out: Path) -> None:
    """What is out of date is not shown: not while the new one runs, nor if that fails."""
    for path in (out / f"{name}.json", out / f"{name}.ipynb"):
        path.unlink(missing_ok=True)


def execute(one: Task, out: Path, kernel: AsyncKernelManager) -> Failure | None:
    """Run one notebook in this kernel."""
    unfinished = failed_folder(out) / f"{one.name}.ipynb"
    out.mkdir(parents=True, exist_ok=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    unfinished.unlink(missing_ok=True)
    discard(one.name, out)
    start = time.monotonic()
    one, source = one.current(), nbformat.read(one.source, as_version=4)
    python = python_of(source.cells)
    code = cache.digest(cache.code(one.source, ROOT, python))
    given = {"source": str(one.source), "root": str(ROOT), "python": python}
    shown = {**defaults(one.source), **one.parameters}
    source.cells.append(nbformat.v4.new_code_cell(LAST.format(**given, parameters=shown)))
    begun = []  # written once, not after every cell
    try:
        papermill.execute_notebook(
            source,
            str(unfinished),
            parameters=one.parameters,
            kernel_name="python3",
            progress_bar=False,
            request_save_on_cell_execute=False,
            on_cell_execute=lambda cell, cell_index: begun.append(cell),
            km=kernel,
        )
    except Exception as error:  # whatever it was, the other notebooks still run
        if not unfinished.exists():  # its kernel is gone
            nbformat.write(nbformat.v4.new_notebook(cells=begun), unfinished)
        return diagnose(one, unfinished, error)
    page = nbformat.read(unfinished, as_version=4)
    page.metadata.pop("papermill", None)  # folders of this machine
    printed = page.cells.pop().outputs
    texts = [output.text for output in printed if output.get("name") == "stdout"]
    said = "".join(texts).split("\n")  # it may come in pieces
    said = [text for text in said if text]
    seen, line = json.loads(said[-1]) if said else (code, "")
    if seen != code or one.current().hash != one.hash:
        return Failure(one.name, -1, "", EDITED)
    if line:
        page.cells.append(nbformat.v4.new_markdown_cell(line, id="how-made"))
    keep(one, page, out, round(time.monotonic() - start, 1))
    unfinished.unlink()
    return None


def keep(one: Task, page: nbformat.NotebookNode, out: Path, seconds: float) -> None:
    """Write an executed page and then its record, which vouches for both by their checksums."""
    place = out / f"{one.name}.ipynb"
    cache.write(place, lambda draft: nbformat.write(page, draft))
    record = {"hash": one.hash, "parameters": one.parameters, "seconds": seconds}
    record["page"] = cache.sha256(place)
    text = json.dumps({**record, "record": cache.digest(record)}, indent=1)
    cache.write(out / f"{one.name}.json", lambda draft: draft.write_text(text))


def diagnose(one: Task, unfinished: Path, error: Exception) -> Failure:
    """Find the cell that failed; when the kernel died (of memory, say) it is the first one not
    completed.
    """
    kind, text = getattr(error, "ename", type(error).__name__), getattr(error, "evalue", error)
    message = f"{kind}: {text}".strip().removesuffix(":")
    cell = getattr(error, "source", None)
    if cell is None and unfinished.exists():
        cells = [
            one for one in nbformat.read(unfinished, as_version=4).cells if one.cell_type == "code"
        ]
        replied = "shell.execute_reply"
        cell = next(
            (one.source for one in cells if replied not in one.metadata.get("execution", {})), None
        )
    if cell is None:
        return Failure(one.name, 0, "", message)
    sources = [c.source for c in nbformat.read(one.source, as_version=4).cells]
    if cell.startswith(LAST.partition("{")[0]):
        return Failure(one.name, -1, "", message)
    number = (
        sources.index(cell) + 1 if cell in sources else 0
    )  # 0: the cell with the parameters given
    return Failure(one.name, number, "\n".join(cell.splitlines()[:3]), message)


def report(failure: Failure, out: Path) -> str:
    place = "after its last cell" if failure.cell else "before its first cell"
    if failure.lines:
        place = f"cell {failure.cell}" if failure.cell else "the parameters"
    lines = "".join(f"\n    {line}" for line in failure.lines.splitlines())
    partial = failed_folder(out) / f"{failure.name}.ipynb"
    return (
        f"\nFAILED {failure.name}, {place}:{lines}\n  {failure.error}\n"
        f"  What it did until then: {partial}. The others are kept; nothing of this one is in the "
        "book."
    )


class Progress:
    """One line over all notebooks, with the time left; on no terminal, a line at most every ten
    seconds.

    The kernels tell how far they are, each in a file: simlib.experiments appends `done total label`
    after each task.
    """

    def __init__(self, tasks: list[Task], folder: Path):
        self.weights = {
            one.name: NOTEBOOKS.get(one.name, (1, 1))[bool(one.parameters.get("quick"))]
            for one in tasks
        }
        self.folder, self.files, self.before, self.said = folder, {}, 0.0, 0.0
        self.start, self.lock = time.monotonic(), threading.Lock()
        self.stop = threading.Event()

    def __enter__(self):
        if not self.weights:
            return self
        self.folder.mkdir(parents=True, exist_ok=True)
        self.terminal = sys.stderr.isatty()
        form = "{desc} {percentage:3.0f}% |{bar}| {elapsed} so far, {remaining} left"
        self.bar = tqdm(total=1.0, bar_format=form, smoothing=0, disable=not self.terminal)
        self.thread = threading.Thread(target=self.poll, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        if self.weights:
            self.stop.set()
            self.thread.join()
            self.bar.close()

    @contextlib.contextmanager
    def watch(self, name: str, file: Path):
        """Count what is done inside the block as progress of this notebook, told in this file."""
        file.write_text("")
        with self.lock:
            self.files[name] = file
        self.show(force=True)
        try:
            yield
        finally:
            with self.lock:
                self.before += self.weights[name]
                del self.files[name]
            file.unlink(missing_ok=True)

    def poll(self) -> None:
        while not self.stop.wait(0.5):
            self.show()

    def show(self, force: bool = False) -> None:
        """Draw the line, or print one when there is news and the last is ten seconds old."""
        with self.lock:
            told = {
                name: read_progress(file, *FIRST.get(name, ())) for name, file in self.files.items()
            }
            if not told:
                return
            parts = sum(part * self.weights[name] for name, (part, _) in told.items())
            share = (self.before + parts) / sum(self.weights.values())
            what = ", ".join(f"{name} {label}".strip() for name, (_, label) in told.items())
            news = share > self.bar.n
            self.bar.n = max(self.bar.n, share)
            if self.terminal:
                self.bar.set_description_str(what, refresh=False)
                self.bar.refresh()
            elif force or (news and time.monotonic() - self.said > 10):
                self.said = time.monotonic()
                left = (self.said - self.start) * (1 - share) / share if share > 0 else None
                ending = f", about {left / 60:.0f} min left" if left and left > 60 else ""
                print(f"{what}: {share:.0%} of all{ending}", file=sys.stderr, flush=True)


def read_progress(file: Path, first: int = 0, share: float = 0.0) -> tuple[float, str]:
    """The part done (0 to 1) and the last label. A notebook may run several batches, each counted
    anew, of which the `first` few are this share of it.
    """
    batches, label = [], ""
    whole_lines = file.read_text().split("\n")[:-1] if file.exists() else []
    for line in whole_lines:
        done, total, label = line.split(" ", maxsplit=2)
        if batches and int(total) == batches[-1][1] and int(done) >= batches[-1][0]:
            batches.pop()
        batches.append((int(done), int(total)))
    return share * done_of(batches[:first]) + (1 - share) * done_of(batches[first:]), label


def done_of(batches: list[tuple[int, int]]) -> float:
    """The part done of all of them, 0 of none."""
    total = sum(total for _, total in batches)
    return sum(done for done, _ in batches) / total if total else 0.0


if __name__ == "__main__":
    sys.exit(main())
