"""Recordings with as many neurons as samples: any Y fits everything, and the pages say so."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import simlib as sl
from simlib import datasets, experiments, plots
from simlib.components import held_out_variance, left_singular_vectors
from simlib.experiments import claims, curves, evidence, few_samples

EARLY = "procrustes-angular-score"


def typical(samples: int, neurons: int, seed: int = 0) -> np.ndarray:
    """Responses whose PCs fall with rank, as in most recordings."""
    rng = np.random.default_rng(seed)
    sizes = np.arange(1, samples + 1) ** -1.0
    return rng.normal(size=(samples, samples)) * sizes @ rng.normal(size=(samples, neurons))


def refitted(X: np.ndarray, Y: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The plain twin: a ridge fit for each held-out unit."""
    targets, Y = left_singular_vectors(X).numpy(), Y - Y.mean(0)
    penalty = 0.1 * (Y**2).sum() / len(Y)
    errors = np.zeros((2, targets.shape[1]))
    for unit in np.unique(units):
        test, train = units == unit, units != unit
        mean, centre = targets[train].mean(0), Y[train].mean(0)
        fit = Y[train] - centre
        weights = fit.T @ np.linalg.solve(
            fit @ fit.T + penalty * np.eye(len(fit)), targets[train] - mean
        )
        guesses = mean + (Y[test] - centre) @ weights
        errors += [((targets[test] - guess) ** 2).sum(0) for guess in (guesses, mean)]
    return (1 - errors[0] / errors[1]).clip(0, 1)


# -- Held-out R^2


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("grouped", [False, True])
def test_held_out_variance_is_that_of_explicit_refits(times, grouped):
    rng = np.random.default_rng(1)
    X, Y = typical(12 * times, 50).reshape(times, 12, 50), rng.normal(size=(times, 12, 40))
    Y[..., :5] += 3 * X[..., :5]
    groups = np.arange(12) // 3 if grouped else None
    units = np.tile(np.arange(12) if groups is None else groups, times)
    found = held_out_variance(X, Y, groups=groups)
    expected = refitted(X.reshape(-1, 50), Y.reshape(-1, 40), units)
    np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-8)
    assert np.isnan(found[len(expected) :]).all() and 0 < np.nanmax(found) < 1


def test_fewer_neurons_than_samples_are_refitted_alike():
    X, Y = typical(30, 6), typical(30, 4, seed=1) + typical(30, 6)[:, :4]
    np.testing.assert_allclose(held_out_variance(X, Y), refitted(X, Y, np.arange(30)), atol=1e-8)


@pytest.mark.parametrize("samples, neurons", [(24, 24), (24, 200), (40, 400), (96, 200)])
def test_noise_captures_everything_in_sample_and_nothing_of_what_is_held_out(samples, neurons):
    X = typical(samples, neurons)
    noise = np.random.default_rng(2).normal(size=(20, samples, neurons))
    captured = np.array([sl.captured_variance(X, Y)[: samples - 1] for Y in noise])
    np.testing.assert_allclose(captured, 1)
    held_out = np.array([held_out_variance(X, Y)[: samples - 1] for Y in noise])
    assert held_out.mean() < 0.05
    assert (held_out > curves.LOWEST_CEILING).mean() < 1 / 15


def test_x_predicts_its_own_leading_components_and_not_the_last():
    X = typical(60, 300)
    own = held_out_variance(X, X)
    assert (own[:8] > 0.9).all() and own[50:59].max() < 0.2
    assert held_out_variance(X, X + np.random.default_rng(0).normal(size=X.shape))[0] > 0.8


def test_held_out_variance_rises_along_an_ascent():
    X, rows = typical(40, 80), []
    observe = [lambda step, score, Y: rows.append(held_out_variance(X, Y)[:3])]
    sl.maximize(EARLY, X, steps=200, record=0.05, observers=observe)
    rows = np.array(rows)
    assert (rows[0] < 0.15).all() and (rows[-1] > 0.85).all()
    assert np.diff(rows, axis=0).min() > -0.05


