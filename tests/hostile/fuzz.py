"""Damaged inputs by the thousand: each gives a result or one of our errors, within time and memory.

A case is named by a surface and a number, and is the same for good. By hand,

    python tests/hostile/fuzz.py --cases 200000        # all surfaces by their shares
    python tests/hostile/fuzz.py --surface table --case 1234
"""

import argparse
import contextlib
import faulthandler
import gc
import hashlib
import resource
import sys
import tempfile
import time
import traceback
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from astropy.utils.exceptions import AstropyWarning

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "sky")]

import replay  # noqa: E402
import seeds  # noqa: E402
from mutations import OF_BINARY, OF_FITS, OF_TEXT, mutate  # noqa: E402

from galexplorer.api.inputs import observe  # noqa: E402
from galexplorer.catalogue import read_catalogue  # noqa: E402
from galexplorer.errors import GalexplorerError  # noqa: E402
from galexplorer.inference import engine as core  # noqa: E402
from galexplorer.inference.prior import read_prior as read_own  # noqa: E402
from galexplorer.model import weights  # noqa: E402
from galexplorer.model.network import GalaxyModel  # noqa: E402
from galexplorer.model.sizes import Sizes  # noqa: E402
from galexplorer.query.parse import names_galaxy, parse_target  # noqa: E402
from galexplorer.query.target_list import read_targets  # noqa: E402
from galexplorer.schema import TARGET_NAMES  # noqa: E402
from galexplorer.sky import http  # noqa: E402
from galexplorer.sky.fetch import fetch_target  # noqa: E402
from galexplorer.ui.session.link import from_query, to_query  # noqa: E402

SEED = 24
MAX_SECONDS, MAX_BYTES = 5.0, 2**30
MAX_MESSAGE = 1_500
WATCHDOG_S = 60
ROUND = 1_000
MAX_MAPPED = 8 * 2**30
SMALL = Sizes(
    encoder=4, regressor=4, regressors=1, context=8, context_hidden=8, flow_hidden=8, members=1
)

Attempt = Callable[[np.random.Generator], object]


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes
    ----------
    kind : {"result", "refused", "fault"}
    words : str
        The error's message, or what is wrong.
    seconds : float
        Of this process's processors, so that other work on the machine does not count.
    size_bytes : int
        By which the process grew at most.
    """

    kind: str
    words: str
    seconds: float
    size_bytes: int


def _choose(files: dict[str, bytes], rng: np.random.Generator) -> tuple[str, bytes]:
    name = list(files)[rng.integers(len(files))]
    return name, files[name]


def _damage(name: str, content: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file by what its format is; a packed one within its packing, as a rule."""
    if name.endswith((".gz", ".bz2")) and rng.random() < 0.7:
        packer = seeds.gzip if name.endswith(".gz") else seeds.bz2
        inner = _damage(name.rpartition(".")[0], packer.decompress(content), rng)
        return packer.compress(inner, 1)
    kinds = OF_BINARY if name.endswith((".parquet", ".feather", ".png", ".jpg")) else OF_TEXT
    return mutate(content, rng, OF_FITS if name.endswith(".fits") else kinds)


def read_image(rng: np.random.Generator) -> object:
    """Damage a FITS image and measure the galaxy on it."""
    name, content = _choose(seeds.images(), rng)
    return observe((name, _damage(name, content, rng)))


def read_picture(rng: np.random.Generator) -> object:
    """Damage a JPEG or PNG and measure the galaxy on it."""
    name, content = _choose(seeds.pictures(), rng)
    return observe((name, _damage(name, content, rng)), pixel_scale=0.396)


def read_table(rng: np.random.Generator) -> object:
    """Damage a table and read it as a catalogue."""
    name, content = _choose(seeds.tables(), rng)
    return read_catalogue(_damage(name, content, rng), name=name)


def read_list(rng: np.random.Generator) -> object:
    """Damage a list of targets."""
    name, content = _choose(seeds.LISTS, rng)
    return read_targets(_damage(name, content, rng), name)


def read_query(rng: np.random.Generator) -> object:
    """Damage what a user may type."""
    text = seeds.QUERIES[rng.integers(len(seeds.QUERIES))]
    damaged = mutate(text.encode(), rng, OF_TEXT).decode("utf-8", "surrogateescape")
    names_galaxy([damaged])
    return parse_target(damaged)


