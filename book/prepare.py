"""Write what the pages include: the formulas' font, the tables of measures and datasets, the
toy, the data of explorables; and a note in the place of what has not been made yet.
"""

import importlib.util
import io
import pkgutil
from collections.abc import Iterable
from pathlib import Path

import execute
import explorables
import licences
import pandas as pd
import quoted
import scorer_data
import speed_picture
from _ext import address, citations
from fontTools import subset
from generated import BOOK, GENERATED, table, write

import simlib
from simlib.experiments.curves import power_law
from simlib.experiments.measure_card_words import number, parameters
from simlib.measures import INVARIANCES

# First and last of the characters that formulas may use: Latin, Greek, arrows, operators, brackets,
# their large forms, letters in italic, bold, script and double-struck. Others come from the system.
SIGNS = (
    (0x20, 0x7F),
    (0xA0, 0xB7),
    (0xD7, 0xD7),
    (0x302, 0x303),
    (0x332, 0x338),
    (0x391, 0x3F6),
    (0x2010, 0x2044),
    (0x2061, 0x2064),
    (0x210B, 0x2135),
    (0x2190, 0x2194),
    (0x21A6, 0x21A6),
    (0x21D0, 0x21D4),
    (0x2200, 0x226B),
    (0x2282, 0x22A5),
    (0x22C5, 0x22C6),
    (0x22EE, 0x22F1),
    (0x2308, 0x230B),
    (0x239B, 0x23B1),
    (0x27E8, 0x27E9),
    (0x1D434, 0x1D467),
    (0x1D49C, 0x1D4CF),
    (0x1D538, 0x1D551),
    (0x1D6FC, 0x1D71B),
)
NOT_MADE = """This page has not been made on this machine. `make book` makes all pages;
`make figure NAME={}`, then `make html`, this one."""
NO_CARDS = (
    "The cards have not been made on this machine. `make cards`, then `make html`, makes them."
)

API = """{mark} {name}

```{{eval-rst}}
.. automodule:: {name}
   :members:
{own}```
"""


def main() -> None:
    write(BOOK / "_vendor" / "vendor" / "math.woff", math_font())
    write(BOOK / "_vendor" / "vendor" / "icons.woff", icon_font())
    write(GENERATED / "measures.txt", measures_table().encode())
    write(GENERATED / "invariances.txt", invariances_table().encode())
    write(GENERATED / "elsewhere.txt", elsewhere_table().encode())
    write(GENERATED / "datasets.txt", datasets_table().encode())
    write(GENERATED / "licences_packages.txt", table(*licences.packages()).encode())
    write(GENERATED / "licences_carried.txt", table(*licences.carried()).encode())
    write(GENERATED / "licences_elsewhere.txt", f"{licences.elsewhere()}\n".encode())
    write(GENERATED / "where.txt", address.get_the_code(address.read()).encode())
    pages = {f"{name}.md": text for name, text in api_pages().items()}
    for name, text in pages.items():
        write(BOOK / "api" / name, text.encode())
    for page in {page.name for page in (BOOK / "api").glob("*.md")} - set(pages):
        (BOOK / "api" / page).unlink()  # its module is no more
    for name, text in speed_tables().items():
        write(GENERATED / f"speed_{name}.txt", text.encode())
    drawn = speed_picture.svg(measured("steps"), measured("growth"))
    write(GENERATED / "speed.svg", drawn.encode())
    write(GENERATED / "toy.html", explorables.toy().encode())
    notes()
    for name, content in explorables.scripts().items():
        write(BOOK / "_vendor" / "vendor" / name, content)
    write(BOOK / "_vendor" / "vendor" / "scorer_data.js", scorer_data.script())
    for name, content in quoted.files().items():
        write(GENERATED / name, content)


def notes() -> None:
    """Say what is not there yet, so that a few pages can be built without all the others."""
    for name in execute.NOTEBOOKS:
        if not execute.vouched(name, BOOK / "figures"):  # never made, or damaged since
            execute.write_note(name, NOT_MADE.format(name), BOOK / "figures")
    if not (GENERATED / "cards.txt").exists():
        write(GENERATED / "cards.txt", NO_CARDS.encode())


def math_font() -> bytes:
    """STIX Two Math from the pinned package that carries it, cut down to `SIGNS`; the book loads
    nothing from other hosts.
    """
    codes = [code for first, last in SIGNS for code in range(first, last + 1)]
    return cut_font("ziamath", "fonts/STIXTwoMath-Regular.ttf", codes)


def icon_font() -> bytes:
    """The theme's icons, those of its first hundreds that Font Awesome has always had."""
    theme = "theme/pydata_sphinx_theme/static/"
    font = theme + "vendor/fontawesome/webfonts/fa-solid-900.ttf"
    return cut_font("pydata_sphinx_theme", font, range(0xF000, 0xF200))


