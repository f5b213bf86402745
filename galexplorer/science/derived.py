"""Quantities that follow from the nine targets, each with its posterior."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from galexplorer.records.posterior import Posterior
from galexplorer.schema import SUMMARY_QUANTILES, TARGET_NAMES
from galexplorer.science.bpt import line_ratios
from galexplorer.science.lines import (
    balmer_av,
    halpha_log_sfr,
    kpc_per_arcsec,
    luminosity_distance_mpc,
    strong_line_oh,
)
from galexplorer.science.summary import MIN_MEASURABLE_PROBABILITY

UNCONSTRAINED_AV_MAG = 3.0
"""Width of the 95% interval of A(V) above which it says nothing: in SDSS's star-forming galaxies
A(Halpha) rises from 0 to 2 mag with stellar mass (Garn & Best 2010, MNRAS 409, 421), so A(V) to
2.5."""

ABOVE_TOTAL_FROM = 0.5
"""Share of the draws in which the fibre forms more stars than the galaxy, from which neither says
what it should."""

VALID_FROM = 0.5
"""Share of the draws that must give a value."""

NOT_MEASURABLE = "not_measurable"
UNCONSTRAINED = "unconstrained"
OUTSIDE_CALIBRATION = "outside_calibration"
ABOVE_TOTAL = "above_total"
DERIVED_FLAGS = (NOT_MEASURABLE, UNCONSTRAINED, OUTSIDE_CALIBRATION, ABOVE_TOTAL)
"""Why a quantity has no value."""


@dataclass(frozen=True)
class Quantity:
    """What a derived quantity is.

    Attributes
    ----------
    name : str
        In files.
    label : str
        Words for a person.
    unit : str
        A key of `galexplorer.records.units.UNITS`.
    unit_words : str
        The unit for a person.
    digits : int
        Decimals that a typical posterior width justifies.
    description : str
        What it is exactly, for the column of a table.
    ucd : str
        IVOA's word for it (UCD1+).
    """

    name: str
    label: str
    unit: str
    unit_words: str
    digits: int
    description: str
    ucd: str


DERIVED = (
    Quantity("luminosity_distance", "Luminosity distance", "Mpc", "Mpc", 0,
             "Luminosity distance, Planck 2018 cosmology", "pos.distance"),
    Quantity("kpc_per_arcsec", "Scale", "kpc/arcsec", "kpc/″", 2,
             "Proper transverse scale, Planck 2018 cosmology", "phys.size;arith.ratio"),
    Quantity("half_light_radius", "Half-light radius", "kpc", "kpc", 1,
             "Petrosian half-light radius in r", "phys.size.radius"),
    Quantity("log_ssfr", "Specific SFR", "log10(1/yr)", "log yr⁻¹", 2,
             "Specific star-formation rate, Kroupa IMF", "phys.SFR"),
    Quantity("balmer_av", "Balmer A(V), Calzetti", "mag", "mag", 2,
             "A(V) of the gas from Halpha/Hbeta, intrinsic 2.86, law of Calzetti et al. 2000; "
             "0 where the ratio is lower", "phys.absorption;em.opt.V"),
    Quantity("log_sfr_halpha", "Hα SFR in the fibre", "log10(Msun/yr)", "log M☉ yr⁻¹", 2,
             "Star-formation rate in the 3 arcsec fibre from Halpha, corrected for dust, Kennicutt "
             "& Evans 2012, Kroupa IMF", "phys.SFR;em.line.Halpha"),
    Quantity("oh_pp04_o3n2", "12 + log(O/H), PP04 O3N2", "dex", "dex", 2,
             "12+log(O/H) from O3N2, calibration of Pettini & Pagel 2004", "phys.abund.Z"),
    Quantity("oh_marino13_n2", "12 + log(O/H), M13 N2", "dex", "dex", 2,
             "12+log(O/H) from N2, calibration of Marino et al. 2013", "phys.abund.Z"),
)  # fmt: skip
DERIVED_NAMES = tuple(quantity.name for quantity in DERIVED)

_LOG_SFR = TARGET_NAMES.index("log_sfr")
_DUSTY = ("balmer_av", "log_sfr_halpha")
_METALLICITIES = ("oh_pp04_o3n2", "oh_marino13_n2")


@dataclass(frozen=True)
class Derived:
    """One derived quantity of a galaxy.

    Attributes
    ----------
    quantity : Quantity
    draws : ndarray, shape (n,)
        NaN where the draw gives no value.
    flag : str
        Of `DERIVED_FLAGS`; empty where the quantity has a value.
    chance : float
        Probability that a spectrum gives a metallicity; NaN if not known.
    """

    quantity: Quantity
    draws: Float[np.ndarray, " n"]
    flag: str
    chance: float

    @property
    def name(self) -> str:
        """In files."""
        return self.quantity.name

    @property
    def label(self) -> str:
        """Words for a person."""
        return self.quantity.label

    @property
    def unit(self) -> str:
        """The unit for a person."""
        return self.quantity.unit_words

    @property
    def digits(self) -> int:
        """Decimals that a typical posterior width justifies."""
        return self.quantity.digits

    @property
    def valid(self) -> float:
        """Share of the draws that give a value."""
        return float(np.isfinite(self.draws).mean())

    @property
    def reason(self) -> str:
        """Why there is no value, in words; empty where there is one."""
        words = {
            "": "",
            NOT_MEASURABLE: f"not measurable (p = {self.chance:.2f})",
            UNCONSTRAINED: f"unconstrained (A(V) by over {UNCONSTRAINED_AV_MAG:g} mag)",
            OUTSIDE_CALIBRATION: f"valid for {self.valid:.0%} of the draws",
            ABOVE_TOTAL: "above the SFR of the whole galaxy in most draws",
        }
        return words[self.flag]

    def summary(self) -> dict[str, float | None]:
        """Return the quantiles of the draws that have a value, None where it has none.

        Returns
        -------
        dict of str to float or None
            By `galexplorer.schema.SUMMARY_QUANTILES`.
        """
        if self.flag:
            return dict.fromkeys(SUMMARY_QUANTILES)
        values = np.quantile(self.draws[np.isfinite(self.draws)], list(SUMMARY_QUANTILES.values()))
        return dict(zip(SUMMARY_QUANTILES, values.tolist(), strict=True))


def derive(
    posterior: Posterior,
    petro_r50_arcsec: float | None = None,
    measurable: Mapping[str, float] | None = None,
) -> tuple[Derived, ...]:
    """Return distance, size, specific star-formation rate, dust and strong-line abundances.

    Parameters
    ----------
    posterior : Posterior
    petro_r50_arcsec : float, optional
        Half-light radius, which adds the size in kpc.
    measurable : mapping of str to float, optional
        As of `galexplorer.records.result.Result`: without lines there is no strong-line abundance.

    Returns
    -------
    tuple of Derived
    """
    radius = np.nan if petro_r50_arcsec is None else petro_r50_arcsec
    chance = (measurable or {}).get("gas_metallicity", np.nan)
    found = derived_draws(posterior.draws, radius)
    total = posterior.column("log_sfr")
    out = []
    for quantity in DERIVED:
        if quantity.name != "half_light_radius" or petro_r50_arcsec is not None:
            why = _flag(quantity.name, found, np.asarray(chance), total).item()
            out.append(Derived(quantity, found[quantity.name], why, chance))
    return tuple(out)


def derived_draws(
    draws: Float[np.ndarray, "*rows d 9"], petro_r50_arcsec: ArrayLike
) -> dict[str, Float[np.ndarray, "*rows d"]]:
    """Return the draws of every derived quantity, of any number of galaxies.

    Parameters
    ----------
    draws : ndarray, shape (..., d, 9)
        Columns in the order of `galexplorer.schema.TARGET_NAMES`.
    petro_r50_arcsec : array_like, shape (...)
        Half-light radius, NaN where there is none.

    Returns
    -------
    dict of str to ndarray, shape (..., d)
        By `DERIVED_NAMES`, NaN where the draw gives no value.
    """
    z, log_mass, log_sfr, halpha, hbeta = (
        draws[..., TARGET_NAMES.index(name)].astype(float)
        for name in ("redshift", "log_stellar_mass", "log_sfr", "log_flux_halpha", "log_flux_hbeta")
    )
    n2, o3 = line_ratios(draws)
    scale = kpc_per_arcsec(z)
    return {
        "luminosity_distance": luminosity_distance_mpc(z),
        "kpc_per_arcsec": scale,
        "half_light_radius": scale * np.asarray(petro_r50_arcsec, float)[..., None],
        "log_ssfr": log_sfr - log_mass,
        # a decrement below the intrinsic one is no dust, not light that dust gave
        "balmer_av": np.maximum(balmer_av(halpha, hbeta), 0.0),
        "log_sfr_halpha": halpha_log_sfr(halpha, hbeta, z),
        "oh_pp04_o3n2": strong_line_oh(n2, o3, "pp04_o3n2"),
        "oh_marino13_n2": strong_line_oh(n2, o3, "marino13_n2"),
    }


def derived_statistics(
    draws: Float[np.ndarray, "n d 9"],
    petro_r50_arcsec: Float[np.ndarray, " n"],
    chances: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, "n 5 8"], list[list[str]]]:
    """Return the quantiles of every derived quantity for a batch of galaxies.

    Parameters
    ----------
    draws : ndarray, shape (n, d, 9)
    petro_r50_arcsec : ndarray, shape (n,)
        NaN where there is none.
    chances : ndarray, shape (n,)
        Probability that a spectrum gives a metallicity.

    Returns
    -------
    statistics : ndarray, shape (n, 5, 8)
        By `galexplorer.schema.SUMMARY_QUANTILES` and `DERIVED_NAMES`; NaN where there is no value.
    flags : list of list of str
        Of each galaxy, such as ``balmer_av:unconstrained``.
    """
    levels = tuple(SUMMARY_QUANTILES.values())
    flags: list[list[str]] = [[] for _ in draws]
    found = derived_draws(draws, petro_r50_arcsec)
    statistics = np.stack([finite_quantiles(found[name], levels) for name in DERIVED_NAMES], axis=2)
    for k, name in enumerate(DERIVED_NAMES):
        why = _flag(name, found, chances, draws[..., _LOG_SFR])
        for row in np.flatnonzero(why != ""):
            statistics[row, :, k] = np.nan
            flags[row].append(f"{name}:{why[row]}")
    return statistics, flags


def finite_quantiles(
    values: Float[np.ndarray, "*rows d"], levels: Sequence[float]
) -> Float[np.ndarray, "*rows q"]:
    """Return quantiles of those of many rows' values that are finite.

    Bit for bit what `numpy.quantile` gives of each row's finite values, without a loop over rows.

    Parameters
    ----------
    values : ndarray, shape (..., d)
    levels : sequence of float
        From 0 to 1.

    Returns
    -------
    ndarray, shape (..., q)
        NaN where no value of a row is finite.

    Examples
    --------
    >>> finite_quantiles(np.array([[3.0, 1.0, 2.0], [np.nan, 4.0, 8.0]]), (0.5, 1.0)).tolist()
    [[2.0, 3.0], [6.0, 8.0]]
    """
    known = np.isfinite(values)
    ordered = np.sort(np.where(known, values, np.nan), axis=-1)  # what is unknown comes last
    last = np.maximum(known.sum(axis=-1, keepdims=True) - 1, 0)
    place = last * np.asarray(levels, float)
    below = np.minimum(np.floor(place).astype(np.intp), np.maximum(last - 1, 0))
    low, high = (
        np.take_along_axis(ordered, k, axis=-1) for k in (below, np.minimum(below + 1, last))
    )
    share, step = place - below, high - low
    return np.where(share < 0.5, low + step * share, high - step * (1 - share))


def _flag(
    name: str,
    found: Mapping[str, Float[np.ndarray, "*rows n"]],
    chance: Float[np.ndarray, "*rows"],
    log_sfr: Float[np.ndarray, "*rows n"],
) -> np.ndarray:
    """Return why a quantity has no value, empty where it has one, (...)."""
    why = np.full(np.shape(chance), "", "<U32")
    if name == "log_sfr_halpha":
        # what a fibre holds is a part: more than the whole means that one of the two is wrong
        why[np.mean(found[name] > log_sfr, axis=-1) > ABOVE_TOTAL_FROM] = ABOVE_TOTAL
    if name in _DUSTY:
        low, middle, high = np.quantile(found["balmer_av"], [0.025, 0.5, 0.975], axis=-1)
        # negative values were cut off, which narrows an interval that reaches down to zero
        width = np.maximum(high - low, 2 * (high - middle))
        why[width > UNCONSTRAINED_AV_MAG] = UNCONSTRAINED
    if name in (*_DUSTY, *_METALLICITIES):
        why[np.isfinite(found[name]).mean(axis=-1) < VALID_FROM] = OUTSIDE_CALIBRATION
    if name in _METALLICITIES:
        why[chance < MIN_MEASURABLE_PROBABILITY] = NOT_MEASURABLE
    return why
