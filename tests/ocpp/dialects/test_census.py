"""No message of any version is missing, and none is a surprise."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.ocpp.events import InvalidCommand, NotSpoken
from hub.ocpp.schemas import schemas_of
from tests.ocpp.dialects.census import ORDERED, TOLD
from tests.ocpp.dialects.generated import payloads
from tests.ocpp.dialects.playing import DIALECTS, Play, assert_valid

VERSIONS = list(DIALECTS)
EACH_TOLD = [(version, action) for version in VERSIONS for action in sorted(TOLD[version])]
EACH_ORDERED = [(version, action) for version in VERSIONS for action in sorted(ORDERED[version])]

#: From schemas of a hundred fields a payload takes a while; what is judged is that none breaks anything.
GENERATED = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_lists_of_the_census_are_all_messages_the_standard_has(version):
    assert TOLD[version] | ORDERED[version] == schemas_of(version).actions


@pytest.mark.parametrize("version", VERSIONS)
def test_every_message_a_station_may_send_has_an_answer_and_no_other_has(version):
    assert set(Play(version).dialect.handlers) == TOLD[version]


@pytest.mark.parametrize(("version", "action"), EACH_TOLD)
@GENERATED
@given(data=st.data())
async def test_whatever_a_station_may_say_is_told_and_answered_by_the_standard(version, action, data):
    play = Play(version)
    payload = data.draw(payloads(version, action))

    answer = await play.says(action, payload)

    assert isinstance(answer, dict)
    assert play.operator.events or action == "Heartbeat" or payload.get("meterValue")


@pytest.mark.parametrize(("version", "action"), EACH_ORDERED)
@GENERATED
@given(data=st.data())
async def test_every_message_a_station_may_be_sent_can_be_sent(version, action, data):
    wanted = data.draw(payloads(version, action))
    reply = data.draw(payloads(version, action, "Response"))
    commands, link = Play(version).commands(**{action: reply})

    answer = await commands.send(action, wanted)

    assert link.sent == [(action, wanted)]
    assert_valid(version, action, wanted)
    assert answer.payload == reply
    assert answer.status == reply.get("status", "Accepted")


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_only_stations_send_and_what_nobody_knows_is_not_sent(version):
    commands, link = Play(version).commands()

    for action in [*sorted(TOLD[version] - {"DataTransfer"}), "Unheard"]:
        with pytest.raises(NotSpoken):
            await commands.send(action, {})

    assert link.sent == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_hurts_the_schema_is_not_sent_but_raw_sends_it_as_it_is(version):
    commands, link = Play(version).commands(Reset=lambda payload: {"status": "Rejected"})

    with pytest.raises(InvalidCommand, match=r"Reset: \$\.type: .*not one of"):
        await commands.send("Reset", {"type": "Gentle"})
    answer = await commands.raw("Reset", {"type": "Gentle"}, timeout=5)

    assert answer == {"status": "Rejected"}
    assert link.sent == [("Reset", {"type": "Gentle"})]
    assert link.timeouts == [5]
