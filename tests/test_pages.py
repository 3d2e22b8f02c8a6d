"""Every figure page has one order, and what it says of its data comes from the data."""

import ast
import importlib
import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from simlib.experiments import claims, made_of, score_vs_decodability

ROOT = Path(__file__).resolve().parent.parent
PAGES = [p for p in sorted((ROOT / "notebooks").glob("*.ipynb")) if p.stem != "measure_card"]
ORDER = ("What to notice", "Why", "Limits", "Try it", "Method")


def cells_of(page: Path) -> list:
    return nbformat.read(page, as_version=4).cells


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_claim_figure_verdict_and_then_the_rest_in_order(page):
    cells = cells_of(page)
    first = cells[0].source
    assert re.match(r"# [^\n]+\n\n\*\*.+?\*\*\n", first, re.S) and "\n## " not in first
    figure = next(k for k, cell in enumerate(cells) if "mystnb" in cell.metadata)
    verdict = next(k for k, cell in enumerate(cells) if "claims.in_one_line" in cell.source)
    made = next(k for k, cell in enumerate(cells) if "experiments.made_of" in cell.source)
    before = cells[1 : max(verdict, made)]
    assert figure < made < verdict
    assert all(cell.cell_type == "code" for cell in before), "text between claim and verdict"
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    heads = re.findall(r"^## (.+)$", text, re.M)
    places = [next((k for k, h in enumerate(heads) if h.startswith(word)), None) for word in ORDER]
    assert None not in places and places == sorted(places), heads


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_says_to_try_exists(page):
    cells = cells_of(page)
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    (name, given), *_ = re.findall(r'make figure NAME=(\w+) .*PARAMS="(.*)"', text)
    (declared,) = (c.source for c in cells if "parameters" in c.metadata.get("tags", ()))
    known = {node.targets[0].id for node in ast.parse(declared).body}
    assert name == page.stem
    assert set(re.findall(r"-p (\w+)=", given)) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_verdict_links_to_a_section_of_its_page(page):
    source = "\n".join(cell.source for cell in cells_of(page))
    anchors = {
        re.sub(r"[^a-z]+", "-", head.lower()).strip("-")
        for head in re.findall(r"^#+ (.+)$", source, re.M)
    }
    named = re.findall(r'claims\.in_one_line\(verdicts(?:, "([\w-]+)")?\)', source)
    assert {name or "does-the-claim-hold" for name in named} <= anchors


def test_a_caption_has_three_sentences_at_most():
    for page in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in cells_of(page):
            if "mystnb" in cell.metadata:
                caption = cell.metadata["mystnb"]["figure"]["caption"]
                assert len(re.findall(r"\.(?=\s+[A-Z$]|$)", caption)) <= 3, (page.stem, caption)


# -- Sentences from data


def verdicts_of(*holds) -> pd.DataFrame:
    rows = [(f"claim {k}", "surrogate-mante2013", held) for k, held in enumerate(holds)]
    return pd.DataFrame(rows, columns=["claim", "dataset", "holds"])


def test_the_verdict_counts_what_holds_and_names_what_fails():
    good = claims.in_one_line(verdicts_of(True, True))
    assert good.startswith("**Holds in 2 of 2** tests") and "Does not" not in good
    bad = claims.in_one_line(verdicts_of(True, False, False, False, "not tested: why"))
    assert "**Holds in 1 of 4**" in bad and "Not tested: 1" in bad
    assert (
        "claim 1, on Mante 2013 (surrogate); claim 2, on Mante 2013 (surrogate); and 1 more." in bad
    )


def test_a_figure_says_what_it_was_made_of():
    table = pd.DataFrame({"settings": ["quick"] * 2, "surrogate": True, "title": ["A", "B"]})
    words = made_of(table.assign(seed=[0, 1]))
    assert all(part in words for part in ("quick settings", "A, B", "synthetic", "2 runs"))
    mine = pd.DataFrame({"settings": ["paper"], "surrogate": [False], "title": ["mine"], "seed": 0})
    assert made_of(mine) == "*Made at the paper's settings; data: mine.*"


