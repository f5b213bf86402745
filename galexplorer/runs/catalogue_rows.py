"""A row of a catalogue as an observation: its magnitudes, and its image if it names one."""

from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from galexplorer.catalogue import Catalogue
from galexplorer.errors import GalexplorerError, InputError
from galexplorer.image.measure import Measurement
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.inference.observe import observe_and_measure
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.runs.shard_images import SHARD, join_catalogue, read_shard
from galexplorer.schema import BANDS, IMAGE_BANDS

MEASURED = (
    *(f"measured_{band}" for band in IMAGE_BANDS),
    *(f"measured_err_{band}" for band in IMAGE_BANDS),
    *("measured_petro_r50", "measured_petro_r90", "measured_petrosian_radius"),
)
"""What is measured on a row's image: magnitudes (AB, as they are on the pixels), arcsec."""


class Images:
    """Images that rows name; the last ones are kept, since many rows may lie in one frame."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._named = [self._sources(k) for k in range(len(catalogue))]
        self._rows: dict[tuple[str, ...], int] = {}
        for sources in self._named:
            self._rows[sources] = self._rows.get(sources, 0) + 1
        self._read = lru_cache(maxsize=2)(_read_pixels)
        self.lock = Lock()
        """Images are read and measured one at a time: the filters of warnings are of no thread."""

    def _sources(self, k: int) -> tuple[str, ...]:
        bands = self.catalogue.band_images
        if bands is not None and any(bands[k]):
            return tuple(bands[k])
        return (self.catalogue.image[k],) if self.catalogue.image[k] else ()

    def of(self, k: int) -> tuple[Pixels | Observation, tuple[float, float] | None] | None:
        """Return a row's pixels and where on the sky its galaxy lies; None without an image.

        In place of pixels an observation, where these were measured before.
        """
        sources = self._named[k]
        if not sources:
            return None
        scale = self.catalogue.pixel_scale[k]
        stated = float(scale) if np.isfinite(scale) else None
        if len(sources) == 1 and SHARD.fullmatch(sources[0]):
            return read_shard(sources[0], stated), None
        pixels = self._read(sources, stated)
        place = float(self.catalogue.ra[k]), float(self.catalogue.dec[k])
        placed = pixels.wcs is not None and bool(np.isfinite(place).all())
        if not placed and self._rows[sources] > 1:
            lacking = "sky coordinates" if pixels.wcs is None else "the row's ra and dec"
            raise InputError(
                f"{sources[0]} stands for {self._rows[sources]} rows and lacks {lacking}: give "
                "each row an image of its own, or a position in a frame with a WCS."
            )
        return pixels, place if placed else None


def _read_pixels(sources: tuple[str, ...], pixel_scale_arcsec: float | None) -> Pixels:
    if len(sources) == 1:
        return read_image(Path(sources[0]), pixel_scale_arcsec=pixel_scale_arcsec)
    missing = [band for band, path in zip(IMAGE_BANDS, sources, strict=True) if not path]
    if missing:
        raise InputError(f"The row has no image_{missing[0]}: give g, r and i, or none.")
    paths = {band: Path(path) for band, path in zip(IMAGE_BANDS, sources, strict=True)}
    return read_image(paths, pixel_scale_arcsec=pixel_scale_arcsec)


def observe_row(
    catalogue: Catalogue, k: int, images: Images
) -> tuple[Observation, list[float], str]:
    """Return what a row of a catalogue has the model know.

    Parameters
    ----------
    catalogue : Catalogue
    k : int
        Its place.
    images : Images
        Of this catalogue.

    Returns
    -------
    observation : Observation
    measured : list of float
        `MEASURED`, NaN without an image.
    problem : str
        Flag of an image that could not be used where the row has photometry too.

    Raises
    ------
    GalexplorerError
        If it has nothing to infer it from.
    """
    magnitudes = _by_band(catalogue.magnitudes[k])
    petro = _by_band(catalogue.petro_magnitudes[k])
    photometry = Photometry(
        kind="catalogue" if magnitudes else "none",
        magnitudes=magnitudes,
        errors=_by_band(catalogue.errors[k]),
        petro_magnitudes={band: m for band, m in petro.items() if band in magnitudes},
        petro_r50=_positive(catalogue.petro_r50[k]),
        petro_r90=_positive(catalogue.petro_r90[k]),
    )
    try:
        with images.lock:
            pictured = images.of(k)
            if pictured is not None:
                pixels, place = pictured
                if isinstance(pixels, Observation):
                    joined = join_catalogue(pixels, photometry)
                    return joined, _list_known(pixels.photometry), ""
                observation, found = observe_and_measure(pixels, photometry, *(place or ()))
                assert found is not None
                return observation, _list_measured(found), ""
        problem = ""
    except GalexplorerError as error:
        if not magnitudes:
            raise
        # the photometry still serves; the flag says what became of the image
        problem = f"image_unused: {error}".replace(";", ",")
    return observe_and_measure(None, photometry)[0], len(MEASURED) * [np.nan], problem


def _by_band(values: np.ndarray) -> dict[str, float]:
    known = zip(BANDS, values, strict=True)
    return {band: float(value) for band, value in known if np.isfinite(value)}


def _list_measured(found: Measurement) -> list[float]:
    radii = (found.petro_r50, found.petro_r90, found.petrosian_radius_arcsec)
    return [
        *(found.magnitudes.get(band, np.nan) for band in IMAGE_BANDS),
        *(found.errors.get(band, np.nan) for band in IMAGE_BANDS),
        *(np.nan if radius is None else radius for radius in radii),
    ]


def _list_known(found: Photometry) -> list[float]:
    radii = (found.petro_r50, found.petro_r90, None)
    return [
        *(found.magnitudes.get(band, np.nan) for band in IMAGE_BANDS),
        *(found.errors.get(band, np.nan) for band in IMAGE_BANDS),
        *(np.nan if radius is None else radius for radius in radii),
    ]


def _positive(value: float) -> float | None:
    return float(value) if np.isfinite(value) and value > 0 else None
