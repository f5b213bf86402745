"""The tables of a survey, judged file by file and filed as a HATS catalogue of small partitions."""

import glob
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import lsdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from hats.pixel_math.healpix_shim import radec2pix

from galexplorer.catalogue import write_table
from galexplorer.catalogue.columns import Reddening
from galexplorer.errors import InputError
from galexplorer.runs.shard_images import count_images
from galexplorer.survey.frames import judged_table
from galexplorer.survey.inputs import Listed, read_pieces_of
from galexplorer.survey.partitions import result_names

if TYPE_CHECKING:
    from distributed import Client

IN_MEMORY_ROWS = 1_000_000
"""Up to here lsdb makes a catalogue in memory; a larger table hats-import sorts on disk."""

HIGHEST_ORDER = 10
"""Of HEALPix: the smallest partition is 3.4 arcmin wide."""

MOST_NOTES = 100
"""Remarks on the columns of all files."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Intake:
    """What was read.

    Attributes
    ----------
    rows : int
    images : bool
        Whether any row names an image.
    unplaced : int
        Rows without a position.
    notes : tuple of str
    """

    rows: int
    images: bool
    unplaced: int
    notes: tuple[str, ...]


def judge_files(
    files: Sequence[Listed],
    parts: Path,
    *,
    columns: Mapping[str, str | None] | None,
    hdu: int | str | None,
    image: str | None,
    cutouts: str | None = None,
    deredden: Reddening | None = None,
    tell: Tell,
) -> Intake:
    """Judge the columns of each table and write it, with what they are worth, as Parquet.

    Parameters
    ----------
    files : sequence of Listed
    parts : Path
        Folder of the Parquet files; made anew.
    columns, hdu, image, deredden
        As of `galexplorer.catalogue.read_catalogue`.
    cutouts : str, optional
        Shards with an image for each row, in the order of the rows: a file, a folder or a pattern.
    tell : callable
        Is told which table is read, and how far a long copy of one is.

    Returns
    -------
    Intake

    Raises
    ------
    InputError
        If a table cannot be read, or has none of the columns; or there are not as many images as
        rows.
    """
    shards = [] if cutouts is None else name_images(cutouts)
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir(parents=True)
    found = Intake(0, False, 0, ())
    names = result_names(images=True)
    notes: dict[str, None] = {}
    number = 0
    for k, file in enumerate(files):
        if len(files) > 1:
            tell(f"reading {k + 1} of {len(files)}: {file.name}")
        for catalogue in read_pieces_of(
            file,
            parts / "fetched",
            columns=columns,
            hdu=hdu,
            image=image if cutouts is None else shards[0],
            deredden=deredden,
            tell=tell,
        ):
            if cutouts is not None:
                named = np.array(shards[found.rows : found.rows + len(catalogue)], object)
                if len(named) < len(catalogue):
                    raise _too_few(cutouts, len(shards))
                catalogue = replace(catalogue, image=named, band_images=None)
            unplaced = int((~(np.isfinite(catalogue.ra) & np.isfinite(catalogue.dec))).sum())
            table = judged_table(catalogue, found.rows, names)
            write_table(table, parts / f"{number:06d}.parquet")
            number += 1
            apart = len(files) > 1 and not file.hats
            notes |= {f"{file.name}: {w}" if apart else w: None for w in catalogue.notes}
            found = Intake(
                found.rows + len(catalogue),
                found.images or bool(catalogue.image_paths()),
                found.unplaced + unplaced,
                (),
            )
    found = replace(found, notes=_shorten([*notes]))
    if cutouts is not None and found.rows < len(shards):
        raise _too_few(cutouts, len(shards), found.rows)
    if found.unplaced:
        words = (
            f"{found.unplaced:,} of {found.rows:,} rows have no position: they are inferred like "
            "the others, and filed at made-up places, evenly over the sky; their ra and dec are "
            "NaN."
        )
        found = replace(found, notes=(*found.notes, words))
    return found


def _shorten(notes: list[str]) -> tuple[str, ...]:
    more = len(notes) - MOST_NOTES
    return tuple(notes) if more <= 0 else (*notes[:MOST_NOTES], f"{more} more remarks like these.")


def list_shards(cutouts: str) -> list[Path]:
    """Return the files that images are taken from, in the order of their names.

    Parameters
    ----------
    cutouts : str
        As of `judge_files`.

    Raises
    ------
    InputError
        If there are none.
    """
    path = Path(cutouts)
    files = sorted(path.rglob("*.safetensors")) if path.is_dir() else []
    files = files or sorted(Path(name) for name in glob.glob(cutouts, recursive=True))
    files = [own for own in files if own.is_file()]
    if not files:
        raise InputError(f"{cutouts} names no images: give a safetensors file or a folder of them.")
    return files


def name_images(cutouts: str) -> list[str]:
    """Return the names of all images of shards, in the order of the files' names.

    Raises
    ------
    InputError
        If there are none.
    """
    files = list_shards(cutouts)
    names = [f"{own.resolve()}[{k}]" for own in files for k in range(count_images(own))]
    if not names:
        raise InputError(f"{cutouts} has no images: its files are empty.")
    return names


def _too_few(cutouts: str, images: int, rows: int | None = None) -> InputError:
    have = "more rows" if rows is None else f"{rows:,} rows"
    return InputError(f"{cutouts} has {images:,} images and the input {have}: give one for each.")


def file_parts(parts: Path, folder: Path, rows: int, partition_rows: int, client: "Client") -> None:
    """Make a HATS catalogue of Parquet files.

    Parameters
    ----------
    parts : Path
        As `judge_files` wrote them.
    folder : Path
        Of the catalogue; made anew.
    rows : int
        Of all parts.
    partition_rows : int
        The most rows of a partition; more where they lie within 3.4 arcmin of each other.
    client : distributed.Client

    Raises
    ------
    InputError
        If the tables do not go together.
    """
    shutil.rmtree(folder, ignore_errors=True)
    files = sorted(parts.glob("*.parquet"))
    _agree_on_ids(files)
    if rows <= IN_MEMORY_ROWS:
        frame = _read_parts(files)
        with quietly():
            catalogue = lsdb.from_dataframe(
                frame,
                ra_column="ra",
                dec_column="dec",
                partition_rows=partition_rows,
                highest_order=_order_needed(frame, partition_rows),
                margin_threshold=None,
                catalog_name=folder.name,
            )
            catalogue.write_catalog(
                folder, catalog_name=folder.name, as_collection=False, progress_bar=False
            )
        return
    from hats_import.catalog.arguments import ImportArguments
    from hats_import.pipeline import pipeline_with_client

    schema = parts / "schema.parquet"
    pq.write_metadata(_common_schema(files), schema)
    arguments = ImportArguments(
        output_path=folder.parent,
        output_artifact_name=folder.name,
        input_file_list=[*files],
        file_reader="parquet",
        ra_column="ra",
        dec_column="dec",
        use_schema_file=schema,
        expected_total_rows=rows,
        pixel_threshold=partition_rows,
        highest_healpix_order=HIGHEST_ORDER,
        progress_bar=False,
        tmp_dir=parts,
    )
    with quietly():
        pipeline_with_client(arguments, client)


def _order_needed(frame: pd.DataFrame, partition_rows: int) -> int:
    """Return the lowest order of pixels that hold no more rows, which is soon counted."""
    pixel = radec2pix(HIGHEST_ORDER, frame["ra"].to_numpy(), frame["dec"].to_numpy())
    for order in range(HIGHEST_ORDER):
        _, rows = np.unique(np.right_shift(pixel, 2 * (HIGHEST_ORDER - order)), return_counts=True)
        if rows.max() <= partition_rows:
            return order
    return HIGHEST_ORDER


def _agree_on_ids(files: Sequence[Path]) -> None:
    """Make identifiers text unless all tables have integers, or all one type: the column is ours.

    Integers that went together with floating-point numbers would lose their last digits.
    """
    types = [pq.read_schema(file).field("id").type for file in files]
    if len(set(types)) == 1 or all(pa.types.is_integer(kind) for kind in types):
        return
    for file, kind in zip(files, types, strict=True):
        if not pa.types.is_string(kind):
            table = pq.read_table(file)
            place = table.schema.get_field_index("id")
            texts = table.schema.field(place).with_type(pa.string())
            column = table["id"].cast(pa.string())
            if pa.types.is_floating(kind):
                column = pc.if_else(pc.is_nan(table["id"]), "", column)
            pq.write_table(table.set_column(place, texts, column), file)


def _common_schema(files: Sequence[Path]) -> pa.Schema:
    try:
        return pa.unify_schemas(
            [pq.read_schema(file).remove_metadata() for file in files], promote_options="permissive"
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(
            f"The tables do not go together ({error}): a column of one name has one type in all."
        ) from error


def _read_parts(files: Sequence[Path]) -> pd.DataFrame:
    schema = _common_schema(files)
    tables = [pq.read_table(file) for file in files]
    tables = [table.replace_schema_metadata(None) for table in tables]
    whole = pa.concat_tables(tables, promote_options="permissive").select(schema.names)
    return whole.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)


def column_words(parts: Path) -> dict[str, dict[str, str]]:
    """Return unit, description and UCD of the columns that came with the input.

    Parameters
    ----------
    parts : Path
        As `judge_files` wrote them.

    Returns
    -------
    dict of str to dict of str to str
        By column, those that have any.
    """
    words: dict[str, dict[str, str]] = {}
    for file in sorted(parts.glob("[0-9]*.parquet")):
        for field in pq.read_schema(file):
            told = {
                key: value
                for word, text in (field.metadata or {}).items()
                if (key := word.decode()) in ("unit", "description", "ucd")
                and (value := text.decode())
            }
            if told:
                words.setdefault(field.name, told)
    return words


@contextmanager
def quietly() -> Iterator[None]:
    """Keep to ourselves what lsdb and hats remark on; their errors remain."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
