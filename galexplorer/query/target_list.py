"""A list of targets: one a line, or a table with names, positions, redshifts or magnitudes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from astropy.table import Table

from galexplorer.catalogue import Catalogue
from galexplorer.catalogue.column_lookup import Names, key_of, list_names
from galexplorer.catalogue.columns import judge_catalogue
from galexplorer.catalogue.identifiers import check_identifiers
from galexplorer.catalogue.limits import clear_sentinels
from galexplorer.catalogue.photometry import has_photometry
from galexplorer.catalogue.positions import POSITION_KEYS, has_positions
from galexplorer.catalogue.row_redshift import Pair, read_redshift
from galexplorer.errors import InputError, TargetError
from galexplorer.query.parse import parse_target
from galexplorer.records.photometry import Photometry
from galexplorer.schema import BANDS
from galexplorer.tables.cells import MISSING_WORDS, numbers_of, texts_of
from galexplorer.tables.formats import Readable, explain_errors, read_raw
from galexplorer.tables.source import STDIN, open_source
from galexplorer.tables.text import SEPARATORS

MAX_TARGETS = 500
MAX_BYTES = 5_000_000

NAMES = ("target", "name", "object", "objid", "id")
"""Columns that name a target, the one that counts first; ``ra`` and ``dec`` do as well."""

KNOWN_REDSHIFT = "known_redshift"
"""Column of a redshift that is neither held fixed nor a prior."""

_COLUMNS = (*NAMES, "ra", "dec", "redshift", KNOWN_REDSHIFT, *BANDS)
_SPECTRA = ("specobjid", "spec_obj_id", "specid", "spobjid")
_KNOWN = {*_COLUMNS, *_SPECTRA, *POSITION_KEYS}
_SEPARATORS = re.compile(f"[{SEPARATORS}|]")
_NUMBER = r"(?P<z>[\d.]+(?:e-?\d+)?)"
_REDSHIFT = re.compile(
    rf"(?P<text>.*\S)\s*[,;\t]\s*(?:(?:z|redshift)\b\s*[=:]?\s*)?{_NUMBER}", re.I
)
_STATED = re.compile(rf"(?P<text>.*[^\s,;])[\s,;]+(?:z|redshift)\s*[=:]\s*{_NUMBER}", re.I)
_MOST_REDSHIFT = 5.0
"""A larger number after a comma is something else."""
_LEAST_REDSHIFT = -0.01
"""Of a known one: no galaxy comes nearer faster."""


@dataclass(frozen=True)
class Target:
    """One row of a list.

    Attributes
    ----------
    label : str
        What the list calls it.
    text : str
        What the search box takes: a name, a position or an objID; empty where the row has none.
    redshift : float or None
        To be held fixed, whether the model knows galaxies so far or not; NaN where what stands
        there is no number.
    photometry : Photometry or None
        The row's own magnitudes.
    notes : tuple of str
        What was wrong with the row.
    redshift_range : tuple or None
        Prior range of the row's own, where the redshift is not held fixed; None for a limit that
        it does not state.
    redshift_prior : tuple or None
        Mean and standard deviation of a Gaussian of the row's own, likewise.
    known_redshift : float or None
        Published redshift to compare with, which the model never sees.
    """

    label: str
    text: str
    redshift: float | None = None
    photometry: Photometry | None = None
    notes: tuple[str, ...] = ()
    redshift_range: Pair | None = None
    redshift_prior: Pair | None = None
    known_redshift: float | None = None

    @property
    def position(self) -> tuple[float | None, float | None]:
        """Return RA and Dec in degrees as the list states them, None and None if it does not."""
        try:
            reading = parse_target(self.text)
        except TargetError:  # told in its turn
            return None, None
        return reading.ra, reading.dec


@dataclass(frozen=True)
class TargetList:
    """A list that was read.

    Attributes
    ----------
    targets : tuple of Target
    notes : tuple of str
        What was ignored or left out, a sentence each.
    """

    targets: tuple[Target, ...]
    notes: tuple[str, ...] = ()


def read_targets(
    source: Readable,
    name: str = "targets.txt",
    *,
    columns: Mapping[str, str | None] | None = None,
    hdu: int | str | None = None,
    most: int = MAX_TARGETS,
) -> TargetList:
    """Read a list of targets.

    Parameters
    ----------
    source : bytes, str, Path, Table or DataFrame
        A file's content, a file, ``-`` for the standard input, or a table in memory: any table
        that `galexplorer.catalogue.read_catalogue` reads with a column ``target``, ``name``,
        ``objid``, or ``ra`` and ``dec``, or with magnitudes ``u, g, r, i, z``, and perhaps
        ``redshift``, or a range or prior of it, or ``known_redshift``; or text with one target a
        line, where a redshift may follow after a comma.
    name : str
        Of the file, for messages.
    columns : mapping of str to str or None, optional
        The table's column for a quantity, as in `galexplorer.catalogue.read_catalogue`.
    hdu : int or str, optional
        Which table of a file of several.
    most : int
        Targets that the list may have, for a run that is kept in memory.

    Returns
    -------
    TargetList

    Raises
    ------
    InputError
        If it is too large, damaged, or holds no target or too many.
    """
    if isinstance(source, bytes) and len(source) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB: split it.")
    with explain_errors(name):
        folder = isinstance(source, str | Path) and Path(source).is_dir()
    if isinstance(source, bytes) or (isinstance(source, str | Path) and not folder):
        content = _read_content(source, name)
        text = _as_text(content)
        if text is not None and not columns and not _has_header(text):
            return _bound(_read_lines(text), name, most)
        if isinstance(source, bytes) or source == STDIN:
            source = content
    return _bound(_read_table(source, name, columns, hdu), name, most)


def _read_content(source: "str | Path | bytes", name: str) -> bytes:
    if isinstance(source, bytes) and not source.strip():
        raise InputError(f"{name} holds no targets: write one a line, or a table with rows.")
    with explain_errors(name), open_source(source, name).stream as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB: split it.")
    return content


def _as_text(content: bytes) -> str | None:
    """Return the text, None for a format that is not plain text."""
    head = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    binary = head.startswith((b"PAR1", b"ARROW1", b"SIMPLE  =", b"<", b"# %ECSV", b"\\", b"|"))
    if binary or b"\0" in head or b"Byte-by-byte Description" in content:
        return None
    return content.decode("utf-8-sig", "replace")


def _has_header(text: str) -> bool:
    """Tell whether the first line that is no remark, or the last remark above it, names columns."""
    above = ""
    for line in text.splitlines():
        if line.startswith("#"):
            above = line.lstrip("# ")
        elif line.strip():
            return _names_columns(line) or (bool(above) and _names_columns(above, 2))
    return False


def _names_columns(line: str, least: int = 1) -> bool:
    cells = _SEPARATORS.split(line)
    if len(cells) == 1 and len(line.split()) > 1:
        cells, least = line.split(), 2  # a name of several words has one of these by chance
    return sum(key_of(cell) in _KNOWN for cell in cells) >= least


def _read_lines(text: str) -> TargetList:
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return TargetList(tuple(_read_line(line) for line in lines))


def _read_line(line: str) -> Target:
    """Read a target and perhaps its redshift, where the line is not a position with a comma."""
    tidy = " ".join(line.split())
    for pattern in (_STATED, _REDSHIFT):
        match = pattern.fullmatch(tidy if pattern is _STATED else line.strip())
        if match is None or (pattern is _REDSHIFT and _is_position(tidy)):
            continue
        text, redshift = match["text"].strip(), _redshift(match["z"])
        if redshift is not None and _is_target(text):
            return Target(text, text, redshift)
    return Target(tidy, tidy)


def _redshift(words: str) -> float | None:
    try:
        value = float(words)
    except ValueError:
        return None
    return value if 0 < value <= _MOST_REDSHIFT else None


def _is_position(text: str) -> bool:
    try:
        return parse_target(text).kind == "position"
    except TargetError:
        return False


def _is_target(text: str) -> bool:
    try:
        return bool(parse_target(text))
    except TargetError:
        return False


def _read_table(
    source: Readable,
    name: str,
    columns: Mapping[str, str | None] | None,
    hdu: int | str | None,
) -> TargetList:
    raw = read_raw(source, name=name, hdu=hdu, usable=_is_usable)
    names = Names(raw.table, raw.label, columns)
    named = {key: own for key in NAMES if (own := names.find(key)) is not None}
    if not (named or has_positions(names) or has_photometry(names)):
        spectra = names.find(*_SPECTRA)
        told = f"{spectra.name} names spectra, not galaxies on the sky; " if spectra else ""
        raise InputError(
            f"{name} has no column target, name, objid, ra and dec, or magnitudes u, g, r, i, z: "
            f"{told}name one of them so (its columns are: {list_names(raw.table.colnames)})."
        )
    for own in named.values():
        check_identifiers(own, name)
    if len(raw.table) == 0:
        return TargetList(())
    texts = {key: texts_of(own.column) for key, own in named.items()}
    catalogue = judge_catalogue(raw, names, of_targets=True)
    for role in ("ra", "dec", "redshift"):
        if role in catalogue.used:
            texts[role] = texts_of(raw.table[catalogue.used[role]])
    known = _known_redshifts(names, len(catalogue))
    given = np.isfinite(catalogue.magnitudes).any(axis=0)
    targets = tuple(
        _read_row(texts, catalogue, given, row, *known[row]) for row in range(len(catalogue))
    )
    return TargetList(targets, tuple(n for n in catalogue.notes if not _is_of_rows(n)))


def _known_redshifts(names: Names, number: int) -> list[tuple[float | None, str]]:
    """Return the known redshift of each row, and the flag of one that counts as missing."""
    own = names.find(KNOWN_REDSHIFT)
    if own is None:
        return [(None, "")] * number
    values, unreadable = numbers_of(own.column, own.name, names.label)
    values = clear_sentinels(values, "redshift")
    known: list[tuple[float | None, str]] = []
    for z, wrong in zip(values.tolist(), unreadable.tolist(), strict=True):
        if _LEAST_REDSHIFT < z <= _MOST_REDSHIFT:
            known.append((z, ""))
        else:
            flag = "unreadable" if wrong else "out_of_range" if np.isfinite(z) else ""
            known.append((None, f"{flag}:{KNOWN_REDSHIFT}" if flag else ""))
    return known


def _is_usable(table: Table) -> bool:
    names = Names(table, "")
    return has_positions(names) or any(names.all(key) for key in NAMES)


def _is_of_rows(note: str) -> bool:
    """Tell notes that each row repeats for itself, or that tell nothing in a list."""
    return "not used" in note or "count as missing" in note or "are not inferred" in note


def _read_row(
    texts: dict[str, np.ndarray],
    catalogue: Catalogue,
    given: np.ndarray,
    row: int,
    known_redshift: float | None,
    flag: str,
) -> Target:
    """Return a row's target; `given` tells of each band whether any row has it."""
    cells = {key: str(column[row]) for key, column in texts.items()}
    cells = {key: cell for key, cell in cells.items() if cell.lower() not in MISSING_WORDS}
    photometry = _photometry(catalogue, row)
    pictured = bool(given.any())
    named = next((cells[key] for key in NAMES[:-1] if key in cells), "")
    place = ""
    if np.isfinite(catalogue.ra[row]) and np.isfinite(catalogue.dec[row]):
        place = f"{catalogue.ra[row]:.6f} {catalogue.dec[row]:+.6f}"
    elif {"ra", "dec"} <= set(cells):
        place = f"{cells['ra']} {cells['dec']}"  # refused in its turn, with the reason
    # A position is surer than a name; beside columns of magnitudes an identifier is a number of
    # that table, not a name.
    text = place or named or ("" if pictured else cells.get("id", ""))
    label = named or cells.get("id", "") or place or f"row {row + 1}"
    flags = [own for own in (*str(catalogue.flags[row]).split(";"), flag) if own]
    gaps = (
        []
        if photometry is None
        else [
            band
            for band, there in zip(BANDS, given, strict=True)
            if there and band not in photometry.magnitudes
        ]
    )
    notes = _tell_missing(flags, gaps)
    stated = read_redshift(catalogue, row)
    limits, prior = stated.limits, stated.prior
    return Target(label, text, stated.fixed, photometry, notes, limits, prior, known_redshift)


