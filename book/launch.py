"""Copies of the figure notebooks that run from an empty folder, for Colab and Binder.

    python book/launch.py FOLDER

The first cell of a copy installs simlib, at the commit that the copy was made from, where it can't
be imported. The notebooks themselves have no such cell: who runs them has the code around them.
The workflow that publishes the book keeps the copies on a branch of their own, beside the
requirements.txt from which Binder makes its environment; buttons of the book open them there.
"""

import subprocess
import sys
from pathlib import Path

import execute
import nbformat
from _ext import address

INSTALL = """\
# Install simlib where it isn't yet: the version that this notebook belongs to.
from importlib.util import find_spec

if find_spec("simlib") is None:
    %pip install --quiet "{}\""""


def main() -> int:
    here = address.read()
    if not here.repository:
        print("no repository in book/address.yml: nothing to install from, so no copies")
        return 0
    write(Path(sys.argv[1]), address.requirement(here, commit()))
    return 0


def commit() -> str:
    """The commit that is checked out."""
    asked = ["git", "-C", str(execute.ROOT), "rev-parse", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def write(folder: Path, requirement: str) -> None:
    """All notebooks, each installing this requirement first; and the requirement for Binder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "requirements.txt").write_text(f"{requirement}\njupyterlab\n")
    for name in execute.NOTEBOOKS:
        notebook = nbformat.read(execute.SOURCE / f"{name}.ipynb", as_version=4)
        cell = nbformat.v4.new_code_cell(INSTALL.format(requirement), id="install")
        notebook.cells.insert(0, cell)
        nbformat.write(notebook, folder / f"{name}.ipynb")


if __name__ == "__main__":
    sys.exit(main())
