"""The ascent: from noise towards the maximum of a score, one step at a time."""

import operator
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
import torch
from torch.optim.adam import adam

from simlib import validation
from simlib.linalg import far_from_zero
from simlib.measures import MEASURES, Measure, Name, measure
from simlib.threads import look, on_free_cores

__all__ = [
    "OPTIMISERS",
    "Recorder",
    "Trajectory",
    "climb",
    "climb_together",
    "fixed_side",
    "maximize",
    "maximize_many",
    "precision",
    "start_from_noise",
]

Observer = Callable[[int, float, torch.Tensor], None]


class _Adam:
    """What `torch.optim.Adam` does to one tensor, uphill; torch's class loads its compiler first, a
    second in each process.
    """

    def __init__(self, Y: torch.Tensor, lr: float):
        self.Y, self.lr = Y, lr
        self.steps = torch.zeros((), dtype=torch.float32, device=Y.device)
        self.mean, self.square = torch.zeros_like(Y), torch.zeros_like(Y)

    def step(self) -> None:
        """Change the tensor along its `grad`."""
        held = [self.Y], [self.Y.grad], [self.mean], [self.square], [], [self.steps]
        settings = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}
        adam(*held, **settings, lr=self.lr, amsgrad=False, maximize=True, fused=True)


# Name -> the optimiser of Y at a learning rate. The paper's is Adam. A score without units has a
# gradient that goes as 1 / |Y|: plain steps (SGD) are in proportion to the start's sum of squares.
# L-BFGS takes one iteration, with a line search, a step; it minimises.
OPTIMISERS: dict[str, Callable[[torch.Tensor, float], _Adam | torch.optim.Optimizer]] = {
    "adam": _Adam,
    "sgd": lambda Y, lr: torch.optim.SGD([Y], lr=3 * lr * float(Y.square().sum()), maximize=True),
    "lbfgs": lambda Y, lr: torch.optim.LBFGS(
        [Y],
        max_iter=1,
        max_eval=25,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        history_size=10,
        line_search_fn="strong_wolfe",
    ),
}


class Trajectory(NamedTuple):
    """What an ascent leaves.

    Attributes:
        scores: (steps,), one for each Y scored.
        Y: in X's layout, the one whose score is scores[-1].
        stopped: "reached" (the score passed `stop`), "steps" (the budget ended) or "not finite"
            (the measure or its gradient gave NaN or infinity; Y and scores are the last that were
            finite).

    Example:
        >>> import simlib as sl
        >>> ascent = sl.maximize("cka", [[0, 0], [2, 0], [0, 1], [2, 1]], steps=3)
        >>> len(ascent.scores), ascent.Y.shape, ascent.stopped
        (3, (4, 2), 'steps')
    """

    scores: np.ndarray
    Y: np.ndarray
    stopped: str


class Recorder:
    """Calls the observers of an ascent at the steps that are due.

    Every k-th step for a `record` of k (int); for a float the first, the last and whenever the
    score has moved by that much. Raises ValueError for another `record`, and for an observer that
    changes Y.

    Example:
        >>> import simlib as sl, torch
        >>> steps = []
        >>> recorder = sl.optimize.Recorder([lambda step, score, Y: steps.append(step)], record=2)
        >>> for step in range(5):
        ...     recorder(step, 0.1 * step, torch.zeros(4, 2))
        >>> steps
        [0, 2, 4]
    """

    def __init__(self, observers: Sequence[Observer], record: int | float):
        if callable(observers):
            raise TypeError(
                "observers is a sequence of functions; put a single one into a list: observers=[f]"
            )
        if isinstance(record, bool) or not isinstance(record, Real) or not record > 0:
            raise ValueError(
                f"record is every k-th step (int) or a move of score (float), not {record!r}"
            )
        self.observers, self.record = tuple(observers), record
        self.last_score, self.last_step = None, -1

    def due(self, step: int, score: float, last: bool) -> bool:
        if isinstance(self.record, Integral):
            return step % self.record == 0
        return last or self.last_score is None or abs(score - self.last_score) >= self.record

    def __call__(self, step: int, score: float, Y: torch.Tensor, last: bool = False) -> None:
        if step == self.last_step or not self.due(step, score, last):
            return
        self.last_score, self.last_step = score, step
        version = Y._version
        for observer in self.observers:
            observer(step, score, Y)
        if Y._version != version:
            raise ValueError(
                "an observer changed Y in place; observers may look at it, and change a Y.clone()"
            )


