"""The dialects behind real WebSockets, and the ocpp package's own clients in front of them.

The package judges all that goes out and comes in by the standard's schemas, and writes it in its own words.
"""

import asyncio
import contextlib
from decimal import Decimal

import ocpp.v16
import ocpp.v16.call as call16
import ocpp.v201
import ocpp.v201.call as call201
import pytest
from ocpp.routing import on
from ocpp.v16.call_result import GetConfiguration, RemoteStartTransaction, SendLocalList, SetChargingProfile
from ocpp.v201.call_result import GetBaseReport, RequestStartTransaction
from ocpp.v201.call_result import SetChargingProfile as SetChargingProfile201
from websockets.asyncio.client import connect

from hub.ocpp.admission import OpenGate
from hub.ocpp.central_system import CentralSystem
from hub.ocpp.events import (
    EVSE,
    CallRefused,
    ChargingProfile,
    IdToken,
    SchedulePeriod,
    TokenInfo,
    TransactionAnswer,
    Variable,
)
from hub.ocpp.v16 import Dialect16
from hub.ocpp.v21 import Dialect21
from hub.ocpp.v201 import Dialect201
from tests.ocpp.dialects.playing import RecordingOperator
from tests.ocpp.plain import listening

AT = "2026-01-01T12:00:00Z"
LIMIT = ChargingProfile(
    id=1, stack_level=0, purpose="TxDefaultProfile", kind="Relative", unit="A",
    periods=(SchedulePeriod(start=0, limit=Decimal("21.75")),),
)  # fmt: skip


class Station16(ocpp.v16.ChargePoint):
    """A station of 1.6 that notes its orders."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.orders = []

    @on("RemoteStartTransaction")
    def remote_start(self, **order):
        self.orders.append(order)
        return RemoteStartTransaction(status="Accepted")

    @on("SetChargingProfile")
    def limit(self, **order):
        self.orders.append(order)
        return SetChargingProfile(status="NotSupported")

    @on("SendLocalList")
    def list_tokens(self, **order):
        self.orders.append(order)
        return SendLocalList(status="Accepted")

    @on("GetConfiguration")
    def configuration(self, key=None):
        known = {"GetConfigurationMaxKeys": "2", "SendLocalListMaxLength": "2", "A": "1", "B": "2"}
        asked = key or list(known)
        return GetConfiguration(
            configuration_key=[{"key": each, "readonly": False, "value": known[each]} for each in asked],
            unknown_key=[],
        )


class Station201(ocpp.v201.ChargePoint):
    """A station of 2.0.1 that notes its orders, and reports in three messages."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.orders = []
        self.reporting = None

    @on("RequestStartTransaction")
    def remote_start(self, **order):
        self.orders.append(order)
        return RequestStartTransaction(status="Accepted", transaction_id="TX-A")

    @on("SetChargingProfile")
    def limit(self, **order):
        self.orders.append(order)
        return SetChargingProfile201(status="Accepted")

    @on("GetBaseReport")
    def base_report(self, request_id, report_base):
        self.reporting = asyncio.create_task(self._report(request_id))
        return GetBaseReport(status="Accepted")

    async def _report(self, request_id):
        for number in range(3):
            data = {
                "component": {"name": "Ctrlr"},
                "variable": {"name": f"V{number}"},
                "variable_attribute": [{"value": str(number)}],
            }
            await self.call(
                call201.NotifyReport(
                    request_id=request_id, generated_at=AT, seq_no=number, tbc=number < 2, report_data=[data]
                )
            )


@contextlib.asynccontextmanager
async def connected(kind, subprotocol):
    """Run a central system and a station, and return what the operator hears, the station and its commands."""
    operator = RecordingOperator()
    central = CentralSystem([Dialect16(operator), Dialect201(operator), Dialect21(operator)], operator, OpenGate())
    listener = listening()
    await central.start(listener)
    uri = f"ws://127.0.0.1:{listener.getsockname()[1]}/ocpp/CS-1"
    try:
        async with connect(uri, subprotocols=[subprotocol], proxy=None) as socket:
            station = kind("CS-1", socket)
            reading = asyncio.create_task(station.start())
            yield operator, station, central
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    finally:
        await central.stop()


@pytest.fixture
async def world16():
    async with connected(Station16, "ocpp1.6") as (operator, station, central):
        await station.call(call16.BootNotification(charge_point_model="One", charge_point_vendor="ACME"))
        yield operator, station, central.commands("CS-1")


@pytest.fixture
async def world201():
    async with connected(Station201, "ocpp2.0.1") as (operator, station, central):
        await station.call(
            call201.BootNotification(charging_station={"model": "One", "vendor_name": "ACME"}, reason="PowerUp")
        )
        yield operator, station, central.commands("CS-1")


