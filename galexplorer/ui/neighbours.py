"""The galaxies that lie near in latent space."""

import streamlit as st

from galexplorer.inference.result import Neighbour, Result


def show_neighbours(result: Result, key: str) -> None:
    """Draw the galaxies nearest in latent space.

    Parameters
    ----------
    result : Result
        With neighbours.
    key : str
        Hash that names the result.
    """
    st.subheader("Nearest neighbours", anchor=False)
    sources = "; ".join(dict.fromkeys(neighbour.source for neighbour in result.neighbours))
    st.caption(
        "Real galaxies nearest in latent space, with their known values. The pictures are the "
        "VAE's reconstructions from the stored latents, not photographs: the links lead to "
        f"those. Values: {sources}."
    )
    with st.grid(8, min_column_width=120, gap="small", key="neighbours"):
        for neighbour in result.neighbours:
            with st.container(gap="xxsmall"):
                st.image(
                    neighbour.thumbnail,
                    width="stretch",
                    alt=f"VAE reconstruction of {neighbour.name}, not a photograph",
                )
                st.markdown(_neighbour_words(neighbour))


def _neighbour_words(neighbour: Neighbour) -> str:
    known = neighbour.known
    lines = [f"**{neighbour.name}**", f"distance {neighbour.distance:.2f}"]
    if "redshift" in known:
        lines.append(f"z {known['redshift']:.3f}")
    if "log_stellar_mass" in known:
        lines.append(f"log M⋆ {known['log_stellar_mass']:.2f}")
    if "r" in known:
        lines.append(f"r {known['r']:.2f} mag")
    lines += [f"[{name}]({url})" for name, url in sky_links(neighbour).items()]
    return ":small[" + "  \n".join(lines) + "]"


def sky_links(neighbour: Neighbour) -> dict[str, str]:
    """Return links to a galaxy's position at SkyServer, the Legacy Surveys and NED."""
    ra, dec = f"{neighbour.ra:.5f}", f"{neighbour.dec:.5f}"
    return {
        "SkyServer": "https://skyserver.sdss.org/dr17/VisualTools/navi"
        f"?ra={ra}&dec={dec}&scale=0.2",
        "Legacy": f"https://www.legacysurveys.org/viewer?ra={ra}&dec={dec}&layer=sdss&zoom=15",
        "NED": "https://ned.ipac.caltech.edu/conesearch?search_type=Near%20Position%20Search"
        f"&coordinates={ra}d%20{dec}d&radius=0.2&in_csys=Equatorial&in_equinox=J2000",
    }
