import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.path import Path

from galexplorer.figures.bpt import bpt_diagram
from galexplorer.figures.bpt_static import bpt_static_figure
from galexplorer.figures.cloud import ellipse_of
from galexplorer.figures.density import credible_levels, density_grid
from galexplorer.figures.diagram import plotly_figure
from galexplorer.figures.palette import LIGHT, OVERLAY
from galexplorer.records.posterior import Posterior
from galexplorer.schema import LINE_NAMES
from galexplorer.science.bpt import class_probabilities, classify, line_ratios


def bpt_figure(*given, **options):
    return plotly_figure(bpt_diagram(*given, **options), 400)


def test_demarcations_are_named(posterior):
    figure = bpt_figure(posterior)
    names = {trace.name for trace in figure.data}
    assert {"Kewley 2001", "Kauffmann 2003", "Schawinski 2007", "Draws"} <= names
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
    cloud = next(t for t in bpt_figure(posterior).data if t.name == "Draws")
    x, y = line_ratios(posterior.draws)
    assert set(np.asarray(cloud.x)) <= set(x)
    assert 0 < len(cloud.y) < len(y)


def test_the_ellipse_holds_its_share_of_draws_that_are_not_gaussian(rng):
    x = np.exp(rng.normal(size=4000))
    y = 0.5 * x + rng.normal(size=4000)
    path = np.stack(ellipse_of(x, y), axis=1)
    assert Path(path).contains_points(np.stack([x, y], axis=1)).mean() == pytest.approx(
        0.68, abs=0.01
    )


def test_known_and_selected_draws_are_marked(posterior):
    known = dict(zip(LINE_NAMES, (2.0, 1.5, 1.4, 1.6), strict=True))
    selected = posterior.column("redshift") > 0.05
    figure = bpt_figure(posterior, known=known, selected=selected)
    marks = {trace.name: trace for trace in figure.data}
    assert (*marks["Known"].x, *marks["Known"].y) == pytest.approx((-0.6, 0.1))
    chosen = marks[f"Selected draws ({selected.sum():,})"]
    assert set(chosen.x) <= set(line_ratios(posterior.draws[selected])[0])
    known.pop("log_flux_hbeta")
    assert "Known" not in {trace.name for trace in bpt_figure(posterior, known=known).data}


def test_no_label_lies_across_a_demarcation(posterior):
    """Words of 12 px on a diagram of 300 by 300 px, the narrowest that a page has."""
    shares = class_probabilities(posterior.draws)
    layout = bpt_figure(posterior, shares).layout
    wide, high = (np.ptp(axis.range) / 300 for axis in (layout.xaxis, layout.yaxis))
    for note in layout.annotations:
        along, sides = 3.0 * len(note.text), np.array([[-6.0], [6.0]])  # half of words, pixels
        angle = np.radians(note.textangle or 0)
        steps = np.linspace(-1, 1, 40)
        right = along * steps * np.cos(angle)
        down = along * steps * np.sin(angle)
        x = note.x + wide * (right + sides * np.abs(np.sin(angle)))
        y = note.y - high * (down + sides * np.abs(np.cos(angle)))
        kinds = classify(x, y)
        assert (kinds == kinds.flat[0]).all(), note.text


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


def test_for_print_others_are_named_apart_from_the_curves(posterior):
    other = Posterior(posterior.draws + np.float32([0, 0, 0, 0, 0, 0, 0, 0.3, 0.3]))
    (axes,) = bpt_static_figure(posterior, others=[("Other", other, OVERLAY)], name="This").axes
    legends = [child for child in axes.get_children() if isinstance(child, Legend)]
    names = [[text.get_text() for text in legend.get_texts()] for legend in legends]
    assert sorted(names) == [
        ["Kewley 2001", "Kauffmann 2003", "Schawinski 2007"], ["This", "Other"],
    ]  # fmt: skip
    assert [line.get_color() for line in legends[names.index(["This", "Other"])].get_lines()] == [
        LIGHT.accent, OVERLAY,
    ]  # fmt: skip
