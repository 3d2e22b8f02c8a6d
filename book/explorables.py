"""The data of what moves in the book, a script each (a page opened as a file may fetch no other
kind), from the runs of `simlib.experiments.explorables`.
"""

import json
import os

import numpy as np

from simlib.experiments import explorables

JOBS = os.cpu_count() or 1
DIGITS = 7  # after the point


def scripts() -> dict[str, bytes]:
    """The data files by their names."""
    data = {"joint": joint(), "spectra": spectra()}
    return {f"{name}_data.js": script(name, content) for name, content in data.items()}


def script(name: str, content: dict) -> bytes:
    """What hands the data to the explorables."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return f"explore.data.{name} = {text};\n".encode()


def whole(values) -> list[int]:
    """Numbers in units of the last digit that is kept."""
    return np.rint(np.asarray(values) * 10**DIGITS).astype(int).tolist()


def spectra() -> dict:
    """The variances of each spectrum."""
    return {name: shares.tolist() for name, shares in explorables.spectra().items()}


def joint() -> dict:
    """Of each spectrum the lowest and the highest scores, by the measure whose score is given."""
    table = explorables.slider_ranges(jobs=JOBS)
    ranges = {name: {} for name in explorables.spectra()}
    for (name, given), rows in table.groupby(["spectrum", "given"], sort=False):
        ranges[name][given] = [whole(rows["lowest"]), whole(rows["highest"])]
    return {"unit": 10.0**-DIGITS, "ranges": ranges}
