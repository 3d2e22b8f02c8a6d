"""The same work on a GPU and on two cores of the same machine.

    taskset -c 0,1 python benchmarks/gpu.py [--shapes mante ...] [--repeats 5]

Writes `book/speed/gpu.csv`, with the GPU named. The two alternate in one process, the cores with
two threads. Milliseconds on the GPU, and ratios cores / GPU of pairs of runs. A whole ascent goes
until its score passes 0.99, with PCs captured at every 0.01 of score and the task decoded at every
0.04.
"""

from collections.abc import Callable, Iterator

import bench
import numpy as np
import pandas as pd
import torch
from busy import MEASURES
from steps import SHAPES, Following, alternate, ascended, asked, snapshots, step

import simlib as sl
from simlib.components import captured_variance, left_singular_vectors
from simlib.decoding import Decoders

Work = Callable[[str], Callable]


def _waited(call: Callable) -> Callable:
    """The call, over when the GPU has done what it started."""

    def whole():
        call()
        torch.cuda.synchronize()

    return whole


def _step(measure: str, values: np.ndarray, Y: torch.Tensor) -> Work:
    X = torch.from_numpy(values.reshape(-1, values.shape[-1])).float()
    flat = Y.reshape(X.shape)
    return lambda device: step(sl.measure(measure).towards(X.to(device)), flat.to(device))


def _capture(values: np.ndarray, Y: torch.Tensor) -> Work:
    def on(device: str) -> Callable:
        vectors = left_singular_vectors(values, device=device).float()
        there = Y.to(device)
        return lambda: captured_variance(values, there, vectors=vectors)

    return on


def _ascent(measure: str, values: np.ndarray, labels: np.ndarray) -> Work:
    """A whole ascent with what figures measure along it."""

    def on(device: str) -> Callable:
        def call() -> None:
            vectors = left_singular_vectors(values, device=device).float()
            decoders, decoded = Decoders({"": labels}, scale="recorded", device=device), [-1.0]

            def observe(step: int, score: float, Y: torch.Tensor) -> None:
                captured_variance(values, Y, vectors=vectors)
                if abs(score - decoded[-1]) >= 0.04:
                    decoded.append(score)
                    decoders(Y)

            sl.maximize(measure, values, observers=[observe], record=0.01, device=device)

        return call

    return on


def works(name: str) -> Iterator[tuple[str, Work]]:
    data = sl.datasets.load(SHAPES[name])
    values, labels = data.values, data[data.attrs["main_variable"]].values
    for measure in MEASURES:
        yield f"step of {measure}", _step(measure, values, ascended(measure, values))
    path = snapshots("cka", values)
    yield "PC capture", _capture(values, path[-1])
    yield "decoding of three snapshots", lambda device: Following({"": labels}, path, device).whole
    yield (
        "20 steps towards two scores",
        lambda device: (
            lambda: sl.joint.approach("cka", "nbs", values, (1, 0), steps=20, device=device)
        ),
    )
    for measure in ("cka", "procrustes-angular-score"):
        yield f"whole ascent of {measure}", _ascent(measure, values, labels)


def polar(values: np.ndarray, device: str) -> tuple[Callable, Callable]:
    """The polar factor of X'Y, that a step of NBS needs, by singular values and by products."""
    X = torch.from_numpy(values.reshape(-1, values.shape[-1])).float()
    M = (X.T @ ascended("nbs", values).reshape(X.shape)).to(device)

    def decomposed() -> torch.Tensor:
        U, _, Vh = torch.linalg.svd(M, full_matrices=False)
        return U @ Vh

    return decomposed, lambda: sl.linalg.polar_factor(M)


def table(names=SHAPES, repeats: int = 5) -> pd.DataFrame:
    found = []
    for name in names:
        shape = " x ".join(map(str, sl.datasets.load(SHAPES[name]).shape))
        for said, work in works(name):
            times = alternate(work("cpu"), _waited(work("cuda")), repeats)
            found.append({"shape": f"{name} ({shape})", "work": said, **times})
        values = sl.datasets.load(SHAPES[name]).values
        times = alternate(*map(_waited, polar(values, "cuda")), repeats)
        said = "polar factor, against singular values on the GPU"
        found.append({"shape": f"{name} ({shape})", "work": said, **times})
    return pd.DataFrame(found)


def main() -> None:
    options = asked(__doc__, repeats=5)
    torch.set_num_threads(2)
    found = table(options.shapes, options.repeats)
    print(found.round(2).to_string(index=False))
    found.to_csv(bench.OUT / "gpu.csv", index=False, float_format="%.4g")
    said = f"{torch.cuda.get_device_name()}, and two cores of the same machine: {bench.machine()}"
    (bench.OUT / "gpu_machine.txt").write_text(said + "\n")


if __name__ == "__main__":
    main()
