"""The trials of the paper's five experiments: which labels occur, how often, and balanced parts of
them.
"""

from itertools import product

import numpy as np

REACH_TARGETS = tuple(f"{angle} deg" for angle in range(0, 360, 45))  # in order


def mante_design() -> dict[str, np.ndarray]:
    """The 72 conditions of Mante 2013: context x six motion coherences x six colour coherences.

    The coherence ranks run from -3 (strong, towards one target) to 3; motion and colour are their
    signs, and choice is the sign of the one that the context makes relevant.

    Example:
        >>> from simlib.datasets import made
        >>> list(made.mante_design())[:4]
        ['context', 'choice', 'motion', 'colour']
    """
    ranks = (-3, -2, -1, 1, 2, 3)
    rows = list(product(("motion", "colour"), ranks, ranks))
    return _crossed(
        rows, "choice", {"motion": "motion_coherence_rank", "colour": "colour_coherence_rank"}
    )


def siegel_design() -> dict[str, np.ndarray]:
    """42 of the 48 conditions of Siegel 2015: context x four directions x six colours.

    The published accuracies fit 41 to 44 conditions; leaving out these six, all with the weakest
    evidence, keeps context, response, direction and colour at 21 conditions a class. direction and
    colour say above or below the median; response is the sign of the one that the context makes
    relevant.
    """
    absent = {
        ("motion", 1, -1),
        ("motion", -1, 1),
        ("motion", 1, 1),
        ("colour", 1, -1),
        ("colour", -1, 1),
        ("colour", -1, -1),
    }
    every = product(("motion", "colour"), (-2, -1, 1, 2), (-3, -2, -1, 1, 2, 3))
    rows = [row for row in every if row not in absent]
    return _crossed(rows, "response", {"direction": "direction_rank", "colour": "colour_rank"})


def _crossed(rows: list[tuple], decision: str, graded: dict[str, str]) -> dict[str, np.ndarray]:
    """Labels of the conditions (context, rank of motion, rank of colour).

    `graded` maps the two variables, which are signs, to the names of their ranks; `decision` is the
    sign of the one that the context makes relevant.
    """
    context, *ranks = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "context": context,
        decision: np.sign(np.where(context == "motion", *ranks)),
        **{name: np.sign(rank) for name, rank in zip(graded, ranks, strict=True)},
        **dict(zip(graded.values(), ranks, strict=True)),
    }


def categories(name: str, classes: tuple[str, ...], trials: int) -> dict[str, np.ndarray]:
    """Labels of `trials` trials that take the classes in turn: their counts differ by one at
    most.
    """
    return {name: np.array(classes)[np.arange(trials) % len(classes)]}


def balanced_trials(design: dict[str, np.ndarray], trials: int) -> np.ndarray:
    """Indices of `trials` rows of a design, ascending, classes as equal in number as a greedy
    choice gets.

    Each step takes the first row whose classes have so far been taken least often: the design's
    first label comes before the others, which are summed. Beyond the design's own size the rows
    come round again.
    """
    codes = [np.unique(values, return_inverse=True)[1] for values in design.values()]
    rows = len(codes[0])
    whole, rest = divmod(trials, rows)
    counts = [np.zeros(code.max() + 1) for code in codes]
    weights = [trials, *(1 / len(count) ** 2 for count in counts[1:])]
    free = np.ones(rows, dtype=bool)
    for _ in range(rest):
        cost = sum(w * count[code] for w, count, code in zip(weights, counts, codes, strict=True))
        row = int(np.argmin(np.where(free, cost, np.inf)))
        free[row] = False
        for count, code in zip(counts, codes, strict=True):
            count[code[row]] += 1
    return np.sort(np.concatenate([np.tile(np.arange(rows), whole), np.flatnonzero(~free)]))
