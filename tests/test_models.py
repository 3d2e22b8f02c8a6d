"""Models as datasets: they solve their tasks, are trained once, and hold what the recordings they
stand beside hold.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

import simlib as sl
from simlib import datasets
from simlib.datasets.made import cnn, rnn

ORIGINALS = (
    Path(os.environ.get("SIMLIB_SHARED", Path(__file__).parents[2] / "shared"))
    / "recordings"
    / "mante2013"
)
NO_DOWNLOAD = [
    name for name in datasets.names() if name not in datasets.paper.SOURCES and name != "siegel2015"
]


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    """One cache folder for these tests: each model is trained once."""
    monkeypatch.setenv("SIMLIB_CACHE", str(cache))


def settings(data):
    return json.loads(data.attrs["processing"])


def test_the_network_decides_by_context():
    data = datasets.load("rnn-context")
    assert data.shape == (15, 72, 100) and data.attrs["surrogate"] == 0
    assert settings(data)["accuracy"] >= 0.9
    surrogate = datasets.load("surrogate-mante2013")
    for name in (
        "context",
        "choice",
        "motion",
        "colour",
        "motion_coherence_rank",
        "colour_coherence_rank",
    ):
        np.testing.assert_array_equal(
            data[name], surrogate[name]
        )  # Mante's conditions, in the same order
    for variable in datasets.task_variables(data):
        assert sl.decoding_accuracy(data, datasets.labels(data, variable)) > 0.85, variable


def test_the_network_uses_only_the_evidence_that_counts():
    settings = {"seed": 0, "units": 100, "updates": 1200}
    trained = rnn.weights("rnn-context", settings, lambda: rnn._train(**settings))
    generator = torch.Generator().manual_seed(5)
    ones = torch.ones(400)
    for context in (ones, -ones):
        for motion, colour in [(0.5, -0.5), (-0.5, 0.5)]:
            u = rnn._inputs(motion * ones, colour * ones, context, generator)
            choice = torch.sign(rnn._run(trained, u, generator)[1][-3:].mean(0))
            wanted = motion if context[0] > 0 else colour
            assert (choice == np.sign(wanted)).float().mean() > 0.97


def test_the_four_variables_have_their_axes():
    """Each targeted axis follows its own variable, and no other one better than its own axis
    does.
    """
    data = datasets.load("rnn-context")
    targeted = datasets.targeted_axes(data)
    np.testing.assert_allclose(targeted.axes.T @ targeted.axes, np.eye(4), atol=1e-9)
    responses = datasets.project(data, targeted)
    assert responses.shape == (15, 72, 4)
    labels = [datasets.targeted.numbers(data[name].values, name) for name in targeted.variables]
    follows = np.array(
        [
            [abs(np.corrcoef(responses.values[time, :, axis], label)[0, 1]) for label in labels]
            for axis, time in enumerate(targeted.times)
        ]
    )  # (axis, variable)
    assert np.diag(follows).min() > 0.75
    assert (follows.argmax(axis=0) == np.arange(4)).all()
    found = []
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(72)
        other = data.assign_coords(
            {name: ("trial", data[name].values[shuffled]) for name in targeted.variables}
        )
        by_chance = datasets.project(other, datasets.targeted_axes(other)).values[-1]
        found.append([abs(np.corrcoef(by_chance[:, k], labels[k])[0, 1]) for k in range(4)])
    assert np.mean(found) < 0.5  # a few dimensions hold most of the variance: chance is far from 0


def test_axes_that_were_put_in_are_found():
    rng = np.random.default_rng(0)
    true = np.linalg.qr(rng.standard_normal((40, 4)))[0]
    design = datasets.load("surrogate-mante2013", neurons=2)
    labels = np.stack(
        [
            datasets.targeted.numbers(design[name].values, name)
            for name in datasets.targeted.MANTE_VARIABLES
        ],
        axis=1,
    )
    values = np.einsum(
        "t,cv,nv->tcn", np.linspace(0.2, 1, 15), labels, true
    ) + 0.02 * rng.standard_normal((15, 72, 40))
    data = design.isel(neuron=[0] * 40).copy(data=values / 3 + 7)
    targeted = datasets.targeted_axes(data)
    scaled = np.linalg.qr(true / targeted.scale[:, None])[0]  # in z-scored units
    assert np.linalg.svd(targeted.axes.T @ scaled, compute_uv=False).min() > 0.99
    assert targeted.times.min() >= 12  # signals grow with time
    with pytest.raises(ValueError, match="can't be told apart"):
        datasets.targeted_axes(data, ["context", "context"])
    with pytest.raises(ValueError, match="unknown trial coordinate 'colr'"):
        datasets.targeted_axes(data, ["colr"])
    with pytest.raises(ValueError, match="axes are those of 40 neurons"):
        datasets.project(design, targeted)


@pytest.mark.skipif(
    not ORIGINALS.is_dir(), reason="the original unit files are not on this machine"
)
def test_real_units_have_a_context_axis():
    data = datasets.load("mante2013", path=ORIGINALS)
    targeted = datasets.targeted_axes(data)
    responses = datasets.project(data, targeted).sel(variable="context").values
    assert (
        np.corrcoef(
            responses.mean(0), datasets.targeted.numbers(data["context"].values, "context")
        )[0, 1]
        > 0.5
    )
    assert (
        sl.decoding_accuracy(data, datasets.labels(data)) > 0.55
    )  # few units, at the recording's own small scale
    assert sl.decoding_accuracy(data * 100, datasets.labels(data)) > 0.75


@pytest.mark.parametrize(
    ("layer", "units"),
    [("pixels", 64), ("conv1", 512), ("conv2", 256), ("hidden", 64), ("output", 10)],
)
def test_digits_layer_by_layer(layer, units):
    data = datasets.load("cnn-digits", layer=layer)
    assert data.shape == (1, 450, units) and settings(data)["accuracy"] >= 0.95
    assert sl.decoding_accuracy(data, datasets.labels(data)) > 0.9


def test_training_is_done_once_and_repeats_itself(tmp_path, monkeypatch):
    small = {"updates": 5, "units": 10, "trials": 2}
    first = datasets.load("rnn-context", **small)
    monkeypatch.setattr(rnn, "_train", None)  # nothing is trained again
    again = datasets.load("rnn-context", **small)
    np.testing.assert_array_equal(first.values, again.values)
    monkeypatch.undo()
    monkeypatch.setenv("SIMLIB_CACHE", str(tmp_path / "elsewhere"))
    np.testing.assert_array_equal(datasets.load("rnn-context", **small).values, first.values)
    assert not np.array_equal(datasets.load("rnn-context", **small, seed=1).values, first.values)
    threads = torch.get_num_threads()
    for file in (tmp_path / "elsewhere" / "models").iterdir():
        file.write_bytes(b"cut short")
    np.testing.assert_array_equal(datasets.load("rnn-context", **small).values, first.values)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("rnn-context", {"units": 1}, "2 units, 1 update and 1 trial"),
        ("cnn-digits", {"layer": "conv3"}, "unknown layer 'conv3'"),
        ("cnn-digits", {"epochs": 0}, "1 epoch or more"),
    ],
)
def test_what_can_not_be_trained_is_said(name, options, words):
    with pytest.raises(ValueError, match=words):
        datasets.load(name, **options)


def test_the_split_never_changes_and_keeps_its_sides_apart():
    (train, digits), (test, _) = cnn._split()
    assert len(test) == cnn.TEST_IMAGES and len(train) == len(digits) == 1797 - cnn.TEST_IMAGES


@pytest.mark.parametrize("name", NO_DOWNLOAD)
def test_every_dataset_survives_a_netcdf_file(name, tmp_path):
    data = datasets.load(name)
    assert all(isinstance(value, str | int | float) for value in data.attrs.values())
    datasets.save(data, tmp_path / "data.nc")
    back = datasets.load(tmp_path / "data.nc")
    assert back.attrs == data.attrs and set(back.coords) == set(data.coords)
    assert datasets.data_hash(back) == datasets.data_hash(data)
    text = datasets.describe(back)
    assert (
        "participation ratio" in text and "chance" in text and "first principal components" in text
    )
    assert data.attrs["title"] in text and all(
        f"{variable}" in text for variable in datasets.task_variables(data)
    )
