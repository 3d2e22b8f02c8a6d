"""Exact score ranges: the ends are attained, nothing crosses them, descents come close, closed
forms and slopes.
"""

import re
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import brentq, minimize

import simlib as sl
from simlib import exact_ranges, joint
from simlib.datasets import paper
from simlib.datasets.made import SPECTRA, variance_ratios
from simlib.exact_ranges import equations, least_cka, most_cka

# Roots are searched in very many small calls; the docstrings' examples check the signatures.
pytestmark = pytest.mark.unchecked

SPECTRA_TRIED = {
    "inverse": 1 / np.arange(1, 6),
    "flat": np.ones(4),
    "steep": 1 / np.arange(1, 7) ** 2,
    "uneven": np.array([1, 0.9, 0.3, 0.1, 0.09, 0.001]),
    "two": np.array([2.0, 1.0]),
    "one": np.ones(1),
}
each_spectrum = pytest.mark.parametrize("variances", SPECTRA_TRIED.values(), ids=SPECTRA_TRIED)
LEVELS = np.array([0.02, 0.2, 0.4, 0.524, 0.6, 0.74, 0.9, 0.99])


def data(variances, n=40, seed=0):
    """X with these variances, centred, (n, p)."""
    rng = np.random.default_rng(seed)
    p = len(variances)
    Z = rng.standard_normal((n, p))
    U = np.linalg.qr(Z - Z.mean(0))[0]
    return (U * np.sqrt(variances)) @ np.linalg.qr(rng.standard_normal((p, p)))[0]


def scores(X, Y):
    return sl.score("nbs", X, Y), sl.score("cka", X, Y)


def cka_of_first_kind(shares, nbs):
    """CKA of the curve of the first kind of Y, at levels of NBS."""
    return least_cka.curve_scores(shares, *least_cka.curve(shares, nbs, equations.NBS))[1]


@pytest.mark.slow
@each_spectrum
def test_witnesses_attain_both_ends(variances):
    X = data(variances)
    columns = len(variances) + 2
    for level in LEVELS:
        least, most = exact_ranges.cka_range_given_nbs(variances, level, columns)
        for end, cka in (("least-cka", least), ("most-cka", most)):
            assert scores(
                X, exact_ranges.witness(X, end, nbs=level, columns=columns)
            ) == pytest.approx((level, float(cka)), abs=1e-8)
        least, most = exact_ranges.nbs_range_given_cka(variances, level)
        for end, nbs in (("most-cka", least), ("least-cka", most)):
            Y = exact_ranges.witness(X, end, cka=level)
            assert Y.shape == X.shape
            assert scores(X, Y) == pytest.approx((float(nbs), level), abs=1e-8)


@pytest.mark.slow
@each_spectrum
def test_ends_rise_and_invert_each_other(variances):
    levels = np.linspace(0, 1, 25)
    for ends, back in (
        (exact_ranges.cka_range_given_nbs(variances, levels), exact_ranges.nbs_range_given_cka),
        (exact_ranges.nbs_range_given_cka(variances, levels), exact_ranges.cka_range_given_nbs),
    ):
        assert (ends[0] <= ends[1] + 1e-12).all()
        for end in ends:
            assert (np.diff(end) > 0).all() and end[0] == 0 and end[-1] == 1
        np.testing.assert_allclose(back(variances, ends[0])[1], levels, atol=1e-7)
        np.testing.assert_allclose(back(variances, ends[1])[0], levels, atol=1e-7)


def test_any_unit_any_order():
    variances = SPECTRA_TRIED["uneven"]
    np.testing.assert_allclose(
        exact_ranges.nbs_range_given_cka(7 * variances[::-1], LEVELS),
        exact_ranges.nbs_range_given_cka(variances, LEVELS),
    )


RANDOM_SPECTRA = [
    np.random.default_rng(k).dirichlet(np.full(p, width))
    for k, (p, width) in enumerate([(2, 1), (3, 0.3), (4, 5), (5, 1), (7, 0.5)])
]
each_random_spectrum = pytest.mark.parametrize(
    "variances", RANDOM_SPECTRA, ids=lambda variances: f"p{len(variances)}"
)


@pytest.mark.slow
@each_random_spectrum
@pytest.mark.parametrize("more", [0, 2])
def test_the_ends_of_random_spectra_rise_and_invert_each_other(variances, more):
    """prop-rising-ends."""
    levels, columns = np.linspace(0, 1, 9), len(variances) + more
    for there, back in (
        (exact_ranges.cka_range_given_nbs, exact_ranges.nbs_range_given_cka),
        (exact_ranges.nbs_range_given_cka, exact_ranges.cka_range_given_nbs),
    ):
        low, high = there(variances, levels, columns)
        for end, other in ((low, 1), (high, 0)):
            assert (np.diff(end) > 0).all() and end[0] == 0 and end[-1] == 1
            np.testing.assert_allclose(back(variances, end, columns)[other], levels, atol=1e-6)


def turned_to(X, Y):
    """Y with its columns turned such that X'Y is symmetric, and positive semidefinite."""
    U, _, Vt = np.linalg.svd(X.T @ Y)
    return Y @ Vt.T @ U.T / np.linalg.norm(Y)


@each_random_spectrum
def test_all_between_the_ends_occurs(variances):
    """The path of the proof of prop-rising-ends: from one end to X and on to the other, variance
    outside of both added to keep NBS; each CKA between is met on it.
    """
    X = data(equations.normalised(variances), n=4 * len(variances) + 4)
    for nbs in (0.3, 0.8, 0.97):
        ends = [
            turned_to(X, exact_ranges.witness(X, e, nbs=nbs)) for e in ("least-cka", "most-cka")
        ]
        known = np.column_stack([np.ones(len(X)), X, *ends])
        new = np.linalg.svd(known)[0][:, -1:]  # at a right angle to all

        def on_the_way(s, ends=ends, new=new, nbs=nbs):
            end, part = (ends[0], 1 - 2 * s) if s < 0.5 else (ends[1], 2 * s - 1)
            Y = part * end + (1 - part) * X
            shared = np.linalg.svd(X.T @ Y, compute_uv=False).sum()
            added = (shared / nbs) ** 2 - (Y**2).sum()
            assert added > -1e-9
            return Y + np.sqrt(max(added, 0)) * new * np.eye(len(variances))[0]

        def cka(s, on_the_way=on_the_way):
            return sl.score("cka", X, on_the_way(s))

        least, most = map(float, exact_ranges.cka_range_given_nbs(variances, nbs))
        assert (cka(0), cka(1)) == pytest.approx((least, most), abs=1e-7)
        for goal in least + (most - least) * np.array([0.2, 0.5, 0.9]):
            s = brentq(lambda s, goal=goal: cka(s) - goal, 0, 1, xtol=1e-13)
            assert scores(X, on_the_way(s)) == pytest.approx((nbs, goal), abs=1e-7)


