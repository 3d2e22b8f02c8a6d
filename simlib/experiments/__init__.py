"""What a notebook runs: ascents, what their tables say, and whether the claims hold.

`runner` runs ascents, `curves` reads their tables, `evidence` takes the numbers of claims from
them, `claims` judges. What only one notebook needs is in the module of its name.
"""

from simlib.experiments import (
    ascent_frames,
    chance_level,
    claims,
    curves,
    evidence,
    explorables,
    few_samples,
    joint_score_ranges,
    measure_card,
    measure_card_words,
    published_vs_reproduced,
    score_vs_decodability,
    supplement_folds,
    supplement_size,
    supplement_variables,
    tails,
    theory_sensitivity,
)
from simlib.experiments.jobs import workers
from simlib.experiments.machine import setup
from simlib.experiments.provenance import how_made, made_of
from simlib.experiments.runner import (
    ascent_seconds,
    ascents,
    decodable,
    now,
    references,
    start_variants,
)
from simlib.experiments.settings import is_quick, own_note, quick_datasets
from simlib.experiments.store import TaskError, recorded, run, why
from simlib.experiments.tables import table
from simlib.experiments.verification import verify
from simlib.threads import task_threads

__all__ = [
    "TaskError",
    "ascent_frames",
    "ascent_seconds",
    "ascents",
    "chance_level",
    "claims",
    "curves",
    "decodable",
    "evidence",
    "explorables",
    "few_samples",
    "how_made",
    "is_quick",
    "joint_score_ranges",
    "made_of",
    "measure_card",
    "measure_card_words",
    "now",
    "own_note",
    "published_vs_reproduced",
    "quick_datasets",
    "recorded",
    "references",
    "run",
    "score_vs_decodability",
    "setup",
    "start_variants",
    "supplement_folds",
    "supplement_size",
    "supplement_variables",
    "table",
    "tails",
    "task_threads",
    "theory_sensitivity",
    "verify",
    "why",
    "workers",
]
