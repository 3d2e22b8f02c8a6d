"""Frames of an ascent: how Y is laid on X, and what is kept of it."""

import numpy as np
import pytest

from simlib.experiments import ascent_frames, explorables


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((4, 6, 3))


def test_what_is_drawn_is_turned_moved_and_scaled_onto_x(X):
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    drawn = ascent_frames.onto(3 * X @ turn + 5, X)
    assert np.allclose(drawn, ascent_frames.onto(X, X))
    assert np.isclose(np.abs(drawn).max(), 1)


def test_noise_is_drawn_at_the_size_of_x(X):
    """Not shrunk to a point, as the best fit would."""
    noise = np.random.default_rng(2).standard_normal(X.shape)
    ratio = ascent_frames.onto(noise, X).std() / ascent_frames.onto(X, X).std()
    assert 0.7 < ratio < 1.3


def test_the_directions_of_the_plane_are_those_of_most_variance(X):
    variance = ascent_frames.onto(X, X).reshape(-1, 2).var(0)
    centred = (X - X.mean((0, 1))).reshape(-1, 3)
    values = np.linalg.eigvalsh(centred.T @ centred)
    assert np.isclose(variance[0] / variance[1], values[2] / values[1])


def test_every_dataset_of_the_player_says_what_is_decoded():
    for name in ascent_frames.SHOWN:
        X = ascent_frames.target(name)
        assert X.chance < X.accuracy <= 1 and len(X.group) == len(X.points)
        assert set(X.group) == set(range(len(X.classes)))


def test_spectra_are_shares_and_all_have_as_many_pcs_as_the_sliders():
    for shares in explorables.spectra().values():
        assert np.isclose(shares.sum(), 1) and len(shares) >= explorables.POWER_PCS
        assert (np.diff(shares) <= 0).all()


@pytest.mark.slow
def test_ranges_rise_with_the_score_given(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMLIB_RESULTS", str(tmp_path))
    table = explorables.slider_ranges(["power-3.00"])
    for _, rows in table.groupby("given"):
        assert (rows["lowest"] <= rows["highest"] + 1e-9).all()
        assert (rows[["lowest", "highest"]].diff().dropna() >= -1e-9).all(axis=None)
