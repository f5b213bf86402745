"""The quantities of the project: targets, bands, classes. One source of truth.

Everything that names, orders, labels or bounds a quantity reads it from here.
"""

from dataclasses import dataclass

BANDS = ("u", "g", "r", "i", "z")
IMAGE_BANDS = ("g", "r", "i")

MAGNITUDE_LIMITS = (5, 30)
MAGNITUDE_ERROR_LIMITS = (1e-6, 10)
PETROSIAN_RADIUS_LIMITS_ARCSEC = (0.05, 3600)
"""Least and largest value that a galaxy which SDSS has seen can have, both included."""
EXTINCTION_PER_REDDENING = dict(zip(BANDS, (4.239, 3.303, 2.285, 1.698, 1.263), strict=True))
"""A over E(B-V) of Schlegel et al. 1998 in SDSS's bands, for R_V = 3.1 (Schlafly & Finkbeiner
2011, ApJ 737, 103, table 6)."""

SDSS_PIXEL_SCALE_ARCSEC = 0.396
"""Side of a native pixel of the SDSS imaging camera."""

BPT_CLASSES = ("star_forming", "composite", "seyfert", "liner")
"""Classes of the BPT diagram."""

SUMMARY_QUANTILES = {"p2_5": 0.025, "p16": 0.16, "p50": 0.50, "p84": 0.84, "p97_5": 0.975}
SUMMARY_STATISTICS = (*SUMMARY_QUANTILES, "mean", "std")
"""What summaries say of each target: five quantiles, mean and standard deviation."""


@dataclass(frozen=True)
class Target:
    """One inferred quantity.

    Attributes
    ----------
    name : str
        Name used in code, files, command line and app alike.
    label : str
        Human-readable name.
    symbol : str
        Label for an axis, in mathtext; the unit is kept apart.
    unit : str
        Unit of the value, empty where dimensionless.
    unit_symbol : str
        The unit in mathtext, for axes.
    low, high : float
        Bounds of the physical domain: the model's draws stay inside.
    digits : int
        Decimals that a typical posterior width justifies.
    description : str
        What it is exactly, for the column of a table: scale, initial mass function, aperture.
    ucd : str
        IVOA's word for it (UCD1+).
    """

    name: str
    label: str
    symbol: str
    unit: str
    unit_symbol: str
    low: float
    high: float
    digits: int
    description: str
    ucd: str

    @property
    def bounds(self) -> tuple[float, float]:
        """`low` and `high`."""
        return self.low, self.high


_FLUX = "log10(1e-17 erg/s/cm2)"
_FLUX_SYMBOL = r"$10^{-17}\,\mathrm{erg\,s^{-1}\,cm^{-2}}$"

_IN_FIBRE = "in the 3 arcsec fibre, corrected for Galactic extinction"

TARGETS = (
    Target("redshift", "Redshift", r"$z$", "", "", 0.0, 0.35, 3, "Redshift", "src.redshift"),
    Target(
        "log_stellar_mass",
        "Stellar mass",
        r"$\log M_\star$",
        "log10(Msun)",
        r"$M_\odot$",
        5,
        13,
        2,
        "Total stellar mass, Kroupa IMF",
        "phys.mass",
    ),
    Target(
        "log_sfr",
        "Star-formation rate",
        r"$\log\,\mathrm{SFR}$",
        "log10(Msun/yr)",
        r"$M_\odot\,\mathrm{yr}^{-1}$",
        -5,
        3,
        2,
        "Total star-formation rate, Kroupa IMF",
        "phys.SFR",
    ),
    Target(
        "gas_metallicity",
        "Gas-phase metallicity",
        r"$12+\log(\mathrm{O/H})$",
        "dex",
        "",
        7,
        10,
        2,
        "Gas-phase oxygen abundance 12+log(O/H), scale of Tremonti et al. 2004",
        "phys.abund.Z",
    ),
    Target(
        "log_bh_mass",
        "Black-hole mass",
        r"$\log M_\mathrm{BH}$",
        "log10(Msun)",
        r"$M_\odot$",
        4,
        11,
        2,
        "Black-hole mass by the M-sigma relation of McConnell & Ma 2013",
        "phys.mass",
    ),
    Target(
        "log_flux_halpha",
        "Hα flux",
        r"$\log F(\mathrm{H\alpha})$",
        _FLUX,
        _FLUX_SYMBOL,
        -3,
        6,
        2,
        f"Flux of Halpha {_IN_FIBRE}",
        "phot.flux;em.line.Halpha",
    ),
    Target(
        "log_flux_hbeta",
        "Hβ flux",
        r"$\log F(\mathrm{H\beta})$",
        _FLUX,
        _FLUX_SYMBOL,
        -3,
        6,
        2,
        f"Flux of Hbeta {_IN_FIBRE}",
        "phot.flux;em.line.Hbeta",
    ),
    Target(
        "log_flux_nii_6584",
        "[N II] 6584 flux",
        r"$\log F(\mathrm{[N\,II]})$",
        _FLUX,
        _FLUX_SYMBOL,
        -3,
        6,
        2,
        f"Flux of [N II] 6584 {_IN_FIBRE}",
        "phot.flux;em.line",
    ),
    Target(
        "log_flux_oiii_5007",
        "[O III] 5007 flux",
        r"$\log F(\mathrm{[O\,III]})$",
        _FLUX,
        _FLUX_SYMBOL,
        -3,
        6,
        2,
        f"Flux of [O III] 5007 {_IN_FIBRE}",
        "phot.flux;em.line.OIII",
    ),
)

TARGET_NAMES = tuple(target.name for target in TARGETS)
"""Names of the nine targets, in the order of the columns of the draws."""

PROPERTY_NAMES = TARGET_NAMES[:5]
LINE_NAMES = TARGET_NAMES[5:]

DETECTION_S_TO_N = 3.0
"""Signal-to-noise ratio in an SDSS spectrum from which a line counts as detected."""

MEASURABLE_NAMES = (*LINE_NAMES, "gas_metallicity")
"""Targets with a modelled probability of being measurable in an SDSS spectrum."""
