"""simlib: what does this similarity score tell me?

import simlib as sl
sl.score("cka", X, Y)
"""

from simlib import (
    calibration,
    components,
    datasets,
    decoding,
    exact_ranges,
    experiments,
    joint,
    linalg,
    optimize,
    theory,
)
from simlib.calibration import compare
from simlib.components import captured_variance, score_to_capture
from simlib.decoding import decoding_accuracy
from simlib.joint import joint_range
from simlib.measures import MEASURES, Measure, measure, score
from simlib.measures.checking import check_measure
from simlib.optimize import Trajectory, maximize, maximize_many

__version__ = "0.1.0"

__all__ = [
    "MEASURES",
    "Measure",
    "Trajectory",
    "calibration",
    "captured_variance",
    "check_measure",
    "compare",
    "components",
    "datasets",
    "decoding",
    "decoding_accuracy",
    "exact_ranges",
    "experiments",
    "joint",
    "joint_range",
    "linalg",
    "maximize",
    "maximize_many",
    "measure",
    "optimize",
    "plots",
    "score",
    "score_to_capture",
    "theory",
]


def __getattr__(name: str):
    if name == "plots":  # matplotlib takes half a second, and most work draws nothing
        import simlib.plots

        return simlib.plots
    raise AttributeError(f"module 'simlib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
