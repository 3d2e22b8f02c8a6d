"""Decoding: how well task variables can be read out of responses, cross-validated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from simlib import validation
from simlib.logistic import fit

__all__ = [
    "Decoders",
    "chance",
    "decoding_accuracy",
    "fold_accuracies",
    "score_at_accuracy",
    "split",
    "variable_accuracies",
]

LARGEST = 2**24  # bins x trials x fits x classes fitted at once: memory
SMALL = 2**16  # up to as many, threads would mostly wait for each other


def split(
    labels, folds: int = 5, seed: int = 0, groups=None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(train, test) trial indices of each fold: stratified by label, shuffled once from the seed.

    With `groups` (one a trial) no group is on both sides of a split. Raises ValueError for fewer
    than two classes, for a class with fewer trials (groups, where given) than folds, and for folds
    that miss a class.
    """
    labels = np.asarray(labels)
    try:
        classes, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    except TypeError as error:
        raise ValueError(
            f"labels mix kinds of values ({error}); make them all text or all numbers"
        ) from error
    if folds < 2:
        raise ValueError(f"folds needs to be 2 or more; got {folds}")
    if len(classes) < 2:
        raise ValueError(
            f"labels hold one class only ({classes.tolist()}); decoding needs at least two"
        )
    what = "trials"
    if groups is not None:
        groups = np.asarray(groups)
        if groups.shape != labels.shape:
            raise ValueError(
                f"groups needs one value a trial: got {groups.shape} for {labels.shape} labels"
            )
        missing = np.flatnonzero(groups != groups)
        if len(missing):
            raise ValueError(
                f"groups has {len(missing)} missing values, the first at trial {missing[0]}"
            )
        counts = np.array([len(np.unique(groups[labels == c])) for c in range(len(classes))])
        what = "groups"
    if counts.min() < folds:
        small = {str(c): int(k) for c, k in zip(classes, counts, strict=True) if k < folds}
        listed = ", ".join(f"{c} ({k})" for c, k in list(small.items())[:5]) + (
            ", ..." if len(small) > 5 else ""
        )
        raise ValueError(
            f"every class needs at least {folds} {what} for {folds} folds; too small: {listed}. "
            f"Merge or drop those classes, or use folds={max(2, int(counts.min()))}"
        )
    if groups is None:
        return list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(labels, labels))
    splits = list(
        StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(labels, labels, groups)
    )
    for train, test in splits:
        if len(test) == 0 or len(np.unique(labels[train])) < len(classes):
            raise ValueError(
                f"{len(np.unique(groups))} groups can't be split into {folds} folds that all "
                "train on every "
                "class; use fewer folds"
            )
    return splits


def fold_accuracies(
    Y, labels, folds: int = 5, seed: int = 0, groups=None, *, tol: float = 3e-4
) -> np.ndarray:
    """Test accuracy of each fold and time bin, (folds, times), in [0, 1].

    Multinomial logistic regression from the neurons of one time bin to the label (L2, C = 1,
    unscaled inputs), all folds and time bins fitted at once until the log odds are off by about
    `tol` of the size of all (`simlib.logistic`); where that doesn't converge, one by one by
    scikit-learn. The folds are the same for every bin, and for every Y with these labels and this
    seed. Y is (trial, neuron) or (time, trial, neuron). Source: Cloos et al. 2024, figure 3. Raises
    ValueError as `split` and `validation.label_array` do.
    """
    return variable_accuracies(Y, {"": labels}, folds, seed, groups, tol=tol)[""]


def variable_accuracies(
    Y,
    variables: Mapping[str, object],
    folds: int = 5,
    seed: int = 0,
    groups=None,
    *,
    tol: float = 3e-4,
) -> dict[str, np.ndarray]:
    """`fold_accuracies` of each of several variables (name -> labels): those of as many classes
    share one batch.
    """
    return Decoders(variables, folds, seed, groups, tol=tol)(Y)


class Decoders:
    """`variable_accuracies` of one Y after the other, such as the snapshots of an ascent.

    Every fit begins on the line through where it ended for the last two Y: among neighbours it
    takes fewer iterations, and ends at the same optimum to within `tol`. A Y of another shape
    begins anew. Raises ValueError, when called, as `split` and `validation.label_array` do.
    """

    def __init__(
        self,
        variables: Mapping[str, object],
        folds: int = 5,
        seed: int = 0,
        groups=None,
        *,
        tol: float = 3e-4,
    ):
        self.variables, self.folds, self.seed, self.groups, self.tol = (
            dict(variables),
            folds,
            seed,
            groups,
            tol,
        )
        self.batches: list[_Batch] = []

    def __call__(self, Y) -> dict[str, np.ndarray]:
        """Test accuracy of each fold and time bin, (folds, times), in [0, 1], of each variable."""
        responses = validation.responses(Y, "Y")
        labels = {
            name: validation.label_array(labels, responses)
            for name, labels in self.variables.items()
        }
        if not self.batches:
            self.batches = self._by_number_of_classes(labels)
        bins = torch.from_numpy(responses[None] if responses.ndim == 2 else responses)
        found = {}
        for batch in self.batches:
            found |= batch.accuracies(bins)
        return {name: found[name] for name in self.variables}

    def _by_number_of_classes(self, variables: Mapping[str, np.ndarray]) -> list[_Batch]:
        tasks: dict[int, dict[str, tuple]] = {}
        for name, labels in variables.items():
            folded = split(labels, self.folds, self.seed, self.groups)
            classes, codes = np.unique(labels, return_inverse=True)
            tasks.setdefault(len(classes), {})[name] = codes, folded
        return [_Batch(classes, group, self.tol) for classes, group in tasks.items()]


