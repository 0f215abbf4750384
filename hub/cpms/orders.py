"""What an operator orders of the CPMS from the command line: imports, and a look at what there is."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hub.cpms.store import Store
from hub.database.contract import Transaction
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Party
from hub.ocpi.modules import locations, tariffs
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.shelves import Shelf

#: Carries out one kind of order; what it returns is shown to whoever gave it.
Handler = Callable[[Mapping[str, Any]], Awaitable[JSON]]

#: Raises InvalidParameters, naming path and rule, for a value that is not as declared.
Judge = Callable[[JSON, Any], None]


def orders(store: Store, judge: Judge) -> Mapping[str, Handler]:
    """Return the handlers by order kind."""
    shelves: dict[str, Shelf] = {
        "locations": store.locations, "tariffs": store.tariffs, "sessions": store.sessions, "cdrs": store.cdrs,
        "tokens": store.tokens,
    }  # fmt: skip
    declared = {"locations": locations.Location, "tariffs": tariffs.Tariff}

    async def import_objects(arguments: Mapping[str, Any]) -> JSON:
        """{"kind": "locations" | "tariffs", "objects": [...]} -> how many were stored, which were not and why."""
        kind = arguments["kind"]
        good, refused = [], []
        for position, value in enumerate(arguments["objects"]):
            try:
                good.append(_ours(store.party, value, judge, declared[kind]))
            except InvalidParameters as error:
                refused.append({"index": position, "id": _id(value), "error": str(error)})

        async def work(tx: Transaction) -> None:
            for value in good:
                await store.put_for_everyone(tx, shelves[kind], value)

        await store.database.transact(work)
        return {"stored": len(good), "refused": refused}

    async def list_objects(arguments: Mapping[str, Any]) -> JSON:
        """{"kind": ...} -> the objects on a shelf, in the order they came."""
        return await shelves[arguments["kind"]].all()

    return {"cpms.import": import_objects, "cpms.list": list_objects}


def _ours(party: Party, value: JSON, judge: Judge, declared: Any) -> JSONObject:
    judge(value, declared)
    owner = Party.of(value["country_code"], value["party_id"])
    if owner != party:
        raise InvalidParameters(f"$.party_id: belongs to {owner}; this operator is {party} (serve --cpo-id)")
    found: JSONObject = value
    return found


def _id(value: JSON) -> str | None:
    return value.get("id") if isinstance(value, dict) and isinstance(value.get("id"), str) else None
