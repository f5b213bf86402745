"""A catalogue in, a catalogue out: one row for each row, vectorised."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from astropy.table import Table

from galexplorer.catalogue import Catalogue
from galexplorer.catalogue.joining import join_input
from galexplorer.errors import GalexplorerError, InputError
from galexplorer.image.measure import Measurement
from galexplorer.image.pixels import Pixels
from galexplorer.image.reader import read_image
from galexplorer.inference.catalogue_table import Columns
from galexplorer.inference.domain import inputs_of, judge, misfit_of
from galexplorer.inference.engine import Engine, check_options, magnitudes_of, versions
from galexplorer.inference.observe import observe_and_measure
from galexplorer.model.features import INPUTS
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.records.result import Domain, Result
from galexplorer.schema import (
    BANDS,
    IMAGE_BANDS,
    LINE_NAMES,
    MEASURABLE_NAMES,
    SUMMARY_QUANTILES,
    TARGETS,
)
from galexplorer.science.bpt import class_shares
from galexplorer.science.derived import derived_statistics
from galexplorer.science.summary import CAUTION_ABOVE

BATCH = 64
_DRAWS_AT_ONCE = 200_000
Progress = Callable[[int, int], None]
Each = Callable[[int, Result], None]


@dataclass(frozen=True)
class Options:
    """How every row is inferred; see `infer_catalogue`."""

    redshift_range: tuple[float, float] | None
    draws: int
    seed: int


def infer_catalogue(
    engine: Engine,
    catalogue: Catalogue,
    *,
    redshift_range: tuple[float, float] | None = None,
    draws: int = 512,
    seed: int = 0,
    progress: Progress | None = None,
    each: Each | None = None,
) -> Table:
    """Infer every row of a catalogue.

    Parameters
    ----------
    engine : Engine
    catalogue : Catalogue
        Rows with an ``image`` are measured on it; the others are inferred from photometry.
    redshift_range : tuple of float, optional
        Prior range of redshift for rows whose redshift is not fixed; within it a row's own
        ``redshift_min`` and ``redshift_max`` count. A row of whose range nothing is left is not
        inferred, nor is one whose redshift is not in the model's range.
    draws : int
        Draws per row. The same seed and number of draws give a row the posterior that it
        has alone.
    seed : int
    progress : callable, optional
        Called with the number of rows done and the number of rows.
    each : callable, optional
        Called with the index of a row and its result, as soon as that is there: with the draws
        that the row's columns come from. Rows that could not be inferred are left out.

    Returns
    -------
    astropy.table.Table
        Columns ``id, ra, dec``, those of the table as they came (one whose name is taken has
        ``_input`` at its end), ``<target>_p2_5`` ... ``<target>_std``, ``gas_metallicity_flag``,
        the probability of each BPT class under its name, ``p_no_lines``,
        ``p_<target>_measurable``, how likely a spectrum of SDSS's would show a line at a
        signal-to-noise ratio above 3 or give a metallicity, ``domain_score``, quantiles of the
        derived quantities with ``derived_flag``, and ``flag``: words joined by ``;``, empty where
        all is well. A row that could not be inferred has NaN and says why, and so has a metallicity
        that no spectrum would give. Where a row has an image there is what was measured on it too.
        Each column has description, unit and UCD (`galexplorer.science.columns.MEANINGS`).

    Raises
    ------
    OptionError
        If an option is out of range.
    """
    check_options(None, redshift_range, draws)
    options = Options(redshift_range, draws, seed)
    number = len(catalogue)
    columns = Columns.empty(catalogue)
    images = _Images(catalogue)
    batch = max(1, min(BATCH, _DRAWS_AT_ONCE // draws))
    for begin in range(0, number, batch):
        rows, observations = [], []
        for k in range(begin, min(begin + batch, number)):
            try:
                _check_redshift(catalogue, k, options, columns.flags[k])
                observations.append(_observe(catalogue, k, images, columns))
                rows.append(k)
            except GalexplorerError as error:
                columns.flags[k].append(f"not_inferred: {error}".replace(";", ","))
        if rows:
            _infer_batch(engine, catalogue, rows, observations, options, columns, each)
        if progress is not None:
            progress(min(begin + batch, number), number)
    return _table(engine, catalogue, options, columns)


class _Images:
    """Images that rows name; the last ones are kept, since many rows may lie in one frame."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._named = [self._sources(k) for k in range(len(catalogue))]
        self._rows: dict[tuple[str, ...], int] = {}
        for sources in self._named:
            self._rows[sources] = self._rows.get(sources, 0) + 1
        self._read = lru_cache(maxsize=2)(_read_pixels)

    def _sources(self, k: int) -> tuple[str, ...]:
        bands = self.catalogue.band_images
        if bands is not None and any(bands[k]):
            return tuple(bands[k])
        return (self.catalogue.image[k],) if self.catalogue.image[k] else ()

    def of(self, k: int) -> tuple[Pixels, tuple[float, float] | None] | None:
        """Return a row's pixels and where on the sky its galaxy lies; None without an image."""
        sources = self._named[k]
        if not sources:
            return None
        scale = self.catalogue.pixel_scale[k]
        pixels = self._read(sources, float(scale) if np.isfinite(scale) else None)
        place = float(self.catalogue.ra[k]), float(self.catalogue.dec[k])
        placed = pixels.wcs is not None and bool(np.isfinite(place).all())
        if not placed and self._rows[sources] > 1:
            lacking = "sky coordinates" if pixels.wcs is None else "the row's ra and dec"
            raise InputError(
                f"{sources[0]} stands for {self._rows[sources]} rows and lacks {lacking}: give "
                "each row an image of its own, or a position in a frame with a WCS."
            )
        return pixels, place if placed else None


