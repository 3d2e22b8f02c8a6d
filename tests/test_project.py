"""Laws of the project: imports run downwards, notebooks are thin, the pinned versions agree."""

import ast
import importlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import nbformat
import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import simlib
from simlib import datasets

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# Each level may import from those above it in this list, and within its own package.
LEVELS = [
    {"validation", "trials", "linalg", "cache", "threads", "worker"},
    {"measures"},
    {"datasets"},
    {"optimize"},
    {"decoding", "logistic", "components", "theory"},
    {"joint", "exact_ranges"},
    {"calibration", "repeats"},
    {"experiments"},
]
# A plot draws tables: it needs names of measures for its legends, never anything that computes.
PLOTS_MAY = {"validation", "measures"}
PARAMETERS = {
    "datasets",
    "recordings",
    "trials",
    "neurons",
    "rates",
    "measure",
    "measures",
    "seeds",
    "steps",
    "quick",
    "jobs",
    "device",
    "pairs",
    "points",
    "folds",
    "penalties",
    "against",
    "dataset",
    "few",
    "variables",
    "lengths",
    "scales",
    "optimisers",
    "shares",
}


def modules():
    return sorted((ROOT / "simlib").rglob("*.py"))


def part_of(path: Path) -> str:
    """The level a file of simlib belongs to: its module or package right below simlib."""
    return path.relative_to(ROOT / "simlib").parts[0].removesuffix(".py")


def parsed_file(path: Path) -> ast.Module:
    """A file's Python; of a notebook, that of its code cells."""
    if path.suffix == ".py":
        return ast.parse(path.read_text())
    return ast.Module([node for cell in code_cells(path) for node in parsed(cell).body], [])


def imports(tree: ast.Module) -> list[tuple[str, str]]:
    """Of each import: the name that the file gives it, and the dotted name of what it is."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.asname or alias.name, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, `from simlib import ...`"
            found += [(a.asname or a.name, f"{node.module}.{a.name}") for a in node.names]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downwards(path):
    part = part_of(path)
    names = [dotted.split(".") for _, dotted in imports(parsed_file(path))]
    assert not {name[0] for name in names} & {"notebooks", "book", "tests", "benchmarks"}
    if part in ("__init__", "__main__"):
        return
    if part == "plots":
        allowed = PLOTS_MAY | {"plots"}
    else:
        known = [level for level in LEVELS if part in level]
        assert known, f"simlib.{part} has no place in the order of imports (LEVELS)"
        allowed = set().union(*LEVELS[: LEVELS.index(known[0])]) | known[0]
    upwards = {name[1] for name in names if name[0] == "simlib" and name[1:]} - allowed
    assert not upwards, f"simlib.{part} imports {sorted(upwards)}, which lie above it"


@pytest.mark.parametrize(
    "path", [p for p in modules() if part_of(p) == "measures"], ids=lambda path: path.stem
)
def test_a_measure_knows_no_optimiser(path):
    assert "torch.optim" not in path.read_text()


# -- Faces


def dotted_name(path: Path) -> str:
    """The module that a file of simlib is; nothing for any other file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") * (parts[0] == "simlib")


def is_module(dotted: str) -> bool:
    place = ROOT / dotted.replace(".", "/")
    return (place / "__init__.py").is_file() or place.with_suffix(".py").is_file()


FACES = {
    dotted_name(path): importlib.import_module(dotted_name(path))
    for path in modules()
    if path.name == "__init__.py"
}


def past_a_face(dotted: str, user: str) -> bool:
    """Whether what the module `user` takes lies in a package that isn't its own, and not on that
    one's face.
    """
    for package, face in FACES.items():
        inside = f"{user}.".startswith(f"{package}.")
        if package == "simlib" or inside or not dotted.startswith(f"{package}."):
            continue
        name = dotted.removeprefix(f"{package}.").split(".")[0]
        there = hasattr(face, name) or is_module(f"{package}.{name}")
        if there and name not in face.__all__:
            return True
    return False


def attributes(tree: ast.Module) -> set[str]:
    """Dotted names of what a file takes as attributes of its imports, such as simlib.plots.use."""
    names = dict(imports(tree))
    chains = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    plain = [chain.partition(".") for chain in chains if re.fullmatch(r"[\w.]+", chain)]
    return {f"{names[head]}.{rest}" for head, _, rest in plain if head in names}


every_file = [*modules(), *NOTEBOOKS, *sorted(ROOT.glob("b*/*.py"))]


