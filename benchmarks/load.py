"""What a busy machine costs: processor and wall time alone and beside busy loops.

    python benchmarks/load.py [--loops 8] [--rows 500] [--repeat 3]

Each edge of the program is run as a process of its own, by itself and then beside loops that want
every core, once as it comes and once with one thread forced from outside (OMP_NUM_THREADS=1). A
program whose threads spin while they wait takes many times its processor time beside the loops; the
table prints the ratio of each to the forced single thread alone, from the same run.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

SCRIPTS = {
    "API, one galaxy": "import galexplorer as gx; "
    "[gx.infer(magnitudes={'g': 17.6, 'r': 16.8, 'i': 16.4}, seed=s) for s in range(10)]",
    "command line, one galaxy": "import sys; from galexplorer.cli import main; "
    "sys.stdout = open('/dev/null', 'w'); main(['infer', '--mag-g', '17.6', '--mag-r', '16.8'])",
    "command line, catalogue": "from galexplorer.cli import main; "
    "main(['infer', '--catalog', 'rows.csv', '--out', 'out.ecsv'])",
}


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Keep the cores busy with as many endless loops."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for loop in running:
            loop.kill()
            loop.wait()


def measure(code: str, folder: Path, single: bool) -> tuple[float, float]:
    """Return the wall and processor seconds of a process that runs some code."""
    environment = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment.pop(name, None)
        if single:
            environment[name] = "1"
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def write_rows(path: Path, number: int) -> None:
    """Write a catalogue of invented magnitudes."""
    random = np.random.default_rng(5)
    red = random.uniform(15, 17.7, number)
    lines = [f"{r + 2:.3f},{r + 0.8:.3f},{r:.3f},{r - 0.4:.3f},{r - 0.6:.3f}" for r in red]
    path.write_text("u,g,r,i,z\n" + "\n".join(lines) + "\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loops", type=int, default=8)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder / "rows.csv", options.rows)
        print(f"{'':26} {'threads':8} {'loops':>5} {'wall s':>8} {'cpu s':>8} {'cpu ratio':>9}")
        for title, code in SCRIPTS.items():
            base = 0.0
            for single, loops in (
                (True, 0),
                (False, 0),
                (True, options.loops),
                (False, options.loops),
            ):
                with busy(loops):
                    times = [measure(code, folder, single) for _ in range(options.repeat)]
                wall, cpu = (statistics.median(part) for part in zip(*times, strict=True))
                base = base or cpu
                threads = "forced 1" if single else "as it is"
                print(f"{title:26} {threads:8} {loops:5} {wall:8.2f} {cpu:8.2f} {cpu / base:9.2f}")


if __name__ == "__main__":
    main()
