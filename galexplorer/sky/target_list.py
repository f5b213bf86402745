"""A list of targets: one a line, or a table with names, positions, redshifts or magnitudes."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from galexplorer.catalogue import Catalogue, read_catalogue
from galexplorer.catalogue.formats import read_raw
from galexplorer.catalogue.raw import MISSING_WORDS, RawTable
from galexplorer.catalogue.text import SEPARATORS
from galexplorer.errors import InputError, TargetError
from galexplorer.records.photometry import Photometry
from galexplorer.schema import BANDS, TARGETS
from galexplorer.sky.parse import parse_target

MAX_TARGETS = 500
MAX_BYTES = 5_000_000

NAMES = ("target", "name", "object", "objid", "id")
"""Columns that name a target, the one that counts first; ``ra`` and ``dec`` do as well."""

_COLUMNS = (*NAMES, "ra", "dec", "redshift", *BANDS)
_SEPARATORS = re.compile(f"[{SEPARATORS}]")
_REDSHIFT = re.compile(r"(?P<text>.*\S)\s*[,;\t]\s*(?:z\s*=\s*)?(?P<z>[\d.]+(?:e-?\d+)?)", re.I)
_STATED = re.compile(r"(?P<text>.*\S)\s+z\s*=\s*(?P<z>[\d.]+(?:e-?\d+)?)", re.I)


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
        To be held fixed.
    photometry : Photometry or None
        The row's own magnitudes.
    notes : tuple of str
        What was wrong with the row.
    """

    label: str
    text: str
    redshift: float | None = None
    photometry: Photometry | None = None
    notes: tuple[str, ...] = ()


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


def read_targets(content: bytes, name: str = "targets.txt") -> TargetList:
    """Read a list of targets from a file's content.

    Parameters
    ----------
    content : bytes
        CSV, ECSV, Parquet, FITS or VOTable with a column ``target``, ``name``, ``objid``, or
        ``ra`` and ``dec``, or with magnitudes ``u, g, r, i, z``, and perhaps ``redshift``; or
        text with one target a line, where a redshift may follow after a comma.
    name : str
        Of the file, for messages.

    Returns
    -------
    TargetList

    Raises
    ------
    InputError
        If it is too large, damaged, or holds no target or too many.
    """
    if len(content) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB: split it.")
    text = _as_lines(content)
    if text is None:
        found = _read_table(content, name)
    elif _has_header(text):
        found = _read_table(text.encode(), "targets.csv")
    else:
        found = _read_lines(text)
    return _bound(found, name)


def _as_lines(content: bytes) -> str | None:
    """Return the text without remarks, None for a format that is not plain text."""
    head = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    packed = head.startswith((b"\x1f\x8b", b"BZh", b"PAR1", b"SIMPLE  =", b"<", b"# %ECSV"))
    if packed or b"\0" in head:
        return None
    lines = content.decode("utf-8-sig", "replace").splitlines()
    return "\n".join(line for line in lines if line.strip() and not line.startswith("#"))


def _has_header(text: str) -> bool:
    head = text.partition("\n")[0]
    return any(cell.strip().lower() in _COLUMNS for cell in _SEPARATORS.split(head))


def _read_lines(text: str) -> TargetList:
    return TargetList(tuple(_read_line(line) for line in text.splitlines()))


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
    return value if 0 < value <= TARGETS[0].high else None


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


def _read_table(content: bytes, name: str) -> TargetList:
    # The readers take paths, and tell formats by content.
    with TemporaryDirectory() as folder:
        path = Path(folder) / (Path(name).name[-80:] or "targets")
        path.write_bytes(content)
        try:
            raw = read_raw(path, _select, ())
            photometric = any(band in raw.texts for band in BANDS)
            catalogue = read_catalogue(path) if photometric else None
        except InputError as error:
            # The user knows the file by its name alone.
            raise InputError(str(error).replace(f"{folder}/", "")) from error
    notes = catalogue.notes if catalogue is not None else ()
    targets = tuple(_read_row(raw, catalogue, row) for row in range(raw.length))
    return TargetList(targets, tuple(note for note in notes if "not used" not in note))


def _select(names: list[str], path: Path) -> dict[str, str]:
    known = {own.strip().lower(): own for own in reversed(names)}
    chosen = {column: known[column] for column in _COLUMNS if column in known}
    named = any(column in chosen for column in NAMES[:-1]) or {"ra", "dec"} <= set(chosen)
    if not (named or "id" in chosen or any(band in chosen for band in BANDS)):
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        raise InputError(
            f"{path} has no column target, name, objid, ra and dec, or magnitudes u, g, r, i, z: "
            f"name one of them so (its columns are: {shown})."
        )
    return chosen


def _read_row(raw: RawTable, catalogue: Catalogue | None, row: int) -> Target:
    cells = {name: str(column[row]).strip() for name, column in raw.texts.items()}
    cells = {name: cell for name, cell in cells.items() if cell.lower() not in MISSING_WORDS}
    photometry = None if catalogue is None else _photometry(catalogue, row)
    named = next((cells[name] for name in NAMES[:-1] if name in cells), "")
    place = ""
    if {"ra", "dec"} <= set(cells):
        place = f"{_degrees(cells['ra'], '.6f')} {_degrees(cells['dec'], '+.6f')}"
    # A position is surer than a name; beside columns of magnitudes an identifier is a number of
    # that table, not a name.
    text = place or named or ("" if catalogue is not None else cells.get("id", ""))
    label = named or cells.get("id", "") or place or f"row {row + 1}"
    redshift = cells.get("redshift")
    notes: tuple[str, ...] = ()
    if catalogue is not None and catalogue.flags[row]:
        notes = (f"Taken as missing: {str(catalogue.flags[row]).replace(';', ', ')}.",)
    value = _redshift(redshift) if redshift is not None else None
    if redshift is not None and value is None:
        notes += (f"The redshift {redshift} is not between 0 and {TARGETS[0].high}: left free.",)
    return Target(label, text, value, photometry, notes)


def _degrees(words: str, form: str) -> str:
    try:
        return format(float(words), form)
    except ValueError:
        return words


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


def _bound(found: TargetList, name: str) -> TargetList:
    kept: dict[object, Target] = {}
    for number, target in enumerate(found.targets):
        key = number if target.photometry is not None else (target.text, target.redshift)
        kept.setdefault(key, target)
    if not kept:
        raise InputError(f"{name} holds no targets: write one a line, or a table with rows.")
    if len(kept) > MAX_TARGETS:
        raise InputError(
            f"{name} holds {len(kept):,} targets, and {MAX_TARGETS} are the most at a time: split "
            "it; whole catalogues of magnitudes are for `galexplorer infer --catalog`."
        )
    repeated = len(found.targets) - len(kept)
    if not repeated:
        return found
    note = f"{repeated} repeated target{'s were' if repeated > 1 else ' was'} left out."
    return replace(found, targets=tuple(kept.values()), notes=(*found.notes, note))
