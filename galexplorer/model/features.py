"""Numbers that condition the flows besides the image, in one order for training and inference."""

import numpy as np
from jaxtyping import Bool, Float, Float32, Integer

from galexplorer.schema import BANDS, IMAGE_BANDS

_MAG_CENTRE = {"u": 19.0, "g": 17.6, "r": 16.8, "i": 16.4, "z": 16.1}
_COLOUR_CENTRE = (1.6, 0.8, 0.4, 0.3)
_COLOUR_WIDTH = (0.5, 0.25, 0.1, 0.1)
_CATALOGUE_ERROR = (0.05, 0.01, 0.01, 0.01, 0.02)
"""Errors assumed where a catalogue gives none: the medians of the SDSS main sample."""

_PETRO_WIDTH = (0.3, 0.1, 0.08, 0.08, 0.15)
"""Spread of Petrosian minus model magnitudes in the main sample."""

_FIBRE_CENTRE = (17.9, 0.85, 0.42, 1.3)
_FIBRE_WIDTH = (1.0, 0.25, 0.1, 0.6)
"""Of r, g - r and r - i within the fibre, and of how much fainter r is there."""

SIZE = 5 + 4 + 5 + 5 + 2 + 2 + 2 + 2 + 2 + 2 + 5 + 5 + 4 + 1
"""Length of the feature vector."""

HAS_CATALOGUE_PHOTOMETRY = 5 + 4 + 5 + 5 + 2 + 2
"""Where it says whether the magnitudes are a catalogue's."""

HAS_IMAGE = HAS_CATALOGUE_PHOTOMETRY + 2
"""Where it says whether there is an image."""

LOG_SCALE = HAS_IMAGE + 1
"""Where the size of the grid's pixel stands in it, as `scaled_log_pixel_size` gives it."""

SIZES = [
    *range(HAS_CATALOGUE_PHOTOMETRY - 4, HAS_CATALOGUE_PHOTOMETRY),
    *range(LOG_SCALE + 1, LOG_SCALE + 5),
]
"""Where Petrosian radii stand, where they are from, and what they make with the magnitudes."""

MEASURED_SIZES = LOG_SCALE + 1
"""Where it says whether the radii were measured on the pixels."""

WITHOUT_FIBRE = SIZE - 5
"""Length before there was light within the fibre, and before networks knew upper limits."""

FIBRE = slice(WITHOUT_FIBRE, SIZE)
"""Where the light within the fibre stands, and whether it is known."""

INPUTS = ("photometry", "fits", "jpeg")
"""Kinds of input, in the order of `origin`: no image, linear pixels, 8-bit composites."""

JPEG = INPUTS.index("jpeg")


