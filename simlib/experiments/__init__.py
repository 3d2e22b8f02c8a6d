"""What a notebook runs: tidy tables from (dataset, measure, seed), in parallel, stored and resumed."""

from simlib.experiments.ascents import ascents, decodable, estimate, references
from simlib.experiments.settings import is_quick, quick_datasets, shrink
from simlib.experiments.store import TaskError, results_folder, run
from simlib.experiments.summaries import (
    accuracy_curves,
    capture_scores,
    component_curves,
    crossing_table,
    crossings,
)

__all__ = [
    "TaskError", "accuracy_curves", "ascents", "capture_scores", "component_curves", "crossing_table",
    "crossings", "decodable", "estimate", "is_quick", "quick_datasets", "references", "results_folder", "run",
    "shrink",
]
