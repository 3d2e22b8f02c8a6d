"""What a notebook runs: tidy tables from (dataset, measure, seed), in parallel, stored and
resumed.
"""

from simlib.experiments.ascents import ascents, decodable, estimate, estimate_ranges, references
from simlib.experiments.claims import claims_about_capture, claims_about_crossings, claims_about_toy
from simlib.experiments.comparison import (
    decoding_curves,
    off_rows,
    scorecard,
    scorecard_captures,
    scorecard_runs,
    scorecard_table,
)
from simlib.experiments.fold_schemes import claims_about_folds, fold_scores, fold_transfer
from simlib.experiments.noise import claims_about_noise, noise_scores
from simlib.experiments.ranges import allowed_scores, claims_about_ranges, end_points, joint_ranges
from simlib.experiments.recorded import claims_about_recordings
from simlib.experiments.replacement import (
    changes,
    claims_about_replacement,
    gradient_rows,
    largest_pcs,
    replacements,
    within_bounds,
)
from simlib.experiments.scorecard_claims import claims_about_scorecard, claims_overview
from simlib.experiments.settings import is_quick, quick_datasets
from simlib.experiments.store import TaskError, results_folder, run
from simlib.experiments.summaries import (
    accuracy_curves,
    capture_scores,
    component_curves,
    crossing_table,
    crossings,
)
from simlib.experiments.supplement import (
    start_variants,
    variable_crossings,
    variable_references,
    variant_captures,
    variant_runs,
)
from simlib.experiments.supplement_claims import (
    capture_differences,
    capture_order,
    claims_about_gaussian,
    claims_about_penalty,
    claims_about_starts,
    with_penalty,
)
from simlib.experiments.tails import (
    claims_about_tails,
    recorded_tails,
    rotated_ascents,
    tail_runs,
    tail_table,
)

__all__ = [
    "TaskError",
    "accuracy_curves",
    "allowed_scores",
    "ascents",
    "capture_differences",
    "capture_order",
    "capture_scores",
    "changes",
    "claims_about_capture",
    "claims_about_crossings",
    "claims_about_folds",
    "claims_about_gaussian",
    "claims_about_noise",
    "claims_about_penalty",
    "claims_about_ranges",
    "claims_about_recordings",
    "claims_about_replacement",
    "claims_about_scorecard",
    "claims_about_starts",
    "claims_about_tails",
    "claims_about_toy",
    "claims_overview",
    "component_curves",
    "crossing_table",
    "crossings",
    "decodable",
    "decoding_curves",
    "end_points",
    "estimate",
    "estimate_ranges",
    "fold_scores",
    "fold_transfer",
    "gradient_rows",
    "is_quick",
    "joint_ranges",
    "largest_pcs",
    "noise_scores",
    "off_rows",
    "quick_datasets",
    "recorded_tails",
    "references",
    "replacements",
    "results_folder",
    "rotated_ascents",
    "run",
    "scorecard",
    "scorecard_captures",
    "scorecard_runs",
    "scorecard_table",
    "start_variants",
    "tail_runs",
    "tail_table",
    "variable_crossings",
    "variable_references",
    "variant_captures",
    "variant_runs",
    "with_penalty",
    "within_bounds",
]
