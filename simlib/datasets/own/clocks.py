"""Whether spike times and trials are on one clock, in seconds, and which bins were observed."""

import warnings
from collections.abc import Sequence

import numpy as np

# From where on times can't be right: chosen wide, since a factor of 1000 is what is looked for.
SLOWEST = 5.0  # median time between two spikes of a unit, in s
LONGEST = 60.0  # median length of a trial, in s
BEYOND = 100.0  # last spike, in ends of the last trial, or the other way round
OUTSIDE = 0.5  # share of the trials that lie before the first spike or after the last


def check_clocks(
    spikes: Sequence[np.ndarray],
    starts: np.ndarray,
    stops: np.ndarray,
    watched: Sequence[np.ndarray],
    name: str,
) -> None:
    """Refuse spike times (s, one array a unit) that can't be on the clock of the trials (s, one a
    trial), and question those that are odd. `watched` are the intervals in which units were
    observed, (intervals, 2).

    Raises ValueError for times that look like milliseconds or samples, and for spikes that lie
    outside of most trials; warns of negative times and of times that go down within a unit.
    """
    units = [times[np.isfinite(times)].astype(float) for times in spikes]
    every = np.concatenate([np.empty(0), *units])
    if not len(every):
        return
    first, last, begin, end = every.min(), every.max(), starts.min(), stops.max()
    reach = (
        f"the spike times of {name} reach from {first:g} to {last:g} s and its trials from "
        f"{begin:g} to {end:g} s"
    )
    way_out = "If the times are right all the same: spikes={..., 'check': False}"
    gaps = np.concatenate([np.empty(0), *(np.diff(np.sort(times)) for times in units)])
    between = np.median(gaps) if len(gaps) >= 10 else 0.0
    if between > SLOWEST or last > BEYOND * abs(end):
        raise ValueError(
            f"{reach}, with a median of {between:.3g} s between two spikes of a unit: those are no "
            f"seconds. Say {_unit(last, end, between)}. {way_out}"
        )
    watch = np.concatenate(list(watched)) if len(watched) else np.empty((0, 2))
    here = (
        (stops >= watch[:, 0].min()) & (starts <= watch[:, 1].max())
        if len(watch)
        else np.zeros(len(starts), dtype=bool)
    )
    outside = ((starts > last) | (stops < first))[here]
    if len(outside) and outside.mean() > OUTSIDE:
        in_ms = end > BEYOND * last and np.median(stops - starts) > LONGEST
        raise ValueError(
            f"{reach}: {outside.sum()} of {len(outside)} trials lie where no unit has a spike. "
            + (
                "The trials look like milliseconds: say spikes={..., 'trials_unit': 'ms'}. "
                if in_ms
                else "Perhaps spike times count from the start of each trial: then nothing in the "
                "file says which trial they are from; save them with the trial's start added. "
            )
            + way_out
        )
    if first < min(begin, 0):
        warnings.warn(
            f"{int((every < 0).sum())} of {len(every)} spike times of {name} are negative, from "
            f"{first:g} s on: right where the recording began before time 0, wrong where they "
            "count from an event of each trial",
            UserWarning,
            stacklevel=2,
        )
    falling = [unit for unit, times in enumerate(units) if (np.diff(times) < 0).any()]
    if falling:
        warnings.warn(
            f"the spike times of {len(falling)} of {len(units)} units of {name} go down in "
            f"places, first those of unit {falling[0]}. Counts don't depend on their order, but "
            "sorted units come in order of time: perhaps units or trials were joined",
            UserWarning,
            stacklevel=2,
        )


def _unit(last: float, end: float, between: float) -> str:
    """The option that says what spike times are in that reach to `last`, where trials end at `end`
    and two spikes of a unit are `between` apart.
    """
    times = last / abs(end) if end else np.inf
    if times < BEYOND / 3 and between < 1000 * SLOWEST:
        return "spikes={..., 'unit': 'ms', 'trials_unit': 'ms'} if both are milliseconds"
    if BEYOND < times < 30 * BEYOND:
        return "spikes={..., 'unit': 'ms'} if they are milliseconds"
    return (
        "what they are in as a number of seconds, for samples at 30 kHz spikes={..., 'unit': "
        "1 / 30000}" + (", and the trials' as 'trials_unit'" if times < BEYOND / 3 else "")
    )


def merged(intervals: np.ndarray, near: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Starts and stops of intervals (n, 2), sorted, those joined that overlap or are `near` (s).

    Example:
        >>> import numpy as np
        >>> starts, stops = merged(np.array([[3.0, 4.0], [0.0, 1.0], [1.0, 2.0]]))
        >>> starts.tolist(), stops.tolist()
        ([0.0, 3.0], [2.0, 4.0])
    """
    starts, stops = intervals[np.argsort(intervals[:, 0], kind="stable")].T
    stops = np.maximum.accumulate(stops)
    new = np.r_[True, starts[1:] > stops[:-1] + near][: len(starts)]
    return starts[new], stops[np.r_[new[1:], True][: len(starts)]]


def within(intervals: np.ndarray, low: np.ndarray, high: np.ndarray, near: float) -> np.ndarray:
    """Which bins from `low` to `high` lie wholly in one of the intervals (n, 2), to `near` s."""
    starts, stops = merged(intervals, near)
    last = np.searchsorted(starts, low + near, side="right") - 1
    return (last >= 0) & (high <= np.r_[stops, -np.inf][last] + near)


def meeting(intervals: np.ndarray, low: np.ndarray, high: np.ndarray, near: float) -> np.ndarray:
    """Which bins from `low` to `high` overlap one of the intervals (n, 2) by more than `near` s."""
    starts, stops = merged(intervals, near)
    last = np.searchsorted(starts, high - near, side="left") - 1
    return (last >= 0) & (low < np.r_[stops, np.inf][last] - near)
