"""What goes wrong with images, made from images where nothing did.

Each function takes and gives `galexplorer.image.pixels.Pixels`, so that what follows measures and
cuts them as it does those of a user.
"""

from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from galexplorer.image.composite import composite, linear_flux
from galexplorer.image.pixels import Pixels

SEEING_ARCSEC = 1.3
"""Width at half maximum of SDSS's point-spread function in r."""

SKY_NOISE_NMGY = (0.017, 0.023, 0.034)
"""Of SDSS's native pixels in g, r, i, about."""

_NATIVE_ARCSEC = 0.396


def as_linear(pixels: Pixels) -> Pixels:
    """Return a picture as the linear image that it was made from."""
    return replace(pixels, origin="fits", composite=None)


def as_picture(pixels: Pixels, levels: np.ndarray | None = None) -> Pixels:
    """Return a linear image as the JPEG that would be served; or given levels, (3, h, w), 0..1."""
    if levels is None:
        levels = composite(pixels.flux, pixels.pixel_scale_arcsec)
    levels = np.ascontiguousarray(levels, np.float32)
    flux = linear_flux(levels, pixels.pixel_scale_arcsec)
    return replace(pixels, origin="jpeg", composite=levels, flux=np.ascontiguousarray(flux))


def resample(pixels: Pixels, zoom: float) -> Pixels:
    """Return a picture in pixels smaller by a factor, as a service or a viewer resamples it."""
    levels = np.asarray(pixels.composite).transpose(1, 2, 0)
    image = Image.fromarray(np.round(255 * levels).astype(np.uint8))
    width, height = (max(32, round(side * zoom)) for side in image.size)
    again = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), np.float32) / 255
    scale_arcsec = pixels.pixel_scale_arcsec * image.width / width
    resampled = replace(pixels, pixel_scale_arcsec=scale_arcsec)
    return as_picture(resampled, again.transpose(2, 0, 1))


def swap_bands(pixels: Pixels) -> Pixels:
    """Exchange the first band and the last."""
    if pixels.composite is not None:
        return as_picture(pixels, pixels.composite[::-1])
    return replace(pixels, flux=np.ascontiguousarray(pixels.flux[::-1]))


def scale_flux(pixels: Pixels, factor: float) -> Pixels:
    """Read another unit into the values: all of them a factor too large."""
    linear = as_linear(pixels)
    return replace(linear, flux=(linear.flux * factor).astype(np.float32))


def mistake_scale(pixels: Pixels, factor: float) -> Pixels:
    """State a pixel scale that is a factor too large."""
    wrong = replace(pixels, pixel_scale_arcsec=pixels.pixel_scale_arcsec * factor)
    return wrong if pixels.composite is None else as_picture(wrong, pixels.composite)


def widen_psf(pixels: Pixels, rng: np.random.Generator, factor: float = 2.0) -> Pixels:
    """Return the image with a seeing that is a factor wider, and noise of its own."""
    sigma_arcsec = SEEING_ARCSEC / 2.355 * np.sqrt(factor**2 - 1)
    sigma = sigma_arcsec / pixels.pixel_scale_arcsec
    flux = ndimage.gaussian_filter(np.nan_to_num(pixels.flux), (0, sigma, sigma))
    flux = flux + rng.uniform(0, 1) * _noise(flux.shape, pixels.pixel_scale_arcsec, rng)
    linear = replace(as_linear(pixels), flux=flux.astype(np.float32))
    return as_picture(linear) if pixels.composite is not None else linear


def narrow_psf(pixels: Pixels) -> Pixels:
    """Return the image of a galaxy half as large, with a seeing half as wide."""
    linear = replace(as_linear(pixels), flux=_averaged(pixels.flux))
    return as_picture(linear) if pixels.composite is not None else linear


def rebin(pixels: Pixels) -> Pixels:
    """Return the same linear image in pixels twice as wide."""
    scale_arcsec = 2 * pixels.pixel_scale_arcsec
    return replace(
        as_linear(pixels), flux=4 * _averaged(pixels.flux), pixel_scale_arcsec=scale_arcsec
    )


