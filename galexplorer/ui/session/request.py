"""One galaxy and the options to infer it with; no Streamlit here, so tests need none."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from galexplorer.api.inputs import observe
from galexplorer.api.statements import Given
from galexplorer.errors import OptionError
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.inference.input_selection import INPUTS, select_inputs
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.sky.fetched import Fetched

if TYPE_CHECKING:
    from galexplorer.api.engine import Engine
    from galexplorer.api.result import Result
    from galexplorer.inference.prepared import PreparedObservation

IMAGE_SETTINGS = (
    *("pixel_scale_arcsec", "flux_pixel_scale_arcsec"),
    *("zero_point", "exposure_s", "ebv", "bands"),
)
"""Options that say how an image of the user's own is read."""


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
    pixel : tuple of float or None
        Position of the target on an image without coordinates, zero-based x and y.
    pixel_scale_arcsec : float or None
        Side of a pixel; None reads it from the header.
    flux_pixel_scale_arcsec : float or None
        Side of the pixel that the values refer to.
    zero_point : float or None
        AB magnitude of a source whose pixels sum to one; None reads it from the header.
    exposure_s : float or None
        Exposure time, where the zero point is that of one unit per second.
    ebv : float or None
        Reddening E(B-V), magnitudes, whose extinction is removed from measured magnitudes.
    bands : tuple of str or None
        Which band each of three files is, in their order; None reads it from names and headers.
    redshift : float or None
        Held fixed.
    redshift_range : tuple of float or None
        Prior on the redshift.
    redshift_prior : tuple of float or None
        Mean and standard deviation of a Gaussian prior on the redshift.
    draws, seed : int
    use : tuple of str
        Which of `galexplorer.inference.input_selection.INPUTS` the model is given.
    cuts : dict of str to tuple of float
        Prior ranges of other targets.
    detected : tuple of str
        Lines that a spectrum shows, of `galexplorer.science.detection.DETECTABLE`.
    mask_regions : str
        What on the image is not the galaxy, as `galexplorer.image.regions` reads it.
    name : str
        What a list calls a galaxy of which it gives magnitudes or a position.
    place : tuple of float or None
        RA and Dec of one without an image, degrees; nothing is inferred from it.
    """

    magnitudes: dict[str, float] = field(default_factory=dict)
    petro_r50: float | None = None
    petro_r90: float | None = None
    ra: float | None = None
    dec: float | None = None
    pixel: tuple[float, float] | None = None
    pixel_scale_arcsec: float | None = None
    flux_pixel_scale_arcsec: float | None = None
    zero_point: float | None = None
    exposure_s: float | None = None
    ebv: float | None = None
    bands: tuple[str, ...] | None = None
    redshift: float | None = None
    redshift_range: tuple[float, float] | None = None
    redshift_prior: tuple[float, float] | None = None
    draws: int = 5000
    seed: int = 0
    use: tuple[str, ...] = INPUTS
    cuts: dict[str, tuple[float, float]] = field(default_factory=dict)
    detected: tuple[str, ...] = ()
    mask_regions: str = ""
    name: str = ""
    place: tuple[float, float] | None = None

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


def content_hash(files: tuple[tuple[str, bytes], ...], fetched: Fetched | None) -> str:
    """Return a hash of names and contents of files, or of all that counts of a fetched galaxy."""
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    if fetched is not None:
        digest.update(fetched.pixels.sha256.encode())
        values = (fetched.photometry, fetched.truths, fetched.extinction_mag)
        digest.update(repr(values).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Request:
    """Files and options: all that an answer depends on.

    Attributes
    ----------
    files : tuple of (str, bytes)
        Names and contents; empty for photometry alone and for a galaxy that was fetched.
    options : Options
    fetched : Fetched or None
        A galaxy that was looked up.
    stored : Observation or None
        A galaxy of the library.
    content : str
        As `content_hash` returns it for `files` and `fetched`, where it is at hand: large files
        take long to hash.
    """

    files: tuple[tuple[str, bytes], ...] = ()
    options: Options = field(default_factory=Options)
    fetched: Fetched | None = None
    stored: Observation | None = None
    content: str = ""

    def key(self) -> str:
        """Return a hash of contents and options: equal requests have equal answers."""
        return self._hash(asdict(self.options))

    def pixels_key(self) -> str:
        """Return a hash of what the pixels depend on."""
        return self._hash(self._reading())

    def observation_key(self) -> str:
        """Return a hash of what the observation depends on."""
        o = self.options
        own = [o.magnitudes, o.petro_r50, o.petro_r90, o.ra, o.dec, o.pixel, o.ebv, o.mask_regions]
        return self._hash([*own, *self._reading()])

    def _reading(self) -> list[object]:
        o = self.options
        # A position matters to the pixels where the header's may be overruled.
        place = None if o.pixel_scale_arcsec is None else (o.ra, o.dec)
        scales = (o.pixel_scale_arcsec, o.flux_pixel_scale_arcsec, o.zero_point, o.exposure_s)
        return [*scales, place, o.bands]

    def prepared_key(self) -> str:
        """Return a hash of what the model is given: the observation, and which parts of it."""
        return f"{self.observation_key()} {','.join(self.options.use)}"

    def _hash(self, options: object) -> str:
        content = self.content or content_hash(self.files, self.fetched)
        digest = hashlib.sha256(content.encode())
        if self.stored is not None and self.stored.stored is not None:
            digest.update(self.stored.stored.latent.tobytes())
        digest.update(json.dumps(options, sort_keys=True).encode())
        return digest.hexdigest()


def read_pixels(request: Request) -> Pixels | None:
    """Return the pixels of a request, None where it has none.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    if request.fetched is not None:
        return request.fetched.pixels
    if not request.files:
        return None
    bands = request.options.bands or ()
    named = len(bands) == len(request.files)
    return read_image(
        dict(zip(bands, request.files, strict=True)) if named else list(request.files),
        pixel_scale_arcsec=request.options.pixel_scale_arcsec,
        flux_pixel_scale_arcsec=request.options.flux_pixel_scale_arcsec,
        zero_point=request.options.zero_point,
        exposure_s=request.options.exposure_s,
        ra=request.options.ra,
        dec=request.options.dec,
    )


