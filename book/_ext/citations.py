"""Plain names and years as citations: `Tang et al. 2020` becomes a link to its reference."""

import functools
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from pybtex.database import parse_file

BIBLIOGRAPHY = Path(__file__).resolve().parent.parent / "references.bib"
# `Tang et al. 2020`, `Harvey, Larsen & Williams 2023`, `Lange et al.`: what a page cites instead.
NAME = r"[A-Z][^\W\d_]+(?:-[A-Z][^\W\d_]+)?"
PLAIN = re.compile(
    rf"(?:{NAME},\s+)*{NAME}(?:\s+et\s+al\.|\s+(?:&|and)\s+{NAME}),?\s+\(?(?:19|20)\d\d"
    rf"|{NAME}\s+et\s+al\b"
)


def plain(name: str) -> str:
    """A name without accents, as docstrings write it."""
    letters = unicodedata.normalize("NFD", name).replace("ø", "o")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@functools.cache
def labels() -> dict[str, str]:
    """The forms in which text names each reference -> its key."""
    found = {}
    for key, entry in parse_file(BIBLIOGRAPHY).entries.items():
        names = [" ".join(map(str, one.rich_last_names)) for one in entry.persons["author"]]
        names, year = [plain(name) for name in names], entry.fields["year"]
        if len(names) > 2:
            found[f"{names[0]} et al. {year}"] = key
        listed = f"{', '.join(names[:-1])} & {names[-1]}" if len(names) > 1 else names[0]
        found[f"{listed} {year}"] = key
    return found


def cited(text: str, role: Callable[[str], str]) -> str:
    """The text with every reference that it names replaced by `role(key)`."""
    longest = sorted(labels(), key=len, reverse=True)
    named = "|".join(re.escape(label).replace(r"\ ", r"\s+") for label in longest)
    return re.sub(
        rf"\b(?:{named})\b", lambda found: role(labels()[" ".join(found[0].split())]), text
    )
