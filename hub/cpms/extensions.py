"""What the stations of one vendor have beyond all others: parameters, judged by a JSON Schema of its own.

Source: REQUIREMENTS SGEM-4.4-02; JSON Schema draft 2020-12.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from hub.cpms.stationstore import StationStore
from hub.database.contract import Transaction
from hub.database.works import Also, followed
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.times import date_time, microseconds, utc_now


@dataclass(frozen=True)
class Extension:
    """The schema of a vendor's model; a model of "" is all of the vendor that have none of their own."""

    vendor: str
    model: str
    schema: JSONObject


class Extensions:
    """The schemas, and the judging by them."""

    def __init__(self, store: StationStore, *, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock

    async def all(self) -> list[Extension]:
        """Return the schemas by vendor and model."""
        rows = await self._store.database.fetch(f"{_SELECT} ORDER BY vendor, model")
        return [Extension(vendor, model, codec.decode(schema)) for vendor, model, schema in rows]

    async def put(self, extension: Extension, *, also: Also[None] | None = None) -> None:
        """Store a schema.

        Args:
            also: written with it, in its transaction.

        Raises:
            InvalidParameters: it is no schema, or a station there is has parameters it refuses.
        """
        validator = _validator(extension.schema)

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO cpms_extension (vendor, model, schema, last_updated) VALUES ($1, $2, $3, $4)"
                " ON CONFLICT (vendor, model) DO UPDATE SET"
                " schema = excluded.schema, last_updated = excluded.last_updated",
                extension.vendor, extension.model, codec.encode(extension.schema),
                microseconds(date_time(self._clock())),
            )  # fmt: skip
            for each in await self._store.of_vendor(tx, extension.vendor):
                if await self._schema(tx, each.document) == extension.schema:
                    _refuse(validator, each.document, f"station {each.station_id}: ")

        await self._store.database.transact(followed(work, also))

    async def remove(self, vendor: str, model: str, *, also: Also[Extension] | None = None) -> bool:
        """Forget a schema; the stations' parameters stay as they are. False: there was none.

        Args:
            also: written with it, in its transaction; it gets what was there.
        """

        async def work(tx: Transaction) -> bool:
            rows = await tx.fetch(
                "DELETE FROM cpms_extension WHERE vendor = $1 AND model = $2 RETURNING vendor, model, schema",
                vendor, model,
            )  # fmt: skip
            if rows and also is not None:
                await also(tx, Extension(vendor, model, codec.decode(rows[0][2])))
            return bool(rows)

        return await self._store.database.transact(work)

    async def judge(self, tx: Transaction, station: JSONObject) -> None:
        """Return if a station's parameters are what its vendor's schema asks for; without a schema any are.

        Raises:
            InvalidParameters: they are not; the message names the path and the rule.
        """
        schema = await self._schema(tx, station)
        if schema is not None:
            _refuse(_validator(schema), station, "")

    async def _schema(self, tx: Transaction, station: JSONObject) -> JSONObject | None:
        """Return the schema of the station's model, else of its vendor."""
        rows = await tx.fetch(
            f"{_SELECT} WHERE vendor = $1 AND model IN ($2, '') ORDER BY model DESC LIMIT 1",
            station.get("vendor") or "", station.get("model") or "",
        )  # fmt: skip
        return codec.decode(rows[0][2]) if rows else None


_SELECT = "SELECT vendor, model, schema FROM cpms_extension"


def _validator(schema: JSON) -> Any:
    # Nothing is fetched for a $ref, and patterns are matched in linear time: a schema is an operator's, not a program.
    try:
        return jsonschema_rs.validator_for(
            schema, offline=True, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions()
        )
    except jsonschema_rs.ValidationError as error:
        raise InvalidParameters(f"{_path('$.schema', error.instance_path)}: {error.message}") from error
    except (ValueError, TypeError) as error:
        raise InvalidParameters(f"$.schema: {error}") from error


def _refuse(validator: Any, station: Mapping[str, Any], of: str) -> None:
    for error in validator.iter_errors(station.get("parameters") or {}):
        raise InvalidParameters(f"{of}{_path('$.parameters', error.instance_path)}: {error.message}")


def _path(root: str, steps: list[str | int]) -> str:
    return root + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in steps)
