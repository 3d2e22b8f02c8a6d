"""Failures of built-in measures that their records can't express, each with its reason."""

from simlib.measures.record import Measure

SATURATES = {
    "tells noise from X": "as soon as a side's neurons span the samples, everything fits everything"
}
FOLDS = {
    "order of samples": "folds are runs of neighbouring samples: reordering changes who is held "
    "out together",
    "two samples": "5 folds need 5 samples",
}

# Id, of a bound measure too -> check -> why it fails.
EXCEPTIONS: dict[str, dict[str, str]] = {
    "cka-debiased": {
        "two samples": "the unbiased estimate divides by n - 3: 4 samples are the least"
    },
    "cka-lange": {
        "two samples": "2 samples have one pair, whose cosine is always 1 or -1: 4 samples are "
        "asked for"
    },
    "rsa": {"two samples": "2 samples have a single distance, and a correlation needs several"},
    "rsa--distance-correlation": {
        "one neuron in X": "samples are correlated over neurons, which takes 3 or more",
        "one neuron in Y": "samples are correlated over neurons, which takes 3 or more",
    },
    "procrustes-cv": FOLDS,
    "procrustes-cv-score": FOLDS,
    "procrustes-cv-euclidean": FOLDS,
    "cca": SATURATES,
    "cca-angular": SATURATES,
    "cca-angular-score": SATURATES,
    "cca-regularised--whitening-1": SATURATES,
    "svcca": SATURATES,
    "pwcca": {
        **SATURATES,
        "neurons together outnumber samples": "only some correlations are tied at 1, and "
        "weights within a tie depend on the choice of basis",
    },
    "linreg": SATURATES,
    "linreg-angular": SATURATES,
    "ridge--folds-0--penalty-0": SATURATES,
    "ridge-cv": FOLDS,
    "ridge-cv-median": FOLDS,
}


def declared_exceptions(record: Measure) -> dict[str, tuple[str, str]]:
    """Check -> (expected outcome, reason) of a record, from EXCEPTIONS.

    Its own id's entries are expected to fail. Those of what it is bound from (`ridge-cv` of
    `ridge-cv--penalty-10`) may or may not still fail: "either".
    """
    parts, found = set(record.id.split("--")), {}
    for name, entries in EXCEPTIONS.items():
        if set(name.split("--")) <= parts:
            expected = "fails" if name == record.id else "either"
            found |= {check: (expected, reason) for check, reason in entries.items()}
    return found
