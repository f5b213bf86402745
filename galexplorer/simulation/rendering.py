"""Render a galaxy of the population as SDSS would have seen it, in g, r and i.

Bulge and disc have colours of their own that add up to the row's magnitudes; the disc has
arms, star-forming knots and, edge-on, a dust lane, as strong as its specific star-formation
rate suggests. Neighbours, foreground stars, a Moffat PSF per band and the noise of sky and
photon counting are added. All in nanomaggies at 0.396 arcsec per pixel.
"""

from dataclasses import dataclass

import galsim
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve

from galexplorer.schema import EXTINCTION_PER_REDDENING, IMAGE_BANDS, SDSS_PIXEL_SCALE_ARCSEC

# per band g, r, i: sky brightness (mag/arcsec2), gain (electrons per count), nanomaggies per
# count, dark variance (counts2); typical values of SDSS frames
_SKY_BRIGHTNESS = (22.0, 20.95, 20.3)
_GAIN = (3.9, 4.7, 4.9)
_NANOMAGGY_PER_COUNT = (0.0038, 0.0049, 0.0066)
_DARK_VARIANCE = (1.2, 1.0, 4.0)

_SEEING_MEDIAN_ARCSEC = 1.32
_SEEING_RATIO = (1.08, 1.0, 0.95)
# e-fold of g, r and i per scale length of the disc: g-r falls by 0.09 mag
_DISC_GRADIENT = (0.08, 0.0, -0.03)
_CONFUSED = (21.8, 24.5)
_CONFUSED_PER_ARCMIN2 = 20.0
_MIN_STAMP_ARCSEC = 44.0
_MAX_STAMP_ARCSEC = 300.0
_SMALLEST_RADIUS_ARCSEC = 0.25


@dataclass(frozen=True)
class Galaxy:
    """What the renderer needs to know of a galaxy.

    Attributes
    ----------
    magnitudes : tuple of float
        Dereddened g, r, i.
    half_light_radius_arcsec : float
        Petrosian half-light radius in r, seeing included.
    concentration : float
        petro_r90 / petro_r50.
    axis_ratio : float
    log_ssfr : float
        log10 of the specific star-formation rate per year.
    ebv : float
        Galactic reddening to put in front of it.
    """

    magnitudes: tuple[float, float, float]
    half_light_radius_arcsec: float
    concentration: float
    axis_ratio: float
    log_ssfr: float
    ebv: float

    def flux_nmgy(self) -> np.ndarray:
        """Return the flux in g, r and i behind the Galaxy's dust, nanomaggies, shape (3,)."""
        dust = np.array([EXTINCTION_PER_REDDENING[band] for band in IMAGE_BANDS]) * self.ebv
        return 10 ** (-0.4 * (np.array(self.magnitudes) + dust - 22.5))


def stamp_size(galaxy: Galaxy) -> int:
    """Return the side of the field to draw, native pixels, odd."""
    side = np.clip(14 * galaxy.half_light_radius_arcsec, _MIN_STAMP_ARCSEC, _MAX_STAMP_ARCSEC)
    return int(side / SDSS_PIXEL_SCALE_ARCSEC) | 1


def draw_seeing(rng: np.random.Generator) -> float:
    """Draw the seeing in r, arcsec FWHM."""
    return _SEEING_MEDIAN_ARCSEC * float(np.exp(0.11 * rng.standard_normal()))


def point_spread(seeing_arcsec: float, rng: np.random.Generator) -> list[galsim.GSObject]:
    """Return the PSF in g, r and i for a seeing in r."""
    return [
        galsim.Moffat(beta=3.0, fwhm=seeing_arcsec * r * float(np.exp(0.03 * rng.normal())))
        for r in _SEEING_RATIO
    ]


