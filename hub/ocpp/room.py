"""All that taking stations needs, put together: the tables, the gate, the log, TLS, and the central system.

It is itself a ``Chargers``, so that an operator can be given it before the first station may come.
"""

import asyncio
import datetime
import logging
import resource
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from hub.database.contract import Database, DatabaseUnavailable
from hub.ocpp.central_system import CentralSystem
from hub.ocpp.certificates import CertificateAuthority, OwnAuthority
from hub.ocpp.commands import ChargerOffline, Commands, Presence
from hub.ocpp.dialects import Dialect
from hub.ocpp.events import Operator
from hub.ocpp.framelog import FrameLog
from hub.ocpp.gate import StationGate, Unknown
from hub.ocpp.leniency import CHANNEL as LENIENCY
from hub.ocpp.leniency import Leniencies
from hub.ocpp.register import StationRegister
from hub.ocpp.rotation import CertificateSigning, PasswordRotation
from hub.ocpp.sockets import Limits
from hub.ocpp.stations import CHANNEL as STATION
from hub.ocpp.stations import Stations
from hub.ocpp.tls import server_context

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Openness:
    """How stations are taken.

    Attributes:
        folder: the data folder, where our own certificate authority lives.
        unknown: what becomes of stations nobody added.
        certificate, key: of the TLS listener (PEM); without a certificate there is no TLS.
        client_ca: authorities (PEM) whose client certificates are trusted, beside our own.
        frame: the longest message taken, in bytes.
        log_days: how long frames are kept, in days.
    """

    folder: Path
    unknown: Unknown = "refuse"
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    frame: int = 1024 * 1024
    log_days: float = 30


class ChargerRoom:
    """The stations of one process.

    Attributes:
        stations, leniencies: the tables an operator changes.
        frame_log: every frame.
        passwords: gives stations new ones.
        certificates: signs what stations ask to be signed.
    """

    def __init__(
        self, database: Database, openness: Openness, *, authority: CertificateAuthority | None = None
    ) -> None:
        self._database = database
        self._openness = openness
        self._own = OwnAuthority(openness.folder)
        self.stations = Stations(database)
        self.leniencies = Leniencies(database)
        self.frame_log = FrameLog(database, days=openness.log_days)
        self.passwords = PasswordRotation(self, self.stations)
        self.certificates = CertificateSigning(self, self.stations, authority or self._own)
        self._register = StationRegister(self.stations, self.leniencies)
        self._gate = StationGate(self.stations, unknown=openness.unknown)
        self._central: CentralSystem | None = None
        self._changes: set[asyncio.Task[None]] = set()

    async def start(self, listener: socket, dialects: Sequence[Dialect], operator: Operator) -> None:
        """Take stations at a listening socket.

        Raises:
            BadTls: the files of the listener cannot be used.
        """
        tls = self._tls()
        _allow_sockets()
        await self.leniencies.load()
        self._database.listen(STATION, self._stations_changed)
        self._database.listen(LENIENCY, self._leniencies_changed)
        await self.frame_log.start()
        limits = Limits(frame=self._openness.frame)
        central = CentralSystem(
            dialects, operator, self._gate, frame_log=self.frame_log, register=self._register, limits=limits
        )
        self._central = central
        self._register.start(self._heard)
        await central.start(listener, tls=tls)

    async def stop(self) -> None:
        """Finish what is being served, close all sockets, and write what is not written yet."""
        await self._register.stop()
        await self.certificates.stop()
        if self._central is not None:
            await self._register.note(self._heard())
            await self._central.stop()
        await self.frame_log.stop()
        for task in self._changes:
            task.cancel()
        if self._changes:
            await asyncio.wait(self._changes)
        self._gate.close()

    def _tls(self) -> ssl.SSLContext | None:
        given = self._openness
        if given.certificate is None:
            return None
        authorities = [self._own.root, *([given.client_ca] if given.client_ca is not None else [])]
        return server_context(given.certificate, given.key, authorities=authorities)

    def _heard(self) -> dict[str, datetime.datetime]:
        return {each.station_id: each.last_seen for each in self.connected()}

    # -- what an operator changes while stations are connected -------------------------------------------------

    def _stations_changed(self, station_id: str) -> None:
        if self._central is not None:
            self._keep(asyncio.create_task(self._admit_again(self._central, station_id)))

    async def _admit_again(self, central: CentralSystem, station_id: str) -> None:
        try:
            await central.admit_again(station_id)
        except DatabaseUnavailable as error:
            log.warning("who may connect cannot be read: %s", error)

    def _leniencies_changed(self, _: str) -> None:
        self._keep(asyncio.create_task(self._load_leniencies()))

    async def _load_leniencies(self) -> None:
        try:
            await self.leniencies.load()
        except DatabaseUnavailable as error:
            log.warning("leniencies cannot be read: %s", error)

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)

    # -- Chargers --------------------------------------------------------------------------------------------

    def commands(self, station_id: str) -> Commands:
        """Return the commands of a connected station.

        Raises:
            ChargerOffline: it is not connected.
        """
        if self._central is None:
            raise ChargerOffline(f"{station_id} is not connected")
        return self._central.commands(station_id)

    def presence(self, station_id: str) -> Presence | None:
        """Return how a station is connected; None: it is not."""
        return self._central.presence(station_id) if self._central is not None else None

    def connected(self) -> list[Presence]:
        """Return all connected stations."""
        return self._central.connected() if self._central is not None else []


def _allow_sockets() -> None:
    """Raise the soft limit of open files to the hard one: it is often 1,024, and each station is a socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
