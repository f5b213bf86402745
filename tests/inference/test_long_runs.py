"""A catalogue in several threads, stopped, and gone on with: the result is the same."""

import threading

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.table import QTable, Table

from galexplorer.catalogue import Catalogue, read_catalogue, write_table
from galexplorer.errors import OptionError
from galexplorer.runs.batches import run_in_order
from galexplorer.runs.catalogue_resume import INTERRUPTED, is_interrupted
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.runs.even_batches import rows_of_batch
from galexplorer.tables.formats import read_raw

DRAWS = 100
BATCH = rows_of_batch(DRAWS)
ROWS = 4 * BATCH + 17


@pytest.fixture
def catalogue(tmp_path) -> Catalogue:
    """Rows of every kind: with an image, a fixed redshift, a redshift of no use, nothing."""
    random = np.random.default_rng(4)
    r = random.normal(17, 0.5, ROWS)
    table = Table({"name": [f"galaxy {k}" for k in range(ROWS)], "r": r, "g": r + 0.7, "u": r + 2})
    table["redshift"] = np.where(np.arange(ROWS) % 7 == 0, 0.05, np.nan)
    table["redshift"][3] = 0.9
    table["g"][5::50] = np.nan
    table["remark"] = np.where(np.arange(ROWS) % 3 == 0, "", "é")
    y, x = np.mgrid[:90, :90] - 44.5
    profile = np.exp(-np.hypot(x, y) / 5.0)
    flux = np.array([0.6, 1.0, 1.3])[:, None, None] * 630 * profile / profile.sum()
    flux += random.normal(0, 0.02, flux.shape)
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri", "PIXSCALE": 0.396})
    images = np.full(ROWS, "", dtype="<U200")
    for k in (1, 8, 2 * BATCH + 1):
        images[k] = str(tmp_path / f"disc{k}.fits")
        fits.PrimaryHDU(flux.astype(np.float32), header).writeto(images[k])
    images[10] = str(tmp_path / "missing.fits")
    table["image"] = images
    return read_catalogue(table)


class StopAfter:
    """Asks to stop once some rows were seen, as a signal would: in the middle of a batch."""

    def __init__(self, rows: int) -> None:
        self.left = rows
        self.lock = threading.Lock()

    def __call__(self) -> bool:
        with self.lock:
            self.left -= 1
            return self.left < 0


def assert_equal(one: Table, other: Table) -> None:
    assert one.colnames == other.colnames
    for name in one.colnames:
        assert one[name].dtype == other[name].dtype, name
        assert one[name].unit == other[name].unit, name
        np.testing.assert_array_equal(np.asarray(one[name]), np.asarray(other[name]), name)
    assert one.meta == other.meta


def test_the_number_of_threads_changes_no_bit(engine, catalogue):
    alone = infer_catalogue(engine, catalogue, draws=DRAWS, workers=1)
    assert np.isfinite(alone["measured_r"]).sum() == 3
    for workers in (2, 5, None):
        assert_equal(infer_catalogue(engine, catalogue, draws=DRAWS, workers=workers), alone)


def test_results_come_one_after_the_other_in_the_order_of_rows(engine, catalogue):
    seen, threads, progress = [], set(), []

    def each(row, result):
        seen.append(row)
        threads.add(threading.get_ident())

    infer_catalogue(
        engine,
        catalogue,
        draws=DRAWS,
        workers=3,
        each=each,
        progress=lambda done, total: progress.append((done, total)),
    )
    assert seen == [row for row in range(ROWS) if row != 3]
    assert threads == {threading.get_ident()}
    assert progress == [(min(k * BATCH, ROWS), ROWS) for k in range(1, 6)]


@pytest.mark.parametrize("suffix", [".ecsv", ".parquet", ".fits", ".vot"])
def test_a_run_that_was_stopped_goes_on_from_its_file(engine, catalogue, tmp_path, suffix):
    whole = infer_catalogue(engine, catalogue, draws=DRAWS)
    path = tmp_path / f"out{suffix}"
    table, missing = None, []
    for _ in range(2):  # stopped twice
        stop = StopAfter(BATCH + 40)
        table = infer_catalogue(engine, catalogue, draws=DRAWS, workers=1, stop=stop, before=table)
        missing.append(int(is_interrupted(table).sum()))
        write_table(table, path)
        table = read_raw(path).table
    assert missing == [ROWS - BATCH, ROWS - 2 * BATCH]
    rows = is_interrupted(table)
    assert np.isnan(np.ma.filled(table["redshift_p50"], np.nan)[rows]).all()
    done = []
    table = infer_catalogue(
        engine, catalogue, draws=DRAWS, before=table, each=lambda row, _: done.append(row)
    )
    assert done == list(range(2 * BATCH, ROWS))
    assert_equal(table, whole)
    # nothing is left to do
    again = infer_catalogue(engine, catalogue, draws=DRAWS, before=QTable(table))
    assert_equal(again, whole)


def test_a_batch_of_which_one_row_is_missing_is_the_same_again(engine, catalogue):
    whole = infer_catalogue(engine, catalogue, draws=DRAWS)
    holes = whole.copy()
    holes["flag"][BATCH + 7] = INTERRUPTED
    for name in ("redshift_p50", "log_sfr_std", "domain_score"):
        holes[name][BATCH + 7] = np.nan
    assert_equal(infer_catalogue(engine, catalogue, draws=DRAWS, before=holes), whole)


def test_a_table_of_another_run_is_refused(engine, catalogue, tmp_path):
    before = infer_catalogue(engine, catalogue, draws=DRAWS, stop=lambda: True)
    assert is_interrupted(before).all()
    with pytest.raises(OptionError, match="other draws and seed"):
        infer_catalogue(engine, catalogue, draws=200, seed=1, before=before)
    with pytest.raises(OptionError, match="other redshift range"):
        infer_catalogue(engine, catalogue, draws=DRAWS, redshift_range=(0, 0.1), before=before)
    made = before.meta["provenance"]
    other = before.copy()
    other.meta["provenance"] = {**made, "verdict_sha256": "0" * 64}
    with pytest.raises(OptionError, match="other classifiers of the verdict"):
        infer_catalogue(engine, catalogue, draws=DRAWS, before=other)
    catalogue.magnitudes[7, 2] += 1e-9
    with pytest.raises(OptionError, match="other input"):
        infer_catalogue(engine, catalogue, draws=DRAWS, before=before)
    catalogue.magnitudes[7, 2] -= 1e-9
    write_table(before, tmp_path / "t.csv")
    with pytest.raises(OptionError, match="CSV has no place"):
        infer_catalogue(engine, catalogue, before=read_raw(tmp_path / "t.csv").table)


def test_an_error_of_one_piece_stops_the_others():
    begun, workers = [], set()

    def work(piece: int) -> int:
        begun.append(piece)
        workers.add(threading.current_thread())
        if piece == 3:
            raise ValueError("three")
        return piece

    with pytest.raises(ValueError, match="three"):
        list(run_in_order(work, range(1000), 2))
    assert len(begun) < 20
    # Its own threads alone: those of other tests live in this process too.
    assert workers
    assert not any(worker.is_alive() for worker in workers)


def test_each_thread_has_the_callers_threads_of_torch():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        found = list(run_in_order(lambda _: torch.get_num_threads(), range(4), 2))
    finally:
        torch.set_num_threads(before)
    assert found == [(k, 3) for k in range(4)]
