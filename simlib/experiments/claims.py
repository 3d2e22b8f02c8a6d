"""Every claim of the book as a bound on a number: the one place that judges.

A page computes numbers (`evidence`, or the module that bears its name) as a table of values:
columns claim (a key of CLAIMS), dataset, run, value, where ("reproduced", "published" or "both").
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from simlib.experiments.tables import titled


class Claim(NamedTuple):
    """A sentence that says how much: the number that shows it is at least `least`, at most `most`.

    `figure` is the paper's, "" where the paper makes no such claim. `reported` names datasets for
    which the outcome is only told. A claim `of_all` data is a theorem: it is asserted for files of
    the reader's own, too.
    """

    sentence: str
    number: str
    page: str
    figure: str = ""
    least: float = -np.inf
    most: float = np.inf
    reported: tuple[str, ...] = ()
    of_all: bool = False


DECODING, ORDER, THEORY = "score_vs_decodability", "pc_learning_order", "theory_sensitivity"
RANGES, NOISE, MODEL = "joint_score_ranges", "chance_level", "model_against_brain"
PENALTY, GAUSSIAN = "supplement_ridge_strength", "supplement_gaussian"
VARIABLES, SIZE = "supplement_variables", "supplement_size"
FOLDS, STARTS, PUBLISHED = "supplement_folds", "supplement_starts", "published_vs_reproduced"

FREEMAN = ("freemanziemba2013", "hierarchy")  # the odd one out, in the paper too; a tree
ABOVE_0 = float(np.finfo(float).tiny)
LATE, ORDERED = 0.85, 0.9
CROSSING = "score at 90% of the way from chance to the accuracy on the data"
CAPTURE_ORDER = "Spearman correlation of a PC's rank and the score that captures it"
TOLD = 2  # claims that fail, named in the one line of a page

SHOWN = ["claim", "bound", "dataset", "evidence", "holds"]  # of `verdicts`, in a page's table
CLAIMS: dict[str, Claim] = {
    # Figures 1 and 3: decoding along the ascent.
    "reaches the end": Claim(
        "The gradient takes noise to a score of 0.99 within 1000 steps",
        "lowest last score",
        DECODING,
        "1",
        least=0.99,
    ),
    "CKA decodes late": Claim(
        "CKA is near 1 while the task still can't be decoded as well as from the data",
        CROSSING,
        DECODING,
        "3",
        least=LATE,
        reported=FREEMAN,
    ),
    "linear regression decodes late": Claim(
        "Linear regression is near 1 while the task still can't be decoded as well as from the "
        "data",
        CROSSING,
        DECODING,
        "3",
        least=LATE,
        reported=FREEMAN,
    ),
    "CKA later than angular Procrustes": Claim(
        "CKA needs a higher score than angular Procrustes before the task can be decoded",
        "difference, both at 90% of the way",
        DECODING,
        "3",
        least=0.05,
        reported=FREEMAN,
    ),
    "linear regression later than angular Procrustes": Claim(
        "Linear regression needs a higher score than angular Procrustes before the task can be "
        "decoded",
        "difference, both at 90% of the way",
        DECODING,
        "3",
        least=0.05,
        reported=FREEMAN,
    ),
    "CKA later halfway": Claim(
        "Halfway to the accuracy on the data CKA is higher than angular Procrustes",
        "difference, both at 50% of the way",
        PUBLISHED,
        "3",
        least=0.15,
        reported=FREEMAN,
    ),
    "no score for all measures": Claim(
        "No one score is good for all measures",
        "largest difference of the scores at 90% (never: one of them isn't reached)",
        DECODING,
        "3",
        least=0.2,
        reported=FREEMAN,
    ),
    "no score for all datasets": Claim(
        "No one score is good for all datasets",
        "largest difference of angular Procrustes at 90%",
        DECODING,
        "3",
        least=0.2,
    ),
    "any placement: CKA later": Claim(
        "Wherever the construction puts the task, CKA needs a higher score than angular Procrustes",
        "difference, both at 90% of the way",
        DECODING,
        least=0.05,
        reported=FREEMAN,
    ),
    "placement moves the crossing": Claim(
        "Where the construction puts the task moves the score at which it can be decoded",
        "largest difference of angular Procrustes' median over placements",
        DECODING,
        least=0.05,
        reported=("mante2013",),  # .04 with two runs
    ),
    "one scale: CKA later than angular Procrustes": Claim(
        "With X and Y at one scale CKA needs a higher score than angular Procrustes on every "
        "dataset",
        "difference, both at 90% of the way",
        DECODING,
        least=0.05,
    ),
    "one scale: no score for all datasets": Claim(
        "With X and Y at one scale no one score is good for all datasets",
        "largest difference of angular Procrustes at 90%",
        DECODING,
        least=0.2,
    ),
    # Measures with an axis of one kind, and what no relabelling of the axis changes.
    "CKA later than NBS": Claim(
        "CKA needs a higher score than NBS before the task can be decoded",
        "difference, both at 90% of the way (unknown: neither gets there)",
        DECODING,
        least=ABOVE_0,
        reported=(*FREEMAN, "siegel2015"),  # Siegel: in one run of five neither gets there
    ),
    "angular CKA later than angular Procrustes": Claim(
        "Angular CKA needs a higher score than angular Procrustes before the task can be decoded",
        "difference, both at 90% of the way",
        DECODING,
        least=0.05,
        reported=(*FREEMAN, "siegel2015"),  # Siegel: just below in one run of five
    ),
    "relabelled, alike": Claim(
        "Of two measures that are one score relabelled Y decodes as much by the time it has "
        "captured as many PCs",
        "difference of the share of the way, median over 5, 10, 20, 40 and 80 PCs",
        DECODING,
        most=0.15,
        reported=FREEMAN,
    ),
    "datasets differ, whatever the label": Claim(
        "On some dataset the task can be decoded at a lower score in every run than in any run on "
        "some other, measure by measure",
        "score of the first run on the latest dataset minus that of the last run on the earliest",
        DECODING,
        least=ABOVE_0,
    ),
    "Freeman 2013 is the odd one out": Claim(
        "On Freeman 2013 CKA and angular Procrustes cross at nearly the same score",
        "difference",
        PUBLISHED,
        "3",
        most=0.05,
        reported=FREEMAN,
    ),
    # Figures 2, 4 and 5: the order in which PCs are captured.
    "large PCs first": Claim(
        "PCs are captured from the largest variance down",
        CAPTURE_ORDER,
        ORDER,
        "2, 4, 5",
        least=ORDERED,
        reported=("hierarchy",),
    ),
    "no PC far ahead": Claim(
        "No PC is captured long before the larger ones",
        "rank of the last one captured minus 1.5 times how many are",
        ORDER,
        "2, 4, 5",
        most=5,
        reported=("hierarchy",),
    ),
    "CKA needs more for the same PC": Claim(
        "CKA needs a higher score than angular Procrustes for the same PC",
        "share of the PCs after the second that angular Procrustes captures",
        ORDER,
        "4, 5",
        least=0.9,
        reported=("hierarchy",),
    ),
    "CKA learns late": Claim(
        "CKA needs a score of about 0.9 for what angular Procrustes has learned at 0.4 to 0.5",
        "median CKA score of those PCs",
        ORDER,
        "4, 5",
        least=LATE,
        reported=("hierarchy",),
    ),
    "toy: PC 1 follows CKA": Claim(
        "In the toy PC 1 rises linearly with CKA",
        "R² of PC 1 minus score, largest, mean over starts",
        ORDER,
        "2",
        most=0.1,
    ),
    "toy: PC 2 waits for CKA": Claim(
        "In the toy PC 2 isn't captured before CKA is close to 1",
        "R² of PC 2 at a score of 0.9, mean over starts",
        ORDER,
        "2",
        most=0.3,
    ),
    "toy: PC 2 is there for angular Procrustes": Claim(
        "In the toy angular Procrustes has captured PC 2 by then",
        "R² of PC 2 at a score of 0.9, mean over starts",
        ORDER,
        "2",
        least=0.6,
    ),
    # Figure 6: theory.
    "simulation agrees with theory": Claim(
        "A PC replaced by an orthogonal direction costs what the equations say",
        "largest difference of score",
        THEORY,
        "6",
        most=1e-6,
        of_all=True,
    ),
    "CKA loses to the power of 2": Claim(
        "CKA depends on the variance of a PC quadratically",
        "fitted power minus 2, absolute",
        THEORY,
        "6",
        most=0.01,
    ),
    "random: CKA to the power of 2": Claim(
        "CKA depends on it quadratically with a random replacement, too",
        "fitted power minus 2, absolute",
        THEORY,
        most=0.01,
    ),
    "NBS loses to the power of 1": Claim(
        "NBS depends on the variance of a PC linearly",
        "fitted power minus 1, absolute",
        THEORY,
        "6",
        most=0.01,
    ),
    "random: NBS to the power of 1": Claim(
        "NBS depends on it nearly linearly with a random replacement",
        "fitted power minus 1, absolute",
        THEORY,
        most=0.1,
    ),
    "random replacements are near": Claim(
        "With a random replacement the scores are near those of the equations",
        "largest difference",
        THEORY,
        most=0.05,
    ),
    "NBS loses less to a random one": Claim(
        "NBS loses less to a random replacement than the equation says",
        "largest share of the equation's loss",
        THEORY,
        most=1,
        of_all=True,
    ),
    "CKA loses less than NBS": Claim(
        "CKA loses less than NBS by a PC with less than 1% of the variance",
        "largest share of NBS's loss",
        THEORY,
        "6",
        most=1,
        of_all=True,
    ),
    "angular Procrustes loses most": Claim(
        "Angular Procrustes loses over five times as much as NBS by such a PC",
        "least multiple of NBS's loss",
        THEORY,
        "6",
        least=5,
        of_all=True,
    ),
    "changes follow their equations": Claim(
        "Rotated, rescaled and left-out PCs cost what the equations say",
        "largest difference of score",
        THEORY,
        most=1e-6,
        of_all=True,
    ),
    "gradients follow their equations": Claim(
        "The gradient makes each PC grow as the equations say",
        "largest difference of relative growth",
        THEORY,
        most=1e-6,
        of_all=True,
    ),
    "changes keep to the bounds": Claim(
        "Every change keeps to the bounds between CKA and NBS",
        "by how much one is broken",
        THEORY,
        most=1e-9,
        of_all=True,
    ),
    # Figure 7: joint ranges.
    "angular Procrustes implies CKA": Claim(
        "A high angular Procrustes score implies a high CKA score",
        "least CKA at 0.9 or more, of the exact range and of every Y visited",
        RANGES,
        "7",
        least=0.75,
    ),
    "CKA doesn't imply angular Procrustes": Claim(
        "A high CKA score doesn't imply a high angular Procrustes score",
        "lowest angular Procrustes that a Y reached at 0.9 or more",
        RANGES,
        "7",
        most=0.6,
    ),
    "angular Procrustes implies linear regression": Claim(
        "A high angular Procrustes score implies a high linear-regression score",
        "least R² at 0.9 or more, of the exact range and of every Y visited",
        RANGES,
        "7",
        least=0.85,
    ),
    "linear regression doesn't imply angular Procrustes": Claim(
        "A high linear-regression score doesn't imply a high angular Procrustes score",
        "lowest angular Procrustes that a Y reached at 0.9 or more",
        RANGES,
        "7",
        most=0.4,
    ),
    "CKA and NBS keep to their bounds": Claim(
        "Every Y on the way obeys CKA / p ≤ NBS² ≤ p CKA",
        "by how much one is broken",
        RANGES,
        most=1e-3,
        of_all=True,
    ),
    "linear regression and NBS keep to their bound": Claim(
        "Every Y on the way obeys NBS² ≤ R²",
        "by how much it is broken",
        RANGES,
        most=1e-3,
        of_all=True,
    ),
    "no Y leaves the exact range": Claim(
        "No Y on the way leaves the exact range",
        "by how much the worst lies beyond it",
        RANGES,
        most=1e-5,  # scores of the descents are float32
        of_all=True,
    ),
    "absolute distance lands closer": Claim(
        "Descending the absolute distance lands closer to the target than the squared one",
        "distance left, absolute over squared",
        "claims",
        "7",
        most=1.0,
    ),
    # What numbers of samples and neurons are worth.
    "CKA of noise has a closed form": Claim(
        "CKA of noise is within 0.03 of p / (p + n)", "largest difference", NOISE, most=0.03
    ),
    "CKA of noise comes near 1": Claim(
        "CKA of noise is above 0.9 with ten times as many neurons as samples or more",
        "lowest CKA there",
        NOISE,
        least=0.9,
    ),
    "debiased CKA of noise is 0": Claim(
        "Debiased CKA of noise stays within 0.05 of 0", "largest absolute value", NOISE, most=0.05
    ),
    "the signal scores above half against half": Claim(
        "The signal scores higher with the mean of all repeats than half against half",
        "least difference",
        NOISE,
        least=0.1,
    ),
    "the interval holds the signal's score": Claim(
        "The estimated interval holds the score of the signal",
        "by how much the worst lies outside",
        NOISE,
        most=0,
    ),
    "the surrogate shares the context": Claim(
        "A surrogate that carries the context scores above shuffled conditions",
        "largest z of the measures",
        MODEL,
        least=3,
    ),
    "the control shares nothing": Claim(
        "The surrogate without its signal scores no more than shuffled conditions",
        "largest z of the measures",
        MODEL,
        most=3,
    ),
    "the network does the task": Claim(
        "Choice, motion, colour and context can be decoded from the network",
        "accuracy",
        MODEL,
        least=0.8,
    ),
    # Supplement: ridge penalty.
    "a variable moves with the penalty": Claim(
        "Each variable can be decoded at a lower score with the strongest penalty than with the "
        "weakest",
        "difference (never: with the weakest it isn't)",
        PENALTY,
        "supplement",
        least=ABOVE_0,
    ),
    "ridge penalty moves the crossing": Claim(
        "A stronger ridge penalty makes variables decodable at a lower score",
        "weakest minus strongest penalty, mean over variables",
        PENALTY,
        "supplement",
        least=0.03,
    ),
    "large PCs first, any penalty": Claim(
        "With every penalty PCs are captured from the largest variance down",
        CAPTURE_ORDER,
        PENALTY,
        "supplement",
        least=ORDERED,
    ),
    # Supplement: a Gaussian of the same spectrum.
    "Gaussian correlates": Claim(
        "A Gaussian of the same spectrum has the same order of PCs",
        "correlation of the scores that capture them",
        GAUSSIAN,
        "supplement",
        least=0.9,
    ),
    "Gaussian differs little": Claim(
        "A Gaussian of the same spectrum has the same scores",
        "median difference of the scores that capture PCs",
        GAUSSIAN,
        "supplement",
        most=0.03,
    ),
    "large PCs first, in the Gaussian": Claim(
        "PCs are captured from the largest variance down, in X and in the Gaussian",
        CAPTURE_ORDER,
        GAUSSIAN,
        "supplement",
        least=ORDERED,
    ),
    # Supplement: folds.
    "random folds are fooled": Claim(
        "Unrelated responses, smooth in time, predict X with random folds",
        "R²",
        FOLDS,
        least=0.1,
    ),
    "folds of whole trials are not fooled": Claim(
        "With folds of whole trials they don't", "R²", FOLDS, most=0
    ),
    "contiguous folds lie between": Claim(
        "Contiguous folds lie between the two",
        "least distance from either",
        FOLDS,
        least=0,
    ),
    "schemes agree on independent bins": Claim(
        "Where time bins are independent the schemes agree",
        "how far they are apart",
        FOLDS,
        most=0.05,
    ),
    "other schemes follow": Claim(
        "What has climbed the score of one scheme, the others score as highly",
        "by how much less",
        FOLDS,
        most=0.1,
    ),
    "its own scheme leads": Claim(
        "Each scheme scores what has climbed it highest",
        "by how much another exceeds it",
        FOLDS,
        most=0,
    ),
    # Supplement: starts and optimisers.
    "large PCs first, any start": Claim(
        "PCs are captured from the largest variance down whatever the start and the optimiser",
        CAPTURE_ORDER,
        STARTS,
        least=ORDERED,
        reported=("freemanziemba2013",),  # just below in one run of 36
    ),
    "as many neurons as samples": Claim(
        "With as many neurons as samples noise predicts every PC from the start, and no order is "
        "left",
        f"absolute {CAPTURE_ORDER}",
        STARTS,
        most=0.5,
    ),
    # Published against reproduced.
    "capture is reproduced": Claim(
        "Reproduced capture scores correlate with the published ones",
        "correlation over the PCs that all runs reach",
        PUBLISHED,
        least=0.9,
        reported=("mante2013", "hatsopoulos2007", "majajhong2015", "hierarchy"),
    ),
    "number of steps is reproduced": Claim(
        "The number of steps is near the published one",
        "difference, as a share",
        PUBLISHED,
        least=-0.3,
        most=0.3,
        reported=("mante2013", "hatsopoulos2007", "majajhong2015", "hierarchy"),
    ),
    "lighter tails climb faster": Claim(
        "Lighter tails climb faster at first",
        "least gain of score at step 5 from one to the next lighter",
        PUBLISHED,
        least=ABOVE_0,
    ),
    "lighter tails take more steps": Claim(
        "Lighter tails than Gaussian take more steps in all",
        "fewest steps more from one to the next lighter, mean over seeds",
        PUBLISHED,
        least=ABOVE_0,
    ),
    "published scores fit these tails": Claim(
        "The published scores lie nearer to ours with the tails that were seen to fit (uniform "
        "for Mante and Siegel, Gaussian for Majaj) than with the other ones",
        "least distance with the others minus largest with those",
        PUBLISHED,
        least=ABOVE_0,
        reported=("hatsopoulos2007", "freemanziemba2013"),
    ),
    "plain steps ignore the axes": Claim(
        "With plain gradient steps rotated samples give the same scores",
        "largest difference",
        PUBLISHED,
        most=1e-8,
    ),
    "Adam depends on the axes": Claim(
        "With Adam rotated samples give other scores",
        "largest difference",
        PUBLISHED,
        least=1e-3,
    ),
    # Supplement: all of Mante's variables.
    "CKA decodes each variable later": Claim(
        "CKA needs a higher score than angular Procrustes before each of the variables can be "
        "decoded",
        "difference, both at 90% of the way",
        VARIABLES,
        least=ABOVE_0,
        reported=("surrogate-mante2013",),  # by .005 in one of three runs for one variable
    ),
    "linear regression decodes each variable later": Claim(
        "Linear regression needs a higher score than angular Procrustes before each of the "
        "variables can be decoded",
        "difference, both at 90% of the way",
        VARIABLES,
        least=ABOVE_0,
    ),
    "CKA waits for late PCs": Claim(
        "A variable that late PCs alone carry makes CKA wait longer, behind those of the first PC, "
        "than angular Procrustes",
        "difference of the waits, in score",
        VARIABLES,
        least=0.3,
        reported=("surrogate-mante2013",),  # .21 in one of three runs
    ),
    "the surrogate misses the course": Claim(
        "In the published ascents of CKA motion and colour can be decoded later than on the "
        "surrogate",
        "difference",
        VARIABLES,
        least=0.3,
        reported=("surrogate-mante2013",),  # .22 for one of the two
    ),
    # Supplement: sizes and learning rates.
    "CKA decodes later, any size": Claim(
        "CKA needs a higher score than angular Procrustes before the task can be decoded, at every "
        "size tried",
        "difference, both at 90% of the way",
        SIZE,
        least=0.05,
    ),
    "CKA captures later, any size": Claim(
        "CKA captures the first ten PCs at a higher score, at every size tried",
        "difference of the medians",
        SIZE,
        least=0.1,
    ),
    "large PCs first, any size": Claim(
        "PCs are captured from the largest variance down, at every size tried",
        CAPTURE_ORDER,
        SIZE,
        least=ORDERED,
    ),
    "more neurons, decodable earlier": Claim(
        "With more neurons the task can be decoded at a lower score of angular Procrustes",
        "fewest minus most neurons",
        SIZE,
        least=ABOVE_0,
    ),
    "noise predicts p / (n - 1)": Claim(
        "Noise of p neurons and n samples predicts p / (n - 1) of each PC before the first step",
        "difference of the mean R²",
        SIZE,
        most=0.02,
    ),
    "CKA decodes later, any learning rate": Claim(
        "CKA needs a higher score than angular Procrustes before the task can be decoded, at every "
        "learning rate tried",
        "difference, both at 90% of the way",
        STARTS,
        least=0.05,
        reported=FREEMAN,
    ),
    "CKA captures later, any learning rate": Claim(
        "CKA captures the first ten PCs at a higher score, at every learning rate tried",
        "difference of the medians",
        STARTS,
        least=0.05,
    ),
    "large PCs first, any learning rate": Claim(
        "PCs are captured from the largest variance down, at every learning rate tried",
        CAPTURE_ORDER,
        STARTS,
        least=ORDERED,
    ),
    "smaller steps, later captures by CKA": Claim(
        "CKA captures the first ten PCs at a higher score with the smallest learning rate than "
        "with the largest",
        "difference of the medians",
        STARTS,
        least=0.1,
    ),
    "angular Procrustes hardly depends on the learning rate": Claim(
        "Angular Procrustes captures the first ten PCs at nearly the same score with the smallest "
        "and the largest learning rate",
        "difference of the medians, absolute",
        STARTS,
        most=0.05,
    ),
}

# What the paper shows and no test here covers: the sentence, its figure, why.
UNTESTED = (
    (
        "The accuracies and scores on all five recordings",
        "3, 4, 5",
        "the recordings are not part of this project (Siegel 2015 is not public), and each "
        "published run is a single one; published_vs_reproduced compares it with surrogates",
    ),
    (
        "Y looks more and more like the toy's trajectory",
        "1",
        "a picture without a number; pc_learning_order shows it",
    ),
    (
        "Pairs of measures are independent, coupled or asymmetric",
        "7",
        "a sketch of three shapes; the asymmetric one is tested above, no pair of measures here is "
        "independent",
    ),
)


def values(rows: list[tuple], where: str = "reproduced") -> pd.DataFrame:
    """(claim, dataset, run, value) as a table of values; a fifth entry says why the claim can't be
    tested on that run, "" where it can.
    """
    columns = ["claim", "dataset", "run", "value", "untested"]
    table = pd.DataFrame([(*row, "")[:5] for row in rows], columns=columns)
    return table.assign(where=where).astype({"value": float})


def _in_order(values: pd.DataFrame) -> pd.DataFrame:
    order = {name: k for k, name in enumerate(CLAIMS)}
    return values.sort_values("claim", key=lambda names: names.map(order), kind="stable")


def _asserted(claim: Claim, dataset: str) -> bool:
    """Whether the claim is made for this dataset: not for a file of the reader's own, unless it is
    a theorem, nor for the exceptions.
    """
    own = "/" in dataset or "." in dataset
    return (claim.of_all or not own) and not any(name in dataset for name in claim.reported)


def judge(values: pd.DataFrame) -> pd.DataFrame:
    """The values that can be tested in the order of CLAIMS, with columns sentence, least, most
    (bounds), holds (NaN doesn't), asserted.

    Raises KeyError for a claim that isn't in CLAIMS.
    """
    values = _in_order(values[values["untested"] == ""]).drop(columns="untested")
    claims = [CLAIMS[name] for name in values["claim"]]
    bounds = {end: [getattr(claim, end) for claim in claims] for end in ("least", "most")}
    pairs = zip(claims, values["dataset"], strict=True)
    values = values.assign(sentence=[claim.sentence for claim in claims], **bounds)
    return values.assign(
        holds=values["value"].between(values["least"], values["most"]),
        asserted=[_asserted(claim, dataset) for claim, dataset in pairs],
    )


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "never" if value > 0 else "unknown"
    return f"{value:.2f}" if abs(value) >= 0.02 or value == 0 else f"{value:.1g}"


def _bound(claim: Claim) -> str:
    """What the number is and its bound: `R²: at least 0.9`, `at most 0.1`, `above 0`."""
    ends = [end for end in (claim.least, claim.most) if np.isfinite(end)]
    words = " to ".join(f"{end:g}" for end in ends)
    if len(ends) == 1:
        words = f"at least {words}" if ends == [claim.least] else f"at most {words}"
    return f"{claim.number}: {'above 0' if claim.least == ABOVE_0 else words}"


def _evidence(runs: pd.DataFrame) -> str:
    """Lowest to highest value over the runs of one claim and dataset, and how many hold."""
    low, high = map(_number, (runs["value"].min(), runs["value"].max()))
    numbers = low if low == high else f"{low} to {high}"
    failing = int((~runs["holds"]).sum())
    words = {0: "", len(runs): ", does not hold in any"}
    words = words.get(failing, f", does not hold in {failing} of them")
    return f"{numbers} ({len(runs)} run{'s' if len(runs) > 1 else ''}{words})"


def verdicts(values: pd.DataFrame) -> pd.DataFrame:
    """A row a claim and dataset: columns where, dataset, claim (the sentence), bound, evidence,
    holds (in every run), asserted.

    Where no run can be tested, holds is "not tested: " and why, and nothing is asserted.
    """
    rows = []
    groups = _in_order(values).groupby(["claim", "where", "dataset"], sort=False)
    for (name, where, dataset), runs in groups:
        tested, untested = judge(runs), runs[runs["untested"] != ""]
        why = "not tested: " + "; ".join(dict.fromkeys(untested["untested"]))
        evidence = [_evidence(tested) if len(tested) else "no number"]
        if len(tested) and len(untested):
            evidence.append(f"{len(untested)} run{'s' * (len(untested) > 1)} {why}")
        words = CLAIMS[name].sentence, _bound(CLAIMS[name]), "; ".join(evidence)
        holds = tested["holds"].all() if len(tested) else why
        rows.append((where, dataset, *words, holds, bool(len(tested)) and tested["asserted"].all()))
    columns = ["where", "dataset", "claim", "bound", "evidence", "holds", "asserted"]
    return pd.DataFrame(rows, columns=columns)


def in_one_line(verdicts: pd.DataFrame, table: str = "does-the-claim-hold") -> str:
    """The verdict of a page as Markdown: in how many of its tests the claims hold, which fail, and
    a link to the section (its anchor) that has the table of `verdicts`.
    """
    tested = verdicts[verdicts["holds"].map(lambda held: not isinstance(held, str))]
    failing = tested[~tested["holds"].astype(bool)]
    words = f"**Holds in {len(tested) - len(failing)} of {len(tested)}** tests"
    words += f' (a claim on a dataset, in all its runs; <a href="#{table}">the table</a>).'
    if len(failing):
        told = [f"{row.claim}, on {titled(row.dataset)}" for row in failing.head(TOLD).itertuples()]
        more = len(failing) - len(told)
        words += f" Does not hold: {'; '.join(told)}{f'; and {more} more' if more else ''}."
    if untested := len(verdicts) - len(tested):
        words += f" Not tested: {untested}, for the reason in the table."
    return words


def overview(values: pd.DataFrame) -> pd.DataFrame:
    """The paper's claims one by one: columns claim, figure (of the paper), page, bound, evidence
    (datasets side by side), holds.

    holds is "yes", "no" or in how many of the runs; "not tested" where there is no number, with the
    reason as the evidence.
    """
    judged, rows = judge(values), []
    untested = values[values["untested"] != ""].groupby("claim")["untested"].unique()
    for name, claim in [(name, claim) for name, claim in CLAIMS.items() if claim.figure]:
        runs = judged[judged["claim"] == name]
        parts = [
            f"{titled(dataset)} {_evidence(group)}"
            for dataset, group in runs.groupby("dataset", sort=False)
        ]
        holding = int(runs["holds"].sum())
        words = {0: "no", len(runs): "yes"}.get(holding, f"in {holding} of {len(runs)} runs")
        if runs.empty:
            parts, words = ["no numbers: this run has no such measures or data"], "not tested"
            parts = untested.get(name, parts)
        evidence = "; ".join(parts)
        rows.append((claim.sentence, claim.figure, claim.page, _bound(claim), evidence, words))
    rows += [(sentence, figure, "", "", why, "not tested") for sentence, figure, why in UNTESTED]
    columns = ["claim", "figure", "page", "bound", "evidence", "holds"]
    return pd.DataFrame(rows, columns=columns)
