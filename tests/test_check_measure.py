"""Laws of `check_measure`: every built-in measure passes as declared, and each check notices what
it is for.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import simlib as sl
from simlib import validation
from simlib.linalg import centre
from simlib.measures.checking import CHECKS, EXCEPTIONS

# The check of surroundings would see that the one of signatures draws items of long lists.
pytestmark = pytest.mark.unchecked

NAMES = [check.name for check in CHECKS]
BOUND = [
    sl.measure("ridge-cv", penalty=10),
    sl.measure("ridge-cv", scheme="random", comparison="cosine", symmetric=True),
    sl.measure("ridge", penalty=0, comparison="pearson-median"),
    sl.measure("rsa", distance="cosine", comparison="spearman"),
    sl.measure("rsa", distance="correlation", comparison="cosine"),
    sl.measure("rsa", distance="euclidean", comparison="kendall"),
    sl.measure("cka-rbf", bandwidth=0.4),
    sl.measure("svcca", explained=0.7),
    *(sl.measure(name) for name in EXCEPTIONS if "--" in name),
]
RECORDS = {record.id: record for record in [*sl.MEASURES.values(), *BOUND]}


def checked(function, **options):
    return sl.check_measure(function, **options).set_index("check")


@pytest.mark.unchecked
@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_every_built_in_measure_does_what_its_record_and_the_exceptions_declare(record):
    table = sl.check_measure(record)
    assert table["ok"].all(), table.loc[
        ~table["ok"], ["check", "expected", "outcome", "evidence"]
    ].to_string()
    stale = (table["expected"] == "fails") & (table["outcome"] != "fails")
    assert not stale.any(), "declared to fail, but holds"


def test_there_are_many_named_checks_each_with_its_reason():
    assert len(NAMES) == len(set(NAMES)) >= 30
    table = sl.check_measure("cka")
    assert list(table["check"]) == NAMES and table["check"].is_unique
    assert set(table["about"]) == {"value", "invariance", "input", "edge", "gradient"}
    assert table["reason"].str.endswith(".").all() and (table["reason"].str.len() > 20).all()
    assert table["ok"].dtype == bool and (table["evidence"] != "").all()


def test_exceptions_name_measures_and_checks_that_exist_and_say_why():
    for name, entries in EXCEPTIONS.items():
        assert sl.measure(name).id == name
        assert set(entries) <= set(NAMES) and all(len(why) > 20 for why in entries.values())


def test_exceptions_of_a_measure_may_end_with_its_parameters():
    table = checked(sl.measure("ridge-cv", folds=2))
    assert (
        table["expected"]["two samples"] == "either" and table["outcome"]["two samples"] == "holds"
    )


# -- Broken measures: each check notices one

cka = sl.MEASURES["cka"].function
linear_regression = sl.MEASURES["linreg"].function


def distance(X, Y):
    return -(X - Y).norm()


def squared(M):
    return M.square().sum()


def naive_cka(X, Y):
    X, Y = centre(X), centre(Y)
    return squared(X.T @ Y) / (squared(X.T @ X).sqrt() * squared(Y.T @ Y).sqrt() + 1e-9)


def uncentred_moments(X, Y):
    """Covariances as E[xy] - E[x]E[y]: the same as CKA until the means are large."""

    def cov(A, B):
        return A.T @ B / len(A) - torch.outer(A.mean(0), B.mean(0))

    return squared(cov(X, Y)) / (squared(cov(X, X)) * squared(cov(Y, Y))).sqrt()


def distances(X):
    squares = X.square().sum(1)
    return (squares[:, None] + squares - 2 * X @ X.T)[
        torch.triu_indices(len(X), len(X), 1).unbind()
    ]


def correlation(a, b):
    a, b = a - a.mean(), b - b.mean()
    return (a * b).sum() / (squared(a) * squared(b)).sqrt()


def naive_ranks(X, Y):
    """Spearman's RSA, with ties left to rounding."""
    return correlation(*(distances(centre(Z)).argsort().argsort().to(X.dtype) for Z in (X, Y)))


def of_distances(change):
    return lambda X, Y: correlation(*(change(distances(Z).clamp_min(0)) for Z in (X, Y)))


def of_memory(X, Y):
    """Reads memory row by row, whatever the strides are."""
    return cka(*(torch.as_strided(Z, Z.shape, (Z.shape[1], 1)) for Z in (X, Y)))


