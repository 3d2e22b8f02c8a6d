"""The paper's five recordings and one more, the authors' result tables, and what of these is on
this machine.
"""

from simlib.datasets.paper.brainscore import freemanziemba2013, majajhong2015
from simlib.datasets.paper.downloads import SOURCES, Source, download
from simlib.datasets.paper.dyer import dyer2017
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
    published_variables,
    read_published,
)
from simlib.datasets.paper.recordings import at_hand, recordings_note
from simlib.datasets.paper.siegel import siegel2015

__all__ = [
    "CAPTURES",
    "CURVES",
    "PUBLISHED_TABLES",
    "SOURCES",
    "Source",
    "at_hand",
    "download",
    "download_published",
    "dyer2017",
    "freemanziemba2013",
    "hatsopoulos2007",
    "majajhong2015",
    "mante2013",
    "published_captures",
    "published_curves",
    "published_folder",
    "published_note",
    "published_variables",
    "read_published",
    "recordings_note",
    "siegel2015",
]
