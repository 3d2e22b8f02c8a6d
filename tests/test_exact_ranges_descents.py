"""Descents over whole matrices, from noise: they come within 1e-3 of the exact ranges and never
cross them.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import simlib as sl
from simlib import exact_ranges
from simlib.datasets.made import variance_ratios

pytestmark = pytest.mark.slow
SPECTRA = {
    "inverse": 1 / np.arange(1, 9),
    "flat": np.ones(5),
    "steep": 1 / np.arange(1, 8) ** 2,
    "mante": variance_ratios("mante2013", 10),
}
NBS, CKA = sl.measure("nbs"), sl.measure("cka")


def data(variances, room):
    """X with these variances and `room` directions outside of it, of unit variance on average, (p +
    1 + room, p).
    """
    rng = np.random.default_rng(0)
    p = len(variances)
    Z = rng.standard_normal((p + 1 + room, p))
    U = np.linalg.qr(Z - Z.mean(0))[0]
    X = (U * np.sqrt(variances)) @ np.linalg.qr(rng.standard_normal((p, p)))[0]
    return torch.tensor(X / np.linalg.norm(X) * np.sqrt(X.size))


def noise(X, seed):
    return torch.randn(
        X.shape, generator=torch.Generator().manual_seed(seed), dtype=X.dtype
    ).requires_grad_(True)


def descend(X, target, seed, steps=1500, rates=(0.1, 1e-4)):
    """Adam on the distance to a target (NBS, CKA), its rate falling: all (NBS, CKA) visited,
    (steps, 2).
    """
    Y, visited = noise(X, seed), []
    optimiser = torch.optim.Adam([Y], lr=rates[0])
    falling = torch.optim.lr_scheduler.ExponentialLR(
        optimiser, (rates[1] / rates[0]) ** (1 / steps)
    )
    for _ in range(steps):
        optimiser.zero_grad()
        pair = NBS(X, Y), CKA(X, Y)
        visited.append([float(score.detach()) for score in pair])
        sum((score - goal).abs() for score, goal in zip(pair, target, strict=True)).backward()
        optimiser.step()
        falling.step()
    return np.array(visited)


def lower_cka(X, nbs, seed, rounds=6, weight=30.0):
    """L-BFGS on CKA with NBS held by an augmented Lagrangian: all (NBS, CKA) visited, the end
    last.
    """
    Y, visited, multiplier = noise(X, seed), [], 0.0

    def loss():
        pair = NBS(X, Y), CKA(X, Y)
        visited.append([float(score.detach()) for score in pair])
        off = pair[0] - nbs
        return pair[1] + multiplier * off + weight / 2 * off**2

    for _ in range(rounds):
        optimiser = torch.optim.LBFGS(
            [Y],
            max_iter=60,
            history_size=20,
            line_search_fn="strong_wolfe",
            tolerance_change=1e-14,
            tolerance_grad=1e-10,
        )

        def closure(optimiser=optimiser):
            optimiser.zero_grad()
            value = loss()
            value.backward()
            return value

        optimiser.step(closure)
        with torch.no_grad():
            loss()
        multiplier += weight * (visited[-1][0] - nbs)
    return np.array(visited)


def shortfall(way, target):
    return float(np.abs(way - target).sum(axis=1).min())


def crossed(variances, way):
    """By how much the visited points lie beyond the exact range; those nearest to an end are
    compared exactly.
    """
    nbs, cka = way.clip(0, 1).T
    grid = np.linspace(0, 1, 101)
    ends = exact_ranges.cka_range_given_nbs(variances, grid)
    outward = np.maximum(np.interp(nbs, grid, ends[0]) - cka, cka - np.interp(nbs, grid, ends[1]))
    nearest = np.argsort(-outward)[:60]
    least, most = exact_ranges.cka_range_given_nbs(variances, nbs[nearest])
    return float(np.maximum(least - cka[nearest], cka[nearest] - most).max())


@pytest.mark.parametrize("nbs", [0.4, 0.85])
@pytest.mark.parametrize("variances", SPECTRA.values(), ids=SPECTRA)
def test_least_cka_by_descent(variances, nbs):
    ways = [lower_cka(data(variances, len(variances)), nbs, seed) for seed in range(2)]
    ends = [
        abs(way[-1, 1] - float(exact_ranges.cka_range_given_nbs(variances, way[-1, 0])[0]))
        for way in ways
    ]
    assert min(ends) < 1e-4 and abs(ways[0][-1, 0] - nbs) < 1e-2
    assert max(crossed(variances, way) for way in ways) < 1e-9


@pytest.mark.parametrize("nbs", [0.4, 0.85])
@pytest.mark.parametrize("variances", SPECTRA.values(), ids=SPECTRA)
def test_most_cka_by_descent(variances, nbs):
    target = nbs, float(exact_ranges.cka_range_given_nbs(variances, nbs)[1])
    X, reached = data(variances, len(variances)), []
    for seed in range(4):  # some starts end beside a kink
        way = descend(X, target, seed)
        assert crossed(variances, way) < 1e-9
        reached.append(shortfall(way, target))
        if reached[-1] < 1e-3:
            return
    raise AssertionError(f"no start came nearer than {min(reached):.5f}")


PAGE = Path(__file__).resolve().parent.parent / "book" / "exact_ranges.md"
ROOM = re.findall(
    r"^\| (\d) \| (-?[\d.]+) \| (-?[\d.]+) \| (yes|no) \| (yes|no) \|$", PAGE.read_text(), re.M
)


@pytest.mark.parametrize("row", ROOM, ids=lambda row: f"room{row[0]}")
def test_the_books_table_of_room(row):
    """Spectrum 1, 1/2, ... 1/5 at NBS 0.6: how far descents stay from both ends, and whether the
    witness fits.
    """
    variances, nbs = 1 / np.arange(1, 6), 0.6
    X = data(variances, int(row[0]))
    least, most = map(float, exact_ranges.cka_range_given_nbs(variances, nbs))
    target = nbs, most
    found = (
        min(shortfall(descend(X, target, seed, steps=1200), target) for seed in range(2)),
        min(lower_cka(X, nbs, seed)[-1, 1] for seed in range(2)) - least,
    )
    np.testing.assert_allclose(found, [float(value) for value in row[1:3]], atol=1.5e-3)
    for end, fits in (("most-cka", row[3]), ("least-cka", row[4])):
        if fits == "yes":
            assert sl.score("cka", X, exact_ranges.witness(X, end, nbs=nbs)) == pytest.approx(
                most if end == "most-cka" else least, abs=1e-8
            )
        else:
            with pytest.raises(ValueError, match="directions outside of X"):
                exact_ranges.witness(X, end, nbs=nbs)


def test_the_books_table_of_room_is_whole():
    assert [row[0] for row in ROOM] == ["0", "1", "2", "3", "4", "5"]
