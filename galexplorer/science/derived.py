"""Quantities that follow from the nine targets, each with its posterior."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from galexplorer.records.posterior import Posterior
from galexplorer.science.bpt import line_ratios
from galexplorer.science.lines import (
    balmer_av,
    halpha_log_sfr,
    kpc_per_arcsec,
    luminosity_distance_mpc,
    strong_line_oh,
)


@dataclass(frozen=True)
class Derived:
    """One derived quantity.

    Attributes
    ----------
    label : str
        Words for a person.
    unit : str
        Empty where dimensionless.
    digits : int
    draws : ndarray, shape (n,)
        NaN where the draw gives no value.
    """

    label: str
    unit: str
    digits: int
    draws: Float[np.ndarray, " n"]

    @property
    def valid(self) -> float:
        """Share of the draws that give a value."""
        return float(np.isfinite(self.draws).mean())


def derive(posterior: Posterior, petro_r50_arcsec: float | None = None) -> tuple[Derived, ...]:
    """Return distance, size, specific star-formation rate, dust and strong-line abundances.

    Parameters
    ----------
    posterior : Posterior
    petro_r50_arcsec : float, optional
        Half-light radius, which adds the size in kpc.

    Returns
    -------
    tuple of Derived
    """
    column = {
        name: posterior.column(name).astype(float)
        for name in ("redshift", "log_stellar_mass", "log_sfr", "log_flux_halpha", "log_flux_hbeta")
    }
    z, halpha, hbeta = column["redshift"], column["log_flux_halpha"], column["log_flux_hbeta"]
    n2, o3 = line_ratios(posterior.draws)
    scale = kpc_per_arcsec(z)
    size = () if petro_r50_arcsec is None else (
        Derived("Half-light radius", "kpc", 1, scale * petro_r50_arcsec),
    )  # fmt: skip
    return (
        Derived("Luminosity distance", "Mpc", 0, luminosity_distance_mpc(z)),
        Derived("Scale", "kpc/″", 2, scale),
        *size,
        Derived("Specific SFR", "log yr⁻¹", 2, column["log_sfr"] - column["log_stellar_mass"]),
        Derived("Balmer A(V), Calzetti", "mag", 2, balmer_av(halpha, hbeta)),
        Derived("Hα SFR in the fibre", "log M☉ yr⁻¹", 2, halpha_log_sfr(halpha, hbeta, z)),
        Derived("12 + log(O/H), PP04 O3N2", "dex", 2, strong_line_oh(n2, o3, "pp04_o3n2")),
        Derived("12 + log(O/H), M13 N2", "dex", 2, strong_line_oh(n2, o3, "marino13_n2")),
    )
