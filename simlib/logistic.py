"""Many logistic regressions at once: all folds and variables of all time bins in one batch."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

__all__ = ["Fits", "fit"]

MEMORY = 4  # pairs of steps and changes of gradient that L-BFGS keeps
STEPS = {torch.float32: 150, torch.float64: 300}
REFRESH = 4  # steps between two looks at the curvature


class Fits(NamedTuple):
    """Decoders of each bin and fit.

    Attributes:
        values: the log odds that they give each trial.
        weights: of the p neurons, each less its mean over the trials of the bin, and of the bias.

    Example:
        >>> import torch
        >>> from simlib.logistic import fit
        >>> Y, train = torch.eye(8)[:, :5].expand(3, 8, 5), torch.ones(8, 2, dtype=torch.bool)
        >>> fits = fit(Y, torch.tensor([[0, 1], [1, 1]] * 4), train, classes=2)
        >>> fits.values.shape, fits.weights.shape
        (torch.Size([3, 2, 1, 8]), torch.Size([3, 2, 1, 6]))
    """

    values: Float[Tensor, "bins fits outputs n"]
    weights: Float[Tensor, "bins fits outputs p+1"]


class _Axes:
    """The trials of each bin in the principal axes of that bin, r = min(n, p) of them.

    A rotation leaves a penalty on the length of the weights as it is; in these axes the curvature
    is nearly diagonal.
    """

    def __init__(self, Y: Float[Tensor, "bins n p"]):
        Y = self.Y = Y - Y.mean(1, keepdim=True)
        self.few = Y.shape[1] <= Y.shape[2]
        squares, self.vectors = torch.linalg.eigh(Y @ Y.mT if self.few else Y.mT @ Y)
        self.squares = squares.clamp_min(0)
        lengths = self.squares.sqrt()[:, None]
        self.Z = self.vectors * lengths if self.few else Y @ self.vectors
        safe = torch.where(lengths > 1e-7 * lengths.amax(2, keepdim=True), 1 / lengths, 0.0)
        self.inverse = safe[:, None] if self.few else 1.0  # the axes are Y' U / lengths, or U

    def onto(self, weights: Tensor) -> Tensor:
        """Weights of neurons as weights of axes."""
        turned = weights[..., :-1]
        if self.few:
            turned = _times(turned, self.Y.mT)
        turned = _times(turned, self.vectors) * self.inverse
        return torch.cat([turned, weights[..., -1:]], 3)

    def back(self, weights: Tensor) -> Tensor:
        """Weights of axes as weights of neurons."""
        turned = _times(weights[..., :-1].double() * self.inverse, self.vectors.mT)
        if self.few:
            turned = _times(turned, self.Y)
        return torch.cat([turned, weights[..., -1:]], 3)


def _times(
    weights: Float[Tensor, "bins fits outputs k"], each: Float[Tensor, "bins k m"]
) -> Tensor:
    return (weights.flatten(1, 2) @ each).unflatten(1, weights.shape[1:3])


class _Problem:
    """Penalised negative log-likelihood of every bin (b) and fit (f).

    Weights are (b, f, outputs, r + 1), the last one free of penalty; one output of two classes,
    else one a class.
    """

    def __init__(self, Z: Tensor, squares: Tensor, codes: Tensor, train: Tensor, classes: int):
        bins, n, r = Z.shape
        self.Z = torch.cat([Z, Z.new_ones(bins, n, 1)], 2)
        self.across = self.Z.mT.contiguous()
        self.train = train.T[:, None].to(Z.dtype)
        outputs = torch.arange(1 if classes == 2 else 0, classes, device=Z.device)
        self.target = (codes.T[:, None] == outputs[:, None]) * self.train
        self.penalty = torch.cat([Z.new_ones(r), Z.new_zeros(1)])
        self.count = self.train.sum(2, keepdim=True)
        ones = self.count.expand(bins, -1, -1, 1)
        self.spread = torch.cat([squares[:, None, None] * (self.count / n), ones], 3)
        self.start = Z.new_zeros(bins, len(self.train), len(outputs), r + 1)

    def values(self, weights: Tensor) -> Tensor:
        return _times(weights, self.across)

    def gradient(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The probability of each output where a trial is in training, else 0, and the gradient."""
        values = self.values(weights)
        likely = (values.sigmoid_() if values.shape[2] == 1 else values.softmax(2)).mul_(self.train)
        slope = _times(likely - self.target, self.Z)
        return likely, slope.addcmul_(self.penalty, weights)

    def loss(self, weights: Tensor, likely: Tensor) -> Tensor:
        truth = (likely * self.target).sum(2, keepdim=True)
        if likely.shape[2] == 1:
            truth += (self.train - likely) * (1 - self.target)
        misfit = -(truth + (1 - self.train)).clamp_min(1e-30).log().sum((2, 3), keepdim=True)
        return misfit + (self.penalty * weights.square()).sum((2, 3), keepdim=True) / 2


class _Curvature:
    """Inverse of the Hessian if all trials had the covariance of the mean probabilities."""

    def __init__(self, problem: _Problem, likely: Tensor):
        self.turn = None
        if likely.shape[2] == 1:
            shares = (likely - likely.square()).sum(3, keepdim=True) / problem.count
        else:
            covariance = (torch.diag_embed(likely.sum(3)) - likely @ likely.mT) / problem.count
            shares, self.turn = torch.linalg.eigh(covariance)
            shares, self.back = shares[..., None].clamp_min(0), self.turn.mT.contiguous()
        self.inverse = 1 / (problem.spread * shares + problem.penalty).clamp_min(1e-4)
        if self.turn is not None:  # a shift of all classes at once changes nothing but roundings
            self.inverse[..., 0, -1] = 0

    def __call__(self, q: Tensor) -> Tensor:
        if self.turn is None:
            return q * self.inverse
        return self.turn @ ((self.back @ q) * self.inverse)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum((2, 3), keepdim=True)


