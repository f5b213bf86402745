"""What each column of a table of results means: its words, unit and UCD, in whatever file."""

from dataclasses import dataclass

from astropy import units as u
from astropy.table import Table

from galexplorer.records.units import UNITS, AnyUnit, is_logarithmic
from galexplorer.schema import (
    BPT_CLASSES,
    IMAGE_BANDS,
    MEASURABLE_NAMES,
    SUMMARY_QUANTILES,
    SUMMARY_STATISTICS,
    TARGETS,
    Target,
)
from galexplorer.science.derived import DERIVED, NOT_MEASURABLE, UNCONSTRAINED_AV_MAG, Quantity
from galexplorer.science.summary import MIN_MEASURABLE_PROBABILITY

_STATISTICS = {
    "p2_5": ("2.5% quantile", "stat.percentile"),
    "p16": ("16% quantile", "stat.percentile"),
    "p50": ("median", "stat.median"),
    "p84": ("84% quantile", "stat.percentile"),
    "p97_5": ("97.5% quantile", "stat.percentile"),
    "mean": ("mean", "stat.mean"),
    "std": ("standard deviation", "stat.stdev"),
}
_BANDS = {"u": "U", "g": "B", "r": "R", "i": "I", "z": "I"}
"""The bands of UCD1+ in which SDSS's lie."""


@dataclass(frozen=True)
class Meaning:
    """What a column is.

    Attributes
    ----------
    description : str
        ASCII alone, which FITS needs.
    unit : astropy.units.UnitBase, FunctionUnitBase or None
        None for texts, flags and numbers without a unit.
    ucd : str
        UCD1+, IVOA's word.
    """

    description: str
    unit: AnyUnit | None = None
    ucd: str = ""


def _describe(quantity: Target | Quantity) -> Meaning:
    unit, words = UNITS[quantity.unit], quantity.description
    if quantity.unit.startswith("log10"):
        words = f"log10 of the {words[0].lower()}{words[1:]}"
    if is_logarithmic(unit):
        words = f"{words} [{quantity.unit}]"
    if isinstance(quantity, Quantity):
        words = f"Derived from the draws: {words}"
    return Meaning(words, None if unit == u.dimensionless_unscaled else unit, quantity.ucd)


def _summarise(
    quantity: Target | Quantity, names: tuple[str, ...] = tuple(SUMMARY_QUANTILES)
) -> dict[str, Meaning]:
    plain = _describe(quantity)
    found = {}
    for name in names:
        words, ucd = _STATISTICS[name]
        unit, ucds = plain.unit, f"{plain.ucd};{ucd}"
        if name == "std":
            # the width of a logarithm is a ratio, whatever it is the logarithm of
            unit, ucds = u.dex if is_logarithmic(unit) else unit, f"{ucd};{plain.ucd}"
        found[f"{quantity.name}_{name}"] = Meaning(f"{plain.description}: {words}", unit, ucds)
    return found


_FLAG_WORDS = (
    f"{NOT_MEASURABLE} where an SDSS spectrum would give none (probability below "
    f"{MIN_MEASURABLE_PROBABILITY:g})"
)

DRAW_MEANINGS = {
    **{target.name: _describe(target) for target in TARGETS},
    **{quantity.name: _describe(quantity) for quantity in DERIVED},
}
"""Columns of posterior draws."""

