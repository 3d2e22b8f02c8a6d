"""Gaussian data with the spectrum of a recording and nothing else of it; rotated samples; smooth
responses.
"""

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from simlib import validation
from simlib.datasets.made.surrogates import smooth
from simlib.linalg import principal_components

# Distributions of single entries, from heavy to light tails; the scale doesn't matter.
TAILS = {
    "t3": lambda rng, shape: rng.standard_t(3, shape),
    "gaussian": lambda rng, shape: rng.standard_normal(shape),
    "uniform": lambda rng, shape: rng.uniform(-1, 1, shape),
    "signs": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
}


def spectrum_matched(X: xr.DataArray, seed: int = 0, tails: str = "gaussian") -> np.ndarray:
    """A Gaussian matrix with exactly X's singular values, in X's shape (time, trial, neuron);
    centred.

    Its singular vectors are those of a standard Gaussian matrix: uniformly random, and without any
    trace of time, task or condition. Source: Cloos et al. 2025, supplement. With other `tails` the
    entries of the left singular vectors are drawn from that distribution, independently, before
    they are made orthonormal in order of rank: the first PCs keep its tails, the last ones, mixed
    more, come nearer to Gaussian.

    Args:
        X: (time, trial, neuron).
        seed: same seed, same bits.
        tails: a key of TAILS.

    Raises:
        ValueError: for tails that are not in TAILS.

    Example:
        >>> import numpy as np, simlib as sl
        >>> X = sl.datasets.load("surrogate-siegel2015", trials=8, neurons=6)
        >>> G = X.copy(data=sl.datasets.made.spectrum_matched(X))
        >>> np.allclose(sl.datasets.spectrum(G), sl.datasets.spectrum(X))
        True
    """
    validation.known("tails", tails, TAILS)
    values = np.asarray(X.values, float)
    flat = values.reshape(-1, values.shape[-1])
    spread = principal_components(torch.from_numpy(flat))[1].numpy()
    rng = np.random.default_rng(
        [seed, *flat.shape]
    )  # not the stream that a surrogate of this seed was drawn from
    noise = TAILS[tails](rng, (len(flat), len(spread)))
    left = np.linalg.qr(noise - noise.mean(0))[0]
    right = np.linalg.qr(rng.standard_normal((flat.shape[1], len(spread))))[0]
    return ((left * spread) @ right.T).reshape(values.shape)


def rotation_of_samples(n: int, seed: int = 0) -> np.ndarray:
    """A random orthogonal matrix, (n, n), that leaves the constant vector as it is: centred columns
    stay so.

    Example:
        >>> import numpy as np
        >>> from simlib.datasets import made
        >>> Q = made.rotation_of_samples(5)
        >>> np.allclose(Q @ Q.T, np.eye(5)), np.allclose(Q.sum(0), 1)
        (True, True)
    """
    rng = np.random.default_rng([seed, n])
    basis = np.linalg.qr(np.column_stack([np.ones(n), rng.standard_normal((n, n - 1))]))[0][:, 1:]
    turned = np.linalg.qr(rng.standard_normal((n - 1, n - 1)))[0]
    return basis @ turned @ basis.T + 1 / n


def rotated(values, seed: int) -> np.ndarray:
    """Values (time, trial, neuron) or (samples, neurons) with their samples rotated, as float64.

    Example:
        >>> import numpy as np
        >>> from simlib.datasets import made
        >>> np.allclose(made.rotated(np.ones((4, 2)), seed=0), 1)
        True
    """
    flat = np.asarray(values, float).reshape(-1, values.shape[-1])
    return (rotation_of_samples(len(flat), seed) @ flat).reshape(values.shape)


def smooth_responses(
    spread: np.ndarray, times: int, trials: int, length: float, seed: Sequence[int]
) -> np.ndarray:
    """Gaussian responses (time, trial, neuron) whose PCs have about these standard deviations.

    Each PC of each trial follows its own Gaussian process over time, with a squared-exponential
    covariance of `length` bins (0: independent bins).

    Example:
        >>> import numpy as np
        >>> from simlib.datasets import made
        >>> made.smooth_responses(np.ones(3), times=4, trials=5, length=2.0, seed=[0]).shape
        (4, 5, 3)
    """
    rng = np.random.default_rng(seed)
    shape = (trials, len(spread))
    courses = smooth(rng, times, shape, length) if length else rng.standard_normal((times, *shape))
    rotation = np.linalg.qr(rng.standard_normal((len(spread), len(spread))))[0]
    return courses * spread @ rotation.T
