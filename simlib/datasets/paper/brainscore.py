"""MajajHong 2015 and FreemanZiemba 2013: netCDF assemblies as Brain-Score publishes them.

An assembly has the dimensions presentation x neuroid x time_bin. Coordinates along presentation say
which image was shown and what it showed, those along neuroid where a neuron lies.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from simlib import validation
from simlib.datasets.arrays import recording
from simlib.datasets.paper.downloads import locate
from simlib.datasets.paper.netcdf import in_regions, open_array
from simlib.datasets.paper.stored import stored
from simlib.datasets.processing import group_means

IMAGE = ("stimulus_id", "image_id")  # the coordinate's newer and older name
BLOCK = 16  # neurons read at once


def majajhong2015(
    *,
    path: str | os.PathLike | None = None,
    region: str | Sequence[str] = "IT",
    average: bool = True,
) -> xr.DataArray:
    """Responses to images of 8 object categories, (1, image, neuron): 70 to 170 ms, normalised
    rates.

    Labels: `category` (main) and `object`; images are the coordinate `image_id`.

    Args:
        path: the assembly (MajajHong2015.public, netCDF) or its folder; without it, it is looked
            for in the folder `majajhong2015` of SIMLIB_DATA or the cache folder, and downloaded if
            it is not there.
        region: "IT", "V4" or both.
        average: over the repetitions of an image.

    Raises:
        FileNotFoundError: when there is nothing to read.
        ValueError: for another layout or an unknown region.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.load("majajhong2015").shape  # doctest: +SKIP
        (1, 3200, 168)
        >>> sl.datasets.load("majajhong2015", path="no.nc")
        Traceback (most recent call last):
        FileNotFoundError: majajhong2015 needs its original file, and no.nc does not exist. ...
    """
    return stored(
        "majajhong2015",
        locate("majajhong2015", path, ".nc"),
        lambda place, **settings: _assembled(
            place,
            settings,
            names={"category": "category_name", "object": "object_name"},
            decoded=["category", "object"],
            unit="normalised rate",
            name="majajhong2015",
            title="MajajHong 2015",
            source="Brain-Score, MajajHong2015.public",
            citation="Majaj et al. 2015, doi:10.1523/JNEUROSCI.5181-14.2015",
        ),
        region=validation.names(region, "region"),
        average=average,
    )


def freemanziemba2013(
    *,
    path: str | os.PathLike | None = None,
    region: str | Sequence[str] = ("V1", "V2"),
    average: bool = True,
    bin_ms: float = 150,
) -> xr.DataArray:
    """Responses to textures and spectrally matched noise, (time, image, neuron), in spikes/ms.

    The label is `texture_type`; `texture_family` is a coordinate that is not decoded.

    Args:
        path: as for `majajhong2015`.
        region: "V1", "V2" or both.
        average: over the repetitions of an image.
        bin_ms: bins of 1 ms are averaged into bins of this width; those that fill none are dropped.

    Raises:
        FileNotFoundError: when there is nothing to read.
        ValueError: for another layout, an unknown region, or bins that don't fit.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.load("freemanziemba2013").shape  # doctest: +SKIP
        (2, 135, 205)
        >>> sl.datasets.load("freemanziemba2013", path="no.nc")
        Traceback (most recent call last):
        FileNotFoundError: freemanziemba2013 needs its original file, and no.nc does not exist. ...
    """
    return stored(
        "freemanziemba2013",
        locate("freemanziemba2013", path, ".nc"),
        lambda place, **settings: _assembled(
            place,
            settings,
            names={"texture_type": "texture_type", "texture_family": "texture_family"},
            decoded=["texture_type"],
            unit="spikes/ms",
            name="freemanziemba2013",
            title="FreemanZiemba 2013",
            source="Brain-Score, FreemanZiemba2013.public",
            citation="Freeman et al. 2013, doi:10.1038/nn.3402",
        ),
        region=validation.names(region, "region"),
        average=average,
        bin_ms=bin_ms,
    )


def _assembled(
    place: Path, settings: dict, names: dict[str, str], decoded: list[str], unit: str, **facts
) -> xr.DataArray:
    """The assembly's neurons of the chosen regions, repetitions averaged, time bins merged, as a
    recording.

    `names` are the labels, ours -> the assembly's. Neurons are read and averaged a block at a time.
    """
    needed = (
        "is no Brain-Score assembly: it needs one array with the dimensions presentation, neuroid "
        "and time_bin"
    )
    with open_array(place, ("presentation", "neuroid", "time_bin"), needed) as data:
        image = next((name for name in IMAGE if name in data.coords), IMAGE[0])
        coords = ("region", names[decoded[0]], image)
        lacking = [name for name in coords if name not in data.coords]
        if lacking:
            raise ValueError(
                f"{place.name} lacks the coordinates {', '.join(lacking)}; it has "
                f"{', '.join(map(str, data.coords))}"
            )
        chosen = in_regions(settings["region"], data["region"])
        images = data[image].values.astype(str)
        labels = {
            ours: data[theirs].values.astype(str)
            for ours, theirs in names.items()
            if theirs in data.coords
        }
        first, member = _presentations(images, labels, settings["average"])
        starts, stops, width = _time_bins(data, settings.get("bin_ms"), place.name)
        blocks = []
        for block in np.array_split(chosen, max(1, len(chosen) // BLOCK)):
            part = data.isel(neuroid=block).transpose("presentation", "time_bin", "neuroid")
            binned = part.astype(float).coarsen(time_bin=width, boundary="trim").mean()
            blocks.append(group_means(binned.values, member).swapaxes(0, 1))
        kept = {
            name: ("neuron", data[name].values[chosen].astype(str))
            for name in ("region", "neuroid_id", "animal")
            if name in data.coords
        }
    return recording(
        np.concatenate(blocks, axis=2),
        {**{name: label[first] for name, label in labels.items()}, "image_id": images[first]},
        licence="see Brain-Score",
        task_variables=[name for name in decoded if name in labels],
        main_variable=decoded[0],
        sample_kind="averages" if settings["average"] else "trials",
        groups="" if settings["average"] else "image_id",
        processing={
            **settings,
            "unit": unit,
            "presentations": len(images),
            "repeats_mean": len(images) / len(np.unique(images)),
        },
        time=(starts + stops) / 2000,
        **facts,
    ).assign_coords(kept)


def _presentations(
    images: np.ndarray, labels: dict[str, np.ndarray], average: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Where each trial of the result comes first, (trials,), and the trial of each presentation.

    Raises ValueError for an image whose presentations differ in a label.
    """
    if not average:
        return np.arange(len(images)), np.arange(len(images))
    first, member = np.unique(images, return_index=True, return_inverse=True)[1:]
    for name, label in labels.items():
        differs = label != label[first][member]
        if differs.any():
            raise ValueError(
                f"presentations of the image {images[differs][0]!r} differ in {name}: they don't "
                "repeat one image"
            )
    return first, member


def _time_bins(
    data: xr.DataArray, bin_ms: float | None, name: str
) -> tuple[np.ndarray, np.ndarray, int]:
    """Start and end of the result's bins in ms, and how many of the assembly's make one.

    `bin_ms` None keeps the assembly's; they are 1 ms from 0 where it does not say.
    """
    known = {"time_bin_start", "time_bin_end"} <= set(data.coords)
    starts = data["time_bin_start"].values if known else np.arange(data.sizes["time_bin"])
    stops = data["time_bin_end"].values if known else starts + 1
    starts, stops = starts.astype(float), stops.astype(float)
    step = float(np.median(stops - starts))
    width = 1 if bin_ms is None else round(bin_ms / step)
    bins = len(starts) // max(width, 1)
    if width < 1 or bins < 1:
        raise ValueError(
            f"bin_ms={bin_ms} does not fit {name}: it has {len(starts)} bins of {step:g} ms"
        )
    return starts[: bins * width : width], stops[width - 1 : bins * width : width], width
