"""One truth in the many forms that tables come in: the same galaxies, the same posteriors."""

import gzip
import io
import lzma
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits, votable
from astropy.table import QTable, Table
from astropy.time import Time

from galexplorer.catalogue import read_catalogue
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.schema import SUMMARY_STATISTICS, TARGET_NAMES

BANDS = "ugriz"
IDS = np.array([1237648720693755918, 1237650795683250207, 1237667430639665185])
RA = np.array([9.4567, 187.25, 312.1478])
DEC = np.array([-10.0121, 0.5, 26.0537])
MAGNITUDES = np.array(
    [
        [18.91, 17.42, 16.73, 16.31, 16.02],
        [19.55, 18.21, 17.68, 17.37, 17.19],
        [17.84, 16.59, 16.02, 15.71, 15.52],
    ]
)
ERRORS = np.full((3, 5), 0.02)
DUST = np.array([0.21, 0.16, 0.11, 0.08, 0.06])
DRAWS = 200

FORMS = {}


def form(build):
    """Register a function that writes the truth into a folder and returns what is to be read."""
    FORMS[build.__name__] = build
    return build


def base() -> Table:
    table = Table({"id": IDS, "ra": RA, "dec": DEC})
    for k, band in enumerate(BANDS):
        table[band] = MAGNITUDES[:, k]
        table[f"err_{band}"] = ERRORS[:, k]
    return table


def nanomaggies() -> np.ndarray:
    return 10 ** (0.4 * (22.5 - MAGNITUDES))


def sigmas() -> np.ndarray:
    """Errors of the fluxes: sigma_m = 2.5 / ln(10) sigma_f / f."""
    return ERRORS * nanomaggies() * np.log(10) / 2.5


def renamed(**names) -> Table:
    table = base()
    for old, new in names.items():
        table.rename_column(old, new)
    return table


def text(separator: str, table: Table | None = None) -> str:
    table = table or base()
    lines = [separator.join(table.colnames)]
    lines += [separator.join(str(value) for value in row) for row in table.iterrows()]
    return "\n".join(lines) + "\n"


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@form
def commas(folder):
    return put(folder / "t.csv", text(","))


@form
def semicolons(folder):
    return put(folder / "t.csv", text(";"))


@form
def tabs(folder):
    return put(folder / "t.tsv", text("\t"))


@form
def bars(folder):
    return put(folder / "t.txt", text("|"))


@form
def spaces(folder):
    return put(folder / "t.dat", text("   "))


@form
def header_in_a_remark(folder):
    return put(folder / "t.dat", "# made by hand\n# " + text("  "))


@form
def remarks_within(folder):
    lines = text(",").splitlines()
    return put(folder / "t.csv", "\n".join([*lines[:2], "# second half", *lines[2:], "", "# end"]))


@form
def vizier(folder):
    header, *rows = text("\t").splitlines()
    names = header.split("\t")
    units = ["deg" if name in ("ra", "dec") else "mag" for name in names]
    units[0] = " "
    rules = ["-" * max(len(name), 3) for name in names]
    top = "#\n#   VizieR\n#---- Details of Columns:\n\n"
    lines = [header, "\t".join(units), "\t".join(rules), *rows, "", "#END# -ref=VIZ"]
    return put(folder / "t.tsv", top + "\n".join(lines) + "\n")


@form
def fixed_width(folder):
    base().write(folder / "t.txt", format="ascii.fixed_width_two_line")
    return folder / "t.txt"


@form
def row_of_units(folder):
    header, *rows = text(",").splitlines()
    units = ",deg,deg" + 10 * ",mag"
    return put(folder / "t.csv", "\n".join([header, units, *rows]))


@form
def units_in_brackets(folder):
    table = base()
    for name in [n for n in table.colnames if n[-1] in BANDS and n not in ("ra", "dec")]:
        table[name] = np.round(1000 * table[name], 6)
        table.rename_column(name, f"{name} [mmag]")
    return put(folder / "t.csv", text(",", table))


@form
def utf16(folder):
    return put(folder / "t.csv", text(",").encode("utf-16"))


@form
def packed_by_gzip(folder):
    return put(folder / "t.csv.gz", gzip.compress(text(",").encode()))


@form
def packed_by_xz(folder):
    return put(folder / "t.csv.xz", lzma.compress(text(",").encode()))


@form
def content_of_a_file(folder):
    return text(",").encode()


@form
def ecsv(folder):
    base().write(folder / "t.ecsv")
    return folder / "t.ecsv"


@form
def ecsv_of_quantities(folder):
    table = QTable(base())
    table["coord"] = SkyCoord(RA * u.deg, DEC * u.deg).galactic
    table["seen"] = Time(["2001-01-01", "2002-01-01", "2003-01-01"])
    table.remove_columns(["ra", "dec"])
    for band in BANDS:
        table[band] = table[band].value * u.ABmag
    table.write(folder / "t.ecsv")
    return folder / "t.ecsv"


@form
def cds(folder):
    base().write(folder / "t.mrt", format="ascii.mrt")
    return folder / "t.mrt"


