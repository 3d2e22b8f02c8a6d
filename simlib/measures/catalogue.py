"""The catalogue of similarity measures: one literal table, one record a measure."""

from collections.abc import Mapping
from math import inf, pi

import torch

from simlib import validation
from simlib.linalg import angular_score, arccos
from simlib.measures import cca, kernels, matching, regression, rsa, shapes
from simlib.measures.published import PUBLISHED
from simlib.measures.record import INVARIANCES, SHAPE, Elsewhere, Measure, bound_from

LINEAR = frozenset(INVARIANCES)
MOTION = frozenset({"translation", "permutation", "rotation"})
NEURONS = SHAPE - {"rotation"}


class Catalogue(dict):
    """id -> Measure; an alias, a published id or the id of a bound measure finds it, too.

    Example:
        >>> import simlib as sl
        >>> sl.MEASURES["angular-cka"].id, len(sl.MEASURES) > 25
        ('cka-angular-score', True)
    """

    def __init__(self, *records: Measure):
        super().__init__({record.id: record for record in records})
        aliases = {alias: (record.id, {}) for record in records for alias in record.aliases}
        self.published = PUBLISHED | aliases

    def __missing__(self, name: str) -> Measure:
        if name in self.published:
            base, params = self.published[name]
            return self[base].bind(**params)
        bound = bound_from(name, self) if isinstance(name, str) else None
        if bound:
            return bound
        raise validation.unknown_name(
            "measure", name, [*self, *self.published], "simlib.MEASURES lists them all"
        )

    def __contains__(self, name: object) -> bool:
        return name in self.published or str(name).split("--")[0] in self.keys()

    def get(self, name: str, default: Measure | None = None) -> Measure | None:
        return self[name] if name in self else default


