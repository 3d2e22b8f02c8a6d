"""Values and labels that are missing: refused with their places and shares, or dealt with as asked.

What an error suggests was tried on the data: it says what would be left.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import DIMS, silent
from simlib.datasets.own.parts import NOTES
from simlib.datasets.processing import condition_averages, noted

# A share of missing values can be given for the first two.
POLICIES = (
    "drop-trials",
    "drop-neurons",
    "drop-empty-trials",
    "drop-empty-neurons",
    "drop-unlabelled",
    "average",
    "refuse",
)
WITH_SHARE = POLICIES[:2]
EMPTY = (("drop-empty-trials", 0.0), ("drop-empty-neurons", 0.0))
# What an error tries, beside each of the first two alone: without what is empty, with a share.
COMBINATIONS = (
    EMPTY,
    *(
        (*EMPTY, *first, (last, 0.0))
        for last in WITH_SHARE
        for first in ((), *(((other, share),) for other in WITH_SHARE for share in (0.1, 0.3, 0.5)))
        if not first or first[0][0] != last
    ),
)
Steps = tuple[tuple[str, float], ...]


def without_gaps(
    data: xr.DataArray,
    missing: str | Sequence[str] | Mapping[str, object] = "refuse",
    labels: Sequence[str] = (),
) -> xr.DataArray:
    """The recording (time, trial, neuron) without NaN and infinite values, and with all `labels`.

    `missing` is a policy, several that are followed in turn, or policy -> True or a number:
    "drop-trials" and "drop-neurons" leave out those with any missing value (or, with a number in
    [0, 1), those of whose values more than that share is missing), "drop-empty-trials" and
    "drop-empty-neurons" those with nothing else, "drop-unlabelled" trials without one of `labels`;
    "average" averages the repeats of each condition over those that have the value
    (`condition_averages`). Each is noted with its counts before and after.

    Raises ValueError for an unknown policy or share, when nothing is left, and when values or
    labels are still missing at the end ("refuse": at once), with the options that would work.
    Where `axes_guessed` is among the attributes, it says how the axes were read instead.
    """
    done = ()
    for policy, share in _steps(missing):
        if policy == "average":
            data = condition_averages(data)
        elif policy != "refuse":
            gaps = _Gaps.of(data, labels)
            dim, keep = gaps.kept(policy, share)
            if not keep.any():
                raise ValueError(
                    f"missing={_option(((policy, share),))} would leave no {dim}: "
                    f"{_said(data, labels, gaps, done)}"
                )
            if not keep.all():
                counts = {"before": keep.size, "after": int(keep.sum())}
                data = noted(
                    data.isel({dim: keep}),
                    policy,
                    dropped=counts["before"] - counts["after"],
                    missing_share=float(gaps.counts.sum() / data.size),
                    **counts,
                    **({"share": share} if share else {}),
                )
        done = (*done, (policy, share))
    gaps = _Gaps.of(data, labels)
    if gaps.counts.any() or gaps.unlabelled.any():
        raise ValueError(_said(data, labels, gaps, done))
    return data


def _steps(missing: str | Sequence[str] | Mapping[str, object]) -> Steps:
    """Each policy with its share, in turn; raises ValueError for one that there isn't."""
    given = (
        tuple(missing.items())
        if isinstance(missing, Mapping)
        else tuple((policy, True) for policy in validation.names(missing, "missing"))
    )
    for policy, share in given:
        validation.known("policy for missing values", policy, POLICIES)
        number = isinstance(share, int | float) and policy in WITH_SHARE and 0 <= share < 1
        if not isinstance(share, bool) and not number:
            raise ValueError(
                f"missing={{{policy!r}: {share!r}}}: a policy is followed (True) or not (False); "
                f"{' and '.join(WITH_SHARE)} also take the share of missing values, in [0, 1), "
                "from which on they drop"
            )
    return tuple(
        (policy, 0.0 if share is True else float(share))
        for policy, share in given
        if share is True or not isinstance(share, bool)
    )


