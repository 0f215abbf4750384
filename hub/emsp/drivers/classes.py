"""Classes of drivers, and where those of each may charge; a class nobody described has no limits."""

from typing import Annotated

import msgspec

from hub.api.credentials import stored
from hub.api.shapes import Shape, pattern
from hub.database.contract import Database, Transaction
from hub.emsp.drivers.needs import Now
from hub.ocpi.objects import JSONObject


class DriverClass(Shape, frozen=True, kw_only=True):
    """Where drivers of a class may charge.

    Attributes:
        countries: ISO 3166-1 alpha-3, as Locations name theirs; empty: all.
        locations: ``CC-PID/LOCATION``; empty: all.
    """

    name: Annotated[str, pattern("^[a-z][a-z0-9_-]*$", "a driver class: small letters, digits, - and _", most=40)]
    countries: Annotated[
        list[
            Annotated[
                str, pattern("^[A-Z]{3}$", "an ISO 3166-1 country of three letters, such as NLD", least=3, most=3)
            ]
        ],
        msgspec.Meta(max_length=250),
    ] = msgspec.field(default_factory=list)
    locations: Annotated[
        list[
            Annotated[
                str,
                pattern(
                    "^[A-Za-z]{2}-[A-Za-z0-9]{3}/[^\\s]+$", "a Location with its CPO, such as NL-CPO/LOC1", most=60
                ),
            ]
        ],
        msgspec.Meta(max_length=10_000),
    ] = msgspec.field(default_factory=list)

    @property
    def limited(self) -> bool:
        """Whether there are places where its drivers may not charge."""
        return bool(self.countries or self.locations)

    def admits(self, cpo: str, location_id: str, location: JSONObject | None) -> bool:
        """Return whether its drivers may charge at a Location; at one that is unknown no limit can be kept."""
        if not self.limited:
            return True
        if self.locations and f"{cpo}/{location_id}".upper() in [each.upper() for each in self.locations]:
            return True
        return not self.locations and location is not None and location.get("country") in self.countries


class Classes:
    """The table of classes."""

    def __init__(self, database: Database, now: Now) -> None:
        self._database = database
        self._now = now

    async def get(self, name: str) -> DriverClass:
        """Return a class; one nobody described has no limits."""
        rows = await self._database.fetch(
            "SELECT name, countries, locations FROM emsp_driver_class WHERE name = $1", name, cheap=True
        )
        return _class(*rows[0]) if rows else DriverClass(name=name)

    async def all(self) -> list[DriverClass]:
        """Return the classes that are described, by name."""
        rows = await self._database.fetch("SELECT name, countries, locations FROM emsp_driver_class ORDER BY name")
        return [_class(*row) for row in rows]

    async def put(self, tx: Transaction, wanted: DriverClass) -> None:
        """Describe a class."""
        await tx.execute(
            "INSERT INTO emsp_driver_class (name, countries, locations, changed_at) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (name) DO UPDATE SET countries = excluded.countries, locations = excluded.locations,"
            " changed_at = excluded.changed_at",
            wanted.name,
            " ".join(wanted.countries),
            " ".join(wanted.locations),
            stored(self._now()),
        )

    async def remove(self, tx: Transaction, name: str) -> bool:
        """Lift the limits of a class; False: it had none."""
        return await tx.execute("DELETE FROM emsp_driver_class WHERE name = $1", name) == 1


def _class(name: str, countries: str, locations: str) -> DriverClass:
    return DriverClass(name=name, countries=countries.split(), locations=locations.split())
