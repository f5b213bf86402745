"""Kill -9 at the worst moment: the next start works, and nothing half-written is read.

The process kills itself within the call that writes, so the moment is the same each time.
"""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from astropy.table import Table

from galexplorer.sky.cache import Cache

pytestmark = pytest.mark.usefixtures("weights_dir")

# each stops a write half way: the bytes of before are on the disk, those after never come
HALF = """
import io, os, signal
def die(): os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(code: str, folder, *arguments: object) -> None:
    """Run code that kills its own process, and make sure that it did."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HALF) + textwrap.dedent(code), *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "GALEXPLORER_CACHE": str(folder / "cache")},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "galexplorer", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


# before the new file takes the place of the old one, or with half of it written
MOMENTS = {
    "before the move": "os.replace = lambda *places: die()",
    "before the sync": "os.fsync = lambda handle: die()",
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_write_to_the_cache(tmp_path, moment):
    cache = Cache(tmp_path / "cache")
    cache.put("kept", b"whole")
    code = MOMENTS[moment] + (
        "\nfrom pathlib import Path\nfrom galexplorer.sky.cache import Cache\n"
        "Cache(Path('cache')).put('kept', b'x' * 100_000)\n"
    )
    killed(code, tmp_path)
    assert cache.get("kept") == b"whole"
    assert [entry.label for entry in cache.entries()] == ["kept"]
    cache.put("kept", b"new")
    assert cache.get("kept") == b"new"
    cache.clear()
    assert not list(cache.folder.iterdir())


MAIN = """
import sys
from galexplorer.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "suffix",
    [
        ".ecsv",
        *(pytest.param(s, marks=pytest.mark.slow) for s in (".json", ".parquet", ".fits", ".html")),
    ],
)
def test_an_export(tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    out.write_text("of before")
    given = ["infer", "--mag-r", "17", "--mag-g", "17.6", "--draws", 200, "--out", out]
    killed("os.replace = lambda *places: die()" + MAIN, tmp_path, *given)
    assert out.read_text() == "of before"
    done = run(*given)
    assert done.returncode == 0, done.stderr
    assert out.stat().st_size > 100


@pytest.mark.slow
def test_a_catalogue(tmp_path):
    r = np.random.default_rng(3).normal(17, 0.5, 100)
    Table({"id": np.arange(100), "g": r + 0.7, "r": r, "i": r - 0.4}).write(tmp_path / "in.csv")
    out = tmp_path / "out.ecsv"
    given = ["infer", "--catalog", tmp_path / "in.csv", "--out", out, "--draws", 100]
    killed("os.replace = lambda *places: die()" + MAIN, tmp_path, *given)
    assert not out.exists()
    middle = """
    from galexplorer.runs import catalogue_run as c
    own, calls = c.observe_row, []
    def observe(*given):
        calls.append(1)
        if len(calls) == 80: die()
        return own(*given)
    c.observe_row = observe
    """
    killed(textwrap.dedent(middle) + MAIN, tmp_path, *given, "--workers", 1)
    assert not out.exists()
    done = run(*given)
    assert done.returncode == 0, done.stderr
    assert np.isfinite(Table.read(out)["redshift_p50"]).all()


@pytest.mark.slow
def test_fetched_pixels(tmp_path, request):
    """What `fetch` writes and keeps, with the services replayed."""
    import replay

    servers = replay.Replay(small=True)
    request.addfinalizer(servers.close)
    given = ["fetch", "Haro 25", "--out", tmp_path / "haro.fits"]
    servers_at = {**servers.environment(), "GALEXPLORER_CACHE": str(tmp_path / "cache")}
    for moment in ("os.replace = lambda *places: die()", "os.fsync = lambda handle: die()"):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(HALF) + moment + MAIN, *map(str, given)],
            capture_output=True, text=True, env={**os.environ, **servers_at}, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert not (tmp_path / "haro.fits").exists()
    done = subprocess.run(
        [sys.executable, "-m", "galexplorer", *map(str, given)],
        capture_output=True, text=True, env={**os.environ, **servers_at}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "haro.fits").exists()


@pytest.mark.slow
def test_a_checkpoint(tmp_path):
    code = """
    import sys, torch
    from pathlib import Path
    from torch import nn
    from galexplorer.training import checkpoint
    path, step = Path("stage.pt"), int(sys.argv[1])
    model, average = nn.Linear(2, 2), nn.Linear(2, 2)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimiser)
    found = checkpoint.load(path, "same run", model, average, optimiser, schedule, {})
    assert found == int(sys.argv[2]), found
    if sys.argv[3] == "half":
        whole = torch.save
        def save(state, place):
            whole(state, place)
            with open(place, "r+b") as file: file.truncate(500)
            die()
        torch.save = save
    if sys.argv[3] == "unmoved":
        Path.replace = lambda self, other: die()
    checkpoint.save(path, "same run", model, average, optimiser, schedule, {}, step)
    if sys.argv[3] == "late": die()
    """
    killed(code, tmp_path, 1, 0, "half")
    killed(code, tmp_path, 2, 0, "late")  # was there nothing before, it begins anew
    killed(code, tmp_path, 3, 2, "half")
    killed(code, tmp_path, 4, 2, "unmoved")
    killed(code, tmp_path, 5, 2, "late")
    killed(code, tmp_path, 6, 5, "late")
