"""A catalogue in, a catalogue out: one row for each row, vectorised."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from astropy.table import Column, Table
from jaxtyping import Float

from galexplorer.catalogue import Catalogue
from galexplorer.errors import GalexplorerError
from galexplorer.image.reader import read_image
from galexplorer.inference.domain import inputs_of, judge, misfit_of
from galexplorer.inference.engine import Engine, check_options, magnitudes_of, versions
from galexplorer.inference.observe import observe
from galexplorer.model.features import INPUTS
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.schema import (
    BANDS,
    BPT_CLASSES,
    MEASURABLE_NAMES,
    SUMMARY_QUANTILES,
    SUMMARY_STATISTICS,
    TARGET_NAMES,
    TARGETS,
)
from galexplorer.science.bpt import classify

BATCH = 64
_DRAWS_AT_ONCE = 200_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Options:
    """How every row is inferred; see `infer_catalogue`."""

    redshift_range: tuple[float, float] | None
    draws: int
    seed: int


@dataclass(frozen=True)
class Columns:
    """What is found out about each row, filled batch by batch; NaN where nothing is.

    Attributes
    ----------
    statistics : ndarray, shape (n, 7, 9), float32
        `galexplorer.schema.SUMMARY_STATISTICS` of every target.
    classes : ndarray, shape (n, 4), float32
        Probabilities of `galexplorer.schema.BPT_CLASSES`.
    measurable : ndarray, shape (n, 5), float32
        Probabilities that a spectrum would show each of `galexplorer.schema.MEASURABLE_NAMES`.
    scores : ndarray, shape (n,), float32
        Percentile of the least typical measure.
    flags : list of list of str
    """

    statistics: Float[np.ndarray, "n 7 9"]
    classes: Float[np.ndarray, "n 4"]
    measurable: Float[np.ndarray, "n 5"]
    scores: Float[np.ndarray, " n"]
    flags: list[list[str]]

    @classmethod
    def empty(cls, catalogue: Catalogue) -> "Columns":
        """Return columns that know no more than the catalogue's own flags."""
        number = len(catalogue)
        return cls(
            np.full((number, len(SUMMARY_STATISTICS), len(TARGETS)), np.nan, np.float32),
            np.full((number, len(BPT_CLASSES)), np.nan, np.float32),
            np.full((number, len(MEASURABLE_NAMES)), np.nan, np.float32),
            np.full(number, np.nan, np.float32),
            [[word for word in str(flag).split(";") if word] for flag in catalogue.flags],
        )


