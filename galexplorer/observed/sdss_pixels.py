"""Pixels of many galaxies: each frame downloaded once where possible, few requests at a time."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from galexplorer.errors import FetchError
from galexplorer.image.pixels import Pixels
from galexplorer.objids import Field
from galexplorer.sky.cache import Cache
from galexplorer.sky.cutouts import fetch_legacy
from galexplorer.sky.fetch import (
    DEFAULT_SIDE_ARCSEC,
    FIELD_PER_PETROSIAN_RADIUS,
    MAX_SIDE_ARCSEC,
    MIN_SIDE_ARCSEC,
)
from galexplorer.sky.frames import SERVICE, Archive, Frames, cut_pixels, fetch_frames
from galexplorer.sky.http import Network, ServiceError, Settings
from galexplorer.sky.mosaic import Footprint, query_footprints

Source = Literal["frames", "legacy"]

STRIP_FIELDS = 8
STRIP_CUTOUTS = 4
FRAMES_S = 120.0

_KEPT_FIELDS = 3  # a field, and those before and after it
_MAX_GAP = 2
_MAX_BAND_OFFSET_PX = 100.0


@dataclass(frozen=True)
class CutoutRequest:
    """A galaxy whose pixels are wanted.

    Attributes
    ----------
    number : int
        Its place in the set.
    ra, dec : float
        ICRS degrees.
    field : Field
    side_arcsec : float
        Side of the cutout: as `galexplorer fetch` takes it.
    """

    number: int
    ra: float
    dec: float
    field: Field
    side_arcsec: float


@dataclass(frozen=True)
class PixelResult:
    """What came of a galaxy: pixels, or the reason why there are none.

    Attributes
    ----------
    target : CutoutRequest
    pixels : Pixels or None
    reason : str
    received_bytes : int
        On its account; frames count for the first galaxy that needed them.
    """

    target: CutoutRequest
    pixels: Pixels | None
    reason: str
    received_bytes: int


def targets_of(rows: pd.DataFrame) -> list[CutoutRequest]:
    """Return the galaxies of a selection, in its order."""
    columns = ("ra", "dec", "run", "rerun", "camcol", "field", "petroRad_r")
    return [
        CutoutRequest(number, ra, dec, Field(run, rerun, camcol, field), _side(radius))
        for number, (ra, dec, run, rerun, camcol, field, radius) in enumerate(
            zip(*(rows[name].tolist() for name in columns), strict=True)
        )
    ]


def fetch_all(
    targets: Sequence[CutoutRequest], source: Source, parallel: int, settings: Settings
) -> Iterator[PixelResult]:
    """Download pixels, in the order in which they come.

    Parameters
    ----------
    targets : sequence of CutoutRequest
        Those of one field together, and fields in the order of the survey.
    source : {"frames", "legacy"}
    parallel : int
        How many fields (three requests each) or cutouts are asked for at a time.
    settings : Settings

    Yields
    ------
    PixelResult
        One for each target.
    """
    fetch: Callable[[list[CutoutRequest], Settings], list[PixelResult]]
    fetch = _fetch_from_frames if source == "frames" else _fetch_from_legacy
    strips = _join_fields(targets) if source == "frames" else _join_cutouts(targets)
    running: set[Future[list[PixelResult]]] = set()
    with ThreadPoolExecutor(parallel) as pool:
        try:
            for strip in strips:
                running.add(pool.submit(fetch, strip, settings))
                if len(running) > parallel:  # one waits, so that no thread does
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield from future.result()
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _side(petro_radius_arcsec: float) -> float:
    known = petro_radius_arcsec > 0
    wanted = FIELD_PER_PETROSIAN_RADIUS * petro_radius_arcsec if known else DEFAULT_SIDE_ARCSEC
    return min(max(wanted, MIN_SIDE_ARCSEC), MAX_SIDE_ARCSEC)


def _join_fields(targets: Sequence[CutoutRequest]) -> Iterator[list[CutoutRequest]]:
    """Cut the targets into strips of neighbouring fields, which may share frames."""
    strip: list[CutoutRequest] = []
    for target in targets:
        if strip:
            first, last, this = strip[0].field, strip[-1].field, target.field
            together = (first.run, first.rerun, first.camcol) == (
                this.run,
                this.rerun,
                this.camcol,
            )
            together = together and 0 <= this.field - last.field <= _MAX_GAP
            if not together or this.field - first.field >= STRIP_FIELDS:
                yield strip
                strip = []
        strip.append(target)
    if strip:
        yield strip


def _join_cutouts(targets: Sequence[CutoutRequest]) -> Iterator[list[CutoutRequest]]:
    for first in range(0, len(targets), STRIP_CUTOUTS):
        yield list(targets[first : first + STRIP_CUTOUTS])


class FrameCache(Archive):
    """The archive, with the frames of the last few fields of a strip kept, and patience.

    A cut must not go on without frames that were only not to be had this time, so that is
    another error than that there are none.
    """

    def __init__(self, strip: Field, settings: Settings) -> None:
        self.received_bytes = 0
        self._strip = (strip.run, strip.camcol)
        self._settings = settings
        self._fields: dict[Field, Frames | FetchError] = {}

    def frames(self, field: Field, seconds: float) -> Frames:
        """Return the frames of a field.

        Raises
        ------
        ServiceError
            If the archive keeps saying that there are none: a run ends here.
        FetchError
            If they were unavailable this time.
        """
        found = self._fields.get(field)
        if found is None:
            found = self._fields[field] = self._fetch(field)
            if len(self._fields) > _KEPT_FIELDS:
                del self._fields[min(self._fields, key=self._worth)]
        if isinstance(found, FetchError):
            raise found
        return found

    def _worth(self, field: Field) -> tuple[bool, int]:
        """Rank what is kept: a strip is gone through from its first field, and seldom left."""
        return (field.run, field.camcol) == self._strip, field.field

    def footprints(self, ra: float, dec: float) -> list[Footprint]:
        """Return where the frames near a position lie, or raise FetchError."""
        with Network(self._settings) as network:
            try:
                found = query_footprints(ra, dec, network, _no_cache(self._settings))
            except ServiceError as error:
                raise FetchError(str(error)) from error
        if not found:  # where a galaxy is, there is at least its own
            raise FetchError("SkyServer returned no frames near the galaxy: try again later.")
        return found

    def _fetch(self, field: Field) -> Frames | FetchError:
        failure = FetchError(f"{SERVICE} was not queried.")
        for attempt in range(self._settings.attempts):
            if attempt:
                time.sleep(self._settings.backoff_s * 2**attempt)
            with Network(self._settings) as network:
                try:
                    frames = fetch_frames(field, network, _no_cache(self._settings), FRAMES_S)
                except ServiceError as error:
                    if error.retry:  # which the network did
                        return FetchError(str(error))
                    failure = error  # that there is no frame may be a slip: asked again
                    continue
            self.received_bytes += sum(len(raw) for raw, _ in frames.values())
            if _are_of_one_field(frames):
                return frames
            failure = FetchError(f"{SERVICE} returned frames of other fields: try again later.")
        return failure


def _are_of_one_field(frames: Frames) -> bool:
    """Tell whether g and i lie where r does, but for the few pixels of the camera's distortion.

    Only the header of r names the field.
    """
    wcs, (height, width) = frames["r"][1].coordinates.wcs, frames["r"][1].data.shape
    assert wcs is not None
    centre = (0.5 * width, 0.5 * height)
    ra, dec = wcs.pixel_to_world_values(*centre)
    for _, image in frames.values():
        assert image.coordinates.wcs is not None
        x, y = image.coordinates.wcs.world_to_pixel_values(ra, dec)
        # written so that NaN fails
        if not math.hypot(float(x) - centre[0], float(y) - centre[1]) < _MAX_BAND_OFFSET_PX:
            return False
    return True


def _fetch_from_frames(strip: list[CutoutRequest], settings: Settings) -> list[PixelResult]:
    cache = FrameCache(strip[0].field, settings)
    results = []
    for target in strip:
        before = cache.received_bytes
        pixels, reason = None, ""
        try:
            pixels = cut_pixels(target.ra, target.dec, target.field, target.side_arcsec, cache)
        except FetchError as error:
            reason = str(error)
        results.append(PixelResult(target, pixels, reason, cache.received_bytes - before))
    return results


def _fetch_from_legacy(strip: list[CutoutRequest], settings: Settings) -> list[PixelResult]:
    results = []
    for target in strip:
        pixels, reason, received = None, "", 0
        with Network(settings) as network:
            try:
                pixels = fetch_legacy(
                    target.ra, target.dec, target.side_arcsec, network, _no_cache(settings)
                )
                received = pixels.flux.nbytes  # but for the header
            except FetchError as error:
                reason = str(error)
        results.append(PixelResult(target, pixels, reason, received))
    return results


def _no_cache(settings: Settings) -> Cache:
    """Return a cache that keeps nothing: a survey would drive out what its user looked at."""
    return Cache(settings.cache_dir, max_bytes=0)
