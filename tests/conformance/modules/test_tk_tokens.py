"""Tokens through the hub, and the question whether one may charge now.

Source: OCPI 2.2.1, mod_tokens.asciidoc.
"""

from typing import Any

import pytest

from tests.conformance.samples import HUB, arrival, at, example, token, unique
from tests.parties import Answer, PartyPlatform

LATER = "2026-05-01T10:00:00Z"


async def put(emsp: PartyPlatform, to: str = HUB, **changes: Any) -> Any:
    """Push a Token, and return it."""
    value = token(emsp, **{"uid": unique("TOKEN")} | changes)
    answer = await emsp.put("tokens", at(emsp, value["uid"]), value, to=to, query={"type": value["type"]})
    assert (answer.status, answer.code) == (201, 1000)
    return value


@pytest.mark.parametrize("size", ["minimal", "full"])
@pytest.mark.parametrize("way", ["broadcast", "directed"])
@pytest.mark.checklist("TK-01")
async def test_a_token_arrives_as_it_was(size: str, way: str, cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = example(f"Token.{size}", emsp, uid=unique("TOKEN"))

    answer = await emsp.put("tokens", at(emsp, value["uid"]), value, to=HUB if way == "broadcast" else cpo.party)

    copy = await arrival(cpo, tail=at(emsp, value["uid"]))
    assert (answer.status, answer.code) == (201, 1000)
    assert (copy.method, copy.role, copy.json) == ("PUT", "RECEIVER", value)


@pytest.mark.parametrize("way", ["broadcast", "directed"])
@pytest.mark.checklist("TK-02", "TK-09")
async def test_a_token_is_invalidated_by_a_patch_that_every_cpo_hears(
    way: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    to = HUB if way == "broadcast" else cpo.party
    value = await put(emsp, to)
    await arrival(cpo, tail=at(emsp, value["uid"]), method="PUT")
    change = {"valid": False, "last_updated": LATER}

    answer = await emsp.patch("tokens", at(emsp, value["uid"]), change, to=to)

    assert (answer.status, answer.code) == (200, 1000)
    assert (await arrival(cpo, tail=at(emsp, value["uid"]), method="PATCH")).json == change
    listed = [each async for page in cpo.pages("tokens", to=HUB) for each in page.data]
    assert [each for each in listed if each["uid"] == value["uid"]] == [value | change]


@pytest.mark.checklist("TK-03")
async def test_an_emsp_reads_its_token_from_the_hub_and_from_a_cpo(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await put(emsp)
    await arrival(cpo, tail=at(emsp, value["uid"]), method="PUT")

    answers = [await emsp.get("tokens", at(emsp, value["uid"]), role="RECEIVER", to=each) for each in (HUB, cpo.party)]

    assert [(each.code, each.data) for each in answers] == [(1000, value)] * 2


@pytest.mark.checklist("TK-04")
async def test_uid_and_type_together_identify_a_token(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    card = await put(emsp)
    app = await put(emsp, uid=card["uid"], type="APP_USER", contract_id="DE-LLU-C2")
    tail = at(emsp, card["uid"])
    puts = await cpo.received(2, tail=tail, method="PUT")

    kept = {
        kind: (await emsp.get("tokens", tail, role="RECEIVER", to=HUB, query={"type": kind} if kind else {})).data
        for kind in ("", "RFID", "APP_USER")
    }
    changed = await emsp.patch(
        "tokens", tail, {"valid": False, "last_updated": LATER}, to=HUB, query={"type": "APP_USER"}
    )
    contradicting = await emsp.put("tokens", tail, card, to=HUB, query={"type": "OTHER"})

    assert kept == {"": card, "RFID": card, "APP_USER": app}
    assert (changed.code, contradicting.code) == (1000, 2001)
    assert [each.query for each in puts] == [{"type": "RFID"}, {"type": "APP_USER"}]
    assert (await arrival(cpo, tail=tail, method="PATCH")).query == {"type": "APP_USER"}
    assert (await emsp.get("tokens", tail, role="RECEIVER", to=HUB)).data == card


@pytest.mark.checklist("TK-05")
async def test_a_cpo_lists_the_tokens_of_the_hub_and_of_a_party(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await put(emsp)
    emsp.objects["tokens"] = [value]

    everyones = [each async for page in cpo.pages("tokens", to=HUB) for each in page.data]
    theirs = await cpo.get("tokens", to=emsp.party)

    assert value in everyones
    assert theirs.data == [value]


@pytest.mark.parametrize("way", ["directed", "open"])
@pytest.mark.checklist("TK-06")
async def test_an_authorization_is_asked_of_the_emsps_sender_interface(
    way: str, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    value = await put(emsp, type="APP_USER")
    tail = f"/{value['uid']}/authorize"
    place = {"location_id": "LOC1", "evse_uids": ["E1", "E2"]}
    info = {"allowed": "ALLOWED", "token": value, "location": place}
    emsp.answer(Answer(info), tail=tail)

    answer = await cpo.post(
        "tokens", tail, place, role="SENDER", to=emsp.party if way == "directed" else None, query={"type": "APP_USER"}
    )

    asked = await arrival(emsp, tail=tail)
    assert (asked.role, asked.json, asked.query) == ("SENDER", place, {"type": "APP_USER"})
    assert (asked.sender, asked.receiver) == (cpo.party, emsp.party)
    assert (answer.code, answer.data, answer.sender) == (1000, info, emsp.party)


@pytest.mark.checklist("TK-07")
async def test_an_authorization_needs_no_body(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await put(emsp)
    emsp.objects["tokens"] = [value]
    tail = f"/{value['uid']}/authorize"

    answer = await cpo.post("tokens", tail, None, role="SENDER", to=emsp.party)

    assert (answer.code, answer.data["allowed"]) == (1000, "ALLOWED")
    assert (await arrival(emsp, tail=tail)).body == b""


@pytest.mark.parametrize("allowed", ["ALLOWED", "BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED"])
@pytest.mark.checklist("TK-08")
async def test_authorization_info_is_relayed_whole(allowed: str, cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    info = example("AuthorizationInfo.full", allowed=allowed, token=token(emsp))
    tail = f"/{unique('TOKEN')}/authorize"
    emsp.answer(Answer(info), tail=tail)

    answer = await cpo.post("tokens", tail, None, role="SENDER", to=emsp.party)

    assert (answer.code, answer.data) == (1000, info)


@pytest.mark.parametrize(
    ("http_status", "status_code"), [(404, 2004), (200, 2004), (200, 2002)], ids=["404", "unknown", "too little"]
)
@pytest.mark.checklist("TK-10", "TK-11", "TK-12")
async def test_an_emsps_refusal_to_authorize_reaches_the_cpo_without_data(
    http_status: int, status_code: int, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    tail = f"/{unique('TOKEN')}/authorize"
    emsp.answer(Answer(None, status_code, http_status, "why not"), tail=tail)

    answer = await cpo.post("tokens", tail, None, role="SENDER", to=emsp.party)

    assert (answer.status, answer.code, answer.message) == (http_status, status_code, "why not")
    assert "data" not in answer.json


@pytest.mark.checklist("TK-10", "TK-11")
async def test_a_token_of_nobody_is_2004_with_404_when_no_receiver_is_named(cpo: PartyPlatform) -> None:
    answer = await cpo.post("tokens", f"/{unique('TOKEN')}/authorize", None, role="SENDER")

    assert (answer.status, answer.code) == (404, 2004)
    assert "data" not in answer.json


@pytest.mark.checklist("TK-13")
async def test_every_authorization_is_asked_anew(cpo: PartyPlatform, emsp: PartyPlatform) -> None:
    value = await put(emsp)
    tail = f"/{value['uid']}/authorize"
    emsp.answer(Answer({"allowed": "ALLOWED", "token": value}), tail=tail)
    first = await cpo.post("tokens", tail, None, role="SENDER", to=emsp.party)
    emsp.answer(Answer({"allowed": "NO_CREDIT", "token": value}), tail=tail)

    second = await cpo.post("tokens", tail, None, role="SENDER", to=emsp.party)

    assert [each.data["allowed"] for each in (first, second)] == ["ALLOWED", "NO_CREDIT"]
    assert len(await emsp.received(2, tail=tail)) == 2
