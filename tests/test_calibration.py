"""Laws of chance levels and of the table of all measures."""

import numpy as np
import pytest
from ceilings import intervals, recorded, spectrum_of
from scipy.ndimage import gaussian_filter1d

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
    for chance in (1.0, 1 - 1e-12, 1.5, float("nan")):
        with pytest.raises(ValueError, match="below the maximum"):
            sl.calibration.chance_corrected(0.5, chance)


# -- What noise allows


def test_the_ceiling_falls_with_noise_and_is_one_without():
    signal = rng.standard_normal((40, 6))
    ceilings = []
    for noise in (0.0, 0.5, 2.0):
        repeats = recorded(signal, noise, np.full(40, 10), seed=1)
        ceilings.append(sl.calibration.noise_ceiling("cka", repeats))
    for part in ("mean", "estimate"):
        values = [getattr(ceiling, part) for ceiling in ceilings]
        assert values[0] == pytest.approx(1) and values[0] > values[1] > values[2]
    assert ceilings[0].low == pytest.approx(1) == ceilings[0].high
    for ceiling in ceilings[1:]:
        assert ceiling.mean < ceiling.low < ceiling.estimate < ceiling.high < 1
    with pytest.raises(ValueError, match="2 repeats"):
        sl.calibration.noise_ceiling("cka", signal[None])


NAMES = ("cka", "cka-debiased", "nbs", "linreg", "procrustes-angular")


def covered(kind: str, noise: float, most: str, seed: int, samples: int, neurons: int) -> list:
    """Whether each interval holds the score of the signal with the mean of all repeats; NaN where
    the repeats are too noisy for one.
    """
    return intervals(NAMES, kind, noise, most, seed, (samples, neurons))["holds"].tolist()


def test_the_interval_holds_the_score_of_the_signal():
    """A small part of the slow test: of 30 intervals at 95% more than 5 miss once in 150."""
    cases = [("flat", 1.0, "ragged"), ("power", 2.0, "4"), ("low", 1.0, "2")]
    found = [covered(*case, seed, 60, 8) for seed in range(2) for case in cases]
    assert np.isfinite(found).all() and np.sum(found) >= 25


@pytest.mark.slow
@pytest.mark.parametrize("noise", [1.0, 2.0])
@pytest.mark.parametrize("repeats", ["2", "5", "20", "ragged"])
def test_the_interval_covers_as_often_as_it_says(noise, repeats):
    """Of 12 recordings; benchmarks/ceilings.py has more of them."""
    kinds = ("flat", "power", "low")
    found = [covered(kind, noise, repeats, seed, 100, 15) for seed in range(4) for kind in kinds]
    assert np.isfinite(found).mean() >= 0.9 and np.nanmean(found) >= 0.85


def test_half_against_half_is_below_what_the_signal_scores_and_the_interval_is_not():
    """200 samples, 30 neurons, 10 repeats: the bound is far off, most for linear regression."""
    signal = spectrum_of("power", 200, 30, 0)
    repeats = recorded(signal, 2.5, np.full(200, 10), seed=0)
    for name in ("cka", "cka-debiased", "linreg"):
        ceiling = sl.calibration.noise_ceiling(name, repeats)
        own = sl.score(name, repeats.mean(0), signal)
        assert ceiling.mean < own - 0.1
        assert ceiling.low <= own <= ceiling.high < ceiling.low + 0.1


def test_the_estimate_is_the_same_however_many_halves_the_bound_averages():
    repeats = recorded(spectrum_of("power", 60, 8, 0), 1.0, np.full(60, 4), seed=0)
    one, few = (sl.calibration.noise_ceiling("cka", repeats, splits=n) for n in (1, 3))
    assert one.spread == 0 < few.spread and one.mean != few.mean
    assert one[2:] == few[2:]


