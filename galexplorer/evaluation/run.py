"""The report card: posteriors against galaxies that no training touched."""

import json
import logging
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table as RichTable
from safetensors.numpy import load_file
from sklearn.ensemble import HistGradientBoostingRegressor

from galexplorer.errors import DataError
from galexplorer.evaluation.fields import evaluate_fields
from galexplorer.evaluation.metrics import point_metrics, redshift_metrics, score
from galexplorer.image.composite import linear_flux
from galexplorer.inference.engine import Engine
from galexplorer.model.weights import read_manifest, write_manifest
from galexplorer.schema import TARGET_NAMES
from galexplorer.training import dataset
from galexplorer.training.batches import (
    CATALOGUE_NO_SIZES,
    CATALOGUE_ONLY,
    IMAGE_AND_CATALOGUE,
    IMAGE_ONLY,
    Choice,
    features_of,
)
from galexplorer.training.dataset import TEST, Arrays
from galexplorer.training.simulate import load_population, table_rows
from galexplorer.training.sources import data_folder

log = logging.getLogger(__name__)

DRAWS = 1000
TABLE_MODES = {
    "ugriz and radii": CATALOGUE_ONLY,
    "ugriz": CATALOGUE_NO_SIZES,
    "bands missing": Choice(image=False, band_dropout=0.25, petro=0.0),
}
MAX_ROWS = 2600


def evaluate(
    weights: Path | None = None,
    data: Path | None = None,
    rendered: Path | None = None,
    real: Path | None = None,
    out: Path | None = None,
    record: bool = False,
) -> dict:
    """Score the model on held-out rows and print tables.

    Parameters
    ----------
    weights : Path, optional
    data : Path, optional
        Folder of the real data, for its FITS fields.
    rendered, real : Path, optional
        Sets made by ``galexplorer simulate`` and ``galexplorer dataset real``.
    out : Path, optional
        JSON file for all figures.
    record : bool
        Write the figures into the weights' manifest.

    Returns
    -------
    dict

    Raises
    ------
    DataError
        If there is nothing to evaluate on.
    """
    engine = Engine.load(weights)
    console = Console(width=120)
    report: dict = {"weights_sha256": engine.weights.sha256}
    if real is not None:
        arrays, manifest = dataset.read(real)
        report["real_images"] = _real_images(engine, arrays, list(manifest["shards"]), real)
        _print_real(console, report["real_images"])
    if rendered is not None:
        arrays, manifest = dataset.read(rendered)
        report["rendered"] = _rendered(engine, arrays)
        _print_targets(console, "Rendered galaxies, held out", report["rendered"])
        tables = table_rows(load_population(rendered, manifest["seed"]))
        report["tables"] = _modes(engine, _held_out(tables, MAX_ROWS), TABLE_MODES, measured=True)
        _print_targets(console, "Real tables, measured labels only", report["tables"])
    folder = data_folder(data)
    if folder is not None:
        report["fields"] = evaluate_fields(engine, folder)
        _print_fields(console, report["fields"])
    if len(report) == 1:
        raise DataError("There is nothing to evaluate on: give --rendered, --real or --data.")
    if out is not None:
        out.write_text(json.dumps(report, indent=2) + "\n")
    if record:
        folder = engine.weights.folder
        write_manifest(folder, {**read_manifest(folder), "evaluation": report})
    return report


def draws_of(
    engine: Engine, rows: Arrays, choice: Choice, draws: int = DRAWS, seed: int = 0
) -> np.ndarray:
    """Return posterior draws of dataset rows, shape (n, draws, 9)."""
    features = features_of(rows, choice, np.random.default_rng(seed))
    imaged = rows["has_image"].astype(bool) & choice.image
    origin = np.where(imaged, rows["origin"], 0)
    out = []
    for begin in range(0, len(features), 128):
        part = slice(begin, begin + 128)
        pairs = zip(rows["grid"][part], imaged[part], strict=True)
        grids = [grid if keep else None for grid, keep in pairs]
        with torch.inference_mode():
            encoded = engine.encode_arrays(features[part], grids, origin[part])
            out.append(engine.sample(encoded, draws, seed).numpy())
    return np.concatenate(out)


def _held_out(arrays: Arrays, limit: int | None = None, take: np.ndarray | None = None) -> Arrays:
    rows = np.flatnonzero((arrays["split"] == TEST) & (True if take is None else take))
    if limit is not None and len(rows) > limit:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:limit])
    return dataset.select(arrays, rows)


def _modes(
    engine: Engine, rows: Arrays, modes: dict[str, Choice], measured: bool = False
) -> dict[str, dict]:
    """Score every target in every mode; `measured` leaves completed labels out."""
    usable = (rows["label"] == 1) if measured else (rows["label"] > 0)
    truth = np.where(usable, rows["targets"], np.nan)
    report = {}
    for mode, choice in modes.items():
        draws = draws_of(engine, rows, choice)
        report[mode] = {
            name: score(truth[:, k], draws[:, :, k], redshift=k == 0)
            for k, name in enumerate(TARGET_NAMES)
        }
    return report


def _rendered(engine: Engine, arrays: Arrays) -> dict:
    rows = _held_out(arrays, MAX_ROWS, arrays["has_image"].astype(bool))
    modes = {
        "image and photometry": IMAGE_AND_CATALOGUE,
        "image alone": IMAGE_ONLY,
        "photometry alone": CATALOGUE_ONLY,
    }
    return _modes(engine, rows, modes)


