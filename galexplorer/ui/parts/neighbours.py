"""The galaxies that lie near in latent space: gallery, values beside the posterior, map."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from galexplorer.records.result import Neighbour
from galexplorer.science.summary import (
    class_words,
    emphasise,
    format_number,
    format_value,
    not_measurable,
)
from galexplorer.ui.parts import gallery, latent_map
from galexplorer.ui.session import navigation, state
from galexplorer.ui.session.sources import Source
from galexplorer.ui.session.state import ExploredGalaxy

_COMPARED = {
    "redshift": "z",
    "log_stellar_mass": "log M⋆",
    "log_sfr": "log SFR",
}


@st.fragment
def show_neighbours(record: ExploredGalaxy) -> None:
    """Draw the galaxies nearest in latent space, and the map they lie on.

    Parameters
    ----------
    record : ExploredGalaxy
        Whose result has neighbours.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.subheader("Nearest neighbours", anchor=False, width="content")
        pictures = gallery.choose_pictures()
    neighbours = record.result.neighbours
    sources = "; ".join(dict.fromkeys(neighbour.source for neighbour in neighbours))
    st.caption(
        "Real galaxies nearest in latent space. The percentage is the fraction of library "
        "galaxies whose nearest neighbour is closer than this. Values are published ones "
        f"({sources}); those marked † are the model's medians."
    )
    gallery.show_gallery(neighbours, "neighbours", pictures, _own_card(record))
    left, right = st.columns([6, 5], gap="medium")
    with right:
        st.markdown("**Compared with the posterior**")
        st.table(
            comparison(record, neighbours),
            border="horizontal",
            hide_index=True,
            alt="Posterior of this galaxy and values of its neighbours",
        )
        st.caption("First row: median and half-width of the 68% interval of this galaxy.")
    assert record.result.latent is not None
    # The key names the galaxy and not the draws: for others the map stays as it is.
    place = hashlib.sha256(record.result.latent.tobytes()).hexdigest()[:12]
    with left:
        latent_map.show_map([record], f"map_{place}", neighbours=[n.name for n in neighbours])


def comparison(record: ExploredGalaxy, neighbours: Sequence[Neighbour]) -> pd.DataFrame:
    """Return the posterior of a galaxy and the values of its neighbours, as words."""
    summary = record.result.posterior.summary()
    result = record.result
    own = {"Galaxy": "**This galaxy**"}
    for name, short in _COMPARED.items():
        q = summary[name]
        width = f"± {format_value(name, 0.5 * (q['p84'] - q['p16']))}"
        if name in record.result.posterior.fixed:
            width = "fixed"
        own[short] = not_measurable(result, name) or (
            f"{emphasise(result, format_value(name, q['p50']))} {width}"
        )
    own["BPT"] = class_words(result)
    rows = [own]
    for galaxy in neighbours:
        row = {"Galaxy": galaxy.name}
        row |= {short: gallery.value_words(galaxy, name) for name, short in _COMPARED.items()}
        rows.append({**row, "BPT": gallery.class_words(galaxy)})
    return pd.DataFrame(rows)


def offer_pixels(source: Source | None) -> None:
    """Offer to fetch the image of a galaxy that was explored from the library.

    Parameters
    ----------
    source : Source or None
    """
    stored = source.stored.stored if source is not None and source.stored is not None else None
    if stored is None:
        return
    clicked = st.button(
        "Fetch its SDSS image",
        key="fetch_pixels",
        icon=":material/public:",
        help="Resolves the position and infers from the pixels; needs a network.",
    )
    if clicked:
        navigation.explore_target(f"{stored.ra:.5f} {stored.dec:+.5f}")


def _own_card(record: ExploredGalaxy) -> tuple[np.ndarray, str, str] | None:
    """Return the picture of the galaxy itself, where the page shows none yet."""
    if record.source is None or record.source.kind != "library":
        return None
    q = record.result.posterior.summary()
    median = {name: format_value(name, q[name]["p50"]) for name in ("redshift", "log_stellar_mass")}
    words = (
        ":small["
        + "  \n".join(
            [
                "**This galaxy**",
                "*VAE reconstruction*",
                f"z {median['redshift']}",
                f"log M⋆ {format_number(q['log_stellar_mass']['p50'], 2)}",
            ]
        )
        + "]"
    )
    engine = state.load_engine()
    picture = engine.describe([engine.library.find_row(record.source.name)])[0].thumbnail
    return picture, "VAE reconstruction of this galaxy", words
