"""Trajectories along the axes of task variables."""

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

__all__ = ["targeted_trajectories"]


def targeted_trajectories(
    projected: xr.DataArray, across: str, along: str, context: str, ax: Axes
) -> Axes:
    """Condition averages in one context on two targeted axes, coloured by the strength of `along`.

    `projected` is (time, trial, variable), from `datasets.project`; the trials of `context` with
    the same value of the variable `along` are averaged. A dot marks the end of a trajectory. The
    horizontal axis is `across`.
    """
    shown = projected.isel(trial=np.flatnonzero(projected["context"].values == context))
    levels = np.unique(shown[along].values)
    shades = mpl.colormaps["coolwarm"](np.linspace(0, 1, len(levels)))
    for level, shade in zip(levels, shades, strict=True):
        path = shown.isel(trial=np.flatnonzero(shown[along].values == level)).mean("trial")
        x, y = path.sel(variable=across).values, path.sel(variable=along).values
        ax.plot(x, y, "o-", color=shade, lw=1.4, ms=5, markevery=[-1])
    names = [name.removesuffix("_coherence_rank") for name in (across, along)]
    ax.set(
        xlabel=f"{names[0]} axis (z-scored)",
        ylabel=f"{names[1]} axis (z-scored)",
        title=f"context: {context}",
    )
    return ax
