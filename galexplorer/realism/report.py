"""The population's report: one HTML file with tables and figures, nothing loaded from elsewhere."""

import base64
import html
import io
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from galexplorer.population import package_tables, sources
from galexplorer.population.extension import SHIFTED
from galexplorer.population.store import load_population, read_fits
from galexplorer.realism import predictability, report_figures, transfer
from galexplorer.schema import TARGET_NAMES, TARGETS
from galexplorer.simulation import donors

log = logging.getLogger(__name__)

REPORT_FILE = "population.html"
FIGURES_FILE = "population.json"

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1f24; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #d7dade; text-align: right; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; height: auto; }
figure { margin: 1.5rem 0; }
figcaption { color: #4a5058; }
"""


def write_report(out: Path, seed: int, data: Path | None = None, workers: int = 1) -> Path:
    """Measure the population of a set and write its report.

    Parameters
    ----------
    out : Path
        Folder of the set; its population is made if it is not there.
    seed : int
    data : Path, optional
        Folder of the real tables; without it there is nothing to compare with. Where it holds
        `galexplorer.realism.transfer.REAL_SET`, galaxies are simulated as that set was delivered.
    workers : int
        Processes that measure and simulate images.

    Returns
    -------
    Path
        The HTML file; the figures measured are beside it as JSON.

    Raises
    ------
    galexplorer.errors.DataError
        If the folder holds a set made with another seed, or a table cannot be read.
    """
    rows = load_population(out, seed, data)
    folder = sources.data_folder(data)
    rng = np.random.default_rng(seed)
    parts = [_sources(rows, folder), _measured(rows), _fits(read_fits(out))]
    measured: dict = {"galaxies": len(rows), "seed": seed}
    if folder is not None:
        measured["auc"] = predictability.classifier_auc(rows, seed)
        table = predictability.compare(rows, seed)
        measured["predictability"] = json.loads(table.to_json(orient="records"))
        parts += [_auc(measured["auc"]), _predictability(table)]
        if (folder / transfer.REAL_SET).is_dir():
            kept = out / donors.FILE
            donor_set = donors.load(kept) if kept.exists() else None
            table = transfer.measure(rows, folder, donor_set, seed, workers)
            measured["transfer"] = json.loads(table.to_json(orient="records"))
            parts.append(_transfer(table))
    parts.append(_figures(rows, folder, rng))
    body = "\n".join(parts)
    path = out / REPORT_FILE
    path.write_text(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        f"<title>Population</title><style>{_STYLE}</style></head><body>"
        f"<h1>Population of {len(rows):,} galaxies</h1>{body}</body></html>\n"
    )
    (out / FIGURES_FILE).write_text(json.dumps(measured, indent=2) + "\n")
    log.info("wrote %s", path)
    return path


def _sources(rows: pd.DataFrame, folder: Path | None) -> str:
    count = rows.source.value_counts().rename_axis("source").reset_index(name="galaxies")
    effective = rows.weight.sum() ** 2 / (rows.weight**2).sum()
    note = f"<p>Weighted to the SDSS main sample they count as {effective:,.0f} galaxies.</p>"
    lost = (
        f"<p><strong>{html.escape(package_tables.LIMITATION)}</strong></p>"
        if folder is None
        else ""
    )
    return f"<h2>Where they come from</h2>{lost}{_table(count)}{note}"


def _measured(rows: pd.DataFrame) -> str:
    real = rows[rows.source != SHIFTED]
    lines = [
        {
            "target": target.label,
            "measured": int(real[f"{target.name}_measured"].sum()),
            "imputed": int((real[f"{target.name}_valid"] & ~real[f"{target.name}_measured"]).sum()),
            "in shifted copies": int(rows[f"{target.name}_valid"].sum())
            - int(real[f"{target.name}_valid"].sum()),
            "no such value": int((~rows[f"{target.name}_valid"]).sum()),
        }
        for target in TARGETS
    ]
    return f"<h2>Measured and imputed values</h2>{_table(pd.DataFrame(lines))}"


def _fits(fits: list[dict]) -> str:
    if not fits:
        return ""
    table = pd.DataFrame(fits).rename(columns={"completed": "imputed"})
    return (
        "<h2>Fits used for imputation</h2><p>Residuals of five-fold cross-validation; an "
        "imputed value carries the residual of a similar donor.</p>" + _table(table)
    )


def _auc(auc: dict[str, float]) -> str:
    table = pd.DataFrame({"rows": list(auc), "AUC": list(auc.values())})
    return (
        "<h2>AUC against the main sample, ugriz and redshift</h2><p>0.5 is chance, 0.60 the "
        "limit.</p>" + _table(table)
    )


def _predictability(table: pd.DataFrame) -> str:
    return (
        "<h2>Predictability from magnitudes</h2><p>Five-fold R² of boosting, on real rows and "
        "on rows of the population of the same magnitudes and redshifts; “independent” rows are "
        "imputed without any row of the table, those “elsewhere” are measured ones of "
        "other real tables, which differ from one another too.</p>" + _table(table)
    )


def _transfer(table: pd.DataFrame) -> str:
    return (
        "<h2>Predictability from images</h2><p>R² of boosting from aperture fluxes, colours, "
        "sizes and concentration on JPEGs: on real spirals and on simulated ones of the same "
        "magnitudes and redshifts (five-fold), and on the real ones after learning from the "
        "simulated; the loss in R², and the mean offset of the predictions.</p>" + _table(table)
    )


def _figures(rows: pd.DataFrame, folder: Path | None, rng: np.random.Generator) -> str:
    real = rows[rows.source != SHIFTED].copy()
    for name in TARGET_NAMES:
        real.loc[~real[f"{name}_measured"], name] = np.nan
    real.loc[~real.size_measured, ["petro_r50_true", "log_r50_kpc"]] = np.nan
    main = real[real.source.isin(["main_sample", "kcorrect"])]
    observed = _observed(folder)
    figures = {
        "Every pair of magnitudes, colours, redshift, targets and size. Contours: population, "
        "weighted to the main sample, 39% and 86%; points: measured values of all tables, which "
        "are selected in other ways.": report_figures.pair_figure(rows, real, rng),
        "The BPT plane.": report_figures.bpt_plane(rows, observed["bpt"], rng),
        "Mass and metallicity.": report_figures.mass_metallicity(rows, real, rng),
        "Mass and star-formation rate.": report_figures.main_sequence(rows, real, rng),
        "Mass and velocity dispersion.": report_figures.mass_dispersion(
            rows, observed["dispersion"], rng
        ),
        "Dispersion and black-hole mass; the population has no scatter by definition.": (
            report_figures.black_hole_relation(rows, observed["black_holes"])
        ),
        "Luminosity function.": report_figures.luminosity_function(rows, main),
        "Size function.": report_figures.size_function(rows, real),
    }
    return "<h2>Distributions</h2>" + "".join(_embedded(f, text) for text, f in figures.items())


def _observed(folder: Path | None) -> dict[str, pd.DataFrame | None]:
    """Return what the figures compare with, None where there is no folder."""
    if folder is None:
        return {"bpt": None, "dispersion": None, "black_holes": None}
    dispersion = pd.read_csv(folder / "mstar_vdisp.csv.gz")
    holes = pd.read_csv(folder / "bh_compilation.csv")
    holes = holes[(holes.MBH > 0) & (holes.SIG > 0) & (holes.UPPERLIMIT == 0)]
    return {
        "bpt": pd.read_csv(folder / "bpt_points.csv"),
        "dispersion": dispersion.rename(columns={"logMstar": "x", "logvelDisp_e": "y"}),
        "black_holes": holes.rename(columns={"SIG": "x", "MBH": "y"}),
    }


def _table(table: pd.DataFrame) -> str:
    return table.to_html(index=False, border=0, float_format=lambda value: f"{value:.3f}")


def _embedded(figure: Figure, caption: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, facecolor="white")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    text = html.escape(caption)
    return (
        f"<figure><img alt='{text}' src='data:image/png;base64,{encoded}'>"
        f"<figcaption>{text}</figcaption></figure>"
    )