def render(galaxy: Galaxy, rng: np.random.Generator) -> np.ndarray:
    """Render a galaxy in the middle of a field.

    Parameters
    ----------
    galaxy : Galaxy
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (3, H, H), float32
        Nanomaggies per pixel, bands g, r, i, sky-subtracted, with noise.
    """
    scale = SDSS_PIXEL_SCALE_ARCSEC
    size = stamp_size(galaxy)
    flux = galaxy.flux_nmgy()
    seeing = draw_seeing(rng)
    psfs = point_spread(seeing, rng)
    kernels = [psf.drawImage(nx=25, ny=25, scale=scale).array for psf in psfs]
    bulge, disc, knots, shares = _components(galaxy, size, seeing, psfs[1], rng)
    image = np.empty((3, size, size))
    for k in range(3):
        smooth = fftconvolve(disc[k] * shares[1, k] + knots * shares[2, k], kernels[k], mode="same")
        image[k] = flux[k] * (bulge * shares[0, k] + smooth)
    add_neighbours(image, psfs, rng)
    return add_noise(image, rng)


def _components(
    galaxy: Galaxy, size: int, seeing: float, psf: galsim.GSObject, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return bulge (convolved), disc per band, knots, and each one's share of the flux."""
    scale = SDSS_PIXEL_SCALE_ARCSEC
    radius = np.sqrt(
        max(galaxy.half_light_radius_arcsec**2 - (0.66 * seeing) ** 2, _SMALLEST_RADIUS_ARCSEC**2)
    )
    # an exponential disc has a concentration near 2.3, a de Vaucouleurs profile 3.3
    # before the seeing, which lowers it in small galaxies
    blur = (0.6 * seeing / galaxy.half_light_radius_arcsec) ** 2
    share = (galaxy.concentration - 2.25) / 1.1 + 1.2 * blur + 0.08 * rng.standard_normal()
    # few discs are without any bulge (Simard et al. 2011, 1107.1518)
    bulge_to_total = float(np.clip(share, 0.16 * rng.beta(1.5, 1.5), 0.95))
    radius *= 1.05 + 0.17 * bulge_to_total  # a Petrosian aperture misses the wings of a bulge
    angle = rng.uniform(0, np.pi)
    bulge_q = float(np.clip(0.5 + 0.5 * galaxy.axis_ratio + 0.05 * rng.standard_normal(), 0.4, 1))
    if bulge_to_total > 0.6:
        bulge_q = max(galaxy.axis_ratio, 0.35)
    bulge_radius = radius * (0.1 + 0.85 * bulge_to_total)
    sersic = 1.2 + 3.0 * np.sqrt(bulge_to_total) * float(np.exp(0.1 * rng.standard_normal()))
    # GalSim keeps tables per index, hence the steps
    index = round(float(np.clip(sersic, 0.8, 5.0)), 1)
    profile = galsim.Sersic(n=index, half_light_radius=bulge_radius)
    profile = profile.shear(q=bulge_q, beta=angle * galsim.radians)
    gsparams = galsim.GSParams(maximum_fft_size=16384, folding_threshold=0.02, kvalue_accuracy=1e-3)
    bulge = galsim.Convolve([profile, psf]).withGSParams(gsparams)
    bulge = bulge.drawImage(nx=size, ny=size, scale=scale).array.astype(float)
    disc, knots = _disc(galaxy, size, radius * (1 + 0.4 * bulge_to_total), angle, rng)
    activity = float(np.clip((galaxy.log_ssfr + 11.2) / 1.5, 0, 1))
    knot_share = 0.25 * activity * rng.uniform(0.3, 1.0)
    # bulges are redder than discs, and knots bluer (Kennedy et al. 2016, 1603.07124)
    red_gr = (0.12 + 0.16 * activity) * rng.uniform(0.4, 1.4)
    red_ri = 0.35 * red_gr
    bulges = bulge_to_total * np.array([10 ** (-0.4 * red_gr), 1.0, 10 ** (0.4 * red_ri)])
    bulges = np.clip(bulges, 0, 0.97)
    knotted = (1 - bulges) * knot_share * np.array([1.2, 1.0, 0.85])
    return bulge, disc, knots, np.stack([bulges, 1 - bulges - knotted, knotted])


def _disc(
    galaxy: Galaxy, size: int, half_light: float, angle: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the disc in three bands and its knots, each of unit flux, before the PSF."""
    over = 1 if size > 260 else 2
    step = SDSS_PIXEL_SCALE_ARCSEC / over
    axis = (np.arange(size * over) - (size * over - 1) / 2) * step
    x, y = np.meshgrid(axis, axis)
    cos, sin = np.cos(angle), np.sin(angle)
    q = max(galaxy.axis_ratio, 0.12)
    major, minor = x * cos + y * sin, (y * cos - x * sin) / q
    r = np.hypot(major, minor)
    length = half_light / np.sqrt(q) / 1.678
    smooth = np.exp(-r / length)
    activity = float(np.clip((galaxy.log_ssfr + 11.4) / 1.4, 0, 1))
    strength = activity * rng.uniform(0.2, 0.85)
    arms = int(rng.choice([2, 2, 2, 3, 4]))
    pitch = np.tan(np.radians(rng.uniform(10, 32))) * rng.choice([-1, 1])
    phase = arms * (np.arctan2(minor, major) - np.log(np.maximum(r / length, 0.05)) / pitch)
    window = 1 - np.exp(-((r / (1.1 * length)) ** 2))
    wave = np.cos(phase + rng.uniform(0, 2 * np.pi))
    structure = 1 + strength * window * (wave + 0.35 * wave**2 - 0.17)
    if activity > 0.2 and rng.random() < 0.3:  # a bar
        bar_angle = rng.uniform(0, np.pi)
        along = major * np.cos(bar_angle) + minor * np.sin(bar_angle)
        across = minor * np.cos(bar_angle) - major * np.sin(bar_angle)
        bar_length = rng.uniform(0.8, 1.6) * length
        bar = np.exp(-((along / bar_length) ** 4) - (across / (0.3 * bar_length)) ** 2)
        structure = structure + rng.uniform(0.5, 1.5) * bar
    # discs are lopsided by a tenth and more (Rix & Zaritsky 1995, astro-ph/9505111)
    side = np.cos(np.arctan2(minor, major) - rng.uniform(0, 2 * np.pi))
    lopsided = 0.16 * abs(rng.standard_normal()) * np.minimum(r / (3 * length), 1)
    disc = smooth * np.maximum(structure, 0.02) * (1 + np.minimum(lopsided, 0.6) * side)
    bands = _flocculent(disc, length / step, q, activity, rng)
    # and bluer outwards: their scale is longest in g
    steepness = rng.uniform(0.3, 1.2) * (0.4 + 0.6 * activity)
    for k, slope in enumerate(_DISC_GRADIENT):
        bands[k] *= np.exp(slope * steepness * np.minimum(r / length, 4))
    if q < 0.35 and activity > 0.1:  # a lane of dust in the plane, offset to the near side
        height = minor * q
        lane = np.exp(-(((height - 0.06 * length) / (0.10 * length + 0.2)) ** 2)) * (r < 3 * length)
        depth = rng.uniform(0.2, 1.0) * activity
        for k, opacity in enumerate((1.45, 1.0, 0.75)):
            bands[k] *= np.exp(-depth * opacity * lane)
    number = int(rng.poisson(3 + 40 * activity * min(1.0, half_light / 4)))
    knots = np.zeros_like(disc)
    if number:
        weight = (smooth * np.clip(structure - 0.6, 0, None) ** 2 * window).ravel()
        total = weight.sum()
        if total > 0:
            steps = np.cumsum(weight) / total
            places = np.minimum(np.searchsorted(steps, rng.random(number)), weight.size - 1)
            np.add.at(knots.ravel(), places, rng.pareto(1.3, number) + 0.3)
    if knots.sum() == 0:
        knots = disc
    bands, knots = _bin(bands, over), _bin(knots[None], over)[0]
    return bands / bands.sum(axis=(1, 2), keepdims=True), knots / knots.sum()


def _flocculent(
    disc: np.ndarray, length_px: float, q: float, activity: float, rng: np.random.Generator
) -> np.ndarray:
    """Return the disc in three bands with patches of young stars and dust, strongest in g."""
    scale = max(0.22 * length_px, 1.0)
    field = gaussian_filter(rng.standard_normal(disc.shape), (scale * np.sqrt(q), scale))
    field /= field.std()
    amplitude = 0.28 * activity * rng.uniform(0.3, 1.4)
    return np.stack([disc * np.exp(amplitude * share * field) for share in (1.25, 1.0, 0.85)])


def _bin(images: np.ndarray, factor: int) -> np.ndarray:
    bands, side, _ = images.shape
    small = side // factor
    return images.reshape(bands, small, factor, small, factor).sum(axis=(2, 4))


def add_neighbours(
    image: np.ndarray, psfs: list[galsim.GSObject], rng: np.random.Generator
) -> None:
    """Add foreground stars and background galaxies at the densities of high latitudes."""
    _add_confusion(image, psfs[1].fwhm, rng)
    scale, size = SDSS_PIXEL_SCALE_ARCSEC, image.shape[1]
    area = (size * scale / 60) ** 2
    for number, slope, star in (
        (rng.poisson(1.3 * area), 0.18, True),
        (rng.poisson(3.5 * area), 0.4, False),
    ):
        for _ in range(int(number)):
            faint, bright = 21.8, (14.5 if star else 16.8)
            edge = 10 ** (slope * (bright - faint))
            magnitude = faint + np.log10(edge + (1 - edge) * rng.random()) / slope
            gr = (
                rng.choice([0.45, 1.35]) + 0.15 * rng.standard_normal()
                if star
                else rng.normal(0.75, 0.3)
            )
            ri = 0.35 * gr + (0.5 if star and gr > 1.1 else 0.05) * rng.random()
            x, y = rng.uniform(0, size, 2)
            if np.hypot(x - size / 2, y - size / 2) * scale < 3.0:
                continue
            half = int(min(size, 61 if magnitude < 18 else 31))
            left, top = int(x) - half // 2, int(y) - half // 2
            shape = None
            if not star:
                hlr = float(
                    np.clip(0.9 * 10 ** (-0.13 * (magnitude - 20)) * rng.lognormal(0, 0.35), 0.3, 4)
                )
                shape = galsim.Exponential(half_light_radius=hlr).shear(
                    q=float(rng.uniform(0.3, 1)), beta=float(rng.uniform(0, np.pi)) * galsim.radians
                )
            source = psfs[1] if shape is None else galsim.Convolve([shape, psfs[1]])
            drawn = source.drawImage(
                nx=half, ny=half, scale=scale, offset=(x % 1 - 0.5, y % 1 - 0.5)
            ).array
            rows = slice(max(0, top), min(size, top + half))
            columns = slice(max(0, left), min(size, left + half))
            part = drawn[
                rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
            ]
            for k, colour in enumerate((gr, 0.0, -ri)):
                image[k, rows, columns] += part * 10 ** (-0.4 * (magnitude + colour - 22.5))


def _add_confusion(image: np.ndarray, seeing_arcsec: float, rng: np.random.Generator) -> None:
    """Add sources too faint to be told apart, less their mean, which goes with the sky."""
    size = image.shape[1]
    area = (size * SDSS_PIXEL_SCALE_ARCSEC / 60) ** 2
    number = int(rng.poisson(_CONFUSED_PER_ARCMIN2 * area))
    faint, bright, slope = _CONFUSED[1], _CONFUSED[0], 0.33
    edge = 10 ** (slope * (bright - faint))
    magnitude = faint + np.log10(edge + (1 - edge) * rng.random(number)) / slope
    places = rng.integers(0, size * size, number)
    points = np.bincount(places, 10 ** (-0.4 * (magnitude - 22.5)), size * size)
    blurred = gaussian_filter(
        points.reshape(size, size), 0.48 * seeing_arcsec / SDSS_PIXEL_SCALE_ARCSEC
    )
    blurred -= blurred.mean()
    for k, colour in enumerate((0.6, 0.0, -0.3)):
        image[k] += 10 ** (-0.4 * colour) * blurred


def add_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add the noise of sky, source and detector, and an error of the sky level."""
    pixel_area = SDSS_PIXEL_SCALE_ARCSEC**2
    brightness = rng.normal(0, 0.15)
    noisy = np.empty_like(image, dtype=np.float32)
    for k in range(3):
        sky = 10 ** (-0.4 * (_SKY_BRIGHTNESS[k] + brightness - 22.5)) * pixel_area
        unit = _NANOMAGGY_PER_COUNT[k]
        counts = np.maximum(image[k] + sky, 0) / unit
        sigma = np.sqrt(counts / _GAIN[k] + _DARK_VARIANCE[k]) * unit
        noisy[k] = image[k] + sigma * rng.standard_normal(image[k].shape)
        noisy[k] += 0.03 * float(np.median(sigma)) * rng.standard_normal()
    return noisy
