"""Commands that make training sets, train, and measure: they need the packages of `train`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from galexplorer import console
from galexplorer.commands.options import DataOption, DeviceOption, WeightsOption
from galexplorer.errors import OptionError


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    dataset = typer.Typer(help="Training sets from real images.")
    dataset.command("build")(build_survey)
    app.add_typer(dataset, name="dataset")
    app.command()(simulate)
    dataset.command("real")(build_real)
    dataset.command("examples")(build_examples)
    dataset.command("realism")(measure_realism)
    app.command()(train)
    app.command("cross-fit")(cross_fit)
    app.command("train-verdict")(train_verdict)
    app.command()(evaluate)


@contextmanager
def _needs_training_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("galexplorer"):
            raise
        raise OptionError(
            f"this command needs the package {error.name}: pip install 'galexplorer[train]'."
        ) from error


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    size: Annotated[int | None, typer.Option(min=1, help="Number of galaxies to simulate.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    data: DataOption = None,
    transplants: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Fraction of galaxies given a real morphology."),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Compare the population with the real tables.")
    ] = False,
) -> None:
    """Simulate a training set; with --report alone, only describe its population."""
    if size is None and not report:
        raise OptionError("give the number of galaxies with --size, or ask for --report.")
    with _needs_training_extra():
        from galexplorer.realism.report import write_report
        from galexplorer.simulation.training_set import simulate as run
    console.show_log()
    if size is not None:
        run(size, seed, out, workers, data, transplants)
    if report:
        typer.echo(write_report(out, seed, data, workers))


def build_real(
    rendered: Annotated[
        Path, typer.Option(help="Rendered set whose population supplies photometry.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    data: DataOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Turn the folders of real SDSS JPEGs into a training set."""
    with _needs_training_extra():
        from galexplorer.observed.jpeg_sets import build_from
    build_from(data, rendered, out, workers)


def build_survey(
    size: Annotated[int, typer.Option(min=1, help="Galaxies.")],
    out: Annotated[Path, typer.Option(help="Output folder, new or to be resumed.")],
    source: Annotated[
        Literal["frames", "legacy"],
        typer.Option(help="SDSS archive frames, or smaller Legacy Surveys cutouts."),
    ] = "frames",
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the selection.")] = 0,
    parallel: Annotated[
        int, typer.Option(min=1, max=8, help="Number of fields or cutouts requested at a time.")
    ] = 2,
) -> None:
    """Download a training set of SDSS main-sample galaxies; rerun it to resume."""
    if out.exists() and not out.is_dir():
        raise OptionError(f"{out} is a file: name a folder.")
    console.show_log()
    from galexplorer.observed.sdss import build

    build(size, out, source=source, seed=seed, parallel=parallel)


def measure_realism(
    rendered: Annotated[
        Path, typer.Option(help="Simulated set whose population supplies the rows.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for figures and galleries.")],
    data: DataOption = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    tuning: Annotated[
        bool,
        typer.Option("--tuning", help="Compare with the real images reserved for tuning."),
    ] = False,
) -> None:
    """Measure how well classifiers distinguish simulated galaxies from real ones."""
    with _needs_training_extra():
        from galexplorer.realism.comparison import measure_realism as run
    console.show_log()
    run(rendered, data, out, seed, workers, tuning)


def build_examples(
    rendered: Annotated[
        Path, typer.Option(help="Rendered set whose population supplies the rows.")
    ],
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("assets/examples"),
    seed: Annotated[int, typer.Option(min=0)] = 7,
    weights: WeightsOption = None,
) -> None:
    """Render the example galaxies of the app: of each kind the first whose answer is right."""
    with _needs_training_extra():
        from galexplorer.simulation.examples import render_examples

    from galexplorer.api.engine import load

    render_examples(rendered, out, load(weights), seed)


