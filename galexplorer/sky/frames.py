"""Pixels from the frames of SDSS's archive: g and i put on the grid of r, fields joined.

There is one resampler, that of `galexplorer.image.alignment`: a cubic spline on the affine map
between the two frames, which is exact to 0.05 px over a field. It keeps nanomaggies per pixel, as
all frames have pixels of one size. The pixels of r stay as they are.
"""

import hashlib
import math
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from astropy.io.fits import VerifyError
from astropy.stats import sigma_clipped_stats
from astropy.table import Table
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from astroquery.sdss import SDSSClass

from galexplorer.errors import InputError
from galexplorer.fits.bounded import read_blob
from galexplorer.fits.images import FitsImage, read_header, read_images
from galexplorer.image.alignment import align
from galexplorer.image.pixels import Pixels
from galexplorer.objids import Field
from galexplorer.schema import IMAGE_BANDS
from galexplorer.sky.cache import Cache
from galexplorer.sky.catalogue import DATA_RELEASE
from galexplorer.sky.http import Network, ServiceError
from galexplorer.sky.mosaic import Footprint, choose_fields, query_footprints

SERVICE = "The SDSS archive"
FRAMES_S = 25.0
NEIGHBOUR_S = 15.0
MAX_FRAME_BYTES = 13_000_000
"""One frame unpacked; it comes packed to about 3 MB."""

_MARGIN_PX = 24
_SKY_NOTED_SIGMA, _SKY_REFUSED_SIGMA = 0.25, 2.0
_GAP = 0.005
"""Part of the cutout that may stay blank without another field being looked for."""

_MIN_OVERLAP_PX = 200
_READING = threading.Lock()  # reading silences warnings, which Python does for all threads at once

Frames = dict[str, tuple[bytes, FitsImage]]
"""By band: the bytes as they came, and the image in them."""


class Archive:
    """Frames of a field and the positions of others, from the services.

    Parameters
    ----------
    network : Network
    cache : Cache
    """

    def __init__(self, network: Network, cache: Cache) -> None:
        self._network = network
        self._cache = cache

    def frames(self, field: Field, seconds: float) -> Frames:
        """Return the frames of a field, or raise ServiceError."""
        return fetch_frames(field, self._network, self._cache, seconds)

    def footprints(self, ra: float, dec: float) -> list[Footprint]:
        """Return where the frames near a position lie, or raise ServiceError."""
        return query_footprints(ra, dec, self._network, self._cache)


def fetch_pixels(
    ra: float, dec: float, field: Field, side_arcsec: float, network: Network, cache: Cache
) -> Pixels:
    """Cut a galaxy out of the frames of its field; see `cut_pixels`."""
    return cut_pixels(ra, dec, field, side_arcsec, Archive(network, cache))


def cut_pixels(ra: float, dec: float, field: Field, side_arcsec: float, archive: Archive) -> Pixels:
    """Cut a galaxy out of the frames of its field, joined with others where it reaches an edge.

    The fields before and after are known by their number. Where the cutout is still not
    covered, SkyServer is asked once for those of other camera columns and runs.

    Parameters
    ----------
    ra, dec : float
        ICRS degrees.
    field : Field
    side_arcsec : float
        Side of the square wanted.
    archive : Archive

    Returns
    -------
    Pixels
        The pixels of r are those of its frame, unchanged; NaN where no field could be had.

    Raises
    ------
    ServiceError
        If the archive did not give the frames, or not those of this place, or if their sky is
        far from zero.
    """
    main = archive.frames(field, FRAMES_S)
    image = main["r"][1]
    grid, shape, overlap = _lay_grid(image, ra, dec, side_arcsec)
    sheet = _Sheet(grid, shape)
    sheet.lay(field, main, "")
    for step, name in ((-1, "before"), (1, "after")):
        if overlap[step]:
            neighbour = Field(field.run, field.rerun, field.camcol, field.field + step)
            _join(sheet, neighbour, f"The field {name} ({neighbour.field})", archive)
    if sheet.gaps().mean() > _GAP:
        _cross_over(sheet, archive)
    return sheet.finish()


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
            raw = network.get(SERVICE, url, max_bytes=MAX_FRAME_BYTES)
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
            image, header = read_images(blob)[0], read_header(blob)
    except InputError as error:
        raise ServiceError(f"{SERVICE} returned a damaged frame: try again later.") from error
    if blob.data.count(b"SIMPLE  =") > 1:
        raise ServiceError(f"{SERVICE} sent more data than requested: try again later.")
    try:
        told = [str(header.get(key, "")).strip() for key in ("RUN", "CAMCOL", "FILTER")]
        right = told == [str(field.run), str(field.camcol), band]
        # The card FRAME counts along the camera, so only that of r is the field's.
        right = right and (band != "r" or header.get("FRAME") == field.field)
    except VerifyError:  # a card that cannot be read
        right = False
    if not right or image.coordinates.wcs is None or image.data.ndim != 2:
        raise ServiceError(f"{SERVICE} returned another frame than requested: try again later.")
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
        raise ServiceError(
            f"{SERVICE} returned frames of another position: try again later.", retry=False
        )
    scale_arcsec = 3600 * math.sqrt(float(np.prod(proj_plane_pixel_scales(wcs))))
    half = math.ceil(0.5 * side_arcsec / scale_arcsec)
    left, bottom, side = round(x) - half, round(y) - half, 2 * half + 1
    grid = wcs.deepcopy()
    grid.wcs.crpix = grid.wcs.crpix - np.array([left, bottom])
    return grid, (side, side), {-1: bottom < 0, 1: bottom + side > height}


