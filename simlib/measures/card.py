"""The former place of `check_measure`, which lives in `simlib.measures.checking`."""

from simlib.measures.checking import check_measure

__all__ = ["check_measure"]
