"""Pictures are kept by all that they show."""

from dataclasses import replace

import numpy as np

from galexplorer.pictures.north_up import SkyAxes
from galexplorer.records.photometry import Photometry
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Domain, Result, View
from galexplorer.ui.parts.sky_pictures import colour_picture
from galexplorer.ui.session.field import Surroundings


def test_another_radius_on_the_same_sky_is_another_picture(rng):
    """A mask changes what is measured, and may leave the square of sky as it is."""
    square = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    view = View(square, square, 1.188, square, 1.188, 12.0, 0.0, False, 150.0, 2.0)
    draws = rng.normal(1.0, 0.1, size=(200, 9)).astype(np.float32)
    result = Result(
        Posterior(draws), {}, Photometry("measured"), Domain(True, 42.0, ()), (), view, (), {}
    )
    around = Surroundings("sky", SkyAxes(31.5, 31.5, 1.188, 0.0), square, 64 * 1.188)
    masked = replace(result, view=replace(view, petrosian_radius_arcsec=9.0))
    pictures = [colour_picture(own, "SDSS", True, around) for own in (result, masked, result)]
    assert pictures[0] != pictures[1]
    assert pictures[0] == pictures[2]