def _real_images(engine: Engine, arrays: Arrays, shards: list[str], folder: Path) -> dict:
    """Score redshift and mass of real images beside gradient boosting on the same galaxies."""
    report = {}
    for shard in shards:
        name = shard.removeprefix("shard-").removesuffix(".safetensors")
        rows = load_file(str(folder / shard))
        labelled = rows["has_image"].astype(bool) & (rows["label"][:, 0] == 1)
        if labelled.sum() < 50:
            continue
        held = _held_out(rows, None, labelled)
        result = {
            "galexplorer": {
                name: figures
                for name, figures in _modes(engine, held, {"x": IMAGE_ONLY}, measured=True)[
                    "x"
                ].items()
                if name in TARGET_NAMES[:2]
            }
        }
        fitted = dataset.select(rows, np.flatnonzero(labelled & (rows["split"] != TEST)))
        result["gradient boosting"] = _boosting(fitted, held)
        report[name] = result
    return report


def _boosting(fitted: Arrays, held: Arrays) -> dict:
    """Return redshift and mass by boosting on what can be measured on the same images."""
    features, test = measured_features(fitted), measured_features(held)
    report = {}
    for k, name in enumerate(TARGET_NAMES[:2]):
        known = fitted["label"][:, k] == 1
        model = HistGradientBoostingRegressor(
            max_iter=300, learning_rate=0.05, max_leaf_nodes=12, min_samples_leaf=12, random_state=0
        )
        model.fit(features[known], fitted["targets"][known, k])
        good = held["label"][:, k] == 1
        truth, guess = held["targets"][good, k].astype(float), model.predict(test[good])
        report[name] = {"rows": int(good.sum()), **point_metrics(truth, guess)}
        if k == 0:
            report[name] |= redshift_metrics(truth, guess)
    return report


def measured_features(rows: Arrays) -> np.ndarray:
    """Return aperture fluxes, colours, sizes and concentrations of images, shape (n, f)."""
    out = []
    axis = np.arange(64) - 31.5
    radius_px = np.hypot(*np.meshgrid(axis, axis))
    for k in range(len(rows["split"])):
        scale = float(rows["pixel_scale"][k])
        flux = linear_flux(rows["grid"][k] / np.float32(255), scale)
        radius = radius_px * scale
        inside = [flux[:, radius < r].sum(axis=1) for r in (1.5, 3.0, 5.0, 8.0, 11.0)]
        magnitudes = -2.5 * np.log10(np.maximum(inside, 1e-3))
        colours = magnitudes[:, :-1] - magnitudes[:, 1:]
        growth = -np.diff(magnitudes[:, 1])
        total = flux[1].clip(min=0)
        weight = total.sum() + 1e-9
        moments = [
            float((total * a * b).sum() / weight)
            for a, b in (
                (axis[None] ** 2, 1.0),
                (axis[:, None] ** 2, 1.0),
                (axis[None], axis[:, None]),
            )
        ]
        shape = np.hypot(moments[0] - moments[1], 2 * moments[2]) / (moments[0] + moments[1] + 1e-9)
        asymmetry = np.abs(total - total[::-1, ::-1]).sum() / weight
        petro = rows["measured_petro"][k]
        mags = rows["measured_mag"][k]
        out.append(
            [*magnitudes.ravel(), *colours.ravel(), *growth, shape, asymmetry, *petro,
             petro[1] / petro[0], *mags, mags[0] - mags[1], mags[1] - mags[2]]
        )  # fmt: skip
    return np.array(out, float)


def _print_real(console: Console, report: dict) -> None:
    table = RichTable(title="Real images, held out, image alone")
    for column in ("set", "method", "target", "rows", "R2", "RMSE", "sigma_MAD", "68%", "95%"):
        table.add_column(
            column, justify="left" if column in ("set", "method", "target") else "right"
        )
    for name, methods in report.items():
        for method, targets in methods.items():
            for target, f in targets.items():
                table.add_row(
                    name, method, target, str(f["rows"]), *_cells(f, "r2", "rmse", "sigma_mad"),
                    *_cells(f, "coverage_68", "coverage_95"),
                )  # fmt: skip
    console.print(table)


def _print_targets(console: Console, title: str, report: dict) -> None:
    table = RichTable(title=title)
    for column in ("mode", "target", "rows", "R2", "RMSE", "50%", "68%", "90%", "95%", "PIT KS"):
        table.add_column(column, justify="left" if column in ("mode", "target") else "right")
    for mode, targets in report.items():
        for target, f in targets.items():
            levels = [f"coverage_{c}" for c in (50, 68, 90, 95)]
            table.add_row(mode, target, str(f["rows"]), *_cells(f, "r2", "rmse", *levels, "pit_ks"))
    console.print(table)


def _print_fields(console: Console, report: list[dict]) -> None:
    table = RichTable(title="Galaxies of the real FITS fields, image alone")
    for column in ("galaxy", "r", "true z", "2.5%", "50%", "97.5%", "inside 95%"):
        table.add_column(column, justify="left" if column == "galaxy" else "right")
    for row in report:
        if "error" in row:
            table.add_row(row["galaxy"], row["error"])
            continue
        table.add_row(
            row["galaxy"], f"{row['r']:.2f}", f"{row['redshift']:.4f}", f"{row['p2_5']:.4f}",
            f"{row['p50']:.4f}", f"{row['p97_5']:.4f}", "yes" if row["inside_95"] else "NO",
        )  # fmt: skip
    console.print(table)


def _cells(figures: dict, *names: str) -> list[str]:
    return [f"{figures[name]:.3f}" if name in figures else "" for name in names]
