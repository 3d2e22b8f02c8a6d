"""Ids of the authors' code and tables that stand for an id here with other parameters.

Those that stand for an id as it is are among the aliases of its record, in the catalogue.
"""

import itertools

__all__ = ["PUBLISHED"]


def _regressions() -> dict[str, tuple[str, dict]]:
    """Regression ids, such as ridge-lambda100-r2#5folds_cv, as (id here, parameters)."""
    kinds = {"linreg": 0} | {f"ridge-lambda{a}": a for a in (1, 10, 100, 1000, 10000)}
    comparisons = {"r2": "r2", "pearsonr": "cosine"}
    directions, schemes = {"": False, "-sym": True}, {"5folds_cv": "ridge-cv", "no_cv": "ridge"}
    parts = itertools.product(kinds, comparisons, directions, schemes)
    return {
        f"{kind}-{word}{suffix}#{ending}": (
            schemes[ending],
            {
                "penalty": kinds[kind],
                "comparison": comparisons[word],
                "symmetric": directions[suffix],
            },
        )
        for kind, word, suffix, ending in parts
    }


# Published id -> (id here, parameters).
PUBLISHED = _regressions() | {
    "rsa-euclidean-cosine": ("rsa", {"comparison": "cosine"}),
    "rsa-correlation-cosine": ("rsa", {"distance": "correlation", "comparison": "cosine"}),
}
