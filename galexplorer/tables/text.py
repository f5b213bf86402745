"""Tables in plain text, read in pieces; nothing in them is fatal but the header."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import itemgetter
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io import ascii as astropy_ascii
from astropy.table import Table

from galexplorer.errors import InputError
from galexplorer.tables.arrow import column_of
from galexplorer.tables.bounds import check_size
from galexplorer.tables.cells import MISSING_WORDS
from galexplorer.tables.unit_texts import check_text_units, is_harmless
from galexplorer.tables.units import is_unit_row

MAX_LINE = 2**20
PIECE_ROWS = 50_000
SEPARATORS = ",;\t"
_LOOK_AHEAD = 400
_RULE = re.compile(r"[-+|=\s,;:]*-{2,}[-+|=\s,;:]*")
_ROW_COUNT = re.compile(r"\(\d+ rows?\)")  # psql's last line
_INTEGER = r"^-?(0|[1-9][0-9]*)$"
_PADDED = r"^[+-]?0[0-9]+$"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_SEXTRACTOR = re.compile(r"#\s*1\s+[A-Z]\w*\b")


_WESTERN = "galexplorer-western"


def _decode_western(error: UnicodeError) -> tuple[str, int]:
    """Take bytes that are no UTF-8 for Windows' Western letters, as old programs write them."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_WESTERN, _decode_western)


@dataclass
class _Layout:
    """How the lines of a text part into cells."""

    header: list[str]
    separator: str | None
    spans: list[tuple[int, int]] = field(default_factory=list)
    units: list[str] = field(default_factory=list)

    def split(self, lines: Iterator[str]) -> Iterator[list[str]]:
        if self.spans:
            return (_slice(line, self.spans) for line in lines)
        if self.separator is None:
            spaced = (line.replace("\t", " ").strip() for line in lines)
            return csv.reader(spaced, delimiter=" ", skipinitialspace=True)
        if self.separator == "|":
            lines = (line.strip().strip("|") for line in lines)
        return csv.reader(lines, delimiter=self.separator)


def read_text(stream: BinaryIO, label: str) -> tuple[Table, np.ndarray, tuple[str, ...]]:
    """Read a table from text.

    Values stand between commas, semicolons, tabs, bars or spaces, or in columns of fixed width
    above which a line of dashes stands; CDS, IPAC and SExtractor tables are told by their
    beginning. Remarks, rows of units and rules are no rows. A row too short or too long is kept.

    Parameters
    ----------
    stream : BinaryIO
    label : str
        Of the table, for messages.

    Returns
    -------
    table : Table
    ragged : ndarray, shape (n,), bool
        Rows with more or fewer fields than the header.
    notes : tuple of str

    Raises
    ------
    InputError
        If it is no text, has a line without end or no header, or every row has too many fields.
    """
    lines = read_lines(stream, label)
    first = list(islice(lines, _LOOK_AHEAD))
    lines = chain(first, lines)
    format = _foreign_format(first)
    if format is not None:
        rules = [k for k, line in enumerate(first) if line.startswith("---")]
        heads = first[: rules[-1]] if format == "cds" and rules else first
        marks = {"ipac": ("|", "\\"), "sextractor": ("#",)}.get(format, ("",))
        check_text_units((line for line in heads if line.startswith(marks)), label)
        table = astropy_ascii.read([line.rstrip("\r\n") for line in lines], format=format)
        return Table(table, copy=False), np.zeros(len(table), bool), ()
    remarks: list[str] = []
    rows = _without_remarks(lines, remarks)
    start = next(rows, "")
    before = len(remarks)
    early = list(islice(rows, 3))
    layout, used = _lay_out(start, early, remarks[:before])
    header = layout.header
    if not header:
        raise InputError(f"{label} has none of the columns expected: it holds remarks alone.")
    check_size(0, len(header), label)
    body = chain(early[used:], rows) if used >= 0 else chain([start], early, rows)
    columns, ragged, overlong = _read_body(layout, body, label)
    notes = _tell_remarks([line for line in remarks[before:] if line.startswith("#")])
    if 1 < len(ragged) == overlong:
        raise InputError(
            f"every row of {label} has more fields than its {len(header)} columns: write decimal "
            "points, not commas, and quote texts that hold a separator."
        )
    table = Table()
    for k, name in enumerate(_name_all(header)):
        table[name] = column_of(_type(columns[k]))
        if layout.units and layout.units[k] and is_harmless(layout.units[k]):
            table[name].unit = layout.units[k]
    return table, np.array(ragged, bool), notes


def read_lines(stream: BinaryIO, label: str) -> Iterator[str]:
    """Yield the lines of a text, none longer than the limit."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors=_WESTERN, newline="")
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise InputError(f"{label} has a line of more than {MAX_LINE:,} characters: no table.")
        if "\0" in line:
            raise InputError(f"{label} is not text, nor any table that can be read here.")
        yield line
    text.detach()


def choose_separator(heading: str) -> str | None:
    """Return what parts the names of a header; None for spaces, or for a single name."""
    best = max(SEPARATORS, key=heading.count)
    if heading.count(best):
        return best
    return "|" if "|" in heading else None


def _foreign_format(lines: list[str]) -> str | None:
    """Name the format of astropy's that the beginning of a text declares."""
    for line in lines:
        if line.startswith(("Byte-by-byte Description", "# Byte-by-byte Description")):
            return "cds"
    filled = [line for line in lines if line.strip()]
    if filled and filled[0].startswith("\\"):
        return "ipac"
    bars = [line for line in filled[:3] if line.startswith("|") and not _RULE.fullmatch(line)]
    if len(bars) >= 2 and re.search(r"\|\s*(double|float|int|long|char|d|r|i|c)\s*\|", bars[1]):
        return "ipac"
    if filled and _SEXTRACTOR.match(filled[0]):
        return "sextractor"
    return None


