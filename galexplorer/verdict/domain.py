"""Does this galaxy resemble the training galaxies?

Two measures, each turned into an empirical percentile of the training galaxies: the squared
Mahalanobis distance of the flows' inputs, and the misfit of the autoencoder's reconstruction. The
autoencoder's likelihood alone would mislead (Nalisnick et al. 2019, 1810.09136); a distance among
what the flows see does not share its fault. And a limit: the survey ends at some magnitude.
Distances do not tell, because their long tails are those of odd colours.
"""

from dataclasses import dataclass, field, fields

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from galexplorer.errors import WeightsError
from galexplorer.model.features import INPUTS
from galexplorer.model.vae import LATENTS
from galexplorer.records.result import Domain
from galexplorer.schema import BANDS

LEVELS = 1001
_OUTSIDE_PERCENTILE = 99.7
_FAINTEST_PERCENTILE = 99.9
_NOT_ASSESSED = "Too few bands are known to judge whether it resembles the training galaxies."


@dataclass(frozen=True)
class DomainStatistics:
    """What was measured on training galaxies, one set per kind of input.

    Attributes
    ----------
    mean, precision : dict of str to Tensor
        Shapes (d,) and (d, d), by kind.
    distance_levels : dict of str to Tensor
        Quantiles of the squared distance, shape (1001,), by kind.
    misfit_levels : dict of str to Tensor
        Quantiles of the reconstruction's misfit, by kind with images.
    faintest : dict of str to Tensor
        Magnitude in each band, shape (5,), by kind; NaN if unknown. See `faintest_magnitudes`.
        With an image they are as measured on pixels, in g, r and i, and a catalogue's share them.
    """

    mean: dict[str, Tensor]
    precision: dict[str, Tensor]
    distance_levels: dict[str, Tensor]
    misfit_levels: dict[str, Tensor]
    faintest: dict[str, Tensor] = field(default_factory=dict)

    def to_arrays(self) -> dict[str, Tensor]:
        """Return everything under flat names, for a safetensors file."""
        return {
            f"{part.name}.{kind}": value
            for part in fields(self)
            for kind, value in getattr(self, part.name).items()
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Tensor]) -> "DomainStatistics":
        """Invert `to_arrays`.

        Raises
        ------
        WeightsError
            If one is missing, or has another name or shape.
        """
        parts: dict[str, dict[str, Tensor]] = {part.name: {} for part in fields(cls)}
        for kind in INPUTS:
            for part, shape in _shapes_of(kind).items():
                value = arrays.get(f"{part}.{kind}")
                if value is None and part == "faintest":
                    continue
                if value is None or value.shape != shape:
                    raise WeightsError(
                        "The statistics of the training galaxies belong to another version of "
                        "galexplorer, or are damaged: restore the folder weights/."
                    )
                parts[part][kind] = value
        return cls(**parts)


