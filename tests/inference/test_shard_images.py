"""Rows whose images lie together in one file."""

import re

import numpy as np
import psutil
import pytest
from astropy.io import fits
from astropy.table import Table
from safetensors.numpy import save_file

from galexplorer.catalogue import read_catalogue
from galexplorer.errors import InputError
from galexplorer.image.reader import read_image
from galexplorer.inference.observe import observe
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.runs.shard_images import count_images, read_shard

DRAWS = 100
NUMBER = 5


@pytest.fixture
def fluxes() -> np.ndarray:
    random = np.random.default_rng(6)
    y, x = np.mgrid[:90, :90] - 44.5
    profiles = [np.exp(-np.hypot(x, y) / size) for size in np.linspace(3, 7, NUMBER)]
    flux = [
        np.array([0.6, 1.0, 1.3])[:, None, None] * 630 * p / p.sum()
        + random.normal(0, 0.02, (3, 90, 90))
        for p in profiles
    ]
    return np.array(flux, np.float32)


def results(engine, table, folder):
    return infer_catalogue(engine, read_catalogue(table, folder=folder), draws=DRAWS)


def test_fluxes_of_a_shard_are_measured_as_those_of_files(engine, fluxes, tmp_path):
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri", "PIXSCALE": 0.396})
    files = []
    for k, flux in enumerate(fluxes):
        files.append(f"disc{k}.fits")
        fits.PrimaryHDU(flux, header).writeto(tmp_path / files[-1])
    scale = np.full(NUMBER, 0.396, np.float32).astype(np.float64)
    save_file({"flux": fluxes, "pixel_scale": scale}, tmp_path / "c.safetensors")
    named = Table({"image": [f"c.safetensors[{k}]" for k in range(NUMBER)]})
    named["pixel_scale"] = 0.396
    found = results(engine, named, tmp_path)
    expected = results(engine, Table({"image": files}), tmp_path)
    assert set(found["flag"]) <= {"", "outside_domain"}
    for name in ("measured_r", "measured_petro_r50", "redshift_p50", "log_sfr_std"):
        np.testing.assert_array_equal(np.asarray(found[name]), np.asarray(expected[name]), name)


def test_grids_of_a_shard_are_those_that_were_measured_before(engine, fluxes, tmp_path):
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri", "PIXSCALE": 0.396})
    arrays = {name: [] for name in ("grid", "pixel_scale", "origin", "measured_mag",
                                    "measured_err", "measured_petro")}  # fmt: skip
    files = []
    for k, flux in enumerate(fluxes):
        files.append(str(tmp_path / f"disc{k}.fits"))
        fits.PrimaryHDU(flux, header).writeto(files[-1])
        seen = observe(read_image(tmp_path / f"disc{k}.fits"))
        arrays["grid"].append(seen.cutout.grid)
        arrays["pixel_scale"].append(seen.cutout.pixel_scale_arcsec)
        arrays["origin"].append(np.uint8(1))
        arrays["measured_mag"].append([seen.photometry.magnitudes[band] for band in "gri"])
        arrays["measured_err"].append([seen.photometry.errors[band] for band in "gri"])
        arrays["measured_petro"].append([seen.photometry.petro_r50, seen.photometry.petro_r90])
    path = tmp_path / "c.safetensors"
    save_file({name: np.array(values) for name, values in arrays.items()}, path)
    assert count_images(path) == NUMBER
    table = Table({"image": [f"{path}[{k}]" for k in range(NUMBER)]})
    table["g"], table["r"], table["i"] = 17.0, 16.3, 15.9
    table["g"][2] = table["r"][2] = table["i"][2] = np.nan  # this one has what was measured
    found = results(engine, table, tmp_path)
    table["image"] = files
    expected = results(engine, table, tmp_path)
    for name in ("redshift_p50", "log_sfr_std", "domain_score", "measured_r", "measured_petro_r90"):
        np.testing.assert_array_equal(np.asarray(found[name]), np.asarray(expected[name]), name)


def test_what_is_no_shard_is_refused(fluxes, tmp_path):
    path = tmp_path / "c.safetensors"
    save_file({"flux": fluxes}, path)
    with pytest.raises(InputError, match="state its pixel scale"):
        read_shard(f"{path}[0]", None)
    assert read_shard(f"{path}[4]", 0.4).pixel_scale_arcsec == 0.4
    with pytest.raises(InputError, match="no such row"):
        read_shard(f"{path}[5]", 0.4)
    with pytest.raises(InputError, match=re.escape("cannot be read")):
        read_shard(f"{tmp_path}/none.safetensors[0]", 0.4)
    (tmp_path / "b.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(InputError, match="cannot be read"):
        read_shard(f"{tmp_path}/b.safetensors[0]", 0.4)
    for name, array in {"grid": fluxes, "flux": fluxes[0], "light": fluxes}.items():
        path = tmp_path / f"{name}.safetensors"
        save_file({name: array}, path)
        with pytest.raises(InputError, match="has no images"):
            read_shard(f"{path}[0]", 0.4)
    save_file({"grid": np.zeros((2, 3, 64, 64), np.uint8)}, tmp_path / "d.safetensors")
    with pytest.raises(InputError, match="has no image"):
        read_shard(f"{tmp_path}/d.safetensors[1]", 0.4)


def test_a_shard_that_another_took_the_place_of_is_read_again(fluxes, tmp_path):
    path, other = tmp_path / "c.safetensors", tmp_path / "d.safetensors"
    scale = np.full(NUMBER, 0.396)
    save_file({"flux": fluxes[:2], "pixel_scale": scale[:2]}, path)
    assert count_images(path) == 2
    save_file({"flux": fluxes[::-1].copy(), "pixel_scale": scale}, other)
    other.replace(path)
    assert count_images(path) == NUMBER
    np.testing.assert_array_equal(read_shard(f"{path}[0]", None).flux, fluxes[-1])


def test_a_shard_that_was_read_is_no_memory_in_use(tmp_path):
    # by which Dask judges a worker: pages of a file that stays mapped count
    flux = np.ones((1000, 3, 64, 64), np.float32)
    size = flux.nbytes
    save_file({"flux": flux, "pixel_scale": np.full(1000, 0.4)}, tmp_path / "c.safetensors")
    del flux
    before = psutil.Process().memory_info().rss
    for k in range(1000):
        read_shard(f"{tmp_path / 'c.safetensors'}[{k}]", None)
    assert psutil.Process().memory_info().rss - before < size / 4
