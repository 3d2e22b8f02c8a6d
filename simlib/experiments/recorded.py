"""Ascents towards recordings that lie on this machine, and the paper's claims on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from simlib import datasets
from simlib.decoding import chance, decoding_accuracy
from simlib.experiments.claims import claim_table, claims_about_capture
from simlib.experiments.supplement import variable_crossings, variant_captures, variant_runs
from simlib.experiments.supplement_claims import claims_about_gaussian

__all__ = ["claims_about_recordings", "recorded_decoding"]

PAIR = {"procrustes-angular-score", "cka"}


def recorded_decoding(
    measures: Sequence[str],
    *,
    seeds: Sequence[int] = (0,),
    steps: int = 1000,
    quick: bool = False,
    jobs: int = 1,
    device: str = "cpu",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ascents towards recorded reaches: when the target of a reach can be decoded, and when PCs are
    captured.

    The tables of `crossings` (with `reference`, the accuracy on the recording itself) and of
    `variant_captures`, the dataset named by its file; both empty where the recording is absent.
    """
    path = str(datasets.paper.shared_folder() / datasets.paper.REACHING)
    options = datasets.paper.recordings_at_hand().get(path)
    if options is None:
        return pd.DataFrame(), pd.DataFrame()
    data = datasets.load(path, **options)
    target = datasets.labels(data, "target")
    reference = decoding_accuracy(data.values, target, groups=datasets.fold_groups(data))
    levels = pd.DataFrame({"variable": ["target"], "accuracy": reference, "chance": chance(target)})
    table = variant_runs(
        {path: options},
        measures,
        {"recorded": {}},
        seeds=seeds,
        steps=steps,
        variables=["target"],
        quick=quick,
        jobs=jobs,
        device=device,
    )
    crossings = variable_crossings(table, levels).rename(columns={"reached": "final_score"})
    name = Path(path).name
    return crossings.assign(dataset=name, reference=reference), variant_captures(table).assign(
        dataset=name
    )


def claims_about_recordings(captures: pd.DataFrame, base: str) -> pd.DataFrame:
    """What the paper says of capture, and of the Gaussian, on recorded data; every claim is
    asserted.

    `captures` is the table of `variant_captures` of `paper.recordings_at_hand`, with CKA and
    angular Procrustes and a variant `base` for the recording itself. Datasets are named by their files.
    """
    of_x = captures[captures["variant"] == base]
    claims = pd.concat(
        [claims_about_capture(of_x), claims_about_gaussian(captures, base)], ignore_index=True
    )
    names = claims["dataset"].map(lambda name: Path(name).name)
    return claim_table(
        claims.assign(dataset=names, asserted=True).drop_duplicates().to_dict("records")
    )
