"""Tidy tables to axes. A plot never computes, saves or shows; it draws on `ax` and returns it."""

from simlib.plots.compare import scores_beside_chance
from simlib.plots.curves import (
    accuracy_against_score,
    capture_against_variance,
    components_against_score,
    rank_colours,
    toy_components,
)
from simlib.plots.joint import kinds_of_pair, region
from simlib.plots.measure_card import (
    chance_against_neurons,
    cost_against_size,
    loss_against_variance,
    ranges_of_pairs,
)
from simlib.plots.noise import noise_against_neurons
from simlib.plots.scorecard import (
    accuracy_over_published,
    capture_over_published,
    scores_by_tails,
    verdict_grid,
    verdict_legend,
)
from simlib.plots.style import badge, colour, legend, marker, panels, short_title, use
from simlib.plots.supplement import (
    accuracy_by_penalty,
    capture_against_gaussian,
    capture_by_variant,
    crossings_against_penalty,
    score_against_smoothness,
)
from simlib.plots.targeted import targeted_trajectories
from simlib.plots.theory import (
    change_against_amount,
    growth_against_variance,
    replacement_against_variance,
)

__all__ = [
    "accuracy_against_score",
    "accuracy_by_penalty",
    "accuracy_over_published",
    "badge",
    "capture_against_gaussian",
    "capture_against_variance",
    "capture_by_variant",
    "capture_over_published",
    "chance_against_neurons",
    "change_against_amount",
    "colour",
    "components_against_score",
    "cost_against_size",
    "crossings_against_penalty",
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
    "score_against_smoothness",
    "scores_beside_chance",
    "scores_by_tails",
    "short_title",
    "targeted_trajectories",
    "toy_components",
    "use",
    "verdict_grid",
    "verdict_legend",
]
