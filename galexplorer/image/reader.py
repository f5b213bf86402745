"""An image in g, r and i out of files, whatever form they come in."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from galexplorer.errors import InputError, OptionError
from galexplorer.image.alignment import align
from galexplorer.image.bands import Bands, order_files, single_band, split_file
from galexplorer.image.bounded import Blob, Source, read_blob
from galexplorer.image.calibration import (
    check_scale_option,
    choose_scale,
    flux_factor,
    read_scale,
)
from galexplorer.image.composite import linear_flux
from galexplorer.image.fits import FitsImage, is_fits, read_images
from galexplorer.image.jpeg import is_composite, read_channels
from galexplorer.image.pixels import Pixels
from galexplorer.schema import IMAGE_BANDS

log = logging.getLogger(__name__)

Sources = Source | Mapping[str, Source] | Sequence[Source]


def read_image(
    sources: Sources,
    *,
    pixel_scale_arcsec: float | None = None,
    flux_pixel_scale_arcsec: float | None = None,
) -> Pixels:
    """Read one patch of sky in g, r and i.

    Parameters
    ----------
    sources : path, bytes, (name, bytes), mapping or sequence of these
        One file: a FITS cube of shape (3, H, W), a FITS file with three images, or an SDSS
        colour composite as JPEG or PNG. Or three FITS files: a mapping with the keys ``g``,
        ``r``, ``i``, or a sequence whose names or headers tell the bands. FITS may be packed
        with gzip or bzip2.
    pixel_scale_arcsec : float, optional
        Side of a pixel. Default: from the header; a composite has none.
    flux_pixel_scale_arcsec : float, optional
        Side of the pixel that the values refer to. Default: the pixel scale, except for an
        SDSS frame that was interpolated to another scale, whose values are still per native
        pixel.

    Returns
    -------
    Pixels
        On the grid of r.

    Raises
    ------
    InputError
        If a file cannot be read, is damaged, too large or too small, has another shape than
        those above, an unknown unit or pixel scale, or holds no signal.
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
    if isinstance(sources, Mapping):
        if set(sources) != set(IMAGE_BANDS):
            given = ", ".join(map(str, sources)) or "none"
            raise InputError(f"Bands given are {given}: give one file each for g, r and i.")
        blobs = _read_blobs([_label(sources[band], band) for band in IMAGE_BANDS])
        bands, notes = _name_bands([_read_fits(blob) for blob in blobs])
    else:
        blobs = _read_blobs(_list_sources(sources))
        if len(blobs) == 1 and is_composite(blobs[0].data):
            return _read_composite(blobs[0], pixel_scale_arcsec, flux_pixel_scale_arcsec)
        files = [_read_fits(blob) for blob in blobs]
        if len(files) == 1:
            bands, notes = split_file(files[0])
        else:
            order = order_files(files)
            blobs = [blobs[k] for k in order]
            bands, notes = _name_bands([files[k] for k in order])
    flux, scale_arcsec, flux_notes = _calibrate(bands, pixel_scale_arcsec, flux_pixel_scale_arcsec)
    log.info("image of %d x %d pixels of %.3f arcsec", *flux.shape[:0:-1], scale_arcsec)
    for note in (*notes, *flux_notes):
        log.debug("%s", note)
    return Pixels(
        flux=flux,
        pixel_scale_arcsec=scale_arcsec,
        origin="fits",
        sha256=_hash(blobs),
        wcs=bands["r"].coordinates.wcs,
        notes=(*notes, *flux_notes),
    )


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
        raise InputError(f"{blob.name} is a colour picture: give it alone, not as one band.")
    raise InputError(
        f"{blob.name} is no image this program reads: "
        "give FITS (also as .gz or .bz2) or an SDSS composite as JPEG or PNG (a table "
        "of galaxies goes to --catalog, in the app to Targets)."
    )


def _name_bands(files: Sequence[Sequence[FitsImage]]) -> tuple[Bands, list[str]]:
    """Take one image from each of three files in the order g, r, i."""
    bands: Bands = {}
    notes: list[str] = []
    for band, images in zip(IMAGE_BANDS, files, strict=True):
        bands[band], added = single_band(images, band)
        notes += added
    return bands, notes


def _read_composite(
    blob: Blob, pixel_scale_arcsec: float | None, flux_pixel_scale_arcsec: float | None
) -> Pixels:
    if flux_pixel_scale_arcsec is not None:
        raise OptionError(
            f"{blob.name} is a colour composite, whose flux scale is known: "
            "leave the flux pixel scale out."
        )
    if pixel_scale_arcsec is None:
        raise InputError(
            f"{blob.name} does not tell its pixel scale: state it in arcsec (--pixel-scale, "
            "or the column pixel_scale of a catalogue)."
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


def _calibrate(
    bands: Bands, pixel_scale_arcsec: float | None, flux_pixel_scale_arcsec: float | None
) -> tuple[np.ndarray, float, list[str]]:
    """Return nanomaggies per pixel on the grid of r, shape (3, H, W), its scale, and notes."""
    reference = bands["r"]
    scale_arcsec, scale_note = choose_scale(reference, pixel_scale_arcsec)
    # A stated scale is that of r; the others keep their ratio to it.
    correction = scale_arcsec / (read_scale(reference) or scale_arcsec)
    said: dict[str, list[str]] = {}
    planes = []
    for band, image in bands.items():
        _check_signal(image, band)
        own = read_scale(image)
        own_arcsec = scale_arcsec if own is None else own * correction
        factor, remarks = flux_factor(image, own_arcsec, flux_pixel_scale_arcsec)
        plane, resampling = _onto_reference(image, reference)
        with np.errstate(over="ignore"):
            plane = (plane * np.float64(factor * (scale_arcsec / own_arcsec) ** 2)).astype(
                np.float32
            )
        plane[np.isinf(plane)] = np.nan
        planes.append(plane)
        for remark in (*image.coordinates.notes, *remarks, *resampling):
            said.setdefault(remark, []).append(band)
    notes = [scale_note]
    for remark, of in said.items():
        notes.append(remark if len(of) == len(bands) else f"Band {', '.join(of)}: {remark}")
    return np.stack(planes), scale_arcsec, notes


def _onto_reference(image: FitsImage, reference: FitsImage) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the values of an image on the grid of r, and how they got there."""
    own, wanted = image.coordinates.wcs, reference.coordinates.wcs
    height, width = reference.data.shape
    if own is not None and wanted is not None and own is not wanted:
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
        return image.data, ("No coordinates: taken as aligned with r.",)
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
