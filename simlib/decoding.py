"""Decoding: how well task variables can be read out of responses, cross-validated."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from simlib import trials, validation
from simlib.components import first_crossing
from simlib.logistic import fit
from simlib.threads import on_free_cores

__all__ = [
    "SCALES",
    "Decoders",
    "accuracy",
    "chance",
    "decoding_accuracy",
    "fold_accuracies",
    "score_at_accuracy",
    "split",
    "unequal",
]

# The decoder's penalty acts on the scale of its input. "common": responses divided by one number,
# so that their root mean square about the neurons' means is 1, whatever their unit. "recorded": in
# the unit they come in, as in the paper.
SCALES = ("common", "recorded")
RECORDED = (1e-15, 1e15)  # largest responses that are decoded at the recorded scale
UNEQUAL = 1.5  # trials of the largest class over those of the smallest: above it, unequal

# Bins x trials x fits x classes that are fitted at once (memory), and up to how many one thread is
# quickest.
AT_ONCE = 2**24
ONE_THREAD = 2**16
# Bins x trials x fits x outputs from which a GPU is quicker (benchmarks/gpu.py).
WORTH_A_GPU = 100_000


def split(
    labels, folds: int = 5, seed: int = 0, groups=None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The (train, test) trials of each fold: stratified by label, shuffled once from the seed.

    Args:
        labels: (trials,), text or numbers.
        folds: 2 or more.
        seed: of the shuffle.
        groups: (trials,); no group is on both sides of a split.

    Returns:
        For each fold two arrays of trial indices.

    Raises:
        ValueError: for fewer than two classes, a class with fewer trials (groups, where given) than
            folds, and folds that miss a class.

    Example:
        >>> import simlib as sl
        >>> folds = sl.decoding.split(["a", "b"] * 4, folds=2)
        >>> [len(test) for train, test in folds]
        [4, 4]
    """
    labels = np.asarray(labels)
    try:
        classes, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    except TypeError as error:
        raise ValueError(
            f"labels mix kinds of values ({error}); make them all text or all numbers"
        ) from error
    validation.at_least("folds", folds, 2)
    if len(classes) < 2:
        raise ValueError(
            f"labels hold one class only ({classes.tolist()}); decoding needs at least two"
        )
    if groups is not None:
        groups = np.asarray(groups)
        if groups.shape != labels.shape:
            raise ValueError(
                f"groups needs one value a trial: got {groups.shape} for {labels.shape} labels"
            )
        missing = np.flatnonzero(validation.missing_labels(groups))
        if len(missing):
            raise ValueError(
                f"groups has {len(missing)} missing values, the first at trial {missing[0]}; "
                "drop those trials, or give each a group"
            )
        groups = pd.factorize(groups, sort=True)[0]  # whatever they are, mixed kinds of values too
        counts = np.array([len(np.unique(groups[labels == c])) for c in range(len(classes))])
    if counts.min() < folds:
        small = [f"{c} ({k})" for c, k in zip(classes, counts, strict=True) if k < folds]
        listed = ", ".join(small[:5] + ["..."] * (len(small) > 5))
        raise ValueError(
            f"every class needs at least {folds} {'trials' if groups is None else 'groups'} for "
            f"{folds} folds; too small: {listed}. Merge or drop those classes"
            + (f", or use folds={counts.min()}" if counts.min() >= 2 else "")
        )
    # Imported here, as all of scikit-learn: that takes half a second.
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splits = list(kind(folds, shuffle=True, random_state=seed).split(labels, labels, groups))
    for train, test in splits:
        if len(test) == 0 or len(np.unique(labels[train])) < len(classes):
            raise ValueError(
                f"{len(np.unique(groups))} groups can't be split into {folds} folds that all "
                "train on every class; use fewer folds"
            )
    return splits


