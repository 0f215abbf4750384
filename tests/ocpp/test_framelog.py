"""The log of frames: all of them both ways, found by what they are, forgotten in time; and what makes are let pass."""

import asyncio
import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from hub.database import Database
from hub.ocpp.boots import Identity
from hub.ocpp.errors import CallFault
from hub.ocpp.framelog import DAY, FrameLog, Noted, Search, search, without_passwords
from hub.ocpp.leniency import LENIENCIES, Leniencies
from hub.ocpp.schemas import schemas_of
from tests.ocpp.plain import BOOT16, PlainDialect, eventually
from tests.ocpp.rooms import room

UTC = datetime.UTC


async def found(database: Database, **wanted: Any) -> list[Noted]:
    return [each async for each in search(database, Search(**wanted))]


async def test_every_frame_is_in_the_log_both_ways_and_as_it_was_sent(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path, unknown="accept") as (made, running):
        station = await running.station()
        asking = asyncio.create_task(made.commands("CP1").raw("ClearCache", {}))
        _, message_id, *_ = await station.hear()
        await station.say(3, message_id, {"status": "Accepted"})
        await asking
        await station.connection.send("junk \u20ac")
        await station.hear()
        await made.frame_log.flush()

        frames = await found(database, station_id="CP1")

    assert [(each.direction, each.message_id, each.action) for each in frames] == [
        ("in", "boot", "BootNotification"),
        ("out", "boot", ""),
        ("out", message_id, "ClearCache"),
        ("in", message_id, ""),
        ("in", "", ""),
        ("out", "-1", ""),
    ]
    assert json.loads(frames[0].text) == [2, "boot", "BootNotification", BOOT16]
    assert frames[4].text == "junk \u20ac"
    assert frames == sorted(frames, key=lambda each: each.at)


async def test_frames_are_found_by_station_time_action_message_and_text(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path, unknown="accept") as (made, running):
        first, second = await running.station("CP1"), await running.station("CP2")
        await made.frame_log.flush()
        between = datetime.datetime.now(UTC)
        await first.ask(2, "m1", "Heartbeat", {})
        await second.ask(2, "m1", "DataTransfer", {"vendorId": "Straße"})
        await made.frame_log.flush()

    async def ids(**wanted: Any) -> list[tuple[str, str, str]]:
        return [(each.station_id, each.message_id, each.direction) for each in await found(database, **wanted)]

    assert len(await ids()) == 8
    assert await ids(station_id="CP1", since=between) == [("CP1", "m1", "in"), ("CP1", "m1", "out")]
    assert await ids(until=between, action="BootNotification") == [("CP1", "boot", "in"), ("CP2", "boot", "in")]
    assert sorted(await ids(message_id="m1")) == [(name, "m1", way) for name in ("CP1", "CP2") for way in ("in", "out")]
    assert await ids(text="STRAßE") == [("CP2", "m1", "in")]
    assert await ids(station_id="CP3") == []
    assert await ids(since=datetime.datetime.now(UTC)) == []


async def test_the_log_reads_further_than_one_page(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ocpp.framelog._PAGE", 3)
    log = FrameLog(database)
    for number in range(10):
        log.frame(f"CP{number}", "in", b'[2,"m%d","Heartbeat",{}]' % number)
        log.frame("CP0", "out", b'[3,"x%d",{}]' % number)
        await log.flush()

    assert len(await found(database)) == 20
    assert [each.message_id for each in await found(database, station_id="CP0", text="x")] == [
        f"x{n}" for n in range(10)
    ]


async def test_frames_are_forgotten_after_their_days(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ocpp.framelog._PAGE", 2)
    log = FrameLog(database, days=30)
    for number in range(5):
        log.frame(f"CP{number}", "in", b'[2,"m","Heartbeat",{}]')
        await log.flush()
    now = datetime.datetime.now(UTC).timestamp() * 1e6

    await log.prune(round(now + 29 * DAY))
    assert len(await found(database)) == 5

    await log.prune(round(now + 31 * DAY))
    assert await found(database) == []


async def test_a_log_that_cannot_keep_up_loses_frames_rather_than_memory(database: Database) -> None:
    log = FrameLog(database, limit=3)

    for number in range(5):
        log.frame("CP1", "in", b"%d" % number)
    await log.stop()

    assert (log.lost, [each.text for each in await found(database)]) == (2, ["0", "1", "2"])


async def test_frames_noted_while_others_are_stored_are_stored_too(database: Database) -> None:
    log = FrameLog(database)
    await log.start()
    log.frame("CP1", "in", b"1")
    flushing = asyncio.create_task(log.flush())
    await asyncio.sleep(0)
    log.frame("CP1", "in", b"2")
    await flushing
    log.frame("CP1", "in", b"3")
    await eventually(lambda: _stored(database, 3))
    await log.stop()


async def _stored(database: Database, count: int) -> bool:
    return len(await found(database)) == count


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        ('[2,"m","ChangeConfiguration",{"key":"AuthorizationKey","value":"s3cret"}]', "AuthorizationKey"),
        (
            '[2,"m","SetVariables",{"setVariableData":[{"attributeValue":"s3cret","component":{"name":"SecurityCtrlr"},'
            '"variable":{"name":"BasicAuthPassword"}},{"attributeValue":"7","component":{"name":"C"},'
            '"variable":{"name":"Shown"}}]}]',
            '"attributeValue":"7"',
        ),
        ('[2,"m","x",{"AuthorizationKey": "s3cret"', "cannot be read"),
    ],
)
def test_a_password_is_in_no_log(frame: str, shown: str) -> None:
    kept = without_passwords(frame)

    assert "s3cret" not in kept
    assert shown in kept


