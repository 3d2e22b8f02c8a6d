"""Scores of independent noise: what the numbers of samples and neurons alone are worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from simlib import measures, validation
from simlib.experiments import settings, store
from simlib.experiments.claims import claim_table

__all__ = ["claims_about_noise", "noise_scores"]


def _noise(measure: str, samples: int, neurons: int, seed: int) -> pd.DataFrame:
    """Score of two independent Gaussian matrices of one size. A task of `noise_scores`."""
    rng = np.random.default_rng([seed, samples, neurons])
    X, Y = rng.standard_normal((2, samples, neurons))
    row = {"measure": measure, "samples": samples, "neurons": neurons, "seed": seed}
    return pd.DataFrame([{**row, "score": measures.score(measure, X, Y)}])


def noise_scores(
    names: Sequence[str],
    samples: int,
    neurons: Sequence[int],
    *,
    seeds: Sequence[int] = (0,),
    quick: bool = False,
    jobs: int = 1,
) -> pd.DataFrame:
    """Scores of independent standard Gaussian X and Y, a row a measure, number of neurons and seed.

    Columns measure, samples, neurons, seed, score, settings, surrogate (never: it stands in for
    nothing).
    """
    for name in names:
        if name not in measures.MEASURES:
            raise validation.unknown_name("measure", name, measures.MEASURES)
    tasks = [
        {"measure": name, "samples": int(samples), "neurons": int(p), "seed": int(seed)}
        for name in names
        for p in neurons
        for seed in seeds
    ]
    table = pd.concat(store.run(_noise, tasks, jobs), ignore_index=True)
    return table.assign(settings=settings.label(quick), surrogate=False)


def claims_about_noise(table: pd.DataFrame) -> pd.DataFrame:
    """What noise scores: CKA as its closed form says and near 1 for many neurons, debiased CKA near
    0.

    Claims about measures that are not in the table are left out.
    """
    means = table.groupby(["measure", "neurons"])["score"].mean()
    samples, most = int(table["samples"].iloc[0]), int(table["neurons"].max())
    statements = []
    if "cka" in means:
        cka = means["cka"]
        off = np.abs(cka - cka.index / (cka.index + samples)).max()
        statements += [
            (
                f"CKA of noise is p / (p + n) within 0.03 (n = {samples})",
                f"at most {off:.3f} off",
                off < 0.03,
            ),
            (f"CKA of noise is above 0.9 for {most} neurons", f"{cka[most]:.2f}", cka[most] > 0.9),
        ]
    if "cka-debiased" in means:
        largest = means["cka-debiased"].abs().max()
        statements.append(
            (
                "debiased CKA of noise stays within 0.05 of 0",
                f"at most {largest:.3f}",
                largest < 0.05,
            )
        )
    return claim_table(
        [
            {
                "dataset": "noise",
                "claim": claim,
                "evidence": evidence,
                "holds": bool(holds),
                "asserted": True,
            }
            for claim, evidence, holds in statements
        ]
    )
