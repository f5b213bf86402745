"""Messages through a real hub on this computer, and none to another."""

import os

import numpy as np
import pytest
from astropy.io.votable import parse_single_table
from pyvo.samp import SAMPHubServer, SAMPIntegratedClient, conf

from galexplorer.errors import OptionError
from galexplorer.export.samp import find_hub, send_position, send_table


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub whose lock file is the test's own."""
    lock = tmp_path / "samp-lock"
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{lock.as_uri()}")
    with conf.set_temp("use_internet", False):
        server = SAMPHubServer(addr="127.0.0.1", lockfile=str(lock), web_profile=False)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def topcat(hub):
    """A program that takes tables and positions, and keeps what it was sent."""
    received = []
    with conf.set_temp("use_internet", False):
        client = SAMPIntegratedClient(name="TOPCAT", addr="127.0.0.1")
        client.connect(hub_params=find_hub())

    def take(key, sender, message, kind, parameters, extra):
        if "url" in parameters:
            received.append(parse_single_table(parameters["url"].removeprefix("file://")))
        received.append(parameters)
        client.reply(message, {"samp.status": "samp.ok", "samp.result": {}})

    for kind in ("table.load.votable", "coord.pointAt.sky"):
        client.bind_receive_call(kind, take)
    yield received
    client.disconnect()


@pytest.mark.slow  # a busy machine may not answer in time
def test_draws_and_position_arrive(topcat, result):
    assert send_table(result, "Haro 25") == 1
    table, said = topcat
    assert said["table-id"] == "galexplorer Haro 25"
    assert not os.path.exists(said["url"].removeprefix("file://"))
    column = np.asarray(table.array["redshift"], float)
    np.testing.assert_allclose(column, result.posterior.column("redshift"), rtol=1e-6)
    assert send_position(162.18416, 26.05369) == 1
    assert topcat[-1] == {"ra": "162.1841600", "dec": "26.0536900"}


def test_a_hub_without_programs_says_so(hub, result):
    with pytest.raises(OptionError, match="No program that takes positions"):
        send_position(1.0, 2.0)


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        (None, "No SAMP hub runs"),
        ("samp.secret=x\nsamp.hub.xmlrpc.url=http://192.0.2.1:21012/xmlrpc\n", "on 192.0.2.1"),
        ("nothing\n", "No SAMP hub runs"),
        ("samp.secret=x\nsamp.hub.xmlrpc.url=http://127.0.0.1:9/xmlrpc\n", "No SAMP hub runs"),
    ],
)
def test_another_computer_is_never_asked(tmp_path, monkeypatch, lock, words):
    path = tmp_path / "lock%41"
    if lock is not None:
        path.write_text(lock)
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{path.as_uri()}")
    with pytest.raises(OptionError, match=words):
        send_position(1.0, 2.0)
    monkeypatch.setenv("SAMP_HUB", "std-lockurl:http://192.0.2.1/lock")
    with pytest.raises(OptionError, match="no file of this computer"):
        send_position(1.0, 2.0)
