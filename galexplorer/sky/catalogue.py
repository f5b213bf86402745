"""SDSS catalogue values of a galaxy: one SQL query through astroquery.

One query brings photometry, spectroscopy and the MPA-JHU values of everything near the position;
the crossid service would need three requests for less.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery.sdss import SDSSClass

from galexplorer.errors import TargetError
from galexplorer.objids import Field
from galexplorer.records.photometry import Photometry
from galexplorer.schema import BANDS, TARGETS
from galexplorer.sky.cache import Cache
from galexplorer.sky.http import Network, ServiceError

DATA_RELEASE = 17
SEARCH_ARCMIN = 1.0
QUERY_S = 18.0
MAX_ROWS = 200
TOTAL = "COUNT(*) OVER () AS total"
"""Column with the row count of the whole answer, since a truncated one looks complete."""

MAX_REDSHIFT = 0.3

_GALAXY, _STAR = 3, 6
_NEAR_ARCSEC = 3.0
_REACH_ARCSEC = 30.0
_DISPERSION_KMS = (70.0, 420.0)
_LINES = {
    "log_flux_halpha": ("h_alpha", 2.473),
    "log_flux_hbeta": ("h_beta", 1.882),
    "log_flux_nii_6584": ("nii_6584", 2.039),
    "log_flux_oiii_5007": ("oiii_5007", 1.566),
}
"""Columns of galSpecLine, and the factors by which MPA-JHU's errors are too small."""

_PHOTO = (
    *("objID", "ra", "dec", "type", "run", "rerun", "camcol", "field"),
    *("petroRad_r", "petroR50_r", "petroR90_r"),
    *(f"{name}_{band}" for name in ("modelMag", "modelMagErr", "extinction") for band in BANDS),
)
_SPECTRUM = {"z": "z_spec", "zErr": "z_err", "zWarning": "z_warning", "class": "spec_class"} | {
    "subClass": "spec_subclass",
    "velDisp": "vel_disp",
    "velDispErr": "vel_disp_err",
}
_EXTRA = ("lgm_tot_p50", "sfr_tot_p50", "oh_p50")
_FLUXES = tuple(f"{line}_flux{end}" for line, _ in _LINES.values() for end in ("", "_err"))
COLUMNS = (*_PHOTO, *_SPECTRUM.values(), *_EXTRA, *_FLUXES, "distance")

Row = dict[str, float | int | str | None]


@dataclass(frozen=True)
class Entry:
    """One galaxy of the catalogue.

    Attributes
    ----------
    objid : int
    ra, dec : float
        ICRS degrees.
    field : Field
        Where its pixels are.
    photometry : Photometry
        Dereddened model magnitudes, their errors, and Petrosian radii.
    petro_radius_arcsec : float or None
        Petrosian radius in r.
    extinction_mag : dict of str to float
        Galactic extinction by band, which `photometry` is without.
    truths : dict of str to float
        Spectroscopic values by target.
    subclass : str
        Of the spectrum, such as STARFORMING; empty where there is none.
    notes : tuple of str
    """

    objid: int
    ra: float
    dec: float
    field: Field
    photometry: Photometry
    petro_radius_arcsec: float | None
    extinction_mag: dict[str, float]
    truths: dict[str, float]
    subclass: str
    notes: tuple[str, ...]


def query_position(ra: float, dec: float, network: Network, cache: Cache) -> list[Row]:
    """Return what SDSS has within `SEARCH_ARCMIN` of a position, the nearest first.

    Parameters
    ----------
    ra, dec : float
        ICRS degrees.
    network : Network
    cache : Cache

    Returns
    -------
    list of dict
        By the names of `COLUMNS`; ``distance`` is in arcmin. Empty outside the footprint.

    Raises
    ------
    ServiceError
        If SkyServer gave no usable answer.
    """
    near = f"dbo.fGetNearbyObjEq({ra:.7f},{dec:.7f},{SEARCH_ARCMIN})"
    source = f"{near} AS n JOIN PhotoObj AS p ON p.objID = n.objID"
    centre = SkyCoord(ra, dec, unit="deg")

    def check(row: Row) -> bool:
        if not _is_whole(row):
            return False
        place = SkyCoord(_number(row, "ra"), _number(row, "dec"), unit="deg")
        return place.separation(centre).arcmin < 1.1 * SEARCH_ARCMIN

    sql = _sql("n.distance", source, "ORDER BY n.distance")
    return query(sql, COLUMNS, network, cache, check)


def query_objid(objid: int, network: Network, cache: Cache) -> list[Row]:
    """Return the row of an objID, as `query_position` does."""
    sql = _sql("0.0", "PhotoObj AS p", f"WHERE p.objID = {objid}")

    def check(row: Row) -> bool:
        return _is_whole(row) and row["objID"] == objid

    return query(sql, COLUMNS, network, cache, check)


