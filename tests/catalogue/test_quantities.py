"""What columns mean: archives' names, units, fluxes, identifiers, positions, redshifts."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from galexplorer.catalogue import read_catalogue
from galexplorer.catalogue.identifiers import decode_specobjid
from galexplorer.errors import InputError, OptionError
from galexplorer.tables.units import degrees_per, magnitude_per, nmgy_per

GRI = {"g": [17.4, 18.2], "r": [16.7, 17.6], "i": [16.3, 17.3]}


def gri(**others) -> Table:
    return Table({**GRI, **others})


def says(catalogue, words: str) -> bool:
    return any(words in note for note in catalogue.notes)


# --- units ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "worth"),
    [("mag", 1), ("mmag", 1e-3), ("mag(AB)", 1), ("ABmag", 1), ("AB mag", 1), ("millimag", 1e-3)],
)
def test_units_of_magnitudes(text, worth):
    assert magnitude_per(text) == pytest.approx(worth)


@pytest.mark.parametrize(
    ("text", "jansky"),
    [
        ("nanomaggies", 3.631e-6),  # SDSS: 1 nanomaggy is 3.631e-6 Jy
        ("nmgy", 3.631e-6),
        ("maggy", 3631),
        ("nJy", 1e-9),
        ("uJy", 1e-6),
        ("microJy", 1e-6),
        ("mJy", 1e-3),
        ("Jy", 1),
        ("erg s-1 cm-2 Hz-1", 1e23),
        ("erg/s/cm2/Hz", 1e23),
        ("W m-2 Hz-1", 1e26),
    ],
)
def test_units_of_flux_density(text, jansky):
    assert nmgy_per(text) == pytest.approx(jansky / 3.631e-6, rel=1e-9)


@pytest.mark.parametrize("text", ["deg", "rad", "arcmin", "arcsec", "mas"])
def test_units_of_angle(text):
    assert degrees_per(text) == pytest.approx(u.Unit(text).to(u.deg))


def test_hours_are_for_right_ascension_only():
    assert degrees_per("hourangle", hours=True) == 15
    assert degrees_per("h", hours=True) == 15
    assert degrees_per("hourangle") is None


@pytest.mark.parametrize(
    "unit", ["ct", "adu", "Vega", "mag(ST)", "erg s-1 cm-2 AA-1", "furlong", "dex", "mag(ct/s)"]
)
def test_a_band_of_another_unit_is_refused_by_name(unit):
    table = gri()
    table["g"].unit = unit
    with pytest.raises(InputError, match=r"column g of the table has the unit .* no magnitude"):
        read_catalogue(table)


@pytest.mark.parametrize(
    ("name", "unit", "words"),
    [
        ("petro_r50", "kpc", "no angle"),
        ("petro_r50", "pix", "no angle"),
        ("pixel_scale", "kpc", "no unit of pixel_scale"),
        ("ra", "km", "no unit of angle for ra"),
        ("dec", "hourangle", "no unit of angle for dec"),
        ("redshift", "Mpc", "no redshift"),
        ("err_g", "Jy", "no magnitude"),
    ],
)
def test_other_units_that_do_not_fit_are_refused_by_name(name, unit, words):
    table = gri(ra=[1.0, 2], dec=[3.0, 4])
    table[name] = [1.0, 2.0]
    table[name].unit = unit
    with pytest.raises(InputError, match=f"column {name} of the table has the unit .*{words}"):
        read_catalogue(table)


def test_units_that_fit_are_converted():
    table = gri(petro_r50=[0.1, 0.2], pixel_scale=[0.0066, 0.01], redshift=[3000.0, 6000.0])
    table["petro_r50"].unit = "arcmin"
    table["pixel_scale"].unit = "arcmin / pix"
    table["redshift"].unit = "km/s"
    catalogue = read_catalogue(table)
    np.testing.assert_allclose(catalogue.petro_r50, [6, 12])
    np.testing.assert_allclose(catalogue.pixel_scale, [0.396, 0.6])
    np.testing.assert_allclose(catalogue.redshift, np.array([3000, 6000]) / 299792.458)


# --- kinds of photometry --------------------------------------------------------------------


def test_point_source_magnitudes_alone_are_refused_with_the_reason():
    for name in ("psfMag", "fiberMag", "fiber2Mag", "absMag", "MAG_APER"):
        table = Table({f"{name}_{band}": values for band, values in GRI.items()})
        with pytest.raises(InputError, match=f"{name}_g.* will not do, since point-source"):
            read_catalogue(table)


def test_magnitudes_that_may_have_dust_in_them_are_refused_until_it_is_said():
    table = gri(extinction_g=[0.2, 0.2], extinction_r=[0.1, 0.1], extinction_i=[0.1, 0.1])
    with pytest.raises(InputError, match=r"has extinction_g beside g, and does not tell"):
        read_catalogue(table)
    clean = read_catalogue(table, columns={band: band for band in "gri"})
    np.testing.assert_allclose(clean.magnitudes[0, 1:4], [17.4, 16.7, 16.3])
    dusty = read_catalogue(table, columns={f"modelMag_{band}": band for band in "gri"})
    np.testing.assert_allclose(dusty.magnitudes[0, 1:4], [17.2, 16.6, 16.2])


def test_archive_names_that_are_stated_keep_their_meaning():
    table = Table({f"modelMag_{b}": v for b, v in GRI.items()})
    for band in "gri":
        table[f"extinction_{band}"] = 0.1
    catalogue = read_catalogue(table, columns={b: f"modelMag_{b}" for b in "gri"})
    np.testing.assert_allclose(catalogue.magnitudes[0, 1:4], [17.3, 16.6, 16.2])


def test_dust_that_cannot_be_removed_is_said():
    table = Table({f"modelMag_{b}": v for b, v in GRI.items()})
    assert says(read_catalogue(table), "Galactic extinction is still in modelMag_g")
    table["extinction_g"] = 0.1
    with pytest.raises(InputError, match="has extinction_g, but no such column for r, i"):
        read_catalogue(table)


def test_reddening_removes_what_schlafly_and_finkbeiner_give():
    table = Table({f"modelMag_{b}": v for b, v in GRI.items()})
    table["E(B-V)"] = 0.1
    catalogue = read_catalogue(table)
    np.testing.assert_allclose(17.4 - catalogue.magnitudes[0, 1], 0.3303)
    np.testing.assert_allclose(16.7 - catalogue.magnitudes[0, 2], 0.2285)


def test_a_row_without_extinction_has_no_magnitude_and_says_so():
    table = Table({f"modelMag_{b}": v for b, v in GRI.items()})
    for band in "gri":
        table[f"extinction_{band}"] = [0.1, -9999.0]
    catalogue = read_catalogue(table)
    assert np.isnan(catalogue.magnitudes[1]).all()
    assert "no_extinction:g" in catalogue.flags[1]


def test_sentinels_are_missing_before_dust_is_removed():
    table = Table({"modelMag_r": [-9999.0, 17.0], "extinction_r": [0.1, 0.1]})
    catalogue = read_catalogue(table)
    np.testing.assert_allclose(catalogue.magnitudes[:, 2], [np.nan, 16.9])
    assert list(catalogue.flags) == ["", ""]


def test_petrosian_magnitudes_come_in_the_same_state_of_dust():
    table = Table({f"modelMag_{b}": v for b, v in GRI.items()})
    for band in "gri":
        table[f"petroMag_{band}"] = table[f"modelMag_{band}"] + 0.05
        table[f"extinction_{band}"] = 0.1
    catalogue = read_catalogue(table)
    gap = catalogue.petro_magnitudes[:, 1:4] - catalogue.magnitudes[:, 1:4]
    np.testing.assert_allclose(gap, 0.05)


def test_filters_of_other_surveys_are_named():
    table = Table({f"MAG_AUTO_{b.upper()}_DERED": v for b, v in GRI.items()})
    assert says(read_catalogue(table), "The filters are those of DES")
    table = Table({f"flux_{b}": [10.0] for b in "grz"} | {f"flux_ivar_{b}": [4.0] for b in "grz"})
    catalogue = read_catalogue(table)
    assert says(catalogue, "The filters are those of the Legacy Surveys")
    np.testing.assert_allclose(catalogue.magnitudes[0, 1], 20.0)


def test_johnson_and_gaia_are_not_sdss():
    with pytest.raises(InputError, match="Johnson-Cousins"):
        read_catalogue(Table({"B": [15.0], "V": [14.5], "R": [14.0], "I": [13.5]}))
    with pytest.raises(InputError, match="none of the columns"):
        read_catalogue(Table({"Gmag": [15.0], "BPmag": [15.2]}))


def test_one_kind_of_magnitude_for_all_bands():
    table = gri(petroMag_u=[19.0, 19], petroMag_g=[18.0, 18], petroMag_r=[17.0, 17])
    table["petroMag_i"] = table["petroMag_z"] = 17.0
    catalogue = read_catalogue(table)
    np.testing.assert_allclose(catalogue.magnitudes[0], [np.nan, 17.4, 16.7, 16.3, np.nan])


# --- fluxes ---------------------------------------------------------------------------------


def test_faint_fluxes_with_errors_are_asinh_magnitudes():
    """SDSS's own of zero flux in u is 24.63; its softening is 0.14 nanomaggies."""
    table = Table()
    for band, fluxes in {"u": [-0.3, 0.05, 0.0, 3.0], "r": [100.0] * 4}.items():
        table[f"flux_{band}"], table[f"flux_err_{band}"] = fluxes, 0.1
        table[f"flux_{band}"].unit = table[f"flux_err_{band}"].unit = "nanomaggy"
    catalogue = read_catalogue(table)
    np.testing.assert_allclose(catalogue.magnitudes[:, 2], 17.5)
    faint, errors = catalogue.magnitudes[:3, 0], catalogue.errors[:3, 0]
    assert faint[0] > faint[2] > faint[1]
    assert faint[2] == pytest.approx(24.63, abs=0.01)
    assert errors[2] == pytest.approx(1.0857362 * 0.1 / 0.28)
    assert catalogue.magnitudes[3, 0] == pytest.approx(22.5 - 2.5 * np.log10(3))
    # 2.5 / ln 10 = 1.0857 mag for a relative error of 1
    assert catalogue.errors[3, 0] == pytest.approx(1.0857362 * 0.1 / 3)
    assert list(catalogue.flags) == ["limit:u"] * 3 + [""]


