"""Which recordings lie on this machine, and how little they are."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.paper.brainscore import freemanziemba2013, majajhong2015
from simlib.datasets.paper.downloads import SOURCES, is_here
from simlib.datasets.paper.dyer import dyer2017
from simlib.datasets.paper.hatsopoulos import hatsopoulos2007
from simlib.datasets.paper.mante import mante2013
from simlib.datasets.paper.siegel import siegel2015

# Name -> its loader, and what it is; {} are sizes and the numbers of values of its coordinates.
RECORDINGS = {
    "mante2013": (mante2013, "{neuron} units of one monkey's prefrontal cortex in 72 conditions"),
    "siegel2015": (siegel2015, "{neuron} components of units in {trial} conditions"),
    "hatsopoulos2007": (
        hatsopoulos2007,
        "{neuron} units of one monkey's motor cortex in one session, {trial} reaches to 8 targets",
    ),
    "majajhong2015": (
        majajhong2015,
        "{neuron} sites of inferior temporal cortex, {trial} presentations of pictures",
    ),
    "freemanziemba2013": (
        freemanziemba2013,
        "{neuron} units of V1 and V2, {trial} presentations of pictures",
    ),
    "dyer2017": (
        dyer2017,
        "{neuron} units of one monkey's motor cortex in one session, about {reach} reaches to "
        "{target} targets cut into {trial} smoothed time bins, which are no trials",
    ),
}


def at_hand(names: Sequence[str] = tuple(RECORDINGS)) -> list[str]:
    """Those of the named recordings whose original files are on this machine, in the order given.

    They lie in the folder of their name in SIMLIB_DATA or the cache folder, downloaded or put
    there. Nothing is downloaded. Raises ValueError for a name that is no recording's.

    Example:
        >>> from simlib.datasets import paper
        >>> paper.at_hand(["mantes"])
        Traceback (most recent call last):
        ValueError: unknown recording 'mantes'; nearest: 'mante2013'...
    """
    for name in names:
        validation.known("recording", name, RECORDINGS)
    return [name for name in names if is_here(name)]


def recordings_note(names: Sequence[str] = tuple(RECORDINGS)) -> str:
    """Which of the named recordings are shown and how little each is, or how to get one, as a
    sentence for the page; "" where none is named.
    """
    if not len(names):
        return ""
    found = [f"`{name}`, {_extent(name)}" for name in at_hand(names)]
    if found:
        return (
            f"Recordings found: {'; '.join(found)}. That is little: what holds on one experiment "
            "need not hold in another animal, area or task."
        )
    asked = " or ".join(f"`make data NAME={name}`" for name in names if name in SOURCES)
    return (
        "**No recording that this page takes is on this machine, so nothing is shown for any.** "
        f"{asked} downloads one. A file that you have is found in the folder of that name in "
        "`SIMLIB_DATA`."
    )


def _extent(name: str) -> str:
    """How much of a brain the recording is."""
    load, words = RECORDINGS[name]
    data: xr.DataArray = load()
    along = {key: len(np.unique(coord)) for key, coord in data.coords.items() if coord.ndim == 1}
    return words.format(**along | dict(data.sizes))
