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
from galexplorer.sky.links import link_words, sky_links
from galexplorer.ui.parts.images import address
from galexplorer.ui.parts.words import verbatim
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
    brief: bool = False,
    numbered: bool = False,
) -> None:
    """Draw cards, each with the way to explore its galaxy.

    Parameters
    ----------
    galaxies : sequence of Neighbour
    key : str
        Apart from other galleries of the page.
    pictures : bool
        Show SDSS's pictures where they can be had.
    first : tuple of (ndarray, str, str), optional
        Picture, alternative text and words of a card that comes first.
    brief : bool
        Fewer words and links, for half a page.
    numbered : bool
        Number the cards, as the map numbers its rings.
    """
    fetched: list[bytes | None] = [None] * len(galaxies)
    if pictures:
        fetched, problem = _fetch(galaxies)
        if problem:
            st.caption(
                f":material/cloud_off: {verbatim(problem)} Reconstructions are shown where no "
                "picture was fetched before."
            )
    width = 100 if brief else 120
    with st.grid("auto", min_column_width=width, gap="small", key=f"gallery_{key}"):
        if first is not None:
            picture, alt, words = first
            with st.container(gap="xxsmall"):
                st.image(thumbnail_address(picture), width="stretch", alt=alt)
                st.markdown(words)
        for k, (galaxy, jpeg) in enumerate(zip(galaxies, fetched, strict=True)):
            with st.container(gap="xxsmall"):
                _show_card(
                    galaxy, jpeg, f"{key}_{galaxy.name}", brief, f"{k + 1} · " if numbered else ""
                )


def _show_card(galaxy: Neighbour, jpeg: bytes | None, key: str, brief: bool, number: str) -> None:
    if jpeg is None:
        kind = "VAE reconstruction"
        alt = f"VAE reconstruction of {galaxy.name} from its stored latent, not an observation"
    else:
        kind = f"SDSS, {galaxy.field_arcsec:.0f}″ wide"
        alt = f"SDSS colour picture of {galaxy.name}, {galaxy.field_arcsec:.0f} arcsec wide"
    st.image(
        thumbnail_address(galaxy.thumbnail) if jpeg is None else address(jpeg, "jpeg"),
        width="stretch",
        alt=alt,
    )
    st.markdown(_brief_words(galaxy, number) if brief else _words(galaxy, kind, number))
    st.button(
        "Explore",
        key=f"explore_{key}",  # of the galaxy: its place may soon be another's
        width="stretch",
        help=f"Explore {verbatim(galaxy.name)} from its stored latents: works without a network.",
        on_click=navigation.explore_library,
        args=(galaxy.name,),
    )


@st.cache_data(show_spinner=False, max_entries=512)
def thumbnail_address(picture: np.ndarray) -> str:
    """Return a picture of a card as an address."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return address(buffer.getvalue())


def _words(galaxy: Neighbour, kind: str, number: str = "") -> str:
    lines = [f"**{number}{verbatim(galaxy.name)}**", f"*{kind}*"]
    if math.isfinite(galaxy.distance):
        lines.append(f"distance {galaxy.distance:.2f} · {galaxy.percentile:.0f}%")
    lines += [
        f"{_SHORT[name]} {value_words(galaxy, name)}" for name in ("redshift", "log_stellar_mass")
    ]
    lines.append(link_words(links_of(galaxy)))
    return ":small[" + "  \n".join(lines) + "]"


def _brief_words(galaxy: Neighbour, number: str) -> str:
    links = links_of(galaxy)
    lines = [
        f"**{number}z {value_words(galaxy, 'redshift')}**",
        f"log M⋆ {value_words(galaxy, 'log_stellar_mass')}",
        verbatim(galaxy.name),
        link_words({name: links[name] for name in ("NED", "Simbad")}),
    ]
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


def links_of(galaxy: Neighbour) -> dict[str, str]:
    """Return links to a galaxy's position in archives and sky viewers."""
    side = galaxy.field_arcsec if math.isfinite(galaxy.field_arcsec) else 60.0
    return sky_links(galaxy.ra, galaxy.dec, 2 * side)


@st.cache_resource(show_spinner=False)
def _outage() -> dict[str, tuple[float, str]]:
    """Return the memory that all sessions share of a service that failed: until when, and why."""
    return {}


def _fetch(galaxies: Sequence[Neighbour]) -> tuple[list[bytes | None], str]:
    from galexplorer.sky.cache import Cache  # clients of services: only where asked
    from galexplorer.sky.http import Network
    from galexplorer.sky.pictures import PATIENCE, fetch_pictures, kept_pictures

    places = [(galaxy.ra, galaxy.dec, galaxy.field_arcsec) for galaxy in galaxies]
    until, why = _outage().get("pictures", (0.0, ""))
    if time.monotonic() < until:
        kept = kept_pictures(places, Cache(PATIENCE.cache_dir))
        return kept, why if None in kept else ""
    with st.spinner("Fetching SDSS pictures …"), Network(PATIENCE) as network:
        pictures, problem = fetch_pictures(places, network, Cache(PATIENCE.cache_dir))
    if problem:
        _outage()["pictures"] = (time.monotonic() + OUTAGE_S, problem)
    return pictures, problem