def test_fluxes_without_errors_that_are_not_positive_give_no_magnitude():
    table = Table({"flux_u": [-0.3, 3.0], "flux_r": [100.0, 100.0]})
    table["flux_u"].unit = table["flux_r"].unit = "nanomaggy"
    catalogue = read_catalogue(table)
    assert np.isnan(catalogue.magnitudes[0, 0])
    assert list(catalogue.flags) == ["not_detected:u", ""]


@pytest.mark.parametrize("sign", ["<", ">"])
def test_an_upper_limit_is_no_flux_with_a_third_of_it_as_error(sign):
    table = Table({"u": [f"{sign}22.3", " 19.5", ""], "g": [18.0] * 3, "r": [17.0] * 3})
    catalogue = read_catalogue(table)
    sigma = 10 ** (-0.4 * (22.3 - 22.5)) / 3
    assert catalogue.magnitudes[0, 0] == pytest.approx(24.63, abs=0.01)
    assert catalogue.errors[0, 0] == pytest.approx(1.0857362 * sigma / 0.28)
    assert catalogue.magnitudes[1, 0] == 19.5
    assert np.isnan(catalogue.magnitudes[2, 0])
    assert list(catalogue.flags) == ["limit:u", "", ""]


def test_an_inverse_variance_of_zero_means_not_observed():
    table = Table({"flux_r": [0.0, 10.0], "flux_ivar_r": [0.0, 4.0]})
    catalogue = read_catalogue(table)
    assert list(catalogue.flags) == ["", ""]
    assert catalogue.errors[1, 2] == pytest.approx(1.0857362 * 0.5 / 10)


