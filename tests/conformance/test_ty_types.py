"""Data types and classes: what must pass the hub unharmed, and what must not pass.

Source: OCPI 2.2.1, types.asciidoc, terminology.asciidoc (Cardinality), the object tables of the modules.
"""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.conformance.conftest import HUB
from tests.conformance.samples import at, cdr, example, session, token, unique
from tests.conformance.test_ga_get_all import of
from tests.parties import PartyPlatform

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z?")
SPECIFICATION = Path(os.environ.get("EMALL_SPEC_EXAMPLES", "../shared/specification")) / "2.2.1"


def specified() -> dict[str, Any]:
    """Return the specification's examples that are whole Locations or Tariffs."""
    paths = sorted(SPECIFICATION.rglob("tariff_[0-9]*.json")) + sorted(SPECIFICATION.rglob("location_example*.json"))
    found = {path.name: json.loads(path.read_text()) for path in paths}
    return {name: value for name, value in found.items() if {"id", "last_updated"} <= set(value)}


SPECIFIED = specified()


async def crossed(cpo: PartyPlatform, emsp: PartyPlatform, body: Any, **rest: Any) -> Any:
    """Push a Location through the hub; return the bytes that arrived, or the refusal."""
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    identifier = json.loads(content)["id"]
    tail = at(cpo, identifier)
    answer = await cpo.call("PUT", "locations", tail, to=rest.pop("to", emsp.party), content=content)
    if answer.code != 1000:
        return answer
    return (await emsp.received(method="PUT", tail=tail))[-1].body


@pytest.mark.checklist("TY-01", "TY-08")
@pytest.mark.parametrize("size", ["minimal", "full"])
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
async def test_objects_with_required_fields_only_and_with_all_pass_unchanged(
    version: str, size: str, join: Any
) -> None:
    cpo, emsp = await join("CPO", versions=(version,)), await join("EMSP", versions=(version,))
    location = example(f"Location.{size}", cpo, version=version)
    tariff = example(f"Tariff.{size}", cpo, version=version)
    running, bill = session(cpo, emsp), cdr(cpo, emsp, size=size)
    card = example(f"Token.{size}", emsp, version=version, uid=unique("UID"))
    query = {"type": card["type"]}

    await cpo.put("locations", at(cpo, location["id"]), location, to=emsp.party)
    await cpo.put("tariffs", at(cpo, tariff["id"]), tariff, to=emsp.party)
    await cpo.put("sessions", at(cpo, running["id"]), running, to=emsp.party)
    await cpo.post("cdrs", "", bill, to=emsp.party)
    await emsp.put("tokens", at(emsp, card["uid"]), card, to=cpo.party, query=query)

    passed = {each.module: each.json for each in (*emsp.inbox, *cpo.inbox) if each.method in ("PUT", "POST")}
    assert {name: value for name, value in passed.items() if name != "hubclientinfo"} == {
        "locations": location,
        "tariffs": tariff,
        "sessions": running,
        "cdrs": bill,
        "tokens": card,
    }


@pytest.mark.checklist("TY-02")
@pytest.mark.skipif(not SPECIFIED, reason="the specification's examples are not here")
async def test_the_specifications_own_locations_and_tariffs_pass(join: Any) -> None:
    """All of them are judged in test_spec_examples.py; here those of two modules travel."""
    cpo, emsp = await join("CPO"), await join("EMSP")

    for name, value in SPECIFIED.items():
        module = "tariffs" if name.startswith("tariff") else "locations"
        value |= {"country_code": cpo.roles[0][1], "party_id": cpo.roles[0][2]}
        answer = await cpo.put(module, at(cpo, value["id"]), value, to=emsp.party)
        assert answer.code == 1000, (name, answer.message)
        assert (await emsp.received(method="PUT", tail=at(cpo, value["id"])))[-1].json == value


