"""A galaxy as the services returned it."""

from dataclasses import dataclass, field
from typing import Literal

from galexplorer.image.pixels import Pixels
from galexplorer.query.parse import Reading
from galexplorer.records.photometry import Photometry

Source = Literal["auto", "frames", "legacy", "hips"]


@dataclass(frozen=True)
class Fetched:
    """A galaxy as the services return it.

    Attributes
    ----------
    reading : Reading
        How the text was understood.
    ra, dec : float
        ICRS degrees of the galaxy.
    pixels : Pixels
        Centred on it.
    photometry : Photometry
        Dereddened catalogue values; of kind "none" where SDSS was unavailable.
    objid : int or None
    truths : dict of str to float
        Spectroscopic values by target, to be shown beside the posterior and never fed to it.
    subclass : str
        Of the spectrum; empty where there is none.
    source : str
        Where the pixels are from: ``frames``, ``legacy`` or ``hips``.
    origins : dict of str to str
        Where each number is from.
    notes : tuple of str
        What failed or was assumed on the way, a sentence each.
    requests : int
        How many were sent.
    extinction_mag : dict of str to float
        Galactic extinction by band, from SDSS or else IRSA; empty where neither told. Catalogue
        photometry is without it, pixels are not.
    """

    reading: Reading
    ra: float
    dec: float
    pixels: Pixels
    photometry: Photometry
    objid: int | None
    truths: dict[str, float]
    subclass: str
    source: str
    origins: dict[str, str]
    notes: tuple[str, ...] = field(default=())
    requests: int = 0
    extinction_mag: dict[str, float] = field(default_factory=dict)
