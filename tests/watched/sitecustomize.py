"""Put before a process of ours: notes every peer it calls and every file it opens, and lets it call one peer only.

``WATCH_LOG`` is the file it writes to, ``WATCH_PEER`` the ``host:port`` that may be called. Python tells of each
connection before it is made (PEP 578); uvloop would not, so it is not to be had here.
"""

import os
import sys
from typing import Any

_LOG = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_PEER = os.environ["WATCH_PEER"]


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if not isinstance(address, tuple):
            return
        peer = f"{address[0]}:{address[1]}"
        os.write(_LOG, f"peer {peer}\n".encode())
        if peer != _PEER:
            raise ConnectionRefusedError(f"{peer} is nobody this process knows")
    elif event in ("open", "sqlite3.connect") and isinstance(arguments[0], str | bytes):
        os.write(_LOG, b"file " + os.path.abspath(os.fsencode(arguments[0])) + b"\n")


sys.modules["uvloop"] = None  # type: ignore[assignment]  # as the import system has it
sys.addaudithook(_watch)