@each_spectrum
def test_random_pairs_lie_inside(variances):
    """Y of all kinds: noise, X with its PCs rescaled, turned and mixed with noise, of few
    columns.
    """
    rng = np.random.default_rng(1)
    X = data(variances)
    p = len(variances)
    pairs = []
    for _ in range(150):
        mix = np.diag(np.exp(rng.normal(size=p) * rng.choice([0.1, 1, 2])))
        turned = (
            mix @ np.linalg.qr(np.eye(p) + rng.choice([0, 0.3, 3]) * rng.standard_normal((p, p)))[0]
        )
        spike = np.outer(rng.standard_normal(40), rng.standard_normal(p)) * rng.choice([0, 0.1, 1])
        Y = X @ turned + rng.choice([0, 0.01, 0.1, 1]) * rng.standard_normal((40, p)) / 6 + spike
        pairs.append(scores(X, Y))
    nbs, cka = np.array(pairs).T.clip(0, 1)
    least, most = exact_ranges.cka_range_given_nbs(variances, nbs)
    assert (cka >= least - 1e-9).all() and (cka <= most + 1e-9).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inverse", "flat", "uneven"])
def test_descents_never_cross(name):
    """Descents towards ends of the range, and of another seed towards points beyond them."""
    variances = SPECTRA_TRIED[name]
    X = data(variances, n=24)
    for cka in (0.3, 0.8):
        for nbs, beyond in zip(
            exact_ranges.nbs_range_given_cka(variances, cka), (-0.1, 0.1), strict=True
        ):
            for seed, goal in enumerate((float(nbs), float(nbs) + beyond)):
                way = joint.approach(
                    "nbs", "cka", X, (goal, cka), seed=seed, steps=400, lr=0.02, dtype=torch.float64
                )
                least, most = exact_ranges.cka_range_given_nbs(
                    variances, way["score_a"].clip(0, 1).to_numpy()
                )
                assert (way["score_b"] >= least - 1e-9).all() and (
                    way["score_b"] <= most + 1e-9
                ).all()
                assert seed or way["distance"].min() < 0.03


def climb_to(shares, level, sign, columns, seed):
    """The best CKA (sign 1 most, -1 least) at NBS `level` over all coordinates of Y, (p + columns,
    columns).

    By gradients of both scores with NBS held (sequential quadratic programming), which gets nearer
    than a descent that trembles; returns it with the error in NBS.
    """
    p, norm = len(shares), np.sqrt((shares**2).sum())
    start = np.random.default_rng(seed).standard_normal((p + columns, columns)).ravel() * 0.3

    def both(flat):
        W = torch.tensor(flat.reshape(p + columns, columns), requires_grad=True)
        M = torch.tensor(np.sqrt(shares))[:, None] * W[:p]
        cka = M.square().sum() / (norm * torch.linalg.matrix_norm(W.T @ W))
        nbs = torch.linalg.svdvals(M).sum() / torch.linalg.matrix_norm(W)
        return W, cka, nbs

    def value(flat, which, factor):
        found = both(flat)
        found[which].backward()
        return factor * found[which].item(), factor * found[0].grad.numpy().ravel()

    bound = {
        "type": "eq",
        "fun": lambda flat: value(flat, 2, 1)[0] - level,
        "jac": lambda flat: value(flat, 2, 1)[1],
    }
    result = minimize(
        lambda flat: value(flat, 1, -sign),
        start,
        jac=True,
        constraints=[bound],
        method="SLSQP",
        options={"maxiter": 300, "ftol": 1e-12},
    )
    return -sign * result.fun, abs(value(result.x, 2, 1)[0] - level)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inverse", "flat", "uneven"])
def test_optimised_matrices_reach_the_ends(name):
    shares = equations.normalised(SPECTRA_TRIED[name][:4])
    for level in (0.35, 0.8):
        least, most = map(float, exact_ranges.cka_range_given_nbs(shares, level))
        for sign, end in ((1, most), (-1, least)):
            tried = [climb_to(shares, level, sign, len(shares), seed) for seed in range(4)]
            kept = [sign * cka for cka, off in tried if off < 1e-7]
            assert (
                max(kept) == pytest.approx(sign * end, abs=1e-4) and max(kept) <= sign * end + 1e-6
            )


@each_spectrum
def test_closed_start(variances):
    shares = equations.normalised(variances)
    q = len(shares) + 1
    nbs = np.sqrt(shares[0] / q) * np.array([0.2, 0.7, 1])
    most = exact_ranges.cka_range_given_nbs(variances, nbs, q)[1]
    np.testing.assert_allclose(most, nbs**2 * np.sqrt(q) / np.linalg.norm(shares), rtol=1e-12)


def slope_term(shares):
    """m = max((l_1 + l_2) / 2, e), e the top eigenvalue of diag(l) - l^{3/2} l^{3/2}' / |l|^2."""
    e = np.linalg.eigvalsh(
        np.diag(shares) - np.outer(shares**1.5, shares**1.5) / (shares**2).sum()
    )[-1]
    return max((shares[0] + shares[1]) / 2, e)


def spectra_for_slopes():
    """Those tried, flat ones, two PCs, one large PC before a plateau (where e wins) and random
    ones.
    """
    rng = np.random.default_rng(6)
    yield from (variances for name, variances in SPECTRA_TRIED.items() if name != "one")
    yield from (
        np.ones(2),
        np.ones(9),
        np.array([1, 1, 0.1]),
        np.array([1, 0.1]),
        np.r_[1, 0.5 * np.ones(6)],
    )
    yield from (rng.dirichlet(np.full(p, width)) for p in (2, 3, 5, 8) for width in (1, 5))


