"""The transport: versions negotiated, both directions, order, turns, take-over, supervision (issue 3, section 1)."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hub.ocpp.commands import AnswerInvalid, CallRefused, CallTimeout, ChargerOffline
from hub.ocpp.dialects import Call
from hub.ocpp.errors import SecurityError
from hub.ocpp.links import QUEUE
from hub.ocpp.sockets import Limits, station_of
from hub.ocpp.supervision import Patience
from tests.ocpp.plain import BOOT16, House, PlainDialect, Station, eventually, house
from tests.ocpp.test_frames import JSON_VALUES, NEAR

QUICK = Patience(ping=0.1, pong=0.2, look=0.02)


class Gated:
    """A handler that begins when it is asked and ends when it is let."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.open = asyncio.Event()

    async def __call__(self, call: Call) -> dict[str, Any]:
        self.began.append(call.message_id)
        await self.open.wait()
        return {}


# -- the handshake ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "station_id"),
    [
        ("/ocpp/CP1", "CP1"),
        ("/ocpp/CP1?x=1", "CP1"),
        ("/ocpp/NL%2AABC%2F1", "NL*ABC/1"),
        ("/ocpp/Stra%C3%9Fe%201", "Straße 1"),
        ("/ocpp/a%2Fb%3F%23%25", "a/b?#%"),
        ("/ocpp/", None),
        ("/ocpp", None),
        ("/ocpp/a/b", None),
        ("/else/CP1", None),
        ("/ocpp/%0A", None),
        ("/ocpp/%ff", None),
        ("/ocpp/%20x", None),
        ("/ocpp/" + "x" * 256, None),
    ],
)
def test_the_station_id_is_the_percent_decoded_end_of_the_path(path: str, station_id: str | None) -> None:
    assert station_of(path) == station_id


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [
        (["ocpp1.6"], "1.6"),
        (["ocpp1.6", "ocpp2.0.1"], "2.0.1"),
        (["ocpp2.0.1", "ocpp2.1", "ocpp1.6"], "2.1"),
        (["ocpp1.5", "ocpp1.6"], "1.6"),
    ],
)
async def test_the_newest_version_both_speak_is_spoken(offered: list[str], spoken: str) -> None:
    async with house() as running:
        station = await running.station("CP1", boot=False, subprotocols=offered)

        assert station.connection.subprotocol == f"ocpp{spoken}"


@pytest.mark.parametrize("offered", [["ocpp1.2", "ocpp1.5"], None])
async def test_without_a_common_version_the_handshake_is_completed_and_the_socket_closed(
    offered: list[str] | None,
) -> None:
    """OCPP-J: no Sec-WebSocket-Protocol in the response, and closed at once."""
    async with house() as running:
        station = await running.station("CP1", boot=False, subprotocols=offered)

        assert station.connection.subprotocol is None
        with pytest.raises(ConnectionClosed):
            await station.hear()
        assert running.operator.events == []


async def test_a_path_that_is_no_stations_is_not_found() -> None:
    async with house() as running:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{running.port}/chargers/CP1", proxy=None)

        assert refused.value.response.status_code == 404


async def test_nothing_is_compressed() -> None:
    async with house() as running:
        uri = f"ws://127.0.0.1:{running.port}/ocpp/CP1"
        async with connect(uri, subprotocols=["ocpp1.6"], compression="deflate", proxy=None) as connection:  # type: ignore[list-item]
            assert connection.protocol.extensions == []


# -- what the ocpp package's server loop gets wrong ---------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("action", [{"an": "object"}, ["a list"], None, 7])
async def test_an_action_that_is_no_text_is_answered_and_the_reader_lives(version: str, action: Any) -> None:
    async with house() as running:
        station = await running.station("CP1", version)

        answer = await station.ask(2, "m1", action, {})
        assert answer[:2] == [4, "m1"]
        assert answer[2] == ("FormationViolation" if version == "1.6" else "RpcFrameworkError")
        assert (await station.ask(2, "m2", "Heartbeat", {}))[:2] == [3, "m2"]


