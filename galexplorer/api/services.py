"""What SDSS knows of a galaxy, by its name or position."""

from collections.abc import Callable

from galexplorer.sky.fetched import Fetched, Source


def fetch(
    target: str, source: Source = "auto", progress: Callable[[str], None] | None = None
) -> Fetched:
    """Get a galaxy's gri pixels and catalogue values from SDSS.

    Parameters
    ----------
    target : str
        A name, a position or an SDSS objID.
    source : {"auto", "frames", "legacy", "hips"}
        Where to take the pixels; ``auto`` tries them in this order.
    progress : callable, optional
        Is told in a few words what is being done.

    Returns
    -------
    galexplorer.sky.fetched.Fetched
        With ``pixels.flux`` (3, H, W) in nanomaggies, ``pixels.wcs``, ``photometry``, and the
        spectroscopic values that SDSS lists. `Engine.infer` takes it.

    Raises
    ------
    TargetError
        If the text cannot be read, or there is no galaxy where it points.
    FetchError
        If the services give no pixels.

    Examples
    --------
    >>> import galexplorer as gx
    >>> galaxy = gx.fetch("M 101")  # doctest: +SKIP
    """
    from galexplorer.sky.fetch import fetch_target  # clients of services: only where asked

    return fetch_target(target, progress, source=source)
