"""The data model of every file that galexplorer reads and writes, from the code that does it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from astropy.table import Table

import galexplorer as gx
from galexplorer import export
from galexplorer.catalogue import read_catalogue
from galexplorer.catalogue.columns import COLUMNS, LIMITS
from galexplorer.export.files import DRAWS_FORMATS, FORMATS, REPORT_FORMATS
from galexplorer.export.summary import SCHEMA_FILE
from galexplorer.export.target_tables import summary_table
from galexplorer.records.units import spell_cds
from galexplorer.schema import (
    BANDS,
    BPT_CLASSES,
    MEASURABLE_NAMES,
    SUMMARY_QUANTILES,
    SUMMARY_STATISTICS,
    TARGET_NAMES,
    TARGETS,
)
from galexplorer.science.columns import DRAW_MEANINGS, MEANINGS
from galexplorer.science.derived import DERIVED_NAMES
from galexplorer.science.glossary import GLOSSARY

COLUMN_WORDS = {
    "id": "Name of the row; its number, from 0, where the table has none.",
    "ra": "Right ascension, degrees (ICRS). Finds the galaxy in an image.",
    "dec": "Declination, degrees (ICRS).",
    "<band>": "Dereddened AB model magnitude in u, g, r, i or z.",
    "err_<band>": "Its 1σ error, mag.",
    "petro_<band>": "Dereddened Petrosian AB magnitude; needs a model magnitude of its band.",
    "petro_r50": "Petrosian half-light radius in r, arcsec.",
    "petro_r90": "Petrosian radius containing 90% of the light in r, arcsec.",
    "redshift": "Known redshift, held fixed.",
    "redshift_min": "Least redshift of this row's prior range.",
    "redshift_max": "Largest redshift of this row's prior range.",
    "redshift_prior_mean": "Mean of this row's own redshift prior, a Gaussian.",
    "redshift_prior_sigma": "Its standard deviation.",
    "image": "Path of an image, looked up beside the table first.",
    "image_<band>": "Path of an image of one band, g, r or i; all three or none.",
    "pixel_scale": "Side of a pixel of that image, arcsec.",
}
"""What a column of a catalogue means, by name or pattern."""

FAMILY_WORDS = {
    "<target>_<statistic>": "Quantiles, mean and standard deviation of the draws of each target.",
    "<derived>_<quantile>": "Quantiles of the draws of each derived quantity.",
    "<class>": "Probability of the BPT class, given that a spectrum shows the lines.",
    "p_<target>_measurable": "Probability that an SDSS spectrum would show the line at a "
    "signal-to-noise ratio above 3, or give a metallicity.",
}
"""What a family of columns of a table of results means; the others say so themselves."""

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
    "<derived>_<quantile>": rf"({'|'.join(DERIVED_NAMES)})_({'|'.join(SUMMARY_QUANTILES)})",
    "p_<target>_measurable": rf"p_({'|'.join(MEASURABLE_NAMES)})_measurable",
    "<class>": "|".join(BPT_CLASSES),
}
_BAND_PATTERNS = {
    "<band>": "|".join(BANDS),
    "err_<band>": rf"err_({'|'.join(BANDS)})",
    "petro_<band>": rf"petro_({'|'.join(BANDS)})",
    "image_<band>": rf"image_({'|'.join(BANDS)})",
}
_FAMILIES = {
    "<target>": TARGET_NAMES,
    "<derived>": DERIVED_NAMES,
    "<statistic>": SUMMARY_STATISTICS,
    "<quantile>": tuple(SUMMARY_QUANTILES),
    "<class>": BPT_CLASSES,
    "<quantity>": (*TARGET_NAMES, *DERIVED_NAMES),
}
"""Names that the JSON has in common as its keys."""


def describe_targets() -> Iterator[str]:
    """Return a table of the nine targets."""
    yield from _table(
        ("Name", "Quantity", "Unit", "Range of the draws"),
        ((f"`{t.name}`", t.label, t.unit or "none", _interval(t.low, t.high)) for t in TARGETS),
    )


def describe_glossary() -> Iterator[str]:
    """Return the words of the field, each with what it means."""
    for word, meaning in GLOSSARY.items():
        yield from (word, f": {meaning}", "")


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
    """Return a table of the entries of the JSON, from its schema."""
    schema = json.loads((Path(export.__path__[0]) / SCHEMA_FILE).read_text())
    yield from _table(
        ("Entry", "Type", "Meaning"),
        (
            (f"`{path}`", kind, words)
            for path, kind, words in _entries(schema["$defs"]["result"], schema["$defs"])
        ),
    )


def describe_draws() -> Iterator[str]:
    """Return a table of the columns of the draws, with the unit that each format writes."""
    yield from _table(
        ("Column", "Meaning", "ECSV, Parquet, FITS (astropy)", "VOTable (CDS)", "UCD"),
        (
            (
                f"`{name}`",
                meaning.description,
                f"`{meaning.unit}`" if meaning.unit else "none",
                f"`{spell_cds(meaning.unit)}`" if meaning.unit else "none",
                f"`{meaning.ucd}`",
            )
            for name, meaning in DRAW_MEANINGS.items()
        ),
    )


def describe_catalogue() -> Iterator[str]:
    """Return a table of the columns of an inferred catalogue."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "galaxies.csv"
        Table({"id": ["a"], "g": [17.6], "r": [16.8], "i": [16.4]}).write(path)
        found = gx.load().infer_table(read_catalogue(path), draws=100)
    found.remove_columns(["g", "r", "i"])  # the input's
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
        (
            (
                f"`{name}`",
                kind,
                units[name],
                FAMILY_WORDS.get(name) or f"{MEANINGS[name].description}.",
            )
            for name, kind in kinds.items()
        ),
    )


def _name(column: str, patterns: Mapping[str, str]) -> str:
    """Return the name of the family that a column belongs to, or its own."""
    return next((n for n, p in patterns.items() if re.fullmatch(p, column)), column)


def _entries(part: dict, defs: dict, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Return path, type and meaning of every entry that a JSON Schema describes."""
    if "$ref" in part:
        part = defs[part["$ref"].rpartition("/")[2]]
    properties = part.get("properties")
    if properties:
        family = next((n for n, names in _FAMILIES.items() if tuple(properties) == names), None)
        if family is not None:  # all alike
            first = next(iter(properties.values()))
            words = part.get("description", first.get("description", ""))
            yield from _entries({"description": words, **first}, defs, f"{path}.{family}")
            return
        for key, item in properties.items():
            yield from _entries(item, defs, f"{path}.{key}" if path else key)
    elif part.get("type") == "array" and "properties" in part["items"]:
        yield from _entries(part["items"], defs, f"{path}[]")
    else:
        words = part.get("description")
        assert words, f"{path} has no description in {SCHEMA_FILE}"
        kinds = part.get("type", "string")
        yield path, kinds if isinstance(kinds, str) else " or ".join(kinds), words


def _interval(low: float, high: float) -> str:
    return f"{low:g} to {high:g}".replace("-", "\N{MINUS SIGN}")


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Return a Markdown table; a fault of the documentation if a cell would break it."""
    head = list(head)
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
