"""Puts the house together; the only file that knows every room.

Three local platforms, each behind an OCPI address, a reception and a server of its own: the hub at
``/ocpi``, our CPMS at ``/cpms/ocpi``, our eMSP at ``/emsp/ocpi``. Those that run in one process
reach each other without a socket, and otherwise exactly as strangers do.
"""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from hub.callbacks import Callbacks
from hub.catalogue import Catalogue
from hub.credentials.connections import Connection, Connections
from hub.credentials.secrets import open_secrets
from hub.database import Database, DatabaseUnavailable, lock_server, open_database
from hub.front import Front
from hub.houses import HubHouse, PartyHouse, Workshop
from hub.metrics import Metrics
from hub.ocpi.client import Client
from hub.ocpi.wire import Wire
from hub.orders import serve as serve_orders
from hub.recorded import record_settings, settle_ids
from hub.settings import BadSetting, Settings
from hub.trace import Trace

log = logging.getLogger(__name__)
