"""Time `galexplorer dataset build` on a replayed survey with frames of full size; scale it up.

python benchmarks/survey.py [--galaxies 48] [--source frames] [--latency 0] [--megabytes-per-s 0]

The replay runs on this machine and takes a part of its processor, so the rate is a lower bound of
what the machine can do where the network is fast.
"""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

MAIN_SAMPLE = 250_000
GALAXIES_PER_FIELD = 1.5
"""Of 250,000 galaxies, in a field that holds any.

The main sample has about 80 galaxies a square degree, a field 0.034 square degrees that are its own
(1361 x 2048 pixels of 0.396"), so 2.7 galaxies, of which 250,000 are 39%; overlapping stripes
leave a field less. At 0.95 a field (Poisson) 61% of the fields are needed.
"""
NEIGHBOURS_PER_FIELD = 0.1
"""Fields needed only because a galaxy lies at the edge of the one beside it.

A cutout of 80" to 100" reaches over the edge for 5 to 9% of the galaxies; four of ten fields
beside are not fetched anyway, and a strip that ends forgets its last one.
"""
FRAMES_MB = 10.2
"""g, r and i of one real field, packed: 3.08, 3.18 and 3.90 MB."""


def load_replay():
    """Return the module of the replayed survey."""
    path = ROOT / "tests" / "sky" / "survey_replay.py"
    spec = importlib.util.spec_from_file_location("survey_replay", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["survey_replay"] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--galaxies", type=int, default=48)
    parser.add_argument("--source", choices=["frames", "legacy"], default="frames")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--latency", type=float, default=0.0, help="Seconds a request waits.")
    parser.add_argument("--megabytes-per-s", type=float, default=0.0, help="Of one connection.")
    options = parser.parse_args()
    replay_module = load_replay()
    shape = replay_module.Shape(2048, 1489, 1361, packed_noise=0.0005, packing=9)
    survey = replay_module.Survey(options.galaxies, GALAXIES_PER_FIELD, shape)
    services = replay_module.SurveyReplay(survey)
    if options.source == "frames":
        begin = time.perf_counter()
        for run, camcol, number in survey.fields:
            for step in (-1, 0, 1):
                for band in "gri":
                    survey.frame(run, camcol, number + step, band)
        print(f"frames written in {time.perf_counter() - begin:.0f} s")
    services.latency_s = options.latency
    if options.megabytes_per_s:
        services.bytes_per_s = 1e6 * options.megabytes_per_s
    start = build(options, services, 2)
    whole = build(options, services, options.galaxies)
    report(options, services, start, whole)


def build(options, services, size: int) -> dict[str, float]:
    """Build a set in a process of its own; return what it took and what it left."""
    services.reset()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set"
        command = [sys.executable, "-m", "galexplorer", "dataset", "build"]
        command += ["--size", str(size), "--source", options.source]
        command += ["--parallel", str(options.parallel), "--out", str(out)]
        environment = os.environ | services.environment(Path(folder))
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        told = re.search(r"MB in (\d+) s", said)
        if status or told is None:
            raise SystemExit(f"the build failed:\n{said}")
        kept = [*out.glob("*.safetensors"), *out.glob("*.parquet")]
        return {
            "galaxies": size,
            "seconds": max(float(told[1]), 0.5),  # of the downloads alone
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "memory_gb": usage.ru_maxrss * 1024 / 1e9,
            "kept_bytes": sum(path.stat().st_size for path in kept),
        }


def report(options, services, start: dict[str, float], whole: dict[str, float]) -> None:
    """Print what was measured, less the start of the program, and what it means at scale."""
    number = whole["galaxies"]
    each = {
        name: (whole[name] - start[name]) / (number - start["galaxies"])
        for name in ("cpu_s", "kept_bytes")
    }
    each["seconds"] = whole["seconds"] / number
    service = {"frames": "sas", "legacy": "legacy"}[options.source]
    sent, requests = services.sent_bytes[service], services.counts[service]
    hours = MAIN_SAMPLE / 3600
    print(f"{number} galaxies in {len(services.survey.fields)} fields")
    print(f"{1 / each['seconds']:.2f} galaxies/s; {each['cpu_s']:.2f} s of processor a galaxy")
    print(f"{requests / number:.2f} requests and {sent / number / 1e6:.2f} MB a galaxy")
    print(f"{each['kept_bytes'] / 1e3:.1f} kB kept a galaxy; {whole['memory_gb']:.2f} GB of memory")
    megabytes = sent / number / 1e6
    if options.source == "frames":
        per_galaxy = (1 + NEIGHBOURS_PER_FIELD) / GALAXIES_PER_FIELD
        megabytes = FRAMES_MB * per_galaxy
        print(f"on the sky {3 * per_galaxy:.2f} requests and {megabytes:.1f} MB a galaxy")
    print(f"{MAIN_SAMPLE:,} galaxies:")
    print(f"  {each['seconds'] * hours:6.0f} h at the rate of this replay")
    print(f"  {each['cpu_s'] * hours:6.0f} h of one processor")
    print(f"  {megabytes * MAIN_SAMPLE / 1e3:6,.0f} GB to download")
    for rate in (5, 10, 20):
        print(f"  {megabytes * hours / rate:6.0f} h at {rate} MB/s in all")
    print(f"  {each['kept_bytes'] * MAIN_SAMPLE / 1e9:6.1f} GB kept")


if __name__ == "__main__":
    main()