def _averaged(flux: np.ndarray) -> np.ndarray:
    height, width = (length // 2 * 2 for length in flux.shape[1:])
    blocks = np.nan_to_num(flux)[:, :height, :width].reshape(3, height // 2, 2, width // 2, 2)
    return blocks.mean(axis=(2, 4), dtype=np.float32)


def cut_off(pixels: Pixels, distance_px: float, rng: np.random.Generator) -> Pixels:
    """Cut the image so that its edge passes the centre at a distance."""
    height, width = pixels.flux.shape[1:]
    middle = width // 2
    first = max(0, middle - round(distance_px))
    beyond = rng.uniform(0.5, 2) * 7.5 / pixels.pixel_scale_arcsec
    reach = min(width - middle, round(distance_px + beyond))
    last = max(middle + reach, first + 40)
    rows = max(20, round(0.5 * (last - first) * rng.uniform(1, 2)))
    top = max(0, height // 2 - rows)
    part = (slice(None), slice(top, height // 2 + rows), slice(first, last))
    turn = int(rng.integers(4))

    def crop(values: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.rot90(values[part], turn, (1, 2)))

    levels = None if pixels.composite is None else crop(pixels.composite)
    return replace(pixels, flux=crop(pixels.flux), composite=levels)


def draw_trail(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Draw a satellite's trail, or a saturated column, through the middle of an image."""
    height, width = pixels.flux.shape[1:]
    bleed = rng.random() < 0.5
    angle = (np.pi / 2 if rng.random() < 0.5 else 0.0) if bleed else rng.uniform(0, np.pi)
    offset = rng.normal(0, 1.0) / pixels.pixel_scale_arcsec
    y, x = np.mgrid[:height, :width].astype(np.float32)
    distance = (x - width / 2) * np.cos(angle) + (y - height / 2) * np.sin(angle) - offset
    along = (y - height / 2) * np.cos(angle) - (x - width / 2) * np.sin(angle)
    wide = (rng.uniform(0.4, 1.5) if bleed else rng.uniform(0.6, 1.5)) / pixels.pixel_scale_arcsec
    line = np.exp(-0.5 * (distance / wide) ** 2)
    if bleed:
        line = (np.abs(distance) < wide) * (np.abs(along) < rng.uniform(0.2, 1) * height)
    # surface brightness, nanomaggies per square arcsec
    bright = 10 ** rng.uniform(0.8, 3) * rng.uniform(0.6, 1.4, (3, 1, 1))
    flux = np.nan_to_num(pixels.flux) + bright * line * pixels.pixel_scale_arcsec**2
    linear = replace(as_linear(pixels), flux=flux.astype(np.float32))
    return as_picture(linear) if pixels.composite is not None else linear


def star(
    rng: np.random.Generator, magnitudes: np.ndarray, saturated: bool, side: int = 121
) -> Pixels:
    """Return a star of given g, r, i on SDSS's sky; a saturated one has a trail and spikes."""
    scale = float(rng.choice([0.2, 0.188, _NATIVE_ARCSEC]))
    shift = rng.normal(0, 0.3, 2)
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2 + shift[:, None, None]) * scale
    r2 = x**2 + y**2
    planes = []
    for magnitude in magnitudes:
        beta, core = rng.uniform(2.8, 4.5), rng.uniform(1.0, 1.6) / 2
        alpha2 = core**2 / (2 ** (1 / beta) - 1)
        shape = (beta - 1) / (np.pi * alpha2) * (1 + r2 / alpha2) ** -beta
        wings = (1 + r2 / 4) ** -1.5 / (8 * np.pi) * 1e-3 * rng.uniform(0.3, 3)
        planes.append(10 ** (-0.4 * (magnitude - 22.5)) * (shape + wings) * scale**2)
    flux = np.stack(planes)
    if saturated:
        ceiling = rng.uniform(20, 90, (3, 1, 1)) * (scale / _NATIVE_ARCSEC) ** 2
        for axis in (x, y):
            spike = np.exp(-0.5 * (axis / 0.5) ** 2) * np.exp(-np.sqrt(r2) / rng.uniform(3, 15))
            flux = flux + rng.uniform(0, 1) * 0.3 * ceiling * spike
        if rng.random() < 0.7:
            along, across = (x, y) if rng.random() < 0.5 else (y, x)
            trail = (np.abs(across) < rng.uniform(0.4, 1.5)) * (np.abs(along) < rng.uniform(3, 25))
            flux = flux + trail * ceiling * 3
        flux = np.minimum(flux, ceiling)
    flux = flux + _noise(flux.shape, scale, rng)
    linear = Pixels(flux.astype(np.float32), scale, "fits", "")
    return as_picture(linear) if rng.random() < 0.5 else linear


def noise(rng: np.random.Generator, side: int = 128) -> Pixels:
    """Return noise of any strength, white or smooth, that is no sky of SDSS's."""
    scale = float(rng.choice([0.2, _NATIVE_ARCSEC]))
    flux = rng.normal(0, 1, (3, side, side))
    if rng.random() < 0.5:
        flux = ndimage.gaussian_filter(flux, (0, *[rng.uniform(0.3, 4)] * 2))
        flux /= flux.std()
    flux = rng.uniform(0, 2) + flux * 10 ** rng.uniform(-2, 2)
    if rng.random() < 0.4:
        levels = np.clip(0.5 + 0.25 * flux / flux.std(), 0, 1)
        return as_picture(Pixels(flux.astype(np.float32), scale, "fits", ""), levels)
    return Pixels(flux.astype(np.float32), scale, "fits", "")


def drawing(rng: np.random.Generator, side: int = 160) -> Pixels:
    """Return what a picture without a sky looks like: shapes upon shapes, gradients, lines, words.

    Discs and boxes that hide each other at sizes drawn from a power law have the statistics of
    photographs (Lee, Mumford & Huang 2001, IJCV 41, 35).
    """
    canvas = Image.new("RGB", (side, side), tuple(rng.integers(0, 256, 3).tolist()))
    pen = ImageDraw.Draw(canvas)
    photo = rng.random() < 0.5
    palette = rng.integers(0, 256, (rng.integers(2, 30), 3))
    for _ in range(400 if photo else rng.integers(1, 14)):
        size = 2 + (side if rng.random() < 0.1 else 0.6 * side) * rng.power(0.35)
        x, y = rng.uniform(-0.2, 1.2, 2) * side
        box = (x - size / 2, y - size / 2, x + size / 2, y + size * rng.uniform(-0.2, 0.5))
        box = (box[0], min(box[1], box[3]), box[2], max(box[1], box[3]))
        colour = tuple(palette[rng.integers(len(palette))].tolist())
        kind = rng.integers(4)
        if kind == 0:
            pen.ellipse(box, fill=colour)
        elif kind == 1:
            pen.rectangle(box, fill=colour)
        elif kind == 2:
            pen.line(box, fill=colour, width=int(rng.integers(1, 5)))
        else:
            pen.polygon([tuple(rng.uniform(0, side, 2)) for _ in range(3)], fill=colour) if (
                not photo
            ) else pen.ellipse(box, fill=colour)
    if not photo and rng.random() < 0.4:
        pen.text(tuple(rng.uniform(0, side / 2, 2)), "galaxy 12.7", fill=(255, 255, 255))
    levels = np.asarray(canvas, np.float32).transpose(2, 0, 1) / 255
    if photo:
        blur = rng.uniform(0, 2.5)
        levels = ndimage.gaussian_filter(levels, (0, blur, blur))
        ramp = np.linspace(rng.uniform(0.2, 1), rng.uniform(0.2, 1), side)
        levels = levels * (ramp[:, None] if rng.random() < 0.5 else ramp[None])
        levels = levels + rng.normal(0, rng.uniform(0, 0.04), levels.shape)
        if rng.random() < 0.4:  # nearly grey, as many photographs are
            levels = levels.mean(axis=0) + 0.3 * (levels - levels.mean(axis=0))
    scale = float(rng.choice([0.2, _NATIVE_ARCSEC]))
    levels = np.clip(levels, 0, 1).astype(np.float32)
    return as_picture(Pixels(levels, scale, "jpeg", ""), levels)


def _noise(shape: tuple[int, ...], scale_arcsec: float, rng: np.random.Generator) -> np.ndarray:
    """Return SDSS's sky noise, (3, h, w); finer pixels share that of the native ones."""
    sigma = np.array(SKY_NOISE_NMGY)[:, None, None]
    zoom = scale_arcsec / _NATIVE_ARCSEC
    if zoom > 0.9:
        return rng.normal(0, 1, shape) * sigma
    coarse = (3, *(int(np.ceil(length * zoom)) + 2 for length in shape[1:]))
    plain = rng.normal(0, 1, coarse) * sigma
    fine = ndimage.zoom(plain, (1, 1 / zoom, 1 / zoom), order=1)[:, : shape[1], : shape[2]]
    return fine * zoom**2
