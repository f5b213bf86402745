"""Fit real galaxies the conventional way and by the networks: seconds, accuracy and coverage.

python benchmarks/conventional_fit.py [--galaxies 30] [--folder build/conventional]

Needs bagpipes (Carnall et al. 2018, 1712.04452) with its sampler nautilus, 250 MB of models that
are licensed apart from this package (GPL), and kcorrect for the filters of SDSS:

    pip install bagpipes nautilus-sampler spectres kcorrect

Galaxies are held out of the training, of the main sample, with spectroscopic redshift and stellar
mass of MPA-JHU. Both are given the same: model magnitudes in ugriz without extinction, their errors
(bagpipes with 2% beside them, 5% in u, for what no model has; ours learnt its own), and the
sample's range of redshift. bagpipes fits a delayed exponential history, a metallicity, Calzetti's
dust, nebular emission and the redshift, flat priors, 400 live points. The networks learnt what
galaxies of such a survey are, which is a prior too: that, and not the sampler, is why they may be
more accurate. Times are of the processor. What is fitted is kept in the folder, and not again.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from galexplorer.evaluation.samples.tables import table_samples
from galexplorer.inference.engine import Engine
from galexplorer.inference.observe import observe
from galexplorer.population.sources import data_folder
from galexplorer.records.photometry import Photometry
from galexplorer.schema import BANDS, SUMMARY_QUANTILES, TARGET_NAMES

ROOT = Path(__file__).resolve().parents[1]
FLOORS_MAG = (0.05, 0.02, 0.02, 0.02, 0.02)
NAMES = TARGET_NAMES[:2]
LEVELS = tuple(SUMMARY_QUANTILES.values())
ZERO_POINT_MICROJY = 23.9
LIVE = 400

Galaxy = dict[str, list[float]]


def choose_galaxies(number: int) -> list[Galaxy]:
    """Return held-out galaxies with all five bands and both truths."""
    folder = data_folder(None)
    if folder is None:
        raise SystemExit("no real tables: set GALEXPLORER_DATA to the folder that has them")
    sample = next(s for s in table_samples(folder, 20 * number) if s.name == "main_sample")
    out: list[Galaxy] = []
    for row in sample.test:
        magnitudes, errors = (sample.arrays[f"catalogue_{k}"][row] for k in ("mag", "err"))
        truth = sample.truth[row, : len(NAMES)]
        if np.isfinite(magnitudes).all() and np.isfinite(truth).all() and len(out) < number:
            errors = np.where(np.isfinite(errors), errors, FLOORS_MAG)
            given = {"magnitudes": magnitudes, "errors": errors, "truth": truth}
            out.append({name: [float(v) for v in values] for name, values in given.items()})
            out[-1]["range"] = list(sample.redshift_range or (0.0, 0.33))
    return out


def write_filters(folder: Path) -> list[str]:
    """Write SDSS's responses as bagpipes reads them."""
    from kcorrect.response import ResponseDict

    responses, paths = ResponseDict(), []
    for band in BANDS:
        name = f"sdss_{band}0"
        responses.load_response(name)
        one = responses[name]
        paths.append(str(folder / f"{band}.dat"))
        np.savetxt(paths[-1], np.column_stack([one.wave, one.response]))
    return paths


