"""Features of an image for boosting: numbers measured on its pixels."""

import numpy as np

from galexplorer.datasets.shards import Arrays
from galexplorer.image.composite import linear_flux

_APERTURES_ARCSEC = (1.5, 3.0, 5.0, 8.0, 11.0)


def measured_features(rows: Arrays) -> np.ndarray:
    """Return aperture fluxes, colours, sizes and concentrations of images, shape (n, f).

    Parameters
    ----------
    rows : dict of str to ndarray
        See `galexplorer.datasets.shards`; each with an image of known scale.
    """
    axis = np.arange(64) - 31.5
    radius_px = np.hypot(*np.meshgrid(axis, axis))
    moments = ((axis[None] ** 2, 1.0), (axis[:, None] ** 2, 1.0), (axis[None], axis[:, None]))
    out = []
    for k in range(len(rows["split"])):
        scale = float(rows["pixel_scale"][k])
        flux = linear_flux(rows["grid"][k] / np.float32(255), scale)
        radius = radius_px * scale
        inside = [flux[:, radius < r].sum(axis=1) for r in _APERTURES_ARCSEC]
        magnitudes = -2.5 * np.log10(np.maximum(inside, 1e-3))
        colours = magnitudes[:, :-1] - magnitudes[:, 1:]
        growth = -np.diff(magnitudes[:, 1])
        total = flux[1].clip(min=0)
        weight = total.sum() + 1e-9
        xx, yy, xy = (float((total * a * b).sum() / weight) for a, b in moments)
        shape = np.hypot(xx - yy, 2 * xy) / (xx + yy + 1e-9)
        asymmetry = np.abs(total - total[::-1, ::-1]).sum() / weight
        petro = rows["measured_petro"][k]
        mags = rows["measured_mag"][k]
        out.append(
            [*magnitudes.ravel(), *colours.ravel(), *growth, shape, asymmetry, *petro,
             petro[1] / petro[0], *mags, mags[0] - mags[1], mags[1] - mags[2]]
        )  # fmt: skip
    return np.array(out, float)
