"""The authors' published result tables: where they are on this machine, how they get there, how
they are read.

They are not part of this project. A user's copy comes from the authors' repository at a fixed
commit and is checked by sha256; without it everything here still works and says that there is
nothing to compare with.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pooch

from simlib import cache
from simlib.datasets.folders import data_folder, shared_folder
from simlib.datasets.paper.downloads import fetch

COMMIT = "f7285477a476c6591fbfdcddb2a3a8cf24a5fd53"
URL = f"https://raw.githubusercontent.com/nacloos/diffscore-site/{COMMIT}/docs/data/benchmarks/"
# A task variable in the tables -> here, where they differ.
VARIABLES = {"gt_choice": "choice", "coh_mod1": "motion", "coh_mod2": "colour", "color": "colour"}
CAPTURES, CURVES = "scores_at_threshold.csv", "scores_vs_decoding_acc.csv"
# Published id -> id here, where they differ. The "RSA" of the tables is CKA: a second run of the
# same measure.
OURS = {"ridge-lambda100-r2#5folds_cv": "ridge-cv", "rsa-correlation-corr": "cka"}


class PublishedTables(NamedTuple):
    """One dataset's published tables, and what figure 3 says of its main variable."""

    folder: str
    variable: str  # column of the main variable's accuracy, after "decode."
    reference: float  # accuracy on the recording, read off figure 3
    chance: float
    captures_sha256: str
    curves_sha256: str


# One a dataset; surrogates stand in for the recording of the same name. The tree's reference is the
# tables' own.
PUBLISHED_TABLES: dict[str, PublishedTables] = {
    "mante2013": PublishedTables(
        "Mante2013",
        "context",
        0.893,
        1 / 2,
        "3d754f247c665b17b276c66272c39995458674c438b01731ddd83e3831959417",
        "e7df2d790bde4814361cd423feb8a18db7c9f14f18450765f9ad6c20655b39dd",
    ),
    "siegel2015": PublishedTables(
        "siegel15-FEF-stim_period-var99",
        "context",
        0.865,
        1 / 2,
        "d7bf069f4eb5e7f90119d30ca832fe56bcd027625e138925522cecc35d9b1651",
        "a97b6ecd0917cd8578239c8da902d7ff3d065a8e931847d2e3b9074138bfcf4a",
    ),
    "hatsopoulos2007": PublishedTables(
        "Hatsopoulos2007",
        "target",
        0.77,
        1 / 8,
        "b9cb4c0c078cf8a77743b4a593e575ee42939e6124f557415955fc2b783e7f3b",
        "90b2fd1dd0088497aff009304317adfbcbfff0d24dc7d1eeb1e01dd614f8c002",
    ),
    "majajhong2015": PublishedTables(
        "MajajHong2015",
        "category",
        0.855,
        1 / 8,
        "ad68b72f6e029a1674ae4721a4b640397b42980e8ba0520efc25960b8a39685b",
        "118540efe42523eff1d4003e6e0630c7abfd8af779bd9bbd31cea7c4711a5ebe",
    ),
    "freemanziemba2013": PublishedTables(
        "FreemanZiemba2013",
        "texture_type",
        0.60,
        1 / 2,
        "c9acd9e2edc2fecbf11838d94a615c9d1d7b43c7528be052d575a86f10840540",
        "19ec22477cbb4bee861e8ec569a4910c0e91de6a7ec311ea41cbbfd7635d2608",
    ),
    "hierarchy": PublishedTables(
        "ultrametric",
        "category",
        0.97,
        1 / 10,
        "9d67dd74487d70b24a2005d7ea3c0b9c86da2a8f31998204775a843123a33608",
        "e8f863885af63411940664a23d9affa5eba71ca01960154aed66c72579ce5599",
    ),
}
# Path inside the folder -> sha256, of every published file.
HASHES = {
    f"{tables.folder}/{name}": known
    for tables in PUBLISHED_TABLES.values()
    for name, known in ((CAPTURES, tables.captures_sha256), (CURVES, tables.curves_sha256))
}


def published_folder() -> Path | None:
    """The folder of the published tables on this machine; None where there is none.

    Looked for in this order: `published` in the folder of downloads (SIMLIB_DATA, or the cache
    folder), in SIMLIB_SHARED, and in a folder `shared` beside this checkout.
    """
    places = (data_folder() / "published", shared_folder() / "published")
    return next((place for place in places if any(place.glob(f"*/{CURVES}"))), None)


def published_note() -> str:
    """Whether the comparison can be made on this machine, as a sentence for the page."""
    if published_folder() is None:
        return (
            "**The published tables are not on this machine**: what follows shows the reproduced "
            "numbers alone, and "
            "makes no comparison. `make scorecard` downloads the tables and makes this page again."
        )
    repository = f"`nacloos/diffscore-site` at commit `{COMMIT[:10]}`"
    return f"The published tables are those of the authors' repository {repository}."


