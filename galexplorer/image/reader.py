"""An image in g, r and i out of files, whatever form they come in."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from galexplorer.errors import InputError, OptionError
from galexplorer.fits.bounded import Blob, Source, read_blob
from galexplorer.fits.images import FitsImage, is_fits, read_images
from galexplorer.fits.provenance import describe_survey
from galexplorer.fits.zero_points import check_zero_points
from galexplorer.image.bands import Bands, order_files, single_band, split_file
from galexplorer.image.blanks import find_blanks
from galexplorer.image.calibration import calibrate, check_scale_option, choose_scale, read_scale
from galexplorer.image.composite import linear_flux
from galexplorer.image.jpeg import is_composite, read_channels
from galexplorer.image.masks import blank_by
from galexplorer.image.pixels import Pixels
from galexplorer.image.placement import place
from galexplorer.schema import IMAGE_BANDS

log = logging.getLogger(__name__)

Sources = Source | Mapping[str, Source] | Sequence[Source]


def read_image(
    sources: Sources,
    *,
    pixel_scale_arcsec: float | None = None,
    flux_pixel_scale_arcsec: float | None = None,
    zero_point: float | Mapping[str, float] | None = None,
    exposure_s: float | None = None,
    ra: float | None = None,
    dec: float | None = None,
    masks: Source | Mapping[str, Source] | None = None,
    weights: Source | Mapping[str, Source] | None = None,
) -> Pixels:
    """Read one patch of sky in g, r and i; what is stated counts over what a header says.

    Parameters
    ----------
    sources : path, bytes, (name, bytes), mapping or sequence of these
        One file: a FITS cube of shape (3, H, W), a FITS file with three images, or an SDSS
        colour composite as JPEG or PNG. Or three FITS files: a mapping with the keys ``g``,
        ``r``, ``i``, or a sequence whose names or headers identify the bands. FITS may be packed
        with gzip or bzip2, or tile-compressed. Masks and weights in a file blank its pixels.
    pixel_scale_arcsec : float, optional
        Side of a pixel. Default: from the header; a composite has none.
    flux_pixel_scale_arcsec : float, optional
        Side of the pixel that the values refer to. Default: the pixel scale, except for an
        SDSS frame that was interpolated to another scale, whose values are still per native
        pixel.
    zero_point : float or mapping of str to float, optional
        AB magnitude of a source whose pixels sum to one, for all bands or by band.
    exposure_s : float, optional
        Exposure time: `zero_point` is then that of one unit per second. Without a stated zero
        point it replaces EXPTIME where a header's zero point is for one second.
    ra, dec : float, optional
        Position of the galaxy, ICRS degrees. It counts where the header's coordinates cannot be
        right, because a stated pixel scale contradicts them: if they do not hold the position,
        the galaxy is taken to be at the centre.
    masks, weights : path, bytes, (name, bytes) or mapping by band, optional
        FITS images on the grid of the image they belong to. Pixels whose mask is not zero, or
        whose weight is not positive, are unmeasured.

    Returns
    -------
    Pixels
        On the grid of r. Pixels that hold a fill value are NaN.

    Raises
    ------
    InputError
        If a file cannot be read, is damaged, too large or too small, has another shape than
        those above, an unknown pixel scale, a flux scale that is not understood, bands that
        are not g, r and i, or holds no signal.
    OptionError
        If an option is out of range or contradicts the file.

    Examples
    --------
    >>> pixels = read_image({"g": "g.fits", "r": "r.fits", "i": "i.fits"})  # doctest: +SKIP
    >>> pixels.flux.shape  # doctest: +SKIP
    (3, 496, 682)
    """
    check_scale_option("The pixel scale", pixel_scale_arcsec)
    check_scale_option("The flux pixel scale", flux_pixel_scale_arcsec)
    stated = _Stated(
        pixel_scale_arcsec,
        flux_pixel_scale_arcsec,
        check_zero_points(zero_point, exposure_s),
        exposure_s,
        None if ra is None or dec is None else (ra, dec),
    )
    if isinstance(sources, Mapping):
        if set(sources) != set(IMAGE_BANDS):
            given = ", ".join(map(str, sources)) or "none"
            raise InputError(f"Bands given are {given}: give one file each for g, r and i.")
        blobs = _read_blobs([_label(sources[band], band) for band in IMAGE_BANDS])
        bands, notes = _name_bands([_read_fits(blob) for blob in blobs])
    else:
        blobs = _read_blobs(_list_sources(sources))
        if len(blobs) == 1 and is_composite(blobs[0].data):
            if masks is not None or weights is not None:
                raise OptionError(f"{blobs[0].name} is a picture: masks go with FITS images.")
            return _read_composite(blobs[0], stated)
        files = [_read_fits(blob) for blob in blobs]
        if len(files) == 1:
            bands, notes = split_file(files[0])
        else:
            order = order_files(files)
            blobs = [blobs[k] for k in order]
            bands, notes = _name_bands([files[k] for k in order])
    for role, stated_maps in (("mask", masks), ("weight", weights)):
        for band, (blob, companion) in _read_companions(stated_maps).items():
            bands[band] = blank_by(bands[band], companion, role, stated=True)
            blobs.append(blob)
    flux, scale_arcsec, flux_notes = _calibrate(bands, stated)
    wcs, place_notes = place(bands["r"], pixel_scale_arcsec, stated.position)
    log.info("image of %d x %d pixels of %.3f arcsec", *flux.shape[:0:-1], scale_arcsec)
    for note in (*notes, *flux_notes, *place_notes):
        log.debug("%s", note)
    return Pixels(
        flux=flux,
        pixel_scale_arcsec=scale_arcsec,
        origin="fits",
        sha256=_hash(blobs),
        wcs=wcs,
        notes=(*notes, *flux_notes, *place_notes),
    )


@dataclass(frozen=True)
class _Stated:
    """What the user says of the image, which counts over its header."""

    pixel_scale_arcsec: float | None
    flux_pixel_scale_arcsec: float | None
    zero_points: Mapping[str, float]
    exposure_s: float | None
    position: tuple[float, float] | None


def _label(source: Source, band: str) -> Source:
    """Give bytes without a name the name of their band, for messages."""
    return (f"The {band} image", source) if isinstance(source, bytes) else source


def _list_sources(sources: Source | Sequence[Source]) -> list[Source]:
    """Return one or three sources; a pair (name, bytes) is one."""
    if isinstance(sources, str | Path | bytes):
        return [sources]
    if isinstance(sources, tuple) and len(sources) == 2 and isinstance(sources[1], bytes):
        return [(str(sources[0]), sources[1])]
    listed = list(sources)
    if len(listed) not in (1, len(IMAGE_BANDS)):
        raise InputError(
            f"{len(listed)} files were given: give one cube, or three files for g, r and i."
        )
    return listed


def _read_blobs(sources: Sequence[Source]) -> list[Blob]:
    """Read and unpack files side by side: unpacking is what takes the time."""
    with ThreadPoolExecutor(len(IMAGE_BANDS)) as pool:
        return list(pool.map(read_blob, sources))


def _hash(blobs: Sequence[Blob]) -> str:
    digest = hashlib.sha256()
    for blob in blobs:
        digest.update(blob.raw)
    return digest.hexdigest()


def _read_fits(blob: Blob) -> list[FitsImage]:
    if is_fits(blob.data):
        return read_images(blob)
    if is_composite(blob.data):
        raise InputError(f"{blob.name} is a colour image: give it alone, not as one band.")
    raise InputError(
        f"{blob.name} is not a supported image: "
        "give FITS (also as .gz or .bz2) or an SDSS composite as JPEG or PNG (a table "
        "of galaxies is a catalogue, or a list of targets)."
    )


def _read_companions(
    given: Source | Mapping[str, Source] | None,
) -> dict[str, tuple[Blob, FitsImage]]:
    """Read masks or weights; one that is given alone counts for all bands."""
    if given is None:
        return {}
    named = given if isinstance(given, Mapping) else dict.fromkeys(IMAGE_BANDS, given)
    if not set(named) <= set(IMAGE_BANDS):
        raise InputError(f"Masks are given for {', '.join(named)}: give them for g, r or i.")
    found = {}
    for band, source in named.items():
        blob = read_blob(source)
        image = _read_fits(blob)[0]
        if image.data.ndim == 3:
            index = IMAGE_BANDS.index(band) if len(image.data) == len(IMAGE_BANDS) else 0
            image = replace(image, data=image.data[index])
        found[band] = (blob, image)
    return found


def _name_bands(files: Sequence[Sequence[FitsImage]]) -> tuple[Bands, list[str]]:
    """Take one image from each of three files in the order g, r, i."""
    bands: Bands = {}
    notes: list[str] = []
    for band, images in zip(IMAGE_BANDS, files, strict=True):
        bands[band], added = single_band(images, band)
        notes += added
    return bands, notes


def _read_composite(blob: Blob, stated: _Stated) -> Pixels:
    if stated.flux_pixel_scale_arcsec is not None or stated.zero_points or stated.exposure_s:
        what = "flux pixel scale" if stated.flux_pixel_scale_arcsec else "exposure time"
        what = "zero point" if stated.zero_points else what
        raise OptionError(
            f"{blob.name} is a colour composite, whose flux scale is known: leave the {what} out."
        )
    pixel_scale_arcsec = stated.pixel_scale_arcsec
    if pixel_scale_arcsec is None:
        raise InputError(
            f"{blob.name} is a picture without a pixel scale: state the pixel scale in arcsec."
        )
    channels = read_channels(blob)
    return Pixels(
        flux=linear_flux(channels, pixel_scale_arcsec),
        pixel_scale_arcsec=pixel_scale_arcsec,
        origin="jpeg",
        sha256=_hash([blob]),
        composite=channels,
        notes=(
            "8-bit SDSS colour composite: faint levels are quantised and clipped at zero.",
            f'Pixel scale {pixel_scale_arcsec:.4g}" as stated.',
        ),
    )


def _calibrate(bands: Bands, stated: _Stated) -> tuple[np.ndarray, float, list[str]]:
    """Return nanomaggies per pixel on the grid of r, shape (3, H, W), its scale, and notes."""
    reference = bands["r"]
    scale_arcsec, scale_note = choose_scale(reference, stated.pixel_scale_arcsec)
    # A stated scale is that of r; the others keep their ratio to it.
    correction = scale_arcsec / (read_scale(reference) or scale_arcsec)
    said: dict[str, list[str]] = {}
    planes = []
    for band, image in bands.items():
        blank, blank_notes = find_blanks(image)
        if blank.any():
            image = replace(image, data=np.where(blank, np.float32(np.nan), image.data))
        _check_signal(image, band)
        own = read_scale(image)
        own_arcsec = scale_arcsec if own is None else own * correction
        unit = calibrate(
            image,
            band,
            own_arcsec,
            stated.flux_pixel_scale_arcsec,
            stated.zero_points.get(band),
            stated.exposure_s,
        )
        linear = replace(image, data=unit.linear(image.data))
        plane, resampling = _onto_reference(linear, reference)
        with np.errstate(over="ignore", invalid="ignore"):
            plane = (plane * np.float64(unit.factor * (scale_arcsec / own_arcsec) ** 2)).astype(
                np.float32
            )
        plane[np.isinf(plane)] = np.nan
        planes.append(plane)
        remarks = (*image.coordinates.notes, *image.notes, *blank_notes, *unit.notes)
        for remark in (*remarks, *resampling, *describe_survey(image)):
            said.setdefault(remark, []).append(band)
    notes = [scale_note]
    for remark, of in said.items():
        notes.append(remark if len(of) == len(bands) else f"Band {', '.join(of)}: {remark}")
    return np.stack(planes), scale_arcsec, notes


def _onto_reference(image: FitsImage, reference: FitsImage) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the values of an image on the grid of r, and how they got there."""
    own, wanted = (
        each.coordinates.wcs if read_scale(each) else None for each in (image, reference)
    )
    height, width = reference.data.shape
    if own is not None and wanted is not None and own is not wanted:
        # it loads reproject and with it dask, and most images have their bands on one grid
        from galexplorer.image.alignment import align

        aligned, resampler = align(image.data, own, wanted, (height, width))
        if not np.isfinite(aligned).any():
            raise InputError(
                f"{image.file} does not overlap {reference.file} on the sky: "
                "give three bands of one field."
            )
        return aligned, (f"Resampled onto the grid of r ({resampler}).",) if resampler else ()
    if image.data.shape != (height, width):
        raise InputError(
            f"{image.file} and {reference.file} differ in shape ({image.data.shape} and "
            f"{reference.data.shape}) and have no coordinates to align them: "
            "give three bands on one grid."
        )
    if image.file != reference.file and (own is None or wanted is None):
        return image.data, ("No coordinates: assumed to be aligned with r.",)
    return image.data, ()


def _check_signal(image: FitsImage, band: str) -> None:
    if not np.isfinite(image.data).any():
        raise InputError(
            f"{image.file} has no measured pixel in band {band} (all are NaN): export it again."
        )
    if np.nanmin(image.data) == np.nanmax(image.data):
        raise InputError(
            f"{image.file} holds no signal in band {band}: every pixel has the same value."
        )
