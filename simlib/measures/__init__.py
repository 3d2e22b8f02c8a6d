"""The catalogue of similarity measures: one literal table, one record a measure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from simlib import checks
from simlib.measures import kernels, regression, shapes

__all__ = ["MEASURES", "Measure", "measure", "score"]

ROTATION = frozenset({"translation", "isotropic scale", "rotation"})


@dataclass(frozen=True)
class Measure:
    """One measure: its function of two (samples, neurons) tensors and what is known of it.

    Attributes: `id` (a slug), `title` (its name in figures), `function`, `range` (lowest, highest value),
    `direction` (+1: grows with similarity; -1: a distance), `symmetric`, `invariances` of Y (what leaves the
    value as it is; of X as well where symmetric), `source`, `aliases` (other ids that mean the same) and
    `params` (keyword arguments bound to the function). Calling the record calls the function.
    """

    id: str
    title: str
    function: Callable
    range: tuple[float, float]
    source: str
    direction: int = 1
    symmetric: bool = True
    invariances: frozenset[str] = ROTATION
    aliases: tuple[str, ...] = ()
    params: Mapping[str, float | int | str | bool] = field(default_factory=dict)

    def __call__(self, X: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
        return self.function(X, Y, **self.params)

    def bind(self, **params) -> Measure:
        """The same measure with keyword arguments of its function fixed; its id says which."""
        if not params:
            return self
        known = self.function.__kwdefaults__ or {}
        for name in params:
            if name not in known:
                raise checks.unknown_name(f"parameter of measure {self.id!r}:", name, known)
        settings = {**self.params, **params}
        changed = {k: v for k, v in settings.items() if v != known[k] or k in self.params}
        words = [re.sub(r"[^a-z0-9]+", "-", f"{k} {v:g}" if isinstance(v, int | float) else f"{k} {v}".lower())
                 for k, v in sorted(changed.items())]
        base = self.id.split("--")[0]
        name = "--".join([base, *words]) if changed != MEASURES[base].params else base
        detail = ", ".join(f"{k}={v}" for k, v in sorted(changed.items()))
        return replace(self, id=name, title=f"{MEASURES[base].title} ({detail})" if detail else self.title,
                       params=settings, aliases=())


def _published_regressions() -> dict[str, tuple[str, dict]]:
    """Published regression ids, such as ridge-lambda100-r2#5folds_cv, as (id here, parameters)."""
    found = {}
    for kind, penalty in [("linreg", 0)] + [(f"ridge-lambda{a}", a) for a in (1, 10, 100, 1000, 10000)]:
        for word, comparison in (("r2", "r2"), ("pearsonr", "cosine")):
            for suffix, symmetric in (("", False), ("-sym", True)):
                for ending, name in (("5folds_cv", "ridge-cv"), ("no_cv", "ridge")):
                    params = {"penalty": penalty, "comparison": comparison, "symmetric": symmetric}
                    found[f"{kind}-{word}{suffix}#{ending}"] = (name, params)
    return found


PUBLISHED = _published_regressions() | {
    "rsa-correlation-corr": ("cka", {}),
    "rsa-euclidean-centered-cosine": ("cka", {}),
    "rsa-euclidean-corr": ("rsa", {}),
    "rsa-euclidean-cosine": ("rsa", {"comparison": "cosine"}),
    "rsa-correlation-cosine": ("rsa", {"distance": "correlation", "comparison": "cosine"}),
    "nbs-angular": ("procrustes-angular", {}),
    "nbs-angular-score": ("procrustes-angular-score", {}),
    "angular-procrustes": ("procrustes-angular-score", {}),
    "angular-cka": ("cka-angular-score", {}),
    "linear-regression": ("linreg", {}),
}


class Catalogue(dict):
    """id -> Measure; an alias, such as a published id, finds the measure with its parameters bound."""

    def __missing__(self, name: str) -> Measure:
        if name in PUBLISHED:
            base, params = PUBLISHED[name]
            return self[base].bind(**params)
        raise checks.unknown_name("measure", name, [*self, *PUBLISHED], "simlib.MEASURES lists them all")

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in PUBLISHED


