"""Bands on different grids: against an independent resampler, and on real frames."""

import time

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from reproject import reproject_exact
from scipy import ndimage

from galexplorer.errors import InputError
from galexplorer.image.alignment import align
from galexplorer.image.reader import read_image

BANDS = ("g", "r", "i")


def gnomonic(dx=0.0, dy=0.0, angle_deg=0.0, scale_arcsec=0.396) -> WCS:
    """Coordinates shifted and turned against those of the default."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [150.0, 2.0]
    wcs.wcs.crpix = [61 + dx, 51 + dy]
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    wcs.wcs.cd = scale_arcsec / 3600 * np.array([[-1, 0], [0, 1]]) @ np.array([[c, -s], [s, c]])
    return wcs


def stars(wcs: WCS, shape=(100, 120), width_arcsec=0.8) -> np.ndarray:
    """Gaussian stars of fixed surface brightness at fixed places on the sky."""
    random = np.random.default_rng(4)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    ra, dec = wcs.pixel_to_world_values(columns, rows)
    image = np.zeros(shape)
    for x, y, peak in zip(*random.uniform(-20, 20, (2, 30)), random.uniform(1, 5, 30), strict=True):
        dx = 3600 * (ra - 150.0) * np.cos(np.radians(2.0)) - x
        dy = 3600 * (dec - 2.0) - y
        image += peak * np.exp(-(dx**2 + dy**2) / (2 * width_arcsec**2))
    return image.astype(np.float32)


@pytest.mark.parametrize(
    ("dx", "dy", "angle", "scale"),
    [(0.37, -4.81, 0.0, 0.396), (3.5, 2.2, 0.02, 0.396), (1.3, 0.2, 25.0, 0.396), (0, 0, 0, 0.30)],
)
def test_splines_reproduce_the_sky(dx, dy, angle, scale):
    """Stars drawn on the sky, then resampled, are stars drawn on the target grid."""
    source, target = gnomonic(dx, dy, angle, scale), gnomonic()
    aligned, resampler = align(stars(source, (110, 130)), source, target, (100, 120))
    assert "cubic spline" in resampler
    measured = np.isfinite(aligned)
    assert measured.mean() > 0.6
    # A cubic spline is good to a thousandth of the peak for stars of sigma two pixels, save where
    # the edge cuts a star.
    inner = ndimage.binary_erosion(measured, iterations=3)
    assert np.abs(aligned - stars(target))[inner].max() < 1e-3 * stars(target).max()


def test_whole_pixels_are_copied(rng):
    noise = rng.standard_normal((100, 120)).astype(np.float32)
    aligned, resampler = align(noise, gnomonic(3, -2), gnomonic(), (100, 120))
    assert resampler is None
    np.testing.assert_array_equal(aligned[2:, :-3], noise[:-2, 3:])
    assert np.isnan(aligned[:2]).all()
    assert np.isnan(aligned[:, -3:]).all()


def test_other_size_and_direction(rng):
    noise = rng.standard_normal((60, 150)).astype(np.float32)
    aligned, _ = align(noise, gnomonic(-10, 7), gnomonic(), (100, 120))
    np.testing.assert_array_equal(aligned[:53, 10:], noise[7:, :110])
    assert np.isfinite(aligned).sum() == 53 * 110


def test_flux_is_kept_as_the_exact_method_keeps_it():
    source, target = gnomonic(2.3, 1.7, 0.5), gnomonic()
    image = stars(source, (110, 130))
    aligned, _ = align(image, source, target, (100, 120))
    exact, _ = reproject_exact((image, source), target, shape_out=(100, 120))
    inside = np.isfinite(aligned) & np.isfinite(exact)
    assert aligned[inside].sum() == pytest.approx(exact[inside].sum(), rel=1e-3)


def test_unmeasured_pixels_stay_local():
    source, target = gnomonic(0.4, 0.3), gnomonic()
    image = stars(source)
    whole, _ = align(image, source, target, image.shape)
    image[50, 60] = np.nan
    image[10:14, 20:30] = np.nan
    holed, _ = align(image, source, target, image.shape)
    lost = np.isnan(holed) & ~np.isnan(whole)
    gaps = ndimage.shift(np.isnan(image).astype(float), (-0.3, -0.4), order=1) > 0.01
    np.testing.assert_array_equal(lost, gaps & ~np.isnan(whole))
    far = ~ndimage.binary_dilation(gaps, iterations=8) & np.isfinite(whole)
    np.testing.assert_allclose(holed[far], whole[far], atol=1e-3)


def test_strong_distortion_takes_the_exact_map():
    target = gnomonic()
    header = gnomonic(1.0, 2.0).to_header()
    header.update(CTYPE1="RA---TAN-SIP", CTYPE2="DEC--TAN-SIP", A_ORDER=2, B_ORDER=2)
    header.update(A_2_0=3e-4, B_0_2=-2e-4)
    source = WCS(header)
    image = stars(source, (110, 130))
    image[40, 50] = np.nan
    aligned, resampler = align(image, source, target, (100, 120))
    assert "exact map" in resampler
    measured = np.isfinite(aligned)
    assert measured.mean() > 0.8
    assert 1 <= np.isnan(aligned[20:60, 30:70]).sum() <= 9
    inner = ndimage.binary_erosion(measured, iterations=6)
    assert np.abs(aligned - stars(target))[inner].max() < 0.01 * stars(target).max()


def test_pixels_of_another_size_keep_surface_brightness(sky_header, write_file):
    """Values per pixel grow with the pixel: g at 0.3 arcsec is put on r's 0.396."""
    files = {}
    for band, scale in zip(BANDS, (0.3, 0.396, 0.396), strict=True):
        wcs = gnomonic(scale_arcsec=scale)
        header = wcs.to_header()
        header["BUNIT"] = "nanomaggy"
        files[band] = write_file(fits.PrimaryHDU(stars(wcs, (130, 160)) * scale**2, header))
    pixels = read_image(files)
    both = np.isfinite(pixels.flux[:2]).all(axis=0)
    assert both.mean() > 0.5
    assert np.abs(pixels.flux[0] - pixels.flux[1])[both].max() < 0.05 * pixels.flux[1].max()
    assert pixels.flux[0][both].sum() == pytest.approx(pixels.flux[1][both].sum(), rel=5e-3)
    assert any("Band g: Resampled onto the grid of r" in note for note in pixels.notes)


