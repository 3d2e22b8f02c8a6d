"""Tables as a reader sees them: titles, ticks and numbers, in groups of rows."""

import html
import numbers
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from simlib.datasets import made
from simlib.measures import MEASURES

__all__ = ["Table", "table", "titled"]

MARKS = {
    True: '<span class="yes" role="img" aria-label="yes">✓</span>',
    False: '<span class="no" role="img" aria-label="no">✗</span>',
}
HEADS = {"title": "Name"}


class Table(NamedTuple):
    """A table for reading; a notebook shows its `html`."""

    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return "<a table>"


def table(
    frame: pd.DataFrame,
    names: Mapping[str, str] | Sequence[str] | None = None,
    *,
    groups: Sequence[str] = (),
    form: str | Mapping[str, str] = ".2f",
    links: Mapping[str, str] | None = None,
    caption: str = "",
) -> Table:
    """The columns `names` of a table (under the names they map to, or all), made for reading.

    Ids of measures and datasets become titles, truth a tick or a cross, what isn't there a dash;
    columns without any entry are left out. Equal neighbours in the
    columns `groups` become one row above those that share them. An index with names is shown as
    columns. `form` formats floats, of all columns or by column; `links` names for a column the
    column that holds the addresses of its cells.

    >>> scores = pd.DataFrame({"measure": ["cka"], "score": [0.5], "holds": [True]})
    >>> shown = table(scores, ["measure", "score"]).html
    >>> re.findall("<t[hd](?: [^>]*)?>([^<]*)", shown)
    ['Measure', 'Score', 'CKA', '0.50']
    """
    frame = frame.reset_index() if any(frame.index.names) else frame
    names = names if isinstance(names, Mapping) else {name: name for name in names or frame}
    links = links or {}
    forms = form if isinstance(form, Mapping) else dict.fromkeys(names, form)
    cells = {
        name: [_cell(value, forms.get(name, ".2f")) for value in frame[name]]
        for name in names
        if name in groups or frame.empty or not (frame[name].isna() | (frame[name] == "")).all()
    }
    for name, addresses in links.items():
        pairs = zip(cells[name], frame[addresses], strict=True)
        cells[name] = [f'<a href="{at}">{cell}</a>' if at else cell for cell, at in pairs]
    shown = [name for name in cells if name not in groups]
    head = "".join(f'<th scope="col">{_title(str(names[name]))}</th>' for name in shown)
    body, last = [], None
    for row in range(len(frame)):
        group = [cells[name][row] for name in groups]
        if group and group != last:
            above = "".join(f"<span>{cell}</span> " for cell in group if cell).strip()
            body.append(
                f'<tr class="group"><th scope="rowgroup" colspan="{len(shown)}">{above}</th></tr>'
            )
        last = group
        entries = "".join(f"<td>{cells[name][row]}</td>" for name in shown)
        body.append(f"<tr>{entries}</tr>")
    over = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    if not body:
        return Table("<p>Nothing to show.</p>")
    return Table(
        f'<table class="reading">{over}<thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def titled(name: str) -> str:
    """The title of a measure or dataset by its id, of a stand-in as one; other text as it is.

    >>> [titled(name) for name in ("siegel2015", "surrogate-siegel2015", "cka", "mine.npz")]
    ['Siegel 2015', 'Siegel 2015 (surrogate)', 'CKA', 'mine.npz']
    """
    return _titles().get(name, name)


@cache
def _titles() -> dict[str, str]:
    """Id of a measure or dataset -> its title."""
    labels = {name: facts.label for name, facts in made.SURROGATES.items()}
    return {
        "hierarchy": "Hierarchy",
        "toy-2d": "Toy in two dimensions",
        **{name: record.title for name, record in MEASURES.items()},
        **{name.removeprefix("surrogate-"): label for name, label in labels.items()},
        **{name: f"{label} (surrogate)" for name, label in labels.items()},
    }


def _title(name: str) -> str:
    """The title of an id; a column's name with a capital, where it has a word."""
    known = HEADS.get(name) or _titles().get(name)
    words = known or name.replace("_", " ")
    capital = words[:1].upper() + words[1:] if re.match("[a-z]{3}", words) else words
    return html.escape(capital, quote=False)


def _cell(value: object, form: str) -> str:
    """One entry as HTML."""
    if isinstance(value, bool | np.bool_):
        return MARKS[bool(value)]
    if value is None or (isinstance(value, numbers.Real) and np.isnan(value)):
        return "–"
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        return f"{value:{form}}".replace("-", "−")
    return html.escape(titled(str(value)), quote=False)
