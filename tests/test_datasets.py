"""The datasets made by code keep the facts they were made from: spectrum, scale, design, labels,
provenance.
"""

import inspect
import json
import os
import pkgutil
from itertools import product

import numpy as np
import pytest
import threadpoolctl
import torch
import xarray as xr
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score

from simlib import datasets, decoding
from simlib.datasets.made import (
    SPECTRA,
    SURROGATES,
    mante_design,
    siegel_design,
    surrogates,
    variance_ratios,
)

MADE = [name for name in datasets.names() if name.startswith(("surrogate-", "toy-", "hierarchy"))]
SHAPES = {
    "surrogate-mante2013": (15, 72, 727),
    "surrogate-siegel2015": (11, 42, 278),
    "surrogate-hatsopoulos2007": (10, 395, 141),
    "surrogate-majajhong2015": (1, 3200, 168),
    "surrogate-freemanziemba2013": (2, 135, 205),
    "toy-2d": (20, 6, 2),
    "hierarchy": (1, 100, 50),
}
PUBLISHED_PARTICIPATION = {
    "mante2013": 14.9,
    "siegel2015": 7.25,
    "hatsopoulos2007": 23.7,
    "majajhong2015": 16.3,
    "freemanziemba2013": 15.7,
}
REQUIRED = (
    "name",
    "title",
    "source",
    "licence",
    "citation",
    "surrogate",
    "task_variables",
    "main_variable",
)
REQUIRED += ("sample_kind", "groups", "processing")


def accuracy(data, variable=""):
    """Cross-validated accuracy by scikit-learn alone, averaged over folds and time bins."""
    labels = datasets.labels(data, variable)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    classifier = LogisticRegression(C=1, max_iter=200)
    return np.mean([cross_val_score(classifier, X, labels, cv=folds).mean() for X in data.values])


@pytest.mark.parametrize("name", MADE)
def test_every_dataset_has_the_one_type(name):
    data = datasets.load(name)
    assert data.dims == ("time", "trial", "neuron") and data.shape == SHAPES[name]
    assert set(REQUIRED) <= set(data.attrs)
    assert all(isinstance(value, str | int | float) for value in data.attrs.values())
    assert data.attrs["main_variable"] in datasets.task_variables(data)
    assert isinstance(json.loads(data.attrs["processing"]), dict)
    for variable in datasets.task_variables(data):
        assert data[variable].dims == ("trial",)


@pytest.mark.parametrize("name", MADE)
def test_same_seed_same_bits_and_hash(name):
    once, again = datasets.load(name), datasets.load(name)
    np.testing.assert_array_equal(once.values, again.values)
    assert datasets.data_hash(once) == datasets.data_hash(again)
    if name != "toy-2d":
        assert datasets.data_hash(once) != datasets.data_hash(datasets.load(name, seed=1))


@pytest.mark.parametrize("name", PUBLISHED_PARTICIPATION)
def test_spectra_have_the_published_participation_ratio(name):
    ratios = variance_ratios(name)
    assert ratios.sum() == pytest.approx(1) and (np.diff(ratios) <= 0).all()
    assert 1 / (ratios**2).sum() == pytest.approx(PUBLISHED_PARTICIPATION[name], rel=5e-3)
    ranks, tabulated = np.array(SPECTRA[name]).T
    np.testing.assert_allclose(ratios[ranks.astype(int) - 1], tabulated, rtol=0.01)


@pytest.mark.parametrize("name", SURROGATES)
def test_surrogates_have_exactly_the_spectrum_and_scale(name):
    data, facts = datasets.load(name), SURROGATES[name]
    samples = data.sizes["time"] * data.sizes["trial"]
    variances = datasets.spectrum(data)
    np.testing.assert_allclose(
        variances / variances.sum(), variance_ratios(facts.recording), atol=1e-12
    )
    assert variances.sum() * samples == pytest.approx(facts.sum_of_squares)
    np.testing.assert_allclose(data.mean(("time", "trial")), 0, atol=1e-9 * float(data.std()))


