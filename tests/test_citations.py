"""The bibliography: every reference that is named is in it, and each of its entries is named."""

import importlib
import re
from pathlib import Path

import nbformat
import pytest

import simlib as sl

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted((ROOT / "book").glob("*.md")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
MODULES = sorted((ROOT / "simlib").rglob("*.py"))


@pytest.fixture
def citations(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    return importlib.import_module("citations")


def page_text(path: Path) -> str:
    """What a page says: its Markdown, and the captions of its figures."""
    if path.suffix == ".md":
        return path.read_text()
    cells = nbformat.read(path, as_version=4).cells
    captions = [c.metadata["mystnb"]["figure"]["caption"] for c in cells if "mystnb" in c.metadata]
    return "\n".join([c.source for c in cells if c.cell_type == "markdown"] + captions)


def cited_keys(text: str) -> set[str]:
    found = re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text)
    return {key.strip() for keys in found for key in keys.split(",")}


def named(text: str, citations) -> set[str]:
    """References named in plain words, `Tang et al. 2020`."""
    return {" ".join(m[0].split()) for m in citations.PLAIN.finditer(text) if m[0][-1].isdigit()}


def test_every_key_exists_and_every_entry_is_cited(citations):
    keys = set(citations.labels().values())
    cited = set().union(*(cited_keys(page_text(path)) for path in PAGES))
    assert not cited - keys
    linked = []
    for path in MODULES:
        citations.cited(path.read_text(), lambda key: linked.append(key) or key)
    assert not keys - cited - set(linked), "entries that nothing names"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages_cite_instead_of_naming(path, citations):
    found = [match[0] for match in citations.PLAIN.finditer(page_text(path))]
    assert not found, "use {cite:t} or {cite:p}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "simlib")))
def test_what_code_names_is_in_the_bibliography(path, citations):
    assert named(path.read_text(), citations) <= set(citations.labels())


def test_every_measure_has_a_source_in_the_bibliography(citations):
    for record in sl.MEASURES.values():
        assert set(record.source.split("; ")) <= set(citations.labels()), record.id


@pytest.mark.parametrize(
    "words, is_plain",
    [
        ("as Song et al. (2012) do", True),
        ("(Khosla & Williams 2024)", True),
        ("Harvey, Larsen and Williams 2023", True),
        ("that of Lange et al.", True),
        ("Mante 2013 and Siegel 2015", False),
        ("{cite:t}`mante2013`", False),
        ("Marchenko and Pastur's law", False),
    ],
)
def test_what_counts_as_plain(words, is_plain, citations):
    assert bool(citations.PLAIN.search(words)) == is_plain


def test_names_become_links(citations):
    text = "Source: Tang\n    et al. 2020; Harvey, Larsen & Williams 2023, eq. 2; Nobody 1999."
    linked = citations.cited(text, "<{}>".format)
    assert linked == "Source: <tang2020>; <harvey2023>, eq. 2; Nobody 1999."


def test_nbs_cites_those_who_introduced_it(citations):
    assert citations.labels()["Tang et al. 2020"] == "tang2020"
    entry = (ROOT / "book" / "references.bib").read_text().split("{tang2020,")[1].split("@")[0]
    assert "Similarity of Neural Networks with Gradients" in entry and "2003.11498" in entry
    assert "Tang et al. 2020" in sl.MEASURES["nbs"].source
    assert "Tang et al. 2020" in " ".join(sl.measures.shapes.nbs.__doc__.split())


def test_the_paper_is_cited_as_published():
    """Bibliography and CITATION.cff agree."""
    entry = (ROOT / "book" / "references.bib").read_text().split("@")[1]
    card = (ROOT / "CITATION.cff").read_text()
    for words in ("International Conference on Learning Representations", "2025", "2407.07059"):
        assert words in entry and words in card
