"""What a site may draw: its connection to the grid, what else hangs on it, a battery that helps.

Source: REQUIREMENTS RASD-F19, DD-C-EMS (the part without energy purchase), GEM-FTR-976.
"""

import datetime
from typing import Annotated

import msgspec

from hub.cpms.charging.schedules import VOLTS
from hub.cpms.moments import microseconds
from hub.database.contract import Database, Transaction

PHASES = (1, 2, 3)
LEAST = 6000  # mA: with less a car does not charge (IEC 61851-1)

Milliamperes = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]


class Battery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A battery at the site, as a source.

    Attributes:
        power: the most it gives, in W, over three phases alike.
        capacity: in Wh.
        soc: its state of charge, in percent, as last told.
        reserve: below this state of charge it gives nothing, in percent.
    """

    power: Annotated[int, msgspec.Meta(ge=0, le=100_000_000)]
    capacity: Annotated[int, msgspec.Meta(ge=0, le=10_000_000_000)] = 0
    soc: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    reserve: Annotated[float, msgspec.Meta(ge=0, le=100)] = 20.0

    @property
    def gives(self) -> int:
        """What it adds to each phase now, in mA."""
        return self.power * 1000 // (VOLTS * len(PHASES)) if self.soc > self.reserve else 0


class SitePower(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a site may draw.

    Attributes:
        phases: the connection's limit on L1, L2 and L3, in mA.
        load: what else is drawn there, on each of them, in mA.
        idle: what every EVSE without a car may draw unasked, in mA per phase: it can begin to charge while
            its station is offline. It is set aside for each of them.
        rotation: by EVSE uid, which phases its L1, L2, L3 are; one that is not named, and loads one
            phase or two, counts on all three.
        battery: None: there is none.
    """

    phases: tuple[Milliamperes, Milliamperes, Milliamperes]
    load: tuple[Milliamperes, Milliamperes, Milliamperes] = (0, 0, 0)
    idle: Milliamperes = 0
    rotation: dict[str, tuple[int, int, int]] = {}
    battery: Battery | None = None

    @property
    def capacity(self) -> dict[int, int]:
        """What the EVSEs may draw together, by phase, in mA."""
        helped = self.battery.gives if self.battery is not None else 0
        pairs = zip(PHASES, self.phases, self.load, strict=True)
        return {phase: max(limit + helped - load, 0) for phase, limit, load in pairs}

    def loaded(self, evse_uid: str, count: int) -> frozenset[int]:
        """Return the grid's phases an EVSE loads with so many of its own."""
        turned = self.rotation.get(evse_uid) or self.rotation.get(evse_uid.upper())
        return frozenset(turned[:count]) if turned else frozenset(PHASES)


class SitePowers:
    """The limits of all sites; a site without a row has none."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def all(self) -> dict[str, SitePower]:
        """Return the limited sites, by Location id in upper case."""
        rows = await self.database.fetch("SELECT location_id, document FROM cpms_site_power")
        return {location_id: _decode(document) for location_id, document in rows}

    async def get(self, location_id: str) -> SitePower | None:
        """Return what a site may draw; None: it is not limited."""
        rows = await self.database.fetch(
            "SELECT document FROM cpms_site_power WHERE location_id = $1", location_id.upper()
        )
        return _decode(rows[0][0]) if rows else None

    async def put(self, tx: Transaction, location_id: str, power: SitePower, now: datetime.datetime) -> None:
        """Limit a site, or change its limit."""
        await tx.execute(
            "INSERT INTO cpms_site_power (location_id, document, last_updated) VALUES ($1, $2, $3)"
            " ON CONFLICT (location_id)"
            " DO UPDATE SET document = excluded.document, last_updated = excluded.last_updated",
            location_id.upper(),
            msgspec.json.encode(power),
            microseconds(now),
        )

    async def delete(self, tx: Transaction, location_id: str) -> bool:
        """Take a site's limit away; False if it had none."""
        return await tx.execute("DELETE FROM cpms_site_power WHERE location_id = $1", location_id.upper()) == 1


def _decode(document: bytes) -> SitePower:
    return msgspec.json.decode(document, type=SitePower)
