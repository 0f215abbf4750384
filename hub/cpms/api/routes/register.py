"""Which stations may connect over OCPP, who waits to be let in, and how each proves who it is.

Source: OCPP 1.6 security whitepaper, 2 (security profiles), A01; OCPP 2.0.1 edition 3 part 2, A00, A01.
"""

import asyncio
from typing import Annotated, Any, Literal

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import NotFound, invalid
from hub.api.shapes import ListQuery, Page, Shape, pattern
from hub.cpms.api.ordering import TROUBLE, station_problems
from hub.cpms.api.scopes import Scope
from hub.ocpi.objects import JSONObject
from hub.ocpp.boots import Identity
from hub.ocpp.passwords import LONGEST, SHORTEST, hashed, new_password
from hub.ocpp.rotation import PasswordRotation
from hub.ocpp.stations import Station, Stations, is_station_id

Version = Literal["1.6", "2.0.1", "2.1"]
StationPassword = Annotated[str, pattern("^[ -~]+$", "printable ASCII", least=SHORTEST, most=LONGEST)]


class RegisterQuery(ListQuery, frozen=True, kw_only=True):
    """Which stations: all, those known, or those that wait to be let in."""

    state: Literal["known", "waiting"] | None = None


class Registered(Shape, frozen=True, kw_only=True):
    """A station that may connect, or waits to be let in.

    Attributes:
        security_profile: 0 none, 1 password, 2 password over TLS, 3 certificate.
        versions: of OCPP it may speak; none: any.
        leniencies: what it gets wrong and is let pass.
    """

    id: str
    state: str
    security_profile: int
    versions: list[str]
    vendor: str
    model: str
    serial_number: str
    firmware_version: str
    certificate: JSONObject | None
    leniencies: list[str]
    created: str
    last_seen: str | None


class Admitted(Shape, frozen=True, kw_only=True):
    """How a station is to prove who it is.

    Attributes:
        password: of profiles 1 and 2; left out, the station keeps what it has, and one that has none gets one.
        serial_number: of profile 3: what its certificate is made out to, if not its id.
    """

    security_profile: Annotated[int, msgspec.Meta(ge=0, le=3)] = 1
    password: StationPassword | None = None
    versions: Annotated[list[Version], msgspec.Meta(max_length=3)] = msgspec.field(default_factory=list)
    serial_number: Annotated[str, msgspec.Meta(max_length=50)] = ""


class LetIn(Shape, frozen=True, kw_only=True):
    """A station that may connect, with the password made for it if one was, shown this once."""

    station: Registered
    password: str | None


class NewPassword(Shape, frozen=True, kw_only=True):
    """A password for a connected station; one is made where it is left out."""

    password: StationPassword | None = None


class Rotated(Shape, frozen=True, kw_only=True):
    """What became of a new password.

    Attributes:
        outcome: confirmed: the station has it; offered: no answer came, both are valid; refused: nothing has changed.
    """

    outcome: Literal["confirmed", "offered", "refused"]


class RegisterRoutes:
    """The stations there may be connections to."""

    tag = "register"

    def __init__(self, stations: Stations, passwords: PasswordRotation) -> None:
        self._stations = stations
        self._passwords = passwords

    @route("GET", "/register", scope=Scope.STATIONS_READ)
    async def list_registered(self, call: Call, query: RegisterQuery) -> Page[Registered]:
        """List the stations that may connect, and those that wait to be let in, by id."""
        after = query.cursor or ""
        found = [each for each in await self._stations.all(query.state) if each.id > after]
        found.sort(key=lambda each: each.id)
        page = [_shown(each) for each in found[: query.limit]]
        return Page(items=page, next=page[-1].id if len(found) > query.limit else None)

    @route("GET", "/register/{station_id}", scope=Scope.STATIONS_READ)
    async def get_registered(self, call: Call, station_id: str) -> Registered:
        """Show a station's entry."""
        return _shown(await self._known(station_id))

    @route("PUT", "/register/{station_id}", scope=Scope.STATIONS_WRITE, step_up=True)
    async def let_in_station(self, call: Call, station_id: str, body: Admitted) -> LetIn:
        """Let a station connect: one that waits, a new one, or one that is known in another way."""
        if not is_station_id(station_id):
            raise invalid("path.station_id", "must be printable and not begin or end with a blank")
        with_password = body.security_profile in (1, 2)
        if body.password is not None and not with_password:
            raise invalid("$.password", f"security profile {body.security_profile} has none")
        before = await self._stations.find(station_id)
        keeps_its_own = before is not None and before.passwords
        made = new_password() if with_password and body.password is None and not keeps_its_own else None
        told = _shown(before) if before else None
        await self._stations.put(
            await _station(station_id, body, made),
            also=lambda tx, _: call.trail.record(tx, before=told, after=body),
        )
        return LetIn(station=_shown(await self._known(station_id)), password=made)

    @route("DELETE", "/register/{station_id}", scope=Scope.STATIONS_WRITE, step_up=True)
    async def turn_away_station(self, call: Call, station_id: str) -> None:
        """Forget a station: it is disconnected and may not connect any more."""
        before = _shown(await self._known(station_id))
        await self._stations.remove(station_id, also=lambda tx, _: call.trail.record(tx, before=before))

    @route(
        "POST", "/register/{station_id}/password", scope=Scope.STATIONS_WRITE, step_up=True, problems=TROUBLE
    )  # fmt: skip
    async def rotate_password(self, call: Call, station_id: str, body: NewPassword) -> Rotated:
        """Give a connected station a new password over OCPP."""
        await self._known(station_id)
        with station_problems():
            return Rotated(outcome=await self._passwords.rotate(station_id, body.password))

    async def _known(self, station_id: str) -> Station:
        found = await self._stations.find(station_id)
        if found is None:
            raise NotFound("There is no such station")
        return found


async def _station(station_id: str, body: Admitted, made: str | None) -> Station:
    """Return the entry to be; a password is hashed off the event loop, slowly if a person chose it."""
    password = body.password or made
    kept = (await asyncio.to_thread(hashed, password, made=made is not None),) if password else ()
    return Station(
        id=station_id,
        security_profile=body.security_profile,
        passwords=kept,
        versions=frozenset(body.versions),
        identity=Identity(serial_number=body.serial_number),
    )


def _shown(station: Station) -> Registered:
    said: dict[str, Any] = station.as_json()
    return Registered(**said)