def read_link(rng: np.random.Generator) -> object:
    """Damage a link; it has always a view, whose own link leads to the same one."""
    query = dict(seeds.LINKS[rng.integers(len(seeds.LINKS))])
    for _ in range(int(rng.integers(1, 4))):
        key = list(query)[rng.integers(len(query))]
        query[key] = mutate(query[key].encode(), rng, OF_TEXT).decode("utf-8", "replace")
    view = from_query(query)
    again = from_query(to_query(view))
    assert again.options == view.options, (view, again)
    return view


def read_prior(rng: np.random.Generator) -> object:
    """Damage the file of a redshift prior."""
    _, content = _choose(seeds.PRIORS, rng)
    return read_own(mutate(content, rng, OF_TEXT))


@cache
def _services() -> replay.Replay:
    servers = replay.Replay(small=True)
    servers.sky.make_all_frames()
    return servers


def ask_services(rng: np.random.Generator) -> object:
    """Damage what services answer and look a galaxy up."""
    servers = _services()
    key = int(rng.integers(2**62))

    def spoil(body: bytes) -> bytes:  # of its body alone, since threads ask side by side
        digest = hashlib.sha256(body).digest()[:8]
        own = np.random.default_rng([key, int.from_bytes(digest, "big")])
        if body.startswith(b"BZh") and own.random() < 0.5:
            return seeds.bz2.compress(mutate(seeds.bz2.decompress(body), own, OF_FITS), 1)
        return mutate(body, own, OF_FITS if body.startswith(b"SIMPLE") else OF_TEXT)

    replay._SPOILERS["damaged"] = spoil
    servers.reset()
    for service in rng.choice(replay.SERVICES, size=rng.integers(1, 4), replace=False):
        servers.faults[str(service)] = str(rng.choice(["damaged", "damaged", "404"]))
    text = ["Haro 25", "162.184 +26.054", "star"][rng.integers(3)]
    http._PACE = http._Pace()
    with servers.configured(), tempfile.TemporaryDirectory() as folder:
        settings = http.Settings(
            connect_s=2, read_s=3, frame_s=3, total_s=10, attempts=1, backoff_s=0.01,
            max_body_bytes=1_500_000, legacy_url=servers.url("legacy"), cache_dir=Path(folder),
        )  # fmt: skip
        return fetch_target(text, settings=settings)


