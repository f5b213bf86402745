import io

from PIL import Image

from galexplorer.figures.bpt_static import bpt_static_figure
from galexplorer.figures.corner import corner_figure
from galexplorer.figures.lines_static import lines_static_figure
from galexplorer.figures.sky import colour_figure
from galexplorer.science.bpt import class_probabilities


def test_a_notebook_can_show_every_figure_of_a_result(posterior, view):
    figures = [
        corner_figure(posterior),
        bpt_static_figure(posterior, class_probabilities(posterior.draws)),
        lines_static_figure(posterior),
        colour_figure(view),
    ]
    for figure in figures:
        image = Image.open(io.BytesIO(figure._repr_png_()))
        assert image.format == "PNG"
        assert min(image.size) > 100
        assert len(image.getcolors(1 << 20)) > 5  # not one blank sheet
