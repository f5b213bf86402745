import re
from xml.etree import ElementTree

import numpy as np
import pytest

from galexplorer.figures.palette import LIGHT, OVERLAY, TRUTH
from galexplorer.figures.screen_corner import PANEL_PX, Layer, screen_corner
from galexplorer.records.posterior import Posterior
from galexplorer.schema import PROPERTY_NAMES, TARGET_NAMES

SVG = "{http://www.w3.org/2000/svg}"


def draw(posterior, **options):
    return ElementTree.fromstring(screen_corner([Layer(posterior, LIGHT.accent)], **options))


def panels(tree):
    return list(tree.iter(f"{SVG}g"))


@pytest.mark.parametrize("names", [PROPERTY_NAMES, TARGET_NAMES])
def test_a_panel_for_each_pair(posterior, names):
    assert len(panels(draw(posterior, names=names))) == len(names) * (len(names) + 1) // 2


def test_contours_hold_68_and_95_percent(rng):
    """Against the circles that hold those shares of a two-dimensional normal."""
    draws = rng.normal(0, 1, (200_000, 9)).astype(np.float32)
    tree = draw(Posterior(draws), names=PROPERTY_NAMES[:2])
    paths = [p for p in tree.iter(f"{SVG}path") if p.get("fill-opacity")]
    assert len(paths) == 2
    low, high = (np.quantile(draws[:, 0], q) for q in (0.002, 0.998))
    per_pixel = 1.12 * (high - low) / PANEL_PX
    for path, share in zip(paths, (0.68, 0.95), strict=True):
        first = path.get("d").split("Z")[0]
        points = np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", first), float)
        x, y = points.T
        area = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) * per_pixel**2
        expected = np.pi * -2 * np.log(1 - share)
        assert area == pytest.approx(expected, rel=0.12)  # smoothed by one bin


def test_known_values_and_overlay_have_their_colours(posterior, rng):
    other = Posterior(posterior.draws[::-1] + rng.normal(0, 0.01, (1, 9)).astype(np.float32))
    layers = [Layer(posterior, LIGHT.accent), Layer(other, OVERLAY)]
    svg = screen_corner(layers, truths={"redshift": 0.05, "log_sfr": float("nan")})
    assert TRUTH in svg
    assert OVERLAY in svg
    assert TRUTH not in screen_corner(layers)


def test_a_fixed_target_has_a_note_instead_of_a_panel(posterior):
    draws = posterior.draws.copy()
    draws[:, 0] = 0.0258
    svg = screen_corner([Layer(Posterior(draws, ("redshift",)), LIGHT.accent)])
    assert "Redshift fixed at 0.0258." in svg
    assert len(panels(ElementTree.fromstring(svg))) == 10
    with pytest.raises(ValueError, match="every target is fixed"):
        draw(Posterior(np.zeros((500, 9), np.float32)))


def test_a_target_fixed_in_one_layer_is_a_line_in_it(posterior):
    draws = posterior.draws.copy()
    draws[:, 0] = 0.0258
    fixed = Layer(Posterior(draws, ("redshift",)), LIGHT.accent)
    svg = screen_corner([fixed, Layer(posterior, OVERLAY)])
    assert "0.0258 fixed" in svg
    assert len(panels(ElementTree.fromstring(svg))) == 15


def test_it_is_small(posterior):
    assert len(screen_corner([Layer(posterior, LIGHT.accent)])) < 60_000


@pytest.mark.parametrize("names", [PROPERTY_NAMES, TARGET_NAMES])
def test_letters_are_legible_on_a_phone(posterior, names):
    """Shown 374 pixels wide, no letter is lower than ten of them."""
    tree = draw(posterior, names=names)
    rules = re.findall(r"max-width:(\d+)px\)\{.*?font-size:(\d+)px", tree.findtext(f"{SVG}style"))
    size = next(float(size) for widest, size in reversed(rules) if int(widest) >= 374)
    assert size * 374 / float(tree.get("width")) >= 9.9
    brief = [t for t in tree.iter(f"{SVG}text") if t.get("class") == "brief"]
    assert len(brief) == len(names)