@form
def ipac(folder):
    base().write(folder / "t.tbl", format="ascii.ipac")
    return folder / "t.tbl"


@form
def fits_table(folder):
    base().write(folder / "t.fits")
    return folder / "t.fits"


@form
def third_hdu_of_fits(folder):
    info = fits.BinTableHDU(Table({"r": [99.0]}), name="INFO")
    hdus = [fits.PrimaryHDU(), info, fits.BinTableHDU(base(), name="GALAXIES")]
    fits.HDUList(hdus).writeto(folder / "t.fits")
    return f"{folder / 't.fits'}[2]"


@form
def fits_padded_with_nul(folder):
    base().write(folder / "t.fits")
    whole = bytearray((folder / "t.fits").read_bytes())
    for begin in (0, 2880):
        block = bytes(whole[begin : begin + 2880])
        end = block.index(b"END".ljust(80)) + 3 if b"END".ljust(80) in block else 2880
        whole[begin + end : begin + 2880] = bytes(2880 - end)
    return put(folder / "t.fits", bytes(whole))


@form
def radians_and_nanojanskys(folder):
    table = base()["id",]
    table["ra"], table["dec"] = np.deg2rad(RA), np.deg2rad(DEC)
    table["ra"].unit = table["dec"].unit = "rad"
    for k, band in enumerate(BANDS):
        # AB magnitude 0 is 3631 Jy (Oke & Gunn 1983)
        table[band] = 3631e9 * 10 ** (-0.4 * MAGNITUDES[:, k])
        table[f"err_{band}"] = sigmas()[:, k] * 3631.0
        table[band].unit = table[f"err_{band}"].unit = "nJy"
    table.write(folder / "t.fits")
    return folder / "t.fits"


def _votable(folder, kind):
    file = votable.from_table(base())
    file.get_first_table().format = kind
    file.to_xml(str(folder / "t.vot"))
    return folder / "t.vot"


@form
def votable_tabledata(folder):
    return _votable(folder, "tabledata")


@form
def votable_binary(folder):
    return _votable(folder, "binary")


@form
def votable_binary2(folder):
    return _votable(folder, "binary2")


@form
def parquet_of_pandas(folder):
    base().to_pandas().to_parquet(folder / "t.parquet")
    return folder / "t.parquet"


@form
def parquet_of_microjanskys(folder):
    table = QTable(base())
    for k, band in enumerate(BANDS):
        table[band] = (MAGNITUDES[:, k] * u.ABmag).to(u.uJy)
        table[f"err_{band}"] = ERRORS[:, k] * u.mag
    table.write(folder / "t.parquet")
    return folder / "t.parquet"


@form
def feather(folder):
    base().to_pandas().to_feather(folder / "t.feather")
    return folder / "t.feather"


@form
def hats(folder):
    frame = base().to_pandas()
    for pixel, rows in ((4, frame[:1]), (11, frame[1:])):
        part = folder / "galaxies" / "dataset" / "Norder=1" / "Dir=0"
        part.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(part / f"Npix={pixel}.parquet")
    put(folder / "galaxies" / "hats.properties", "obs_collection=galaxies\n")
    return folder / "galaxies"


@form
def data_frame(folder):
    return base().to_pandas()


@form
def data_frame_of_arrow(folder):
    return base().to_pandas().convert_dtypes(dtype_backend="pyarrow").set_index("id")


@form
def qtable(folder):
    table = QTable(base())
    table["ra"], table["dec"] = RA * u.deg, (DEC * u.deg).to(u.arcmin)
    for band in BANDS:
        table[band] = table[band].value * u.ABmag
    return table


@form
def sdss_dereddened(folder):
    names = {band: f"dered_{band}" for band in BANDS}
    table = renamed(id="objID", **names, **{f"err_{b}": f"modelMagErr_{b}" for b in BANDS})
    for k, band in enumerate(BANDS):
        table[band] = MAGNITUDES[:, k] + DUST[k]  # as SkyServer's u, g, r, i, z are
        table[f"psfMag_{band}"] = MAGNITUDES[:, k] + 1.5
        table[f"extinction_{band}"] = DUST[k]
    return put(folder / "t.csv", "#Table1\n" + text(",", table))


@form
def sdss_model_magnitudes(folder):
    table = renamed(id="objID", **{band: f"modelMag_{band}" for band in BANDS})
    for k, band in enumerate(BANDS):
        table[f"modelMag_{band}"] = np.round(MAGNITUDES[:, k] + DUST[k], 6)
        table[f"extinction_{band}"] = DUST[k]
    return put(folder / "t.csv", text(",", table))


@form
def sdss_arrays(folder):
    table = Table({"OBJID": IDS, "RA": RA, "DEC": DEC, "MODELMAG": MAGNITUDES + DUST})
    table["MODELMAGERR"], table["EXTINCTION"] = ERRORS, np.tile(DUST, (3, 1))
    table["PSFMAG"] = MAGNITUDES + 2
    table.write(folder / "t.fits")
    return folder / "t.fits"


