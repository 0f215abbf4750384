"""Sockets a server listens at, opened before anything else is: a port in use is said at once."""

import contextlib
import socket
from collections.abc import Iterator

from hub.settings import BadSetting

_BACKLOG = 4096  # a field of stations, and every partner at once


@contextlib.contextmanager
def listening(host: str, port: int, options: str) -> Iterator[socket.socket]:
    """Listen at an address for as long as it is needed.

    Args:
        options: what sets it, for whoever has to choose another.

    Raises:
        BadSetting: nobody can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadSetting(f"{host}:{port}: {reason}; give another {options}") from error
    with contextlib.closing(listener):
        # Accepted connections inherit it. asyncio's own loop sets it only on sockets whose protocol is named,
        # and without it an answer's second segment waits 40 ms for the first one's ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener
