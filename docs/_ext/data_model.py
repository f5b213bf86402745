"""The data model of every file that galexplorer reads and writes, from the code that does it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from astropy.table import Table

import galexplorer as gx
from galexplorer.catalogue import read_catalogue
from galexplorer.catalogue.columns import COLUMNS, LIMITS
from galexplorer.export.files import DRAWS_FORMATS, FORMATS, REPORT_FORMATS
from galexplorer.export.interchange import CDS_UNITS
from galexplorer.export.tables import UNITS, posterior_table
from galexplorer.export.target_tables import summary_table
from galexplorer.resources import bundled
from galexplorer.schema import (
    BANDS,
    BPT_CLASSES,
    MEASURABLE_NAMES,
    SUMMARY_STATISTICS,
    TARGET_NAMES,
    TARGETS,
)

COLUMN_WORDS = {
    "id": "Name of the row; its number, from 0, where the table has none.",
    "ra": "Right ascension, degrees (ICRS). Finds the galaxy in an image.",
    "dec": "Declination, degrees (ICRS).",
    "<band>": "Dereddened AB model magnitude in u, g, r, i or z.",
    "err_<band>": "Its 1σ error, mag.",
    "petro_<band>": "Dereddened Petrosian AB magnitude; needs a model magnitude of its band.",
    "petro_r50": "Petrosian half-light radius in r, arcsec.",
    "petro_r90": "Petrosian Radius containing 90% of the light in r, arcsec.",
    "redshift": "Known redshift, held fixed.",
    "redshift_min": "Least redshift of this row's prior range.",
    "redshift_max": "Largest redshift of this row's prior range.",
    "image": "Path of an image, looked up beside the table first.",
    "pixel_scale": "Side of a pixel of that image, arcsec.",
}
"""What a column of a catalogue means, by name or pattern."""

RESULT_WORDS = {
    "target": "Name, position or objID, as the list has it.",
    "id": "As in the table that was given.",
    "ra": "Right ascension, ICRS.",
    "dec": "Declination, ICRS.",
    "redshift_fixed": "Redshift that was held fixed; NaN where it was free.",
    "<target>_<statistic>": "Quantiles, mean and standard deviation of the draws of each target.",
    "<class>": "Probability of the BPT class.",
    "p_<target>_measurable": "Probability that an SDSS spectrum would show the line at a "
    "signal-to-noise ratio above 3, or give a metallicity.",
    "domain_score": "Percentile (0 to 100) of the least typical measure among the training "
    "galaxies.",
    "inside_domain": "1 if the galaxy is like those of the training, 0 if not.",
    "known_redshift": "Published redshift; the model never saw it.",
    "pixels_from": "Where the pixels come from.",
    "photometry_from": "Where the photometry comes from.",
    "flag": "What is the matter with the row; empty if nothing.",
    "problem": "Why the target failed; empty if it did not.",
}
"""What a column of a table of results means."""

JSON_WORDS = {
    "posterior.<target>.<statistic>": "Statistics of the draws, in the unit of the target.",
    "bpt.<class>": "Probability of each BPT class: the share of draws in its region.",
    "measurable.<target>": "Probability that an SDSS spectrum would show the line at a "
    "signal-to-noise ratio above 3, or give a metallicity.",
    "neighbours[].name": "IAU-style name of a real galaxy near in latent space.",
    "neighbours[].ra": "Degrees (ICRS).",
    "neighbours[].dec": "Degrees (ICRS).",
    "neighbours[].distance": "Euclidean distance in whitened latent space.",
    "neighbours[].percentile": "Per cent of the library's galaxies whose own nearest neighbour is "
    "nearer; null where there is no distance.",
    "neighbours[].known.<target>": "Published values, in the unit of the target.",
    "neighbours[].known.<band>": "Published magnitude in r.",
    "neighbours[].source": "Where those values come from.",
    "domain.inside": "Whether the galaxy is like those of the training.",
    "domain.score": "Percentile (0 to 100) of the least typical measure among the training "
    "galaxies; null where too little is known.",
    "domain.reasons": "A sentence for each measure that lies outside.",
    "photometry.kind": "`none`, `catalogue` (dereddened) or `measured` (on the pixels).",
    "photometry.magnitudes.<band>": "AB magnitudes that the model was given.",
    "photometry.errors.<band>": "Their 1σ errors, mag.",
    "photometry.petro_r50": "Petrosian half-light radius in r, arcsec, or null.",
    "photometry.petro_r90": "Petrosian 90%-light radius in r, arcsec, or null.",
    "photometry.petro_kind": "Where the radii come from, as `kind`.",
    "photometry.petro_magnitudes": "Dereddened Petrosian AB magnitudes by band.",
    "known": "Published values by target; the model never saw them.",
    "origins.<what>": "Where each number comes from.",
    "notes": "What was detected or assumed on the way, a sentence each.",
    "provenance.weights_sha256": "Hash of the weights.",
    "provenance.versions.<package>": "Version of each package that made the result.",
    "provenance.input_sha256": "Hash of the image's bytes; null without an image.",
    "provenance.input_kind": "`fits`, `jpeg` or `photometry`.",
    "provenance.photometry_used": "As `photometry.kind`.",
    "provenance.bands_used": "Bands whose magnitudes the model was given.",
    "provenance.seed": "Of the random numbers.",
    "provenance.draws": "How many were asked for.",
    "provenance.redshift_fixed": "Redshift that was held fixed, or null.",
    "provenance.redshift_range": "Prior range of redshift, or null.",
    "provenance.prior_cuts.<target>": "Lowest and highest value of each prior cut, if any.",
    "provenance.draws_kept": "Draws that those cuts left.",
    "citation": "What to cite.",
}
"""What each entry of the JSON means."""

FORMAT_WORDS = {
    "json": "one object, as below",
    "latex": "one row of a table under comments that name its columns",
    "ecsv": "the draws; everything else as metadata",
    "parquet": "the draws; everything else as metadata that astropy reads",
    "fits": "extensions `POSTERIOR` (draws), `SUMMARY` (statistics), `METADATA` (JSON by key)",
    "votable": "the draws; everything else as INFO of the RESOURCE",
    "netcdf": "group `posterior` with dimensions `chain` (1) and `draw`, as ArviZ reads it",
    "html": "a report in one file, without scripts or requests",
    "pdf": "the same tables and figures",
}
"""What each format holds."""

_PATTERNS = {
    "<target>_<statistic>": rf"({'|'.join(TARGET_NAMES)})_({'|'.join(SUMMARY_STATISTICS)})",
    "p_<target>_measurable": rf"p_({'|'.join(MEASURABLE_NAMES)})_measurable",
    "<class>": "|".join(BPT_CLASSES),
}
_BAND_PATTERNS = {
    "<band>": "|".join(BANDS),
    "err_<band>": rf"err_({'|'.join(BANDS)})",
    "petro_<band>": rf"petro_({'|'.join(BANDS)})",
}
_KEYS = {
    "<target>": set(TARGET_NAMES),
    "<statistic>": set(SUMMARY_STATISTICS),
    "<class>": set(BPT_CLASSES),
    "<band>": set(BANDS),
}
_OPEN_KEYS = {"origins": "<what>", "versions": "<package>"}
"""Objects whose keys are not a closed set."""


def describe_targets() -> Iterator[str]:
    """Return a table of the nine targets."""
    yield from _table(
        ("Name", "Quantity", "Unit", "Range of the draws"),
        ((f"`{t.name}`", t.label, t.unit or "none", _interval(t.low, t.high)) for t in TARGETS),
    )


def describe_columns() -> Iterator[str]:
    """Return a table of the columns that a catalogue may have."""
    limits: dict[str, tuple[float, float] | None] = {}
    for column in COLUMNS:
        limits.setdefault(_name(column, _BAND_PATTERNS), LIMITS.get(column))
    yield from _table(
        ("Column", "Meaning", "Accepted"),
        (
            (f"`{name}`", COLUMN_WORDS[name], "text" if pair is None else _interval(*pair))
            for name, pair in limits.items()
        ),
    )


def describe_formats() -> Iterator[str]:
    """Return a table of the files that a result can be written to."""
    kinds = {**dict.fromkeys(DRAWS_FORMATS, "draws"), **dict.fromkeys(REPORT_FORMATS, "report")}
    yield from _table(
        ("Suffix", "Format", "Kind", "Content"),
        (
            (f"`{f.suffix}`", f.label, kinds.get(name, "summary"), FORMAT_WORDS[name])
            for name, f in FORMATS.items()
        ),
    )


def describe_json() -> Iterator[str]:
    """Return a table of the entries of the JSON, as results of an image and of magnitudes have."""
    engine = gx.load()
    spiral = engine.infer(
        bundled("assets/examples") / "spiral.fits.gz",
        redshift_range=(0.01, 0.3),
        cuts={"log_sfr": (-2, 3)},
        draws=1000,
    )
    plain = engine.infer(magnitudes={"g": 17.6, "r": 16.8, "i": 16.4}, redshift=0.05, draws=100)
    found: dict[str, str] = {}
    for result in (spiral, plain):
        for path, value in _entries({**result.to_dict(), "citation": ""}):
            if found.get(path) in (None, "null"):
                found[path] = _kind(value)
    # an object that is empty in one result may have entries in the other
    leaves = [p for p in found if not any(q.startswith((f"{p}.", f"{p}[]")) for q in found)]
    yield from _table(
        ("Entry", "Type", "Meaning"),
        ((f"`{path}`", found[path], JSON_WORDS[path]) for path in leaves),
    )


def describe_draws() -> Iterator[str]:
    """Return a table of the columns of the draws, with the unit that each format writes."""
    result = gx.infer(magnitudes={"g": 17.6, "r": 16.8, "i": 16.4}, draws=100)
    table = posterior_table(result)
    units = {target.name: target.unit for target in TARGETS}
    yield from _table(
        ("Column", "Type", "ECSV, Parquet (astropy)", "VOTable (CDS)", "FITS comment, netCDF"),
        (
            (
                f"`{name}`",
                str(table[name].dtype),
                f"`{UNITS[units[name]]}`" if str(UNITS[units[name]]) else "none",
                f"`{CDS_UNITS[units[name]]}`" if CDS_UNITS[units[name]] else "none",
                f"`{units[name]}`" if units[name] else "none",
            )
            for name in table.colnames
        ),
    )


def describe_catalogue() -> Iterator[str]:
    """Return a table of the columns of an inferred catalogue."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "galaxies.csv"
        Table({"id": ["a"], "g": [17.6], "r": [16.8], "i": [16.4]}).write(path)
        found = gx.load().infer_table(read_catalogue(path), draws=100)
    yield from _describe_columns(found)


