"""Bounds as text: rounding may loosen a bound, never tighten it."""

import math

__all__ = ["directed"]

ROUNDING = 1e-9  # of the ends themselves: nearer to a short number than this is that number


def directed(value: float, towards: str, digits: int = 3) -> str:
    """The number as text, rounded "down" or "up".

    "At least 0.9755" is "at least 0.975", and "at most" 0.976; where some Y scores as little as
    0.9755, "as little as 0.976" is true and 0.975 is not.

    Args:
        value: the number; NaN gives "".
        towards: "down" or "up".
        digits: after the point.

    Returns:
        Text.

    Raises:
        ValueError: for another direction.

    Example:
        >>> import simlib as sl
        >>> sl.exact_ranges.directed(0.97553, "down"), sl.exact_ranges.directed(0.97553, "up", 2)
        ('0.975', '0.98')
    """
    if towards not in ("down", "up"):
        raise ValueError(f"a number is rounded 'down' or 'up'; got {towards!r}")
    if math.isnan(value):
        return ""
    unit = 10.0**digits
    up = towards == "up"
    whole = math.ceil((value - ROUNDING) * unit) if up else math.floor((value + ROUNDING) * unit)
    return f"{whole / unit:.{digits}f}"
