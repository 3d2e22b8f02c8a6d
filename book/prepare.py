"""Write what the pages include: MathJax, the tables of measures and datasets, the animated toy.

A file is written only when its content changed, so that an unchanged page is not built again.
"""

from __future__ import annotations

import importlib.util
import pkgutil
from pathlib import Path

import pandas as pd
import toy_animation

import simlib
from simlib.experiments.measure_card import slope
from simlib.experiments.measure_card_words import number, parameters

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
    write(GENERATED / "invariances.txt", invariances_table().encode())
    write(GENERATED / "elsewhere.txt", elsewhere_table().encode())
    write(GENERATED / "datasets.txt", datasets_table().encode())
    write(GENERATED / "api.txt", api_pages().encode())
    for name, text in speed_tables().items():
        write(GENERATED / f"speed_{name}.txt", text.encode())
    toy_animation.write(GENERATED / "toy.html")


def write(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def mathjax() -> bytes:
    """MathJax 3 in one file, from the pinned package that carries it; the book loads nothing from
    other hosts.
    """
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    return (Path(package.origin).parent / "static" / "mathjax" / "tex-svg.js").read_bytes()


def measures_table() -> str:
    """What each measure is: a row a record."""
    head = [
        "Name",
        "Id and parameters",
        "Range",
        "X with itself",
        "Gradient",
        "Source",
        "Also known as",
    ]
    rows = [
        [
            record.title,
            f"`{record.id}`{parameters(record)}",
            f"{number(record.range[0])} to "
            f"{number(record.range[1])}{'' if record.direction > 0 else ', a distance'}",
            "depends on X" if record.own is None else number(record.own),
            "yes" if record.differentiable else "no",
            record.source,
            ", ".join(f"`{alias}`" for alias in record.aliases),
        ]
        for record in simlib.MEASURES.values()
    ]
    return table(head, rows)


def invariances_table() -> str:
    """What leaves each measure's value as it is, of both sides or of one."""
    kinds = simlib.measures.record.INVARIANCES
    rows = []
    for record in simlib.MEASURES.values():
        sides = [[side for side in "XY" if kind in record.invariances_of(side)] for kind in kinds]
        words = [
            "both" if len(found) == 2 else f"only {found[0]}" if found else "no" for found in sides
        ]
        rows.append([record.title, "yes" if record.symmetric else "no", *words])
    return table(["Name", "Symmetric", *(kind.capitalize() for kind in kinds)], rows)


def elsewhere_table() -> str:
    """What other packages call each measure, and how their number turns into this one."""
    rows = [
        [record.title, other.package, f"`{other.name}`", other.conversion]
        for record in simlib.MEASURES.values()
        for other in record.elsewhere
    ]
    return table(["Name", "Package", "Its name there", "This number is"], rows)


def datasets_table() -> str:
    rows = [[f"`{name}`", record.description] for name, record in simlib.datasets.DATASETS.items()]
    return table(["Id", "What it is"], rows)


def speed_tables() -> dict[str, str]:
    """What `make bench` left in book/speed: the machine, and tables of ratios, shares of the peak
    and growth.
    """
    folder = BOOK / "speed"
    names = ("steps", "roofline", "growth", "together", "compiled")
    steps, peaks, sizes, many, compiled = (pd.read_csv(folder / f"{name}.csv") for name in names)
    ratio = steps.assign(cell=[spread(r) for r in steps.itertuples()])
    wide = ratio.pivot_table(
        index=["shape", "work"], columns="against", values="cell", aggfunc="first", sort=False
    )
    took = steps.groupby(["shape", "work"], sort=False)["ms"].median()
    rows = [
        [
            shape,
            work,
            f"{took[shape, work]:.1f}",
            *cells.fillna("").loc[["authors' route", "direct formula"]],
        ]
        for (shape, work), cells in wide.iterrows()
    ]
    shares = [
        [r.shape, f"`{r.measure}`", f"{r.ms:.1f}", f"{100 * r.share:.0f}%", r.rest]
        for r in peaks.rename(columns={"the rest": "rest"}).itertuples()
    ]
    large = sizes[sizes["along"].isin(["steps", "largest"])]
    return {
        "machine": (folder / "machine.txt").read_text(),
        "steps": table(
            [
                "Shape (time × trial × neuron)",
                "Work",
                "Ours (ms)",
                "Against the authors' route",
                "Against the direct formula",
            ],
            rows,
        ),
        "roofline": table(
            ["Shape", "Measure", "Step (ms)", "Products alone", "What takes the rest"], shares
        ),
        "exponents": table(
            ["Measure", "Along", "Time grows as", "Memory grows as"],
            [
                [f"`{r[0]}`", r[1], f"{r[1]}^{r[2]:.1f}", f"{r[1]}^{r[3]:.1f}"]
                for r in exponents(sizes).itertuples(index=False)
            ],
        ),
        "together": table(
            ["Samples", "Neurons", "Measure", *many.columns[3:]],
            [
                [f"{n}", f"{p}", f"`{measure}`", *(f"{ms:.1f}" for ms in times)]
                for n, p, measure, *times in many.itertuples(index=False)
            ],
        ),
        "compiled": table(
            ["Samples", "Neurons", "Measure", "Times as fast", "First call (s)"],
            [
                [f"{r.samples}", f"{r.neurons}", f"`{r.measure}`", spread(r), f"{r[-1]:.0f}"]
                for r in compiled.itertuples()
            ],
        ),
        "largest": table(
            ["Measure", "Samples", "Neurons", "Steps", "Seconds a step", "Peak memory (GB)"],
            [
                [
                    f"`{r.measure}`",
                    f"{r.samples}",
                    f"{r.neurons}",
                    f"{r.steps}",
                    f"{r.seconds:.2g}",
                    f"{r.MB / 1024:.2g}",
                ]
                for r in large.itertuples()
            ],
        ),
    }


def spread(row) -> str:
    """A ratio with its least and greatest."""
    if row.least == row.greatest:
        return f"{row.ratio:.0f} (one run)"
    return f"{row.ratio:.1f} ({row.least:.1f} to {row.greatest:.1f})"


def exponents(sizes: pd.DataFrame) -> pd.DataFrame:
    """Slopes of log time and log memory along samples and neurons, over the three largest sizes."""
    found = []
    for (measure, along), group in sizes[sizes["along"].isin(["samples", "neurons"])].groupby(
        ["measure", "along"]
    ):
        last = group.sort_values(along).tail(3)
        slopes = (slope(last[along], last[what]) for what in ("seconds", "MB"))
        found.append([measure, along, *slopes])
    return pd.DataFrame(found)


def api_pages() -> str:
    """A section for each module of simlib, filled in by autodoc; a package shows what it defines
    itself.
    """
    modules = sorted(
        pkgutil.walk_packages(simlib.__path__, "simlib."), key=lambda module: module.name
    )
    own = {True: "   :ignore-module-all:\n", False: ""}
    return "\n".join(API.format(name=module.name, own=own[module.ispkg]) for module in modules)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    main()