@pytest.mark.parametrize("path", every_file, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_takes_a_name_past_a_face(path):
    """What a package's `__all__` doesn't list is its own: list it there, or do without."""
    tree, user = parsed_file(path), dotted_name(path)
    taken = {dotted for _, dotted in imports(tree)} | attributes(tree)
    past = sorted(dotted for dotted in taken if past_a_face(dotted, user))
    assert not past


@pytest.mark.parametrize("path", sorted(ROOT.glob("tests/*.py")), ids=lambda path: path.stem)
def test_a_test_of_what_lies_past_a_face_imports_its_module(path):
    """Each name then says where it is from: `from simlib.measures import folds`, `folds.split`."""
    taken = {dotted for _, dotted in imports(parsed_file(path))}
    past = sorted(d for d in taken if past_a_face(d, "") and not is_module(d))
    assert not past


@pytest.mark.parametrize("package", FACES)
def test_no_name_of_a_package_hides_one_of_its_modules(package):
    names = {path.stem for path in (ROOT / package.replace(".", "/")).iterdir()}
    inside = [name for name in sorted(names) if is_module(f"{package}.{name}")]
    for name in inside:
        importlib.import_module(f"{package}.{name}")
    faces = [getattr(FACES[package], name) for name in inside]
    assert all(isinstance(face, ModuleType) for face in faces)


# -- Versions

sys.path.insert(0, str(ROOT / "book"))
install = importlib.import_module("install")
sys.path.remove(str(ROOT / "book"))

LOCKS = ("constraints.txt", "oldest.txt")
# Which one this environment was made from: `make test-oldest` says so; the newest have none.
INSTALLED = os.environ.get("SIMLIB_LOCK", "constraints")


def blocks(lock: str) -> list[str]:
    """Of each package its line and its hashes."""
    text = (ROOT / lock).read_text()
    return [block for block in re.split(r"\n(?! )", text) if block and block[0] != "#"]


def pins(lock: str = "constraints.txt", everywhere: bool = True) -> dict[str, str]:
    """The versions of a lock: those of this Python and system, or `everywhere` those of any."""
    found = {}
    for block in blocks(lock):
        line = Requirement(block.split(" \\")[0])
        (pin,) = line.specifier
        assert pin.operator == "=="
        here = line.marker is None or line.marker.evaluate()
        assert not here or not isinstance(found.get(line.name), Here), (
            f"{line.name} is pinned twice"
        )
        if here:
            found[line.name] = Here(pin.version)
        elif everywhere:
            found.setdefault(line.name, pin.version)
    return {canonicalize_name(name): version for name, version in found.items()}


class Here(str):
    """The version of this Python and system."""


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["book"], *extras["test"]]
    wanted += [*extras["cluster"], *extras["oracles"]]
    return [Requirement(text) for text in wanted]


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("requirement", declared(), ids=lambda requirement: requirement.name)
def test_pins_lie_in_the_declared_ranges(requirement, lock):
    version = pins(lock).get(canonicalize_name(requirement.name))
    assert version, f"{requirement.name} has no pin in {lock}: run `make lock`"
    assert requirement.specifier.contains(version), f"{lock} pins {requirement.name}=={version}"


@pytest.mark.parametrize("requirement", declared(), ids=lambda requirement: requirement.name)
def test_the_oldest_versions_are_the_lowest_that_are_declared(requirement):
    (lowest,) = (one.version for one in requirement.specifier if one.operator == ">=")
    version = pins("oldest.txt")[canonicalize_name(requirement.name)]
    assert Version(version).release[: len(Version(lowest).release)] == Version(lowest).release


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_has_hashes_and_no_host(lock):
    for block in blocks(lock):
        _, *hashes = block.rstrip().split(" \\\n")
        assert hashes, block
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", one) for one in hashes), block
    assert "://" not in (ROOT / lock).read_text() and "index-url" not in (ROOT / lock).read_text()


def test_the_book_needs_nothing_that_only_tests_need():
    parts = install.read()
    names = {part: {line.partition("==")[0] for line in lines} for part, lines in parts.items()}
    assert {"torch", "jupyter-book", "pip", "setuptools"} <= names["book"]
    assert {"pytest", "ruff", "playwright", "dask", "himalaya", "rsatoolbox"} <= names["test"]
    assert not [name for name in names["book"] | names["test"] if install.CUDA.match(name)]
    assert sum(map(len, parts.values())) == len(blocks("constraints.txt"))


of_a_lock = pytest.mark.skipif(INSTALLED == "newest", reason="no lock knows the newest versions")