def cut_font(package: str, path: str, codes: Iterable[int]) -> bytes:
    """A font that a package carries, with no more than these characters."""
    kept = {"layout_features": [], "name_IDs": ["*"]}  # its licence stays in it
    options, file = subset.Options(hinting=False, **kept), io.BytesIO()
    whole = Path(importlib.util.find_spec(package).origin).parent / path
    font, cutter = subset.load_font(whole, options), subset.Subsetter(options)
    cutter.populate(unicodes=codes)
    cutter.subset(font)
    font.flavor = "woff"
    font.save(file)
    return file.getvalue()


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
            citations.cited(record.source, "{{cite:t}}`{}`".format),
            ", ".join(f"`{alias}`" for alias in record.aliases),
        ]
        for record in simlib.MEASURES.values()
    ]
    return table(head, rows)


def invariances_table() -> str:
    """What leaves each measure's value as it is, of both sides or of one."""
    rows = []
    for record in simlib.MEASURES.values():
        sides = [
            [side for side in "XY" if kind in record.invariances_of(side)] for kind in INVARIANCES
        ]
        words = [
            "both" if len(found) == 2 else f"only {found[0]}" if found else "no" for found in sides
        ]
        rows.append([record.title, "yes" if record.symmetric else "no", *words])
    return table(["Name", "Symmetric", *(kind.capitalize() for kind in INVARIANCES)], rows)


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
    makers = {
        "steps": steps_table,
        "roofline": roofline_table,
        "exponents": exponents_table,
        "together": together_table,
        "busy": busy_table,
        "paths": paths_table,
        "nulls": nulls_table,
        "compiled": compiled_table,
        "largest": largest_table,
        "gpu": gpu_table,
        "cluster": cluster_table,
        "cluster_scores": cluster_scores_table,
        "cluster_sweep": cluster_sweep_table,
    }
    tables = {name: make() for name, make in makers.items()}
    said = {one: (BOOK / "speed" / f"{one}.txt").read_text() for one in MACHINES}
    return said | tables


MACHINES = ("machine", "cluster_machine", "gpu_machine")


def measured(name: str) -> pd.DataFrame:
    """One table that `make bench` left."""
    return pd.read_csv(BOOK / "speed" / f"{name}.csv")


def steps_table() -> str:
    """Time of each work on each shape, and its ratios to both yardsticks."""
    head = ["Shape (time × trial × neuron)", "Work", "Ours (ms)", "Against the authors' route"]
    rows = []
    for (shape, work), runs in measured("steps").groupby(["shape", "work"], sort=False):
        ratios = {run.against: spread(run) for run in runs.itertuples()}
        against = [ratios.get(name, "") for name in ("authors' route", "direct formula")]
        rows.append([shape, work, f"{runs['ms'].median():.1f}", *against])
    return table([*head, "Against the direct formula"], rows)


def cluster_table() -> str:
    """What a task costs beside its work."""
    rows = [
        [row.way, f"{row.start_s:.1f}", f"{row.wall_ms:.0f}", f"{row.client_ms:.0f}"]
        for row in measured("cluster").itertuples()
    ]
    head = ["A task of no work", "Start (s)", "Time from one to the next (ms)"]
    return table([*head, "Processor time of the process that asks (ms)"], rows)


def cluster_scores_table() -> str:
    """Processor time of one score."""
    rows = [
        [f"`{measure}`", f"{1e3 * seconds:.0f}"]
        for measure, seconds in measured("cluster_scores").itertuples(index=False)
    ]
    return table(["Measure", "Processor time of a score (ms)"], rows)


def cluster_sweep_table() -> str:
    """What a large sweep would take, by number of workers."""
    rows = [
        [
            f"{row.workers:.0f}",
            f"{row.hours:.2f}",
            f"{row.worker_GB:.1f}",
            f"{row.data_GB:.1f}",
            f"{row.disk_GB:.2f}",
        ]
        for row in measured("cluster_sweep").itertuples()
    ]
    head = ["Workers", "Hours", "Memory of a worker (GB)", "Memory of client and scheduler (GB)"]
    return table([*head, "Results on disk (GB)"], rows)


def roofline_table() -> str:
    """How much of a step its matrix products alone take, quiet and beside other work; the rest."""
    found = measured("roofline")
    shown = ["shape", "measure", "ms", "share", "beside (ms)", "share beside"]
    rows = [
        [shape, f"`{measure}`", f"{ms:.1f}", f"{share:.0%}", f"{late:.1f}", f"{part:.0%}"]
        for shape, measure, ms, share, late, part in found[shown].itertuples(index=False)
    ]
    head = ["Shape", "Measure", "Quiet (ms)", "Products", "Beside (ms)", "Products there"]
    lost = found.groupby("the rest", sort=False)["measure"].unique()
    rest = [[", ".join(f"`{name}`" for name in names), why] for why, names in lost.items()]
    return f"{table(head, rows)}\n{table(['Measure', 'What takes the rest'], rest)}"


