"""Real galaxies near in latent space: a library of numbers, never of pixels."""

from dataclasses import dataclass

import numpy as np
import torch
from astropy import units
from astropy.coordinates import SkyCoord
from torch import Tensor

from galexplorer.inference.result import Neighbour
from galexplorer.schema import TARGET_NAMES

LIBRARY_FILE = "library.safetensors"
_SAME_GALAXY_ARCSEC = 5.0


@dataclass(frozen=True)
class Library:
    """Latents and known values of real labelled galaxies.

    Attributes
    ----------
    latents : Tensor, shape (n, 32)
        Means, as the encoder gave them.
    appearance : Tensor, shape (n, 32)
        Latents of the image as it lies on the sky, for thumbnails.
    scale : Tensor, shape (32,)
        Spread of each latent over the library; distances are measured in it.
    position : Tensor, shape (n, 2)
        ra, dec, degrees.
    known : Tensor, shape (n, 10)
        The nine targets and the r magnitude; NaN where unknown.
    names : list of str
        IAU-style names.
    """

    latents: Tensor
    appearance: Tensor
    scale: Tensor
    position: Tensor
    known: Tensor
    names: list[str]

    @classmethod
    def from_arrays(cls, arrays: dict[str, Tensor]) -> "Library":
        """Build from the tensors of the library's file."""
        latents = arrays["latents"].float()
        position = arrays["position"].double()
        return cls(
            latents=latents,
            appearance=arrays["appearance"].float(),
            scale=latents.std(dim=0).clamp(min=1e-3),
            position=position,
            known=arrays["known"].float(),
            names=iau_names(position[:, 0].numpy(), position[:, 1].numpy()),
        )

    def nearest(
        self, latent: Tensor, number: int, exclude: tuple[float, float] | None = None
    ) -> list[tuple[int, float]]:
        """Return rows and distances of the nearest galaxies.

        Parameters
        ----------
        latent : Tensor, shape (32,)
        number : int
        exclude : tuple of float, optional
            Position of the galaxy itself, so that it is not its own neighbour.

        Returns
        -------
        list of (int, float)
            Exact search: fast enough to about a million rows.
        """
        distance = (((self.latents - latent.cpu()) / self.scale) ** 2).sum(dim=1).sqrt()
        if exclude is not None:
            ra, dec = exclude
            off_ra = (self.position[:, 0] - ra + 180) % 360 - 180  # also across RA 0
            off_ra = off_ra * np.cos(np.radians(dec))
            near = torch.hypot(off_ra, self.position[:, 1] - dec) * 3600 < _SAME_GALAXY_ARCSEC
            distance = distance.masked_fill(near, float("inf"))
        order = torch.argsort(distance)[:number]
        return [(int(k), float(distance[k])) for k in order]

    def describe(self, row: int, distance: float, thumbnail: np.ndarray) -> Neighbour:
        """Return one library galaxy as a neighbour."""
        values = self.known[row].tolist()
        keys = (*TARGET_NAMES, "r")
        known = {key: round(v, 4) for key, v in zip(keys, values, strict=True) if np.isfinite(v)}
        ra, dec = (float(v) for v in self.position[row])
        return Neighbour(
            name=self.names[row],
            ra=ra,
            dec=dec,
            distance=distance,
            known=known,
            source="SDSS and GLADE+ compilations",
            thumbnail=thumbnail,
        )


def iau_names(ra: np.ndarray, dec: np.ndarray) -> list[str]:
    """Return names like J104844.20+260313.2 (truncated, as the IAU asks)."""
    sky = SkyCoord(ra * units.deg, dec * units.deg)
    hours = sky.ra.to_string(unit=units.hourangle, sep="", precision=3, pad=True)
    degrees = sky.dec.to_string(sep="", precision=2, pad=True, alwayssign=True)
    return [f"J{h[:-1]}{d[:-1]}" for h, d in zip(hours, degrees, strict=True)]
