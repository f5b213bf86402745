"""The draws of a catalogue as one Parquet file, written while the rows are inferred."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Column, MaskedColumn, Table

from galexplorer.errors import OptionError
from galexplorer.export.provenance import CITATION
from galexplorer.export.target_tables import shared_provenance
from galexplorer.records.result import Result
from galexplorer.schema import TARGETS
from galexplorer.science.columns import describe_columns
from galexplorer.science.derived import DERIVED_NAMES, NOT_MEASURABLE, derived_draws
from galexplorer.science.summary import not_measurable
from galexplorer.tables.describe import arrow_metadata, describe_fields

ROWS_AT_ONCE = 256


class DrawsFile:
    """A Parquet file with a row for each galaxy, whose draws are lists of one length.

    Columns are ``id``, ``ra``, ``dec``, a list for each target, ``gas_metallicity_flag``, and a
    list for each derived quantity. Galaxies that could not be inferred have no row. What is in
    memory does not grow with the number of galaxies. The file is there once it is complete.

    Parameters
    ----------
    path : Path
    names : Column, MaskedColumn or ndarray, shape (n,)
        Of all rows of the catalogue.
    ra, dec : ndarray, shape (n,)
        Degrees, ICRS.

    Raises
    ------
    OptionError
        If the system refuses to write there.
    """

    def __init__(
        self,
        path: Path,
        names: Column | MaskedColumn | np.ndarray,
        ra: np.ndarray,
        dec: np.ndarray,
    ) -> None:
        self.path = path
        self.written = 0
        self._names = np.asarray(names)
        self._ra = np.asarray(ra, float)
        self._dec = np.asarray(dec, float)
        self._waiting: list[tuple[int, Result]] = []
        self._writer: pq.ParquetWriter | None = None
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")

    def __enter__(self) -> "DrawsFile":
        """Nothing is written before the first galaxy is there."""
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        """Complete the file, also after an interruption; after an error there is none."""
        complete = kind is None or kind is KeyboardInterrupt
        try:
            if complete:
                self._write()
            if self._writer is not None:
                self._writer.close()
                if complete:
                    os.replace(self._part, self.path)
        except OSError as error:
            raise self._refused(error) from error
        finally:
            self._part.unlink(missing_ok=True)

    def add(self, row: int, result: Result) -> None:
        """Take the draws of a row of the catalogue.

        Parameters
        ----------
        row : int
            Its index.
        result : Result
            With as many draws as the others.
        """
        self._waiting.append((row, result))
        if len(self._waiting) == ROWS_AT_ONCE:
            try:
                self._write()
            except OSError as error:
                raise self._refused(error) from error

    def _write(self) -> None:
        if not self._waiting:
            return
        # taken away first, so that no interruption writes a row twice
        taken, self._waiting = self._waiting, []
        table = self._tabulate(taken)
        if self._writer is None:
            told = arrow_metadata(table)
            plain = pa.schema([(name, _arrow_type(table[name])) for name in table.colnames])
            schema = describe_fields(plain, table, told)
            self._writer = pq.ParquetWriter(self._part, schema, compression="zstd")
        arrays = [
            _to_arrow(np.asarray(table[field.name]), field.type) for field in self._writer.schema
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._writer.schema))
        self.written += len(taken)

    def _tabulate(self, taken: list[tuple[int, Result]]) -> Table:
        rows = [row for row, _ in taken]
        results = [result for _, result in taken]
        draws = np.stack([result.posterior.draws for result in results])
        radii = np.array([result.photometry.petro_r50 or np.nan for result in results], float)
        hidden = [bool(not_measurable(result, "gas_metallicity")) for result in results]
        table = Table()
        table["id"] = self._names[rows]
        table["ra"], table["dec"] = self._ra[rows], self._dec[rows]
        for j, target in enumerate(TARGETS):
            table[target.name] = draws[:, :, j]
        table["gas_metallicity_flag"] = np.where(hidden, NOT_MEASURABLE, "").astype("U14")
        derived = derived_draws(draws, radii)
        for name in DERIVED_NAMES:
            table[name] = derived[name].astype(np.float32)
        table.meta = {"provenance": shared_provenance(results), "citation": CITATION}
        return describe_columns(table)

    def _refused(self, error: OSError) -> OptionError:
        return OptionError(
            f"Cannot write {self.path} ({error.strerror or error}): choose another place."
        )


def _arrow_type(column: Column) -> pa.DataType:
    if column.dtype.kind in "OUS":
        return pa.string()
    plain = pa.from_numpy_dtype(column.dtype)
    return pa.list_(plain, column.shape[1]) if column.ndim > 1 else plain


def _to_arrow(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if values.ndim > 1:
        flat = pa.array(np.ascontiguousarray(values).ravel(), kind.value_type)
        return pa.FixedSizeListArray.from_arrays(flat, kind.list_size)
    if values.dtype.kind in "OUS":
        return pa.array([_text(value) for value in values.tolist()], kind)
    return pa.array(values, kind)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
