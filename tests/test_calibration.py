"""Laws of chance levels and of the table of all measures."""

import numpy as np
import pytest

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


def test_the_closed_forms_are_the_mean_over_all_permutations():
    from itertools import permutations

    left, right = rng.standard_normal((6, 3)), rng.standard_normal((6, 2)) * [1, 0.3]
    shapes = [
        ("cka", left),
        ("ensd", left),
        ("linreg", left),
        ("cka-debiased", left),
        ("rsa", left),
        ("ridge", left),
        (sl.measure("ridge", penalty=0.5), left),
        (sl.measure("ridge", penalty=3.0), left[:, :1]),
    ]
    for name, side in shapes:
        every = [sl.score(name, side, right[list(order)]) for order in permutations(range(6))]
        assert np.std(every) > 1e-3
        assert sl.calibration.expected_by_chance(name, side, right) == pytest.approx(
            np.mean(every), abs=1e-10
        )
    for other in (
        sl.measure("rsa", comparison="spearman"),
        sl.measure("ridge", comparison="pearson"),
        "ridge-cv",
    ):
        with pytest.raises(ValueError, match="use permutation_null"):
            sl.calibration.expected_by_chance(other, left, right)
    with pytest.raises(ValueError, match="no closed form for 'nbs'"):
        sl.calibration.expected_by_chance("nbs", left, right)


@pytest.mark.parametrize("neurons, expected", [(10, 0.16), (500, 0.91)])
def test_cka_of_noise_goes_to_one_as_neurons_outnumber_samples(neurons, expected):
    draws = np.random.default_rng(0).standard_normal((10, 2, 50, neurons))
    noise = np.mean([sl.score("cka", *draw) for draw in draws])
    assert noise == pytest.approx(expected, abs=0.01)
    assert noise == pytest.approx(neurons / (neurons + 50), abs=0.01)


def test_correction_puts_chance_at_zero_and_the_maximum_at_one():
    assert (
        sl.calibration.chance_corrected(0.4, 0.4) == 0
        and sl.calibration.chance_corrected(1, 0.4) == 1
    )
    with pytest.raises(ValueError, match="below the maximum"):
        sl.calibration.chance_corrected(0.5, 1.0)


def test_the_ceiling_falls_with_noise_and_is_one_without():
    signal = rng.standard_normal((40, 6))
    ceilings = []
    for noise in (0.0, 0.5, 2.0):
        repeats = signal + noise * np.random.default_rng(1).standard_normal((10, 40, 6))
        ceilings.append(sl.calibration.noise_ceiling("cka", repeats).mean)
    assert ceilings[0] == pytest.approx(1) and ceilings[0] > ceilings[1] > ceilings[2]
    with pytest.raises(ValueError, match="2 repeats"):
        sl.calibration.noise_ceiling("cka", signal[None])


def test_a_table_with_repeats_has_the_ceiling_and_a_measure_that_fails_says_why():
    repeats = X + 0.5 * np.random.default_rng(1).standard_normal((4, *X.shape))
    table = sl.compare(
        X, RELATED, ["cka", sl.measure("ridge-cv", folds=500)], repeats=repeats, permutations=5
    )
    assert 0.5 < table["ceiling"][0] < 1 and "from 2 to the 150 samples" in table["note"][1]
    assert np.isnan(table["score"][1]) and table["note"][0] == ""


def test_undefined_scores_and_nulls_have_no_p():
    table = sl.compare(X, RELATED, [lambda A, B: B.sum() * float("nan"), "cka"], permutations=3)
    assert np.isnan(table["p"][0]) and "not defined" in table["note"][0] and table["p"][1] == 0.25
    with pytest.raises(ValueError, match="one trial"):
        sl.compare(X[:, :1], RELATED[:, :1], ["cka"])
    with pytest.raises(ValueError, match="1 or more"):
        sl.compare(X, RELATED, ["cka"], permutations=0)
    with pytest.raises(ValueError, match=r"\(repeat, 5, 30, 6\); got"):
        sl.compare(X, RELATED, ["cka"], repeats=np.zeros((4, 10, 3)))
    assert len(sl.compare(X, RELATED, "cka", permutations=2)) == 1


def test_the_null_repeats_with_its_seed():
    null = [
        sl.calibration.permutation_null("cka", X, RELATED, permutations=3, seed=s)
        for s in (0, 0, 1)
    ]
    np.testing.assert_array_equal(null[0], null[1])
    assert not np.array_equal(null[0], null[2])
    with pytest.raises(ValueError, match="1 or more"):
        sl.calibration.permutation_null("cka", X, X, permutations=0)


def test_folds_by_condition_have_a_null_too():
    by_condition = sl.measure("ridge-cv", scheme="condition", folds=5)
    table = sl.compare(X, RELATED, [by_condition], permutations=3)
    assert table["score"][0] == sl.score(by_condition, X, RELATED) and table["note"][0] == ""


def test_a_measure_of_ones_own_that_fails_costs_only_its_row():
    def breaks(X, Y):
        raise RuntimeError("no such kernel")

    X = np.random.default_rng(0).standard_normal((12, 3))
    table = sl.compare(X, X + 1, ["cka", breaks], permutations=3).set_index("measure")
    assert table.loc["cka", "score"] == pytest.approx(1)
    assert table.loc["breaks", "note"] == "no such kernel" and np.isnan(
        table.loc["breaks", "score"]
    )
