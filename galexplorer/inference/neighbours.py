"""Real galaxies near in latent space: a library of numbers, never of pixels."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch
from astropy import units
from astropy.coordinates import SkyCoord
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from galexplorer.errors import InputError, WeightsError
from galexplorer.inference.latent_map import LatentMap, nearest_rows
from galexplorer.query.names import iau_names, number_repeated
from galexplorer.records.observation import Observation, Stored
from galexplorer.records.photometry import Photometry
from galexplorer.records.result import EMPTY_LIBRARY, Neighbour
from galexplorer.schema import BPT_CLASSES, IMAGE_BANDS, TARGET_NAMES
from galexplorer.science.bpt import UNCLASSIFIED, classify, line_ratios

LIBRARY_FILE = "library.safetensors"
LAYOUT = 3
"""Version of the arrays in the library's file."""

KNOWN_NAMES = (*TARGET_NAMES, "r")
"""Columns of `Library.known`."""

ORIGINS = ("", "fits", "jpeg")
"""Kinds of images, by the number that the library keeps."""

SOURCE = "SDSS and GLADE+ compilations"
"""Where the published values come from, unless the manifest says otherwise."""

SAME_GALAXY_ARCSEC = 5.0

LEVELS = 101
"""Stored percentiles of the distance to the nearest other galaxy."""

_GRID_SIDE = 64
_SPARES = 6
"""Nearest others searched for one that is not the same galaxy listed twice."""

_NUMBERS = (
    *(
        "latents",
        "log_variance",
        "estimate",
        "appearance",
        "known",
        "magnitudes",
        "errors",
        "petro",
    ),
    *("pixel_scale", "misfit", "medians", "classes", "levels"),
)

Decoder = Callable[[Tensor], Tensor]


