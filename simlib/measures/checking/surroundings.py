"""What a measure has no business to change: global generators, threads, dtype and modes."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def snapshot() -> dict[str, object]:
    """The global state by name, in a form that can be compared."""
    numpys = np.random.get_state()  # noqa: NPY002  # the global generator is what is looked at
    return {
        "torch's generator": torch.get_rng_state().numpy().tobytes(),
        "numpy's generator": (numpys[1].tobytes(), numpys[2]),
        "Python's generator": random.getstate(),
        "torch's threads": torch.get_num_threads(),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's gradient mode": torch.is_grad_enabled(),
        "numpy's error handling": tuple(np.geterr().items()),
    }


def disturb() -> None:
    """Draw from each global generator, so that a measure that reseeds them doesn't find them as it
    left them.
    """
    torch.rand(1)
    np.random.random()  # noqa: NPY002
    random.random()


@contextmanager
def restored() -> Iterator[None]:
    """Afterwards the global state is as it was."""
    generators = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    before = snapshot()
    try:
        yield
    finally:
        torch.set_rng_state(generators[0])
        np.random.set_state(generators[1])  # noqa: NPY002
        random.setstate(generators[2])
        if torch.get_num_threads() != before["torch's threads"]:
            torch.set_num_threads(before["torch's threads"])
        torch.set_default_dtype(before["torch's default dtype"])
        torch.set_grad_enabled(before["torch's gradient mode"])
        np.seterr(**dict(before["numpy's error handling"]))
