"""Galactic extinction from a reddening that is stated, or from maps on this machine."""

import importlib.util

import pytest

from galexplorer.errors import OptionError
from galexplorer.sky.reddening import read_extinction, redden


def test_extinction_of_a_reddening():
    """Beside A(V) = 2.742 E(B-V), which Schlafly & Finkbeiner 2011 give for the same curve."""
    extinction = redden(0.3)
    assert list(extinction) == ["u", "g", "r", "i", "z"]
    assert list(extinction.values()) == sorted(extinction.values(), reverse=True)
    assert extinction["g"] > 0.3 * 2.742 > extinction["r"]
    assert redden(0.0)["r"] == 0.0


@pytest.mark.parametrize("reddening", [-0.1, 1000.0, float("nan")])
def test_reddening_out_of_range(reddening):
    with pytest.raises(OptionError, match="give magnitudes from 0 to 100"):
        redden(reddening)


@pytest.mark.skipif(importlib.util.find_spec("dustmaps") is not None, reason="dustmaps is there")
def test_maps_that_are_not_installed():
    with pytest.raises(OptionError, match="need the package dustmaps: install it, or state E"):
        read_extinction(150.0, 2.0)
