"""One setting says where the project lies online: all that names an address follows it."""

import ast
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
SET = "repository: https://github.com/someone/some-name\nbook: https://someone.example/book\n"
CONF = """
import sys
sys.path.insert(0, {ext!r})
extensions = ["myst_nb", "address"]
html_theme = "sphinx_book_theme"
html_theme_options = {{"repository_url": "https://github.com/executablebooks/jupyter-book"}}
nb_execution_mode = "off"
"""


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def script(path: str):
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / "book" / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


address = script("_ext/address.py")
HERE = address.read()


@pytest.fixture
def setting(tmp_path):
    path = tmp_path / "address.yml"
    path.write_text(SET)
    return path


def built(folder: Path) -> str:
    """The page of a figure in a tiny book with this folder's setting."""
    (folder / "conf.py").write_text(CONF.format(ext=str(ROOT / "book" / "_ext")))
    (folder / "figures").mkdir()
    (folder / "index.md").write_text("# Home\n\n```{toctree}\nfigures/one\n```\n")
    (folder / "figures" / "one.md").write_text("# One\n")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", folder, folder / "out"]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "out" / "figures" / "one.html").read_text()


def test_a_setting_brings_links_and_buttons(setting):
    page = built(setting.parent)
    assert 'rel="canonical" href="https://someone.example/book/figures/one.html"' in page
    assert 'href="https://github.com/someone/some-name"' in page
    colab = "https://colab.research.google.com/github/someone/some-name/blob/notebooks/one.ipynb"
    binder = "https://mybinder.org/v2/gh/someone/some-name/notebooks?urlpath=lab/tree/one.ipynb"
    assert f'href="{colab}"' in page and f'href="{binder}"' in page
    said = address.get_the_code(address.read(setting))
    assert "git clone https://github.com/someone/some-name\ncd some-name" in said
    assert "pip install git+https://github.com/someone/some-name" in said


def test_no_setting_brings_none(tmp_path):
    (tmp_path / "address.yml").write_text('repository: ""\nbook: ""\n')
    page = built(tmp_path)
    assert not [word for word in ("github.com/", "colab", "binder", "canonical") if word in page]
    assert address.get_the_code(address.read(tmp_path / "address.yml")) == ""


def test_code_that_lies_elsewhere_is_linked_and_has_no_buttons():
    there = address.Address("https://code.example/someone/name", "")
    assert address.services(there, "one") == {}
    assert "git clone https://code.example/someone/name" in address.get_the_code(there)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("repository: github.com/a/b\nbook: ''", "repository is 'github.com/a/b'"),
        ("repository: ''\nbook: https://a.b/", "no slash at its end"),
        ("repository: ''", "it needs repository and book"),
    ],
)
def test_a_setting_that_is_no_address_is_refused(tmp_path, text, said):
    (tmp_path / "address.yml").write_text(text)
    with pytest.raises(ValueError, match=said):
        address.read(tmp_path / "address.yml")


def test_nothing_names_another_address_than_the_setting():
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    named = {
        "repository": {urls.get("Repository"), citation.get("repository-code")},
        "book": {urls.get("Documentation"), citation.get("url")},
    }
    for key, found in named.items():
        assert found <= {None, getattr(HERE, key)}, key
    cloned = [line for line in (ROOT / "README.md").read_text().split("git clone ")[1:]]
    assert all(HERE.repository and line.startswith(HERE.repository) for line in cloned)


# -- The citation


def test_the_citation_has_what_its_format_needs():
    """What version 1.2.0 of the format requires, and the facts that are this project's."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert [one["name"] for one in citation["authors"]] == [
        one["name"] for one in project["authors"]
    ]
    assert "doi" not in citation, "the software has none of its own"


def test_the_citation_of_the_paper_is_that_of_the_references():
    paper = yaml.safe_load((ROOT / "CITATION.cff").read_text())["preferred-citation"]
    from pybtex.database import parse_file

    known = parse_file(ROOT / "book" / "references.bib").entries["cloos2024differentiable"]
    names = [" ".join(person.last_names) for person in known.persons["author"]]
    assert [one["family-names"] for one in paper["authors"]] == names
    assert {"type", "title", "authors"} <= set(paper)
    assert paper["title"].replace(" ", "") == known.fields["title"].translate(
        str.maketrans("", "", "{} ")
    )
    assert (
        paper["url"]
        in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"].values()
    )


# -- Notebooks that run from an empty folder


def test_simlib_declares_what_it_imports():
    """Installing it brings all that it needs; a cluster is an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = project["dependencies"] + project["optional-dependencies"]["cluster"]
    declared = {canonicalize_name(Requirement(text).name) for text in texts}
    nodes = [node for path in ROOT.glob("simlib/**/*.py") for node in ast.walk(parsed(path))]
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    foreign = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"simlib"}
    packages = importlib.metadata.packages_distributions()
    assert {canonicalize_name(packages[name][0]) for name in foreign} <= declared


@pytest.mark.slow
def test_a_copy_runs_from_an_empty_folder_with_nothing_but_the_wheel(tmp_path):
    """In an environment of its own, to which the tests' lends all packages but simlib."""
    source, wheel, env = (tmp_path / name for name in ("source", "wheel", "env"))
    shutil.copytree(ROOT / "simlib", source / "simlib")
    for path in (ROOT / "pyproject.toml", ROOT / "README.md", *ROOT.glob("LICENSE*")):
        shutil.copy(path, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", wheel, source], check=True, capture_output=True)
    (made,) = wheel.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", env], check=True)
    (site,) = env.glob("lib/python3*/site-packages")
    (site / "lent.pth").write_text(next(p for p in sys.path if p.endswith("site-packages")))
    sys.path.insert(0, str(ROOT / "book"))
    try:
        script("launch.py").write(tmp_path / "copies", f"simlib-companion @ {made.as_uri()}")
    finally:
        sys.path.remove(str(ROOT / "book"))
    empty = tmp_path / "empty"
    empty.mkdir()
    notebook = tmp_path / "copies" / "supplement_folds.ipynb"
    hidden = {"PYTHONPATH", "SIMLIB_RESULTS"}
    own = {key: value for key, value in os.environ.items() if key not in hidden}
    own |= {"SIMLIB_QUICK": "1", "PIP_NO_DEPS": "1", "PIP_FORCE_REINSTALL": "1"}
    kernel = site.parents[2] / "share" / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True, exist_ok=True)
    started = [str(env / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": started, "display_name": "fresh", "language": "python"})
    )
    own["JUPYTER_PATH"] = str(env / "share" / "jupyter")
    command = [sys.executable, "-m", "papermill", "-k", "python3", notebook, "done.ipynb"]
    ran = subprocess.run(command, cwd=empty, env=own, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-1500:]
    done = nbformat.read(empty / "done.ipynb", as_version=4)
    assert any(
        output.get("data", {}).get("image/png") or output.get("data", {}).get("image/svg+xml")
        for cell in done.cells
        for output in cell.get("outputs", [])
    )
    assert (site / "simlib").is_dir()
    assert (tmp_path / "copies" / "requirements.txt").read_text().startswith("simlib-companion @ ")
