"""One table of ratios, each measured in one run: what `make bench` writes to build/bench.md.

python benchmarks/bench.py [--repeats 7] [--only draws catalogue start] [--out build/bench.md]

Times are of the processor, and alternate: each round times every row of a part once, so that a
busy machine slows all of them, and ratios are medians over rounds, with quartiles. Beside them
stands the floor: the matrix products of the same draws, and nothing else.

- draws: `Engine.sample` against nflows' own sampling of the same flows, one target after the
  other; against zuko's neural spline flows of as many parameters as one member of the ensemble has,
  coupling and autoregressive (pip install zuko); and against what sbi builds by default, a masked
  autoregressive flow of five affine transforms and 50 hidden units (made with nflows, as there).
- catalogue: rows a second with photometry, and with images on the model's grid from a shard.
- start: `galexplorer infer` of one galaxy against `import torch`, each in a process of its own.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from astropy.table import Table
from nflows.distributions import StandardNormal
from nflows.flows import Flow
from nflows.transforms import (
    CompositeTransform,
    MaskedAffineAutoregressiveTransform,
    RandomPermutation,
)
from safetensors.numpy import save_file
from torch import Tensor
from torch.nn import functional

from galexplorer.catalogue import read_catalogue
from galexplorer.figures.corner import corner_figure
from galexplorer.image.reader import read_image
from galexplorer.inference.engine import Engine
from galexplorer.inference.observe import observe
from galexplorer.model.flows import ORDER, parents_of
from galexplorer.records.photometry import Photometry
from galexplorer.runs.catalogue_run import infer_catalogue

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "assets" / "examples" / "spiral.fits.gz"
FLOOR = "matrix products alone"
CASES = ((1, 10_000), (256, 1_000))
CATALOGUE_DRAWS = 200
CHUNK = 8192

Calls = dict[str, Callable[[], object]]


def measure(calls: Calls, repeats: int) -> dict[str, np.ndarray]:
    """Return seconds of the processor of each call, in rounds, after one that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(repeats + 1):
        for name, call in calls.items():
            begin = time.process_time()
            call()
            if number:
                seconds[name].append(time.process_time() - begin)
    return {name: np.array(found) for name, found in seconds.items()}


def rows_of(title: str, seconds: dict[str, np.ndarray], own: str, floor: str) -> Iterator[str]:
    """Yield the rows of a part: seconds, ratios to our own and to the floor, quartiles behind."""
    for name, found in seconds.items():
        cells = [f"{np.median(found):.4f} s"]
        for other in (own, floor):
            low, middle, high = np.quantile(found / seconds[other], [0.25, 0.5, 0.75])
            cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
        yield f"| {title} | {name} | {' | '.join(cells)} |"


