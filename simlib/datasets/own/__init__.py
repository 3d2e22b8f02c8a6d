"""Recordings of your own: files of many types, arrays and tables, checked and completed."""

from simlib.datasets.own.files import read, runs, save
from simlib.datasets.own.hdf5 import check_hdf5
from simlib.datasets.own.intake import from_xarray
from simlib.datasets.own.matlab import Held, mat_contents
from simlib.datasets.own.parts import first_bytes
from simlib.datasets.own.process import apart
from simlib.datasets.own.tables import from_table
from simlib.datasets.own.unwritten import refuse_unwritten

__all__ = [
    "Held",
    "apart",
    "check_hdf5",
    "first_bytes",
    "from_table",
    "from_xarray",
    "mat_contents",
    "read",
    "refuse_unwritten",
    "runs",
    "save",
]
