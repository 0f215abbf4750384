"""What is sent instead of what was missed: the object as everyone is told it now.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Offline behaviour).
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.catalogue import PUBLIC, Catalogue
from hub.database import Database, Transaction
from hub.keeping import level_of
from hub.ocpi import codec
from hub.ocpi.errors import OcpiError, ReceiverUnreachable
from hub.ocpi.interfaces import Operation
from hub.ocpi.messages import Body, Party, Request, Response
from hub.ocpi.modules import locations, tariffs
from hub.ocpi.outbox import OFFLINE, Delivery, Destination, Outbox, Push, list_deliveries, retry
from hub.ocpi.versions import VERSIONS
from hub.present import Present

HUB, CPO, BET, GAM = Party("NL", "HUB"), Party("DE", "ABC"), Party("NL", "BET"), Party("NL", "GAM")
V2_2_1 = VERSIONS["2.2.1"]


def at(day: int) -> str:
    return f"2026-06-{day:02}T00:00:00Z"


class Scene:
    """A catalogue and an outbox on one store; whom something is sent to refuses it as often as told."""

    def __init__(self, database: Database) -> None:
        self.database, self.catalogue = database, Catalogue(database)
        self.present = Present(database, self.catalogue)
        self.outbox = Outbox(database, self._send, versions=VERSIONS, present=self.present.of)
        self.sent: list[tuple[str, str, Any]] = []
        self.refusals: list[OcpiError] = []

    async def _send(self, delivery: Delivery) -> Response:
        push = delivery.push
        path = "/".join(push.path[3:])
        said = codec.decode(push.body.text(V2_2_1)) if push.body else None
        self.sent.append((push.operation.method, path, said))
        if self.refusals:
            raise self.refusals.pop(0)
        return Response()

    async def say(self, operation: Operation, value: Any, *, to: Party | None = None, away: bool = False) -> None:
        """Push as the CPO does: to a party, which the hub only keeps, or to the hub, which tells GAM."""
        ids = dict(zip(("location_id", "evse_uid"), ("L1", "E1"), strict=True)) | {"tariff_id": "T1"}
        params = {"country_code": "DE", "party_id": "ABC"} | {
            k: v for k, v in ids.items() if f"{{{k}}}" in operation.path
        }
        partial = operation.method == "PATCH"
        body = None
        if value is not None:
            body = Body(operation.body, text=codec.encode(value), version=V2_2_1, owner=CPO, partial=partial)
        level = level_of(operation)
        assert level is not None
        key = f"{level.kind}/{CPO}/{params[level.key]}"
        push = Push(operation, params, body, HUB, CPO, "c", key)
        destination = Destination("connection", GAM, not away, OFFLINE if away else "")

        async def work(tx: Transaction) -> None:
            request = Request(operation, CPO, to, params, body=body, version=V2_2_1)
            await self.catalogue.keep(tx, request, level, str(to) if to else PUBLIC)
            if to is None:
                await self.outbox.enqueue(tx, push, [destination])

        await self.database.transact(work)
        await self.outbox.drain()

    async def again(self) -> list[tuple[str, str, Any]]:
        """Have the delivery that failed sent again; return what is sent."""
        self.sent.clear()
        (failed,) = await list_deliveries(self.database, state="failed")
        await retry(self.database, failed.id)
        await self.outbox.drain()
        return self.sent


@pytest.fixture
async def scene(database: Database) -> AsyncIterator[Scene]:
    made = Scene(database)
    await made.outbox.start()
    await made.outbox.drain()
    yield made
    await made.outbox.stop(timeout=0)


def tariff(day: int = 1, **changes: Any) -> Any:
    return {"country_code": "DE", "party_id": "ABC", "id": "T1", "currency": "EUR", "last_updated": at(day)} | changes


def location(day: int = 1, **changes: Any) -> Any:
    evse = {"uid": "E1", "status": "AVAILABLE", "connectors": [], "last_updated": at(day)}
    return {"country_code": "DE", "party_id": "ABC", "id": "L1", "evses": [evse], "last_updated": at(day)} | changes


async def test_a_retry_of_a_broadcast_sends_nobody_what_was_told_another(scene: Scene) -> None:
    scene.refusals = [OcpiError("no")]
    await scene.say(tariffs.put_tariff, tariff(1))
    await scene.say(tariffs.put_tariff, tariff(2, currency="CHF"), to=BET)

    assert await scene.again() == [("PUT", "T1", tariff(1))]


async def test_a_retry_of_a_change_of_an_evse_sends_the_evse_as_it_is_now(scene: Scene) -> None:
    await scene.say(locations.put_location, location())
    scene.refusals = [OcpiError("no")]
    await scene.say(locations.patch_evse, {"status": "CHARGING", "last_updated": at(2)})
    await scene.say(locations.patch_evse, {"status": "BLOCKED", "last_updated": at(3)})

    now = location()["evses"][0] | {"status": "BLOCKED", "last_updated": at(3)}
    assert await scene.again() == [("PUT", "L1/E1", now)]


async def test_a_retry_deletes_what_is_still_deleted_and_puts_what_is_there_again(scene: Scene) -> None:
    await scene.say(tariffs.put_tariff, tariff(1))
    scene.refusals = [OcpiError("no")]
    await scene.say(tariffs.delete_tariff, None)

    scene.refusals = [OcpiError("no")]
    still = list(await scene.again())
    await scene.say(tariffs.put_tariff, tariff(2))
    there = await scene.again()

    assert (still, there) == ([("DELETE", "T1", None)], [("PUT", "T1", tariff(2))])


async def test_a_retry_of_what_is_gone_sends_nothing_and_says_so(scene: Scene) -> None:
    scene.refusals = [OcpiError("no")]
    await scene.say(tariffs.put_tariff, tariff(1))
    await scene.say(tariffs.delete_tariff, None)

    assert await scene.again() == []
    (failed,) = await list_deliveries(scene.database, state="failed")
    assert "no longer here" in failed.reason


async def test_a_party_that_was_away_is_told_each_object_it_missed_once_and_as_it_is_now(scene: Scene) -> None:
    await scene.say(tariffs.put_tariff, tariff(1), away=True)
    await scene.say(locations.put_location, location(), away=True)
    await scene.say(locations.patch_evse, {"status": "CHARGING", "last_updated": at(2)}, away=True)
    await scene.say(tariffs.put_tariff, tariff(2, currency="CHF"), to=BET)

    for _ in range(2):  # the second time nothing was missed
        await scene.present.tell(scene.outbox, "connection")
        await scene.outbox.drain()

    evse = location()["evses"][0] | {"status": "CHARGING", "last_updated": at(2)}
    assert scene.sent == [("PUT", "T1", tariff(1)), ("PUT", "L1", location(2, evses=[evse]))]
    listed = await list_deliveries(scene.database)
    assert sorted(each.state for each in listed) == ["done"] * 2 + ["failed"] * 3
    assert all("told the present state" in each.reason for each in listed if each.state == "failed")


async def test_a_party_that_was_away_is_told_what_is_gone_and_nothing_it_was_never_to_have(scene: Scene) -> None:
    await scene.say(tariffs.put_tariff, tariff(1))
    scene.sent.clear()
    scene.refusals = [ReceiverUnreachable("away")]
    await scene.say(tariffs.put_tariff, tariff(2))
    await scene.say(tariffs.delete_tariff, None, away=True)
    scene.sent.clear()

    await scene.present.tell(scene.outbox, "another connection")
    await scene.present.tell(scene.outbox, "connection")
    await scene.outbox.drain()

    assert scene.sent == [("DELETE", "T1", None)]
