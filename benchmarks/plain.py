"""Plain implementations to measure against: the authors' routes, and the shortest direct formulas.

All go through autograd in the precision of their input, and nothing is cached between steps but
what is named.
"""

import math

import joblib
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits


def centre(X):
    return X - X.mean(0, keepdim=True)


# -- The authors' routes


def eigen_cka(X, Y):
    """CKA by eigendecomposition of both samples x samples Gram matrices."""
    (wx, Vx), (wy, Vy) = (torch.linalg.eigh(Z @ Z.T) for Z in (centre(X), centre(Y)))
    overlap = (Vx.T @ Vy).square()
    return wx @ overlap @ wy / (wx.norm() * wy.norm())


def svd_nbs(X, Y):
    """NBS by the singular values of X'Y, XX' and YY'."""
    X, Y = centre(X), centre(Y)
    cross = torch.linalg.svdvals(X.T @ Y).sum()
    return (
        cross / (torch.linalg.svdvals(X @ X.T).sum() * torch.linalg.svdvals(Y @ Y.T).sum()).sqrt()
    )


def svd_angular_procrustes(X, Y):
    """Angular Procrustes by a full SVD of X'Y."""
    X, Y = centre(X), centre(Y)
    X, Y = X / X.norm(), Y / Y.norm()
    U, _, Vh = torch.linalg.svd(X.T @ Y, full_matrices=False)
    return 1 - torch.arccos((X * (Y @ Vh.T @ U.T)).sum().clamp(-1, 1)) * 2 / math.pi


def qr_linear_regression(X, Y):
    """R^2 by a QR decomposition of Y."""
    X, Y = centre(X), centre(Y)
    return (torch.linalg.qr(Y)[0].T @ X).square().sum() / X.square().sum()


def fold_ridge(X, Y, penalty=100.0, folds=5):
    """Cross-validated ridge by a least-squares solve per fold, of Y with sqrt(penalty) I below
    it.
    """
    scores = []
    for test in torch.tensor_split(torch.arange(len(X)), folds):
        train = torch.ones(len(X), dtype=torch.bool)
        train[test] = False
        mean_x, mean_y = X[train].mean(0), Y[train].mean(0)
        q = Y.shape[1]
        left = torch.cat([Y[train] - mean_y, math.sqrt(penalty) * torch.eye(q, dtype=Y.dtype)])
        right = torch.cat([X[train] - mean_x, torch.zeros(q, X.shape[1], dtype=X.dtype)])
        B = torch.linalg.lstsq(left, right).solution
        target = X[test] - mean_x
        scores.append(1 - (target - (Y[test] - mean_y) @ B).square().sum() / target.square().sum())
    return torch.stack(scores).mean()


def svd_capture(X, Y):
    """R^2 of each PC by an SVD of X and a QR of Y at every snapshot."""
    U = torch.linalg.svd(centre(X), full_matrices=False)[0]
    return (torch.linalg.qr(centre(Y))[0].T @ U).square().sum(0)


def loop_accuracy(Y, labels):
    """Decoding by a loop of scikit-learn over bins and folds, all neurons as they are."""
    found = []
    for trials in Y:
        for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(trials, labels):
            decoder = LogisticRegression(max_iter=200).fit(trials[train], labels[train])
            found.append(decoder.score(trials[test], labels[test]))
    return np.mean(found)


# -- The obvious good code


def direct_cka(X, Y):
    X, Y = centre(X), centre(Y)
    return (X.T @ Y).square().sum() / ((X.T @ X).norm() * (Y.T @ Y).norm())


def direct_nbs(X, Y):
    X, Y = centre(X), centre(Y)
    return torch.linalg.svdvals(X.T @ Y).sum() / (X.norm() * Y.norm())


def direct_angular_procrustes(X, Y):
    return 1 - torch.arccos(direct_nbs(X, Y).clamp(-1, 1)) * 2 / math.pi


AUTHORS = {
    "cka": eigen_cka,
    "nbs": svd_nbs,
    "procrustes-angular-score": svd_angular_procrustes,
    "linreg": qr_linear_regression,
    "ridge-cv": fold_ridge,
}
DIRECT = {
    "cka": direct_cka,
    "nbs": direct_nbs,
    "procrustes-angular-score": direct_angular_procrustes,
    "linreg": qr_linear_regression,
    "ridge-cv": fold_ridge,
}


def cached_capture(vectors, Y):
    """R^2 of each PC with X's singular vectors computed beforehand."""
    return (torch.linalg.qr(centre(Y))[0].T @ vectors).square().sum(0)


def one_bin(trials, labels):
    with threadpool_limits(1):
        return [
            LogisticRegression(max_iter=200)
            .fit(trials[train], labels[train])
            .score(trials[test], labels[test])
            for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(
                trials, labels
            )
        ]


def parallel_accuracy(Y, labels):
    """Decoding by scikit-learn, time bins shared out by joblib."""
    return np.mean(
        joblib.Parallel(n_jobs=2)(joblib.delayed(one_bin)(trials, labels) for trials in Y)
    )
