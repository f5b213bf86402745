"""Parquet, Feather, HATS folders and pandas, which all are Arrow's columns."""

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Column, MaskedColumn, Table, meta, serialize

from galexplorer.errors import InputError
from galexplorer.tables import bounds
from galexplorer.tables.bounds import check_size, most_unpacked
from galexplorer.tables.cells import pack_texts
from galexplorer.tables.footer import count_values
from galexplorer.tables.messages import unpacked_bytes
from galexplorer.tables.yaml_header import check_yaml_header

if TYPE_CHECKING:
    import pandas as pd

MAX_FILES = 20_000
BATCH_ROWS = 8_192
_LEAST = 2**28
"""Bytes that the smallest file may unpack to."""
_FEATHER_MAGIC = len(b"ARROW1\0\0")
_ASTROPY = b"table_meta_yaml"
_HATS = ("hats.properties", "properties", "partition_info.csv", "collection.properties")


def read_parquet(stream: BinaryIO, label: str) -> tuple[Table, tuple[str, ...]]:
    """Read a Parquet file, with the units and columns of many parts that astropy wrote into it.

    Raises
    ------
    InputError
        If it is beyond the bounds.
    """
    limit = most_unpacked(stream.seek(0, io.SEEK_END), _LEAST, 4 * bounds.MAX_BYTES)
    with _open_parquet(stream) as file:
        check_size(file.metadata.num_rows, len(file.schema_arrow.names), label)
        _check_unpacked([file], [stream], label, limit)
        parts, left_out = _read_batches(file, label, limit)
    return table_of(parts, label, limit, left_out)


def read_feather(stream: BinaryIO, label: str) -> tuple[Table, tuple[str, ...]]:
    """Read a Feather file, also called Arrow IPC file, batch by batch.

    Raises
    ------
    InputError
        If it is beyond the bounds.
    """
    content = pa.py_buffer(stream.read())
    limit = most_unpacked(len(content), _LEAST, 4 * bounds.MAX_BYTES)
    # read as the stream that the file holds: its footer could point at other messages
    messages = content.slice(_FEATHER_MAGIC)
    _check_memory(unpacked_bytes(messages), label, limit)
    with pa.ipc.open_stream(messages) as file:
        check_size(0, len(file.schema), label)
        batches, rows = [], 0
        for batch in file:
            batch.validate(full=True)  # first: offsets beyond a buffer would end the process
            batches.append(batch)
            rows += batch.num_rows
            check_size(rows, len(file.schema), label)
        parts = pa.Table.from_batches(batches, file.schema)
    return table_of(parts, label, limit)


def is_hats(folder: Path) -> bool:
    """Tell whether a folder is a HATS catalogue."""
    return folder.is_dir() and any((folder / name).is_file() for name in _HATS)


def read_hats(folder: Path, label: str) -> tuple[Table, tuple[str, ...]]:
    """Read the partitions of a HATS catalogue, in the order of the sky.

    Parameters
    ----------
    folder : Path
        Of the catalogue, or of a collection that names it.
    label : str

    Raises
    ------
    InputError
        If it has no partitions, or is beyond the bounds.
    """
    paths = list_partitions(folder, label)
    files = [_open_parquet(path) for path in paths]
    packed = sum(path.stat().st_size for path in paths)
    limit = most_unpacked(packed, _LEAST, 4 * bounds.MAX_BYTES)
    left_out: list[str] = []
    try:
        rows = sum(file.metadata.num_rows for file in files)
        check_size(rows, len(files[0].schema_arrow.names), label)
        _check_unpacked(files, paths, label, limit)
        read = [_read_batches(file, label, limit) for file in files]
        left_out = list(dict.fromkeys(name for _, names in read for name in names))
        parts = pa.concat_tables([own for own, _ in read], promote_options="default")
        _check_memory(_size(parts), label, limit)
    finally:
        for file in files:
            file.close()
    return table_of(parts, label, limit, left_out)


def list_partitions(folder: Path, label: str) -> list[Path]:
    """Return the files of a HATS catalogue, in the order of the sky.

    Raises
    ------
    InputError
        If there is none, or there are too many.
    """
    folder = _primary(folder, label)
    paths = sorted(
        (path for path in (folder / "dataset").rglob("*.parquet") if path.name[0] not in "._"),
        key=lambda path: [int(n) for n in re.findall(r"\d+", str(path.relative_to(folder)))],
    )
    if not paths:
        raise InputError(f"{label} is a HATS folder without partitions in its folder dataset.")
    if len(paths) > MAX_FILES:
        raise InputError(f"{label} has more than {MAX_FILES:,} partitions: infer it in parts.")
    return paths


