"""The whole book as one page, by plain Sphinx, and that page as one PDF.

    python book/one_file.py

Sphinx takes the configuration that Jupyter Book writes for it (`jupyter-book config sphinx`), on a
copy of the sources: the book needs nothing else of Jupyter Book than that.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import browser

BOOK = Path(__file__).resolve().parent
PDF = BOOK / "_build" / "what-does-a-similarity-score-tell-you.pdf"
NO_SOURCES = ("_build", "_failed", "__pycache__")
# A state of what moves, in the address; in the one page such a link is one to its place.
STATE = re.compile(r'href="(?:[\w/.]+\.html)?\?[^"#]*(#[^"]*)"')
PLACE, LINK = re.compile('<span id="document-([^"]+)"'), re.compile(r'href="(\w+\.html)(#[^"]*)?"')
EVERY_IMAGE = """() => Promise.all([...document.images].map(image => {
  image.loading = 'eager';
  return image.decode();
}))"""
FORMAT = {"format": "A4", "margin": dict.fromkeys(("top", "bottom", "left", "right"), "15mm")}


def main() -> int:
    if not browser.chromium():
        print("no chromium found: install it, or name it in CHROMIUM", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        page = build(Path(folder))
        PDF.parent.mkdir(exist_ok=True)
        with browser.launched() as running:
            print_page(running, page.as_uri(), PDF)
    print(f"The book in one file: {PDF}")
    return 0


def build(folder: Path) -> Path:
    """All pages as one, by plain Sphinx; the file of that page."""
    sources, out = folder / "book", folder / "out"
    shutil.copytree(BOOK, sources, ignore=shutil.ignore_patterns(*NO_SOURCES))
    scripts = Path(sys.executable).parent
    paths = os.pathsep.join([str(sources / "_ext"), os.environ.get("PYTHONPATH", "")])
    run = {"check": True, "env": {**os.environ, "PYTHONPATH": paths}, "stdout": subprocess.DEVNULL}
    subprocess.run([scripts / "jupyter-book", "config", "sphinx", sources], **run)
    subprocess.run([scripts / "sphinx-build", "-b", "singlehtml", "-q", sources, out], **run)
    (page,) = [found for found in out.glob("*.html") if found.name != "index.html"]
    page.write_text(within(page.read_text()))
    return page


def within(text: str) -> str:
    """Links to pages, where Sphinx didn't write them, as links to these pages in the one page."""
    places = {f"{name.rpartition('/')[2]}.html": name for name in PLACE.findall(text)}

    def inside(found: re.Match) -> str:
        name, anchor = places.get(found[1]), found[2]
        return f'href="{anchor or f"#document-{name}"}"' if name else found[0]

    return LINK.sub(inside, STATE.sub(r'href="\1"', text))


def print_page(running, address: str, path: Path) -> None:
    """A page as a PDF, as the browser prints it."""
    page = running.new_page()
    page.set_default_timeout(600_000)  # it is long
    page.goto(address)
    page.evaluate(EVERY_IMAGE)
    page.emulate_media(media="print", color_scheme="light")
    page.pdf(path=path, print_background=True, **FORMAT)
    page.close()


if __name__ == "__main__":
    sys.exit(main())