def _tell_missing(flags: Sequence[str], gaps: Sequence[str]) -> tuple[str, ...]:
    """Return a note on what of a row is taken as missing, and why, none where nothing is.

    Examples
    --------
    >>> _tell_missing(["unreadable:g", "out_of_range:ra"], ["g", "r"])
    ('Taken as missing: g (unreadable), ra (out of range), r (no value).',)
    """
    found = {}
    for flag in flags:
        why, _, what = flag.partition(":")
        found[what or why] = why.replace("_", " ")
    found |= {band: "no value" for band in gaps if band not in found}
    told = ", ".join(f"{what} ({why})" for what, why in found.items())
    return (f"Taken as missing: {told}.",) if told else ()


def _photometry(catalogue: Catalogue, row: int) -> Photometry | None:
    def known(values: np.ndarray) -> dict[str, float]:
        return {b: float(v) for b, v in zip(BANDS, values, strict=True) if np.isfinite(v)}

    magnitudes = known(catalogue.magnitudes[row])
    if not magnitudes:
        return None
    r50, r90 = (float(column[row]) for column in (catalogue.petro_r50, catalogue.petro_r90))
    return Photometry(
        kind="catalogue",
        magnitudes=magnitudes,
        errors=known(catalogue.errors[row]),
        petro_r50=r50 if np.isfinite(r50) else None,
        petro_r90=r90 if np.isfinite(r90) else None,
    )


def _bound(found: TargetList, name: str, most: int) -> TargetList:
    kept: dict[int | Target, Target] = {}
    for number, target in enumerate(found.targets):
        asked = replace(target, label="", notes=(), known_redshift=None)
        key = number if target.photometry is not None else asked
        kept.setdefault(key, target)
    if not kept:
        raise InputError(f"{name} holds no targets: write one a line, or a table with rows.")
    if len(kept) > most:
        raise InputError(
            f"{name} contains {len(kept):,} targets, but at most {most:,} are allowed: "
            "split it, or infer galaxies with magnitudes as a catalogue."
        )
    repeated = len(found.targets) - len(kept)
    if not repeated:
        return found
    note = f"{repeated} repeated target{'s were' if repeated > 1 else ' was'} left out."
    return replace(found, targets=tuple(kept.values()), notes=(*found.notes, note))
