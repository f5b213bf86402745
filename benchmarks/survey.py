"""Time `galexplorer dataset build` on a replayed survey with frames of full size; scale it up.

python benchmarks/survey.py [--galaxies 48] [--source frames] [--latency 0] [--megabytes-per-s 0]

The replay runs on this machine and takes a part of its processor, so the rate is a lower bound of
what the machine can do where the network is fast.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

MAIN_SAMPLE = 250_000
GALAXIES_PER_FIELD = 1.6
"""Of 250,000 galaxies, in a field that holds any: 2.9 a field of the whole main sample.

87 galaxies a square degree in fields of 0.034 square degrees (1361 x 2048 pixels of 0.396"), of
which 250,000 are 38%: 1.1 a field, Poisson, 67% of the fields not empty.
"""
NEIGHBOURS_PER_FIELD = 0.15
"""Frames needed for galaxies at an edge, beyond those of fields that are fetched anyway."""
FRAMES_MB = 10.2
"""g, r and i of one real field, packed: 3.08, 3.18 and 3.90 MB."""


def load_replay():
    """Return the module of the replayed survey."""
    path = ROOT / "tests" / "sky" / "survey_replay.py"
    spec = importlib.util.spec_from_file_location("survey_replay", path)
    assert spec is not None and spec.loader is not None
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
    shape = replay_module.Shape(2048, 1489, 1361, packed_noise=0.002)
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
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set"
        command = [sys.executable, "-m", "galexplorer.cli", "dataset", "build"]
        command += ["--size", str(options.galaxies), "--source", options.source]
        command += ["--parallel", str(options.parallel), "--out", str(out)]
        environment = os.environ | services.configure(Path(folder) / "config")
        begin = time.perf_counter()
        process = subprocess.Popen(command, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        if status:
            raise SystemExit("the build failed")
        kept = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    report(options, services, seconds, usage, kept)


def report(options, services, seconds: float, usage, kept_bytes: int) -> None:
    """Print what was measured, and what it means for the whole sample."""
    number = options.galaxies
    service = {"frames": "sas", "legacy": "legacy"}[options.source]
    sent = services.sent_bytes[service]
    requests = services.counts[service]
    fields = len(services.survey.fields)
    cpu_s = usage.ru_utime + usage.ru_stime
    print(f"{number} galaxies in {fields} fields, {seconds:.1f} s with the start")
    print(f"{number / seconds:.2f} galaxies/s; {cpu_s / number:.2f} s of processor a galaxy")
    print(f"{requests / number:.2f} requests and {sent / number / 1e6:.2f} MB a galaxy")
    print(
        f"{sent / max(requests, 1) / 1e6:.2f} MB a request; {kept_bytes / number / 1e3:.1f} kB kept"
    )
    print(f"{usage.ru_maxrss / 1e6:.2f} GB of memory at most")
    if options.source == "frames":
        per_galaxy = (1 + NEIGHBOURS_PER_FIELD) / GALAXIES_PER_FIELD
        megabytes = FRAMES_MB * per_galaxy
        print(f"on the sky: {3 * per_galaxy:.2f} requests and {megabytes:.1f} MB a galaxy")
    else:
        megabytes = sent / number / 1e6
    print(f"{MAIN_SAMPLE:,} galaxies: {megabytes * MAIN_SAMPLE / 1e3:,.0f} GB to download")
    for rate in (5, 20, 50):
        print(f"  {megabytes * MAIN_SAMPLE / rate / 3600:6.0f} h at {rate} MB/s in all")
    print(f"  {cpu_s / number * MAIN_SAMPLE / 3600:6.0f} h of one processor")
    print(f"  {kept_bytes / number * MAIN_SAMPLE / 1e9:6.1f} GB kept")


if __name__ == "__main__":
    main()
