"""Published results and ours, each with a line on their comparability."""

from dataclasses import asdict, dataclass

from galexplorer.evaluation.prediction import IMAGE, IMAGE_AND_PHOTOMETRY, PHOTOMETRY, Mode


@dataclass(frozen=True)
class Published:
    """One published figure and where ours is found.

    Attributes
    ----------
    what : str
        Words for a person.
    figure : str
        Key of the figure: ``r2``, ``rmse``, ``sigma_mad``, ``accuracy``.
    published : float
    source : str
        Paper.
    sample : str
        Name of our sample.
    mode : Mode
    target : str
        Empty for BPT classes.
    caveat : str
        What is comparable and what is not.
    """

    what: str
    figure: str
    published: float
    source: str
    sample: str
    mode: Mode
    target: str
    caveat: str


_METHOD = "arXiv:2511.12737"
_RENDERED = (
    "Their galaxies are real SDSS images, ours rendered with real photometry; their sample has "
    "detected lines, ours includes passive galaxies."
)
_CIRCULAR = "Both partly circular: the catalogue's masses come from the same photometry."
_MODES = ((IMAGE_AND_PHOTOMETRY, (0.80, 0.85, 0.76, 0.76, 0.67)),
          (PHOTOMETRY, (0.72, 0.80, 0.75, 0.65, 0.62)))  # fmt: skip
_PROPERTIES = (
    ("redshift", "Redshift", "Photometry and redshifts are real on both sides, pixels are not."),
    ("log_stellar_mass", "Stellar mass", _CIRCULAR),
    ("log_sfr", "Star-formation rate", "Ours is mostly imputed with scatter, not measured."),
    (
        "gas_metallicity",
        "Gas-phase metallicity",
        "Ours is mostly imputed with scatter, not measured.",
    ),
    ("log_bh_mass", "Black-hole mass", "Circular here: dispersions were drawn from stellar mass."),
)
_LINES = (
    ("log_flux_halpha", "Hα flux", 0.80),
    ("log_flux_hbeta", "Hβ flux", 0.79),
    ("log_flux_nii_6584", "[N II] flux", 0.70),
    ("log_flux_oiii_5007", "[O III] flux", 0.50),
)

RESULTS: tuple[Published, ...] = (
    *(
        Published(words, "r2", value, _METHOD, "rendered", mode, target, caveat)
        for mode, values in _MODES
        for (target, words, caveat), value in zip(_PROPERTIES, values, strict=True)
    ),
    *(
        Published(words, "r2", value, _METHOD, "rendered", IMAGE_AND_PHOTOMETRY, target, _RENDERED)
        for target, words, value in _LINES
    ),
    Published(
        "Redshift, real spirals", "r2", 0.80, _METHOD, "sdss_spirals", IMAGE, "redshift",
        "Real images on both sides; theirs have photometry too and are of all types.",
    ),
    Published(
        "Stellar mass, real spirals", "r2", 0.85, _METHOD, "sdss_spirals", IMAGE,
        "log_stellar_mass", "Real images on both sides; theirs have photometry too.",
    ),
    Published(
        "Redshift, main sample", "sigma_mad", 0.0135, "Beck et al. 2016, 1603.09708",
        "main_sample", PHOTOMETRY, "redshift",
        "Same bands; their sample is deeper than r = 17.8 and trained on 2 million galaxies.",
    ),
    Published(
        "Redshift, main sample", "sigma_mad", 0.009, "Pasquet et al. 2019, 1806.06607",
        "main_sample", PHOTOMETRY, "redshift",
        "Theirs sees ugriz images of 400,000 real galaxies; ours sees magnitudes only.",
    ),
    Published(
        "Gas-phase metallicity from images", "rmse", 0.085, "Wu & Boada 2019, 1810.12913",
        "rendered", IMAGE, "gas_metallicity",
        "Theirs saw real gri images of galaxies with strong lines.",
    ),
    Published(
        "Stellar mass, MPA-JHU", "rmse", 0.206, "2405.15566", "mpajhu", PHOTOMETRY,
        "log_stellar_mass", "Theirs has WISE and all redshifts; ours is cut at 0.02 < z < 0.05.",
    ),
    Published(
        "Star-formation rate, MPA-JHU", "rmse", 0.336, "2405.15566", "mpajhu", PHOTOMETRY,
        "log_sfr", "Theirs has WISE, tracing obscured star formation; ours has ugriz and radii.",
    ),
    Published(
        "Gas-phase metallicity, MPA-JHU", "rmse", 0.097, "2405.15566", "mpajhu", PHOTOMETRY,
        "gas_metallicity", "Theirs has WISE too; few of our galaxies have a metallicity.",
    ),
    Published(
        "Black-hole mass", "rmse", 0.5, "He et al. 2022", "rendered", PHOTOMETRY, "log_bh_mass",
        "Theirs are dynamical masses; ours follow M–σ, without its scatter.",
    ),
    Published(
        "BPT class, lines z < 0.10", "accuracy", 0.75, "1908.07046", "lines_z010", PHOTOMETRY, "",
        "Theirs is the mean recall of four classes and has blue lines as inputs; ours is the "
        "fraction of correct classes from ugriz alone.",
    ),
)  # fmt: skip


def compare_with_published(samples: dict) -> list[dict]:
    """Return each published figure with ours, where the report card has it.

    Parameters
    ----------
    samples : dict
        Reports of `galexplorer.evaluation.scoring.score_sample` by name.

    Returns
    -------
    list of dict
        Fields of `Published`, the mode by name, with ``ours``, ``ours_err`` and ``rows``.
    """
    rows = []
    for result in RESULTS:
        mode = samples.get(result.sample, {}).get("modes", {}).get(result.mode.name, {})
        found = mode.get("targets", {}).get(result.target, {}) if result.target else mode.get("bpt")
        figures = (found or {}).get("galexplorer", {})
        if result.figure not in figures:
            continue
        rows.append(
            {
                **asdict(result),
                "mode": result.mode.name,
                "ours": figures[result.figure],
                "ours_err": figures.get(f"{result.figure}_err"),
                "rows": figures["rows"],
            }
        )
    return rows
