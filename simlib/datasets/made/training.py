"""What the trained models share: one thread, a seed of their own, weights kept in the cache
folder.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from simlib import cache
from simlib.datasets.folders import cache_folder


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
    name: str, settings: Mapping, train: Callable[[], dict[str, Tensor]]
) -> dict[str, Tensor]:
    """What `train` gives, read from the cache folder when it was trained before.

    It is trained anew when the settings change, the versions of packages or the code that `train`
    can see (`cache.code`). Kept as .npz: nothing is unpickled.
    """

    def load(path: Path) -> dict[str, Tensor]:
        with np.load(path, allow_pickle=False) as file:
            return {key: torch.from_numpy(file[key]) for key in file.files}

    def save(trained: dict[str, Tensor], draft: Path) -> None:
        with draft.open("wb") as file:  # to a name np.savez would add .npz
            np.savez(file, **{key: value.numpy() for key, value in trained.items()})

    def place() -> Path:
        key = cache.digest([dict(settings), cache.depends_on(train)])
        return cache_folder() / "models" / f"{name}-{key[:24]}.npz"

    return cache.kept(place, load, one_thread()(train), save)
