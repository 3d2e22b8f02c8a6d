"""Repeats of a recording, halves of them, and simulated ones with a signal that is known."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from simlib import trials, validation

__all__ = ["Simulation", "agreement", "array", "halves", "in_one_order", "simulations"]

DRAWS, ROUNDS = 10, 6  # of noise, to fit the signal's spectrum, and of the fit
AROUND = 0.2  # how far strength and dispersion of simulated signals lie from the fit, either way


def array(values) -> np.ndarray:
    """Checked repeats as (repeat, time, trial, neuron), NaN throughout where a trial is missing.

    Takes (repeat, samples, neuron), too: one time bin. In a list of recordings their labels say
    which trial is which (`trials.order`). Raises ValueError for fewer than 2 repeats
    of a trial, for values that are missing within a trial and for infinity.

    Example:
        >>> from simlib import repeats
        >>> repeats.array([[[0, 1], [2, 3]], [[0, 2], [2, 4]]]).shape
        (2, 1, 2, 2)
    """
    repeats = np.asarray(in_one_order(values), dtype=np.float64)
    if repeats.ndim not in (3, 4) or len(repeats) < 2 or 0 in repeats.shape:
        raise ValueError(
            "repeats needs the shape (repeat, samples, neuron) or (repeat, time, trial, neuron) "
            f"with 2 repeats or more; got {repeats.shape}"
        )
    repeats = repeats[:, None] if repeats.ndim == 3 else repeats
    there = _there(repeats)
    validation.finite(np.where(there[:, None, :, None], repeats, 0), "repeats")
    least = int(there.sum(0).argmin())
    if there[:, least].sum() < 2:
        raise ValueError(
            f"every trial needs 2 repeats or more; trial {least} has {there[:, least].sum()}: "
            "leave it out, here and in what is compared"
        )
    return repeats


def in_one_order(values, first=None):
    """Repeats with the trials of each in the order of `first`, else of the first of a list, by
    their labels (`trials.order`). What has no labels is returned as it is.

    Example:
        >>> from simlib import repeats
        >>> repeats.in_one_order([[[0, 1], [2, 3]], [[0, 2], [2, 4]]])[1].shape
        (2, 2)
    """
    listed = isinstance(values, list | tuple) and len(values) > 0
    given = list(values) if listed else [values]
    first = values[0] if first is None and listed else first
    orders = [trials.order(first, each, ("X", "repeat")) for each in given]
    if all(order is None for order in orders) and not listed:
        return values
    arrays = [np.asarray(each, dtype=np.float64) for each in given]
    ordered = [
        each if order is None else each[..., order, :]
        for each, order in zip(arrays, orders, strict=True)
    ]
    return ordered if listed else ordered[0]


def _there(repeats: np.ndarray) -> np.ndarray:
    """Which trials each repeat has, (repeat, trial)."""
    return ~np.isnan(repeats).all((1, 3))


def halves(repeats: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Means of two random halves of each trial's repeats, (time, trial, neuron) each.

    Each trial is split by itself; of an odd number of repeats one is left out.

    Example:
        >>> import numpy as np
        >>> from simlib import repeats
        >>> data = repeats.array([[[0, 1], [2, 3]], [[0, 1], [2, 3]]])
        >>> [half.shape for half in repeats.halves(data, np.random.default_rng(0))]
        [(1, 2, 2), (1, 2, 2)]
    """
    there = _there(repeats)
    order = np.where(there, rng.random(there.shape), 2).argsort(0).argsort(0)
    half = there.sum(0) // 2
    chosen = (order < half, (order >= half) & (order < 2 * half))
    kept = (np.where(those[:, None, :, None], repeats, 0) for those in chosen)
    return [each.sum(0) / half[:, None] for each in kept]


def agreement(pairs: list[list[np.ndarray]]) -> float:
    """Correlation of two halves with all neurons taken as one, mean over pairs, in [-1, 1].

    Example:
        >>> from simlib import repeats
        >>> half = repeats.array([[[0, 1], [2, 3]], [[0, 1], [2, 3]]])[0]
        >>> round(repeats.agreement([[half, half]]), 3)
        1.0
    """
    flat = [[validation.flat(half) for half in pair] for pair in pairs]
    flat = [[half - half.mean(0) for half in pair] for pair in flat]
    lengths = [np.sqrt(np.square(a).sum() * np.square(b).sum()) for a, b in flat]
    return float(
        np.mean([(a * b).sum() / (n or 1) for (a, b), n in zip(flat, lengths, strict=True)])
    )


class Simulation(NamedTuple):
    """A recording whose signal is known: `signal`, `mean` of its repeats, pairs of `halves`.

    Example:
        >>> from simlib import repeats
        >>> repeats.Simulation(signal=[], mean=[], halves=[]).halves
        []
    """

    signal: np.ndarray
    mean: np.ndarray
    halves: list


def simulations(
    repeats: np.ndarray, count: int, pairs: int, rng: np.random.Generator
) -> Iterator[Simulation]:
    """`count` recordings that could have given these repeats, each with `pairs` of halves.

    Signals have the principal directions of the mean, and about the spectrum that noise takes to
    that of the mean.

    Example:
        >>> import numpy as np
        >>> from simlib import repeats
        >>> rng = np.random.default_rng(0)
        >>> data = repeats.array(rng.standard_normal((6, 2)) + rng.standard_normal((4, 6, 2)))
        >>> one, two = repeats.simulations(data, 2, 1, rng)
        >>> one.signal.shape, len(one.halves)
        ((1, 6, 2), 1)
    """
    noise = _Noise(repeats, rng)
    left = noise.size**2 / noise.there.sum(0)  # of the noise's variance in each trial's mean
    signals = _Signals(
        np.nanmean(repeats, 0), left, [np.nanmean(noise.draw(), 0) for _ in range(DRAWS)]
    )
    for _ in range(count):
        signal = signals.draw(*rng.uniform(-AROUND, AROUND, 2), rng)
        drawn = signal + noise.draw()
        split = [halves(drawn, rng) for _ in range(pairs)]
        yield Simulation(signal, np.nanmean(drawn, 0), split)