class _Gaps(NamedTuple):
    """How many values are missing, (trial, neuron), out of how many time bins, and which trials
    lack a label.
    """

    counts: np.ndarray
    bins: int
    unlabelled: np.ndarray

    @classmethod
    def of(cls, data: xr.DataArray, labels: Sequence[str]) -> "_Gaps":
        counts = (~np.isfinite(data.values)).sum(axis=0)
        unlabelled = [without for _, without in _without_label(data, labels)]
        return cls(counts, data.sizes["time"], np.any([np.zeros(len(counts)), *unlabelled], axis=0))

    def kept(self, policy: str, share: float) -> tuple[str, np.ndarray]:
        """Which places of which axis a policy keeps."""
        if policy == "drop-unlabelled":
            return "trial", ~self.unlabelled
        dim = policy.split("-")[-1][:-1]
        axis = 1 if dim == "trial" else 0
        lost = self.counts.sum(axis) / (self.bins * self.counts.shape[axis])
        return dim, lost < 1 if "empty" in policy else lost <= share

    def followed(self, steps: Steps) -> tuple[Steps, dict[str, np.ndarray]] | None:
        """The steps that drop something, and what they leave of each axis; None when nothing is
        left, or values are still missing.
        """
        left = {dim: np.arange(size) for dim, size in zip(DIMS[1:], self.counts.shape, strict=True)}
        gaps, needed = self, ()
        for policy, share in steps:
            dim, keep = gaps.kept(policy, share)
            left[dim] = left[dim][keep]
            gaps = self._replace(
                counts=self.counts[np.ix_(*left.values())],
                unlabelled=self.unlabelled[left["trial"]],
            )
            if not gaps.counts.size:
                return None
            needed = needed if keep.all() else (*needed, (policy, share))
        return None if gaps.counts.any() or gaps.unlabelled.any() else (needed, left)


