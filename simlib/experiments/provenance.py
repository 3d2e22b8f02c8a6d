"""Which settings and data made a figure, in words."""

import pandas as pd


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
