"""Who may connect: what a handshake shows, and as what it is let in."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from hub.ocpp.boots import UNTOLD, Identity


@dataclass(frozen=True, kw_only=True)
class Handshake:
    """What a station shows when it connects.

    Attributes:
        authorization: the value of its Authorization header.
        secure: whether it came by TLS.
        certificate: its own certificate (DER), verified to come from a CA we trust.
    """

    station_id: str
    authorization: str | None = field(default=None, repr=False)
    secure: bool = False
    certificate: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Admission:
    """As what a station is let in.

    Attributes:
        waiting: into the waiting room only: its boot is answered Pending, nothing else is done for it.
        versions: of OCPP it may speak; empty: any.
        identity: as it once told.
        leniencies: it was granted so far.
    """

    waiting: bool = False
    versions: frozenset[str] = frozenset()
    identity: Identity = UNTOLD
    leniencies: tuple[str, ...] = ()


class NotAdmitted(Exception):
    """A handshake is refused; the message says why.

    Attributes:
        status: 401 it did not prove who it is, 403 not in this way, 404 nobody knows it.
    """

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Gate(Protocol):
    """Decides who may connect."""

    async def admit(self, handshake: Handshake) -> Admission:
        """Return as what a station is let in.

        Raises:
            NotAdmitted: it is not.
        """
        ...


class OpenGate:
    """Lets everyone in, known or not: for a network of its own, and tests."""

    async def admit(self, handshake: Handshake) -> Admission:
        return Admission()
