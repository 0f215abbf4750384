"""The three rooms as they are put together: each a platform, its reception and its server.

A room is anything with ``start``, ``stop``, ``orders`` and an ASGI ``application``; ``hub.app`` runs
the ones a process has.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.cpms.simulator import SimulatedCpms
from hub.callbacks import Callbacks
from hub.catalogue import Catalogue
from hub.cpms.endpoints import CpoEndpoints
from hub.credentials.connections import Connection, Connections
from hub.credentials.desk import Desk
from hub.credentials.houses import House
from hub.credentials.secrets import Secrets
from hub.credentials.store import PartyRole, Store
from hub.database import Database
from hub.emsp.endpoints import EmspEndpoints
from hub.metrics import Metrics
from hub.ocpi import codec
from hub.ocpi.client import Client, RemotePlatform
from hub.ocpi.errors import OcpiError, ReceiverUnreachable
from hub.ocpi.interfaces import InterfaceRole
from hub.ocpi.messages import Party, Request, Response
from hub.ocpi.objects import JSON
from hub.ocpi.outbox import Delivery, Outbox, Push
from hub.ocpi.platforms import LocalPlatform
from hub.ocpi.server import Caller, Server
from hub.ocpi.versions import VERSIONS
from hub.pulls import Pulls
from hub.router import Router
from hub.settings import Settings
from hub.trace import Trace

log = logging.getLogger(__name__)

Handlers = Mapping[str, Callable[[JSON], Awaitable[JSON]]]


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What all rooms of a process share."""

    settings: Settings
    database: Database
    secrets: Secrets
    client: Client
    trace: Trace
    metrics: Metrics
