"""Ids of the authors' code and tables that stand for an id here with other parameters.

Those that stand for an id as it is are among the aliases of its record, in the catalogue.
"""

PENALTIES = {"linreg": 0} | {f"ridge-lambda{a}": a for a in (1, 10, 100, 1000, 10000)}

# Published id, such as ridge-lambda100-r2#5folds_cv -> (id here, parameters).
PUBLISHED = {
    f"{kind}-{word}{suffix}#{ending}": (
        name,
        {"penalty": penalty, "comparison": comparison, "symmetric": symmetric},
    )
    for kind, penalty in PENALTIES.items()
    for word, comparison in (("r2", "r2"), ("pearsonr", "cosine"))
    for suffix, symmetric in (("", False), ("-sym", True))
    for ending, name in (("5folds_cv", "ridge-cv"), ("no_cv", "ridge"))
} | {
    "rsa-euclidean-cosine": ("rsa", {"comparison": "cosine"}),
    "rsa-correlation-cosine": ("rsa", {"distance": "correlation", "comparison": "cosine"}),
}
