"""The card of a measure in words: sentences and tables for reading, every number from a table of
`measure_card`.
"""

import inspect
import math
import re

import pandas as pd

from simlib.experiments import measure_card, tables
from simlib.experiments.measure_card import NOT_RUN, VERDICTS, spread
from simlib.experiments.measure_card_notes import NOTES
from simlib.measures import MEASURES, Measure, own

EXAMPLE = (20, 20)  # samples and neurons of the chance level in the table of all cards
CHECKS = {
    "about": "About",
    "check": "Check",
    "verdict": "Outcome",
    "evidence": "Evidence",
    "reason": "Why it matters",
}
# What a record states beforehand, in a reader's words.
STATED = {
    "fails as declared": "doesn't hold, as stated",
    "holds though declared to fail": "holds, though stated not to",
}
LIMITS = {"given": "0.9 or more on", "other": "reached on", "bound": "end", "score": "score"}


# -- Numbers and text


def plain(text: object) -> str:
    r"""Anything as text on one line that Markdown leaves as it is.

    >>> print(plain("a_b | *c*"))
    a\_b \| \*c\*
    """
    return re.sub(r"([\\`*_{}\[\]<>|$#~])", r"\\\1", " ".join(str(text).split()))


def prose(text: str) -> str:
    r"""A paragraph of a docstring: plain, but for the code between backticks.

    >>> print(prose("as `a_b` of |x|"))
    as `a_b` of \|x\|
    """
    unescape = re.compile(r"\\(.)")
    return re.sub(r"\\`.*?\\`", lambda code: unescape.sub(r"\1", code[0]), plain(text))


def shown(value: float) -> str:
    """Two or three digits that count, with a true minus sign; what is below 5e-7 is rounding: 0.

    >>> [shown(value) for value in (0.5, 0.0312, 153.2, 1e-9)]
    ['0.50', '0.031', '153', '0']
    """
    if not math.isfinite(value):
        return "undefined"
    digits = ".0f" if abs(value) >= 100 else ".2f" if abs(value) >= 0.095 else ".2g"
    return f"{value:{digits}}".replace("-", "−") if abs(value) >= 5e-7 else "0"


def interval(found: dict, of: str = "") -> str:
    """An estimate with its interval; `found` is of `spread`.

    >>> interval(spread([0.4, 0.6]), "seeds")
    '0.50 (0.40 to 0.60 over 2 seeds)'
    """
    if not found["count"]:
        return "none found"
    over = f" over {int(found['count'])} {of}" if of else ""
    return f"{shown(found['mean'])} ({shown(found['low'])} to {shown(found['high'])}{over})"


def number(value: float) -> str:
    """A bound or an own value of a record as it is read.

    >>> number(math.pi / 2), number(-math.inf), number(0.5)
    ('π/2', '−∞', '0.5')
    """
    known = {math.pi: "π", math.pi / 2: "π/2", math.inf: "∞", -math.inf: "−∞"}
    return known.get(value, f"{value:g}".replace("-", "−"))


def parameters(record: Measure) -> str:
    """Its parameters as set in the record; those that only a fold scheme needs are the text's.

    >>> parameters(MEASURES["rsa"])
    '; distance = squared-euclidean, comparison = pearson'
    """
    known = {
        **(getattr(inspect.unwrap(record.function), "__kwdefaults__", None) or {}),
        **record.params,
    }
    words = ", ".join(
        f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in known.items()
        if name not in ("seed", "groups", "conditions", "precomputed")
    )
    return f"; {words}" if words else ""


def sentences(*parts: str) -> str:
    """One paragraph of those that say something."""
    return " ".join(part for part in parts if part)


def undefined(table: pd.DataFrame, column: str = "score") -> str:
    """In how many rows a measure has no value, and the first reason it gave; "" for none."""
    gone = table[table[column].isna()]
    if gone.empty:
        return ""
    count = f"all {len(table)}" if len(gone) == len(table) else f"{len(gone)} of {len(table)}"
    first = plain(gone["note"].iloc[0]).rstrip(".")
    return f"Undefined in {count} cases; the first reason given: {first}."


def reading(table: pd.DataFrame, names: dict) -> tables.Table | None:
    """These columns under their names; nothing where there are no rows."""
    return None if table.empty else tables.table(table, names)


