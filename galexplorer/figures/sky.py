"""The galaxy on the sky: the colour image and its reconstruction by the model."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke

from galexplorer.figures.canvas import Figure
from galexplorer.figures.palette import RESIDUAL_MAP, theme
from galexplorer.image.composite import composite, linear_flux
from galexplorer.pictures.north_up import SkyAxes, north_up
from galexplorer.records.result import View
from galexplorer.schema import SDSS_PIXEL_SCALE_ARCSEC

_BAR_LENGTHS_ARCSEC = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200)
_HALO = [withStroke(linewidth=2.5, foreground="black")]

STAR = "#56B4E9"
"""Marks of stars (Okabe & Ito's sky blue)."""


STRETCHES = {"Faint": 4.0, "SDSS": 1.0, "Bright": 0.25}
"""Factor applied to the linear flux before the stretch: faint arms, or bright cores."""


def scale_brightness(
    picture: UInt8[np.ndarray, "h w 3"], brightness: float
) -> UInt8[np.ndarray, "h w 3"]:
    """Return the composite of the same light with its flux multiplied by a factor.

    Parameters
    ----------
    picture : ndarray, shape (h, w, 3), uint8
        SDSS composite, red green blue.
    brightness : float

    Returns
    -------
    ndarray, shape (h, w, 3), uint8
    """
    if brightness == 1.0:
        return picture
    channels = picture.transpose(2, 0, 1).astype(np.float32) / 255.0
    flux = brightness * linear_flux(channels, SDSS_PIXEL_SCALE_ARCSEC)
    again = composite(flux, SDSS_PIXEL_SCALE_ARCSEC)
    return np.round(255 * again).astype(np.uint8).transpose(1, 2, 0)


def bar_length_arcsec(width_arcsec: float) -> float:
    """Return a round length near a quarter of the image, for its scale bar.

    Parameters
    ----------
    width_arcsec : float
        Width of the image.
    """
    fitting = [length for length in _BAR_LENGTHS_ARCSEC if length <= 0.34 * width_arcsec]
    return float(fitting[-1]) if fitting else 0.25 * width_arcsec


def length_label(arcsec: float, kpc_per_arcsec: float | None = None) -> str:
    """Return a length as the label of a scale bar, in kpc too where the scale is known.

    Examples
    --------
    >>> length_label(20.0, 0.63), length_label(120.0)
    ('20″ = 13 kpc', '2′')
    """
    label = f"{arcsec / 60:g}′" if arcsec >= 60 else f"{arcsec:g}″"
    if kpc_per_arcsec is None or not np.isfinite(kpc_per_arcsec):
        return label
    kpc = arcsec * kpc_per_arcsec
    return f"{label} = {kpc:.0f} kpc" if kpc >= 9.5 else f"{label} = {kpc:.2g} kpc"


def colour_figure(
    view: View,
    kpc_per_arcsec: float | None = None,
    aperture: bool = True,
    brightness: float = 1.0,
) -> Figure:
    """Draw the colour image, north up and east left, with scale bar, compass and aperture.

    Parameters
    ----------
    view : View
        An image without orientation is drawn as it is. Of one that is turned, what the square
        does not hold is black.
    kpc_per_arcsec : float, optional
        Adds the length of the scale bar in kpc.
    aperture : bool
        Draw a dashed circle of one Petrosian radius round the centre.
    brightness : float
        See `scale_brightness`.

    Returns
    -------
    matplotlib.figure.Figure
        4 inches wide, without margins.
    """
    rows, columns = view.native.shape[:2]
    circle = None
    if aperture and view.petrosian_radius_arcsec is not None:
        radius = view.petrosian_radius_arcsec / view.native_pixel_scale_arcsec
        circle = ((columns - 1) / 2, (rows - 1) / 2, radius)
    picture = scale_brightness(view.native, brightness)
    if view.north_angle_deg is not None:
        scale = view.native_pixel_scale_arcsec
        middle = ((columns - 1) / 2, (rows - 1) / 2)
        axes = SkyAxes(*middle, scale, view.north_angle_deg, view.mirrored)
        picture = north_up(picture, axes, columns * scale)
    oriented = view.north_angle_deg is not None
    return sky_figure(picture, view.native_pixel_scale_arcsec, oriented, kpc_per_arcsec, circle)


def sky_figure(
    picture: UInt8[np.ndarray, "h w 3"],
    pixel_scale_arcsec: float,
    oriented: bool = False,
    kpc_per_arcsec: float | None = None,
    circle: tuple[float, float, float] | None = None,
    stars: Sequence[tuple[float, float]] = (),
) -> Figure:
    """Draw a picture of the sky with scale bar, compass, an aperture and marks of stars.

    Parameters
    ----------
    picture : ndarray, shape (h, w, 3), uint8
        Row 0 on top.
    pixel_scale_arcsec : float
    oriented : bool
        North is up and east left: draw a compass.
    kpc_per_arcsec : float, optional
        Adds the length of the scale bar in kpc.
    circle : tuple of float, optional
        Centre and radius of the aperture, pixels.
    stars : sequence of tuple of float
        Places of stars, pixels.

    Returns
    -------
    matplotlib.figure.Figure
        4 inches wide, without margins.
    """
    rows, columns = picture.shape[:2]
    figure = Figure(figsize=(4, 4 * rows / columns))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(picture, interpolation="nearest" if columns < 200 else "antialiased")
    axes.set_axis_off()
    _scale_bar(axes, (rows, columns), pixel_scale_arcsec, kpc_per_arcsec)
    if oriented:
        _compass(axes, (rows, columns))
    if circle is not None:
        x, y, radius = circle
        patch = Circle((x, y), radius, fill=False, color="white", alpha=0.75, linewidth=0.9)
        patch.set_linestyle((0, (4, 4)))
        axes.add_patch(patch)
    if stars:
        x, y = np.transpose(stars)
        axes.plot(x, y, "x", color=STAR, markersize=6, markeredgewidth=1.2, path_effects=_HALO)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    return figure


def _scale_bar(
    axes: Axes, shape: tuple[int, int], pixel_scale_arcsec: float, kpc_per_arcsec: float | None
) -> None:
    rows, columns = shape
    length = bar_length_arcsec(columns * pixel_scale_arcsec)
    label = length_label(length, kpc_per_arcsec)
    x, y = 0.05 * columns, 0.94 * rows
    end = x + length / pixel_scale_arcsec
    axes.plot([x, end], [y, y], color="white", linewidth=2.2, path_effects=_HALO)
    axes.text(
        x, y - 0.02 * rows, label, color="white", fontsize=11, va="bottom", path_effects=_HALO
    )


def _compass(axes: Axes, shape: tuple[int, int]) -> None:
    rows, columns = shape
    arm = 0.09 * min(rows, columns)
    x, y = 0.9 * columns, 0.9 * rows
    for name, right, down in (("N", 0.0, -arm), ("E", -arm, 0.0)):
        axes.annotate(
            "",
            (x + right, y + down),
            (x, y),
            arrowprops={
                "arrowstyle": "->",
                "color": "white",
                "linewidth": 1.5,
                "path_effects": _HALO,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
        axes.text(
            x + 1.4 * right,
            y + 1.4 * down,
            name,
            color="white",
            fontsize=10,
            ha="center",
            va="center",
            path_effects=_HALO,
        )


def residual_picture(view: View) -> tuple[UInt8[np.ndarray, "64 64 3"], float]:
    """Return the difference of what the model saw and its reconstruction in colour.

    Parameters
    ----------
    view : View

    Returns
    -------
    picture : ndarray, shape (64, 64, 3), uint8
        Orange where the image is brighter than its reconstruction, purple where it is fainter.
    limit : float
        8-bit counts at which the colours end.
    """
    residual, limit = _residual(view)
    coloured = matplotlib.colormaps[RESIDUAL_MAP](Normalize(-limit, limit)(residual), bytes=True)
    return coloured[..., :3], limit


def _residual(view: View) -> tuple[np.ndarray, float]:
    """Return the mean difference over the colour channels, and where its scale ends."""
    residual = (view.composite.astype(float) - view.reconstruction.astype(float)).mean(axis=2)
    return residual, max(20.0, float(np.quantile(np.abs(residual), 0.995)))


def reconstruction_figure(view: View, dark: bool = False) -> Figure:
    """Draw what the model saw, its reconstruction, and the residual of the two.

    Parameters
    ----------
    view : View
    dark : bool
        Colours for a dark background.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels; the residual is the mean over the colour channels.
    """
    colours = theme(dark)
    figure = Figure(figsize=(9.2, 3.3), facecolor="none", layout="constrained")
    seen, rebuilt, difference = figure.subplots(1, 3)
    residual, limit = _residual(view)
    titles = ("Model input", "VAE reconstruction", "Residual")
    seen.imshow(view.composite, interpolation="nearest")
    rebuilt.imshow(view.reconstruction, interpolation="nearest")
    image = difference.imshow(residual, cmap=RESIDUAL_MAP, norm=Normalize(-limit, limit))
    for axes, title in zip((seen, rebuilt, difference), titles, strict=True):
        axes.set_title(title, color=colours.text, fontsize=10)
        axes.set_axis_off()
    _scale_bar(seen, view.composite.shape[:2], view.pixel_scale_arcsec, None)
    bar = figure.colorbar(image, ax=difference, fraction=0.05, pad=0.02)
    bar.set_label("input − reconstruction [8-bit counts]", color=colours.text, fontsize=9)
    bar.ax.tick_params(colors=colours.text, labelsize=8)
    bar.outline.set_edgecolor(colours.faint)
    return figure
