"""Bounds on time and size that one request keeps, and the pace of many."""

import contextlib
import socket
import threading
import time

import pytest
import sky_replay
from astropy.config import set_temp_cache
from astroquery import cache_conf

from galexplorer.errors import FetchError
from galexplorer.sky import catalogue
from galexplorer.sky.cache import Cache
from galexplorer.sky.http import Network, ServiceError, Settings, _Pace
from galexplorer.sky.resolve import resolve_name


@pytest.fixture
def trickler():
    """A server that sends one byte every 0.1 s, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                try:
                    while not done.wait(0.1):
                        connection.sendall(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        done.set()
        thread.join()


def test_an_answer_that_trickles_is_cut_off(trickler, tmp_path):
    """Each packet comes in time, the whole does not."""
    with Network(Settings(cache_dir=tmp_path, attempts=1)) as network:
        began = time.monotonic()
        with pytest.raises(ServiceError, match="did not answer in time"):
            network.ask("It", lambda: network.get("It", trickler, limit_s=1.0), 5.0)
        assert time.monotonic() - began < 3.0


def test_the_pace():
    pace = _Pace()
    waits = [pace.wait_s("host", 60) for _ in range(61)]
    assert waits[:60] == [0.0] * 60
    assert 59 < waits[60] <= 60
    assert pace.wait_s("another", 60) == 0.0


def test_rows_that_went_missing_are_noticed(replay, settings, monkeypatch):
    """A table cut off between two lines is a table."""
    cache = Cache(settings.cache_dir)
    answer = sky_replay._ANSWERS["skyserver"]

    def cut(sky, path):
        status, body, kind = answer(sky, path)
        return status, body[: body.rstrip().rindex(b"\n") + 1], kind

    monkeypatch.setitem(sky_replay._ANSWERS, "skyserver", cut)
    with Network(settings) as network, pytest.raises(ServiceError, match="incomplete response"):
        catalogue.query_position(162.1832, 26.0537, network, cache)
    assert cache.entries() == []
    monkeypatch.undo()
    with replay.configured(), Network(settings) as network:
        assert len(catalogue.query_position(162.1832, 26.0537, network, cache)) > 1


def test_astroquery_keeps_nothing_of_its_own(replay, settings, tmp_path, monkeypatch):
    """Not even where the user's configuration tells it to, and not from two threads at once."""
    replay.faults |= {"sesame": "404", "ned": "html"}
    with cache_conf.set_temp("cache_active", True), set_temp_cache(tmp_path):
        threads = [threading.Thread(target=_look_up, args=(settings,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not list(tmp_path.rglob("*.pickle"))


def _look_up(settings) -> None:
    with Network(settings) as network, contextlib.suppress(FetchError):
        resolve_name("Haro 25", network, Cache(settings.cache_dir))
