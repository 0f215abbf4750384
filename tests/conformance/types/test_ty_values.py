"""Values on their way: numbers and texts across versions, in answers and results, kept and listed; the hub's own times.

Source: OCPI 2.2.1 and 2.3.0, types.asciidoc; transport_and_format.asciidoc, Timestamps and Objects send via Hubs.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.samples import HUB, arrival, at, example, owned, path_of, report, unique
from tests.conformance.types.bodies import BODIES, letter
from tests.conformance.types.conftest import Pair
from tests.parties import Answer, PartyPlatform

JSON = Any
EACH_VERSION = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
ROOT = Path(__file__).parents[3]
SPECIFICATION = Path(os.environ.get("EMALL_SPEC_EXAMPLES") or ROOT.parent / "shared" / "specification")
EXPECTED: dict[str, dict[str, Any]] = json.loads((ROOT / "tests" / "spec_examples.json").read_text())

#: The specification's examples of what parties send each other.
SPECIFIED = [file for file, expected in EXPECTED.items() if expected["object"] in BODIES]

#: NFC and NFD, right to left, beyond the BMP, joined, and what HTML or a careless writer would escape.
TEXT = (
    "Cafe\u0301 Caf\u00e9 \u5145\u96fb \U0001f50c\U0001f469\u200d\U0001f527 "
    "\u05d0\u0627 \u2126 \ufb01 <&>\"'\\/ \u00a0."
)


def specified(file: str) -> Iterator[JSON]:
    """Yield the objects of an example: it may be one, or inside an envelope, or a list there."""
    value, expected = json.loads((SPECIFICATION / file).read_text()), EXPECTED[file]
    value = value[expected["at"]] if "at" in expected else value
    yield from value if expected.get("each") else [value]


@pytest.mark.skipif(not SPECIFICATION.is_dir(), reason="the specification's examples are not here")
@pytest.mark.parametrize("file", SPECIFIED)
@pytest.mark.checklist("TY-02")
async def test_each_example_of_the_specification_passes_or_has_an_erratum(file: str, pairs: dict[str, Pair]) -> None:
    expected = EXPECTED[file]
    name, method = expected["object"], "PATCH" if expected.get("partial") else None
    for value in specified(file):
        sent = letter(name, "minimal", pairs[expected["version"]])
        ids = {each: sent.body[each] for each in ("country_code", "party_id", "id", "uid") if each in sent.body}
        body = value | {each: ids[each] for each in ids if method is None or each in value}
        if name == "Token" and "type" in body:
            sent = replace(sent, query={"type": body["type"]})

        answer, came = await sent.send(body, method=method)

        if "fault" in expected:
            assert (answer.code, came) == (2001, None)
            assert expected["fault"] in answer.message
        else:
            assert answer.code == 1000, answer.message
            assert came is not None
            assert came.json == body


ANSWERS = {
    "AuthorizationInfo": "LocationReferences",
    "CommandResponse": "StartSession",
    "ChargingProfileResponse": "SetChargingProfile",
}


@EACH_VERSION
@pytest.mark.parametrize("size", ["minimal", "full"])
@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.checklist("TY-01", "TY-08")
async def test_each_answer_with_required_fields_only_and_with_all_comes_back_as_it_was_given(
    name: str, size: str, version: str, pairs: dict[str, Pair]
) -> None:
    asked = letter(ANSWERS[name], "full", pairs[version])
    data = example(f"{name}.{size}", version=version)
    if "token" in data:
        data["token"] |= owned(asked.receiver)
    asked.receiver.answer(Answer(data), module=asked.module, method=asked.method)

    answer, _ = await asked.send()

    assert (answer.code, answer.data) == (1000, data)


RESULTS = {"CommandResult": "StartSession", "ChargingProfileResult": "SetChargingProfile"}


@EACH_VERSION
@pytest.mark.parametrize("size", ["minimal", "full"])
@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.checklist("TY-01", "TY-08")
async def test_each_result_with_required_fields_only_and_with_all_arrives_as_it_was_posted(
    name: str, size: str, version: str, pairs: dict[str, Pair]
) -> None:
    asked = letter(RESULTS[name], "full", pairs[version])
    _, came = await asked.send()
    assert came is not None
    result = example(f"{name}.{size}", version=version)

    answer = await report(asked.receiver, came.json["response_url"], result, to=asked.sender.party)

    posted = await arrival(asked.sender, path=path_of(asked.body["response_url"], asked.sender.origin))
    assert (answer.code, posted.json) == (1000, result)


@EACH_VERSION
@pytest.mark.checklist("TY-05", "TY-06", "TY-08")
async def test_what_is_kept_is_listed_read_and_spread_with_its_digits_and_letters(
    version: str, pairs: dict[str, Pair]
) -> None:
    cpo, emsp = pairs[version]
    tariff = example("Tariff.full", cpo, version=version, id=unique("T"), x_vendor={"deep": [1, {"a": None}]})
    tariff["tariff_alt_text"] = [{"language": "nl", "text": TEXT}]
    tariff["elements"][0]["price_components"][0]["price"] = -1234567890.1234
    escaped = json.dumps(tariff).encode()  # as \u escapes; the hub may say the same in another way, not another thing

    await cpo.call("PUT", "tariffs", at(cpo, tariff["id"]), to=HUB, content=escaped)

    read = await cpo.get("tariffs", at(cpo, tariff["id"]), role="RECEIVER", to=HUB)
    listed = [each async for page in emsp.pages("tariffs", to=HUB) for each in page.data]
    spread = await arrival(emsp, tail=at(cpo, tariff["id"]), method="PUT")
    assert read.data == tariff
    assert tariff in listed
    assert spread.json == tariff


@EACH_VERSION
@pytest.mark.checklist("TY-06", "TY-08")
async def test_text_passes_in_answers_and_messages_of_others_unchanged(version: str, pairs: dict[str, Pair]) -> None:
    asked = letter("StartSession", "minimal", pairs[version])
    data = {"result": "REJECTED", "timeout": 30, "message": [{"language": "nl", "text": TEXT}], "x_new": {"é": [1.5]}}
    asked.receiver.answer(Answer(data, status_message=TEXT), module="commands")

    answer, _ = await asked.send()

    assert (answer.data, answer.message) == (data, TEXT)


def exactly(body: bytes) -> JSON:
    """Return a JSON text with its numbers exact."""
    return json.loads(body, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize(
    ("without", "with_tax"),
    [
        ("0.1", "0.3"),
        ("1.1", "1.3311"),
        ("-20.04", "-24.2484"),
        ("0", "0.0001"),
        ("12345678901.1234", "12345678901.1235"),
    ],
)
@pytest.mark.checklist("TY-05")
async def test_money_keeps_its_value_in_another_version(without: str, with_tax: str, pairs: dict[str, Pair]) -> None:
    cpo, emsp = pairs["2.2.1"].cpo, pairs["2.3.0"].emsp
    sent = letter("CDR", "minimal", Pair(cpo, emsp))
    text = json.dumps(sent.body | {"total_cost": "@"}).replace(
        '"@"', f'{{"excl_vat": {without}, "incl_vat": {with_tax}}}'
    )

    answer, came = await sent.send(text.encode())

    assert answer.code == 1000, answer.message
    assert came is not None
    cost = exactly(came.body)["total_cost"]
    assert cost["before_taxes"] == Decimal(without)
    assert sum(tax["amount"] for tax in cost["taxes"]) == Decimal(with_tax) - Decimal(without)
    assert exactly(came.body)["total_energy"] == Decimal(str(sent.body["total_energy"]))


def moments(value: JSON) -> Iterator[str]:
    """Yield every DateTime of what the hub says of itself."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name in ("timestamp", "last_updated"):
                yield each
            else:
                yield from moments(each)
    elif isinstance(value, list):
        for each in value:
            yield from moments(each)


