"""Decoding: how well task variables can be read out of responses, cross-validated."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

import joblib
import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from simlib import checks
from simlib.logistic import decision_values

__all__ = ["chance", "decoding_accuracy", "fold_accuracies", "score_at_accuracy", "split", "variable_accuracies"]


def split(labels, folds: int = 5, seed: int = 0, groups=None) -> list[tuple[np.ndarray, np.ndarray]]:
    """(train, test) trial indices of each fold: stratified by label, shuffled once from the seed.

    With `groups` (one a trial) no group is on both sides of a split. Raises ValueError for fewer than two
    classes, for a class with fewer trials (groups, where given) than folds, and for folds that miss a class.
    """
    labels = np.asarray(labels)
    try:
        classes, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    except TypeError as error:
        raise ValueError(f"labels mix kinds of values ({error}); make them all text or all numbers") from error
    if folds < 2:
        raise ValueError(f"folds needs to be 2 or more; got {folds}")
    if len(classes) < 2:
        raise ValueError(f"labels hold one class only ({classes.tolist()}); decoding needs at least two")
    what = "trials"
    if groups is not None:
        groups = np.asarray(groups)
        if groups.shape != labels.shape:
            raise ValueError(f"groups needs one value a trial: got {groups.shape} for {labels.shape} labels")
        missing = np.flatnonzero(groups != groups)
        if len(missing):
            raise ValueError(f"groups has {len(missing)} missing values, the first at trial {missing[0]}")
        counts = np.array([len(np.unique(groups[labels == c])) for c in range(len(classes))])
        what = "groups"
    if counts.min() < folds:
        small = {str(c): int(k) for c, k in zip(classes, counts, strict=True) if k < folds}
        listed = ", ".join(f"{c} ({k})" for c, k in list(small.items())[:5]) + (", ..." if len(small) > 5 else "")
        raise ValueError(
            f"every class needs at least {folds} {what} for {folds} folds; too small: {listed}. "
            f"Merge or drop those classes, or use folds={max(2, int(counts.min()))}"
        )
    if groups is None:
        return list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(labels, labels))
    splits = list(StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(labels, labels, groups))
    for train, test in splits:
        if len(test) == 0 or len(np.unique(labels[train])) < len(classes):
            raise ValueError(
                f"{len(np.unique(groups))} groups can't be split into {folds} folds that all train on every "
                "class; use fewer folds"
            )
    return splits


def _row_space(trials: np.ndarray) -> np.ndarray:
    """The same trials in at most as many coordinates as there are trials.

    An L2-penalised linear decoder predicts the same in any rotation of the neurons, so a rotation that
    leaves the surplus neurons silent changes its cost, not its answer.
    """
    if trials.shape[1] <= trials.shape[0]:
        return trials
    return np.linalg.qr(trials.T, mode="r").T


def fold_accuracies(
    Y, labels, folds: int = 5, seed: int = 0, groups=None, *, tol: float = 1e-4, jobs: int = 1
) -> np.ndarray:
    """Test accuracy of each fold and time bin, (folds, times), in [0, 1].

    Multinomial logistic regression from the neurons of one time bin to the label (L2, C = 1, unscaled
    inputs). Two classes are fitted all at once to a relative 1e-5 (`simlib.logistic`), more of them by
    scikit-learn's lbfgs with at most 200 iterations and tolerance `tol`, shared out to `jobs` processes. The folds are
    the same for every bin, and for every Y with these labels and this seed. Y is (trial, neuron) or (time, trial,
    neuron). Source: Cloos et al. 2024, figure 3. Raises ValueError as `split` and `checks.label_array` do.
    """
    return variable_accuracies(Y, {"": labels}, folds, seed, groups, tol=tol, jobs=jobs)[""]


def variable_accuracies(
    Y, variables: Mapping[str, object], folds: int = 5, seed: int = 0, groups=None, *, tol: float = 1e-4, jobs: int = 1
) -> dict[str, np.ndarray]:
    """`fold_accuracies` of each of several variables (name -> labels): those of two classes share one batch of fits."""
    responses = checks.responses(Y, "Y")
    bins = responses[None] if responses.ndim == 2 else responses
    found, two = {}, {}
    for name, labels in variables.items():
        labels = checks.label_array(labels, responses)
        folded = split(labels, folds, seed, groups)
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) == 2:
            two[name] = (codes, folded)
        found[name] = None if len(classes) == 2 else _one_by_one(bins, codes, folded, tol, jobs)
    if two:
        batch = _all_at_once(bins, list(two.values()), min(tol, 1e-5))
        for name, (codes, folded) in two.items():
            found[name] = next(batch) if batch else _one_by_one(bins, codes, folded, tol, jobs)
    return found


def _all_at_once(bins: np.ndarray, tasks: list, tol: float) -> Iterator[np.ndarray] | None:
    """Accuracies (folds, times) of each task, (codes of two classes, folds); None where the fits don't converge."""
    positive = torch.stack([torch.from_numpy(codes == 1) for codes, folded in tasks for _ in folded], 1)
    train = torch.zeros_like(positive)
    for column, (used, _) in enumerate(fold for _, folded in tasks for fold in folded):
        train[used, column] = True
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # many small products: threads would wait for each other
    try:
        odds = decision_values(torch.from_numpy(bins), positive, train, tol=tol)
    finally:
        torch.set_num_threads(threads)
    if odds is None:
        return None
    hits = ((odds > 0) == positive) & ~train
    return iter((hits.sum(1).double() / (~train).sum(0)).T.numpy().reshape(len(tasks), -1, len(bins)))


