"""Two small datasets made by code, in which one can see what a similarity score rewards."""

import numpy as np
import xarray as xr

from simlib.datasets.arrays import recording

PAPER = "after Cloos et al. 2025, arXiv:2407.07059"


def toy_2d(*, time_bins: int = 20, second_share: float = 0.15) -> xr.DataArray:
    """Six curved trajectories in a plane, (time_bins, 6, 2): three coherences x two choices.

    Along axis 1 evidence adds up towards the choice, faster at higher coherence; along axis 2 every
    trajectory arches away from the start and comes part of the way back. The axes are the principal
    components. Nothing is random.

    Args:
        time_bins: 3 or more.
        second_share: share of the variance along axis 2, in (0, 0.5).

    Raises:
        ValueError: for fewer time bins, or another share.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.load("toy-2d", time_bins=5).shape
        (5, 6, 2)
    """
    if time_bins < 3 or not 0 < second_share < 0.5:
        raise ValueError(
            "toy-2d needs at least 3 time bins and a second_share between 0 and 0.5; got "
            f"time_bins={time_bins}, second_share={second_share}"
        )
    time = np.linspace(0, 1, time_bins)[:, None]
    choice = np.repeat([-1, 1], 3)
    coherence = np.tile([0.1, 0.3, 0.6], 2)
    drift = 0.35 + coherence
    x = choice * drift * time**1.5
    y = np.sin(0.8 * np.pi * time) / (1 + coherence)
    # x is odd in choice and y even, so they are uncorrelated: the axes are the PCs, and y's scale
    # sets the share
    y *= np.sqrt(second_share / (1 - second_share) * (x**2).sum() / ((y - y.mean()) ** 2).sum())
    return recording(
        np.stack([x, y], axis=-1),
        {
            "choice": np.where(choice > 0, "right", "left"),
            "coherence": np.tile(["weak", "middle", "strong"], 2),
        },
        name="toy-2d",
        title="Toy in two dimensions",
        source="synthetic: made by code",
        citation=PAPER,
        licence="MIT (made by code)",
        task_variables=["choice", "coherence"],
        main_variable="choice",
        sample_kind="averages",
        processing={"time_bins": time_bins, "second_share": second_share},
        time=time[:, 0],
    )


def hierarchy(
    *,
    seed: int = 0,
    branches: tuple[int, int, int] = (2, 5, 10),
    features: int = 50,
    resampling: float = 0.2,
) -> xr.DataArray:
    """Binary features inherited down a tree, (1, leaves, features): what the paper calls
    Ultrametric.

    The root draws each feature from {0, 1} with equal odds; each child copies its parent, then
    draws each feature anew with probability `resampling`. Labels: `category`, the middle node above
    a leaf (10 of them by default), and the coordinate `branch`, the top one (2).

    Args:
        seed: same seed, same bits.
        branches: children per node at the three levels; 100 leaves by default.
        features: how many.
        resampling: probability in (0, 1].

    Raises:
        ValueError: for a level without children, no features, or another probability.

    Example:
        >>> import simlib as sl
        >>> X = sl.datasets.load("hierarchy", branches=(2, 2, 3), features=8)
        >>> X.shape, sorted(set(sl.datasets.labels(X).tolist()))
        ((1, 12, 8), ['node 0', 'node 1', 'node 2', 'node 3'])
    """
    if min(branches) < 1 or features < 1 or not 0 < resampling <= 1:
        raise ValueError(
            "hierarchy needs a branch or more at each level, a feature or more, and a resampling "
            "probability "
            f"in (0, 1]; got branches={tuple(branches)}, features={features}, "
            f"resampling={resampling}"
        )
    rng = np.random.default_rng(seed)
    nodes = rng.integers(0, 2, (1, features))
    for children in branches:
        nodes = np.repeat(nodes, children, axis=0)
        redrawn = rng.random(nodes.shape) < resampling
        nodes = np.where(redrawn, rng.integers(0, 2, nodes.shape), nodes)
    top, middle, leaves = branches
    return recording(
        nodes.astype(float)[None],
        {
            "category": np.repeat([f"node {i}" for i in range(top * middle)], leaves),
            "branch": np.repeat(np.arange(top), middle * leaves),
        },
        name="hierarchy",
        title="Hierarchy",
        source="synthetic: made by code",
        citation=PAPER,
        licence="MIT (made by code)",
        task_variables=["category"],
        main_variable="category",
        sample_kind="trials",
        processing={
            "seed": seed,
            "branches": list(branches),
            "features": features,
            "resampling": resampling,
        },
    )