@EACH_VERSION
@pytest.mark.checklist("TY-17")
async def test_every_date_time_of_the_hub_has_one_of_the_six_forms(version: str, pairs: dict[str, Pair]) -> None:
    cpo, emsp = pairs[version]

    answers = [
        await cpo.send("GET", cpo.hub_url),
        await cpo.send("GET", cpo.hub_versions[version]),
        await cpo.credentials_call("GET"),
        await cpo.get("hubclientinfo"),
        await emsp.get("locations", to=HUB),
        await emsp.get("locations", to="XX-NON"),
        await cpo.put("locations", at(cpo, "L1"), {}, to=HUB),
        await cpo.call("PUT", "locations", at(cpo, "L1"), to=HUB, content=b"{"),
        await cpo.send("GET", cpo.hub_url, token="nobody's"),
        await told(cpo, emsp),
    ]

    said = [moment for answer in answers for moment in moments(answer.json)]
    assert len(said) > len(answers)
    form = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z?", re.ASCII)
    assert [each for each in said if not form.fullmatch(each) or len(each) > 25] == []


async def told(cpo: PartyPlatform, emsp: PartyPlatform) -> Any:
    """Return the answer of a party as it comes through the hub."""
    return await cpo.put(
        "tariffs", at(cpo, "T-TOLD"), example("Tariff.minimal", cpo, version=cpo.version, id="T-TOLD"), to=emsp.party
    )
