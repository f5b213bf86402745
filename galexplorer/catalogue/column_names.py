"""The magnitudes and fluxes of the archives: how they are called, and what they need."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from galexplorer.schema import BANDS, EXTINCTION_PER_REDDENING

Dust = Literal["removed", "present", "unstated"]

SDSS_DUST = EXTINCTION_PER_REDDENING
# Abbott et al. 2021, ApJS 255, 20: what DES adds to its own columns *_DERED
DES_DUST = {"g": 3.186, "r": 2.140, "i": 1.569, "z": 1.196}


@dataclass(frozen=True)
class Family:
    """One kind of photometry under one kind of name; ``{b}`` stands for the band.

    Attributes
    ----------
    words : str
        What it is, for a note.
    names : tuple of str
        Names of its magnitudes or fluxes, in the form of
        `galexplorer.catalogue.column_lookup.key_of`.
    errors, ivars : tuple of str
        Names of its 1-sigma errors and of its inverse variances.
    form : {"magnitude", "flux"}
        Where its column has no unit.
    unit : str
        Of its fluxes where its column has none; empty where a unit must be stated.
    dust : {"removed", "present", "unstated"}
        Galactic extinction, by the archive's own definition.
    reddening : dict of str to float or None
        A over E(B-V) of its bands.
    filters : str
        Whose, where they are not SDSS's.
    caution : str
        What else its user should know, a sentence.
    needs : tuple of str
        One of these columns must be there for the names to mean this.
    """

    words: str
    names: tuple[str, ...]
    errors: tuple[str, ...] = ()
    ivars: tuple[str, ...] = ()
    form: Literal["magnitude", "flux"] = "magnitude"
    unit: str = ""
    dust: Dust = "present"
    reddening: dict[str, float] | None = None
    filters: str = ""
    caution: str = ""
    needs: tuple[str, ...] = ()


_PLAIN_ERRORS = (
    "err_{b}",
    "{b}_err",
    "{b}err",
    "{b}_error",
    "e_{b}",
    "magerr_{b}",
    "mag_err_{b}",
    "err_mag_{b}",
    "{b}_magerr",
    "e_{b}mag",
    "e_mag_{b}",
)
_FLUX_ERRORS = ("flux_err_{b}", "fluxerr_{b}", "flux_error_{b}", "err_flux_{b}", "e_flux_{b}")
_FLUX_IVARS = ("flux_ivar_{b}", "ivar_flux_{b}", "ivar_{b}")

CANONICAL = Family("magnitudes", ("{b}",), (*_PLAIN_ERRORS, "modelmagerr_{b}"), dust="unstated")

# The first counts that has two of g, r and i.
FAMILIES = (
    Family(
        "SDSS model magnitudes without Galactic extinction",
        ("dered_{b}", "dered_modelmag_{b}", "modelmag_{b}_dered", "modelmag_dered_{b}"),
        ("modelmagerr_{b}", "dered_err_{b}", "err_dered_{b}", *_PLAIN_ERRORS),
        dust="removed",
    ),
    CANONICAL,
    Family(
        "SDSS model magnitudes",
        ("modelmag_{b}", "model_{b}", "model_mag_{b}", "modelmag{b}", "{b}_modelmag"),
        ("modelmagerr_{b}", "modelerr_{b}", "model_err_{b}", "modelmag_err_{b}", *_PLAIN_ERRORS),
        reddening=SDSS_DUST,
    ),
    Family(
        "model magnitudes of GAMA, without Galactic extinction",
        ("{b}_model",),
        ("{b}_model_err", *_PLAIN_ERRORS),
        dust="removed",
        needs=("cataid",),
    ),
    Family(
        "fluxes of the NASA-Sloan Atlas, without Galactic extinction",
        ("sersic_nmgy_{b}", "elpetro_nmgy_{b}", "nmgy_{b}"),
        (),
        ("sersic_nmgy_ivar_{b}", "elpetro_nmgy_ivar_{b}", "nmgy_ivar_{b}"),
        form="flux",
        unit="nanomaggy",
        dust="removed",
    ),
    Family(
        "fluxes of the NASA-Sloan Atlas",
        ("sersic_flux_{b}", "sersicflux_{b}", "elpetro_flux_{b}"),
        (),
        ("sersic_flux_ivar_{b}", "sersicflux_ivar_{b}", "elpetro_flux_ivar_{b}"),
        form="flux",
        unit="nanomaggy",
        reddening=SDSS_DUST,
    ),
    Family(
        "SDSS model fluxes",
        ("modelflux_{b}",),
        ("modelfluxerr_{b}", "modelflux_err_{b}"),
        ("modelflux_ivar_{b}", "modelfluxivar_{b}"),
        form="flux",
        unit="nanomaggy",
        reddening=SDSS_DUST,
    ),
    Family(
        "SDSS cModel magnitudes",
        ("cmodelmag_{b}", "cmodel_{b}", "cmodel_mag_{b}"),
        ("cmodelmagerr_{b}", "cmodelerr_{b}"),
        reddening=SDSS_DUST,
        caution="cModel magnitudes have noisier colours than the modelMag that the model knows.",
    ),
    Family(
        "SDSS cModel fluxes",
        ("cmodelflux_{b}",),
        (),
        ("cmodelflux_ivar_{b}", "cmodelfluxivar_{b}"),
        form="flux",
        unit="nanomaggy",
        reddening=SDSS_DUST,
        caution="cModel fluxes have noisier colours than the modelFlux that the model knows.",
    ),
    Family(
        "fluxes of the Legacy Surveys, without Galactic extinction",
        ("dered_flux_{b}", "flux_{b}_dered"),
        form="flux",
        unit="nanomaggy",
        dust="removed",
        filters="the Legacy Surveys",
    ),
    Family(
        "magnitudes of the Legacy Surveys, without Galactic extinction",
        ("dered_mag_{b}",),
        dust="removed",
        filters="the Legacy Surveys",
    ),
    Family(
        "fluxes of the Legacy Surveys",
        ("flux_{b}",),
        _FLUX_ERRORS,
        _FLUX_IVARS,
        form="flux",
        unit="nanomaggy",
        filters="the Legacy Surveys",
        needs=("mw_transmission_{b}", "flux_ivar_{b}"),
    ),
    Family(
        "magnitudes of DES, without Galactic extinction",
        ("mag_auto_{b}_dered", "mag_auto_dered_{b}", "bdf_mag_dered_{b}", "bdf_mag_{b}_dered"),
        ("magerr_auto_{b}", "bdf_mag_err_{b}"),
        dust="removed",
        filters="DES",
    ),
    Family(
        "SExtractor's MAG_AUTO",
        ("mag_auto_{b}", "{b}_mag_auto", "bdf_mag_{b}"),
        ("magerr_auto_{b}", "{b}_magerr_auto", "bdf_mag_err_{b}"),
        reddening=DES_DUST,
        filters="DES",
        needs=("ebv_sfd98",),
    ),
    Family(
        "SExtractor's MAG_AUTO",
        ("mag_auto_{b}", "{b}_mag_auto"),
        ("magerr_auto_{b}", "{b}_magerr_auto"),
        filters="its survey",
    ),
    Family(
        "cModel magnitudes of HSC",
        ("{b}_cmodel_mag", "{b}cmodel_mag"),
        ("{b}_cmodel_magerr", "{b}_cmodel_magsigma", "{b}cmodel_mag_err"),
        filters="HSC",
    ),
    Family(
        "cModel fluxes of HSC",
        ("{b}_cmodel_flux",),
        ("{b}_cmodel_fluxerr", "{b}_cmodel_fluxsigma"),
        form="flux",
        filters="HSC",
    ),
    Family(
        "Kron magnitudes of Pan-STARRS",
        ("{b}kronmag", "{b}meankronmag", "kronmag_{b}"),
        ("{b}kronmagerr", "{b}meankronmagerr"),
        filters="Pan-STARRS",
    ),
    Family(
        "Petrosian magnitudes, which stand in for model magnitudes",
        ("petromag_{b}", "petro_mag_{b}"),
        ("petromagerr_{b}", "petro_mag_err_{b}"),
        reddening=SDSS_DUST,
        caution="Petrosian colours are noisier than the modelMag that the model knows.",
    ),
    Family(
        "Petrosian fluxes, which stand in for model fluxes",
        ("petroflux_{b}", "petro_flux_{b}"),
        (),
        ("petroflux_ivar_{b}", "petrofluxivar_{b}", "petro_flux_ivar_{b}"),
        form="flux",
        unit="nanomaggy",
        reddening=SDSS_DUST,
        caution="Petrosian colours are noisier than the modelFlux that the model knows.",
    ),
    Family(
        "SDSS model magnitudes as VizieR calls them",
        ("{b}mag",),
        ("e_{b}mag",),
        reddening=SDSS_DUST,
        needs=("sdss16", "sdss12", "sdss9", "sdss8", "sdss7", "spobjid", "zsp"),
    ),
    Family("magnitudes", ("{b}mag",), ("e_{b}mag", *_PLAIN_ERRORS), dust="unstated"),
    Family(
        "magnitudes",
        (
            "mag_{b}",
            "{b}_mag",
            "magnitude_{b}",
            "{b}_magnitude",
            "{b}_model",
            "{b}_ab",
            "{b}_sdss",
            "sdss_{b}",
        ),
        ("{b}_mag_err", "{b}_sdss_err", *_PLAIN_ERRORS),
        dust="unstated",
    ),
    Family(
        "fluxes",
        ("flux_{b}",),
        _FLUX_ERRORS,
        form="flux",
        unit="nanomaggy",
        dust="unstated",
        needs=_FLUX_ERRORS,
    ),
    Family(
        "fluxes",
        ("flux_{b}", "{b}_flux", "f_{b}", "flux{b}"),
        ("{b}_flux_err", "{b}_fluxerr", "f_{b}_err", "e_f_{b}", *_FLUX_ERRORS, *_PLAIN_ERRORS),
        (*_FLUX_IVARS, "{b}_flux_ivar", "{b}_ivar"),
        form="flux",
        dust="unstated",
    ),
)

EXTINCTIONS = (
    "extinction_{b}",
    "ext_{b}",
    "extinction{b}",
    "{b}_extinction",
    "galext_{b}",
    "galactic_extinction_{b}",
)
HSC_EXTINCTIONS = (*EXTINCTIONS, "a_{b}")
TRANSMISSIONS = ("mw_transmission_{b}",)
REDDENINGS = ("ebv", "e(b_v)", "e_bv", "ebmv", "ebv_sfd", "ebv_sfd98", "sfd_ebv", "e_b_v")

PETROSIAN = Family(
    "Petrosian magnitudes",
    ("petromag_{b}", "petro_mag_{b}"),
    reddening=SDSS_DUST,
)
UNSUITABLE = r"psf|fib(er|re)|aper|abs_?mag|gaap|kcorr"
"""Magnitudes that do not tell a galaxy's whole light as it is seen."""


def spell(templates: Sequence[str], band: str) -> tuple[str, ...]:
    """Return names for a band."""
    return tuple(template.format(b=band) for template in templates)


def _quantities() -> frozenset[str]:
    lists = [EXTINCTIONS, HSC_EXTINCTIONS, TRANSMISSIONS, ("petro_{b}",)]
    for family in FAMILIES:
        lists += [family.names, family.errors, family.ivars]
    banded = {name for templates in lists for b in BANDS for name in spell(templates, b)}
    plain = {
        *("id", "objid", "name", "target", "object", "ra", "dec"),
        *("redshift", "redshift_min", "redshift_max", "redshift_prior_mean"),
        *("redshift_prior_sigma", "petro_r50", "petro_r90"),
        *("image", "image_g", "image_r", "image_i", "pixel_scale", *REDDENINGS),
    }
    return frozenset(banded | plain)


QUANTITIES = _quantities()
"""Everything that a user may say a column is."""
