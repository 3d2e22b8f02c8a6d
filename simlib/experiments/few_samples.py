"""What the pages say of recordings whose neurons fill the samples; nothing of any other."""

from collections.abc import Sequence

import pandas as pd

from simlib import datasets as data_sets
from simlib.experiments import curves, settings
from simlib.measures import own

__all__ = ["held_out_in_words", "saturated", "sizes_in_words"]


def saturated(measures: Sequence[str]) -> list[str]:
    """Titles of the measures that are the same for any Y whose neurons fill the samples: those that
    no invertible linear map of Y changes.

    >>> saturated(["cka", "linreg", "cca"])
    ['Linear regression', 'CCA']
    """
    records = [own.resolve(name) for name in measures]
    return [record.title for record in records if "invertible linear map" in record.invariances]


def sizes_in_words(
    datasets: Sequence[str], measures: Sequence[str] = (), quick: bool = False
) -> str:
    """For each dataset whose neurons fill the samples (`datasets.fills_samples`) a Markdown item
    that says so and which of the measures say nothing there; "" where there is none.
    """
    items = []
    for name in datasets:
        data = settings.source(name, quick).load()
        if words := data_sets.few_samples(data):
            if flat := saturated(measures):
                words += f" Of the measures here {' and '.join(flat)} can't tell two $Y$ apart."
            items.append(f"- {settings.shown_title(data)}: {words}")
    return "\n".join(items)


def held_out_in_words(captures: pd.DataFrame) -> str:
    """What is shown of the PCs of datasets whose neurons fill the samples, and how many PCs are
    left out: a Markdown item a dataset; "" where there is none.

    `captures` is the table of `curves.captures`.
    """
    items = []
    for title, of_data in captures[captures["ceiling"] < 1].groupby("title", sort=False):
        first = of_data.sort_values("left_out").groupby("pc").first()  # of a run that has ascended
        kept = first[~first["left_out"]]
        words = (
            f"- {title}: shown is how well each PC is predicted from $Y$ on trials (groups, where "
            "declared) that the fit has not seen (held-out $R^2$). The ceiling is what $X$ itself "
            f"predicts: more than {curves.LOWEST_CEILING:g} of {len(kept)} of its {len(first)} PCs"
        )
        words += f" (up to {kept['ceiling'].max():.2f})." if len(kept) else "."
        words += f" The other {len(first) - len(kept)} can't be told from noise and are left out."
        words += " A PC is captured half the way from its start to its ceiling."
        orders = curves.capture_order(of_data).dropna(subset="order")
        if len(orders):
            order = curves.over_runs(orders["order"])
            words += f" Rank and score of capture correlate by {order} (Spearman)."
        else:
            words += f" Fewer than {curves.FEWEST} are captured: no order to tell."
        items.append(words)
    return "\n".join(items)