def checked(checks: pd.DataFrame) -> tables.Table | None:
    """Checks, those about the same thing in one group, in a reader's words."""
    said = checks["verdict"].replace(STATED)
    blind = (checks["about"] == "invariance") & (checks["verdict"] == "fails as declared")
    rows = checks.assign(verdict=said.mask(blind, "not invariant, as stated"))
    return None if checks.empty else tables.table(rows, CHECKS, groups=["about"])


# -- The sections


def about(name: str, quick: bool) -> str:
    """When to use a measure, and its formula; of one's own, the beginning of its docstring. Before
    it a note where the card is of a quick run.
    """
    note = "*Quick settings: fewer draws and seeds, shorter runs.*\n\n" if quick else ""
    if name in NOTES:
        return f"{note}Use it when {NOTES[name].use}\n\n$$\n{NOTES[name].formula}\n$$"
    function = own.resolve(name).function  # of a functools.partial: what it is of
    text = inspect.getdoc(getattr(function, "func", function)) or "Its function has no docstring."
    return note + "\n\n".join(prose(paragraph) for paragraph in text.split("\n\n")[:2])


def properties(name: str) -> tables.Table:
    """What the record of a measure says, a row a property."""
    record = own.resolve(name)
    itself, score = record.own, record.direction > 0
    said = {
        "In code": f"{record.id if name in MEASURES else name}{parameters(record)}",
        "Range": " to ".join(map(number, record.range)),
        "Direction": "grows with similarity" if score else "a distance: shrinks with similarity",
        "X with itself": "depends on X, or isn't known" if itself is None else number(itself),
        "Symmetric": "yes" if record.symmetric else "no, or not declared",
        "Unchanged by, of Y": ", ".join(sorted(record.invariances)) or "nothing declared",
        "Source": record.source,
        "Also known as": ", ".join(record.aliases) or "no other name",
    }
    return tables.table(pd.DataFrame(said.items(), columns=["Property", "Value"]))


def outcome(checks: pd.DataFrame) -> str:
    """`36 of 38 hold; 2 don't hold, as stated`, or that they couldn't be run.

    >>> outcome(pd.DataFrame({"verdict": ["holds", "holds", "fails as declared"]}))
    "2 of 3 hold; 1 doesn't hold, as stated"
    """
    counts = {"holds": 0, **checks["verdict"].value_counts()}
    if NOT_RUN in counts:
        return NOT_RUN
    applicable = len(checks) - counts.get("not applicable", 0)
    first = f"{counts.pop('holds')} of {applicable} hold"
    said = {STATED.get(verdict, verdict): count for verdict, count in counts.items()}
    rest = [
        f"{count} {words if count == 1 else re.sub('(?<=fail|hold)s|(?<=do)es', '', words)}"
        for words, count in said.items()
    ]
    return "; ".join([first, *rest])


def on_checks(checks: pd.DataFrame) -> str:
    """The count of what holds, and what to make of the failures where some weren't declared."""
    if outcome(checks) == NOT_RUN:
        return f"The checks {NOT_RUN}: {plain(checks['evidence'].iloc[0])}"
    advice = ""
    unexpected = set(checks.loc[checks["verdict"] == "fails unexpectedly", "check"])
    if unexpected:
        advice = (
            "What fails unexpectedly is a fault, or is declared as meant; what merely fails was "
            "claimed by nobody."
        )
    if {"noise lowers it", "copy beats noise"} <= unexpected:
        advice = (
            "It grows with noise: a distance is declared by a record, "
            "`sl.Measure(..., direction=-1)`."
        )
    fails = "Those that fail:" if len(failing(checks)) else ""
    return sentences(f"{outcome(checks)}.", advice, fails)


def failing(checks: pd.DataFrame) -> pd.DataFrame:
    """The checks that fail, those that nobody expected to fail first."""
    order = list(VERDICTS.values())
    fails = checks[checks["verdict"].isin(order)]
    return fails.sort_values("verdict", key=lambda words: words.map(order.index), kind="stable")


def folded(checks: pd.DataFrame) -> str:
    """HTML of all checks, behind one line."""
    return f"<details><summary>All checks: {len(checks)}</summary>{checked(checks).html}</details>"