@pytest.mark.parametrize(("version", "code"), [("1.6", "FormationViolation"), ("2.0.1", "RpcFrameworkError")])
async def test_a_malformed_call_is_answered(version: str, code: str) -> None:
    async with house() as running:
        station = await running.station("CP1", version)

        await station.connection.send("not json")
        assert (await station.hear())[:3] == [4, "-1", code]
        assert (await station.ask(2, "m1"))[:3] == [4, "m1", code]
        await station.connection.send(b"\xff\x00")
        assert (await station.hear())[:3] == [4, "-1", code]
        assert (await station.ask(2, "m2", "Heartbeat", {}))[:2] == [3, "m2"]


@pytest.mark.parametrize(
    ("version", "action", "code"),
    [
        ("2.1", "NotifyWebPaymentStarted", "NotSupported"),
        ("2.1", "Reset", "NotSupported"),
        ("2.1", "StartTransaction", "NotImplemented"),
        ("1.6", "TransactionEvent", "NotImplemented"),
        ("1.6", "DiagnosticsStatusNotification", "NotSupported"),
    ],
)
async def test_an_action_without_handler_is_answered(version: str, action: str, code: str) -> None:
    async with house() as running:
        station = await running.station("CP1", version)

        assert (await station.ask(2, "m", action, {}))[:3] == [4, "m", code]


async def test_a_send_of_2_1_is_handled_and_not_answered() -> None:
    heard: list[Call] = []

    async def stream(call: Call) -> dict[str, Any]:
        heard.append(call)
        return {}

    async with house(PlainDialect("2.1", {"NotifyPeriodicEventStream": stream})) as running:
        station = await running.station("CP1", "2.1")

        payload = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 0, "v": "1"}]}
        await station.say(6, "s1", "NotifyPeriodicEventStream", payload)
        await station.say(6, "s2", "NotifyPeriodicEventStream", {"invalid": 1})
        answer = await station.ask(2, "m", "Heartbeat", {})

        assert answer[:2] == [3, "m"]
        assert [each.payload for each in heard] == [payload]


async def test_an_answer_of_2_1_that_cannot_be_used_is_said_so() -> None:
    async with house() as running:
        station = await running.station("CP1", "2.1")
        asking = asyncio.create_task(running.central.commands("CP1").raw("ClearCache", {}))

        _, message_id, *_ = await station.hear()
        await station.say(3, message_id, {"status": "Perhaps"})

        assert (await station.hear())[:3] == [5, message_id, "PropertyConstraintViolation"]
        with pytest.raises(AnswerInvalid) as caught:
            await asking
        assert caught.value.details == {"status": "Perhaps"}


async def test_a_callresulterror_of_a_station_harms_nothing() -> None:
    async with house() as running:
        station = await running.station("CP1", "2.1")

        await station.say(5, "boot", "FormatViolation", "what?", {})
        assert (await station.ask(2, "m", "Heartbeat", {}))[:2] == [3, "m"]


async def test_a_handler_may_call_its_station() -> None:
    async def status(call: Call) -> dict[str, Any]:
        answers.append(await running.central.commands(call.station_id).raw("GetLocalListVersion", {}))
        return {}

    answers: list[Any] = []
    async with house(PlainDialect("1.6", {"DataTransfer": status})) as running:
        station = await running.station("CP1")

        await station.say(2, "m", "DataTransfer", {"vendorId": "Acme"})
        kind, message_id, action, _ = await station.hear()
        await station.say(3, message_id, {"listVersion": 4})

        assert (kind, action) == (2, "GetLocalListVersion")
        assert (await station.hear())[:2] == [3, "m"]
        assert answers == [{"listVersion": 4}]


async def test_an_invalid_timestamp_is_refused_with_its_path() -> None:
    async def never(call: Call) -> dict[str, Any]:
        raise AssertionError("nobody should see this")

    async with house(PlainDialect("1.6", {"MeterValues": never})) as running:
        station = await running.station("CP1")

        values = [{"timestamp": "2026-13-01T00:00:00Z", "sampledValue": [{"value": "1"}]}]
        answer = await station.ask(2, "m", "MeterValues", {"connectorId": 1, "meterValue": values})

        assert answer[:3] == [4, "m", "TypeConstraintViolation"]
        assert answer[4] == {"path": "$.meterValue[0].timestamp", "rule": "format"}