def _read_pixels(sources: tuple[str, ...], pixel_scale_arcsec: float | None) -> Pixels:
    if len(sources) == 1:
        return read_image(Path(sources[0]), pixel_scale_arcsec=pixel_scale_arcsec)
    missing = [band for band, path in zip(IMAGE_BANDS, sources, strict=True) if not path]
    if missing:
        raise InputError(f"The row has no image_{missing[0]}: give g, r and i, or none.")
    paths = {band: Path(path) for band, path in zip(IMAGE_BANDS, sources, strict=True)}
    return read_image(paths, pixel_scale_arcsec=pixel_scale_arcsec)


def _check_redshift(catalogue: Catalogue, k: int, options: Options, flags: list[str]) -> None:
    """Refuse a row whose redshift is stated and of no use, and caution where the model is weak."""
    low, high = TARGETS[0].bounds
    fixed = float(catalogue.redshift[k])
    if "unreadable:redshift" in flags:
        raise InputError("Its redshift is not a number: correct it, or leave it empty.")
    if np.isfinite(fixed) and not low < fixed <= high:
        raise InputError(
            f"Its redshift {fixed:g} is outside the model's range, {low:g} to {high:g}: leave it "
            "empty to have it inferred."
        )
    first, last = (float(limit) for limit in _range_of(catalogue, k, options))
    if not np.isfinite(fixed) and not first < last:
        stated = catalogue.redshift_min[k], catalogue.redshift_max[k]
        words = " to ".join("..." if np.isnan(limit) else f"{limit:g}" for limit in stated)
        widest = options.redshift_range or (low, high)
        raise InputError(
            f"Its redshift range {words} has nothing in common with {widest[0]:g} to {widest[1]:g}."
        )
    if fixed > CAUTION_ABOVE or (np.isnan(fixed) and first >= CAUTION_ABOVE):
        flags.append("redshift_above_0.3")


def _range_of(catalogue: Catalogue, k: int | list[int], options: Options) -> np.ndarray:
    """Return the prior range of redshift of rows, their own within that of all, (2,) or (2, n)."""
    low, high = options.redshift_range or TARGETS[0].bounds
    lows, highs = catalogue.redshift_min[k], catalogue.redshift_max[k]
    return np.array([np.fmax(lows, low), np.fmin(highs, high)])