def photometry_features(
    magnitudes: Float[np.ndarray, "n 5"],
    errors: Float[np.ndarray, "n 5"],
    petro: Float[np.ndarray, "n 2"],
    measured_photometry: Bool[np.ndarray, " n"],
    measured_petro: Bool[np.ndarray, " n"],
    pixel_scale_arcsec: Float[np.ndarray, " n"],
    origin: Integer[np.ndarray, " n"],
    petro_magnitudes: Float[np.ndarray, "n 5"] | None = None,
    fibre_magnitudes: Float[np.ndarray, "n 3"] | None = None,
) -> Float32[np.ndarray, f"n {SIZE}"]:
    """Return the feature vectors.

    Parameters
    ----------
    magnitudes, errors : ndarray, shape (n, 5)
        AB, bands u to z; NaN where missing.
    petro : ndarray, shape (n, 2)
        Petrosian r50 and r90, arcsec; NaN where missing.
    measured_photometry, measured_petro : ndarray, shape (n,), bool
        Whether they were measured on the pixels rather than taken from a catalogue.
    pixel_scale_arcsec : ndarray, shape (n,)
        Of the model's grid; NaN without an image.
    origin : ndarray, shape (n,)
        Index into `INPUTS`.
    petro_magnitudes : ndarray, shape (n, 5), optional
        Petrosian magnitudes; NaN where missing. What they tell is their difference from the model
        magnitude of the same band, so one without the other counts as missing.
    fibre_magnitudes : ndarray, shape (n, 3), optional
        Within the fibre, bands g, r, i, as `galexplorer.image.fibre` measures them; NaN where
        missing.

    Returns
    -------
    ndarray, shape (n, `SIZE`), float32
        Finite everywhere; a missing number is zero and its flag is zero.
    """
    magnitudes = np.asarray(magnitudes, np.float64)
    good = np.isfinite(magnitudes)
    centre = np.array([_MAG_CENTRE[b] for b in BANDS])
    scaled = np.where(good, (np.where(good, magnitudes, 0) - centre) / 1.2, 0.0)
    both = good[:, :-1] & good[:, 1:]
    colour = np.where(both, -np.diff(np.where(good, magnitudes, 0), axis=1), 0.0)
    colour = np.where(both, (colour - _COLOUR_CENTRE) / _COLOUR_WIDTH, 0.0)
    # a catalogue's errors where none are given: typical of SDSS
    error = np.where(np.isfinite(errors) & (errors > 0), errors, _CATALOGUE_ERROR)
    error = np.where(good, np.log10(np.clip(error, 1e-3, 2.0)) + 1.7, 0.0)
    petro = np.asarray(petro, np.float64)
    sized = np.isfinite(petro) & (petro > 0)
    radius = np.where(sized, (np.log10(np.where(sized, petro, 1.0)) - (0.4, 0.8)) / 0.3, 0.0)
    source = np.stack([good.any(1) & ~measured_photometry, good.any(1) & measured_photometry], 1)
    size_source = np.stack([sized.any(1) & measured_petro, sized.all(1)], 1)
    has_image = np.asarray(origin) > 0
    log_scale = np.where(has_image, scaled_log_pixel_size(pixel_scale_arcsec), 0.0)
    # whether pixels were linear or 8-bit stays out: the composite is the same, and the real
    # images, all 8-bit, must teach the model about linear ones too
    image = np.stack([has_image, log_scale], 1)
    # surface brightness inside r50 and concentration, which a network is slow to find
    r = good[:, BANDS.index("r")] & sized[:, 0]
    brightness = np.where(r, (scaled[:, 2] * 1.2 + 5 * 0.3 * radius[:, 0] - 0.5) / 1.2, 0.0)
    concentration = np.where(sized.all(1), (radius[:, 1] - radius[:, 0]) * 2, 0.0)
    derived = np.stack([brightness, concentration], 1)
    if petro_magnitudes is None:
        petro_magnitudes = np.full_like(magnitudes, np.nan)
    paired = good & np.isfinite(petro_magnitudes)
    beyond = np.where(paired, np.where(paired, petro_magnitudes, 0) - magnitudes, 0.0)
    beyond = np.where(paired, beyond / _PETRO_WIDTH, 0.0)
    fibre = _fibre_features(fibre_magnitudes, magnitudes[:, BANDS.index("r")])
    stacked = np.concatenate(
        [scaled, colour, good, error, radius, sized, source, image, size_source, derived,
         beyond, paired, fibre],
        axis=1,
    )  # fmt: skip
    return np.clip(stacked, -8, 8).astype(np.float32)


def _fibre_features(magnitudes: np.ndarray | None, total: np.ndarray) -> np.ndarray:
    """Return r, two colours, what of r lies outside, and whether they are known, (n, 5)."""
    if magnitudes is None:
        return np.zeros((len(total), 5))
    g, r, i = np.asarray(magnitudes, np.float64).T
    known = np.isfinite(g + r + i)
    outside = np.where(np.isfinite(total), r - total, _FIBRE_CENTRE[3])
    values = (np.column_stack([r, g - r, r - i, outside]) - _FIBRE_CENTRE) / _FIBRE_WIDTH
    return np.column_stack([np.where(known[:, None], values, 0.0), known])


def scaled_log_pixel_size(pixel_scale_arcsec: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return the logarithm of a grid's pixel, (n,), about 0 and 1 wide; of 0.4 arcsec where NaN."""
    scale = np.nan_to_num(pixel_scale_arcsec, nan=0.4)
    return (np.log10(np.clip(scale, 0.02, 50)) + 0.5) / 0.25


def expand_gri_to_ugriz(values: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 5"]:
    """Put values of g, r, i into the five bands, shape (n, 3) to (n, 5), NaN elsewhere."""
    out = np.full((len(values), len(BANDS)), np.nan, values.dtype)
    out[:, [BANDS.index(b) for b in IMAGE_BANDS]] = values
    return out
