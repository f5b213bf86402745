"""Small whole files of every kind that is read, to be damaged."""

import bz2
import gzip
import io
import json
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from PIL import Image

SIDE = 72


def _fluxes() -> np.ndarray:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    disc = np.exp(-np.hypot(x, 1.4 * y) / 5.0)
    disc *= 10 ** (0.4 * (22.5 - 16.0)) / disc.sum()
    flux = np.array([0.6, 1.0, 1.35])[:, None, None] * disc
    return (flux + rng.normal(0, 0.01, flux.shape)).astype(np.float32)


def _header(**cards: object) -> fits.Header:
    header = fits.Header({"BUNIT": "nanomaggy"})
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    header["CRVAL1"], header["CRVAL2"] = 150.0, 2.0
    header["CRPIX1"] = header["CRPIX2"] = (SIDE + 1) / 2
    header["CDELT1"], header["CDELT2"] = -0.396 / 3600, 0.396 / 3600
    header.update(cards)
    return header


def _written(*hdus: fits.PrimaryHDU | fits.ImageHDU | fits.BinTableHDU) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(buffer)
    return buffer.getvalue()


@cache
def images() -> dict[str, bytes]:
    """FITS images, by name."""
    flux = _fluxes()
    cube = _written(fits.PrimaryHDU(flux, _header(BANDS="gri")))
    planes = [fits.ImageHDU(flux[k], _header(FILTER=b), name=b) for k, b in enumerate("gri")]
    packed = [
        fits.CompImageHDU(flux[k], _header(FILTER=b), name=b, compression_type="RICE_1")
        for k, b in enumerate("gri")
    ]
    scaled = fits.PrimaryHDU((flux * 100).astype(np.int16), _header(BANDS="gri", MAGZERO=27.5))
    survey = _header(TELESCOP="2.5m", FILTER="r", NMGY=0.005, EXPTIME=53.9, RADESYS="ICRS")
    return {
        "cube.fits": cube,
        "three.fits": _written(fits.PrimaryHDU(), *planes),
        "tiles.fits": _written(fits.PrimaryHDU(), *packed),
        "scaled.fits": _written(scaled),
        "cube.fits.gz": gzip.compress(cube, 1, mtime=0),
        "cube.fits.bz2": bz2.compress(cube, 1),
        "band.fits": _written(fits.PrimaryHDU(flux[1], survey)),
    }


@cache
def pictures() -> dict[str, bytes]:
    """JPEGs and PNGs, by name."""
    flux = _fluxes()
    levels = np.clip(flux[::-1] / flux.max() * 900, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    found = {}
    for name, options in (
        ("plain.jpg", {"format": "JPEG", "quality": 92}),
        ("progressive.jpg", {"format": "JPEG", "progressive": True}),
        ("plain.png", {"format": "PNG"}),
    ):
        buffer = io.BytesIO()
        Image.fromarray(levels).save(buffer, **options)
        found[name] = buffer.getvalue()
    buffer = io.BytesIO()
    Image.fromarray(levels).quantize(64).save(buffer, format="PNG")
    return {**found, "palette.png": buffer.getvalue()}


def _rows(number: int = 12) -> Table:
    rng = np.random.default_rng(8)
    r = rng.normal(17, 0.5, number)
    table = Table(
        {
            "id": [f"g{k}" for k in range(number)],
            "ra": rng.uniform(0, 360, number),
            "dec": rng.uniform(-30, 60, number),
            **{b: r + c for b, c in zip("ugriz", (2.0, 0.7, 0.0, -0.4, -0.6), strict=True)},
            **{f"err_{b}": np.full(number, 0.02, np.float32) for b in "ugriz"},
            "petro_r50": rng.uniform(1, 4, number),
            "petro_r90": rng.uniform(5, 9, number),
            "redshift": MaskedColumn(rng.uniform(0, 0.2, number), mask=np.arange(number) % 3 == 0),
            "objid": 1237650000000000000 + np.arange(number),
        }
    )
    table["r"].unit = "mag"
    table["ra"].unit = table["dec"].unit = "deg"
    return table


@cache
def tables() -> dict[str, bytes]:
    """Tables in every format, by name."""
    rows = _rows()
    rich = QTable(rows)
    rich["sky"] = SkyCoord(rows["ra"], rows["dec"])
    rich["seen"] = Time(np.linspace(50000, 50001, len(rows)), format="mjd")
    rich["vector"] = np.arange(2.0 * len(rows)).reshape(-1, 2)
    found = {}
    for name, table, options in (
        ("rows.csv", rows, {"format": "ascii.csv"}),
        ("rows.tsv", rows, {"format": "ascii.tab"}),
        ("rows.ecsv", rich, {"format": "ascii.ecsv"}),
        ("rows.txt", rows, {"format": "ascii.ipac"}),
        ("rows.mrt", rows["id", "ra", "dec", "g", "r", "i"], {"format": "ascii.mrt"}),
    ):
        buffer = io.StringIO()
        table.write(buffer, **options)
        found[name] = buffer.getvalue().encode()
    for name, table, options in (
        ("rows.fits", rows, {"format": "fits"}),
        ("rows.vot", rows, {"format": "votable"}),
        ("binary.vot", rows, {"format": "votable", "tabledata_format": "binary2"}),
    ):
        buffer = io.BytesIO()
        table.write(buffer, **options)
        found[name] = buffer.getvalue()
    text = fits.TableHDU.from_columns(
        [
            fits.Column("ID", "A4", array=np.array(rows["id"])),
            fits.Column("R", "F8.3", array=np.array(rows["r"])),
        ]
    )
    found["text.fits"] = _written(fits.PrimaryHDU(), text)
    arrow = pa.table({name: rows[name].filled(0) if hasattr(rows[name], "filled")
                      else np.array(rows[name]) for name in rows.colnames})  # fmt: skip
    arrow = arrow.append_column("kind", pa.array(["a", "b"] * 6).dictionary_encode())
    arrow = arrow.append_column("pairs", pa.array([[1.0, 2.0]] * 12, pa.list_(pa.float64(), 2)))
    for name, compression in (("rows.feather", "uncompressed"), ("lz4.feather", "lz4"),
                              ("zstd.feather", "zstd")):  # fmt: skip
        buffer = io.BytesIO()
        feather.write_feather(arrow, buffer, compression=compression)
        found[name] = buffer.getvalue()
    meta = {b"table_meta_yaml": _yaml_of(rows)}
    for name, compression in (("rows.parquet", "snappy"), ("plain.parquet", "none")):
        sink = pa.BufferOutputStream()
        pq.write_table(
            arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **meta}),
            sink,
            compression=compression,
        )
        found[name] = sink.getvalue().to_pybytes()
    found["rows.csv.gz"] = gzip.compress(found["rows.csv"], 1, mtime=0)
    return found


