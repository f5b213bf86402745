"""Magnitudes and sizes of a galaxy, and where they came from."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Photometry:
    """Magnitudes and sizes, and where they came from.

    Attributes
    ----------
    kind : {"none", "catalogue", "measured"}
        Catalogue values are dereddened AB model magnitudes; measured ones are what
        this program found on the pixels, corrected for extinction where a note says so.
    magnitudes : dict of str to float
        AB magnitudes by band; a missing band is absent.
    errors : dict of str to float
        1-sigma errors by band, where known.
    petro_r50, petro_r90 : float or None
        Petrosian half-light and 90%-light radii in r, arcsec.
    petro_kind : {"none", "catalogue", "measured"}
        Where the radii came from.
    petro_magnitudes : dict of str to float
        Dereddened Petrosian AB magnitudes by band, which tell more beside model magnitudes.
    """

    kind: str = "none"
    magnitudes: dict[str, float] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    petro_r50: float | None = None
    petro_r90: float | None = None
    petro_kind: str = "none"
    petro_magnitudes: dict[str, float] = field(default_factory=dict)