def _direction(
    gradient: Tensor, guess: _Curvature, pairs: list[tuple[Tensor, Tensor, Tensor]]
) -> Tensor:
    """The step of L-BFGS: two loops over the kept pairs, from `guess` scaled by the last pair."""
    q, shares = -gradient, []
    for step, change, scale in reversed(pairs):
        shares.append(_dot(step, q).mul_(scale))
        q.addcmul_(shares[-1], change, value=-1)
    q = guess(q)
    if pairs:
        _, change, scale = pairs[-1]
        shorter = torch.where(scale > 0, 1 / (scale * _dot(guess(change), change)), 1.0)
        q = q * shorter.clamp(1e-3, 1)
    for (step, change, scale), share in zip(pairs, reversed(shares), strict=True):
        q.addcmul_(share.addcmul_(scale, _dot(change, q), value=-1), step)
    return q


def fit(
    Y: Float[Tensor, "bins n p"],
    codes: Int[Tensor, "n fits"],
    train: Bool[Tensor, "n fits"],
    classes: int,
    *,
    tol: float = 3e-4,
    start: Float[Tensor, "bins fits outputs p+1"] | None = None,
) -> Fits | None:
    """Decoders of each bin fitted to the trials that are `train`; None where that doesn't converge.

    A column of `codes` (0 to classes - 1) and `train` is one fit: a fold of one variable. Two
    classes have one output, the odds of the second against the first; more of them one each, the
    largest of which is the guess.

    Minimises -log likelihood + |w|^2 / 2 over training trials, as scikit-learn's LogisticRegression
    with C = 1 does, until the squared gradient, over the curvature where all trials share the mean
    covariance of the probabilities, is `tol`^2 of what it was with no weights, and of the loss: the
    odds are then off by about `tol` of the size of all. L-BFGS from that curvature, all bins and
    fits at once. A step is taken unless the slope at its end is uphill by more than half of what it
    was downhill (the loss is convex); else it only teaches the curvature along it, and the next is
    shorter. It begins at the weights of `start` where they have less loss than none.

    In single precision where `tol` is 1e-4 or more and 150 steps get there, else in double. None
    where 300 steps of those don't get there either: left to a more patient solver.

    Example:
        >>> import torch
        >>> from simlib.logistic import fit
        >>> Y, train = torch.tensor([[[-2.0], [-1], [1], [2]]]), torch.ones(4, 1, dtype=torch.bool)
        >>> fits = fit(Y, torch.tensor([[0], [0], [1], [1]]), train, classes=2)
        >>> (fits.values > 0).flatten().tolist()
        [False, False, True, True]
    """
    precisions = (torch.float64,) if tol < 1e-4 else (torch.float32, torch.float64)
    try:
        axes = _Axes(Y.double())
    except torch.linalg.LinAlgError:  # numbers whose squares are out of range
        return None
    for precision in precisions:
        problem = _Problem(axes.Z.to(precision), axes.squares.to(precision), codes, train, classes)
        weights = _solve(problem, tol, None if start is None else axes.onto(start).to(precision))
        if weights is not None:
            return Fits(problem.values(weights), axes.back(weights))
    return None


def _solve(problem: _Problem, tol: float, start: Tensor | None) -> Tensor | None:
    """Weights of axes in the precision of the problem; None, too, where that is too small."""
    if not bool(torch.isfinite(problem.spread).all()):
        return None
    weights = problem.start
    likely, gradient = problem.gradient(weights)
    guess = _Curvature(problem, likely)
    first = _dot(gradient, guess(gradient))
    if start is not None:
        likely_there, gradient_there = problem.gradient(start)
        better = problem.loss(start, likely_there) < problem.loss(weights, likely)
        weights = torch.where(better, start, weights)
        likely = torch.where(better, likely_there, likely)
        gradient = torch.where(better, gradient_there, gradient)
        guess = _Curvature(problem, likely)
    pairs: list[tuple[Tensor, Tensor, Tensor]] = []
    tries = torch.zeros_like(weights[..., :1, :1])
    for count in range(STEPS[problem.Z.dtype]):
        left = _dot(gradient, guess(gradient))
        small = bool((left <= tol**2 * first).all())
        if small and bool((left <= tol**2 * problem.loss(weights, likely)).all()):
            return weights
        step = _direction(gradient, guess, pairs) * 0.5**tries
        ahead = weights + step
        likely_ahead, gradient_ahead = problem.gradient(ahead)
        near = _dot(gradient_ahead, step) <= -0.5 * _dot(gradient, step)
        change = gradient_ahead - gradient
        along = _dot(step, change)
        pairs = [*pairs, (step, change, torch.where(along > 0, 1 / along, 0.0))][-MEMORY:]
        weights = torch.where(near, ahead, weights)
        likely = torch.where(near, likely_ahead, likely)
        gradient = torch.where(near, gradient_ahead, gradient)
        tries = torch.where(near, 0.0, tries + 1)
        if (count + 1) % REFRESH == 0:
            guess = _Curvature(problem, likely)
    return None
