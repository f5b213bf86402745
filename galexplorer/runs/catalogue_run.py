"""A catalogue in, a catalogue out: one row for each row, vectorised."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from astropy.table import Table

from galexplorer.catalogue import Catalogue
from galexplorer.catalogue.joining import join_input
from galexplorer.catalogue.row_redshift import read_redshift
from galexplorer.errors import GalexplorerError
from galexplorer.inference.detection import (
    keep_detected,
    tell_detected,
    tell_measurable,
)
from galexplorer.inference.engine import Engine
from galexplorer.inference.prepared import magnitudes_of
from galexplorer.inference.prior import (
    Prior,
    RedshiftPrior,
    tell_prior,
)
from galexplorer.records.observation import Observation
from galexplorer.records.result import Result
from galexplorer.records.verdict import CODES
from galexplorer.runs.batches import run_in_order
from galexplorer.runs.catalogue_resume import digest_of, find_missing, take_over
from galexplorer.runs.catalogue_rows import Images, observe_row
from galexplorer.runs.catalogue_table import Columns
from galexplorer.runs.even_batches import (
    batch_size,
    domains_of,
    encode_evenly,
    misfits_of,
    rows_of_batch,
)
from galexplorer.runs.made_with import made_with
from galexplorer.runs.options import Options, choose_options
from galexplorer.schema import (
    LINE_NAMES,
    MEASURABLE_NAMES,
    SUMMARY_QUANTILES,
    TARGETS,
)
from galexplorer.science.bpt import class_shares
from galexplorer.science.caveats import CAUTION_ABOVE
from galexplorer.science.derived import derived_statistics, finite_quantiles

Progress = Callable[[int, int], None]
Each = Callable[[int, Result], None]
Stop = Callable[[], bool]
Batch = Callable[[list[int], np.ndarray, np.ndarray], None]
Stated = tuple[tuple[float, float], RedshiftPrior | None]


def infer_catalogue(
    engine: Engine,
    catalogue: Catalogue,
    *,
    redshift_range: tuple[float, float] | None = None,
    prior: Prior | None = None,
    detected: Sequence[str] = (),
    draws: int = 512,
    seed: int = 0,
    progress: Progress | None = None,
    each: Each | None = None,
    batch: Batch | None = None,
    workers: int | None = None,
    stop: Stop = lambda: False,
    before: Table | None = None,
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
    prior : RedshiftPrior, or what `galexplorer.inference.prior.read_prior` reads, optional
        Redshift prior of rows whose redshift is not fixed. A Gaussian of a row's own,
        ``redshift_prior_mean`` and ``redshift_prior_sigma``, counts in its place. Rows that
        conflict with their prior are flagged ``prior_conflict``.
    detected : sequence of str
        Lines that the spectra of all rows are known to show.
    draws : int
        Draws per row. The same seed and number of draws give a row the posterior that it
        has alone.
    seed : int
    progress : callable, optional
        Called with the number of rows done and the number of rows to do.
    each : callable, optional
        Called with the index of a row and its result, as soon as that is there: with the draws
        that the row's columns come from. Rows that could not be inferred are left out.
    batch : callable, optional
        Called, by the thread that infers, with the indices of rows, their draws (m, draws, 9) and
        their latents (m, 32), NaN without an image; takes much less time than `each`.
    workers : int, optional
        Threads that infer, as many as there are cores by default. The result is the same.
    stop : callable, optional
        Asked often whether to stop: rows that are not done then are flagged
        ``not_inferred: interrupted``.
    before : Table, optional
        What such a run returned, or wrote: its rows are taken over, and the others inferred.

    Returns
    -------
    astropy.table.Table
        Columns ``id, ra, dec``, those of the table as they came (one whose name is taken has
        ``_input`` at its end), ``<target>_p2_5`` ... ``<target>_std``, ``gas_metallicity_flag``,
        the probability of each BPT class under its name, ``p_no_lines``,
        ``p_<target>_measurable``, how likely a spectrum of SDSS's would show a line at a
        signal-to-noise ratio above 3 or give a metallicity, ``domain_score``, ``verdict`` with
        ``p_galaxy``, quantiles of the derived quantities with ``derived_flag``, and ``flag``: words
        joined by ``;``, empty where all is well. A row that could not be inferred has NaN and says
        why, and so has a metallicity that no spectrum would give. Where a row has an image there is
        what was measured on it too.
        Each column has description, unit and UCD (`galexplorer.science.columns.MEANINGS`).

    Raises
    ------
    OptionError
        If an option is out of range.
    OptionError
        If `before` was made with other options or weights, or of other rows.
    """
    options = choose_options(redshift_range, prior, detected, draws, seed)
    number = len(catalogue)
    columns = Columns.empty(catalogue)
    provenance = _provenance(engine, catalogue, options)
    missing = np.ones(number, bool) if before is None else find_missing(before, provenance, number)
    images = Images(catalogue)
    size = rows_of_batch(draws)
    batches = [range(k, min(k + size, number)) for k in range(0, number, size)]
    batches = [rows for rows in batches if missing[rows].any()]
    total, done = sum(map(len, batches)), 0

    def infer_rows(rows: range) -> list[tuple[int, Result]]:
        known: list[int] = []
        stated: list[Stated] = []
        observations: list[Observation] = []
        for k in rows:
            if stop():
                columns.leave_out(rows, catalogue)
                return []
            try:
                own = read_redshift(catalogue, k)
                limits, prior = options.redshift_of(own)
                columns.flags[k] += _tell_weak_range(own.fixed, limits[0])
                observation, measured, problem = observe_row(catalogue, k, images)
                known.append(k)
                stated.append((limits, prior))
                observations.append(observation)
                columns.measured[k] = measured
                columns.flags[k] += [problem] if problem else []
            except GalexplorerError as error:
                columns.flags[k].append(f"not_inferred: {error}".replace(";", ","))
        if not known:
            return []
        return _infer_batch(
            engine,
            catalogue,
            known,
            stated,
            observations,
            options,
            columns,
            each is not None,
            batch,
        )

    for rows, results in run_in_order(infer_rows, batches, workers):
        for row, result in results:
            if each is None or not missing[row]:
                continue
            if stop():  # each may take long
                columns.leave_out(range(row, rows.stop), catalogue)
                break
            each(row, result)
        done += len(rows)
        if progress is not None and not stop():
            progress(done, total)
    table = columns.tabulate(catalogue)
    if before is not None:
        take_over(table, before, ~missing)
    table = join_input(table, catalogue)
    table.meta["provenance"] = provenance
    table.meta["notes"] = list(catalogue.notes)
    return table


