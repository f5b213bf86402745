"""Galaxies of the library as cards: picture, values, links, and the way to explore them."""

import io
import math
import time
from collections.abc import Sequence

import numpy as np
import streamlit as st
from PIL import Image

from galexplorer.records.result import Neighbour
from galexplorer.science.summary import BPT_LABELS, format_value
from galexplorer.sky.cache import Cache
from galexplorer.sky.http import Network
from galexplorer.sky.pictures import PATIENCE, fetch_pictures
from galexplorer.ui.parts.images import address
from galexplorer.ui.session import navigation

OUTAGE_S = 300.0
"""How long a service that failed is not queried again."""

_SHORT = {
    "redshift": "z",
    "log_stellar_mass": "log M⋆",
    "log_sfr": "log SFR",
    "gas_metallicity": "O/H",
}


def choose_pictures() -> bool:
    """Draw the switch between reconstructions and pictures of SDSS; off until it is wanted."""
    return st.toggle(
        "SDSS pictures",
        key="sdss_pictures",
        persist_state="session",
        help="Fetches SDSS images of these galaxies from the Legacy Surveys viewer, which "
        "receives their positions. When off, nothing is fetched.",
    )


def show_gallery(
    galaxies: Sequence[Neighbour],
    key: str,
    pictures: bool,
    first: tuple[np.ndarray, str, str] | None = None,
) -> None:
    """Draw cards; the run may end in another page.

    Parameters
    ----------
    galaxies : sequence of Neighbour
    key : str
        Apart from other galleries of the page.
    pictures : bool
        Show SDSS's pictures where they can be had.
    first : tuple of (ndarray, str, str), optional
        Picture, alternative text and words of a card that comes first.
    """
    fetched: list[bytes | None] = [None] * len(galaxies)
    if pictures:
        fetched, problem = _fetch(galaxies)
        if problem:
            st.caption(f":material/cloud_off: {problem} Reconstructions are shown instead.")
    width = 120 if first is None else 104  # one row all the same
    with st.grid("auto", min_column_width=width, gap="small", key=f"gallery_{key}"):
        if first is not None:
            picture, alt, words = first
            with st.container(gap="xxsmall"):
                st.image(_picture(picture), width="stretch", alt=alt)
                st.markdown(words)
        for k, (galaxy, jpeg) in enumerate(zip(galaxies, fetched, strict=True)):
            with st.container(gap="xxsmall"):
                _show_card(galaxy, jpeg, f"{key}_{k}")


def _show_card(galaxy: Neighbour, jpeg: bytes | None, key: str) -> None:
    if jpeg is None:
        kind = "VAE reconstruction"
        alt = f"VAE reconstruction of {galaxy.name} from its stored latent, not an observation"
    else:
        kind = f"SDSS, {galaxy.field_arcsec:.0f}″ wide"
        alt = f"SDSS colour picture of {galaxy.name}, {galaxy.field_arcsec:.0f} arcsec wide"
    st.image(
        _picture(galaxy.thumbnail) if jpeg is None else address(jpeg, "jpeg"),
        width="stretch",
        alt=alt,
    )
    st.markdown(_words(galaxy, kind))
    clicked = st.button(
        "Explore",
        key=f"explore_{key}",
        width="stretch",
        help=f"Explore {galaxy.name} from its stored latents: works without a network.",
    )
    if clicked:
        navigation.explore_library(galaxy.name)


@st.cache_data(show_spinner=False, max_entries=512)
def _picture(picture: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return address(buffer.getvalue())


def _words(galaxy: Neighbour, kind: str) -> str:
    lines = [f"**{galaxy.name}**", f"*{kind}*"]
    if math.isfinite(galaxy.distance):
        lines.append(f"distance {galaxy.distance:.2f} · {galaxy.percentile:.0f}%")
    lines += [
        f"{_SHORT[name]} {value_words(galaxy, name)}" for name in ("redshift", "log_stellar_mass")
    ]
    links = sky_links(galaxy)
    lines.append(" · ".join(f"[{name}]({url})" for name, url in links.items()))
    return ":small[" + "  \n".join(lines) + "]"


def value_words(galaxy: Neighbour, name: str) -> str:
    """Return a galaxy's published value of a target, or the model's in italics with a mark."""
    if name in galaxy.known:
        return format_value(name, galaxy.known[name])
    if name not in galaxy.medians:
        return ""
    return f"*{format_value(name, galaxy.medians[name])}*†"


def class_words(galaxy: Neighbour) -> str:
    """Return a galaxy's BPT class in the same manner."""
    label = BPT_LABELS.get(galaxy.bpt, "")
    return label if galaxy.bpt_published or not label else f"*{label}*†"


def sky_links(galaxy: Neighbour) -> dict[str, str]:
    """Return links to a galaxy's position at SkyServer, the Legacy Surveys, NED and Simbad."""
    ra, dec = f"{galaxy.ra:.5f}", f"{galaxy.dec:.5f}"
    return {
        "SkyServer": "https://skyserver.sdss.org/dr17/VisualTools/navi"
        f"?ra={ra}&dec={dec}&scale=0.2",
        "Legacy": f"https://www.legacysurvey.org/viewer?ra={ra}&dec={dec}&layer=sdss&zoom=15",
        "NED": "https://ned.ipac.caltech.edu/conesearch?search_type=Near%20Position%20Search"
        f"&coordinates={ra}d%20{dec}d&radius=0.2&in_csys=Equatorial&in_equinox=J2000",
        "Simbad": f"https://simbad.cds.unistra.fr/simbad/sim-coo?Coord={ra}%20{galaxy.dec:+.5f}"
        "&Radius=12&Radius.unit=arcsec",
    }


@st.cache_resource(show_spinner=False)
def _outage() -> dict[str, tuple[float, str]]:
    """Return the memory that all sessions share of a service that failed: until when, and why."""
    return {}


def _fetch(galaxies: Sequence[Neighbour]) -> tuple[list[bytes | None], str]:
    until, why = _outage().get("pictures", (0.0, ""))
    if time.monotonic() < until:
        return [None] * len(galaxies), why
    places = [(galaxy.ra, galaxy.dec, galaxy.field_arcsec) for galaxy in galaxies]
    with st.spinner("Fetching SDSS pictures …"), Network(PATIENCE) as network:
        pictures, problem = fetch_pictures(places, network, Cache(PATIENCE.cache_dir))
    if problem:
        _outage()["pictures"] = (time.monotonic() + OUTAGE_S, problem)
    return pictures, problem
