"""What the trained models share: one thread, a seed of their own, weights kept in the cache
folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from simlib.datasets.folders import cache_folder
from simlib.datasets.stored import replace_file

__all__ = ["one_thread", "weights"]


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch, as the same bits on every run need it; the caller's number
    afterwards.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def weights(
    name: str, settings: Mapping, train: Callable[[], dict[str, Tensor]], code: str
) -> dict[str, Tensor]:
    """What `train` gives, read from the cache folder when it was trained before.

    The key covers the settings, torch's version and the source file `code`. Kept as .npz: nothing
    is unpickled.
    """
    digest = hashlib.sha256(
        json.dumps([name, dict(settings), torch.__version__], sort_keys=True).encode()
    )
    digest.update(Path(code).read_bytes())
    place = cache_folder() / "models" / f"{name}-{digest.hexdigest()[:24]}.npz"
    if place.exists():
        try:
            with np.load(place, allow_pickle=False) as file:
                return {key: torch.from_numpy(file[key]) for key in file.files}
        except (OSError, ValueError, EOFError):  # cut short by a full disk, say: trained anew below
            pass
    with one_thread():
        trained = train()
    replace_file(
        place, lambda path: np.savez(path, **{key: value.numpy() for key, value in trained.items()})
    )
    return trained