def _tell_weak_range(fixed: float | None, least: float) -> list[str]:
    """Return the flag of a row whose redshift is where the model is weak."""
    beyond = least >= CAUTION_ABOVE if fixed is None else fixed > CAUTION_ABOVE
    return ["redshift_above_0.3"] if beyond else []


def _infer_batch(
    engine: Engine,
    catalogue: Catalogue,
    rows: list[int],
    stated: list[Stated],
    observations: list[Observation],
    options: Options,
    columns: Columns,
    wanted: bool,
    batch: Batch | None,
) -> list[tuple[int, Result]]:
    """Fill in the columns of rows; return their results where these are wanted."""
    size, number = batch_size(options.draws), len(rows)
    with torch.inference_mode():
        encoded = encode_evenly(engine, observations, size)
        filled = [*rows, *rows[-1:] * (size - number)]
        fixed = torch.from_numpy(np.asarray(catalogue.redshift[filled], np.float32))
        stated = [*stated, *stated[-1:] * (size - number)]
        ranges = np.array([limits for limits, _ in stated], np.float64)
        priors = [prior for _, prior in stated]
        drawn = engine.sample(encoded, options.draws, options.seed, fixed, ranges, priors)
        faint = magnitudes_of(observations)[:, 2]
        r = np.pad(faint, (0, size - number), mode="edge")
        samples, effective = keep_detected(drawn.double().numpy(), r, options.detected)
        weights = engine.weigh(encoded, priors, ranges)[:number]
        chances = engine.measurable(encoded, samples[:, :, 0])[:number]
        columns.measurable[rows] = tell_measurable(chances, options.detected)
        encoded, samples = encoded.rows(slice(number)), samples[:number]
        misfits = misfits_of(engine, observations, encoded, size)
    if batch is not None:
        pictured = [[o.cutout is not None] for o in observations]
        batch(rows, samples, np.where(pictured, encoded.latent.cpu().numpy(), np.float32(np.nan)))
    levels = tuple(SUMMARY_QUANTILES.values())
    quantiles = finite_quantiles(samples.transpose(0, 2, 1), levels).transpose(0, 2, 1)
    columns.statistics[rows] = np.concatenate(
        [quantiles, samples.mean(1)[:, None], samples.std(1)[:, None]], axis=1
    )
    columns.classes[rows] = class_shares(samples, columns.measurable[rows][:, : len(LINE_NAMES)])
    radii = np.array([o.photometry.petro_r50 or np.nan for o in observations], float)
    chances = columns.measurable[rows][:, MEASURABLE_NAMES.index("gas_metallicity")].astype(float)
    columns.derived[rows], undetermined = derived_statistics(samples, radii, chances)
    for row, reasons in zip(rows, undetermined, strict=True):
        columns.derived_flags[row] = reasons
    domains = domains_of(engine, observations, encoded, misfits)
    columns.scores[rows] = [domain.score for domain in domains]
    held = catalogue.redshift[rows].astype(float)
    limits = ranges[:number].copy()
    limits[(limits == TARGETS[0].bounds).all(axis=1)] = np.nan
    verdicts = [
        verdict.with_reasons((*doubts, *(weight.doubts if weight else ())))
        for verdict, doubts, weight in zip(
            engine.judge(observations, domains),
            engine.doubts(encoded, held, limits),
            weights,
            strict=True,
        )
    ]
    for row, verdict in zip(rows, verdicts, strict=True):
        columns.p_galaxy[row] = verdict.p_galaxy
        columns.verdicts[row] = verdict.level
        columns.flags[row] += verdict.codes
    results: list[tuple[int, Result]] = []
    if not wanted:
        return results
    for place, (row, observation) in enumerate(zip(rows, observations, strict=True)):
        is_held = bool(torch.isfinite(fixed[place]))
        own = (float(ranges[place, 0]), float(ranges[place, 1]))
        result = engine.compose(
            observation,
            replace(engine.prepare(observation), domain=domains[place], verdict=verdicts[place]),
            samples[place],
            columns.measurable[row],
            float(catalogue.redshift[row]) if is_held else None,
            None if is_held or own == TARGETS[0].bounds else own,
            options.seed,
        )
        result = tell_detected(result, options.detected, effective[place])
        result = tell_prior(result, priors[place], weights[place])
        if flags := [flag for flag in columns.flags[row] if flag not in CODES]:
            words = f"Flags of the row: {'; '.join(flags).removesuffix('.')}."
            result = replace(result, notes=(*result.notes, words))
        results.append((row, result))
    return results


def _provenance(engine: Engine, catalogue: Catalogue, options: Options) -> dict:
    return {
        **made_with(engine.weights.manifest),
        **options.tell(),
        "input_sha256": digest_of(catalogue),
    }
