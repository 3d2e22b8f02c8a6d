"""How the built book looks: formulas, figures and tables on a wide screen and on a phone, and what
its pages weigh.
"""

import pytest
from built_book import MADE_BY_SPHINX, needs_book, needs_chromium, opened, pages

pytestmark = [pytest.mark.browser, needs_chromium, needs_book]
HEAVIEST, HOME = 2_500_000, 1_000_000  # bytes, uncompressed
WEIGHT = """() => performance.getEntriesByType('resource')
  .concat(performance.getEntriesByType('navigation'))
  .reduce((sum, one) => sum + one.decodedBodySize, 0)"""
SHIFT = """window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach(
  (one) => { window.shift += one.value; })).observe({type: 'layout-shift', buffered: true})"""
SHOWN = [name for name in pages() if name not in MADE_BY_SPHINX]


@pytest.mark.parametrize("name", SHOWN)
def test_images_have_a_size_and_nothing_moves(browser, server, name):
    page, shifts = browser.new_page(viewport={"width": 390, "height": 900}), []
    page.add_init_script(SHIFT)
    # A busy machine may paint half a page first; what moves by itself always does.
    for _ in range(3):
        page.goto(f"{server}/{name}.html")
        page.wait_for_load_state("networkidle")
        shifts.append(page.evaluate("window.shift"))
        if shifts[-1] < 0.1:
            break
    sizes = "[...document.querySelectorAll('article img')].map(i => [i.src, i.width * i.height])"
    assert not [source for source, size in page.evaluate(sizes) if not size]
    assert min(shifts) < 0.1, shifts
    page.close()


@pytest.mark.parametrize("name", SHOWN)
def test_a_page_is_light(browser, server, name):
    with opened(browser, f"{server}/{name}.html") as (page, _):
        page.evaluate("[...document.images].forEach(i => { i.loading = 'eager'; })")
        page.wait_for_load_state("networkidle")
        assert page.evaluate(WEIGHT) < (HOME if name == "intro" else HEAVIEST)
        assert page.locator("script[src*=MathJax], script[src*=fontawesome]").count() == 0


@pytest.mark.parametrize("name", SHOWN)
def test_tables_are_written_for_readers(browser, server, name):
    with opened(browser, f"{server}/{name}.html") as (page, _):
        cells = page.locator("article table td").all_text_contents()
        assert not {"True", "False", "nan", "NaN", "None"} & {cell.strip() for cell in cells}
        empty = """[...document.querySelectorAll('article thead tr')].filter(
          row => row.cells[1] && ![...row.cells].slice(1).some(c => c.textContent.trim()))"""
        assert page.evaluate(f"{empty}.length") == 0


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize(("width", "least"), [(390, 0.88), (1280, 0.97)])
def test_the_text_of_figures_is_readable(browser, server, name, width, least):
    """Their least text is 11 pixels high as drawn."""
    shown = """[...document.querySelectorAll('article figure img')].map(i => [
      i.src.slice(-40), i.getBoundingClientRect().width / (i.currentSrc.endsWith('#narrow')
      ? i.parentElement.querySelector('source').width : i.naturalWidth)])"""
    with opened(browser, f"{server}/{name}.html", width) as (page, _):
        page.evaluate("[...document.images].forEach(i => { i.loading = 'eager'; })")
        page.wait_for_load_state("networkidle")
        assert not [source for source, ratio in page.evaluate(shown) if ratio < least]


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


def test_the_search_puts_pages_before_functions(browser, server):
    with opened(browser, f"{server}/search.html?q=CKA") as (page, _):
        page.wait_for_selector("ul.search li a")
        page.wait_for_timeout(500)
        found = page.evaluate(
            "[...document.querySelectorAll('ul.search li > a')].map(a => a.getAttribute('href'))"
        )
    assert found and not found[0].startswith(("api", "genindex"))