@pytest.mark.slow
@pytest.mark.parametrize(
    "variances", [*spectra_for_slopes()], ids=lambda variances: f"p{len(variances)}"
)
def test_slope_where_y_is_x(variances):
    """At (1, 1) dNBS / dCKA is |l|^2 / 4m on the curve of least CKA, dCKA / dNBS 2 l_p / |l|^2 on
    that of most.
    """
    shares = equations.normalised(variances)
    square, m, step = (shares**2).sum(), slope_term(shares), 1e-6
    assert least_cka.top_level(shares) == pytest.approx(2 * m, rel=1e-9)
    nbs = exact_ranges.nbs_range_given_cka(shares, 1 - step)[1]
    assert (1 - nbs) / step == pytest.approx(square / (4 * m), rel=5e-3)
    least, most = exact_ranges.cka_range_given_nbs(shares, 1 - step)
    assert (1 - least) / step == pytest.approx(4 * m / square, rel=5e-3)
    assert (1 - most) / step == pytest.approx(2 * shares[-1] / square, rel=5e-3)
    assert (
        1 - exact_ranges.cka_range_given_nbs(shares, 1 - step, len(shares) + 1)[1]
    ) / step < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    "variances", [*spectra_for_slopes()], ids=lambda variances: f"p{len(variances)}"
)
def test_no_change_of_x_beats_the_slopes(variances):
    """Small changes of X of every kind lose CKA and NBS in a ratio between the two slopes, which
    some attain.
    """
    shares = equations.normalised(variances)
    p, square, m = len(shares), (shares**2).sum(), slope_term(shares)
    rng = np.random.default_rng(7)
    X = data(shares)
    U, sizes, Vt = np.linalg.svd(X, full_matrices=False)
    new = np.linalg.qr(np.column_stack([np.ones(40), U, rng.standard_normal((40, 2))]))[0][
        :, p + 1 :
    ]
    turned = np.zeros((p, p))
    turned[0, 1], turned[1, 0] = 1, 1
    changes = [U @ turned @ np.diag(sizes) @ Vt, new[:, :1] @ Vt[-1:]]
    for _ in range(80):
        weights = np.exp(2 * rng.standard_normal((p + 2, p)))
        changes.append(np.column_stack([U, new]) @ (weights * rng.standard_normal((p + 2, p))) @ Vt)
        changes.append(U @ np.diag(weights[0] * rng.standard_normal(p) * sizes) @ Vt)
    ratios = []
    for change in changes:
        nbs, cka = scores(X, X + 1e-4 * change / np.linalg.norm(change))
        if 1 - nbs > 1e-11:
            ratios.append((1 - cka) / (1 - nbs) * square)
    assert 2 * shares[-1] * (1 - 0.02) - 1e-3 < min(ratios) and max(ratios) < 4 * m * (1 + 0.02)
    assert ratios[0] == pytest.approx(2 * (shares[0] + shares[1]), rel=1e-2)
    assert ratios[1] == pytest.approx(2 * shares[-1], rel=1e-2)


# -- The shape of the least CKA: prop-least-stationary, prop-least-second, prop-least-cka ---------


def diagonal_scores(shares, copies):
    """(NBS, CKA) of the Y that copies PC i copies_i-fold."""
    square = copies**2
    nbs = (shares * copies).sum() / np.sqrt((shares * square).sum())
    return nbs, (shares**2 * square).sum() / np.linalg.norm(shares) / np.linalg.norm(
        shares * square
    )


@each_spectrum
def test_the_curve_solves_the_matrix_equation(variances):
    """R L R + g u u' = L + w - (kappa / 2) / R, w T = kappa F / 2, s = N^2, and w bounds the
    eigenvalues of K_Y.
    """
    shares = equations.normalised(variances)
    p, scale = len(shares), np.diag(np.sqrt(shares))
    none = np.zeros(1)
    for water, pull in zip(*least_cka.curve(shares, LEVELS, equations.NBS), strict=True):
        point = least_cka.Points(none, none, np.array([water]), np.array([pull]), none, none)
        factor = least_cka.factor(shares, point)
        U, m, _ = np.linalg.svd(scale @ factor[:p])
        R = np.linalg.solve(scale, (U * m) @ U.T) @ np.linalg.inv(scale)
        outside = (factor[p] ** 2).sum()
        K = R @ np.diag(shares) @ R
        K[-1, -1] += outside  # u is PC p
        right = np.diag(shares) + water * np.eye(p) - pull / 2 * np.linalg.inv(R)
        np.testing.assert_allclose(K, right, atol=1e-7 * np.abs(right).max())
        assert water * (factor**2).sum() == pytest.approx(pull * m.sum() / 2, rel=1e-7)
        assert (m**2).sum() == pytest.approx(((factor.T @ factor) ** 2).sum(), rel=1e-7)
        assert np.linalg.eigvalsh(K)[-1] <= water * (1 + 1e-9)


def stationary(rng, pairs):
    """L and R = diag(r) that solve the matrix equation, of so many turned pairs and one PC: L, R,
    w, kappa / 2.
    """
    while True:
        water = rng.uniform(0.1, 2)
        half = water * rng.uniform(0.3, 1.7)
        first = np.exp(np.abs(rng.standard_normal(pairs)))
        r = np.append(np.column_stack([first, 1 / first]).ravel(), np.exp(rng.standard_normal()))
        entries = (water - half / r) / (r**2 - 1)
        if (np.abs(r - 1) > 0.1).all() and (entries > 0).all():
            break
    L = np.diag(entries)
    for a in range(0, 2 * pairs, 2):
        L[a, a + 1] = L[a + 1, a] = rng.uniform(-1, 1) * np.sqrt(entries[a] * entries[a + 1])
    return L, np.diag(r), water, half


def second_coefficient(L, R, water, half, Z, W=None, Y=None):
    """The coefficient of t^2 in J(R + t Z, W + t Y), by five points of a polynomial of degree 4."""
    W = np.zeros((1, len(L))) if W is None else W
    Y = np.zeros((1, len(L))) if Y is None else Y
    values, vectors = np.linalg.eigh(L)
    root = (vectors * np.sqrt(values)) @ vectors.T
    t = np.linspace(-1, 1, 5)

    def J(t):
        M, outside = R + t * Z, W + t * Y
        C = root @ M @ M @ root + outside.T @ outside
        return (
            np.trace(L @ M @ L @ M)
            - (C**2).sum() / 2
            - 2 * half * np.trace(L @ M)
            + water * np.trace(C)
        )

    return np.polyfit(t, [J(x) for x in t], 4)[2]