def writes(X, Y):
    Y -= Y.mean(0)
    return cka(X, Y)


def reseeds(X, Y):
    torch.manual_seed(0)
    return cka(X, Y)


def counting():
    calls = []
    return lambda X, Y: cka(X, Y) + 1e-3 * (calls.append(1) or len(calls))


def where(bad, error=None):
    """CKA that can't be computed on some pairs."""

    def function(X, Y):
        if bad(X, Y):
            raise error or RuntimeError("singular")
        return cka(X, Y)

    return function


def weighted(X, Y):
    weights = torch.linspace(0.1, 1, len(X), dtype=X.dtype)[:, None]
    return cka(weights * X, weights * Y)


def scored_by_unit(X, Y):
    return cka(X / X.std(0), Y / Y.std(0))


def doubled_slope_in_single(X, Y):
    return cka(X, 2 * Y - Y.detach() if Y.dtype == torch.float32 else Y)


def detached_norm(X, Y):
    X, Y = centre(X), centre(Y)
    return squared(X.T @ Y) / squared(X.T @ X).sqrt() / squared(Y.T @ Y).sqrt().detach()


def detached_mean(X, Y):
    Y = Y - Y.mean(0).detach()
    return squared(X.T @ Y) / squared(Y.T @ Y).sqrt()


def detached_axes(X, Y):
    Y = centre(Y)
    aligned = Y @ torch.linalg.svd(Y.detach(), full_matrices=False)[2].T
    return (X[:, : aligned.shape[1]] * aligned).sum(0).abs().sum() / Y.norm()


def by_inverse(X, Y):
    """R^2 by normal equations, rank or no rank."""
    X, Y = centre(X), centre(Y)
    fitted = Y @ torch.linalg.pinv(Y, rtol=1e-12) @ X
    return squared(fitted) / squared(X)


def roots(X, Y):
    return torch.linalg.svdvals(centre(X).T @ centre(Y)).sqrt().sum()


twice_cka = replace(sl.MEASURES["cka"], function=lambda X, Y: 2 * cka(X, Y))
refuses_low_rank = where(lambda X, Y: torch.linalg.cond(Y) > 1e8)
BROKEN = {
    "0-d tensor": lambda X, Y: 1 / 0,
    "keeps float64": lambda X, Y: cka(X, Y).float(),
    "keeps float32": lambda X, Y: cka(X, Y).double(),
    "float32 agrees": lambda X, Y: cka(X, Y) + 0.01 * (X.dtype == torch.float32),
    "finite": lambda X, Y: torch.log(cka(X, Y) - 0.5),
    "in range": twice_cka,
    "own value": twice_cka,
    "nothing beats X": lambda X, Y: squared(centre(X).T @ centre(Y)),
    "noise lowers it": lambda X, Y: -cka(X, Y),
    "copy beats noise": lambda X, Y: -cka(X, Y),
    "pairing matters": lambda X, Y: -(X.var() - Y.var()).abs(),
    "order of samples": weighted,
    "deterministic": lambda X, Y: cka(X, Y) + 1e-3 * torch.rand(()),
    "no memory": counting(),
    "vmap equals loop": counting(),
    "surroundings kept": reseeds,
    "symmetric": linear_regression,
    **{name: distance for name in NAMES if name.endswith((" of Y", "n of X", "e of X", "p of X"))},
    "inputs left alone": writes,
    "Fortran order": of_memory,
    "strided views": of_memory,
    "scale 1e-12": naive_cka,
    "scale 1e12": lambda X, Y: cka(X.clamp(-1e6, 1e6), Y.clamp(-1e6, 1e6)),
    "scale 1e12, float32": naive_cka,
    "offset 1e6": uncentred_moments,
    "zeros and ones": naive_ranks,
    "constant unit": scored_by_unit,
    "constant unit in X": scored_by_unit,
    "repeated unit": refuses_low_rank,
    "low rank": refuses_low_rank,
    "low rank, float32": by_inverse,
    "repeated samples": of_distances(torch.log),
    "neurons in other units": refuses_low_rank,
    "fewer neurons in Y": distance,
    "more neurons in Y": distance,
    "one neuron isn't stretched": distance,
    "one neuron in X": where(lambda X, Y: X.shape[1] < 2),
    "one neuron in Y": where(lambda X, Y: Y.shape[1] < 2),
    "two samples": of_distances(torch.sqrt),
    "neurons outnumber samples": where(lambda X, Y: Y.shape[1] > len(Y)),
    "neurons together outnumber samples": where(lambda X, Y: X.shape[1] + Y.shape[1] > len(Y)),
    "tells noise from X": linear_regression,
    "refusals in words": where(lambda X, Y: len(Y) < 4, ValueError("singular")),
    "gradient exists": lambda X, Y: cka(X, Y).detach(),
    "finite differences": lambda X, Y: cka(X, Y) * cka(X, Y).detach(),
    "finite differences of X": lambda X, Y: cka(X, Y) * cka(X.detach(), Y),
    "gradient at Y = X": lambda X, Y: -squared(X - Y).sqrt(),
    "gradient at low rank": roots,
    "gradient at a constant unit": scored_by_unit,
    "gradient at repeated samples": of_distances(torch.sqrt),
    "gradient in float32": doubled_slope_in_single,
    "finite in float32": lambda X, Y: -squared(X - Y).sqrt(),
    "blind to scale": detached_norm,
    "blind to translation": detached_mean,
    "blind to rotation": detached_axes,
    "same value when tracked": lambda X, Y: cka(X, Y) + 0.1 * Y.requires_grad,
}
# What only the door can get wrong: function of simlib.validation -> its careless twin.
DOORS = {
    "read-only arrays": ("array", lambda values, name: np.subtract(values, 1, out=values)),
    "time, trial, neuron": ("flat", lambda values: values.reshape(len(values), -1)),
    "numpy, torch, xarray": ("_by_names", lambda values, name: values.values),
    "integer counts": ("array", lambda values, name: np.asarray(values)),
    "constant Y refused": ("array", validation.responses),
    "NaN refused": ("finite", lambda values, name: None),
    "infinity refused": ("finite", lambda values, name: None),
    "lost sample refused": ("pair", lambda X, Y: (validation.array(X), validation.array(Y))),
    "one axis refused": ("array", lambda values, name: np.asarray(values).reshape(len(values), -1)),
}


