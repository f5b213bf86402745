"""The only access to the network: every request is timed, bounded, rate-limited and counted.

astroquery has neither retries nor a bound on a body; its sessions are given the adapter below,
so that its requests pass the same door as this package's own.
"""

import http.client
import io
import logging
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

import requests
import urllib3
from astroquery.exceptions import RemoteServiceError, TableParseError
from astroquery.query import BaseQuery
from requests.adapters import HTTPAdapter

from galexplorer.errors import FetchError
from galexplorer.sky.cache import default_folder
from galexplorer.sky.services import legacy_address, read_environment

log = logging.getLogger(__name__)

T = TypeVar("T")

PACE_WINDOW_S = 60.0
SKYSERVER_PER_WINDOW = 60

_RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}
_MAX_WAIT_S = 10.0
_CHUNK_BYTES = 1 << 16

# What requests and astroquery's parsers raise on a bad or missing answer.
_FAILURES = (
    OSError,  # with requests.RequestException and TimeoutError
    http.client.HTTPException,
    urllib3.exceptions.HTTPError,
    RemoteServiceError,
    TableParseError,
    ExpatError,
    SyntaxError,  # a VOTable out of specification
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    ArithmeticError,  # a number too large for its column
)


class ServiceError(FetchError):
    """One service failed.

    Attributes
    ----------
    retry : bool
        The same request may succeed a moment later.
    wait_s : float
        How long the service asked to be left alone.
    """

    def __init__(self, message: str, retry: bool = True, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry = retry
        self.wait_s = wait_s


@dataclass(frozen=True)
class Settings:
    """Limits of the network.

    Attributes
    ----------
    connect_s, read_s : float
        Longest wait for a connection, and for a whole answer that is not a frame.
    frame_s : float
        Longest wait for one frame of 3 MB.
    total_s : float
        Longest time for one galaxy, all services together.
    attempts : int
        Tries of one request.
    backoff_s : float
        Pause after the first failure; it doubles.
    max_body_bytes : int
        Longest answer.
    legacy_url : str
        Legacy Surveys viewer; ``GALEXPLORER_LEGACY_URL`` sets another.
    cache_dir : Path
        ``GALEXPLORER_CACHE`` sets another.
    """

    connect_s: float = 5.0
    read_s: float = 10.0
    frame_s: float = 20.0
    total_s: float = 45.0
    attempts: int = 3
    backoff_s: float = 0.5
    max_body_bytes: int = 40_000_000
    legacy_url: str = field(default_factory=legacy_address)
    cache_dir: Path = field(default_factory=default_folder)


class Network:
    """Requests on behalf of one galaxy, within one stretch of time; close it after use (`with`).

    Parameters
    ----------
    settings : Settings, optional

    Attributes
    ----------
    requests : int
        How many were sent.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        read_environment()
        self.settings = settings or Settings()
        self.requests = 0
        self._end = time.monotonic() + self.settings.total_s
        self._now = threading.local()  # what the question of each thread may still take
        self._lock = threading.Lock()
        self._sessions: list[requests.Session] = []
        self._session = requests.Session()
        self._mount(self._session, self.settings.frame_s)

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *error: object) -> None:
        for session in self._sessions:
            session.close()

    def remaining(self) -> float:
        """Return the seconds that are left, to this thread's question if it asks one."""
        return min(self._end, getattr(self._now, "end", self._end)) - time.monotonic()

    def adopt(self, service: BaseQuery, max_bytes: int | None = None) -> None:
        """Route an astroquery service through this session, without its own cache.

        astroquery would keep an error page for a week. Its switch against that holds for the
        whole process, so that threads would turn it on for each other.

        Parameters
        ----------
        service : astroquery.query.BaseQuery
        max_bytes : int, optional
            Longest answer; default ``settings.max_body_bytes``.
        """
        service._request = partial(service._request, cache=False)
        self._mount(service._session, self.settings.read_s, max_bytes)

    def _mount(
        self, session: requests.Session, limit_s: float, max_bytes: int | None = None
    ) -> None:
        bound = min(max_bytes or self.settings.max_body_bytes, self.settings.max_body_bytes)
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(self, limit_s, bound))
        self._sessions.append(session)

    def count(self) -> None:
        """Count one request."""
        with self._lock:
            self.requests += 1

    def get(
        self,
        service: str,
        url: str,
        params: Mapping[str, str | float] | None = None,
        limit_s: float | None = None,
        max_bytes: int | None = None,
    ) -> bytes:
        """Return the body of one GET; no retry.

        Parameters
        ----------
        service : str
            Name for messages.
        url : str
        params : mapping, optional
        limit_s : float, optional
            Longest wait for the answer; default ``settings.frame_s``.
        max_bytes : int, optional
            Longest answer; default ``settings.max_body_bytes``.

        Raises
        ------
        ServiceError
            If the answer is an error, or empty, or longer than was asked for.
        """
        response = self._session.get(url, params=params, timeout=limit_s)
        check_status(service, response)
        if max_bytes is not None and len(response.content) > max_bytes:
            raise ServiceError(f"{service} sent more data than requested: try again later.")
        if not response.content:
            raise ServiceError(f"{service} returned an empty response: try again later.")
        return response.content

    def ask(self, service: str, call: Callable[[], T], seconds: float) -> T:
        """Call, and again after a failure that may pass.

        Parameters
        ----------
        service : str
            Name for messages.
        call : callable
            One request and the checks of its answer.
        seconds : float
            For all tries together, within what is left in all.

        Raises
        ------
        ServiceError
            If every try failed.
        """
        end = min(time.monotonic() + seconds, self._end)
        self._now.end = end
        try:
            return self._try(service, call, end)
        finally:
            self._now.end = self._end

    def _try(self, service: str, call: Callable[[], T], end: float) -> T:
        for attempt in range(1, self.settings.attempts + 1):
            try:
                return call()
            except ServiceError as error:
                failure = error
            except _FAILURES as error:
                failure = _explain(service, error)
                failure.__cause__ = error
            jitter = 1 + 0.25 * random.random()
            pause = max(self.settings.backoff_s * 2 ** (attempt - 1) * jitter, failure.wait_s)
            if not failure.retry or time.monotonic() + pause >= end:
                break
            if attempt < self.settings.attempts:
                time.sleep(pause)
        raise failure


