"""The command that starts the explorer."""

import errno
import os
import socket
import tomllib
from typing import Annotated

import typer

from galexplorer import console
from galexplorer.errors import OptionError
from galexplorer.resources import bundled

_FIRST_PORT = 8501
_PORTS_TRIED = 100
_LOCAL = ("127.0.0.1", "localhost", "::1")


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("app")(start)


def start(
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help=f"Default: {_FIRST_PORT}, or the next one that is free."
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen. Default: this machine alone; 0.0.0.0 lets others in.",
        ),
    ] = None,
    browser: Annotated[
        bool | None, typer.Option(help="Open a browser. Default: where there is a screen.")
    ] = None,
    samp: Annotated[
        bool,
        typer.Option("--samp", help="Offer to send results to TOPCAT or Aladin on this computer."),
    ] = False,
) -> None:
    """Start the explorer and open it in a browser."""
    settings = tomllib.loads(bundled(".streamlit/config.toml").read_text(encoding="utf-8"))
    address = address or settings["server"]["address"]
    if samp and address not in _LOCAL:
        raise OptionError(
            f"--samp serves the computer that the explorer runs on alone, and {address} lets "
            "others in: leave one of the two out."
        )
    port = _choose_port(address, port)

    from streamlit.web.cli import main as run_streamlit

    # Streamlit finds the other settings beside the script.
    options = {"server.port": port, "server.address": address, "logger.hideWelcomeMessage": "true"}
    if browser is not None:
        options["server.headless"] = str(not browser).lower()
    if console.is_quiet():
        options["logger.level"] = "error"
    console.tell(f"the explorer is at {_write_url(address, port)}; Ctrl-C stops it.")
    flags = [f"--{name}={value}" for name, value in options.items()]
    if samp:
        os.environ["GALEXPLORER_SAMP"] = "1"  # the pages look for it
    run_streamlit(["run", str(bundled("app.py")), *flags], standalone_mode=False)


def _choose_port(address: str, wanted: int | None) -> int:
    """Return the port that was asked for, or the first free one; check that it can be used."""
    if wanted is not None:
        if not _is_free(address, wanted):
            raise OptionError(f"port {wanted} is in use: choose another one, or leave --port out.")
        return wanted
    for port in range(_FIRST_PORT, _FIRST_PORT + _PORTS_TRIED):
        if _is_free(address, port):
            return port
    raise OptionError(
        f"the ports {_FIRST_PORT} to {_FIRST_PORT + _PORTS_TRIED - 1} are in use: choose another "
        "one with --port."
    )


def _is_free(address: str, port: int) -> bool:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # elsewhere the option below shares a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:  # connections that have just ended do not count
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            probe.listen()
    except (socket.gaierror, UnicodeError) as error:
        raise OptionError(
            f"{address} is no address: give one of this machine, such as 127.0.0.1."
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        if error.errno == errno.EACCES:
            raise OptionError(
                f"this user may not listen on port {port}: choose one above 1023."
            ) from error
        raise OptionError(
            f"the explorer cannot listen on {address} ({error.strerror}): give an address of this "
            "machine, such as 127.0.0.1."
        ) from error
    return True


def _write_url(address: str, port: int) -> str:
    if address in ("0.0.0.0", "::"):
        host = "localhost"
    else:
        host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}"