MEANINGS = {
    **DRAW_MEANINGS,
    "id": Meaning("Name of the row, as in the table that was given", None, "meta.id;meta.main"),
    "target": Meaning(
        "Name, position or objID, as in the list that was given", None, "meta.id;meta.main"
    ),
    "ra": Meaning("Right ascension, ICRS", u.deg, "pos.eq.ra;meta.main"),
    "dec": Meaning("Declination, ICRS", u.deg, "pos.eq.dec;meta.main"),
    "r_used": Meaning(
        "AB magnitude in r that was used; photometry_from says whether it is dereddened",
        u.mag,
        "phot.mag;em.opt.R",
    ),
    "redshift_fixed": Meaning(
        "Redshift that was held fixed; NaN where it was free", None, "src.redshift"
    ),
    **{k: m for t in TARGETS for k, m in _summarise(t, SUMMARY_STATISTICS).items()},
    "gas_metallicity_flag": Meaning(
        f"Empty where there is a metallicity; {_FLAG_WORDS}: its statistics are NaN, its draws "
        "what it would be",
        None,
        "meta.code.qual",
    ),
    **{k: m for quantity in DERIVED for k, m in _summarise(quantity).items()},
    "derived_flag": Meaning(
        "Derived quantities without a value, joined by ; with the reason: not_measurable (no "
        "metallicity in an SDSS spectrum), unconstrained (95% interval of A(V) wider than "
        f"{UNCONSTRAINED_AV_MAG:g} mag), outside_calibration (most draws lie outside its range), "
        "above_total (SFR of the fibre above the whole galaxy's in most draws)",
        None,
        "meta.code.qual",
    ),
    **{
        name: Meaning(
            f"Probability of the BPT class {name}, given that a spectrum shows the lines; "
            "p_no_lines says how likely it does not",
            None,
            "stat.probability;src.class",
        )
        for name in BPT_CLASSES
    },
    "bpt_class": Meaning(
        "The most probable BPT class, given that a spectrum shows the lines; empty where the "
        "verdict is do_not_use",
        None,
        "src.class",
    ),
    "p_bpt_class": Meaning("Its probability", None, "stat.probability;src.class"),
    "p_no_lines": Meaning(
        "Probability that an SDSS spectrum would not show all four lines", None, "stat.probability"
    ),
    **{
        f"p_{name}_measurable": Meaning(
            "Probability that an SDSS spectrum would give a metallicity"
            if name == "gas_metallicity"
            else "Probability that an SDSS spectrum would show the line at a signal-to-noise ratio "
            "above 3",
            None,
            "stat.probability",
        )
        for name in MEASURABLE_NAMES
    },
    "row": Meaning("Row of the input, counted from 0", None, "meta.record"),
    "latent": Meaning(
        "Latent means of the image (32), by the autoencoder; none without an image",
        None,
        "stat.fit.param",
    ),
    "seed": Meaning("Of the random numbers", None, "meta.id"),
    "draws": Meaning("Number of posterior draws", None, "meta.number"),
    "domain_score": Meaning(
        "Percentile (0 to 100) of the least typical measure among the training galaxies",
        None,
        "stat.percentile",
    ),
    "inside_domain": Meaning(
        "1 if the galaxy is like those of the training, 0 if not", None, "meta.code.qual"
    ),
    "verdict": Meaning(
        "fine, caution or do_not_use (then no value of the row means anything); flag says why",
        None,
        "meta.code.qual",
    ),
    "p_galaxy": Meaning(
        "Probability that it is a galaxy rather than a star, a quasar, a defect or a picture",
        None,
        "stat.probability;src.class",
    ),
    "verdict_reasons": Meaning(
        "What is the matter with the galaxy or its values, in sentences; empty if nothing",
        None,
        "meta.note",
    ),
    "notes": Meaning("What was assumed or left out on the way, in sentences", None, "meta.note"),
    "flag": Meaning("What is the matter with the row; empty if nothing", None, "meta.note"),
    "problem": Meaning("Why the target failed; empty if it did not", None, "meta.note"),
    "known_redshift": Meaning(
        "Published redshift, or the one that the list names; the model never saw it",
        None,
        "src.redshift",
    ),
    "pixels_from": Meaning("Where the pixels come from", None, "meta.note"),
    "photometry_from": Meaning("Where the photometry comes from", None, "meta.note"),
    **{
        f"measured_{band}": Meaning(
            f"AB magnitude in {band} measured on the image, as it is on the pixels",
            u.mag,
            f"phot.mag;em.opt.{_BANDS[band]}",
        )
        for band in IMAGE_BANDS
    },
    **{
        f"measured_err_{band}": Meaning(
            f"1-sigma error of the magnitude measured in {band}",
            u.mag,
            f"stat.error;phot.mag;em.opt.{_BANDS[band]}",
        )
        for band in IMAGE_BANDS
    },
    "measured_petro_r50": Meaning(
        "Petrosian half-light radius in r measured on the image", u.arcsec, "phys.angSize;em.opt.R"
    ),
    "measured_petro_r90": Meaning(
        "Petrosian radius containing 90% of the light in r measured on the image",
        u.arcsec,
        "phys.angSize;em.opt.R",
    ),
    "measured_petrosian_radius": Meaning(
        "Petrosian radius in r measured on the image", u.arcsec, "phys.angSize;em.opt.R"
    ),
}
"""Every column that a table of results can have, by name."""


def describe_columns(table: Table, names: tuple[str, ...] | None = None) -> Table:
    """Give columns their description, unit and UCD, in place.

    Parameters
    ----------
    table : astropy.table.Table
    names : tuple of str, optional
        Of the columns; all by default. Those that have no meaning here are left alone.

    Returns
    -------
    astropy.table.Table
        The same; a UCD is in ``column.info.meta["ucd"]``, where astropy's VOTable keeps it.
    """
    for name in table.colnames if names is None else names:
        meaning = MEANINGS.get(name)
        if meaning is None:
            continue
        info = table[name].info
        info.description = meaning.description
        info.meta = {**(info.meta or {}), "ucd": meaning.ucd}
        if meaning.unit is not None:
            info.unit = meaning.unit
    return table
