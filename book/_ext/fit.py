"""Fit what a page shows to the screen: images get their size and, for a phone, their narrow view;
tables get what turns their rows into cards there; the search finds pages before functions.
"""

import re
import struct
from pathlib import Path

from bs4 import BeautifulSoup, Tag

PHONE = "(max-width: 600px)"
CARDS_FROM = 3  # columns
NUMBER = re.compile(r"\(?[+−-]?[\d.]+(?:e[−-]?\d+)?\s*[%×]?\)?|–")
SVG_SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)(?:pt)?" height="([\d.]+)(?:pt)?"')
NARROW = re.compile(r'<view id="narrow" viewBox="\S+ \S+ (\S+) (\S+)"')


def setup(app):
    app.connect("config-inited", ranked)
    app.connect("html-page-context", fit)
    return {"parallel_read_safe": True}


def ranked(app, config) -> None:
    """The search's own order: a path from the working folder, wherever that is."""
    config.html_search_scorer = str(Path(__file__).with_name("search.js"))


def fit(app, page: str, template: str, context: dict, doctree) -> None:
    """Rewrite the body of a page of the book."""
    if doctree is None or not re.search("<img|<table", context.get("body", "")):
        return
    files = {name: Path(app.srcdir) / path for path, name in app.builder.images.items()}
    body = BeautifulSoup(context["body"], "html.parser")
    for image in body.find_all("img"):
        file = files.get(image["src"].rpartition("/")[2])
        if file and file.exists():
            sized(body, image, file)
    for table in body.find_all("table"):
        labelled(table)
    context["body"] = str(body)


def sized(body: BeautifulSoup, image: Tag, file: Path) -> None:
    """Width and height of an image, so that nothing moves when it arrives."""
    if file.suffix == ".png":
        image["width"], image["height"] = struct.unpack(">II", file.read_bytes()[16:24])
    if file.suffix != ".svg":
        return
    text = file.read_text()
    image["width"], image["height"] = (round(float(x)) for x in SVG_SIZE.search(text).groups())
    if view := NARROW.search(text):
        width, height = (round(float(x) / 0.75) for x in view.groups())
        address = f"{image['src']}#narrow"
        source = body.new_tag(
            "source", media=PHONE, srcset=address, width=str(width), height=str(height)
        )
        image["style"] = f"--narrow: {width} / {height}"
        image.wrap(body.new_tag("picture")).insert(0, source)


def labelled(table: Tag) -> None:
    """Name in each cell the column it belongs to; align columns of numbers."""
    heads = table.select("thead tr")
    rows = [row for row in table.select("tbody tr") if "group" not in row.get("class", [])]
    names = [cell.get_text(" ", strip=True) for cell in heads[0].find_all("th")] if heads else []
    cells = [row.find_all(["td", "th"]) for row in rows]
    if len(heads) != 1 or not rows or any(len(row) != len(names) for row in cells):
        return
    for k, name in enumerate(names):
        column = [row[k] for row in cells]
        texts = [cell.get_text(strip=True) for cell in column]
        numbers = any(texts) and all(NUMBER.fullmatch(text) for text in texts if text)
        for cell in column:
            cell["data-label"] = name
        for cell in [heads[0].find_all("th")[k], *column] if numbers else []:
            cell["class"] = [*cell.get("class", []), "number"]
    if len(names) >= CARDS_FROM:
        table["class"] = [*table.get("class", []), "cards"]
