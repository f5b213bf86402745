"""Options that several commands share, and what is asked of them."""

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


def check_not_read(out: Path, inputs: Iterable[Path]) -> None:
    """Check that no result would be written over what it is made from.

    Raises
    ------
    OptionError
        If it would.
    """
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise OptionError(f"{out} is an input and would be lost: give another name to --out.")