def infer_catalogue(
    engine: Engine,
    catalogue: Catalogue,
    *,
    redshift_range: tuple[float, float] | None = None,
    draws: int = 512,
    seed: int = 0,
    progress: Progress | None = None,
) -> Table:
    """Infer every row of a catalogue.

    Parameters
    ----------
    engine : Engine
    catalogue : Catalogue
        Rows with an ``image`` are measured on it; the others are inferred from photometry.
    redshift_range : tuple of float, optional
        Prior range of redshift for rows whose redshift is not fixed; within it a row's own
        ``redshift_min`` and ``redshift_max`` count. Where nothing is left of a range, the row is
        flagged ``redshift_range_empty`` and has that of all.
    draws : int
        Draws per row. The same seed and number of draws give a row the posterior that it
        has alone.
    seed : int
    progress : callable, optional
        Called with the number of rows done and the number of rows.

    Returns
    -------
    astropy.table.Table
        Columns ``id, ra, dec``, ``<target>_p2_5`` ... ``<target>_std``, the probability of each
        BPT class under its name, ``p_<target>_measurable``, how likely a spectrum of SDSS's
        would show a line at a signal-to-noise ratio above 3 or give a metallicity,
        ``domain_score`` and ``flag``: words joined by ``;``, empty
        where all is well. A row that could not be inferred has NaN and says why.

    Raises
    ------
    OptionError
        If an option is out of range.
    """
    check_options(None, redshift_range, draws)
    options = Options(redshift_range, draws, seed)
    number = len(catalogue)
    columns = Columns.empty(catalogue)
    batch = max(1, min(BATCH, _DRAWS_AT_ONCE // draws))
    for begin in range(0, number, batch):
        rows, observations = [], []
        for k in range(begin, min(begin + batch, number)):
            try:
                observations.append(_observe(catalogue, k, columns.flags[k]))
                rows.append(k)
            except GalexplorerError as error:
                columns.flags[k].append(f"not_inferred: {error}".replace(";", ","))
        if rows:
            _infer_batch(engine, catalogue, rows, observations, options, columns)
        if progress is not None:
            progress(min(begin + batch, number), number)
    return _table(engine, catalogue, options, columns)


def _observe(catalogue: Catalogue, k: int, flags: list[str]) -> Observation:
    magnitudes = {
        band: float(value)
        for band, value in zip(BANDS, catalogue.magnitudes[k], strict=True)
        if np.isfinite(value)
    }
    errors = {
        band: float(value)
        for band, value in zip(BANDS, catalogue.errors[k], strict=True)
        if np.isfinite(value)
    }
    photometry = Photometry(
        kind="catalogue" if magnitudes else "none",
        magnitudes=magnitudes,
        errors=errors,
        petro_magnitudes={
            band: float(value)
            for band, value in zip(BANDS, catalogue.petro_magnitudes[k], strict=True)
            if np.isfinite(value) and band in magnitudes
        },
        petro_r50=_positive(catalogue.petro_r50[k]),
        petro_r90=_positive(catalogue.petro_r90[k]),
    )
    if catalogue.image[k]:
        scale = catalogue.pixel_scale[k]
        try:
            pixels = read_image(
                Path(catalogue.image[k]),
                pixel_scale_arcsec=float(scale) if np.isfinite(scale) else None,
            )
            ra, dec = float(catalogue.ra[k]), float(catalogue.dec[k])
            placed = pixels.wcs is not None and np.isfinite(ra) and np.isfinite(dec)
            return observe(pixels, photometry, *((ra, dec) if placed else ()))
        except GalexplorerError as error:
            if not magnitudes:
                raise
            # the photometry still serves; the flag says what became of the image
            flags.append(f"image_unused: {error}".replace(";", ","))
    return observe(None, photometry)


def _positive(value: float) -> float | None:
    return float(value) if np.isfinite(value) and value > 0 else None


def _infer_batch(
    engine: Engine,
    catalogue: Catalogue,
    rows: list[int],
    observations: list[Observation],
    options: Options,
    columns: Columns,
) -> None:
    with torch.inference_mode():
        encoded = engine.encode(observations)
        fixed = torch.from_numpy(np.asarray(catalogue.redshift[rows], np.float32))
        allowed = (fixed > TARGETS[0].low) & (fixed <= TARGETS[0].high)
        for k in np.flatnonzero((torch.isfinite(fixed) & ~allowed).numpy()):
            columns.flags[rows[k]].append("redshift_outside_domain")
        fixed = torch.where(allowed, fixed, torch.full_like(fixed, float("nan")))
        ranges = _ranges(catalogue, rows, options, columns)
        samples = (
            engine.sample(encoded, options.draws, options.seed, fixed, ranges).double().numpy()
        )
        columns.measurable[rows] = engine.measurable(encoded, samples[:, :, 0])
        pictured = [o.cutout is not None for o in observations]
        misfits = torch.full((len(rows),), float("nan"))
        if any(pictured):
            grids = np.stack([o.cutout.grid for o in observations if o.cutout is not None])
            grid = torch.from_numpy(grids).to(engine.device)
            where = torch.from_numpy(np.flatnonzero(pictured))
            misfits[where] = misfit_of(
                grid.float() / 255.0, engine.model.reconstruct(grid)[1]
            ).cpu()
    quantiles = np.quantile(samples, list(SUMMARY_QUANTILES.values()), axis=1)
    columns.statistics[rows] = np.concatenate(
        [quantiles.transpose(1, 0, 2), samples.mean(1)[:, None], samples.std(1)[:, None]], axis=1
    )
    lines = {name: samples[:, :, TARGET_NAMES.index(name)] for name in TARGET_NAMES[5:]}
    classes = classify(
        lines["log_flux_nii_6584"] - lines["log_flux_halpha"],
        lines["log_flux_oiii_5007"] - lines["log_flux_hbeta"],
    )
    for c in range(len(BPT_CLASSES)):
        columns.classes[rows, c] = (classes == c).mean(axis=1)
    magnitudes = torch.from_numpy(magnitudes_of(observations)).float()
    for index, kind in enumerate(INPUTS):
        take = np.flatnonzero(encoded.origin == index)
        if len(take) == 0:
            continue
        inputs = inputs_of(encoded.latent[take].cpu(), magnitudes[take], kind)
        misfit = None if kind == "photometry" else misfits[take]
        judged = judge(engine.domain, kind, inputs, misfit, magnitudes[take])
        for k, domain in zip(take, judged, strict=True):
            columns.scores[rows[k]] = domain.score
            if not domain.inside:
                columns.flags[rows[k]].append("outside_domain")


def _ranges(
    catalogue: Catalogue, rows: list[int], options: Options, columns: Columns
) -> np.ndarray:
    """Return the prior range of redshift of rows, (n, 2): their own within that of all."""
    low, high = options.redshift_range or TARGETS[0].bounds
    lows = np.fmax(catalogue.redshift_min[rows], low)
    highs = np.fmin(catalogue.redshift_max[rows], high)
    for k in np.flatnonzero(~(lows < highs)):
        columns.flags[rows[k]].append("redshift_range_empty")
        lows[k], highs[k] = low, high
    return np.column_stack([lows, highs])


def _table(engine: Engine, catalogue: Catalogue, options: Options, columns: Columns) -> Table:
    table = Table()
    table["id"] = np.asarray(catalogue.id, str)
    table["ra"] = catalogue.ra
    table["dec"] = catalogue.dec
    for j, target in enumerate(TARGETS):
        for s, name in enumerate(SUMMARY_STATISTICS):
            table[f"{target.name}_{name}"] = Column(
                columns.statistics[:, s, j],
                description=f"{target.label}, {target.unit or 'no unit'}",
            )
    for c, name in enumerate(BPT_CLASSES):
        table[name] = columns.classes[:, c]
    for c, name in enumerate(MEASURABLE_NAMES):
        table[f"p_{name}_measurable"] = columns.measurable[:, c]
    table["domain_score"] = columns.scores
    table["flag"] = np.array([";".join(words) for words in columns.flags], str)
    table.meta["provenance"] = {
        "weights_sha256": engine.weights.sha256,
        "versions": versions(),
        "draws": options.draws,
        "seed": options.seed,
        "redshift_range": options.redshift_range and list(options.redshift_range),
    }
    return table
