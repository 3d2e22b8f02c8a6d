"""Write the cards of measures: what the checks find, what moves the score, what chance gives.

    python book/measure_cards.py                    all measures of the catalogue, and their table
    python book/measure_cards.py path.py:my_score   the card of a measure of your own, also as a
                                                    page that opens by itself
    python book/measure_cards.py rsa --full         with decodability, joint range and cost
    --quick                                         fewer draws and seeds

A card is the notebook `measure_card` under the measure's name, executed as the figures are
(`execute.py`), in the current folder.
Its cells tagged `full` are left out where nobody asked for them. What its last cell prints is its
row in the table.
"""

import argparse
import base64
import json
import re
import sys
import tempfile
from pathlib import Path

import execute
import nbformat
import numpy as np
from docutils.core import publish_string
from generated import GENERATED, table, write
from myst_nb.docutils_ import Parser
from store import CHECK

from simlib.experiments import TaskError, is_quick
from simlib.experiments import measure_card as tables
from simlib.experiments.measure_card_words import about, plain
from simlib.measures import MEASURES, Measure, own, score

OF_THE_PAPER = ("procrustes-angular-score", "nbs", "cka-angular-score", "cka", "ridge-cv", "linreg")
SHORT = """## More

Decodability, joint range and cost are run for the six measures of the paper, and on request:
`make card MEASURE={} FULL=1`."""
HEAD = ["Card", "Checks", "Exponent of the loss", "Chance, 20 samples of 20 neurons"]
STYLE = """<style>
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 sans-serif; }
table { border-collapse: collapse; font-size: 90%; }
td, th { border-bottom: 1px solid #ddd; padding: .2rem .6rem; text-align: left; }
td, th { vertical-align: top; }
img { max-width: 100%; height: auto; }
figcaption { font-size: 90%; color: #444; }
html, body, main { background: white; border: 0; }
@media (max-width: 40rem) {
  body { margin: 0; padding: 0; }
  main { padding: 0 .8rem; }
  figure { margin: 1rem 0; }
  table { width: 100%; }
  code, td { overflow-wrap: anywhere; }
  thead:has(th:nth-child(4)) { display: none; }
  tr:has(td:nth-child(4)) { display: block; padding: .4rem 0; }
  tr:has(td:nth-child(4)) td { display: block; border: 0; padding: 0; }
  tr:has(td:nth-child(4)) td:nth-child(-n + 2) { display: inline; font-weight: bold; }
}
</style></head>"""


def main(argv: list[str] | None = None) -> int:
    asked = arguments(argv)
    execute.begin()
    try:
        cards = [card(name, asked) for name in asked.names or MEASURES]
        due = [one.parameters["measure"] for one in cards if not execute.is_done(one, asked.out)]
        if due:  # what every card has, for all of them at once; their notebooks find it stored
            print(f"Cards to write: {len(due)}", file=sys.stderr)
            tables.check_tables(due, jobs=asked.jobs)
            tables.replaced_losses(due, quick=asked.quick, jobs=asked.jobs)
            tables.chance_draws(due, quick=asked.quick, jobs=asked.jobs)
    except (ValueError, TaskError) as error:
        print(f"No card: {error}", file=sys.stderr)
        return 1
    for page in asked.out.glob("*.md"):  # of an earlier version, where a card was no notebook
        page.unlink()
    code = execute.finish(cards, asked.out, jobs=asked.jobs, folder=Path.cwd())
    write(GENERATED / "cards.txt", overview(asked).encode())
    for one in cards if asked.names and not code else []:
        page = asked.out / f"{one.name}.html"
        write(page, stand_alone(asked.out / f"{one.name}.ipynb"))
        print(f"The card of {one.parameters['measure']}: {page}\nIn the book: make html")
    return code


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="MEASURE", help="path.py:function or an id; none: all ids"
    )
    parser.add_argument("--quick", action="store_true", help="fewer draws and seeds")
    parser.add_argument("--full", action="store_true", help="all sections, whatever the measure")
    parser.add_argument("--jobs", type=execute.processes, default=1, help=execute.JOBS)
    parser.add_argument(
        "--out", type=Path, default=execute.ROOT / "book" / "cards", help="the folder of the pages"
    )
    asked = parser.parse_args(argv)
    asked.quick = is_quick(asked.quick)
    return asked


