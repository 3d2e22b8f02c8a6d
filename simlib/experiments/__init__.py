"""What a notebook runs: tidy tables from (dataset, measure, seed), in parallel, stored and resumed."""

from simlib.experiments.ascents import ascents, capture_scores, crossings, decodable, estimate, references
from simlib.experiments.settings import is_quick, shrink
from simlib.experiments.store import TaskError, results_folder, run

__all__ = [
    "TaskError", "ascents", "capture_scores", "crossings", "decodable", "estimate", "is_quick", "references",
    "results_folder", "run", "shrink",
]
