"""Is it a galaxy, and was it given as the model expects? Two small classifiers.

One sees magnitudes in any of the five bands, one what was measured of an image; both learnt from
real galaxies, real stars, quasars, defects and distant galaxies, and from what goes wrong, made
from real galaxies (`galexplorer.screening.fit`). What counts is the probability of the class
`GALAXY`, against quantiles of real galaxies (`RATES`): so many of them would be called wrong. They
know nothing of the networks, so they stay valid when those are trained anew.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor
from torch.nn import functional

from galexplorer.image.quality import NAMES as QUALITY_NAMES
from galexplorer.records.verdict import NO_GALAXY
from galexplorer.schema import BANDS

VERDICT_FILE = "verdict.safetensors"
LAYOUT = 3

GALAXY = 0
PHOTOMETRY_CLASSES = ("galaxy", "star", "quasar", "distant", "magnitudes")
IMAGE_CLASSES = (
    "galaxy", "star", "artefact", "saturated", "bands", "units", "scale", "cut_off", "picture",
)  # fmt: skip
"""Classes other than the first are codes of `galexplorer.records.verdict`."""

DOUBTS_OF_LINEAR = ("scale", "cut_off")
"""Classes that count for pictures alone: nearly all real images that the classifier learnt from are
JPEGs, and real frames, whose noise and sampling differ, look to it like these."""

JPEG_LIMITS, LINEAR_LIMITS = 0, 1
"""Rows of the limits of images."""

PRIOR_GALAXY = 0.9
"""Share of galaxies among what is given, which the probabilities assume."""

RATES = (0.005, 0.01, 0.015, 0.03)
"""Shares of real galaxies whose score lies above each of the limits kept: of images, of those of
validation; of magnitudes, of those of training too, without which the rare ones are too few."""

BRIGHTNESS_EDGES = (18.5, 18.9)
"""Between r magnitudes whose galaxies have limits of their own: the last is where the model's
galaxies end."""

PATTERNS = (len(BRIGHTNESS_EDGES) + 1) * 2 ** len(BANDS)
"""Brightnesses times which bands there are: rows of the limits of magnitudes."""

_CENTRE = (19.0, 17.6, 16.8, 16.4, 16.1)
_BRIGHTNESS_WIDTH = 1.5
_QUASARS_FROM_R, _QUASAR_SLOPE = 18.0, 0.8
_PAIRS = tuple(combinations(range(len(BANDS)), 2))
_COLOURS = (1.6, 2.3, 2.7, 3.0, 0.8, 1.15, 1.45, 0.38, 0.68, 0.3)
_COLOUR_WIDTHS = (0.6, 0.9, 1.0, 1.1, 0.3, 0.4, 0.5, 0.15, 0.25, 0.15)
PHOTOMETRY_SIZE = 3 * len(BANDS) + len(_PAIRS)
IMAGE_SIZE = len(QUALITY_NAMES)

_TYPICAL_ERROR_SLOPE = 0.35
_STAR_LOG_R50, _STAR_LOG_R50_WIDTH = np.log10(0.75), 0.06
"""Petrosian half-light radius of a point source in SDSS's r, arcsec, and its scatter in dex: that
of a double Gaussian 1.3 arcsec wide, as seeing varies (Strauss et al. 2002, astro-ph/0206225)."""
GALAXY_LOG_R50, GALAXY_LOG_R50_SLOPE, GALAXY_LOG_R50_WIDTH = 0.376, -0.123, 0.216
"""Of galaxies at r = 17, by magnitude, and their scatter: fitted to 7,097 real ones."""

HIDDEN = 128
"""Width of the hidden layers."""

_TENSORS = 6
_SIZE_ODDS_LIMITS = (-6.0, 3.0)


def photometry_inputs(
    magnitudes: Float[np.ndarray, "n 5"], errors: Float[np.ndarray, "n 5"]
) -> Float32[np.ndarray, f"n {PHOTOMETRY_SIZE}"]:
    """Return brightness, which bands there are, excess noise and all colours.

    Parameters
    ----------
    magnitudes, errors : ndarray, shape (n, 5)
        AB, bands u to z; NaN where missing. An error counts where it is larger than SDSS's at
        that magnitude.

    Returns
    -------
    ndarray, shape (n, 25), float32
        Zero where a band is missing.
    """
    good = np.isfinite(magnitudes)
    filled = np.where(good, magnitudes, 0.0)
    bright = np.where(good, (filled - _CENTRE) / _BRIGHTNESS_WIDTH, 0.0)
    colours = [
        np.where(
            good[:, i] & good[:, j], np.arcsinh((filled[:, i] - filled[:, j] - middle) / width), 0.0
        )
        for (i, j), middle, width in zip(_PAIRS, _COLOURS, _COLOUR_WIDTHS, strict=True)
    ]
    excess = np.where(good, excess_error(filled, errors), 0.0)
    noise = np.clip(np.log10(excess + 0.01) + 2, 0, 2)
    stacked = np.concatenate([bright, good, noise, np.stack(colours, axis=1)], axis=1)
    return np.clip(stacked, -8, 8).astype(np.float32)


def excess_error(
    magnitudes: Float[np.ndarray, "n 5"], errors: Float[np.ndarray, "n 5"]
) -> Float[np.ndarray, "n 5"]:
    """Return by how much errors exceed those of SDSS at a magnitude, in quadrature, (n, 5)."""
    depth = np.array([22.0, 22.2, 22.2, 21.3, 20.5])  # five sigma, point source
    typical = 0.02 + 0.2 * 10 ** (_TYPICAL_ERROR_SLOPE * (magnitudes - depth))
    given = np.nan_to_num(errors, nan=0.0)
    return np.sqrt(np.maximum(given**2 - typical**2, 0.0))


def weigh_quasars(
    probabilities: Float[np.ndarray, "n c"], r: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n c"]:
    """Return probabilities of `PHOTOMETRY_CLASSES` with quasars rarer the brighter they are.

    In training they are as frequent at each magnitude, while their counts rise far more steeply
    than those of galaxies (Richards et al. 2006, astro-ph/0601434).
    """
    bright = np.minimum(np.where(np.isfinite(r), r, _QUASARS_FROM_R) - _QUASARS_FROM_R, 0.0)
    found = probabilities.copy()
    found[:, PHOTOMETRY_CLASSES.index("quasar")] *= 10 ** (_QUASAR_SLOPE * bright)
    return found / found.sum(axis=1, keepdims=True)


def pattern_of(magnitudes: Float[np.ndarray, "n 5"]) -> Int[np.ndarray, " n"]:
    """Return the row of the limits that counts for magnitudes, NaN where missing.

    Without r, brightness is that of a usual galaxy of the bands that there are.
    """
    known = np.isfinite(magnitudes)
    as_r = np.where(known, magnitudes - np.array(_CENTRE) + _CENTRE[BANDS.index("r")], 0.0)
    mean = as_r.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    r = magnitudes[:, BANDS.index("r")]
    bright = np.digitize(np.where(np.isfinite(r), r, mean), BRIGHTNESS_EDGES)
    return bright * 2 ** len(BANDS) + known @ (2 ** np.arange(len(BANDS)))


def _forward(values: Tensor, layers: tuple[Tensor, ...]) -> Tensor:
    for k in range(0, len(layers), 2):
        values = functional.linear(values, layers[k].double(), layers[k + 1].double())
        values = functional.silu(values) if k + 2 < len(layers) else values
    return values


@dataclass(frozen=True)
class Classifier:
    """Perceptrons of two hidden layers on scaled inputs, whose log odds are averaged.

    Attributes
    ----------
    centre, spread : Tensor, shape (d,)
    layers : tuple of Tensor
        Weight and bias of each layer of each member.
    limits : Tensor, shape (m, r)
        Scores that a share `RATES` of real galaxies exceed, more of the faint ones: by
        `pattern_of` magnitudes; of pictures, and of linear images.
    odds : Tensor, shape (2,)
        Shift and slope that calibrate the log odds of being no galaxy.
    """

    centre: Tensor
    spread: Tensor
    layers: tuple[Tensor, ...]
    limits: Tensor
    odds: Tensor

    def probabilities(self, inputs: Float32[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return the probability of each class, (n, c)."""
        with torch.inference_mode():
            # in double precision, a row's result as float32 does not hang on its neighbours
            scaled = ((torch.from_numpy(inputs) - self.centre) / self.spread).clamp(-8, 8).double()
            found = torch.stack([_forward(scaled, member) for member in self._members()])
            return torch.softmax(found.mean(dim=0), dim=1).numpy()

    def score(
        self, probabilities: Float[np.ndarray, "n c"], classes: tuple[str, ...], linear: bool
    ) -> tuple[list[str], Float[np.ndarray, " n"]]:
        """Return the likeliest class other than a galaxy and the score; see `DOUBTS_OF_LINEAR`."""
        left_out = DOUBTS_OF_LINEAR if linear else ()
        counted = [k for k, name in enumerate(classes) if k and name not in left_out]
        part = probabilities[:, counted]
        return [classes[counted[k]] for k in part.argmax(axis=1)], part.sum(axis=1)

    def p_galaxy(
        self, probabilities: Float[np.ndarray, "n c"], classes: tuple[str, ...]
    ) -> Float[np.ndarray, " n"]:
        """Return the calibrated probability that it is a galaxy, well given or not, (n,)."""
        nothing = [classes.index(name) for name in NO_GALAXY if name in classes]
        share = np.clip(probabilities[:, nothing].sum(axis=1), 1e-6, 1 - 1e-6)
        shift, slope = self.odds.double().numpy()
        with np.errstate(over="ignore", divide="ignore"):
            logit = np.log(share) - np.log1p(-share)
            return 1 / (1 + np.exp(shift + slope * logit))

    def _members(self) -> list[tuple[Tensor, ...]]:
        return [self.layers[k : k + _TENSORS] for k in range(0, len(self.layers), _TENSORS)]

    def to_arrays(self, name: str) -> dict[str, Tensor]:
        """Return everything under names that begin with `name`."""
        parts = ("centre", "spread", "limits", "odds")
        arrays = {f"{name}.{part}": getattr(self, part) for part in parts}
        return arrays | {f"{name}.layer{k}": layer for k, layer in enumerate(self.layers)}

    @classmethod
    def from_arrays(
        cls, arrays: dict[str, Tensor], name: str, inputs: int, classes: int, patterns: int
    ) -> "Classifier | None":
        """Invert `to_arrays`; None where an array is missing or has another shape."""
        number = sum(key.startswith(f"{name}.layer") for key in arrays)
        expected = {
            "centre": (inputs,), "spread": (inputs,), "limits": (patterns, len(RATES)), "odds": (2,)
        }  # fmt: skip
        for k in range(number):
            place = k // 2 % (_TENSORS // 2)
            rows = classes if place == _TENSORS // 2 - 1 else HIDDEN
            expected[f"layer{k}"] = (rows,) if k % 2 else (rows, HIDDEN if place else inputs)
        found = {part: arrays.get(f"{name}.{part}", torch.empty(0)) for part in expected}
        if number == 0 or number % _TENSORS:
            return None
        if any(found[part].shape != shape for part, shape in expected.items()):
            return None
        centre, spread, limits, odds = (
            found.pop(k) for k in ("centre", "spread", "limits", "odds")
        )
        return cls(centre, spread, tuple(found.values()), limits, odds)


def size_log_odds(
    petro_r50_arcsec: Float[np.ndarray, " n"], r: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Return how much likelier a half-light radius is of a point source than of a galaxy.

    Parameters
    ----------
    petro_r50_arcsec, r : ndarray, shape (n,)
        A catalogue's; NaN where unknown.

    Returns
    -------
    ndarray, shape (n,)
        Natural logarithm, 0 where either is unknown.
    """
    known = np.isfinite(petro_r50_arcsec) & np.isfinite(r) & (np.nan_to_num(petro_r50_arcsec) > 0)
    size = np.log10(np.where(known, petro_r50_arcsec, 1.0))
    usual = np.maximum(GALAXY_LOG_R50 + GALAXY_LOG_R50_SLOPE * (np.where(known, r, 17) - 17), 0.1)
    point = -0.5 * ((size - _STAR_LOG_R50) / _STAR_LOG_R50_WIDTH) ** 2
    extended = -0.5 * ((size - usual) / GALAXY_LOG_R50_WIDTH) ** 2
    odds = point - extended + np.log(GALAXY_LOG_R50_WIDTH / _STAR_LOG_R50_WIDTH)
    return np.where(known, np.clip(odds, *_SIZE_ODDS_LIMITS), 0.0)
