"""Catalogues: a row out for each row in, the same as that galaxy alone."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from galexplorer.catalogue import Catalogue, read_catalogue, write_table
from galexplorer.errors import InputError, OptionError
from galexplorer.image.reader import read_image
from galexplorer.inference.observe import observe
from galexplorer.records.observation import Observation
from galexplorer.records.photometry import Photometry
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.runs.even_batches import rows_of_batch
from galexplorer.schema import BANDS, BPT_CLASSES, SUMMARY_STATISTICS, TARGET_NAMES
from galexplorer.science.summary import not_measurable

DRAWS = 200
BATCH = rows_of_batch(DRAWS)


def catalogue(number: int) -> Catalogue:
    random = np.random.default_rng(9)
    nothing = np.full(number, np.nan)
    colours = np.array([2.2, 0.7, 0.0, -0.4, -0.7])
    return Catalogue(
        id=np.array([f"galaxy {k}" for k in range(number)]),
        ra=np.linspace(0, 350, number),
        dec=np.linspace(-10, 60, number),
        magnitudes=random.normal(17, 0.5, (number, 1)) + colours,
        errors=np.full((number, 5), np.nan),
        petro_magnitudes=np.full((number, 5), np.nan),
        petro_r50=nothing.copy(),
        petro_r90=nothing.copy(),
        redshift=nothing.copy(),
        redshift_min=nothing.copy(),
        redshift_max=nothing.copy(),
        image=np.full(number, "", dtype="<U200"),
        pixel_scale=nothing.copy(),
        flags=np.full(number, "", dtype="<U40"),
    )


def observation(table: Catalogue, k: int) -> Observation:
    magnitudes = dict(zip(BANDS, table.magnitudes[k].tolist(), strict=True))
    known = {band: value for band, value in magnitudes.items() if np.isfinite(value)}
    return observe(None, Photometry("catalogue", known))


@pytest.fixture
def disc(tmp_path):
    """Path of a FITS cube with a disc of r = 15.5 at its centre, RA 150, Dec 2."""
    y, x = np.mgrid[:120, :120] - 59.5
    profile = np.exp(-np.hypot(x, y) / 5.0)
    flux = np.array([0.6, 1.0, 1.3])[:, None, None] * 630 * profile / profile.sum()
    flux = flux + np.random.default_rng(1).normal(0, 0.02, flux.shape)
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri"})
    for axis, (name, value, sign) in enumerate([("RA---TAN", 150.0, -1), ("DEC--TAN", 2.0, 1)], 1):
        header[f"CTYPE{axis}"], header[f"CUNIT{axis}"] = name, "deg"
        header[f"CRVAL{axis}"], header[f"CRPIX{axis}"] = value, 60.5
        header[f"CD{axis}_{axis}"] = sign * 0.396 / 3600
    path = tmp_path / "disc.fits"
    fits.PrimaryHDU(flux.astype(np.float32), header).writeto(path)
    return path


def statistics(row) -> np.ndarray:
    return np.array([[row[f"{t}_{s}"] for s in SUMMARY_STATISTICS] for t in TARGET_NAMES], float)


def inferred(values) -> bool:
    """Whether all statistics (..., 9, 7) are there but those of a metallicity, which may not be."""
    others = np.delete(values, TARGET_NAMES.index("gas_metallicity"), axis=-2)
    return bool(np.isfinite(others).all())


def expected(result) -> np.ndarray:
    summary = result.posterior.summary()
    if not_measurable(result, "gas_metallicity"):
        summary["gas_metallicity"] = dict.fromkeys(SUMMARY_STATISTICS, np.nan)
    return np.array([[summary[t][s] for s in SUMMARY_STATISTICS] for t in TARGET_NAMES])


def test_every_row_comes_out_in_its_place(engine):
    table = catalogue(BATCH + 9)
    seen = []
    out = infer_catalogue(
        engine, table, draws=DRAWS, progress=lambda done, total: seen.append((done, total))
    )
    assert list(out["id"]) == list(table.id)
    np.testing.assert_array_equal(out["ra"], table.ra)
    assert seen == [(BATCH, BATCH + 9), (BATCH + 9, BATCH + 9)]
    values = np.array([statistics(row) for row in out])
    assert inferred(values)
    assert not (np.diff(values[:, :, :5], axis=2) < 0).any()
    total = sum(np.asarray(out[name]) for name in BPT_CLASSES)
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert out.meta["provenance"]["draws"] == DRAWS
    assert out.meta["provenance"]["weights_sha256"] == engine.weights.sha256


def test_a_row_is_what_that_galaxy_is_alone(engine):
    table = catalogue(BATCH + 3)
    table.magnitudes[5, [0, 4]] = np.nan
    table.magnitudes[6, 2] = np.nan
    table.redshift[7] = 0.05
    out = infer_catalogue(engine, table, draws=DRAWS, seed=4)
    for k in (0, 5, 6, 7, BATCH + 2):
        fixed = 0.05 if k == 7 else None
        alone = engine.infer(observation(table, k), redshift=fixed, draws=DRAWS, seed=4)
        np.testing.assert_allclose(statistics(out[k]), expected(alone), atol=1e-3)
        for name in BPT_CLASSES:
            assert out[name][k] == pytest.approx(alone.bpt[name], abs=1.1 / DRAWS)
        assert out["domain_score"][k] == pytest.approx(alone.domain.score, abs=0.1)
        for name, chance in alone.measurable.items():
            assert out[f"p_{name}_measurable"][k] == pytest.approx(chance, abs=2e-3)
        assert ("outside_domain" in out["flag"][k]) == (not alone.domain.inside)


def test_an_image_is_measured_where_the_position_is(engine, disc):
    table = catalogue(3)
    table.image[1] = str(disc)
    table.ra[1], table.dec[1] = 150.0, 2.0
    out = infer_catalogue(engine, table, draws=DRAWS)
    given = observation(table, 1).photometry
    alone = engine.infer(observe(read_image(disc), given, 150.0, 2.0), draws=DRAWS)
    np.testing.assert_allclose(statistics(out[1]), expected(alone), atol=1e-3)
    plain = infer_catalogue(engine, catalogue(3), draws=DRAWS)
    assert not np.allclose(statistics(out[1]), statistics(plain[1]), atol=0.01)
    np.testing.assert_allclose(statistics(out[0]), statistics(plain[0]), atol=1e-3)


def test_an_image_alone_is_enough(engine, disc):
    table = catalogue(2)
    table.magnitudes[0] = np.nan
    table.image[0] = str(disc)
    table.ra[0] = np.nan
    out = infer_catalogue(engine, table, draws=DRAWS)
    alone = engine.infer(observe(read_image(disc)), draws=DRAWS)
    np.testing.assert_allclose(statistics(out[0]), expected(alone), atol=1e-3)


def test_a_row_with_nothing_is_kept_and_says_so(engine):
    table = catalogue(3)
    table.magnitudes[1] = np.nan
    out = infer_catalogue(engine, table, draws=DRAWS)
    assert np.isnan(statistics(out[1])).all()
    assert np.isnan(out["domain_score"][1])
    assert np.isnan(out["seyfert"][1])
    assert out["flag"][1].startswith("not_inferred: There is nothing to infer from")
    assert inferred(statistics(out[0]))
    assert inferred(statistics(out[2]))


def test_an_image_that_cannot_be_read_leaves_the_photometry(engine, tmp_path):
    table = catalogue(2)
    table.image[0] = str(tmp_path / "gone.fits")
    out = infer_catalogue(engine, table, draws=DRAWS)
    plain = infer_catalogue(engine, catalogue(2), draws=DRAWS)
    assert "image_unused: " in out["flag"][0]
    assert "gone.fits" in out["flag"][0]
    np.testing.assert_array_equal(statistics(out[0]), statistics(plain[0]))
    table.magnitudes[0] = np.nan
    out = infer_catalogue(engine, table, draws=DRAWS)
    assert "not_inferred: " in out["flag"][0]
    assert np.isnan(statistics(out[0])).all()


def test_flags_of_the_table_are_kept(engine):
    table = replace(catalogue(2), flags=np.array(["unreadable:g;out_of_range:r", ""]))
    out = infer_catalogue(engine, table, draws=DRAWS)
    assert out["flag"][0].split(";")[:2] == ["unreadable:g", "out_of_range:r"]


@pytest.mark.parametrize("redshift", [2.5, 0.3501, 0.0, -0.002])
def test_a_row_whose_redshift_the_model_does_not_know_is_not_inferred(engine, redshift):
    table = catalogue(2)
    table.redshift[0] = redshift
    out = infer_catalogue(engine, table, draws=DRAWS)
    assert out["flag"][0].startswith(f"not_inferred: Its redshift {redshift:g} is outside")
    assert np.isnan(statistics(out[0])).all()
    assert inferred(statistics(out[1]))


def test_a_redshift_that_is_no_number_is_not_left_out(engine):
    table = replace(catalogue(2), flags=np.array(["unreadable:redshift", ""]))
    out = infer_catalogue(engine, table, draws=DRAWS)
    assert "not_inferred: Its redshift is not a number" in out["flag"][0]
    assert np.isnan(statistics(out[0])).all()


def test_redshifts_at_the_end_of_the_range_are_cautioned(engine):
    table = catalogue(4)
    table.redshift[:2] = (0.30, 0.31)
    table.redshift_min[2] = 0.31
    out = infer_catalogue(engine, table, draws=DRAWS)
    assert ["redshift_above_0.3" in flag for flag in out["flag"]] == [False, True, True, False]
    assert inferred(statistics(out[1]))


def test_a_range_holds_for_rows_whose_redshift_is_free(engine):
    table = catalogue(3)
    table.redshift[1] = 0.3
    out = infer_catalogue(engine, table, redshift_range=(0.05, 0.06), draws=DRAWS)
    assert out["redshift_p2_5"][0] >= np.float32(0.05)
    assert out["redshift_p97_5"][0] <= np.float32(0.06)
    assert out["redshift_p50"][1] == pytest.approx(0.3)
    assert out["redshift_std"][1] == pytest.approx(0, abs=1e-7)


def test_a_row_has_a_range_of_its_own(engine):
    table = catalogue(5)
    table.redshift_min[:3] = (0.1, 0.16, 0.3)
    table.redshift_max[1] = 0.2
    out = infer_catalogue(engine, table, redshift_range=(0.05, 0.25), draws=DRAWS)
    limits_of = {0: (0.1, 0.25), 1: (0.16, 0.2), 3: (0.05, 0.25)}
    for k, limits in limits_of.items():
        alone = engine.infer(observation(table, k), redshift_range=limits, draws=DRAWS)
        np.testing.assert_allclose(statistics(out[k]), expected(alone), atol=1e-3)
    assert np.isnan(statistics(out[2])).all()
    assert out["flag"][2] == (
        "not_inferred: Its redshift range 0.3 to ... has nothing in common with 0.05 to 0.25: "
        "correct it, or leave it empty."
    )


def test_impossible_options_are_refused(engine):
    with pytest.raises(OptionError):
        infer_catalogue(engine, catalogue(2), draws=3)


# --- images of single bands, wide frames, what is measured ------------------------------------


def split(disc, folder) -> dict[str, str]:
    """Write the planes of the disc as files of their own."""
    with fits.open(disc) as hdus:
        cube, header = hdus[0].data, hdus[0].header.copy()
    del header["BANDS"]
    paths = {}
    for plane, band in zip(cube, "gri", strict=True):
        header["FILTER"] = band
        paths[band] = str(folder / f"disc-{band}.fits")
        fits.PrimaryHDU(plane, header).writeto(paths[band])
    return paths


def test_three_files_of_single_bands_are_one_image(engine, disc, tmp_path):
    paths = split(disc, tmp_path)
    rows = Table({f"image_{band}": [Path(paths[band]).name, ""] for band in "gri"})
    rows["r"] = [np.nan, 17.0]
    whole = infer_catalogue(engine, read_catalogue(Table({"image": [str(disc)]})), draws=DRAWS)
    out = infer_catalogue(engine, read_catalogue(rows, folder=tmp_path), draws=DRAWS)
    np.testing.assert_allclose(statistics(out[0]), statistics(whole[0]), atol=1e-3)
    assert np.isnan(out["measured_r"][1])


def test_images_of_two_bands_are_refused(engine, disc, tmp_path):
    paths = split(disc, tmp_path)
    with pytest.raises(InputError, match="lacks the column image_i"):
        read_catalogue(Table({"image_g": [paths["g"]], "image_r": [paths["r"]]}))
    rows = Table({f"image_{band}": [paths[band] if band != "g" else ""] for band in "gri"})
    out = infer_catalogue(engine, read_catalogue(rows), draws=DRAWS)
    assert out["flag"][0].startswith("not_inferred: The row has no image_g")


@pytest.fixture
def field(disc, tmp_path):
    """Path of a frame with the disc and one of half its light, 60 arcsec to the north."""
    with fits.open(disc) as hdus:
        cube, header = hdus[0].data, hdus[0].header.copy()
    wide = np.random.default_rng(2).normal(0, 0.02, (3, 300, 160)).astype(np.float32)
    wide[:, 20:140, 20:140] += cube
    wide[:, 172:292, 20:140] += 0.5 * cube
    header["CRPIX1"] += 20
    header["CRPIX2"] += 20
    path = tmp_path / "field.fits"
    fits.PrimaryHDU(wide, header).writeto(path)
    return path, 2.0 + 152 * 0.396 / 3600


def test_rows_are_measured_where_they_lie_in_a_wide_frame(engine, field):
    path, north = field
    rows = Table({"name": ["a", "b"], "ra": [150.0, 150.0], "dec": [2.0, north]})
    out = infer_catalogue(engine, read_catalogue(rows, image=path), draws=DRAWS)
    # half of the light is 2.5 log10(2) = 0.753 mag fainter
    assert out["measured_r"][1] - out["measured_r"][0] == pytest.approx(0.7526, abs=0.03)
    for k, dec in enumerate((2.0, north)):
        alone = observe(read_image(path), None, 150.0, dec)
        for band in "gri":
            assert out[f"measured_{band}"][k] == pytest.approx(alone.photometry.magnitudes[band])
        assert out["measured_petro_r50"][k] == pytest.approx(alone.photometry.petro_r50)
        result = engine.infer(alone, draws=DRAWS)
        np.testing.assert_allclose(statistics(out[k]), expected(result), atol=1e-3)
    assert out["measured_r"].unit == "mag"
    assert out["measured_petro_r50"].unit == "arcsec"


def test_a_wide_frame_needs_positions(engine, field):
    rows = Table({"name": ["a", "b"], "ra": [150.0, np.nan], "dec": [2.0, 2.0]})
    out = infer_catalogue(engine, read_catalogue(rows, image=field[0]), draws=DRAWS)
    assert "not_inferred" not in out["flag"][0]
    assert "stands for 2 rows and lacks the row's ra and dec" in out["flag"][1]


def test_what_is_measured_comes_out_beside_a_catalogue_s_magnitudes(engine, disc):
    rows = Table({"image": [str(disc), ""], "g": [16.2, 17.0], "r": [15.6, 16.3]})
    out = infer_catalogue(engine, read_catalogue(rows), draws=DRAWS)
    # the disc holds 630 nanomaggies in r
    assert out["measured_r"][0] == pytest.approx(22.5 - 2.5 * np.log10(630), abs=0.1)
    assert out["measured_g"][0] - out["measured_r"][0] == pytest.approx(0.555, abs=0.05)
    assert np.isnan(out["measured_r"][1])
    assert "measured_r" not in infer_catalogue(engine, catalogue(2), draws=DRAWS).colnames


# --- columns that pass through -----------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".parquet", ".fits", ".vot"])
def test_columns_pass_through_every_format(engine, tmp_path, suffix):
    table = Table({"SURVEY": ["a", "bb", "c"], "id": np.array([2**60 + 1, 2, 3])})
    table["r"], table["g"] = [17.0, 17.5, 18.0], [17.6, 18.2, 18.8]
    table["plate"] = MaskedColumn([2**60 + 3, 0, 5], mask=[False, True, False])
    table["sigma"] = np.array([1.5, np.nan, 3.5], np.float32)
    table["sigma"].unit = "km/s"
    table["flag"] = ["x", "y", "z"]
    write_table(table, tmp_path / f"in{suffix}")
    found = infer_catalogue(engine, read_catalogue(tmp_path / f"in{suffix}"), draws=DRAWS)
    write_table(found, tmp_path / f"out{suffix}")
    kinds = {".csv": "ascii.csv", ".ecsv": "ascii.ecsv", ".vot": "votable"}
    back = Table.read(tmp_path / f"out{suffix}", format=kinds.get(suffix, suffix[1:]))
    passed = ["SURVEY", "r", "g", "plate", "sigma", "flag_input"]
    assert back.colnames[: 3 + len(passed)] == ["id", "ra", "dec", *passed]
    assert back["id"].tolist() == [2**60 + 1, 2, 3]
    assert [str(value) for value in back["SURVEY"]] == ["a", "bb", "c"]
    assert [str(value) for value in back["flag_input"]] == ["x", "y", "z"]
    np.testing.assert_array_equal(back["r"], [17.0, 17.5, 18.0])
    if suffix == ".parquet":
        arrow = pq.read_table(tmp_path / "out.parquet")["plate"]
        assert arrow.type == pa.int64()
        assert arrow.to_pylist() == [2**60 + 3, None, 5]
    else:
        assert back["plate"].tolist() == [2**60 + 3, None, 5]
    np.testing.assert_array_equal(np.ma.filled(back["sigma"], np.nan), [1.5, np.nan, 3.5])
    if suffix != ".csv":
        assert back["sigma"].dtype.itemsize == 4
        assert back["sigma"].unit == "km / s"
        assert back["ra"].unit == "deg"


def test_positions_and_times_of_astropy_pass_through(engine, tmp_path):
    table = QTable({"r": [17.0, 18.0]})
    table["where"] = SkyCoord([10, 20], [1, 2], unit="deg")
    table["when"] = Time(["2001-01-01", "2002-01-01"])
    table["grid"] = np.arange(6).reshape(2, 3)
    found = infer_catalogue(engine, read_catalogue(table), draws=DRAWS)
    np.testing.assert_allclose(found["ra"], [10, 20])
    for suffix in (".ecsv", ".fits", ".parquet"):
        write_table(found, tmp_path / f"t{suffix}")
        back = QTable.read(tmp_path / f"t{suffix}")
        assert back["where"].separation(table["where"]).max().arcsec < 1e-6
        when = Time(np.asarray(back["when"]).tolist()) if suffix == ".fits" else back["when"]
        assert abs(when - table["when"]).max().sec < 1e-3
        np.testing.assert_array_equal(back["grid"], table["grid"])
    write_table(found, tmp_path / "t.csv")
    plain = Table.read(tmp_path / "t.csv", format="ascii.csv")
    assert plain["when"][0] == "2001-01-01T00:00:00.000"
    assert plain["grid"][1] == "[3, 4, 5]"
    write_table(found, tmp_path / "t.vot")
    assert Table.read(tmp_path / "t.vot", format="votable")["where.ra"].tolist() == [10, 20]


def test_a_result_can_be_a_catalogue_again(engine, tmp_path):
    first = infer_catalogue(engine, read_catalogue(Table({"r": [17.0], "g": [17.7]})), draws=DRAWS)
    again = infer_catalogue(engine, read_catalogue(first), draws=DRAWS)
    np.testing.assert_array_equal(statistics(again[0]), statistics(first[0]))
    assert again["redshift_p50_input"][0] == first["redshift_p50"][0]


def test_a_table_to_the_standard_output(engine, capfdbinary):
    found = infer_catalogue(engine, read_catalogue(Table({"r": [17.0]})), draws=DRAWS)
    write_table(found, "-")
    back = pd.read_csv(io.BytesIO(capfdbinary.readouterr().out))
    assert list(back.columns) == found.colnames


@pytest.mark.parametrize(("band", "limit"), [("u", 22.3), ("u", 23.5), ("u", 26), ("z", 22)])
def test_a_limit_beyond_all_training_galaxies_is_no_magnitude(engine, band, limit):
    row = {"u": 19.3, "g": 17.9, "r": 17.1, "i": 16.7, "z": 16.4} | {band: f"<{limit}"}
    found = infer_catalogue(
        engine, read_catalogue(Table([{k: str(v) for k, v in row.items()}])), draws=DRAWS
    )
    assert found["flag"][0] == f"limit:{band}"
    assert found["domain_score"][0] < 99
