"""One principal component (PC) of a dataset changed, the scores simulated and set beside the
theory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from simlib import datasets as data_sets
from simlib import linalg, theory, validation
from simlib import measures as catalogue
from simlib.experiments import settings, store
from simlib.experiments.claims import claim_table

__all__ = [
    "changes",
    "claims_about_replacement",
    "gradient_rows",
    "largest_pcs",
    "replacements",
    "within_bounds",
]


def _decomposition(data) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Centred X, left singular vectors and singular values up to the rank, as float64 tensors."""
    X = linalg.centre(torch.from_numpy(validation.flat(validation.array(data))))
    return X, *linalg.principal_components(X)


def new_direction(U: torch.Tensor, seed: int) -> torch.Tensor:
    """A random unit vector orthogonal to the columns of U and to the constant, (n,).

    Raises ValueError where there is none: centred samples have n - 1 directions, and U may fill
    them.
    """
    n, rank = U.shape
    if n - 1 <= rank:
        raise ValueError(
            f"no room to replace a principal component: {n} samples leave {n - 1} directions "
            "after centring, and X "
            f"fills {rank} of them; take more samples or fewer neurons"
        )
    w = torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=U.dtype)
    for _ in range(2):  # the second time takes away the rounding of the first
        w = w - w.mean() - U @ (U.T @ w)
        w = w / w.norm()
    return w


def _theory(measure: str, variances: np.ndarray) -> np.ndarray:
    bound = catalogue.measure(measure)
    base = bound.id.split("--")[0]
    other = {"comparison": "r2", "symmetric": False, "folds": 0} if base == "ridge" else {}
    if base not in theory.REPLACED or any(
        bound.params.get(key, value) != value for key, value in other.items()
    ):
        known = ", ".join(theory.REPLACED)
        raise ValueError(
            f"no equation for {measure!r} after a PC is replaced; simlib.theory has them for "
            f"{known}"
        )
    options = {"penalty": bound.params["penalty"]} if base == "ridge" else {}
    return theory.REPLACED[base](variances, **options)


def spread_ranks(count: int, most: int = 16) -> list[int]:
    """At most `most` PC ranks from 1 to `count`, evenly spread in log rank."""
    return sorted({round(rank) for rank in np.geomspace(1, count, most)})


def _replaced(
    dataset: str, options: dict, data_hash: str, measure: str, seed: int, quick: bool
) -> pd.DataFrame:
    """Score of X with each of some PCs replaced. A task of `replacements`."""
    data = data_sets.load(dataset, **options)
    X, U, s = _decomposition(data)
    w = new_direction(U, seed)
    expected = _theory(measure, s.square().numpy())
    bound = catalogue.measure(measure)
    rows = []
    for pc in spread_ranks(len(s)):
        u = U[:, pc - 1]
        Y = X + torch.outer(w - u, u @ X)  # s_i v_i' = u_i'X
        rows.append({"pc": pc, "score": float(bound(X, Y)), "theory": float(expected[pc - 1])})
    table = pd.DataFrame(rows)
    ratios = (s.square() / s.square().sum()).numpy()
    return table.assign(
        dataset=dataset,
        measure=measure,
        seed=seed,
        explained_variance=ratios[table["pc"] - 1],
        neurons=X.shape[1],
        **settings.provenance(data, quick),
    )


def replacements(
    datasets: Sequence[str],
    measures: Sequence[str],
    *,
    seeds: Sequence[int] = (0,),
    quick: bool = False,
    jobs: int = 1,
) -> pd.DataFrame:
    """Replace one PC of each dataset by a random direction outside of X, in float64, at up to 16
    ranks.

    A row a dataset, measure, seed and PC: columns dataset, measure, seed, pc (from 1),
    explained_variance (ratio), score (simulated), theory, neurons, title, settings, surrogate,
    data_hash. The direction is exactly orthogonal to X's PCs and to the constant; figure 6 of the
    paper takes any random one. Finished tasks are stored and found again. Raises ValueError for a
    measure without an equation, TaskError where the samples leave no room (samples - 1 <= rank).
    """
    for measure in measures:
        _theory(measure, np.ones(2))
    tasks = []
    for dataset in map(str, datasets):
        options = settings.load_options(dataset, quick)
        data_hash = settings.provenance(data_sets.load(dataset, **options), quick)["data_hash"]
        tasks += [
            {
                "dataset": dataset,
                "options": options,
                "data_hash": data_hash,
                "measure": measure,
                "seed": int(seed),
                "quick": bool(quick),
            }
            for measure in measures
            for seed in seeds
        ]
    return pd.concat(store.run(_replaced, tasks, jobs), ignore_index=True)


