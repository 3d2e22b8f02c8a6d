"""Exact score ranges beside the descents: outlines to draw, how near the descents come, and what
0.9 implies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from simlib import datasets as data_sets
from simlib import exact_ranges, linalg, validation
from simlib.datasets.spectra import SPECTRA, variance_ratios
from simlib.experiments import settings, store
from simlib.experiments.claims import claim_table
from simlib.experiments.ranges import LEVEL, end_points
from simlib.measures import MEASURES

__all__ = ["claims_about_exact_ranges", "exact_outlines", "implied_scores"]

ROUNDING = 1e-5  # scores of the descents are float32
NEAREST = 40  # visited points a region that are compared with ranges of their own
IMPLIED = (
    ("cka", "procrustes-angular-score"),
    ("procrustes-angular-score", "cka"),
    ("cka", "nbs"),
    ("nbs", "cka"),
    ("linreg", "procrustes-angular-score"),
    ("procrustes-angular-score", "linreg"),
    ("linreg", "nbs"),
    ("nbs", "linreg"),
    ("linreg", "cka"),
    ("cka", "linreg"),
)


def _variances(dataset: str, quick: bool) -> tuple[np.ndarray, int, int]:
    """Variances of a dataset's principal components, number of its neurons, directions left outside
    of it.
    """
    values = validation.flat(
        validation.array(data_sets.load(dataset, **settings.load_options(dataset, quick)), "X")
    )
    sizes = linalg.principal_components(torch.as_tensor(values, dtype=torch.float64))[1].numpy()
    return sizes**2, values.shape[1], values.shape[0] - 1 - len(sizes)


def exact_outlines(
    datasets: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    *,
    quick: bool = False,
    levels: int = 101,
) -> pd.DataFrame:
    """The exact ranges of the scores of `joint_ranges`, from each dataset's variances: a row a
    level and end.

    Columns dataset, measure, against, end ("lowest", "highest" score of `measure`), score_a,
    score_b (the level of `against`), status ("proved", "conjecture"), room (whether X's samples
    leave a direction outside of X for each neuron; without, the range is an outer bound). Pairs
    whose range isn't known have no rows.
    """
    grid, rows = np.linspace(0, 1, levels), []
    for dataset in map(str, datasets):
        variances, neurons, outside = _variances(dataset, quick)
        for measure, against in pairs:
            if not exact_ranges.has_range(against, measure):
                continue
            ends = exact_ranges.score_range(variances, against, grid, measure, neurons)
            status = exact_ranges.STATUS[exact_ranges.plain(against), exact_ranges.plain(measure)]
            for name, values, known in zip(("lowest", "highest"), ends, status, strict=True):
                region = {"dataset": dataset, "measure": measure, "against": against, "end": name}
                rows.append(
                    pd.DataFrame(
                        {
                            **region,
                            "score_a": values,
                            "score_b": grid,
                            "status": known,
                            "room": outside >= neurons,
                        }
                    )
                )
    columns = ["dataset", "measure", "against", "end", "score_a", "score_b", "status", "room"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def _beyond(points: pd.DataFrame, low: pd.DataFrame, high: pd.DataFrame, quick: bool) -> float:
    """By how much visited points lie beyond the exact range at most, below 0 where all are inside.

    The points nearest to the range's ends, by interpolation, are compared with the range at their
    own level.
    """
    dataset, measure, against = points[["dataset", "measure", "against"]].iloc[0]
    a, b = points["score_a"].to_numpy(float), points["score_b"].clip(0, 1).to_numpy(float)
    outward = np.maximum(
        np.interp(b, low["score_b"], low["score_a"]) - a,
        a - np.interp(b, high["score_b"], high["score_a"]),
    )
    nearest = np.argsort(-outward)[:NEAREST]
    variances, neurons, _ = _variances(dataset, quick)
    least, most = exact_ranges.score_range(variances, against, b[nearest], measure, neurons)
    return float(np.maximum(least - a[nearest], a[nearest] - most).max())


def _covered(ends: pd.DataFrame, low: pd.DataFrame, high: pd.DataFrame) -> float:
    """Share of the exact range that lies within the outline of a region, straight between its end
    points.
    """
    level, least, most = (
        low["score_b"].to_numpy(),
        low["score_a"].to_numpy(),
        high["score_a"].to_numpy(),
    )
    here = ends[["score_a", "score_b"]].to_numpy(float)
    there = np.roll(here, -1, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (level[:, None] - here[:, 1]) / (there[:, 1] - here[:, 1])
        a = np.where(
            (part >= 0) & (part <= 1), here[:, 0] + part * (there[:, 0] - here[:, 0]), np.nan
        )
    inside = np.minimum(np.fmax.reduce(a, axis=1), most) - np.maximum(
        np.fmin.reduce(a, axis=1), least
    )
    return float(
        np.trapezoid(np.nan_to_num(inside).clip(0), level) / np.trapezoid(most - least, level)
    )


def claims_about_exact_ranges(ways: pd.DataFrame, exact: pd.DataFrame) -> pd.DataFrame:
    """Do the descents keep to the exact ranges, and how much of them do they reach? A row a dataset
    and pair.

    `ways` is the table of `joint_ranges`, `exact` that of `exact_outlines`. Columns of
    `claim_table`, then `beyond` (the worst visited point's, in units of `measure`) and `covered`,
    the share of the exact range within the outline.
    """
    rows = []
    for (dataset, measure, against), curves in exact.groupby(
        ["dataset", "measure", "against"], sort=False
    ):
        low, high = (curves[curves["end"] == end] for end in ("lowest", "highest"))
        points = ways[
            (ways[["dataset", "measure", "against"]] == [dataset, measure, against]).all(axis=1)
        ]
        beyond = _beyond(points, low, high, (points["settings"] == "quick").any())
        covered = np.mean(
            [_covered(ends, low, high) for _, ends in end_points(points).groupby("seed")]
        )
        names = " and ".join(MEASURES[name].title for name in (measure, against))
        rows.append(
            {
                "dataset": dataset,
                "claim": f"no Y on the way leaves the exact range of {names}",
                "evidence": f"{len(points)} points, outline covers {covered:.0%} of it",
                "holds": beyond < ROUNDING,
                "asserted": True,
                "beyond": beyond,
                "covered": covered,
            }
        )
    return pd.DataFrame(rows, columns=[*claim_table([]).columns, "beyond", "covered"])


def _implied(dataset: str, level: float) -> pd.DataFrame:
    """What `level` on one measure implies on the others, for one spectrum. A task of
    `implied_scores`.
    """
    variances, rows = variance_ratios(dataset), []
    plain = {pair: tuple(map(exact_ranges.plain, pair)) for pair in IMPLIED}
    for known, status in exact_ranges.STATUS.items():
        pairs = [pair for pair in IMPLIED if plain[pair] == known]
        levels = [
            level if given == known[0] else exact_ranges.from_angular(level) for given, _ in pairs
        ]
        ends = np.array(
            exact_ranges.score_range(variances, known[0], levels, known[1])
        )  # one search for all
        for (given, other), end in zip(pairs, ends.T, strict=True):
            low, high = map(float, end if other == known[1] else exact_ranges.angular(end))
            rows.append(
                {
                    "dataset": dataset,
                    "given": given,
                    "at_least": level,
                    "other": other,
                    "lowest": low,
                    "highest": 1.0,
                    "highest_at": high,
                    "lowest_status": status[0],
                    "highest_at_status": status[1],
                }
            )
    return pd.DataFrame(rows)


def implied_scores(
    names: Sequence[str] = tuple(SPECTRA), level: float = LEVEL, jobs: int = 1
) -> pd.DataFrame:
    """What a score of `level` or more implies on another measure, for the published spectra: a row
    a spectrum and pair.

    Columns dataset, given, at_least, other, lowest, highest (1: Y = X), highest_at (at exactly
    `level`), and the status of the two ends at the level. Y has as many columns as X has PCs, and X
    samples enough. Spectra are stored tasks (`store.run`), `jobs` at once.
    """
    tasks = [{"dataset": str(name), "level": float(level)} for name in names]
    return pd.concat(store.run(_implied, tasks, jobs), ignore_index=True)
