"""Time the stations of one inference and of a catalogue, in one run: read the ratios.

python benchmarks/speed.py [--rows 5000]
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from galexplorer.catalogue import read_catalogue
from galexplorer.figures.corner import corner_figure
from galexplorer.image.reader import read_image
from galexplorer.inference.engine import Engine
from galexplorer.inference.observe import observe
from galexplorer.runs.catalogue_run import infer_catalogue

EXAMPLE = Path(__file__).parents[1] / "assets" / "examples" / "spiral.fits.gz"


def median_seconds(call: Callable[[], object], repeats: int = 7) -> float:
    """Return the median time of a call, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5000)
    rows = parser.parse_args().rows
    begin = time.perf_counter()
    engine = Engine.load()
    loading = time.perf_counter() - begin
    pixels = read_image(EXAMPLE)
    observation = observe(pixels)
    result = engine.infer(observation)
    steps = {
        "read the FITS file": lambda: read_image(EXAMPLE),
        "find, measure, cut": lambda: observe(pixels),
        "infer 5,000 draws": lambda: engine.infer(observation),
        "draw the corner plot": lambda: corner_figure(result.posterior),
    }
    seconds = {name: median_seconds(call) for name, call in steps.items()}
    total = sum(seconds.values())
    print(f"load the model once        {loading:7.3f} s")
    for name, value in seconds.items():
        print(f"{name:26s} {value:7.3f} s  {100 * value / total:5.1f}% of the sum")
    table = Path("runs/benchmark.csv")
    table.parent.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    r = rng.uniform(14.5, 17.7, rows)
    columns = np.array([r + 2.5, r + 0.8, r, r - 0.4, r - 0.7]) + rng.normal(0, 0.1, (5, rows))
    lines = ["id,u,g,r,i,z"]
    lines += [f"{k}," + ",".join(f"{v:.3f}" for v in row) for k, row in enumerate(columns.T)]
    table.write_text("\n".join(lines) + "\n")
    begin = time.perf_counter()
    infer_catalogue(engine, read_catalogue(table))
    spent = time.perf_counter() - begin
    alone = seconds["infer 5,000 draws"]
    print(f"catalogue of {rows} rows, 512 draws each: {spent:.1f} s, {rows / spent:.0f} rows/s;")
    print(f"one row costs {spent / rows / alone:.3f} of one galaxy inferred alone with 5,000 draws")


if __name__ == "__main__":
    main()