class _Sheet:
    """The cutout while it is put together."""

    def __init__(self, grid: WCS, shape: tuple[int, int]) -> None:
        self.grid = grid
        self.flux = np.full((len(IMAGE_BANDS), *shape), np.nan, np.float32)
        self.tried: list[Field] = []
        self.notes: list[str] = []
        self._digest = hashlib.sha256()
        self._resamplers: set[str] = set()

    def gaps(self) -> np.ndarray:
        """Return which pixels lack a band, shape (H, W)."""
        return np.asarray(np.isnan(self.flux).any(axis=0))

    def lay(self, field: Field, frames: Frames, name: str) -> None:
        """Fill what is blank from the frames of a field; the first one has no name."""
        self.notes += _check_sky(frames, name or "The frame")
        offsets = {}
        for band, plane in zip(IMAGE_BANDS, self.flux, strict=True):
            part, resampler = _place(frames[band][1], self.grid, plane.shape)
            both = np.isfinite(part) & np.isfinite(plane)
            if both.sum() > _MIN_OVERLAP_PX:
                difference = part[both] - plane[both]
                middle = float(np.median(difference))
                spread = 1.4826 * float(np.median(np.abs(difference - middle)))
                if abs(middle) > _SKY_NOTED_SIGMA * spread + 1e-6:
                    offsets[band] = middle
            blank = np.isnan(plane)
            plane[blank] = part[blank]
            if not np.isfinite(plane).any():
                raise ServiceError(
                    f"{SERVICE} returned frames of another position: try again later."
                )
            if resampler:
                self._resamplers.add(resampler)
        if offsets:
            told = ", ".join(f"{band} {value:+.4f}" for band, value in offsets.items())
            self.notes.append(f"{name} differs in sky level: {told} nanomaggies per pixel.")
        for raw, _ in frames.values():
            self._digest.update(raw)

    def finish(self) -> Pixels:
        """Return what was put together."""
        notes = ["Pixels: SDSS DR17 frames, sky-subtracted nanomaggies.", *self.notes]
        if self._resamplers:
            how = ", ".join(sorted(self._resamplers))
            notes.append(f"g, i and joined fields resampled onto the grid of r ({how}).")
        missing = self.gaps().mean()
        if missing > 0.01:
            notes.append(f"{100 * missing:.0f}% of the cutout lies beyond the available frames.")
        scale_arcsec = 3600 * math.sqrt(float(np.prod(proj_plane_pixel_scales(self.grid))))
        return Pixels(
            self.flux,
            scale_arcsec,
            "fits",
            self._digest.hexdigest(),
            self.grid,
            notes=tuple(notes),
        )


def _join(sheet: _Sheet, field: Field, name: str, archive: Archive) -> None:
    """Lay one more field, or say that it could not be had."""
    sheet.tried.append(field)
    try:
        sheet.lay(field, archive.frames(field, NEIGHBOUR_S), name)
        sheet.notes.append(f"{name} was joined at the edge.")
    except ServiceError:
        sheet.notes.append(f"{name} could not be retrieved.")


def _cross_over(sheet: _Sheet, archive: Archive) -> None:
    """Fill what is blank from other camera columns and runs."""
    rows, columns = np.nonzero(sheet.gaps()[::4, ::4])
    if not len(rows):
        return
    ra, dec = sheet.grid.all_pix2world(4 * columns, 4 * rows, 0)
    middle = len(rows) // 2
    try:
        near = archive.footprints(float(ra[middle]), float(dec[middle]))
    except ServiceError as error:
        sheet.notes.append(f"The fields beyond the edge could not be looked up: {error}")
        return
    for field in choose_fields(near, ra, dec, sheet.tried):
        name = f"Run {field.run}, camera column {field.camcol}, field {field.field}"
        _join(sheet, field, name, archive)


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
    if not np.isfinite(values).all():
        raise ServiceError(f"{SERVICE} returned a damaged frame: try again later.")
    low, high = math.floor(values.min()) - _MARGIN_PX, math.ceil(values.max()) + _MARGIN_PX
    return max(low, 0), min(high, size)


def _check_sky(frames: Mapping[str, tuple[bytes, FitsImage]], name: str) -> list[str]:
    """Say where the sky of a frame is not zero; refuse one that lies far off.

    Faint sources lift the median of every fourth pixel by about a tenth of the noise.
    """
    notes = []
    for band, (_, image) in frames.items():
        sample = image.data[::4, ::4]
        _, middle, sigma = sigma_clipped_stats(sample[np.isfinite(sample)], stdfunc="mad_std")
        if abs(middle) > _SKY_REFUSED_SIGMA * sigma + 1e-6:
            raise ServiceError(
                f"The sky of the {band} frame lies {middle:+.3f} nanomaggies off zero: use "
                "another source.",
                retry=False,
            )
        if abs(middle) > _SKY_NOTED_SIGMA * sigma + 1e-6:
            notes.append(
                f"{name}: the sky in {band} lies {middle:+.4f} nanomaggies per pixel off zero."
            )
    return notes