def query(
    sql: str,
    columns: Sequence[str],
    network: Network,
    cache: Cache,
    check: Callable[[Row], bool],
    seconds: float = QUERY_S,
) -> list[Row]:
    """Ask SkyServer by SQL through astroquery, or the cache.

    Parameters
    ----------
    sql : str
        Selects at most `MAX_ROWS` of `columns`, and `TOTAL` as the last column.
    columns : sequence of str
        What the answer must hold: an error page is a table, too.
    network : Network
    cache : Cache
    check : callable
        Tells whether a row can be an answer to this question.
    seconds : float
        Longest time for all tries together.

    Returns
    -------
    list of dict
        By column; null is None.

    Raises
    ------
    ServiceError
        If SkyServer gave no usable answer.
    """
    label = f"SDSS DR{DATA_RELEASE} {sql}"
    if kept := cache.get(label):
        return json.loads(kept)
    service = SDSSClass()
    network.adopt(service)

    def call() -> list[Row]:
        table = service.query_sql(
            sql, timeout=network.settings.read_s, data_release=DATA_RELEASE, cache=False
        )
        rows = _read_rows(table, columns)
        if not all(check(row) for row in rows):
            raise ServiceError("SkyServer answered a different query: try again later.")
        return rows

    rows = network.ask("SkyServer", call, seconds)
    if rows:  # nothing is no answer to keep
        cache.put(label, json.dumps(rows).encode())
    return rows


def choose(rows: Sequence[Row], text: str, tolerance_arcsec: float = 0.0) -> Entry:
    """Return the galaxy that is meant.

    A large galaxy is broken into pieces by SDSS's pipeline, so of the galaxies whose light
    reaches the position the brightest is taken, not the nearest.

    Parameters
    ----------
    rows : sequence of dict
        From `query_position` or `query_objid`.
    text : str
        What the user typed, for messages.
    tolerance_arcsec : float
        How uncertain the position is.

    Returns
    -------
    Entry

    Raises
    ------
    TargetError
        If there is nothing, a star, no galaxy near, or one beyond the model's redshifts.
    """
    if not rows:
        raise TargetError(
            f"SDSS has no object at '{text}': the position lies outside its footprint, so give an "
            "image of your own."
        )
    galaxies = [row for row in rows if row["type"] == _GALAXY]
    reached = [row for row in galaxies if _distance(row) <= _reach(row, tolerance_arcsec)]
    if not reached:
        raise TargetError(_describe_miss(rows, galaxies, text, tolerance_arcsec))
    entry = _read_entry(min(reached, key=lambda row: _number(row, "modelMag_r") or math.inf))
    redshift = entry.truths.get("redshift", 0.0)
    if redshift > MAX_REDSHIFT:
        raise TargetError(
            f"The galaxy at '{text}' has redshift {redshift:.3f}: the model covers redshifts up to "
            f"{MAX_REDSHIFT}, so choose a nearer one."
        )
    return entry


def _sql(distance: str, source: str, end: str) -> str:
    columns = [
        *(f"p.{name}" for name in _PHOTO),
        *(f"s.{name} AS {alias}" for name, alias in _SPECTRUM.items()),
        *(f"e.{name}" for name in _EXTRA),
        *(f"l.{name}" for name in _FLUXES),
        f"{distance} AS distance",
        TOTAL,
    ]
    joins = (
        "LEFT JOIN SpecObj AS s ON s.bestObjID = p.objID "
        "LEFT JOIN galSpecExtra AS e ON e.specObjID = s.specObjID "
        "LEFT JOIN galSpecLine AS l ON l.specObjID = s.specObjID"
    )
    return f"SELECT TOP {MAX_ROWS} {', '.join(columns)} FROM {source} {joins} {end}"


def _is_whole(row: Row) -> bool:
    whole = all(isinstance(row[name], int) for name in _PHOTO[:1] + _PHOTO[3:8])
    return whole and all(isinstance(row[name], float | int) for name in ("ra", "dec", "distance"))


def _read_rows(table: Table | None, columns: Sequence[str]) -> list[Row]:
    if table is None:
        return []
    names = {name.lower(): name for name in table.colnames}
    if set(names) != {column.lower() for column in (*columns, "total")}:
        raise ServiceError("SkyServer returned an unreadable response: try again later.")
    for row in table:
        total = _cell(row[names["total"]])
        if not isinstance(total, int) or min(total, MAX_ROWS) != len(table):
            raise ServiceError("SkyServer returned an incomplete response: try again later.")
    return [{column: _cell(row[names[column.lower()]]) for column in columns} for row in table]


