"""The vehicles of drivers; each licence plate is one vehicle's, and it one driver's.

Source: RASD-A07, RASD-F01, RASD-UC01.
"""

# ruff: noqa: S608  the only names put into a statement are our own columns

import uuid
from decimal import Decimal

import msgspec

from hub.api.credentials import moment_of, stored
from hub.api.problems import Conflict, Fault, NotFound
from hub.api.shapes import Moment, Shape
from hub.database.contract import Database, Row, Transaction
from hub.emsp.drivers import plates
from hub.emsp.drivers.catalogue import models
from hub.emsp.drivers.forms import VehicleForm, vehicle_faults
from hub.emsp.drivers.needs import Now
from hub.emsp.drivers.people import refuse, settled
from hub.ocpi.objects import JSONObject

TAKEN_PLATE = "this licence plate is another vehicle's; look for a typing error, or write to us"

_COLUMNS = "id, model_id, name, battery_wh, connectors, max_ac, max_dc, plate, created_at"
_KILO = 1000


class Vehicle(Shape, frozen=True, kw_only=True):
    """A driver's vehicle.

    Attributes:
        max_ac_kw, max_dc_kw: the most it takes; 0: it does not charge so, or nobody said.
    """

    id: str
    model_id: str | None
    name: str
    battery_kwh: Decimal
    connectors: list[str]
    max_ac_kw: Decimal
    max_dc_kw: Decimal
    plate: str
    created_at: Moment


class Garage:
    """The table of vehicles.

    Args:
        home: country of a plate that names none (ISO 3166-1 alpha-2).
    """

    def __init__(self, database: Database, now: Now, home: str) -> None:
        self._database = database
        self._now = now
        self.home = home

    async def of_driver(self, driver_id: str) -> list[Vehicle]:
        """Return a driver's vehicles in the order they came."""
        rows = await self._database.fetch(
            f"SELECT {_COLUMNS} FROM emsp_vehicle WHERE driver_id = $1 ORDER BY created_at, id", driver_id
        )
        return [_vehicle(row) for row in rows]

    async def get(self, driver_id: str, vehicle_id: str) -> Vehicle:
        """Return one of a driver's vehicles.

        Raises:
            NotFound: he has no such vehicle.
        """
        found = [each for each in await self.of_driver(driver_id) if each.id == vehicle_id]
        if not found:
            raise NotFound("There is no such vehicle")
        return found[0]

    async def bring(self, driver_id: str, form: VehicleForm) -> Vehicle:
        """Add a vehicle to a driver's.

        Raises:
            Invalid: something is wrong with it, or the plate is another vehicle's.
        """
        refuse(self.faults(msgspec.structs.asdict(form)))

        async def work(tx: Transaction) -> Vehicle:
            refuse(await self.taken(tx, form))
            return await self.add(tx, driver_id, form)

        return await settled(self._database, work)

    def faults(self, said: JSONObject) -> list[Fault]:
        """Return what is wrong with what of a ``VehicleForm`` is right by its declaration."""
        return vehicle_faults(said, self.home)

    async def taken(self, tx: Transaction, form: VehicleForm, path: str = "$") -> list[Fault]:
        """Return a fault if the plate is another vehicle's."""
        rows = await tx.fetch("SELECT 1 FROM emsp_vehicle WHERE plate_key = $1", self._key(form))
        return [Fault(f"{path}.plate", TAKEN_PLATE)] if rows else []

    async def add(self, tx: Transaction, driver_id: str, form: VehicleForm) -> Vehicle:
        """Write a vehicle whose form was judged."""
        model = models().get(form.model_id or "")
        name = f"{model.maker} {model.model}" if model else form.name
        battery = model.battery_kwh if model else form.battery_kwh
        connectors = model.connectors if model else form.connectors
        assert name is not None and battery is not None and connectors is not None, "the form was judged"
        rows = await tx.fetch(
            "INSERT INTO emsp_vehicle (id, driver_id, model_id, name, battery_wh, connectors, max_ac, max_dc, plate,"
            f" plate_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING {_COLUMNS}",
            str(uuid.uuid4()),
            driver_id,
            form.model_id,
            form.name or name,
            _watts(battery),
            " ".join(connectors),
            _watts(model.max_ac_kw if model else form.max_ac_kw),
            _watts(model.max_dc_kw if model else form.max_dc_kw),
            plates.normalized(form.plate),
            self._key(form),
            stored(self._now()),
        )
        return _vehicle(rows[0])

    async def remove(self, driver_id: str, vehicle_id: str) -> None:
        """Take a vehicle away; an account keeps at least one (RASD-F01).

        Raises:
            NotFound: he has no such vehicle.
            Conflict: it is his last.
        """
        suffix = " FOR UPDATE" if self._database.dialect == "postgres" else ""

        async def work(tx: Transaction) -> None:
            rows = await tx.fetch(f"SELECT id FROM emsp_vehicle WHERE driver_id = $1 ORDER BY id{suffix}", driver_id)
            if (vehicle_id,) not in rows:
                raise NotFound("There is no such vehicle")
            if len(rows) == 1:
                raise Conflict("This is the last vehicle of the account; add another one first")
            await tx.execute("DELETE FROM emsp_vehicle WHERE id = $1", vehicle_id)

        await self._database.transact(work)

    async def clear(self, tx: Transaction, driver_id: str) -> None:
        """Take all vehicles of a driver away; their plates are free."""
        await tx.execute("DELETE FROM emsp_vehicle WHERE driver_id = $1", driver_id)

    def _key(self, form: VehicleForm) -> str:
        return plates.key_of(form.plate, form.plate_country or self.home)


def _watts(kilo: Decimal | float | None) -> int:
    return round(Decimal(str(kilo or 0)) * _KILO)


def _vehicle(row: Row) -> Vehicle:
    vehicle_id, model_id, name, battery_wh, connectors, max_ac, max_dc, plate, created_at = row
    return Vehicle(
        id=vehicle_id,
        model_id=model_id,
        name=name,
        battery_kwh=Decimal(battery_wh) / _KILO,
        connectors=connectors.split(),
        max_ac_kw=Decimal(max_ac) / _KILO,
        max_dc_kw=Decimal(max_dc) / _KILO,
        plate=plate,
        created_at=moment_of(created_at),
    )
