"""Small files of every format that `load` reads, and damaged copies of them."""

import os
import random
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import scipy.io
import xarray as xr
from test_matlab import Cell, write_5, write_73
from test_nwb import WINDOW
from test_nwb import write as write_nwb

from simlib import datasets

TRIALS = 8
TARGET = np.tile([0, 1], TRIALS // 2)
X = np.random.default_rng(0).standard_normal((3, TRIALS, 4))
ARRAYS = {"X": X, "target": TARGET.astype(float)}


def recording(words: bool = True) -> xr.DataArray:
    coords = {"target": ("trial", TARGET), "time": [0.0, 0.1, 0.2]}
    if words:
        coords["side"] = "trial", np.where(TARGET, "left", "right")
    return datasets.load(xr.DataArray(X, dims=("time", "trial", "neuron"), coords=coords))


def save_npz(path: Path) -> None:
    np.savez_compressed(path, **ARRAYS)


def save_npy(path: Path) -> None:
    np.save(path, X)


def save_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=X, chunks=(3, 4, 4), compression="gzip", fletcher32=True)
        file["target"] = TARGET
        file["group/more"] = np.arange(5)


def save_mat(path: Path, write, **options) -> None:
    many = [{"data": X[:, k], "side": "left"} for k in range(3)]
    write(path, D=many, c=Cell(["left", "right"] * 4), **ARRAYS, **options)


def save_mat4(path: Path) -> None:
    scipy.io.savemat(path, {"X": X[0], "target": TARGET}, format="4")


def save_netcdf3(path: Path) -> None:
    plain = recording(words=False).rename("response")
    plain.to_netcdf(path, engine="scipy", format="NETCDF3_64BIT")


def save_zarr3(path: Path) -> None:
    recording(words=False).rename("response").to_zarr(path, zarr_format=3)


def table() -> pd.DataFrame:
    wide = pd.DataFrame(X[0], columns=[f"unit{k}" for k in range(4)])
    return wide.assign(target=TARGET, side=np.where(TARGET, "left", "right"))


# format -> (name of the file, what writes it, options of `load`)
FORMATS = {
    "npz": ("a.npz", save_npz, {}),
    "npy": ("a.npy", save_npy, {"labels": {"target": TARGET}}),
    "mat4": ("a.mat", save_mat4, {"values": "X", "dims": ("trial", "neuron")}),
    "mat5": ("a.mat", lambda path: save_mat(path, write_5), {"values": "X"}),
    "mat5-packed": ("a.mat", lambda path: save_mat(path, write_5, packed=True), {"values": "X"}),
    "mat7.3": ("a.mat", lambda path: save_mat(path, write_73), {"values": "X"}),
    "hdf5": ("a.h5", save_hdf5, {}),
    "netcdf3": ("a.nc", save_netcdf3, {}),
    "netcdf4": ("a.nc", lambda path: datasets.save(recording(), path), {}),
    "nwb": ("a.nwb", write_nwb, {"spikes": WINDOW}),
    "zarr2": ("a.zarr", lambda path: datasets.save(recording(), path), {}),
    "zarr3": ("a.zarr", save_zarr3, {}),
    "csv": ("a.csv", lambda path: table().to_csv(path, index=False), {}),
    "tsv": ("a.tsv", lambda path: table().to_csv(path, index=False, sep="\t"), {}),
    "parquet": ("a.parquet", lambda path: table().to_parquet(path, write_page_checksum=True), {}),
}


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """Bytes with a few of them changed, cut, moved, emptied, or a length among them set."""
    raw, size = bytearray(raw), len(raw)
    place, length = chance.randrange(size), 1 + chance.randrange(max(1, size // 8))
    kind = chance.choice(("flip", "flip", "flip", "cut", "splice", "empty", "length", "insert"))
    if kind == "flip":
        for _ in range(chance.choice((1, 1, 2, 8))):
            raw[chance.randrange(size)] ^= 1 << chance.randrange(8)
    elif kind == "cut":
        del raw[place:]
    elif kind == "splice":
        raw[place : place + length] = raw[chance.randrange(size) :][:length]
    elif kind == "empty":
        raw[place : place + length] = bytes(len(raw[place : place + length]))
    elif kind == "length":
        width, order = chance.choice((2, 4, 8)), chance.choice(("little", "big"))
        number = chance.choice((0, 1, size, 2**31 - 1, 2**32 - 1, 2**40, 2**63, 2**64 - 1))
        raw[place : place + width] = (number % 256**width).to_bytes(width, order)
    else:
        raw[place:place] = chance.randbytes(1 + chance.randrange(16))
    return bytes(raw)


def mutant(whole: Path, copy: Path, seed: int) -> Path:
    """A damaged copy of a file; of a store, with one of its files damaged or gone."""
    chance = random.Random(seed)
    if whole.is_file():
        copy.write_bytes(damaged(whole.read_bytes(), chance))
        return copy
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(whole, copy)
    files = sorted(Path(folder, name) for folder, _, names in os.walk(copy) for name in names)
    file = chance.choice([one for one in files if one.stat().st_size])
    if chance.random() < 0.05:
        file.unlink()
    else:
        file.write_bytes(damaged(file.read_bytes(), chance))
    return copy
