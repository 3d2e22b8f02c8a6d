"""Refresh the outputs stored in the notebooks: the text of their check cells at the quick settings,
nothing else.

    python book/store.py [NAMES...]

`make test` executes the notebooks again (nbval) and compares. Look at the difference before
committing it.
"""

import os
import sys

import nbformat
from execute import SOURCE, cache
from nbclient import NotebookClient

CHECK = "nbval-check-output"


def main(names: list[str]) -> None:
    os.environ["SIMLIB_QUICK"] = "1"
    for path in [SOURCE / f"{name}.ipynb" for name in names] or sorted(SOURCE.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(
            notebook, kernel_name="python3", resources={"metadata": {"path": str(SOURCE)}}
        ).execute()
        for cell in notebook.cells:
            strip(cell)
        notebook.metadata = {
            "kernelspec": notebook.metadata["kernelspec"],
            "language_info": {"name": "python"},
        }
        text = nbformat.writes(notebook) + "\n"
        cache.write(path, lambda draft, text=text: draft.write_text(text))
        sys.stderr.write(f"{path.stem}: stored\n")


def strip(cell) -> None:
    """Keep what a reader of the source needs: the check cells' text."""
    cell.metadata.pop("execution", None)
    if cell.cell_type != "code":
        return
    kept = cell.outputs if CHECK in cell.metadata.get("tags", []) else []
    cell.outputs = [
        output for output in kept if output.output_type == "stream" and output.name == "stdout"
    ]
    cell.execution_count = (
        1 if cell.outputs else None
    )  # nbval takes a cell without a number for one never run


if __name__ == "__main__":
    main(sys.argv[1:])
