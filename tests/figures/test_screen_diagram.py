from html import unescape
from xml.etree import ElementTree

import numpy as np
import pytest

from galexplorer.figures.bpt import bpt_diagram
from galexplorer.figures.cloud import CLOUD_SIZE
from galexplorer.figures.diagram import Axis, Diagram, Label, Line, Points, plotly_figure
from galexplorer.figures.mass_excitation import mex_diagram
from galexplorer.figures.palette import theme
from galexplorer.figures.screen_diagram import frame_of, screen_diagram
from galexplorer.schema import LINE_NAMES
from galexplorer.science.bpt import class_probabilities
from galexplorer.science.mass_excitation import mex_probabilities

SVG = "{http://www.w3.org/2000/svg}"
KNOWN = dict(zip(LINE_NAMES, (2.0, 1.5, 1.4, 1.6), strict=True)) | {"log_stellar_mass": 10.0}


def words_of(svg: str) -> list[str]:
    return [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.fixture
def diagrams(posterior):
    selected = posterior.column("redshift") > np.median(posterior.column("redshift"))
    return {
        "bpt": bpt_diagram(
            posterior,
            class_probabilities(posterior.draws),
            others=[("Before", posterior, "#888888")],
            known=KNOWN,
            selected=selected,
        ),
        "mex": mex_diagram(posterior, mex_probabilities(posterior.draws), True, KNOWN, selected),
    }


@pytest.mark.parametrize("name", ["bpt", "mex"])
def test_the_picture_says_what_plotly_says(diagrams, name):
    diagram = diagrams[name]
    words = words_of(screen_diagram(diagram))
    figure = plotly_figure(diagram, 400)
    assert {note.text for note in figure.layout.annotations} <= set(words)
    assert {t.name for t in figure.data if t.showlegend} <= set(words)
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert axis.title.text in words


def test_points_lie_where_the_axes_say():
    line = Line("curve", np.array([0.0, 1.0, np.nan, 2.0, 2.0]), np.arange(5.0), "#000000", 1)
    points = Points("point", np.array([1.0]), np.array([3.0]), "#000000", 4)
    axes = Axis("Across [m]", "x", 0.0, 2.0), Axis("Up [m]", "y", 0.0, 4.0)
    diagram = Diagram(*axes, (line, points), (), theme(False))
    frame = frame_of(diagram)
    root = ElementTree.fromstring(screen_diagram(diagram))
    box = next(root.iter(f"{SVG}rect"))
    left, top, wide, high = (float(box.get(k)) for k in ("x", "y", "width", "height"))
    point = next(root.iter(f"{SVG}circle"))
    assert float(point.get("cx")) == pytest.approx(left + wide / 2, abs=0.1)
    assert float(point.get("cy")) == pytest.approx(top + high / 4, abs=0.1)
    assert (frame.left, frame.right, frame.top) == (left, left + wide, top)
    curve = next(p for p in root.iter(f"{SVG}path") if p.get("fill") == "none").get("d")
    assert curve.count("M") == 2  # in two parts
    assert curve.startswith(f"M{left:.1f} {top + high:.1f}L")


def test_the_cloud_has_its_draws_and_all_is_within_the_picture(diagrams):
    diagram = diagrams["bpt"]
    root = ElementTree.fromstring(screen_diagram(diagram))
    assert len(list(root.iter(f"{SVG}circle"))) == sum(
        len(m.x) for m in diagram.marks if isinstance(m, Points) and m.symbol == "circle"
    ) + len([m for m in diagram.legend if isinstance(m, Points) and m.symbol == "circle"])
    assert next(len(m.x) for m in diagram.marks if m.name == "Draws") == CLOUD_SIZE
    height = float(root.get("height"))
    lowest = max(float(text.get("y")) for text in root.iter(f"{SVG}text"))
    assert lowest < height < lowest + 20


def test_a_diagram_does_not_hold_all_draws(diagrams, posterior):
    """Many are kept, and a result may have ten times as many."""
    marks = [m for diagram in diagrams.values() for m in diagram.marks]
    held = [values if values.base is None else values.base for m in marks for values in (m.x, m.y)]
    assert max(values.size for values in held) <= 2 * CLOUD_SIZE < len(posterior.draws)


def test_names_are_words_not_markup(posterior):
    name = "<b>Draws</b> & 'others'"
    assert name in words_of(screen_diagram(bpt_diagram(posterior, name=name + "\x08")))
    diagram = bpt_diagram(posterior, others=[("A<br>B $x$", posterior, "#888888")], name=name)
    figure = plotly_figure(diagram, 400)
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert not any(mark in "".join(named) for mark in "<>$")  # Plotly reads them
    assert {name, "A<br>B $x$"} <= set(map(unescape, named))


def test_a_label_beside_its_place_points_there(diagrams):
    diagram = diagrams["mex"]
    label = next(one for one in diagram.labels if one.target)
    assert isinstance(label, Label)
    x, y = frame_of(diagram).place(*(np.array(v) for v in label.target))
    assert f"L{x:.1f} {y:.1f}'" in screen_diagram(diagram)