def fit_conventionally(galaxy: Galaxy, name: str, filters: list[str]) -> Galaxy:
    """Return quantiles of redshift and mass, and seconds."""
    import bagpipes

    flux = 10 ** (-0.4 * (np.array(galaxy["magnitudes"]) - ZERO_POINT_MICROJY))
    share = np.hypot(galaxy["errors"], FLOORS_MAG) * np.log(10) / 2.5
    photometry = np.column_stack([flux, flux * share])
    instructions = {
        "redshift": tuple(galaxy["range"]),
        "delayed": {
            "age": (0.1, 13.0),
            "tau": (0.3, 10.0),
            "massformed": (7.0, 12.5),
            "metallicity": (0.05, 2.5),
        },
        "dust": {"type": "Calzetti", "Av": (0.0, 2.0)},
        "nebular": {"logU": -3.0},
    }
    begin = time.process_time()
    seen = bagpipes.galaxy(
        name, lambda _: photometry, spectrum_exists=False, filt_list=filters, phot_units="mujy"
    )
    fit = bagpipes.fit(seen, instructions, n_posterior=1000)
    fit.fit(verbose=False, sampler="nautilus", n_live=LIVE, use_MPI=False)
    spent = time.process_time() - begin
    fit.posterior.get_basic_quantities()
    samples = fit.posterior.samples
    found = zip(NAMES, (samples["redshift"], samples["stellar_mass"]), strict=True)
    return {"seconds": [spent], **{key: np.quantile(own, LEVELS).tolist() for key, own in found}}


def infer(engine: Engine, galaxy: Galaxy) -> Galaxy:
    """Return the same by the networks."""
    given = (dict(zip(BANDS, galaxy[k], strict=True)) for k in ("magnitudes", "errors"))
    observation = observe(None, Photometry("catalogue", *given))
    low, high = galaxy["range"]
    begin = time.process_time()
    result = engine.infer(observation, redshift_range=(low, high))
    spent = time.process_time() - begin
    found = {name: np.quantile(result.posterior.column(name), LEVELS).tolist() for name in NAMES}
    return {"seconds": [spent], **found}


def report(galaxies: list[Galaxy], answers: dict[str, list[Galaxy]]) -> None:
    """Print the table."""
    print(f"{len(galaxies)} galaxies of SDSS's main sample, ugriz, free redshift\n")
    print("| | s of processor | RMSE of z | of log M* | within 68% (z, M*) | within 95% |")
    print("|---|---|---|---|---|---|")
    truth = np.array([galaxy["truth"] for galaxy in galaxies])
    for name, found in answers.items():
        quantiles = np.array([[one[key] for key in NAMES] for one in found])
        error = np.sqrt(np.mean((quantiles[:, :, 2] - truth) ** 2, axis=0))
        cells = [f"{np.median([one['seconds'][0] for one in found]):.3g}"]
        cells += [f"{error[0]:.4f}", f"{error[1]:.3f}"]
        for low, high in ((1, 3), (0, 4)):
            inside = (truth > quantiles[:, :, low]) & (truth < quantiles[:, :, high])
            cells.append(", ".join(f"{share:.0%}" for share in inside.mean(axis=0)))
        print(f"| {name} | {' | '.join(cells)} |")
    slow, fast = (np.array([one["seconds"][0] for one in found]) for found in answers.values())
    low, middle, high = np.quantile(slow / fast, [0.25, 0.5, 0.75])
    print(f"\n{middle:,.0f} times faster, from {low:,.0f} to {high:,.0f} (quartiles)")


def main() -> None:
    """Fit what is not fitted yet, infer all, tell both."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--galaxies", type=int, default=30)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "conventional")
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / "galaxies.json"
    if not listed.exists():
        listed.write_text(json.dumps(choose_galaxies(options.galaxies)))
    galaxies = json.loads(listed.read_text())[: options.galaxies]
    os.chdir(folder)  # where bagpipes leaves its own
    filters, fitted = write_filters(folder), []
    for k, galaxy in enumerate(galaxies):
        kept = folder / f"{k}.json"
        if not kept.exists():
            with contextlib.redirect_stdout(sys.stderr):
                kept.write_text(json.dumps(fit_conventionally(galaxy, str(k), filters)))
        fitted.append(json.loads(kept.read_text()))
    engine = Engine.load(None, "cpu")
    infer(engine, galaxies[0])
    own = [infer(engine, galaxy) for galaxy in galaxies]
    report(galaxies, {"bagpipes, nautilus": fitted, "galexplorer, 5,000 draws": own})


if __name__ == "__main__":
    main()
