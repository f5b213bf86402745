"""From what a user typed to pixels, photometry and spectroscopic truths, with their origins."""

from collections.abc import Callable

from galexplorer.errors import FetchError
from galexplorer.image.pixels import Pixels
from galexplorer.objids import decode_objid
from galexplorer.query.parse import Reading, parse_target
from galexplorer.records.photometry import Photometry
from galexplorer.schema import IMAGE_BANDS
from galexplorer.sky import catalogue
from galexplorer.sky.cache import Cache
from galexplorer.sky.catalogue import Entry
from galexplorer.sky.cutouts import fetch_hips, fetch_legacy
from galexplorer.sky.dust import ORIGIN, query_extinction
from galexplorer.sky.fetched import Fetched, Source
from galexplorer.sky.frames import fetch_pixels
from galexplorer.sky.http import Network, ServiceError, Settings
from galexplorer.sky.resolve import resolve_name

Progress = Callable[[str], None]

_PIXEL_ORIGINS = {
    "frames": f"SDSS DR{catalogue.DATA_RELEASE} frames",
    "legacy": "Legacy Surveys viewer, layer sdss: frames of SDSS co-added, with smoother noise",
    "hips": "hips2fits (CDS), CDS/P/SDSS9: frames of SDSS resampled, with smoother noise",
}

FIELD_PER_PETROSIAN_RADIUS = 8.0
MIN_SIDE_ARCSEC, DEFAULT_SIDE_ARCSEC, MAX_SIDE_ARCSEC = 80.0, 120.0, 600.0


def fetch_target(
    text: str,
    progress: Progress | None = None,
    *,
    source: Source = "auto",
    settings: Settings | None = None,
) -> Fetched:
    """Get a galaxy's pixels and catalogue values.

    Parameters
    ----------
    text : str
        A name, a position or an SDSS objID.
    progress : callable, optional
        Called with a line of words before each step.
    source : {"auto", "frames", "legacy", "hips"}
        Where to take the pixels; ``auto`` tries them in this order.
    settings : Settings, optional
        Limits of the network, and where the cache is.

    Returns
    -------
    Fetched

    Raises
    ------
    TargetError
        If the text cannot be read, or there is no galaxy where it points.
    FetchError
        If the services gave no pixels.

    Examples
    --------
    >>> fetched = fetch_target("NGC 5332", print)  # doctest: +SKIP
    """
    say = progress or (lambda words: None)
    reading = parse_target(text)
    say(f"{reading.text}: {reading.echo}")
    with Network(settings) as network:
        return _fetch(reading, source, network, Cache(network.settings.cache_dir), say)


def _fetch(
    reading: Reading, source: Source, network: Network, cache: Cache, say: Progress
) -> Fetched:
    origins: dict[str, str] = {}
    notes: list[str] = []
    ra, dec = reading.ra, reading.dec
    if reading.kind == "name":
        say("resolving the name with Sesame")
        position = resolve_name(reading.text, network, cache)
        ra, dec, origins["position"] = position.ra, position.dec, position.origin
        origins["name"] = f"{position.origin}: RA {ra:.5f}°, Dec {dec:+.5f}°"
        say(origins["name"])
    elif reading.kind == "position":
        origins["position"] = "as given"
    say("querying SkyServer for photometry and spectroscopy")
    entry = _find_entry(reading, ra, dec, network, cache, notes)
    if entry is not None:
        ra, dec = entry.ra, entry.dec
        origins |= _catalogue_origins(entry)
    assert ra is not None
    assert dec is not None
    pixels, used = _fetch_pixels(ra, dec, entry, source, network, cache, notes, say)
    origins["pixels"] = _PIXEL_ORIGINS[used]
    photometry = entry.photometry if entry else Photometry()
    extinction_mag = dict(entry.extinction_mag) if entry else {}
    if extinction_mag:
        told = ", ".join(f"{band} {value:.3f}" for band, value in extinction_mag.items())
        origins["extinction"] = f"SDSS DR{catalogue.DATA_RELEASE}: {told}"
    elif not any(band in photometry.magnitudes for band in IMAGE_BANDS):
        # What will be measured on the pixels needs it.
        say("querying IRSA for the Galactic extinction")
        try:
            extinction_mag = query_extinction(ra, dec, network, cache)
            origins["extinction"] = ORIGIN
        except ServiceError as error:
            notes.append(f"The Galactic extinction is unknown and was assumed to be 0: {error}")
            origins["extinction"] = "unknown, assumed to be 0"
    notes = [*(entry.notes if entry else ()), *notes]
    return Fetched(
        reading=reading,
        ra=ra,
        dec=dec,
        pixels=pixels,
        photometry=photometry,
        objid=entry.objid if entry else None,
        truths=entry.truths if entry else {},
        subclass=entry.subclass if entry else "",
        source=used,
        origins=origins,
        notes=tuple(notes),
        requests=network.requests,
        extinction_mag=extinction_mag,
    )