def test_second_order_where_nothing_is_outside():
    """The coefficients in the proof of prop-least-second, 1 to 3, and the identity between them."""
    rng = np.random.default_rng(8)
    for _ in range(200):
        L, R, w, half = stationary(rng, 2)
        np.testing.assert_allclose(
            R @ L @ R,
            L + w * np.eye(5) - half * np.linalg.inv(R),
            atol=1e-9 * np.abs(R @ L @ R).max(),
        )
        r, entries = np.diag(R), np.diag(L)
        h, c = r * entries, np.array([L[0, 1], L[0, 1], L[2, 3], L[2, 3], 0])
        assert h[0] + h[1] == pytest.approx(half) and (r**2 * entries)[:2].sum() == pytest.approx(w)
        for a, b in ((0, 2), (0, 3), (1, 3), (0, 4), (1, 4)):
            Z = np.zeros((5, 5))
            Z[a, b] = Z[b, a] = 1
            room = half / (r[a] * r[b]) - h[a] - h[b]
            wanted = (h[a] + h[b]) * room - (c[a] / r[a]) ** 2 - (c[b] / r[b]) ** 2
            size = (r.max() * entries.max() * r.max()) ** 2 + w * entries.max()
            assert second_coefficient(L, R, w, half, Z) == pytest.approx(wanted, abs=1e-9 * size)
            assert room * (r[a] - r[b]) == pytest.approx(
                (r[a] * r[b] - 1) * (entries[a] - entries[b]), abs=1e-9 * size / w
            )
        z = rng.standard_normal(2)
        Z = np.zeros((5, 5))
        Z[:2, 4] = Z[4, :2] = z
        V = R[:2, :2] @ L[:2, :2] @ R[:2, :2] + h[4] * R[:2, :2]
        Uz = (R[:2, :2] @ L[:2, :2] + h[4] * np.eye(2)) @ z
        wanted = half / r[4] * Uz @ np.linalg.solve(V, Uz) - Uz @ Uz
        assert second_coefficient(L, R, w, half, Z) == pytest.approx(
            wanted, abs=1e-8 * size * max(1, z @ z)
        )
        theta = r[0] * (r[0] * r[4] - 1) / (r[0] - r[4])
        D = [
            [theta * (entries[0] - entries[4]), -L[0, 1]],
            [-L[0, 1], (entries[1] - entries[4]) / theta],
        ]
        np.testing.assert_allclose(half / r[4] * np.eye(2) - V, D, atol=1e-9 * size / w)


def test_second_order_with_a_spike_outside():
    """The two coefficients in the proof of prop-least-second, 4."""
    rng = np.random.default_rng(9)
    for _ in range(200):
        L, R, w, half = stationary(rng, 1)
        share = half**2 / w * rng.uniform(1.05, 3)
        r = half / share
        inside = share * r**2
        outside = w - inside
        L, R = np.pad(L, (1, 0)), np.pad(R, (1, 0))
        L[0, 0], R[0, 0] = share, r
        values, vectors = np.linalg.eigh(L)
        root = (vectors * np.sqrt(values)) @ vectors.T
        W = np.sqrt(outside) * np.eye(4)[:1]
        size = (1 + (R @ L @ R).max() + L.max() + w) ** 2 * (1 + R.max() + r) ** 2
        for b in (1, 2, 3):
            Z = np.zeros((4, 4))
            Z[0, b] = Z[b, 0] = 1
            found = second_coefficient(
                L, R, w, half, Z, W, np.sqrt(outside / inside) * root[b : b + 1]
            )
            wanted = (
                L[b, b] * (2 * share - share * R[b, b] ** 2 - 2 * w * R[b, b] / r)
                - w / inside * (L @ R @ R @ L)[b, b]
            )
            assert found == pytest.approx(wanted, abs=1e-9 * size)
        own, copy = L[3, 3], R[3, 3]
        form = np.array(
            [
                [own * (2 * share - own * copy**2 + w - share * (r + copy) ** 2), 0],
                [0, inside - own * copy**2],
            ]
        )
        form[0, 1] = form[1, 0] = -np.sqrt(outside * share * own) * (r + copy)
        zeta, beta = rng.standard_normal(2)
        found = second_coefficient(L, R, w, half, zeta * Z, W, beta * np.eye(4)[3:])
        assert found == pytest.approx(
            form @ (zeta, beta) @ (zeta, beta), abs=1e-9 * size * (1 + zeta**2 + beta**2)
        )
        wanted = own * copy * (own - share) * (share * r + own * copy)
        assert np.linalg.det(form) == pytest.approx(wanted, abs=1e-9 * size**2)


def spikes_left(shares, water, ratio):
    """The spikes that prop-least-cka leaves at a water level and a ratio = kappa / 2w < 1, numbered
    as in `lower`.
    """
    p = len(shares)
    level, pull = np.array([water]), np.array([2 * ratio * water])
    large = equations.large_root(shares, level, pull) / np.sqrt(shares)
    small = equations.small_root(shares, level, pull) / np.sqrt(shares)
    left = [0] if (ratio * water) ** 2 <= water * shares[-1] else []
    for j in np.flatnonzero(large > 1):
        below, above = large[j] * small[shares < shares[j]], large[j] * small[shares > shares[j]]
        if (below >= 1).all() and (above <= 1).all() and shares[j] * large[j] ** 2 <= water:
            left.append(2 * (p - 1 - j) + 1)
    for i, (one, other) in enumerate(pairwise(shares)):
        both = ((one + other) / water + 1) / ratio  # r + 1 / r
        if both <= 2:
            continue
        r = (both + np.sqrt(both**2 - 4)) / 2
        entries = (
            water * (r - ratio) / (r * (r**2 - 1)),
            water * r**2 * (ratio * r - 1) / (r**2 - 1),
        )
        if min(entries) > 0 and one * other < entries[0] * entries[1]:
            left.append(2 * (p - 1 - i))
    return left


def test_one_spike_is_left_at_each_water_level_and_pull():
    rng = np.random.default_rng(10)
    for _ in range(500):
        shares = equations.normalised(
            rng.dirichlet(np.full(rng.integers(2, 7), rng.choice([0.3, 1, 5])))
        )
        water = np.exp(rng.uniform(np.log(0.3 * shares[-1]), np.log(3 * shares[0])))
        ratio = rng.uniform(0.02, 0.999)
        _, number, _ = least_cka.spike(shares, np.array([water]), np.array([2 * ratio * water]))
        assert spikes_left(shares, water, ratio) == list(number)


def test_optimised_matrices_have_one_of_the_two_kinds():
    """Least CKA over whole matrices, near Y = X: first kind, and second kind where one large PC
    precedes a plateau.
    """
    for variances, kind in ((SPECTRA_TRIED["inverse"], 1), (np.r_[1, 0.4 * np.ones(6)], 2)):
        shares = equations.normalised(variances)
        curve = float(cka_of_first_kind(shares, np.array([0.992]))[0])
        tried = [climb_to(shares, 0.992, -1, len(shares), seed) for seed in range(4)]
        least = min(cka for cka, off in tried if off < 1e-7)
        assert (least < curve - 2e-4) if kind == 2 else least == pytest.approx(curve, abs=1e-6)


