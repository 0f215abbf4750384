"""Who is let in: known stations by their security profile, unknown ones by the operator's setting.

| profile | a station proves itself by |
|---|---|
| 0 | nothing: only where the operator made it so |
| 1 | Basic authentication, user = station id |
| 2 | the same, over TLS |
| 3 | a client certificate over TLS, its common name the station's id or serial number |

More than asked for is fine: profile 1 over TLS is let in. Less is not.

Source: OCPP 1.6 security whitepaper, 2; OCPP 2.0.1 part 2, A00; OCPP-J 1.6, 3.2 (404 for an unknown station).
"""

import logging
from http import HTTPStatus
from typing import Literal

from hub.ocpp.admission import Admission, Handshake, NotAdmitted
from hub.ocpp.certificates import names_of, summary_of
from hub.ocpp.passwords import Passwords, TooManyGuesses, credentials_of
from hub.ocpp.stations import Station, Stations

log = logging.getLogger(__name__)

Unknown = Literal["refuse", "wait", "accept"]

NONE, BASIC, TLS_BASIC, TLS_CERTIFICATE = range(4)


class StationGate:
    """Admits stations of the table.

    Args:
        unknown: what becomes of the others: refused, put in the waiting room, or known from now on without any proof.
    """

    def __init__(self, stations: Stations, *, unknown: Unknown = "refuse") -> None:
        self._stations = stations
        self._unknown = unknown
        self._passwords = Passwords()

    async def admit(self, shown: Handshake) -> Admission:
        """Return as what a station is let in.

        Raises:
            NotAdmitted: it is not.
        """
        station = await self._stations.find(shown.station_id)
        if station is None or station.state == "waiting":
            return await self._admit_unknown(shown, station)
        await self._check(station, shown)
        return _admission(station)

    def close(self) -> None:
        """Let go of what checks passwords."""
        self._passwords.close()

    async def _admit_unknown(self, shown: Handshake, station: Station | None) -> Admission:
        if self._unknown == "accept":
            await self._stations.accept(shown.station_id)
            return Admission() if station is None else _admission(station)
        if self._unknown == "wait":
            if station is None and not await self._stations.wait(shown.station_id):
                raise NotAdmitted(HTTPStatus.SERVICE_UNAVAILABLE, "Too many stations wait to be let in")
            return Admission(waiting=True)
        log.info("the unknown station %s was refused", shown.station_id)
        raise NotAdmitted(HTTPStatus.NOT_FOUND, "This station is not known here")

    async def _check(self, station: Station, shown: Handshake) -> None:
        profile = station.security_profile
        if profile >= TLS_BASIC and not shown.secure:
            raise NotAdmitted(HTTPStatus.FORBIDDEN, f"Security profile {profile} asks for TLS")
        if profile in (BASIC, TLS_BASIC):
            await self._check_password(station, shown)
        elif profile == TLS_CERTIFICATE:
            await self._check_certificate(station, shown)

    async def _check_password(self, station: Station, shown: Handshake) -> None:
        given = credentials_of(shown.authorization)
        if given is None or given[0] != station.id.encode():
            raise NotAdmitted(HTTPStatus.UNAUTHORIZED, "Basic authentication with the station id as user is asked for")
        try:
            found = await self._passwords.find(station.id, given[1], station.passwords)
        except TooManyGuesses as error:
            refusal = "Too many passwords of this station are being checked"
            raise NotAdmitted(HTTPStatus.SERVICE_UNAVAILABLE, refusal) from error
        if found is None:
            log.warning("%s came with a wrong password", station.id)
            raise NotAdmitted(HTTPStatus.UNAUTHORIZED, "The password is wrong")
        if found != station.passwords[0]:
            # A rotation whose answer was lost: the station has the new password, so the old one ends here.
            await self._stations.confirm_password(station.id, found)

    async def _check_certificate(self, station: Station, shown: Handshake) -> None:
        if shown.certificate is None:
            raise NotAdmitted(HTTPStatus.UNAUTHORIZED, "Security profile 3 asks for a client certificate")
        own = {station.id, station.identity.serial_number} - {""}
        if not names_of(shown.certificate) & own:
            log.warning("%s came with the certificate of another", station.id)
            raise NotAdmitted(HTTPStatus.FORBIDDEN, "The certificate is another station's")
        summary = summary_of(shown.certificate)
        if summary != station.certificate:
            await self._stations.certified(station.id, summary)


def _admission(station: Station) -> Admission:
    return Admission(versions=station.versions, identity=station.identity, leniencies=station.leniencies)
