"""Figures of the population's report: the population against what was observed.

Blue contours or lines are the population (weighted to the SDSS main sample where it says so),
vermilion points or lines are measured values.
"""

import itertools

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from galexplorer.figures.density import credible_levels, density_grid
from galexplorer.figures.palette import LIGHT, TRUTH
from galexplorer.population.extension import MAIN_SAMPLE_LIMIT_MAG
from galexplorer.population.sources import COSMOLOGY
from galexplorer.science.bpt import KAUFFMANN_POLE, KEWLEY_POLE, kauffmann2003, kewley2001

LABELS = {
    "r": "r  [mag]",
    "ug": "u - g  [mag]",
    "gr": "g - r  [mag]",
    "ri": "r - i  [mag]",
    "redshift": "z",
    "log_stellar_mass": r"$\log M_\star$  [$M_\odot$]",
    "log_sfr": r"$\log$ SFR  [$M_\odot$/yr]",
    "gas_metallicity": r"$12+\log$(O/H)",
    "log_r50": r"$\log R_{50}$  [arcsec]",
}
_SOLID_ANGLE_FREE_LIMITS = (0.01, 0.3)
_MASSES = (0.39, 0.86)


def derived(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the quantities that the figures plot besides those of the table."""
    out = rows.copy()
    out["ug"], out["gr"], out["ri"] = rows.u - rows.g, rows.g - rows.r, rows.r - rows.i
    out["log_r50"] = np.log10(rows.petro_r50_true)
    if "gas_metallicity_valid" in rows:
        out.loc[~rows.gas_metallicity_valid, "gas_metallicity"] = np.nan
    return out


def pair_figure(rows: pd.DataFrame, real: pd.DataFrame, rng: np.random.Generator) -> Figure:
    """Draw every pair of quantities: contours of the weighted population, points of real rows.

    Parameters
    ----------
    rows : pandas.DataFrame
        The population, with ``weight``.
    real : pandas.DataFrame
        Real rows; a panel shows those with both values.
    rng : numpy.random.Generator

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = list(LABELS)
    sample, real = resampled(derived(rows), 20_000, rng), derived(real)
    figure = Figure(figsize=(17, 17))
    axes = figure.subplots(len(names), len(names))
    limits = {name: np.nanquantile(sample[name], [0.002, 0.998]) for name in names}
    for i, j in itertools.product(range(len(names)), repeat=2):
        axis = axes[i, j]
        if j > i:
            axis.set_axis_off()
            continue
        if i == j:
            _histograms(axis, sample[names[i]], real[names[i]], limits[names[i]])
        else:
            _pair(axis, sample, real, (names[j], names[i]), rng)
            axis.set_ylim(*limits[names[i]])
        axis.set_xlim(*limits[names[j]])
        axis.tick_params(labelsize=7, labelbottom=i == len(names) - 1, labelleft=j == 0 and i > 0)
        if i == len(names) - 1:
            axis.set_xlabel(LABELS[names[j]], fontsize=9)
        if j == 0 and i > 0:
            axis.set_ylabel(LABELS[names[i]], fontsize=9)
    figure.subplots_adjust(0.05, 0.05, 0.99, 0.99, 0.06, 0.06)
    return figure


def resampled(rows: pd.DataFrame, number: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw rows by weight, so that they stand for the SDSS main sample."""
    weight = rows.weight.to_numpy(float)
    return rows.iloc[rng.choice(len(rows), number, p=weight / weight.sum())]


def _histograms(axis: Axes, sample: pd.Series, real: pd.Series, limits: np.ndarray) -> None:
    bins = np.linspace(limits[0], limits[1], 41).tolist()
    axis.hist(sample.dropna(), bins, density=True, histtype="step", lw=1.3, color=LIGHT.accent)
    if real.notna().sum() > 20:
        axis.hist(real.dropna(), bins, density=True, histtype="step", lw=1.3, color=TRUTH)
    axis.set_yticks([])


def _some(rows: pd.DataFrame, most: int, rng: np.random.Generator) -> pd.DataFrame:
    whole = rows.dropna()
    return whole.iloc[rng.permutation(len(whole))[:most]]


def _pair(
    axis: Axes,
    sample: pd.DataFrame,
    real: pd.DataFrame,
    names: tuple[str, str],
    rng: np.random.Generator,
) -> None:
    x, y = names
    shown = _some(real[[x, y]], 1500, rng)
    axis.plot(shown[x], shown[y], ".", color=TRUTH, ms=1.2, alpha=0.5, rasterized=True)
    _contours(axis, sample[[x, y]].dropna())


def _contours(axis: Axes, points: pd.DataFrame) -> None:
    """Draw the contours that hold 39% and 86%, one and two sigma of a Gaussian."""
    x, y = points.to_numpy(float).T
    centres_x, centres_y, density = density_grid(x, y)
    levels = sorted(set(credible_levels(density, _MASSES)))
    axis.contour(centres_x, centres_y, density, levels=levels, colors=LIGHT.accent, linewidths=1.2)


def bpt_plane(rows: pd.DataFrame, points: pd.DataFrame | None, rng: np.random.Generator) -> Figure:
    """Draw the population's strong-lined galaxies on the BPT plane over observed ones."""
    strong = np.ones(len(rows), bool)
    for name in ("halpha", "hbeta", "nii_6584", "oiii_5007"):
        strong &= (10 ** rows[f"log_flux_{name}"] > 3 * 2.7).to_numpy()
    sample = resampled(rows[strong], 20_000, rng)
    plane = pd.DataFrame(
        {
            "x": sample.log_flux_nii_6584 - sample.log_flux_halpha,
            "y": sample.log_flux_oiii_5007 - sample.log_flux_hbeta,
        }
    )
    figure, axis = _one()
    if points is not None:
        shown = points.iloc[rng.permutation(len(points))[:6000]]
        axis.plot(shown.x, shown.y, ".", color=TRUTH, ms=1.5, alpha=0.4, label="observed")
    _contours(axis, plane)
    axis.plot([], [], color=LIGHT.accent, label="population, lines above 3 sigma")
    for name, curve, low, pole in (
        ("Kewley 2001", kewley2001, -2.0, KEWLEY_POLE),
        ("Kauffmann 2003", kauffmann2003, -1.28, KAUFFMANN_POLE),
    ):
        x = np.linspace(low, pole - 0.05, 200)
        style = "-" if name.startswith("Kew") else "--"
        axis.plot(x, curve(x), style, color=LIGHT.text, lw=1, label=name)
    axis.set(xlabel="log [N II] 6584 / Hα  [dex]", ylabel="log [O III] 5007 / Hβ  [dex]")
    axis.set(xlim=(-1.8, 0.6), ylim=(-1.2, 1.3))
    axis.legend(fontsize=8)
    return figure


def mass_metallicity(rows: pd.DataFrame, real: pd.DataFrame, rng: np.random.Generator) -> Figure:
    """Draw metallicity against mass, with Tremonti et al. 2004."""
    figure, axis = _one()
    mass = np.linspace(8.5, 11.5, 100)
    curve = -1.492 + 1.847 * mass - 0.08026 * mass**2
    rows = rows[rows.gas_metallicity_valid]
    _over(axis, rows, real, ("log_stellar_mass", "gas_metallicity"), rng)
    axis.plot(mass, curve, color=LIGHT.text, lw=1, label="Tremonti et al. 2004")
    axis.set(xlim=(8, 11.8), ylim=(7.8, 9.5))
    axis.legend(fontsize=8)
    return figure


def main_sequence(rows: pd.DataFrame, real: pd.DataFrame, rng: np.random.Generator) -> Figure:
    """Draw star-formation rate against mass, with Renzini & Peng 2015 (1502.01027)."""
    figure, axis = _one()
    _over(axis, rows, real, ("log_stellar_mass", "log_sfr"), rng)
    mass = np.linspace(8.5, 11.2, 50)
    axis.plot(mass, 0.76 * mass - 7.64, color=LIGHT.text, lw=1, label="Renzini & Peng 2015")
    axis.set(xlim=(7.5, 12), ylim=(-3, 2))
    axis.legend(fontsize=8)
    return figure


def mass_dispersion(
    rows: pd.DataFrame, observed: pd.DataFrame | None, rng: np.random.Generator
) -> Figure:
    """Draw velocity dispersion against mass, over 46,155 observed galaxies."""
    figure, axis = _one()
    if observed is not None:
        shown = observed.iloc[rng.permutation(len(observed))[:4000]]
        axis.plot(shown.x, shown.y, ".", color=TRUTH, ms=1.5, alpha=0.4, label="observed")
    sample = resampled(rows, 20_000, rng)
    sigma = pd.DataFrame(
        {"x": sample.log_stellar_mass, "y": np.log10(sample.velocity_dispersion_drawn_kms)}
    )
    _contours(axis, sigma)
    axis.plot([], [], color=LIGHT.accent, label="population")
    axis.set(xlabel=LABELS["log_stellar_mass"], ylabel=r"$\log\sigma$  [km/s]")
    axis.set(xlim=(9, 12), ylim=(1.5, 2.7))
    axis.legend(fontsize=8)
    return figure


def black_hole_relation(rows: pd.DataFrame, dynamical: pd.DataFrame | None) -> Figure:
    """Draw black-hole mass against dispersion, with dynamical masses and two relations."""
    figure, axis = _one()
    if dynamical is not None:
        axis.plot(dynamical.x, dynamical.y, "o", color=TRUTH, ms=3, label="dynamical masses")
    valid = rows[rows.log_bh_mass_valid].iloc[:3000]
    sigma = np.log10(valid.velocity_dispersion_drawn_kms)
    axis.plot(sigma, valid.log_bh_mass, ".", color=LIGHT.accent, ms=2, label="population")
    grid = np.linspace(1.7, 2.7, 20)
    kormendy = 8.49 + 4.38 * (grid - np.log10(200))
    axis.plot(grid, kormendy, "--", color=LIGHT.text, lw=1, label="Kormendy & Ho 2013")
    axis.set(xlabel=r"$\log\sigma$  [km/s]", ylabel=r"$\log M_\mathrm{BH}$  [$M_\odot$]")
    axis.set(xlim=(1.6, 2.75), ylim=(4.5, 10.8))
    axis.legend(fontsize=8)
    return figure


def luminosity_function(rows: pd.DataFrame, real: pd.DataFrame) -> Figure:
    """Draw the r-band luminosity function of both by 1/Vmax, with Blanton et al. 2003.

    The Schechter function (astro-ph/0210215) is that of the band at z = 0.1; both are scaled to
    one at -21.5, since neither table has a solid angle.
    """
    figure, axis = _one()
    bins = np.arange(-24, -17.4, 0.5)
    for table, colour, label in ((real, TRUTH, "main sample"), (rows, LIGHT.accent, "population")):
        weight = np.ones(len(table)) if table is real else table.weight.to_numpy(float)
        value = table.abs_r.to_numpy(float)
        _per_volume(axis, value, weight / _volume(table), bins, -21.5, colour, label)
    centre = -20.44 + 5 * np.log10(0.7)
    x = 10 ** (-0.4 * (bins - centre))
    schechter = x ** (1 - 1.05) * np.exp(-x)
    scale = np.interp(-21.5, bins, schechter)
    axis.plot(
        bins, np.log10(schechter / scale), color=LIGHT.text, lw=1, label="Blanton et al. 2003"
    )
    axis.set(xlabel=r"$M_r$  [mag]", ylabel=r"$\log\phi$, scaled at -21.5", ylim=(-4, 1.5))
    axis.legend(fontsize=8)
    return figure


def size_function(rows: pd.DataFrame, real: pd.DataFrame) -> Figure:
    """Draw the number of galaxies per volume against physical size, by 1/Vmax."""
    figure, axis = _one()
    bins = np.arange(-0.2, 1.5, 0.1)
    measured = real[np.isfinite(real.log_r50_kpc)]
    tables = ((measured, TRUTH, "measured"), (rows, LIGHT.accent, "population"))
    for table, colour, label in tables:
        weight = table.weight.to_numpy(float) if "weight" in table else np.ones(len(table))
        value = table.log_r50_kpc.to_numpy(float)
        _per_volume(axis, value, weight / _volume(table), bins, 0.5, colour, label)
    axis.set(xlabel=r"$\log R_{50}$  [kpc]", ylabel=r"$\log$ number, scaled at 3.2 kpc")
    axis.set(ylim=(-3, 1.5))
    axis.legend(fontsize=8)
    return figure


def _volume(rows: pd.DataFrame) -> np.ndarray:
    """Return the volume in which a galaxy stays above the limit in r, arbitrary units."""
    modulus = COSMOLOGY.distmod(rows.redshift.to_numpy(float)).value
    grid = np.linspace(*_SOLID_ANGLE_FREE_LIMITS, 300)
    farthest = modulus + np.maximum(MAIN_SAMPLE_LIMIT_MAG - rows.r.to_numpy(float), 0)
    limit = np.interp(farthest, COSMOLOGY.distmod(grid).value, grid)
    return COSMOLOGY.comoving_distance(limit).value ** 3


def _per_volume(
    axis: Axes,
    value: np.ndarray,
    weight: np.ndarray,
    bins: np.ndarray,
    reference: float,
    colour: str,
    label: str,
) -> None:
    good = np.isfinite(value) & np.isfinite(weight)
    count, _ = np.histogram(value[good], bins, weights=weight[good])
    number, _ = np.histogram(value[good], bins)
    centre = 0.5 * (bins[1:] + bins[:-1])
    shown = number >= 5
    scale = np.interp(reference, centre[shown], count[shown])
    logarithm = np.log10(count[shown] / scale)
    error = 0.434 / np.sqrt(number[shown])
    axis.errorbar(
        centre[shown], logarithm, error, color=colour, marker="o", ms=3, lw=1, label=label
    )


def _over(
    axis: Axes,
    rows: pd.DataFrame,
    real: pd.DataFrame,
    names: tuple[str, str],
    rng: np.random.Generator,
) -> None:
    x, y = names
    shown = _some(real[[x, y]], 3000, rng)
    axis.plot(shown[x], shown[y], ".", color=TRUTH, ms=2, alpha=0.5, label="measured")
    _contours(axis, resampled(rows, 20_000, rng)[[x, y]].dropna())
    axis.plot([], [], color=LIGHT.accent, label="population")
    axis.set(xlabel=LABELS[x], ylabel=LABELS[y])


def _one() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6, 4.6), layout="constrained")
    return figure, figure.subplots()
