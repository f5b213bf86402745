"""What is given of a galaxy: how it is calibrated, and what counts beside an estimate."""

from jaxtyping import Bool, Float, Int
from torch import Tensor

from galexplorer.model import features

MODES = ("photometry", "image", "image and catalogue", "jpeg")
"""What is calibrated apart: no image; an image with its own magnitudes or a catalogue's; and, with
whichever, an image that the regressors estimate from. Those are JPEGs alone: all that taught
them were 8-bit composites, and simulated galaxies, which taught all else about linear pixels,
would not be to them what real ones are."""


def modes_of(feature: Float[Tensor, "n f"], use_estimate: Bool[Tensor, " n"]) -> Int[Tensor, " n"]:
    """Return the index into `MODES` of rows, (n,).

    Parameters
    ----------
    feature : Tensor, shape (n, f)
        See `galexplorer.model.features.photometry_features`.
    use_estimate : Tensor, shape (n,), bool
        Whether the regressors estimate from the image.
    """
    mode = (feature[:, features.HAS_IMAGE] > 0).long()
    mode[(mode > 0) & (feature[:, features.HAS_CATALOGUE_PHOTOMETRY] > 0)] = MODES.index(
        "image and catalogue"
    )
    mode[use_estimate] = MODES.index("jpeg")
    return mode


def features_with_estimate(feature: Float[Tensor, "n f"]) -> Float[Tensor, "n f"]:
    """Return what of features stands beside an estimate: a catalogue's numbers, pixel size."""
    shown = feature * (feature[:, features.HAS_CATALOGUE_PHOTOMETRY, None] > 0)
    measured = feature[:, features.MEASURED_SIZES, None] > 0
    shown[:, features.SIZES] = shown[:, features.SIZES] * ~measured
    shown[:, features.FIBRE] = 0
    pixel = slice(features.HAS_IMAGE, features.LOG_SCALE + 1)
    shown[:, pixel] = feature[:, pixel]
    return shown
