"""The authors' published tables: fetched, refused where they are others, read whole."""

import hashlib
import os
import stat

import numpy as np
import pandas as pd
import pooch
import pytest

from simlib.datasets import paper
from simlib.datasets.paper import published_tables as reader

NAMES = [f"surrogate-{name}" if name != "hierarchy" else name for name in paper.PUBLISHED_TABLES]
SIEGEL = "surrogate-siegel2015"
HEADLINE = {  # first snapshot at 90% of the way, CKA and angular Procrustes; no interpolation
    "mante2013": (0.953, 0.480),
    "siegel2015": (np.nan, 0.771),
    "hatsopoulos2007": (0.961, 0.742),
    "majajhong2015": (np.nan, 0.787),
    "freemanziemba2013": (0.439, 0.429),
}

needs_tables = pytest.mark.skipif(
    paper.published_folder() is None,
    reason="the published tables are not on this machine: run `make scorecard`",
)


@needs_tables
def test_every_variable_is_read_under_our_names():
    table = paper.published_variables(["surrogate-mante2013", SIEGEL])
    names = table.groupby("dataset")["name"].unique().map(set)
    assert names["surrogate-mante2013"] == {"context", "choice", "motion", "colour"}
    assert names[SIEGEL] == {"context", "response", "direction", "colour"}
    main = paper.published_curves(["surrogate-mante2013", SIEGEL])
    context = table[table["name"] == "context"].drop(columns="name").reset_index(drop=True)
    keys = ["dataset", "published_measure", "step"]
    pd.testing.assert_frame_equal(
        context.sort_values(keys, ignore_index=True), main.sort_values(keys, ignore_index=True)
    )


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without the published tables."""
    monkeypatch.setenv("SIMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SIMLIB_SHARED", str(tmp_path / "shared"))
    return tmp_path / "data" / "published"


def test_a_refused_download_says_what_to_do(nowhere, monkeypatch):
    monkeypatch.setattr(reader, "published_folder", lambda: None)
    monkeypatch.setenv("SIMLIB_OFFLINE", "1")
    with pytest.raises(
        FileNotFoundError, match=r"SIMLIB_OFFLINE.*nacloos/diffscore-site at commit f7285477a4"
    ):
        paper.download_published()


def test_a_failed_download_says_what_to_do(nowhere, monkeypatch):
    monkeypatch.setattr(reader, "published_folder", lambda: None)
    monkeypatch.delenv("SIMLIB_OFFLINE", raising=False)
    monkeypatch.setattr(
        pooch.Pooch, "fetch", lambda *_, **__: (_ for _ in ()).throw(OSError("no network"))
    )
    with pytest.raises(FileNotFoundError, match=r"could not be downloaded.*no network.*put it at"):
        paper.download_published()


def test_an_interrupted_download_goes_on(nowhere, monkeypatch):
    first, *others = reader.HASHES
    (nowhere / first).parent.mkdir(parents=True)
    (nowhere / first).touch()
    asked = []
    monkeypatch.delenv("SIMLIB_OFFLINE", raising=False)
    monkeypatch.setattr(pooch.Pooch, "fetch", lambda self, path, **_: asked.append(path))
    assert paper.download_published() == nowhere
    assert set(asked) >= set(others)


def test_a_changed_file_is_refused(nowhere):
    folder = nowhere / paper.PUBLISHED_TABLES["siegel2015"].folder
    folder.mkdir(parents=True)
    for name in (reader.CAPTURES, reader.CURVES):
        (folder / name).write_text("score,measure\n0,cka\n")
    assert paper.published_folder() == nowhere
    with (
        pytest.warns(UserWarning, match=r"decoding_acc\.csv can't be used.*set aside"),
        pytest.raises(ValueError, match="is not the file published at commit"),
    ):
        paper.published_curves([SIEGEL])
    assert paper.published_curves([SIEGEL]).empty, "the next run goes on without it"


def test_damaged_tables_are_fetched_again_and_are_the_users(nowhere, monkeypatch):
    asked = []

    def fetch(self, path, **_):
        asked.append(path)
        place = nowhere / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(path)
        place.chmod(0o600)

    monkeypatch.delenv("SIMLIB_OFFLINE", raising=False)
    monkeypatch.setattr(pooch.Pooch, "fetch", fetch)
    content = {path: hashlib.sha256(path.encode()).hexdigest() for path in reader.HASHES}
    monkeypatch.setattr(reader, "HASHES", content)
    before = os.umask(0o027)
    try:
        paper.download_published()
    finally:
        os.umask(before)
    assert sorted(asked) == sorted(content) and paper.download_published() == nowhere
    assert len(asked) == len(content), "all are there"
    damaged = nowhere / asked[3]
    assert stat.S_IMODE(damaged.stat().st_mode) == 0o440
    damaged.chmod(0o644)
    damaged.write_text("")
    paper.download_published()
    assert damaged.read_text() == asked[3]


@needs_tables
def test_the_tables_are_read_whole():
    curves, captures = paper.published_curves(NAMES), paper.published_captures(NAMES)
    assert set(curves["dataset"]) == set(NAMES) == set(captures["dataset"])
    runs = curves.groupby(["dataset", "published_measure"])
    assert len(runs) == 6 * 7 - 1  # the tree has no linear regression
    assert (runs["step"].min() == 0).all() and (runs["score"].last() > 0.99).all()
    ratios = captures.groupby(["dataset", "published_measure"])["explained_variance"].sum()
    np.testing.assert_allclose(ratios, 1, atol=1e-6)


@needs_tables
@pytest.mark.parametrize("name", HEADLINE)
def test_the_published_crossings_are_those_of_the_headline(name):
    entry, curves = paper.PUBLISHED_TABLES[name], paper.published_curves([name])
    target = entry.chance + 0.9 * (entry.reference - entry.chance)
    for measure, expected in zip(("cka", "procrustes-angular-score"), HEADLINE[name], strict=True):
        curve = curves[(curves["published_measure"] == measure) & (curves["value"] >= target)]
        found = curve["score"].iloc[0] if len(curve) else np.nan
        np.testing.assert_allclose(found, expected, atol=6e-4)