@pytest.mark.parametrize("name", SURROGATES)
def test_a_surrogate_is_called_one(name):
    data = datasets.load(name, trials=16, neurons=8)
    assert data.attrs["surrogate"] == 1
    assert data.attrs["title"].endswith("(surrogate)")
    assert "synthetic" in data.attrs["source"]
    assert "surrogate" in datasets.describe(data)


def test_the_decoding_accuracy_meets_the_recordings():
    # averages over seeds; figure 3 of the paper, Mante's .89 out of the construction's reach
    expected = {
        "mante2013": 0.85,
        "siegel2015": 0.87,
        "hatsopoulos2007": 0.77,
        "freemanziemba2013": 0.60,
    }
    seeds = {"mante2013": 1, "siegel2015": 3, "hatsopoulos2007": 1, "freemanziemba2013": 12}
    for name, accuracy_expected in expected.items():
        found = [
            accuracy(datasets.load(f"surrogate-{name}", seed=seed)) for seed in range(seeds[name])
        ]
        assert np.mean(found) == pytest.approx(accuracy_expected, abs=0.035), name


FURTHER = {
    "surrogate-mante2013": {"context": 0.87, "choice": 0.92, "motion": 0.82, "colour": 0.81},
    "surrogate-siegel2015": {"context": 0.88, "response": 0.83, "direction": 0.81, "colour": 0.80},
}


@pytest.mark.parametrize("name", FURTHER)
def test_further_variables_leave_spectrum_and_main_variable_as_they_are(name):
    """The accuracies that the published tables end with, per variable; the spectrum stays exact."""
    data = datasets.load(name, variables=list(FURTHER[name]))
    assert (
        datasets.task_variables(data) == list(FURTHER[name])
        and data.attrs["main_variable"] == "context"
    )
    for variable, expected in FURTHER[name].items():
        assert accuracy(data, variable) == pytest.approx(expected, abs=0.045), variable
    variances = datasets.spectrum(data)
    ratios = variance_ratios(SURROGATES[name].recording)
    np.testing.assert_allclose(variances / variances.sum(), ratios, atol=1e-12)
    one = datasets.load(name, variables=["colour"], trials=16, neurons=8)
    assert datasets.task_variables(one) == ["context", "colour"]
    with pytest.raises(ValueError, match="unknown task variable 'color'"):
        datasets.load(name, variables=["color"])


@pytest.mark.parametrize(("name", "trials"), list(product(SURROGATES, (16, 40))))
def test_smaller_surrogates_stay_balanced(name, trials):
    data = datasets.load(name, trials=trials, neurons=20)
    assert data.shape[1:] == (trials, 20)
    for variable in datasets.task_variables(data):
        counts = np.unique(data[variable], return_counts=True)[1]
        assert counts.max() - counts.min() <= 1, variable
    variances = datasets.spectrum(data)
    rank = min(20, data.sizes["time"] * trials - 1)
    expected = variance_ratios(SURROGATES[name].recording, rank)
    np.testing.assert_allclose((variances / variances.sum())[:rank], expected, atol=1e-12)
    full = datasets.load(name)
    assert float((data**2).mean()) == pytest.approx(float((full**2).mean()))


def test_fewer_samples_than_neurons_is_a_spectrum_cut_at_the_rank():
    data = datasets.load("surrogate-freemanziemba2013", trials=20)  # 40 samples, 205 neurons
    variances = datasets.spectrum(data)
    expected = variance_ratios("freemanziemba2013", 39)
    np.testing.assert_allclose(variances[:39] / variances.sum(), expected, atol=1e-12)
    assert variances[39:].max() < 1e-12 * variances[0]


def test_more_trials_repeat_the_design():
    data = datasets.load("surrogate-mante2013", trials=144, neurons=5)
    assert np.unique(data["context"], return_counts=True)[1].tolist() == [72, 72]