def test_field_around_ngc_6976(data_dir):
    files = {band: data_dir / "fits" / f"ngc6976-{band}.fits.bz2" for band in BANDS}
    pixels = read_image(files)
    assert pixels.flux.shape == (3, 496, 682)
    assert pixels.pixel_scale_arcsec == pytest.approx(1.188, rel=1e-3)
    notes = " ".join(pixels.notes)
    assert 'nanomaggies per 0.396" pixel' in notes
    assert "multiplied by 9.00" in notes
    assert "ngc6976-i.fits.bz2 says band g: used as i" in notes
    assert "Resampled" not in notes
    # NGC 6978 has r = 12.8 within half an arcminute or so.
    x, y = pixels.wcs.world_to_pixel_values(313.1478, -5.7111)
    rows, columns = np.mgrid[:496, :682]
    aperture = np.hypot(rows - y, columns - x) * pixels.pixel_scale_arcsec < 40
    magnitude = 22.5 - 2.5 * np.log10(np.nansum(pixels.flux[1][aperture]))
    assert magnitude == pytest.approx(12.8, abs=0.15)
    stated = read_image(files, flux_pixel_scale_arcsec=0.396)
    np.testing.assert_allclose(stated.flux, pixels.flux, rtol=1e-3)


def test_frames_of_the_archive(data_dir):
    names = {band: data_dir / "fits" / f"frame-{band}-005112-4-0345.fits.bz2" for band in BANDS}
    with pytest.raises(InputError, match="holds one band only"):
        read_image(names["r"])
    started = time.perf_counter()
    pixels = read_image(names)
    seconds = time.perf_counter() - started
    print(f"three frames read, unpacked and aligned in {seconds:.2f} s")
    assert pixels.flux.shape == (3, 1489, 2048)
    assert pixels.pixel_scale_arcsec == pytest.approx(0.396, rel=1e-3)
    assert not any("multiplied" in note for note in pixels.notes)

    # A star stands at one place in all three bands.
    bright = ndimage.gaussian_filter(np.nan_to_num(pixels.flux[1]), 2)
    peaks = np.argwhere((bright == ndimage.maximum_filter(bright, 61)) & (bright > 2.0))
    offsets = []
    for y, x in peaks:
        if not (60 < y < 1429 and 60 < x < 1988):
            continue
        stamps = pixels.flux[:, y - 4 : y + 5, x - 4 : x + 5]
        grid = np.mgrid[-4:5, -4:5]
        centres = [(grid * s).sum(axis=(1, 2)) / s.sum() for s in stamps]
        offsets.append([centres[0] - centres[1], centres[2] - centres[1]])
    assert len(offsets) >= 10
    assert np.abs(np.median(offsets, axis=0)).max() < 0.1  # pixels