@pytest.mark.parametrize("name", NAMES)
def test_each_check_notices_a_measure_or_a_door_broken_for_it(name, monkeypatch):
    if name in DOORS:
        monkeypatch.setattr(validation, *DOORS[name])
    table = checked(BROKEN.get(name, "cka"))
    assert table["outcome"][name] == "fails", table["evidence"][name]
    judged = table["expected"][name] == "holds"
    assert table["ok"][name] != judged


def test_a_sound_function_of_ones_own_passes_without_declaring_anything():
    table = checked(lambda X, Y: cka(X, Y) ** 2)
    assert table["ok"].all()
    assert (
        table["outcome"]["rotation of Y"] == "holds"
        and table["expected"]["rotation of Y"] == "either"
    )
    assert table["outcome"]["invertible linear map of Y"] == "fails"
    assert table["outcome"]["in range"] == table["outcome"]["own value"] == "not applicable"


def test_a_measure_that_fails_somewhere_still_gets_its_table():
    table = checked(distance)
    assert (
        table["outcome"]["symmetric"] == "holds"
        and table["outcome"]["neuron duplication of Y"] == "fails"
    )
    assert "RuntimeError: The size of tensor a (6)" in table["evidence"]["neuron duplication of Y"]
    assert (
        not table["ok"]["refusals in words"]
        and "fewer neurons in Y" in table["evidence"]["refusals in words"]
    )
    nothing = checked(lambda X, Y: [][0])
    assert (nothing["outcome"] == "fails").sum() > 50 and "IndexError" in nothing["evidence"][
        "finite"
    ]


def test_a_measure_through_numpy_has_no_gradient_and_says_so():
    table = checked(
        lambda X, Y: torch.tensor(float(np.corrcoef(X.numpy()[:, 0], Y.numpy()[:, 0])[0, 1]))
    )
    assert table["outcome"]["gradient exists"] == "fails" and table["ok"]["gradient exists"]
    assert "numpy()" in table["evidence"]["gradient exists"]
    assert (
        table["outcome"]["finite differences"] == "not applicable"
        and not table["ok"]["keeps float64"]
    )


