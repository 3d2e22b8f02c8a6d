"""What a notebook runs: tidy tables from (dataset, measure, seed), in parallel, stored and resumed."""

from simlib.experiments.store import TaskError, results_folder, run

__all__ = ["TaskError", "results_folder", "run"]
