"""Donors are isolated and put on other rows with those rows' light, colour and size."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from galexplorer.datasets import shards
from galexplorer.errors import DataError
from galexplorer.image.composite import as_served, composite
from galexplorer.image.measure import measure
from galexplorer.image.pixels import Pixels
from galexplorer.simulation.donors import FILE, RESERVED, Donors, load, load_or_build, unlabelled
from galexplorer.simulation.rendering import Galaxy, render
from galexplorer.simulation.transplants import choose, transplant

BRIGHT = Galaxy((15.6, 15.0, 14.65), 3.6, 2.4, 0.7, -9.8, 0.0)
ROW = Galaxy((17.35, 16.7, 16.35), 2.2, 2.4, 0.7, -9.8, 0.0)


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Make a folder of images that look like real ones to the code."""
    monkeypatch.setattr("galexplorer.simulation.donors.RESERVED", {"sdss_spirals": 2})
    monkeypatch.setattr(
        "galexplorer.simulation.donors.KNOWN_SCALES_ARCSEC", {"sdss_spirals": 0.396}
    )
    folder = tmp_path / "data" / "sdss_spirals"
    folder.mkdir(parents=True)
    labels = []
    for k in range(9):
        flux = render(BRIGHT, np.random.default_rng(k))
        levels = as_served(composite(flux, 0.396)).transpose(1, 2, 0)
        Image.fromarray(levels).save(folder / f"{k}.jpg", quality=95)
        labels.append((f"{k}.jpg", 10.0 * k, 5.0, 0.05 if k == 0 else np.nan, np.nan))
    table = pd.DataFrame(labels, columns=["file", "ra", "dec", "z_spec", "log_mstar"])
    table.to_csv(folder / "labels.csv", index=False)
    return tmp_path / "data"


@pytest.fixture
def donors(images, tmp_path) -> Donors:
    found = load_or_build(tmp_path / "kept", images)
    assert found is not None
    return found


def test_neither_labelled_nor_kept_out_nor_held_out_images_lend(images, donors):
    listed = unlabelled(images)
    assert len(listed) == 8
    assert "0.jpg" not in set(listed.file)
    assert listed.reserved.sum() == 2
    held_out = {f"{k}.jpg" for k in range(9) if shards.split_of(10.0 * k, 5.0) != shards.TRAIN}
    barred = set(listed.file[listed.reserved]) | held_out
    assert held_out
    assert len(donors) >= 3
    assert not barred & set(donors.table.file)


def test_donors_are_made_once_and_can_be_copied(donors, tmp_path):
    copy = tmp_path / "elsewhere" / FILE
    copy.parent.mkdir()
    copy.write_bytes((tmp_path / "kept" / FILE).read_bytes())
    again = load_or_build(copy.parent, None)
    pd.testing.assert_frame_equal(again.table, donors.table)
    np.testing.assert_array_equal(again.image(1), donors.image(1))
    copy.write_bytes(copy.read_bytes()[:500])
    with pytest.raises(DataError, match="damaged"):
        load(copy)


def test_a_donor_is_alone_centred_and_of_unit_flux(donors):
    image = donors.image(0)
    np.testing.assert_allclose(image.sum(axis=(1, 2)), 1, rtol=0.01)
    side = image.shape[1]
    peak = np.unravel_index(image[1].argmax(), image[1].shape)
    assert np.hypot(*(np.array(peak) - (side - 1) / 2)) < 4
    rim = np.concatenate([image[1, 0], image[1, -1], image[1, :, 0], image[1, :, -1]])
    assert np.abs(rim).max() < 1e-3 * image[1].max()


def test_a_transplant_has_the_rows_light_colours_and_size(donors):
    rng = np.random.default_rng(4)
    found = []
    for _ in range(5):
        flux = transplant(donors, choose(donors, ROW, rng), ROW, rng)
        found.append(measure(Pixels(flux, 0.396, "fits", "")))
    g, r, i = (np.median([f.magnitudes[band] for f in found]) for band in "gri")
    assert r == pytest.approx(ROW.magnitudes[1], abs=0.08)
    assert g - r == pytest.approx(0.65, abs=0.05)
    assert r - i == pytest.approx(0.35, abs=0.05)
    assert np.median([f.petro_r50 for f in found]) == pytest.approx(2.2, rel=0.12)


def test_a_row_larger_or_brighter_than_every_donor_gets_none(donors):
    rng = np.random.default_rng(5)
    large = Galaxy(ROW.magnitudes, 9.0, 2.4, 0.7, -9.8, 0.0)
    bright = Galaxy((13.1, 12.5, 12.1), 2.2, 2.4, 0.7, -9.8, 0.0)
    blue = Galaxy((16.4, 16.7, 16.8), 2.2, 2.4, 0.7, -9.8, 0.0)
    assert choose(donors, ROW, rng) is not None
    for row in (large, bright, blue):
        assert choose(donors, row, rng) is None


def test_the_quotas_keep_five_hundred_images_out():
    assert sum(RESERVED.values()) == 500
