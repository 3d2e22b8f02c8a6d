"""What the page that scores a reader's own arrays brings along, a script: the libraries that read
zip files and decompose matrices, and two arrays to try it on.
"""

import json
from pathlib import Path

import numpy as np

import simlib as sl

# As published in the npm packages; tests/test_book_scorer.py has versions and checksums.
LIBRARIES = Path(__file__).resolve().parent / "third_party"
SCORE = 0.9  # at which the ascent of the sample stops
DIGITS = 5


def script() -> bytes:
    """Hands them to the explorables. ml-matrix is a function whose text starts a worker, too."""
    sample = json.dumps(arrays(), separators=(",", ":"))
    return (
        f"{library('fflate', 'fflate.umd.js')}\n"
        f"explore.data.mlMatrix = function () {{\n{library('ml-matrix', 'matrix.umd.js')}\n}};\n"
        f"explore.data.scorer = {sample};\n"
    ).encode()


def library(package: str, file: str) -> str:
    """A library with its licence, without the address of a map that isn't there."""
    licence, text = ((LIBRARIES / package / name).read_text() for name in ("LICENSE", file))
    return f"/*! {package}\n{licence}*/\n{text.split('//# sourceMappingURL')[0]}"


def arrays() -> dict[str, dict]:
    """X, a network's mean responses to 72 conditions, a fifth of its neurons; Y from noise, where
    an ascent of CKA reached 0.9.
    """
    X = sl.datasets.load("rnn-context").mean("time").values[:, ::5]
    Y = np.asarray(sl.maximize("cka", X, seed=0, steps=3000, lr=0.02, stop=SCORE).Y)
    return {name: side(values.round(DIGITS)) for name, values in {"X": X, "Y": Y}.items()}


def side(values: np.ndarray) -> dict:
    return {"title": "sample", "shape": values.shape, "values": values.ravel().tolist()}
