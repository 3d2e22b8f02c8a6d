"""The built book that the browser's tests open, in BOOK_HTML (a folder) or in book/_build/html, and
what several of them ask of a page.
"""

import contextlib
import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HTML = Path(os.environ.get("BOOK_HTML", ROOT / "book" / "_build" / "html"))
MADE_BY_SPHINX = {"genindex", "py-modindex", "search", "index"}
WIDTHS = {"narrow": 390, "wide": 1280}
AXE = """() => axe.run(document,
    {resultTypes: ['violations'], preload: false}
  ).then(found => found.violations.flatMap(rule => rule.nodes.map(
    node => [rule.impact, rule.id, node.target.join(' '), node.html.slice(0, 100)])))"""
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


def of_book(name: str):
    """A script of the book, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "book" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


chromium = of_book("browser")
needs_chromium = pytest.mark.skipif(
    not chromium.chromium(), reason="no chromium found: install it, or name it in CHROMIUM"
)
needs_book = pytest.mark.skipif(
    not (HTML / "intro.html").exists(),
    reason=f"no book in {HTML}: run `make book QUICK=1` first",
)


def pages() -> list[str]:
    """Every page of the book, without its ending."""
    found = [
        found for part in ("", "figures/", "cards/", "api/") for found in HTML.glob(f"{part}*.html")
    ]
    return [str(page.relative_to(HTML).with_suffix("")) for page in sorted(found)]


@contextlib.contextmanager
def opened(
    browser, address: str, width: int = 1280, theme: str = "light", script: str | None = None
):
    """A page, and what went wrong on it: requests elsewhere (refused), failed ones, errors on the
    console. The script, if any, runs before those of the page.
    """
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    faults = []
    home = address if address.startswith("file:") else "/".join(address.split("/")[:3])
    inside = "file:" if home.startswith("file:") else home

    def only_here(route):
        url = route.request.url
        if url.startswith((inside, "data:", "blob:")):
            return route.continue_()
        faults.append(f"asks another host: {url}")
        return route.abort()

    page.route("**/*", only_here)
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    page.on(
        "response",
        lambda answer: (
            faults.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None
        ),
    )
    page.on(
        "console",
        lambda message: (
            faults.append(f"console: {message.text}") if message.type == "error" else None
        ),
    )
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    if script:
        page.add_init_script(script)
    try:
        page.goto(address)
        if not address.startswith("file:"):  # a file is there once it is loaded
            page.wait_for_load_state("networkidle")
        yield page, faults
    finally:
        page.close()


def show(page, theme: str, width: int) -> None:
    """The page in this state."""
    page.evaluate(
        "theme => Object.assign(document.documentElement.dataset, {theme, mode: theme})", theme
    )
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn, 50)))")


def findings(page) -> list:
    """What axe-core, which the page was given, finds, but for what it calls minor."""
    return [found for found in page.evaluate(AXE) if found[0] != "minor"]