def _one_fit(trials: np.ndarray, codes: np.ndarray, fold: tuple[np.ndarray, np.ndarray], tol: float) -> float:
    train, test = fold
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        decoder = LogisticRegression(C=1.0, max_iter=200, tol=tol).fit(trials[train], codes[train])
        return float(np.mean(decoder.predict(trials[test]) == codes[test]))


def _one_by_one(bins: np.ndarray, codes: np.ndarray, folded: list, tol: float, jobs: int) -> np.ndarray:
    """Accuracies (folds, times) by scikit-learn, a fit at a time, shared out to processes."""
    fits = ((trials, codes, fold, tol) for trials in map(_row_space, bins) for fold in folded)
    # Problems this small lose far more to waiting threads than they gain: one thread, here and in each process.
    with threadpool_limits(1), joblib.parallel_config("loky", inner_max_num_threads=1):
        accuracies = joblib.Parallel(n_jobs=jobs)(joblib.delayed(_one_fit)(*fit) for fit in fits)
    return np.reshape(accuracies, (len(bins), len(folded))).T


def decoding_accuracy(Y, labels, folds: int = 5, seed: int = 0, groups=None, *, jobs: int = 1) -> float:
    """Cross-validated accuracy of decoding `labels` from Y, mean over folds and time bins, in [0, 1].

    See `fold_accuracies`. Y is (trial, neuron) or (time, trial, neuron), one label a trial.
    """
    return float(fold_accuracies(Y, labels, folds, seed, groups, jobs=jobs).mean())


def chance(labels) -> float:
    """Accuracy of always guessing the commonest class, in (0, 1]: 1/k for k equally frequent classes."""
    return checks.majority_share(labels)


def score_at_accuracy(scores, accuracies, chance: float, reference: float, share: float = 0.9) -> float:
    """The score at which accuracy first reaches chance + share (reference - chance); NaN if it never does.

    `scores` and `accuracies` (snapshots,) are in the order of the ascent; linear interpolation between the
    snapshots around the first crossing. Source: Cloos et al. 2024, figure 3 (dots).
    """
    scores, accuracies = np.asarray(scores, float), np.asarray(accuracies, float)
    target = chance + share * (reference - chance)
    above = np.flatnonzero(accuracies >= target)
    if len(above) == 0:
        return float("nan")
    k = above[0]
    if k == 0:
        return float(scores[0])
    part = (target - accuracies[k - 1]) / (accuracies[k] - accuracies[k - 1])
    return float(scores[k - 1] + part * (scores[k] - scores[k - 1]))