def test_what_holds_no_password_is_kept_to_the_letter() -> None:
    assert without_passwords('[ 2, "m",  "Heartbeat", {} ]') == '[ 2, "m",  "Heartbeat", {} ]'


# -- leniency --------------------------------------------------------------------------------------------------

ACME = Identity(vendor="Acme", model="One")


VALUE: dict[str, Any] = {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": "1"}]}


def wrong(**changes: Any) -> dict[str, Any]:
    return {"connectorId": 1, "meterValue": [dict(VALUE)], **changes}


CASES = [
    ("numbers-as-texts", wrong(connectorId="1"), wrong()),
    ("texts-as-numbers", wrong(meterValue=[{**VALUE, "sampledValue": [{"value": 1}]}]), wrong()),
    ("nulls", wrong(transactionId=None), wrong()),
    (
        "times-without-zone",
        wrong(meterValue=[{"timestamp": "2026-01-01T00:00:00", "sampledValue": [{"value": "1"}]}]),
        wrong(),
    ),
    (
        "case-of-enums",
        wrong(meterValue=[{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": "1", "unit": "WH"}]}]),
        wrong(meterValue=[{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": "1", "unit": "Wh"}]}]),
    ),
    ("unknown-fields", wrong(vendor="x", more={"a": 1}), wrong()),
]  # fmt: skip


def test_every_leniency_is_tried() -> None:
    assert {name for name, _, _ in CASES} == set(LENIENCIES)


@pytest.mark.parametrize(("name", "sent", "meant"), CASES)
def test_what_is_granted_is_mended_and_nothing_else_is(name: str, sent: dict[str, Any], meant: dict[str, Any]) -> None:
    schemas = schemas_of("1.6")
    copy = json.loads(json.dumps(sent))

    unchanged, used = schemas.mend_request("MeterValues", copy, frozenset(LENIENCIES) - {name})
    assert (unchanged, used) == (sent, set())
    with pytest.raises(CallFault):
        schemas.judge_request("MeterValues", unchanged)

    mended, used = schemas.mend_request("MeterValues", copy, frozenset({name}))
    assert (mended, used) == (meant, {name})
    schemas.judge_request("MeterValues", mended)


@pytest.mark.parametrize("value", ["one", "1.5", "", "0x1", "1e3", True, [1], {"a": 1}])
def test_what_cannot_be_meant_is_left_for_the_judge(value: Any) -> None:
    payload, used = schemas_of("1.6").mend_request("MeterValues", wrong(connectorId=value), frozenset(LENIENCIES))

    assert (payload["connectorId"], used) == (value, set())


async def test_a_make_is_let_pass_what_it_is_granted_and_its_station_is_marked(
    database: Database, tmp_path: Path
) -> None:
    heard: list[Any] = []

    async def values(call: Any) -> dict[str, Any]:
        heard.append(call.payload["connectorId"])
        return {}

    async with room(database, tmp_path, PlainDialect("1.6", {"MeterValues": values}), unknown="accept") as (
        made,
        running,
    ):
        station = await running.station()
        assert (await station.ask(2, "m1", "MeterValues", wrong(connectorId="7")))[0] == 4

        await made.leniencies.grant("Acme", "One", frozenset({"numbers-as-texts"}))
        await eventually(lambda: bool(made.leniencies.of(ACME)))
        assert (await station.ask(2, "m2", "MeterValues", wrong(connectorId="7")))[0] == 3
        assert (await station.ask(2, "m3", "MeterValues", wrong(connectorId="7", more=1)))[0] == 4

        assert heard == [7]
        (row,) = await made.stations.all()
        assert row.leniencies == ("numbers-as-texts",)

        await made.leniencies.grant("Acme", "One", frozenset())
        await eventually(lambda: not made.leniencies.of(ACME))
        assert (await station.ask(2, "m4", "MeterValues", wrong(connectorId="7")))[0] == 4


async def test_even_a_boot_that_is_wrong_finds_its_makes_leniency(database: Database, tmp_path: Path) -> None:
    await Leniencies(database).grant("Acme", "", frozenset({"unknown-fields"}))
    async with room(database, tmp_path, unknown="accept") as (_, running):
        station = await running.station(boot=False)

        answer = await station.ask(2, "m", "BootNotification", {**BOOT16, "colour": "red"})

        assert (answer[0], answer[2].get("status")) == (3, "Accepted")
