"""Checks of a measure: named laws, a literal table of exceptions, and `check_measure`, which runs
them all.
"""

from simlib.measures.checking.exceptions import EXCEPTIONS
from simlib.measures.checking.runner import CHECKS, check_measure

__all__ = ["CHECKS", "EXCEPTIONS", "check_measure"]
