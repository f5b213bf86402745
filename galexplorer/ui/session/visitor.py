"""Who looks at the page: the user of the computer that the app runs on, or somebody else."""

import streamlit as st

_LOCAL = ("127.0.0.1", "localhost", "::1")
_FORWARDED = {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"}


def is_local() -> bool:
    """Return whether the user sits at the app's own computer.

    False where the app listens to others too, and where a proxy stands between, which would make
    all of them look like this one.
    """
    if st.get_option("server.address") not in _LOCAL:
        return False
    headers = st.context.headers
    forwarded = any(name.lower() in _FORWARDED for name in headers)
    host = headers.get("Host", "localhost").rsplit(":", 1)[0].strip("[]")
    return not forwarded and host in _LOCAL and st.context.ip_address in (None, *_LOCAL)
