"""No bit of a row depends on the rows beside it: order, neighbours and parts of a table."""

from dataclasses import fields, replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from galexplorer.catalogue import Catalogue, read_catalogue
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.runs.even_batches import batch_size, rows_of_batch
from galexplorer.schema import BANDS

ROWS = 150

SLOW = pytest.mark.slow


def take(catalogue: Catalogue, rows: np.ndarray) -> Catalogue:
    own = {field.name: getattr(catalogue, field.name) for field in fields(Catalogue)}
    chosen = {k: v[rows] for k, v in own.items() if isinstance(v, np.ndarray)}
    return replace(catalogue, **chosen, table=catalogue.table[rows])


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> Catalogue:
    """Rows of every kind, with gaps in every pattern."""
    random = np.random.default_rng(8)
    folder = tmp_path_factory.mktemp("images")
    r = random.normal(17, 0.7, ROWS)
    table = Table({"name": [f"galaxy {k}" for k in range(ROWS)]})
    for band, colour in zip(BANDS, (2.0, 0.7, 0.0, -0.35, -0.6), strict=True):
        table[band] = r + colour + random.normal(0, 0.2, ROWS)
        table[band][random.random(ROWS) < 0.15] = np.nan
        table[f"err_{band}"] = 0.02
    table["petro_r50"] = np.where(random.random(ROWS) < 0.5, 3.0, np.nan)
    table["petro_r90"] = 8.0
    table["redshift"] = np.where(random.random(ROWS) < 0.1, 0.07, np.nan)
    table["redshift_max"] = np.where(random.random(ROWS) < 0.2, 0.12, np.nan)
    y, x = np.mgrid[:90, :90] - 44.5
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri", "PIXSCALE": 0.396})
    images = np.full(ROWS, "", dtype="<U200")
    for k in random.choice(ROWS, 24, replace=False):
        profile = np.exp(-np.hypot(x, y) / random.uniform(3, 7))
        flux = np.array([0.6, 1.0, 1.3])[:, None, None] * 630 * profile / profile.sum()
        flux = flux + random.normal(0, 0.02, flux.shape)
        images[k] = str(folder / f"disc{k}.fits")
        fits.PrimaryHDU(flux.astype(np.float32), header).writeto(images[k])
    table["image"] = images
    return read_catalogue(table)


@pytest.mark.parametrize("draws", [100, *(pytest.param(n, marks=SLOW) for n in (341, 512, 1000))])
def test_order_and_neighbours_change_no_bit(engine, catalogue, draws):
    number = ROWS if draws <= 512 else 40
    first = take(catalogue, np.arange(number))
    whole = infer_catalogue(engine, first, draws=draws, seed=3)
    random = np.random.default_rng(draws)
    mixed = random.permutation(number)
    parts = np.array_split(mixed, [1, 3, number // 3, number // 3 + 17])
    for rows in (mixed, *parts):
        table = infer_catalogue(engine, take(first, rows), draws=draws, seed=3)
        # a part without images has no columns of what was measured on them
        lacking = set(whole.colnames) - set(table.colnames)
        assert all(name.startswith("measured_") for name in lacking)
        for name in table.colnames:
            np.testing.assert_array_equal(
                np.asarray(table[name]), np.asarray(whole[name])[rows], name
            )


def test_sizes_have_no_remainder():
    for draws in (100, 170, 512, 700, 1024, 2000, 50_000):
        size = batch_size(draws)
        assert size == 1 or size % 16 == 0
        assert rows_of_batch(draws) == max(1, size - 1)
