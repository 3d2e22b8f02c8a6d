"""What single pages of the built book do in a real browser: the theme, the search, figures and
their notebooks. What every page must be stands in test_book_pages.py.
"""

import re

import pytest
from built_book import HTML, ROOT, needs_book, needs_chromium, opened, pages

FIGURES = re.findall(r"figures/(\w+)", (ROOT / "book" / "_toc.yml").read_text())
TEXTS = {".html", ".ipynb", ".md", ".txt", ".js"}

pytestmark = [pytest.mark.browser, needs_chromium, needs_book]


@pytest.mark.parametrize("way", ["server", "file"])
def test_the_first_page_forwards_to_the_introduction(browser, server, way):
    address = f"{server}/index.html" if way == "server" else (HTML / "index.html").as_uri()
    with opened(browser, address) as (page, faults):
        page.wait_for_url("**/intro.html")
        assert not faults


def test_the_theme_can_be_switched_and_is_remembered(browser, server):
    with opened(browser, f"{server}/intro.html") as (page, _):
        colours = set()
        for _ in range(3):
            page.locator("button.theme-switch-button:visible").first.click()
            colours.add(
                page.evaluate(
                    "[document.documentElement.dataset.theme, "
                    "getComputedStyle(document.body).backgroundColor] + ''"
                )
            )
        assert {colour.split(",")[0] for colour in colours} == {"light", "dark"}
        assert len({colour.split(",", 1)[1] for colour in colours}) == 2
        before = page.evaluate("document.documentElement.dataset.mode")
        page.goto(f"{server}/measures.html")
        assert page.evaluate("document.documentElement.dataset.mode") == before


def test_figures_lie_on_a_neutral_grey_in_the_dark_their_colours_kept(browser, server):
    with opened(browser, f"{server}/figures/score_vs_decodability.html", theme="dark") as (page, _):
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        for background, shade in page.evaluate(
            """[...document.querySelectorAll('article figure img')].map(getComputedStyle)
            .map(style => [style.backgroundColor, style.filter])"""
        ):
            assert background == "rgb(255, 255, 255)"
            assert shade == "brightness(0.88)"


def test_figures_of_a_phone_stand_in_one_column(browser, server):
    sizes = {}
    for width in (390, 1280):
        with opened(browser, f"{server}/figures/score_vs_decodability.html", width) as (
            page,
            _,
        ):
            image = page.locator("#fig-decoding img")
            image.scroll_into_view_if_needed()
            sizes[width] = image.bounding_box(), image.evaluate("i => i.currentSrc")
    (narrow, source), (wide, other) = sizes[390], sizes[1280]
    assert source.endswith("#narrow") and not other.endswith("#narrow")
    assert narrow["width"] <= 390 and narrow["height"] > wide["height"]


def test_search_finds_a_measure(browser, server):
    with opened(browser, f"{server}/search.html?q=Procrustes") as (page, faults):
        page.wait_for_selector("ul.search li a")
        found = " ".join(page.locator("ul.search li a").all_inner_texts())
        assert "The measures" in found
        assert not faults


def test_the_search_puts_pages_before_functions(browser, server):
    with opened(browser, f"{server}/search.html?q=CKA") as (page, _):
        page.wait_for_selector("ul.search li a")
        page.wait_for_timeout(500)
        found = page.evaluate(
            "[...document.querySelectorAll('ul.search li > a')].map(a => a.getAttribute('href'))"
        )
    assert found and not found[0].startswith(("api", "genindex"))


def needs_figure(page) -> None:
    if "This figure was not made" in page.locator("article").inner_text():
        pytest.skip("the book was made for a recording that this figure can't be made from")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_page_has_its_notebook_and_code_that_unfolds(browser, server, name):
    with opened(browser, f"{server}/figures/{name}.html") as (page, _):
        needs_figure(page)
        link = page.locator("a.btn-download-source-button").first.get_attribute("href")
        answer = page.request.get(f"{server}/figures/{link}")
        assert link.endswith(".ipynb") and answer.ok
        assert answer.json()["nbformat"] == 4
        folded = page.locator("details.hide").first
        code = folded.locator(".highlight").first
        assert not code.is_visible()
        folded.locator("summary").click()
        assert code.is_visible()


def test_every_figure_page_has_a_figure_and_figures_are_numbered_once():
    numbers = []
    for name in FIGURES:
        text = (HTML / "figures" / f"{name}.html").read_text()
        found = re.findall(r'<figcaption>.*?class="caption-number">([^<]*)<', text, re.S)
        assert found or "This figure was not made" in text, "no figure with a caption"
        numbers += found
    assert numbers
    assert [number.strip() for number in numbers] == [
        f"Figure {i + 1}" for i in range(len(numbers))
    ]


def test_no_page_shows_the_name_of_an_object():
    """An output that can't be rendered falls back to its repr."""
    pattern = re.compile(r"&lt;[\w.]+ object(?: at 0x\w+)?&gt;")
    assert not {
        page.name: found
        for page in HTML.rglob("*.html")
        if (found := pattern.findall(page.read_text()))
    }


def test_no_page_names_a_folder_of_the_machine():
    folder = str(HTML.resolve().parents[2])
    texts = {page: page.read_bytes() for page in HTML.rglob("*") if page.suffix in TEXTS}
    assert not [page.name for page, text in texts.items() if folder.encode() in text]


def test_nothing_in_the_pages_points_a_script_or_style_elsewhere():
    """The page's own address online, where one is set, is not loaded."""
    loaded = r"<(?:script|link(?! rel=\"canonical\")|img|iframe)\b[^>]*(?:src|href)"
    for name in pages():
        text = (HTML / f"{name}.html").read_text()
        assert not re.findall(rf"{loaded}=\"(?:https?:)?//[^\"]*", text), name
