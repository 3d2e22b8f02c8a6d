"""Mend in the written pages what the theme's own templates leave unreadable to a screen reader."""

import re
from pathlib import Path

MENDED = [
    # A button is named by the text that it shows.
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'(<button class="btn search-button-field [^>]*?) aria-label="Search"', r"\1"),
    (r'(<i class="theme-switch [^>]*?)\s+title="[^"]*"', r"\1"),
    # One that shows an icon alone has a name; what stands beside the text lies in a landmark.
    (r'<summary>(?=<span class="toctree-toggle")', '<summary aria-label="Pages of this part">'),
    (
        r'<div id="pst-primary-sidebar" class',
        '<div id="pst-primary-sidebar" role="navigation" aria-label="Book" class',
    ),
    # References are no list items, and their role is no longer one.
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    (r' role="doc-biblioentry"', ""),
]
ANCHOR = re.compile(r"<svg\b.*?</svg>|(<[a-z][^<>]*?) id=\"([^\"]*)\"", re.S)


def setup(app):
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mend(app, exception) -> None:
    """Every page of a finished build; one that is mended already stays as it is."""
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = mended = page.read_text()
        for pattern, replacement in MENDED:
            mended = re.sub(pattern, replacement, mended)
        mended = once(mended)
        if mended != text:
            page.write_text(mended)


def once(text: str) -> str:
    """Each anchor where it is first; the parts of drawings keep theirs."""
    seen = set()

    def keep(found: re.Match) -> str:
        if found[2] in seen:
            return found[1]
        if found[2]:
            seen.add(found[2])
        return found[0]

    return ANCHOR.sub(keep, text)