@form
def nsa_arrays(folder):
    table = Table({"NSAID": IDS, "RA": RA, "DEC": DEC})
    ultraviolet = np.ones((3, 2))
    table["SERSIC_NMGY"] = np.hstack([ultraviolet, nanomaggies()])
    table["SERSIC_NMGY_IVAR"] = np.hstack([ultraviolet, sigmas() ** -2])
    table["EXTINCTION"] = np.full((3, 7), 0.3)
    table.write(folder / "t.fits")
    return folder / "t.fits"


@form
def sdss_fluxes(folder):
    table = base()["id", "ra", "dec"]
    for k, band in enumerate(BANDS):
        table[f"modelFlux_{band}"] = (nanomaggies() * 10 ** (-0.4 * DUST))[:, k]
        table[f"modelFluxIvar_{band}"] = (sigmas()[:, k] * 10 ** (-0.4 * DUST[k])) ** -2
        table[f"extinction_{band}"] = DUST[k]
    return put(folder / "t.csv", text(",", table))


@form
def maggies_with_errors(folder):
    table = base()["id", "ra", "dec"]
    for k, band in enumerate(BANDS):
        table[f"flux_{band}"] = 1e-9 * nanomaggies()[:, k]
        table[f"flux_err_{band}"] = 1e-9 * sigmas()[:, k]
        table[f"flux_{band}"].unit = table[f"flux_err_{band}"].unit = u.def_unit("maggy")
    return table


@form
def transmissions(folder):
    table = base()["id", "ra", "dec"]
    through = 10 ** (-0.4 * DUST)
    for k, band in enumerate(BANDS):
        table[f"flux_{band}"] = (nanomaggies() * through)[:, k]
        table[f"flux_ivar_{band}"] = (sigmas() * through)[:, k] ** -2
        table[f"mw_transmission_{band}"] = through[k]
    return table


@form
def sexagesimal(folder):
    table = base()
    coord = SkyCoord(RA * u.deg, DEC * u.deg)
    table["ra"] = coord.ra.to_string(u.hourangle, sep=":", precision=6)
    table["dec"] = coord.dec.to_string(u.deg, sep=":", precision=5, alwayssign=True)
    return put(folder / "t.csv", text(",", table))


@form
def hours(folder):
    table = base()
    table["ra"] = RA / 15
    table["ra"].unit = "hourangle"
    table.write(folder / "t.ecsv")
    return folder / "t.ecsv"


@form
def ra_from_minus_180(folder):
    table = base()
    table["ra"] = np.round(np.where(RA > 180, RA - 360, RA), 6)
    return put(folder / "t.csv", text(",", table))


@pytest.fixture(scope="module")
def truth(engine, tmp_path_factory):
    catalogue = read_catalogue(commas(tmp_path_factory.mktemp("truth")))
    return statistics(infer_catalogue(engine, catalogue, draws=DRAWS))


def statistics(table) -> np.ndarray:
    return np.array([table[f"{t}_{s}"] for t in TARGET_NAMES for s in SUMMARY_STATISTICS], float)


def check(catalogue, engine, truth):
    assert list(catalogue.id) == IDS.astype(str).tolist()
    np.testing.assert_allclose(catalogue.ra, RA, atol=1e-7)
    np.testing.assert_allclose(catalogue.dec, DEC, atol=1e-7)
    # astropy's AB zero point is 10^(-48.6/2.5) erg/s/cm2/Hz, 6e-5 mag from 3631 Jy
    np.testing.assert_allclose(catalogue.magnitudes, MAGNITUDES, atol=1e-4)
    np.testing.assert_allclose(catalogue.errors, ERRORS, atol=1e-6)
    assert set(catalogue.flags) == {""}
    out = infer_catalogue(engine, catalogue, draws=DRAWS)
    np.testing.assert_allclose(statistics(out), truth, atol=2e-3)
    assert np.asarray(out["id"]).astype(str).tolist() == IDS.astype(str).tolist()


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_posterior(name, engine, truth, tmp_path):
    check(read_catalogue(FORMS[name](tmp_path)), engine, truth)


def test_the_standard_input(engine, truth, monkeypatch):
    piped = io.TextIOWrapper(io.BytesIO(text(",").encode()))
    monkeypatch.setattr(sys, "stdin", piped)
    check(read_catalogue("-"), engine, truth)


def test_columns_that_are_stated(engine, truth, tmp_path):
    names = {"id": "no", "ra": "x", "dec": "y", **{band: f"m{band}" for band in BANDS}}
    errors = {f"err_{band}": f"dm{band}" for band in BANDS}
    table = renamed(**names, **errors)
    check(read_catalogue(table, columns={**names, **errors}), engine, truth)


def test_there_are_enough_forms():
    assert len(FORMS) >= 25


def test_pandas_reads_what_is_checked_here(tmp_path):
    """The forms are what other programs take them for: pandas sees the truth in the plainest."""
    frame = pd.read_csv(commas(tmp_path))
    np.testing.assert_array_equal(frame[list(BANDS)], MAGNITUDES)
    np.testing.assert_array_equal(frame["id"], IDS)
