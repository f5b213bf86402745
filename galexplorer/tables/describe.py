"""What a file says of its columns beside their values: units, descriptions, UCDs."""

import io
import json

import numpy as np
import pyarrow as pa
from astropy.io import votable
from astropy.io.votable.tree import Resource, TableElement, VOTableFile
from astropy.table import Column, Table, meta

from galexplorer.records.units import is_logarithmic, spell_cds

VOTABLE_VERSION = "1.3"
"""The last that spells units as CDS does, where brackets mean the logarithm; the VOUnit of later
versions has no spelling for that."""


_WIDER = {"i1": "i2", "u2": "i4", "u4": "i8", "f2": "f4"}
"""Types of numbers that a VOTable has none of, and the smallest of its own that holds each."""


def to_votable(table: Table) -> VOTableFile:
    """Return a table as a VOTable: FIELDs with unit, UCD and description.

    Numbers of a type that a VOTable has none of are of the next larger one; unsigned integers of
    64 bits are text where one is too large.

    Parameters
    ----------
    table : astropy.table.Table
        Plain columns; a UCD is in ``column.meta["ucd"]``.

    Returns
    -------
    astropy.io.votable.tree.VOTableFile
    """
    bare = table.copy(copy_data=False)
    bare.meta = {}
    for name in bare.colnames:
        if (kind := _votable_type(bare[name])) is not None:
            bare.replace_column(name, bare[name].astype(kind))
    units = {name: bare[name].unit for name in bare.colnames}
    if not any(map(is_logarithmic, units.values())):
        return votable.from_table(bare)
    for name in bare.colnames:
        bare[name].unit = None
    file = VOTableFile(version=VOTABLE_VERSION)
    resource = Resource()
    file.resources.append(resource)
    resource.tables.append(TableElement.from_table(file, bare))
    for field in file.get_first_table().fields:
        if (unit := units[field.name]) is not None:
            field.unit = spell_cds(unit)
    return file


def _votable_type(column: Column) -> str | None:
    """Return the type that a column takes in a VOTable, None where it keeps its own."""
    kind = column.dtype.str[1:]
    if kind == "u8":
        largest = np.ma.compressed(column).max(initial=0)
        return "i8" if largest <= np.iinfo(np.int64).max else "U20"
    return _WIDER.get(kind)


def arrow_metadata(table: Table) -> dict[bytes, bytes]:
    """Return the metadata of a Parquet file, for each who reads it in their own way.

    Parameters
    ----------
    table : astropy.table.Table
        Plain columns; its rows are not looked at.

    Returns
    -------
    dict of bytes to bytes
        ``table_meta_yaml`` for astropy; ``PANDAS_ATTRS`` for pandas, which makes it
        ``DataFrame.attrs``; ``IVOA.VOTable-Parquet`` for STILTS and TOPCAT.

    References
    ----------
    VOParquet 1.0, www.ivoa.net/documents/Notes/VOParquet.
    """
    attributes = {
        kind: {name: words for name in table.colnames if (words := tell(table[name]).get(kind))}
        for kind in ("unit", "description", "ucd")
    }
    found = {
        "table_meta_yaml": "\n".join(meta.get_yaml_from_table(table)),
        "PANDAS_ATTRS": json.dumps(
            {f"{kind}s": words for kind, words in attributes.items()}, ensure_ascii=False
        ),
    }
    for name in table.colnames:
        kind = table[name].dtype
        if kind.kind in "US":
            found[f"table::len::{name}"] = str(
                max(kind.itemsize // (4 if kind.kind == "U" else 1), 1)
            )
    text = io.BytesIO()
    bare = table[:0]
    bare.meta = {}
    to_votable(bare).to_xml(text)
    found["IVOA.VOTable-Parquet.version"] = "1.0"
    found["IVOA.VOTable-Parquet.content"] = text.getvalue().decode()
    return {key.encode(): value.encode() for key, value in found.items()}


def describe_fields(schema: pa.Schema, table: Table, metadata: dict[bytes, bytes]) -> pa.Schema:
    """Return a schema whose fields carry unit, description and UCD, as pyarrow and polars show.

    Parameters
    ----------
    schema : pyarrow.Schema
        With the table's columns.
    table : astropy.table.Table
    metadata : dict of bytes to bytes
        Of the file.

    Returns
    -------
    pyarrow.Schema
    """
    fields = [
        part.with_metadata(tell(table[part.name])) if part.name in table.colnames else part
        for part in schema
    ]
    return pa.schema(fields, metadata=metadata)


def tell(column: object) -> dict[str, str]:
    """Return what is known of a column: unit, description, UCD, those that there are."""
    info = column.info  # type: ignore[attr-defined]
    words = {
        "unit": "" if info.unit is None else info.unit.to_string(),
        "description": info.description or "",
        "ucd": (info.meta or {}).get("ucd") or "",
    }
    return {key: value for key, value in words.items() if value}
