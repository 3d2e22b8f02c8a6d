"""Time of one step of the ascent, one PC capture and one decoding, against plain implementations.

    python benchmarks/steps.py [--shapes mante freeman ...] [--repeats 7]

The two sides alternate in one process; a ratio is plain / simlib of one pair of runs, given as the
median with the least and the greatest. Absolute times depend on the machine, the ratios less so. Y
is where the measure's own ascent stands after 20 steps. "Along an ascent" means that the decoders
have seen the two snapshots before.
"""

import argparse
import functools
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import plain
import torch

import simlib as sl
from simlib.components import captured_variance, left_singular_vectors
from simlib.decoding import Decoders

SHAPES = {
    "mante": "surrogate-mante2013",
    "hatsopoulos": "surrogate-hatsopoulos2007",
    "majaj": "surrogate-majajhong2015",
    "siegel": "surrogate-siegel2015",
    "freeman": "surrogate-freemanziemba2013",
}
YARDSTICKS = {"authors' route": plain.AUTHORS, "direct formula": plain.DIRECT}
REST = 0.1  # seconds in which threads of the side before give up waiting for more work
PATIENCE = 5.0  # a pair of runs that takes longer than this many seconds is run once


def seconds(call: Callable) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def alternate(
    plain_call: Callable,
    our_call: Callable,
    repeats: int,
    before: Callable[[], object] = lambda: None,
) -> dict:
    """Milliseconds of ours (median), and the ratios plain / ours of pairs of runs. `before` goes
    untimed before ours.

    Either side rests and runs once untimed before its turn: the other's threads may still wait for
    work on all cores.
    """

    def ours_alone() -> float:
        before()
        return seconds(our_call)

    def turn(timed: Callable[[], float]) -> float:
        time.sleep(REST)
        return min(timed() for _ in range(2))

    def pair() -> tuple[float, float]:
        return turn(lambda: seconds(plain_call)), turn(ours_alone)

    pairs = [(seconds(plain_call), turn(ours_alone))]
    if sum(pairs[0]) < PATIENCE:
        pairs = [pair() for _ in range(repeats)]
    theirs, ours = np.array(pairs).T
    ratios = theirs / ours
    return {
        "ms": 1e3 * np.median(ours),
        "ratio": np.median(ratios),
        "least": ratios.min(),
        "greatest": ratios.max(),
    }


def step(function: Callable, start: torch.Tensor) -> Callable:
    def call():
        Y = start.clone().requires_grad_(True)
        function(Y).backward()

    return call


def ascended(measure: str, values: np.ndarray) -> torch.Tensor:
    return snapshots(measure, values)[-1]


def snapshots(measure: str, values: np.ndarray) -> list[torch.Tensor]:
    """Y at the last three of 20 steps of the ascent."""
    found = []
    sl.maximize(
        measure,
        values,
        steps=20,
        stop=None,
        observers=[lambda *state: found.append(state[2].clone())],
    )
    return found[-3:]


class Following:
    """Decoders that follow an ascent: `prepare` shows them all snapshots but the last, a call
    decodes that one.
    """

    def __init__(
        self, variables: dict[str, np.ndarray], snapshots: list[torch.Tensor], device: str = "cpu"
    ):
        self.variables, self.device = variables, device
        self.snapshots = [Y.to(device) for Y in snapshots]

    def prepare(self) -> None:
        self.decoders = Decoders(self.variables, scale="recorded", device=self.device)
        for Y in self.snapshots[:-1]:
            self.decoders(Y)

    def __call__(self) -> dict[str, np.ndarray]:
        return self.decoders(self.snapshots[-1])

    def whole(self) -> None:
        """All snapshots, the first without any before it."""
        self.prepare()
        self()


def step_rows(values: np.ndarray, repeats: int) -> Iterator[dict]:
    X = torch.from_numpy(values.reshape(-1, values.shape[-1])).float()
    for measure in plain.AUTHORS:
        Y = ascended(measure, values).reshape(X.shape)
        ours = step(sl.measure(measure).towards(X), Y)
        for against, table in YARDSTICKS.items():
            slow = step(lambda Z, function=table[measure]: function(X, Z), Y)
            yield {
                "work": f"step of {measure}",
                "against": against,
                **alternate(slow, ours, repeats),
            }