def _find_entry(
    reading: Reading,
    ra: float | None,
    dec: float | None,
    network: Network,
    cache: Cache,
    notes: list[str],
) -> Entry | None:
    """Return the catalogue's entry, or None with a note where a position will do without."""
    try:
        if reading.objid is not None:
            rows = catalogue.query_objid(reading.objid, network, cache)
        else:
            assert ra is not None
            assert dec is not None
            rows = catalogue.query_position(ra, dec, network, cache)
    except ServiceError as error:
        if reading.objid is not None:
            field_of = decode_objid(reading.objid)
            raise FetchError(
                f"{error} Without it the position of objID {reading.objid} in run {field_of.run}, "
                f"field {field_of.field} is unknown: give the position instead."
            ) from error
        notes.append(f"No catalogue values: {error}")
        return None
    return catalogue.choose(rows, reading.text, reading.tolerance_arcsec)


def _catalogue_origins(entry: Entry) -> dict[str, str]:
    release = f"SDSS DR{catalogue.DATA_RELEASE}"
    origins = {"position": f"{release} objID {entry.objid}"}
    if entry.photometry.magnitudes:
        origins["photometry"] = f"{release} model magnitudes, dereddened"
    if entry.photometry.petro_r50 is not None and entry.photometry.petro_r90 is not None:
        origins["petrosian_radii"] = f"{release} petroR50_r, petroR90_r"
    for name in entry.truths:
        fluxes = name.startswith("log_flux")
        origins[name] = {
            "redshift": f"{release} spectrum",
            "log_bh_mass": f"{release} velocity dispersion, M-sigma of McConnell & Ma 2013",
        }.get(name, f"{release} MPA-JHU {'galSpecLine' if fluxes else 'galSpecExtra'}")
    return origins


def _fetch_pixels(
    ra: float,
    dec: float,
    entry: Entry | None,
    source: Source,
    network: Network,
    cache: Cache,
    notes: list[str],
    say: Progress,
) -> tuple[Pixels, str]:
    radius = entry.petro_radius_arcsec if entry else None
    wanted = FIELD_PER_PETROSIAN_RADIUS * radius if radius else DEFAULT_SIDE_ARCSEC
    side_arcsec = min(max(wanted, MIN_SIDE_ARCSEC), MAX_SIDE_ARCSEC)
    failures: list[ServiceError] = []
    unanswered = entry is None and bool(notes)
    for name in ("frames", "legacy", "hips") if source == "auto" else (source,):
        if name == "frames" and entry is None:
            if source == "frames":
                raise FetchError(f"{notes[-1]} Frames cannot be found without them.")
            continue
        try:
            if name == "frames" and entry is not None:
                field_of = entry.field
                say(f"downloading the frames of run {field_of.run}, field {field_of.field}")
                return fetch_pixels(ra, dec, field_of, side_arcsec, network, cache), name
            if name == "legacy":
                say("downloading a cutout from the Legacy Surveys viewer")
                return fetch_legacy(ra, dec, side_arcsec, network, cache), name
            say("downloading cutouts from hips2fits")
            return fetch_hips(ra, dec, side_arcsec, network, cache), name
        except ServiceError as error:
            failures.append(error)
            notes.append(f"Pixels are not from the preferred source: {error}")
            say(str(error))
    reasons = [str(error).split(":")[0].rstrip(".") for error in failures]
    if source == "auto" and unanswered:
        reasons.insert(0, "SDSS frames cannot be located without SkyServer")
    told = "; ".join(reasons)
    raise FetchError(
        f"No pixels could be retrieved ({told}): check the network, or try again later."
    ) from failures[-1]
