"""What an operator orders of the CPMS from the command line: imports, and a look at what there is."""

from collections.abc import Mapping
from typing import Any

from hub.cpms.ports import Handler
from hub.cpms.store import Store
from hub.cpms.tariffs.places import named_in
from hub.database.contract import Transaction
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.shelves import Shelf
from hub.ocpi.times import utc_now


def orders(store: Store) -> Mapping[str, Handler]:
    """Return the handlers by order kind."""
    shelves: dict[str, Shelf] = {
        "locations": store.locations, "tariffs": store.tariffs, "sessions": store.sessions, "cdrs": store.cdrs,
        "tokens": store.tokens,
    }  # fmt: skip

    async def import_objects(arguments: Mapping[str, Any]) -> JSON:
        """{"kind": "locations" | "tariffs", "objects": [...]} -> how many were stored, which were not and why.

        The objects are valid in the newest version: whoever orders has judged them.
        """
        kind = arguments["kind"]
        good, refused = [], []
        for position, value in enumerate(arguments["objects"]):
            try:
                good.append(_ours(store.party, value))
            except InvalidParameters as error:
                refused.append({"index": position, "id": value["id"], "error": str(error)})

        async def work(tx: Transaction) -> None:
            for value in good:
                if kind == "locations":
                    value = await named_in(tx, value, party=store.party, at=utc_now())
                await store.put_for_everyone(tx, shelves[kind], value)

        await store.database.transact(work)
        return {"stored": len(good), "refused": refused}

    async def list_objects(arguments: Mapping[str, Any]) -> JSON:
        """{"kind": ...} -> the objects on a shelf, in the order they came."""
        return await shelves[arguments["kind"]].all()

    return {"cpms.import": import_objects, "cpms.list": list_objects}


def _ours(party: Party, value: JSONObject) -> JSONObject:
    owner = Party.of(value["country_code"], value["party_id"])
    if owner != party:
        raise InvalidParameters(f"$.party_id: belongs to {owner}; this operator is {party} (serve --cpo-id)")
    return value