def _yaml_of(rows: Table) -> bytes:
    from astropy.table import meta

    return "\n".join(meta.get_yaml_from_table(rows)).encode()


LISTS = {
    "names.txt": b"NGC 5332\nM 51, 0.0015\nArp 220 z=0.018\n# a remark\nUGC 1\n",
    "places.txt": b"162.184 +26.054\n10:48:44.2 +26:03:13\n10h48m44.2s +26d03m13s\n"
    b"J104844.20+260313.2\n1237667444048658474\n",
    "list.csv": b"name,ra,dec,redshift,g,r,i\nA,162.1,26.0,0.02,17.6,17.0,16.6\nB,1,2,,18,17,16\n",
    "list.tsv": b"objid\tz\n1237667444048658474\t0.02\n1237667444048658475\t0.03\n",
}

QUERIES = (
    *("NGC 5332", "162.184 +26.054", "10:48:44.2 +26:03:13", "10h48m44.2s +26d03m13s"),
    *("J104844.20+260313.2", "SDSS J104844+260313", "1237667444048658474"),
    "objid=1237667444048658474",
    *("RA=162.18 Dec=+26.05", "ra 10h48m44s dec 26d03m13s", "l=120 b=-30", "162,18 26,05"),
    *("B1950 10 48 44 +26 03 13", "α=162.18° δ=+26.05°", "10 48 44.2 +26 03 13", "162.184/26.054"),
)  # fmt: skip

LINKS = (
    {"target": "NGC 5332", "mag_r": "17", "redshift": "0.1", "draws": "1000", "seed": "4"},
    {"example": "spiral", "redshift": "0.05~0.1", "use": "image,g,r", "interval": "95"},
    {"upload": "0123456789abcdef", "pixel": "10~20", "pixel_scale": "0.4", "zero_point": "22.5"},
    {"library": "SDSS J104844.20+260313.2", "log_stellar_mass": "10~11", "ebv": "0.1"},
)

PRIORS = {
    "pz.csv": b"z,p\n" + b"".join(b"%.3f,%.4f\n" % (z, np.exp(-0.5 * ((z - 0.1) / 0.02) ** 2))
                                  for z in np.arange(0.0, 0.3, 0.01)),
    "pz.ecsv": b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: z, datatype: float64}\n"
    b"# - {name: p, datatype: float64}\nz p\n0.0 0.0\n0.1 1.0\n0.2 0.0\n",
}  # fmt: skip


def manifest(files: dict[str, str], sizes: dict[str, int], targets: list[str]) -> bytes:
    """A manifest of weights as `galexplorer.model.weights` writes it."""
    return json.dumps({"format": 4, "targets": targets, "files": files, "sizes": sizes}).encode()