def _shapes_of(kind: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what belongs to a kind of input."""
    size = len(BANDS) if kind == "photometry" else LATENTS
    shapes = {
        "mean": (size,),
        "precision": (size, size),
        "distance_levels": (LEVELS,),
        "faintest": (len(BANDS),),
    }
    return shapes if kind == "photometry" else {**shapes, "misfit_levels": (LEVELS,)}


def distance_inputs(
    mean: Float[Tensor, "n 32"], magnitudes: Float[Tensor, "n 5"], kind: str
) -> Float[Tensor, "n d"]:
    """Return the vector whose distance is measured: latents, or r magnitude and colours.

    Parameters
    ----------
    mean : Tensor, shape (n, 32)
        Latent means, which count where there is an image.
    magnitudes : Tensor, shape (n, 5)
        NaN where missing.
    kind : str
        One of `galexplorer.model.features.INPUTS`.

    Returns
    -------
    Tensor, shape (n, d)
        A missing magnitude gives NaN.
    """
    colours = magnitudes[:, :-1] - magnitudes[:, 1:]
    if kind == "photometry":
        return torch.cat([magnitudes[:, 2:3], colours], dim=1)
    return mean


def summarise(
    inputs: Float[Tensor, "n d"],
) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"], Float[Tensor, f"{LEVELS}"]]:
    """Return mean, precision and distance quantiles of training rows (rows with NaN left out)."""
    rows = inputs[torch.isfinite(inputs).all(dim=1)].double()
    centre = rows.median(dim=0).values
    spread = 1.4826 * (rows - centre).abs().median(dim=0).values + 1e-6
    clipped = rows.clamp(centre - 6 * spread, centre + 6 * spread)
    centre = clipped.mean(dim=0)
    covariance = torch.cov(clipped.T) + 1e-6 * torch.eye(rows.shape[1], dtype=torch.float64)
    precision = torch.linalg.inv(covariance)
    distance = squared_distance(rows, centre, precision)
    return centre.float(), precision.float(), levels(distance)


def faintest_magnitudes(magnitudes: Float[np.ndarray, "n 5"]) -> Float[Tensor, "5"]:
    """Return the magnitude that all but 0.1% of training galaxies are brighter than.

    Parameters
    ----------
    magnitudes : ndarray, shape (n, 5)
        NaN where missing.

    Returns
    -------
    Tensor, shape (5,)
        By band; NaN where no galaxy has one.
    """
    found = np.full(len(BANDS), np.nan, np.float32)
    for k, column in enumerate(magnitudes.T):
        known = column[np.isfinite(column)]
        if len(known):
            found[k] = np.percentile(known, _FAINTEST_PERCENTILE)
    return torch.from_numpy(found)


def squared_distance(
    rows: Float[Tensor, "n d"], mean: Float[Tensor, " d"], precision: Float[Tensor, "d d"]
) -> Float[Tensor, " n"]:
    """Return squared Mahalanobis distances, shape (n,).

    A row that lacks dimensions is measured by those it has: its distance under the marginal
    normal is carried over to all dimensions at equal probability (chi-square). A row that has
    none gets NaN.
    """
    known = torch.isfinite(rows)
    offset = torch.where(known, rows - mean, torch.zeros_like(rows)).double()
    out = torch.full((len(rows),), float("nan"), dtype=torch.float64)
    size = rows.shape[1]
    covariance = torch.linalg.inv(precision.double())
    for pattern in torch.unique(known, dim=0):
        count = int(pattern.sum())
        if count == 0:
            continue
        take = (known == pattern).all(dim=1)
        inverse = torch.linalg.inv(covariance[pattern][:, pattern])
        part = offset[take][:, pattern].numpy()
        # not a matrix product, whose last bits depend on how many rows it has
        distance = torch.from_numpy(np.einsum("ni,ij,nj->n", part, inverse.numpy(), part))
        if count < size:
            from scipy import special  # most galaxies have all bands

            tail = special.chdtrc(count, distance.numpy())
            distance = torch.from_numpy(special.chdtri(size, np.maximum(tail, 1e-300)))
        out[take] = distance
    return out


def levels(values: Float[Tensor, " n"]) -> Float[Tensor, f"{LEVELS}"]:
    """Return the quantiles 0 to 1 in `LEVELS` steps."""
    ordered = np.quantile(values.double().cpu().numpy(), np.linspace(0, 1, LEVELS))
    return torch.from_numpy(ordered.astype(np.float32))


def misfit_of(
    image: Float[Tensor, "n 3 h w"], reconstruction: Float[Tensor, "n 3 h w"]
) -> Float[Tensor, " n"]:
    """Return the reconstruction's mean squared error relative to the image's light, shape (n,)."""
    error = ((image - reconstruction) ** 2).mean(dim=(1, 2, 3))
    return error / (image**2).mean(dim=(1, 2, 3)).clamp(min=1e-4)


def percentile(
    value: Float[Tensor, " n"], quantiles: Float[Tensor, f"{LEVELS}"]
) -> Float[np.ndarray, " n"]:
    """Return the percentile of values among training galaxies, shape (n,), 0 to 100."""
    grid = np.linspace(0, 100, LEVELS)
    return np.interp(value.cpu().numpy(), quantiles.cpu().numpy(), grid)


def assess_domain(
    statistics: DomainStatistics,
    kind: str,
    inputs: Float[Tensor, "n d"],
    misfit: Float[Tensor, " n"] | None,
    magnitudes: Float[Tensor, "n 5"],
) -> list[Domain]:
    """Assess galaxies of one kind of input.

    Parameters
    ----------
    statistics : DomainStatistics
    kind : str
    inputs : Tensor, shape (n, d)
        See `distance_inputs`.
    misfit : Tensor, shape (n,), or None
    magnitudes : Tensor, shape (n, 5)
        NaN where missing.

    Returns
    -------
    list of Domain
    """
    distance = squared_distance(inputs, statistics.mean[kind], statistics.precision[kind])
    scores = [percentile(distance, statistics.distance_levels[kind])]
    subject = (
        "magnitudes and colours" if kind == "photometry" else "image, as the model encodes it,"
    )
    verb = "are" if kind == "photometry" else "is"
    reasons = [f"Its {subject} {verb} further from the training galaxies than {{:.1f}}% of them."]
    if misfit is not None:
        scores.append(percentile(misfit, statistics.misfit_levels[kind]))
        reasons.append(
            "The autoencoder reconstructs it worse than {:.1f}% of the training galaxies."
        )
    table = np.stack(scores, axis=1)
    limits = statistics.faintest.get(kind, torch.full((len(BANDS),), torch.nan))
    out = []
    for row, magnitude in zip(table, magnitudes, strict=True):
        faint = _faint(magnitude, limits)
        if not np.isfinite(row).any():
            why = (_NOT_ASSESSED, faint) if faint else (_NOT_ASSESSED,)
            out.append(Domain(False, float("nan"), why))
            continue
        outside = [
            text.format(score)
            for text, score in zip(reasons, row, strict=True)
            if score >= _OUTSIDE_PERCENTILE
        ]
        score = float(np.nanmax(row))
        if faint:
            score = max(score, _FAINTEST_PERCENTILE)
            outside.append(faint)
        out.append(Domain(inside=not outside, score=score, reasons=tuple(outside)))
    return out


def _faint(magnitudes: Tensor, limits: Tensor) -> str:
    """Return the reason why a galaxy is too faint, empty if it is not."""
    beyond = magnitudes - limits
    if not (beyond > 0).any():
        return ""
    k = int(torch.where(torch.isnan(beyond), -torch.inf, beyond).argmax())
    return (
        f"Its {BANDS[k]} magnitude of {float(magnitudes[k]):.2f} is fainter than that of all but "
        f"{100 - _FAINTEST_PERCENTILE:.1f}% of the training galaxies ({float(limits[k]):.2f})."
    )
