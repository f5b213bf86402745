from dataclasses import replace

import numpy as np
import pytest

from galexplorer.figures.lines import lines_figure
from galexplorer.figures.sky import (
    bar_length_arcsec,
    colour_figure,
    reconstruction_figure,
    scale_brightness,
)
from galexplorer.science.lines import line_status


def texts(figure):
    return {text.get_text(): text for axes in figure.axes for text in axes.texts}


@pytest.mark.parametrize(
    ("width", "length"), [(0.6, 0.15), (25, 5), (76.8, 20), (120, 30), (900, 300), (2, 0.5)]
)
def test_scale_bar_is_round_and_fits(width, length):
    assert bar_length_arcsec(width) == length


def test_scale_bar_has_the_length_it_names(view):
    figure = colour_figure(view)
    assert "20″" in texts(figure)
    bar = figure.axes[0].lines[0].get_xdata()
    assert (bar[1] - bar[0]) * view.native_pixel_scale_arcsec == pytest.approx(20)


def test_scale_bar_in_kpc(view):
    assert "20″ = 20 kpc" in texts(colour_figure(view, kpc_per_arcsec=0.98))
    assert "20″" in texts(colour_figure(view, kpc_per_arcsec=np.nan))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 30.0, 200.0, 350.0])
def test_north_is_up_and_east_left_and_the_compass_says_so(view, angle, mirrored):
    native = np.zeros((121, 121, 3), np.uint8)
    turn = np.radians(angle)  # counter-clockwise from up, on a screen whose rows go down
    north = np.array([-np.sin(turn), -np.cos(turn)])
    east = np.array([-np.cos(turn), np.sin(turn)]) * (-1 if mirrored else 1)
    for direction, channel in ((north, 0), (east, 2)):
        x, y = np.round(60 + 40 * direction).astype(int)
        native[y - 2 : y + 3, x - 2 : x + 3, channel] = 255
    turned = replace(view, native=native, north_angle_deg=angle, mirrored=mirrored)
    figure = colour_figure(turned)
    shown = figure.axes[0].images[0].get_array()
    row, column = (np.mean(k) for k in np.nonzero(shown[..., 0] > 128))
    assert (row, column) == pytest.approx((20, 60), abs=0.8)
    row, column = (np.mean(k) for k in np.nonzero(shown[..., 2] > 128))
    assert (row, column) == pytest.approx((60, 20), abs=0.8)
    letters = texts(figure)
    (x_n, y_n), (x_e, y_e) = (letters[name].get_position() for name in "NE")
    assert y_n < y_e  # rows go down
    assert x_e < x_n


def test_without_wcs_there_is_no_compass(view):
    assert not {"N", "E"} & set(texts(colour_figure(replace(view, north_angle_deg=None))))


def test_aperture_has_the_petrosian_radius(view):
    circle = colour_figure(view).axes[0].patches[-1]
    assert circle.radius * view.native_pixel_scale_arcsec == pytest.approx(18.0)
    bare = colour_figure(replace(view, petrosian_radius_arcsec=None))
    assert len(bare.axes[0].patches) < len(colour_figure(view).axes[0].patches)


def test_residual_is_what_the_model_missed(view):
    figure = reconstruction_figure(view)
    titles = [axes.get_title() for axes in figure.axes[:3]]
    assert titles == ["Model input", "VAE reconstruction", "Residual"]
    shown = figure.axes[2].images[0].get_array()
    expected = view.composite.astype(float).mean(2) - view.reconstruction.astype(float).mean(2)
    np.testing.assert_allclose(shown, expected, atol=1e-9)
    assert "8-bit counts" in figure.axes[3].get_ylabel()


def test_lines_show_unit_and_known_values(posterior):
    figure = lines_figure(posterior, truths={"log_flux_hbeta": 1.5})
    assert list(figure.layout.yaxis.ticktext) == ["Hα", "Hβ", "[N II] 6584", "[O III] 5007"]
    assert "erg s" in figure.layout.xaxis.title.text
    assert any(
        trace.hovertemplate and "known: 1.50" in trace.hovertemplate for trace in figure.data
    )
    values = posterior.draws[:, 5:].astype(float)
    markers = [t for t in figure.data if t.mode == "markers" and t.marker.symbol != "line-ns"]
    limits = np.array([t.marker.symbol == "triangle-left" for t in markers])
    kinds = [line_status(column).kind for column in values.T]
    assert list(limits) == [kind == "upper limit" for kind in kinds]
    expected = np.where(limits, np.quantile(values, 0.95, axis=0), np.median(values, axis=0))
    np.testing.assert_allclose([t.x[0] for t in markers], expected, atol=1e-6)
    assert len(set(limits)) == 2


def test_stretch_keeps_colour_and_order():
    picture = np.zeros((1, 3, 3), np.uint8)
    picture[0] = [[10, 20, 30], [60, 60, 60], [0, 0, 0]]
    assert scale_brightness(picture, 1.0) is picture
    faint, bright = scale_brightness(picture, 4.0), scale_brightness(picture, 0.25)
    assert (faint >= picture).all()
    assert (bright <= picture).all()
    assert (faint[0, 2] == 0).all()
    np.testing.assert_allclose(faint[0, 0] / faint[0, 0, 2], [1 / 3, 2 / 3, 1], atol=0.02)
