"""Every page in both themes, wide and narrow: nothing that keeps a reader out.

axe-core looks for it. `make checker` fetches it; its version and checksum stand in axe-core.sha256.
"""

import os
from pathlib import Path
from typing import NamedTuple

import pytest
from built_book import needs_book, needs_chromium, opened, pages

pytestmark = [pytest.mark.browser, needs_chromium, needs_book]

SHOTS = os.environ.get("SCREENSHOTS")  # a folder; empty: no pictures are taken
WIDTHS = {"wide": 1280, "narrow": 390}
AXE = """() => axe.run(document,
    {resultTypes: ['violations'], preload: false}
  ).then(found => found.violations.flatMap(rule => rule.nodes.map(
    node => [rule.impact, rule.id, node.target.join(' '), node.html.slice(0, 100)])))"""
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
# What reaches beyond the window or the box that it scrolls in, by its kind; a box of the class
# `scrolls` shows that it does.
CUT = """() => {
  const kinds = {
    equation: '.formula-body, math',
    picture: 'img, figure svg',
    table: 'table',
  };
  const edge = box => {
    let right = innerWidth;
    for (let around = box.parentElement; around; around = around.parentElement)
      if (getComputedStyle(around).overflowX != 'visible')
        right = Math.min(right, around.getBoundingClientRect().right);
    return right;
  };
  return Object.entries(kinds).flatMap(([kind, boxes]) =>
    [...document.querySelectorAll('article')].flatMap(text => [...text.querySelectorAll(boxes)])
    .filter(box => box.checkVisibility() && !box.closest('.scrolls'))
    .filter(box => Math.max(box.getBoundingClientRect().right,
      box.getBoundingClientRect().left + box.scrollWidth) > edge(box) + 2)
    .map(box => [kind, (box.alt || box.innerText || box.textContent || '').slice(0, 60)]));
}"""


class Seen(NamedTuple):
    """What a visit to a page found: of axe-core in four states, what is cut at each width, pictures
    that show nothing, errors and requests elsewhere.
    """

    found: list
    cut: dict[int, list]
    blank: list[str]
    faults: list[str]


def show(page, theme: str, width: int) -> None:
    """The page in this state."""
    page.evaluate(
        "theme => Object.assign(document.documentElement.dataset, {theme, mode: theme})", theme
    )
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn, 50)))")


def keep_picture(page, width: int, path: Path) -> None:
    """The whole page, or as much of it as the browser draws at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height = min(16_000, page.evaluate("document.documentElement.scrollHeight"))
    shown = {"x": 0, "y": 0, "width": width, "height": height}
    slow = {"full_page": True, "timeout": 120_000}
    page.screenshot(path=path, clip=shown, type="jpeg", quality=60, **slow)


def findings(page) -> list:
    """What axe-core finds, but for what it calls minor."""
    return [found for found in page.evaluate(AXE) if found[0] != "minor"]


@pytest.fixture(scope="module", params=[name for name in pages() if name != "index"])
def seen(request, browser, server, axe) -> Seen:
    """One visit to each page, for all tests of this file."""
    name, found, cut = request.param, [], {}
    with opened(browser, f"{server}/{name}.html") as (page, faults):
        page.add_style_tag(content="* { transition: none !important; animation: none !important }")
        page.evaluate(axe)
        blank = page.evaluate(DRAWN)
        for theme in ("light", "dark"):
            for word, width in WIDTHS.items():
                show(page, theme, width)
                found += [[theme, width, *one] for one in findings(page)]
                cut[width] = page.evaluate(CUT)
                if SHOTS:
                    keep_picture(page, width, Path(SHOTS) / theme / word / f"{name}.jpg")
        return Seen(found, cut, blank, faults)


def test_nothing_keeps_a_reader_out(seen):
    assert not seen.found


@pytest.mark.parametrize("kind", ["equation", "picture", "table"])
@pytest.mark.parametrize("width", WIDTHS.values())
def test_nothing_is_cut_sideways(seen, kind, width):
    assert not [what for found, what in seen.cut[width] if found == kind]


def test_every_figure_shows_something(seen):
    assert not seen.blank


def test_no_error_and_no_request_elsewhere_in_any_state(seen):
    assert not seen.faults


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
