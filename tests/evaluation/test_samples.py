"""Held-out rows: what is left out of a table, what is kept apart, which simulated ones count."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from galexplorer.datasets import shards
from galexplorer.datasets.rows import TYPICAL_LINE_ERROR
from galexplorer.datasets.shards import TEST, TRAIN, VALIDATION, split_of
from galexplorer.evaluation import baselines
from galexplorer.evaluation.prediction import PETROSIAN, PHOTOMETRY
from galexplorer.evaluation.samples.images import rendered_sample
from galexplorer.evaluation.samples.tables import TABLES, _table_truth, _usable, table_samples
from galexplorer.population.sources import LINE_COLUMNS
from galexplorer.schema import BANDS, DETECTION_S_TO_N, LINE_NAMES, TARGET_NAMES
from galexplorer.training.batches import measurable_labels


def test_held_out_simulated_rows_are_distributed_as_their_weights_say(tmp_path, rng):
    """Rows spread evenly that weigh as a beta distribution are kept as it is.

    A few that outweigh all others do not cost those their places.
    """
    wanted = stats.beta(2, 3)
    rows = shards.empty(3000)
    redshift = rng.uniform(0, 1, len(rows["split"]))
    rows["targets"][:, 0] = redshift
    rows["label"][:, 0] = 1
    rows["has_image"][:] = rng.random(len(redshift)) < 0.9
    rows["split"][:] = np.where(rng.random(len(redshift)) < 0.5, TEST, VALIDATION)
    heavy = rng.random(len(redshift)) < 0.01
    rows["weight"][:] = np.where(heavy, 100.0, wanted.pdf(redshift))
    shards.write_shard(tmp_path / "shard-00000.safetensors", rows)
    shards.write_manifest(tmp_path, {"kind": "rendered"})
    sample = rendered_sample(tmp_path, limit=300)
    assert len(sample.test) == 300
    assert len(sample.validation) > 500
    assert stats.kstest(redshift, wanted.cdf).statistic > 0.1
    assert sample.title.endswith("as in the SDSS main sample")
    for kept in (sample.test, sample.validation):
        assert rows["has_image"][kept].all()
        kept = kept[~heavy[kept]]
        assert stats.kstest(redshift[kept], wanted.cdf).pvalue > 0.01


@pytest.fixture
def part() -> pd.DataFrame:
    size = 200
    rows = pd.DataFrame({name: np.full(size, np.nan) for name in TARGET_NAMES[:4]})
    rows["redshift"] = 0.05
    rows["velocity_dispersion_kms"] = np.where(np.arange(size) < 100, 200.0, 30.0)
    for band in BANDS:
        rows[band] = 17.0
    for line in LINE_COLUMNS:
        rows[line] = np.linspace(-5, 50, size)
        rows[f"{line}_err"] = 2.0
    return rows


def test_lines_count_from_their_signal_to_noise_ratio(part):
    truth, detected, flux_limit = _table_truth(part)
    assert flux_limit is None
    k = TARGET_NAMES.index(LINE_NAMES[0])
    seen = part.halpha > DETECTION_S_TO_N * 2.0
    np.testing.assert_array_equal(np.isfinite(truth[:, k]), seen)
    np.testing.assert_allclose(truth[seen, k], np.log10(part.halpha[seen]))
    np.testing.assert_array_equal(detected[:, k], seen)


def test_black_holes_follow_the_dispersion_where_it_is_resolved(part):
    truth = _table_truth(part)[0]
    # McConnell & Ma 2013: 8.32 at 200 km/s
    np.testing.assert_allclose(truth[:100, 4], 8.32)
    assert np.isnan(truth[100:, 4]).all()


def test_a_target_with_hardly_any_values_is_left_out(part):
    part.loc[:5, "gas_metallicity"] = 8.8
    assert np.isnan(_table_truth(part)[0][:, 3]).all()


def test_rows_of_few_bands_or_absurd_colour_are_left_out(part):
    part.loc[0, ["u", "z"]] = np.nan
    part.loc[1, "g"] = 25.0
    part.loc[2, "u"] = np.nan
    assert len(_usable(part)) == len(part) - 2


def test_real_tables_are_split_by_their_place(data_dir):
    samples = {sample.name: sample for sample in table_samples(data_dir, 150)}
    assert set(samples) == set(TABLES)
    for sample in samples.values():
        split = sample.arrays["split"]
        assert (split[sample.test] == TEST).all()
        assert (split[sample.train] == TRAIN).all()
        assert len(sample.test) <= 150
        if sample.redshift_range is not None and len(sample.test):
            z = sample.truth[:, 0]
            assert ((z >= sample.redshift_range[0]) & (z <= sample.redshift_range[1])).mean() > 0.99
    # a table limited in luminosity: hardly a galaxy is nearer than its magnitude allows
    luminous = samples["mpajhu"]
    low, high = luminous.redshift_ranges.T
    z = luminous.truth[:, 0]
    assert ((z >= low) & (z <= high)).mean() > 0.99
    assert np.median(z - low) < 0.015
    assert luminous.prior_range.shape == (len(luminous.test), 2)
    main = samples["main_sample"]
    for row in main.test[:20]:
        assert split_of(*main.arrays["position"][row]) == TEST
    assert len(main.train) > 6000
    # both sides get Petrosian magnitudes where a table has them besides model magnitudes
    assert PETROSIAN in main.modes
    seen = [baselines.features(main, mode, None) for mode in (PHOTOMETRY, PETROSIAN)]
    assert seen[1].shape[1] == seen[0].shape[1] + 10
    for name in ("mpajhu", "lines_z010"):
        assert PETROSIAN not in samples[name].modes
    # what spectra show is known from the signal-to-noise ratios of the table
    shown = measurable_labels(samples["mpajhu"].arrays)
    assert np.isfinite(shown).mean() > 0.95
    given = np.isfinite(samples["mpajhu"].truth[:, TARGET_NAMES.index("gas_metallicity")])
    assert (given == (shown[:, -1] == 1)).mean() > 0.97


def test_lines_without_errors_count_above_a_typical_limit(part):
    for line in LINE_COLUMNS:
        part[f"{line}_err"] = np.nan
    truth, detected, flux_limit = _table_truth(part)
    assert flux_limit == DETECTION_S_TO_N * TYPICAL_LINE_ERROR
    seen = part.halpha > DETECTION_S_TO_N * TYPICAL_LINE_ERROR
    np.testing.assert_array_equal(np.isfinite(truth[:, 5]), seen)
    np.testing.assert_array_equal(detected[:, 5], seen)


def test_rows_without_a_position_are_split_too(data_dir):
    sample = next(s for s in table_samples(data_dir, 150) if s.name == "lines_z011")
    split = sample.arrays["split"]
    assert np.bincount(split).min() > 300
    assert (split == TEST).mean() == pytest.approx(0.2, abs=0.03)