MEASURES: Mapping[str, Measure] = Catalogue({
    record.id: record
    for record in (
        Measure("cka", "CKA", kernels.cka, (0, 1), "Kornblith et al. 2019",
                aliases=("rsa-correlation-corr", "rsa-euclidean-centered-cosine")),
        Measure("cka-angular-score", "Angular CKA", kernels.cka_angular_score, (0, 1), "Williams et al. 2021",
                aliases=("angular-cka",)),
        Measure("nbs", "NBS", shapes.nbs, (0, 1), "Tang et al. 2020; Harvey et al. 2023"),
        Measure("nbs-squared", "NBS squared", shapes.nbs_squared, (0, 1), "Harvey et al. 2023"),
        Measure("procrustes-angular-score", "Angular Procrustes", shapes.procrustes_angular_score, (0, 1),
                "Williams et al. 2021", aliases=("angular-procrustes", "nbs-angular-score")),
        Measure("procrustes-angular", "Angular Procrustes distance", shapes.procrustes_angular,
                (0, float(np.pi / 2)), "Williams et al. 2021", direction=-1, aliases=("nbs-angular",)),
        Measure("procrustes-euclidean", "Procrustes distance", shapes.procrustes_euclidean, (0, float("inf")),
                "Schonemann 1966", direction=-1, invariances=frozenset({"translation", "rotation"})),
        Measure("linreg", "Linear regression", regression.linear_regression, (0, 1), "Kornblith et al. 2019",
                symmetric=False, invariances=ROTATION | {"invertible linear map"},
                aliases=("linear-regression",)),
        Measure("ridge-cv", "Ridge regression CV", regression.regression, (-float("inf"), 1),
                "Hoerl & Kennard 1970", symmetric=False, invariances=frozenset({"translation", "rotation"}),
                params={"penalty": 100.0, "folds": 5}, aliases=("ridge-lambda100-r2#5folds_cv",)),
        Measure("ridge", "Ridge regression", regression.regression, (0, 1), "Hoerl & Kennard 1970",
                symmetric=False, invariances=frozenset({"translation", "rotation"}),
                params={"penalty": 100.0, "folds": 0}, aliases=("ridge-lambda100-r2#no_cv",)),
        Measure("rsa", "RSA", kernels.rsa, (-1, 1), "Kriegeskorte et al. 2008", aliases=("rsa-euclidean-corr",)),
        Measure("ensd", "ENSD", kernels.ensd, (0, float("inf")), "Giaffar et al. 2023"),
    )
})


def measure(name: str | Measure | Callable, **params) -> Measure:
    """The record of a measure with its parameters bound: `measure("ridge-cv", penalty=10, folds=5)`.

    `name` is an id, a published id, a record, or any callable of two (samples, neurons) tensors that grows
    with similarity. Raises ValueError for an unknown id or parameter, with the nearest names.
    """
    if isinstance(name, Measure):
        return name.bind(**params)
    if callable(name):
        title = getattr(name, "__name__", type(name).__name__).strip("<>").replace("_", "-")
        return Measure(title, title, name, (-float("inf"), float("inf")), "the caller's own", symmetric=False,
                       invariances=frozenset(), params=params)
    if not isinstance(name, str):
        raise TypeError(f"a measure is an id, a record of simlib.MEASURES or a callable; got {type(name).__name__}")
    return MEASURES[name].bind(**params)


def score(name: str | Measure | Callable, X, Y, **params) -> float:
    """The similarity of two sets of responses to the same samples, as a float computed in float64.

    `name` is an id of `MEASURES` (or a published id, a bound measure, a callable on tensors); X and Y are
    numpy arrays, tensors or xarray.DataArrays, (samples, neurons) or (time, trial, neuron), with the same
    samples in the same order. Regression measures predict X from Y. `params` go to the measure, such as
    `penalty` and `folds` of "ridge-cv". Raises ValueError where an input can't be scored, and says why.
    """
    bound = measure(name, **params)
    X, Y = checks.pair(X, Y)
    value = float(bound(torch.from_numpy(checks.flat(X)), torch.from_numpy(checks.flat(Y))))
    if not np.isfinite(value):
        raise ValueError(f"{bound.title} of these two is {value}: the measure is not defined on them")
    return value
