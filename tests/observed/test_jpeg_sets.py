"""Real JPEGs to a training set, on pictures made here in their place."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from galexplorer.datasets import shards
from galexplorer.errors import DataError
from galexplorer.image.composite import as_served, composite
from galexplorer.observed.jpeg_sets import MORPHOLOGY_ONLY, SCALES_ARCSEC, build


def picture(path, scale: float) -> None:
    y, x = np.mgrid[:90, :90] - 44.5
    profile = np.exp(-np.hypot(x, y) * scale / 2.0)
    flux = np.array([0.6, 1.0, 1.3])[:, None, None] * 400 * profile / profile.sum()
    flux += np.random.default_rng(2).normal(0, 0.02, flux.shape) * (scale / 0.396) ** 2
    levels = as_served(composite(flux, scale))
    Image.fromarray(levels.transpose(1, 2, 0)).save(path, quality=95)


@pytest.fixture
def images(tmp_path):
    """The five folders with two pictures each; the second of each is damaged."""
    for name in (*SCALES_ARCSEC, *MORPHOLOGY_ONLY):
        folder = tmp_path / name
        folder.mkdir()
        picture(folder / "a.jpg", SCALES_ARCSEC.get(name, 0.396))
        (folder / "b.jpg").write_bytes(b"\xff\xd8\xff no picture")
    for name in SCALES_ARCSEC:
        pd.DataFrame(
            {
                "file": ["a.jpg", "b.jpg"],
                "ra": [150.0, 160.0],
                "dec": [2.0, 3.0],
                "z_spec": [0.05, 0.06],
                "log_mstar": [10.4, 10.6],
                "mass_source": ["glade", "other"],
            }
        ).to_csv(tmp_path / name / "labels.csv", index=False)
    return tmp_path


def test_each_set_gives_what_it_is_fit_for(images, population, tmp_path):
    population.loc[0, ["ra", "dec"]] = [150.0, 2.0 + 1 / 3600]
    # a copy at another redshift lies there too, and gives nothing
    copy = population.iloc[[0]].assign(source="shifted", dec=2.0, log_sfr=-3.0, r=19.0)
    population = pd.concat([population, copy], ignore_index=True)
    out = tmp_path / "out"
    report = build(images, population, out, workers=1)
    for name, counts in report["sets"].items():
        assert counts["images"] == counts["unusable"] == 1, name
    arrays, _ = shards.read(out)
    assert len(arrays["split"]) == 10
    assert arrays["has_image"].sum() == 5
    assert np.isfinite(arrays["pixel_scale"]).sum() == len(SCALES_ARCSEC)
    rows = np.flatnonzero((arrays["has_image"] == 1) & np.isfinite(arrays["pixel_scale"]))
    for row in rows:
        assert arrays["targets"][row, 0] == pytest.approx(0.05)
        assert arrays["targets"][row, 1] == pytest.approx(10.4 + 0.205)
        assert arrays["measured_mag"][row, 1] == pytest.approx(22.5 - 2.5 * np.log10(400), abs=0.15)
        # the galaxy is in the population, which gives what the labels lack
        assert arrays["targets"][row, 2] == pytest.approx(population.log_sfr[0], rel=1e-5)
        np.testing.assert_allclose(
            arrays["catalogue_mag"][row], population.loc[0, list("ugriz")].astype(float), rtol=1e-5
        )
        np.testing.assert_allclose(
            arrays["catalogue_petro_mag"][row],
            population.loc[0, [f"petro_{b}" for b in "ugriz"]].astype(float),
            rtol=1e-5,
        )
        assert (arrays["line_snr"][row] == 10.0).all()
        assert arrays["split"][row] == shards.split_of(150.0, 2.0)
    others = np.setdiff1d(np.flatnonzero(arrays["has_image"] == 1), rows)
    assert not arrays["label"][others].any()
    assert np.isnan(arrays["measured_mag"][others]).all()


def test_a_missing_folder_is_named(images, population, tmp_path):
    for path in (images / "efigi").iterdir():
        path.unlink()
    (images / "efigi").rmdir()
    with pytest.raises(DataError, match="no folder efigi"):
        build(images, population, tmp_path / "out", workers=1)