class _Batch:
    """Every fold of the variables of one number of classes, and the weights of the last two
    fits.
    """

    def __init__(self, classes: int, tasks: Mapping[str, tuple], tol: float):
        self.classes, self.names, self.tol = classes, list(tasks), tol
        self.codes = torch.stack(
            [torch.from_numpy(codes) for codes, folded in tasks.values() for _ in folded], 1
        )
        self.train = torch.zeros_like(self.codes, dtype=torch.bool)
        for column, (used, _) in enumerate(fold for _, folded in tasks.values() for fold in folded):
            self.train[used, column] = True
        self.last: list[torch.Tensor] = []

    def accuracies(self, bins: torch.Tensor) -> dict[str, np.ndarray]:
        """Accuracies (folds, times) of each variable."""
        at_once = max(1, LARGEST // (self.codes.numel() * self.classes))
        start, pieces = self._start(bins), bins.split(at_once)
        starts = [None] * len(pieces) if start is None else start.split(at_once)
        parts = [self._fitted(*part) for part in zip(pieces, starts, strict=True)]
        weights = [weights for _, weights in parts]
        self.last = [] if any(w is None for w in weights) else [*self.last, torch.cat(weights)][-2:]
        hits = (torch.cat([guesses for guesses, _ in parts]) == self.codes.T) & ~self.train.T
        shares = (hits.sum(2).double() / (~self.train).sum(0)).T.numpy()
        return dict(zip(self.names, shares.reshape(len(self.names), -1, len(bins)), strict=True))

    def _start(self, bins: torch.Tensor) -> torch.Tensor | None:
        """Where the line through the last two fits leads; the last itself where there is but
        one.
        """
        if self.last and (len(self.last[-1]), self.last[-1].shape[3]) != (
            len(bins),
            bins.shape[2] + 1,
        ):
            self.last = []
        return 2 * self.last[-1] - self.last[0] if self.last else None

    def _fitted(
        self, bins: torch.Tensor, start: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The class (bins, fits, trials) that each fit gives each trial, and the weights."""
        threads = torch.get_num_threads()
        if len(bins) * self.codes.numel() * self.classes <= SMALL:
            torch.set_num_threads(1)
        try:
            fits = fit(bins, self.codes, self.train, self.classes, tol=self.tol, start=start)
        finally:
            torch.set_num_threads(threads)
        if fits is None:
            return _one_by_one(bins, self.codes, self.train, self.tol), None
        guesses = (fits.values[:, :, 0] > 0).long() if self.classes == 2 else fits.values.argmax(2)
        return guesses, fits.weights


def _one_by_one(
    bins: torch.Tensor, codes: torch.Tensor, train: torch.Tensor, tol: float
) -> torch.Tensor:
    """The class (bins, fits, trials) that each fit gives each trial, by scikit-learn.

    Of centred responses: the bias is free, and lbfgs gets there sooner.
    """
    patient = LogisticRegression(C=1.0, max_iter=10_000, tol=min(tol, 1e-4))
    with threadpool_limits(1):  # problems this small lose more to waiting threads than they gain
        return torch.stack(
            [
                torch.stack(
                    [
                        torch.from_numpy(patient.fit(trials[used], labels[used]).predict(trials))
                        for labels, used in zip(codes.T.numpy(), train.T.numpy(), strict=True)
                    ]
                )
                for trials in (bins - bins.mean(1, keepdim=True)).numpy()
            ]
        )


def decoding_accuracy(Y, labels, folds: int = 5, seed: int = 0, groups=None) -> float:
    """Cross-validated accuracy of decoding `labels` from Y, mean over folds and time bins, in [0,
    1].

    See `fold_accuracies`. Y is (trial, neuron) or (time, trial, neuron), one label a trial.
    """
    return float(fold_accuracies(Y, labels, folds, seed, groups).mean())


def chance(labels) -> float:
    """Accuracy of always guessing the commonest class, in (0, 1]: 1/k for k equally frequent
    classes.
    """
    return validation.majority_share(labels)


def score_at_accuracy(
    scores, accuracies, chance: float, reference: float, share: float = 0.9
) -> float:
    """The score at which accuracy first reaches chance + share (reference - chance); NaN if it
    never does.

    `scores` and `accuracies` (snapshots,) are in the order of the ascent; linear interpolation
    between the snapshots around the first crossing. Source: Cloos et al. 2024, figure 3 (dots).
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