@cache
def _weights() -> dict[str, bytes]:
    """Files of small weights: a model of its own, and all else of the real ones."""
    import torch

    torch.manual_seed(3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights.save(folder, GalaxyModel(SMALL), {})
        for other in ("domain.safetensors", "library.safetensors", "verdict.safetensors"):
            (folder / other).write_bytes((weights.DEFAULT_FOLDER / other).read_bytes())
        kept = {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}
        kept["manifest.json"] = (folder / "manifest.json").read_bytes()
    return kept


def load_weights(rng: np.random.Generator) -> object:
    """Damage one file of the weights; its hash in the manifest is set right half of the time."""
    files = dict(_weights())
    name = list(files)[rng.integers(len(files))]
    files[name] = mutate(files[name], rng, OF_TEXT if name.endswith("json") else OF_BINARY)
    digests = {n: hashlib.sha256(c).hexdigest() for n, c in files.items() if n != "manifest.json"}
    own = digests.get(name)
    changed = files[name] != _weights()[name]
    signed = rng.random() < 0.5
    if own is not None and signed:
        files["manifest.json"] = seeds.manifest(digests, vars(SMALL), list(TARGET_NAMES))
    with tempfile.TemporaryDirectory() as place:
        for other, content in files.items():
            (Path(place) / other).write_bytes(content)
        engine = core.Engine.load(Path(place), "cpu")
    assert not (changed and own is not None and not signed), "a changed file was taken"
    return engine


SURFACES: dict[str, tuple[float, Attempt]] = {
    "image": (0.22, read_image),
    "picture": (0.10, read_picture),
    "table": (0.32, read_table),
    "list": (0.10, read_list),
    "query": (0.08, read_query),
    "link": (0.06, read_link),
    "prior": (0.06, read_prior),
    "service": (0.03, ask_services),
    "weights": (0.03, load_weights),
}
"""By name: its share of the cases, and what to do."""


def count_cases(total: int) -> dict[str, int]:
    """Return how many cases each surface gets."""
    return {name: max(1, round(share * total)) for name, (share, _) in SURFACES.items()}


def _resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def _reset_peak() -> None:
    with contextlib.suppress(OSError):  # not everywhere on Linux; the peak is that of before then
        Path("/proc/self/clear_refs").write_text("5")


def run_case(surface: str, number: int) -> Outcome:
    """Run one case."""
    attempt = SURFACES[surface][1]
    rng = np.random.default_rng([SEED, list(SURFACES).index(surface), number])
    _reset_peak()
    before, begun = _resident("VmRSS"), time.process_time()
    kind, words = "result", ""
    with warnings.catch_warnings(record=True) as stray:
        warnings.simplefilter("always")
        try:
            attempt(rng)
        except GalexplorerError as error:
            kind, words = "refused", str(error)
        except Exception:  # noqa: BLE001  # which is what is looked for
            kind, words = "fault", traceback.format_exc()
    seconds, grown = time.process_time() - begun, _resident("VmHWM") - before
    if kind == "refused" and not _is_sentence(words):
        kind, words = "fault", f"not a plain sentence: {words!r}"
    if seconds > MAX_SECONDS:
        kind, words = "fault", f"{seconds:.1f} s. {words}"
    if grown > MAX_BYTES:
        kind, words = "fault", f"{grown / 2**20:.0f} MiB. {words}"
    # astropy's parsers say what they repair, and filters are the whole process's: threads ask
    quiet = (DeprecationWarning, ResourceWarning, AstropyWarning)
    told = [w for w in stray if not issubclass(w.category, quiet)]
    if kind != "fault" and told:
        where = f"{told[0].filename}:{told[0].lineno}"
        kind, words = (
            "fault",
            f"a warning leaks: {told[0].category.__name__} {told[0].message} at {where}",
        )
    return Outcome(kind, words, seconds, grown)


def _is_sentence(words: str) -> bool:
    """Whether a message can be printed anywhere: bounded, and nothing that steers a terminal."""
    return 0 < len(words) <= MAX_MESSAGE and not any(
        unicodedata.category(mark) in ("Cc", "Cs") for mark in words.replace("\n", " ")
    )


def run_long(
    cases: dict[str, int], first: int, minutes: float
) -> Iterator[tuple[str, int, Outcome]]:
    """Run the cases in rounds of all surfaces, so that what time cuts off lacks none."""
    end = time.monotonic() + 60 * minutes
    rounds = max(1, sum(cases.values()) // ROUND)
    for k in range(rounds):
        places = {s: (n * k // rounds, n * (k + 1) // rounds) for s, n in cases.items()}
        for surface, (begin, stop) in places.items():
            if time.monotonic() > end:
                return
            yield from run({surface: stop - begin}, first + begin)


def run(cases: dict[str, int], first: int = 0) -> Iterator[tuple[str, int, Outcome]]:
    """Run the cases of each surface, from the number `first` on."""
    for surface, number in cases.items():
        for k in range(first, first + number):
            yield surface, k, run_case(surface, k)
            if k % 500 == 0:
                gc.collect()


def main() -> int:
    """Run cases; each fault is printed, and the kinds of outcomes counted at the end."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="of all surfaces together")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--surface", action="append", choices=list(SURFACES))
    parser.add_argument("--case", type=int, help="this one alone")
    parser.add_argument("--minutes", type=float, default=np.inf, help="after which it ends")
    options = parser.parse_args()
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MAPPED, MAX_MAPPED))  # no case ends the machine
    wanted = options.surface or list(SURFACES)
    if options.case is not None:
        cases, first = dict.fromkeys(wanted, 1), options.case
    else:
        cases = {n: c for n, c in count_cases(options.cases).items() if n in wanted}
        first = options.first
    counts: Counter[tuple[str, str]] = Counter()
    seen: Counter[str] = Counter()
    slowest, largest, taken = {}, {}, Counter()
    for surface, number, outcome in run_long(cases, first, options.minutes):
        faulthandler.dump_traceback_later(WATCHDOG_S, exit=True)  # where the next one hangs
        counts[surface, outcome.kind] += 1
        taken[surface] += outcome.seconds
        slowest[surface] = max(slowest.get(surface, (0.0, 0)), (outcome.seconds, number))
        largest[surface] = max(largest.get(surface, (0, 0)), (outcome.size_bytes, number))
        if outcome.kind == "fault":
            gist = outcome.words.strip().splitlines()[-1][:160]
            seen[gist] += 1
            if seen[gist] <= 2:
                print(f"{surface} {number}: {outcome.words[-2500:]}", flush=True)
    print("\n".join(f"{s:8s} {k:8s} {n:7d}" for (s, k), n in sorted(counts.items())))
    for surface, (seconds, number) in slowest.items():
        size, other = largest[surface]
        print(f"{surface:8s} {taken[surface]:6.1f} s; slowest {seconds:.2f} s ({number}); "
              f"largest {size / 2**20:.0f} MiB ({other})")  # fmt: skip
    print(f"{sum(counts.values()):,} cases, {sum(seen.values()):,} faults")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
