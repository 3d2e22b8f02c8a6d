"""The theory, one function per equation; the book proves them as propositions on its pages
"Derivations" and "Scores as averages over decoding tasks".

`changes`: scores when one principal component (PC) of X is replaced, rotated, rescaled, or only the
first PCs are kept. `growth`: which PCs an ascent makes grow, and what CKA's gradient flow captures.
`chance`: expected scores of independent Gaussian data. `bounds`: what one score says of another,
from the ranks alone. `readouts`: scores as averages over linear readouts of random tasks.
`spectrum`: what all of them, and the exact ranges, check and share.

X = U S V' of the centred columns (n samples, p PCs), lambda_i = s_i^2 the variance of PC i.
Functions of `variances` take the lambda_i as (p,), in any unit and order (ridge needs those of the
data: its penalty has a unit), and return one value for each PC, or for each number k of PCs, as
float64. Source of all: Cloos et al. 2025, figure 6, where no other is named.
"""

from simlib.theory import spectrum
from simlib.theory.bounds import nbs_bounds
from simlib.theory.chance import (
    CHANCE,
    chance_cka,
    chance_cka_angular_score,
    chance_ensd,
    chance_linear_regression,
    chance_nbs,
    chance_procrustes_angular_score,
    chance_ridge,
)
from simlib.theory.changes import (
    KEPT,
    REPLACED,
    RESCALED,
    ROTATED,
    kept_cka,
    kept_cka_angular_score,
    kept_linear_regression,
    kept_nbs,
    kept_procrustes_angular_score,
    kept_ridge,
    replaced_cka,
    replaced_cka_angular_score,
    replaced_linear_regression,
    replaced_nbs,
    replaced_procrustes_angular_score,
    replaced_ridge,
    rescaled_cka,
    rescaled_cka_angular_score,
    rescaled_linear_regression,
    rescaled_nbs,
    rescaled_procrustes_angular_score,
    rescaled_ridge,
    rotated_cka,
    rotated_cka_angular_score,
    rotated_linear_regression,
    rotated_nbs,
    rotated_procrustes_angular_score,
    rotated_ridge,
)
from simlib.theory.growth import (
    GROWTH,
    captured_by_cka_flow,
    growth_cka,
    growth_nbs,
    growth_of_capture,
    learning_order,
)
from simlib.theory.readouts import (
    lowest_cka,
    readout,
    readout_alignment,
    readout_distance,
    readout_distance_bounds,
    replaced_readout_alignment,
)

__all__ = [
    "CHANCE",
    "GROWTH",
    "KEPT",
    "REPLACED",
    "RESCALED",
    "ROTATED",
    "captured_by_cka_flow",
    "chance_cka",
    "chance_cka_angular_score",
    "chance_ensd",
    "chance_linear_regression",
    "chance_nbs",
    "chance_procrustes_angular_score",
    "chance_ridge",
    "growth_cka",
    "growth_nbs",
    "growth_of_capture",
    "kept_cka",
    "kept_cka_angular_score",
    "kept_linear_regression",
    "kept_nbs",
    "kept_procrustes_angular_score",
    "kept_ridge",
    "learning_order",
    "lowest_cka",
    "nbs_bounds",
    "readout",
    "readout_alignment",
    "readout_distance",
    "readout_distance_bounds",
    "replaced_cka",
    "replaced_cka_angular_score",
    "replaced_linear_regression",
    "replaced_nbs",
    "replaced_procrustes_angular_score",
    "replaced_readout_alignment",
    "replaced_ridge",
    "rescaled_cka",
    "rescaled_cka_angular_score",
    "rescaled_linear_regression",
    "rescaled_nbs",
    "rescaled_procrustes_angular_score",
    "rescaled_ridge",
    "rotated_cka",
    "rotated_cka_angular_score",
    "rotated_linear_regression",
    "rotated_nbs",
    "rotated_procrustes_angular_score",
    "rotated_ridge",
    "spectrum",
]
