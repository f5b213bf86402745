"""VOTables in XML, bounded before they are parsed."""

import io
import math
import re
from typing import BinaryIO

from astropy.io import votable
from astropy.table import Table

from galexplorer.errors import InputError
from galexplorer.tables import bounds
from galexplorer.tables.bounds import check_size
from galexplorer.tables.meta import META, unpack_meta
from galexplorer.tables.unit_texts import check_xml_units

_PLACE = re.compile(r"^_?ra|^_?dec?(l|j|b|_|\b|\d)|pos\.eq")
_OLD_FRAMES = ("fk4", "b1950", "galactic", "supergalactic", "ecl")


def read_votable(stream: BinaryIO, label: str) -> list[tuple[str, Table]]:
    """Read the tables of a VOTable: TABLEDATA, BINARY or BINARY2.

    Parameters
    ----------
    stream : BinaryIO
    label : str

    Returns
    -------
    list of (str, Table)
        Each with its place, such as ``[0]``.

    Raises
    ------
    InputError
        If it defines entities, refers to data elsewhere, is beyond the bounds, reports a failed
        query, or has no table.
    """
    content = stream.read()
    # Entities can expand without end, a stream can point at any file or address, and the
    # row count is believed before a row is read.
    if b"<!ENTITY" in content or b"\0" in content[:1024]:
        raise InputError(f"{label} defines XML entities or is not UTF-8, which is not accepted.")
    if re.search(rb"<(\w+:)?(STREAM|VALUES)\b[^>]*\bhref\b", content):
        raise InputError(
            f"{label} refers to data elsewhere: save the VOTable with its data inside."
        )
    check_xml_units(content, label)
    failed = re.search(rb"<(?:\w+:)?INFO\b[^>]*\bvalue=[\"']ERROR[\"'][^>]*>([^<]*)", content)
    if failed and b"QUERY_STATUS" in failed[0]:
        reason = " ".join(failed[1].decode("utf-8", "replace").split())[:200]
        raise InputError(f"{label} is a service's answer that its query failed: {reason}.")
    declared = [int(n) for n in re.findall(rb"\bnrows\s*=\s*[\"'](\d{1,18})", content)]
    width = sum(
        math.prod(int(n) for n in re.findall(rb"\d{1,18}", size))
        for size in re.findall(rb"\barraysize\s*=\s*[\"']([\dx]{1,100})\*?[\"']", content)
    )
    rows = max(declared, default=0)
    check_size(rows, 0, label)
    if max(rows, 1) * width > bounds.MAX_CELLS:
        raise InputError(f"{label} declares more data than a file may hold here.")
    parsed = votable.parse(io.BytesIO(content), verify="ignore")
    tables = []
    for k, own in enumerate(parsed.iter_tables()):
        check_size(len(own.array), len(own.fields), label)
        for field in own.fields:
            _check_frame(field, parsed, label)
        table = own.to_table(use_names_over_ids=True)
        told = [info.value for info in parsed.resources[0].infos if info.name == META]
        unpack_meta(table, told[0] if told else None)
        tables.append((f"[{k}]", table))
    if not tables:
        raise InputError(f"{label} is XML without a VOTable's TABLE.")
    return tables


def _check_frame(field: votable.tree.Field, parsed: votable.tree.VOTableFile, label: str) -> None:
    """Refuse right ascensions and declinations that the file says are of another frame."""
    if not field.ref or not _PLACE.search(f"{field.name} {field.ucd}".lower()):
        return
    for system in parsed.iter_coosys():
        words = f"{system.system} {system.equinox}".lower()
        if field.ref == system.ID and any(word in words for word in _OLD_FRAMES):
            raise InputError(
                f"column {field.name} of {label} is of the system {system.system}: give J2000 "
                "(ICRS) positions."
            )