def start_from_noise(
    shape: tuple[int, ...], seed: int, dtype=torch.float32, device="cpu"
) -> torch.Tensor:
    """Standard Gaussian noise of this shape, the same on every device for one seed.

    Example:
        >>> import simlib as sl
        >>> sl.optimize.start_from_noise((40, 5), seed=0).shape
        torch.Size([40, 5])
    """
    generator = torch.Generator("cpu").manual_seed(operator.index(seed))
    return torch.randn(shape, generator=generator, dtype=dtype, device="cpu").to(device)


def fixed_side(bound: Measure, X: np.ndarray, dtype=torch.float32, device="cpu") -> torch.Tensor:
    """X as the tensor (samples, neurons) that ascents of this measure compare Y with.

    Its neurons are centred in float64, so that an offset costs no digits of a lower precision,
    unless the measure may depend on the offset: then `precision` says what it needs. Raises
    ValueError for a measure without a gradient.

    Example:
        >>> import numpy as np, simlib as sl
        >>> X = np.array([[1e9, 0], [1e9 + 2, 1]])
        >>> sl.optimize.fixed_side(sl.MEASURES["cka"], X)
        tensor([[-1.0000, -0.5000],
                [ 1.0000,  0.5000]])
    """
    bound.climbable()
    return torch.as_tensor(_as_compared(bound, "X", X), dtype=dtype, device=device)


def _as_compared(bound: Measure, side: str, values: np.ndarray) -> np.ndarray:
    """The side (samples, neurons), in float64, centred unless the measure may depend on it: twice,
    since the first mean is rounded at its own size.
    """
    flat = validation.flat(values)
    if "translation" not in bound.invariances_of(side):
        return flat
    flat = flat - flat.mean(0)
    return flat - flat.mean(0)


# Largest entries of which single precision holds the fourth power, which measures take.
HELD = (1e-8, 1e8)


def precision(
    bounds: Sequence[Measure],
    X: np.ndarray,
    start: np.ndarray | None = None,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> torch.dtype:
    """The dtype that an ascent of these measures needs: float64 where it is asked for, or where
    single precision would lose what varies.

    That is where X or the start lies far from 0 (`linalg.far_from_zero`) and a measure may depend
    on the offset, and where, less the offset that doesn't matter, the largest entry is not between
    1e-8 and 1e8. Raises ValueError for another dtype, and for a device that can't be used.

    Example:
        >>> import numpy as np, simlib as sl
        >>> X = np.array([[1e9, 0], [1e9 + 2, 1]])
        >>> cosines = sl.measure("rsa", distance="cosine")
        >>> [sl.optimize.precision([bound], X) for bound in (sl.MEASURES["cka"], cosines)]
        [torch.float32, torch.float64]
    """
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"dtype is torch.float32 or torch.float64; got {dtype!r}")
    sides = {"X": X} if start is None else {"X": X, "Y": start}
    compared = [_as_compared(b, side, values) for b in bounds for side, values in sides.items()]
    held = all(HELD[0] <= np.abs(values).max() <= HELD[1] for values in compared)
    if not held or any(far_from_zero(torch.from_numpy(values)) for values in compared):
        dtype = torch.float64
    validation.device(device, dtype)
    return dtype


def _offset(bound: Measure, start: np.ndarray) -> np.ndarray | float:
    """What to take from the neurons of a start before it is cast, (neurons,); 0 unless they lie
    far from 0 and the measure doesn't depend on it.
    """
    flat = validation.flat(start)
    far = far_from_zero(torch.from_numpy(flat))
    return flat.mean(0) if far and "translation" in bound.invariances_of("Y") else 0.0


