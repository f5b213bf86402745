"""The catalogue that a survey leaves: what each column is, and whether all of it is there."""

import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import hats
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units as u
from astropy.table import Column, Table
from hats.catalog import TableProperties
from lsdb.io.to_hats import DONE_DIR_NAME, HISTOGRAM_DIR_NAME

from galexplorer.schema import TARGETS
from galexplorer.science.columns import DRAW_MEANINGS
from galexplorer.survey.partitions import DRAWS_COLUMN
from galexplorer.tables.describe import arrow_metadata, describe_fields

_PIXEL = re.compile(r"(\d+)_(\d+)_(?:done|histogram\.npz)")


def data_files(folder: Path) -> list[Path]:
    """Return the partitions that lie in a catalogue, in the order of their names."""
    return sorted((folder / "dataset").rglob("Npix=*.parquet"))


def count_rows(folder: Path) -> int:
    """Return the rows of a catalogue that is complete, by its own word; -1 of any other."""
    try:
        return int(TableProperties.read_from_dir(folder).total_rows or 0)
    except (OSError, ValueError, KeyError, AttributeError, pa.ArrowException):
        return -1


def tidy_progress(folder: Path) -> int:
    """Leave of a run that was cut short only partitions that are whole.

    Parameters
    ----------
    folder : Path
        Of the catalogue.

    Returns
    -------
    int
        How many there are.

    Notes
    -----
    lsdb writes a partition, a histogram of it, and a mark that both are done, and goes on only
    where each mark has its histogram; a process may end, or a disk be full, between any two.
    """
    done, histograms = folder / DONE_DIR_NAME, folder / HISTOGRAM_DIR_NAME
    whole = 0
    marks = {_pixel_of(path): path for path in _list(done)}
    kept = {_pixel_of(path): path for path in _list(histograms)}
    for pixel in {*marks, *kept}:
        if pixel in marks and pixel in kept and _is_whole(folder, pixel, kept[pixel]):
            whole += 1
            continue
        for path in (marks.get(pixel), kept.get(pixel)):
            if path is not None:
                path.unlink()
    return whole


def done_pixels(folder: Path) -> list[tuple[int, int]]:
    """Return order and number of the partitions that are done."""
    return [_pixel_of(path) for path in _list(folder / DONE_DIR_NAME)]


def _list(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*") if _PIXEL.fullmatch(path.name))


def _pixel_of(path: Path) -> tuple[int, int]:
    match = _PIXEL.fullmatch(path.name)
    assert match is not None
    return int(match[1]), int(match[2])


def _is_whole(folder: Path, pixel: tuple[int, int], histogram: Path) -> bool:
    order, number = pixel
    named = f"Norder={order}/Dir={number // 10_000 * 10_000}/Npix={number}.parquet"
    try:
        with np.load(histogram) as content:
            for name in content.files:
                content[name].sum()  # reads it all, and compares its checksum
        pq.read_metadata(folder / "dataset" / named)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, pa.ArrowException):
        return False
    return True


def describe_catalogue(
    folder: Path, results: Table, inputs: Mapping[str, Mapping[str, str]], notes: Mapping
) -> None:
    """Give every column of every file its unit, description and UCD.

    Parameters
    ----------
    folder : Path
        Of the catalogue, whose partitions are all there.
    results : Table
        No rows; columns of results with what they mean.
    inputs : mapping of str to mapping
        What is known of the columns that came with the input.
    notes : mapping
        Metadata of the whole, written once: into ``_common_metadata``.
    """
    for left in (folder / "dataset").rglob(".*.part"):  # by a process that was killed
        left.unlink()
    remove_progress(folder)
    files = data_files(folder)
    schema = pq.read_schema(files[0])
    template = _template(schema, results, inputs)
    told = arrow_metadata(template)
    for path in files:
        if b"table_meta_yaml" not in (pq.read_schema(path).metadata or {}):
            _rewrite(path, template, told)
    hats.io.write_parquet_metadata(folder, create_per_partition_stats=True)
    common = folder / "dataset" / "_common_metadata"
    template.meta = dict(notes)
    described = _describe(pq.read_schema(files[0]), template, arrow_metadata(template))
    pq.write_metadata(described, f"{common}.part")
    os.replace(f"{common}.part", common)


def _template(schema: pa.Schema, results: Table, inputs: Mapping[str, Mapping[str, str]]) -> Table:
    """Return a table of no rows with the columns of a file that astropy can hold."""
    template = Table()
    for field in schema:
        if field.name in results.colnames and field.name != "id":
            template[field.name] = results[field.name]
            continue
        kind = field.type
        if pa.types.is_nested(kind):
            continue
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        column = Column(np.empty(0, "U1" if text else kind.to_pandas_dtype()))
        words = inputs.get(field.name, {})
        if field.name in results.colnames:
            column.description = results[field.name].description
            column.meta = dict(results[field.name].meta)
        elif field.name == "_healpix_29":
            column.description = "HEALPix number of order 29, nested, by which rows are filed"
            column.meta["ucd"] = "pos.healpix"
        column.description = words.get("description") or column.description
        if words.get("unit"):
            column.unit = u.Unit(words["unit"], parse_strict="silent")
        if words.get("ucd"):
            column.meta["ucd"] = words["ucd"]
        template[field.name] = column
    return template


def _describe(schema: pa.Schema, template: Table, told: dict[bytes, bytes]) -> pa.Schema:
    described = describe_fields(schema, template, told)
    place = described.get_field_index(DRAWS_COLUMN)
    if place < 0:
        return described
    words = "Posterior draws of the targets: " + ", ".join(
        f"{target.name} ({DRAW_MEANINGS[target.name].description})" for target in TARGETS
    )
    field = described.field(place).with_metadata({"description": words, "ucd": "stat.sample"})
    return described.set(place, field)


def _rewrite(path: Path, template: Table, told: dict[bytes, bytes]) -> None:
    table = pq.ParquetFile(path).read()
    schema = _describe(table.schema, template, told)
    part = path.with_name(f".{path.name}.part")
    try:
        pq.write_table(pa.Table.from_arrays(table.columns, schema=schema), part, compression="zstd")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping) -> None:
    """Write a file of JSON, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, path)


def remove_progress(folder: Path) -> None:
    """Remove marks of progress from a catalogue that is complete."""
    for name in (DONE_DIR_NAME, HISTOGRAM_DIR_NAME):
        shutil.rmtree(folder / name, ignore_errors=True)
