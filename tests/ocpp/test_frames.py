"""What a frame says, and what is said of one that says nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ocpp import frames
from hub.ocpp.errors import CallFault, OccurrenceConstraintViolation
from hub.ocpp.frames import CallFrame, ErrorFrame, Malformed, ResultFrame
from hub.ocpp.schemas import schemas_of

VERSIONS = ("1.6", "2.0.1", "2.1")


def refused(frame: Any, version: str) -> tuple[str, str | None]:
    """Return the message id and the code a malformed frame is answered with."""
    data = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    with pytest.raises(Malformed) as caught:
        frames.parse(data, version)
    fault = caught.value.fault
    return caught.value.message_id, fault.code_in(version) if fault else None


@pytest.mark.parametrize(
    ("frame", "old", "new"),
    [
        (b"not json", ("-1", "FormationViolation"), ("-1", "RpcFrameworkError")),
        (b"\xff\xfe[", ("-1", "FormationViolation"), ("-1", "RpcFrameworkError")),
        (b"[" * 100_000, ("-1", "FormationViolation"), ("-1", "RpcFrameworkError")),
        ({"a": 1}, ("-1", "FormationViolation"), ("-1", "RpcFrameworkError")),
        ([], ("-1", "FormationViolation"), ("-1", "RpcFrameworkError")),
        ([2], ("-1", "FormationViolation"), ("-1", "RpcFrameworkError")),
        ([2, 17, "Heartbeat", {}], ("-1", "FormationViolation"), ("-1", "RpcFrameworkError")),
        ([2, "", "Heartbeat", {}], ("-1", "FormationViolation"), ("-1", "RpcFrameworkError")),
        (["2", "m", "Heartbeat", {}], ("m", "FormationViolation"), ("m", "RpcFrameworkError")),
        ([True, "m", "Heartbeat", {}], ("m", "FormationViolation"), ("m", "RpcFrameworkError")),
        ([2, "m", "Heartbeat"], ("m", "FormationViolation"), ("m", "RpcFrameworkError")),
        ([2, "m", "Heartbeat", {}, {}], ("m", "FormationViolation"), ("m", "RpcFrameworkError")),
        ([2, "m", {"a": 1}, {}], ("m", "FormationViolation"), ("m", "RpcFrameworkError")),
        ([2, "m", "Heartbeat", None], ("m", "FormationViolation"), ("m", "FormatViolation")),
        ([2, "m", "Heartbeat", []], ("m", "FormationViolation"), ("m", "FormatViolation")),
        ([9, "m", "Heartbeat", {}], ("m", "FormationViolation"), ("m", "MessageTypeNotSupported")),
        ([7], ("-1", "FormationViolation"), ("-1", "MessageTypeNotSupported")),
    ],
)
def test_a_malformed_call_is_answered_with_the_code_of_its_version(
    frame: Any, old: tuple[str, str], new: tuple[str, str]
) -> None:
    assert [refused(frame, version) for version in VERSIONS] == [old, new, new]


@pytest.mark.parametrize("frame", [[3], [3, "m"], [3, "m", []], [3, 5, {}], [4, "m"], [4, "m", 1, "x", {}], [4]])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_malformed_answer_is_not_answered(frame: list[Any], version: str) -> None:
    assert refused(frame, version)[1] is None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("text", ["\0", "a\0", "\\\0"])
def test_a_text_no_store_keeps_is_refused(text: str, version: str) -> None:
    assert refused([2, "m", "DataTransfer", {"vendorId": text}], version) == ("m", "PropertyConstraintViolation")
    assert refused([3, "m", {"data": text}], version) == ("m", None)
    assert frames.parse(frames.result("m", {"data": "\\u0000"}), version) == ResultFrame("m", {"data": "\\u0000"})


def test_types_5_and_6_are_frames_of_2_1_only() -> None:
    send = b'[6,"m","NotifyPeriodicEventStream",{"id":1}]'
    of_result = b'[5,"m","FormatViolation","not so",{}]'

    assert frames.parse(send, "2.1") == CallFrame("m", "NotifyPeriodicEventStream", {"id": 1}, unconfirmed=True)
    assert frames.parse(of_result, "2.1") == ErrorFrame("m", "FormatViolation", "not so", {}, of_result=True)
    assert refused([6, "m", "A", {}], "2.0.1") == ("m", "MessageTypeNotSupported")
    assert refused([5, "m", "A", "", {}], "1.6") == ("m", "FormationViolation")


def test_a_malformed_send_is_not_answered_for_nobody_waits() -> None:
    assert refused([6, "m", "NotifyPeriodicEventStream", []], "2.1") == ("m", None)


def test_a_callerror_without_details_is_taken_as_it_is_meant() -> None:
    assert frames.parse(b'[4,"m","NotSupported",""]', "1.6") == ErrorFrame("m", "NotSupported", "", {})
    assert frames.parse(b'[4,"m","NotSupported","",null]', "1.6") == ErrorFrame("m", "NotSupported", "", {})


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_made_can_be_read(version: str) -> None:
    assert frames.parse(frames.call("m", "Reset", {"type": "Soft"}), version) == CallFrame(
        "m", "Reset", {"type": "Soft"}
    )
    assert frames.parse(frames.result("m", {}), version) == ResultFrame("m", {})
    fault = OccurrenceConstraintViolation("x" * 300, {"path": "$.a"})
    made = frames.parse(frames.error("m", fault, version), version)
    code = "OccurenceConstraintViolation" if version == "1.6" else "OccurrenceConstraintViolation"
    assert made == ErrorFrame("m", code, "x" * 255, {"path": "$.a"})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NEAR = st.builds(
    lambda kind, rest: [kind, *rest],
    st.integers(-1, 8) | st.sampled_from(["2", 2.0, None]),
    st.lists(st.sampled_from(["m", "Heartbeat", "BootNotification", {}, []]) | JSON_VALUES, max_size=5),
)


@given(data=st.binary() | st.text().map(str.encode) | (JSON_VALUES | NEAR).map(lambda each: json.dumps(each).encode()))
def test_whatever_comes_is_a_frame_or_malformed(data: bytes) -> None:
    for version in VERSIONS:
        try:
            frame = frames.parse(data, version)
        except Malformed as malformed:
            assert malformed.message_id
        else:
            assert frame.message_id


def judged(version: str, action: str, payload: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(CallFault) as caught:
        schemas_of(version).judge_request(action, payload)
    return caught.value.code_in(version), caught.value.details


def meter_values(**changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": "1"}], **changes}
    return {"connectorId": 1, "meterValue": [value]}


NO_SAMPLES = meter_values(sampledValue=[])
STOP_FOR_NO_REASON = {"transactionId": 1, "meterStop": 1, "timestamp": "2026-01-01T00:00:00Z", "reason": "Why"}
BORED = {"reason": "Bored", "chargingStation": {"model": "m", "vendorName": "v"}}


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 10**30])
def test_an_integer_of_more_than_32_bits_is_refused_by_path_and_rule(number: int) -> None:
    status = {"connectorId": number, "errorCode": "NoError", "status": "Available"}

    code, details = judged("1.6", "StatusNotification", status)

    assert (code, details["path"]) == ("PropertyConstraintViolation", "$.connectorId")


@pytest.mark.parametrize(
    "timestamp",
    ["yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", ""],
)
def test_an_invalid_timestamp_is_refused_by_path_and_rule(timestamp: str) -> None:
    found = judged("1.6", "MeterValues", meter_values(timestamp=timestamp))

    assert found == ("TypeConstraintViolation", {"path": "$.meterValue[0].timestamp", "rule": "format"})


@pytest.mark.parametrize(
    ("version", "action", "payload", "code", "path"),
    [
        ("1.6", "MeterValues", {**meter_values(), "connectorId": "1"}, "TypeConstraintViolation", "$.connectorId"),
        ("1.6", "MeterValues", {"connectorId": 1}, "OccurenceConstraintViolation", "$"),
        ("1.6", "MeterValues", NO_SAMPLES, "OccurenceConstraintViolation", "$.meterValue[0].sampledValue"),
        ("1.6", "MeterValues", {**meter_values(), "more": 1}, "FormationViolation", "$"),
        ("1.6", "Authorize", {"idTag": "x" * 21}, "TypeConstraintViolation", "$.idTag"),
        ("1.6", "StopTransaction", STOP_FOR_NO_REASON, "PropertyConstraintViolation", "$.reason"),
        ("2.0.1", "BootNotification", {"reason": "PowerUp"}, "OccurrenceConstraintViolation", "$"),
        ("2.0.1", "Heartbeat", {"more": 1}, "FormatViolation", "$"),
        ("2.0.1", "BootNotification", BORED, "PropertyConstraintViolation", "$.reason"),
    ],
)  # fmt: skip
def test_a_payload_that_hurts_a_rule_is_refused_by_path_and_code(
    version: str, action: str, payload: Any, code: str, path: str
) -> None:
    found, details = judged(version, action, payload)

    assert (found, details["path"]) == (code, path)


def test_tenths_of_an_ampere_are_tenths() -> None:
    def profile(limit: float) -> dict[str, Any]:
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
        return {
            "connectorId": 1,
            "csChargingProfiles": {
                "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile",
                "chargingProfileKind": "Absolute", "chargingSchedule": schedule,
            },
        }  # fmt: skip

    for limit in (0.1, 0.3, 16.1, 21.4, 32):
        schemas_of("1.6").judge_request("SetChargingProfile", profile(limit))
    assert judged("1.6", "SetChargingProfile", profile(21.45))[0] == "PropertyConstraintViolation"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_action_has_rules_that_can_be_read(version: str) -> None:
    schemas = schemas_of(version)
    for action in schemas.actions:
        with pytest.raises(CallFault):
            schemas.judge_request(action, {"there is": "no such field", "": [None]})


@pytest.mark.parametrize(
    "action", ["", "Nonsense", "../v201/schemas/HeartbeatRequest", "Heartbeat\0", "HeartbeatResponse"]
)
def test_an_action_the_version_does_not_have_is_not_implemented(action: str) -> None:
    assert judged("1.6", action, {})[0] == "NotImplemented"
