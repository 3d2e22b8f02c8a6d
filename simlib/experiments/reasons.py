"""Why published and reproduced numbers differ, where it is known."""

from __future__ import annotations

__all__ = ["known_reason"]

SURROGATE = "surrogate"  # those surrogates that have no line of their own
PLACE = "where the task lies among the surrogate's PCs is a construction"
TAILS = "tails of the PCs' time courses, which no spectrum fixes: with uniform ones the steps come near (next section)"
UNFIT = "; but on the way the scores fit neither uniform nor Gaussian ones"
TWICE = "the two published runs of it differ by as much"
DRAW = "the authors' tree is another draw, of another spectrum"
# (dataset, measure, quantity), measure None for any.
REASONS = {
    (
        "surrogate-freemanziemba2013",
        None,
        "crossing",
    ): "ill-conditioned: some curves run along the target, and the "
    "published reference itself wanders from .55 to .64",
    (
        "surrogate-freemanziemba2013",
        None,
        "accuracy curve",
    ): "270 samples: the published decoding is itself noisy",
    (
        "surrogate-siegel2015",
        None,
        "initial score",
    ): "the number of conditions is not published (41 to 48; 42 here)",
    (SURROGATE, None, "crossing"): PLACE,
    (SURROGATE, None, "accuracy curve"): PLACE,
    ("surrogate-mante2013", "cka", "steps"): TAILS,
    ("surrogate-mante2013", "cka-angular-score", "steps"): TAILS,
    ("surrogate-siegel2015", "cka-angular-score", "steps"): TAILS,
    ("surrogate-hatsopoulos2007", "cka", "steps"): TWICE,
    ("surrogate-hatsopoulos2007", "cka-angular-score", "steps"): TAILS,
    ("surrogate-majajhong2015", "cka", "steps"): TWICE,
    ("surrogate-freemanziemba2013", "cka", "steps"): TAILS + UNFIT,
    ("surrogate-freemanziemba2013", "cka-angular-score", "steps"): TAILS + UNFIT,
    (
        SURROGATE,
        "ridge-cv",
        "steps",
    ): "a flat end, where small differences of score are many steps; partly open",
    ("hierarchy", None, "steps"): DRAW,
    ("hierarchy", None, "initial score"): DRAW,
}


def known_reason(dataset: str, measure: str, quantity: str) -> str:
    """The first line of REASONS that fits this row of the scorecard; "" where none does."""
    quantity = "crossing" if "crossing" in quantity else quantity
    places = [dataset, *([SURROGATE] if dataset.startswith("surrogate-") else [])]
    keys = [(place, which, quantity) for place in places for which in (measure, None)]
    return next((REASONS[key] for key in keys if key in REASONS), "")