def test_the_second_kind_can_win():
    """The book's example: 1 and 25 times 0.2, PC 1 at 0.6 of its size, against the curve of the
    first kind.
    """
    variances = np.r_[1, 0.2 * np.ones(25)]
    shares = equations.normalised(variances)
    nbs, cka = diagonal_scores(shares, np.r_[0.6, np.ones(25)])
    X = data(variances, n=60)
    U, sizes, Vt = np.linalg.svd(X, full_matrices=False)
    assert scores(X, (U * sizes * np.r_[0.6, np.ones(25)]) @ Vt) == pytest.approx(
        (nbs, cka), abs=1e-9
    )
    (curve,) = cka_of_first_kind(shares, np.array([nbs]))
    assert (nbs, cka, curve) == pytest.approx((0.9875, 0.905, 0.912), abs=5e-4)


def second_kind(shares, ratios, steps):
    """(NBS, CKA) of Y of the second kind without a turned pair, by sign changes over grids of w and
    kappa / 2w > 1.
    """
    found = []
    for k in np.flatnonzero(shares[:-1] > shares[1:] * (1 + 1e-9)) + 1:
        for water in np.linspace(2 * shares[k], 2 * shares[k - 1], steps + 2)[1:-1]:
            level, pull = np.array([[water]]), 2 * water * ratios[:, None]
            large = equations.large_root(shares, level, pull)
            small = equations.small_root(shares, level, pull)
            solves = (
                np.abs(
                    small**3 - (water + shares) * small + water * ratios[:, None] * np.sqrt(shares)
                )
                < 1e-9
            )
            for place in (None, k - 1, k):
                x = small.copy()
                if place is not None:
                    x[:, place] = large[:, place]
                balance = np.where(
                    solves.all(1), (x**2).sum(1) - ratios * (np.sqrt(shares) * x).sum(1), np.nan
                )
                for e in np.flatnonzero(balance[1:] * balance[:-1] < 0):
                    part = balance[e] / (balance[e] - balance[e + 1])
                    found.append(
                        diagonal_scores(
                            shares, ((1 - part) * x[e] + part * x[e + 1]) / np.sqrt(shares)
                        )
                    )
    return np.array(found).reshape(-1, 2)


def below_the_curve(shares, ratios, steps):
    """CKA of the curve of the first kind less that of every Y of the second kind found."""
    nbs, cka = second_kind(shares, ratios, steps).T
    if not nbs.size:
        return nbs
    return cka_of_first_kind(shares, nbs.clip(1e-6, 1 - 1e-7)) - cka


