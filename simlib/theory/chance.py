"""Expected scores of independent data: X (n x p) and Y (n x q) of standard Gaussian entries.

N = n - 1 is the number of directions that centring leaves. Each docstring says what is exact and
how far off the rest is: the largest difference from the mean of simulated draws over n = 50 and 100
and p, q = 1 to 400.
"""

import numpy as np

from simlib.theory.spectrum import angular, penalty_of_ridge


def _sizes(samples: int, *neurons: int) -> int:
    """N = samples - 1, for sizes that make sense."""
    if samples < 2 or min(neurons) < 1:
        raise ValueError(
            f"chance needs 2 or more samples and 1 or more neurons; got {samples} and {neurons}"
        )
    return samples - 1


def _participation(directions: int, neurons: int) -> float:
    """E[tr(K)^2] / E[||K||_F^2] = (N p + 2) / (N + p + 1), K the Gram matrix of p neurons."""
    return (directions * neurons + 2) / (directions + neurons + 1)


def chance_cka(samples: int, neurons_x: int, neurons_y: int) -> float:
    """Expected CKA of independent Gaussian X and Y, in (0, 1].

    sqrt(R(p) R(q)) / N with the participation ratio R(p) = (N p + 2) / (N + p + 1): sqrt(p q / ((p
    + n) (q + n))) but for the 2. Of E[CKA] = E[sqrt(PR_X)] E[sqrt(PR_Y)] / N, which is exact, only
    the participation ratios are approximated, by a ratio of expectations. Exact for p = q = 1;
    elsewhere the error is below 0.001.

    Example:
        >>> import simlib as sl
        >>> round(sl.theory.chance_cka(100, 20, 30), 2)
        0.2
    """
    N = _sizes(samples, neurons_x, neurons_y)
    return float(np.sqrt(_participation(N, neurons_x) * _participation(N, neurons_y)) / N)


def chance_cka_angular_score(samples: int, neurons_x: int, neurons_y: int) -> float:
    """Expected angular CKA of independent Gaussian X and Y, in (0, 1].

    1 - (2/pi) arccos of `chance_cka`: the mean goes through the arc cosine as if it were every
    draw's score. The error is below 0.002.

    Example:
        >>> import simlib as sl
        >>> round(sl.theory.chance_cka_angular_score(100, 20, 30), 2)
        0.13
    """
    return float(angular(chance_cka(samples, neurons_x, neurons_y)))


def chance_ensd(samples: int, neurons_x: int, neurons_y: int) -> float:
    """Expected effective number of shared dimensions of independent Gaussian X and Y.

    R(p) R(q) / N, R as in `chance_cka`. The error is below 1% of the value.

    Example:
        >>> import simlib as sl
        >>> round(sl.theory.chance_ensd(100, 20, 30), 2)
        3.81
    """
    N = _sizes(samples, neurons_x, neurons_y)
    return _participation(N, neurons_x) * _participation(N, neurons_y) / N


def chance_linear_regression(samples: int, neurons_x: int, neurons_y: int) -> float:
    """Expected linear-regression R^2 of X from an independent Gaussian Y, in (0, 1]: min(q, N) / N.

    Exact, for any X.

    Example:
        >>> import simlib as sl
        >>> round(sl.theory.chance_linear_regression(100, 20, 30), 2)
        0.3
    """
    N = _sizes(samples, neurons_x, neurons_y)
    return min(neurons_y, N) / N


def chance_ridge(samples: int, neurons_x: int, neurons_y: int, penalty: float = 100.0) -> float:
    """Expected ridge R^2 (scored where fitted) of X from an independent Gaussian Y, in [0, 1].

    1 - E[mean_j (a / (l_j + a))^2] over the N eigenvalues l_j of Y's Gram matrix, exact for any X;
    the mean by Marchenko and Pastur's law. Its Stieltjes transform g solves a N g^2 + (a + q - N) g
    = 1, so that this is 1 - a^2 (N g^2 + g) / sqrt((a + q - N)^2 + 4 a N). At a = 100 too high by
    at most 0.0015; exact at a = 0. Raises ValueError for a < 0.

    Example:
        >>> import simlib as sl
        >>> round(sl.theory.chance_ridge(100, 20, 30), 2)
        0.21
    """
    N, a = _sizes(samples, neurons_x, neurons_y), penalty_of_ridge(penalty)
    if a == 0:
        return chance_linear_regression(samples, neurons_x, neurons_y)
    more = a + neurons_y - N
    root = np.sqrt(more**2 + 4 * a * N)
    # Neither takes a difference of near equals.
    g = 2 / (more + root) if more > 0 else (root - more) / (2 * a * N)
    return float(1 - a**2 * (N * g**2 + g) / root)


def chance_nbs(samples: int, neurons_x: int, neurons_y: int, points: int = 2000) -> float:
    """Expected NBS of independent Gaussian X and Y, in (0, 1].

    With x = p / N and y = q / N it is (2/pi) / sqrt(x y) times the integral over r > 0 of |Im
    z(r)|, z the complex root of (1 + z) (x + z) (y + z) = r^2 z: the law of the eigenvalues r^2 of
    the product of the two Gram matrices, each over N, for large sizes (the free product of two
    Marchenko-Pastur laws). By the midpoint rule at `points` values of r. Too high by at most 0.008,
    for a few neurons each; by less than 0.001 from 400 neurons on.

    Example:
        >>> import simlib as sl
        >>> round(sl.theory.chance_nbs(100, 20, 30), 2)
        0.4
    """
    N = _sizes(samples, neurons_x, neurons_y)
    x, y = neurons_x / N, neurons_y / N
    end = (1 + np.sqrt(x)) * (1 + np.sqrt(y))  # no singular value is larger
    r = (np.arange(points) + 0.5) / points * end
    companion = np.zeros((points, 3, 3))
    companion[:, 1, 0] = companion[:, 2, 1] = 1
    companion[:, 0, 2], companion[:, 2, 2] = -x * y, -(1 + x + y)
    companion[:, 1, 2] = -(x + y + x * y - r**2)
    imaginary = np.abs(np.linalg.eigvals(companion).imag).max(1)
    return float(min(1, 2 / np.pi * imaginary.mean() * end / np.sqrt(x * y)))


def chance_procrustes_angular_score(samples: int, neurons_x: int, neurons_y: int) -> float:
    """Expected angular Procrustes of independent Gaussian X and Y, in (0, 1].

    1 - (2/pi) arccos of `chance_nbs`. Too high by at most 0.005.

    Example:
        >>> import simlib as sl
        >>> round(sl.theory.chance_procrustes_angular_score(100, 20, 30), 2)
        0.26
    """
    return float(angular(chance_nbs(samples, neurons_x, neurons_y)))


# id of the measure -> expected score of Gaussian data of a size (samples, neurons of X and of Y)
CHANCE = {
    "cka": chance_cka,
    "cka-angular-score": chance_cka_angular_score,
    "ensd": chance_ensd,
    "nbs": chance_nbs,
    "procrustes-angular-score": chance_procrustes_angular_score,
    "linreg": chance_linear_regression,
    "ridge": chance_ridge,
}
