"""The sections of a measure's card as Markdown, with their pictures; every number comes from a
table.
"""

from __future__ import annotations

import inspect

import pandas as pd
from card_words import Card, figure, interval, plain, prose, reason, shown, undefined, why_not
from matplotlib import pyplot as plt
from prepare import number, parameters, table

from simlib import experiments, plots
from simlib.experiments import card_runs, cards
from simlib.measures import MEASURES


def what_it_is(card: Card) -> str:
    record = card.record
    function = getattr(
        record.function, "func", record.function
    )  # of a functools.partial: what it is of
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")[:2]
    known = (
        parameters(record) if hasattr(record.function, "__kwdefaults__") else ""
    )  # an object with __call__ has none
    text = "\n\n".join(prose(paragraph) for paragraph in paragraphs if paragraph)
    rows = [
        ["In code", f"`{record.id if card.name in MEASURES else card.name}`{plain(known)}"],
        ["Range", f"{number(record.range[0])} to {number(record.range[1])}"],
        [
            "Direction",
            "grows with similarity"
            if record.direction > 0
            else "a distance: shrinks with similarity",
        ],
        [
            "X with itself",
            "depends on X, or isn't known" if record.own is None else number(record.own),
        ],
        ["Symmetric", "yes" if record.symmetric else "no, or not declared"],
        ["Unchanged by, of Y", plain(", ".join(sorted(record.invariances)) or "nothing declared")],
        ["Source", plain(record.source)],
        ["Also known as", ", ".join(f"`{alias}`" for alias in record.aliases) or "no other name"],
    ]
    return f"{text or 'Its function has no docstring.'}\n\n{table(['Property', 'Value'], rows)}"


URGENCY = ["fails unexpectedly", "holds though declared to fail", "fails", "fails as declared"]


def outcome(checks: pd.DataFrame) -> str:
    """`36 of 38 hold; 2 fail as declared`, or that they couldn't be run."""
    if "outcome" not in checks:
        return "not run"
    words = checks.apply(verdict, axis=1).value_counts()
    applicable = len(checks) - words.get("not applicable", 0)
    rest = [
        f"{count} {word if count == 1 else word.replace('fails', 'fail').replace('holds', 'hold')}"
        for word, count in words.items()
        if word != "holds"
    ]
    return "; ".join([f"{words.get('holds', 0)} of {applicable} hold", *rest])


def verdict(check: pd.Series) -> str:
    """What came out, and whether that was declared."""
    expected = check["expected"]
    if check["outcome"] == "fails":
        return {"fails": "fails as declared", "holds": "fails unexpectedly"}.get(expected, "fails")
    return (
        "holds though declared to fail"
        if (check["outcome"], expected) == ("holds", "fails")
        else check["outcome"]
    )


def checked(checks: pd.DataFrame) -> str:
    if "outcome" not in checks:
        return f"The checks could not be run: {plain(checks['note'].iloc[0])}\n"
    head = ["About", "Check", "Outcome", "Evidence", "Why it matters"]
    rows = [
        [
            check["about"],
            plain(check["check"]),
            verdict(check),
            plain(check["evidence"]),
            plain(check["reason"]),
        ]
        for _, check in checks.iterrows()
    ]
    failures = sorted(
        (row for row in rows if row[2] in URGENCY), key=lambda row: URGENCY.index(row[2])
    )
    first = f"Those that fail:\n\n{table(head, failures)}\n" if failures else ""
    every = (
        f"<details>\n<summary>All {len(rows)} checks</summary>\n\n{table(head, rows)}\n</details>\n"
    )
    return f"{outcome(checks)}. {advice(checks)}\n\n{first}{every}"


def advice(checks: pd.DataFrame) -> str:
    """What to make of the failures, "" where all of them were declared."""
    unexpected = set(checks.loc[checks.apply(verdict, axis=1) == URGENCY[0], "check"])
    if {"noise lowers it", "copy beats noise"} <= unexpected:
        return "It grows with noise: a distance is declared by a record, `sl.Measure(..., direction=-1)`."
    if unexpected:
        return "What fails unexpectedly is a fault, or is declared as meant; what merely fails was claimed by nobody."
    return ""