def test_mante_design_is_the_factorial_one():
    design = mante_design()
    motion, colour = design["motion_coherence_rank"], design["colour_coherence_rank"]
    rows = set(zip(design["context"].tolist(), motion.tolist(), colour.tolist(), strict=True))
    assert len(rows) == 72
    relevant = np.where(design["context"] == "motion", design["motion"], design["colour"])
    np.testing.assert_array_equal(design["choice"], relevant)


@pytest.mark.parametrize("variable", ["context", "response", "direction", "colour"])
def test_siegel_design_keeps_every_label_balanced(variable):
    assert np.unique(siegel_design()[variable], return_counts=True)[1].tolist() == [21, 21]


@pytest.mark.parametrize("length", [1, 3])
def test_smooth_noise_has_the_covariance_it_claims(length):
    draws = surrogates.smooth(np.random.default_rng(0), 6, (40_000,), length)
    lag = np.subtract.outer(np.arange(6), np.arange(6))
    np.testing.assert_allclose(
        draws @ draws.T / 40_000, np.exp(-0.5 * (lag / length) ** 2), atol=0.03
    )


def test_toy_is_curved_and_splits_its_variance_85_to_15():
    data = datasets.load("toy-2d")
    variances = datasets.spectrum(data)
    assert variances[0] / variances.sum() == pytest.approx(0.85)
    x, y = data.values[..., 0], data.values[..., 1]
    assert (np.sign(x[-1]) == np.where(data["choice"] == "right", 1, -1)).all()
    assert (y.argmax(0) > 0).all() and (
        y.argmax(0) < len(y) - 1
    ).all()  # arches: up and part of the way back
    ends = np.abs(x[-1]).reshape(2, 3)
    assert (np.diff(ends, axis=1) > 0).all()  # stronger coherence reaches further


def test_hierarchy_is_inherited():
    """Leaves that part lower down the tree resemble each other more; siblings differ where either
    was redrawn.
    """
    share = {"siblings": [], "cousins": [], "strangers": []}
    for seed in range(20):
        data = datasets.load("hierarchy", seed=seed)
        differs = (data.values[0][:, None] != data.values[0][None]).mean(-1)
        category, branch = data["category"].values, data["branch"].values
        same_node, same_branch = category[:, None] == category, branch[:, None] == branch
        share["siblings"].append(differs[same_node & ~np.eye(100, dtype=bool)].mean())
        share["cousins"].append(differs[same_branch & ~same_node].mean())
        share["strangers"].append(differs[~same_branch].mean())
    for level, kind in enumerate(share, start=1):
        expected = (
            1 - 0.8 ** (2 * level)
        ) / 2  # equal unless redrawn on the path between them, then by chance
        assert np.mean(share[kind]) == pytest.approx(expected, abs=0.02), kind
    assert accuracy(datasets.load("hierarchy")) > 0.9


def test_hash_follows_what_results_depend_on_and_nothing_else():
    data = datasets.load("hierarchy")
    first = datasets.data_hash(data)
    assert datasets.data_hash(data.assign_attrs(title="another")) == first
    assert datasets.data_hash(data.transpose("neuron", "trial", "time")) == first
    assert datasets.data_hash(data.astype("float32")) == first  # 0 and 1 are exact in either
    assert datasets.data_hash(data.assign_coords(branch=("trial", np.arange(100)))) == first
    assert datasets.data_hash(data + 1e-12) != first
    assert (
        datasets.data_hash(data.assign_coords(category=("trial", data["category"].values[::-1])))
        != first
    )
    assert datasets.data_hash(data.assign_attrs(groups="branch")) != first


def test_describe_says_what_one_needs_to_know():
    text = datasets.describe(datasets.load("surrogate-freemanziemba2013"))
    for expected in (
        "2 time bins x 135 trials x 205 neurons",
        "chance 0.504",
        "noise (68)",
        "participation ratio 15.7",
    ):
        assert expected in text
    assert "19.3%" in text  # the first principal component's share, as published
    assert "too few for 5 folds" in datasets.describe(datasets.load("toy-2d"))