@of_a_lock
def test_every_package_that_gets_installed_is_pinned():
    """Followed from what pyproject.toml declares through what the installed packages require."""
    todo, seen = [(r.name, tuple(r.extras)) for r in declared()], set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for text in importlib.metadata.requires(name) or [] if installed(name) else []:
            required = Requirement(text)
            wanted = not required.marker or any(
                required.marker.evaluate({"extra": e}) for e in extras or ("",)
            )
            if wanted and installed(required.name):
                todo.append((required.name, tuple(required.extras)))
    names = {canonicalize_name(name) for name, _ in seen}
    assert not names - set(pins(f"{INSTALLED}.txt")), "installed, but in no lock: run `make lock`"


def installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


@of_a_lock
def test_this_environment_is_the_pinned_one():
    differ = {
        name: (pin, installed(name))
        for name, pin in pins(f"{INSTALLED}.txt", everywhere=False).items()
        if installed(name).split("+")[0] not in (pin, "") and name != "pip"
    }
    assert not differ, "pinned, installed: run `make setup`"


def test_conda_users_get_the_same_versions():
    parts = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(part["pip"] for part in parts if isinstance(part, dict))
    assert pip == ["--require-hashes", "--requirement constraints.txt"]
    python = next(part for part in parts if isinstance(part, str) and part.startswith("python="))
    assert Requirement(f"python>={python.removeprefix('python=')}").specifier.contains("3.11")


# -- Files


def tracked() -> list[Path]:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [path for path in (ROOT / name for name in names.split("\0") if name) if path.is_file()]


def test_no_file_names_a_package_host_or_a_path_of_one_machine():
    hosts = [
        "pypi",
        r"pytorch\.org",
        r"pythonhosted",
        r"conda\.anaconda",
        r"npmjs",
        r"jsdelivr",
        r"unpkg",
    ]
    paths = [r"/work" + r"/(main|shared)", r"/home/\w+/", r"/Users/\w+/", r"/opt/wheels"]
    pattern = re.compile("|".join([*(rf"https?://[\w.]*{host}" for host in hosts), *paths]))
    found = {}
    for path in tracked():
        if path == Path(__file__).resolve():
            continue
        try:
            match = pattern.search(path.read_text())
        except UnicodeDecodeError:
            continue
        if match:
            found[str(path.relative_to(ROOT))] = match[0]
    assert not found


def test_few_lines_are_exempt_from_the_layout():
    texts = (path.read_text() for path in tracked() if path.suffix in (".py", ".ipynb"))
    assert sum(len(re.findall("# fmt: (?:skip|off)", text)) for text in texts) <= 15


def test_every_make_target_that_is_named_exists():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    pages = ["README.md", "CONTRIBUTING.md", ".ci/run", ".pre-commit-config.yaml"]
    for page in pages:
        text = (ROOT / page).read_text()
        named = re.findall(r"(?:^|`|retry |entry: )\s*make ([a-z-]+)", text, re.M)
        assert named and set(named) <= set(targets), page


def test_the_checker_of_scripts_has_one_version():
    schema = json.loads((ROOT / "biome.json").read_text())["$schema"]
    pinned = (ROOT / "tests" / "biome.sha256").read_text().splitlines()
    versions = {re.search(r"-(\d+\.\d+\.\d+)\.tgz$", line)[1] for line in pinned}
    assert versions == {schema.split("/")[-2]} and len(pinned) == 4


# -- Pages

SHARED = Path(os.environ.get("SIMLIB_SHARED", ROOT.parent / "shared"))
REACHING = SHARED / "recordings" / "m1_reaching" / "mihi_demo.mat"


def examples(page: str) -> list[str]:
    """The Python blocks of a page of the book."""
    return re.findall(
        r"^```python\n(.*?)^```", (ROOT / "book" / page).read_text(), flags=re.M | re.S
    )


@pytest.mark.skipif(not REACHING.is_file(), reason="the reaching recording is not on this machine")
def test_the_reaching_example_of_the_book_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(REACHING, tmp_path)
    exec(examples("own_data.md")[0], {})
    assert "623" in capsys.readouterr().out
    assert (tmp_path / "reaching.npz").exists()


def test_the_examples_without_a_recording_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"np": np, "datasets": datasets}
    for example in examples("own_data.md")[1:] + examples("own_measure.md"):
        exec(example, names)
    assert (tmp_path / "recording.nc").exists()
    score, accuracy = map(float, capsys.readouterr().out.split())
    assert 0 < score < 1 and 0 <= accuracy <= 1