def card(name: str, asked: argparse.Namespace) -> execute.Task:
    """The notebook of this measure, and what to execute it with."""
    record = own.resolve(name)
    if name in MEASURES:  # refuses a value of a parameter
        score(record, *np.random.default_rng(0).standard_normal((2, 60, 6)))
    source = GENERATED / "cards" / f"{record.id}.ipynb"
    full = asked.full or record.id in OF_THE_PAPER
    write(source, nbformat.writes(filled(record, name, full)).encode())
    parameters = {"measure": name, "quick": asked.quick, "jobs": asked.jobs}
    says = {"says": about(name, asked.quick)}
    return execute.Task(record.id, source, parameters, "", says).current()


def filled(record: Measure, name: str, full: bool) -> nbformat.NotebookNode:
    """The notebook under this measure's name; its figures have names of their own in the book."""
    text = (execute.SOURCE / "measure_card.ipynb").read_text()
    title = json.dumps(plain(record.title), ensure_ascii=False)[1:-1]
    own = {"The card of a measure": title, "this measure": title, "fig-card": f"fig-{record.id}"}
    for words, its in own.items():
        text = text.replace(words, its)
    notebook = nbformat.reads(text, as_version=4)
    if not full:
        kept = [cell for cell in notebook.cells if "full" not in cell.metadata.get("tags", [])]
        notebook.cells = [*kept, nbformat.v4.new_markdown_cell(SHORT.format(name), id="more")]
    return notebook


def overview(asked: argparse.Namespace) -> str:
    """A row a card, as its last cell prints it: the catalogue's, then those of the user's own."""
    pages = sorted(asked.out.glob("*.ipynb"))
    found = {path.stem: path for path in pages if execute.vouched(path.stem, asked.out)}
    rows, run = [], tables.amount(asked.quick)
    for name in [*(key for key in MEASURES if key in found), *sorted(set(found) - set(MEASURES))]:
        cells = nbformat.read(found[name], as_version=4).cells
        (said,) = (c.outputs[0].text for c in cells if CHECK in c.metadata.get("tags", []))
        title, *rest = said.strip().split(" | ")
        rows.append([f"[{title}](cards/{name}.ipynb)", *rest])
    return (
        f"{table(HEAD, rows)}\nMeans, with the least and greatest of {run.seeds} draws (exponents) "
        f"and of {run.draws} (chance).\n"
    )


def stand_alone(page: Path) -> bytes:
    """The executed card as one HTML file with its pictures inside."""
    with tempfile.TemporaryDirectory() as pictures:
        settings = {
            "output_encoding": "unicode",
            "image_loading": "link",  # embedded below, with its alt text
            "math_output": "MathML",
            "myst_enable_extensions": ["dollarmath"],
            "nb_execution_mode": "off",
            "nb_remove_code_source": True,
            "nb_output_folder": pictures,
            "nb_append_css": False,
            "report_level": 2,
            "halt_level": 3,
            "_disable_config": True,
            "doctitle_xform": True,
            "initial_header_level": 2,
        }
        html = publish_string(
            page.read_text(),
            source_path=str(page),
            destination_path=str(page.with_suffix(".html")),
            parser=Parser(),
            writer_name="html5",
            settings_overrides=settings,
        )
        for source in set(re.findall(r'src="([^"]+\.svg)"', html)):
            picture = base64.b64encode((Path(pictures) / Path(source).name).read_bytes())
            html = html.replace(source, f"data:image/svg+xml;base64,{picture.decode()}")
    return html.replace("</head>", STYLE, 1).encode()


if __name__ == "__main__":
    sys.exit(main())