class Library:
    """What is kept of n real galaxies, a row each; none where weights know no real galaxy.

    Attributes
    ----------
    latents, log_variance : Tensor, shape (n, 32)
        Means and logarithms of the variances, as the encoder gave them.
    estimate : Tensor, shape (n, 4)
        Of the regressors.
    appearance : Tensor, shape (n, 32)
        Latents of the image as it lies on the sky, for thumbnails.
    position : Tensor, shape (n, 2)
        ra, dec, degrees.
    known : Tensor, shape (n, 10)
        Published values of `KNOWN_NAMES`; NaN where unknown.
    magnitudes, errors : Tensor, shape (n, 3)
        g, r, i measured on the image, and their 1-sigma errors.
    petro : Tensor, shape (n, 2)
        Petrosian r50 and r90 measured on the image, arcsec; NaN where they could not be.
    pixel_scale : Tensor, shape (n,)
        Arcsec per pixel of the grid that was encoded.
    origin : Tensor, shape (n,)
        Index into `ORIGINS`.
    misfit : Tensor, shape (n,)
        Of the autoencoder's reconstruction; see `galexplorer.verdict.domain`.
    medians : Tensor, shape (n, 9)
        Medians of the model's posteriors.
    classes : Tensor, shape (n, 4)
        Posterior probability of each of `galexplorer.schema.BPT_CLASSES`.
    levels : Tensor, shape (101,)
        Percentiles 0 to 100 of the distance from a galaxy with published values to the nearest
        other one.
    published : Tensor, shape (n,), bool
        Whether any target has a published value.
    source : str
        Where the published values come from.
    notes : tuple of str
        What a reader of results has to know about it.
    """

    def __init__(self, arrays: dict[str, Tensor], source: str = SOURCE) -> None:
        """Take the tensors of the library's file.

        Raises
        ------
        WeightsError
            If they are laid out as another version had them.
        """
        layout = int(arrays["layout"][0]) if "layout" in arrays else 1
        if layout != LAYOUT:
            age = "an older" if layout < LAYOUT else "a newer"
            raise WeightsError(
                f"The library of galaxies, {LIBRARY_FILE}, has {age} layout ({layout} instead of "
                f"{LAYOUT}): restore the folder weights/, or rebuild the library."
            )
        try:
            numbers = {name: arrays[name].float() for name in _NUMBERS}
            self.position = arrays["position"].double()
            self.origin = arrays["origin"].long()
            self.map = LatentMap.from_arrays(arrays)
        except KeyError as error:
            raise WeightsError(
                f"The library of galaxies, {LIBRARY_FILE}, lacks {error}: "
                "restore the folder weights/, or rebuild the library."
            ) from error
        self.latents, self.log_variance = numbers["latents"], numbers["log_variance"]
        self.estimate = numbers["estimate"]
        self.appearance, self.known = numbers["appearance"], numbers["known"]
        self.magnitudes, self.errors = numbers["magnitudes"], numbers["errors"]
        nothing = torch.full_like(numbers["magnitudes"], float("nan"))
        self.fibre = arrays.get("fibre", nothing).float()
        self.petro, self.pixel_scale = numbers["petro"], numbers["pixel_scale"]
        self.misfit, self.levels = numbers["misfit"], numbers["levels"]
        self.medians, self.classes = numbers["medians"], numbers["classes"]
        self.source = source
        self.notes = () if len(self.latents) else (EMPTY_LIBRARY,)
        self.published = is_published(self.known)
        self._centre, self._scale = spread_of(self.latents)
        self._whitened = (self.latents - self._centre) / self._scale

    def __len__(self) -> int:
        return len(self.latents)

    @cached_property
    def names(self) -> list[str]:
        """IAU-style names, each once: a galaxy listed twice is, say, J024719.20+010246.9 (2)."""
        return number_repeated(iau_names(*self.position.numpy().T))

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}

    @cached_property
    def places(self) -> Float[np.ndarray, "n 2"]:
        """On the map; see `galexplorer.inference.latent_map`."""
        return self.map.place(self._whitened).numpy()

    def nearest(
        self,
        latent: Float[Tensor, "32"],
        number: int,
        exclude: tuple[float, float] | None = None,
        only: Bool[Tensor, " n"] | None = None,
    ) -> list[tuple[int, float]]:
        """Return rows and distances of the nearest galaxies, nearest first.

        Parameters
        ----------
        latent : Tensor, shape (32,)
        number : int
        exclude : tuple of float, optional
            Position of the galaxy itself, so that it is not its own neighbour.
        only : Tensor, shape (n,), bool, optional
            Rows that count; default all.

        Returns
        -------
        list of (int, float)
            Exact search: fast enough to about a million rows.
        """
        distance = self.distances(latent)
        if exclude is not None:
            distance = distance.masked_fill(self.within_match_radius(*exclude), float("inf"))
        if only is not None:
            distance = distance.masked_fill(~only, float("inf"))
        found = distance.topk(min(number, len(self)), largest=False)
        return [
            (int(row), float(value))
            for value, row in zip(*found, strict=True)
            if np.isfinite(float(value))
        ]

    def distances(self, latent: Float[Tensor | np.ndarray, "32"]) -> Float[Tensor, " n"]:
        """Return the distance of every row from a latent (32,) in units of the spread, (n,)."""
        point = self._whiten(latent)
        exact = "donot_use_mm_for_euclid_dist"
        return torch.cdist(point[None], self._whitened, compute_mode=exact)[0]

    def within_match_radius(self, ra: float, dec: float) -> Bool[Tensor, " n"]:
        """Return which rows lie within 5 arcsec of a position, shape (n,), bool."""
        off_ra = (self.position[:, 0] - ra + 180) % 360 - 180  # also across RA 0
        off_ra = off_ra * np.cos(np.radians(dec))
        separation = torch.hypot(off_ra, self.position[:, 1] - dec) * 3600
        return separation < SAME_GALAXY_ARCSEC

    def percentile(self, distance: float) -> float:
        """Return the percentage of galaxies whose own nearest neighbour is nearer than that."""
        return float(np.interp(distance, self.levels.numpy(), np.linspace(0, 100, LEVELS)))

    def place(self, latent: Float[Tensor | np.ndarray, "32"]) -> Float[np.ndarray, "2"]:
        """Return the place of a latent (32,) on the map, shape (2,)."""
        return self.map.place(self._whiten(latent)[None])[0].numpy()

    def _whiten(self, latent: Tensor | np.ndarray) -> Tensor:
        return (torch.as_tensor(latent).cpu().float() - self._centre) / self._scale

    def describe(
        self, rows: Sequence[int], decoder: Decoder, distances: Sequence[float] | None = None
    ) -> tuple[Neighbour, ...]:
        """Return galaxies of the library with their pictures.

        Parameters
        ----------
        rows : sequence of int
        decoder : callable
            The autoencoder's: latents (n, 32) to images (n, 3, 64, 64).
        distances : sequence of float, optional
            From the galaxy that they are neighbours of.
        """
        if len(rows) == 0:
            return ()
        with torch.inference_mode():
            pictures = decoder(self.appearance[list(rows)])
        apart = [float("nan")] * len(rows) if distances is None else distances
        return tuple(
            self._neighbour(int(row), float(distance), to_picture(picture))
            for row, distance, picture in zip(rows, apart, pictures, strict=True)
        )

    def _neighbour(
        self, row: int, distance: float, thumbnail: UInt8[np.ndarray, "64 64 3"]
    ) -> Neighbour:
        values = self.known[row].tolist()
        known = {k: round(v, 4) for k, v in zip(KNOWN_NAMES, values, strict=True) if np.isfinite(v)}
        ra, dec = (float(v) for v in self.position[row])
        kind, published = self.classes_of([row])
        return Neighbour(
            name=self.names[row],
            ra=ra,
            dec=dec,
            distance=distance,
            known=known,
            source=self.source,
            thumbnail=thumbnail,
            percentile=self.percentile(distance) if np.isfinite(distance) else float("nan"),
            medians=dict(zip(TARGET_NAMES, self.medians[row].tolist(), strict=True)),
            bpt=BPT_CLASSES[int(kind[0])],
            bpt_published=bool(published[0]),
            field_arcsec=_GRID_SIDE * float(self.pixel_scale[row]),
        )

    def values(self, name: str) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
        """Return a target's value of every row and whether it is published, both (n,).

        Published where there is such a value, else the median of the model's posterior.
        """
        column = TARGET_NAMES.index(name)
        known = self.known[:, column]
        published = torch.isfinite(known)
        return torch.where(published, known, self.medians[:, column]).numpy(), published.numpy()

    def classes_of(
        self, rows: Sequence[int] | None = None
    ) -> tuple[Int[np.ndarray, " m"], Bool[np.ndarray, " m"]]:
        """Return BPT classes of rows and whether they rest on published lines, both (m,).

        The class of the published fluxes where all four are known, else the likeliest of the
        model's; an index into `galexplorer.schema.BPT_CLASSES`.
        """
        take = slice(None) if rows is None else list(rows)
        known = classify(*line_ratios(self.known[take, : len(TARGET_NAMES)].numpy()))
        published = known != UNCLASSIFIED
        return np.where(published, known, self.classes[take].argmax(dim=1).numpy()), published

    def find_row(self, name: str) -> int:
        """Return the row of a galaxy by its name.

        Raises
        ------
        InputError
            If the library has no galaxy of that name.
        """
        if name not in self._rows:
            raise InputError(
                f"The library has no galaxy {name}: it may have been rebuilt since; explore it "
                "by its position instead."
            )
        return self._rows[name]

    def observe(self, row: int) -> Observation:
        """Return what the engine needs to infer a galaxy of the library without its image."""
        origin = ORIGINS[int(self.origin[row])]
        pairs = zip(IMAGE_BANDS, self.magnitudes[row].tolist(), strict=True)
        errors = zip(IMAGE_BANDS, self.errors[row].tolist(), strict=True)
        r50, r90 = (v if np.isfinite(v) else None for v in self.petro[row].tolist())
        ra, dec = (float(v) for v in self.position[row])
        known = zip(TARGET_NAMES, self.known[row, : len(TARGET_NAMES)].tolist(), strict=True)
        return Observation(
            cutout=None,
            photometry=Photometry(
                kind="measured",
                magnitudes={band: v for band, v in pairs if np.isfinite(v)},
                errors={band: v for band, v in errors if np.isfinite(v)},
                petro_r50=r50,
                petro_r90=r90,
                petro_kind="measured" if r50 else "none",
            ),
            notes=(
                "Inferred from the library's stored latents and measured photometry of this "
                "galaxy: no pixels were read.",
            ),
            origin=origin,
            known={name: v for name, v in known if np.isfinite(v)},
            origins={
                "pixels": f"the library's latents of an SDSS {origin.upper()}",
                "photometry": "measured on that image when the library was made",
                "known": self.source,
            },
            stored=Stored(
                latent=self.latents[row].numpy(),
                log_variance=self.log_variance[row].numpy(),
                estimate=self.estimate[row].numpy(),
                fibre_magnitudes=self.fibre[row].double().numpy(),
                misfit=float(self.misfit[row]),
                pixel_scale_arcsec=float(self.pixel_scale[row]),
                ra=ra,
                dec=dec,
            ),
        )


