"""Laws of chance levels, of the table of all measures, and of a measure's card."""

import numpy as np
import pytest
import torch

import simlib as sl

rng = np.random.default_rng(0)
X = rng.standard_normal((5, 30, 6))
RELATED = X @ rng.standard_normal((6, 6)) + 0.5 * rng.standard_normal((5, 30, 6))
UNRELATED = rng.standard_normal((5, 30, 6))


def test_unrelated_data_score_at_chance_and_related_data_far_above():
    table = sl.compare(X, RELATED, permutations=50).set_index("measure")
    assert (table["z"] > 4).all() and (table["p"] == 1 / 51).all()
    other = sl.compare(X, UNRELATED, permutations=50).set_index("measure")
    assert (other["z"].abs() < 4).all() and (other["p"] > 0.02).all()
    assert set(table.index) == set(sl.MEASURES)
    assert table.loc["cka", "score"] == sl.score("cka", X, RELATED)


def test_shuffling_moves_whole_trials():
    seen = []
    sl.calibration.permutation_null(lambda A, B: seen.append(B) or B.sum(), X, X, permutations=1)
    times = seen[0].reshape(5, 30, 6).numpy()
    rows = {trial.tobytes() for trial in np.swapaxes(X, 0, 1).copy()}
    assert {trial.tobytes() for trial in np.swapaxes(times, 0, 1).copy()} == rows


def test_the_null_repeats_with_its_seed():
    null = [sl.calibration.permutation_null("cka", X, RELATED, permutations=3, seed=s) for s in (0, 0, 1)]
    np.testing.assert_array_equal(null[0], null[1])
    assert not np.array_equal(null[0], null[2])
    with pytest.raises(ValueError, match="1 or more"):
        sl.calibration.permutation_null("cka", X, X, permutations=0)


@pytest.mark.parametrize("name", list(sl.MEASURES))
def test_the_card_agrees_with_the_record(name):
    card = sl.check_measure(name).set_index("property")["holds"]
    record = sl.MEASURES[name]
    for kind in ("translation", "isotropic scale", "rotation", "invertible linear map"):
        assert card[f"unchanged by {kind} of Y"] == (kind in record.invariances), kind
    assert card["symmetric"] == record.symmetric
    assert card[["X is most similar to itself", "differentiable", "finite gradient at Y = X"]].all()


def test_the_card_finds_faults():
    card = sl.check_measure(lambda A, B: sl.measure("cka")(A, B).detach()).set_index("property")["holds"]
    assert not card["differentiable"]
    unsafe = sl.check_measure(lambda A, B: torch.arccos(sl.measure("cka")(A, B)) * -1)
    assert not unsafe.set_index("property")["holds"].get("finite gradient at Y = X", False)
    with pytest.raises(TypeError, match="0-d tensor"):
        sl.check_measure(lambda A, B: A)
