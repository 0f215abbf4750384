"""Contract certificates of plug and charge: whether one still holds, and how a car gets one.

Whether one was revoked is asked of the responder its station names, a stranger's URL: over the house's guarded way,
bounded in size and time. Contract certificates are made by a certificate pool an operator brings; without one
a car's request is answered by Failed.

Source: OCPP 2.0.1 part 2, C07, M01, M02, M06.
"""

import datetime
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from hub.ocpp.v201.ocsp import Responders
from hub.ocpp.words import JSONObject

log = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds: a driver stands there, and the station waits for the token's verdict, too


class Pool(Protocol):
    """A certificate pool; an implementation lives in ``adapters``."""

    async def ev_certificate(self, station_id: str, request: JSONObject) -> str | None:
        """Return the answer to a car's request (exiResponse); None: there is none."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class Answer(Protocol):
    """An HTTP response, read whole."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class Wire(Protocol):
    """The house's way to URLs that strangers gave: guarded, without redirects, bounded."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout: float
    ) -> Answer:
        """Send one request; any exception means that there is no answer."""
        ...


class Contracts:
    """``hub.ocpp.v201.CertificateService``, and the judge of the certificates tokens come with.

    Args:
        pool: makes contract certificates; None: nobody does.
    """

    def __init__(self, wire: Wire, *, pool: Pool | None = None, clock: Callable[[], datetime.datetime]) -> None:
        self._wire = wire
        self._pool = pool
        self._responders = Responders(self._ask, clock)
        self.judge = self._responders.contract_status

    async def ev_certificate(self, station_id: str, request: JSONObject) -> str | None:
        """Return what the pool answers a car."""
        return await self._pool.ev_certificate(station_id, request) if self._pool is not None else None

    async def certificate_status(self, request: JSONObject) -> str | None:
        """Return the OCSP response about a certificate."""
        return await self._responders.response(request)

    async def close(self) -> None:
        """Let go of the pool."""
        if self._pool is not None:
            await self._pool.close()

    async def _ask(self, url: str, request: bytes) -> bytes | None:
        headers = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}
        try:
            answer = await self._wire.send("POST", url, headers, request, timeout=_PATIENCE)
        except Exception as error:  # Whatever a stranger's URL leads to is no answer, and the station hears of it.
            log.warning("an OCSP responder was not asked: %s", error)
            return None
        return answer.body if answer.status == 200 else None