# -- a station's CALLs -----------------------------------------------------------------------------------------


async def test_calls_sent_without_waiting_are_answered_in_order() -> None:
    order: list[str] = []

    async def slow_first(call: Call) -> dict[str, Any]:
        order.append(f"begin {call.message_id}")
        await asyncio.sleep(0.05 if call.message_id == "m1" else 0)
        order.append(f"end {call.message_id}")
        return {}

    async with house(PlainDialect("1.6", {"DataTransfer": slow_first})) as running:
        station = await running.station("CP1")

        for number in (1, 2, 3):
            await station.say(2, f"m{number}", "DataTransfer", {"vendorId": "Acme"})
        answers = [(await station.hear())[1] for _ in range(3)]

        assert answers == ["m1", "m2", "m3"]
        assert order == ["begin m1", "end m1", "begin m2", "end m2", "begin m3", "end m3"]


async def test_a_station_is_answered_only_when_its_handler_has_returned() -> None:
    gated = Gated()
    async with house(PlainDialect("1.6", {"DataTransfer": gated})) as running:
        station = await running.station("CP1")

        await station.say(2, "m", "DataTransfer", {"vendorId": "Acme"})
        await eventually(lambda: gated.began == ["m"])
        with pytest.raises(TimeoutError):
            await station.hear(0.05)

        gated.open.set()
        assert (await station.hear())[1] == "m"


async def test_a_handler_that_fails_ends_neither_the_connection_nor_a_neighbours() -> None:
    async def fails(call: Call) -> dict[str, Any]:
        raise RuntimeError("secret of the house")

    async def refuses(call: Call) -> dict[str, Any]:
        raise SecurityError("not you")

    async def odd(call: Call) -> dict[str, Any]:
        return {"not": object()}

    handlers = {"DataTransfer": fails, "Authorize": refuses, "FirmwareStatusNotification": odd}
    async with house(PlainDialect("1.6", handlers)) as running:
        station, neighbour = await running.station("CP1"), await running.station("CP2")

        answer = await station.ask(2, "m1", "DataTransfer", {"vendorId": "Acme"})
        assert answer[:3] == [4, "m1", "InternalError"]
        assert "secret" not in json.dumps(answer)
        assert (await station.ask(2, "m2", "Authorize", {"idTag": "A"}))[:3] == [4, "m2", "SecurityError"]
        answer = await station.ask(2, "m3", "FirmwareStatusNotification", {"status": "Idle"})
        assert answer[:3] == [4, "m3", "InternalError"]
        assert (await station.ask(2, "m4", "Heartbeat", {}))[0] == 3
        assert (await neighbour.ask(2, "m5", "Heartbeat", {}))[0] == 3


async def test_a_flood_of_one_station_leaves_its_neighbour_its_turn() -> None:
    async with house() as running:
        station, neighbour = await running.station("CP1"), await running.station("CP2")

        async def hear_all() -> None:
            for number in range(3000):
                assert (await station.hear())[1] == f"m{number}"

        hearing = asyncio.create_task(hear_all())
        for number in range(3000):
            await station.say(2, f"m{number}", "Heartbeat", {})
            if number % 300 == 0:
                assert (await neighbour.ask(2, "n", "Heartbeat", {}))[0] == 3
        await hearing


async def test_a_station_that_does_not_wait_is_read_only_as_far_as_the_queue_reaches() -> None:
    gated = Gated()
    async with house(PlainDialect("1.6", {"DataTransfer": gated})) as running:
        station, neighbour = await running.station("CP1"), await running.station("CP2")

        for number in range(QUEUE * 4):
            await station.say(2, f"m{number}", "DataTransfer", {"vendorId": "Acme"})
        await eventually(lambda: gated.began == ["m0"])
        assert (await neighbour.ask(2, "n", "Heartbeat", {}))[0] == 3

        gated.open.set()
        assert [(await station.hear())[1] for _ in range(QUEUE * 4)] == [f"m{number}" for number in range(QUEUE * 4)]


