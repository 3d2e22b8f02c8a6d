"""Datasets made by code: toys, surrogates of the paper's recordings and their spectra, networks
that solve tasks, Gaussian data of any spectrum.
"""

from simlib.datasets.made.cnn import cnn_digits
from simlib.datasets.made.designs import REACH_TARGETS, mante_design, siegel_design
from simlib.datasets.made.gaussian import (
    TAILS,
    rotated,
    rotation_of_samples,
    smooth_responses,
    spectrum_matched,
)
from simlib.datasets.made.rnn import rnn_context
from simlib.datasets.made.spectra import SPECTRA, variance_ratios
from simlib.datasets.made.surrogates import SURROGATES, surrogate
from simlib.datasets.made.toys import hierarchy, toy_2d

__all__ = [
    "REACH_TARGETS",
    "SPECTRA",
    "SURROGATES",
    "TAILS",
    "cnn_digits",
    "hierarchy",
    "mante_design",
    "rnn_context",
    "rotated",
    "rotation_of_samples",
    "siegel_design",
    "smooth_responses",
    "spectrum_matched",
    "surrogate",
    "toy_2d",
    "variance_ratios",
]