def test_a_flux_without_a_unit_is_refused_unless_its_name_defines_one():
    with pytest.raises(InputError, match="column f_g of the table holds fluxes and has no unit"):
        read_catalogue(Table({"f_r": [10.0], "f_g": [5.0]}))
    named = read_catalogue(Table({"flux_r": [10.0], "flux_err_r": [0.5]}))
    assert named.magnitudes[0, 2] == pytest.approx(20)
    assert says(named, "have no unit: they were taken as nanomaggy")


def test_a_unit_of_flux_overrules_a_name_of_magnitude():
    table = gri()
    table["r"] = [3631e3, np.nan] * u.nJy  # 1000 nanomaggies
    catalogue = read_catalogue(table)
    assert catalogue.magnitudes[0, 2] == pytest.approx(15.0, abs=1e-6)


# --- what the user states --------------------------------------------------------------------


def test_a_quantity_or_a_column_that_is_not_there_is_refused():
    with pytest.raises(OptionError, match="'colour' is no quantity of a catalogue"):
        read_catalogue(gri(), columns={"colour": "g"})
    with pytest.raises(InputError, match="has no column mag_g, which was stated for g"):
        read_catalogue(gri(), columns={"g": "mag_g"})


def test_a_unit_can_be_stated():
    table = Table({"F": [3631e3], "alpha": [10.0], "delta": [2.0], "m": [16500.0]})
    table["m"].unit = "adu"  # what is stated counts
    stated = {"r": "F [nJy]", "i": "m [mmag]", "ra": "alpha (hourangle)", "dec": "delta"}
    catalogue = read_catalogue(table, columns=stated)
    np.testing.assert_allclose(catalogue.magnitudes[0, 2:4], [15.0, 16.5], atol=1e-9)
    assert (catalogue.ra[0], catalogue.dec[0]) == (150, 2)


