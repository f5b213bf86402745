"""A view of the explorer as the parameters of a link, and back; no Streamlit here.

A link says which galaxy, with which options; whoever opens it gets the same numbers, for the same
weights. An upload is named by its hash alone: its pixels are in no link.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from galexplorer.errors import InputError
from galexplorer.image.regions import read_regions
from galexplorer.inference.input_selection import INPUTS
from galexplorer.schema import BANDS, IMAGE_BANDS, TARGETS
from galexplorer.science.detection import DETECTABLE
from galexplorer.ui.session.request import Options

T = TypeVar("T")

INTERVALS = ("68%", "95%")
SOURCES = ("target", "example", "library", "upload")
MIN_DRAWS, MAX_DRAWS, MAX_SEED = 500, 50_000, 2**31 - 1

BOUNDS = {
    **{f"mag_{band}": (5.0, 30.0) for band in BANDS},
    "petro_r50": (0.05, 3600.0),
    "petro_r90": (0.05, 3600.0),
    "ra": (0.0, 360.0),
    "dec": (-90.0, 90.0),
    "pixel_scale": (0.01, 60.0),
    "flux_pixel_scale": (0.01, 60.0),
    "zero_point": (-5.0, 45.0),
    "exposure": (0.001, 1e7),
    "ebv": (0.0, 10.0),
    "redshift": (0.001, TARGETS[0].high),
}
"""Lowest and highest value of each number that a control takes."""

PRIOR_MEANS, PRIOR_SIGMAS = (0.0, TARGETS[0].high), (0.0001, 1.0)
"""Bounds of a Gaussian prior on the redshift."""

CUTS = {target.name: (float(target.low), float(target.high)) for target in TARGETS[1:5]}
"""Bounds of the prior cuts, by target."""

_ALIASES = {"q": "target", "z": "redshift"}
"""Short names that links from other sites use."""

_BETWEEN = "~"
_MAX_WORDS = 200


@dataclass(frozen=True)
class View:
    """What the explore page shows.

    Attributes
    ----------
    source : tuple of str or None
        One of `SOURCES` and its value; None without an image.
    options : Options
    interval : str
        One of `INTERVALS`.
    problems : tuple of str
        Parameters of a link that could not be read.
    """

    source: tuple[str, str] | None = None
    options: Options = field(default_factory=Options)
    interval: str = INTERVALS[0]
    problems: tuple[str, ...] = ()


def to_query(view: View) -> dict[str, str]:
    """Return the parameters of a link to a view; what is at its default is left out."""
    o, plain = view.options, Options()
    numbers = {
        **{f"mag_{band}": value for band, value in o.magnitudes.items()},
        "petro_r50": o.petro_r50,
        "petro_r90": o.petro_r90,
        # of a place in an image: alone they would ask for the galaxy that is there
        "ra": o.ra if view.source else None,
        "dec": o.dec if view.source else None,
        "pixel_scale": o.pixel_scale_arcsec,
        "flux_pixel_scale": o.flux_pixel_scale_arcsec,
        "zero_point": o.zero_point,
        "exposure": o.exposure_s,
        "ebv": o.ebv,
        "redshift": o.redshift,
    }
    query = dict([view.source]) if view.source else {}
    query |= {name: _word(value) for name, value in numbers.items() if value is not None}
    pairs = {"pixel": o.pixel, "redshift": o.redshift_range, **o.cuts}
    pairs["redshift_prior"] = o.redshift_prior
    query |= {name: _BETWEEN.join(map(_word, pair)) for name, pair in pairs.items() if pair}
    if o.mask_regions and view.source:
        query["mask_regions"] = o.mask_regions
    if o.name and (view.source is None or view.source[0] == "target"):
        query["name"] = o.name
    if o.place is not None and view.source is None:
        query["place"] = _BETWEEN.join(map(_word, o.place))
    if o.bands is not None:
        query["bands"] = "".join(o.bands)
    if o.draws != plain.draws:
        query["draws"] = str(o.draws)
    if o.seed != plain.seed:
        query["seed"] = str(o.seed)
    if set(o.use) != set(INPUTS):
        query["use"] = ",".join(o.use)
    if o.detected:
        query["detected"] = ",".join(o.detected)
    if view.interval != INTERVALS[0]:
        query["interval"] = view.interval.rstrip("%")
    return query


def from_query(query: Mapping[str, str]) -> View:
    """Read a link's parameters; what cannot be read is left at its default and named.

    Other sites link here with ``q`` (what the search box takes) or ``ra`` and ``dec``, and ``z``
    for a redshift that is held fixed.

    Parameters
    ----------
    query : mapping of str to str
        Hostile until read: anyone can write a link.

    Returns
    -------
    View
    """
    problems: list[str] = []
    query = {_ALIASES.get(name, name): words for name, words in query.items()}

    def read(name: str, parse: Callable[[str], T]) -> T | None:
        if name not in query:
            return None
        try:
            return parse(query[name][:_MAX_WORDS])
        except ValueError:
            problems.append(name)
            return None

    def number(name: str) -> float | None:
        return read(name, lambda words: _bounded(words, *BOUNDS[name]))

    source = next(((s, query[s][:_MAX_WORDS]) for s in SOURCES if query.get(s)), None)
    magnitudes = {band: number(f"mag_{band}") for band in BANDS}
    spread = _BETWEEN in query.get("redshift", "")

    def cut(name: str) -> tuple[float, float] | None:
        return read(name, lambda words: _pair(words, *CUTS[name]))

    cuts = {name: cut(name) for name in CUTS}
    options = Options(
        magnitudes={band: value for band, value in magnitudes.items() if value is not None},
        petro_r50=number("petro_r50"),
        petro_r90=number("petro_r90"),
        ra=number("ra"),
        dec=number("dec"),
        pixel=read("pixel", lambda words: _pair(words, 0, 1e6, rising=False)),
        pixel_scale_arcsec=number("pixel_scale"),
        flux_pixel_scale_arcsec=number("flux_pixel_scale"),
        zero_point=number("zero_point"),
        exposure_s=number("exposure"),
        ebv=number("ebv"),
        bands=read("bands", _bands),
        redshift=None if spread else number("redshift"),
        redshift_range=(
            read("redshift", lambda w: _pair(w, 0.0, TARGETS[0].high)) if spread else None
        ),
        redshift_prior=read("redshift_prior", _prior),
        draws=read("draws", lambda w: _whole(w, MIN_DRAWS, MAX_DRAWS)) or Options().draws,
        seed=read("seed", lambda w: _whole(w, 0, MAX_SEED)) or 0,
        use=read("use", _inputs) or INPUTS,
        cuts={name: pair for name, pair in cuts.items() if pair is not None},
        detected=read("detected", _lines) or (),
        mask_regions=_regions(query.get("mask_regions", ""), problems),
        name=" ".join(query.get("name", "")[:_MAX_WORDS].split()),
        place=read("place", _place),
    )
    if source is None and options.ra is not None and options.dec is not None:
        # without an image it is the galaxy at that place that is meant
        sign = "" if options.dec < 0 else "+"
        source = ("target", f"{_word(options.ra)} {sign}{_word(options.dec)}")
        options = replace(options, ra=None, dec=None)
    interval = f"{query.get('interval', '68')}%"
    if interval not in INTERVALS:
        problems.append("interval")
        interval = INTERVALS[0]
    return View(source, options, interval, tuple(problems))


def _regions(words: str, problems: list[str]) -> str:
    """Return regions that are masked; a link cannot name a file."""
    try:
        if words.strip().endswith(".reg"):
            raise InputError("A link names a file.")
        return read_regions(words)
    except InputError:
        problems.append("mask_regions")
        return ""


def _word(value: float) -> str:
    return repr(float(value)).removesuffix(".0")  # all digits: a link gives the same numbers


def _bounded(words: str, low: float, high: float) -> float:
    value = float(words)
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(words)
    return value


def _whole(words: str, low: int, high: int) -> int:
    value = int(words)
    if not low <= value <= high:
        raise ValueError(words)
    return value


def _pair(words: str, low: float, high: float, rising: bool = True) -> tuple[float, float]:
    first, last = (_bounded(part, low, high) for part in words.split(_BETWEEN, 1))
    if rising and not first < last:
        raise ValueError(words)
    return first, last


def _place(words: str) -> tuple[float, float]:
    ra, dec = words.split(_BETWEEN, 1)
    return _bounded(ra, *BOUNDS["ra"]), _bounded(dec, *BOUNDS["dec"])


def _prior(words: str) -> tuple[float, float]:
    mean, sigma = (float(part) for part in words.split(_BETWEEN, 1))
    return _bounded(str(mean), *PRIOR_MEANS), _bounded(str(sigma), *PRIOR_SIGMAS)


def _bands(words: str) -> tuple[str, ...]:
    if sorted(words) != sorted(IMAGE_BANDS):
        raise ValueError(words)
    return tuple(words)


def _lines(words: str) -> tuple[str, ...]:
    if not set(words.split(",")) <= set(DETECTABLE):
        raise ValueError(words)
    return tuple(line for line in DETECTABLE if line in words.split(","))


def _inputs(words: str) -> tuple[str, ...]:
    chosen = tuple(name for name in INPUTS if name in words.split(","))
    if not chosen:
        raise ValueError(words)
    return chosen