def matrix_products(engine: Engine, galaxies: int, draws: int) -> Callable[[], None]:
    """Return what multiplies the matrices of as many draws, each member's share at once."""
    chain, rows = engine.model.chain, galaxies * draws
    work = []
    for k in ORDER[1:]:
        for e in range(chain.members):
            enter, middle, leave = (chain.spline(k, e).net[place] for place in (0, 2, 4))
            size = len(parents_of(k))
            work.append((enter.weight[:, -size:], enter.bias, middle, leave))
    share = min(rows, CHUNK) // chain.members
    inputs = torch.randn(share, max(len(parents_of(k)) for k in ORDER))
    hidden = torch.randn(share, middle.in_features)

    @torch.inference_mode()
    def run() -> None:
        for _ in range(-(-rows // CHUNK)):
            for weight, bias, second, third in work:
                functional.linear(inputs[:, : weight.shape[1]], weight, bias)
                second(hidden)
                third(hidden)

    return run


def nflows_sampling(engine: Engine, galaxies: int, draws: int) -> Callable[[], Tensor]:
    """Return what draws from the first member's flows by nflows' own spline, a target at a time."""
    chain = engine.model.chain
    context = encoded(engine, galaxies).context[:, 0]

    @torch.inference_mode()
    def run() -> Tensor:
        rows = context.repeat_interleave(draws, dim=0)
        drawn = rows.new_empty((len(rows), 0))
        for k in ORDER:
            spline = chain.spline(k, 0)
            columns = []
            for part in range(0, len(rows), CHUNK):
                own = slice(part, part + CHUNK)
                given = drawn[own, : len(parents_of(k))]
                known = torch.cat([chain.context_for(k, rows[own]), given], dim=1)
                shift, log_scale, knots = spline.parameters_of(known)
                noise = torch.randn(len(known), 1)
                standard, _ = spline._spline(noise, knots, inverse=True)
                columns.append(standard * torch.exp(log_scale) + shift)
            drawn = torch.cat([drawn, torch.cat(columns)], dim=1)
        return drawn

    return run


def sbi_default(context: int) -> Flow:
    """Return the flow that sbi builds where nothing else is asked for."""
    layers = []
    for _ in range(5):
        layers += [
            MaskedAffineAutoregressiveTransform(
                features=9,
                hidden_features=50,
                context_features=context,
                num_blocks=2,
                use_residual_blocks=False,
                activation=torch.tanh,
            ),
            RandomPermutation(9),
        ]
    return Flow(CompositeTransform(layers), StandardNormal([9])).eval()


def others(engine: Engine, galaxies: int, draws: int) -> Calls:
    """Return the sampling of other packages' flows."""
    size = engine.model.sizes.context
    context = torch.randn(galaxies, size)
    flow = sbi_default(size)
    step = max(1, CHUNK // draws)

    @torch.inference_mode()
    def sample_sbi() -> None:
        for begin in range(0, galaxies, step):
            flow.sample(draws, context=context[begin : begin + step])

    calls: Calls = {"sbi's default": sample_sbi}
    try:
        import zuko
    except ImportError:
        return calls
    hidden = (engine.model.sizes.flow_hidden,) * 2
    for words, passes in (("zuko, coupling", 2), ("zuko, autoregressive", None)):
        built = zuko.flows.NSF(
            9, size, bins=10, transforms=5, passes=passes, hidden_features=hidden
        ).eval()

        @torch.inference_mode()
        def sample_zuko(built: torch.nn.Module = built) -> None:
            for begin in range(0, galaxies, step):
                for start in range(0, draws, CHUNK):
                    number = min(CHUNK, draws - start)
                    built(context[begin : begin + step]).sample((number,))

        calls[words] = sample_zuko
    return calls


def encoded(engine: Engine, galaxies: int):
    """Return galaxies of different magnitudes, encoded."""
    shifts = np.linspace(-0.5, 0.5, galaxies)
    listed = [Photometry("catalogue", {"g": 17.6 + s, "r": 16.8, "i": 16.4 - s}) for s in shifts]
    return engine.encode([observe(None, one) for one in listed])


def draws_part(engine: Engine, repeats: int) -> Iterator[str]:
    """Yield the rows of the draws."""
    for galaxies, draws in CASES:
        own = encoded(engine, galaxies)
        calls: Calls = {
            "galexplorer": lambda own=own, draws=draws: engine.sample(own, draws, 0),
            FLOOR: matrix_products(engine, galaxies, draws),
            "nflows' own sampling": nflows_sampling(engine, galaxies, draws),
            **others(engine, galaxies, draws),
        }
        found = measure(calls, repeats if galaxies == 1 else max(1, repeats // 2))
        yield from rows_of(f"{galaxies} × {draws:,} draws", found, "galexplorer", FLOOR)


def galaxy_part(engine: Engine, repeats: int) -> Iterator[str]:
    """Yield the rows of one galaxy, warm."""
    pixels = read_image(EXAMPLE)
    result = engine.infer(observe(pixels))
    own = engine.encode([observe(pixels)])
    calls: Calls = {
        "pixels to 5,000 draws": lambda: engine.infer(observe(pixels)),
        "of which draws": lambda: engine.sample(own, 5000, 0),
        "corner plot": lambda: corner_figure(result.posterior),
        FLOOR: matrix_products(engine, 1, 5000),
    }
    found = measure(calls, repeats)
    yield from rows_of("one galaxy", found, "pixels to 5,000 draws", FLOOR)


def catalogue_part(engine: Engine, repeats: int, rows: int = 504) -> Iterator[str]:
    """Yield the rows of catalogues."""
    random = np.random.default_rng(0)
    table = Table({"r": random.uniform(14.5, 17.7, rows)})
    for band, colour in zip("ugiz", (2.5, 0.8, -0.4, -0.7), strict=True):
        table[band] = table["r"] + colour + random.normal(0, 0.1, rows)
    with tempfile.TemporaryDirectory() as folder:
        shard = Path(folder) / "cutouts.safetensors"
        y, x = np.mgrid[:64, :64] - 31.5
        sizes = random.uniform(4, 9, rows)[:, None, None, None]
        grid = 200 * np.exp(-np.hypot(x, 1.3 * y) / sizes) * np.ones((3, 1, 1))
        scale = np.full(rows, 0.5, np.float32)
        save_file({"grid": grid.astype(np.uint8), "pixel_scale": scale}, shard)
        pictured = table.copy()
        pictured["image"] = [f"{shard}[{k}]" for k in range(rows)]
        inputs = {"photometry": read_catalogue(table), "images": read_catalogue(pictured)}

        def run(catalogue: object) -> object:
            return infer_catalogue(engine, catalogue, draws=CATALOGUE_DRAWS, workers=1)

        calls: Calls = {f"with {name}": (lambda own=own: run(own)) for name, own in inputs.items()}
        calls[FLOOR] = matrix_products(engine, rows, CATALOGUE_DRAWS)
        found = measure(calls, max(1, repeats // 2))
    for line, name in zip(
        rows_of("catalogue", found, "with photometry", FLOOR), found, strict=True
    ):
        rate = rows / np.median(found[name])
        yield line.replace(f" {name} |", f" {name}, {rate:,.0f} rows/s of processor |")


def start_part(repeats: int) -> Iterator[str]:
    """Yield the rows of processes from their start to their end."""

    def run(*words: str) -> Callable[[], float]:
        def call() -> float:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(
                [sys.executable, *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        return call

    infer = ("-m", "galexplorer", "-q", "infer", str(EXAMPLE))
    calls = {
        "import galexplorer": run("-c", "import galexplorer"),
        "galexplorer infer, one galaxy": run(*infer),
        "import torch": run("-c", "import torch"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(max(1, repeats // 2) + 1):
        for name, call in calls.items():
            spent = call()
            if number:
                seconds[name].append(spent)
    found = {name: np.array(own) for name, own in seconds.items()}
    yield from rows_of("start", found, "galexplorer infer, one galaxy", "import torch")


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", nargs="+", default=["draws", "galaxy", "catalogue", "start"])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench.md")
    options = parser.parse_args()
    engine = Engine.load(None, "cpu")
    parts = {
        "draws": lambda: draws_part(engine, options.repeats),
        "galaxy": lambda: galaxy_part(engine, options.repeats),
        "catalogue": lambda: catalogue_part(engine, options.repeats),
        "start": lambda: start_part(options.repeats),
    }
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    lines = [
        f"One thread, torch {torch.__version__}, load of the machine {load}; medians, quartiles in "
        "brackets. The floor is the row of matrix products, for a start that of importing torch.",
        "",
        "| | | time | of the first of ours | of the floor |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    for name in options.only:
        for line in parts[name]():
            lines.append(line)
            print(line, flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
