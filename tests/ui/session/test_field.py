"""The sky round a galaxy, also where its objects cannot be told apart."""

import io

import numpy as np
import pytest
from astropy.io import fits

from galexplorer.errors import TargetError
from galexplorer.records.result import View
from galexplorer.ui.session.field import axes_of, field_of, surroundings_of
from galexplorer.ui.session.request import Options
from galexplorer.ui.session.sources import Source

SIDE = 600


def swarm() -> bytes:
    """Return an image without coordinates of 2,000 peaks on a glow: more than sep deblends."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    peaks = np.exp(-(((x % 6) - 3) ** 2 + ((y % 6) - 3) ** 2) / 4.0)
    glow = 1 + 5 * peaks * (1 + 0.5 * rng.random((SIDE, SIDE)))
    light = np.where(np.hypot(x - SIDE / 2, y - SIDE / 2) < SIDE / 4, glow, 0)
    light = light + rng.normal(0, 0.01, light.shape)
    header = fits.Header({"BUNIT": "nanomaggy", "BANDS": "gri"})
    buffer = io.BytesIO()
    fits.PrimaryHDU(np.stack([light] * 3).astype(np.float32), header).writeto(buffer)
    return buffer.getvalue()


def test_a_field_too_crowded_for_rings_has_its_picture():
    source = Source("upload", "swarm.fits", (("swarm.fits", swarm()),), "")
    options = Options(pixel_scale_arcsec=0.396)
    with pytest.raises(TargetError, match="too crowded"):
        field_of(source, options)
    square = np.zeros((64, 64, 3), np.uint8)
    view = View(square, square, 0.792, np.zeros((128, 128, 3), np.uint8), 0.396, 12.0)
    axes = axes_of(source, options, view)
    assert axes is not None
    assert (axes.x, axes.y) == (299.5, 299.5)
    assert surroundings_of(source, options, view) is not None