def observe_request(request: Request, pixels: Pixels | None) -> Observation:
    """Measure the galaxy of a request on its pixels and join what a catalogue knows.

    Parameters
    ----------
    request : Request
    pixels : Pixels or None
        As `read_pixels` gives them.

    Returns
    -------
    Observation

    Raises
    ------
    GalexplorerError
        If no galaxy is found, or an option contradicts another.
    """
    options = request.options
    options.check()
    if request.stored is not None:
        return _observe_stored(request.stored, options)
    known: Given = {
        "magnitudes": options.magnitudes,
        "petro_r50": options.petro_r50,
        "petro_r90": options.petro_r90,
    }
    if pixels is not None:  # without an image, what is stated of one waits for the next
        known |= {"ra": options.ra, "dec": options.dec, "pixel": options.pixel}
        known |= {"mask_regions": options.mask_regions or None}
    if request.fetched is None:
        known |= {"ebv": options.ebv} if pixels is not None else {}
        return observe(pixels, **known)
    observation = observe(request.fetched, **known)
    if not any(value is not None for value in _image_settings(options).values()):
        return observation
    note = "Scales, zero point and E(B-V) under Image were not used: the pixels are those of SDSS."
    return replace(observation, notes=(*observation.notes, note))


def _image_settings(options: Options) -> dict[str, object]:
    """Return what says how to read an image of the user's own."""
    return {name: getattr(options, name) for name in IMAGE_SETTINGS}


def _observe_stored(stored: Observation, options: Options) -> Observation:
    """Join what the library keeps of a galaxy and the magnitudes that the user gives."""
    if options.pixel or any(value is not None for value in _image_settings(options).values()):
        raise OptionError("The library has no pixels: clear the settings under Image.")
    if options.ra is not None:
        raise OptionError("The library has no pixels: clear the target's RA and Dec.")
    if options.mask_regions:
        raise OptionError("The library has no pixels: clear the masks.")
    given = options.photometry
    if given is None:
        return stored
    both = given.petro_r50 is not None and given.petro_r90 is not None
    sizes = given if both else stored.photometry
    photometry = replace(
        given if given.magnitudes else stored.photometry,
        petro_r50=sizes.petro_r50,
        petro_r90=sizes.petro_r90,
        petro_kind="catalogue" if both else stored.photometry.petro_kind,
    )
    return replace(stored, photometry=photometry)


def run(
    request: Request,
    load_engine: "Callable[[], Engine]",
    progress: Callable[[str], None] = lambda words: None,
    observation: Callable[[Request], Observation] | None = None,
    prepared: "Callable[[Request, Observation], PreparedObservation] | None" = None,
) -> "Result":
    """Infer one galaxy: read, measure, draw.

    Parameters
    ----------
    request : Request
    load_engine : callable
        Returns the engine; called after the image was read, since loading takes longer
        than finding out that a file is no image.
    progress : callable
        Is told what happens next, a few words each time.
    observation : callable, optional
        Returns the request's observation, where a memory of them is kept.
    prepared : callable, optional
        Returns what the engine sees in that observation, likewise.

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
    if request.files or request.fetched:
        progress("Reading the image and measuring the galaxy")
    if observation is None:
        observed = observe_request(request, read_pixels(request))
    else:
        observed = observation(request)
    observed = select_inputs(observed, options.use)
    progress("Loading the model")
    engine = load_engine()
    progress(f"Drawing {options.draws:,} times from the posterior")
    return engine.infer(
        observed,
        redshift=options.redshift,
        redshift_range=options.redshift_range,
        prior=options.redshift_prior,
        draws=options.draws,
        seed=options.seed,
        prepared=None if prepared is None else prepared(request, observed),
        cuts=options.cuts,
        detected=options.detected,
    )


def without_image(options: Options) -> Options:
    """Return the options without those that belong to an image."""
    cleared: dict[str, Any] = dict.fromkeys(IMAGE_SETTINGS)
    return replace(
        options,
        ra=None,
        dec=None,
        pixel=None,
        mask_regions="",
        **cleared,
    )
