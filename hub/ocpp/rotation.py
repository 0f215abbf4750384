"""Passwords and certificates of stations changed over OCPP.

A new password is kept before it is sent. From then on both open the door: the station confirms the new one, or uses it,
and then the old one ends; it refuses, and the new one is forgotten; its answer is lost, and both stay, for nobody knows
which one it has.

A certificate is signed when the station asks for it, and used at its next connection; the one before stays valid until
it ends by itself.

Source: OCPP 1.6 security whitepaper, A01 and A02; OCPP 2.0.1 part 2, A01, A02 and A03.
"""

import asyncio
import logging
from typing import Literal

from hub.ocpp.certificates import BadRequest, CertificateAuthority, checked_request
from hub.ocpp.commands import CallRefused, CallTimeout, ChargerError, ChargerOffline, Chargers
from hub.ocpp.passwords import hashed, new_password
from hub.ocpp.stations import Stations
from hub.ocpp.words import Variable

log = logging.getLogger(__name__)

#: Confirmed: the station has it, the old one ended. Offered: no answer came, both are valid. Refused: nothing changed.
Outcome = Literal["confirmed", "offered", "refused"]

#: What a station's own certificate is called when it asks for it; V2G certificates are other authorities' business.
STATION_CERTIFICATE = "ChargingStationCertificate"


class PasswordRotation:
    """Gives stations new passwords."""

    def __init__(self, chargers: Chargers, stations: Stations) -> None:
        self._chargers = chargers
        self._stations = stations

    async def rotate(self, station_id: str, password: str | None = None) -> Outcome:
        """Give a connected station a new password: one of 160 random bits, or the one given.

        Raises:
            ChargerOffline: it is not connected; nothing has changed.
        """
        commands = self._chargers.commands(station_id)
        new = password or new_password()
        password_hash = await asyncio.to_thread(hashed, new, made=password is None)
        await self._stations.offer_password(station_id, password_hash)
        try:
            (answer,) = await commands.set_variables([_variable(commands.version, new)])
        except CallTimeout:
            return "offered"
        except (CallRefused, ChargerOffline):
            await self._stations.withdraw_password(station_id, password_hash)
            return "refused"
        if answer.status == "Accepted":
            await self._stations.confirm_password(station_id, password_hash)
            return "confirmed"
        if answer.status == "RebootRequired":
            return "offered"  # It will use the new one after its next boot, and the old one until then.
        await self._stations.withdraw_password(station_id, password_hash)
        return "refused"


def _variable(version: str, password: str) -> Variable:
    if version == "1.6":
        return Variable(name="AuthorizationKey", value=password)
    return Variable(name="BasicAuthPassword", component="SecurityCtrlr", value=password)


class CertificateSigning:
    """Answers stations that ask for a certificate; what an ``Operator`` does of ``certificate_requested``."""

    def __init__(self, chargers: Chargers, stations: Stations, authority: CertificateAuthority) -> None:
        self._chargers = chargers
        self._stations = stations
        self._authority = authority
        self._under_way: set[asyncio.Task[None]] = set()

    async def requested(self, station_id: str, csr: str, kind: str = STATION_CERTIFICATE) -> bool:
        """Take a signing request, if it may be signed; the certificate follows.

        Should it not arrive, the station asks again (2.0.1: A02.FR.17 to 19).
        """
        names = await self._names(station_id)
        try:
            if kind != STATION_CERTIFICATE:
                raise BadRequest(f"certificates of kind {kind} are not made here")
            checked_request(csr, names)
        except BadRequest as error:
            log.warning("%s asked for a certificate and gets none: %s", station_id, error)
            return False
        task = asyncio.create_task(self._sign(station_id, csr, kind, names))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return True

    async def stop(self) -> None:
        """Let go of what is under way: the stations ask again."""
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _names(self, station_id: str) -> frozenset[str]:
        station = await self._stations.find(station_id)
        serial = station.identity.serial_number if station is not None else ""
        return frozenset({station_id, serial} - {""})

    async def _sign(self, station_id: str, csr: str, kind: str, names: frozenset[str]) -> None:
        try:
            chain = await self._authority.sign(csr, names)
            answer = await self._chargers.commands(station_id).certificate_signed(chain, kind)
        except (BadRequest, ChargerError) as error:
            log.warning("%s did not get its certificate: %s", station_id, error)
        else:
            log.info("%s answered its new certificate with %s", station_id, answer.status)
