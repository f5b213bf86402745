"""Pixels from the frames of SDSS's archive: g and i put on the grid of r, fields joined."""

import hashlib
import io
import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from astroquery.sdss import SDSSClass

from galexplorer.errors import InputError
from galexplorer.image.alignment import align
from galexplorer.image.bounded import read_blob
from galexplorer.image.fits import FitsImage, read_images
from galexplorer.image.pixels import Pixels
from galexplorer.schema import IMAGE_BANDS
from galexplorer.sky.cache import Cache
from galexplorer.sky.catalogue import DATA_RELEASE
from galexplorer.sky.http import Network, ServiceError
from galexplorer.sky.parse import Field

SERVICE = "The SDSS archive"
FRAMES_S = 28.0
NEIGHBOUR_S = 15.0
_MARGIN_PX = 24
_SKY_OFF_SIGMA = 0.1
_READING = threading.Lock()  # reading silences warnings, which Python does for all threads at once

Frames = dict[str, tuple[bytes, FitsImage]]
"""By band: the bytes as they came, and the image in them."""


def fetch_pixels(
    ra: float, dec: float, field: Field, side_arcsec: float, network: Network, cache: Cache
) -> Pixels:
    """Cut a galaxy out of the frames of its field, and of the fields before and after it.

    Parameters
    ----------
    ra, dec : float
        ICRS degrees.
    field : Field
    side_arcsec : float
        Side of the square wanted.
    network : Network
    cache : Cache

    Returns
    -------
    Pixels
        The pixels of r are those of its frame, unchanged; NaN beyond the imaged strip.

    Raises
    ------
    ServiceError
        If the archive did not give the frames, or not those of this place.
    """

    def get(wanted: Field, seconds: float) -> Frames:
        return fetch_frames(wanted, network, cache, seconds)

    return cut_pixels(ra, dec, field, side_arcsec, get)


def cut_pixels(
    ra: float,
    dec: float,
    field: Field,
    side_arcsec: float,
    get: Callable[[Field, float], Frames],
) -> Pixels:
    """Cut a galaxy out of frames, as `fetch_pixels`; `get` has them from a field and seconds."""
    main = get(field, FRAMES_S)
    image = main["r"][1]
    grid, shape, overlap = _lay_grid(image, ra, dec, side_arcsec)
    notes = ["Pixels: SDSS DR17 frames, sky-subtracted nanomaggies."]
    fields = {field: main}
    for step, name in ((-1, "before"), (1, "after")):
        if overlap[step]:
            neighbour = Field(field.run, field.rerun, field.camcol, field.field + step)
            try:
                fields[neighbour] = get(neighbour, NEIGHBOUR_S)
                notes.append(f"The field {name} ({neighbour.field}) was joined at the edge.")
            except ServiceError:
                notes.append(f"The field {name} ({neighbour.field}) could not be had.")
    planes, resamplers = [], set()
    for band in IMAGE_BANDS:
        plane = np.full(shape, np.nan, np.float32)
        for frames in fields.values():
            part, resampler = _place(frames[band][1], grid, shape)
            gaps = np.isnan(plane)
            plane[gaps] = part[gaps]
            resamplers |= {resampler} if resampler and band != "r" else set()
        if not np.isfinite(plane).any():
            raise ServiceError(f"{SERVICE} gave frames of another place: try again later.")
        planes.append(plane)
    if resamplers:
        notes.append(f"g and i resampled onto the grid of r ({', '.join(sorted(resamplers))}).")
    notes += _check_sky(main)
    flux = np.stack(planes)
    missing = 1 - np.isfinite(flux).all(axis=0).mean()
    if missing > 0.01:
        notes.append(f"{100 * missing:.0f}% of the cutout lies beyond the imaged strip.")
    digest = hashlib.sha256(b"".join(raw for part in fields.values() for raw, _ in part.values()))
    scale_arcsec = 3600 * math.sqrt(float(np.prod(proj_plane_pixel_scales(grid))))
    return Pixels(flux, scale_arcsec, "fits", digest.hexdigest(), grid, notes=tuple(notes))


def frame_urls(field: Field) -> dict[str, str]:
    """Return where astroquery says the frames of a field lie, by band."""
    table = Table({name: [value] for name, value in vars(field).items()})
    containers = SDSSClass().get_images_async(
        matches=table, band=IMAGE_BANDS, data_release=DATA_RELEASE, cache=False
    )
    return dict(zip(IMAGE_BANDS, (c._target for c in containers), strict=True))


