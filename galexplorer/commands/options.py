"""Options that several commands share."""

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
