"""Classifiers that separate real galaxies from simulated ones, on numbers and on pixels.

Their settings are fixed beforehand, and how two of them are weighed against each other is learnt
within the training folds: nothing is chosen by the galaxies that are scored.
"""

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional

Folds = list[tuple[np.ndarray, np.ndarray]]

_EPOCHS = 14
_BATCH = 64
_WIDTHS = (24, 48, 64)


def score_numbers(x: np.ndarray, truth: np.ndarray, folds: Folds, seed: int) -> np.ndarray:
    """Return held-out probabilities of boosting and a linear classifier, stacked.

    Parameters
    ----------
    x : ndarray, shape (n, f)
    truth : ndarray, shape (n,)
        1 where real.
    folds : list of (ndarray, ndarray)
        Rows to train on and rows to score, which together are all rows once.
    seed : int

    Returns
    -------
    ndarray, shape (n,)
    """
    boosting = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.06, max_leaf_nodes=12, random_state=seed
    )
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000))
    both = StackingClassifier([("boosting", boosting), ("linear", linear)], cv=5)
    score = np.zeros(len(truth))
    for train, test in folds:
        # the classifier splits its rows again, in their order: real and simulated ones mixed
        mixed = np.random.default_rng(seed).permutation(train)
        both.fit(x[mixed], truth[mixed])
        score[test] = both.predict_proba(x[test])[:, 1]
    return score


def score_images(grids: np.ndarray, truth: np.ndarray, folds: Folds, seed: int) -> np.ndarray:
    """Return held-out log odds of a small convolutional network.

    Parameters
    ----------
    grids : ndarray, shape (n, 3, 64, 64), uint8
    truth, folds, seed
        As in `score_numbers`.

    Returns
    -------
    ndarray, shape (n,)
    """
    images = torch.sqrt(torch.from_numpy(grids).float() / 255)
    labels = torch.from_numpy(truth).float()
    score = np.zeros(len(truth))
    for train, test in folds:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = _network()
        rows = torch.from_numpy(train)
        _fit(network, images[rows], labels[rows], seed)
        with torch.no_grad():
            score[test] = network(images[torch.from_numpy(test)])[:, 0].numpy()
    return score


def _network() -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 3
    for width in _WIDTHS:
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * before, 1))


def _fit(network: nn.Module, images: Tensor, labels: Tensor, seed: int) -> None:
    """Train on images, turned and flipped at random."""
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    steps = _EPOCHS * (len(images) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps + 1)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(_EPOCHS):
        order = torch.randperm(len(images), generator=generator)
        for k in range(0, len(order) - _BATCH + 1, _BATCH):
            take = order[k : k + _BATCH]
            turn = int(torch.randint(4, (1,), generator=generator))
            batch = torch.rot90(images[take], turn, dims=(2, 3))
            if torch.rand(1, generator=generator) < 0.5:
                batch = batch.flip(3)
            loss = functional.binary_cross_entropy_with_logits(network(batch)[:, 0], labels[take])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval()