@pytest.mark.parametrize("name", SPECTRA)
def test_the_second_kind_does_not_win_for_recordings(name):
    shares = equations.normalised(variance_ratios(name))
    found = below_the_curve(shares, 1 + np.geomspace(1e-5, 2, 40), max(1, 400 // len(shares)))
    assert (found < 1e-7).all()


def test_the_search_for_the_second_kind_finds_where_it_wins():
    found = below_the_curve(
        equations.normalised(np.r_[1, 0.2 * np.ones(25)]), 1 + np.geomspace(1e-5, 2, 50), 60
    )
    assert found.max() == pytest.approx(0.0072, abs=2e-4)


# -- The least CKA is right for spectra of every shape

SHAPES = {
    "dominant": np.r_[1, 0.2 * np.ones(25)],
    "plateau": np.r_[1, 0.5 * np.ones(5)],
    "small corner": np.array([0.4163, 0.29185, 0.29185]),
    "two dominant": np.r_[1, 0.9, 0.1 * np.ones(8)],
    "inverse": 1 / np.arange(1, 13),
    "flat": np.ones(6),
    "geometric": 0.6 ** np.arange(10),
    "thin pair": np.array([0.995, 0.005]),
    "thinner pair": np.array([0.9996, 0.0004]),
    "thin rest": np.r_[0.96, 0.002 * np.ones(20)],
}
each_shape = pytest.mark.parametrize("variances", SHAPES.values(), ids=SHAPES)


def families(shares, rng):
    """(NBS, CKA) of X with one PC or its first PCs rescaled by a common factor, and with all at
    random, (2, e).
    """
    p, found = len(shares), []
    for factor in (0.1, 0.4, 0.6, 0.8, 0.9, 0.97, 1.1, 1.4, 3):
        for j in range(p):
            single, first = np.ones(p), np.ones(p)
            single[j] = first[: j + 1] = factor
            found += [diagonal_scores(shares, single), diagonal_scores(shares, first)]
    for width in (0.05, 0.3, 1):
        found += [
            diagonal_scores(shares, np.exp(width * rng.standard_normal(p))) for _ in range(15)
        ]
    return np.clip(found, 0, 1).T


@pytest.mark.slow
@each_shape
def test_no_family_comes_below_the_least_cka(variances):
    shares = equations.normalised(variances)
    nbs, cka = families(shares, np.random.default_rng(11))
    assert (exact_ranges.cka_range_given_nbs(shares, nbs)[0] <= cka + 1e-9).all()
    assert (exact_ranges.nbs_range_given_cka(shares, cka)[1] >= nbs - 1e-9).all()


@pytest.mark.slow
@each_shape
def test_least_cka_rises_inverts_and_is_attained(variances):
    """Rising with the level, inverse to the most NBS, never the end point, and the scores of a
    matrix Y.
    """
    levels = np.concatenate([np.linspace(0.02, 0.98, 9), [0.99, 0.995, 0.999, 0.9999]])
    least = exact_ranges.cka_range_given_nbs(variances, levels)[0]
    most = exact_ranges.nbs_range_given_cka(variances, levels)[1]
    for other in (least, most):
        assert (np.diff(np.r_[0, other, 1]) > 0).all()
    np.testing.assert_allclose(
        exact_ranges.nbs_range_given_cka(variances, least)[1], levels, atol=1e-6
    )
    np.testing.assert_allclose(
        exact_ranges.cka_range_given_nbs(variances, most)[0], levels, atol=1e-6
    )
    X = data(variances)
    for level, cka in list(zip(levels, least, strict=True))[::4]:
        assert scores(X, exact_ranges.witness(X, "least-cka", nbs=level)) == pytest.approx(
            (level, cka), abs=1e-8
        )


@pytest.mark.parametrize("name", ["dominant", "plateau", "small corner"])
def test_the_second_kind_is_part_of_the_answer(name):
    shares = equations.normalised(SHAPES[name])
    levels = np.array([0.9975, 0.998, 0.999, 0.9995])
    end = least_cka.best_points(shares, levels, equations.NBS)
    first = cka_of_first_kind(shares, levels)
    assert (end.cka <= first).all() and (end.k > 0).any() and (end.cka < first - 1e-6).any()


def test_a_large_pc_before_a_flat_tail():
    """1 and 25 times 0.2, PC 1 at 0.6 of its size: the range reaches it, 0.007 below the curve of
    the first kind.
    """
    variances = SHAPES["dominant"]
    nbs, cka = diagonal_scores(equations.normalised(variances), np.r_[0.6, np.ones(25)])
    assert cka - 1e-3 < exact_ranges.cka_range_given_nbs(variances, nbs)[0] <= cka + 1e-12


def test_nearly_all_variance_in_one_pc():
    """Least CKA 0.0341 or below, not the 0.0567 of an end point, for (0.9996, 0.0004) at NBS
    0.2.
    """
    least, most = exact_ranges.cka_range_given_nbs([0.9996, 0.0004], 0.2)
    assert least <= 0.03415 and most > least


def test_no_levels_and_levels_that_are_not_found():
    none = np.zeros(0)
    assert exact_ranges.cka_range_given_nbs(np.ones(3), none)[0].shape == (0,)
    shares = equations.normalised(SPECTRA_TRIED["inverse"])
    assert all(part.shape == (0,) for part in least_cka.curve(shares, none, equations.NBS))
    assert least_cka.best_points(shares, none, equations.CKA).cka.shape == (0,)
    with pytest.warns(RuntimeWarning, match="no Y found"):
        assert np.isnan(least_cka.best_points(shares, np.array([1.1]), equations.NBS).cka).all()


@pytest.mark.parametrize("name", ["plateau", "small corner", "thin pair"])
def test_optimised_matrices_end_on_the_least_cka(name):
    shares = equations.normalised(SHAPES[name][:6])
    for level in (0.7, 0.998):
        least = float(exact_ranges.cka_range_given_nbs(shares, level)[0])
        tried = [climb_to(shares, level, -1, len(shares), seed) for seed in range(3)]
        found = [cka for cka, off in tried if off < 1e-8]
        assert min(found) == pytest.approx(least, abs=1e-4) and min(found) > least - 1e-6


@pytest.mark.slow
@each_spectrum
def test_curve_of_least_cka_beats_every_family(variances):
    """Spikes in any PC or outside of X through any PC, not only the chain's neighbours, at random
    water levels.
    """
    shares = equations.normalised(variances)
    rng = np.random.default_rng(2)
    norm = np.linalg.norm(shares)
    water = np.exp(rng.uniform(-6, 0.3, 150))
    pull = 2 * water * rng.uniform(0.01, 1, 150)
    large = equations.large_root(shares, water[:, None], pull[:, None])
    small = equations.small_root(shares, water[:, None], pull[:, None])
    for i in range(len(shares)):
        for spike in (large[:, i], None):
            x = small.copy()
            outside = np.zeros(150) if spike is not None else water
            x[:, i] = (
                spike
                if spike is not None
                else np.minimum(pull / (2 * np.sqrt(shares[i])), np.sqrt(water))
            )
            y = x**2
            y[:, i] = np.maximum(y[:, i], outside)
            m = np.sqrt(shares) * x
            nbs = m.sum(1) / np.sqrt(y.sum(1))
            cka = (m**2).sum(1) / (norm * np.sqrt((y**2).sum(1)))
            least = exact_ranges.cka_range_given_nbs(shares, nbs.clip(0, 1))[0]
            assert (cka >= least - 1e-9).all()


@pytest.mark.parametrize("given", [equations.NBS, equations.CKA], ids=["nbs", "cka"])
@pytest.mark.parametrize("name", ["plateaus", "jumps", "random"])
def test_the_thinned_search_finds_what_the_search_of_every_k_finds(name, given, monkeypatch):
    shares = equations.normalised(
        {
            "plateaus": np.repeat([1, 0.1, 0.03, 0.001], [3, 30, 20, 20]),
            "jumps": np.repeat([1, 0.5, 0.01], [40, 10, 20]),
            "random": np.exp(2 * np.random.default_rng(0).standard_normal(70)),
        }[name]
    )
    levels = np.array([0.3, 0.6, 0.8, 0.9, 0.97, 0.999, 0.999999])
    ends = []
    for every in (4, 99):
        monkeypatch.setattr(most_cka, "EVERY", every)
        ends.append(most_cka.best_points(shares, levels, given, len(shares))[1 - given])
    assert not np.isnan(ends).any()
    np.testing.assert_allclose(*ends, rtol=1e-9)


def test_all_pcs_of_the_largest_recording():
    """50 levels at 727 PCs in under a minute: far more than it takes."""
    start = time.process_time()
    least, most = exact_ranges.cka_range_given_nbs(
        variance_ratios("mante2013"), np.linspace(0, 1, 50)
    )
    assert time.process_time() - start < 60
    assert (np.diff(least) > 0).all() and (np.diff(most) > 0).all() and (least <= most).all()


def test_fewer_columns_than_pcs():
    """Most CKA with q < p: the same form, with the first q PCs."""
    shares = equations.normalised(SPECTRA_TRIED["inverse"])
    X = data(shares)
    Y = exact_ranges.witness(X, "most-cka", nbs=0.7, columns=3)
    assert Y.shape == (40, 3) and sl.score("nbs", X, Y) == pytest.approx(0.7, abs=1e-8)
    most = float(most_cka.best_points(shares, np.array([0.7]), equations.NBS, 3).cka[0])
    assert sl.score("cka", X, Y) == pytest.approx(most, abs=1e-8)
    tried = [climb_to(shares, 0.7, 1, 3, seed) for seed in range(3)]
    assert max(cka for cka, off in tried if off < 1e-7) == pytest.approx(most, abs=1e-4)


@each_spectrum
def test_bounds_with_participation_ratios(variances):
    X = data(variances)
    rng = np.random.default_rng(3)
    for scale in (0.01, 0.1, 1):
        Y = X + scale * rng.standard_normal(X.shape)
        nbs, cka = scores(X, Y)
        spectrum = np.linalg.svd(Y - Y.mean(0), compute_uv=False) ** 2
        low, high = exact_ranges.nbs_bounds_given_cka(variances, spectrum, cka)
        assert low - 1e-12 <= nbs <= high + 1e-12


def test_little_room_makes_the_range_smaller():
    """With n - 1 = p there is nothing outside of X: the most CKA isn't attained, and nothing is
    beyond it.
    """
    variances = SPECTRA_TRIED["inverse"]
    X = data(variances, n=6)
    with pytest.raises(ValueError, match="needs 4 directions outside of X; 6 samples leave 0"):
        exact_ranges.witness(X, "most-cka", nbs=0.6)
    Y = exact_ranges.witness(X, "least-cka", nbs=0.9)  # no direction outside of X is needed here
    assert scores(X, Y) == pytest.approx(
        (0.9, float(exact_ranges.cka_range_given_nbs(variances, 0.9)[0])), abs=1e-8
    )
    most = float(exact_ranges.cka_range_given_nbs(variances, 0.6)[1])
    target = (0.6, most)
    ways = [
        joint.approach("nbs", "cka", X, target, seed=seed, steps=600, lr=0.02) for seed in range(2)
    ]
    assert min(way["distance"].min() for way in ways) > 0.01


# -- R^2


def test_linear_regression_ranges():
    variances = SPECTRA_TRIED["inverse"]
    shares = equations.normalised(variances)
    X = data(variances)
    rng = np.random.default_rng(4)
    for columns in (1, 3, 5, 7):
        for _ in range(60):
            Y = X @ rng.standard_normal((5, columns)) + rng.choice(
                [0, 0.1, 1]
            ) * rng.standard_normal((40, columns))
            Y = Y * np.exp(3 * rng.standard_normal(columns))
            r, nbs, cka = (sl.score(measure, X, Y) for measure in ("linreg", "nbs", "cka"))
            for pair, value in (
                (exact_ranges.nbs_range_given_linear_regression(variances, r, columns), nbs),
                (exact_ranges.cka_range_given_linear_regression(variances, r, columns), cka),
                (exact_ranges.linear_regression_range_given_nbs(variances, nbs, columns), r),
                (exact_ranges.linear_regression_range_given_cka(variances, cka, columns), r),
            ):
                assert pair[0] - 1e-9 <= value <= pair[1] + 1e-9
    assert np.isnan(exact_ranges.nbs_range_given_linear_regression(shares, 0.9, 2)[0])


@pytest.mark.parametrize("r", [0.2, 0.7, 0.95])
def test_linear_regression_ends_are_attained_or_approached(r):
    shares = equations.normalised(SPECTRA_TRIED["inverse"])
    X = data(shares)
    U = np.linalg.svd(X, full_matrices=False)[0]
    new = np.linalg.qr(
        np.column_stack([np.ones(40), U, np.random.default_rng(5).standard_normal(40)])
    )[0][:, -1]
    filled = np.clip(r - np.concatenate([[0], shares.cumsum()[:-1]]), 0, shares)
    kept = filled > 0
    turn = np.sqrt(filled / shares)
    Y = (U * turn + new[:, None] * np.sqrt(1 - turn**2))[:, kept]
    for measure, weight in (("nbs", np.sqrt(filled)), ("cka", np.sqrt(filled))):
        made = Y * weight[kept]
        found = getattr(exact_ranges, f"{measure}_range_given_linear_regression")(shares, r)[1]
        assert sl.score("linreg", X, made) == pytest.approx(r, abs=1e-8)
        assert sl.score(measure, X, made) == pytest.approx(float(found), abs=1e-8)
    if r > shares[:4].sum():
        last = (r - shares[:4].sum()) / shares[4]
        flat = np.column_stack([1e-5 * U[:, :4], np.sqrt(last) * U[:, 4] + np.sqrt(1 - last) * new])
        for measure in ("nbs", "cka"):
            low = getattr(exact_ranges, f"{measure}_range_given_linear_regression")(shares, r)[0]
            assert sl.score("linreg", X, flat) == pytest.approx(r, abs=1e-6)
            assert low < sl.score(measure, X, flat) < low + 1e-4


@pytest.mark.parametrize("columns", [1, 2, 5, 8])
def test_linear_regression_ranges_hold_from_0_to_the_most_that_q_columns_reach(columns):
    """The domain of prop-range-r2: 0 at r = 0 alone, L_q at most, one value for q = 1."""
    shares = equations.normalised(SPECTRA_TRIED["inverse"])
    most, before = shares[:columns].sum(), shares[: columns - 1].sum()
    r = np.linspace(0, most, 12)
    for there, back in (
        (
            exact_ranges.nbs_range_given_linear_regression,
            exact_ranges.linear_regression_range_given_nbs,
        ),
        (
            exact_ranges.cka_range_given_linear_regression,
            exact_ranges.linear_regression_range_given_cka,
        ),
    ):
        low, high = there(shares, r, columns)
        assert low[0] == high[0] == 0 and (high[1:] > 0).all()
        assert (np.diff(low) >= 0).all() and (np.diff(high) > 0).all()
        assert (low[1:] < high[1:]).all() if columns > 1 else low == pytest.approx(high)
        assert most > 1 - 1e-9 or np.isnan(there(shares, most + 1e-6, columns)).all()
        assert back(shares, 0, columns) == (0, 0)
        near_none = back(shares, 1e-6, columns)
        assert near_none[0] < 1e-5 and near_none[1] == pytest.approx(before, abs=1e-5)
        np.testing.assert_allclose(back(shares, high, columns)[0], r, atol=1e-7)


def test_between_the_ends_of_linear_regression_ranges_all_occurs():
    """r below L_{q-1}: from X's projection, with PCs filled in order, to nearly all outside."""
    shares = equations.normalised(SPECTRA_TRIED["inverse"])
    X = data(shares)
    U = np.linalg.svd(X, full_matrices=False)[0]
    new = np.linalg.svd(np.column_stack([np.ones(40), U]))[0][:, 6:]
    r, filled = 0.6, np.clip(0.6 - (shares.cumsum() - shares), 0, shares)
    turn = np.sqrt(filled / shares)
    basis = U * turn + new[:, :5] * np.sqrt(1 - turn**2)
    found = []
    for weight in np.geomspace(1e-6, 1e3, 200):
        Y = basis * np.where(filled > 0, weight * np.sqrt(filled), 0.01 * min(1, 1 / weight**2))
        assert sl.score("linreg", X, Y) == pytest.approx(r, abs=1e-6)
        found.append(scores(X, Y))
    for values, measure in zip(np.transpose(found), ("nbs", "cka"), strict=True):
        low, high = getattr(exact_ranges, f"{measure}_range_given_linear_regression")(shares, r)
        assert low == 0 < values.min() < 1e-4 and high - 1e-6 < values.max() <= high + 1e-9
        assert np.diff(np.sort(values)).max() < 0.1


def test_linear_regression_ranges_invert():
    shares = equations.normalised(SPECTRA_TRIED["steep"])
    r = np.linspace(0.01, 1, 30)
    for columns in (2, 6):
        reached = r[r <= shares[:columns].sum()]
        high = exact_ranges.cka_range_given_linear_regression(shares, reached, columns)[1]
        np.testing.assert_allclose(
            exact_ranges.linear_regression_range_given_cka(shares, high, columns)[0],
            reached,
            atol=1e-9,
        )


# -- The recordings


@pytest.mark.parametrize(
    "name, count, low, high", [("siegel2015", 20, 0.376, 0.879), ("mante2013", 12, 0.401, 0.877)]
)
def test_first_pcs(name, count, low, high):
    found = exact_ranges.angular(
        np.array(exact_ranges.nbs_range_given_cka(variance_ratios(name, count), 0.9))
    )
    np.testing.assert_allclose(found, (low, high), atol=1e-3)


def test_pairs_by_name():
    variances = SPECTRA_TRIED["uneven"]
    assert exact_ranges.has_range("cka-angular-score", "linreg") and not exact_ranges.has_range(
        "cka", "cka-angular-score"
    )
    low, high = exact_ranges.score_range(
        variances, "procrustes-angular-score", 0.9, "cka-angular-score", 8
    )
    cka = np.array(exact_ranges.cka_range_given_nbs(variances, np.cos(0.05 * np.pi), 8))
    np.testing.assert_allclose((low, high), 1 - 2 / np.pi * np.arccos(cka), atol=1e-12)
    assert exact_ranges.score_range(variances, "linreg", 0.7, "nbs")[1] == pytest.approx(
        np.sqrt(0.7)
    )
    assert set(exact_ranges.STATUS["cka", "nbs"]) == {"proved", "conjecture"}


def test_angular_forms():
    X, Y = data(np.ones(3)), data(np.arange(1, 4), seed=1)
    nbs, cka = scores(X, Y)
    assert exact_ranges.angular(nbs) == pytest.approx(
        sl.score("procrustes-angular-score", X, Y), abs=1e-9
    )
    assert exact_ranges.from_angular(sl.score("cka-angular-score", X, Y)) == pytest.approx(
        cka, abs=1e-9
    )


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: exact_ranges.nbs_range_given_cka([1, -1], 0.5), "positive finite"),
        (lambda: exact_ranges.nbs_range_given_cka(np.ones((2, 2)), 0.5), r"shape \(2, 2\)"),
        (lambda: exact_ranges.nbs_range_given_cka(np.ones(2), 1.5), "scores lie in"),
        (lambda: exact_ranges.nbs_range_given_cka(np.ones(3), 0.5, 2), "3 or more columns"),
        (
            lambda: exact_ranges.nbs_range_given_linear_regression(np.ones(3), 0.5, 0),
            "1 or more columns",
        ),
        (
            lambda: exact_ranges.score_range(np.ones(3), "cka", 0.5, "ridge-cv"),
            "no exact range of 'ridge-cv'",
        ),
        (lambda: exact_ranges.cka_range_given_linear_regression(np.ones(3), -0.5), "scores lie in"),
        (lambda: exact_ranges.witness(np.eye(4), "most", cka=0.5), "most-cka"),
        (lambda: exact_ranges.witness(data(np.ones(3)), "most-cka", cka=1.0), "lies in"),
        (
            lambda: exact_ranges.witness(data(np.ones(3)), "most-cka", nbs=0.95, columns=2),
            "no Y of 2 columns",
        ),
    ],
)
def test_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