def train(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Training sets.")],
    config: Annotated[Path | None, typer.Option(help="YAML file of settings.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the weights.")] = Path("weights"),
    work: Annotated[Path, typer.Option(help="Folder of checkpoints.")] = Path("runs/train"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume from the last checkpoint.")
    ] = False,
    keep_model: Annotated[
        bool, typer.Option("--keep-model", help="Only recalibrate and rewrite the rest.")
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option(
            help="Weights to start from, as for configs/refine.yaml; only the encoder of those "
            "with other networks. `steps: 0` in the settings leaves the encoder as it is, "
            "`regressor_steps: 0` the regressors."
        ),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Train the weights on simulated and real galaxies; warn if the latter are missing."""
    console.show_log()
    with _needs_training_extra():
        from galexplorer.training.config import read_config
        from galexplorer.training.release import make_weights
    make_weights(folders, out, work, read_config(config), resume, device, keep_model, start)


def cross_fit(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Training sets of the weights.")
    ],
    config: Annotated[Path | None, typer.Option(help="YAML file of settings.")] = None,
    weights: WeightsOption = None,
    out: Annotated[Path, typer.Option(help="Folder of the folds.")] = Path("runs/folds"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume from the last checkpoint.")
    ] = False,
    device: DeviceOption = "auto",
) -> None:
    """Train the flows once for each part of the sky, without it, for `evaluate --folds`."""
    console.show_log()
    with _needs_training_extra():
        from galexplorer.training.config import read_config
        from galexplorer.training.cross_fit import cross_fit as run
    run(folders, weights, out, read_config(config), resume, device)


def train_verdict(
    out: Annotated[Path, typer.Option(help="Folder of the weights.")] = Path("weights"),
    data: DataOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Fit what tells galaxies from all else (minutes); any networks may lie beside it."""
    console.show_log()
    with _needs_training_extra():
        from galexplorer.screening.release import make_screens
    make_screens(data, out, workers, seed)


def evaluate(
    context: typer.Context,
    weights: WeightsOption = None,
    data: DataOption = None,
    rendered: Annotated[Path | None, typer.Option(help="A rendered set.")] = None,
    real: Annotated[Path | None, typer.Option(help="A set of real images.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html and report.json.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Keep the report card with the weights.")
    ] = False,
    rows: Annotated[
        int, typer.Option(min=100, help="Maximum number of held-out galaxies per sample.")
    ] = 600,
    draws: Annotated[int, typer.Option(min=100, help="Posterior draws per galaxy.")] = 200,
    bootstrap: Annotated[int, typer.Option(min=10, help="Bootstrap samples.")] = 200,
    folds: Annotated[
        Path | None,
        typer.Option(help="Folder of `galexplorer cross-fit`: judge all real images by it too."),
    ] = None,
    domain: Annotated[
        bool,
        typer.Option(
            "--domain",
            help="Judge the verdict alone: what it catches, which galaxies it rejects, and how "
            "reliable its probabilities are.",
        ),
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that make images, with --domain.")
    ] = 1,
    device: DeviceOption = "auto",
) -> None:
    """Measure accuracy and calibration on galaxies held out of training."""
    of_posteriors = ("rendered", "real", "rows", "draws", "bootstrap", "folds")
    for name in of_posteriors if domain else ("workers",):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            why = (
                "is of no use with --domain, which judges the verdict"
                if domain
                else "is for --domain"
            )
            raise OptionError(f"--{name} {why}: leave it out.")
    with _needs_training_extra():
        from galexplorer.evaluation.run import evaluate as run
        from galexplorer.evaluation.run import evaluate_verdict
        from galexplorer.evaluation.scoring import Settings
    if domain:
        evaluate_verdict(weights, data, out, record, workers, device)
        return
    run(
        weights=weights,
        data=data,
        rendered=rendered,
        real=real,
        out=out,
        record=record,
        settings=Settings(rows=rows, draws=draws, bootstrap=bootstrap),
        device=device,
        folds=folds,
    )