class _Noise:
    """Noise like that of these repeats, drawn from their residuals.

    A trial gets the residual of any, with its own size and a random sign. The fewer residuals, the
    more correlated neurons seem: a share of each draw takes every neuron from another trial, the
    share by which Schafer & Strimmer 2005 shrink a covariance to its diagonal.
    """

    def __init__(self, repeats: np.ndarray, rng: np.random.Generator):
        self.there, self.rng = _there(repeats), rng
        counts = self.there.sum(0)
        residuals = (repeats - np.nanmean(repeats, 0)) * np.sqrt(counts / (counts - 1))[:, None]
        self.size = np.sqrt(np.nanmean(residuals**2, (0, 1, 3)))
        repeat, trial = np.nonzero(self.there)
        sizes = np.where(self.size > 0, self.size, 1)[trial, None, None]
        self.pool = residuals[repeat, :, trial] / sizes
        self._steady(counts - 1)
        flat, bins = validation.flat(self.pool), self.pool.shape[1]
        covariance = flat.T @ flat / len(flat)
        off = np.square(covariance).sum() - np.square(covariance.diagonal()).sum()
        squares = np.square(self.pool @ self.pool.swapaxes(1, 2)).sum((1, 2))
        alone = (squares - np.square((self.pool**2).sum(1)).sum(1)).mean() / bins**2
        excess = (alone - off) / (counts - 1).sum()
        self.mixed = min(1.0, max(excess, 0) / off) if off > 0 else 0.0

    def _steady(self, freedom: np.ndarray) -> None:
        """Take from the differences of sizes what is due to the few repeats of each trial."""
        units = self.pool.reshape(len(self.pool), -1)
        overlap = np.square((units * self.rng.permutation(units)).mean(1)).mean()
        self.doubt = np.sqrt(overlap / freedom.sum() / 2)  # of the size of all noise, as a share
        squares = self.size**2
        mean = squares.mean()
        if mean > 0:
            sampling = 2 * overlap / freedom  # relative variance of each square, if Gaussian
            real = max(0.0, np.var(squares / mean) - sampling.mean())
            self.size = np.sqrt(mean + real / (real + sampling) * (squares - mean))

    def draw(self) -> np.ndarray:
        """(repeat, time, trial, neuron), NaN where a trial is missing."""
        rng, shape = self.rng, self.there.shape
        count, _, neurons = self.pool.shape
        whole = self.pool[rng.integers(count, size=shape)]
        whole = whole * rng.choice([-1.0, 1.0], (*shape, 1, 1))
        mixed = self.pool[rng.integers(count, size=(*shape, neurons)), :, np.arange(neurons)]
        drawn = np.sqrt(1 - self.mixed) * whole + np.sqrt(self.mixed) * mixed.swapaxes(2, 3)
        size = self.size * np.exp(self.doubt * rng.standard_normal())
        drawn = np.where(self.there[..., None, None], drawn * size[:, None, None], np.nan)
        return drawn.swapaxes(1, 2)


class _Signals:
    """Signals that this noise could have turned into this mean."""

    def __init__(self, mean: np.ndarray, left: np.ndarray, noises: list[np.ndarray]):
        self.shape, X = mean.shape, validation.flat(mean)
        self.origin = X.mean(0)
        sizes = np.linalg.svd(X - self.origin, compute_uv=False)
        # Trials of few repeats hold more noise, which is not to look like signal.
        signal = np.square(X - self.origin).mean() - left.mean()
        variances = max(signal, left.mean() / 100) + left
        even = (mean - self.origin) / np.sqrt(variances)[:, None]
        even = validation.flat(even)
        self.U, _, self.V = np.linalg.svd(even - even.mean(0), full_matrices=False)
        noises = [validation.flat(noise) - validation.flat(noise).mean(0) for noise in noises]
        along = np.mean([np.square(noise @ self.V.T).sum(0) for noise in noises], axis=0)
        self.energies = np.maximum(sizes**2 - along, 0)
        for _ in range(ROUNDS):
            signal = self._matrix(self.energies)
            noisy = [np.linalg.svd(signal + noise, compute_uv=False) ** 2 for noise in noises]
            closer = self.energies + sizes**2 - np.mean(noisy, axis=0)
            self.energies = np.sort(np.maximum(closer, 0))[::-1]
        # A PC with less doesn't show among noise (Baik et al. 2005).
        self.unseen = np.mean([np.square(noise).sum() for noise in noises]) / np.sqrt(X.size)

    def _matrix(self, energies: np.ndarray) -> np.ndarray:
        return (self.U * np.sqrt(energies)) @ self.V

    def draw(self, strength: float, dispersion: float, rng: np.random.Generator) -> np.ndarray:
        """(time, trial, neuron): the signal times e^strength, its spectrum to 1 + dispersion.

        PCs that can't be seen are left out in some draws, and added in others.
        """
        level = rng.uniform(-1, 1) * self.unseen
        energies = np.where(self.energies < -level, 0, np.maximum(self.energies, level))
        energies = energies if energies.any() else self.energies
        spread = (energies / energies.max()) ** (1 + dispersion)
        spread *= self.energies.sum() / spread.sum() * np.exp(2 * strength)
        return (self.origin + self._matrix(spread)).reshape(self.shape)