def changes(dataset: str, *, pc: int = 1, seed: int = 0, quick: bool = False) -> pd.DataFrame:
    """Three other changes of one dataset, simulated, for CKA and NBS (and linear regression where k
    PCs are kept).

    `change` is "rotate" (u_i turned towards a new direction; `amount` in degrees, 0 to 180),
    "rescale" (s_i times `amount`, 0 to 4) or "keep" (only the first `amount` PCs). Columns dataset,
    change, amount, measure, pc (from 1; 0 for "keep"), score, theory, rank (of X), title, settings,
    surrogate, data_hash.
    """
    data = data_sets.load(dataset, **settings.load_options(dataset, quick))
    X, U, s = _decomposition(data)
    variances = s.square().numpy()
    w, u = new_direction(U, seed), U[:, pc - 1]
    part = torch.outer(u, u @ X)
    rows = []

    def add(
        change: str, amount: float, Y: torch.Tensor, expected: dict[str, float], rank: int
    ) -> None:
        for measure, value in expected.items():
            score = float(catalogue.measure(measure)(X, Y))
            rows.append(
                {
                    "change": change,
                    "amount": amount,
                    "measure": measure,
                    "pc": rank,
                    "score": score,
                    "theory": float(value),
                }
            )

    for degrees in range(0, 181, 15):
        angle = float(np.deg2rad(degrees))
        turned = np.cos(angle) * u + np.sin(angle) * w
        equations = {"cka": theory.rotated_cka, "nbs": theory.rotated_nbs}
        expected = {
            name: equation(variances, angle)[pc - 1] for name, equation in equations.items()
        }
        add("rotate", degrees, X - part + torch.outer(turned, u @ X), expected, pc)
    for scale in (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4):
        equations = {"cka": theory.rescaled_cka, "nbs": theory.rescaled_nbs}
        expected = {
            name: equation(variances, scale)[pc - 1] for name, equation in equations.items()
        }
        add("rescale", scale, X + (scale - 1) * part, expected, pc)
    kept = {"cka": theory.kept_cka, "nbs": theory.kept_nbs, "linreg": theory.kept_linear_regression}
    for k in spread_ranks(len(s), 10):
        expected = {name: equation(variances)[k - 1] for name, equation in kept.items()}
        add("keep", k, U[:, :k] @ (U[:, :k].T @ X), expected, 0)
    return pd.DataFrame(rows).assign(
        dataset=dataset, rank=len(s), **settings.provenance(data, quick)
    )


def gradient_rows(dataset: str, *, seed: int = 0, quick: bool = False) -> pd.DataFrame:
    """How fast the ascent makes each PC grow in a Gaussian Y, from autograd, relative to the first
    PC.

    For CKA's numerator ||X'Y||_F^2: length of row i of U' times the gradient over the length of row
    i of U'Y. For NBS's ||X'Y||_*: the length itself. Columns dataset, measure, pc (from 1),
    explained_variance (ratio), growth (simulated), theory, title, settings, surrogate, data_hash.
    """
    data = data_sets.load(dataset, **settings.load_options(dataset, quick))
    X, U, s = _decomposition(data)
    generator = torch.Generator().manual_seed(seed)
    Y = torch.randn(X.shape, generator=generator, dtype=X.dtype).requires_grad_(True)
    tables = []
    for measure, numerator, expected in (
        ("cka", lambda M: M.square().sum(), theory.growth_cka),
        ("nbs", linalg.nuclear_norm, theory.growth_nbs),
    ):
        (gradient,) = torch.autograd.grad(numerator(X.T @ linalg.centre(Y)), Y)
        growth = (U.T @ gradient).norm(dim=1)
        if measure == "cka":
            growth = growth / (U.T @ Y.detach()).norm(dim=1)
        ratios = (s.square() / s.square().sum()).numpy()
        tables.append(
            pd.DataFrame(
                {
                    "dataset": dataset,
                    "measure": measure,
                    "pc": np.arange(1, len(s) + 1),
                    "explained_variance": ratios,
                    "growth": (growth / growth[0]).numpy(),
                    "theory": expected(s.square().numpy()),
                    **settings.provenance(data, quick),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def largest_pcs(names: Sequence[str]) -> pd.DataFrame:
    """Scores after the largest PC of a recording of the paper is replaced, from its published
    spectrum.

    `names` are keys of the published spectra or of their surrogates; others have no row. Columns
    dataset, measure, theory.
    """
    rows = []
    for name in names:
        recording = str(name).removeprefix("surrogate-")
        if recording in data_sets.made.SPECTRA:
            variances = data_sets.made.variance_ratios(recording)
            for measure in ("cka", "nbs", "procrustes-angular-score"):
                value = float(theory.REPLACED[measure](variances)[0])
                rows.append({"dataset": recording, "measure": measure, "theory": value})
    return pd.DataFrame(rows, columns=["dataset", "measure", "theory"])


def claims_about_replacement(table: pd.DataFrame) -> pd.DataFrame:
    """What replacing one PC says (figure 6), a row a dataset and claim; `table` is from
    `replacements`.
    """
    rows = []
    for dataset, group in table.groupby("dataset", sort=False):
        error = float((group["score"] - group["theory"]).abs().max())
        loss = 1 - group.pivot_table(index="pc", columns="measure", values="score")
        small = loss[group.groupby("pc")["explained_variance"].first() < 0.01]
        statements = [
            ("simulation and theory agree within 1e-6", f"at most {error:.0e} apart", error < 1e-6)
        ]
        if {"cka", "nbs", "procrustes-angular-score"} <= set(loss) and len(small):
            cka, nbs, angular = (small[m] for m in ("cka", "nbs", "procrustes-angular-score"))
            statements += [
                (
                    "PCs below 1% of the variance: CKA loses less than NBS",
                    f"at most {(cka / nbs).max():.2f} of it",
                    (cka < nbs).all(),
                ),
                (
                    "PCs below 1% of the variance: angular Procrustes loses over five times as "
                    "much as NBS",
                    f"at least {(angular / nbs).min():.1f} times",
                    (angular > 5 * nbs).all(),
                ),
            ]
        rows += [
            {
                "dataset": dataset,
                "claim": claim,
                "evidence": evidence,
                "holds": bool(holds),
                "asserted": True,
            }
            for claim, evidence, holds in statements
        ]
    return claim_table(rows)


def within_bounds(table: pd.DataFrame) -> bool:
    """Whether CKA and NBS of each change keep to `theory.nbs_bounds`; `table` is from `changes`."""
    scores = table.pivot_table(index=["change", "amount"], columns="measure", values="score")
    rank = int(table["rank"].iloc[0])
    low, high = theory.nbs_bounds(scores["cka"].clip(0, 1), rank, rank)
    return bool((scores["nbs"].between(low - 1e-9, high + 1e-9)).all())
