"""What an ensemble is worth beside one of its members, and what it costs: read the ratios.

python benchmarks/ensemble.py --rendered DIR --real DIR [--rows 400]

On held-out galaxies: log score and RMSE of redshift and stellar mass by all members and, on
average, by one alone, with the calibration that was fitted for all. Then by how thinly the training
covers a galaxy's magnitudes: how much wider the ensemble's interval of redshift is than a member's
own. Last the time of a draw.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from galexplorer.datasets import shards
from galexplorer.evaluation.prediction import PHOTOMETRY, encode_rows, predict
from galexplorer.evaluation.samples.images import image_samples
from galexplorer.evaluation.samples.sample import Sample
from galexplorer.evaluation.samples.tables import table_samples
from galexplorer.inference.engine import Engine
from galexplorer.model.network import GalaxyModel
from galexplorer.population.sources import data_folder
from galexplorer.population.store import load_population
from galexplorer.simulation.training_set import table_rows

SCORED = (0, 1)
NEIGHBOUR = 20
DRAWS = 300


def alone(engine: Engine, member: int) -> Engine:
    """Return an engine of one member."""
    model = engine.weights.model
    single = GalaxyModel(replace(model.sizes, members=1))
    state = model.state_dict()
    chosen = {}
    for name in single.state_dict():
        parts = name.split(".")
        place = {"first_contexts": 1, "contexts": 1, "measurable": 1, "chain": 3}.get(parts[0])
        if place is not None:
            parts[place] = str(member)
        chosen[name] = state[".".join(parts)]
    single.load_state_dict(chosen)
    single.eval().requires_grad_(False).to(engine.device)
    return Engine(replace(engine.weights, model=single))


def scores(engine: Engine, sample: Sample) -> dict[str, np.ndarray]:
    """Return, by mode, log score and RMSE of each scored target, shape (targets, 2)."""
    found = {}
    rows, truth = shards.select(sample.arrays, sample.test), sample.truth[sample.test]
    for mode in sample.modes:
        if mode.fixed:
            continue
        draws = predict(engine, rows, mode, truth, DRAWS, redshift_range=sample.redshift_range)
        mean = draws.draws.mean(axis=1)
        known = [k for k in SCORED if np.isfinite(truth[:, k]).any()]
        found[mode.name] = np.array(
            [
                (
                    np.nanmean(draws.log_density[:, k]),
                    np.sqrt(np.nanmean((mean[:, k] - truth[:, k]) ** 2)),
                )
                if k in known
                else (np.nan, np.nan)
                for k in SCORED
            ]
        )
    return found


def widths(engine: Engine, rows: shards.Arrays) -> np.ndarray:
    """Return the width of the 68% interval of redshift from magnitudes, shape (n,)."""
    draws = engine.sample(encode_rows(engine, rows, PHOTOMETRY.mask), DRAWS, 0).numpy()
    low, high = np.quantile(draws[:, :, 0], [0.16, 0.84], axis=1)
    return high - low


def thinness(rows: shards.Arrays, training: shards.Arrays) -> np.ndarray:
    """Return the distance to the 20th training galaxy in r and the colours, in their spreads."""
    places = []
    for part in (training, rows):
        magnitude = part["catalogue_mag"].astype(float)
        places.append(np.column_stack([magnitude[:, 2], np.diff(magnitude, axis=1)]))
    known = places[0][np.isfinite(places[0]).all(axis=1) & (training["split"] == shards.TRAIN)]
    spread = known.std(axis=0)
    return cKDTree(known / spread).query(places[1] / spread, k=NEIGHBOUR)[0][:, -1]


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rendered", type=Path, required=True)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--rows", type=int, default=400)
    options = parser.parse_args()
    engine = Engine.load(options.weights)
    members = [alone(engine, e) for e in range(engine.model.sizes.members)]
    folder = data_folder(None)
    tables = [] if folder is None else table_samples(folder, options.rows)
    print(f"{'':44s} log score: all, one    RMSE: all / one")
    for sample in [*image_samples(options.real), *tables]:
        together = scores(engine, sample)
        single = [scores(member, sample) for member in members]
        for mode, values in together.items():
            mean = np.mean([one[mode] for one in single], axis=0)
            for k, name in enumerate(("redshift", "mass")):
                if np.isfinite(values[k]).all():
                    print(
                        f"{sample.name + ', ' + mode + ', ' + name:44s} "
                        f"{values[k, 0]:8.3f} {mean[k, 0]:8.3f}   {values[k, 1] / mean[k, 1]:8.3f}"
                    )
    manifest = shards.read(options.rendered)[1]
    training = table_rows(load_population(options.rendered, manifest["seed"]))
    for sample in tables:
        if sample.name != "main_sample":
            continue
        rows = shards.select(sample.arrays, sample.test)
        rows = shards.select(rows, np.isfinite(rows["catalogue_mag"]).all(axis=1))
        ratio = widths(engine, rows) / np.mean([widths(one, rows) for one in members], axis=0)
        far = thinness(rows, training)
        edges = np.quantile(far, np.linspace(0, 1, 6))
        print("68% interval of redshift, ensemble over member, from dense to thin:")
        fifth = np.clip(np.searchsorted(edges, far) - 1, 0, 4)
        print("  ".join(f"{ratio[fifth == k].mean():.3f}" for k in range(5)))
        seconds = []
        for one in (engine, members[0]):
            encoded = encode_rows(one, rows, PHOTOMETRY.mask)
            one.sample(encoded, DRAWS, 0)
            begin = time.perf_counter()
            one.sample(encoded, DRAWS, 0)
            seconds.append(time.perf_counter() - begin)
        print(f"time of draws, ensemble over member: {seconds[0] / seconds[1]:.2f}")


if __name__ == "__main__":
    main()
