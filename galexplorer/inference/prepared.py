"""An observation prepared for sampling: encoded, with domain and neighbours; and its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Integer, UInt64
from torch import Tensor

from galexplorer.image.fibre import fibre_magnitudes
from galexplorer.records.asinh import is_seen
from galexplorer.records.observation import Cutout, Observation, Stored
from galexplorer.records.photometry import Photometry
from galexplorer.records.result import Domain, Neighbour, View
from galexplorer.records.verdict import Verdict
from galexplorer.schema import BANDS, IMAGE_BANDS

_LEAST_S_TO_N = 1.2
"""A band of less, an error of 0.9 mag, holds little more than noise."""


@dataclass(frozen=True)
class Encoded:
    """What the flows are conditioned on, for a batch of galaxies.

    Attributes
    ----------
    context : Tensor, shape (n, e, 2 c)
    mode : Tensor, shape (n,), int
        Index into `galexplorer.model.modes.MODES`.
    origin : ndarray, shape (n,), int
        Index into `galexplorer.model.features.INPUTS`.
    latent : Tensor, shape (n, 32)
    appearance : Tensor, shape (n, 32)
        Latents of the image as it lies, for what the decoder makes of it; zero without pixels.
    features : ndarray, shape (n, f)
    key : ndarray, shape (n,), uint64
        Follows from all that the galaxy is inferred from; makes its noise its own.
    """

    context: Float[Tensor, "n e c"]
    mode: Int[Tensor, " n"]
    origin: Integer[np.ndarray, " n"]
    latent: Float[Tensor, "n 32"]
    appearance: Float[Tensor, "n 32"]
    features: Float[np.ndarray, "n f"]
    key: UInt64[np.ndarray, " n"]

    def rows(self, chosen: slice | Integer[np.ndarray, " m"]) -> "Encoded":
        """Return those of some galaxies."""
        return Encoded(*(getattr(self, part.name)[chosen] for part in fields(self)))

    @classmethod
    def join(cls, parts: "Sequence[Encoded]") -> "Encoded":
        """Join batches row-wise."""

        def joined(name: str) -> Any:  # noqa: ANN401
            column = [getattr(own, name) for own in parts]
            return torch.cat(column) if isinstance(column[0], Tensor) else np.concatenate(column)

        return cls(**{part.name: joined(part.name) for part in fields(cls)})


@dataclass(frozen=True)
class PreparedObservation:
    """An observation prepared for sampling; many posteriors may share it.

    Attributes
    ----------
    encoded : Encoded
        Of one row.
    kind : str
        One of `galexplorer.model.features.INPUTS`.
    view : View or None
    domain : Domain
    neighbours : tuple of Neighbour
    latent : ndarray, shape (32,), or None
    verdict : Verdict
        Before the posterior is known.
    """

    encoded: Encoded
    kind: str
    view: View | None
    domain: Domain
    neighbours: tuple[Neighbour, ...]
    latent: Float[np.ndarray, "32"] | None
    verdict: Verdict


def fibre_magnitudes_of(
    images: Sequence[Cutout | Stored | None],
) -> Float[np.ndarray, "n 3"]:
    """Return the magnitudes of images within a fibre, g, r, i, (n, 3); NaN without an image."""
    out = np.full((len(images), len(IMAGE_BANDS)), np.nan)
    for k, image in enumerate(images):
        if isinstance(image, Stored):
            out[k] = image.fibre_magnitudes
        elif image is not None:
            out[k] = fibre_magnitudes(image.grid[None], np.array([image.pixel_scale_arcsec]))[0]
    return out


def magnitudes_of(observations: list[Observation]) -> Float[np.ndarray, "n 5"]:
    """Return the magnitudes in `galexplorer.schema.BANDS`, shape (n, 5), NaN where missing."""
    listed = [o.photometry.magnitudes for o in observations]
    return np.array([[m.get(b, np.nan) for b in BANDS] for m in listed], float)


def seen_magnitudes_of(observations: list[Observation]) -> Float[np.ndarray, "n 5"]:
    """Return magnitudes without those of bands that hold little more than noise, or a limit."""
    magnitudes = magnitudes_of(observations)
    errors = errors_of([o.photometry for o in observations])
    return np.where(is_seen(magnitudes, errors, _LEAST_S_TO_N), magnitudes, np.nan)


def errors_of(photometry: list[Photometry]) -> Float[np.ndarray, "n 5"]:
    """Return the errors of magnitudes in `galexplorer.schema.BANDS`, (n, 5), NaN where missing."""
    return np.array([[p.errors.get(b, np.nan) for b in BANDS] for p in photometry], float)