def describe_target_list() -> Iterator[str]:
    """Return a table of the columns of an inferred list of targets."""
    yield from _describe_columns(summary_table([]))


def _describe_columns(table: Table) -> Iterator[str]:
    kinds: dict[str, str] = {}
    units: dict[str, str] = {}
    for name in table.colnames:
        column = table[name]
        kind = "text" if column.dtype.kind in "US" else str(column.dtype)
        family = _name(name, _PATTERNS)
        kinds.setdefault(family, kind)
        units.setdefault(family, "" if family in _PATTERNS else str(column.unit or ""))
    yield from _table(
        ("Column", "Type", "Unit", "Meaning"),
        ((f"`{name}`", kind, units[name], RESULT_WORDS[name]) for name, kind in kinds.items()),
    )


def _name(column: str, patterns: Mapping[str, str]) -> str:
    """Return the name of the family that a column belongs to, or its own."""
    return next((n for n, p in patterns.items() if re.fullmatch(p, column)), column)


def _entries(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Return path and value of every leaf of a JSON object."""
    if isinstance(value, Mapping) and value:
        last = path.rpartition(".")[2]
        for key, item in value.items():
            name = _OPEN_KEYS.get(last) or next((n for n, k in _KEYS.items() if key in k), key)
            yield from _entries(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for item in value:
            yield from _entries(item, f"{path}[]")
    else:
        yield path, value


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | np.number):
        return "number"
    kinds = {str: "string", list: "array", dict: "object", type(None): "null"}
    return kinds[type(value)]


def _interval(low: float, high: float) -> str:
    return f"{low:g} to {high:g}".replace("-", "\N{MINUS SIGN}")


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Return a Markdown table; a fault of the documentation if a cell would break it."""
    head = list(head)
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