def _observe(catalogue: Catalogue, k: int, images: _Images, columns: Columns) -> Observation:
    magnitudes = _by_band(catalogue.magnitudes[k])
    petro = _by_band(catalogue.petro_magnitudes[k])
    photometry = Photometry(
        kind="catalogue" if magnitudes else "none",
        magnitudes=magnitudes,
        errors=_by_band(catalogue.errors[k]),
        petro_magnitudes={band: m for band, m in petro.items() if band in magnitudes},
        petro_r50=_positive(catalogue.petro_r50[k]),
        petro_r90=_positive(catalogue.petro_r90[k]),
    )
    try:
        pictured = images.of(k)
        if pictured is not None:
            pixels, place = pictured
            observation, found = observe_and_measure(pixels, photometry, *(place or ()))
            assert found is not None
            columns.measured[k] = _list_measured(found)
            return observation
    except GalexplorerError as error:
        if not magnitudes:
            raise
        # the photometry still serves; the flag says what became of the image
        columns.flags[k].append(f"image_unused: {error}".replace(";", ","))
    return observe_and_measure(None, photometry)[0]


def _by_band(values: np.ndarray) -> dict[str, float]:
    known = zip(BANDS, values, strict=True)
    return {band: float(value) for band, value in known if np.isfinite(value)}


def _list_measured(found: Measurement) -> list[float]:
    radii = (found.petro_r50, found.petro_r90, found.petrosian_radius_arcsec)
    return [
        *(found.magnitudes.get(band, np.nan) for band in IMAGE_BANDS),
        *(found.errors.get(band, np.nan) for band in IMAGE_BANDS),
        *(np.nan if radius is None else radius for radius in radii),
    ]


def _positive(value: float) -> float | None:
    return float(value) if np.isfinite(value) and value > 0 else None


def _infer_batch(
    engine: Engine,
    catalogue: Catalogue,
    rows: list[int],
    observations: list[Observation],
    options: Options,
    columns: Columns,
    each: Each | None,
) -> None:
    with torch.inference_mode():
        encoded = engine.encode(observations)
        fixed = torch.from_numpy(np.asarray(catalogue.redshift[rows], np.float32))
        ranges = np.ascontiguousarray(_range_of(catalogue, rows, options).T)
        ranges[np.isfinite(catalogue.redshift[rows])] = TARGETS[0].bounds
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
    columns.classes[rows] = class_shares(samples, columns.measurable[rows][:, : len(LINE_NAMES)])
    radii = np.array([o.photometry.petro_r50 or np.nan for o in observations], float)
    chances = columns.measurable[rows][:, MEASURABLE_NAMES.index("gas_metallicity")].astype(float)
    columns.derived[rows], undetermined = derived_statistics(samples, radii, chances)
    for row, reasons in zip(rows, undetermined, strict=True):
        columns.derived_flags[row] = reasons
    magnitudes = torch.from_numpy(magnitudes_of(observations)).float()
    domains: dict[int, Domain] = {}
    for index, kind in enumerate(INPUTS):
        take = np.flatnonzero(encoded.origin == index)
        if len(take) == 0:
            continue
        inputs = inputs_of(encoded.latent[take].cpu(), magnitudes[take], kind)
        misfit = None if kind == "photometry" else misfits[take]
        judged = judge(engine.domain, kind, inputs, misfit, magnitudes[take])
        for k, domain in zip(take, judged, strict=True):
            domains[int(k)] = domain
            columns.scores[rows[k]] = domain.score
            if not domain.inside:
                columns.flags[rows[k]].append("outside_domain")
    if each is None:
        return
    for place, (row, observation) in enumerate(zip(rows, observations, strict=True)):
        held = bool(torch.isfinite(fixed[place]))
        own = (float(ranges[place, 0]), float(ranges[place, 1]))
        result = engine.compose(
            observation,
            replace(engine.look(observation), domain=domains[place]),
            samples[place],
            columns.measurable[row],
            float(catalogue.redshift[row]) if held else None,
            None if held or own == TARGETS[0].bounds else own,
            options.seed,
        )
        if flags := [flag for flag in columns.flags[row] if flag != "outside_domain"]:
            words = f"Flags of the row: {'; '.join(flags).removesuffix('.')}."
            result = replace(result, notes=(*result.notes, words))
        each(row, result)


def _table(engine: Engine, catalogue: Catalogue, options: Options, columns: Columns) -> Table:
    table = join_input(columns.tabulate(catalogue), catalogue)
    table.meta["provenance"] = {
        "weights_sha256": engine.weights.sha256,
        "versions": versions(),
        "draws": options.draws,
        "seed": options.seed,
        "redshift_range": options.redshift_range and list(options.redshift_range),
    }
    return table
