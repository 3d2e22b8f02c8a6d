"""Missing values and labels: refused with numbers, dropped as asked, and no advice that wasn't
tried.
"""

import ast
import datetime
import json
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from simlib import datasets, validation
from simlib.datasets.own import gaps

without_gaps = gaps.without_gaps


def array(X, **labels):
    return xr.DataArray(
        X if X.ndim == 3 else X[None],
        dims=("time", "trial", "neuron"),
        coords={name: ("trial", values) for name, values in labels.items()},
    )


def padding_and_one():
    """40 trials x 20 neurons: 10 trials are padding, one neuron is lost in half of the others."""
    X = np.random.default_rng(0).standard_normal((40, 20))
    X[30:] = np.nan
    X[1:30:2, 3] = np.nan
    return array(X, choice=np.arange(40) // 2 % 2)


def scattered(share=0.3):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((3, 40, 20))
    X[rng.random(X.shape) < share] = np.nan
    return array(X, choice=np.arange(40) % 2, stim=np.arange(40) % 5)


def lost_labels(data=None):
    data = padding_and_one() if data is None else data
    number = np.arange(data.sizes["trial"])
    choice = np.where(number % 7 == 3, None, np.where(number % 2, "right", "left"))
    return data.assign_coords(
        choice=("trial", choice),
        hit=("trial", np.where(number % 9 == 4, np.nan, number % 2)),
        stim=("trial", number % 5),
    )


def silent_trials():
    """What is left after drop-trials never changes."""
    X = np.ones((40, 20))
    X[5:] = np.random.default_rng(2).standard_normal((35, 20))
    X[5:, 4] = np.nan
    return array(X, choice=np.arange(40) // 20)


def one_class_left():
    X = np.random.default_rng(3).standard_normal((40, 20))
    X[20:, 1] = np.nan
    return array(X, choice=np.repeat(["left", "right"], 20))


def steps(data):
    return json.loads(data.attrs["processing"])["steps"]


def said(data, missing="refuse", labels=()):
    with pytest.raises(ValueError) as error:
        without_gaps(data, missing, labels)
    assert len(str(error.value)) <= 1500
    return str(error.value)


# -- Policies


@pytest.mark.parametrize(
    ("missing", "shape"),
    [
        ("drop-trials", (15, 20)),
        (["drop-empty-trials", "drop-neurons"], (30, 19)),
        ({"drop-empty-trials": True, "drop-neurons": 0.3}, (30, 19)),
        ({"drop-neurons": 0.3, "drop-trials": True}, (30, 19)),
        ({"drop-trials": 0.5, "drop-neurons": 0}, (30, 19)),
        ({"drop-empty-trials": True, "drop-neurons": 0.5, "drop-trials": True}, (15, 20)),
        ({"drop-empty-neurons": False, "drop-trials": True}, (15, 20)),
        (["drop-empty-trials", "drop-empty-neurons", "drop-trials"], (15, 20)),
    ],
)
def test_policies_are_followed_in_turn_and_noted(missing, shape):
    data = without_gaps(padding_and_one(), missing, ["choice"])
    assert data.shape == (1, *shape) and np.isfinite(data.values).all()
    size = {"trial": 40, "neuron": 20}
    for step in steps(data):
        dim = step["step"].split("-")[-1][:-1]
        assert step["before"] == size[dim] and step["before"] - step["after"] == step["dropped"]
        size[dim] = step["after"]
    assert tuple(size.values()) == shape
    described = datasets.describe(datasets.load(data, task_variables=["choice"]))
    assert "'before': 40" in described and "'after': " in described


def test_a_share_is_that_of_the_values_and_itself_still_kept():
    X = np.random.default_rng(0).standard_normal((2, 10, 10))
    X[0, :6, 4] = np.nan  # 6 of 20 values of a neuron
    for share, neurons, trials in ((0.29, 9, 10), (0.3, 10, 4)):
        left = without_gaps(array(X), {"drop-neurons": share, "drop-trials": True})
        assert left.shape == (2, trials, neurons)


def test_infinite_values_are_missing_too():
    X = np.random.default_rng(0).standard_normal((10, 4))
    X[2, 1] = np.inf
    assert without_gaps(array(X), "drop-trials").sizes["trial"] == 9


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("drop-trial", r"unknown policy .*'drop-trial'; nearest: 'drop-trials'"),
        ({"drop-neuron": 0.3}, r"nearest: 'drop-neurons'"),
        (["drop-trials", "averages"], r"nearest: 'average'"),
        ({"drop-neurons": 1.0}, r"\{'drop-neurons': 1.0\}.*in \[0, 1\)"),
        ({"drop-neurons": -0.1}, r"in \[0, 1\)"),
        ({"average": 0.5}, r"\{'average': 0.5\}: a policy is followed"),
        ([], "missing is empty"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said(missing, words):
    with pytest.raises(ValueError, match=words):
        without_gaps(array(np.ones((4, 3))), missing)


def test_nothing_happens_where_nothing_is_missing():
    data = array(np.random.default_rng(0).standard_normal((10, 4)))
    for policy in gaps.POLICIES:
        if policy != "average":
            assert without_gaps(data, policy).identical(data)


# -- Advice


CASES = {
    "padding": padding_and_one,
    "scattered": scattered,
    "labels": lost_labels,
    "only labels": lambda: lost_labels(scattered(0.0)),
    "silent": silent_trials,
    "one class": one_class_left,
    "nothing": lambda: scattered(1.0),
    "few": lambda: scattered(0.002),
    "neurons": lambda: scattered(0.0).where(scattered(0.0)["neuron"] != 3),
}


@pytest.mark.parametrize("given", ["refuse", "drop-neurons", {"drop-trials": 0.9}, "average"])
@pytest.mark.parametrize("case", CASES)
def test_every_option_that_is_advised_works_and_leaves_what_it_says(case, given):
    data = CASES[case]()
    labels = [name for name in ("choice", "stim", "hit") if name in data.coords]
    try:
        without_gaps(data, given, labels)
        return
    except ValueError as error:
        message = str(error)
    assert len(message) <= 1500
    advised = re.findall(
        r"missing=(\S.*?) leaves (?:averages of )?(\d+) [^;]*? and (\d+) of \d+ neurons",
        message.partition("Options: ")[2],
    )
    assert bool(advised) == ("None of the options" not in message)
    for option, trials, neurons in advised:
        left = without_gaps(data, ast.literal_eval(option), labels)
        assert left.shape[1:] == (int(trials), int(neurons)), option
        datasets.load(left, task_variables=labels)


def test_the_numbers_are_those_of_each_way():
    message = said(padding_and_one())
    for words in (
        "215 of 800 values (26.9%)",
        "25 of 40 trials have some, 10 have nothing else",
        "20 of 20 neurons have some, 0 have nothing else",
        "missing='drop-trials' leaves 15 of 40 trials and 20 of 20 neurons (62.5% of the values",
        "missing=['drop-empty-trials', 'drop-neurons'] leaves 30 of 40 trials and 19 of 20 neurons",
    ):
        assert words in message
    assert "missing='drop-neurons'" not in message
    assert "would leave no neuron" in said(padding_and_one(), "drop-neurons")


def test_what_leaves_one_class_or_nothing_that_varies_is_not_advised():
    assert "missing='drop-trials' leaves" not in said(one_class_left(), labels=["choice"])
    assert "missing='drop-trials' leaves" in said(one_class_left())
    assert "missing='drop-trials' leaves" not in said(silent_trials())
    assert "None of the options" in said(scattered(1.0))


@pytest.mark.parametrize("missing", ["refuse", "drop-neurons"])
def test_nothing_is_advised_where_the_axes_were_guessed(missing):
    data = padding_and_one().assign_attrs(axes_guessed=1)
    message = said(data, missing)
    assert "read as time 1, trial 40, neuron 20: say dims=" in message
    assert "leaves" not in message and "215 of 800" in message


# -- Labels


def test_missing_labels_are_named_and_dropped_by_request():
    data = lost_labels(scattered(0.0))
    message = said(data, labels=["choice", "stim"])
    assert message.startswith("label 'choice' is missing in 6 of 40 trials, the first at trial 3")
    assert "missing='drop-unlabelled' leaves 34 of 40 trials" in message
    assert "task_variables=['stim']" in message and " X has" not in message
    assert "label 'hit' is missing in 4 of 40" in said(data, labels=["choice", "hit"])
    kept = without_gaps(data, "drop-unlabelled", ["choice"])
    assert kept.sizes["trial"] == 34 and steps(kept)[0]["dropped"] == 6
    assert without_gaps(data, labels=["stim"]).identical(data)
    both = said(lost_labels(), labels=["choice"])
    assert "X has 215 of 800" in both and "missing in 6 of 40 trials" in both
    assert "missing=['drop-unlabelled', 'drop-empty-trials', 'drop-neurons'] leaves" in both
    never = data.assign_coords(choice=("trial", np.full(40, None, dtype=object)))
    message = said(never, labels=["choice", "stim"])
    assert "None of the options" in message and "task_variables=['stim']" in message


def test_many_and_long_labels_make_no_long_error():
    data = scattered(0.2).drop_vars(["choice", "stim"])
    names = [f"label_{k}_{'x' * 40}" for k in range(50)]
    data = data.assign_coords({name: ("trial", [np.nan] * 5 + [0, 1] * 17 + [1]) for name in names})
    assert "and so are 47 more labels" in said(data, labels=names)


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        (np.array([0.5, np.nan, np.inf]), [0, 1, 0]),
        (np.array(["nan", "", "None"]), [0, 0, 0]),
        (np.array(["a", None, np.nan, "", "nan"], dtype=object), [0, 1, 1, 0, 0]),
        (np.array(["2020-01-01", "NaT"], dtype="datetime64[D]"), [0, 1]),
        (np.array([1, "NaT"], dtype="timedelta64[s]"), [0, 1]),
        (np.array([pd.NA, pd.NaT, 3, datetime.date(2020, 1, 1)], dtype=object), [1, 1, 0, 0]),
        (pd.array([1, None, 3], dtype="Int64"), [0, 1, 0]),
        (pd.Series(["a", None], dtype="string"), [0, 1]),
        (pd.Categorical(["a", None]), [0, 1]),
        (np.array([True, False]), [0, 0]),
        (np.array(["a", "nan"], dtype=np.dtypes.StringDType()), [0, 0]),
        (["left", None, float("nan"), "nan"], [0, 1, 1, 0]),
    ],
)
def test_one_rule_says_which_labels_are_missing(values, missing):
    assert validation.missing_labels(values).tolist() == [bool(one) for one in missing]
    if any(missing):
        X = np.zeros((len(missing), 2))
        with pytest.raises(ValueError, match=rf"{sum(missing)} missing values, the first at trial"):
            validation.label_array(np.asarray(values, dtype=object), X)


def test_words_that_say_missing_are_found():
    words = np.array(["left", "nan", "NaN", "None", "", " ", "NaT", "N/A", "<NA>", "Nancy", "0"])
    found = validation.looks_missing(words)
    assert words[~found].tolist() == ["left", "Nancy", "0"]
    assert not validation.looks_missing(np.array([np.nan, 1.0])).any()
    assert not validation.looks_missing(np.array([None, np.nan], dtype=object)).any()
