"""The tables behind what moves in the book, stored as they are made: spectra, and the exact ranges
at each place of a slider.
"""

import numpy as np
import pandas as pd

from simlib import datasets as data_sets
from simlib import exact_ranges
from simlib.experiments import store

POWERS = np.arange(13) / 4  # exponents of a power law
POWER_PCS = 30
LEVELS = np.arange(101) / 100  # places of a slider of scores
# measure whose score is given, plain and angular -> the angular one whose range is read; the others
# are relabelled
OTHERS = {
    ("cka", "cka-angular-score"): "procrustes-angular-score",
    ("nbs", "procrustes-angular-score"): "cka-angular-score",
}


def spectra() -> dict[str, np.ndarray]:
    """Shares of variance, largest first, by the name of a recording, or "power-1.25": 30 principal
    components of variance 1 / i^1.25.

    Example:
        >>> from simlib.experiments import explorables
        >>> explorables.spectra()["power-1.00"][:2].round(3).tolist()
        [0.25, 0.125]
    """
    rank = np.arange(1, POWER_PCS + 1)
    laws = {f"power-{power:.2f}": rank**-power for power in POWERS}
    recordings = {name: data_sets.made.variance_ratios(name) for name in data_sets.made.SPECTRA}
    return recordings | {name: law / law.sum() for name, law in laws.items()}


def _slider_ranges(spectrum: str) -> pd.DataFrame:
    """The exact range at each place of a slider. A task of `slider_ranges`."""
    variances, tables = spectra()[spectrum], []
    both = np.array([LEVELS, exact_ranges.from_angular(LEVELS)])
    for givens, other in OTHERS.items():  # one search for both
        ends = exact_ranges.score_range(variances, givens[0], both, other)
        for given, low, high in zip(givens, *ends, strict=True):
            table = pd.DataFrame({"level": LEVELS, "lowest": low, "highest": high})
            tables.append(table.assign(spectrum=spectrum, given=given, other=other))
    return pd.concat(tables, ignore_index=True)


def slider_ranges(names: list[str] | None = None, jobs: int | str = 1) -> pd.DataFrame:
    """Exact ranges of the spectra of these names (all of `spectra` if None): a row a spectrum,
    given measure and level.

    Columns spectrum, given, level (0 to 1 by 0.01), other (`OTHERS`), lowest, highest, of a Y of as
    many columns as X has principal components, samples enough.
    """
    tasks = [{"spectrum": name} for name in (spectra() if names is None else names)]
    return pd.concat(store.run(_slider_ranges, tasks, jobs), ignore_index=True)