needs_tables = pytest.mark.skipif(
    paper.published_folder() is None,
    reason="the published tables are not on this machine: run `make scorecard`",
)
PAGE = Path(__file__).resolve().parent.parent / "book" / "exact_ranges.md"
ROWS = re.findall(
    r"^\| (\w+) \d{4} \| (\d+)" + r" \| ([\d.]+)" * 4 + r" \|$", PAGE.read_text(), re.M
)


def table_of(variances):
    """A row of the book's table: bounds as text, the lowest rounded down, the highest up."""
    lowest, highest = exact_ranges.angular(
        np.array(exact_ranges.nbs_range_given_cka(variances, 0.9))
    )
    lowest_cka, _ = exact_ranges.cka_range_given_nbs(variances, exact_ranges.from_angular(0.9))
    lowest_r2, _ = exact_ranges.linear_regression_range_given_cka(variances, 0.9)
    return np.array([lowest, highest, lowest_cka, lowest_r2])


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_books_table_is_what_the_functions_give(row):
    (key,) = [name for name in SPECTRA if name.startswith(row[0].lower())]
    variances = variance_ratios(key)
    assert len(variances) == int(row[1])
    found = zip(table_of(variances), ("down", "up", "down", "down"), strict=True)
    assert list(row[2:]) == [exact_ranges.directed(value, way) for value, way in found]