def sensitivity(card: Card, losses: pd.DataFrame) -> str:
    if losses["score"].isna().all():
        return undefined(losses, losses["score"].isna()) + "\n"
    distance = card.record.direction < 0
    drawn, ax = plt.subplots(figsize=(4.8, 3.8))
    plots.loss_against_variance(losses, cards.reference_losses(), ax, distance)
    found, word = cards.exponents(losses), "growth" if distance else "loss"
    text = f"The first {cards.NEURONS} PCs of Siegel 2015's published spectrum, in {cards.SAMPLES} samples; one PC's "
    text += "time course is replaced by noise orthogonal to all of them. "
    if found["count"]:
        text += f"The {word} goes as the variance to the power {interval(found, 'random draws of X')}, fitted over "
        text += f"{int(losses.loc[losses['loss'] > cards.NO_LOSS, 'pc'].nunique())} PCs. "
    else:
        text += "No exponent can be fitted. "
    text += "For comparison: 2 for CKA, 1 for NBS, about 1/2 for angular Procrustes. "
    if losses["theory"].notna().any():
        error = (losses["score"] - losses["theory"]).abs().max()
        text += (
            f"Theory has an equation for it, from which the scores differ by {error:.0e} at most. "
        )
    if found["flat"]:
        text += f"{found['flat']:.0%} of the replacements cost nothing or improve the value: the axes can't show them. "
    text += undefined(losses, losses["score"].isna())
    title = plain(card.record.title)
    return (
        text.strip()
        + "\n\n"
        + figure(
            card,
            "sensitivity",
            drawn,
            f"{word.capitalize()} of {card.record.title} against the explained variance of the "
            "replaced PC, log axes, "
            "over reference lines: CKA falls steepest, NBS less, angular Procrustes least",
            f"What {title} makes of one lost PC. Black: mean, least and greatest of "
            f"{losses['seed'].nunique()} draws of X.",
        )
    )


def chance(card: Card, draws: pd.DataFrame) -> str:
    if draws["score"].isna().all():
        return undefined(draws, draws["score"].isna()) + "\n"
    cells = cards.chance_cells(draws)
    drawn, ax = plt.subplots(figsize=(4.8, 3.5))
    plots.chance_against_neurons(cells, ax)
    text = "Independent Gaussian $X$ and $Y$, so nothing is shared. "
    known = cells.dropna(subset="mean")
    if len(known):
        low, high = known.loc[known["mean"].idxmin()], known.loc[known["mean"].idxmax()]
        for word, cell in (("Lowest", low), ("Highest", high)):
            size = f"{cell['samples']} samples of {cell['neurons']} neurons"
            text += f"{word} mean: {interval(cell, 'draws')} for {size}. "
    if known["closed_form"].notna().any():
        off = (known["mean"] - known["closed_form"]).abs().max()
        text += f"The closed form (dashed) is at most {shown(off)} off the mean of the draws. "
    text += undefined(draws, draws["score"].isna())
    gone = draws.groupby(["samples", "neurons"])["score"].agg(lambda scores: scores.isna().sum())
    places = [f"n = {n}, p = {p} ({k} draws)" for (n, p), k in gone[gone > 0].items()]
    text += f" Where: {'; '.join(places)}." if places else ""
    return (
        text.strip()
        + "\n\n"
        + figure(
            card,
            "chance",
            drawn,
            f"{card.record.title} of independent noise against neurons, a line for each number of "
            "samples",
            f"{plain(card.record.title)} of noise: mean, and bars from the least to the greatest "
            "of "
            f"{draws['draw'].nunique()} draws.",
        )
    )


def decodability(card: Card) -> str:
    if why_not(card):
        return why_not(card) + "\n"
    try:
        tables = card_runs.decodability(card.name, quick=card.quick, jobs=card.jobs)
    except experiments.TaskError as error:
        return f"The ascent failed: {plain(reason(error))}\n"
    curves, crossings, references = tables["curves"], tables["crossings"], tables["references"]
    drawn, ax = plt.subplots(figsize=(4.8, 3.3))
    plots.accuracy_against_score(curves, crossings, references, ax)
    reached = crossings["score"].dropna()
    share = f"{len(reached)} of {len(crossings)} ascents"
    text = f"Noise climbs towards the small surrogate of Siegel 2015; {references['variable'].iloc[0]} is decoded "
    text += f"on the way. It gets 90% of the way from chance to $X$'s own accuracy in {share}"
    if len(reached):
        text += f", at a score of {interval(cards.spread(reached), 'seeds')}"
    ends = cards.spread(crossings["final_score"])
    text += f". The ascents end at {interval(ends, 'seeds')}."
    return (
        text
        + "\n\n"
        + figure(
            card,
            "decodability",
            drawn,
            f"Decoding accuracy against {card.record.title} during ascents, with the accuracy on "
            "X and chance as lines",
            "Mean accuracy, with its standard deviation over folds and seeds; markers: 90% of the "
            "way, a marker a seed. "
            "Surrogate data at quick settings.",
        )
    )


