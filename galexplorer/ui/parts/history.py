"""What this session explored, in the sidebar of every page that shows galaxies."""

import streamlit as st

from galexplorer.inference.input_selection import INPUTS
from galexplorer.science.detection import label_of
from galexplorer.ui.parts.words import verbatim
from galexplorer.ui.session import navigation, state
from galexplorer.ui.session.masks import count_masks
from galexplorer.ui.session.request import Options

SHOWN = 12


def describe_options(options: Options) -> str:
    """Return in a few words what was stated beside the defaults, empty for nothing."""
    words = []
    if options.redshift is not None:
        words.append(f"z = {options.redshift:.4g}")
    if options.redshift_range is not None:
        words.append("z {:g} to {:g}".format(*options.redshift_range))
    if options.redshift_prior is not None:
        words.append("z prior {:g} ± {:g}".format(*options.redshift_prior))
    if options.magnitudes:
        words.append("user magnitudes")
    if options.petro_r50 is not None or options.petro_r90 is not None:
        words.append("user radii")
    if len(options.use) < len(INPUTS):
        words.append("without " + " ".join(name for name in INPUTS if name not in options.use))
    if options.cuts:
        words.append("prior cuts")
    if options.detected:
        words.append("detected " + ", ".join(map(label_of, options.detected)))
    if options.pixel is not None:
        words.append("at pixel {:.0f}, {:.0f}".format(*options.pixel))
    elif options.ra is not None and options.dec is not None:
        words.append(f"at {options.ra:.4f} {options.dec:+.4f}")
    if number := count_masks(options.mask_regions):
        words.append(f"{number} masked")
    if options.pixel_scale_arcsec is not None:
        words.append(f"{options.pixel_scale_arcsec:g}″ per pixel")
    if options.flux_pixel_scale_arcsec is not None:
        words.append(f"values per {options.flux_pixel_scale_arcsec:g}″ pixel")
    if options.bands is not None:
        words.append("files in " + ", ".join(options.bands))
    if options.zero_point is not None:
        words.append(f"zero point {options.zero_point:g}")
    if options.exposure_s is not None:
        words.append(f"{options.exposure_s:g} s")
    if options.ebv is not None:
        words.append(f"E(B−V) = {options.ebv:g}")
    if options.draws != Options().draws:
        words.append(f"{options.draws:,} draws")
    if options.seed:
        words.append(f"seed {options.seed}")
    return ", ".join(words)


def label(record: state.ExploredGalaxy) -> str:
    """Return a record's name and what sets it apart, for a list."""
    words = describe_options(record.options)
    return f"{record.name} · {words}" if words else record.name


def _icon(record: state.ExploredGalaxy, here: bool) -> str:
    if not record.result.verdict.usable:
        return ":material/block:"
    return ":material/visibility:" if here else ":material/history:"


def show_history(current: str | None = None) -> None:
    """Draw the list of earlier results; a click returns to one.

    Parameters
    ----------
    current : str, optional
        Key of the result on the page.
    """
    records = state.history()
    if not records:
        return
    with st.sidebar, st.container(key="history", gap="xxsmall"):
        st.markdown("**This session**")
        for record in records[:SHOWN]:
            here = record.key == current
            st.button(
                verbatim(label(record)),
                key=f"history_{record.key[:12]}",
                type="tertiary",
                icon=_icon(record, here),
                disabled=here,
                # before the run: the page is drawn once and not twice
                on_click=navigation.explore_again,
                args=(record.key,),
            )