@pytest.mark.slow
@needs_tables
@pytest.mark.parametrize("name", SPECTRA)
def test_how_far_interpolated_spectra_move_the_books_table(name):
    captures = paper.published_captures([f"surrogate-{name}"])
    ratios = captures[captures["published_measure"] == "cka"]["explained_variance"]
    assert len(ratios) == len(variance_ratios(name))
    here, whole = table_of(variance_ratios(name)), table_of(ratios)
    assert np.abs(here - whole).max() < 0.00065
    if name == "mante2013":
        assert (here[2], whole[2]) == pytest.approx((0.8786, 0.8784), abs=5e-5)


def test_the_book_says_what_angular_procrustes_implies_for_r2():
    least = exact_ranges.score_range([2, 1], "procrustes-angular-score", 0.9, "linreg")[0]
    assert f"implies $R^2 \\ge {exact_ranges.directed(least, 'down')}$" in PAGE.read_text()


@pytest.mark.parametrize("digits", [1, 2, 3, 6])
def test_bounds_as_text_stay_bounds_and_near(digits):
    rng = np.random.default_rng(0)
    for value in (*rng.uniform(-1, 1, 200), 0.97553, 0.13171, 0.0, -1e-12):
        low, high = (float(exact_ranges.directed(value, way, digits)) for way in ("down", "up"))
        assert low <= value + 1e-9 and value - 1e-9 <= high
        assert high - low < 1.01 * 10.0**-digits
    for short in (0.9, 0.3, 1, 0.29, 0.57):
        same = {
            exact_ranges.directed(short + off, w, 3) for off in (0, 1e-12) for w in ("down", "up")
        }
        assert same == {f"{short:.3f}"}
    assert exact_ranges.directed(np.nan, "up") == ""
    with pytest.raises(ValueError, match="'down' or 'up'; got 'nearest'"):
        exact_ranges.directed(0.5, "nearest")


def test_the_books_table_has_all_five():
    assert len(ROWS) == 5
