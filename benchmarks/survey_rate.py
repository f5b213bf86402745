"""Time `galexplorer survey`: rows a second, memory of each process, and what that means at scale.

python benchmarks/survey_rate.py [--rows 10000 100000] [--workers 1] [--draws 200]

Rows have magnitudes in ugriz of no galaxy in particular. Two rates are told: by the clock, for the
partitions alone, without the start of the processes and the reading of the input; and by the
processor's time of the workers, their start included, which another load of the machine hardly
changes. Hours at scale follow from the latter.
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

SURVEYS = {"SDSS, 10^6": 1e6, "Legacy Surveys, 10^8": 1e8, "LSST, 10^10": 1e10}
CORES = (2, 64, 1024)


def write_table(path: Path, rows: int) -> None:
    """Write galaxies all over the northern sky."""
    random = np.random.default_rng(1)
    columns = {"objid": np.arange(rows, dtype=np.int64) + 1237650000000000001}
    columns["ra"] = random.uniform(110, 260, rows)
    columns["dec"] = np.degrees(np.arcsin(random.uniform(0, 0.9, rows)))
    r = random.normal(17, 0.6, rows)
    for band, colour in zip("ugriz", (2.0, 0.7, 0.0, -0.35, -0.6), strict=True):
        columns[band] = r + colour + random.normal(0, 0.1, rows)
        columns[f"err_{band}"] = np.full(rows, 0.03)
    columns["petro_r50"] = random.uniform(1, 5, rows)
    columns["petro_r90"] = columns["petro_r50"] * random.uniform(2, 3.3, rows)
    pq.write_table(pa.table(columns), path)


def measure(options: argparse.Namespace, rows: int) -> dict[str, float]:
    """Run the command once."""
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        write_table(folder / "galaxies.parquet", rows)
        words = [folder / "galaxies.parquet", "--out", folder / "out", "--draws", options.draws]
        words += ["--workers", options.workers]
        command = [sys.executable, "-m", "galexplorer", "survey", *map(str, words)]
        begin = time.perf_counter()
        process = psutil.Popen(command, stderr=subprocess.PIPE, text=True)
        peak, used = {"command": 0, "worker": 0}, {}
        while process.poll() is None:
            for kind, own in [("command", process), *(("worker", w) for w in _children(process))]:
                try:
                    peak[kind] = max(peak[kind], own.memory_info().rss)
                    if kind == "worker":
                        used[own.pid] = sum(own.cpu_times()[:2])
                except psutil.NoSuchProcess:
                    continue
            time.sleep(0.25)
        whole = time.perf_counter() - begin
        if process.returncode:
            raise SystemExit(process.stderr.read())
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
    }


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def report(options: argparse.Namespace, found: list[dict[str, float]]) -> None:
    """Print what was measured, the exponent of time with rows, and hours at scale."""
    load = ", ".join(f"{value:.1f}" for value in psutil.getloadavg())
    print(f"{options.workers} workers, {options.draws} draws a row; load of the machine {load}")
    for one in found:
        print(
            f"{one['rows']:>9,} rows: {one['rate']:.0f} rows/s ({one['inferring_s']:.0f} s; "
            f"{one['whole_s']:.0f} s in all), {one['cpu_rate']:.0f} rows per s of processor, "
            f"worker {one['worker_gb']:.2f} GB, command {one['command_gb']:.2f} GB, "
            f"{one['bytes_a_row']:.0f} bytes a row"
        )
    if len(found) > 1:
        rows, seconds = (np.log([one[name] for one in found]) for name in ("rows", "inferring_s"))
        print(f"time by the clock grows as rows^{np.polyfit(rows, seconds, 1)[0]:.3f}")
    last = found[-1]
    each = last["cpu_rate"]
    print(f"at {each:.0f} rows per s of processor and {last['bytes_a_row']:.0f} bytes a row:")
    for name, rows in SURVEYS.items():
        hours = [f"{rows / each / cores / 3600:,.3g} h on {cores:,} cores" for cores in CORES]
        print(f"  {name}: {', '.join(hours)}; {rows * last['bytes_a_row'] / 1e9:,.3g} GB")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="Where to write; a temporary one by default.")
    options = parser.parse_args()
    report(options, [measure(options, rows) for rows in options.rows])


if __name__ == "__main__":
    main()