def _without_remarks(lines: Iterator[str], remarks: list[str]) -> Iterator[str]:
    """Leave out remarks and blank lines, but not what stands within quotes."""
    quoted = False
    for line in lines:
        if not quoted and (line.startswith("#") or _ROW_COUNT.fullmatch(line.strip())):
            remarks.append(line)
            continue
        if not quoted and not line.strip():
            continue
        quoted ^= line.count('"') % 2 == 1
        yield line


def _lay_out(start: str, early: list[str], remarks: list[str]) -> tuple[_Layout, int]:
    """Find header, units and rule; tell how many of the early lines belong to them.

    -1 stands for a header within the remarks: the first line is data already.
    """
    separator = choose_separator(start)
    names = _cells(start, separator)
    if any(_NUMBER.fullmatch(name) for name in names):
        for remark in reversed(remarks):
            words = remark.lstrip("#").strip()
            found = _cells(words, separator)
            if len(found) == len(names) and not any(_NUMBER.fullmatch(name) for name in found):
                return _Layout(found, separator), -1
    if len(names) == 1:  # a single column, whose values may hold spaces
        separator = "\t"
    rules = [k for k, line in enumerate(early[:2]) if _RULE.fullmatch(line.strip("\r\n"))]
    layout = _Layout(names, separator)
    used = 0
    if rules:
        rule = early[rules[0]].rstrip("\r\n")
        if separator is None:
            layout.spans = [match.span() for match in re.finditer(r"[-=]+", rule)]
            layout.header = names = _slice(start, layout.spans)
        used = rules[0] + 1
        if rules[0] == 1:
            layout.units = next(layout.split(iter(early[:1])), [])
    elif early:
        row = next(layout.split(iter(early[:1])), [])
        if len(row) == len(names) and is_unit_row(row):
            layout.units, used = row, 1
    layout.units = [text.strip() for text in layout.units]
    if len(layout.units) != len(names):
        layout.units = []
    return layout, used


def _cells(line: str, separator: str | None) -> list[str]:
    layout = _Layout([], separator)
    return [cell.strip() for cell in next(layout.split(iter([line])), [])]


def _slice(line: str, spans: list[tuple[int, int]]) -> list[str]:
    line = line.rstrip("\r\n")
    ends = [span[1] for span in spans[:-1]] + [max(len(line), spans[-1][1])]
    return [line[span[0] : end].strip() for span, end in zip(spans, ends, strict=True)]


def _read_body(
    layout: _Layout, lines: Iterator[str], label: str
) -> tuple[list[pa.ChunkedArray], list[bool], int]:
    width = len(layout.header)
    chunks: list[list[pa.Array]] = [[] for _ in range(width)]
    ragged: list[bool] = []
    overlong = 0
    # In pieces, since five million rows of Python strings would fill the memory.
    for piece in _split(layout.split(lines), width):
        fields = [_square(row, width) for row in piece]
        for row, fitted in zip(piece, fields, strict=True):
            spare = any(row[width:])
            overlong += spare
            ragged.append(fitted is not row and (len(row) < width or spare))
        check_size(len(ragged), width, label)
        for k in range(width):
            chunks[k].append(pa.array(map(itemgetter(k), fields), pa.string()))
    return [pa.chunked_array(own, pa.string()) for own in chunks], ragged, overlong


def _split(rows: Iterator[list[str]], width: int) -> Iterator[list[list[str]]]:
    """Yield the rows in pieces, without the blank lines."""
    filled = (row for row in rows if row and not (width > len(row) == 1 and not row[0].strip()))
    while piece := list(islice(filled, PIECE_ROWS)):
        yield piece


def _square(row: list[str], width: int) -> list[str]:
    """Fit a row to the header; where values are left over, none can be trusted."""
    if len(row) == width:
        return row
    return row[:width] + [""] * (width - len(row)) if not any(row[width:]) else [""] * width


def _type(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Turn a column of texts into integers or numbers, where all of them are."""
    texts = pc.utf8_trim_whitespace(texts)
    missing = pc.is_in(pc.utf8_lower(texts), pa.array(sorted(MISSING_WORDS)))
    values = pc.if_else(missing, pa.scalar(None, pa.string()), texts)
    if values.null_count == len(values):
        return texts
    # a leading zero is part of a name, not of a number, and no float holds the digits of an id
    if pc.any(pc.match_substring_regex(values, _PADDED)).as_py():
        return texts
    whole = pc.all(pc.match_substring_regex(values, _INTEGER)).as_py()
    for type in (pa.int64(), pa.uint64()) if whole else (pa.float64(),):
        try:
            return pc.cast(values, type)
        except pa.ArrowInvalid:
            continue
    return texts


def _name_all(header: list[str]) -> list[str]:
    """Give each column a name of its own, as a table must; a repeated one keeps its spelling."""
    names: list[str] = []
    for k, name in enumerate(header):
        name = name or f"column_{k + 1}"
        while name in names:
            name += " "  # told apart here, one and the same to who looks for a column
        names.append(name)
    return names


def _tell_remarks(remarks: list[str]) -> tuple[str, ...]:
    within = [line for line in remarks if not line.startswith("#END#")]  # VizieR's last line
    if not within:
        return ()
    if len(within) == 1:
        return ("1 line that begins with # was taken as a remark.",)
    return (f"{len(within)} lines that begin with # were taken as remarks.",)
