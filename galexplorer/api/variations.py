"""More like this galaxy, but redder, rounder or fainter: pictures and posteriors of the model's.

The latents of the library's galaxies vary along few directions. To move a galaxy along one gives
another picture by the decoder, and other posteriors by the flows. Both are the model's: they show
what it has learnt, and no galaxy need look like that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8

from galexplorer.api.engine import Engine
from galexplorer.api.inputs import Target, observe
from galexplorer.api.result import Result
from galexplorer.errors import OptionError
from galexplorer.image.composite import linear_flux
from galexplorer.inference.neighbours import to_picture
from galexplorer.inference.prepared import fibre_magnitudes_of
from galexplorer.records.observation import Observation, Stored
from galexplorer.records.photometry import Photometry
from galexplorer.schema import IMAGE_BANDS

MEASURES = {
    "brightness": "Brightness",
    "colour": "Colour",
    "roundness": "Axis ratio",
    "size": "Size",
    "concentration": "Bulge",
}
"""What is measured on a picture: light, g - i, b/a, half-light radius, R90/R50."""

PAINTED = 256
"""Galaxies of the library whose pictures tell what a direction does."""
MOST_DIRECTIONS, LEAST_CORRELATION, FARTHEST = 8, 0.3, 4.0
_DECODED_AT_ONCE = 32


@dataclass(frozen=True)
class Direction:
    """A main direction of the latents of the library's galaxies.

    Attributes
    ----------
    name : str
        One of `MEASURES`: what the pictures along it vary in most, and no other does more.
    correlation : float
        Spearman's rank correlation of that with the place along the direction; positive.
    share : float
        Of the variance of all latents.
    step : ndarray, shape (32,)
        One standard deviation of the galaxies along it.
    """

    name: str
    correlation: float
    share: float
    step: Float[np.ndarray, "32"]


@dataclass(frozen=True)
class Variation:
    """A galaxy moved along directions.

    Attributes
    ----------
    picture : ndarray, shape (64, 64, 3), uint8
        By the decoder.
    result : Result
        By the flows, from the moved latents; magnitudes and radii changed as the pictures do.
    """

    picture: UInt8[np.ndarray, "64 64 3"]
    result: Result


def find_directions(
    engine: Engine, progress: Callable[[float], None] | None = None
) -> tuple[Direction, ...]:
    """Find the main directions of the library's latents, and what the pictures along them vary in.

    They are principal components. Each is named by the measure of decoded pictures that its
    scores correlate with most, the strongest pair first; what correlates with none is left out.

    Parameters
    ----------
    engine : Engine
        As `galexplorer.load` returns it.
    progress : callable, optional
        Is told which part is done.

    Returns
    -------
    tuple of Direction
        In the order of the variance that they have; empty where the library is.
    """
    library = engine.library
    if len(library) < 3 * MOST_DIRECTIONS:
        return ()
    latents = library.latents.double()
    centred = latents - latents.mean(dim=0)
    variance, axes = torch.linalg.eigh(centred.T @ centred / (len(latents) - 1))
    order = torch.argsort(variance, descending=True)[:MOST_DIRECTIONS]
    shares = (variance / variance.sum())[order].tolist()
    steps = (axes[:, order] * variance[order].sqrt()).T.numpy()
    rows = np.unique(np.linspace(0, len(latents) - 1, PAINTED).astype(int))
    scores = (centred[rows] @ axes[:, order]).numpy()
    measured = []
    for start in range(0, len(rows), _DECODED_AT_ONCE):
        part = rows[start : start + _DECODED_AT_ONCE]
        measured += [_measures(_light_of(picture)) for picture in _decode(engine, part)]
        if progress is not None:
            progress(len(measured) / len(rows))
    correlations = _rank_correlations(scores, np.array(measured))
    found: dict[int, Direction] = {}
    names = list(MEASURES)
    for flat in np.argsort(-np.abs(correlations), axis=None):
        k, m = np.unravel_index(flat, correlations.shape)
        value = float(correlations[k, m])
        taken = {direction.name for direction in found.values()}
        if k in found or names[m] in taken or abs(value) < LEAST_CORRELATION:
            continue
        step = steps[k] * np.sign(value)
        found[int(k)] = Direction(names[m], abs(value), shares[k], step.astype(np.float32))
    return tuple(found[k] for k in sorted(found))


def vary(
    engine: Engine,
    target: Target,
    directions: Sequence[Direction],
    moves: Mapping[str, float],
    draws: int = 1000,
    seed: int = 0,
) -> Variation:
    """Move a galaxy in latent space, and return what the decoder paints and the flows then say.

    Its magnitudes in g, r, i and its radii change as those of the decoder's pictures do; it is
    inferred as an image with linear pixels is, which the latents decide. Compare with the same
    galaxy without moves, and not with its result: that may rest on more than a picture.

    Parameters
    ----------
    engine : Engine
        As `galexplorer.load` returns it.
    target : optional
        A galaxy with an image, as `galexplorer.observe` takes it.
    directions : sequence of Direction
        As `find_directions` returned them.
    moves : mapping of str to float
        How far along each, in standard deviations of the library's galaxies, by its name.
    draws, seed : int
        As of `galexplorer.Engine.infer`.

    Returns
    -------
    Variation
        The result's verdict and neighbours are those of the moved galaxy.

    Raises
    ------
    OptionError
        If the target has no image, or a move is along no direction or too far.

    Examples
    --------
    >>> import galexplorer as gx
    >>> from galexplorer.api.variations import find_directions, vary
    >>> from galexplorer.resources import bundled
    >>> engine = gx.load()
    >>> galaxy = gx.observe(bundled("assets/examples/spiral.fits.gz"))
    >>> directions = find_directions(engine)
    >>> redder = vary(engine, galaxy, directions, {"colour": 2.0})
    >>> same = vary(engine, galaxy, directions, {})
    >>> name = "log_sfr"
    >>> bool(np.median(redder.result.draws[name]) < np.median(same.result.draws[name]))
    True
    """
    known = {direction.name: direction.step for direction in directions}
    for name, move in moves.items():
        if name not in known or not abs(move) <= FARTHEST:
            raise OptionError(
                f"{name} by {move:g} is no move: choose among {', '.join(known) or 'none'}, "
                f"at most {FARTHEST:g} standard deviations."
            )
    seen = observe(target)
    stored, appearance = _latents_of(engine, seen)
    moved = np.sum([move * known[name] for name, move in moves.items()], axis=0, initial=0.0)
    shift = torch.from_numpy(np.broadcast_to(moved, (32,)).astype(np.float32).copy())
    with torch.inference_mode():
        pictures = engine.model.decoder(torch.stack([appearance, appearance + shift]))
    before, after = (_light_of(picture) for picture in pictures.cpu().numpy())
    magnitude_change = -2.5 * np.log10(after.flux / before.flux)
    moved_stored = replace(
        stored,
        latent=(stored.latent + shift.numpy()).astype(np.float32),
        fibre_magnitudes=stored.fibre_magnitudes + magnitude_change,
    )
    told = ", ".join(f"{name} {move:+g}" for name, move in moves.items() if move) or "not moved"
    photometry = _changed(seen.photometry, magnitude_change, after.radii / before.radii)
    observation = Observation(
        cutout=None,
        photometry=photometry,
        notes=(f"A model picture, no observation: {told} (standard deviations).",),
        origin="fits",
        origins={"photometry": "of the galaxy, changed as the decoder's pictures are"},
        stored=moved_stored,
    )
    result = engine.infer(observation, draws=draws, seed=seed, name=f"Model picture, {told}")
    return Variation(to_picture(pictures[1]), result)


def _latents_of(engine: Engine, seen: Observation) -> tuple[Stored, torch.Tensor]:
    """Return the latents of a galaxy for the flows, and those that keep how it lies."""
    none = np.zeros(4, np.float32)
    if seen.stored is not None:
        row = int(engine.library.distances(seen.stored.latent).argmin())
        appearance = engine.library.appearance[row]
        return replace(seen.stored, estimate=none), appearance.to(engine.device)
    cutout = seen.cutout
    if cutout is None:
        raise OptionError("Only a galaxy with an image can be varied, and this has none.")
    grid = torch.from_numpy(cutout.grid)[None].to(engine.device)
    with torch.inference_mode():
        mean, log_variance = engine.model.encode(grid)
        appearance, _ = engine.model.reconstruct(grid)
    place = (cutout.ra, cutout.dec)
    ra, dec = (float("nan") if value is None else value for value in place)
    stored = Stored(
        mean[0].cpu().numpy(), log_variance[0].cpu().numpy(), none,
        fibre_magnitudes_of([cutout])[0], 0.0, cutout.pixel_scale_arcsec, ra, dec,
    )  # fmt: skip
    return stored, appearance[0]


def _changed(known: Photometry, change: np.ndarray, radii: np.ndarray) -> Photometry:
    """Return photometry in g, r, i with other magnitudes and radii; that of no other band."""
    if not set(IMAGE_BANDS) <= set(known.magnitudes):
        return Photometry()
    shifts = dict(zip(IMAGE_BANDS, change.tolist(), strict=True))
    r50, r90 = known.petro_r50, known.petro_r90
    if r50 is not None and r90 is not None:
        r50, r90 = float(r50 * radii[0]), float(r90 * radii[1])
    return replace(
        known,
        magnitudes={band: known.magnitudes[band] + shifts[band] for band in IMAGE_BANDS},
        errors={band: known.errors[band] for band in IMAGE_BANDS if band in known.errors},
        petro_r50=r50,
        petro_r90=r90,
        petro_magnitudes={},
    )


@dataclass(frozen=True)
class _Light:
    """What a decoded picture holds: flux in g, r, i; R50 and R90 in r, pixels; b/a."""

    flux: np.ndarray
    radii: np.ndarray
    axis_ratio: float


def _decode(engine: Engine, rows: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return engine.model.decoder(engine.library.appearance[rows].to(engine.device)).cpu().numpy()


def _light_of(picture: Float[np.ndarray, "3 64 64"]) -> _Light:
    """Measure a decoded picture, channels i, r, g, 0 to 1."""
    flux = linear_flux(np.clip(picture, 0, 1), 1.0)
    side = flux.shape[1]
    y, x = np.mgrid[:side, :side] - 0.5 * (side - 1)
    red = np.maximum(flux[1] - np.median(flux[1, [0, -1]]), 0.0)
    red *= np.hypot(x, y) < 0.45 * side
    total = max(float(red.sum()), 1e-9)
    dx, dy = x - (red * x).sum() / total, y - (red * y).sum() / total
    radius = np.hypot(dx, dy)
    order = np.argsort(radius, axis=None)
    growth = np.cumsum(red.ravel()[order]) / total
    moments = [[(red * a * b).sum() / total for a in (dx, dy)] for b in (dx, dy)]
    small, large = np.linalg.eigvalsh(moments)
    return _Light(
        np.maximum(flux.sum(axis=(1, 2)), 1e-6).astype(float),
        np.maximum(np.interp([0.5, 0.9], growth, radius.ravel()[order]), 0.1),
        float(np.sqrt(max(small, 0.0) / max(large, 1e-9))),
    )


def _measures(light: _Light) -> list[float]:
    """Return the measures in the order of `MEASURES`."""
    g, r, i = 2.5 * np.log10(light.flux)
    r50, r90 = light.radii
    return [float(r), float(i - g), light.axis_ratio, float(r50), float(r90 / r50)]


def _rank_correlations(scores: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Return Spearman's correlation of columns of scores (n, k) and measures (n, m), (k, m)."""
    ranks = [np.argsort(np.argsort(columns, axis=0), axis=0) for columns in (scores, measured)]
    both = np.corrcoef(np.hstack(ranks).T.astype(float))
    number = scores.shape[1]
    return both[:number, number:]