def fold_accuracies(
    Y,
    labels,
    folds: int = 5,
    seed: int = 0,
    groups=None,
    *,
    scale: str = "common",
    tol: float = 3e-4,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Test accuracy of each fold and time bin, in [0, 1].

    Multinomial logistic regression from the neurons of one time bin to the label (L2, C = 1), all
    folds and time bins fitted at once (`simlib.logistic`); where that doesn't converge, one by one
    by scikit-learn. The folds are the same for every bin, and for every Y with these labels and
    this seed.

    Args:
        Y: (trial, neuron) or (time, trial, neuron).
        labels: (trials,), or the name of a coordinate along trial of Y.
        folds, seed: as for `split`.
        groups: (trials,), no group is on both sides of a split, or the name of a coordinate; by
            default those that Y declares (`datasets.fold_groups`; arrays and tensors declare none).
        scale: "common" (all responses divided by one number: root mean square 1 about the neurons'
            means) or "recorded" (as they are: the penalty then depends on their unit).
        tol: how far the log odds may be off, relative to the size of all.
        device: where torch computes; "cuda" fits there what is large enough to be quicker.

    Returns:
        An array (folds, times).

    Raises:
        ValueError: as `split` does, for another scale, for labels that don't fit the trials and for
            a device that can't be used.

    Source: Cloos et al. 2025, figure 3, which decodes at the recorded scale.

    Example:
        >>> import simlib as sl
        >>> Y, labels = [[-2], [-1], [1], [2]], ["left", "left", "right", "right"]
        >>> sl.decoding.fold_accuracies(Y, labels, folds=2)
        array([[1.],
               [1.]])
    """
    labels, groups = validation.labels(Y, labels), _groups(Y, groups)
    options = {"scale": scale, "tol": tol, "device": device}
    right = Decoders({"": labels}, folds, seed, groups, **options)(Y)[""]
    return np.array([right[test].mean(0) for _, test in split(labels, folds, seed, groups)])


def _groups(Y, groups) -> np.ndarray | None:
    """The fold groups given, or else those that Y declares."""
    return trials.fold_groups(Y) if groups is None else validation.labels(Y, groups, "groups")


class Decoders:
    """Which trials of several variables are decoded rightly from one Y after the other, such as
    those of an ascent.

    Every fit begins on the line through where it ended for the last two Y: among neighbours it
    takes fewer iterations, and ends at the same optimum to within `tol`. A Y of another shape
    begins anew. Variables of as many classes share one batch.

    Args:
        variables: name -> labels (trials,), or the name of a coordinate along trial of Y; or a
            recording: all its task variables, and the fold groups that it declares.
        folds, seed, groups, scale, tol, device: as for `fold_accuracies`, which says what is
            raised. Called on Y it returns for each variable an array (trials, times) of bool:
            whether the decoder that was trained without the trial gives it its label.

    Example:
        >>> import simlib as sl
        >>> decoders = sl.decoding.Decoders({"side": ["left", "left", "right", "right"]}, folds=2)
        >>> snapshots = [[-2], [-1], [1], [2]], [[-3], [-3], [2], [2]]
        >>> [float(decoders(Y)["side"].mean()) for Y in snapshots]
        [1.0, 1.0]
        >>> X = sl.datasets.load("hierarchy")
        >>> list(sl.decoding.Decoders(X)(X.values))
        ['category']
    """

    def __init__(
        self,
        variables,
        folds: int = 5,
        seed: int = 0,
        groups=None,
        *,
        scale: str = "common",
        tol: float = 3e-4,
        device: str | torch.device = "cpu",
    ):
        validation.known("scale", scale, SCALES)
        self.device = validation.device(device)
        if hasattr(variables, "dims"):
            if groups is None and trials.fold_groups(variables) is not None:
                groups = variables.attrs["groups"]
            if isinstance(groups, str):
                validation.labels(variables, groups, "groups")
                groups = variables[groups]  # which knows the order of its trials
            variables = {name: variables[name] for name in trials.task_variables(variables)}
            if not variables:
                raise ValueError("the recording declares no task variables: nothing to decode")
        self.variables, self.options = dict(variables), (folds, seed, groups)
        self.scale, self.tol, self.last, self.batches = scale, tol, [], []

    @on_free_cores
    def __call__(self, Y) -> dict[str, np.ndarray]:
        """Whether each trial is decoded rightly, (trials, times) of bool, for each variable."""
        responses = validation.responses(Y, "Y")
        given = {name: validation.labels(Y, of_Y) for name, of_Y in self.variables.items()}
        labels = {
            name: validation.label_array(
                of_Y, responses, f"the label {name!r}" if name else "labels"
            )
            for name, of_Y in given.items()
        }
        folds, seed, groups = self.options
        declared = [*labels.values(), _groups(Y, groups)]
        same = map(np.array_equal, declared, self.last)
        if not self.last or not all(same):  # of the first Y, and where Y declares something else
            self.last = declared
            self.batches = self._by_number_of_classes(labels, folds, seed, declared[-1])
        if self.scale == "common":
            responses = _to_unit_size(responses)
        elif np.ptp(responses) and not RECORDED[0] <= np.abs(responses).max() <= RECORDED[1]:
            raise ValueError(
                f"the largest of these responses is {np.abs(responses).max():.3g}: in that unit a "
                "decoder with a penalty is lost to rounding; take another unit, or scale='common'"
            )
        bins = torch.from_numpy(responses[None] if responses.ndim == 2 else responses)
        found = {n: r for batch in self.batches for n, r in batch.right(bins).items()}
        return {name: found[name] for name in self.variables}

    def _by_number_of_classes(
        self, variables: Mapping[str, np.ndarray], folds: int, seed: int, groups
    ) -> list["_Batch"]:
        tasks: dict[int, dict[str, tuple]] = {}
        for name, labels in variables.items():
            folded = split(labels, folds, seed, groups)
            classes, codes = np.unique(labels, return_inverse=True)
            tasks.setdefault(len(classes), {})[name] = codes, folded
        return [_Batch(classes, group, self.tol, self.device) for classes, group in tasks.items()]


class _Batch:
    """Every fold of the variables with so many classes, and the weights of the last two fits."""

    def __init__(self, classes: int, tasks: Mapping[str, tuple], tol: float, device: torch.device):
        self.classes, self.names, self.tol = classes, list(tasks), tol
        self.device = device
        fits = [(codes, train) for codes, folded in tasks.values() for train, _ in folded]
        self.codes = torch.stack([torch.from_numpy(codes) for codes, _ in fits], 1)
        trials = np.arange(len(self.codes))
        masks = [torch.from_numpy(np.isin(trials, train)) for _, train in fits]
        self.train = torch.stack(masks, 1)
        self.last: list[torch.Tensor] = []

    def right(self, bins: torch.Tensor) -> dict[str, np.ndarray]:
        """Whether each trial, in the fold that tests it, is decoded rightly: (trials, times) of
        each variable.
        """
        outputs = 1 if self.classes == 2 else self.classes
        small = len(bins) * self.codes.numel() * outputs < WORTH_A_GPU
        where = "cpu" if small and self.device.type == "cuda" else self.device
        bins, self.codes, self.train = (Z.to(where) for Z in (bins, self.codes, self.train))
        at_once = max(1, AT_ONCE // (self.codes.numel() * self.classes))
        start, pieces = self._start(bins), bins.split(at_once)
        starts = [None] * len(pieces) if start is None else start.split(at_once)
        parts = [self._fitted(*part) for part in zip(pieces, starts, strict=True)]
        weights = [weights for _, weights in parts]
        self.last = [] if any(w is None for w in weights) else [*self.last, torch.cat(weights)][-2:]
        hits = (torch.cat([guesses for guesses, _ in parts]) == self.codes.T) & ~self.train.T
        of_variables = hits.unflatten(1, (len(self.names), -1)).any(2).permute(1, 2, 0)
        return dict(zip(self.names, of_variables.cpu().numpy(), strict=True))

    def _start(self, bins: torch.Tensor) -> torch.Tensor | None:
        """Where the line through the last two fits leads; the last itself if there is one only."""
        sizes = len(bins), bins.shape[2] + 1
        if self.last and (self.last[-1].shape[0], self.last[-1].shape[3]) != sizes:
            self.last = []
        return 2 * self.last[-1] - self.last[0] if self.last else None

    def _fitted(
        self, bins: torch.Tensor, start: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The class (bins, fits, trials) that each fit gives each trial, and the weights."""
        threads = torch.get_num_threads()
        if len(bins) * self.codes.numel() * self.classes <= ONE_THREAD:
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
    from sklearn.linear_model import LogisticRegression

    patient = LogisticRegression(C=1.0, max_iter=10_000, tol=min(tol, 1e-4))
    centred = (bins - bins.mean(1, keepdim=True)).cpu().numpy()
    fits = list(zip(codes.T.cpu().numpy(), train.T.cpu().numpy(), strict=True))
    with threadpool_limits(1):  # problems this small lose more to waiting threads than they gain
        guesses = [
            patient.fit(Y[on], labels[on]).predict(Y) for Y in centred for labels, on in fits
        ]
    found = torch.from_numpy(np.stack(guesses)).to(bins.device)
    return found.unflatten(0, (len(centred), len(fits)))


def _to_unit_size(responses: np.ndarray) -> np.ndarray:
    """The responses less each neuron's mean, divided by the root mean square of all of them."""
    largest = np.abs(responses).max()  # first, so that no square overflows or vanishes
    centred = responses / largest if largest > 0 else responses
    centred = centred - centred.mean(tuple(range(responses.ndim - 1)))
    size = np.sqrt((centred**2).mean())
    return centred / size if size > 0 else centred


@on_free_cores
def decoding_accuracy(
    Y,
    labels,
    folds: int = 5,
    seed: int = 0,
    groups=None,
    *,
    scale: str = "common",
    balanced: bool = False,
    device: str | torch.device = "cpu",
) -> float:
    """Cross-validated accuracy of decoding labels from Y, mean over trials and time bins, in
    [0, 1].

    Args:
        Y: (trial, neuron) or (time, trial, neuron).
        labels: (trials,), one a trial, or the name of a coordinate along trial of Y.
        folds, seed: as for `decoding.split`.
        groups: (trials,), no group is on both sides of a split, or the name of a coordinate; by
            default those that Y declares (`datasets.fold_groups`; arrays and tensors declare none).
        scale: "common" (the same in volts and microvolts) or "recorded" (the paper's: the decoder's
            penalty acts on the unit of Y), as for `decoding.fold_accuracies`.
        balanced: mean over classes of the accuracy within each, for classes of unequal numbers.
        device: as for `decoding.fold_accuracies`.

    Returns:
        A float; `decoding.fold_accuracies` has each fold and time bin.

    Raises:
        ValueError: for labels that don't fit the trials or the folds, for another scale and for a
            device that can't be used.

    Example:
        >>> import simlib as sl
        >>> labels = ["left", "left", "right", "right"]
        >>> sl.decoding_accuracy([[-2], [-1], [1], [2]], labels, folds=2)
        1.0
        >>> round(sl.decoding_accuracy(sl.datasets.load("toy-2d"), "choice", folds=3), 3)
        0.975
    """
    labels, groups = validation.labels(Y, labels), _groups(Y, groups)
    right = Decoders({"": labels}, folds, seed, groups, scale=scale, device=device)(Y)[""]
    return accuracy(right, labels, balanced=balanced)


def accuracy(right, labels, *, balanced: bool = False) -> float:
    """Share of trials that are decoded rightly, in [0, 1]; `balanced`: its mean over classes.

    Args:
        right: (trials, times), as `Decoders` returns it.
        labels: (trials,).

    Returns:
        A float. Every trial counts once, also where folds have unequal numbers of trials.

    Example:
        >>> import simlib as sl
        >>> right, labels = [[True], [True], [True], [False]], ["go", "go", "go", "stop"]
        >>> sl.decoding.accuracy(right, labels), sl.decoding.accuracy(right, labels, balanced=True)
        (0.75, 0.5)
    """
    of_trials = np.asarray(right, dtype=float).mean(1)
    if not balanced:
        return float(of_trials.mean())
    codes = np.unique(np.asarray(labels), return_inverse=True)[1]
    return float((np.bincount(codes, of_trials) / np.bincount(codes)).mean())


def unequal(labels) -> bool:
    """Whether the largest class has more than 1.5 times the trials of the smallest.

    Accuracy then has a high chance level, and balanced accuracy says more.

    Args:
        labels: (trials,).

    Example:
        >>> import simlib as sl
        >>> sl.decoding.unequal(["go", "go", "go", "stop"])
        True
    """
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    return bool(counts.max() > UNEQUAL * counts.min())


def chance(labels, *, balanced: bool = False) -> float:
    """Accuracy of always guessing the commonest class, in (0, 1]; balanced, 1/k for k classes.

    Args:
        labels: (trials,).
        balanced: of balanced accuracy.

    Returns:
        A float, 1/k for k classes of one size.

    Example:
        >>> import simlib as sl
        >>> sl.decoding.chance(["left", "left", "left", "right"])
        0.75
    """
    return 1 / len(np.unique(np.asarray(labels))) if balanced else validation.majority_share(labels)


def score_at_accuracy(
    scores, accuracies, chance: float, reference: float, share: float = 0.9
) -> float:
    """The score at which accuracy first reaches chance + share (reference - chance).

    Args:
        scores, accuracies: (snapshots,), in the order of the ascent.
        chance, reference: accuracies in [0, 1]: of guessing, and of what Y is to come near, such as
            X.
        share: of the way from chance to the reference.

    Returns:
        A float by `components.first_crossing`: NaN if the accuracy is never reached.

    Source: Cloos et al. 2025, figure 3 (dots).

    Example:
        >>> import simlib as sl
        >>> scores, accuracies = [0.2, 0.6, 1.0], [0.5, 0.7, 0.9]
        >>> round(sl.decoding.score_at_accuracy(scores, accuracies, 0.5, 0.9, share=0.75), 3)
        0.8
    """
    return first_crossing(scores, accuracies, chance + share * (reference - chance))
