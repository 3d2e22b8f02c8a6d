"""Write what the pages include: MathJax, the tables of measures and datasets, the animated toy.

A file is written only when its content changed, so that an unchanged page is not built again.
"""

from __future__ import annotations

import importlib.util
import math
import pkgutil
from pathlib import Path

import toy_animation

import simlib

BOOK = Path(__file__).resolve().parent
GENERATED = BOOK / "_generated"


API = """## {name}

```{{eval-rst}}
.. automodule:: {name}
   :members:
{own}```
"""


def main() -> None:
    write(BOOK / "_vendor" / "vendor" / "tex-svg.js", mathjax())
    write(GENERATED / "measures.txt", measures_table().encode())
    write(GENERATED / "datasets.txt", datasets_table().encode())
    write(GENERATED / "api.txt", api_pages().encode())
    toy_animation.write(GENERATED / "toy.html")


def write(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def mathjax() -> bytes:
    """MathJax 3 in one file, from the pinned package that carries it; the book loads nothing from other hosts."""
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    return (Path(package.origin).parent / "static" / "mathjax" / "tex-svg.js").read_bytes()


def measures_table() -> str:
    head = ["Name", "Id", "Range", "Symmetric", "Unchanged by", "Source"]
    rows = [
        [
            record.title,
            f"`{record.id}`",
            f"{number(record.range[0])} to {number(record.range[1])}{'' if record.direction > 0 else ', a distance'}",
            "yes" if record.symmetric else "no",
            ", ".join(sorted(record.invariances)),
            record.source,
        ]
        for record in simlib.MEASURES.values()
    ]
    return table(head, rows)


def datasets_table() -> str:
    rows = [[f"`{name}`", record.description] for name, record in simlib.datasets.DATASETS.items()]
    return table(["Id", "What it is"], rows)


def api_pages() -> str:
    """A section for each module of simlib, filled in by autodoc; a package shows what it defines itself."""
    modules = sorted(pkgutil.walk_packages(simlib.__path__, "simlib."), key=lambda module: module.name)
    own = {True: "   :ignore-module-all:\n", False: ""}
    return "\n".join(API.format(name=module.name, own=own[module.ispkg]) for module in modules)


def number(value: float) -> str:
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    return "π/2" if value == math.pi / 2 else f"{value:g}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    main()