@pytest.mark.checklist("TY-03")
async def test_null_empty_and_absent_are_the_same_for_optional_fields(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    forms: dict[str, Any] = {
        "absent": {},
        "null": {"name": None, "evses": None, "facilities": None, "operator": None, "opening_times": None},
        "empty": {"evses": [], "facilities": [], "images": [], "directions": []},
    }

    for form, fields in forms.items():
        body = example("Location.minimal", cpo, id=unique(form)) | fields
        arrived = await crossed(cpo, emsp, body, to=HUB)
        assert json.loads(arrived) == body, form


@pytest.mark.checklist("TY-04")
@pytest.mark.parametrize(
    "moment",
    ["2015-06-29T20:39:09Z", "2015-06-29T20:39:09", "2016-12-29T17:45:09.2Z", "2016-12-29T17:45:09.2",
     "2018-01-01T01:08:01.123Z", "2018-01-01T01:08:01.123"],
)  # fmt: skip
async def test_all_six_forms_of_a_date_time_are_accepted_and_kept(moment: str, join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    body = example("Location.minimal", cpo, last_updated=moment)

    arrived = await crossed(cpo, emsp, body, to=HUB)

    assert json.loads(arrived)["last_updated"] == moment
    assert await of(emsp, cpo, date_from=moment) == [body]
    assert await of(emsp, cpo, date_to=moment) == []


@pytest.mark.checklist("TY-05")
@pytest.mark.parametrize("number", ["0", "-0.0001", "12345678901234567890.1234", "0.1000", "1E3", "-20.04", "3.0"])
async def test_numbers_keep_their_value_and_their_digits(number: str, join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    body = json.dumps(cdr(cpo, emsp) | {"total_cost": {"excl_vat": 1}}).replace(
        '"excl_vat": 1', f'"excl_vat": {number}'
    )

    answer = await cpo.call("POST", "cdrs", "", to=emsp.party, content=body.encode())
    (arrived,) = await emsp.received(method="POST", module="cdrs")

    assert answer.code == 1000
    assert f'"excl_vat": {number}'.encode() in arrived.body


@pytest.mark.checklist("TY-06", "TY-08")
async def test_text_passes_byte_for_byte(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    name = "Cafe\u0301 \u00e9 \u5145\u96fb \U0001f50c \u05d0 \u0627 \u2126 <&> \u2019"
    plain = json.dumps(example("Location.minimal", cpo, id=unique("T")) | {"name": "@@@"}, indent=1)
    escaped = plain.replace("@@@", json.dumps(name)[1:-1] + r"\/\"\\")
    raw = plain.replace("@@@", name)

    for text in (escaped, raw):
        content = text.replace('"id": "T', '"id":   "T').encode()
        for to in (emsp.party, HUB):
            assert await crossed(cpo, emsp, content, to=to) == content


LONGEST = {"name": 255, "address": 255, "city": 45, "postal_code": 10, "state": 45}


@pytest.mark.checklist("TY-07", "TY-12")
@pytest.mark.parametrize("field", LONGEST)
async def test_maximum_lengths_are_legal_count_characters_and_are_the_maximum(field: str, join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    longest = "\U0001f50c" * LONGEST[field]

    arrived = await crossed(cpo, emsp, example("Location.minimal", cpo, id=unique("L")) | {field: longest})
    refused = await crossed(cpo, emsp, example("Location.minimal", cpo, id=unique("L")) | {field: longest + "x"})

    assert json.loads(arrived)[field] == longest
    assert (refused.status, refused.code) == (200, 2001)
    assert f"$.{field}" in refused.message


def with_evse(value: Any) -> Any:
    return value.update(evses=[example("EVSE.minimal")]) or value["evses"][0]


def set_to(*path: str | int, to: Any) -> Callable[[Any], None]:
    """Return a change of one field of a Location with an EVSE."""

    def change(value: Any) -> None:
        with_evse(value)
        for name in path[:-1]:
            value = value[name]
        value[path[-1]] = to

    return change


#: By checklist id: changes to a valid Location, each of which must be refused.
WRONG: dict[str, dict[str, Callable[[Any], None]]] = {
    "TY-09": {
        "publish as text": set_to("publish", to="true"),
        "publish as number": set_to("publish", to=1),
        "name as number": set_to("name", to=7),
        "evses as object": set_to("evses", to={}),
        "coordinates as text": set_to("coordinates", to="52.1,4.1"),
        "voltage as text": set_to("evses", 0, "connectors", 0, "max_voltage", to="400"),
        "voltage as fraction": set_to("evses", 0, "connectors", 0, "max_voltage", to=400.5),
        "list of numbers": set_to("facilities", to=[1]),
    },
    "TY-10": {
        "unknown status": set_to("evses", 0, "status", to="BROKEN"),
        "status in lower case": set_to("evses", 0, "status", to="available"),
        "mixed case": set_to("evses", 0, "connectors", 0, "format", to="Cable"),
        "facility": set_to("facilities", to=["WIFI", "wifi"]),
        "blank": set_to("parking_type", to="ON_STREET "),
    },
    "TY-11": {"no connectors": set_to("evses", 0, "connectors", to=[])},
    "TY-12": {
        "country": set_to("country", to="NLDX"),
        "evse uid": set_to("evses", 0, "uid", to="x" * 37),
        "connector id": set_to("evses", 0, "connectors", 0, "id", to="x" * 37),
        "physical reference": set_to("evses", 0, "physical_reference", to="x" * 17),
        "url": set_to("evses", 0, "connectors", 0, "terms_and_conditions", to="https://a.example/" + "x" * 238),
    },
    "TY-13": {
        "4 decimals": set_to("coordinates", "latitude", to="52.1234"),
        "8 decimals": set_to("coordinates", "latitude", to="52.12345678"),
        "no decimals": set_to("coordinates", "longitude", to="4"),
        "a comma": set_to("coordinates", "longitude", to="4,12345"),
        "plus": set_to("coordinates", "longitude", to="+4.12345"),
        "a number": set_to("coordinates", "longitude", to=4.12345),
    },
    "TY-14": {
        form: set_to("last_updated", to=form)
        for form in (
            "2026-01-01T00:00:00+00:00", "2026-01-01T01:00:00+01:00", "2026-01-01 00:00:00Z", "2026-01-01",
            "1767225600", "20260101T000000Z", "2026-01-01T00:00Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
            "2026-01-01T24:00:00Z", "2026-01-01T00:00:00z", " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567Z",
        )
    } | {"an epoch": set_to("last_updated", to=1767225600)},
    "TY-15": {
        "umlaut": set_to("evses", 0, "uid", to="Zürich"),
        "control": set_to("evses", 0, "uid", to="a\tb"),
        "emoji": set_to("evses", 0, "connectors", 0, "id", to="\U0001f50c"),
    },
    "TY-16": {
        "tab": set_to("name", to="a\tb"),
        "line break": set_to("address", to="a\nb"),
        "nul": set_to("city", to="a\x00b"),
        "C1": set_to("name", to="a\x85b"),
        "delete": set_to("name", to="a\x7fb"),
    },
}  # fmt: skip


@pytest.mark.checklist("TY-09", "TY-10", "TY-11", "TY-12", "TY-13", "TY-14", "TY-15", "TY-16")
@pytest.mark.parametrize("rule", WRONG)
@pytest.mark.parametrize("to", ["the hub", "a party"])
async def test_what_breaks_a_type_is_2001_naming_its_place_and_reaches_nobody(rule: str, to: str, join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")

    for name, breaking in WRONG[rule].items():
        body = example("Location.minimal", cpo, id=unique("W"))
        breaking(body)
        answer = await crossed(cpo, emsp, body, to=HUB if to == "the hub" else emsp.party)
        assert not isinstance(answer, bytes), name
        assert (answer.status, answer.code) == (200, 2001), name
        assert "$." in answer.message, name

    assert [each for each in emsp.inbox if each.method == "PUT" and each.module == "locations"] == []
    assert await of(emsp, cpo) == []


@pytest.mark.checklist("TY-13")
@pytest.mark.parametrize(("latitude", "longitude"), [("52.12345", "-4.1234567"), ("-89.999999", "179.99999")])
async def test_coordinates_of_5_to_7_decimals_pass(latitude: str, longitude: str, join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    body = example("Location.minimal", cpo, coordinates={"latitude": latitude, "longitude": longitude})

    assert json.loads(await crossed(cpo, emsp, body)) == body


@pytest.mark.checklist("TY-11")
async def test_empty_lists_are_refused_where_one_is_required(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")

    tariff = await cpo.put(
        "tariffs", at(cpo, "T1"), example("Tariff.minimal", cpo, id="T1", elements=[]), to=emsp.party
    )
    bill = await cpo.post("cdrs", "", cdr(cpo, emsp, charging_periods=[]), to=emsp.party)

    assert (tariff.code, bill.code) == (2001, 2001)
    assert ("elements" in tariff.message, "charging_periods" in bill.message) == (True, True)


@pytest.mark.checklist("TY-15")
async def test_identifiers_of_any_printable_ascii_arrive_as_they_are(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    uid = "".join(map(chr, range(0x21, 0x40)))
    card = token(emsp, uid=uid)

    answer = await emsp.put("tokens", at(emsp, quote(uid, safe="")), card, to=cpo.party)
    (arrived,) = await cpo.received(method="PUT", module="tokens")

    assert answer.code == 1000
    assert arrived.tail == at(emsp, quote(uid, safe=""))
    assert arrived.json["uid"] == uid


@pytest.mark.checklist("TY-17")
async def test_date_times_of_the_hub_itself_have_an_allowed_form(join: Any) -> None:
    cpo = await join("CPO")
    clients = await cpo.get("hubclientinfo")

    said = [each["last_updated"] for each in clients.data]
    for answer in (clients, await cpo.get("tokens", to="XX-NON"), await cpo.get("tokens", to=HUB)):
        said.append(answer.json["timestamp"])

    assert all(DATE_TIME.fullmatch(each) and len(each) <= 25 for each in said)


@pytest.mark.checklist("TY-08")
async def test_unknown_fields_pass_through_and_are_kept(join: Any) -> None:
    cpo, emsp = await join("CPO"), await join("EMSP")
    extra = {"x_vendor": {"deep": [1, {"a": None}], "text": "é"}, "new_in_2_9": False}
    body = example("Location.minimal", cpo, id=unique("X"), evses=[example("EVSE.minimal") | extra]) | extra

    for to in (emsp.party, HUB):
        assert json.loads(await crossed(cpo, emsp, body, to=to)) == body
    assert await of(emsp, cpo) == [body]
