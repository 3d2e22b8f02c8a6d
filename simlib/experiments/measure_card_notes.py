r"""What the card of a catalogue's measure says at its head: its formula, and when to use it.

In the formulas X and Y have centred columns; $Q_X$ is an orthonormal basis of X's columns and $r_X$
their rank.
"""

from typing import NamedTuple

__all__ = ["NOTES", "Note"]

CKA = r"\frac{\lVert X^\top Y \rVert_F^2}{\lVert X^\top X \rVert_F \, \lVert Y^\top Y \rVert_F}"
NBS = r"\frac{\lVert X^\top Y \rVert_*}{\lVert X \rVert_F \, \lVert Y \rVert_F}"
CCA = r"\frac{\lVert Q_X^\top Q_Y \rVert_*}{\min(r_X, r_Y)}"
R2 = r"1 - \frac{\lVert X - YB \rVert_F^2}{\lVert X \rVert_F^2}"
FIT = r", \qquad B = (Y^\top Y + a I)^{-1} Y^\top X"
HELD_OUT = r"\frac{\langle X, YQ \rangle_F}{\lVert X \rVert_F \, \lVert Y \rVert_F}"


class Note(NamedTuple):
    """The formula in LaTeX, and how a sentence ends that begins with "Use it when"."""

    formula: str
    use: str


def _score(cosine: str) -> str:
    return rf"1 - \frac{{2}}{{\pi}} \arccos {cosine}"


NOTES = {
    "cka": Note(
        CKA,
        "the components of largest variance are what should count, and there are far more samples "
        "than neurons: small components hardly move it.",
    ),
    "cka-angular": Note(
        rf"\arccos {CKA}", "CKA is wanted as a distance that obeys the triangle inequality."
    ),
    "cka-angular-score": Note(
        _score(CKA), "CKA is wanted with differences near 1 spread out, on the scale of an angle."
    ),
    "cka-debiased": Note(
        r"\frac{\mathrm{HSIC}(X, Y)}{\sqrt{\mathrm{HSIC}(X, X) \, \mathrm{HSIC}(Y, Y)}}",
        "samples are few, or numbers of neurons differ, and CKA is wanted: unrelated data score "
        "about 0.",
    ),
    "cka-lange": Note(
        r"\frac{\sum_{i \ne j} K_{ij} L_{ij}}"
        r"{\sqrt{\sum_{i \ne j} K_{ij}^2 \, \sum_{i \ne j} L_{ij}^2}}"
        r", \qquad K = X X^\top , \qquad L = Y Y^\top",
        "results are to be compared with those of others who use this form; debiased CKA is nearer "
        "to 0 for unrelated data.",
    ),
    "cka-rbf": Note(
        r"\frac{\langle H K H, H L H \rangle_F}{\lVert H K H \rVert_F \, \lVert H L H \rVert_F}"
        r", \qquad K_{ij} = \exp\left(- \frac{\lVert x_i - x_j \rVert^2}{2 \sigma^2}\right)",
        "which samples are near each other matters more than how far apart the distant ones are.",
    ),
    "ensd": Note(
        r"\frac{\lVert X^\top Y \rVert_F^2 \; \mathrm{tr}(X^\top X) \; \mathrm{tr}(Y^\top Y)}"
        r"{\lVert X^\top X \rVert_F^2 \, \lVert Y^\top Y \rVert_F^2}",
        "the question is how many dimensions two datasets share, not how alike they are.",
    ),
    "rsa": Note(
        r"\mathrm{corr}_{i < j} ( \lVert x_i - x_j \rVert^2 , \lVert y_i - y_j \rVert^2 )",
        "samples are conditions, and what counts is which conditions look alike.",
    ),
    "nbs": Note(
        NBS, "a rotation may align the two sides, and components should count by their variance."
    ),
    "nbs-squared": Note(
        rf"\left( {NBS} \right)^2", "Procrustes analysis is reported as one minus its disparity."
    ),
    "procrustes-angular": Note(
        rf"\arccos {NBS}", "a distance between shapes is wanted that obeys the triangle inequality."
    ),
    "procrustes-angular-score": Note(
        _score(NBS),
        "a high score should mean that small components are there, too: it is steep near 1.",
    ),
    "procrustes-euclidean": Note(
        r"\min_Q \lVert X - Y Q \rVert_F"
        r" = \sqrt{\lVert X \rVert_F^2 + \lVert Y \rVert_F^2 - 2 \lVert X^\top Y \rVert_*}",
        "both sides have the same units and their scale matters.",
    ),
    "procrustes-cv": Note(
        rf"\arccos {HELD_OUT}",
        "neurons are many for the samples: the rotation is judged on samples that it was not "
        "fitted on.",
    ),
    "procrustes-cv-score": Note(
        _score(HELD_OUT),
        "a score of held-out samples is wanted, after a rotation fitted on the others.",
    ),
    "procrustes-cv-euclidean": Note(
        r"\sqrt{\lVert X \rVert_F^2 + \lVert Y \rVert_F^2 - 2 \langle X, YQ \rangle_F}",
        "scale matters, and the rotation should be judged on samples that it was not fitted on.",
    ),
    "cca": Note(
        CCA,
        "any linear map may align the two sides, and there are many more samples than neurons: a "
        "component counts whatever its variance.",
    ),
    "cca-angular": Note(rf"\arccos {CCA}", "CCA is wanted as a distance."),
    "cca-angular-score": Note(_score(CCA), "CCA is wanted on the scale of an angle."),
    "cca-regularised": Note(
        r"\mathrm{NBS}(\tilde X, \tilde Y) , \qquad \tilde X = X (X^\top X + a I)^{-w / 2}",
        "something between rotations (NBS) and all linear maps (CCA) may align the two sides.",
    ),
    "svcca": Note(
        r"\mathrm{CCA}(X V_k, Y W_l)",
        "any linear map may align the two sides, but small components are noise.",
    ),
    "pwcca": Note(
        r"\frac{\sum_i w_i \rho_i}{\sum_i w_i} , \qquad w_i = \sum_j |h_i^\top x_j|",
        "canonical correlations should count by what they account for in the neurons of X.",
    ),
    "soft-matching": Note(
        r"\max_P \sum_{i, j} P_{ij} \, \mathrm{corr}(x_i, y_j)",
        "single neurons are to be matched with single neurons: a rotation changes it.",
    ),
    "linreg": Note(
        r"\frac{\lVert Q_Y^\top X \rVert_F^2}{\lVert X \rVert_F^2}",
        "the question is what of X a linear readout of Y contains, and samples far outnumber Y's "
        "neurons.",
    ),
    "linreg-angular": Note(
        r"\arccos \frac{\lVert Q_Y^\top X \rVert_F^2}{\lVert X \rVert_F^2}",
        "linear regression is wanted as a distance.",
    ),
    "ridge": Note(R2 + FIT, "a penalised fit is to be described, not tested on other samples."),
    "ridge-cv": Note(
        R2 + FIT,
        "the question is how well Y predicts X on samples that the fit has not seen; say which "
        "folds and penalty.",
    ),
    "ridge-cv-median": Note(
        r"\mathrm{median}_j \, \mathrm{corr}(x_j, Y b_j)" + FIT,
        "predictions are to be compared neuron by neuron, as Brain-Score reports them.",
    ),
}
