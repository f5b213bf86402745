"""Find the galaxy on the pixels; measure its Petrosian radius and gri magnitudes."""

from dataclasses import dataclass

import numpy as np
import sep
from jaxtyping import Float

from galexplorer.errors import TargetError
from galexplorer.image import haloes
from galexplorer.image.pixels import Pixels
from galexplorer.schema import IMAGE_BANDS

PETROSIAN_RATIO = 0.2
"""Petrosian ratio that defines the radius (Strauss et al. 2002, astro-ph/0206225)."""

SEARCH_WINDOW_ARCSEC = 420.0
"""Side of the field in which a target is searched for and measured."""

_MIN_WINDOW_PX = 16
_DETECTION_SIGMA = 2.0
_MAX_OFFSET_ARCSEC = 8.0
_FAINT_SIGMA = 0.7


@dataclass(frozen=True)
class Measurement:
    """A galaxy as found on the pixels.

    Attributes
    ----------
    x, y : float
        Centre on the input's grid, zero-based pixels.
    magnitudes : dict of str to float
        AB magnitudes by band inside `aperture_arcsec`; a band without positive flux is absent.
    errors : dict of str to float
        1-sigma errors from the sky's noise, 0.02 mag of calibration added.
    petrosian_radius_arcsec : float or None
        None where the profile stays too bright up to the edge of the field.
    petro_r50, petro_r90 : float or None
        Radii with 50% and 90% of the aperture's r flux, arcsec; None with the Petrosian radius.
    aperture_arcsec : float
        Radius of the circular aperture: two Petrosian radii where the field holds them.
    sky : ndarray, shape (3,)
        Constant sky that was subtracted, nanomaggies per pixel.
    fraction_measured : float
        Part of the aperture that lies on measured pixels and on no other object.
    """

    x: float
    y: float
    magnitudes: dict[str, float]
    errors: dict[str, float]
    petrosian_radius_arcsec: float | None
    petro_r50: float | None
    petro_r90: float | None
    aperture_arcsec: float
    sky: Float[np.ndarray, "3"]
    fraction_measured: float


@dataclass(frozen=True)
class _Found:
    """Objects and segments as `sep.extract` returns them, the target's row, what was masked."""

    objects: np.ndarray
    segments: np.ndarray
    target: int
    masked: np.ndarray

    def others(self) -> np.ndarray:
        """Return the mask of everything that is not the target."""
        target = self.objects[self.target]
        # knots and arms that were split off the galaxy stay in; neighbours and bright stars go
        distance = haloes.elliptical_distance(self.objects["x"], self.objects["y"], target)
        own = (distance < haloes.OWN_REACH) & (self.objects["flux"] < 0.1 * target["flux"])
        own[self.target] = True
        foreign = np.concatenate([[False], ~own])
        return self.masked | foreign[self.segments]


def measure(pixels: Pixels, ra: float | None = None, dec: float | None = None) -> Measurement:
    """Find the target and measure it after subtracting the haloes of brighter neighbours.

    Parameters
    ----------
    pixels : Pixels
    ra, dec : float, optional
        Position of the target, degrees; the centre of the image without them.

    Returns
    -------
    Measurement

    Raises
    ------
    TargetError
        If a position is given for an image without coordinates, the position lies off the
        image, or nothing stands out from the noise near it.
    """
    x0, y0 = _aim(pixels, ra, dec)
    rows, columns = _window(pixels, x0, y0)
    flux = np.ascontiguousarray(pixels.flux[:, rows, columns], dtype=np.float32)
    blank = np.any(~np.isfinite(flux), axis=0)
    if blank.all():
        raise TargetError("The image has no measured pixels at this position; check RA and Dec.")
    flux = np.where(blank, 0.0, flux)
    sky, noise = estimate_sky(flux, blank)
    flux = np.ascontiguousarray(flux - sky[:, None, None])
    x, y, scale = x0 - columns.start, y0 - rows.start, pixels.pixel_scale_arcsec
    found = _detect(flux, noise, blank, x, y, scale)
    flux, found = _without_neighbours(flux, noise, found, x, y, scale)
    return _photometry(pixels, flux, noise, sky, found, (columns.start, rows.start))


def _aim(pixels: Pixels, ra: float | None, dec: float | None) -> tuple[float, float]:
    height, width = pixels.flux.shape[1:]
    if ra is None or dec is None:
        return (width - 1) / 2, (height - 1) / 2
    if pixels.wcs is None:
        raise TargetError(
            "The image has no celestial coordinates: leave out RA and Dec and centre the galaxy."
        )
    x, y = pixels.to_pixel(ra, dec)
    inside = -0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5
    if not inside:
        raise TargetError(
            f"RA {ra:.5f}, Dec {dec:+.5f} lies off this image; check the position or the file."
        )
    return x, y


