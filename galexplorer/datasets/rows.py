"""What every source of galaxies does to make a row of the training set: image, lines, labels."""

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float32, UInt8

from galexplorer.datasets import shards
from galexplorer.image.cutout import cut
from galexplorer.image.fibre import fibre_magnitudes
from galexplorer.image.measure import Measurement
from galexplorer.image.pixels import Pixels
from galexplorer.schema import IMAGE_BANDS, LINE_NAMES, TARGET_NAMES

TYPICAL_LINE_ERROR = 5.0
"""Error of a line where no table has one, 1e-17 erg/s/cm2: the median of the four lines in 4,879
galaxies at z < 0.1, corrected as MPA-JHU advise."""

FAINTEST_LABEL_S_TO_N = 2.0
"""A line's flux is its own label from this signal-to-noise ratio on; below, a draw is."""

SIGMA_LIMITS_KMS = (70.0, 420.0)
"""Velocity dispersions that SDSS's spectrograph resolves and galaxies have."""


def add_image(arrays: shards.Arrays, k: int, pixels: Pixels, found: Measurement) -> None:
    """Put a measured galaxy's cutout and photometry into row `k`."""
    grid, scale, _ = cut(pixels, found)
    arrays["grid"][k] = grid
    arrays["has_image"][k] = 1
    arrays["pixel_scale"][k] = scale
    arrays["origin"][k] = 1 if pixels.origin == "fits" else 2
    for j, band in enumerate(IMAGE_BANDS):
        arrays["measured_mag"][k, j] = found.magnitudes.get(band, np.nan)
        arrays["measured_err"][k, j] = found.errors.get(band, np.nan)
    arrays["fibre_mag"][k] = fibre_magnitudes(grid[None], np.array([scale]))[0]
    if found.petro_r50 is not None and found.petro_r90 is not None:
        arrays["measured_petro"][k] = (found.petro_r50, found.petro_r90)


def labels_of(
    rows: pd.DataFrame,
) -> tuple[Float32[np.ndarray, "n 9"], UInt8[np.ndarray, "n 9"]]:
    """Return the targets of rows of the population and what their labels are, both (n, 9)."""
    targets = rows[list(TARGET_NAMES)].to_numpy(np.float32)
    measured = rows[[f"{name}_measured" for name in TARGET_NAMES]].to_numpy(bool)
    valid = rows[[f"{name}_valid" for name in TARGET_NAMES]].to_numpy(bool) & np.isfinite(targets)
    label = np.where(valid, np.where(measured, 1, 2), 0).astype(np.uint8)
    for name in LINE_NAMES:
        k = TARGET_NAMES.index(name)
        faint = rows[f"{name}_snr"].to_numpy(float) <= FAINTEST_LABEL_S_TO_N
        label[(label[:, k] == 1) & faint, k] = 3
    return targets, label


def draw_faint_lines(rows: pd.DataFrame, rng: np.random.Generator) -> None:
    """Turn fluxes and errors into log fluxes; faint ones are drawn, not dropped.

    Above `FAINTEST_LABEL_S_TO_N` the label is the measured flux. Below it, lines are not missing
    at random: the label is a draw from the flux's posterior under a prior flat in log flux
    between 0.05 sigma and three sigma above the measurement.
    """
    for name in LINE_NAMES:
        column = name.removeprefix("log_flux_")
        flux = rows[column].to_numpy(float)
        error = rows[f"{column}_err"].to_numpy(float)
        known = np.isfinite(flux) & np.isfinite(error) & (error > 0) & (np.abs(flux) < 1e5)
        bright = known & (flux > FAINTEST_LABEL_S_TO_N * error)
        value = np.full(len(rows), np.nan)
        value[bright] = np.log10(flux[bright])
        for j in np.flatnonzero(known & ~bright):
            grid = np.geomspace(0.05 * error[j], max(flux[j], 0.0) + 3 * error[j], 60)
            exponent = -0.5 * ((flux[j] - grid) / error[j]) ** 2
            weight = np.exp(exponent - exponent.max())
            value[j] = np.log10(rng.choice(grid, p=weight / weight.sum()))
        rows[name] = value
        rows[f"{name}_snr"] = np.where(known, flux / np.where(known, error, 1.0), np.nan)


def black_hole_mass(
    dispersion_kms: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Return log10 of black-hole masses, Msun, by M-sigma, and where they mean something.

    McConnell & Ma 2013 (1211.2816): log M = 8.32 + 5.64 log(sigma / 200 km/s), without the
    scatter of holes about it. Outside `SIGMA_LIMITS_KMS` the mass is that of the nearer limit.

    Parameters
    ----------
    dispersion_kms : ndarray, shape (n,)

    Returns
    -------
    log_mass : ndarray, shape (n,)
    valid : ndarray, shape (n,), bool
    """
    low, high = SIGMA_LIMITS_KMS
    log_mass = 8.32 + 5.64 * np.log10(np.clip(dispersion_kms, low, high) / 200)
    return log_mass, (dispersion_kms >= low) & (dispersion_kms <= high)
