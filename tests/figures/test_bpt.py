import numpy as np
import pytest
from matplotlib.figure import Figure

from galexplorer.figures.bpt import bpt_figure, bpt_static_figure
from galexplorer.figures.density import credible_levels, density_grid
from galexplorer.records.posterior import Posterior
from galexplorer.science.bpt import class_probabilities, line_ratios


def test_demarcations_are_named(posterior):
    figure = bpt_figure(posterior)
    names = {trace.name for trace in figure.data}
    assert {"Kewley 2001", "Kauffmann 2003", "Schawinski 2007", "Posterior draws"} <= names
    static = bpt_static_figure(posterior)
    assert isinstance(static, Figure)
    legend = [text.get_text() for text in static.axes[0].get_legend().get_texts()]
    assert legend == ["Kewley 2001", "Kauffmann 2003", "Schawinski 2007"]


def test_axes_have_names_and_units(posterior):
    layout = bpt_figure(posterior).layout
    assert "[N II] 6584 / Hα" in layout.xaxis.title.text
    assert "[O III] 5007 / Hβ" in layout.yaxis.title.text
    assert layout.xaxis.title.text.endswith("[dex]")


def test_probabilities_stand_in_their_regions(posterior):
    shares = class_probabilities(posterior.draws)
    words = [note.text for note in bpt_figure(posterior, shares).layout.annotations]
    assert f"Star-forming {shares['star_forming']:.0%}" in words
    assert len(words) == 4


def test_cloud_holds_draws_of_the_posterior(posterior):
    cloud = next(t for t in bpt_figure(posterior).data if t.name == "Posterior draws")
    x, y = line_ratios(posterior.draws)
    assert set(np.asarray(cloud.x)) <= set(x)
    assert 0 < len(cloud.y) < len(y)


def test_axes_grow_to_hold_an_extreme_galaxy(posterior):
    draws = posterior.draws.copy()
    draws[:, 7] -= 3.0
    low, _ = bpt_figure(Posterior(draws)).layout.xaxis.range
    assert low < -3.3


def test_contours_enclose_their_mass(rng):
    """Of a circular Gaussian the 68% contour has radius sqrt(-2 ln 0.32)."""
    x, y = rng.normal(size=(2, 200_000))
    centres_x, centres_y, density = density_grid(x, y, bins=120, smooth=1.0)
    level, wider = credible_levels(density, (0.68, 0.95))
    assert wider < level
    cell = (centres_x[1] - centres_x[0]) * (centres_y[1] - centres_y[0])
    radius = np.sqrt((density >= level).sum() * cell / np.pi)
    assert radius == pytest.approx(np.sqrt(-2 * np.log(0.32)), rel=0.02)


def test_no_finite_ratio_is_refused(posterior):
    with pytest.raises(ValueError, match="no draw has finite line ratios"):
        bpt_figure(Posterior(np.full((10, 9), np.nan, np.float32)))