async def test_a_message_over_the_limit_costs_only_its_own_connection() -> None:
    async with house(limits=Limits(frame=1000)) as running:
        station, neighbour = await running.station("CP1"), await running.station("CP2")

        await station.connection.send("x" * 1001)
        with pytest.raises(ConnectionClosed) as closed:
            await station.hear()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert (await neighbour.ask(2, "n", "Heartbeat", {}))[0] == 3


# -- our CALLs -------------------------------------------------------------------------------------------------


async def answered(station: Station, payload: dict[str, Any]) -> str:
    _, message_id, action, _ = await station.hear()
    await station.say(3, message_id, payload)
    return str(action)


async def test_one_call_is_under_way_and_the_others_wait_their_turn() -> None:
    async with house() as running:
        station = await running.station("CP1")
        commands = running.central.commands("CP1")
        first = asyncio.create_task(commands.raw("ClearCache", {}))
        second = asyncio.create_task(commands.raw("GetLocalListVersion", {}))

        _, message_id, action, _ = await station.hear()
        assert action == "ClearCache"
        with pytest.raises(TimeoutError):
            await station.hear(0.05)
        # What it tells meanwhile is answered: the directions are independent.
        assert (await station.ask(2, "m", "Heartbeat", {}))[:2] == [3, "m"]

        await station.say(3, message_id, {"status": "Accepted"})
        assert await answered(station, {"listVersion": 7}) == "GetLocalListVersion"
        assert (await first, await second) == ({"status": "Accepted"}, {"listVersion": 7})


async def test_a_call_that_is_not_answered_times_out_and_gives_its_turn_away() -> None:
    async with house() as running:
        station = await running.station("CP1")
        commands = running.central.commands("CP1")

        with pytest.raises(CallTimeout):
            await commands.raw("ClearCache", {}, timeout=0.05)
        _, late, *_ = await station.hear()
        next_one = asyncio.create_task(commands.raw("GetLocalListVersion", {}))
        await station.say(3, late, {"status": "Accepted"})

        assert await answered(station, {"listVersion": 7}) == "GetLocalListVersion"
        assert await next_one == {"listVersion": 7}


async def test_each_message_has_a_timeout_of_its_own() -> None:
    async with house(call_timeout=0.05) as running:
        station = await running.station("CP1")
        commands = running.central.commands("CP1")

        with pytest.raises(CallTimeout):
            await commands.raw("ClearCache", {})
        await station.hear()
        patient = asyncio.create_task(commands.raw("ClearCache", {}, timeout=5))
        await asyncio.sleep(0.1)
        await answered(station, {"status": "Accepted"})

        assert await patient == {"status": "Accepted"}


async def test_whoever_goes_away_leaves_the_turn_to_his_call() -> None:
    async with house() as running:
        station = await running.station("CP1")
        commands = running.central.commands("CP1")
        impatient = asyncio.create_task(commands.raw("ClearCache", {}))
        _, message_id, *_ = await station.hear()

        impatient.cancel()
        patient = asyncio.create_task(commands.raw("GetLocalListVersion", {}))
        with pytest.raises(TimeoutError):
            await station.hear(0.05)

        await station.say(3, message_id, {"status": "Accepted"})
        assert await answered(station, {"listVersion": 1}) == "GetLocalListVersion"
        await patient


async def test_a_callerror_is_a_refusal() -> None:
    async with house() as running:
        station = await running.station("CP1")
        asking = asyncio.create_task(running.central.commands("CP1").raw("ClearCache", {}))

        _, message_id, *_ = await station.hear()
        await station.say(4, message_id, "NotSupported", "no cache", {"why": "not"})

        with pytest.raises(CallRefused) as refused:
            await asking
        assert (refused.value.code, refused.value.description) == ("NotSupported", "no cache")
        assert refused.value.details == {"why": "not"}