MEASURES: Mapping[str, Measure] = Catalogue(
    # Kernels: compare the samples' similarities.
    Measure(
        "cka",
        "CKA",
        kernels.cka,
        (0, 1),
        "Kornblith et al. 2019",
        shared=kernels.cka_towards,
        aliases=("rsa-correlation-corr", "rsa-euclidean-centered-cosine"),
        elsewhere=(
            Elsewhere("rsatoolbox", "compare(..., method='cosine_cov') of squared Euclidean RDMs"),
            Elsewhere("ckatorch", "cka_base(kernel='linear')"),
        ),
        shuffled=kernels.cka_shuffled,
    ),
    Measure(
        "cka-angular",
        "Angular CKA distance",
        kernels.cka_angular,
        (0, pi / 2),
        "Williams et al. 2021",
        direction=-1,
        own=0.0,
        of=("cka", arccos),
    ),
    Measure(
        "cka-angular-score",
        "Angular CKA",
        kernels.cka_angular_score,
        (0, 1),
        "Williams et al. 2021",
        shared=kernels.cka_angular_score_towards,
        aliases=("angular-cka",),
        of=("cka", angular_score),
    ),
    Measure(
        "cka-debiased",
        "Debiased CKA",
        kernels.cka_debiased,
        (-1, 1),
        "Song et al. 2012",
        pairs_of_samples=True,
        aliases=("cka-hsic_song",),
        elsewhere=(Elsewhere("ckatorch", "cka_base(kernel='linear', unbiased=True)"),),
        shuffled=kernels.cka_debiased_shuffled,
    ),
    Measure(
        "cka-lange",
        "Debiased CKA (Lange)",
        kernels.cka_lange,
        (-1, 1),
        "Lange et al. 2023",
        pairs_of_samples=True,
        aliases=("cka-hsic_lange",),
        shuffled=kernels.cka_lange_shuffled,
    ),
    Measure(
        "cka-rbf",
        "CKA (RBF kernel)",
        kernels.cka_rbf,
        (0, 1),
        "Kornblith et al. 2019",
        pairs_of_samples=True,
        elsewhere=(
            Elsewhere(
                "ckatorch",
                "cka_base(kernel='rbf', threshold=...)",
                "its median counts the zero distances of samples to themselves, so that its "
                "threshold is the bandwidth times the ratio of the two medians",
            ),
        ),
        shuffled=kernels.cka_rbf_shuffled,
    ),
    Measure(
        "ensd",
        "ENSD",
        kernels.ensd,
        (0, inf),
        "Giaffar et al. 2023",
        own=None,
        shuffled=kernels.ensd_shuffled,
    ),
    Measure(
        "rsa",
        "RSA",
        rsa.rsa,
        (-1, 1),
        "Kriegeskorte et al. 2008",
        pairs_of_samples=True,
        aliases=("rsa-euclidean-corr",),
        elsewhere=(
            Elsewhere("rsatoolbox", "compare(..., method='corr') of squared Euclidean RDMs"),
        ),
        shuffled=rsa.rsa_shuffled,
    ),
    # Shapes: rotate one side onto the other.
    Measure(
        "nbs",
        "NBS",
        shapes.nbs,
        (0, 1),
        "Tang et al. 2020; Harvey et al. 2023",
        shared=shapes.nbs_towards,
        elsewhere=(
            Elsewhere("rsatoolbox", "compare(..., method='bures') of squared Euclidean RDMs"),
            Elsewhere(
                "netrep",
                "LinearMetric(alpha=1, score_method='angular')",
                "the cosine of its distance",
            ),
        ),
        shuffled=shapes.nbs_shuffled,
    ),
    Measure(
        "nbs-squared",
        "NBS squared",
        shapes.nbs_squared,
        (0, 1),
        "Harvey et al. 2023",
        elsewhere=(Elsewhere("scipy", "spatial.procrustes", "1 - its disparity"),),
        of=("nbs", torch.square),
    ),
    Measure(
        "procrustes-angular",
        "Angular Procrustes distance",
        shapes.procrustes_angular,
        (0, pi / 2),
        "Williams et al. 2021",
        direction=-1,
        own=0.0,
        aliases=("nbs-angular",),
        elsewhere=(Elsewhere("netrep", "LinearMetric(alpha=1, score_method='angular')"),),
        of=("nbs", arccos),
    ),
    Measure(
        "procrustes-angular-score",
        "Angular Procrustes",
        shapes.procrustes_angular_score,
        (0, 1),
        "Williams et al. 2021",
        shared=shapes.procrustes_angular_score_towards,
        aliases=("angular-procrustes", "nbs-angular-score"),
        of=("nbs", angular_score),
    ),
    Measure(
        "procrustes-euclidean",
        "Procrustes distance",
        shapes.procrustes_euclidean,
        (0, inf),
        "Schonemann 1966",
        direction=-1,
        own=0.0,
        invariances=MOTION,
        elsewhere=(Elsewhere("netrep", "LinearMetric(alpha=1, score_method='euclidean')"),),
        shuffled=shapes.procrustes_euclidean_shuffled,
    ),
    Measure(
        "procrustes-cv",
        "Angular Procrustes distance CV",
        shapes.procrustes_cv,
        (0, pi),
        "Williams et al. 2021",
        direction=-1,
        own=0.0,
        params={"comparison": "angular", "folds": 5},
        aliases=("procrustes-angular#5folds_cv",),
        shuffled=shapes.procrustes_cv_shuffled,
    ),
    Measure(
        "procrustes-cv-score",
        "Angular Procrustes CV",
        shapes.procrustes_cv,
        (-1, 1),
        "Williams et al. 2021",
        params={"comparison": "angular-score", "folds": 5},
        aliases=("procrustes-angular-score#5folds_cv",),
        of=("procrustes-cv", lambda angle: 1 - angle * (2 / pi)),
        shuffled=shapes.procrustes_cv_shuffled,
    ),
    Measure(
        "procrustes-cv-euclidean",
        "Procrustes distance CV",
        shapes.procrustes_cv,
        (0, inf),
        "Schonemann 1966",
        direction=-1,
        own=0.0,
        invariances=MOTION,
        params={"comparison": "euclidean", "folds": 5},
        aliases=("procrustes-euclidean-score#5folds_cv",),
        shuffled=shapes.procrustes_cv_shuffled,
    ),
    # Whitened shapes: CCA and its relatives.
    Measure(
        "cca",
        "CCA",
        cca.cca,
        (0, 1),
        "Hotelling 1936; Raghu et al. 2017",
        invariances=LINEAR,
        elsewhere=(
            Elsewhere(
                "scikit-learn",
                "cross_decomposition.CCA",
                "the mean correlation of its pairs of variates",
            ),
        ),
        shuffled=cca.cca_shuffled,
    ),
    Measure(
        "cca-angular",
        "Angular CCA distance",
        cca.cca_angular,
        (0, pi / 2),
        "Williams et al. 2021",
        direction=-1,
        own=0.0,
        invariances=LINEAR,
        elsewhere=(
            Elsewhere(
                "netrep",
                "LinearMetric(alpha=0, score_method='angular')",
                "the same number for p = q of full rank",
            ),
        ),
        of=("cca", arccos),
    ),
    Measure(
        "cca-angular-score",
        "Angular CCA",
        cca.cca_angular_score,
        (0, 1),
        "Williams et al. 2021",
        invariances=LINEAR,
        of=("cca", angular_score),
    ),
    Measure(
        "cca-regularised",
        "Regularised CCA",
        cca.cca_regularised,
        (0, 1),
        "Vinod 1976; Williams et al. 2021",
        shuffled=cca.cca_regularised_shuffled,
    ),
    Measure("svcca", "SVCCA", cca.svcca, (0, 1), "Raghu et al. 2017", shuffled=cca.svcca_shuffled),
    Measure(
        "pwcca",
        "PWCCA",
        cca.pwcca,
        (0, 1),
        "Morcos et al. 2018",
        symmetric=False,
        invariances=LINEAR,
        invariances_of_x=NEURONS,
        shuffled=cca.pwcca_shuffled,
    ),
    # Neurons against neurons.
    Measure(
        "soft-matching",
        "Soft matching",
        matching.soft_matching,
        (-1, 1),
        "Khosla & Williams 2024",
        invariances=NEURONS,
        elsewhere=(Elsewhere("POT", "emd2([], [], 1 - correlations)", "1 - its cost"),),
        shuffled=matching.soft_matching_shuffled,
    ),
    # Regression: predict X from Y.
    Measure(
        "linreg",
        "Linear regression",
        regression.linear_regression,
        (0, 1),
        "Kornblith et al. 2019",
        symmetric=False,
        invariances=LINEAR,
        invariances_of_x=SHAPE,
        aliases=("linear-regression",),
        elsewhere=(
            Elsewhere(
                "scikit-learn",
                "r2_score(..., multioutput='variance_weighted') after LinearRegression",
            ),
        ),
        shuffled=regression.linear_regression_shuffled,
    ),
    Measure(
        "linreg-angular",
        "Angular linear regression distance",
        regression.linear_regression_angular,
        (0, pi / 2),
        "Cloos et al. 2025",
        direction=-1,
        own=0.0,
        symmetric=False,
        invariances=LINEAR,
        invariances_of_x=SHAPE,
        of=("linreg", arccos),
    ),
    Measure(
        "ridge",
        "Ridge regression",
        regression.regression,
        (0, 1),
        "Hoerl & Kennard 1970",
        symmetric=False,
        invariances=MOTION,
        invariances_of_x=SHAPE,
        own=None,
        params={"penalty": 100.0, "folds": 0},
        aliases=("ridge-lambda100-r2#no_cv",),
        elsewhere=(
            Elsewhere(
                "scikit-learn",
                "r2_score(..., multioutput='variance_weighted') after Ridge(alpha=penalty)",
            ),
        ),
        shuffled=regression.regression_shuffled,
    ),
    Measure(
        "ridge-cv",
        "Ridge regression CV",
        regression.regression,
        (-inf, 1),
        "Hoerl & Kennard 1970",
        symmetric=False,
        invariances=MOTION,
        invariances_of_x=SHAPE,
        own=None,
        params={"penalty": 100.0, "folds": 5},
        aliases=("ridge-lambda100-r2#5folds_cv",),
        shuffled=regression.regression_shuffled,
    ),
    Measure(
        "ridge-cv-median",
        "Ridge regression CV, median neuron",
        regression.regression,
        (-1, 1),
        "Schrimpf et al. 2018",
        symmetric=False,
        invariances=MOTION,
        invariances_of_x=NEURONS,
        own=None,
        params={"penalty": 100.0, "folds": 5, "comparison": "pearson-median"},
        shuffled=regression.regression_shuffled,
    ),
)
