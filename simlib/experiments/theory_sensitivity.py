"""One principal component (PC) of a dataset changed, the scores simulated and set beside the
theory.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from simlib import datasets as data_sets
from simlib import linalg, theory, validation
from simlib import measures as catalogue
from simlib.experiments import settings, store
from simlib.experiments.claims import values
from simlib.experiments.curves import power_law
from simlib.experiments.store import Source

REPLACEMENTS = ("orthogonal", "random")
# Change -> measure -> the theory's score at `amount`, of PC `pc` where one is changed.
EQUATIONS = {
    "rotate": {
        "cka": lambda variances, degrees, pc: theory.rotated_cka(variances, np.deg2rad(degrees))[
            pc - 1
        ],
        "nbs": lambda variances, degrees, pc: theory.rotated_nbs(variances, np.deg2rad(degrees))[
            pc - 1
        ],
    },
    "rescale": {
        "cka": lambda variances, scale, pc: theory.rescaled_cka(variances, scale)[pc - 1],
        "nbs": lambda variances, scale, pc: theory.rescaled_nbs(variances, scale)[pc - 1],
    },
    "keep": {
        "cka": lambda variances, k, pc: theory.kept_cka(variances)[k - 1],
        "nbs": lambda variances, k, pc: theory.kept_nbs(variances)[k - 1],
        "linreg": lambda variances, k, pc: theory.kept_linear_regression(variances)[k - 1],
    },
}


def _decomposition(data) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Centred X, left singular vectors and singular values up to the rank, as float64 tensors."""
    X = linalg.centre(torch.from_numpy(validation.flat(validation.array(data))))
    return X, *linalg.principal_components(X)


def _theory(measure: str, variances: np.ndarray) -> np.ndarray:
    """The equation's score of X with PC i replaced, (p,), for every i."""
    bound = catalogue.measure(measure)
    base = bound.id.split("--")[0]
    plain = {"comparison": "r2", "symmetric": False, "folds": 0} if base == "ridge" else {}
    unknown = any(bound.params.get(key, value) != value for key, value in plain.items())
    if unknown or base not in theory.REPLACED:
        raise ValueError(
            f"no equation for {measure!r} after a PC is replaced; simlib.theory has them for "
            f"{', '.join(theory.REPLACED)}"
        )
    options = {"penalty": bound.params["penalty"]} if base == "ridge" else {}
    return theory.REPLACED[base](variances, **options)


def spread_ranks(count: int, most: int = 16) -> list[int]:
    """At most `most` PC ranks from 1 to `count`, evenly spread in log rank."""
    return sorted({round(rank) for rank in np.geomspace(1, count, most)})


def _replaced(
    source: Source, measure: str, seed: int, quick: bool, replacement: str
) -> pd.DataFrame:
    """Score of X with each of some PCs replaced. A task of `replacements`."""
    data = source.load()
    X, U, s = _decomposition(data)
    w = linalg.direction_outside(U[:, :0] if replacement == "random" else U, seed)
    expected = _theory(measure, s.square().numpy())
    bound = catalogue.measure(measure)
    pcs = np.array(spread_ranks(len(s)))
    replaced = (X + torch.outer(w - u, u @ X) for u in U.T[pcs - 1])  # s_i v_i' = u_i'X
    scores = [float(bound(X, Y)) for Y in replaced]
    table = pd.DataFrame({"pc": pcs, "score": scores, "theory": expected[pcs - 1]})
    ratios = (s.square() / s.square().sum()).numpy()[pcs - 1]
    facts = {"dataset": source.dataset, "measure": measure, "seed": seed, "neurons": X.shape[1]}
    facts |= {"replacement": replacement} | settings.provenance(data, quick)
    return table.assign(explained_variance=ratios, **facts)


