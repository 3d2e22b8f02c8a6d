"""The ids of the authors' code and tables, as ids and parameters here."""

from __future__ import annotations

__all__ = ["PUBLISHED"]


def _regressions() -> dict[str, tuple[str, dict]]:
    """Regression ids, such as ridge-lambda100-r2#5folds_cv, as (id here, parameters)."""
    found = {}
    for kind, penalty in [("linreg", 0)] + [
        (f"ridge-lambda{a}", a) for a in (1, 10, 100, 1000, 10000)
    ]:
        for word, comparison in (("r2", "r2"), ("pearsonr", "cosine")):
            for suffix, symmetric in (("", False), ("-sym", True)):
                for ending, name in (("5folds_cv", "ridge-cv"), ("no_cv", "ridge")):
                    params = {"penalty": penalty, "comparison": comparison, "symmetric": symmetric}
                    found[f"{kind}-{word}{suffix}#{ending}"] = (name, params)
    return found


# Published id -> (id here, parameters). Ids whose published body belongs to another name mean what
# they say here.
PUBLISHED = _regressions() | {
    "rsa-correlation-corr": ("cka", {}),
    "rsa-euclidean-centered-cosine": ("cka", {}),
    "rsa-euclidean-corr": ("rsa", {}),
    "rsa-euclidean-cosine": ("rsa", {"comparison": "cosine"}),
    "rsa-correlation-cosine": ("rsa", {"distance": "correlation", "comparison": "cosine"}),
    "cka-hsic_song": ("cka-debiased", {}),
    "cka-hsic_lange": ("cka-lange", {}),
    "nbs-angular": ("procrustes-angular", {}),
    "nbs-angular-score": ("procrustes-angular-score", {}),
    "procrustes-angular#5folds_cv": ("procrustes-cv", {}),
    "procrustes-angular-score#5folds_cv": ("procrustes-cv-score", {}),
    "procrustes-euclidean-score#5folds_cv": ("procrustes-cv-euclidean", {}),
    "angular-procrustes": ("procrustes-angular-score", {}),
    "angular-cka": ("cka-angular-score", {}),
    "linear-regression": ("linreg", {}),
}
