"""`check_measure`: every check on one measure, as a table."""

import warnings
from collections.abc import Callable, Mapping

import pandas as pd

from simlib import measures, validation
from simlib.measures.checking.bench import Bench, Check, Finding
from simlib.measures.checking.edges import EDGES
from simlib.measures.checking.exceptions import declared_exceptions
from simlib.measures.checking.gradients import GRADIENTS
from simlib.measures.checking.inputs import INPUTS
from simlib.measures.checking.invariances import SYMMETRIES
from simlib.measures.checking.surroundings import restored
from simlib.measures.checking.values import VALUES
from simlib.measures.record import CALLERS_OWN

CHECKS = tuple(
    check._replace(about=about)
    for about, checks in (
        ("value", VALUES),
        ("invariance", SYMMETRIES),
        ("input", INPUTS),
        ("edge", EDGES),
        ("gradient", GRADIENTS),
    )
    for check in checks
)


OUTCOMES = {True: "holds", False: "fails", None: "not applicable"}


def _expectation(check: Check, record: measures.Measure) -> str:
    if check.declared is None:
        return "holds"
    claim = None if record.source == CALLERS_OWN else check.declared(record)
    return "either" if claim is None else OUTCOMES[claim]


def _run(check: Check, bench: Bench) -> Finding:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a division by zero the finding says enough
            return check.run(bench)
    except Exception as error:  # in whatever way a user's measure fails: that is the finding
        lines = str(error).splitlines() or ["no message"]
        return Finding(False, f"{type(error).__name__}: {lines[0]}")


def _row(check: Check, bench: Bench, declared: Mapping[str, tuple[str, str]]) -> tuple:
    holds, evidence = _run(check, bench)
    outcome = OUTCOMES[holds]
    expected, why = declared.get(check.name, (_expectation(check, bench.record), ""))
    ok = outcome in (expected, "not applicable") or expected == "either"
    evidence = f"{evidence} (declared: {why})" if why else evidence
    return check.name, check.about, check.reason, expected, outcome, ok, evidence


def _refuse_other_results(bench: Bench) -> None:
    """The one fault that leaves nothing to check: something else than a 0-d tensor comes back."""
    try:
        result = bench.record(bench.X.clone(), bench.Y.clone())
    except Exception:  # every row will say so
        return
    bench.refuse(result)


def check_measure(
    function: Callable | str | measures.Measure,
    *,
    seed: int = 0,
    tolerance: float = 1e-6,
    expected: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """What a measure does and what it is blind to: a table of named checks, a row a check.

    Everything is tried on small random data, 40 samples and 6 neurons. What is expected: "holds";
    "fails", where the record says so (it isn't symmetric, say) or the failure is declared;
    "either", where nothing is claimed: a bare function claims no symmetry, no invariance, no
    gradient and no size of data beyond the ordinary, so that there the table describes and doesn't
    judge.

    Args:
        function: two tensors (samples, neurons) -> a 0-d tensor that grows with similarity; or an
            id, or a Measure, which says itself what it is.
        seed: of the data.
        tolerance: a value that moves by less is unchanged, relative to 1 or to the value where that
            is larger.
        expected: failures to declare, name of the check -> reason, as {"two samples": "needs 3 or
            more"}; one that doesn't fail after all is not ok.

    Returns:
        A table with columns check (its name), about ("value", "invariance", "input", "edge",
            "gradient"), reason (why it matters), expected, outcome ("holds", "fails", "not
            applicable"; an error of the measure is a failure), ok (the outcome is as expected:
            `table[~table["ok"]]` is what to look at) and evidence (numbers, or the error).

    Raises:
        TypeError: where something else than a 0-d tensor comes back.
        ValueError: for a check that doesn't exist.

    Example:
        >>> import simlib as sl
        >>> table = sl.check_measure("cka").set_index("check")
        >>> bool(table["ok"].all()), table["outcome"]["rotation of Y"]
        (True, 'holds')
    """
    bench = Bench(measures.measure(function), tolerance, seed)
    for name in expected or {}:
        validation.known("check", name, [check.name for check in CHECKS])
    declared = {} if bench.record.source == CALLERS_OWN else declared_exceptions(bench.record)
    declared |= {name: ("fails", why) for name, why in (expected or {}).items()}
    with restored():
        _refuse_other_results(bench)
        rows = [_row(check, bench, declared) for check in CHECKS]
    return pd.DataFrame(
        rows, columns=["check", "about", "reason", "expected", "outcome", "ok", "evidence"]
    )
