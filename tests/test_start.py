"""What a start loads and an inference computes: counts, which no load of the machine changes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from galexplorer.inference.engine import Engine
from galexplorer.inference.observe import observe
from galexplorer.model.flows import LAST, ORDER, parents_of
from galexplorer.records.photometry import Photometry
from galexplorer.schema import TARGETS

ROOT = Path(__file__).resolve().parent.parent
SLOW_TO_LOAD = {
    *("arviz", "astropy.cosmology", "astropy.modeling", "astroquery", "corner", "dask", "lsdb"),
    *("matplotlib", "nflows.distributions", "pandas", "plotly", "pyarrow", "reproject", "scipy"),
    *("skimage", "streamlit", "sympy", "torch._dynamo", "torch._inductor"),
}
"""Packages that no inference of one galaxy needs."""

LOADED = "import json, sys; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"


def loaded_by(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{LOADED}"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr.splitlines()[-1])


def heavy(modules: list[str]) -> set[str]:
    return {name for name in SLOW_TO_LOAD if name in modules}


def test_one_galaxy_loads_what_it_needs_alone():
    arguments = ["-q", "infer", "assets/examples/spiral.fits.gz", "--draws", "100"]
    modules = loaded_by(f"from galexplorer.cli import main; assert main({arguments}) == 0")
    assert heavy(modules) == set()
    # 1,660 with torch's 750 and astropy's 290; before each was loaded where it is used, 3,590
    assert len(modules) < 1_850


def test_the_command_line_answers_before_anything_is_loaded():
    modules = loaded_by("import galexplorer.cli")
    assert heavy(modules) == set()
    assert not {"numpy", "torch", "astropy"} & set(modules)


class Count(TorchDispatchMode):
    """Counts torch's operations."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.number += 1
        return function(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def engine(weights_dir) -> Engine:
    return Engine.load(weights_dir, "cpu")


def test_a_draw_goes_through_one_member_of_each_target(engine):
    """Products of matrices are what draws cannot do without, and there are no others."""
    observation = observe(None, Photometry("catalogue", {"g": 17.6, "r": 16.8, "i": 16.4}))
    draws = 8_000
    encoded = engine.encode([observation])
    with Count() as count:
        engine.sample(encoded, draws, 0)
    assert count.number < 3_000  # of which each costs some microseconds
    with FlopCounterMode(display=False) as flops, torch.inference_mode():
        engine.sample(encoded, draws, 0)
    sizes = engine.model.sizes
    hidden, parameters = sizes.flow_hidden, engine.model.chain.spline(0, 0).net[-1].out_features
    of_draws = sum(
        hidden * (len(parents_of(k)) + hidden + parameters) for k in ORDER if k != ORDER[0]
    )
    needed = 2 * draws * of_draws
    assert len(LAST) == 2
    assert len(TARGETS) == len(ORDER)
    assert needed <= flops.get_total_flops() < 1.2 * needed


def test_the_first_page_loads_what_it_shows_alone():
    """A galaxy is looked up, inferred and drawn when it is asked for, a page when it is opened."""
    modules = loaded_by("from galexplorer.ui.pages import explore")
    late = {"arviz", "astroquery", "bokeh", "corner", "keyring", "pyvo", "reproject", "requests"}
    late |= {"torch", "matplotlib", "galexplorer.ui.result", "galexplorer.ui.pages.compare"}
    assert not late & set(modules)
    # 1,800; with all pages, and what draws a result, 3,015
    assert len(modules) < 1_950


@pytest.mark.slow
def test_the_app_loads_a_page_when_it_is_opened():
    script = "from streamlit.testing.v1 import AppTest; import sys; "
    script += "at = AppTest.from_file('app.py', default_timeout=100).run(); assert not at.exception"
    modules = loaded_by(script)
    pages = {name for name in modules if name.startswith("galexplorer.ui.pages.")}
    assert pages == {"galexplorer.ui.pages.explore"}
    assert "galexplorer.ui.result.report" in modules  # while the first page is read
