"""The figure that every static plot is drawn on."""

import io

from matplotlib.figure import Figure as _Figure


class Figure(_Figure):
    """A figure that a notebook shows, also before pyplot was imported.

    Examples
    --------
    >>> Figure(figsize=(1, 1))._repr_png_()[1:4]
    b'PNG'
    """

    def _repr_png_(self) -> bytes:
        """Return the figure as PNG, as Jupyter asks for it."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()