def check_status(service: str, response: requests.Response) -> None:
    """Raise ServiceError unless an answer's status is 200."""
    if response.status_code == 200:
        return
    try:
        wait_s = float(response.headers.get("Retry-After", 0))
    except ValueError:  # the date form
        wait_s = 0.0
    raise ServiceError(
        _status_sentence(service, response.status_code),
        retry=response.status_code in _RETRY_STATUS,
        wait_s=min(max(wait_s, 0.0), _MAX_WAIT_S),
    )


def _status_sentence(service: str, status: int) -> str:
    reasons = {429: "is receiving too many requests", 404: "does not have the requested data"}
    reason = reasons.get(status, "is unavailable" if status >= 500 else "refused the request")
    return f"{service} {reason} (status {status}): try again later."


def _explain(service: str, error: BaseException) -> ServiceError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return ServiceError(_status_sentence(service, status), retry=status in _RETRY_STATUS)
    if isinstance(error, _BodyTooLongError):
        return ServiceError(f"{service} sent more data than requested: try again later.")
    if isinstance(error, TimeoutError | requests.Timeout):
        return ServiceError(f"{service} did not answer in time: try again later.")
    if isinstance(error, OSError | http.client.HTTPException | urllib3.exceptions.HTTPError):
        return ServiceError(f"{service} cannot be reached: check the network, or try again later.")
    return ServiceError(f"{service} returned an unreadable response: try again later.")


class _BodyTooLongError(OSError):
    """A body went on beyond the bound."""


class _Pace:
    """At most so many requests to a host in any window of time, in all threads together."""

    def __init__(self) -> None:
        self._sent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def wait_s(self, host: str, limit: int) -> float:
        """Take a turn and return 0, or return how long to wait before asking again."""
        with self._lock:
            sent, now = self._sent[host], time.monotonic()
            while sent and now - sent[0] >= PACE_WINDOW_S:
                sent.popleft()
            if len(sent) < limit:
                sent.append(now)
                return 0.0
            return PACE_WINDOW_S - (now - sent[0])


_PACE = _Pace()


class _Adapter(HTTPAdapter):
    """Reads the whole body here, within bounds of size and time."""

    def __init__(self, network: Network, limit_s: float, max_bytes: int) -> None:
        super().__init__(max_retries=0)
        self._network = network
        self._limit_s = limit_s
        self._max_bytes = max_bytes

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        settings, url = self._network.settings, str(request.url)
        self._take_turn(url)
        # What is handed over is meant for each packet; here it holds for the whole answer.
        wanted = timeout if isinstance(timeout, int | float) else self._limit_s
        seconds = min(wanted, self._limit_s, self._network.remaining())
        if seconds <= 0:
            raise requests.ReadTimeout("no time left", request=request)
        begun = time.monotonic()
        end = begun + seconds
        self._network.count()
        response = super().send(
            request, True, (min(settings.connect_s, seconds), seconds), verify, cert, proxies
        )
        body = io.BytesIO()
        try:
            # One packet at a time: a longer read would wait for a server that trickles.
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                body.write(chunk)
                if body.tell() > self._max_bytes:
                    raise _BodyTooLongError(url)
                if time.monotonic() > end:
                    raise requests.ReadTimeout("the answer trickles", request=request)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.ReadTimeout(error, request=request) from error
        finally:
            response.raw.close()
        took_s = time.monotonic() - begun
        log.info(
            "%s %s: %d, %d bytes, %.2f s",
            request.method,
            url,
            response.status_code,
            body.tell(),
            took_s,
        )
        body.seek(0)
        response.raw = body
        return response

    def _take_turn(self, url: str) -> None:
        from astroquery.sdss import conf

        host = urlsplit(url).netloc
        if host != urlsplit(conf.skyserver_baseurl).netloc:
            return
        while wait_s := _PACE.wait_s(host, SKYSERVER_PER_WINDOW):
            if wait_s > self._network.remaining():
                raise ServiceError(
                    f"SkyServer allows {SKYSERVER_PER_WINDOW} queries per minute: try again in "
                    f"{wait_s:.0f} s.",
                    retry=False,
                )
            time.sleep(wait_s)