def _cell(value: object) -> float | int | str | None:
    plain = value.item() if hasattr(value, "item") else value
    if plain is None or (isinstance(plain, float) and not math.isfinite(plain)):
        return None
    if isinstance(plain, str):
        # A column with one null is a column of words.
        text = plain.strip()
        if text.lower() in ("", "null"):
            return None
        try:
            number = float(text)
        except ValueError:
            return text
        return int(text) if text.lstrip("+-").isdigit() else number
    return plain if isinstance(plain, int | float) else None


def _number(row: Mapping[str, object], name: str) -> float | None:
    value = row[name]
    # SDSS writes -9999 and 0 where it has nothing.
    if not isinstance(value, int | float) or value <= -999:
        return None
    return float(value)


def _distance(row: Row) -> float:
    return 60 * (_number(row, "distance") or 0.0)


def _reach(row: Row, tolerance_arcsec: float) -> float:
    radius = _number(row, "petroR90_r") or 0.0
    return max(_NEAR_ARCSEC, min(radius, _REACH_ARCSEC)) + tolerance_arcsec


def _describe_miss(
    rows: Sequence[Row], galaxies: Sequence[Row], text: str, tolerance_arcsec: float
) -> str:
    if rows[0]["type"] == _STAR and _distance(rows[0]) <= _NEAR_ARCSEC + tolerance_arcsec:
        return f"The object at '{text}' is a star in SDSS: give the position of a galaxy."
    if not galaxies:
        return f"SDSS has no galaxy within {60 * SEARCH_ARCMIN:.0f} arcsec of '{text}': check it."
    near = galaxies[0]
    return (
        f"SDSS has no galaxy at '{text}'; the nearest lies {_distance(near):.0f} arcsec away: "
        f"give {near['ra']:.5f} {near['dec']:+.5f} if that is the one."
    )


def _read_entry(row: Row) -> Entry:
    magnitudes, errors, extinctions = {}, {}, {}
    for band in BANDS:
        magnitude = _number(row, f"modelMag_{band}")
        extinction = _number(row, f"extinction_{band}")
        error = _number(row, f"modelMagErr_{band}")
        if extinction is None or not 0 <= extinction < 100:
            continue
        extinctions[band] = extinction
        if magnitude is None or not 5 < magnitude < 30:
            continue
        magnitudes[band] = round(magnitude - extinction, 6)
        if error is not None and 0 < error < 10:
            errors[band] = error
    radii = [_number(row, f"petro{size}_r") for size in ("Rad", "R50", "R90")]
    radius, r50, r90 = (value if value and value > 0 else None for value in radii)
    truths, notes = _read_truths(row)
    return Entry(
        objid=int(row["objID"] or 0),
        ra=float(row["ra"] or 0.0),
        dec=float(row["dec"] or 0.0),
        field=Field(*(int(row[name] or 0) for name in ("run", "rerun", "camcol", "field"))),
        photometry=Photometry("catalogue" if magnitudes else "none", magnitudes, errors, r50, r90),
        petro_radius_arcsec=radius,
        extinction_mag=extinctions,
        truths=truths,
        subclass=str(row["spec_subclass"] or ""),
        notes=notes,
    )


def _read_truths(row: Row) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the spectroscopic values that lie in the domain of their target."""
    redshift, warning = _number(row, "z_spec"), _number(row, "z_warning")
    if redshift is None:
        return {}, ()
    if warning:
        return {}, (f"SDSS flags its spectrum (zWarning {warning:.0f}): its values are not used.",)
    values = {
        "log_stellar_mass": _number(row, "lgm_tot_p50"),
        "log_sfr": _number(row, "sfr_tot_p50"),
        "gas_metallicity": _number(row, "oh_p50"),
        "log_bh_mass": _black_hole_mass(_number(row, "vel_disp")),
    }
    for target, (line, factor) in _LINES.items():
        flux, error = _number(row, f"{line}_flux"), _number(row, f"{line}_flux_err")
        detected = (
            flux is not None and error is not None and error > 0 and flux > 3 * factor * error
        )
        values[target] = math.log10(flux) if detected and flux is not None else None
    bounds = {target.name: target.bounds for target in TARGETS}
    kept = {
        name: value
        for name, value in values.items()
        if value is not None and bounds[name][0] < value < bounds[name][1]
    }
    quasar = str(row["spec_class"] or "").upper() == "QSO"
    notes = ("The SDSS spectrum is that of a quasar.",) if quasar else ()
    return {"redshift": redshift, **kept}, notes


def _black_hole_mass(dispersion_kms: float | None) -> float | None:
    """Return log10 of the mass in suns by M-sigma (McConnell & Ma 2013, ApJ 764, 184)."""
    low, high = _DISPERSION_KMS
    if dispersion_kms is None or not low <= dispersion_kms <= high:
        return None
    return 8.32 + 5.64 * math.log10(dispersion_kms / 200)