def test_rotation_scale_and_translation_of_y_change_nothing():
    rng = np.random.default_rng(3)
    X, Y = typical(20, 40), typical(20, 40, seed=4)
    rotation = np.linalg.qr(rng.normal(size=(40, 40)))[0]
    expected = held_out_variance(X, Y)
    for changed in (Y @ rotation, 1e-9 * Y, 1e9 * Y, Y + 100 * rng.normal(size=40)):
        np.testing.assert_allclose(held_out_variance(X, changed), expected, atol=1e-6)


def test_time_bins_of_a_trial_are_held_out_together():
    """Each trial has a course of its own: the neighbours in time would give it away."""
    rng = np.random.default_rng(5)
    X, Y = (np.repeat(rng.normal(size=(1, 10, 60)), 6, axis=0) for _ in range(2))
    X, Y = (Z + 0.1 * rng.normal(size=Z.shape) for Z in (X, Y))
    flat = [Z.reshape(60, 60) for Z in (X, Y)]
    assert held_out_variance(*flat)[:5].min() > 0.9
    assert held_out_variance(X, Y)[:5].max() < 0.4
    one_trial = held_out_variance(X.reshape(60, 1, 60), Y.reshape(60, 1, 60))
    np.testing.assert_allclose(one_trial[:59], refitted(*flat, np.arange(60) // 12), atol=1e-8)


def test_groups_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="groups needs one value a trial"):
        held_out_variance(typical(10, 20), typical(10, 20), groups=[0, 1])


def test_a_component_is_captured_half_the_way_to_its_ceiling():
    scores, r2 = [0.0, 0.5, 1.0], [[0, 0.1], [0.2, 0.2], [0.4, 0.3]]
    np.testing.assert_allclose(sl.score_to_capture(scores, r2, [0.4, 0.3]), 0.5)
    assert np.isnan(sl.score_to_capture(scores, r2)).all()


# -- What says so


@pytest.mark.parametrize(
    "times, trials, neurons, fills",
    [(1, 40, 38, False), (1, 40, 39, True), (2, 20, 39, True), (3, 20, 39, False)],
)
def test_neurons_fill_the_samples_from_one_less_on(times, trials, neurons, fills):
    values = np.random.default_rng(0).normal(size=(times, trials, neurons))
    data = xr.DataArray(values, dims=("time", "trial", "neuron"))
    assert datasets.fills_samples(data) is fills
    words = datasets.few_samples(data)
    assert bool(words) is fills and (str(neurons) in words) is fills
    noise = np.random.default_rng(1).normal(size=data.shape)
    assert (sl.score("linreg", data, noise) > 1 - 1e-9) is fills


@pytest.mark.parametrize("name", few_samples.saturated(list(sl.MEASURES)))
def test_measures_said_to_be_the_same_for_any_y_are(name):
    record = next(record for record in sl.MEASURES.values() if record.title == name)
    X, *noise = np.random.default_rng(0).normal(size=(3, 10, 30))
    first, second = (sl.score(record.id, X, Y) for Y in noise)
    assert first == pytest.approx(second, abs=1e-6)


# -- The pages' tables


@pytest.fixture(scope="module")
def layer(tmp_path_factory):
    """A layer of 60 units seen with 24 pictures of two kinds, as a file of one's own, and its
    ascents.
    """
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("layer")
    kinds = np.arange(24) % 2
    X = typical(24, 60) + rng.normal(size=(2, 60))[kinds]
    path = str(folder / "layer.npz")
    np.savez(path, X=X[None], kind=np.array(["cat", "dog"])[kinds])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMLIB_RESULTS", str(folder / "results"))
        options = {"seeds": [0], "quick": True}
        table = experiments.ascents([path], ["cka", EARLY, "linreg"], steps=300, **options)
        return path, table, experiments.references([path], **options)


def test_tables_hold_held_out_variance_and_its_ceiling(layer):
    path, table, _ = layer
    assert set(table["quantity"]) == {"held-out variance", "accuracy"}
    rows = curves.component_rows(table)
    X = sl.datasets.load(path)
    ceiling = rows.groupby("pc")["ceiling"].first()
    np.testing.assert_allclose(ceiling, held_out_variance(X, X)[:23], atol=1e-4)
    found = curves.captures(table)
    assert len(found) == 3 * 23  # measures x rank
    untold = found["ceiling"] <= curves.LOWEST_CEILING
    assert (found["left_out"] == untold | (found["measure"] == "linreg")).all()  # no ascent
    assert found.loc[found["left_out"], "score"].isna().all() and 0 < found["left_out"].mean() < 1
    learned = found[found["measure"] == EARLY].set_index("pc")
    assert learned.loc[1:3, "score"].between(0.2, 0.95).all()
    words = few_samples.held_out_in_words(found)
    assert "held-out" in words and "left out" in words and "nan" not in words
    kept = 23 - untold.groupby(found["pc"]).first().sum()
    assert f"of {kept} of its 23 PCs" in words
    figure, ax = plt.subplots()
    plots.capture_against_variance(found, ax)
    never = found["score"].isna() & ~found["left_out"]
    assert len(ax.collections[-1].get_offsets()) == never.sum()  # ticks, of no linear regression
    plt.close(figure)


def test_no_claim_is_called_true_or_false_there(layer):
    _, table, references = layer
    crossings = curves.crossings(table, references, scale="common")
    of_linear = crossings[crossings["measure"] == "linreg"]
    assert (of_linear["note"] == curves.AT_THE_END).all()
    cell = curves.crossing_table(crossings)["linreg"].item()
    assert cell == curves.AT_THE_END
    parts = [evidence.decoding_values(crossings), evidence.capture_values(curves.captures(table))]
    verdicts = claims.verdicts(pd.concat(parts)).set_index("claim")["holds"]
    for key in ("linear regression decodes late", "large PCs first", "CKA learns late"):
        assert verdicts[claims.CLAIMS[key].sentence].startswith("not tested: ")
    for key in ("CKA decodes late", "no score for all measures"):
        assert verdicts[claims.CLAIMS[key].sentence] in (True, False)


def test_the_pages_say_it_where_it_applies_and_nothing_elsewhere(layer):
    path, table, _ = layer
    words = few_samples.sizes_in_words([path, "hierarchy"], ["cka", "linreg"])
    assert words.count("- ") == 1 and "60 neurons and 24 samples" in words
    assert "Linear regression" in words and "CKA" not in words
    assert few_samples.sizes_in_words(["hierarchy", "toy-2d"], ["linreg"]) == ""
    assert "Of the measures" not in few_samples.sizes_in_words([path], ["cka", "nbs"])
    figure, ax = plt.subplots()
    rows = curves.component_rows(table)
    plots.components_against_score(rows[rows["measure"] == "cka"], ax)
    assert ax.get_ylabel().startswith("held-out")
    told = rows[rows["ceiling"] > curves.LOWEST_CEILING]["pc"].nunique()
    assert 0 < len(ax.lines) == min(told, 40) < rows["pc"].nunique()
    plt.close(figure)


def test_embedded_data_never_fill_their_samples_and_noise_scores_none_of_them_highly():
    for name in ("toy-2d", "hierarchy", *datasets.made.SURROGATES):
        times, trials, neurons = datasets.load(name).shape
        # What linear regression expects of noise, the highest start of all measures in the figures.
        assert neurons / (times * trials - 1) < claims.LATE, name


# -- Colours of ranks


@pytest.mark.parametrize("count", [1, 2, 4, 39, 40, 60])
@pytest.mark.parametrize("alone", [True, False])
def test_the_bar_has_the_colours_of_the_lines_for_any_number_of_components(count, alone):
    rows = [(pc, step, step / 9, step / 9 / pc) for pc in range(1, count + 1) for step in range(10)]
    table = pd.DataFrame(rows, columns=["pc", "step", "score", "value"]).assign(measure="cka")
    figure, ax = plt.subplots()
    plots.components_against_score(table, ax)
    bar = plots.rank_colours(ax if alone else [ax])
    assert len(ax.lines) == min(count, 40)
    for rank, line in enumerate(ax.lines, 1):
        assert mpl.colors.same_color(line.get_color(), bar.cmap(bar.norm(rank)))
    plt.close(figure)