def test_noise_that_neurons_share_and_that_differs_between_trials_is_no_news():
    signal = spectrum_of("power", 80, 10, 3)
    rng, mixing = np.random.default_rng(4), np.diag(np.linspace(0.3, 1.5, 10)) + 0.1
    sizes = rng.uniform(0.5, 1.5, (80, 1))
    repeats = signal + sizes * (rng.standard_normal((6, 80, 10)) @ mixing)
    ceiling = sl.calibration.noise_ceiling("cka", repeats)
    assert ceiling.low <= sl.score("cka", repeats.mean(0), signal) <= ceiling.high


def test_a_trial_that_lacks_repeats_is_averaged_over_those_it_has():
    signal = rng.standard_normal((5, 12, 4))
    repeats = signal + np.zeros((3, 1, 1, 1))
    repeats[2, :, 3] = np.nan
    ceiling = sl.calibration.noise_ceiling("cka", repeats)
    assert ceiling.mean == pytest.approx(1) == ceiling.estimate
    repeats[1, :, 3] = np.nan
    with pytest.raises(ValueError, match="trial 3 has 1: leave it out"):
        sl.calibration.noise_ceiling("cka", repeats)
    repeats[1] = signal
    repeats[1, 2, 5, 1] = np.nan
    with pytest.raises(ValueError, match=r"repeats has 1 of \d+ values that are NaN or infinite"):
        sl.calibration.noise_ceiling("cka", repeats)


def test_where_repeats_do_not_tell_there_is_no_estimate_but_a_note():
    signal, counts = spectrum_of("low", 20, 30, 0), np.full(20, 4)
    faint = sl.calibration.noise_ceiling("cka", recorded(signal, 9.0, counts, 0))
    assert np.isnan([faint.estimate, faint.low, faint.high]).all() and "too noisy" in faint.note
    full = sl.calibration.noise_ceiling("linreg", recorded(signal, 1.0, counts, 0))
    assert full.mean == pytest.approx(1) and np.isnan(full.estimate) and "saturated" in full.note
    assert sl.score("linreg", recorded(signal, 1.0, counts, 0).mean(0), signal) < 0.95  # no bound


def test_a_table_with_repeats_has_the_ceiling_and_a_measure_that_fails_says_why():
    repeats = X + 0.5 * np.random.default_rng(1).standard_normal((4, *X.shape))
    repeats[3, :, 7] = np.nan
    fails = sl.measure("ridge-cv", folds=500)
    table = sl.compare(X, RELATED, ["cka", fails], repeats=repeats, permutations=5)
    first = table.iloc[0]
    assert 0.5 < first["ceiling_bound"] < first["ceiling_low"] < first["ceiling"]
    assert first["ceiling"] < first["ceiling_high"] < 1
    assert "from 2 to the 150 samples" in table["note"][1] and table["note"][0] == ""
    assert table.loc[1, ["score", "ceiling_bound", "ceiling"]].isna().all()
    one = sl.calibration.noise_ceiling("cka", repeats)
    assert (one.mean, one.estimate) == (first["ceiling_bound"], first["ceiling"])
    faint = sl.compare(X, RELATED, ["cka"], repeats=20 * (repeats - X), permutations=5).iloc[0]
    assert np.isfinite(faint["score"]) and "too noisy" in faint["note"]


# -- Saturated measures


SATURATED = [(20, 30), (20, 19), (12, 40), (4, 6, 30)]


