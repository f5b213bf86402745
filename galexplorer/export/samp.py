"""Results to TOPCAT, Aladin and other programs of this computer, by SAMP.

SAMP (Taylor et al. 2015, A&C 11, 81) is the Virtual Observatory's way for programs of a desktop to
talk to each other through a hub. Only a hub on this computer is spoken to.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from galexplorer.errors import OptionError
from galexplorer.export.files import result_bytes
from galexplorer.records.result import Result

if TYPE_CHECKING:
    from pyvo.samp import SAMPIntegratedClient

_LOCAL = {"127.0.0.1", "localhost", "::1"}
_LOCK_BYTES = 10_000
_WAIT_S = 20
_NO_HUB = "No SAMP hub runs on this computer: start TOPCAT or Aladin, which bring one."


def find_hub() -> dict[str, str]:
    """Return what the lock file of a hub on this computer says.

    Returns
    -------
    dict of str to str
        Its keys begin with ``samp.``.

    Raises
    ------
    OptionError
        If there is none, or it is another computer's.
    """
    try:
        with _lock_file().open("rb") as file:
            lines = file.read(_LOCK_BYTES).decode("utf-8", "replace").splitlines()
    except OSError as error:
        raise OptionError(_NO_HUB) from error
    told = dict(line.split("=", 1) for line in lines if line.startswith("samp.") and "=" in line)
    host = urlsplit(told.get("samp.hub.xmlrpc.url", "")).hostname
    if not told.get("samp.secret") or host is None:
        raise OptionError(_NO_HUB)
    if host not in _LOCAL and not _is_own(host):
        raise OptionError(f"The SAMP hub is on {host}: only one on this computer is spoken to.")
    return told


def _lock_file() -> Path:
    """Return where the standard profile of SAMP has the lock file."""
    named = os.environ.get("SAMP_HUB", "")
    if not named:
        return Path.home() / ".samp"
    address = urlsplit(named.removeprefix("std-lockurl:"))
    if address.scheme != "file" or address.netloc not in ("", *_LOCAL):
        raise OptionError("SAMP_HUB names no file of this computer: unset it.")
    return Path(url2pathname(address.path))


def _is_own(host: str) -> bool:
    """Return whether a name is this computer's; hubs write it in place of localhost."""
    import socket

    return host in (socket.gethostname(), socket.getfqdn())


@contextmanager
def _connected() -> "Iterator[SAMPIntegratedClient]":
    """Connect to the hub for as long as something is sent.

    Raises
    ------
    OptionError
        If it does not answer.
    """
    from pyvo.samp import SAMPHubError, SAMPIntegratedClient, SAMPProxyError, conf

    told = find_hub()
    # with this, pyvo looks up no address of this computer and asks no other
    with conf.set_temp("use_internet", False):
        client = SAMPIntegratedClient(
            name="galexplorer",
            description="Joint posteriors of galaxy properties",
            addr="127.0.0.1",
        )
        try:
            client.connect(hub_params=told)
        except (SAMPHubError, SAMPProxyError, OSError) as error:
            raise OptionError(_NO_HUB) from error
        try:
            yield client
        except (SAMPHubError, SAMPProxyError, OSError) as error:
            raise OptionError("The SAMP hub went away: send it again.") from error
        finally:
            if client.is_connected:
                client.disconnect()


def send_table(result: Result, name: str = "") -> int:
    """Send the draws of a galaxy as a table to every program that takes tables.

    Parameters
    ----------
    result : Result
    name : str
        Of the galaxy.

    Returns
    -------
    int
        How many programs loaded it.

    Raises
    ------
    OptionError
        If no hub runs on this computer, or no program takes tables.
    """
    content = result_bytes(result, "votable", name)
    with tempfile.TemporaryDirectory(prefix="galexplorer-") as folder:
        path = Path(folder) / "draws.vot"
        path.write_bytes(content)
        parameters = {
            "url": path.as_uri(),
            "table-id": f"galexplorer {name}".strip(),
            "name": f"{name or 'galaxy'}, posterior draws",
        }
        return _send("table.load.votable", parameters, "tables, such as TOPCAT")


def send_position(ra: float, dec: float) -> int:
    """Point every program that shows the sky at a position.

    Parameters
    ----------
    ra, dec : float
        Degrees, ICRS.

    Returns
    -------
    int
        How many programs did.

    Raises
    ------
    OptionError
        If no hub runs on this computer, or no program shows the sky.
    """
    place = {"ra": f"{ra:.7f}", "dec": f"{dec:.7f}"}
    return _send("coord.pointAt.sky", place, "positions, such as Aladin")


def _send(kind: str, parameters: dict[str, str], what: str) -> int:
    """Send a message to all who subscribed, wait for their answers, and count the good ones."""
    from pyvo.samp import SAMPProxyError

    done = 0
    with _connected() as client:
        others = client.get_subscribed_clients(kind)
        for other in others:
            message = {"samp.mtype": kind, "samp.params": parameters}
            try:
                # the answer means that the file was read, and may go
                answer = client.call_and_wait(other, message, str(_WAIT_S))
            except SAMPProxyError:
                continue  # this program took too long; the others are asked all the same
            done += answer.get("samp.status") == "samp.ok"
    if not others:
        raise OptionError(f"No program that takes {what}, is connected to the SAMP hub.")
    if not done:
        raise OptionError("The program did not take it: see what it says.")
    return done
