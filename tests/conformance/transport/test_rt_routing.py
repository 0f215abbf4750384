"""Direct routing: to whom a request goes, and whose name it bears.

Source: OCPI 2.2.1, transport_and_format.asciidoc (Message Routing, Party to Party via Hub).
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.conformance.samples import at, cdr, command, example, session, token, unique
from tests.conformance.transport.conftest import Trio, heard, joined, shared
from tests.conformance.transport.speech import ROUTING, encoded, http, path, request, routing, told
from tests.hubs import HubProcess
from tests.parties import OFFERED, Answer, PartyPlatform, Received


@shared
async def several(hub: HubProcess) -> AsyncIterator[PartyPlatform]:
    """A platform of three parties: a CPO, an eMSP, and one that is both."""
    async with joined(hub, ("CPO", "EMSP")) as (platform,):
        _, country_code, party_id = platform.roles[0]
        platform.roles.append(("EMSP", country_code, party_id))
        assert (await platform.put_credentials()).code == 1000
        yield platform


def parties(platform: PartyPlatform) -> list[str]:
    return list(dict.fromkeys(f"{country_code}-{party_id}" for _, country_code, party_id in platform.roles))


@pytest.mark.checklist("RT-01", "RT-02", "RT-03", "RT-31")
@pytest.mark.parametrize("kind", ["list", "push", "new", "command", "preferences"])
async def test_a_request_goes_to_the_named_partys_endpoint_and_back(trio: Trio, kind: str) -> None:
    cpo, emsp, _ = trio
    mine, wishes = session(cpo, emsp), example("ChargingPreferences.minimal")
    tail = at(cpo, mine["id"])
    calls = {
        "list": (cpo, emsp, "tokens", "SENDER", lambda: cpo.get("tokens", to=emsp.party)),
        "push": (cpo, emsp, "sessions", "RECEIVER", lambda: cpo.put("sessions", tail, mine, to=emsp.party)),
        "new": (cpo, emsp, "cdrs", "RECEIVER", lambda: cpo.post("cdrs", "", cdr(cpo, emsp), to=emsp.party)),
        "command": (
            emsp, cpo, "commands", "RECEIVER",
            lambda: emsp.post("commands", "/START_SESSION", command("StartSession", emsp), to=cpo.party),
        ),
        "preferences": (
            emsp, cpo, "sessions", "SENDER",
            lambda: emsp.put("sessions", "/S1/charging_preferences", wishes, role="SENDER", to=cpo.party),
        ),
    }  # fmt: skip
    asker, answerer, module, role, call = calls[kind]

    answer = await call()

    (got,) = heard(answerer)
    assert (got.module, got.role, got.version) == (module, role, "2.2.1")
    assert {name: value for name, value in got.headers.items() if name in ROUTING} == {
        name.lower(): value for name, value in routing(asker, answerer.party).items()
    }
    assert (answer.code, answer.sender, answer.receiver) == (1000, answerer.party, asker.party)


@pytest.mark.checklist("RT-07")
async def test_nobody_but_the_named_party_gets_it_and_it_gets_it_once(trio: Trio) -> None:
    cpo, emsp, other = trio
    mine = session(cpo, emsp)

    await cpo.put("sessions", at(cpo, mine["id"]), mine, to=emsp.party)
    await cpo.get("tokens", to=emsp.party)

    assert [each.module for each in heard(emsp)] == ["sessions", "tokens"]
    assert heard(other) == heard(cpo) == []


@pytest.mark.checklist("RT-09")
async def test_routing_headers_have_no_case(trio: Trio) -> None:
    cpo, emsp, _ = trio

    answer = await cpo.get("tokens", to=emsp.party.lower(), sender=cpo.party.lower())

    (got,) = heard(emsp)
    assert (answer.code, answer.sender.upper(), answer.receiver.upper()) == (1000, emsp.party, cpo.party)
    assert (got.sender.upper(), got.receiver.upper()) == (cpo.party, emsp.party)


@pytest.mark.checklist("RT-10")
async def test_each_party_of_a_platform_is_addressed_and_speaks_by_its_own_ids(
    trio: Trio, several: PartyPlatform
) -> None:
    several.inbox.clear()

    for party in parties(several):
        answer = await trio.emsp.get("locations", to=party)
        assert (answer.code, answer.sender) == (1000, party)
        asked = await several.get("tokens", to=trio.emsp.party, sender=party)
        assert (asked.code, asked.receiver) == (1000, party)

    assert [each.receiver for each in heard(several)] == parties(several)
    assert [each.sender for each in heard(trio.emsp)] == parties(several)


@pytest.mark.checklist("RT-26")
async def test_a_party_of_two_roles_is_reached_at_the_interface_asked_for(trio: Trio, several: PartyPlatform) -> None:
    several.inbox.clear()
    both = parties(several)[0]
    cpo = trio.cpo
    body = example("Location.minimal", cpo, id=unique("LOC"))

    await trio.emsp.get("locations", to=both)
    await cpo.put("locations", at(cpo, body["id"]), body, to=both)
    await cpo.get("tokens", to=both)
    own = token(trio.emsp, uid=unique("U"))
    await trio.emsp.put("tokens", at(trio.emsp, own["uid"]), own, to=both)

    assert [(each.method, each.module, each.role) for each in heard(several)] == [
        ("GET", "locations", "SENDER"),
        ("PUT", "locations", "RECEIVER"),
        ("GET", "tokens", "SENDER"),
        ("PUT", "tokens", "RECEIVER"),
    ]


@pytest.mark.checklist("RT-13")
@pytest.mark.parametrize("pretended", ["other", "hub", "nobody"])
async def test_a_sender_that_is_not_the_callers_is_refused(trio: Trio, pretended: str) -> None:
    cpo, emsp, other = trio
    sender = {"other": other.party, "hub": "NL-HUB", "nobody": "XX-XXX"}[pretended]

    answer = await cpo.get("tokens", to=emsp.party, sender=sender)

    assert (answer.status, answer.code) == (200, 2001)
    assert heard(emsp) == []


@pytest.mark.checklist("RT-14")
async def test_a_sender_left_out_is_filled_in_where_there_is_one_and_refused_where_several(
    trio: Trio, several: PartyPlatform
) -> None:
    by_one = await trio.cpo.get("tokens", to=trio.emsp.party, sender="")
    by_several = await several.get("tokens", to=trio.emsp.party, sender="")

    (got,) = heard(trio.emsp)
    assert (by_one.code, got.sender, by_one.receiver) == (1000, trio.cpo.party, trio.cpo.party)
    assert (by_several.status, by_several.code) == (200, 2001)


@pytest.mark.checklist("RT-19", "RT-14")
@pytest.mark.parametrize("missing", sorted(ROUTING))
async def test_half_an_address_is_refused(trio: Trio, missing: str) -> None:
    cpo, emsp, _ = trio
    headers = {name: value for name, value in routing(cpo, emsp.party).items() if name.lower() != missing}
    mine = session(cpo, emsp)

    answer = await cpo.send(
        "PUT", cpo.hub_endpoints["sessions", "RECEIVER"] + at(cpo, mine["id"]), body=mine, headers=headers
    )

    assert (answer.status, answer.code) == (200, 2001)
    assert heard(emsp) == []


@pytest.mark.checklist("RB-06")
@pytest.mark.parametrize("repeated", sorted(ROUTING))
@pytest.mark.parametrize("value", ["same", "another"])
async def test_a_routing_header_that_stands_twice_is_2001_and_reaches_nobody(
    trio: Trio, repeated: str, value: str
) -> None:
    cpo, emsp, other = trio
    headers = list(routing(cpo, emsp.party).items())
    given = dict(headers)
    another = routing(emsp, other.party)
    said = next(name for name in given if name.lower() == repeated)
    headers.append((repeated.title(), given[said] if value == "same" else another[said]))
    url = cpo.hub_endpoints["tokens", "SENDER"]

    answer = await told(url, request(cpo, "GET", path(url), headers=headers))

    assert (answer.status, answer.code) == (200, 2001)
    assert heard(emsp) == heard(other) == []


@pytest.mark.checklist("RT-15")
async def test_a_receiver_without_the_module_is_not_called(trio: Trio) -> None:
    cpo, emsp, _ = trio

    wrong_side = await cpo.get("locations", to=emsp.party)
    wrong_receiver = await emsp.post("tokens", "/U1/authorize", None, role="SENDER", to=cpo.party)

    assert (wrong_side.status, wrong_side.code) == (200, 3003)
    assert (wrong_receiver.status, wrong_receiver.code) == (200, 3003)
    assert heard(emsp) == heard(cpo) == []


@pytest.mark.checklist("RT-18", "TR-26", "RT-23")
async def test_urls_come_from_the_version_details_and_change_with_a_put(hub: HubProcess, trio: Trio) -> None:
    async with joined(hub, "EMSP") as (emsp,):
        elsewhere = f"{emsp.origin}/ocpi/2.2.1/receiver/moved-to-another-place"
        endpoints = [
            {"identifier": "credentials", "role": "SENDER", "url": f"{emsp.origin}/ocpi/2.2.1/credentials"},
            {"identifier": "sessions", "role": "RECEIVER", "url": elsewhere},
        ]
        emsp.offered.append(("moved-to-another-place", "RECEIVER"))
        mine = session(trio.cpo, emsp)
        before = await trio.cpo.put("sessions", at(trio.cpo, mine["id"]), mine, to=emsp.party)

        emsp.answer(Answer({"version": "2.2.1", "endpoints": endpoints}), module="details")
        assert (await emsp.put_credentials()).code == 1000
        after = await trio.cpo.put("sessions", at(trio.cpo, mine["id"]), mine, to=emsp.party)
        gone = await trio.cpo.post("cdrs", "", cdr(trio.cpo, emsp), to=emsp.party)

        paths = [each.path for each in heard(emsp) if each.method == "PUT"]
        assert (before.code, after.code, gone.code) == (1000, 1000, 3003)
        tail = at(trio.cpo, mine["id"])
        assert paths[0] == f"/ocpi/2.2.1/receiver/sessions{tail}"
        assert paths[1] == f"/ocpi/2.2.1/receiver/moved-to-another-place{tail}"


@pytest.mark.checklist("RT-23")
@pytest.mark.parametrize("all_of_them", [True, False])
async def test_endpoints_with_a_slash_at_the_end_are_joined_with_single_slashes(
    hub: HubProcess, trio: Trio, all_of_them: bool
) -> None:
    async with joined(hub, "EMSP") as (emsp,):
        announced = [
            {"identifier": module, "role": role, "url": emsp.url(module, role) + "/"}
            for module, role in OFFERED["EMSP"]
            if module != "cdrs"
        ]
        announced.append(
            {"identifier": "credentials", "role": "SENDER", "url": f"{emsp.origin}/ocpi/2.2.1/credentials"}
        )
        if not all_of_them:
            announced.append({"identifier": "cdrs", "role": "RECEIVER", "url": emsp.url("cdrs", "RECEIVER")})
        emsp.answer(Answer({"version": "2.2.1", "endpoints": announced}), module="details")
        assert (await emsp.put_credentials()).code == 1000
        await emsp.received(2, module="tokens")  # pulled anew from where it is now
        emsp.inbox.clear()
        mine = session(trio.cpo, emsp)

        await trio.cpo.put("sessions", at(trio.cpo, mine["id"]), mine, to=emsp.party)
        await trio.cpo.get("tokens", to=emsp.party)

        # Who ends every URL with a slash may need one there, too (a quirk); who ends some gets none.
        end = "/" if all_of_them else ""
        assert [each.path for each in heard(emsp)] == [
            f"/ocpi/2.2.1/receiver/sessions{at(trio.cpo, mine['id'])}{end}",
            "/ocpi/2.2.1/sender/tokens/",
        ]


@pytest.mark.checklist("RT-28", "RB-13")
async def test_of_many_requests_at_once_none_is_lost_doubled_or_mixed_up(trio: Trio) -> None:
    cpo, emsp, other = trio

    def echo(request: Received) -> Answer:
        # Later ones answer earlier, so that answers overtake each other.
        number = int(request.tail.rsplit("-", 1)[1])
        return Answer({"was": request.tail}, delay=(number % 7) * 0.004)

    emsp.answer(echo, module="sessions")
    other.answer(echo, module="sessions")
    bodies = [session(cpo, receiver) for _ in range(50) for receiver in (emsp, other)]
    receivers = [emsp, other] * 50

    answers = await asyncio.gather(
        *(cpo.put("sessions", at(cpo, b["id"]), b, to=r.party) for b, r in zip(bodies, receivers, strict=True))
    )

    assert [each.data["was"] for each in answers] == [at(cpo, each["id"]) for each in bodies]
    assert [each.sender for each in answers] == [each.party for each in receivers]
    for platform in (emsp, other):
        got = sorted(each.json["id"] for each in heard(platform))
        assert got == sorted(b["id"] for b, r in zip(bodies, receivers, strict=True) if r is platform)


@pytest.mark.checklist("RT-13", "TR-05")
async def test_routing_headers_give_nobody_another_identity(trio: Trio) -> None:
    """The token decides who calls; what the headers say is held against it."""
    cpo, emsp, other = trio
    headers = routing(emsp, cpo.party) | {"Authorization": f"Token {encoded(other.hub_token)}"}

    answer = await http("GET", cpo.hub_endpoints["locations", "SENDER"], headers=headers)

    assert (answer.status, answer.code) == (200, 2001)
    assert heard(cpo) == []
