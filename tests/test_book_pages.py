"""Every page of the built book in a real browser, opened twice: from the disk on a wide screen, and
from a server on a phone, then made wide and dark. It is complete, readable in all these states,
keeps no reader out, and asks no other host for anything.

axe-core looks for what keeps a reader out. `make checker` fetches it; its version and checksum
stand in axe-core.sha256.
"""

import os
from itertools import product
from pathlib import Path

import pytest
from built_book import (
    CUT,
    HTML,
    MADE_BY_SPHINX,
    WIDTHS,
    findings,
    needs_book,
    needs_chromium,
    opened,
    pages,
    show,
)

pytestmark = [pytest.mark.browser, needs_chromium, needs_book]

HEAVIEST, HOME = 2_500_000, 1_000_000  # bytes, uncompressed
WITH_FORMULAS = ["intro", "measures", "figures/theory_sensitivity"]
SHOTS = os.environ.get("SCREENSHOTS")  # a folder; empty: no pictures are taken
SMALL = 360  # pixels of a small phone
READABLE = {390: 0.88, 1280: 0.97}  # of its drawn size, where its least text has 11 pixels
SHIFT = """window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach(
  (one) => { window.shift += one.value; })).observe({type: 'layout-shift', buffered: true})"""
SIZES = "[...document.querySelectorAll('article img')].map(i => [i.src, i.width * i.height])"
WEIGHT = """() => performance.getEntriesByType('resource')
  .concat(performance.getEntriesByType('navigation'))
  .reduce((sum, one) => sum + one.decodedBodySize, 0)"""
LOADED = """() => Promise.all([...document.images].map(image => {
  image.loading = 'eager';
  return image.decode().catch(() => null);
}))"""
CONTENT = """() => ({
  pictures: [...document.images].map(i => [i.src.slice(0, 100), i.alt, i.naturalWidth]),
  formulas: document.querySelectorAll('article math').length,
  unset: [...document.querySelectorAll('.math')].filter(m => !m.querySelector('math')).length
    + document.querySelectorAll('merror').length,
  titles: document.querySelectorAll('article h1').length,
  cells: [...document.querySelectorAll('article table td')].map(c => c.textContent.trim()),
  headless: [...document.querySelectorAll('article thead tr')].filter(
    row => row.cells[1] && ![...row.cells].slice(1).some(c => c.textContent.trim())).length,
  banned: document.querySelectorAll('script[src*=MathJax], script[src*=fontawesome]').length,
})"""
# Figures by the share of their drawn size at which they are shown. A window made wider leaves
# Chromium's currentSrc behind, so the source's own rule says which drawing it is.
SHOWN = """() => [...document.querySelectorAll('article figure img')].map(i => {
  const source = i.parentElement.querySelector('source');
  const narrow = source && matchMedia(source.media).matches;
  return [i.src.slice(-40),
    i.getBoundingClientRect().width / (narrow ? source.width : i.naturalWidth)];
})"""
# Whether a figure's picture shows something: colours of its pixels, drawn small.
DRAWN = """async () => {
  const blank = [];
  for (const image of document.querySelectorAll('article figure img')) {
    image.loading = 'eager';
    await image.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [120, 120];
    const pen = canvas.getContext('2d');
    pen.drawImage(image, 0, 0, 120, 120);
    const colours = new Set(new Uint32Array(pen.getImageData(0, 0, 120, 120).data.buffer));
    if (colours.size < 8) blank.push(image.src.slice(-60));
  }
  return blank;
}"""
# How wide the page is, and the pictures that reach beyond the window and can't be scrolled.
BEYOND = """() => {
  const scrolls = box => box
    && (getComputedStyle(box).overflowX == 'auto' || scrolls(box.parentElement));
  return [document.documentElement.scrollWidth,
    [...document.querySelectorAll('article img')]
    .filter(i => i.getBoundingClientRect().right > innerWidth && !scrolls(i.parentElement))
    .map(i => i.src.slice(-60))];
}"""