def exponents_table() -> str:
    """Slopes of log time and log memory along samples and neurons, over the three largest sizes."""
    sizes, rows = measured("growth"), []
    varied = sizes[sizes["along"].isin(["samples", "neurons"])]
    for (measure, along), group in varied.groupby(["measure", "along"]):
        last = group.sort_values(along).tail(3)
        slopes = (power_law(last[along], last[what]) for what in ("seconds", "beside", "MB"))
        rows.append([f"`{measure}`", along, *(f"{along}^{slope:.1f}" for slope in slopes)])
    head = ["Measure", "Along", "Time grows as", "Beside other work"]
    return table([*head, "Memory grows as"], rows)


def busy_table() -> str:
    """Each work beside a busy process, over its time on the quiet machine."""
    rows = [
        [row.shape, row.work, f"{row.ms:.1f}", spread(row), f"{row.all_threads:.1f}"]
        for row in measured("busy").rename(columns=lambda name: name.replace(" ", "_")).itertuples()
    ]
    head = ["Shape", "Work", "Quiet (ms)", "Beside: times as long", "With all threads"]
    return table(head, rows)


def gpu_table() -> str:
    """How many times as fast as on two cores each work is on a GPU, and what it takes there."""
    found = measured("gpu")
    found["shape"] = found["shape"].str.split().str[0].str.capitalize()
    found["cell"] = [f"{spread(row)}, {row.ms:.1f} ms" for row in found.itertuples()]
    cells = found.pivot_table("cell", "work", "shape", aggfunc="first", sort=False)
    rows = [list(row) for row in cells.itertuples()]
    return table(["Work", *cells.columns], rows)


def paths_table() -> str:
    """How far ascents with another number of threads part."""
    apart = measured("paths").pivot_table(
        index="measure", columns="shape", values="differ", sort=False
    )
    rows = [[f"`{row[0]}`", *(f"{value:.1g}" for value in row[1:])] for row in apart.itertuples()]
    return table(["Measure", *apart.columns], rows)


def together_table() -> str:
    """Seeds in one batch beside processes of their own."""
    times = measured("together")
    rows = [
        [str(n), str(p), f"`{measure}`", *(f"{ms:.1f}" for ms in row)]
        for n, p, measure, *row in times.itertuples(index=False)
    ]
    return table(["Samples", "Neurons", "Measure", *times.columns[3:]], rows)


def nulls_table() -> str:
    """What an order of the trials takes, measure by measure and in a comparison of all."""
    rows = []
    for run in measured("nulls").itertuples(index=False):
        alone = run.measure != "all"
        name, ratio = (f"`{run.measure}`", spread(run)) if alone else ("all in one comparison", "")
        rows.append([name, f"{run.ms:.1f}", ratio, *(f"{ms:.1f}" for ms in run[-2:])])
    head = ["Measure", "500 × 200 (ms)", "Times as fast as the loop", "1000 × 200 (ms)"]
    return table([*head, "500 × 100 (ms)"], rows)


def compiled_table() -> str:
    """What torch.compile gains, and what its first call costs."""
    compiled = measured("compiled")
    first_call = compiled.columns[-1]
    rows = [
        [str(row.samples), str(row.neurons), f"`{row.measure}`", spread(row), f"{first:.0f}"]
        for row, first in zip(compiled.itertuples(), compiled[first_call], strict=True)
    ]
    return table(["Samples", "Neurons", "Measure", "Times as fast", "First call (s)"], rows)


def largest_table() -> str:
    """Time and memory of the largest arrays."""
    sizes = measured("growth")
    large = sizes[sizes["along"].isin(["steps", "largest"])]
    head = ["Measure", "Samples", "Neurons", "Steps", "Seconds a step", "Peak memory (GB)"]
    rows = []
    for row in large.itertuples():
        numbers = [str(n) for n in (row.samples, row.neurons, row.steps)]
        rows.append([f"`{row.measure}`", *numbers, f"{row.seconds:.2g}", f"{row.MB / 1024:.2g}"])
    return table(head, rows)


def spread(row) -> str:
    """A ratio with its least and greatest."""
    if row.least == row.greatest:
        return f"{row.ratio:.0f} (one run)"
    return f"{row.ratio:.1f} ({row.least:.1f} to {row.greatest:.1f})"


def api_pages() -> dict[str, str]:
    """A page for each module and package right below simlib, with a section a module, filled in by
    autodoc; a package shows what it defines itself.
    """
    found = pkgutil.walk_packages(simlib.__path__, "simlib.")
    modules = sorted((m for m in found if "__main__" not in m.name), key=lambda m: m.name)
    own, pages = {True: "   :ignore-module-all:\n", False: ""}, {}
    for module in modules:
        _, page, *inside = module.name.split(".")
        section = API.format(mark="##" if inside else "#", name=module.name, own=own[module.ispkg])
        pages[page] = pages.get(page, "") + section + "\n"
    return pages


if __name__ == "__main__":
    main()