def test_a_quantity_can_be_denied():
    table = gri(redshift=[0.1, 0.2])
    assert np.isnan(read_catalogue(table, columns={"redshift": None}).redshift).all()


# --- identifiers -----------------------------------------------------------------------------

OBJIDS = np.array([1237648720693755918, 1237650795683250207, 1237667430639665185])


@pytest.mark.parametrize(
    "lost",
    [
        OBJIDS.astype(float),
        OBJIDS.astype(float).astype(np.int64),
        OBJIDS // 10000 * 10000,
        np.array([f"{n:.5E}" for n in OBJIDS]),
        MaskedColumn(OBJIDS.astype(float), mask=[True, False, False]),
    ],
)
def test_identifiers_without_their_last_digits_are_refused(lost):
    table = Table({"objID": lost, "r": [17.0, 17, 17]})
    with pytest.raises(InputError, match="column objID of the table holds 64-bit identifiers"):
        read_catalogue(table)
    table = Table({"id": [1, 2, 3], "specobjid": lost, "r": [17.0, 17, 17]})
    assert says(read_catalogue(table), "Column specobjid holds 64-bit identifiers")


def test_identifiers_with_all_their_digits_are_not():
    for whole in (OBJIDS, OBJIDS.astype(str), [1.0, 2.0, 3.0], OBJIDS[:1]):
        assert len(read_catalogue(Table({"objid": whole, "r": [17.0] * len(whole)})))
    # plate 266, MJD 51630, fibres 1 to 3: ten bits of zeros, which survive a float
    spectra = np.array([(266 << 50) + (k << 38) + (1630 << 24) + (103 << 10) for k in (1, 2, 3)])
    assert len(read_catalogue(Table({"id": spectra.astype(float), "r": [17.0] * 3})))


def test_a_specobjid_tells_its_plate():
    assert decode_specobjid(299489676975171584) == (266, 51602, 1)
    assert decode_specobjid(75094092974915584) is not None  # of DR7
    for objid in OBJIDS.tolist():
        assert decode_specobjid(objid) is None


# --- positions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ra", "dec", "expected"),
    [
        ("10:48:44.2", "+26:03:13", (162.1841667, 26.0536111)),
        ("10h48m44.2s", "-26d03m13s", (162.1841667, -26.0536111)),
        ("10 48 44.2", "-00 30 00", (162.1841667, -0.5)),
        ("162d11m03s", "26\u00b003\u203213\u2033", (162.1841667, 26.0536111)),
        ("-47.8522", "-5.7111", (312.1478, -5.7111)),
    ],
)
def test_positions_in_parts(ra, dec, expected):
    catalogue = read_catalogue(Table({"ra": [ra], "dec": [dec], "r": [17.0]}))
    assert (catalogue.ra[0], catalogue.dec[0]) == pytest.approx(expected)