def test_spectrum_agrees_with_the_singular_values():
    data = datasets.load("surrogate-siegel2015", trials=10)  # fewer samples than neurons
    X = data.values.reshape(-1, data.sizes["neuron"])
    expected = np.linalg.svd(X - X.mean(0), compute_uv=False) ** 2 / len(X)
    np.testing.assert_allclose(datasets.spectrum(data), expected, atol=1e-10 * expected[0])


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("surogate-mante2013", {}, ["unknown dataset", "'surrogate-mante2013'"]),
        ("toy-2d", {"timebins": 5}, ["unknown dataset option", "'time_bins'"]),
        ("toy-2d", {"second_share": 0.7}, ["second_share"]),
        ("hierarchy", {"resampling": 0}, ["resampling"]),
        ("surrogate-siegel2015", {"neurons": 300}, ["at most 278 neurons"]),
        ("surrogate-siegel2015", {"trials": 0}, ["at least 2 trials"]),
    ],
)
def test_what_is_wrong_with_a_request_is_said(name, options, words):
    with pytest.raises(ValueError) as error:
        datasets.load(name, **options)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.unchecked
def test_arrays_without_names_are_refused_with_the_call_that_works():
    with pytest.raises(TypeError, match=r"xarray\.DataArray\(X, dims="):
        datasets.load(np.zeros((3, 4, 5)))


@pytest.mark.parametrize("wing", ["", "made", "own", "paper"])
def test_a_face_is_short_and_says_what_is_there(wing):
    package = getattr(datasets, wing) if wing else datasets
    files = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert len(package.__all__) <= 25 and set(package.__all__) <= set(dir(package))
    for name in files & set(package.__all__):  # no function hides the module of its name
        assert inspect.ismodule(getattr(package, name)), name


def test_names_lists_the_table_and_every_line_is_one():
    assert datasets.names() == list(datasets.DATASETS)
    for record in datasets.DATASETS.values():
        assert record.description and "\n" not in record.description
    lines = repr(datasets.names()).splitlines()
    assert [line.split()[0] for line in lines] == datasets.names()
    assert all(datasets.DATASETS[line.split()[0]].description in line for line in lines)


@pytest.mark.parametrize("name", ["toy-2d", "hierarchy", "surrogate-siegel2015"])
@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".npz"])
def test_recordings_survive_a_file(name, suffix, tmp_path):
    data = datasets.load(name)
    datasets.save(data, tmp_path / f"saved{suffix}")
    back = datasets.load(os.fspath(tmp_path / f"saved{suffix}"))
    assert datasets.data_hash(back) == datasets.data_hash(data)
    assert back.attrs == data.attrs
    xr.testing.assert_equal(back, data)


def test_the_signal_of_a_surrogate_can_be_taken_away_and_raised_at_the_same_spectrum():
    options = {"trials": 80, "neurons": 40}
    plain, silent, loud = (
        datasets.load("surrogate-hatsopoulos2007", signal=s, **options) for s in (1.0, 0.0, 1.5)
    )
    for data in (silent, loud):
        np.testing.assert_allclose(datasets.spectrum(data), datasets.spectrum(plain), rtol=1e-9)
    accuracies = [
        decoding.decoding_accuracy(data, data["target"].values) for data in (silent, plain, loud)
    ]
    assert accuracies[0] < 0.25 < accuracies[1] < accuracies[2]
    with pytest.raises(ValueError, match="signal needs to be 0"):
        datasets.load("surrogate-hatsopoulos2007", signal=-1)


@pytest.mark.parametrize("name", ["surrogate-siegel2015", "surrogate-hatsopoulos2007", "hierarchy"])
def test_made_data_are_the_same_bits_whatever_the_number_of_threads(name):
    """Their content is part of the key under which results are stored."""
    hashes, before = set(), torch.get_num_threads()
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            with threadpoolctl.threadpool_limits(threads):
                hashes.add(datasets.data_hash(datasets.load(name)))
                assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len(hashes) == 1
