"""Quick or paper: how a run is shrunk for a first look, and how its tables say so."""

from __future__ import annotations

import os

import xarray as xr

from simlib import datasets

__all__ = ["is_quick", "label", "load_options", "provenance", "quick_datasets", "shrink"]

QUICK_SIZE = {"trials": 64, "neurons": 40}
# Surrogates whose main variable can still be decoded at QUICK_SIZE; the others need their full size.
QUICK_SURROGATES = ("surrogate-siegel2015", "surrogate-hatsopoulos2007")


def is_quick(quick: bool) -> bool:
    """True where the notebook asks for it or `SIMLIB_QUICK` is set to anything but 0."""
    return bool(quick) or os.environ.get("SIMLIB_QUICK", "0") not in ("", "0")


def label(quick: bool) -> str:
    """The word in a table's `settings` column."""
    return "quick" if quick else "paper"


def load_options(dataset: str, quick: bool) -> dict:
    """Loader options of a dataset: surrogates shrink in a quick run, recordings and toys never do."""
    return dict(QUICK_SIZE) if quick and dataset.startswith("surrogate-") else {}


def quick_datasets(names: list[str], quick: bool) -> list[str]:
    """All of `names`; in a quick run without the surrogates that lose their variable at the quick size."""
    kept = [n for n in names if not str(n).startswith("surrogate-") or n in QUICK_SURROGATES]
    return kept or list(names)[:1] if quick else list(names)


def shrink(values: list, quick: bool, keep: int) -> list:
    """All of `values`, or the first `keep` in a quick run."""
    return list(values)[:keep] if quick else list(values)


def provenance(data: xr.DataArray, quick: bool) -> dict:
    """The columns every table carries: dataset title, settings, surrogate, data_hash."""
    return {
        "title": data.attrs["title"],
        "settings": label(quick),
        "surrogate": bool(data.attrs["surrogate"]),
        "data_hash": datasets.data_hash(data)[:16],
    }
