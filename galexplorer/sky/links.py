"""Where else to look at a position: links that nobody but the user opens."""


def sky_links(ra: float, dec: float, side_arcsec: float = 120.0) -> dict[str, str]:
    """Return links to a position in archives and sky viewers, by their name.

    Parameters
    ----------
    ra, dec : float
        Degrees, ICRS.
    side_arcsec : float
        Side of the field that a viewer should show.

    Examples
    --------
    >>> list(sky_links(162.18416, 26.05369))
    ['SkyServer', 'Legacy', 'NED', 'Simbad', 'ESASky', 'Aladin']
    """
    x, y, signed = f"{ra:.5f}", f"{dec:.5f}", f"{dec:+.5f}"
    fov = f"{side_arcsec / 3600:.4f}"
    return {
        "SkyServer": f"https://skyserver.sdss.org/dr17/VisualTools/navi?ra={x}&dec={y}&scale=0.2",
        "Legacy": f"https://www.legacysurvey.org/viewer?ra={x}&dec={y}&layer=sdss&zoom=15",
        "NED": "https://ned.ipac.caltech.edu/conesearch?search_type=Near%20Position%20Search"
        f"&coordinates={x}d%20{y}d&radius=0.2&in_csys=Equatorial&in_equinox=J2000",
        "Simbad": f"https://simbad.cds.unistra.fr/simbad/sim-coo?Coord={x}%20{signed}"
        "&Radius=12&Radius.unit=arcsec",
        "ESASky": f"https://sky.esa.int/esasky/?target={x}%20{y}&fov={fov}&cooframe=J2000"
        "&hips=SDSS9%20color&sci=true",
        "Aladin": f"https://aladin.cds.unistra.fr/AladinLite/?target={x}%20{signed}&fov={fov}"
        "&survey=CDS%2FP%2FSDSS9%2Fcolor",
    }


def link_words(links: dict[str, str]) -> str:
    """Return links as one line of Markdown."""
    return " · ".join(f"[{name}]({url})" for name, url in links.items())