def read_pieces(path: Path, label: str, rows: int) -> Iterator[tuple[Table, tuple[str, ...]]]:
    """Yield a Parquet file of any length as tables of so many rows: it is never held whole.

    Raises
    ------
    InputError
        If one of them is beyond the bounds.
    """
    limit = 4 * bounds.MAX_BYTES
    with _open_parquet(path) as file:
        schema = file.schema_arrow
        check_size(rows, len(schema.names), label)
        groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
        _check_memory(max((own.total_byte_size for own in groups), default=0), label, limit)
        if any(pa.types.is_nested(own.type) for own in schema):
            _check_unpacked([file], [path], label, limit)
        names = [own.name for own in schema if not _is_nested(own.type)]
        left_out = [own.name for own in schema if own.name not in names]
        batches: list[pa.RecordBatch] = []
        number = 0

        def piece() -> tuple[Table, tuple[str, ...]]:
            whole = pa.Table.from_batches(batches).replace_schema_metadata(schema.metadata)
            return table_of(whole, label, limit, left_out)

        for batch in file.iter_batches(min(rows, BATCH_ROWS), columns=names):
            if number and number + batch.num_rows > rows:
                yield piece()
                batches, number = [], 0
            batches.append(batch)
            number += batch.num_rows
            _check_memory(sum(own.nbytes for own in batches), label, limit)
        if batches:
            yield piece()


def from_pandas(frame: "pd.DataFrame", label: str) -> tuple[Table, tuple[str, ...]]:
    """Return a pandas DataFrame as a table; an index with a name is a column.

    Raises
    ------
    InputError
        If it is beyond the bounds.
    """
    check_size(len(frame), len(frame.columns), label)
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    arrays = {}
    for k, name in enumerate(frame.columns):
        series = frame.iloc[:, k]
        try:
            arrays[str(name)] = pa.chunked_array([pa.array(series, from_pandas=True)])
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # objects of several kinds
            texts = [None if item is None or item != item else str(item) for item in series]
            arrays[str(name)] = pa.chunked_array([pa.array(texts, pa.string())])
    return table_of(pa.table(arrays), label)


def table_of(
    arrow: pa.Table, label: str, limit: int | None = None, unread: Sequence[str] = ()
) -> tuple[Table, tuple[str, ...]]:
    """Return Arrow's columns as astropy's; what cannot be one is left out, and said.

    Parameters
    ----------
    arrow : pyarrow.Table
    label : str
    limit : int, optional
        Bytes of all columns.
    unread : sequence of str
        Columns that were left out before.
    """
    limit = 4 * bounds.MAX_BYTES if limit is None else limit
    table, left_out = Table(), list(unread)
    # astropy writes a masked column as its hidden values and a mask beside them
    masks = {name: f"{name}.mask" for name in arrow.column_names}
    masks = {name: mask for name, mask in masks.items() if mask in arrow.column_names}
    kept = (arrow.schema.metadata or {}).get(_ASTROPY)
    header = None if kept is None else _read_header(kept, label)
    size = 0
    for name in arrow.column_names:
        if name in masks.values():
            continue
        size += _unpacked_size(arrow.column(name))
        _check_memory(size, label, limit)
        column = column_of(arrow.column(name))
        if column is None:
            left_out.append(name)
            continue
        table[name] = column
        if name in masks:
            mask = np.asarray(arrow.column(masks[name]).to_numpy(), bool)
            table[name] = MaskedColumn(table[name], mask=mask)
    if header is not None:
        for own in header["datatype"]:
            for word in {"unit", "description"} & set(own):
                if own["name"] in table.colnames:
                    setattr(table[own["name"]], word, own[word])
        table.meta.update(_without_masked(header.get("meta", {})))
        table = serialize._construct_mixins_from_columns(table)
    return table, _tell_left_out(left_out)


def _read_header(kept: bytes, label: str) -> dict:
    """Return what astropy wrote of the columns."""
    text = kept.decode()
    check_yaml_header(text, label)
    return meta.get_header_from_yaml(text.split("\n"))


def _without_masked(kept: dict) -> dict:
    """Drop the plan of masked columns, which were joined with their masks already."""
    plan = kept.get("__serialized_columns__", {})
    plan = {k: v for k, v in plan.items() if "MaskedColumn" not in str(v.get("__class__"))}
    others = {key: value for key, value in kept.items() if key != "__serialized_columns__"}
    return {**others, **({"__serialized_columns__": plan} if plan else {})}


def column_of(array: pa.ChunkedArray) -> Column | MaskedColumn | None:
    """Return an Arrow column as astropy's, its type kept; None where there is no such type."""
    type = array.type
    if pa.types.is_dictionary(type):
        array, type = array.cast(type.value_type), type.value_type
    if pa.types.is_null(type):
        return MaskedColumn(np.full(len(array), ""), mask=True)
    mask = np.asarray(array.is_null().to_numpy(zero_copy_only=False), bool)
    if pa.types.is_fixed_size_list(type) or pa.types.is_list(type) or pa.types.is_large_list(type):
        return _vectors_of(array, mask)
    if pa.types.is_decimal(type):
        array, type = array.cast(pa.float64()), pa.float64()
    if pa.types.is_temporal(type):
        array, type = array.cast(pa.string()), pa.string()
    if _is_text(type):
        values = pack_texts(["" if item is None else item for item in array.to_pylist()])
    elif pa.types.is_integer(type) or pa.types.is_boolean(type):
        values = array.fill_null(False if pa.types.is_boolean(type) else 0).to_numpy()
    elif pa.types.is_floating(type):
        values = array.to_numpy()
    else:
        return None
    values = values if values.flags.writeable else values.copy()
    return MaskedColumn(values, mask=mask) if mask.any() else Column(values)


