"""What the page that scores a reader's own arrays brings along, a script: the library of its
decompositions, and two arrays to try it on.
"""

import json
from pathlib import Path

import numpy as np

import simlib as sl

# As published in the npm package ml-matrix 6.15.1; tests/test_book_scorer.py has its checksum.
LIBRARY = Path(__file__).resolve().parent / "third_party" / "ml-matrix"
SCORE = 0.9  # at which the ascent of the sample stops
DIGITS = 5


def script() -> bytes:
    """Hands both to the explorables. The library is a function whose text starts a worker, too."""
    licence, library = ((LIBRARY / name).read_text() for name in ("LICENSE", "matrix.umd.js"))
    library = library.split("//# sourceMappingURL")[0]  # a map that isn't there
    sample = json.dumps(arrays(), separators=(",", ":"))
    return (
        f"/*! ml-matrix\n{licence}*/\nexplore.data.mlMatrix = function () {{\n{library}\n}};\n"
        f"explore.data.scorer = {sample};\n"
    ).encode()


def arrays() -> dict[str, dict]:
    """X, a network's mean responses to 72 conditions, a fifth of its neurons; Y from noise, where
    an ascent of CKA reached 0.9.
    """
    X = sl.datasets.load("rnn-context").mean("time").values[:, ::5]
    Y = np.asarray(sl.maximize("cka", X, seed=0, steps=3000, lr=0.02, stop=SCORE).Y)
    return {name: side(values.round(DIGITS)) for name, values in {"X": X, "Y": Y}.items()}


def side(values: np.ndarray) -> dict:
    return {"title": "sample", "shape": values.shape, "values": values.ravel().tolist()}