def on_losses(losses: pd.DataFrame, distance: bool) -> str:
    """How the loss grows with the variance of the PC replaced; `losses` is of `replaced_losses`."""
    found, word = measure_card.exponents(losses), "growth" if distance else "loss"
    costly = losses.loc[losses["loss"] > measure_card.NO_LOSS, "pc"].nunique()
    error = (losses["score"] - losses["theory"]).abs().max()
    return sentences(
        f"The first {measure_card.NEURONS} PCs of Siegel 2015's published spectrum, in "
        f"{measure_card.SAMPLES} samples; one PC's time course is replaced by noise orthogonal to "
        "all of them.",
        f"The {word} goes as the variance to the power {interval(found, 'random draws of X')}, "
        f"fitted over {costly} PCs."
        if found["count"]
        else "No exponent can be fitted.",
        "For comparison: 2 for CKA, 1 for NBS, about 1/2 for angular Procrustes.",
        f"Theory has an equation for it, from which the scores differ by {error:.0e} at most."
        if math.isfinite(error)
        else "",
        f"{found['flat']:.0%} of the replacements cost nothing or improve the value: the axes "
        "can't show them."
        if found["flat"]
        else "",
        undefined(losses),
    )


def on_chance(draws: pd.DataFrame) -> str:
    """Where noise scores lowest and highest; `draws` is of `chance_draws`."""
    known = measure_card.chance_cells(draws).dropna(subset="mean").sort_values("mean")
    ends = zip(("Lowest", "Highest"), (known[:1], known[-1:]), strict=True)
    off = (known["mean"] - known["closed_form"]).abs().max()
    missing = draws[draws["score"].isna()].groupby(["samples", "neurons"]).size()
    places = [f"n = {n}, p = {p} ({count} draws)" for (n, p), count in missing.items()]
    return sentences(
        "Independent Gaussian X and Y, so nothing is shared.",
        *(
            f"{word} mean: {interval(cell, 'draws')} for {cell['samples']:g} samples of "
            f"{cell['neurons']:g} neurons."
            for word, end in ends
            for cell in end.to_dict("records")
        ),
        f"The closed form (dashed) is at most {shown(off)} off the mean of the draws."
        if math.isfinite(off)
        else "",
        undefined(draws),
        f"Where: {'; '.join(places)}." if places else "",
    )


def on_decodability(crossings: pd.DataFrame, references: pd.DataFrame | None = None, **_) -> str:
    """When the task can be decoded from noise that climbs; tables of `decodability`."""
    if references is None:  # it can't be climbed
        return plain(crossings["note"].iloc[0])
    reached, ends = crossings["score"].dropna(), spread(crossings["final_score"])
    score = f", at a score of {interval(spread(reached), 'seeds')}" if len(reached) else ""
    return (
        "Noise climbs towards the small surrogate of Siegel 2015; "
        f"{references['variable'].iloc[0]} is decoded on the way. It gets 90% of the way from "
        f"chance to X's own accuracy in {len(reached)} of {len(crossings)} ascents{score}. "
        f"The ascents end at {interval(ends, 'seeds')}."
    )


def on_ranges(ends: pd.DataFrame) -> str:
    """What joint ranges are, or why there are none; `ends` is of `regions`."""
    if "note" in ends:
        return plain(ends["note"].iloc[0])
    alone = "A measure against itself has no region: that pair is left out."
    return sentences(
        "Both scores at once are driven towards targets round the unit square, from noise.",
        alone if ends["measure"].iloc[0] in measure_card.AGAINST else "",
    )


def allowed(limits: pd.DataFrame) -> tables.Table | None:
    """A table of `limits` for reading; nothing where there are no rows."""
    scores = [interval(limit, "seeds") for limit in limits.to_dict("records")]
    return reading(limits.assign(score=scores), LIMITS)


def on_cost(seconds: pd.DataFrame) -> str:
    """How the time grows with the data; `seconds` is of `cost_seconds`."""
    kind = "score and gradient" if seconds["gradient"].all() else "score (it has no gradient)"
    return sentences(
        f"Time of one {kind} in float32, on the machine that made this page.",
        *(
            f"It grows as {found['varied']} to the power {interval(found, 'repeats')}."
            for found in measure_card.cost_exponents(seconds).to_dict("records")
        ),
        undefined(seconds, "seconds"),
    )


def row(name: str, checks: pd.DataFrame, losses: pd.DataFrame, draws: pd.DataFrame) -> str:
    """The card in one row of a Markdown table: title, checks, exponent of the loss, chance."""
    cells = measure_card.chance_cells(draws).set_index(["samples", "neurons"])
    words = [interval(found) for found in (measure_card.exponents(losses), cells.loc[EXAMPLE])]
    return " | ".join([plain(own.resolve(name).title), outcome(checks), *words])
