"""One engine for everything, and what the package promises."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from astropy.table import Table

import galexplorer as gx
from galexplorer.catalogue import read_catalogue
from galexplorer.errors import GalexplorerError, OptionError, WeightsError

MAGNITUDES = {"u": 19.1, "g": 17.6, "r": 16.8, "i": 16.4, "z": 16.1}


def test_the_promise_is_kept():
    assert set(gx.__all__) <= set(dir(gx))
    for name in gx.__all__:
        assert getattr(gx, name) is not None
    assert gx.GalexplorerError is GalexplorerError
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gx.nothing


def test_importing_loads_nothing_heavy():
    code = (
        "import time; t = time.perf_counter(); import galexplorer; "
        "print(time.perf_counter() - t); import sys; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "False"


def test_one_thread_of_torch(engine):
    assert torch.get_num_threads() == 1


def test_the_shortcut_is_the_engine(engine):
    one = gx.infer(magnitudes=MAGNITUDES, redshift=0.05, draws=300)
    other = engine.infer(magnitudes=MAGNITUDES, redshift=0.05, draws=300)
    np.testing.assert_array_equal(one.posterior.draws, other.posterior.draws)
    assert one.posterior.fixed == ("redshift",)


def test_inputs_can_be_left_out_and_ranges_cut(engine):
    without = engine.infer(magnitudes=MAGNITUDES, use=("g", "r", "i"), draws=300)
    assert without.provenance["bands_used"] == ["g", "r", "i"]
    cut = engine.infer(magnitudes=MAGNITUDES, cuts={"log_stellar_mass": (10.0, 11.0)}, draws=2000)
    mass = cut.posterior.column("log_stellar_mass")
    assert 10.0 <= mass.min() <= mass.max() <= 11.0


@pytest.mark.parametrize(
    "options",
    [
        {"draws": 10},
        {"redshift": 0.5},
        {"redshift": 0.1, "redshift_range": (0.0, 0.2)},
        {"redshift_range": (0.2, 0.1)},
        {"cuts": {"log_sfr": (2.0, 1.0)}},
        {"cuts": {"sfr": (1.0, 2.0)}},
        {"seed": -1},
        {"seed": 2**64},
        {"use": ("g", "q")},
    ],
)
def test_options_are_checked(engine, options):
    with pytest.raises(OptionError):
        engine.infer(magnitudes=MAGNITUDES, **options)


def test_neighbours_are_a_table(engine, spiral):
    result = engine.infer(spiral, draws=200)
    near = engine.neighbours(result, 5)
    assert len(near) == 5
    assert (np.diff(near["distance"]) >= 0).all()
    assert str(near["ra"].unit) == "deg"
    assert list(near["name"]) == [galaxy.name for galaxy in result.neighbours[:5]]
    assert near["redshift"].unit == ""
    with pytest.raises(OptionError, match="at least one"):
        engine.neighbours(result, 0)
    with pytest.raises(OptionError, match="has none"):
        engine.neighbours(engine.infer(magnitudes=MAGNITUDES, draws=200))


def test_other_weights_must_be_there(tmp_path):
    with pytest.raises(WeightsError):
        gx.load(tmp_path)


def test_a_table_that_was_read_is_read_no_further(engine):
    catalogue = read_catalogue(Table({"r": [17.0], "ebv": [0.1]}))
    for options in ({"deredden": True}, {"columns": {"r": "r"}}):
        with pytest.raises(OptionError, match="was read already"):
            engine.infer_table(catalogue, **options)
