"""Everything a station may be told by our own central system, told to a simulated one: it knows each order."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub.ocpp.commands import Answer, NotSpoken
from hub.ocpp.simulation.car import Car
from hub.ocpp.words import EVSE, ChargingProfile, IdToken, SchedulePeriod, TokenInfo, Variable
from tests.clocks import ManualClock
from tests.ocpp.dialects.playing import RecordingOperator
from tests.ocpp.dialects.test_simulated import charging_station
from tests.ocpp.papers import Authority
from tests.ocpp.simulation.central import passing

ONE = EVSE(station_id="SIM1", evse_id=1, connector_id=1)
CARD = IdToken(id_token="CARD-1")
LIMIT = ChargingProfile(
    id=4, stack_level=1, purpose="TxDefaultProfile", kind="Relative", unit="A",
    periods=(SchedulePeriod(start=0, limit=Decimal(16)),),
)  # fmt: skip

#: What 1.6 has no message for.
_ONLY_LATER = {"set_display_message", "clear_display_message", "transaction_status"}


async def orders(commands: Any, clock: ManualClock, root: str) -> dict[str, Any]:
    """Give every order and return what came back, by its name; NotSpoken where the version has no such message."""
    later = clock.now() + datetime.timedelta(hours=1)
    setting = Variable(name="HeartbeatInterval", component="OCPPCommCtrlr" if commands.version != "1.6" else "")
    given = {
        "set_charging_profile": lambda: commands.set_charging_profile(ONE, LIMIT),
        "composite_schedule": lambda: commands.composite_schedule(ONE, duration=600, unit="A"),
        "clear_charging_profile": lambda: commands.clear_charging_profile(profile_id=4),
        "send_local_list": lambda: commands.send_local_list(
            version=2, entries=[(CARD, TokenInfo(status="Accepted"))], full=True
        ),
        "local_list_version": commands.local_list_version,
        "clear_cache": commands.clear_cache,
        "get_variables": lambda: commands.get_variables([setting]),
        "reserve_now": lambda: commands.reserve_now(reservation_id=3, evse=ONE, id_token=CARD, expires_at=later),
        "cancel_reservation": lambda: commands.cancel_reservation(3),
        "change_availability": lambda: commands.change_availability(ONE, operative=False),
        "change_availability back": lambda: commands.change_availability(ONE, operative=True),
        "trigger": lambda: commands.trigger("StatusNotification", ONE),
        "install_certificate": lambda: commands.install_certificate("ManufacturerRootCertificate", root),
        "installed_certificates": lambda: commands.installed_certificates(["ManufacturerRootCertificate"]),
        "set_display_message": lambda: commands.set_display_message(
            {"id": 1, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "Hello"}}
        ),
        "clear_display_message": lambda: commands.clear_display_message(1),
        "unlock": lambda: commands.unlock(ONE),
        "data_transfer": lambda: commands.data_transfer("somebody else", "Hello", "there"),
        "get_log": lambda: commands.get_log(kind="DiagnosticsLog", location="ftp://files/logs", request_id=1),
        "update_firmware": lambda: commands.update_firmware(
            location="ftp://files/fail", retrieve_at=clock.now(), request_id=2
        ),
        "transaction_status": lambda: commands.transaction_status("no such transaction"),
        "raw": lambda: commands.raw("ClearCache", {}),
        "reset": lambda: commands.reset(immediate=True),
    }  # fmt: skip
    found = {}
    for name, give in given.items():
        try:
            found[name] = await give()
        except NotSpoken as error:
            found[name] = error
    return found


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_every_order_is_carried_out_or_refused_in_the_versions_words(version: str, tmp_path: Path) -> None:
    operator, clock = RecordingOperator(), ManualClock()

    async with charging_station(version, operator, clock) as (station, commands):
        answers = await orders(commands, clock, Authority(tmp_path).file.read_text())
        station.plug(1, Car())
        await passing(clock, lambda: not station.link.up or len(operator.events) > 5)
        errors = [frame for frame in station.link.history if frame.kind == 4]

    unspoken = {name for name, answer in answers.items() if isinstance(answer, NotSpoken)}
    refused = {name for name, answer in answers.items() if isinstance(answer, Answer) and not answer.accepted}
    assert errors == []
    assert unspoken == (
        {"set_display_message", "clear_display_message", "transaction_status"} if version == "1.6" else set()
    )
    assert refused <= {"transaction_status"}
    assert answers["local_list_version"] == 2
    assert [each.value for each in answers["get_variables"]] == ["300"]
    assert answers["data_transfer"].status == "UnknownVendorId"
