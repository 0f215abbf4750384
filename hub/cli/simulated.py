"""Simulated stations made known to a hub's store: their passwords, and the Location they stand at.

Their EVSEs have the uids that place a station by convention: ``{station_id}-{n}``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hub.cli.output import Failure
from hub.cli.placing import place
from hub.cli.stores import on_store
from hub.ocpi.objects import JSON, JSONObject

if TYPE_CHECKING:
    from hub.database import Database

#: EVSEs of one Location: a body of thousands helps nobody who reads it.
_AT_ONE_LOCATION = 250

_CAPABILITIES = [
    "REMOTE_START_STOP_CAPABLE", "RFID_READER", "RESERVABLE", "UNLOCK_CAPABLE", "CHARGING_PROFILE_CAPABLE",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Known:
    """Who is made known.

    Attributes:
        power: of each connector, in W.
        version: of OCPP, the only one they may speak.
        profile: security profile 1, or 2 where the socket is TLS.
    """

    prefix: str
    station_ids: Sequence[str]
    connectors: int
    power: int
    version: str
    password: str
    profile: int


def make_known(known: Known, data: Path, database: str | None) -> None:
    """Add stations as ``emall cpms station add --location`` does, and have the running server put them on the map.

    Raises:
        Failure: the server refused their Location.
        NoServer: none runs on the store.
    """

    async def work(store: "Database") -> None:
        await _add(store, known)
        await _place(store, known)

    on_store(work, data, database)


async def _add(store: "Database", known: Known) -> None:
    from hub.ocpp.passwords import hashed
    from hub.ocpp.stations import Station, Stations

    stations = Stations(store)
    # One hash for all: they have one password, and making a hash is slow on purpose.
    passwords = (hashed(known.password),)
    for station_id in known.station_ids:
        await stations.put(
            Station(
                id=station_id,
                security_profile=known.profile,
                passwords=passwords,
                versions=frozenset({known.version}),
            )
        )


async def _place(store: "Database", known: Known) -> None:
    """Have Locations made for the stations that stand at none of ours yet, and have each be a station there."""
    from hub.orders import give
    from hub.recorded import recorded_settings

    settings = await recorded_settings(store)
    if settings is None or "cpms" not in settings.rooms:
        raise Failure("the server on this store runs no CPMS; leave --data out, or add cpms to its --rooms", 2)
    placed = {
        evse["uid"]: location["id"]
        for location in await give(store, "cpms.list", {"kind": "locations"})
        for evse in location.get("evses") or []
    }
    for location in _locations(known, settings.cpo_id, placed):
        told: JSON = await give(store, "cpms.import", {"kind": "locations", "objects": [location]})
        if told["refused"]:
            raise Failure(f"{location['id']}: {told['refused'][0]['error']}; give another --prefix", 1)
        placed |= {evse["uid"]: location["id"] for evse in location["evses"]}
    for station_id in known.station_ids:
        uids = [f"{station_id}-{number}" for number in range(1, known.connectors + 1)]
        here = placed[uids[0]]
        await place(store, station_id, here, [each for each in uids if placed[each] == here], known.version)


def _locations(known: Known, cpo_id: str, placed: Mapping[str, str]) -> list[JSONObject]:
    from hub.ocpi.times import date_time, utc_now

    at = date_time(utc_now())
    evses = [
        _evse(f"{station_id}-{number}", known.power, at)
        for station_id in known.station_ids
        for number in range(1, known.connectors + 1)
        if f"{station_id}-{number}" not in placed
    ]
    # A station stands at one Location, with all its EVSEs.
    some = max(1, _AT_ONE_LOCATION // known.connectors) * known.connectors
    parts = [evses[start : start + some] for start in range(0, len(evses), some)]
    return [_location(f"{known.prefix}-{part[0]['uid'][-12:]}"[-36:], part, cpo_id, at) for part in parts]


def _location(location_id: str, evses: list[JSONObject], cpo_id: str, at: str) -> JSONObject:
    country_code, party_id = cpo_id.split("-")
    return {
        "country_code": country_code, "party_id": party_id, "id": location_id, "publish": True,
        "name": "Simulated stations", "address": "Nowhere 1", "city": "Utrecht", "postal_code": "3511 AA",
        "country": "NLD", "coordinates": {"latitude": "52.090700", "longitude": "5.121400"},
        "time_zone": "Europe/Amsterdam", "evses": evses, "last_updated": at,
    }  # fmt: skip


def _evse(uid: str, power: int, at: str) -> JSONObject:
    connector = {
        "id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230,
        "max_amperage": max(1, round(power / 690)), "max_electric_power": power, "last_updated": at,
    }  # fmt: skip
    return {
        "uid": uid, "status": "UNKNOWN", "capabilities": _CAPABILITIES, "connectors": [connector], "last_updated": at,
    }  # fmt: skip
