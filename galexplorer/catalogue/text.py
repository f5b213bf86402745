"""Separated values, read in pieces; nothing in them is fatal but the header."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

import numpy as np

from galexplorer.catalogue.raw import RawTable, Select, check_size, list_ignored, parse_numbers
from galexplorer.errors import InputError

MAX_LINE = 2**20
PIECE_ROWS = 50_000
SEPARATORS = ",;\t"


def read_csv(stream: BinaryIO, path: Path, select: Select, numbers: Sequence[str]) -> RawTable:
    """Read values between commas, semicolons or tabs, whichever the header has most of.

    A row too short or too long is kept and marked ragged.
    """
    lines = read_lines(stream, path, skip_comments=True)
    heading = next(lines, "")
    rows = csv.reader(chain([heading], lines), delimiter=max(SEPARATORS, key=heading.count))
    header = [name.strip() for name in next(rows, [])]
    check_size(0, len(header), path)
    chosen = select(header, path)
    columns: dict[str, list[tuple[np.ndarray, ...]]] = {column: [] for column in chosen}
    ragged: list[bool] = []
    # In pieces, since five million rows of Python strings would fill the memory.
    for piece in _split(rows, len(header)):
        fields = [_square(row, len(header)) for row in piece]
        ragged += [
            fitted is not row and (len(row) < len(header) or any(row[len(header) :]))
            for row, fitted in zip(piece, fields, strict=True)
        ]
        check_size(len(ragged), 0, path)
        for column, name in chosen.items():
            own = list(map(itemgetter(header.index(name)), fields))
            columns[column].append(parse_numbers(own) if column in numbers else (_strip(own),))

    def join(column: str, part: int) -> np.ndarray:
        return np.concatenate([parts[part] for parts in columns[column]])

    own_numbers = [column for column in chosen if column in numbers and ragged]
    return RawTable(
        length=len(ragged),
        numbers={column: join(column, 0) for column in own_numbers},
        unreadable={column: join(column, 1) for column in own_numbers},
        texts={c: join(c, 0) for c in chosen if c not in numbers and ragged},
        ragged=np.array(ragged, dtype=bool),
        ignored=list_ignored(header, chosen),
    )


def read_lines(stream: BinaryIO, path: Path, skip_comments: bool = False) -> Iterator[str]:
    """Yield the lines of a text, none longer than the limit."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    heading = skip_comments
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise InputError(f"{path} has a line of more than {MAX_LINE:,} characters: no table.")
        if "\0" in line:
            raise InputError(f"{path} is not text, nor any table that can be read here.")
        # SkyServer and others put remarks before the header.
        if heading and (line.startswith("#") or not line.strip()):
            continue
        heading = False
        yield line
    text.detach()


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


def _strip(texts: Sequence[str]) -> np.ndarray:
    stripped = np.empty(len(texts), dtype=object)
    stripped[:] = [text.strip() for text in texts]
    return stripped
