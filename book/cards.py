"""Write the cards of measures: what the checks find, what moves the score, what chance gives.

    python book/cards.py                      the pages of all measures of the catalogue, and their
    table python book/cards.py path.py:my_score     the card of a measure of your own, as a page
    that opens by itself python book/cards.py rsa --full           with decodability, joint range
    and cost --quick                                   fewer draws and seeds

Results are stored and found again; a page is written again only when what it depends on changed.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from card_page import outcome, page
from card_words import Card, interval, plain
from docutils.core import publish_string
from myst_parser.docutils_ import Parser
from prepare import GENERATED, table, write

from simlib.experiments import cards, own_measure, store
from simlib.measures import MEASURES, score

BOOK = Path(__file__).resolve().parent
OUT = BOOK / "cards"
OF_THE_PAPER = ("procrustes-angular-score", "nbs", "cka-angular-score", "cka", "ridge-cv", "linreg")
EXAMPLE = (20, 20)  # samples and neurons of the chance level in the table of all cards
STYLE = """<style>body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 sans-serif; }
table { border-collapse: collapse; font-size: 90%; } td, th { border-bottom: 1px solid #ddd; padding: .2rem .6rem;
text-align: left; vertical-align: top; } td p, th p { margin: 0; }
img { max-width: 100%; height: auto; } figcaption { font-size: 90%; color: #444; }
html, body, main { background: white; border: 0; }
@media (max-width: 40rem) { body { margin: 0; padding: 0; } main { padding: 0 .8rem; } figure { margin: 1rem 0; }
table { width: 100%; } code { overflow-wrap: anywhere; }
thead:has(th:nth-child(5)) { display: none; } tr:has(td:nth-child(5)) { display: block; padding: .4rem 0; }
tr:has(td:nth-child(5)) td { display: block; border: 0; padding: 0; }
tr:has(td:nth-child(5)) td:nth-child(-n + 3) { display: inline; padding-right: .4rem; font-weight: bold; }
tr:has(td:nth-child(5)) td:nth-child(-n + 3) p { display: inline; } }</style></head>"""


def main(argv: list[str] | None = None) -> int:
    asked = arguments(argv)
    os.environ.setdefault(
        "SIMLIB_RESULTS", str(BOOK.parent / "results")
    )  # shared with the notebooks
    try:
        chosen = [card(name, asked) for name in asked.names or MEASURES]
        make(chosen, asked.jobs)
    except (ValueError, store.TaskError) as error:
        print(f"No card: {error}", file=sys.stderr)
        return 1
    if asked.names:
        for one in chosen:
            write(one.path.with_suffix(".html"), stand_alone(one))
            print(f"The card of {one.record.title}: {one.path.with_suffix('.html')}")
            print(f"As a page of the book: {one.path} (make html)")
    else:
        write(GENERATED / "cards.txt", overview(asked).encode())
    return 0


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="MEASURE", help="path.py:function or an id; none: all ids"
    )
    parser.add_argument("--quick", action="store_true", help="fewer draws and seeds")
    parser.add_argument("--full", action="store_true", help="all sections, whatever the measure")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes to use")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the pages")
    return parser.parse_args(argv)


def card(name: str, asked: argparse.Namespace) -> Card:
    record = own_measure.resolve(name)
    if name in MEASURES:
        score(
            record, *np.random.default_rng(0).standard_normal((2, 60, 6))
        )  # refuses a value of a parameter
    full = asked.full or (name in MEASURES and record.id in OF_THE_PAPER)
    return Card(name, record, asked.out, asked.quick, full, asked.jobs)


def make(chosen: list[Card], jobs: int) -> None:
    """Write the cards that are out of date; what they share is run for all of them at once."""
    due = [one for one in chosen if not up_to_date(one)]
    if not due:
        return
    print(f"Cards to write: {len(due)}", file=sys.stderr)
    checks, losses, draws = parts(due, jobs)
    for one in due:
        text = page(one, of(checks, one).dropna(axis=1, how="all"), of(losses, one), of(draws, one))
        write(one.path, f"{text}\n{mark(one)}\n".encode())


def parts(chosen: list[Card], jobs: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Checks, losses and chance of all these measures."""
    names, quick = [one.name for one in chosen], chosen[0].quick
    return (
        cards.check_tables(names, jobs=jobs),
        cards.replaced_losses(names, quick=quick, jobs=jobs),
        cards.chance_draws(names, quick=quick, jobs=jobs),
    )


def of(tables: pd.DataFrame, one: Card) -> pd.DataFrame:
    return tables[tables["measure"] == one.record.id]


def mark(one: Card) -> str:
    """A comment with a hash of all that the page depends on."""
    scripts = [
        *sorted(BOOK.glob("card*.py")),
        *sorted((BOOK.parent / "simlib" / "plots").glob("*.py")),
    ]
    drawn = hashlib.sha256(b"".join(path.read_bytes() for path in scripts)).hexdigest()
    function = getattr(one.record.function, "func", one.record.function)
    depends = {
        "docstring": inspect.getdoc(function),
        "name": one.name,
        "digest": own_measure.digest(one.name),
        "quick": one.quick,
        "full": one.full,
    }
    return f"% {store.fingerprint(page, depends | {'drawn': drawn})}"


def up_to_date(one: Card) -> bool:
    return one.path.exists() and one.path.read_text().rstrip().endswith(mark(one))


def overview(asked: argparse.Namespace) -> str:
    """A row a card: the catalogue's, then those of the user's own."""
    every = [card(name, asked) for name in MEASURES]
    checks, losses, draws = parts(every, asked.jobs)
    rows = []
    for one in every:
        cells = cards.chance_cells(of(draws, one)).set_index(["samples", "neurons"])
        rows.append(
            [
                f"[{plain(one.record.title)}](cards/{one.record.id}.md)",
                outcome(of(checks, one)),
                interval(cards.exponents(of(losses, one))),
                interval(cells.loc[EXAMPLE]),
            ]
        )
    ids = {one.record.id for one in every}
    for path in sorted(asked.out.glob("*.md")):
        if path.stem not in ids:
            title = path.read_text().splitlines()[0].removeprefix("# ")
            rows.append(
                [
                    f"[{title}](cards/{path.name})",
                    "a measure of your own",
                    "on its card",
                    "on its card",
                ]
            )
    n, p = EXAMPLE
    settings = cards.card_settings(asked.quick)
    head = ["Card", "Checks", "Exponent of the loss", f"Chance, {n} samples of {p} neurons"]
    note = f"Means, with the least and greatest of {settings.seeds} draws (exponents) and of {settings.draws} (chance)."
    return f"{table(head, rows)}\n{note}\n"


def stand_alone(one: Card) -> bytes:
    """The page as one HTML file with its pictures inside."""
    settings = {
        "output_encoding": "utf-8",
        "embed_stylesheet": True,
        "image_loading": "embed",
        "math_output": "MathML",
        "myst_enable_extensions": ["dollarmath"],
        "report_level": 2,
        "halt_level": 3,
        "_disable_config": True,
        "doctitle_xform": True,
        "initial_header_level": 2,
    }
    html = publish_string(
        one.path.read_text(),
        source_path=str(one.path),
        destination_path=str(one.path.with_suffix(".html")),
        parser=Parser(),
        writer_name="html5",
        settings_overrides=settings,
    )
    return html.decode().replace("</head>", STYLE, 1).encode()


if __name__ == "__main__":
    sys.exit(main())
