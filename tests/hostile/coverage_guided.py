"""Search for inputs that break the readers, led by what they cover (atheris, which is libFuzzer).

It is installed apart (`pip install atheris`), since few platforms have it:

    python tests/hostile/coverage_guided.py --minutes 10 --target fits
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGETS = ("fits", "table", "coordinates", "prior")


def _attempts() -> dict[str, Callable[[bytes], object]]:
    """Import under instrumentation, and say what each target does with bytes."""
    import atheris

    with atheris.instrument_imports(include=["galexplorer"]):
        from galexplorer.api.inputs import observe
        from galexplorer.catalogue import read_catalogue
        from galexplorer.errors import GalexplorerError
        from galexplorer.inference.prior import read_prior
        from galexplorer.query.parse import names_galaxy, parse_target

    def read_coordinates(data: bytes) -> object:
        text = data.decode("utf-8", "surrogateescape")
        names_galaxy([text])
        return parse_target(text)

    raw = {
        "fits": lambda data: observe(("a.fits", data), pixel_scale=0.396),
        "table": lambda data: read_catalogue(data, name="table"),
        "coordinates": read_coordinates,
        "prior": read_prior,
    }

    def guarded(read: Callable[[bytes], object]) -> Callable[[bytes], None]:
        def attempt(data: bytes) -> None:
            try:
                read(data)
            except GalexplorerError:
                return

        return attempt

    return {name: guarded(read) for name, read in raw.items()}


def _write_corpus(target: str, folder: Path) -> None:
    sys.path.append(str(HERE))
    import seeds

    files = {
        "fits": seeds.images,
        "table": seeds.tables,
        "coordinates": lambda: {str(k): q.encode() for k, q in enumerate(seeds.QUERIES)},
        "prior": lambda: seeds.PRIORS,
    }[target]()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def main() -> int:
    """Search each target; a finding ends it and leaves its input in the current folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of all targets together")
    parser.add_argument("--target", action="append", choices=TARGETS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.one:
        import atheris

        atheris.Setup([sys.argv[0], *rest], _attempts()[options.one])
        atheris.Fuzz()
    status = 0
    targets = options.target or list(TARGETS)
    for target in targets:
        with tempfile.TemporaryDirectory() as corpus:
            _write_corpus(target, Path(corpus))
            seconds = max(1, round(60 * options.minutes / len(targets)))
            command = [sys.executable, __file__, "--one", target, corpus]
            limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2500"]
            done = subprocess.run(
                [*command, *limits, "-max_len=100000", "-verbosity=1", "-print_final_stats=1"],
                check=False,
            )
            status = status or done.returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
