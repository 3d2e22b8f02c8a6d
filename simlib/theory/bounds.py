"""What CKA says of NBS when no more than the ranks are known."""

import numpy as np
from numpy import ndarray as Array


def nbs_bounds(cka, rank_x: int, rank_y: int) -> tuple[Array | float, Array | float]:
    """The lowest and the highest NBS that a CKA allows, both in [0, 1].

    CKA / sqrt(r_X r_Y) <= NBS^2 <= min(r_X, r_Y) CKA, with the ranks r of the two sides (of the
    centred columns). Norms of X'Y bound each other, ||.||_F <= ||.||_* <= sqrt(r) ||.||_F, and so
    do those of either side's covariance. Raises ValueError for a CKA outside [0, 1] or a rank below
    1.

    Example:
        >>> import simlib as sl
        >>> low, high = sl.theory.nbs_bounds(0.9, rank_x=4, rank_y=1)
        >>> round(float(low), 2), round(float(high), 2)
        (0.67, 0.95)
    """
    values = np.asarray(cka, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all() or min(rank_x, rank_y) < 1:
        raise ValueError(
            f"CKA lies in [0, 1] and ranks are 1 or more; got {cka} with ranks {rank_x} and "
            f"{rank_y}"
        )
    low = np.sqrt(values / np.sqrt(rank_x * rank_y))
    return low, np.minimum(1, np.sqrt(min(rank_x, rank_y) * values))
