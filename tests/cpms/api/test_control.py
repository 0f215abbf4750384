"""Remote control over the operator API: real sockets, real OCPP versions, stations that answer what they are told to.

GEM-UC-1529 (control), X-69.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from hub.cpms.api.routes.control import ControlRoutes
from hub.cpms.api.routes.settings import SettingsRoutes
from hub.cpms.api.routes.upkeep import UpkeepRoutes
from hub.cpms.api.scopes import Scope
from hub.database import Database
from hub.ocpp.v16 import Dialect16
from hub.ocpp.v201 import Dialect201
from tests.clocks import ManualClock
from tests.cpms.api.conftest import Caller, House
from tests.ocpp import plain
from tests.ocpp.dialects.playing import RecordingOperator

SILENT = object()


class AnsweringStation:
    """A station that answers each action as a test says, and remembers what it was told."""

    def __init__(self, socket: plain.Station) -> None:
        self.socket = socket
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        self.task = asyncio.create_task(self._answer())

    async def _answer(self) -> None:
        with contextlib.suppress(Exception):
            while True:
                kind, message_id, *rest = await self.socket.hear(60)
                if kind != 2:
                    continue
                action, payload = rest
                self.heard.append((action, payload))
                answer = self.answers.get(action, {"status": "Accepted"})
                if answer is SILENT:
                    continue
                if isinstance(answer, tuple):
                    await self.socket.say(4, message_id, *answer)
                else:
                    await self.socket.say(3, message_id, answer)


class Yard:
    """The API, a central system, and stations."""

    def __init__(self, house: House, stations: plain.House) -> None:
        self.house = house
        self.stations = stations
        self._tasks: list[asyncio.Task[None]] = []

    async def station(self, name: str = "CP1", version: str = "1.6") -> AnsweringStation:
        made = AnsweringStation(await self.stations.station(name, version))
        self._tasks.append(made.task)
        return made

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def yard(database: Database, clock: ManualClock) -> AsyncIterator[Yard]:
    operator = RecordingOperator()
    dialects = (Dialect16(cast(Any, operator)), Dialect201(cast(Any, operator)))
    async with plain.house(*cast(Any, dialects), call_timeout=0.3) as stations:
        routes = (ControlRoutes(stations.central), SettingsRoutes(stations.central), UpkeepRoutes(stations.central))
        made = Yard(House(database, clock, routes), stations)
        yield made
        await made.close()


@pytest.fixture
async def operator(yard: Yard) -> Caller:
    return await yard.house.staff("operator", stepped_up=True)


async def test_connected_stations_are_listed_and_one_that_is_not_is_said_to_be_offline(
    yard: Yard, operator: Caller
) -> None:
    """X-69."""
    await yard.station("CP2", "2.0.1")
    await yard.station("CP1")

    listed = (await operator.get("/chargers"))["items"]
    offline = [
        await operator.ask("GET", "/chargers/CP3"),
        await operator.ask("POST", "/stations/CP3/unlock", json={"evse_id": 1}),
        await operator.ask("POST", "/stations/CP3/ocpp/Reset", json={"type": "Soft"}),
    ]

    assert [(each["station_id"], each["version"]) for each in listed] == [("CP1", "1.6"), ("CP2", "2.0.1")]
    assert (await operator.get("/chargers?limit=1"))["next"] == "CP1"
    assert [each["station_id"] for each in (await operator.get("/chargers?cursor=CP1"))["items"]] == ["CP2"]
    assert [(each.status_code, each.json()["type"]) for each in offline] == [
        (409, "/cpms/api/v1/problems/station-offline")
    ] * 3


ORDERS: list[tuple[str, str, Any, str, str]] = [
    ("POST", "start", {"token": {"id_token": "CARD"}, "evse_id": 1, "connector_id": 1},
     "RemoteStartTransaction", "RequestStartTransaction"),
    ("POST", "stop", {"transaction_id": "7"}, "RemoteStopTransaction", "RequestStopTransaction"),
    ("POST", "unlock", {"evse_id": 1, "connector_id": 1}, "UnlockConnector", "UnlockConnector"),
    ("POST", "reset", {"immediate": True}, "Reset", "Reset"),
    ("POST", "availability", {"evse_id": 1, "operative": False}, "ChangeAvailability", "ChangeAvailability"),
    ("POST", "reservations",
     {"token": {"id_token": "CARD"}, "evse_id": 1, "expires_at": "2026-01-01T13:00:00Z", "reservation_id": 5},
     "ReserveNow", "ReserveNow"),
    ("DELETE", "reservations/5", None, "CancelReservation", "CancelReservation"),
    ("POST", "trigger", {"message": "Heartbeat"}, "TriggerMessage", "TriggerMessage"),
    ("DELETE", "cache", None, "ClearCache", "ClearCache"),
    ("POST", "data-transfer", {"vendor_id": "acme", "data": "x"}, "DataTransfer", "DataTransfer"),
    ("PUT", "local-list", {"version": 3, "entries": [{"token": {"id_token": "CARD"}, "status": "Accepted"}]},
     "SendLocalList", "SendLocalList"),
    ("POST", "firmware", {"location": "https://firmware.test/1"}, "UpdateFirmware", "UpdateFirmware"),
    ("POST", "charging-profiles",
     {"evse_id": 1, "id": 1, "purpose": "TxDefaultProfile", "periods": [{"start": 0, "limit": 11000}]},
     "SetChargingProfile", "SetChargingProfile"),
    ("DELETE", "charging-profiles?profile_id=1", None, "ClearChargingProfile", "ClearChargingProfile"),
]  # fmt: skip


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize(("method", "path", "body", "action16", "action201"), ORDERS, ids=[each[1] for each in ORDERS])
async def test_every_order_reaches_the_station_and_its_word_comes_back(
    yard: Yard, operator: Caller, version: str, method: str, path: str, body: Any, action16: str, action201: str
) -> None:
    """GEM-UC-1529."""
    station = await yard.station("CP1", version)
    station.answers = {
        "UnlockConnector": {"status": "Unlocked"},
        "UpdateFirmware": {} if version == "1.6" else {"status": "Accepted"},
    }

    answer = await operator.ask(method, f"/stations/CP1/{path}", **({"json": body} if body is not None else {}))

    said = answer.json()
    assert answer.status_code == 200, answer.text
    assert [action for action, _ in station.heard] == [action16 if version == "1.6" else action201]
    assert said.get("answer", said)["accepted"] is True
    (entry,) = (await (await yard.house.staff("admin")).get("/audit?actor_id=" + (await operator.get("/me"))["id"]))[
        "items"
    ][:1]
    assert entry["after"]["status"] == said.get("answer", said)["status"]
    assert entry["target"] == f"/stations/CP1/{path.partition('?')[0]}"


async def test_a_stations_refusal_is_its_word_and_no_problem(yard: Yard, operator: Caller) -> None:
    station = await yard.station()
    station.answers["Reset"] = {"status": "Rejected"}

    answer = await operator.post("/stations/CP1/reset", {}, 200)

    assert answer == {"status": "Rejected", "accepted": False, "payload": {"status": "Rejected"}}


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_any_message_goes_to_the_station_and_its_answer_comes_back(
    yard: Yard, operator: Caller, version: str
) -> None:
    station = await yard.station("CP1", version)
    payload, answer = {"vendorId": "acme", "messageId": "m"}, {"status": "Accepted", "data": "d"}
    station.answers["DataTransfer"] = answer

    said = await operator.post("/stations/CP1/ocpp/DataTransfer", payload, 200)

    assert said == answer
    assert station.heard == [("DataTransfer", payload)]


async def test_a_raw_message_is_judged_unless_it_is_sent_unchecked(yard: Yard, operator: Caller) -> None:
    station = await yard.station()

    judged = await operator.ask("POST", "/stations/CP1/ocpp/Reset", json={"type": "Odd"})
    unknown = await operator.ask("POST", "/stations/CP1/ocpp/Dance", json={})
    only_stations = await operator.ask("POST", "/stations/CP1/ocpp/BootNotification", json={})
    heard_before = list(station.heard)
    unchecked = await operator.ask("POST", "/stations/CP1/ocpp/Reset?unchecked=true", json={"type": "Odd"})
    dance = await operator.ask("POST", "/stations/CP1/ocpp/Dance?unchecked=true", json={})

    assert [each.status_code for each in (judged, unknown, only_stations)] == [422, 404, 404]
    assert judged.json()["errors"][0]["path"] == "$.type"
    assert heard_before == []
    assert [each.status_code for each in (unchecked, dance)] == [200, 200]
    assert station.heard == [("Reset", {"type": "Odd"}), ("Dance", {})]


async def test_why_there_is_no_answer_is_told(yard: Yard, operator: Caller) -> None:
    station = await yard.station()
    station.answers = {
        "Reset": SILENT,
        "ClearCache": ("NotSupported", "no cache", {"since": 1}),
        "UnlockConnector": {"status": "Perhaps"},
    }

    silent = await operator.ask("POST", "/stations/CP1/ocpp/Reset", json={"type": "Soft"})
    refused = await operator.ask("POST", "/stations/CP1/ocpp/ClearCache", json={})
    odd = await operator.ask("POST", "/stations/CP1/ocpp/UnlockConnector", json={"connectorId": 1})

    assert (silent.status_code, silent.json()["type"]) == (504, "/cpms/api/v1/problems/station-timeout")
    assert refused.status_code == 502
    assert [refused.json()[name] for name in ("code", "description", "details")] == [
        "NotSupported",
        "no cache",
        {"since": 1},
    ]
    assert odd.status_code == 502
    audit = (await (await yard.house.staff("admin")).get("/audit?action=send_ocpp"))["items"]
    assert [each["status"] for each in audit] == [502, 502, 504]


async def test_a_raw_message_of_a_person_asks_for_the_password_again_and_that_of_a_key_does_not(yard: Yard) -> None:
    await yard.station()
    person, machine = await yard.house.staff("operator"), await yard.house.key(Scope.STATIONS_RAW)

    asked = await person.ask("POST", "/stations/CP1/ocpp/ClearCache", json={})
    done = await machine.ask("POST", "/stations/CP1/ocpp/ClearCache", json={})

    assert asked.json()["type"].endswith("step-up-required")
    assert (done.status_code, done.json()) == (200, {"status": "Accepted"})


async def test_settings_are_read_and_changed_but_not_what_lets_a_station_in(yard: Yard, operator: Caller) -> None:
    station = await yard.station()
    station.answers["GetConfiguration"] = {
        "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}], "unknownKey": ["Odd"],
    }  # fmt: skip
    change = {"variables": [{"name": "HeartbeatInterval", "value": "60"}]}
    secret = {"variables": [*change["variables"], {"name": "AuthorizationKey", "value": "verysecretverysecret"}]}

    read = await operator.get("/stations/CP1/variables?names=HeartbeatInterval,Odd")
    changed = await operator.ask("PATCH", "/stations/CP1/variables", json=change)
    refused = await operator.ask("PATCH", "/stations/CP1/variables", json=secret)

    assert [(each["name"], each["value"]) for each in read] == [("HeartbeatInterval", "300"), ("Odd", None)]
    assert changed.json()[0]["status"] == "Accepted"
    assert station.heard[-1] == ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"})
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "$.variables[1].name")
    assert "/register/CP1/password" in refused.text
    assert "verysecret" not in (await (await yard.house.staff("admin")).ask("GET", "/audit")).text


async def test_what_a_station_keeps_and_plans_is_asked_for(yard: Yard, operator: Caller) -> None:
    station = await yard.station("CP1", "2.0.1")
    station.answers = {
        "GetLocalListVersion": {"versionNumber": 4},
        "GetInstalledCertificateIds": {"status": "NotFound"},
        "GetCompositeSchedule": {"status": "Rejected"},
        "GetLog": {"status": "Accepted", "filename": "f"},
    }

    assert await operator.get("/stations/CP1/local-list") == {"version": 4}
    assert (await operator.get("/stations/CP1/certificates"))["status"] == "NotFound"
    assert (await operator.get("/stations/CP1/composite-schedule?evse_id=1&duration=60"))["accepted"] is False
    log = await operator.post("/stations/CP1/logs", {"location": "https://logs.test/"}, 200)
    assert dict(station.heard)["GetLog"]["requestId"] == log["request_id"]


async def test_messages_on_the_display_and_certificates_are_set_and_taken_away(yard: Yard, operator: Caller) -> None:
    station = await yard.station("CP1", "2.0.1")
    message = {"id": 1, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "Hello"}}
    hashes = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}

    shown = await operator.post("/stations/CP1/display-messages", {"message": message}, 200)
    cleared = await operator.ask("DELETE", "/stations/CP1/display-messages/1")
    root = {"kind": "CSMSRootCertificate", "certificate": "-----BEGIN CERTIFICATE-----"}
    installed = await operator.post("/stations/CP1/certificates", root, 200)
    deleted = await operator.post("/stations/CP1/certificates/delete", {"hash_data": hashes}, 200)

    assert [each["accepted"] for each in (shown, cleared.json(), installed, deleted)] == [True] * 4
    assert [action for action, _ in station.heard] == [
        "SetDisplayMessage", "ClearDisplayMessage", "InstallCertificate", "DeleteCertificate",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "fault"),
    [
        ("reservations", {"token": {"id_token": "C"}, "expires_at": "2026-01-01T11:00:00Z"}, "$.expires_at"),
        ("charging-profiles", {"evse_id": 1, "id": 1, "purpose": "TxDefaultProfile",
                               "periods": [{"start": 0, "limit": -1}]}, "$.periods[0].limit"),
        ("start", {"token": {}}, "$.token.id_token"),
    ],
)  # fmt: skip
async def test_an_order_that_makes_no_sense_reaches_no_station(
    yard: Yard, operator: Caller, path: str, body: Any, fault: str
) -> None:
    station = await yard.station()

    answer = await operator.ask("POST", f"/stations/CP1/{path}", json=body)

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, fault)
    assert station.heard == []


async def test_what_a_version_does_not_speak_is_said(yard: Yard, operator: Caller) -> None:
    await yard.station()

    answer = await operator.ask("DELETE", "/stations/CP1/display-messages/1")

    assert (answer.status_code, answer.json()["type"]) == (404, "/cpms/api/v1/problems/action-not-spoken")
