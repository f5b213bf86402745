"""Which galaxy a result is about: its name, position, published values and origin, in one record.

An image can hold many galaxies. What is known of the one that it was taken for says nothing of the
others, so whatever shows, compares or saves a result reads this record and not the source.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from galexplorer.errors import GalexplorerError
from galexplorer.query.names import iau_names
from galexplorer.records.observation import Observation
from galexplorer.records.result import Result
from galexplorer.ui.session.masks import count_masks
from galexplorer.ui.session.request import Request
from galexplorer.ui.session.sources import Source

SAME_ARCSEC = 3.0
"""Positions nearer than this are those of one galaxy: the radius of matches with SDSS."""

SAME_LIGHT = 0.95
"""Correlation of two cutouts above which they show one galaxy; neighbours have 0.3 to 0.6."""

Observe = Callable[[Request], Observation]


@dataclass(frozen=True)
class Identity:
    """The galaxy that a result is about.

    Attributes
    ----------
    name : str
        Such as "NGC 5332", "Nearby spiral", "m101.fits" or "J104844.20+260313.2".
    description : str
        A sentence or two on what it is and where its data come from.
    known : dict of str to float
        Published or simulated values by target; the model saw none of them.
    ra, dec : float or None
        Degrees, where they are known.
    named : bool
        False where the name was made from a position.
    """

    name: str
    description: str
    known: dict[str, float] = field(default_factory=dict)
    ra: float | None = None
    dec: float | None = None
    named: bool = True

    def is_near(self, other: "Identity") -> bool:
        """Return whether two records have positions, and these are of one galaxy."""
        if None in (self.ra, self.dec, other.ra, other.dec):
            return False
        return separation_arcsec(self.ra, self.dec, other.ra, other.dec) < SAME_ARCSEC  # type: ignore[arg-type]

    def named_as(self, other: "Identity") -> "Identity":
        """Return this galaxy under the name that another record has for the same one."""
        if self.named or not other.named or not self.is_near(other):
            return self
        return replace(self, name=other.name, named=True)


def separation_arcsec(ra: float, dec: float, other_ra: float, other_dec: float) -> float:
    """Return the separation of two near positions in degrees, in arcsec.

    Examples
    --------
    >>> round(separation_arcsec(359.999, 60.0, 0.001, 60.0), 2)
    3.6
    """
    east = (ra - other_ra + 180) % 360 - 180
    middle = np.radians(0.5 * (dec + other_dec))
    return float(3600 * np.hypot(east * np.cos(middle), dec - other_dec))


def position_name(ra: float, dec: float) -> str:
    """Return the name that the IAU recommends for a position in degrees.

    Examples
    --------
    >>> position_name(162.18416, 26.05369)
    'J104844.19+260313.2'
    """
    return iau_names(np.array([ra]), np.array([dec]))[0]


def identify(request: Request, source: Source | None, result: Result, observe: Observe) -> Identity:
    """Return which galaxy an answer is about.

    Parameters
    ----------
    request : Request
    source : Source or None
        Where the request's image came from.
    result : Result
    observe : callable
        Returns the observation of a request, from memory where it was made before.

    Returns
    -------
    Identity
    """
    found = _identify(request, source, result, observe)
    number = count_masks(request.options.mask_regions)
    if not number:
        return found
    told = f"{number} region{'s' if number > 1 else ''} masked by hand."
    return replace(found, description=f"{found.description} {told}")


def _identify(
    request: Request, source: Source | None, result: Result, observe: Observe
) -> Identity:
    own = request.options.name
    if source is None:
        ra, dec = request.options.place or (None, None)
        name, description = own or "Magnitudes alone", "Photometry alone, without an image."
        return Identity(name, description, {}, ra, dec, named=bool(own))
    if source.stored is not None:
        place = source.stored.stored
        ra, dec = (place.ra, place.dec) if place is not None else (None, None)
        return Identity(source.name, source.origin, dict(result.known), ra, dec)
    ra, dec = _place(result)
    if not _is_own(request, observe):
        return _other(request, source, ra, dec)
    known = {**source.truth, **result.known}
    fetched = source.fetched
    if fetched is None:
        return Identity(source.name, source.origin, known, ra, dec)
    if fetched.reading.kind == "name":
        return Identity(fetched.reading.text, source.origin, known, fetched.ra, fetched.dec)
    name = own or position_name(fetched.ra, fetched.dec)
    return Identity(name, source.origin, known, fetched.ra, fetched.dec, named=bool(own))


def _other(request: Request, source: Source, ra: float | None, dec: float | None) -> Identity:
    """Return the identity of an object of which its image's owner says nothing."""
    if ra is not None and dec is not None:
        name = position_name(ra, dec)
    else:
        x, y = request.options.pixel or (np.nan, np.nan)
        name = f"Object at pixel {x:.0f}, {y:.0f}"
    description = f"Another object in the image of {source.name}; nothing else is known about it."
    return Identity(name, description, {}, ra, dec, named=False)


def _place(result: Result) -> tuple[float | None, float | None]:
    return (None, None) if result.view is None else (result.view.ra, result.view.dec)


def _is_own(request: Request, observe: Observe) -> bool:
    """Return whether the object is the one that the image was taken for, at its centre.

    Two aims are at one object where the model sees the same light round them; not the same bits,
    since an image is cropped round a pixel that is aimed at, which moves its sky a little.
    """
    options = request.options
    if options.pixel is None and options.ra is None:
        return True
    shown = observe(request).cutout
    try:
        own = observe(replace(request, options=replace(options, pixel=None, ra=None, dec=None)))
    except GalexplorerError:
        return False  # nothing lies at the centre
    if shown is None or own.cutout is None:
        return True
    pair = [np.ravel(cutout.grid).astype(float) for cutout in (shown, own.cutout)]
    return bool(np.corrcoef(pair)[0, 1] > SAME_LIGHT)
