"""Posteriors of test rows: joint draws, and the density that the flows give the truth."""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from galexplorer.datasets.shards import OBSERVED, Arrays
from galexplorer.evaluation.densities import joint_log_density, marginal_log_density
from galexplorer.inference.engine import Encoded, Engine
from galexplorer.inference.noise import RedshiftRange
from galexplorer.model.features import JPEG
from galexplorer.schema import BANDS, IMAGE_BANDS, LINE_NAMES, TARGET_NAMES
from galexplorer.science.detection import DETECTABLE, log_detection_probability
from galexplorer.science.resampling import resample
from galexplorer.training.batches import (
    CATALOGUE_NO_SIZES,
    CATALOGUE_ONLY,
    CATALOGUE_PETRO,
    IMAGE_AND_CATALOGUE,
    IMAGE_ONLY,
    InputMask,
    features_of,
)

_BATCH = 128


@dataclass(frozen=True)
class Mode:
    """The inputs that a test gives to the model.

    Attributes
    ----------
    name : str
        Words for a person.
    mask : InputMask
    gri : bool
        Only magnitudes in g, r, i.
    fixed : bool
        The redshift is given.
    """

    name: str
    mask: InputMask
    gri: bool = False
    fixed: bool = False

    @property
    def has_image(self) -> bool:
        """Whether the image is given."""
        return self.mask.image


IMAGE_AND_PHOTOMETRY = Mode("image + photometry", IMAGE_AND_CATALOGUE)
PHOTOMETRY = Mode("photometry", CATALOGUE_ONLY)
PETROSIAN = Mode("photometry + Petrosian magnitudes", CATALOGUE_PETRO)
UGRIZ = Mode("ugriz only", CATALOGUE_NO_SIZES)
GRI = Mode("gri only", CATALOGUE_NO_SIZES, gri=True)
IMAGE = Mode("image only", IMAGE_ONLY)
FIXED = Mode("image + photometry, redshift fixed", IMAGE_AND_CATALOGUE, fixed=True)
PHOTOMETRY_FIXED = Mode("photometry, redshift fixed", CATALOGUE_ONLY, fixed=True)
IMAGE_FIXED = Mode("image only, redshift fixed", IMAGE_ONLY, fixed=True)


@dataclass(frozen=True)
class Prediction:
    """Posteriors of test rows.

    Attributes
    ----------
    draws : ndarray, shape (n, d, 9)
    log_density : ndarray, shape (n, 9)
        Log of each target's marginal density at its known value, per unit of the target; NaN
        where the value is unknown.
    joint_log_density : ndarray, shape (n,)
        Log density of redshift, mass and star-formation rate together; NaN where one is unknown.
    measurable : ndarray, shape (n, 5)
        Probability that a spectrum would show each of `galexplorer.schema.MEASURABLE_NAMES`.
    """

    draws: np.ndarray
    log_density: np.ndarray
    joint_log_density: np.ndarray
    measurable: np.ndarray


def mask_inputs(rows: Arrays, mode: Mode) -> Arrays:
    """Return rows with only the inputs of a mode; arrays are not changed in place."""
    if not mode.gri:
        return rows
    hidden = [k for k, band in enumerate(BANDS) if band not in IMAGE_BANDS]
    shown = dict(rows)
    for name in ("catalogue_mag", "catalogue_err"):
        shown[name] = rows[name].copy()
        shown[name][:, hidden] = np.nan
    return shown


def encode_rows(engine: Engine, rows: Arrays, mask: InputMask, seed: int = 0) -> Encoded:
    """Return what the flows are conditioned on for rows of a set.

    The regressors, which know real pixels alone, are not used on simulated galaxies, which are
    delivered as JPEGs to stand in for linear images of which something is lost.
    """
    features = features_of(rows, mask, np.random.default_rng(seed))
    has_image = rows["has_image"].astype(bool) & mask.image
    origin = np.where(has_image, rows["origin"], 0)
    estimated = (origin == JPEG) & (rows["kind"] == OBSERVED)
    parts = []
    with torch.inference_mode():
        for begin in range(0, len(features), _BATCH):
            part = slice(begin, begin + _BATCH)
            taken = range(*part.indices(len(features)))
            grids = [rows["grid"][k] if has_image[k] else None for k in taken]
            parts.append(
                engine.encode_arrays(features[part], grids, origin[part], estimated=estimated[part])
            )
    return Encoded(
        torch.cat([p.context for p in parts]),
        torch.cat([p.mode for p in parts]),
        origin,
        torch.cat([p.latent for p in parts]),
        torch.cat([p.appearance for p in parts]),
        features,
        np.concatenate([p.key for p in parts]),
    )