def observer_rows(values: np.ndarray, labels: np.ndarray, repeats: int) -> Iterator[dict]:
    """PC capture and decoding of a Y on CKA's ascent."""
    path = snapshots("cka", values)
    Y, X = path[-1], torch.from_numpy(values.reshape(-1, values.shape[-1])).float()
    flat, vectors = Y.reshape(X.shape), left_singular_vectors(values).float()

    def capture():
        captured_variance(values, Y, vectors=vectors)

    yield {
        "work": "PC capture",
        "against": "authors' route",
        **alternate(lambda: plain.svd_capture(X, flat), capture, repeats),
    }
    yield {
        "work": "PC capture",
        "against": "direct formula",
        **alternate(lambda: plain.cached_capture(vectors, flat), capture, repeats),
    }
    bins = Y.numpy()

    def decode():
        sl.decoding_accuracy(Y, labels, scale="recorded")

    follow, few = Following({"": labels}, path), max(2, repeats // 2)
    for against, plainly in (
        ("authors' route", plain.loop_accuracy),
        ("direct formula", plain.parallel_accuracy),
    ):
        slow = functools.partial(plainly, bins, labels)
        yield {"work": "decoding", "against": against, **alternate(slow, decode, few)}
        yield {
            "work": "decoding along an ascent",
            "against": against,
            **alternate(slow, follow, few, follow.prepare),
        }


def four_variables(values: np.ndarray, repeats: int) -> dict:
    """Four two-class variables decoded from snapshots of one ascent, as in the whole of Mante's
    figure.
    """
    path = snapshots("cka", values)
    trial = np.arange(values.shape[1])
    variables = {f"variable {k}": (trial >> k) % 2 for k in range(4)}
    follow = Following(variables, path)

    def slow():
        return [plain.loop_accuracy(path[-1].numpy(), labels) for labels in variables.values()]

    times = alternate(slow, follow, max(2, repeats // 2), follow.prepare)
    return {"work": "decoding of 4 variables along an ascent", "against": "authors' route", **times}


def whole_step(values: np.ndarray, labels: np.ndarray, measure: str, repeats: int) -> dict:
    """Ascent, capture and decoding of one snapshot, together, along an ascent."""
    X = torch.from_numpy(values.reshape(-1, values.shape[-1])).float()
    path = snapshots(measure, values)
    Y, follow = path[-1], Following({"": labels}, path)
    flat, vectors, towards = (
        Y.reshape(X.shape),
        left_singular_vectors(values).float(),
        sl.measure(measure).towards(X),
    )

    def slow():
        step(lambda Z: plain.AUTHORS[measure](X, Z), flat)()
        plain.svd_capture(X, flat)
        plain.loop_accuracy(Y.numpy(), labels)

    def fast():
        step(towards, flat)()
        captured_variance(values, Y, vectors=vectors)
        follow()

    times = alternate(slow, fast, repeats, follow.prepare)
    return {"work": f"whole step of {measure}", "against": "authors' route", **times}


def rows(name: str, repeats: int) -> Iterator[dict]:
    data = sl.datasets.load(SHAPES[name])
    values, labels = data.values, data[data.attrs["main_variable"]].values
    yield from step_rows(values, repeats)
    yield from observer_rows(values, labels, repeats)
    if name == "mante":
        yield four_variables(values, repeats)
    for measure in ("cka", "procrustes-angular-score"):
        yield whole_step(values, labels, measure, max(2, repeats // 2))


def table(names, repeats: int) -> pd.DataFrame:
    found = []
    for name in names:
        shape = " x ".join(map(str, sl.datasets.load(SHAPES[name]).shape))
        found += [{"shape": f"{name} ({shape})", **row} for row in rows(name, repeats)]
    return pd.DataFrame(found)


def asked(about: str, repeats: int) -> argparse.Namespace:
    """The shapes and repeats of the command line; so many repeats unless it says."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shapes", choices=SHAPES, nargs="*", default=list(SHAPES))
    parser.add_argument("--repeats", type=int, default=repeats)
    return parser.parse_args()


def main() -> None:
    options = asked(__doc__, repeats=7)
    print(f"{torch.get_num_threads()} threads, float32 ascent; ratio = plain / simlib")
    print(table(options.shapes, options.repeats).round(1).to_string(index=False))


if __name__ == "__main__":
    main()
