"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Device = Literal["auto", "cpu", "cuda"]

DataOption = Annotated[
    Path | None,
    typer.Option("--data", envvar="GALEXPLORER_DATA", help="Folder of the real data."),
]
WeightsOption = Annotated[Path | None, typer.Option(help="Folder of other weights.")]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute.")]
