"""Real morphologies on catalogue rows.

A donor of like colour, concentration and axis ratio is shrunk to the row's angular size,
turned, given the row's flux in each band (colour gradients are the donor's), blurred to SDSS's
seeing where shrinking made it sharper, and put among neighbours, sky and noise as a rendered
galaxy is. Nothing is ever deconvolved: a donor must be at least as well resolved as the row,
and bright enough for its noise to vanish below that of the row's image.
"""

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter

from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC
from galexplorer.simulation.donors import Donors
from galexplorer.simulation.rendering import (
    Galaxy,
    add_neighbours,
    add_noise,
    draw_seeing,
    point_spread,
    stamp_size,
)

DONOR_SEEING_ARCSEC = 1.35
MAX_NOISE = 0.7
"""Maximum noise of a donor, in units of the row's own."""

_SEEING_SHARE = 0.55
_TOLERANCE = (0.08, 0.22, 0.10)
_LARGEST_DISTANCE = 3.0
_CHOICES = 12
_SIZES = (0.3, 1.05)


def choose(donors: Donors, galaxy: Galaxy, rng: np.random.Generator) -> int | None:
    """Choose a donor for a galaxy, None where none is fit.

    Parameters
    ----------
    donors : Donors
    galaxy : Galaxy
    rng : numpy.random.Generator

    Returns
    -------
    int or None
        Row of the donors' table.
    """
    table = donors.table
    flux = galaxy.flux_nmgy()
    colour = -2.5 * np.log10(flux[0] / flux[1])
    r = 22.5 - 2.5 * np.log10(flux[1])
    shrink = _shrinking(galaxy, table.r50.to_numpy(), DONOR_SEEING_ARCSEC)
    noise = 10 ** (-0.4 * (r - table.r.to_numpy())) / shrink
    fit = (shrink > _SIZES[0]) & (shrink < _SIZES[1]) & (noise < MAX_NOISE)
    offsets = (
        (table.gr.to_numpy() - colour) / _TOLERANCE[0],
        (table.concentration.to_numpy() - galaxy.concentration) / _TOLERANCE[1],
        (table.axis_ratio.to_numpy() - galaxy.axis_ratio) / _TOLERANCE[2],
    )
    distance = np.where(fit, sum(o**2 for o in offsets), np.inf)
    nearest = np.argsort(distance)[:_CHOICES]
    nearest = nearest[distance[nearest] < _LARGEST_DISTANCE**2]
    return int(rng.choice(nearest)) if len(nearest) else None


def transplant(donors: Donors, k: int, galaxy: Galaxy, rng: np.random.Generator) -> np.ndarray:
    """Put donor `k` in the middle of a field as the galaxy.

    Parameters
    ----------
    donors : Donors
    k : int
    galaxy : Galaxy
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (3, H, W), float32
        Nanomaggies per pixel, bands g, r, i, sky-subtracted, with noise.
    """
    row = donors.table.iloc[k]
    donor = donors.image(k)
    seeing = draw_seeing(rng)
    shrink = float(_shrinking(galaxy, row.r50, seeing))
    seeing = max(seeing, shrink * DONOR_SEEING_ARCSEC)
    size = stamp_size(galaxy)
    psfs = point_spread(seeing, rng)
    flux = galaxy.flux_nmgy()
    step = SDSS_PIXEL_SCALE_ARCSEC / (row.scale_arcsec * shrink)
    turn = _orientation(rng)
    image = np.zeros((3, size, size))
    for band in range(3):
        wanted = float(psfs[band].fwhm) ** 2 - (shrink * DONOR_SEEING_ARCSEC) ** 2
        blur = np.sqrt(max(wanted, 0.0)) / 2.355 / SDSS_PIXEL_SCALE_ARCSEC
        placed = _place(donor[band], turn * step, size, blur)
        image[band] = flux[band] * placed / placed.sum()
    add_neighbours(image, psfs, rng)
    return add_noise(image, rng)


def _shrinking(
    galaxy: Galaxy, donor_r50: np.ndarray | float, seeing_arcsec: float
) -> np.ndarray | float:
    """Return the angular size of the galaxy over the donor's, both freed of seeing."""
    own = galaxy.half_light_radius_arcsec**2 - (_SEEING_SHARE * seeing_arcsec) ** 2
    theirs = donor_r50**2 - (_SEEING_SHARE * DONOR_SEEING_ARCSEC) ** 2
    return np.sqrt(max(own, 0.2) / np.maximum(theirs, 0.2))


def _orientation(rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]]) @ np.diag([1.0, rng.choice([-1.0, 1.0])])


def _place(donor: np.ndarray, matrix: np.ndarray, size: int, blur_px: float) -> np.ndarray:
    """Resample a donor onto the field, two samples a pixel each way, and blur it."""
    over = 2
    # the donor fades out at the edge of its image, so its corners are empty
    reach = int(np.ceil(donor.shape[0] / np.sqrt(abs(np.linalg.det(matrix))))) | 1
    reach = min(reach, size)
    fine = matrix / over
    half = (reach * over - 1) / 2
    centre = (np.array(donor.shape) - 1) / 2
    # sampling coarser than the donor would alias its noise
    coarse = np.sqrt(abs(np.linalg.det(fine)))
    source = gaussian_filter(donor, 0.4 * coarse) if coarse > 1.2 else donor
    drawn = affine_transform(
        source, fine, centre - fine @ np.array([half, half]), (reach * over, reach * over), order=1
    )
    drawn = drawn.reshape(reach, over, reach, over).sum(axis=(1, 3))
    field = np.zeros((size, size))
    start = (size - reach) // 2
    field[start : start + reach, start : start + reach] = drawn
    if blur_px > 0.15:
        field = gaussian_filter(field, blur_px)
    return field