async def test_a_station_of_1_6_charges(world16):
    """A whole transaction, in the words of the ocpp package and in ours."""
    operator, station, _ = world16
    operator.token = TokenInfo(status="NoCredit", group_id_token="FLEET")
    values = [{"timestamp": AT, "sampled_value": [{"value": "1.5", "unit": "kWh"}]}]

    authorized = await station.call(call16.Authorize(id_tag="04A2"))
    started = await station.call(call16.StartTransaction(connector_id=2, id_tag="04A2", meter_start=0, timestamp=AT))
    await station.call(call16.MeterValues(connector_id=2, transaction_id=started.transaction_id, meter_value=values))
    stopped = await station.call(
        call16.StopTransaction(transaction_id=started.transaction_id, meter_stop=1500, timestamp=AT, id_tag="04A2")
    )

    assert authorized.id_tag_info == {"status": "Blocked", "parent_id_tag": "FLEET"}
    assert (started.transaction_id, started.id_tag_info) == (7, {"status": "Accepted"})
    assert stopped.id_tag_info == {"status": "Accepted"}
    start, update, end = operator.events[-3:]
    assert (start.kind, update.kind, end.kind) == ("Started", "Updated", "Ended")
    assert update.samples[0].value == 1500
    assert (end.transaction_id, end.meter, end.reason) == ("7", 1500, "Local")


async def test_a_station_of_1_6_is_told_what_to_do(world16):
    _, station, commands = world16
    entries = [(IdToken(id_token=f"C{n}"), TokenInfo(status="Accepted")) for n in range(3)]

    started = await commands.remote_start(id_token=IdToken(id_token="04A2"), remote_start_id=1)
    limited = await commands.set_charging_profile(EVSE(station_id="CS-1", evse_id=0), LIMIT)
    listed = await commands.send_local_list(version=5, entries=entries, full=True)
    variables = await commands.get_variables([Variable(name=name) for name in ("A", "B", "A")])

    assert (started.status, limited.status, listed.status) == ("Accepted", "NotSupported", "Accepted")
    start, limit, *lists = station.orders
    assert start == {"id_tag": "04A2"}
    assert limit["cs_charging_profiles"]["charging_schedule"]["charging_schedule_period"] == [
        {"start_period": 0, "limit": Decimal("21.7")}
    ]
    assert [(each["list_version"], each["update_type"]) for each in lists] == [(4, "Full"), (5, "Differential")]
    assert [each.value for each in variables] == ["1", "2", "1"]


async def test_a_station_that_lacks_a_message_has_refused(world16):
    _, _, commands = world16

    with pytest.raises(CallRefused) as refused:
        await commands.clear_cache()

    assert refused.value.code == "NotImplemented"


async def test_raw_messages_are_answered_or_refused_by_the_station(world16):
    """Issue 3, section 2: any OCPP message of either version as raw payload."""
    _, _, commands = world16

    answer = await commands.raw("GetConfiguration", {"key": ["A"]})
    with pytest.raises(CallRefused):
        await commands.raw("RemoteStartTransaction", {"idTag": 7})

    assert answer["configurationKey"] == [{"key": "A", "readonly": False, "value": "1"}]


async def test_a_station_of_2_0_1_charges(world201):
    operator, station, _ = world201
    operator.answer = TransactionAnswer(token=TokenInfo(status="Accepted"), total_cost=Decimal("4.20"))
    token = {"id_token": "04A2", "type": "ISO14443"}
    value = {"value": 1.5, "unit_of_measure": {"unit": "Wh", "multiplier": 3}}

    authorized = await station.call(call201.Authorize(id_token=token))
    answer = await station.call(
        call201.TransactionEvent(
            event_type="Ended", timestamp=AT, trigger_reason="StopAuthorized", seq_no=2, id_token=token,
            transaction_info={"transaction_id": "TX-A", "stopped_reason": "Local"},
            meter_value=[{"timestamp": AT, "sampled_value": [value]}],
        )
    )  # fmt: skip

    assert authorized.id_token_info == {"status": "Accepted"}
    assert (answer.total_cost, answer.id_token_info) == (4.2, {"status": "Accepted"})
    ended = operator.events[-1]
    assert (ended.kind, ended.transaction_id, ended.seq_no, ended.reason) == ("Ended", "TX-A", 2, "Local")
    assert ended.samples[0].value == 1500


async def test_a_station_of_2_0_1_is_told_what_to_do_and_reports_its_device_model(world201):
    operator, station, commands = world201

    started = await commands.remote_start(
        id_token=IdToken(id_token="04A2"), remote_start_id=9, evse=EVSE(station_id="CS-1", evse_id=1)
    )
    limited = await commands.set_charging_profile(EVSE(station_id="CS-1", evse_id=0), LIMIT)
    variables = await commands.get_variables()

    assert started.payload["transactionId"] == "TX-A"
    assert limited.accepted
    start, limit = station.orders
    assert (start["evse_id"], start["remote_start_id"], start["id_token"]["id_token"]) == (1, 9, "04A2")
    assert limit["charging_profile"]["charging_schedule"][0]["charging_schedule_period"][0]["limit"] == 21.7
    assert [(each.name, each.value) for each in variables] == [("V0", "0"), ("V1", "1"), ("V2", "2")]
    assert [each.kind for each in operator.events[-3:]] == ["NotifyReport"] * 3
    await station.reporting


async def test_a_station_of_2_1_is_spoken_to_as_one_of_2_0_1():
    class Station21(Station201):
        _ocpp_version = "2.1"

    async with connected(Station21, "ocpp2.1") as (_, station, central):
        boot = call201.BootNotification(charging_station={"model": "One", "vendor_name": "ACME"}, reason="PowerUp")
        booted = await station.call(boot)
        limited = await central.commands("CS-1").set_charging_profile(EVSE(station_id="CS-1", evse_id=0), LIMIT)

        assert booted.status == "Accepted"
        assert limited.accepted
        assert central.presence("CS-1").version == "2.1"
