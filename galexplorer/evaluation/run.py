"""The report card: posteriors of galaxies held out of training."""

import hashlib
import json
import logging
import math
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from galexplorer import console
from galexplorer.errors import DataError, OptionError
from galexplorer.evaluation.fields import evaluate_fields
from galexplorer.evaluation.published import compare_with_published
from galexplorer.evaluation.samples.images import (
    cross_fitted_samples,
    image_samples,
    rendered_sample,
)
from galexplorer.evaluation.samples.sample import Sample
from galexplorer.evaluation.samples.tables import table_samples
from galexplorer.evaluation.scoring import Settings, score_sample
from galexplorer.evaluation.shortfalls import sentences
from galexplorer.evaluation.verdict import judge_bench
from galexplorer.export.report_card import alarm_rows, card_page, caught_rows
from galexplorer.inference.engine import Engine
from galexplorer.model.weights import (
    REPORT_CARD_FILE,
    load,
    read_manifest,
    read_report_card,
    write_manifest,
)
from galexplorer.population.sources import data_folder
from galexplorer.training.cross_fit import foundation_of

log = logging.getLogger(__name__)

FORMAT = 1
_DIGITS = 4


def evaluate(
    weights: Path | None = None,
    data: Path | None = None,
    rendered: Path | None = None,
    real: Path | None = None,
    out: Path | None = None,
    record: bool = False,
    settings: Settings | None = None,
    device: str = "auto",
    folds: Path | None = None,
) -> dict:
    """Score the model on held-out rows, print tables and write the report card.

    Parameters
    ----------
    weights : Path, optional
    data : Path, optional
        Folder of the real data, for its tables and FITS fields.
    rendered, real : Path, optional
        Sets made by ``galexplorer simulate`` and ``galexplorer dataset real``.
    out : Path, optional
        Folder for ``report.html`` and ``report.json``.
    record : bool
        Keep the report card with the weights.
    settings : Settings, optional
    device : str
    folds : Path, optional
        Folder made by ``galexplorer cross-fit``: real images are judged by these too.

    Returns
    -------
    dict
        The report card.

    Raises
    ------
    DataError
        If there is nothing to evaluate on, or the folds are those of other weights.
    OptionError
        If `out` is a file, or folds come without real images.
    """
    if out is not None and out.exists() and not out.is_dir():
        raise OptionError(f"{out} is a file: --out names a folder for the report.")
    settings = settings or Settings()
    folder = data_folder(data)
    if rendered is None and real is None and folder is None:
        raise DataError("No evaluation data: give --rendered, --real or --data.")
    if folds is not None and real is None:
        raise OptionError("--folds judges real images: give their set with --real.")
    engine = Engine.load(weights, device)
    by_fold = [] if folds is None else load_folds(folds, engine, device)
    samples: list[Sample] = []
    if rendered is not None:
        samples.append(rendered_sample(rendered, settings.rows, settings.seed))
    if real is not None:
        samples += image_samples(real)
    if real is not None and by_fold:
        samples += cross_fitted_samples(real, len(by_fold))
    if folder is not None:
        samples += table_samples(folder, settings.rows, settings.seed)
    report: dict = {
        "format": FORMAT,
        "made": datetime.now(UTC).strftime("%Y-%m-%d"),
        "weights_sha256": engine.weights.sha256,
        "settings": asdict(settings),
        "samples": {},
    }
    columns = (TextColumn("{task.fields[step]}"), BarColumn(), TimeElapsedColumn())
    total = sum(len(sample.modes) + 1 for sample in samples) + 1
    with console.progress(*columns) as progress:
        task = progress.add_task("steps", total=total, step="")

        def step(text: str) -> None:
            log.info("%s", text)
            progress.update(task, advance=1, step=text)

        for sample in samples:
            judges = by_fold if sample.fold is not None else ()
            report["samples"][sample.name] = score_sample(engine, sample, settings, step, judges)
        if folder is not None:
            step("Galaxies in real FITS fields")
            report["fields"] = evaluate_fields(engine, folder)
    report["published"] = compare_with_published(report["samples"])
    report["shortfalls"] = sentences(report)
    report = {name: _tidy(part) for name, part in report.items()}
    _print(Console(width=120), report)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
        (out / "report.html").write_text(card_page(report), encoding="utf-8")
    if record:
        earlier = read_report_card(engine.weights.folder) or {}
        if "verdict" in earlier:
            report["verdict"] = earlier["verdict"]
            report["shortfalls"] = sentences(report)
        write_record(engine.weights.folder, report)
    return report


