"""The built book in a real browser: complete, readable at every width and theme, and asking no
other host for anything.
"""

import re

import pytest
from built_book import HTML, MADE_BY_SPHINX, ROOT, needs_book, needs_chromium, opened, pages

FIGURES = re.findall(r"figures/(\w+)", (ROOT / "book" / "_toc.yml").read_text())
WITH_FORMULAS = ["intro", "measures", "figures/theory_sensitivity"]
TEXTS = {".html", ".ipynb", ".md", ".txt", ".js"}

pytestmark = [pytest.mark.browser, needs_chromium, needs_book]


@pytest.mark.parametrize("name", pages())
@pytest.mark.parametrize("way", ["server", "file"])
def test_a_page_is_complete(browser, server, name, way):
    address = f"{server}/{name}.html" if way == "server" else (HTML / f"{name}.html").as_uri()
    with opened(browser, address) as (page, faults):
        assert not faults
        if name == "index":
            return  # forwards to the introduction
        for source, alt, width in page.evaluate(
            "[...document.images].map(i => (i.loading = 'eager', [i.src.slice(0, 100), i.alt, "
            "i.naturalWidth]))"
        ):
            assert alt.strip(), f"no alt text: {source}"
            assert width > 0, f"not loaded: {source}"
        left = page.evaluate(
            "[...document.querySelectorAll('.math')].filter(m => !m.querySelector('math')).length"
        )
        assert left == 0, "formulas that are not typeset"
        assert page.locator("merror").count() == 0
        if name in WITH_FORMULAS:
            assert page.locator("article math").count() > 0
        assert page.locator("article h1").count() == 1 or name in MADE_BY_SPHINX


@pytest.mark.parametrize("name", pages())
@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_is_no_wider_than_the_window(browser, server, name, width):
    with opened(browser, f"{server}/{name}.html", width=width) as (page, _):
        page.wait_for_timeout(100)
        found = page.evaluate("document.documentElement.scrollWidth")
        assert found <= width
        cut = page.evaluate(
            """() => [...document.querySelectorAll('article img')].filter(image => {
              const scrolls = (box) => box
                && (getComputedStyle(box).overflowX == 'auto' || scrolls(box.parentElement));
              const right = image.getBoundingClientRect().right;
              return right > innerWidth && !scrolls(image.parentElement);
            }).map(image => image.src.slice(-60))"""
        )
        assert not cut, "images that reach beyond the window and can't be scrolled"


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


def test_search_finds_a_measure(browser, server):
    with opened(browser, f"{server}/search.html?q=Procrustes") as (page, faults):
        page.wait_for_selector("ul.search li a")
        found = " ".join(page.locator("ul.search li a").all_inner_texts())
        assert "The measures" in found
        assert not faults


def needs_figure(page) -> None:
    if "This figure was not made" in page.locator("article").inner_text():
        pytest.skip("the book was made for a recording that this figure can't be made from")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_page_has_numbered_figures_and_its_notebook(browser, server, name):
    with opened(browser, f"{server}/figures/{name}.html") as (page, _):
        needs_figure(page)
        captions = page.locator("article figcaption .caption-number").all_inner_texts()
        assert captions, "no figure with a caption"
        assert all(re.fullmatch(r"Figure \d+\s*", caption) for caption in captions)
        link = page.locator("a.btn-download-source-button").first.get_attribute("href")
        answer = page.request.get(f"{server}/figures/{link}")
        assert link.endswith(".ipynb") and answer.ok
        assert answer.json()["nbformat"] == 4


@pytest.mark.parametrize("name", FIGURES)
def test_code_unfolds(browser, server, name):
    with opened(browser, f"{server}/figures/{name}.html") as (page, _):
        needs_figure(page)
        folded = page.locator("details.hide").first
        code = folded.locator(".highlight").first
        assert not code.is_visible()
        folded.locator("summary").click()
        assert code.is_visible()


def test_figures_are_numbered_once(browser, server):
    numbers = []
    for name in FIGURES:
        with opened(browser, f"{server}/figures/{name}.html") as (page, _):
            numbers += page.locator("article figcaption .caption-number").all_inner_texts()
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