def download_published() -> Path:
    """The folder of the published tables, fetched into the folder of downloads unless they are on
    this machine.

    SIMLIB_OFFLINE=1 forbids downloads. Raises FileNotFoundError, saying what to do, when they can't
    be fetched or are not the published files.
    """
    found = published_folder()
    if found and all(is_published(found, path) for path in HASHES):
        return found
    folder = data_folder() / "published"
    way_out = (
        "Get the folder docs/data/benchmarks of github.com/nacloos/diffscore-site at commit "
        f"{COMMIT[:10]} by other "
        f"means and put it at {folder}. Without it the page shows the reproduced numbers alone"
    )
    hashes = {path: f"sha256:{known}" for path, known in HASHES.items()}
    keeper = pooch.create(folder, base_url=URL, registry=hashes)
    fetch(keeper, "The published tables", way_out)
    return folder


def is_published(folder: Path, path: str) -> bool:
    """Whether this published file is in the folder, as it was published."""
    return (folder / path).is_file() and pooch.file_hash(str(folder / path)) == HASHES[path]


def read_published(datasets: Iterable[str], file: str) -> pd.DataFrame:
    """One published file of each dataset that has it, with columns dataset (as asked), measure,
    published_measure. A file of the folder of downloads that isn't the published one is set aside.
    """
    folder, tables = published_folder(), []
    for dataset in map(str, datasets):
        entry = PUBLISHED_TABLES.get(dataset.removeprefix("surrogate-"))
        if folder is None or entry is None or not (folder / entry.folder / file).exists():
            continue
        path = folder / entry.folder / file
        if not is_published(folder, f"{entry.folder}/{file}"):
            advice = "remove it and fetch it again"
            if folder == data_folder() / "published":
                cache.set_aside(path, "it is not the published file")
                advice = "it was set aside, and `make scorecard` fetches it again"
            raise ValueError(f"{path} is not the file published at commit {COMMIT[:10]}: {advice}")
        table = pd.read_csv(path).rename(columns={"measure": "published_measure"})
        measures = table["published_measure"].replace(OURS)
        value = table[f"decode.{entry.variable}"] if file == CURVES else float("nan")
        tables.append(table.assign(dataset=dataset, measure=measures, value=value))
    columns = [
        "dataset",
        "measure",
        "published_measure",
        "score",
        "value",
        "scores_at_threshold",
        "pc_explained_variance",
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def published_curves(datasets: Iterable[str]) -> pd.DataFrame:
    """Published accuracy of the main variable against score: a row a snapshot, one snapshot a step.

    Columns dataset (as given), measure (id here), published_measure, step, score, value (accuracy).
    The first snapshot, doubled in the tables, counts once. No rows for datasets without tables, or
    without the folder. Raises ValueError for a file that is not the published one.

    Example:
        >>> from simlib.datasets import paper
        >>> paper.published_curves(["toy-2d"]).columns.tolist()
        ['dataset', 'measure', 'published_measure', 'step', 'score', 'value']
    """
    table = read_published(datasets, CURVES)
    row = table.groupby(["dataset", "published_measure"]).cumcount()
    table = table.assign(step=row - 1)[row > 0]
    return table[["dataset", "measure", "published_measure", "step", "score", "value"]].reset_index(
        drop=True
    )


def published_variables(datasets: Iterable[str]) -> pd.DataFrame:
    """Published accuracy of every task variable against score: a row a snapshot and variable.

    Columns as for `published_curves`, with name (the variable's, as here).

    Example:
        >>> from simlib.datasets import paper
        >>> paper.published_variables(["toy-2d"]).columns.tolist()
        ['dataset', 'measure', 'published_measure', 'step', 'score', 'name', 'value']
    """
    table = read_published(datasets, CURVES)
    row = table.groupby(["dataset", "published_measure"]).cumcount()
    table = table.assign(step=row - 1)[row > 0].drop(columns="value")
    keys = ["dataset", "measure", "published_measure", "step", "score"]
    columns = [name for name in table if name.startswith("decode.")]
    long = table.melt(keys, columns, var_name="name").dropna(subset="value")
    names = long["name"].str.removeprefix("decode.").replace(VARIABLES)
    return long.assign(name=names)[[*keys, "name", "value"]].reset_index(drop=True)


def published_captures(datasets: Iterable[str]) -> pd.DataFrame:
    """Published score to capture each PC: a row a PC.

    Columns dataset (as given), measure (id here), published_measure, pc (from 1),
    explained_variance (ratio), score (NaN: never). No rows for datasets without tables, or without
    the folder. Raises ValueError for a file that is not the published one.

    Example:
        >>> from simlib.datasets import paper
        >>> paper.published_captures(["toy-2d"]).columns.tolist()
        ['dataset', 'measure', 'published_measure', 'pc', 'explained_variance', 'score']
    """
    table = read_published(datasets, CAPTURES)
    table = table.assign(
        pc=table.groupby(["dataset", "published_measure"]).cumcount() + 1,
        score=table["scores_at_threshold"],
        explained_variance=table["pc_explained_variance"],
    )
    return table[["dataset", "measure", "published_measure", "pc", "explained_variance", "score"]]
