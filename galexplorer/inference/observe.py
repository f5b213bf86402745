"""From pixels and catalogue values to the engine's input."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from galexplorer.errors import TargetError
from galexplorer.image.cutout import FIELD_PER_PETROSIAN_RADIUS, cut
from galexplorer.image.measure import Measurement, measure
from galexplorer.image.pixels import Pixels
from galexplorer.records.observation import Cutout, Observation
from galexplorer.records.photometry import Photometry
from galexplorer.records.verdict import CAUTION, DO_NOT_USE, Reason, reason
from galexplorer.schema import IMAGE_BANDS

if TYPE_CHECKING:
    import galexplorer.sky.fetched

_FAR_APART_MAG = 1.0
"""Apertures, kinds of magnitude and unknown extinction rarely differ by more."""
_MEASURED = "measured on the pixels"
_FARTHEST = 1e6  # pixels that an arcsecond can be
_COLOUR_LIMITS = (
    ("g", "i", -0.6, 0.15, 4.5),
    ("g", "r", -0.6, 0.05, 3.0),
    ("r", "i", -1.3, -0.02, 2.5),
)
"""Two bands; the bluest and the reddest that a galaxy can be, dust in front included (only dwarfs
with strong lines come near: Yang et al. 2017, ApJ 847, 38); between, what 1 in 1,000 is beyond."""
_LEAST_TO_EDGE = {DO_NOT_USE: 0.6, CAUTION: 0.98}
"""Petrosian radii to the edge, below which light is missing; a galaxy that overfills its field has
1, and 0.2% of 2,000 have less."""

_LEAST_MEASURED = 0.6
_BRIGHTEST_MAG = 6.0
"""M 81 and Centaurus A have as much, and overfill the field in which a target is measured."""


def observe(
    pixels: Pixels | None,
    photometry: Photometry | None = None,
    ra: float | None = None,
    dec: float | None = None,
    extinction_mag: Mapping[str, float] | None = None,
) -> Observation:
    """Measure a galaxy on its image and join the catalogue's values.

    Catalogue photometry, where given, is used instead of the measured one; Petrosian radii
    that the catalogue lacks are measured.

    Parameters
    ----------
    pixels : Pixels or None
    photometry : Photometry, optional
        Dereddened catalogue values.
    ra, dec : float, optional
        Position of the target, degrees; the centre of the image without them.
    extinction_mag : mapping of str to float, optional
        Galactic extinction by band, which is removed from magnitudes measured on the pixels.

    Returns
    -------
    Observation

    Raises
    ------
    TargetError
        If there is neither image nor photometry, no galaxy is found at the position, or what is
        measured there is no galaxy's light.
    """
    return observe_and_measure(pixels, photometry, ra, dec, extinction_mag)[0]


def observe_and_measure(
    pixels: Pixels | None,
    photometry: Photometry | None = None,
    ra: float | None = None,
    dec: float | None = None,
    extinction_mag: Mapping[str, float] | None = None,
) -> tuple[Observation, Measurement | None]:
    """Do as `observe`, and return too what was measured, None without an image."""
    given = photometry or Photometry()
    if pixels is None:
        if not given.magnitudes:
            raise TargetError("There is nothing to infer from: give an image, magnitudes, or both.")
        sized = given.petro_r50 is not None or given.petro_r90 is not None
        given = replace(given, petro_kind="catalogue" if sized else "none")
        remark = ("No image: inferred from photometry alone.",)
        return Observation(None, given, remark, origins=_origins(given, False)), None
    found = measure(pixels, ra, dec)
    objections = _check_light(found)
    grid, scale, native = cut(pixels, found)
    north, mirrored = _orientation(pixels, found)
    sky_ra, sky_dec = _position(pixels, found)
    cutout = Cutout(
        grid=grid,
        pixel_scale_arcsec=scale,
        native=native,
        native_pixel_scale_arcsec=pixels.pixel_scale_arcsec,
        petrosian_radius_arcsec=found.petrosian_radius_arcsec,
        north_angle_deg=north,
        mirrored=mirrored,
        ra=sky_ra,
        dec=sky_dec,
    )
    # one source for all magnitudes, one for both radii: the model never saw them mixed
    measured = not any(band in given.magnitudes for band in IMAGE_BANDS)
    both = given.petro_r50 is not None and given.petro_r90 is not None
    sized = both and not measured
    dust = extinction_mag or {}
    corrected = measured and set(IMAGE_BANDS) <= set(dust)
    magnitudes = {
        band: magnitude - (dust[band] if corrected else 0.0)
        for band, magnitude in found.magnitudes.items()
    }
    joined = Photometry(
        kind="measured" if measured else "catalogue",
        magnitudes=magnitudes if measured else given.magnitudes,
        errors=found.errors if measured else given.errors,
        petro_r50=given.petro_r50 if sized else found.petro_r50,
        petro_r90=given.petro_r90 if sized else found.petro_r90,
        petro_kind="catalogue" if sized else "measured" if found.petro_r50 else "none",
        petro_magnitudes={} if measured else given.petro_magnitudes,
    )
    notes = (*pixels.notes, *objections, *_remarks(pixels, found, measured, corrected))
    if measured and given.magnitudes:
        left_out = ", ".join(given.magnitudes)
        notes += (f"The catalogue gives none of g, r, i: its {left_out} was ignored.",)
    elif given.magnitudes and not set(IMAGE_BANDS) <= set(given.magnitudes):
        notes += ("The catalogue lacks some of g, r, i; measured magnitudes were not mixed in.",)
    concerns = [reason("bands", CAUTION, words) for words in objections]
    for band in IMAGE_BANDS:
        if band not in given.magnitudes or band not in found.magnitudes:
            continue
        listed, seen = given.magnitudes[band], found.magnitudes[band] - dust.get(band, 0.0)
        if abs(listed - seen) > _FAR_APART_MAG:
            notes += (
                f"The image has {band} = {seen:.1f} and the catalogue {listed:.1f}: check that "
                "both refer to the same galaxy.",
            )
            concerns.append(reason("disagree", CAUTION, f"({band} = {seen:.1f}, {listed:.1f})"))
            break
    if not sized and (given.petro_r50 is not None or given.petro_r90 is not None):
        notes += (
            "Petrosian radii were measured on the pixels: catalogue radii are used only as a pair, "
            "with its magnitudes.",
        )
    observation = Observation(
        cutout,
        joined,
        notes,
        pixels.sha256,
        pixels.origin,
        origins=_origins(joined, corrected),
        concerns=(*concerns, *_concerns(pixels, found)),
    )
    return observation, found


def observe_fetched(
    fetched: "galexplorer.sky.fetched.Fetched", photometry: Photometry | None = None
) -> Observation:
    """Observe a galaxy fetched from the sky services.

    Parameters
    ----------
    fetched : galexplorer.sky.fetched.Fetched
    photometry : Photometry, optional
        Dereddened values that replace those of SDSS.

    Returns
    -------
    Observation
        Photometry is that of SDSS or else measured on the pixels, either way without Galactic
        extinction where that is known. `known` holds the spectroscopic values, which the model
        never sees; `origins` says where each number is from.

    Raises
    ------
    TargetError
        If no galaxy is found on the pixels.
    """
    observed = observe(
        fetched.pixels,
        photometry or fetched.photometry,
        fetched.ra,
        fetched.dec,
        fetched.extinction_mag,
    )
    reading = f"{fetched.reading.text}: {fetched.reading.echo}."
    where = f"The galaxy lies at RA {fetched.ra:.5f}°, Dec {fetched.dec:+.5f}°."
    origins = dict(fetched.origins)
    for what, origin in observed.origins.items():
        # What SDSS gave is named by its own words.
        if photometry is not None or origin.startswith(_MEASURED):
            origins[what] = origin
    return replace(
        observed,
        notes=(reading, where, *fetched.notes, *observed.notes),
        known=dict(fetched.truths),
        origins=origins,
    )


def _check_light(found: Measurement) -> tuple[str, ...]:
    """Object to light that no galaxy has: the flux scale or the order of bands is wrong."""
    magnitudes, notes = found.magnitudes, []
    if magnitudes["r"] < _BRIGHTEST_MAG:
        raise TargetError(
            f"The image has r = {magnitudes['r']:.1f} at the position, brighter than any galaxy "
            "that fits it: check its unit and zero point."
        )
    for blue, red, lowest, rare, highest in _COLOUR_LIMITS:
        if blue not in magnitudes or red not in magnitudes:
            continue
        colour = magnitudes[blue] - magnitudes[red]
        error = math.hypot(found.errors[blue], found.errors[red])
        words = f"The image has {blue} - {red} = {colour:.2f} at the position"
        if not lowest - 3 * error <= colour <= highest + 3 * error:
            raise TargetError(
                f"{words}, the colour of no galaxy: check the order of its bands and the zero "
                "point of each."
            )
        if colour < rare - 2 * error:
            notes.append(
                f"{words}, bluer than 999 of 1,000 SDSS galaxies: check the order of its bands "
                "(red and blue may be swapped) and the zero point of each."
            )
    return tuple(notes)


def _origins(photometry: Photometry, corrected: bool) -> dict[str, str]:
    origins = {}
    if photometry.kind != "none":
        dust = "dereddened" if corrected else "not corrected for Galactic extinction"
        measured = photometry.kind == "measured"
        origins["photometry"] = f"{_MEASURED}, {dust}" if measured else "as given"
    if photometry.petro_kind != "none":
        sized = photometry.petro_kind == "measured"
        origins["petrosian_radii"] = _MEASURED if sized else "as given"
    return origins


def _remarks(pixels: Pixels, found: Measurement, measured: bool, corrected: bool) -> list[str]:
    remarks = []
    if measured:
        dust = "corrected" if corrected else "not corrected"
        remarks.append(
            f"Photometry measured on the pixels within {found.aperture_arcsec:.1f} arcsec, "
            f"{dust} for Galactic extinction."
        )
    if found.petrosian_radius_arcsec is None:
        remarks.append("The galaxy overfills the field: no Petrosian radius could be measured.")
    elif found.aperture_arcsec < 1.9 * found.petrosian_radius_arcsec:
        remarks.append("The aperture is cut by the edge of the image: magnitudes may be too faint.")
    if found.fraction_measured < 0.9:
        remarks.append(
            f"Only {100 * found.fraction_measured:.0f}% of the aperture lies on usable pixels; the "
            "rest (image edge, neighbours) was filled with the mean at the same radius."
        )
    reach = FIELD_PER_PETROSIAN_RADIUS * (found.petrosian_radius_arcsec or 0.0)
    whole = min(pixels.flux.shape[1:]) * pixels.pixel_scale_arcsec
    if reach > 1.05 * whole and pixels.origin == "fits":
        remarks.append("The image is smaller than the field that the model expects.")
    return remarks


def _concerns(pixels: Pixels, found: Measurement) -> list[Reason]:
    """Return whether the galaxy is cut off by an edge of the image, or mostly covered."""
    concerns = []
    height, width = pixels.flux.shape[1:]
    edge = min(found.x, found.y, width - 1 - found.x, height - 1 - found.y) + 0.5
    size = found.petrosian_radius_arcsec or found.aperture_arcsec
    near = edge * pixels.pixel_scale_arcsec / size
    level = next((own for own, least in _LEAST_TO_EDGE.items() if near < least), None)
    if level is not None:
        concerns.append(reason("cut_off", level))
    if found.fraction_measured < _LEAST_MEASURED:
        words = f"({found.fraction_measured:.0%} of its aperture was measured.)"
        concerns.append(reason("blended", CAUTION, words))
    return concerns


def _position(pixels: Pixels, found: Measurement) -> tuple[float | None, float | None]:
    ra, dec = pixels.to_sky(found.x, found.y)
    return (ra, dec) if math.isfinite(ra) and math.isfinite(dec) else (None, None)


def _orientation(pixels: Pixels, found: Measurement) -> tuple[float | None, bool]:
    """Return the direction of north on screen (row 0 on top), counter-clockwise from up."""
    ra, dec = _position(pixels, found)
    if ra is None or dec is None or abs(dec) > 89.9:
        return None, False
    step = 1 / 3600
    x_north, y_north = pixels.to_pixel(ra, dec + step)
    x_east, y_east = pixels.to_pixel(ra + step / math.cos(math.radians(dec)), dec)
    north = np.array([x_north - found.x, -(y_north - found.y)])
    east = np.array([x_east - found.x, -(y_east - found.y)])
    if not np.abs([*north, *east]).max() < _FARTHEST:  # coordinates that are none
        return None, False
    angle = math.degrees(math.atan2(-north[0], north[1]))
    # with north up, east lies to the left: counter-clockwise from north
    mirrored = bool(north[0] * east[1] - north[1] * east[0] < 0)
    return angle, mirrored