def _without_label(data: xr.DataArray, labels: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """The labels that are missing in some trials, and in which."""
    along = [name for name in labels if name in data.coords and data[name].dims == ("trial",)]
    found = [(name, validation.missing_labels(data[name].values)) for name in along]
    return [(name, without) for name, without in found if without.any()]


def _said(data: xr.DataArray, labels: Sequence[str], gaps: _Gaps, done: Steps) -> str:
    """What is missing, and what can be done; `done` are the policies followed so far."""
    lacking = _without_label(data, labels)
    parts = [f"X has {_report(~np.isfinite(data.values))}"] if gaps.counts.any() else []
    parts += [
        f"label {name!r} is missing in {without.sum()} of {without.size} trials, the first at "
        f"trial {without.argmax()}"
        for name, without in lacking[:3]
    ]
    if len(lacking) > 3:
        parts.append(f"and so are {len(lacking) - 3} more labels")
    notes = json.loads(data.attrs.get(NOTES, "{}")).items()
    known = validation.listed((f"{name}: {note}" for name, note in notes), most=3, width=250)
    found = "; ".join(parts) + (f" ({known})" if known else "")
    if data.attrs.get("axes_guessed"):
        axes = ", ".join(f"{dim} {size}" for dim, size in data.sizes.items())
        return (
            f"read as {axes}: say dims=... if that is not so, since nothing in the file says which "
            f"axis is which. Read so, {found}"
        )
    whole = [name for name in labels if name not in dict(lacking)]
    other = f", or decode others: task_variables={whole[:3]}" if lacking and whole else ""
    ways = [_shown(way, gaps.counts.shape) for way in _ways(data, labels, gaps, done)]
    ways += _whole_bins(data, lacking)
    if not ways:
        return (
            f"{found}. None of the options of missing= leaves values that vary and classes to "
            f"decode{other}"
        )
    return f"{found}. Nothing is repaired in silence. Options: {'; '.join(ways)}{other}"


def _whole_bins(data: xr.DataArray, lacking: Sequence) -> list[str]:
    """How to keep all trials of which some end early: the time bins up to there."""
    full = np.isfinite(data.values).all(axis=(1, 2))
    count = int(full.argmin())
    if lacking or count < 1 or silent(data.values[:count]).all():
        return []
    return [
        f"the first {count} of {len(full)} time bins have every value: those alone are "
        f"data.isel(time=slice(0, {count})) of an array, select={{'time': slice(0, {count})}} of a "
        "file"
    ]


class _Way(NamedTuple):
    steps: Steps
    trials: int
    neurons: int


def _ways(data: xr.DataArray, labels: Sequence[str], gaps: _Gaps, done: Steps) -> list[_Way]:
    """Policies that leave a recording, tried: each that drops alone, the combination that keeps
    most values, and averages.
    """
    lead = (("drop-unlabelled", 0.0),) if gaps.unlabelled.any() else ()
    ways = [
        *_working(data, labels, gaps, lead, [()], done),
        *(
            way
            for policy in WITH_SHARE
            for way in _working(data, labels, gaps, lead, [((policy, 0.0),)], done)
        ),
        *_working(data, labels, gaps, lead, COMBINATIONS, done),
    ]
    if "average" not in dict(done) and gaps.counts.any():
        ways += _averaged(data, labels, gaps, lead, done)
    left = {(way.trials, way.neurons, "average" in dict(way.steps)): way for way in reversed(ways)}
    return list(reversed(left.values()))  # of those that leave the same the first


def _averaged(
    data: xr.DataArray, labels: Sequence[str], gaps: _Gaps, lead: Steps, done: Steps
) -> list[_Way]:
    """The averages of conditions, if any neuron or condition has values for all that is asked."""
    try:
        means = condition_averages(data.isel(trial=~gaps.unlabelled))
    except ValueError:
        return []
    if means.sizes["trial"] == (~gaps.unlabelled).sum() or set(labels) - set(means.coords):
        return []
    before = (*done, *lead, ("average", 0.0))
    left = _Gaps.of(means, labels)
    return list(_working(means, labels, left, (), [(), *COMBINATIONS], before))


def _working(
    data: xr.DataArray,
    labels: Sequence[str],
    gaps: _Gaps,
    lead: Steps,
    candidates: Sequence[Steps],
    done: Steps,
) -> Iterator[_Way]:
    """The one of the candidates that keeps most values, fewest steps first, if any leaves a
    recording: finite, not constant, with two classes of each label.
    """
    tried = [gaps.followed((*lead, *steps)) for steps in candidates]
    found = [
        (-np.prod([len(places) for places in left.values()]), len(needed), needed, left)
        for needed, left in filter(None, tried)
        if not {policy for policy, _ in needed} & {policy for policy, _ in done}
    ]
    for *_, needed, left in sorted(found, key=lambda way: way[:3]):
        kept = data.isel(left)
        classes = [
            len(set(kept[name].values.tolist()))
            for name in labels
            if name in kept.coords and kept[name].dims == ("trial",)
        ]
        samples = kept.sizes["time"] * kept.sizes["trial"]
        if samples > 1 and min(classes, default=2) > 1 and not silent(kept.values).all():
            yield _Way((*done, *needed), *(len(places) for places in left.values()))
            return


def _option(steps: Steps) -> str:
    """Policies as the value of missing=."""
    steps = [step for step in steps if step[0] != "refuse"]
    if any(share for _, share in steps):
        return repr({policy: share or True for policy, share in steps})
    return repr(steps[0][0] if len(steps) == 1 else [policy for policy, _ in steps])


def _shown(way: _Way, shape: tuple[int, int]) -> str:
    """A way out as a call would name it, with what it leaves."""
    trials, neurons = shape
    rows = f"{way.trials} of {trials} trials"
    lost = 1 - way.trials * way.neurons / (trials * neurons)
    share = f" ({_percent(lost)} of the values lost)"
    if "average" in dict(way.steps):
        rows, share = f"averages of {way.trials} conditions", ""
    return (
        f"missing={_option(way.steps)} leaves {rows} and {way.neurons} of {neurons} neurons{share}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if share >= 0.001 or share == 0 else f"{100 * share:.1g}%"


def _report(bad: np.ndarray) -> str:
    """How many values are missing, where the first one is, and how many trials and neurons are
    concerned.
    """
    place = ", ".join(f"{dim} {int(i)}" for dim, i in zip(DIMS, np.argwhere(bad)[0], strict=True))
    parts = [
        f"{int(bad.sum())} of {bad.size} values ({_percent(bad.mean())}) that are NaN or "
        f"infinite, first at {place}"
    ]
    for dim, others in (("trial", (0, 2)), ("neuron", (0, 1))):
        some, every = bad.any(axis=others), bad.all(axis=others)
        parts.append(
            f"{some.sum()} of {some.size} {dim}s have some, {every.sum()} have nothing else"
        )
    return "; ".join(parts)