async def test_an_answer_nobody_waits_for_is_taken_by_nobody() -> None:
    async with house() as running:
        station = await running.station("CP1")
        asking = asyncio.create_task(running.central.commands("CP1").raw("ClearCache", {}))
        _, message_id, *_ = await station.hear()

        await station.say(3, "another", {"status": "Rejected"})
        await station.say(4, "another", "InternalError", "", {})
        await station.say(3, message_id, {"status": "Accepted"})
        await station.say(3, message_id, {"status": "Rejected"})

        assert await asking == {"status": "Accepted"}
        assert (await station.ask(2, "m", "Heartbeat", {}))[0] == 3


async def test_a_call_of_a_station_that_goes_away_may_have_been_acted_on() -> None:
    async with house() as running:
        station = await running.station("CP1")
        commands = running.central.commands("CP1")
        under_way = asyncio.create_task(commands.raw("ClearCache", {}))
        waits = asyncio.create_task(commands.raw("ClearCache", {}))
        await station.hear()

        await station.close()

        with pytest.raises(CallTimeout):
            await under_way
        with pytest.raises(ChargerOffline):
            await waits
        with pytest.raises(ChargerOffline):
            running.central.commands("CP1")


# -- one station, one connection -------------------------------------------------------------------------------


def present(running: House, name: str = "CP1") -> bool:
    return running.central.presence(name) is not None


async def test_another_socket_takes_over_on_its_first_frame_and_not_on_its_handshake() -> None:
    async with house() as running:
        former = await running.station("CP1")
        latter = await running.station("CP1", "2.0.1", boot=False)

        assert (await former.ask(2, "m", "Heartbeat", {}))[0] == 3
        assert [each.version for each in running.central.connected()] == ["1.6"]

        assert (await latter.ask(2, "m", "Heartbeat", {}))[0] == 3
        assert [each.version for each in running.central.connected()] == ["2.0.1"]
        with pytest.raises(ConnectionClosed):
            await former.hear()
        assert running.operator.comings == [("connected", "CP1")] * 2


async def test_a_malformed_frame_is_a_first_frame_too() -> None:
    async with house() as running:
        former = await running.station("CP1")
        latter = await running.station("CP1", boot=False)

        await latter.connection.send("hello?")

        assert (await latter.hear())[0] == 4
        with pytest.raises(ConnectionClosed):
            await former.hear()


async def test_what_the_former_socket_sent_is_served_before_what_the_latter_sends() -> None:
    order: list[str] = []
    let = asyncio.Event()

    async def handler(call: Call) -> dict[str, Any]:
        order.append(f"begin {call.message_id}")
        await let.wait()
        order.append(f"end {call.message_id}")
        return {}

    async with house(PlainDialect("1.6", {"DataTransfer": handler})) as running:
        former = await running.station("CP1")
        await former.say(2, "old", "DataTransfer", {"vendorId": "Acme"})
        await eventually(lambda: order == ["begin old"])
        latter = await running.station("CP1", boot=False)
        await latter.say(2, "new", "DataTransfer", {"vendorId": "Acme"})
        await asyncio.sleep(0.05)
        let.set()

        assert (await latter.hear())[1] == "new"
        assert order == ["begin old", "end old", "begin new", "end new"]


async def test_sockets_that_took_over_and_were_taken_over_are_not_remembered() -> None:
    """A station that comes again and again without a CALL fills no memory."""
    async with house() as running:
        for _ in range(3):
            latest = await running.station("CP1", boot=False)
            await latest.connection.send("hello?")
            await latest.hear()

        (link,) = running.central._present.values()
        assert link._predecessor is None


async def test_a_former_sockets_call_is_not_waited_for() -> None:
    async with house() as running:
        former = await running.station("CP1")
        asking = asyncio.create_task(running.central.commands("CP1").raw("ClearCache", {}))
        await former.hear()

        await running.station("CP1")

        with pytest.raises(CallTimeout):
            await asking


