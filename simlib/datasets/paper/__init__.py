"""The paper's five recordings, the authors' result tables, and what of both is on this machine."""

from simlib.datasets.paper.at_hand import REACHING, recordings_at_hand, recordings_note
from simlib.datasets.paper.brainscore import freemanziemba2013, majajhong2015
from simlib.datasets.paper.downloads import SOURCES, Source, download
from simlib.datasets.paper.hatsopoulos import hatsopoulos2007
from simlib.datasets.paper.mante import mante2013
from simlib.datasets.paper.published_tables import (
    CAPTURES,
    CURVES,
    PUBLISHED_TABLES,
    download_published,
    published_captures,
    published_curves,
    published_folder,
    published_note,
    read_published,
    shared_folder,
)
from simlib.datasets.paper.siegel import siegel2015

__all__ = [
    "CAPTURES",
    "CURVES",
    "PUBLISHED_TABLES",
    "REACHING",
    "SOURCES",
    "Source",
    "download",
    "download_published",
    "freemanziemba2013",
    "hatsopoulos2007",
    "majajhong2015",
    "mante2013",
    "published_captures",
    "published_curves",
    "published_folder",
    "published_note",
    "read_published",
    "recordings_at_hand",
    "recordings_note",
    "shared_folder",
    "siegel2015",
]
