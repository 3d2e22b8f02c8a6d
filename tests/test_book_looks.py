"""How the built book looks: formulas, figures and tables on a wide screen and on a phone, and what
its pages weigh.
"""

import pytest
import test_book as book
from test_book import browser, server  # noqa: F401

pytestmark = book.pytestmark
HEAVIEST, HOME = 2_500_000, 1_000_000  # bytes, uncompressed
CUT = """() => {
  const scrolls = (box) => box && box !== document.body
    && (box.classList.contains('scrolls') || scrolls(box.parentElement));
  return [...document.querySelectorAll('article :is(math, img, table)')]
    .filter((one) => one.getClientRects().length)
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .filter((one) => !scrolls(one.parentElement))
    .map((one) => one.outerHTML.slice(0, 120));
}"""
WEIGHT = """() => performance.getEntriesByType('resource')
  .concat(performance.getEntriesByType('navigation'))
  .reduce((sum, one) => sum + one.decodedBodySize, 0)"""
SHIFT = """window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach(
  (one) => { window.shift += one.value; })).observe({type: 'layout-shift', buffered: true})"""
SHOWN = [name for name in book.pages() if name not in book.MADE_BY_SPHINX]


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_cut_without_an_edge_that_says_so(browser, server, name, width):  # noqa: F811
    with book.opened(browser, f"{server}/{name}.html", width=width) as (page, _):
        page.wait_for_timeout(200)
        assert not page.evaluate(CUT)


@pytest.mark.parametrize("name", SHOWN)
def test_images_have_a_size_and_nothing_moves(browser, server, name):  # noqa: F811
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.add_init_script(SHIFT)
    page.goto(f"{server}/{name}.html")
    page.wait_for_load_state("networkidle")
    sizes = "[...document.querySelectorAll('article img')].map(i => [i.src, i.width * i.height])"
    assert not [source for source, size in page.evaluate(sizes) if not size]
    assert page.evaluate("window.shift") < 0.1
    page.close()


@pytest.mark.parametrize("name", SHOWN)
def test_a_page_is_light(browser, server, name):  # noqa: F811
    with book.opened(browser, f"{server}/{name}.html") as (page, _):
        page.evaluate("[...document.images].forEach(i => { i.loading = 'eager'; })")
        page.wait_for_load_state("networkidle")
        assert page.evaluate(WEIGHT) < (HOME if name == "intro" else HEAVIEST)
        assert page.locator("script[src*=MathJax], script[src*=fontawesome]").count() == 0


@pytest.mark.parametrize("name", SHOWN)
def test_tables_are_written_for_readers(browser, server, name):  # noqa: F811
    with book.opened(browser, f"{server}/{name}.html") as (page, _):
        cells = page.locator("article table td").all_text_contents()
        assert not {"True", "False", "nan", "NaN", "None"} & {cell.strip() for cell in cells}
        empty = """[...document.querySelectorAll('article thead tr')].filter(
          row => row.cells[1] && ![...row.cells].slice(1).some(c => c.textContent.trim()))"""
        assert page.evaluate(f"{empty}.length") == 0


def test_figures_of_a_phone_stand_in_one_column(browser, server):  # noqa: F811
    sizes = {}
    for width in (390, 1280):
        with book.opened(browser, f"{server}/figures/score_vs_decodability.html", width) as (
            page,
            _,
        ):
            image = page.locator("article figure img").first
            image.scroll_into_view_if_needed()
            sizes[width] = image.bounding_box(), image.evaluate("i => i.currentSrc")
    (narrow, source), (wide, other) = sizes[390], sizes[1280]
    assert source.endswith("#narrow") and not other.endswith("#narrow")
    assert narrow["width"] <= 390 and narrow["height"] > wide["height"]


def test_the_search_puts_pages_before_functions(browser, server):  # noqa: F811
    with book.opened(browser, f"{server}/search.html?q=CKA") as (page, _):
        page.wait_for_selector("ul.search li a")
        page.wait_for_timeout(500)
        found = page.evaluate(
            "[...document.querySelectorAll('ul.search li > a')].map(a => a.getAttribute('href'))"
        )
    assert found and not found[0].startswith(("api", "genindex"))