# -- Notebooks


def code_cells(path: Path) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def parsed(cell) -> ast.Module:
    """The cell's Python, without the lines that are IPython's."""
    return ast.parse(
        "\n".join(line for line in cell.source.splitlines() if not re.match(r"\s*[%!]", line))
    )


def names_used(cells) -> set[str]:
    return {
        node.id
        for cell in cells
        for node in ast.walk(parsed(cell))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_notebooks_are_thin(path):
    for cell in code_cells(path):
        for node in ast.walk(parsed(cell)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef), (
                "belongs to simlib"
            )


@each_notebook
def test_only_text_of_check_cells_is_stored(path):
    for cell in code_cells(path):
        if "nbval-check-output" in tags(cell):
            assert cell.outputs, "run `make store`"
            assert all(
                output.output_type == "stream" and output.name == "stdout"
                for output in cell.outputs
            )
        else:
            assert not cell.outputs, "only check cells are stored with an output: run `make store`"


@each_notebook
def test_notebooks_have_checks_and_claims(path):
    cells = code_cells(path)
    assert any("nbval-check-output" in tags(cell) for cell in cells)


@each_notebook
def test_each_parameter_has_a_known_name_and_an_effect(path):
    cells = code_cells(path)
    (first,) = [cell for cell in cells if "parameters" in tags(cell)]
    names = set()
    for node in parsed(first).body:
        assert isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name), (
            "parameters are plain names"
        )
        ast.literal_eval(node.value)
        names.add(node.targets[0].id)
    assert names <= PARAMETERS, "the same thing has the same name in every notebook"
    assert "quick" in names
    unused = names - names_used([cell for cell in cells if cell is not first])
    assert not unused, "declared, but no later cell uses it"


@each_notebook
def test_recordings_at_hand_are_those_of_the_parameter(path):
    """The hash of a notebook follows the files of what its parameters name."""
    text = "\n".join(cell.source for cell in code_cells(path))
    calls = re.findall(r"(?:at_hand|recordings_note|recorded_tails)\((.*?)\)", text)
    assert set(calls) <= {"recordings"}


@each_notebook
def test_figures_have_captions_and_alt_text(path):
    figures = [cell.metadata["mystnb"] for cell in code_cells(path) if "mystnb" in cell.metadata]
    assert figures
    for figure in figures:
        assert figure["figure"]["name"].startswith("fig-")
        assert len(figure["figure"]["caption"]) > 20
        assert len(figure["image"]["alt"]) > 20


@each_notebook
def test_links_to_pages_lead_somewhere(path):
    """Executed notebooks lie in book/figures: a page of the book is one folder up."""
    text = "\n".join(
        cell.source
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    )
    known = {f"../{page.stem}" for page in (ROOT / "book").glob("*.md")} | {
        other.stem for other in NOTEBOOKS
    }
    assert set(re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", text)) <= known


def test_what_only_some_work_needs_is_not_imported_with_simlib():
    """Each of these takes an eighth of a second or more, in every process that starts; the compiler
    of torch a second, which an ascent does without.
    """
    heavy = ["matplotlib", "seaborn", "sklearn", "scipy.stats", "dask", "distributed", "IPython"]
    heavy += ["zarr", "scipy.spatial", "scipy.optimize", "scipy.special", "torch._dynamo"]
    code = "import sys, numpy, simlib; simlib.maximize('cka', numpy.eye(5), steps=2);"
    code += f"print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert found.stdout.strip() == "[]", found.stdout + found.stderr


def test_what_is_asked_of_scipy_is_there_without_other_imports():
    """A part of it that nothing imports is found only where something else has loaded it."""
    chains = set()
    for path in modules():
        for node in ast.walk(parsed_file(path)):
            text = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            if re.fullmatch(r"scipy(\.\w+)+", text):
                chains.add(text)
    alone = {one for one in chains if not any(other.startswith(f"{one}.") for other in chains)}
    assert "scipy.spatial.distance.pdist" in alone
    for one in sorted(alone):
        found = subprocess.run([sys.executable, "-c", f"import scipy; {one}"], capture_output=True)
        assert found.returncode == 0, found.stderr.decode()


def test_plots_are_found_when_asked_for():
    assert "plots" in dir(simlib) and simlib.plots.__all__
    with pytest.raises(AttributeError, match="no attribute 'plot'"):
        simlib.plot  # noqa: B018
