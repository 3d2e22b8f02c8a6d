"""Ids, inputs and refusals of the measures; every published id against its reference value."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import simlib as sl
from simlib import linalg
from simlib.measures import folds as splits
from simlib.measures import regression

IDS = list(sl.MEASURES)


def gaussians(n, p, q, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    Y = rng.standard_normal((n, q)) + 0.5 * X @ rng.standard_normal((p, q))
    return X, Y


# Cases and ids (by how they start) whose reference value is defective, and why: book/errata.md
# shows both numbers.
ARBITRARY_COLUMNS = "rank-deficient Y: QR or least squares over columns that aren't there"
DEFECTS = {
    ("unequal", "linreg"): ARBITRARY_COLUMNS,
    ("lowrank", "linreg-angular"): ARBITRARY_COLUMNS,
    ("unequal", "cca-angular"): "zero-padded columns count as canonical correlations",
    ("lowrank", "cca-angular"): "zero-padded columns count as canonical correlations",
    ("wide", "cca-angular"): "not finite there",
    (
        "wide",
        "procrustes-angular#5folds_cv",
    ): "the rotation is not determined by fewer samples than neurons",
}
SWAPPED = ("procrustes-angular-score#5folds_cv", "procrustes-euclidean-score#5folds_cv")


def defective(case, name):
    if (case, name) in (("lowrank", "linreg"), ("unequal", "linreg-pearsonr-sym#no_cv")):
        return case == "lowrank"  # that id is right there, unlike its one-way twin
    return name in SWAPPED or any(case == c and name.startswith(start) for c, start in DEFECTS)


def published(oracles):
    pairs = np.load(oracles / "open_pairs.npz")
    for case, scores in json.loads((oracles / "open_scores.json").read_text()).items():
        for name, reference in scores.items():
            yield case, name, reference, pairs[f"{case}_X"], pairs[f"{case}_Y"]


def test_every_published_id_has_its_published_score_or_a_stated_defect(oracles):
    agree, differ = [], []
    for case, name, reference, X, Y in published(oracles):
        ours = sl.score(name, X, Y)
        tolerance = 2e-7 if name.endswith("#5folds_cv") else 1e-8
        same = reference is not None and abs(ours - reference) <= tolerance
        assert same != defective(case, name), (case, name, ours, reference)
        (agree if same else differ).append(name)
    assert len(set(agree) | set(differ)) == 72 and len(agree) == 402


def test_the_errata_of_the_book_show_both_numbers_of_every_difference(oracles):
    page = (
        (Path(__file__).resolve().parent.parent / "book" / "errata.md")
        .read_text()
        .replace("−", "-")
    )
    rows = re.findall(r"^\| `(.+)` \| (\w+) \| (.+) \| (.+) \|$", page, flags=re.M)
    shown = {(case, name): (theirs, ours) for name, case, theirs, ours in rows}
    for case, name, reference, X, Y in published(oracles):
        if defective(case, name):
            theirs, ours = shown.pop((case, name))
            assert theirs == ("not finite" if reference is None else f"{reference:.5f}"), (
                case,
                name,
            )
            assert float(ours) == pytest.approx(sl.score(name, X, Y), abs=1.1e-5), (case, name)
    assert not shown, "rows that are no differences"


def test_the_swapped_ids_have_each_others_published_value(oracles):
    """The body of each is the other's distance; the id with "score" in it is a score here, where it
    can be one.
    """
    for case, name, reference, X, Y in published(oracles):
        if name in SWAPPED and case != "wide":
            body = "procrustes-cv" if "euclidean" in name else "procrustes-cv-euclidean"
            assert sl.score(body, X, Y) == pytest.approx(reference, rel=1e-6), (case, name)


@pytest.mark.parametrize(
    "case, reference, truth", [("unequal", 0.567, 0.495), ("lowrank", 0.367, 0.156)]
)
def test_rank_deficient_regression_explains_no_more_than_it_spans(oracles, case, reference, truth):
    pairs = np.load(oracles / "open_pairs.npz")
    X, Y = pairs[f"{case}_X"], pairs[f"{case}_Y"]
    ours = sl.score("linreg", X, Y)
    X, Y = X - X.mean(0), Y - Y.mean(0)
    predicted = Y @ np.linalg.lstsq(Y, X, rcond=1e-10)[0]
    assert ours == pytest.approx(1 - ((X - predicted) ** 2).sum() / (X**2).sum(), abs=1e-10)
    assert ours == pytest.approx(truth, abs=1e-3) and ours < reference


def test_layouts_of_one_recording_give_one_score():
    import xarray as xr

    X = np.random.default_rng(0).standard_normal((4, 6, 5))
    Y = np.random.default_rng(1).standard_normal((4, 6, 5))
    flat = sl.score("cka", X.reshape(24, 5), Y.reshape(24, 5))
    turned = xr.DataArray(X.transpose(2, 0, 1), dims=("neuron", "time", "trial"))
    assert sl.score("cka", X, Y) == flat == sl.score("cka", torch.from_numpy(X), Y)
    assert sl.score("cka", turned, Y) == flat


def test_published_ids_bind_the_parameters_they_name():
    assert sl.MEASURES["ridge-lambda100-r2#5folds_cv"].id == "ridge-cv"
    assert sl.measure("ridge-lambda10-r2#5folds_cv").params["penalty"] == 10
    bound = sl.measure("ridge-cv", penalty=10, folds=5)
    assert bound.id == sl.measure("ridge-lambda10-r2#5folds_cv").id
    X, Y = gaussians(30, 4, 5)
    assert sl.score(bound, X, Y) == sl.score("ridge-cv", X, Y, penalty=10)
    for name in [*IDS, bound.id]:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_the_id_of_a_bound_measure_finds_it():
    for bound in (
        sl.measure("ridge-cv", penalty=0.25, folds=3),
        sl.measure("ridge-cv", penalty=1234567),
        sl.measure("rsa", distance="correlation", comparison="cosine"),
        sl.measure("ridge", symmetric=True),
    ):
        again = sl.measure(bound.id)
        assert (
            again.id == bound.id
            and dict(again.params) == dict(bound.params)
            and bound.id in sl.MEASURES
        )
    assert sl.measure("ridge-cv", penalty=1234567).id != sl.measure("ridge-cv", penalty=1234568).id
    assert (
        sl.MEASURES.get("angular-procrustes").id == "procrustes-angular-score"
        and sl.MEASURES.get("no") is None
    )


def test_cka_of_many_neurons_against_few_agrees_with_the_gram_form():
    X, Y = gaussians(20, 50, 6)
    K, L = (Z @ Z.T for Z in (X - X.mean(0), Y - Y.mean(0)))
    assert sl.score("cka", X, Y) == pytest.approx(
        (K * L).sum() / np.linalg.norm(K) / np.linalg.norm(L), abs=1e-12
    )


def test_contiguous_blocks_cover_each_sample_once():
    for n, folds in ((10, 5), (13, 5), (7, 2)):
        blocks = splits.contiguous_blocks(n, folds)
        assert np.concatenate([np.arange(n)[b] for b in blocks]).tolist() == list(range(n))
        lengths = [b.stop - b.start for b in blocks]
        assert max(lengths) - min(lengths) <= 1


X0 = np.random.default_rng(5).standard_normal((12, 4))


@pytest.mark.parametrize(
    "name, X, Y, message",
    [
        ("ckaa", X0, X0, "unknown measure 'ckaa'; nearest: 'cka'"),
        ("cka", X0, X0[:-1], "same samples in the same order; got 12 and 11 rows"),
        ("cka", X0[:, 0], X0, r"use x\[:, None\]"),
        (
            "cka",
            X0,
            np.where(np.arange(48).reshape(12, 4) == 6, np.nan, X0),
            "the first at sample 1, neuron 2",
        ),
        ("cka", np.ones((12, 4)), X0, "X is constant"),
        ("cka", X0, np.zeros((12, 4)), "Y is constant"),
        ("cka", X0, X0.reshape(3, 4, 4), "same samples"),
        ("cka", X0.astype(complex), X0, "real numbers"),
        ("cka", X0[:1], X0[:1], "at least 2 samples"),
    ],
)
def test_bad_input_is_named_with_the_way_out(name, X, Y, message):
    with pytest.raises((ValueError, TypeError), match=message):
        sl.score(name, X, Y)


@pytest.mark.unchecked
def test_bad_parameters_are_named():
    with pytest.raises(ValueError, match="nearest: 'penalty'"):
        sl.score("ridge-cv", X0, X0, penlty=3)
    with pytest.raises(ValueError, match="0 or more"):
        sl.score("ridge-cv", X0, X0, penalty=-1)
    with pytest.raises(ValueError, match="from 2 to the 12 samples"):
        sl.score("ridge-cv", X0, X0, folds=13)
    with pytest.raises(TypeError, match="callable"):
        sl.measure(3)


def test_fits_to_all_samples_agree_in_all_forms():
    X, Y = (torch.from_numpy(Z - Z.mean(0)) for Z in gaussians(10, 3, 25))
    primal = Y @ torch.linalg.solve(Y.T @ Y + 2.0 * torch.eye(25, dtype=torch.float64), Y.T @ X)
    for fits in (
        regression._fit_all(X, Y, 2.0, lambda _, fit: fit),
        regression._careful_fits(X, Y, [], 2.0, linalg.rounding(Y), lambda _, fit: fit),
    ):
        torch.testing.assert_close(fits[0], primal)


def ridge_by_singular_values(X, Y, penalty, folds):
    """The plain twin: B from the singular values of Y above rounding, fold by fold."""
    n, scores = len(X), []
    for test in np.array_split(np.arange(n), folds) if folds else [np.arange(n)]:
        train = np.delete(np.arange(n), test) if folds else test
        mean_x, mean_y = X[train].mean(0), Y[train].mean(0)
        U, s, Vt = np.linalg.svd(Y[train] - mean_y, full_matrices=False)
        kept = s > 1e-12 * s[0]
        filtered = s[kept] / (s[kept] ** 2 + penalty)
        B = Vt[kept].T @ (filtered[:, None] * (U[:, kept].T @ (X[train] - mean_x)))
        target = X[test] - mean_x
        scores.append(1 - ((target - (Y[test] - mean_y) @ B) ** 2).sum() / (target**2).sum())
    return np.mean(scores)


@pytest.mark.parametrize("folds", [0, 5])
@pytest.mark.parametrize("penalty", [1e-12, 1e-6, 1e-3, 1.0])
@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6])
@pytest.mark.parametrize(
    "shape, rank", [((40, 6, 10), 4), ((20, 6, 60), 60), ((20, 6, 60), 8), ((40, 6, 30), 30)]
)
def test_a_penalty_small_beside_the_data_still_gives_the_right_number(
    shape, rank, scale, penalty, folds
):
    rng = np.random.default_rng(0)
    X = rng.standard_normal(shape[:2])
    Y = scale * rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[2]))
    expected = ridge_by_singular_values(X, Y, penalty, folds)
    assert sl.score("ridge-cv", X, Y, penalty=penalty, folds=folds) == pytest.approx(
        expected, rel=1e-6, abs=1e-7
    )


@pytest.mark.parametrize("name", sl.MEASURES)
def test_sizes_beyond_this_machine_are_refused_with_an_estimate(name, monkeypatch):
    """A machine of 1 MB: 400 samples of 100 neurons are too much, and 20 of 4 are not."""
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=2**20))
    large = np.random.default_rng(0).standard_normal((400, 100))
    with pytest.raises(
        ValueError, match=r"400 samples, 100 and 100 neurons needs about .* GB .* fewer"
    ):
        sl.score(name, large, large)
    assert np.isfinite(sl.score(name, large[:20, :4], large[:20, 4:8]))


def test_memory_grows_with_squared_samples_only_where_pairs_are_compared():
    grown = {
        name: record.memory(10**5, 10, 10) / record.memory(10**4, 10, 10)
        for name, record in sl.MEASURES.items()
    }
    assert {name for name, factor in grown.items() if factor > 50} == {
        "cka-debiased",
        "cka-lange",
        "cka-rbf",
        "rsa",
    }


def test_ascents_out_of_reach_are_refused(monkeypatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=2**20))
    X = np.random.default_rng(0).standard_normal((400, 100))
    with pytest.raises(ValueError, match="memory"):
        sl.maximize("cka", X, steps=1)
    with pytest.raises(ValueError, match="memory"):
        sl.joint.approach("cka", "nbs", X, (1, 1), steps=1)


def test_nothing_undefined_is_read_as_an_angle():
    assert torch.isnan(linalg.arccos(torch.tensor(float("nan"))))
    assert linalg.arccos(torch.tensor([1.0, -1.0])).tolist() == [0, pytest.approx(np.pi)]


@pytest.mark.parametrize(
    "values, error, words",
    [
        (np.ma.masked_greater(X0, 1), ValueError, "X has .* masked values; drop or fill them in"),
        ([[1.0, 2.0], [3.0]], ValueError, "X needs rows of the same length"),
        (torch.from_numpy(X0).to_sparse(), TypeError, r"X is a sparse tensor; pass X.to_dense\(\)"),
        (X0.astype(object), TypeError, r"dtype object; .astype\(float\)"),
        (X0 + 0j, TypeError, "X needs real numbers; got an array of dtype complex128"),
    ],
)
def test_what_is_no_array_of_numbers_is_named_with_the_remedy(values, error, words):
    with pytest.raises(error, match=words):
        sl.score("cka", values, X0)


def test_half_precision_is_taken_as_it_is():
    half = torch.from_numpy(X0).bfloat16()
    assert sl.score("cka", half, half.double()) == pytest.approx(1)


def test_a_decomposition_that_fails_is_refused_in_words():
    def fails(X, Y):
        return torch.linalg.cholesky(torch.zeros(2, 2)).sum()

    with pytest.raises(ValueError, match=r"fails can.t be computed on these two.* common unit"):
        sl.score(fails, X0, X0)