def climb(
    objective: Callable[[torch.Tensor], torch.Tensor],
    start: torch.Tensor,
    *,
    steps: int,
    lr: float,
    done: Callable[[list[float]], bool],
    watch: Callable[[int, float, torch.Tensor, bool], None] = lambda step, score, Y, last: None,
    optimiser: str = "adam",
) -> Trajectory:
    """Ascent of `objective` from `start` (samples, neurons): score Y, then step, at most `steps`
    scores, 1 or more.

    Ends when `done(scores)` of all so far. `watch(step, score, Y, last)` sees each scored Y before
    it changes. `optimiser` is one of OPTIMISERS. Raises ValueError for another, and where the first
    score is not finite.
    """

    def single(Y: torch.Tensor) -> tuple[torch.Tensor, Callable[[], torch.Tensor]]:
        leaf = Y[0].requires_grad_(True)
        value = objective(leaf)
        return value.detach()[None], lambda: torch.autograd.grad(value, leaf)[0][None]

    return climb_together(
        single, start[None], steps=steps, lr=lr, done=[done], watch=[watch], optimiser=optimiser
    )[0]


def climb_together(
    objective: Callable[[torch.Tensor], tuple[torch.Tensor, Callable[[], torch.Tensor]]],
    starts: torch.Tensor,
    *,
    steps: int,
    lr: float,
    done: Sequence[Callable[[list[float]], bool]],
    watch: Sequence[Callable[[int, float, torch.Tensor, bool], None]],
    optimiser: str = "adam",
) -> list[Trajectory]:
    """`climb` from each of `starts` (runs, samples, neurons), all runs in one batch.

    `objective` gives the values (runs,) of all Y, and a function that gives their gradients; `done`
    and `watch` are one function a run. Only Adam moves each run as if it were alone.
    """
    validation.known("optimiser", optimiser, OPTIMISERS)
    Y = starts.clone()
    stepper = OPTIMISERS[optimiser](Y, lr)
    live = runs = list(range(len(starts)))
    scores, stopped, kept = [[] for _ in runs], ["not finite" for _ in runs], starts.clone()

    def descend() -> torch.Tensor:
        values, gradients = objective(Y.detach())
        Y.grad = -gradients()
        return -values.sum()

    went = torch.ones(len(starts), dtype=torch.bool, device=Y.device)
    for step in range(steps):
        look()
        values, gradients = objective(Y.detach())
        going = []
        # The one copy from a GPU: the scores, none where the last gradient was not finite.
        found = torch.where(went, values, float("nan")).tolist()
        for run in live:
            score = found[run]
            if not np.isfinite(score):
                if step:
                    continue
                raise ValueError(
                    f"the first score is {score}: the measure is not defined at the start of the "
                    "ascent"
                )
            scores[run].append(score)
            kept[run] = Y[run]
            reached = done[run](scores[run])
            last = reached or step == steps - 1
            watch[run](step, score, kept[run], last)
            if last:
                stopped[run] = "reached" if reached else "steps"
            else:
                going.append(run)
        if not going:
            break
        Y.grad = gradients()
        went = torch.isfinite(Y.grad).flatten(1).all(1)
        for run in set(live).difference(going):
            went[run] = False
        live = going
        if Y.is_cuda or not went.all():  # to look at it would be another copy
            # The others go along unseen: no value there may be infinite.
            moves = went.view(-1, *[1] * (Y.ndim - 1))
            Y.copy_(torch.where(moves, Y, starts))
            Y.grad = torch.where(moves, Y.grad, 0)
        stepper.step(*([descend] if optimiser == "lbfgs" else []))
    for run in runs:
        if stopped[run] == "not finite":
            watch[run](len(scores[run]) - 1, scores[run][-1], kept[run], True)
    last_kept = kept.cpu().numpy()
    return [Trajectory(np.array(scores[run]), last_kept[run].copy(), stopped[run]) for run in runs]


def _differentiable(bound: Measure, towards: Callable, Y: torch.Tensor) -> torch.Tensor:
    """The measure's value, refused where it is no 0-d tensor that depends on Y."""
    value = towards(Y)
    tensor = isinstance(value, torch.Tensor)
    if not tensor or value.ndim or not value.requires_grad:
        got = f"a tensor of shape {tuple(value.shape)}" if tensor else type(value).__name__
        without = " without a gradient" if tensor and not value.requires_grad else ""
        raise TypeError(
            f"{bound.title} can't be climbed: a measure returns a 0-d tensor that autograd can "
            f"follow back to Y; got {got}{without}"
        )
    return value


