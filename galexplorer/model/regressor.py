"""Redshift and stellar mass straight from an image, by networks that learn nothing else.

An encoder that has to reproduce the image, and to know nine targets of simulated galaxies, says
less of redshift and mass than a plain network that learns these two from observed galaxies alone.
The flows are given what both say. Each regressor leaves out a part of the galaxies that it could
learn from, so that each of those has an estimate by one that has not seen it, as new galaxies do
(stacking: Wolpert 1992, 10.1016/S0893-6080(05)80023-1).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from galexplorer.model.flows import ESTIMATED
from galexplorer.model.vae import Trunk

ESTIMATE = 2 * len(ESTIMATED)
"""Length of an estimate: the middle of each, and the logarithm of its width."""

_WIDEST = 3.0


class Regressor(Trunk):
    """Image and size of its pixel to an estimate; training sets its dropout.

    Estimates are in standardised targets (`galexplorer.model.network.GalaxyModel.standardise`).
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.summary = nn.Sequential(nn.Dropout(), nn.Linear(self.size, 256), nn.SiLU())
        self.head = nn.Sequential(
            nn.Dropout(), nn.Linear(256 + 1, 192), nn.SiLU(), nn.Dropout(), nn.Linear(192, ESTIMATE)
        )

    def forward(
        self, image: Float[Tensor, "n 3 64 64"], log_scale: Float[Tensor, " n"]
    ) -> Float[Tensor, "n 4"]:
        """Return estimates (n, 4) of images (n, 3, 64, 64), 0..1, and their scaled pixels (n,)."""
        summary = self.summary(self.pool(image))
        middle, log_width = self.head(torch.cat([summary, log_scale[:, None]], dim=1)).chunk(2, 1)
        return torch.cat([middle, log_width.clamp(-_WIDEST, _WIDEST)], dim=1)
