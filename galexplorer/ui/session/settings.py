"""What the controls of a session say, and how to set them."""

import streamlit as st

from galexplorer.inference.input_selection import INPUTS
from galexplorer.schema import BANDS
from galexplorer.science.detection import DETECTABLE
from galexplorer.ui.session.link import BOUNDS, CUTS, INTERVALS
from galexplorer.ui.session.request import Options

UNKNOWN, KNOWN, RANGE, PRIOR = "Unknown", "Known", "Range", "Prior"

RANGE_DEFAULT = (0.0, 0.1)
PRIOR_DEFAULT = (0.1, 0.02)


def set_options(options: Options) -> None:
    """Set every control to what some options say; before the controls are drawn.

    Parameters
    ----------
    options : Options
    """
    store = st.session_state
    for band in BANDS:
        store[f"mag_{band}"] = options.magnitudes.get(band)
    store["petro_r50"], store["petro_r90"] = options.petro_r50, options.petro_r90
    store["ra"], store["dec"], store["pixel"] = options.ra, options.dec, options.pixel
    store["pixel_scale"] = options.pixel_scale_arcsec
    store["flux_pixel_scale"] = options.flux_pixel_scale_arcsec
    store["zero_point"], store["exposure"] = options.zero_point, options.exposure_s
    store["ebv"], store["bands"] = options.ebv, options.bands
    store["mask_regions"] = options.mask_regions
    store["galaxy_name"], store["galaxy_place"] = options.name, options.place
    store["redshift"] = options.redshift
    store["redshift_mode"] = (
        KNOWN
        if options.redshift is not None
        else RANGE
        if options.redshift_range
        else PRIOR
        if options.redshift_prior
        else UNKNOWN
    )
    store["prior_mean"], store["prior_sigma"] = options.redshift_prior or PRIOR_DEFAULT
    low, high = options.redshift_range or RANGE_DEFAULT
    store["redshift_low"], store["redshift_high"] = low, high
    store["draws"], store["seed"] = options.draws, options.seed
    store["use"] = list(options.use)
    for name, bounds in CUTS.items():
        store[f"cut_{name}"] = options.cuts.get(name, bounds)
    store["detected"] = list(options.detected)


def fix_redshift(value: float) -> None:
    """Hold the redshift fixed from the next run on."""
    low, high = BOUNDS["redshift"]
    st.session_state["redshift"] = min(max(value, low), high)
    st.session_state["redshift_mode"] = KNOWN


def free_redshift() -> None:
    """Neither hold the redshift fixed nor restrict it from the next run on."""
    st.session_state["redshift_mode"] = UNKNOWN


def read_options() -> Options:
    """Return what the controls say."""
    store = st.session_state
    mode = store.get("redshift_mode", UNKNOWN)
    low, high = (store.get(key) for key in ("redshift_low", "redshift_high"))
    spread = (float(low), float(high)) if low is not None and high is not None else None
    mean, sigma = (store.get(key) for key in ("prior_mean", "prior_sigma"))
    gaussian = (float(mean), float(sigma)) if mean is not None and sigma is not None else None
    chosen = store.get("use", INPUTS)
    cuts = {name: tuple(store.get(f"cut_{name}", bounds)) for name, bounds in CUTS.items()}
    magnitudes = {band: store.get(f"mag_{band}") for band in BANDS}
    return Options(
        magnitudes={band: float(m) for band, m in magnitudes.items() if m is not None},
        petro_r50=store.get("petro_r50"),
        petro_r90=store.get("petro_r90"),
        ra=store.get("ra"),
        dec=store.get("dec"),
        pixel=store.get("pixel"),
        pixel_scale_arcsec=store.get("pixel_scale"),
        flux_pixel_scale_arcsec=store.get("flux_pixel_scale"),
        zero_point=store.get("zero_point"),
        exposure_s=store.get("exposure"),
        ebv=store.get("ebv"),
        bands=store.get("bands"),
        redshift=store.get("redshift") if mode == KNOWN else None,
        redshift_range=spread if mode == RANGE else None,
        redshift_prior=gaussian if mode == PRIOR else None,
        draws=int(store.get("draws") or Options().draws),
        seed=int(store.get("seed") or 0),
        use=tuple(name for name in INPUTS if name in chosen),
        cuts={name: pair for name, pair in cuts.items() if pair != CUTS[name]},
        detected=tuple(line for line in DETECTABLE if line in store.get("detected", ())),
        mask_regions=store.get("mask_regions") or "",
        name=store.get("galaxy_name") or "",
        place=store.get("galaxy_place"),
    )


def lasting_options() -> Options:
    """Return what is the user's and not the galaxy's: draws, seed, inputs and prior cuts."""
    now = read_options()
    return Options(draws=now.draws, seed=now.seed, use=now.use or INPUTS, cuts=now.cuts)


def interval() -> str:
    """Return the interval that tables show."""
    return st.session_state.get("interval") or INTERVALS[0]
