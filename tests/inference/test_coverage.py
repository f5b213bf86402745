"""What a user states of a galaxy leaves intervals that hold the truth, on real held-out tables.

A fixed redshift, a redshift prior of a row's own, and fluxes so faint in u and z that they are
limits: each judged by what share of true values lies inside, with the posterior that is given
nothing more beside it. `pytest -s -m slow tests/inference/test_coverage.py` prints the figures.
"""

import numpy as np
import pytest
from astropy.table import Table

from galexplorer.api.engine import load
from galexplorer.catalogue import read_catalogue
from galexplorer.evaluation.samples.sample import Sample
from galexplorer.evaluation.samples.tables import table_samples
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.schema import BANDS, TARGET_NAMES

pytestmark = pytest.mark.slow

ROWS = 900
LEVELS = {"68": ("p16", "p84", 0.68), "95": ("p2_5", "p97_5", 0.95)}
FAINT = ("u", "z")


@pytest.fixture(scope="module")
def samples(data_dir) -> dict[str, Sample]:
    return {sample.name: sample for sample in table_samples(data_dir, ROWS)}


@pytest.fixture(scope="module")
def engine(weights_dir):
    return load(weights_dir, device="cpu")


def magnitudes_of(sample: Sample) -> Table:
    table = Table({"id": np.arange(len(sample.test))})
    for k, band in enumerate(BANDS):
        table[band] = sample.arrays["catalogue_mag"][sample.test, k].astype(float)
        table[f"err_{band}"] = sample.arrays["catalogue_err"][sample.test, k].astype(float)
    return table


def coverage(engine, table: Table, truth: np.ndarray, target: str) -> dict[str, float]:
    """Return the share of true values inside the intervals, by level, and their number."""
    found = infer_catalogue(engine, read_catalogue(table), draws=400)
    known = np.isfinite(truth) & np.isfinite(np.asarray(found[f"{target}_p50"], float))
    shares = {"number": int(known.sum())}
    for level, (low, high, _) in LEVELS.items():
        lowest, highest = (np.asarray(found[f"{target}_{end}"], float) for end in (low, high))
        shares[level] = float(np.mean((truth >= lowest)[known] & (truth <= highest)[known]))
    return shares


def compare(what: str, plain: dict[str, float], stated: dict[str, float], slack: float) -> None:
    """Require coverage within three points of nominal, or of the plain posterior's, and noise."""
    print(f"{what}: {stated}; without: {plain}")
    assert stated["number"] > 80
    for level, (_, _, share) in LEVELS.items():
        noise = 2 * np.sqrt(share * (1 - share) / stated["number"])
        off = min(abs(stated[level] - share), abs(stated[level] - plain[level]))
        assert off < slack + noise, (what, level)


@pytest.mark.parametrize(
    ("name", "target"),
    [("main_sample", "log_stellar_mass"), ("mpajhu", "log_stellar_mass"), ("mpajhu", "log_sfr"),
     ("lines_z010", "log_flux_halpha")],
)  # fmt: skip
def test_a_fixed_redshift(engine, samples, name, target):
    sample = samples[name]
    truth = sample.truth[sample.test, TARGET_NAMES.index(target)]
    table = magnitudes_of(sample)
    plain = coverage(engine, table, truth, target)
    table["redshift"] = sample.truth[sample.test, 0]
    compare(f"{name}, {target}, z fixed", plain, coverage(engine, table, truth, target), 0.03)


@pytest.mark.parametrize("sigma", [0.003, 0.01, 0.03])
@pytest.mark.parametrize("name", ["main_sample", "photoz"])
def test_a_prior_of_a_rows_own(engine, samples, name, sigma):
    """Its mean scatters about the truth as the prior says."""
    sample = samples[name]
    truth = sample.truth[sample.test, 0]
    table = magnitudes_of(sample)
    plain = coverage(engine, table, truth, "redshift")
    rng = np.random.default_rng(5)
    table["redshift_prior_mean"] = truth + sigma * rng.normal(size=len(truth))
    table["redshift_prior_sigma"] = sigma
    stated = coverage(engine, table, truth, "redshift")
    compare(f"{name}, prior of {sigma}", plain, stated, 0.03)


@pytest.mark.parametrize("signal_to_noise", [3.0, 1.0, 0.3])
def test_faint_bands(engine, samples, signal_to_noise):
    """Fluxes in u and z with so much noise that many are negative, and the same as limits."""
    sample = samples["photoz"]
    truth = sample.truth[sample.test, 0]
    table = magnitudes_of(sample)
    plain = coverage(engine, table, truth, "redshift")
    rng = np.random.default_rng(6)
    fluxes, limits = Table({"id": table["id"]}), table.copy()
    for band in BANDS:
        flux = 10 ** (-0.4 * (table[band] - 22.5))
        error = np.maximum(np.nan_to_num(table[f"err_{band}"], nan=0.02), 0.01) * flux / 1.0857
        if band in FAINT:
            error = flux / signal_to_noise
            flux = flux + error * rng.normal(size=len(flux))
            limit = 22.5 - 2.5 * np.log10(3 * error)
            seen = flux > 3 * error
            limits[band] = [
                f"{22.5 - 2.5 * np.log10(max(f, 1e-9)):.3f}" if s else f"<{least:.3f}"
                for f, s, least in zip(flux, seen, limit, strict=True)
            ]
            limits[f"err_{band}"] = np.where(seen, 1.0857 * error / np.abs(flux), np.nan)
        fluxes[f"flux_{band}"], fluxes[f"flux_err_{band}"] = flux, error
        for column in (f"flux_{band}", f"flux_err_{band}"):
            fluxes[column].unit = "nmgy"
    for what, given in (("fluxes", fluxes), ("limits", limits)):
        stated = coverage(engine, given, truth, "redshift")
        compare(f"{what}, u and z of S/N {signal_to_noise}", plain, stated, 0.03)
