"""Tables as files: ids and labels are what their text says, values are numbers."""

import numpy as np
import pandas as pd
import pytest

from simlib import datasets

# Texts that are one number, or one in floats.
ALIKE = [
    ("01", "1"),
    ("001", "1"),
    ("1.0", "1"),
    ("+1", "1"),
    ("1e0", "1"),
    ("1.50", "1.5"),
    ("-0", "0"),
    ("9007199254740992", "9007199254740993"),
    ("18446744073709551616", "18446744073709551617"),
]
FORMATS = {
    "commas": (",", ".csv", "."),
    "semicolons": (";", ".csv", ","),
    "tabs": ("\t", ".tsv", "."),
}
X = np.random.default_rng(0).standard_normal((30, 3)).round(6)


def write(path, rows, form, names):
    """Rows of text and numbers, with the decimal mark of the format."""
    sep, _, decimal = FORMATS[form]
    lines = [sep.join(str(one).replace(".", decimal) for one in row) for row in [names, *rows]]
    path.write_text("\n".join(lines) + "\n")
    return path


def texts(values):
    return {str(value) for value in values.tolist()}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_labels_that_differ_as_text_stay_apart(tmp_path, form, one, other):
    _, suffix, decimal = FORMATS[form]
    words = np.resize([one, other, "2"], 30)
    known = {word.replace(".", decimal) for word in words}
    rows = [[*x, word] for x, word in zip(X, words, strict=True)]
    wide = write(tmp_path / f"wide{suffix}", rows, form, ["u1", "u2", "u3", "class"])
    data = datasets.load(wide)
    assert texts(datasets.labels(data)) == known
    np.testing.assert_allclose(data.values[0], X)
    table = write(tmp_path / f"labels{suffix}", words[:, None], form, ["class"])
    np.save(tmp_path / "x.npy", X)
    assert texts(datasets.labels(datasets.load(tmp_path / "x.npy", labels=table))) == known


@pytest.mark.parametrize("role", ["trial", "neuron"])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_trials_and_neurons_that_differ_as_text_stay_apart(tmp_path, form, role, one, other):
    _, suffix, decimal = FORMATS[form]
    ids = [one, other, "2"]
    rows = [
        (ids[t], f"n{u}", X[t, u]) if role == "trial" else (f"t{t}", ids[u], X[t, u])
        for t in range(3)
        for u in range(3)
    ]
    path = write(tmp_path / f"long{suffix}", rows, form, ["trial", "neuron", "value"])
    data = datasets.load(path)
    np.testing.assert_allclose(data.values[0], X[:3])
    named = data["trial_id" if role == "trial" else "unit"].values
    assert texts(named) == {one.replace(".", decimal) for one in ids}


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["1", "2", "3"], "i"),
        (["01", "02", "03"], "i"),
        (["0.5", "1.5", "2"], "f"),
        (["1", "", "2"], "f"),
        (["true", "false", "true"], "b"),
        (["9007199254740993", "9007199254740994", "1"], "i"),
    ],
)
def test_plain_numbers_stay_numbers(tmp_path, words, kind):
    rows = [[*x, word] for x, word in zip(X, np.resize(words, 30), strict=True)]
    path = write(tmp_path / "a.csv", rows, "commas", ["u1", "u2", "u3", "class"])
    assert datasets.load(path, task_variables=[])["class"].dtype.kind == kind


@pytest.mark.parametrize("form", FORMATS)
def test_times_and_values_are_numbers_however_they_are_written(tmp_path, form):
    suffix = FORMATS[form][1]
    values, times = (
        np.resize(["1", "1.0", "01", "0.50", "0.5"], (6, 4)),
        ["0.10", "0.1", "0.1", "1e-1"],
    )
    rows = [(f"t{t}", f"n{u}", times[u], values[t, u]) for t in range(6) for u in range(4)]
    path = write(tmp_path / f"a{suffix}", rows, form, ["trial", "neuron", "time", "value"])
    data = datasets.load(path)
    assert data.shape == (1, 6, 4) and data["time"].values.tolist() == [0.1]
    np.testing.assert_array_equal(data.values[0], values.astype(float))
    wide = write(tmp_path / f"b{suffix}", values, form, [f"u{k}" for k in range(4)])
    np.testing.assert_array_equal(datasets.load(wide).values[0], values.astype(float))


def test_large_ids_stay_apart_where_one_is_missing(tmp_path):
    ids = [2**53, 2**53 + 1, 2**53 + 2]
    frame = pd.DataFrame(X, columns=["u1", "u2", "u3"]).assign(
        cell=pd.array(np.resize(ids, 30), dtype="Int64")
    )
    frame.loc[3, "cell"] = pd.NA
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    for path in (tmp_path / "a.parquet", tmp_path / "a.csv"):
        data = datasets.load(path, task_variables=["cell"], missing="drop-unlabelled")
        assert texts(datasets.labels(data)) == set(map(str, ids))


@pytest.mark.parametrize("values", [(0.1234567, 0.1234568), (1e6 + 0.5, 1e6 + 1.5), (1e300, 2e300)])
def test_numbers_that_are_decoded_as_words_stay_apart(values):
    frame = pd.DataFrame(X, columns=["u1", "u2", "u3"]).assign(choice=np.resize(values, 30))
    data = datasets.load(frame, task_variables=["choice"])
    assert set(map(float, datasets.labels(data).tolist())) == set(values)


def test_text_of_a_parquet_file_stays_text(tmp_path):
    frame = pd.DataFrame(X, columns=["u1", "u2", "u3"]).assign(choice=np.resize(["01", "1"], 30))
    frame.to_parquet(tmp_path / "a.parquet")
    assert texts(datasets.labels(datasets.load(tmp_path / "a.parquet"))) == {"01", "1"}
