"""What the text demands of objects and no type can say."""

import json
from pathlib import Path
from typing import Any

import pytest

from hub.ocpi.errors import InvalidParameters
from hub.ocpi.interfaces import REGISTRY
from hub.ocpi.modules import bookings, cdrs, commands, credentials, locations, sessions
from hub.ocpi.modules.comparing import moment
from hub.ocpi.objects import JSONObject
from hub.ocpi.versions import VERSIONS

_EXAMPLES = Path(__file__).parent / "examples" / "2.3.0"


def _full(declared: Any) -> JSONObject:
    value: JSONObject = json.loads((_EXAMPLES / f"{declared.__name__}.full.json").read_text())
    return value


def _judge(value: JSONObject, declared: Any, *, partial: bool = False) -> None:
    for version in VERSIONS.values():
        if version.number == "2.3.0" or declared in (locations.Location, locations.EVSE, locations.Hours):
            version.judge(json.dumps(value).encode(), declared, partial=partial)


def _fault(value: JSONObject, declared: Any) -> str:
    with pytest.raises(InvalidParameters) as fault:
        _judge(value, declared)
    return str(fault.value)


@pytest.mark.parametrize(
    ("token", "path"),
    [
        ({"type": "RFID"}, "$.publish_allowed_to[0]"),
        ({"uid": "04A1"}, "$.publish_allowed_to[0].type"),
        ({"visual_number": "77"}, "$.publish_allowed_to[0].issuer"),
    ],
)
def test_a_token_a_location_is_shown_to_must_be_named_whole(token: JSONObject, path: str) -> None:
    location = _full(locations.Location) | {"publish_allowed_to": [token]}

    assert _fault(location, locations.Location).startswith(path + ":")


def test_a_token_a_location_is_shown_to_may_be_a_group_alone() -> None:
    _judge(_full(locations.Location) | {"publish_allowed_to": [{"group_id": "FLEET"}]}, locations.Location)


def test_the_rules_hold_in_a_patch_for_what_it_holds() -> None:
    patch = {"publish_allowed_to": [{"uid": "04A1"}], "last_updated": "2026-03-14T09:26:53Z"}

    with pytest.raises(InvalidParameters, match=r"\$\.publish_allowed_to\[0\]\.type"):
        _judge(patch, locations.Location, partial=True)


@pytest.mark.parametrize("end", ["08:00", "07:59"])
def test_regular_hours_end_after_they_begin(end: str) -> None:
    hours = {"twentyfourseven": False, "regular_hours": [{"weekday": 1, "period_begin": "08:00", "period_end": end}]}

    assert _fault(hours, locations.Hours) == "$.regular_hours[0].period_end: must be later than period_begin"


def test_regular_hours_may_end_with_the_day() -> None:
    """Erratum E-06."""
    hours = {
        "twentyfourseven": False,
        "regular_hours": [{"weekday": 7, "period_begin": "08:00", "period_end": "00:00"}],
    }

    _judge(hours, locations.Hours)


def test_an_exceptional_period_does_not_end_before_it_begins() -> None:
    period = {"period_begin": "2026-04-27T04:00:00Z", "period_end": "2026-04-27T03:59:59.9Z"}

    fault = _fault({"twentyfourseven": True, "exceptional_closings": [period]}, locations.Hours)

    assert fault == "$.exceptional_closings[0].period_end: is before period_begin"


def test_evses_connectors_and_parking_places_are_told_apart_without_regard_to_case() -> None:
    location = _full(locations.Location)
    evse, parking = location["evses"][0], location["parking_places"][0]

    twins = location | {"evses": [evse, evse | {"uid": evse["uid"].upper()}]}
    places = location | {"parking_places": [parking, parking | {"id": parking["id"].lower()}]}
    connectors = evse | {"connectors": [evse["connectors"][0], evse["connectors"][0]]}

    assert _fault(twins, locations.Location).startswith("$.evses[1].uid:")
    assert _fault(places, locations.Location).startswith("$.parking_places[1].id:")
    assert _fault(connectors, locations.EVSE).startswith("$.connectors[1].id:")


def test_a_credit_cdr_names_the_cdr_it_takes_back() -> None:
    cdr = _full(cdrs.CDR)
    del cdr["credit_reference_id"]

    assert _fault(cdr, cdrs.CDR).startswith("$.credit_reference_id:")


def test_only_a_credit_cdr_has_an_id_of_more_than_36_characters() -> None:
    credit = _full(cdrs.CDR) | {"id": "C" * 39}
    _judge(credit, cdrs.CDR)

    plain = credit | {"credit": False}

    assert _fault(plain, cdrs.CDR).startswith("$.id:")


@pytest.mark.parametrize("declared", [sessions.Session, cdrs.CDR])
def test_a_session_does_not_end_before_it_starts(declared: Any) -> None:
    value = _full(declared) | {"end_date_time": "2026-03-14T08:12:04Z"}

    assert _fault(value, declared).startswith("$.end_date_time:")


def test_times_of_a_cdr_that_may_not_be_told_are_1970() -> None:
    """Erratum E-08."""
    _judge(_full(cdrs.CDR) | {"end_date_time": "1970-01-01T00:00:00Z"}, cdrs.CDR)


def test_a_connector_is_started_with_its_evse() -> None:
    start = _full(commands.StartSession)
    del start["evse_uid"]

    assert _fault(start, commands.StartSession).startswith("$.evse_uid:")


def test_a_party_stands_once_in_each_role() -> None:
    value = _full(credentials.Credentials)
    first = value["roles"][0]

    twice = value | {"roles": [first, first | {"party_id": first["party_id"].lower()}]}
    other_role = value | {"roles": [first, first | {"role": "EMSP"}]}

    assert _fault(twice, credentials.Credentials).startswith("$.roles[1]:")
    _judge(other_role, credentials.Credentials)


@pytest.mark.parametrize("declared", [bookings.Period, bookings.Timeslot])
def test_a_booking_does_not_end_before_it_starts(declared: Any) -> None:
    value = {"start_date_time": "2026-03-20T06:00:00Z", "end_date_time": "2026-03-20T05:00:00Z"}

    assert _fault(value, declared).startswith("$.end_date_time:")


def test_a_calendar_does_not_end_before_it_begins() -> None:
    value = _full(bookings.Calendar) | {"end_before": "2026-03-19T00:00:00Z"}

    assert _fault(value, bookings.Calendar).startswith("$.end_before:")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2026-03-14T09:26:53Z", "2026-03-14T09:26:53"),
        ("2026-03-14T09:26:53.200", "2026-03-14T09:26:53.2"),
        ("2026-03-14T09:26:50.000Z", "2026-03-14T09:26:50"),
    ],
)
def test_a_moment_has_one_form_to_compare(text: str, plain: str) -> None:
    assert moment(text) == plain


def test_every_list_in_pages_takes_dates_and_a_position() -> None:
    lists = [each for module in REGISTRY.values() for each in module.operations if each.paginated]

    assert len(lists) == 9
    for operation in lists:
        assert {"date_from", "date_to", "offset", "limit"} <= dict(operation.query_typed).keys(), operation


def test_every_request_that_is_answered_later_has_a_place_for_its_result() -> None:
    for module in (each for each in REGISTRY.values() if any(op.response_url for op in each.operations)):
        results = [each for each in module.sender.operations if each.result]

        assert results, module.identifier
        assert all(each.segments[-1] == "{uid}" and len(each.segments) == 2 for each in results)