def replacements(
    datasets: Sequence[str],
    measures: Sequence[str],
    *,
    replacement: str = "orthogonal",
    seeds: Sequence[int] = (0,),
    quick: bool = False,
    jobs: int | str = 1,
) -> pd.DataFrame:
    """Replace the time course of one PC of each dataset, in float64, at up to 16 ranks.

    A row a dataset, measure, seed and PC: columns dataset, measure, seed, pc (from 1),
    explained_variance (ratio), score (simulated), theory, neurons, replacement, title, settings,
    surrogate, data_hash. The new time course is random; "orthogonal": and exactly orthogonal to X's
    PCs, as `theory` takes it; "random": merely centred, as in figure 6 of the paper. Finished tasks
    are stored and found again. Raises ValueError for a measure without an equation and another
    replacement, TaskError where the samples leave no room for an orthogonal one (samples - 1 <=
    rank).
    """
    validation.known("replacement", replacement, REPLACEMENTS)
    for measure in measures:
        _theory(measure, np.ones(2))
    tasks = [
        {
            "source": source,
            "measure": measure,
            "seed": int(seed),
            "quick": bool(quick),
            "replacement": replacement,
        }
        for source in [settings.source(dataset, quick) for dataset in datasets]
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
    data = settings.source(dataset, quick).load()
    X, U, s = _decomposition(data)
    w, u = linalg.direction_outside(U, seed), U[:, pc - 1]
    part = torch.outer(u, u @ X)
    # change, amount, rank of the PC, changed X
    changed = [
        ("rotate", degrees, pc, X + torch.outer((np.cos(a) - 1) * u + np.sin(a) * w, u @ X))
        for degrees, a in [(degrees, np.deg2rad(degrees)) for degrees in range(0, 181, 15)]
    ]
    changed += [
        ("rescale", scale, pc, X + (scale - 1) * part)
        for scale in (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4)
    ]
    changed += [("keep", k, 0, U[:, :k] @ (U[:, :k].T @ X)) for k in spread_ranks(len(s), 10)]
    rows = []
    for change, amount, rank, Y in changed:
        for measure, equation in EQUATIONS[change].items():
            score = float(catalogue.measure(measure)(X, Y))
            value = float(equation(s.square().numpy(), amount, pc))
            rows.append((change, amount, measure, rank, score, value))
    table = pd.DataFrame(rows, columns=["change", "amount", "measure", "pc", "score", "theory"])
    return table.assign(dataset=dataset, rank=len(s), **settings.provenance(data, quick))


def gradient_rows(dataset: str, *, seed: int = 0, quick: bool = False) -> pd.DataFrame:
    """How fast the ascent makes each PC grow in a Gaussian Y, from autograd, relative to the first
    PC.

    For CKA's numerator ||X'Y||_F^2: length of row i of U' times the gradient over the length of row
    i of U'Y. For NBS's ||X'Y||_*: the length itself. Columns dataset, measure, pc (from 1),
    explained_variance (ratio), growth (simulated), theory, title, settings, surrogate, data_hash.
    """
    data = settings.source(dataset, quick).load()
    X, U, s = _decomposition(data)
    Y = torch.randn(X.shape, generator=torch.Generator().manual_seed(seed), dtype=X.dtype)
    ratios = (s.square() / s.square().sum()).numpy()
    pcs = {"pc": np.arange(1, len(s) + 1), "explained_variance": ratios}
    lengths = {"cka": (U.T @ Y).norm(dim=1), "nbs": 1.0}  # what the gradient is relative to
    tables = []
    for measure, numerator, expected in (
        ("cka", linalg.square_sum, theory.growth_cka),
        ("nbs", linalg.nuclear_norm, theory.growth_nbs),
    ):
        leaf = Y.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(numerator(X.T @ linalg.centre(leaf)), leaf)
        growth = (U.T @ gradient).norm(dim=1) / lengths[measure]
        numbers = {"growth": growth / growth[0], "theory": expected(s.square().numpy())}
        tables.append(pd.DataFrame(pcs | numbers).assign(measure=measure))
    facts = {"dataset": dataset, **settings.provenance(data, quick)}
    return pd.concat(tables, ignore_index=True).assign(**facts)


def largest_pcs(names: Sequence[str]) -> pd.DataFrame:
    """Scores after the largest PC of a recording of the paper is replaced, from its published
    spectrum.

    `names` are keys of the published spectra or of their surrogates; others have no row. Columns
    dataset, measure, theory.
    """
    recordings = [str(name).removeprefix("surrogate-") for name in names]
    rows = [
        (recording, measure, theory.REPLACED[measure](data_sets.made.variance_ratios(recording))[0])
        for recording in recordings
        if recording in data_sets.made.SPECTRA
        for measure in ("cka", "nbs", "procrustes-angular-score")
    ]
    return pd.DataFrame(rows, columns=["dataset", "measure", "theory"])


def theory_values(replaced: pd.DataFrame) -> pd.DataFrame:
    """What replacing one PC says (figure 6), from the table of `replacements`."""
    rows = []
    for dataset, group in replaced.groupby("dataset", sort=False):
        error = float((group["score"] - group["theory"]).abs().max())
        rows.append(("simulation agrees with theory", dataset, "all", error))
        loss = 1 - group.pivot_table(index="pc", columns="measure", values="score")
        small = loss[group.groupby("pc")["explained_variance"].first() < 0.01]
        if {"cka", "nbs", "procrustes-angular-score"} <= set(loss) and len(small):
            share = (small["cka"] / small["nbs"]).max()
            multiple = (small["procrustes-angular-score"] / small["nbs"]).min()
            rows.append(("CKA loses less than NBS", dataset, "mean", share))
            rows.append(("angular Procrustes loses most", dataset, "mean", multiple))
    rows += _powers(replaced, "cka", 2, "CKA loses to the power of 2")
    rows += _powers(replaced, "nbs", 1, "NBS loses to the power of 1")
    return values(rows)


def _powers(replaced: pd.DataFrame, measure: str, power: int, claim: str) -> list[tuple]:
    """How far the loss of each dataset and seed is from this power of the variance."""
    of_measure = replaced[replaced["measure"] == measure].assign(loss=1 - replaced["score"])
    seen = of_measure[of_measure["loss"] > 1e-10]  # below is only the rounding of the score
    return [
        (claim, *key, abs(power_law(run["explained_variance"], run["loss"]) - power))
        for key, run in seen.groupby(["dataset", "seed"], sort=False)
    ]


def random_losses(replaced: pd.DataFrame) -> pd.DataFrame:
    """How far random replacements lie from the equations: a row a dataset and measure.

    `replaced` is from `replacements` with replacement="random". Columns dataset, measure,
    difference (largest, of score), least and most (the loss as a share of the equation's, over
    seeds and the PCs that cost more than 1e-5).
    """
    loss, expected = 1 - replaced["score"], 1 - replaced["theory"]
    share = (loss / expected).where(expected > 1e-5)
    table = replaced.assign(difference=(loss - expected).abs(), least=share, most=share)
    ends = {"difference": "max", "least": "min", "most": "max"}
    return table.groupby(["dataset", "measure"], sort=False).agg(ends).reset_index()


def random_values(replaced: pd.DataFrame) -> pd.DataFrame:
    """What a random replacement costs (figure 6), from the table of `replacements` with
    replacement="random".
    """
    rows = []
    for row in random_losses(replaced).itertuples():
        rows.append(("random replacements are near", row.dataset, row.measure, row.difference))
        if row.measure == "nbs":
            rows.append(("NBS loses less to a random one", row.dataset, "all", row.most))
    rows += _powers(replaced, "cka", 2, "random: CKA to the power of 2")
    rows += _powers(replaced, "nbs", 1, "random: NBS to the power of 1")
    return values(rows)


def change_values(changes: pd.DataFrame, growth: pd.DataFrame) -> pd.DataFrame:
    """Whether other changes and gradients follow their equations, from the tables of `changes` and
    `gradient_rows`, and whether CKA and NBS of each change keep to `theory.nbs_bounds`.
    """
    scores = changes.pivot_table(index=["change", "amount"], columns="measure", values="score")
    rank, dataset = int(changes["rank"].iloc[0]), changes["dataset"].iloc[0]
    low, high = theory.nbs_bounds(scores["cka"].clip(0, 1), rank, rank)
    broken = np.maximum(low - scores["nbs"], scores["nbs"] - high).max()
    rows = [("changes keep to the bounds", dataset, "all", broken)]
    for table, value, claim in (
        (changes, "score", "changes follow their equations"),
        (growth, "growth", "gradients follow their equations"),
    ):
        rows.append((claim, dataset, "all", (table[value] - table["theory"]).abs().max()))
    return values(rows)