def spread_of(latents: Float[Tensor, "n d"]) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"]]:
    """Return mean and spread of each latent, (32,): distances are measured in the latter."""
    if len(latents) == 0:
        return torch.zeros(latents.shape[1]), torch.ones(latents.shape[1])
    return latents.mean(dim=0), latents.std(dim=0).clamp(min=1e-3)


def is_published(known: Float[Tensor, "n 10"]) -> Bool[Tensor, " n"]:
    """Return which rows of known values (n, 10) hold one of a target, (n,), bool."""
    return torch.isfinite(known[:, : len(TARGET_NAMES)]).any(dim=1)


def nearest_distance_percentiles(
    latents: Float[Tensor, "n 32"], position: Float[Tensor, "n 2"]
) -> Float[Tensor, "101"]:
    """Return percentiles of the distance from each galaxy to the nearest other, shape (101,).

    Parameters
    ----------
    latents : Tensor, shape (n, 32)
    position : Tensor, shape (n, 2)
        Degrees; what lies within 5 arcsec is the same galaxy, listed twice.
    """
    centre, scale = spread_of(latents)
    whitened = (latents - centre) / scale
    others = nearest_rows(whitened, min(_SPARES, len(latents) - 1))
    distance = (whitened[:, None] - whitened[others]).norm(dim=2)
    place = SkyCoord(*position.numpy().T * units.deg)
    apart = place[:, None].separation(place[others.numpy()]).arcsec > SAME_GALAXY_ARCSEC
    distance = distance.masked_fill(torch.from_numpy(~apart), float("inf")).amin(dim=1)
    own = distance[torch.isfinite(distance)].numpy()
    ordered = np.quantile(own, np.linspace(0, 1, LEVELS)) if own.size else np.zeros(LEVELS)
    return torch.from_numpy(ordered.astype(np.float32))


def to_picture(image: Float[Tensor, "3 64 64"]) -> UInt8[np.ndarray, "64 64 3"]:
    """Return a decoded image (3, 64, 64), 0..1, as a picture (64, 64, 3), uint8."""
    levels = (image.clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())