async def test_the_operator_hears_when_a_station_comes_and_goes() -> None:
    async with house() as running:
        station = await running.station("CP1", boot=False)
        assert running.operator.comings == []

        await station.ask(2, "m", "BootNotification", BOOT16)
        assert running.operator.comings == [("connected", "CP1")]

        await station.close()
        await eventually(lambda: running.operator.comings == [("connected", "CP1"), ("disconnected", "CP1")])
        assert not present(running)


async def test_what_a_station_sent_before_it_went_is_served_before_it_is_told_gone() -> None:
    gated = Gated()
    async with house(PlainDialect("1.6", {"DataTransfer": gated})) as running:
        station = await running.station("CP1")
        await station.say(2, "m1", "DataTransfer", {"vendorId": "Acme"})
        await station.say(2, "m2", "DataTransfer", {"vendorId": "Acme"})
        await station.close()

        assert running.operator.comings == [("connected", "CP1")]
        gated.open.set()
        await eventually(lambda: len(running.operator.comings) == 2)
        assert gated.began == ["m1", "m2"]


async def test_our_own_end_is_nobodys_disconnection_and_what_was_sent_is_answered() -> None:
    gated = Gated()
    async with house(PlainDialect("1.6", {"DataTransfer": gated})) as running:
        station = await running.station("CP1")
        await station.say(2, "m", "DataTransfer", {"vendorId": "Acme"})
        await eventually(lambda: gated.began == ["m"])

        stopping = asyncio.create_task(running.central.stop())
        await asyncio.sleep(0.05)
        gated.open.set()
        assert (await station.hear())[1] == "m"
        with pytest.raises(ConnectionClosed) as closed:
            await station.hear()
        await stopping

        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert running.operator.comings == [("connected", "CP1")]


# -- supervision -----------------------------------------------------------------------------------------------


def mute(station: Station) -> None:
    """Have a station's network die: nothing is read any more, so no ping is answered."""
    station.connection.transport.pause_reading()


async def test_a_dead_socket_is_noticed() -> None:
    async with house(patience=QUICK) as running:
        station, neighbour = await running.station("CP1"), await running.station("CP2")

        mute(station)

        await eventually(lambda: ("disconnected", "CP1") in running.operator.comings)
        assert present(running, "CP2")
        assert (await neighbour.ask(2, "n", "Heartbeat", {}))[0] == 3


async def test_a_silent_station_that_answers_pings_stays() -> None:
    async with house(patience=QUICK) as running:
        await running.station("CP1")

        await asyncio.sleep(0.5)

        assert present(running)


async def test_a_silent_socket_counts_when_it_answers_a_ping_and_the_station_has_no_other() -> None:
    async with house(patience=QUICK) as running:
        await running.station("CP1", boot=False)

        await eventually(lambda: present(running))
        assert running.operator.comings == [("connected", "CP1")]


async def test_a_silent_socket_takes_over_from_a_dead_one() -> None:
    async with house(patience=QUICK) as running:
        former = await running.station("CP1")
        await running.station("CP1", "2.0.1", boot=False)
        assert [each.version for each in running.central.connected()] == ["1.6"]

        mute(former)

        await eventually(lambda: [each.version for each in running.central.connected()] == ["2.0.1"])


# -- whatever comes --------------------------------------------------------------------------------------------

FRAMES = st.binary(max_size=200) | st.text(max_size=200) | (JSON_VALUES | NEAR).map(json.dumps)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sent=st.lists(FRAMES, min_size=1, max_size=30), version=st.sampled_from(["1.6", "2.0.1", "2.1"]))
def test_no_frame_ends_a_connection_or_harms_a_neighbour(sent: list[bytes | str], version: str) -> None:
    asyncio.run(_survives(sent, version))


async def _survives(sent: list[bytes | str], version: str) -> None:
    async with house() as running:
        station, neighbour = await running.station("CP1", version), await running.station("CP2")
        for frame in sent:
            await station.connection.send(frame)

        assert (await neighbour.ask(2, "n", "Heartbeat", {}))[:2] == [3, "n"]
        await station.say(2, "the last", "Heartbeat", {})
        while (await station.hear())[1] != "the last":
            pass
