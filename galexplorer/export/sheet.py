"""A sheet of A4 that words, tables, pictures and figures are set on, by matplotlib."""

import re
import textwrap
from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties, findfont, get_font

from galexplorer.export.content import Grid
from galexplorer.figures.names import matplotlib_name
from galexplorer.figures.palette import LIGHT

PAGE_IN = (8.27, 11.69)
"""Width and height of A4."""

MARGIN_IN = 0.65
WIDTH_IN = PAGE_IN[0] - 2 * MARGIN_IN
"""Width between the margins."""

_LINE_IN = 0.02
"""Height of a line for each point of its letters."""

_AFTER_IN = 0.06
"""Space below a paragraph."""

_MEASURED_PT = 100
"""Points at which words are measured: small ones would be rounded to whole pixels."""

_GUTTER_IN = 0.05
"""Space between the columns of a table."""


class Sheet:
    """A page that is filled from the top."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=PAGE_IN, facecolor="white")
        self.y_in = PAGE_IN[1] - MARGIN_IN

    @property
    def room_in(self) -> float:
        """Height that is left above the bottom margin."""
        return self.y_in - MARGIN_IN

    def write(
        self,
        words: str,
        size: float = 9.5,
        weight: str = "normal",
        colour: str = LIGHT.text,
    ) -> None:
        """Set a paragraph across the page, in letters of so many points."""
        for number, line in enumerate(_wrap(words, WIDTH_IN, size, weight)):
            self.figure.text(
                MARGIN_IN / PAGE_IN[0],
                (self.y_in - number * _LINE_IN * size) / PAGE_IN[1],
                verbatim(line),
                va="top",
                fontsize=size,
                fontweight=weight,
                color=colour,
            )
        self.y_in -= self.height_in(words, size, weight)

    @staticmethod
    def height_in(words: str, size: float = 9.5, weight: str = "normal") -> float:
        """Return how high `write` would set a paragraph."""
        return _LINE_IN * size * len(_wrap(words, WIDTH_IN, size, weight)) + _AFTER_IN

    def tabulate(
        self,
        grid: Grid,
        widths: tuple[float, ...],
        width_in: float = WIDTH_IN,
        size: float = 8.2,
        faded: bool = False,
    ) -> None:
        """Set a table at the left; widths of its columns are shares of its own."""
        starts = MARGIN_IN + width_in * np.concatenate([[0], np.cumsum(widths)[:-1]])
        scale = size / 8.2
        for number, row in enumerate((grid.head, *grid.rows)):
            wrapped = [
                _wrap(cell, width * width_in - _GUTTER_IN, size)
                for cell, width in zip(row, widths, strict=True)
            ]
            for start, lines in zip(starts, wrapped, strict=True):
                self.figure.text(
                    start / PAGE_IN[0],
                    self.y_in / PAGE_IN[1],
                    verbatim("\n".join(lines)),
                    va="top",
                    fontsize=size,
                    color=LIGHT.faint if number == 0 or faded else LIGHT.text,
                )
            self.y_in -= 0.155 * scale * max(len(lines) for lines in wrapped) + 0.035
        self.y_in -= 0.12

    def place(self, image: np.ndarray, width_in: float) -> None:
        """Set an image at the left."""
        self.y_in -= self.draw(image, MARGIN_IN, self.y_in, width_in) + 0.15

    def place_row(self, images: Sequence[np.ndarray], labels: Sequence[str]) -> None:
        """Set square pictures side by side across the page, each over its label."""
        step_in = WIDTH_IN / len(images)
        side_in = min(step_in - 0.06, 1.2)
        for k, (image, label) in enumerate(zip(images, labels, strict=True)):
            left_in = MARGIN_IN + k * step_in
            self.draw(image, left_in, self.y_in, side_in)
            self.figure.text(
                left_in / PAGE_IN[0],
                (self.y_in - side_in - 0.05) / PAGE_IN[1],
                verbatim(label),
                va="top",
                fontsize=6.5,
                linespacing=1.25,
                color=LIGHT.text,
            )
        self.y_in -= side_in + 0.4

    def draw(self, image: np.ndarray, left_in: float, top_in: float, width_in: float) -> float:
        """Draw an image, its upper left corner there, and return its height in inches."""
        height_in = width_in * image.shape[0] / image.shape[1]
        axes = self.figure.add_axes(
            (
                left_in / PAGE_IN[0],
                (top_in - height_in) / PAGE_IN[1],
                width_in / PAGE_IN[0],
                height_in / PAGE_IN[1],
            )
        )
        axes.imshow(image, interpolation="antialiased")
        axes.set_axis_off()
        return height_in

    def part(self, left_in: float, top_in: float, width_in: float, height_in: float) -> SubFigure:
        """Return a part of the page for a figure, its upper left corner there."""
        grid = self.figure.add_gridspec(
            3,
            3,
            width_ratios=(left_in, width_in, PAGE_IN[0] - left_in - width_in),
            height_ratios=(PAGE_IN[1] - top_in, height_in, top_in - height_in),
        )
        return self.figure.add_subfigure(grid[1, 1], facecolor="none")


def rasterise(figure: Figure) -> np.ndarray:
    """Return a figure's pixels, shape (h, w, 4), uint8."""
    figure.set_dpi(220)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def verbatim(words: str) -> str:
    """Keep a dollar sign from being read as mathematics, and set a mark for unknown letters."""
    return matplotlib_name(printable(words))


def printable(words: str) -> str:
    """Return words with a replacement mark for every letter that the font does not have."""
    known = _letters()
    return "".join(
        letter if ord(letter) in known or letter == "\n" else "\N{REPLACEMENT CHARACTER}"
        for letter in words
    )


def _wrap(words: str, width_in: float, size: float, weight: str = "normal") -> list[str]:
    """Return the lines of a text; a value stays with its name, and with its "log"."""
    tied = re.sub(r" = |(?<=\blog) ", lambda gap: gap[0].replace(" ", "\N{NO-BREAK SPACE}"), words)
    letters = max(len(tied), 1)
    while True:
        lines = textwrap.wrap(tied, letters) or [""]
        widest_in = max(_measure(line, size, weight) for line in lines)
        if widest_in <= width_in or letters == 1:
            return lines
        letters = max(1, min(letters - 1, int(letters * width_in / widest_in)))


def _measure(words: str, size: float, weight: str) -> float:
    """Return how wide words are, inches."""
    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight=weight)))
    font.set_size(_MEASURED_PT, 72)
    font.set_text(printable(words))
    return font.get_width_height()[0] / 64 / 72 * size / _MEASURED_PT


@cache
def _letters() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())
