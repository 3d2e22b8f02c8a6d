"""Which settings and data made a figure, and how its page was made, in words."""

import html
import os
from pathlib import Path

import pandas as pd

from simlib.experiments.machine import setup
from simlib.threads import THREADS


def made_of(table: pd.DataFrame) -> str:
    """Which settings and data made a figure, as one line of Markdown.

    `table` has the columns settings and surrogate and, where they apply, title and seed.
    """
    quick = (table["settings"] == "quick").any()
    words = (
        "quick settings: smaller and fewer runs than the paper's" if quick else "paper's settings"
    )
    parts = [f"Made at the {words}"]
    if "title" in table:
        titles = list(dict.fromkeys(table["title"]))
        parts.append(f"data: {', '.join(titles)}")
    if table["surrogate"].any():
        parts.append("surrogate data are synthetic")
    if "seed" in table and (runs := table["seed"].nunique()) > 1:
        parts.append(f"up to {runs} runs of each")
    return f"*{'; '.join(parts)}.*"


def how_made(names: dict, parameters: dict) -> str:
    """How a page was made, as one folded line (HTML): data and their digests, as the tables among
    the `names` of its notebook say them, parameters, and `setup`. Where its tasks ran (`jobs`)
    decides nothing and may be an address: it is left out.
    """
    data = {
        f"{title} {found}"
        for table in names.values()
        if isinstance(table, pd.DataFrame) and {"title", "data_hash"} <= {*table.columns}
        for title, found in table[["title", "data_hash"]].drop_duplicates().astype(str).values
    }
    made = setup()
    facts = {
        "data (sha256)": ", ".join(sorted(data)) or "none",
        "parameters": ", ".join(
            f"{key} = {_bare(value)}" for key, value in parameters.items() if key != "jobs"
        ),
        "versions": ", ".join(
            f"{name} {number}"
            for name, number in {"python": made["python"], **made["version"]}.items()
        ),
        "BLAS": f"{', '.join(made['blas'])}; torch with {made['vectors']}",
        "threads": f"{THREADS} a task, else torch {made['threads']}, BLAS {made['blas_threads']}",
        "commit": made["commit"],
        "time": made["time"],
        "machine": f"{made['processor']}, {made['cores']} cores",
    }
    said = "; ".join(
        f"{name}: {html.escape(str(fact), quote=False)}" for name, fact in facts.items()
    )
    return f'<details class="made"><summary>How this page was made</summary><p>{said}</p></details>'


def _bare(value: object) -> object:
    """A parameter's value without folders."""
    if isinstance(value, list | tuple):
        return [_bare(one) for one in value]
    return Path(value).name if isinstance(value, str) and os.sep in value else value
