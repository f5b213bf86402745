"""One galaxy and the options to infer it with; no Streamlit here, so tests need none."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from galexplorer.errors import OptionError
from galexplorer.image.reader import read_image
from galexplorer.inference.observe import observe
from galexplorer.inference.result import Photometry, Result

if TYPE_CHECKING:
    from galexplorer.inference.engine import Engine


@dataclass(frozen=True)
class Options:
    """What a user can state beside the image.

    Attributes
    ----------
    magnitudes : dict of str to float
        Dereddened AB magnitudes by band.
    petro_r50, petro_r90 : float or None
        Petrosian radii in r, arcsec.
    ra, dec : float or None
        Position of the target in the field, degrees.
    pixel_scale_arcsec : float or None
        Side of a pixel; None reads it from the header.
    flux_pixel_scale_arcsec : float or None
        Side of the pixel that the values refer to.
    redshift : float or None
        Held fixed.
    redshift_range : tuple of float or None
        Prior on the redshift.
    draws, seed : int
    """

    magnitudes: dict[str, float] = field(default_factory=dict)
    petro_r50: float | None = None
    petro_r90: float | None = None
    ra: float | None = None
    dec: float | None = None
    pixel_scale_arcsec: float | None = None
    flux_pixel_scale_arcsec: float | None = None
    redshift: float | None = None
    redshift_range: tuple[float, float] | None = None
    draws: int = 5000
    seed: int = 0

    @property
    def photometry(self) -> Photometry | None:
        """Return the catalogue photometry, None where there is none."""
        if not (self.magnitudes or self.petro_r50 or self.petro_r90):
            return None
        return Photometry(
            kind="catalogue",
            magnitudes=self.magnitudes,
            petro_r50=self.petro_r50,
            petro_r90=self.petro_r90,
        )

    def check(self) -> None:
        """Refuse half a position; the engine checks the rest.

        Raises
        ------
        OptionError
            If only one of RA and Dec is given.
        """
        if (self.ra is None) != (self.dec is None):
            raise OptionError("The target needs both RA and Dec: give the other, or clear both.")


@dataclass(frozen=True)
class Request:
    """Files and options: all that an answer depends on.

    Attributes
    ----------
    files : tuple of (str, bytes)
        Names and contents; empty for photometry alone.
    options : Options
    """

    files: tuple[tuple[str, bytes], ...] = ()
    options: Options = field(default_factory=Options)

    def key(self) -> str:
        """Return a hash of contents and options: equal requests have equal answers."""
        digest = hashlib.sha256()
        for name, content in self.files:
            digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
        digest.update(json.dumps(asdict(self.options), sort_keys=True).encode())
        return digest.hexdigest()


def run(
    request: Request,
    load_engine: "Callable[[], Engine]",
    progress: Callable[[str], None] = lambda words: None,
) -> Result:
    """Infer one galaxy: read, measure, draw.

    Parameters
    ----------
    request : Request
    load_engine : callable
        Returns the engine; called after the image was read, since loading takes longer
        than finding out that a file is no image.
    progress : callable
        Is told what happens next, a few words each time.

    Returns
    -------
    Result

    Raises
    ------
    GalexplorerError
        If a file cannot be read, no galaxy is found, or an option contradicts another.
    """
    options = request.options
    options.check()
    pixels = None
    if request.files:
        progress("Reading the image")
        pixels = read_image(
            list(request.files),
            pixel_scale_arcsec=options.pixel_scale_arcsec,
            flux_pixel_scale_arcsec=options.flux_pixel_scale_arcsec,
        )
        progress("Finding and measuring the galaxy")
    observation = observe(pixels, options.photometry, ra=options.ra, dec=options.dec)
    progress("Loading the model")
    engine = load_engine()
    progress(f"Drawing {options.draws:,} times from the posterior")
    return engine.infer(
        observation,
        redshift=options.redshift,
        redshift_range=options.redshift_range,
        draws=options.draws,
        seed=options.seed,
    )


def without_image(options: Options) -> Options:
    """Return the options without those that belong to an image."""
    return replace(
        options, ra=None, dec=None, pixel_scale_arcsec=None, flux_pixel_scale_arcsec=None
    )