def _stop_rule(
    bound: Measure, X: torch.Tensor, stop: float | None
) -> Callable[[list[float]], bool]:
    """Whether an ascent has reached its end; of what it climbed, that is minus a distance."""
    if stop is None:
        return lambda climbed: False
    if bound.direction < 0:
        return lambda climbed: climbed[-1] >= (1 - stop) * climbed[0]
    open_ended = bound.id in MEASURES and bound.range[1] == float("inf")
    goal = stop * float(bound(X, X)) if open_ended else stop
    return lambda climbed: climbed[-1] > goal


@on_free_cores
def maximize(
    name: Name,
    X,
    *,
    seed: int = 0,
    steps: int = 1000,
    lr: float = 0.1,
    stop: float | None = 0.99,
    start=None,
    observers: Sequence[Observer] = (),
    record: int | float = 1,
    optimiser: str = "adam",
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> Trajectory:
    """Climb the gradient of score(X, Y) with respect to Y, from noise.

    Adam, in the precision of the paper: float32 scores differ from float64 by about 1e-6, far below
    a figure's resolution. So that this holds with any offset, X is centred in float64 first where
    the measure doesn't depend on it, and where it may, data far from 0 are compared in float64
    (`optimize.precision`). The score of a Y is `score(name, X, Y)`, whatever the offsets. Memory
    doesn't grow with the steps.

    Args:
        name: id, bound measure or any callable on two (samples, neurons) tensors; a distance (the
            measure's record says so) is minimised. A bare function, of which nothing is known, gets
            X and Y with their offsets.
        X: (samples, neurons) or (time, trial, neuron).
        seed: of the standard Gaussian noise of X's shape from which Y starts.
        steps: scores at most.
        lr: Adam's learning rate.
        stop: ends early once the score exceeds this; None never does. For a distance: once no more
            than the share 1 - stop of the start's distance is left; for a score without an upper
            end (ENSD): once it exceeds that share of X's score with itself.
        start: the first Y instead of noise: the same samples, any number of neurons; put into X's
            order where labels along trial say so. Where a neuron lies more than 100 deviations
            from 0 and the measure doesn't depend on it, the ascent goes without that offset.
        observers: each is called as observer(step, score, Y) with the Y that has this score,
            detached, in X's layout, valid during the call.
        record: calls them at every k-th step (int), or (float) at the first, the last and whenever
            the score has moved by that much since the last call.
        dtype, device: where and how precisely the ascent is computed; float32 becomes float64 where
            `optimize.precision` needs it. It has as many of torch's threads as cores are free, and
            sums depend on how many share them: `torch.set_num_threads(1)` before it where the same
            digits must come again.

    Returns:
        A Trajectory. Its Y has the offsets of the start, in float64 where these are far from 0; Y
            from noise has none, whatever X has.

    Raises:
        ValueError: for inputs that can't be scored or that this machine's memory doesn't hold, and
            for a dtype or device that can't be used.
        TypeError: for a measure that has no gradient.

    Source: Cloos et al. 2025 (Adam, learning rate 0.1).

    Example:
        >>> import simlib as sl
        >>> ascent = sl.maximize("cka", [[0, 0], [2, 0], [0, 1], [2, 1]], stop=0.9)
        >>> ascent.stopped, bool(ascent.scores[-1] > 0.9)
        ('reached', True)
    """
    validation.at_least("steps", operator.index(steps), 1)
    bound = measure(name)
    bound.climbable()
    offset = 0.0
    if start is None:
        reference = validation.array(X, "X")
        working = precision([bound], reference, None, dtype, device)
        Y0 = start_from_noise(reference.shape, seed, dtype, device).to(working)
    else:
        reference, given = validation.pair(X, start)
        working = precision([bound], reference, given, dtype, device)
        offset = _offset(bound, given)
        Y0 = torch.as_tensor(given - offset, dtype=working, device=device)
    shape, far = Y0.shape, bool(np.any(offset))
    there = torch.as_tensor(offset, device=device)
    fixed = fixed_side(bound, reference, working, device)
    bound.room(fixed, shape[-1], working, device)
    recorder = Recorder(observers, record)
    sign, towards = bound.direction, bound.towards(fixed)

    def watch(step: int, value: float, Y: torch.Tensor, last: bool) -> None:
        Y = Y.reshape(shape)
        recorder(step, sign * value, Y.double() + there if far else Y, last)

    ascent = climb(
        lambda Y: sign * _differentiable(bound, towards, Y),
        Y0.reshape(-1, shape[-1]),
        steps=steps,
        lr=lr,
        done=_stop_rule(bound, fixed, stop),
        watch=watch,
        optimiser=optimiser,
    )
    Y = ascent.Y.reshape(shape)
    Y = Y.astype(np.float64) + offset if far else Y
    return ascent._replace(scores=sign * ascent.scores, Y=Y)


# Numbers in X up to which a batch of ascents beats processes that take one each
# (benchmarks/together.py).
LARGEST_BATCHED = 1500


def _in_batch(bound: Measure, X: torch.Tensor, starts: torch.Tensor) -> Callable | None:
    """Values and gradients of the measure for a stack of Y; None where torch can't batch it."""
    each = torch.vmap(lambda Y: bound.direction * bound(X, Y))

    def objective(stack: torch.Tensor) -> tuple[torch.Tensor, Callable[[], torch.Tensor]]:
        values, back = torch.func.vjp(each, stack)
        return values, lambda: back(torch.ones_like(values))[0]

    if not bound.differentiable:
        return None
    try:
        values, gradients = objective(starts)
        gradients()
    except (RuntimeError, TypeError, ValueError):
        return None
    return objective if values.shape == starts.shape[:1] else None


@on_free_cores
def maximize_many(
    name: Name,
    X,
    *,
    seeds: Iterable[int],
    steps: int = 1000,
    lr: float = 0.1,
    stop: float | None = 0.99,
    observers: Callable[[int], Sequence[Observer]] = lambda seed: (),
    record: int | float = 1,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> list[Trajectory]:
    """`maximize` from several seeds: the ascents that each would give alone, up to rounding.

    Small problems (up to 1500 numbers in X) climb in one batch where the measure's operations can
    be taken over a stack of Y, as those of CKA, NBS and angular Procrustes can; the rest go one
    after the other.

    Args:
        name, X, steps, lr, stop, record, dtype, device: as for `maximize`.
        seeds: one an ascent.
        observers: a function that gives the observers of a seed.

    Returns:
        A list of Trajectory, in the order of the seeds.

    Raises:
        ValueError: as `maximize` does.

    Example:
        >>> import simlib as sl
        >>> X = [[0, 0], [2, 0], [0, 1], [2, 1]]
        >>> ascents = sl.maximize_many("cka", X, seeds=[0, 1], steps=5, stop=None)
        >>> [len(ascent.scores) for ascent in ascents]
        [5, 5]
    """
    seeds = [operator.index(seed) for seed in seeds]
    options = {
        "steps": steps,
        "lr": lr,
        "stop": stop,
        "record": record,
        "dtype": dtype,
        "device": device,
    }
    bound, reference = measure(name), validation.array(X, "X")
    working = precision([bound], reference, None, dtype, device)
    fixed = fixed_side(bound, reference, working, device)
    objective = None
    if len(seeds) > 1 and fixed.numel() <= LARGEST_BATCHED and operator.index(steps) >= 1:
        noises = [start_from_noise(fixed.shape, seed, dtype, device) for seed in seeds]
        starts = torch.stack(noises).to(working)
        objective = _in_batch(bound, fixed, starts)
    if objective is None:
        return [
            maximize(bound, X, seed=seed, observers=observers(seed), **options) for seed in seeds
        ]
    sign = bound.direction

    def watch(seed: int) -> Callable[[int, float, torch.Tensor, bool], None]:
        recorder = Recorder(observers(seed), record)
        return lambda step, value, Y, last: recorder(
            step, sign * value, Y.reshape(reference.shape), last
        )

    ascents = climb_together(
        objective,
        starts,
        steps=steps,
        lr=lr,
        done=[_stop_rule(bound, fixed, stop) for _ in seeds],
        watch=[watch(seed) for seed in seeds],
    )
    return [
        ascent._replace(scores=sign * ascent.scores, Y=ascent.Y.reshape(reference.shape))
        for ascent in ascents
    ]
