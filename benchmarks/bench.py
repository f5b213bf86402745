"""One table of ratios, each measured in one run: what `make bench` writes to build/bench.md.

python benchmarks/bench.py [--repeats 7] [--only draws galaxy catalogue workers start]

Times are of the processor, and alternate: each round times every row of a part once, so that a
busy machine slows all of them, and ratios are medians over rounds, with quartiles. Beside them
stands the floor: the matrix products of the same draws, for images the convolutions too, and
nothing else. It takes some minutes.

- draws: `Engine.sample` against nflows' own sampling of the same flows, one target after the
  other; against zuko's neural spline flows of as many parameters as one member of the ensemble has,
  coupling and autoregressive (pip install zuko); and against what sbi builds by default, a masked
  autoregressive flow of five affine transforms and 50 hidden units (made with nflows, as there).
- galaxy: one galaxy, warm: from a file to its draws, and both corner plots, that of the screen and
  that of print.
- catalogue: rows a second with photometry, with images on the model's grid from a shard, linear
  or JPEG, and with images of 64 pixels that are measured first.
- workers: the same by the clock, with one thread and two. Means something on an idle machine alone.
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

from galexplorer.catalogue import Catalogue, read_catalogue
from galexplorer.figures.corner import corner_figure
from galexplorer.figures.screen_corner import Layer, screen_corner
from galexplorer.image.reader import read_image
from galexplorer.inference.engine import Engine
from galexplorer.inference.observe import observe
from galexplorer.model.flows import ORDER, parents_of
from galexplorer.records.photometry import Photometry
from galexplorer.runs.catalogue_run import infer_catalogue
from galexplorer.schema import TARGET_NAMES

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "assets" / "examples" / "spiral.fits.gz"
FLOOR = "matrix products alone"
CASES = ((1, 10_000), (32, 1_000), (256, 1_000))
SLOWEST, MOST_OF_SLOWEST = "zuko, autoregressive", 50_000
"""Draws beyond which it is left out: it takes minutes, and its ratio is that of fewer."""

CATALOGUE_DRAWS = 200
PICTURED_ROWS = 126
CHUNK = 8192

Calls = dict[str, Callable[[], object]]


def measure(
    calls: Calls, repeats: int, clock: Callable[[], float] = time.process_time
) -> dict[str, np.ndarray]:
    """Return seconds of each call, by default of the processor, after one that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(repeats + 1):
        for name, call in calls.items():
            begin = clock()
            call()
            if number:
                seconds[name].append(clock() - begin)
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


