"""The map as a figure: every galaxy is on it once, and says how its value is known."""

import time
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from galexplorer.figures.latent import CLASSES, MapMarker, MapPoints, describe_map, latent_figure
from galexplorer.figures.marker_labels import place_labels
from galexplorer.figures.palette import CLASS_COLOURS
from galexplorer.schema import BPT_CLASSES

NUMBER = 200


@pytest.fixture
def points(rng) -> MapPoints:
    return MapPoints(
        rng.normal(size=(NUMBER, 2)), rng.normal(10.5, 0.4, NUMBER), np.arange(NUMBER) % 4 == 0
    )


@pytest.fixture
def classed(points, rng) -> MapPoints:
    return MapPoints(points.places, rng.integers(0, 4, NUMBER), points.published)


@pytest.mark.parametrize("dark", [False, True])
def test_every_galaxy_is_there_once(points, classed, dark):
    for name, shown in (("log_stellar_mass", points), (CLASSES, classed)):
        figure = latent_figure(shown, name, dark=dark)
        rows = np.concatenate([trace.customdata for trace in figure.data])
        assert sorted(rows) == list(range(NUMBER))
        for trace in figure.data:
            np.testing.assert_allclose(
                np.column_stack([trace.x, trace.y]), shown.places[trace.customdata]
            )
            filled = shown.published[trace.customdata]
            assert (filled == ("-open" not in trace.marker.symbol)).all()


def test_classes_differ_in_colour_and_symbol(classed):
    traces = latent_figure(classed, CLASSES).data
    filled = [t for t in traces if "-open" not in t.marker.symbol]
    assert {t.marker.color for t in filled} == set(CLASS_COLOURS.values())
    assert len({t.marker.symbol for t in filled}) == len(BPT_CLASSES)


def test_marks_and_neighbours_are_pointed_out(points):
    marks = [MapMarker(np.array([0.5, -0.5]), "NGC 1"), MapMarker(np.array([1.0, 1.0]), "NGC 2")]
    figure = latent_figure(points, "redshift", marks, np.array([3, 9]))
    assert [a.text for a in figure.layout.annotations] == ["1", "2", "NGC 1", "NGC 2"]
    assert figure.layout.annotations[1].x == points.places[9, 0]
    rings = [trace for trace in figure.data if trace.name == "Nearest neighbours"]
    assert list(rings[0].customdata) == [3, 9]


@pytest.mark.parametrize("spread", [0.0, 1e-3, 0.1, 0.4])
@pytest.mark.parametrize("middle", [(0.0, 0.0), (2.7, 2.5), (-2.8, -2.7)])
def test_names_of_marks_at_nearly_one_place_do_not_collide(points, rng, spread, middle):
    names = ["J083945.12+215333.7", "Nearby spiral", "NGC 5332", "Massive elliptical", "Haro 25"]
    marks = [MapMarker(np.add(middle, rng.normal(0, spread, 2)), name) for name in names]
    figure = latent_figure(points, "redshift", marks)
    assert figure == latent_figure(points, "redshift", marks)
    notes = figure.layout.annotations
    assert all(note.showarrow for note in notes)
    ends = np.concatenate([points.places, [mark.place for mark in marks]])
    low, high = ends.min(axis=0), ends.max(axis=0)
    for width in (300, 450, 700, 1000, 1350):
        pixels = [
            (np.array([n.x, n.y]) - low) / (1.12 * (high - low)) * (width, 360) for n in notes
        ]
        boxes = [
            (place[0] + n.ax, place[1] - n.ay, 6.5 * len(name) + 8, 21)  # Arial of 12 pixels
            for place, n, name in zip(pixels, notes, names, strict=True)
        ]
        for k, (x, y, wide, tall) in enumerate(boxes):
            for left, up, other_wide, other_tall in boxes[:k]:
                apart = abs(x - left) >= (wide + other_wide) / 2
                assert apart or abs(y - up) >= (tall + other_tall) / 2


def test_many_names_are_placed_at_once(rng):
    """At each look at the map; in processor time, which others on the machine do not lengthen."""
    places, names = rng.normal(size=(24, 2)), [f"J{k:06d}.00+000000.0" for k in range(24)]
    low, high = np.full(2, -3.0), np.full(2, 3.0)

    def seconds() -> float:
        begin = time.process_time()
        place_labels(places, names, low, high, 360.0)
        return time.process_time() - begin

    assert min(seconds() for _ in range(3)) < 0.25


def test_pointing_tells_the_name_of_a_galaxy_and_a_selection_is_marked(points):
    names = tuple(f"J{k}, z 0.1" for k in range(len(points.values)))
    for colouring in ("redshift", CLASSES):
        named = replace(points, words=names)
        if colouring == CLASSES:
            named = replace(named, values=np.arange(len(names)) % 4)
        figure = latent_figure(named, colouring, selected=np.array([2, 5]))
        for trace in figure.data:
            if trace.name == "Selected":
                assert list(trace.customdata) == [2, 5]
            else:
                assert [names[k] for k in trace.customdata] == list(trace.text)
                assert trace.hovertemplate.startswith("%{text}<br>")


def test_names_are_words_not_markup(points):
    """Plotly reads tags, entities and, between dollars, LaTeX."""
    name = "<b>A</b><br>&deg; $x$<extra>"
    named = replace(points, words=(name,) * NUMBER)
    figure = latent_figure(named, "redshift", [MapMarker(np.zeros(2), name)])
    texts = [words for trace in figure.data for words in trace.text or ()]
    marked = [trace.name for trace in figure.data if trace.hoverinfo == "name"]
    notes = [note.text for note in figure.layout.annotations]
    for words in (*texts, *marked, *notes):
        assert not set("<>$") & set(words)
        assert unescape(words) == name
    assert len(texts) == NUMBER
    assert len(notes) == 1
    assert figure.layout.hoverlabel.namelength == -1  # or a name ends within an entity


def test_axes_claim_no_unit(points):
    layout = latent_figure(points, "redshift").layout
    assert "no unit" in layout.xaxis.title.text
    assert not layout.xaxis.showticklabels


def test_the_words_tell_what_the_picture_shows(points, classed):
    words = describe_map(points, "log_stellar_mass", [MapMarker(np.zeros(2), "NGC 1")])
    assert "200 real galaxies" in words
    assert "published for 50" in words
    assert "Marked: NGC 1." in words
    assert "Seyfert" in describe_map(classed, CLASSES)
