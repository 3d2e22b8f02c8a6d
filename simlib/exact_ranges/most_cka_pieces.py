"""Matrices Y that copy the time courses of X's first principal components (PCs): scores, and where
they are stationary.

Y copies PCs 1..k in full, at variances x_i^2 of its own, perhaps one more in part, and has the same
variance w (the water level) in all other directions. A piece of the curve of most CKA has one k,
with or without a partial copy.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray as Array

from simlib.exact_ranges.equations import find_root, large_root, scores_of, sums_of

__all__ = ["Pieces"]

BLOCK = 256  # points handled at once
# A piece with k full copies is followed by the angle of PC k's cubic, 0 where Y is the first k PCs
# of X (no fold is in the way of an angle); one with PC k + 1 copied in part by the water level,
# over its highest. The places run from most to least like X's first PCs; a piece with a partial
# copy is worth having where the scores rise.
ANGLES = np.concatenate([np.geomspace(1e-9, 0.1, 10), np.linspace(0.2, 2.9, 28)])
LOWEST, HIGHEST = 1e-12, 1 - 1e-9
WATER = np.concatenate(
    [[HIGHEST], np.linspace(0.98, 0.6, 8), np.geomspace(0.5, 1e-5, 12), [LOWEST]]
)


class Pieces(NamedTuple):
    """The pieces of the curve for Y of q columns: `shares` of the PCs that can be copied, `norm`
    |l| over all of X's, `partial`: whether PC k + 1 is copied in part.
    """

    shares: Array
    norm: float
    q: int
    partial: bool

    @property
    def grid(self) -> Float[Array, " places"]:
        """Angles, or water levels with a partial copy, over their highest."""
        return WATER if self.partial else ANGLES

    def places(self, k: Int[Array, " e"]) -> Float[Array, "e places"]:
        """The grid along the pieces of k full copies."""
        highest = self._highest_water(k) if self.partial else np.ones(len(k))
        return self.grid * highest[:, None]

    def points(self, k: Int[Array, " e"], place: Float[Array, " e"]) -> Float[Array, "5 e"]:
        """NBS, CKA, d log CKA / d NBS, water level and pull; NaN where there is no such Y.

        In blocks of similar k: a block handles as many PCs as its largest k.
        """
        order = np.argsort(k, kind="stable")
        blocks = np.array_split(order, max(1, -(-k.size // BLOCK)))
        points = [self._block(k[block], place[block]) for block in blocks]
        return np.concatenate(points, axis=1)[:, np.argsort(order)]

    def copies(
        self, k: Int[Array, " e"], water: Array, pull: Array, place: Array
    ) -> Float[Array, "e most_k"]:
        """x_i of the full copies, 0 beyond each k: the larger roots, but for PC k that of its
        angle.
        """
        columns = np.arange(k.max(initial=0))
        large = large_root(self.shares[: len(columns)], water[:, None], pull[:, None])
        if not self.partial:
            large[np.arange(len(k)), k - 1] = self._at_angle(k, water, place)[1]
        return large * (columns < k[:, None])

    def _block(self, k: Array, place: Array) -> Array:
        water, pull = self._stationary(k, place)
        sums = self._sums(k, water, pull, place)
        slope = pull * np.sqrt(sums[0]) / sums[2]
        return np.stack([*scores_of(sums, self.norm), slope, water, pull])

    def _at_angle(self, k: Array, water: Array, angle: Array) -> tuple[Array, Array]:
        """Pull and x_k at an angle of PC k's cubic: both of its positive roots, one after
        another.
        """
        share = self.shares[k - 1]
        size = np.sqrt((water + share) / 3)
        pull = 4 * size**3 * np.sin(angle) / np.sqrt(share)
        return pull, 2 * size * np.cos((np.pi / 2 + angle) / 3)

    def _sums(self, k: Array, water: Array, pull: Array, place: Array) -> Array:
        """The sums of Y: the full copies, w in the other q - k directions, and the partial copy at
        the variance pull^2 / (4 l_{k+1}) within one of these.
        """
        x = self.copies(k, water, pull, place)
        rest, part = self.q - k, self.partial * pull / 2
        outside = np.stack([rest * water, part, part**2, rest * water**2])
        return sums_of(self.shares[: x.shape[1]], x) + outside

    def _balanced(
        self, state: Callable[..., tuple], low: Array, high: Array, *args: Array
    ) -> tuple[Array, Array]:
        """Water level and pull where the scale of Y is stationary too: w T = pull F / 2.

        `state` gives (k, water, pull, place) at an unknown, sought between `low` and `high`.
        """

        def balance(unknown: Array, *args: Array) -> Array:
            k, water, pull, place = state(unknown, *args)
            T, F, _, _ = self._sums(k, water, pull, place)
            return T - pull * F / (2 * water)

        return state(find_root(balance, low, high, *args), *args)[1:3]

    def _stationary(self, k: Array, place: Array) -> tuple[Array, Array]:
        """Water level and pull at angles of PC k, or at water levels with a partial copy."""
        if self.partial:

            def at_pull(part: Array, k: Array, water: Array) -> tuple:
                return k, water, 2 * part * np.sqrt(self.shares[k] * water), water

            return self._balanced(at_pull, np.full(k.shape, 1e-12), np.ones(k.shape), k, place)

        def at_water(log: Array, k: Array, angle: Array) -> tuple:
            return k, np.exp(log), self._at_angle(k, np.exp(log), angle)[0], angle

        share = self.shares[k - 1]
        return self._balanced(at_water, np.log(1e-14 * share), np.log(2 * share), k, place)

    def _highest_water(self, k: Array) -> Array:
        """The water level at which the partial copy of PC k + 1 becomes a full one."""

        def full(log: Array, k: Array) -> tuple:
            water = np.exp(log)
            return k, water, 2 * np.sqrt(self.shares[k] * water), water

        low, high = (np.full(k.shape, np.log(part * self.shares[0])) for part in (1e-12, 8))
        return self._balanced(full, low, high, k)[0]