def joint_range(card: Card) -> str:
    if why_not(card):
        return why_not(card) + "\n"
    try:
        ends, limits = card_runs.regions(card.name, quick=card.quick, jobs=card.jobs)
    except experiments.TaskError as error:
        return f"The descents failed: {plain(reason(error))}\n"
    pairs = list(dict.fromkeys(ends["against"]))
    drawn, axes = plt.subplots(1, len(pairs), figsize=(3.5 * len(pairs), 3.6), squeeze=False)
    for against, ax in zip(pairs, axes.flat, strict=True):
        of_pair = limits[limits["against"] == against]
        wide = of_pair.pivot(index="given", columns="bound", values="mean").reset_index()
        plots.region(ends[ends["against"] == against], wide, ax)
    rows = [
        [
            plots.short_title(row.given),
            plots.short_title(row.other),
            row.bound,
            interval(row._asdict(), "seeds"),
        ]
        for row in limits.itertuples()
    ]
    text = "Both scores at once are driven towards targets round the unit square, from noise. "
    if card.record.id in card_runs.AGAINST:
        text += "A measure against itself has no region: that pair is left out. "
    words = " and ".join(plots.short_title(against) for against in pairs)
    return (
        text.strip()
        + "\n\n"
        + table(["0.9 or more on", "allows on", "bound", "score"], rows)
        + "\n"
        + figure(
            card,
            "joint",
            drawn,
            f"Reachable pairs of {card.record.title} and {words}, as regions of the unit square",
            f"What {plain(card.record.title)} leaves open, an outline a seed. Thin lines lead "
            "from where a descent ended "
            "to its target; bars span what 0.9 or more on the other score allows (mean over "
            "seeds). "
            "Descent may miss some of it.",
        )
    )


def cost(card: Card) -> str:
    seconds = card_runs.cost_seconds(card.name, quick=card.quick)
    failed = undefined(seconds, seconds["seconds"].isna())
    if seconds["seconds"].isna().all():
        return f"{failed}\n"
    drawn, axes = plt.subplots(1, 2, figsize=(6.6, 2.9), sharey=True)
    plots.cost_against_size(seconds, axes)
    kind = "score and gradient" if seconds["gradient"].all() else "score (it has no gradient)"
    text = f"Time of one {kind} in float32, on the machine that made this page. "
    for row in card_runs.cost_exponents(seconds).itertuples():
        text += f"It grows as {row.varied} to the power {interval(row._asdict(), 'repeats')}. "
    return (
        text
        + failed
        + "\n\n"
        + figure(
            card,
            "cost",
            drawn,
            f"Time of {card.record.title} against samples and against neurons, log axes",
            f"Median of {seconds['repeat'].nunique()} repeats; bars: least and greatest.",
        )
    )


def page(card: Card, checks: pd.DataFrame, losses: pd.DataFrame, draws: pd.DataFrame) -> str:
    """The whole card; saves its pictures beside it."""
    plots.use()
    card.out.mkdir(parents=True, exist_ok=True)
    sections = {
        "What it is": what_it_is(card),
        "Checks": checked(checks),
        "Sensitivity to the variance of a PC": sensitivity(card, losses),
        "Chance": chance(card, draws),
    }
    if card.full:
        sections |= {
            "Decodability": decodability(card),
            "Joint range": joint_range(card),
            "Cost": cost(card),
        }
    else:
        words = "Decodability, joint range and cost are run for the six measures of the paper, and on request:"
        sections["More"] = f"{words} `make card MEASURE={card.name} FULL=1`.\n"
    note = "*Quick settings: fewer draws and seeds, shorter runs.*\n\n" if card.quick else ""
    body = "\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# {plain(card.record.title)}\n\n{note}{body}"