@pytest.mark.parametrize("shape", SATURATED, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_noise_is_never_more_than_chance_by_rounding(shape, seed):
    """All measures, where neurons are as many as samples and some score the same whatever Y is."""
    left, right = np.random.default_rng(seed).standard_normal((2, *shape))
    table = sl.compare(left, right, permutations=19, seed=seed).set_index("measure")
    assert not table["p"].dropna().between(0, 0.05, inclusive="left").any()
    assert table["corrected"].dropna().abs().max() < 1
    saturated = table[table["note"].str.startswith("saturated")]
    assert {"cca", "cca-angular", "linreg", "linreg-angular"} <= set(saturated.index)
    assert (saturated["p"] == 1).all()
    assert saturated[["corrected", "z"]].isna().all(axis=None)
    assert table.loc["cka", ["corrected", "z"]].notna().all() and table.loc["cka", "note"] == ""


def test_any_null_that_is_constant_counts_as_saturated():
    """Of a Y whose samples are all alike but distinct, every order is as similar to X."""
    left = np.random.default_rng(0).standard_normal((9, 3))
    names = ["cka", "nbs", "procrustes-euclidean", "cka-rbf", lambda A, B: 1e6 + B.sum()]
    table = sl.compare(left, np.eye(9), names, permutations=19)
    assert (table["p"] == 1).all() and table[["corrected", "z"]].isna().all(axis=None)
    assert table["note"].str.startswith("saturated").all()


def test_ties_of_a_null_count_within_rounding():
    """One neuron of two values: of the permutations many are the data's own order."""
    binary = np.tile([0.0, 1.0], 4)[:, None]
    table = sl.compare(binary, 3 * binary - 1, ["cka", "linreg", "cka-angular"], permutations=400)
    assert table["p"].between(0.02, 0.06).all()  # 2 of the 70 ways to place four ones: 0.029
    assert table["p"].nunique() == 1 and (table["note"] == "").all()


# -- What a null is one of


def smooth(bins: int, *shape: int, seed: int) -> np.ndarray:
    """Gaussian noise with a memory of about two bins along its first axis, of variance 1."""
    drawn = np.random.default_rng(seed).standard_normal((bins + 40, *shape))
    noise = gaussian_filter1d(drawn, 2, axis=0)[20:-20]
    return noise / noise.std()


def test_a_shared_time_course_is_chance_of_shuffled_trials_and_not_of_shifted_ones():
    course = smooth(40, 1, 3, seed=7)
    left, right = (
        2 * course @ np.random.default_rng(seed).standard_normal((3, 8))
        + smooth(40, 12, 8, seed=seed)
        for seed in (0, 1)
    )
    tables = {
        null: sl.compare(left, right, ["cka"], permutations=99, null=null).iloc[0]
        for null in ("trials", "trials-and-time")
    }
    assert tables["trials"]["score"] == tables["trials-and-time"]["score"] > 0.7
    assert tables["trials"]["chance"] > 0.9 * tables["trials"]["score"]
    assert tables["trials"]["p"] > 0.05
    assert tables["trials-and-time"]["chance"] < 0.6 * tables["trials"]["score"]
    assert tables["trials-and-time"]["p"] <= 0.05
    without = [side - side.mean(1, keepdims=True) for side in (left, right)]
    rest = sl.compare(*without, ["cka"], permutations=99).iloc[0]
    assert rest["score"] < 0.3 and rest["p"] > 0.05


@pytest.mark.parametrize("null, most", [("trials", 5), ("trials-and-time", 8)])
def test_a_null_keeps_its_level_on_unrelated_smooth_recordings(null, most):
    """Of 40 pairs 2 are expected at p <= 0.05: more than 5 once in 70, more than 8 in 50000."""
    found = []
    for seed in range(40):
        left, right = (
            smooth(40, 1, 6, seed=2 * seed + k) + smooth(40, 8, 6, seed=10**6 + 2 * seed + k)
            for k in (0, 1)
        )
        found.append(sl.compare(left, right, ["cka"], permutations=39, null=null)["p"][0])
    assert np.sum(np.array(found) <= 0.05) <= most
    assert 0.35 < np.mean(found) < 0.65


def test_a_null_of_time_needs_time():
    with pytest.raises(ValueError, match=r"shifts time bins; pass \(time, trial, neuron\)"):
        sl.compare(X[0], RELATED[0], ["cka"], null="trials-and-time")
    with pytest.raises(ValueError, match="unknown null 'time'"):
        sl.calibration.permutation_null("cka", X, RELATED, null="time")


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
