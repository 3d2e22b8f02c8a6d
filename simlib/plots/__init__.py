"""Tidy tables to axes. A plot never computes, saves or shows; it draws on `ax` and returns it.

A file bears the name of the notebook whose figures it draws.
"""

from simlib.plots.chance_level import noise_against_neurons, scores_beside_chance
from simlib.plots.claims import claims_against_bounds
from simlib.plots.joint_score_ranges import exact_range, kinds_of_pair, region
from simlib.plots.measure_card import (
    chance_against_neurons,
    cost_against_size,
    loss_against_variance,
    ranges_of_pairs,
)
from simlib.plots.model_against_brain import targeted_trajectories
from simlib.plots.pc_learning_order import (
    capture_against_variance,
    components_against_score,
    rank_colours,
    toy_components,
)
from simlib.plots.published_vs_reproduced import (
    accuracy_over_published,
    capture_over_published,
    scores_by_tails,
    verdict_grid,
    verdict_legend,
)
from simlib.plots.score_vs_decodability import (
    accuracy_against_score,
    crossings_against_placement,
    share_against_captured,
)
from simlib.plots.screens import WIDE, svg
from simlib.plots.style import badge, colour, legend, marker, panels, short_title, use
from simlib.plots.supplement import (
    accuracy_by_penalty,
    accuracy_of_variable,
    capture_against_gaussian,
    capture_by_variant,
    crossings_against_penalty,
    score_against_setting,
    score_against_smoothness,
)
from simlib.plots.theory_sensitivity import (
    change_against_amount,
    growth_against_variance,
    replacement_against_variance,
)

__all__ = [
    "WIDE",
    "accuracy_against_score",
    "accuracy_by_penalty",
    "accuracy_of_variable",
    "accuracy_over_published",
    "badge",
    "capture_against_gaussian",
    "capture_against_variance",
    "capture_by_variant",
    "capture_over_published",
    "chance_against_neurons",
    "change_against_amount",
    "claims_against_bounds",
    "colour",
    "components_against_score",
    "cost_against_size",
    "crossings_against_penalty",
    "crossings_against_placement",
    "exact_range",
    "growth_against_variance",
    "kinds_of_pair",
    "legend",
    "loss_against_variance",
    "marker",
    "noise_against_neurons",
    "panels",
    "ranges_of_pairs",
    "rank_colours",
    "region",
    "replacement_against_variance",
    "score_against_setting",
    "score_against_smoothness",
    "scores_beside_chance",
    "scores_by_tails",
    "share_against_captured",
    "short_title",
    "svg",
    "targeted_trajectories",
    "toy_components",
    "use",
    "verdict_grid",
    "verdict_legend",
]
