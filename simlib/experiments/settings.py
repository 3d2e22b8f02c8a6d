"""Quick or paper: how a run is shrunk for a first look, and how its tables say so."""

import os
from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from simlib import datasets
from simlib.experiments.store import Source

QUICK_SIZE = {"trials": 64, "neurons": 40}
# Surrogates whose main variable can still be decoded at QUICK_SIZE; the others keep their full
# size.
QUICK_SURROGATES = ("surrogate-siegel2015", "surrogate-hatsopoulos2007")


def is_quick(quick: bool) -> bool:
    """True where the notebook asks for it or `SIMLIB_QUICK` is set to anything but 0."""
    return bool(quick) or os.environ.get("SIMLIB_QUICK", "0") not in ("", "0")


def label(quick: bool) -> str:
    """The word in a table's `settings` column."""
    return "quick" if quick else "paper"


def load_options(dataset: str, quick: bool) -> dict:
    """Loader options of a dataset in a quick run: two surrogates shrink, all else keeps its
    size.
    """
    return dict(QUICK_SIZE) if quick and dataset in QUICK_SURROGATES else {}


def source(dataset: str, quick: bool) -> Source:
    """The dataset as a run at these settings loads it."""
    return Source(str(dataset), load_options(str(dataset), quick))


def quick_datasets(names: list[str], quick: bool) -> list[str]:
    """The datasets of a quick run: two small surrogates for the book's five, any other choice as it
    is.
    """
    names = list(names)
    return (
        list(QUICK_SURROGATES) if quick and set(names) == set(datasets.made.SURROGATES) else names
    )


def own_note(names: Sequence[str]) -> str:
    """Which recordings of the reader's own a page shows and what was read from each, as Markdown;
    "" where all are datasets of the book.
    """
    files = [str(name) for name in names if str(name) not in datasets.DATASETS]
    shown = [
        f"**This page shows a recording of your own, `{Path(name).name.replace('`', '')}`.** Where "
        "its text names a dataset, it speaks of the book's. What was read:\n\n"
        f"~~~~text\n{datasets.describe(datasets.load(name))}\n~~~~"
        for name in files
    ]
    return "\n\n".join(shown)


def provenance(data: xr.DataArray, quick: bool) -> dict:
    """The columns every table carries: dataset title, settings, surrogate, data_hash."""
    return {
        "title": data.attrs["title"].replace("$", r"\$"),  # text, not a formula
        "settings": label(quick),
        "surrogate": bool(data.attrs["surrogate"]),
        "data_hash": datasets.data_hash(data)[:16],
    }
