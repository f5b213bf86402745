"""Options that several commands share."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from galexplorer.errors import OptionError

Device = Literal["auto", "cpu", "cuda"]

DataOption = Annotated[
    Path | None,
    typer.Option("--data", envvar="GALEXPLORER_DATA", help="Folder of the real data."),
]
WeightsOption = Annotated[Path | None, typer.Option(help="Folder of other weights.")]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute.")]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=COLUMN,...",
        help="The table's columns, where they have other names: g=mag_g,r='F_r [nJy]'; "
        "redshift= says that there is none.",
    ),
]
HduOption = Annotated[
    str | None, typer.Option(help="Number or name of the table in a file of several.")
]

STDIN = "-"


def read_columns(text: str | None) -> dict[str, str | None] | None:
    """Return a mapping of columns as it is typed; None for a quantity without a column.

    Raises
    ------
    OptionError
        If it is none, or names a quantity twice.
    """
    if text is None:
        return None
    columns: dict[str, str | None] = {}
    for part in re.split(r",(?=\s*\w+\s*=)", text):
        name, equals, column = (word.strip() for word in part.partition("="))
        if not name or not equals or name in columns:
            raise OptionError(f"--columns is {text}: give pairs such as g=mag_g,r=mag_r.")
        columns[name] = column or None
    return columns


def read_hdu(text: str | None) -> int | str | None:
    """Return the number of an HDU, or its name."""
    return int(text) if text is not None and text.isdecimal() else text


def read_pipe() -> tuple[str, bytes]:
    """Return the standard input as a named file, no more of it than a file may hold.

    Raises
    ------
    OptionError
        If it is a terminal.
    """
    from galexplorer.fits.bounded import MAX_FILE_BYTES

    if sys.stdin.isatty():
        raise OptionError("- is the standard input, and nothing is piped into it: name a file.")
    return "standard input", sys.stdin.buffer.read(MAX_FILE_BYTES + 1)


def check_image(image: Path | None) -> None:
    """Check that the image in which the rows of a table lie is there: no row would have one.

    Raises
    ------
    OptionError
        If it is not.
    """
    if image is not None and not image.is_file():
        raise OptionError(f"--image is {image}, which does not exist: name a file.")


def check_not_input(out: Path, inputs: Iterable[Path]) -> None:
    """Check that a result would not overwrite one of its inputs.

    Parameters
    ----------
    out : Path
    inputs : iterable of Path

    Raises
    ------
    OptionError
        If `out` is one of the inputs, however it is spelt.
    """
    for path in inputs:
        try:
            same = out.samefile(path)
        except OSError:  # one of them does not exist, or cannot: whoever opens it says so
            continue
        if same:
            raise OptionError(
                f"{out} is an input and would be overwritten: give --out another name."
            )
