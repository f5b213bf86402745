"""Time `galexplorer survey`: rows a second, memory of each process, and what that means at scale.

python benchmarks/survey_rate.py [--rows 10000 100000 1000000] [--workers 2] [--images]

Rows have magnitudes in ugriz of no galaxy in particular; with `--images` also 64 x 64 linear pixels
in g, r, i, in shards, of a disc as bright and as large. Two rates are told: by the clock, for the
partitions alone, without the start of the processes and the reading of the input; and by the
processor's time of the workers, their start included, which another load of the machine hardly
changes. Hours at scale follow from the latter.

What each number of rows took is kept in ``--out`` (build/survey_rate.json) when it is done, and not
measured again: a run that was cut short goes on with the next. `--again` forgets it. The figure
beside it, time against rows with the fitted exponent, is for docs/images.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure
from safetensors.numpy import save_file

from galexplorer.survey.cluster import MEMORY

ROOT = Path(__file__).resolve().parents[1]
SURVEYS = {"SDSS, 10^6": 1e6, "Legacy Surveys, 10^8": 1e8, "LSST, 10^10": 1e10}
CORES = (2, 64, 1024)
CHUNK = 100_000
SHARD, SIDE, PIXEL_SCALE, SKY_NOISE = 5_000, 64, 0.396, 0.02  # the last in nanomaggies a pixel
COLOURS = dict(zip("ugriz", (2.0, 0.7, 0.0, -0.35, -0.6), strict=True))
BLUE, GREY = "#2a6f97", "#8a8f98"

Measured = dict[str, float]


def write_table(path: Path, rows: int) -> None:
    """Write galaxies all over the northern sky, a piece at a time."""
    random = np.random.default_rng(1)
    writer: pq.ParquetWriter | None = None
    for begin in range(0, rows, CHUNK):
        number = min(CHUNK, rows - begin)
        columns = {"objid": np.arange(begin, begin + number) + 1237650000000000001}
        columns["ra"] = random.uniform(110, 260, number)
        columns["dec"] = np.degrees(np.arcsin(random.uniform(0, 0.9, number)))
        r = random.normal(17, 0.6, number)
        for band, colour in COLOURS.items():
            columns[band] = r + colour + random.normal(0, 0.1, number)
            columns[f"err_{band}"] = np.full(number, 0.03)
        columns["petro_r50"] = random.uniform(1, 5, number)
        columns["petro_r90"] = columns["petro_r50"] * random.uniform(2, 3.3, number)
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def write_images(table: Path, folder: Path) -> None:
    """Write a shard of images for every few rows of a table: round exponential discs and noise."""
    random = np.random.default_rng(2)
    folder.mkdir()
    side = (np.arange(SIDE) - SIDE / 2 + 0.5) * PIXEL_SCALE
    radius = np.hypot(side[:, None], side).astype(np.float32)
    for k, batch in enumerate(pq.ParquetFile(table).iter_batches(SHARD)):
        scale = batch["petro_r50"].to_numpy()[:, None, None] / 1.68  # half of the light within
        profile = np.exp(-radius / scale.astype(np.float32))
        profile *= (PIXEL_SCALE**2 / (2 * np.pi * scale**2)).astype(np.float32)
        flux = np.empty((len(batch), 3, SIDE, SIDE), np.float32)
        for j, band in enumerate("gri"):
            total = 10 ** (-0.4 * (batch[band].to_numpy() - 22.5))
            flux[:, j] = profile * total.astype(np.float32)[:, None, None]
        flux += random.normal(0, SKY_NOISE, flux.shape).astype(np.float32)
        scales = np.full(len(batch), PIXEL_SCALE, np.float32)
        save_file({"flux": flux, "pixel_scale": scales}, folder / f"{k:05d}.safetensors")


def measure(options: argparse.Namespace, rows: int) -> Measured:
    """Run the command once."""
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        write_table(folder / "galaxies.parquet", rows)
        words = [folder / "galaxies.parquet", "--out", folder / "out", "--draws", options.draws]
        words += ["--workers", options.workers]
        if options.images:
            write_images(folder / "galaxies.parquet", folder / "shards")
            words += ["--cutouts", folder / "shards"]
        command = [sys.executable, "-m", "galexplorer", "survey", *map(str, words)]
        said = (folder / "said").open("w+")
        begin = time.perf_counter()
        process = psutil.Popen(command, stderr=said, stdout=subprocess.DEVNULL)
        peak, used = {"command": 0, "worker": 0}, {}
        while process.poll() is None:
            for kind, own in [("command", process), *(("worker", w) for w in _children(process))]:
                try:
                    peak[kind] = max(peak[kind], own.memory_info().rss)
                    if kind == "worker":
                        used[own.pid] = sum(own.cpu_times()[:2])
                except psutil.NoSuchProcess:
                    continue
            time.sleep(0.5)
        whole = time.perf_counter() - begin
        if process.returncode:
            said.seek(0)
            raise SystemExit(said.read())
        said.close()
        summary = json.loads((folder / "out" / "survey.json").read_text())["summary"]
        written = sum(path.stat().st_size for path in (folder / "out").rglob("*.parquet"))
    return {
        "rows": rows,
        "whole_s": whole,
        "inferring_s": summary["seconds"],
        "rate": rows / summary["seconds"],
        "cpu_rate": rows / sum(used.values()),
        "command_gb": peak["command"] / 1e9,
        "worker_gb": peak["worker"] / 1e9,
        "bytes_a_row": written / rows,
        "load": psutil.getloadavg()[1],
    }


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def exponent_of(found: list[Measured], clock: bool = True) -> tuple[float, float]:
    """Return exponent and factor of the time, by clock or by processor, as a power of the rows."""
    rows = np.array([one["rows"] for one in found])
    rates = np.array([one["rate" if clock else "cpu_rate"] for one in found])
    power, constant = np.polyfit(np.log(rows), np.log(rows / rates), 1)
    return float(power), float(np.exp(constant))


def report(options: argparse.Namespace, found: list[Measured]) -> None:
    """Print what was measured, the exponent of time with rows, and hours at scale."""
    print(f"{options.workers} workers, {options.draws} draws a row; a worker may hold {MEMORY}")
    print("| Rows | Time | Rows a second | of processor | A worker | The command | Load |")
    print("|---|---|---|---|---|---|---|")
    for one in found:
        print(
            f"| {one['rows']:,} | {one['inferring_s']:,.0f} s ({one['whole_s']:,.0f} s in all) | "
            f"{one['rate']:,.0f} | {one['cpu_rate']:,.0f} | {one['worker_gb']:.2f} GB | "
            f"{one['command_gb']:.2f} GB | {one['load']:.1f} |"
        )
    if len(found) > 1:
        print(f"time by the clock grows as rows^{exponent_of(found)[0]:.3f}, that of the "
              f"processor as rows^{exponent_of(found, clock=False)[0]:.3f}")  # fmt: skip
        first, last = found[0], found[-1]
        beyond = (last["rows"] - first["rows"]) / (last["inferring_s"] - first["inferring_s"])
        print(f"beyond the first {first['rows']:,}, which start the workers: {beyond:,.0f} rows/s")
    last = found[-1]
    each = last["cpu_rate"]
    print(f"at {each:.0f} rows per s of processor and {last['bytes_a_row']:.0f} bytes a row:")
    for name, rows in SURVEYS.items():
        hours = [f"{rows / each / cores / 3600:,.3g} h on {cores:,} cores" for cores in CORES]
        print(f"  {name}: {', '.join(hours)}; {rows * last['bytes_a_row'] / 1e9:,.3g} GB")


def draw(found: list[Measured], path: Path) -> None:
    """Draw time and memory against rows."""
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    rows = np.array([one["rows"] for one in found])
    power, factor = exponent_of(found)
    line = np.geomspace(rows.min(), rows.max(), 50)
    left.loglog(line, factor * line**power, color=GREY, label=f"rows$^{{{power:.2f}}}$")
    left.loglog(rows, [one["inferring_s"] for one in found], "o", color=BLUE)
    left.set(xlabel="Rows", ylabel="Seconds")
    left.legend(frameon=False)
    for name, colour in (("worker_gb", BLUE), ("command_gb", GREY)):
        words = {"worker_gb": "a worker", "command_gb": "the command"}[name]
        right.semilogx(rows, [one[name] for one in found], "o-", color=colour, label=words)
    right.set(xlabel="Rows", ylabel="Largest memory, GB")
    right.set_ylim(bottom=0)
    right.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measure what is not measured yet, and tell all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--images", action="store_true", help="Rows have 64 x 64 linear pixels.")
    parser.add_argument("--folder", type=Path, help="Where to write; a temporary one by default.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "survey_rate.json")
    parser.add_argument("--again", action="store_true", help="Measure all of it again.")
    options = parser.parse_args()
    kept: dict[str, Measured] = {}
    if options.out.exists() and not options.again:
        kept = json.loads(options.out.read_text())
    found = []
    for rows in sorted(options.rows):
        name = f"{rows} rows, {options.workers} workers, {options.draws} draws"
        name += ", images" if options.images else ""
        if name not in kept:
            kept[name] = measure(options, rows)
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(kept, indent=1) + "\n")
        print(f"{name}: {kept[name]['inferring_s']:.0f} s", file=sys.stderr, flush=True)
        found.append(kept[name])
    report(options, found)
    if len(found) > 1:
        draw(found, options.out.with_suffix(".png"))
        print(f"figure: {options.out.with_suffix('.png')}")


if __name__ == "__main__":
    main()
