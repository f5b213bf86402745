"""The galaxies that lie near in latent space: gallery, values beside the posterior, map."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from galexplorer.records.result import Neighbour
from galexplorer.science.glossary import explain
from galexplorer.science.summary import (
    class_words,
    emphasise,
    format_number,
    format_value,
    not_measurable,
)
from galexplorer.ui.parts import gallery, latent_map
from galexplorer.ui.parts.galaxy_list import offer_list
from galexplorer.ui.parts.words import verbatim
from galexplorer.ui.session import navigation, state
from galexplorer.ui.session.sources import Source
from galexplorer.ui.session.state import ExploredGalaxy

PICTURES, MAP, TABLE = "Pictures", "Map", "Table"
_COMPARED = {
    "redshift": "z",
    "log_stellar_mass": "log M⋆",
    "log_sfr": "log SFR",
}


@st.fragment
def show_neighbours(record: ExploredGalaxy) -> None:
    """Draw the galaxies nearest in latent space: as pictures, on the map, or as a table.

    Parameters
    ----------
    record : ExploredGalaxy
        Whose result has neighbours.
    """
    st.session_state.setdefault("neighbours_view", PICTURES)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(
            "Nearest neighbours", anchor=False, width="content", help=explain("Latent space")
        )
        view = st.segmented_control(
            "View of the neighbours",
            [PICTURES, MAP, TABLE],
            required=True,
            key="neighbours_view",
            persist_state="session",
            label_visibility="collapsed",
        )
        pictures = gallery.choose_pictures() if view == PICTURES else False
    neighbours = record.result.neighbours
    if view == MAP:
        assert record.result.latent is not None
        # The key names the galaxy and not the draws: for others the map stays as it is.
        place = hashlib.sha256(record.result.latent.tobytes()).hexdigest()[:12]
        latent_map.show_map([record], f"map_{place}", neighbours=[n.name for n in neighbours])
    elif view == TABLE:
        _show_comparison(record, neighbours)
    else:
        gallery.show_gallery(
            neighbours, "neighbours", pictures, _own_card(record), brief=True, numbered=True
        )
        drawn = "as SDSS saw them" if pictures else "as the VAE reconstructs them"
        st.caption(f"Real galaxies nearest in latent space, {drawn}. † The model's median.")


def _show_comparison(record: ExploredGalaxy, neighbours: Sequence[Neighbour]) -> None:
    with st.container(key="numbers_compared"):
        st.table(
            comparison(record, neighbours),
            border="horizontal",
            hide_index=True,
            alt="Posterior of this galaxy and values of its neighbours",
        )
    library = state.load_engine().library
    rows = [library.find_row(neighbour.name) for neighbour in neighbours]
    offer_list(library, rows, "neighbours_list", [n.distance for n in neighbours])
    sources = "; ".join(dict.fromkeys(neighbour.source for neighbour in neighbours))
    st.caption(
        "First row: median and half-width of the 68% interval of this galaxy. Others: published "
        f"values ({sources}); those marked † are the model's medians. Distance in latent space, "
        "and the fraction of library galaxies whose nearest neighbour is closer."
    )


def comparison(record: ExploredGalaxy, neighbours: Sequence[Neighbour]) -> pd.DataFrame:
    """Return the posterior of a galaxy and the values of its neighbours, as words."""
    summary = record.result.posterior.summary()
    result = record.result
    own = {"": "", "Galaxy": "**This galaxy**"}
    for name, short in _COMPARED.items():
        q = summary[name]
        width = f"± {format_value(name, 0.5 * (q['p84'] - q['p16']))}"
        if name in record.result.posterior.fixed:
            width = "fixed"
        own[short] = not_measurable(result, name) or (
            f"{emphasise(result, format_value(name, q['p50']))} {width}"
        )
    own["BPT"] = class_words(result)
    rows = [{**own, "Distance": ""}]
    for k, galaxy in enumerate(neighbours):
        row = {"": str(k + 1), "Galaxy": verbatim(galaxy.name)}
        row |= {short: gallery.value_words(galaxy, name) for name, short in _COMPARED.items()}
        row["BPT"] = gallery.class_words(galaxy)
        row["Distance"] = f"{galaxy.distance:.2f} · {galaxy.percentile:.0f}%"
        rows.append(row)
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
    st.button(
        "Fetch its SDSS image",
        key="fetch_pixels",
        icon=":material/public:",
        help="Resolves the position and infers from the pixels; needs a network.",
        on_click=navigation.explore_target,
        args=(f"{stored.ra:.5f} {stored.dec:+.5f}",),
    )


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