def test_expected_failures_are_declared_by_the_name_of_the_check():
    few = where(lambda X, Y: len(X) < 3, ValueError("3 or more samples are needed"))
    assert checked(few, expected={"two samples": "needs 3"})["ok"]["two samples"]
    stale = checked(cka, expected={"two samples": "needs 3"})
    assert (
        not stale["ok"]["two samples"] and "declared: needs 3" in stale["evidence"]["two samples"]
    )
    with pytest.raises(ValueError, match="unknown check 'two sample'; nearest: 'two samples'"):
        sl.check_measure(cka, expected={"two sample": "needs 3"})


@pytest.mark.parametrize("result", [1.0, np.float64(1), torch.ones(1), np.ones(2), None])
def test_something_else_than_a_0_d_tensor_is_refused_at_once(result):
    with pytest.raises(
        TypeError, match=rf"returns a 0-d tensor; <?lambda>? returned {type(result).__name__}"
    ):
        sl.check_measure(lambda X, Y: result)


def test_the_same_seed_gives_the_same_table_and_the_global_generators_stay_as_they_were():
    first, again = (sl.check_measure("nbs", seed=3) for _ in range(2))
    assert first.equals(again) and not first.equals(sl.check_measure("nbs", seed=4))
    before = torch.get_rng_state()
    sl.check_measure(reseeds)
    assert torch.equal(before, torch.get_rng_state())


# -- Found by the checks


@pytest.mark.parametrize("comparison", ["spearman", "kendall"])
def test_rsa_of_ranks_takes_distances_that_differ_by_rounding_as_ties(comparison):
    """Counts of 0 to 2: squared distances are integers, so their ranks are known exactly."""
    from scipy import stats

    rng = np.random.default_rng(0)
    X, Y = rng.integers(0, 3, (30, 5)), rng.integers(0, 3, (30, 4))
    above = np.triu_indices(30, 1)
    exact = [((Z[:, None] - Z[None]) ** 2).sum(-1)[above] for Z in (X, Y)]
    expected = (stats.spearmanr if comparison == "spearman" else stats.kendalltau)(*exact).statistic
    measure = sl.measure("rsa", comparison=comparison)
    assert sl.score(measure, X, Y) == pytest.approx(expected, abs=1e-12)
    single = measure(torch.from_numpy(X).float(), torch.from_numpy(Y).float())
    assert single.dtype == torch.float32 and float(single) == pytest.approx(expected, abs=1e-6)


def test_rsa_refuses_two_samples():
    with pytest.raises(
        ValueError, match="3 or more samples, since 2 have a single distance; got 2"
    ):
        sl.score("rsa", np.eye(2), np.eye(2))


# -- The example of the book


def test_the_books_example_has_the_faults_that_its_page_names():
    page = (Path(__file__).resolve().parent.parent / "book" / "own_measure.md").read_text()
    (code,) = re.findall(r"```python\n(def my_score.*?)```", page, flags=re.S)
    names = {}
    exec(code, names)
    table = checked(names["my_score"])
    faults = table[~table["ok"]].index
    assert list(faults) == [
        "constant unit",
        "constant unit in X",
        "one neuron isn't stretched",
        "refusals in words",
        "gradient at a constant unit",
    ]
    assert (table["evidence"][["constant unit", "constant unit in X"]] == "nan").all()
    assert "RuntimeError" in table["evidence"]["fewer neurons in Y"]
    assert table["outcome"]["permutation of Y"] == "fails" and table["ok"]["permutation of Y"]
    (declared,) = re.findall(r"`expected=(\{.*?\})`", page)
    assert checked(names["my_score"], expected=eval(declared))["ok"]["constant unit"]


def test_the_books_distance_keeps_its_record_but_for_unequal_neurons_which_it_refuses_in_words():
    page = (Path(__file__).resolve().parent.parent / "book" / "own_measure.md").read_text()
    (code,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", page, flags=re.S)
        if "my_distance" in block
    )
    names = {}
    exec(code, names)
    table = checked(names["my_distance"])
    faults = table.loc[~table["ok"], "evidence"]
    assert list(faults.index) == [
        "fewer neurons in Y",
        "more neurons in Y",
        "one neuron in X",
        "one neuron in Y",
    ]
    assert faults.str.startswith("ValueError: X and Y need the same neurons").all()
    assert not checked(replace(names["my_distance"], own=1.0, invariances=frozenset({"rotation"})))[
        "ok"
    ]["own value"]
