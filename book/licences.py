"""Licences of the packages that the lock names, from what is installed, and of what the built book
carries of them.
"""

import importlib.metadata
import re

import install

USES = {"book": "library and book", "test": "tests", "cuda": "torch on Linux with CUDA"}
# What pages load or show of others: package (the lock's name), files, licence where not its own.
CARRIED = [
    ("pydata-sphinx-theme", "styles and scripts of the theme", ""),
    ("pydata-sphinx-theme", "Bootstrap, in its styles and scripts", "MIT"),
    ("pydata-sphinx-theme", "Font Awesome, of which the first icons", "OFL-1.1, CC-BY-4.0, MIT"),
    ("sphinx-book-theme", "styles and scripts of the theme", ""),
    ("sphinx", "search, highlighting of what was found", ""),
    ("pygments", "colours of code", ""),
    ("myst-nb", "styles of cells", ""),
    ("sphinx-design", "styles of cards and buttons", ""),
    ("sphinx-copybutton", "the button that copies code, clipboard.js in it", ""),
    ("sphinx-togglebutton", "folding", ""),
    ("sphinx-thebe", "styles and a script that starts nothing here", ""),
    ("sphinx-proof", "styles of theorems", ""),
    ("ziamath", "STIX Two Math, of which the signs of the formulas", "OFL-1.1"),
    ("fflate (npm)", "reading .npz files in the page that scores two arrays", "MIT"),
    ("ml-matrix (npm)", "decompositions in the page that scores two arrays", "MIT"),
]


def licence(name: str) -> str:
    """Of an installed package: its SPDX expression where it gives one, else its own words; "" where
    it says nothing.
    """
    said = importlib.metadata.metadata(name)
    words = (said.get("License") or "").strip()
    classes = [one for one in said.get_all("Classifier") or () if one.startswith("License ::")]
    named = ", ".join(one.split(" :: ")[-1] for one in classes if not one.endswith("OSI Approved"))
    short = words if re.fullmatch(r"[\w .()+-]{2,40}", words) and words != "UNKNOWN" else ""
    return said.get("License-Expression") or (
        short if short and "Copyright" not in short else named
    )


def named() -> dict[str, str]:
    """The packages of the lock, each with where it is used."""
    parts = install.read().items()
    return {line.partition("==")[0]: USES[part] for part, lines in parts for line in lines}


def version(name: str) -> str:
    """Of an installed package; "" of one that isn't."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def packages() -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of those that are installed."""
    rows = [
        [name, version(name), licence(name), use]
        for name, use in sorted(named().items())
        if version(name)
    ]
    return ["Package", "Version", "Licence", "Used by"], rows


def elsewhere() -> str:
    """What the lock names and this environment leaves out."""
    by_use: dict[str, list[str]] = {}
    for name, use in sorted(named().items()):
        if not version(name):
            by_use.setdefault(use, []).append(name)
    lists = [f"{use}: {', '.join(names)}" for use, names in by_use.items()]
    return f"Named by the lock, not installed where this page was made: {'; '.join(lists)}."


def carried() -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of what the built book carries."""
    rows = [[what, name, own or licence(name)] for name, what, own in CARRIED]
    return ["What the pages carry", "From the package", "Licence"], rows