def convolutions(engine: Engine, images: int, jpeg: bool = False) -> Callable[[], None]:
    """Return what convolves as many images, turned eight ways, and reconstructs them."""
    model, batch = engine.model, 16
    work: list[tuple[torch.nn.Module, Tensor, int]] = []
    like = torch.rand(batch, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    nets = [(model.encoder, like, 8), (model.decoder, torch.randn(batch, 32), 1)]
    if jpeg:
        nets += [(net, like, 8) for net in model.regressors]
    for net, given, times in nets:

        def note(layer: torch.nn.Module, entered: tuple, _: Tensor, times: int = times) -> None:
            work.append((layer, entered[0].clone(), times))

        layers = [own for own in net.modules() if type(own).__name__.startswith("Conv")]
        hooks = [layer.register_forward_hook(note) for layer in layers]
        with torch.inference_mode():
            net(given, torch.zeros(batch)) if net in model.regressors else net(given)
        for hook in hooks:
            hook.remove()

    @torch.inference_mode()
    def run() -> None:
        for _ in range(-(-images // batch)):
            for layer, entered, times in work:
                for _ in range(times):
                    layer(entered)

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
        if galaxies * draws > MOST_OF_SLOWEST:
            calls.pop(SLOWEST, None)
        found = measure(calls, repeats if galaxies == 1 else max(2, repeats // 2))
        yield from rows_of(f"{galaxies} × {draws:,} draws", found, "galexplorer", FLOOR)


def galaxy_part(engine: Engine, repeats: int) -> Iterator[str]:
    """Yield the rows of one galaxy, warm."""
    pixels = read_image(EXAMPLE)
    seen = observe(pixels)
    result, own = engine.infer(seen), engine.encode([seen])
    layer = Layer(result.posterior, "#336699")
    calls: Calls = {
        "pixels to 5,000 draws": lambda: engine.infer(observe(pixels)),
        "of which find, measure, cut": lambda: observe(pixels),
        "of which encoding": lambda: engine.encode([seen]),
        "of which domain, verdict, neighbours": lambda: engine.prepare(seen),
        "of which draws": lambda: engine.sample(own, 5000, 0),
        "read the FITS file": lambda: read_image(EXAMPLE),
        "corner plot of the screen": lambda: screen_corner([layer]),
        "corner plot of print": lambda: corner_figure(result.posterior),
        "all nine, screen": lambda: screen_corner([layer], TARGET_NAMES),
        "all nine, print": lambda: corner_figure(result.posterior, TARGET_NAMES),
        FLOOR: matrix_products(engine, 1, 5000),
    }
    found = measure(calls, repeats)
    yield from rows_of("one galaxy", found, "pixels to 5,000 draws", FLOOR)


def magnitudes(rows: int) -> Table:
    """Return galaxies with ugriz."""
    random = np.random.default_rng(0)
    table = Table({"r": random.uniform(14.5, 17.7, rows)})
    for band, colour in zip("ugiz", (2.5, 0.8, -0.4, -0.7), strict=True):
        table[band] = table["r"] + colour + random.normal(0, 0.1, rows)
    return table


def write_shards(folder: Path, rows: int) -> dict[str, Table]:
    """Write images of discs in three kinds of shard; return a table that names those of each."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64] - 31.5
    lengths = random.uniform(2.5, 6.0, rows)[:, None, None, None]
    disc = np.exp(-np.hypot(x, 1.3 * y) / lengths) * np.array([0.7, 1.0, 1.2])[:, None, None]
    grid = np.clip(200 * disc + random.normal(3, 1.5, disc.shape), 0, 255).astype(np.uint8)
    flux = 2.0 * disc + random.normal(0, 0.02, disc.shape)
    scale = np.full(rows, 0.396, np.float32)
    arrays = {
        "grids, linear": {"grid": grid, "origin": np.full(rows, 1, np.uint8)},
        "grids, JPEG": {"grid": grid, "origin": np.full(rows, 2, np.uint8)},
        "fluxes, measured": {"flux": flux.astype(np.float32)},
    }
    out = {}
    for k, (name, own) in enumerate(arrays.items()):
        path = folder / f"{k}.safetensors"
        save_file({**own, "pixel_scale": scale}, path)
        out[name] = Table({"image": [f"{path}[{row}]" for row in range(rows)]})
    return out


def catalogue_part(engine: Engine, repeats: int, rows: int = 504) -> Iterator[str]:
    """Yield the rows of catalogues, each against its own floor."""

    def run(catalogue: Catalogue) -> Table:
        return infer_catalogue(engine, catalogue, draws=CATALOGUE_DRAWS, workers=1)

    with tempfile.TemporaryDirectory() as folder:
        kinds = {"photometry": magnitudes(rows), **write_shards(Path(folder), PICTURED_ROWS)}
        for kind, table in kinds.items():
            number, catalogue = len(table), read_catalogue(table)
            products = matrix_products(engine, number, CATALOGUE_DRAWS)
            floor: Callable[[], object] = products
            if kind != "photometry":
                turned = convolutions(engine, number, jpeg="JPEG" in kind)

                def floor(products=products, turned=turned) -> None:
                    products()
                    turned()

            calls = {kind: lambda own=catalogue: run(own), FLOOR: floor}
            found = measure(calls, max(2, repeats // 2))
            for line, name in zip(rows_of("catalogue", found, kind, FLOOR), found, strict=True):
                rate = f"{number / np.median(found[name]):,.0f} rows/s of processor"
                yield line.replace(f" {name} |", f" {name}, {rate} |")


def workers_part(engine: Engine, repeats: int, rows: int = 1008) -> Iterator[str]:
    """Yield the rows of catalogues by the clock, and what the process holds then."""
    with tempfile.TemporaryDirectory() as folder:
        shard = write_shards(Path(folder), 2 * PICTURED_ROWS)["grids, linear"]
        for kind, table in {"photometry": magnitudes(rows), "grids, linear": shard}.items():
            catalogue = read_catalogue(table)
            calls: Calls = {
                f"{kind}, {number} of 2 threads": lambda own=catalogue, number=number: (
                    infer_catalogue(engine, own, draws=CATALOGUE_DRAWS, workers=number)
                )
                for number in (1, 2)
            }
            found = measure(calls, max(2, repeats // 2), time.perf_counter)
            one = next(iter(calls))
            for line, name in zip(rows_of("clock", found, one, one), found, strict=True):
                rate = f"{len(table) / np.median(found[name]):,.0f} rows/s"
                yield line.replace(f" {name} |", f" {name}, {rate} |")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    yield f"| memory | this process at its most | {held:.2f} GB | | |"


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
    parts = ["draws", "galaxy", "catalogue", "workers", "start"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench.md")
    options = parser.parse_args()
    engine = Engine.load(None, "cpu")
    run = {
        "draws": lambda: draws_part(engine, options.repeats),
        "galaxy": lambda: galaxy_part(engine, options.repeats),
        "catalogue": lambda: catalogue_part(engine, options.repeats),
        "workers": lambda: workers_part(engine, options.repeats),
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
        for line in run[name]():
            lines.append(line)
            print(line, flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