def _unpacked_size(array: pa.ChunkedArray) -> int:
    """Return an upper limit of the bytes of a column whose texts may stand in a dictionary."""
    if not pa.types.is_dictionary(array.type):
        return array.nbytes
    return sum(
        len(chunk) * max((len(str(item)) for item in chunk.dictionary.to_pylist()), default=0)
        for chunk in array.chunks
    )


def _is_text(type: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type)
    )


def _vectors_of(array: pa.ChunkedArray, mask: np.ndarray) -> Column | None:
    """Return lists of one length as rows of a matrix."""
    inner = array.type.value_type
    if mask.any() or not (pa.types.is_floating(inner) or pa.types.is_integer(inner)):
        return None
    flat = pa.chunked_array([chunk.flatten() for chunk in array.chunks], inner)
    lengths = {n for chunk in array.chunks for n in _lengths(chunk)}
    if len(lengths) != 1 or flat.null_count:
        return None
    return Column(flat.to_numpy().reshape(len(array), lengths.pop()).copy())


def _lengths(chunk: pa.Array) -> set[int]:
    if pa.types.is_fixed_size_list(chunk.type):
        return {chunk.type.list_size} if len(chunk) else set()
    return set(chunk.value_lengths().unique().to_pylist())


def _primary(folder: Path, label: str) -> Path:
    """Follow a collection to its catalogue, which lies within it."""
    described = folder / "collection.properties"
    if not described.is_file():
        return folder
    with described.open(encoding="utf-8", errors="replace") as lines:
        text = lines.read(2**20)
    match = re.search(r"^hats_primary_table_url\s*=\s*(\S+)", text, re.M)
    inner = (folder / match[1]) if match else folder
    if not inner.is_dir() or not inner.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{label} is a HATS collection whose catalogue is not within it.")
    return inner


def _open_parquet(source: BinaryIO | Path) -> pq.ParquetFile:
    """Open a file so that a text which many rows share stays one text."""
    with pq.ParquetFile(source) as file:
        texts = [own.name for own in file.schema_arrow if _is_text(own.type)]
    return pq.ParquetFile(source, read_dictionary=texts)


def _read_batches(file: pq.ParquetFile, label: str, limit: int) -> tuple[pa.Table, list[str]]:
    """Read piece by piece, and only what can be a column; tell what was left out."""
    names = [own.name for own in file.schema_arrow if not _is_nested(own.type)]
    left_out = [own.name for own in file.schema_arrow if own.name not in names]
    schema = pa.schema([own for own in file.schema_arrow if own.name in names])
    batches, size = [], 0
    for batch in file.iter_batches(BATCH_ROWS, columns=names):
        size += batch.nbytes
        _check_memory(size, label, limit)
        batches.append(batch)
    schema = batches[0].schema if batches else schema
    parts = pa.Table.from_batches(batches, schema)
    return parts.replace_schema_metadata(file.schema_arrow.metadata), left_out


def _is_nested(type: pa.DataType) -> bool:
    """Tell what no column can hold: anything of parts but lists of numbers."""
    if pa.types.is_fixed_size_list(type) or pa.types.is_list(type) or pa.types.is_large_list(type):
        return not (pa.types.is_floating(type.value_type) or pa.types.is_integer(type.value_type))
    return bool(pa.types.is_nested(type))


def _check_unpacked(
    files: list[pq.ParquetFile], sources: Sequence[BinaryIO | Path], label: str, limit: int
) -> None:
    """Refuse by what the footers say; a run of equal values takes no room in a file."""
    size = 0
    for file, source in zip(files, sources, strict=True):
        schema, rows = file.schema_arrow, file.metadata.num_rows
        lists = [own.name for own in schema if pa.types.is_nested(own.type)]
        size += rows * sum(_width(own.type) for own in schema if own.name not in lists)
        if lists:
            size += 8 * sum(own for name, own in _count(source).items() if name in lists)
        groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
        size += sum(group.total_byte_size for group in groups)
    _check_memory(size, label, limit)


def _count(source: BinaryIO | Path) -> dict[str, int]:
    if not isinstance(source, Path):
        return count_values(source)
    with source.open("rb") as stream:
        return count_values(stream)


def _width(type: pa.DataType) -> int:
    """Return the bytes of a value; of a text, of its place in the dictionary."""
    try:
        return -(-type.bit_width // 8)
    except ValueError:
        return 4


def _size(arrow: pa.Table) -> int:
    return sum(map(_unpacked_size, arrow.columns))


def _check_memory(size: int, label: str, limit: int) -> None:
    if size > limit:
        raise InputError(f"{label} unpacks to more than {limit >> 20} MiB: split it.")


def _tell_left_out(names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return (f"Columns of nested or unknown types that were left out: {shown}.",)
