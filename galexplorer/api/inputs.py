"""Whatever a user has of a galaxy, read and measured: the observation that the engine takes."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, TypeGuard

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from galexplorer.api.statements import File, check_position, read_photometry, refuse
from galexplorer.errors import InputError, OptionError, TargetError
from galexplorer.image.fits_writer import write_cube
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.image.regions import mask_by_hand, read_regions
from galexplorer.inference.observe import observe as observe_pixels
from galexplorer.inference.observe import observe_fetched
from galexplorer.query.parse import names_galaxy
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.schema import IMAGE_BANDS
from galexplorer.sky.cube import read_fetched
from galexplorer.sky.fetched import Fetched, Source
from galexplorer.sky.reddening import read_extinction, redden

Target: TypeAlias = (
    str
    | Path
    | bytes
    | SkyCoord
    | np.ndarray
    | Mapping[str, File]
    | Sequence[File]
    | Fetched
    | Pixels
    | Observation
)
"""What can be inferred from beside magnitudes alone; see `observe`."""


def observe(
    target: Target | None = None,
    *,
    magnitudes: Mapping[str, float | str] | None = None,
    errors: Mapping[str, float] | None = None,
    petro_r50: float | None = None,
    petro_r90: float | None = None,
    ra: float | None = None,
    dec: float | None = None,
    pixel: tuple[float, float] | None = None,
    wcs: WCS | None = None,
    pixel_scale: float | None = None,
    flux_pixel_scale: float | None = None,
    zero_point: float | Mapping[str, float] | None = None,
    exposure: float | None = None,
    mask: File | Mapping[str, File] | None = None,
    weight: File | Mapping[str, File] | None = None,
    mask_regions: str | Path | None = None,
    ebv: float | None = None,
    deredden: bool = False,
    source: Source = "auto",
    progress: Callable[[str], None] | None = None,
) -> Observation:
    """Measure a galaxy, or take what is known of it: all that comes before inference.

    Parameters
    ----------
    target : optional
        A name, position or SDSS objID (str), or a `~astropy.coordinates.SkyCoord`: looked up on
        the network. A FITS file with g, r, i, an SDSS colour JPEG, or three FITS files: paths,
        bytes, pairs of name and bytes, or a mapping from band to one of these. An array of
        shape (3, H, W), bands g, r, i, in nanomaggies per pixel without `zero_point`. What
        `fetch`, the image reader or this function returned. Without one, `magnitudes` are all
        there is.
    magnitudes, errors : mapping of str to float, optional
        Dereddened AB model magnitudes and their 1-sigma errors, by band (u, g, r, i, z). A galaxy
        that is not seen in a band has an upper limit there, such as ``"<22.3"`` (3 sigma). They
        replace what is measured on the image or what SDSS lists.
    petro_r50, petro_r90 : float, optional
        Petrosian radii in r that hold 50 and 90% of the light, arcsec.
    ra, dec : float, optional
        Where in the image the galaxy lies, degrees (ICRS); the object nearest the centre
        without them. They count over coordinates in the header that `pixel_scale` contradicts.
    pixel : tuple of float, optional
        The same as zero-based x and y, for an image without coordinates.
    wcs : astropy.wcs.WCS, optional
        Of an array.
    pixel_scale : float, optional
        Side of a pixel, arcsec. A JPEG has none of its own, and neither has an array without
        `wcs`.
    flux_pixel_scale : float, optional
        Side of the pixel that the values refer to, arcsec, where it is another.
    zero_point : float or mapping of str to float, optional
        AB magnitude of a source whose pixels sum to one, for all bands or by band (g, r, i).
    exposure : float, optional
        Exposure time, seconds: `zero_point` is that of one unit per second. Without one it
        replaces the header's EXPTIME, where the header's zero point is for one second.
    mask, weight : path, bytes, (name, bytes) or mapping by band, optional
        FITS images on the image's grid. Pixels whose mask is not zero, or whose weight is not
        positive, are unmeasured.
    mask_regions : str or path, optional
        What on the image is not the galaxy, as DS9 writes regions, on the sky or in its pixels,
        which count from 1: ``icrs; circle(150.1, 2.2, 3")``, ``image; polygon(9,9,20,9,20,20)``,
        or a file that ends in ``.reg``. Photometry takes the mean of the rest of each ring in
        their place, and the model is shown what lies across the galaxy's centre.
    ebv : float, optional
        Reddening E(B-V) of Schlegel et al. 1998, magnitudes: Galactic extinction that it means is
        removed from magnitudes measured on the image.
    deredden : bool
        Remove the extinction that the dust map of Schlegel et al. 1998 has at the position; it
        needs the package dustmaps and its map.
    source : {"auto", "frames", "legacy", "hips"}
        Which service to take a looked-up galaxy's pixels from.
    progress : callable, optional
        Is told in a few words what is being done.

    Returns
    -------
    galexplorer.records.observation.Observation

    Raises
    ------
    InputError
        If a file or array cannot be read, or has another shape than those above.
    TargetError
        If a name or position cannot be read, or no galaxy is found where it points.
    FetchError
        If the services give no usable answer.
    OptionError
        If a value is out of range, or belongs to an image and there is none.

    Examples
    --------
    >>> seen = observe(magnitudes={"g": 17.6, "r": 16.8, "i": 16.4})
    >>> seen.photometry.magnitudes["r"]
    16.8
    >>> observe("NGC 5332").notes[0]  # doctest: +SKIP
    'NGC 5332: read as a name.'
    """
    photometry = read_photometry(magnitudes, errors, petro_r50, petro_r90)
    check_position(ra, dec)
    placed = {"ra": ra, "dec": dec, "pixel": pixel}
    read = {
        "pixel_scale": pixel_scale,
        "flux_pixel_scale": flux_pixel_scale,
        "zero_point": zero_point,
        "exposure": exposure,
        "mask": mask,
        "weight": weight,
    }
    dust = {"ebv": ebv, "deredden": deredden or None}
    by_hand = {"mask_regions": mask_regions}
    known = {**placed, **read, **by_hand, **dust}
    stated = [name for name, value in known.items() if value is not None]
    if isinstance(target, Observation):
        refuse(stated, "an observation was measured already")
        if photometry is None:
            return target
        if not photometry.magnitudes:
            raise OptionError("Radii of an observation need magnitudes beside them: give both.")
        origins = {**target.origins, "photometry": "as given"}
        return replace(target, photometry=photometry, origins=origins)
    if target is None:
        refuse([*stated, *(["wcs"] if wcs is not None else [])], "they belong to an image")
        return observe_pixels(None, photometry)
    if wcs is not None and not isinstance(target, np.ndarray):
        raise OptionError("wcs belongs to an array: files have their own.")
    if ebv is not None and deredden:
        raise OptionError("ebv and deredden exclude each other: give one.")
    if isinstance(target, SkyCoord):
        target = _position_text(target)
    if isinstance(target, str) and names_galaxy([target]):
        refuse([s for s in stated if s not in by_hand], "they belong to an image of your own")
        from galexplorer.sky.fetch import fetch_target  # clients of services: only where asked

        target = fetch_target(target, progress, source=source)
    regions = None if mask_regions is None else read_regions(mask_regions)
    if set(stated) <= set(by_hand) and _is_file(target):
        target = read_fetched(target) or target
    if isinstance(target, Fetched):
        kept = [name for name in stated if name not in placed and name not in by_hand]
        refuse(kept, "the pixels are those of SDSS")
        if set(stated) <= set(by_hand):
            return _observe_fetched(target, photometry, regions)
        target = target.pixels  # a position that was stated is another galaxy's
    if progress is not None:
        progress("reading the image and measuring the galaxy")
    if isinstance(target, Pixels):
        refuse([name for name in stated if name in read], "these pixels have a scale already")
        pixels = target
    else:
        pixels = read_image(
            _cube_bytes(target, wcs, pixel_scale, zero_point is None)
            if isinstance(target, np.ndarray)
            else target,
            pixel_scale_arcsec=pixel_scale,
            flux_pixel_scale_arcsec=flux_pixel_scale,
            zero_point=zero_point,
            exposure_s=exposure,
            ra=ra,
            dec=dec,
            masks=mask,
            weights=weight,
        )
    if pixel is not None and ra is not None:
        raise OptionError("Give a position in degrees or in pixels, not both.")
    if regions:
        pixels = mask_by_hand(pixels, regions, ra, dec, pixel)
    extinction = None if ebv is None else redden(ebv)
    if deredden:
        extinction = read_extinction(*_sky_position(pixels, ra, dec, pixel))
    if pixel is not None:
        pixels = _centred(pixels, *pixel)
    seen = observe_pixels(pixels, photometry, ra=ra, dec=dec, extinction_mag=extinction)
    return _telling_mask(seen, regions)


def _observe_fetched(
    fetched: Fetched, photometry: Photometry | None, regions: str | None
) -> Observation:
    if regions:
        pixels = mask_by_hand(fetched.pixels, regions, fetched.ra, fetched.dec)
        fetched = replace(fetched, pixels=pixels)
    return _telling_mask(observe_fetched(fetched, photometry), regions)


def _telling_mask(seen: Observation, regions: str | None) -> Observation:
    """Return an observation that says which regions were masked by hand."""
    if not regions:
        return seen
    return replace(seen, origins={**seen.origins, "mask": f"by hand, {regions}"})


def _sky_position(
    pixels: Pixels, ra: float | None, dec: float | None, pixel: tuple[float, float] | None
) -> tuple[float, float]:
    """Return where to look into a map of dust, which changes little across an image."""
    if ra is None or dec is None:
        height, width = pixels.flux.shape[1:]
        ra, dec = pixels.to_sky(*(pixel or ((width - 1) / 2, (height - 1) / 2)))
    if not (math.isfinite(ra) and math.isfinite(dec)):
        raise OptionError(
            "The dust map needs a position, and the image has no coordinates: give RA and Dec, or "
            "state E(B-V)."
        )
    return ra, dec


def _is_file(target: object) -> TypeGuard[File]:
    if isinstance(target, tuple):
        return len(target) == 2 and isinstance(target[1], bytes)
    return isinstance(target, str | Path | bytes)


def _position_text(position: SkyCoord) -> str:
    if not position.isscalar:
        raise InputError(
            f"{position.size} positions were given where one is expected: infer a table of them."
        )
    icrs = position.icrs
    return f"{icrs.ra.deg:.8f} {icrs.dec.deg:+.8f}"


def _cube_bytes(
    flux: np.ndarray, wcs: WCS | None, pixel_scale: float | None, nanomaggies: bool
) -> bytes:
    """Return an array as a FITS file, so that it passes every check that files pass."""
    if flux.ndim != 3 or flux.shape[0] != len(IMAGE_BANDS) or flux.dtype.kind not in "fiu":
        raise InputError(
            f"The array has shape {flux.shape} and type {flux.dtype}: give numbers of shape "
            "(3, height, width), bands g, r, i, in nanomaggies per pixel or with zero_point."
        )
    if wcs is None and pixel_scale is None:
        raise OptionError("An array has no scale of its own: give wcs or pixel_scale (arcsec).")
    buffer = io.BytesIO()
    write_cube(buffer, flux, pixel_scale or 1.0, wcs, None if nanomaggies else {"BUNIT": ""})
    return buffer.getvalue()


def _centred(pixels: Pixels, x: float, y: float) -> Pixels:
    """Return the largest part of an image that has a pixel at its centre."""
    height, width = pixels.flux.shape[1:]
    column, row = round(x), round(y)
    half = min(column, width - 1 - column), min(row, height - 1 - row)
    if min(half) < 0:
        raise TargetError(f"The pixel {x:.0f}, {y:.0f} lies outside the image: choose another.")
    window = (
        slice(None),
        slice(row - half[1], row + half[1] + 1),
        slice(column - half[0], column + half[0] + 1),
    )
    composite = None if pixels.composite is None else pixels.composite[window]
    masked = None if pixels.masked is None else pixels.masked[window[1:]]
    return replace(pixels, flux=pixels.flux[window], composite=composite, wcs=None, masked=masked)