def _window(pixels: Pixels, x: float, y: float) -> tuple[slice, slice]:
    height, width = pixels.flux.shape[1:]
    half = max(_MIN_WINDOW_PX, int(np.ceil(0.5 * SEARCH_WINDOW_ARCSEC / pixels.pixel_scale_arcsec)))
    half = min(half, 1024)
    column, row = round(x), round(y)
    return (
        slice(max(0, row - half), min(height, row + half + 1)),
        slice(max(0, column - half), min(width, column + half + 1)),
    )


def estimate_sky(flux: np.ndarray, blank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a constant sky and its noise per band, from the border of the field.

    SDSS frames are sky-subtracted already, and a mesh would remove large galaxies' haloes.
    The faintest of the four corners serves: a neighbour seldom fills them all.
    """
    height, width = blank.shape
    h, w = max(3, height // 6), max(3, width // 6)
    corners = [
        (slice(0, h), slice(0, w)),
        (slice(0, h), slice(width - w, width)),
        (slice(height - h, height), slice(0, w)),
        (slice(height - h, height), slice(width - w, width)),
    ]
    candidates = []
    for corner in corners:
        good = ~blank[corner]
        if good.sum() < 0.3 * good.size:
            continue
        values = flux[(slice(None), *corner)][:, good]
        median = np.median(values, axis=1)
        candidates.append((median, 1.4826 * np.median(np.abs(values - median[:, None]), axis=1)))
    if not candidates:
        values = flux[:, ~blank]
        median = np.percentile(values, 25, axis=1)
        candidates.append((median, 1.4826 * np.median(np.abs(values - median[:, None]), axis=1)))
    sky, noise = min(candidates, key=lambda c: float(c[0].sum()))
    floor = 1e-4 * max(float(np.abs(flux).max()), 1e-12)
    return sky.astype(np.float32), np.maximum(noise, floor).astype(np.float32)


def _detect(
    flux: np.ndarray,
    noise: np.ndarray,
    blank: np.ndarray,
    x: float,
    y: float,
    pixel_scale_arcsec: float,
) -> _Found:
    """Return what stands out from the sky in all bands together, and which of it is the target."""
    weights = (1.0 / noise**2)[:, None, None]
    detection = np.ascontiguousarray((flux * weights).sum(axis=0) / weights.sum())
    detection[blank] = 0.0
    sep.set_extract_pixstack(max(10_000, detection.size))
    min_area = max(5, int(0.8 / pixel_scale_arcsec**2))
    try:
        objects, segments = sep.extract(
            detection,
            _DETECTION_SIGMA,
            err=float(1.0 / np.sqrt(weights.sum())),
            mask=blank,
            minarea=min_area,
            deblend_cont=0.01,
            segmentation_map=True,
        )
    except Exception as error:
        # sep raises a bare Exception when its buffers overflow; nothing else can be caught
        raise TargetError(
            "The field is too crowded to find a galaxy in; cut out a smaller field around it."
        ) from error
    if len(objects) == 0:
        raise TargetError(
            "No object stands out from the noise; give RA and Dec, or a deeper image."
        )
    label = int(segments[round(y), round(x)])
    if label == 0:
        offset = np.hypot(objects["x"] - x, objects["y"] - y)
        reach = np.maximum(_MAX_OFFSET_ARCSEC / pixel_scale_arcsec, 2.5 * objects["a"])
        offset[offset > reach] = np.inf
        if not np.isfinite(offset).any():
            raise TargetError(
                "No object was found at the position; centre the galaxy, or give RA and Dec."
            )
        label = int(np.argmin(offset)) + 1
    return _Found(objects, segments, label - 1, blank)


def _without_neighbours(
    flux: np.ndarray,
    noise: np.ndarray,
    found: _Found,
    x: float,
    y: float,
    pixel_scale_arcsec: float,
) -> tuple[np.ndarray, _Found]:
    """Return field and objects without brighter neighbours' haloes, where the target stays."""
    nearby = haloes.brighter_neighbours(found.objects, found.target)
    if len(nearby) == 0:
        return flux, found
    dimmed = haloes.without(flux, found.masked, found.objects, found.segments, nearby)
    masked = found.masked | np.isin(found.segments, nearby + 1)
    try:
        again = _detect(dimmed, noise, masked, x, y, pixel_scale_arcsec)
    except TargetError:
        return flux, found  # no object of its own without their light, and measured in it
    target = again.objects[again.target]
    same = found.segments[round(float(target["y"])), round(float(target["x"]))] == found.target + 1
    return (dimmed, again) if same else (flux, found)


def _photometry(
    pixels: Pixels,
    flux: np.ndarray,
    noise: np.ndarray,
    sky: np.ndarray,
    found: _Found,
    origin: tuple[int, int],
) -> Measurement:
    scale = pixels.pixel_scale_arcsec
    target, mask = found.objects[found.target], found.others()
    height, width = mask.shape
    x, y = float(target["x"]), float(target["y"])
    x, y, _ = sep.winpos(flux[1], [x], [y], [max(1.0, 0.5 / scale)], mask=mask)
    x, y = float(x[0]), float(y[0])
    if not np.hypot(x - target["x"], y - target["y"]) < max(4.0, target["a"]):
        x, y = float(target["x"]), float(target["y"])
    edge = max(min(x, y, width - 1 - x, height - 1 - y), 0.35 * min(height, width)) + 0.5
    radii = np.geomspace(max(0.7, min(1.0 / scale, 2.0)), max(edge, 4.0), 48)
    growth, measured = _growth(flux, mask, x, y, radii)
    petrosian = _petrosian_radius(radii, growth[1], float(noise[1]))
    aperture = min(2 * petrosian, radii[-1]) if petrosian is not None else radii[-1]
    totals = np.array([np.interp(aperture, radii, curve) for curve in growth])
    magnitudes, errors = {}, {}
    for band, total, sigma in zip(IMAGE_BANDS, totals, noise, strict=True):
        if total > 0:
            magnitudes[band] = float(22.5 - 2.5 * np.log10(total))
            noise_flux = float(sigma) * float(np.sqrt(np.pi) * aperture)
            errors[band] = float(np.hypot(0.02, 1.0857 * noise_flux / total))
    if "r" not in magnitudes:
        raise TargetError(
            "The object at the position has no positive flux in r; "
            "check the sky level of the image."
        )
    fraction = float(np.interp(aperture, radii, measured) / (np.pi * aperture**2))
    r50 = r90 = None
    if petrosian is not None:
        curve = np.maximum.accumulate(np.concatenate([[0.0], growth[1]]))
        knots = np.concatenate([[0.0], radii])
        r50, r90 = (float(np.interp(q * totals[1], curve, knots)) * scale for q in (0.5, 0.9))
    return Measurement(
        x=x + origin[0],
        y=y + origin[1],
        magnitudes=magnitudes,
        errors=errors,
        petrosian_radius_arcsec=None if petrosian is None else petrosian * scale,
        petro_r50=r50,
        petro_r90=r90,
        aperture_arcsec=aperture * scale,
        sky=sky,
        fraction_measured=min(1.0, fraction),
    )


def _growth(
    flux: np.ndarray, mask: np.ndarray, x: float, y: float, radii: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return flux inside circles per band, made whole for masked area, and the measured area.

    A masked part of a ring counts with the mean of the rest of that ring.
    """
    inner = np.concatenate([[0.0], radii[:-1]])
    xs, ys = np.full(len(radii), x), np.full(len(radii), y)

    def rings(image: np.ndarray) -> np.ndarray:
        return sep.sum_circann(image.astype(np.float32), xs, ys, inner, radii, subpix=3)[0]

    area = rings(~mask)
    whole = np.pi * (radii**2 - inner**2)
    filled = [
        np.where(
            area > 0.02 * whole,
            rings(np.where(mask, 0.0, band)) * whole / np.maximum(area, 1e-9),
            0.0,
        )
        for band in flux
    ]
    return np.cumsum(filled, axis=1), np.cumsum(area)


def _petrosian_radius(radii: np.ndarray, growth: np.ndarray, noise: float) -> float | None:
    """Return the Petrosian radius in pixels, None where the galaxy overfills the field.

    For a galaxy of low surface brightness an error of the sky keeps the ratio above 0.2 for
    ever. Where the profile has sunk into the noise, its smallest ratio marks the radius.
    """
    centres = radii[(radii * 1.25 <= radii[-1]) & (radii * 0.8 >= radii[0])]
    if len(centres) < 3:
        return None
    outer, inner = np.interp(1.25 * centres, radii, growth), np.interp(0.8 * centres, radii, growth)
    local = (outer - inner) / (np.pi * (1.25**2 - 0.8**2) * centres**2)
    mean = np.interp(centres, radii, growth) / (np.pi * centres**2)
    ratio = np.divide(local, mean, out=np.ones_like(mean), where=mean > 0)
    below = np.flatnonzero(ratio < PETROSIAN_RATIO)
    if len(below) == 0:
        lowest = int(np.argmin(ratio))
        return float(centres[lowest]) if local[lowest] < _FAINT_SIGMA * noise else None
    k = below[0]
    if k == 0:
        return float(centres[0])
    weight = (ratio[k - 1] - PETROSIAN_RATIO) / max(ratio[k - 1] - ratio[k], 1e-9)
    return float(centres[k - 1] + weight * (centres[k] - centres[k - 1]))