def load_folds(folder: Path, engine: Engine, device: str = "auto") -> list[Engine]:
    """Return what ``galexplorer cross-fit`` made for weights, an engine for each fold.

    Raises
    ------
    DataError
        If folds are missing, or belong to another encoder or other regressors.
    """
    model = engine.weights.model
    wanted, number = foundation_of(model), len(model.regressors)
    found = []
    for fold in range(number):
        part = folder / f"fold-{fold}"
        origin = read_manifest(part).get("left_out") if part.is_dir() else None
        if origin != {"foundation": wanted, "fold": fold, "folds": number}:
            raise DataError(
                f"{part} is not fold {fold} of {number} of these weights; "
                "run `galexplorer cross-fit` on them."
            )
        found.append(Engine(load(part, device)))  # they have neither library nor domain
    return found


def evaluate_verdict(
    weights: Path | None = None,
    data: Path | None = None,
    out: Path | None = None,
    record: bool = False,
    workers: int = 1,
    device: str = "auto",
) -> dict:
    """Run the bench of the verdict, print it, and add it to the report card.

    Parameters
    ----------
    weights, data : Path, optional
    out : Path, optional
        Folder for ``verdict.json``.
    record : bool
        Keep it in the report card of the weights, which must have one.
    workers : int
    device : str

    Returns
    -------
    dict
        As `galexplorer.evaluation.verdict.judge_bench` returns it.

    Raises
    ------
    DataError
        If there are no real data, or no report card to add it to.
    """
    folder = data_folder(data)
    if folder is None:
        raise DataError("No real data to judge: give their folder with --data.")
    engine = Engine.load(weights, device)
    found = _tidy(judge_bench(engine, folder, workers))
    assert isinstance(found, dict)  # as it came
    _print_verdict(Console(width=120), found)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "verdict.json").write_text(json.dumps(found, indent=1) + "\n")
    if record:
        card = read_report_card(engine.weights.folder)
        if card is None:
            raise DataError("These weights have no report card: evaluate them with --record first.")
        card["verdict"] = found
        card["shortfalls"] = sentences(card)
        write_record(engine.weights.folder, card)
    return found


def write_record(folder: Path, report: dict) -> None:
    """Write the report card beside the weights, and its hash and headline into their manifest."""
    text = json.dumps(report, separators=(",", ":"), ensure_ascii=False) + "\n"
    (folder / REPORT_CARD_FILE).write_text(text, encoding="utf-8")
    manifest = read_manifest(folder)
    manifest["evaluation"] = {
        "file": REPORT_CARD_FILE,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "weights_sha256": report["weights_sha256"],
        "r2": {
            name: {
                mode: {
                    target: found["galexplorer"]["r2"]
                    for target, found in mode_report["targets"].items()
                }
                for mode, mode_report in sample["modes"].items()
            }
            for name, sample in report["samples"].items()
            if sample["modes"]
        },
    }
    write_manifest(folder, manifest)


def _tidy(value: object) -> object:
    """Return plain JSON: numbers to four digits, None for what is not finite."""
    if isinstance(value, dict):
        return {str(key): _tidy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tidy(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value


def _print(console: Console, report: dict) -> None:
    for sample in report["samples"].values():
        if not sample["modes"]:
            continue
        table = RichTable(title=f"{sample['title']}, {sample['rows']} held-out galaxies")
        for name in ("mode", "target"):
            table.add_column(name)
        for name in ("rows", "R2", "boosting", "RMSE", "boosting", "68%", "95%", "PIT KS",
                     "log score", "Gaussian"):  # fmt: skip
            table.add_column(name, justify="right")
        for mode, mode_report in sample["modes"].items():
            for target, found in mode_report["targets"].items():
                table.add_row(mode, target, *_cells(found))
        console.print(table)
    for row in report.get("fields", []):
        console.print(
            f"{row['galaxy']}: {row['error']}"
            if "error" in row
            else f"{row['galaxy']}: z {row['redshift']:.4f}, 95% {row['p2_5']:.4f} to "
            f"{row['p97_5']:.4f}, {'inside' if row['inside_95'] else 'MISSED'}"
        )
    for sentence in report["shortfalls"]:
        console.print(f"- {sentence}")


def _print_verdict(console: Console, found: dict) -> None:
    for title, rows in (
        ("What the verdict catches", caught_rows(found)),
        ("Galaxies that it takes for something else", alarm_rows(found)),
    ):
        table = RichTable(*rows[0], title=title)
        for row in rows:
            table.add_row(*row.values())
        console.print(table)


def _cells(found: dict) -> list[str]:
    ours, theirs = found["galexplorer"], found.get("boosting", {})
    values = (
        ours["r2"], theirs.get("r2"), ours["rmse"], theirs.get("rmse"), ours["coverage_68"],
        ours["coverage_95"], ours["pit_ks"], ours["log_score"],
        found.get("gaussian", {}).get("log_score"),
    )  # fmt: skip
    return [str(ours["rows"]), *("" if v is None else f"{v:.3f}" for v in values)]