@pytest.mark.parametrize("ra", ["10:61:44", "25:00:00", "ten", "10:48:44:2"])
def test_impossible_positions_are_flagged(ra):
    table = Table({"ra": [ra, "10:48:44"], "dec": ["1:0:0", "1:0:0"], "r": [17.0, 17]})
    catalogue = read_catalogue(table)
    assert np.isnan(catalogue.ra[0])
    assert catalogue.flags[0] == "unreadable:ra"


def test_right_ascension_ends_at_minus_180():
    catalogue = read_catalogue(Table({"ra": [-180.0, -181.0], "dec": [0.0, 0], "r": [17.0, 17]}))
    np.testing.assert_array_equal(catalogue.ra, [180, np.nan])
    assert catalogue.flags[1] == "out_of_range:ra"


@pytest.mark.parametrize("frame", ["fk4", "fk5", "galactic", "supergalactic"])
def test_a_frame_of_the_sky_is_turned_to_icrs(frame):
    coord = SkyCoord(162.18, 26.05, unit="deg")
    table = QTable({"where": coord.transform_to(frame).reshape(1), "r": [17.0]})
    catalogue = read_catalogue(table)
    np.testing.assert_allclose([catalogue.ra[0], catalogue.dec[0]], [162.18, 26.05], atol=1e-4)


def test_positions_of_an_old_equinox_are_refused(tmp_path):
    hdu = fits.BinTableHDU(Table({"ra": [1.0], "dec": [2.0], "r": [17.0]}))
    hdu.header["EQUINOX"] = 1950.0
    hdu.writeto(tmp_path / "t.fits")
    with pytest.raises(InputError, match="B1950"):
        read_catalogue(tmp_path / "t.fits")


# --- redshifts -------------------------------------------------------------------------------


def test_z_is_told_by_its_values():
    both = gri(z=[16.0, 17.0], Z=[0.1, 0.2])
    catalogue = read_catalogue(both)
    np.testing.assert_array_equal(catalogue.magnitudes[:, 4], [16, 17])
    np.testing.assert_array_equal(catalogue.redshift, [0.1, 0.2])
    with pytest.raises(InputError, match=r"column z .* like redshifts beside values like magnitud"):
        read_catalogue(gri(z=[16.0, 0.1]))
    with pytest.raises(InputError, match=r"column z .* stated to be magnitudes .* redshift"):
        read_catalogue(gri(z=[0.2, 0.1]), columns={"z": "z"})
    beside = read_catalogue(gri(z=[0.2, 0.1], redshift=[0.02, 0.01]))
    np.testing.assert_array_equal(beside.redshift, [0.02, 0.01])
    assert says(beside, "Column z holds redshifts; those of redshift count")


@pytest.mark.parametrize("name", ["specz", "z_spec", "zspec", "zsp", "SPECZ"])
def test_spectroscopic_redshifts_are_held_fixed_and_said(name):
    catalogue = read_catalogue(gri(**{name: [0.1, -1.0]}))
    np.testing.assert_array_equal(catalogue.redshift, [0.1, np.nan])
    assert says(catalogue, f"Redshifts of {name} are held fixed")


def test_estimated_redshifts_are_not():
    catalogue = read_catalogue(gri(z_phot=[0.1, 0.2]))
    assert np.isnan(catalogue.redshift).all()
    assert says(catalogue, "z_phot holds estimated redshifts")


def test_redshifts_beyond_the_model_are_kept_and_said():
    catalogue = read_catalogue(gri(redshift=[0.7, 0.1]))
    np.testing.assert_array_equal(catalogue.redshift, [0.7, 0.1])
    assert says(catalogue, "1 of 2 redshifts lie outside the model's range, 0 to 0.35")


def test_other_columns_are_kept_as_they_came():
    table = QTable(gri())
    table["name"] = ["a", "\u00e9"]
    table["seen"] = Time(["2001-01-01", "2002-01-01"])
    table["vector"] = np.arange(6).reshape(2, 3)
    table["big"] = MaskedColumn([2**60 + 1, 0], mask=[False, True])
    kept = read_catalogue(table).table
    assert kept.colnames == table.colnames
    assert kept["big"].dtype == np.int64
    assert list(kept["big"].mask) == [False, True]
    assert kept["big"][0] == 2**60 + 1
    assert table.colnames == kept.colnames  # the caller's table is not changed