def predict(
    engine: Engine,
    rows: Arrays,
    mode: Mode,
    truth: np.ndarray,
    draws: int = 256,
    parents: int = 64,
    redshift_range: RedshiftRange | None = None,
    seed: int = 0,
) -> Prediction:
    """Return the posteriors of rows.

    Parameters
    ----------
    engine : Engine
    rows : dict of str to ndarray
        Rows of a set.
    mode : Mode
    truth : ndarray, shape (n, 9)
        Known values, NaN elsewhere.
    draws : int
        Joint draws for each row.
    parents : int
        Draws over which a target's marginal density is averaged (the mass's needs none).
    redshift_range : tuple of float or ndarray, shape (n, 2), optional
        Prior range.
    seed : int

    Returns
    -------
    Prediction
    """
    encoded = encode_rows(engine, mask_inputs(rows, mode), mode.mask, seed)
    fixed = torch.from_numpy(truth[:, 0]).float() if mode.fixed else None
    with torch.inference_mode():
        samples = engine.sample(encoded, draws, seed, fixed, redshift_range)
        density = marginal_log_density(
            engine, encoded, samples[:, :parents], truth, redshift_range, mode.fixed
        )
        joint = joint_log_density(engine, encoded, truth, redshift_range)
        measurable = engine.measurable(encoded, samples[:, :, 0].numpy())
    if mode.fixed:
        density[:, 0] = joint[:] = np.nan
    return Prediction(samples.numpy(), density, joint, measurable)


def join_predictions(parts: list[Prediction], rows: list[np.ndarray]) -> Prediction:
    """Return the predictions of parts of the rows as one; `rows` says where each part belongs."""
    order = np.argsort(np.concatenate(rows))
    return Prediction(
        *(
            np.concatenate([getattr(part, field.name) for part in parts])[order]
            for field in fields(Prediction)
        )
    )


def tell_detected(
    prediction: Prediction,
    truth: np.ndarray,
    detected: np.ndarray,
    r: np.ndarray,
    flux_limit: float | None = None,
) -> Prediction:
    """Tell posteriors which lines were detected, one by one.

    That a sample's lines were detected is known of its rows, and a prior on their fluxes. Targets
    are told one by one, so that draws of a row no longer belong together.

    Parameters
    ----------
    prediction : Prediction
    truth : ndarray, shape (n, 9)
        Known values, NaN elsewhere.
    detected : ndarray, shape (n, 9), bool
        Those of targets that are no lines do not count.
    r : ndarray, shape (n,)
        Dereddened magnitudes.
    flux_limit : float, optional
        Flux in 1e-17 erg/s/cm2 above which lines count as detected, where it is that which says.

    Returns
    -------
    Prediction
        Draws again to the same number, each as likely as it would be detected, and the densities
        that follow by Bayes' theorem.
    """
    draws, density = prediction.draws.copy(), prediction.log_density.copy()
    for line, name in zip(DETECTABLE, LINE_NAMES, strict=True):
        k = TARGET_NAMES.index(name)
        rows = np.flatnonzero(detected[:, k])
        if len(rows) == 0:
            continue
        drawn = prediction.draws[rows].astype(float)
        chance = _log_chance(drawn[..., k], r[rows, None], line, flux_limit)
        known = _log_chance(truth[rows, k], r[rows], line, flux_limit)
        density[rows, k] += known - np.log(np.exp(chance).mean(axis=1))
        draws[rows, :, k] = resample(drawn, chance)[0][..., k]
    return replace(prediction, draws=draws, log_density=density)


def keep_with_lines(
    draws: np.ndarray, detected: np.ndarray, r: np.ndarray, flux_limit: float | None = None
) -> np.ndarray:
    """Tell joint draws (n, d, 9) at once of all lines that were detected in their row, (n, 9).

    Whole draws are kept, so that the lines of each still belong together.
    """
    chance = np.zeros(draws.shape[:2])
    for line, name in zip(DETECTABLE, LINE_NAMES, strict=True):
        k = TARGET_NAMES.index(name)
        told = _log_chance(draws[..., k].astype(float), r[:, None], line, flux_limit)
        chance += np.where(detected[:, k, None], told, 0.0)
    return resample(draws, chance)[0]


def _log_chance(
    log_flux: np.ndarray, r: np.ndarray, line: str, flux_limit: float | None
) -> np.ndarray:
    """Return the log probability that a line of a flux counts as detected, not below 1e-12."""
    if flux_limit is None:
        found = log_detection_probability(log_flux, r, line)
    else:
        found = np.where(log_flux > np.log10(flux_limit), 0.0, -np.inf)
    return np.maximum(found, np.log(1e-12))
