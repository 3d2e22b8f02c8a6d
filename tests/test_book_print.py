"""The book on paper, and by plain Sphinx: the same pages and figures, as one file."""

import re

import pytest
from built_book import HTML, ROOT, needs_book, needs_chromium, of_book, opened, pages

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_chromium, needs_book]

FIGURES = re.findall(r"figures/(\w+)", (ROOT / "book" / "_toc.yml").read_text())
SHEET = 680  # pixels between the margins of A4
MADE_BY_SPHINX = {"genindex", "py-modindex", "search", "index", "prf-prf"}


@pytest.fixture(scope="module")
def one_file(monkeypatch_module):
    return of_book("one_file")


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "book"))
        yield patch


@pytest.fixture(scope="module")
def page(one_file, tmp_path_factory):
    """The one page that plain Sphinx makes of the book."""
    return one_file.build(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def plain(page) -> dict[str, str]:
    """The pages in it, by their names."""
    found = re.split(r'<span id="document-([^"]+)">', page.read_text())
    return {"intro": found[0]} | dict(zip(found[1::2], found[2::2], strict=True))


def test_plain_sphinx_makes_the_same_pages(plain):
    assert set(plain) == set(pages()) - MADE_BY_SPHINX


def test_plain_sphinx_makes_the_same_figures(plain):
    assert len(plain) > 10
    for name, text in plain.items():
        numbered = r'<figure.*?class="caption-number">([^<]*)<'
        built = re.findall(numbered, (HTML / f"{name}.html").read_text(), re.S)
        assert re.findall(numbered, text, re.S) == built, name
    assert sum(text.count("<figcaption") for text in plain.values()) >= len(FIGURES)


def test_a_link_to_a_state_leads_to_its_place_in_the_one_page(one_file):
    links = '<a href="?at=0.9&amp;given=cka#joint"> <a href="exact_ranges.html?at=0.9#joint">'
    assert one_file.within(links) == '<a href="#joint"> <a href="#joint">'


def test_the_book_is_one_pdf(page, one_file, browser, tmp_path):
    path = tmp_path / "book.pdf"
    one_file.print_page(browser, page.as_uri(), path)
    content = path.read_bytes()
    assert content.startswith(b"%PDF")
    sheets = len(re.findall(rb"/Type\s*/Page\b", content))
    assert sheets > len(pages())
    assert b"(file:" not in content, "links to files of this machine"
    assert len(re.findall(rb"/Subtype\s*/Image", content)) >= len(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_printed_figure_page_is_readable(browser, server, name, theme):
    """Black on white without what only a screen needs, and nothing beyond the sheet."""
    address = f"{server}/figures/{name}.html"
    with opened(browser, address, width=SHEET, theme=theme) as (page, _):
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        ground, ink = page.evaluate(
            """['backgroundColor', 'color'].map(what => getComputedStyle(
              what == 'color' ? document.querySelector('article p') : document.body)[what])"""
        )
        assert ground in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
        assert max(map(int, re.findall(r"\d+", ink)[:3])) < 110
        shown = page.evaluate(
            """['.bd-sidebar-primary', '.bd-header', '.bd-sidebar-secondary', '.header-article']
            .filter(part => document.querySelector(part)?.getBoundingClientRect().height)"""
        )
        assert not shown
        beyond = page.evaluate(
            """width => [...document.querySelectorAll('article :is(img, table, p, pre)')]
            .filter(part => part.getBoundingClientRect().right > width + 1)
            .map(part => part.tagName + ' ' + (part.src || part.innerText || '').slice(-60))""",
            SHEET,
        )
        assert not beyond
