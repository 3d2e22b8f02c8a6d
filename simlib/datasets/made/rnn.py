"""A recurrent network that makes context-dependent decisions, recorded as if it were a brain.

The task is that of Mante et al. 2013: two noisy streams of evidence, motion and colour; the context
says which one decides. The network learns it by gradient descent.
"""

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from simlib.datasets.arrays import recording
from simlib.datasets.made.designs import mante_design
from simlib.datasets.made.training import one_thread, weights

STEP, CONSTANT = 0.05, 0.1  # s: time step, and time constant of a unit
CUE_STEPS, EVIDENCE_STEPS = 4, 15  # the context alone, then 750 ms of evidence
COHERENCES = (0.06, 0.18, 0.5)  # by rank
EVIDENCE_NOISE, UNIT_NOISE = 0.25, 0.1  # standard deviations at each step
BATCH, RATE = 128, 3e-3


def rnn_context(
    *,
    seed: int = 0,
    units: int = 100,
    updates: int = 1200,
    trials: int = 40,
    correct_only: bool = True,
) -> xr.DataArray:
    """Units of a recurrent network in the 72 conditions of Mante 2013, (15, 72, unit), averages
    over trials.

    x' = (1 - a) x + a (W r + B u + noise), r = tanh(x), a = 50/100 ms. Inputs u: motion and colour
    with noise, and one line for each context, alone for 200 ms and then with the evidence for 750
    ms, which is what is recorded. The sign of the output over the last 150 ms is the choice. Labels
    as in `mante2013`; the share of right choices is in `processing`.

    Args:
        seed: same seed, same bits on one machine.
        units: 2 or more.
        updates: steps of Adam, on 128 random trials each; the default takes about 15 s on one core,
            once: the weights are kept in the cache folder.
        trials: recorded in a condition, and averaged.
        correct_only: average those where the choice is right; a condition without such a trial is
            averaged over all of them.

    Raises:
        ValueError: for fewer than 2 units, 1 update or 1 trial.

    Example:
        >>> import simlib as sl
        >>> sl.datasets.load("rnn-context", units=10, updates=5, trials=2).shape
        (15, 72, 10)
    """
    if units < 2 or updates < 1 or trials < 1:
        raise ValueError(
            f"rnn-context needs 2 units, 1 update and 1 trial or more; got units={units}, "
            f"updates={updates}, "
            f"trials={trials}"
        )
    settings = {"seed": seed, "units": units, "updates": updates}
    trained = weights("rnn-context", settings, lambda: _train(**settings))
    design = mante_design()
    with torch.no_grad(), one_thread():
        generator = torch.Generator().manual_seed(seed + 1)
        motion, colour, context = (
            torch.from_numpy(values).repeat_interleave(trials) for values in _evidence(design)
        )
        rates, output = _run(trained, _inputs(motion, colour, context, generator), generator)
        right = torch.sign(output[-3:].mean(0)) == torch.sign(
            torch.where(context > 0, motion, colour)
        )
    rates = rates[CUE_STEPS:].reshape(EVIDENCE_STEPS, 72, trials, units).double().numpy()
    counted = right.reshape(72, trials).numpy()
    kept = counted | (not correct_only) | ~counted.any(1, keepdims=True)
    values = np.einsum("tcku,ck->tcu", rates, kept) / kept.sum(1)[:, None]
    return recording(
        values,
        design,
        name="rnn-context",
        title="Recurrent network, context-dependent decisions",
        source="a model trained by simlib; synthetic",
        citation="task: Mante et al. 2013, doi:10.1038/nature12742",
        licence="MIT (made by code)",
        task_variables=["context", "choice", "motion", "colour"],
        main_variable="context",
        sample_kind="averages",
        processing={
            **settings,
            "trials_a_condition": trials,
            "correct_only": correct_only,
            "accuracy": round(float(counted.mean()), 4),
            "unit": "tanh rate",
        },
        time=STEP * (np.arange(EVIDENCE_STEPS) + 0.5),
    )


def _evidence(design: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signed coherences of motion and colour, and the context (1 where motion counts, -1 colour),
    (72,) each.
    """
    size = np.array([0.0, *COHERENCES], dtype=np.float32)
    ranks = [design[f"{variable}_coherence_rank"] for variable in ("motion", "colour")]
    motion, colour = (np.sign(rank).astype(np.float32) * size[np.abs(rank)] for rank in ranks)
    return motion, colour, np.where(design["context"] == "motion", 1.0, -1.0).astype(np.float32)


def _inputs(motion: Tensor, colour: Tensor, context: Tensor, generator: torch.Generator) -> Tensor:
    """Motion, colour and the two context lines of each trial, (steps, trials, 4)."""
    steps, trials = CUE_STEPS + EVIDENCE_STEPS, len(motion)
    u = torch.zeros(steps, trials, 4)
    noise = EVIDENCE_NOISE * torch.randn(EVIDENCE_STEPS, trials, 2, generator=generator)
    u[CUE_STEPS:, :, :2] = torch.stack([motion, colour], dim=-1) + noise
    u[:, :, 2], u[:, :, 3] = context > 0, context < 0
    return u


def _run(
    parameters: Mapping[str, Tensor], u: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Rates (steps, trials, units) and outputs (steps, trials) of the network for inputs u."""
    recurrent, feed, bias, readout = (
        parameters[key] for key in ("recurrent", "feed", "bias", "readout")
    )
    steps, trials, _ = u.shape
    a = STEP / CONSTANT
    noise = UNIT_NOISE * torch.randn(steps, trials, len(bias), generator=generator)
    drive = u @ feed.T + bias + noise
    x = torch.zeros(trials, len(bias))
    rates = []
    for step in range(steps):
        x = (1 - a) * x + a * (torch.tanh(x) @ recurrent.T + drive[step])
        rates.append(torch.tanh(x))
    r = torch.stack(rates)
    return r, r @ readout


def _train(seed: int, units: int, updates: int) -> dict[str, Tensor]:
    """Weights after `updates` steps of Adam on the squared distance of the last outputs from the
    right choice.
    """
    generator = torch.Generator().manual_seed(seed)
    parameters = {
        "recurrent": 0.9 * torch.randn(units, units, generator=generator) / units**0.5,
        "feed": torch.randn(units, 4, generator=generator),
        "bias": torch.zeros(units),
        "readout": torch.randn(units, generator=generator) / units,
    }
    for value in parameters.values():
        value.requires_grad_()
    adam = torch.optim.Adam(parameters.values(), lr=RATE)
    sizes = torch.tensor(COHERENCES)
    for update in range(updates):
        adam.param_groups[0]["lr"] = RATE * (1 - 0.9 * update / updates)
        signs = 2.0 * torch.randint(0, 2, (3, BATCH), generator=generator) - 1
        picks = torch.randint(0, len(sizes), (2, BATCH), generator=generator)
        motion, colour = signs[:2] * sizes[picks]
        context = signs[2]
        rates, output = _run(parameters, _inputs(motion, colour, context, generator), generator)
        wanted = torch.sign(torch.where(context > 0, motion, colour))
        loss = (output[-3:] - wanted).square().mean() + 1e-3 * rates.square().mean()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(parameters.values()), 1.0)
        adam.step()
    return {key: value.detach() for key, value in parameters.items()}