def shares_of(cka: dict[str, float], other: float = 0.95) -> pd.DataFrame:
    rows = [(name, m, s) for name, low in cka.items() for m, s in (("cka", low), (ANGULAR, other))]
    table = pd.DataFrame(rows, columns=["title", "measure", "share"])
    return table.assign(dataset=table["title"], seed=0)


ANGULAR = "procrustes-angular-score"


def test_the_answer_follows_the_numbers_and_names_only_what_was_run():
    words = score_vs_decodability.answer_in_words(shares_of({"A": 0.5, "B": 0.1}))
    assert words.startswith("Not by itself") and "0.10 (B) to 0.50 (A)" in words
    assert "angular Procrustes score of 0.9 it has gone 0.95." in words
    alone = score_vs_decodability.answer_in_words(shares_of({"mine": 0.97}))
    assert not alone.startswith("Not") and "0.97 (mine)" in alone and "Mante" not in alone
    stand_in = score_vs_decodability.answer_in_words(shares_of({"A (surrogate)": 0.2}))
    assert "0.20 (A, surrogate)" in stand_in
    none = score_vs_decodability.answer_in_words(shares_of({"A": np.nan}, np.nan))
    assert none.startswith("No run of CKA tells")


def test_the_picture_is_of_the_dataset_that_is_furthest_behind():
    assert score_vs_decodability.furthest_behind(shares_of({"A": 0.5, "B": 0.1})) == "B"
    assert score_vs_decodability.furthest_behind(shares_of({"A": np.nan, "B": np.nan})) == "A"


def test_the_exception_is_told_only_where_it_was_run():
    rows = [("surrogate-freemanziemba2013", m, s) for m, s in (("cka", 0.8), (ANGULAR, 0.5))]
    table = pd.DataFrame(rows, columns=["dataset", "measure", "score"])
    words = score_vs_decodability.exception_in_words({"recorded": table, "common": table})
    assert words.count("0.80 and 0.50") == 2
    mine = {"recorded": table.assign(dataset="mine.npz")}
    assert score_vs_decodability.exception_in_words(mine) == ""


# -- Home


@pytest.fixture
def quoted(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "book")
    return importlib.import_module("quoted")


def test_home_shows_the_executed_page_and_nothing_where_there_is_none(
    quoted, monkeypatch, tmp_path
):
    monkeypatch.setattr(quoted, "BOOK", tmp_path)
    found = quoted.files()
    assert quoted.NOT_MADE.encode() in found["home_answer.txt"]
    assert not re.search(rb"\d\.\d\d", found["home_answer.txt"] + found["home_picture.txt"])

    def output(kind, data):
        return nbformat.v4.new_output("display_data", data={kind: data})

    picture = nbformat.v4.new_code_cell(id="home-picture", outputs=[output("image/png", "aGk=")])
    picture.metadata["mystnb"] = {"image": {"alt": "a panel"}}
    words = [("home-words", "It is 0.12."), ("made-of", "*quick settings*")]
    told = [nbformat.v4.new_code_cell(id=n, outputs=[output("text/markdown", w)]) for n, w in words]
    (tmp_path / "figures").mkdir()
    page = nbformat.v4.new_notebook(cells=[picture, *told])
    nbformat.write(page, tmp_path / "figures" / "score_vs_decodability.ipynb")
    found = quoted.files()
    assert found["home.png"] == b"hi" and b":alt: a panel" in found["home_picture.txt"]
    assert found["home_answer.txt"] == b"It is 0.12.\n"
    assert b"quick settings" in found["home_made.txt"]
    assert b"whose task is furthest from decodable" in found["home_made.txt"], "chosen after a look"


def test_the_code_is_linked_only_where_it_lies_somewhere(quoted):
    assert "Code" not in quoted.buttons("")
    assert "https://example.org/x" in quoted.buttons("https://example.org/x")


def test_the_notebook_has_the_cells_that_home_asks_for():
    ids = {cell.id for cell in cells_of(ROOT / "notebooks" / "score_vs_decodability.ipynb")}
    assert {"home-words", "home-picture", "made-of"} <= ids
