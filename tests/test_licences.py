"""Every package that the lock names has a licence that is known, and the book's page lists it."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def licences(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book"))
    return importlib.import_module("licences")


def test_no_installed_package_is_without_a_known_licence(licences):
    _, rows = licences.packages()
    assert len(rows) > 100
    known = re.compile("MIT|BSD|Apache|MPL|PSF|Python Software Foundation|ISC")
    assert not [name for name, _, licence, _ in rows if not known.search(licence)]


def test_every_package_of_the_lock_is_in_the_table_or_named_below_it(licences):
    _, rows = licences.packages()
    below = licences.elsewhere()
    for name in licences.named():
        assert name in {row[0] for row in rows} or re.search(rf"[ ]{re.escape(name)}[,.;]", below)


def test_what_the_book_carries_comes_from_packages_of_the_book(licences):
    _, rows = licences.carried()
    assert all(cell for row in rows for cell in row)
    theirs = {name for _, name, _ in rows if not name.endswith("(npm)")}
    assert {licences.named()[name] for name in theirs} == {"library and book"}


def test_what_the_repository_holds_of_others_is_listed_with_its_licence(licences):
    listed = {name.removesuffix(" (npm)"): licence for _, name, licence in licences.carried()[1]}
    for folder in (ROOT / "book" / "third_party").iterdir():
        text = " ".join((folder / "LICENSE").read_text().split())
        assert listed[folder.name] == "MIT" and "Permission is hereby granted, free of" in text


@pytest.mark.parametrize(
    "metadata, licence",
    [
        ("License-Expression: MIT\nLicense: something else", "MIT"),
        ("License: BSD-3-Clause", "BSD-3-Clause"),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License", "BSD License"),
        (
            "License: Copyright 2015 somebody\nClassifier: License :: OSI Approved :: MIT License",
            "MIT License",
        ),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved", ""),
        ("Author: nobody", ""),
    ],
)
def test_a_licence_is_what_the_package_says(licences, tmp_path, monkeypatch, metadata, licence):
    place = tmp_path / "odd-1.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: odd\nVersion: 1\n{metadata}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert licences.licence("odd") == licence