def fetch_frames(field: Field, network: Network, cache: Cache, seconds: float) -> Frames:
    """Fetch g, r and i of a field side by side.

    astroquery names the files; the bytes pass our own door, since its own download knows no
    bound and takes a truncated file for a Python error.
    """

    def fetch(item: tuple[str, str]) -> tuple[bytes, FitsImage]:
        band, url = item
        label = f"frame {band} {field.run} {field.rerun} {field.camcol} {field.field}"
        if kept := cache.get(label):
            return kept, _check_frame(kept, band, field)

        def call() -> tuple[bytes, FitsImage]:
            raw = network.get(SERVICE, url)
            return raw, _check_frame(raw, band, field)

        found = network.ask(SERVICE, call, seconds)
        cache.put(label, found[0])
        return found

    with ThreadPoolExecutor(len(IMAGE_BANDS)) as pool:
        found = list(pool.map(fetch, frame_urls(field).items()))
    return dict(zip(IMAGE_BANDS, found, strict=True))


def _check_frame(raw: bytes, band: str, field: Field) -> FitsImage:
    """Read a frame, if it is whole and is the one that was asked for."""
    try:
        blob = read_blob((f"frame-{band}.fits.bz2", raw))
        with _READING:
            image = read_images(blob)[0]
    except InputError as error:
        raise ServiceError(f"{SERVICE} gave a damaged frame: try again later.") from error
    header = fits.getheader(io.BytesIO(blob.data))
    told = [str(header.get(key, "")).strip() for key in ("RUN", "CAMCOL", "FILTER")]
    right = told == [str(field.run), str(field.camcol), band]
    # The card FRAME counts along the camera, so only that of r is the field's.
    right = right and (band != "r" or header.get("FRAME") == field.field)
    if not right or image.coordinates.wcs is None or image.data.ndim != 2:
        raise ServiceError(f"{SERVICE} gave another frame than was asked for: try again later.")
    return image


def _lay_grid(
    image: FitsImage, ra: float, dec: float, side_arcsec: float
) -> tuple[WCS, tuple[int, int], dict[int, bool]]:
    """Return a square of the r frame's own grid, continued beyond its edges.

    The third value tells whether it reaches into the field before (-1) and after (1): a field
    follows the other along the rows.
    """
    wcs = image.coordinates.wcs
    assert wcs is not None
    height, width = image.data.shape
    x, y = (float(value) for value in wcs.world_to_pixel_values(ra, dec))
    if not (-0.1 * width < x < 1.1 * width and -0.1 * height < y < 1.1 * height):
        raise ServiceError(f"{SERVICE} gave frames of another place: try again later.", retry=False)
    scale_arcsec = 3600 * math.sqrt(float(np.prod(proj_plane_pixel_scales(wcs))))
    half = math.ceil(0.5 * side_arcsec / scale_arcsec)
    left, bottom, side = round(x) - half, round(y) - half, 2 * half + 1
    grid = wcs.deepcopy()
    grid.wcs.crpix = grid.wcs.crpix - np.array([left, bottom])
    return grid, (side, side), {-1: bottom < 0, 1: bottom + side > height}


def _place(image: FitsImage, grid: WCS, shape: tuple[int, int]) -> tuple[np.ndarray, str | None]:
    """Put the part of a frame that lies on the grid there, NaN elsewhere."""
    wcs = image.coordinates.wcs
    assert wcs is not None
    height, width = image.data.shape
    corners = np.array([(x, y) for x in (0, shape[1] - 1) for y in (0, shape[0] - 1)], float)
    x, y = wcs.all_world2pix(*grid.all_pix2world(*corners.T, 0), 0)
    left, right = _bound(x, width)
    bottom, top = _bound(y, height)
    if right - left < 2 or top - bottom < 2:
        return np.full(shape, np.nan, np.float32), None
    part = wcs.deepcopy()
    part.wcs.crpix = part.wcs.crpix - np.array([left, bottom])
    return align(image.data[bottom:top, left:right], part, grid, shape)


def _bound(values: np.ndarray, size: int) -> tuple[int, int]:
    low, high = math.floor(values.min()) - _MARGIN_PX, math.ceil(values.max()) + _MARGIN_PX
    return max(low, 0), min(high, size)


def _check_sky(frames: Mapping[str, tuple[bytes, FitsImage]]) -> list[str]:
    """Say where the sky of a frame is not zero, judged by the median of every fourth pixel."""
    notes = []
    for band, (_, image) in frames.items():
        sample = image.data[::4, ::4]
        sample = sample[np.isfinite(sample)]
        middle = float(np.median(sample))
        sigma = 1.4826 * float(np.median(np.abs(sample - middle)))
        if abs(middle) > _SKY_OFF_SIGMA * sigma + 1e-6:
            notes.append(f"The sky of the {band} frame lies {middle:+.4f} nanomaggies off zero.")
    return notes
