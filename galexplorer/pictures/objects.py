"""The galaxies and stars of a field, for a person to choose a galaxy."""

from dataclasses import dataclass

import numpy as np
import sep

from galexplorer.errors import TargetError
from galexplorer.image.pixels import Pixels

STAR_RADIUS_ARCSEC = 1.0
"""Half-light radius below which an object counts as a star: SDSS's seeing has 0.75 arcsec."""

_STAR_RADIUS_PX = 1.4
_DETECTION_SIGMA = 4.0
_MIN_AREA_ARCSEC2 = 3.0
_MESH_ARCSEC = 100.0
_EDGE_ARCSEC = 4.0
_REACH = 3.0
"""Semi-axes, in units of the light's dispersion, of the ellipse that is a galaxy's own: `sep` puts
its isophote there."""
_PART_OF_FLUX = 0.1
"""An object within that ellipse that is fainter than this share is a part: a knot, an arm."""


@dataclass(frozen=True)
class FieldObject:
    """One object of a field.

    Attributes
    ----------
    x, y : float
        Centre, zero-based pixels of the input's grid.
    ra, dec : float or None
        ICRS degrees, where the image has coordinates.
    magnitude : float
        Rough AB magnitude in r within the detection's isophote.
    radius_arcsec : float
        Half-light radius of the same light.
    star : bool
        Whether it is as small as a star.
    """

    x: float
    y: float
    ra: float | None
    dec: float | None
    magnitude: float
    radius_arcsec: float
    star: bool = False


def find_objects(pixels: Pixels, limit: int = 20) -> tuple[FieldObject, ...]:
    """Find the galaxies and stars of a field.

    Parameters
    ----------
    pixels : Pixels
    limit : int
        How many of either to return at most.

    Returns
    -------
    tuple of FieldObject
        Galaxies and then stars, the brightest first. What touches the edge is left out, and so is
        a faint part of a brighter galaxy.

    Raises
    ------
    TargetError
        If the field is too crowded to be deblended.
    """
    scale = pixels.pixel_scale_arcsec
    image = np.ascontiguousarray(pixels.flux[1], dtype=np.float32)
    blank = ~np.isfinite(image)
    if blank.all():
        return ()
    image = np.where(blank, 0.0, image)
    height, width = image.shape
    mesh = max(16, min(height, width, round(_MESH_ARCSEC / scale)))
    sky = sep.Background(image, mask=blank, bw=mesh, bh=mesh)
    noise = max(float(sky.globalrms), 1e-4 * float(np.abs(image).max()), 1e-12)
    sep.set_extract_pixstack(max(10_000, image.size))
    try:
        found = sep.extract(
            image - np.float32(sky.globalback),
            _DETECTION_SIGMA,
            err=noise,
            mask=blank,
            minarea=max(5, int(_MIN_AREA_ARCSEC2 / scale**2)),
            deblend_cont=0.01,
        )
    except Exception as error:
        # sep raises a bare Exception when its buffers overflow; nothing else can be caught
        raise TargetError(
            "The field is too crowded to show its galaxies; cut out a smaller field."
        ) from error
    edge = _EDGE_ARCSEC / scale
    inside = (found["x"] > edge) & (found["x"] < width - 1 - edge)
    inside &= (found["y"] > edge) & (found["y"] < height - 1 - edge) & (found["flux"] > 0)
    found = found[inside]
    if len(found) == 0:
        return ()
    reach = np.maximum(6 * found["a"], 4.0)
    radius, _ = sep.flux_radius(
        image - np.float32(sky.globalback), found["x"], found["y"], reach, 0.5, subpix=3
    )
    order = np.argsort(-found["flux"])
    found, radius = found[order], radius[order] * scale
    small = radius < max(STAR_RADIUS_ARCSEC, _STAR_RADIUS_PX * scale)
    galaxies = np.flatnonzero(~small & ~_are_parts(found))[:limit]
    stars = np.flatnonzero(small)[:limit]
    return tuple(
        _describe(pixels, found[k], float(radius[k]), bool(small[k])) for k in [*galaxies, *stars]
    )


def _are_parts(found: np.ndarray) -> np.ndarray:
    """Tell which objects, the brightest first, are knots or arms of a brighter one."""
    parts = np.zeros(len(found), bool)
    for k, row in enumerate(found):
        if parts[k]:
            continue
        # sep's ellipse: cxx dx^2 + cyy dy^2 + cxy dx dy = R^2
        dx, dy = found["x"] - row["x"], found["y"] - row["y"]
        reach = row["cxx"] * dx**2 + row["cyy"] * dy**2 + row["cxy"] * dx * dy
        parts |= (reach < _REACH**2) & (found["flux"] < _PART_OF_FLUX * row["flux"])
    return parts


def _describe(pixels: Pixels, row: np.void, radius_arcsec: float, star: bool) -> FieldObject:
    x, y = float(row["x"]), float(row["y"])
    ra, dec = pixels.to_sky(x, y)
    known = bool(np.isfinite(ra) and np.isfinite(dec))
    return FieldObject(
        x=x,
        y=y,
        ra=ra if known else None,
        dec=dec if known else None,
        magnitude=float(22.5 - 2.5 * np.log10(row["flux"])),
        radius_arcsec=radius_arcsec,
        star=star,
    )
