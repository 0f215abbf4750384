"""CDRs through the hub: sent once, found again by the CPO that sent them, never changed.

Source: OCPI 2.2.1, mod_cdrs.asciidoc.
"""

from typing import Any

import pytest

from tests.conformance.samples import HUB, cdr, example, unique
from tests.parties import Answer, PartyPlatform, Received, Reply


async def sent(cpo: PartyPlatform, emsp: PartyPlatform, **changes: Any) -> tuple[Any, Reply]:
    """POST a CDR to an eMSP, and return it with the answer."""
    value = cdr(cpo, emsp, **changes)
    return value, await cpo.post("cdrs", "", value, to=emsp.party)


async def got(emsp: PartyPlatform, value: Any) -> Received:
    """Return the POST that brought a CDR."""
    posts = await emsp.received(module="cdrs", method="POST")
    (found,) = [each for each in posts if each.json["id"] == value["id"]]
    return found


async def listed(viewer: PartyPlatform, value: Any) -> list[Any]:
    """Return what the hub lists to a party under a CDR's id."""
    pages = [page async for page in viewer.pages("cdrs", to=HUB)]
    return [each for page in pages for each in page.data if each["id"] == value["id"]]


@pytest.mark.checklist("CD-01")
async def test_a_cdr_posted_to_an_emsp_arrives_as_it_was(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value, answer = await sent(cpo, emsp)

    copy = await got(emsp, value)
    assert (answer.status, answer.code, answer.sender) == (201, 1000, emsp.party)
    assert (copy.json, copy.role, copy.sender) == (value, "RECEIVER", cpo.party)


@pytest.mark.checklist("CD-02", "CD-06")
async def test_the_answers_location_is_a_url_of_the_hub_where_the_cpo_finds_its_cdr(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    where = f"{emsp.url('cdrs', 'RECEIVER')}/billing/{unique('x')}?shelf=7"
    emsp.answer(Answer(http_status=201, headers={"Location": where}), times=1, module="cdrs", method="POST")
    value, answer = await sent(cpo, emsp)
    emsp.answer(lambda request: Answer(value), module="cdrs", method="GET", role="RECEIVER")

    location = answer.headers["location"]
    found = await cpo.send("GET", location)

    assert location.startswith(cpo.hub_endpoints["cdrs", "RECEIVER"])
    assert len(location) <= 255
    assert (found.status, found.code, found.data) == (200, 1000, value)
    asked = (await emsp.received(module="cdrs", method="GET", role="RECEIVER"))[-1]
    assert (emsp.origin + asked.path, asked.query) == (where.partition("?")[0], {"shelf": "7"})
    assert (asked.sender, asked.receiver) == (cpo.party, emsp.party)


@pytest.mark.checklist("CD-02")
async def test_a_relative_location_is_read_as_the_emsps(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    where = f"/elsewhere/{unique('x')}"
    emsp.answer(Answer(headers={"Location": where}), times=1, module="cdrs", method="POST")
    _, answer = await sent(cpo, emsp)

    await cpo.send("GET", answer.headers["location"])

    assert where in [each.path for each in emsp.log]


@pytest.mark.checklist("CD-03")
async def test_an_emsp_lists_the_cdrs_of_a_cpo_and_its_own_at_the_hub(
    cpo: PartyPlatform, emsp: PartyPlatform, other: PartyPlatform
) -> None:
    value, _ = await sent(cpo, emsp)
    cpo.objects["cdrs"] = [value]

    theirs = await emsp.get("cdrs", to=cpo.party)

    assert theirs.data == [value]
    assert [await listed(each, value) for each in (emsp, cpo, other)] == [[value], [value], []]


@pytest.mark.parametrize(
    ("credit", "length", "code"), [(False, 36, 1000), (False, 37, 2001), (True, 39, 1000), (True, 40, 2001)]
)
@pytest.mark.checklist("CD-04")
async def test_ids_have_36_characters_and_those_of_credit_cdrs_39(
    credit: bool, length: int, code: int, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    about = {"credit": True, "credit_reference_id": "CDR-1"} if credit else {}
    value, answer = await sent(cpo, emsp, id=unique("CDR").ljust(length, "x"), **about)

    assert (answer.code, len(value["id"])) == (code, length)
    if code == 1000:
        assert (await got(emsp, value)).json == value


@pytest.mark.checklist("CD-05")
async def test_all_optional_fields_and_5000_characters_of_signed_data_pass(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    signed = example("CDR.full")["signed_data"]
    signed["signed_values"][0]["signed_data"] = "A" * 5000

    value, answer = await sent(cpo, emsp, size="full", signed_data=signed)

    assert answer.code == 1000
    assert (await got(emsp, value)).json == value


@pytest.mark.checklist("CD-05")
async def test_5001_characters_of_signed_data_are_too_many(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    signed = example("CDR.full")["signed_data"]
    signed["signed_values"][0]["signed_data"] = "A" * 5001

    _, answer = await sent(cpo, emsp, size="full", signed_data=signed)

    assert (answer.status, answer.code) == (200, 2001)
    assert "$.signed_data.signed_values[0].signed_data" in answer.message


@pytest.mark.checklist("CD-07")
async def test_nobody_else_can_use_the_location_of_a_cdr(
    cpo: PartyPlatform, emsp: PartyPlatform, other: PartyPlatform, stranger: PartyPlatform
) -> None:
    where = f"{emsp.url('cdrs', 'RECEIVER')}/{unique('secret')}"
    emsp.answer(Answer(headers={"Location": where}), times=1, module="cdrs", method="POST")
    _, answer = await sent(cpo, emsp)

    answers = [await each.send("GET", answer.headers["location"]) for each in (emsp, other, stranger)]
    without_token = await cpo.send("GET", answer.headers["location"], token="nobody's")

    assert [(each.status, each.code, each.data) for each in answers] == [(200, 2001, None)] * 3
    assert without_token.status == 401
    assert where not in [emsp.origin + each.path for each in emsp.log]


@pytest.mark.checklist("CD-08")
async def test_a_credit_cdr_with_a_negative_total_passes(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    first, _ = await sent(cpo, emsp)

    credit, answer = await sent(
        cpo, emsp, credit=True, credit_reference_id=first["id"], total_cost={"excl_vat": -18.5, "incl_vat": -22.39}
    )

    assert answer.code == 1000
    assert (await got(emsp, credit)).json == credit


@pytest.mark.checklist("CD-09", "CD-10")
async def test_a_changed_cdr_is_refused_by_its_receiver_and_the_first_version_stays(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    value, _ = await sent(cpo, emsp)
    emsp.answer(Answer(None, 2001, 200, "CDR exists already"), times=1, module="cdrs", method="POST")

    answer = await cpo.post("cdrs", "", value | {"total_energy": 1.25}, to=emsp.party)

    assert (answer.status, answer.code, answer.message) == (200, 2001, "CDR exists already")
    assert await listed(emsp, value) == [value]


@pytest.mark.checklist("CD-10")
async def test_a_changed_cdr_that_its_receiver_takes_changes_nothing_at_the_hub(
    cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    value, _ = await sent(cpo, emsp)

    answer = await cpo.post("cdrs", "", value | {"total_energy": 1.25}, to=emsp.party)

    assert answer.code == 1000
    assert await listed(emsp, value) == [value]


@pytest.mark.checklist("CD-11")
async def test_times_that_parties_leave_out_as_1970_pass(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    epoch = "1970-01-01T00:00:00Z"
    answers = [
        (await sent(cpo, emsp, start_date_time=epoch, end_date_time=epoch))[1],
        (await sent(cpo, emsp, end_date_time=epoch))[1],
        (await sent(cpo, emsp, start_date_time=epoch))[1],
    ]

    assert [each.code for each in answers] == [1000, 1000, 1000]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.checklist("CD-12")
async def test_a_cdr_cannot_be_put_patched_or_deleted(method: str, cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value, _ = await sent(cpo, emsp)

    answer = await cpo.call(method, "cdrs", f"/{value['id']}", body=value, to=emsp.party)

    assert (answer.status, answer.code, answer.headers["allow"]) == (405, 2001, "GET")
    assert not [each for each in emsp.inbox if (each.module, each.method) == ("cdrs", method)]
