"""Every link and anchor of the built book leads somewhere, and those that lead out are listed."""

import functools
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from built_book import HTML, needs_book, pages

pytestmark = needs_book


class Links(HTMLParser):
    """Where a page links to, and the anchors that it has."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.outside, self.anchors, self.twice = [], set(), set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if "id" in given and given["id"] in self.anchors:
            self.twice.append(given["id"])
        self.anchors |= {given[key] for key in ("id", "name") if given.get(key)}
        self.links += [given[key] for key in ("href", "src") if given.get(key)]
        if tag == "a" and urlsplit(given.get("href") or "").scheme in ("http", "https"):
            self.outside.add(given["href"].partition("#")[0])


@functools.cache
def parsed(page: Path) -> Links:
    return Links(page.read_text())


@pytest.mark.parametrize("name", pages())
def test_links_and_anchors_resolve(name):
    page, broken = HTML / f"{name}.html", []
    for link in parsed(page).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not target.is_file():
            broken.append(link)
        elif parts.fragment and target.suffix == ".html":
            if unquote(parts.fragment) not in parsed(target).anchors:
                broken.append(link)
    assert not broken


@pytest.mark.parametrize("name", pages())
def test_an_anchor_is_there_once(name):
    assert not parsed(HTML / f"{name}.html").twice


def test_links_that_lead_out_are_listed_and_name_no_placeholder():
    lines = (HTML / "external_links.txt").read_text().splitlines()
    listed = {line.split()[0] for line in lines}
    linked = set().union(*(parsed(HTML / f"{name}.html").outside for name in pages()))
    assert linked == listed
    made_up = re.compile(r"OWNER|example\.(com|org)|localhost|executablebooks", re.I)
    assert not [link for link in listed if made_up.search(link)]