def keep_picture(page, width: int, path: Path) -> None:
    """The whole page, or as much of it as the browser draws at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height = min(16_000, page.evaluate("document.documentElement.scrollHeight"))
    shown = {"x": 0, "y": 0, "width": width, "height": height}
    slow = {"full_page": True, "timeout": 120_000}
    page.screenshot(path=path, clip=shown, type="jpeg", quality=60, **slow)


@pytest.fixture(scope="module", params=[name for name in pages() if name != "index"])
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def on_disk(name, browser) -> dict:
    """What the page shows that is opened as a file, on a wide screen."""
    with opened(browser, (HTML / f"{name}.html").as_uri(), width=1280) as (page, faults):
        page.evaluate(LOADED)
        return {
            "content": page.evaluate(CONTENT),
            "beyond": {1280: page.evaluate(BEYOND)},
            "shown": {1280: page.evaluate(SHOWN)},
            "faults": list(faults),
        }


@pytest.fixture(scope="module")
def served(name, browser, server, axe) -> dict:
    """What the page shows that is served: opened on a phone, then in all states."""
    seen = {"found": [], "cut": {}, "shown": {}, "beyond": {}}
    with opened(browser, f"{server}/{name}.html", width=390, script=SHIFT) as (page, faults):
        seen["shifts"] = [page.evaluate("window.shift")]
        # A busy machine may paint half a page first; what moves by itself always does.
        while seen["shifts"][-1] >= 0.1 and len(seen["shifts"]) < 3:
            page.reload(wait_until="networkidle")
            seen["shifts"].append(page.evaluate("window.shift"))
        seen["sizes"] = page.evaluate(SIZES)
        page.evaluate(LOADED)
        seen |= {"content": page.evaluate(CONTENT), "weight": page.evaluate(WEIGHT)}
        page.add_style_tag(content="* { transition: none !important; animation: none !important }")
        page.evaluate(axe)
        seen["blank"] = page.evaluate(DRAWN)
        for theme, (word, width) in product(("light", "dark"), WIDTHS.items()):
            show(page, theme, width)
            seen["found"] += [[theme, width, *one] for one in findings(page)]
            seen["cut"][theme, width] = page.evaluate(CUT)
            seen["shown"][width] = page.evaluate(SHOWN)
            seen["beyond"][width] = page.evaluate(BEYOND)
            if SHOTS:
                keep_picture(page, width, Path(SHOTS) / theme / word / f"{name}.jpg")
        show(page, "light", SMALL)
        seen["beyond"][SMALL] = page.evaluate(BEYOND)
        return seen | {"faults": list(faults)}


@pytest.fixture(params=["on_disk", "served"])
def seen(request, name) -> dict:
    """Either of the two visits to this page."""
    return request.getfixturevalue(request.param)


def test_no_error_and_no_request_elsewhere_in_any_state(seen):
    assert not seen["faults"]


def test_a_page_is_complete(name, seen):
    content = seen["content"]
    for source, alt, width in content["pictures"]:
        assert alt.strip(), f"no alt text: {source}"
        assert width > 0, f"not loaded: {source}"
    assert not content["unset"], "formulas that are not typeset"
    assert content["formulas"] or name not in WITH_FORMULAS
    assert content["titles"] == 1 or name in MADE_BY_SPHINX


def test_a_page_is_no_wider_than_the_window(seen):
    for width, (found, pictures) in seen["beyond"].items():
        assert found <= width
        assert not pictures, "images that reach beyond the window and can't be scrolled"


def test_the_text_of_figures_is_readable(seen):
    for width, figures in seen["shown"].items():
        assert not [source for source, ratio in figures if ratio < READABLE[width]], width


def test_tables_are_written_for_readers(seen):
    assert not {"True", "False", "nan", "NaN", "None"} & set(seen["content"]["cells"])
    assert not seen["content"]["headless"]


def test_images_have_a_size_and_nothing_moves(served):
    assert not [source for source, size in served["sizes"] if not size]
    assert min(served["shifts"]) < 0.1


def test_a_page_is_light(name, served):
    assert 0 < served["weight"] < (HOME if name == "intro" else HEAVIEST)
    assert not served["content"]["banned"]


def test_nothing_keeps_a_reader_out(served):
    assert not served["found"]


@pytest.mark.parametrize("kind", ["equation", "picture", "table"])
def test_nothing_is_cut_sideways(served, kind):
    assert not [state for state, cut in served["cut"].items() for what, _ in cut if what == kind]


def test_every_figure_shows_something(served):
    assert not served["blank"]


def test_a_turned_phone_shows_the_drawing_of_its_width(browser, server):
    def pictures(*widths):
        with opened(browser, f"{server}/cards/cka.html", width=widths[0]) as (page, _):
            page.evaluate(LOADED)
            for width in widths:
                show(page, "light", width)
            page.evaluate(LOADED)
            return [
                image.screenshot() for image in page.locator("article figure picture img").all()
            ]

    narrow, wide = pictures(390), pictures(1280)
    assert len(narrow) > 3
    assert all(phone != screen for phone, screen in zip(narrow, wide, strict=True))
    assert pictures(390, 1280) == wide
    assert pictures(1280, 390) == narrow


# -- What is looked for is found


FAULTS = {
    "image-alt": "<img src='_static/score_vs_decodability.png'>",
    "button-name": "<button></button>",
    "color-contrast": "<p style='color: #777; background: #888'>Too pale to read</p>",
    "link-name": "<a href='intro.html'></a>",
    "label": "<input type=text>",
}


@pytest.mark.parametrize("rule", FAULTS)
def test_an_injected_fault_is_found(browser, server, axe, rule):
    with opened(browser, f"{server}/reexecute.html") as (page, _):
        page.evaluate(axe)
        page.evaluate(
            "html => document.querySelector('article').insertAdjacentHTML('beforeend', html)",
            FAULTS[rule],
        )
        assert rule in [found[1] for found in findings(page)]


def test_a_blank_figure_is_found(browser, server):
    with opened(browser, f"{server}/figures/score_vs_decodability.html") as (page, _):
        page.evaluate(
            """() => {
              const canvas = document.createElement('canvas');
              const image = document.querySelector('article figure img');
              image.removeAttribute('srcset');
              image.src = canvas.toDataURL();
            }"""
        )
        assert page.evaluate(DRAWN)


def test_what_is_too_wide_and_what_moves_is_found(browser, server):
    with opened(browser, f"{server}/intro.html", width=390, script=SHIFT) as (page, _):
        before = page.evaluate("window.shift")
        page.evaluate(
            """() => document.querySelector('article').insertAdjacentHTML('afterbegin',
              '<div style="height: 300px; width: 2000px"><table><tr><td style="min-width: 1999px">'
              + 'nan</td></tr></table></div>')"""
        )
        page.wait_for_function("before => window.shift > before", arg=before)
        assert page.evaluate(BEYOND)[0] > 390
        assert ["table", "nan"] in page.evaluate(CUT)
        assert "nan" in page.evaluate(CONTENT)["cells"]
